"""``bzc requirements --matrix``: the matrix for people and as JSON, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

import bluezone_harness
from bluezone_harness.cli import bzc


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate no phones: no chapter of these tests needs a capture that passes."""
    monkeypatch.setattr("bluezone_harness.traceability.phone_trials", lambda *arguments: iter(()))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(bzc, ["requirements", "--matrix", *arguments])


@pytest.mark.req("BZ-LOG-003")
def test_a_chapter_without_a_gap_exits_with_0_and_names_its_numbers() -> None:
    result = run("--chapter", "LOG")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    (row,) = [line.split() for line in lines if line.startswith("BZ-LOG-003")]
    assert (row[:4], row[-1]) == (["BZ-LOG-003", "MUST", "check", "vectors"], "complete")
    assert all(cell.count("+") == 2 for cell in row[4:7])
    assert lines[-1] == "5 MUSTs: 5 complete"
    assert "short" not in result.stdout


def test_what_waits_is_listed_with_its_reason() -> None:
    messages = run("--chapter", "MSG")
    assert messages.exit_code == 0
    assert "Not verified yet\n  BZ-MSG-003  By this suite, which reads no app traffic.\n" in messages.stdout
    assert messages.stdout.endswith("\n6 MUSTs: 4 complete, 2 not verified yet\n")


def test_what_is_short_is_listed_and_a_must_exits_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluezone_harness.traceability.FAULTY", {})
    matching = run("--chapter", "MAT")
    assert matching.exit_code == 1
    assert "MUSTs that are short\n  BZ-MAT-001  lacks a fault that is found" in matching.stdout
    others = "Others that are short, which counts for nothing\n  BZ-MAT-007  lacks a fault that is found"
    assert others in matching.stdout
    assert run("--chapter", "MAT", "--level", "SHOULD").exit_code == 0
    found = json.loads(run("--chapter", "MAT", "--json").stdout)
    assert found["holes"][0] == "BZ-MAT-001 is short of: fault"


def test_the_matrix_as_json() -> None:
    result = run("--chapter", "LOG", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    schema = Path(bluezone_harness.__file__).parent / "schemas" / "traceability.schema.json"
    jsonschema.Draft202012Validator(json.loads(schema.read_text("utf-8"))).validate(answer)
    assert (list(answer), answer["schema"], answer["holes"]) == (["schema", "matrix", "holes"], 1, [])
    row = answer["matrix"][2]
    assert (row["requirement"], row["judged_by"], row["state"]) == (
        "BZ-LOG-003",
        ["check", "vectors"],
        "complete",
    )
    assert "crlf" in row["found"]["logs"]


def test_an_empty_choice_is_an_empty_matrix() -> None:
    result = run("--chapter", "LOG", "--level", "MAY")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "0 MUSTs")


def test_vectors_beyond_the_letters_are_told_of() -> None:
    told = "Judged by vectors, which their chapters do not name\n  BZ-RCV-004  its letters are without V\n"
    assert told in run("--chapter", "RCV").stdout
