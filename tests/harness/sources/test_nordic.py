"""Packets of Nordic's sniffer, by hand from the document of its maker: headers of versions 1, 2 and 3."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import (
    AddressType,
    Advert,
    Capability,
    Extent,
    Observation,
    PduType,
    Source,
)
from bluezone_harness.sources.nordic import NordicDecoder
from bluezone_harness.sources.packets import Unread

pytestmark = pytest.mark.req("BZ-ADV-001", "BZ-ADV-007")

VERSIONS = (1, 2, 3)
START_US = 1_596_866_191_387_000
ANDROID = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
AIR_ADDRESS = bytes.fromhex("0100000000 5a")
ADDRESS = bytes.fromhex("5a 0000000001")
ACCESS_ADDRESS = bytes.fromhex("d6be898e")


def nordic(
    air: bytes,
    version: int = 3,
    *,
    kind: int | None = None,
    flags: int = 1,
    channel: int = 37,
    rssi: int = 60,
) -> bytes:
    """Put a header of the sniffer before what was on the air, from the access address on."""
    body = struct.pack("<BBBBHI", 10, flags, channel, rssi, 7, 1_234_567) + air
    if kind is None:
        kind = 2 if version == 3 else 6
    lengths = bytes([6, len(body) & 0xFF]) if version == 1 else struct.pack("<H", len(body))
    return b"\x04" + lengths + struct.pack("<BHB", version, 300, kind) + body


def on_air(payload: bytes, header: int = 0x40, access_address: bytes = ACCESS_ADDRESS) -> bytes:
    return access_address + bytes([header, len(payload)]) + payload + b"\xaa\xbb\xcc"


def decoded(packet: bytes) -> Sequence[Observation | Unread]:
    return NordicDecoder().decode(7, START_US, "", packet)


def one(packet: bytes) -> Advert:
    (advert,) = decoded(packet)
    assert isinstance(advert, Advert)
    return advert


@pytest.mark.parametrize(
    "header", ["06 30 01 2c01 06", "3000 02 2c01 06", "3000 03 2c01 02"], ids=["1", "2", "3"]
)
def test_an_android_phones_advert_octet_by_octet(header: str) -> None:
    octets = bytes.fromhex(
        "04"  # board
        + header
        + "0a 01 26 3c 0000 87d61200"  # 10 octets, CRC is right, channel 38, RSSI -60, no event, time
        "d6be898e 40 1d"  # access address, ADV_IND, TxAdd, 29 octets
        "0100000000 5a 020102 0fffb522b9a665d754fe65e665d76a45 0303564e aabbcc"
    )
    assert len(octets) == 7 + 0x30
    assert decoded(octets) == (
        Advert(7, START_US, "", ADDRESS, AddressType.RESOLVABLE, PduType.ADV_IND, ANDROID, -60, 38),
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_fields_at_their_extremes(version: int) -> None:
    air = on_air(AIR_ADDRESS + ANDROID)
    for channel in range(256):
        assert one(nordic(air, version, channel=channel)).channel == (channel if channel < 40 else None)
    for rssi in range(256):
        assert one(nordic(air, version, rssi=rssi)).rssi == (-rssi if rssi < 128 else None)
    for flags in range(256):
        if flags & 0x70 != 0x20:
            assert (decoded(nordic(air, version, flags=flags)) == (Unread.BAD_CRC,)) is not bool(flags & 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_coded_phy_has_an_octet_more(version: int) -> None:
    air = on_air(AIR_ADDRESS + ANDROID)
    assert one(nordic(air[:4] + b"\x01" + air[4:], version, flags=0x21)).ad == ANDROID
    assert decoded(nordic(air, version, flags=0x21)) == (Unread.MALFORMED,)
    assert decoded(nordic(ACCESS_ADDRESS, version, flags=0x21)) == (Unread.MALFORMED,)


def test_version_2_and_3_have_room_for_long_packets() -> None:
    pdu = bytes([0x47, 255]) + bytes.fromhex("07 01") + AIR_ADDRESS + bytes(247)
    for version in (2, 3):
        assert one(nordic(ACCESS_ADDRESS + pdu + bytes(3), version)).ad == bytes(247)
    assert decoded(nordic(ACCESS_ADDRESS + pdu + bytes(3), 1)) == (Unread.MALFORMED,)


def test_what_is_no_advert() -> None:
    air = on_air(AIR_ADDRESS + ANDROID)
    for version in VERSIONS:
        for kind in set(range(256)) - {2 if version == 3 else 6}:
            assert decoded(nordic(air, version, kind=kind)) == ()
        assert decoded(nordic(on_air(bytes(8), 2, b"\x41\x56\x65\x50"), version)) == ()
        assert decoded(nordic(on_air(bytes(12), 3), version)) == ()
    assert decoded(bytes.fromhex("04 0000 03 0000 0d")) == ()  # a ping


def test_headers_that_nobody_writes() -> None:
    air = on_air(AIR_ADDRESS + ANDROID)
    for version in set(range(256)) - set(VERSIONS):
        assert decoded(nordic(air, version)) == (Unread.MALFORMED,)
    good = nordic(air, 1)
    assert decoded(good[:1] + b"\x07" + good[2:]) == (Unread.MALFORMED,)
    for version in VERSIONS:
        good = nordic(air, version)
        assert decoded(good[:7] + b"\x0b" + good[8:]) == (Unread.MALFORMED,)
        assert decoded(good + b"\x00") == (Unread.MALFORMED,)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_cut_is_malformed(version: int) -> None:
    good = nordic(on_air(AIR_ADDRESS + ANDROID), version)
    for cut in range(len(good)):
        assert decoded(good[:cut]) == (Unread.MALFORMED,)
        if cut >= 17:  # with a length that fits it
            assert decoded(nordic(good[17:cut], version)) == (Unread.MALFORMED,)


def test_capabilities_are_those_of_a_sniffer() -> None:
    decoder = NordicDecoder()
    assert set(decoder.capabilities.values()) == {Extent.YES}
    decoder.decode(1, 0, "", nordic(on_air(AIR_ADDRESS), rssi=200, channel=99))
    assert decoder.capabilities[Capability.RSSI] is Extent.NO
    assert decoder.capabilities[Capability.CHANNEL] is Extent.PARTIAL


@given(octets=st.binary(max_size=80), version=st.sampled_from(VERSIONS), flags=st.integers(0, 255))
def test_whatever_comes_something_is_said_of_it(octets: bytes, version: int, flags: int) -> None:
    for packet in (octets, nordic(octets, version, flags=flags), nordic(ACCESS_ADDRESS + octets, version)):
        for each in decoded(packet):
            assert isinstance(each, Advert | Unread)


def test_as_tshark_sees_it(
    tshark: Callable[..., list[list[str]]],
    scapy_crc: Callable[[bytes], bytes],
    tmp_path: Path,
    pcap: Callable[..., bytes],
    read: Callable[..., tuple[Source, list[Observation]]],
    rows: Callable[[list[Observation]], list[tuple[object, ...]]],
) -> None:
    names = {0: "ADV_IND", 2: "ADV_NONCONN_IND", 4: "SCAN_RSP", 6: "ADV_SCAN_IND"}
    packets = []
    for number in range(240):
        version = VERSIONS[number % 3]
        kind = list(names)[number % 4]
        pdu = bytes([kind | (number % 5 > 1) << 6, 6 + number % 29])
        pdu += bytes([number, 1, 2, 3, 4, 0x40 + number % 64]) + bytes(range(number % 29))
        air = ACCESS_ADDRESS + pdu + (scapy_crc(pdu) if number % 7 else b"bad")
        packets.append(
            nordic(air, version, flags=int(number % 7 > 0), channel=37 + number % 3, rssi=number % 100)
        )
    octets = pcap([(START_US + number * 1000, each) for number, each in enumerate(packets)], 272)
    path = tmp_path / "air.pcap"
    path.write_bytes(octets)
    fields: tuple[str, ...] = (
        "frame.number",
        "btle.advertising_address",
        "btle.advertising_header.randomized_tx",
    )
    fields += ("btle.advertising_header.pdu_type", "btle.length", "nordic_ble.rssi", "nordic_ble.channel")
    theirs = []
    for told in tshark(path, *fields, only="nordic_ble.crcok == 1"):
        place, address, is_random, kind_text, length, rssi, channel = told
        row = (int(place), address, is_random in ("True", "1"), names[int(kind_text, 0)])
        theirs.append((*row, int(length) - 6, int(rssi), int(channel)))
    source, found = read(octets)
    ours = rows(found)
    assert ours == theirs
    assert len(ours) == len(found) > 200
    assert source.packets == 240
    assert [each.message for each in source.diagnostics] == [
        f"packets failed their CRC and are no observations: {240 - len(ours)}, the first is packet 1"
    ]
