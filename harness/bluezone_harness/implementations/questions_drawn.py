"""Questions for a search, drawn by Hypothesis: mostly proper ones, and most of them beside a boundary.

Each strategy shrinks towards the plainest question of its operation: zeros for keys, day 0, the default ``max``, few
events, the captured phone's day for a base day.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bluezone_reference.ad_structures import encode_ad
from bluezone_reference.key_schedule import DAY_MS, LAST_DAY, day_key, rolling_id, subkeys
from bluezone_reference.pushes import PUSH_TYPES

from .questions import Asked
from .wire import INTEGER_LIMIT

Drawn = SearchStrategy[dict[str, Any]]

BASE_DAY_MS = 1_596_844_800_000
"""2020-08-08T00:00:00Z."""
_SOME_MAX = (96, 144, 24, 2, 3, 7, 11, 97, 1440, 86_400, 1, 0, -1, 86_401, 256, 48)
_ALLOWED_MAX = (96, 144, 24, 2, 3, 256, 1440, 86_400)
_ABSENT = object()
EXPANDED = 300
"""Slots of a case from which records are drawn."""


def _octets(least: int, most: int | None = None) -> SearchStrategy[str]:
    return st.binary(min_size=least, max_size=least if most is None else most).map(bytes.hex)


def _rarely(usual: SearchStrategy[Any], odd: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Draw what is usual, and one time in eight what is odd."""
    return st.integers(0, 7).flatmap(lambda number: odd if number == 7 else usual)


def _object(**members: SearchStrategy[Any]) -> Drawn:
    """Draw an object, without the members that are drawn as absent."""
    return st.fixed_dictionaries(members).map(
        lambda drawn: {name: value for name, value in drawn.items() if value is not _ABSENT}
    )


def _optional(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(st.just(_ABSENT), strategy)


BASE_IDS = _rarely(_octets(32), _octets(0, 40))
MAX = _rarely(
    st.one_of(st.just(_ABSENT), st.sampled_from(_ALLOWED_MAX)),
    st.one_of(st.sampled_from(_SOME_MAX), st.sampled_from((True, None, "96", 96.5))),
)
DAYS = _rarely(
    st.one_of(st.integers(0, 3), st.sampled_from((13, 14, 15, 365))),
    st.sampled_from((-1, LAST_DAY, LAST_DAY + 1, -366)),
)


@st.composite
def _instants(draw: st.DrawFn) -> int:
    """Draw an instant, beside an edge of a slot or of a day more often than not."""
    day = draw(DAYS)
    slots = draw(st.sampled_from(_ALLOWED_MAX))
    slot = draw(st.one_of(st.integers(0, 3), st.integers(0, slots)))
    beside_ms = draw(st.one_of(st.sampled_from((0, -1, 1, 999, 1000)), st.integers(0, DAY_MS - 1)))
    time_ms: int = BASE_DAY_MS + day * DAY_MS + slot * (DAY_MS // slots) + beside_ms
    return time_ms


INSTANTS = _instants()
_NEAR_MS = st.sampled_from((0, 1, 900_000, 450_000, DAY_MS, -DAY_MS, -900_000, 8 * DAY_MS))


def _derive_ids() -> Drawn:
    slots = _rarely(st.integers(0, 3), st.sampled_from((95, 96, -1, 143, 1)))
    return _object(base_id=BASE_IDS, day=DAYS, max=MAX, slots=st.lists(slots, min_size=1, max_size=3))


def _id_at() -> Drawn:
    return _object(base_id=BASE_IDS, base_day_ms=st.just(BASE_DAY_MS), time_ms=INSTANTS, max=MAX)


@st.composite
def _ids_over_time(draw: st.DrawFn) -> dict[str, Any]:
    """Draw instants and settings of one phone; most instants lie near the one before, on the same day or the next."""
    time_ms = draw(INSTANTS)
    events: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.integers(0, 2)) == 2:
            values = st.one_of(st.sampled_from(_SOME_MAX), st.sampled_from((None, "96", True, 1.5)))
            events.append({"kind": "max", "value": draw(values)})
            continue
        time_ms = draw(st.one_of(_NEAR_MS.map(time_ms.__add__), INSTANTS))
        event = {"kind": "id", "time_ms": time_ms}
        if draw(st.integers(0, 3)) == 3:
            event["reread_ms"] = time_ms + draw(_NEAR_MS)
        events.append(event)
    question = {"base_id": draw(_octets(32)), "base_day_ms": BASE_DAY_MS, "events": events}
    slots = draw(MAX)
    return question if slots is _ABSENT else {**question, "max": slots}


def _published(**more: SearchStrategy[Any]) -> Drawn:
    return _object(
        **more,
        base_id=BASE_IDS,
        base_day_ms=st.just(BASE_DAY_MS),
        now_ms=INSTANTS,
        days=_optional(st.sampled_from((14, 0, 1, 13, 15, 30))),
    )


# --- advertisements -----------------------------------------------------------------------------------------

_IDS = _octets(12)
_NAMES = st.one_of(st.none(), st.just("Bluezone"), st.text("aé1", max_size=4), st.just("2aBY3xYB95"))
_HEARD_NAMES = (b"Bluezone", b"2aBY3xYB95", b"2aBY3xYB94", b"\xff")
_SHORT_UUID = bytes.fromhex("564e")
_LONG_UUIDS = [
    bytes.fromhex(each.replace("-", ""))[::-1]
    for each in (
        "00004e56-73f5-4bc4-a12f-17d1ad07a667",
        "e20a39f4-73f5-4bc4-a12f-17d1ad07a667",
        "e20a39f4-73f5-4bc4-a12f-17d1ad07a889",
        "00004e56-0000-1000-8000-00805f9b34fb",
    )
]


def _structure(
    ad_type: int | SearchStrategy[int], data: SearchStrategy[bytes]
) -> SearchStrategy[tuple[int, bytes]]:
    types = st.just(ad_type) if isinstance(ad_type, int) else ad_type
    return st.tuples(types, data)


_COMPANY_DATA = st.one_of(
    st.binary(min_size=12, max_size=12),
    st.binary(min_size=6, max_size=6),
    st.binary(max_size=14),
    st.just(b"aB3xY9"),
)
_STRUCTURES = st.one_of(
    _structure(0xFF, _COMPANY_DATA.map(lambda data: b"\xb5\x22" + data)),
    _structure(st.sampled_from((3, 2)), st.just(_SHORT_UUID)),
    _structure(st.sampled_from((3, 2)), st.sampled_from((b"\x0f\x18\x56\x4e", b"\x4e\x56", b"\x56", b""))),
    _structure(st.sampled_from((7, 6)), st.sampled_from(_LONG_UUIDS)),
    _structure(st.sampled_from((5, 4)), st.just(b"\x56\x4e\x00\x00")),
    _structure(1, st.just(b"\x02")),
    _structure(st.sampled_from((9, 8)), _NAMES.map(lambda name: (name or "").encode())),
    _structure(
        0xFF, st.sampled_from((b"\x4c\x00\x01\x08" + bytes(15), b"\x4c\x00\x01\x09" + bytes(15), b"\xb5"))
    ),
    _structure(0xFF, st.binary(max_size=14)),
)


@st.composite
def _advdata(draw: st.DrawFn) -> str:
    """Draw AdvData: structures in any order, sometimes cut or with octets behind them."""
    ours = [(0xFF, b"\xb5\x22" + draw(st.binary(min_size=12, max_size=12))), (3, _SHORT_UUID)]
    named = [(7, draw(st.sampled_from(_LONG_UUIDS[:2]))), (9, draw(st.sampled_from(_HEARD_NAMES)))]
    structures = draw(
        st.one_of(
            st.just(ours),
            st.lists(_STRUCTURES, max_size=3),
            st.permutations([*ours, (1, b"\x02")]),
            st.just(named),
        )
    )
    octets = encode_ad(structures)
    match draw(st.integers(0, 7)):
        case 5:
            octets = octets[: draw(st.integers(0, len(octets)))]
        case 6:
            octets = octets.ljust(draw(st.integers(0, 33)), b"\0")
        case 7:
            octets += draw(st.binary(max_size=4))
    return octets.hex()


def _decode_advertisement() -> Drawn:
    return _object(ad=_advdata(), scan_response=_optional(_advdata()))


def _encode_advertisement() -> Drawn:
    kinds = st.one_of(
        _object(kind=st.just("android"), id=_rarely(_IDS, _octets(0, 14))),
        _object(kind=st.just("ios"), local_name=st.sampled_from((None, "Bluezone"))),
        _object(
            kind=st.just("ios_background"), services=st.just("08" + "00" * 15), only_bluezone=st.just(True)
        ),
        _object(kind=st.just("old_android"), static_id=st.text("aB3xY9", min_size=6, max_size=6)),
        st.sampled_from(
            (
                {"kind": "old_ios", "local_name": None, "static_id": None},
                {"kind": "old_ios", "local_name": "2aBY3xYB95", "static_id": "aB3xY9"},
            )
        ),
    )
    return _object(advertisement=kinds)


# --- receiver and contact log -------------------------------------------------------------------------------

_RSSI = _rarely(st.sampled_from((-60, -86, -87)), st.sampled_from((-127, 20, 127, 0)))
_ADDRESSES = st.sampled_from(("5a:01:23:45:67:89", "5a:01:23:45:67:8a"))
_HEARD_ID = "0fffb522" + "ab" * 12 + "0303564e"
_IPHONE = "1107" + _LONG_UUIDS[0].hex()
_STEPS_MS = st.one_of(
    st.sampled_from((0, 4999, 5000, 5001, 9999, 10_000, 1000, 900_000, DAY_MS)),
    st.sampled_from((-1, -4999, -5000, -DAY_MS)),
)


@st.composite
def _receive(draw: st.DrawFn) -> dict[str, Any]:
    """Draw adverts and reads of a few phones, near one another or a slot or a day apart."""
    time_ms = draw(INSTANTS)
    events: list[dict[str, Any]] = []
    if draw(st.integers(0, 3)) == 3:  # an iPhone, read at once
        heard = {"time_ms": max(0, time_ms), "address": draw(_ADDRESSES), "rssi": -60}
        events = [{**heard, "kind": "advert", "ad": _IPHONE}, {**heard, "kind": "read", "value": "cd" * 12}]
        time_ms += draw(_STEPS_MS)
    for _ in range(draw(st.integers(1, 6))):
        event: dict[str, Any] = {
            "kind": draw(st.sampled_from(("advert", "read"))),
            "time_ms": max(0, time_ms),
            "address": draw(_ADDRESSES),
            "rssi": draw(_RSSI),
        }
        if event["kind"] == "read":
            event["value"] = draw(_rarely(st.just("cd" * 12), st.one_of(st.none(), _octets(0, 14))))
        else:
            event["ad"] = draw(st.one_of(st.just(_HEARD_ID), st.just(_IPHONE), _advdata()))
            if draw(st.integers(0, 5)) == 5:
                event["scan_response"] = draw(_advdata())
            if draw(st.integers(0, 5)) == 5:
                event["delivered_ms"] = event["time_ms"] + draw(st.sampled_from((1, 10_000)))
        events.append(event)
        time_ms += draw(_STEPS_MS)
    question = {"base_id": draw(_octets(32)), "base_day_ms": BASE_DAY_MS, "events": events}
    slots = draw(st.one_of(st.just(_ABSENT), st.sampled_from(_ALLOWED_MAX)))
    return question if slots is _ABSENT else {**question, "max": slots}


def _records(times_ms: SearchStrategy[int] = INSTANTS) -> SearchStrategy[list[dict[str, Any]]]:
    return st.lists(_object(own_id=_IDS, contact_id=_IDS, rssi=_RSSI, time_ms=times_ms), max_size=3)


def _log_export() -> Drawn:
    return _object(records=_records())


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
        rows.append(draw(_rarely(st.just(str), st.sampled_from(_DAMAGE)))(row))
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
        slots = draw(st.sampled_from(_ALLOWED_MAX))
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
                case["max"] = draw(st.sampled_from(_SOME_MAX))
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
        if type(slots) is not int or slots not in _ALLOWED_MAX[:-1] or type(start_s) is not int:
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
        record = {"own_id": "00" * 12, "contact_id": rolling_id(subkey).hex(), "rssi": draw(_RSSI)}
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
    return {"text": draw(_rarely(st.just(json.dumps(push)), _TEXTS))}


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
        _rarely(_octets(32), _octets(0, 33)), starts_ms, st.sampled_from(_SPANS_S), st.sampled_from(_SOME_MAX)
    ).map(
        lambda drawn: {
            "day_key": drawn[0],
            "time_start_ms": drawn[1],
            "time_end_ms": drawn[1] + drawn[2] * 1000,
            "max": drawn[3],
        }
    )
    cases = _object(kind=st.just("cases"), cases=st.lists(case, max_size=2))
    return st.one_of(_published(kind=st.just("upload")), cases)


QUESTIONS: Mapping[str, SearchStrategy[Asked]] = {
    "derive_ids": _derive_ids(),
    "id_at": _id_at(),
    "ids_over_time": _ids_over_time(),
    "published_key": _published(),
    "encode_advertisement": _encode_advertisement(),
    "decode_advertisement": _decode_advertisement(),
    "receive": _receive(),
    "log_export": _log_export(),
    "log_import": _log_import(),
    "match": _match(),
    "decode_push": _decode_push(),
    "decode_info": _decode_info(),
    "encode_info": _encode_info(),
}
"""A strategy for each operation that is searched."""
