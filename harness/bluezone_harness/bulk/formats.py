"""How the records of each format are framed, as the walk has it; and what their packets are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bluezone_harness.sources import btsnoop, packetlogger, pcap, pcapng
from bluezone_harness.sources.hci import ACL, COMMAND, DIRECTION_OCTETS, EVENT
from bluezone_harness.sources.octets import OctetStream
from bluezone_harness.sources.packets import LONGEST_PACKET, PacketSource, UnreadDecoder
from bluezone_harness.sources.pcapng import LONGEST_BLOCK, Interface, PcapngSource

from . import framing, recognising
from .framing import Framing

_HEAD_OCTETS = 24
_LINKS = {
    187: (recognising.HCI, 0),
    201: (recognising.HCI, DIRECTION_OCTETS),
    251: (recognising.BARE, 0),
    256: (recognising.RADIO, 0),
    272: (recognising.NORDIC, 0),
}
"""By link type: what packets are, and their octets before that of H4."""
_US = 1_000_000
_GREATEST_EXPONENT = 18
_GREATEST_OFFSET_US = 1 << 61
_BTSNOOP_H4 = 1002
_H4_KINDS = (COMMAND, ACL, EVENT)
_H4 = (EVENT, COMMAND)
_TYPED = (0x01, 0x00)
"""Events and commands of PacketLogger."""
_FLAGS_AT, _FLAGS_OCTETS = 8, 4
"""Of a record of btsnoop; they stand before a packet as the direction does."""


@dataclass(frozen=True, slots=True)
class Walkable:
    """A source over whose records the compiled loop can walk.

    Attributes:
        source: Nothing was read of it but its first packet.
        framing: Of its records.
        interface: The row of its only receiver; a format of several has none.
        read_kinds: The first octets of packets of HCI that may say something.
        before_packet: Where in the header of a record what the decoder wants before the packet begins, and ends.
    """

    source: PacketSource
    framing: Framing
    interface: tuple[int, ...] = ()
    read_kinds: Sequence[int] = _H4_KINDS
    before_packet: tuple[int, int] = (0, 0)


def opened(name: str, octets: OctetStream) -> Walkable | PacketSource | None:
    """Return the source that reads a capture, and how to walk over it, if the loop knows its records.

    Args:
        name: Of the evidence, without folders.
        octets: At its start.

    Returns:
        ``None`` for other formats; then nothing was taken of the octets.

    Raises:
        EvidenceError: Its header is cut, or of a kind that is not read.
    """
    octets.ensure(_HEAD_OCTETS)
    head = octets.buffer[:_HEAD_OCTETS]
    if head[:4] in pcap.FIRST_OCTETS:
        return _of_pcap(pcap.PcapSource(name, octets), head)
    if head.startswith(btsnoop.FIRST_OCTETS):
        return _of_btsnoop(btsnoop.BtsnoopSource(name, octets), head)
    if head.startswith(pcapng.FIRST_OCTETS):
        records = Framing(framing.PCAPNG, False, 12, LONGEST_PACKET, LONGEST_BLOCK, _US, 0)
        return Walkable(PcapngSource(name, octets), records)
    if order := packetlogger.order_of(head):
        return _of_packetlogger(packetlogger.PacketLoggerSource(name, octets), order)
    return None


def _of_pcap(source: pcap.PcapSource, head: bytes) -> Walkable | PacketSource:
    order, units = pcap.FIRST_OCTETS[head[:4]]
    link_type = int.from_bytes(head[20:24], "little" if order == "<" else "big") & 0xFFFF
    if link_type not in _LINKS:
        return source
    records = Framing(framing.PCAP, order == ">", 16, LONGEST_PACKET, 0, units, 0)
    return Walkable(source, records, _row(*_LINKS[link_type]))


def _of_btsnoop(source: btsnoop.BtsnoopSource, head: bytes) -> Walkable | PacketSource:
    if int.from_bytes(head[12:16]) != _BTSNOOP_H4:
        return source
    records = Framing(framing.BTSNOOP, True, 24, LONGEST_PACKET, 0, _US, btsnoop.EPOCH_US)
    flags = _FLAGS_AT, _FLAGS_AT + _FLAGS_OCTETS
    return Walkable(source, records, _row(recognising.HCI, 0), before_packet=flags)


def _of_packetlogger(source: packetlogger.PacketLoggerSource, order: str) -> Walkable:
    records = Framing(framing.PACKETLOGGER, order == ">", 12, LONGEST_PACKET, 0, _US, 0)
    row = _row(recognising.HCI, 0, kinds=_TYPED)
    return Walkable(source, records, row, sorted(packetlogger.READ_TYPES))


def interface_rows(interfaces: Sequence[Interface], tags: Sequence[int]) -> NDArray[np.int64]:
    """Return the rows of the receivers of pcapng, as the walk has them.

    Args:
        interfaces: Of the section that is read.
        tags: A number for each that no other receiver of the capture has.
    """
    rows = [_interface(each, tag) for each, tag in zip(interfaces, tags, strict=True)]
    return np.array(rows, np.int64).reshape(-1, framing.INTERFACE)


def _interface(interface: Interface, tag: int) -> tuple[int, ...]:
    if isinstance(interface.decoder, UnreadDecoder):
        link, start = recognising.FOREIGN, 0
    else:
        link, start = _LINKS.get(interface.link_type, (recognising.OTHER, 0))
    exponent = len(str(interface.units)) - 1
    if (
        10**exponent != interface.units
        or exponent > _GREATEST_EXPONENT
        or abs(interface.offset_us) > _GREATEST_OFFSET_US
    ):
        return _row(recognising.NOT_WALKED, 0, tag=tag)
    divisor = max(interface.units // _US, 1)
    factor = max(_US // interface.units, 1)
    return _row(link, start, divisor, factor, interface.offset_us, tag)


def _row(
    link: int,
    start: int,
    divisor: int = 1,
    factor: int = 1,
    offset_us: int = 0,
    tag: int = 0,
    kinds: tuple[int, int] = _H4,
) -> tuple[int, ...]:
    return link, start, *kinds, divisor, factor, offset_us, tag
