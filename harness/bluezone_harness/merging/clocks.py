"""By how much one receiver's clock is ahead of another's, at any time, and how sure that is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

WANDER_PPM = 500
"""So fast two clocks may part where nothing is known of them, in millionths.

As fast as a host's clock is slewed at most to set it right; clocks of phones that sleep were seen to part by 420.
"""
KNOWN_FOR_US = 600_000_000
"""For so long before and after, what is found at one time holds: ten minutes."""
_DRIFT_FROM = 3
"""A drift is told from so many agreements on."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What adverts that two receivers heard say of their clocks, at one time.

    Attributes:
        time_us: When, by the clock of the reference, in microseconds since the Unix epoch.
        offset_us: By how much the other clock is ahead; negative where it is behind.
        uncertainty_us: By how much that can be wrong.
        shared: How many addresses agree.
    """

    time_us: int
    offset_us: int
    uncertainty_us: int
    shared: int


@dataclass(frozen=True, slots=True)
class Drift:
    """How much faster one clock goes than another.

    Attributes:
        ppm: In millionths; negative where it goes slower.
        uncertainty_ppm: By how much that can be wrong.
    """

    ppm: float
    uncertainty_ppm: float


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """By how much one receiver's clock is ahead of that of another, the reference.

    Between two agreements the offset goes from the one to the other; before the first and after the last it stays.

    Attributes:
        agreements: In the order of their times by either clock; none where both are the same clock.
    """

    agreements: tuple[Agreement, ...]

    @property
    def offset_us(self) -> int:
        """In the middle of the agreements; negative where the clock is behind."""
        return round(median(each.offset_us for each in self.agreements)) if self.agreements else 0

    @property
    def uncertainty_us(self) -> int:
        """By how much an agreement can differ from ``offset_us``."""
        middle_us = self.offset_us
        return max(
            (abs(each.offset_us - middle_us) + each.uncertainty_us for each in self.agreements), default=0
        )

    @property
    def drift(self) -> Drift | None:
        """How much faster the clock goes; ``None`` where agreements are few, or do not lie on one line."""
        found = self.agreements
        if len(found) < _DRIFT_FROM:
            return None
        slope = median(
            (after.offset_us - before.offset_us) / (after.time_us - before.time_us)
            for before, after in combinations(found, 2)
        )
        start_us = found[0].time_us
        above_us = [each.offset_us - slope * (each.time_us - start_us) for each in found]
        middle_us = median(above_us)
        if any(abs(one - middle_us) > each.uncertainty_us for one, each in zip(above_us, found, strict=True)):
            return None
        allowed_us = 2 * max(each.uncertainty_us for each in found)
        return Drift(slope * 1e6, allowed_us / (found[-1].time_us - start_us) * 1e6)

    def at(self, time_us: int) -> int:
        """Return the offset when the reference shows so much."""
        return _between([(each.time_us, each.offset_us) for each in self._near(time_us)], time_us)

    def uncertainty_at(self, time_us: int) -> int:
        """Return by how much ``at`` can be wrong, if no clock was set while nobody was heard by both."""
        near = self._near(time_us)
        if not near:
            return 0
        parted_us = abs(near[-1].offset_us - near[0].offset_us)
        beyond_us = max(0, min(abs(each.time_us - time_us) for each in near) - KNOWN_FOR_US)
        return max(each.uncertainty_us for each in near) + parted_us + beyond_us * WANDER_PPM // 1_000_000

    def reference_us(self, time_us: int) -> int:
        """Return what the reference shows when this clock shows so much."""
        found = self.agreements
        place = bisect_right(found, time_us, key=_own_us)
        near = found[max(place - 1, 0) : place + 1]
        return time_us - _between([(_own_us(each), each.offset_us) for each in near], time_us)

    def _near(self, time_us: int) -> tuple[Agreement, ...]:
        """Return the agreements before and after a time, as far as there are any."""
        place = bisect_right(self.agreements, time_us, key=lambda each: each.time_us)
        return self.agreements[max(place - 1, 0) : place + 1]


SAME_CLOCK = ClockOffset(())
"""Of a receiver and itself."""


def in_order(agreements: Iterable[Agreement]) -> tuple[Agreement, ...]:
    """Return agreements in order; by both clocks each is later than the one before, or it goes."""
    found: list[Agreement] = []
    for each in sorted(agreements, key=lambda each: (each.time_us, each.uncertainty_us)):
        if not found or min(each.time_us - found[-1].time_us, _own_us(each) - _own_us(found[-1])) > 0:
            found.append(each)
    return tuple(found)


def by_way(first: ClockOffset, second: ClockOffset) -> ClockOffset:
    """Return the offset from a first clock to a third.

    Args:
        first: Of a second clock from the first.
        second: Of the third clock from the second.
    """
    if not first.agreements:
        return second
    found: list[Agreement] = []
    for each in second.agreements:
        time_us = first.reference_us(each.time_us)
        offset_us = first.at(time_us) + each.offset_us
        uncertainty_us = first.uncertainty_at(time_us) + each.uncertainty_us
        shared = min(each.shared, max(one.shared for one in first.agreements))
        found.append(Agreement(time_us, offset_us, uncertainty_us, shared))
    return ClockOffset(in_order(found))


def _own_us(agreement: Agreement) -> int:
    """Return what the other clock shows at the time of an agreement."""
    return agreement.time_us + agreement.offset_us


def _between(ends: Sequence[tuple[int, int]], time_us: int) -> int:
    """Return the value on the line from one end, a time and a value, to the other; at one end only, its value."""
    if not ends:
        return 0
    (before_us, first), (after_us, last) = ends[0], ends[-1]
    if not before_us <= time_us <= after_us or before_us == after_us:
        return first if time_us <= before_us else last
    return first + (last - first) * (time_us - before_us) // (after_us - before_us)
