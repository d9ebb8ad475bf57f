"""BZ-KEY-001 from a device file."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.checks.key_schedule import base_ids_are_not_weak
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Verdict

Make = Callable[..., Subject]
RulesOf = Callable[[str], Rules]
GOOD = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"


@pytest.mark.req("BZ-KEY-001")
def test_a_real_base_id_passes_and_says_what_it_does_not_show(subject: Make, rules: RulesOf) -> None:
    found = base_ids_are_not_weak(subject(device={"base_id": GOOD, "base_day": "2020-08-08"}), rules("v3"))
    assert (found.verdict, found.judged) == (Verdict.PASS, 1)
    assert found.summary.endswith("that the source was random cannot be shown")


@pytest.mark.req("BZ-KEY-001", "F-15", "F-22")
@pytest.mark.parametrize(
    ("base_id", "seen"),
    [
        ("", "empty"),
        (GOOD[:-2], "31 octets"),
        (GOOD + "00", "33 octets"),
        ("5a" * 32, "all octets 0x5a"),
        (bytes(range(224, 256)).hex(), "counting up from 0xe0"),
        # new java.util.Random(0).nextBytes(new byte[32]), from the documented generator
        ("60b420bb3851d9d47acb933dbe70399bf6c92da33af01d4fb770e98c0325f41d", "java.util.Random"),
    ],
)
def test_a_weak_base_id_fails_and_is_not_printed(
    subject: Make, rules: RulesOf, base_id: str, seen: str
) -> None:
    found = base_ids_are_not_weak(subject(device={"base_id": base_id, "base_day": "2020-08-08"}), rules("v3"))
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 1, 1)
    (ground,) = found.grounds
    assert seen in ground.seen
    assert not base_id or base_id not in f"{found}"


@pytest.mark.req("BZ-KEY-001")
def test_one_weak_base_id_of_two_is_named(subject: Make, rules: RulesOf) -> None:
    bases = [
        {"base_id": GOOD, "base_day": "2020-08-08"},
        {"base_id": "00" * 32, "base_day": "2020-08-09", "from": "2020-08-09T00:00:00Z"},
    ]
    device = {"name": "a", "platform": "ios", "bases": bases, "max": [], "foreground": []}
    found = base_ids_are_not_weak(subject(device={"schema": 1, "devices": [device]}), rules("v3"))
    assert (found.failed, found.judged) == (1, 2)
    assert found.grounds[0].summary == "base id 2 of 2 is weak"


@pytest.mark.req("BZ-KEY-001")
def test_without_a_device_there_is_no_base_id(subject: Make, rules: RulesOf) -> None:
    assert base_ids_are_not_weak(subject(b""), rules("v3")).verdict is Verdict.NOT_OBSERVABLE
