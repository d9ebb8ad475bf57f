"""Questions for a search, drawn by Hypothesis: mostly proper ones, and most of them beside a boundary.

Each strategy shrinks towards the plainest question of its operation: zeros for keys, day 0, the default ``max``, few
events, the captured phone's day for a base day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bluezone_reference.ad_structures import encode_ad
from bluezone_reference.key_schedule import DAY_MS

from .drawn import (
    ALLOWED_MAX,
    ANY_MAX,
    BASE_DAY_MS,
    BASE_IDS,
    DAYS,
    IDS,
    INSTANTS,
    MAX,
    MISSING,
    RSSI,
    Drawn,
    first_or_other,
    object_of,
    octets_drawn,
    optional,
    published_key,
)
from .messages_drawn import MESSAGE_QUESTIONS
from .questions import Asked

_NEAR_MS = st.sampled_from((0, 1, 900_000, 450_000, DAY_MS, -DAY_MS, -900_000, 8 * DAY_MS))


def _derive_ids() -> Drawn:
    slots = first_or_other(st.integers(0, 3), st.sampled_from((95, 96, -1, 143, 1)))
    return object_of(base_id=BASE_IDS, day=DAYS, max=MAX, slots=st.lists(slots, min_size=1, max_size=3))


def _id_at() -> Drawn:
    return object_of(base_id=BASE_IDS, base_day_ms=st.just(BASE_DAY_MS), time_ms=INSTANTS, max=MAX)


@st.composite
def _ids_over_time(draw: st.DrawFn) -> dict[str, Any]:
    """Draw instants and settings of one phone; most instants lie near the one before, on the same day or the next."""
    time_ms = draw(INSTANTS)
    events: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 6))):
        if draw(st.integers(0, 2)) == 2:
            values = st.one_of(st.sampled_from(ANY_MAX), st.sampled_from((None, "96", True, 1.5)))
            events.append({"kind": "max", "value": draw(values)})
            continue
        time_ms = draw(st.one_of(_NEAR_MS.map(time_ms.__add__), INSTANTS))
        event = {"kind": "id", "time_ms": time_ms}
        if draw(st.integers(0, 3)) == 3:
            event["reread_ms"] = time_ms + draw(_NEAR_MS)
        events.append(event)
    question = {"base_id": draw(octets_drawn(32)), "base_day_ms": BASE_DAY_MS, "events": events}
    slots = draw(MAX)
    return question if slots is MISSING else {**question, "max": slots}


# --- advertisements -----------------------------------------------------------------------------------------

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
    return object_of(ad=_advdata(), scan_response=optional(_advdata()))


def _encode_advertisement() -> Drawn:
    kinds = st.one_of(
        object_of(kind=st.just("android"), id=first_or_other(IDS, octets_drawn(0, 14))),
        object_of(kind=st.just("ios"), local_name=st.sampled_from((None, "Bluezone"))),
        object_of(
            kind=st.just("ios_background"), services=st.just("08" + "00" * 15), only_bluezone=st.just(True)
        ),
        object_of(kind=st.just("old_android"), static_id=st.text("aB3xY9", min_size=6, max_size=6)),
        st.sampled_from(
            (
                {"kind": "old_ios", "local_name": None, "static_id": None},
                {"kind": "old_ios", "local_name": "2aBY3xYB95", "static_id": "aB3xY9"},
            )
        ),
    )
    return object_of(advertisement=kinds)


# --- receiver -----------------------------------------------------------------------------------------------

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
            "rssi": draw(RSSI),
        }
        if event["kind"] == "read":
            event["value"] = draw(
                first_or_other(st.just("cd" * 12), st.one_of(st.none(), octets_drawn(0, 14)))
            )
        else:
            event["ad"] = draw(st.one_of(st.just(_HEARD_ID), st.just(_IPHONE), _advdata()))
            if draw(st.integers(0, 5)) == 5:
                event["scan_response"] = draw(_advdata())
            if draw(st.integers(0, 5)) == 5:
                event["delivered_ms"] = event["time_ms"] + draw(st.sampled_from((1, 10_000)))
        events.append(event)
        time_ms += draw(_STEPS_MS)
    question = {"base_id": draw(octets_drawn(32)), "base_day_ms": BASE_DAY_MS, "events": events}
    slots = draw(st.one_of(st.just(MISSING), st.sampled_from(ALLOWED_MAX)))
    return question if slots is MISSING else {**question, "max": slots}


QUESTIONS: Mapping[str, SearchStrategy[Asked]] = {
    "derive_ids": _derive_ids(),
    "id_at": _id_at(),
    "ids_over_time": _ids_over_time(),
    "published_key": published_key(),
    "encode_advertisement": _encode_advertisement(),
    "decode_advertisement": _decode_advertisement(),
    "receive": _receive(),
    **MESSAGE_QUESTIONS,
}
"""A strategy for each operation that is searched."""
