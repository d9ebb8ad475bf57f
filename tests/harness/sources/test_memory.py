"""However long a capture is, reading it takes no more memory, and it is read as it comes."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from bluezone_harness.observations import Advert
from bluezone_harness.sightings import fold
from bluezone_harness.sources import open_source

pytestmark = pytest.mark.req("BZ-ADV-001")

AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
GROWTH_OCTETS = 64 * 1024


class Endless(io.BytesIO):
    """A pipe from which octets come that nobody holds: a head, one record many times, an end."""

    def __init__(self, head: bytes, record: bytes, times: int, end: bytes = b"") -> None:
        super().__init__()
        self._parts = self._all_parts(head, record, times, end)
        self.given = 0

    def _all_parts(self, head: bytes, record: bytes, times: int, end: bytes) -> Iterator[bytes]:
        yield head
        for start in range(0, times, 1000):
            yield record * min(1000, times - start)
        if end:
            yield end

    def read1(self, size: int | None = -1, /) -> bytes:
        chunk = next(self._parts, b"")
        self.given += len(chunk)
        return chunk


@pytest.fixture(scope="module")
def streams(
    pcap: Callable[..., bytes],
    pcapng: Callable[..., bytes],
    enhanced: Callable[..., bytes],
    btsnoop: Callable[..., bytes],
    heard: Callable[..., bytes],
    report: Callable[..., bytes],
) -> dict[str, Callable[[int], Endless]]:
    packet = heard(bytes.fromhex("0100000000 5a") + AD)
    event = report(bytes.fromhex("5a0000000001"), AD)
    head = {"schema": 1, "source": "simulate", "receiver": "", "capabilities": {}}
    line = {"kind": "advert", "time_us": 7, "address": "5a:00:00:00:00:01", "ad": AD.hex()}
    lines = [json.dumps(each).encode() + b"\n" for each in (head, line, {"kind": "end", "reason": "done"})]
    record = struct.pack("<IIII", 0, 7, len(packet), len(packet)) + packet
    return {
        "pcap": lambda times: Endless(pcap([]), record, times),
        "pcapng": lambda times: Endless(pcapng([]), enhanced(7, packet), times),
        "btsnoop": lambda times: Endless(btsnoop([]), btsnoop([(7, event)])[16:], times),
        "recording": lambda times: Endless(lines[0], lines[1], times, lines[2]),
    }


def peak_octets(stream: Endless, packets: int) -> int:
    tracemalloc.start()
    try:
        source = open_source("air", stream)
        folded = fold("air", source)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert source.diagnostics == ()
    assert source.packets == folded.adverts == packets
    assert [each.count for each in folded.sightings] == [packets]
    return peak


@pytest.mark.parametrize("name", ["pcap", "pcapng", "btsnoop", "recording"])
def test_memory_does_not_grow(streams: dict[str, Callable[[int], Endless]], name: str) -> None:
    large = 8_000 if name == "recording" else 20_000
    small_peak = peak_octets(streams[name](3_000), 3_000)
    assert peak_octets(streams[name](large), large) <= small_peak + GROWTH_OCTETS


@pytest.mark.parametrize("name", ["pcap", "pcapng", "btsnoop", "recording"])
def test_a_capture_is_read_as_it_comes(streams: dict[str, Callable[[int], Endless]], name: str) -> None:
    stream = streams[name](10_000)
    observations = iter(open_source("air", stream))
    first = next(observations)
    assert isinstance(first, Advert)
    assert stream.given < 200_000
    assert sum(1 for _ in observations) == 9_999
