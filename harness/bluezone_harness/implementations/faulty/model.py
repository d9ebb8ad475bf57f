"""What a faulty implementation is: the right answers, but for some operations that it answers in its own way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from bluezone_harness.implementations import reference_answers
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.wire import Answer, AnswerKind
from bluezone_reference.profiles import V3, Profile

Change: TypeAlias = Callable[[str, Asked], Answer]
"""Answers an operation in place of the reference."""


@dataclass(frozen=True, slots=True)
class FaultyImplementation:
    """An implementation that does one thing wrong, and everything else as the reference does it.

    Attributes:
        name: For command lines, reports and the ``kills`` of vectors.
        fault: The fault of annex A that it copies, such as ``F-10``; empty where it copies none.
        requirement: The requirement that it breaks.
        text: What it does, as the end of a sentence that begins "It looks like an implementation that".
        changes: How it answers, under v3, the operations that it answers in its own way.
        is_general: It answers much alike whatever it is asked, so that it explains little where it explains anything.
        remembers: Its answers depend on what it was asked before.
        quirks: How it answers questions under a quirk profile; ``None``: as the reference does.
    """

    name: str
    fault: str
    requirement: str
    text: str
    changes: Mapping[str, Change]
    is_general: bool = False
    remembers: bool = False
    quirks: Change | None = None

    def answer_of(self, op: str, question: Asked) -> Answer:
        """Answer a question."""
        change = self.change_for(op, question)
        if change is None:
            return reference_answers.answer_of(op, question)
        return reference_answers.answer_or_refusal(lambda: change(op, question))

    def change_for(self, op: str, question: Asked) -> Change | None:
        """Return what answers this question in place of the reference; ``None`` where nothing does."""
        return self.changes.get(op) if question.get("profile", V3.name) == V3.name else self.quirks


def under(profile: Profile, *ops: str) -> dict[str, Change]:
    """Answer operations under a profile in which one rule is changed."""
    return dict.fromkeys(ops, partial(reference_answers.answer_under, profile))


def asked_instead(rewritten: Callable[[Asked], Asked], *ops: str) -> dict[str, Change]:
    """Answer operations as the reference would answer a question that was rewritten."""

    def change(op: str, question: Asked) -> Answer:
        return reference_answers.answer_of(op, rewritten(question))

    return dict.fromkeys(ops, change)


def answered_instead(rewritten: Callable[[Asked, dict[str, object]], object], *ops: str) -> dict[str, Change]:
    """Rewrite the value of each right answer to some operations; a question that is not answered is left alone."""

    def change(op: str, question: Asked) -> Answer:
        right = reference_answers.answer_of(op, question)
        if right.kind is not AnswerKind.OK or not isinstance(right.value, dict):
            return right
        value = right.value
        return reference_answers.answered(lambda: rewritten(question, dict(value)))

    return dict.fromkeys(ops, change)


def computed(value: Callable[[Asked], object], *ops: str) -> dict[str, Change]:
    """Answer operations with a computation of one's own, whose errors become answers as the reference's do."""
    return dict.fromkeys(ops, lambda op, question: reference_answers.answered(lambda: value(question)))


def with_integers(members: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    """Take text of digits, fractions and booleans for integers, where they stand under some names."""
    changed = dict(members)
    for name in names:
        value = members.get(name)
        if isinstance(value, int | float | str):
            with suppress(ValueError, OverflowError):
                changed[name] = int(value)
    return changed
