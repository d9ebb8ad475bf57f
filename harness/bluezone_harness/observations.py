"""What every kind of evidence has in common: what it can show, and what is said about its damage.

Capabilities are how a check and a source meet: a check names what it needs, a source says what it has, and
where the two do not meet the verdict is *not observable*, never a pass. The radio's capabilities stand here
already, so that a capture is one more source and nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Capability(StrEnum):
    """What a source can show; a closed list, extended by adding."""

    # the radio
    RAW_AD = "raw_ad"
    AD_ORDER = "ad_order"
    ADDRESS = "address"
    ADDRESS_TYPE = "address_type"
    PDU_TYPE = "pdu_type"
    CHANNEL = "channel"
    CRC = "crc"
    INTERVAL = "interval"
    RSSI = "rssi"
    SCAN_RESPONSE = "scan_response"
    GATT = "gatt"
    OWN_COMMANDS = "own_commands"
    SEVERAL_RECEIVERS = "several_receivers"
    # contact logs and device files
    RECORDS = "records"
    """The rows of a contact log: own id, contact id, RSSI, time."""
    EXPORT_OCTETS = "export_octets"
    """The octets of an export, as the phone wrote them."""
    WHOLE_LOG = "whole_log"
    """All rows that the phone keeps, not only those of the days asked for, with their addresses."""
    READ_CACHE = "read_cache"
    """The table of phones that were read by GATT."""
    BASE_ID = "base_id"
    """The base ids of the device under test, with their base days."""


class Extent(StrEnum):
    """How far a source has a capability."""

    YES = "yes"
    PARTIAL = "partial"
    NO = "no"


class Severity(StrEnum):
    """How much a diagnostic matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something to know about a piece of evidence that belongs to no requirement, such as damage.

    Attributes:
        source: Name of the evidence, without folders.
        offset: Octets from its start, where there is such a place.
        severity: How much it matters.
        message: One sentence for people, without a full stop.
    """

    source: str
    offset: int | None
    severity: Severity
    message: str


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS_MS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1))


def instant_text(time_ms: int) -> str:
    """Write an instant for people: ISO 8601, UTC, to the millisecond.

    Args:
        time_ms: Milliseconds since the Unix epoch.

    Returns:
        Such as ``2020-08-08T05:56:31.387+00:00``; the number and its unit where no calendar goes so far.
    """
    try:
        return (_EPOCH + timedelta(milliseconds=time_ms)).isoformat(timespec="milliseconds")
    except OverflowError:
        return f"{time_ms} ms since 1970"


def duration_text(duration_ms: int) -> str:
    """Write a duration for people, in its two greatest units, such as ``17 min 45 s``."""
    parts: list[str] = []
    rest_ms = abs(duration_ms)
    for unit, unit_ms in _UNITS_MS:
        count, rest_ms = divmod(rest_ms, unit_ms)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2 or (parts and not count):
            break
    return ("-" if duration_ms < 0 else "") + (" ".join(parts) or "0 s")
