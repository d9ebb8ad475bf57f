"""Whose contact log it is."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from bluezone_harness.checks.subjects import UNIDENTIFIED, UNNAMED, Subject, subjects
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import Device, read_device_file
from bluezone_harness.observations import Capability
from bluezone_reference.profiles import V1, V3

DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000
FIRST = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
SECOND = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"

Ids = Callable[..., bytes]
Export = Callable[[list[tuple[int, bytes, bytes]]], bytes]


def devices(*base_ids: str) -> tuple[Device, ...]:
    content = {
        "schema": 1,
        "devices": [
            {
                "name": f"phone {number}",
                "platform": "android",
                "bases": [{"base_id": base_id, "base_day": "2020-08-08"}],
                "max": [],
                "foreground": [],
            }
            for number, base_id in enumerate(base_ids)
        ],
    }
    return read_device_file("devices.json", json.dumps(content).encode()).devices


@pytest.mark.req("BZ-LOG-005")
def test_without_a_device_file_all_is_one_phones(good_log: bytes) -> None:
    logs = [read_contact_log("a", good_log), read_contact_log("b", b"")]
    (found,) = subjects(logs, (), V3)
    assert (found.label, found.device, found.logs, found.identified) == (UNNAMED, None, tuple(logs), True)
    assert found.capabilities == {Capability.RECORDS, Capability.EXPORT_OCTETS}


@pytest.mark.req("BZ-LOG-005")
def test_the_only_device_has_all_logs_whatever_is_in_them(good_log: bytes) -> None:
    (found,) = subjects([read_contact_log("a", good_log)], devices(SECOND), V3)
    assert (found.label, len(found.logs), found.identified) == ("phone 0", 1, True)
    assert Capability.BASE_ID in found.capabilities


@pytest.mark.req("BZ-LOG-005")
def test_of_several_devices_the_one_whose_schedule_explains_the_log(
    good_log: bytes, own_id: Ids, export: Export
) -> None:
    time_ms = BASE_DAY_MS + DAY_MS
    other = export([(time_ms, own_id(time_ms, base_id=SECOND), bytes(12))])
    logs = [read_contact_log("second", other), read_contact_log("first", good_log)]
    first, second = subjects(logs, devices(FIRST, SECOND), V3)
    assert [log.name for log in first.logs] == ["first"]
    assert [log.name for log in second.logs] == ["second"]


@pytest.mark.req("BZ-LOG-005")
@pytest.mark.parametrize(
    "base_ids", [("00" * 32, SECOND), (FIRST, FIRST), ("00" * 31, "00" * 30), ("00" * 31, SECOND)]
)
def test_a_log_that_none_or_two_explain_is_nobodys(good_log: bytes, base_ids: tuple[str, ...]) -> None:
    *known, rest = subjects([read_contact_log("a", good_log)], devices(*base_ids), V3)
    assert [each.logs for each in known] == [(), ()]
    assert (rest.label, rest.device, rest.identified) == (UNIDENTIFIED, None, False)
    assert [log.name for log in rest.logs] == ["a"]


@pytest.mark.req("BZ-LOG-005", "F-21")
def test_a_profile_without_schedule_explains_nothing(good_log: bytes) -> None:
    found = subjects([read_contact_log("a", good_log)], devices(FIRST, SECOND), V1)
    assert found[-1].identified is False


@pytest.mark.req("BZ-KEY-001")
def test_a_device_without_evidence_has_its_base_ids_at_least() -> None:
    (found,) = subjects([], devices(FIRST), V3)
    assert found.capabilities == {Capability.BASE_ID}
    assert found.record_logs == ()
    assert not found.alone
    assert Subject("nobody", None, ()).capabilities == frozenset()
