"""Captures written octet by octet for the bulk path, and both paths to read them by."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle

import pytest

from bluezone_harness import bulk
from bluezone_harness.checks.captures import Capture, read_capture
from bluezone_harness.sources import open_source

START_US = 1_596_866_191_387_000
BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000
AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
ADDRESS = bytes.fromhex("01000000005a")

Records = Iterable[tuple[int, bytes] | tuple[int, bytes, int]]
"""A time, a packet, and (where given) how many octets of it were not captured."""
Write = Callable[..., bytes]


@pytest.fixture(params=["as it is", "in small pieces"])
def _pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "in small pieces":
        monkeypatch.setattr("bluezone_harness.sources.octets.READ_OCTETS", 100)
        # by their names: without numba these modules cannot be imported, and their tests are skipped
        monkeypatch.setattr("bluezone_harness.bulk.octets.CHUNK_OCTETS", 150)
        monkeypatch.setattr("bluezone_harness.bulk.reading._ROWS", 5)
        monkeypatch.setattr("bluezone_harness.bulk.reading._TOLD", 2)
        monkeypatch.setattr("bluezone_harness.bulk.keys._FIRST_KEYS", 2)
        monkeypatch.setattr("bluezone_harness.bulk.keys._MOST_KEYS", 4)


@pytest.fixture(scope="session")
def plain() -> Callable[[bytes], Capture]:
    """Return a function that reads octets by the plain path."""
    return lambda file: read_capture(open_source("air", io.BytesIO(file)))


@pytest.fixture(scope="session")
def fast() -> Callable[[bytes], Capture | None]:
    """Return a function that reads octets by the bulk path, which may leave them to the plain one."""
    return lambda file: bulk.read_capture_fast("air", io.BytesIO(file))


@pytest.fixture(scope="session")
def equal(
    plain: Callable[[bytes], Capture], fast: Callable[[bytes], Capture | None]
) -> Callable[[bytes], Capture]:
    """Return a function that reads octets by both paths, asserts that they say the same, and returns it."""

    def read(file: bytes) -> Capture:
        found = fast(file)
        assert found is not None
        assert found == plain(file)
        return found

    return read


# forms


@pytest.fixture(scope="session")
def pcap() -> Write:
    """Return a function from records to a pcap file."""

    def write(records: Records, link_type: int = 256, order: str = "<", units: int = 1_000_000) -> bytes:
        magic = 0xA1B23C4D if units == 1_000_000_000 else 0xA1B2C3D4
        parts = [struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 65535, link_type)]
        for time_us, packet, *cut in records:
            seconds, rest_us = divmod(time_us, 1_000_000)
            fraction = rest_us * (units // 1_000_000)
            sizes = len(packet), len(packet) + sum(cut)
            parts.append(struct.pack(order + "IIII", seconds, fraction, *sizes) + packet)
        return b"".join(parts)

    return write


@pytest.fixture(scope="session")
def btsnoop() -> Write:
    """Return a function from records to a btsnoop file; their flags come again and again."""

    def write(records: Records, flags: Sequence[int] = (1,)) -> bytes:
        parts = [b"btsnoop\x00" + struct.pack(">II", 1, 1002)]
        for number, (time_us, packet, *cut) in enumerate(records):
            sizes = len(packet) + sum(cut), len(packet)
            flag = flags[number % len(flags)]
            parts.append(struct.pack(">IIIIq", *sizes, flag, 0, time_us + BTSNOOP_EPOCH_US) + packet)
        return b"".join(parts)

    return write


@pytest.fixture(scope="session")
def packetlogger() -> Write:
    """Return a function from records, in H4, to a file of Apple's PacketLogger."""

    def write(records: Records, order: str = ">") -> bytes:
        parts = [struct.pack(order + "IIIB", 9, 1_596_866_191, 0, 0xFB)]
        types = {1: b"\x00", 2: b"\x03", 4: b"\x01"}
        for time_us, packet, *_ in records:
            typed = types.get(packet[0], packet[:1]) + packet[1:] if packet else b""
            parts.append(struct.pack(order + "III", len(typed) + 8, *divmod(time_us, 1_000_000)) + typed)
        return b"".join(parts)

    return write


@pytest.fixture(scope="session")
def block() -> Callable[..., bytes]:
    """Return a function that writes a block of a pcapng file."""

    def write(kind: int, body: bytes, order: str = "<") -> bytes:
        padded = body + bytes(-len(body) % 4)
        length = struct.pack(order + "I", 12 + len(padded))
        return struct.pack(order + "I", kind) + length + padded + length

    return write


@pytest.fixture(scope="session")
def section(block: Callable[..., bytes]) -> bytes:
    """Return the block that begins a section of a pcapng file."""
    return block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


@pytest.fixture(scope="session")
def interface(block: Callable[..., bytes]) -> Callable[..., bytes]:
    """Return a function that describes an interface of a pcapng file."""

    def write(link_type: int, options: bytes = b"") -> bytes:
        return block(1, struct.pack("<HHI", link_type, 0, 0) + options)

    return write


@pytest.fixture(scope="session")
def enhanced(block: Callable[..., bytes]) -> Callable[..., bytes]:
    """Return a function that writes an enhanced packet block."""

    def write(time_us: int, packet: bytes, index: int = 0, options: bytes = b"") -> bytes:
        head = struct.pack("<IIIII", index, time_us >> 32, time_us & 0xFFFFFFFF, len(packet), len(packet))
        return block(6, head + packet + bytes(-len(packet) % 4) + options)

    return write


@pytest.fixture(scope="session")
def pcapng(section: bytes, interface: Callable[..., bytes], enhanced: Callable[..., bytes]) -> Write:
    """Return a function from records to a pcapng file of one sniffer."""

    def write(records: Records) -> bytes:
        named = interface(256, struct.pack("<HH8s", 2, 8, b"nRF left"))
        return section + named + b"".join(enhanced(*each) for each in records)

    return write


# packets


@pytest.fixture(scope="session")
def report() -> Callable[..., bytes]:
    """Return a function that writes an LE Advertising Report event, in H4."""

    def write(
        address: bytes = ADDRESS,
        ad: bytes = AD,
        *,
        event: int = 0,
        kind: int = 1,
        rssi: int = 200,
        count: int = 1,
    ) -> bytes:
        one = bytes([event, kind]) + address + bytes([len(ad)]) + ad + bytes([rssi])
        body = bytes([2, count]) + one * count
        return bytes([4, 0x3E, len(body)]) + body

    return write


def extended(
    address: bytes = ADDRESS, ad: bytes = AD, *, event: int = 0x13, kind: int = 1, rssi: int = 200
) -> bytes:
    head = struct.pack(
        "<HB6sBBBBBHB6sB", event, kind, address, 1, 0, 0xFF, 127, rssi, 0, 0, bytes(6), len(ad)
    )
    body = b"\x0d\x01" + head + ad
    return bytes([4, 0x3E, len(body)]) + body


@pytest.fixture(scope="session")
def heard() -> Callable[..., bytes]:
    """Return a function that writes an advertising PDU with the header of its receiver; CRC checked by it."""

    def write(
        address: bytes = ADDRESS,
        ad: bytes = AD,
        *,
        header: int = 0x40,
        rf_channel: int = 0,
        rssi: int = 200,
        flags: int = 0x0C13,
        access_address: int = 0x8E89BED6,
    ) -> bytes:
        receiver = struct.pack("<BBbBIH", rf_channel, rssi, -100, 0, 0x8E89BED6, flags)
        payload = address + ad
        return (
            receiver + struct.pack("<IBB", access_address, header, len(payload)) + payload + b"\x01\x02\x03"
        )

    return write


def sniffed(rssi: int, channel: int) -> bytes:
    air = b"\xd6\xbe\x89\x8e" + bytes([0x40, 6 + len(AD)]) + ADDRESS + AD + b"\x01\x02\x03"
    fields = struct.pack("<BBBBHI", 10, 1, channel, rssi, 0, 0)
    return struct.pack("<BHBHB", 0, len(fields + air), 3, 0, 2) + fields + air


@pytest.fixture(scope="session")
def ordinary(
    pcap: Write,
    btsnoop: Write,
    packetlogger: Write,
    pcapng: Write,
    heard: Callable[..., bytes],
    report: Callable[..., bytes],
) -> dict[str, bytes]:
    """Return a capture of each form that the bulk path serves, of 40 packets each."""
    times = [START_US + 100_000 * index for index in range(40)]
    radio = cycle([heard(), heard(rf_channel=12, rssi=190), heard(AD[:6], rssi=180), heard(flags=0x0413)])
    host = cycle([report(), report(rssi=190), extended(rssi=180), report(AD[:6], count=2)])
    nordic = cycle([sniffed(60, 37), sniffed(70, 38), sniffed(60, 39)])
    bare = bytes.fromhex("d6be898e 4009 01000000005a 020106 38113d")
    return {
        "pcap 187": pcap(list(zip(times, host, strict=False)), 187),
        "pcap 201": pcap(
            [(time_us, bytes(4) + packet) for time_us, packet in zip(times, host, strict=False)], 201
        ),
        "pcap 251": pcap([(time_us, bare) for time_us in times], 251),
        "pcap 256": pcap(list(zip(times, radio, strict=False)), 256),
        "pcap 272": pcap(list(zip(times, nordic, strict=False)), 272),
        "btsnoop": btsnoop(list(zip(times, host, strict=False))),
        "packetlogger": packetlogger(list(zip(times, host, strict=False))),
        "pcapng": pcapng(list(zip(times, radio, strict=False))),
    }
