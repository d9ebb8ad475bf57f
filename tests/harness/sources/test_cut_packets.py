"""Packets of which the end was not captured: never read as if they were whole, and told by what is lost."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from subprocess import run

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
from bluezone_harness.sources.packets import Unread

pytestmark = pytest.mark.req("BZ-ADV-001", "BZ-GAT-001")

Read = Callable[..., tuple[Source, list[Observation]]]

START_US = 1_596_866_191_387_000
BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000
AIR_ADDRESS = bytes.fromhex("0100000000 5a")
AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
REPORT = bytes.fromhex("04 3e 23 02 01 00 01") + AIR_ADDRESS + bytes([len(AD)]) + AD + b"\xc4"
DATA = bytes.fromhex("02 4020 1b00 1700 0400 0b") + bytes(22)
"""Media of a headset, say: ACL data."""

assert len(REPORT) == 3 + REPORT[2]

LAYOUTS = ("btsnoop", "pcap", "pcapng", "old pcapng")


def written(layout: str, packets: list[tuple[bytes, int]], link_type: int = 187) -> bytes:
    """Write packets of which so many octets were captured."""
    octets = {
        "btsnoop": b"btsnoop\x00" + struct.pack(">II", 1, 1002),
        "pcap": struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 14, link_type),
    }.get(layout, struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
    if layout.endswith("pcapng"):
        octets += struct.pack("<IIHHII", 1, 20, link_type, 0, 14, 20)
    for number, (packet, kept) in enumerate(packets):
        time_us, held = START_US + number, packet[:kept]
        if layout == "btsnoop":
            octets += struct.pack(
                ">IIIIq", len(packet), len(held), packet[0] == 4, 0, time_us + BTSNOOP_EPOCH_US
            )
            octets += held
        elif layout == "pcap":
            seconds, rest_us = divmod(time_us, 1_000_000)
            octets += struct.pack("<IIII", seconds, rest_us, len(held), len(packet)) + held
        else:
            kind, index = (
                (6, struct.pack("<I", 0)) if layout == "pcapng" else (2, struct.pack("<HH", 0, 0xFFFF))
            )
            body = index + struct.pack("<IIII", time_us >> 32, time_us & 0xFFFFFFFF, len(held), len(packet))
            body += held + bytes(-len(held) % 4)
            octets += struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
    return octets


def said(source: Source) -> dict[str, Diagnostic]:
    return {each.message.partition(":")[0]: each for each in source.diagnostics}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_cut_report_is_no_advert_and_a_warning(layout: str, read: Read) -> None:
    octets = written(layout, [(REPORT, len(REPORT)), (REPORT, 14), (REPORT, len(REPORT) - 1), (REPORT, 99)])
    source, found = read(octets)
    assert [(type(each), each.number) for each in found] == [(Advert, 1), (Advert, 4)]
    (diagnostic,) = said(source).values()
    assert diagnostic.severity is Severity.WARNING
    assert diagnostic.message == f"{Unread.CUT.value}: 2, the first is packet 2"
    assert (
        octets.index(REPORT[:14], octets.index(REPORT) + 1) > (diagnostic.offset or 0) > octets.index(REPORT)
    )
    assert source.damaged
    assert source.packets == 4


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cut_data_of_connections_are_no_damage(layout: str, read: Read) -> None:
    source, found = read(
        written(layout, [(REPORT, 99), (DATA, 14), (DATA, 5), (b"\x04\x0e\x04\x01\x03\x0c\x00", 5)])
    )
    assert len(found) == 1
    (diagnostic,) = said(source).values()
    assert diagnostic.severity is Severity.INFO
    assert diagnostic.message == f"{Unread.CUT_DATA.value}: 3, the first is packet 2"
    assert not source.damaged
    assert source.capabilities[Capability.GATT] is Extent.PARTIAL


@pytest.mark.parametrize("kept", range(len(REPORT)))
def test_wherever_a_report_is_cut_it_is_none(kept: int, read: Read) -> None:
    source, found = read(written("btsnoop", [(REPORT, kept)]))
    assert found == []
    assert list(said(source)) == [Unread.CUT.value]


@pytest.mark.parametrize("link_type", [251, 256, 272])
def test_what_a_sniffer_did_not_keep_is_none(link_type: int, read: Read, heard: Callable[..., bytes]) -> None:
    """Where the CRC is missing, other octets stand in its place: that is no failed CRC."""
    packet = heard(AIR_ADDRESS + AD, flags=0x0013)
    if link_type == 251:
        packet = packet[10:]
    if link_type == 272:
        held = bytes.fromhex("0a 01 25 3c 0000 00000000") + packet[10:]
        packet = struct.pack("<BHBHB", 0, len(held), 3, 1, 2) + held
    source, found = read(written("pcap", [(packet, len(packet) - 9)], link_type))
    assert found == []
    assert list(said(source)) == [Unread.CUT.value]
    other = bytearray(packet)  # of a connection: its access address is another
    at = other.index(bytes.fromhex("d6be898e"), 0 if link_type != 256 else 10)
    other[at] ^= 0xFF
    if link_type == 256:
        other[4] ^= 0xFF  # and so is the one that was listened for
    source, found = read(written("pcap", [(bytes(other), len(packet) - 9)], link_type))
    assert found == []
    assert list(said(source)) == [Unread.CUT.value if link_type == 272 else Unread.CUT_DATA.value]


def test_a_record_without_the_packets_own_length_is_read(read: Read) -> None:
    octets = bytearray(written("pcap", [(REPORT, 99)]))
    octets[24 + 12 : 24 + 16] = bytes(4)  # some writers leave the original length out
    assert len(read(bytes(octets))[1]) == 1


@pytest.mark.parametrize("layout", ["btsnoop", "pcap", "pcapng"])
def test_tshark_sees_the_same_packets_cut(
    layout: str, read: Read, tool: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "cut"
    path.write_bytes(written(layout, [(REPORT, 99), (REPORT, 14), (DATA, 14), (DATA, 99), (REPORT, 20)]))
    command = [str(tool("tshark")), "-r", str(path), "-Y", "frame.cap_len < frame.len", "-T", "fields"]
    lines = run([*command, "-e", "frame.number"], capture_output=True, text=True, check=True).stdout.split()
    source, _ = read(path.read_bytes())
    told = {text: diagnostic.message for text, diagnostic in said(source).items()}
    assert lines == ["2", "3", "5"]
    assert told[Unread.CUT.value].endswith(": 2, the first is packet 2")
    assert told[Unread.CUT_DATA.value].endswith(": 1, the first is packet 3")
