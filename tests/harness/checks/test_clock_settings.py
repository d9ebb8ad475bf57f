"""A phone's clock is set, and somebody notes it: ids follow it at once, and nothing else is held against them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.clock import ClockSettings, clock_settings
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Verdict
from bluezone_harness.observations import Advert, Event, Extent, Observation
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.selftest.phones import SHOWN
from bluezone_harness.sightings import fold
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, simulate
from bluezone_spec.model import Specification

START_MS = 1_597_046_400_000  # 2020-08-10T08:00Z
HOUR_MS = 3_600_000
SEED = 5


@pytest.mark.req("BZ-KEY-009")
@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(-10_000, 10_000)), max_size=6), st.integers(-1, 1001)
)
def test_what_a_clock_showed(changes: list[tuple[int, int]], time_ms: int) -> None:
    clock = ClockSettings(changes)
    assert clock.ahead_ms(time_ms) == sum(by_ms for at_ms, by_ms in changes if at_ms <= time_ms)
    before = time_ms - 100
    within = any(before < at_ms <= time_ms for at_ms, _ in changes)
    assert clock.is_set_within(before, time_ms) == within


def note(time_ms: int, **fields: object) -> Event:
    return Event(1, time_ms * 1000, "clock_set", fields)


@pytest.mark.req("BZ-KEY-009")
def test_a_note_is_of_one_phone_where_it_names_it(captured: Callable[..., Capture]) -> None:
    capture = captured(
        [
            note(5, by_ms=7),
            note(6, by_ms=1, device="a"),
            note(7, by_ms=2, device="b"),
            note(8, by_ms="x"),
            note(9),
        ]
    )
    assert clock_settings([capture], "a").ahead_ms(10) == 8
    assert clock_settings([capture, captured([])], "b").times_ms == (5, 7)


@pytest.fixture
def captured() -> Callable[..., Capture]:
    """Return a function that makes a capture of a sniffer's from observations."""

    def make(observations: Iterable[Observation]) -> Capture:
        folded = fold(
            "capture", (replace(each, number=number) for number, each in enumerate(observations, 1))
        )
        return Capture(
            "capture",
            "00" * 32,
            "pcapng",
            dict.fromkeys(SHOWN, Extent.YES),
            folded.adverts,
            False,
            (),
            folded,
        )

    return make


def heard(by_ms: int, faults: tuple[str, ...] = (), offset_ms: int = 0) -> tuple[list[Observation], bytes]:
    """Return an hour of a phone, and an hour after its clock was set; and its device file."""
    phone = replace(drawn_phone("phone", "android", START_MS, SEED, faults), offset_ms=offset_ms)
    plans = [
        Plan((phone,), START_MS, HOUR_MS, interval_ms=1000),
        Plan((replace(phone, offset_ms=offset_ms + by_ms),), START_MS + HOUR_MS, HOUR_MS, interval_ms=1000),
    ]
    packets = chain.from_iterable(simulate(plan, SEED + number) for number, plan in enumerate(plans))
    adverts: list[Observation] = [
        Advert(
            *(0, each.time_us, each.receiver, each.address, each.address_type),
            *(each.pdu, each.ad, each.rssi, each.channel),
        )
        for each in packets
    ]
    return adverts, device_file([phone])


@pytest.fixture
def judged(specification: Specification, captured: Callable[..., Capture]) -> Callable[..., Result]:
    """Return a function that judges observations with a device file."""

    def run(observations: Iterable[Observation], device: bytes) -> Result:
        file = read_device_file("device.json", device)
        profile = profiles_of(specification)["v3"]
        return judge(specification, profile, [], file, "check", [captured(observations)])

    return run


def verdicts(result: Result, verdict: Verdict) -> set[str]:
    return {each.id for each in result.requirements if each.verdict is verdict}


@pytest.mark.req("BZ-KEY-009", "BZ-PRV-004", "BZ-PRV-005")
@pytest.mark.parametrize(
    "by_ms", [2 * HOUR_MS, -HOUR_MS, 20_000, -30_000, 3 * 24 * HOUR_MS, -24 * HOUR_MS - 7]
)
@pytest.mark.parametrize("offset_ms", [0, 31_000])
def test_ids_that_follow_the_clock_pass(by_ms: int, offset_ms: int, judged: Callable[..., Result]) -> None:
    adverts, device = heard(by_ms, offset_ms=offset_ms)
    result = judged([*adverts, note(START_MS + HOUR_MS, by_ms=by_ms)], device)
    assert verdicts(result, Verdict.FAIL) == set()
    assert {"BZ-KEY-006", "BZ-KEY-009", "BZ-ADV-004", "BZ-ADV-005"} <= verdicts(result, Verdict.PASS)
    (key_009,) = (each for each in result.requirements if each.id == "BZ-KEY-009")
    assert key_009.summary.endswith("1 change of the clock")
    assert abs((result.devices[0].clock_offset_ms or 0) - offset_ms) < 16_000


@pytest.mark.req("BZ-KEY-009", "F-11")
@pytest.mark.parametrize("by_ms", [2 * HOUR_MS, -HOUR_MS, 24 * HOUR_MS])
def test_ids_that_do_not_follow_it_fail(by_ms: int, judged: Callable[..., Result]) -> None:
    adverts, device = heard(0)
    result = judged([*adverts, note(START_MS + HOUR_MS, by_ms=by_ms)], device)
    assert verdicts(result, Verdict.FAIL) & {"BZ-KEY-006", "BZ-KEY-009", "BZ-KEY-003", "BZ-KEY-002"}


@pytest.mark.req("BZ-KEY-009")
def test_what_nobody_noted_is_ids_of_another_time(judged: Callable[..., Result]) -> None:
    adverts, device = heard(2 * HOUR_MS)
    assert verdicts(judged(adverts, device), Verdict.FAIL)
