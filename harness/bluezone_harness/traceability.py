"""What holds each requirement: who judges it, evidence that passes, evidence that fails, faults that are found.

Theory of operation. ``trace`` reads the registries as they stand, and believes little that is quick to try:

- a requirement is judged by its check, by vectors, or by both. Vectors count as they do in a run: they name the
  requirement, bind no less than it does, and ask for a profile that it lists;
- evidence passes where a vector has an answer that accepts something, and where a control of the self-test passes: a
  simulated phone or a contact log without a fault, judged here;
- evidence fails where a vector's answer refuses something, and where a planted fault makes a capture or a log fail;
- a faulty implementation is found where it answers wrongly, asked here, a vector of the requirement that it breaks. A
  planted fault of a contact log is found where its requirement fails, judged here. Those of phones are taken from their
  registry: to show that each is found takes minutes, which the self-test spends.

A requirement that lacks any of these is short of it, unless its chapter says "Not verified yet" and why. "Not
verifiable" is about a part of a requirement, and excuses no gap in what its letters promise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bluezone_harness.checks import CHECKS
from bluezone_harness.implementations.answers import difference
from bluezone_harness.implementations.faulty import FAULTY, FaultyImplementation
from bluezone_harness.selftest.logs import log_trials
from bluezone_harness.selftest.phones import phone_trials
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.log_faults import LOG_FAULTS
from bluezone_spec.model import Level, Requirement, Specification
from bluezone_vectors.lint import says_no
from bluezone_vectors.pack import Vector, load

SEED = 3
"""Of the phones and logs without a fault."""


class State(StrEnum):
    """What a requirement has of what holds it."""

    COMPLETE = "complete"
    SHORT = "short"
    NOT_YET = "not_verified_yet"


@dataclass(frozen=True, slots=True)
class Shown:
    """Evidence for one verdict, by kind.

    Attributes:
        vectors: Their ids.
        captures: What was simulated.
        logs: The same, of contact logs.
    """

    vectors: tuple[str, ...] = ()
    captures: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.vectors or self.captures or self.logs)


@dataclass(frozen=True, slots=True)
class Found:
    """Faults that are found under a requirement which they break, by what has them.

    Attributes:
        implementations: Names of faulty implementations.
        phones: Names of planted faults.
        logs: The same, of contact logs.
    """

    implementations: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.implementations or self.phones or self.logs)


@dataclass(frozen=True, slots=True)
class Trace:
    """A row of the matrix.

    Attributes:
        requirement: Its id.
        level: Of the requirement.
        judged_by: ``check``, ``vectors``, both or neither.
        names_vectors: Its chapter says that vectors can show it.
        passes: Evidence that passes.
        fails: Evidence that fails.
        found: Faults that are found.
        state: Whether anything is missing.
        short_of: What is missing: of the words ``judge``, ``passes``, ``fails`` and ``fault``.
        unverified: Why it is not verified yet, as the chapter says; empty where it is verified.
        unverifiable: What the chapter says cannot be verified of it.
    """

    requirement: str
    level: Level
    judged_by: tuple[str, ...]
    names_vectors: bool
    passes: Shown
    fails: Shown
    found: Found
    state: State
    short_of: tuple[str, ...]
    unverified: str
    unverifiable: str

    @property
    def is_unnamed(self) -> bool:
        """Whether vectors judge it although its chapter does not name them."""
        return "vectors" in self.judged_by and not self.names_vectors

    @property
    def is_hole(self) -> bool:
        """Whether a MUST lacks something."""
        return self.level is Level.MUST and self.state is State.SHORT


def trace(specification: Specification, requirements: Iterable[Requirement]) -> tuple[Trace, ...]:
    """Return the row of each requirement, in their order.

    Args:
        specification: All of it, by which the controls are judged.
        requirements: Those whose rows are wanted.
    """
    captures = {each.given: each.passed for each in phone_trials(specification, SEED, ())}
    logs: dict[str, Collection[str]] = {}
    faulty: dict[str, list[str]] = {}
    for each in log_trials(specification, SEED):
        if each.planted is None:
            logs[each.given] = each.passed
            continue
        fault = LOG_FAULTS[each.planted.name]
        for broken in sorted({fault.requirement, *fault.breaks} & each.failed):
            faulty.setdefault(broken, []).append(fault.name)
    return tuple(_trace(each, captures, logs, faulty.get(each.id, ())) for each in requirements)


def holes(traces: Iterable[Trace]) -> list[str]:
    """Return a sentence for each MUST that lacks something; none where the matrix has no hole."""
    return [f"{each.requirement} is short of: {', '.join(each.short_of)}" for each in traces if each.is_hole]


def counted(requirement: Requirement, vectors: Iterable[Vector]) -> list[Vector]:
    """Return the vectors that judge a requirement in a run of some profile, listed by it or not."""
    levels = list(Level)
    return [
        each
        for each in vectors
        if requirement.id in each.requirements
        and levels.index(Level(each.level)) <= levels.index(requirement.level)
    ]


def says_yes(vector: Vector) -> bool:
    """Tell whether a vector's answer accepts something; one of several parts may say both yes and no."""
    if not says_no(vector):
        return True
    answer = vector.expect.get("ok")
    return isinstance(answer, dict) and bool(answer.get("records"))


def finds(vectors: Iterable[Vector], faulty: FaultyImplementation) -> Vector | None:
    """Return a vector that a faulty implementation answers wrongly, first of all those that name it.

    Returns:
        ``None``: There is none.
    """
    for vector in sorted(vectors, key=lambda each: faulty.name not in each.kills):
        if faulty.change_for(vector.operation, vector.question) is not None:
            answer = faulty.answer_of(vector.operation, vector.question)
            if difference(vector.operation, vector.expect, answer, vector.question) is not None:
                return vector
    return None


def phone_faults(requirement: str) -> tuple[str, ...]:
    """Return the planted faults of phones that are to be found under a requirement.

    Where none is listed under it, those count that break it beside their own.
    """
    if requirement not in CHECKS:
        return ()
    own = tuple(each.name for each in FAULTS.values() if each.requirement == requirement)
    return own or tuple(each.name for each in FAULTS.values() if requirement in each.breaks)


def _trace(
    requirement: Requirement,
    captures: Mapping[str, Collection[str]],
    logs: Mapping[str, Collection[str]],
    faulty_logs: Collection[str],
) -> Trace:
    asked = counted(requirement, load().vectors)
    vectors = [each for each in asked if each.profile in requirement.profiles]
    refusing = tuple(each.id for each in vectors if says_no(each))
    passes = Shown(
        tuple(each.id for each in vectors if says_yes(each)),
        tuple(name for name, passed in captures.items() if requirement.id in passed),
        tuple(name for name, passed in logs.items() if requirement.id in passed),
    )
    phones = phone_faults(requirement.id)
    found = Found(tuple(_killed(requirement, asked)), phones, tuple(faulty_logs))
    fails = Shown(refusing, phones, found.logs)
    judged_by = (("check",) if requirement.id in CHECKS else ()) + (("vectors",) if vectors else ())
    short_of = tuple(_missing(requirement.level, judged_by, passes, fails, found))
    short = State.NOT_YET if requirement.unverified else State.SHORT
    return Trace(
        requirement.id,
        requirement.level,
        judged_by,
        frozenset("V") in requirement.verified_by,
        passes,
        fails,
        found,
        short if short_of else State.COMPLETE,
        short_of,
        requirement.unverified,
        requirement.unverifiable,
    )


def _missing(
    level: Level, judged_by: Collection[str], passes: Shown, fails: Shown, found: Found
) -> Iterator[str]:
    """Yield what is missing; what may be, or is only stated, never fails."""
    if not judged_by:
        yield "judge"
    if not passes:
        yield "passes"
    if level in (Level.MUST, Level.SHOULD):
        if not fails:
            yield "fails"
        if not found:
            yield "fault"


def _killed(requirement: Requirement, vectors: Collection[Vector]) -> Iterator[str]:
    for faulty in FAULTY.values():
        # what remembers is found by two runs, not by one question
        if faulty.requirement == requirement.id and not faulty.remembers and finds(vectors, faulty):
            yield faulty.name
