"""zip archives, read from their first octet to their last, as they come: from a file, a pipe, or one that is cut.

The directory at the end of an archive is not needed: every member has a header of its own before it. Where that
does not tell how long the member is, its deflate stream does. Source: APPNOTE.TXT of PKWARE, sections 4.3 to 4.5.
"""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterator
from struct import Struct

from .inflating import Budget, Inflating
from .octets import READ_OCTETS, OctetStream

ZIP_OCTETS = b"PK\x03\x04"
"""What each member begins with."""
EMPTY_ZIP_OCTETS = b"PK\x05\x06"
"""What an archive without members begins with."""
MOST_MEMBERS = 100_000
"""Of an archive; a bug report has some thousand."""

_ENDS = (b"PK\x01\x02", EMPTY_ZIP_OCTETS, b"PK\x06\x06", b"PK\x06\x08")
"""What follows the last member: the directory, or what stands before it."""
_HEADER = Struct("<4sHHHHHIIIHH")
_DESCRIPTOR_OCTETS = b"PK\x07\x08"
_ENCRYPTED = 0x0001
_DESCRIBED_BEHIND = 0x0008
"""Checksum and lengths stand behind the member."""
_UTF_8 = 0x0800
_STORED = 0
_DEFLATED = 8
_LONG = 0xFFFFFFFF
"""The length stands in the field of zip64."""
_ZIP64 = 1
_FIELD = Struct("<HH")
_LONG_LENGTH = Struct("<Q")
_DESCRIPTORS = (Struct("<III"), Struct("<IQQ"))
_LONGEST_NAME = 200
"""Characters of a member's name that are kept, the last ones."""


class ZipError(ValueError):
    """An archive is damaged, and nothing after it can be found; why, for people.

    Attributes:
        offset: Octets from its start.
    """

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset


class Member:
    """A file in an archive: an ``OctetReader``, until the next member is asked for.

    Args:
        name: With its folders.
        offset: Of its header.
        source: Its octets; ``None`` where they cannot be unpacked.
        refusal: Why they cannot, for people.
    """

    def __init__(self, name: str, offset: int, source: Inflating | Stored | None, refusal: str = "") -> None:
        self.name = name
        self.offset = offset
        self.refusal = refusal
        self._source = source
        self._crc: int | None = None
        self._length: int | None = None

    def expect(self, crc: int, length: int) -> None:
        """Set what the octets should come to, where the header tells."""
        self._crc, self._length = crc, length

    def read(self, count: int = -1, /) -> bytes:
        """Return at most so many octets, none at the end.

        Raises:
            OSError: They are damaged, or cannot be unpacked; everything before was returned.
        """
        source = self._source
        if source is None:
            raise OSError(errno.EIO, self.refusal)
        octets = source.read(count)
        if (
            not octets
            and self._crc is not None
            and (source.crc, source.unpacked) != (self._crc, self._length)
        ):
            raise OSError(errno.EIO, "the unpacked octets are not those of their checksum")
        return octets


class Stored:
    """Octets that were not packed.

    Args:
        packed: Where they begin at the next octet.
        length: How many they are.

    Attributes:
        crc: CRC-32 of the octets so far.
        unpacked: How many they are.
    """

    def __init__(self, packed: OctetStream, length: int) -> None:
        self._packed = packed
        self._rest = length
        self.crc = 0
        self.unpacked = 0

    def read(self, count: int = -1, /) -> bytes:
        """Return at most so many octets, none at the end.

        Raises:
            OSError: They are cut; everything before was returned.
        """
        if not self._rest:
            return b""
        stream = self._packed
        if not stream.ensure(1):
            raise OSError(errno.EIO, stream.failure or "the archive is cut")
        wanted = min(self._rest, count if count > 0 else READ_OCTETS)
        octets = stream.buffer[stream.position : stream.position + wanted]
        stream.position += len(octets)
        self._rest -= len(octets)
        self.crc = zlib.crc32(octets, self.crc)
        self.unpacked += len(octets)
        return octets


def members(archive: OctetStream, budget: Budget) -> Iterator[Member]:
    """Yield the members, each to be read, as far as it is of use, before the next is asked for.

    Args:
        archive: At its start.
        budget: Of the outermost archive.

    Raises:
        ZipError: It is damaged or cut; all members before were yielded.
    """
    for _ in range(MOST_MEMBERS):
        offset = archive.offset
        archive.ensure(_HEADER.size)
        if archive.buffer.startswith(_ENDS, archive.position):
            archive.read_rest()
            return
        if archive.rest < _HEADER.size:
            raise ZipError(offset, archive.failure or "the archive is cut")
        magic, _, flags, method, _, _, crc, packed, length, name_octets, field_octets = _HEADER.unpack_from(
            archive.buffer, archive.position
        )
        if magic != ZIP_OCTETS:
            raise ZipError(offset, "the archive is damaged: no member begins where one should")
        if not archive.ensure(_HEADER.size + name_octets + field_octets):
            raise ZipError(offset, archive.failure or "the archive is cut within the header of a member")
        at = archive.position + _HEADER.size
        name = _name_of(archive.buffer[at : at + name_octets], flags)
        fields = archive.buffer[at + name_octets : at + name_octets + field_octets]
        archive.position = at + name_octets + field_octets
        behind = bool(flags & _DESCRIBED_BEHIND)
        if not behind and _LONG in (packed, length):
            packed, length = _long_lengths(fields, packed, length, offset)
        yield from _member(archive, budget, name, offset, (flags, method, crc, packed, length))
    raise ZipError(archive.offset, f"the archive has more than {MOST_MEMBERS} members")


def _member(
    archive: OctetStream, budget: Budget, name: str, offset: int, header: tuple[int, int, int, int, int]
) -> Iterator[Member]:
    """Yield one member, then go on to what follows it."""
    flags, method, crc, packed, length = header
    behind = bool(flags & _DESCRIBED_BEHIND)
    refusal = ""
    if flags & _ENCRYPTED:
        refusal = "it is encrypted"
    elif method not in (_STORED, _DEFLATED):
        refusal = f"it is packed by method {method}, where only deflate is read"
    start = archive.offset
    if behind and (refusal or method == _STORED):
        if not refusal:
            refusal = "it is not packed, and its length stands behind it"
        yield Member(name, offset, None, refusal)
        raise ZipError(offset, f"where member {name} ends cannot be told: {refusal}")
    if refusal:
        yield Member(name, offset, None, refusal)
    elif method == _STORED:
        member = Member(name, offset, Stored(archive, packed))
        member.expect(crc, length)
        yield member
    else:
        inflating = Inflating(archive, budget, length=None if behind else packed)
        member = Member(name, offset, inflating)
        if not behind:
            member.expect(crc, length)
        yield member
        if behind:
            _read_behind(archive, inflating, offset, name, start)
            return
    if not archive.skip(start + packed - archive.offset):
        raise ZipError(offset, archive.failure or f"the archive is cut within member {name}")


def _read_behind(archive: OctetStream, inflating: Inflating, offset: int, name: str, start: int) -> None:
    """Read the rest of a deflate stream, and what stands behind it: checksum and lengths, in one of four forms."""
    try:
        while inflating.read(READ_OCTETS):
            pass
    except OSError as error:
        raise ZipError(offset, f"where member {name} ends cannot be told: {error.strerror}") from None
    packed = archive.offset - start
    archive.ensure(4 + _DESCRIPTORS[-1].size)
    for magic in (_DESCRIPTOR_OCTETS, b""):
        for layout in _DESCRIPTORS:
            expected = magic + layout.pack(inflating.crc, *_lengths(layout, packed, inflating.unpacked))
            if archive.buffer.startswith(expected, archive.position):
                archive.position += len(expected)
                return
    raise ZipError(archive.offset, f"what stands behind member {name} is damaged, or is not of its octets")


def _lengths(layout: Struct, packed: int, unpacked: int) -> tuple[int, int]:
    """Return lengths as they stand in a descriptor; the short one drops what is beyond 32 bits."""
    return (packed & _LONG, unpacked & _LONG) if layout is _DESCRIPTORS[0] else (packed, unpacked)


def _long_lengths(fields: bytes, packed: int, length: int, offset: int) -> tuple[int, int]:
    """Return the lengths that the field of zip64 tells. Source: APPNOTE.TXT 4.5.3."""
    at = 0
    while at + _FIELD.size <= len(fields):
        kind, size = _FIELD.unpack_from(fields, at)
        at += _FIELD.size
        if kind == _ZIP64:
            value = fields[at : at + size]
            lengths = [each for (each,) in _LONG_LENGTH.iter_unpack(value[: len(value) // 8 * 8])]
            if len(lengths) >= (length == _LONG) + (packed == _LONG):
                length = lengths.pop(0) if length == _LONG else length
                packed = lengths.pop(0) if packed == _LONG else packed
                return packed, length
        at += size
    raise ZipError(offset, "the archive is damaged: a member does not tell its length")


def _name_of(octets: bytes, flags: int) -> str:
    """Return a member's name for people. Source: APPNOTE.TXT appendix D."""
    text = octets.decode("utf-8" if flags & _UTF_8 or octets.isascii() else "cp437", "replace")
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)[
        -_LONGEST_NAME:
    ]
