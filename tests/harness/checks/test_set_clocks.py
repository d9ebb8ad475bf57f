"""A clock that was set while a log was kept: literal spans, and rows of phones with a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.clock_offsets import ClockOffset, Span
from bluezone_harness.checks.log_rows_explained import Cause, explained_log
from bluezone_harness.checks.set_clocks import set_clock
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Verdict

Air = Any
Receiver = Callable[..., Subject]
RulesOf = Callable[[str], Rules]

FIRST, SECOND = (-1000, 1000), (599_000, 601_000)
JUDGED = [f"BZ-{chapter}-{number:03}" for chapter in ("RCV", "LOG") for number in range(1, 5)]


def rows_of(*spans: Span) -> list[tuple[bytes, list[Span]]]:
    """Return rows of an id each, right under one span of offsets."""
    return [(bytes([at]), [span]) for at, span in enumerate(spans)]


def judge(requirement: str, subject: Subject, rules: RulesOf) -> Judgement:
    return CHECKS[requirement].judge(subject, rules("v3"))


# --- spans ---


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([FIRST] * 10 + [SECOND] * 5, (10, 15)),
        ([SECOND] * 5 + [FIRST] * 10, (0, 5)),
        ([FIRST] * 20 + [SECOND] * 20 + [FIRST], (20, 41)),  # one in twenty may be wrong
        ([FIRST] + [SECOND] * 10, (1, 11)),
    ],
)
def test_rows_up_to_one_are_right_by_one_offset_and_the_rest_by_the_other(
    spans: list[Span], found: tuple[int, int]
) -> None:
    clock = set_clock(rows_of(*spans), FIRST)
    assert clock is not None
    assert (clock.from_row, clock.until_row) == found
    assert clock.offset == ClockOffset(*SECOND, spans.count(SECOND), SECOND)
    assert [clock.holds(at) for at in (found[0] - 1, found[0], found[1] - 1, found[1])] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "spans",
    [
        [FIRST] * 10,
        [FIRST] * 10 + [SECOND] * 2,  # of too few contact ids
        [FIRST, SECOND] * 10,  # one after another
        [FIRST] * 10 + [SECOND] * 10 + [FIRST] * 10,
        [FIRST] * 10 + [(5000, 6000)] * 10,  # Android delivers so late
        [FIRST] * 10 + [(each * 100_000, each * 100_000) for each in range(1, 10)],  # lateness that varies
        [],
    ],
)
def test_other_rows_show_nothing(spans: list[Span]) -> None:
    assert set_clock(rows_of(*spans), FIRST) is None


@pytest.mark.parametrize(("nearest_ms", "is_told"), [(14_999, False), (15_000, True)])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_clock_is_set_by_fifteen_seconds_or_more(nearest_ms: int, is_told: bool, direction: int) -> None:
    # from the edge of the one span of offsets to that of the other
    other = sorted((direction * (1000 + nearest_ms), direction * (3000 + nearest_ms)))
    rows = rows_of(*[FIRST] * 20, *[(other[0], other[1])] * 10)
    assert (set_clock(rows, FIRST) is not None) is is_told


@pytest.mark.parametrize(("wrong", "is_told"), [(5, True), (6, False)])
def test_five_rows_in_a_hundred_may_be_wrong(wrong: int, is_told: bool) -> None:
    others = [(each * 100_000, each * 100_000) for each in range(20, 20 + wrong)]
    rows = rows_of(*[FIRST] * 60, *others, *[SECOND] * (40 - wrong))
    assert (set_clock(rows, FIRST) is not None) is is_told


def test_rows_of_one_id_show_nothing() -> None:
    rows = [(b"one", [FIRST])] * 10 + [(b"one", [SECOND])] * 10
    assert set_clock(rows, FIRST) is None


# --- logs ---


@pytest.fixture
def passing(on_the_air: Air) -> Air:
    """Thirty phones, one after another, for a minute and a half each, and one that stays."""
    for number in range(30):
        on_the_air.android(f"{number + 1:02X}" * 12, 90 * number, 90 * number + 90)
    on_the_air.android("EE" * 12, 0, 2700)
    return on_the_air


def heard(ahead: float, since: float = 1350) -> list[tuple[float, str]]:
    """Return rows every 6 s, by a clock that is set by ``ahead`` seconds."""
    rows = []
    for when in range(1, 2700, 6):
        shown = when + (ahead if when >= since else 0)
        rows += [(shown, f"{when // 90 + 1:02X}" * 12), (shown, "EE" * 12)]
    return rows


@pytest.mark.req("BZ-LOG-001", "BZ-RCV-001", "BZ-LOG-002", "BZ-LOG-003")
@pytest.mark.parametrize("ahead", [-600, -120, 120, 600])
def test_a_clock_that_was_set_is_told_and_nothing_else_fails_by_it(
    ahead: float, passing: Air, receiver: Receiver, rules: RulesOf
) -> None:
    log = receiver(passing, heard(ahead), scan_on=10, scan_off=0)
    found = {name: judge(name, log, rules) for name in JUDGED}
    assert [name for name, each in found.items() if each.verdict is Verdict.FAIL] == ["BZ-LOG-001"]
    direction = "ahead" if ahead > 0 else "behind"
    assert found["BZ-LOG-001"].summary.endswith(f"{direction}: the clock was set meanwhile")
    clock = explained_log(log, rules("v3")).clock_set
    assert clock is not None
    assert clock.offset.nearest[0] <= ahead * 1000 <= clock.offset.nearest[1]


@pytest.mark.req("BZ-RCV-001", "BZ-LOG-002")
def test_what_is_missing_is_in_doubt_then(passing: Air, receiver: Receiver, rules: RulesOf) -> None:
    rows = [each for each in heard(600) if each[1] not in ("04" * 12, "05" * 12)]
    found = judge("BZ-RCV-001", receiver(passing, rows, scan_on=10, scan_off=0), rules)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "the clock was set meanwhile" in found.summary


@pytest.mark.req("BZ-LOG-001")
def test_as_much_as_an_offset_may_be_is_excused(passing: Air, receiver: Receiver, rules: RulesOf) -> None:
    log = receiver(passing, heard(40), scan_on=10, scan_off=0)
    assert judge("BZ-LOG-001", log, rules).verdict is not Verdict.FAIL


@pytest.mark.req("BZ-LOG-001")
def test_times_that_are_wrong_now_and_then_are_no_set_clock(
    passing: Air, receiver: Receiver, rules: RulesOf
) -> None:
    rows = [(when + 600 * (at % 4 == 0), contact_id) for at, (when, contact_id) in enumerate(heard(0))]
    log = receiver(passing, rows, scan_on=10, scan_off=0)
    assert explained_log(log, rules("v3")).caused_by(Cause.CLOCK_SET) == []
    assert judge("BZ-LOG-001", log, rules).verdict is Verdict.FAIL
