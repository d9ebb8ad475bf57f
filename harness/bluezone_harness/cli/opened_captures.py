"""Captures opened to be read side by side, a packet of each at a time: from files, pipes, and archives."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Diagnostic, Source
from bluezone_harness.sources import Packed, looks_like_archive, open_archive, open_source
from bluezone_harness.sources.octets import OctetReader, OctetStream

from .inputs import file_name, standard_input, unreadable
from .watching import Watch, Watched

_STANDARD_INPUT = "-"
_OCTETS_COPIED = 1024 * 1024


@dataclass(frozen=True, slots=True)
class OpenedCaptures:
    """What a path holds.

    Attributes:
        sources: At their first packet; at least one.
        diagnostics: What there is to know about the archive that they are packed in.
    """

    sources: tuple[Source, ...]
    diagnostics: tuple[Diagnostic, ...]


class CaptureFile:
    """A file of captures, which can be opened as often as is needed.

    Args:
        path: Of the file; ``-`` for standard input.
        watch: Is told how reading goes on.
        until: Keeps open what was opened until it closes.
    """

    def __init__(self, path: str, watch: Watch, until: ExitStack) -> None:
        self._name = file_name(path)
        self._path = path
        self._watch = watch
        self._until = until

    def keep(self) -> None:
        """Keep what comes through a pipe in a file, so that it can be read again."""
        if self._comes_once():
            self._path = _kept(self._opened(), self._until)

    def open(self) -> OpenedCaptures:
        """Open the captures that it holds.

        An archive is gone through once to find them, and once more for each.

        Raises:
            EvidenceError: It cannot be read, or holds no capture.
        """
        packed = Packed(self._name, OctetStream(self._opened()))
        if not looks_like_archive(packed.head):
            return OpenedCaptures((open_source(self._name, packed),), ())
        if self._comes_once():
            self._path = _kept(packed, self._until)
            packed = Packed(self._name, OctetStream(self._opened()))
        archive = open_archive(self._name, packed)
        count = sum(each.is_capture for each in archive)
        if not count:
            raise EvidenceError(self._name, f"it holds no capture, in {archive.looked_at} members")
        members = tuple(self._member(index) for index in range(count))
        return OpenedCaptures(members, tuple(archive.diagnostics))

    def _member(self, index: int) -> Source:
        """Return a capture of an archive that is read on its own."""
        found = (each for each in open_archive(self._name, self._opened()) if each.is_capture)
        for packed in islice(found, index, None):
            return open_source(packed.name, packed)
        raise EvidenceError(self._name, "it is not what it was a moment ago")

    def _comes_once(self) -> bool:
        path = Path(self._path)
        return self._path == _STANDARD_INPUT or (path.exists() and not path.is_file() and not path.is_dir())

    def _opened(self) -> Watched:
        if self._path == _STANDARD_INPUT:
            return Watched(standard_input(), self._watch)
        try:
            return Watched(self._until.enter_context(Path(self._path).open("rb")), self._watch)
        except OSError as error:
            raise unreadable(self._path, error) from None


def _kept(octets: OctetReader, until: ExitStack) -> str:
    """Return the path of a file that keeps octets as long as they are needed."""
    with NamedTemporaryFile(delete=False) as file:
        until.callback(Path(file.name).unlink)
        while chunk := octets.read(_OCTETS_COPIED):
            file.write(chunk)
    return file.name
