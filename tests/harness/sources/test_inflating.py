"""Octets that gzip packed: parts, headers and damage, and such as would unpack to far too many."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from bluezone_harness.observations import Observation, Severity, Source
from bluezone_harness.sources import inflating
from bluezone_harness.sources.archives import Archive

pytestmark = pytest.mark.req("BZ-ADV-001")

AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
Write = Callable[..., bytes]
Unpacked = Callable[[bytes], tuple[Archive, list[tuple[Source, list[Observation]]]]]
Plain = Callable[[bytes], list[Observation]]


def test_gzip_of_several_parts_and_zeros(unpacked: Unpacked, plain: Plain, snooped: bytes) -> None:
    parts = [gzip.compress(snooped[:500]), gzip.compress(b""), gzip.compress(snooped[500:])]
    for octets in (b"".join(parts), b"".join(parts) + bytes(200_000), bytes(10).join(parts)):
        _, ((source, found),) = unpacked(octets)
        assert found == plain(snooped)
        assert source.diagnostics == ()
    _, ((source, found),) = unpacked(b"".join(parts) + b"rubbish")
    assert found == plain(snooped)
    (told,) = source.diagnostics
    assert told.message.startswith("something follows that is not packed by gzip")
    _, ((source, found),) = unpacked(b"".join(parts) + b"\x1f")
    assert found == plain(snooped)
    assert [each.severity for each in source.diagnostics] == [Severity.ERROR]


def test_gzip_with_every_field_of_its_header(unpacked: Unpacked, plain: Plain, snooped: bytes) -> None:
    deflate = zlib.compressobj(wbits=-15)
    header = b"\x1f\x8b\x08\x1e" + bytes(6) + struct.pack("<H", 5) + b"extra" + b"name\x00" + b"comment\x00"
    header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    body = deflate.compress(snooped) + deflate.flush()
    _, ((_, found),) = unpacked(header + body + struct.pack("<II", zlib.crc32(snooped), len(snooped)))
    assert found == plain(snooped)


def test_damage_gives_what_was_before_it(unpacked: Unpacked, plain: Plain, snooped: bytes) -> None:
    # stored blocks of deflate, so that each octet of the snooped stands in the packed ones as it is
    packed = gzip.compress(snooped, 0)
    start = packed.index(snooped[:16])
    turned = bytearray(packed)
    turned[start + 900] ^= 0x80
    _, ((source, found),) = unpacked(bytes(turned))
    assert found[:10] == plain(snooped)[:10]
    assert "damaged" in source.diagnostics[-1].message
    # a block of a type that does not exist, after all of the snooped: nothing is lost of what stands before
    deflate = zlib.compressobj(wbits=31)
    whole = deflate.compress(snooped) + deflate.flush(zlib.Z_FULL_FLUSH)
    for rest in (b"\xff" * 20, b"\xff", b"\x07"):
        _, ((source, found),) = unpacked(whole + rest)
        assert found == plain(snooped)
        (told,) = source.diagnostics
        assert told.message.startswith("the packed octets are ")
        assert told.offset == len(snooped)


@pytest.mark.parametrize("form", ["gzip", "zip", "both"])
def test_bombs(
    zipped: Write,
    unpacked: Unpacked,
    plain: Plain,
    snooped: bytes,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    monkeypatch.setattr(inflating, "FREE_OCTETS", 128 * 1024)
    # one long record that is never there: its octets are zeros
    bomb = snooped + bytes(8 * 1024 * 1024)
    once = gzip.compress(bomb)
    octets = {
        "gzip": lambda: once,
        "zip": lambda: zipped([("n", bomb)]),
        "both": lambda: zipped([("n", once)]),
    }[form]()
    assert len(octets) < 16_000
    tracemalloc.start()
    _, ((source, found),) = unpacked(octets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[: len(plain(snooped))] == plain(snooped)
    assert "more than 200 times its size" in source.diagnostics[-1].message
    assert source.packets < (128 * 1024 + 200 * 16_000) / 24 + 50
    assert peak < 4 * 1024 * 1024


def test_what_packs_well_is_no_bomb(
    unpacked: Unpacked, btsnoop: Callable[..., bytes], report: Callable[..., bytes]
) -> None:
    record = btsnoop([(0, report(bytes(6), AD))])[16:]
    octets = btsnoop([]) + record * 300
    _, ((source, found),) = unpacked(gzip.compress(octets))
    assert len(found) == 300
    assert source.diagnostics == ()
