"""A scene played by a controller of one's own, towards a device under test on the real air (extra ``hci``).

Theory of operation. On-windows of all senders are wanted from their start to their stop. As long as the controller has
a set for each, each is sent all the time. Where it has fewer, they take turns: each is sent for a few of its
advertising intervals, then the one that has waited longest. What the record is told are the times of the controller's
answers, so that it holds what was on the air, turn by turn, and never what was only wanted.

A central that connects ends its set; the set is started anew at once, as phones do, unless the controller cannot
advertise while it is connected. Which set was connected to decides whose GATT server answers.

A controller that is lost is waited for; meanwhile nothing is sent, and the record says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from heapq import merge

from bumble import hci
from bumble.device import Connection, Device

from bluezone_harness.observations import AddressType
from bluezone_harness.virtual.ble.services import write_ignored
from bluezone_harness.virtual.phones import Sender
from bluezone_harness.virtual.plans import SentWindow

from .attached import Attach, Attached
from .broadcasting import BroadcastRecorder
from .cancelling import was_cancelled
from .controller_sets import UNIT_US, Slot, slots_of, turn_us, units_of
from .controllers import lost
from .receivers import Clock, ListenError
from .served_reads import ServedReads

_logger = logging.getLogger(__name__)

Begin = Callable[[], tuple[tuple[Sender, ...], ServedReads, int]]
"""Begins the scene: returns who sends, what answers reads, and when it ends, in microseconds since the Unix epoch."""
_ANSWER_S = 5.0
"""How long a controller may take to answer."""
_LEAVE_S = 2.0
_AGAIN_S = 2.0
_REFUSED_US = 1_000_000
"""So long what the controller refused is not asked for again."""


@dataclass(slots=True, eq=False)
class _Wanted:
    """An on-window that is wanted on the air.

    Attributes:
        sender: Whose it is.
        window: What is sent.
        slot: By which set it is sent; ``None``: by none.
        number: Which the record gave it, while it is sent.
        turn_us: When its turn is over.
        not_before_us: When it may be asked for again.
    """

    sender: Sender
    window: SentWindow
    slot: Slot | None = None
    number: int | None = None
    turn_us: int = 0
    not_before_us: int = 0


class Broadcaster:
    """Plays senders by a controller.

    Args:
        name: Of the controller, as people gave it.
        attach: Opens it.
        clock: Tells the time.
        record: Is told what is sent.
        say: Tells people a sentence.
    """

    def __init__(
        self,
        name: str,
        attach: Attach,
        clock: Clock,
        record: BroadcastRecorder,
        say: Callable[[str], None],
    ) -> None:
        self._name = name
        self._attach = attach
        self._clock = clock
        self._record = record
        self._say = say
        self._upcoming: Iterator[tuple[int, int, Sender, SentWindow]] = iter(())
        self._following: tuple[int, int, Sender, SentWindow] | None = None
        self._waiting: deque[_Wanted] = deque()
        self._sent: list[_Wanted] = []
        self._free: deque[Slot] = deque()
        self._last: dict[Slot, _Wanted] = {}
        self._wake = asyncio.Event()
        self._told: set[str] = set()
        self._reads: ServedReads | None = None
        self._until_us: int | None = None
        self._waits_for = ""
        self._ended_us = 0
        self._lost_us: int | None = None
        self._not_begun: Exception | None = None
        self._is_over = False

    async def run(self, begin: Begin) -> None:
        """Play to the end.

        Args:
            begin: Is called once, when the controller is there.

        Raises:
            ListenError: The controller was never there, or will not come back.
            Exception: What ``begin`` raised.
        """
        while True:
            try:
                await self._attached(begin)
                return
            except ListenError as error:
                if not error.may_return or self._until_us is None:
                    raise
                if self._lost_us is None:
                    self._lost_us = self._ended_us
                if self._waits_for != str(error):
                    self._waits_for = str(error)
                    self._say(f"{error}; waiting for it")
            left_us = self._until_us - self._clock.now_us()
            await asyncio.sleep(min(_AGAIN_S, max(0, left_us) / 1e6))
            if self._clock.now_us() >= self._until_us:
                return

    def end(self, time_us: int) -> None:
        """Tell the record what is no longer sent, whatever ended it.

        Args:
            time_us: Now.
        """
        self._end_all(time_us)
        if self._lost_us is not None:
            self._record.gap(self._lost_us, time_us)
            self._lost_us = None

    async def _attached(self, begin: Begin) -> None:
        try:
            async with self._attach() as attached:
                await self._play(attached, begin)
        except ListenError:
            raise
        except asyncio.CancelledError as error:
            if was_cancelled():
                raise
            raise lost(self._name, error) from None
        except Exception as error:
            if error is self._not_begun:
                raise
            # whatever a library raises, people get a sentence
            raise lost(self._name, error) from None
        finally:
            self._ended_us = self._clock.now_us()
            self._end_all(self._ended_us)

    async def _play(self, attached: Attached, begin: Begin) -> None:
        device = attached.device
        self._is_over = False
        try:
            async with asyncio.timeout(_ANSWER_S):
                await device.power_on()
        except TimeoutError:
            raise _silent(self._name) from None
        self._free = deque(slots_of(device, self._on_ended))
        device.gatt_server.on_att_write_command = write_ignored
        device.on(device.EVENT_CONNECTION, self._on_connection)
        if self._until_us is None:
            try:
                senders, self._reads, self._until_us = begin()
            except Exception as error:
                self._not_begun = error
                raise
            self._upcoming = merge(*(_numbered(number, each) for number, each in enumerate(senders)))
            self._following = next(self._upcoming, None)
        elif self._lost_us is not None:
            lost_us, self._lost_us, self._waits_for = self._lost_us, None, ""
            self._record.gap(lost_us, self._clock.now_us())
            self._say("the controller is there again")
        gone = attached.gone
        playing = asyncio.create_task(self._play_on(self._until_us), name="broadcast")
        waited: list[asyncio.Future[None]] = [playing]
        if gone is not None:
            waited.append(gone)
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not playing.done():
                raise lost(self._name, EOFError())
            playing.result()
        finally:
            is_there = gone is None or not gone.done()
            if is_there:
                # a command is not given up half-way: what the controller says to it would be taken for the next one's
                self._is_over = True
                self._wake.set()
                await asyncio.wait([playing], timeout=_LEAVE_S)
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
            if is_there:
                await self._leave(device)

    async def _play_on(self, until_us: int) -> None:
        while not self._is_over:
            now_us = self._clock.now_us()
            if now_us >= until_us:
                return
            self._wake.clear()
            try:
                async with asyncio.timeout(_ANSWER_S):
                    await self._stop_what_is_over(now_us)
                    self._take_what_begins(now_us)
                    await self._start_what_waits()
            except TimeoutError:
                raise _silent(self._name) from None
            wake_us = min(until_us, self._next_us(until_us))
            wait_s = max(0, wake_us - self._clock.now_us()) / 1e6
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    def _next_us(self, until_us: int) -> int:
        """Return when something has to be done next, should nothing happen before."""
        times = [until_us, *(each.window.until_us for each in (*self._sent, *self._waiting))]
        if self._following is not None:
            times.append(self._following[0])
        if self._waiting:
            now_us = self._clock.now_us()
            ready = [each.not_before_us for each in self._waiting]
            # who waits for a set waits for the next turn; who was refused, for its own time
            times += [each.turn_us for each in self._sent if min(ready) <= now_us]
            times += [each for each in ready if each > now_us]
        return min(times)

    async def _stop_what_is_over(self, now_us: int) -> None:
        self._waiting = deque(each for each in self._waiting if each.window.until_us > now_us)
        ready = sum(each.not_before_us <= now_us for each in self._waiting) - len(self._free)
        for each in sorted(self._sent, key=lambda sent: sent.turn_us):
            if each.window.until_us <= now_us:
                await self._stop(each)
            elif each.turn_us <= now_us and ready > 0:
                ready -= 1
                await self._stop(each)
                if each not in self._waiting:  # as it is where a central connected just now
                    self._waiting.append(each)

    def _take_what_begins(self, now_us: int) -> None:
        while self._following is not None and self._following[0] <= now_us:
            _, _, sender, window = self._following
            self._following = next(self._upcoming, None)
            if window.until_us <= now_us:
                continue
            if window.address_type is AddressType.PUBLIC:
                self._say_once(
                    f"{sender.name} has a public address, which a controller cannot be given: it is not sent"
                )
                continue
            self._waiting.append(_Wanted(sender, window))

    async def _start_what_waits(self) -> None:
        for _ in range(len(self._waiting)):
            if not self._free or self._is_over:
                return
            wanted = self._waiting.popleft()
            now_us = self._clock.now_us()
            if wanted.window.until_us <= now_us:
                continue
            if wanted.not_before_us > now_us:
                self._waiting.append(wanted)
                continue
            slot = self._free.popleft()
            await self._start(wanted, slot)

    async def _start(self, wanted: _Wanted, slot: Slot) -> None:
        interval_us = units_of(wanted.window.interval_us) * UNIT_US
        wanted.slot = slot
        self._sent.append(wanted)
        self._last[slot] = wanted
        try:
            await slot.start(wanted.window)
        except hci.HCI_Error as error:
            self._forget(wanted)
            now_us = self._clock.now_us()
            wanted.not_before_us = now_us + _REFUSED_US
            self._waiting.append(wanted)
            # while a central is connected, many a controller cannot advertise: that passes
            if self._reads is None or not self._reads.is_connected:
                said = " ".join(str(error).split())
                self._say_once(
                    f"the controller refuses to send {wanted.sender.name} ({said}): it is not sent"
                )
            return
        now_us = self._clock.now_us()
        wanted.turn_us = now_us + turn_us(interval_us)
        if wanted.slot is not None:
            self._tell_on(wanted, now_us)

    async def _stop(self, wanted: _Wanted) -> None:
        slot = wanted.slot
        if slot is not None:
            await slot.stop()
            self._tell_off(wanted, self._clock.now_us())
            self._forget(wanted)

    def _forget(self, wanted: _Wanted) -> None:
        """Take an on-window from its set, which is free then."""
        slot, wanted.slot = wanted.slot, None
        if wanted in self._sent:
            self._sent.remove(wanted)
        if slot is not None:
            self._free.append(slot)

    def _tell_on(self, wanted: _Wanted, time_us: int) -> None:
        interval_us = units_of(wanted.window.interval_us) * UNIT_US
        window = wanted.window._replace(interval_us=interval_us)
        wanted.number = self._record.on_air(time_us, wanted.sender.name, window)

    def _tell_off(self, wanted: _Wanted, time_us: int) -> None:
        number, wanted.number = wanted.number, None
        if number is not None:
            self._record.off_air(time_us, number, None)

    def _end_all(self, time_us: int) -> None:
        for each in self._sent:
            self._tell_off(each, time_us)
            each.slot = None
        # they go on when the controller is there again
        self._waiting.extendleft(reversed(self._sent))
        self._sent = []
        self._free.clear()
        self._last.clear()
        if self._reads is not None:
            self._reads.end(time_us)

    def _on_ended(self, slot: Slot) -> None:
        """Take that a central connected to a set."""
        wanted = next((each for each in self._sent if each.slot is slot), None)
        if wanted is not None:
            now_us = self._clock.now_us()
            if wanted.number is None:
                # a central was faster than the controller's answer: what it connected to was sent
                self._tell_on(wanted, now_us)
            self._tell_off(wanted, now_us)
            self._forget(wanted)
            self._waiting.appendleft(wanted)
            self._wake.set()

    def _on_connection(self, connection: Connection) -> None:
        if connection.role != hci.Role.PERIPHERAL or self._reads is None:
            return
        wanted = next((each for slot, each in self._last.items() if slot.is_of(connection)), None)
        if wanted is not None:
            self._reads.connect(connection, wanted.sender, wanted.window)
            connection.once(connection.EVENT_DISCONNECTION, lambda _: self._wake.set())

    async def _leave(self, device: Device) -> None:
        """Let a controller be as it was; one that does not answer is left as it is."""
        try:
            async with asyncio.timeout(_LEAVE_S):
                for each in tuple(self._sent):
                    await self._stop(each)
                for connection in tuple(device.connections.values()):
                    await connection.disconnect()
                # whatever else it may still send, it is to send no longer
                await device.send_sync_command(hci.HCI_Reset_Command())
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever bumble raises: it is over
            _logger.debug("the controller could not be left tidily: %s", error)

    def _say_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._say(text)


def _numbered(number: int, sender: Sender) -> Iterator[tuple[int, int, Sender, SentWindow]]:
    for window in sender.windows:
        yield window.from_us, number, sender, window


def _silent(name: str) -> ListenError:
    return ListenError(
        f"{name}: the controller does not answer: check that it is one, and that nothing else uses it",
        may_return=True,
    )
