"""Evidence inside gzip, zip and the text of a bug report: found by what it holds, read without unpacking to disk.

Theory of operation. An archive is read once, from its start to its end. Of each member the first octets are
looked at: what is a capture or a contact log is handed out, to be read then and there; an archive is looked into, and
so is text, which may be a bug report's and have the log of the last packets in it; all else is passed over. So memory
stays constant, and pipes will do.
"""

from __future__ import annotations

from collections.abc import Iterator

from bluezone_harness.evidence.contact_logs import looks_like_contact_log
from bluezone_harness.observations import Diagnostic, Severity

from .btsnooz import looks_like_btsnooz
from .bug_reports import SECTION, find_section, looks_like_bug_report, looks_like_text
from .formats import HEAD_OCTETS, looks_like_capture
from .inflating import GZIP_OCTETS, Budget, Gunzipping
from .octets import OctetReader, OctetStream
from .zips import EMPTY_ZIP_OCTETS, ZIP_OCTETS, ZipError, members

_GZIP_SUFFIX = ".gz"
MOST_CAPTURES = 1000
"""Of one archive."""
MOST_LAYERS = 4
"""Of archives in one another: a bug report with gzip in it, zipped together with others."""
MOST_SECTIONS = 16
"""Logs of packets in one text; phones write one."""
MOST_NOTES = 100
"""On one archive."""
_LOOKED_AT = 4096
"""First octets of what may be a contact log."""


def looks_like_archive(head: bytes) -> bool:
    """Say whether a file that begins so is one for ``open_archive``.

    Args:
        head: Its first octets, ``HEAD_OCTETS`` or more where it has as many; 4 tell gzip and zip.
    """
    return _is_packed(head) or looks_like_bug_report(head)


def _is_packed(head: bytes) -> bool:
    return head.startswith((GZIP_OCTETS, ZIP_OCTETS, EMPTY_ZIP_OCTETS))


class Packed:
    """Something packed, from its first octet on: an ``OctetReader`` that unpacks as it is read.

    Args:
        name: Of the archive and the member.
        stream: Its octets.
    """

    def __init__(self, name: str, stream: OctetStream) -> None:
        stream.ensure(HEAD_OCTETS)
        self.name = name
        self.head = stream.buffer[stream.position : stream.position + HEAD_OCTETS]
        self.failure = stream.failure
        self._stream = stream

    @property
    def is_capture(self) -> bool:
        """It is one for ``open_source``."""
        return looks_like_capture(self.head)

    @property
    def is_contact_log(self) -> bool:
        """It begins as a contact log does; of a database only the whole tells whether it is one."""
        self._stream.ensure(_LOOKED_AT)
        start = self._stream.position
        return looks_like_contact_log(self._stream.buffer[start : start + _LOOKED_AT])

    def read(self, count: int = -1, /) -> bytes:
        """Return at most so many octets, none at the end.

        Raises:
            OSError: They are damaged; everything before was returned.
        """
        stream = self._stream
        if not stream.ensure(1):
            if stream.failure:
                raise OSError(0, stream.failure)
            return b""
        end = len(stream.buffer) if count < 0 else min(stream.position + count, len(stream.buffer))
        octets = stream.buffer[stream.position : end]
        stream.position = end
        return octets


class Archive:
    """gzip, zip or a bug report's text, to be iterated once: yields what is packed.

    Each is to be read before the next is asked for. Of a zip archive captures and contact logs are yielded; of gzip the
    one thing that it holds, whatever it is; of a text the logs of packets in it.

    Args:
        name: Of the evidence, without folders.
        octets: From its first octet on, which ``looks_like_archive`` knows.

    Attributes:
        diagnostics: What there is to know about the archive itself, so far.
        looked_at: How many members it has, so far.
    """

    def __init__(self, name: str, octets: OctetReader) -> None:
        self._name = name
        self._octets = OctetStream(octets)
        self._budget = Budget(self._octets)
        self._captures = 0
        self.diagnostics: list[Diagnostic] = []
        self.looked_at = 0

    def __iter__(self) -> Iterator[Packed]:
        """Yield what is packed."""
        for packed in self._within(self._name, self._octets, 0, None):
            if self._captures == MOST_CAPTURES:
                self._note(
                    None, Severity.WARNING, f"more than {MOST_CAPTURES} captures: the rest is not read"
                )
                return
            self._captures += 1
            yield packed

    def _within(self, name: str, stream: OctetStream, layers: int, outer: int | None) -> Iterator[Packed]:
        """Yield the evidence within gzip, zip or text that begins at the next octet.

        Args:
            name: Of it.
            stream: At its start.
            layers: In how many others it is.
            outer: Offset of the member of the outermost archive that it is in; ``None`` if it is that archive.
        """
        stream.ensure(HEAD_OCTETS)
        if stream.buffer.startswith(GZIP_OCTETS, stream.position):
            self.looked_at += 1
            packed = Packed(_inner_name(name), OctetStream(Gunzipping(stream, self._budget)))
            yield from self._looked_into(packed, layers + 1, outer or 0, is_wanted=not layers)
        elif _is_packed(stream.buffer[stream.position : stream.position + len(ZIP_OCTETS)]):
            yield from self._members(name, stream, layers, outer)
        else:
            self.looked_at += not layers
            yield from self._sections(name, stream, outer)

    def _members(self, name: str, stream: OctetStream, layers: int, outer: int | None) -> Iterator[Packed]:
        """Yield the evidence within a zip archive."""
        try:
            for member in members(stream, self._budget):
                self.looked_at += 1
                offset = member.offset if outer is None else outer
                packed = Packed(f"{name}: {member.name}", OctetStream(member))
                if member.refusal:
                    within = _within_of(self._name, packed.name).removesuffix(": ")
                    self._note(offset, Severity.WARNING, f"{within} is not read: {member.refusal}")
                    continue
                yield from self._looked_into(packed, layers + 1, offset, is_wanted=False)
        except ZipError as error:
            offset = error.offset if outer is None else outer
            self._note(offset, Severity.ERROR, f"{_within_of(self._name, name)}{error}")

    def _sections(self, name: str, stream: OctetStream, outer: int | None) -> Iterator[Packed]:
        """Yield the logs of packets in a text."""
        found = 0
        while found < MOST_SECTIONS and (section := find_section(stream)):
            found += 1
            number = f" {found}" if found > 1 else ""
            offset = stream.offset if outer is None else outer
            packed = Packed(f"{name}: {SECTION}{number}", OctetStream(section))
            if looks_like_btsnooz(packed.head):
                yield packed
            else:
                reason = packed.failure or "it is no log of packets that is known"
                self._note(offset, Severity.WARNING, f"{_within_of(self._name, packed.name)}{reason}")
        if stream.failure:
            self._note(outer, Severity.WARNING, f"{_within_of(self._name, name)}{stream.failure}")

    def _looked_into(self, packed: Packed, layers: int, offset: int, *, is_wanted: bool) -> Iterator[Packed]:
        """Yield what is evidence, or wanted whatever it is; and what is in archives and texts."""
        if _is_packed(packed.head):
            if layers < MOST_LAYERS:
                yield from self._within(packed.name, OctetStream(packed), layers, offset)
            else:
                within = _within_of(self._name, packed.name)
                self._note(
                    offset, Severity.WARNING, f"{within}more than {MOST_LAYERS} archives in one another"
                )
        elif packed.is_capture or packed.is_contact_log:
            yield packed
        elif looks_like_text(packed.head) and not (is_wanted and not looks_like_bug_report(packed.head)):
            yield from self._sections(packed.name, OctetStream(packed), offset)
        elif is_wanted:
            yield packed
        elif packed.failure:
            self._note(offset, Severity.WARNING, f"{_within_of(self._name, packed.name)}{packed.failure}")

    def _note(self, offset: int | None, severity: Severity, message: str) -> None:
        """Note something, the first times that there is something."""
        if len(self.diagnostics) < MOST_NOTES:
            self.diagnostics.append(Diagnostic(self._name, offset, severity, message))


def _inner_name(name: str) -> str:
    last = name.rpartition("/")[2].rpartition(": ")[2]
    inner = last[: -len(_GZIP_SUFFIX)] if last.lower().endswith(_GZIP_SUFFIX) else ""
    return f"{name}: {inner or 'unpacked'}"


def _within_of(archive: str, name: str) -> str:
    """Return where in an archive something is, before what is said of it."""
    return "" if name == archive else f"{name.removeprefix(f'{archive}: ')}: "


def open_archive(name: str, octets: OctetReader) -> Archive:
    """Return the archive that octets are.

    Args:
        name: Of the evidence, without folders; for reports.
        octets: A file or pipe, open for reading, at its start; ``looks_like_archive`` knows its first octets.
    """
    return Archive(name, octets)
