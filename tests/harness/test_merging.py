"""Clocks of receivers that hear the same phones: their offset is found where it is sure, and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness import merging
from bluezone_harness.checks.alignment import aligned, offset_text
from bluezone_harness.checks.captures import Capture
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.merging import (
    GREATEST_OFFSET_US,
    KNOWN_FOR_US,
    LEAST_SHARED,
    SAME_CLOCK,
    Agreement,
    ClockOffset,
    by_way,
    clock_offset,
    clock_offsets,
    is_applied,
    shared_addresses,
    shifted,
)
from bluezone_harness.merging import differences as of
from bluezone_harness.merging.differences import Difference, Heard, Kind
from bluezone_harness.merging.estimates import estimated
from bluezone_harness.merging.peaks import Window, chance, counted, densest
from bluezone_harness.observations import AddressType, Advert, Event, Gap, Observation, PduType
from bluezone_harness.profiles import profiles_of
from bluezone_harness.sightings import Folded, Sighting, chosen, fold
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared
from bluezone_spec.model import Specification

pytestmark = pytest.mark.req("BZ-ADV-001")

MS = 1000
S = 1_000_000
MIN = 60 * S
START_US = 1_596_866_191_387_000
Clock = Callable[[int], int]
"""From the true time after the beginning to what a receiver's clock shows."""
Lives = list[tuple[int, int, int, bytes]]
"""Which phone, and from when to when it sends which payload."""


# --- phones that send for minutes, and receivers that listen all the time: sightings as such receivers make them ---


def lives(phones: int, drawn: random.Random, slots: int = 3) -> Lives:
    """Let phones send one payload after the other, a slot each."""
    found: Lives = []
    for phone in range(phones):
        time_us = 3 * MIN + drawn.randrange(10 * MIN)
        for _ in range(slots):
            until_us = time_us + drawn.randrange(3 * MIN, 10 * MIN)
            found.append((phone, time_us, until_us, drawn.randbytes(8)))
            time_us = until_us
    return found


def listened(
    what: Lives,
    clock: Clock,
    drawn: random.Random,
    *,
    late: float = 0.0,
    slack_us: int = 200 * MS,
    interval_us: int = 100 * MS,
    hours: float = 1.2,
) -> Folded:
    """Hear phones; a share of their payloads comes into range late, and goes early."""
    found = [sighting(b"always", b"", clock(0), clock(int(hours * 60 * MIN)), interval_us)]
    for phone, begin_us, end_us, payload in what:
        first_us = begin_us + drawn.randrange(slack_us)
        last_us = end_us - drawn.randrange(slack_us)
        if drawn.random() < late:
            first_us, last_us = first_us + drawn.randrange(MIN), last_us - drawn.randrange(MIN)
        found.append(sighting(b"%d" % phone + payload, payload, clock(first_us), clock(last_us), interval_us))
    return folded(found)


def sighting(address: bytes, ad: bytes, first_us: int, last_us: int, interval_us: int) -> Sighting:
    count = max(1, (last_us - first_us) // interval_us + 1)
    several = interval_us if count > 1 else None
    return Sighting(
        "air", "", (address + bytes(6))[:6], AddressType.RESOLVABLE, PduType.ADV_IND, ad,
        START_US + first_us, START_US + last_us, 1, 2, count, -60, -60.0, -60, frozenset(), several, several,
    )  # fmt: skip


def folded(sightings: Iterable[Sighting]) -> Folded:
    found = tuple(sorted(sightings, key=lambda each: each.first_us))
    first_us, last_us = found[0].first_us, max(each.last_us for each in found)
    return Folded(found, (), (), (), (), sum(each.count for each in found), first_us, last_us)


def ahead(offset_us: int, ppm: float = 0.0, steps: Sequence[tuple[int, int]] = ()) -> Clock:
    """Return a clock that is ahead, drifts, and is set: at which times, by how much."""
    return lambda time_us: (
        time_us + offset_us + round(time_us * ppm / 1e6) + sum(by for at_us, by in steps if time_us >= at_us)
    )


def wrong_us(offset: ClockOffset, clock: Clock) -> list[int]:
    """Return by how much agreements are wrong beyond what they say; none is above 0."""
    found = []
    for each in offset.agreements:
        time_us = each.time_us - START_US
        found.append(abs(clock(time_us) - time_us - each.offset_us) - each.uncertainty_us)
    return found


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    offset_us=st.integers(-280 * S, 280 * S),
    ppm=st.sampled_from([0, 20, -100, 100]),
    late=st.sampled_from([0.0, 0.3, 0.5]),
)
def test_an_offset_is_found(seed: int, offset_us: int, ppm: int, late: float) -> None:
    drawn = random.Random(seed)
    what = lives(30, drawn)
    clock = ahead(offset_us, ppm)
    ours, theirs = listened(what, ahead(0), drawn, late=late), listened(what, clock, drawn, late=late)
    found = clock_offset(ours, theirs)
    assert found is not None
    assert max(wrong_us(found, clock)) <= 0
    assert all(each.uncertainty_us <= (600 * MS, 4 * S)[late > 0] for each in found.agreements)
    assert all(LEAST_SHARED <= each.shared <= 90 for each in found.agreements)
    back = clock_offset(theirs, ours)
    assert back is not None
    assert abs(back.offset_us + found.offset_us) < found.uncertainty_us + back.uncertainty_us


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_nothing_is_said_where_nothing_agrees(seed: int) -> None:
    drawn = random.Random(seed)
    what = lives(20, drawn)
    # both hear all phones, and neither when they begin or end
    ours, theirs = (listened(what, ahead(each), drawn, late=1.0, slack_us=MIN) for each in (0, 3 * S))
    assert clock_offset(ours, theirs) is None
    sure = listened(what, ahead(0), drawn)
    assert clock_offset(sure, listened(what, ahead(0), drawn)) is not None
    assert clock_offset(sure, listened(lives(20, drawn), ahead(0), drawn)) is None
    assert clock_offset(sure, fold("nothing", [])) is None
    assert clock_offset(fold("nothing", []), sure) is None


def test_too_few_addresses_do_not_tell() -> None:
    drawn = random.Random(7)
    for phones in range(1, 16):
        what = lives(phones, drawn, slots=1)
        found = clock_offset(listened(what, ahead(0), drawn), listened(what, ahead(2 * S), drawn))
        assert found is None or phones >= LEAST_SHARED
        assert found is not None or phones < 12
        # one address does not speak for many
        one = [(0, begin_us, end_us, b"") for _, begin_us, end_us, _ in what]
        assert clock_offset(listened(one, ahead(0), drawn), listened(one, ahead(2 * S), drawn)) is None


def test_what_is_sent_again_later_is_no_offset() -> None:
    drawn = random.Random(8)
    what = lives(30, drawn)
    ours = listened(what, ahead(0), drawn)
    for later_us in (GREATEST_OFFSET_US + S, 900 * S, 86_400 * S):
        assert clock_offset(ours, listened(what, ahead(later_us), drawn)) is None
        assert clock_offset(ours, listened(what, ahead(-later_us), drawn)) is None


def test_two_answers_are_none() -> None:
    drawn = random.Random(9)
    what = lives(60, drawn)
    ours = listened(what, ahead(0), drawn)
    one, other = listened(what[::2], ahead(2 * S), drawn), listened(what[1::2], ahead(30 * S), drawn)
    assert clock_offset(ours, one) is not None
    assert clock_offset(ours, folded([*one.sightings, *other.sightings])) is None


def test_a_receiver_that_hears_less_shifts_nothing() -> None:
    """Phones that come into range of one receiver later, all by the same time, seem to tell an offset."""
    drawn = random.Random(10)
    what = lives(30, drawn, slots=1)
    ours = listened(what, ahead(0), drawn)
    inside = [
        (phone, begin_us + 20 * S, end_us - 20 * S, payload) for phone, begin_us, end_us, payload in what
    ]
    assert clock_offset(ours, listened(inside, ahead(0), drawn)) is None
    # nor if only their beginnings, or only their ends, were heard
    for begins_us, ends_us in ((20 * S, 0), (0, 20 * S)):
        moved = [
            (phone, begin_us + begins_us, end_us - ends_us, payload)
            for phone, begin_us, end_us, payload in what
        ]
        assert clock_offset(ours, listened(moved, ahead(0), drawn)) is None


def test_what_begins_where_nobody_is_heard_does_not_count() -> None:
    drawn = random.Random(11)
    # one after the other, with a minute between in which it is not known that a receiver listens
    what = [(each, 2 * each * MIN, (2 * each + 1) * MIN, drawn.randbytes(8)) for each in range(2, 32)]
    heard = [listened(what, ahead(each), drawn) for each in (0, 7 * S)]
    assert clock_offset(*heard) is not None
    without = [replace(each, sightings=tuple(one for one in each.sightings if one.ad)) for each in heard]
    assert clock_offset(*without) is None


def test_phones_that_pass_by_together_tell_nothing() -> None:
    drawn = random.Random(22)
    # both by one receiver and, half a minute later, by the other
    for later_us in (0, 30 * S):
        what = [(phone, 20 * MIN, 25 * MIN, drawn.randbytes(8)) for phone in range(40)]
        after = [(phone, 20 * MIN + later_us, 25 * MIN + later_us, payload) for phone, _, _, payload in what]
        assert clock_offset(listened(what, ahead(0), drawn), listened(after, ahead(0), drawn)) is None


def test_a_rhythm_is_no_offset() -> None:
    """Phones that pause every 30 s begin again and again; who listens later hears another beginning first."""
    drawn = random.Random(12)
    phases = [drawn.randrange(30 * S) for _ in range(40)]

    def heard(from_us: int, until_us: int) -> Folded:
        found = [
            sighting(b"always", b"", from_us - 5 * MIN, until_us + 5 * MIN, 100 * MS),
            *(
                sighting(b"%d" % phone, b"x", begin_us, begin_us + 15 * S, 100 * MS)
                for phone, phase_us in enumerate(phases)
                for begin_us in range(phase_us, 60 * MIN, 30 * S)
                if from_us <= begin_us and begin_us + 15 * S <= until_us
            ),
        ]
        return folded(found)

    ours = heard(10 * MIN, 30 * MIN)
    for later_us in (0, 30 * S, 31 * S, 5 * MIN):
        found = clock_offset(ours, heard(10 * MIN + later_us, 30 * MIN + later_us))
        # what begins and ends for both at once, because they began and ended to listen then, is no more than that
        assert found is None or later_us == 0


def test_a_clock_that_is_set_has_two_offsets() -> None:
    drawn = random.Random(13)
    what = lives(60, drawn)
    clock = ahead(-4 * S, steps=[(20 * MIN, 9 * S)])
    found = clock_offset(listened(what, ahead(0), drawn), listened(what, clock, drawn))
    assert found is not None
    assert {round(each.offset_us / S) for each in found.agreements} == {-4, 5}
    assert max(wrong_us(found, clock)) <= 0
    assert found.drift is None


def test_a_drift_is_told_and_followed() -> None:
    drawn = random.Random(14)
    what = lives(300, drawn, slots=30)
    clock = ahead(-S, ppm=400)
    ours, theirs = (listened(what, each, drawn, slack_us=20 * MS, hours=5) for each in (ahead(0), clock))
    found = clock_offset(ours, theirs)
    assert found is not None
    assert max(wrong_us(found, clock)) <= 0
    assert found.drift is not None
    assert abs(found.drift.ppm - 400) < found.drift.uncertainty_ppm < 60
    for time_us in range(10 * MIN, 180 * MIN, 7 * MIN):
        offset_us = clock(time_us) - time_us
        assert abs(found.at(START_US + time_us) - offset_us) <= found.uncertainty_at(START_US + time_us)
        assert abs(found.reference_us(START_US + clock(time_us)) - START_US - time_us) < 200 * MS


def test_an_offset_by_way_of_another_capture() -> None:
    drawn = random.Random(15)
    near, far = lives(30, drawn), lives(30, drawn)
    ours = listened(near, ahead(0), drawn)
    both = listened([*near, *far], ahead(-4 * S), drawn)
    theirs = listened(far, ahead(9 * S), drawn)
    apart = listened(lives(20, drawn), ahead(0), drawn)
    first, of_theirs, of_both, none = clock_offsets([ours, theirs, both, apart])
    assert first == SAME_CLOCK
    assert of_theirs is not None
    assert of_both is not None
    assert none is None
    assert abs(of_theirs.offset_us - 9 * S) < of_theirs.uncertainty_us
    assert abs(of_both.offset_us + 4 * S) < of_both.uncertainty_us
    assert of_theirs.uncertainty_us > of_both.uncertainty_us
    assert clock_offsets([]) == ()
    assert clock_offsets([ours]) == (SAME_CLOCK,)


def test_of_many_sightings_the_same_addresses_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = random.Random(16)
    what = lives(200, drawn)
    ours, theirs = (listened(what, ahead(each), drawn) for each in (0, 3 * S))
    monkeypatch.setattr(merging, "_SIGHTINGS", 200)
    looked: list[Heard] = []

    def noted(one: Heard, other: Heard) -> ClockOffset | None:
        looked.extend((one, other))
        return estimated(one, other)

    monkeypatch.setattr(merging, "estimated", noted)
    found = clock_offset(ours, theirs)
    assert found is not None
    assert max(wrong_us(found, ahead(3 * S))) <= 0
    assert looked[0].spans.keys() == looked[1].spans.keys()
    assert 100 < len(looked[0].spans) < 300


# --- hosts that listen for seconds in minutes, by single adverts ---


def adverts(
    phones: int,
    drawn: random.Random,
    clock: Clock,
    windows: Callable[[int], bool],
    *,
    seed: int,
    until_us: int = 12 * MIN,
    interval_us: int = 270 * MS,
    wait_us: int = 10 * MS,
    heard: float = 0.9,
    jitter_us: int = 2 * MS,
    payloads: int = 0,
) -> list[Advert]:
    """Hear phones that wait at random before each advert; the same seed is the same air."""
    air, own = random.Random(seed), random.Random(payloads)
    found = []
    for _ in range(phones):
        payload = own.randbytes(8)
        time_us = air.randrange(interval_us)
        while time_us < until_us:
            if windows(time_us) and drawn.random() < heard:
                shown_us = START_US + clock(time_us) + drawn.randrange(-jitter_us // 2, jitter_us // 2)
                found.append(advert(shown_us, payload))
            time_us += interval_us + (air.randrange(wait_us) if wait_us else 0)
    return sorted(found, key=lambda each: each.time_us)


def advert(time_us: int, payload: bytes) -> Advert:
    address = (payload + bytes(6))[:6]
    return Advert(1, time_us, "", address, AddressType.RESOLVABLE, PduType.ADV_IND, payload, -60, None)


def every(period_us: int, length_us: int, phase_us: int = 0) -> Callable[[int], bool]:
    return lambda time_us: (time_us - phase_us) % period_us < length_us


def known(found: Iterable[Advert]) -> Heard:
    """Return what was heard, the time of each advert being known."""
    kept = list(found)
    times: dict[of.Key, list[int]] = {}
    for each in kept:
        times.setdefault((each.address, each.address_type, each.pdu, each.ad), []).append(each.time_us)
    return Heard(fold("host", kept), 1.0, times)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32), offset_us=st.integers(-280 * S, 280 * S), ppm=st.sampled_from([0, -100]))
def test_one_moment_in_which_both_listened_tells_the_offset(seed: int, offset_us: int, ppm: int) -> None:
    drawn = random.Random(seed)
    clock = ahead(offset_us, ppm)
    # the one listens in minutes 2, 6 and 10, the other in minutes 3, 6 and 9
    ours = known(adverts(26, drawn, ahead(0), every(4 * MIN, 4 * S, 2 * MIN), seed=seed))
    theirs = known(adverts(26, drawn, clock, every(3 * MIN, 4 * S, S), seed=seed, heard=0.6))
    found = estimated(ours, theirs)
    assert found is not None
    assert max(wrong_us(found, clock)) <= 0
    assert [round((each.time_us - START_US) / MIN) for each in found.agreements] == [6]
    (agreement,) = found.agreements
    assert agreement.uncertainty_us <= 4 * MS
    assert agreement.shared > 15
    # first and last of each time do not tell it
    assert estimated(without_times(ours), without_times(theirs)) is None


@pytest.mark.parametrize("apart_us", [4 * S + 50 * MS, 4 * S + 300 * MS, 5 * S, 30 * S])
@pytest.mark.parametrize("seed", range(2))
def test_who_listens_right_after_another_hears_no_advert_of_theirs(seed: int, apart_us: int) -> None:
    drawn = random.Random(seed)
    windows = [every(2 * MIN, 4 * S, phase_us) for phase_us in (0, apart_us)]
    ours, theirs = (
        known(adverts(40, drawn, ahead(0), each, seed=seed, until_us=8 * MIN)) for each in windows
    )
    assert estimated(ours, theirs) is None


@pytest.mark.parametrize("seed", range(2))
def test_adverts_without_a_random_wait_tell_nothing(seed: int) -> None:
    drawn = random.Random(seed)
    windows = [every(3 * MIN, 4 * S, phase_us) for phase_us in (0, S)]
    ours, theirs = (known(adverts(40, drawn, ahead(7 * S), each, seed=seed, wait_us=0)) for each in windows)
    assert estimated(ours, theirs) is None


@pytest.mark.parametrize("seed", range(4))
def test_adverts_of_an_exact_rhythm_are_no_offset(seed: int) -> None:
    """Two hosts listen 40 s, the second 30 s later, to phones that send once in 30 s: all agree on 30 s."""
    drawn = random.Random(seed)
    phases = [(drawn.randrange(30 * S), drawn.randbytes(8)) for _ in range(60)]

    def heard(from_us: int) -> Heard:
        found = [
            advert(START_US + time_us, payload)
            for phase_us, payload in phases
            for time_us in range(phase_us, 100 * S, 30 * S)
            if from_us <= time_us < from_us + 40 * S
        ]
        return known(sorted(found, key=lambda each: each.time_us))

    assert estimated(heard(0), heard(30 * S)) is None
    assert estimated(heard(30 * S), heard(0)) is None


def test_the_same_payloads_on_another_day_tell_nothing() -> None:
    drawn = random.Random(17)
    listens = every(MIN, 4 * S)
    ours = known(adverts(40, drawn, ahead(0), listens, seed=1, until_us=5 * MIN))
    again = [
        replace(each, time_us=each.time_us + drawn.randrange(-20 * S, 20 * S))
        for each in adverts(40, drawn, ahead(0), listens, seed=1, until_us=5 * MIN)
    ]
    assert estimated(ours, known(sorted(again, key=lambda each: each.time_us))) is None


def test_where_receivers_listen_all_the_time_adverts_narrow_down_what_lives_tell() -> None:
    drawn = random.Random(18)
    clock = ahead(-70 * S)
    payloads = [drawn.randbytes(8) for _ in range(20)]
    spans = [sorted(drawn.randrange(2 * MIN, 14 * MIN) for _ in range(2)) for _ in payloads]
    true: list[tuple[int, bytes]] = []
    for (begin_us, end_us), payload in zip(spans, payloads, strict=True):
        time_us = begin_us
        while time_us < end_us:
            true.append((time_us, payload))
            time_us += 200 * MS + drawn.randrange(10 * MS)
    steady = [(time_us, b"always") for time_us in range(0, 16 * MIN, S)]

    def heard(by: Clock, share: float) -> Heard:
        found = [advert(START_US + by(at_us), ad) for at_us, ad in [*true, *steady] if drawn.random() < share]
        return known(sorted(found, key=lambda each: each.time_us))

    ours, theirs = heard(ahead(0), 0.9), heard(clock, 0.7)
    found = estimated(ours, theirs)
    assert found is not None
    assert max(wrong_us(found, clock)) <= 0
    assert max(each.uncertainty_us for each in found.agreements) <= 3 * MS
    rough = estimated(without_times(ours), without_times(theirs))
    assert rough is not None
    assert max(wrong_us(rough, clock)) <= 0
    assert min(each.uncertainty_us for each in rough.agreements) > 100 * MS


def without_times(heard: Heard) -> Heard:
    heard.times = {}
    return heard


# --- captures that are made to deceive, by the hundred ---


def deceiving(seed: int) -> tuple[ClockOffset | None, Clock]:
    """Draw phones and hosts of every kind, and return what is said of their clocks, and the true one."""
    drawn = random.Random(seed)
    period_us, length_us = drawn.choice(
        [(2 * MIN, 4 * S), (MIN, 4 * S), (20 * S, 2 * S), (5_120 * MS, 512 * MS), (3 * S, 300 * MS)]
    )
    until_us = drawn.choice([3, 8]) * MIN
    step = [(drawn.randrange(until_us), drawn.choice([-30, -2, 1, 5]) * S)] if drawn.random() < 0.2 else []
    clock = ahead(drawn.choice([0, drawn.randrange(-300 * S, 300 * S)]), drawn.choice([0, 100, -400]), step)
    # they listen together, in part, right after one another, or at any time
    phase_us = drawn.choice(
        [0, drawn.randrange(length_us // 2), length_us + drawn.randrange(-S, S), drawn.randrange(period_us)]
    )
    interval_us = drawn.choice([250, 270, 1000]) * MS
    phones = drawn.choice([10, 26, 60])
    wait_us = drawn.choice([10 * MS, 10 * MS, 10 * MS, 3 * MS, 0])
    elsewhere = drawn.random() < 0.2
    heard = [
        known(
            adverts(
                phones,
                drawn,
                by,
                every(period_us, length_us, phase),
                seed=air,
                until_us=until_us,
                interval_us=interval_us,
                wait_us=wait_us,
                heard=drawn.choice([1.0, 0.8, 0.3]),
                jitter_us=drawn.choice([2, 2, 4, 20]) * MS,
                payloads=seed,
            )
        )
        for by, phase, air in ((ahead(0), 0, seed), (clock, phase_us, seed + elsewhere))
    ]
    found = estimated(heard[0], heard[1])
    # where they were elsewhere, whatever is said is wrong
    return found, (lambda time_us: -time_us) if elsewhere else clock


def deceived(seeds: Iterable[int]) -> tuple[list[int], int]:
    """Return the seeds at which something is said that is wrong, and at how many something is said."""
    wrong, sure = [], 0
    for seed in seeds:
        found, clock = deceiving(seed)
        if found is not None:
            sure += 1
            if max(wrong_us(found, clock)) > 0:
                wrong.append(seed)
    return wrong, sure


def test_nothing_wrong_is_ever_said() -> None:
    wrong, _ = deceived(range(12))
    assert wrong == []


@pytest.mark.long
def test_nothing_wrong_is_said_at_many_seeds() -> None:
    wrong, sure = deceived(range(1000, 1060))
    assert wrong == []
    assert sure > 0


# --- windows and chance ---


def differences(*found: tuple[int, int]) -> list[Difference]:
    return sorted(Difference(each, address, 0, Kind.ADVERT) for each, address in found)


def test_the_window_that_scores_most_counts_a_busy_address_once() -> None:
    busy = [(each, 1) for each in range(10)]
    many = [(1000 + each, 10 + each) for each in range(6)]
    found = differences(*busy, *many)
    assert densest(found, 9, 1) == Window(10, 16, 6)
    assert densest(found, 9, 100) == Window(0, 10, 10)
    assert densest(found, 9, 1, [Window(10, 16, 6)]) == Window(0, 10, 1)
    assert densest(found, 3, 1) == Window(10, 14, 4)
    assert densest([], 9, 1) == Window(0, 0, 0)


def test_how_many_of_one_address_count_is_told_by_the_others() -> None:
    found = differences(*[(each, address) for address in range(8) for each in range(5)], *[(5, 8)] * 40)
    assert counted(found, 10, 8) == 10
    assert counted(found, 10, 10) == 0
    assert counted(differences(*[(0, address) for address in range(9)]), 10, 8) == 4


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), addresses=st.integers(1, 60))
def test_chance_is_not_underrated(seed: int, addresses: int) -> None:
    drawn = random.Random(seed)
    reach_us = 2_000_000
    found = differences(*((drawn.randrange(reach_us), drawn.randrange(addresses)) for _ in range(3000)))
    window = densest(found, 1000, 4)
    assert chance(found, window, 1000, reach_us) > 1e-6


def test_what_is_no_chance_is_improbable() -> None:
    drawn = random.Random(19)
    background = [(drawn.randrange(2_000_000), address) for address in range(20) for _ in range(40)]
    same = [(1_000_000 + drawn.randrange(1000), address) for address in range(20)]
    found = differences(*background, *same)
    window = densest(found, 1000, 4)
    assert abs(found[window.first].difference_us - 1_000_000) < 1000
    assert chance(found, window, 1000, 2_000_000) < 1e-9


# --- clocks ---


def offset(*agreements: tuple[int, int, int]) -> ClockOffset:
    """Return what is said at which seconds: offset and uncertainty in milliseconds."""
    return ClockOffset(tuple(Agreement(time * S, by * MS, wrong * MS, 9) for time, by, wrong in agreements))


def test_an_offset_goes_from_agreement_to_agreement() -> None:
    found = offset((1000, 0, 5), (1100, 100, 7), (1200, 100, 9))
    assert [found.at(time * S) for time in (0, 1000, 1025, 1050, 1100, 1150, 9999)] == [
        0, 0, 25 * MS, 50 * MS, 100 * MS, 100 * MS, 100 * MS,
    ]  # fmt: skip
    for time_us in range(900 * S, 1300 * S, 7 * S):
        assert abs(found.reference_us(time_us + found.at(time_us)) - time_us) <= 1
    assert (found.offset_us, found.uncertainty_us) == (100 * MS, 105 * MS)
    # what lies between may be either
    assert found.uncertainty_at(1050 * S) == 107 * MS
    assert found.uncertainty_at(1150 * S) == 9 * MS
    # ten minutes on, it is known no more
    end_us = 1200 * S + KNOWN_FOR_US
    assert found.uncertainty_at(end_us) == 9 * MS
    assert found.uncertainty_at(end_us + 1000 * S) == 509 * MS
    assert found.uncertainty_at(1000 * S - KNOWN_FOR_US - 1000 * S) == 505 * MS
    assert (SAME_CLOCK.at(5), SAME_CLOCK.reference_us(5), SAME_CLOCK.uncertainty_at(5)) == (0, 5, 0)
    assert (SAME_CLOCK.offset_us, SAME_CLOCK.uncertainty_us, SAME_CLOCK.drift) == (0, 0, None)


def test_a_drift_is_a_line_through_at_least_three_agreements() -> None:
    line = offset((0, 5, 3), (1000, 105, 3), (2000, 205, 3), (4000, 405, 3))
    assert line.drift is not None
    assert (round(line.drift.ppm, 6), line.drift.uncertainty_ppm) == (100, 1.5)
    assert offset((0, 5, 3), (1000, 105, 3)).drift is None
    assert offset((0, 5, 3), (1000, 105, 3), (2000, 195, 3), (4000, 405, 3)).drift is None
    slower = offset((0, 5, 9), (1000, -95, 9), (2000, -194, 9))
    assert slower.drift is not None
    assert -101 < slower.drift.ppm < -98


def test_a_clock_of_a_clock() -> None:
    first, second = offset((1000, 10_000, 2), (3000, 12_000, 2)), offset((1010, -500, 3), (2011, -600, 4))
    found = by_way(first, second)
    assert [(each.time_us, each.offset_us) for each in found.agreements] == [
        (1000 * S, 9500 * MS),
        (2000 * S, 10_400 * MS),
    ]
    # between agreements of the first clock either may be right, and more, as the nearest is 1000 s away
    assert [each.uncertainty_us for each in found.agreements] == [2005 * MS, 2206 * MS]
    assert by_way(SAME_CLOCK, second) == second


def test_agreements_go_forth_by_both_clocks() -> None:
    later = [Agreement(10, 0, 5, 9), Agreement(20, -15, 5, 9), Agreement(20, 0, 6, 9), Agreement(30, 0, 5, 9)]
    assert merging.clocks.in_order(reversed(later)) == (later[0], later[2], later[3])


def test_an_offset_that_cannot_be_told_from_none_is_not_applied() -> None:
    assert not is_applied(SAME_CLOCK)
    assert not is_applied(offset((0, 200, 100)))
    assert is_applied(offset((0, -201, 100)))
    assert is_applied(offset((0, 200, 100), (9, 300, 100)))


# --- shifting ---


def test_all_that_a_capture_says_is_shifted() -> None:
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
def test_sightings_are_shifted_by_a_clock_that_is_set(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_shared_addresses_are_counted_once() -> None:
    one = fold("a", [advert(1, b"a"), advert(2, b"b"), advert(3, b"b"), without_address(4)])
    other = fold("b", [advert(1, b"b"), advert(2, b"c"), without_address(3)])
    assert shared_addresses(one, other) == 1
    assert shared_addresses(one, fold("none", [])) == 0


def without_address(time_us: int) -> Observation:
    return Advert(1, time_us, "", None, None, None, b"x", None, None)


def test_what_has_no_address_says_nothing() -> None:
    drawn = random.Random(20)
    what = lives(30, drawn)
    ours, theirs = (listened(what, ahead(each), drawn) for each in (0, S))
    assert clock_offset(ours, theirs) is not None
    nameless = replace(ours, sightings=tuple(replace(each, address=None) for each in ours.sightings))
    assert clock_offset(nameless, theirs) is None
    assert clock_offset(theirs, nameless) is None


def test_how_steadily_a_phone_is_heard() -> None:
    """A receiver that listens half a second in five hears no beginning to the second."""
    drawn = random.Random(21)
    what = lives(40, drawn)
    ours, theirs = (listened(what, ahead(each), drawn) for each in (0, S))
    assert clock_offset(ours, theirs) is not None
    for mean_us, median_us in ((100 * MS, None), (250 * MS, 100 * MS), (3 * S, 3 * S)):
        thinned = [
            replace(each, count=(each.last_us - each.first_us) // mean_us, interval_median_us=median_us)
            if each.ad
            else each
            for each in ours.sightings
        ]
        assert clock_offset(folded(thinned), theirs) is None


# --- what is told of captures ---


def capture_of(name: str, heard: Folded) -> Capture:
    return Capture(name, "00", "pcap", {}, heard.adverts, False, (), heard)


def test_captures_are_judged_by_the_clock_of_the_first() -> None:
    drawn = random.Random(23)
    what = lives(30, drawn)
    captures = [
        capture_of("a", listened(what, ahead(0), drawn)),
        capture_of("b", listened(what, ahead(-12 * S), drawn)),
        capture_of("c", listened(what, ahead(0), drawn)),
        capture_of("d", listened([*lives(20, drawn), *what[:5]], ahead(0), drawn)),
    ]
    one, other, same, unknown = aligned(captures)
    assert (one, same) == (captures[0], captures[2])
    (told,) = other.diagnostics
    assert (told.source, told.offset, told.severity) == ("b", None, "info")
    assert told.message.startswith(("its clock is 12 s ", "its clock is 11 s "))
    assert told.message.endswith("; its times are shifted by that")
    ours, theirs = (
        {each.ad: each.first_us for each in reversed(capture.folded.sightings)} for capture in (one, other)
    )
    assert len(ours) == 91
    assert all(abs(theirs[ad] - first_us) < S for ad, first_us in ours.items())
    # what is left as it is says so; the phone that both always heard is one of six
    (told,) = unknown.diagnostics
    assert unknown.folded is captures[3].folded
    assert (told.source, told.offset, told.severity) == ("d", None, "info")
    assert told.message == (
        "by how much its clock differs from that of a is not sure: 6 addresses were heard by both"
    )
    assert aligned(captures[:1]) == (captures[0],)
    assert aligned([]) == ()


def heard_for(seconds: int) -> Capture:
    found = folded([sighting(b"a", b"x", 0, seconds * S, 100 * MS)])
    first_us = found.first_us or 0
    moved = tuple(replace(each, first_us=0, last_us=each.last_us - first_us) for each in found.sightings)
    return capture_of("b", replace(found, sightings=moved, first_us=0, last_us=seconds * S))


def test_how_an_offset_is_written() -> None:
    reference = capture_of("a", fold("a", []))
    once = ClockOffset((Agreement(5 * S, 3_000_999, 2_500, 17),))
    assert offset_text(reference, heard_for(9), once) == (
        "its clock is 3 s 1 ms ahead of that of a at 1970-01-01T00:00:05.000+00:00 "
        "(from 17 addresses that both heard, to 3 ms)"
    )
    # seven hours and more from the only time at which it is known
    assert offset_text(reference, heard_for(30_000), once).endswith(
        "to 3 ms; at other times it may be 14 s 699 ms off)"
    )
    twice = offset((5, -739, 2), (1000, 0, 4))
    assert offset_text(reference, heard_for(9), twice) == (
        "its clock is 739 ms behind that of a at 1970-01-01T00:00:05.000+00:00, 0 s ahead of it at "
        "1970-01-01T00:16:40.000+00:00 (known at 2 times, from 9 addresses that both heard, to 4 ms; "
        "at other times it may be 743 ms off)"
    )
    fast, slow = (
        offset((0, 5, 3), (1000, 105, 3), (2000, 205, 3)),
        offset((0, 0, 3), (1000, -40, 3), (2000, -80, 3)),
    )
    assert "; it goes 100 ppm faster, give or take 3" in offset_text(reference, heard_for(9), fast)
    assert "; it goes 40 ppm slower, give or take 3" in offset_text(reference, heard_for(9), slow)
    hardly = ClockOffset(
        (Agreement(0, 0, 1, 9), Agreement(4_000 * S, 2_000, 1, 9), Agreement(8_000 * S, 4_000, 1, 9))
    )
    assert "faster" in offset_text(reference, heard_for(9), hardly)
    unsure = offset((0, 5, 3), (1000, 6, 3), (2000, 7, 3))
    assert "ppm" not in offset_text(reference, heard_for(9), unsure)


def test_nothing_can_be_off_where_nothing_was_heard() -> None:
    empty = capture_of("b", fold("b", []))
    assert "off" not in offset_text(empty, empty, offset((5, 9, 2)))


# --- verdicts ---


@pytest.mark.long
@pytest.mark.req("BZ-PRV-003", "BZ-PRV-005", "BZ-KEY-010")
@pytest.mark.usefixtures("short_search")
@pytest.mark.parametrize("offset_us", [-200 * S, 20 * S])
def test_two_receivers_judge_as_one_clock_does(
    offset_us: int, specification: Specification, request: pytest.FixtureRequest
) -> None:
    start_ms = 1_597_147_200_000
    phones = tuple(drawn_phone(f"phone {number}", "android", start_ms, number) for number in range(10))
    plan = prepared(Plan(phones, start_ms, 3 * 3_600_000, loss=0.3, receivers=2, interval_ms=800), 1)
    capture: Capture = request.getfixturevalue("capture_of")(plan, 1)
    receivers = sorted({each.receiver for each in capture.folded.sightings})
    parts = [
        replace(
            capture,
            name=name,
            folded=replace(
                capture.folded,
                sightings=tuple(
                    replace(each, source=name) for each in capture.folded.sightings if each.receiver == name
                ),
            ),
        )
        for name in receivers
    ]
    moved = replace(parts[1], folded=shifted(parts[1].folded, ClockOffset((Agreement(0, -offset_us, 0, 9),))))
    (_, back) = aligned([parts[0], moved])
    assert len(back.diagnostics) == len(parts[1].diagnostics) + 1
    assert back.diagnostics[-1].message.startswith("its clock is ")

    def verdicts(captures: Sequence[Capture], device: bytes | None) -> dict[str, str]:
        file = None if device is None else read_device_file("device.json", device)
        result = judge(specification, profiles_of(specification)["v3"], [], file, "check", captures)
        return {each.id: str(each.verdict) for each in result.requirements}

    for device in (device_file(plan.phones[:1]), None):
        together = verdicts(parts, device)
        assert "fail" not in together.values()
        assert verdicts([parts[0], back], device) == together
        # within the tolerance nothing fails either where the clocks are left as they are
        if abs(offset_us) <= 45 * S:
            assert "fail" not in verdicts([parts[0], moved], device).values()
