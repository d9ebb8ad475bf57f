"""Faults planted one at a time: each fails what it must, and nothing else; clean logs fail nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest

from bluezone_harness.findings import Reason, Verdict
from bluezone_harness.results import Result
from bluezone_harness.virtual.contact_logs import simulate_day
from bluezone_reference.profiles import ANDROID_V3, PROFILES
from bluezone_reference.rolling_id_source import RollingIdSource

DAY_MS = 86_400_000
SLOT_MS = 900_000
BASE_DAY_MS = 1_596_844_800_000
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
OTHER_BASE_ID = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"
CONTACT = bytes.fromhex("7C3DEC4246EA6F90E38EA254")

Rows = list[tuple[int, bytes, bytes]]
Judged = Callable[..., Result]
Ids = Callable[..., bytes]
Export = Callable[[Rows], bytes]


class Phone(NamedTuple):
    """What faults are planted into: a good log, its rows and its device file."""

    log: bytes
    rows: Rows
    device: dict[str, object]
    own_id: Ids
    export: Export


@pytest.fixture(scope="session")
def phone(
    good_log: bytes, good_rows: Rows, good_device: dict[str, object], own_id: Ids, export: Export
) -> Phone:
    """Return the phone of the fixtures."""
    return Phone(good_log, good_rows, good_device, own_id, export)


def failures(result: Result) -> set[str]:
    return {each.id for each in result.requirements if each.verdict is Verdict.FAIL}


def doubts(result: Result) -> set[tuple[str, Reason | None]]:
    return {(each.id, each.reason) for each in result.requirements if each.verdict is Verdict.INCONCLUSIVE}


def line_of(phone: Phone, number: int) -> bytes:
    return phone.log.splitlines(keepends=True)[number]


def changed(phone: Phone, number: int, line: bytes) -> bytes:
    lines = phone.log.splitlines(keepends=True)
    lines[number] = line
    return b"".join(lines)


def one_id_altered(phone: Phone) -> bytes:
    line = line_of(phone, 70)
    return changed(phone, 70, (b"1" if line[:1] == b"0" else b"0") + line[1:])


def one_row_doubled(phone: Phone) -> bytes:
    return changed(phone, 70, line_of(phone, 70) * 2)


def one_time_in_seconds(phone: Phone) -> bytes:
    return changed(phone, 70, line_of(phone, 70)[:-4] + b"\n")


def stale_ids(phone: Phone) -> bytes:
    return phone.export([(time_ms, phone.own_id(time_ms - SLOT_MS), each) for time_ms, _, each in phone.rows])


def ids_of_the_next_day(phone: Phone) -> bytes:
    """The clock is set back a day at the start, and the list of the day before that is kept (F-11)."""
    source = RollingIdSource(BASE_ID, BASE_DAY_MS, ANDROID_V3)
    source.rolling_id(BASE_DAY_MS + 4 * DAY_MS)
    return phone.export(
        [(time_ms, source.rolling_id(time_ms), each) for time_ms, _, each in phone.rows[:120]]
    )


def yesterdays_list(phone: Phone) -> bytes:
    """The list of the day before is made at midnight's last millisecond and kept as the new day's (F-13)."""
    source = RollingIdSource(BASE_ID, BASE_DAY_MS, ANDROID_V3)
    midnight = BASE_DAY_MS + 2 * DAY_MS
    source.rolling_id(midnight - 1, reread_ms=midnight)
    late = [
        (time_ms, source.rolling_id(time_ms), each) for time_ms, _, each in phone.rows if time_ms >= midnight
    ]
    return phone.export(late)


def an_unknown_contact(phone: Phone) -> bytes:
    line = line_of(phone, 70)
    return changed(phone, 70, line.replace(line.split(b"\t")[1], b"414243"))


def another_phones_log(phone: Phone) -> bytes:
    return phone.export(
        [(time_ms, phone.own_id(time_ms, base_id=OTHER_BASE_ID), each) for time_ms, _, each in phone.rows]
    )


def one_id_for_ever(phone: Phone) -> bytes:
    return phone.export([(time_ms, phone.rows[0][1], each) for time_ms, _, each in phone.rows])


def a_day_repeated(phone: Phone) -> bytes:
    """Day 2 has the ids of day 1, as with the day key a step behind (F-14b)."""
    first_day = BASE_DAY_MS + 2 * DAY_MS
    return phone.export(
        [
            (time_ms, phone.own_id(time_ms if time_ms < first_day else time_ms - DAY_MS), each)
            for time_ms, _, each in phone.rows
        ]
    )


FAULTS: list[tuple[Callable[[Phone], bytes], set[str]]] = [
    (one_id_altered, {"BZ-LOG-005"}),
    (one_row_doubled, {"BZ-LOG-002"}),
    (one_time_in_seconds, {"BZ-LOG-004"}),
    (lambda phone: phone.log.lower(), {"BZ-LOG-003"}),
    (lambda phone: phone.log.replace(b"\n", b"\r\n"), {"BZ-LOG-003"}),
    (lambda phone: b"\xef\xbb\xbf" + phone.log, {"BZ-LOG-003"}),
    (lambda phone: phone.log.replace(b"\n", b"\n\n", 1), {"BZ-LOG-003"}),
    (lambda phone: phone.log.replace(b"\t", b",", 3), {"BZ-LOG-003"}),
    (stale_ids, {"BZ-LOG-005"}),
    (ids_of_the_next_day, {"BZ-LOG-005"}),
    (yesterdays_list, {"BZ-LOG-005"}),
    (an_unknown_contact, {"BZ-LOG-001", "BZ-LOG-003", "BZ-RCV-002"}),
    (another_phones_log, {"BZ-LOG-005"}),
    (one_id_for_ever, {"BZ-LOG-005", "BZ-PRV-004", "BZ-PRV-005"}),
    (a_day_repeated, {"BZ-LOG-005", "BZ-PRV-004", "BZ-PRV-005"}),
]


@pytest.mark.req(
    "BZ-LOG-001",
    "BZ-LOG-002",
    "BZ-LOG-003",
    "BZ-LOG-004",
    "BZ-LOG-005",
    "BZ-RCV-002",
    "BZ-PRV-004",
    "BZ-PRV-005",
    "F-01",
    "F-11",
    "F-13",
    "F-14b",
    "F-20",
    "F-21",
)
@pytest.mark.parametrize(("plant", "expected"), FAULTS)
def test_a_planted_fault_fails_what_it_must_and_nothing_else(
    phone: Phone, judged: Judged, plant: Callable[[Phone], bytes], expected: set[str]
) -> None:
    octets = plant(phone)
    assert octets != phone.log
    result = judged(octets, device=phone.device)
    assert failures(result) == expected
    assert {each.requirement for each in result.findings if each.verdict is Verdict.FAIL} == expected
    # damage at the end masks nothing of it
    assert failures(judged(octets + phone.log[:31], device=phone.device)) == expected


@pytest.mark.req("BZ-LOG-003")
def test_a_cut_last_line_is_in_doubt_and_fails_nothing(phone: Phone, judged: Judged) -> None:
    for cut in (1, 2, 9, 13, 14, 30, 67):
        result = judged(phone.log[:-cut], device=phone.device)
        assert failures(result) == set()
        assert doubts(result) == {("BZ-LOG-003", Reason.DAMAGED)}
        assert result.partial


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-001")
@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"base_id": OTHER_BASE_ID}, {"BZ-LOG-005"}),
        ({"base_day": "2020-08-07"}, {"BZ-LOG-005"}),
        ({"base_day": "2020-08-09"}, {"BZ-LOG-005"}),
        ({"max": 48}, {"BZ-LOG-005"}),
        ({"base_id": "00" * 32}, {"BZ-LOG-005", "BZ-KEY-001"}),
        ({"base_id": "00" * 31}, {"BZ-KEY-001"}),
    ],
)
def test_a_wrong_device_file_never_passes(
    phone: Phone, judged: Judged, wrong: dict[str, object], expected: set[str]
) -> None:
    result = judged(phone.log, device=phone.device | wrong)
    assert failures(result) == expected
    assert doubts(result) == (
        {("BZ-LOG-005", Reason.EVIDENCE_MISSING)} if wrong == {"base_id": "00" * 31} else set()
    )


def with_history(phone: Phone) -> dict[str, object]:
    """Say that ``max`` became 48 at noon of day 1."""
    device = {
        "name": "phone",
        "platform": "android",
        "bases": [phone.device],
        "max": [{"from": BASE_DAY_MS + DAY_MS + DAY_MS // 2, "value": 48}],
        "foreground": [],
    }
    return {"schema": 1, "devices": [device]}


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-009", "F-10")
def test_a_change_of_max_is_followed_or_found(phone: Phone, judged: Judged) -> None:
    noon = BASE_DAY_MS + DAY_MS + DAY_MS // 2
    rows = [
        (time_ms, phone.own_id(time_ms, 96 if time_ms < noon else 48), each)
        for time_ms, _, each in phone.rows
    ]
    followed = judged(phone.export(rows), device=with_history(phone))
    assert followed.conformance.verdict is Verdict.PASS
    # The protocol itself: subkeys 24 to 47 served from 06:00 to 12:00 already, and serve again when slots grow longer.
    assert failures(followed) == {"BZ-PRV-004", "BZ-PRV-005"}
    assert failures(judged(phone.log, device=with_history(phone))) == {"BZ-LOG-005"}


@pytest.mark.req("BZ-LOG-002", "BZ-LOG-004", "F-01")
def test_a_log_of_ios_is_right_by_its_own_profile(judged: Judged) -> None:
    ios = simulate_day(3, PROFILES["ios-v3"])[0]
    device = json.loads(ios.device_file)
    assert failures(judged(ios.export, device=device)) == {"BZ-LOG-004"}
    own = judged(ios.export, device=device, profile="ios-v3")
    assert failures(own) == set()
    assert own.conformance.verdict is Verdict.PASS
    android = simulate_day(3)[0]
    assert failures(judged(android.export, profile="ios-v3")) == {"BZ-LOG-004"}


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-002", "BZ-LOG-003", "BZ-LOG-004", "BZ-LOG-005")
def test_an_empty_log_passes_nothing(phone: Phone, judged: Judged) -> None:
    result = judged(b"", device=phone.device)
    assert failures(result) == set()
    passes = {each.id for each in result.requirements if each.verdict is Verdict.PASS}
    assert passes == {"BZ-KEY-001"}
    assert {reason for _, reason in doubts(result)} == {Reason.TOO_FEW_PACKETS}
    assert result.conformance.verdict is Verdict.INCONCLUSIVE


@pytest.mark.req("BZ-PRV-007", "F-15")
def test_the_ids_of_an_empty_base_id_are_found_without_a_key(phone: Phone, judged: Judged) -> None:
    source = RollingIdSource(b"", BASE_DAY_MS, PROFILES["ios-v3"])
    rows = [(time_ms, source.rolling_id(time_ms), CONTACT) for time_ms, _, _ in phone.rows]
    result = judged(phone.export(rows))
    assert failures(result) == {"BZ-PRV-005", "BZ-PRV-004", "BZ-PRV-007"}


@pytest.mark.req("BZ-LOG-005", "BZ-PRV-004", "BZ-PRV-005", "BZ-PRV-007")
@pytest.mark.parametrize("seed", range(50))
def test_clean_days_fail_nothing(judged: Judged, seed: int) -> None:
    profile = ("v3", "android-v3", "v3-hardened", "ios-v3", "v2")[seed % 5]
    for phone in simulate_day(seed, PROFILES[profile])[:2]:
        result = judged(phone.export, device=json.loads(phone.device_file), profile=profile)
        assert failures(result) == set()
        assert doubts(result) == set()
        assert result.findings == ()


@pytest.mark.req("BZ-LOG-005", "BZ-PRV-004", "BZ-PRV-005")
def test_a_clean_day_without_a_key_fails_nothing(judged: Judged) -> None:
    result = judged(simulate_day(99)[0].export)
    assert failures(result) == set()
    assert result.conformance.verdict is Verdict.PASS
