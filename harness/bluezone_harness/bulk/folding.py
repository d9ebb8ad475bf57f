"""Folds adverts by the thousand into the sightings that the plain path makes of them.

What is kept of an advert is one row of numbers, its address and AdvData once, and the intervals of its open
sighting: in a list while they are few, counted by the millisecond when they are many, and only their median
when it was not heard for a long time. Should such a sighting go on after all, because the clock was set
back, the bulk path gives up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bluezone_harness.observations import Advert
from bluezone_harness.sightings import PAUSE_US, SightingColumns
from bluezone_harness.sightings.columns import BLOCK, Block, Column, packed, unpacked
from bluezone_harness.sightings.model import Payload
from bluezone_harness.sightings.octet_strings import OctetStrings
from bluezone_harness.sightings.times import AdvertTimes, payload_hash

from . import kernels
from .arrays import longer
from .kernels import Rows, Sums, Told
from .recognising import QUIET

_FORGOTTEN_AFTER_US = 600_000_000
"""A sighting is taken to be over when the latest advert is so much later than its last; above any mix-up of order."""
_TIME_LIMIT_US = 1 << 62
_BINS = PAUSE_US // 1000 + 1
_COARSE_BINS = (_BINS >> 6) + 1
_PACKED_ROWS = 1 << 14
_KINDS = (np.uint8, np.uint16, np.uint32, np.uint64)

_FIRST_HASHES = 1024


class NotServedError(Exception):
    """Something that only the plain path reads."""


class Folds:
    """Adverts and their sightings.

    Args:
        source: Name of the evidence.
        keep_times: As ``fold`` takes it.
    """

    def __init__(self, source: str, keep_times: bool = False) -> None:
        self._source = source
        self._known = OctetStrings()
        self._times = AdvertTimes(self._payload_hash, keep_times)
        self._hashes = np.zeros(_FIRST_HASHES, np.uint32)
        self._closed: list[NDArray[np.int64]] = []
        self._closed_rows = 0
        self._packed: list[_Packed] = []
        self._tallies = np.zeros(kernels.TALLIES, np.int64)
        self._tallies[kernels.EARLIEST_US] = _TIME_LIMIT_US
        self._tallies[kernels.LATEST_US] = -_TIME_LIMIT_US
        self._sums = self._empty()

    @property
    def adverts(self) -> int:
        """How many were folded."""
        return int(self._sums.tallies[kernels.ADVERTS])

    @property
    def span_us(self) -> tuple[int, ...]:
        """When the earliest and the latest was heard; nothing where there is none."""
        tallies = self._sums.tallies
        if not self.adverts:
            return ()
        return int(tallies[kernels.EARLIEST_US]), int(tallies[kernels.LATEST_US])

    def whose(self, advert: Advert) -> int:
        """Return the number of all adverts that are as this one, but for when and how strongly they were heard.

        Numbers count up from 0, in the order in which they are asked for first.
        """
        found = self._known.number(
            packed((advert.receiver, advert.address, advert.address_type, advert.pdu, advert.ad))
        )
        if found >= len(self._hashes):
            self._hashes = longer(self._hashes, 2 * found)
        self._hashes[found] = payload_hash(advert.address, advert.ad)
        return found

    def times(self) -> Mapping[Payload, Sequence[int]]:
        """Return when each advert of some payloads was heard."""
        found: dict[Payload, list[int]] = {}
        for whose, times_us in self._times.known().items():
            found.setdefault(unpacked(self._known[whose])[1:], []).extend(times_us)
        return found

    def _payload_hash(self, whose: int) -> int:
        return int(self._hashes[whose])

    def fold(self, rows: Rows, count: int, number: int, whose_of: NDArray[np.int32], told: Told) -> None:
        """Fold the adverts of one walk; as ``kernels.fold``.

        Raises:
            NotServedError: A sighting goes on whose intervals were forgotten.
        """
        self._keep_times(rows, count, whose_of, told)
        self._make_room(count + told.whose.size)
        if not kernels.fold(rows, count, number, whose_of, told, PAUSE_US, self._sums):
            raise NotServedError("the clock was set back by minutes")
        self._take_closed()

    def _keep_times(self, rows: Rows, count: int, whose_of: NDArray[np.int32], told: Told) -> None:
        """Keep times of adverts in their order."""
        if not self._times.bar:
            return
        keys = rows.key[:count]
        keyed = np.flatnonzero(keys >= 0)
        whose = np.concatenate([whose_of[keys[keyed]], told.whose])
        chosen = np.flatnonzero(self._hashes[whose] < self._times.bar)
        if not chosen.size:
            return
        others = np.flatnonzero((keys < 0) & (keys != QUIET))
        rows_told = np.searchsorted(told.ends, np.arange(told.whose.size), side="right")
        order = np.argsort(np.concatenate([keyed, others[rows_told]])[chosen], kind="stable")
        times_us = np.concatenate([rows.time_us[:count][keyed], told.time_us])[chosen][order]
        self._times.extend(whose[chosen][order].tolist(), times_us.tolist())

    def sightings(self) -> SightingColumns:
        """Return all sightings, open ones included, in the order in which they began; nothing can be folded after."""
        known = len(self._known)
        kernels.forget_intervals(_TIME_LIMIT_US, known, self._sums)
        self._pack_closed()
        # from the end, so that what is of no more use does not stand beside what is made of it
        for at in reversed(range(0, known, _PACKED_ROWS)):
            still_open = self._sums.state[at : min(at + _PACKED_ROWS, known), : kernels.CLOSED].copy()
            self._sums.state.resize((at, kernels.STATES), refcheck=False)
            still_open[:, kernels.WHOSE] = np.arange(at, at + len(still_open))
            self._packed.append(_Packed(still_open))
        self._sums = self._empty()
        length = sum(map(len, self._packed))
        return SightingColumns(self._source, self._known, _in_order(self._packed), length)

    def _empty(self) -> Sums:
        tallies = self._tallies
        return Sums(
            state=np.zeros((0, kernels.STATES), np.int64),
            closed=np.zeros((0, kernels.CLOSED), np.int64),
            blocks=np.zeros((0, kernels.LISTED), np.uint16),
            older=np.zeros(0, np.int32),
            free_blocks=np.zeros(0, np.int32),
            counts=np.zeros((0, _BINS), np.uint32),
            free_counts=np.zeros(0, np.int32),
            scratch=np.zeros(_BINS, np.uint32),
            coarse=np.zeros(_COARSE_BINS, np.uint32),
            tallies=tallies,
        )

    def _make_room(self, adverts: int) -> None:
        sums = self._sums
        tallies = sums.tallies
        known = len(self._known)
        if sums.state.shape[0] < known:
            # in its place: a copy would stand beside it for a moment, and it is what takes most
            sums.state.resize((known + max(known // 8, _PACKED_ROWS), kernels.STATES), refcheck=False)
        if sums.closed.shape[0] < adverts:
            sums = sums._replace(closed=np.zeros((adverts, kernels.CLOSED), np.int64))
        if tallies[kernels.FREE_BLOCKS] < adverts:
            kernels.forget_intervals(int(tallies[kernels.LATEST_US]) - _FORGOTTEN_AFTER_US, known, sums)
            before = sums.older.size
            # so many that the next search for those that are over comes late
            if tallies[kernels.FREE_BLOCKS] < adverts + before // 4:
                after = before + before // 2 + adverts
                sums = sums._replace(
                    blocks=longer(sums.blocks, after),
                    older=longer(sums.older, after),
                    free_blocks=_more_free(sums.free_blocks, tallies, kernels.FREE_BLOCKS, after),
                )
        if tallies[kernels.WANTED_COUNTS]:
            after = sums.counts.shape[0] + int(tallies[kernels.WANTED_COUNTS])
            sums = sums._replace(
                counts=longer(sums.counts, after),
                free_counts=_more_free(sums.free_counts, tallies, kernels.FREE_COUNTS, after),
            )
            tallies[kernels.WANTED_COUNTS] = 0
        self._sums = sums

    def _take_closed(self) -> None:
        tallies = self._sums.tallies
        count = int(tallies[kernels.CLOSED_ROWS])
        if count:
            self._closed.append(self._sums.closed[:count].copy())
            self._closed_rows += count
            tallies[kernels.CLOSED_ROWS] = 0
        if self._closed_rows >= _PACKED_ROWS:
            self._pack_closed()

    def _pack_closed(self) -> None:
        if self._closed:
            self._packed.append(_Packed(np.concatenate(self._closed)))
            self._closed.clear()
            self._closed_rows = 0


class _Packed:
    """Rows of sightings, each column in as few octets as it takes.

    Args:
        rows: At least one, as ``kernels`` closes them; what there is none of is overwritten.
    """

    def __init__(self, rows: NDArray[np.int64]) -> None:
        # where there is none it may be any number, and a large one would take room
        rows[rows[:, kernels.RSSI_COUNT] == 0, kernels.RSSI_MIN : kernels.RSSI_MAX + 1] = 0
        rows[rows[:, kernels.COUNT] == 1, kernels.INTERVAL_MIN : kernels.MEDIAN_MS + 1] = 0
        self._count = len(rows)
        self._columns = [_column(rows[:, place]) for place in range(kernels.CLOSED)]

    def __len__(self) -> int:
        return self._count

    def numbers(self, place: int) -> NDArray[np.int64]:
        """Return a column."""
        least, above = self._columns[place]
        found = np.full(self._count, least, np.int64)
        if above is not None:
            found += np.asarray(above).astype(np.int64)
        return found


def _more_free(
    free: NDArray[np.int32], tallies: NDArray[np.int64], tally: int, after: int
) -> NDArray[np.int32]:
    before, held = free.size, int(tallies[tally])
    larger = longer(free, after)
    larger[held : held + after - before] = np.arange(before, after)
    tallies[tally] += after - before
    return larger


def _in_order(packed_rows: list[_Packed]) -> list[Block]:
    """Return rows in the order in which they began, as blocks; those of one packet in the order of ``whose``."""
    if not packed_rows:
        return []

    def all_of(place: int) -> NDArray[np.int64]:
        return np.concatenate([each.numbers(place) for each in packed_rows])

    # the last of them decides first
    order = np.lexsort([all_of(each) for each in (kernels.WHOSE, kernels.FIRST_NUMBER, kernels.FIRST_US)])
    columns: list[list[Column]] = []
    for place in range(kernels.CLOSED):
        numbers = all_of(place)[order]
        columns.append([_column(numbers[at : at + BLOCK]) for at in range(0, len(order), BLOCK)])
    return list(zip(*columns, strict=True))


def _column(numbers: NDArray[np.int64]) -> Column:
    least, most = int(numbers.min()), int(numbers.max())
    if least == most:
        return Column(least, None)
    kind = next(kind for kind in _KINDS if (most - least) >> 8 * np.dtype(kind).itemsize == 0)
    return Column(least, memoryview((numbers - least).astype(kind)))
