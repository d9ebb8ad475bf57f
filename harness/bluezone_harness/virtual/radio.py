"""From what is sent to what is heard: advertising events, channels, signal, loss.

Theory of operation. The on-windows of all senders come in the order in which they begin. Those that last are kept in a
heap by the time of their next advertising event; what comes first is heard first. In each event a receiver hears at
most one PDU, on one of the three channels. Every sender draws from random numbers of its own, so that one more sender
changes nothing of what the others send.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush, heapreplace, merge
from random import Random

from .plans import AirPacket, Plan, SentWindow

_ADV_DELAY_US = 10_000
"""advDelay is up to 10 ms, drawn for each event. Source: Core Specification, Vol 6 Part B 4.4.2.2.1."""
_NEAREST, _FARTHEST = -48, -88
"""RSSI, in dBm, between which a window's own lies: people move, and no place tells one phone from another."""
_NOISE = 12
_WEAKEST = -105


def heard(senders: Iterable[tuple[Iterable[SentWindow], Random]], plan: Plan) -> Iterator[AirPacket]:
    """Yield what the receivers hear, in the order of time.

    Args:
        senders: Of each its on-windows, in the order in which they begin, and its random numbers.
        plan: Of the simulation.
    """
    start_us, until_us = plan.start_ms * 1000, plan.until_ms * 1000
    names = receiver_names(plan.receivers)
    loss = plan.loss
    began = merge(*(_numbered(number, *sender) for number, sender in enumerate(senders)))
    following = next(began, None)
    # time of the next event, order (never twice the same), window, RSSI at each receiver, random numbers
    on_air: list[tuple[int, tuple[int, int], SentWindow, list[int], Random]] = []
    while on_air or following is not None:
        while following is not None and (not on_air or following[0] <= on_air[0][0]):
            from_us, order, window, random = following
            if from_us < until_us:
                levels = [
                    _NEAREST + window.level - int((_NEAREST - _FARTHEST) * random.random()) for _ in names
                ]
                event_us = from_us + int(_ADV_DELAY_US * random.random())
                if event_us < window.until_us:
                    heappush(on_air, (event_us, order, window, levels, random))
            following = next(began, None)
        if not on_air:
            continue
        time_us, order, window, levels, random = on_air[0]
        if time_us >= until_us:
            return
        draw = random.random
        if time_us >= start_us:
            for name, level in zip(names, levels, strict=True):
                if loss and draw() < loss:
                    continue
                rssi = level + int(_NOISE * (draw() + draw() - 1))
                yield AirPacket(
                    time_us,
                    window.address,
                    window.address_type,
                    window.pdu,
                    window.ad,
                    rssi if rssi > _WEAKEST else _WEAKEST,
                    37 + int(3 * draw()),
                    name,
                )
        next_us = time_us + window.interval_us + int((_ADV_DELAY_US + 1) * draw())
        if next_us < window.until_us:
            heapreplace(on_air, (next_us, order, window, levels, random))
        else:
            heappop(on_air)


def receiver_names(count: int) -> tuple[str, ...]:
    """Return the names of receivers; a single one has none."""
    return ("",) if count == 1 else tuple(f"receiver-{number + 1}" for number in range(count))


def _numbered(
    sender: int, windows: Iterable[SentWindow], random: Random
) -> Iterator[tuple[int, tuple[int, int], SentWindow, Random]]:
    for number, window in enumerate(windows):
        yield window.from_us, (sender, number), window, random
