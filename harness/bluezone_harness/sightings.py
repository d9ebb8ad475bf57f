"""Sightings: one address sending one payload without a pause, folded out of adverts.

A phone repeats the same octets hundreds of times. Adverts of one source and receiver, one address, one PDU type and
one payload become one sighting as long as no pause exceeds the tolerance ``window_pause``; checks see sightings and
never a packet. Every path from evidence to checks (plain, bulk, live) makes sightings, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from .observations import AddressType, Advert, Asked, Event, Gap, GattRead, Observation, PduType

PAUSE_US = 5_000_000
"""The longest pause within a sighting. Source: tolerance window_pause."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Adverts that differ in nothing but when and how strongly they were heard.

    Attributes:
        source: Name of the evidence.
        receiver: Who heard them.
        address: 6 octets, the most significant first; ``None`` where the source does not tell.
        address_type: Of that address.
        pdu: Which PDU.
        ad: AdvData.
        first_us: When the first was heard, in microseconds since the Unix epoch.
        last_us: When the last was heard.
        first_number: Packet number of the first in the source.
        last_number: Of the last.
        count: How many.
        rssi_min: The weakest, in dBm; ``None`` where the source does not tell.
        rssi_mean: Their mean, in dBm.
        rssi_max: The strongest, in dBm.
        channels: Indexes of the channels on which they were heard.
        interval_min_us: The shortest time between two; ``None`` for a single one.
        interval_median_us: The median time between two, to the millisecond; ``None`` for a single one.
    """

    source: str
    receiver: str
    address: bytes | None
    address_type: AddressType | None
    pdu: PduType | None
    ad: bytes | None
    first_us: int
    last_us: int
    first_number: int
    last_number: int
    count: int
    rssi_min: int | None
    rssi_mean: float | None
    rssi_max: int | None
    channels: frozenset[int]
    interval_min_us: int | None
    interval_median_us: int | None


@dataclass(slots=True)
class _Open:
    """A sighting that may still grow; intervals are counted by the millisecond, so that memory stays bounded."""

    first: Advert
    last_us: int
    last_number: int
    count: int = 0
    rssi_count: int = 0
    rssi_sum: int = 0
    rssi_min: int | None = None
    rssi_max: int | None = None
    channels: set[int] = field(default_factory=set)
    interval_min_us: int | None = None
    intervals_ms: Counter[int] = field(default_factory=Counter)

    def add(self, advert: Advert) -> None:
        if self.count:
            interval_us = advert.time_us - self.last_us
            self.intervals_ms[interval_us // 1000] += 1
            if self.interval_min_us is None or interval_us < self.interval_min_us:
                self.interval_min_us = interval_us
        self.count += 1
        self.last_us = advert.time_us
        self.last_number = advert.number
        if advert.rssi is not None:
            self.rssi_count += 1
            self.rssi_sum += advert.rssi
            self.rssi_min = advert.rssi if self.rssi_min is None else min(self.rssi_min, advert.rssi)
            self.rssi_max = advert.rssi if self.rssi_max is None else max(self.rssi_max, advert.rssi)
        if advert.channel is not None:
            self.channels.add(advert.channel)

    def close(self, source: str) -> Sighting:
        first = self.first
        return Sighting(
            source=source,
            receiver=first.receiver,
            address=first.address,
            address_type=first.address_type,
            pdu=first.pdu,
            ad=first.ad,
            first_us=first.time_us,
            last_us=self.last_us,
            first_number=first.number,
            last_number=self.last_number,
            count=self.count,
            rssi_min=self.rssi_min,
            rssi_mean=self.rssi_sum / self.rssi_count if self.rssi_count else None,
            rssi_max=self.rssi_max,
            channels=frozenset(self.channels),
            interval_min_us=self.interval_min_us,
            interval_median_us=self._median_us(),
        )

    def _median_us(self) -> int | None:
        middle = (self.count - 2) // 2  # index of the lower median of count - 1 intervals
        if middle < 0:
            return None
        found_ms = 0
        for interval_ms in sorted(self.intervals_ms):
            if middle < 0:
                break
            middle -= self.intervals_ms[interval_ms]
            found_ms = interval_ms
        return found_ms * 1000


_Key = tuple[str, bytes | None, AddressType | None, PduType | None, bytes | None]


class Folding:
    """Folds adverts of one source into sightings, as they come.

    A pause of more than ``PAUSE_US`` ends a sighting; so does a time before its last one, since a clock that goes
    backwards says nothing about pauses. Memory: what is open, and the sightings themselves.

    Args:
        source: Name of the evidence.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._open: dict[_Key, _Open] = {}
        self._done: list[Sighting] = []

    def add(self, advert: Advert) -> None:
        """Take one advert, in the order of its source."""
        key = (advert.receiver, advert.address, advert.address_type, advert.pdu, advert.ad)
        current = self._open.get(key)
        if current is not None and not 0 <= advert.time_us - current.last_us <= PAUSE_US:
            self._done.append(current.close(self._source))
            current = None
        if current is None:
            current = self._open[key] = _Open(advert, advert.time_us, advert.number)
        current.add(advert)

    def sightings(self) -> tuple[Sighting, ...]:
        """Return all sightings so far, open ones included, in the order in which they began."""
        found = self._done + [each.close(self._source) for each in self._open.values()]
        return tuple(sorted(found, key=lambda each: (each.first_us, each.first_number)))


@dataclass(frozen=True, slots=True)
class Folded:
    """All that one source had to say.

    Attributes:
        sightings: In the order in which they began.
        reads: GATT values, in the order of the source.
        asked: What a host asked its own controller.
        events: What was noted beside the radio.
        gaps: Times without listening.
        adverts: How many adverts there were.
        first_us: Of any observation; ``None`` where there was none.
        last_us: Of any observation.
    """

    sightings: tuple[Sighting, ...]
    reads: tuple[GattRead, ...]
    asked: tuple[Asked, ...]
    events: tuple[Event, ...]
    gaps: tuple[Gap, ...]
    adverts: int
    first_us: int | None
    last_us: int | None


def fold(source: str, observations: Iterable[Observation]) -> Folded:
    """Fold the observations of one source.

    Args:
        source: Name of the evidence.
        observations: In the order of the source.
    """
    folding = Folding(source)
    reads: list[GattRead] = []
    asked: list[Asked] = []
    events: list[Event] = []
    gaps: list[Gap] = []
    adverts = 0
    first_us: int | None = None
    last_us: int | None = None
    for each in observations:
        first_us = each.time_us if first_us is None else min(first_us, each.time_us)
        last_us = each.time_us if last_us is None else max(last_us, each.time_us)
        if isinstance(each, Advert):
            adverts += 1
            folding.add(each)
        elif isinstance(each, GattRead):
            reads.append(each)
        elif isinstance(each, Asked):
            asked.append(each)
        elif isinstance(each, Event):
            events.append(each)
        else:
            gaps.append(each)
    return Folded(
        folding.sightings(),
        tuple(reads),
        tuple(asked),
        tuple(events),
        tuple(gaps),
        adverts,
        first_us,
        last_us,
    )
