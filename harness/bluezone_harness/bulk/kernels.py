"""The loop that folds adverts: what is compiled here is ``fold``, and what goes with it.

Times are microseconds since the Unix epoch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiling import compiled

TO_DECODE = -1
"""The key of a row that the plain decoder must read; keys are 0 or more."""
NO_RSSI = 1000
NO_CHANNEL = -1
_NO_INTERVAL = 1 << 62

# columns of the state of an advert: what is known of its open sighting
FIRST_US, LAST_US, FIRST_NUMBER, LAST_NUMBER, COUNT = 0, 1, 2, 3, 4
RSSI_COUNT, RSSI_SUM, RSSI_MIN, RSSI_MAX, CHANNELS = 5, 6, 7, 8, 9
INTERVAL_MIN, MEDIAN_MS = 10, 11
_HEAD, _KEPT = 12, 13
STATES = 14
# columns of a closed sighting: the same up to the median, and whose it is
WHOSE = 12
CLOSED = 13

# how the intervals of a sighting are kept
_AS_LIST, _AS_COUNTS, _AS_MEDIAN = 0, 1, 2
LISTED = 32
"""Intervals in a block of a list; a power of two."""
_LONGEST_LIST = 2048
"""Intervals; from there on they are counted by the millisecond."""
_COARSE_SHIFT = 6

# tallies
(
    ADVERTS,
    EARLIEST_US,
    LATEST_US,
    CLOSED_ROWS,
    FREE_BLOCKS,
    FREE_COUNTS,
    WANTED_COUNTS,
) = 0, 1, 2, 3, 4, 5, 6
TALLIES = 7


class Rows(NamedTuple):
    """The packets of one walk that say something.

    Attributes:
        key: Of the packet, or ``TO_DECODE``.
        number: Of the packet, counted from the start of the walk, from 1.
        time_us: When it was heard.
        rssi: In dBm, or ``NO_RSSI``.
        channel: Its index, or ``NO_CHANNEL``.
    """

    key: NDArray[np.int32]
    number: NDArray[np.int32]
    time_us: NDArray[np.int64]
    rssi: NDArray[np.int16]
    channel: NDArray[np.int8]


class Told(NamedTuple):
    """Adverts that the plain decoder told.

    Attributes:
        ends: Where those of each row end that holds no key.
        whose: Which advert.
        time_us: When it was heard.
        rssi: In dBm, or ``NO_RSSI``.
        channel: Its index, or ``NO_CHANNEL``.
        number: Of the packet.
    """

    ends: NDArray[np.int64]
    whose: NDArray[np.int64]
    time_us: NDArray[np.int64]
    rssi: NDArray[np.int64]
    channel: NDArray[np.int64]
    number: NDArray[np.int64]


class Sums(NamedTuple):
    """Open sightings, and those that are closed and were not taken yet.

    Attributes:
        state: A row for each advert; columns from ``FIRST_US`` on.
        closed: A row for each closed sighting; columns from ``FIRST_US`` to ``WHOSE``.
        blocks: Lists of intervals in milliseconds, ``LISTED`` at a time.
        older: For each block, the one before it.
        free_blocks: Those of no list.
        counts: For each interval in milliseconds, how many there were.
        free_counts: Rows of those that are free, and all 0.
        scratch: As one row of counts.
        coarse: Sums of scratch.
        tallies: ``ADVERTS`` and what follows.
    """

    state: NDArray[np.int64]
    closed: NDArray[np.int64]
    blocks: NDArray[np.uint16]
    older: NDArray[np.int32]
    free_blocks: NDArray[np.int32]
    counts: NDArray[np.uint32]
    free_counts: NDArray[np.int32]
    scratch: NDArray[np.uint32]
    coarse: NDArray[np.uint32]
    tallies: NDArray[np.int64]


@compiled
def _median_ms(whose: int, sums: Sums) -> int:
    """Return the lower median of the intervals of an open sighting, forgetting them; -1 if there are none."""
    state = sums.state[whose]
    if state[_KEPT] == _AS_MEDIAN:
        return int(state[MEDIAN_MS])
    count = state[COUNT] - 1
    if count == 0:
        return -1
    middle = (count - 1) // 2
    if state[_KEPT] == _AS_COUNTS:
        counts = sums.counts[state[_HEAD]]
        place = 0
        while middle >= counts[place]:
            middle -= counts[place]
            place += 1
        counts[:] = 0
        sums.free_counts[sums.tallies[FREE_COUNTS]] = state[_HEAD]
        sums.tallies[FREE_COUNTS] += 1
        return place
    scratch, coarse = sums.scratch, sums.coarse
    block = state[_HEAD]
    held = (count - 1) % LISTED + 1
    while block >= 0:
        for index in range(held):
            interval = sums.blocks[block, index]
            scratch[interval] += 1
            coarse[interval >> _COARSE_SHIFT] += 1
        held = LISTED
        block = sums.older[block]
    place = 0
    while middle >= coarse[place]:
        middle -= coarse[place]
        place += 1
    place <<= _COARSE_SHIFT
    while middle >= scratch[place]:
        middle -= scratch[place]
        place += 1
    block = state[_HEAD]
    held = (count - 1) % LISTED + 1
    while block >= 0:
        for index in range(held):
            interval = sums.blocks[block, index]
            scratch[interval] = 0
            coarse[interval >> _COARSE_SHIFT] = 0
        held = LISTED
        sums.free_blocks[sums.tallies[FREE_BLOCKS]] = block
        sums.tallies[FREE_BLOCKS] += 1
        block = sums.older[block]
    return place


@compiled
def _keep_on(whose: int, interval_ms: int, sums: Sums) -> None:
    """Keep one more interval of a sighting whose list has no block, or whose last one is full."""
    state = sums.state[whose]
    before = state[COUNT] - 1
    if before >= _LONGEST_LIST:
        if sums.tallies[FREE_COUNTS]:
            sums.tallies[FREE_COUNTS] -= 1
            row = sums.free_counts[sums.tallies[FREE_COUNTS]]
            block = state[_HEAD]
            while block >= 0:
                for index in range(LISTED):
                    sums.counts[row, sums.blocks[block, index]] += 1
                sums.free_blocks[sums.tallies[FREE_BLOCKS]] = block
                sums.tallies[FREE_BLOCKS] += 1
                block = sums.older[block]
            state[_HEAD] = row
            state[_KEPT] = _AS_COUNTS
            sums.counts[row, interval_ms] += 1
            return
        sums.tallies[WANTED_COUNTS] += 1
    sums.tallies[FREE_BLOCKS] -= 1
    block = sums.free_blocks[sums.tallies[FREE_BLOCKS]]
    sums.older[block] = state[_HEAD]
    state[_HEAD] = block
    sums.blocks[state[_HEAD], 0] = interval_ms


@compiled
def _begin(whose: int, time_us: int, number: int, sums: Sums) -> None:
    """Begin a sighting, closing the one before."""
    state = sums.state[whose]
    if state[COUNT]:
        state[MEDIAN_MS] = _median_ms(whose, sums)
        closed = sums.closed[sums.tallies[CLOSED_ROWS]]
        for column in range(WHOSE):
            closed[column] = state[column]
        closed[WHOSE] = whose
        sums.tallies[CLOSED_ROWS] += 1
    state[FIRST_US] = time_us
    state[FIRST_NUMBER] = number
    state[COUNT] = 0
    state[RSSI_COUNT] = 0
    state[RSSI_SUM] = 0
    state[RSSI_MIN] = NO_RSSI
    state[RSSI_MAX] = -NO_RSSI
    state[CHANNELS] = 0
    state[INTERVAL_MIN] = _NO_INTERVAL
    state[_HEAD] = -1
    state[_KEPT] = _AS_LIST


@compiled
def fold(
    rows: Rows,
    count: int,
    number: int,
    whose_of: NDArray[np.int32],
    told: Told,
    longest_pause_us: int,
    sums: Sums,
) -> bool:
    """Fold the adverts of a walk in their order.

    Args:
        rows: What was walked over.
        count: How many rows.
        number: Of the packet before the walk.
        whose_of: For each key, which advert.
        told: What the plain decoder told of those rows that have no key.
        longest_pause_us: The longest pause within a sighting.
        sums: Added to; there is room for each advert to close a sighting and take a block.

    Returns:
        Whether it could be done: not if a sighting goes on whose intervals were forgotten.
    """
    state, blocks, counts, tallies = sums.state, sums.blocks, sums.counts, sums.tallies
    older, free_blocks = sums.older, sums.free_blocks
    row_key, row_number, row_time, row_rssi, row_channel = rows
    earliest_us, latest_us, adverts = tallies[EARLIEST_US], tallies[LATEST_US], 0
    at = row_told = 0
    row = np.uint64(0)
    end = np.uint64(count)
    while row < end:
        key = row_key[row]
        if key >= 0:
            whose = np.uint64(whose_of[np.uint64(key)])
            time_us = row_time[row]
            rssi, channel = np.int64(row_rssi[row]), np.int64(row_channel[row])
            packet = np.int64(number + row_number[row])
            row += np.uint64(1)
        elif at == told.ends[row_told]:
            row_told += 1
            row += np.uint64(1)
            continue
        else:
            whose, time_us, packet = (
                np.uint64(told.whose[at]),
                told.time_us[at],
                told.number[at],
            )
            rssi, channel = told.rssi[at], told.channel[at]
            at += 1
        before = state[whose, COUNT]
        interval_us = time_us - state[whose, LAST_US]
        if before == 0 or interval_us < 0 or interval_us > longest_pause_us:
            _begin(int(whose), time_us, int(packet), sums)
            before = 0
        else:
            interval_ms = np.int64(np.uint64(interval_us) // np.uint64(1000))
            kept, held = state[whose, _KEPT], (before - 1) & (LISTED - 1)
            if kept == _AS_COUNTS:
                counts[np.uint64(state[whose, _HEAD]), np.uint64(interval_ms)] += 1
            elif kept == _AS_MEDIAN:
                return False
            elif held:
                blocks[np.uint64(state[whose, _HEAD]), np.uint64(held)] = interval_ms
            elif before <= _LONGEST_LIST:
                # as ``_keep_on``, which is called seldom: handing all arrays over takes as long as folding some adverts
                tallies[FREE_BLOCKS] -= 1
                block = np.uint64(free_blocks[np.uint64(tallies[FREE_BLOCKS])])
                older[block] = state[whose, _HEAD]
                state[whose, _HEAD] = np.int64(block)
                blocks[block, np.uint64(0)] = interval_ms
            else:
                _keep_on(int(whose), int(interval_ms), sums)
            state[whose, INTERVAL_MIN] = min(state[whose, INTERVAL_MIN], interval_us)
        state[whose, COUNT] = before + 1
        state[whose, LAST_US] = time_us
        state[whose, LAST_NUMBER] = packet
        if rssi != NO_RSSI:
            state[whose, RSSI_COUNT] += 1
            state[whose, RSSI_SUM] += rssi
            state[whose, RSSI_MIN] = min(state[whose, RSSI_MIN], rssi)
            state[whose, RSSI_MAX] = max(state[whose, RSSI_MAX], rssi)
        if channel != NO_CHANNEL:
            state[whose, CHANNELS] |= np.int64(1) << channel
        adverts += 1
        earliest_us = min(earliest_us, time_us)
        latest_us = max(latest_us, time_us)
    tallies[EARLIEST_US], tallies[LATEST_US] = earliest_us, latest_us
    tallies[ADVERTS] += adverts
    return True


@compiled
def settle(whose: int, sums: Sums) -> None:
    """Replace the intervals of an open sighting by their median."""
    sums.state[whose, MEDIAN_MS] = _median_ms(whose, sums)
    sums.state[whose, _KEPT] = _AS_MEDIAN


@compiled
def forget_intervals(before_us: int, adverts: int, sums: Sums) -> None:
    """Replace by their median the intervals of sightings whose last advert was heard before an instant."""
    for whose in range(adverts):
        state = sums.state[whose]
        if state[COUNT] and state[LAST_US] < before_us:
            settle(whose, sums)
