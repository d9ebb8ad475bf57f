"""HCI packets of a host: what its controller heard, what the host asked it to send, and what it read from phones.

Packets are those of the UART transport (H4): one octet that tells the kind, then the packet. Integers have
their least significant octet first. Sources: Core Specification, Vol 4 Part A 2 (H4), Part E 7.7.65 (LE
events), 7.8 (LE commands), 7.7.5 (Disconnection Complete).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import Struct

from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Capability,
    Extent,
    Observation,
    PduType,
)

from .addresses import KEPT, AddressCache
from .connections import Connections
from .extended_advertising import LONGEST_AD
from .packets import Missing, Unread, together

DIRECTION_OCTETS = 4
"""Of the direction that link type 201 puts before each packet."""
SENT = b"\x00\x00\x00\x00"
"""The direction of what the host sent. Source: LINKTYPE_BLUETOOTH_HCI_H4_WITH_PHDR."""
RECEIVED = b"\x00\x00\x00\x01"
"""The direction of what the host received."""

# kinds of packets. Source: Core Specification, Vol 4 Part A 2
COMMAND = 0x01
ACL = 0x02
EVENT = 0x04

_RESET = 0x0C03
_DISCONNECTED = 0x05
_LE_META = 0x3E
_CONNECTED = 0x01
_CONNECTED_ENHANCED = 0x0A
_CONNECTED_ENHANCED_V2 = 0x29
_ADVERTISING_REPORT = 0x02
_DIRECTED_REPORT = 0x0B
_EXTENDED_REPORT = 0x0D

_NO_RSSI = 127
_LEGACY = 0x10
_STATUS_SHIFT = 5
_COMPLETE = 0
_MORE_TO_COME = 1
_GREATEST_ADDRESS_KIND = 3
_ANONYMOUS = 0xFF
_OPEN_PIECES = 64
"""Adverts that may wait for their further pieces at once."""

_REPORT = Struct("<BB6sB")
_EXTENDED = Struct("<HB6sBBBbbHB6sB")
_DIRECTED = Struct("<BB6sB6sb")
_COMMAND_HEADER = Struct("<BHB")
_CONNECTION = Struct("<BHBB6s")
_DISCONNECTION = Struct("<BHB")
# Source: Core Specification, Vol 4 Part E 7.7.65.1 and 7.7.65.10
_CONNECTION_OCTETS = {_CONNECTED: 18, _CONNECTED_ENHANCED: 30, _CONNECTED_ENHANCED_V2: 33}
"""By kind of event: what follows the octet that tells it."""
_SIGNED = Struct("b")

_EXTENDED_KIND = bytes([_EXTENDED_REPORT])
_EXTENDED_RSSI_AT = 18
"""From the H4 octet of an LE Extended Advertising Report to the RSSI of its first report; of others it is last."""
_NOT_REMEMBERED = frozenset({PduType.ADV_EXT_IND, None})
"""What may be one piece of several, and what nobody knows."""
_RSSI = tuple(
    None if octet == _NO_RSSI else octet - 256 if octet > _NO_RSSI else octet for octet in range(256)
)
"""By the octet that tells it."""

_Found = list[Observation | Unread]
_Said = tuple[bytes | None, AddressType | None, PduType | None, bytes | None]

_PDUS = {
    0: PduType.ADV_IND,
    1: PduType.ADV_DIRECT_IND,
    2: PduType.ADV_SCAN_IND,
    3: PduType.ADV_NONCONN_IND,
    4: PduType.SCAN_RSP,
}
# Source: Core Specification, Vol 4 Part E 7.7.65.13, table 7.2
_LEGACY_PDUS = {
    0x13: PduType.ADV_IND,
    0x15: PduType.ADV_DIRECT_IND,
    0x12: PduType.ADV_SCAN_IND,
    0x10: PduType.ADV_NONCONN_IND,
    0x1B: PduType.SCAN_RSP,
    0x1A: PduType.SCAN_RSP,
}
# Source: Core Specification, Vol 4 Part E 7.8
_ASKED = {
    0x2005: "HCI_LE_Set_Random_Address",
    0x2006: "HCI_LE_Set_Advertising_Parameters",
    0x2008: "HCI_LE_Set_Advertising_Data",
    0x2009: "HCI_LE_Set_Scan_Response_Data",
    0x200A: "HCI_LE_Set_Advertising_Enable",
    0x2035: "HCI_LE_Set_Advertising_Set_Random_Address",
    0x2036: "HCI_LE_Set_Extended_Advertising_Parameters",
    0x2037: "HCI_LE_Set_Extended_Advertising_Data",
    0x2038: "HCI_LE_Set_Extended_Scan_Response_Data",
    0x2039: "HCI_LE_Set_Extended_Advertising_Enable",
    0x203C: "HCI_LE_Remove_Advertising_Set",
    0x203D: "HCI_LE_Clear_Advertising_Sets",
    0x207F: "HCI_LE_Set_Extended_Advertising_Parameters",
}
READ_COMMANDS = frozenset([*_ASKED, _RESET])
"""Opcodes of the commands that are of any meaning here; others say nothing, whatever they hold."""

_MALFORMED = (Unread.MALFORMED,)


class HciDecoder:
    """Reads the packets of one host.

    Args:
        header_octets: Of what stands before the H4 octet of each packet; the last of them tells the direction.
        addresses: Known already, of the same capture.
    """

    def __init__(self, header_octets: int = 0, addresses: AddressCache | None = None) -> None:
        self._start = header_octets
        self._addresses = addresses or AddressCache()
        self._connections = Connections()
        self._without_pdu = False
        self._reports: dict[int, Callable[[_Found, int, int, str, bytes, int], bool]] = {
            _ADVERTISING_REPORT: self._legacy,
            _DIRECTED_REPORT: self._directed,
            _EXTENDED_REPORT: self._extended,
            _CONNECTED: self._connected,
            _CONNECTED_ENHANCED: self._connected,
            _CONNECTED_ENHANCED_V2: self._connected,
        }
        self._pieces: dict[tuple[int, bytes, int], tuple[int, bytes]] = {}
        self._missing: dict[Unread, tuple[int, int]] = {}
        self._known: dict[bytes, _Said] = {}

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """Reports tell neither channel nor CRC, and a controller may leave repeats out.

        GATT reads are seen where the data of connections are captured.
        """
        gatt = self._connections.extent
        shown = {
            Capability.RAW_AD: Extent.YES,
            Capability.AD_ORDER: Extent.YES,
            Capability.ADDRESS: Extent.YES,
            Capability.ADDRESS_TYPE: Extent.YES,
            Capability.PDU_TYPE: Extent.PARTIAL if self._without_pdu else Extent.YES,
            Capability.RSSI: Extent.YES,
            Capability.SCAN_RESPONSE: Extent.YES,
            Capability.OWN_COMMANDS: Extent.YES,
        }
        return shown if gatt is Extent.NO else {**shown, Capability.GATT: gatt}

    @property
    def missing(self) -> Missing:
        """Adverts of which further reports did not come."""
        open_pieces = ({Unread.IN_PIECES: (number, 1)} for number, _ in self._pieces.values())
        return together([self._missing, *open_pieces])

    def forget(self) -> None:
        """Forget what spans several packets: the controller was reset, or is another."""
        self._connections.forget()
        self._missing = dict(self.missing)
        self._pieces.clear()

    def decode(
        self, number: int, time_us: int, receiver: str, packet: bytes
    ) -> Sequence[Observation | Unread]:
        """Return what a packet says: adverts that were heard, values that were read, what was asked for."""
        start = self._start
        kind = packet[start] if len(packet) > start else None
        if kind == EVENT:
            if len(packet) < start + 3:
                return _MALFORMED
            # a phone sends the same octets hundreds of times: but for the RSSI they say the same
            at = (
                start + _EXTENDED_RSSI_AT
                if packet[start + 3 : start + 4] == _EXTENDED_KIND
                else len(packet) - 1
            )
            octets = packet[start:at] + packet[at + 1 :]
            known = self._known.get(octets)
            if known is not None:
                address, address_type, pdu, ad = known
                return (
                    Advert(
                        number, time_us, receiver, address, address_type, pdu, ad, _RSSI[packet[at]], None
                    ),
                )
            if packet[start + 1] != _LE_META:
                return self._disconnected(packet, start) if packet[start + 1] == _DISCONNECTED else ()
            if len(packet) != start + 3 + packet[start + 2] or len(packet) == start + 3:
                return _MALFORMED
            reports = self._reports.get(packet[start + 3])
            if reports is None:
                return ()
            found: list[Observation | Unread] = []
            if not reports(found, number, time_us, receiver, packet, start + 4):
                found.append(Unread.MALFORMED)
            elif packet[start + 4] == 1:
                self._remember(octets, found)
            return found
        if kind == ACL:
            sent = not packet[start - 1] & 1 if start else None
            return self._connections.data(number, time_us, receiver, packet, start + 1, sent)
        if kind == COMMAND:
            return self._asked(number, time_us, receiver, packet, start)
        return () if kind is not None else _MALFORMED

    def _remember(self, octets: bytes, found: _Found) -> None:
        """Remember what an event of one report of a legacy PDU says, which is all in its octets."""
        for each in found:
            if isinstance(each, Advert) and each.pdu not in _NOT_REMEMBERED:
                if len(self._known) >= KEPT:
                    self._known.clear()
                self._known[octets] = each.address, each.address_type, each.pdu, each.ad

    def _connected(
        self, found: _Found, number: int, time_us: int, receiver: str, packet: bytes, at: int
    ) -> bool:
        """Read an LE Connection Complete event, of any version."""
        if len(packet) != at + _CONNECTION_OCTETS[packet[at - 1]]:
            return False
        status, handle, _, kind, octets = _CONNECTION.unpack_from(packet, at)
        if status:
            return True
        if kind > _GREATEST_ADDRESS_KIND:
            return False
        self._connections.began(handle, *self._address(kind, octets))
        return True

    def _disconnected(self, packet: bytes, start: int) -> Sequence[Observation | Unread]:
        """Read a Disconnection Complete event."""
        at = start + 3
        if len(packet) != at + _DISCONNECTION.size or packet[at - 1] != _DISCONNECTION.size:
            return _MALFORMED
        status, handle, _ = _DISCONNECTION.unpack_from(packet, at)
        return () if status else self._connections.ended(handle)

    def _legacy(
        self, found: _Found, number: int, time_us: int, receiver: str, packet: bytes, at: int
    ) -> bool:
        """Read an LE Advertising Report event. Source: Core Specification, Vol 4 Part E 7.7.65.2."""
        end = len(packet)
        count = packet[at] if at < end else 0
        at += 1
        for _ in range(count):
            if at + _REPORT.size >= end:
                return False
            event_type, kind, octets, length = _REPORT.unpack_from(packet, at)
            at += _REPORT.size
            if kind > _GREATEST_ADDRESS_KIND or at + length >= end:
                return False
            # controllers of iPhones set bits that the specification reserves: then nobody knows which PDU it is
            pdu = _PDUS.get(event_type)
            if pdu is None:
                self._without_pdu = True
            ad = packet[at : at + length]
            at += length
            (rssi,) = _SIGNED.unpack_from(packet, at)
            at += 1
            found.append(self._advert(number, time_us, receiver, kind, octets, pdu, ad, rssi))
        return at == end and count > 0

    def _extended(
        self, found: _Found, number: int, time_us: int, receiver: str, packet: bytes, at: int
    ) -> bool:
        """Read an LE Extended Advertising Report event. Source: Core Specification, Vol 4 Part E 7.7.65.13."""
        end = len(packet)
        count = packet[at] if at < end else 0
        at += 1
        for _ in range(count):
            if at + _EXTENDED.size > end:
                return False
            event_type, kind, octets, _, _, advertising_set, _, rssi, _, _, _, length = _EXTENDED.unpack_from(
                packet, at
            )
            at += _EXTENDED.size
            if at + length > end or (kind > _GREATEST_ADDRESS_KIND and kind != _ANONYMOUS):
                return False
            ad: bytes | None = packet[at : at + length]
            at += length
            if event_type & _LEGACY:
                # the status is of no meaning there
                pdu = _LEGACY_PDUS.get(event_type & 0x1F)
                if pdu is None:
                    return False
            else:
                pdu = PduType.ADV_EXT_IND
                key = (kind, octets, advertising_set)
                status = event_type >> _STATUS_SHIFT & 0x03
                first, before = self._pieces.pop(key, (number, b""))
                if status == _MORE_TO_COME:
                    self._keep(key, first, before + packet[at - length : at])
                    continue
                is_whole = status == _COMPLETE and len(before) + length <= LONGEST_AD
                ad = before + packet[at - length : at] if is_whole else None
            found.append(self._advert(number, time_us, receiver, kind, octets, pdu, ad, rssi))
        return at == end and count > 0

    def _directed(
        self, found: _Found, number: int, time_us: int, receiver: str, packet: bytes, at: int
    ) -> bool:
        """Read an LE Directed Advertising Report event. Source: Core Specification, Vol 4 Part E 7.7.65.11."""
        count = packet[at] if at < len(packet) else 0
        at += 1
        if not count or at + count * _DIRECTED.size != len(packet):
            return False
        for event_type, kind, octets, _, _, rssi in _DIRECTED.iter_unpack(packet[at:]):
            if event_type != 1 or kind > _GREATEST_ADDRESS_KIND:
                return False
            pdu = PduType.ADV_DIRECT_IND
            found.append(self._advert(number, time_us, receiver, kind, octets, pdu, b"", rssi))
        return True

    def _advert(
        self,
        number: int,
        time_us: int,
        receiver: str,
        kind: int,
        octets: bytes,
        pdu: PduType | None,
        ad: bytes | None,
        rssi: int,
    ) -> Advert:
        address, address_type = self._address(kind, octets)
        heard = None if rssi == _NO_RSSI else rssi
        return Advert(number, time_us, receiver, address, address_type, pdu, ad, heard, None)

    def _address(self, kind: int, octets: bytes) -> tuple[bytes | None, AddressType | None]:
        if kind == 1:
            return self._addresses.random(octets)
        if kind == 0:
            return self._addresses.public(octets)
        if kind == _ANONYMOUS:
            return None, None
        return octets[::-1], AddressType.PUBLIC_IDENTITY if kind == 2 else AddressType.RANDOM_IDENTITY

    def _keep(self, key: tuple[int, bytes, int], number: int, piece: bytes) -> None:
        """Keep what there is of an advert until its last piece comes; the oldest gives way."""
        if len(self._pieces) >= _OPEN_PIECES:
            first, _ = self._pieces.pop(next(iter(self._pieces)))
            self._missing = dict(together([self._missing, {Unread.IN_PIECES: (first, 1)}]))
        self._pieces[key] = number, piece[: LONGEST_AD + 1]

    def _asked(
        self, number: int, time_us: int, receiver: str, packet: bytes, start: int
    ) -> Sequence[Observation | Unread]:
        """Read a command. Source: Core Specification, Vol 4 Part E 5.4.1."""
        if len(packet) < start + _COMMAND_HEADER.size:
            return _MALFORMED
        _, opcode, length = _COMMAND_HEADER.unpack_from(packet, start)
        name = _ASKED.get(opcode)
        if name is None:
            if opcode == _RESET:
                self.forget()
            return ()
        octets = packet[start + _COMMAND_HEADER.size :]
        return (Asked(number, time_us, receiver, name, octets),) if len(octets) == length else _MALFORMED
