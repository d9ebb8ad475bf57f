"""Clocks of receivers that hear the same phones: their offset is found where it is sure, and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.checks import alignment
from bluezone_harness.checks.alignment import aligned
from bluezone_harness.checks.captures import Capture
from bluezone_harness.merging import (
    GREATEST_OFFSET_US,
    LEAST_SHARED,
    ClockOffset,
    clock_offset,
    clock_offsets,
    is_applied,
    shifted,
)
from bluezone_harness.observations import AddressType, Advert, Event, Gap, Observation, PduType
from bluezone_harness.sightings import Folded, fold

pytestmark = pytest.mark.req("BZ-ADV-001")

S = 1_000_000
START_US = 1_596_866_191_387_000
Heard = list[tuple[int, int, bytes]]
"""Beginning and end of what a phone sends, by the true clock, and its payload."""


def sent(phones: int, drawn: random.Random, slots: int = 3) -> Heard:
    """Let phones send one payload after the other, a slot each, from some time after the beginning."""
    found: Heard = []
    for phone in range(phones):
        time_us = 60 * S + drawn.randrange(600 * S)
        for slot in range(slots):
            until_us = time_us + drawn.randrange(200 * S, 900 * S)
            found.append((time_us, until_us, bytes([phone, slot]) + drawn.randbytes(4)))
            time_us = until_us + drawn.randrange(S)
    return found


def received(
    what: Heard, clock_us: int, drawn: random.Random, *, late: float = 0.0, slack_us: int = 200_000
) -> Folded:
    """Hear phones by a clock that is ahead by so much; a share of them comes into range late, and goes early."""
    adverts: list[Advert] = []
    for begin_us, end_us, payload in what:
        first_us = begin_us + drawn.randrange(slack_us)
        last_us = end_us - drawn.randrange(slack_us)
        if drawn.random() < late:
            first_us += drawn.randrange(90 * S)
            last_us -= drawn.randrange(90 * S)
        step_us = (last_us - first_us) // 30
        times = [first_us + step_us * number for number in range(30)] + [last_us]
        adverts += [advert(START_US + clock_us + time_us, payload) for time_us in times]
    edges = [advert(START_US + clock_us + time_us, b"always") for time_us in (0, 5000 * S)]
    return fold("air", in_order([*adverts, *edges]))


def advert(time_us: int, payload: bytes) -> Advert:
    address = (payload + bytes(6))[:6]
    return Advert(1, time_us, "", address, AddressType.RESOLVABLE, PduType.ADV_IND, payload, -60, None)


def in_order(adverts: Iterable[Observation]) -> list[Observation]:
    return sorted(adverts, key=lambda each: each.time_us)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32), clock_us=st.integers(-250 * S, 250 * S), late=st.sampled_from([0.0, 0.3, 0.5])
)
def test_an_offset_is_found(seed: int, clock_us: int, late: float) -> None:
    drawn = random.Random(seed)
    what = sent(30, drawn)
    ours, theirs = received(what, 0, drawn, late=late), received(what, clock_us, drawn, late=late)
    found = clock_offset(ours, theirs)
    assert found is not None
    assert abs(found.offset_us - clock_us) < 150_000
    assert found.uncertainty_us < 150_000
    assert LEAST_SHARED <= found.shared <= 90
    back = clock_offset(theirs, ours)
    assert back is not None
    assert abs(back.offset_us + clock_us) < 150_000


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_nothing_is_said_where_nothing_agrees(seed: int) -> None:
    drawn = random.Random(seed)
    what = sent(20, drawn)
    # both hear all phones, and neither when they begin or end
    ours, theirs = received(what, 0, drawn, late=1.0), received(what, 3 * S, drawn, late=1.0)
    found = clock_offset(ours, theirs)
    assert found is None
    assert clock_offset(ours, received(sent(20, drawn), 0, drawn)) is None
    assert clock_offset(ours, fold("nothing", [])) is None


def test_too_few_phones_do_not_tell() -> None:
    drawn = random.Random(7)
    for phones in range(1, 10):
        what = sent(phones, drawn, slots=1)
        found = clock_offset(received(what, 0, drawn), received(what, 2 * S, drawn))
        assert (found is None) == (phones < LEAST_SHARED)


def test_what_is_sent_again_later_is_no_offset() -> None:
    drawn = random.Random(8)
    what = sent(20, drawn)
    ours = received(what, 0, drawn)
    for later_us in (GREATEST_OFFSET_US + S, 900 * S, 86_400 * S):
        assert clock_offset(ours, received(what, later_us, drawn)) is None
        assert clock_offset(ours, received(what, -later_us, drawn)) is None


def test_two_answers_are_none() -> None:
    drawn = random.Random(9)
    what = sent(24, drawn)
    half = len(what) // 2
    ours = received(what, 0, drawn)
    one, other = received(what[:half], 2 * S, drawn), received(what[half:], 30 * S, drawn)
    both = Folded((*one.sightings, *other.sightings), (), (), (), (), 0, one.first_us, other.last_us)
    assert clock_offset(ours, one) is not None
    assert clock_offset(ours, both) is None


def test_what_was_on_the_air_at_the_edges_of_a_capture_does_not_count() -> None:
    drawn = random.Random(10)
    what = [(0, 5000 * S, bytes([number]) + drawn.randbytes(5)) for number in range(30)]
    assert clock_offset(received(what, 0, drawn), received(what, 0, drawn)) is None


def test_an_offset_by_way_of_another_capture() -> None:
    drawn = random.Random(11)
    what = sent(30, drawn)
    third = len(what) // 3
    captures = [
        received(what[: 2 * third], 0, drawn),
        received(what[2 * third :], 9 * S, drawn),
        received(what, -4 * S, drawn),
        received(sent(20, drawn), 0, drawn),
    ]
    first, by_way, second, none = clock_offsets(captures)
    assert first == ClockOffset(0, 0, 0)
    assert by_way is not None
    assert second is not None
    assert none is None
    assert abs(by_way.offset_us - 9 * S) < 200_000
    assert abs(second.offset_us + 4 * S) < 200_000
    assert by_way.uncertainty_us > second.uncertainty_us
    assert by_way.shared <= second.shared
    assert clock_offsets([]) == ()


def test_all_that_a_capture_says_is_shifted() -> None:
    folded = fold(
        "air",
        [
            advert(10, b"a"),
            advert(20, b"a"),
            Event(1, 30, "clock_set", {}),
            Gap(2, 40, 50),
        ],
    )
    moved = shifted(folded, 7)
    assert [(each.first_us, each.last_us, each.count) for each in moved.sightings] == [(3, 13, 2)]
    assert [each.time_us for each in moved.events] == [23]
    assert [(each.time_us, each.until_us) for each in moved.gaps] == [(33, 43)]
    assert (moved.first_us, moved.last_us) == (3, 33)
    assert shifted(moved, -7) == folded
    nothing = fold("air", [])
    assert shifted(nothing, 7) == nothing


def capture_of(name: str, folded: Folded) -> Capture:
    return Capture(name, "00", "pcap", {}, folded.adverts, False, (), folded)


def test_captures_are_judged_by_the_clock_of_the_first() -> None:
    drawn = random.Random(12)
    what = sent(20, drawn)
    captures = [
        capture_of("a", received(what, 0, drawn)),
        capture_of("b", received(what, -12 * S, drawn)),
        capture_of("c", received(what, 0, drawn)),
        capture_of("d", received(sent(20, drawn), 0, drawn)),
    ]
    one, other, same, unknown = aligned(captures)
    assert (one, same, unknown) == (captures[0], captures[2], captures[3])
    (told,) = other.diagnostics
    assert (told.source, told.severity) == ("b", "info")
    assert "behind that of a (half of what tells it differs by no more than " in told.message
    assert told.message.startswith(("its clock is 12 s ", "its clock is 11 s 9"))
    ours, theirs = (
        {each.ad: each.first_us for each in reversed(capture.folded.sightings)} for capture in (one, other)
    )
    assert len(ours) == 61
    assert all(abs(theirs[ad] - first_us) < S for ad, first_us in ours.items())
    assert aligned(captures[:1]) == (captures[0],)
    assert aligned([]) == ()


@pytest.mark.parametrize(("sign", "side"), [(1, "ahead of"), (-1, "behind")])
def test_what_is_shifted_says_by_how_much(sign: int, side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    offsets = (ClockOffset(0, 0, 0), ClockOffset(sign * 3_000_999, 1_000_000, 17))
    monkeypatch.setattr(alignment, "clock_offsets", lambda captures: offsets)
    heard = received(sent(9, random.Random(5)), 0, random.Random(6))
    one, other = aligned([capture_of("a", heard), capture_of("b", heard)])
    (told,) = other.diagnostics
    assert told.message == (
        f"its clock is 3 s {side} that of a (half of what tells it differs by no more than 1 s, "
        "from 17 addresses that both heard): its times are shifted by that"
    )
    assert one.diagnostics == ()
    moved = {each.ad: each.first_us for each in other.folded.sightings}
    assert moved == {each.ad: each.first_us - sign * 3_000_999 for each in one.folded.sightings}


def test_an_offset_that_cannot_be_told_from_none_is_not_applied() -> None:
    assert not is_applied(ClockOffset(0, 0, 9))
    assert not is_applied(ClockOffset(200, 100, 9))
    assert is_applied(ClockOffset(-201, 100, 9))
