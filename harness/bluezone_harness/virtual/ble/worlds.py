"""A world of virtual phones and receivers: the plan of a simulation, played through HCI.

Theory of operation. The world has players (phones, and whoever else sends) and one task that tells them to act: always
the one whose turn is next, and nothing on the air happens meanwhile, because an event at the same microsecond comes
after what starts or stops in it. What an owner does to a phone is done by the same task. In virtual time a world is
therefore the same at each run, and its receivers are told what ``simulate`` says, to the microsecond; in real time the
same things happen, a little late.

A world begins before its plan: what is on the air when the receivers begin to listen was started earlier, and is played
at once when the world is entered. After its plan, the air is silent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush
from random import Random
from types import MappingProxyType, TracebackType

from bumble import hci
from bumble.device import Device
from bumble.transport import open_transport

from bluezone_harness.virtual.addresses import static
from bluezone_harness.virtual.phones import Sender, prepared, senders
from bluezone_harness.virtual.plans import Plan
from bluezone_harness.virtual.radio import receiver_names
from bluezone_harness.virtual.watching import Watch

from .air import Air, Clock
from .controllers import VirtualController
from .hosts import virtual_device
from .phones import VirtualPhone
from .players import Job, Player
from .served import SCHEMES, serve_host

_RECEIVER = "receiver"


class World:
    """Virtual phones on the air, and receivers that hear them; an asynchronous context manager.

    Attributes:
        plan: What happens, as its faults change it.
        receivers: Hosts that are powered on, one for each of ``receiver_names``; they listen when they are told to.
        controllers: Of the receivers.
        phones: Those under test, by their names.
        air: Between all of them.
        watch: Who is told what is sent, and what centrals do with it.
    """

    receivers: tuple[Device, ...]
    controllers: tuple[VirtualController, ...]
    phones: Mapping[str, VirtualPhone]
    air: Air

    def __init__(
        self,
        plan: Plan,
        seed: int,
        scene_senders: Sequence[Sender] | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Prepare a world; nothing happens until it is entered.

        Args:
            plan: What happens.
            seed: Any integer.
            scene_senders: Who sends, in place of whom the plan has; phones among them are those of the plan.
            watch: Is told what is sent.

        Raises:
            ValueError: As ``simulate``.
            RefusedError: BAD_BASE_ID.
        """
        self.plan = prepared(plan, seed)
        self.watch = watch
        self._senders = senders(self.plan, seed) if scene_senders is None else list(scene_senders)
        named = {phone.name for phone in self.plan.phones}
        # numbers tell the plan's phones from strangers of the same name
        self._tested = [
            number < len(self.plan.phones) if scene_senders is None else each.name in named
            for number, each in enumerate(self._senders)
        ]
        self._seed = seed
        self._jobs: deque[tuple[Job, asyncio.Future[None]]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._turns: list[tuple[int, int]] = []
        self._players: list[Player] = []
        self._conductor: asyncio.Task[None] | None = None

    async def __aenter__(self) -> World:
        """Begin: the plan's start is now."""
        plan, seed = self.plan, self._seed
        self.air = Air(Clock(plan.start_ms * 1000), seed=seed, receivers=plan.receivers, loss=plan.loss)
        self.air.hold(0)
        self.receivers, self.controllers = await self._listeners()
        phones: dict[str, VirtualPhone] = {}
        for number, sender in enumerate(self._senders):
            if sender.phone is None:
                player = Player(sender.name, number, sender.windows, sender.random, self, "Thing")
            else:
                player = phone = VirtualPhone(sender, number, plan, seed, self)
                if self._tested[number]:
                    phones[sender.name] = phone
            self._players.append(player)
        self.phones = MappingProxyType(phones)
        for number in range(len(self._players)):
            self._take_turn(number)
        await self._play_until(plan.start_ms * 1000)
        self._conductor = asyncio.create_task(self._conduct(), name="world")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End: the air is silent from now on.

        Raises:
            Exception: What ended the world before.
        """
        self.air.hold(0)
        conductor = self._conductor
        if conductor is not None:
            conductor.cancel()
            await asyncio.wait([conductor])
        for player in self._players:
            player.end(min(self.now_us(), self.plan.until_ms * 1000))
        if conductor is not None and error is None and not conductor.cancelled():
            conductor.result()

    def now_us(self) -> int:
        """Return the time, in microseconds since the Unix epoch."""
        return self.air.clock.now_us()

    async def run_until(self, time_us: int) -> None:
        """Let time pass until an instant; what happens in it has happened then.

        Args:
            time_us: In microseconds since the Unix epoch.

        Raises:
            Exception: What ended the world meanwhile.
            RuntimeError: The world was not entered.
        """
        if self._conductor is None:
            raise RuntimeError("the world was not entered")
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.air.clock.call_at(time_us, partial(_reach, reached))
        await asyncio.wait([reached, self._conductor], return_when=asyncio.FIRST_COMPLETED)
        timer.cancel()
        if self._conductor.done():
            self._conductor.result()

    def do(self, job: Job) -> Awaitable[None]:
        """Have something done when it is its turn, at this time still."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._jobs.append((job, done))
        if self._waiter is not None:
            _reach(self._waiter)
        return done

    async def _listeners(self) -> tuple[tuple[Device, ...], tuple[VirtualController, ...]]:
        devices: list[Device] = []
        controllers: list[VirtualController] = []
        for name in receiver_names(self.plan.receivers):
            random = Random(f"{self._seed} {_RECEIVER} {name}")  # noqa: S311 - a simulation
            address = hci.Address(static(random)[::-1], hci.AddressType.RANDOM_DEVICE)
            # BlueZ takes no controller that has none
            public = hci.Address(random.randbytes(6), hci.AddressType.PUBLIC_DEVICE)
            controller = VirtualController(name or _RECEIVER, self.air, public)
            self.air.add_receiver(controller)
            device = virtual_device(controller, name or _RECEIVER, address)
            await device.power_on()
            devices.append(device)
            controllers.append(controller)
        return tuple(devices), tuple(controllers)

    def _take_turn(self, number: int) -> None:
        time_us = self._players[number].next_us
        if time_us is not None:
            heappush(self._turns, (time_us, number))

    def _next_turn_us(self) -> int | None:
        """Return when a player has to act next."""
        while self._turns and self._players[self._turns[0][1]].next_us != self._turns[0][0]:
            heappop(self._turns)  # it has been told otherwise since
        return self._turns[0][0] if self._turns else None

    async def _play_until(self, time_us: int) -> None:
        """Tell players to act, one after the other, up to an instant."""
        while (turn_us := self._next_turn_us()) is not None and turn_us <= time_us:
            self.air.hold(turn_us)
            number = heappop(self._turns)[1]
            await self._players[number].act(turn_us)
            self._take_turn(number)

    async def _conduct(self) -> None:
        until_us = self.plan.until_ms * 1000
        while True:
            while self._jobs:
                await self._do_one()
            await self._play_until(min(self.now_us(), until_us - 1))
            if self._jobs:
                continue
            turn_us = self._next_turn_us()
            if turn_us is not None and turn_us < until_us:
                self.air.hold(turn_us)
                await self._wait(turn_us)
            else:
                self.air.hold(until_us)
                await self._wait(None)

    async def _do_one(self) -> None:
        job, done = self._jobs.popleft()
        try:
            await job()
        except Exception as error:  # whatever it is, who waits for the job gets it
            if not done.done():
                done.set_exception(error)
            raise
        for number in range(len(self._players)):
            self._take_turn(number)
        if not done.done():
            done.set_result(None)

    async def _wait(self, time_us: int | None) -> None:
        """Wait for an instant, or for a job."""
        if self._jobs:
            return  # somebody who heard an advert just now asked for it
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiter = waiter
        timer = None if time_us is None else self.air.clock.call_at(time_us, partial(_reach, waiter))
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()


async def serve(world: World, transport_name: str, receiver: int = 0) -> None:
    """Let a host in another process have a receiver's controller; until it is cancelled, or the transport ends.

    Args:
        world: That was entered, in real time.
        transport_name: As bumble names transports, such as ``tcp-server:127.0.0.1:9000``, ``pty`` or ``vhci``.
        receiver: Which, from 0; the host in this process no longer hears it.
    """
    controller = world.controllers[receiver]
    if transport_name.partition(":")[0] in SCHEMES:
        await serve_host(controller, transport_name)
        return
    async with await open_transport(transport_name) as transport:
        controller.set_packet_sink(transport.sink)
        transport.source.set_packet_sink(controller)
        try:
            await transport.source.terminated
        finally:
            controller.set_packet_sink(None)
            server = getattr(transport, "server", None)
            if server is not None:
                server.close()  # stock: goes on listening


def _reach(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
