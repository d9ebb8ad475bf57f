"""Advertising PDUs as a sniffer heard them: link types 256 and 251, LE link layer with and without a header.

The header of the receiver (10 octets): RF channel, signal power, noise power, access address offenses, reference access
address, flags. Then the packet: access address, PDU header, payload, CRC. Integers have their least
significant octet first. Sources: LINKTYPE_BLUETOOTH_LE_LL_WITH_PHDR; Core Specification, Vol 6 Part B 2.1,
2.3 and 3.1.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct

from bluezone_harness.observations import (
    AddressType,
    Advert,
    Capability,
    Extent,
    Observation,
    PduType,
)

from .addresses import KEPT, AddressCache
from .extended_advertising import NOBODY, ExtendedAdverts, extended_parts
from .packets import Missing, Unread

ADVERTISING_ACCESS_ADDRESS = 0x8E89BED6
ACCESS_ADDRESS_OCTETS = 4
ADVERTISING_ACCESS_OCTETS = ADVERTISING_ACCESS_ADDRESS.to_bytes(ACCESS_ADDRESS_OCTETS, "little")

_HEADERS = Struct("<BbxxIHI")
_PDU = _HEADERS.size
_HEADER_OCTETS = 2
_CRC_OCTETS = 3

_DEWHITENED = 0x0001
_SIGNAL_VALID = 0x0002
_REFERENCE_VALID = 0x0010
_CHANNEL_ALIASED = 0x0040
_CRC_CHECKED = 0x0400
_CRC_VALID = 0x0800
_PHY_SHIFT = 14
_CODED = 2

_TX_RANDOM = 0x40
_KIND_BITS = 0x0F
_ADDRESS_OCTETS = 6
_EXTENDED = 7
_FIRST_PRIMARY = 37
"""Index of the first of the three channels on which advertising begins."""
_PDUS = {
    0: PduType.ADV_IND,
    1: PduType.ADV_DIRECT_IND,
    2: PduType.ADV_NONCONN_IND,
    4: PduType.SCAN_RSP,
    6: PduType.ADV_SCAN_IND,
}

# RF channel k lies at 2402 + 2k MHz. Source: Core Specification, Vol 6 Part B 1.4.1, table 1.2.
_CHANNELS: tuple[int | None, ...] = (37, *range(11), 38, *range(11, 37), 39, *(None,) * 216)

_BAD_CRC = (Unread.BAD_CRC,)
_MALFORMED = (Unread.MALFORMED,)
_WHITENED = (Unread.WHITENED,)


def _crc_row(octet: int) -> int:
    # x^24 + x^10 + x^9 + x^6 + x^4 + x^3 + x + 1, least significant bit first
    for _ in range(8):
        octet = octet >> 1 ^ (0xDA6000 if octet & 1 else 0)
    return octet


_CRC_ROWS = tuple(_crc_row(octet) for octet in range(256))
_CRC_START = 0xAAAAAA
"""0x555555 with its bits in the order of the register."""


def crc_octets(pdu: bytes) -> bytes:
    """Return the CRC of an advertising PDU, as it is sent.

    Args:
        pdu: Header and payload.

    Source: Core Specification, Vol 6 Part B 3.1.1.
    """
    state = _CRC_START
    rows = _CRC_ROWS
    for octet in pdu:
        state = state >> 8 ^ rows[(state ^ octet) & 0xFF]
    return state.to_bytes(3, "little")


class AdvertisingPdus:
    """Reads the advertising PDUs of one sniffer, whatever its receiver puts before them."""

    def __init__(self) -> None:
        self._addresses = AddressCache()
        self._extended = ExtendedAdverts()
        self._known: dict[bytes, tuple[bytes, AddressType, PduType, bytes]] = {}
        self._with_rssi = False
        self._without_rssi = False
        self._without_channel = False

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """Everything that is on the air; RSSI and channel as far as the receiver measured them."""
        rssi = Extent.YES
        if self._without_rssi:
            rssi = Extent.PARTIAL if self._with_rssi else Extent.NO
        return {
            Capability.RAW_AD: Extent.YES,
            Capability.AD_ORDER: Extent.YES,
            Capability.ADDRESS: Extent.YES,
            Capability.ADDRESS_TYPE: Extent.YES,
            Capability.PDU_TYPE: Extent.YES,
            Capability.CHANNEL: Extent.PARTIAL if self._without_channel else Extent.YES,
            Capability.CRC: Extent.YES,
            Capability.INTERVAL: Extent.YES,
            Capability.RSSI: rssi,
            Capability.SCAN_RESPONSE: Extent.YES,
        }

    @property
    def missing(self) -> Missing:
        """Extended adverts that are not whole."""
        return self._extended.missing

    def _read(
        self,
        number: int,
        time_us: int,
        receiver: str,
        octets: bytes,
        crc_is_valid: bool | None,
        rssi: int | None,
        channel: int | None,
    ) -> Sequence[Observation | Unread]:
        """Return the advert of a PDU.

        Args:
            number: Of the packet.
            time_us: When it was heard.
            receiver: Who heard it.
            octets: Header, payload and CRC.
            crc_is_valid: As the receiver checked it; ``None`` if it did not.
            rssi: In dBm, where it was measured.
            channel: Index of the channel, where it is known.
        """
        # a phone sends the same octets hundreds of times: each time they say the same
        known = None if crc_is_valid is False else self._known.get(octets)
        if known is not None:
            address, address_type, pdu, ad = known
            if rssi is None or channel is None or not self._with_rssi:
                self._heard(rssi, channel)
            return (Advert(number, time_us, receiver, address, address_type, pdu, ad, rssi, channel),)
        if len(octets) < _HEADER_OCTETS + _CRC_OCTETS:
            return _MALFORMED
        if crc_is_valid is None:
            crc_is_valid = octets[-_CRC_OCTETS:] == crc_octets(octets[:-_CRC_OCTETS])
        if not crc_is_valid:
            return _BAD_CRC
        header, length = octets[0], octets[1]
        end = _HEADER_OCTETS + length
        if len(octets) != end + _CRC_OCTETS:
            return _MALFORMED
        kind = header & _KIND_BITS
        if kind == _EXTENDED:
            return self._piece(number, time_us, receiver, octets[:end], rssi, channel)
        found = _PDUS.get(kind)
        if found is None:
            return ()  # a scanner's or an initiator's
        if length < _ADDRESS_OCTETS or (found is PduType.ADV_DIRECT_IND and length != 2 * _ADDRESS_OCTETS):
            return _MALFORMED
        at = _HEADER_OCTETS + _ADDRESS_OCTETS
        address, address_type = self._address(header, octets[_HEADER_OCTETS:at])
        # ADV_DIRECT_IND holds the address it is meant for, and no AdvData
        ad = b"" if found is PduType.ADV_DIRECT_IND else octets[at:end]
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[octets] = address, address_type, found, ad
        self._heard(rssi, channel)
        return (Advert(number, time_us, receiver, address, address_type, found, ad, rssi, channel),)

    def _piece(
        self,
        number: int,
        time_us: int,
        receiver: str,
        pdu: bytes,
        rssi: int | None,
        channel: int | None,
    ) -> Sequence[Observation | Unread]:
        """Return the advert that is complete with an extended advertising PDU."""
        parts = extended_parts(pdu[_HEADER_OCTETS:])
        if parts is None:
            return _MALFORMED
        whole = self._extended.read(
            number,
            time_us,
            channel,
            parts,
            NOBODY if parts.address is None else self._address(pdu[0], parts.address),
            # where the channel is not known: data are nowhere but on the others
            is_primary=parts.pointer is not None and not parts.ad
            if channel is None
            else channel >= _FIRST_PRIMARY,
        )
        if whole is None:
            return ()
        (address, address_type), ad = whole
        self._heard(rssi, channel)
        extended = PduType.ADV_EXT_IND
        return (Advert(number, time_us, receiver, address, address_type, extended, ad, rssi, channel),)

    def _heard(self, rssi: int | None, channel: int | None) -> None:
        """Take note of what the receiver measured of an advert."""
        if rssi is None:
            self._without_rssi = True
        else:
            self._with_rssi = True
        if channel is None:
            self._without_channel = True

    def _address(self, header: int, octets: bytes) -> tuple[bytes, AddressType]:
        """Return the advertiser's address and its type."""
        return self._addresses.random(octets) if header & _TX_RANDOM else self._addresses.public(octets)


class LinkLayerDecoder(AdvertisingPdus):
    """Reads the packets of one sniffer, link type 256."""

    def decode(
        self, number: int, time_us: int, receiver: str, packet: bytes
    ) -> Sequence[Observation | Unread]:
        """Return the advert of a packet; none of what is no advertising PDU."""
        if len(packet) < _PDU + _HEADER_OCTETS + _CRC_OCTETS:
            return _MALFORMED
        rf_channel, signal, reference, flags, access_address = _HEADERS.unpack_from(packet)
        if access_address != ADVERTISING_ACCESS_ADDRESS and not (
            # the CRC does not cover the access address: some of its bits may be wrong
            flags & _REFERENCE_VALID and reference == ADVERTISING_ACCESS_ADDRESS
        ):
            return ()
        if not flags & _DEWHITENED:
            return _WHITENED
        return self._read(
            number,
            time_us,
            receiver,
            # of the coded PHY, the coding indicator stands between access address and PDU
            packet[_PDU + (flags >> _PHY_SHIFT == _CODED) :],
            bool(flags & _CRC_VALID) if flags & _CRC_CHECKED else None,
            signal if flags & _SIGNAL_VALID else None,
            None if flags & _CHANNEL_ALIASED else _CHANNELS[rf_channel],
        )


class BareLinkLayerDecoder(AdvertisingPdus):
    """Reads the packets of one sniffer, link type 251: access address, PDU and CRC, and no word of the receiver.

    Source: LINKTYPE_BLUETOOTH_LE_LL.
    """

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What is on the air; neither RSSI nor channel. CRCs are worked out here."""
        return {**super().capabilities, Capability.RSSI: Extent.NO, Capability.CHANNEL: Extent.NO}

    def decode(
        self, number: int, time_us: int, receiver: str, packet: bytes
    ) -> Sequence[Observation | Unread]:
        """Return the advert of a packet; none of what is no advertising PDU."""
        if len(packet) < ACCESS_ADDRESS_OCTETS + _HEADER_OCTETS + _CRC_OCTETS:
            return _MALFORMED
        if not packet.startswith(ADVERTISING_ACCESS_OCTETS):
            return ()
        return self._read(number, time_us, receiver, packet[ACCESS_ADDRESS_OCTETS:], None, None, None)
