"""Captures that scapy wrote, read by us, by tshark and by scapy, and compared packet by packet."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from bluezone_harness.observations import AddressType, Advert, Observation, PduType, Source
from bluezone_harness.sources import open_source

with warnings.catch_warnings():
    # scapy imports old ciphers, of which cryptography warns
    warnings.simplefilter("ignore")
    from scapy.layers import bluetooth as hci
    from scapy.layers import bluetooth4LE as air  # noqa: N813 - the module is spelt so
    from scapy.packet import Packet
    from scapy.utils import PcapNgWriter, PcapReader, PcapWriter, RawPcapReader

pytestmark = pytest.mark.req("BZ-ADV-001", "BZ-ADV-007")

Tool = Callable[[str], Path]
Row = tuple[int, int, str, bool, str, bytes, int]
"""Number, time in microseconds, address, whether it is random, PDU, AdvData, RSSI."""

START_US = 1_596_866_191_387_000
ADS = [
    bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e"),
    bytes.fromhex("02011a 1107 89a607addf2ad117a67fd473564e0000 0908 426c7565 7a6f6e65"),
    bytes.fromhex("02011a 14ff4c000100000000000000000000000000000040"),
    b"",
]
AIR_PDUS = {0: air.BTLE_ADV_IND, 2: air.BTLE_ADV_NONCONN_IND, 4: air.BTLE_SCAN_RSP, 6: air.BTLE_ADV_SCAN_IND}
AIR_NAMES = {0: "ADV_IND", 1: "ADV_DIRECT_IND", 2: "ADV_NONCONN_IND", 4: "SCAN_RSP", 6: "ADV_SCAN_IND"}
HCI_NAMES = {0: "ADV_IND", 1: "ADV_DIRECT_IND", 2: "ADV_SCAN_IND", 3: "ADV_NONCONN_IND", 4: "SCAN_RSP"}
LEGACY_NAMES = {
    0x13: "ADV_IND",
    0x15: "ADV_DIRECT_IND",
    0x12: "ADV_SCAN_IND",
    0x10: "ADV_NONCONN_IND",
    0x1B: "SCAN_RSP",
    0x1A: "SCAN_RSP",
}


def address_text(drawn: random.Random) -> str:
    return drawn.randbytes(6).hex(":")


def air_packets(count: int) -> list[tuple[int, bytes]]:
    """Build packets of a sniffer by scapy: adverts, and some that are none."""
    drawn = random.Random(201)
    packets = []
    for number in range(count):
        kind = drawn.choice([*AIR_PDUS, 3])
        rf = air.BTLE_RF(
            rf_channel=drawn.choice([0, 12, 39]),
            signal=drawn.randint(-100, -30),
            dewhitened=1,
            sig_power_valid=1,
            reference_access_address=0x8E89BED6,
            reference_access_address_valid=1,
            crc_checked=1,
            crc_valid=1,
        )
        random_address = drawn.randint(0, 1)
        body: Packet
        if kind == 3:
            body = air.BTLE_SCAN_REQ(ScanA=address_text(drawn), AdvA=address_text(drawn))
        else:
            body = AIR_PDUS[kind](AdvA=address_text(drawn)) / drawn.choice(ADS)
        pdu = air.BTLE() / air.BTLE_ADV(PDU_type=kind, TxAdd=random_address) / body
        packets.append((START_US + number * 100_501, bytes(rf / pdu)))
    return packets


def host_packets(count: int) -> list[tuple[int, bytes]]:
    """Build packets of a host in H4: reports of both kinds by scapy, and some that are none."""
    drawn = random.Random(256)
    packets = []
    for number in range(count):
        address, ad = address_text(drawn), drawn.choice(ADS)
        rssi = drawn.randint(-100, -30)
        kind = drawn.choice([0, 1, 2])
        if kind == 0:
            report = hci.HCI_LE_Meta_Advertising_Report(
                type=drawn.choice(list(HCI_NAMES)), addr_type=drawn.randint(0, 1), addr=address, rssi=rssi
            )
            octets = bytes(report)[:8] + bytes([len(ad)]) + ad + bytes(report)[-1:]
            body = b"\x02\x01" + octets
        elif kind == 1:
            fields = struct.pack("<HB", drawn.choice(list(LEGACY_NAMES)), drawn.randint(0, 1))
            fields += bytes.fromhex(address.replace(":", ""))[::-1]
            fields += struct.pack("<BBBbbHB6sB", 1, 0, 0xFF, 127, rssi, 0, 0, bytes(6), len(ad))
            body = b"\x0d\x01" + fields + ad
        else:
            packets.append((START_US + number * 100_501, bytes.fromhex("040e0401052000")))
            continue
        packets.append((START_US + number * 100_501, bytes([4, 0x3E, len(body)]) + body))
    return packets


def written(packets: list[tuple[int, bytes]], link_type: int, path: Path) -> Path:
    """Write packets by scapy."""
    writer: PcapWriter | PcapNgWriter
    if path.suffix == ".pcapng":
        writer = PcapNgWriter(str(path))
    else:
        writer = PcapWriter(str(path), linktype=link_type)
        writer.write_header(None)
    for time_us, octets in packets:
        seconds, rest_us = divmod(time_us, 1_000_000)
        if path.suffix == ".pcapng":
            packet = (air.BTLE_RF if link_type == 256 else hci.HCI_PHDR_Hdr)(octets)
            packet.time = time_us / 1_000_000
            writer.write(packet)
        else:
            writer.write_packet(octets, sec=seconds, usec=rest_us)
    writer.close()
    return path


def by_us(path: Path) -> tuple[Source, list[Row]]:
    with path.open("rb") as file:
        source = open_source(path.name, file)
        rows = [row_of(each) for each in source if isinstance(each, Advert)]
    assert source.diagnostics == ()
    return source, rows


def row_of(advert: Observation) -> Row:
    assert isinstance(advert, Advert)
    assert advert.address is not None
    assert advert.pdu is not None
    assert advert.ad is not None
    assert advert.rssi is not None
    return (
        advert.number,
        advert.time_us,
        advert.address.hex(":"),
        advert.address_type is not AddressType.PUBLIC,
        advert.pdu.value,
        advert.ad,
        advert.rssi,
    )


def by_tshark(tshark: Path, path: Path, fields: list[str], only: str) -> list[list[str]]:
    """Return the fields of the packets that tshark's filter ``only`` lets through, and how many there are."""
    command = [str(tshark), "-r", str(path), "-Y", only, "-T", "fields", "-E", "separator=|"]
    for field in ["frame.number", "frame.time_epoch", *fields]:
        command += ["-e", field]
    environment = {**os.environ, "TZ": "UTC"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return [line.split("|") for line in done.stdout.splitlines()]


def microseconds(text: str) -> int:
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 1_000_000 + int(fraction[:6])


def packets_of(tshark: Path, path: Path) -> int:
    return len(by_tshark(tshark, path, [], "frame"))


def ad_of(entries: str) -> bytes:
    """Put AdvData together again from tshark's raw octets."""
    return bytes.fromhex(entries.replace(":", ""))


@pytest.mark.parametrize("suffix", [".pcap", ".pcapng"])
def test_a_sniffer_as_tshark_sees_it(tool: Tool, tmp_path: Path, suffix: str) -> None:
    tshark = tool("tshark")
    packets = air_packets(300)
    path = written(packets, 256, tmp_path / f"air{suffix}")
    source, ours = by_us(path)
    only = "btle.advertising_header.pdu_type != 3 and btle.advertising_header.pdu_type != 5"
    fields = [
        "btle.advertising_address",
        "btle.advertising_header.randomized_tx",
        "btle.advertising_header.pdu_type",
        "btle.length",
        "btle_rf.signal_dbm",
        "btle_rf.channel",
    ]
    rows = by_tshark(tshark, path, fields, only)
    assert source.packets == packets_of(tshark, path) == len(packets)
    assert len(rows) == len(ours) > 150
    for row, (number, time_us, address, is_random, pdu, ad, rssi) in zip(rows, ours, strict=True):
        # scapy's pcapng holds its times as fractions, which are rounded
        assert abs(time_us - microseconds(row[1])) <= (suffix == ".pcapng")
        assert row[0] == str(number)
        assert row[2] == address
        assert row[3] in (("True", "1") if is_random else ("False", "0"))
        assert AIR_NAMES[int(row[4], 0)] == pdu
        assert int(row[5]) == 6 + len(ad)
        assert int(row[6]) == rssi
        # tshark says how long AdvData are, scapy what they are
        assert packets[number - 1][1][22:-3] == ad


@pytest.mark.parametrize("format_", ["pcap", "btsnoop"])
def test_a_host_as_tshark_sees_it(
    tool: Tool, tmp_path: Path, btsnoop: Callable[..., bytes], format_: str
) -> None:
    tshark = tool("tshark")
    packets = host_packets(300)
    path = tmp_path / f"host.{format_}"
    if format_ == "btsnoop":
        path.write_bytes(btsnoop(packets))
    else:
        written([(time_us, bytes.fromhex("00000001") + octets) for time_us, octets in packets], 201, path)
    source, ours = by_us(path)
    fields = [
        "bthci_evt.bd_addr",
        "bthci_evt.le_peer_address_type",
        "bthci_evt.le_advts_event_type",
        "bthci_evt.le_ext_advts_event_type",
        "bthci_evt.data_length",
        "bthci_evt.rssi",
    ]
    rows = by_tshark(tshark, path, fields, "bthci_evt.le_meta_subevent in {0x02, 0x0d}")
    assert source.packets == packets_of(tshark, path) == len(packets)
    assert len(rows) == len(ours) > 150
    for row, (number, time_us, address, is_random, pdu, ad, rssi) in zip(rows, ours, strict=True):
        assert (int(row[0]), microseconds(row[1]), row[2]) == (number, time_us, address)
        assert bool(int(row[3], 0)) == is_random
        name = HCI_NAMES[int(row[4], 0)] if row[4] else LEGACY_NAMES[int(row[5], 0)]
        assert name == pdu
        assert int(row[6]) == len(ad)
        assert int(row[7]) == rssi


def test_a_sniffer_as_scapy_sees_it(tmp_path: Path) -> None:
    path = written(air_packets(200), 256, tmp_path / "air.pcap")
    theirs: list[Row] = []
    with PcapReader(str(path)) as reader:
        packets = list(reader)
    for number, packet in enumerate(packets, start=1):
        header = packet[air.BTLE_ADV]
        if header.PDU_type in AIR_PDUS:
            octets = bytes(packet[AIR_PDUS[header.PDU_type]])
            theirs.append(
                (
                    number,
                    round(packet.time * 1_000_000),
                    packet.AdvA,
                    bool(header.TxAdd),
                    AIR_NAMES[header.PDU_type],
                    octets[6:],
                    packet[air.BTLE_RF].signal,
                )
            )
    assert by_us(path)[1] == theirs
    assert len(theirs) > 100


def test_a_host_as_scapy_sees_it(tmp_path: Path) -> None:
    packets = [(time_us, bytes.fromhex("00000001") + octets) for time_us, octets in host_packets(200)]
    path = written(packets, 201, tmp_path / "host.pcap")
    theirs: list[Row] = []
    with RawPcapReader(str(path)) as reader:
        raw = list(reader)
    for number, (octets, times) in enumerate(raw, start=1):
        packet = hci.HCI_PHDR_Hdr(octets)
        if hci.HCI_LE_Meta_Advertising_Reports in packet:
            (report,) = packet[hci.HCI_LE_Meta_Advertising_Reports].reports
            kind = HCI_NAMES[report.type]
            is_random, address, rssi = report.addr_type, report.addr, report.rssi
        elif hci.HCI_LE_Meta_Extended_Advertising_Reports in packet:
            (report,) = packet[hci.HCI_LE_Meta_Extended_Advertising_Reports].reports
            kind = LEGACY_NAMES[struct.unpack_from("<H", octets, 9)[0]]
            is_random, address, rssi = report.addr_type, report.addr, report.rssi
        else:
            continue
        ad = b"".join(bytes(each) for each in report.data)
        time_us = times.sec * 1_000_000 + times.usec
        theirs.append((number, time_us, address, bool(is_random), kind, ad, rssi))
    assert by_us(path)[1] == theirs
    assert len(theirs) > 100


def test_pdu_types_are_those_of_the_tables() -> None:
    named = {each.value for each in PduType} - {"ADV_EXT_IND"}
    assert named == set(AIR_NAMES.values()) == set(HCI_NAMES.values()) == set(LEGACY_NAMES.values())


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    path = written(air_packets(50), 256, tmp_path / "air.pcap")
    from_file = by_us(path)[1]
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        from_pipe = [row_of(each) for each in open_source("pipe", cast("BinaryIO", cat.stdout))]
    assert from_pipe == from_file
    assert [row_of(each) for each in open_source("octets", io.BytesIO(path.read_bytes()))] == from_file
