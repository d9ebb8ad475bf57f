"""The matrix says what is so: its evidence was judged, its faults are found, and what is missing is named."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from bluezone_harness import traceability
from bluezone_harness.checks import CHECKS
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Verdict
from bluezone_harness.implementations.faulty import FAULTY
from bluezone_harness.profiles import profiles_of
from bluezone_harness.selftest.phones import heard
from bluezone_harness.traceability import State, Trace, finds, holes, says_yes, trace
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared
from bluezone_spec.model import Level, Requirement, Specification
from bluezone_vectors import Vector, load

START_MS = 1_597_190_400_000 - 3_600_000  # 2020-08-11T23:00:00Z
SEED = 3


@cache
def vectors() -> dict[str, Vector]:
    return {each.id: each for each in load().vectors}


@pytest.fixture(scope="module")
def traces(specification: Specification) -> dict[str, Trace]:
    """Return the whole matrix."""
    found = trace(specification, specification.requirements.values())
    assert [each.requirement for each in found] == list(specification.requirements)
    return {each.requirement: each for each in found}


def requirement_of(specification: Specification, name: str, **changes: object) -> Requirement:
    return replace(specification.requirements[name], **changes)  # type: ignore[arg-type]  # fields by name


def test_who_judges_is_as_the_registries_say(traces: dict[str, Trace]) -> None:
    for name, each in traces.items():
        assert ("check" in each.judged_by) == (name in CHECKS)
        assert ("vectors" in each.judged_by) == bool(each.passes.vectors or each.fails.vectors)
    assert traces["BZ-KEY-004"].judged_by == ("check", "vectors")
    assert traces["BZ-ADV-007"].judged_by == ("check",)
    assert traces["BZ-MAT-003"].judged_by == ("vectors",)
    assert traces["BZ-GAT-001"].judged_by == ("check",)
    assert traces["BZ-PRV-012"].judged_by == ()


def test_a_vector_counts_for_what_it_names_and_binds(traces: dict[str, Trace]) -> None:
    every = set()
    for name, each in traces.items():
        for vector in map(vectors().__getitem__, (*each.passes.vectors, *each.fails.vectors)):
            assert name in vector.requirements
            assert each.level is not Level.MUST or vector.level == "MUST"
            every.add(vector.id)
    assert len(every) > 500
    # one that only advises shows no breach of what binds
    weak = "match-start-at-one-o-clock-sent-id"
    assert (vectors()[weak].level, "BZ-MAT-001" in vectors()[weak].requirements) == ("SHOULD", True)
    assert weak not in traces["BZ-MAT-001"].fails.vectors


def test_a_vector_of_a_profile_that_is_not_bound_is_no_evidence_but_finds(
    specification: Specification, traces: dict[str, Trace]
) -> None:
    row = traces["BZ-KEY-007"]
    assert "android-v3" not in specification.requirements["BZ-KEY-007"].profiles
    assert "derive-ids-android-v3-max-1" not in {*row.passes.vectors, *row.fails.vectors}
    # it alone can tell one that answers as another build does
    assert "always-ios-v3" in row.found.implementations


def test_an_answer_in_parts_may_say_yes_and_no() -> None:
    read = vectors()["receive-read-of-12-octets"]
    assert says_yes(read)
    assert not says_yes(vectors()["receive-data-of-11-octets"])
    assert not any(says_yes(each) for each in load().vectors if each.is_negative)


@pytest.mark.parametrize("name", ["no-salt", "slot-late", "half-open-interval", "seconds-log"])
def test_a_faulty_implementation_is_found_and_the_reference_is_not(name: str) -> None:
    faulty = FAULTY[name]
    vector = finds(load().vectors, faulty)
    assert vector is not None
    assert name in vector.kills
    assert finds(load().vectors, replace(faulty, changes={}, quirks=None)) is None
    assert finds([], faulty) is None


def test_each_faulty_implementation_stands_where_a_run_can_blame_it(traces: dict[str, Trace]) -> None:
    found = {name: row.requirement for row in traces.values() for name in row.found.implementations}
    assert {name: FAULTY[name].requirement for name in found} == found
    # what remembers is found by two runs; vectors of level MAY show no breach
    assert FAULTY.keys() - found.keys() == {
        *(name for name, each in FAULTY.items() if each.remembers),
        "raw-name-for-id",
    }


def test_each_fault_of_a_phone_stands_under_its_requirement(traces: dict[str, Trace]) -> None:
    for each in FAULTS.values():
        assert each.name in traces[each.requirement].found.phones
    for row in traces.values():
        assert row.found.phones == row.fails.captures
        assert not row.found.phones or "check" in row.judged_by


@pytest.mark.req("BZ-ADV-004")
def test_what_is_broken_beside_another_is_found_too(
    specification: Specification, traces: dict[str, Trace]
) -> None:
    listed = {each.requirement for each in FAULTS.values()}
    beside = {
        (row.requirement, name) for row in traces.values() for name in row.found.phones if name not in listed
    }
    beside = {pair for pair in beside if pair[0] not in listed}
    assert {requirement for requirement, _ in beside} == {"BZ-ADV-004"}
    for requirement, name in beside:
        phone = drawn_phone("phone", FAULTS[name].platforms[0], START_MS, SEED, (name,))
        plan = prepared(Plan((phone,), START_MS, 2 * 3_600_000, interval_ms=2000), SEED)
        result = judge(
            specification,
            profiles_of(specification)["v3"],
            [],
            read_device_file("device.json", device_file(plan.phones)),
            "check",
            [heard(plan, SEED)],
        )
        assert {each.id: each.verdict for each in result.requirements}[requirement] is Verdict.FAIL, name


def test_correct_evidence_passes_what_it_can_show(traces: dict[str, Trace]) -> None:
    def kinds(name: str) -> set[str]:
        return {each.split(",")[0] for each in traces[name].passes.captures + traces[name].passes.logs}

    assert kinds("BZ-KEY-004") == {"android", "ios"}
    assert kinds("BZ-ADV-004") == {"android"}
    assert kinds("BZ-GAT-003") == {"ios"}
    assert kinds("BZ-PRV-002") == {"android", "ios"}
    assert kinds("BZ-ADV-009") == {"ios"}
    assert kinds("BZ-LOG-003") == {"export"}
    assert kinds("BZ-PRV-017") == {"database"}
    assert traces["BZ-ADV-008"].passes.captures[0].startswith("android, an advert each 100 ms")


def test_what_is_not_verified_yet_says_why(specification: Specification, traces: dict[str, Trace]) -> None:
    waiting = {name for name, row in traces.items() if row.state is State.NOT_YET}
    assert waiting >= {"BZ-MSG-003", "BZ-PRV-012"}
    for name, row in traces.items():
        assert row.unverified == specification.requirements[name].unverified
        assert not (name in waiting and not row.unverified)
    bare = requirement_of(specification, "BZ-PRV-012", unverified="")
    assert [row.state for row in trace(specification, [bare])] == [State.SHORT]


def test_a_must_that_lacks_something_is_a_hole(specification: Specification) -> None:
    bare = requirement_of(specification, "BZ-PRV-012", unverifiable="Much of it.", unverified="")
    may = replace(bare, level=Level.MAY)
    rows = trace(specification, [bare, may])
    assert [row.state for row in rows] == [State.SHORT, State.SHORT]
    assert [row.short_of for row in rows] == [("judge", "passes", "fails", "fault"), ("judge", "passes")]
    assert [row.is_hole for row in rows] == [True, False]
    # what the chapter says of a part excuses no gap
    assert holes(rows) == ["BZ-PRV-012 is short of: judge, passes, fails, fault"]


@pytest.mark.req("BZ-ADV-007")
def test_a_check_that_is_taken_away_leaves_a_hole(
    specification: Specification, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = trace(specification, [specification.requirements["BZ-ADV-007"]])
    assert (whole.state, holes([whole])) == (State.COMPLETE, [])
    fewer = {name: each for name, each in CHECKS.items() if name != "BZ-ADV-007"}
    monkeypatch.setattr(traceability, "CHECKS", fewer)
    monkeypatch.setattr("bluezone_harness.verdicts.CHECKS", fewer)
    (rest,) = trace(specification, [specification.requirements["BZ-ADV-007"]])
    assert holes([rest]) == ["BZ-ADV-007 is short of: judge, passes, fails, fault"]


def test_vectors_that_a_chapter_does_not_name_are_told_of(traces: dict[str, Trace]) -> None:
    assert [name for name, row in traces.items() if row.is_unnamed] == [
        "BZ-ADV-009",
        "BZ-ADV-010",
        "BZ-RCV-004",
    ]
