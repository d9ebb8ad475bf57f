"""Connections of a host to phones, and the packets of ATT in them.

Theory of operation. The controller tells when a connection begins, with whom, and when it ends; between, ACL data
packets bear the connection's handle and pieces of L2CAP packets, which are put together for each direction. Those
of ATT are handed to ``AttributeReads``. Connections that began before the capture did are with nobody knows whom:
nothing is told of them. Sources: Core Specification, Vol 4 Part E 5.4.2 (ACL data), Vol 3 Part A 2.1 and 3.1
(L2CAP), Vol 3 Part A 7.2.1 (pieces).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from struct import Struct

from bluezone_harness.observations import AddressType, Extent, GattRead

from .attribute_reads import AttributeReads
from .packets import Unread

MOST_CONNECTIONS = 64
"""Connections that are followed at once; the one that began first gives way."""

_ACL = Struct("<HH")
_L2CAP = Struct("<HH")
_HANDLE_BITS = 0x0FFF
_BOUNDARY_SHIFT = 12
_BOUNDARY_BITS = 0x03
_BROADCAST_SHIFT = 14
# how a packet of an LE connection may begin; it tells who sent it
_FIRST_OF_HOST = 0b00
_CONTINUING = 0b01
_FIRST_OF_CONTROLLER = 0b10
_ATTRIBUTES = 0x0004
"""The channel of ATT. Source: Core Specification, Vol 3 Part A 2.1, table 2.2."""

_MALFORMED = (Unread.MALFORMED,)


@dataclass(slots=True)
class _Connection:
    reads: AttributeReads
    pieces: dict[bool, bytes] = field(default_factory=dict)
    """By whether the host sent them: the pieces so far of a packet that is not complete."""

    def lost(self) -> None:
        self.pieces.clear()
        self.reads.lost()


class Connections:
    """The connections of one host."""

    def __init__(self) -> None:
        self._open: dict[int, _Connection] = {}
        self._data = False
        self._missed = False

    @property
    def extent(self) -> Extent:
        """How far reads can be seen: not where no data were captured, in part where some were not."""
        if not self._data:
            return Extent.NO
        return Extent.PARTIAL if self._missed else Extent.YES

    def began(self, handle: int, address: bytes | None, address_type: AddressType | None) -> None:
        """Take note of a new connection.

        Args:
            handle: Of it.
            address: Of the phone at its other end.
            address_type: Of that address.
        """
        handle &= _HANDLE_BITS
        self._open.pop(handle, None)
        if len(self._open) >= MOST_CONNECTIONS:
            del self._open[next(iter(self._open))]
            self._missed = True
        self._open[handle] = _Connection(AttributeReads(address, address_type))

    def ended(self, handle: int) -> list[GattRead]:
        """Take note of the end of a connection, and return what was read last, if that was not told yet."""
        connection = self._open.pop(handle & _HANDLE_BITS, None)
        return connection.reads.ended() if connection else []

    def forget(self) -> None:
        """Forget all connections: the controller was reset, or is another."""
        self._open.clear()

    def data(
        self, number: int, time_us: int, receiver: str, packet: bytes, at: int, sent: bool | None
    ) -> Sequence[GattRead | Unread]:
        """Return the values that are complete with an ACL data packet.

        Args:
            number: Of the packet in its source.
            time_us: When it was sent or received.
            receiver: Whose controller.
            packet: The packet.
            at: Index in it of the connection's handle.
            sent: By the host; ``None`` if nothing tells.
        """
        self._data = True
        if len(packet) < at + _ACL.size:
            self._lost_somewhere()
            return _MALFORMED
        word, length = _ACL.unpack_from(packet, at)
        connection = self._open.get(word & _HANDLE_BITS)
        piece = packet[at + _ACL.size :]
        if len(piece) != length:
            self._missed = True
            if connection:
                connection.lost()
            # logs of phones may leave the data out on purpose
            return _MALFORMED if len(piece) > length else ()
        boundary = word >> _BOUNDARY_SHIFT & _BOUNDARY_BITS
        if connection is None:
            if boundary != _CONTINUING and piece[2:4] == _ATTRIBUTES.to_bytes(2, "little"):
                self._missed = True
            return ()
        if word >> _BROADCAST_SHIFT:
            return ()
        whole = _join(connection, boundary, sent, piece)
        if whole is None:
            return ()
        by_host, octets = whole
        if not octets:
            return _MALFORMED
        if int.from_bytes(octets[2:4], "little") != _ATTRIBUTES:
            return ()
        if by_host:
            return connection.reads.sent(octets[_L2CAP.size :])
        return connection.reads.received(number, time_us, receiver, octets[_L2CAP.size :])

    def _lost_somewhere(self) -> None:
        self._missed = True
        for connection in self._open.values():
            connection.lost()


def _join(
    connection: _Connection, boundary: int, sent: bool | None, piece: bytes
) -> tuple[bool, bytes] | None:
    """Join a piece to those before it.

    Returns:
        Whether the host sent it and the L2CAP packet that is complete with it, which is empty where its pieces come
        to more than it announces; ``None`` as long as none is.
    """
    pieces = connection.pieces
    if boundary == _CONTINUING:
        if sent is None and len(pieces) == 1:
            (sent,) = pieces
        if sent is None or sent not in pieces:
            connection.lost()  # where it began was not captured, or cannot be told
            return None
        octets = pieces.pop(sent) + piece
    elif boundary in (_FIRST_OF_HOST, _FIRST_OF_CONTROLLER):
        sent = boundary == _FIRST_OF_HOST
        if pieces.pop(sent, None) is not None:
            connection.reads.lost()
        octets = piece
    else:
        connection.lost()
        return None
    if len(octets) >= _L2CAP.size:
        end = _L2CAP.size + int.from_bytes(octets[:2], "little")
        if len(octets) == end:
            return sent, octets
        if len(octets) > end:
            connection.lost()
            return sent, b""
    pieces[sent] = octets
    return None
