"""The matrix: what is killed, what is missed, and what is collateral, of trials written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bluezone_harness.reports.kill_matrix import matrix_lines, matrix_value
from bluezone_harness.selftest.kills import Cell, Matrix, Part, Planted, Spare, Trial, rows_of

FAULT = Planted(Part.CAPTURES, "a-fault", "BZ-KEY-003", "Does it wrong")
KILLED = Trial(Part.CAPTURES, FAULT, "android", frozenset({"BZ-KEY-003", "BZ-ADV-004"}))
MISSED = Trial(Part.CAPTURES, FAULT, "ios", frozenset({"BZ-ADV-004"}))
QUIET = Trial(Part.CAPTURES, None, "a phone without a fault", frozenset())
ALARM = replace(QUIET, failed=frozenset({"BZ-KEY-003"}))


def matrix(*trials: Trial, spares: tuple[Spare, ...] = ()) -> Matrix:
    controls = tuple(each for each in trials if each.planted is None)
    return Matrix((1,), rows_of(trials), controls, spares, {"vectors": 3, "checks": 4})


def text(found: Matrix) -> str:
    return "\n".join(matrix_lines(found))


def test_a_fault_is_killed_under_its_own_requirement_alone() -> None:
    found = matrix(QUIET, KILLED)
    assert found.holds
    assert found.rows[0].cells == {"BZ-KEY-003": Cell.KILLED, "BZ-ADV-004": Cell.COLLATERAL}
    assert found.requirements == ("BZ-ADV-004", "BZ-KEY-003")
    assert "killed   BZ-KEY-003  a-fault  collateral: BZ-ADV-004" in text(found)
    assert "1 of 1 faults killed" in text(found)


def test_collateral_is_no_kill() -> None:
    found = matrix(QUIET, MISSED)
    assert not found.holds
    assert found.missed == found.rows
    assert found.rows[0].cells == {"BZ-KEY-003": Cell.MISSED, "BZ-ADV-004": Cell.COLLATERAL}
    assert "MISSED   BZ-KEY-003  a-fault  collateral: BZ-ADV-004  not found: ios" in text(found)


def test_a_fault_missed_in_one_trial_is_missed() -> None:
    found = matrix(QUIET, KILLED, MISSED)
    assert len(found.rows) == 1
    assert not found.holds
    assert "0 of 1 killed" in text(found)


def test_a_false_alarm_is_no_success() -> None:
    found = matrix(ALARM, KILLED)
    assert not found.holds
    assert "FALSE ALARM: BZ-KEY-003" in text(found)
    assert "1 false alarm in 1 controls" in text(found)


@pytest.mark.parametrize("trials", [(), (QUIET,), (KILLED,)])
def test_what_tried_nothing_or_has_no_control_does_not_hold(trials: tuple[Trial, ...]) -> None:
    assert not matrix(*trials).holds


def test_what_kills_nothing_alone_has_a_reason() -> None:
    check = Spare(Part.CAPTURES, "BZ-ADV-004", "any wrong id fails it", 0)
    vector = Spare(Part.VECTORS, "id-at-noon", "at noon", 0)
    found = matrix(QUIET, KILLED, spares=(check, vector))
    assert found.holds
    assert "1 of 4 checks kill nothing alone\n  BZ-ADV-004  any wrong id fails it" in text(found)
    assert "1 of them find nothing, or are asked of the reference alone:\n  id-at-noon  at noon" in text(
        found
    )
    bare = matrix(QUIET, KILLED, spares=(replace(check, reason=""),))
    assert not bare.holds
    assert "BZ-ADV-004  NO REASON" in text(bare)


def test_the_json_has_every_cell() -> None:
    value = matrix_value(matrix(QUIET, KILLED, MISSED, spares=(Spare(Part.VECTORS, "a", "why", 2),)))
    assert value["holds"] is False
    assert value["requirements"] == ["BZ-ADV-004", "BZ-KEY-003"]
    faults = value["faults"]
    assert isinstance(faults, list)
    assert faults[0]["cells"] == {"BZ-KEY-003": "missed", "BZ-ADV-004": "collateral"}
    assert [each["holds"] for each in faults[0]["trials"]] == [True, False]
    assert value["spares"] == [{"part": "vectors", "name": "a", "finds": 2, "reason": "why"}]
    controls = value["controls"]
    assert isinstance(controls, list)
    assert controls[0]["given"] == "a phone without a fault"
