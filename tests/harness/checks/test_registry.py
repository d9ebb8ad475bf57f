"""The registry is closed, and a requirement has one check or none."""

from __future__ import annotations

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.registry import Check, Judge, Registry, check
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Reason, not_observable
from bluezone_harness.observations import Capability
from bluezone_spec.model import Specification


def nothing(subject: Subject, rules: Rules) -> Judgement:
    return not_observable(Reason.EVIDENCE_MISSING, "nothing")


@pytest.mark.req("BZ-LOG-001")
def test_a_check_is_registered_and_stays_what_it_is() -> None:
    registry = Registry()
    assert registry.check("BZ-LOG-002", needs=Capability.RECORDS)(nothing) is nothing
    both = frozenset({Capability.RECORDS, Capability.BASE_ID})
    registry.check("BZ-LOG-001", needs=(both, Capability.RAW_AD))(nothing)
    found = registry.close()
    assert list(found) == ["BZ-LOG-001", "BZ-LOG-002"]
    assert found["BZ-LOG-001"].needs == (both, frozenset({Capability.RAW_AD}))
    with pytest.raises(TypeError):
        found["BZ-LOG-003"] = found["BZ-LOG-001"]  # type: ignore[index]  # the mistake that is tried


@pytest.mark.req("BZ-LOG-001")
def test_a_requirement_has_one_check() -> None:
    registry = Registry()
    registry.check("BZ-LOG-001", needs=Capability.RECORDS)(nothing)
    with pytest.raises(ValueError, match="BZ-LOG-001 has a check already"):
        registry.check("BZ-LOG-001", needs=Capability.RECORDS)(nothing)


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize(
    ("requirement", "needs", "message"),
    [
        ("LOG-001", Capability.RECORDS, "'LOG-001' is no id of a requirement"),
        ("BZ-LOG-1", Capability.RECORDS, "is no id of a requirement"),
        ("BZ-LOG-001", (), "must say what it needs"),
        ("BZ-LOG-001", frozenset(), "must say what it needs"),
    ],
)
def test_what_says_too_little_is_refused(
    requirement: str, needs: frozenset[Capability] | tuple[Capability, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Registry().check(requirement, needs=needs)(nothing)


@pytest.mark.req("BZ-LOG-001")
def test_the_projects_registry_is_closed() -> None:
    judge: Judge = nothing
    with pytest.raises(ValueError, match="closed: BZ-RCV-001 comes too late"):
        check("BZ-RCV-001", needs=Capability.RECORDS)(judge)


@pytest.mark.req("BZ-LOG-001")
def test_what_is_missing_is_told_of_the_nearest_alternative() -> None:
    needs = (frozenset({Capability.RECORDS, Capability.BASE_ID}), frozenset({Capability.RAW_AD}))
    found = Check("BZ-PRV-004", needs, nothing)
    assert found.missing(frozenset({Capability.RECORDS})) == {Capability.BASE_ID}
    assert found.missing(frozenset({Capability.RAW_AD})) == frozenset()
    assert found.missing(frozenset({Capability.RECORDS, Capability.BASE_ID, Capability.RSSI})) == frozenset()


@pytest.mark.req("BZ-LOG-001")
def test_each_check_is_of_a_requirement_that_its_evidence_can_show(
    specification: Specification,
) -> None:
    assert set(CHECKS) <= specification.requirements.keys()
    for name in CHECKS:
        letters = [sorted(each) for each in specification.requirements[name].verified_by]
        assert any(set(each) <= {"L", "K", "C", "G"} for each in letters), name
