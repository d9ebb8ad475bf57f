"""Each check of what a capture shows is the one that finds its fault: without it, the fault is no longer found.

``CASES`` names for each requirement what is planted and what verdict its check then gives. A check of captures without
a case fails the test of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from bluezone_harness import verdicts
from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.registry import Check
from bluezone_harness.evidence.device_files import DeviceFile, read_device_file
from bluezone_harness.observations import Capability
from bluezone_harness.profiles import profiles_of
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared
from bluezone_spec.model import Specification

HOUR_MS = 3_600_000
START_MS = 1_597_190_400_000 - 90 * 60_000  # 2020-08-11T22:30:00Z
SEED = 3

CORRECT_ANDROID, CORRECT_IPHONE = "a correct Android phone", "an iPhone, its app open for an hour"
CASES: Mapping[str, tuple[str, str]] = {
    "BZ-KEY-001": ("clock-seeded-base", "fail"),
    "BZ-KEY-002": ("local-day", "fail"),
    "BZ-KEY-003": ("day-key-lag", "fail"),
    "BZ-KEY-004": ("corrected-salt", "fail"),
    "BZ-KEY-005": ("other-octets", "fail"),
    "BZ-KEY-006": ("slot-late", "fail"),
    "BZ-KEY-008": ("before-base-day", "fail"),
    "BZ-KEY-009": ("stale-list", "fail"),
    "BZ-KEY-010": ("unsaved-base", "fail"),
    "BZ-ADV-001": ("cut-ad", "fail"),
    "BZ-ADV-002": ("no-service", "fail"),
    "BZ-ADV-003": ("wrong-company", "fail"),
    "BZ-ADV-004": ("slot-late", "fail"),
    "BZ-ADV-005": ("late-stop", "fail"),
    "BZ-ADV-006": ("tx-power", "fail"),
    "BZ-ADV-007": ("not-connectable", "fail"),
    "BZ-ADV-008": ("other-rhythm", "fail"),
    "BZ-ADV-009": ("owners-name", "fail"),
    # what is recognised or stated never fails: its check alone makes it pass
    "BZ-ADV-010": (CORRECT_IPHONE, "pass"),
    "BZ-GAT-001": ("writable-id", "fail"),
    "BZ-GAT-002": ("read-other-base", "fail"),
    "BZ-GAT-003": ("fixed-at-connection", "fail"),
    "BZ-PRV-001": ("address-outlives-id", "fail"),
    "BZ-PRV-002": ("public-address", "fail"),
    "BZ-PRV-003": ("long-lived-address", "fail"),
    "BZ-PRV-004": ("long-lived-id", "fail"),
    "BZ-PRV-005": ("repeated-ids", "fail"),
    "BZ-PRV-006": ("own-interval", "fail"),
    "BZ-PRV-007": ("zero-base", "fail"),
    "BZ-PRV-008": ("static-service", "fail"),
    "BZ-PRV-009": ("relay", "fail"),
    "BZ-PRV-020": (CORRECT_ANDROID, "pass"),
    "BZ-PRV-021": (CORRECT_ANDROID, "pass"),
}
"""By requirement: what is planted, and the verdict that its check gives."""


def case(planted: str, capture_of: Callable[[Plan, int], Capture]) -> tuple[Capture, DeviceFile]:
    """Return three hours over midnight of a phone with a fault, or of a correct one, and its device file."""
    faults = (planted,) if planted in FAULTS else ()
    platform = (
        "ios"
        if planted == CORRECT_IPHONE or (faults and FAULTS[planted].platforms == ("ios",))
        else "android"
    )
    phones = [drawn_phone("phone", platform, START_MS, SEED, faults)]
    if planted == CORRECT_IPHONE:
        phones = [replace(phones[0], openings=((START_MS, START_MS + HOUR_MS),))]
    if planted == "own-interval":
        phones += [drawn_phone(f"other {number}", platform, START_MS, SEED) for number in range(4)]
    interval_ms = 100 if planted in {"other-rhythm", "own-interval"} else 1000
    gatt = platform == "ios" and planted in FAULTS and FAULTS[planted].by_reads
    plan = Plan(tuple(phones), START_MS, 3 * HOUR_MS, loss=0.1, interval_ms=interval_ms, gatt=gatt)
    plan = prepared(plan, SEED)
    return capture_of(plan, SEED), read_device_file("device.json", device_file(plan.phones[:1]))


def judged(
    specification: Specification,
    evidence: tuple[Capture, DeviceFile],
    checks: Mapping[str, Check],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """Return the verdict of each requirement, by some checks."""
    monkeypatch.setattr(verdicts, "CHECKS", MappingProxyType(dict(checks)))
    capture, device = evidence
    result = verdicts.judge(specification, profiles_of(specification)["v3"], [], device, "check", [capture])
    return {each.id: str(each.verdict) for each in result.requirements}


@pytest.mark.req(*CASES)
@pytest.mark.parametrize("requirement", CASES)
def test_without_its_check_a_fault_is_not_found(
    requirement: str,
    capture_of: Callable[[Plan, int], Capture],
    specification: Specification,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted, verdict = CASES[requirement]
    evidence = case(planted, capture_of)
    with_all = judged(specification, evidence, CHECKS, monkeypatch)
    assert with_all[requirement] == verdict, planted
    others = {name: check for name, check in CHECKS.items() if name != requirement}
    without = judged(specification, evidence, others, monkeypatch)
    assert without[requirement] == "not_observable"
    assert {name: text for name, text in without.items() if name != requirement} == {
        name: text for name, text in with_all.items() if name != requirement
    }


def test_each_check_of_captures_has_a_case(sniffed: frozenset[Capability]) -> None:
    of_captures = {
        name
        for name, each in CHECKS.items()
        if not each.missing(sniffed | {Capability.GATT, Capability.BASE_ID})
    }
    assert of_captures == CASES.keys()
    for requirement, (planted, verdict) in CASES.items():
        if verdict == "fail":
            assert requirement in {FAULTS[planted].requirement, "BZ-ADV-004"}
        else:
            assert planted in {CORRECT_ANDROID, CORRECT_IPHONE}
