"""What the answers of the checks amount to: verdicts of requirements and axes, coverage, an exit code.

Theory of operation. ``judge`` runs every check that the profile's requirements have on every subject that
shows what the check needs, and ``conclude`` makes one verdict of each requirement of the specification:

- it does not list the profile: not applicable;
- a check answered: the heaviest of its answers (a failure outweighs all, what is inconclusive outweighs a pass);
- no check answered: not observable, because no alternative of its letters is complete, because the evidence of
  the right kind lacks what the check needs, or because nothing in it shows the requirement.

Damage never masks a failure: it is a reason to be inconclusive, and a failure outweighs that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TypeVar

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.broadcasts import Broadcast
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.devices_heard import all_subjects
from bluezone_harness.checks.gatt_sessions import SESSION_EVENTS
from bluezone_harness.checks.heard_slots import matched_sightings
from bluezone_harness.checks.kept_air import kept_remarks, of_kept
from bluezone_harness.checks.own_ids import matched_rows
from bluezone_harness.checks.registry import Check
from bluezone_harness.checks.remarks import remarks
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.system_scans import judged
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.evidence.device_files import KIND as DEVICE_FILE
from bluezone_harness.evidence.device_files import DeviceFile
from bluezone_harness.findings import (
    AcceptState,
    Finding,
    Judgement,
    Reason,
    Verdict,
    heaviest,
    inconclusive,
)
from bluezone_harness.observations import Capability, Diagnostic, Extent, Severity
from bluezone_harness.results import (
    SCHEMA,
    AxisVerdict,
    Coverage,
    DeviceSummary,
    Input,
    RequirementVerdict,
    Result,
    Suite,
)
from bluezone_reference import __version__
from bluezone_reference.profiles import Profile
from bluezone_spec.model import Axis, Level, Requirement, Specification

_LETTERS = {
    "C": "a capture",
    "G": "a GATT session",
    "V": "vectors run by an implementation",
    "L": "a contact log",
    "T": "app traffic",
    "K": "a device file",
    "E": "event records",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one check said of one subject."""

    requirement: str
    device: str
    judgement: Judgement


def judge(
    specification: Specification,
    profile: Profile,
    logs: Sequence[ContactLogEvidence],
    device_file: DeviceFile | None,
    command: str,
    captures: Sequence[Capture] = (),
    broadcast: Broadcast | None = None,
) -> Result:
    """Judge contact logs and captures.

    Args:
        specification: By which.
        profile: Whose behaviour is right.
        logs: Contact logs among the evidence.
        device_file: Whose evidence it is, where that is known.
        command: Which command asks, for the report.
        captures: Captures and recordings among the evidence.
        broadcast: What was sent to the devices as they made their logs; ``None``: nobody knows.

    Raises:
        ValueError: The specification lacks a requirement that a check judges.
    """
    for requirement in CHECKS:
        if requirement not in specification.requirements:
            raise ValueError(f"there is a check of {requirement}, which the specification does not have")
    logs, twice = _each_once(logs)
    captures, captured_twice = _each_once(captures)
    record = () if broadcast is None else (broadcast.record,)
    evidence = [*logs, *captures, *record]
    rules = Rules(profile, {name: tolerance.value for name, tolerance in specification.tolerances.items()})
    found = all_subjects(logs, captures, () if device_file is None else device_file.devices, rules)
    found = tuple(replace(each, broadcast=broadcast if each.logs else None) for each in found)
    checks = [
        check for name, check in CHECKS.items() if profile.name in specification.requirements[name].profiles
    ]
    answers = run(checks, found, rules)
    letters = _letters(logs, captures)
    inputs = [Input(each.name, each.sha256, each.kind, each.capabilities, each.contents) for each in evidence]
    if device_file is not None:
        letters.add("K")
        inputs.append(
            Input(device_file.name, device_file.sha256, DEVICE_FILE, {Capability.BASE_ID: Extent.YES})
        )
    shown = [each.capabilities for each in found]
    requirements = conclude(specification, profile.name, answers, frozenset(letters), shown)
    return Result(
        schema=SCHEMA,
        suite=Suite(__version__, digest(specification)),
        command=command,
        profile=profile.name,
        inputs=tuple(inputs),
        partial=any(each.partial for each in evidence),
        conformance=axis_verdict(requirements, Axis.CONFORMANCE),
        privacy=axis_verdict(requirements, Axis.PRIVACY),
        coverage=_coverage(requirements),
        requirements=requirements,
        findings=findings_of(specification, answers),
        diagnostics=tuple(
            diagnostic
            for diagnostics in (
                *(each.diagnostics for each in evidence),
                twice,
                captured_twice,
                tuple(kept_remarks(captures)),
                *(remarks(each, rules) for each in found),
            )
            for diagnostic in diagnostics
        ),
        devices=tuple(
            DeviceSummary(
                each.label,
                matched_rows(each, rules) + matched_sightings(each, rules),
                each.clock_offset_ms,
                len(each.sightings),
            )
            for each in found
        ),
    )


_Evidence = TypeVar("_Evidence", ContactLogEvidence, Capture)


def _letters(logs: Sequence[ContactLogEvidence], captures: Sequence[Capture]) -> set[str]:
    """Return which kinds of evidence there are, as in ``Requirement.verified_by``."""
    letters = {"L"} if logs else set()
    if captures:
        letters.add("C")
    names = {event.name for each in captures for event in each.folded.events}
    if any(each.folded.reads for each in captures) or names & SESSION_EVENTS:
        letters.add("G")
    if names - SESSION_EVENTS:
        letters.add("E")
    return letters


def _each_once(evidence: Sequence[_Evidence]) -> tuple[list[_Evidence], list[Diagnostic]]:
    """Leave out what was given before under this name or another: nothing in it must count twice."""
    once: dict[str, _Evidence] = {}
    twice: list[Diagnostic] = []
    for each in evidence:
        first = once.setdefault(each.sha256, each)
        if first is not each:
            message = f"the same octets as {first.name}: judged once"
            twice.append(Diagnostic(each.name, None, Severity.INFO, message))
    return list(once.values()), twice


def run(checks: Iterable[Check], found: Sequence[Subject], rules: Rules) -> list[Answer]:
    """Ask each check about each subject that shows what it needs.

    Where all that is missing is whose evidence it is, because several devices come into question and none of
    them is the one, the answer is inconclusive.
    """
    answers: list[Answer] = []
    for check in checks:
        for subject in found:
            missing = check.missing(subject.capabilities)
            if not missing:
                judgement = of_kept(check, subject, judged(check, subject, rules))
                answers.append(Answer(check.requirement, subject.label, judgement))
            elif not subject.identified and missing == {Capability.BASE_ID}:
                doubt = inconclusive(
                    Reason.DEVICE_NOT_IDENTIFIED,
                    "the ids are those of none of the devices, or of several",
                )
                answers.append(Answer(check.requirement, subject.label, doubt))
    return answers


def conclude(
    specification: Specification,
    profile: str,
    answers: Sequence[Answer],
    letters: frozenset[str],
    shown: Sequence[frozenset[Capability]] = (),
) -> tuple[RequirementVerdict, ...]:
    """Make a verdict of each requirement of a specification.

    Args:
        specification: All of it.
        profile: Name of the profile that was judged by.
        answers: Of all checks.
        letters: Kinds of evidence that were given, as in ``Requirement.verified_by``.
        shown: What the evidence of each subject can show, to say what is missing.
    """
    by_requirement: dict[str, list[Judgement]] = {}
    for answer in answers:
        by_requirement.setdefault(answer.requirement, []).append(answer.judgement)
    return tuple(
        _verdict(requirement, profile, by_requirement.get(requirement.id, ()), letters, shown)
        for requirement in specification.requirements.values()
    )


def _verdict(
    requirement: Requirement,
    profile: str,
    judgements: Sequence[Judgement],
    letters: frozenset[str],
    shown: Sequence[frozenset[Capability]],
) -> RequirementVerdict:
    if profile not in requirement.profiles:
        return _undecided(requirement, Verdict.NOT_APPLICABLE, None, f"does not bind {profile}")
    if judgements:
        verdict = heaviest(each.verdict for each in judgements)
        heavy = [each for each in judgements if each.verdict is verdict]
        return RequirementVerdict(
            requirement.id,
            requirement.title,
            requirement.level,
            requirement.axis,
            verdict,
            heavy[0].reason,
            sum(each.judged for each in judgements),
            sum(each.failed for each in judgements),
            "; ".join(dict.fromkeys(each.summary for each in heavy)),
        )
    if not any(alternative <= letters for alternative in requirement.verified_by):
        return _undecided(
            requirement, Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING, f"needs {_needs(requirement)}"
        )
    if requirement.id in CHECKS:
        missing = min((CHECKS[requirement.id].missing(each) for each in shown), key=len, default=frozenset())
        lacking = ", ".join(sorted(each.replace("_", " ") for each in missing))
        summary = "this evidence lacks what the check needs" + (f": {lacking}" if lacking else "")
        return _undecided(requirement, Verdict.NOT_OBSERVABLE, Reason.CAPABILITY_MISSING, summary)
    summary = "nothing in this evidence alone shows it"
    return _undecided(requirement, Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING, summary)


def _undecided(
    requirement: Requirement, verdict: Verdict, reason: Reason | None, summary: str
) -> RequirementVerdict:
    return RequirementVerdict(
        requirement.id, requirement.title, requirement.level, requirement.axis, verdict, reason, 0, 0, summary
    )


def _needs(requirement: Requirement) -> str:
    """Say what could show a requirement, such as ``a capture and a device file``."""
    alternatives = (
        " and ".join(text for letter, text in _LETTERS.items() if letter in alternative)
        for alternative in requirement.verified_by
    )
    return ", or ".join(alternatives)


def axis_verdict(requirements: Sequence[RequirementVerdict], axis: Axis) -> AxisVerdict:
    """Return what the MUSTs of an axis amount to."""
    musts = [each for each in requirements if each.axis is axis and each.level is Level.MUST]
    return AxisVerdict(_amount({each.verdict for each in musts}), _coverage(musts))


def _amount(verdicts: Collection[Verdict]) -> Verdict:
    """Return what verdicts of MUSTs amount to."""
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
    return next((each for each in order if each in verdicts), Verdict.NOT_OBSERVABLE)


def _coverage(requirements: Iterable[RequirementVerdict]) -> Coverage:
    verdicts = [
        each.verdict
        for each in requirements
        if each.level is Level.MUST and each.verdict is not Verdict.NOT_APPLICABLE
    ]
    return Coverage(sum(each in (Verdict.PASS, Verdict.FAIL) for each in verdicts), len(verdicts))


def findings_of(specification: Specification, answers: Sequence[Answer]) -> tuple[Finding, ...]:
    """Return the grounds of all answers, worst first, with what the specification says of them."""
    places = {name: place for place, name in enumerate(specification.requirements)}
    levels = list(Level)

    def weight(answer: Answer) -> tuple[bool, int, int]:
        requirement = specification.requirements[answer.requirement]
        return (
            answer.judgement.verdict is not Verdict.FAIL,
            levels.index(requirement.level),
            places[answer.requirement],
        )

    found: list[Finding] = []
    for answer in sorted(answers, key=weight):
        requirement = specification.requirements[answer.requirement]
        found.extend(
            Finding(
                requirement.id,
                requirement.level,
                requirement.axis,
                answer.judgement.verdict,
                answer.device,
                ground.summary,
                ground.expected,
                ground.seen,
                requirement.rationale,
                ground.count,
                ground.evidence,
            )
            for ground in answer.judgement.grounds
        )
    return tuple(found)


def exit_code(
    result: Result, axes: Collection[Axis], *, strict: bool = False, allow_inconclusive: bool = False
) -> int:
    """Return what a command ends with.

    Args:
        result: Of the run.
        axes: What counts.
        strict: Failed SHOULDs and deviations count too.
        allow_inconclusive: What is inconclusive, or not judged at all, does not count.

    Returns:
        1: a MUST failed and is not accepted, or an entry of the accepted findings does not hold. 2: a SHOULD
            failed, or something deviates, and ``strict``; or something is inconclusive, or nothing was judged,
            unless allowed. 0: otherwise.
    """
    if any(entry.state is not AcceptState.APPLIED for entry in result.accept_entries):
        return 1
    verdicts = {_counted(result, axis) for axis in axes}
    if Verdict.FAIL in verdicts:
        return 1
    if strict and any(entry.vector for entry in result.accept_entries):
        return 2
    accepted = result.accepted()
    shoulds = (each for each in result.requirements if each.level is Level.SHOULD and each.axis in axes)
    if strict and any(each.verdict is Verdict.FAIL and each.id not in accepted for each in shoulds):
        return 2
    undecided = Verdict.INCONCLUSIVE in verdicts or verdicts == {Verdict.NOT_OBSERVABLE}
    return 2 if undecided and not allow_inconclusive else 0


def _counted(result: Result, axis: Axis) -> Verdict:
    """Return what counts of an axis for the exit code: its verdict, but for failures that are accepted.

    Such a failure was judged, so it weighs here as a pass does; the verdict of the axis stays a failure.
    """
    accepted = result.accepted()
    if not accepted:
        return result.axis(axis).verdict
    return _amount(
        {
            Verdict.PASS if each.id in accepted else each.verdict
            for each in result.requirements
            if each.axis is axis and each.level is Level.MUST
        }
    )


def digest(specification: Specification) -> str:
    """Return the SHA-256 of all chapters and profiles, in hex."""
    state = sha256()
    for chapter in specification.chapters:
        state.update(f"{chapter.slug}\n{chapter.text}\n".encode())
    for name, profile in specification.profiles.items():
        state.update(f"{name}\n{profile.groups!r}\n".encode())
    return state.hexdigest()
