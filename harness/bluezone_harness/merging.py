"""Several captures of the same air: by how much the clocks of their receivers differ, where that is sure.

Theory of operation. Two receivers that hear the same phone hear it take up a new address or payload, and drop it,
at the same moment. So each payload that both heard gives two differences of their clocks, unless one of the two came
into its range later, or was not listening yet. Differences that are none scatter; true ones gather at one value.
That value counts where enough payloads of enough addresses agree on it, and nothing else gathers as well. Where it
does not count, the clocks are left as they are: checks allow for the tolerance ``clock_offset`` between receivers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from .sightings import PAUSE_US, Folded, Sighting

LEAST_SHARED = 8
"""Addresses that must agree on an offset."""
GREATEST_OFFSET_US = 300_000_000
"""Five minutes: what lies further apart, such as ids that a phone sends again in a later slot, is no clock's fault."""
WIDTH_US = 1_000_000
"""Differences that agree lie within so much: it takes some adverts until one is heard."""
MOST_ELSEWHERE = 3
"""Elsewhere at most one in so many of the differences may gather that gather at the offset."""

_Key = tuple[bytes, object, object, bytes | None]


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """By how much one receiver's clock is ahead of another's.

    Attributes:
        offset_us: In microseconds; negative where it is behind.
        uncertainty_us: Half of all that agree differ by no more than this from it.
        shared: How many addresses agree.
    """

    offset_us: int
    uncertainty_us: int
    shared: int


def clock_offset(reference: Folded, other: Folded) -> ClockOffset | None:
    """Estimate by how much the clock of one capture is ahead of that of another.

    Args:
        reference: What one receiver heard.
        other: What the other heard.

    Returns:
        ``None`` where it is not sure: too few heard by both, or their differences agree on nothing.
    """
    found = sorted(_differences(reference, other))
    times = [each for each, _ in found]
    first, last = _densest(found, times, ())
    agreeing = found[first:last]
    shared = len({address for _, address in agreeing})
    if shared < LEAST_SHARED:
        return None
    away, beyond = _densest(found, times, (times[first] - WIDTH_US, times[last - 1] + WIDTH_US))
    if (beyond - away) * MOST_ELSEWHERE > last - first:
        return None
    offset_us = round(median(each for each, _ in agreeing))
    uncertainty_us = round(median(abs(each - offset_us) for each, _ in agreeing))
    return ClockOffset(offset_us, uncertainty_us, shared)


def clock_offsets(captures: Sequence[Folded]) -> tuple[ClockOffset | None, ...]:
    """Estimate by how much the clock of each capture is ahead of that of the first.

    A capture that shares too little with the first may share enough with another whose offset is known.

    Returns:
        One for each capture, the first included, whose offset is 0; ``None`` where it is not sure.
    """
    offsets: list[ClockOffset | None] = [None] * len(captures)
    if not captures:
        return ()
    offsets[0] = ClockOffset(0, 0, 0)
    known = [0]
    for there in known:  # grows as offsets become known
        base = offsets[there]
        for each in range(len(captures)):
            if base is None or offsets[each] is not None:
                continue
            step = clock_offset(captures[there], captures[each])
            if step is not None:
                offsets[each] = ClockOffset(
                    base.offset_us + step.offset_us,
                    base.uncertainty_us + step.uncertainty_us,
                    min(base.shared or step.shared, step.shared),
                )
                known.append(each)
    return tuple(offsets)


def is_applied(offset: ClockOffset) -> bool:
    """Say whether an offset is large enough to be told from none."""
    return abs(offset.offset_us) > 2 * offset.uncertainty_us


def shifted(folded: Folded, offset_us: int) -> Folded:
    """Return what a capture says, by a clock that is behind its own by so much."""
    return replace(
        folded,
        sightings=tuple(
            replace(each, first_us=each.first_us - offset_us, last_us=each.last_us - offset_us)
            for each in folded.sightings
        ),
        reads=tuple(replace(each, time_us=each.time_us - offset_us) for each in folded.reads),
        asked=tuple(replace(each, time_us=each.time_us - offset_us) for each in folded.asked),
        events=tuple(replace(each, time_us=each.time_us - offset_us) for each in folded.events),
        gaps=tuple(
            replace(each, time_us=each.time_us - offset_us, until_us=each.until_us - offset_us)
            for each in folded.gaps
        ),
        first_us=None if folded.first_us is None else folded.first_us - offset_us,
        last_us=None if folded.last_us is None else folded.last_us - offset_us,
    )


def _differences(reference: Folded, other: Folded) -> Iterable[tuple[int, bytes]]:
    """Yield the differences of beginnings and ends that both heard, with the address."""
    ours, theirs = _spans(reference.sightings), _spans(other.sightings)
    for key in ours.keys() & theirs.keys():
        for place, edges in (
            (0, (reference.first_us, other.first_us)),
            (1, (reference.last_us, other.last_us)),
        ):
            times = (ours[key][place], theirs[key][place])
            # what was on the air before listening began, or is when it ends, tells nothing
            if any(
                edge is None or abs(time - edge) <= PAUSE_US for time, edge in zip(times, edges, strict=True)
            ):
                continue
            if abs(times[1] - times[0]) <= GREATEST_OFFSET_US:
                yield times[1] - times[0], key[0]


def _spans(sightings: Iterable[Sighting]) -> dict[_Key, tuple[int, int]]:
    """Return when each payload of each address was first and last heard."""
    found: dict[_Key, tuple[int, int]] = {}
    for each in sightings:
        if each.address is None:
            continue
        key = (each.address, each.address_type, each.pdu, each.ad)
        first_us, last_us = found.get(key, (each.first_us, each.last_us))
        found[key] = min(first_us, each.first_us), max(last_us, each.last_us)
    return found


def _densest(
    found: Sequence[tuple[int, bytes]], times: Sequence[int], without: Sequence[int]
) -> tuple[int, int]:
    """Return from where to where most differences lie within ``WIDTH_US``, and not within what is left out."""
    best = (0, 0)
    for first, (time, _) in enumerate(found):
        last = bisect_right(times, time + WIDTH_US)
        if without and times[last - 1] >= without[0] and time <= without[1]:
            continue
        if last - first > best[1] - best[0]:
            best = (first, last)
    return best
