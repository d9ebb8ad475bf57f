"""Ids on the air that are not those of the key: each fault fails under its requirement."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from bluezone_harness.findings import Reason, Verdict
from bluezone_harness.results import Result
from bluezone_harness.sightings import Sighting

DAY_MS = 86_400_000
SLOT_MS = 900_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
DAY_5_MS = BASE_DAY_MS + 5 * DAY_MS
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)
DEVICE: dict[str, object] = {"base_id": BASE_ID, "base_day": "2020-08-08"}
HOUR_MS = 3_600_000
Sends = Callable[..., list[Sighting]]
Air = Callable[..., Result]
Ids = Callable[[int], bytes]
Schedule = Callable[..., Ids]
Failing = Callable[[Result], set[str]]

FAULTS: dict[str, tuple[dict[str, object], set[str]]] = {
    "corrected salt": ({"salt": b"bluezonesubkey"}, {"BZ-KEY-004"}),
    "no salt": ({"salt": b""}, {"BZ-KEY-004"}),
    "first octets": ({"positions": tuple(range(12))}, {"BZ-KEY-005"}),
    "reversed octets": ({"positions": POSITIONS[::-1]}, {"BZ-KEY-005"}),
    "local time": ({"shift_ms": 7 * HOUR_MS}, {"BZ-KEY-002"}),
    "local time, half an hour": ({"shift_ms": -3 * HOUR_MS - HOUR_MS // 2}, {"BZ-KEY-002"}),
    "one slot late": ({"shift_ms": -SLOT_MS}, {"BZ-KEY-006"}),
    "one slot early": ({"shift_ms": SLOT_MS}, {"BZ-KEY-006"}),
    "144 slots": ({"count": 144}, {"BZ-KEY-006"}),
    "day step": ({"lag": 1}, {"BZ-KEY-003"}),
    "no day step": ({"lag": 100}, {"BZ-KEY-003"}),
    "base day three days off": ({"base_day_ms": BASE_DAY_MS - 3 * DAY_MS}, {"BZ-KEY-002"}),
    "v2": ({"lag": 1, "count": 144}, {"BZ-KEY-003", "BZ-KEY-006"}),
}
"""What of the schedule is wrong, and which requirements say so."""


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006", "F-14b")
@pytest.mark.parametrize("strangers", [False, True])
@pytest.mark.parametrize("name", FAULTS)
def test_a_systematic_fault_fails_under_its_requirement_alone(
    schedule: Schedule, failing: Failing, sends: Sends, air: Air, name: str, strangers: bool
) -> None:
    rules, wanted = FAULTS[name]
    ids = schedule(**rules)
    midnight_ms = DAY_5_MS + DAY_MS
    for phase_ms in (0, 4_000, 21_000):
        heard = sends(midnight_ms - 2 * HOUR_MS, midnight_ms + 2 * HOUR_MS, ids=ids, phase_ms=phase_ms)
        if strangers:
            other = schedule(base_id=b"\x5a" * 31 + b"\x01")
            heard += sends(
                midnight_ms - HOUR_MS, midnight_ms, ids=other, phase_ms=9_000, first_address=70_000
            )
        result = air(heard, device=DEVICE)
        found = failing(result)
        assert {each for each in found if each[3:6] in ("KEY", "ADV")} == wanted | {"BZ-ADV-004"}
        assert str(result.conformance.verdict) == "fail"


@pytest.mark.req("BZ-KEY-008", "F-12")
def test_ids_before_the_base_day_fail(schedule: Schedule, failing: Failing, sends: Sends, air: Air) -> None:
    day_0 = schedule()
    heard = sends(
        BASE_DAY_MS - 3 * HOUR_MS,
        BASE_DAY_MS - HOUR_MS,
        ids=lambda time_ms: day_0(BASE_DAY_MS + time_ms % DAY_MS),
    )
    assert failing(air(heard, device=DEVICE)) == {"BZ-KEY-008", "BZ-ADV-004"}


@pytest.mark.req("BZ-KEY-009", "F-10")
@pytest.mark.parametrize("told", [True, False])
def test_a_list_that_outlives_a_change_of_max_fails(
    schedule: Schedule, failing: Failing, sends: Sends, air: Air, told: bool
) -> None:
    change_ms = DAY_5_MS + 10 * HOUR_MS
    device = {
        "schema": 1,
        "devices": [
            {
                "name": "phone",
                "platform": "android",
                "bases": [{"base_id": BASE_ID, "base_day": "2020-08-08"}],
                "max": [{"from": change_ms, "value": 144}] if told else [],
                "foreground": [],
            }
        ],
    }
    old, new = schedule(), schedule(count=144)
    right = sends(
        change_ms - HOUR_MS,
        change_ms + HOUR_MS,
        ids=lambda time_ms: (new if told and time_ms >= change_ms else old)(time_ms),
    )
    assert failing(air(right, device=device)) == set()
    stale = sends(
        change_ms - HOUR_MS,
        change_ms + HOUR_MS,
        ids=lambda time_ms: (old if told or time_ms < change_ms else new)(time_ms),
    )
    found = {each for each in failing(air(stale, device=device)) if each[3:6] != "PRV"}
    assert found == {"BZ-KEY-009", "BZ-ADV-004"}


@pytest.mark.req("BZ-KEY-009", "F-11", "F-13")
@pytest.mark.parametrize("days", [1, -1])
def test_a_list_of_another_day_fails(
    right_id: Ids, failing: Failing, sends: Sends, air: Air, days: int
) -> None:
    from_ms = DAY_5_MS + (12 * HOUR_MS if days == 1 else DAY_MS)
    heard = sends(
        from_ms - HOUR_MS,
        from_ms + 2 * HOUR_MS,
        ids=lambda time_ms: right_id(time_ms + (days * DAY_MS if time_ms >= from_ms else 0)),
        phase_ms=23_000,
    )
    assert {each for each in failing(air(heard, device=DEVICE)) if each[3:6] != "PRV"} == {
        "BZ-KEY-009",
        "BZ-ADV-004",
    }


@pytest.mark.req("BZ-KEY-010", "F-14")
def test_a_base_id_that_was_not_saved_fails(
    schedule: Schedule, right_id: Ids, failing: Failing, sends: Sends, air: Air
) -> None:
    unsaved = schedule(base_id=b"\x31" * 31 + b"\x07")
    heard = sends(
        BASE_DAY_MS + 23 * HOUR_MS,
        BASE_DAY_MS + 25 * HOUR_MS,
        ids=lambda time_ms: (unsaved if time_ms < BASE_DAY_MS + DAY_MS else right_id)(time_ms),
    )
    result = air(heard, device=DEVICE)
    assert failing(result) == {"BZ-KEY-010", "BZ-ADV-004"}
    assert any("(F-14)" in each.summary for each in result.findings)


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006")
def test_beside_ids_from_nowhere_right_ones_of_the_same_day_show_nothing(
    schedule: Schedule, right_id: Ids, sends: Sends, air: Air
) -> None:
    unsaved = schedule(base_id=b"\x31" * 31 + b"\x07")
    half_ms = BASE_DAY_MS + 10 * HOUR_MS
    heard = sends(
        half_ms - HOUR_MS,
        half_ms + HOUR_MS,
        ids=lambda time_ms: (unsaved if time_ms < half_ms else right_id)(time_ms),
    )
    said = {each.id: each for each in air(heard, device=DEVICE).requirements}
    for number in range(2, 7):
        found = said[f"BZ-KEY-00{number}"]
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
        assert "120 of 240 on-windows with ids that do not show it: of another base id" in found.summary


@pytest.mark.req("BZ-KEY-001", "F-15")
def test_the_empty_base_id_is_recognised(failing: Failing, sends: Sends, air: Air) -> None:
    subkey = sha256(b"bluzonesubkey").digest()
    ids: list[bytes] = []
    for _ in range(96):
        ids.append(bytes(subkey[position] for position in POSITIONS))
        subkey = sha256(subkey).digest()
    heard = sends(DAY_5_MS, DAY_5_MS + 2 * HOUR_MS, ids=lambda time_ms: ids[time_ms % DAY_MS // SLOT_MS])
    assert {"BZ-KEY-001", "BZ-KEY-010", "BZ-ADV-004"} <= failing(air(heard, device=DEVICE))
    assert "BZ-KEY-001" in failing(air(heard))
    empty = {"base_id": "", "base_day": "2020-08-08"}
    assert "BZ-KEY-001" in failing(air(heard, device=empty))


@pytest.mark.req("BZ-KEY-010")
def test_a_base_id_that_was_replaced_is_used_no_more(
    schedule: Schedule, right_id: Ids, failing: Failing, sends: Sends, air: Air
) -> None:
    change_ms = DAY_5_MS + 10 * HOUR_MS
    second = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"
    device = {
        "schema": 1,
        "devices": [
            {
                "name": "phone",
                "platform": "android",
                "bases": [
                    {"base_id": BASE_ID, "base_day": "2020-08-08"},
                    {"base_id": second, "base_day": "2020-08-13", "from": change_ms},
                ],
                "max": [],
                "foreground": [],
            }
        ],
    }
    new = schedule(base_id=bytes.fromhex(second), base_day_ms=DAY_5_MS)

    def renewed(time_ms: int) -> bytes:
        return (new if time_ms >= change_ms else right_id)(time_ms)

    from_ms, to_ms = change_ms - HOUR_MS, change_ms + HOUR_MS
    assert failing(air(sends(from_ms, to_ms, ids=renewed), device=device)) == set()
    assert failing(air(sends(from_ms, to_ms, ids=right_id), device=device)) == {"BZ-KEY-010", "BZ-ADV-004"}


@pytest.mark.req("BZ-KEY-006", "BZ-KEY-009")
def test_ids_of_no_pattern_fail_where_they_are_from(
    right_id: Ids, failing: Failing, sends: Sends, air: Air
) -> None:
    def other_slot(time_ms: int) -> bytes:
        slot = time_ms // SLOT_MS
        return right_id(time_ms - time_ms % DAY_MS + (slot * 7 % 96) * SLOT_MS)

    def other_day(time_ms: int) -> bytes:
        return other_slot(time_ms - (1 + time_ms // SLOT_MS % 3) * DAY_MS)

    for ids, wanted in ((other_slot, "BZ-KEY-006"), (other_day, "BZ-KEY-009")):
        result = air(sends(DAY_5_MS + HOUR_MS, DAY_5_MS + 3 * HOUR_MS, ids=ids), device=DEVICE)
        assert {each for each in failing(result) if each[3:6] != "PRV"} == {wanted, "BZ-ADV-004"}
