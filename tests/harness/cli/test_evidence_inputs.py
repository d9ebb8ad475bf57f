"""Captures and contact logs are told apart by what they hold, from files and pipes; nothing is read twice."""

from __future__ import annotations

import gzip
import io
import struct
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.checks.captures import Capture
from bluezone_harness.cli.evidence_inputs import read_evidence
from bluezone_harness.cli.failures import CallerError
from bluezone_harness.cli.watching import Watch
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.evidence.errors import EvidenceError

ROW = b"B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191387\n"
# pcap of link type 256 (Bluetooth LE with a pseudo-header), and one ADV_IND of an Android phone
_PDU = bytes.fromhex("401D") + bytes.fromhex("010000003F4B")
_AD = bytes.fromhex("0201020FFFB522B9A665D754FE65E665D76A450303564E")
_PACKET = bytes.fromhex("25C40000D6BE898E1304") + bytes.fromhex("D6BE898E") + _PDU + _AD + bytes(3)


def pcap(packets: int = 1) -> bytes:
    """Return a capture written octet by octet."""
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 256)
    return header + b"".join(
        struct.pack("<IIII", 1_597_276_800 + number, 0, len(_PACKET), len(_PACKET)) + _PACKET
        for number in range(packets)
    )


class StandardInput:
    """A stand-in for ``sys.stdin``."""

    def __init__(self, buffer: io.RawIOBase | io.BytesIO) -> None:
        self.buffer = buffer


class Pipe(io.RawIOBase):
    """A pipe that hands out a few octets at a time."""

    def __init__(self, octets: bytes, portion: int) -> None:
        self._rest, self._portion = octets, portion

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        count = self._portion if size < 0 else min(size, self._portion)
        octets, self._rest = self._rest[:count], self._rest[count:]
        return octets


@pytest.mark.req("BZ-LOG-003")
def test_a_capture_and_a_log_are_told_apart_whatever_their_names(tmp_path: Path) -> None:
    for octets, kind in ((pcap(3), Capture), (ROW, ContactLogEvidence), (b"", ContactLogEvidence)):
        path = tmp_path / "data_trace.txt"
        path.write_bytes(octets)
        read: list[int] = []
        (found,) = read_evidence(str(path), Watch(read.append))
        assert isinstance(found, kind)
        assert (found.name, found.sha256) == ("data_trace.txt", sha256(octets).hexdigest())
        assert sum(read) == len(octets)


@pytest.mark.req("BZ-LOG-003")
@settings(max_examples=30)
@given(portion=st.integers(1, 200))
def test_a_pipe_is_read_as_it_comes(portion: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", StandardInput(Pipe(pcap(2), portion)))
        (found,) = read_evidence("-")
    assert isinstance(found, Capture)
    assert (found.name, found.kind, found.sha256) == ("standard input", "pcap", sha256(pcap(2)).hexdigest())
    assert found.packets == 2


@pytest.mark.req("BZ-LOG-003")
def test_a_log_may_come_through_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StandardInput(io.BytesIO(ROW)))
    (found,) = read_evidence("-")
    assert isinstance(found, ContactLogEvidence)
    assert len(found.rows) == 1


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"hello world, this is no capture\n", ("no capture", "as a contact log")),
        (b"\x1f\x8b\x08" + bytes(90), ("none of the 1 files", "the packed octets are damaged")),
        (
            gzip.compress(b"hello world", mtime=0),
            ("evidence.pcap: unpacked: it is not read: it is text", "as a contact log"),
        ),
        (b"PK\x05\x06" + bytes(18), ("none of the 0 files in this archive",)),
        (b"\x00" * 100, ("no capture",)),
    ],
)
def test_what_is_neither_is_refused_in_words(tmp_path: Path, octets: bytes, words: tuple[str, ...]) -> None:
    path = tmp_path / "evidence.pcap"
    path.write_bytes(octets)
    with pytest.raises(EvidenceError) as caught:
        read_evidence(str(path))
    assert all(word in str(caught.value) for word in words)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.req("BZ-LOG-003")
def test_what_cannot_be_opened_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EvidenceError, match="check the path"):
        read_evidence(str(tmp_path / "missing"))
    with pytest.raises(EvidenceError, match="give a file"):
        read_evidence(str(tmp_path))
    monkeypatch.setattr(sys, "stdin", StandardInput(io.BytesIO(b"")))
    with pytest.raises(EvidenceError, match="it is empty"):
        read_evidence("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CallerError, match="standard input is closed"):
        read_evidence("-")


@pytest.mark.req("BZ-LOG-003")
def test_a_log_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluezone_harness.cli.evidence_inputs.FILE_LIMIT", 1000)
    path = tmp_path / "large"
    path.write_bytes(ROW * 20)
    with pytest.raises(EvidenceError, match="larger than"):
        read_evidence(str(path))


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return octets.getvalue()


@pytest.mark.req("BZ-LOG-003")
def test_the_captures_of_a_bug_report(tmp_path: Path) -> None:
    octets = zipped(
        {
            "main_entry.txt": b"bugreport.txt\n" * 9000,
            "FS/data/misc/bluetooth/logs/btsnoop_hci.log": pcap(2),
            "FS/data/misc/bluetooth/logs/btsnoop_hci.log.last": b"",
            "FS/data/log/bt/again.cfa": pcap(2),
            "FS/wifi.pcap": pcap(3)[:20] + struct.pack("<I", 1) + pcap(3)[24:],
            "FS/data/log/bt/other.log.gz": gzip.compress(pcap(5)),
        }
    )
    path = tmp_path / "bugreport.zip"
    path.write_bytes(octets)
    read: list[int] = []
    pieces = read_evidence(str(path), Watch(read.append))
    assert sum(read) == len(octets)
    assert [(each.name, each.sha256, each.kind) for each in pieces] == [
        (f"bugreport.zip: {name}", sha256(content).hexdigest(), "pcap")
        for name, content in (
            ("FS/data/misc/bluetooth/logs/btsnoop_hci.log", pcap(2)),
            ("FS/data/log/bt/other.log.gz: other.log", pcap(5)),
        )
    ]
    told = [(each.source, each.severity, each.message.partition(":")[0]) for each in pieces[0].diagnostics]
    assert told == [
        (pieces[0].name, "info", "packets failed their CRC and are no observations"),
        ("bugreport.zip: FS/data/log/bt/again.cfa", "info", "the same octets as bugreport.zip"),
        ("bugreport.zip: FS/wifi.pcap", "warning", "it is not read"),
    ]
    assert not any(each.partial for each in pieces)
    path.write_bytes(octets[: octets.index(b"FS/wifi.pcap") + 60])
    (cut,) = read_evidence(str(path))
    assert cut.partial
    assert cut.diagnostics[-1].severity == "error"


@pytest.mark.req("BZ-LOG-003")
def test_gzip_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data_trace.txt.gz"
    path.write_bytes(gzip.compress(ROW * 3))
    (log,) = read_evidence(str(path))
    assert isinstance(log, ContactLogEvidence)
    assert (log.name, len(log.rows)) == ("data_trace.txt.gz: data_trace.txt", 3)
    path.write_bytes(gzip.compress(ROW * 3)[:-1])
    with pytest.raises(EvidenceError, match=r"data_trace\.txt: it is not read: the packed octets are cut"):
        read_evidence(str(path))
    monkeypatch.setattr("bluezone_harness.cli.evidence_inputs.FILE_LIMIT", 1000)
    path.write_bytes(gzip.compress(ROW * 20))
    with pytest.raises(EvidenceError, match="larger than"):
        read_evidence(str(path))
    path.write_bytes(gzip.compress(zipped({"air.pcap": pcap(4)}, zipfile.ZIP_STORED)))
    (capture,) = read_evidence(str(path))
    assert isinstance(capture, Capture)
    assert capture.name == "data_trace.txt.gz: data_trace.txt: air.pcap"
    assert capture.packets == 4


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize("portion", [1, 30, 4000])
def test_an_archive_may_come_through_a_pipe(portion: int) -> None:
    octets = zipped({"notes.txt": b"hello", "a": pcap(2), "b": pcap(3)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", StandardInput(Pipe(octets, portion)))
        pieces = read_evidence("-")
    assert [each.name for each in pieces] == ["standard input: a", "standard input: b"]
