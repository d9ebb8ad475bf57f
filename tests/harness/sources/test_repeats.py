"""What decoders remember of packets changes nothing: one that has read before says what a new one says."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.observations import Advert, Observation
from bluezone_harness.sources.addresses import KEPT
from bluezone_harness.sources.hci import DIRECTION_OCTETS, HciDecoder
from bluezone_harness.sources.link_layer import BareLinkLayerDecoder, LinkLayerDecoder, crc_octets
from bluezone_harness.sources.packets import Decoder, Unread

pytestmark = pytest.mark.req("BZ-ADV-001", "BZ-ADV-007")

AIR_ADDRESS = bytes.fromhex("0100000000 5a")
AD = bytes.fromhex("020102 0303564e")


def event(kind: int, body: bytes) -> bytes:
    return bytes([4, 0x3E, len(body) + 1, kind]) + body


def extended(event_type: int, rssi: int, count: int = 1) -> bytes:
    one = struct.pack("<HB6sBBBbBHB6s", event_type, 1, AIR_ADDRESS, 1, 2, 3, 127, rssi, 0, 0, bytes(6))
    return event(0x0D, bytes([count]) + (one + bytes([len(AD)]) + AD) * count)


def heard(kind: int, channel: int, signal: int, flags: int, ad: bytes = AD) -> bytes:
    pdu = bytes([kind, 6 + len(ad)]) + AIR_ADDRESS + ad
    receiver = struct.pack("<BbbBIH", channel, signal, -100, 0, 0x8E89BED6, flags)
    return receiver + bytes.fromhex("d6be898e") + pdu + crc_octets(pdu)


HOST = [
    *(event(2, b"\x01" + bytes([kind, 1]) + AIR_ADDRESS + b"\x07" + AD + b"\xc4") for kind in (0, 3, 4, 9)),
    event(2, b"\x01\x00\x01" + AIR_ADDRESS + b"\x07" + AD + b"\x7f"),
    event(2, b"\x02" + (b"\x00\x01" + AIR_ADDRESS + b"\x00\xc4") * 2),
    event(0x0B, b"\x01\x01\x01" + AIR_ADDRESS + b"\x01" + AIR_ADDRESS + b"\xc4"),
    *(
        extended(event_type, rssi)
        for event_type in (0x13, 0x1B, 0x00, 0x20, 0x40)
        for rssi in (0xC4, 0x7F, 0x05)
    ),
    extended(0x13, 0xC4, count=2),
    event(1, struct.pack("<BHBB6sHHHB", 1, 0x40, 0, 1, AIR_ADDRESS, 24, 0, 42, 0)),
]
AIR = [
    heard(kind, channel, signal, flags)
    for kind in (0x40, 0x00, 0x44, 0x41)
    for channel, signal, flags in ((0, -60, 0x0C13), (12, -70, 0x0C13), (0, -60, 0x0011), (0, -60, 0x0413))
]


def fresh(make: Callable[[], Decoder], packet: bytes, number: int) -> Sequence[Observation | Unread]:
    return list(make().decode(number, 7 * number, "who", packet))


@pytest.mark.parametrize(
    ("make", "packets"),
    [
        (HciDecoder, HOST),
        (lambda: HciDecoder(DIRECTION_OCTETS), [b"\x00\x00\x00\x01" + each for each in HOST]),
        (LinkLayerDecoder, AIR),
        (BareLinkLayerDecoder, [each[10:] for each in AIR]),
    ],
)
@settings(max_examples=60)
@given(data=st.data())
def test_packets_that_were_read_before_say_the_same(
    make: Callable[[], Decoder], packets: list[bytes], data: st.DataObject
) -> None:
    decoder = make()
    # pieces are left out: what they say depends on those before them
    single = [each for each in packets if b"\x0d\x01\x20" not in each and b"\x0d\x01\x40" not in each]
    drawn = data.draw(st.lists(st.sampled_from(single), max_size=30))
    for number, packet in enumerate(drawn, start=1):
        changed = bytearray(packet)
        if data.draw(st.booleans()):
            place = data.draw(st.integers(0, len(packet) - 1))
            changed[place] ^= data.draw(st.sampled_from([0, 1, 0x80, 0xFF]))
            if bytes(changed[-len(packet) :]) not in single and b"\x0d\x01" in packet:
                changed = bytearray(packet)  # it may be a piece now
        octets = bytes(changed)
        assert list(decoder.decode(number, 7 * number, "who", octets)) == fresh(make, octets, number)


def test_a_piece_between_repeats_is_never_one_of_them() -> None:
    decoder = HciDecoder()
    whole, piece, end = extended(0x13, 0xC4), extended(0x20, 0xC4), extended(0x00, 0xC4)
    for _ in range(3):
        (advert,) = decoder.decode(1, 0, "", whole)
        assert isinstance(advert, Advert)
        assert advert.ad == AD
        assert decoder.decode(2, 0, "", piece) == []
        (advert,) = decoder.decode(3, 0, "", end)
        assert isinstance(advert, Advert)
        assert advert.ad == AD + AD
    (advert,) = decoder.decode(4, 0, "", end)
    assert isinstance(advert, Advert)
    assert advert.ad == AD


def test_a_failed_crc_is_one_however_often_the_octets_were_right() -> None:
    decoder = LinkLayerDecoder()
    assert len(decoder.decode(1, 0, "", heard(0x40, 0, -60, 0x0C13))) == 1
    assert decoder.decode(2, 0, "", heard(0x40, 0, -60, 0x0413)) == (Unread.BAD_CRC,)


def test_what_is_remembered_is_bounded() -> None:
    host, air = HciDecoder(), LinkLayerDecoder()
    for number in range(KEPT + 10):
        ad = number.to_bytes(4, "little")
        host.decode(number, 0, "", event(2, b"\x01\x00\x01" + AIR_ADDRESS + b"\x04" + ad + b"\xc4"))
        air.decode(number, 0, "", heard(0x40, 0, -60, 0x0C13, ad))
    assert 0 < len(host._known) <= KEPT
    assert 0 < len(air._known) <= KEPT
