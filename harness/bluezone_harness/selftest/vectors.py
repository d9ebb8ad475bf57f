"""Faulty implementations against the vectors.

Theory of operation. A faulty implementation answers here as it would as a process, without one. What it answers as the
reference does was asked of the reference once. What remembers is asked all questions twice, in two orders. Questions
that take many hashes are asked only of the reference and of a fault that no lesser question finds: two dozen of them
take most of the time, and diagnosis leaves them out too.

``implementations.results`` then says which requirements fail, by the rules of ``bzc implementation run``: a vector
fails for the requirement of the known fault that explains its answer, and a fault that answers everything alike
explains nothing. The requirement must be named by a vector that failed and that binds no less than it: a fault that
only other requirements' vectors show is missed. A fault that only vectors of level MAY show fails nothing, whatever it
breaks: it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

from bluezone_harness.findings import Verdict
from bluezone_harness.implementations.answers import RANDOM_OPS, difference
from bluezone_harness.implementations.diagnosis import MOST_HASHES
from bluezone_harness.implementations.faulty import FAULTY, FaultyImplementation
from bluezone_harness.implementations.reference_adapter import HELLO
from bluezone_harness.implementations.reference_answers import answer_of
from bluezone_harness.implementations.results import result_of
from bluezone_harness.implementations.runner import Outcome, Run, VectorOutcome, question_of
from bluezone_harness.implementations.wire import Answer
from bluezone_harness.implementations.work import hashes_of
from bluezone_spec.model import Level, Specification
from bluezone_vectors.pack import Pack, Vector

from .kills import Part, Planted, Spare, Trial, of_verdict

_Answerer = Callable[[str, Mapping[str, object]], Answer]


def planted_of(faulty: FaultyImplementation) -> Planted:
    """Return a faulty implementation as a fault of the matrix."""
    return Planted(Part.VECTORS, faulty.name, faulty.requirement, faulty.text, faulty.fault)


def vector_trials(
    specification: Specification,
    pack: Pack,
    seed: int,
    faulty: Sequence[FaultyImplementation] = tuple(FAULTY.values()),
) -> Iterator[Trial]:
    """Yield the control, which is the reference, and then a trial of each faulty implementation.

    Args:
        specification: By which is judged.
        pack: Whose vectors are asked, of every profile.
        seed: Of the orders in which is asked what remembers.
        faulty: Which to try.
    """
    right = {each.id: _outcome(each, [_asked(each, answer_of)]) for each in pack.vectors}
    wrong = tuple(each.id for each in _wrong(right))
    yield Trial(Part.VECTORS, None, "the reference", _failed(specification, pack, right), shown_by=wrong)
    lesser = [each for each in pack.vectors if not is_long(each)]
    for each in faulty:
        trial = _trial(specification, pack, each, right, lesser, seed)
        yield trial if trial.holds else _trial(specification, pack, each, right, pack.vectors, seed)


def is_long(vector: Vector) -> bool:
    """Tell whether a question takes so many hashes that it is not asked where a lesser one finds the fault."""
    return hashes_of(*question_of(vector)) > MOST_HASHES


def vector_spares(pack: Pack, trials: Sequence[Trial]) -> Iterator[Spare]:
    """Yield the vectors without which each fault would still be found, with what they are there for."""
    finders: dict[str, list[Trial]] = {}
    for trial in trials:
        for name in trial.shown_by:
            finders.setdefault(name, []).append(trial)
    for vector in pack.vectors:
        found = finders.get(vector.id, [])
        if any(trial.shown_by == (vector.id,) for trial in found):
            continue
        reason = f"{vector.comment} ({_found(vector, len(found))})" if vector.comment else ""
        yield Spare(Part.VECTORS, vector.id, reason, len(found))


def _found(vector: Vector, count: int) -> str:
    """Say what a vector finds that kills nothing alone, and what it stands beside."""
    if count:
        text = f"it finds {count} fault{'' if count == 1 else 's'} that other vectors find too"
    elif is_long(vector):
        text = "it takes long, and lesser vectors find what it would"
    else:
        text = "no planted fault fails it"
    return f"{text}, beside the boundary {vector.boundary}" if vector.boundary else text


def _trial(
    specification: Specification,
    pack: Pack,
    faulty: FaultyImplementation,
    right: Mapping[str, VectorOutcome],
    vectors: Sequence[Vector],
    seed: int,
) -> Trial:
    outcomes = dict(right)
    changed = [each for each in vectors if faulty.change_for(*question_of(each)) is not None]
    answers: list[list[Answer]] = [[] for _ in changed]
    for place in _places(len(changed), faulty.remembers, seed):
        answers[place].append(_asked(changed[place], faulty.answer_of))
    explained_by = "" if faulty.is_general else faulty.requirement
    for each, some in zip(changed, answers, strict=True):
        outcome = _outcome(each, some)
        if outcome.failed:
            outcome = replace(outcome, looks_like=(faulty.name,), explained_by=explained_by)
        outcomes[each.id] = outcome
    wrong = _wrong(outcomes)
    may = all(each.level == Level.MAY for each in wrong)
    return Trial(
        Part.VECTORS,
        planted_of(faulty),
        "asked in two orders" if faulty.remembers else "asked once",
        _failed(specification, pack, outcomes),
        shown_by=tuple(each.id for each in wrong),
        shown=frozenset(name for each in wrong for name in each.requirements) if may else frozenset(),
    )


def _places(count: int, twice: bool, seed: int) -> list[int]:
    """Return the places of the questions to ask: in their order, or twice, each time in an order of its own."""
    if not twice:
        return list(range(count))
    random = Random(seed)  # noqa: S311 - an order to be repeated, no secret
    return [*random.sample(range(count), count), *random.sample(range(count), count)]


def _asked(vector: Vector, answerer: _Answerer) -> Answer:
    return answerer(*question_of(vector))


def _outcome(vector: Vector, answers: Sequence[Answer]) -> VectorOutcome:
    """Return what came of a vector: its first answer that is wrong, or that it holds."""
    op, question = question_of(vector)
    for answer in answers:
        wrong = difference(op, vector.expect, answer, question)
        if wrong is not None:
            remembers = op not in RANDOM_OPS and any(other != answer for other in answers)
            return VectorOutcome(vector, Outcome.STATE if remembers else Outcome(answer.kind), answer, wrong)
    return VectorOutcome(vector, Outcome.PASS, answers[-1])


def _wrong(outcomes: Mapping[str, VectorOutcome]) -> list[Vector]:
    return [each.vector for each in outcomes.values() if each.failed]


def _failed(
    specification: Specification, pack: Pack, outcomes: Mapping[str, VectorOutcome]
) -> frozenset[str]:
    """Return the requirements that fail under any profile; a profile without a failing vector fails none."""
    profiles = {each.vector.profile for each in outcomes.values() if each.failed}
    results = [result_of(specification, _run(profile, outcomes), pack) for profile in sorted(profiles)]
    return frozenset[str]().union(*(of_verdict(each, Verdict.FAIL) for each in results))


def _run(profile: str, outcomes: Mapping[str, VectorOutcome]) -> Run:
    chosen = tuple(each for each in outcomes.values() if each.vector.profile == profile)
    return Run(HELLO, profile, 0, chosen, len(chosen), 1, "", ())
