"""Ids on the air against the key: correct phones never fail, and each fault fails under its requirement."""

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
NEW_YEAR_MS = 1_609_459_200_000  # 2021-01-01
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)
DEVICE: dict[str, object] = {"base_id": BASE_ID, "base_day": "2020-08-08"}
HOUR_MS = 3_600_000

Sends = Callable[..., list[Sighting]]
Air = Callable[..., Result]
Verdicts = Callable[[Result], dict[str, str]]
Ids = Callable[[int], bytes]


def schedule(
    salt: bytes = b"bluzonesubkey",
    positions: tuple[int, ...] = POSITIONS,
    lag: int = 0,
    count: int = 96,
    base_id: bytes = bytes.fromhex(BASE_ID),
    base_day_ms: int = BASE_DAY_MS,
    shift_ms: int = 0,
) -> Ids:
    """Return the ids of a schedule that may be wrong, by hashlib alone."""
    days: dict[int, list[bytes]] = {}

    def rolling_id(time_ms: int) -> bytes:
        time_ms += shift_ms
        day = (time_ms - base_day_ms) // DAY_MS
        if day not in days:
            key = base_id
            for _ in range(max(0, day - lag)):
                key = sha256(key).digest()
            subkey = sha256(key + salt).digest()
            days[day] = []
            for _ in range(count):
                days[day].append(bytes(subkey[position] for position in positions))
                subkey = sha256(subkey).digest()
        return days[day][time_ms % DAY_MS * count // DAY_MS]

    return rolling_id


RIGHT = schedule()


def failing(result: Result) -> set[str]:
    return {each.id for each in result.requirements if each.verdict == "fail"}


# --- correct phones ---


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-006", "BZ-ADV-004", "BZ-ADV-005", "F-25")
@pytest.mark.parametrize("phase_ms", range(0, 30_000, 600))
def test_a_correct_phone_at_every_offset_of_its_windows(
    sends: Sends, air: Air, verdicts: Verdicts, phase_ms: int
) -> None:
    midnight_ms = DAY_5_MS + DAY_MS
    heard = sends(midnight_ms - HOUR_MS, midnight_ms + HOUR_MS, ids=RIGHT, phase_ms=phase_ms)
    result = air(heard, device=DEVICE)
    assert failing(result) == set()
    found = verdicts(result)
    judged = (2, 3, 4, 5, 6, 9, 10)
    assert [found[f"BZ-KEY-{number:03d}"] for number in judged] == ["pass"] * len(judged)
    assert [found[f"BZ-ADV-{number:03d}"] for number in (1, 2, 3, 4, 5, 6, 7, 8)] == ["pass"] * 8
    assert str(result.conformance.verdict) == "pass"
    (device,) = result.devices
    assert (device.matched, device.sightings, device.clock_offset_ms) == (len(heard), len(heard), 0)


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-005")
@pytest.mark.parametrize("phase_ms", range(0, 155_000, 7_000))
def test_a_correct_phone_whose_app_is_opened_and_left(sends: Sends, air: Air, phase_ms: int) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    opened = [(slot_end_ms - 300_000 + phase_ms, slot_end_ms + 400_000)]
    left = [(slot_end_ms - 400_000, slot_end_ms - 150_000 + phase_ms)]
    for open_ms in (opened, left):
        heard = sends(slot_end_ms - HOUR_MS, slot_end_ms + HOUR_MS, ids=RIGHT, open_ms=open_ms)
        assert failing(air(heard, device=DEVICE)) == set()


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-004", "BZ-ADV-005")
@pytest.mark.parametrize("offset_ms", [-44_000, -20_000, -300, 300, 20_000, 44_000])
def test_a_constant_clock_offset_is_allowed_for_and_reported(sends: Sends, air: Air, offset_ms: int) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 12 * HOUR_MS, ids=RIGHT, offset_ms=offset_ms, off_ms=15_170)
    result = air(heard, device=DEVICE)
    assert failing(result) == set()
    estimated_ms = result.devices[0].clock_offset_ms
    assert estimated_ms is not None
    assert abs(estimated_ms - offset_ms) < 1_500


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-004")
@pytest.mark.parametrize("offset_ms", [-200_000, -75_000, 75_000, 200_000])
def test_a_greater_clock_offset_fails_and_is_named(sends: Sends, air: Air, offset_ms: int) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 6 * HOUR_MS, ids=RIGHT, offset_ms=offset_ms, off_ms=15_170)
    result = air(heard, device=DEVICE)
    assert failing(result) == {"BZ-KEY-006", "BZ-ADV-004"}
    (summary,) = {each.summary for each in result.findings if each.requirement == "BZ-KEY-006"}
    assert f"{'ahead' if offset_ms > 0 else 'behind'}" in summary


@pytest.mark.req("BZ-KEY-006")
def test_the_device_files_clock_offset_overrides_the_estimate(sends: Sends, air: Air) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 2 * HOUR_MS, ids=RIGHT, offset_ms=120_000)
    device = {
        "schema": 1,
        "devices": [
            {
                "name": "phone",
                "platform": "android",
                "clock_offset_ms": 120_000,
                "bases": [{"base_id": BASE_ID, "base_day": "2020-08-08"}],
                "max": [],
                "foreground": [],
            }
        ],
    }
    result = air(heard, device=device)
    assert failing(result) == set()
    assert result.devices[0].clock_offset_ms == 120_000


@pytest.mark.req("BZ-KEY-009", "BZ-ADV-004")
def test_a_correct_phone_at_years_end_and_after_hours_of_silence(sends: Sends, air: Air) -> None:
    heard = [
        *sends(NEW_YEAR_MS - 3 * HOUR_MS, NEW_YEAR_MS - 2 * HOUR_MS, ids=RIGHT),
        *sends(NEW_YEAR_MS - 60_000, NEW_YEAR_MS + HOUR_MS, ids=RIGHT, first_address=5000, phase_ms=7000),
        *sends(NEW_YEAR_MS + 6 * HOUR_MS, NEW_YEAR_MS + 7 * HOUR_MS, ids=RIGHT, first_address=9000),
    ]
    result = air(heard, device=DEVICE)
    assert failing(result) == set()
    assert str(result.conformance.verdict) == "pass"


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-005")
def test_two_receivers_one_of_which_hears_the_end_only(
    sends: Sends, sighting: Callable[..., Sighting], air: Air
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    heard = sends(slot_end_ms - 600_000, slot_end_ms - 20_000, ids=RIGHT, receiver="near")
    heard += sends(slot_end_ms + 20_000, slot_end_ms + 600_000, ids=RIGHT, receiver="near", first_address=900)
    old = RIGHT(slot_end_ms - 1)
    crossing = {"address": "4B:11:11:11:11:11", "number": 5}
    heard.append(sighting(slot_end_ms - 7_000, old, receiver="near", **crossing))
    heard.append(sighting(slot_end_ms + 4_000, old, receiver="far", seconds=4, **crossing))
    assert failing(air(heard, device=DEVICE)) == set()


@pytest.mark.req("BZ-ADV-005")
@pytest.mark.parametrize("kind", ["seen", "capture begins", "gap", "came into range", "lost adverts"])
def test_an_on_window_whose_beginning_was_missed_is_judged_by_its_end(
    sends: Sends, sighting: Callable[..., Sighting], air: Air, kind: str
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    old = RIGHT(slot_end_ms - 1)
    # on-windows that begin with their slots: no clock offset explains the late one
    before = sends(slot_end_ms - 2 * HOUR_MS, slot_end_ms - 25_000, ids=RIGHT)
    after = sends(slot_end_ms + 30_000, slot_end_ms + 2 * HOUR_MS, ids=RIGHT, first_address=900)
    gaps: list[tuple[int, int]] = []
    from_ms = slot_end_ms - 3 * HOUR_MS
    if kind == "capture begins":
        before, from_ms = [], slot_end_ms + 3_000
    elif kind == "gap":
        gaps = [(slot_end_ms - 5_000, slot_end_ms + 4_000)]
    elif kind == "came into range":
        before = before[:-3]
    elif kind == "lost adverts":
        before.append(sighting(slot_end_ms - 8_000, old, address="4B:11:11:11:11:11", seconds=3))

    def late(seconds: float) -> set[str]:
        window = sighting(slot_end_ms + 5_000, old, address="4B:11:11:11:11:11", seconds=seconds)
        found = failing(air([*before, window, *after], device=DEVICE, from_ms=from_ms, gaps=gaps))
        return {each for each in found if each[3:6] != "PRV"}

    all_late = {"BZ-ADV-004", "BZ-ADV-005", "BZ-KEY-006"}
    assert late(9) == (all_late if kind == "seen" else set())
    assert "BZ-ADV-005" in late(180)


@pytest.mark.req("BZ-ADV-004", "BZ-KEY-010")
def test_strangers_are_counted_and_never_fail(sends: Sends, air: Air) -> None:
    other = schedule(base_id=b"\x5a" * 31 + b"\x01")
    named = sends(DAY_5_MS, DAY_5_MS + 2 * HOUR_MS, ids=other, phase_ms=11_000, first_address=70_000)
    heard = sends(DAY_5_MS, DAY_5_MS + 2 * HOUR_MS, ids=RIGHT)
    result = air([*heard, *named], device=DEVICE)
    assert failing(result) == set()
    assert result.devices[0].sightings == len(heard)


@pytest.mark.req("BZ-ADV-004", "BZ-KEY-010")
def test_somebody_who_passes_in_a_pause_is_not_the_device(
    sends: Sends, sighting: Callable[..., Sighting], air: Air
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    heard = sends(slot_end_ms - HOUR_MS, slot_end_ms, ids=RIGHT)
    heard += sends(slot_end_ms + 15_000, slot_end_ms + HOUR_MS, ids=RIGHT, first_address=900)
    heard.append(sighting(slot_end_ms + 2_000, b"\x77" * 12, seconds=5, address="5C:00:00:00:00:09"))
    assert failing(air(heard, device=DEVICE)) == set()


# --- nothing to judge, and nobody to judge ---


@pytest.mark.req("BZ-KEY-010", "BZ-ADV-001")
def test_an_empty_capture_and_other_apps_never_pass(
    sighting: Callable[..., Sighting], air: Air, verdicts: Verdicts
) -> None:
    other = [sighting(DAY_5_MS + 1000 * n, b"\x02\x01\x06\x03\x03\x6f\xfd", seconds=0.5) for n in range(50)]
    for heard in ([], other):
        for device in (None, DEVICE):
            result = air(heard, device=device)
            found = verdicts(result)
            assert str(result.conformance.verdict) == "inconclusive"
            assert {found[f"BZ-ADV-{number:03d}"] for number in (1, 2, 3, 6, 7)} == {"inconclusive"}
            assert found["BZ-KEY-004"] == ("inconclusive" if device else "not_observable")
            assert found["BZ-ADV-010"] == "not_observable"


@pytest.mark.req("BZ-KEY-010", "BZ-ADV-004")
def test_a_build_whose_ids_match_nothing_fails_if_it_is_alone(
    sends: Sends, air: Air, verdicts: Verdicts
) -> None:
    other = schedule(base_id=b"\x5a" * 31 + b"\x01")
    result = air(sends(DAY_5_MS, DAY_5_MS + 2 * HOUR_MS, ids=other), device=DEVICE)
    assert failing(result) == {"BZ-KEY-010", "BZ-ADV-004"}
    found = verdicts(result)
    assert {found[f"BZ-KEY-{number:03d}"] for number in (2, 3, 4, 5, 6, 9)} == {"inconclusive"}


@pytest.mark.req("BZ-KEY-010", "BZ-ADV-004")
def test_of_several_senders_that_match_nothing_none_is_judged(sends: Sends, air: Air) -> None:
    others = [
        each
        for number, phase_ms in ((1, 0), (2, 6_000))
        for each in sends(
            DAY_5_MS,
            DAY_5_MS + HOUR_MS,
            ids=schedule(base_id=bytes([number]) * 31 + b"\x00"),
            phase_ms=phase_ms,
            first_address=number * 10_000,
        )
    ]
    result = air(others, device=DEVICE)
    assert failing(result) == set()
    reasons = {each.id: each.reason for each in result.requirements if each.verdict == "inconclusive"}
    assert {reasons[f"BZ-KEY-{number:03d}"] for number in (2, 3, 4, 5, 6, 9, 10)} == {"device_not_identified"}
    assert {reasons[f"BZ-ADV-{number:03d}"] for number in (1, 2, 3, 4, 5)} == {"device_not_identified"}
    assert result.devices[0].sightings == 0


@pytest.mark.req("BZ-KEY-010", "BZ-ADV-004")
def test_two_that_passed_at_different_hours_are_not_one_device(sends: Sends, air: Air) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 300_000, ids=schedule(base_id=b"\x01" * 31 + b"\x00"))
    heard += sends(
        DAY_5_MS + 5 * HOUR_MS,
        DAY_5_MS + 5 * HOUR_MS + 300_000,
        ids=schedule(base_id=b"\x02" * 31 + b"\x00"),
        first_address=900,
    )
    assert failing(air(heard, device=DEVICE)) == set()


@pytest.mark.req("BZ-KEY-003", "BZ-KEY-006", "BZ-KEY-009")
def test_a_short_capture_leaves_open_what_it_cannot_show(sends: Sends, air: Air, verdicts: Verdicts) -> None:
    found = verdicts(air(sends(BASE_DAY_MS, BASE_DAY_MS + 600_000, ids=RIGHT), device=DEVICE))
    assert {each for each in found if found[each] == "fail"} == set()
    unsupported = ["BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-006", "BZ-KEY-009", "BZ-ADV-005"]
    assert [found[each] for each in unsupported] == ["inconclusive"] * 5
    assert [found[each] for each in ("BZ-KEY-002", "BZ-KEY-005", "BZ-KEY-010", "BZ-ADV-004")] == ["pass"] * 4
    assert found["BZ-KEY-008"] == "not_observable"


# --- planted faults ---


def v2_build(time_ms: int) -> bytes:
    return schedule(lag=1, count=144)(time_ms)


FAULTS: dict[str, tuple[Ids, set[str]]] = {
    "corrected salt": (schedule(salt=b"bluezonesubkey"), {"BZ-KEY-004"}),
    "no salt": (schedule(salt=b""), {"BZ-KEY-004"}),
    "first octets": (schedule(positions=tuple(range(12))), {"BZ-KEY-005"}),
    "reversed octets": (schedule(positions=POSITIONS[::-1]), {"BZ-KEY-005"}),
    "local time": (schedule(shift_ms=7 * HOUR_MS), {"BZ-KEY-002"}),
    "local time, half an hour": (schedule(shift_ms=-3 * HOUR_MS - HOUR_MS // 2), {"BZ-KEY-002"}),
    "one slot late": (schedule(shift_ms=-SLOT_MS), {"BZ-KEY-006"}),
    "one slot early": (schedule(shift_ms=SLOT_MS), {"BZ-KEY-006"}),
    "144 slots": (schedule(count=144), {"BZ-KEY-006"}),
    "day step": (schedule(lag=1), {"BZ-KEY-003"}),
    "no day step": (schedule(lag=100), {"BZ-KEY-003"}),
    "base day three days off": (schedule(base_day_ms=BASE_DAY_MS - 3 * DAY_MS), {"BZ-KEY-002"}),
    "v2": (v2_build, {"BZ-KEY-003", "BZ-KEY-006"}),
}


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006", "F-14b")
@pytest.mark.parametrize("strangers", [False, True])
@pytest.mark.parametrize("name", FAULTS)
def test_a_systematic_fault_fails_under_its_requirement_alone(
    sends: Sends, air: Air, name: str, strangers: bool
) -> None:
    ids, wanted = FAULTS[name]
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
def test_ids_before_the_base_day_fail(sends: Sends, air: Air) -> None:
    day_0 = schedule()
    heard = sends(
        BASE_DAY_MS - 3 * HOUR_MS,
        BASE_DAY_MS - HOUR_MS,
        ids=lambda time_ms: day_0(BASE_DAY_MS + time_ms % DAY_MS),
    )
    assert failing(air(heard, device=DEVICE)) == {"BZ-KEY-008", "BZ-ADV-004"}


@pytest.mark.req("BZ-KEY-009", "F-10")
@pytest.mark.parametrize("told", [True, False])
def test_a_list_that_outlives_a_change_of_max_fails(sends: Sends, air: Air, told: bool) -> None:
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
def test_a_list_of_another_day_fails(sends: Sends, air: Air, days: int) -> None:
    from_ms = DAY_5_MS + (12 * HOUR_MS if days == 1 else DAY_MS)
    heard = sends(
        from_ms - HOUR_MS,
        from_ms + 2 * HOUR_MS,
        ids=lambda time_ms: RIGHT(time_ms + (days * DAY_MS if time_ms >= from_ms else 0)),
        phase_ms=23_000,
    )
    assert {each for each in failing(air(heard, device=DEVICE)) if each[3:6] != "PRV"} == {
        "BZ-KEY-009",
        "BZ-ADV-004",
    }


@pytest.mark.req("BZ-KEY-010", "F-14")
def test_a_base_id_that_was_not_saved_fails(sends: Sends, air: Air) -> None:
    unsaved = schedule(base_id=b"\x31" * 31 + b"\x07")
    heard = sends(
        BASE_DAY_MS + 23 * HOUR_MS,
        BASE_DAY_MS + 25 * HOUR_MS,
        ids=lambda time_ms: (unsaved if time_ms < BASE_DAY_MS + DAY_MS else RIGHT)(time_ms),
    )
    result = air(heard, device=DEVICE)
    assert failing(result) == {"BZ-KEY-010", "BZ-ADV-004"}
    assert any("(F-14)" in each.summary for each in result.findings)


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006")
def test_beside_ids_from_nowhere_right_ones_of_the_same_day_show_nothing(sends: Sends, air: Air) -> None:
    unsaved = schedule(base_id=b"\x31" * 31 + b"\x07")
    half_ms = BASE_DAY_MS + 10 * HOUR_MS
    heard = sends(
        half_ms - HOUR_MS,
        half_ms + HOUR_MS,
        ids=lambda time_ms: (unsaved if time_ms < half_ms else RIGHT)(time_ms),
    )
    said = {each.id: each for each in air(heard, device=DEVICE).requirements}
    for number in range(2, 7):
        found = said[f"BZ-KEY-00{number}"]
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
        assert "120 of 240 on-windows with ids that do not show it: of another base id" in found.summary


@pytest.mark.req("BZ-KEY-001", "F-15")
def test_the_empty_base_id_is_recognised(sends: Sends, air: Air) -> None:
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


# --- lateness ---


@pytest.mark.req("BZ-ADV-005", "F-25")
def test_on_windows_that_begin_late_by_amounts_that_vary_fail(sends: Sends, air: Air) -> None:
    late_ms = (200_000, 60_000, 400_000, 0, 90_000, 250_000)

    def ids(time_ms: int) -> bytes:
        begin_ms = time_ms - time_ms % SLOT_MS
        late = time_ms - begin_ms < late_ms[begin_ms // SLOT_MS % len(late_ms)]
        return RIGHT(begin_ms - 1 if late else time_ms)

    result = air(sends(DAY_5_MS, DAY_5_MS + 3 * HOUR_MS, ids=ids), device=DEVICE)
    assert {each for each in failing(result) if each[3:6] != "PRV"} == {
        "BZ-ADV-005",
        "BZ-ADV-004",
        "BZ-KEY-006",
    }
    assert result.devices[0].clock_offset_ms == 0


@pytest.mark.req("BZ-ADV-005", "F-25", "F-27")
@pytest.mark.parametrize(
    ("seconds", "fails"), [(150, False), (164.9, False), (166, True), (400, True), (3000, True)]
)
def test_an_on_window_that_goes_on_too_long_fails(
    sends: Sends, sighting: Callable[..., Sighting], air: Air, seconds: float, fails: bool
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    begin_ms = slot_end_ms - 10_000
    heard = sends(slot_end_ms - HOUR_MS, begin_ms - 10_000, ids=RIGHT)
    heard.append(sighting(begin_ms, RIGHT(begin_ms), seconds=seconds, address="4B:11:11:11:11:11"))
    until_ms = begin_ms + round(seconds * 1000)
    heard += sends(until_ms + 10_000, until_ms + HOUR_MS, ids=RIGHT, first_address=900)
    result = air(heard, device=DEVICE)
    assert ("BZ-ADV-005" in failing(result)) is fails
    assert failing(result) & {"BZ-ADV-004", "BZ-KEY-006"} == set()
    if fails:
        (found,) = [each for each in result.findings if each.requirement == "BZ-ADV-005"]
        assert "Doze" in found.summary
        assert "F-27" in found.summary


@pytest.mark.req("BZ-ADV-005")
@pytest.mark.parametrize(
    ("foreground", "fails"), [(None, False), (True, False), ("then", False), ("before", True)]
)
def test_the_foreground_is_known_where_the_device_file_tells(
    sends: Sends, sighting: Callable[..., Sighting], air: Air, foreground: object, fails: bool
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    begin_ms = slot_end_ms - 10_000
    heard = sends(slot_end_ms - HOUR_MS, begin_ms - 10_000, ids=RIGHT)
    heard.append(sighting(begin_ms, RIGHT(begin_ms), seconds=100, address="4B:11:11:11:11:11"))
    heard += sends(begin_ms + 120_000, begin_ms + HOUR_MS, ids=RIGHT, first_address=900)
    spans = {
        "then": [{"from": begin_ms, "to": begin_ms + 90_000}],
        "before": [{"from": begin_ms - 900_000, "to": begin_ms - 600_000}],
    }
    device = dict(DEVICE)
    if foreground is not None:
        device["foreground"] = spans.get(str(foreground), foreground)
    assert ("BZ-ADV-005" in failing(air(heard, device=device))) is fails


@pytest.mark.req("BZ-ADV-004")
def test_an_id_that_changes_within_an_on_window_fails(
    sends: Sends, sighting: Callable[..., Sighting], air: Air
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    heard = sends(slot_end_ms - HOUR_MS, slot_end_ms - 40_000, ids=RIGHT)
    heard.append(
        sighting(slot_end_ms - 7_000, RIGHT(slot_end_ms - 1), seconds=6.9, address="4B:11:11:11:11:11")
    )
    heard.append(sighting(slot_end_ms, RIGHT(slot_end_ms), seconds=8, address="4B:11:11:11:11:11"))
    heard += sends(slot_end_ms + 30_000, slot_end_ms + HOUR_MS, ids=RIGHT, first_address=900)
    assert {each for each in failing(air(heard, device=DEVICE)) if each[3:6] != "PRV"} == {"BZ-ADV-004"}


@pytest.mark.req("BZ-KEY-010")
def test_a_base_id_that_was_replaced_is_used_no_more(sends: Sends, air: Air) -> None:
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
        return (new if time_ms >= change_ms else RIGHT)(time_ms)

    from_ms, to_ms = change_ms - HOUR_MS, change_ms + HOUR_MS
    assert failing(air(sends(from_ms, to_ms, ids=renewed), device=device)) == set()
    assert failing(air(sends(from_ms, to_ms, ids=RIGHT), device=device)) == {"BZ-KEY-010", "BZ-ADV-004"}


@pytest.mark.req("BZ-ADV-005", "F-27")
def test_a_set_that_is_never_stopped_is_no_other_slot(
    sends: Sends, sighting: Callable[..., Sighting], air: Air
) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + HOUR_MS, ids=RIGHT)
    old = RIGHT(DAY_5_MS)
    for at_ms in (DAY_5_MS + 600_000, DAY_5_MS + 1_500_000, DAY_5_MS + 3_000_000):
        heard.append(sighting(at_ms, old, seconds=500, address="4B:11:11:11:11:11"))
    found = {each for each in failing(air(heard, device=DEVICE)) if each[3:6] != "PRV"}
    assert found == {"BZ-ADV-005", "BZ-ADV-004"}


@pytest.mark.req("BZ-KEY-006", "BZ-KEY-009")
def test_ids_of_no_pattern_fail_where_they_are_from(sends: Sends, air: Air) -> None:
    def other_slot(time_ms: int) -> bytes:
        slot = time_ms // SLOT_MS
        return RIGHT(time_ms - time_ms % DAY_MS + (slot * 7 % 96) * SLOT_MS)

    def other_day(time_ms: int) -> bytes:
        return other_slot(time_ms - (1 + time_ms // SLOT_MS % 3) * DAY_MS)

    for ids, wanted in ((other_slot, "BZ-KEY-006"), (other_day, "BZ-KEY-009")):
        result = air(sends(DAY_5_MS + HOUR_MS, DAY_5_MS + 3 * HOUR_MS, ids=ids), device=DEVICE)
        assert {each for each in failing(result) if each[3:6] != "PRV"} == {wanted, "BZ-ADV-004"}


@pytest.mark.req("BZ-KEY-006", "BZ-KEY-010")
def test_what_is_not_judged_is_noted(sends: Sends, air: Air) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 4 * HOUR_MS, ids=RIGHT, offset_ms=30_000, off_ms=15_170)
    other = sends(DAY_5_MS, DAY_5_MS + 600_000, ids=lambda _: bytes(12), phase_ms=9_000, first_address=9_000)
    notes = [each.message for each in air([*heard, *other], device=DEVICE).diagnostics]
    assert any(note.startswith("1 other Bluezone senders were heard") for note in notes)
    assert any("ahead of the receiver's" in note for note in notes)
    assert any("several Bluezone phones" in each.message for each in air([*heard, *other]).diagnostics)
    assert air(sends(DAY_5_MS, DAY_5_MS + HOUR_MS, ids=RIGHT), device=DEVICE).diagnostics == ()


@pytest.mark.req("BZ-ADV-005", "F-25")
@pytest.mark.parametrize("late_ms", [7_000, 50_000, 200_000, 800_000])
def test_one_late_on_window_is_late_and_no_other_max(
    sends: Sends, sighting: Callable[..., Sighting], air: Air, late_ms: int
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    heard = sends(slot_end_ms - 2 * HOUR_MS, slot_end_ms + 2 * HOUR_MS, ids=RIGHT, phase_ms=1_000)
    at_ms = slot_end_ms + late_ms
    heard.append(sighting(at_ms, RIGHT(slot_end_ms - 1), seconds=4, address="4B:11:11:11:11:11"))
    result = air(heard, device=DEVICE)
    assert {each for each in failing(result) if each[3:6] != "PRV"} == {
        "BZ-ADV-005",
        "BZ-ADV-004",
        "BZ-KEY-006",
    }
