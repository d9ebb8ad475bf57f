"""Slots and rolling ids over the history of settings and base ids, against ids worked out by hashlib."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.checks.schedules import Place, Schedule, Slots, schedule_of
from bluezone_harness.evidence.device_files import Base, Device, MaxSetting
from bluezone_reference.errors import RefusedError
from bluezone_reference.key_schedule import SlotId, id_at
from bluezone_reference.profiles import ANDROID_V3, IOS_V3, V1, V2, V3, Profile
from bluezone_vectors import KnownRollingId, known_rolling_ids

DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
OTHER_ID = bytes(range(7, 39))
SLOT_MS = 900_000

Ids = Callable[..., bytes]


def device(*bases: Base, settings: tuple[MaxSetting, ...] = ()) -> Device:
    return Device("phone", "", "", None, bases or (Base(BASE_ID, BASE_DAY_MS, None),), settings, ())


@pytest.mark.req("BZ-KEY-006", "BZ-KEY-007")
def test_slots_follow_the_settings() -> None:
    noon = BASE_DAY_MS + DAY_MS // 2
    slots = Slots(device(settings=(MaxSetting(None, 7), MaxSetting(noon, 48))), V3)
    assert slots.known
    assert (slots.count_at(noon - 1), slots.count_at(noon)) == (96, 48)  # 7 does not divide the day
    assert slots.greatest_count == 96
    assert slots.longest_ms(noon - 5, noon - 1) == SLOT_MS
    assert slots.longest_ms(noon - 5, noon) == slots.longest_ms(noon, noon + 5) == 1_800_000
    assert slots.bounds_ms(noon - 1) == (noon - SLOT_MS, noon)
    assert slots.bounds_ms(noon) == (noon, noon + 1_800_000)
    assert (slots.index_at(noon - 1), slots.index_at(noon)) == (47, 24)


@pytest.mark.req("BZ-KEY-006", "F-02")
def test_what_is_left_of_a_day_belongs_to_its_last_slot() -> None:
    slots = Slots(device(settings=(MaxSetting(None, 7),)), ANDROID_V3)
    last = BASE_DAY_MS + DAY_MS - 1
    assert slots.index_at(last) == 6
    assert slots.bounds_ms(last) == (BASE_DAY_MS + 6 * (DAY_MS // 7), BASE_DAY_MS + DAY_MS)


@pytest.mark.req("BZ-KEY-006")
def test_without_a_device_file_the_default_is_taken_and_not_known() -> None:
    assert (Slots(None, V3).known, Slots(None, V3).longest_ms(0, DAY_MS)) == (False, SLOT_MS)
    assert Slots(None, V2).longest_ms(0, 0) == 600_000
    assert Slots(None, V1).longest_ms(0, 0) == SLOT_MS


@pytest.mark.req("BZ-KEY-006")
@given(st.integers(0, 10**14), st.sampled_from([2, 24, 96, 144, 86_400]))
def test_slots_tile_the_day(time_ms: int, count: int) -> None:
    slots = Slots(device(settings=(MaxSetting(None, count),)), V3)
    from_ms, until_ms = slots.bounds_ms(time_ms)
    assert from_ms <= time_ms < until_ms
    assert slots.bounds_ms(until_ms)[0] == until_ms
    assert slots.bounds_ms(from_ms - 1)[1] == from_ms


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-003")
@pytest.mark.parametrize("known", known_rolling_ids(), ids=lambda known: str(known.id))
def test_known_ids_are_in_the_schedule(known: KnownRollingId) -> None:
    setting = (MaxSetting(None, known.max_per_day),)
    base = Base(known.base_id, known.base_day_ms, None)
    schedule = Schedule(device(base, settings=setting), ANDROID_V3)
    for time_ms in known.times_ms:
        if time_ms >= known.base_day_ms:
            (slot,) = schedule.between(time_ms, time_ms)
            assert slot.rolling_id == known.rolling_id


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-003", "BZ-KEY-008", "F-12", "F-14b", "F-15")
@given(
    st.lists(st.integers(-2, 40) | st.sampled_from([36_525, 36_526]), min_size=1, max_size=8),
    st.sampled_from([V3, ANDROID_V3, IOS_V3, V2]),
    st.sampled_from([BASE_ID, b""]),
)
def test_days_in_any_order_have_the_references_ids(days: list[int], profile: Profile, base_id: bytes) -> None:
    schedule = Schedule(device(Base(base_id, BASE_DAY_MS, None)), profile)
    for day in days:
        time_ms = BASE_DAY_MS + day * DAY_MS + 7 * SLOT_MS + 1
        try:
            expected: tuple[SlotId, ...] = (id_at(base_id, BASE_DAY_MS, time_ms, profile=profile),)
        except RefusedError:
            expected = ()
        assert schedule.between(time_ms, time_ms) == expected


@pytest.mark.req("BZ-LOG-005")
def test_the_schedule_of_a_device_is_made_once() -> None:
    assert schedule_of(device(), V3) is schedule_of(device(), V3)
    assert schedule_of(device(), V3) is not schedule_of(device(), V2)


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-006")
@pytest.mark.parametrize("count", [2, 96, 144, 86_400])
def test_an_interval_has_all_ids_of_its_slots(own_id: Ids, count: int) -> None:
    schedule = Schedule(device(settings=(MaxSetting(None, count),)), V3)
    length_ms = DAY_MS // count
    edge = BASE_DAY_MS + length_ms
    found = [slot.rolling_id for slot in schedule.between(edge - 1000, edge + 1000)]
    times = [edge - 1000, edge, edge + 1000] if length_ms == 1000 else [edge - 1000, edge]
    assert found == [own_id(time_ms, count) for time_ms in times]


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-002", "BZ-KEY-003")
def test_midnight_has_both_days(own_id: Ids) -> None:
    midnight = BASE_DAY_MS + 3 * DAY_MS
    found = Schedule(device(), V3).between(midnight - 1, midnight)
    assert [(slot.day, slot.slot) for slot in found] == [(2, 95), (3, 0)]
    assert [slot.rolling_id for slot in found] == [own_id(midnight - 1), own_id(midnight)]


@pytest.mark.req("BZ-KEY-008", "F-12")
def test_before_the_base_day_there_is_nothing() -> None:
    schedule = Schedule(device(), V3)
    assert schedule.between(BASE_DAY_MS - 5, BASE_DAY_MS - 1) == ()
    assert [slot.slot for slot in schedule.between(BASE_DAY_MS - 5, BASE_DAY_MS)] == [0]
    assert schedule.between(BASE_DAY_MS + 40_000 * DAY_MS, BASE_DAY_MS + 40_000 * DAY_MS + 5) == ()
    assert schedule.knows(BASE_DAY_MS - 5)


@pytest.mark.req("BZ-KEY-009")
def test_a_change_of_max_changes_the_ids_at_once(own_id: Ids) -> None:
    change = BASE_DAY_MS + 40 * SLOT_MS + 1000
    schedule = Schedule(device(settings=(MaxSetting(change, 48),)), V3)
    found = [slot.rolling_id for slot in schedule.between(change - 1, change)]
    assert found == [own_id(change - 1, 96), own_id(change, 48)]


@pytest.mark.req("BZ-KEY-010", "BZ-PRV-011")
def test_a_new_base_id_changes_the_ids_at_once(own_id: Ids) -> None:
    change = BASE_DAY_MS + 5 * DAY_MS + 1000
    schedule = Schedule(
        device(Base(BASE_ID, BASE_DAY_MS, None), Base(OTHER_ID, BASE_DAY_MS + 5 * DAY_MS, change)), V3
    )
    found = [slot.rolling_id for slot in schedule.between(change - 1, change)]
    expected = own_id(change, base_id=OTHER_ID.hex(), base_day_ms=BASE_DAY_MS + 5 * DAY_MS)
    assert found == [own_id(change - 1), expected]
    places = schedule.places([change])
    assert places[expected] == Place(1, 0, 0, BASE_DAY_MS + 5 * DAY_MS)
    assert places[own_id(change - 1)] == Place(0, 5, 0, BASE_DAY_MS + 5 * DAY_MS)


@pytest.mark.req("BZ-KEY-010")
def test_before_the_first_base_id_nothing_is_known() -> None:
    schedule = Schedule(device(Base(BASE_ID, BASE_DAY_MS, BASE_DAY_MS + 5000)), V3)
    assert not schedule.knows(BASE_DAY_MS + 4999)
    assert schedule.knows(BASE_DAY_MS + 5000)
    assert [slot.slot for slot in schedule.between(BASE_DAY_MS, BASE_DAY_MS + 6000)] == [0]


@pytest.mark.req("BZ-KEY-006", "F-02", "F-08")
def test_where_a_build_has_no_id_there_is_none() -> None:
    last = BASE_DAY_MS + DAY_MS - 1
    assert Schedule(device(settings=(MaxSetting(None, 7),)), ANDROID_V3).between(last, last) == ()
    assert Schedule(device(settings=(MaxSetting(None, 1),)), ANDROID_V3).between(last, last) == ()
    assert len(Schedule(device(settings=(MaxSetting(None, 7),)), IOS_V3).between(last, last)) == 1


@pytest.mark.req("BZ-KEY-001", "F-15")
@pytest.mark.parametrize("base_id", [b"", bytes(31), bytes(33)])
def test_a_base_id_of_another_length_gives_no_schedule(base_id: bytes) -> None:
    schedule = Schedule(device(Base(base_id, BASE_DAY_MS, None)), V3)
    assert "32 octets" in schedule.unusable
    assert Schedule(device(), V3).unusable == ""
    assert Schedule(device(), V1).unusable != ""


@pytest.mark.req("BZ-LOG-005", "F-11")
def test_places_are_those_of_the_days_around_and_of_the_base_day(own_id: Ids) -> None:
    time_ms = BASE_DAY_MS + 20 * DAY_MS
    places = Schedule(device(), V3).places([time_ms])
    assert {place.day for place in places.values()} == {0, 18, 19, 20, 21, 22}
    assert places[own_id(time_ms + DAY_MS + SLOT_MS)] == Place(0, 21, 1, time_ms + DAY_MS)
    assert len(places) == 6 * 96


@pytest.mark.req("BZ-LOG-005")
def test_the_search_is_bounded() -> None:
    schedule = Schedule(device(settings=(MaxSetting(None, 2),)), V3)
    times = range(BASE_DAY_MS, BASE_DAY_MS + 3000 * DAY_MS, DAY_MS)
    assert len(schedule.places(times)) <= 401 * 2
