"""How long ids are heard, whether they come again, and whether they are weak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from bluezone_harness.checks.lifetimes import heard_again, heard_lives, heard_weak
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Reason, Verdict
from bluezone_harness.sightings import Sighting

DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000
SLOT_MS = 900_000
MORNING_MS = BASE_DAY_MS + DAY_MS + 40 * SLOT_MS
STATIC = bytes.fromhex("02010209FFB522614233785939110789A807ADD1172FA1C44BF573F4390AE2")
UNKNOWN = b"one id of 12"

Phone = Callable[..., list[Sighting]]
Heard = Callable[..., Subject]
Making = Callable[[str], Rules]
Ids = Callable[..., bytes]
Device = Mapping[str, object]


# --- BZ-PRV-004 ---


@pytest.mark.req("BZ-PRV-004", "F-25")
@pytest.mark.parametrize(
    ("late_s", "verdict"), [(165, Verdict.PASS), (166, Verdict.FAIL), (600, Verdict.FAIL)]
)
def test_an_id_may_be_heard_for_a_slot_and_165_s(
    phone: Phone,
    heard: Heard,
    rules: Making,
    sighting: Callable[..., Sighting],
    own_id: Ids,
    good_device: Device,
    late_s: int,
    verdict: Verdict,
) -> None:
    late = sighting(
        MORNING_MS + SLOT_MS - 1000, own_id(MORNING_MS), seconds=late_s + 1, address="5A:00:00:00:00:01"
    )
    after = phone(MORNING_MS + SLOT_MS + late_s * 1000 + 5000, 15)
    found = heard_lives(heard([*phone(MORNING_MS, 14), late, *after], device=good_device), rules("v3"))
    assert found.verdict is verdict
    if verdict is Verdict.FAIL:
        assert found.failed == 1
        assert own_id(MORNING_MS).hex().upper() in found.grounds[0].seen
        assert [each.time_ms for each in found.grounds[0].evidence] == [MORNING_MS, late.first_us // 1000]


@pytest.mark.req("BZ-PRV-004", "F-21")
@pytest.mark.parametrize("known", [True, False])
def test_a_static_id_lives_too_long_whatever_max(
    phone: Phone, heard: Heard, rules: Making, good_device: Device, known: bool
) -> None:
    old = phone(MORNING_MS, 40, id_at=lambda time_ms: STATIC)
    for profile in ("v3", "v1"):
        subject = heard(old, device=good_device if known else None)
        found = heard_lives(subject, rules(profile))
        assert found.verdict is Verdict.FAIL
        assert found.grounds[0].seen == "static id aB3xY9 (v1) for 39 min 45 s"
        assert heard_again(subject, rules(profile)).verdict is Verdict.FAIL


@pytest.mark.req("BZ-PRV-004")
def test_without_a_device_file_only_what_no_max_explains_fails(
    phone: Phone, heard: Heard, rules: Making
) -> None:
    def kept(hours: float) -> Judgement:
        return heard_lives(heard(phone(MORNING_MS, hours * 60, id_at=lambda time_ms: UNKNOWN)), rules("v3"))

    assert (kept(1).verdict, kept(1).reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    assert len(kept(1).grounds) == 1
    assert kept(12.5).verdict is Verdict.FAIL  # max is 2 at least: no slot is longer than 12 h


@pytest.mark.req("BZ-PRV-004")
def test_with_a_max_of_144_slots_are_ten_minutes(
    phone: Phone, heard: Heard, rules: Making, own_id: Ids, good_device: Device
) -> None:
    fast = phone(MORNING_MS, 40, id_at=lambda time_ms: own_id(time_ms, 144))
    assert heard_lives(heard(fast, device={**good_device, "max": 144}), rules("v3")).verdict is Verdict.PASS
    slow = phone(MORNING_MS, 40)
    found = heard_lives(heard(slow, device={**good_device, "max": 144}), rules("v3"))
    assert found.verdict is Verdict.FAIL
    assert "an id for 10 min and 2 min 45 s" in found.grounds[0].expected


@pytest.mark.req("BZ-PRV-004", "BZ-PRV-005", "BZ-KEY-009")
def test_a_max_that_arrives_halfway_holds_from_then_on(
    phone: Phone, heard: Heard, rules: Making, own_id: Ids, good_device: Device
) -> None:
    change_ms = MORNING_MS + 400_000

    def id_at(time_ms: int) -> bytes:
        return own_id(time_ms, 48 if time_ms < change_ms else 144)

    device = {
        "schema": 1,
        "devices": [
            {
                "name": "phone",
                "platform": "android",
                "bases": [{"base_id": good_device["base_id"], "base_day": "2020-08-08"}],
                "max": [
                    {"from": "2020-08-08T00:00:00Z", "value": 48},
                    {"from": "2020-08-09T10:06:40Z", "value": 144},
                ],
                "foreground": [],
            }
        ],
    }
    right = heard(phone(MORNING_MS - 3_600_000, 120, id_at=id_at), device=device)
    assert heard_lives(right, rules("v3")).verdict is Verdict.PASS
    assert heard_again(right, rules("v3")).verdict is Verdict.PASS
    # half an hour was right before, and is no longer
    wrong = heard(
        phone(MORNING_MS - 3_600_000, 120, id_at=lambda time_ms: own_id(time_ms, 48)), device=device
    )
    found = heard_lives(wrong, rules("v3"))
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert "an id for 10 min and 2 min 45 s at most" in found.grounds[0].expected


# --- BZ-PRV-005 ---


@pytest.mark.req("BZ-PRV-005")
@pytest.mark.parametrize(
    ("from_slot", "verdict"), [(0, Verdict.INCONCLUSIVE), (1, Verdict.INCONCLUSIVE), (2, Verdict.FAIL)]
)
def test_an_id_may_come_in_slots_that_touch(
    phone: Phone, heard: Heard, rules: Making, good_device: Device, from_slot: int, verdict: Verdict
) -> None:
    sightings = [
        *phone(MORNING_MS + 300_000, 5, id_at=lambda time_ms: UNKNOWN),
        *phone(MORNING_MS + from_slot * SLOT_MS + 600_000, 4, id_at=lambda time_ms: UNKNOWN),
    ]
    found = heard_again(heard(sightings, device=good_device), rules("v3"))
    assert found.verdict is verdict
    without = heard_again(heard(sightings), rules("v3"))
    assert without.verdict is Verdict.INCONCLUSIVE
    assert without.reason is (Reason.EVIDENCE_MISSING if from_slot == 2 else Reason.TOO_SHORT)


@pytest.mark.req("BZ-PRV-005")
@pytest.mark.parametrize(
    ("into_slot_ms", "verdict"),
    [(45_000 - 1, Verdict.INCONCLUSIVE), (45_000, Verdict.FAIL), (45_001, Verdict.FAIL)],
)
def test_a_clock_offset_that_is_allowed_for_may_explain_the_second_slot(
    heard: Heard,
    rules: Making,
    sighting: Callable[..., Sighting],
    good_device: Device,
    into_slot_ms: int,
    verdict: Verdict,
) -> None:
    sightings = [
        sighting(MORNING_MS, UNKNOWN),
        sighting(MORNING_MS + 2 * SLOT_MS + into_slot_ms, UNKNOWN, address="5A:00:00:00:00:02"),
    ]
    assert heard_again(heard(sightings, device=good_device), rules("v3")).verdict is verdict


@pytest.mark.req("BZ-PRV-005", "BZ-PRV-004")
@pytest.mark.parametrize(("over_us", "verdict"), [(0, Verdict.INCONCLUSIVE), (1, Verdict.FAIL)])
def test_what_a_slot_and_its_lateness_explain_is_one_use(
    heard: Heard,
    rules: Making,
    sighting: Callable[..., Sighting],
    good_device: Device,
    over_us: int,
    verdict: Verdict,
) -> None:
    # from 50 s before the first slot's end until 1015 s after it: 900 s and 165 s, though the slots do not touch
    end_ms = MORNING_MS + SLOT_MS
    first = sighting(end_ms - 50_000, UNKNOWN)
    last = sighting(end_ms + 950_000, UNKNOWN, seconds=65, address="5A:00:00:00:00:02")
    last = replace(last, last_us=last.last_us + over_us)
    assert heard_again(heard([first, last], device=good_device), rules("v3")).verdict is verdict


@pytest.mark.req("BZ-PRV-005", "F-11", "F-12")
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("days", [1, 2])
def test_an_id_of_another_day_fails_whatever_max(
    phone: Phone, heard: Heard, rules: Making, own_id: Ids, good_device: Device, known: bool, days: int
) -> None:
    again = phone(
        MORNING_MS + days * DAY_MS, 10, id_at=lambda time_ms: own_id(time_ms - days * DAY_MS), phase_ms=5000
    )
    subject = heard([*phone(MORNING_MS, 10), *again], device=good_device if known else None)
    found = heard_again(subject, rules("v3"))
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 1, 1)
    assert found.grounds[0].summary == "1 of 1 id on two days"
    assert "at 2020-08-09T10:00:00.000+00:00 and at 2020-08-" in found.grounds[0].seen


@pytest.mark.req("BZ-PRV-005")
def test_a_clock_that_is_ten_minutes_wrong_is_no_second_day(
    phone: Phone, heard: Heard, rules: Making, own_id: Ids, good_device: Device
) -> None:
    midnight_ms = BASE_DAY_MS + 2 * DAY_MS
    slow = phone(midnight_ms - 1_800_000, 60, id_at=lambda time_ms: own_id(time_ms - 600_000))
    assert heard_again(heard(slow, device=good_device), rules("v3")).verdict is Verdict.PASS
    told = heard(slow, device=good_device, clock_offset_ms=-600_000)
    assert heard_again(told, rules("v3")).verdict is Verdict.PASS


@pytest.mark.req("BZ-PRV-005")
def test_slots_shorter_than_an_on_window_are_passed_over_by_lateness(
    heard: Heard, rules: Making, sighting: Callable[..., Sighting], own_id: Ids, good_device: Device
) -> None:
    # max = 1440: slots of a minute; an on-window of 150 s, heard again after a pause in reception
    first = sighting(MORNING_MS, own_id(MORNING_MS, 1440), seconds=60)
    rest = replace(first, first_us=first.first_us + 140_000_000, last_us=first.last_us + 90_000_000)
    later = sighting(MORNING_MS + 600_000, own_id(MORNING_MS + 600_000, 1440), address="5A:00:00:00:00:02")
    subject = heard([first, rest, later], device={**good_device, "max": 1440})
    assert heard_again(subject, rules("v3")).verdict is Verdict.PASS


# --- BZ-PRV-007 ---


@pytest.mark.req("BZ-PRV-007", "F-15")
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("slot", [0, 95])
def test_the_ids_of_the_empty_base_id_are_found_on_every_day(
    phone: Phone, heard: Heard, rules: Making, own_id: Ids, good_device: Device, known: bool, slot: int
) -> None:
    start_ms = BASE_DAY_MS + 300 * DAY_MS + slot * SLOT_MS
    weak = phone(start_ms, 5, id_at=lambda time_ms: own_id(time_ms % DAY_MS, base_id="", base_day_ms=0))
    found = heard_weak(heard(weak, device=good_device if known else None), rules("v3"))
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert f"base id empty, day 0, slot {slot}" in found.grounds[0].seen
    assert found.grounds[0].count == 10


@pytest.mark.req("BZ-PRV-007")
@pytest.mark.parametrize("slot", [0, 3])
def test_a_counting_base_id_of_a_day_nobody_knows_is_found(
    phone: Phone, heard: Heard, rules: Making, own_id: Ids, slot: int
) -> None:
    counting = bytes(range(7, 39)).hex()
    start_ms = BASE_DAY_MS + 60 * DAY_MS + slot * SLOT_MS
    weak = phone(start_ms, 5, id_at=lambda time_ms: own_id(time_ms, base_id=counting))
    found = heard_weak(heard(weak), rules("v3"))
    assert found.verdict is Verdict.FAIL
    assert f"base id counting up from 0x07, day 60, slot {slot}" in found.grounds[0].seen


@pytest.mark.req("BZ-PRV-007", "BZ-KEY-001")
def test_a_device_file_with_a_weak_base_id_explains_nothing_away(
    phone: Phone, heard: Heard, rules: Making, own_id: Ids
) -> None:
    weak_id = "ff" * 32
    weak = phone(MORNING_MS, 20, id_at=lambda time_ms: own_id(time_ms, base_id=weak_id))
    device = {"base_id": weak_id, "base_day": "2020-08-08"}
    found = heard_weak(heard(weak, device=device), rules("v3"))
    assert (found.verdict, found.failed) == (Verdict.FAIL, 2)
    assert "all octets 0xff, day 1, slot 40" in found.grounds[0].seen


@pytest.mark.req("BZ-PRV-007", "F-22")
def test_static_ids_are_not_searched_for_and_that_is_said(
    phone: Phone, heard: Heard, rules: Making, good_device: Device
) -> None:
    old = phone(MORNING_MS, 5, id_at=lambda time_ms: STATIC)
    found = heard_weak(heard(old), rules("v1"))
    assert (found.verdict, found.reason) == (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)
    assert "1 static id of the first generation not searched for" in found.summary
    mixed = heard_weak(heard([*old, *phone(MORNING_MS, 5, name="new")], device=good_device), rules("v3"))
    assert mixed.verdict is Verdict.PASS
    assert "1 static id of the first generation" in mixed.summary


@pytest.mark.req("BZ-PRV-007")
def test_the_days_that_were_searched_are_stated(
    phone: Phone, heard: Heard, rules: Making, good_device: Device
) -> None:
    first = heard_weak(heard(phone(BASE_DAY_MS, 5)), rules("v3"))
    assert "1 id searched for, 400 base days" in first.summary
    # the later the slot, the fewer base days: of 769 weak base ids 42 subkeys each, and 4 000 000 of them in all
    late = heard_weak(heard(phone(MORNING_MS, 5)), rules("v3"))
    assert f"1 id searched for, {4_000_000 // (769 * 42)} base days" in late.summary
    # ids of none of the device's: those of its days are searched first
    foreign = phone(BASE_DAY_MS + DAY_MS, 5, id_at=lambda time_ms: UNKNOWN)
    both = [*phone(BASE_DAY_MS + DAY_MS, 5), *foreign]
    found = heard_weak(heard(both, device=good_device), rules("v3"))
    assert "1 id searched for, days 0, 1" in found.summary
    assert "absence proves nothing" in found.summary


@pytest.mark.req("BZ-PRV-007")
def test_a_device_file_without_a_schedule_explains_nothing(
    phone: Phone, heard: Heard, rules: Making, good_device: Device
) -> None:
    subject = heard(phone(BASE_DAY_MS, 5), device=good_device)
    found = heard_weak(subject, rules("v1"))
    assert found.verdict is Verdict.PASS
    assert "1 id searched for" in found.summary
