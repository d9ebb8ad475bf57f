"""A virtual app by literal octets: what it logs, whom it wants to read and when, and what it survives."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.virtual.apps.apps import App
from bluezone_harness.virtual.apps.model import Act, Wish
from bluezone_harness.virtual.plans import AirPacket

Packet = Callable[..., AirPacket]
MakeApp = Callable[..., App]
START_MS = 1_596_866_400_000  # 2020-08-08T06:00Z
CONTACT = bytes.fromhex("00112233445566778899aabb")
OTHER = bytes.fromhex("ffeeddccbbaa998877665544")
ANDROID = bytes.fromhex("0201020fffb522") + CONTACT + bytes.fromhex("0303564e")
IPHONE = bytes.fromhex("02011a110767a607add1172fa1c44bf573564e0000")
OVERFLOW = bytes.fromhex("02011a14ff4c000108") + bytes(15)
SECOND = bytes.fromhex("5a0000000002")
SLOT_MS = 900_000


def own_id(slot: int) -> bytes:
    """Compute a rolling id of day 0 as chapter Key schedule has it, without the kit."""
    key = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
    subkey = sha256(key + b"bluzonesubkey").digest()
    for _ in range(slot):
        subkey = sha256(subkey).digest()
    return bytes(subkey[place] for place in (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30))


def us(after_ms: float) -> int:
    return START_MS * 1000 + round(after_ms * 1000)


def acts(app: App) -> list[tuple[Act, int]]:
    return [(each.act, each.attempt) for each in app.wishes()]


@pytest.mark.req("BZ-RCV-001", "BZ-LOG-001", "BZ-LOG-005")
def test_an_android_phone_is_logged_with_own_id_rssi_and_time(packet: Packet, app_with: MakeApp) -> None:
    app = app_with()
    app.hear(packet(ANDROID, 1.5, rssi=-71))
    assert app.log().records == ()  # the scan response may still come
    assert app.next_us == us(3.5)
    app.tick(us(3.5))
    (record,) = app.log().records
    assert (record.own_id, record.contact_id, record.rssi) == (own_id(24), CONTACT, -71)
    assert (record.time_ms, record.address) == (START_MS + 1, "")
    assert acts(app) == []
    own = own_id(24).hex().upper()
    assert app.log().export == f"{own}\t00112233445566778899AABB\t-71\t{START_MS + 1}\n".encode()


@pytest.mark.req("BZ-LOG-002")
def test_a_repeat_after_4999_ms_is_held_back(packet: Packet, app_with: MakeApp) -> None:
    app = app_with()
    for after_ms in (0, 100, 4_999, 5_000, 9_999, 10_000):
        app.hear(packet(ANDROID, after_ms))
    app.tick(us(20_000))
    assert [each.time_ms - START_MS for each in app.log().records] == [0, 5_000, 10_000]


def test_an_app_has_its_own_clock(packet: Packet, app_with: MakeApp) -> None:
    app = app_with(offset_ms=-3_000)
    app.hear(packet(ANDROID, 0, pdu=PduType.ADV_NONCONN_IND))  # no scan response can come
    (record,) = app.log().records
    assert (record.time_ms, record.own_id) == (START_MS - 3_000, own_id(23))


@pytest.mark.parametrize(
    ("response", "logged"),
    [
        (b"", [CONTACT]),  # one that says nothing
        (bytes.fromhex("0fffb522") + CONTACT, [CONTACT]),
        (bytes.fromhex("0fffb522") + OTHER, []),  # contradicts the advert
    ],
)
@pytest.mark.req("BZ-RCV-001", "BZ-RCV-002")
def test_a_scan_response_belongs_to_its_advert(
    response: bytes, logged: list[bytes], packet: Packet, app_with: MakeApp
) -> None:
    app = app_with()
    app.hear(packet(ANDROID))
    app.hear(packet(response, 0.772, pdu=PduType.SCAN_RSP))
    app.tick(us(10))
    assert [each.contact_id for each in app.log().records] == logged


def test_the_id_may_stand_in_the_scan_response(packet: Packet, app_with: MakeApp) -> None:
    app = app_with()
    app.hear(packet(bytes.fromhex("0303564e")))
    app.hear(packet(bytes.fromhex("0fffb522") + CONTACT, 0.772, pdu=PduType.SCAN_RSP))
    assert [each.contact_id for each in app.log().records] == [CONTACT]
    # a response without an advert is nothing
    app.hear(packet(ANDROID, 9_000, pdu=PduType.SCAN_RSP))
    assert app.next_us is None


def test_an_advert_ends_the_wait_of_the_one_before(packet: Packet, app_with: MakeApp) -> None:
    app = app_with()
    app.hear(packet(ANDROID))
    app.hear(packet(IPHONE, 1))  # from the same address
    assert [each.contact_id for each in app.log().records] == [CONTACT]
    assert app.next_us == us(3)


@pytest.mark.parametrize("ad", [IPHONE, OVERFLOW])
@pytest.mark.req("BZ-RCV-004")
def test_an_iphone_is_read(ad: bytes, packet: Packet, app_with: MakeApp) -> None:
    app = app_with()
    app.hear(packet(ad, rssi=-77))
    app.tick(us(2))
    assert app.wishes() == [Wish(Act.CONNECT, 1, bytes.fromhex("5a0000000001"), AddressType.RESOLVABLE)]
    app.connected(1, us(100))
    read_us = app.next_us
    assert read_us is not None
    assert us(400) <= read_us < us(1_000)
    app.tick(read_us)
    assert acts(app) == [(Act.READ, 1)]
    app.value(1, us(900), CONTACT)
    assert acts(app) == [(Act.DISCONNECT, 1)]
    (record,) = app.log().records
    assert (record.contact_id, record.rssi, record.time_ms) == (CONTACT, -77, START_MS + 900)
    # it is kept for its slot: no other read, and the RSSI of the advert
    app.hear(packet(ad, 6_000, rssi=-60))
    app.tick(us(6_010))
    assert acts(app) == []
    assert [(each.rssi, each.time_ms - START_MS) for each in app.log().records] == [(-77, 900), (-60, 6_000)]
    # and not beyond
    app.hear(packet(ad, SLOT_MS))
    app.tick(us(SLOT_MS + 10))
    assert acts(app) == [(Act.CONNECT, 2)]


@pytest.mark.req("BZ-RCV-004")
def test_an_attempt_is_given_up_after_10_s_and_others_have_their_turn(
    packet: Packet, app_with: MakeApp
) -> None:
    app = app_with()
    app.hear(packet(IPHONE))
    app.tick(us(2))
    app.hear(packet(IPHONE, 5_000, address=SECOND))  # one attempt at a time
    app.tick(us(5_002))
    assert acts(app) == [(Act.CONNECT, 1)]
    assert app.next_us == us(10_002)
    app.tick(us(10_001))
    assert acts(app) == []
    app.tick(us(10_002))
    assert acts(app) == [(Act.DISCONNECT, 1)]
    # what comes of it afterwards is nothing
    app.connected(1, us(10_003))
    app.value(1, us(10_004), CONTACT)
    app.lost(1, us(10_005))
    assert app.log().records == ()
    # the phone that failed waits half a minute
    app.hear(packet(IPHONE, 11_000))
    app.hear(packet(IPHONE, 12_000, address=SECOND))
    app.tick(us(12_002))
    assert [each.address for each in app.wishes()] == [SECOND]
    app.lost(2, us(13_000))
    assert acts(app) == [(Act.DISCONNECT, 2)]
    app.hear(packet(IPHONE, 40_010))
    app.tick(us(40_020))
    assert acts(app) == [(Act.CONNECT, 3)]


def test_what_cannot_be_connected_to_is_not_read(packet: Packet, app_with: MakeApp) -> None:
    app = app_with()
    app.hear(packet(IPHONE, pdu=PduType.ADV_NONCONN_IND))
    app.tick(us(10))
    assert (acts(app), app.next_us) == ([], None)


@pytest.mark.req("BZ-RCV-005")
def test_a_phone_without_the_service_is_spared_until_its_slot_ends(packet: Packet, app_with: MakeApp) -> None:
    app = app_with()
    app.hear(packet(IPHONE))
    app.tick(us(2))
    app.connected(1, us(100))
    app.tick(us(1_100))
    app.value(1, us(1_100), None)
    assert acts(app) == [(Act.CONNECT, 1), (Act.READ, 1), (Act.DISCONNECT, 1)]
    app.hear(packet(IPHONE, 60_000))
    app.tick(us(61_000))
    assert acts(app) == []
    app.hear(packet(IPHONE, SLOT_MS))
    app.tick(us(SLOT_MS + 2))
    assert acts(app) == [(Act.CONNECT, 2)]


@pytest.mark.req("BZ-RCV-002")
def test_a_value_of_another_length_gives_nothing(packet: Packet, app_with: MakeApp) -> None:
    app = app_with()
    app.hear(packet(IPHONE))
    app.tick(us(2))
    app.value(1, us(500), CONTACT + b"\0")
    for after_ms in (600, 30_500):  # tried again after half a minute
        app.hear(packet(IPHONE, after_ms))
        app.tick(us(after_ms + 10))
    assert app.log().records == ()
    assert acts(app) == [(Act.CONNECT, 1), (Act.DISCONNECT, 1), (Act.CONNECT, 2)]


def test_settings_of_max_that_arrive(packet: Packet, app_with: MakeApp) -> None:
    # 96 slots a day, then 48: no id that was read outlives a slot of either
    app = app_with(max_changes=((START_MS + 60_000, 48),))
    for after_ms in (0, 60_000, 1_800_000):
        app.hear(packet(ANDROID, after_ms, pdu=PduType.ADV_NONCONN_IND))
    assert [each.own_id for each in app.log().records] == [own_id(24), own_id(12), own_id(13)]
    app.hear(packet(IPHONE, 1_800_000))
    app.tick(us(1_800_010))
    app.value(1, us(1_800_100), CONTACT)
    app.wishes()
    app.hear(packet(IPHONE, 1_800_000 + SLOT_MS))  # in the same slot of 48
    app.tick(us(1_800_010 + SLOT_MS))
    assert acts(app) == [(Act.CONNECT, 2)]


def test_before_its_base_day_an_app_has_no_own_id(packet: Packet, app_with: MakeApp) -> None:
    app = app_with(offset_ms=-86_400_000)
    app.hear(packet(ANDROID, pdu=PduType.ADV_NONCONN_IND))
    (record,) = app.log().records
    assert record.own_id == b""


AD = st.one_of(
    st.binary(max_size=31), st.sampled_from([ANDROID, IPHONE, OVERFLOW, bytes.fromhex("0303564e 02ffb5")])
)


@settings(max_examples=60)
@given(
    events=st.lists(
        st.tuples(
            st.integers(0, 4_000_000),
            st.integers(0, 2),
            st.sampled_from([*PduType]),
            AD,
            st.sampled_from(["", "connected", "value", "lost", "none"]),
        ),
        max_size=40,
    ),
    fault=st.sampled_from(["correct", "crash-on-short-data", "reads-refused"]),
)
@pytest.mark.req("BZ-RCV-003", "BZ-RCV-004")
def test_whatever_happens_an_app_goes_on_with_one_attempt_at_a_time(
    events: list[tuple[int, int, PduType, bytes, str]], fault: str, packet: Packet, app_with: MakeApp
) -> None:
    app = app_with(fault)
    time_ms = 0.0
    under_way: set[int] = set()
    for wait_us, number, pdu, ad, what in events:
        time_ms += wait_us / 1000
        while app.next_us is not None and app.next_us <= us(time_ms):
            due_us = app.next_us
            app.tick(due_us)
            assert app.next_us is None or app.next_us > due_us
        app.hear(packet(ad, time_ms, address=bytes(5) + bytes([number]), pdu=pdu))
        if what == "connected":
            app.connected(max(under_way, default=0), us(time_ms))
        elif what == "lost":
            app.lost(max(under_way, default=0), us(time_ms))
        elif what:
            app.value(max(under_way, default=0), us(time_ms), CONTACT if what == "value" else None)
        for wish in app.wishes():
            if wish.act is Act.CONNECT:
                assert not under_way
                under_way.add(wish.attempt)
            elif wish.act is Act.DISCONNECT:
                under_way.remove(wish.attempt)
            else:
                assert wish.attempt in under_way
    records = app.log().records
    assert all(len(each.contact_id) == 12 and each.own_id for each in records)
