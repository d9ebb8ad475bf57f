"""Packets of Linux's monitor, and the other datalinks of btsnoop: by hand, and as tshark sees them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from subprocess import run

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import Advert, Asked, Capability, Extent, GattRead, Observation, Source
from bluezone_harness.sources.hci import HciDecoder
from bluezone_harness.sources.monitor import MOST_ADAPTERS, MonitorDecoder
from bluezone_harness.sources.packets import Unread

pytestmark = pytest.mark.req("BZ-ADV-001", "BZ-ADV-007")

EPOCH_US = 0x00DCDDB30F2F8000
START_US = 1_596_866_191_387_000
ANDROID = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
ADDRESS = bytes.fromhex("5a 0000000001")
SET_ADDRESS = bytes.fromhex("0520 06 0100000000 5a")
CONNECTED = bytes.fromhex("3e 13 01 00 4000 00 01 0100000000 5a 1800 0000 2a00 00")
READ = bytes.fromhex("4000 0700 0300 0400 0a 2a00")
VALUE = bytes.fromhex("4020 1100 0d00 0400 0b") + ANDROID[5:17]

Read = Callable[..., tuple[Source, list[Observation]]]


def btsnoop(datalink: int, records: list[tuple[int, bytes]]) -> bytes:
    """Write a btsnoop file of flags and packets."""
    octets = b"btsnoop\x00" + struct.pack(">II", 1, datalink)
    for number, (flags, packet) in enumerate(records):
        time = START_US + EPOCH_US + number
        octets += struct.pack(">IIIIq", len(packet), len(packet), flags, 0, time) + packet
    return octets


def test_what_each_adapter_heard_asked_and_read(report: Callable[..., bytes]) -> None:
    decoder = MonitorDecoder()
    heard = report(ADDRESS, ANDROID)
    (advert,) = decoder.decode(7, START_US, "", bytes.fromhex("0000 0003") + heard[1:])
    assert advert == HciDecoder().decode(7, START_US, "hci0", heard)[0]
    assert isinstance(advert, Advert)
    assert advert.receiver == "hci0"
    (asked,) = decoder.decode(8, START_US, "", bytes.fromhex("0102 0002") + SET_ADDRESS)
    assert asked == Asked(8, START_US, "hci258", "HCI_LE_Set_Random_Address", SET_ADDRESS[3:])
    (asked,) = decoder.decode(8, START_US, "monitor", bytes.fromhex("0102 0002") + SET_ADDRESS)
    assert isinstance(asked, Asked)
    assert asked.receiver == "monitor hci258"
    for kind, octets in ((3, CONNECTED), (4, READ)):
        assert not decoder.decode(9, START_US, "", struct.pack(">HH", 1, kind) + octets)
    # the handles of another adapter are its own
    assert not decoder.decode(9, START_US, "", bytes.fromhex("0000 0005") + VALUE)
    (read,) = decoder.decode(9, START_US, "", bytes.fromhex("0001 0005") + VALUE)
    assert isinstance(read, GattRead)
    assert (read.receiver, read.address, read.value) == ("hci1", ADDRESS, ANDROID[5:17])


def test_an_adapter_that_is_gone_is_forgotten() -> None:
    for kind in (0, 1):
        decoder = MonitorDecoder()
        for octets in (bytes.fromhex("0000 0003") + CONNECTED, bytes.fromhex("0000 0004") + READ):
            assert not decoder.decode(1, 0, "", octets)
        assert decoder.decode(1, 0, "", struct.pack(">HH", 0, kind) + bytes(16)) == ()
        assert decoder.decode(1, 0, "", bytes.fromhex("0000 0005") + VALUE) == ()


@pytest.mark.parametrize("kind", [0, 1, *range(6, 20), 0xFFFF])
def test_notes_of_the_monitor_say_nothing(kind: int) -> None:
    decoder = MonitorDecoder()
    assert decoder.decode(1, 0, "", struct.pack(">HH", 0xFFFF, kind) + b"any text") == ()
    assert decoder.capabilities == HciDecoder().capabilities


@pytest.mark.parametrize(
    "text", ["", "00", "000000", "0000 0003", "0000 0002", "0000 0003 3e 05 02", "0000 0004 40"]
)
def test_malformed(text: str) -> None:
    assert MonitorDecoder().decode(1, 0, "", bytes.fromhex(text)) == (Unread.MALFORMED,)


def test_many_adapters_take_no_more_memory(report: Callable[..., bytes]) -> None:
    decoder = MonitorDecoder()
    heard = report(ADDRESS, ANDROID)[1:]
    decoder.decode(1, 0, "", struct.pack(">HH", 0, 3) + heard)
    assert Capability.SEVERAL_RECEIVERS not in decoder.capabilities
    decoder.decode(1, 0, "", struct.pack(">HH", 0, 5) + VALUE)
    for index in range(1, 200):
        (advert,) = decoder.decode(1, 0, "", struct.pack(">HH", index, 3) + heard)
        assert isinstance(advert, Advert)
        assert advert.receiver == f"hci{index}"
        shown = decoder.capabilities
        assert shown[Capability.SEVERAL_RECEIVERS] is Extent.YES
        assert shown[Capability.RSSI] is Extent.YES
        assert shown[Capability.GATT] is Extent.PARTIAL
    assert len(decoder._adapters) == MOST_ADAPTERS


@given(st.binary(max_size=80))
def test_whatever_comes_something_is_said_of_it(octets: bytes) -> None:
    decoder = MonitorDecoder()
    for packet in (octets, *(struct.pack(">HH", 0, kind) + octets for kind in range(8))):
        for each in decoder.decode(1, 0, "", packet):
            assert isinstance(each, Advert | Asked | GattRead | Unread)


def test_btsnoop_of_each_datalink(report: Callable[..., bytes], read: Read) -> None:
    packets = [
        (0x01, SET_ADDRESS, 0),
        (0x04, report(ADDRESS, ANDROID)[1:], 1),
        (0x04, CONNECTED, 1),
        (0x02, READ, 0),
        (0x02, VALUE, 1),
    ]
    monitor = {(1, 0): 2, (4, 1): 3, (2, 0): 4, (2, 1): 5}
    found = {}
    for datalink in (1001, 1002, 2001):
        records = []
        for h4, octets, received in packets:
            if datalink == 1002:
                records.append((received, bytes([h4]) + octets))
            elif datalink == 1001:
                records.append((received | (h4 != 2) << 1, octets))
            else:
                records.append((0 << 16 | monitor[h4, received], octets))
        source, found[datalink] = read(btsnoop(datalink, records))
        assert not source.diagnostics
        assert source.packets == 5
        assert source.capabilities[Capability.GATT] is Extent.YES
    assert [type(each) for each in found[1002]] == [Asked, Advert, GattRead]
    assert found[1001] == found[1002]
    assert [each.number for each in found[2001]] == [1, 2, 5]
    assert {getattr(each, "receiver", None) for each in found[2001]} == {"hci0"}
    (_, advert, value) = found[2001]
    assert isinstance(advert, Advert)
    assert isinstance(value, GattRead)
    assert (advert.time_us, value.time_us, value.value) == (START_US + 1, START_US + 4, ANDROID[5:17])


@pytest.mark.parametrize("datalink", [1001, 1002, 2001])
def test_btsnoop_cut_at_every_octet(report: Callable[..., bytes], read: Read, datalink: int) -> None:
    heard = report(ADDRESS, ANDROID)
    packet = heard if datalink == 1002 else heard[1:]
    records = [(3, packet)] * 3
    whole = btsnoop(datalink, records)
    _, everything = read(whole)
    assert len(everything) == 3
    for cut in range(16, len(whole)):
        source, found = read(whole[:cut])
        complete, rest = divmod(cut - 16, 24 + len(packet))
        assert found == everything[:complete]
        assert len(source.diagnostics) == bool(rest)


def test_link_types_without_direction_and_of_the_monitor(
    pcap: Callable[..., bytes], pcapng: Callable[..., bytes], report: Callable[..., bytes], read: Read
) -> None:
    heard = report(ADDRESS, ANDROID)
    for write in (pcap, pcapng):
        _, plain = read(write([(START_US, heard)], 187))
        _, monitor = read(write([(START_US, bytes.fromhex("0003 0003") + heard[1:])], 254))
        assert plain == list(HciDecoder().decode(1, START_US, "", heard))
        assert monitor == list(HciDecoder().decode(1, START_US, "hci3", heard))


@pytest.mark.parametrize("format_", ["1001", "1002", "2001", "187", "201", "254"])
def test_as_tshark_sees_it(
    tool: Callable[[str], Path],
    tmp_path: Path,
    pcap: Callable[..., bytes],
    report: Callable[..., bytes],
    read: Read,
    format_: str,
) -> None:
    records = []
    for number in range(60):
        heard = report(bytes([number, 1, 2, 3, 4, 5]), bytes(range(number % 30)), rssi=-number - 1)
        before = {"2001": b"", "254": bytes([0, number % 2, 0, 3]), "201": bytes([0, 0, 0, 1])}.get(
            format_, b""
        )
        packet = before + (heard[1:] if format_ in ("1001", "2001", "254") else heard)
        flags = (number % 2) << 16 | 3 if format_ == "2001" else 3
        records.append((flags, packet))
    if len(format_) == 4:
        octets = btsnoop(int(format_), records)
    else:
        octets = pcap([(START_US + number, each) for number, (_, each) in enumerate(records)], int(format_))
    path = tmp_path / "host"
    path.write_bytes(octets)
    command = [str(tool("tshark")), "-r", str(path), "-T", "fields", "-e", "frame.time_epoch"]
    command += ["-e", "bthci_evt.bd_addr", "-e", "bthci_evt.data_length", "-e", "bthci_evt.rssi"]
    command += ["-e", "hci_mon.adapter_id"]
    lines = run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    theirs = []
    for line in lines:
        epoch, address, length, rssi, adapter = line.split("\t")
        seconds, _, fraction = epoch.partition(".")
        receiver = f"hci{int(adapter, 0)}" if adapter else ""
        theirs.append((int(seconds + fraction[:6]), address, int(length), int(rssi), receiver))
    source, found = read(octets)
    ours = [
        (each.time_us, each.address.hex(":"), len(each.ad), each.rssi, each.receiver)
        for each in found
        if isinstance(each, Advert) and each.address and each.ad is not None
    ]
    assert ours == theirs
    assert len(ours) == 60
    assert not source.diagnostics
