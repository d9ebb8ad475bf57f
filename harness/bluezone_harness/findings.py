"""The answer of a check, and what reports are told of it.

A check answers a ``Judgement``: one verdict, how much was judged and how much of that failed, and the grounds
for it. ``verdicts`` adds what only the specification knows (level, axis, why it matters) and makes
``Finding`` of each ground. Verdicts and reasons are closed lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

EVIDENCE_SHOWN = 10
"""Pieces of evidence that a finding carries; how many there were in all is its count."""


class Verdict(StrEnum):
    """What is said of a requirement."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    """The evidence is of the right kind, but too little."""
    NOT_OBSERVABLE = "not_observable"
    """No evidence of a kind that could show it."""
    NOT_APPLICABLE = "not_applicable"
    """The requirement does not bind the profile."""


class Reason(StrEnum):
    """Why a verdict is neither pass nor fail."""

    TOO_SHORT = "too_short"
    NO_ROTATION = "no_rotation"
    TOO_FEW_PACKETS = "too_few_packets"
    CAPABILITY_MISSING = "capability_missing"
    DEVICE_NOT_IDENTIFIED = "device_not_identified"
    DAMAGED = "damaged"
    EVIDENCE_MISSING = "evidence_missing"


class EvidenceKind(StrEnum):
    """What a piece of evidence is."""

    PACKET = "packet"
    ROW = "row"
    REQUEST = "request"
    VECTOR = "vector"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One place in the evidence that a finding points at.

    Attributes:
        kind: What it is.
        source: Name of the evidence, without folders.
        number: Of the packet, the line (from 1) or the database row.
        offset: Octets from the start of the source, where there is such a place.
        time_ms: When, where it has a time.
        receiver: Who heard it; empty where nobody did.
        octets: As they stand there; empty where they are not octets.
        text: The same for people.
    """

    kind: EvidenceKind
    source: str
    number: int | None = None
    offset: int | None = None
    time_ms: int | None = None
    receiver: str = ""
    octets: bytes = b""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """One thing that a check found.

    Attributes:
        summary: One sentence for people, without a full stop.
        expected: What the requirement asks for, in the first case found.
        seen: What was there instead.
        count: How often it was found.
        evidence: Where; at most ``EVIDENCE_SHOWN`` pieces.
    """

    summary: str
    expected: str
    seen: str
    count: int
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        if self.count < max(1, len(self.evidence)):
            raise ValueError("a ground counts at least the evidence it shows")


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer of one check.

    Attributes:
        verdict: What is said.
        summary: What was judged, or why it was not, in one sentence without a full stop.
        judged: How many things (rows, ids, keys) were judged.
        failed: How many of them failed.
        reason: Why neither pass nor fail; ``None`` exactly where it is one of them.
        grounds: What was found.
    """

    verdict: Verdict
    summary: str
    judged: int = 0
    failed: int = 0
    reason: Reason | None = None
    grounds: tuple[Ground, ...] = ()

    def __post_init__(self) -> None:
        decided = self.verdict in (Verdict.PASS, Verdict.FAIL)
        if decided == (self.reason is not None):
            raise ValueError(f"a reason is given exactly where a verdict is neither pass nor fail: {self}")
        if self.verdict is Verdict.PASS and (self.judged < 1 or self.failed or self.grounds):
            raise ValueError(f"a pass has judged something and found nothing: {self}")
        if self.verdict is Verdict.FAIL and not (0 < self.failed <= self.judged and self.grounds):
            raise ValueError(f"a failure says what failed: {self}")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Why a failure that is known does not count for the exit code, and until when.

    Attributes:
        reason: From the file of accepted findings, or of deviations.
        expires: The last day on which it holds; ``None``: for good.
    """

    reason: str
    expires: date | None


class AcceptState(StrEnum):
    """What became of an entry of the file of accepted findings, or of deviations."""

    APPLIED = "applied"
    UNMATCHED = "unmatched"
    """It matches no failure; of deviations: no vector."""
    EXPIRED = "expired"
    PASSED = "passed"
    """A vector that should fail does not."""
    CHANGED = "changed"
    """A vector fails in another way than the entry says."""
    MISCOUNTED = "miscounted"
    """It matches more or fewer vectors than it says."""


@dataclass(frozen=True, slots=True)
class AcceptEntry:
    """An entry of the file of accepted findings, or of deviations, and what became of it.

    Attributes:
        number: In the file, from 1.
        requirement: Of the failures that it accepts; empty in an entry of the deviations.
        reason: Why.
        expires: The last day on which it holds; ``None``: for good.
        device: Label of the device that it is about; ``None``: any.
        summary_match: What the summary of the failure holds; ``None``: anything.
        state: What became of it.
        matched: How many failures it matches.
        vector: In an entry of the deviations, the vector or the vectors that deviate; else empty.
    """

    number: int
    requirement: str
    reason: str
    expires: date | None
    device: str | None
    summary_match: str | None
    state: AcceptState
    matched: int
    vector: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A ground with all that a report says of it.

    Attributes:
        requirement: Id of the requirement.
        level: MUST, SHOULD, MAY or REPORT.
        axis: ``conformance`` or ``privacy``.
        verdict: Fail, or inconclusive where something unknown could explain it.
        device: Label of the device it is about.
        summary: One sentence, without a full stop.
        expected: What the requirement asks for.
        seen: What was there instead.
        why: Why it matters, from the specification.
        count: How often it was found.
        evidence: The first places.
        accepted: Why it does not count for the exit code; ``None``: it counts.
    """

    requirement: str
    level: str
    axis: str
    verdict: Verdict
    device: str
    summary: str
    expected: str
    seen: str
    why: str
    count: int
    evidence: tuple[Evidence, ...]
    accepted: Acceptance | None = None


_WEIGHT = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_OBSERVABLE, Verdict.NOT_APPLICABLE)


def heaviest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict that several together amount to.

    A failure outweighs all. What is inconclusive outweighs a pass, so that one poor piece of evidence is not
    hidden by a good one; a pass outweighs what another piece of evidence could not have shown.

    Args:
        verdicts: At least one.

    Raises:
        ValueError: There is none.
    """
    return min(verdicts, key=_WEIGHT.index)


def not_observable(reason: Reason, summary: str) -> Judgement:
    """Answer that this kind of evidence cannot show it."""
    return Judgement(Verdict.NOT_OBSERVABLE, summary, reason=reason)


def inconclusive(
    reason: Reason, summary: str, *, judged: int = 0, grounds: Sequence[Ground] = ()
) -> Judgement:
    """Answer that the evidence is of the right kind, but too little; ``grounds`` tell what made one doubt."""
    return Judgement(Verdict.INCONCLUSIVE, summary, judged, 0, reason, tuple(grounds))


def passed(judged: int, summary: str) -> Judgement:
    """Answer that all of ``judged`` things hold."""
    return Judgement(Verdict.PASS, summary, judged)


def failed(judged: int, failures: int, summary: str, grounds: Sequence[Ground]) -> Judgement:
    """Answer that ``failures`` of ``judged`` things do not hold, for these grounds."""
    return Judgement(Verdict.FAIL, summary, judged, failures, None, tuple(grounds))


def combined(judgements: Sequence[Judgement]) -> Judgement:
    """Make one answer of those that several kinds of evidence give of one requirement.

    What a contact log and a capture show of one phone weighs as the heaviest of them; what was judged adds up, and
    the grounds are those of the heaviest.

    Args:
        judgements: At least one.

    Raises:
        ValueError: There is none.
    """
    verdict = heaviest(each.verdict for each in judgements)
    heavy = [each for each in judgements if each.verdict is verdict]
    return Judgement(
        verdict,
        "; ".join(dict.fromkeys(each.summary for each in heavy)),
        sum(each.judged for each in judgements),
        sum(each.failed for each in judgements),
        heavy[0].reason,
        tuple(each for judgement in heavy for each in judgement.grounds),
    )


def ground(
    summary: str, expected: str, seen: str, evidence: Sequence[Evidence], count: int | None = None
) -> Ground:
    """Make a ground of all the evidence there is: the first pieces are kept, all are counted.

    Args:
        summary: One sentence for people, without a full stop.
        expected: What the requirement asks for.
        seen: What was there.
        evidence: All of it, at least one piece.
        count: How often it was found, where that is not the number of pieces.
    """
    return Ground(
        summary,
        expected,
        seen,
        len(evidence) if count is None else count,
        tuple(evidence[:EVIDENCE_SHOWN]),
    )
