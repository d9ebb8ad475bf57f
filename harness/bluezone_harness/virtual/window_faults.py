"""Planted faults that change what is sent when: on-windows that last too long, or are heard from two places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import merge
from random import Random

from bluezone_harness.observations import AddressType
from bluezone_reference.key_schedule import DAY_MS

from .addresses import resolvable
from .behaviours import PlantedFault
from .id_sources import slots_at
from .plans import PhonePlan, SentWindow
from .schedules import Schedule

LATE_FROM_MS, LATE_TO_MS = 180_000, 560_000
"""How long a late on-window lasts: more than the 165 s that are allowed, up to what Doze makes ordinary (F-25)."""
_PAUSE_US = 15_000_000
_LEAKED_FROM_MS, _LEAKED_TO_MS = 2_400_000, 7_200_000
_RELAY_LEVEL = -12


def slot_of(phone: PhonePlan, time_us: int) -> int:
    """Return the number of the slot, counted from 1970, in which an instant of the receivers' clock lies."""
    day, since_ms = divmod(time_us // 1000 + phone.offset_ms, DAY_MS)
    count = slots_at(phone, time_us // 1000 + phone.offset_ms)
    return day * count + since_ms * count // DAY_MS


def stopped_late(phone: PhonePlan, random: Random, windows: Iterable[SentWindow]) -> Iterator[SentWindow]:
    """Let the last on-window that begins in a slot last for minutes, each for another time; what it covers is lost.

    Source: BZ-ADV-005; F-25.
    """
    until_us = 0
    for window, following in _with_next(windows):
        if window.from_us < until_us:
            continue
        if following is not None and slot_of(phone, following.from_us) != slot_of(phone, window.from_us):
            late_ms = LATE_FROM_MS + int((LATE_TO_MS - LATE_FROM_MS) * random.random())
            window = window._replace(until_us=window.from_us + late_ms * 1000)
            until_us = window.until_us + _PAUSE_US
        yield window


def leaked_set(phone: PhonePlan, random: Random, windows: Iterable[SentWindow]) -> Iterator[SentWindow]:
    """Let an on-window go on for an hour or so, beside those that follow; from time to time another one.

    Source: BZ-ADV-005, BZ-PRV-009; F-27.
    """
    next_us = 0
    for number, (window, following) in enumerate(_with_next(windows)):
        # one that has a next one with the same id, which it will overlap
        if number >= 2 and window.from_us >= next_us and following is not None and following.ad == window.ad:
            leaked_ms = _LEAKED_FROM_MS + int((_LEAKED_TO_MS - _LEAKED_FROM_MS) * random.random())
            window = window._replace(until_us=window.from_us + leaked_ms * 1000)
            next_us = window.until_us + int(3_600_000_000 * random.random())
        yield window


def relayed(phone: PhonePlan, random: Random, windows: Iterable[SentWindow]) -> Iterator[SentWindow]:
    """Send each on-window again from another place and address, a moment later.

    Source: BZ-PRV-009.
    """

    def both() -> Iterator[Iterator[SentWindow]]:
        for window in windows:
            late_us = 1_000_000 + int(3_000_000 * random.random())
            yield iter(
                (
                    window,
                    window._replace(
                        from_us=window.from_us + late_us,
                        until_us=window.until_us + late_us,
                        address=resolvable(random),
                        address_type=AddressType.RESOLVABLE,
                        level=_RELAY_LEVEL,
                    ),
                )
            )

    return in_order(both())


def own_interval(phone: PhonePlan, random: Random, windows: Iterable[SentWindow]) -> Iterator[SentWindow]:
    """Send at an advertising interval by which the phone can be told from others.

    Source: BZ-PRV-006.
    """
    percent = 100 + int(300 * random.random())
    return (window._replace(interval_us=window.interval_us * percent // 100) for window in windows)


def in_order(groups: Iterable[Iterable[SentWindow]]) -> Iterator[SentWindow]:
    """Yield the on-windows of groups in the order in which they begin; a group begins with its first, in order too."""
    waiting: list[SentWindow] = []
    for group in groups:
        first, *others = group
        while waiting and waiting[0].from_us <= first.from_us:
            yield waiting.pop(0)
        yield first
        waiting = list(merge(waiting, sorted(others)))
    yield from waiting


def _with_next(windows: Iterable[SentWindow]) -> Iterator[tuple[SentWindow, SentWindow | None]]:
    """Yield each on-window with the one that begins after it."""
    before: SentWindow | None = None
    for window in windows:
        if before is not None:
            yield before, window
        before = window
    if before is not None:
        yield before, None


WINDOW_FAULTS = (
    PlantedFault(
        "late-stop",
        "BZ-ADV-005",
        "on-windows at the end of a slot stop minutes late, each by another time",
        lambda behaviour: replace(behaviour, windows=stopped_late),
        fault="F-25",
        breaks=("BZ-PRV-004",),
        needs_key=True,
    ),
    PlantedFault(
        "leaked-set",
        "BZ-PRV-009",
        "an advertising set is never stopped and goes on beside the next ones",
        lambda behaviour: replace(behaviour, windows=leaked_set),
        fault="F-27",
        breaks=("BZ-ADV-005", "BZ-PRV-001", "BZ-PRV-004"),
    ),
    PlantedFault(
        "other-rhythm",
        "BZ-ADV-008",
        "on-windows last 5 s and begin every minute",
        lambda behaviour: replace(behaviour, schedule=Schedule(5000, 55000)),
    ),
    PlantedFault(
        "own-interval",
        "BZ-PRV-006",
        "the advertising interval is one by which the phone can be told from others",
        lambda behaviour: replace(behaviour, windows=own_interval),
        needs_key=True,
    ),
    PlantedFault(
        "relay",
        "BZ-PRV-009",
        "somebody sends each on-window again from another place and address, at once",
        lambda behaviour: replace(behaviour, windows=relayed),
    ),
)
