"""Phones as people ask for them: drawn, or those of a device file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bluezone_harness.cli.failures import CallerError
from bluezone_harness.cli.planned_phones import fault_names, planned_phones
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.virtual.plans import PhonePlan

pytestmark = pytest.mark.req("BZ-KEY-001")

BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
START_MS = 1_597_046_400_000  # 2020-08-10T08:00Z


def planned(folder: Path, told: object, platform: str | None = None, *faults: str) -> tuple[PhonePlan, ...]:
    path = folder / "device.json"
    path.write_text(json.dumps(told))
    return planned_phones(str(path), platform, START_MS, 1, faults)


def test_faults_by_name_or_as_annex_a_has_them() -> None:
    assert fault_names(()) == ()
    assert fault_names(("slot-late", "zero-base", "slot-late")) == ("slot-late", "zero-base")
    # F-15 is copied by a fault of its own
    (name,) = fault_names(("F-15",))
    assert fault_names((name, "F-15")) == (name,)
    with pytest.raises(CallerError, match=r"--fault: .*'grobnik' \(see 'bzc simulate --list-faults'\)"):
        fault_names(("slot-late", "grobnik"))


@pytest.mark.parametrize(("platform", "found"), [(None, "android"), ("android", "android"), ("ios", "ios")])
def test_without_a_device_file_a_phone_is_drawn(platform: str | None, found: str) -> None:
    (one,) = planned_phones(None, platform, START_MS, 1, ("slot-late",))
    (again,) = planned_phones(None, platform, START_MS, 1, ("slot-late",))
    (other,) = planned_phones(None, platform, START_MS, 2, ())
    assert one == again
    assert (one.name, one.platform, one.faults) == ("phone", found, ("slot-late",))
    assert one.base_id != other.base_id
    assert one.base_day_ms % DAY_MS == 0
    assert 2 * DAY_MS <= START_MS - one.base_day_ms < 16 * DAY_MS


def test_the_short_form_of_a_device_file(tmp_path: Path) -> None:
    (phone,) = planned(tmp_path, {"base_id": BASE_ID, "base_day": "2020-08-08"}, None, "slot-late")
    assert phone.base_id == bytes.fromhex(BASE_ID)
    assert phone.base_day_ms == BASE_DAY_MS
    assert (phone.platform, phone.faults) == ("android", ("slot-late",))
    assert (phone.max_per_day, phone.max_changes, phone.openings, phone.offset_ms) == (None, (), (), 0)


def devices(**more: object) -> dict[str, object]:
    return {"schema": 1, "devices": [device(**more)]}


def device(**more: object) -> dict[str, object]:
    bases = [{"base_id": BASE_ID, "base_day": "2020-08-08"}]
    return {"name": "desk", "platform": "android", "bases": bases, "max": [], "foreground": [], **more}


def test_all_that_a_device_file_says(tmp_path: Path) -> None:
    told = devices(
        platform="ios",
        clock_offset_ms=1500,
        max=[
            {"from": "2020-08-08T00:00:00Z", "value": 48},
            {"from": "2020-08-10T08:00:00Z", "value": 144},
            {"from": "2020-08-10T08:10:00Z", "value": 96},
        ],
        foreground=[
            {"from": "2020-08-10T08:05:00Z", "to": "2020-08-10T08:07:00Z"},
            {"from": "2020-08-10T08:00:00Z", "to": "2020-08-10T08:02:00Z"},
        ],
    )
    (phone,) = planned(tmp_path, told)
    assert (phone.name, phone.platform, phone.offset_ms) == ("desk", "ios", 1500)
    assert phone.max_per_day == 144
    assert phone.max_changes == ((START_MS + 600_000, 96),)
    assert phone.openings == (
        (START_MS, START_MS + 120_000),
        (START_MS + 300_000, START_MS + 420_000),
    )


def test_the_short_form_does_not_say_when(tmp_path: Path) -> None:
    told = {"base_id": BASE_ID, "base_day": "2020-08-08", "max": 48, "platform": "ios", "foreground": True}
    (phone,) = planned(tmp_path, told, "ios")
    assert (phone.platform, phone.max_per_day, phone.max_changes) == ("ios", 48, ())
    ((from_ms, to_ms),) = phone.openings
    assert from_ms == START_MS - START_MS % DAY_MS
    assert to_ms > START_MS + 400 * DAY_MS


def test_several_phones(tmp_path: Path) -> None:
    other = device(platform="ios", name="other")
    phones = planned(tmp_path, {"schema": 1, "devices": [device(), other]})
    assert [(each.name, each.platform) for each in phones] == [("desk", "android"), ("other", "ios")]


def test_what_cannot_be_played(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="--platform ios: the device file says android of 'desk'"):
        planned(tmp_path, devices(), "ios")
    bases = [
        {"base_id": BASE_ID, "base_day": "2020-08-08"},
        {"base_id": BASE_ID[::-1], "base_day": "2020-08-09", "from": "2020-08-09T08:00:00Z"},
    ]
    with pytest.raises(CallerError, match="--device: 'desk' has 2 base ids: give a file with one"):
        planned(tmp_path, devices(bases=bases))
    with pytest.raises(EvidenceError, match=r"device\.json"):
        planned(tmp_path, [])
    with pytest.raises(EvidenceError, match="check the path"):
        planned_phones(str(tmp_path / "nowhere.json"), None, START_MS, 1, ())
