"""What a controller reports of one advertising PDU, with its octets, whatever kind of report it came in."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from bumble import hci

from bluezone_harness.observations import AddressType, PduType, random_address_type

from .adapters import Report

_LEGACY = 0x10
_LEGACY_PDUS = MappingProxyType(
    {
        0b0011: PduType.ADV_IND,
        0b0101: PduType.ADV_DIRECT_IND,
        0b0010: PduType.ADV_SCAN_IND,
        0b0000: PduType.ADV_NONCONN_IND,
        0b1011: PduType.SCAN_RSP,
        0b1010: PduType.SCAN_RSP,
    }
)
"""By event type of an extended report. Source: Core Specification, Vol 4 Part E 7.7.65.13, table 7.1."""
_PDUS = (
    PduType.ADV_IND,
    PduType.ADV_DIRECT_IND,
    PduType.ADV_SCAN_IND,
    PduType.ADV_NONCONN_IND,
    PduType.SCAN_RSP,
)
"""By event type of a legacy report. Source: the same, 7.7.65.2."""
_SCAN_RESPONSE = 0x08
_STATUS_SHIFT = 5
_STATUS_MASK = 0b11
_MORE_TO_COME = 1
_NO_RSSI = 127
_PUBLIC_KINDS = MappingProxyType(
    {0: AddressType.PUBLIC, 2: AddressType.PUBLIC_IDENTITY, 3: AddressType.RANDOM_IDENTITY}
)
_RANDOM_KIND = 1
_LONGEST_AD = 1650
"""Octets of AdvData in extended advertising. Source: the same, 7.8.57."""
_OPEN_PIECES = 64
"""Adverts that may wait for their further pieces at once."""


@dataclass(frozen=True, slots=True)
class HeardReport:
    """One advertising PDU as a controller reported it; ``platform_data`` of bleak's adverts holds it.

    Attributes:
        address: 6 octets, the most significant first.
        address_type: Of that address.
        pdu: Which PDU; ``None`` if the controller names none that there is.
        is_scan_response: Whether it answers a scan request.
        ad: AdvData, or the data of a scan response.
        rssi: In dBm; ``None`` if the controller cannot tell.
    """

    address: bytes
    address_type: AddressType
    pdu: PduType | None
    is_scan_response: bool
    ad: bytes
    rssi: int | None


class ReportReader:
    """Reads a controller's reports, and puts together what extended advertising reports in pieces."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[bytes, int, int, bool], bytes] = {}

    def read(self, report: Report) -> HeardReport | None:
        """Return what a report tells; ``None`` if more of it is to come, or if nobody signed it.

        Args:
            report: bumble's, of any kind.
        """
        address = bytes(report.address)[::-1]
        kind = int(report.address.address_type)
        if kind == _RANDOM_KIND:
            address_type = random_address_type(address)
        elif kind in _PUBLIC_KINDS:
            address_type = _PUBLIC_KINDS[kind]
        else:  # anonymous, or a resolvable address that the controller withholds: no device to name
            return None
        rssi = None if report.rssi == _NO_RSSI else report.rssi
        event = int(report.event_type)
        if isinstance(report, hci.HCI_LE_Advertising_Report_Event.Report):
            pdu = _PDUS[event] if event < len(_PDUS) else None
            return HeardReport(address, address_type, pdu, pdu is PduType.SCAN_RSP, report.data, rssi)
        response = bool(event & _SCAN_RESPONSE)
        if event & _LEGACY:
            return HeardReport(
                address, address_type, _LEGACY_PDUS.get(event & 0b1111), response, report.data, rssi
            )
        piece = (address, kind, report.advertising_sid, response)
        ad = self._pieces.pop(piece, b"") + report.data
        if event >> _STATUS_SHIFT & _STATUS_MASK == _MORE_TO_COME:
            if len(ad) <= _LONGEST_AD:
                if len(self._pieces) >= _OPEN_PIECES:
                    del self._pieces[next(iter(self._pieces))]
                self._pieces[piece] = ad
            return None
        return HeardReport(address, address_type, PduType.ADV_EXT_IND, response, ad, rssi)
