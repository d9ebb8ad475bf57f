"""How long something was heard, and what gave way to what, by the clocks of those that heard it.

Times are those of the receiver that heard something. Two receivers are two clocks, and differences between their times
are good to the tolerance ``clock_offset`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol, TypeVar

from bluezone_harness.checks.schedules import Slots
from bluezone_harness.checks.subjects import Rules
from bluezone_harness.sightings import PAUSE_US

US = 1000
"""Microseconds in a millisecond."""

LATE_US = PAUSE_US
"""By how much a system's scanner may tell an advert later than it came. Source: decision 0019."""

Clock = tuple[str, str]
"""Source and receiver: whose clock a time was read from."""


class Span(Protocol):
    """Whatever was heard from an instant to another, by one clock."""

    @property
    def source(self) -> str:
        """Name of the evidence."""

    @property
    def receiver(self) -> str:
        """Who heard it."""

    @property
    def first_us(self) -> int:
        """When it was heard first."""

    @property
    def last_us(self) -> int:
        """When it was heard last."""


_AnySpan = TypeVar("_AnySpan", bound=Span)


def clock_of(span: Span) -> Clock:
    """Return whose clock the times of something are."""
    return span.source, span.receiver


def sure_until_us(span: Span, late: Collection[str]) -> int:
    """Return until when something was sent for sure: what a system's scanner tells may be late.

    Args:
        span: What was heard.
        late: Names of the evidence whose times may be late.
    """
    return max(span.first_us, span.last_us - LATE_US) if span.source in late else span.last_us


def least_length_us(spans: Iterable[Span], rules: Rules, late: Collection[str] = ()) -> int:
    """Return for how long something was heard at least, however the clocks of its receivers differ.

    By one clock it is the time from first to last; between two, less the tolerance ``clock_offset``.

    Args:
        spans: At least one.
        rules: For the tolerance.
        late: Names of the evidence whose times may be late, as those of a system's scanner are.
    """
    ends: dict[Clock, tuple[int, int]] = {}
    for each in spans:
        until_us = sure_until_us(each, late)
        first_us, last_us = ends.get(clock_of(each), (each.first_us, until_us))
        ends[clock_of(each)] = min(first_us, each.first_us), max(last_us, until_us)
    by_one_us = max(last_us - first_us for first_us, last_us in ends.values())
    whole_us = max(last_us for _, last_us in ends.values()) - min(first_us for first_us, _ in ends.values())
    return max(by_one_us, whole_us - rules.tolerances["clock_offset"] * US)


def longest_slot_ms(slots: Slots, spans: Iterable[Span]) -> int:
    """Return the length of the longest slot while something was heard.

    Args:
        slots: Of the phone.
        spans: At least one.
    """
    times_ms = [time_us // 1000 for each in spans for time_us in (each.first_us, each.last_us)]
    return slots.longest_ms(min(times_ms), max(times_ms))


def change_seen(spans: Iterable[_AnySpan], what: Callable[[_AnySpan], object], within_us: int) -> bool:
    """Tell whether one clock saw something give way to another within a time.

    Two ids or addresses that were heard hours apart do not show when the one gave way to the other.

    Args:
        spans: In any order.
        what: What may give way, such as the id.
        within_us: The longest time between the two.
    """
    latest: dict[Clock, _AnySpan] = {}
    for each in sorted(spans, key=lambda each: (each.first_us, each.last_us)):
        before = latest.get(clock_of(each))
        if before is not None and what(before) != what(each) and each.first_us - before.last_us <= within_us:
            return True
        if before is None or each.last_us >= before.last_us:
            latest[clock_of(each)] = each
    return False
