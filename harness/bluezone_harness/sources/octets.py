"""Octets of a file or pipe: read in chunks, hashed as they are read, held in a buffer that stays small."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

READ_OCTETS = 128 * 1024
"""Octets asked of the file or pipe at once; the buffer holds one chunk and what is asked for."""


class OctetReader(Protocol):
    """A file or pipe, open for reading; it need not seek."""

    def read(self, count: int = -1, /) -> bytes:
        """Return at most so many octets, none at the end."""
        ...


class OctetStream:
    """A window that moves over the octets of a file or pipe.

    Whoever reads looks at ``buffer`` from ``position`` on, moves ``position``, and asks ``ensure`` for more.

    Args:
        stream: At its start.

    Attributes:
        buffer: Octets that were read and are still of use.
        position: Index into the buffer of the next octet.
        failure: Why the operating system gave no more, for people; empty where it did not refuse.
    """

    def __init__(self, stream: OctetReader) -> None:
        # of a pipe, what is there already: read() would wait until a whole chunk has come
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._hash = sha256()
        self._before = 0
        self._ended = False
        self.buffer = b""
        self.position = 0
        self.failure = ""

    @property
    def offset(self) -> int:
        """Octets from the start of the file to the next octet."""
        return self._before + self.position

    @property
    def before(self) -> int:
        """Octets from the start of the file to the first of the buffer."""
        return self._before

    @property
    def rest(self) -> int:
        """Octets that are in the buffer and were not read yet; all that follow, once ``ensure`` said no."""
        return len(self.buffer) - self.position

    @property
    def sha256(self) -> str:
        """Of all octets that came from the file so far, in hex."""
        return self._hash.hexdigest()

    def ensure(self, count: int) -> bool:
        """Read until ``count`` octets are in the buffer from ``position`` on, and say whether they are."""
        if len(self.buffer) - self.position >= count:
            return True
        chunks = [self.buffer[self.position :]]
        self._before += self.position
        self.position = 0
        held = len(chunks[0])
        while held < count and (chunk := self._chunk()):
            chunks.append(chunk)
            held += len(chunk)
        self.buffer = b"".join(chunks)
        return held >= count

    def skip(self, count: int) -> bool:
        """Move on by ``count`` octets without keeping them, and say whether they were there."""
        while count > self.rest:
            count -= self.rest
            self._before += len(self.buffer)
            self.buffer = b""
            self.position = 0
            if not self.ensure(1):
                return False
        self.position += count
        return True

    def read_rest(self) -> None:
        """Read to the end, keeping nothing: what is hashed then is the whole file."""
        while self.skip(max(self.rest, 1)):
            pass

    def _chunk(self) -> bytes:
        if self._ended:
            return b""
        try:
            chunk = self._read(READ_OCTETS)
        except OSError as error:
            self.failure = error.strerror or "it cannot be read further"
            chunk = b""
        self._ended = not chunk
        self._hash.update(chunk)
        return chunk
