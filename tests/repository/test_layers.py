"""The import contracts hold, and each of them is broken by an import planted against it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOMS = {"spec": "bluezone_spec", "vectors": "bluezone_vectors", "reference": "bluezone_reference"} | {
    "harness": "bluezone_harness"
}
HARNESS = "The harness stands on the other three"
INSIDE = "The harness, inside"
PURE = "The reference is pure"
VECTORS = "The vectors are made without the reference"


@pytest.fixture
def lint_imports(
    tmp_path: Path, package_folders: dict[str, Path], repository: Path, tool: Callable[[str], Path]
) -> Callable[[str, str], tuple[int, str]]:
    """Return what plants a line in a module of a copy of the packages and runs import-linter on it."""
    for room, package in ROOMS.items():
        shutil.copytree(
            package_folders[package], tmp_path / room / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(repository / "pyproject.toml", tmp_path)
    program = tool("lint-imports")

    def run(module: str, line: str) -> tuple[int, str]:
        path = tmp_path / module
        text = path.read_text("utf-8") if path.exists() else ""
        path.write_text(f"{text}\n{line}\n", "utf-8")
        done = subprocess.run(
            [program, "--no-cache"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(str(tmp_path / room) for room in ROOMS),
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_contracts_hold(lint_imports: Callable[[str, str], tuple[int, str]]) -> None:
    code, said = lint_imports("harness/bluezone_harness/findings.py", "")
    assert code == 0, said
    assert "4 kept, 0 broken" in said


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("reference/bluezone_reference/profiles.py", "import bluezone_harness.findings", HARNESS),
        ("spec/bluezone_spec/model.py", "from bluezone_reference import errors", HARNESS),
        ("reference/bluezone_reference/errors.py", "import bluezone_spec.model", HARNESS),
        ("vectors/bluezone_vectors/__init__.py", "import bluezone_spec", HARNESS),
        ("harness/bluezone_harness/findings.py", "import bluezone_harness.verdicts", INSIDE),
        ("harness/bluezone_harness/observations.py", "import bluezone_harness.findings", INSIDE),
        ("harness/bluezone_harness/evidence/__init__.py", "import bluezone_harness.checks", INSIDE),
        ("harness/bluezone_harness/checks/__init__.py", "import bluezone_harness.verdicts", INSIDE),
        ("harness/bluezone_harness/verdicts.py", "import bluezone_harness.reports", INSIDE),
        ("harness/bluezone_harness/reports/__init__.py", "import bluezone_harness.cli", INSIDE),
        ("harness/bluezone_harness/shortcuts.py", "", INSIDE),
        ("reference/bluezone_reference/errors.py", "import os", PURE),
        ("reference/bluezone_reference/key_schedule.py", "from random import Random", PURE),
        ("reference/bluezone_reference/matching.py", "def late() -> None:\n    import sqlite3", PURE),
        ("vectors/bluezone_vectors/__init__.py", "from bluezone_reference import key_schedule", VECTORS),
    ],
)
def test_a_planted_import_breaks_its_contract(
    lint_imports: Callable[[str, str], tuple[int, str]], module: str, line: str, contract: str
) -> None:
    code, said = lint_imports(module, line)
    assert code == 1, said
    verdicts = [text for text in said.splitlines() if text.startswith(contract)]
    # a new module that no layer names stops the contract rather than breaks it
    assert any("BROKEN" in text for text in verdicts) or "shortcuts" in said, said
