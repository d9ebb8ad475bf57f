"""Who is near when: what a phone sends, cut to its meetings, and sent again by a relay.

A phone that is away sends on, and nobody hears it. What is on the air here is what is near: an on-window ends where its
phone goes away and begins anew where it comes back, with the id and the address that it had all the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from bluezone_harness.observations import AddressType
from bluezone_harness.virtual.addresses import resolvable
from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.radio import MIDDLE_RSSI


class Presence(NamedTuple):
    """An interval in which somebody is near.

    Attributes:
        from_us: Its beginning, in microseconds since the Unix epoch.
        until_us: Its end.
        level: As that of a ``SentWindow``, in dB.
    """

    from_us: int
    until_us: int
    level: int


def level_of(rssi: int | None) -> int:
    """Return the level at which an RSSI, in dBm, lies in the middle of what is heard; ``None``: as it comes."""
    return 0 if rssi is None else rssi - MIDDLE_RSSI


def near(windows: Iterable[SentWindow], presences: Sequence[Presence]) -> Iterator[SentWindow]:
    """Yield what is near of on-windows, in the order in which it begins.

    Args:
        windows: In the order in which they begin.
        presences: In order; none overlaps another.
    """
    waiting: list[tuple[int, int, SentWindow]] = []
    number = 0
    for window in windows:
        while waiting and waiting[0][0] < window.from_us:
            yield heappop(waiting)[2]
        for presence in presences:
            from_us = max(window.from_us, presence.from_us)
            until_us = min(window.until_us, presence.until_us)
            if from_us < until_us:
                cut = window._replace(from_us=from_us, until_us=until_us, level=window.level + presence.level)
                heappush(waiting, (from_us, number, cut))
                number += 1
    while waiting:
        yield heappop(waiting)[2]


def relayed(windows: Iterable[SentWindow], delay_us: int, random: Random) -> Iterator[SentWindow]:
    """Yield on-windows as somebody sends them again, each from another address.

    Args:
        windows: As they were sent.
        delay_us: How much later they are sent again, in microseconds.
        random: Of the relay.
    """
    for window in windows:
        yield window._replace(
            from_us=window.from_us + delay_us,
            until_us=window.until_us + delay_us,
            address=resolvable(random),
            address_type=AddressType.RESOLVABLE,
        )
