"""A search for a question that an implementation answers otherwise than the reference does.

Theory of operation. Hypothesis draws questions of one operation after another (``questions_drawn``), and each is put
to both. The first answer that differs ends the search of its operation: the question is shrunk to the least that still
shows a difference. Right is what the reference answers, so that a difference may be the reference's mistake too, and
then the specification decides.

The search is repeatable: the same seed asks the same questions of the same implementation, unless time runs out. Every
question is asked once, and what came of it kept, so that an implementation with a memory cannot make the search
contradict itself. When time is up, the least question found so far is the answer.

Hypothesis is imported only where a search begins, for nothing else here needs it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import TypeAlias

from .answers import RANDOM_OPS, answer_text, difference
from .diagnosis import names_alike
from .questions import Asked
from .reference_answers import ANSWERERS, answer_of
from .wire import Answer, AnswerKind

AnswerOf: TypeAlias = Callable[[str, Asked], Answer]
"""An implementation: answers a question of an operation."""

EXPLORED = tuple(op for op in ANSWERERS if op not in RANDOM_OPS)
"""The operations that are searched: all whose answers can be compared."""
SECONDS = 60.0
"""How long a search lasts unless the caller says otherwise."""
SHRINKING = 0.5
"""Of the time for an operation, how much is kept for shrinking what was found."""
_MOST_QUESTIONS = 1_000_000
REQUIREMENTS: Mapping[str, str] = {
    "derive_ids": "BZ-KEY-004",
    "id_at": "BZ-KEY-006",
    "ids_over_time": "BZ-KEY-009",
    "published_key": "BZ-MSG-004",
    "encode_advertisement": "BZ-ADV-003",
    "decode_advertisement": "BZ-ADV-001",
    "receive": "BZ-RCV-001",
    "log_export": "BZ-LOG-003",
    "log_import": "BZ-LOG-003",
    "match": "BZ-MAT-001",
    "decode_push": "BZ-MSG-001",
    "decode_info": "BZ-MSG-002",
    "encode_info": "BZ-MSG-002",
}
"""What each operation shows in the first place: the requirement that a found vector names."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A question that is answered otherwise than by the reference.

    Attributes:
        op: The operation.
        question: The least question that was found.
        expected: The reference's answer.
        seen: The implementation's.
        text: How the two differ, in one phrase.
    """

    op: str
    question: Asked
    expected: Answer
    seen: Answer
    text: str

    @property
    def looks_like(self) -> tuple[str, ...]:
        """Names of the known faults that answer so, the most specific first."""
        return names_alike(self.op, self.question, self.seen)


@dataclass(frozen=True, slots=True)
class Exploration:
    """What came of a search.

    Attributes:
        seed: Which repeats it.
        asked: How many questions were put to the implementation, by operation.
        unsupported: Operations that the implementation does not have.
        disagreements: At most one an operation.
        ended: Why the implementation could not be asked any more; empty where it could.
    """

    seed: int
    asked: dict[str, int]
    unsupported: tuple[str, ...]
    disagreements: tuple[Disagreement, ...]
    ended: str = ""


class EndedError(Exception):
    """What an ``AnswerOf`` raises when the implementation cannot be asked any more; its text says why."""


def expectation(answer: Answer) -> dict[str, object] | None:
    """Return what a vector would expect where the reference gives this answer; ``None`` for no proper question."""
    match answer.kind:
        case AnswerKind.OK:
            return {"ok": answer.value}
        case AnswerKind.REJECT:
            return {"reject": answer.code}
        case _:
            return None


def explore(
    answered: AnswerOf,
    *,
    ops: Iterable[str] = EXPLORED,
    seed: int = 0,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Exploration:
    """Search for questions that an implementation answers otherwise than the reference does.

    Args:
        answered: The implementation. It may raise ``EndedError``.
        ops: The operations to search, in this order.
        seed: Draws the questions.
        seconds: For all operations together; each has an equal share of what is left.
        clock: Seconds that only go forward.

    Raises:
        ValueError: An operation cannot be searched.
    """
    wanted = list(dict.fromkeys(ops))
    for op in wanted:
        if op not in EXPLORED:
            raise ValueError(f"there is no operation {op!r} to search; there are {', '.join(EXPLORED)}")
    end_s = clock() + seconds
    asked: dict[str, int] = {}
    unsupported: list[str] = []
    found: list[Disagreement] = []
    ended = ""
    for place, op in enumerate(wanted):
        share_s = (end_s - clock()) / (len(wanted) - place)
        search = _Search(answered, op, clock, share_s)
        search.run(seed)
        asked[op] = search.asked
        if search.is_unsupported:
            unsupported.append(op)
        elif search.best is not None:
            found.append(search.best)
        if ended := search.ended:
            break
    return Exploration(seed, asked, tuple(unsupported), tuple(found), ended)


class _OverError(BaseException):
    """Ends a search at once; no ``Exception``, for Hypothesis would take that for what it searches."""


class _Search:
    """The search of one operation, and what is known of its questions.

    Attributes:
        asked: How many questions were put to the implementation.
        is_unsupported: It said that it does not have the operation.
        ended: Why the implementation could not be asked any more.
        best: The least disagreement so far.
    """

    def __init__(self, answered: AnswerOf, op: str, clock: Callable[[], float], share_s: float) -> None:
        self.asked = 0
        self.is_unsupported = False
        self.ended = ""
        self.best: Disagreement | None = None
        self._answered = answered
        self._op = op
        self._clock = clock
        self._end_s = clock() + share_s * (1 - SHRINKING)
        self._shrink_s = share_s * SHRINKING
        self._known: dict[str, bool] = {}

    def run(self, seed: int) -> None:
        """Search, and leave the least disagreement in ``best``."""
        # imported here: nothing else needs it
        from hypothesis import HealthCheck, Phase, Verbosity, find, settings
        from hypothesis.errors import NoSuchExample

        from .questions_drawn import QUESTIONS

        limits = settings(
            max_examples=_MOST_QUESTIONS,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        random = Random(f"{self._op} {seed}")  # noqa: S311 - to be repeated, no secret
        with suppress(NoSuchExample, _OverError):
            find(QUESTIONS[self._op], self._disagrees, settings=limits, random=random)

    def _disagrees(self, question: Asked) -> bool:
        """Tell whether a question is answered otherwise; each is put to the implementation once."""
        key = json.dumps(question, sort_keys=True)
        if key not in self._known:
            if self._clock() >= self._end_s:
                raise _OverError
            self._known[key] = self._asked(question)
        return self._known[key]

    def _asked(self, question: Asked) -> bool:
        expected = answer_of(self._op, question)
        expect = expectation(expected)
        if expect is None:  # no proper question: nobody is held to an answer
            return False
        try:
            seen = self._answered(self._op, question)
        except EndedError as problem:
            self.ended = str(problem)
            raise _OverError from None
        self.asked += 1
        if seen.kind is AnswerKind.UNSUPPORTED:
            self.is_unsupported = True
            raise _OverError
        text = difference(self._op, expect, seen, question)
        if text is None:
            return False
        if self.best is None:
            self._end_s = self._clock() + self._shrink_s
        self.best = Disagreement(self._op, question, expected, seen, text)
        return True


def vector_file(disagreement: Disagreement) -> dict[str, object]:
    """Return a disagreement as a file of vectors, in the pack's shape, which expects what the reference answers."""
    question = json.dumps(disagreement.question, sort_keys=True)
    op = disagreement.op
    vector = {
        "id": f"{op.replace('_', '-')}-explored-{sha256(question.encode()).hexdigest()[:12]}",
        "requirements": [REQUIREMENTS[op]],
        "level": "MUST",
        "profile": "v3",
        "in": disagreement.question,
        "expect": expectation(disagreement.expected),
        "boundary": "",
        "kills": [],
        "flags": [],
        "comment": f"Found by a search of an implementation: {answer_text(disagreement.seen)}.",
        "since": "0.0.0",
        "evidence": "inferred",
    }
    return {"schema": 1, "operation": op, "vectors": [vector]}
