"""Small files of every format, made with struct and the standard library alone; what fuzzing begins with."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

START_US = 1_596_866_191_387_000
BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000
ADDRESS = bytes.fromhex("010000000d5a")
OWN_ID = bytes.fromhex("b9a665d754fe65e665d76a45")
UUID = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
AD = bytes.fromhex("020102 0302564e 0ffb522b9a") + OWN_ID[:4]
ANDROID = bytes.fromhex("020102 0303564e 0fffb522") + OWN_ID


def _event(kind: int, body: bytes) -> bytes:
    return bytes([0x04, 0x3E, len(body) + 1, kind]) + body


def _extended(event_type: int, ad: bytes, kind: int = 1) -> bytes:
    fixed = struct.pack("<HB6sBBBbbHB6s", event_type, kind, ADDRESS, 1, 2, 3, 127, -60, 0, 0, bytes(6))
    return _event(0x0D, b"\x01" + fixed + bytes([len(ad)]) + ad)


def _acl(boundary: int, packet: bytes) -> bytes:
    framed = struct.pack("<HH", len(packet), 4) + packet
    return struct.pack("<BHH", 2, 0x0040 | boundary << 12, len(framed)) + framed


_REPORT = _event(0x02, b"\x01\x00\x01" + ADDRESS + bytes([len(ANDROID)]) + ANDROID + b"\xc4")
_SERVICE = bytes.fromhex("00004e5673d47fa617d12adfad07a689")

HCI: tuple[bytes, ...] = (
    _REPORT,
    _event(0x02, b"\x02" + (b"\x04\x00" + ADDRESS + b"\x00\xc4") * 2),
    _extended(0x0013, ANDROID),
    _extended(0x0020, ANDROID[:9]),
    _extended(0x0000, ANDROID[9:]),
    _extended(0x0040, ANDROID[:9], 0xFF),
    _event(0x0B, b"\x01\x01\x01" + ADDRESS + b"\x01" + ADDRESS + b"\xc4"),
    _event(0x01, struct.pack("<BHBB6sHHHB", 0, 0x40, 0, 1, ADDRESS, 24, 0, 42, 0)),
    _event(0x0A, struct.pack("<BHBB6s12xHHHB", 0, 0x41, 0, 3, ADDRESS, 24, 0, 42, 0)),
    _acl(0, b"\x02\x05\x02"),
    _acl(2, b"\x03\x17\x00"),
    _acl(0, b"\x10\x01\x00\xff\xff\x00\x28"),
    _acl(2, b"\x11\x14\x28\x00\x32\x00" + _SERVICE),
    _acl(0, b"\x08\x28\x00\x32\x00\x03\x28"),
    _acl(2, b"\x09\x15\x29\x00\x02\x2a\x00\x01" + _SERVICE[1:]),
    _acl(0, b"\x0a\x2a\x00"),
    _acl(2, b"\x0b" + OWN_ID),
    _acl(0, b"\x0a\x2a\x00"),
    _acl(2, b"\x0b" + bytes(22)),
    _acl(0, b"\x0c\x2a\x00\x16\x00"),
    _acl(2, b"\x0d" + OWN_ID),
    b"\x04\x05\x04\x00\x40\x00\x13",
    b"\x01\x05\x20\x06" + ADDRESS,
    b"\x01\x08\x20\x20" + bytes([len(ANDROID)]) + ANDROID.ljust(31, b"\x00"),
    b"\x01\x37\x20\x05\x00\x03\x01\x01\x00",
    b"\x01\x03\x0c\x00",
)
"""HCI packets in H4: reports of every kind, a connection with the read of an id, commands."""


def crc(pdu: bytes) -> bytes:
    """Return the CRC of an advertising PDU, bit by bit. Source: Core Specification, Vol 6 Part B 3.1.1."""
    state = 0x555555
    for octet in pdu:
        for bit in range(8):
            out = (state >> 23 ^ octet >> bit) & 1
            state = (state << 1 & 0xFFFFFF) ^ (0x00065B if out else 0)
    return int(f"{state:024b}"[::-1], 2).to_bytes(3, "little")


def _pdu(kind: int, payload: bytes) -> bytes:
    return bytes([kind, len(payload)]) + payload


def _extended_pdu(flags: int, fields: bytes, ad: bytes = b"", mode: int = 0) -> bytes:
    header = bytes([flags]) + fields if flags else b""
    return _pdu(0x47, bytes([len(header) | mode << 6]) + header + ad)


_ADI = b"\x34\x12"
_POINTER = b"\x05\x10\x20"

PDUS: tuple[bytes, ...] = (
    _pdu(0x40, ADDRESS + ANDROID),
    _pdu(0x42, ADDRESS + ANDROID),
    _pdu(0x06, ADDRESS),
    _pdu(0x44, ADDRESS + ANDROID[:7]),
    _pdu(0xC1, ADDRESS + ADDRESS),
    _pdu(0xC3, ADDRESS + ADDRESS),
    _extended_pdu(0x18, _ADI + _POINTER),
    _extended_pdu(0x09, ADDRESS + _ADI, ANDROID),
    _extended_pdu(0x19, ADDRESS + _ADI + _POINTER, ANDROID[:9]),
    _extended_pdu(0x18, _ADI + _POINTER, ANDROID[9:12]),
    _extended_pdu(0x08, _ADI, ANDROID[12:]),
    _extended_pdu(0x00, b"", ANDROID),
    _extended_pdu(0x03, ADDRESS + ADDRESS, b"", 1),
    _extended_pdu(0x7F, ADDRESS * 2 + b"\x00" + _ADI + _POINTER + bytes(18) + b"\x08", ANDROID, 2),
)
"""Advertising PDUs, header and payload: legacy, scan requests, extended ones with their pieces."""
ACCESS = b"\xd6\xbe\x89\x8e"


def link_layer(pdu: bytes, channel: int = 0) -> bytes:
    """Return a packet of link type 256."""
    return struct.pack("<BbbBIH", channel, -60, -100, 0, 0x8E89BED6, 0x0C13) + ACCESS + pdu + crc(pdu)


def bare(pdu: bytes) -> bytes:
    """Return a packet of link type 251."""
    return ACCESS + pdu + crc(pdu)


def nordic(pdu: bytes, version: int = 3) -> bytes:
    """Return a packet of link type 272."""
    held = struct.pack("<BBBBHI", 10, 1, 37, 60, 0, 1000) + ACCESS + pdu + crc(pdu)
    if version == 1:
        return struct.pack("<BBBBHB", 0, 6, len(held), 1, 7, 6) + held
    return struct.pack("<BHBHB", 0, len(held), version, 7, 2 if version == 3 else 6) + held


def directed(packet: bytes) -> bytes:
    """Return a packet of link type 201."""
    return bytes([0, 0, 0, packet[0] == 4]) + packet


def monitored(packet: bytes) -> bytes:
    """Return a packet of link type 254."""
    return struct.pack(">HH", 0, {1: 2, 4: 3, 2: 5}[packet[0]]) + packet[1:]


PACKETS: dict[int, tuple[bytes, ...]] = {
    187: HCI,
    201: tuple(map(directed, HCI)),
    254: (struct.pack(">HH", 0, 0) + bytes(16), *map(monitored, HCI)),
    251: tuple(map(bare, PDUS)),
    256: tuple(map(link_layer, PDUS)),
    272: (*map(nordic, PDUS), *(nordic(PDUS[0], version) for version in (1, 2))),
}
"""By link type."""


def pcap(packets: Iterable[bytes], link_type: int, order: str = "<", units: int = 1_000_000) -> bytes:
    """Return a pcap file, a packet each 100 ms."""
    magic = 0xA1B2C3D4 if units == 1_000_000 else 0xA1B23C4D
    octets = struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 65535, link_type)
    for number, packet in enumerate(packets):
        seconds, rest_us = divmod(START_US + number * 100_000, 1_000_000)
        fraction = rest_us * (units // 1_000_000)
        octets += struct.pack(order + "IIII", seconds, fraction, len(packet), len(packet)) + packet
    return octets


def _block(kind: int, body: bytes, order: str) -> bytes:
    body += bytes(-len(body) % 4)
    length = 12 + len(body)
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def pcapng(packets: Iterable[bytes], link_type: int, order: str = "<", *, rich: bool = False) -> bytes:
    """Return a pcapng file; ``rich`` with options, two interfaces, and blocks of every kind."""
    octets = _block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    name = struct.pack(order + "HH", 2, 4) + b"air0"
    resolution = struct.pack(order + "HHB3x", 9, 1, 9) + struct.pack(order + "HHq", 14, 8, 3)
    octets += _block(
        1,
        struct.pack(order + "HHI", link_type, 0, 0) + (name + resolution + bytes(4) if rich else b""),
        order,
    )
    if rich:
        octets += _block(1, struct.pack(order + "HHI", 1, 0, 0), order)
        octets += _block(4, bytes(4), order) + _block(3, struct.pack(order + "I", 3) + b"abc", order)
        octets += _block(2, struct.pack(order + "HHIIII", 0, 2, 5, 0, 3, 3) + b"abc", order)
    for number, packet in enumerate(packets):
        ticks = START_US + number * 100_000
        head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
        drops = struct.pack(order + "HHQ", 4, 8, 1) + bytes(4) if rich else b""
        octets += _block(6, head + packet + bytes(-len(packet) % 4) + drops, order)
    return octets


def btsnoop(packets: Iterable[bytes], datalink: int = 1002) -> bytes:
    """Return a btsnoop file."""
    octets = b"btsnoop\x00" + struct.pack(">II", 1, datalink)
    for number, packet in enumerate(packets):
        flags = int(packet[0] == 4) | (2 if packet[0] in (1, 4) else 0)
        if datalink == 1001:
            packet = packet[1:]
        if datalink == 2001:
            flags, packet = {1: 2, 4: 3, 2: 5}[packet[0]], packet[1:]
        time = START_US + number * 100_000 + BTSNOOP_EPOCH_US
        octets += struct.pack(">IIIIq", len(packet), len(packet), flags, 0, time) + packet
    return octets


def packetlogger(packets: Iterable[bytes], order: str = ">") -> bytes:
    """Return a PacketLogger file, a note of the system in it."""
    octets = b""
    for number, packet in enumerate((*packets, b"\xfcnote")):
        kind = {1: 0, 4: 1, 2: 3}.get(packet[0], packet[0])
        seconds, rest_us = divmod(START_US + number * 100_000, 1_000_000)
        octets += struct.pack(order + "III", 8 + len(packet), seconds, rest_us) + bytes([kind]) + packet[1:]
    return octets


def recording() -> bytes:
    """Return a recording with a line of every kind."""
    lines: list[dict[str, object]] = [
        {
            "schema": 1,
            "source": "live",
            "receiver": "hci0",
            "capabilities": {"raw_ad": "yes", "rssi": "partial"},
        },
        {
            **{
                "kind": "advert",
                "time_us": START_US,
                "address": "5A:00:00:00:00:01",
                "address_type": "resolvable",
            },
            **{
                "pdu": "ADV_IND",
                "ad": ANDROID.hex(),
                "rssi": -60,
                "channel": 37,
                "crc_ok": True,
                "phy": "1M",
            },
        },
        {
            **{"kind": "advert", "time_us": START_US + 1, "address": "5A:00:00:00:00:02", "rssi": -70},
            "fields": {
                **{"service_uuids": [UUID], "manufacturer_data": {"22b5": ANDROID[-12:].hex()}},
                **{"service_data": {UUID: "00"}, "local_name": "Bluezone", "tx_power": -4},
            },
        },
        {"kind": "asked", "time_us": START_US + 2, "name": "HCI_LE_Set_Advertising_Enable", "octets": "01"},
        {
            "kind": "gatt_services",
            "time_us": START_US + 3,
            "address": "5A:00:00:00:00:01",
            "address_type": "resolvable",
            "services": [
                {"uuid": UUID, "characteristics": [{"uuid": UUID, "properties": ["read", "notify"]}]}
            ],
        },
        {
            **{"kind": "gatt_error", "time_us": START_US + 3, "address": "5A:00:00:00:00:01", "step": "read"},
            **{"service": UUID, "characteristic": UUID, "att_error": 15, "reason": "it asks for encryption"},
        },
        {"kind": "gatt_read", "time_us": START_US + 4, "service": "s", "value": OWN_ID.hex()},
        {"kind": "disconnect", "time_us": START_US + 5},
        {"kind": "event", "time_us": START_US + 6, "name": "push"},
        {"kind": "gap", "time_us": START_US + 7, "until_us": START_US + 8},
        {"kind": "end", "reason": "end"},
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _zip(
    members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED, *, stream: bool = False
) -> bytes:
    class _Pipe(io.RawIOBase):
        """Cannot seek: lengths are written behind each member."""

        def __init__(self) -> None:
            self.octets = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, octets: ReadableBuffer, /) -> int:
            piece = bytes(octets)
            self.octets += piece
            return len(piece)

    pipe, file = _Pipe(), io.BytesIO()
    with zipfile.ZipFile(pipe if stream else file, "w", method) as archive:
        for name, octets in members:
            archive.writestr(zipfile.ZipInfo(name), octets, method)
    return bytes(pipe.octets) if stream else file.getvalue()


def archives() -> list[bytes]:
    """Return gzip and zip archives, whole, streamed, nested, with what is no capture."""
    capture = btsnoop(HCI[:1])
    packed = gzip.compress(capture, mtime=0)
    members = [("dumpstate.txt", b"== dumpstate\n"), ("FS/btsnoop_hci.log", capture), ("a/b.log.gz", packed)]
    return [
        packed,
        packed + packed,
        gzip.compress(export(), mtime=0),
        _zip(members),
        _zip(members, zipfile.ZIP_STORED),
        _zip(members, stream=True),
        _zip([("inner.zip", _zip(members))]),
        _zip([("data_trace.txt", export()), ("app_db_2.db", database())]),
    ]


def snooz(packets: Iterable[bytes], version: int = 2) -> bytes:
    """Return what Android's bug reports hold of its last packets, before it is packed.

    Types are those of AOSP's tool: 0x10 event, 0x11 ACL data received, 0x20 command sent.
    """
    octets = struct.pack("<bQ", version, START_US)
    for packet in packets:
        kind = {1: 0x20, 4: 0x10, 2: 0x11}[packet[0]]
        length = len(packet)
        head = (length, 100_000, kind) if version == 1 else (length, length, 100_000, kind)
        octets += struct.pack("<HIB" if version == 1 else "<HHIB", *head) + packet[1:]
    return octets


def bug_report(log: bytes, line: int = 128) -> bytes:
    """Return a text with such a log in it, packed, so many characters a line."""
    version_and_time, rest = log[:9], log[9:]
    text = base64.b64encode(version_and_time + zlib.compress(rest)).decode()
    lines = [text[at : at + line] for at in range(0, len(text), line)]
    begin = f"--- BEGIN:BTSNOOP_LOG_SUMMARY ({len(log)} bytes in) ---"
    return "\n".join(("== dumpstate", begin, *lines, "--- END:BTSNOOP_LOG_SUMMARY ---", "end\n")).encode()


def export() -> bytes:
    """Return an exported contact log, with a row in seconds, a broken one and half a one."""
    row = f"{OWN_ID.hex().upper()}\t{OWN_ID[::-1].hex().upper()}\t-60\t"
    return f"{row}{START_US // 1000}\n{row}{START_US // 1_000_000}\r\n{row}x\n{row}15".encode()


def database() -> bytes:
    """Return a phone's database with both tables."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("pragma page_size = 512")
        connection.execute(
            "create table trace_info (_id integer primary key autoincrement, blid BLOB, blid_contact BLOB, "
            "macid text, rssi integer, tx_power integer, state integer, timestamp long)"
        )
        connection.execute(
            "create table connect_info (_id integer primary key, blid_id BLOB, mac_id text, time long)"
        )
        for number in range(3):
            row = (OWN_ID, OWN_ID[::-1], "5A:00:00:00:00:01", -60, START_US // 1000 + number)
            connection.execute(
                "insert into trace_info (blid, blid_contact, macid, rssi, timestamp) values (?, ?, ?, ?, ?)",
                row,
            )
        connection.execute("insert into connect_info (blid_id, mac_id, time) values (x'00', 'a', 1)")
        connection.commit()
        return bytes(connection.serialize())


SCENARIO = b"""schema = 1
duration = "2 min"
[[phone]]
name = "An"
base = "%s"
base_day = "2020-08-08"
[[phone]]
name = "I"
platform = "ios"
app = "closed"
[[meeting]]
phones = ["An", "I"]
to = "90 s"
[[advert]]
name = "x"
kind = "cut-id"
[[relay]]
phone = "An"
delay = "30 s"
[[event]]
at = "1 s"
name = "consent"
""" % (b"0a" * 32)
"""A scenario with an entry of most kinds."""
