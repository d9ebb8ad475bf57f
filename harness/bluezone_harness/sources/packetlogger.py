"""PacketLogger files of Apple's systems: records of a length, a time, a type and a packet; no header before them.

Computers and telephones write them in either byte order. Beside HCI packets they hold notes of the system, which
are counted and say nothing. Apple publishes no description: this one is of what its tools write and other readers
(Wireshark) agree on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct

from bluezone_harness.observations import Capability, Extent, Observation

from .hci import DIRECTION_OCTETS, HciDecoder
from .octets import OctetStream
from .packets import Missing, Unread
from .records import DamagedRecordError, RecordSource

HEAD_OCTETS = 13
"""By so many first octets such a file is recognised: length, seconds, microseconds, type."""
_HEADER = "III"
_TIME_OCTETS = 8
"""Of what the length counts before the packet, whose first octet is its type."""
_LONGEST_FIRST = 65_535
"""The greatest length of a first record: so only one byte order is possible."""
_FIRST_TYPES = frozenset([*range(0x0C), *range(0xF7, 0x100)])
"""Packets of HCI and of the link manager; notes of the system."""
_US = 1_000_000
_SENT, _RECEIVED = bytes(DIRECTION_OCTETS), bytes([*bytes(DIRECTION_OCTETS - 1), 1])
# as link type 201 has them: a direction, and the H4 octet (Core Specification, Vol 4 Part A 2)
_BEFORE = {
    0x00: _SENT + b"\x01",
    0x01: _RECEIVED + b"\x04",
    0x02: _SENT + b"\x02",
    0x03: _RECEIVED + b"\x02",
}
READ_TYPES = frozenset(_BEFORE)
"""Of the packets that are read; others say nothing."""
_EMPTY = (Unread.MALFORMED,)


def order_of(head: bytes) -> str | None:
    """Return the byte order of a file that begins so; ``None`` where it is no such file.

    Args:
        head: Its first octets, ``HEAD_OCTETS`` or more where it has as many.
    """
    if len(head) < HEAD_OCTETS or head[HEAD_OCTETS - 1] not in _FIRST_TYPES:
        return None
    for order in "><":
        length, _, fraction = Struct(order + _HEADER).unpack_from(head)
        if _TIME_OCTETS < length <= _LONGEST_FIRST and fraction < _US:
            return order
    return None


class PacketLoggerSource(RecordSource):
    """A PacketLogger file.

    Args:
        name: Of the evidence, without folders.
        octets: From its first octet on; ``order_of`` knows them.
    """

    def __init__(self, name: str, octets: OctetStream) -> None:
        octets.ensure(HEAD_OCTETS)
        order = order_of(octets.buffer[:HEAD_OCTETS]) or ">"
        record = Struct(order + _HEADER)
        self._unpack = record.unpack_from
        super().__init__(name, "packetlogger", octets, _TypedDecoder(), record.size)

    def _header(self, buffer: bytes, at: int) -> tuple[int, int, bool]:
        length, seconds, fraction = self._unpack(buffer, at)
        if length < _TIME_OCTETS:
            raise DamagedRecordError(f"{length} octets, of which its time alone has {_TIME_OCTETS}")
        if fraction >= _US:
            raise DamagedRecordError(f"{fraction} parts of a second where there are {_US}")
        return seconds * _US + fraction, length - _TIME_OCTETS, False


class _TypedDecoder:
    """Reads packets that begin with their type, and passes over what is not of HCI."""

    def __init__(self) -> None:
        self._host = HciDecoder(DIRECTION_OCTETS)

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """Those of a host."""
        return self._host.capabilities

    @property
    def missing(self) -> Missing:
        """That of a host."""
        return self._host.missing

    def decode(
        self, number: int, time_us: int, receiver: str, packet: bytes
    ) -> Sequence[Observation | Unread]:
        """Return what a packet of HCI says; nothing of others."""
        if not packet:
            return _EMPTY
        before = _BEFORE.get(packet[0])
        return () if before is None else self._host.decode(number, time_us, receiver, before + packet[1:])
