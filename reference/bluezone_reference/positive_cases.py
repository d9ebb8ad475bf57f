"""Positive cases as a health authority publishes them, read strictly.

::

    {"data": [{"daily_key": 64 hex digits, "time_start": s, "time_end": s, "max": n}, ...]}

A malformed case is refused by itself and hides no other (BZ-MAT-005). The quirk profiles read a case as the published
builds did: what would crash them is a ``BuildFailureError`` in the case's place (F-16).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from unicodedata import decimal

from .errors import BuildFailureError, Failure, MalformedError, RefusedError, RejectCode
from .key_schedule import DAY_MS, KEY_OCTETS, slots_a_day
from .profiles import V3, Profile

CASE_DAYS = 400
"""A case spans at most so many days' slots. Source: BZ-MAT-006, tolerance case_span."""
LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59+00:00, the last instant a case may name. Source: BZ-MAT-005."""
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class PositiveCase:
    """One published case.

    Attributes:
        day_key: 32 octets; under a quirk profile whatever the build made of the text.
        time_start_ms: First instant of the first slot; slots are anchored here, midnight or not (F-06).
        time_end_ms: The last instant at which a slot may begin (F-04).
        max_per_day: Slots a day.
    """

    day_key: bytes
    time_start_ms: int
    time_end_ms: int
    max_per_day: int


@dataclass(frozen=True, slots=True)
class RejectedCase:
    """A case that is refused, or under a quirk profile one on which the published build fails.

    Attributes:
        index: Its place in the message, from 0.
        error: Why.
    """

    index: int
    error: MalformedError | BuildFailureError


def decode_cases(text: bytes, profile: Profile = V3) -> tuple[PositiveCase | RejectedCase, ...]:
    """Read the message of positive cases.

    Args:
        text: JSON in UTF-8.
        profile: A quirk profile reads hex digits and ``max`` as its build did. Of the builds' leniency towards other
            JSON types (numbers written as text) nothing is modelled: such a case is malformed here.

    Returns:
        One item a case, in the message's order.

    Raises:
        MalformedError: BAD_JSON or MISSING_FIELD, the message as a whole is none.

    Source: BZ-MAT-005, BZ-MSG-002.
    """
    try:
        message = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        offset = error.start if isinstance(error, UnicodeDecodeError) else getattr(error, "pos", 0)
        raise MalformedError(RejectCode.BAD_JSON, "BZ-MAT-005", offset, "the message is not JSON") from None
    if not isinstance(message, dict):
        raise MalformedError(RejectCode.BAD_JSON, "BZ-MAT-005", 0, "the message is not a JSON object")
    if not isinstance(message.get("data"), list):
        raise MalformedError(
            RejectCode.MISSING_FIELD, "BZ-MAT-005", 0, 'the message has no array "data"', pointer="/data"
        )
    return tuple(_decode_case(item, index, profile) for index, item in enumerate(message["data"]))


def _decode_case(item: object, index: int, profile: Profile) -> PositiveCase | RejectedCase:
    try:
        if not isinstance(item, dict):
            raise _malformed(RejectCode.BAD_JSON, index, "", "the case is not a JSON object")
        key = _field(item, index, "daily_key")
        start_s, end_s, count = (_integer(item, index, name) for name in ("time_start", "time_end", "max"))
        if profile.matching.malformed_case == "refuse":
            return _strict_case(key, start_s, end_s, count, index)
        if not isinstance(key, str):
            raise _malformed(RejectCode.BAD_DAY_KEY, index, "daily_key", "daily_key is not text")
        octets = _android_hex(key) if profile.matching.malformed_case == "android" else _ios_hex(key)
        return PositiveCase(octets, start_s * 1000, end_s * 1000, count)
    except (MalformedError, BuildFailureError) as error:
        return RejectedCase(index, error)


def _strict_case(key: object, start_s: int, end_s: int, count: int, index: int) -> PositiveCase:
    # BZ-MAT-005: 64 hex digits in either case, and nothing else
    if not isinstance(key, str) or len(key) != 2 * KEY_OCTETS or not _HEX_DIGITS.issuperset(key):
        raise _malformed(RejectCode.BAD_DAY_KEY, index, "daily_key", "daily_key is not 64 hex digits")
    try:
        slots_a_day(count)
    except RefusedError as error:
        raise _malformed(RejectCode.BAD_MAX, index, "max", error.reason) from None
    for name, time_s in (("time_start", start_s), ("time_end", end_s)):
        if not 0 <= time_s <= LAST_SECOND:
            raise _malformed(
                RejectCode.BAD_TIME, index, name, f"{name} is no time between 1970 and 9999 in seconds"
            )
    if end_s < start_s:
        raise _malformed(
            RejectCode.TIME_END_BEFORE_TIME_START, index, "time_end", "time_end is before time_start"
        )
    # BZ-MAT-006: slots begin at time_start, so that fewer than 400 days hold at most 400 days' slots
    if (end_s - start_s) * 1000 >= CASE_DAYS * DAY_MS:
        raise _malformed(
            RejectCode.CASE_TOO_LONG,
            index,
            "time_end",
            f"the case spans more than {CASE_DAYS} days' slots",
            "BZ-MAT-006",
        )
    return PositiveCase(bytes.fromhex(key), start_s * 1000, end_s * 1000, count)


def _field(item: dict[str, object], index: int, name: str) -> object:
    if name not in item:
        raise _malformed(RejectCode.MISSING_FIELD, index, name, f"{name} is missing")
    return item[name]


def _integer(item: dict[str, object], index: int, name: str) -> int:
    value = _field(item, index, name)
    if type(value) is not int:  # nor a boolean, nor 1.0
        raise _malformed(RejectCode.NOT_AN_INTEGER, index, name, f"{name} is not an integer")
    if not -(2**63) <= value < 2**63:
        raise _malformed(RejectCode.NOT_AN_INTEGER, index, name, f"{name} does not fit into 64 bits")
    return value


def _malformed(
    code: RejectCode, index: int, name: str, reason: str, requirement: str = "BZ-MAT-005"
) -> MalformedError:
    pointer = f"/data/{index}/{name}" if name else f"/data/{index}"
    return MalformedError(code, requirement, 0, reason, pointer=pointer)


def _android_hex(text: str) -> bytes:
    """Read hex as the Android build did: a bad digit counts as -1. Source A ``AppUtils``; F-16."""
    units = text.encode("utf-16-le", "surrogatepass")  # the build counts UTF-16 units
    if len(units) % 4:
        raise BuildFailureError("F-16", Failure.EXCEPTION, "an odd number of hex digits in daily_key")
    digits = [
        _java_digit(chr(int.from_bytes(units[at : at + 2], "little"))) for at in range(0, len(units), 2)
    ]
    return bytes((high * 16 + low) & 0xFF for high, low in zip(digits[::2], digits[1::2], strict=True))


def _java_digit(unit: str) -> int:
    """Return what Java's ``Character.digit(unit, 16)`` does: decimal digits and full-width letters of any script."""
    if unit in _HEX_DIGITS:
        return int(unit, 16)
    for first in ("Ａ", "ａ"):
        if 0 <= ord(unit) - ord(first) < 6:
            return 10 + ord(unit) - ord(first)
    return decimal(unit, -1)


def _ios_hex(text: str) -> bytes:
    """Read hex as the iOS build did: any length, a crash at what it cannot read (F-16)."""
    if len(text) % 2 or not _HEX_DIGITS.issuperset(text):
        raise BuildFailureError(
            "F-16", Failure.EXCEPTION, "daily_key holds an odd number of digits, or what is none"
        )
    return bytes.fromhex(text)
