"""The clock offset: by how much a phone's clock is ahead of the receivers'.

Theory of operation. An on-window whose beginning was seen began within the slot of its id, by the phone's clock; each
was heard no longer after that slot than an on-window lasts. Either allows an interval of offsets. The intervals of a
phone whose clock is constantly off have an offset in common, however its on-windows lie against its slots: crossing a
slot's end says nothing, beginning does. Where lateness varies, no offset fits all: one is taken only where it explains
at least half of what is wrong without it. None at all is preferred.

A clock that is set during a capture is no offset: somebody has to note it (event ``clock_set``), and then times are
taken by what the clock showed. An on-window across such an instant says nothing.

Source: annex C, Clock allowance; tolerance clock_offset; BZ-KEY-009.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.id_windows import IdWindow

Interval = tuple[int, int]
"""First value and the first after it, in milliseconds."""
CLOCK_SET = "clock_set"
"""The event that notes that a phone's clock was set."""


class ClockSettings:
    """When a phone's clock was set, as event records tell; before the first it has the offset that it has.

    Args:
        changes: When, by the receivers' clock, and by how much, both in milliseconds; forward is more than 0.
    """

    def __init__(self, changes: Iterable[tuple[int, int]] = ()) -> None:
        self._changes = sorted(changes)
        self.times_ms = tuple(time_ms for time_ms, _ in self._changes)
        self._ahead_ms = (0, *accumulate(by_ms for _, by_ms in self._changes))

    def ahead_ms(self, time_ms: int) -> int:
        """Return by how much the clock was set forward until an instant."""
        return self._ahead_ms[self.period(time_ms)]

    def period(self, time_ms: int) -> int:
        """Return how often the clock had been set by an instant."""
        return bisect_right(self.times_ms, time_ms)

    def is_set_within(self, first_ms: int, last_ms: int) -> bool:
        """Tell whether the clock was set after the first of two instants, and not after the last."""
        return self.period(first_ms) != self.period(last_ms)


def clock_settings(captures: Iterable[Capture], name: str) -> ClockSettings:
    """Return what event records tell of a phone's clock.

    Args:
        captures: With their events; ``clock_set`` has ``by_ms``, and ``device`` where it is one of several.
        name: Of the phone.
    """
    return ClockSettings(
        (each.time_us // 1000, by_ms)
        for capture in captures
        for each in capture.folded.events
        if each.name == CLOCK_SET and each.fields.get("device", name) == name
        for by_ms in (each.fields.get("by_ms"),)
        if isinstance(by_ms, int)
    )


def offsets_allowed(window: IdWindow, slot: Interval, longest_ms: int) -> Interval:
    """Return the clock offsets by which an on-window began in the slot of its id.

    Args:
        window: The on-window.
        slot: When its id holds, by the phone's clock.
        longest_ms: How long an on-window may last.
    """
    from_ms, until_ms = slot
    missed_ms = window.missed_ms if window.start_seen else max(0, longest_ms - window.length_ms)
    return from_ms - window.first_ms, until_ms - window.first_ms + missed_ms + window.late_ms


def allows(intervals: Iterable[Interval], offset_ms: int) -> bool:
    """Tell whether an offset lies in one of several intervals."""
    return any(low_ms <= offset_ms < high_ms for low_ms, high_ms in intervals)


def in_time(window: IdWindow, slot: Interval, limit_ms: int) -> int:
    """Return the first clock offset, going up, by which an on-window goes on for too long after the slot of its id.

    Args:
        window: The on-window.
        slot: When its id holds, by the phone's clock.
        limit_ms: How long an on-window may last that goes on after its slot (BZ-ADV-005).
    """
    _, until_ms = slot
    # one that was heard for longer than that may end with its slot, and not after it
    last_ms = window.last_ms - window.late_ms
    may_go_on = last_ms - window.run_us // 1000 <= limit_ms
    return until_ms - last_ms + (limit_ms + 1 if may_go_on else 0)


def estimated_offset_ms(
    heard: Iterable[tuple[IdWindow, Sequence[Interval], int]], limit_ms: int
) -> int | None:
    """Return the clock offset that fits most on-windows.

    Args:
        heard: On-windows, each with the intervals in which its id holds, by the phone's clock, and how long it may last
            if it goes on after them.
        limit_ms: The greatest offset that is allowed for, either way.

    Returns:
        0 where no offset explains at least half of the on-windows that are wrong without one. Else, of the offsets
        that fit most on-windows, the middle of those that fit most as if no advert had been missed, the nearest to 0
        of several. ``None`` where no offset within the limit fits any on-window.
    """
    loose: dict[int, int] = {}
    strict: dict[int, int] = {}
    whole = 0
    for window, slots, longest_ms in heard:
        whole += bool(slots)
        allowed = [(slot, offsets_allowed(window, slot, longest_ms)) for slot in slots]
        _enter(
            loose,
            [(low, min(high, in_time(window, slot, longest_ms))) for slot, (low, high) in allowed],
            limit_ms,
        )
        _enter(strict, [(low - window.first_ms, high - window.first_ms) for low, high in slots], limit_ms)
    best, found = (0, 0), (0, 0)
    fits, fits_strictly = 0, 0
    edges = sorted(edge for edge in {*loose, *strict} if loose.get(edge) or strict.get(edge))
    zero = 0
    for low_ms, high_ms in pairwise(edges):
        fits += loose.get(low_ms, 0)
        fits_strictly += strict.get(low_ms, 0)
        if low_ms <= 0 < high_ms:
            zero = fits
        if (fits, fits_strictly) > best or (
            (fits, fits_strictly) == best and _distance(low_ms, high_ms) < _distance(*found)
        ):
            best, found = (fits, fits_strictly), (low_ms, high_ms)
    if not best[0]:
        return None
    # Lateness that varies is no offset: one that leaves most of it unexplained is not taken.
    unexplained = whole - best[0]
    return 0 if 2 * unexplained > whole - zero or zero == best[0] else (found[0] + found[1] - 1) // 2


def _enter(edges: dict[int, int], intervals: Iterable[Interval], limit_ms: int) -> None:
    """Note where intervals begin and end, within the limit; what two of them cover counts once."""
    until_ms = -limit_ms
    for low_ms, high_ms in sorted(intervals):
        begin_ms, end_ms = max(low_ms, until_ms), min(high_ms, limit_ms + 1)
        if begin_ms < end_ms:
            edges[begin_ms] = edges.get(begin_ms, 0) + 1
            edges[end_ms] = edges.get(end_ms, 0) - 1
            until_ms = end_ms


def _distance(low_ms: int, high_ms: int) -> int:
    return 0 if low_ms <= 0 < high_ms else min(abs(low_ms), abs(high_ms - 1))
