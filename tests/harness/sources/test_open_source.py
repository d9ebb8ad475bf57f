"""Captures are known by what they hold; what is none is told in one sentence."""

from __future__ import annotations

import io
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Observation, Source
from bluezone_harness.sources import looks_like_capture, open_source

pytestmark = pytest.mark.req("BZ-ADV-001")

Read = Callable[..., tuple[Source, list[Observation]]]


def refusal(octets: bytes) -> str:
    with pytest.raises(EvidenceError) as caught:
        open_source("x.pcap", io.BytesIO(octets))
    assert caught.value.source == "x.pcap"
    return caught.value.reason


def test_the_kinds(
    opened: Callable[..., Source],
    pcap: Callable[..., bytes],
    pcapng: Callable[..., bytes],
    btsnoop: Callable[..., bytes],
) -> None:
    header = b'{"schema": 1, "source": "simulate", "receiver": "", "capabilities": {}}\n'
    kinds = {}
    for octets in (pcap([]), pcap([], order=">"), pcap([], units=10**9), pcapng([]), btsnoop([]), header):
        assert looks_like_capture(octets[:16])
        source = opened(octets, "named.txt")
        assert source.name == "named.txt"
        kinds[source.kind] = list(source)
        assert source.packets == 0
        assert source.sha256 == sha256(octets).hexdigest()
    assert kinds == {"pcap": [], "pcapng": [], "btsnoop": [], "recording": []}


def test_what_is_empty() -> None:
    assert refusal(b"") == "the file is empty: check how it was made"
    assert not looks_like_capture(b"")


def test_text_by_another_name() -> None:
    text = b"4C5224B397F8AB3896781D5A\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191387\n"
    assert refusal(text) == (
        "it is text, and no capture: known are pcap, pcapng, btsnoop, btsnooz, PacketLogger and recordings (JSON Lines)"
    )
    assert not looks_like_capture(text)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "it is compressed by gzip, and no capture itself"),
        (b"PK\x03\x04\x14\x00", "it is a zip archive, and no capture itself"),
        (b"SQLite format 3\x00\x10\x00", "it is a database and no capture"),
        (b"\xd4\xc3\xb2", "something that begins D4 C3 B2,"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "something that begins 7F 45 4C 46 02 01 01 00,"),
        (b"\x00\x00\x00\x0e\x5e\xdf\xaa\xa4\x00\x03", "something that begins 00 00 00 0E 5E DF AA A4,"),
    ],
)
def test_what_is_none(octets: bytes, reason: str) -> None:
    assert reason in refusal(octets)
    assert not looks_like_capture(octets)


@pytest.mark.parametrize(
    ("link_type", "name"),
    [(1, "1 (Ethernet)"), (105, "105 (IEEE 802.11)"), (9999, "9999")],
)
def test_captures_of_something_else(
    pcap: Callable[..., bytes], pcapng: Callable[..., bytes], link_type: int, name: str
) -> None:
    reason = (
        f"a capture of link type {name}: Bluetooth captures are read if they have link type 187 or "
        "201 (HCI), 254 (Linux monitor), 251 or 256 (LE link layer) or 272 (Nordic sniffer)"
    )
    assert refusal(pcap([(0, bytes(60))], link_type)) == reason
    assert refusal(pcapng([(0, bytes(60))], link_type)) == reason
    assert refusal(pcapng([], link_type)) == reason


def test_a_device_file_is_no_evidence() -> None:
    device = b'{"base_id": "4c52", "base_day": "2020-08-08"}'
    assert refusal(device) == (
        "no recording, whose first line is a header of JSON: the key 'schema' is missing; "
        "a device file is given by --device"
    )
    assert "no JSON: line" in refusal(b'{\n "schema": 1\n}\n')


def test_headers_that_are_cut(
    pcap: Callable[..., bytes], btsnoop: Callable[..., bytes], pcapng: Callable[..., bytes]
) -> None:
    for cut in range(4, 24):
        assert refusal(pcap([])[:cut]) == f"a pcap file that is cut within its header, after {cut} octets"
    for cut in range(8, 16):
        assert (
            refusal(btsnoop([])[:cut]) == f"a btsnoop file that is cut within its header, after {cut} octets"
        )
    for cut in range(4, 28):
        assert refusal(pcapng([])[:cut]).startswith("a pcapng file that cannot be read: ")


def test_versions_and_datalinks(btsnoop: Callable[..., bytes], pcap: Callable[..., bytes]) -> None:
    assert refusal(btsnoop([], version=2)) == "a btsnoop file of version 2, where only version 1 is known"
    known = "1001 (HCI without H4), 1002 (H4) and 2001 (Linux monitor)"
    assert refusal(btsnoop([], datalink=1004)) == (
        f"a btsnoop file of datalink 1004 (H5), where only {known} are read"
    )
    assert refusal(btsnoop([], datalink=7)) == f"a btsnoop file of datalink 7, where only {known} are read"
    other = bytearray(pcap([]))
    other[4] = 3
    assert refusal(bytes(other)) == "a pcap file of version 3, where only version 2 is known"


def test_a_source_is_read_once(opened: Callable[..., Source], pcap: Callable[..., bytes]) -> None:
    source = opened(pcap([]))
    assert list(source) == []
    with pytest.raises(ValueError, match="a source is read once"):
        iter(source)


def test_a_file_that_the_system_refuses_to_read() -> None:
    class Failing(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(EvidenceError, match="x: Input/output error"):
        open_source("x", Failing())


@given(st.binary(max_size=200))
def test_no_octets_do_harm(octets: bytes) -> None:
    for head in (b"", b"\xd4\xc3\xb2\xa1", b"\n\r\r\n", b"btsnoop\x00", b"{"):
        try:
            source = open_source("x", io.BytesIO(head + octets))
        except EvidenceError:
            continue
        assert looks_like_capture(head + octets)
        assert len(list(source)) >= 0
