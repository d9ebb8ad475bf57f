"""Captures written octet by octet with struct alone, by the published descriptions of their formats."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Sequence

import pytest

from bluezone_harness.observations import Observation, Source
from bluezone_harness.sources import open_source

Records = Iterable[tuple[int, bytes]]
"""Time in microseconds, packet."""

BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000


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
