"""Implementations that answer alike whatever they are asked, or that remember what they were asked before."""

from __future__ import annotations

from bluezone_harness.implementations import questions, wire
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.reference_answers import ANSWERERS, answer_of
from bluezone_harness.implementations.wire import Answer, AnswerKind, ok
from bluezone_reference.errors import RejectCode

from .model import Change, FaultyImplementation, answered_instead

_OPS = tuple(ANSWERERS)


def _every_case(contact: bool) -> dict[str, Change]:
    def cases(question: Asked, value: dict[str, object]) -> object:
        found = [{"contact": contact, "hits": []} for _ in questions.parts(value, "cases")]
        return {"contact": contact, "cases": found}

    return answered_instead(cases, "match")


def _emptied(value: object) -> object:
    """Return the value of the same shape that says nothing."""
    match value:
        case dict():
            return {name: _emptied(part) for name, part in value.items()}
        case list():
            return []
        case str():
            return ""
        case bool():
            return False
        case int():
            return 0
        case _:
            return None


class _Memory:
    """Keeps ``max`` from one question to the next: where a question has none, the last one's is taken."""

    def __init__(self) -> None:
        self._max: object = None

    def answer(self, op: str, question: Asked) -> Answer:
        """Answer a question, and keep its ``max``."""
        if "max" in question:
            self._max = question["max"]
        elif self._max is not None:
            question = {**question, "max": self._max}
        return answer_of(op, question)


def _rejecting(op: str, question: Asked) -> Answer:
    return wire.reject(str(RejectCode.BAD_BASE_ID))


def _empty(op: str, question: Asked) -> Answer:
    right = answer_of(op, question)
    return ok(_emptied(right.value) if right.kind is AnswerKind.OK else {})


STUBBORN = (
    FaultyImplementation(
        "yes-always",
        "",
        "BZ-MAT-008",
        "finds contact in every case",
        _every_case(True),
        is_general=True,
    ),
    FaultyImplementation(
        "no-always",
        "",
        "BZ-MAT-008",
        "finds contact in no case",
        _every_case(False),
        is_general=True,
    ),
    FaultyImplementation(
        "rejects-always",
        "",
        "BZ-MSG-006",
        "refuses every question, with one code",
        dict.fromkeys(_OPS, _rejecting),
        is_general=True,
    ),
    FaultyImplementation(
        "empty-always",
        "",
        "BZ-MSG-006",
        "gives answers of the right form that say nothing",
        dict.fromkeys(_OPS, _empty),
        is_general=True,
    ),
    FaultyImplementation(
        "hidden-state",
        "",
        "BZ-KEY-007",
        "takes the max of the question before where a question has none",
        dict.fromkeys(("derive_ids", "id_at", "ids_over_time", "receive"), _Memory().answer),
        is_general=True,
        remembers=True,
    ),
)
"""Those that do not listen, and one that listens too long."""
