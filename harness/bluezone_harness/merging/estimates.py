"""The offset of two clocks out of differences, or that it is not sure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median_low

from .clocks import KNOWN_FOR_US, Agreement, ClockOffset, in_order
from .differences import GREATEST_OFFSET_US, Difference, Heard, Kind, Range, of_adverts, of_lives
from .peaks import CHANCE, RIVAL_CHANCE, Window, chance, counted, densest

LEAST_SHARED = 8
"""Addresses that must agree on an offset."""
_LEAST_TIME_US = 300_000_000
"""Shorter than twice that, time is not halved: five minutes."""
_ADVERTS_WIDTHS_US = (2_000, 4_000)
"""Hosts noted one advert 1 to 3 ms apart; a phone's random wait before an advert, up to 10 ms, is longer."""
_LEAST_WRONG_US = 2_000
_MINUTE_US = 60_000_000
_LIVES_WIDTHS_US = (256_000, 1_000_000, 4_000_000)
"""It takes some adverts until one is heard."""
_RIVALS = 5
"""So many others are looked at."""


@dataclass(frozen=True, slots=True)
class _Way:
    """What must hold of differences that agree.

    Attributes:
        widths_us: Of the windows that are tried.
        share: Elsewhere at most one in so many may gather.
        repeated: So many addresses must agree twice.
        both_ends: Beginnings and ends must agree, each no less than a quarter, and in several minutes: phones that
            pass by one receiver and then by the other may do so together.
        reach: From the least to the greatest difference that there can be.
    """

    widths_us: Sequence[int]
    share: int
    repeated: int
    both_ends: bool
    reach_us: int


_BY_ADVERTS = _Way(_ADVERTS_WIDTHS_US, 2, LEAST_SHARED, False, 2 * GREATEST_OFFSET_US)
_BY_LIVES = _Way(_LIVES_WIDTHS_US, 3, 0, True, 2 * GREATEST_OFFSET_US)


def estimated(ours: Heard, theirs: Heard) -> ClockOffset | None:
    """Estimate by how much the clock of one receiver is ahead of that of another.

    Args:
        ours: What the reference heard.
        theirs: What the other heard.

    Returns:
        ``None`` where it is not sure.
    """
    by_adverts = _Search(_BY_ADVERTS, ours, theirs)
    rough = in_order(_Search(_BY_LIVES, ours, theirs).agreements(of_lives(ours, theirs)))
    if not rough:
        found = in_order(by_adverts.agreements(of_adverts(ours, theirs)))
        return ClockOffset(found) if found else None
    known = ClockOffset(rough)

    def near(time_us: int) -> Range:
        offset_us, wrong_us = known.at(time_us), known.uncertainty_at(time_us)
        return offset_us - wrong_us, offset_us + wrong_us

    exact = by_adverts.agreements(of_adverts(ours, theirs, near))
    return ClockOffset(in_order((*exact, *(each for each in rough if not _is_near(each, exact)))))


def _is_near(agreement: Agreement, others: Iterable[Agreement]) -> bool:
    return any(abs(agreement.time_us - each.time_us) <= KNOWN_FOR_US for each in others)


@dataclass(frozen=True, slots=True)
class _Part:
    """Differences of some time.

    Attributes:
        found: Least first.
        from_us: By the clock of the reference.
        until_us: The time after it.
        tests: In so many other parts, at most, the same is tried.
    """

    found: Sequence[Difference]
    from_us: int
    until_us: int
    tests: int

    def halves(self) -> Iterator[_Part]:
        """Yield both halves of the time, where it is long enough and there are enough differences."""
        if self.until_us - self.from_us < 2 * _LEAST_TIME_US or len(self.found) < 2 * LEAST_SHARED:
            return
        middle_us = (self.from_us + self.until_us) // 2
        for from_us, until_us in ((self.from_us, middle_us), (middle_us, self.until_us)):
            found = [each for each in self.found if from_us <= each.time_us < until_us]
            yield _Part(found, from_us, until_us, 2 * self.tests)


class _Search:
    """A search for what differences agree on.

    Args:
        way: What must hold of them.
        ours: What the reference heard.
        theirs: What the other heard.
    """

    def __init__(self, way: _Way, ours: Heard, theirs: Heard) -> None:
        self._way = way
        self._theirs = theirs
        shared = ours.times.keys() & theirs.times.keys()
        self._times = sorted(time_us for key in shared for time_us in ours.times[key])

    def agreements(self, found: Sequence[Difference]) -> list[Agreement]:
        """Return what differences agree on, in the order of time."""
        if not found:
            return []
        times = [each.time_us for each in found]
        return self._in_parts(_Part(found, min(times), max(times) + 1, len(self._way.widths_us)))

    def _in_parts(self, part: _Part) -> list[Agreement]:
        """Return what the halves agree on, each by itself; where neither does, what the whole agrees on."""
        found = [each for half in part.halves() for each in self._in_parts(half)]
        if found:
            return found
        whole = self._agreement(part)
        return [whole] if whole else []

    def _agreement(self, whole: _Part) -> Agreement | None:
        for width_us in self._way.widths_us:
            part = replace(whole, found=[each for each in whole.found if each.coarse_us <= width_us])
            most = counted(part.found, width_us, LEAST_SHARED)
            window = densest(part.found, width_us, most) if most else Window(0, 0, 0)
            if self._is_sure(part, window, width_us, most):
                return _agreement_of(part.found[window.first : window.last], width_us)
        return None

    def _is_sure(self, part: _Part, window: Window, width_us: int, most: int) -> bool:
        way = self._way
        inside = part.found[window.first : window.last]
        counts = Counter(each.address for each in inside)
        repeated = sum(1 for count in counts.values() if count > 1)
        if len(counts) < LEAST_SHARED or repeated < way.repeated:
            return False
        if way.both_ends and not _both_ends_agree(inside, width_us):
            return False
        if chance(part.found, window, width_us, way.reach_us) * part.tests > CHANCE:
            return False
        return self._stands_alone(part, window, width_us, most)

    def _stands_alone(self, part: _Part, window: Window, width_us: int, most: int) -> bool:
        """Say whether nothing else gathers nearly as well, nor as well for the time in which both listened."""
        way = self._way
        others = [window]
        for _ in range(_RIVALS):
            rival = densest(part.found, width_us, most, others)
            near = rival.score * way.share > window.score
            if not way.repeated:
                return not near
            if rival.score < LEAST_SHARED:
                return True
            if chance(part.found, rival, width_us, way.reach_us) < RIVAL_CHANCE and (
                near or self._share(part, rival) * way.share > self._share(part, window)
            ):
                return False
            others.append(rival)
        return not near

    def _share(self, part: _Part, window: Window) -> float:
        """Return which share of the adverts that both can have heard agrees."""
        inside = part.found[window.first : window.last]
        difference_us = inside[len(inside) // 2].difference_us
        first, last = (bisect_left(self._times, each) for each in (part.from_us, part.until_us))
        heard = sum(self._theirs.heard_about(each + difference_us) for each in self._times[first:last])
        return len(inside) / max(heard, 1)


def _agreement_of(inside: Sequence[Difference], width_us: int) -> Agreement:
    middle_us = median_low(each.difference_us for each in inside)
    away_us = max(abs(each.difference_us - middle_us) for each in inside)
    return Agreement(
        median_low(each.time_us for each in inside),
        middle_us,
        max(width_us // 2, away_us, _LEAST_WRONG_US),
        len({each.address for each in inside}),
    )


def _both_ends_agree(inside: Sequence[Difference], width_us: int) -> bool:
    """Say whether beginnings and ends agree, neither being few, at different times."""
    begins, ends = (
        [each.difference_us for each in inside if each.kind is kind] for kind in (Kind.BEGIN, Kind.END)
    )
    minutes = {each.time_us // _MINUTE_US for each in inside}
    if min(len(begins), len(ends)) * 4 < len(inside) or len(minutes) < LEAST_SHARED:
        return False
    return abs(median_low(begins) - median_low(ends)) * 2 <= width_us
