"""The adapter: replies to each question, ends in order, and serves the reference and its faulty kin as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from typing import Any

import pytest

from bluezone_harness.implementations.lines import LINE_LIMIT
from bluezone_harness.implementations.reference_adapter import HELLO, main, serve
from bluezone_harness.implementations.reference_answers import ANSWERERS, answer_of
from bluezone_reference.profiles import PROFILES

DERIVE: dict[str, Any] = {"op": "derive_ids", "seq": 2, "in": {"base_id": "00" * 32, "day": 0, "slots": [0]}}
RIGHT = "490c085d937456a4dd07e710"
MODULE = [sys.executable, "-m", "bluezone_harness.implementations.reference_adapter"]


def served(octets: bytes) -> tuple[int, list[dict[str, Any]], str]:
    """Return the exit code, the replies and what was said of a line."""
    stdout, stderr = BytesIO(), BytesIO()
    code = serve(answer_of, BytesIO(octets), stdout, HELLO, stderr)
    return code, [json.loads(line) for line in stdout.getvalue().splitlines()], stderr.getvalue().decode()


def lines(*messages: object) -> bytes:
    """Return messages as lines."""
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)


def test_answers_hello_a_question_and_bye() -> None:
    hello = {"op": "hello", "seq": 1, "in": {"protocol": 1}}
    code, replies, said = served(lines(hello, DERIVE, {"op": "bye", "seq": 3}, DERIVE))
    assert (code, said) == (0, "")
    assert [reply["seq"] for reply in replies] == [1, 2]
    assert replies[0]["ok"]["ops"] == list(ANSWERERS)
    assert replies[0]["ok"]["profiles"] == list(PROFILES)
    assert replies[1] == {"seq": 2, "ok": {"ids": [RIGHT]}}


def test_replies_reject_error_and_unsupported() -> None:
    bad = {**DERIVE, "in": {**DERIVE["in"], "max": 7}}
    _, replies, _ = served(
        lines(bad, {"op": "derive_ids", "seq": 3, "in": {}}, {"op": "x", "seq": 4, "in": {}})
    )
    assert replies[0]["reject"]["code"] == "BAD_MAX"
    assert replies[1]["error"]["message"] == "'base_id' is missing"
    assert replies[2]["unsupported"]


def test_ends_with_its_input() -> None:
    assert served(b"") == (0, [], "")


@pytest.mark.parametrize("line", [b"no json\n", b"\n", b"[]\n", b"\xff\n", b"x" * (LINE_LIMIT + 10)])
def test_a_line_that_is_no_question_ends_it_with_a_reason(line: bytes) -> None:
    code, replies, said = served(lines(DERIVE) + line + lines(DERIVE))
    assert (code, len(replies)) == (1, 1)
    assert said.startswith("bluezone-reference: ")
    assert said.count("\n") == 1
    assert serve(answer_of, BytesIO(line), BytesIO()) == 1


def test_serves_as_a_process() -> None:
    done = subprocess.run(MODULE, input=lines(DERIVE), capture_output=True, timeout=60, check=True)
    assert json.loads(done.stdout) == {"seq": 2, "ok": {"ids": [RIGHT]}}
    assert done.stderr == b""


def test_serves_a_faulty_implementation_as_a_process() -> None:
    hello = {"op": "hello", "seq": 1, "in": {"protocol": 1}}
    arguments = [*MODULE, "--faulty", "no-salt"]
    done = subprocess.run(arguments, input=lines(hello, DERIVE), capture_output=True, timeout=60, check=True)
    said, wrong = map(json.loads, done.stdout.splitlines())
    assert said["ok"]["implementation"]["name"] == "bluezone-no-salt"
    assert wrong["ok"]["ids"] != [RIGHT]


@pytest.mark.parametrize(("arguments", "is_right"), [([], True), (["--faulty", "no-salt"], False)])
def test_serves_what_its_arguments_name(
    arguments: list[str],
    is_right: bool,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(lines(DERIVE))))
    assert main(arguments) == 0
    said = json.loads(capfdbinary.readouterr().out)
    assert (said["ok"]["ids"] == [RIGHT]) is is_right


@pytest.mark.parametrize(
    "arguments", [["--faulty"], ["--faulty", "x"], ["--other", "no-salt"], ["a", "b", "c"]]
)
def test_other_arguments_are_refused_in_a_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 64
    said = capsys.readouterr().err
    assert said.startswith("usage: ")
    assert "no-salt" in said
    assert said.count("\n") == 1
