"""What ``bzc convert`` writes as packets, read by other hands: tshark finds in it what it finds in what scapy wrote."""

from __future__ import annotations

import struct
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bluezone_harness.cli import convert

with warnings.catch_warnings():
    # scapy imports old ciphers, of which cryptography warns
    warnings.simplefilter("ignore")
    from scapy.layers.bluetooth4LE import BTLE, BTLE_ADV, BTLE_ADV_IND, BTLE_RF
    from scapy.utils import PcapNgReader, RawPcapWriter

SECOND = 1_000_000
START = 1_597_046_400 * SECOND + 123_456  # 2020-08-10T08:00:00.123456Z
BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000
ADS = (
    bytes.fromhex("0201020fffb52200112233445566778899aabb0303564e"),
    bytes.fromhex("0201060909426c75657a6f6e65"),
    bytes.fromhex("0201020fffb522001122"),  # cut
    b"",
)
RADIO_FIELDS = (
    *("frame.time_epoch", "btle.advertising_address", "btle.advertising_header.randomized_tx"),
    *("btle.advertising_header.pdu_type", "btle.length", "btle_rf.channel", "btle_rf.signal_dbm"),
    *("btcommon.eir_ad.entry.data", "btcommon.eir_ad.entry.device_name", "btcommon.eir_ad.entry.uuid_16"),
    *("btle.crc", "btle.crc.incorrect"),
)
HCI_FIELDS = (
    *(
        "frame.time_epoch",
        "bthci_evt.bd_addr",
        "bthci_evt.le_peer_address_type",
        "bthci_evt.le_advts_event_type",
    ),
    *("bthci_evt.rssi", "btcommon.eir_ad.entry.data", "bthci_cmd.opcode", "bthci_cmd.bd_addr"),
)


@pytest.fixture(scope="session")
def on_air(scapy_crc: Callable[[bytes], bytes]) -> Callable[[int], bytes]:
    """Return a function from a number to a packet of link type 256 by scapy."""

    def write(number: int) -> bytes:
        random = number % 2
        address = f"{(0x40, 0x00)[number // 2 % 2] | 9:02x}:c3:d2:e1:f0:{number:02x}"
        ad = ADS[number % len(ADS)]
        header = BTLE_RF(
            rf_channel=(0, 12, 39)[number % 3],
            signal=-40 - number,
            noise=0,
            reference_access_address=0x8E89BED6,
            dewhitened=1,
            sig_power_valid=1,
            reference_access_address_valid=1,
            crc_checked=1,
            crc_valid=1,
        )
        kind = (0, 2, 4, 6)[number // 4 % 4]
        octets = bytes(BTLE() / BTLE_ADV(TxAdd=random) / BTLE_ADV_IND(AdvA=address))[:-3] + ad
        pdu = bytes([octets[4] & 0xF0 | kind, 6 + len(ad)]) + octets[6:]
        return bytes(header) + octets[:4] + pdu + scapy_crc(pdu)

    return write


def btsnoop() -> bytes:
    """Return a host's log, by hand: commands, and reports of each event and address type."""
    records = [b"btsnoop\0" + struct.pack(">II", 1, 1002)]
    for number in range(32):
        if number % 8 == 7:
            flags, packet = 2, b"\x01\x05\x20\x06" + bytes([number, 2, 3, 4, 5, 0x45])
        else:
            ad = ADS[number % 4]
            event = bytes([2, 1, (0, 2, 3, 4)[number // 8], number % 2, number, 0xF0, 0xE1, 0xD2, 0xC3, 0x4A])
            event += bytes([len(ad)]) + ad + bytes([127 if number % 5 == 0 else 256 - 40 - number])
            flags, packet = 3, b"\x04\x3e" + bytes([len(event)]) + event
        time_us = START + number * 1_000_001 + BTSNOOP_EPOCH_US
        records.append(struct.pack(">IIIIq", len(packet), len(packet), flags, 0, time_us) + packet)
    return b"".join(records)


def fields(tshark: Path, path: Path, names: tuple[str, ...]) -> list[str]:
    command = [str(tshark), "-r", str(path), "-T", "fields"]
    for name in names:
        command += ["-e", name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def converted(*paths: Path, out: Path) -> Path:
    result = CliRunner().invoke(convert.command, [*map(str, paths), "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out


@pytest.mark.req("BZ-ADV-001")
def test_tshark_reads_the_same_of_the_air(
    tmp_path: Path, tool: Callable[[str], Path], on_air: Callable[[int], bytes]
) -> None:
    given = tmp_path / "in.pcap"
    with RawPcapWriter(str(given), linktype=256) as writer:
        writer.write_header(None)
        for number in range(48):
            time_us = START + number * 100_003
            writer.write_packet(on_air(number), sec=time_us // SECOND, usec=time_us % SECOND)
    tshark = tool("tshark")
    wanted = fields(tshark, given, RADIO_FIELDS)
    assert len(wanted) == 48
    recording = converted(given, out=tmp_path / "by.jsonl")
    for path in (given, recording):
        out = converted(path, out=tmp_path / f"{path.stem}.pcapng")
        assert fields(tshark, out, RADIO_FIELDS) == wanted
        # and scapy every octet
        with PcapNgReader(str(out)) as reader:
            assert [bytes(each) for each in reader] == [on_air(number) for number in range(48)]


@pytest.mark.req("BZ-ADV-001")
def test_tshark_reads_the_same_of_a_hosts_log(tmp_path: Path, tool: Callable[[str], Path]) -> None:
    given = tmp_path / "in.log"
    given.write_bytes(btsnoop())
    tshark = tool("tshark")
    wanted = fields(tshark, given, HCI_FIELDS)
    assert len(wanted) == 32
    recording = converted(given, out=tmp_path / "by.jsonl")
    for path in (given, recording):
        assert fields(tshark, converted(path, out=tmp_path / f"{path.stem}.pcapng"), HCI_FIELDS) == wanted


@pytest.mark.req("BZ-ADV-001")
def test_several_captures_are_several_interfaces(
    tmp_path: Path, tool: Callable[[str], Path], on_air: Callable[[int], bytes]
) -> None:
    paths = []
    for name in ("door", "window"):
        paths.append(tmp_path / f"{name}.pcap")
        with RawPcapWriter(str(paths[-1]), linktype=256) as writer:
            writer.write_header(None)
            for number in range(4):
                time_us = START + 2 * number * SECOND + len(name)
                writer.write_packet(on_air(number), sec=time_us // SECOND, usec=time_us % SECOND)
    out = converted(*paths, out=tmp_path / "both.pcapng")
    names = ("frame.interface_name", "frame.time_epoch", "btle_rf.signal_dbm")
    found = [line.split("\t") for line in fields(tool("tshark"), out, names)]
    assert [each[0] for each in found] == ["door.pcap", "window.pcap"] * 4
    assert [each[2] for each in found] == [str(-40 - number) for number in range(4) for _ in paths]
    assert [each[1] for each in found] == sorted(each[1] for each in found)
