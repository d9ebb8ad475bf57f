"""What the tests of the plugin share: a pytest of its own that has the plugin, adapters, and a file of deviations."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

# The last two so that they stay imported: pytester forgets what a run within this process has imported.
import bluezone_harness.pytest_plugin.evidence
import bluezone_harness.pytest_plugin.suite  # noqa: F401 - to stay imported
from bluezone_harness.implementations.faulty import FAULTY


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    """Return what runs pytest in this process, with the plugin, and with warnings as errors.

    By name: ``elsewhere`` runs it in a process of its own.
    """
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    # by its module: by its entry point it is there only where the distribution is installed
    plugin = ("-p", "no:bluezone", "-p", "bluezone_harness.pytest_plugin", "-p", "no:cacheprovider")
    # a plugin that this process has imported already is not rewritten, which pytest warns of
    quiet = ("-W", "error", "-W", "ignore::pytest.PytestAssertRewriteWarning")

    def start(*arguments: str, elsewhere: bool = False) -> pytest.RunResult:
        runner = pytester.runpytest_subprocess if elsewhere else pytester.runpytest_inprocess
        return runner(*plugin, *quiet, *arguments)

    return start


@pytest.fixture(scope="session")
def adapter() -> Callable[..., str]:
    """Return a function to the command of the reference's adapter, or of a faulty one's by its name."""

    def command(faulty: str = "") -> str:
        assert not faulty or faulty in FAULTY
        served = f"{sys.executable} -m bluezone_harness.implementations.reference_adapter"
        return f"{served} --faulty {faulty}" if faulty else served

    return command


@pytest.fixture
def written_adapter(pytester: pytest.Pytester) -> Callable[[str], str]:
    """Return what writes an adapter that says hello, and returns its command.

    What it does with any other question is its one argument: a statement that may use ``op`` and ``answer(**reply)``.
    """

    def write(statement: str) -> str:
        (pytester.path / "own_adapter.py").write_text(
            f"""
import json, os, pathlib, signal, sys, time
for line in sys.stdin:
    question = json.loads(line)
    op = question["op"]
    def answer(**reply):
        print(json.dumps(dict(seq=question["seq"], **reply)), flush=True)
    if op == "hello":
        implementation = dict(name="own", version="1", language="python")
        answer(ok=dict(protocol=1, implementation=implementation, ops=["derive_ids"], profiles=["v3"]))
    elif op.startswith("op_"):
        answer(unsupported=dict())
    elif op == "bye":
        break
    else:
        {statement}
""",
            "utf-8",
        )
        return f"{sys.executable} own_adapter.py"

    return write


@pytest.fixture
def deviations(pytester: pytest.Pytester) -> Callable[..., str]:
    """Return what writes a file of deviations with one entry, and returns its path."""

    def write(vector: str, outcome: str = "ok", more: str = "") -> str:
        text = f"""schema = 1
suite = "~=1.0"
[[deviation]]
id = "{vector}"
kind = "wontfix"
expect = {{ outcome = "{outcome}" }}
reason = "as it was shipped"
{more}
"""
        return str(pytester.makefile(".toml", deviations=text))

    return write
