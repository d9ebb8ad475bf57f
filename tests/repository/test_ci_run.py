"""What ``.ci/run`` makes of the README's command: tried on a README and a command made for the purpose."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason=".ci/run is a shell script")


@pytest.fixture
def ci_run(
    repository: Path, tmp_path: Path, tool: Callable[[str], Path]
) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Return what runs a copy of .ci/run beside a README of the given text, as nobody in particular."""
    bash = tool("bash")
    (tmp_path / ".ci").mkdir()
    script = shutil.copy(repository / ".ci" / "run", tmp_path / ".ci" / "run")
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    # it installs Debian packages as root only; no test may
    (stubs / "id").write_text("#!/bin/sh\necho 1000\n", "utf-8")
    (stubs / "id").chmod(0o755)

    def run(readme: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "README.md").write_text(readme, "utf-8")
        return subprocess.run(
            [bash, script],
            env={**os.environ, "PATH": f"{stubs}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def readme(command: str) -> str:
    """Return a README whose tests' command is the given one, between others."""
    block = "<!-- command: {} -->\n```sh\n{}\n```\n\ntext\n\n"
    return (
        "# Title\n\n"
        + block.format("demo", "exit 9")
        + block.format("tests", command)
        + "```sh\nexit 8\n```\n"
    )


def test_it_is_executable(repository: Path) -> None:
    assert os.access(repository / ".ci" / "run", os.X_OK)


def test_it_calls_the_command_and_reports_times_and_interpreters(
    ci_run: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    done = ci_run(
        readme(r"""printf 'py312\t61.5\t540\t0\nlint\t3.0\t60\t0\n' > "$BZC_TIMES"; cat; echo called""")
    )
    assert done.returncode == 0, done.stderr
    assert "\ncalled\n" in done.stdout
    assert "py312: 61.5 s of 540 s, exit code 0" in done.stdout
    assert "lint: 3.0 s of 60 s, exit code 0" in done.stdout
    assert "ran on 1 interpreters" in done.stdout
    assert re.search(r"ci: python3 is \S+, Python 3\.\d+", done.stdout)


def test_its_interpreters_are_real_ones(ci_run: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    done = ci_run(readme("echo 'py311\t1\t2\t0' > $BZC_TIMES"))
    listed = re.findall(r"ci:   (\S+): Python (3\.\d+)", done.stdout)
    for place, version in listed:
        told = subprocess.run(
            [place, "--version"], capture_output=True, text=True, check=True, cwd="/"
        ).stdout
        assert told.startswith(f"Python {version}")


def test_a_failure_is_handed_on(ci_run: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    done = ci_run(readme(r"""printf 'py312\t61.5\t540\t1\n' > "$BZC_TIMES"; exit 3"""))
    assert done.returncode == 3
    assert "py312: 61.5 s of 540 s, exit code 1" in done.stdout


def test_no_interpreter_no_success(ci_run: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    done = ci_run(readme(r"""printf 'lint\t3.0\t60\t0\n' > "$BZC_TIMES" """))
    assert done.returncode == 1
    assert "no interpreter" in done.stderr


def test_no_command_no_success(ci_run: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    done = ci_run("# Title\n\n```sh\ntrue\n```\n")
    assert done.returncode == 1
    assert "the README has no tests' command" in done.stderr
