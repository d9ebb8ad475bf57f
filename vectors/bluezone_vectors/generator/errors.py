"""Why a question has no answer: it is refused by a code, or a published build fails on it."""

from __future__ import annotations


class RefusedError(ValueError):
    """What the specification says to refuse.

    Attributes:
        code: A reject code of annex B.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class FailedError(ValueError):
    """What a published build gave no answer to.

    Attributes:
        failure: ``exception``, ``no id`` or ``endless loop``.
    """

    def __init__(self, failure: str) -> None:
        super().__init__(failure)
        self.failure = failure
