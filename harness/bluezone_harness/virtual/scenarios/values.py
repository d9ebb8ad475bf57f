"""Values of a scenario file: durations, days, instants, names, octets, each with its refusal.

A duration is text with its unit, such as ``"45 min"``: nobody has to guess what 45 means. Days and instants are taken
as text and as TOML's own alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bluezone_harness.evidence.strict_json import Node

UNITS_MS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
"""Milliseconds of each unit."""
LONGEST_NAME = 64
"""Characters of a name."""

_DURATION = re.compile(r"([+-]?)([0-9]{1,12}(?:\.[0-9]{1,9})?) (ms|s|min|h|d)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RSSI = range(-127, 21)
"""What a controller reports, in dBm. Source: Core Specification, Vol 4 Part E 7.7.65.2."""


def duration_ms(node: Node) -> int:
    """Return a duration, such as ``90 s``, in milliseconds.

    Raises:
        EvidenceError: It is none.
    """
    if node.text()[:1] in ("+", "-"):
        raise node.refusal("a duration has no sign here")
    return offset_ms(node)


def offset_ms(node: Node) -> int:
    """Return a duration that may have a sign, such as ``+3 s``, in milliseconds.

    Raises:
        EvidenceError: It is none.
    """
    found = _DURATION.fullmatch(node.text())
    if found is None:
        raise node.refusal("it is no number with a unit, such as '90 s'; units are ms, s, min, h and d")
    sign, number, unit = found.groups()
    value = Decimal(number) * UNITS_MS[unit]
    if value != int(value):
        raise node.refusal("the duration is no whole number of milliseconds")
    return -int(value) if sign == "-" else int(value)


def positive_ms(node: Node) -> int:
    """Return a duration of at least a millisecond.

    Raises:
        EvidenceError: It is none.
    """
    value = duration_ms(node)
    if not value:
        raise node.refusal("the duration is zero: give it a length")
    return value


def day_ms(node: Node) -> int:
    """Return the UTC midnight that begins a day, in milliseconds since the Unix epoch.

    Raises:
        EvidenceError: It is no day.
    """
    if isinstance(node.value, str):
        try:
            day = date.fromisoformat(node.value if _DAY.fullmatch(node.value) else "")
        except ValueError:
            raise node.refusal("it is no day of the calendar, such as 2020-08-08") from None
    else:
        day = node.day()
    return (day - _EPOCH.date()) // timedelta(milliseconds=1)


def instant_ms(node: Node) -> int:
    """Return an instant in milliseconds since the Unix epoch.

    Raises:
        EvidenceError: It is none, or does not say its offset from UTC.
    """
    moment = node.value if isinstance(node.value, datetime) else None
    if moment is None:
        try:
            moment = datetime.fromisoformat(node.text() if _INSTANT.fullmatch(node.text()) else "")
        except ValueError:
            moment = None
    if moment is None or moment.tzinfo is None:
        raise node.refusal("it is not ISO 8601 with an offset, such as 2020-08-08T05:56:31+00:00")
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def name_of(node: Node) -> str:
    """Return a name.

    Raises:
        EvidenceError: It is empty, very long, or holds what cannot be printed.
    """
    name = node.needed_text()
    if not name.isprintable() or len(name) > LONGEST_NAME:
        raise node.refusal(f"the name is longer than {LONGEST_NAME}, or holds what cannot be printed")
    return name


def one_of(node: Node, known: Iterable[str], what: str) -> str:
    """Return one of several words.

    Args:
        node: Text.
        known: The words.
        what: What they name, for the sentence.

    Raises:
        EvidenceError: It is none of them; the sentence says which there are.
    """
    words = tuple(known)
    if node.text() not in words:
        raise node.refusal(f"there is no such {what}; there are {', '.join(repr(each) for each in words)}")
    return node.text()


def hex_octets(node: Node, what: str, *, count: int | None = None, most: int | None = None) -> bytes:
    """Return octets that are written in hex; blanks between them count for nothing.

    Args:
        node: Text.
        what: What they are, for the sentence.
        count: How many they have to be.
        most: How many they may be.

    Raises:
        EvidenceError: They are no hex, or of another number.
    """
    text = node.text().replace(" ", "")
    if not _HEX.fullmatch(text):
        raise node.refusal(f"the {what} is not written in hex, two digits for each octet")
    octets = bytes.fromhex(text)
    if count is not None and len(octets) != count:
        raise node.refusal(f"the {what} has {len(octets)} octets, not {count}")
    if most is not None and len(octets) > most:
        raise node.refusal(f"the {what} has {len(octets)} octets, more than {most}")
    return octets


def address_octets(node: Node) -> bytes:
    """Return a random address, the most significant octet first.

    Raises:
        EvidenceError: It is none. Source: Core Specification, Vol 6 Part B 1.3.2.
    """
    if not _ADDRESS.fullmatch(node.text()):
        raise node.refusal(
            "the address is not six octets in hex with colons between, such as C0:00:00:00:00:01"
        )
    octets = bytes.fromhex(node.text().replace(":", ""))
    if octets[0] >> 6 == 0b10:
        raise node.refusal(
            "no random address begins with the bits 10; one that begins with C0 is a static one"
        )
    return octets


def rssi_dbm(node: Node) -> int:
    """Return an RSSI in dBm.

    Raises:
        EvidenceError: No controller reports it.
    """
    value = node.integer()
    if value not in _RSSI:
        raise node.refusal(f"the RSSI is not {_RSSI.start} to {_RSSI.stop - 1} dBm")
    return value
