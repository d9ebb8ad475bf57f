"""Sightings that are made when they are asked for are those that a tuple would hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import Advert, PduType
from bluezone_harness.sightings import (
    OrderedSightings,
    Sighting,
    SightingColumns,
    Who,
    choosing,
    chosen,
    fold,
    in_order,
    of_kind,
    those,
)

pytestmark = pytest.mark.req("BZ-ADV-004")

numbers = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3)), max_size=30)


def sightings(source: str, drawn: Sequence[tuple[int, int]]) -> OrderedSightings:
    """Return the sightings of some adverts, by seconds and phones."""
    found = fold(
        source,
        (
            Advert(
                number,
                second * 10_000_000,
                "",
                bytes([0x40, 0, 0, 0, 0, phone]),
                None,
                PduType.ADV_IND,
                b"",
                None,
                37,
            )
            for number, (second, phone) in enumerate(drawn, start=1)
        ),
    ).sightings
    assert isinstance(found, OrderedSightings)
    return found


def is_odd(sighting: Sighting) -> bool:
    return bool(sighting.address and sighting.address[-1] & 1)


def kind_of(who: Who) -> int:
    _, address, *_ = who
    return 1 << address[-1] if address else 0


@pytest.fixture(params=[0, 1 << 16])
def held(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold nothing as objects, or everything."""
    monkeypatch.setattr(choosing, "HELD", request.param)


@pytest.mark.usefixtures("held")
@given(numbers, numbers)
def test_what_is_chosen_is_what_a_tuple_would_hold(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    parts = [sightings("left", one), sightings("right", other)]
    expected = sorted((*parts[0], *parts[1]), key=attrgetter("first_us", "first_number", "source"))
    whole = in_order(parts)
    assert [*whole] == expected
    assert [whole[place] for place in range(len(whole))] == expected
    assert [*those(whole, is_odd)] == [each for each in expected if is_odd(each)]
    assert [*those(those(whole, is_odd), bool)] == [each for each in expected if is_odd(each)]
    assert [*of_kind(whole, kind_of, 0b1010)] == [each for each in expected if is_odd(each)]
    assert [*of_kind(expected, kind_of, 0b1010)] == [each for each in expected if is_odd(each)]
    assert [*of_kind(those(whole, is_odd), kind_of, 0b0010)] == [
        each for each in expected if each.address and each.address[-1] == 1
    ]
    places = range(0, len(expected), 2)
    some = chosen(whole, places)
    assert some == tuple(expected[::2])
    assert some[1:3] == tuple(expected[::2][1:3])
    assert [some[place] for place in range(len(some))] == expected[::2]
    assert [*in_order([expected[::-1]])] == [*in_order([expected])]


@pytest.mark.parametrize("make", [lambda found: found, lambda found: in_order([[*found]])])
def test_they_are_told_apart(make: Callable[[OrderedSightings], OrderedSightings]) -> None:
    found = make(sightings("left", [(0, 1), (1, 2)]))
    assert found == tuple(found)
    assert tuple(found) == found
    assert hash(found) == hash(make(sightings("left", [(0, 1), (1, 2)])))
    assert found != tuple(found)[:1]
    assert found != tuple(found)[::-1]
    assert found != "left"
    assert found[-1] == tuple(found)[-1]
    with pytest.raises(IndexError):
        found[2]
    with pytest.raises(IndexError):
        found[-3]


def test_another_clock_moves_them_all() -> None:
    found = fold("air", [Advert(1, 7_000_000, "", None, None, None, b"", None, None)]).sightings
    assert isinstance(found, SightingColumns)
    moved = found.shifted(2_000_000)
    assert [(each.first_us, each.last_us) for each in moved] == [(5_000_000, 5_000_000)]
    assert len(moved) == 1
