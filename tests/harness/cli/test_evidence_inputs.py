"""Captures and contact logs are told apart by what they hold, from files and pipes; nothing is read twice."""

from __future__ import annotations

import io
import struct
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.checks.captures import Capture
from bluezone_harness.cli.evidence_inputs import read_evidence
from bluezone_harness.cli.failures import CallerError
from bluezone_harness.evidence.contact_logs import ContactLogEvidence
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
        found = read_evidence(str(path), read.append)
        assert isinstance(found, kind)
        assert (found.name, found.sha256) == ("data_trace.txt", sha256(octets).hexdigest())
        assert sum(read) == len(octets)


@pytest.mark.req("BZ-LOG-003")
@settings(max_examples=30)
@given(portion=st.integers(1, 200))
def test_a_pipe_is_read_as_it_comes(portion: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", StandardInput(Pipe(pcap(2), portion)))
        found = read_evidence("-")
    assert isinstance(found, Capture)
    assert (found.name, found.kind, found.sha256) == ("standard input", "pcap", sha256(pcap(2)).hexdigest())
    assert found.packets == 2


@pytest.mark.req("BZ-LOG-003")
def test_a_log_may_come_through_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StandardInput(io.BytesIO(ROW)))
    found = read_evidence("-")
    assert isinstance(found, ContactLogEvidence)
    assert len(found.rows) == 1


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"hello world, this is no capture\n", ("no capture", "as a contact log")),
        (b"\x1f\x8b\x08" + bytes(90), ("compressed by gzip", "as a contact log")),
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
