"""Hosts that listen for seconds in minutes, by single adverts; captures made to deceive, by the hundred."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.merging import ClockOffset
from bluezone_harness.merging import differences as of
from bluezone_harness.merging.differences import Heard
from bluezone_harness.merging.estimates import estimated
from bluezone_harness.observations import Advert
from bluezone_harness.sightings import fold

pytestmark = pytest.mark.req("BZ-ADV-001")

MS = 1000
S = 1_000_000
MIN = 60 * S
START_US = 1_596_866_191_387_000
Clock = Callable[[int], int]
Ahead = Callable[..., Clock]
Wrong = Callable[[ClockOffset, Clock], list[int]]
AdvertOf = Callable[[int, bytes], Advert]
Adverts = Callable[..., list[Advert]]
Deceived = Callable[[Iterable[int]], tuple[list[int], int]]


@pytest.fixture(scope="session")
def adverts(advert: AdvertOf) -> Callable[..., list[Advert]]:
    """Return a function that hears phones which wait at random before each advert; the same seed is the same air."""

    def hear(
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

    return hear


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
def test_one_moment_in_which_both_listened_tells_the_offset(
    adverts: Adverts, ahead: Ahead, wrong_us: Wrong, seed: int, offset_us: int, ppm: int
) -> None:
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
def test_who_listens_right_after_another_hears_no_advert_of_theirs(
    adverts: Adverts, ahead: Ahead, seed: int, apart_us: int
) -> None:
    drawn = random.Random(seed)
    windows = [every(2 * MIN, 4 * S, phase_us) for phase_us in (0, apart_us)]
    ours, theirs = (
        known(adverts(40, drawn, ahead(0), each, seed=seed, until_us=8 * MIN)) for each in windows
    )
    assert estimated(ours, theirs) is None


@pytest.mark.parametrize("seed", range(2))
def test_adverts_without_a_random_wait_tell_nothing(adverts: Adverts, ahead: Ahead, seed: int) -> None:
    drawn = random.Random(seed)
    windows = [every(3 * MIN, 4 * S, phase_us) for phase_us in (0, S)]
    ours, theirs = (known(adverts(40, drawn, ahead(7 * S), each, seed=seed, wait_us=0)) for each in windows)
    assert estimated(ours, theirs) is None


@pytest.mark.parametrize("seed", range(4))
def test_adverts_of_an_exact_rhythm_are_no_offset(advert: AdvertOf, seed: int) -> None:
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


def test_the_same_payloads_on_another_day_tell_nothing(adverts: Adverts, ahead: Ahead) -> None:
    drawn = random.Random(17)
    listens = every(MIN, 4 * S)
    ours = known(adverts(40, drawn, ahead(0), listens, seed=1, until_us=5 * MIN))
    again = [
        replace(each, time_us=each.time_us + drawn.randrange(-20 * S, 20 * S))
        for each in adverts(40, drawn, ahead(0), listens, seed=1, until_us=5 * MIN)
    ]
    assert estimated(ours, known(sorted(again, key=lambda each: each.time_us))) is None


def test_where_receivers_listen_all_the_time_adverts_narrow_down_what_lives_tell(
    ahead: Ahead, wrong_us: Wrong, advert: AdvertOf
) -> None:
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


# captures that are made to deceive, by the hundred


@pytest.fixture(scope="session")
def deceiving(ahead: Ahead, adverts: Adverts) -> Callable[[int], tuple[ClockOffset | None, Clock]]:
    """Return a function that draws phones and hosts of every kind: what is said of their clocks, and the true one."""

    def draw(seed: int) -> tuple[ClockOffset | None, Clock]:
        drawn = random.Random(seed)
        period_us, length_us = drawn.choice(
            [(2 * MIN, 4 * S), (MIN, 4 * S), (20 * S, 2 * S), (5_120 * MS, 512 * MS), (3 * S, 300 * MS)]
        )
        until_us = drawn.choice([3, 8]) * MIN
        step = (
            [(drawn.randrange(until_us), drawn.choice([-30, -2, 1, 5]) * S)] if drawn.random() < 0.2 else []
        )
        clock = ahead(
            drawn.choice([0, drawn.randrange(-300 * S, 300 * S)]), drawn.choice([0, 100, -400]), step
        )
        # they listen together, in part, right after one another, or at any time
        phase_us = drawn.choice(
            [
                0,
                drawn.randrange(length_us // 2),
                length_us + drawn.randrange(-S, S),
                drawn.randrange(period_us),
            ]
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

    return draw


@pytest.fixture(scope="session")
def deceived(
    deceiving: Callable[[int], tuple[ClockOffset | None, Clock]],
    wrong_us: Wrong,
) -> Callable[[Iterable[int]], tuple[list[int], int]]:
    """Return a function from seeds to those at which something wrong is said, and at how many something is said."""

    def count(seeds: Iterable[int]) -> tuple[list[int], int]:
        wrong, sure = [], 0
        for seed in seeds:
            found, clock = deceiving(seed)
            if found is not None:
                sure += 1
                if max(wrong_us(found, clock)) > 0:
                    wrong.append(seed)
        return wrong, sure

    return count


def test_nothing_wrong_is_ever_said(deceived: Deceived) -> None:
    wrong, _ = deceived(range(12))
    assert wrong == []


@pytest.mark.long
def test_nothing_wrong_is_said_at_many_seeds(deceived: Deceived) -> None:
    wrong, sure = deceived(range(1000, 1060))
    assert wrong == []
    assert sure > 0
