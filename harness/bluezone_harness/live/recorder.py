"""Recording as it comes: whatever ends the process, all but the last moment is in the file, and can be read.

Theory of operation. A recorder gathers whole lines (of a pcapng beside them whole blocks) and hands them to the
operating system in one write: when the first of them has waited for half a second, or many octets have gathered. What
the kernel has taken no death of the process takes away again, SIGKILL included, so that the disk is not waited for
(fsync): that would serve only a machine that loses its power, at the price of pauses in which nothing is heard.

::

    add, add_packet  ->  whole lines, whole blocks  ->  one write for each file  ->  the kernel
                         at most half a second          (``recorded_files``)

A recording begins with its header before anything is heard. It ends with a line of kind ``end``, written by ``close``
alone: a recording without it is known to be cut. A pcapng has no such end; that it was cut shows in the recording.

What ``add`` returns is what a reader of the recording will find in that line, number included. Once the operating
system has that line, ``take_flushed`` returns it: where no more is taken, what was added last is in no file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from bluezone_harness.evidence.strict_json import parse
from bluezone_harness.observations import (
    RADIO,
    Advert,
    Capability,
    Extent,
    Gap,
    Observation,
    extent_of,
    tells_fields,
)
from bluezone_harness.sources.pcapng_marks import told
from bluezone_harness.sources.recording_lines import LATEST_US, LONGEST_VALUE, read_line
from bluezone_harness.sources.recordings import LONGEST_LINE
from bluezone_harness.writing.pcapng import PcapngWriter
from bluezone_harness.writing.recordings import end_line, header_line, observation_line

from .recorded_files import RawFile, RecordedFile, RecorderError, new_file, whole_blocks, whole_lines

__all__ = ["DUE_US", "RawFile", "Recorder", "RecorderError", "new_file"]

DUE_US = 500_000
"""So long a line waits at most, as long as anything is heard; else until somebody flushes it, as a session does."""

_MOST_HELD = 256 * 1024
"""Octets that are gathered at most."""
_LONGEST_REASON = 1000
"""Characters of the reason in the last line."""
_ADDRESS_OCTETS = 6
_GREATEST_CHANNEL = 39
_NO_RSSI = 127


class Recorder:
    """Writes a recording, and the packets beside it where their octets are known; it closes both files.

    Args:
        recording: Empty; its header is written at once.
        packets: Empty, for a pcapng; ``None`` for none.
        source: Where observations come from, for the header.
        receiver: Who hears what names no other.
        capabilities: What the recording can show; with ``Capability.AD_FIELDS`` it holds fields in place of AdvData.
        now: Tells microseconds of any clock that goes on; nothing but waiting is measured by it.
        may_change: What the recording can show is not known in full: its header keeps room for all that it may be.

    Raises:
        RecorderError: The operating system takes nothing.
        ValueError: Packets are wanted beside pseudonyms, which packets cannot be.
    """

    def __init__(
        self,
        recording: RawFile,
        packets: RawFile | None,
        source: str,
        receiver: str,
        capabilities: Mapping[Capability, Extent],
        *,
        now: Callable[[], int],
        may_change: bool = False,
    ) -> None:
        if packets is not None and extent_of(capabilities, Capability.TRUE_IDS) is not Extent.YES:
            raise ValueError("packets hold what was sent: there are none beside a recording of pseudonyms")
        self._source = source
        self._receiver = receiver
        self._capabilities = dict(capabilities)
        self._as_fields = tells_fields(capabilities)
        self._now = now
        self._lines = 1
        self._latest_us: int | None = None
        self._recorded_us: int | None = None
        self._since_us: int | None = None
        self._closed = False
        self._is_ended = False
        self._offered = 0
        self._unwritten: deque[tuple[int, Observation]] = deque()
        self._written: list[Observation] = []
        self._recording = RecordedFile("the recording", recording, whole_lines)
        longest = header_line(source, receiver, dict.fromkeys(RADIO, Extent.PARTIAL))
        self._header_octets = len(longest) if may_change else 0
        self._offer(self._header(capabilities))
        self._outputs = [self._recording]
        self._packets: PcapngWriter | None = None
        if packets is not None:
            blocks = RecordedFile("the capture", packets, whole_blocks)
            self._outputs.append(blocks)
            # what is told at the start holds for a file that is cut, too
            self._packets = PcapngWriter(blocks.held, told(self._capabilities, damaged=False))
        try:
            self.flush()
        except RecorderError:
            for each in self._outputs:
                each.close()
            raise

    @property
    def lines(self) -> int:
        """Lines so far, the header and those that wait among them, the end not; the next is on the line after."""
        return self._lines

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What its header says that it can show."""
        return self._capabilities

    @property
    def is_cut(self) -> bool:
        """Its last lines are missing, or the one that says that it ends."""
        return not self._is_ended if self._closed else self._recording.error is not None

    @property
    def sha256(self) -> str:
        """Of what the operating system has of the recording, in hex; after ``flush`` of all of it."""
        return self._recording.hash.hexdigest()

    @property
    def recorded_us(self) -> int | None:
        """When the last observation was heard that the operating system has; ``None``: there is none."""
        return self._recorded_us

    def add(self, observation: Observation, *, crc_ok: bool = False) -> Observation:
        """Record an observation.

        Args:
            observation: Its number does not matter.
            crc_ok: Of an advert: its CRC was looked at, and right.

        Returns:
            The observation as it will be read, its number that of its line.

        Raises:
            RecorderError: The operating system takes no more, or took no more before.
            ValueError: It has no line that could be read; nothing is recorded.
        """
        self._refuse()
        line = observation_line(observation, crc_ok=crc_ok, as_fields=self._as_fields)
        number = self._lines + 1
        found = self._as_read(observation, line, number)
        self._lines = number
        self._latest_us = found.time_us
        self._offer(line)
        self._unwritten.append((self._offered, found))
        if self._packets is not None and isinstance(found, Gap):
            self._tell_gap(self._packets)
        self._added()
        return found

    def add_packet(self, time_us: int, link_type: int, octets: bytes, *, receiver: str = "") -> None:
        """Record a packet; without a file for packets nothing is done.

        Args:
            time_us: Microseconds since the Unix epoch.
            link_type: Of the packet, such as 201 (HCI H4 with its direction) or 256.
            octets: As packets of that link type are.
            receiver: Who heard it, where it is not who the header names.

        Raises:
            RecorderError: The operating system takes no more, or took no more before.
            ValueError: The time is before 1970.
        """
        self._refuse()
        if self._packets is not None:
            self._packets.add(receiver or self._receiver, link_type, time_us, octets)
            self._added()

    def is_due(self, now_us: int) -> bool:
        """Tell whether something has waited for ``DUE_US``.

        Args:
            now_us: By the clock that the recorder was given.
        """
        return self._since_us is not None and not 0 <= now_us - self._since_us < DUE_US

    def flush(self) -> None:
        """Hand to the operating system what waits.

        Raises:
            RecorderError: It does not take all of it; what it took before stays readable.
        """
        self._since_us = None
        for each in self._outputs:
            each.flush()
        self._settle()
        error = self._error()
        if error is not None:
            raise error
        self._recorded_us = self._latest_us

    def take_flushed(self) -> Sequence[Observation]:
        """Return what ``add`` returned and the operating system has by now; each once."""
        if not self._written:
            return ()
        found, self._written = self._written, []
        return found

    def show(self, capabilities: Mapping[Capability, Extent]) -> None:
        """Say in the header that the recording can show something else than was said before; see ``may_change``.

        Args:
            capabilities: All of them. Whether it holds fields in place of AdvData was said once and for all.

        Raises:
            RecorderError: The operating system does not take it.
            ValueError: The header has no room for that, or holds fields.
        """
        if tells_fields(capabilities) != self._as_fields:
            raise ValueError("a recording holds either AdvData or fields")
        header = self._header(capabilities)
        if len(header) != self._header_octets:
            raise ValueError("the header has no room to say something else")
        self.flush()
        self._capabilities = dict(capabilities)
        self._recording.change_start(header)
        if self._packets is not None:
            self._packets.begin_section(told(self._capabilities, damaged=False))
        self.flush()

    def close(self, reason: str) -> None:
        """Write the last line, and close the files; again, it does nothing.

        After an error that was raised it does what can still be done, and raises none.

        Args:
            reason: Why the recording ends, for people.

        Raises:
            RecorderError: The operating system does not take the rest.
        """
        if self._closed:
            return
        self._closed = True
        known = self._error()
        at_end = self._recording.error
        self._recording.held.write(end_line(reason[:_LONGEST_REASON]))
        octets = self._recording.size + self._recording.held.tell()
        for each in self._outputs:
            each.close()
        self._settle()
        self._is_ended = self._recording.size == octets and self._recording.error is at_end
        error = self._error()
        if error is None:
            self._recorded_us = self._latest_us
        elif known is None:
            raise error

    def _header(self, capabilities: Mapping[Capability, Extent]) -> bytes:
        """Return the header, with all the room that it is to have."""
        line = header_line(self._source, self._receiver, capabilities)
        return line[:-1].ljust(self._header_octets - 1) + b"\n"

    def _offer(self, line: bytes) -> None:
        self._offered += len(line)
        self._recording.held.write(line)

    def _settle(self) -> None:
        """Tell what the operating system has by now from what it will never have."""
        while self._unwritten and self._unwritten[0][0] <= self._recording.size:
            self._written.append(self._unwritten.popleft()[1])
        if self._recording.error is not None:
            self._unwritten.clear()

    def _refuse(self) -> None:
        """Refuse what comes after the end, whichever it was."""
        error = self._error()
        if error is not None:
            raise error
        if self._closed:
            raise ValueError("the recording is closed")

    def _error(self) -> RecorderError | None:
        return next((each.error for each in self._outputs if each.error is not None), None)

    def _added(self) -> None:
        now_us = self._now()
        if self._since_us is None:
            self._since_us = now_us
        if self.is_due(now_us) or any(each.held.tell() > _MOST_HELD for each in self._outputs):
            self.flush()

    def _as_read(self, observation: Observation, line: bytes, number: int) -> Observation:
        """Return what a reader of the line will find.

        Raises:
            ValueError: It cannot be read.
        """
        if len(line) > LONGEST_LINE:
            raise ValueError(f"the line would be longer than {LONGEST_LINE} octets")
        if self._as_fields or not isinstance(observation, Advert):
            found = read_line(parse("the recording", line), number, self._receiver)
            if found is None:
                raise ValueError("the line would say nothing")
            return found
        # of these there are thousands a second
        time_us, address, ad = observation.time_us, observation.address, observation.ad
        rssi, channel = observation.rssi, observation.channel
        if (
            not 0 <= time_us <= LATEST_US
            or (address is not None and len(address) != _ADDRESS_OCTETS)
            or (ad is not None and len(ad) > LONGEST_VALUE)
            or (rssi is not None and not -128 <= rssi <= _NO_RSSI)
            or (channel is not None and not 0 <= channel <= _GREATEST_CHANNEL)
        ):
            raise ValueError("no advert has such a time, address, AdvData, RSSI or channel")
        return Advert(
            number,
            time_us,
            observation.receiver or self._receiver,
            address,
            observation.address_type,
            observation.pdu,
            ad,
            None if rssi == _NO_RSSI else rssi,
            channel,
        )

    def _tell_gap(self, packets: PcapngWriter) -> None:
        """Say in the packets that not all was heard: they have no other way to tell of a time without listening."""
        lacking = {Capability.INTERVAL: Extent.NO, Capability.WHOLE_AIR: Extent.NO}
        packets.begin_section(told({**self._capabilities, **lacking}, damaged=False))
