"""What the plain decoder told, until it is folded; and all observations that are no adverts."""

from __future__ import annotations

import numpy as np

from bluezone_harness.observations import Advert, Asked, GattRead, Observation
from bluezone_harness.sightings import Folded

from . import kernels
from .folding import Folds, NotServedError
from .kernels import Told

_LIMIT_US = 1 << 62
_MOST_CHANNELS = 63
_COLUMNS = 5
_NOTHING = Told(*(np.zeros(0, np.int64) for _ in range(_COLUMNS + 1)))


class ToldAdverts:
    """Adverts that the plain decoder told."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._rows: list[tuple[int, int, int, int, int]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, whose: int, advert: Advert) -> None:
        """Add an advert.

        Raises:
            NotServedError: One of its numbers is beyond all use.
        """
        channel = kernels.NO_CHANNEL if advert.channel is None else advert.channel
        if not -_LIMIT_US < advert.time_us < _LIMIT_US or not kernels.NO_CHANNEL <= channel < _MOST_CHANNELS:
            raise NotServedError("an extreme number")
        rssi = kernels.NO_RSSI if advert.rssi is None else advert.rssi
        self._rows.append((whose, advert.time_us, rssi, channel, advert.number))

    def end_row(self) -> None:
        """End the adverts of one packet."""
        self._ends.append(len(self._rows))

    def take(self) -> Told:
        """Return all, and forget them."""
        if not self._ends:
            return _NOTHING
        table = np.array(self._rows, np.int64).reshape(-1, _COLUMNS)
        ends = np.array(self._ends, np.int64)
        self._rows.clear()
        self._ends.clear()
        return Told(
            ends,
            *(np.ascontiguousarray(table[:, column]) for column in range(_COLUMNS)),
        )


class Others:
    """Observations besides adverts."""

    def __init__(self) -> None:
        self._reads: list[GattRead] = []
        self._asked: list[Asked] = []
        self._times_us: tuple[int, ...] = ()

    def add(self, each: Observation) -> None:
        """Add one.

        Raises:
            NotServedError: It is of a kind that captures do not hold.
        """
        if isinstance(each, GattRead):
            self._reads.append(each)
        elif isinstance(each, Asked):
            self._asked.append(each)
        else:
            raise NotServedError("an observation of another kind")
        times_us = (*self._times_us, each.time_us)
        self._times_us = min(times_us), max(times_us)

    def folded(self, folds: Folds) -> Folded:
        """Return them with the adverts."""
        times_us = (*self._times_us, *folds.span_us)
        adverts = folds.adverts
        times = folds.times()
        return Folded(
            folds.sightings(),
            tuple(self._reads),
            tuple(self._asked),
            (),
            (),
            adverts,
            min(times_us, default=None),
            max(times_us, default=None),
            times,
        )
