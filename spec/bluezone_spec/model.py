"""What the specification says, as values: requirements, profiles, faults, reject codes, tolerances, the glossary."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How binding a requirement is (RFC 2119, RFC 8174); REPORT is measured and stated, never failed."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    REPORT = "REPORT"


class Axis(StrEnum):
    """Which of the two verdicts a requirement counts for."""

    CONFORMANCE = "conformance"
    PRIVACY = "privacy"


class EvidenceLevel(StrEnum):
    """How a statement is known; the overview explains each."""

    CAPTURED = "captured"
    EXECUTED = "executed"
    SOURCE = "source"
    PAPER = "paper"
    STANDARD = "standard"
    INFERRED = "inferred"


class FaultKind(StrEnum):
    """What a row of the table of faults is."""

    DEFECT = "defect"
    SEMANTICS = "semantics"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One ground for a statement: its level and where it was found."""

    level: EvidenceLevel
    source: str


@dataclass(frozen=True, slots=True)
class Breach:
    """A published build that breaks a requirement.

    Attributes:
        build: Such as ``Android 2.0.0`` or ``iOS 3.0.3``.
        fault: The fault it does so by; empty where the table of faults has none.
        text: What it does.
    """

    build: str
    fault: str
    text: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of the specification.

    Attributes:
        id: Such as ``BZ-KEY-003``; never reused or renumbered.
        title: The heading, in a few words.
        level: MUST, SHOULD, MAY or REPORT.
        axis: Privacy for BZ-PRV, else conformance.
        chapter: Slug of its chapter, such as ``key-schedule``.
        role: Whom it binds, such as ``phone`` or ``receiver``.
        text: The normative text, Markdown.
        rationale: Why it is so, Markdown.
        evidence: At least one ground.
        profiles: Names of the profiles that it applies to.
        verified_by: Alternatives; each a set of letters (C capture, G GATT, V vectors, L contact log, T traffic,
            K key file, E events) that suffices.
        verification: How, in words.
        unverifiable: What of it cannot be verified from outside, and why; empty where all of it can.
        unverified: What the suite lacks that would verify it; empty where nothing.
        faults: Ids of the faults that break it.
        breaches: Published builds that break it.
    """

    id: str
    title: str
    level: Level
    axis: Axis
    chapter: str
    role: str
    text: str
    rationale: str
    evidence: tuple[Evidence, ...]
    profiles: tuple[str, ...]
    verified_by: tuple[frozenset[str], ...]
    verification: str
    unverifiable: str
    unverified: str
    faults: tuple[str, ...]
    breaches: tuple[Breach, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the table of faults."""

    id: str
    kinds: tuple[FaultKind, ...]
    text: str
    evidence: tuple[Evidence, ...]
    builds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row of the closed table of reject codes."""

    code: str
    requirement: str
    text: str


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a verdict allows for, and why.

    Attributes:
        name: Such as ``window_pause``.
        value: An integer in ``unit``.
        unit: ``ms``, ``s``, ``days`` or ``dB``.
        reason: Why.
    """

    name: str
    value: int
    unit: str
    reason: str


@dataclass(frozen=True, slots=True)
class Term:
    """A row of the glossary: the word, what it means, and the words that are not used for it."""

    term: str
    meaning: str
    avoid: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a profile, with its ground."""

    value: object
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class ProfileText:
    """A profile as the specification writes it: groups of named values, each with its evidence."""

    name: str
    title: str
    generation: int
    platform: str
    groups: dict[str, dict[str, Value]]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter or annex, as written."""

    slug: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Specification:
    """All of it; the mappings keep the order of the chapters."""

    chapters: tuple[Chapter, ...]
    requirements: dict[str, Requirement]
    profiles: dict[str, ProfileText]
    faults: dict[str, Fault]
    rejects: dict[str, Reject]
    tolerances: dict[str, Tolerance]
    terms: dict[str, Term]
    plain_words: frozenset[str]
