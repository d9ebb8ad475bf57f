"""Whether the clock of a log was set while the log was kept, as far as the rows tell.

Theory of operation. A clock that is set has one offset before, and another after. Rows in the order in which they were
made show it: up to one row nearly all are right under the one, from there on nearly all under the other, and of several
contact ids there are rows that only the other makes right. Rows of an id that was kept for too long, or of times that
are wrong for another reason, are no such rows: others between them are right under the first offset alone.

Source: BZ-LOG-001; chapter Tolerances, "Clock allowance".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from bluezone_harness.checks.clock_offsets import ClockOffset, Span, clock_offset

Rows = Sequence[tuple[bytes, Sequence[Span]]]
_LEAST_IDS = 3
"""Fewer contact ids may be right under another offset by chance, or by another fault."""
_NEARLY_ALL = 95
"""So many rows in a hundred have to be right before and after."""
_LEAST_MS = 15_000
"""By less than this rows are late for another reason: Android delivers them up to 10 s late (F-28)."""


@dataclass(frozen=True, slots=True)
class SetClock:
    """A clock that was set.

    Attributes:
        offset: Under which the rows are right that most rows are not.
        from_row: The first of these rows, counted from 0.
        until_row: The first that is none of them any more.
    """

    offset: ClockOffset
    from_row: int
    until_row: int

    def holds(self, row: int) -> bool:
        """Tell whether a row was made by the other offset."""
        return self.from_row <= row < self.until_row


def set_clock(rows: Rows, offset: Span) -> SetClock | None:
    """Return how a clock was set; ``None``: nothing shows that it was.

    Args:
        rows: In the order in which they were made: contact id, and the spans of offsets under which it is right.
        offset: The offsets under which most rows are right.
    """
    before = [explains(spans, offset) for _, spans in rows]
    found = _divided(
        rows, before, [spans for (_, spans), is_right in zip(rows, before, strict=True) if not is_right]
    )
    # under an offset of some rows too few of the others may be right: that of all of them is asked for
    found = _divided(rows, before, [spans for _, spans in rows[found.from_row : found.until_row]])
    least_ms, most_ms = found.offset.nearest
    if least_ms - offset[1] < _LEAST_MS and offset[0] - most_ms < _LEAST_MS:
        return None
    after = [explains(spans, found.offset.nearest) for _, spans in rows]
    gained = {rows[at][0] for at in range(len(rows)) if found.holds(at) and after[at] and not before[at]}
    right = sum(after[at] if found.holds(at) else before[at] for at in range(len(rows)))
    return found if len(gained) >= _LEAST_IDS and right * 100 >= len(rows) * _NEARLY_ALL else None


def _divided(rows: Rows, before: Sequence[bool], others: Iterable[Sequence[Span]]) -> SetClock:
    """Return where the clock was set, if it was, so that most rows are right."""
    other = clock_offset(others, None)
    # of each place at which it may have been set: how many rows are right before it, and how many from there on
    length = len(rows)
    ones, twos = (
        [0, *accumulate(before)],
        [0, *accumulate(explains(spans, other.nearest) for _, spans in rows)],
    )
    forth = [ones[at] + twos[length] - twos[at] for at in range(length + 1)]
    back = [twos[at] + ones[length] - ones[at] for at in range(length + 1)]
    if max(forth) >= max(back):
        return SetClock(other, forth.index(max(forth)), length)
    return SetClock(other, 0, back.index(max(back)))


def explains(spans: Sequence[Span], offsets: Span) -> bool:
    """Tell whether a row is right under any of some offsets."""
    return any(least <= offsets[1] and most >= offsets[0] for least, most in spans)
