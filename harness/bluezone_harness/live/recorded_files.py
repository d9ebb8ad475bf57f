"""Files that hold nothing but whole pieces, whatever the operating system answers.

Theory of operation. Pieces wait in memory until they are handed over in one write. A write that was short is completed.
Where one fails, what it took of a last piece is cut off again, so that the file still ends whole; half a piece is left
only where nothing can be cut off, as in a pipe, and nothing follows it then.

Source: POSIX.1, write (short writes, EINTR) and its errors.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO, FileIO
from pathlib import Path
from struct import unpack_from
from typing import Protocol, cast

_TROUBLES = {
    errno.ENOSPC: ("the disk is full", "make room"),
    errno.EDQUOT: ("no more of the disk may be used", "make room"),
    errno.EFBIG: ("the file may not grow further", "raise the limit of its size"),
    errno.EROFS: ("the disk can only be read", "give a file elsewhere"),
    errno.EIO: ("the disk does not take it", "give a file on another disk"),
    errno.EPIPE: ("nobody reads it any more", "let its reader read on"),
    errno.EAGAIN: ("its reader is too slow", "give a file"),
}

_READ_OCTETS = 1 << 20


class RawFile(Protocol):
    """A file open for writing that keeps nothing to itself, as ``io.FileIO`` is; it need not seek."""

    def write(self, octets: memoryview, /) -> int | None:
        """Hand octets to the operating system, and return how many it took; ``None``: none at the moment."""

    def tell(self) -> int:
        """Return where the next octet goes."""

    def seek(self, offset: int, start: int = 0, /) -> int:
        """Say where the next octet goes."""

    def truncate(self, size: int | None = None, /) -> int:
        """Cut the file off."""

    def read(self, count: int = -1, /) -> bytes | None:
        """Return what it holds from there on; nobody asks for it unless its start is changed."""

    def close(self) -> None:
        """Close it."""


class RecorderError(Exception):
    """The operating system takes no more of a recording; one sentence for people, without a full stop.

    Attributes:
        number: Of why, as in ``errno``.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


def new_file(path: Path, *, overwrite: bool = False, rereads: bool = False) -> FileIO:
    """Open a file for a recorder.

    Args:
        path: Where; nothing may be there.
        overwrite: What is there may be lost.
        rereads: It is read, too: its start may be changed.

    Raises:
        FileExistsError: Something is there.
        OSError: It cannot be opened.
    """
    # exclusively: between looking and opening another process could put evidence there
    mode = ("w" if overwrite else "x") + ("+b" if rereads else "b")
    return cast(FileIO, path.open(mode, buffering=0))


class RecordedFile:
    """Whole pieces on their way to a file.

    Args:
        what: What the file is, for people.
        raw: Open, and nobody else's; it is closed with this one.
        whole: Returns how many of some octets are whole pieces: ``whole_lines`` or ``whole_blocks``.

    Attributes:
        held: Pieces that wait.
        hash: Of what the file holds.
        error: Why it takes no more.
    """

    def __init__(self, what: str, raw: RawFile, whole: Callable[[bytes], int]) -> None:
        name = getattr(raw, "name", None)
        self._what = f"{what} {name!r}" if isinstance(name, str) else what
        self._raw = raw
        self._whole = whole
        self._size = 0
        self._torn = False
        self.held = BytesIO()
        self.hash = sha256()
        self.error: RecorderError | None = None

    @property
    def size(self) -> int:
        """Octets that the operating system took and that stay."""
        return self._size

    def flush(self) -> None:
        """Write what waits; where that fails, ``error`` says so, and what would not end whole is cut off again."""
        octets = self.held.getvalue()
        self.held.seek(0)
        self.held.truncate()
        done = 0
        try:
            # after half a piece that could not be cut off nothing could be read
            while done < len(octets) and not self._torn:
                done += self._write(octets, done)
        except OSError as error:
            done = self._cut(done, self._whole(octets[:done]))
            self._size += done
            self._fail(error)
        else:
            self._size += done
        self.hash.update(memoryview(octets)[:done])

    def change_start(self, octets: bytes) -> None:
        """Change the first octets of the file; what waits was written before.

        Args:
            octets: As many as are changed.
        """
        if self.error is not None:
            return
        try:
            end = self._raw.tell()
            begin = end - self._size
            self._raw.seek(begin)
            done = 0
            while done < len(octets):
                done += self._write(octets, done)
            self._raw.seek(begin)
            self.hash = sha256()
            while read := self._raw.read(_READ_OCTETS):
                self.hash.update(read)
            self._raw.seek(end)
        except OSError as error:
            self._torn = True
            self._fail(error)

    def close(self) -> None:
        """Write what waits, and close the file."""
        self.flush()
        try:
            self._raw.close()
        except OSError as error:
            self._fail(error)

    def _write(self, octets: bytes, done: int) -> int:
        """Hand over octets from a place on, and return how many were taken."""
        try:
            taken = self._raw.write(memoryview(octets)[done:])
        except InterruptedError:
            return 0
        if not taken:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return taken

    def _cut(self, done: int, whole: int) -> int:
        """Cut off what was taken of a piece, and return how much of all stays."""
        if done == whole:
            return done
        try:
            # from where the file is: it may have begun with another's octets
            end = self._raw.tell() - (done - whole)
            self._raw.truncate(end)
            self._raw.seek(end)
        except OSError:
            self._torn = True
            return done
        return whole

    def _fail(self, error: OSError) -> None:
        """Say why no more is taken, once."""
        number = error.errno or errno.EIO
        why, advice = _TROUBLES.get(number, (error.strerror or "it is refused", "give another file"))
        if self.error is None:
            self.error = RecorderError(
                f"{self._what} cannot be written any further, {why}: {advice}; the {self._size} octets before "
                "can be read",
                number,
            )


def whole_lines(octets: bytes) -> int:
    """Return how many octets are whole lines."""
    return octets.rfind(b"\n") + 1


def whole_blocks(octets: bytes) -> int:
    """Return how many octets are whole blocks of a pcapng. Source: the pcapng draft, section 3.1."""
    at = 0
    while at + 8 <= len(octets):
        length: int = unpack_from("<I", octets, at + 4)[0]
        if at + length > len(octets):
            break
        at += length
    return at
