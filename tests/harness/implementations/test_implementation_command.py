"""``bzc implementation``: the adapter it is given, its exit codes, and what it prints and writes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc, implementation
from bluezone_vectors.pack import Pack, Vector

Scripted: TypeAlias = Any  # a class of conftest, which cannot be imported here
Make: TypeAlias = Callable[..., Vector]
REFERENCE = shlex.join([sys.executable, "-m", "bluezone_harness.implementations.reference_adapter"])


@pytest.fixture
def vectors(hand_made: Make, monkeypatch: pytest.MonkeyPatch) -> list[Vector]:
    """Return the vectors of the pack that the commands take."""
    found = [
        hand_made("key-usual", "id_at", {"time_ms": 1}, {"ok": 5}),
        hand_made("key-bad-max", "id_at", {"max": 7}, {"reject": "BAD_MAX"}, ("BZ-KEY-007",)),
        hand_made("match-usual", "match", {}, {"ok": 6}, ("BZ-MAT-001",)),
        hand_made("quirk", "id_at", {"max": 1}, {"failure": "exception"}, profile="android-v3"),
    ]
    pack = Pack("1.2.0", "ab" * 32, tuple(found), {}, ())
    monkeypatch.setattr(implementation, "load_pack", lambda: pack)
    return found


def call(*arguments: object) -> Result:
    return CliRunner().invoke(bzc, ["implementation", *map(str, arguments)])


def command(scripted: Scripted) -> str:
    return shlex.join(scripted.command())


def test_a_good_implementation_is_conformant(scripted: Scripted, vectors: list[Vector]) -> None:
    scripted.answer_right(*vectors)
    result = call("run", command(scripted), "--seed", 7)
    assert result.exit_code == 0
    assert result.stdout.startswith("conformance  PASS")
    assert result.stdout.endswith("\nconformant\n")
    assert "scripted 3: conformant: 3 of 3 vectors hold; 6 questions, seed 7" in " ".join(
        result.stdout.split()
    )
    assert result.stderr.startswith("6 questions in ")
    assert result.stderr.endswith(" s, seed 7\n")


def test_the_command_may_stand_behind_two_dashes(scripted: Scripted, vectors: list[Vector]) -> None:
    scripted.answer_right(*vectors)
    result = call("run", "--json", "--", *scripted.command())
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["command"], found["profile"]) == ("implementation run", "v3")
    assert [each["kind"] for each in found["inputs"]] == ["implementation", "vectors"]
    assert found["inputs"][1] == {
        "name": "vectors 1.2.0",
        "sha256": "ab" * 32,
        "kind": "vectors",
        "capabilities": {},
    }


def test_the_seed_is_drawn_and_printed(scripted: Scripted, vectors: list[Vector]) -> None:
    scripted.answer_right(*vectors)
    seeds = {call("run", command(scripted)).stderr.rpartition("seed ")[2] for _ in range(2)}
    assert len(seeds) == 2


def test_a_wrong_answer_fails_every_report(scripted: Scripted, vectors: list[Vector], tmp_path: Path) -> None:
    scripted.answer_right(*vectors)
    scripted.answer(vectors[0], {"error": {"message": "slot 96"}})
    junit, markdown = tmp_path / "report.xml", tmp_path / "report.md"
    result = call("run", command(scripted), "--junit", junit, "--markdown", markdown)
    assert result.exit_code == 1
    assert result.stdout.endswith("\nnot conformant\n")
    assert "key-usual: error: slot 96" in result.stdout
    assert 'failures="1"' in junit.read_text("utf-8")
    assert "**FAIL**" in markdown.read_text("utf-8")


def test_what_a_profile_has_is_asked(scripted: Scripted, vectors: list[Vector]) -> None:
    scripted.answer_right(*vectors)
    assert call("run", command(scripted), "--profile", "android-v3").exit_code == 1
    scripted.hello["profiles"] = ["v3", "android-v3"]
    scripted.answers['id_at {"max": 1, "profile": "android-v3"}'] = [{"error": {"message": "1"}}]
    result = call("run", command(scripted), "--profile", "android-v3")
    assert result.exit_code == 0, result.stdout


DEVIATIONS = """
schema = 1
suite = "~=1.2"
[error_map]
E_MAX = "BAD_MAX"
[[deviation]]
id = "key-usual"
kind = "wontfix"
expect = { outcome = "error", match = "slot" }
reason = "known"
"""


def test_deviations_are_known_and_never_conformant(
    scripted: Scripted, vectors: list[Vector], tmp_path: Path
) -> None:
    scripted.answer_right(*vectors)
    scripted.answer(vectors[0], {"error": {"message": "slot 96"}})
    scripted.answer(vectors[1], {"reject": {"code": "E_MAX"}})
    file = tmp_path / "deviations.toml"
    file.write_text(DEVIATIONS, "utf-8")
    result = call("run", command(scripted), "--deviations", file)
    assert result.exit_code == 0
    assert result.stdout.endswith("\nconformant with deviations\n")
    assert call("run", command(scripted), "--deviations", file, "--strict").exit_code == 2
    scripted.answer(vectors[0], {"ok": 5})
    result = call("run", command(scripted), "--deviations", file)
    assert result.exit_code == 1
    assert "passed  entry 1, key-usual: 1 vector: it holds now" in result.stdout
    file.write_text(DEVIATIONS.replace("1.2", "1.3"), "utf-8")
    result = call("run", command(scripted), "--deviations", file)
    assert result.exit_code == 3
    assert result.stderr.startswith("bzc: deviations.toml: the pack is 1.2.0: ")


def test_what_was_not_asked_is_inconclusive(
    scripted: Scripted, vectors: list[Vector], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bluezone_harness.implementations import session

    monkeypatch.setattr(session, "BREAK_LIMIT", 1)
    scripted.answer_right(*vectors)
    scripted.otherwise = "crash"  # at the operation that does not exist
    result = call("run", command(scripted))
    assert (result.exit_code, result.stdout.endswith("\ninconclusive\n")) == (2, True)
    assert call("run", command(scripted), "--allow-inconclusive").exit_code == 0


@pytest.mark.parametrize("name", ["run", "check"])
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "give either the command that starts the adapter or --connect HOST:PORT"),
        (
            ["x", "--connect", "localhost:1"],
            "give either the command that starts the adapter or --connect HOST:PORT",
        ),
        (["--connect", "localhost"], "--connect: give HOST:PORT, such as 127.0.0.1:4711 or [::1]:4711"),
        (["'x"], "CMD is no command: no closing quotation"),
        ([" "], "CMD is empty: give the command that starts the adapter"),
        (["", "x"], "CMD is empty: give the command that starts the adapter"),
    ],
)
def test_wrong_usage_is_said_in_a_sentence(name: str, arguments: list[str], reason: str) -> None:
    result = call(name, *arguments)
    assert (result.exit_code, result.stderr) == (64, f"bzc: {reason}\n")


def test_an_adapter_that_cannot_be_tested_is_no_failure_of_the_implementation(vectors: list[Vector]) -> None:
    result = call("run", "no-such-program --quick")
    assert (result.exit_code, result.stdout) == (3, "")
    sentence = "the adapter cannot be tested: 'no-such-program' cannot be started: no such file or directory"
    assert result.stderr == f"bzc: {sentence}\n"
    result = call("run", "--connect", "127.0.0.1:1")
    assert result.exit_code == 3
    assert "127.0.0.1:1 cannot be reached: " in result.stderr


def test_check_tells_the_adapter_from_the_implementation(scripted: Scripted, vectors: list[Vector]) -> None:
    scripted.answer_right(*vectors)
    result = call("check", command(scripted))
    assert result.exit_code == 0
    assert "ok      adapter         it starts, and answers hello\n" in result.stdout
    assert "BROKEN" not in result.stdout
    scripted.answer(vectors[2], {"ok": "\x1b[31m"})
    result = call("check", command(scripted))
    assert result.exit_code == 1
    assert "BROKEN  implementation  match is answered right: the answer is " in result.stdout
    assert "The adapter works, the implementation does not" in result.stdout
    assert "\x1b" not in result.stdout
    scripted.answer(vectors[2], {"okay": 6})
    result = call("check", command(scripted))
    assert result.exit_code == 3
    assert "The adapter is broken: mend it first." in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_adapter_first(
    left_behind: Callable[[], list[str]], tmp_path: Path, number: signal.Signals
) -> None:
    started = tmp_path / "started"
    program = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(started)!r}).touch()\n"
        "time.sleep(1000)"
    )
    arguments = [
        sys.executable,
        "-m",
        "bluezone_harness",
        "implementation",
        "run",
        "--",
        sys.executable,
        "-S",
        "-c",
        program,
    ]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        end_s = time.monotonic() + 30
        while not started.exists() and time.monotonic() < end_s:
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(running.pid, number)
        _, said = running.communicate(timeout=30)
    assert (running.returncode, said.strip()) == (130, b"bzc: interrupted")
    assert left_behind() == []


def test_the_reference_is_conformant_to_the_pack_and_a_planted_fault_is_named(tmp_path: Path) -> None:
    result = call("run", REFERENCE, "--json")
    assert result.exit_code == 0, result.stdout
    assert json.loads(result.stdout)["conformance"]["verdict"] == "pass"
    result = call("run", f"{REFERENCE} --faulty truncated-ok")
    assert result.exit_code == 1
    assert "it looks like truncated-ok" in result.stdout
