"""Recordings: JSON Lines, one observation a line, as live receivers and simulations write them.

The first line is the header ``{"schema": 1, "source", "receiver", "capabilities"}``; each further line an object
of a ``kind``; the last one is of kind ``end``, so that a recording that was cut shows. A line that is refused
does not hide the others: the first is told with its reason, the rest are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.evidence.strict_json import parse
from bluezone_harness.observations import Capability, Diagnostic, Extent, Observation, Severity

from .octets import OctetStream
from .recording_lines import read_capabilities, read_line
from .stream_source import StreamSource

LONGEST_LINE = 64 * 1024
"""Octets of the longest line that is read."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def looks_like_recording(head: bytes) -> bool:
    """Say whether a file that begins so is JSON, as a recording is."""
    return head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"{")


class RecordingSource(StreamSource):
    """A recording.

    Args:
        name: Of the evidence, without folders.
        octets: From its first octet on.

    Raises:
        EvidenceError: Its first line is no header of a recording.
    """

    def __init__(self, name: str, octets: OctetStream) -> None:
        super().__init__(name, "recording", octets)
        self._line = 0
        self._crc: tuple[int, int, int] | None = None
        self._refused: tuple[int, int, int, str] | None = None
        self._end: Diagnostic | None = None
        self._ended = False
        line = self._next_line()
        try:
            header = parse(name, line or b"")
            header.keys(("schema", "source", "receiver", "capabilities"))
        except EvidenceError as error:
            raise EvidenceError(
                name,
                f"no recording, whose first line is a header of JSON: {error.reason}; "
                "a device file is given by --device",
            ) from None
        if header["schema"].integer() != 1:
            raise header["schema"].refusal("recordings are known of schema 1")
        header["source"].text()
        self._receiver = header["receiver"].text()
        self._capabilities = read_capabilities(header["capabilities"])

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What its header says."""
        return self._capabilities

    @property
    def damaged(self) -> bool:
        """Something could not be read."""
        return self._refused is not None or self._end is not None

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What there is to know about its damage, so far."""
        found: list[Diagnostic] = []
        if self._crc:
            number, offset, count = self._crc
            message = f"adverts failed their CRC and are no observations: {count}, the first is line {number}"
            found.append(Diagnostic(self._name, offset, Severity.INFO, message))
        if self._refused:
            number, offset, count, reason = self._refused
            more = f", the first of {count} lines that cannot be read" if count > 1 else ""
            message = f"line {number} cannot be read{more}: {reason}"
            found.append(Diagnostic(self._name, offset, Severity.ERROR, message))
        elif self._end:
            found.append(self._end)
        return tuple(found)

    def _observations(self) -> Iterator[Observation]:
        while True:
            offset = self._octets.offset
            line = self._next_line()
            if line == b"":
                break
            found: Observation | None = None
            try:
                found = self._read_line(line, offset)
            except EvidenceError as error:
                if self._octets.failure and line and not line.endswith(b"\n"):
                    break  # what is wrong with half a line is that the rest did not come
                self._packets += 1
                number, first, count, reason = self._refused or (
                    *(self._line, offset, 0),
                    str(error).removeprefix(f"{self._name}: "),
                )
                self._refused = number, first, count + 1, reason
            if found:
                yield found
        if not self._ended:
            reason = self._octets.failure or "the recording is cut: its last line is not of kind 'end'"
            self._end = Diagnostic(self._name, self._octets.offset, Severity.ERROR, reason)

    def _next_line(self) -> bytes | None:
        """Return the next line with its LF, empty at the end; ``None`` if it is too long."""
        octets = self._octets
        length = 0
        while True:
            end = octets.buffer.find(b"\n", octets.position + length)
            if end >= 0:
                length = end + 1 - octets.position
                break
            length = octets.rest
            if length > LONGEST_LINE or not octets.ensure(length + 1):
                break
        self._line += length > 0
        if length > LONGEST_LINE:
            self._pass_line()
            return None
        line = octets.buffer[octets.position : octets.position + length]
        octets.position += length
        return line

    def _pass_line(self) -> None:
        octets = self._octets
        while (end := octets.buffer.find(b"\n", octets.position)) < 0:
            if not octets.skip(octets.rest) or not octets.ensure(1):
                return
        octets.position = end + 1

    def _read_line(self, line: bytes | None, offset: int) -> Observation | None:
        if line is None:
            raise EvidenceError(self._name, f"it is longer than {LONGEST_LINE} octets")
        node = parse(self._name, line)
        kind = node["kind"].text() if "kind" in node else ""
        if self._ended:
            raise EvidenceError(self._name, "it stands after the end of the recording")
        if kind == "end":
            node.keys(("kind", "reason"), ("time_us",))
            node["reason"].text()
            if not line.endswith(b"\n"):
                raise EvidenceError(self._name, "it is the last line and has no LF")
            self._ended = True
            return None
        found = read_line(node, self._line, self._receiver)
        self._packets += 1
        if found is None:
            number, first, count = self._crc or (self._line, offset, 0)
            self._crc = number, first, count + 1
        return found
