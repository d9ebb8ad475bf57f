"""The generator: reproducible octet for octet, of its own, and told apart from what it finds."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from bluezone_vectors.generator import advertisement, drafts, key_schedule, writing
from bluezone_vectors.generator.__main__ import main
from bluezone_vectors.generator.drafts import Draft, drawn, vector_of

PACKAGE = files("bluezone_vectors")
ALONE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("bluezone_reference", "bluezone_harness", "bluezone_spec"):
            raise ImportError(f"{name} is not for the generator")

sys.meta_path.insert(0, Refuse())
from bluezone_vectors.generator.__main__ import main
sys.exit(main(["--check"]))
"""


def test_the_pack_is_what_the_generator_writes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_it_is_written_alike_in_every_process_without_the_other_packages(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def imported(tree: ast.Module) -> set[str]:
    """Return the top-level packages that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


def test_it_stands_on_the_standard_library_alone() -> None:
    with as_file(PACKAGE) as folder:
        trees = [ast.parse(file.read_text("utf-8")) for file in sorted((folder / "generator").rglob("*.py"))]
    assert len(trees) > 20
    packages = set().union(*map(imported, trees))
    assert packages - sys.stdlib_module_names == {"bluezone_vectors"}
    assert not packages & {"random", "secrets", "time", "datetime"}
    assert imported(ast.parse("def f():\n    from bluezone_reference import x")) == {"bluezone_reference"}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a folder with what the manifest names besides the pack."""
    with as_file(PACKAGE) as folder:
        shutil.copy(folder / "OPERATIONS.md", tmp_path)
        shutil.copytree(folder / "schemas", tmp_path / "schemas")
    return tmp_path


def test_it_writes_checks_and_clears_away(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], copied) == 1
    assert "pack/match.json is not what the generator writes" in capsys.readouterr().out
    assert main([], copied) == 0
    assert "16 of 22 files written, 0 removed" in capsys.readouterr().out
    assert main(["--check"], copied) == 0
    (copied / "pack" / "guess_ids.json").write_text("{}", "utf-8")
    (copied / "flags.json").write_text("{}", "utf-8")
    assert main(["--check"], copied) == 1
    assert capsys.readouterr().out.count("\n") == 2
    assert main([], copied) == 0
    assert "1 of 22 files written, 1 removed" in capsys.readouterr().out
    for name in ("pack/receive.json", "MANIFEST.json", "flags.json"):
        assert (copied / name).read_bytes() == (PACKAGE / name).read_bytes()


def test_what_looks_random_is_drawn_by_name() -> None:
    assert drawn("a") == drawn("a") != drawn("b")
    assert (len(drawn("a")), len(drawn("a", 12))) == (64, 24)


@pytest.mark.parametrize(
    "mistake",
    [
        {"reject": "BAD_MAX"},
        {"failure": "exception"},
        {"ok": {"ids": []}},
        {"question": {"base_id": drafts.ZERO, "day": 0, "slots": [96]}},
        {"question": {"base_id": drafts.ZERO, "day": 0, "max": 1, "slots": [0]}, "profile": "android-v3"},
    ],
)
def test_an_author_who_expects_something_else_is_told(mistake: dict[str, Any]) -> None:
    wanted: dict[str, Any] = {
        "id": "x",
        "requirements": ("KEY-004",),
        "question": {"base_id": drafts.ZERO, "day": 0, "slots": [0]},
        "comment": "c",
        "ok": {"ids": ["490c085d937456a4dd07e710"]},
    }
    assert vector_of("derive_ids", Draft(**wanted))["expect"] == {"ok": wanted["ok"]}
    with pytest.raises(ValueError, match=r"^x: "):
        vector_of("derive_ids", Draft(**{**wanted, **mistake}))


@pytest.mark.req("BZ-LOG-002")
def test_an_author_who_expects_other_records_is_told() -> None:
    question: dict[str, object] = {"base_id": drafts.ZERO, "base_day_ms": 0, "events": []}
    draft = Draft(id="x", requirements=("LOG-002",), question=question, comment="c", recorded=("5",))
    with pytest.raises(ValueError, match=r"^x: records"):
        vector_of("receive", draft)


@pytest.mark.req("BZ-KEY-007")
def test_the_allowed_values_of_max_are_188() -> None:
    allowed = [value for value in range(100_000) if key_schedule.is_allowed(value)]
    assert len(allowed) == 188
    assert allowed[:20] == [2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24, 25, 27, 30, 32, 36, 40]
    assert allowed[-5:] == [75_000, 76_800, 80_000, 84_375, 86_400]
    assert not any(map(key_schedule.is_allowed, (True, 96.0, "96", None, -96)))


@pytest.mark.req("BZ-PRV-008")
@pytest.mark.parametrize(
    ("p", "q", "name"),
    [(2, 5, "2aBY3xYB95"), (5, 2, "5aBY3xYB92"), (1, 2, "1aBBa3xY92"), (4, 3, "4aB3xx3Y93")],
)
def test_names_of_the_first_generation(p: int, q: int, name: str) -> None:
    assert advertisement.obfuscated("aB3xY9", p, q) == name
    assert advertisement.reveal(name) == "aB3xY9"
    assert advertisement.reveal(name[:-1] + "6") is None


@pytest.mark.parametrize(
    ("operation", "question"),
    [
        ("derive_ids", {"base_id": drafts.ZERO, "day": "0", "slots": [0]}),
        ("derive_ids", {"base_id": drafts.ZERO, "day": 0, "slots": 0}),
        ("ids_over_time", {"base_id": drafts.ZERO, "base_day_ms": 0, "events": [7]}),
        ("receive", {"base_id": drafts.ZERO, "base_day_ms": 0, "events": [7]}),
        ("log_export", {"records": [7]}),
        ("encode_advertisement", {"advertisement": 7}),
        ("encode_advertisement", {"advertisement": {"kind": "other"}}),
    ],
)
def test_a_question_that_is_none_stops_the_generator(operation: str, question: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        drafts.ANSWERS[operation](question, "v3")


def test_a_vector_a_line() -> None:
    text = writing.vectors_text("match", [{"id": "a"}, {"id": "b"}])
    assert (
        text
        == '{\n  "schema": 1,\n  "operation": "match",\n  "vectors": [\n    {"id": "a"},\n    {"id": "b"}\n  ]\n}\n'
    )
