"""By how much the clock of a log is ahead of the clock of a record, as far as the rows tell.

Theory of operation. A row that can be right at all is right for some offsets and wrong for the others: for each time
in which its id could be heard, an interval of them. The offset is one under which as many rows as possible are right.
Where several are equally good, as on-windows that come at even pauses make them, all of them come into question, and
nothing may be held against a log that any of them excuses. It is one offset for all rows: lateness that varies is none,
and rows that it does not excuse stay wrong.

Source: tolerance ``clock_offset``; chapter Tolerances, "Clock allowance".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

Span = tuple[int, int]
"""A first and a last value, in milliseconds; both ends belong to it."""
SHIFT_MS = 900_000
"""Time zones differ from UTC by whole quarters of an hour."""


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """The offsets that explain most rows.

    Attributes:
        least_ms: The least of them.
        most_ms: The greatest; not all between the two are as good.
        rows: How many rows they explain.
        nearest: Those among them that lie together, nearest to none (or to a step): rows are told apart by these.
        step_ms: To a multiple of which they are nearest; ``None``: they are nearest to none.
    """

    least_ms: int
    most_ms: int
    rows: int
    nearest: Span
    step_ms: int | None = None

    @property
    def offset_ms(self) -> int:
        """The one of them that is nearest to none, or to a step."""
        if self.step_ms is not None:
            step_ms = self.nearest[1] // self.step_ms * self.step_ms
            if step_ms >= self.nearest[0]:
                return step_ms
            is_before = self.nearest[0] - step_ms <= -self.nearest[1] % self.step_ms
            return self.nearest[0 if is_before else 1]
        return max(self.nearest[0], min(0, self.nearest[1]))

    @property
    def width_ms(self) -> int:
        """From the least to the greatest of them."""
        return self.most_ms - self.least_ms


def clock_offset(
    rows: Iterable[Sequence[Span]], limit_ms: int | None, step_ms: int | None = None
) -> ClockOffset:
    """Return the offsets under which most rows are right, from the least to the greatest of them.

    Args:
        rows: Of each row, the spans of offsets under which it is right.
        limit_ms: No offset beyond it comes into question, in either direction; ``None``: any does.
        step_ms: Of several that are equally good, those nearest to a multiple of this are preferred, as time zones
            are whole quarters of an hour; ``None``: those nearest to none.
    """
    turns: dict[int, int] = {}
    for spans in rows:
        for least_ms, most_ms in _joined(spans, limit_ms):
            turns[least_ms] = turns.get(least_ms, 0) + 1
            turns[most_ms + 1] = turns.get(most_ms + 1, 0) - 1
    edges = sorted(turns)
    depths = list(accumulate(turns[edge] for edge in edges))
    most = max(depths, default=0)
    if not most:
        return ClockOffset(0, 0, 0, (0, 0))
    best = [
        (start, end - 1)
        for (start, end), depth in zip(pairwise(edges), depths, strict=False)
        if depth == most
    ]
    nearest = min(best, key=lambda span: (_to_step(span, step_ms), abs(max(span[0], min(0, span[1])))))
    return ClockOffset(best[0][0], best[-1][1], most, nearest, step_ms)


def _to_step(span: Span, step_ms: int | None) -> int:
    """Return how far the nearest multiple of a step is from a span."""
    if step_ms is None or span[1] // step_ms > (span[0] - 1) // step_ms:
        return 0
    return min(-span[1] % step_ms, span[0] % step_ms)


def _joined(spans: Sequence[Span], limit_ms: int | None) -> list[Span]:
    """Return spans as such that do not touch, in order, none beyond the limit."""
    found: list[Span] = []
    for least_ms, most_ms in sorted(spans):
        start, end = least_ms, most_ms
        if limit_ms is not None:
            start, end = max(start, -limit_ms), min(end, limit_ms)
        if start > end:
            continue
        if found and start <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found
