"""What is published, as ``published_key`` and ``encode_info`` answer it, changed in both alike."""

from __future__ import annotations

import json
from collections.abc import Callable

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.reference_answers import answer_of

from .model import Change, answered_instead


def published(change: Callable[[Asked, Asked], Asked]) -> dict[str, Change]:
    """Answer with another day key or day than is to be published.

    Args:
        change: Is given the question and the right value of ``published_key``, and returns the other value.
    """

    def key(question: Asked, value: dict[str, object]) -> object:
        return change(question, value)

    def info(question: Asked, value: dict[str, object]) -> object:
        right = answer_of("published_key", question)
        if question.get("kind") != "upload" or not isinstance(right.value, dict):
            return value
        other = change(question, right.value)
        written = json.loads(questions.text(value, "text"))
        written["daily_key"] = questions.text(other, "day_key")
        written["time_start"] = questions.integer(other, "time_start_ms") // 1000
        return {"text": json.dumps(written)}

    return {**answered_instead(key, "published_key"), **answered_instead(info, "encode_info")}
