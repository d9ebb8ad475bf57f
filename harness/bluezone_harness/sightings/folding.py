"""Adverts folded into sightings, as they come."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bluezone_harness.observations import Advert, Asked, Event, Gap, GattRead, Observation

from .columns import LAST_US, MEDIAN_MS, WHOSE, Row, Rows, SightingColumns, Who, packed, unpacked
from .model import PAUSE_US, Folded, Payload
from .octet_strings import OctetStrings
from .times import AdvertTimes, payload_hash

_IDLE_US = 60_000_000
"""A sighting whose last advert is so much older, or newer, than the latest is put to rest."""
_FEWEST_OPEN = 2048
"""So many sightings may be open before it is looked for those that can rest."""
_NO_ROW = -1
_FEWEST_UNUSED = 1 << 16


@dataclass(slots=True)
class _Open:
    """A sighting that may still grow; intervals are counted by the millisecond, so that memory stays bounded.

    Its numbers come in the order of a row's.
    """

    whose: int
    is_kept: bool
    first_us: int
    last_us: int
    first_number: int
    last_number: int
    count: int = 0
    rssi_count: int = 0
    rssi_sum: int = 0
    rssi_min: int = 0
    rssi_max: int = 0
    channels: int = 0
    interval_min_us: int = 0
    intervals_ms: dict[int, int] = field(default_factory=dict, kw_only=True)

    def add(self, advert: Advert) -> None:
        time_us = advert.time_us
        if self.count:
            interval_us = time_us - self.last_us
            interval_ms = interval_us // 1000
            self.intervals_ms[interval_ms] = self.intervals_ms.get(interval_ms, 0) + 1
            if self.count == 1 or interval_us < self.interval_min_us:
                self.interval_min_us = interval_us
        self.count += 1
        self.last_us = time_us
        self.last_number = advert.number
        rssi = advert.rssi
        if rssi is not None:
            if not self.rssi_count:
                self.rssi_min = self.rssi_max = rssi
            elif rssi < self.rssi_min:
                self.rssi_min = rssi
            elif rssi > self.rssi_max:
                self.rssi_max = rssi
            self.rssi_count += 1
            self.rssi_sum += rssi
        if advert.channel is not None:
            self.channels |= 1 << advert.channel

    def row(self) -> Row:
        """Return it in numbers."""
        return (
            self.first_us,
            self.last_us,
            self.first_number,
            self.last_number,
            self.count,
            self.rssi_count,
            self.rssi_sum,
            self.rssi_min,
            self.rssi_max,
            self.channels,
            self.interval_min_us,
            self._median_ms(),
            self.whose,
        )

    def _median_ms(self) -> int:
        middle = (self.count - 2) // 2  # index of the lower median of count - 1 intervals
        found_ms = 0
        for interval_ms in sorted(self.intervals_ms):
            if middle < 0:
                break
            middle -= self.intervals_ms[interval_ms]
            found_ms = interval_ms
        return found_ms


class _Resting:
    """Sightings that rest: of what was sent by whom, which row that is, and its intervals, so that it can go on."""

    def __init__(self) -> None:
        self._rows = array("q")
        self._starts = array("Q")
        self._numbers = array("I")
        self._unused = 0

    def put(self, whose: int, row: int, intervals_ms: dict[int, int]) -> None:
        """Put a sighting to rest, in place of the one before."""
        missing = whose + 1 - len(self._rows)
        self._rows.extend([_NO_ROW] * missing)
        self._starts.extend([0] * missing)
        self._rows[whose] = row
        self._starts[whose] = len(self._numbers)
        self._numbers.append(len(intervals_ms))
        for each in intervals_ms.items():
            self._numbers.extend(each)

    def take(self, whose: int) -> tuple[int, dict[int, int]]:
        """Return the row and the intervals of what rests, and forget them; no row where nothing does."""
        row = self._rows[whose] if whose < len(self._rows) else _NO_ROW
        if row == _NO_ROW:
            return row, {}
        self._rows[whose] = _NO_ROW
        start = self._starts[whose] + 1
        end = start + 2 * self._numbers[start - 1]
        found = dict(zip(self._numbers[start:end:2], self._numbers[start + 1 : end : 2], strict=True))
        self._unused += end - start + 1
        if self._unused > max(_FEWEST_UNUSED, len(self._numbers) // 2):
            self._close_up()
        return row, found

    def _close_up(self) -> None:
        """Leave out the intervals of what rests no longer."""
        numbers = array("I")
        for whose, row in enumerate(self._rows):
            if row != _NO_ROW:
                start = self._starts[whose]
                self._starts[whose] = len(numbers)
                numbers.extend(self._numbers[start : start + 1 + 2 * self._numbers[start]])
        self._numbers, self._unused = numbers, 0


class Folding:
    """Folds adverts of one source into sightings, as they come.

    A pause of more than ``PAUSE_US`` ends a sighting; so does a time before its last one, since a clock that goes
    backwards says nothing about pauses. Memory: what is open, and the sightings themselves, packed
    (``SightingColumns``). What was not heard for a while rests, packed too: should the clock be set back, it goes on.

    Args:
        source: Name of the evidence.
        keep_times: Keep when adverts of some payloads were heard, to compare several captures.
    """

    def __init__(self, source: str, keep_times: bool = False) -> None:
        self._source = source
        self._open: dict[Who, _Open] = {}
        self._search_at = _FEWEST_OPEN
        self._resting = _Resting()
        self._whose = OctetStrings()
        self._closed = Rows()
        self._times = AdvertTimes(lambda whose: _payload_hash(unpacked(self._whose[whose])), keep_times)

    def add(self, advert: Advert) -> None:
        """Take one advert, in the order of its source."""
        who = (advert.receiver, advert.address, advert.address_type, advert.pdu, advert.ad)
        current = self._open.get(who)
        if current is None:
            current = self._opened(who, advert)
        elif not 0 <= advert.time_us - current.last_us <= PAUSE_US:
            self._closed.add(current.row())
            current = self._open[who] = _begun(current.whose, current.is_kept, advert)
        current.add(advert)
        if current.is_kept:
            self._times.add(current.whose, advert.time_us)

    def sightings(self) -> SightingColumns:
        """Return all sightings so far, open ones included, in the order in which they began.

        Of several that one packet began, what was heard first comes first.
        """
        return self.until_now()()

    def until_now(self) -> Callable[[], SightingColumns]:
        """Return what makes the sightings so far, as ``sightings`` does; another thread may call it while more comes.

        Ordering many takes long; this does not.
        """
        closed, more = self._closed.until_now(), [each.row() for each in self._open.values()]

        def ordered() -> SightingColumns:
            return SightingColumns(self._source, self._whose, *closed.in_order(more))

        return ordered

    def times(self) -> Mapping[Payload, Sequence[int]]:
        """Return when each advert of some payloads was heard."""
        found: dict[Payload, list[int]] = {}
        for whose, times_us in self._times.known().items():
            found.setdefault(unpacked(self._whose[whose])[1:], []).extend(times_us)
        return found

    def _opened(self, who: Who, advert: Advert) -> _Open:
        """Begin a sighting, or go on with one that rests."""
        if len(self._open) >= self._search_at:
            self._put_to_rest(advert.time_us)
        whose = self._whose.number(packed(who))
        index, intervals_ms = self._resting.take(whose)
        is_kept = self._times.is_kept(_payload_hash(who))
        found = _begun(whose, is_kept, advert)
        if index != _NO_ROW:
            row = self._closed[index]
            if 0 <= advert.time_us - row[LAST_US] <= PAUSE_US:
                self._closed.forget(index)
                found = _going_on(row, is_kept, intervals_ms)
        self._open[who] = found
        return found

    def _put_to_rest(self, time_us: int) -> None:
        for who, each in [*self._open.items()]:
            if abs(time_us - each.last_us) > _IDLE_US:
                self._resting.put(each.whose, len(self._closed), each.intervals_ms)
                self._closed.add(each.row())
                del self._open[who]
        # twice as many, so that searching costs no more than opening did
        self._search_at = max(_FEWEST_OPEN, 2 * len(self._open))


def _payload_hash(who: Who) -> int:
    _, address, _, _, ad = who
    return payload_hash(address, ad)


def _begun(whose: int, is_kept: bool, advert: Advert) -> _Open:
    return _Open(whose, is_kept, advert.time_us, advert.time_us, advert.number, advert.number)


def _going_on(row: Row, is_kept: bool, intervals_ms: dict[int, int]) -> _Open:
    return _Open(row[WHOSE], is_kept, *row[:MEDIAN_MS], intervals_ms=intervals_ms)


class Gathering:
    """Takes the observations of one source as they come, and says at any time what the source said so far.

    Args:
        source: Name of the evidence.
        keep_times: Keep when adverts of some payloads were heard, to compare several captures.
    """

    def __init__(self, source: str, keep_times: bool = False) -> None:
        self._folding = Folding(source, keep_times)
        self._reads: list[GattRead] = []
        self._asked: list[Asked] = []
        self._events: list[Event] = []
        self._gaps: list[Gap] = []
        self._adverts = 0
        self._first_us: int | None = None
        self._last_us: int | None = None

    def add(self, observation: Observation) -> None:
        """Take one observation, in the order of its source."""
        time_us = observation.time_us
        if self._first_us is None or time_us < self._first_us:
            self._first_us = time_us
        if self._last_us is None or time_us > self._last_us:
            self._last_us = time_us
        if isinstance(observation, Advert):
            self._adverts += 1
            self._folding.add(observation)
        elif isinstance(observation, GattRead):
            self._reads.append(observation)
        elif isinstance(observation, Asked):
            self._asked.append(observation)
        elif isinstance(observation, Event):
            self._events.append(observation)
        else:
            self._gaps.append(observation)

    def folded(self) -> Folded:
        """Return all that was said so far."""
        return self.until_now()()

    def until_now(self) -> Callable[[], Folded]:
        """Return what folds all that was said so far; another thread may call it while more comes."""
        sightings = self._folding.until_now()
        rest = (
            tuple(self._reads),
            tuple(self._asked),
            tuple(self._events),
            tuple(self._gaps),
            self._adverts,
            self._first_us,
            self._last_us,
            self._folding.times(),
        )
        return lambda: Folded(sightings(), *rest)


def fold(source: str, observations: Iterable[Observation], keep_times: bool = False) -> Folded:
    """Fold the observations of one source.

    Args:
        source: Name of the evidence.
        observations: In the order of the source.
        keep_times: Keep when adverts of some payloads were heard, to compare several captures.
    """
    gathering = Gathering(source, keep_times)
    for each in observations:
        gathering.add(each)
    return gathering.folded()
