"""The kill matrix: faults down, requirements across, and what was found where they meet.

Theory of operation. A trial is one fault under one condition, such as a phone with the fault judged without a device
file; what failed in it is a set of requirements. A fault is killed where, in each of its trials, the requirement that
it breaks failed. What failed besides is collateral and kills nothing. A fault that only vectors of level MAY show fails
nothing: it is shown, not killed. A control has no fault: whatever fails in it is an alarm that is false, and a kit that
raises one would kill everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bluezone_harness.findings import Verdict
from bluezone_harness.results import Result


class Part(StrEnum):
    """What is held against what."""

    VECTORS = "vectors"
    """Faulty implementations against the vectors."""
    CAPTURES = "captures"
    """Faulty phones against the checks of captures."""
    LOGS = "logs"
    """Faulty contact logs against the checks of logs."""
    APPS = "apps"
    """Faulty receivers, whose logs are judged by the record of what they were played."""


class Cell(StrEnum):
    """What was found where a fault and a requirement meet."""

    KILLED = "killed"
    SHOWN = "shown"
    """The fault concerns what an implementation may do: vectors of level MAY show it, and fail nothing."""
    MISSED = "missed"
    """The fault breaks the requirement, which did not fail in each trial."""
    COLLATERAL = "collateral"
    """The requirement failed, and is not the one under which the fault is to be found."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault, whichever registry it is of.

    Attributes:
        part: What it is held against.
        name: In its registry.
        requirement: Under which it is to be found.
        text: What it does.
        fault: The fault of annex A that it copies; empty where it copies none.
    """

    part: Part
    name: str
    requirement: str
    text: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault, or none, under one condition.

    Attributes:
        part: What was held against what.
        planted: The fault; ``None`` in a control.
        given: The condition, for people.
        failed: The requirements that failed.
        passed: The requirements that passed; left empty where vectors judge.
        shown_by: The vectors that did not hold; none where checks judge.
        shown: The requirements that these vectors name, where all of them are of level MAY.
    """

    part: Part
    planted: Planted | None
    given: str
    failed: frozenset[str]
    passed: frozenset[str] = frozenset()
    shown_by: tuple[str, ...] = ()
    shown: frozenset[str] = frozenset()

    @property
    def holds(self) -> bool:
        """Whether the fault was killed or shown, or a control failed nothing."""
        if self.planted is None:
            return not self.failed
        return self.planted.requirement in self.failed | self.shown


@dataclass(frozen=True, slots=True)
class Row:
    """A fault and its trials.

    Attributes:
        planted: The fault.
        trials: At least one.
    """

    planted: Planted
    trials: tuple[Trial, ...]

    @property
    def found(self) -> Cell:
        """What was found where the fault and the requirement that it breaks meet."""
        if not all(each.holds for each in self.trials):
            return Cell.MISSED
        own = self.planted.requirement
        return Cell.KILLED if all(own in each.failed for each in self.trials) else Cell.SHOWN

    @property
    def cells(self) -> Mapping[str, Cell]:
        """What was found, by requirement; a requirement that failed in no trial has no cell."""
        own = self.planted.requirement
        besides = sorted(frozenset[str]().union(*(each.failed for each in self.trials)) - {own})
        return {own: self.found} | dict.fromkeys(besides, Cell.COLLATERAL)


@dataclass(frozen=True, slots=True)
class Spare:
    """A check or a vector that kills nothing alone.

    Attributes:
        part: ``vectors``, or for a check the kind of evidence that it was tried on.
        name: Id of the vector, or of the check's requirement.
        reason: Why it is there all the same; empty where none is known, which is a hole.
        finds: How many faults it finds together with others.
    """

    part: Part
    name: str
    reason: str
    finds: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """All that a self-test found out.

    Attributes:
        seeds: Of the simulations and of the order of questions.
        rows: The faults, in the order of their registries.
        controls: Trials without a fault.
        spares: Checks and vectors that kill nothing alone.
        tried: How many vectors, and how many checks, were tried.
    """

    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    controls: tuple[Trial, ...]
    spares: tuple[Spare, ...]
    tried: Mapping[str, int]

    @property
    def holds(self) -> bool:
        """Whether no fault is missed, no control failed anything, and nothing is there without a reason."""
        return bool(
            self.rows
            and self.controls
            and not self.missed
            and all(each.holds for each in self.controls)
            and all(each.reason for each in self.spares)
        )

    @property
    def missed(self) -> tuple[Row, ...]:
        """The faults that nothing finds where it should."""
        return self.of(Cell.MISSED)

    def of(self, cell: Cell) -> tuple[Row, ...]:
        """Return the faults of which this was found under the requirement that they break."""
        return tuple(each for each in self.rows if each.found is cell)

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements across, in the order of their ids."""
        return tuple(sorted({name for row in self.rows for name in row.cells}))


def of_verdict(result: Result, verdict: Verdict) -> frozenset[str]:
    """Return the requirements on which a result has a verdict."""
    return frozenset(each.id for each in result.requirements if each.verdict is verdict)


def rows_of(trials: Iterable[Trial]) -> tuple[Row, ...]:
    """Put the trials of each fault together, in the order in which the faults first come; controls are left out."""
    found: dict[Planted, list[Trial]] = {}
    for each in trials:
        if each.planted is not None:
            found.setdefault(each.planted, []).append(each)
    return tuple(Row(planted, tuple(some)) for planted, some in found.items())
