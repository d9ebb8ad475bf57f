"""What faulty apps take of adverts: each fault changes what it is about, and nothing of a usual advert."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.observations import PduType
from bluezone_harness.virtual.apps.apps import App
from bluezone_harness.virtual.apps.heard_faults import HEARD_FAULTS
from bluezone_harness.virtual.apps.model import Act
from bluezone_harness.virtual.plans import AirPacket

Packet = Callable[..., AirPacket]
MakeApp = Callable[..., App]
CONTACT = bytes.fromhex("00112233445566778899aabb")
USUAL = bytes.fromhex("0201020fffb522") + CONTACT + bytes.fromhex("0303564e")
IPHONE = bytes.fromhex("02011a110767a607add1172fa1c44bf573564e0000")
SECOND = bytes.fromhex("5a0000000002")


def octets(text: str) -> bytes:
    """Return octets of hex in which ID stands for the contact id."""
    return bytes.fromhex(text.replace("ID", CONTACT.hex()))


def logged(app: App, packet: Packet, *ads: bytes) -> list[bytes]:
    """Return what an app logs that hears adverts, a minute apart and each from an address of its own."""
    for number, ad in enumerate(ads):
        app.hear(packet(ad, number * 60_000, address=bytes(5) + bytes([number]), pdu=PduType.ADV_NONCONN_IND))
    return [each.contact_id for each in app.log().records]


@pytest.mark.parametrize("fault", [each.name for each in HEARD_FAULTS])
def test_a_usual_advert_is_logged_all_the_same(fault: str, packet: Packet, app_with: MakeApp) -> None:
    assert logged(app_with(fault), packet, USUAL) == [CONTACT]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("order-matters", "0303564e 0fffb522ID 020102"),
        ("complete-lists-only", "020102 0fffb522ID 0302564e"),
        ("first-service-only", "020102 0fffb522ID 05030f18564e"),
        ("short-uuid-only", "020102 0fffb522ID 0505564e0000"),
        ("malformed-dropped", "020102 0fffb522ID 0303564e 050941"),
    ],
)
@pytest.mark.req("BZ-RCV-001", "BZ-RCV-003")
def test_what_is_to_be_logged_and_is_not(fault: str, text: str, packet: Packet, app_with: MakeApp) -> None:
    assert logged(app_with(), packet, octets(text)) == [CONTACT]
    assert logged(app_with(fault), packet, octets(text)) == []


@pytest.mark.parametrize(
    ("fault", "text", "wrong"),
    [
        ("any-company", "020102 0fff22b5ID 0303564e", CONTACT),
        ("any-length", "020102 0effb522001122334455667788990a 0303564e", octets("001122334455667788990a")),
        ("any-length", "020102 09ffb522001122334455 0303564e", octets("001122334455")),
        ("one-of-two", "020102 0fffb522ID 07ffb52201020304 0303564e", CONTACT),
        ("service-not-asked", "020102 0fffb522ID 03030f18", CONTACT),
        ("cut-completed", "020102 0303564e 0fffb522001122334455667788", octets("001122334455667788000000")),
        ("beyond-the-end", "020102 0303564e 00 0fffb522ID", CONTACT),
    ],
)
@pytest.mark.req("BZ-RCV-002", "BZ-RCV-003")
def test_what_is_not_to_be_logged_and_is(
    fault: str, text: str, wrong: bytes, packet: Packet, app_with: MakeApp
) -> None:
    assert logged(app_with(), packet, octets(text)) == []
    assert logged(app_with(fault), packet, octets(text)) == [wrong]
    # and by the usual rule on repeats
    app = app_with(fault)
    for after_ms in (0, 4_000, 6_000):
        app.hear(packet(octets(text), after_ms, pdu=PduType.ADV_NONCONN_IND))
    assert len(app.log().records) == 2


@pytest.mark.req("BZ-RCV-001")
def test_octets_have_no_sign(packet: Packet, app_with: MakeApp) -> None:
    ads = [octets(f"020102 0fffb522{first}112233445566778899aabb 0303564e") for first in ("7f", "80", "ff")]
    assert [each[0] for each in logged(app_with(), packet, *ads)] == [0x7F, 0x80, 0xFF]
    assert [each[0] for each in logged(app_with("signed-octets"), packet, *ads)] == [0x7F]


def test_an_id_that_is_said_twice(packet: Packet, app_with: MakeApp) -> None:
    for fault, count in (("correct", 1), ("one-structure-only", 0)):
        app = app_with(fault)
        app.hear(packet(USUAL))
        app.hear(packet(octets("0fffb522ID"), 0.772, pdu=PduType.SCAN_RSP))
        assert len(app.log().records) == count


def test_the_first_phone_of_a_window(packet: Packet, app_with: MakeApp) -> None:
    app = app_with("first-phone-only")
    other = octets("0201020fffb522ffeeddccbbaa998877665544 0303564e")
    for after_ms, ad, address in (
        (0, USUAL, bytes(6)),
        (10, other, SECOND),
        (300_000, other, SECOND),
        (300_010, USUAL, bytes(6)),
    ):
        app.hear(packet(ad, after_ms, address=address, pdu=PduType.ADV_NONCONN_IND))
    assert [each.contact_id[0] for each in app.log().records] == [0x00, 0xFF]


@pytest.mark.parametrize("text", ["020102 0303564e 01ff", "020102 0303564e 02ffb5"])
@pytest.mark.req("BZ-RCV-003")
def test_a_crash_is_for_ever(text: str, packet: Packet, app_with: MakeApp) -> None:
    assert logged(app_with(), packet, octets(text), USUAL) == [CONTACT]
    app = app_with("F-17")
    app.hear(packet(IPHONE))
    app.tick(10**18 // 500)
    assert [each.act for each in app.wishes()][:1] == [Act.CONNECT]
    app = app_with("F-17")
    app.hear(packet(IPHONE))
    app.hear(packet(b"", 3))
    app.wishes()
    assert logged(app, packet, USUAL, octets(text), USUAL) == [CONTACT]
    app.value(1, 10**18 // 500, CONTACT)
    assert len(app.log().records) == 1


@pytest.mark.parametrize("text", ["ff", "020102 0303564e 09ff", "00 01"])
@pytest.mark.req("BZ-RCV-003")
def test_deaf_after_a_malformed_advert(text: str, packet: Packet, app_with: MakeApp) -> None:
    assert logged(app_with(), packet, octets(text), USUAL) == [CONTACT]
    assert logged(app_with("deaf-after-malformed"), packet, octets(text), USUAL) == []


@pytest.mark.req("BZ-RCV-002")
def test_who_is_refused_is_read(packet: Packet, app_with: MakeApp) -> None:
    refused = octets("020102 0303564e")
    for fault, wished in (("correct", []), ("reads-refused", [Act.CONNECT])):
        app = app_with(fault)
        app.hear(packet(refused))
        app.hear(packet(refused, 3))
        assert [each.act for each in app.wishes()] == wished


@pytest.mark.req("BZ-RCV-002")
def test_a_longer_value_is_cut(packet: Packet, app_with: MakeApp) -> None:
    for fault, ids in (("correct", []), ("value-cut", [CONTACT])):
        app = app_with(fault)
        app.hear(packet(IPHONE))
        due_us = app.next_us
        assert due_us is not None
        app.tick(due_us)
        app.value(1, due_us + 500_000, CONTACT + b"\xcc")
        assert [each.contact_id for each in app.log().records] == ids
