"""pcap, pcapng and btsnoop: their framing, times, byte orders and receivers."""

from __future__ import annotations

import struct
from collections.abc import Callable
from hashlib import sha256

import pytest

from bluezone_harness.observations import (
    Advert,
    Capability,
    Diagnostic,
    Extent,
    Observation,
    Severity,
    Source,
)

pytestmark = pytest.mark.req("BZ-ADV-001")

Write = Callable[..., bytes]
Read = Callable[..., tuple[Source, list[Observation]]]

ADDRESS = bytes.fromhex("5a0000000001")
AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
TIMES_US = (1_596_866_191_387_654, 1_596_866_191_486_999, 1_596_866_190_000_001, 4_000_000_000_000_000)
"""One goes backwards, one lies in the year 2096."""


def seen(found: list[Observation]) -> list[tuple[int, int, bytes | None, bytes | None]]:
    return [(each.number, each.time_us, each.address, each.ad) for each in found if isinstance(each, Advert)]


EXPECTED = [(number, time_us, ADDRESS, AD) for number, time_us in enumerate(TIMES_US, start=1)]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("units", [1_000_000, 1_000_000_000])
def test_pcap(pcap: Write, heard: Write, read: Read, order: str, units: int) -> None:
    packet = heard(ADDRESS[::-1] + AD)
    source, found = read(pcap([(time_us, packet) for time_us in TIMES_US], 256, order, units))
    assert seen(found) == EXPECTED
    assert (source.packets, source.damaged, source.diagnostics) == (4, False, ())


def test_pcap_of_a_host(pcap: Write, report: Write, read: Read) -> None:
    packet = bytes.fromhex("00000001") + report(ADDRESS, AD)
    source, found = read(pcap([(time_us, packet) for time_us in TIMES_US], 201))
    assert seen(found) == EXPECTED
    assert Capability.OWN_COMMANDS in source.capabilities
    assert Capability.CHANNEL not in source.capabilities


def test_the_link_type_may_tell_of_a_frame_check_sequence(pcap: Write, heard: Write, read: Read) -> None:
    octets = bytearray(pcap([(5, heard(ADDRESS[::-1] + AD))]))
    octets[23] |= 0x14
    assert seen(read(bytes(octets))[1]) == [(1, 5, ADDRESS, AD)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng(pcapng: Write, heard: Write, read: Read, order: str) -> None:
    packet = heard(ADDRESS[::-1] + AD)
    source, found = read(pcapng([(time_us, packet) for time_us in TIMES_US], 256, order))
    assert seen(found) == EXPECTED
    assert (source.packets, source.damaged, source.diagnostics) == (4, False, ())


def test_btsnoop(btsnoop: Write, report: Write, read: Read) -> None:
    source, found = read(btsnoop([(time_us, report(ADDRESS, AD)) for time_us in TIMES_US]))
    assert seen(found) == EXPECTED
    assert (source.packets, source.damaged, source.diagnostics) == (4, False, ())


def test_btsnoop_octet_by_octet(read: Read) -> None:
    octets = bytes.fromhex(
        "6274736e6f6f7000 00000001 000003ea"
        "00000010 00000010 00000001 00000000 00dcddb30f2f8001"
        "04 3e 0d 02 01 00 00 010000000000 01 00 c4"
    )
    source, found = read(octets)
    assert seen(found) == [(1, 1, bytes.fromhex("000000000001"), b"\x00")]
    assert source.packets == 1


@pytest.mark.parametrize(
    ("resolution", "ticks", "time_us"),
    [
        (b"\x06", 1_596_866_191_387_654, 1_596_866_191_387_654),
        (b"\x03", 1_596_866_191_387, 1_596_866_191_387_000),
        (b"\x09", 1_596_866_191_387_654_999, 1_596_866_191_387_654),
        (b"\x00", 1_596_866_191, 1_596_866_191_000_000),
        (b"\x94", 3 * 2**20 + 1, 3_000_000),
        (b"\x7f", 2**64 - 1, 0),
        (b"\x06\x00", 5, 5),  # of another length: not understood
    ],
)
def test_units_of_time(
    section: Write,
    interface: Write,
    enhanced: Write,
    heard: Write,
    read: Read,
    resolution: bytes,
    ticks: int,
    time_us: int,
) -> None:
    packet = heard(ADDRESS[::-1] + AD)
    octets = section() + interface(256, [(9, resolution)]) + enhanced(ticks, packet)
    assert seen(read(octets)[1]) == [(1, time_us, ADDRESS, AD)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_clock_that_begins_elsewhere(
    section: Write, interface: Write, enhanced: Write, heard: Write, read: Read, order: str
) -> None:
    start = struct.pack(order + "q", -10)
    options = [(1, b"comment"), (14, start), (14, b"odd")]
    octets = section(order) + interface(256, options, order)
    octets += enhanced(25_000_000, heard(ADDRESS[::-1] + AD), order=order)
    assert seen(read(octets)[1]) == [(1, 15_000_000, ADDRESS, AD)]


def test_several_receivers(
    section: Write, interface: Write, enhanced: Write, heard: Write, report: Write, read: Read
) -> None:
    air, host = heard(ADDRESS[::-1] + AD), bytes.fromhex("00000001") + report(ADDRESS, AD)
    octets = b"".join(
        [
            section(),
            interface(256, [(2, b"left")]),
            interface(256, [(2, b"left")]),
            interface(1, [(2, b"eth0")]),
            enhanced(1, air, 0),
            enhanced(2, bytes(60), 2),
            enhanced(3, air, 1),
            interface(201),
            enhanced(4, host, 3),
            section(">"),
            interface(256, order=">"),
            enhanced(5, air, 0, ">"),
        ]
    )
    source, found = read(octets)
    assert [(each.number, each.receiver) for each in found if isinstance(each, Advert)] == [
        (1, "left"),
        (3, "left (1)"),
        (4, "interface 3"),
        (5, ""),
    ]
    assert source.packets == 5
    assert source.capabilities[Capability.SEVERAL_RECEIVERS] is Extent.YES
    assert source.capabilities[Capability.RAW_AD] is Extent.YES
    assert source.capabilities[Capability.CHANNEL] is Extent.PARTIAL
    (told,) = source.diagnostics
    assert (told.severity, told.message) == (
        Severity.INFO,
        "packets are not Bluetooth: 1, the first is packet 2",
    )
    assert not source.damaged


def test_one_receiver_is_not_several(pcapng: Write, heard: Write, read: Read) -> None:
    source, _ = read(pcapng([(1, heard(ADDRESS[::-1]))]))
    assert Capability.SEVERAL_RECEIVERS not in source.capabilities


def test_blocks_without_packets_are_passed_over(
    section: Write, interface: Write, enhanced: Write, any_block: Write, heard: Write, read: Read
) -> None:
    packet = heard(ADDRESS[::-1] + AD)
    long = any_block(0x80000001, bytes(3 * 1024 * 1024))
    octets = section() + any_block(4, bytes(8)) + interface() + long + enhanced(1, packet)
    octets += any_block(5, bytes(8)) + any_block(0xBAD, b"") + enhanced(2, packet)
    source, found = read(octets)
    assert seen(found) == [(1, 1, ADDRESS, AD), (2, 2, ADDRESS, AD)]
    assert (source.packets, source.diagnostics) == (2, ())


def test_packet_blocks_of_old(
    section: Write, interface: Write, any_block: Write, heard: Write, read: Read
) -> None:
    packet = heard(ADDRESS[::-1] + AD)
    head = struct.pack("<HHIIII", 0, 0xFFFF, 1, 2, len(packet), len(packet))
    octets = section() + interface() + any_block(2, head + packet + bytes(-len(packet) % 4))
    assert seen(read(octets)[1]) == [(1, 2**32 + 2, ADDRESS, AD)]


def test_simple_packet_blocks_have_no_time(
    section: Write, interface: Write, any_block: Write, enhanced: Write, heard: Write, read: Read
) -> None:
    packet = heard(ADDRESS[::-1] + AD)
    simple = any_block(3, struct.pack("<I", len(packet)) + packet + bytes(-len(packet) % 4))
    source, found = read(section() + interface() + simple + enhanced(7, packet) + simple)
    assert seen(found) == [(2, 7, ADDRESS, AD)]
    assert (source.packets, source.damaged) == (3, True)
    assert source.diagnostics == (
        Diagnostic(
            "air",
            48,
            Severity.WARNING,
            "packets have no time and are no observations: 2, the first is packet 1",
        ),
    )
    of_ethernet, found = read(section() + interface(1) + interface() + simple)
    assert (found, of_ethernet.packets) == ([], 1)
    assert [each.severity for each in of_ethernet.diagnostics] == [Severity.INFO]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda b: struct.pack("<II", 6, 8) + bytes(40), "it announces 8 octets"),
        (lambda b: struct.pack("<II", 6, 0) + bytes(40), "it announces 0 octets"),
        (lambda b: struct.pack("<II", 6, 33) + bytes(40), "it announces 33 octets"),
        (lambda b: struct.pack("<II", 6, 28) + bytes(40), "it announces 28 octets, too few for its kind"),
        (
            lambda b: struct.pack("<II", 6, 2**32 - 4) + bytes(40),
            "it announces 4294967292 octets, more than 1048576",
        ),
        (
            lambda b: struct.pack("<II", 99, 2**32 - 4) + bytes(40),
            "it announces 4294967292 octets, of which 48 are there",
        ),
        (lambda b: b[:-4] + bytes(4), "octets at its start and 0 at its end"),
        (lambda b: b[:8] + b"\x01" + b[9:], "it is of interface 1, which is not described"),
        (lambda b: b[:20] + b"\x31" + b[21:], "it announces a packet of 49 octets, of which 48 are there"),
        (lambda b: b[:20] + b"\xff" + b[21:], "it announces a packet of 255 octets, of which 48 are there"),
    ],
)
def test_damaged_blocks(
    pcapng: Write, enhanced: Write, heard: Write, read: Read, spoil: Callable[[bytes], bytes], message: str
) -> None:
    packet = heard(ADDRESS[::-1] + AD)
    start = pcapng([])
    source, found = read(start + spoil(enhanced(1, packet)))
    assert found == []
    (told,) = source.diagnostics
    assert (told.offset, told.severity) == (len(start), Severity.ERROR)
    assert told.message.startswith("a block is damaged: ")
    assert message in told.message
    good, found = read(start + enhanced(1, packet) + spoil(enhanced(1, packet)))
    assert len(found) == good.packets == len(good.diagnostics) == 1


def test_damaged_descriptions(
    section: Write, interface: Write, enhanced: Write, any_block: Write, heard: Write, read: Read
) -> None:
    packet = heard(ADDRESS[::-1] + AD)
    start = section() + interface() + enhanced(1, packet)
    option = any_block(1, struct.pack("<HHIHH", 256, 0, 0, 2, 60) + bytes(8))
    lonely = any_block(3, struct.pack("<I", 4) + bytes(4))
    many = interface() * 1024
    big = enhanced(1, bytes(65_545))
    for damage, message in [
        (option, "an option announces 60 octets, of which 8 are there"),
        (section(major=2), "it begins a section of version 2, where only version 1 is known"),
        (section() + lonely, "no interface is described before it"),
        (any_block(0x0A0D0D0A, bytes(16)), "it begins a section of no byte order"),
        (section()[:10], "it is cut"),
        (many, "it describes one more than 1024 interfaces"),
        (big, "it announces a packet of 65545 octets, more than 65544"),
    ]:
        source, found = read(start + damage)
        assert len(found) == 1
        assert source.damaged
        (told,) = source.diagnostics
        assert message in told.message
    source, found = read(section() + interface() + interface(1) + enhanced(1, bytes(65_545), 1))
    assert (found, source.packets, source.damaged) == ([], 1, False)


def test_implausible_records(pcap: Write, btsnoop: Write, heard: Write, report: Write, read: Read) -> None:
    packet, event = heard(ADDRESS[::-1] + AD), report(ADDRESS, AD)
    good = pcap([(1, packet)])
    for header, message in [
        (struct.pack("<IIII", 1, 1, 65_545, 65_545), "a packet of 65545 octets, more than 65544"),
        (struct.pack("<IIII", 1, 1_000_000, 4, 4), "1000000 parts of a second where there are 1000000"),
    ]:
        source, found = read(good + header + bytes(70_000))
        assert len(found) == 1
        assert source.diagnostics == (
            Diagnostic(
                "air", len(good), Severity.ERROR, f"the header of a record is damaged: it announces {message}"
            ),
        )
    good = btsnoop([(1, event)])
    source, found = read(good + struct.pack(">IIIIq", 3, 4, 0, 0, 0) + bytes(10))
    assert len(found) == 1
    (told,) = source.diagnostics
    assert told.message == "the header of a record is damaged: it announces 4 octets of a packet of 3"


def test_packets_with_a_bad_crc_are_counted(pcap: Write, heard: Write, read: Read) -> None:
    good, bad = heard(ADDRESS[::-1] + AD), heard(ADDRESS[::-1] + AD, flags=0x0413)
    source, found = read(pcap(enumerate([good, bad, good, bad])))
    assert [each.number for each in found if isinstance(each, Advert)] == [1, 3]
    assert (source.packets, source.damaged) == (4, False)
    assert source.diagnostics == (
        Diagnostic(
            "air",
            24 + 16 + len(good),
            Severity.INFO,
            "packets failed their CRC and are no observations: 2, the first is packet 2",
        ),
    )


def test_packets_that_cannot_be_read_are_counted(btsnoop: Write, report: Write, read: Read) -> None:
    good = report(ADDRESS, AD)
    source, found = read(btsnoop([(1, good[:20]), (2, good), (3, b""), (4, good[:9])]))
    assert seen(found) == [(2, 2, ADDRESS, AD)]
    assert (source.packets, source.damaged) == (4, True)
    (told,) = source.diagnostics
    assert (told.offset, told.severity) == (16, Severity.WARNING)
    assert told.message == "packets do not hold what their headers announce: 3, the first is packet 1"


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_the_hash_is_that_of_the_whole_file(
    pcap: Write, pcapng: Write, heard: Write, read: Read, kind: str
) -> None:
    packets = [(1, heard(ADDRESS[::-1] + AD))]
    octets = (pcap if kind == "pcap" else pcapng)(packets) + b"\xff" * 1_000_000
    source, found = read(octets)
    assert (len(found), len(source.diagnostics)) == (1, 1)
    assert source.sha256 == sha256(octets).hexdigest()
