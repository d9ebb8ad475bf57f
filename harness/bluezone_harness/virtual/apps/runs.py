"""Plays phones to a virtual app in no time at all: the radio of the simulation, without hosts and controllers.

Theory of operation. What is heard depends on who sends and on what is lost, and not on the app: it is computed once
(``heard_air``) and can be played to any number of apps (``play``). Only connections are the app's doing. One is made by
the next connectable advert of the address that is heard, as a controller makes it; its other side is whoever sends
from that address then. What is asked for on it is answered at once: the time that a read takes is the app's.

The same apps on hosts and controllers (``virtual.ble.apps``) keep the same logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import merge

from bluezone_harness.observations import Event, PduType
from bluezone_harness.virtual.phones import Sender, gatt_server
from bluezone_harness.virtual.plans import AirPacket, PhonePlan, Plan, SentWindow, Span
from bluezone_harness.virtual.radio import heard
from bluezone_harness.virtual.reads import CHARACTERISTIC, GattServer
from bluezone_reference.heard_content import heard_content
from bluezone_reference.profiles import V3

from .apps import App, AppLog
from .broadcasts import peer_event, sent_events
from .model import Act, Wish

_TAIL_US = 11_000_000
"""For so long after a scan window an attempt that began in it may last."""


@dataclass(frozen=True, slots=True)
class HeardAir:
    """What can be heard, and who sends it.

    Attributes:
        plan: Of the simulation, prepared.
        spans: When somebody scans, in order, in milliseconds since the Unix epoch.
        packets: What is heard then, in the order of time, and what of the rest a connection could be made by.
        windows: All on-windows, each with the name of its sender.
    """

    plan: Plan
    spans: tuple[Span, ...]
    packets: tuple[AirPacket, ...]
    windows: tuple[tuple[str, SentWindow], ...]


@dataclass(frozen=True, slots=True)
class ServedPhone:
    """A phone that answers whoever connects.

    Attributes:
        phone: Its plan, for its clock.
        server: What it offers.
    """

    phone: PhonePlan
    server: GattServer

    def clock_ms(self, time_us: int) -> int:
        """Return what its clock says at an instant."""
        return time_us // 1000 + self.phone.offset_ms


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it.

    Attributes:
        log: Of the app.
        events: What the record of the broadcast says, in the order of time.
    """

    log: AppLog
    events: tuple[Event, ...]


def heard_air(
    plan: Plan, senders: Sequence[Sender], spans: Sequence[Span], *, interval_ms: int = 0
) -> HeardAir:
    """Compute what can be heard of senders.

    Args:
        plan: Prepared; with one receiver.
        senders: Who sends; what they send is used up.
        spans: When somebody scans, in order, in milliseconds since the Unix epoch.
        interval_ms: Shorter intervals are made so long, which thins out what is heard.

    Raises:
        ValueError: As ``simulate``.
    """
    windows: list[tuple[str, SentWindow]] = []
    to_read: set[bytes] = set()

    def noted(sender: Sender) -> Iterator[SentWindow]:
        for window in sender.windows:
            if window.interval_us < interval_ms * 1000:
                window = window._replace(interval_us=interval_ms * 1000)
            windows.append((sender.name, window))
            content = heard_content(window.ad, window.response, V3)
            if content.contact_id is None and not content.ignored:
                to_read.add(window.address)
            yield window

    packets = heard([(noted(each), each.random) for each in senders], plan)
    kept = tuple(_kept(packets, spans, to_read))
    return HeardAir(plan, tuple(spans), kept, tuple(windows))


def served_phones(plan: Plan, seed: int) -> dict[str, ServedPhone]:
    """Return the iPhones of a plan that answer, by their names; make them anew for each run.

    Raises:
        ValueError: As ``simulate``.
        RefusedError: BAD_BASE_ID.
    """
    return {
        each.name: ServedPhone(each, gatt_server(each, plan, seed))
        for each in plan.phones
        if each.platform == "ios"
    }


def play(air: HeardAir, served: Mapping[str, ServedPhone], app: App) -> Played:
    """Play what can be heard to an app.

    Args:
        air: What can be heard.
        served: Who answers whoever connects, by the name of the sender.
        app: Fresh: it has heard nothing yet.
    """
    links = _Links(air, served, app)
    spans = [(from_ms * 1000, until_ms * 1000) for from_ms, until_ms in air.spans]
    at = 0
    for packet in air.packets:
        time_us = packet.time_us
        while at < len(spans) and spans[at][1] <= time_us:
            at += 1
        is_heard = at < len(spans) and spans[at][0] <= time_us
        if not is_heard and links.is_idle:
            continue
        links.pass_until(time_us)
        wanted = links.wanted_by(packet)
        if is_heard:
            app.hear(packet)
        links.act(time_us)
        if wanted is not None:
            links.connect(wanted, time_us)
    links.pass_until(air.plan.until_ms * 1000)
    links.end(air.plan.until_ms * 1000)
    sent = sent_events(list(air.windows), air.plan.start_ms * 1000, air.plan.until_ms * 1000)
    return Played(app.log(), tuple(merge(sent, links.events, key=lambda each: each.time_us)))


def _kept(packets: Iterator[AirPacket], spans: Sequence[Span], to_read: set[bytes]) -> Iterator[AirPacket]:
    """Yield what is heard in scan windows, and what else an attempt that began in one could connect by."""
    edges = [(from_ms * 1000, until_ms * 1000) for from_ms, until_ms in spans]
    at = 0
    for packet in packets:
        time_us = packet.time_us
        while at + 1 < len(edges) and edges[at + 1][0] <= time_us:
            at += 1
        if not edges or time_us < edges[at][0]:
            continue
        if time_us < edges[at][1] or (
            packet.pdu is PduType.ADV_IND and (time_us < edges[at][1] + _TAIL_US or packet.address in to_read)
        ):
            yield packet


@dataclass(slots=True)
class _Link:
    """A connection.

    Attributes:
        wish: That led to it.
        connected_us: Since when.
        peer: Who is on the other side; ``None``: somebody without the service.
    """

    wish: Wish
    connected_us: int
    peer: ServedPhone | None


class _Links:
    """The app's connections, and what the other sides note of them."""

    def __init__(self, air: HeardAir, served: Mapping[str, ServedPhone], app: App) -> None:
        self.events: list[Event] = []
        self._app = app
        self._waiting: list[Wish] = []
        self._open: dict[int, _Link] = {}
        self._does: Mapping[Act, Callable[[Wish, int], None]] = {
            Act.CONNECT: self._initiate,
            Act.READ: self._read,
            Act.DISCONNECT: self._disconnect,
        }
        self._peers: dict[bytes, list[tuple[int, int, ServedPhone]]] = {}
        for name, window in air.windows:
            if name in served:
                found = self._peers.setdefault(window.address, [])
                found.append((window.from_us, window.until_us, served[name]))

    @property
    def is_idle(self) -> bool:
        """Whether the controller waits for no connection."""
        return not self._waiting

    def pass_until(self, time_us: int) -> None:
        """Let time pass until an instant."""
        while (due_us := self._app.next_us) is not None and due_us <= time_us:
            self._app.tick(due_us)
            self.act(due_us)

    def act(self, time_us: int) -> None:
        """Do what the app wants, and what it wants then."""
        while wishes := self._app.wishes():
            for each in wishes:
                self._does[each.act](each, time_us)

    def wanted_by(self, packet: AirPacket) -> Wish | None:
        """Return the wish that the controller fulfils by an advert: it waits for one address at a time."""
        if not self._waiting or packet.pdu is not PduType.ADV_IND:
            return None
        first = self._waiting[0]
        # no two connections between the same two addresses: Core Specification, Vol 6 Part B 4.5
        is_there = any(each.wish.address == first.address for each in self._open.values())
        return None if is_there or first.address != packet.address else first

    def connect(self, wish: Wish, time_us: int) -> None:
        """Make a connection that was waited for, unless it is given up by now."""
        if wish not in self._waiting:
            return
        self._waiting.remove(wish)
        peers = self._peers.get(wish.address, ())
        peer = next((each for from_us, until_us, each in peers if from_us <= time_us < until_us), None)
        self._open[wish.attempt] = _Link(wish, time_us, peer)
        self.events.append(peer_event(time_us, "peer_connected", wish.address, wish.address_type))
        self._app.connected(wish.attempt, time_us)
        self.act(time_us)

    def end(self, time_us: int) -> None:
        """End what is still open, where nobody waits for it any more."""
        for link in self._open.values():
            self._note(link.wish, time_us, "peer_disconnected")
        self._open.clear()

    def _initiate(self, wish: Wish, time_us: int) -> None:
        self._waiting.append(wish)

    def _read(self, wish: Wish, time_us: int) -> None:
        link = self._open[wish.attempt]
        peer = link.peer
        if peer is None or not peer.server.is_readable:
            self._app.value(wish.attempt, time_us, None)
            return
        note = partial(self._note, wish, time_us, "peer_read", characteristic=CHARACTERISTIC)
        if peer.server.is_silent:
            note()
            return
        answer = peer.server.answer(peer.clock_ms(time_us), peer.clock_ms(link.connected_us))
        if isinstance(answer, int):
            note(att_error=answer)
            self._app.lost(wish.attempt, time_us)
        else:
            note(value=answer.hex())
            self._app.value(wish.attempt, time_us, answer)

    def _disconnect(self, wish: Wish, time_us: int) -> None:
        self._waiting = [each for each in self._waiting if each.attempt != wish.attempt]
        if self._open.pop(wish.attempt, None) is not None:
            self._note(wish, time_us, "peer_disconnected")

    def _note(self, wish: Wish, time_us: int, name: str, **fields: object) -> None:
        self.events.append(peer_event(time_us, name, wish.address, wish.address_type, **fields))
