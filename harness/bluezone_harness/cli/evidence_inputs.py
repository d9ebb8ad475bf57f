"""Evidence as it is handed over: captures, recordings and contact logs, told apart by what they hold.

A capture is read as it comes, from a file or a pipe, in constant memory; a contact log as a whole. An archive may
hold several captures; what it holds that is none does not count, but may have to be told.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from bluezone_harness.checks.captures import Capture, read_capture
from bluezone_harness.evidence.contact_logs import ContactLogEvidence, read_contact_log
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Diagnostic, Severity
from bluezone_harness.sources import (
    HEAD_OCTETS,
    Archive,
    Packed,
    looks_like_archive,
    looks_like_capture,
    open_archive,
    open_source,
)
from bluezone_harness.sources.octets import OctetReader

from .inputs import FILE_LIMIT, file_name, standard_input, unreadable

Progress = Callable[[int], None]
"""Is told how many octets were read since it was told last."""


class _Replayed:
    """A stream whose first octets were read already, and are read again.

    Args:
        head: Those octets.
        rest: The stream after them.
        progress: Is told what is read.
    """

    def __init__(self, head: bytes, rest: BinaryIO, progress: Progress) -> None:
        self._head = head
        # of a pipe, what is there already: read() would wait until all that was asked for has come
        self._read: Callable[[int], bytes] = getattr(rest, "read1", rest.read)
        self._progress = progress

    def read(self, size: int = -1, /) -> bytes:
        if self._head:
            octets, self._head = self._head, b""
        else:
            octets = self._read(size)
        self._progress(len(octets))
        return octets


_REASONS = 3
"""Why an archive holds no evidence is told for so many files."""

Evidence = Capture | ContactLogEvidence
"""What a piece of evidence is."""


def read_evidence(path: str, progress: Progress = lambda octets: None) -> tuple[Evidence, ...]:
    """Read what is in a file: one piece of evidence, or the captures of an archive.

    Args:
        path: Of the file; ``-`` for standard input.
        progress: Is told how many octets were read, as they are.

    Returns:
        At least one piece. Captures of an archive are named by it and their member:
        ``bugreport.zip: FS/data/misc/bluetooth/logs/btsnoop_hci.log``.

    Raises:
        EvidenceError: It cannot be read at all, or is nothing that is known.
    """
    name = file_name(path)
    with _opened(path) as stream:
        head = _head(stream)
        if looks_like_capture(head):
            return (_read(name, _Replayed(head, stream, progress)),)
        if looks_like_archive(head):
            return _read_archive(open_archive(name, _Replayed(head, stream, progress)), name)
        octets = head + (stream.read(FILE_LIMIT + 1 - len(head)) if head else b"")
    progress(len(octets))
    if not octets and path == "-":
        raise EvidenceError(name, "it is empty: check what was to be written there")
    return (_log(name, octets),)


def _read(name: str, octets: OctetReader) -> Capture:
    return read_capture(open_source(name, octets))


def _read_archive(archive: Archive, name: str) -> tuple[Evidence, ...]:
    """Read all that an archive holds.

    Raises:
        EvidenceError: It holds nothing that is read.
    """
    found: list[Evidence] = []
    notes: list[Diagnostic] = []
    for packed in archive:
        try:
            piece = _read(packed.name, packed) if packed.is_capture else _unpacked_log(packed)
        except EvidenceError as error:
            notes.append(Diagnostic(error.source, None, Severity.WARNING, f"it is not read: {error.reason}"))
            continue
        same = next((each for each in found if each.sha256 == piece.sha256), None)
        if same:
            message = f"the same octets as {same.name}, and read once"
            notes.append(Diagnostic(piece.name, None, Severity.INFO, message))
        else:
            found.append(piece)
    notes += archive.diagnostics
    if not found:
        reasons = "; ".join(f"{each.source}: {each.message}" for each in notes[:_REASONS])
        raise EvidenceError(
            name,
            f"none of the {archive.looked_at} files in this archive is evidence that is read"
            + (f": {reasons}" if reasons else ""),
        )
    if notes:
        # where an archive is cut, something that was in it may be missing
        cut = any(each.severity is Severity.ERROR for each in notes)
        first = found[0]
        diagnostics = (*first.diagnostics, *notes)
        found[0] = replace(first, diagnostics=diagnostics, partial=first.partial or cut)
    return tuple(found)


def _unpacked_log(packed: Packed) -> ContactLogEvidence:
    """Read a contact log that was packed by gzip."""
    chunks: list[bytes] = []
    held = 0
    try:
        while held <= FILE_LIMIT and (chunk := packed.read(FILE_LIMIT + 1 - held)):
            chunks.append(chunk)
            held += len(chunk)
    except OSError as error:
        raise EvidenceError(packed.name, error.strerror or "it cannot be unpacked") from None
    return _log(packed.name, b"".join(chunks))


def _log(name: str, octets: bytes) -> ContactLogEvidence:
    if len(octets) > FILE_LIMIT:
        raise EvidenceError(
            name, f"it is no capture, and as a contact log larger than {FILE_LIMIT // 1024**2} MiB"
        )
    try:
        # BZ-LOG-003: an export of no records has no octets.
        return read_contact_log(name, octets)
    except EvidenceError as error:
        reason = _no_capture(name, octets[:HEAD_OCTETS])
        raise EvidenceError(name, f"{reason}; as a contact log: {error.reason}") from None


def _no_capture(name: str, head: bytes) -> str:
    """Return why something is no capture, by the sources' own words."""
    try:
        open_source(name, io.BytesIO(head))
    except EvidenceError as error:
        return error.reason
    return "it is no capture"


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    try:
        if path == "-":
            yield standard_input()
        else:
            with Path(path).open("rb") as file:
                yield file
    except OSError as error:
        raise unreadable(path, error) from None


def _head(stream: BinaryIO) -> bytes:
    """Return the first octets; fewer only where there are no more."""
    head = b""
    while len(head) < HEAD_OCTETS and (octets := stream.read(HEAD_OCTETS - len(head))):
        head += octets
    return head
