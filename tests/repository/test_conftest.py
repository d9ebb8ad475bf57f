"""The rules that the shared fixtures stand for, tried in a pytest of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
from hypothesis import given, settings, strategies as st

def test_a_tool_that_is_there(tool):
    assert tool("python").is_file()

def test_a_tool_that_is_not(tool):
    tool("no-such-program-anywhere")

drawn = []

@settings(max_examples=20)
@given(st.integers())
def test_numbers(number):
    drawn.append(number)

def test_say():
    print("drawn", drawn)
"""


def run(repository: Path, folder: Path, **environment: str) -> str:
    """Run a few tests with a copy of the shared conftest and return what pytest said."""
    shutil.copy(repository / "tests" / "conftest.py", folder / "conftest.py")
    (folder / "test_rules.py").write_text(TESTS, "utf-8")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "BZC_HYPOTHESIS", "PYTEST_ADDOPTS")
    }
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-rs",
            "-s",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            str(folder),
        ],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def test_a_missing_tool_skips_with_a_reason(repository: Path, tmp_path: Path) -> None:
    said = run(repository, tmp_path)
    assert "3 passed, 1 skipped" in said
    assert "the program no-such-program-anywhere is not installed" in said


@pytest.mark.parametrize("value", ["true", "True"])
def test_under_ci_a_missing_tool_fails(repository: Path, tmp_path: Path, value: str) -> None:
    said = run(repository, tmp_path, CI=value)
    assert "1 failed, 3 passed" in said
    assert (
        "under CI=true nothing may be missing: the program no-such-program-anywhere is not installed" in said
    )


def numbers(said: str) -> list[str]:
    """Return the line that tells what Hypothesis drew."""
    return [line for line in said.splitlines() if "drawn [" in line]


def test_the_fixed_profile_draws_the_same_numbers_in_every_run(repository: Path, tmp_path: Path) -> None:
    first, second = run(repository, tmp_path), run(repository, tmp_path)
    assert "hypothesis profile: fixed" in first
    assert len(numbers(first)) == 1
    assert numbers(first) == numbers(second)


def test_the_exploring_profile_draws_others(repository: Path, tmp_path: Path) -> None:
    first = run(repository, tmp_path, BZC_HYPOTHESIS="explore")
    second = run(repository, tmp_path, BZC_HYPOTHESIS="explore")
    assert "hypothesis profile: explore" in first
    assert len(numbers(first)) == 1
    assert numbers(first) != numbers(second)
