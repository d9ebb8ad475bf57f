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

from .addresses import AddressCache
from .packets import Unread

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
_EXTENDED = 7
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
        pdu = _PDUS.get(header & 0x0F)
        address: bytes | None
        address_type: AddressType | None
        ad: bytes | None
        if pdu is None:
            if header & 0x0F != _EXTENDED:
                return ()  # a scanner's or an initiator's
            taken = extended_parts(octets[_HEADER_OCTETS:end])
            if taken is None:
                return _MALFORMED
            sent, ad = taken
            pdu = PduType.ADV_EXT_IND
        else:
            if length < 6 or (header & 0x0F == 1 and length != 12):
                return _MALFORMED
            sent = octets[_HEADER_OCTETS : _HEADER_OCTETS + 6]
            # ADV_DIRECT_IND holds the address it is meant for, and no AdvData
            ad = b"" if header & 0x0F == 1 else octets[_HEADER_OCTETS + 6 : end]
        if sent is None:
            address = address_type = None
        elif header & _TX_RANDOM:
            address, address_type = self._addresses.random(sent)
        else:
            address, address_type = self._addresses.public(sent)
        if rssi is None:
            self._without_rssi = True
        else:
            self._with_rssi = True
        if channel is None:
            self._without_channel = True
        return (Advert(number, time_us, receiver, address, address_type, pdu, ad, rssi, channel),)


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


def extended_parts(octets: bytes) -> tuple[bytes | None, bytes | None] | None:
    """Take the payload of an extended advertising PDU apart.

    Args:
        octets: From the octet that holds the length of the extended header on.

    Returns:
        The address as sent, if it is there; and AdvData, if this PDU alone tells them: a PDU that points at
        another is one piece of several, and so may be one that bears no address. ``None`` if it is malformed.

    Source: Core Specification, Vol 6 Part B 2.3.4.
    """
    if not octets:
        return None
    length = octets[0] & 0x3F
    if 1 + length > len(octets):
        return None
    if not length:
        return None, None
    flags = octets[1]
    # AdvA, TargetA, CTEInfo, ADI, AuxPtr, SyncInfo, TxPower
    needed = 1 + sum(size for bit, size in enumerate((6, 6, 1, 2, 3, 18, 1)) if flags >> bit & 1)
    if needed > length:
        return None
    if not flags & 0x01:
        return None, None
    return octets[2:8], None if flags & 0x10 else octets[1 + length :]
