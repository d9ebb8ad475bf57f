"""Questions about what is written as text, drawn by Hypothesis: contact logs, positive cases, messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bluezone_reference.key_schedule import DAY_MS, day_key, rolling_id, subkeys
from bluezone_reference.pushes import PUSH_TYPES

from .drawn import (
    ALLOWED_MAX,
    ANY_MAX,
    BASE_DAY_MS,
    IDS,
    INSTANTS,
    RSSI,
    Drawn,
    first_or_other,
    object_of,
    octets_drawn,
    published_key,
)
from .lines import INTEGER_LIMIT
from .questions import Asked


def _records(times_ms: SearchStrategy[int] = INSTANTS) -> SearchStrategy[list[dict[str, Any]]]:
    return st.lists(object_of(own_id=IDS, contact_id=IDS, rssi=RSSI, time_ms=times_ms), max_size=3)


def _log_export() -> Drawn:
    return object_of(records=_records())


_DAMAGE: tuple[Callable[[str], str], ...] = (
    str,
    str.lower,
    lambda row: row + "\r",
    lambda row: "\ufeff" + row,
    lambda row: row.replace("\t", " "),
    lambda row: row[2:],
    lambda row: row[1:],
    lambda row: row.replace("\t-", "\t+"),
    lambda row: row + "\t0",
    lambda row: "",
    lambda row: row[:-3],
    lambda row: row[:-16],
    lambda row: row + "000000",
    lambda row: row.replace("A", "é"),
)


@st.composite
def _log_import(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an export with rows that are damaged here and there, in both dialects of time."""
    rows = []
    for record in draw(_records()):
        ids = f"{record['own_id']}\t{record['contact_id']}".upper()
        row = f"{ids}\t{record['rssi']}\t{record['time_ms'] // draw(st.sampled_from((1, 1000)))}"
        rows.append(draw(first_or_other(st.just(str), st.sampled_from(_DAMAGE)))(row))
    text = "".join(row + "\n" for row in rows)
    return {"octets": (text[:-1] if draw(st.integers(0, 7)) == 7 else text).encode().hex()}


# --- matching and messages ----------------------------------------------------------------------------------

_BASE_DAY_S = BASE_DAY_MS // 1000
_ODD_VALUES: SearchStrategy[Any] = st.sampled_from((None, True, "96", 1.0, 2**63, -1, [], {}))
_SPANS_S = (0, 1, 899, 900, 901, 3600, 86_399, 86_400, 86_401, 172_800, 34_559_999, 34_560_000, -1)


_MOST_WORK = 34_560_000 * 24
"""Of a case's seconds times its slots a day: the reference does no more for one question."""


@st.composite
def _cases(draw: st.DrawFn) -> list[Any]:
    """Draw the cases of a message, some with one thing wrong with them."""
    cases: list[Any] = []
    for _ in range(draw(st.integers(1, 3))):
        start_s = _BASE_DAY_S + draw(st.sampled_from((0, 3600, 450, 86_400, -86_400)))
        slots = draw(st.sampled_from(ALLOWED_MAX))
        case: dict[str, Any] = {
            "daily_key": draw(st.sampled_from(("00" * 32, "AB" * 32))),
            "time_start": start_s,
            "time_end": start_s
            + draw(st.sampled_from([span_s for span_s in _SPANS_S if span_s * slots <= _MOST_WORK])),
            "max": slots,
        }
        match draw(st.integers(0, 11)):
            case 8:
                case["daily_key"] = draw(st.sampled_from(("00" * 31, "0" * 63, "zz" * 32, "00" * 33, "", 0)))
            case 9:
                case[draw(st.sampled_from(sorted(case)))] = draw(_ODD_VALUES)
            case 10:
                del case[draw(st.sampled_from(sorted(case)))]
            case 11:
                case["max"] = draw(st.sampled_from(ANY_MAX))
        cases.append(case)
    return cases


@st.composite
def _match(draw: st.DrawFn) -> dict[str, Any]:
    """Draw cases, and records of their ids at, beside and off the ends of their slots."""
    cases = draw(_cases())
    records = []
    for _ in range(draw(st.integers(1, 4))):
        case = draw(st.sampled_from(cases))
        slots = case.get("max")
        start_s = case.get("time_start")
        if type(slots) is not int or slots not in ALLOWED_MAX[:-1] or type(start_s) is not int:
            slots, start_s = 96, _BASE_DAY_S
        key = "00" * 32 if case.get("daily_key") != "AB" * 32 else "AB" * 32
        count = draw(st.one_of(st.integers(0, 2), st.sampled_from((slots - 1, slots, slots + 1))))
        day, slot = divmod(count, slots)
        subkey = next(islice(subkeys(day_key(bytes.fromhex(key), day), slot + 1), slot, None))
        length_ms = DAY_MS // slots
        beside_ms = draw(
            st.sampled_from((0, length_ms, 1, -1, length_ms + 1, length_ms - 1, 900_000, -length_ms))
        )
        time_ms = start_s * 1000 + count * length_ms + beside_ms
        record = {"own_id": "00" * 12, "contact_id": rolling_id(subkey).hex(), "rssi": draw(RSSI)}
        # a time of a message may be any integer, one of a question may not
        records.append({**record, "time_ms": min(max(0, time_ms), INTEGER_LIMIT)})
    return {"message": json.dumps({"data": cases}), "records": records}


_TEXTS = st.sampled_from(("", "{", "[]", "null", "1", '"x"', "\ufeff{}", "[" * 70, "{}x"))


@st.composite
def _decode_push(draw: st.DrawFn) -> dict[str, Any]:
    """Draw pushes, whole and with one thing wrong."""
    kind = draw(st.sampled_from(sorted(PUSH_TYPES)))
    content: dict[str, Any] = {
        name: "1" if wanted.kind == "text" else 14 for name, wanted in PUSH_TYPES[kind].items()
    }
    push: dict[str, Any] = {"Type": kind}
    which = draw(st.integers(0, 9))
    if which == 6 and content:
        content[draw(st.sampled_from(sorted(content)))] = draw(
            _ODD_VALUES.filter(lambda value: value != "96")
        )
    if which == 7 and content:
        del content[draw(st.sampled_from(sorted(content)))]
    has_content = draw(st.integers(0, 1))
    if content or has_content:
        push["DataContent"] = json.dumps(content)
    if draw(st.integers(0, 1)):
        push["Notify"] = json.dumps({"title": "x"})
    if which == 8:
        push[draw(st.sampled_from(("Type", "DataContent", "Notify")))] = draw(st.one_of(_TEXTS, _ODD_VALUES))
    if which == 9:
        push[draw(st.sampled_from(("Further", "notify", "A")))] = draw(_ODD_VALUES)
    return {"text": draw(first_or_other(st.just(json.dumps(push)), _TEXTS))}


@st.composite
def _decode_info(draw: st.DrawFn) -> dict[str, Any]:
    """Draw InfoF of both kinds, whole and with one thing wrong."""
    is_upload = draw(st.integers(0, 1))
    if not is_upload:
        info: dict[str, Any] = {"data": draw(_cases())}
        kind = "cases"
    else:
        day = draw(st.sampled_from((0, 1, 14)))
        base_id = draw(st.sampled_from(("00" * 32, "AB" * 32)))
        info = {
            "base_id": base_id,
            "time": _BASE_DAY_S,
            "daily_key": day_key(bytes.fromhex(base_id), day).hex(),
            "time_start": _BASE_DAY_S + day * 86_400,
        }
        kind = "upload"
    name = draw(st.sampled_from(sorted(info)))
    match draw(st.integers(0, 9)):
        case 6:
            del info[name]
        case 7:
            info[name] = draw(
                st.one_of(_ODD_VALUES, st.sampled_from(("00" * 31, _BASE_DAY_S + 1, 0, "00" * 32)))
            )
        case 8:
            info[draw(st.sampled_from(("further", "A")))] = draw(_ODD_VALUES)
        case 9:
            return {"kind": kind, "text": draw(_TEXTS)}
    return {"kind": kind, "text": json.dumps(info)}


def _encode_info() -> Drawn:
    starts_ms = st.sampled_from((BASE_DAY_MS, BASE_DAY_MS + 3_600_000))
    case = st.tuples(
        first_or_other(octets_drawn(32), octets_drawn(0, 33)),
        starts_ms,
        st.sampled_from(_SPANS_S),
        st.sampled_from(ANY_MAX),
    ).map(
        lambda drawn: {
            "day_key": drawn[0],
            "time_start_ms": drawn[1],
            "time_end_ms": drawn[1] + drawn[2] * 1000,
            "max": drawn[3],
        }
    )
    cases = object_of(kind=st.just("cases"), cases=st.lists(case, max_size=2))
    return st.one_of(published_key(kind=st.just("upload")), cases)


MESSAGE_QUESTIONS: Mapping[str, SearchStrategy[Asked]] = {
    "log_export": _log_export(),
    "log_import": _log_import(),
    "match": _match(),
    "decode_push": _decode_push(),
    "decode_info": _decode_info(),
    "encode_info": _encode_info(),
}
"""A strategy for each operation of contact logs, matching and messages."""
