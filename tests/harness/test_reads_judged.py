"""Correct iPhones that are read fail nothing, whatever happens to them; faults of iPhones are found by their reads.

With the seed vary: loss, strangers, receivers, how many iPhones of the device file there are, whether the app is open,
in the background or both, when Bluetooth is off, and the clock offset, up to the 45 s that are allowed, either way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_harness.checks.captures import Capture
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import PhonePlan, Plan, Span, device_file, drawn_phone, prepared
from bluezone_spec.model import Specification

HOUR_MS = 3_600_000
SLOT_MS = 900_000
MIDNIGHT_MS = 1_597_190_400_000  # 2020-08-12
START_MS = MIDNIGHT_MS - 80 * 60_000
SEEDS = range(24)
OFFSETS_MS = (0, 45_000, -45_000, 7_000, -31_000)
PASSED = {"BZ-GAT-001", "BZ-GAT-002", *(f"BZ-KEY-{number:03}" for number in (2, 3, 4, 5, 6, 10))}
BY_READS = [each.name for each in FAULTS.values() if each.by_reads]


def opened(seed: int) -> tuple[Span, ...]:
    """Return when the app is open: always, for minutes across slots' ends, or never while it is heard."""
    minutes_ms = tuple(
        (START_MS + number * SLOT_MS - 70_000 * (seed % 5), START_MS + number * SLOT_MS + 110_000)
        for number in range(1, 12, 2)
    )
    return ((), minutes_ms, ((START_MS - 2 * HOUR_MS, START_MS - HOUR_MS),))[seed % 3]


def planned(seed: int) -> Plan:
    """Return three hours over midnight, with one correct iPhone, or two of them and an Android phone."""
    silences = (
        (START_MS + HOUR_MS // 2 + seed * 60_000, START_MS + HOUR_MS + seed * 60_000),
        (START_MS + 2 * HOUR_MS + seed * 7000, START_MS + 2 * HOUR_MS + seed * 7000 + 20_000),
    )
    phones: list[PhonePlan] = [
        replace(
            drawn_phone("iPhone", "ios", START_MS, seed),
            openings=opened(seed),
            silences=silences if seed % 4 == 1 else (),
            offset_ms=OFFSETS_MS[seed % 5],
        )
    ]
    if seed % 4 == 2:
        phones += [
            replace(drawn_phone("second", "ios", START_MS, seed), offset_ms=OFFSETS_MS[(seed + 2) % 5]),
            drawn_phone("android", "android", START_MS, seed),
        ]
    plan = Plan(
        tuple(phones),
        START_MS,
        3 * HOUR_MS,
        loss=(0.0, 0.1, 0.3)[seed % 3],
        receivers=2 if seed % 6 == 5 else 1,
        strangers=(0, 4, 5)[seed // 3 % 3],
        interval_ms=1000,
        gatt=True,
    )
    return prepared(plan, seed)


@pytest.fixture(scope="module")
def judged_air(specification: Specification) -> Callable[..., Result]:
    """Return a function that judges a capture, with a device file or without one."""

    def run(capture: Capture, device: bytes | None) -> Result:
        file = None if device is None else read_device_file("device.json", device)
        return judge(specification, profiles_of(specification)["v3"], [], file, "check", [capture])

    return run


def verdicts(result: Result, verdict: str) -> set[str]:
    return {each.id for each in result.requirements if str(each.verdict) == verdict}


@pytest.mark.long
@pytest.mark.usefixtures("short_search")
@pytest.mark.req("BZ-GAT-001", "BZ-GAT-002", "BZ-GAT-003", "BZ-KEY-002", "BZ-KEY-003", "BZ-KEY-004")
@pytest.mark.req("BZ-KEY-005", "BZ-KEY-006", "BZ-PRV-001", "BZ-PRV-004", "BZ-PRV-005", "BZ-PRV-007")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_correct_iphone_that_is_read_fails_nothing(
    seed: int, capture_of: Callable[[Plan, int], Capture], judged_air: Callable[..., Result]
) -> None:
    plan = planned(seed)
    capture = capture_of(plan, seed)
    with_key = judged_air(capture, device_file(plan.phones))
    assert verdicts(with_key, "fail") == set(), f"seed {seed}, with the device file"
    if len(plan.phones) == 1:
        assert verdicts(with_key, "pass") >= PASSED
        assert seed % 4 == 1 or plan.strangers or "BZ-GAT-003" in verdicts(with_key, "pass")
    assert verdicts(judged_air(capture, None), "fail") == set(), f"seed {seed}, without the device file"


def test_the_seeds_hold_all_that_is_promised() -> None:
    plans = [planned(seed) for seed in SEEDS]
    assert {plan.phones[0].offset_ms for plan in plans} == set(OFFSETS_MS)
    assert {len(plan.phones) for plan in plans} == {1, 3}
    assert {plan.receivers for plan in plans} == {1, 2}
    assert {plan.strangers for plan in plans} == {0, 4, 5}
    assert {bool(plan.phones[0].silences) for plan in plans} == {True, False}
    assert len({plan.phones[0].openings for plan in plans}) > 3


@pytest.mark.long
@pytest.mark.usefixtures("short_search")
@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize("name", BY_READS)
def test_a_fault_of_an_iphone_is_found_by_its_reads(
    name: str, seed: int, capture_of: Callable[[Plan, int], Capture], judged_air: Callable[..., Result]
) -> None:
    fault = FAULTS[name]
    phone = replace(
        drawn_phone("iPhone", "ios", START_MS, seed, (name,)), offset_ms=(0, 20_000, -20_000)[seed % 3]
    )
    plan = prepared(
        Plan((phone,), START_MS, 3 * HOUR_MS, loss=0.1 * (seed % 3), interval_ms=1000, gatt=True), seed
    )
    capture = capture_of(plan, seed)
    assert fault.requirement in verdicts(judged_air(capture, device_file(plan.phones)), "fail")
    if not fault.needs_key:
        assert fault.requirement in verdicts(judged_air(capture, None), "fail")
