"""Ids on the air against the key: correct phones never fail, and nobody is judged by what others sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.results import Result
from bluezone_harness.sightings import Sighting

DAY_MS = 86_400_000
SLOT_MS = 900_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
DAY_5_MS = BASE_DAY_MS + 5 * DAY_MS
NEW_YEAR_MS = 1_609_459_200_000  # 2021-01-01
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
DEVICE: dict[str, object] = {"base_id": BASE_ID, "base_day": "2020-08-08"}
HOUR_MS = 3_600_000
Sends = Callable[..., list[Sighting]]
Air = Callable[..., Result]
Verdicts = Callable[[Result], dict[str, str]]
Ids = Callable[[int], bytes]
Schedule = Callable[..., Ids]
Failing = Callable[[Result], set[str]]


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-006", "BZ-ADV-004", "BZ-ADV-005", "F-25")
@pytest.mark.parametrize("phase_ms", range(0, 30_000, 600))
def test_a_correct_phone_at_every_offset_of_its_windows(
    right_id: Ids, failing: Failing, sends: Sends, air: Air, verdicts: Verdicts, phase_ms: int
) -> None:
    midnight_ms = DAY_5_MS + DAY_MS
    heard = sends(midnight_ms - HOUR_MS, midnight_ms + HOUR_MS, ids=right_id, phase_ms=phase_ms)
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
def test_a_correct_phone_whose_app_is_opened_and_left(
    right_id: Ids, failing: Failing, sends: Sends, air: Air, phase_ms: int
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    opened = [(slot_end_ms - 300_000 + phase_ms, slot_end_ms + 400_000)]
    left = [(slot_end_ms - 400_000, slot_end_ms - 150_000 + phase_ms)]
    for open_ms in (opened, left):
        heard = sends(slot_end_ms - HOUR_MS, slot_end_ms + HOUR_MS, ids=right_id, open_ms=open_ms)
        assert failing(air(heard, device=DEVICE)) == set()


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-004", "BZ-ADV-005")
@pytest.mark.parametrize("offset_ms", [-44_000, -20_000, -300, 300, 20_000, 44_000])
def test_a_constant_clock_offset_is_allowed_for_and_reported(
    right_id: Ids, failing: Failing, sends: Sends, air: Air, offset_ms: int
) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 12 * HOUR_MS, ids=right_id, offset_ms=offset_ms, off_ms=15_170)
    result = air(heard, device=DEVICE)
    assert failing(result) == set()
    estimated_ms = result.devices[0].clock_offset_ms
    assert estimated_ms is not None
    assert abs(estimated_ms - offset_ms) < 1_500


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-004")
@pytest.mark.parametrize("offset_ms", [-200_000, -75_000, 75_000, 200_000])
def test_a_greater_clock_offset_fails_and_is_named(
    right_id: Ids, failing: Failing, sends: Sends, air: Air, offset_ms: int
) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 6 * HOUR_MS, ids=right_id, offset_ms=offset_ms, off_ms=15_170)
    result = air(heard, device=DEVICE)
    assert failing(result) == {"BZ-KEY-006", "BZ-ADV-004"}
    (summary,) = {each.summary for each in result.findings if each.requirement == "BZ-KEY-006"}
    assert f"{'ahead' if offset_ms > 0 else 'behind'}" in summary


@pytest.mark.req("BZ-KEY-006")
def test_the_device_files_clock_offset_overrides_the_estimate(
    right_id: Ids, failing: Failing, sends: Sends, air: Air
) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 2 * HOUR_MS, ids=right_id, offset_ms=120_000)
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
def test_a_correct_phone_at_years_end_and_after_hours_of_silence(
    right_id: Ids, failing: Failing, sends: Sends, air: Air
) -> None:
    heard = [
        *sends(NEW_YEAR_MS - 3 * HOUR_MS, NEW_YEAR_MS - 2 * HOUR_MS, ids=right_id),
        *sends(NEW_YEAR_MS - 60_000, NEW_YEAR_MS + HOUR_MS, ids=right_id, first_address=5000, phase_ms=7000),
        *sends(NEW_YEAR_MS + 6 * HOUR_MS, NEW_YEAR_MS + 7 * HOUR_MS, ids=right_id, first_address=9000),
    ]
    result = air(heard, device=DEVICE)
    assert failing(result) == set()
    assert str(result.conformance.verdict) == "pass"


@pytest.mark.req("BZ-KEY-006", "BZ-ADV-005")
def test_two_receivers_one_of_which_hears_the_end_only(
    right_id: Ids, failing: Failing, sends: Sends, sighting: Callable[..., Sighting], air: Air
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    heard = sends(slot_end_ms - 600_000, slot_end_ms - 20_000, ids=right_id, receiver="near")
    heard += sends(
        slot_end_ms + 20_000, slot_end_ms + 600_000, ids=right_id, receiver="near", first_address=900
    )
    old = right_id(slot_end_ms - 1)
    crossing = {"address": "4B:11:11:11:11:11", "number": 5}
    heard.append(sighting(slot_end_ms - 7_000, old, receiver="near", **crossing))
    heard.append(sighting(slot_end_ms + 4_000, old, receiver="far", seconds=4, **crossing))
    assert failing(air(heard, device=DEVICE)) == set()


@pytest.mark.req("BZ-ADV-005")
@pytest.mark.parametrize("kind", ["seen", "capture begins", "gap", "came into range", "lost adverts"])
def test_an_on_window_whose_beginning_was_missed_is_judged_by_its_end(
    right_id: Ids, failing: Failing, sends: Sends, sighting: Callable[..., Sighting], air: Air, kind: str
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    old = right_id(slot_end_ms - 1)
    # on-windows that begin with their slots: no clock offset explains the late one
    before = sends(slot_end_ms - 2 * HOUR_MS, slot_end_ms - 25_000, ids=right_id)
    after = sends(slot_end_ms + 30_000, slot_end_ms + 2 * HOUR_MS, ids=right_id, first_address=900)
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
def test_strangers_are_counted_and_never_fail(
    schedule: Schedule, right_id: Ids, failing: Failing, sends: Sends, air: Air
) -> None:
    other = schedule(base_id=b"\x5a" * 31 + b"\x01")
    named = sends(DAY_5_MS, DAY_5_MS + 2 * HOUR_MS, ids=other, phase_ms=11_000, first_address=70_000)
    heard = sends(DAY_5_MS, DAY_5_MS + 2 * HOUR_MS, ids=right_id)
    result = air([*heard, *named], device=DEVICE)
    assert failing(result) == set()
    assert result.devices[0].sightings == len(heard)


@pytest.mark.req("BZ-ADV-004", "BZ-KEY-010")
def test_somebody_who_passes_in_a_pause_is_not_the_device(
    right_id: Ids, failing: Failing, sends: Sends, sighting: Callable[..., Sighting], air: Air
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    heard = sends(slot_end_ms - HOUR_MS, slot_end_ms, ids=right_id)
    heard += sends(slot_end_ms + 15_000, slot_end_ms + HOUR_MS, ids=right_id, first_address=900)
    heard.append(sighting(slot_end_ms + 2_000, b"\x77" * 12, seconds=5, address="5C:00:00:00:00:09"))
    assert failing(air(heard, device=DEVICE)) == set()


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
    schedule: Schedule, failing: Failing, sends: Sends, air: Air, verdicts: Verdicts
) -> None:
    other = schedule(base_id=b"\x5a" * 31 + b"\x01")
    result = air(sends(DAY_5_MS, DAY_5_MS + 2 * HOUR_MS, ids=other), device=DEVICE)
    assert failing(result) == {"BZ-KEY-010", "BZ-ADV-004"}
    found = verdicts(result)
    assert {found[f"BZ-KEY-{number:03d}"] for number in (2, 3, 4, 5, 6, 9)} == {"inconclusive"}


@pytest.mark.req("BZ-KEY-010", "BZ-ADV-004")
def test_of_several_senders_that_match_nothing_none_is_judged(
    schedule: Schedule, failing: Failing, sends: Sends, air: Air
) -> None:
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
def test_two_that_passed_at_different_hours_are_not_one_device(
    schedule: Schedule, failing: Failing, sends: Sends, air: Air
) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 300_000, ids=schedule(base_id=b"\x01" * 31 + b"\x00"))
    heard += sends(
        DAY_5_MS + 5 * HOUR_MS,
        DAY_5_MS + 5 * HOUR_MS + 300_000,
        ids=schedule(base_id=b"\x02" * 31 + b"\x00"),
        first_address=900,
    )
    assert failing(air(heard, device=DEVICE)) == set()


@pytest.mark.req("BZ-KEY-003", "BZ-KEY-006", "BZ-KEY-009")
def test_a_short_capture_leaves_open_what_it_cannot_show(
    right_id: Ids, sends: Sends, air: Air, verdicts: Verdicts
) -> None:
    found = verdicts(air(sends(BASE_DAY_MS, BASE_DAY_MS + 600_000, ids=right_id), device=DEVICE))
    assert {each for each in found if found[each] == "fail"} == set()
    unsupported = ["BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-006", "BZ-KEY-009", "BZ-ADV-005"]
    assert [found[each] for each in unsupported] == ["inconclusive"] * 5
    assert [found[each] for each in ("BZ-KEY-002", "BZ-KEY-005", "BZ-KEY-010", "BZ-ADV-004")] == ["pass"] * 4
    assert found["BZ-KEY-008"] == "not_observable"


@pytest.mark.req("BZ-KEY-006", "BZ-KEY-010")
def test_what_is_not_judged_is_noted(right_id: Ids, sends: Sends, air: Air) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 4 * HOUR_MS, ids=right_id, offset_ms=30_000, off_ms=15_170)
    other = sends(DAY_5_MS, DAY_5_MS + 600_000, ids=lambda _: bytes(12), phase_ms=9_000, first_address=9_000)
    notes = [each.message for each in air([*heard, *other], device=DEVICE).diagnostics]
    assert any(note.startswith("1 other Bluezone senders were heard") for note in notes)
    assert any("ahead of the receiver's" in note for note in notes)
    assert any("several Bluezone phones" in each.message for each in air([*heard, *other]).diagnostics)
    assert air(sends(DAY_5_MS, DAY_5_MS + HOUR_MS, ids=right_id), device=DEVICE).diagnostics == ()
