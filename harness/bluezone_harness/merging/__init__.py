"""Several captures of the same air: by how much the clocks of their receivers differ, where that is sure.

Theory of operation. Two receivers that hear the same advert, or the same phone take up a payload or drop it, look at
their clocks at the same moment. Which adverts are the same nobody tells: each of one may be each of the other that
has the same payload. So all differences are taken, of which most say nothing; true ones gather. Two ways lead there.

*Adverts.* Where the time of each advert is known, those that both heard agree to some milliseconds, and a phone waits
up to 10 ms at random before it sends again (Core Specification, Vol 6 Part B 4.4.2.2): no two other adverts of many
phones differ by the same so exactly. That also finds the moment at which two hosts listened together that listen for
seconds in minutes.

*Lives.* Where receivers listen all the time, they hear payloads begin and end. The one that hears less hears them begin
later and end earlier, so that both must agree. Adverts narrow down what lives agree on.

Clocks are set, and drift: time is halved as long as both halves know their own offset. An offset counts only if
chance does not explain it (``CHANCE``), at least ``LEAST_SHARED`` addresses agree, and nothing else gathers nearly
as well, as it does where phones repeat themselves in a rhythm. Where none counts, clocks are left as they are:
checks allow for the tolerance ``clock_offset`` between receivers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from bluezone_harness.sightings import HELD, Folded, OrderedSightings, Sighting, SightingColumns

from .clocks import KNOWN_FOR_US, SAME_CLOCK, WANDER_PPM, Agreement, ClockOffset, Drift, by_way
from .differences import GREATEST_OFFSET_US, Heard
from .estimates import LEAST_SHARED, estimated

__all__ = [
    "GREATEST_OFFSET_US",
    "KNOWN_FOR_US",
    "LEAST_SHARED",
    "SAME_CLOCK",
    "WANDER_PPM",
    "Agreement",
    "ClockOffset",
    "Drift",
    "by_way",
    "clock_offset",
    "clock_offsets",
    "is_applied",
    "shared_addresses",
    "shifted",
]

_SIGHTINGS = 100_000
"""Of each capture so many are looked at, or as many as some of its addresses have."""


def clock_offset(reference: Folded, other: Folded) -> ClockOffset | None:
    """Estimate by how much the clock of one capture is ahead of that of another.

    Args:
        reference: What one receiver heard.
        other: What the other heard.

    Returns:
        ``None`` where it is not sure: too few heard by both, or their differences agree on nothing.
    """
    share = _share((reference, other))
    return estimated(Heard(reference, share, reference.times), Heard(other, share, other.times))


def clock_offsets(captures: Sequence[Folded]) -> tuple[ClockOffset | None, ...]:
    """Estimate by how much the clock of each capture is ahead of that of the first.

    A capture that shares too little with the first may share enough with another whose offset is known.

    Returns:
        One for each capture, the first included, whose offset is 0; ``None`` where it is not sure.
    """
    if len(captures) < 2:
        return (SAME_CLOCK,) * len(captures)
    share = _share(captures)
    heard = [Heard(each, share, each.times) for each in captures]
    offsets: list[ClockOffset | None] = [SAME_CLOCK, *[None] * (len(captures) - 1)]
    known = [0]
    for there in known:  # grows as offsets become known
        base = offsets[there]
        for each in range(len(captures)):
            if base is None or offsets[each] is not None:
                continue
            step = estimated(heard[there], heard[each])
            if step is not None:
                offsets[each] = by_way(base, step)
                known.append(each)
    return tuple(offsets)


def is_applied(offset: ClockOffset) -> bool:
    """Say whether an offset can be told from none, at the time at which it is surest."""
    return any(abs(each.offset_us) > 2 * each.uncertainty_us for each in offset.agreements)


def shared_addresses(reference: Folded, other: Folded) -> int:
    """Return how many addresses were heard by both."""
    ours, theirs = ({each.address for each in folded.sightings} for folded in (reference, other))
    return len((ours & theirs) - {None})


def shifted(folded: Folded, offset: ClockOffset) -> Folded:
    """Return what a capture says, by the clock of the reference of its offset."""
    by = offset.reference_us
    return replace(
        folded,
        sightings=_shifted_sightings(folded.sightings, offset),
        reads=tuple(replace(each, time_us=by(each.time_us)) for each in folded.reads),
        asked=tuple(replace(each, time_us=by(each.time_us)) for each in folded.asked),
        events=tuple(replace(each, time_us=by(each.time_us)) for each in folded.events),
        gaps=tuple(
            replace(each, time_us=by(each.time_us), until_us=by(each.until_us)) for each in folded.gaps
        ),
        times={key: [by(each) for each in times] for key, times in folded.times.items()},
        first_us=None if folded.first_us is None else by(folded.first_us),
        last_us=None if folded.last_us is None else by(folded.last_us),
    )


def _shifted_sightings(sightings: Sequence[Sighting], offset: ClockOffset) -> Sequence[Sighting]:
    """Return sightings by another clock; their order stays, since no later time becomes an earlier one."""
    if isinstance(sightings, SightingColumns) and len(offset.agreements) < 2:
        return sightings.shifted(offset.offset_us)
    moved = _Shifted(sightings, offset.reference_us)
    return tuple(moved) if len(sightings) <= HELD else moved


class _Shifted(OrderedSightings):
    """Sightings by another clock, made when they are asked for."""

    def __init__(self, whole: Sequence[Sighting], by: Callable[[int], int]) -> None:
        self._whole = whole
        self._by = by

    def __len__(self) -> int:
        return len(self._whole)

    def __iter__(self) -> Iterator[Sighting]:
        return map(self._moved, self._whole)

    def at(self, places: Iterable[int]) -> Iterator[Sighting]:
        """Yield the sightings of some places, which are all there."""
        whole = self._whole
        found = whole.at(places) if isinstance(whole, OrderedSightings) else map(whole.__getitem__, places)
        return map(self._moved, found)

    def _one(self, place: int) -> Sighting:
        return self._moved(self._whole[place])

    def _moved(self, sighting: Sighting) -> Sighting:
        by = self._by
        return replace(sighting, first_us=by(sighting.first_us), last_us=by(sighting.last_us))


def _share(captures: Iterable[Folded]) -> float:
    """Return which share of the addresses is looked at, so that there are not too many sightings."""
    return min(1.0, _SIGHTINGS / max(1, *(len(each.sightings) for each in captures)))
