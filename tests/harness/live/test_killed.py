"""Killed at any instant, a session leaves a recording and packets that can be read, and loses less than a second."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from bluezone_harness.cli import check
from bluezone_harness.observations import AddressType, Advert, Observation, PduType
from bluezone_harness.sources import open_source

pytestmark = [
    pytest.mark.req("BZ-ADV-001"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and no fork"),
]

KILLS_AT_ONCE = 5
KILLS = 200
EACH_BY_OTHERS = 40
"""Of so many recordings one is judged by ``bzc check``, and its packets are read by tshark, as that takes longer."""
A_SECOND_NS = 1_000_000_000
START_US = 1_596_866_191_000_000
PROGRAM = Path(__file__).with_name("killed_recorders.py")


@dataclass(frozen=True)
class Killed:
    """What a child heard, each with the instant (ns), and when it was killed."""

    number: int
    after_ms: int
    heard: list[tuple[int, int]]
    kill_ns: int
    signal: int


def killed(folder: Path, seed: str, count: int) -> Iterator[Killed]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(PROGRAM), str(folder), seed, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield Killed(**json.loads(line))
    assert process.returncode == 0


def heard_advert(index: int, number: int, receiver: str) -> Advert:
    """Return what a child hears at a place, written anew."""
    phone = index % 40
    ad = bytes.fromhex("0201020fffb522") + bytes([phone] * 12) + bytes.fromhex("0303564e")
    address = bytes.fromhex("5a00000000") + bytes([phone])
    kinds = (AddressType.RESOLVABLE, PduType.ADV_IND)
    return Advert(number, START_US + index * 1000, receiver, address, *kinds, ad, -60, None)


def read(path: Path) -> tuple[list[Observation], list[str]]:
    with path.open("rb") as file:
        source = open_source(path.name, file)
        return [*source], [each.message for each in source.diagnostics]


def assert_prefix(found: list[Observation], child: Killed, first: int, receiver: str) -> int:
    """Hold what was read to what was heard, and return for how long (ns) the first that is missing was heard."""
    assert len(found) <= len(child.heard)
    assert found == [heard_advert(index, first + index, receiver) for index in range(len(found))]
    missing = child.heard[len(found) :]
    # a machine that is busy with others may let a child stand still before it is killed: then it heard nothing
    lost_ns = missing[-1][1] - missing[0][1] if missing else 0
    assert lost_ns < A_SECOND_NS
    return lost_ns


def assert_kills(
    folder: Path,
    seed: str,
    count: int,
    each_by_others: int,
    tool: Callable[[str], Path],
    say: Callable[[str], None],
) -> None:
    tshark = tool("tshark")
    lost_ms, told = [], Counter[str]()
    for place, child in enumerate(killed(folder, seed, count)):
        say(f"seed {seed!r}, child {child.number}: killed after {child.after_ms} ms")
        assert child.signal == signal.SIGKILL
        assert [index for index, _ in child.heard] == [*range(len(child.heard))]
        recording, packets = (folder / f"{child.number}.{each}" for each in ("jsonl", "pcapng"))
        found, damage = read(recording)
        lost_ns = assert_prefix(found, child, 2, "left")
        half = not recording.read_bytes().endswith(b"\n")
        assert len(damage) == 1
        assert (f"line {len(found) + 2} cannot be read" if half else "the recording is cut: ") in damage[0]
        captured, damage = read(packets)
        lost_ns = max(lost_ns, assert_prefix(captured, child, 1, ""))
        assert all("a block" in each for each in damage)
        lost_ms.append(lost_ns // 1_000_000)
        told["half a line"] += half
        told["half a block"] += bool(damage)
        if place % each_by_others == 0:
            assert_judged(recording)
            command = [str(tshark), "-r", str(packets), "-T", "fields", "-e", "bthci_evt.bd_addr"]
            run = subprocess.run(command, capture_output=True, text=True, check=not damage)
            assert run.stdout.split() == [
                f"5a:00:00:00:00:{index % 40:02x}" for index in range(len(captured))
            ]
    assert len(lost_ms) == count
    say(f"lost {max(lost_ms)} ms at most, {sorted(lost_ms)[count // 2]} in the middle; {dict(told)}")


def assert_judged(recording: Path) -> None:
    """Let ``bzc check`` judge a recording that was cut."""
    judged = CliRunner().invoke(check.command, [str(recording), "--json"])
    assert judged.exit_code in (0, 1, 2), judged.output
    result = json.loads(judged.stdout)
    assert result["partial"] is True
    assert "Traceback" not in judged.output


@pytest.mark.usefixtures("short_search")
def test_killed_at_some_instants(tmp_path: Path, tool: Callable[[str], Path]) -> None:
    assert_kills(tmp_path, "a few", KILLS_AT_ONCE, KILLS_AT_ONCE, tool, print)


@pytest.mark.long
@pytest.mark.usefixtures("short_search")
def test_killed_at_any_instant(tmp_path: Path, tool: Callable[[str], Path]) -> None:
    assert_kills(tmp_path, "many", KILLS, EACH_BY_OTHERS, tool, print)
