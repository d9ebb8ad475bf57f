"""Evidence as it is handed over: captures, recordings and contact logs, told apart by what they hold.

A capture is read as it comes, from a file or a pipe, in constant memory; a contact log as a whole.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bluezone_harness.checks.captures import Capture, read_capture
from bluezone_harness.evidence.contact_logs import ContactLogEvidence, read_contact_log
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.sources import looks_like_capture, open_source

from .inputs import FILE_LIMIT, file_name, standard_input, unreadable

_HEAD_OCTETS = 64

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


def read_evidence(path: str, progress: Progress = lambda octets: None) -> Capture | ContactLogEvidence:
    """Read a piece of evidence.

    Args:
        path: Of the file; ``-`` for standard input.
        progress: Is told how many octets were read, as they are.

    Raises:
        EvidenceError: It cannot be read at all, or is nothing that is known.
    """
    name = file_name(path)
    with _opened(path) as stream:
        head = _head(stream)
        if looks_like_capture(head):
            return read_capture(open_source(name, _Replayed(head, stream, progress)))
        octets = head + (stream.read(FILE_LIMIT + 1 - len(head)) if head else b"")
    progress(len(octets))
    if not octets and path == "-":
        raise EvidenceError(name, "it is empty: check what was to be written there")
    if len(octets) > FILE_LIMIT:
        raise EvidenceError(
            name, f"it is no capture, and as a contact log larger than {FILE_LIMIT // 1024**2} MiB"
        )
    try:
        # BZ-LOG-003: an export of no records has no octets.
        return read_contact_log(name, octets)
    except EvidenceError as error:
        raise EvidenceError(name, f"{_no_capture(name, head)}; as a contact log: {error.reason}") from None


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
    while len(head) < _HEAD_OCTETS and (octets := stream.read(_HEAD_OCTETS - len(head))):
        head += octets
    return head
