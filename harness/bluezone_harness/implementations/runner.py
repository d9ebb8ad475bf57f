"""Asks an implementation the questions of the vectors, and says of each vector what came of it.

Theory of operation. An operation that does not exist is asked for first: an implementation that answers it would
answer anything, and is not believed. Then all vectors are asked in an order that the seed decides, and once more in
another: what answers one question in two ways has a memory, and questions are pure. ``new_base_ids`` draws random
numbers and is asked once. An implementation is sent the operation and the question, and nothing else of a vector.
What it says it does not have is not asked: the answer is ``unsupported``, which is no way around a MUST.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bluezone_harness.implementations.answers import RANDOM_OPS, answer_text, difference, same_answer
from bluezone_harness.implementations.links import AdapterError
from bluezone_harness.implementations.session import QuestionOf, Session
from bluezone_harness.implementations.wire import Answer, AnswerKind, Hello, unsupported
from bluezone_vectors.pack import Vector

V3 = "v3"
"""The profile that a question is about where it names none."""
_SPOKEN = {"v3-hardened": V3}
"""Profiles whose phones speak another's protocol: they differ in what no question asks for."""
_PROBE_DIGITS = 8


class Outcome(StrEnum):
    """What came of a vector; where it does not hold, the kind of answer that was wrong."""

    PASS = "pass"  # noqa: S105 - no password
    OK = "ok"
    REJECT = "reject"
    UNSUPPORTED = "unsupported"
    ERROR = "error"
    CRASH = "crash"
    TIMEOUT = "timeout"
    VIOLATION = "violation"
    STATE = "state"
    """The same question was answered in two ways."""
    NOT_ASKED = "not_asked"
    """The session had given up."""


@dataclass(frozen=True, slots=True)
class VectorOutcome:
    """What came of a vector.

    Attributes:
        vector: Which.
        outcome: In a word.
        answer: The one that is wrong, or the last; ``None`` where it was not asked.
        text: What is wrong with it, in one phrase; empty where it holds.
        looks_like: Names of the known faults that answer so.
        explained_by: The requirement that the known fault breaks which explains it; empty where none does for sure.
    """

    vector: Vector
    outcome: Outcome
    answer: Answer | None = None
    text: str = ""
    looks_like: tuple[str, ...] = ()
    explained_by: str = ""

    @property
    def failed(self) -> bool:
        """Tell whether the vector does not hold."""
        return self.outcome not in (Outcome.PASS, Outcome.NOT_ASKED)


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run.

    Attributes:
        hello: What the implementation said of itself.
        profile: Of the vectors that were asked.
        seed: Of the order in which they were.
        outcomes: One for each vector, in the order of the pack.
        asked: How many questions were asked.
        links: How often the implementation was started, or connected to.
        given_up: Why the rest was not asked; empty where all was.
        remarks: What was seen besides.
        noise: The last line that the implementation wrote to standard error.
        explanations: Which known faults explain wrong answers, and how many: a sentence each, the best first.
    """

    hello: Hello
    profile: str
    seed: int
    outcomes: tuple[VectorOutcome, ...]
    asked: int
    links: int
    given_up: str
    remarks: tuple[str, ...]
    noise: str = ""
    explanations: tuple[str, ...] = ()


def vectors_of(profile: str, vectors: Iterable[Vector]) -> list[Vector]:
    """Return the vectors that a profile is asked: its own, or those of the profile that it is spoken as."""
    return [vector for vector in vectors if vector.profile == _SPOKEN.get(profile, profile)]


def run_vectors(
    session: Session,
    vectors: Sequence[Vector],
    *,
    profile: str = V3,
    seed: int = 0,
    error_map: Mapping[str, str] | None = None,
) -> Run:
    """Ask an implementation all vectors of a profile.

    Args:
        session: With the implementation; this function starts and finishes it.
        vectors: The pack.
        profile: Whose vectors to ask.
        seed: Decides the order.
        error_map: From the implementation's own reject codes to those of the specification.

    Raises:
        AdapterError: There is no session to be had, or what answers is not to be believed.
    """
    hello = session.start()
    random_source = random.Random(seed)  # noqa: S311 - an order to be repeated, no secret
    remarks = probe(session, random_source)
    chosen = vectors_of(profile, vectors)
    places = _order(chosen, hello, random_source)
    answers = session.ask_all([question_of(chosen[place]) for place in places])
    session.finish()
    by_vector: dict[int, list[Answer | None]] = {place: [] for place in range(len(chosen))}
    for place, answer in zip(places, answers, strict=True):
        by_vector[place].append(None if answer is None else _mapped(answer, error_map or {}))
    outcomes = [
        _outcome(vector, by_vector[place] or [_lacking(vector, hello)]) for place, vector in enumerate(chosen)
    ]
    return Run(
        hello,
        profile,
        seed,
        tuple(_drawn_once(outcomes)),
        sum(answer is not None for answer in answers),
        session.links,
        session.given_up,
        (*remarks, *session.remarks),
        session.noise.last_line(),
    )


def probe(session: Session, random_source: random.Random) -> tuple[str, ...]:
    """Ask for an operation that does not exist, and return what is remarkable about the answer.

    Args:
        session: That was started.
        random_source: For a name that nobody could know.

    Raises:
        AdapterError: There is an answer to it, so that no answer can be believed.
    """
    op = "op_" + "".join(random_source.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(_PROBE_DIGITS))
    answer = session.ask(op, {"profile": V3})
    if answer is None or answer.kind is AnswerKind.UNSUPPORTED:
        return ()
    if answer.kind in (AnswerKind.OK, AnswerKind.REJECT):
        raise AdapterError(
            f"the operation '{op}' does not exist, and the adapter answers it with '{answer.kind}':"
            " none of its answers can be believed"
        )
    return (f"an operation that it does not have is not answered with 'unsupported': {answer_text(answer)}",)


def question_of(vector: Vector) -> QuestionOf:
    """Return what an implementation is sent of a vector."""
    if vector.profile == V3 or "profile" in vector.question:
        return vector.operation, vector.question
    return vector.operation, {**vector.question, "profile": vector.profile}


def _order(chosen: Sequence[Vector], hello: Hello, random_source: random.Random) -> list[int]:
    """Return the places of the vectors to ask, in two shuffled rounds; what draws random numbers is in the first."""
    first = [place for place, vector in enumerate(chosen) if _is_offered(vector, hello)]
    second = [place for place in first if chosen[place].operation not in RANDOM_OPS]
    random_source.shuffle(first)
    random_source.shuffle(second)
    return first + second


def _is_offered(vector: Vector, hello: Hello) -> bool:
    return vector.operation in hello.ops and vector.profile in hello.profiles


def _lacking(vector: Vector, hello: Hello) -> Answer:
    """Return the answer that stands for what hello does not name."""
    if vector.operation not in hello.ops:
        return unsupported(f"hello does not name the operation {vector.operation}")
    return unsupported(f"hello does not name the profile {vector.profile}")


def _mapped(answer: Answer, error_map: Mapping[str, str]) -> Answer:
    return replace(answer, code=error_map.get(answer.code, answer.code))


def _outcome(vector: Vector, answers: Sequence[Answer | None]) -> VectorOutcome:
    given = [answer for answer in answers if answer is not None]
    op, question = question_of(vector)
    for answer in given:
        wrong = difference(op, vector.expect, answer, question)
        if wrong is None:
            continue
        others = [other for other in given if not same_answer(answer, other)]
        if others:
            text = f"{answer_text(answer)}, and asked again: {answer_text(others[0])}"
            return VectorOutcome(vector, Outcome.STATE, answer, text)
        return VectorOutcome(vector, Outcome(answer.kind), answer, wrong)
    if len(given) < len(answers):
        return VectorOutcome(vector, Outcome.NOT_ASKED)
    return VectorOutcome(vector, Outcome.PASS, given[-1])


def _drawn_once(outcomes: Sequence[VectorOutcome]) -> list[VectorOutcome]:
    """Fail what draws again, in one answer, what it drew in another."""
    drawn: set[str] = set()
    found: list[VectorOutcome] = []
    for each in outcomes:
        if each.vector.operation in RANDOM_OPS and each.outcome is Outcome.PASS and each.answer is not None:
            base_ids = set(map(str, _base_ids(each.answer.value)))
            if base_ids & drawn:
                each = replace(each, outcome=Outcome.OK, text="a base id that another answer held before")
            drawn |= base_ids
        found.append(each)
    return found


def _base_ids(value: object) -> Sequence[object]:
    base_ids = value.get("base_ids") if isinstance(value, dict) else None
    return base_ids if isinstance(base_ids, list) else ()
