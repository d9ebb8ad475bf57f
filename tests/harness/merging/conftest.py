"""Phones that send for minutes, receivers that listen all the time, and clocks that are ahead, drift and are set."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence

import pytest

from bluezone_harness.merging import Agreement, ClockOffset
from bluezone_harness.observations import AddressType, Advert, PduType
from bluezone_harness.sightings import Folded, Sighting

MS = 1000
S = 1_000_000
MIN = 60 * S
START_US = 1_596_866_191_387_000
Clock = Callable[[int], int]
"""From the true time after the beginning to what a receiver's clock shows."""
Lives = list[tuple[int, int, int, bytes]]
"""Which phone, and from when to when it sends which payload."""


@pytest.fixture(scope="session")
def lives() -> Callable[..., Lives]:
    """Return a function that lets phones send one payload after the other, a slot each."""

    def draw(phones: int, drawn: random.Random, slots: int = 3) -> Lives:
        found: Lives = []
        for phone in range(phones):
            time_us = 3 * MIN + drawn.randrange(10 * MIN)
            for _ in range(slots):
                until_us = time_us + drawn.randrange(3 * MIN, 10 * MIN)
                found.append((phone, time_us, until_us, drawn.randbytes(8)))
                time_us = until_us
        return found

    return draw


@pytest.fixture(scope="session")
def sent_between() -> Callable[..., Sighting]:
    """Return a function that makes the sighting of what was heard from one time to another, all the time."""

    def make(address: bytes, ad: bytes, first_us: int, last_us: int, interval_us: int) -> Sighting:
        count = max(1, (last_us - first_us) // interval_us + 1)
        several = interval_us if count > 1 else None
        return Sighting(
            "air", "", (address + bytes(6))[:6], AddressType.RESOLVABLE, PduType.ADV_IND, ad,
            START_US + first_us, START_US + last_us, 1, 2, count, -60, -60.0, -60, frozenset(), several, several,
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def folded() -> Callable[[Iterable[Sighting]], Folded]:
    """Return a function that puts sightings in their order, as a receiver makes them."""

    def fold(sightings: Iterable[Sighting]) -> Folded:
        found = tuple(sorted(sightings, key=lambda each: each.first_us))
        first_us, last_us = found[0].first_us, max(each.last_us for each in found)
        return Folded(found, (), (), (), (), sum(each.count for each in found), first_us, last_us)

    return fold


@pytest.fixture(scope="session")
def listened(
    sent_between: Callable[..., Sighting], folded: Callable[[Iterable[Sighting]], Folded]
) -> Callable[..., Folded]:
    """Return a function that hears phones; a share of their payloads comes into range late, and goes early."""

    def hear(
        what: Lives,
        clock: Clock,
        drawn: random.Random,
        *,
        late: float = 0.0,
        slack_us: int = 200 * MS,
        interval_us: int = 100 * MS,
        hours: float = 1.2,
    ) -> Folded:
        found = [sent_between(b"always", b"", clock(0), clock(int(hours * 60 * MIN)), interval_us)]
        for phone, begin_us, end_us, payload in what:
            first_us = begin_us + drawn.randrange(slack_us)
            last_us = end_us - drawn.randrange(slack_us)
            if drawn.random() < late:
                first_us, last_us = first_us + drawn.randrange(MIN), last_us - drawn.randrange(MIN)
            address = b"%d" % phone + payload
            found.append(sent_between(address, payload, clock(first_us), clock(last_us), interval_us))
        return folded(found)

    return hear


@pytest.fixture(scope="session")
def ahead() -> Callable[..., Clock]:
    """Return a function that makes a clock that is ahead, drifts, and is set: at which times, by how much."""

    def make(offset_us: int, ppm: float = 0.0, steps: Sequence[tuple[int, int]] = ()) -> Clock:
        return lambda time_us: (
            time_us
            + offset_us
            + round(time_us * ppm / 1e6)
            + sum(by for at_us, by in steps if time_us >= at_us)
        )

    return make


@pytest.fixture(scope="session")
def wrong_us() -> Callable[[ClockOffset, Clock], list[int]]:
    """Return a function that tells by how much agreements are wrong beyond what they say; none should be above 0."""

    def compare(offset: ClockOffset, clock: Clock) -> list[int]:
        found = []
        for each in offset.agreements:
            time_us = each.time_us - START_US
            found.append(abs(clock(time_us) - time_us - each.offset_us) - each.uncertainty_us)
        return found

    return compare


@pytest.fixture(scope="session")
def advert() -> Callable[[int, bytes], Advert]:
    """Return a function that makes an advert of a time and a payload, which gives its address too."""

    def make(time_us: int, payload: bytes) -> Advert:
        address = (payload + bytes(6))[:6]
        return Advert(1, time_us, "", address, AddressType.RESOLVABLE, PduType.ADV_IND, payload, -60, None)

    return make


@pytest.fixture(scope="session")
def offset() -> Callable[..., ClockOffset]:
    """Return a function of what is said at which seconds: offset and uncertainty in milliseconds."""

    def make(*agreements: tuple[int, int, int]) -> ClockOffset:
        return ClockOffset(
            tuple(Agreement(time * S, by * MS, wrong * MS, 9) for time, by, wrong in agreements)
        )

    return make
