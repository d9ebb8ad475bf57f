"""On-windows that begin late, go on too long or change their id: each fails under its requirement."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.results import Result
from bluezone_harness.sightings import Sighting

DAY_MS = 86_400_000
SLOT_MS = 900_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
DAY_5_MS = BASE_DAY_MS + 5 * DAY_MS
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
DEVICE: dict[str, object] = {"base_id": BASE_ID, "base_day": "2020-08-08"}
HOUR_MS = 3_600_000
Sends = Callable[..., list[Sighting]]
Air = Callable[..., Result]
Ids = Callable[[int], bytes]
Failing = Callable[[Result], set[str]]


@pytest.mark.req("BZ-ADV-005", "F-25")
def test_on_windows_that_begin_late_by_amounts_that_vary_fail(
    right_id: Ids, failing: Failing, sends: Sends, air: Air
) -> None:
    late_ms = (200_000, 60_000, 400_000, 0, 90_000, 250_000)

    def ids(time_ms: int) -> bytes:
        begin_ms = time_ms - time_ms % SLOT_MS
        late = time_ms - begin_ms < late_ms[begin_ms // SLOT_MS % len(late_ms)]
        return right_id(begin_ms - 1 if late else time_ms)

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
    right_id: Ids,
    failing: Failing,
    sends: Sends,
    sighting: Callable[..., Sighting],
    air: Air,
    seconds: float,
    fails: bool,
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    begin_ms = slot_end_ms - 10_000
    heard = sends(slot_end_ms - HOUR_MS, begin_ms - 10_000, ids=right_id)
    heard.append(sighting(begin_ms, right_id(begin_ms), seconds=seconds, address="4B:11:11:11:11:11"))
    until_ms = begin_ms + round(seconds * 1000)
    heard += sends(until_ms + 10_000, until_ms + HOUR_MS, ids=right_id, first_address=900)
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
    right_id: Ids,
    failing: Failing,
    sends: Sends,
    sighting: Callable[..., Sighting],
    air: Air,
    foreground: object,
    fails: bool,
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    begin_ms = slot_end_ms - 10_000
    heard = sends(slot_end_ms - HOUR_MS, begin_ms - 10_000, ids=right_id)
    heard.append(sighting(begin_ms, right_id(begin_ms), seconds=100, address="4B:11:11:11:11:11"))
    heard += sends(begin_ms + 120_000, begin_ms + HOUR_MS, ids=right_id, first_address=900)
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
    right_id: Ids, failing: Failing, sends: Sends, sighting: Callable[..., Sighting], air: Air
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    heard = sends(slot_end_ms - HOUR_MS, slot_end_ms - 40_000, ids=right_id)
    heard.append(
        sighting(slot_end_ms - 7_000, right_id(slot_end_ms - 1), seconds=6.9, address="4B:11:11:11:11:11")
    )
    heard.append(sighting(slot_end_ms, right_id(slot_end_ms), seconds=8, address="4B:11:11:11:11:11"))
    heard += sends(slot_end_ms + 30_000, slot_end_ms + HOUR_MS, ids=right_id, first_address=900)
    assert {each for each in failing(air(heard, device=DEVICE)) if each[3:6] != "PRV"} == {"BZ-ADV-004"}


@pytest.mark.req("BZ-ADV-005", "F-27")
def test_a_set_that_is_never_stopped_is_no_other_slot(
    right_id: Ids, failing: Failing, sends: Sends, sighting: Callable[..., Sighting], air: Air
) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + HOUR_MS, ids=right_id)
    old = right_id(DAY_5_MS)
    for at_ms in (DAY_5_MS + 600_000, DAY_5_MS + 1_500_000, DAY_5_MS + 3_000_000):
        heard.append(sighting(at_ms, old, seconds=500, address="4B:11:11:11:11:11"))
    found = {each for each in failing(air(heard, device=DEVICE)) if each[3:6] != "PRV"}
    assert found == {"BZ-ADV-005", "BZ-ADV-004"}


@pytest.mark.req("BZ-ADV-005", "F-25")
@pytest.mark.parametrize("late_ms", [7_000, 50_000, 200_000, 800_000])
def test_one_late_on_window_is_late_and_no_other_max(
    right_id: Ids, failing: Failing, sends: Sends, sighting: Callable[..., Sighting], air: Air, late_ms: int
) -> None:
    slot_end_ms = DAY_5_MS + 40 * SLOT_MS
    heard = sends(slot_end_ms - 2 * HOUR_MS, slot_end_ms + 2 * HOUR_MS, ids=right_id, phase_ms=1_000)
    at_ms = slot_end_ms + late_ms
    heard.append(sighting(at_ms, right_id(slot_end_ms - 1), seconds=4, address="4B:11:11:11:11:11"))
    result = air(heard, device=DEVICE)
    assert {each for each in failing(result) if each[3:6] != "PRV"} == {
        "BZ-ADV-005",
        "BZ-ADV-004",
        "BZ-KEY-006",
    }
