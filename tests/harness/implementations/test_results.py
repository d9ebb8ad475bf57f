"""From what came of vectors to the result that every report is made from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import TypeAlias
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator

import bluezone_spec
from bluezone_harness.findings import Acceptance, AcceptState, EvidenceKind, Finding, Reason, Verdict
from bluezone_harness.implementations.deviations import Deviation, DeviationKind, compare
from bluezone_harness.implementations.results import conclusion, result_of
from bluezone_harness.implementations.runner import Outcome, Run, VectorOutcome
from bluezone_harness.implementations.wire import Answer, Hello, error, ok, reject, unsupported
from bluezone_harness.reports.json_reader import read_result
from bluezone_harness.reports.json_report import json_text
from bluezone_harness.reports.junit import junit_text
from bluezone_harness.reports.markdown import markdown_text
from bluezone_harness.reports.terminal import terminal_text
from bluezone_harness.results import Result
from bluezone_harness.verdicts import exit_code
from bluezone_spec.model import Axis, Level
from bluezone_vectors.pack import Pack, Vector

Make: TypeAlias = Callable[..., Vector]
SPECIFICATION = bluezone_spec.load()
AXES = tuple(Axis)
PACK = Pack("1.0.0", "ab" * 32, (), {}, ())
HELLO = Hello("bluezone/kt", "2.3.1", "kotlin", ("id_at", "match"))
TODAY = date(2026, 1, 1)
KNOWN = Deviation("key-broken", DeviationKind.BUG, Outcome.ERROR, "Bounds", "known", expires=TODAY)
SHOULD = next(each.id for each in SPECIFICATION.requirements.values() if each.level is Level.SHOULD)
MAY = next(each.id for each in SPECIFICATION.requirements.values() if each.level is Level.MAY)


@pytest.fixture
def vector(hand_made: Make) -> Callable[..., Vector]:
    """Return what makes a vector of an id and what is special about it."""

    def make(
        name: str, op: str = "id_at", expect: Mapping[str, object] | None = None, **special: object
    ) -> Vector:
        return hand_made(name, op, {}, expect or {"ok": 1}, **special)

    return make


def run_of(*outcomes: VectorOutcome, **special: object) -> Run:
    run = Run(HELLO, "v3", 7, tuple(outcomes), 2 * len(outcomes), 1, "", ())
    return replace(run, **special)  # type: ignore[arg-type]  # what is special is given by name


def right(vector: Vector) -> VectorOutcome:
    return VectorOutcome(vector, Outcome.PASS, ok(1))


def broken(
    vector: Vector, answer: Answer | None = None, text: str = "error: IndexOutOfBounds"
) -> VectorOutcome:
    answer = error("IndexOutOfBounds") if answer is None else answer
    return VectorOutcome(vector, Outcome(answer.kind), answer, text)


def verdict(result: Result, requirement: str) -> tuple[Verdict, str]:
    found = next(each for each in result.requirements if each.id == requirement)
    return found.verdict, found.summary


def test_a_requirement_passes_where_all_its_vectors_hold(vector: Make) -> None:
    both = ("BZ-KEY-006", "BZ-KEY-007")
    result = result_of(SPECIFICATION, run_of(right(vector("a")), right(vector("b", requirements=both))), PACK)
    assert verdict(result, "BZ-KEY-006") == (Verdict.PASS, "2 vectors hold")
    assert verdict(result, "BZ-KEY-007") == (Verdict.PASS, "1 vector holds")
    assert verdict(result, "BZ-ADV-007")[0] is Verdict.NOT_OBSERVABLE
    assert result.conformance.coverage.judged == 2
    assert (result.command, result.profile, result.partial) == ("implementation run", "v3", False)
    assert [(each.name, each.kind) for each in result.inputs] == [
        ("bluezone_kt 2.3.1 (kotlin)", "implementation"),
        ("vectors 1.0.0", "vectors"),
    ]
    assert conclusion(result) == "conformant"
    assert exit_code(result, AXES) == 0


def test_a_requirement_fails_where_one_does_not(vector: Make) -> None:
    wrong = [broken(vector(f"v-{n}")) for n in range(12)]
    other = broken(vector("w", expect={"reject": "BAD_MAX"}), ok(3), "answered 3")
    result = result_of(SPECIFICATION, run_of(right(vector("a")), *wrong, other), PACK)
    assert verdict(result, "BZ-KEY-006") == (Verdict.FAIL, "13 of 14 vectors do not hold")
    first, second = result.findings
    assert (first.summary, first.count, len(first.evidence)) == ("id_at ends in an error", 12, 10)
    assert (first.expected, first.seen, first.device) == ("1", "error: IndexOutOfBounds", "bluezone/kt 2.3.1")
    assert first.evidence[0].kind is EvidenceKind.VECTOR
    assert (first.evidence[0].source, first.evidence[0].text) == (
        "id_at.json",
        "v-0: error: IndexOutOfBounds",
    )
    assert (second.summary, second.count) == ("id_at answers what is to be refused", 1)
    assert conclusion(result) == "not conformant"
    assert exit_code(result, AXES) == 1


@pytest.mark.parametrize(
    ("outcome", "expect", "summary"),
    [
        (Outcome.OK, {"ok": 1}, "id_at answers wrongly"),
        (Outcome.OK, {"reject": "BAD_MAX"}, "id_at answers what is to be refused"),
        (Outcome.REJECT, {"reject": "BAD_MAX"}, "id_at refuses with another code"),
        (Outcome.REJECT, {"ok": 1}, "id_at refuses what is to be answered"),
        (Outcome.UNSUPPORTED, {"ok": 1}, "id_at is not supported"),
        (Outcome.CRASH, {"ok": 1}, "id_at makes it crash"),
        (Outcome.TIMEOUT, {"ok": 1}, "id_at is not answered in time"),
        (Outcome.VIOLATION, {"ok": 1}, "id_at brings what is no reply"),
        (Outcome.STATE, {"ok": 1}, "id_at answers one question in two ways, so that it has a memory"),
    ],
)
def test_each_way_to_fail_has_its_sentence(
    vector: Make, outcome: Outcome, expect: Mapping[str, object], summary: str
) -> None:
    made = VectorOutcome(vector("a", expect=expect), outcome, ok(1), "seen")
    result = result_of(SPECIFICATION, run_of(made), PACK)
    assert [each.summary for each in result.findings] == [summary]
    looks = replace(made, looks_like=("no-salt",))
    result = result_of(SPECIFICATION, run_of(looks, explanations=("It looks like no salt",)), PACK)
    assert [each.summary for each in result.findings] == [f"{summary}: it looks like no-salt"]
    assert "It looks like no salt" in [each.message for each in result.diagnostics]


def test_what_is_not_supported_behind_a_must_is_no_skip(vector: Make) -> None:
    lacking = broken(vector("a"), unsupported("no"), "unsupported")
    assert conclusion(result_of(SPECIFICATION, run_of(lacking), PACK)) == "not conformant"
    should = broken(vector("b", requirements=(SHOULD,), level="SHOULD"), unsupported("no"), "unsupported")
    result = result_of(SPECIFICATION, run_of(right(vector("a")), should), PACK)
    assert (verdict(result, SHOULD)[0], exit_code(result, AXES)) == (Verdict.FAIL, 0)
    assert exit_code(result, AXES, strict=True) == 2
    may = broken(vector("c", requirements=(MAY,), level="MAY"), unsupported("no"), "unsupported")
    result = result_of(SPECIFICATION, run_of(may), PACK)
    assert (verdict(result, MAY)[0], conclusion(result)) == (Verdict.NOT_OBSERVABLE, "nothing judged")
    assert exit_code(result, AXES) == 2
    other = replace(may, vector=vector("d", requirements=(MAY,), level="MAY"))
    more = broken(vector("e", requirements=(MAY,), level="MAY"), unsupported("no"), "no")
    result = result_of(SPECIFICATION, run_of(may, other, more), PACK)
    notes = [each.message for each in result.diagnostics if "breaks nothing" in each.message]
    assert notes == [
        "2 vectors were not answered, which breaks nothing: unsupported",
        "1 vector was not answered, which breaks nothing: no",
    ]


def test_a_vector_breaks_nothing_that_binds_more_than_itself(vector: Make) -> None:
    weak = broken(vector("weak", requirements=("BZ-KEY-006", SHOULD), level="SHOULD"))
    result = result_of(SPECIFICATION, run_of(right(vector("a")), weak), PACK)
    assert verdict(result, "BZ-KEY-006") == (Verdict.PASS, "1 vector holds")
    assert verdict(result, SHOULD)[0] is Verdict.FAIL
    weak = broken(vector("weak", level="SHOULD"))
    result = result_of(SPECIFICATION, run_of(right(vector("a")), weak), PACK)
    said = "the SHOULD vector weak does not hold, which breaks nothing: error: IndexOutOfBounds"
    assert said in [each.message for each in result.diagnostics]
    assert result.findings == ()


def test_what_was_not_asked_is_inconclusive_and_no_failure_is_masked(vector: Make) -> None:
    unasked = VectorOutcome(vector("b"), Outcome.NOT_ASKED)
    run = run_of(right(vector("a")), unasked, given_up="20 replies did not come in time", links=21)
    result = result_of(SPECIFICATION, run, PACK)
    found = next(each for each in result.requirements if each.id == "BZ-KEY-006")
    assert (found.verdict, found.reason, found.judged) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING, 1)
    assert found.summary == "1 of 2 vectors not asked: 20 replies did not come in time"
    assert (conclusion(result), result.partial, exit_code(result, AXES)) == ("inconclusive", True, 2)
    assert exit_code(result, AXES, allow_inconclusive=True) == 0
    messages = [each.message for each in result.diagnostics]
    assert messages[0] == "inconclusive: 1 of 2 vectors hold; 4 questions, seed 7"
    assert messages[1:] == [
        "not all was asked: 20 replies did not come in time",
        "it had to be started 21 times",
    ]
    run = replace(run, outcomes=(*run.outcomes, broken(vector("c"))))
    assert exit_code(result_of(SPECIFICATION, run, PACK), AXES, allow_inconclusive=True) == 1


def test_remarks_and_the_last_words_on_standard_error_are_told(vector: Make) -> None:
    run = run_of(right(vector("a")), remarks=("it lingered",), noise="done at last")
    messages = [each.message for each in result_of(SPECIFICATION, run, PACK).diagnostics]
    assert messages[1:] == ["it lingered", "standard error ends with: done at last"]


def test_a_vector_of_a_quirk_profile_counts_though_the_requirement_does_not_bind_it(vector: Make) -> None:
    unbound = next(
        each.id
        for each in SPECIFICATION.requirements.values()
        if each.level is Level.MUST and "android-v3" not in each.profiles
    )
    quirk = vector("q", expect={"failure": "exception"}, requirements=(unbound,), profile="android-v3")
    run = run_of(broken(quirk, ok(1), "answered 1"), profile="android-v3")
    result = result_of(SPECIFICATION, run, PACK)
    assert verdict(result, unbound)[0] is Verdict.FAIL
    assert exit_code(result, AXES) == 1
    run = replace(run, outcomes=(right(quirk),))
    assert verdict(result_of(SPECIFICATION, run, PACK), unbound)[0] is Verdict.PASS
    assert unbound in SPECIFICATION.requirements  # which stays as it was
    assert "android-v3" not in SPECIFICATION.requirements[unbound].profiles


def test_a_vector_of_an_unknown_requirement_is_the_packs_mistake(vector: Make) -> None:
    with pytest.raises(
        ValueError, match="the vector a names BZ-KEY-999, which the specification does not have"
    ):
        result_of(SPECIFICATION, run_of(right(vector("a", requirements=("BZ-KEY-999",)))), PACK)


def applied(vector: Make, *deviations: Deviation) -> Result:
    run = run_of(
        right(vector("a")), broken(vector("key-broken")), broken(vector("b", requirements=(SHOULD,)))
    )
    run = replace(run, outcomes=run.outcomes[:2])
    return result_of(SPECIFICATION, run, PACK, compare(deviations, run.outcomes, TODAY))


def test_deviations_from_a_must_never_amount_to_conformance(vector: Make) -> None:
    result = applied(vector, KNOWN)
    (finding,) = result.findings
    assert finding.accepted == Acceptance("bug: known", TODAY)
    assert verdict(result, "BZ-KEY-006")[0] is Verdict.FAIL
    assert conclusion(result) == "conformant with deviations"
    assert result.diagnostics[0].message.startswith("conformant with deviations: 1 of 2 vectors hold")
    assert (exit_code(result, AXES), exit_code(result, AXES, strict=True)) == (0, 2)


def test_one_failure_that_is_not_known_is_enough(vector: Make) -> None:
    run = run_of(broken(vector("key-broken")), broken(vector("new")))
    result = result_of(SPECIFICATION, run, PACK, compare([KNOWN], run.outcomes, TODAY))
    assert [(each.accepted is None, each.count) for each in result.findings] == [(True, 1), (False, 1)]
    assert (conclusion(result), exit_code(result, AXES)) == ("not conformant", 1)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(KNOWN, vector="gone"),
        replace(KNOWN, vector="a"),
        replace(KNOWN, match="NullPointer"),
        replace(KNOWN, vector="key-*", count=9),
        replace(KNOWN, expires=date(2025, 12, 31)),
    ],
)
def test_an_entry_that_is_not_true_fails_every_report(vector: Make, wrong: Deviation) -> None:
    result = applied(vector, KNOWN, wrong)
    assert result.accept_entries[1].state is not AcceptState.APPLIED
    assert (conclusion(result), exit_code(result, AXES)) == ("not conformant", 1)
    suites = {each.get("name"): each for each in ElementTree.fromstring(junit_text(result, axes=AXES))}
    assert suites["deviations"].get("failures") == "1"
    assert "**does not hold** entry 2" in markdown_text(result)


def test_every_report_tells_of_deviations(vector: Make) -> None:
    result = applied(vector, KNOWN)
    text = terminal_text(result, width=200)
    assert "\ndeviations\n" in text
    assert "applied  entry 1, key-broken: 1 vector known to deviate until 2026-01-01: bug: known" in text
    assert "accepted  until 2026-01-01: bug: known" in text
    assert "### Deviations\n" in markdown_text(result)
    strict = {
        each.get("name"): each for each in ElementTree.fromstring(junit_text(result, axes=AXES, strict=True))
    }
    plain = {each.get("name"): each for each in ElementTree.fromstring(junit_text(result, axes=AXES))}
    assert (strict["deviations"].get("failures"), plain["deviations"].get("failures")) == ("1", "0")
    good = applied(vector, replace(KNOWN, kind=DeviationKind.WONTFIX, expires=None))
    assert "known to deviate: wontfix: known" in terminal_text(good, width=200)
    assert good.findings[0].accepted == Acceptance("wontfix: known", None)


def test_the_json_is_as_the_schema_says_and_reads_back(vector: Make) -> None:
    schema = json.loads(
        files("bluezone_harness").joinpath("schemas", "result.schema.json").read_text("utf-8")
    )
    for deviation in (KNOWN, replace(KNOWN, expires=None, kind=DeviationKind.DISPUTED)):
        result = applied(vector, deviation)
        text = json_text(result)
        Draft202012Validator(schema).validate(json.loads(text))
        again = read_result("result.json", text.encode())
        assert again.accept_entries == result.accept_entries
        assert [_accepted(each) for each in again.findings] == [_accepted(each) for each in result.findings]


def _accepted(finding: Finding) -> tuple[str, Acceptance | None]:
    return finding.summary, finding.accepted


def test_findings_come_musts_first(vector: Make) -> None:
    run = run_of(
        broken(vector("b", requirements=(SHOULD,), level="SHOULD")),
        broken(vector("c", requirements=("BZ-MAT-001",)), reject("X")),
        broken(vector("a")),
    )
    result = result_of(SPECIFICATION, run, PACK)
    assert [each.requirement for each in result.findings] == ["BZ-KEY-006", "BZ-MAT-001", SHOULD]


def test_a_known_fault_breaks_its_own_requirement_and_leaves_the_others_open(vector: Make) -> None:
    both = ("BZ-KEY-006", "BZ-KEY-004")
    wrong = [
        replace(broken(vector(f"v-{n}", requirements=both)), explained_by="BZ-KEY-004") for n in range(3)
    ]
    elsewhere = replace(broken(vector("w", requirements=("BZ-KEY-003",))), explained_by="BZ-KEY-004")
    holds = right(vector("a", requirements=both))
    result = result_of(SPECIFICATION, run_of(holds, *wrong, elsewhere), PACK)
    assert verdict(result, "BZ-KEY-004") == (Verdict.FAIL, "3 of 4 vectors do not hold")
    said = "3 of 4 vectors do not hold: a fault that breaks BZ-KEY-004 explains it"
    assert verdict(result, "BZ-KEY-006") == (Verdict.INCONCLUSIVE, said)
    assert verdict(result, "BZ-KEY-003")[0] is Verdict.INCONCLUSIVE
    assert {each.requirement for each in result.findings} == {"BZ-KEY-004"}
    # what no vector names counts where it was seen
    result = result_of(SPECIFICATION, run_of(right(vector("a")), elsewhere), PACK)
    assert verdict(result, "BZ-KEY-003")[0] is Verdict.FAIL
    # and another failure of the same requirement is not excused
    result = result_of(SPECIFICATION, run_of(*wrong, broken(vector("x"))), PACK)
    assert verdict(result, "BZ-KEY-006") == (Verdict.FAIL, "1 of 4 vectors does not hold")


@pytest.mark.req("BZ-PRV-022")
def test_what_is_only_stated_never_fails(vector: Make) -> None:
    stated = broken(vector("s", requirements=("BZ-PRV-022",)))
    result = result_of(SPECIFICATION, run_of(right(vector("a")), stated), PACK)
    said = "1 of 1 vector does not hold: it is not as the protocol was spoken"
    assert verdict(result, "BZ-PRV-022") == (Verdict.PASS, said)
    assert result.findings == ()
    assert exit_code(result, AXES) == 0
