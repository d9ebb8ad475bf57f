"""``bzc sniff`` killed while a stream comes: what is left can be read, and less than a second of it is lost.

A sniffer's stream is written into a pipe in real time, and the process that listens is killed at an instant that is
drawn. What still lies in the pipe it never had. Of what it took out, less than a second may be missing; while it stood
still, as on a machine that is busy with others, it took nothing, and that time does not count.
"""

from __future__ import annotations

import array
import json
import os
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from bluezone_harness.cli import bzc
from bluezone_harness.observations import AddressType, Advert, Observation, PduType
from bluezone_harness.sources import open_source

if sys.platform != "win32":
    from fcntl import ioctl
    from termios import FIONREAD

pytestmark = [
    pytest.mark.req("BZ-ADV-001"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
    pytest.mark.usefixtures("short_search"),
]

START_US = 1_597_046_400_000_000
A_SECOND_NS = 1_000_000_000
A_SECOND = 500
"""Adverts."""
LONGEST_S = 2.5
STILL_NS = 100_000_000
"""Who takes nothing for so long, while there is something, stands still."""
WAIT_S = 300
PCAP = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 201)
DEVICE = {"base_id": "4c5224b397f8ab38" * 4, "base_day": "2020-08-08"}


def ad_of(index: int) -> bytes:
    return b"\x02\x01\x02\x0f\xff\xb5\x22" + bytes([index % 40]) * 12 + b"\x03\x03\x56\x4e"


def address_of(index: int) -> bytes:
    return b"\x5a\0\0\0\0" + bytes([index % 40])


def packet(index: int) -> bytes:
    """Return an HCI LE Advertising Report as a record of a pcap file."""
    ad = ad_of(index)
    report = b"\x02\x01\x00\x01" + address_of(index)[::-1] + bytes([len(ad)]) + ad + b"\xc4"
    octets = b"\0\0\0\x01\x04\x3e" + bytes([len(report)]) + report
    time_us = START_US + index * 1_000_000 // A_SECOND
    return struct.pack("<IIII", *divmod(time_us, 1_000_000), len(octets), len(octets)) + octets


def heard_advert(index: int, number: int) -> Advert:
    kinds = (AddressType.RESOLVABLE, PduType.ADV_IND)
    time_us = START_US + index * 1_000_000 // A_SECOND
    return Advert(number, time_us, "", address_of(index), *kinds, ad_of(index), -60, None)


@dataclass
class Child:
    """A process that listens, and what became of each advert that was written to it."""

    number: int
    folder: Path
    after_s: float
    written: int = 0
    octets: int = 0
    ends: list[int] = field(default_factory=list)
    taken_ns: list[int] = field(default_factory=list)
    ready_ns: int = 0

    def __post_init__(self) -> None:
        # this end of the pipe stays open here, so that what lies in it can be counted when the child is gone
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.writing, False)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bluezone_harness", "sniff", "-", "--out", f"{self.number}.jsonl"],
            cwd=self.folder,
            stdin=self.reading,
            stderr=subprocess.DEVNULL,
        )
        self.begun_ns = time.monotonic_ns()
        self.write(PCAP)

    @property
    def recording(self) -> Path:
        return self.folder / f"{self.number}.jsonl"

    def write(self, octets: bytes) -> bool:
        """Write to the pipe, unless it is full."""
        if self.octets - self.taken() + len(octets) > 32_768:
            return False
        self.octets += os.write(self.writing, octets)
        return True

    def taken(self) -> int:
        """Return how many octets the child has taken out of the pipe."""
        left = array.array("i", [0])
        ioctl(self.reading, FIONREAD, left)
        return self.octets - left[0]

    def go_on(self) -> None:
        """Write what is due, and note what was taken."""
        due = (time.monotonic_ns() - self.begun_ns) * A_SECOND // A_SECOND_NS
        for _ in range(due - self.written):
            if not self.write(packet(self.written)):
                self.begun_ns += A_SECOND_NS // A_SECOND  # what could not be written was never sent
                continue
            self.written += 1
            self.ends.append(self.octets)
        taken, now_ns = self.taken(), time.monotonic_ns()
        while len(self.taken_ns) < self.written and self.ends[len(self.taken_ns)] <= taken:
            self.taken_ns.append(now_ns)
        if not self.ready_ns and self.recording.exists() and self.recording.stat().st_size:
            self.ready_ns = now_ns

    def is_due(self) -> bool:
        """Tell whether it is to be killed now."""
        return bool(self.ready_ns) and time.monotonic_ns() - self.ready_ns >= self.after_s * A_SECOND_NS

    def kill(self) -> None:
        self.process.kill()
        assert self.process.wait(WAIT_S) == -signal.SIGKILL
        self.go_on()
        os.close(self.reading)
        os.close(self.writing)

    def lost_ns(self, found: list[Observation], first: int) -> int:
        """Hold what was read to what was written, and return for how long what is missing was taken."""
        assert len(found) <= len(self.taken_ns)
        assert found == [heard_advert(index, first + index) for index in range(len(found))]
        missing = self.taken_ns[len(found) :]
        return sum(min(after - before, STILL_NS) for before, after in pairwise(missing))


def read(path: Path) -> tuple[list[Observation], list[str]]:
    with path.open("rb") as file:
        source = open_source(path.name, file)
        return [*source], [each.message for each in source.diagnostics]


def assert_readable(child: Child) -> int:
    """Hold what a killed child left to what it took, and return for how long (ns) what is missing was taken."""
    found, damage = read(child.recording)
    assert len(damage) == 1
    assert "the recording is cut: " in damage[0] or "cannot be read" in damage[0]
    lost_ns = child.lost_ns(found, 2)
    packets = child.recording.with_suffix(".pcapng")
    if packets.stat().st_size:
        captured, damage = read(packets)
        assert all("a block" in each for each in damage)
        lost_ns = max(lost_ns, child.lost_ns(captured, 1))
    assert lost_ns < A_SECOND_NS
    return lost_ns


def assert_judged(recording: Path) -> None:
    """Let ``bzc check`` judge a recording that was cut."""
    device = recording.with_name("device.json")
    device.write_text(json.dumps(DEVICE))
    done = CliRunner().invoke(bzc, ["check", str(recording), "--device", str(device), "--json"])
    assert done.exit_code in (0, 1, 2), done.output
    assert json.loads(done.stdout)["partial"] is True


def assert_kills(folder: Path, seed: str, count: int, at_once: int) -> None:
    random = Random(seed)
    after_s = [random.uniform(0, LONGEST_S) for _ in range(count)]
    waiting = [*range(count)]
    running: list[Child] = []
    over: list[Child] = []
    end_s = time.monotonic() + WAIT_S
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                number = waiting.pop(0)
                running.append(Child(number, folder, after_s[number]))
            for child in [*running]:
                assert child.process.poll() is None, "it ended before it was killed"
                child.go_on()
                if child.is_due():
                    running.remove(child)
                    child.kill()
                    over.append(child)
            assert time.monotonic() < end_s
            time.sleep(0.002)
    finally:
        for child in running:
            child.process.kill()
            child.process.wait()
    lost_ms = []
    for child in over:
        print(f"seed {seed!r}, child {child.number}: killed after {child.after_s:.3f} s")
        lost_ms.append(assert_readable(child) // 1_000_000)
    print(f"lost {max(lost_ms)} ms at most, {sorted(lost_ms)[count // 2]} in the middle")
    assert len(lost_ms) == count
    assert any(child.recording.stat().st_size > 10_000 for child in over)
    assert_judged(max((child.recording for child in over), key=lambda path: path.stat().st_size))


def test_killed_at_some_instants(tmp_path: Path) -> None:
    assert_kills(tmp_path, "a few", 3, 3)


@pytest.mark.long
def test_killed_at_many_instants(tmp_path: Path) -> None:
    assert_kills(tmp_path, "many", 25, 4)
