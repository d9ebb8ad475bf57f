"""pcapng in full: clocks of every resolution, losses, blocks of every kind in between, and tshark on the same."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import Advert, Observation, Severity, Source

pytestmark = pytest.mark.req("BZ-ADV-001")

Read = Callable[[bytes], tuple[Source, list[Observation]]]
Write = Callable[..., bytes]
Tool = Callable[[str], Path]

SECONDS = 1_596_866_191
FRACTION = 387_500  # microseconds
AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
RESOLUTION, OFFSET, DROP_COUNT, COMMENT = 9, 14, 4, 1


def enhanced_with(any_block: Write, ticks: int, packet: bytes, options: bytes, order: str = "<") -> bytes:
    size = len(packet)
    head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, size, size)
    return any_block(6, head + packet + bytes(-size % 4) + options, order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


@pytest.fixture(scope="module")
def packet(heard: Write) -> bytes:
    return heard(bytes(range(6)) + AD)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("resolution", [0, 3, 6, 7, 9, 12, 0x80, 0x80 | 10, 0x80 | 20, 0x80 | 32])
@pytest.mark.parametrize("offset", [0, -1_000_000, 1_500_000_000])
def test_clocks(
    tool: Tool, tmp_path: Path, read: Read, section: Write, interface: Write, enhanced: Write, packet: bytes,
    order: str, resolution: int, offset: int,
) -> None:  # fmt: skip
    exponent = resolution & 0x7F
    units = 2**exponent if resolution & 0x80 else 10**exponent
    ticks = (SECONDS - offset) * units + FRACTION * units // 1_000_000
    if ticks >= 2**64:
        ticks = 2**64 - 1
    options = [(RESOLUTION, bytes([resolution]))]
    if offset:
        options.append((OFFSET, struct.pack(order + "q", offset)))
    octets = section(order) + interface(256, options, order) + enhanced(ticks, packet, order=order)
    source, found = read(octets)
    (advert,) = found
    assert isinstance(advert, Advert)
    assert advert.time_us == offset * 1_000_000 + ticks * 1_000_000 // units
    assert source.diagnostics == ()
    if (resolution, offset, order) in ((9, 0, "<"), (6, 1_500_000_000, ">"), (0x80 | 20, 0, "<")):
        tshark = tool("tshark")
        path = tmp_path / "air.pcapng"
        path.write_bytes(octets)
        command = [str(tshark), "-r", str(path), "-T", "fields", "-e", "frame.time_epoch"]
        environment = {**os.environ, "TZ": "UTC"}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        whole, _, part = done.stdout.strip().partition(".")
        assert abs(int(whole) * 1_000_000 + int(part[:6]) - advert.time_us) <= 1


def test_losses(
    read: Read, section: Write, interface: Write, enhanced: Write, any_block: Write, packet: bytes
) -> None:
    for order in "<>":
        begin = section(order) + interface(256, order=order) + enhanced(1, packet, order=order)
        lost = option(COMMENT, b"hello", order) + option(DROP_COUNT, struct.pack(order + "Q", 5), order)
        old = (
            struct.pack(order + "HHIIII", 0, 7, 0, 3, len(packet), len(packet))
            + packet
            + bytes(-len(packet) % 4)
        )
        unknown = struct.pack(order + "HHIIII", 0, 0xFFFF, 0, 4, len(packet), len(packet)) + old[20:]
        octets = (
            begin
            + enhanced_with(any_block, 2, packet, lost + bytes(4), order)
            + any_block(2, old, order)
            + any_block(2, unknown, order)
            + enhanced_with(any_block, 5, packet, option(DROP_COUNT, bytes(4), order) + bytes(4), order)
        )
        source, found = read(octets)
        assert [each.time_us for each in found] == [1, 2, 3, 4, 5]
        (told,) = source.diagnostics
        assert (told.offset, told.severity) == (len(begin), Severity.INFO)
        assert told.message == "packets were lost by the receivers, as they say: 12"
        assert not source.damaged


def test_damaged_options_of_a_packet_say_nothing(
    read: Read, section: Write, interface: Write, enhanced: Write, any_block: Write, packet: bytes
) -> None:
    overrun = struct.pack("<HH", DROP_COUNT, 200) + bytes(8)
    octets = section() + interface() + enhanced_with(any_block, 1, packet, overrun) + enhanced(2, packet)
    source, found = read(octets)
    assert [each.time_us for each in found] == [1, 2]
    assert source.diagnostics == ()


@given(
    kinds=st.lists(
        st.sampled_from([0, 4, 5, 7, 8, 9, 10, 0xBAD, 0x40000BAD, 0x80000001, 0xFFFFFFFF]), max_size=6
    ),
    sizes=st.lists(st.integers(0, 600).map(lambda words: words * 4), min_size=6, max_size=6),
    order=st.sampled_from("<>"),
)
def test_blocks_without_packets_are_passed_over(
    read: Read, section: Write, interface: Write, enhanced: Write, any_block: Write, packet: bytes,
    kinds: list[int], sizes: list[int], order: str,
) -> None:  # fmt: skip
    between = b"".join(
        any_block(kind, b"\xa5" * size, order) for kind, size in zip(kinds, sizes, strict=False)
    )
    octets = section(order) + between + interface(256, order=order) + between
    octets += enhanced(1, packet, order=order) + between + enhanced(2, packet, order=order) + between
    source, found = read(octets)
    assert [each.time_us for each in found] == [1, 2]
    assert (source.packets, source.diagnostics) == (2, ())
