"""Captures written octet by octet with struct alone, by the published descriptions of their formats."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from subprocess import run as run_program
from typing import cast

import pytest

from bluezone_harness.observations import AddressType, Advert, GattRead, Observation, Source
from bluezone_harness.sources import open_archive, open_source
from bluezone_harness.sources.archives import Archive
from bluezone_harness.sources.hci import HciDecoder
from bluezone_harness.sources.packets import Unread

Records = Iterable[tuple[int, bytes]]
"""Time in microseconds, packet."""
Row = tuple[int, str, bool, str, int, int | None, int | None]
"""Of an advert: number, address, whether it is random, PDU, octets of AdvData, RSSI, channel."""

BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000
START_US = 1_596_866_191_387_000
HANDLE = 0x0040
PHONE = bytes.fromhex("5a 0000000001")
SENT, RECEIVED = 0, 2
"""Of an ACL data packet that begins something: as the host begins it, and as the controller does."""


def padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    length = 12 + len(body)
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


@pytest.fixture(scope="session")
def pcap() -> Callable[..., bytes]:
    """Return a function from records to a pcap file."""

    def write(records: Records, link_type: int = 256, order: str = "<", units: int = 1_000_000) -> bytes:
        magic = 0xA1B23C4D if units == 1_000_000_000 else 0xA1B2C3D4
        octets = struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 65535, link_type)
        for time_us, packet in records:
            seconds, rest_us = divmod(time_us, 1_000_000)
            fraction = rest_us * (units // 1_000_000)
            octets += struct.pack(order + "IIII", seconds, fraction, len(packet), len(packet)) + packet
        return octets

    return write


@pytest.fixture(scope="session")
def section() -> Callable[..., bytes]:
    """Return a function that begins a section of a pcapng file."""

    def write(order: str = "<", major: int = 1) -> bytes:
        body = struct.pack(order + "IHHq", 0x1A2B3C4D, major, 0, -1)
        return block(0x0A0D0D0A, body, order)

    return write


@pytest.fixture(scope="session")
def interface() -> Callable[..., bytes]:
    """Return a function that describes an interface of a pcapng file; options are (code, value)."""

    def write(link_type: int = 256, options: Sequence[tuple[int, bytes]] = (), order: str = "<") -> bytes:
        body = struct.pack(order + "HHI", link_type, 0, 0)
        for code, value in options:
            body += struct.pack(order + "HH", code, len(value)) + padded(value)
        return block(1, body + (bytes(4) if options else b""), order)

    return write


@pytest.fixture(scope="session")
def enhanced() -> Callable[..., bytes]:
    """Return a function that writes an enhanced packet block."""

    def write(ticks: int, packet: bytes, index: int = 0, order: str = "<") -> bytes:
        head = struct.pack(order + "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
        return block(6, head + padded(packet), order)

    return write


@pytest.fixture(scope="session")
def any_block() -> Callable[..., bytes]:
    """Return a function that writes a block of any kind."""
    return block


@pytest.fixture(scope="session")
def pcapng(
    section: Callable[..., bytes], interface: Callable[..., bytes], enhanced: Callable[..., bytes]
) -> Callable[..., bytes]:
    """Return a function from records to a pcapng file of one interface."""

    def write(records: Records, link_type: int = 256, order: str = "<") -> bytes:
        packets = [enhanced(time_us, packet, order=order) for time_us, packet in records]
        return b"".join([section(order), interface(link_type, order=order), *packets])

    return write


@pytest.fixture(scope="session")
def btsnoop() -> Callable[..., bytes]:
    """Return a function from records to a btsnoop file."""

    def write(records: Records, datalink: int = 1002, version: int = 1) -> bytes:
        octets = b"btsnoop\x00" + struct.pack(">II", version, datalink)
        for time_us, packet in records:
            flags = 1 if packet[:1] == b"\x04" else 0
            octets += struct.pack(">IIIIq", len(packet), len(packet), flags, 0, time_us + BTSNOOP_EPOCH_US)
            octets += packet
        return octets

    return write


@pytest.fixture(scope="session")
def heard() -> Callable[..., bytes]:
    """Return a function that writes an advertising PDU with the header of its receiver; CRC checked by it."""

    def write(
        payload: bytes,
        header: int = 0x40,
        *,
        rf_channel: int = 0,
        signal: int = -60,
        flags: int = 0x0C13,
        access_address: int = 0x8E89BED6,
        reference: int = 0x8E89BED6,
        crc: bytes = b"\x01\x02\x03",
        length: int | None = None,
    ) -> bytes:
        receiver = struct.pack("<BbbBIH", rf_channel, signal, -100, 0, reference, flags)
        size = len(payload) if length is None else length
        return receiver + struct.pack("<IBB", access_address, header, size) + payload + crc

    return write


@pytest.fixture(scope="session")
def report() -> Callable[..., bytes]:
    """Return a function that writes an LE Advertising Report event of one report, in H4."""

    def write(
        address: bytes, ad: bytes, *, event_type: int = 0, address_kind: int = 1, rssi: int = -60
    ) -> bytes:
        body = bytes([2, 1, event_type, address_kind]) + address[::-1] + bytes([len(ad)]) + ad
        body += struct.pack("b", rssi)
        return bytes([4, 0x3E, len(body)]) + body

    return write


@pytest.fixture(scope="session")
def opened() -> Callable[..., Source]:
    """Return a function that opens octets as a source."""
    return lambda octets, name="air": open_source(name, io.BytesIO(octets))


@pytest.fixture(scope="session")
def read(opened: Callable[..., Source]) -> Callable[..., tuple[Source, list[Observation]]]:
    """Return a function that reads octets to their end."""

    def run(octets: bytes) -> tuple[Source, list[Observation]]:
        source = opened(octets)
        return source, list(source)

    return run


@pytest.fixture(scope="session")
def rows() -> Callable[[Iterable[Observation]], list[Row]]:
    """Return a function that tells of adverts what a second reader tells too."""
    return lambda found: [
        (
            each.number,
            each.address.hex(":"),
            each.address_type is not AddressType.PUBLIC,
            each.pdu.value,
            len(each.ad),
            each.rssi,
            each.channel,
        )
        for each in found
        if isinstance(each, Advert) and each.address and each.pdu and each.ad is not None
    ]


@pytest.fixture(scope="session")
def tshark(tool: Callable[[str], Path]) -> Callable[..., list[list[str]]]:
    """Return a function from a capture and names of fields to what tshark says of each packet; ``only`` filters."""

    def ask(path: Path, *fields: str, only: str = "") -> list[list[str]]:
        command = [str(tool("tshark")), "-r", str(path), "-T", "fields", *(("-Y", only) if only else ())]
        command += [part for field in fields for part in ("-e", field)]
        lines = run_program(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return [line.split("\t") for line in lines]

    return ask


# archives


class Unseekable:
    """A target that cannot go back."""

    def __init__(self, octets: io.BytesIO) -> None:
        self._octets = octets

    def write(self, octets: bytes) -> int:
        return self._octets.write(octets)

    def flush(self) -> None:
        pass


@pytest.fixture(scope="session")
def snooped(btsnoop: Callable[..., bytes], report: Callable[..., bytes]) -> bytes:
    """Return a host's log of forty adverts."""
    drawn = random.Random(10)
    ad = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
    return btsnoop([(number * 100_501, report(drawn.randbytes(6), ad)) for number in range(40)])


@pytest.fixture(scope="session")
def plain() -> Callable[[bytes], list[Observation]]:
    """Return a function that reads a capture as it is, in no archive."""
    return lambda octets: list(open_source("plain", io.BytesIO(octets)))


@pytest.fixture(scope="session")
def unpacked() -> Callable[[bytes], tuple[Archive, list[tuple[Source, list[Observation]]]]]:
    """Return a function that reads all captures of an archive to their ends."""

    def read_all(octets: bytes) -> tuple[Archive, list[tuple[Source, list[Observation]]]]:
        archive = open_archive("b.zip", io.BytesIO(octets))
        found = []
        for packed in archive:
            assert packed.is_capture
            source = open_source(packed.name, packed)
            found.append((source, list(source)))
        return archive, found

    return read_all


@pytest.fixture(scope="session")
def zipped() -> Callable[..., bytes]:
    """Return a function that writes a zip archive by the standard library; as to a pipe, lengths stand behind."""

    def write(
        files: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED, *, behind: bool = False
    ) -> bytes:
        octets = io.BytesIO()
        target = cast("io.BytesIO", Unseekable(octets)) if behind else octets
        with zipfile.ZipFile(target, "w", method) as archive:
            for name, content in files:
                archive.writestr(zipfile.ZipInfo(name, (2020, 8, 8, 0, 0, 0)), content, method)
        return octets.getvalue()

    return write


@pytest.fixture(scope="session")
def member() -> Callable[..., bytes]:
    """Return a function that writes a member of a zip archive octet by octet. Source: APPNOTE.TXT 4.3.7."""

    def write(
        name: bytes,
        content: bytes,
        *,
        flags: int = 0,
        method: int = 0,
        packed: int | None = None,
        length: int | None = None,
        fields: bytes = b"",
        crc: int | None = None,
    ) -> bytes:
        head = struct.pack("<4sHHHHH", b"PK\x03\x04", 20, flags, method, 0, 0)
        checksum = zlib.crc32(content) if crc is None else crc
        sizes = len(content) if packed is None else packed, len(content) if length is None else length
        head += struct.pack("<IIIHH", checksum, *sizes, len(name), len(fields))
        return head + name + fields + content

    return write


# connections


@pytest.fixture(scope="session")
def sent_uuid() -> Callable[[str], bytes]:
    """Return a function from a UUID to its octets as they are sent."""
    return lambda text: bytes.fromhex(text.replace("-", ""))[::-1]


@pytest.fixture(scope="session")
def connected() -> Callable[..., bytes]:
    """Return a function that writes the event of a connection, of each version."""

    def write(
        address: bytes = PHONE, handle: int = HANDLE, kind: int = 1, status: int = 0, subevent: int = 1
    ) -> bytes:
        body = struct.pack("<BHBB", status, handle, 0, kind) + address[::-1]
        body += {0x01: b"", 0x0A: bytes(12), 0x29: bytes(12)}[subevent]
        body += struct.pack("<HHHB", 24, 0, 42, 0) + (b"\xff\xff\xff" if subevent == 0x29 else b"")
        return bytes([4, 0x3E, len(body) + 1, subevent]) + body

    return write


@pytest.fixture(scope="session")
def disconnected() -> Callable[..., bytes]:
    """Return a function that writes the event of a connection's end."""

    def write(handle: int = HANDLE, status: int = 0) -> bytes:
        return struct.pack("<BBBBHB", 4, 5, 4, status, handle, 0x16)

    return write


@pytest.fixture(scope="session")
def acl() -> Callable[..., bytes]:
    """Return a function that writes a piece of an L2CAP packet."""

    def write(piece: bytes, boundary: int, handle: int = HANDLE, broadcast: int = 0) -> bytes:
        return struct.pack("<BHH", 2, handle | boundary << 12 | broadcast << 14, len(piece)) + piece

    return write


@pytest.fixture(scope="session")
def l2cap() -> Callable[..., bytes]:
    """Return a function that writes an L2CAP packet, of ATT if nothing else is said."""

    def write(packet: bytes, channel: int = 4) -> bytes:
        return struct.pack("<HH", len(packet), channel) + packet

    return write


@pytest.fixture(scope="session")
def asks(acl: Callable[..., bytes], l2cap: Callable[..., bytes]) -> Callable[..., bytes]:
    """Return a function that writes an ATT packet of the host."""

    def write(text: str, rest: bytes = b"", handle: int = HANDLE) -> bytes:
        return acl(l2cap(bytes.fromhex(text) + rest), SENT, handle)

    return write


@pytest.fixture(scope="session")
def answers(acl: Callable[..., bytes], l2cap: Callable[..., bytes]) -> Callable[..., bytes]:
    """Return a function that writes an ATT packet of the phone."""

    def write(text: str, rest: bytes = b"", handle: int = HANDLE) -> bytes:
        return acl(l2cap(bytes.fromhex(text) + rest), RECEIVED, handle)

    return write


@pytest.fixture(scope="session")
def read_id(asks: Callable[..., bytes], answers: Callable[..., bytes]) -> list[bytes]:
    """Return how a host reads the id of a phone."""
    return [asks("0a 2a00"), answers("0b b9a665d754fe65e665d76a45")]


@pytest.fixture(scope="session")
def play() -> Callable[..., tuple[list[GattRead], list[Unread], HciDecoder]]:
    """Return a function that decodes packets: what was read, what could not be, and the decoder."""

    def run(
        packets: Iterable[bytes], decoder: HciDecoder | None = None
    ) -> tuple[list[GattRead], list[Unread], HciDecoder]:
        decoder = decoder or HciDecoder()
        reads: list[GattRead] = []
        unread: list[Unread] = []
        for number, packet in enumerate(packets, start=1):
            for each in decoder.decode(number, START_US + number, "phone", packet):
                if isinstance(each, Unread):
                    unread.append(each)
                else:
                    assert isinstance(each, GattRead)
                    reads.append(each)
        return reads, unread, decoder

    return run
