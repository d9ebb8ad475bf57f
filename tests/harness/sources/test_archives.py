"""Captures inside gzip and zip that the standard library and command-line tools wrote, whole, cut and damaged."""

from __future__ import annotations

import gzip
import io
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import Diagnostic, Observation, Severity, Source
from bluezone_harness.sources import archives, looks_like_archive, open_archive, open_source, zips
from bluezone_harness.sources.archives import Archive

pytestmark = pytest.mark.req("BZ-ADV-001")

LOG = "FS/data/misc/bluetooth/logs/btsnoop_hci.log"
Write = Callable[..., bytes]
Unpacked = Callable[[bytes], tuple[Archive, list[tuple[Source, list[Observation]]]]]
Plain = Callable[[bytes], list[Observation]]


class Forward(io.RawIOBase):
    """A pipe: octets come some at a time, and never again."""

    def __init__(self, octets: bytes, portion: int = 1000) -> None:
        self._rest, self._portion = octets, portion

    def read(self, size: int | None = -1, /) -> bytes:
        octets, self._rest = self._rest[: self._portion], self._rest[self._portion :]
        return octets


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_bug_report(
    zipped: Write,
    unpacked: Unpacked,
    plain: Plain,
    snooped: bytes,
    pcap: Callable[..., bytes],
    behind: bool,
    layers: int,
) -> None:
    text = b"== dumpstate: 2020-08-08 05:56:31\n" * 5000
    octets = zipped(
        [
            ("version.txt", b"2.0"),
            ("FS/data/", b""),
            ("main.txt", text),
            (LOG, snooped),
            (LOG + ".last.gz", gzip.compress(snooped + snooped[16:])),
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
    archive, found = unpacked(octets)
    assert archive.diagnostics == []
    assert [source.name for source, _ in found] == [
        f"{prefix}: {LOG}",
        f"{prefix}: {LOG}.last.gz: btsnoop_hci.log.last",
        f"{prefix}: FS/air.pcap",
    ]
    assert found[0][1] == plain(snooped)
    assert found[1][1] == plain(snooped + snooped[16:])
    assert [source.packets for source, _ in found] == [40, 80, 0]
    assert not any(source.diagnostics for source, _ in found)


@pytest.mark.parametrize("portion", [1, 7, 100, 10**6])
def test_by_other_tools_and_through_a_pipe(
    zipped: Write, plain: Plain, tmp_path: Path, snooped: bytes, portion: int
) -> None:
    path = tmp_path / "log.cfa"
    path.write_bytes(snooped)
    packed = subprocess.run(["gzip", "-c", str(path)], capture_output=True, check=True).stdout
    (one,) = open_archive("log.cfa.gz", Forward(packed, portion))
    source = open_source(one.name, one)
    assert list(source) == plain(snooped)
    assert (source.name, source.diagnostics) == ("log.cfa.gz: log.cfa", ())
    stored = zipped([("a", snooped), ("b", snooped)], zipfile.ZIP_STORED)
    found = [list(open_source(each.name, each)) for each in open_archive("x", Forward(stored, portion))]
    assert found == [plain(snooped)] * 2


@pytest.mark.parametrize("form", ["gzip", "zip", "behind", "stored"])
def test_cut_at_every_octet(zipped: Write, plain: Plain, snooped: bytes, form: str) -> None:
    packed = {
        "gzip": lambda: gzip.compress(snooped, 1),
        "zip": lambda: zipped([("a.log", snooped)]),
        "behind": lambda: zipped([("a.log", snooped)], behind=True),
        "stored": lambda: zipped([("a.log", snooped)], zipfile.ZIP_STORED),
    }[form]()
    good = plain(snooped)
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


def test_a_checksum_that_is_not_that_of_the_octets(
    zipped: Write, unpacked: Unpacked, plain: Plain, snooped: bytes
) -> None:
    for octets, method in (
        (zipped([("a", snooped), ("b", snooped)]), "zip"),
        (gzip.compress(snooped), "gzip"),
    ):
        turned = bytearray(octets)
        turned[14 if method == "zip" else -8] ^= 1
        archive, found = unpacked(bytes(turned))
        assert [each for _, each in found] == [plain(snooped)] * (2 if method == "zip" else 1)
        (told,) = found[0][0].diagnostics
        assert told.severity is Severity.ERROR
        assert ("checksum" in told.message) == (method == "zip")
        assert not any(source.diagnostics for source, _ in found[1:])
        assert archive.diagnostics == []


END = b"PK\x05\x06" + bytes(18)


def nested(zipped: Write, octets: bytes, layers: int) -> bytes:
    for number in range(layers):
        octets = gzip.compress(octets) if number % 2 else zipped([("n", octets)])
    return octets


def test_archives_in_one_another_have_an_end(zipped: Write, unpacked: Unpacked, snooped: bytes) -> None:
    assert len(unpacked(nested(zipped, snooped, archives.MOST_LAYERS))[1]) == 1
    archive, found = unpacked(nested(zipped, snooped, archives.MOST_LAYERS + 1))
    assert found == []
    assert "archives in one another" in archive.diagnostics[0].message


def test_damage_within_an_archive_in_an_archive_is_told_at_its_member(
    zipped: Write, unpacked: Unpacked, snooped: bytes
) -> None:
    """Fuzzing found it: the place within the inner archive, which the file may not even have, was told."""
    inner = zipped([("a", bytes(100_000)), ("b", snooped)])
    damaged = inner[: inner.index(b"PK\x03\x04", 4)] + b"PK\x03\x05" + bytes(2000)
    before = zipped([("x", b"y")])
    outer = before[: before.index(b"PK\x01\x02")] + zipped([("inner.zip", damaged)])
    for octets, offset in ((outer, before.index(b"PK\x01\x02")), (gzip.compress(damaged), 0)):
        archive, _ = unpacked(octets)
        assert [each.offset for each in archive.diagnostics] == [offset]
        assert "no member begins where one should" in archive.diagnostics[0].message


ROW = "B9A665D754FE65E665D76A45\tF3ECC9D26E7B04F8C9B6A601\t-71\t1596866191387\n"


def test_contact_logs_are_handed_out_as_such(zipped: Write, snooped: bytes, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "app_db_2.db")) as connection:
        connection.execute("create table trace_info (blid, blid_contact, rssi, timestamp)")
    members = [
        ("notes.txt", b"B9A665D754FE65E665D76A45 a hash\n" * 10 + ROW.encode()),
        ("databases/app_db_2.db", (tmp_path / "app_db_2.db").read_bytes()),
        ("btsnoop_hci.log", snooped),
        ("data_trace.txt", ROW.encode() * 9000),
        ("photo.jpg", b"\xff\xd8\xff\xe0" + bytes(100)),
    ]
    for octets in (zipped(members), zipped(members, behind=True), zipped([("all.zip", zipped(members))])):
        found = []
        for packed in open_archive("phone.zip", io.BytesIO(octets)):
            held = b""
            while chunk := packed.read(1 << 20):
                held += chunk
            found.append((packed.name.rpartition(": ")[2], packed.is_capture, held))
        assert found == [
            ("databases/app_db_2.db", False, members[1][1]),
            ("btsnoop_hci.log", True, snooped),
            ("data_trace.txt", False, members[3][1]),
        ]


def test_limits(member: Write, unpacked: Unpacked, snooped: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_CAPTURES", 3)
    monkeypatch.setattr(archives, "MOST_NOTES", 2)
    monkeypatch.setattr(zips, "MOST_MEMBERS", 6)
    archive, found = unpacked(b"".join(member(b"a", snooped) for _ in range(5)) + END)
    assert len(found) == 3
    assert "more than 3 captures" in archive.diagnostics[0].message
    archive, found = unpacked(b"".join(member(b"a", b"") for _ in range(7)) + END)
    assert "more than 6 members" in archive.diagnostics[0].message
    archive, found = unpacked(b"".join(member(b"a", b"", flags=1) for _ in range(5)) + END)
    assert len(archive.diagnostics) == 2


@given(data=st.data())
def test_turned_bits(zipped: Write, snooped: bytes, data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(["gzip", "zip", "behind", "stored"]))
    files = [("a", snooped), ("b", snooped)]
    octets = bytearray(
        gzip.compress(snooped, mtime=0)
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
    head=st.sampled_from([b"\x1f\x8b\x08\x00", b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06", None]),
    rest=st.binary(max_size=300),
)
def test_no_octets_do_harm(member: Write, head: bytes | None, rest: bytes) -> None:
    if head is None:
        head = member(b"a", b"x" * 80)
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


def test_a_file_that_the_system_stops_giving(zipped: Write, plain: Plain, snooped: bytes) -> None:
    class Failing(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            chunk = super().read1(50)
            if not chunk:
                raise OSError(5, "Input/output error")
            return chunk

    good = plain(snooped)
    packed = zipped([("a", snooped)], zipfile.ZIP_STORED)[:1500]
    archive_read = open_archive("x", Failing(packed))
    for part in archive_read:
        source = open_source(part.name, part)
        found = list(source)
        assert found == good[: len(found)]
        assert "Input/output error" in source.diagnostics[-1].message
    assert "Input/output error" in archive_read.diagnostics[-1].message
