"""``bzc implementation explore``: a planted slot error found over a process, written and explained."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc

ADAPTER = f"{sys.executable} -m bluezone_harness.implementations.reference_adapter"


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(bzc, ["implementation", "explore", *arguments])


@pytest.mark.req("BZ-KEY-006")
def test_a_planted_slot_error_is_found_written_and_named(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    options = ("--op", "id_at", "--seed", "3", "--seconds", "30", "--out", str(out))
    result = run(f"{ADAPTER} --faulty slot-early", *options)
    assert result.exit_code == 1, result.output
    assert "id_at: answered otherwise than by the reference\n" in result.stdout
    assert '"time_ms": 1596844800000}' in result.stdout
    assert "It looks like an implementation that uses each id one slot early (slot-early).\n" in result.stdout
    assert f"written to {out}\n" in result.stdout
    assert "seed 3, at most 30 s\n" in result.stderr
    (vector,) = json.loads(out.read_text("utf-8"))["vectors"]
    assert vector["expect"]["ok"]["slot"] == 0


def test_several_operations_are_written_beside_one_another(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    ops = ("--op", "id_at", "--op", "derive_ids", "--op", "log_export")
    result = run(f"{ADAPTER} --faulty no-salt", *ops, "--seconds", "6", "--out", str(out), "--json")
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)
    assert {each["op"]: each["looks_like"][0] for each in found["disagreements"]} == dict.fromkeys(
        ("id_at", "derive_ids"), "no-salt"
    )
    assert found["asked"]["log_export"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found-derive_ids.json", "found-id_at.json"]


def test_nothing_is_found_in_the_reference() -> None:
    result = run(ADAPTER, "--op", "log_export", "--op", "encode_info", "--seconds", "2", "--seed", "0")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("questions, no difference\n") == 2


def test_an_adapter_that_ends_is_told_from_one_that_is_wrong(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "import sys\n"
        "from bluezone_harness.implementations import reference_adapter as r\n"
        "from pathlib import Path\n"
        "if Path(sys.argv[1]).exists(): raise SystemExit(2)\n"
        "Path(sys.argv[1]).touch()\n"
        "def ended(op, question): raise SystemExit(3)\n"
        "r.serve(ended, sys.stdin.buffer, sys.stdout.buffer)\n",
        "utf-8",
    )
    ops = ("--op", "id_at", "--op", "match")
    result = run(f"{sys.executable} {adapter} {tmp_path / 'mark'}", *ops, "--seconds", "6")
    assert result.exit_code == 1, result.output  # the crash itself is a disagreement
    assert "crash" in result.stdout
    assert "the search ended early: the adapter could not be started again" in result.stdout


def test_an_operation_that_is_not_there_is_no_search(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "import sys\n"
        "from dataclasses import replace\n"
        "from bluezone_harness.implementations import reference_adapter as r\n"
        "hello = replace(r.HELLO, ops=('derive_ids', 'match'))\n"
        "wire = r.wire\n"
        "answered = lambda op, q: wire.unsupported() if op == 'match' else r.answer_of(op, q)\n"
        "r.serve(answered, sys.stdin.buffer, sys.stdout.buffer, hello)\n",
        "utf-8",
    )
    command = f"{sys.executable} {adapter}"
    nothing = run(command, "--op", "id_at", "--seconds", "2")
    assert nothing.exit_code == 2, nothing.output
    some = run(command, "--op", "match", "--seconds", "2")
    assert "match: not supported\n" in some.stdout


def test_wrong_usage_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run().exit_code == 64
    assert run("x", "--op", "new_base_ids").exit_code == 64
    monkeypatch.setattr("bluezone_harness.cli.explore.find_spec", lambda name: None)
    result = run("x")
    assert result.exit_code == 64
    assert "pip install hypothesis" in result.stderr
