"""From what is sent to what is heard: advertising events, channels, signal, loss.

Theory of operation. The on-windows of all senders come in the order in which they begin. Those that last are kept in a
heap by the time of their next advertising event; what comes first is heard first. In each event a receiver hears at
most one PDU, on one of the three channels, and the answer to its scan request where there is one. Every sender draws
from random numbers of its own, so that one more sender changes nothing of what the others send.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush, heapreplace, merge
from random import Random
from typing import NamedTuple

from bluezone_harness.observations import PduType

from .plans import AirPacket, Plan, SentWindow

_ADV_DELAY_US = 10_000
"""advDelay is up to 10 ms, drawn for each event. Source: Core Specification, Vol 6 Part B 4.4.2.2.1."""
_NEAREST, _FARTHEST = -48, -88
"""RSSI, in dBm, between which a window's own lies: people move, and no place tells one phone from another."""
MIDDLE_RSSI = (_NEAREST + _FARTHEST) // 2
"""RSSI in the middle between them: what a level is added to."""
_NOISE = 12
_WEAKEST = -105
RESPONSE_US = 772
"""From the start of an advert to that of its scan response, in microseconds, at 1 Mbit/s: an ADV_IND with 21 octets of
AdvData, as old iPhones send it (296), T_IFS (150), a SCAN_REQ (176), T_IFS (150).

Source: Core Specification, Vol 6 Part B 2.1, 2.3 and 4.1.1."""
WITH_RESPONSE = frozenset({PduType.ADV_IND, PduType.ADV_SCAN_IND})
"""PDUs after which a receiver may ask. Source: Core Specification, Vol 6 Part B 2.3.1."""


Order = tuple[int, int]
"""Number of a sender and of its on-window: never twice the same."""


class Event(NamedTuple):
    """An advertising event.

    Attributes:
        time_us: When, in microseconds since the Unix epoch.
        order: Of the on-window.
        window: The on-window.
        heard_by: Number of each receiver that heard it, the RSSI in dBm there, and the channel.
    """

    time_us: int
    order: Order
    window: SentWindow
    heard_by: list[tuple[int, int, int]]


class AdvertisingEvents:
    """The advertising events to come of all that is on the air.

    The numbers are drawn in one order whoever asks: at the start of an on-window the level at each receiver and the
    first delay, at each event what each receiver makes of it, and the next delay.
    """

    def __init__(self, receivers: int, loss: float, start_us: int) -> None:
        """Begin with silence.

        Args:
            receivers: How many listen.
            loss: The share of events that a receiver misses, 0 to below 1.
            start_us: Before this, nobody listens; in microseconds since the Unix epoch.
        """
        self._receivers = range(receivers)
        self._loss = loss
        self._start_us = start_us
        # time of the next event, order, window, level at each receiver, random numbers
        self._on_air: list[tuple[int, Order, SentWindow, list[int], Random]] = []

    @property
    def next_us(self) -> int | None:
        """When the next event is, in microseconds since the Unix epoch; ``None`` in silence."""
        return self._on_air[0][0] if self._on_air else None

    def begin(self, order: Order, window: SentWindow, random: Random) -> None:
        """Begin an on-window.

        Args:
            order: Its own, by which those are ordered that have an event at one time.
            window: What is sent.
            random: The sender's random numbers.
        """
        levels = [
            _NEAREST + window.level - int((_NEAREST - _FARTHEST) * random.random()) for _ in self._receivers
        ]
        event_us = window.from_us + int(_ADV_DELAY_US * random.random())
        if event_us < window.until_us:
            heappush(self._on_air, (event_us, order, window, levels, random))

    def end(self, order: Order) -> None:
        """End an on-window before its time, if it lasts."""
        self._on_air = [each for each in self._on_air if each[1] != order]
        heapify(self._on_air)

    def take(self) -> Event:
        """Return the next event; the one after it is awaited then.

        Raises:
            IndexError: There is none.
        """
        time_us, order, window, levels, random = self._on_air[0]
        draw = random.random
        heard_by: list[tuple[int, int, int]] = []
        if time_us >= self._start_us:
            loss = self._loss
            for number, level in enumerate(levels):
                if loss and draw() < loss:
                    continue
                rssi = level + int(_NOISE * (draw() + draw() - 1))
                heard_by.append((number, rssi if rssi > _WEAKEST else _WEAKEST, 37 + int(3 * draw())))
        next_us = time_us + window.interval_us + int((_ADV_DELAY_US + 1) * draw())
        if next_us < window.until_us:
            heapreplace(self._on_air, (next_us, order, window, levels, random))
        else:
            heappop(self._on_air)
        return Event(time_us, order, window, heard_by)


def heard(senders: Iterable[tuple[Iterable[SentWindow], Random]], plan: Plan) -> Iterator[AirPacket]:
    """Yield what the receivers hear, in the order of time.

    They ask for a scan response where one has something to say, and each is answered as strongly as it heard the
    advert, on the same channel: nothing more is drawn, so that who asks changes nothing of what else is heard.

    Args:
        senders: Of each its on-windows, in the order in which they begin, and its random numbers.
        plan: Of the simulation.
    """
    start_us, until_us = plan.start_ms * 1000, plan.until_ms * 1000
    names = receiver_names(plan.receivers)
    events = AdvertisingEvents(plan.receivers, plan.loss, start_us)
    began = merge(*(_numbered(number, *sender) for number, sender in enumerate(senders)))
    following = next(began, None)
    answers: deque[AirPacket] = deque()
    while True:
        while following is not None and ((next_us := events.next_us) is None or following[0] <= next_us):
            from_us, order, window, random = following
            if from_us < until_us:
                events.begin(order, window, random)
            following = next(began, None)
        next_us = events.next_us
        while answers and (next_us is None or answers[0].time_us <= next_us):
            answer = answers.popleft()
            if answer.time_us < until_us:
                yield answer
        if next_us is None or next_us >= until_us:
            return
        time_us, _, window, heard_by = events.take()
        is_answered = bool(window.response) and window.pdu in WITH_RESPONSE
        for number, rssi, channel in heard_by:
            packet = AirPacket(
                time_us,
                window.address,
                window.address_type,
                window.pdu,
                window.ad,
                rssi,
                channel,
                names[number],
            )
            yield packet
            if is_answered:
                answers.append(
                    packet._replace(time_us=time_us + RESPONSE_US, pdu=PduType.SCAN_RSP, ad=window.response)
                )


def receiver_names(count: int) -> tuple[str, ...]:
    """Return the names of receivers; a single one has none."""
    return ("",) if count == 1 else tuple(f"receiver-{number + 1}" for number in range(count))


def _numbered(
    sender: int, windows: Iterable[SentWindow], random: Random
) -> Iterator[tuple[int, Order, SentWindow, Random]]:
    for number, window in enumerate(windows):
        yield window.from_us, (sender, number), window, random
