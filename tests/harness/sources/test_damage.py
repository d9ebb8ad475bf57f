"""Captures that are cut at every octet, or of which bits are turned: the good records, and one diagnostic."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Observation, Severity, Source
from bluezone_harness.sources import open_source

pytestmark = pytest.mark.req("BZ-ADV-001")

FORMATS = ("pcap", "pcapng", "btsnoop", "recording")
ADDRESSES = tuple(bytes([0x40, 0, 0, 0, 0, number]) for number in range(6))
AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")

Whole = dict[str, tuple[bytes, list[int]]]
"""By format: a capture, and where each of its records ends."""


def recording_lines() -> list[bytes]:
    header: dict[str, object] = {"schema": 1, "source": "simulate", "receiver": "", "capabilities": {}}
    lines = [header] + [
        {"kind": "advert", "time_us": number, "address": address.hex(":"), "ad": AD.hex()}
        for number, address in enumerate(ADDRESSES)
    ]
    lines.append({"kind": "end", "reason": "done"})
    return [json.dumps(line).encode() + b"\n" for line in lines]


@pytest.fixture(scope="module")
def whole(
    pcap: Callable[..., bytes],
    pcapng: Callable[..., bytes],
    btsnoop: Callable[..., bytes],
    heard: Callable[..., bytes],
    report: Callable[..., bytes],
) -> Whole:
    air = [(number, heard(address[::-1] + AD)) for number, address in enumerate(ADDRESSES)]
    host = [(number, report(address, AD)) for number, address in enumerate(ADDRESSES)]
    counts = range(len(air) + 1)
    lines = recording_lines()
    captures = {
        "pcap": [pcap(air[:count]) for count in counts],
        "pcapng": [pcapng(air[:count]) for count in counts],
        "btsnoop": [btsnoop(host[:count]) for count in counts],
        "recording": [b"".join(lines[: count + 1]) for count in counts],
    }
    found = {name: (parts[-1], [len(part) for part in parts]) for name, parts in captures.items()}
    found["recording"] = (b"".join(lines), found["recording"][1])
    return found


def run(octets: bytes) -> tuple[Source, list[Observation]] | None:
    """Read octets to their end; ``None`` where they are refused at once."""
    try:
        source = open_source("air", io.BytesIO(octets))
    except EvidenceError:
        return None
    found = list(source)
    assert source.sha256 == sha256(octets).hexdigest()
    return source, found


@pytest.mark.parametrize("name", FORMATS)
def test_cut_at_every_octet(whole: Whole, name: str) -> None:
    octets, ends = whole[name]
    everything = run(octets)
    assert everything is not None
    assert [each.number for each in everything[1]] == [
        number + (name == "recording") for number in range(1, len(ADDRESSES) + 1)
    ]
    for cut in range(len(octets)):
        read = run(octets[:cut])
        if read is None:
            assert cut < ends[0]
            continue
        source, found = read
        complete = sum(end <= cut for end in ends[1:])
        if name == "recording" and cut + 1 in ends[1:]:
            complete += 1  # a line that lacks its LF alone
        assert found == everything[1][:complete]
        if name == "recording":
            assert len(source.diagnostics) == 1
            continue
        # a capture that is cut between two records cannot be told from a whole one
        assert len(source.diagnostics) == (cut not in ends and not (name == "pcapng" and cut == 28))
        assert source.damaged == bool(source.diagnostics)
        for told in source.diagnostics:
            assert told.severity is Severity.ERROR
            assert told.offset == max(end for end in [*ends, 28 if name == "pcapng" else 0] if end <= cut)


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_turned_bits(whole: Whole, name: str, data: st.DataObject) -> None:
    octets, ends = whole[name]
    damaged = bytearray(octets)
    places = data.draw(st.lists(st.integers(0, len(octets) * 8 - 1), min_size=1, max_size=4, unique=True))
    for place in places:
        damaged[place // 8] ^= 1 << place % 8
    first = min(places) // 8
    good = run(octets)
    assert good is not None
    read = run(bytes(damaged))
    if read is None:
        assert first < ends[0]
        return
    source, found = read
    before = sum(end <= first for end in ends[1:])
    if first >= ends[0]:
        assert found[:before] == good[1][:before]
    errors = [each for each in source.diagnostics if each.severity is Severity.ERROR]
    assert len(errors) <= 1
    assert len({each.message.partition(":")[0] for each in source.diagnostics}) == len(source.diagnostics)
    assert all(each.offset is not None and each.offset <= len(octets) for each in source.diagnostics)
    # nothing is lost without a word; but a block of pcapng whose kind is not known must be passed over
    kinds = [end + octet for end in ends for octet in range(4)] if name == "pcapng" else []
    if any(place // 8 in kinds for place in places):
        return
    assert len(found) >= len(ADDRESSES) or source.diagnostics or source.packets == len(ADDRESSES)


@pytest.mark.parametrize("name", FORMATS)
@given(st.binary(min_size=1, max_size=120))
def test_octets_that_follow_what_is_good(whole: Whole, name: str, rest: bytes) -> None:
    octets, _ = whole[name]
    good = run(octets)
    assert good is not None
    read = run(octets + rest)
    assert read is not None
    source, found = read
    assert found[: len(ADDRESSES)] == good[1]
    assert source.diagnostics or source.packets > len(ADDRESSES)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_the_system_stops_giving(whole: Whole, name: str) -> None:
    octets, ends = whole[name]
    good = run(octets)
    assert good is not None

    class Failing(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            chunk = super().read1(7)
            if not chunk:
                raise OSError(5, "Input/output error")
            return chunk

    for cut in (ends[2], ends[2] + 3, ends[2] + 20):
        source = open_source("air", Failing(octets[:cut]))
        assert list(source) == good[1][:2]
        (told,) = source.diagnostics
        assert told.severity is Severity.ERROR
        assert "Input/output error" in told.message
