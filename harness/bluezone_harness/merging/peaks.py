"""Where differences gather, and whether chance or a rhythm could gather as many.

Of the same payload, most differences are those of two adverts that have nothing to do with each other. They lie
anywhere, and make the background; those of one and the same moment lie together. For each address, the background
tells how probable one of its differences is in a window of that width. Addresses are independent of each other: how
many of them have one there by chance is bounded by Chernoff's inequality.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import median_high

from .differences import Difference

CHANCE = 1e-9
"""What is as improbable, in all windows that were tried, is not taken for chance."""
RIVAL_CHANCE = 1e-3
"""Another window that is more probable than that may be chance."""
_LEAST_COUNTED = 4
_COUNTED = 2
"""Of one address, so many times as many differences count as of half of all: a busy one must not speak for all."""
_AROUND = 64
"""The background is taken from so many windows on either side."""
_PLACES = 10
"""A window can be shifted by so many parts of its width to hold other differences."""


@dataclass(frozen=True, slots=True)
class Window:
    """Differences that lie next to each other.

    Attributes:
        first: Index of the first.
        last: Index after the last.
        score: How many, of each address no more than count.
    """

    first: int
    last: int
    score: int


def counted(found: Sequence[Difference], width_us: int, least: int) -> int:
    """Return how many differences of one address count in a window.

    Args:
        found: Least first.
        width_us: Of a window.
        least: So many addresses must have one in it.

    Returns:
        0 where in the window that scores most there are fewer.
    """
    window = densest(found, width_us, _LEAST_COUNTED)
    counts = Counter(each.address for each in found[window.first : window.last])
    return max(_LEAST_COUNTED, _COUNTED * median_high(counts.values())) if len(counts) >= least else 0


def densest(found: Sequence[Difference], width_us: int, most: int, without: Sequence[Window] = ()) -> Window:
    """Return the window that scores most among those that share nothing with others.

    Args:
        found: Least first.
        width_us: Of a window.
        most: So many differences of one address count.
        without: Those others.
    """
    times_us = [each.difference_us for each in found]
    addresses = [each.address for each in found]
    counts = [0] * (1 + max(addresses, default=0))
    best = Window(0, 0, 0)
    for start, end in _between(without, len(found)):
        score, last = 0, start
        for first in range(start, end):
            most_us = times_us[first] + width_us
            while last < end and times_us[last] <= most_us:
                address = addresses[last]
                score += counts[address] < most
                counts[address] += 1
                last += 1
            if score > best.score:
                best = Window(first, last, score)
            address = addresses[first]
            counts[address] -= 1
            score -= counts[address] < most
    return best


def _between(windows: Sequence[Window], end: int) -> Iterator[tuple[int, int]]:
    """Yield what lies between windows, from where to where."""
    start = 0
    for first, last in sorted((each.first, each.last) for each in windows):
        yield start, first
        start = last
    yield start, end


def chance(found: Sequence[Difference], window: Window, width_us: int, reach_us: int) -> float:
    """Return a bound of the probability that chance gathers so many addresses in any window.

    Once by addresses with any difference in it, once by those with two or more; the lesser, times two.

    Args:
        found: Least first.
        window: One of those windows.
        width_us: Of each.
        reach_us: From the least to the greatest difference that there can be.
    """
    inside = Counter(each.address for each in found[window.first : window.last])
    cells = _background(found, window, width_us)
    windows = max(1.0, reach_us / width_us)
    everywhere = Counter(each.address for each in found)
    least = 1.0
    for several in (1, 2):
        expected = 0.0
        for address, count in everywhere.items():
            around = sum(1 for each in cells.get(address, {}).values() if each >= several)
            by_place = (around + 1) / (2 * _AROUND + 1) if address in cells else 0.0
            expected += min(1.0, max(by_place, (count / windows) ** several))
        agreeing = sum(1 for count in inside.values() if count >= several)
        least = min(least, _tail(agreeing, expected))
    return min(1.0, 2 * least * windows * _PLACES)


def _background(
    found: Sequence[Difference], window: Window, width_us: int
) -> Mapping[int, Mapping[int, int]]:
    """Return how many differences each address has in the windows around one."""
    start_us = found[window.first].difference_us
    first = bisect_left(found, start_us - _AROUND * width_us, key=lambda each: each.difference_us)
    last = bisect_left(found, start_us + (_AROUND + 1) * width_us, key=lambda each: each.difference_us)
    cells: dict[int, Counter[int]] = {}
    for each in (*found[first : window.first], *found[window.last : last]):
        cells.setdefault(each.address, Counter())[(each.difference_us - start_us) // width_us] += 1
    return cells


def _tail(count: int, expected: float) -> float:
    """Bound the probability of so many or more of independent events of which so many are expected."""
    if count <= expected:
        return 1.0
    return exp(count - expected + count * log(expected / count))
