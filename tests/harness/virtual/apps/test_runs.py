"""Phones that are played to an app without hosts: what is kept of the air, and what becomes of connections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest

from bluezone_harness.observations import AddressType, Event, PduType
from bluezone_harness.virtual.apps.apps import App
from bluezone_harness.virtual.apps.faults import app_behaviour
from bluezone_harness.virtual.apps.model import AppPlan, scan_spans
from bluezone_harness.virtual.apps.runs import Played, ServedPhone, heard_air, play, served_phones
from bluezone_harness.virtual.phones import Sender, drawn_phone, prepared, senders, simulate
from bluezone_harness.virtual.plans import PhonePlan, Plan, SentWindow
from bluezone_harness.virtual.reads import RIGHT_SERVICE, UNLIKELY_ERROR, GattServer

START_MS = 1_600_000_000_000
CONTACT = bytes.fromhex("00112233445566778899aabb")
IPHONE = bytes.fromhex("02011a110767a607add1172fa1c44bf573564e0000")
ANDROID = bytes.fromhex("0201020fffb52200112233445566778899aabb0303564e")
ADDRESSES = tuple(bytes.fromhex("5a00000000") + bytes([number]) for number in range(4))
PHONE = PhonePlan("app", "android", bytes(range(32)), START_MS - START_MS % 86_400_000)


def window(
    ad: bytes, from_s: float = 0, until_s: float = 60, number: int = 0, pdu: PduType = PduType.ADV_IND
) -> SentWindow:
    return SentWindow(
        START_MS * 1000 + int(from_s * 1e6),
        START_MS * 1000 + int(until_s * 1e6),
        ADDRESSES[number],
        AddressType.RESOLVABLE,
        pdu,
        ad,
        200_000,
    )


def sender(name: str, *windows: SentWindow) -> Sender:
    return Sender(name, None, iter(windows), Random(name))


def served(answer: bytes | int, *, silent: bool = False, offered: bool = True) -> ServedPhone:
    services = (RIGHT_SERVICE,) if offered else ()
    phone = replace(PHONE, name="iphone", offset_ms=1_000)
    return ServedPhone(phone, GattServer(services, lambda clock_ms, connected_ms: answer, silent))


def played(
    *who: Sender,
    phones: dict[str, ServedPhone] | None = None,
    faults: Iterable[str] = (),
    spans: tuple[tuple[int, int], ...] = ((0, 60),),
) -> Played:
    plan = Plan((), START_MS, 60_000)
    times = [(START_MS + from_s * 1000, START_MS + until_s * 1000) for from_s, until_s in spans]
    app = App(AppPlan(PHONE, 60_000, 0), app_behaviour(faults))
    return play(heard_air(plan, who, times), phones or {}, app)


def peers(events: Iterable[Event]) -> list[tuple[str, object]]:
    return [(each.name, each.fields.get("value")) for each in events if each.name.startswith("peer")]


@pytest.mark.req("BZ-RCV-004")
def test_an_iphone_is_connected_to_read_and_left() -> None:
    result = played(sender("An", window(IPHONE)), phones={"An": served(CONTACT)})
    assert peers(result.events) == [
        ("peer_connected", None),
        ("peer_read", CONTACT.hex()),
        ("peer_disconnected", None),
    ]
    connected, read, left = (each for each in result.events if each.name.startswith("peer"))
    assert connected.fields["address"] == "5A:00:00:00:00:00"
    assert 300_000 <= read.time_us - connected.time_us < 900_000
    assert left.time_us == read.time_us
    assert {each.contact_id for each in result.log.records} == {CONTACT}
    assert result.log.records[0].time_ms == read.time_us // 1000
    assert [each.name for each in result.events if not each.name.startswith("peer")] == ["on_air", "off_air"]


@pytest.mark.parametrize(
    ("phone", "reads"),
    [
        (served(UNLIKELY_ERROR), [UNLIKELY_ERROR] * 2),  # tried again after half a minute
        (served(CONTACT, silent=True), [None] * 2),
        (served(CONTACT, offered=False), []),
        (None, []),  # somebody who offers nothing
    ],
)
@pytest.mark.req("BZ-RCV-004")
def test_who_gives_no_value(phone: ServedPhone | None, reads: list[object]) -> None:
    result = played(sender("An", window(IPHONE)), phones={} if phone is None else {"An": phone})
    assert result.log.records == ()
    found = [each for each in result.events if each.name == "peer_read"]
    assert [each.fields.get("att_error") for each in found] == reads
    assert all("value" not in each.fields for each in found)
    connected = [each.time_us for each in result.events if each.name == "peer_connected"]
    left = [each.time_us for each in result.events if each.name == "peer_disconnected"]
    assert len(connected) == len(left) == max(len(reads), 1)
    assert all(end - begin < 10_000_000 for begin, end in zip(connected, left, strict=True))


def test_a_phone_that_goes_away_is_given_up() -> None:
    # it sends one advert, and is gone; the other is read after the ten seconds
    gone, other = (
        window(IPHONE, 0, 0.15)._replace(from_us=START_MS * 1000),
        window(IPHONE, 1, 60, number=1),
    )
    phones = {"gone": served(CONTACT), "other": served(bytes(12))}
    result = played(sender("gone", gone), sender("other", other), phones=phones)
    assert [each.contact_id for each in result.log.records][:1] == [bytes(12)]
    (connected,) = (each for each in result.events if each.name == "peer_connected")
    assert connected.time_us > START_MS * 1000 + 10_000_000


def test_connections_that_are_left_end_with_the_air() -> None:
    result = played(
        sender("An", window(IPHONE)), phones={"An": served(CONTACT, silent=True)}, faults=["never-gives-up"]
    )
    (left,) = (each for each in result.events if each.name == "peer_disconnected")
    assert left.time_us == (START_MS + 60_000) * 1000


def test_several_connections_and_never_two_to_one_address() -> None:
    who = [sender(f"phone {number}", window(IPHONE, number=number)) for number in range(4)]
    phones = {each.name: served(CONTACT, silent=True) for each in who}
    result = played(*who, phones=phones, faults=["several-at-once"])
    connected = [each.fields["address"] for each in result.events if each.name == "peer_connected"]
    assert len(connected[:4]) == len(set(connected[:4])) == 4
    times = [(each.time_us, each.name) for each in result.events if each.name.startswith("peer_")]
    assert [name for _, name in sorted(times)][:4].count("peer_connected") > 1


@pytest.mark.req("BZ-RCV-001")
def test_only_what_is_heard_while_it_scans_is_logged() -> None:
    an = sender("An", window(ANDROID))
    result = played(an, spans=((10, 20), (40, 50)))
    seconds = [(each.time_ms - START_MS) // 1000 for each in result.log.records]
    assert seconds == [10, 15, 40, 45]


def test_the_air_is_that_of_the_simulation() -> None:
    phones = (drawn_phone("An", "android", START_MS, 1), drawn_phone("Binh", "ios", START_MS, 1))
    plan = prepared(Plan(phones, START_MS, 600_000, loss=0.2, gatt=True, strangers=3), 3)
    spans = list(scan_spans(AppPlan(PHONE, phase_ms=7_000), plan.start_ms, plan.until_ms))
    air = heard_air(plan, senders(plan, 3), spans)
    whole = list(simulate(plan, 3))
    scanned = [
        each
        for each in whole
        if any(from_ms * 1000 <= each.time_us < until_ms * 1000 for from_ms, until_ms in spans)
    ]
    kept = {(each.time_us, each.address, each.pdu, each.ad, each.rssi) for each in air.packets}
    assert {(each.time_us, each.address, each.pdu, each.ad, each.rssi) for each in scanned} <= kept
    assert len(scanned) < len(air.packets) < len(whole)
    assert [name for name, _ in air.windows].count("An") > 10
    # thinned out it is less, and a sender's windows are told as they are sent
    thin = heard_air(plan, senders(plan, 3), spans, interval_ms=1_000)
    assert len(thin.packets) < len(air.packets) / 3
    assert all(each.interval_us >= 1_000_000 for _, each in thin.windows)


def test_without_a_scan_nothing_is_kept() -> None:
    plan = Plan((), START_MS, 60_000)
    assert heard_air(plan, [sender("An", window(ANDROID))], []).packets == ()


def test_phones_answer_by_their_own_clocks() -> None:
    phones = (
        drawn_phone("An", "android", START_MS, 1),
        replace(drawn_phone("Binh", "ios", START_MS, 1), offset_ms=5_000),
    )
    found = served_phones(prepared(Plan(phones, START_MS, 1), 1), 1)
    assert list(found) == ["Binh"]
    assert found["Binh"].clock_ms(1_999) == 5_001
    assert found["Binh"].server.is_readable
