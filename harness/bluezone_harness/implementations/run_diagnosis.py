"""Adds to a run which known faults its wrong answers look like.

Theory of operation. One question rarely decides, and comparing every answer with every known fault takes long. So
``diagnosis`` is asked about a sample of the wrong and of the right answers, and names the faults that explain the
wrong ones and would not have failed the right ones. Only these few are compared with all wrong answers; each is said
to look like the first of them that gives it, and what was answered right is held against each that was named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from bluezone_harness.implementations.answers import same_answer, satisfies
from bluezone_harness.implementations.diagnosis import Explanation, explanations
from bluezone_harness.implementations.faulty import FAULTY
from bluezone_harness.implementations.runner import Outcome, Run, VectorOutcome, question_of
from bluezone_harness.implementations.wire import Answer, AnswerKind

SAMPLE = 32
"""Wrong answers that are compared with all faults, and right ones that are held against those that give them."""
FAULTS_SHOWN = 5
"""Faults that are compared with all wrong answers."""
_ENDED = (AnswerKind.ERROR, AnswerKind.CRASH)
_WITHOUT_ANSWER = (Outcome.UNSUPPORTED, Outcome.NOT_ASKED)


def diagnosed(run: Run) -> Run:
    """Return a run with what its wrong answers look like."""
    wrong = [each for each in run.outcomes if each.failed and each.outcome not in _WITHOUT_ANSWER]
    right = [each for each in run.outcomes if each.outcome is Outcome.PASS]
    some = [(*question_of(each.vector), each.answer) for each in sample(wrong) if each.answer is not None]
    found = explanations(some, [question_of(each.vector) for each in sample(right)])
    likely = [each for each in found if each.explained > each.contradicted][:FAULTS_SHOWN]
    looks = {each.vector.id: _looks_like(each, likely) for each in wrong}
    texts = []
    sure: dict[str, str] = {}
    for each in likely:
        explained = sum(each.likeness.name in names for names in looks.values())
        if explained:
            whole = replace(
                each,
                explained=explained,
                failures=len(wrong),
                contradicted=_contradicted(each.likeness.name, right),
            )
            texts.append(whole.text)
            if not whole.contradicted and not FAULTY[each.likeness.name].is_general:
                sure[each.likeness.name] = each.likeness.requirement
    outcomes = tuple(
        replace(each, looks_like=names, explained_by=next((sure[name] for name in names if name in sure), ""))
        for each in run.outcomes
        for names in [looks.get(each.vector.id, ())]
    )
    return replace(run, outcomes=outcomes, explanations=tuple(texts))


def sample(outcomes: Sequence[VectorOutcome]) -> list[VectorOutcome]:
    """Return a sample that has as many of each operation as there are, and is spread over each."""
    by_op: dict[str, list[VectorOutcome]] = {}
    for each in outcomes:
        by_op.setdefault(each.vector.operation, []).append(each)
    share = max(1, SAMPLE // max(1, len(by_op)))
    columns = [some[:: -(-len(some) // share)] for some in by_op.values()]
    return [each for row in zip_longest(*columns) for each in row if each is not None][:SAMPLE]


def _looks_like(outcome: VectorOutcome, likely: Sequence[Explanation]) -> tuple[str, ...]:
    op, question = question_of(outcome.vector)
    for each in likely:
        faulty = FAULTY[each.likeness.name]
        if (
            outcome.answer is not None
            and op in faulty.changes
            and _alike(faulty.answer_of(op, question), outcome.answer)
        ):
            return (faulty.name,)
    return ()


def _alike(given: Answer, answer: Answer) -> bool:
    """Tell whether an answer is that of a fault; what ends one implementation may be caught by another."""
    return same_answer(given, answer) or (given.kind in _ENDED and answer.kind in _ENDED)


def _contradicted(name: str, right: Sequence[VectorOutcome]) -> int:
    """Return how many questions that were answered right a fault would have answered wrong."""
    faulty = FAULTY[name]
    count = 0
    for each in right:
        op, question = question_of(each.vector)
        if op in faulty.changes:
            count += not satisfies(op, each.vector.expect, faulty.answer_of(op, question), question)
    return count
