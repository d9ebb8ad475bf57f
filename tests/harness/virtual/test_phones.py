"""Virtual phones keep the app's schedules; ids by an oracle that is hashlib alone, windows found again in packets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.virtual.phones import (
    AirPacket,
    PhonePlan,
    Plan,
    device_file,
    drawn_phone,
    prepared,
    sent_windows,
    simulate,
)
from bluezone_reference.errors import RefusedError

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
SLOT_MS = 900_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
START_MS = BASE_DAY_MS + 2 * DAY_MS + 8 * HOUR_MS
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
PHONE = PhonePlan("phone", "android", BASE_ID, BASE_DAY_MS)
HEAD, TAIL = bytes.fromhex("0201020fffb522"), bytes.fromhex("0303564e")
IPHONE = bytes.fromhex("02011a 1107 67a607add1172fa1c44bf573564e0000 0909") + b"Bluezone"
IPHONE_BEHIND = bytes.fromhex("02011a 14ff4c000108") + bytes(15)

OwnId = Callable[..., bytes]


def windows_of(packets: Iterable[AirPacket]) -> list[list[AirPacket]]:
    """Return the packets of each address, in the order in which they were first heard."""
    found: dict[bytes, list[AirPacket]] = defaultdict(list)
    for packet in packets:
        found[packet.address].append(packet)
    return list(found.values())


def id_of(packet: AirPacket) -> bytes:
    """Return the id of an Android phone's packet, whose other octets must be as they are on every phone."""
    assert (packet.ad[:7], packet.ad[19:]) == (HEAD, TAIL)
    assert len(packet.ad) == 23
    return packet.ad[7:19]


def plan_of(phone: PhonePlan = PHONE, hours: float = 2, **more: object) -> Plan:
    return Plan((phone,), START_MS, int(hours * HOUR_MS), **more)  # type: ignore[arg-type]  # by name


@pytest.fixture(scope="module")
def two_hours() -> list[AirPacket]:
    return list(simulate(plan_of(), 1))


@pytest.mark.req("BZ-ADV-008")
def test_windows_of_15_s_every_30_s(two_hours: list[AirPacket]) -> None:
    windows = windows_of(two_hours)[1:-1]  # the first and last may be cut by the receiver's own times
    assert len(windows) in range(236, 241)
    for window in windows:
        long_us = window[-1].time_us - window[0].time_us
        assert 14_880_000 <= long_us <= 15_000_000
        assert len(window) in range(136, 151)
        steps = [after.time_us - before.time_us for before, after in pairwise(window)]
        assert min(steps) >= 100_000
        assert max(steps) <= 110_000
    begins = [window[0].time_us for window in windows]
    assert all(29_990_000 <= after - before <= 30_160_000 for before, after in pairwise(begins))


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-004", "BZ-ADV-007")
def test_the_id_is_that_of_the_slot_in_which_the_window_began(
    two_hours: list[AirPacket], own_id: OwnId
) -> None:
    crossing = 0
    for window in windows_of(two_hours):
        assert len({(packet.ad, packet.pdu, packet.address_type) for packet in window}) == 1
        began_ms = window[0].time_us // 1000 - 10  # advDelay before the first event is 10 ms at most
        ids = {own_id(began_ms), own_id(window[0].time_us // 1000)}
        assert id_of(window[0]) in ids
        crossing += began_ms // SLOT_MS != window[-1].time_us // 1000 // SLOT_MS
        assert window[0].pdu is PduType.ADV_IND
    assert crossing >= 1  # some window goes on past its slot, and keeps its id


@pytest.mark.req("BZ-ADV-004", "BZ-KEY-003", "BZ-KEY-006")
@pytest.mark.parametrize("phase_ms", range(0, 30_001, 1500))
def test_every_offset_of_window_against_slot(phase_ms: int, own_id: OwnId) -> None:
    start_ms = BASE_DAY_MS + DAY_MS - 20 * 60_000  # over midnight
    plan = Plan((replace(PHONE, phase_ms=phase_ms),), start_ms, 40 * 60_000)
    windows = list(sent_windows(plan.phones[0], plan, 3))
    assert windows[1].from_us in range((start_ms + phase_ms) * 1000, (start_ms + phase_ms + 150) * 1000)
    for window in windows:
        assert window.ad == HEAD + own_id(window.from_us // 1000) + TAIL
        assert 0 < window.until_us - window.from_us <= 15_000_000


@pytest.mark.req("BZ-KEY-003")
def test_over_the_end_of_a_year(own_id: OwnId) -> None:
    start_ms = 1_609_459_200_000 - HOUR_MS  # 2020-12-31T23:00Z
    plan = Plan((PHONE,), start_ms, 2 * HOUR_MS)
    for window in sent_windows(PHONE, plan, 1):
        assert window.ad == HEAD + own_id(window.from_us // 1000) + TAIL


@pytest.mark.req("BZ-PRV-001", "BZ-PRV-002", "BZ-PRV-003")
def test_a_new_private_address_at_each_start(two_hours: list[AirPacket]) -> None:
    addresses: dict[bytes, set[bytes]] = defaultdict(set)
    spans: dict[bytes, list[int]] = defaultdict(list)
    for packet in two_hours:
        addresses[id_of(packet)].add(packet.address)
        spans[packet.address].append(packet.time_us)
        assert packet.address[0] >> 6 == 0b01
        assert packet.address_type is AddressType.RESOLVABLE
    whole_slots = list(addresses.values())[1:-1]
    assert len(whole_slots) >= 6
    assert all(len(each) in range(29, 32) for each in whole_slots)
    assert max(times[-1] - times[0] for times in spans.values()) <= 15_000_000


@pytest.mark.req("BZ-ADV-005", "BZ-ADV-008")
def test_the_app_opened_and_left(own_id: OwnId) -> None:
    opened_ms = START_MS + 10 * 60_000
    for left_after_ms in range(1000, 330_000, 13_000):
        left_ms = opened_ms + left_after_ms
        phone = replace(PHONE, openings=((opened_ms, left_ms),))
        plan = plan_of(phone, 1)
        windows = list(sent_windows(phone, plan, 5))
        for before, after in pairwise(windows):
            assert before.until_us <= after.from_us
        full = [each for each in windows if opened_ms * 1000 <= each.from_us < left_ms * 1000]
        assert full[0].from_us < (opened_ms + 200) * 1000
        for window in full:
            if window.from_us // 1000 + 150_000 <= left_ms:
                assert window.until_us - window.from_us == 150_000_000
            else:
                assert window.until_us == (left_ms + 15_000) * 1000
                assert window.until_us - window.from_us <= 165_000_000
            assert window.ad == HEAD + own_id(window.from_us // 1000) + TAIL
        for before, after in pairwise(full):
            assert 5_000_000 <= after.from_us - before.until_us <= 5_150_000
        rest = [each for each in windows if each.from_us >= left_ms * 1000]
        assert all(each.until_us - each.from_us == 15_000_000 for each in rest)


def test_silence_stops_what_is_on_and_lets_nothing_begin() -> None:
    silent = ((START_MS + 20 * 60_000 + 7000, START_MS + 100 * 60_000),)
    phone = replace(PHONE, silences=silent)
    times = [packet.time_us // 1000 for packet in simulate(plan_of(phone), 1)]
    assert not [time_ms for time_ms in times if silent[0][0] <= time_ms < silent[0][1]]
    assert max(time_ms for time_ms in times if time_ms < silent[0][0]) > silent[0][0] - 31_000
    assert min(time_ms for time_ms in times if time_ms > silent[0][1]) < silent[0][1] + 31_000


@pytest.mark.req("BZ-KEY-002")
def test_the_phones_own_clock_decides(own_id: OwnId) -> None:
    phone = replace(PHONE, offset_ms=30_000)
    for window in sent_windows(phone, plan_of(phone), 1):
        assert window.ad == HEAD + own_id(window.from_us // 1000 + 30_000) + TAIL


@pytest.mark.req("BZ-KEY-009")
def test_a_change_of_max_holds_at_once(own_id: OwnId) -> None:
    from_ms = START_MS + 47 * 60_000
    phone = replace(PHONE, max_changes=((from_ms, 144),))
    for window in sent_windows(phone, plan_of(phone), 1):
        began_ms = window.from_us // 1000
        assert window.ad == HEAD + own_id(began_ms, 96 if began_ms < from_ms else 144) + TAIL


@pytest.mark.req("BZ-KEY-008")
def test_before_the_base_day_nothing_is_sent() -> None:
    phone = replace(PHONE, base_day_ms=START_MS - 8 * HOUR_MS + DAY_MS)
    times = [packet.time_us // 1000 for packet in simulate(plan_of(phone, 20), 1)]
    assert times[0] in range(phone.base_day_ms, phone.base_day_ms + 31_000)


@pytest.mark.req("BZ-KEY-001")
def test_a_base_id_of_another_length_is_refused() -> None:
    with pytest.raises(RefusedError):
        simulate(plan_of(replace(PHONE, base_id=bytes(31))), 1)


def test_loss_noise_and_channels(two_hours: list[AirPacket]) -> None:
    lossy = list(simulate(plan_of(loss=0.3), 1))
    assert 0.67 < len(lossy) / len(two_hours) < 0.73
    assert {packet.time_us for packet in lossy} != {packet.time_us for packet in two_hours}
    for packets in (lossy, two_hours):
        channels = [packet.channel for packet in packets]
        assert all(0.3 < channels.count(channel) / len(channels) < 0.37 for channel in (37, 38, 39))
        levels = [packet.rssi for packet in packets]
        assert -105 <= min(levels) < -80
        assert -60 < max(levels) <= -30
    assert {packet.receiver for packet in two_hours} == {""}


def test_two_receivers_hear_the_same_phone() -> None:
    packets = list(simulate(plan_of(receivers=2, loss=0.2), 1))
    heard = {
        name: {(packet.time_us, packet.address, packet.ad) for packet in packets if packet.receiver == name}
        for name in ("receiver-1", "receiver-2")
    }
    assert len(packets) == sum(map(len, heard.values()))
    both = heard["receiver-1"] & heard["receiver-2"]
    assert all(0.75 < len(both) / len(each) < 0.85 for each in heard.values())


def test_packets_come_in_the_order_of_time_and_within_the_plan() -> None:
    plan = plan_of(strangers=14, receivers=2, interval_ms=400)
    packets = list(simulate(plan, 9))
    assert packets
    assert all(before.time_us <= after.time_us for before, after in pairwise(packets))
    assert packets[0].time_us >= plan.start_ms * 1000
    assert packets[-1].time_us < plan.until_ms * 1000


def test_strangers_change_nothing_of_what_a_phone_sends(two_hours: list[AirPacket]) -> None:
    packets = list(simulate(plan_of(strangers=7), 1))
    own = {packet.address for packet in two_hours}
    assert [packet for packet in packets if packet.address in own] == two_hours
    others = [packet for packet in packets if packet.address not in own]
    assert len(others) > 1000
    kinds: dict[str, Callable[[AirPacket], bool]] = {
        "another key": lambda each: each.ad[:7] == HEAD and each.ad[19:] == TAIL,
        "iPhone": lambda each: each.ad == IPHONE,
        "Apple": lambda each: each.ad[:9].hex() == "02011a0aff4c001005",
        "v1": lambda each: each.ad[:7].hex() == "02010209ffb522" and len(each.ad) == 31,
        "exposure notification": lambda each: each.ad[3:11].hex() == "03036ffd17166ffd",
        "headset": lambda each: each.address_type is AddressType.PUBLIC and b"Headset" in each.ad,
        "tag": lambda each: each.address_type is AddressType.STATIC and each.address[0] >> 6 == 3,
    }
    assert {name for name, fits in kinds.items() if any(map(fits, others))} == set(kinds)
    assert all(any(fits(each) for fits in kinds.values()) for each in others)
    ids = {id_of(each) for each in others if kinds["another key"](each)}
    assert not ids & {id_of(each) for each in two_hours}


@pytest.mark.req("BZ-ADV-009", "BZ-ADV-010", "BZ-PRV-003")
def test_an_iphone_never_shows_an_id_and_rotates_every_15_minutes() -> None:
    phone = PhonePlan("iPhone", "ios", BASE_ID, BASE_DAY_MS)
    packets = list(simulate(plan_of(phone), 2))
    own = [packet for packet in packets if packet.ad == IPHONE]
    assert len(own) > 30_000
    assert all(
        packet.ad[3:9].hex() == "0aff4c001005" for packet in packets if packet.ad != IPHONE
    )  # Apple's own
    windows = windows_of(own)
    assert len(windows) in (9, 10)
    for window in windows:
        assert window[0].address[0] >> 6 == 0b01
        assert window[-1].time_us - window[0].time_us <= 900_000_000
        steps = [after.time_us - before.time_us for before, after in pairwise(window)]
        assert max(steps) <= 210_000
    for before, after in pairwise(windows):
        assert 0 < after[0].time_us - before[-1].time_us < 1_000_000
    behind = replace(phone, openings=((START_MS + HOUR_MS, START_MS + 2 * HOUR_MS),))
    for packet in simulate(plan_of(behind), 2):
        if packet.ad[3:9].hex() != "0aff4c001005":
            is_open = packet.time_us >= (START_MS + HOUR_MS) * 1000
            assert packet.ad == (IPHONE if is_open else IPHONE_BEHIND)


def test_an_iphone_is_silent_and_comes_back() -> None:
    silent = (START_MS + 10 * 60_000, START_MS + 70 * 60_000)
    phone = PhonePlan("iPhone", "ios", BASE_ID, BASE_DAY_MS, silences=(silent,))
    times = [packet.time_us // 1000 for packet in simulate(plan_of(phone), 2)]
    assert not [time_ms for time_ms in times if silent[0] <= time_ms < silent[1]]
    assert max(time_ms for time_ms in times if time_ms < silent[0]) > silent[0] - 1000
    assert min(time_ms for time_ms in times if time_ms > silent[1]) < silent[1] + 1000


def digest(plan: Plan, seed: int) -> str:
    octets = sha256()
    for packet in simulate(plan, seed):
        octets.update(repr((*packet[:2], str(packet[2]), str(packet[3]), *packet[4:])).encode())
    return octets.hexdigest()


def test_the_same_seed_gives_the_same_packets() -> None:
    phones = (
        replace(PHONE, openings=((START_MS + HOUR_MS // 2, START_MS + HOUR_MS // 2 + 200_000),)),
        PhonePlan("iPhone", "ios", BASE_ID, BASE_DAY_MS),
        replace(PHONE, name="faulty", faults=("relay", "old-id", "address-out-of-step", "tx-power")),
    )
    plan = Plan(phones, START_MS, HOUR_MS, loss=0.1, receivers=2, strangers=7, interval_ms=500)
    assert (
        digest(plan, 1)
        == digest(plan, 1)
        == "2a149b56ea7c038ca59f63be186ac96407a8c8fbdfd37d0d2f50a2e7c5e7168c"
    )
    assert digest(plan, 2) != digest(plan, 1)


def test_a_drawn_phone_and_its_device_file() -> None:
    phone = drawn_phone("An", "ios", START_MS, 4, ("owners-name",))
    assert phone == drawn_phone("An", "ios", START_MS, 4, ("owners-name",))
    assert phone.base_id != drawn_phone("An", "ios", START_MS, 5).base_id
    assert phone.base_day_ms % DAY_MS == 0
    assert START_MS - 15 * DAY_MS < phone.base_day_ms < START_MS - 2 * DAY_MS
    full = replace(
        phone,
        max_per_day=48,
        max_changes=((START_MS + 5, 144),),
        openings=((START_MS, START_MS + 1),),
        offset_ms=7000,
    )
    devices = read_device_file("device.json", device_file((full, PHONE))).devices
    assert [device.name for device in devices] == ["An", "phone"]
    assert [device.platform for device in devices] == ["ios", "android"]
    (base,) = devices[0].bases
    assert (base.base_id, base.base_day_ms) == (phone.base_id, phone.base_day_ms)
    assert [(each.from_ms, each.value) for each in devices[0].max_settings] == [
        (phone.base_day_ms, 48),
        (START_MS + 5, 144),
    ]
    assert [(each.from_ms, each.to_ms) for each in devices[0].foreground] == [(START_MS, START_MS + 1)]
    assert devices[0].clock_offset_ms is None


def test_a_prepared_plan_stays_as_it_is() -> None:
    for fault in ("clock-seeded-base", "stale-list", "before-base-day", "day-key-lag", "empty-base"):
        once = prepared(plan_of(replace(PHONE, faults=(fault,), base_day_ms=START_MS - 8 * HOUR_MS)), 1)
        assert once.phones[0] != PHONE
        assert prepared(once, 1) == once
    assert prepared(plan_of(), 1) == plan_of()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda: plan_of(hours=0), "duration"),
        (lambda: plan_of(hours=24 * 400 + 1), "duration"),
        (lambda: Plan((), 4_294_967_295_000, 1000), "2106"),
        (lambda: Plan((), -1, 1000), "1970"),
        (lambda: plan_of(loss=1.0), "loss"),
        (lambda: plan_of(loss=float("nan")), "loss"),
        (lambda: plan_of(receivers=0), "receivers"),
        (lambda: plan_of(strangers=-1), "strangers"),
        (lambda: plan_of(interval_ms=19), "interval"),
        (lambda: Plan((PHONE, PHONE), START_MS, 1000), "one name"),
        (lambda: replace(PHONE, openings=((5, 5),)), "ends before it begins"),
        (lambda: replace(PHONE, silences=((5, 9), (8, 10))), "overlap"),
        (lambda: replace(PHONE, max_changes=((5, 9), (4, 10))), "not in order"),
        (lambda: replace(PHONE, phase_ms=30_001), "phase"),
    ],
)
def test_a_plan_that_cannot_be(wrong: Callable[[], object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        wrong()


@settings(max_examples=30)
@given(
    st.integers(0, 2**64),
    st.lists(st.tuples(st.integers(1, 900_000), st.integers(1, 900_000)), max_size=3),
    st.lists(st.tuples(st.integers(1, 900_000), st.integers(1, 900_000)), max_size=3),
)
def test_a_correct_phone_whatever_happens_to_it(
    seed: int, openings: list[tuple[int, int]], silences: list[tuple[int, int]]
) -> None:
    def spans(steps: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
        time_ms, found = START_MS, []
        for pause_ms, long_ms in steps:
            found.append((time_ms + pause_ms, time_ms + pause_ms + long_ms))
            time_ms = found[-1][1]
        return tuple(found)

    phone = replace(PHONE, openings=spans(openings), silences=spans(silences))
    windows = list(sent_windows(phone, plan_of(phone, 1), seed))
    assert len({window.address for window in windows}) == len(windows)
    for window in windows:
        assert 0 < window.until_us - window.from_us <= 165_000_000
        assert not any(
            from_ms * 1000 < window.until_us and window.from_us < to_ms * 1000
            for from_ms, to_ms in phone.silences
        )
    for before, after in pairwise(windows):
        assert before.until_us <= after.from_us
