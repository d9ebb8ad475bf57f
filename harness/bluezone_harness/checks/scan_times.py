"""How many adverts a receiver cannot help being sent while it scans, and how many of them it has to hear one of.

Theory of operation. A receiver scans for ``on_ms`` and pauses for ``off_ms``, again and again; when a scan begins,
nobody knows. So each phase of that schedule is tried at which the count can be least: where an edge of a scan meets an
edge of what was sent. Of the adverts that lie within its scans even then, radio may lose ``radio_loss`` in a hundred,
one as likely as another; that all are lost is less likely than ``chance`` to one from ``enough_adverts`` on. What was
sent that often has to be heard.

A stretch is the time it takes to come to so many. One follows another, so that an id that is sent for long has to be
heard in each of them.

Nothing here knows of ids, logs or records: times are in milliseconds, by whatever clock.

Source: chapter Receiver, "Scan windows"; tolerances ``radio_loss`` and ``chance``; Core Specification, Vol 6 Part B
4.4.2.2.1 (advDelay).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

MEAN_DELAY_MS = 5.0
"""advDelay is drawn from 0 to 10 ms. Source: Core Specification, Vol 6 Part B 4.4.2.2.1."""
SCAN_EDGES_MS = 1000
"""The first and the last part of a scan do not count: starting it and stopping it take time."""
_CONTINUOUS_STEP_MS = 5_000
"""Stretches of a receiver that never pauses are looked for in such steps."""
_LONGEST_CONTINUOUS_MS = 900_000
"""So long is a stretch of such a receiver at most."""
_MOST_PERIODS = 4
"""So many times the schedule repeats in a stretch at most: in hours, its alarms would drift by more than its edges."""


@dataclass(frozen=True, slots=True)
class ScanSchedule:
    """How a receiver scans.

    Attributes:
        on_ms: Length of a scan.
        off_ms: Length of the pause after it; 0: it scans all the time.
    """

    on_ms: int
    off_ms: int

    @property
    def period_ms(self) -> int:
        """From the beginning of one scan to that of the next."""
        return self.on_ms + self.off_ms

    @property
    def counted_ms(self) -> int:
        """As much of a scan as counts."""
        return max(0, self.on_ms - SCAN_EDGES_MS)

    @property
    def is_continuous(self) -> bool:
        """It never pauses."""
        return self.off_ms == 0


CONTINUOUS = ScanSchedule(on_ms=1, off_ms=0)
"""Scanning all the time."""


@dataclass(frozen=True, slots=True)
class SentSpan:
    """A time in which adverts were sent one after another.

    Attributes:
        from_ms: When it began.
        until_ms: When it ended.
        every_ms: Mean time from one advert to the next.
    """

    from_ms: int
    until_ms: int
    every_ms: float

    def within(self, from_ms: int, until_ms: int) -> SentSpan | None:
        """Return the part of it between two instants, if there is any."""
        start, end = max(self.from_ms, from_ms), min(self.until_ms, until_ms)
        return SentSpan(start, end, self.every_ms) if start < end else None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which something had to be heard.

    Attributes:
        from_ms: Its first instant.
        until_ms: Its last.
        adverts: How many lay within the scans at least.
    """

    from_ms: int
    until_ms: int
    adverts: int


def enough_adverts(radio_loss: int, chance: int) -> int:
    """Return how many adverts make it sure that one is heard.

    Args:
        radio_loss: How many in a hundred may be lost.
        chance: That all are lost is allowed for once in so many cases.
    """
    adverts, kept, lost = 0, 1, 1
    while lost * chance > kept:
        adverts, kept, lost = adverts + 1, kept * 100, lost * radio_loss
    return adverts


def least_adverts(spans: Sequence[SentSpan], scans: ScanSchedule) -> int:
    """Return how many adverts lie within a receiver's scans at the worst phase of its schedule.

    Args:
        spans: When they were sent; several at a time count each.
        scans: How it scans.
    """
    if scans.is_continuous:
        return sum(int((each.until_ms - each.from_ms) / each.every_ms) for each in spans)
    if not spans or not scans.counted_ms:
        return 0
    period_ms, counted_ms = scans.period_ms, scans.counted_ms
    # the count is piecewise linear in the phase: it is least where an edge of a scan meets an edge of a span
    edges = {edge % period_ms for each in spans for edge in (each.from_ms, each.until_ms)}
    phases = edges | {(edge - counted_ms) % period_ms for edge in edges}

    def scanned_until(time_ms: int) -> int:
        whole, rest = divmod(time_ms, period_ms)
        return whole * counted_ms + min(rest, counted_ms)

    def adverts(phase: int) -> int:
        return sum(
            int((scanned_until(each.until_ms - phase) - scanned_until(each.from_ms - phase)) / each.every_ms)
            for each in spans
        )

    return min(map(adverts, phases))


def stretches(
    spans: Iterable[SentSpan], scans: ScanSchedule, enough: int, pause_ms: int = 0
) -> Iterator[Stretch]:
    """Yield, one after another, the times in which something that was sent had to be heard.

    Args:
        spans: When it was sent, in order of their beginnings.
        scans: How the receiver scans.
        enough: How many adverts within its scans it takes.
        pause_ms: From the end of one stretch to the beginning of the next.
    """
    ahead = list(spans)
    step_ms = _CONTINUOUS_STEP_MS if scans.is_continuous else scans.period_ms
    start_ms = ahead[0].from_ms if ahead else 0
    while ahead:
        ahead = [each for each in ahead if each.until_ms > start_ms]
        if not ahead:
            return
        start_ms = max(start_ms, min(each.from_ms for each in ahead))
        found = _next_stretch(ahead, scans, enough, start_ms, step_ms)
        if found is None:
            # what was sent first is too little: perhaps what was sent after it is enough
            ahead.remove(min(ahead, key=lambda each: each.from_ms))
            continue
        yield found
        start_ms = found.until_ms + pause_ms


def _next_stretch(
    ahead: Sequence[SentSpan], scans: ScanSchedule, enough: int, start_ms: int, step_ms: int
) -> Stretch | None:
    longest_ms = _LONGEST_CONTINUOUS_MS if scans.is_continuous else _MOST_PERIODS * scans.period_ms
    end_ms = min(max(each.until_ms for each in ahead), start_ms + longest_ms)
    until_ms = start_ms
    while until_ms < end_ms:
        until_ms = min(until_ms + step_ms, end_ms)
        parts = [part for each in ahead if (part := each.within(start_ms, until_ms))]
        if sum((each.until_ms - each.from_ms) / each.every_ms for each in parts) < enough:
            continue
        adverts = least_adverts(parts, scans)
        if adverts >= enough:
            return Stretch(start_ms, until_ms, adverts)
    return None
