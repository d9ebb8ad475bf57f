"""What a controller's reports of adverts are, and what they show, whoever reads them from it.

Source: Core Specification, Vol 4 Part E 7.7.65.2, 7.7.65.11, 7.7.65.13 (reports).
"""

from __future__ import annotations

from collections.abc import Mapping

from bluezone_harness.observations import Capability, Extent
from bluezone_harness.sources.hci import EVENT

LINK_TYPE = 201
"""BLUETOOTH_HCI_H4_WITH_PHDR."""
_LE_META = 0x3E
_REPORTS = frozenset({0x02, 0x0B, 0x0D})
_HEAD_OCTETS = 4
"""H4 octet, event code, length, and the kind of LE event."""

_SHOWN: Mapping[Capability, Extent] = {
    Capability.RAW_AD: Extent.YES,
    Capability.AD_ORDER: Extent.YES,
    Capability.ADDRESS: Extent.YES,
    Capability.ADDRESS_TYPE: Extent.YES,
    Capability.PDU_TYPE: Extent.YES,
    Capability.CHANNEL: Extent.NO,
    Capability.CRC: Extent.NO,
    Capability.INTERVAL: Extent.NO,
    Capability.RSSI: Extent.YES,
    Capability.OWN_COMMANDS: Extent.NO,
}


def is_report(packet: bytes) -> bool:
    """Tell whether a packet of a controller reports adverts.

    Args:
        packet: From its H4 octet on.
    """
    head = packet[:_HEAD_OCTETS]
    return len(head) == _HEAD_OCTETS and head[:2] == bytes([EVENT, _LE_META]) and head[3] in _REPORTS


def shown_by_reports(*, active: bool) -> Mapping[Capability, Extent]:
    """Return what a controller's reports show.

    Args:
        active: It asks for scan responses.
    """
    return {**_SHOWN, Capability.SCAN_RESPONSE: Extent.YES if active else Extent.NO}
