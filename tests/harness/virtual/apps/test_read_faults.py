"""How faulty apps read iPhones, and for how long they use what they read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.virtual.apps.apps import App
from bluezone_harness.virtual.apps.model import Act
from bluezone_harness.virtual.plans import AirPacket

Packet = Callable[..., AirPacket]
MakeApp = Callable[..., App]
CONTACT = bytes.fromhex("00112233445566778899aabb")
OTHER = bytes.fromhex("ffeeddccbbaa998877665544")
IPHONE = bytes.fromhex("02011a110767a607add1172fa1c44bf573564e0000")
OVERFLOW = bytes.fromhex("02011a14ff4c00010800000000000000000000000000000000")[:24]
AMONG_OTHERS = bytes.fromhex("02011a14ff4c00010a0000000000000000000000000000000100")[:24]
START_US = 1_596_866_400_000_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def wished(app: App, packet: Packet, ad: bytes, after_ms: int = 0, address: bytes = bytes(6)) -> list[Act]:
    """Return what an app wants a moment after an advert."""
    app.hear(packet(ad, after_ms, address=address))
    app.tick(START_US + after_ms * 1000 + 2_000)
    return [each.act for each in app.wishes()]


@pytest.mark.parametrize(
    ("fault", "reads"),
    [
        ("correct", [1, 1, 1]),
        ("never-reads", [0, 0, 0]),
        ("open-iphones-only", [1, 0, 0]),
        ("exact-overflow", [1, 1, 0]),
    ],
)
@pytest.mark.req("BZ-RCV-004")
def test_who_is_read(fault: str, reads: list[int], packet: Packet, app_with: MakeApp) -> None:
    assert [len(wished(app_with(fault), packet, ad)) for ad in (IPHONE, OVERFLOW, AMONG_OTHERS)] == reads


@pytest.mark.parametrize(
    ("fault", "over_ms"), [("correct", 10_002), ("gives-up-late", 30_002), ("never-gives-up", None)]
)
@pytest.mark.req("BZ-RCV-004")
def test_when_an_attempt_is_given_up(
    fault: str, over_ms: int | None, packet: Packet, app_with: MakeApp
) -> None:
    app = app_with(fault)
    assert wished(app, packet, IPHONE) == [Act.CONNECT]
    assert wished(app, packet, IPHONE, 9_000, address=b"second") == []
    assert app.next_us == (None if over_ms is None else START_US + over_ms * 1000)
    app.tick(START_US + 29_000_000)
    app.hear(packet(IPHONE, 29_000))
    app.value(1, START_US + 29_500_000, CONTACT)
    # a value that comes late is taken by those who still wait
    assert len(app.log().records) == (fault != "correct")


@pytest.mark.req("BZ-RCV-004")
def test_several_at_once(packet: Packet, app_with: MakeApp) -> None:
    app = app_with("several-at-once")
    addresses = [bytes([number] * 6) for number in range(6)]
    wishes = [wished(app, packet, IPHONE, 10 * number, each) for number, each in enumerate(addresses)]
    assert wishes == [[Act.CONNECT]] * 4 + [[]] * 2
    assert wished(app, packet, IPHONE, 100, addresses[0]) == []  # not the same one twice
    app.value(2, START_US + 500_000, CONTACT)
    app.value(1, START_US + 600_000, OTHER)
    assert [each.contact_id for each in app.log().records] == [CONTACT, OTHER]


@pytest.mark.req("BZ-RCV-004")
def test_a_connection_that_is_kept(packet: Packet, app_with: MakeApp) -> None:
    app = app_with("stays-connected")
    wished(app, packet, IPHONE)
    app.connected(1, START_US + 100_000)
    app.tick(START_US + 1_100_000)
    app.value(1, START_US + 1_100_000, CONTACT)
    assert [each.act for each in app.wishes()] == [Act.READ]
    assert app.next_us == START_US + 61_100_000
    app.tick(START_US + 61_100_000)
    assert [each.act for each in app.wishes()] == [Act.DISCONNECT]
    wished(app, packet, IPHONE, 62_000)
    assert len(app.log().records) == 2  # the value was kept as usual
    # one that is lost meanwhile is no failure of the phone
    wished(app, packet, IPHONE, 15 * MINUTE_MS)
    app.value(2, START_US + 901_000_000, CONTACT)
    app.lost(2, START_US + 902_000_000)
    assert wished(app, packet, IPHONE, 15 * MINUTE_MS + 3_000)[-1] is Act.DISCONNECT
    assert wished(app, packet, IPHONE, 30 * MINUTE_MS) == [Act.CONNECT]


@pytest.mark.parametrize(
    ("fault", "minutes"),
    [
        # when the id that was read at 06:00 is logged once more, of 10, 20 and 40 minutes, and the day after
        ("correct", [10]),
        ("kept-half-an-hour", [10, 20]),
        ("kept-for-ever", [10, 20, 40, 1440]),
        ("slot-number-only", [10, 1440]),
        ("slot-of-any-day", [10, 1440]),
    ],
)
@pytest.mark.req("BZ-RCV-005")
def test_for_how_long_an_id_is_used(
    fault: str, minutes: list[int], packet: Packet, app_with: MakeApp
) -> None:
    used: list[int] = []
    for after in (10, 20, 40, 1440):
        app = app_with(fault)
        wished(app, packet, IPHONE)
        app.value(1, START_US + 500_000, CONTACT)
        app.wishes()
        again = wished(app, packet, IPHONE, after * MINUTE_MS)
        if not again:
            assert [each.contact_id for each in app.log().records] == [CONTACT] * 2
            used.append(after)
    assert used == minutes


@pytest.mark.req("BZ-RCV-005")
def test_the_oldest_of_an_address_and_the_last(packet: Packet, app_with: MakeApp) -> None:
    # read on the first day, in the next slot, and on the second day in that slot: which id does the third day log?
    for fault, third in (
        ("slot-number-only", CONTACT),
        ("slot-of-any-day", CONTACT),
        ("kept-for-ever", CONTACT),
    ):
        app = app_with(fault)
        wished(app, packet, IPHONE)
        app.value(1, START_US + 500_000, CONTACT)
        wished(app, packet, IPHONE, 2 * DAY_MS)
        assert [each.contact_id for each in app.log().records] == [CONTACT, third]
    # of a phone without the service, the published build keeps that for the slot number
    app = app_with("slot-number-only")
    wished(app, packet, IPHONE)
    app.value(1, START_US + 500_000, None)
    app.wishes()
    assert wished(app, packet, IPHONE, DAY_MS) == []
    assert wished(app_with("kept-for-ever"), packet, IPHONE, DAY_MS) == [Act.CONNECT]
