"""The implementation under test in a run of pytest: a session that is ended whatever happens, and asked by tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

from bluezone_harness.implementations.endings import ended_in_order
from bluezone_harness.implementations.links import AdapterError
from bluezone_harness.implementations.session import Session
from bluezone_harness.implementations.wire import Answer, Hello
from bluezone_harness.pytest_plugin.settings import Settings, read_settings


class Implementation:
    """The implementation under test, to be asked what no vector asks.

    Attributes:
        hello: What it said of itself.
    """

    def __init__(self, session: Session, hello: Hello) -> None:
        self.hello = hello
        self._session = session

    def ask(self, op: str, /, **question: object) -> Answer:
        """Ask one question.

        Args:
            op: The operation, such as ``derive_ids``.
            question: Its members, as ``OPERATIONS.md`` of the vectors names them.

        Returns:
            The answer, whatever it is: also a crash is one.
        """
        answer = self._session.ask(op, question)
        if answer is None:
            fail(f"{op} was not asked: {self._session.given_up}")
        return answer


@contextmanager
def implementation_of(config: pytest.Config) -> Iterator[Implementation]:
    """Start the implementation that is named, and end it; the test fails in a sentence where that cannot be."""
    try:
        settings = read_settings(config)
    except pytest.UsageError as problem:
        fail(str(problem))
    with session_with(settings) as session:
        try:
            hello = session.start()
        except AdapterError as problem:
            fail(unusable(problem))
        yield Implementation(session, hello)
        session.finish()


@contextmanager
def session_with(settings: Settings) -> Iterator[Session]:
    """Open a session; where a signal ends this process, the adapter is ended first."""
    with ended_in_order(), Session(settings.opening, timeout_s=settings.timeout_s) as session:
        yield session


def unusable(error: AdapterError) -> str:
    """Say why nothing can be judged."""
    return f"the adapter cannot be tested: {error.reason}"


def fail(text: str) -> NoReturn:
    """Fail the test, with a text that says it all."""
    raise pytest.fail.Exception(text, pytrace=False) from None
