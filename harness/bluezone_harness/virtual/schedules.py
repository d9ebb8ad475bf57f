"""When a virtual phone advertises: on-windows, by the app's schedules.

====================  ========================================================================================
scheduled             15 s on, 15 s off; alarms are a little late, so that the schedule drifts through the slots
app open              150 s on, 5 s off, beginning when the app is opened
app just left         the stop of the running on-window is replaced by one 15 s later: 165 s at most
Bluetooth off         nothing
====================  ========================================================================================

Source: chapter Advertisement, "When a phone sends"; source A ``ServiceTraceCovid``, ``AppConstants.Config``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from .plans import Span

OPEN_ON_MS, OPEN_OFF_MS = 150_000, 5_000
LEFT_MS = 15_000
ALARM_LATE_MS = 150
ROTATION_MS = 900_000
"""How long an iPhone keeps an address. Source: Core Specification, Vol 3 Part C Appendix A."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long a scheduled on-window and the pause after it are.

    Attributes:
        on_ms: Of the on-window.
        off_ms: Of the pause.
    """

    on_ms: int = 15_000
    off_ms: int = 15_000


def android_windows(
    start_ms: int, until_ms: int, phase_ms: int, openings: Iterable[Span], schedule: Schedule, random: Random
) -> Iterator[Span]:
    """Yield the on-windows of an Android phone, in order.

    Args:
        start_ms: From here on they are wanted; one that began before may last on.
        until_ms: To here.
        phase_ms: When one begins after the start, give or take a late alarm.
        openings: When the app is open, in order.
        schedule: Of the schedule.
        random: For alarms that are late.
    """
    ahead = list(openings)
    never = (until_ms + OPEN_ON_MS + schedule.on_ms + schedule.off_ms,) * 2
    time_ms = start_ms + phase_ms - schedule.on_ms - schedule.off_ms
    while time_ms < until_ms:
        while ahead and ahead[0][1] <= time_ms:
            ahead.pop(0)
        open_ms, left_ms = ahead[0] if ahead else never
        if open_ms <= time_ms:
            stop_ms, next_ms = time_ms + OPEN_ON_MS, time_ms + OPEN_ON_MS + OPEN_OFF_MS
            if left_ms < stop_ms:
                # leaving replaces the stop after 150 s by a fresh one after 15 s
                stop_ms = left_ms + LEFT_MS
                next_ms = stop_ms + schedule.off_ms
        else:
            # opening stops what is on, and begins anew at once
            stop_ms = min(time_ms + schedule.on_ms, open_ms)
            next_ms = min(time_ms + schedule.on_ms + schedule.off_ms, open_ms)
        yield time_ms, stop_ms
        # a stop is never late here: BZ-ADV-005 allows for 15 s and 165 s, and for nothing beyond
        time_ms = next_ms + int(ALARM_LATE_MS * random.random())


def iphone_windows(
    start_ms: int,
    until_ms: int,
    openings: tuple[Span, ...],
    silences: tuple[Span, ...],
    random: Random,
    slot_end_ms: Callable[[int], int] | None = None,
) -> Iterator[tuple[int, int, int, bool]]:
    """Yield what an iPhone advertises, which has no pauses: from, until, which address, and whether the app is open.

    Args:
        start_ms: From here on.
        until_ms: To here.
        openings: When the app is open, in order; none: all the time.
        silences: When Bluetooth is off, in order.
        random: For when the address changes.
        slot_end_ms: From an instant to when the address changes after it; ``None``: every 15 minutes.
    """
    edges = sorted({edge for span in (*openings, *silences) for edge in span})
    from_ms, number = start_ms - int(ROTATION_MS * random.random()), 0
    if slot_end_ms is not None:
        from_ms = start_ms
    while from_ms < until_ms:
        rotation_ms = from_ms + ROTATION_MS if slot_end_ms is None else slot_end_ms(from_ms)
        marks = [from_ms, *(edge for edge in edges if from_ms < edge < rotation_ms), rotation_ms]
        for begin_ms, end_ms in pairwise(marks):
            if any(silent_ms <= begin_ms < heard_ms for silent_ms, heard_ms in silences):
                continue
            is_open = not openings or any(open_ms <= begin_ms < left_ms for open_ms, left_ms in openings)
            yield begin_ms, end_ms, number, is_open
        from_ms, number = rotation_ms, number + 1


def within(spans: Iterable[Span], silences: tuple[Span, ...]) -> Iterator[Span]:
    """Yield what silences leave of on-windows: one that has begun stops, none begins."""
    for from_ms, until_ms in spans:
        if any(silent_ms <= from_ms < heard_ms for silent_ms, heard_ms in silences):
            continue
        yield (
            from_ms,
            min([until_ms, *(silent_ms for silent_ms, _ in silences if silent_ms > from_ms)]),
        )
