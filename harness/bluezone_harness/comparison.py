"""Two results compared: what got better, what got worse, what is seen now, what is seen no longer.

Theory of operation. ``compare`` looks at each requirement that either result knows; one that a result does not
know counts there as not judged. A requirement is *judged* where it passed or failed:

==================  =======================  =====================
before              now                      change
==================  =======================  =====================
passed              anything else            worse
not failed          failed                   worse
failed              passed                   better
not judged          passed                   newly seen
failed              not judged               no longer seen
not judged          not judged, otherwise    other
==================  =======================  =====================

A failure that cannot be seen any more is no improvement, and a pass that cannot be seen any more is a loss.
Only a MUST makes the whole worse, and not where the failure is accepted. Findings are compared by what they
say, numbers aside, because "3 of 40 rows" and "4 of 50 rows" are the same finding.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bluezone_harness.findings import Finding, Reason, Verdict
from bluezone_harness.results import RequirementVerdict, Result
from bluezone_spec.model import Axis, Level

_NUMBER = re.compile(r"[0-9]+")


class Change(StrEnum):
    """How the verdict of a requirement changed."""

    WORSE = "worse"
    BETTER = "better"
    NEWLY_SEEN = "newly_seen"
    NO_LONGER_SEEN = "no_longer_seen"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Side:
    """What one result says of a requirement.

    Attributes:
        verdict: ``None`` where the result does not know the requirement.
        reason: Why it is neither pass nor fail.
        accepted: It failed, and every failure is accepted.
    """

    verdict: Verdict | None
    reason: Reason | None
    accepted: bool


@dataclass(frozen=True, slots=True)
class RequirementChange:
    """A requirement of which the two results do not say the same.

    Attributes:
        id: Of the requirement.
        title: Its heading.
        level: MUST, SHOULD, MAY or REPORT.
        axis: Conformance or privacy.
        change: What became of it.
        counts: It makes the whole worse: a MUST that fails now and is not accepted, or that lost its pass.
        old: What was said.
        new: What is said now.
    """

    id: str
    title: str
    level: Level
    axis: Axis
    change: Change
    counts: bool
    old: Side
    new: Side


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding that only one result has, or that is accepted in only one.

    Attributes:
        requirement: Its id.
        device: Label of the device.
        verdict: Fail or inconclusive.
        summary: What was found.
        count: How often.
        accepted: It is accepted, in the result that it stands in; in the new one where it stands in both.
    """

    requirement: str
    device: str
    verdict: Verdict
    summary: str
    count: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that two results differ in.

    Attributes:
        other_grounds: What was not the same in the two runs themselves, such as ``profile``: old and new.
        requirements: In the order of the new result, then those that only the old one knows.
        findings_new: That only the new result has.
        findings_gone: That only the old result has.
        findings_accepted: That are accepted now and were not, or the other way.
    """

    other_grounds: dict[str, tuple[str, str]]
    requirements: tuple[RequirementChange, ...]
    findings_new: tuple[FindingChange, ...]
    findings_gone: tuple[FindingChange, ...]
    findings_accepted: tuple[FindingChange, ...]

    @property
    def worse(self) -> bool:
        """A MUST fails now, or lost its pass."""
        return any(each.counts for each in self.requirements)

    def of(self, change: Change) -> tuple[RequirementChange, ...]:
        """Return the requirements that changed in one way."""
        return tuple(each for each in self.requirements if each.change is change)


def compare(old: Result, new: Result) -> Comparison:
    """Compare two results, the older first."""
    before = {each.id: each for each in old.requirements}
    now = {each.id: each for each in new.requirements}
    accepted = (old.accepted(), new.accepted())
    changes = (
        _requirement(before.get(name), now.get(name), (name in accepted[0], name in accepted[1]))
        for name in dict.fromkeys((*now, *before))
    )
    return Comparison(
        _other_grounds(old, new),
        tuple(each for each in changes if each is not None),
        _only_in(new.findings, old.findings),
        _only_in(old.findings, new.findings),
        _accepted_otherwise(old.findings, new.findings),
    )


def _other_grounds(old: Result, new: Result) -> dict[str, tuple[str, str]]:
    values = {
        "command": (old.command, new.command),
        "profile": (old.profile, new.profile),
        "version": (old.suite.version, new.suite.version),
        "specification": (old.suite.digest, new.suite.digest),
    }
    return {name: pair for name, pair in values.items() if pair[0] != pair[1]}


def _requirement(
    old: RequirementVerdict | None, new: RequirementVerdict | None, accepted: tuple[bool, bool]
) -> RequirementChange | None:
    """Return how a requirement changed; ``None``: it did not."""
    said = (None if old is None else old.verdict, None if new is None else new.verdict)
    described = new or old
    if said[0] is said[1] or described is None:
        return None
    change = _change(*said)
    return RequirementChange(
        described.id,
        described.title,
        described.level,
        described.axis,
        change,
        change is Change.WORSE and described.level is Level.MUST and not accepted[1],
        Side(said[0], None if old is None else old.reason, accepted[0]),
        Side(said[1], None if new is None else new.reason, accepted[1]),
    )


def _change(old: Verdict | None, new: Verdict | None) -> Change:
    """Return the change between two verdicts that are not the same."""
    if old is Verdict.PASS or new is Verdict.FAIL:
        return Change.WORSE
    if new is Verdict.PASS:
        return Change.BETTER if old is Verdict.FAIL else Change.NEWLY_SEEN
    return Change.NO_LONGER_SEEN if old is Verdict.FAIL else Change.OTHER


def _identity(finding: Finding) -> tuple[str, str, Verdict, str]:
    """Return what makes two findings the same: all that they say, but for numbers."""
    return (
        finding.requirement,
        finding.device,
        finding.verdict,
        _NUMBER.sub("0", finding.summary),
    )


def _only_in(findings: Iterable[Finding], others: Iterable[Finding]) -> tuple[FindingChange, ...]:
    left = Counter(map(_identity, others))
    only: list[FindingChange] = []
    for finding in findings:
        identity = _identity(finding)
        if left[identity]:
            left[identity] -= 1
        else:
            only.append(_finding(finding))
    return tuple(only)


def _accepted_otherwise(old: Iterable[Finding], new: Iterable[Finding]) -> tuple[FindingChange, ...]:
    before = {_identity(each): each.accepted is not None for each in old}
    return tuple(
        _finding(each)
        for each in new
        if before.get(_identity(each), each.accepted is not None) != (each.accepted is not None)
    )


def _finding(finding: Finding) -> FindingChange:
    return FindingChange(
        finding.requirement,
        finding.device,
        finding.verdict,
        finding.summary,
        finding.count,
        finding.accepted is not None,
    )
