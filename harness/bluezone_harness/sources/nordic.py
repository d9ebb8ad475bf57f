"""Advertising PDUs as Nordic's sniffer hands them over: link type 272, with headers of versions 1, 2 and 3.

A packet: the board (1 octet); the header (6 octets), which ends with the version, a counter (2 octets) and what the
packet is; the length of the fields that follow, which is 10; flags, channel, RSSI, event counter (2 octets) and
time (4 octets); then access address, PDU and CRC. Version 1 begins its header with the header's length and that of
what follows it (1 octet each), versions 2 and 3 with the latter alone (2 octets). Up to version 2 one kind of
packet holds all that was heard, from version 3 on advertising has a kind of its own. Integers have their least
significant octet first. Sources: LINKTYPE_NORDIC_BLE; "nRF Sniffer for Bluetooth LE packet format", of its maker.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from bluezone_harness.observations import Observation

from .link_layer import ACCESS_ADDRESS_OCTETS, ADVERTISING_ACCESS_OCTETS, AdvertisingPdus
from .packets import Unread

_BOARD_OCTETS = 1
_HEADER_OCTETS = 6
_FIELDS_OCTETS = 10
_HEADER = Struct("<xBBBxxB")
_FIELDS = Struct("<BBBBxxxxxx")
_FIELDS_AT = _BOARD_OCTETS + _HEADER_OCTETS
_PACKET_AT = _FIELDS_AT + _FIELDS_OCTETS
_VERSIONS = range(1, 4)
_HEARD_ADVERTISING = 0x02
"""What a packet is, version 3."""
_HEARD = 0x06
"""What a packet is: until version 2 whatever was heard, in version 3 the packets of connections."""

_CRC_VALID = 0x01
_PHY_SHIFT = 4
_PHY_BITS = 0x07
_CODED = 2
_GREATEST_CHANNEL = 39
_GREATEST_RSSI = 127
"""RSSI is that of a register of seven bits, without its sign."""

_MALFORMED = (Unread.MALFORMED,)


class NordicDecoder(AdvertisingPdus):
    """Reads the packets of one sniffer."""

    def decode(
        self, number: int, time_us: int, receiver: str, packet: bytes
    ) -> Sequence[Observation | Unread]:
        """Return the advert of a packet; none of what is no advertising PDU."""
        if len(packet) < _FIELDS_AT:
            return _MALFORMED
        first, second, version, kind = _HEADER.unpack_from(packet)
        if version not in _VERSIONS:
            return _MALFORMED
        if version == 1:
            if first != _HEADER_OCTETS:
                return _MALFORMED
            length = second
        else:
            length = first | second << 8
        if len(packet) != _FIELDS_AT + length:
            return _MALFORMED
        if kind != (_HEARD_ADVERTISING if version == _VERSIONS[-1] else _HEARD):
            return ()
        if len(packet) < _PACKET_AT + ACCESS_ADDRESS_OCTETS:
            return _MALFORMED
        fields, flags, channel, rssi = _FIELDS.unpack_from(packet, _FIELDS_AT)
        if fields != _FIELDS_OCTETS:
            return _MALFORMED
        if not packet.startswith(ADVERTISING_ACCESS_OCTETS, _PACKET_AT):
            return ()
        # of the coded PHY, the coding indicator stands between access address and PDU
        coded = flags >> _PHY_SHIFT & _PHY_BITS == _CODED
        return self._read(
            number,
            time_us,
            receiver,
            packet[_PACKET_AT + ACCESS_ADDRESS_OCTETS + coded :],
            bool(flags & _CRC_VALID),
            -rssi if rssi <= _GREATEST_RSSI else None,
            channel if channel <= _GREATEST_CHANNEL else None,
        )
