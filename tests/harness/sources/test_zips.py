"""Members of zip archives, written octet by octet: lengths of every form, what is not read, what is damaged."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest

from bluezone_harness.observations import Observation, Source
from bluezone_harness.sources.archives import Archive

pytestmark = pytest.mark.req("BZ-ADV-001")

END = b"PK\x05\x06" + bytes(18)
Write = Callable[..., bytes]
Unpacked = Callable[[bytes], tuple[Archive, list[tuple[Source, list[Observation]]]]]
Plain = Callable[[bytes], list[Observation]]


def test_lengths_of_zip64(member: Write, unpacked: Unpacked, plain: Plain, snooped: bytes) -> None:
    size = len(snooped)
    other = struct.pack("<HH", 0x5455, 5) + bytes(5)
    both = other + struct.pack("<HHQQ", 1, 16, size, size)
    one = struct.pack("<HHQ", 1, 8, size)
    parts = [
        member(b"a", snooped, packed=0xFFFFFFFF, length=0xFFFFFFFF, fields=both),
        member(b"b", snooped, packed=0xFFFFFFFF, fields=one),
        member(b"c", snooped, length=0xFFFFFFFF, fields=one),
    ]
    archive, found = unpacked(b"".join(parts) + END)
    assert [each for _, each in found] == [plain(snooped)] * 3
    assert archive.diagnostics == []
    for fields in (b"", other, struct.pack("<HHQ", 1, 8, size), struct.pack("<HH", 1, 16), b"\x01"):
        part = member(b"a", snooped, packed=0xFFFFFFFF, length=0xFFFFFFFF, fields=fields)
        archive, found = unpacked(parts[1] + part + END)
        assert len(found) == 1
        (told,) = archive.diagnostics
        assert told.message == "the archive is damaged: a member does not tell its length"
        assert told.offset == len(parts[1])


@pytest.mark.parametrize("magic", [b"", b"PK\x07\x08"])
@pytest.mark.parametrize("layout", ["<III", "<IQQ"])
def test_what_stands_behind_a_member(
    unpacked: Unpacked, plain: Plain, snooped: bytes, magic: bytes, layout: str
) -> None:
    deflate = zlib.compressobj(wbits=-15)
    body = deflate.compress(snooped) + deflate.flush()
    start = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 8, 8, 0, 0, 0, 0, 0, 1, 0) + b"a" + body
    good = start + magic + struct.pack(layout, zlib.crc32(snooped), len(body), len(snooped))
    archive, found = unpacked(good * 2 + END)
    assert [each for _, each in found] == [plain(snooped)] * 2
    assert archive.diagnostics == []
    archive, found = unpacked(start + magic + struct.pack(layout, 0, len(body), len(snooped)) + END)
    assert [each for _, each in found] == [plain(snooped)]
    (told,) = archive.diagnostics
    assert told.message == "what stands behind member a is damaged, or is not of its octets"


def test_what_is_not_read_is_told(member: Write, unpacked: Unpacked, snooped: bytes) -> None:
    parts = [
        member(b"secret", snooped, flags=1),
        member(b"zst", snooped, method=93),
        member("naïve\x07".encode(), snooped, flags=0x800),
        member("naïve".encode("cp437"), snooped),
        member(b"behind", snooped, flags=8),
    ]
    archive, found = unpacked(b"".join(parts) + END)
    assert [source.name for source, _ in found] == ["b.zip: naïve\N{REPLACEMENT CHARACTER}", "b.zip: naïve"]
    assert [each.message for each in archive.diagnostics] == [
        "secret is not read: it is encrypted",
        "zst is not read: it is packed by method 93, where only deflate is read",
        "behind is not read: it is not packed, and its length stands behind it",
        "where member behind ends cannot be told: it is not packed, and its length stands behind it",
    ]
    ends = [sum(map(len, parts[:count])) for count in range(len(parts))]
    assert [each.offset for each in archive.diagnostics] == [0, ends[1], ends[4], ends[4]]


def test_members_that_are_damaged(member: Write, unpacked: Unpacked, plain: Plain, snooped: bytes) -> None:
    short = member(b"a", b"\x07\x07", method=8)
    archive, found = unpacked(short + member(b"b", snooped) + END)
    assert [source.name for source, _ in found] == ["b.zip: b"]
    assert [each.message for each in archive.diagnostics] == ["a: the packed octets are damaged"]
    archive, found = unpacked(member(b"b", snooped) + b"PK\x03\x05" + bytes(40))
    assert len(found) == 1
    assert [each.message for each in archive.diagnostics] == [
        "the archive is damaged: no member begins where one should"
    ]
    archive, _ = unpacked(member(b"a", snooped, packed=10**9) + END)
    assert [each.message for each in archive.diagnostics] == ["the archive is cut within member a"]
    # a stream that goes on beyond its length is cut there: the next header is never taken for its octets
    deflate = zlib.compressobj(wbits=-15)
    body = deflate.compress(snooped) + deflate.flush()
    part = member(b"a", body[:-5], method=8, crc=zlib.crc32(snooped), length=len(snooped))
    archive, found = unpacked(part + member(b"b", snooped) + END)
    assert [source.name for source, _ in found] == ["b.zip: a", "b.zip: b"]
    assert found[0][1] == plain(snooped)[: len(found[0][1])]
    assert "the packed octets are cut" in found[0][0].diagnostics[-1].message
