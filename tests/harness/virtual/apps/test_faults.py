"""The registry of faulty apps: it covers what it has to, and each fault shows in a log or in the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from bluezone_harness.virtual.apps.behaviours import RIGHT, AppFault
from bluezone_harness.virtual.apps.faults import APP_FAULTS, CORRECT, app_behaviour, find_app_fault
from bluezone_harness.virtual.apps.rehearsals import Rehearsal, Rehearsed, rehearsal_of, rehearse
from bluezone_harness.virtual.scenarios.model import Scenario

START_MS = 1_600_000_000_000
JUDGED = [f"BZ-{chapter}-{number:03}" for chapter in ("RCV", "LOG") for number in range(1, 6)]


@pytest.fixture(scope="module")
def thinned(example: Scenario, second_day: Scenario) -> Mapping[bool, Rehearsal]:
    """Return the scenarios, thinned out, by whether they take a day."""
    return {
        each is second_day: rehearsal_of(each, START_MS, 1, interval_ms=500) for each in (example, second_day)
    }


@pytest.fixture(scope="module")
def right(thinned: Mapping[bool, Rehearsal]) -> Callable[[AppFault], Rehearsed]:
    """Return a function to what a correct app makes of what a fault is shown by; many faults share it."""
    known: dict[str, Rehearsed] = {}

    def made(fault: AppFault) -> Rehearsed:
        key = repr((fault.takes_a_day, fault.settings))
        if key not in known:
            known[key] = rehearse(thinned[fault.takes_a_day], settings=fault.settings)
        return known[key]

    return made


def test_each_requirement_has_a_fault_and_so_have_the_faults_of_the_annex() -> None:
    assert {each.requirement for each in APP_FAULTS.values()} == set(JUDGED)
    copied = {each.fault for each in APP_FAULTS.values() if each.fault}
    assert {"F-01", "F-17", "F-18", "F-19", "F-20", "F-21", "F-26", "F-29"} <= copied
    assert [each.requirement for each in APP_FAULTS.values()] == sorted(
        (each.requirement for each in APP_FAULTS.values()), key=JUDGED.index
    )


@pytest.mark.parametrize("name", list(APP_FAULTS))
def test_a_fault_is_well_described(name: str) -> None:
    fault = APP_FAULTS[name]
    assert fault.name == name
    assert fault.requirement not in fault.breaks
    assert not fault.text[0].islower()
    assert fault.text[-1] != "."
    assert fault.change(RIGHT) != RIGHT


@pytest.mark.long
@pytest.mark.parametrize("name", list(APP_FAULTS))
def test_a_fault_shows(
    name: str, thinned: Mapping[bool, Rehearsal], right: Callable[[AppFault], Rehearsed]
) -> None:
    fault = APP_FAULTS[name]
    correct = right(fault)
    wrong = rehearse(thinned[fault.takes_a_day], app_behaviour([name]), fault.settings)
    assert (wrong.log.export, wrong.log.database, wrong.record) != (
        correct.log.export,
        correct.log.database,
        correct.record,
    )
    assert wrong.log.device_file == correct.log.device_file


def test_a_fault_is_found_by_its_name_or_the_one_that_it_copies() -> None:
    assert find_app_fault(" F-19 ").name == "slot-number-only"
    assert find_app_fault("Every-Advert").name == "every-advert"
    with pytest.raises(ValueError, match="there is no app 'every-adverts'; did you mean every-advert"):
        find_app_fault("every-adverts")
    with pytest.raises(ValueError, match=r"there is no app '\?'$"):
        find_app_fault("?")


def test_faults_together() -> None:
    assert app_behaviour() is app_behaviour([CORRECT]) is RIGHT
    both = app_behaviour(["crlf", "correct", "own-id-late"])
    assert both.export is not RIGHT.export
    assert both.own_ids is not RIGHT.own_ids
    with pytest.raises(ValueError, match="the faults crlf and spaces contradict each other"):
        app_behaviour(["crlf", "spaces"])


def test_a_fault_of_another_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    of_iphones = replace(APP_FAULTS["crlf"], platforms=("ios",))
    monkeypatch.setattr("bluezone_harness.virtual.apps.faults.APP_FAULTS", {"crlf": of_iphones})
    with pytest.raises(ValueError, match=r"the fault crlf is none of this platform \(android\)"):
        app_behaviour(["crlf"])
    assert app_behaviour(["crlf"], "ios").export is not RIGHT.export


@pytest.mark.parametrize("fault", ["F-1", "F-21"])
def test_several_copies_are_named(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = {name: replace(APP_FAULTS[name], fault=fault) for name in ("crlf", "spaces")}
    monkeypatch.setattr("bluezone_harness.virtual.apps.faults.APP_FAULTS", copies)
    with pytest.raises(ValueError, match="is copied by crlf and spaces: name one"):
        find_app_fault(fault)
