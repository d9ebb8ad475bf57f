"""When each advert of some payloads was heard, in bounded memory: the same payloads in every capture.

Where hosts listen for seconds in minutes, only single adverts tell by how much their clocks differ. Which payloads are
kept is told by a hash of theirs, so that two captures keep the same ones; in which order adverts come, or how many at
once, makes no difference.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from zlib import crc32

TIMES_LIMIT = 1 << 16
"""Adverts whose times are kept: of those payloads whose hashes are least."""
TIMES_OF_ONE = 1 << 12
"""Of one payload, the first so many."""
_HASHES = 1 << 32


def payload_hash(address: bytes | None, ad: bytes | None) -> int:
    """Return by what it is chosen whose times are kept, below 2**32; it spreads evenly."""
    return crc32(ad or b"", crc32(address or b""))


class AdvertTimes:
    """Times of adverts, kept as they come.

    Args:
        hash_of: Tells the ``payload_hash`` of whom a number stands for.
        wanted: Whether any are kept; they serve to compare several captures.
    """

    def __init__(self, hash_of: Callable[[int], int], wanted: bool = True) -> None:
        self._hash_of = hash_of
        self._bar = _HASHES if wanted else 0
        self._whose = array("I")
        self._times_us = array("q")

    @property
    def bar(self) -> int:
        """Adverts whose hashes are below are kept; it only goes down."""
        return self._bar

    def is_kept(self, payload: int) -> bool:
        """Say whether adverts of a hash are kept; once they are not, they never are again."""
        return payload < self._bar

    def add(self, whose: int, time_us: int) -> None:
        """Keep when an advert was heard."""
        self._whose.append(whose)
        self._times_us.append(time_us)
        if len(self._whose) > 2 * TIMES_LIMIT:
            self._reduce()

    def extend(self, whose: Iterable[int], times_us: Iterable[int]) -> None:
        """Keep when many were heard; both are as long."""
        self._whose.extend(whose)
        self._times_us.extend(times_us)
        if len(self._whose) > 2 * TIMES_LIMIT:
            self._reduce()

    def known(self) -> Mapping[int, Iterable[int]]:
        """Return the times that are kept, in the order of the source, by the numbers of who sent."""
        self._reduce()
        found: dict[int, array[int]] = {}
        for whose, time_us in zip(self._whose, self._times_us, strict=True):
            found.setdefault(whose, array("q")).append(time_us)
        return found

    def _reduce(self) -> None:
        """Leave out what is above the limits."""
        hashes = {each: self._hash_of(each) for each in set(self._whose)}
        counts: Counter[int] = Counter()
        for whose, count in Counter(self._whose).items():
            counts[hashes[whose]] += min(count, TIMES_OF_ONE)
        total = 0
        for payload in sorted(counts):
            total += counts[payload]
            if total > TIMES_LIMIT:
                self._bar = min(self._bar, payload)
                break
        kept: Counter[int] = Counter()
        before = self._whose, self._times_us
        self._whose, self._times_us = array("I"), array("q")
        for whose, time_us in zip(*before, strict=True):
            if hashes[whose] < self._bar and kept[whose] < TIMES_OF_ONE:
                kept[whose] += 1
                self._whose.append(whose)
                self._times_us.append(time_us)
