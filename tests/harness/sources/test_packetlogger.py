"""PacketLogger files, written octet by octet: both byte orders, every type, damage; and tshark on the same octets."""

from __future__ import annotations

import io
import os
import struct
import subprocess
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Advert, Asked, Capability, Extent, Observation, Severity, Source
from bluezone_harness.sources import looks_like_capture, open_source

pytestmark = pytest.mark.req("BZ-ADV-001")

Read = Callable[[bytes], tuple[Source, list[Observation]]]
Tool = Callable[[str], Path]

START_US = 1_596_866_191_387_001
AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
COMMAND, EVENT, SENT_DATA, RECEIVED_DATA = range(4)
SET_RANDOM_ADDRESS = bytes.fromhex("05 20 06 665544332211")
COMMAND_COMPLETE = bytes.fromhex("0e 04 01 05 20 00")


def record(time_us: int, kind: int, packet: bytes, order: str = ">") -> bytes:
    seconds, rest_us = divmod(time_us, 1_000_000)
    return struct.pack(order + "IIIB", 9 + len(packet), seconds, rest_us, kind) + packet


def written(records: Iterable[tuple[int, int, bytes]], order: str = ">") -> bytes:
    return b"".join(record(*each, order) for each in records)


@pytest.fixture(scope="module")
def records(report: Callable[..., bytes]) -> list[tuple[int, int, bytes]]:
    """Return a phone's file: a note, then what it asks and hears."""

    def advert(number: int) -> tuple[int, int, bytes]:
        h4 = report(bytes([0x40, 0, 0, 0, 0, number]), AD, rssi=-60 - number)
        return START_US + number * 100_501, EVENT, h4[1:]

    return [
        (START_US, 0xFB, b"H4 wake"),
        (START_US, COMMAND, SET_RANDOM_ADDRESS),
        (START_US, EVENT, COMMAND_COMPLETE),
        *[advert(number) for number in range(1, 7)],
        (START_US + 700_000, SENT_DATA, bytes.fromhex("0000 0700 0300 0400 0a0300")),
        (START_US + 800_000, RECEIVED_DATA, bytes.fromhex("0020 0600 0200 0400 0b41")),
        (START_US + 900_000, 0x0A, bytes(8)),
        *[(START_US + 900_000, kind, b"\x01\x02") for kind in (0x08, 0x0B, 0x50, 0xF7, 0xFC, 0xFD, 0xFF)],
        (START_US + 900_000, 0xFE, b""),
    ]


@pytest.mark.parametrize("order", [">", "<"])
def test_what_a_phone_asks_and_hears(read: Read, records: list[tuple[int, int, bytes]], order: str) -> None:
    octets = written(records, order)
    assert looks_like_capture(octets[:16])
    source, found = read(octets)
    assert (source.kind, source.packets, source.diagnostics) == ("packetlogger", len(records), ())
    assert source.sha256 == sha256(octets).hexdigest()
    assert source.capabilities[Capability.OWN_COMMANDS] is Extent.YES
    asked = [each for each in found if isinstance(each, Asked)]
    assert [(each.number, each.time_us, each.octets) for each in asked] == [
        (2, START_US, SET_RANDOM_ADDRESS[3:])
    ]
    adverts = [each for each in found if isinstance(each, Advert)]
    assert [(each.number, each.time_us, each.address, each.ad, each.rssi) for each in adverts] == [
        (3 + number, START_US + number * 100_501, bytes([0x40, 0, 0, 0, 0, number]), AD, -60 - number)
        for number in range(1, 7)
    ]


@pytest.mark.parametrize("order", [">", "<"])
def test_as_tshark_sees_it(
    tool: Tool, tmp_path: Path, read: Read, records: list[tuple[int, int, bytes]], order: str
) -> None:
    tshark = tool("tshark")
    known = [
        each for each in records if each[1] != 0x50
    ]  # tshark takes no file with a type that it does not know
    octets = written(known, order)
    path = tmp_path / "phone.pklg"
    path.write_bytes(octets)
    fields = [
        "frame.number",
        "frame.time_epoch",
        "bthci_evt.bd_addr",
        "bthci_evt.data_length",
        "bthci_evt.rssi",
    ]
    command = [str(tshark), "-r", str(path), "-T", "fields", "-E", "separator=|"]
    for field in fields:
        command += ["-e", field]
    environment = {**os.environ, "TZ": "UTC"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    rows = [line.split("|") for line in done.stdout.splitlines()]
    source, found = read(octets)
    assert source.packets == len(rows) == len(known)
    theirs = [
        (int(number), int(time.replace(".", "")[:16]), address, int(length), int(rssi))
        for number, time, address, length, rssi in rows
        if rssi
    ]
    ours = [
        (each.number, each.time_us, each.address.hex(":"), len(each.ad), each.rssi)
        for each in found
        if isinstance(each, Advert) and each.address is not None and each.ad is not None
    ]
    assert ours == theirs
    assert len(ours) == 6


@pytest.mark.parametrize("order", [">", "<"])
def test_cut_at_every_octet(read: Read, records: list[tuple[int, int, bytes]], order: str) -> None:
    octets = written(records, order)
    everything = read(octets)[1]
    ends = [len(written(records[:count], order)) for count in range(len(records) + 1)]
    for cut in range(13, len(octets)):
        source, found = read(octets[:cut])
        complete = sum(end <= cut for end in ends[1:])
        assert source.packets == complete
        assert found == [each for each in everything if each.number <= complete]
        assert source.sha256 == sha256(octets[:cut]).hexdigest()
        assert len(source.diagnostics) == (cut not in ends)
        for told in source.diagnostics:
            assert (told.severity, told.offset) == (Severity.ERROR, ends[complete])


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ((7, 0, 0), "announces 7 octets, of which its time alone has 8"),
        ((0, 0, 0), "announces 0 octets"),
        ((20, 0, 1_000_000), "1000000 parts of a second where there are 1000000"),
        ((8 + 65_545, 0, 0), "a packet of 65545 octets, more than 65544"),
        ((0xFFFFFFFF, 0, 0), "a packet of 4294967287 octets"),
    ],
)
@pytest.mark.parametrize("order", [">", "<"])
def test_headers_that_nobody_writes(
    read: Read, records: list[tuple[int, int, bytes]], header: tuple[int, int, int], words: str, order: str
) -> None:
    good = written(records[:5], order)
    source, found = read(good + struct.pack(order + "III", *header) + bytes(100))
    assert found == read(good)[1]
    (told,) = source.diagnostics
    assert (told.offset, told.severity) == (len(good), Severity.ERROR)
    assert words in told.message


def test_a_record_without_a_type(read: Read, records: list[tuple[int, int, bytes]]) -> None:
    octets = written(records[:4]) + struct.pack(">III", 8, 0, 0) + written(records[4:])
    source, found = read(octets)
    assert len(found) == 7
    (told,) = source.diagnostics
    assert told.offset == len(written(records[:4]))
    assert told.message == "packets do not hold what their headers announce: 1, the first is packet 5"


@pytest.mark.parametrize(
    "octets",
    [
        record(START_US, EVENT, bytes(3))[:12],
        struct.pack(">IIIB", 8, 1, 1, EVENT) + bytes(20),
        struct.pack(">IIIB", 65_536, 1, 1, EVENT) + bytes(20),
        struct.pack(">IIIB", 20, 1, 1_000_000, EVENT) + bytes(20),
        struct.pack(">IIIB", 20, 1, 1, 0x0C) + bytes(20),
        struct.pack(">IIIB", 20, 1, 1, 0xF6) + bytes(20),
        bytes(40),
        b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00",
    ],
)
def test_what_is_no_such_file(octets: bytes) -> None:
    assert not looks_like_capture(octets)
    with pytest.raises(EvidenceError, match="no capture"):
        open_source("x", io.BytesIO(octets))


@given(order=st.sampled_from("<>"), rest=st.binary(max_size=200), data=st.data())
def test_turned_bits_and_octets_that_follow(
    records: list[tuple[int, int, bytes]], order: str, rest: bytes, data: st.DataObject
) -> None:
    good = written(records[:6], order)
    damaged = bytearray(good + written(records[6:], order) + rest)
    for place in data.draw(st.lists(st.integers(len(good) * 8, len(damaged) * 8 - 1), max_size=4)):
        damaged[place // 8] ^= 1 << place % 8
    source = open_source("x", io.BytesIO(bytes(damaged)))
    found = list(source)
    assert [each.number for each in found][:4] == [2, 4, 5, 6]
    assert source.packets >= 6
    assert source.sha256 == sha256(damaged).hexdigest()
    errors = [each for each in source.diagnostics if each.severity is Severity.ERROR]
    assert len(errors) <= 1
    assert all(each.offset is not None and len(good) <= each.offset <= len(damaged) for each in errors)
