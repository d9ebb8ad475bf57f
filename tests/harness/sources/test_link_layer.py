"""Packets of a sniffer, by hand: the header of the receiver, the PDU, the CRC."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, Advert, Capability, Extent, Observation, PduType
from bluezone_harness.sources.link_layer import LinkLayerDecoder, crc_octets
from bluezone_harness.sources.packets import Unread

with warnings.catch_warnings():
    # scapy imports old ciphers, of which cryptography warns
    warnings.simplefilter("ignore")
    from scapy.layers.bluetooth4LE import BTLE

pytestmark = pytest.mark.req("BZ-ADV-001", "BZ-ADV-007")

ANDROID = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
AIR_ADDRESS = bytes.fromhex("0100000000 5a")
ADDRESS = bytes.fromhex("5a 0000000001")


def decoded(packet: bytes) -> Sequence[Observation | Unread]:
    return LinkLayerDecoder().decode(7, 1_596_866_191_387_000, "", packet)


def one(packet: bytes) -> Advert:
    (advert,) = decoded(packet)
    assert isinstance(advert, Advert)
    return advert


def test_an_android_phones_advert_octet_by_octet() -> None:
    octets = bytes.fromhex(
        "00 c4 9c 00 d6be898e 130c"  # channel, signal -60, noise -100, no offenses, reference, flags
        "d6be898e"  # access address
        "40 1d"  # ADV_IND, TxAdd, 29 octets
        "0100000000 5a 020102 0fffb522b9a665d754fe65e665d76a45 0303564e"
        "aabbcc"
    )
    assert decoded(octets) == (
        Advert(
            7, 1_596_866_191_387_000, "", ADDRESS, AddressType.RESOLVABLE, PduType.ADV_IND, ANDROID, -60, 37
        ),
    )


@pytest.mark.parametrize(
    ("header", "pdu"),
    [
        (0x40, PduType.ADV_IND),
        (0x42, PduType.ADV_NONCONN_IND),
        (0x44, PduType.SCAN_RSP),
        (0x46, PduType.ADV_SCAN_IND),
    ],
)
def test_pdu_types(heard: Callable[..., bytes], header: int, pdu: PduType) -> None:
    advert = one(heard(AIR_ADDRESS + ANDROID, header))
    assert (advert.pdu, advert.ad, advert.address) == (pdu, ANDROID, ADDRESS)


def test_a_directed_advert_has_no_adv_data(heard: Callable[..., bytes]) -> None:
    advert = one(heard(AIR_ADDRESS + bytes(6), 0x41))
    assert (advert.pdu, advert.ad, advert.address) == (PduType.ADV_DIRECT_IND, b"", ADDRESS)
    assert decoded(heard(AIR_ADDRESS + bytes(7), 0x41)) == (Unread.MALFORMED,)


@pytest.mark.parametrize("header", [3, 5, 8, 15])
def test_what_scanners_and_initiators_send_is_no_advert(heard: Callable[..., bytes], header: int) -> None:
    assert decoded(heard(bytes(12), header)) == ()


@pytest.mark.parametrize(
    ("address", "header", "kind"),
    [
        ("5a0000000001", 0x00, AddressType.PUBLIC),
        ("c00000000001", 0x40, AddressType.STATIC),
        ("400000000001", 0x40, AddressType.RESOLVABLE),
        ("3f0000000001", 0x40, AddressType.NON_RESOLVABLE),
        ("bf0000000001", 0x40, AddressType.RESERVED),
    ],
)
def test_address_types(heard: Callable[..., bytes], address: str, header: int, kind: AddressType) -> None:
    advert = one(heard(bytes.fromhex(address)[::-1], header))
    assert (advert.address, advert.address_type) == (bytes.fromhex(address), kind)


def test_one_address_public_and_random_is_two(heard: Callable[..., bytes]) -> None:
    decoder = LinkLayerDecoder()
    kinds = []
    for header in (0x00, 0x40, 0x00, 0x40):
        (advert,) = decoder.decode(1, 0, "", heard(AIR_ADDRESS, header))
        assert isinstance(advert, Advert)
        kinds.append(advert.address_type)
    assert kinds == [AddressType.PUBLIC, AddressType.RESOLVABLE] * 2


def test_channels(heard: Callable[..., bytes]) -> None:
    channels = [one(heard(AIR_ADDRESS, rf_channel=rf)).channel for rf in range(40)]
    assert channels == [37, *range(11), 38, *range(11, 37), 39]
    assert one(heard(AIR_ADDRESS, rf_channel=40)).channel is None
    assert one(heard(AIR_ADDRESS, rf_channel=255)).channel is None


def test_a_channel_that_may_be_another_is_none(heard: Callable[..., bytes]) -> None:
    decoder = LinkLayerDecoder()
    assert decoder.capabilities[Capability.CHANNEL] is Extent.YES
    (advert,) = decoder.decode(1, 0, "", heard(AIR_ADDRESS, flags=0x0C53))
    assert isinstance(advert, Advert)
    assert advert.channel is None
    assert decoder.capabilities[Capability.CHANNEL] is Extent.PARTIAL


def test_a_signal_that_is_not_valid_is_none(heard: Callable[..., bytes]) -> None:
    decoder = LinkLayerDecoder()
    assert decoder.capabilities[Capability.RSSI] is Extent.YES
    (advert,) = decoder.decode(1, 0, "", heard(AIR_ADDRESS, flags=0x0C11))
    assert isinstance(advert, Advert)
    assert advert.rssi is None
    assert decoder.capabilities[Capability.RSSI] is Extent.NO
    decoder.decode(2, 0, "", heard(AIR_ADDRESS))
    assert decoder.capabilities[Capability.RSSI] is Extent.PARTIAL


def test_capabilities_are_those_of_a_sniffer() -> None:
    shown = LinkLayerDecoder().capabilities
    lacking = {
        *(Capability.AD_FIELDS, Capability.GATT),
        *(Capability.OWN_COMMANDS, Capability.SEVERAL_RECEIVERS),
    }
    radio = set(list(Capability)[: list(Capability).index(Capability.SEVERAL_RECEIVERS) + 1])
    assert set(shown) == radio - lacking
    assert set(shown.values()) == {Extent.YES}


@pytest.mark.parametrize(
    ("flags", "crc", "unread"),
    [
        (0x0C13, b"bad", False),
        (0x0413, b"bad", True),
        (0x0813, b"bad", True),  # valid, but not checked: worked out
        (0x0013, b"bad", True),
        (0x0013, None, False),
        (0x0413, None, True),  # the receiver's word holds
    ],
)
def test_crc(heard: Callable[..., bytes], flags: int, crc: bytes | None, unread: bool) -> None:
    pdu = bytes([0x40, len(AIR_ADDRESS + ANDROID)]) + AIR_ADDRESS + ANDROID
    right = bytes(BTLE(access_addr=0x8E89BED6) / pdu)[-3:]
    found = decoded(heard(AIR_ADDRESS + ANDROID, flags=flags, crc=right if crc is None else crc))
    assert (found == (Unread.BAD_CRC,)) is unread
    assert unread or isinstance(found[0], Advert)


@given(st.binary(max_size=60))
def test_the_crc_is_scapys(scapy_crc: Callable[[bytes], bytes], pdu: bytes) -> None:
    assert crc_octets(pdu) == scapy_crc(pdu)


def test_a_bad_crc_explains_a_bad_length(heard: Callable[..., bytes]) -> None:
    assert decoded(heard(AIR_ADDRESS, length=40, flags=0x0413)) == (Unread.BAD_CRC,)
    assert decoded(heard(AIR_ADDRESS, length=40)) == (Unread.MALFORMED,)
    assert decoded(heard(AIR_ADDRESS[:5])) == (Unread.MALFORMED,)


def test_whitened_packets_cannot_be_read(heard: Callable[..., bytes]) -> None:
    assert decoded(heard(AIR_ADDRESS, flags=0x0C12)) == (Unread.WHITENED,)


def test_packets_of_connections_are_no_adverts(heard: Callable[..., bytes]) -> None:
    assert decoded(heard(bytes(10), access_address=0x50655641, reference=0x50655641)) == ()
    assert decoded(heard(bytes(10), access_address=0x50655641, flags=0x0C03)) == ()


def test_an_access_address_with_a_wrong_bit_is_known_by_its_reference(heard: Callable[..., bytes]) -> None:
    assert one(heard(AIR_ADDRESS, access_address=0x8E89BED7)).address == ADDRESS


def test_coded_phy_has_an_octet_more(heard: Callable[..., bytes]) -> None:
    plain = heard(AIR_ADDRESS + ANDROID, flags=0x8C13)
    assert one(plain[:14] + b"\x01" + plain[14:]).ad == ANDROID
    assert decoded(heard(b"", flags=0x8C13)) == (Unread.MALFORMED,)


def test_adv_data_longer_than_legacy_allows_are_kept_for_the_checks(heard: Callable[..., bytes]) -> None:
    assert one(heard(AIR_ADDRESS + bytes(40))).ad == bytes(40)


@pytest.mark.parametrize("cut", range(19 + 6 + len(ANDROID)))
def test_every_cut_is_malformed(heard: Callable[..., bytes], cut: int) -> None:
    assert decoded(heard(AIR_ADDRESS + ANDROID)[:cut]) == (Unread.MALFORMED,)


@given(st.binary(max_size=80))
def test_whatever_comes_something_is_said_of_it(octets: bytes) -> None:
    shell = b"\x00\xc4\x9c\x00\xd6\xbe\x89\x8e\x13\x0c\xd6\xbe\x89\x8e"
    for packet in (octets, shell + octets):
        for each in decoded(packet):
            assert isinstance(each, Advert | Unread)
