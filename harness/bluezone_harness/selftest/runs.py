"""Runs all parts of the self-test and says which checks and vectors kill nothing alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from bluezone_harness.checks import CHECKS
from bluezone_spec.model import Level, Specification
from bluezone_vectors.pack import Pack

from .apps import app_trials
from .kills import Matrix, Part, Spare, Trial, rows_of
from .logs import log_trials
from .phones import phone_trials
from .vectors import vector_spares, vector_trials

PARTS = tuple(Part)
_PARTS = {"BZ-LOG": Part.LOGS, "BZ-RCV": Part.APPS}
"""What the checks of a chapter are tried on; those of the others on captures."""
_STATES = {
    Level.MAY: "what may be is recognised, and never fails",
    Level.REPORT: "it states what was seen, and never fails",
}
REASONS = {
    "BZ-ADV-004": "any wrong id fails it, so that no fault is its own: it finds what no other check explains",
}
"""Why the checks are there that fail for many a fault and are the one under which none is to be found."""


def self_test(
    specification: Specification,
    pack: Pack,
    seeds: Sequence[int],
    parts: Collection[Part] = PARTS,
    tell: Callable[[Trial], None] = lambda trial: None,
) -> Matrix:
    """Hold every planted fault against what is to find it.

    Args:
        specification: By which is judged.
        pack: The vectors; they are asked once, whatever the seeds.
        seeds: Of the simulated phones and logs, one at least where they are tried.
        parts: Which to run.
        tell: Is told of each trial as it is done.
    """
    trials: list[Trial] = []
    for each in _trials(specification, pack, seeds, parts):
        tell(each)
        trials.append(each)
    of_vectors = [each for each in trials if each.part is Part.VECTORS and each.planted]
    spares = [*vector_spares(pack, of_vectors)] if Part.VECTORS in parts else []
    checks = {Part.CAPTURES, Part.LOGS, Part.APPS} <= set(parts)
    if checks:
        spares += check_spares(specification, trials)
    tried = {"faults": len(rows_of(trials)), "trials": len(trials)}
    if Part.VECTORS in parts:
        tried["vectors"] = len(pack.vectors)
    if checks:
        tried["checks"] = len(CHECKS)
    return Matrix(
        tuple(seeds),
        rows_of(trials),
        tuple(each for each in trials if each.planted is None),
        tuple(spares),
        tried,
    )


def check_spares(specification: Specification, trials: Sequence[Trial]) -> Iterator[Spare]:
    """Yield the checks without which each fault would still fail something, with what they are there for.

    A check that has no planted fault of its own, and neither a level that never fails nor a reason of ``REASONS``,
    is yielded without a reason: it is a hole.
    """
    for name in CHECKS:
        found = [
            each
            for each in trials
            if each.part is not Part.VECTORS
            and each.planted
            and each.planted.requirement == name
            and each.holds
        ]
        if any(each.failed == {name} for each in found):
            continue
        faults = sorted({each.planted.name for each in found if each.planted})
        if faults:
            others = sorted(frozenset[str]().union(*(each.failed for each in found)) - {name})
            fail = "fails" if len(faults) == 1 else "fail"
            reason = (
                f"{', '.join(faults)} {fail} {', '.join(others)} too, and this check says what is at fault"
            )
        else:
            reason = REASONS.get(name) or _STATES.get(specification.requirements[name].level, "")
        yield Spare(_PARTS.get(name[: len("BZ-LOG")], Part.CAPTURES), name, reason, len(faults))


def _trials(
    specification: Specification, pack: Pack, seeds: Sequence[int], parts: Collection[Part]
) -> Iterator[Trial]:
    if Part.VECTORS in parts:
        yield from vector_trials(specification, pack, min(seeds, default=0))
    for seed in seeds:
        if Part.CAPTURES in parts:
            yield from phone_trials(specification, seed)
        if Part.LOGS in parts:
            yield from log_trials(specification, seed)
        if Part.APPS in parts:
            yield from app_trials(specification, seed)
