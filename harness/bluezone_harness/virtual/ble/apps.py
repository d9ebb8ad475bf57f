"""A virtual app on a receiver of a world: it scans, connects and reads through HCI, as an app's system does.

Theory of operation. The app itself (``virtual.apps``) has no radio. Here it gets one: a host of the world scans by the
app's schedule, hands on each report, and does what the app wishes, at the microsecond of the world's time. What
happens to an app here happens to it in ``virtual.apps.runs`` at the same microsecond, so that both keep the same log.

A controller waits for one connection at a time. An attempt that is over while it waits is cancelled in the controller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from bumble import hci
from bumble.core import BaseBumbleError, PhysicalTransport
from bumble.core import TimeoutError as BumbleTimeoutError
from bumble.device import Connection, Peer

from bluezone_harness.observations import AddressType, PduType, random_address_type
from bluezone_harness.virtual.apps.apps import App
from bluezone_harness.virtual.apps.model import Act, Wish
from bluezone_harness.virtual.plans import AirPacket, Span
from bluezone_harness.virtual.reads import CHARACTERISTIC, SERVICE

from .worlds import World

_PDUS = {0: PduType.ADV_IND, 2: PduType.ADV_SCAN_IND, 3: PduType.ADV_NONCONN_IND, 4: PduType.SCAN_RSP}
"""Source: Core Specification, Vol 4 Part E 7.7.65.2."""
_SCAN_MS = 60.0
"""Scan interval and window: in a scan window the controller listens all the time."""
_CHANNEL = 37
"""HCI does not tell the channel."""
_PUBLIC = (AddressType.PUBLIC, AddressType.PUBLIC_IDENTITY)


@dataclass(slots=True)
class _Attempt:
    """What the app wants of an attempt by now.

    Attributes:
        asked: The value is to be read.
        over: The attempt is over.
    """

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class VirtualApp:
    """An app on a receiver of a world."""

    def __init__(self, world: World, app: App, spans: Sequence[Span], receiver: int = 0) -> None:
        """Give an app a radio; nothing happens until it runs.

        Args:
            world: Entered.
            app: Fresh: it has heard nothing yet.
            spans: When it scans, in order, in milliseconds since the Unix epoch.
            receiver: Which of the world's receivers it has, from 0.
        """
        self._world = world
        self._app = app
        self._spans = tuple(spans)
        self._device = world.receivers[receiver]
        self._connecting = asyncio.Lock()
        self._attempts: dict[int, _Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Listen until the plan of the world ends; connections that are left are ended then.

        Raises:
            Exception: What ended the world, or an attempt, before.
        """
        world, host = self._world, self._device.host
        host.on("advertising_report", self._hear)
        try:
            for from_ms, until_ms in self._spans:
                await world.run_until(from_ms * 1000)
                await self._device.start_scanning(
                    legacy=True, active=True, scan_interval=_SCAN_MS, scan_window=_SCAN_MS
                )
                await world.run_until(until_ms * 1000)
                await self._device.stop_scanning(legacy=True)
            await world.run_until(world.plan.until_ms * 1000)
        finally:
            host.remove_listener("advertising_report", self._hear)
            if self._timer is not None:
                self._timer.cancel()
            for each in self._attempts.values():
                each.over.set()
            if self._tasks:
                await asyncio.gather(*self._tasks)

    def _hear(self, report: hci.HCI_LE_Advertising_Report_Event.Report) -> None:
        pdu = _PDUS.get(report.event_type)
        if pdu is None:
            return
        address = bytes(report.address)[::-1]
        kind = AddressType.PUBLIC if report.address.is_public else random_address_type(address)
        now_us = self._world.now_us()
        self._app.hear(AirPacket(now_us, address, kind, pdu, report.data, report.rssi, _CHANNEL, ""))
        self._act()

    def _tick(self, time_us: int) -> None:
        self._timer = None
        self._app.tick(time_us)
        self._act()

    def _act(self) -> None:
        """Do what the app wants, and wait for when it is to be told the time."""
        while wishes := self._app.wishes():
            for wish in wishes:
                self._do(wish)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (next_us := self._app.next_us) is not None:
            self._timer = self._world.air.clock.call_at(next_us, partial(self._tick, next_us))

    def _do(self, wish: Wish) -> None:
        if wish.act is Act.CONNECT:
            attempt = self._attempts[wish.attempt] = _Attempt()
            task = asyncio.create_task(self._try(wish, attempt))
            self._tasks.add(task)
            task.add_done_callback(partial(self._done, wish.attempt))
        elif wish.attempt in self._attempts:
            attempt = self._attempts[wish.attempt]
            (attempt.asked if wish.act is Act.READ else attempt.over).set()

    def _done(self, number: int, task: asyncio.Task[None]) -> None:
        self._attempts.pop(number, None)
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)

    async def _try(self, wish: Wish, attempt: _Attempt) -> None:
        """Connect, read when asked to, and disconnect when it is over."""
        connection = await self._connection(wish, attempt)
        if connection is None:
            return
        gone = asyncio.Event()
        connection.once(connection.EVENT_DISCONNECTION, lambda _: gone.set())
        self._app.connected(wish.attempt, self._world.now_us())
        self._act()
        reading = asyncio.create_task(self._read(wish.attempt, connection, attempt))
        await _first(attempt.over, gone)
        reading.cancel()
        await asyncio.wait([reading])
        if not reading.cancelled():
            reading.result()
        if not gone.is_set():
            await connection.disconnect()
        elif not attempt.over.is_set():
            self._app.lost(wish.attempt, self._world.now_us())
            self._act()

    async def _connection(self, wish: Wish, attempt: _Attempt) -> Connection | None:
        """Connect; ``None``: it is over before, or the controller cannot."""
        is_public = wish.address_type in _PUBLIC
        kind = hci.AddressType.PUBLIC_DEVICE if is_public else hci.AddressType.RANDOM_DEVICE
        address = hci.Address(wish.address[::-1], kind)
        async with self._connecting:
            if attempt.over.is_set():
                return None
            connecting = asyncio.create_task(
                self._device.connect(address, transport=PhysicalTransport.LE, timeout=None)
            )
            connected = asyncio.Event()
            connecting.add_done_callback(lambda _: connected.set())
            await _first(connected, attempt.over)
            if not connecting.done():
                await self._device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
            try:
                made: Connection = await connecting
            except BaseBumbleError:
                if not attempt.over.is_set():
                    self._app.lost(wish.attempt, self._world.now_us())
                    self._act()
                return None
        return made

    async def _read(self, number: int, connection: Connection, attempt: _Attempt) -> None:
        await attempt.asked.wait()
        try:
            value = await _value_of(connection)
        except BumbleTimeoutError:
            return  # a phone that does not answer: when to give up is the app's to say
        except BaseBumbleError:
            self._app.lost(number, self._world.now_us())
        else:
            self._app.value(number, self._world.now_us(), value)
        self._act()


async def _value_of(connection: Connection) -> bytes | None:
    """Read the rolling id of a phone; ``None``: it has no such service or characteristic. Source: BZ-RCV-004.

    Raises:
        ATT_Error: The phone refused.
        BaseBumbleError: It did not answer within 30 s (``TimeoutError``), or the connection is gone.
    """
    peer = Peer(connection)
    for service in await peer.discover_service(SERVICE):
        for characteristic in await peer.discover_characteristics([CHARACTERISTIC], service):
            return bytes(await characteristic.read_value())
    return None


async def _first(*events: asyncio.Event) -> None:
    """Wait for the first of some events."""
    waiting = [asyncio.create_task(each.wait()) for each in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
