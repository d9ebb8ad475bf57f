"""A broadcast: a scenario played towards a device under test, and the exact record of what was sent.

::

    Scene  ->  World (virtual air)      ->  BroadcastRecorder  ->  Recorder  ->  the operating system
           ->  Broadcaster (controller) ->

Theory of operation. Whoever plays the scene tells the recorder what is on the air, from when until when; the record
says that and nothing else, so that nobody is blamed for not hearing what was never sent. Lines come in the order of
time: what a scenario notes by itself (``event``) is written when its time has come. Nothing that is told to the
recorder makes it raise: where the operating system takes no more, it says so once, and whoever plays ends.

A file is made once playing has begun: what cannot be played leaves none behind.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bluezone_harness.observations import Capability, Event, Extent, Gap
from bluezone_harness.sources.recording_lines import LATEST_US
from bluezone_harness.sources.recordings import LONGEST_LINE
from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.radio import MIDDLE_RSSI
from bluezone_harness.virtual.watching import Link
from bluezone_harness.writing.recordings import observation_line

from .receivers import Clock
from .recorder import RawFile, Recorder, RecorderError

if TYPE_CHECKING:
    from bluezone_harness.virtual.ble.worlds import World
    from bluezone_harness.virtual.scenarios.model import Scenario
    from bluezone_harness.virtual.scenarios.scenes import Scene

SOURCE = "broadcast"
"""What the header of a record says that it comes from."""
CAPABILITIES: Mapping[Capability, Extent] = {Capability.SENT: Extent.YES}
"""What a record can show."""
PLAYED = "the scenario was played to its end"
_SLEPT_US = 2_000_000
"""By so much more than the time that passed a clock goes on where the computer slept, or the clock was set."""
_FLUSH_S = 0.2
"""So much less than half a second that a busy computer keeps the promise, too."""


class BroadcastRecorder:
    """Keeps the record of a broadcast; it is what whoever plays tells (``Watch``).

    Args:
        scenario: Which is played.
        make_file: Opens the file of the record.
        now: Tells microseconds of the clock by which lines wait.
        failed: Is called when the operating system takes no more.
        tells_rssi: The signal is that of the scenario, as on the virtual air; a controller sends as it sends.

    Attributes:
        failure: Why the operating system takes no more.
        reason: Why the broadcast ends, for people; empty: as far as it was played says it.
        on_air_now: Whose sets are on the air, by their numbers.
        sets: How many sets were on the air so far.
        connections: How many centrals connected so far.
        reads: How many reads there were so far.
    """

    def __init__(
        self,
        scenario: Scenario,
        make_file: Callable[[], RawFile],
        *,
        now: Callable[[], int],
        failed: Callable[[], None] = lambda: None,
        tells_rssi: bool = True,
    ) -> None:
        self._scenario = scenario
        self._make_file = make_file
        self._now = now
        self._failed = failed
        self._tells_rssi = tells_rssi
        self._recorder: Recorder | None = None
        self._held: list[Event | Gap] = []
        self._events: deque[Event] = deque()
        self._is_closed = False
        self.failure: RecorderError | None = None
        self.reason = ""
        self.on_air_now: dict[int, str] = {}
        self.sets = 0
        self.connections = 0
        self.reads = 0

    @property
    def is_open(self) -> bool:
        """There is a file."""
        return self._recorder is not None

    def begin(self, start_us: int) -> None:
        """Begin; the first line tells of the scenario.

        Args:
            start_us: When the scenario begins, in microseconds since the Unix epoch.
        """
        scenario = self._scenario
        self._write(_scenario_event(scenario, start_us))
        self._events.extend(
            Event(0, start_us + each.at_ms * 1000, each.name, each.fields) for each in scenario.events
        )

    def open(self) -> None:
        """Make the file, and write what was told so far.

        Raises:
            OSError: It cannot be made.
            RecorderError: The operating system takes nothing.
        """
        self._recorder = Recorder(self._make_file(), None, SOURCE, "", CAPABILITIES, now=self._now)
        held, self._held = self._held, []
        for each in held:
            self._write(each)

    # What is told by whoever plays

    def on_air(self, time_us: int, sender: str, window: SentWindow) -> int:
        """Take that a set begins to be sent, and return its number."""
        number = self.sets
        self.sets += 1
        self.on_air_now[number] = sender
        fields: dict[str, object] = {
            "set": number,
            "sender": sender,
            "address": _text(window.address),
            "address_type": str(window.address_type),
            "pdu": str(window.pdu),
            "ad": window.ad.hex(),
        }
        if window.response:
            fields["response"] = window.response.hex()
        fields["interval_us"] = window.interval_us
        if window.level and self._tells_rssi:
            fields["rssi"] = MIDDLE_RSSI + window.level
        self._tell(time_us, "on_air", fields)
        return number

    def off_air(self, time_us: int, number: int, adverts: int | None) -> None:
        """Take that a set is sent no longer."""
        self.on_air_now.pop(number, None)
        known = {} if adverts is None else {"adverts": adverts}
        self._tell(time_us, "off_air", {"set": number, **known})

    def connected(self, time_us: int, link: Link) -> None:
        """Take that a central connected."""
        self.connections += 1
        central = {"peer": _text(link.central), "peer_type": str(link.central_type)}
        self._tell(time_us, "peer_connected", {**_whom(link), **central})

    def read(self, time_us: int, link: Link, characteristic: str, answer: bytes | int | None) -> None:
        """Take that a central read."""
        self.reads += 1
        fields: dict[str, object] = {**_whom(link), "characteristic": characteristic}
        if isinstance(answer, bytes):
            fields["value"] = answer.hex()
        elif answer is not None:
            fields["att_error"] = answer
        self._tell(time_us, "peer_read", fields)

    def disconnected(self, time_us: int, link: Link) -> None:
        """Take that a connection is over."""
        self._tell(time_us, "peer_disconnected", _whom(link))

    def gap(self, from_us: int, until_us: int) -> None:
        """Take that nothing was sent for a while, because the controller was lost or the computer slept."""
        self._note_until(until_us)
        self._write(Gap(0, from_us, max(from_us, until_us)))

    # The file

    def pass_time(self, time_us: int) -> None:
        """Note what the scenario notes by itself up to an instant, and hand over what waits.

        Args:
            time_us: Now, by the clock of what is told.
        """
        self._note_until(time_us)
        if self._recorder is not None and self.failure is None and not self._is_closed:
            try:
                self._recorder.flush()
                self._recorder.take_flushed()  # nobody else wants it
            except RecorderError as error:
                self._fail(error)

    def close(self, time_us: int, reason: str) -> None:
        """Write the last line, and close the file; again, or where there is none, it does nothing.

        Args:
            time_us: Now, by the clock of what is told.
            reason: Why the broadcast ends, for people.
        """
        if self._recorder is None or self._is_closed:
            return
        self._note_until(time_us)
        self._is_closed = True
        try:
            self._recorder.close(reason)
        except RecorderError as error:
            self._fail(error)

    def _tell(self, time_us: int, kind: str, fields: Mapping[str, object]) -> None:
        self._note_until(time_us)
        self._write(Event(0, time_us, kind, fields))

    def _note_until(self, time_us: int) -> None:
        while self._events and self._events[0].time_us <= time_us:
            self._write(self._events.popleft())

    def _write(self, told: Event | Gap) -> None:
        if self._is_closed or self.failure is not None:
            return
        if self._recorder is None:
            self._held.append(told)
            return
        try:
            self._recorder.add(told)
        except RecorderError as error:
            self._fail(error)

    def _fail(self, error: RecorderError) -> None:
        if self.failure is None:
            self.failure = error
            self._failed()


def fits_record(scenario: Scenario) -> bool:
    """Tell whether a scenario finds room in the line of a record."""
    return len(observation_line(_scenario_event(scenario, LATEST_US))) <= LONGEST_LINE


async def keep_record(record: BroadcastRecorder, clock: Clock) -> None:
    """Hand a record's lines over in time, until cancelled: for what is played in real time.

    Where the clock goes on by much more than the time that passed, the computer slept, and nothing was sent.

    Args:
        record: Of what is played.
        clock: By which it is played.
    """
    loop = asyncio.get_running_loop()
    clock_us, loop_s = clock.now_us(), loop.time()
    while True:
        await asyncio.sleep(_FLUSH_S)
        now_us, now_s = clock.now_us(), loop.time()
        if now_us - clock_us - round((now_s - loop_s) * 1e6) > _SLEPT_US:
            record.gap(clock_us, now_us)
        clock_us, loop_s = now_us, now_s
        record.pass_time(now_us)


@asynccontextmanager
async def broadcast_world(scene: Scene, record: BroadcastRecorder) -> AsyncIterator[World]:
    """Play a scene on the virtual air, with its record; in virtual time as in real time.

    The scenario begins when this is entered. The file is whole afterwards, whatever ended it; make it before by
    ``BroadcastRecorder.open``, or, where that waits for something, meanwhile.

    Args:
        scene: Which was not played before.
        record: Of it.

    Returns:
        The world: ``run_until(world.plan.until_ms * 1000)`` plays to the end.

    Raises:
        RecorderError: The operating system took no more of the record; all was played.
    """
    from bluezone_harness.virtual.ble.worlds import World

    world = World(scene.plan, scene.seed, scene.senders, record)
    until_us = world.plan.until_ms * 1000
    record.begin(world.plan.start_ms * 1000)
    now_us = world.plan.start_ms * 1000
    reason = "it failed"
    try:
        async with world:
            try:
                yield world
            finally:
                now_us = min(world.now_us(), until_us)
            reason = record.reason or (PLAYED if now_us == until_us else "it was ended early")
    finally:
        record.close(now_us, reason)
    if record.failure is not None:
        raise record.failure


async def record_of_world(scene: Scene, record: BroadcastRecorder) -> None:
    """Play a scene on the virtual air to its end, with nobody but the world's own receivers.

    Args:
        scene: Which was not played before.
        record: Of it; its file is made here.

    Raises:
        OSError: It cannot be made.
        RecorderError: The operating system took no more of it.
    """
    record.open()
    async with broadcast_world(scene, record) as world:
        await world.run_until(world.plan.until_ms * 1000)


def _scenario_event(scenario: Scenario, start_us: int) -> Event:
    return Event(0, start_us, "scenario", {"sha256": scenario.sha256, "text": scenario.text})


def _whom(link: Link) -> dict[str, object]:
    return {"address": _text(link.address), "address_type": str(link.address_type)}


def _text(address: bytes) -> str:
    return address.hex(":").upper()
