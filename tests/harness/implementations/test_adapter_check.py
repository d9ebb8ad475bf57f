"""A broken adapter is told from a broken implementation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from bluezone_harness.implementations.adapter_check import Part, Step, check_adapter
from bluezone_harness.implementations.processes import ProcessLink
from bluezone_vectors.pack import Vector

Scripted: TypeAlias = Any  # a class of conftest, which cannot be imported here
Make: TypeAlias = Callable[..., Vector]


@pytest.fixture
def vectors(hand_made: Make) -> list[Vector]:
    return [
        hand_made("a-negative", "id_at", {"max": 7}, {"reject": "BAD_MAX"}),
        hand_made("a-quirk", "id_at", {"max": 1}, {"failure": "exception"}, profile="android-v3"),
        hand_made("a-usual", "id_at", {"time_ms": 1}, {"ok": 5}),
        hand_made("m-usual", "match", {}, {"ok": 6}),
        hand_made("e-usual", "echo", {"n": 1}, {"ok": {"n": 1}}),
    ]


def broken(steps: list[Step]) -> list[tuple[Part, str, str]]:
    return [(each.part, each.title, each.fault) for each in steps if each.fault]


def test_all_is_well(scripted: Scripted, vectors: list[Vector]) -> None:
    scripted.answer_right(*vectors)
    steps = list(check_adapter(scripted.link, vectors, timeout_s=10))
    assert broken(steps) == []
    assert [each.part for each in steps] == [Part.ADAPTER] * 7 + [Part.IMPLEMENTATION] * 2
    assert [each.title for each in steps[-2:]] == ["id_at is answered right", "match is answered right"]


def test_a_wrong_answer_is_the_implementations(scripted: Scripted, vectors: list[Vector]) -> None:
    scripted.answer_right(*vectors)
    scripted.answer(vectors[2], {"error": {"message": "line 7"}})
    steps = list(check_adapter(scripted.link, vectors, timeout_s=10))
    assert broken(steps) == [
        (Part.IMPLEMENTATION, "id_at is answered right", "error: line 7 (vector a-usual)")
    ]


def test_what_is_no_reply_is_the_adapters(scripted: Scripted, vectors: list[Vector]) -> None:
    scripted.answer_right(*vectors)
    scripted.answer(vectors[3], {"okay": 6})
    steps = list(check_adapter(scripted.link, vectors, timeout_s=10))
    ((part, title, _),) = broken(steps)
    assert (part, title) == (Part.ADAPTER, "match is answered right")


def test_operations_that_there_are_not(scripted: Scripted, vectors: list[Vector]) -> None:
    scripted.answer_right(*vectors)
    scripted.hello["ops"] = ["id_at", "idat"]
    found = broken(list(check_adapter(scripted.link, vectors, timeout_s=10)))
    assert [(part, fault) for part, _, fault in found] == [(Part.ADAPTER, "there is no operation idat")]
    scripted.hello["ops"] = []
    found = broken(list(check_adapter(scripted.link, vectors, timeout_s=10)))
    assert [(part, fault) for part, _, fault in found] == [(Part.ADAPTER, "nothing can be asked")]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"ok": {}}, "none of its answers can be believed"),
        ({"error": {"message": "what?"}}, "is not answered with 'unsupported': error: what?"),
    ],
)
def test_an_adapter_that_does_not_know_what_it_lacks(
    scripted: Scripted, vectors: list[Vector], body: object, fault: str
) -> None:
    scripted.otherwise = body
    steps = list(check_adapter(scripted.link, vectors, timeout_s=10))
    assert steps[-1].part is Part.ADAPTER
    assert fault in steps[-1].fault
    assert len(steps) == 3


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (
            "crash-of-many",
            "it replies once to each question, when many come at once: 1 of 50 were not: the process e",
        ),
        ("lingering", "it ends after bye, and wrote nothing besides: it did not end within 2 s of bye"),
        ("words-after", "it replies once to each question, when many come at once: "),
    ],
)
def test_an_adapter_that_misbehaves(
    command: Callable[[str], list[str]],
    left_behind: Callable[[], list[str]],
    vectors: list[Vector],
    name: str,
    fault: str,
) -> None:
    steps = list(check_adapter(lambda: ProcessLink(command(name)), vectors, timeout_s=1))
    found = [f"{title}: {text}" for part, title, text in broken(steps) if part is Part.ADAPTER]
    assert any(each.startswith(fault) for each in found), found
    assert left_behind() == []


LINES_IN_ONE_READ = """
import json, os
while octets := os.read(0, 1 << 20):
    for line in octets.splitlines():
        m = json.loads(line)
        body = {"ok": %s} if m["op"] == "hello" else {"unsupported": {}}
        if m["op"] == "bye":
            raise SystemExit
        os.write(1, json.dumps({"seq": m["seq"], **body}).encode() + b"\\n")
"""


def test_an_adapter_that_takes_what_one_read_gives_for_whole_lines(
    scripted: Scripted, vectors: list[Vector], left_behind: Callable[[], list[str]]
) -> None:
    program = LINES_IN_ONE_READ % repr(scripted.hello)
    command = [sys.executable, "-S", "-c", program]
    steps = list(check_adapter(lambda: ProcessLink(command), vectors, timeout_s=2))
    titles = [title for part, title, _ in broken(steps) if part is Part.ADAPTER]
    assert "it reads questions that come in pieces" in titles
    assert left_behind() == []


def test_an_adapter_without_a_hello(vectors: list[Vector]) -> None:
    command = [sys.executable, "-S", "-c", "print('Listening')"]
    (step,) = check_adapter(lambda: ProcessLink(command), vectors, timeout_s=2)
    assert step.part is Part.ADAPTER
    assert step.fault.startswith("no answer to hello: the line is no JSON")
