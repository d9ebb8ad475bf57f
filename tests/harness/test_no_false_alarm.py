"""A correct phone never fails a requirement: 24 simulated hours at 50 seeds, whatever happens to it.

Of the adverts 30 % are lost. With the seed vary: platform, base id, strangers, receivers, where on-windows lie against
the slots (in 50 steps over a whole period of 30 s, and drifting on from there), when the app is opened and left, hours
of silence, and whether the night is an ordinary one or that of the year's end. The advertising interval is 400 ms,
which four times spares the adverts, and still leaves no pause of 5 s in an on-window.

The search for ids of weak base ids goes 20 days back here instead of 400, which spares time: what is found is ids of 96
bits, which no length of the search finds by chance.
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
from bluezone_harness.virtual.phones import (
    PhonePlan,
    Plan,
    Span,
    device_file,
    drawn_phone,
    prepared,
)
from bluezone_spec.model import Specification

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("short_search")]

HOUR_MS = 3_600_000
SLOT_MS = 900_000
NOONS_MS = (1_597_147_200_000, 1_609_416_000_000)  # 2020-08-11T12:00:00Z, 2020-12-31T12:00:00Z
SEEDS = range(50)
LOSS = 0.3
INTERVAL_MS = 400
PERIOD_MS = 30_000
PASSED_WITH_KEY = {
    *(f"BZ-KEY-{number:03}" for number in (2, 3, 4, 5, 6, 10)),
    *(f"BZ-ADV-{number:03}" for number in (1, 2, 3, 4)),
}


def openings(start_ms: int, seed: int) -> tuple[Span, ...]:
    """Return when the app is open: for seconds to minutes, now within slots, now across their ends and midnight."""
    found = []
    for number in range(1, 24):
        middle_ms = start_ms + number * HOUR_MS + (seed * 37 + number * 211) % 3000 * 1000 - HOUR_MS // 2
        if number % 4 == 0:
            middle_ms = start_ms + number * HOUR_MS  # a slot ends here; number 12: the day
        half_ms = 4000 + (seed * 7919 + number * 104_729) % 200_000
        found.append((middle_ms - half_ms, middle_ms + half_ms))
    spans: list[Span] = []
    for span in sorted(found):
        if not spans or span[0] > spans[-1][1] + 1000:
            spans.append(span)
    return tuple(spans)


def planned(seed: int) -> tuple[Plan, PhonePlan]:
    """Return a plan of 24 hours, and its correct phone."""
    start_ms = NOONS_MS[seed % 7 == 3]
    platform = "ios" if seed % 5 == 4 else "android"
    phone = replace(
        drawn_phone("phone", platform, start_ms, seed),
        phase_ms=seed * PERIOD_MS // len(SEEDS),
        openings=openings(start_ms, seed) if seed % 2 else (),
        silences=((start_ms + 4 * HOUR_MS, start_ms + 9 * HOUR_MS),) if seed % 3 == 1 else (),
    )
    plan = Plan(
        (phone,),
        start_ms,
        24 * HOUR_MS,
        loss=LOSS,
        receivers=2 if seed % 6 == 5 else 1,
        strangers=(0, 2, 5, 0, 1)[seed % 5],
        interval_ms=INTERVAL_MS,
    )
    return prepared(plan, seed), phone


@pytest.fixture(scope="module")
def judged_air(specification: Specification) -> Callable[..., Result]:
    """Return a function that judges a capture, with a device file or without one."""

    def run(capture: Capture, device: bytes | None) -> Result:
        file = None if device is None else read_device_file("device.json", device)
        return judge(specification, profiles_of(specification)["v3"], [], file, "check", [capture])

    return run


def alarms(result: Result) -> list[str]:
    return [f"{each.id}: {each.summary}" for each in result.requirements if each.verdict == "fail"]


@pytest.mark.req("BZ-KEY-001", "BZ-KEY-002", "BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006")
@pytest.mark.req("BZ-KEY-008", "BZ-KEY-009", "BZ-KEY-010", "BZ-ADV-001", "BZ-ADV-002", "BZ-ADV-003")
@pytest.mark.req("BZ-ADV-004", "BZ-ADV-005", "BZ-ADV-006", "BZ-ADV-007", "BZ-ADV-008", "BZ-ADV-009")
@pytest.mark.req("BZ-ADV-010", "BZ-PRV-001", "BZ-PRV-002", "BZ-PRV-003", "BZ-PRV-004", "BZ-PRV-005")
@pytest.mark.req("BZ-PRV-006", "BZ-PRV-007", "BZ-PRV-008", "BZ-PRV-009", "BZ-PRV-020", "BZ-PRV-021")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_correct_phone_fails_nothing_in_24_hours(
    seed: int, capture_of: Callable[[Plan, int], Capture], judged_air: Callable[..., Result]
) -> None:
    plan, phone = planned(seed)
    capture = capture_of(plan, seed)
    with_key = judged_air(capture, device_file(plan.phones))
    assert not alarms(with_key), f"seed {seed}, with the device file"
    if phone.platform == "android":
        verdicts = {each.id: str(each.verdict) for each in with_key.requirements}
        assert {name: verdicts[name] for name in PASSED_WITH_KEY} == dict.fromkeys(PASSED_WITH_KEY, "pass")
    # without a device file strangers are judged as well: the kinds taken here keep to the protocol
    assert not alarms(judged_air(capture, None)), f"seed {seed}, without the device file"


def test_the_seeds_hold_all_that_is_promised() -> None:
    plans = [planned(seed) for seed in SEEDS]
    assert {phone.platform for _, phone in plans} == {"android", "ios"}
    assert {plan.receivers for plan, _ in plans} == {1, 2}
    assert len({phone.phase_ms for _, phone in plans}) == len(SEEDS)
    assert {plan.start_ms for plan, _ in plans} == set(NOONS_MS)
    for what in ("openings", "silences"):
        having = {(phone.platform, bool(getattr(phone, what))) for _, phone in plans}
        assert having == {(name, there) for name in ("android", "ios") for there in (True, False)}
    across = [
        span
        for _, phone in plans
        for span in phone.openings
        if span[0] // SLOT_MS != span[1] // SLOT_MS and span[0] % SLOT_MS
    ]
    assert len(across) > 100
    assert any(span[0] // (24 * HOUR_MS) != span[1] // (24 * HOUR_MS) for span in across)
