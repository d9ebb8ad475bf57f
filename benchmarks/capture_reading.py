"""How fast captures are read, one advert taken apart, and a command begun: beside others, in turns, against goals.

    python benchmarks/capture_reading.py [--packets N] [--rounds N] [--markdown FILE]

Captures of several sizes are written by struct alone: 200 Bluezone phones (30 % of the packets; each advertises for
15 s of every 30 s, with a new id and address every 15 min) among 300 other devices, pcap of link type 201. Each sends
an advert a second, as the app did, so that ten million are a night; in the *busy* capture it sends ten, so that they
are an hour. Each reader runs in a process of its own, all of them in every round, so that a machine that does other
things hurts all alike; slow ones get a smaller capture, and rates are compared by the packet. A reader that counts
other packets than were written ends the run. They do not do the same work: ``cat`` only copies, dpkt and scapy's raw
reader only cut packets out, tshark and scapy dissect them, this project's paths fold every advert into sightings and
hash the file.

scapy, dpkt, tshark, numba are no dependencies of the project; who is not there is left out and named.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

START_US = 1_597_042_800_000_000  # 2020-08-10T07:00:00Z
SLOT_S = 900
PHONES = 200
OTHERS = 300
OTHERS_A_BEAT = 233
"""Adverts of other devices while each phone may send one, and 100 of these do: 30 % are Bluezone's."""
ADVERTS = 20_000
"""Of Android phones, taken apart one by one."""
EXACT = "0201020fffb522b9a665d754fe65e665d76a450303564e"


# --- captures ---


def records(count: int, rate: int) -> Iterator[bytes]:
    """Yield the records of so many packets, in order of time; each sender has so many a second."""
    known: dict[tuple[int, int], bytes] = {}
    heard = 0
    beat = 0
    while True:
        second = beat // rate
        slot = second // SLOT_S
        if beat % (SLOT_S * rate) == 0:
            known.clear()
        senders = [phone for phone in range(PHONES) if (second + phone * 30 // PHONES) % 30 < 15]
        senders += [PHONES + (beat * OTHERS_A_BEAT + each) % OTHERS for each in range(OTHERS_A_BEAT)]
        step_us = 1_000_000 // rate // len(senders)
        for place, sender in enumerate(senders):
            packet = known.get((sender, slot))
            if packet is None:
                packet = known[sender, slot] = report(sender, slot)
            time_us = START_US + beat * 1_000_000 // rate + place * step_us
            yield struct.pack("<IIII", *divmod(time_us, 1_000_000), len(packet), len(packet)) + packet
            heard += 1
            if heard == count:
                return
        beat += 1


def report(sender: int, slot: int) -> bytes:
    """Return the advertising report of a sender in a slot, as a controller hands it to its host."""
    name = sha256(b"%d %d" % (sender, slot)).digest()
    if sender < PHONES:
        ad = bytes.fromhex("0201020fffb522") + name[:12] + bytes.fromhex("0303564e")
    else:
        ad = bytes.fromhex("02011a0aff4c001005") + name[:6]
    body = b"\x02\x01\x00\x01" + name[12:17] + b"\x5a" + bytes([len(ad)]) + ad + bytes([0xC4 - sender % 40])
    return b"\x00\x00\x00\x01\x04\x3e" + bytes([len(body)]) + body


def write(path: Path, count: int, rate: int = 1) -> None:
    """Write a capture of so many packets."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 201))
        file.writelines(records(count, rate))


# --- what is measured, each in a process of its own ---


def read_plain(path: Path) -> int:
    """Read and fold by the plain path."""
    from bluezone_harness.checks.captures import read_capture
    from bluezone_harness.sources import open_source

    with path.open("rb") as file:
        return read_capture(open_source(path.name, file)).packets


def read_bulk(path: Path) -> int:
    """Read and fold by the bulk path, which needs the extra ``fast``."""
    from bluezone_harness.bulk import read_capture_fast

    with path.open("rb") as file:
        found = read_capture_fast(path.name, file)
    if found is None:
        raise SystemExit("the bulk path does not serve this capture")
    return found.packets


def read_dpkt(path: Path) -> int:
    """Cut packets out by dpkt."""
    reader = importlib.import_module("dpkt").pcap.Reader
    with path.open("rb") as file:
        return sum(1 for _ in reader(file))


def read_scapy_raw(path: Path) -> int:
    """Cut packets out by scapy."""
    reader = importlib.import_module("scapy.utils").RawPcapReader
    with reader(str(path)) as packets:
        return sum(1 for _ in packets)


def read_scapy(path: Path) -> int:
    """Dissect packets by scapy."""
    importlib.import_module("scapy.layers.bluetooth")
    reader = importlib.import_module("scapy.utils").PcapReader
    with reader(str(path)) as packets:
        return sum(1 for _ in packets)


@cache
def adverts(*, usual: bool) -> list[bytes]:
    """Return AdvData of Android phones; unless usual, with the service UUID before the id."""
    head, tail = bytes.fromhex("020102"), bytes.fromhex("0303564e")
    made = (bytes.fromhex("0fffb522") + sha256(b"%d" % each).digest()[:12] for each in range(ADVERTS))
    return [head + each + tail if usual else head + tail + each for each in made]


def take_apart(path: Path) -> int:
    """Read adverts as they mostly are."""
    from bluezone_reference.advertisement import decode_advertisement

    for each in adverts(usual=True):
        decode_advertisement(each)
    return ADVERTS


def take_apart_others(path: Path) -> int:
    """Read adverts in another order, which take the long way."""
    from bluezone_reference.advertisement import decode_advertisement

    for each in adverts(usual=False):
        decode_advertisement(each)
    return ADVERTS


def take_apart_by_construct(path: Path) -> int:
    """Read adverts by a general list of AD structures."""
    from bluezone_reference.ad_structures import adv_data_format

    read = adv_data_format().parse
    for each in adverts(usual=True):
        read(each)
    return ADVERTS


MEASURED: dict[str, tuple[str, Callable[[Path], int]]] = {
    "plain": ("bluezone_harness.sources", read_plain),
    "bulk": ("numba", read_bulk),
    "bulk, busy": ("numba", read_bulk),
    "dpkt": ("dpkt", read_dpkt),
    "scapy raw": ("scapy.utils", read_scapy_raw),
    "scapy": ("scapy.layers.bluetooth", read_scapy),
    "one advert": ("bluezone_reference.advertisement", take_apart),
    "one advert, another order": ("bluezone_reference.advertisement", take_apart_others),
    "one advert, construct": ("construct", take_apart_by_construct),
}
"""By name: a module that must be there, and what is measured without its import."""


def measure(name: str, path: Path) -> None:
    """Measure in this process; print how many there were, and the seconds."""
    module, run = MEASURED[name]
    importlib.import_module(module)
    # what is made, imported, or compiled and kept at the first time is not measured
    if path.is_file():
        with tempfile.NamedTemporaryFile() as small:
            write(Path(small.name), 1000)
            run(Path(small.name))
    else:
        run(path)
    before = time.perf_counter()
    count = run(path)
    print(count, time.perf_counter() - before)


@dataclass(slots=True)
class Row:
    """Something that is measured, and what came of it.

    Attributes:
        name: In the table.
        count: Packets or adverts; 1 for a command.
        path: Of the capture.
        command: What to run; empty where ``measure`` does it.
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
        command = self.command or (sys.executable, __file__, "--measure", self.name, str(self.path))
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
    parser.add_argument("--measure", nargs=2, metavar=("NAME", "PATH"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure[0], Path(asked.measure[1]))
        return
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
