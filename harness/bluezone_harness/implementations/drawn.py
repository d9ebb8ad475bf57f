"""What the drawn questions of all operations share: keys, days, instants and settings, mostly beside a boundary."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bluezone_reference.key_schedule import DAY_MS, LAST_DAY

Drawn = SearchStrategy[dict[str, Any]]

BASE_DAY_MS = 1_596_844_800_000
"""2020-08-08T00:00:00Z."""
ANY_MAX = (96, 144, 24, 2, 3, 7, 11, 97, 1440, 86_400, 1, 0, -1, 86_401, 256, 48)
ALLOWED_MAX = (96, 144, 24, 2, 3, 256, 1440, 86_400)
MISSING = object()
"""Drawn for a member that is left out."""


def octets_drawn(least: int, most: int | None = None) -> SearchStrategy[str]:
    """Draw so many octets, in hex."""
    return st.binary(min_size=least, max_size=least if most is None else most).map(bytes.hex)


def first_or_other(first: SearchStrategy[Any], other: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Draw from the first, and one time in eight from the other."""
    return st.integers(0, 7).flatmap(lambda number: other if number == 7 else first)


def object_of(**members: SearchStrategy[Any]) -> Drawn:
    """Draw an object, without the members that are drawn as absent."""
    return st.fixed_dictionaries(members).map(
        lambda drawn: {name: value for name, value in drawn.items() if value is not MISSING}
    )


def optional(value: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Draw a member that may be absent."""
    return st.one_of(st.just(MISSING), value)


BASE_IDS = first_or_other(octets_drawn(32), octets_drawn(0, 40))
MAX = first_or_other(
    st.one_of(st.just(MISSING), st.sampled_from(ALLOWED_MAX)),
    st.one_of(st.sampled_from(ANY_MAX), st.sampled_from((True, None, "96", 96.5))),
)
DAYS = first_or_other(
    st.one_of(st.integers(0, 3), st.sampled_from((13, 14, 15, 365))),
    st.sampled_from((-1, LAST_DAY, LAST_DAY + 1, -366)),
)


@st.composite
def _instants(draw: st.DrawFn) -> int:
    """Draw an instant, beside an edge of a slot or of a day more often than not."""
    day = draw(DAYS)
    slots = draw(st.sampled_from(ALLOWED_MAX))
    slot = draw(st.one_of(st.integers(0, 3), st.integers(0, slots)))
    beside_ms = draw(st.one_of(st.sampled_from((0, -1, 1, 999, 1000)), st.integers(0, DAY_MS - 1)))
    time_ms: int = BASE_DAY_MS + day * DAY_MS + slot * (DAY_MS // slots) + beside_ms
    return time_ms


INSTANTS = _instants()
IDS = octets_drawn(12)
RSSI = first_or_other(st.sampled_from((-60, -86, -87)), st.sampled_from((-127, 20, 127, 0)))


def published_key(**more: SearchStrategy[Any]) -> Drawn:
    """Draw a question for the day key that is published, with further members."""
    return object_of(
        **more,
        base_id=BASE_IDS,
        base_day_ms=st.just(BASE_DAY_MS),
        now_ms=INSTANTS,
        days=optional(st.sampled_from((14, 0, 1, 13, 15, 30))),
    )
