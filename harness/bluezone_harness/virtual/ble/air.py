"""The air between virtual controllers: who hears whom, how strongly, and what travels on a connection.

Theory of operation. When an advertiser starts, its on-window goes to ``AdvertisingEvents``, the model of the
simulation, which draws delays, signal and loss; one timer of the loop stands at the next event of all. At an event each
receiver's controller that listens gets the report of what it heard. Numbers are drawn whether anybody listens or not,
so that what receivers do changes nothing of what phones send. Who scans actively is told the scan response a moment
after the advert, as in the simulation; one that says nothing is told together with its advert, which spares a timer.

What HCI cannot say comes beside it: the exact interval (HCI counts in 0.625 ms), how near the sender is, its random
numbers. An advertiser that was started without is given its own.

A connection joins two controllers by their handles, not by addresses: a phone keeps it while its address changes. Who
walks away is neither heard nor reached; what is sent to him waits, and when the supervision timeout has passed both
sides lose the connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from bumble import hci, ll
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

from bluezone_harness.observations import AddressType, PduType, random_address_type
from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.radio import RESPONSE_US, WITH_RESPONSE, AdvertisingEvents, Order
from bluezone_harness.writing.link_layer import advertising_report

if TYPE_CHECKING:
    from bumble.controller import Controller

    from .controllers import Advertiser, VirtualController

FOREVER_US = 1 << 62
"""A controller does not know when its host will stop it."""
_JUST_AFTER_S = 2e-7
"""Timers stand just behind their microsecond: what a host asks for in it comes first."""
_WITHOUT_SENDER = 1 << 20
"""Numbers of advertisers that no sender of a plan starts begin here."""


class Clock:
    """The loop's time, counted in microseconds since the Unix epoch."""

    def __init__(self, start_us: int) -> None:
        """Begin to count in the running loop.

        Args:
            start_us: What the clock says now, in microseconds since the Unix epoch.
        """
        self.start_us = start_us
        self._loop = asyncio.get_running_loop()
        self._zero_s = self._loop.time()

    def now_us(self) -> int:
        """Return the time, in microseconds since the Unix epoch."""
        return self.start_us + round((self._loop.time() - self._zero_s) * 1e6)

    def call_at(self, time_us: int, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Have something called when the clock says an instant, behind what is done in it of itself."""
        when_s = self._zero_s + (time_us - self.start_us) / 1e6 + _JUST_AFTER_S
        return self._loop.call_at(when_s, callback)


@dataclass(slots=True)
class Emission:
    """What HCI cannot say of an on-window.

    Attributes:
        order: Number of the sender and of the on-window.
        from_us: When it began, in microseconds since the Unix epoch.
        interval_us: Nominal advertising interval.
        level: RSSI to add to that of the sender's place, in dB.
        random: The sender's random numbers.
    """

    order: Order
    from_us: int
    interval_us: int
    level: int
    random: Random


class OnAir:
    """An advertiser that is on the air, with its reports made ready: all but the last octet, which is the RSSI."""

    __slots__ = ("address", "advertiser", "connectable", "key", "report", "response", "says_more")

    def __init__(self, advertiser: Advertiser) -> None:
        self.advertiser = advertiser
        self.prepare()

    def prepare(self) -> SentWindow:
        """Make ready what the advertiser sends now, and return it."""
        window = self.advertiser.window()
        kind = window.address, window.address_type
        self.address = self.advertiser.address
        self.key = bytes(self.address) + bytes((self.address.is_public,))
        self.connectable = window.pdu is PduType.ADV_IND
        self.report = advertising_report(window.pdu, *kind, window.ad, 0)[:-1]
        self.response: bytes | None = None
        answer = bytes(self.advertiser.scan_response_data)
        self.says_more = bool(answer)
        if window.pdu in WITH_RESPONSE:
            self.response = advertising_report(PduType.SCAN_RSP, *kind, answer, 0)[:-1]
        return window


@dataclass(slots=True, eq=False)
class Joined:
    """A connection.

    Attributes:
        ends: Controller and handle of either side.
        timeout_s: Supervision timeout.
        waiting: What was sent while the other side was out of reach.
        lost: When it will be given up.
    """

    ends: tuple[tuple[VirtualController, int], tuple[VirtualController, int]]
    timeout_s: float
    waiting: list[Callable[[], None]] = field(default_factory=list)
    lost: asyncio.TimerHandle | None = None


class Air(LocalLink):
    """A link for virtual controllers: stock bumble's, mended, with the radio model of the simulation."""

    def __init__(self, clock: Clock, *, seed: int = 0, receivers: int = 1, loss: float = 0.0) -> None:
        """Begin with silence.

        Args:
            clock: Of the loop.
            seed: For advertisers without a sender.
            receivers: How many receivers there will be.
            loss: The share of adverts that a receiver misses, 0 to below 1.
        """
        super().__init__()  # type: ignore[no-untyped-call] # stock says no types here
        self.clock = clock
        self.seed = seed
        self._count = receivers
        self._events = AdvertisingEvents(receivers, loss, clock.start_us)
        self._receivers: list[VirtualController] = []
        self._on_air: dict[Order, OnAir] = {}
        self._answers: deque[tuple[int, Callable[[], None]]] = deque()
        self._joined: list[Joined] = []
        self._away: set[Controller] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._hold_us: int | None = None
        self._started = 0

    def add_receiver(self, controller: VirtualController) -> None:
        """Let a controller hear what is on the air; receivers are numbered as they come.

        Raises:
            ValueError: There are as many as were announced.
        """
        # stock: whatever is sent goes to every controller, scanning or not, in the order of a set
        if len(self._receivers) >= self._count:
            raise ValueError(f"there are {self._count} receivers already")
        self._receivers.append(controller)

    # Advertising

    def hold(self, time_us: int | None) -> None:
        """Let no event happen from an instant on, until told otherwise; ``None``: let all happen."""
        self._hold_us = time_us
        self.run()

    def begin(self, advertiser: Advertiser) -> None:
        """Put an advertiser on the air; one that was interrupted by a connection goes on where it was."""
        emission = advertiser.emission or self._emission_of(advertiser)
        on_air = self._on_air.get(emission.order)
        if on_air is not None:
            on_air.prepare()
            return
        advertiser.order = emission.order
        advertiser.adverts = 0
        on_air = self._on_air[emission.order] = OnAir(advertiser)
        window = on_air.prepare()._replace(
            from_us=emission.from_us, interval_us=emission.interval_us, level=emission.level
        )
        self._events.begin(emission.order, window, emission.random)
        self._wait()

    def end(self, advertiser: Advertiser) -> None:
        """Take an advertiser off the air."""
        if advertiser.order is not None and self._on_air.pop(advertiser.order, None) is not None:
            self._events.end(advertiser.order)
            advertiser.order = None
            self._wait()

    def changed(self, advertiser: Advertiser) -> None:
        """Send from now on what an advertiser was given while it was on the air."""
        if advertiser.order is not None and advertiser.order in self._on_air:
            self._on_air[advertiser.order].prepare()

    def run(self) -> None:
        """Let every event happen whose time has come, and wait for the next."""
        now_us = self.clock.now_us()
        try:
            while (next_us := self._next_us()) is not None and next_us <= now_us:
                if self._hold_us is not None and next_us >= self._hold_us:
                    break
                if self._answers and self._answers[0][0] == next_us:
                    self._answers.popleft()[1]()
                else:
                    self._happen()
        finally:
            self._wait()

    def _happen(self) -> None:
        event = self._events.take()
        on_air = self._on_air[event.order]
        # stock: non-connectable and scannable adverts are never sent; what is sent has no loss and an RSSI of -50 dBm
        if not on_air.advertiser.enabled or on_air.advertiser.controller in self._away:
            return
        if event.time_us >= self.clock.start_us:
            on_air.advertiser.adverts += 1
        for number, rssi, _ in event.heard_by:
            if number < len(self._receivers):
                answer = self._receivers[number].hear(on_air, rssi)
                if answer is not None:
                    self._answers.append((event.time_us + RESPONSE_US, answer))

    def _next_us(self) -> int | None:
        """Return when something is heard next."""
        next_us = self._events.next_us
        if self._answers and (next_us is None or self._answers[0][0] <= next_us):
            return self._answers[0][0]
        return next_us

    def _wait(self) -> None:
        next_us = self._next_us()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if next_us is not None and (self._hold_us is None or next_us < self._hold_us):
            self._timer = self.clock.call_at(next_us, self.run)

    def _emission_of(self, advertiser: Advertiser) -> Emission:
        """Return what holds for an advertiser that no sender of a plan started."""
        # stock: there is no advDelay, and the interval is taken for milliseconds
        if advertiser.order is None:
            self._started += 1
            advertiser.order = (_WITHOUT_SENDER, self._started)
        number = advertiser.order[1]
        random = Random(f"{self.seed} advertiser {number}")  # noqa: S311 - a simulation
        return Emission(advertiser.order, self.clock.now_us(), advertiser.interval_us, 0, random)

    # Connections

    def connect(self, central: VirtualController, on_air: OnAir) -> None:
        """Join a controller that initiates with the advertiser that it heard."""
        peripheral = on_air.advertiser.controller
        wanted = central.pending_le_connection
        if wanted is None or not on_air.advertiser.enabled:
            return
        address = central.address_of(wanted.own_address_type)
        if address in peripheral.le_connections or on_air.address in central.le_connections:
            return  # no two connections between the same two addresses: Vol 6 Part B 4.5
        # stock: the request goes to everybody, and whoever has that address answers
        request = ll.ConnectInd(
            address,
            on_air.address,
            wanted.connection_interval_min,
            wanted.max_latency,
            wanted.supervision_timeout,
        )
        central.pending_le_connection = None
        ends = (
            central.connected(request, hci.Role.CENTRAL),
            peripheral.connected(request, hci.Role.PERIPHERAL),
        )
        on_air.advertiser.enabled = False
        self._joined.append(Joined(((central, ends[0]), (peripheral, ends[1])), request.timeout / 100))

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Carry data over a connection."""
        # stock: data go to whoever has the address now, and come from the address that the sender has now
        connection = sender_controller.le_connections.get(destination_address)
        joined = connection and self._joined_by(sender_controller, connection.handle)
        if not joined:
            return
        peer, handle = _other(joined, sender_controller)

        def arrive() -> None:
            if (at := peer.find_le_connection_by_handle(handle)) is not None:
                peer.on_link_acl_data(at.peer_address, transport, data)

        self._carry(joined, arrive)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Carry a control PDU over a connection; where there is none any more, it is lost."""
        # stock: raises InvalidArgumentError when nobody has the address of the peer any more
        for joined in self._joined:
            for controller, handle in joined.ends:
                at = controller.find_le_connection_by_handle(handle)
                if at and (at.self_address, at.peer_address) == (sender_address, receiver_address):
                    self._carry(joined, partial(_tell, _other(joined, controller), packet))
                    return

    def part(self, controller: VirtualController, handle: int) -> bool:
        """Forget one side of a connection that its controller has ended; answer whether there was one."""
        joined = self._joined_by(controller, handle)
        if joined is None:
            return False
        peer, peer_handle = _other(joined, controller)
        if peer.find_le_connection_by_handle(peer_handle) is None:
            self._forget(joined)
        elif joined.lost is None:
            self._give_up_later(joined)  # unless the peer is told before
        return True

    def is_in_reach(self, controller: VirtualController, handle: int) -> bool:
        """Tell whether the peer of a connection is there."""
        joined = self._joined_by(controller, handle)
        return joined is not None and not any(each in self._away for each, _ in joined.ends)

    def leave(self, controller: VirtualController) -> None:
        """Let a controller be out of reach from now on."""
        self._away.add(controller)
        for joined in self._joined:
            if joined.lost is None and any(each is controller for each, _ in joined.ends):
                self._give_up_later(joined)

    def come_back(self, controller: VirtualController) -> None:
        """Let a controller be in reach again: what waited for it arrives."""
        self._away.discard(controller)
        for joined in self._joined:
            both = all(each.find_le_connection_by_handle(handle) for each, handle in joined.ends)
            if both and joined.lost is not None and not any(each in self._away for each, _ in joined.ends):
                joined.lost.cancel()
                joined.lost = None
                waiting, joined.waiting = joined.waiting, []
                for arrive in waiting:
                    asyncio.get_running_loop().call_soon(arrive)

    def remove_controller(self, controller: Controller) -> None:
        """Take a controller away for good: nobody is told."""
        super().remove_controller(controller)
        self._away.discard(controller)

    def _carry(self, joined: Joined, arrive: Callable[[], None]) -> None:
        if any(controller in self._away for controller, _ in joined.ends):
            joined.waiting.append(arrive)
        else:
            asyncio.get_running_loop().call_soon(arrive)

    def _give_up_later(self, joined: Joined) -> None:
        loop = asyncio.get_running_loop()
        joined.lost = loop.call_later(joined.timeout_s, self._give_up, joined)

    def _give_up(self, joined: Joined) -> None:
        """Let both sides lose a connection. Source: Core Specification, Vol 6 Part B 4.5.2."""
        self._forget(joined)
        for controller, handle in joined.ends:
            if (connection := controller.find_le_connection_by_handle(handle)) is not None:
                controller.on_le_disconnected(connection, hci.HCI_CONNECTION_TIMEOUT_ERROR)

    def _forget(self, joined: Joined) -> None:
        if joined.lost is not None:
            joined.lost.cancel()
        if joined in self._joined:
            self._joined.remove(joined)

    def _joined_by(self, controller: Controller, handle: int) -> Joined | None:
        return next((each for each in self._joined if (controller, handle) in each.ends), None)


def address_type_of(address: hci.Address) -> AddressType:
    """Return the kind of an address, as a sniffer would tell it."""
    return AddressType.PUBLIC if address.is_public else random_address_type(bytes(address)[::-1])


def _other(joined: Joined, controller: Controller) -> tuple[VirtualController, int]:
    first, second = joined.ends
    return second if first[0] is controller else first


def _tell(end: tuple[VirtualController, int], packet: ll.ControlPdu) -> None:
    controller, handle = end
    if (at := controller.find_le_connection_by_handle(handle)) is not None:
        controller.on_ll_control_pdu(at.peer_address, packet)
