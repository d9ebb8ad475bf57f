"""Faults planted one at a time: each fails what it must, and nothing else; clean logs fail nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import pytest

from bluezone_harness.findings import Reason, Verdict
from bluezone_harness.results import Result
from bluezone_harness.virtual.contact_logs import simulate_day
from bluezone_harness.virtual.log_faults import LOG_FAULTS, GoodLog, database_of
from bluezone_reference.profiles import PROFILES

DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
OTHER_BASE_ID = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"

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


def good(phone: Phone) -> GoodLog:
    """Return the good log with its ids and its octets made by the fixtures, without the reference."""
    return GoodLog(
        BASE_ID,
        BASE_DAY_MS,
        tuple(phone.rows),
        lambda time_ms, base_id: phone.own_id(time_ms, base_id=base_id.hex()),
        lambda rows: phone.export(list(rows)),
    )


@pytest.mark.req(
    "BZ-LOG-001",
    "BZ-LOG-002",
    "BZ-LOG-003",
    "BZ-LOG-004",
    "BZ-LOG-005",
    "BZ-RCV-002",
    "BZ-PRV-004",
    "BZ-PRV-005",
    "BZ-PRV-007",
    "BZ-PRV-016",
    "BZ-PRV-017",
    "F-01",
    "F-11",
    "F-13",
    "F-14b",
    "F-15",
    "F-20",
    "F-21",
    "F-23",
)
@pytest.mark.parametrize("name", LOG_FAULTS)
def test_a_planted_fault_fails_what_it_must_and_nothing_else(phone: Phone, judged: Judged, name: str) -> None:
    fault = LOG_FAULTS[name]
    octets = fault.plant(good(phone))
    assert octets != phone.log
    expected = {fault.requirement, *fault.breaks}
    device = phone.device if fault.has_key else None
    result = judged(octets, device=device)
    assert failures(result) == expected
    assert {each.requirement for each in result.findings if each.verdict is Verdict.FAIL} == expected
    if not octets.startswith(b"SQLite"):
        # damage at the end masks nothing of it
        assert failures(judged(octets + phone.log[:31], device=device)) == expected


def test_the_good_log_is_the_one_that_the_fixtures_made(phone: Phone, judged: Judged) -> None:
    log = good(phone)
    assert log.octets == phone.log
    for device in (phone.device, None):
        assert failures(judged(log.octets, device=device)) == set()
        assert failures(judged(database_of(log.rows), device=device)) == set()


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
