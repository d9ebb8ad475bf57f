"""The clock offset is found where it is constant, and is not made up where lateness varies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.checks.clock import allows, estimated_offset_ms, in_time, offsets_allowed
from bluezone_harness.checks.id_windows import IdWindow

SLOT_MS = 900_000
START_MS = 1_597_276_800_000
LIMIT_MS, LONGEST_MS = 45_000, 165_000

Heard = list[tuple[IdWindow, list[tuple[int, int]], int]]


def window(first_ms: int, *, seen: bool = True, missed_ms: int = 0) -> IdWindow:
    first_us = first_ms * 1000
    return IdWindow(bytes(12), None, first_us, first_us + 15_000_000, first_us, seen, missed_ms, False, ())


def heard(offset_ms: int, phase_ms: int, period_ms: int, count: int, late_ms: int = 0) -> Heard:
    """Return on-windows of a phone whose clock is ahead; ``late_ms``: and whose ids change late."""
    found: Heard = []
    for number in range(count):
        first_ms = START_MS + phase_ms + number * period_ms
        slot = (first_ms + offset_ms - late_ms) // SLOT_MS
        found.append((window(first_ms), [(slot * SLOT_MS, (slot + 1) * SLOT_MS)], LONGEST_MS))
    return found


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-004")
@given(
    offset_ms=st.integers(-LIMIT_MS + 500, LIMIT_MS - 500),
    phase_ms=st.integers(0, 30_000),
    period_ms=st.integers(29_900, 30_300),
)
def test_a_constant_offset_explains_every_on_window(offset_ms: int, phase_ms: int, period_ms: int) -> None:
    windows = heard(offset_ms, phase_ms, period_ms, 400)
    found = estimated_offset_ms(windows, LIMIT_MS)
    assert found is not None
    for each, slots, _ in windows:
        assert allows((offsets_allowed(each, slot, LONGEST_MS) for slot in slots), found)
    assert abs(found - offset_ms) <= 31_000
    if abs(offset_ms) <= 1:
        assert found == 0


@pytest.mark.req("BZ-KEY-006")
@pytest.mark.parametrize("offset_ms", [-40_000, -7_000, 7_000, 40_000])
def test_many_on_windows_narrow_it_down(offset_ms: int) -> None:
    found = estimated_offset_ms(heard(offset_ms, 3_000, 30_110, 2_000), LIMIT_MS)
    assert found is not None
    assert abs(found - offset_ms) < 1_000


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-005")
def test_lateness_that_varies_is_no_offset() -> None:
    late_ms = [0, 20_000, 0, 300_000, 100_000, 0, 40_000, 500_000]
    windows = [
        each
        for slot, late in enumerate(late_ms)
        for each in heard(0, slot * SLOT_MS + 1_000, 30_000, 29, late_ms=late)
    ]
    assert estimated_offset_ms(windows, LIMIT_MS) == 0


@pytest.mark.req("BZ-KEY-006")
def test_what_fits_no_offset_tells_none() -> None:
    assert estimated_offset_ms([], LIMIT_MS) is None
    assert estimated_offset_ms([(window(START_MS), [], LONGEST_MS)], LIMIT_MS) is None
    far = [(window(START_MS), [(START_MS + SLOT_MS, START_MS + 2 * SLOT_MS)], LONGEST_MS)]
    assert estimated_offset_ms(far, LIMIT_MS) is None


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-005")
def test_a_beginning_that_was_missed_allows_for_what_came_before() -> None:
    slot = (START_MS, START_MS + SLOT_MS)
    late = START_MS + SLOT_MS + 20_000
    assert offsets_allowed(window(late, seen=False), slot, LONGEST_MS) == (-SLOT_MS - 20_000, 130_000)
    assert offsets_allowed(window(late), slot, LONGEST_MS) == (-SLOT_MS - 20_000, -20_000)
    assert offsets_allowed(window(late, missed_ms=900), slot, LONGEST_MS) == (-SLOT_MS - 20_000, -19_100)
    assert not allows([(-5, 0)], 0)
    assert allows([(7, 9), (-5, 1)], 0)


@pytest.mark.req("BZ-ADV-005")
def test_an_on_window_that_goes_on_after_its_slot_bounds_the_offset() -> None:
    slot = (START_MS, START_MS + SLOT_MS)
    crossing = window(START_MS + SLOT_MS - 5_000, seen=False)  # it ends 10 s after the slot
    assert in_time(crossing, slot, 20_000) == 10_001
    # one that lasts longer than it may must end with its slot
    assert in_time(crossing, slot, 14_999) == -10_000
    # the app was not open: the phone's clock is 30 s behind, or on-windows last too long
    late = [(window(START_MS + SLOT_MS + 30_000, seen=False), [slot], 20_000)]
    found = estimated_offset_ms(late, LIMIT_MS)
    assert found is not None
    assert -LIMIT_MS <= found <= -25_000
    assert estimated_offset_ms([(*late[0][:2], LONGEST_MS)], LIMIT_MS) == 0


# --- which of several offsets, to the millisecond

SLOT = (START_MS, START_MS + SLOT_MS)
OTHERS_SLOT = (START_MS + 4 * SLOT_MS, START_MS + 5 * SLOT_MS)


def ahead(by_ms: int) -> tuple[IdWindow, list[tuple[int, int]], int]:
    """Return an on-window that began in its slot if the phone's clock is ahead by so much, or by more."""
    return window(START_MS - by_ms), [SLOT], LONGEST_MS


def behind(by_ms: int, missed_ms: int = 0) -> tuple[IdWindow, list[tuple[int, int]], int]:
    """Return one that did if the clock is behind by more than so much; ``missed_ms`` less if adverts were missed."""
    return window(START_MS + SLOT_MS + by_ms, missed_ms=missed_ms), [SLOT], LONGEST_MS


@pytest.mark.req("BZ-KEY-006")
def test_the_middle_of_what_fits_is_taken() -> None:
    assert estimated_offset_ms([ahead(5_000)], LIMIT_MS) == (5_000 + 45_000) // 2
    assert estimated_offset_ms([behind(5_000)], LIMIT_MS) == (-45_000 - 5_001) // 2
    assert estimated_offset_ms([ahead(5_000), behind(-20_000)], LIMIT_MS) == (5_000 + 19_999) // 2
    assert estimated_offset_ms([ahead(45_000)], LIMIT_MS) == 45_000
    assert estimated_offset_ms([ahead(45_001)], LIMIT_MS) is None
    assert estimated_offset_ms([behind(44_999)], LIMIT_MS) == -45_000
    assert estimated_offset_ms([behind(45_000)], LIMIT_MS) is None


@pytest.mark.req("BZ-KEY-006")
def test_no_offset_is_preferred_where_it_fits_as_many() -> None:
    assert estimated_offset_ms([ahead(0)], LIMIT_MS) == 0
    assert estimated_offset_ms([behind(-1)], LIMIT_MS) == 0
    assert estimated_offset_ms([ahead(1)], LIMIT_MS) == (1 + 45_000) // 2
    assert estimated_offset_ms([behind(0)], LIMIT_MS) == (-45_000 - 1) // 2
    assert estimated_offset_ms([ahead(-60_000)], LIMIT_MS) == 0


@pytest.mark.req("BZ-KEY-006")
@pytest.mark.parametrize(
    ("behind_ms", "expected"),
    [(2_999, (-45_000 - 3_000) // 2), (4_999, (-45_000 - 5_000) // 2), (5_000, (5_000 + 45_000) // 2)],
)
def test_of_two_that_fit_alike_the_nearer_to_0_is_taken(behind_ms: int, expected: int) -> None:
    """Of two that are as near, the one behind."""
    windows = [ahead(5_000), behind(behind_ms)]
    assert estimated_offset_ms(windows, LIMIT_MS) == expected
    assert estimated_offset_ms(windows[::-1], LIMIT_MS) == expected


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-005")
def test_an_offset_explains_at_least_half_of_what_is_wrong() -> None:
    half = [ahead(5_000), behind(2_999)]
    assert estimated_offset_ms(half, LIMIT_MS) == -24_000
    far = (window(START_MS), [OTHERS_SLOT], LONGEST_MS)
    assert estimated_offset_ms([*half, far], LIMIT_MS) == 0
    # what never holds tells nothing, and what fits without an offset is not wrong
    assert estimated_offset_ms([*half, (window(START_MS), [], LONGEST_MS)], LIMIT_MS) == -24_000
    assert estimated_offset_ms([*half, ahead(-60_000)], LIMIT_MS) == -24_000
    # of three wrong ones two are explained, of four
    assert estimated_offset_ms([ahead(5_000), ahead(5_000), far], LIMIT_MS) == 25_000
    assert estimated_offset_ms([ahead(5_000), ahead(5_000), far, far], LIMIT_MS) == 25_000
    assert estimated_offset_ms([ahead(5_000), ahead(5_000), far, far, far], LIMIT_MS) == 0


@pytest.mark.req("BZ-KEY-006")
def test_an_on_window_counts_once_however_many_slots_fit() -> None:
    first, slots, longest_ms = ahead(5_000)
    assert estimated_offset_ms([(first, slots * 2, longest_ms), behind(2_999)], LIMIT_MS) == -24_000
    wider = (START_MS + 1_000, START_MS + SLOT_MS)
    assert estimated_offset_ms([(first, [SLOT, wider], longest_ms), behind(2_999)], LIMIT_MS) == -24_000
    # and each of them may be the one
    assert estimated_offset_ms([(first, [OTHERS_SLOT, SLOT], longest_ms)], LIMIT_MS) == 25_000


@pytest.mark.req("BZ-KEY-006")
def test_what_fits_as_if_nothing_was_missed_is_better() -> None:
    assert (
        estimated_offset_ms([ahead(5_000), behind(-10_000, missed_ms=5_000)], LIMIT_MS)
        == (5_000 + 9_999) // 2
    )
    assert (
        estimated_offset_ms([ahead(5_000), behind(1_000, missed_ms=7_000)], LIMIT_MS) == (5_000 + 5_999) // 2
    )


@pytest.mark.req("BZ-KEY-006")
@pytest.mark.parametrize(("ahead_ms", "expected"), [(31_000, (-20_000 - 19_001) // 2), (10_000, 27_500)])
def test_what_was_missed_of_one_says_nothing_of_others(ahead_ms: int, expected: int) -> None:
    short = (START_MS - 20_000, START_MS - 19_000)
    windows = [(window(START_MS, missed_ms=1_000), [short], LONGEST_MS), ahead(ahead_ms)]
    assert estimated_offset_ms(windows, LIMIT_MS) == expected


@pytest.mark.req("BZ-KEY-006")
def test_what_fits_only_because_adverts_were_missed_fits() -> None:
    found = estimated_offset_ms([behind(46_000, missed_ms=5_000)], LIMIT_MS)
    assert found == (-45_000 - 41_001) // 2


@pytest.mark.req("BZ-ADV-005")
def test_the_beginning_that_was_missed_lies_no_further_back_than_an_on_window_is_long() -> None:
    long = window(START_MS, seen=False)  # it was heard for 15 s
    assert offsets_allowed(long, SLOT, 15_000) == offsets_allowed(long, SLOT, 10_000) == (0, SLOT_MS)
    assert offsets_allowed(long, SLOT, 15_001) == (0, SLOT_MS + 1)


@pytest.mark.req("BZ-KEY-006")
def test_an_interval_ends_before_its_end() -> None:
    assert allows([(-5, 1)], 0)
    assert allows([(0, 1)], 0)
    assert not allows([(-5, 0)], 0)
    assert not allows([(1, 5)], 0)
    assert not allows([], 0)


@pytest.mark.req("BZ-ADV-005")
def test_only_one_that_is_not_yet_too_long_may_go_on_after_its_slot() -> None:
    ends_late = window(START_MS + SLOT_MS - 5_000)  # heard for 15 s
    assert in_time(ends_late, SLOT, 15_000) == -10_000 + 15_001
    assert in_time(ends_late, SLOT, 14_999) == -10_000
