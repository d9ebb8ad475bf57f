"""How fast captures are read, one advert taken apart, and a command begun: beside others, in turns, against goals.

    python benchmarks/capture_reading.py [--packets N] [--rounds N] [--markdown FILE]

Captures of several sizes come from ``made_captures.py``. Each sender in them sends an advert a second, as the app did,
so that ten million are a night; in the *busy* capture it sends ten, so that they are an hour. Each reader runs in a
process of its own (``readers.py``), all of them in every round, so that a machine that does other things hurts all
alike; slow ones get a smaller capture, and rates are compared by the packet. A reader that counts other packets than
were written ends the run. They do not do the same work: ``cat`` only copies, dpkt and scapy's raw reader only cut
packets out, tshark and scapy dissect them, this project's paths fold every advert into sightings and hash the file.

scapy, dpkt, tshark, numba are no dependencies of the project; who is not there is left out and named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from made_captures import write
from readers import ADVERTS, MEASURED

EXACT = "0201020fffb522b9a665d754fe65e665d76a450303564e"
READERS = Path(__file__).with_name("readers.py")


@dataclass(slots=True)
class Row:
    """Something that is measured, and what came of it.

    Attributes:
        name: In the table.
        count: Packets or adverts; 1 for a command.
        path: Of the capture.
        command: What to run; empty where ``readers.py`` does it.
        seconds: Of each round.
        peak_mib: Greatest resident memory.
    """

    name: str
    count: int
    path: Path
    command: tuple[str, ...] = ()
    seconds: list[float] = field(default_factory=list)
    peak_mib: float = 0.0

    def run(self) -> None:
        """Measure once more."""
        command = self.command or (sys.executable, str(READERS), self.name, str(self.path))
        with tempfile.TemporaryFile() as output:
            before = time.perf_counter()
            sink = subprocess.DEVNULL if self.name == "cat" else output
            running = subprocess.Popen(command, stdout=sink, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(running.pid, 0)
            taken = time.perf_counter() - before
            running.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            answer = output.read()
        if not self.command:
            found, seconds = answer.split()
            taken = float(seconds)
        elif self.name == "tshark":
            found = b"%d" % answer.count(b"\n")
        elif self.name.startswith("bzc check"):
            found = b"%d" % json.loads(answer)["inputs"][0]["contents"]["packets"]
        else:
            found = b"%d" % self.count
        if int(found) != self.count:
            raise SystemExit(f"{self.name} counts {int(found)} of {self.count}")
        self.seconds.append(taken)
        self.peak_mib = max(self.peak_mib, usage.ru_maxrss / 1024)


def is_there(name: str) -> bool:
    """Say whether what measures a row is installed."""
    if name in MEASURED:  # nothing is imported: what this process holds would count as its children's memory
        return find_spec(MEASURED[name][0].partition(".")[0]) is not None
    return name not in ("cat", "tshark") or shutil.which(name) is not None


def rows(folder: Path, packets: int) -> list[Row]:
    """Return all that is to be measured, and write the captures for it."""
    captures: dict[tuple[int, int], Path] = {}

    def capture(count: int, rate: int) -> Path:
        if (count, rate) not in captures:
            captures[count, rate] = folder / f"{count}-{rate}.pcap"
            write(captures[count, rate], count, rate)
        return captures[count, rate]

    def reader(name: str, count: int) -> Row:
        path = capture(count, 10 if name.endswith(", busy") else 1)
        commands = {
            "cat": ("cat", str(path)),
            "tshark": ("tshark", "-T", "fields", "-e", "bthci_evt.bd_addr", "-r", str(path)),
            "bzc check": (sys.executable, "-m", "bluezone_harness", "check", str(path), "--json"),
        }
        return Row(name, count, path, commands.get(name.partition(", ")[0], ()))

    few, fewest = max(packets // 100, 1000), max(packets // 1000, 1000)
    none = Path()
    python = (sys.executable, "-c")
    return [
        reader("cat", packets),
        reader("bulk", packets),
        reader("bzc check", packets),
        reader("bulk, busy", packets),
        reader("bzc check, busy", packets),
        reader("plain", packets // 10),
        *(reader(name, few) for name in ("dpkt", "scapy raw", "tshark")),
        reader("scapy", fewest),
        *(Row(name, ADVERTS, none) for name in MEASURED if name.startswith("one advert")),
        Row("python -c pass", 1, none, (*python, "pass")),
        Row("python -c 'import click'", 1, none, (*python, "import click")),
        Row("bzc decode", 1, none, (sys.executable, "-m", "bluezone_harness", "decode", EXACT)),
    ]


# --- what comes of it ---

GOALS = (
    ("reading, bulk", "bulk", "scapy raw", True, 100.0),
    ("reading, beside cat", "cat", "bulk", True, 4.0),
    ("end to end", "bulk", "bzc check", True, 3.0),
    ("end to end, busy", "bulk, busy", "bzc check, busy", True, 3.0),
    ("one advert", "one advert", "one advert, construct", True, 40.0),
    ("start-up", "bzc decode", "python -c 'import click'", False, 1.5),
)
"""What: the first is so many times as fast as the second, at least or (for times, and for peers) at most."""


def ratios(first: Row, second: Row) -> list[float]:
    """Return by how much the first is faster, by the packet, round by round."""
    return [
        (first.count / ours) / (second.count / theirs)
        for ours, theirs in zip(first.seconds, second.seconds, strict=True)
    ]


def table(measured: dict[str, Row]) -> Iterator[str]:
    """Yield the figures as a Markdown table: medians, least and greatest."""
    yield "| what | packets or adverts | a second (median; least to greatest) | memory at its peak |"
    yield "|---|---|---|---|"
    for row in measured.values():
        memory = f"{row.peak_mib:.0f} MiB" if row.count > 1 else ""
        if row.count > 1:
            rates = [row.count / each for each in row.seconds]
            figure = f"{median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
        else:
            taken = [each * 1000 for each in row.seconds]
            figure = f"{median(taken):.0f} ms a run ({min(taken):.0f} to {max(taken):.0f} ms)"
        yield f"| {row.name} | {row.count if row.count > 1 else ''} | {figure} | {memory} |"


def goals(measured: dict[str, Row]) -> Iterator[str]:
    """Yield the goals as a Markdown table."""
    yield "| goal | wanted | measured (median; least to greatest) | |"
    yield "|---|---|---|---|"
    for what, first, second, of_rates, wanted in GOALS:
        if first not in measured or second not in measured:
            continue
        found = ratios(measured[first], measured[second])
        at_least = first in ("bulk", "one advert") and not second.startswith("bzc check")
        if not of_rates:
            found = [1 / each for each in found]
        middle = median(found)
        side = "at least" if at_least else "at most"
        against = f"x {second}" if at_least or not of_rates else f"of {first} to {second}"
        reached = "reached" if (middle >= wanted if at_least else middle <= wanted) else "missed"
        yield (
            f"| {what} | {side} {wanted:g} {against} | {middle:.3g} ({min(found):.3g} to {max(found):.3g}) "
            f"| {reached} |"
        )


def machine() -> str:
    """Say on what was measured, and with which versions."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text().splitlines()
        model = next(
            (each.partition(":")[2].strip() for each in lines if each.startswith("model name")), model
        )
    parts = [f"{model}, {os.cpu_count()} cores", platform.system(), f"Python {platform.python_version()}"]
    for package in ("numpy", "numba", "construct", "click", "scapy", "dpkt"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    if shutil.which("tshark"):
        done = subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=False)
        parts += done.stdout.splitlines()[:1]
    return "; ".join(parts)


def main() -> None:
    """Measure all in turns and print the tables."""
    parser = argparse.ArgumentParser(description="how fast captures are read")
    parser.add_argument("--packets", type=int, default=10_000_000, help="of the large capture")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", type=Path, help="write the tables there too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = rows(Path(folder), asked.packets)
        there = [each for each in found if is_there(each.name)]
        for _ in range(asked.rounds):
            for each in there:
                each.run()
    measured = {each.name: each for each in there}
    parts = [
        f"{machine()}; {asked.rounds} rounds in turns.",
        *map("\n".join, (table(measured), goals(measured))),
    ]
    absent = [each.name for each in found if each not in there]
    if absent:
        parts.append(f"Not there: {', '.join(absent)}.")
    text = "\n\n".join(parts)
    print(text)
    if asked.markdown:
        asked.markdown.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
