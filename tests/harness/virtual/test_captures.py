"""Captures as others read them: tshark and scapy, packet by packet, against what was simulated."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from bluezone_harness.observations import AddressType, Advert, PduType
from bluezone_harness.sources import open_source
from bluezone_harness.virtual.captures import (
    LinkType,
    write_btsnoop,
    write_pcap,
    write_pcapng,
    write_recording,
)
from bluezone_harness.virtual.phones import AirPacket, PhonePlan, Plan, simulate

START_MS = 1_597_046_400_000
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
PDU_TYPES = {0: "ADV_IND", 2: "ADV_NONCONN_IND"}  # Core Specification, Vol 6 Part B 2.3
EVENT_TYPES = {0: "ADV_IND", 3: "ADV_NONCONN_IND"}  # Core Specification, Vol 4 Part E 7.7.65.2
FREQUENCIES = {0: 37, 12: 38, 39: 39}  # RF channels of 2402, 2426 and 2480 MHz


def packets_of(receivers: int = 1) -> list[AirPacket]:
    """Return packets of phones, correct and not, and of strangers of every kind."""
    phones = (
        PhonePlan("phone", "android", BASE_ID, 1_596_844_800_000),
        PhonePlan("iPhone", "ios", BASE_ID, 1_596_844_800_000),
        PhonePlan(
            "public", "android", BASE_ID, 1_596_844_800_000, faults=("public-address", "not-connectable")
        ),
    )
    plan = Plan(phones, START_MS, 600_000, loss=0.1, receivers=receivers, strangers=7, interval_ms=500)
    return list(simulate(plan, 1))


@pytest.fixture(scope="module")
def packets() -> list[AirPacket]:
    return packets_of()


def random_bit(packet: AirPacket) -> int:
    return 0 if packet.address_type is AddressType.PUBLIC else 1


@pytest.fixture
def tshark(tool: Callable[[str], Path]) -> Callable[..., list[list[str]]]:
    """Return a function that reads fields of a capture with tshark."""
    program = tool("tshark")

    def read(file: Path, *fields: str, only: str = "") -> list[list[str]]:
        command = [str(program), "-r", str(file), "-T", "fields", "-E", "occurrence=f"]
        for field in fields:
            command += ["-e", field]
        if only:
            command += ["-Y", only]
        done = subprocess.run(command, capture_output=True, timeout=120, check=True)
        return [line.split("\t") for line in done.stdout.decode().splitlines()]

    return read


def written(path: Path, write: Callable[..., int], packets: list[AirPacket], *more: object) -> Path:
    with path.open("wb") as file:
        assert write(packets, file, *more) == len(packets)
    return path


def microseconds(text: str) -> int:
    seconds, fraction = text.split(".")
    return int(seconds) * 1_000_000 + int(fraction[:6])


def radio_rows(packets: list[AirPacket]) -> list[list[object]]:
    return [
        [
            each.time_us,
            each.address.hex(":"),
            random_bit(each),
            str(each.pdu),
            6 + len(each.ad),
            each.rssi,
            each.channel,
        ]
        for each in packets
    ]


@pytest.mark.parametrize(("name", "write"), [("pcap", write_pcap), ("pcapng", write_pcapng)])
def test_tshark_reads_the_radio(
    tmp_path: Path,
    tshark: Callable[..., list[list[str]]],
    packets: list[AirPacket],
    name: str,
    write: Callable[..., int],
) -> None:
    file = written(tmp_path / f"capture.{name}", write, packets, LinkType.RADIO)
    fields = ("frame.time_epoch", "btle.advertising_address", "btle.advertising_header.randomized_tx")
    more = ("btle.advertising_header.pdu_type", "btle.length", "btle_rf.signal_dbm", "btle_rf.channel")
    rows = tshark(file, *fields, *more)
    assert [
        [
            microseconds(a),
            b,
            int(c in ("1", "True")),
            PDU_TYPES[int(d, 0)],
            int(e),
            int(f),
            FREQUENCIES[int(g)],
        ]
        for a, b, c, d, e, f, g in rows
    ] == radio_rows(packets)
    assert not tshark(file, "frame.number", only="_ws.malformed")


def test_tshark_finds_every_crc_right(
    tmp_path: Path, tshark: Callable[..., list[list[str]]], packets: list[AirPacket]
) -> None:
    octets = bytearray(written(tmp_path / "capture.pcap", write_pcap, packets).read_bytes())
    place = 24
    while place < len(octets):
        assert octets[place + 16 + 9] & 0x0C == 0x0C
        octets[place + 16 + 9] &= ~0x0C  # as if nobody had checked the CRC: tshark has to do so itself
        place += 16 + int.from_bytes(octets[place + 8 : place + 12], "little")
    (tmp_path / "unchecked.pcap").write_bytes(octets)
    assert not tshark(tmp_path / "unchecked.pcap", "frame.number", only="btle.crc.incorrect")
    octets[-1] ^= 1
    (tmp_path / "wrong.pcap").write_bytes(octets)
    assert tshark(tmp_path / "wrong.pcap", "frame.number", only="btle.crc.incorrect") == [[str(len(packets))]]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("pcap", lambda packets, file: write_pcap(packets, file, LinkType.HCI)),
        ("pcapng", lambda packets, file: write_pcapng(packets, file, LinkType.HCI)),
        ("btsnoop", write_btsnoop),
    ],
)
def test_tshark_reads_the_reports(
    tmp_path: Path,
    tshark: Callable[..., list[list[str]]],
    packets: list[AirPacket],
    name: str,
    write: Callable[..., int],
) -> None:
    file = written(tmp_path / f"capture.{name}", write, packets)
    fields = ("frame.time_epoch", "bthci_evt.bd_addr", "bthci_evt.le_peer_address_type")
    more = ("bthci_evt.le_advts_event_type", "bthci_evt.data_length", "bthci_evt.rssi", "hci_h4.direction")
    rows = tshark(file, *fields, *more)
    assert [
        [microseconds(a), b, int(c, 0), EVENT_TYPES[int(d, 0)], int(e), int(f), int(g, 0)]
        for a, b, c, d, e, f, g in rows
    ] == [
        [each.time_us, each.address.hex(":"), random_bit(each), str(each.pdu), len(each.ad), each.rssi, 1]
        for each in packets
    ]
    assert not tshark(file, "frame.number", only="_ws.malformed")


@pytest.fixture(scope="module")
def scapy() -> object:
    """Import scapy's Bluetooth layers, whose warnings are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scapy.layers.bluetooth4LE
        import scapy.utils
    return scapy


@pytest.mark.parametrize(("name", "write"), [("pcap", write_pcap), ("pcapng", write_pcapng)])
@pytest.mark.parametrize("link", list(LinkType))
def test_scapy_reads_the_octets(
    tmp_path: Path,
    scapy: object,
    scapy_crc: Callable[[bytes], bytes],
    packets: list[AirPacket],
    name: str,
    write: Callable[..., int],
    link: LinkType,
) -> None:
    from scapy.utils import RawPcapNgReader, RawPcapReader

    file = written(tmp_path / f"capture.{name}", write, packets, link)
    with (RawPcapReader if name == "pcap" else RawPcapNgReader)(str(file)) as reader:
        read = list(reader)
    assert len(read) == len(packets)
    for (octets, meta), packet in zip(read, packets, strict=True):
        if name == "pcap":
            time_us = meta.sec * 1_000_000 + meta.usec
        else:
            time_us = meta.tshigh << 32 | meta.tslow  # type: ignore[attr-defined]  # scapy: of pcapng
            assert meta.tsresol == 1_000_000  # type: ignore[attr-defined]  # as above
        assert time_us == packet.time_us
        if link is LinkType.RADIO:
            pdu = octets[14:-3]
            assert octets[10:14].hex() == "d6be898e"
            assert octets[4:8] == octets[10:14]
            assert scapy_crc(pdu) == octets[-3:]
            assert pdu[2:8][::-1] == packet.address
            assert pdu[8:] == packet.ad
            assert PDU_TYPES[pdu[0] & 0x0F] == packet.pdu
            assert pdu[1] == len(pdu) - 2
            assert struct.unpack("b", octets[1:2]) == (packet.rssi,)
        else:
            assert octets[:6].hex() == "00000001043e"
            assert octets[6] == len(octets) - 7
            assert octets[7:9].hex() == "0201"
            assert octets[11:17][::-1] == packet.address
            assert octets[18:-1] == packet.ad
            assert octets[17] == len(packet.ad)


def test_scapy_dissects_what_a_phone_sends(tmp_path: Path, scapy: object, packets: list[AirPacket]) -> None:
    from scapy.layers.bluetooth import EIR_Hdr, EIR_Manufacturer_Specific_Data
    from scapy.layers.bluetooth4LE import BTLE_ADV_IND
    from scapy.utils import PcapReader

    own = [packet for packet in packets if packet.ad[:7].hex() == "0201020fffb522"][:50]
    file = written(tmp_path / "capture.pcap", write_pcap, own)
    with PcapReader(str(file)) as reader:
        read = list(reader)
    assert len(read) == len(own) == 50
    for packet, expected in zip(read, own, strict=True):
        if expected.pdu is not PduType.ADV_IND:
            continue
        advert = packet[BTLE_ADV_IND]
        assert advert.AdvA == expected.address.hex(":")
        assert [structure.type for structure in advert.data] == [0x01, 0xFF, 0x03]
        assert all(isinstance(structure, EIR_Hdr) for structure in advert.data)
        data = advert.data[1][EIR_Manufacturer_Specific_Data]
        assert bytes(data)[:2].hex() == "b522"
        assert bytes(data.payload) == expected.ad[7:19]


def test_each_receiver_is_an_interface_of_its_name(
    tmp_path: Path, tshark: Callable[..., list[list[str]]]
) -> None:
    packets = packets_of(receivers=3)
    file = written(tmp_path / "capture.pcapng", write_pcapng, packets)
    rows = tshark(file, "frame.time_epoch", "frame.interface_name", "btle_rf.signal_dbm")
    assert [(microseconds(time), name, int(rssi)) for time, name, rssi in rows] == [
        (packet.time_us, packet.receiver, packet.rssi) for packet in packets
    ]
    assert {name for _, name, _ in rows} == {"receiver-1", "receiver-2", "receiver-3"}


@pytest.mark.parametrize("receivers", [1, 2])
def test_a_recording_is_json_lines(receivers: int) -> None:
    packets = packets_of(receivers)
    file = io.BytesIO()
    assert write_recording(packets, file, receivers) == len(packets)
    header, *adverts, end = map(json.loads, file.getvalue().decode("ascii").splitlines())
    assert (header["schema"], header["receiver"], end["kind"]) == (1, "", "end")
    assert header["capabilities"]["several_receivers"] == ("yes" if receivers == 2 else "no")
    assert header["capabilities"]["gatt"] == "no"
    assert header["capabilities"]["raw_ad"] == "yes"
    for advert, packet in zip(adverts, packets, strict=True):
        assert advert == {
            "kind": "advert",
            "time_us": packet.time_us,
            **({"receiver": packet.receiver} if receivers == 2 else {}),
            "address": packet.address.hex(":").upper(),
            "address_type": packet.address_type.value,
            "pdu": packet.pdu.value,
            "ad": packet.ad.hex(),
            "rssi": packet.rssi,
            "channel": packet.channel,
            "crc_ok": True,
        }


@pytest.mark.parametrize("receivers", [1, 2])
@pytest.mark.parametrize("name", ["pcap", "pcap-hci", "pcapng", "pcapng-hci", "btsnoop", "recording"])
def test_our_own_readers_agree(name: str, receivers: int) -> None:
    if receivers == 2 and not name.startswith(("pcapng", "recording")):
        packets = [packet for packet in packets_of(receivers) if packet.receiver == "receiver-2"]
        packets = [packet._replace(receiver="") for packet in packets]
    else:
        packets = packets_of(receivers)
    file = io.BytesIO()
    if name == "btsnoop":
        write_btsnoop(packets, file)
    elif name == "recording":
        write_recording(packets, file, receivers)
    else:
        write = write_pcap if name.startswith("pcap-") or name == "pcap" else write_pcapng
        write(packets, file, LinkType.HCI if name.endswith("hci") else LinkType.RADIO)
    file.seek(0)
    source = open_source("capture", file)
    read = list(source)
    assert not source.diagnostics
    has_channel = name in ("pcap", "pcapng", "recording")
    assert read == [
        Advert(
            number + (name == "recording"),  # whose first line is its header
            each.time_us,
            each.receiver,
            each.address,
            each.address_type,
            each.pdu,
            each.ad,
            each.rssi,
            each.channel if has_channel else None,
        )
        for number, each in enumerate(packets, start=1)
    ]


PACKET = AirPacket(1, b"\x40" * 6, AddressType.RESOLVABLE, PduType.ADV_IND, b"\x02\x01\x02", -60, 37, "")


@pytest.mark.parametrize("write", [write_pcap, write_pcapng, write_btsnoop, write_recording])
def test_an_empty_capture_is_whole(
    tmp_path: Path, tshark: Callable[..., list[list[str]]], write: Callable[..., int]
) -> None:
    file = written(tmp_path / "capture", write, [])
    if write is write_recording:
        assert len(file.read_bytes().splitlines()) == 2
    else:
        assert tshark(file, "frame.number") == []


def test_literal_octets() -> None:
    file = io.BytesIO()
    write_pcap([PACKET._replace(time_us=1_500_000)], file)
    assert file.getvalue()[:-3].hex() == "".join(
        (
            "d4c3b2a10200040000000000000000000000040000010000",  # link type 256
            "0100000020a107001c0000001c000000",
            "00c40000d6be898e130c",  # RF channel 0, -60 dBm
            "d6be898e4009404040404040020102",
        )
    )
    file = io.BytesIO()
    write_btsnoop([PACKET._replace(time_us=0)], file)
    assert file.getvalue().hex() == "".join(
        (
            "6274736e6f6f700000000001000003ea",
            "0000001200000012000000030000000000dcddb30f2f8000",
            "043e0f0201000140404040404003020102c4",
        )
    )


@pytest.mark.parametrize(
    ("write", "packet"),
    [
        (write_pcap, PACKET._replace(time_us=-1)),
        (write_pcap, PACKET._replace(time_us=1 << 62)),
        (write_pcapng, PACKET._replace(time_us=-1)),
        (write_pcap, PACKET._replace(ad=bytes(32))),
        (write_pcap, PACKET._replace(address=bytes(5))),
        (write_pcap, PACKET._replace(pdu=PduType.ADV_EXT_IND)),
        (write_pcap, PACKET._replace(address_type=AddressType.PUBLIC_IDENTITY)),
        (write_btsnoop, PACKET._replace(ad=bytes(32))),
        (write_btsnoop, PACKET._replace(pdu=PduType.ADV_DIRECT_IND)),
        (write_btsnoop, PACKET._replace(rssi=21)),
    ],
)
def test_what_has_no_form_is_refused(write: Callable[..., int], packet: AirPacket) -> None:
    with pytest.raises(ValueError, match=r"legacy|1970|RSSI"):
        write([packet], io.BytesIO())
