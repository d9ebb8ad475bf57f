"""Matching against a naive day-by-day oracle written with hashlib alone, its bounds, and what the builds did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.contact_log import Record
from bluezone_reference.errors import BuildFailureError, Failure
from bluezone_reference.key_schedule import day_key, id_at
from bluezone_reference.matching import Answer, CaseSlot, expand, match
from bluezone_reference.positive_cases import PositiveCase, decode_cases
from bluezone_reference.profiles import ANDROID_V3, IOS_V3, PROFILES, V3, Profile

DAY_MS = 86_400_000
START_MS = 1_596_844_800_000
KEY = bytes(range(32))
OWN = b"\x0e" * 12


def naive_ids(key: bytes, days: int, count: int) -> list[tuple[int, int, bytes]]:
    """List day, slot and id of whole days, day by day."""
    ids = []
    for day in range(days):
        subkey = sha256(key + b"bluzonesubkey").digest()
        for slot in range(count):
            ids.append((day, slot, bytes(subkey[at] for at in (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30))))
            subkey = sha256(subkey).digest()
        key = sha256(key).digest()
    return ids


def record(contact_id: bytes, time_ms: int, rssi: int = -60) -> Record:
    return Record(OWN, contact_id, rssi, time_ms)


def slot_id(slot: int, day: int = 0, count: int = 96) -> bytes:
    return naive_ids(KEY, day + 1, count)[day * count + slot][2]


def ask(case: PositiveCase, *records: Record, profile: Profile = V3) -> Answer:
    return match([case], records, profile)


def times(answer: Answer) -> list[int]:
    return [hit.time_ms for case in answer.cases for hit in case.hits]


def case_of(
    start_ms: int = START_MS, end_ms: int = START_MS + DAY_MS - 1000, count: int = 96
) -> PositiveCase:
    return PositiveCase(KEY, start_ms, end_ms, count)


@pytest.mark.req("BZ-MAT-001", "BZ-MAT-004")
@given(days=st.integers(1, 4), count=st.sampled_from([2, 24, 48, 96, 144]), cut_ms=st.integers(0, DAY_MS))
def test_expansion_equals_the_naive_oracle(days: int, count: int, cut_ms: int) -> None:
    end_ms = START_MS + days * DAY_MS - cut_ms
    length_ms = DAY_MS // count
    expected = []
    for place, (day, slot, octets) in enumerate(naive_ids(KEY, days + 1, count)):
        start_ms = START_MS + place * length_ms
        if start_ms <= end_ms:
            expected.append(CaseSlot(day, slot, octets, start_ms, start_ms + length_ms))
    assert list(expand(case_of(end_ms=end_ms, count=count))) == expected


@pytest.mark.req("BZ-MAT-001", "BZ-KEY-003")
def test_expansion_agrees_with_the_key_schedule_of_the_phone() -> None:
    base_id = bytes(reversed(range(32)))
    case = PositiveCase(day_key(base_id, 3), START_MS + 3 * DAY_MS, START_MS + 5 * DAY_MS, 96)
    for item in expand(case):
        mine = id_at(base_id, START_MS, item.start_ms)
        assert (mine.rolling_id, mine.valid_from_ms, mine.valid_until_ms) == (
            item.rolling_id,
            item.start_ms,
            item.end_ms,
        )


@pytest.mark.req("BZ-MAT-002", "F-03", "F-05")
@pytest.mark.parametrize("profile", [V3, ANDROID_V3, IOS_V3], ids=lambda profile: profile.name)
def test_both_ends_of_a_slot_match_and_nothing_beyond(profile: Profile) -> None:
    start_ms, end_ms = START_MS + 5 * 900_000, START_MS + 6 * 900_000
    for at_ms, expected in ((start_ms - 1, []), (start_ms, [start_ms]), (end_ms, [end_ms]), (end_ms + 1, [])):
        if profile is IOS_V3 and at_ms % 1000:
            continue  # its log counts whole seconds
        assert times(ask(case_of(), record(slot_id(5), at_ms), profile=profile)) == expected


@pytest.mark.req("BZ-MAT-002", "F-03")
def test_a_boundary_instant_is_valid_for_both_neighbouring_ids() -> None:
    boundary_ms = START_MS + 900_000
    answer = ask(case_of(), record(slot_id(0), boundary_ms), record(slot_id(1), boundary_ms))
    assert [(hit.slot, hit.record) for hit in answer.cases[0].hits] == [(0, 0), (1, 1)]


@pytest.mark.req("BZ-MAT-003", "F-05")
@pytest.mark.parametrize("late_ms", [1, 1000, 15_000, -1, DAY_MS])
def test_a_right_id_outside_its_slot_does_not_match(late_ms: int) -> None:
    at_ms = START_MS + 900_000 + late_ms if late_ms > 0 else START_MS + late_ms
    assert ask(case_of(), record(slot_id(0), at_ms)).contact is False


@pytest.mark.req("F-28", "BZ-MAT-002")
def test_a_record_delivered_late_matches_on_the_wrong_side_of_the_boundary_or_not_at_all() -> None:
    heard_ms = START_MS + 900_000 - 4_000
    assert ask(case_of(), record(slot_id(0), heard_ms)).contact
    assert not ask(case_of(), record(slot_id(0), heard_ms + 10_000)).contact


@pytest.mark.req("BZ-MAT-004", "F-04")
@pytest.mark.parametrize(("end_ms", "expected"), [(-1, False), (0, True), (1, True)])
def test_time_end_at_a_slot_start_tests_that_slot(end_ms: int, expected: bool) -> None:
    midnight_ms = START_MS + DAY_MS
    answer = ask(case_of(end_ms=midnight_ms + end_ms), record(slot_id(0, day=1), midnight_ms + 5))
    assert answer.contact is expected


@pytest.mark.req("BZ-MAT-007", "F-06")
def test_slots_are_anchored_at_time_start() -> None:
    case = case_of(start_ms=START_MS + 1000)
    assert times(ask(case, record(slot_id(0), START_MS))) == []
    assert times(ask(case, record(slot_id(0), START_MS + 901_000))) == [START_MS + 901_000]


@pytest.mark.req("BZ-MAT-008")
def test_every_case_is_evaluated_and_every_hit_named() -> None:
    records = [record(slot_id(3), START_MS + 3 * 900_000 + at, -50 - at) for at in (0, 7, 900_000)]
    records.insert(1, record(OWN, START_MS))
    cases = decode_cases(
        json.dumps(
            {
                "data": [
                    {
                        "daily_key": "00" * 32,
                        "time_start": START_MS // 1000,
                        "time_end": START_MS // 1000,
                        "max": 96,
                    },
                    {
                        "daily_key": KEY.hex(),
                        "time_start": START_MS // 1000,
                        "time_end": START_MS // 1000 + 80_000,
                        "max": 0,
                    },
                    {
                        "daily_key": KEY.hex(),
                        "time_start": START_MS // 1000,
                        "time_end": START_MS // 1000 + 80_000,
                        "max": 96,
                    },
                ]
            }
        ).encode()
    )
    answer = match(cases, records)
    assert answer.contact
    assert [(case.index, case.contact, case.rejected is None) for case in answer.cases] == [
        (0, False, True),
        (1, False, False),
        (2, True, True),
    ]
    assert [(hit.record, hit.day, hit.slot, hit.rssi) for hit in answer.cases[2].hits] == [
        (0, 0, 3, -50),
        (2, 0, 3, -57),
        (3, 0, 3, -900_050),
    ]
    assert {hit.rolling_id for hit in answer.cases[2].hits} == {slot_id(3)}
    assert answer.cases[1].rejected is not None
    assert answer.cases[1].rejected.code == "BAD_MAX"


@pytest.mark.req("BZ-MAT-008")
@pytest.mark.parametrize("profile", [ANDROID_V3, IOS_V3], ids=lambda profile: profile.name)
def test_the_builds_stop_at_the_first_hit(profile: Profile) -> None:
    records = [record(slot_id(slot), START_MS + slot * 900_000) for slot in (4, 3)]
    answer = match([case_of(), case_of()], records, profile)
    assert answer.contact
    assert len(answer.cases) == 1
    assert [hit.slot for hit in answer.cases[0].hits] == [3]


@pytest.mark.req("F-07")
@pytest.mark.parametrize(
    ("profile", "count", "end_ms", "failure"),
    [
        (ANDROID_V3, 0, START_MS, Failure.EXCEPTION),
        (ANDROID_V3, -1, START_MS, Failure.ENDLESS_LOOP),
        (ANDROID_V3, -100_000_000, START_MS, Failure.ENDLESS_LOOP),
        (ANDROID_V3, 86_400_001, START_MS, Failure.ENDLESS_LOOP),
        (ANDROID_V3, 96, START_MS + 2**62, Failure.ENDLESS_LOOP),
        (IOS_V3, 0, START_MS, Failure.EXCEPTION),
        (IOS_V3, -1, START_MS, Failure.ENDLESS_LOOP),
        (IOS_V3, 2**62, START_MS + 1000, Failure.ENDLESS_LOOP),
        (IOS_V3, 96, START_MS + 2**62, Failure.ENDLESS_LOOP),
    ],
)
def test_a_bad_max_or_a_huge_time_end_brings_the_builds_down(
    profile: Profile, count: int, end_ms: int, failure: Failure
) -> None:
    with pytest.raises(BuildFailureError) as caught:
        ask(case_of(end_ms=end_ms, count=count), profile=profile)
    assert (caught.value.fault, caught.value.failure) == ("F-07", failure)


@pytest.mark.req("F-07")
def test_slots_of_a_millisecond_are_the_shortest_that_the_android_build_walks() -> None:
    slots = list(expand(case_of(end_ms=START_MS + 2, count=DAY_MS), ANDROID_V3))
    assert [(item.start_ms - START_MS, item.end_ms - START_MS) for item in slots] == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.req("F-07")
@pytest.mark.parametrize("profile", [ANDROID_V3, IOS_V3], ids=lambda profile: profile.name)
@pytest.mark.parametrize("count", [-1, 96, 86_400_001])
def test_a_time_end_before_time_start_tests_nothing(profile: Profile, count: int) -> None:
    case = case_of(end_ms=START_MS - 1, count=count)
    assert ask(case, record(slot_id(0), START_MS), profile=profile).contact is False


@pytest.mark.req("F-07")
def test_times_beyond_the_steps_of_floating_seconds() -> None:
    huge_ms = 2**60 * 1000
    with pytest.raises(BuildFailureError) as caught:
        ask(case_of(huge_ms, huge_ms + 1000, 1000), profile=IOS_V3)
    assert (caught.value.fault, caught.value.failure) == ("F-07", Failure.ENDLESS_LOOP)
    for count in (-1, 1000):  # the two times are one as floating numbers, and yet the end is before the start
        assert not ask(case_of(huge_ms + 1000, huge_ms, count), profile=IOS_V3).contact


@pytest.mark.req("F-16")
def test_keys_of_another_length() -> None:
    short = PositiveCase(b"\x01", START_MS, START_MS, 96)
    first = sha256(b"\x01bluzonesubkey").digest()
    row = record(first[0:16:4] + first[16:32:2], START_MS)
    assert not ask(short, row, profile=ANDROID_V3).contact
    assert ask(short, row, profile=IOS_V3).contact
    for profile in (V3, ANDROID_V3):
        with pytest.raises(ValueError, match="32 octets"):
            list(expand(short, profile))


@pytest.mark.req("F-16", "BZ-MAT-005")
def test_what_a_malformed_case_does_to_the_others() -> None:
    good = {"daily_key": KEY.hex(), "time_start": START_MS // 1000, "time_end": START_MS // 1000, "max": 96}
    row = record(slot_id(0), START_MS)

    def answer(first: dict[str, object], profile: Profile) -> Answer:
        return match(decode_cases(json.dumps({"data": [first, good]}).encode(), profile), [row], profile)

    incomplete = {name: value for name, value in good.items() if name != "max"}
    assert answer(incomplete, V3).contact
    assert answer(incomplete, ANDROID_V3) == Answer(contact=False, cases=())
    assert answer(incomplete, IOS_V3) == Answer(contact=False, cases=())
    odd = good | {"daily_key": "abc"}
    assert answer(odd, V3).contact
    for profile in (ANDROID_V3, IOS_V3):
        with pytest.raises(BuildFailureError, match="F-16"):
            answer(odd, profile)


@pytest.mark.req("F-02", "F-06")
def test_slots_of_a_seventh_of_a_day() -> None:
    android = list(expand(case_of(count=7, end_ms=START_MS + DAY_MS), ANDROID_V3))
    # seven slots of 12 342 857 ms end 1 ms before midnight, so that the next day begins early
    assert [item.start_ms - START_MS for item in android] == [12_342_857 * place for place in range(8)]
    assert (android[7].day, android[7].slot) == (1, 0)
    ios = list(expand(case_of(count=7, end_ms=START_MS + DAY_MS), IOS_V3))
    assert [(item.start_ms - START_MS) // 1000 for item in ios[:3]] == [0, 12_342, 24_685]
    assert all(item.start_ms % 1000 == item.end_ms % 1000 == 0 for item in ios)


logs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 23), st.integers(-2, 3_600_002)), max_size=6)


@pytest.mark.req("BZ-MAT-002", "BZ-MAT-003", "BZ-MAT-008")
@given(rows=logs, end_ms=st.integers(0, 3 * DAY_MS))
def test_hits_equal_the_naive_oracle(rows: Sequence[tuple[int, int, int]], end_ms: int) -> None:
    ids = naive_ids(KEY, 4, 24)
    records = [
        record(ids[day * 24 + slot][2], START_MS + day * DAY_MS + slot * 3_600_000 + at)
        for day, slot, at in rows
    ]
    expected = [
        (place, day, slot)
        for number, (day, slot, octets) in enumerate(ids)
        if number * 3_600_000 <= end_ms
        for place, row in enumerate(records)
        if row.contact_id == octets and 0 <= row.time_ms - START_MS - number * 3_600_000 <= 3_600_000
    ]
    answer = ask(case_of(end_ms=START_MS + end_ms, count=24), *records)
    assert [(hit.record, hit.day, hit.slot) for hit in answer.cases[0].hits] == expected
    assert answer.contact == bool(expected)


@given(
    start=st.integers(-(2**63), 2**63 - 1) | st.integers(0, 10**6),
    span=st.integers(-5, 3),
    count=st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 200),
    key=st.binary(max_size=33),
)
def test_no_case_raises_anything_but_value_error(start: int, span: int, count: int, key: bytes) -> None:
    case = PositiveCase(key, start * 1000, (start + span) * 1000, count)
    for profile in PROFILES.values():
        contact = False
        with suppress(ValueError):
            contact = match([case], [record(OWN, START_MS)], profile).contact
        assert not contact
