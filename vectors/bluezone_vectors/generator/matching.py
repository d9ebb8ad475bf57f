"""Matching, written a second time from the chapter "Matching": strict messages, the algorithm, what builds did."""

from __future__ import annotations

import json
from hashlib import sha256

from .errors import FailedError, RefusedError
from .key_schedule import DAY_MS, GREATEST_MAX, POSITIONS, SALT, is_allowed, members, number

LAST_SECOND = 253_402_300_799
SPAN_S = 400 * 86_400
HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
INTEGERS = ("time_start", "time_end", "max")
SLOTS_BEFORE_ENDLESS = 400 * GREATEST_MAX


def parsed(text: str) -> object:
    """Return a JSON value by RFC 8259: no ``NaN``, numbers of any length, a mark in front passed over.

    Raises:
        RefusedError: BAD_JSON.
    """
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_int=_integer, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise RefusedError("BAD_JSON") from None


def _integer(digits: str) -> int:
    """Return an integer; one of too many digits is cut, and stays beyond 64 bits."""
    return int(digits[:30])


def _constant(name: str) -> object:
    raise ValueError(name)


def is_integer(value: object) -> bool:
    """Tell whether a JSON value is an integer of 64 bits."""
    return type(value) is int and -(2**63) <= value < 2**63


def message_cases(text: str) -> tuple[dict[str, object], list[object]]:
    """Return a message of positive cases and its cases, unread.

    Raises:
        RefusedError: BAD_JSON or MISSING_FIELD.
    """
    message = parsed(text)
    if not isinstance(message, dict):
        raise RefusedError("BAD_JSON")
    cases = message.get("data")
    if not isinstance(cases, list):
        raise RefusedError("MISSING_FIELD")
    return message, cases


def fields_of(case: object) -> tuple[object, int, int, int]:
    """Return day key, start and end in seconds, and ``max`` of a case, of the right types.

    Raises:
        RefusedError: By the first rows of the table of BZ-MAT-005.
    """
    if not isinstance(case, dict):
        raise RefusedError("BAD_JSON")
    if "daily_key" not in case:
        raise RefusedError("MISSING_FIELD")
    for name in INTEGERS:
        if name not in case:
            raise RefusedError("MISSING_FIELD")
        if not is_integer(case[name]):
            raise RefusedError("NOT_AN_INTEGER")
    return case["daily_key"], case["time_start"], case["time_end"], case["max"]


def strict_case(case: object) -> tuple[bytes, int, int, int]:
    """Return day key, start and end in ms, and ``max`` of a case.

    Raises:
        RefusedError: By the table of BZ-MAT-005.
    """
    key, start_s, end_s, count = fields_of(case)
    if not isinstance(key, str) or len(key) != 64 or not HEX_DIGITS.issuperset(key):
        raise RefusedError("BAD_DAY_KEY")
    if not is_allowed(count):
        raise RefusedError("BAD_MAX")
    if not 0 <= start_s <= LAST_SECOND or not 0 <= end_s <= LAST_SECOND:
        raise RefusedError("BAD_TIME")
    if end_s < start_s:
        raise RefusedError("TIME_END_BEFORE_TIME_START")
    if end_s - start_s >= SPAN_S:
        raise RefusedError("CASE_TOO_LONG")
    return bytes.fromhex(key), start_s * 1000, end_s * 1000, count


def hits_of(
    key: bytes, start_ms: int, end_ms: int, count: int, records: list[dict[str, object]]
) -> list[dict[str, int]]:
    """Return the hits of a case, by the six steps of the algorithm; both ends of a slot count."""
    length_ms = DAY_MS // count
    by_id: dict[object, list[int]] = {}
    for index, record in enumerate(records):
        by_id.setdefault(record["contact_id"], []).append(index)
    hits: list[dict[str, int]] = []
    time_ms, day, slot = start_ms, 0, 0
    subkey = sha256(key + SALT).digest()
    while time_ms <= end_ms:
        rolling_id = bytes(subkey[position] for position in POSITIONS).hex()
        hits += [
            {"record": index, "day": day, "slot": slot}
            for index in by_id.get(rolling_id, [])
            if time_ms <= number(records[index]["time_ms"]) <= time_ms + length_ms
        ]
        time_ms += length_ms
        slot += 1
        subkey = sha256(subkey).digest()
        if slot == count:
            key = sha256(key).digest()
            day, slot = day + 1, 0
            subkey = sha256(key + SALT).digest()
    return hits


def match(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``match``."""
    _, cases = message_cases(str(question["message"]))
    records = [record for record in members(question["records"]) if isinstance(record, dict)]
    if profile != "v3":
        return _match_as_build(cases, records, profile)
    answers: list[dict[str, object]] = []
    for case in cases:
        try:
            hits = hits_of(*strict_case(case), records)
        except RefusedError as error:
            answers.append({"reject": error.code})
        else:
            answers.append({"contact": bool(hits), "hits": hits})
    return {"contact": any(answer.get("contact") is True for answer in answers), "cases": answers}


def _match_as_build(cases: list[object], records: list[dict[str, object]], profile: str) -> dict[str, object]:
    """Match until the first hit; slots of the builds are only asked for where they divide the day."""
    ios = profile == "ios-v3"
    answers: list[dict[str, object]] = []
    whole = []
    for case in cases:
        try:
            whole.append(fields_of(case))
        except RefusedError:
            if ios:
                return {"contact": False, "cases": []}  # the whole message is dropped
            break  # the message ends there
    for text, start_s, end_s, count in whole:
        key = _ios_hex(str(text)) if ios else _android_hex(str(text))
        hits = []
        if ios or len(key) == 32:
            _fail_as_build(start_s, end_s, count)
            hits = hits_of(key, start_s * 1000, end_s * 1000, count, records)[:1]
        answers.append({"contact": bool(hits), "hits": hits})
        if hits:
            break
    return {"contact": any(answer["contact"] for answer in answers), "cases": answers}


def _fail_as_build(start_s: int, end_s: int, count: int) -> None:
    """Fail where a build crashes or never ends (F-07)."""
    if count == 0:
        raise FailedError("exception")
    if count < 0 or count > DAY_MS or (end_s - start_s) * 1000 * count >= SLOTS_BEFORE_ENDLESS * DAY_MS:
        raise FailedError("endless loop")


def _android_hex(text: str) -> bytes:
    """Read hex as Android 3.0.3: a digit that is none counts as -1 (F-16)."""
    if len(text) % 2:
        raise FailedError("exception")
    digits = [int(digit, 16) if digit in HEX_DIGITS else -1 for digit in text]
    return bytes((high * 16 + low) % 256 for high, low in zip(digits[::2], digits[1::2], strict=True))


def _ios_hex(text: str) -> bytes:
    """Read hex as iOS 3.0.3: any length, and a crash at what it cannot read (F-16)."""
    if len(text) % 2 or not HEX_DIGITS.issuperset(text):
        raise FailedError("exception")
    return bytes.fromhex(text)
