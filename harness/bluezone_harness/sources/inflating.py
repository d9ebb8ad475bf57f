"""Octets that are unpacked as they are read: deflate streams, and gzip around them.

Theory of operation. What reads a capture takes an ``OctetReader``; these are such readers, so a packed capture is
read like any other, in constant memory. Damage gives every octet before it, then an ``OSError`` that says why, as
the operating system does when a disk fails; the source makes a diagnostic of it. Sources: RFC 1951 (deflate), RFC
1952 (gzip).
"""

from __future__ import annotations

import errno
import zlib

from .octets import READ_OCTETS, OctetStream

GZIP_OCTETS = b"\x1f\x8b"
"""What gzip begins with."""
MOST_RATIO = 200
"""So many times the packed octets are unpacked at most: captures come to some 20 times, bombs to 1000."""
FREE_OCTETS = 16 * 1024 * 1024
"""So many are unpacked whatever the ratio."""
_PACKED_OCTETS = 64 * 1024
"""Packed octets that are unpacked at once."""
_RAW = -zlib.MAX_WBITS
_GZIP = 16 + zlib.MAX_WBITS


class Budget:
    """How much may be unpacked of one archive, all that it holds together, layer upon layer.

    Args:
        archive: The outermost octets.
    """

    def __init__(self, archive: OctetStream) -> None:
        self._archive = archive
        self._unpacked = 0

    def spend(self, octets: int) -> str:
        """Count octets that were unpacked, and say why no more may be; empty if they may."""
        self._unpacked += octets
        if self._unpacked <= FREE_OCTETS + MOST_RATIO * self._archive.offset:
            return ""
        return f"it unpacks to more than {MOST_RATIO} times its size, as no capture does"


class Inflating:
    """One deflate stream.

    Args:
        packed: Where it begins at the next octet; it is read as far as the stream goes, and no further.
        budget: Of the archive.
        window_bits: As ``zlib`` has them.
        length: Packed octets that are the stream's; ``None`` where only the stream tells.

    Attributes:
        ended: The stream was read to its end.
        failure: Why it cannot be read further, for people; else empty.
        crc: CRC-32 of the octets so far.
        unpacked: How many they are.
    """

    def __init__(
        self, packed: OctetStream, budget: Budget, window_bits: int = _RAW, length: int | None = None
    ) -> None:
        self._packed = packed
        self._end = None if length is None else packed.offset + length
        self._budget = budget
        self._inflate = zlib.decompressobj(window_bits)
        self.ended = False
        self.failure = ""
        self.crc = 0
        self.unpacked = 0

    def read(self, count: int = -1, /) -> bytes:
        """Return at most so many octets, none at the end.

        Raises:
            OSError: It is damaged; everything before was returned.
        """
        while not self.ended:
            if self.failure:
                raise OSError(errno.EIO, self.failure)
            octets = self._next(count if count > 0 else READ_OCTETS)
            if octets:
                self.crc = zlib.crc32(octets, self.crc)
                self.unpacked += len(octets)
                self.failure = self.failure or self._budget.spend(len(octets))
                return octets
        return b""

    def _next(self, count: int) -> bytes:
        """Unpack once; there may be nothing yet."""
        stream = self._packed
        stream.ensure(1)
        most = _PACKED_OCTETS if self._end is None else min(_PACKED_OCTETS, self._end - stream.offset)
        piece = stream.buffer[stream.position : stream.position + most]
        before = self._inflate.copy()
        try:
            octets = self._inflate.decompress(piece, count)
        except zlib.error:
            self.failure = "the packed octets are damaged"
            return _until_damage(before, piece)
        self.ended = self._inflate.eof
        rest = self._inflate.unused_data if self.ended else self._inflate.unconsumed_tail
        stream.position += len(piece) - len(rest)
        if not (piece or octets or self.ended):
            self.failure = stream.failure or "the packed octets are cut"
        return octets


class Gunzipping:
    """gzip: deflate streams one after another, each with a header and a checksum.

    Args:
        packed: At its start.
        budget: Of the archive.
    """

    def __init__(self, packed: OctetStream, budget: Budget) -> None:
        self._packed = packed
        self._budget = budget
        self._part = Inflating(packed, budget, _GZIP)

    def read(self, count: int = -1, /) -> bytes:
        """Return at most so many octets, none at the end.

        Raises:
            OSError: It is damaged; everything before was returned.
        """
        while True:
            octets = self._part.read(count)
            if octets or not self._goes_on():
                return octets
            self._part = Inflating(self._packed, self._budget, _GZIP)

    def _goes_on(self) -> bool:
        """Say whether another part follows, after zeros that fill up a block of a tape or disk.

        Raises:
            OSError: Something else follows, or what follows cannot be read.
        """
        stream = self._packed
        while stream.ensure(1):
            held = stream.buffer[stream.position :]
            filling = len(held) - len(held.lstrip(b"\x00"))
            stream.position += filling
            if filling < len(held):
                if held[filling] == GZIP_OCTETS[0]:
                    return True
                raise OSError(errno.EIO, "something follows that is not packed by gzip")
        if stream.failure:
            raise OSError(errno.EIO, stream.failure)
        return False


def _until_damage(inflate: zlib._Decompress, piece: bytes) -> bytes:
    """Unpack octet by octet what ``zlib`` drops when it meets damage."""
    found = bytearray()
    try:
        for place in range(len(piece)):
            found += inflate.decompress(piece[place : place + 1])
    except zlib.error:
        pass
    return bytes(found)
