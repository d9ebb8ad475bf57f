"""What a wrong answer looks like: the known faults that would have given exactly this answer.

Theory of operation. A wrong answer is compared with the answers of every faulty implementation of the registry. One
question rarely decides: each id but those of day 0 looks alike to two faults of the day key. Over a whole run the
fault is named that gives the most of the wrong answers and would not have failed where the implementation passed.

A crash is compared like an error, for a fault that ends one implementation may be caught by another.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bluezone_reference.weak_bases import weak_base_ids

from .answers import RANDOM_OPS, satisfies
from .faulty import FAULTY, FaultyImplementation
from .questions import Asked
from .reference_answers import answer_of
from .wire import Answer, AnswerKind
from .work import hashes_of

MOST_HASHES = 4000
"""A question that takes more is compared with no fault: there are a hundred of them, and lesser questions show them."""
MOST_WEIGHED = 12
"""So many faults are held against the right answers of a run."""
_WEAK = {base_id.hex(): name for name, base_id in weak_base_ids()}
_FAILED = (AnswerKind.ERROR, AnswerKind.CRASH)


@dataclass(frozen=True, slots=True)
class Likeness:
    """A known fault that a wrong answer looks like.

    Attributes:
        name: Of the faulty implementation.
        fault: Of annex A, such as ``F-10``; empty where it is none of them.
        requirement: Which it breaks.
        text: What it does, as the end of a sentence that begins "It looks like an implementation that".
    """

    name: str
    fault: str
    requirement: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A known fault, and how much of a run it explains.

    Attributes:
        likeness: The fault.
        explained: How many of the wrong answers it gives.
        failures: How many wrong answers there were.
        contradicted: How many questions that were answered right it would have answered wrong.
    """

    likeness: Likeness
    explained: int
    failures: int
    contradicted: int

    @property
    def text(self) -> str:
        """One sentence for people."""
        some = (
            "the"
            if self.failures == 1
            else "all"
            if self.explained == self.failures
            else f"{self.explained} of the"
        )
        sentence = (
            f"It looks like an implementation that {self.likeness.text} ({self.likeness.name}), "
            f"which gives {some} {self.failures} wrong answer{'' if self.failures == 1 else 's'}"
        )
        if self.contradicted:
            sentence += f", but would give {self.contradicted} more"
        return sentence


def looks_like(op: str, question: Asked, answer: Answer) -> tuple[Likeness, ...]:
    """Return the known faults that would give exactly this wrong answer, the most specific first.

    Args:
        op: The operation.
        question: What was asked.
        answer: What was answered.

    Returns:
        None for a right answer, for one that looks like nothing known, and for a question that takes more than
        ``MOST_HASHES``.
    """
    return tuple(_likeness(FAULTY[name]) for name in names_alike(op, question, answer))


def names_alike(op: str, question: Asked, answer: Answer) -> tuple[str, ...]:
    """Return the names of what ``looks_like`` returns."""
    return _names(
        op, json.dumps(question, sort_keys=True), answer.kind, answer.code, json.dumps(answer.value)
    )


def text_of(name: str) -> str:
    """Return what the faulty implementation of a name does, as the end of "It looks like an implementation that"."""
    return f"{FAULTY[name].text} ({name})"


def explanations(
    failures: Sequence[tuple[str, Asked, Answer]], passed: Iterable[tuple[str, Asked]] = ()
) -> tuple[Explanation, ...]:
    """Return the known faults that explain the wrong answers of a run, the best first.

    Args:
        failures: Operation, question and answer of each wrong answer.
        passed: Operation and question of each right answer.

    Returns:
        At most ``MOST_WEIGHED`` of those that give at least one of the wrong answers: first by how many they give less
        how many right answers speak against them, then by how specific they are.
    """
    counts = Counter(name for failure in failures for name in names_alike(*failure))
    weighed = sorted(_by_specificity(FAULTY[name] for name in counts), key=lambda each: -counts[each.name])
    right = [
        (op, question, answer_of(op, question))
        for op, question in (passed if weighed else ())
        if hashes_of(op, question) <= MOST_HASHES
    ]
    found = [
        Explanation(
            _likeness(faulty),
            counts[faulty.name],
            len(failures),
            sum(
                not _same(op, question, answer, faulty.answer_of(op, question))
                for op, question, answer in right
                if faulty.change_for(op, question) is not None
            ),
        )
        for faulty in weighed[:MOST_WEIGHED]
    ]
    return tuple(sorted(found, key=lambda each: each.contradicted - each.explained))


@lru_cache(maxsize=4096)
def _names(op: str, question_text: str, kind: AnswerKind, code: str, value_text: str) -> tuple[str, ...]:
    """Return the names of the faults that give an answer; what a run asks twice is compared once."""
    question, answer = json.loads(question_text), Answer(kind, json.loads(value_text), code)
    if hashes_of(op, question) > MOST_HASHES:
        return ()
    right = answer_of(op, question)
    if _same(op, question, right, answer):
        return ()
    return tuple(
        faulty.name
        for faulty in _by_specificity(FAULTY.values())
        if faulty.change_for(op, question) is not None
        and not faulty.remembers
        and _same(op, question, given := faulty.answer_of(op, question), answer)
        and not _same(op, question, right, given)
    )


def _by_specificity(found: Iterable[FaultyImplementation]) -> list[FaultyImplementation]:
    """Put first what changes few operations, and last what answers alike whatever it is asked."""
    return sorted(found, key=lambda each: (each.is_general, len(each.changes)))


def _same(op: str, question: Asked, given: Answer, answer: Answer) -> bool:
    """Tell whether an answer is what another is, as a vector would compare them."""
    if op in RANDOM_OPS:
        return _traits(given) == _traits(answer)
    match given.kind:
        case AnswerKind.OK:
            return satisfies(op, {"ok": given.value}, answer, question)
        case AnswerKind.REJECT:
            return satisfies(op, {"reject": given.code}, answer, question)
        case AnswerKind.ERROR:
            return answer.kind in _FAILED
        case _:
            return answer.kind is given.kind


def _traits(answer: Answer) -> object:
    """Return what two answers of new base ids share that are wrong in the same way, or both right."""
    listed = answer.value.get("base_ids") if isinstance(answer.value, dict) else None
    if not isinstance(listed, list):
        return answer.kind, answer.code
    texts = [str(each) for each in listed]
    return [len(each) for each in texts], len(set(texts)), _WEAK.get(texts[0], "") if texts else ""


def _likeness(faulty: FaultyImplementation) -> Likeness:
    return Likeness(faulty.name, faulty.fault, faulty.requirement, faulty.text)
