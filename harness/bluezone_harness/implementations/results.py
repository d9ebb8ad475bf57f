"""Makes the result that every report is made from out of a run of vectors.

Theory of operation. A requirement fails where a vector of it does not hold, passes where all hold, and is inconclusive
where one was not asked. A vector counts for the requirements that it names and that bind no more than itself: what a
SHOULD vector shows is no breach of a MUST. Failures of one kind are one finding, with the vectors as its evidence.

A wrong id breaks whatever a vector asks by way of ids. Where a known fault gives a wrong answer, and would have failed
nothing that was answered right, the failure counts for the requirement that this fault breaks, and the vector leaves
the others open. What a requirement of level REPORT states never fails.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from bluezone_harness.findings import (
    AcceptState,
    Evidence,
    EvidenceKind,
    Finding,
    Ground,
    Judgement,
    Reason,
    Verdict,
    failed,
    ground,
    inconclusive,
    passed,
)
from bluezone_harness.implementations.answers import expected_text
from bluezone_harness.implementations.deviations import AppliedDeviations
from bluezone_harness.implementations.runner import Outcome, Run, VectorOutcome
from bluezone_harness.observations import Diagnostic, Severity
from bluezone_harness.results import SCHEMA, Coverage, Input, Result, Suite
from bluezone_harness.verdicts import Answer, axis_verdict, conclude, digest, findings_of
from bluezone_reference import __version__
from bluezone_spec.model import Axis, Level, Requirement, Specification
from bluezone_vectors.pack import Pack

COMMAND = "implementation run"
KIND = "implementation"
VECTORS = "vectors"
_LEVELS = list(Level)
_PHRASES = {
    Outcome.UNSUPPORTED: "is not supported",
    Outcome.ERROR: "ends in an error",
    Outcome.CRASH: "makes it crash",
    Outcome.TIMEOUT: "is not answered in time",
    Outcome.VIOLATION: "brings what is no reply",
    Outcome.STATE: "answers one question in two ways, so that it has a memory",
}
_NO_DEVIATIONS = AppliedDeviations()


def result_of(
    specification: Specification, run: Run, pack: Pack, applied: AppliedDeviations = _NO_DEVIATIONS
) -> Result:
    """Return the result of a run.

    Args:
        specification: By which it is judged.
        run: Of the vectors of one profile.
        pack: Whose vectors they are.
        applied: What the file of deviations is worth for it.

    Raises:
        ValueError: A vector names a requirement that the specification does not have.
    """
    by_requirement = _by_requirement(specification, run.outcomes)
    causes = {
        each.explained_by
        for each in run.outcomes
        if each.failed and each.explained_by in each.vector.requirements
    }
    specification_here = _binding(specification, run.profile, by_requirement)
    label = f"{run.hello.name} {run.hello.version}"
    answers = [
        Answer(name, label, _judgement(specification.requirements[name], outcomes, run, causes))
        for name, outcomes in by_requirement.items()
    ]
    requirements = conclude(specification_here, run.profile, answers, frozenset("V"))
    axes = {axis: axis_verdict(requirements, axis) for axis in Axis}
    coverages = [verdict.coverage for verdict in axes.values()]
    result = Result(
        schema=SCHEMA,
        suite=Suite(__version__, digest(specification)),
        command=COMMAND,
        profile=run.profile,
        inputs=_inputs(run, pack),
        partial=bool(run.given_up),
        conformance=axes[Axis.CONFORMANCE],
        privacy=axes[Axis.PRIVACY],
        coverage=Coverage(sum(each.judged for each in coverages), sum(each.total for each in coverages)),
        requirements=requirements,
        findings=_findings(specification_here, by_requirement, applied, label, causes),
        diagnostics=(),
        devices=(),
        accept_entries=applied.entries,
    )
    counted = {each.vector.id for outcomes in by_requirement.values() for each in outcomes}
    return replace(result, diagnostics=tuple(_diagnostics(result, run, label, counted)))


def conclusion(result: Result) -> str:
    """Say in a word or three what a result amounts to; deviations from a MUST never amount to conformance."""
    musts = [each for each in result.requirements if each.level is Level.MUST]
    broken = {each.id for each in musts if each.verdict is Verdict.FAIL}
    wrong_entry = any(each.state is not AcceptState.APPLIED for each in result.accept_entries)
    if broken - result.accepted() or wrong_entry:
        return "not conformant"
    if any(each.verdict is Verdict.INCONCLUSIVE for each in musts):
        return "inconclusive"
    if broken:
        return "conformant with deviations"
    return "conformant" if any(each.verdict is Verdict.PASS for each in musts) else "nothing judged"


def _by_requirement(
    specification: Specification, outcomes: Sequence[VectorOutcome]
) -> dict[str, list[VectorOutcome]]:
    found: dict[str, list[VectorOutcome]] = {}
    for each in outcomes:
        for name in each.vector.requirements:
            if name not in specification.requirements:
                raise ValueError(
                    f"the vector {each.vector.id} names {name}, which the specification does not have"
                )
            level = specification.requirements[name].level
            optional = level in (Level.MAY, Level.REPORT) and each.outcome is Outcome.UNSUPPORTED
            if _LEVELS.index(Level(each.vector.level)) <= _LEVELS.index(level) and not optional:
                found.setdefault(name, []).append(each)
    return found


def _binding(specification: Specification, profile: str, named: Iterable[str]) -> Specification:
    """Return the specification with the profile bound by all that its vectors name.

    The vectors of a quirk profile ask for what the published build does, also where that breaks a requirement, and
    such a requirement does not list the profile. A vector that does not hold must count all the same.
    """
    requirements = dict(specification.requirements)
    for name in named:
        if profile not in requirements[name].profiles:
            requirements[name] = replace(requirements[name], profiles=(*requirements[name].profiles, profile))
    return replace(specification, requirements=requirements)


def _judgement(
    requirement: Requirement, outcomes: Sequence[VectorOutcome], run: Run, causes: Collection[str]
) -> Judgement:
    """Judge a requirement by its vectors; grounds are the business of findings."""
    judged = [each for each in outcomes if each.outcome is not Outcome.NOT_ASKED]
    wrong = [each for each in judged if each.failed]
    blamed = [each for each in wrong if _blames(each, requirement.id, causes)]
    if wrong and requirement.level is Level.REPORT:
        return passed(len(judged), f"{_failing(wrong, judged)}: it is not as the protocol was spoken")
    if blamed:
        return failed(len(judged), len(blamed), _failing(blamed, judged), _grounds(blamed))
    if wrong:
        causing = ", ".join(sorted({each.explained_by for each in wrong}))
        summary = f"{_failing(wrong, judged)}: a fault that breaks {causing} explains it"
        return inconclusive(Reason.EVIDENCE_MISSING, summary, judged=len(judged) - len(wrong))
    if len(judged) < len(outcomes):
        summary = f"{len(outcomes) - len(judged)} of {_count(len(outcomes))} not asked: {run.given_up}"
        return inconclusive(Reason.EVIDENCE_MISSING, summary, judged=len(judged))
    return passed(len(judged), f"{_count(len(judged))} {'holds' if len(judged) == 1 else 'hold'}")


def _failing(wrong: Sequence[VectorOutcome], judged: Sequence[VectorOutcome]) -> str:
    return f"{len(wrong)} of {_count(len(judged))} {'does' if len(wrong) == 1 else 'do'} not hold"


def _blames(outcome: VectorOutcome, name: str, causes: Collection[str]) -> bool:
    """Tell whether a failure counts for a requirement: no other one is known to be its cause."""
    return outcome.explained_by in ("", name) or outcome.explained_by not in causes


def _count(number: int) -> str:
    return f"{number} vector{'' if number == 1 else 's'}"


def _grounds(wrong: Sequence[VectorOutcome]) -> list[Ground]:
    """Return a ground for each kind of failure, in the order in which they first occur."""
    kinds: dict[str, list[VectorOutcome]] = {}
    for each in wrong:
        kinds.setdefault(_summary(each), []).append(each)
    return [
        ground(
            summary,
            expected_text(members[0].vector.expect),
            members[0].text,
            [
                Evidence(
                    EvidenceKind.VECTOR,
                    f"{each.vector.operation}.json",
                    text=f"{each.vector.id}: {each.text}",
                )
                for each in members
            ],
        )
        for summary, members in kinds.items()
    ]


def _summary(outcome: VectorOutcome) -> str:
    looks = f": it looks like {', '.join(outcome.looks_like)}" if outcome.looks_like else ""
    return f"{outcome.vector.operation} {_phrase(outcome)}{looks}"


def _phrase(outcome: VectorOutcome) -> str:
    expects = next(iter(outcome.vector.expect))
    if outcome.outcome is Outcome.OK:
        return "answers what is to be refused" if expects == "reject" else "answers wrongly"
    if outcome.outcome is Outcome.REJECT:
        return "refuses with another code" if expects == "reject" else "refuses what is to be answered"
    return _PHRASES[outcome.outcome]


def _findings(
    specification: Specification,
    by_requirement: Mapping[str, Sequence[VectorOutcome]],
    applied: AppliedDeviations,
    label: str,
    causes: Collection[str],
) -> tuple[Finding, ...]:
    """Return the findings, those that an entry of the deviations accepts marked so; worst first."""
    found: list[Finding] = []
    for number in (0, *applied.acceptances):
        answers = []
        for name, outcomes in by_requirement.items():
            shown = [
                each
                for each in outcomes
                if each.failed
                and applied.numbers.get(each.vector.id, 0) == number
                and _blames(each, name, causes)
                and specification.requirements[name].level is not Level.REPORT
            ]
            if shown:
                answers.append(Answer(name, label, failed(len(outcomes), len(shown), "", _grounds(shown))))
        found += [
            replace(each, accepted=applied.acceptances.get(number))
            for each in findings_of(specification, answers)
        ]
    places = {name: place for place, name in enumerate(specification.requirements)}
    return tuple(sorted(found, key=lambda each: (_LEVELS.index(Level(each.level)), places[each.requirement])))


def _inputs(run: Run, pack: Pack) -> tuple[Input, ...]:
    said = json.dumps(run.hello.value(), sort_keys=True).encode("ascii")
    name = f"{run.hello.name} {run.hello.version} ({run.hello.language})".replace("/", "_")
    return (
        Input(name, sha256(said).hexdigest(), KIND, {}),
        Input(f"vectors {pack.version}", pack.digest, VECTORS, {}),
    )


def _diagnostics(result: Result, run: Run, label: str, counted: Collection[str]) -> Iterator[Diagnostic]:
    source = label.replace("/", "_")
    holding = sum(each.outcome is Outcome.PASS for each in run.outcomes)
    asked = f"{holding} of {_count(len(run.outcomes))} hold; {run.asked} questions, seed {run.seed}"
    yield Diagnostic(source, None, Severity.INFO, f"{conclusion(result)}: {asked}")
    for explanation in run.explanations:
        yield Diagnostic(source, None, Severity.WARNING, explanation)
    if run.given_up:
        yield Diagnostic(source, None, Severity.ERROR, f"not all was asked: {run.given_up}")
    if run.links > 1:
        yield Diagnostic(source, None, Severity.WARNING, f"it had to be started {run.links} times")
    for remark in run.remarks:
        yield Diagnostic(source, None, Severity.WARNING, remark)
    if run.noise:
        yield Diagnostic(source, None, Severity.INFO, f"standard error ends with: {run.noise}")
    idle = [each for each in run.outcomes if each.failed and each.vector.id not in counted]
    lacking = Counter(each.text for each in idle if each.outcome is Outcome.UNSUPPORTED)
    for text, count in lacking.items():
        left = "1 vector was" if count == 1 else f"{count} vectors were"
        yield Diagnostic(source, None, Severity.INFO, f"{left} not answered, which breaks nothing: {text}")
    for each in idle:
        if each.outcome is not Outcome.UNSUPPORTED:
            text = f"the {each.vector.level} vector {each.vector.id} does not hold, which breaks nothing: {each.text}"
            yield Diagnostic(source, None, Severity.INFO, text)
