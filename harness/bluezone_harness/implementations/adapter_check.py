"""Tells a broken adapter from a broken implementation: what holds of the messages, and then of the answers.

Theory of operation. The adapter is looked at first, without regard to what is right: does it start, say hello, know
what it does not have, read questions however they arrive, reply once to each, and end when told to. Only an adapter
that does can be asked what the implementation answers: one question for each operation that hello names, a usual one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bluezone_harness.implementations.answers import answer_text, difference
from bluezone_harness.implementations.links import AdapterError, Link
from bluezone_harness.implementations.runner import V3, probe, question_of
from bluezone_harness.implementations.session import Session
from bluezone_harness.implementations.wire import AnswerKind, Hello
from bluezone_vectors.pack import Vector

_LONG_TEXT = "0" * 262_144
_PIECE = 11
_PAUSE_S = 0.01
_TOGETHER = 50


class Part(StrEnum):
    """What a step looks at."""

    ADAPTER = "adapter"
    IMPLEMENTATION = "implementation"


@dataclass(frozen=True, slots=True)
class Step:
    """What was looked at, and what came of it.

    Attributes:
        part: Whose it is.
        title: What should hold, in a clause.
        fault: What was seen instead; empty where it holds.
    """

    part: Part
    title: str
    fault: str = ""


class CutLink:
    """A link that writes a few octets at a time, so that questions arrive in pieces; a ``Link``.

    Args:
        link: The way to the implementation.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self.output_fileno = link.output_fileno
        self.input_fileno = link.input_fileno
        self.noise_fileno = link.noise_fileno
        self.read = link.read
        self.read_noise = link.read_noise
        self.close_input = link.close_input
        self.ending = link.ending
        self.close = link.close

    def write(self, octets: bytes) -> int:
        """Write the first few octets, and let the other side read them before more come."""
        written = self._link.write(octets[:_PIECE])
        time.sleep(_PAUSE_S)
        return written


def check_adapter(
    connect: Callable[[], Link], vectors: Sequence[Vector], *, timeout_s: float
) -> Iterator[Step]:
    """Look at an adapter, and then at what stands behind it; a step that shows no way on is the last.

    Args:
        connect: Opens a link.
        vectors: The pack.
        timeout_s: How long a reply may take.
    """
    with Session(connect, timeout_s=timeout_s) as session:
        title = "it starts, and answers hello"
        try:
            hello = session.start()
        except AdapterError as problem:
            yield Step(Part.ADAPTER, title, problem.reason)
            return
        yield Step(Part.ADAPTER, title)
        yield _offered(hello, vectors)
        unknown = _unknown(session)
        yield unknown
        if unknown.fault:
            return
        yield _together(session)
        yield _long(session)
        session.finish()
        yield Step(Part.ADAPTER, "it ends after bye, and wrote nothing besides", "; ".join(session.remarks))
    with Session(lambda: CutLink(connect()), timeout_s=timeout_s) as session:
        yield _in_pieces(session)
    with Session(connect, timeout_s=timeout_s) as session:
        session.start()
        yield from _answers(session, hello, vectors)
        session.finish()


def _offered(hello: Hello, vectors: Sequence[Vector]) -> Step:
    known = {vector.operation for vector in vectors}
    strange = [op for op in hello.ops if op not in known]
    title = f"hello names operations that there are: {', '.join(hello.ops) or 'none'}"
    if not hello.ops:
        return Step(Part.ADAPTER, title, "nothing can be asked")
    return Step(Part.ADAPTER, title, f"there is no operation {', '.join(strange)}" if strange else "")


def _unknown(session: Session) -> Step:
    title = "it answers 'unsupported' to an operation that does not exist"
    try:
        return Step(Part.ADAPTER, title, "; ".join(probe(session, random.Random(0))))  # noqa: S311 - no secret
    except AdapterError as problem:
        return Step(Part.ADAPTER, title, problem.reason)


def _together(session: Session) -> Step:
    answers = session.ask_all([("op_unknown", {"number": number}) for number in range(_TOGETHER)])
    wrong = [each for each in answers if each is None or each.kind is not AnswerKind.UNSUPPORTED]
    fault = (
        f"{len(wrong)} of {_TOGETHER} were not: {wrong[0].text if wrong[0] else 'given up'}" if wrong else ""
    )
    return Step(Part.ADAPTER, "it replies once to each question, when many come at once", fault)


def _long(session: Session) -> Step:
    answer = session.ask("op_unknown", {"text": _LONG_TEXT})
    fault = "" if answer is not None and answer.kind is AnswerKind.UNSUPPORTED else "that brings no reply"
    return Step(Part.ADAPTER, f"it reads a question of {len(_LONG_TEXT)} octets", fault)


def _in_pieces(session: Session) -> Step:
    title = "it reads questions that come in pieces"
    try:
        session.start()
        answer = session.ask(
            "op_unknown", {"text": "in pieces"}
        )  # the pieces of hello may wait for its start
    except AdapterError as problem:
        return Step(Part.ADAPTER, title, problem.reason)
    session.finish()
    if answer is None or answer.kind is not AnswerKind.UNSUPPORTED:
        return Step(Part.ADAPTER, title, "nothing was asked" if answer is None else answer_text(answer))
    return Step(Part.ADAPTER, title)


def _answers(session: Session, hello: Hello, vectors: Sequence[Vector]) -> Iterator[Step]:
    for op in hello.ops:
        vector = next(
            (
                vector
                for vector in vectors
                if vector.operation == op and vector.profile == V3 and "reject" not in vector.expect
            ),
            None,
        )
        if vector is None:
            continue
        answer = session.ask(*question_of(vector))
        wrong = "given up" if answer is None else difference(op, vector.expect, answer, vector.question)
        fault = "" if wrong is None else f"{wrong} (vector {vector.id})"
        # what is no reply is the adapter's doing, whatever was asked
        is_violation = answer is not None and answer.kind is AnswerKind.VIOLATION
        yield Step(Part.ADAPTER if is_violation else Part.IMPLEMENTATION, f"{op} is answered right", fault)
