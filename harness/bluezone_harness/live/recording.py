"""What was heard on its way into the recording, and from there to the judge.

::

    add, add_packet  ->  Recorder  ->  the operating system  ->  LiveJudge, counts

Theory of operation. The judge is told what the operating system has taken of the recording, and nothing else, so that
the verdict is that of the file, whatever happens to it. What a stream can show is known in full at its end: where it
turns out to be other than at the beginning, the recording's header is written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bluezone_harness.checks.captures import Capture
from bluezone_harness.observations import (
    Advert,
    Capability,
    Diagnostic,
    Extent,
    Observation,
    Severity,
    extent_of,
    least,
)
from bluezone_harness.sources.recording_lines import LATEST_US

from .judging import LiveJudge, Recorded
from .receivers import Receiver
from .recorder import Recorder, RecorderError

MakeRecorder = Callable[[Receiver], Recorder]
"""Makes the recorder, once something was heard and the receiver knows what it can show."""
Shown = Callable[[Receiver], Mapping[Capability, Extent]]
"""Returns what a recording of what a receiver heard can show."""

_MOST_HELD = 1024
"""Packets that wait until something is heard: before that, nobody knows whether there will be a recording."""


class LiveRecording:
    """A recording while it is made.

    Args:
        receiver: Who hears.
        make_recorder: Makes the recorder.
        shown: Returns what the recording can show, should that change; ``None``: it does not.
        name: Of the recording, without folders.
        judge: Judges what was recorded.
        say: Tells people a sentence.
        failed: Is called when the operating system takes no more.

    Attributes:
        failure: Why it takes no more.
        lines: How many the operating system has, the header and the end not counted.
        adverts: How many of them are adverts.
    """

    def __init__(
        self,
        receiver: Receiver,
        make_recorder: MakeRecorder,
        shown: Shown | None,
        name: str,
        judge: LiveJudge,
        say: Callable[[str], None],
        failed: Callable[[], None],
    ) -> None:
        self._receiver = receiver
        self._make_recorder = make_recorder
        self._shown = shown
        self._name = name
        self._judge = judge
        self._say = say
        self._failed = failed
        self._recorder: Recorder | None = None
        self._packets: list[tuple[int, int, bytes]] = []
        self._is_told_left_out = False
        self.failure: RecorderError | None = None
        self.lines = 0
        self.adverts = 0

    def has_time(self, time_us: int) -> bool:
        """Tell whether a recording holds a time; that something with another is left out is told once.

        Args:
            time_us: Microseconds since the Unix epoch.
        """
        if 0 <= time_us <= LATEST_US:
            return True
        self._leave_out("its time is before 1970 or after 9999: check the clock of who heard it")
        return False

    def add(self, observation: Observation) -> bool:
        """Record an observation, and return whether that was done; what has no line is left out, and told once."""
        recorder = self._opened()
        if recorder is None:
            return False
        try:
            recorder.add(observation, crc_ok=_is_crc_known(observation, recorder))
        except RecorderError as error:
            self._fail(error)
            return False
        except ValueError as error:
            # nothing that was heard has no line; what was read may be too long
            self._leave_out(str(error))
            return False
        finally:
            self._take_flushed(recorder)
        return True

    def add_packet(self, time_us: int, link_type: int, octets: bytes) -> None:
        """Record a packet beside it; one that comes before there is a recording waits for that."""
        if self._recorder is None and len(self._packets) < _MOST_HELD:
            self._packets.append((time_us, link_type, octets))
            return
        recorder = self._opened()
        if recorder is None:
            return
        try:
            recorder.add_packet(time_us, link_type, octets)
        except RecorderError as error:
            self._fail(error)
        finally:
            self._take_flushed(recorder)

    def flush(self) -> None:
        """Hand to the operating system what waits, and say in the header what can be shown by now."""
        recorder = self._recorder
        if recorder is None:
            return
        try:
            recorder.flush()
            self._follow(recorder)
        except RecorderError as error:
            self._fail(error)
        finally:
            self._take_flushed(recorder)

    def capture(self) -> Capture | None:
        """Return what was recorded so far, as evidence; ``None`` where nothing was."""
        until_now = self.until_now()
        return None if until_now is None else until_now()

    def until_now(self) -> Callable[[], Capture] | None:
        """Return what returns ``capture``; another thread may call it while more is recorded, as it takes long."""
        recorder = self._recorder
        if recorder is None:
            return None
        self.flush()
        is_cut = recorder.is_cut
        diagnostics = (Diagnostic(self._name, None, Severity.ERROR, str(self.failure)),) if is_cut else ()
        recorded = Recorded(self._name, recorder.sha256, self.lines, is_cut, diagnostics)
        return self._judge.until_now(recorded, recorder.capabilities)

    def close(self, reason: str, *, begin: bool = True) -> None:
        """Close it.

        Args:
            reason: For people.
            begin: Where there is none, because nothing was heard, make one that says so.
        """
        # one that failed is closed, too: what can still be written is
        recorder = self._recorder or (self._opened() if begin else None)
        if recorder is None:
            return
        self.flush()
        try:
            recorder.close(reason)
        except RecorderError as error:
            self._fail(error)
        finally:
            self._take_flushed(recorder)

    def _opened(self) -> Recorder | None:
        """Return the recorder, made now if there is none yet; ``None`` where it failed."""
        if self._recorder is None and self.failure is None:
            try:
                self._recorder = self._make_recorder(self._receiver)
                for each in self._packets:
                    self._recorder.add_packet(*each)
                self._packets.clear()
            except RecorderError as error:
                self._fail(error)
            except OSError as error:
                why = error.strerror or type(error).__name__
                self._fail(
                    RecorderError(
                        f"{self._name} cannot be written, {why}: give another file", error.errno or 0
                    )
                )
        return None if self.failure else self._recorder

    def _take_flushed(self, recorder: Recorder) -> None:
        """Let the judge know what the operating system has."""
        for each in recorder.take_flushed():
            self.lines += 1
            self._judge.hear(each)
            if isinstance(each, Advert):
                self.adverts += 1

    def _follow(self, recorder: Recorder) -> None:
        """Let the header say what can be shown by now.

        Raises:
            RecorderError: The operating system does not take it.
        """
        if self._shown is None:
            return
        before, now = recorder.capabilities, self._shown(self._receiver)
        if before == now:
            return
        recorder.show(now)
        lost = [each for each in Capability if _is_less(extent_of(now, each), extent_of(before, each))]
        if lost:
            names = ", ".join(str(each).replace("_", " ") for each in lost)
            self._say(
                f"this stream does not show all that it seemed to show, and the recording says so: {names}"
            )

    def _leave_out(self, why: str) -> None:
        if not self._is_told_left_out:
            self._is_told_left_out = True
            self._say(f"something that has no line in a recording is left out: {why}")

    def _fail(self, error: RecorderError) -> None:
        if self.failure is None:
            self.failure = error
            self._failed()


def _is_less(now: Extent, before: Extent) -> bool:
    return now is not before and least([now, before]) is now


def _is_crc_known(observation: Observation, recorder: Recorder) -> bool:
    """Tell whether the CRC of an advert was looked at: only who listens to the air itself knows the channel."""
    known = recorder.capabilities.get(Capability.CRC, Extent.NO) is not Extent.NO
    return known and isinstance(observation, Advert) and observation.channel is not None
