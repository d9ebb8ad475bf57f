"""Captures moved to the clock of another: which are, and all that moves with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_harness import merging
from bluezone_harness.merging import (
    SAME_CLOCK,
    Agreement,
    ClockOffset,
    is_applied,
    shared_addresses,
    shifted,
)
from bluezone_harness.observations import Advert, Event, Gap, Observation
from bluezone_harness.sightings import chosen, fold

pytestmark = pytest.mark.req("BZ-ADV-001")

S = 1_000_000
AdvertOf = Callable[[int, bytes], Advert]
Offset = Callable[..., ClockOffset]


def test_an_offset_that_cannot_be_told_from_none_is_not_applied(offset: Offset) -> None:
    assert not is_applied(SAME_CLOCK)
    assert not is_applied(offset((0, 200, 100)))
    assert is_applied(offset((0, -201, 100)))
    assert is_applied(offset((0, 200, 100), (9, 300, 100)))


def test_all_that_a_capture_says_is_shifted(advert: AdvertOf) -> None:
    what = fold(
        "air",
        [
            advert(10, b"a"),
            advert(20, b"a"),
            Event(1, 30, "clock_set", {}),
            Gap(2, 40, 50),
        ],
    )
    by = ClockOffset((Agreement(0, 7, 1, 9),))
    moved = shifted(what, by)
    assert [(each.first_us, each.last_us, each.count) for each in moved.sightings] == [(3, 13, 2)]
    assert [each.time_us for each in moved.events] == [23]
    assert [(each.time_us, each.until_us) for each in moved.gaps] == [(33, 43)]
    assert (moved.first_us, moved.last_us) == (3, 43 - 10)
    assert shifted(moved, ClockOffset((Agreement(0, -7, 1, 9),))) == what
    nothing = fold("air", [])
    assert shifted(nothing, by) == nothing


@pytest.mark.parametrize("held", [1 << 16, 10])
def test_sightings_are_shifted_by_a_clock_that_is_set(
    advert: AdvertOf, offset: Offset, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "HELD", held)
    by = offset((100, 2000, 1), (200, 5000, 1), (300, -4000, 1))
    what = fold("air", [advert(each * S, b"%d" % each) for each in range(0, 400, 3)])
    moved = shifted(what, by)
    assert len(moved.sightings) == len(what.sightings)
    expected = [by.reference_us(each.first_us) for each in what.sightings]
    assert [each.first_us for each in moved.sightings] == expected == sorted(expected)
    assert [each.last_us for each in moved.sightings] == expected
    assert moved.sightings[7] == replace(what.sightings[7], first_us=expected[7], last_us=expected[7])
    same = shifted(replace(what, sightings=tuple(what.sightings)), by)
    assert moved.sightings == same.sightings
    for each in (moved, same):
        assert [*chosen(each.sightings, [3, 7])] == [moved.sightings[3], moved.sightings[7]]


def test_shared_addresses_are_counted_once(advert: AdvertOf) -> None:
    one = fold("a", [advert(1, b"a"), advert(2, b"b"), advert(3, b"b"), without_address(4)])
    other = fold("b", [advert(1, b"b"), advert(2, b"c"), without_address(3)])
    assert shared_addresses(one, other) == 1
    assert shared_addresses(one, fold("none", [])) == 0


def without_address(time_us: int) -> Observation:
    return Advert(1, time_us, "", None, None, None, b"x", None, None)
