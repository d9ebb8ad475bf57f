"""Advertising PDUs as they are on the air, and as a controller reports them to its host.

Source: Core Specification, Vol 6 Part B 2.1 (packet), 2.3 (advertising PDUs), 3.1.1 (CRC); Vol 4 Part E 7.7.65.2 (LE
Advertising Report event).
"""

from __future__ import annotations

from bluezone_harness.observations import AddressType, PduType

ACCESS_ADDRESS = 0x8E89BED6
"""Of every advertising PDU. Source: Core Specification, Vol 6 Part B 2.1.2."""
CRC_START = 0x555555
"""For advertising PDUs. Source: Core Specification, Vol 6 Part B 3.1.1."""

# a directed PDU has a target, which nobody keeps; an extended one is no legacy PDU
_PDU_TYPES = {
    PduType.ADV_IND: 0,
    PduType.ADV_NONCONN_IND: 2,
    PduType.SCAN_RSP: 4,
    PduType.ADV_SCAN_IND: 6,
}
_EVENT_TYPES = {
    PduType.ADV_IND: 0,
    PduType.ADV_DIRECT_IND: 1,
    PduType.ADV_SCAN_IND: 2,
    PduType.ADV_NONCONN_IND: 3,
    PduType.SCAN_RSP: 4,
}
_TX_ADD = 0x40
_IDENTITIES = {AddressType.PUBLIC_IDENTITY: 2, AddressType.RANDOM_IDENTITY: 3}
LONGEST_AD = 31
"""Octets of AdvData. Source: Core Specification, Vol 6 Part B 2.3.1."""
ADDRESS_OCTETS = 6
LEAST_RSSI, GREATEST_RSSI = -127, 20
"""Source: Core Specification, Vol 4 Part E 7.7.65.2."""
NO_RSSI = 127
"""Stands for a signal that was not measured."""


def _crc_table() -> tuple[int, ...]:
    # x^24 + x^10 + x^9 + x^6 + x^4 + x^3 + x + 1, the octets' least significant bit first
    table = []
    for octet in range(256):
        value = octet
        for _ in range(8):
            value = value >> 1 ^ (0xDA6000 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc24(pdu: bytes, start: int = CRC_START) -> bytes:
    """Return the three octets of the CRC of a PDU, in the order of the air.

    Args:
        pdu: Header and payload.
        start: 24 bits.
    """
    value = int(f"{start:024b}"[::-1], 2)
    for octet in pdu:
        value = value >> 8 ^ _CRC_TABLE[(value ^ octet) & 0xFF]
    return value.to_bytes(3, "little")


def advertising_pdu(pdu: PduType, address: bytes, address_type: AddressType, ad: bytes) -> bytes:
    """Return header and payload of a legacy advertising PDU.

    Args:
        pdu: Which.
        address: 6 octets, the most significant first.
        address_type: Of that address; an identity is never on the air.
        ad: AdvData, at most 31 octets.

    Raises:
        ValueError: It has no such form.
    """
    misfit = len(ad) > LONGEST_AD or len(address) != ADDRESS_OCTETS
    if misfit or pdu not in _PDU_TYPES or address_type in _IDENTITIES:
        raise ValueError("this is no legacy advertising PDU")
    header = _PDU_TYPES[pdu] | (0 if address_type is AddressType.PUBLIC else _TX_ADD)
    return bytes((header, ADDRESS_OCTETS + len(ad))) + address[::-1] + ad


def advertising_report(
    pdu: PduType, address: bytes, address_type: AddressType, ad: bytes, rssi: int | None
) -> bytes:
    """Return the HCI event in which a controller reports one advertising PDU, with its H4 octet in front.

    Args:
        pdu: Which; a directed one has no AdvData.
        address: 6 octets, the most significant first.
        address_type: Of that address.
        ad: AdvData, at most 31 octets.
        rssi: In dBm, -127 to 20; ``None`` where it was not measured.

    Raises:
        ValueError: It has no such form.
    """
    longest = 0 if pdu is PduType.ADV_DIRECT_IND else LONGEST_AD
    if pdu not in _EVENT_TYPES or len(ad) > longest or len(address) != ADDRESS_OCTETS:
        raise ValueError("this is no legacy advertising report")
    if rssi is not None and not LEAST_RSSI <= rssi <= GREATEST_RSSI:
        raise ValueError("the RSSI is not from -127 to 20 dBm")
    kind = _IDENTITIES.get(address_type, 0 if address_type is AddressType.PUBLIC else 1)
    report = bytes((0x02, 1, _EVENT_TYPES[pdu], kind)) + address[::-1] + bytes((len(ad),)) + ad
    signal = NO_RSSI if rssi is None else rssi & 0xFF
    return b"\x04\x3e" + bytes((len(report) + 1,)) + report + bytes((signal,))
