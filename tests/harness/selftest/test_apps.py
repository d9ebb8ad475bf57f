"""Faulty receivers in the self-test: each is killed, and the correct one fails nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bluezone_harness.findings import Verdict
from bluezone_harness.selftest.apps import (
    EXAMPLE,
    LOSSES,
    PLATFORMS,
    SECOND_DAY,
    app_trials,
    correct_trials,
    fault_trial,
    judged,
    rehearsal_for,
)
from bluezone_harness.selftest.kills import Cell, Part, of_verdict, rows_of
from bluezone_harness.virtual.apps.behaviours import Platform
from bluezone_harness.virtual.apps.faults import APP_FAULTS
from bluezone_harness.virtual.apps.rehearsals import rehearse
from bluezone_spec.model import Specification

JUDGED = {f"BZ-{chapter}-{number:03}" for chapter in ("RCV", "LOG") for number in range(1, 6)}


@pytest.mark.req(*sorted(JUDGED))
def test_the_correct_app_passes_what_a_scenario_can_show(specification: Specification) -> None:
    rehearsal = rehearsal_for(EXAMPLE, "android", 2, 0.0)
    rehearsed = rehearse(rehearsal)
    result = judged(specification, rehearsal.scenario, rehearsed, rehearsed.log.export)
    assert of_verdict(result, Verdict.FAIL) == frozenset()
    assert of_verdict(result, Verdict.PASS) >= JUDGED


@pytest.mark.req("BZ-RCV-005")
def test_a_fault_that_takes_a_day_is_killed_and_a_harmless_one_missed(specification: Specification) -> None:
    fault = APP_FAULTS["slot-number-only"]
    killed = fault_trial(specification, fault, 2)
    harmless = fault_trial(specification, replace(fault, change=lambda behaviour: behaviour), 2)
    assert killed.holds
    assert not harmless.holds
    assert [rows_of([each])[0].found for each in (killed, harmless)] == [Cell.KILLED, Cell.MISSED]
    assert (harmless.part, harmless.failed) == (Part.APPS, frozenset())


@pytest.mark.long
def test_every_condition_has_a_control(specification: Specification) -> None:
    controls = list(app_trials(specification, 1, ()))
    assert [each.holds for each in controls] == [True] * 10
    assert {each.given for each in controls} == {
        f"{name}, {platform}, {loss:.0%} lost, seed 1, {kind}"
        for name, platform, loss in (
            *((EXAMPLE, platform, loss) for platform in PLATFORMS for loss in LOSSES),
            (SECOND_DAY, "android", 0.0),
        )
        for kind in ("export", "database")
    }


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3, 9))
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_correct_app_never_fails(
    seed: int, platform: Platform, loss: float, specification: Specification
) -> None:
    for trial in correct_trials(specification, EXAMPLE, platform, seed, loss):
        assert trial.failed == frozenset()


@pytest.mark.long
@pytest.mark.parametrize("name", list(APP_FAULTS))
def test_every_fault_is_killed_by_another_seed(name: str, specification: Specification) -> None:
    trial = fault_trial(specification, APP_FAULTS[name], 2)
    assert trial.holds, sorted(trial.failed)
