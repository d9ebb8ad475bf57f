"""Pushes and ``InfoF``, written a second time from the chapter "Messages"."""

from __future__ import annotations

import json
from hashlib import sha256

from .errors import RefusedError
from .key_schedule import DAY_MS, LAST_DAY, is_allowed, members, number, published_key
from .matching import HEX_DIGITS, LAST_SECOND, SPAN_S, is_integer, message_cases, parsed, strict_case

PUSH_TYPES = {
    "KiemTraLichSuTiepXuc": ("FindGUID", "InfoF"),
    "LayThongTinVaLichSu": ("FindGUID",),
    "CanhBaoXacNhanTiepXuc": (),
    "GuiThongBao": (),
    "bznews": (),
    "urlnews": (),
    "MOBILE": (),
    "XoaThongBao": (),
    "CapNhatCauHinh": (),
    "CapNhatNgonNgu": (),
    "GetInfoApp": ("PushGUID",),
    "GetLogApp": (),
    "PingPong": (),
    "YeuCauGuiLichSu": ("OTP",),
}
"""The types of push, and the text that ``DataContent`` of each must have."""
_ASKING_DAYS = ("KiemTraLichSuTiepXuc", "LayThongTinVaLichSu")
DAY_S = DAY_MS // 1000


def decode_push(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``decode_push`` (BZ-MSG-001)."""
    push = parsed(str(question["text"]))
    if not isinstance(push, dict):
        raise RefusedError("NOT_AN_OBJECT")
    if "Type" not in push:
        return {"ignored": True}
    if not isinstance(push["Type"], str):
        raise RefusedError("NOT_TEXT")
    if push["Type"] not in PUSH_TYPES:
        return {"ignored": True}
    content, notify = _inner(push, "DataContent"), _inner(push, "Notify")
    for name in PUSH_TYPES[push["Type"]]:
        if name not in content:
            raise RefusedError("MISSING_FIELD")
        if not isinstance(content[name], str):
            raise RefusedError("NOT_TEXT")
    if push["Type"] in _ASKING_DAYS and not is_integer(content.get("Numberdays", 0)):
        raise RefusedError("NOT_AN_INTEGER")
    further = sorted(set(push) - {"Type", "DataContent", "Notify"})
    return {"type": push["Type"], "content": content, "notify": notify, "further": further}


def _inner(push: dict[str, object], name: str) -> dict[str, object]:
    """Return the object that a value holds as JSON text; a missing one is empty."""
    text = push.get(name, "{}")
    if not isinstance(text, str):
        raise RefusedError("NOT_TEXT")
    inner = parsed(text)
    if not isinstance(inner, dict):
        raise RefusedError("NOT_AN_OBJECT")
    return inner


def decode_info(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``decode_info`` (BZ-MSG-002)."""
    text = str(question["text"])
    return _decode_cases(text) if question["kind"] == "cases" else _decode_upload(text)


def _decode_cases(text: str) -> dict[str, object]:
    message, cases = message_cases(text)
    found: list[dict[str, object]] = []
    for case in cases:
        try:
            key, start_ms, end_ms, count = strict_case(case)
        except RefusedError as error:
            found.append({"reject": error.code})
        else:
            found.append(
                {"day_key": key.hex(), "time_start_ms": start_ms, "time_end_ms": end_ms, "max": count}
            )
    return {"cases": found, "further": sorted(set(message) - {"data"})}


def _decode_upload(text: str) -> dict[str, object]:
    info = parsed(text)
    if not isinstance(info, dict):
        raise RefusedError("BAD_JSON")
    keys, times = [], []
    for key_name, time_name in (("base_id", "time"), ("daily_key", "time_start")):
        if key_name not in info or time_name not in info:
            raise RefusedError("MISSING_FIELD")
        if not isinstance(info[key_name], str):
            raise RefusedError("NOT_TEXT")
        if not is_integer(info[time_name]):
            raise RefusedError("NOT_AN_INTEGER")
        keys.append(info[key_name])
        times.append(info[time_name])
    for digits, code in zip(keys, ("BAD_BASE_ID", "BAD_DAY_KEY"), strict=True):
        if len(digits) != 64 or not HEX_DIGITS.issuperset(digits):
            raise RefusedError(code)
    base_day_s, start_s = times
    if any(not 0 <= time <= LAST_SECOND for time in times):
        raise RefusedError("BAD_TIME")
    if base_day_s % DAY_S or start_s % DAY_S:
        raise RefusedError("NOT_MIDNIGHT")
    if start_s < base_day_s:
        raise RefusedError("DAY_BEFORE_BASE_DAY")
    day = (start_s - base_day_s) // DAY_S
    if day > LAST_DAY:
        raise RefusedError("DAY_OUT_OF_RANGE")
    key = bytes.fromhex(keys[0])
    for _ in range(day):
        key = sha256(key).digest()
    if key.hex() != keys[1].lower():
        raise RefusedError("WRONG_DAY_KEY")
    return {
        "base_id": keys[0].lower(),
        "base_day_ms": base_day_s * 1000,
        "day_key": keys[1].lower(),
        "time_start_ms": start_s * 1000,
        "further": sorted(set(info) - {"base_id", "time", "daily_key", "time_start"}),
    }


def encode_info(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``encode_info`` (BZ-MSG-002, BZ-MSG-004)."""
    if question["kind"] == "cases":
        cases = [_written_case(case) for case in members(question["cases"]) if isinstance(case, dict)]
        return {"text": json.dumps({"data": cases})}
    published = published_key(question, profile)
    info = {
        "base_id": question["base_id"],
        "time": number(question["base_day_ms"]) // 1000,
        "daily_key": published["day_key"],
        "time_start": number(published["time_start_ms"]) // 1000,
    }
    return {"text": json.dumps(info)}


def _written_case(case: dict[str, object]) -> dict[str, object]:
    """Return a case as a message has it, times in seconds.

    Raises:
        RefusedError: By the table of BZ-MAT-005.
    """
    if len(str(case["day_key"])) != 64:
        raise RefusedError("BAD_DAY_KEY")
    if not is_allowed(case["max"]):
        raise RefusedError("BAD_MAX")
    start_s, end_s = number(case["time_start_ms"]) // 1000, number(case["time_end_ms"]) // 1000
    if end_s < start_s:
        raise RefusedError("TIME_END_BEFORE_TIME_START")
    if end_s - start_s >= SPAN_S:
        raise RefusedError("CASE_TOO_LONG")
    return {"daily_key": case["day_key"], "time_start": start_s, "time_end": end_s, "max": case["max"]}
