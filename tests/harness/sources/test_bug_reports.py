"""The log of the last packets in an Android phone's bug report: written by struct, zlib and base64 alone."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Advert, Asked, Observation, Severity, Source
from bluezone_harness.sources import (
    Archive,
    looks_like_archive,
    looks_like_capture,
    open_archive,
    open_source,
)
from bluezone_harness.sources.packets import Unread

pytestmark = pytest.mark.req("BZ-ADV-001", "BZ-GAT-001")

LAST_US = 1_596_866_191_387_000
AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
ADDRESS = bytes.fromhex("5a 0000000001")
REPORT = bytes.fromhex("04 3e 23 02 01 00 01") + ADDRESS[::-1] + bytes([len(AD)]) + AD + b"\xc4"
COMMAND = bytes.fromhex("01 0a20 01 01")
DATA = bytes.fromhex("02 4020 1b00 1700 0400 0b") + bytes(22)
KINDS = {0x04: 0x10, 0x02: 0x11, 0x01: 0x20}
HEADLINE = "========================================================\n== dumpstate: 2020-08-08 12:56:31\n"
NAME = "b.zip: bugreport-phone.txt: BTSNOOP_LOG_SUMMARY"

Record = tuple[int, bytes, int]
"""Microseconds since the packet before, packet, octets that were kept of it after the first."""


def kept(delta_us: int, packet: bytes) -> Record:
    return delta_us, packet, len(packet) - 1


RECORDS = [kept(77, COMMAND), kept(1_000_000, REPORT), (5, DATA, 14), kept(2_000_000, REPORT)]


def btsnoop_of(packet: bytes) -> bytes:
    record = struct.pack(">IIIIq", len(packet), len(packet), 1, 0, 0x00DCDDB30F2F8000)
    return b"btsnoop\x00" + struct.pack(">II", 1, 1002) + record + packet


def log(records: Sequence[Record] = RECORDS, version: int = 2, last_us: int = LAST_US) -> bytes:
    """Write a log as phones do: packed, behind a version and a time that are not."""
    octets = b""
    for delta_us, packet, count in records:
        lengths = struct.pack("<H", count + 1) + (struct.pack("<H", len(packet)) if version == 2 else b"")
        octets += (
            lengths + struct.pack("<IB", delta_us, KINDS.get(packet[0], packet[0])) + packet[1 : 1 + count]
        )
    return struct.pack("<BQ", version, last_us) + zlib.compress(octets)


def text(
    octets: bytes, *, line: int = 128, ending: str = "\n", before: str = HEADLINE, after: str = "\nmore\n"
) -> bytes:
    signs = base64.b64encode(octets).decode()
    lines = [signs[at : at + line] for at in range(0, len(signs), line)]
    section = ["--- BEGIN:BTSNOOP_LOG_SUMMARY (1234 bytes in) ---", *lines, "--- END:BTSNOOP_LOG_SUMMARY ---"]
    return (before + ending.join(section) + ending + after).encode()


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return octets.getvalue()


def found_in(octets: bytes, name: str = "b.zip") -> tuple[Archive, list[tuple[Source, list[Observation]]]]:
    archive = open_archive(name, io.BytesIO(octets))
    found = []
    for packed in archive:
        assert packed.is_capture
        source = open_source(packed.name, packed)
        found.append((source, list(source)))
    return archive, found


def expected() -> list[Observation]:
    advert = next(iter(open_source("by another way", io.BytesIO(btsnoop_of(REPORT)))))
    assert isinstance(advert, Advert)
    assert (advert.address, advert.ad, advert.rssi) == (ADDRESS, AD, -60)
    return [
        Asked(1, LAST_US - 3_000_005, "", "HCI_LE_Set_Advertising_Enable", b"\x01"),
        replace(advert, number=2, time_us=LAST_US - 2_000_005),
        replace(advert, number=4, time_us=LAST_US),
    ]


@pytest.mark.parametrize("version", [1, 2])
def test_a_log_by_itself(version: int, opened: Callable[..., Source]) -> None:
    records = RECORDS if version == 2 else [(each[0], each[1], len(each[1]) - 1) for each in RECORDS]
    octets = log(records, version)
    assert looks_like_capture(octets[:64])
    source = opened(octets)
    assert source.kind == "btsnooz"
    assert list(source) == expected()
    assert source.packets == 4
    assert not source.damaged
    pauses, *others = source.diagnostics
    assert (pauses.severity, "71 min" in pauses.message) == (Severity.INFO, True)
    # version 1 does not tell what was cut: what the packet announces does
    assert [each.message.partition(":")[0] for each in others] == (
        [Unread.CUT_DATA.value] if version == 2 else []
    )


def test_a_cut_report_is_no_advert(opened: Callable[..., Source]) -> None:
    source = opened(log([kept(0, REPORT), (1, REPORT, 20)]))
    assert [each.number for each in source] == [1]
    assert source.damaged
    assert source.diagnostics[1].message == f"{Unread.CUT.value}: 1, the first is packet 2"


def test_in_a_zipped_bug_report_the_log_is_named_by_where_it_stands() -> None:
    octets = zipped(("version.txt", b"2.0"), ("bugreport-phone.txt", text(log(), before=HEADLINE * 9000)))
    archive, ((source, found),) = found_in(octets)
    assert source.name == NAME
    assert found == expected()
    assert archive.diagnostics == []
    assert archive.looked_at == 2


@pytest.mark.parametrize(
    "octets",
    [
        text(log()),
        text(log(), line=76, ending="\r\n"),
        text(log(), line=61),
        text(log(), before=""),
        text(log(), before="Bluetooth Status\n  enabled: true\n"),
        text(log(), before=HEADLINE + "x" * 131_000),
        text(log(), before=HEADLINE + "x" * (131_072 - len(HEADLINE) - 9)),
        gzip.compress(text(log())),
    ],
)
def test_a_text_by_itself_is_looked_into(octets: bytes) -> None:
    assert looks_like_archive(octets[:64])
    for portion in (1, 7, 1 << 20):
        if len(octets) > 10_000 and portion == 1:
            continue
        stream = Portions(octets, portion)
        (packed,) = (
            (each.name, list(open_source(each.name, each))) for each in open_archive("report.txt", stream)
        )
        assert packed[0].endswith(": BTSNOOP_LOG_SUMMARY")
        assert packed[1] == expected()


class Portions:
    """A pipe that gives so many octets at a time."""

    def __init__(self, octets: bytes, portion: int) -> None:
        self._stream, self._portion = io.BytesIO(octets), portion

    def read(self, count: int = -1, /) -> bytes:
        return self._stream.read(self._portion)


def test_several_logs_in_one_text() -> None:
    _, found = found_in(zipped(("a.txt", text(log()) + text(log(last_us=LAST_US + 1)))))
    assert [source.name for source, _ in found] == [
        "b.zip: a.txt: BTSNOOP_LOG_SUMMARY",
        "b.zip: a.txt: BTSNOOP_LOG_SUMMARY 2",
    ]


@pytest.mark.parametrize(
    "octets",
    [
        text(log())[:-60],
        text(b""),
        text(b"\x03" + log()[1:]),
        text(btsnoop_of(REPORT)),
        text(b"btif_debug_btsnoop_dump Log compression failed"),
        text(log()).replace(b"---\n", b"---\n!", 1),
        text(log())[: text(log()).index(b" bytes in")],
        text(log())[: text(log()).index(b" bytes in")] + b"x" * 5000 + b"\n",
    ],
)
def test_a_section_that_is_no_log_is_told(octets: bytes) -> None:
    archive = open_archive("b.zip", io.BytesIO(zipped(("bugreport-phone.txt", octets))))
    refused = 0
    for packed in archive:
        with pytest.raises(EvidenceError):
            open_source(packed.name, packed)
        refused += 1
    told = [each.message for each in archive.diagnostics]
    assert refused + len(told) >= 1
    assert all(each.startswith("bugreport-phone.txt: BTSNOOP_LOG_SUMMARY: ") for each in told)


def test_a_log_that_is_whole_needs_no_last_line() -> None:
    """What zlib packed has an end and a checksum of its own."""
    _, ((_, found),) = found_in(text(log()).replace(b"--- END", b"--- NED"))
    assert found == expected()


def test_lines_have_a_greatest_length_however_they_come() -> None:
    """Of 4096 octets with their LF; what zlib stores without packing it is long enough for one line."""
    packed = zlib.compressobj(0)
    records = b"".join(struct.pack("<HHIB", 201, 201, 1, 0x77) + bytes(200) for _ in range(15))
    octets = log()[:9] + packed.compress(records[:3046]) + packed.flush()
    for count, is_read in ((4092, True), (4096, False)):
        whole = text((octets + bytes(100))[: count // 4 * 3], line=count)
        for portion in (7, 1 << 20):
            archive = open_archive("report.txt", Portions(whole, portion))
            lengths = []
            for packed_log in archive:
                held = bytearray()
                with contextlib.suppress(OSError):
                    while piece := packed_log.read(1 << 20):
                        held += piece
                lengths.append(len(held))
            assert lengths == ([count // 4 * 3] if is_read else [])
            told = [each.message for each in archive.diagnostics]
            assert told == ([] if is_read else ["BTSNOOP_LOG_SUMMARY: a line of the log is too long"])


def test_text_without_a_log_says_nothing() -> None:
    archive, found = found_in(zipped(("bugreport-phone.txt", HEADLINE.encode() * 100)))
    assert (found, archive.diagnostics) == ([], [])


@pytest.mark.parametrize("cut", range(11, len(log())))
def test_a_log_without_its_end_has_no_times(cut: int, opened: Callable[..., Source]) -> None:
    with pytest.raises(EvidenceError, match="no packet has a time"):
        opened(log()[:cut])


@pytest.mark.parametrize("place", range(11, len(log())))
def test_a_log_with_turned_bits_has_no_times(place: int, opened: Callable[..., Source]) -> None:
    octets = bytearray(log())
    octets[place] ^= 0x55
    with pytest.raises(EvidenceError, match="no packet has a time"):
        opened(bytes(octets))


@pytest.mark.parametrize("version", [1, 2])
def test_a_log_whose_records_do_not_fit_has_no_times(version: int, opened: Callable[..., Source]) -> None:
    whole = zlib.decompress(log(version=version)[9:])
    sound = {0, len(whole)}
    at = 0
    for _, _, count in RECORDS:
        at += (7 if version == 1 else 9) + count
        sound.add(at)
    for end in range(len(whole)):
        octets = log(version=version)[:9] + zlib.compress(whole[:end])
        if end in sound:
            assert opened(octets).packets == 0
        else:
            with pytest.raises(EvidenceError, match="damaged record"):
                opened(octets)


def test_records_of_no_octets_and_of_more_than_there_were_are_damaged(opened: Callable[..., Source]) -> None:
    for record in (struct.pack("<HHIB", 0, 5, 0, 0x10), struct.pack("<HHIB", 6, 5, 0, 0x10) + bytes(5)):
        with pytest.raises(EvidenceError, match="damaged record before its octet"):
            opened(log()[:9] + zlib.compress(record))


def test_kinds_that_are_not_known_are_counted(opened: Callable[..., Source]) -> None:
    source = opened(log([kept(0, b"\x77abc"), kept(1, REPORT), kept(1, b"\x12sco"), kept(1, b"\x2diso")]))
    assert [each.number for each in source] == [2]
    assert [each.message.partition(":")[0] for each in source.diagnostics[1:]] == [Unread.MALFORMED.value]


@pytest.mark.parametrize("packed", [bytes(5 * 1024 * 1024), REPORT * 100_000])
def test_a_log_that_no_phone_keeps_is_refused_in_little_memory(
    packed: bytes, opened: Callable[..., Source]
) -> None:
    octets = log()[:9] + zlib.compress(packed + bytes(4 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(EvidenceError, match=r"more than 4194304 octets|damaged record"):
        opened(octets)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


@pytest.mark.parametrize(
    "head",
    [
        b"\x00" + log()[1:64],
        struct.pack("<BQ", 2, 0) + log()[9:],
        struct.pack("<BQ", 2, 2**63) + log()[9:],
        log()[:9] + b"\x79" + log()[10:],
        log()[:10] + bytes([log()[10] ^ 1]) + log()[11:],
        log()[:10],
    ],
)
def test_what_begins_otherwise_is_no_log(head: bytes) -> None:
    assert not looks_like_capture(head)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([REPORT, COMMAND, DATA])), max_size=20))
def test_times_count_back_from_the_last_packet(deltas: list[tuple[int, bytes]]) -> None:
    records = [kept(*each) for each in deltas]
    source = open_source("log", io.BytesIO(log(records)))
    times = {each.number: each.time_us for each in source}
    after = 0
    for number in range(len(records), 0, -1):
        if number in times:
            assert times[number] == LAST_US - after
        after += records[number - 1][0]
