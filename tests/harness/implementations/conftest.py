"""Adapters that misbehave, as processes, and a look at what is left of them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bluezone_harness.implementations.processes import ProcessLink
from bluezone_harness.implementations.runner import Run, run_vectors
from bluezone_harness.implementations.session import Session
from bluezone_vectors.pack import Level, Vector

VARIABLE = "BZC_TEST_ADAPTERS"
ADAPTER = Path(__file__).with_name("misbehaving_adapter.py")


def running(mark: str) -> list[str]:
    """Return the processes that inherited a mark and have not ended, as Linux lists them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{VARIABLE}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what marks the processes of this test."""
    found = uuid4().hex
    monkeypatch.setenv(VARIABLE, found)
    return found


@pytest.fixture
def left_behind(mark: str, lacking: Callable[[str], None]) -> Callable[[], list[str]]:
    """Return a function that names the processes of this test that still run."""
    if not Path("/proc/self/environ").exists():
        lacking("there is no /proc to look for processes in")

    def look() -> list[str]:
        return running(mark)

    return look


@pytest.fixture
def command() -> Callable[[str], list[str]]:
    """Return a function from the name of a misbehaviour to the command that starts such an adapter."""
    return lambda name: [sys.executable, "-S", str(ADAPTER), name]


@pytest.fixture
def session(
    command: Callable[[str], list[str]], left_behind: Callable[[], list[str]]
) -> Iterator[Callable[..., Session]]:
    """Return a function from the name of a misbehaviour to a session; nothing of any is left at the end."""
    opened: list[Session] = []

    def open_session(name: str, *, timeout_s: float = 0.5, window: int = 64) -> Session:
        opened.append(Session(lambda: ProcessLink(command(name)), timeout_s=timeout_s, window=window))
        return opened[-1]

    yield open_session
    for each in opened:
        each.__exit__(None, None, None)
    end_s = time.monotonic() + 5
    while left_behind() and time.monotonic() < end_s:
        time.sleep(0.01)
    assert left_behind() == []


def made_by_hand(
    name: str,
    operation: str,
    question: Mapping[str, object],
    expect: Mapping[str, object],
    requirements: tuple[str, ...] = ("BZ-KEY-006",),
    level: Level = "MUST",
    profile: str = "v3",
) -> Vector:
    """Return a vector."""
    return Vector(
        name,
        operation,
        requirements,
        level,
        profile,
        question,
        expect,
        "",
        (),
        (),
        "why",
        "1.0.0",
        "inferred",
    )


class Scripted:
    """Answers from a table, given by an adapter in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.hello: dict[str, object] = {
            "protocol": 1,
            "implementation": {"name": "scripted", "version": "3", "language": "python"},
            "ops": ["id_at", "match"],
            "profiles": ["v3"],
        }
        self.answers: dict[str, list[object]] = {}
        self.otherwise: object = {"unsupported": {}}

    def answer(self, vector: Vector, *bodies: object) -> None:
        """Have a vector answered with a body each time that it is asked; the last one for all times after."""
        self.answers[f"{vector.operation} {json.dumps(vector.question, sort_keys=True)}"] = list(bodies)

    def answer_right(self, *vectors: Vector) -> None:
        """Have vectors answered as they expect."""
        for vector in vectors:
            code = vector.expect.get("reject")
            self.answer(vector, {"reject": {"code": code}} if code else {"ok": vector.expect.get("ok")})

    def command(self) -> list[str]:
        """Return the command that starts the adapter."""
        table = {
            "hello": self.hello,
            "answers": self.answers,
            "else": self.otherwise,
            "log": str(self._folder / "asked.jsonl"),
        }
        path = self._folder / "table.json"
        path.write_text(json.dumps(table), "utf-8")
        return [sys.executable, "-S", str(ADAPTER.with_name("scripted_adapter.py")), str(path)]

    def link(self) -> ProcessLink:
        """Start the adapter."""
        return ProcessLink(self.command())

    def asked(self) -> list[dict[str, object]]:
        """Return what the adapter was sent."""
        text = (self._folder / "asked.jsonl").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def run(self, *vectors: Vector, timeout_s: float = 10, **options: Any) -> Run:  # noqa: ANN401 - as the runner's
        """Run vectors."""
        with Session(self.link, timeout_s=timeout_s) as session:
            return run_vectors(session, vectors, **options)


@pytest.fixture
def scripted(tmp_path: Path, left_behind: Callable[[], list[str]]) -> Iterator[Scripted]:
    """Return an adapter that answers from a table; nothing of it is left at the end."""
    yield Scripted(tmp_path)
    assert left_behind() == []


@pytest.fixture
def hand_made() -> Callable[..., Vector]:
    """Return what makes a vector by hand: id, operation, question, expectation, and what is special about it."""
    return made_by_hand
