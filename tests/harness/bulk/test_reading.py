"""The bulk path, case by case: what it serves, what it leaves to the plain path, and what it must not mix up."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from itertools import cycle

import pytest

pytest.importorskip("numba")

from bluezone_harness import bulk
from bluezone_harness.bulk import reading
from bluezone_harness.checks.captures import Capture
from bluezone_harness.evidence.errors import EvidenceError

pytestmark = pytest.mark.req("BZ-ADV-001")

START_US = 1_596_866_191_387_000
BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000
FORMS = (
    *("pcap 187", "pcap 201", "pcap 251", "pcap 256", "pcap 272"),
    *("btsnoop", "packetlogger", "pcapng"),
)
Write = Callable[..., bytes]
Read = Callable[[bytes], Capture]
MayRead = Callable[[bytes], Capture | None]


@pytest.mark.usefixtures("_pieces")
@pytest.mark.parametrize("form", FORMS)
def test_ordinary_captures_are_served(equal: Read, ordinary: dict[str, bytes], form: str) -> None:
    found = equal(ordinary[form])
    assert found.packets == 40 + (form == "packetlogger")
    assert found.folded.adverts >= 30


@pytest.mark.parametrize("form", FORMS)
def test_a_capture_cut_anywhere_is_equal(equal: Read, ordinary: dict[str, bytes], form: str) -> None:
    file = ordinary[form]
    for end in range(len(file) - 100, len(file)):
        equal(file[:end])


def test_headers_are_refused_as_the_plain_path_does(
    pcap: Write, heard: Write, plain: Read, fast: MayRead
) -> None:
    file = pcap([(START_US, heard())])
    foreign = file[:20] + b"\x01\x00\x00\x00" + file[24:]
    for damaged in (file[:10], foreign, file[:4] + b"\x09" + file[5:], b"btsnoop\x00" + bytes(8)):
        with pytest.raises(EvidenceError) as expected:
            plain(damaged)
        with pytest.raises(EvidenceError) as found:
            fast(damaged)
        assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("is_report", [True, False])
def test_another_link_type_is_read_as_it_stands(
    pcap: Write, report: Write, equal: Read, is_report: bool
) -> None:
    packet = b"\x00\x00\x00\x03" + report()[1:] if is_report else b"\x00"
    equal(pcap([(START_US, packet)] * 3, 254))


def test_another_datalink_is_read_as_it_stands(btsnoop: Write, report: Write, equal: Read) -> None:
    file = btsnoop([(START_US, report()[1:])] * 3)
    equal(file[:12] + struct.pack(">I", 1001) + file[16:])


@pytest.mark.parametrize("file", [b"", b"{}", b"PK\x03\x04" + b" " * 60])
def test_other_formats_are_left_to_the_plain_path(fast: MayRead, file: bytes) -> None:
    assert fast(file) is None


def test_a_long_sighting_counts_its_intervals(pcap: Write, heard: Write, equal: Read) -> None:
    steps_us = cycle([100_000, 101_500, 103_000, 250_999, 4_999_999, 0])
    time_us, rows = START_US, []
    for _ in range(6000):
        time_us += next(steps_us)
        rows.append((time_us, heard()))
    # twice, with a pause: what the first counted is of no more meaning
    rows += [(time_us + 6_000_000 + 1000 * index, heard()) for index in range(3000)]
    found = equal(pcap(rows))
    assert [each.count for each in found.folded.sightings] == [6000, 3000]


@pytest.mark.usefixtures("_pieces")
def test_intervals_of_what_is_long_over_are_forgotten(pcap: Write, heard: Write, equal: Read) -> None:
    rows = []
    for minute in range(60):
        address = bytes([minute // 15, 0, 0, 0, 0, 0x5A])
        rows += [(START_US + 60_000_000 * minute + 90_000 * index, heard(address)) for index in range(40)]
    # an id that comes back after hours is another sighting
    rows.append((START_US + 7_200_000_000, heard(bytes([0, 0, 0, 0, 0, 0x5A]))))
    found = equal(pcap(rows))
    assert len(found.folded.sightings) == 61


def test_a_clock_set_back_into_what_was_forgotten_is_left_to_the_plain_path(
    pcap: Write,
    heard: Write,
    fast: MayRead,
    equal: Read,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_ROWS", 5)
    early = [(START_US + 1000 * index, heard()) for index in range(5)]
    late = [(START_US + 3_600_000_000 + index, heard(bytes(6), bytes([index % 200]))) for index in range(400)]
    file = pcap([*early, *late, (START_US + 9000, heard())])
    assert fast(file) is None
    equal(pcap([*early, *late]))


def test_adverts_of_one_packet_keep_their_order(btsnoop: Write, equal: Read) -> None:
    one, two = bytes([1, 0, 0, 0, 0, 0x5A]), bytes([2, 0, 0, 0, 0, 0x5A])

    def both(first: bytes, second: bytes) -> bytes:
        reports = b"".join(b"\x00\x01" + each + b"\x00\xc0" for each in (first, second))
        return b"\x04\x3e" + bytes([2 + len(reports)]) + b"\x02\x02" + reports

    rows = [
        (START_US, both(one, two)),
        (START_US + 9_000_000, both(two, one)),
        (START_US + 18_000_000, both(two, one)),
    ]
    assert len(equal(btsnoop(rows)).folded.sightings) == 6


@pytest.mark.parametrize("rest", [1, 3])
def test_a_time_before_the_clock_of_btsnoop_is_read_by_the_plain_path(
    btsnoop: Write, report: Write, equal: Read, rest: int
) -> None:
    file = btsnoop([(START_US, report()), (-BTSNOOP_EPOCH_US - 1, report()), (START_US, report())][:rest])
    assert equal(file).packets == rest


def test_a_time_beyond_all_use_is_left_to_the_plain_path(
    btsnoop: Write, report: Write, fast: MayRead
) -> None:
    file = btsnoop([(START_US, report()), (-(1 << 63) - BTSNOOP_EPOCH_US, report())])
    assert fast(file) is None


@pytest.mark.usefixtures("_pieces")
def test_what_a_host_reads_from_a_phone_is_told_among_adverts(
    pcap: Write, report: Write, equal: Read
) -> None:
    sent, received = bytes(4), b"\x00\x00\x00\x01"
    value = bytes(range(12))
    packets = [
        received + bytes.fromhex("043e 13 01 00 4000 00 01 01000000005a 1800 0000 4800 00"),
        received + report(),
        sent + bytes.fromhex("02 4000 0700 0300 0400 0a0300"),
        received + report(rssi=190),
        received + bytes.fromhex("02 4020 1100 0d00 0400 0b") + value,
        received + report(rssi=180),
        sent + bytes.fromhex("01052006 0102030405c5"),
    ]
    found = equal(pcap([(START_US + 1000 * index, each) for index, each in enumerate(packets)], 201))
    assert [(each.number, each.value) for each in found.folded.reads] == [(5, value)]
    assert [each.name for each in found.folded.asked] == ["HCI_LE_Set_Random_Address"]
    assert [each.count for each in found.folded.sightings] == [3]


def test_nothing_is_read_without_the_extra(
    pcap: Write, fast: MayRead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "find_spec", lambda name: None)
    assert not bulk.is_available()
    assert fast(pcap([])) is None


def test_nothing_is_imported_before_it_is_needed() -> None:
    code = "import sys, bluezone_harness.bulk; print({'numba', 'numpy'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_what_is_served_is_known_by_its_first_octets(ordinary: dict[str, bytes]) -> None:
    assert tuple(ordinary) == FORMS
    assert all(bulk.serves(file[:64]) for file in ordinary.values())
    assert not any(bulk.serves(head) for head in (b"", b"{}", b"PK\x03\x04" + b" " * 60))
