"""A session of listening: what is heard is recorded, judged and shown while it comes.

::

    Receiver  ->  hear  ->  kept?  ->  private?  ->  LiveRecording  ->  LiveJudge
                   |  |
                   |  +->  Rows
                   +->  ReadingPlan  ->  GattReader  ->  hear

Theory of operation. ``hear`` is called by whoever hears, often from the depths of a library, so it never raises: what
goes wrong there ends the session from outside. A receiver that goes away is waited for once it has been heard; how long
it was gone stands in the recording, as does a time in which the computer slept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from bluezone_harness.checks.captures import Capture
from bluezone_harness.observations import Advert, Gap, Observation, duration_text
from bluezone_harness.results import Result

from .judging import LiveJudge, is_decided
from .owners import Owners
from .reading_plan import ReadingPlan
from .receivers import Clock, ListenError, Receiver
from .recording import LiveRecording, MakeRecorder, Shown
from .rows import Row, Rows
from .session_values import Ending, JudgeCapture, Settings, Snapshot

__all__ = ["TICK_S", "Ending", "JudgeCapture", "MakeRecorder", "Session", "Settings", "Snapshot"]

_US = 1_000_000
TICK_S = 0.5
_AGAIN_S = 2.0
_JUMP_US = 2 * _US
"""By so much more than the time that passed a clock goes on where the computer slept, or the clock was set."""
_JUDGE_SHARE = 10
"""Judging takes a tenth of the time at most."""
_LEAVE_S = 3.0
"""So long who reads a phone may take to disconnect from it, before the receiver stops."""


class Session:
    """Listens.

    Args:
        receiver: Who hears.
        make_recorder: Makes the recorder.
        name: Of the recording, without folders.
        judge: Judges what was recorded.
        rows: Show it.
        owners: Say whose it is.
        plan: Says whom to read; of use with ``Settings.reads`` alone.
        clock: Tells the time.
        settings: What is wanted.
        shown: Returns what the recording can show, should that change; ``None``: it does not.
    """

    def __init__(
        self,
        receiver: Receiver,
        make_recorder: MakeRecorder,
        name: str,
        judge: LiveJudge,
        rows: Rows,
        owners: Owners,
        plan: ReadingPlan,
        clock: Clock,
        settings: Settings,
        shown: Shown | None = None,
    ) -> None:
        self._receiver = receiver
        self._recording = LiveRecording(
            receiver,
            make_recorder,
            shown,
            name,
            judge,
            settings.say,
            lambda: self.end("the recording failed"),
        )
        self._judge = judge
        self._rows = rows
        self._owners = owners
        self._plan = plan
        self._clock = clock
        self._settings = settings
        self._defect: Exception | None = None
        self._over = asyncio.Event()
        self._reason = ""
        self._listen_failure = ""
        self._heard = False
        self._adverts = 0
        self._since_us: int | None = None if receiver.is_clock else clock.now_us()
        self._last_us = self._since_us or 0
        self._gone_us: int | None = None
        self._waiting = ""
        self._result: Result | None = None

    def hear(self, observation: Observation) -> None:
        """Take what was heard or read; it never raises."""
        if self._over.is_set():
            return
        try:
            self._hear(observation)
        except Exception as error:  # noqa: BLE001 - a library that called would swallow it, or stop listening
            self._fail_by(error)

    def _hear(self, observation: Observation) -> None:
        if not self._recording.has_time(observation.time_us) or self._is_late(observation.time_us):
            return
        if self._gone_us is not None and isinstance(observation, Advert):
            gone_us, self._gone_us, self._waiting = self._gone_us, None, ""
            self._record(Gap(0, gone_us, max(gone_us, observation.time_us)))
            self._settings.say("listening again")
        owner = self._owners.hear(observation)
        self._rows.hear(observation, owner)
        if isinstance(observation, Advert):
            self._heard = True
            self._plan.hear(observation)
            self._last_us = max(self._last_us, observation.time_us)
        if self._settings.keeps(observation):
            private = self._settings.private(observation)
            if private is not None:
                self._record(private)

    def hear_together(self, observations: Sequence[Observation]) -> None:
        """Take what belongs together: whose it is, any of it may tell."""
        try:
            for each in observations:
                if self._settings.learn is not None:
                    self._settings.learn(each)
        except Exception as error:  # noqa: BLE001 - as in ``hear``
            self._fail_by(error)
        for each in observations:
            self.hear(each)

    def hear_packet(self, time_us: int, link_type: int, octets: bytes) -> None:
        """Take the octets of a packet; it never raises."""
        if self._over.is_set():
            return
        try:
            if self._recording.has_time(time_us):
                self._recording.add_packet(time_us, link_type, octets)
        except Exception as error:  # noqa: BLE001 - as in ``hear``
            self._fail_by(error)

    def end(self, reason: str) -> None:
        """End the session; the first reason counts."""
        if not self._over.is_set():
            self._reason = reason
            self._over.set()

    def judged(self, capture: Capture) -> Result:
        """Judge what was recorded, once and for all."""
        return self._judge.result(capture)

    def _judged_until_now(self, until_now: Callable[[], Capture]) -> Result:
        return self._judge.result(until_now())

    def snapshot(self) -> Snapshot:
        """Return what there is to show now."""
        now_us = self._clock.now_us()
        since_us = now_us if self._since_us is None else self._since_us
        rows = self._rows.rows(now_us)
        reads = self._may_read(rows)
        return Snapshot(now_us, since_us, self._recording.adverts, rows, self._result, self._waiting, reads)

    def _may_read(self, rows: Sequence[Row]) -> bool:
        """Tell whether reading may show anything of a phone under test: an Android phone offers nothing to read."""
        if not self._settings.reads:
            return False
        own = [each.platform for each in rows if each.device is not None]
        return any(each != "android" for each in own) if own else self._plan.has_phones

    async def run(self) -> Ending:
        """Listen until something ends it.

        Raises:
            ListenError: Nothing was ever heard, because listening never began; then nothing is recorded either.
        """
        try:
            await self._run()
        except BaseException as error:
            reason = "it failed" if isinstance(error, Exception) else "it was cancelled"
            self._recording.close(reason, begin=False)
            raise
        return self._ended()

    async def _run(self) -> None:
        tasks = [asyncio.create_task(each) for each in (self._listen(), self._tick())]
        if self._settings.judges:
            tasks.append(asyncio.create_task(self._keep_judging()))
        reading: asyncio.Task[None] | None = None
        if self._settings.reads:
            from .gatt_reader import GattReader  # bleak takes a while to import

            together = self._settings.learn is not None
            reader = GattReader(
                self._receiver, self._plan, self._clock, self.hear_together, together=together
            )
            reading = asyncio.create_task(reader.run())
        over = asyncio.create_task(self._over.wait())
        waited = [over, *tasks, *([] if reading is None else [reading])]
        try:
            done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _stop(reading, waited)
        for error in (self._defect, *(each.exception() for each in done)):
            if isinstance(error, ListenError) and self._heard:
                self._reason, self._listen_failure = "the receiver failed", str(error)
            elif error is not None:
                raise error

    async def _listen(self) -> None:
        while True:
            try:
                await self._receiver.listen(self.hear, self.hear_packet)
            except ListenError as error:
                if not error.may_return or not self._heard:
                    raise
                if self._gone_us is None:
                    self._gone_us = self._last_us
                if self._waiting != str(error):
                    self._waiting = str(error)
                    self._settings.say(f"{error}; waiting for it")
                await asyncio.sleep(_AGAIN_S)
            else:
                self.end("the stream ended")
                await self._over.wait()
                return

    async def _tick(self) -> None:
        """Look after the recording, the end, and the clock."""
        loop = asyncio.get_running_loop()
        clock_us, loop_s = self._clock.now_us(), loop.time()
        while True:
            await asyncio.sleep(TICK_S)
            now_us, now_s = self._clock.now_us(), loop.time()
            if self._receiver.is_clock:
                loop_s = now_s - (now_us - clock_us) / _US  # a stream comes as fast as it likes
            jump_us = now_us - clock_us - round((now_s - loop_s) * _US)
            if abs(jump_us) > _JUMP_US:
                self._jumped(clock_us, now_us, jump_us)
            clock_us, loop_s = now_us, now_s
            if not self._receiver.is_clock:
                self._end_if_long(now_us)
            self._recording.flush()

    async def _keep_judging(self) -> None:
        """Judge what was recorded, over and over; less often the longer it takes."""
        loop = asyncio.get_running_loop()
        judged = -1
        wait_s = self._settings.judge_each_s
        while True:
            await asyncio.sleep(wait_s)
            began_s = loop.time()
            self._recording.flush()
            until_now = self._recording.until_now() if judged != self._recording.lines else None
            if until_now is None:
                continue
            judged = self._recording.lines
            self._result = result = await self._settings.judging(partial(self._judged_until_now, until_now))
            wait_s = max(self._settings.judge_each_s, _JUDGE_SHARE * (loop.time() - began_s))
            if self._settings.until.decided and is_decided(result, reads=self.snapshot().reads):
                self.end("all was decided that listening can decide")

    def _is_late(self, time_us: int) -> bool:
        """Tell whether something was sent after the end; of a stream nothing but its own times says so."""
        if not self._receiver.is_clock:
            return False
        if self._since_us is None:
            self._since_us = time_us
        return self._end_if_long(time_us)

    def _end_if_long(self, now_us: int) -> bool:
        """End the session where it was listened for as long as was wanted, and tell so."""
        wanted_us = self._settings.until.duration_us
        if wanted_us is None or self._since_us is None or now_us - self._since_us < wanted_us:
            return False
        self.end(f"it was listened for {duration_text(wanted_us // 1000)}")
        return True

    def _jumped(self, before_us: int, now_us: int, jump_us: int) -> None:
        told = duration_text(abs(jump_us) // 1000)
        if jump_us > 0:
            self._settings.say(f"the computer slept, or its clock was set: {told} were not heard")
            self._record(Gap(0, before_us, now_us))
        else:
            self._settings.say(
                f"the computer's clock was set back by {told}: times in the recording go back, too"
            )

    def _record(self, observation: Observation) -> None:
        if self._recording.add(observation) and isinstance(observation, Advert):
            self._adverts += 1
            if self._adverts == self._settings.until.adverts:
                self.end(f"{self._adverts} adverts were heard")

    def _fail_by(self, defect: Exception) -> None:
        """End the session by what must not happen; ``run`` raises it."""
        if self._defect is None:
            self._defect = defect
            self.end("it failed")

    def _ended(self) -> Ending:
        if self._gone_us is not None:
            self._over.clear()
            self._record(Gap(0, self._gone_us, max(self._gone_us, self._clock.now_us())))
        self._recording.close(self._reason)
        failure = self._recording.failure
        return Ending(self._reason, self.capture(), str(failure) if failure else self._listen_failure)

    def capture(self) -> Capture | None:
        """Return what was recorded so far, as evidence; ``None`` where nothing was."""
        return self._recording.capture()


async def _stop(reading: asyncio.Task[None] | None, tasks: Sequence[asyncio.Task[object]]) -> None:
    """End tasks; who reads a phone first, so that it can disconnect while the receiver is there."""
    try:
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading], timeout=_LEAVE_S)
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
