"""Clocks and counters of pcapng in the bulk path, and where it asks the plain one."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

pytest.importorskip("numba")

from bluezone_harness.bulk import reading
from bluezone_harness.checks.captures import Capture
from bluezone_harness.sources.pcapng import PcapngSource

pytestmark = pytest.mark.req("BZ-ADV-001")

START_US = 1_596_866_191_387_000
Write = Callable[..., bytes]
Read = Callable[[bytes], Capture]
MayRead = Callable[[bytes], Capture | None]


@pytest.mark.parametrize(("exponent", "steps"), [(0, 1), (3, 1), (6, 1), (7, 1), (9, 1), (10, 20)])
def test_clocks_of_every_resolution(
    section: bytes,
    interface: Write,
    enhanced: Write,
    heard: Write,
    equal: Read,
    exponent: int,
    steps: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = []
    step = PcapngSource.step

    def counted(self: PcapngSource) -> object:
        called.append(self)
        return step(self)

    monkeypatch.setattr(PcapngSource, "step", counted)
    ticks = START_US * 10**exponent // 10**6
    options = struct.pack("<HHBxxx", 9, 1, exponent)
    found = equal(section + interface(256, options) + enhanced(ticks, heard()) * 20)
    assert found.folded.first_us == ticks * 10**6 // 10**exponent
    # the plain path is asked for the first packet, and where ticks are more than the loop counts
    assert len(called) == steps


def test_lost_packets_are_counted_as_the_plain_path_does(
    section: bytes, interface: Write, enhanced: Write, heard: Write, equal: Read
) -> None:
    lost = struct.pack("<HHQ", 4, 8, 3)
    blocks = [
        enhanced(START_US + 1000 * index, heard(), options=lost if index == 15 else b"")
        for index in range(30)
    ]
    found = equal(section + interface(256) + b"".join(blocks))
    assert "packets were lost by the receivers, as they say: 3" in [
        each.message for each in found.diagnostics
    ]


def test_where_the_plain_path_is_asked_too_often_it_reads_on(
    section: bytes,
    interface: Write,
    enhanced: Write,
    heard: Write,
    equal: Read,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_FIRST_STEPS", 3)
    monkeypatch.setattr(reading, "_TOLD", 4)
    lost = struct.pack("<HHQ", 4, 8, 3)
    file = section + interface(256)
    file += b"".join(enhanced(START_US + 1000 * index, heard(), options=lost) for index in range(30))
    assert equal(file).packets == 30


@pytest.mark.parametrize("seconds", [-(1 << 45), 1 << 45])
def test_a_clock_beyond_all_use_is_left_to_the_plain_path(
    section: bytes, interface: Write, enhanced: Write, heard: Write, fast: MayRead, seconds: int
) -> None:
    options = struct.pack("<HHq", 14, 8, seconds)
    assert fast(section + interface(256, options) + enhanced(START_US, heard())) is None
