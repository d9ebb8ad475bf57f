"""Positive cases as a health authority publishes them, read strictly.

::

    {"data": [{"daily_key": 64 hex digits, "time_start": s, "time_end": s, "max": n}, ...]}

A malformed case is refused by itself and hides no other (BZ-MAT-005). The quirk profiles read a case as the published
builds did: what would crash them is a ``BuildFailureError`` in the case's place (F-16).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeGuard
from unicodedata import decimal

from .errors import BuildFailureError, Failure, MalformedError, RefusedError, RejectCode
from .json_text import JsonObject, decode_object, encode_json, object_of, octets_of
from .key_schedule import DAY_MS, KEY_OCTETS, slots_a_day
from .profiles import V3, Profile

CASE_DAYS = 400
"""A case spans at most so many days' slots. Source: BZ-MAT-006, tolerance case_span."""
LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59+00:00, the last instant a case may name. Source: BZ-MAT-005."""
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_KEYS = ("daily_key", "time_start", "time_end", "max")


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


@dataclass(frozen=True, slots=True)
class CaseMessage:
    """A message of positive cases, taken apart.

    Attributes:
        cases: One item a case, in the message's order.
        further: Keys of the message that nobody knows, sorted.
        further_of_cases: Keys that nobody knows, of any of its cases, sorted, each once.
    """

    cases: tuple[PositiveCase | RejectedCase, ...]
    further: tuple[str, ...]
    further_of_cases: tuple[str, ...]


def decode_cases(text: bytes, profile: Profile = V3) -> tuple[PositiveCase | RejectedCase, ...]:
    """Read the cases of a message of positive cases; arguments and errors as ``decode_case_message``."""
    return decode_case_message(text, profile).cases


def decode_case_message(text: bytes, profile: Profile = V3) -> CaseMessage:
    """Read the message of positive cases, which is the ``InfoF`` of a push.

    Args:
        text: JSON in UTF-8.
        profile: A quirk profile reads hex digits and ``max`` as its build did. Of the builds' leniency towards other
            JSON types (numbers written as text) nothing is modelled: such a case is malformed here.

    Raises:
        MalformedError: BAD_JSON or MISSING_FIELD, the message as a whole is none.

    Source: BZ-MAT-005, BZ-MSG-002.
    """
    message = decode_object(text, "BZ-MAT-005", code=RejectCode.BAD_JSON, keep_last=True)
    items = message.members.get("data")
    if not isinstance(items, list):
        raise message.malformed(RejectCode.MISSING_FIELD, "data", 'the message has no array "data"')
    # BZ-MSG-002: further keys are ignored, and named
    entries = (JsonObject(item, "", "BZ-MSG-002") for item in items if isinstance(item, dict))
    of_cases = {name for entry in entries for name in entry.further(_KEYS)}
    return CaseMessage(
        tuple(_decode_case(item, index, profile) for index, item in enumerate(items)),
        message.further(("data",)),
        tuple(sorted(of_cases)),
    )


def encode_cases(cases: Iterable[PositiveCase]) -> str:
    """Write a message of positive cases, hex digits in lower case.

    Raises:
        RefusedError: BAD_DAY_KEY, BAD_MAX, BAD_TIME, TIME_END_BEFORE_TIME_START or CASE_TOO_LONG: a reader would
            refuse a case, or a time is no whole second.

    Source: BZ-MSG-002, BZ-MAT-005.
    """
    entries = []
    for case in cases:
        if case.time_start_ms % 1000 or case.time_end_ms % 1000:
            raise RefusedError(RejectCode.BAD_TIME, "BZ-MSG-002", "a case's time must be a whole second")
        times_s = (case.time_start_ms // 1000, case.time_end_ms // 1000)
        entries.append(dict(zip(_KEYS, (case.day_key.hex(), *times_s, case.max_per_day), strict=True)))
    text = encode_json({"data": entries})
    # what is written is read as everybody will: a case that a reader refuses is never written
    for item in decode_cases(octets_of(text)):
        if isinstance(item, RejectedCase) and isinstance(item.error, MalformedError):
            raise item.error.refusal()
    return text


def is_hex_key(value: object) -> TypeGuard[str]:
    """Tell whether a JSON value is text of 64 hex digits in either case. Source: BZ-MAT-005, BZ-MSG-002."""
    return isinstance(value, str) and len(value) == 2 * KEY_OCTETS and _HEX_DIGITS.issuperset(value)


def _decode_case(value: object, index: int, profile: Profile) -> PositiveCase | RejectedCase:
    try:
        case = object_of(
            value, "BZ-MAT-005", pointer=f"/data/{index}", code=RejectCode.BAD_JSON, keep_last=True
        )
        key = case.value("daily_key")
        start_s, end_s, count = (case.integer(name) for name in _KEYS[1:])
        if profile.matching.malformed_case == "refuse":
            return _strict_case(case, key, start_s, end_s, count)
        if not isinstance(key, str):
            raise case.malformed(RejectCode.BAD_DAY_KEY, "daily_key", "daily_key is not text")
        octets = _android_hex(key) if profile.matching.malformed_case == "android" else _ios_hex(key)
        return PositiveCase(octets, start_s * 1000, end_s * 1000, count)
    except (MalformedError, BuildFailureError) as error:
        return RejectedCase(index, error)


def _strict_case(case: JsonObject, key: object, start_s: int, end_s: int, count: int) -> PositiveCase:
    # BZ-MAT-005: 64 hex digits in either case, and nothing else
    if not is_hex_key(key):
        raise case.malformed(RejectCode.BAD_DAY_KEY, "daily_key", "daily_key is not 64 hex digits")
    try:
        slots_a_day(count)
    except RefusedError as error:
        raise case.malformed(RejectCode.BAD_MAX, "max", error.reason) from None
    for name, time_s in (("time_start", start_s), ("time_end", end_s)):
        if not 0 <= time_s <= LAST_SECOND:
            raise case.malformed(
                RejectCode.BAD_TIME, name, f"{name} is no time between 1970 and 9999 in seconds"
            )
    if end_s < start_s:
        raise case.malformed(
            RejectCode.TIME_END_BEFORE_TIME_START, "time_end", "time_end is before time_start"
        )
    # BZ-MAT-006: slots begin at time_start, so that fewer than 400 days hold at most 400 days' slots
    if (end_s - start_s) * 1000 >= CASE_DAYS * DAY_MS:
        raise replace(case, requirement="BZ-MAT-006").malformed(
            RejectCode.CASE_TOO_LONG, "time_end", f"the case spans more than {CASE_DAYS} days' slots"
        )
    return PositiveCase(bytes.fromhex(key), start_s * 1000, end_s * 1000, count)


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
