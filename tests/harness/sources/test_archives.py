"""Captures inside gzip and zip that the standard library and command-line tools wrote, whole, cut and damaged."""

from __future__ import annotations

import gzip
import io
import random
import sqlite3
import struct
import subprocess
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import Diagnostic, Observation, Severity, Source
from bluezone_harness.sources import archives, inflating, looks_like_archive, open_archive, open_source, zips
from bluezone_harness.sources.archives import Archive

pytestmark = pytest.mark.req("BZ-ADV-001")

AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
LOG = "FS/data/misc/bluetooth/logs/btsnoop_hci.log"


class Forward(io.RawIOBase):
    """A pipe: octets come some at a time, and never again."""

    def __init__(self, octets: bytes, portion: int = 1000) -> None:
        self._rest, self._portion = octets, portion

    def read(self, size: int | None = -1, /) -> bytes:
        octets, self._rest = self._rest[: self._portion], self._rest[self._portion :]
        return octets


def zipped(
    files: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED, *, behind: bool = False
) -> bytes:
    """Write a zip archive by the standard library; as to a pipe, lengths stand behind the members."""
    octets = io.BytesIO()
    target = cast("io.BytesIO", Unseekable(octets)) if behind else octets
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in files:
            archive.writestr(zipfile.ZipInfo(name, (2020, 8, 8, 0, 0, 0)), content, method)
    return octets.getvalue()


class Unseekable:
    """A target that cannot go back."""

    def __init__(self, octets: io.BytesIO) -> None:
        self._octets = octets

    def write(self, octets: bytes) -> int:
        return self._octets.write(octets)

    def flush(self) -> None:
        pass


@pytest.fixture(scope="module")
def capture(btsnoop: Callable[..., bytes], report: Callable[..., bytes]) -> bytes:
    drawn = random.Random(10)
    return btsnoop([(number * 100_501, report(drawn.randbytes(6), AD)) for number in range(40)])


def run(octets: bytes) -> tuple[Archive, list[tuple[Source, list[Observation]]]]:
    """Read all captures of an archive to their ends."""
    archive = open_archive("b.zip", io.BytesIO(octets))
    found = []
    for packed in archive:
        assert packed.is_capture
        source = open_source(packed.name, packed)
        found.append((source, list(source)))
    return archive, found


def plain(octets: bytes) -> list[Observation]:
    return list(open_source("plain", io.BytesIO(octets)))


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_bug_report(capture: bytes, pcap: Callable[..., bytes], behind: bool, layers: int) -> None:
    text = b"== dumpstate: 2020-08-08 05:56:31\n" * 5000
    octets = zipped(
        [
            ("version.txt", b"2.0"),
            ("FS/data/", b""),
            ("main.txt", text),
            (LOG, capture),
            (LOG + ".last.gz", gzip.compress(capture + capture[16:])),
            ("FS/empty", b""),
            ("FS/air.pcap", pcap([])),
        ],
        behind=behind,
    )
    prefix = "b.zip"
    for _ in range(layers - 1):
        octets = zipped([("x.zip", octets), ("notes", b"none")], behind=behind)
        prefix += ": x.zip"
    assert looks_like_archive(octets[:4])
    archive, found = run(octets)
    assert archive.diagnostics == []
    assert [source.name for source, _ in found] == [
        f"{prefix}: {LOG}",
        f"{prefix}: {LOG}.last.gz: btsnoop_hci.log.last",
        f"{prefix}: FS/air.pcap",
    ]
    assert found[0][1] == plain(capture)
    assert found[1][1] == plain(capture + capture[16:])
    assert [source.packets for source, _ in found] == [40, 80, 0]
    assert not any(source.diagnostics for source, _ in found)


@pytest.mark.parametrize("portion", [1, 7, 100, 10**6])
def test_by_other_tools_and_through_a_pipe(tmp_path: Path, capture: bytes, portion: int) -> None:
    path = tmp_path / "log.cfa"
    path.write_bytes(capture)
    packed = subprocess.run(["gzip", "-c", str(path)], capture_output=True, check=True).stdout
    (one,) = open_archive("log.cfa.gz", Forward(packed, portion))
    source = open_source(one.name, one)
    assert list(source) == plain(capture)
    assert (source.name, source.diagnostics) == ("log.cfa.gz: log.cfa", ())
    stored = zipped([("a", capture), ("b", capture)], zipfile.ZIP_STORED)
    found = [list(open_source(each.name, each)) for each in open_archive("x", Forward(stored, portion))]
    assert found == [plain(capture)] * 2


def test_gzip_of_several_parts_and_zeros(capture: bytes) -> None:
    parts = [gzip.compress(capture[:500]), gzip.compress(b""), gzip.compress(capture[500:])]
    for octets in (b"".join(parts), b"".join(parts) + bytes(200_000), bytes(10).join(parts)):
        _, ((source, found),) = run(octets)
        assert found == plain(capture)
        assert source.diagnostics == ()
    _, ((source, found),) = run(b"".join(parts) + b"rubbish")
    assert found == plain(capture)
    (told,) = source.diagnostics
    assert told.message.startswith("something follows that is not packed by gzip")
    _, ((source, found),) = run(b"".join(parts) + b"\x1f")
    assert found == plain(capture)
    assert [each.severity for each in source.diagnostics] == [Severity.ERROR]


def test_gzip_with_every_field_of_its_header(capture: bytes) -> None:
    deflate = zlib.compressobj(wbits=-15)
    header = b"\x1f\x8b\x08\x1e" + bytes(6) + struct.pack("<H", 5) + b"extra" + b"name\x00" + b"comment\x00"
    header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    body = deflate.compress(capture) + deflate.flush()
    _, ((_, found),) = run(header + body + struct.pack("<II", zlib.crc32(capture), len(capture)))
    assert found == plain(capture)


@pytest.mark.parametrize("form", ["gzip", "zip", "behind", "stored"])
def test_cut_at_every_octet(capture: bytes, form: str) -> None:
    packed = {
        "gzip": lambda: gzip.compress(capture, 1),
        "zip": lambda: zipped([("a.log", capture)]),
        "behind": lambda: zipped([("a.log", capture)], behind=True),
        "stored": lambda: zipped([("a.log", capture)], zipfile.ZIP_STORED),
    }[form]()
    good = plain(capture)
    directory = len(packed) if form == "gzip" else packed.index(b"PK\x01\x02") + 4
    most = 0
    for cut in range(2 if form == "gzip" else 4, len(packed)):
        archive = open_archive("b.zip", io.BytesIO(packed[:cut]))
        count = 0
        told: list[Diagnostic] = []
        for each in archive:
            if not each.is_capture:
                assert len(each.head) < 8
                continue
            try:
                source = open_source(each.name, each)
            except ValueError:
                assert len(each.head) < 16
                continue
            found = list(source)
            assert found == good[: len(found)]
            count = len(found)
            told += source.diagnostics
        assert count >= most
        most = count
        if cut < directory:
            assert told or archive.diagnostics or count == 0
        else:
            assert (told, archive.diagnostics, count) == ([], [], len(good))
    assert most == len(good)


def test_damage_gives_what_was_before_it(capture: bytes) -> None:
    # stored blocks of deflate, so that each octet of the capture stands in the packed ones as it is
    packed = gzip.compress(capture, 0)
    start = packed.index(capture[:16])
    turned = bytearray(packed)
    turned[start + 900] ^= 0x80
    _, ((source, found),) = run(bytes(turned))
    assert found[:10] == plain(capture)[:10]
    assert "damaged" in source.diagnostics[-1].message
    # a block of a type that does not exist, after all of the capture: nothing is lost of what stands before
    deflate = zlib.compressobj(wbits=31)
    whole = deflate.compress(capture) + deflate.flush(zlib.Z_FULL_FLUSH)
    for rest in (b"\xff" * 20, b"\xff", b"\x07"):
        _, ((source, found),) = run(whole + rest)
        assert found == plain(capture)
        (told,) = source.diagnostics
        assert told.message.startswith("the packed octets are ")
        assert told.offset == len(capture)


def test_a_checksum_that_is_not_that_of_the_octets(capture: bytes) -> None:
    for octets, method in (
        (zipped([("a", capture), ("b", capture)]), "zip"),
        (gzip.compress(capture), "gzip"),
    ):
        turned = bytearray(octets)
        turned[14 if method == "zip" else -8] ^= 1
        archive, found = run(bytes(turned))
        assert [each for _, each in found] == [plain(capture)] * (2 if method == "zip" else 1)
        (told,) = found[0][0].diagnostics
        assert told.severity is Severity.ERROR
        assert ("checksum" in told.message) == (method == "zip")
        assert not any(source.diagnostics for source, _ in found[1:])
        assert archive.diagnostics == []


def header_of(
    name: bytes,
    content: bytes,
    *,
    flags: int = 0,
    method: int = 0,
    packed: int | None = None,
    length: int | None = None,
    fields: bytes = b"",
    crc: int | None = None,
) -> bytes:
    """Write a member octet by octet. Source: APPNOTE.TXT 4.3.7."""
    return (
        struct.pack(
            "<4sHHHHHIIIHH", b"PK\x03\x04", 20, flags, method, 0, 0, zlib.crc32(content) if crc is None else crc,
            len(content) if packed is None else packed, len(content) if length is None else length,
            len(name), len(fields),
        )
        + name + fields + content
    )  # fmt: skip


END = b"PK\x05\x06" + bytes(18)


def test_lengths_of_zip64(capture: bytes) -> None:
    size = len(capture)
    other = struct.pack("<HH", 0x5455, 5) + bytes(5)
    both = other + struct.pack("<HHQQ", 1, 16, size, size)
    one = struct.pack("<HHQ", 1, 8, size)
    parts = [
        header_of(b"a", capture, packed=0xFFFFFFFF, length=0xFFFFFFFF, fields=both),
        header_of(b"b", capture, packed=0xFFFFFFFF, fields=one),
        header_of(b"c", capture, length=0xFFFFFFFF, fields=one),
    ]
    archive, found = run(b"".join(parts) + END)
    assert [each for _, each in found] == [plain(capture)] * 3
    assert archive.diagnostics == []
    for fields in (b"", other, struct.pack("<HHQ", 1, 8, size), struct.pack("<HH", 1, 16), b"\x01"):
        part = header_of(b"a", capture, packed=0xFFFFFFFF, length=0xFFFFFFFF, fields=fields)
        archive, found = run(parts[1] + part + END)
        assert len(found) == 1
        (told,) = archive.diagnostics
        assert told.message == "the archive is damaged: a member does not tell its length"
        assert told.offset == len(parts[1])


@pytest.mark.parametrize("magic", [b"", b"PK\x07\x08"])
@pytest.mark.parametrize("layout", ["<III", "<IQQ"])
def test_what_stands_behind_a_member(capture: bytes, magic: bytes, layout: str) -> None:
    deflate = zlib.compressobj(wbits=-15)
    body = deflate.compress(capture) + deflate.flush()
    start = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 8, 8, 0, 0, 0, 0, 0, 1, 0) + b"a" + body
    good = start + magic + struct.pack(layout, zlib.crc32(capture), len(body), len(capture))
    archive, found = run(good * 2 + END)
    assert [each for _, each in found] == [plain(capture)] * 2
    assert archive.diagnostics == []
    archive, found = run(start + magic + struct.pack(layout, 0, len(body), len(capture)) + END)
    assert [each for _, each in found] == [plain(capture)]
    (told,) = archive.diagnostics
    assert told.message == "what stands behind member a is damaged, or is not of its octets"


def test_what_is_not_read_is_told(capture: bytes) -> None:
    parts = [
        header_of(b"secret", capture, flags=1),
        header_of(b"zst", capture, method=93),
        header_of("naïve\x07".encode(), capture, flags=0x800),
        header_of("naïve".encode("cp437"), capture),
        header_of(b"behind", capture, flags=8),
    ]
    archive, found = run(b"".join(parts) + END)
    assert [source.name for source, _ in found] == ["b.zip: naïve\N{REPLACEMENT CHARACTER}", "b.zip: naïve"]
    assert [each.message for each in archive.diagnostics] == [
        "secret is not read: it is encrypted",
        "zst is not read: it is packed by method 93, where only deflate is read",
        "behind is not read: it is not packed, and its length stands behind it",
        "where member behind ends cannot be told: it is not packed, and its length stands behind it",
    ]
    ends = [sum(map(len, parts[:count])) for count in range(len(parts))]
    assert [each.offset for each in archive.diagnostics] == [0, ends[1], ends[4], ends[4]]


def test_members_that_are_damaged(capture: bytes) -> None:
    short = header_of(b"a", b"\x07\x07", method=8)
    archive, found = run(short + header_of(b"b", capture) + END)
    assert [source.name for source, _ in found] == ["b.zip: b"]
    assert [each.message for each in archive.diagnostics] == ["a: the packed octets are damaged"]
    archive, found = run(header_of(b"b", capture) + b"PK\x03\x05" + bytes(40))
    assert len(found) == 1
    assert [each.message for each in archive.diagnostics] == [
        "the archive is damaged: no member begins where one should"
    ]
    archive, _ = run(header_of(b"a", capture, packed=10**9) + END)
    assert [each.message for each in archive.diagnostics] == ["the archive is cut within member a"]
    # a stream that goes on beyond its length is cut there: the next header is never taken for its octets
    deflate = zlib.compressobj(wbits=-15)
    body = deflate.compress(capture) + deflate.flush()
    member = header_of(b"a", body[:-5], method=8, crc=zlib.crc32(capture), length=len(capture))
    archive, found = run(member + header_of(b"b", capture) + END)
    assert [source.name for source, _ in found] == ["b.zip: a", "b.zip: b"]
    assert found[0][1] == plain(capture)[: len(found[0][1])]
    assert "the packed octets are cut" in found[0][0].diagnostics[-1].message


def nested(octets: bytes, layers: int) -> bytes:
    for number in range(layers):
        octets = gzip.compress(octets) if number % 2 else zipped([("n", octets)])
    return octets


def test_archives_in_one_another_have_an_end(capture: bytes) -> None:
    assert len(run(nested(capture, archives.MOST_LAYERS))[1]) == 1
    archive, found = run(nested(capture, archives.MOST_LAYERS + 1))
    assert found == []
    assert "archives in one another" in archive.diagnostics[0].message


def test_damage_within_an_archive_in_an_archive_is_told_at_its_member(capture: bytes) -> None:
    """Fuzzing found it: the place within the inner archive, which the file may not even have, was told."""
    inner = zipped([("a", bytes(100_000)), ("b", capture)])
    damaged = inner[: inner.index(b"PK\x03\x04", 4)] + b"PK\x03\x05" + bytes(2000)
    before = zipped([("x", b"y")])
    outer = before[: before.index(b"PK\x01\x02")] + zipped([("inner.zip", damaged)])
    for octets, offset in ((outer, before.index(b"PK\x01\x02")), (gzip.compress(damaged), 0)):
        archive, _ = run(octets)
        assert [each.offset for each in archive.diagnostics] == [offset]
        assert "no member begins where one should" in archive.diagnostics[0].message


ROW = "B9A665D754FE65E665D76A45\tF3ECC9D26E7B04F8C9B6A601\t-71\t1596866191387\n"


def test_contact_logs_are_handed_out_as_such(capture: bytes, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "app_db_2.db")) as connection:
        connection.execute("create table trace_info (blid, blid_contact, rssi, timestamp)")
    members = [
        ("notes.txt", b"B9A665D754FE65E665D76A45 a hash\n" * 10 + ROW.encode()),
        ("databases/app_db_2.db", (tmp_path / "app_db_2.db").read_bytes()),
        ("btsnoop_hci.log", capture),
        ("data_trace.txt", ROW.encode() * 9000),
        ("photo.jpg", b"\xff\xd8\xff\xe0" + bytes(100)),
    ]
    for octets in (zipped(members), zipped(members, behind=True), zipped([("all.zip", zipped(members))])):
        found = []
        for packed in open_archive("phone.zip", io.BytesIO(octets)):
            held = b"".join(iter(lambda packed=packed: packed.read(1 << 20), b""))  # type: ignore[misc]
            found.append((packed.name.rpartition(": ")[2], packed.is_capture, held))
        assert found == [
            ("databases/app_db_2.db", False, members[1][1]),
            ("btsnoop_hci.log", True, capture),
            ("data_trace.txt", False, members[3][1]),
        ]


def test_limits(capture: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_CAPTURES", 3)
    monkeypatch.setattr(archives, "MOST_NOTES", 2)
    monkeypatch.setattr(zips, "MOST_MEMBERS", 6)
    archive, found = run(b"".join(header_of(b"a", capture) for _ in range(5)) + END)
    assert len(found) == 3
    assert "more than 3 captures" in archive.diagnostics[0].message
    archive, found = run(b"".join(header_of(b"a", b"") for _ in range(7)) + END)
    assert "more than 6 members" in archive.diagnostics[0].message
    archive, found = run(b"".join(header_of(b"a", b"", flags=1) for _ in range(5)) + END)
    assert len(archive.diagnostics) == 2


@pytest.mark.parametrize("form", ["gzip", "zip", "both"])
def test_bombs(capture: bytes, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(inflating, "FREE_OCTETS", 128 * 1024)
    # one long record that is never there: its octets are zeros
    bomb = capture + bytes(8 * 1024 * 1024)
    once = gzip.compress(bomb)
    octets = {
        "gzip": lambda: once,
        "zip": lambda: zipped([("n", bomb)]),
        "both": lambda: zipped([("n", once)]),
    }[form]()
    assert len(octets) < 16_000
    tracemalloc.start()
    _, ((source, found),) = run(octets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[: len(plain(capture))] == plain(capture)
    assert "more than 200 times its size" in source.diagnostics[-1].message
    assert source.packets < (128 * 1024 + 200 * 16_000) / 24 + 50
    assert peak < 4 * 1024 * 1024


def test_what_packs_well_is_no_bomb(btsnoop: Callable[..., bytes], report: Callable[..., bytes]) -> None:
    record = btsnoop([(0, report(bytes(6), AD))])[16:]
    octets = btsnoop([]) + record * 300
    _, ((source, found),) = run(gzip.compress(octets))
    assert len(found) == 300
    assert source.diagnostics == ()


@given(data=st.data())
def test_turned_bits(capture: bytes, data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(["gzip", "zip", "behind", "stored"]))
    files = [("a", capture), ("b", capture)]
    octets = bytearray(
        gzip.compress(capture, mtime=0)
        if form == "gzip"
        else zipped(
            files, zipfile.ZIP_STORED if form == "stored" else zipfile.ZIP_DEFLATED, behind=form == "behind"
        )
    )
    for place in data.draw(st.lists(st.integers(32, len(octets) * 8 - 1), max_size=5)):
        octets[place // 8] ^= 1 << place % 8
    archive = open_archive("x", Forward(bytes(octets)))
    for each in archive:
        if not each.is_capture:
            continue
        try:
            source = open_source(each.name, each)
        except ValueError:
            continue
        list(source)
        errors = [told for told in source.diagnostics if told.severity is Severity.ERROR]
        assert len(errors) <= 1


@given(
    head=st.sampled_from(
        [b"\x1f\x8b\x08\x00", b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06", header_of(b"a", b"x" * 80)]
    ),
    rest=st.binary(max_size=300),
)
def test_no_octets_do_harm(head: bytes, rest: bytes) -> None:
    assert looks_like_archive(head + rest)
    archive = open_archive("x", io.BytesIO(head + rest))
    for each in archive:
        chunks: list[bytes] = []
        failure: OSError | None = None
        try:
            while chunk := each.read():
                chunks.append(chunk)
        except OSError as error:
            failure = error
        assert failure is None or failure.strerror
        assert b"".join(chunks)[:64] == each.head


def test_a_file_that_the_system_stops_giving(capture: bytes) -> None:
    class Failing(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            chunk = super().read1(50)
            if not chunk:
                raise OSError(5, "Input/output error")
            return chunk

    good = plain(capture)
    packed = zipped([("a", capture)], zipfile.ZIP_STORED)[:1500]
    archive_read = open_archive("x", Failing(packed))
    for part in archive_read:
        source = open_source(part.name, part)
        found = list(source)
        assert found == good[: len(found)]
        assert "Input/output error" in source.diagnostics[-1].message
    assert "Input/output error" in archive_read.diagnostics[-1].message
