"""Packets of a host, by hand: what its controller heard, and what it asked its controller to send."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Capability,
    Extent,
    Observation,
    PduType,
)
from bluezone_harness.sources.hci import HciDecoder
from bluezone_harness.sources.packets import Unread

with warnings.catch_warnings():
    # scapy imports old ciphers, of which cryptography warns
    warnings.simplefilter("ignore")
    from scapy.layers import bluetooth as scapy_bluetooth

pytestmark = pytest.mark.req("BZ-ADV-001", "BZ-ADV-007")

ANDROID = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
ADDRESS = bytes.fromhex("5a0000000001")


def decoded(packet: bytes) -> Sequence[Observation | Unread]:
    return HciDecoder().decode(7, 1_596_866_191_387_000, "phone", packet)


def adverts(packet: bytes) -> list[Advert]:
    found = [each for each in decoded(packet) if isinstance(each, Advert)]
    assert len(found) == len(decoded(packet))
    return found


def extended(
    ad: bytes,
    event_type: int = 0x13,
    *,
    address: bytes = ADDRESS,
    address_kind: int = 1,
    rssi: int = -60,
    advertising_set: int = 0xFF,
    count: int = 1,
) -> bytes:
    """Write an LE Extended Advertising Report event, the same report ``count`` times."""
    one = event_type.to_bytes(2, "little") + bytes([address_kind]) + address[::-1]
    one += bytes([1, 0, advertising_set, 127, rssi & 0xFF, 0, 0, 0]) + bytes(6) + bytes([len(ad)]) + ad
    body = bytes([0x0D, count]) + one * count
    return bytes([4, 0x3E, len(body)]) + body


def test_an_advertising_report_octet_by_octet() -> None:
    octets = bytes.fromhex(
        "04 3e 23"  # event, LE meta, 35 octets
        "02 01 00 01 0100000000 5a"  # report, one, ADV_IND, random
        "17 020102 0fffb522b9a665d754fe65e665d76a45 0303564e c4"
    )
    assert decoded(octets) == [
        Advert(
            7,
            1_596_866_191_387_000,
            "phone",
            ADDRESS,
            AddressType.RESOLVABLE,
            PduType.ADV_IND,
            ANDROID,
            -60,
            None,
        )
    ]
    with_direction = bytes.fromhex("00000001") + octets
    assert HciDecoder(4).decode(7, 1_596_866_191_387_000, "phone", with_direction) == decoded(octets)


@pytest.mark.parametrize(
    ("event_type", "pdu"),
    [
        (0, PduType.ADV_IND),
        (1, PduType.ADV_DIRECT_IND),
        (2, PduType.ADV_SCAN_IND),
        (3, PduType.ADV_NONCONN_IND),
        (4, PduType.SCAN_RSP),
    ],
)
def test_event_types(report: Callable[..., bytes], event_type: int, pdu: PduType) -> None:
    (advert,) = adverts(report(ADDRESS, ANDROID, event_type=event_type))
    assert (advert.pdu, advert.ad) == (pdu, ANDROID)


@pytest.mark.parametrize(
    ("event_type", "pdu"),
    [
        (0x13, PduType.ADV_IND),
        (0x15, PduType.ADV_DIRECT_IND),
        (0x12, PduType.ADV_SCAN_IND),
        (0x10, PduType.ADV_NONCONN_IND),
        (0x1B, PduType.SCAN_RSP),
        (0x1A, PduType.SCAN_RSP),
        (0x00, PduType.ADV_EXT_IND),
        (0x01, PduType.ADV_EXT_IND),
        (0x0A, PduType.ADV_EXT_IND),
    ],
)
def test_extended_event_types(event_type: int, pdu: PduType) -> None:
    (advert,) = adverts(extended(ANDROID, event_type))
    assert (advert.pdu, advert.ad, advert.rssi, advert.channel) == (pdu, ANDROID, -60, None)


@pytest.mark.parametrize(
    ("kind", "address", "expected"),
    [
        (0, "5a0000000001", AddressType.PUBLIC),
        (1, "c00000000001", AddressType.STATIC),
        (1, "400000000001", AddressType.RESOLVABLE),
        (1, "000000000001", AddressType.NON_RESOLVABLE),
        (2, "5a0000000001", AddressType.PUBLIC_IDENTITY),
        (3, "c00000000001", AddressType.RANDOM_IDENTITY),
    ],
)
def test_address_types(report: Callable[..., bytes], kind: int, address: str, expected: AddressType) -> None:
    octets = bytes.fromhex(address)
    for packet in (report(octets, b"", address_kind=kind), extended(b"", address=octets, address_kind=kind)):
        (advert,) = adverts(packet)
        assert (advert.address, advert.address_type) == (octets, expected)


def test_an_anonymous_advert_has_no_address(report: Callable[..., bytes]) -> None:
    (advert,) = adverts(extended(ANDROID, 0x00, address_kind=0xFF))
    assert (advert.address, advert.address_type, advert.ad) == (None, None, ANDROID)
    assert decoded(report(ADDRESS, b"", address_kind=0xFF)) == [Unread.MALFORMED]


def test_an_rssi_that_is_not_available_is_none(report: Callable[..., bytes]) -> None:
    for packet in (report(ADDRESS, b"", rssi=127), extended(b"", rssi=127)):
        (advert,) = adverts(packet)
        assert advert.rssi is None
    (advert,) = adverts(report(ADDRESS, b"", rssi=20))
    assert advert.rssi == 20


@pytest.mark.parametrize("event_type", [0x05, 0x10, 0x20, 0xFF])
def test_a_report_of_no_known_pdu(report: Callable[..., bytes], event_type: int) -> None:
    decoder = HciDecoder()
    assert decoder.capabilities[Capability.PDU_TYPE] is Extent.YES
    (advert,) = decoder.decode(7, 0, "", report(ADDRESS, ANDROID, event_type=event_type))
    assert isinstance(advert, Advert)
    assert (advert.pdu, advert.address, advert.ad, advert.rssi) == (None, ADDRESS, ANDROID, -60)
    assert decoder.capabilities[Capability.PDU_TYPE] is Extent.PARTIAL


def test_several_reports_of_one_event(report: Callable[..., bytes]) -> None:
    one, two = report(ADDRESS, ANDROID)[5:], report(ADDRESS, b"", event_type=4, rssi=-80)[5:]
    body = b"\x02\x02" + one + two
    found = adverts(bytes([4, 0x3E, len(body)]) + body)
    assert [(each.number, each.pdu, each.ad, each.rssi) for each in found] == [
        (7, PduType.ADV_IND, ANDROID, -60),
        (7, PduType.SCAN_RSP, b"", -80),
    ]
    assert len(adverts(extended(ANDROID, count=3))) == 3


def test_the_reports_before_damage_are_kept(report: Callable[..., bytes]) -> None:
    one = report(ADDRESS, ANDROID)[5:]
    body = b"\x02\x02" + one + one[:-4]
    found = decoded(bytes([4, 0x3E, len(body)]) + body)
    assert [type(each) for each in found] == [Advert, Unread]
    assert found[1] is Unread.MALFORMED


def test_pieces_of_extended_adverts_are_joined() -> None:
    decoder = HciDecoder()
    more, last, cut = 0x20, 0x00, 0x40
    assert decoder.decode(1, 0, "", extended(ANDROID[:9], more, advertising_set=1)) == []
    assert decoder.decode(2, 0, "", extended(b"other", more, advertising_set=2)) == []
    assert decoder.decode(3, 0, "", extended(ANDROID[9:12], more, advertising_set=1)) == []
    (advert,) = decoder.decode(4, 5, "", extended(ANDROID[12:], last, advertising_set=1))
    assert isinstance(advert, Advert)
    assert (advert.number, advert.time_us, advert.ad) == (4, 5, ANDROID)
    (advert,) = decoder.decode(5, 6, "", extended(b"and more", cut, advertising_set=2))
    assert isinstance(advert, Advert)
    assert advert.ad is None  # the controller cut it
    (advert,) = decoder.decode(6, 7, "", extended(b"new", last, advertising_set=2))
    assert isinstance(advert, Advert)
    assert advert.ad == b"new"


def test_pieces_that_never_end_take_no_more_memory() -> None:
    decoder = HciDecoder()
    for number in range(200):
        for _ in range(20):
            decoder.decode(number, 0, "", extended(bytes(200), 0x20, address=number.to_bytes(6, "big")))
    assert len(decoder._pieces) == 64
    assert max(len(octets) for _, octets in decoder._pieces.values()) == 1651
    # those that gave way, and those that are open
    assert decoder.missing == {Unread.IN_PIECES: (0, 200)}
    decoder.forget()
    assert decoder.missing == {Unread.IN_PIECES: (0, 200)}


def test_pieces_that_come_to_more_than_any_data_are_none() -> None:
    decoder = HciDecoder()
    for number in range(1, 8):
        assert decoder.decode(number, 0, "", extended(bytes(229), 0x20)) == []
    (whole,) = decoder.decode(8, 0, "", extended(bytes(1650 - 7 * 229), 0x00))
    assert isinstance(whole, Advert)
    assert whole.ad == bytes(1650)
    for number in range(1, 8):
        decoder.decode(number, 0, "", extended(bytes(229), 0x20))
    (advert,) = decoder.decode(8, 0, "", extended(bytes(1651 - 7 * 229), 0x00))
    assert isinstance(advert, Advert)
    assert advert.ad is None
    assert decoder.missing == {}


def test_a_directed_report() -> None:
    one = bytes([1, 1]) + ADDRESS[::-1] + bytes([0xFE]) + bytes(6) + b"\xc4"
    body = b"\x0b\x02" + one * 2
    packet = bytes([4, 0x3E, len(body)]) + body
    assert [(each.pdu, each.ad, each.address, each.rssi) for each in adverts(packet)] == [
        (PduType.ADV_DIRECT_IND, b"", ADDRESS, -60)
    ] * 2
    body = b"\x0b\x01\x00" + one[1:]
    assert decoded(bytes([4, 0x3E, len(body)]) + body) == [Unread.MALFORMED]
    body = b"\x0b\x01" + one[:-1] + b"\x7f"
    (advert,) = adverts(bytes([4, 0x3E, len(body)]) + body)
    assert advert.rssi is None


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (
            lambda: scapy_bluetooth.HCI_Cmd_LE_Set_Random_Address(),
            "Random_Address",
        ),
        (lambda: scapy_bluetooth.HCI_Cmd_LE_Set_Advertising_Parameters(), "Advertising_Parameters"),
        (lambda: scapy_bluetooth.HCI_Cmd_LE_Set_Advertise_Enable(enable=1), "Advertising_Enable"),
        (
            lambda: scapy_bluetooth.HCI_Cmd_LE_Set_Advertising_Data(
                data=[scapy_bluetooth.EIR_Hdr(ANDROID[:3])]
            ),
            "Advertising_Data",
        ),
        (
            lambda: scapy_bluetooth.HCI_Cmd_LE_Set_Advertising_Set_Random_Address(),
            "Advertising_Set_Random_Address",
        ),
        (lambda: scapy_bluetooth.HCI_Cmd_LE_Set_Extended_Advertising_Data(), "Extended_Advertising_Data"),
        (lambda: scapy_bluetooth.HCI_Cmd_LE_Set_Extended_Advertise_Enable(), "Extended_Advertising_Enable"),
    ],
)
def test_what_a_host_asks_for(build: Callable[[], object], name: str) -> None:
    command = scapy_bluetooth.HCI_Hdr() / scapy_bluetooth.HCI_Command_Hdr() / build()
    octets = bytes(command)
    assert decoded(octets) == (Asked(7, 1_596_866_191_387_000, "phone", f"HCI_LE_Set_{name}", octets[4:]),)


def test_what_a_host_asks_for_by_hand() -> None:
    (asked,) = decoded(bytes.fromhex("01 0520 06 0100000000 5a"))
    assert asked == Asked(
        7, 1_596_866_191_387_000, "phone", "HCI_LE_Set_Random_Address", bytes.fromhex("01000000005a")
    )
    assert decoded(bytes.fromhex("01 0520 06 0100000000")) == (Unread.MALFORMED,)
    assert decoded(bytes.fromhex("01 0520")) == (Unread.MALFORMED,)
    assert decoded(bytes.fromhex("01 030c 00")) == ()  # reset


@pytest.mark.parametrize(
    "text",
    ["04 0e 04 01 0520 00", "04 3e 02 03 00", "04 05 04 01 4000 16", "02 0100 0000", "03 00", "05 00", "ff"],
)
def test_other_packets_say_nothing(text: str) -> None:
    assert decoded(bytes.fromhex(text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "04",
        "04 3e",
        "04 3e 00",
        "04 3e 05 02 01",  # cut
        "04 3e 01 02",  # no count
        "04 3e 02 02 00",  # no report
        "04 3e 02 0d 00",
        "04 3e 02 0b 00",
        "04 3e 03 02 01 00",
        "04 3e 03 0d 01 00",
        "04 3e 02 01 00",  # connections: cut
        "04 3e 02 0a 00",
        "04 3e 02 29 00",
        "04 3e 13 01 00 4000 00 04 010000000000 0000 0000 0000 00",  # no such address type
        "04 05 04 00 4000",
        "04 05 03 00 4000 16",
        "04 3e 0c 02 01 00 04 000000000000 00 c4",  # no such address type
        "04 3e 1a 0d 01 1f00 01 000000000000 01 00 ff 7f c4 0000 00 000000000000 00",  # no such legacy PDU
        "04 3e 1a 0d 01 1300 04 000000000000 01 00 ff 7f c4 0000 00 000000000000 00",  # no such address type
        "04 3e 1a 0d 01 1300 01 000000000000 01 00 ff 7f c4 0000 00 000000000000 01",  # data that are not there
    ],
)
def test_malformed(text: str) -> None:
    assert list(decoded(bytes.fromhex(text))) == [Unread.MALFORMED]


def test_an_octet_too_many_is_told(report: Callable[..., bytes]) -> None:
    body = report(ADDRESS, ANDROID)[3:] + b"\x00"
    found = decoded(bytes([4, 0x3E, len(body)]) + body)
    assert [type(each) for each in found] == [Advert, Unread]


@pytest.mark.parametrize("cut", range(38))
def test_every_cut_is_malformed(report: Callable[..., bytes], cut: int) -> None:
    assert list(decoded(report(ADDRESS, ANDROID)[:cut])) == [Unread.MALFORMED]


def test_capabilities_are_those_of_a_host() -> None:
    shown = HciDecoder().capabilities
    assert set(shown.values()) == {Extent.YES}
    assert set(shown) == {
        Capability.RAW_AD,
        Capability.AD_ORDER,
        Capability.ADDRESS,
        Capability.ADDRESS_TYPE,
        Capability.PDU_TYPE,
        Capability.RSSI,
        Capability.SCAN_RESPONSE,
        Capability.OWN_COMMANDS,
    }


@given(st.binary(max_size=80))
def test_whatever_comes_something_is_said_of_it(octets: bytes) -> None:
    events = [bytes([4, 0x3E, len(octets) + 1, kind]) + octets for kind in (0x02, 0x0B, 0x0D)]
    for packet in (octets, *events):
        for each in decoded(packet):
            assert isinstance(each, Advert | Asked | Unread)
