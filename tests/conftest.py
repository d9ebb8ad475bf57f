"""What all tests share: the repository, fixed random numbers, and what happens where a tool is missing.

Hypothesis draws the same examples every time (profile ``fixed``), so that a red run is red again. Set
``BZC_HYPOTHESIS=explore`` to look for new ones; what it finds prints a line that reproduces it. A test that
needs a tool which is missing skips with a reason on a user's machine and fails under ``CI=true``. What is the same on
every interpreter is marked ``once`` (decision 0024).
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", derandomize=False, deadline=None, print_blob=True, max_examples=2000)
HYPOTHESIS_PROFILE = os.environ.get("BZC_HYPOTHESIS", "fixed")
settings.load_profile(HYPOTHESIS_PROFILE)


HERE = Path(__file__).resolve().parent
ONCE = (
    "harness/checks/test_disclosure.py",
    "harness/checks/test_gatt_values.py",
    "harness/checks/test_key_schedule_air.py",
    "harness/checks/test_key_schedule_faults.py",
    "harness/checks/test_privacy_air.py",
    "harness/cli/test_explore.py",
    "harness/cli/test_requirements_matrix.py",
    "harness/implementations/test_adapters.py",
    "harness/implementations/test_explore.py",
    "harness/implementations/test_faulty.py",
    "harness/implementations/test_kills.py",
    "harness/live/test_stateful.py",
    "harness/merging/test_estimates.py",
    "harness/selftest/",
    "harness/test_every_check_counts.py",
    "harness/test_independence.py",
    "harness/test_planted_faults.py",
    "harness/test_traceability.py",
    "harness/virtual/test_faults.py",
    "repository/",
    "vectors/test_generator.py",
)
"""Where the tests stand that tox runs on one interpreter: documents, programs in other languages, self-tests, and what
checks find of planted faults in whole simulations."""


@pytest.hookimpl(tryfirst=True)  # before what is marked is chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is the same on every interpreter."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.relative_to(HERE).as_posix().startswith(ONCE):
            item.add_marker("once")


def pytest_report_header() -> str:
    """Say which random numbers the run draws."""
    drawn = (
        "derived from each test, the same in every run"
        if HYPOTHESIS_PROFILE == "fixed"
        else "new in every run"
    )
    return f"hypothesis profile: {HYPOTHESIS_PROFILE} (seeds {drawn}; BZC_HYPOTHESIS=fixed|explore)"


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the checkout that the tests stand in."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def lacking() -> Callable[[str], NoReturn]:
    """Return what a test calls with a reason where something that it needs is not there."""

    def lack(reason: str) -> NoReturn:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"under CI=true nothing may be missing: {reason}", pytrace=False)
        pytest.skip(reason)

    return lack


@pytest.fixture(scope="session")
def tool(lacking: Callable[[str], NoReturn]) -> Callable[[str], Path]:
    """Return a function from a program's name to its path; it skips where that is missing, or fails in CI."""

    def find(name: str) -> Path:
        # what was installed beside the tests comes first: it is on PATH only in an active environment
        path = shutil.which(
            name, path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
        )
        if path is None:
            lacking(f"the program {name} is not installed")
        return Path(path)

    return find
