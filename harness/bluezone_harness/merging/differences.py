"""What two receivers heard of the same phones, as differences of their clocks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import chain, pairwise
from types import MappingProxyType
from typing import NamedTuple
from zlib import crc32

from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.sightings import Folded, Sighting

GREATEST_OFFSET_US = 300_000_000
"""Five minutes: what lies further apart, such as ids that a phone sends again in a later slot, is no clock's fault."""
DIFFERENCES_LIMIT = 200_000
"""So many are looked at; where there are more, those of the payloads that have fewest."""
_SILENCE_US = 2_000_000
"""Where nobody was heard for longer, it is not known that a receiver listened."""
_STEADY = 2.2
"""Whoever listens all the time, and misses some at random, hears a mean interval of at most twice the median."""
_FEWEST = 4
"""Of fewer adverts it is not known how often a phone is heard."""
_INTERVALS = 2
"""So many mean intervals of a phone may pass until it is heard."""
_UNHEARD_US = 60_000_000
"""A payload begins if it was unheard for so long, and for twice its longest pause, while others were heard."""
_ABOUT_US = 50_000
_HASHES = 1 << 32
_ENDS = 2
"""Of so many adverts, first and last are all."""

Key = tuple[bytes | None, AddressType | None, PduType | None, bytes | None]
"""Address, its type, PDU and payload."""
Range = tuple[int, int]
"""The least and the greatest difference."""
_ANY = (-GREATEST_OFFSET_US, GREATEST_OFFSET_US)


class Kind(IntEnum):
    """What happened when both receivers looked at their clocks."""

    BEGIN = 0
    """A phone took up a payload."""
    END = 1
    """It dropped a payload."""
    ADVERT = 2
    """It may have sent one advert that both heard."""


class Span(NamedTuple):
    """Times of a sighting.

    Attributes:
        first_us: Of the first advert.
        last_us: Of the last.
        coarse_us: Within so much that is when a phone began and ended; ``None`` where that is not known.
    """

    first_us: int
    last_us: int
    coarse_us: int | None

    def end_us(self, kind: Kind) -> int:
        """Return when it began or ended."""
        return self.first_us if kind is Kind.BEGIN else self.last_us


class Difference(NamedTuple):
    """One time of one receiver and one of the other, which may be the same moment.

    Attributes:
        difference_us: The other's clock less the reference's.
        address: Whose adverts, as a number.
        time_us: By the reference's clock.
        kind: Which moment.
        coarse_us: Within so much it is that moment, as often as the phone was heard.
    """

    difference_us: int
    address: int
    time_us: int
    kind: Kind
    coarse_us: int = 0


class Heard:
    """When one receiver heard what.

    Args:
        folded: All that it heard.
        share: Which share of the addresses is looked at, the same of every capture.
        known: When each advert of some payloads was heard.
    """

    def __init__(
        self, folded: Folded, share: float = 1.0, known: Mapping[Key, Iterable[int]] = MappingProxyType({})
    ) -> None:
        spans: dict[Key, list[Span]] = {}
        unknown: set[Key] = set()
        below = round(share * _HASHES)
        for each in folded.sightings:
            if each.address is None or crc32(each.address) >= below:
                continue
            key = (each.address, each.address_type, each.pdu, each.ad)
            spans.setdefault(key, []).append(Span(each.first_us, each.last_us, _coarse_us(each)))
            if each.count > _ENDS:
                unknown.add(key)
        for several in spans.values():
            several.sort(key=lambda each: each[:2])
        self.spans: Mapping[Key, Sequence[Span]] = spans
        """Of the sightings of each payload, in order."""
        self.times: Mapping[Key, Sequence[int]] = {
            key: sorted({time_us for span in several for time_us in span[:2]})
            for key, several in spans.items()
            if key not in unknown
        } | {key: sorted(set(times)) for key, times in known.items() if key in spans}
        """When each advert was heard, of those payloads of which that is known."""
        self._listened = _joined((each.first_us, each.last_us) for each in folded.sightings)
        self._starts = [first_us for first_us, _ in self._listened]
        ends = (time_us for several in spans.values() for span in several for time_us in span[:2])
        self._heard = sorted({*ends, *chain.from_iterable(self.times.values())})

    def listened_around(self, time_us: int) -> tuple[int, int]:
        """Return for how long before and after a time it is known that it listened."""
        place = bisect_right(self._starts, time_us) - 1
        if place < 0:
            return 0, 0
        first_us, last_us = self._listened[place]
        return max(0, min(time_us, last_us) - first_us), max(0, last_us - time_us)

    def heard_about(self, time_us: int) -> bool:
        """Say whether it heard anybody just before or after a time."""
        place = bisect_left(self._heard, time_us - _ABOUT_US)
        return place < len(self._heard) and self._heard[place] <= time_us + _ABOUT_US


def of_adverts(
    ours: Heard, theirs: Heard, near: Callable[[int], Range] = lambda time_us: _ANY
) -> list[Difference]:
    """Return the differences of all adverts of one payload whose times are known, least first.

    Args:
        ours: What the reference heard.
        theirs: What the other heard.
        near: Tells of a time of the reference from where to where differences count.
    """
    shared = []
    for key in ours.times.keys() & theirs.times.keys():
        one, other = ours.times[key], theirs.times[key]
        count = sum(last - first for _, first, last in _near(one, other, near))
        shared.append((count, key[0] or b"", key[3] or b"", one, other))
    shared.sort(key=lambda each: each[:3])
    numbers = _numbers(address for _, address, _, _, _ in shared)
    found: list[Difference] = []
    for count, address, _, one, other in shared:
        if len(found) + count > DIFFERENCES_LIMIT:
            break
        for time_us, first, last in _near(one, other, near):
            found += [
                Difference(each - time_us, numbers[address], time_us, Kind.ADVERT)
                for each in other[first:last]
            ]
    return sorted(found)


def of_lives(ours: Heard, theirs: Heard) -> list[Difference]:
    """Return the differences of the beginnings and ends of payloads that both saw begin or end, least first."""
    keys = ours.spans.keys() & theirs.spans.keys()
    numbers = _numbers(key[0] or b"" for key in keys)
    found: list[Difference] = []
    for key in keys:
        spans = ours.spans[key], theirs.spans[key]
        pauses = (after.first_us - before.last_us for each in spans for before, after in pairwise(each))
        unheard_us = max(_UNHEARD_US, 2 * max(pauses, default=0))
        begins = [each[0] for each in spans]
        ends = [max(each, key=lambda span: span[1]) for each in spans]
        for kind, (one, other) in ((Kind.BEGIN, begins), (Kind.END, ends)):
            time_us, difference_us = one.end_us(kind), other.end_us(kind) - one.end_us(kind)
            if one.coarse_us is None or other.coarse_us is None or abs(difference_us) > GREATEST_OFFSET_US:
                continue
            known_us = ours.listened_around(time_us), theirs.listened_around(time_us + difference_us)
            if min(each[kind] for each in known_us) >= unheard_us:
                coarse_us = max(one.coarse_us, other.coarse_us)
                found.append(Difference(difference_us, numbers[key[0] or b""], time_us, kind, coarse_us))
    return sorted(found)


def _near(
    ours: Sequence[int], theirs: Sequence[int], near: Callable[[int], Range]
) -> Iterator[tuple[int, int, int]]:
    """Yield each time, and from where to where those of the other lie whose differences count."""
    for time_us in ours:
        least_us, most_us = near(time_us)
        first = bisect_left(theirs, time_us + least_us)
        yield time_us, first, bisect_right(theirs, time_us + most_us)


def _coarse_us(sighting: Sighting) -> int | None:
    """Return within how much a sighting begins and ends with what it was heard of; ``None`` where that is not known."""
    median_us = sighting.interval_median_us
    if median_us is None or sighting.count < _FEWEST:
        return None
    mean_us = (sighting.last_us - sighting.first_us) // (sighting.count - 1)
    # a receiver that listens only at times hears nothing in between
    return None if mean_us > _STEADY * (median_us + 1000) else _INTERVALS * mean_us


def _numbers(addresses: Iterable[bytes]) -> Mapping[bytes, int]:
    return {address: number for number, address in enumerate(sorted(set(addresses)))}


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return when somebody was heard, over silences that are short.

    Args:
        spans: In the order in which they began.
    """
    found: list[tuple[int, int]] = []
    for first_us, last_us in spans:
        if found and first_us <= found[-1][1] + _SILENCE_US:
            found[-1] = found[-1][0], max(found[-1][1], last_us)
        else:
            found.append((first_us, last_us))
    return found
