"""From answers to verdicts, coverage and exit codes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.checks import CHECKS
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import (
    Evidence,
    EvidenceKind,
    Ground,
    Judgement,
    Reason,
    Verdict,
    failed,
    inconclusive,
    not_observable,
    passed,
)
from bluezone_harness.observations import Capability, Extent
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import AxisVerdict, Coverage, Result
from bluezone_harness.verdicts import Answer, axis_verdict, conclude, digest, exit_code, findings_of, judge
from bluezone_spec.model import Axis, Level, Specification

GROUND = Ground("a row is wrong", "this", "that", 1, (Evidence(EvidenceKind.ROW, "log", 1),))
PASS = passed(2, "both hold")
FAIL = failed(3, 1, "one does not hold", [GROUND])
DOUBT = inconclusive(Reason.TOO_SHORT, "too short", judged=1)
UNSEEN = not_observable(Reason.EVIDENCE_MISSING, "not there")
BOTH = tuple(Axis)

Judged = Callable[..., Result]


def verdicts(
    specification: Specification, *answers: tuple[str, Judgement], profile: str = "v3", letters: str = "L"
) -> dict[str, tuple[Verdict, Reason | None]]:
    found = conclude(
        specification, profile, [Answer(name, "phone", each) for name, each in answers], frozenset(letters)
    )
    assert [each.id for each in found] == list(specification.requirements)
    return {each.id: (each.verdict, each.reason) for each in found}


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-005")
@pytest.mark.parametrize(
    ("judgements", "verdict", "reason"),
    [
        ([PASS], Verdict.PASS, None),
        ([PASS, FAIL, DOUBT], Verdict.FAIL, None),
        ([PASS, DOUBT, UNSEEN], Verdict.INCONCLUSIVE, Reason.TOO_SHORT),
        ([UNSEEN, PASS], Verdict.PASS, None),
        ([UNSEEN], Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING),
    ],
)
def test_the_heaviest_answer_is_the_verdict(
    specification: Specification, judgements: list[Judgement], verdict: Verdict, reason: Reason | None
) -> None:
    found = verdicts(specification, *(("BZ-LOG-001", each) for each in judgements))
    assert found["BZ-LOG-001"] == (verdict, reason)


@pytest.mark.req("BZ-LOG-001")
def test_counts_are_added_and_the_heavy_ones_speak(specification: Specification) -> None:
    answers = [Answer("BZ-LOG-001", name, each) for name, each in (("a", PASS), ("b", FAIL), ("c", FAIL))]
    (found,) = [
        each for each in conclude(specification, "v3", answers, frozenset("L")) if each.id == "BZ-LOG-001"
    ]
    assert (found.judged, found.failed, found.summary) == (8, 2, "one does not hold")
    assert (found.level, found.axis, found.title) == (
        Level.MUST,
        Axis.CONFORMANCE,
        specification.requirements["BZ-LOG-001"].title,
    )


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-001", "BZ-RCV-001", "BZ-PRV-016")
@pytest.mark.parametrize(
    ("letters", "name", "expected"),
    [
        ("", "BZ-LOG-001", (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)),
        ("L", "BZ-LOG-005", (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)),  # L+K
        ("LK", "BZ-LOG-005", (Verdict.NOT_OBSERVABLE, Reason.CAPABILITY_MISSING)),
        ("L", "BZ-PRV-016", (Verdict.NOT_OBSERVABLE, Reason.CAPABILITY_MISSING)),
        (
            "L",
            "BZ-RCV-001",
            (Verdict.NOT_OBSERVABLE, Reason.CAPABILITY_MISSING),
        ),  # no record of what was sent
        ("V", "BZ-MAT-001", (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)),  # no check
        ("K", "BZ-KEY-002", (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)),  # C+K
    ],
)
def test_a_requirement_that_no_check_answered_is_not_observable(
    specification: Specification, letters: str, name: str, expected: tuple[Verdict, Reason]
) -> None:
    assert verdicts(specification, letters=letters)[name] == expected


@pytest.mark.req("BZ-LOG-005")
def test_what_is_missing_is_said(specification: Specification) -> None:
    found = {each.id: each for each in conclude(specification, "v3", [], frozenset("L"))}
    assert found["BZ-LOG-005"].summary == "needs a contact log and a device file"
    assert found["BZ-KEY-003"].summary.startswith(
        "needs vectors run by an implementation, or a capture and a device"
    )


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-001")
def test_a_requirement_that_does_not_bind_the_profile_does_not_apply(specification: Specification) -> None:
    found = verdicts(specification, profile="ios-v3")
    assert found["BZ-KEY-001"] == (Verdict.NOT_APPLICABLE, None)
    for name, requirement in specification.requirements.items():
        assert (found[name][0] is Verdict.NOT_APPLICABLE) == ("ios-v3" not in requirement.profiles)


@pytest.mark.req("BZ-LOG-001", "BZ-PRV-016")
@pytest.mark.parametrize(
    ("answers", "verdict", "judged"),
    [
        ([], Verdict.NOT_OBSERVABLE, 0),
        ([("BZ-LOG-001", PASS)], Verdict.PASS, 1),
        ([("BZ-LOG-001", PASS), ("BZ-LOG-002", DOUBT)], Verdict.INCONCLUSIVE, 1),
        ([("BZ-LOG-001", FAIL), ("BZ-LOG-002", DOUBT)], Verdict.FAIL, 1),
        ([("BZ-ADV-008", FAIL)], Verdict.NOT_OBSERVABLE, 0),  # a SHOULD
        ([("BZ-PRV-004", FAIL)], Verdict.NOT_OBSERVABLE, 0),  # the other axis
    ],
)
def test_the_musts_of_an_axis_make_its_verdict(
    specification: Specification, answers: list[tuple[str, Judgement]], verdict: Verdict, judged: int
) -> None:
    found = conclude(specification, "v3", [Answer(name, "", each) for name, each in answers], frozenset("L"))
    axis = axis_verdict(found, Axis.CONFORMANCE)
    musts = sum(
        each.level is Level.MUST and each.axis is Axis.CONFORMANCE and "v3" in each.profiles
        for each in specification.requirements.values()
    )
    assert axis == AxisVerdict(verdict, Coverage(judged, musts))


@pytest.mark.req("BZ-LOG-001")
def test_what_does_not_apply_is_not_in_the_coverage(specification: Specification) -> None:
    totals = [
        axis_verdict(conclude(specification, profile, [], frozenset()), Axis.CONFORMANCE).coverage.total
        for profile in ("v3", "ios-v3")
    ]
    assert totals[1] < totals[0]


@pytest.fixture(scope="session")
def result(judged: Judged, good_log: bytes, good_device: dict[str, object]) -> Result:
    """Return the result of a good log."""
    return judged(good_log, device=good_device)


def with_axes(result: Result, conformance: Verdict, privacy: Verdict) -> Result:
    coverage = Coverage(1, 2)
    return replace(
        result, conformance=AxisVerdict(conformance, coverage), privacy=AxisVerdict(privacy, coverage)
    )


@pytest.mark.req("BZ-LOG-001", "BZ-PRV-004")
@pytest.mark.parametrize(
    ("conformance", "privacy", "axes", "code", "allowed"),
    [
        (Verdict.PASS, Verdict.PASS, BOTH, 0, 0),
        (Verdict.PASS, Verdict.FAIL, BOTH, 1, 1),
        (Verdict.PASS, Verdict.FAIL, (Axis.CONFORMANCE,), 0, 0),
        (Verdict.FAIL, Verdict.INCONCLUSIVE, BOTH, 1, 1),
        (Verdict.FAIL, Verdict.INCONCLUSIVE, (Axis.PRIVACY,), 2, 0),
        (Verdict.PASS, Verdict.INCONCLUSIVE, BOTH, 2, 0),
        (Verdict.PASS, Verdict.NOT_OBSERVABLE, BOTH, 0, 0),
        (Verdict.PASS, Verdict.NOT_OBSERVABLE, (Axis.PRIVACY,), 2, 0),
        (Verdict.NOT_OBSERVABLE, Verdict.NOT_OBSERVABLE, BOTH, 2, 0),
    ],
)
def test_exit_codes(
    result: Result, conformance: Verdict, privacy: Verdict, axes: Sequence[Axis], code: int, allowed: int
) -> None:
    changed = with_axes(result, conformance, privacy)
    assert exit_code(changed, axes) == code
    assert exit_code(changed, axes, allow_inconclusive=True) == allowed


@pytest.mark.req("BZ-PRV-016")
def test_a_failed_should_counts_where_it_is_asked_for(result: Result) -> None:
    requirements = tuple(
        replace(each, verdict=Verdict.FAIL, reason=None) if each.id == "BZ-PRV-016" else each
        for each in result.requirements
    )
    changed = replace(result, requirements=requirements)
    assert exit_code(changed, BOTH) == 0
    assert exit_code(changed, BOTH, strict=True) == 2
    assert exit_code(changed, BOTH, strict=True, allow_inconclusive=True) == 2
    assert exit_code(changed, (Axis.CONFORMANCE,), strict=True) == 0
    assert exit_code(with_axes(changed, Verdict.FAIL, Verdict.PASS), BOTH, strict=True) == 1


@pytest.mark.req("BZ-LOG-001")
@given(st.sampled_from(Verdict), st.sampled_from(Verdict), st.booleans(), st.booleans())
def test_a_failure_is_never_masked(
    result: Result, conformance: Verdict, privacy: Verdict, strict: bool, allow: bool
) -> None:
    code = exit_code(with_axes(result, conformance, privacy), BOTH, strict=strict, allow_inconclusive=allow)
    assert (code == 1) == (Verdict.FAIL in (conformance, privacy))


@pytest.mark.req("BZ-LOG-001", "BZ-PRV-016")
def test_findings_come_worst_first_with_what_the_specification_says(specification: Specification) -> None:
    doubt = inconclusive(Reason.EVIDENCE_MISSING, "who knows", grounds=[GROUND])
    names = [
        ("BZ-PRV-016", FAIL),
        ("BZ-PRV-004", doubt),
        ("BZ-PRV-017", FAIL),
        ("BZ-LOG-001", FAIL),
        ("BZ-LOG-002", PASS),
    ]
    found = findings_of(specification, [Answer(name, "phone", each) for name, each in names])
    assert [(each.requirement, each.level, each.verdict) for each in found] == [
        ("BZ-LOG-001", "MUST", Verdict.FAIL),
        ("BZ-PRV-017", "MUST", Verdict.FAIL),
        ("BZ-PRV-016", "SHOULD", Verdict.FAIL),
        ("BZ-PRV-004", "MUST", Verdict.INCONCLUSIVE),
    ]
    first = found[0]
    assert (first.axis, first.device, first.count) == ("conformance", "phone", 1)
    assert first.why == specification.requirements["BZ-LOG-001"].rationale


@pytest.mark.req("BZ-LOG-005")
def test_a_result_holds_all_that_was_found_out(
    result: Result, specification: Specification, good_log: bytes
) -> None:
    assert (result.schema, result.command, result.profile, result.partial) == (1, "check", "v3", False)
    assert [(each.name, each.kind) for each in result.inputs] == [
        ("log0", "contact_log_export"),
        ("device.json", "device_file"),
    ]
    assert result.inputs[0].sha256 == read_contact_log("log0", good_log).sha256
    assert result.inputs[1].capabilities == {Capability.BASE_ID: Extent.YES}
    assert result.conformance.verdict is Verdict.PASS
    assert result.privacy.verdict is Verdict.PASS
    assert result.coverage == Coverage(
        result.conformance.coverage.judged + result.privacy.coverage.judged,
        result.conformance.coverage.total + result.privacy.coverage.total,
    )
    (device,) = result.devices
    assert (device.label, device.matched, device.clock_offset_ms, device.sightings) == ("phone", 200, None, 0)
    assert result.findings == ()
    assert result.suite.digest == digest(specification)
    assert result.axis(Axis.PRIVACY) == result.privacy


@pytest.mark.req("BZ-LOG-005")
def test_the_same_input_gives_the_same_result(
    judged: Judged, good_log: bytes, good_device: dict[str, object]
) -> None:
    assert judged(good_log[:-7], device=good_device) == judged(good_log[:-7], device=good_device)


@pytest.mark.req("BZ-LOG-005")
def test_the_digest_is_that_of_chapters_and_profiles(specification: Specification) -> None:
    first, *others = specification.chapters
    chapters = (replace(first, text=f"{first.text}."), *others)
    names = list(specification.profiles)
    profiles = specification.profiles | {names[0]: specification.profiles[names[1]]}
    changed = [replace(specification, chapters=chapters), replace(specification, profiles=profiles)]
    assert len({digest(each) for each in (specification, *changed)}) == 3


@pytest.mark.req("BZ-LOG-005")
def test_evidence_given_twice_is_judged_once(judged: Judged, good_log: bytes) -> None:
    found = judged(good_log, good_log)
    assert [each.name for each in found.inputs] == ["log0"]
    assert "the same octets as log0: judged once" in [each.message for each in found.diagnostics]
    assert {each.judged for each in found.requirements if each.id == "BZ-LOG-001"} == {200}


@pytest.mark.req("BZ-LOG-005")
def test_of_several_devices_none_that_fits_is_no_pass(
    specification: Specification, good_log: bytes, judged: Judged
) -> None:
    devices = [
        {
            "name": name,
            "platform": "android",
            "bases": [{"base_id": base_id, "base_day": "2020-08-08"}],
            "max": [],
            "foreground": [],
        }
        for name, base_id in (("left", "12" * 31 + "34"), ("right", "56" * 31 + "78"))
    ]
    found = judged(good_log, device={"schema": 1, "devices": devices})
    states = {each.id: (each.verdict, each.reason) for each in found.requirements}
    assert states["BZ-LOG-005"] == (Verdict.INCONCLUSIVE, Reason.DEVICE_NOT_IDENTIFIED)
    assert states["BZ-LOG-001"] == (Verdict.PASS, None)
    assert states["BZ-PRV-016"] == (Verdict.NOT_OBSERVABLE, Reason.CAPABILITY_MISSING)
    assert found.conformance.verdict is Verdict.INCONCLUSIVE
    assert [each.label for each in found.devices] == ["left", "right", "not identified"]


@pytest.mark.req("BZ-LOG-005")
def test_a_log_without_device_file_shows_nothing_of_the_schedule(judged: Judged, good_log: bytes) -> None:
    found = judged(good_log)
    states = {each.id: (each.verdict, each.reason) for each in found.requirements}
    assert states["BZ-LOG-005"] == (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)
    assert states["BZ-KEY-001"] == (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)
    assert found.conformance.verdict is Verdict.PASS


@pytest.mark.req("BZ-LOG-005")
def test_a_device_file_alone_shows_its_base_id(specification: Specification) -> None:
    file = read_device_file(
        "device.json", json.dumps({"base_id": "00" * 32, "base_day": "2020-08-08"}).encode()
    )
    found = judge(specification, profiles_of(specification)["v3"], [], file, "check")
    assert [each.requirement for each in found.findings] == ["BZ-KEY-001"]
    assert (found.conformance.verdict, found.privacy.verdict) == (Verdict.FAIL, Verdict.NOT_OBSERVABLE)


@pytest.mark.req("BZ-LOG-001")
def test_a_check_of_what_the_specification_does_not_have_is_refused(specification: Specification) -> None:
    requirements = {name: each for name, each in specification.requirements.items() if name != "BZ-LOG-003"}
    changed = replace(specification, requirements=requirements)
    with pytest.raises(ValueError, match="BZ-LOG-003, which the specification does not have"):
        judge(changed, profiles_of(specification)["v3"], [], None, "check")


@pytest.mark.req("BZ-ADV-010", "BZ-PRV-020", "BZ-PRV-021")
def test_what_is_only_reported_has_no_word_for_a_failure(specification: Specification) -> None:
    stated = {name for name in CHECKS if specification.requirements[name].level in (Level.MAY, Level.REPORT)}
    assert stated == {"BZ-ADV-010", "BZ-PRV-020", "BZ-PRV-021"}
    for name in stated:
        assert "failed(" not in inspect.getsource(CHECKS[name].judge)
