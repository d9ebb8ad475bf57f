"""What is stated without being judged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.checks.remarks import remarks
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.observations import Severity

Make = Callable[..., Subject]
RulesOf = Callable[[str], Rules]
Export = Callable[[list[tuple[int, bytes, bytes]]], bytes]
START = 1_596_844_800_000
DEVICE = {"base_id": "00" * 32, "base_day": "2020-08-08"}


def pauses(*pauses_ms: int) -> list[tuple[int, bytes, bytes]]:
    times = [START]
    for pause_ms in pauses_ms:
        times.append(times[-1] + pause_ms)
    return [(time_ms, b"A" * 12, b"B" * 12) for time_ms in times]


@pytest.mark.req("F-28", "BZ-LOG-001")
@pytest.mark.parametrize(
    ("pauses_ms", "text"),
    [
        ((9950, 10_000, 10_150, 5003), "3 of 4 pauses"),
        ((9950, 10_000, 5003), ""),
        ((9799, 10_000, 10_201, 10_200), ""),
        ((), ""),
    ],
)
def test_late_delivery_is_stated(
    subject: Make, rules: RulesOf, export: Export, pauses_ms: tuple[int, ...], text: str
) -> None:
    found = remarks(subject(export(pauses(*pauses_ms))), rules("v3"))
    assert [each.message[: len(text)] for each in found] == ([text] if text else [])
    assert {each.severity for each in found} <= {Severity.INFO}


@pytest.mark.req("BZ-KEY-007")
@pytest.mark.parametrize(
    ("setting", "profile", "stated"),
    [
        (96, "v3", 0),
        (48, "v3", 0),
        (7, "v3", 1),
        (2**63, "v3", 1),
        (7, "android-v3", 0),
        (0, "android-v3", 1),
        (7, "v1", 0),
    ],
)
def test_a_max_that_is_not_taken_is_stated(
    subject: Make, rules: RulesOf, setting: int, profile: str, stated: int
) -> None:
    found = remarks(subject(device=DEVICE | {"max": setting}), rules(profile))
    assert [each.severity for each in found] == [Severity.WARNING] * stated


@pytest.mark.req("BZ-PRV-004", "BZ-RCV-005", "F-19")
@pytest.mark.parametrize(("span_ms", "stated"), [(1_075_000, 0), (1_075_001, 1)])
def test_contact_ids_that_live_too_long_are_stated_and_fail_nothing(
    subject: Make, rules: RulesOf, export: Export, span_ms: int, stated: int
) -> None:
    found = remarks(subject(export(pauses(span_ms))), rules("v3"))
    assert len(found) == stated
    assert all("1 of 1 contact ids were logged for longer than 17 min 55 s" in each.message for each in found)
