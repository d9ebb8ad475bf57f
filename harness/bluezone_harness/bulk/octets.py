"""Octets in two buffers in turns, hashed by a second thread while the first walks over them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NoReturn

import numpy as np

from bluezone_harness.sources.octets import OctetReader, OctetStream
from bluezone_harness.sources.packets import LONGEST_PACKET

CHUNK_OCTETS = 1024 * 1024
"""Octets asked of the file at once."""


class BulkOctets(OctetStream):
    """An octet stream that can lend its octets in an array, and take back what is left of them.

    Between ``lend`` and ``take_back`` only ``array``, ``at`` and ``end`` tell where it stands.

    Args:
        stream: At its start.
        pool: Of one thread.
        spare: Octets of the array that may be looked at after what it holds.

    Attributes:
        array: The buffer.
        at: Index into it of the next octet.
        end: Of what it holds.
    """

    def __init__(self, stream: OctetReader, pool: ThreadPoolExecutor, spare: int) -> None:
        super().__init__(stream)
        self._pool = pool
        self._hashing: Future[None] | None = None
        self._read_into: Callable[[memoryview], int] = getattr(
            stream, "readinto1", getattr(stream, "readinto", self._copy_into)
        )
        self._spare = spare
        self._other = self.array = np.zeros(0, np.uint8)
        self.at = self.end = 0

    def lend(self) -> None:
        """Move what was read and not used into the array."""
        self._before += self.position
        left = np.frombuffer(self.buffer, np.uint8, offset=self.position)
        if self.array.size < left.size + self._spare:
            self.array = np.zeros(left.size + CHUNK_OCTETS + self._spare, np.uint8)
        self.at, self.end = 0, left.size
        self.array[: self.end] = left
        self.buffer, self.position = b"", 0

    def more(self) -> bool:
        """Read more octets into the array, and say whether any came; what was before ``at`` is gone."""
        if self._ended:
            return False
        # the second thread is at most one chunk behind, and that is in the other array
        left = self.end - self.at
        needed = left + CHUNK_OCTETS + self._spare
        following = self._other
        if following.size < needed:
            following = np.zeros(needed + LONGEST_PACKET, np.uint8)
        following[:left] = self.array[self.at : self.end]
        self._before += self.at
        self._other, self.array = self.array, following
        self.at, self.end = 0, left
        room = memoryview(following)[left : left + CHUNK_OCTETS]
        try:
            count = self._read_into(room)
        except OSError as error:
            self._read = _refusing(error)
            return False
        if not count:
            self._ended = True
            return False
        self.end += count
        self._wait()
        self._hashing = self._pool.submit(self._hash.update, room[:count])
        return True

    def take_back(self) -> None:
        """Go on as an ordinary stream, at the next octet."""
        self._wait()
        self._before += self.at
        self.buffer, self.position = self.array[self.at : self.end].tobytes(), 0
        self.at = self.end = 0

    def offset_of(self, index: int) -> int:
        """Return the octets from the start of the file to an octet of the array."""
        return self._before + index

    def _wait(self) -> None:
        if self._hashing:
            self._hashing.result()
            self._hashing = None

    def _copy_into(self, room: memoryview) -> int:
        octets = self._read(len(room))
        room[: len(octets)] = octets
        return len(octets)


def _refusing(error: OSError) -> Callable[[int], bytes]:
    """Return what reads as a file does that cannot be read."""

    def read(count: int) -> NoReturn:
        raise error

    return read
