"""Finds packets in the records of a capture, whatever frames them.

All functions take addresses (see ``loading``).
"""

from __future__ import annotations

from typing import NamedTuple

from .compiling import inlined
from .loading import eight_big, eight_native, four_big, number, two_little
from .recognising import FOREIGN, NOT_WALKED

# how records are framed
PCAP, BTSNOOP, PACKETLOGGER, PCAPNG = 0, 1, 2, 3
# columns of the interfaces
LINK, START, EVENT, COMMAND, DIVISOR, FACTOR, OFFSET_US, TAG = 0, 1, 2, 3, 4, 5, 6, 7
INTERFACE = 8
# why a walk ended: no more whole records; no room; something that the plain path must read from there on
OUT_OF_OCTETS, OUT_OF_ROOM, BEYOND = 0, 1, 2
# what a record or block is, if the walk does not end there
FOUND, PASSED = 8, 9

_LATEST_TICKS = 1 << 61
_FACTOR_BITS = 20
"""Of the greatest factor, a million."""
_SECTION, _ENHANCED_PACKET, _DROP_COUNT = 0x0A0D0D0A, 6, 4


class Framing(NamedTuple):
    """What the records of a capture are.

    Attributes:
        kind: ``PCAP`` and so on.
        big: Integers of its headers have their most significant octet first.
        header: Octets of a record before its packet.
        longest: Octets of the longest packet.
        longest_block: Octets of the longest block of pcapng.
        units: Of a second, in the times of pcap and PacketLogger.
        epoch_us: The clock of btsnoop at the Unix epoch.
    """

    kind: int
    big: bool
    header: int
    longest: int
    longest_block: int
    units: int
    epoch_us: int


@inlined
def record_at(at: int, framing: Framing) -> tuple[int, int, bool, int]:
    """Return what a record is that is no block: why a walk ends there, or ``FOUND``.

    And size of its packet, whether the packet was longer, and its time. Its header is whole; its packet may not be.
    """
    if framing.kind == BTSNOOP:
        original, size, time_us = four_big(at), four_big(at + 4), eight_big(at + 16)
        if size > original or time_us < 0:
            return BEYOND, 0, False, 0
        return FOUND, size, size < original, time_us - framing.epoch_us
    if framing.kind == PACKETLOGGER:
        original = size = number(at, framing.big) - 8
        seconds, fraction = number(at + 4, framing.big), number(at + 8, framing.big)
    else:
        seconds, fraction = number(at, framing.big), number(at + 4, framing.big)
        size, original = number(at + 8, framing.big), number(at + 12, framing.big)
    if size < 0 or fraction >= framing.units:
        return BEYOND, 0, False, 0
    fraction_us = fraction if framing.units == 1_000_000 else fraction // 1000
    return FOUND, size, size < original, seconds * 1_000_000 + fraction_us


@inlined
def block_at(
    at: int, end: int, framing: Framing, interfaces: int, count: int
) -> tuple[int, int, int, int, bool, int]:
    """Return what a block of pcapng is: why a walk ends there, or ``FOUND`` or ``PASSED``.

    And its length; of its packet interface, size, whether it was longer, and time.

    Args:
        at: Where it begins.
        end: Of what the buffer holds.
        framing: Of the capture.
        interfaces: Their rows.
        count: How many there are.

    Source: the pcapng draft (draft-ietf-opsawg-pcapng), sections 3 and 4.3.
    """
    big = framing.big
    kind, length = number(at, big), number(at + 4, big)
    # sections, interfaces, packets of other forms; what is longer than all that has packets
    if length < 12 or length & 3 or length > framing.longest_block or kind == _SECTION or 1 <= kind <= 3:
        return BEYOND, 0, 0, 0, False, 0
    if at + length > end:
        return OUT_OF_OCTETS, 0, 0, 0, False, 0
    if number(at + length - 4, big) != length:
        return BEYOND, 0, 0, 0, False, 0
    if kind != _ENHANCED_PACKET:
        return PASSED, length, 0, 0, False, 0
    index, size = number(at + 8, big), number(at + 20, big)
    if length < 32 or index >= count or size > length - 32:
        return BEYOND, 0, 0, 0, False, 0
    of = interfaces + index * INTERFACE * 8
    link, divisor, factor = (
        eight_native(of + LINK * 8),
        eight_native(of + DIVISOR * 8),
        eight_native(of + FACTOR * 8),
    )
    ticks = number(at + 12, big) << 32 | number(at + 16, big)
    if (
        link == NOT_WALKED
        or (size > framing.longest and link != FOREIGN)
        or ticks < 0
        or (ticks > _LATEST_TICKS and factor == 1)
        or (ticks > _LATEST_TICKS >> _FACTOR_BITS and factor > 1)
    ):
        return BEYOND, 0, 0, 0, False, 0
    options = 28 + (size + 3 & ~3)
    if options < length - 4 and _tells_drops(at + options, at + length - 4, big):
        return BEYOND, 0, 0, 0, False, 0
    # nanoseconds are common, and a division by what is known is cheap
    rounded = ticks // 1000 if divisor == 1000 else ticks // divisor
    time_us = ticks * factor if divisor == 1 else rounded
    is_cut = size < number(at + 24, big)
    return FOUND, length, index, size, is_cut, time_us + eight_native(of + OFFSET_US * 8)


@inlined
def _tells_drops(at: int, end: int, big: bool) -> bool:
    """Say whether options may tell how many packets were lost. Source: the pcapng draft, sections 3.5 and 4.3."""
    while at + 4 <= end:
        code, length = two_little(at), two_little(at + 2)
        if big:
            code, length = (
                (code & 0xFF) << 8 | code >> 8,
                (length & 0xFF) << 8 | length >> 8,
            )
        if code == 0:
            return False
        if code == _DROP_COUNT:
            return True
        at += 4 + (length + 3 & ~3)
    return False
