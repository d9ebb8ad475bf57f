"""Packets of a sniffer that tells nothing of its own, link type 251: by hand, and as scapy and tshark see them."""

from __future__ import annotations

import warnings
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
from bluezone_harness.sources.link_layer import BareLinkLayerDecoder, LinkLayerDecoder
from bluezone_harness.sources.packets import Unread

with warnings.catch_warnings():
    # scapy imports old ciphers, of which cryptography warns
    warnings.simplefilter("ignore")
    from scapy.layers import bluetooth4LE as air  # noqa: N813 - the module is spelt so
    from scapy.utils import PcapWriter

pytestmark = pytest.mark.req("BZ-ADV-001", "BZ-ADV-007")

START_US = 1_596_866_191_387_000
ANDROID = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
ADDRESS = bytes.fromhex("5a 0000000001")
PDUS = {0: air.BTLE_ADV_IND, 2: air.BTLE_ADV_NONCONN_IND, 4: air.BTLE_SCAN_RSP, 6: air.BTLE_ADV_SCAN_IND}
NAMES = {0: "ADV_IND", 2: "ADV_NONCONN_IND", 4: "SCAN_RSP", 6: "ADV_SCAN_IND"}


def by_scapy(kind: int = 0, address: bytes = ADDRESS, ad: bytes = ANDROID, is_random: int = 1) -> bytes:
    """Return a packet with its CRC."""
    pdu = air.BTLE_ADV(PDU_type=kind, TxAdd=is_random) / PDUS[kind](AdvA=address.hex(":")) / ad
    return bytes(air.BTLE(access_addr=0x8E89BED6) / pdu)


def decoded(packet: bytes) -> Sequence[Observation | Unread]:
    return BareLinkLayerDecoder().decode(7, START_US, "", packet)


def test_an_android_phones_advert() -> None:
    packet = by_scapy()
    assert packet[:12] == bytes.fromhex("d6be898e 401d 0100000000 5a")
    assert decoded(packet) == (
        Advert(7, START_US, "", ADDRESS, AddressType.RESOLVABLE, PduType.ADV_IND, ANDROID, None, None),
    )


def test_turned_bits_fail_the_crc_or_are_no_advert() -> None:
    packet = by_scapy()
    for place in range(len(packet) * 8):
        damaged = bytearray(packet)
        damaged[place // 8] ^= 1 << place % 8
        assert decoded(bytes(damaged)) == (() if place < 32 else (Unread.BAD_CRC,))


def test_cut_and_followed() -> None:
    packet = by_scapy()
    for cut in range(len(packet)):
        assert decoded(packet[:cut]) == ((Unread.MALFORMED,) if cut < 9 else (Unread.BAD_CRC,))
    assert decoded(packet + b"\x01") == (Unread.BAD_CRC,)
    # zeros after a CRC keep it right
    assert decoded(packet + b"\x00") == (Unread.MALFORMED,)


def test_packets_of_connections_are_no_adverts() -> None:
    assert decoded(bytes.fromhex("41566550 0200 aabbcc")) == ()


def test_it_shows_neither_rssi_nor_channel() -> None:
    decoder = BareLinkLayerDecoder()
    for _ in range(2):
        shown = decoder.capabilities
        assert {each for each, extent in shown.items() if extent is Extent.NO} == {
            Capability.RSSI,
            Capability.CHANNEL,
        }
        assert set(shown.values()) == {Extent.YES, Extent.NO}
        decoder.decode(1, 0, "", by_scapy())


@given(pdu=st.binary(min_size=2, max_size=60))
def test_the_same_as_with_a_header(scapy_crc: Callable[[bytes], bytes], pdu: bytes) -> None:
    packet = b"\xd6\xbe\x89\x8e" + pdu + scapy_crc(pdu)
    # dewhitened, nothing else is known
    with_header = bytes(8) + b"\x41\x00" + packet
    found = list(decoded(packet))
    assert found == list(LinkLayerDecoder().decode(7, START_US, "", with_header))


def test_as_tshark_sees_it(
    tshark: Callable[..., list[list[str]]],
    tmp_path: Path,
    read: Callable[..., tuple[Source, list[Observation]]],
    rows: Callable[[list[Observation]], list[tuple[object, ...]]],
) -> None:
    path = tmp_path / "air.pcap"
    writer = PcapWriter(str(path), linktype=251)
    writer.write_header(None)
    for number in range(120):
        address, ad = bytes([number, 0x80, 1, 2, 3, 4]), bytes(range(number % 30))
        packet = by_scapy(list(NAMES)[number % 4], address, ad, number % 2)
        writer.write_packet(packet, sec=1_596_866_191, usec=number)
    writer.close()
    fields = ("btle.advertising_address", "btle.advertising_header.randomized_tx")
    told = tshark(path, *fields, "btle.advertising_header.pdu_type", "btle.length")
    theirs = [
        (number, address_text, is_random in ("True", "1"), NAMES[int(kind, 0)], int(length) - 6, None, None)
        for number, (address_text, is_random, kind, length) in enumerate(told, start=1)
    ]
    source, found = read(path.read_bytes())
    ours = rows(found)
    assert ours == theirs
    assert len(ours) == 120
    assert not source.diagnostics
