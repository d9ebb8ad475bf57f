"""How long after its slot an id is heard: limits in and out of the foreground, to the millisecond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_harness.checks.hypotheses import Heard
from bluezone_harness.checks.id_windows import id_windows
from bluezone_harness.checks.lateness import limit_ms, over_ground, over_ms, slot_end_ms
from bluezone_harness.checks.subjects import Rules
from bluezone_harness.evidence.device_files import Base, Device, Foreground
from bluezone_harness.sightings import Sighting

START_MS = 1_597_276_800_000
SLOT_MS = 900_000
ID = bytes(range(12))
DEVICE = Device("phone", "android", "", None, (Base(bytes(32), START_MS, None),), (), ())
SHORT_MS, LONG_MS = 15_000 + 5_000, 165_000

Make = Callable[..., Sighting]
AllRules = Callable[[str], Rules]
MakeHeard = Callable[..., Heard]


@pytest.fixture
def heard(sighting: Make) -> MakeHeard:
    """Return a function to an on-window of a right id, that begins so long before (-) or after the end of its slot."""

    def make(from_end_ms: int, seconds: float = 15, clock_ms: int = 0) -> Heard:
        first_ms = START_MS + SLOT_MS + from_end_ms
        (window,) = id_windows([sighting(first_ms, ID, seconds=seconds)], [], 0)
        slot = (START_MS, START_MS + SLOT_MS)
        return Heard(window, first_ms + clock_ms, None, 0, START_MS, None, (slot,), right=True)

    return make


def open_app(from_ms: int | None, to_ms: int | None, offset_ms: int | None = None) -> Device:
    """Return a device whose app was open, from the end of the first slot on; the clock's offset may be told."""
    until_ms = START_MS + SLOT_MS
    span = Foreground(
        None if from_ms is None else until_ms + from_ms, None if to_ms is None else until_ms + to_ms
    )
    return replace(DEVICE, foreground=(span,), clock_offset_ms=offset_ms)


@pytest.mark.req("BZ-ADV-005")
@pytest.mark.parametrize(
    ("device", "expected_ms"),
    [
        (DEVICE, LONG_MS),  # nobody told of the foreground
        (open_app(None, None), LONG_MS),
        # the on-window is heard from 10 s before the slot's end to 5 s after it; the allowance is 5 s and 45 s
        (open_app(55_000, None), LONG_MS),
        (open_app(55_001, None), SHORT_MS),
        (open_app(None, -60_000), LONG_MS),
        (open_app(None, -60_001), SHORT_MS),
        (open_app(-100_000, -60_001), SHORT_MS),
        (open_app(55_001, 100_000), SHORT_MS),
        (open_app(0, 1_000), LONG_MS),
        # a clock that is known to be further off than is allowed for; one that is less so changes nothing
        (open_app(75_000, None, 65_000), LONG_MS),
        (open_app(75_001, None, 65_000), SHORT_MS),
        (open_app(75_000, None, -65_000), LONG_MS),
        (open_app(75_001, None, -65_000), SHORT_MS),
        (open_app(55_001, None, 1_000), SHORT_MS),
        (open_app(55_000, None, 1_000), LONG_MS),
    ],
)
def test_the_limit_is_the_foregrounds_around_the_foreground(
    heard: MakeHeard, rules: AllRules, device: Device, expected_ms: int
) -> None:
    assert limit_ms(heard(-10_000).window, device, rules("v3")) == expected_ms


@pytest.mark.req("BZ-ADV-005")
def test_one_span_of_several_is_enough(heard: MakeHeard, rules: AllRules) -> None:
    far, near = open_app(55_001, None), open_app(0, 1_000)
    both = replace(DEVICE, foreground=far.foreground + near.foreground)
    assert limit_ms(heard(-10_000).window, both, rules("v3")) == LONG_MS


@pytest.mark.req("BZ-ADV-005")
@pytest.mark.parametrize(
    ("from_end_ms", "seconds", "over"),
    [
        (-15_001, 15, 0),  # it ends in its slot
        (-15_000, 15, 15_000 - SHORT_MS),  # it ends as the slot does, which is after it
        (-10_000, 20, 0),
        (-10_000, 20.001, 1),
        # whatever was missed of it, it began at its slot's end at the latest
        (0, 20, 0),
        (1, 20, 1),
        (60_000, 15, 60_000 + 15_000 - SHORT_MS),
    ],
)
def test_by_how_much_it_ends_too_late(
    heard: MakeHeard, rules: AllRules, from_end_ms: int, seconds: float, over: int
) -> None:
    never_open = open_app(None, -3_600_000)
    assert over_ms(heard(from_end_ms, seconds), never_open, rules("v3")) == over


@pytest.mark.req("BZ-ADV-005")
def test_it_counts_by_the_phones_clock(heard: MakeHeard, rules: AllRules) -> None:
    never_open = open_app(None, -3_600_000)
    behind = heard(1_000, 25, clock_ms=-30_000)  # from 29 s before the end to 4 s before it
    assert over_ms(behind, never_open, rules("v3")) == 0
    ahead = heard(-29_000, 25, clock_ms=30_000)  # from 1 s after the end to 26 s after it
    assert over_ms(ahead, never_open, rules("v3")) == 26_000 - SHORT_MS


@pytest.mark.req("BZ-ADV-005")
def test_what_a_system_may_have_told_late_is_taken_off(heard: MakeHeard, rules: AllRules) -> None:
    sent = heard(-10_000, 26)
    told = replace(sent, window=replace(sent.window, late_ms=5_000))
    never_open = open_app(None, -3_600_000)
    assert [over_ms(each, never_open, rules("v3")) for each in (sent, told)] == [6_000, 1_000]
    in_its_slot = heard(-10_000, 12)
    assert over_ms(in_its_slot, never_open, rules("v3")) == 12_000 - SHORT_MS
    told = replace(in_its_slot, window=replace(in_its_slot.window, late_ms=5_000))
    assert over_ms(told, never_open, rules("v3")) == 0


@pytest.mark.req("BZ-ADV-005")
def test_it_counts_from_where_it_was_heard_without_a_pause(
    sighting: Make, heard: MakeHeard, rules: AllRules
) -> None:
    """What lost adverts have split may have been two on-windows, of which the later is judged."""
    parts = [sighting(START_MS + SLOT_MS + at_ms, ID, seconds=15) for at_ms in (-60_000, -14_000)]
    (window,) = id_windows(parts, [], 165_000_000)
    split = replace(heard(0), window=window, time_ms=window.first_ms)
    assert over_ms(split, open_app(None, -3_600_000), rules("v3")) == 15_000 - SHORT_MS


@pytest.mark.req("BZ-ADV-005")
def test_of_several_slots_the_last_that_had_begun_counts(heard: MakeHeard) -> None:
    end_ms = START_MS + SLOT_MS
    slots = ((START_MS, end_ms), (end_ms, end_ms + 1_000), (end_ms + 1, end_ms + 5_000))
    assert slot_end_ms(replace(heard(0), slots=slots)) == end_ms + 1_000
    assert slot_end_ms(replace(heard(-1), slots=slots)) == end_ms
    assert slot_end_ms(replace(heard(1), slots=slots)) == end_ms + 5_000


@pytest.mark.req("BZ-ADV-005")
def test_the_ground_says_by_how_much_and_names_the_worst(heard: MakeHeard) -> None:
    one, two = heard(0, 20), heard(0, 30)
    alone = over_ground([(two, 10_000)])
    assert alone.summary.startswith("1 on-window ended 10 s too late: ")
    several = over_ground([(one, 2_000), (two, 10_000), (one, 3_000)])
    assert several.summary.startswith("3 on-windows ended 2 s to 10 s too late: ")
    assert (several.seen, several.count) == (f"{ID.hex().upper()} for 30 s", 3)
    assert [each.time_ms for each in several.evidence] == [START_MS + SLOT_MS] * 3
    assert len(over_ground([(one, 1)] * 11).evidence) == 10
