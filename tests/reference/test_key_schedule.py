"""The key schedule against real phones, executed upstream code, and an oracle written with hashlib alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.errors import BuildFailureError, Failure, RefusedError, RejectCode
from bluezone_reference.key_schedule import (
    DAY_MS,
    DAYS_PUBLISHED,
    GREATEST_MAX,
    ID_OCTETS,
    ID_POSITIONS,
    KEY_OCTETS,
    LAST_DAY,
    LEAST_MAX,
    SUBKEY_SALT,
    day_key,
    day_number,
    day_start_ms,
    id_at,
    ids_of_day,
    published_day_key,
    rolling_id,
    rolling_ids,
    slot_at,
    slot_bounds_ms,
    slots_a_day,
    slots_from_setting,
    subkeys,
)
from bluezone_reference.profiles import ANDROID_V3, IOS_V3, PROFILES, V1, V2, V3, Profile
from bluezone_vectors import (
    KnownPublishedDayKey,
    KnownRollingId,
    known_published_day_keys,
    known_rolling_ids,
)

ZERO = bytes(32)
COUNTING = bytes(range(32))
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08T00:00:00+00:00
DIVISORS = [count for count in range(2, 86_401) if DAY_MS % count == 0]
KEYED = [profile for profile in PROFILES.values() if profile.key_schedule is not None]

bases = st.binary(min_size=32, max_size=32)
instants = st.integers(min_value=BASE_DAY_MS, max_value=BASE_DAY_MS + 3 * 365 * DAY_MS)


def oracle(base_id: bytes, day: int, slot: int) -> bytes:
    """Compute a rolling id step by step, sharing nothing with the reference."""
    key = base_id
    for _ in range(day):
        key = sha256(key).digest()
    subkey = sha256(key + bytes.fromhex("626c757a6f6e657375626b6579")).digest()
    for _ in range(slot):
        subkey = sha256(subkey).digest()
    return bytes(subkey[at] for at in [0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30])


# --- known answers


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006")
@pytest.mark.parametrize("answer", known_rolling_ids(), ids=lambda answer: answer.id)
def test_known_rolling_ids(answer: KnownRollingId) -> None:
    for time_ms in answer.times_ms:
        found = id_at(answer.base_id, answer.base_day_ms, time_ms, answer.max_per_day)
        assert (found.day, found.slot, found.rolling_id) == (answer.day, answer.slot, answer.rolling_id)
        assert found.valid_from_ms <= time_ms < found.valid_until_ms


@pytest.mark.req("BZ-KEY-004")
@pytest.mark.parametrize("profile", [ANDROID_V3, IOS_V3], ids=lambda profile: profile.name)
@pytest.mark.parametrize("answer", known_rolling_ids(), ids=lambda answer: answer.id)
def test_known_rolling_ids_hold_for_the_published_builds(answer: KnownRollingId, profile: Profile) -> None:
    found = id_at(answer.base_id, answer.base_day_ms, answer.times_ms[0], answer.max_per_day, profile)
    assert found.rolling_id == answer.rolling_id


@pytest.mark.req("BZ-MSG-004", "F-24")
@pytest.mark.parametrize("answer", known_published_day_keys(), ids=lambda answer: answer.id)
def test_known_published_day_keys(answer: KnownPublishedDayKey) -> None:
    found = published_day_key(answer.base_id, answer.base_day_ms, answer.now_ms, answer.days_back)
    assert (found.day_key, found.time_start_ms) == (answer.day_key, answer.time_start_ms)


@pytest.mark.req("F-24")
def test_a_young_install_publishes_its_base_id() -> None:
    found = published_day_key(COUNTING, BASE_DAY_MS, BASE_DAY_MS + 13 * DAY_MS)
    assert (found.day, found.day_key) == (0, COUNTING)


def test_published_day_key_of_a_clock_before_the_base_day_is_the_base_day() -> None:
    assert published_day_key(ZERO, BASE_DAY_MS, BASE_DAY_MS - 1).day == 0


def test_published_day_key_refuses_days_to_come() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        published_day_key(ZERO, BASE_DAY_MS, BASE_DAY_MS, -1)


@pytest.mark.req("F-15")
def test_the_empty_base_id_gives_the_same_ids_every_day_under_ios_only() -> None:
    for day in (0, 1, 400):
        found = id_at(b"", BASE_DAY_MS, BASE_DAY_MS + day * DAY_MS, profile=IOS_V3)
        assert found.rolling_id.hex() == "d31a1de6b2096087f1d18d90"
    for profile in (V3, ANDROID_V3, V2):
        with pytest.raises(RefusedError) as caught:
            id_at(b"", BASE_DAY_MS, BASE_DAY_MS, profile=profile)
        assert caught.value.code is RejectCode.BAD_BASE_ID


@pytest.mark.req("BZ-MSG-004")
@pytest.mark.parametrize(("today", "published"), [(0, 0), (14, 0), (15, 1), (20, 6)])
def test_the_published_day_lies_two_weeks_back(today: int, published: int) -> None:
    found = published_day_key(COUNTING, BASE_DAY_MS, BASE_DAY_MS + today * DAY_MS + 1)
    assert (found.day, found.time_start_ms) == (published, BASE_DAY_MS + published * 86_400_000)


@pytest.mark.req("BZ-KEY-001", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-007")
def test_the_constants_are_those_of_the_chapter() -> None:
    assert (KEY_OCTETS, ID_OCTETS, len(ID_POSITIONS), len(SUBKEY_SALT)) == (32, 12, 12, 13)
    assert (LEAST_MAX, GREATEST_MAX, DAY_MS // GREATEST_MAX) == (2, 86_400, 1000)
    assert (LAST_DAY, DAYS_PUBLISHED) == (100 * 365 + 25, 14)


# --- days and slots


@pytest.mark.req("BZ-KEY-002")
def test_days_begin_at_midnight_utc() -> None:
    assert day_start_ms(BASE_DAY_MS) == BASE_DAY_MS
    assert day_start_ms(BASE_DAY_MS + DAY_MS - 1) == BASE_DAY_MS
    assert day_start_ms(BASE_DAY_MS - 1) == BASE_DAY_MS - DAY_MS
    assert day_start_ms(-1) == -DAY_MS
    assert day_number(BASE_DAY_MS, BASE_DAY_MS - 1) == -1
    assert day_number(BASE_DAY_MS, BASE_DAY_MS + DAY_MS) == 1


@pytest.mark.parametrize("base_day_ms", [1, BASE_DAY_MS + 1, BASE_DAY_MS - 1])
def test_a_base_day_is_a_midnight(base_day_ms: int) -> None:
    with pytest.raises(ValueError, match="UTC midnight"):
        day_number(base_day_ms, BASE_DAY_MS)


@pytest.mark.req("BZ-KEY-006")
@pytest.mark.parametrize(
    ("since_midnight_ms", "slot"),
    [(0, 0), (899_999, 0), (900_000, 1), (900_001, 1), (86_399_999, 95), (85_500_000, 95), (85_499_999, 94)],
)
def test_slot_boundaries(since_midnight_ms: int, slot: int) -> None:
    for profile in (V3, ANDROID_V3, IOS_V3):
        assert slot_at(BASE_DAY_MS + since_midnight_ms, 96, profile) == slot
    assert slot_at(BASE_DAY_MS + since_midnight_ms) == slot


@pytest.mark.req("BZ-KEY-007")
@pytest.mark.parametrize("count", DIVISORS)
def test_every_divisor_from_2_to_86400_is_allowed_and_tiles_the_day(count: int) -> None:
    assert slots_a_day(count) == count
    assert V3.key_schedule is not None
    edges = [slot_bounds_ms(slot, count, V3.key_schedule) for slot in (0, 1, count - 2, count - 1)]
    assert edges[0][0] == 0
    assert edges[0][1] == edges[1][0] == DAY_MS // count
    assert edges[2][1] == edges[3][0]
    assert edges[3][1] == DAY_MS
    assert slot_at(BASE_DAY_MS + DAY_MS - 1, count) == count - 1


@pytest.mark.req("BZ-KEY-007")
@pytest.mark.parametrize("count", [0, 1, -1, 7, 11, 97, 86_401, 86_400_000, 2**31, 2**63, 10**30])
def test_other_values_of_max_are_refused_and_as_a_setting_mean_the_default(count: int) -> None:
    for ask in (
        lambda: slots_a_day(count),
        lambda: slot_at(BASE_DAY_MS, count),
        lambda: id_at(ZERO, BASE_DAY_MS, BASE_DAY_MS, count),
    ):
        with pytest.raises(RefusedError) as caught:
            ask()
        assert (caught.value.code, caught.value.requirement) == (RejectCode.BAD_MAX, "BZ-KEY-007")
        assert len(str(caught.value)) < 150
    assert slots_from_setting(count) == 96


@pytest.mark.req("BZ-KEY-007")
@pytest.mark.parametrize("profile", [ANDROID_V3, IOS_V3], ids=lambda profile: profile.name)
def test_the_builds_take_any_setting_and_the_default_below_1(profile: Profile) -> None:
    assert [slots_a_day(count, profile) for count in (-5, 0, 1, 7, 97, 86_400)] == [96, 96, 1, 7, 97, 86_400]
    assert slots_a_day(0, V2) == 144
    with pytest.raises(RefusedError, match="must be 1 to 86400"):
        slots_a_day(86_401, profile)
    assert slots_from_setting(86_401, profile) == 96


@pytest.mark.req("F-02")
def test_max_7_under_each_profile() -> None:
    # 86 400 000 / 7 = 12 342 857.14...: Android cuts the slot to whole milliseconds, iOS counts whole seconds
    android = [slot_at(BASE_DAY_MS + at, 7, ANDROID_V3) for at in (12_342_856, 12_342_857, 86_399_998)]
    assert android == [0, 1, 6]
    ios = [slot_at(BASE_DAY_MS + at, 7, IOS_V3) for at in (12_342_857, 12_342_999, 12_343_000, 86_399_999)]
    assert ios == [0, 0, 1, 6]
    with pytest.raises(BuildFailureError) as caught:
        slot_at(BASE_DAY_MS + 86_399_999, 7, ANDROID_V3)
    assert (caught.value.fault, caught.value.failure) == ("F-02", Failure.EXCEPTION)
    with pytest.raises(BuildFailureError, match="F-02"):
        id_at(ZERO, BASE_DAY_MS, BASE_DAY_MS + 86_399_999, 7, ANDROID_V3)
    assert id_at(ZERO, BASE_DAY_MS, BASE_DAY_MS + 86_399_999, 7, IOS_V3).rolling_id == oracle(ZERO, 0, 6)
    with pytest.raises(RefusedError, match="BAD_MAX"):
        slot_at(BASE_DAY_MS, 7)


@pytest.mark.req("F-02")
@given(count=st.integers(min_value=1, max_value=86_400), second=st.integers(min_value=0, max_value=86_399))
def test_ios_slots_are_the_floating_quotient_and_their_bounds_tile_the_day(count: int, second: int) -> None:
    assert IOS_V3.key_schedule is not None
    slot = slot_at(BASE_DAY_MS + second * 1000 + 999, count, IOS_V3)
    assert slot == int(float(second) / (86_400.0 / float(count)))
    start_ms, end_ms = slot_bounds_ms(slot, count, IOS_V3.key_schedule)
    assert start_ms <= second * 1000 < end_ms
    assert slot == 0 or slot_at(BASE_DAY_MS + start_ms - 1, count, IOS_V3) == slot - 1
    assert end_ms == DAY_MS or slot_at(BASE_DAY_MS + end_ms, count, IOS_V3) == slot + 1


@pytest.mark.req("F-08")
def test_one_slot_a_day_gives_no_id_on_android_and_a_day_long_one_on_ios() -> None:
    for ask in (id_at, ids_of_day):
        with pytest.raises(BuildFailureError) as caught:
            ask(ZERO, BASE_DAY_MS, BASE_DAY_MS if ask is id_at else 0, 1, ANDROID_V3)
        assert (caught.value.fault, caught.value.failure) == ("F-08", Failure.NO_ID)
    found = id_at(ZERO, BASE_DAY_MS, BASE_DAY_MS + 5, 1, IOS_V3)
    assert (found.valid_from_ms, found.valid_until_ms) == (BASE_DAY_MS, BASE_DAY_MS + DAY_MS)
    with pytest.raises(RefusedError, match="BAD_MAX"):
        id_at(ZERO, BASE_DAY_MS, BASE_DAY_MS, 1)


@pytest.mark.req("F-09")
def test_a_diverging_max_gives_different_ids_for_the_same_instant() -> None:
    time_ms = BASE_DAY_MS + 12 * 3_600_000
    assert (
        id_at(ZERO, BASE_DAY_MS, time_ms, 96).rolling_id != id_at(ZERO, BASE_DAY_MS, time_ms, 144).rolling_id
    )


# --- the base day and its neighbours


@pytest.mark.req("BZ-KEY-008", "F-12")
def test_a_time_before_the_base_day_is_refused_and_the_builds_answer_with_the_base() -> None:
    before_ms = BASE_DAY_MS - DAY_MS + 900_000
    with pytest.raises(RefusedError) as caught:
        id_at(ZERO, BASE_DAY_MS, before_ms)
    assert (caught.value.code, caught.value.requirement) == (RejectCode.BEFORE_BASE_DAY, "BZ-KEY-008")
    for profile in (ANDROID_V3, IOS_V3, V2):
        assert id_at(ZERO, BASE_DAY_MS, before_ms, 96, profile).rolling_id == oracle(ZERO, 0, 1)
        assert id_at(ZERO, BASE_DAY_MS, before_ms, 96, profile).day == -1


@pytest.mark.req("F-14b")
def test_v2_stays_one_day_key_behind() -> None:
    assert [day_key(ZERO, day, V2) for day in range(3)] == [ZERO, ZERO, sha256(ZERO).digest()]
    assert slots_a_day(profile=V2) == 144


def test_days_beyond_a_century_are_refused() -> None:
    assert len(day_key(ZERO, 36_525)) == 32
    for day in (36_526, 2**63):
        with pytest.raises(RefusedError, match="DAY_OUT_OF_RANGE"):
            day_key(ZERO, day)


@pytest.mark.parametrize("length", [0, 1, 16, 31, 33, 64])
@pytest.mark.req("BZ-KEY-001")
def test_base_ids_of_other_lengths_are_refused(length: int) -> None:
    for profile in KEYED:
        if length or profile is not IOS_V3:
            with pytest.raises(RefusedError, match="BAD_BASE_ID"):
                day_key(bytes(length), 0, profile)


def test_the_first_generation_has_no_key_schedule() -> None:
    for ask in (
        lambda: slots_a_day(96, V1),
        lambda: slots_from_setting(96, V1),
        lambda: day_key(ZERO, 0, V1),
    ):
        with pytest.raises(RefusedError) as caught:
            ask()
        assert caught.value.code is RejectCode.NO_KEY_SCHEDULE


# --- properties


@pytest.mark.req("BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005")
@given(base_id=bases, day=st.integers(0, 60), slot=st.integers(0, 95))
def test_agrees_with_the_oracle(base_id: bytes, day: int, slot: int) -> None:
    found = id_at(base_id, BASE_DAY_MS, BASE_DAY_MS + day * DAY_MS + slot * 900_000)
    assert found.rolling_id == oracle(base_id, day, slot)


@pytest.mark.req("BZ-KEY-006")
@given(base_id=bases, time_ms=instants, count=st.sampled_from(DIVISORS))
def test_the_interval_holds_the_instant_and_its_neighbours_begin_where_it_ends(
    base_id: bytes, time_ms: int, count: int
) -> None:
    found = id_at(base_id, BASE_DAY_MS, time_ms, count)
    assert found.valid_from_ms <= time_ms < found.valid_until_ms
    assert found.valid_until_ms - found.valid_from_ms == DAY_MS // count
    after = id_at(base_id, BASE_DAY_MS, found.valid_until_ms, count)
    assert (after.day, after.slot) == (
        (found.day, found.slot + 1) if found.slot + 1 < count else (found.day + 1, 0)
    )


@pytest.mark.req("BZ-KEY-006")
@given(base_id=bases, day=st.integers(0, 400), count=st.sampled_from([2, 24, 96, 144, 288]))
def test_the_intervals_of_a_day_tile_it(base_id: bytes, day: int, count: int) -> None:
    ids = ids_of_day(base_id, BASE_DAY_MS, day, count)
    assert [item.slot for item in ids] == list(range(count))
    assert ids[0].valid_from_ms == BASE_DAY_MS + day * DAY_MS
    assert ids[-1].valid_until_ms == BASE_DAY_MS + (day + 1) * DAY_MS
    assert all(one.valid_until_ms == two.valid_from_ms for one, two in pairwise(ids))
    assert all(id_at(base_id, BASE_DAY_MS, item.valid_from_ms, count) == item for item in ids[:: count // 2])


@pytest.mark.req("BZ-PRV-005")
@pytest.mark.parametrize(
    "base_id",
    [ZERO, COUNTING, bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")],
)
def test_no_two_slots_of_a_year_share_an_id(base_id: bytes) -> None:
    seen: set[bytes] = set()
    for day in range(366):
        seen.update(rolling_ids(day_key(base_id, day), 96))
    assert len(seen) == 366 * 96


def test_the_parts_fit_together() -> None:
    key = day_key(COUNTING, 2)
    assert rolling_ids(key, 3) == tuple(rolling_id(subkey) for subkey in subkeys(key, 3))
    assert [len(subkey) for subkey in subkeys(key, 5)] == [32] * 5
    assert list(subkeys(key, 0)) == []


def test_parts_of_other_sizes_are_refused() -> None:
    for key, count in ((bytes(31), 1), (bytes(33), 1), (ZERO, -1), (ZERO, 86_401)):
        with pytest.raises(ValueError, match=r"32 octets|at most 86400 slots"):
            subkeys(key, count)
    assert len(rolling_ids(ZERO, 86_400)) == 86_400
    with pytest.raises(ValueError, match="a subkey is 32 octets"):
        rolling_id(bytes(31))


@pytest.mark.req("BZ-KEY-007")
@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "not 1"),
        (86_401, "not 86401"),
        (10**20 - 1, "not 99999999999999999999"),
        (10**20, "not a number of more than twenty digits"),
        (-(10**20), "not a number of more than twenty digits"),
    ],
)
def test_a_refusal_names_the_number_unless_it_fills_the_line(count: int, said: str) -> None:
    with pytest.raises(RefusedError) as caught:
        slots_a_day(count)
    assert caught.value.reason == f"max must be 2 to 86400 slots a day, {said}"


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=40),
    st.lists(st.integers(), max_size=2),
)


TAKES: list[
    tuple[Callable[..., Any], int, bool]
] = [  # the function, its arguments, whether it takes a profile
    (day_start_ms, 1, False),
    (day_number, 2, False),
    (slots_a_day, 1, True),
    (slots_from_setting, 1, True),
    (day_key, 2, True),
    (subkeys, 2, False),
    (rolling_id, 1, False),
    (rolling_ids, 2, False),
    (slot_at, 2, True),
    (id_at, 4, True),
    (ids_of_day, 4, True),
    (published_day_key, 4, True),
]


@pytest.mark.parametrize(
    ("ask", "count", "takes_profile"), TAKES, ids=lambda value: getattr(value, "__name__", "")
)
@given(data=st.data())
def test_no_input_raises_anything_but_value_error(
    ask: Callable[..., Any], count: int, takes_profile: bool, data: st.DataObject
) -> None:
    arguments = [data.draw(anything) for _ in range(count)]
    answer: object = "refused"
    with suppress(ValueError):
        if takes_profile:
            answer = ask(*arguments, profile=data.draw(st.sampled_from(list(PROFILES.values()))))
        else:
            answer = ask(*arguments)
    assert answer is not None
