"""Evidence as it is handed over: captures, recordings, contact logs and records of broadcasts, told apart by content.

A capture is read as it comes, from a file or a pipe, in constant memory; a contact log as a whole. An archive may
hold several captures; what it holds that is none does not count, but may have to be told.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from bluezone_harness import bulk
from bluezone_harness.checks.captures import Capture, read_capture
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.evidence.contact_logs import read_contact_log
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
from bluezone_harness.sources.broadcast_records import (
    BroadcastRecord,
    is_broadcast_record,
    read_broadcast_record,
)
from bluezone_harness.sources.octets import OctetReader

from .inputs import FILE_LIMIT, file_name, standard_input, unreadable
from .watching import INTERRUPTED, Watch, Watched

_STANDARD_INPUT = "-"
_PACKED_RATIO = 8
"""Captures that are packed are worthwhile for the bulk path from a file of so many times fewer octets on."""
_HINT_FROM = 4
"""What would gain from the bulk path is told from so many times as many octets on."""
_HINT = (
    "captures as large as this are read many times as fast with the extra 'fast': "
    "pip install 'bluezone-conformance[fast]'"
)
_REASONS = 3
"""Why an archive holds no evidence is told for so many files."""

Evidence = Capture | ContactLogEvidence | BroadcastRecord
"""What a piece of evidence is."""


def read_evidence(path: str, watch: Watch | None = None, *, keep_times: bool = False) -> tuple[Evidence, ...]:
    """Read what is in a file: one piece of evidence, or the captures of an archive.

    Args:
        path: Of the file; ``-`` for standard input.
        watch: Is told how it goes on, and may end it: what was read until then is returned, and is partial.
        keep_times: Keep what tells the offset of its clock from that of others; of an archive it is always kept.

    Returns:
        At least one piece. Captures of an archive are named by it and their member:
        ``bugreport.zip: FS/data/misc/bluetooth/logs/btsnoop_hci.log``.

    Raises:
        EvidenceError: It cannot be read at all, or is nothing that is known.
    """
    name = file_name(path)
    watch = watch or Watch()
    with _opened(path) as stream:
        start, size = _extent(stream)
        octets = Watched(stream, watch)
        head = _head(octets)
        octets.put_back(head)
        packed = looks_like_archive(head)
        if not packed and not looks_like_capture(head):
            if not head and path == _STANDARD_INPUT:
                raise EvidenceError(name, "it is empty: check what was to be written there")
            return (_log(name, _all(octets)),)
        worthwhile = bulk.WORTHWHILE_OCTETS // (_PACKED_RATIO if packed else 1)
        if size >= worthwhile and (packed or bulk.serves(head)):
            if bulk.is_available():
                try:
                    return _read_known(
                        name, octets, packed, partial(_read_fast, keep_times=packed or keep_times)
                    )
                except _PlainOnlyError:
                    octets.again(start)
            elif size >= worthwhile * _HINT_FROM:
                watch.say(_HINT)
        return _read_known(name, octets, packed, partial(_read_plain, keep_times=packed or keep_times))


def read_all(paths: Sequence[str], watch: Watch) -> tuple[list[Evidence], list[Diagnostic]]:
    """Read what is in several files, one after another, until somebody interrupts.

    Args:
        paths: Of the files.
        watch: Is told how it goes on, and may end it.

    Returns:
        All pieces; and what there is to know about files of which nothing was read.

    Raises:
        EvidenceError: One of them cannot be read.
        KeyboardInterrupt: Somebody interrupted before anything was read.
    """
    found: list[Evidence] = []
    left_out: list[Diagnostic] = []
    for path in paths:
        try:
            if not watch.interrupted:
                found += read_evidence(path, watch, keep_times=len(paths) > 1)
                continue
        except EvidenceError:
            if not watch.interrupted:
                raise
        left_out.append(Diagnostic(file_name(path), None, Severity.ERROR, f"{INTERRUPTED}: it is not read"))
    if not found:
        raise KeyboardInterrupt
    return found, left_out


_Recorded = Capture | BroadcastRecord
_Read = Callable[[str, OctetReader], _Recorded]


class _PlainOnlyError(Exception):
    """The bulk path does not serve a capture after all."""


def _read_known(name: str, octets: Watched, packed: bool, read: _Read) -> tuple[Evidence, ...]:
    """Read a capture or an archive."""
    if packed:
        return _read_archive(open_archive(name, octets), name, read)
    return (read(name, octets),)


def _read_plain(name: str, octets: OctetReader, keep_times: bool = True) -> _Recorded:
    source = open_source(name, octets)
    if is_broadcast_record(source.capabilities):
        return read_broadcast_record(source)
    return read_capture(source, keep_times)


def _read_fast(name: str, octets: OctetReader, keep_times: bool) -> Capture:
    """Read a capture by the bulk path.

    Raises:
        _PlainOnlyError: It must be read by the plain path, from its start.
    """
    found = bulk.read_capture_fast(name, octets, keep_times)
    if found is None:
        raise _PlainOnlyError
    return found


def _read_archive(archive: Archive, name: str, read: _Read) -> tuple[Evidence, ...]:
    """Read all that an archive holds.

    Raises:
        EvidenceError: It holds nothing that is read.
    """
    found: list[Evidence] = []
    notes: list[Diagnostic] = []
    for packed in archive:
        try:
            piece = _unpacked(packed, read)
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
        if isinstance(first, BroadcastRecord):
            found[0] = replace(first, diagnostics=diagnostics, is_cut=first.is_cut or cut)
        else:
            found[0] = replace(first, diagnostics=diagnostics, partial=first.partial or cut)
    return tuple(found)


def _unpacked(packed: Packed, read: _Read) -> Evidence:
    if not packed.is_capture:
        return _unpacked_log(packed)
    return read(packed.name, packed) if bulk.serves(packed.head) else _read_plain(packed.name, packed)


def _unpacked_log(packed: Packed) -> ContactLogEvidence:
    """Read a contact log that was packed by gzip."""
    try:
        octets = _all(packed)
    except OSError as error:
        raise EvidenceError(packed.name, error.strerror or "it cannot be unpacked") from None
    return _log(packed.name, octets)


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
        if path == _STANDARD_INPUT:
            yield standard_input()
        else:
            with Path(path).open("rb") as file:
                yield file
    except OSError as error:
        raise unreadable(path, error) from None


def _extent(stream: BinaryIO) -> tuple[int, int]:
    """Return where a file stands, and how many octets follow that could be read again; of a pipe, none."""
    try:
        start = stream.tell() if stream.seekable() else 0
        return start, os.fstat(stream.fileno()).st_size - start if stream.seekable() else 0
    except OSError:
        return 0, 0


def _head(octets: Watched) -> bytes:
    """Return the first octets; fewer only where there are no more."""
    head = b""
    while len(head) < HEAD_OCTETS and (more := octets.read(HEAD_OCTETS - len(head))):
        head += more
    return head


def _all(octets: OctetReader) -> bytes:
    """Return all octets, but no more than one beyond what is read of a contact log."""
    chunks: list[bytes] = []
    held = 0
    while held <= FILE_LIMIT and (chunk := octets.read(FILE_LIMIT + 1 - held)):
        chunks.append(chunk)
        held += len(chunk)
    return b"".join(chunks)
