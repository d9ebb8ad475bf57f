"""A small port of positive cases, matching, pushes and InfoF."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import islice
from typing import NoReturn

import schedule
from contact_log import Record
from schedule import DAY_MS, RefusedError

LAST_S = 253_402_300_799
SPAN_S = 400 * 86_400
CASE_KEYS = ("daily_key", "time_start", "time_end", "max")
UPLOAD_KEYS = ("base_id", "time", "daily_key", "time_start")
TEXT_FIELDS = {
    "KiemTraLichSuTiepXuc": ("FindGUID", "InfoF"),
    "LayThongTinVaLichSu": ("FindGUID",),
    "GetInfoApp": ("PushGUID",),
    "YeuCauGuiLichSu": ("OTP",),
    **dict.fromkeys(
        ("CanhBaoXacNhanTiepXuc", "GuiThongBao", "bznews", "urlnews", "MOBILE", "XoaThongBao"), ()
    ),
    **dict.fromkeys(("CapNhatCauHinh", "CapNhatNgonNgu", "GetLogApp", "PingPong"), ()),
}


def no_json(text: str) -> NoReturn:
    """Refuse ``NaN`` and its like, which the standard library reads."""
    raise ValueError(text)


def integer(text: str) -> int | float:
    """Read an integer; one of too many digits becomes no integer at all."""
    return int(text) if len(text) < 30 else 0.5


def read(text: str) -> object:
    """Return the value of JSON text, in which integers are ``int`` and nothing else is."""
    try:
        return json.loads(text, parse_int=integer, parse_constant=no_json)
    except (ValueError, RecursionError):
        raise RefusedError("BAD_JSON") from None


def is_integer(value: object) -> bool:
    """Return whether a value is an integer of 64 bits; ``True`` is none."""
    return type(value) is int and -(2**63) <= value < 2**63


def is_key(value: object) -> bool:
    """Return whether a value is text of 64 hex digits."""
    return isinstance(value, str) and re.fullmatch("[0-9a-fA-F]{64}", value) is not None


@dataclass(frozen=True)
class Case:
    """A positive case; the names are those of the answers."""

    day_key: str
    time_start_ms: int
    time_end_ms: int
    max: int


def case_of(entry: object) -> Case:
    """Read one positive case, or refuse it with the first code that applies (BZ-MAT-005)."""
    if not isinstance(entry, dict):
        raise RefusedError("BAD_JSON")
    if "daily_key" not in entry:
        raise RefusedError("MISSING_FIELD")
    for name in CASE_KEYS[1:]:
        if name not in entry:
            raise RefusedError("MISSING_FIELD")
        if not is_integer(entry[name]):
            raise RefusedError("NOT_AN_INTEGER")
    key, start, end, count = (entry[name] for name in CASE_KEYS)
    if not is_key(key):
        raise RefusedError("BAD_DAY_KEY")
    if not schedule.divides_the_day(count):
        raise RefusedError("BAD_MAX")
    if not (0 <= start <= LAST_S and 0 <= end <= LAST_S):
        raise RefusedError("BAD_TIME")
    if end < start:
        raise RefusedError("TIME_END_BEFORE_TIME_START")
    if end - start >= SPAN_S:
        raise RefusedError("CASE_TOO_LONG")
    return Case(key.lower(), start * 1000, end * 1000, count)


def cases_of(text: str) -> tuple[list[Case | str], list[str]]:
    """Return the cases of a message, a code for each that is refused, and the keys that are not known."""
    message = read(text.removeprefix("\ufeff"))
    if not isinstance(message, dict):
        raise RefusedError("BAD_JSON")
    if not isinstance(message.get("data"), list):
        raise RefusedError("MISSING_FIELD")
    cases: list[Case | str] = []
    for entry in message["data"]:
        try:
            cases.append(case_of(entry))
        except RefusedError as refused:
            cases.append(refused.code)
    return cases, further(message, ("data",))


def further(message: dict[str, object], known: Sequence[str]) -> list[str]:
    """Return the keys that are not known."""
    return sorted(key for key in message if key not in known)


def hits(case: Case, records: Sequence[Record]) -> list[tuple[int, int, int]]:
    """Return day, slot and record of each hit; a record can lie in two slots at most, so only those are tried."""
    length = DAY_MS // case.max
    asked: dict[int, list[tuple[int, int]]] = {}
    for number, record in enumerate(records):
        slot, rest = divmod(record.time_ms - case.time_start_ms, length)
        for each in (slot - 1, slot) if rest == 0 else (slot,):
            if each >= 0 and case.time_start_ms + each * length <= case.time_end_ms:
                asked.setdefault(each // case.max, []).append((each % case.max, number))
    found = []
    key = bytes.fromhex(case.day_key)
    for day in range(max(asked, default=-1) + 1):
        wanted = asked.get(day, [])
        ids = list(islice(schedule.rolling_ids(key), max(wanted)[0] + 1 if wanted else 0))
        found += [(day, slot, n) for slot, n in sorted(wanted) if ids[slot].hex() == records[n].contact_id]
        key = sha256(key).digest()
    return found


def match(text: str, records: Sequence[Record]) -> dict[str, object]:
    """Return whether there is contact, and for each case its hits or why it is refused."""
    cases: list[dict[str, object]] = []
    for case in cases_of(text)[0]:
        if isinstance(case, str):
            cases.append({"reject": case})
            continue
        found = [{"record": record, "day": day, "slot": slot} for day, slot, record in hits(case, records)]
        cases.append({"contact": bool(found), "hits": found})
    return {"contact": any(case.get("contact") for case in cases), "cases": cases}


def inner_object(push: dict[str, object], name: str) -> dict[str, object]:
    """Return the object that JSON text of a push holds; a missing one is empty."""
    text = push.get(name, "{}")
    if not isinstance(text, str):
        raise RefusedError("NOT_TEXT")
    value = read(text)
    if not isinstance(value, dict):
        raise RefusedError("NOT_AN_OBJECT")
    return value


def decode_push(text: str) -> dict[str, object]:
    """Return what a push says (BZ-MSG-001)."""
    push = read(text)
    if not isinstance(push, dict):
        raise RefusedError("NOT_AN_OBJECT")
    kind = push.get("Type", "")
    if not isinstance(kind, str):
        raise RefusedError("NOT_TEXT")
    if kind not in TEXT_FIELDS:
        return {"ignored": True}
    content, notify = inner_object(push, "DataContent"), inner_object(push, "Notify")
    for name in TEXT_FIELDS[kind]:
        if name not in content:
            raise RefusedError("MISSING_FIELD")
        if not isinstance(content[name], str):
            raise RefusedError("NOT_TEXT")
    if kind in ("KiemTraLichSuTiepXuc", "LayThongTinVaLichSu") and not is_integer(
        content.get("Numberdays", 14)
    ):
        raise RefusedError("NOT_AN_INTEGER")
    unknown = further(push, ("Type", "DataContent", "Notify"))
    return {"type": kind, "content": content, "notify": notify, "further": unknown}


def decode_upload(text: str) -> dict[str, object]:
    """Return what ``InfoF`` of an upload says (BZ-MSG-002)."""
    info = read(text)
    if not isinstance(info, dict):
        raise RefusedError("BAD_JSON")
    if not all(name in info for name in UPLOAD_KEYS):
        raise RefusedError("MISSING_FIELD")
    base, day, key, start = (info[name] for name in UPLOAD_KEYS)
    for wrong, code in (
        (not isinstance(base, str) or not isinstance(key, str), "NOT_TEXT"),
        (not is_integer(day) or not is_integer(start), "NOT_AN_INTEGER"),
        (not is_key(base), "BAD_BASE_ID"),
        (not is_key(key), "BAD_DAY_KEY"),
    ):
        if wrong:
            raise RefusedError(code)
    if not (0 <= day <= LAST_S and 0 <= start <= LAST_S):
        raise RefusedError("BAD_TIME")
    if day % 86_400 or start % 86_400:
        raise RefusedError("NOT_MIDNIGHT")
    if start < day:
        raise RefusedError("DAY_BEFORE_BASE_DAY")
    if schedule.day_key(bytes.fromhex(base), (start - day) // 86_400).hex() != key.lower():
        raise RefusedError("WRONG_DAY_KEY")
    times = {"base_day_ms": day * 1000, "time_start_ms": start * 1000}
    return {"base_id": base.lower(), "day_key": key.lower(), **times, "further": further(info, UPLOAD_KEYS)}


def encode_upload(base_id: bytes, base_day_ms: int, now_ms: int, days: int = 14) -> str:
    """Return ``InfoF`` of an upload."""
    key = schedule.published_key(base_id, base_day_ms, now_ms, days)
    values = (base_id.hex(), base_day_ms // DAY_MS * 86_400, key.day_key, key.time_start_ms // 1000)
    return json.dumps(dict(zip(UPLOAD_KEYS, values, strict=True)))


def encode_cases(cases: Sequence[Case]) -> str:
    """Return the message of positive cases; one that a receiver would refuse is refused here."""
    entries = []
    for case in cases:
        start, end = case.time_start_ms // 1000, case.time_end_ms // 1000
        entries.append(dict(zip(CASE_KEYS, (case.day_key, start, end, case.max), strict=True)))
        case_of(entries[-1])
    return json.dumps({"data": entries})


def decode_cases(text: str) -> dict[str, object]:
    """Return what ``InfoF`` of a push says, a code in place of each case that is refused."""
    cases, unknown = cases_of(text)
    shown = [{"reject": case} if isinstance(case, str) else asdict(case) for case in cases]
    return {"cases": shown, "further": unknown}
