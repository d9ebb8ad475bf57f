"""The README's two commands, each tried from a fresh clone in an empty environment.

An environment is empty but for where Python and git are, a home of its own, and how a package index is
reached: the pip settings, proxies and certificates of whoever runs the tests. What is not committed is not in
the clone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

COMMAND = re.compile(r"^<!-- command: (?P<name>\w+) -->\n```sh\n(?P<line>[^\n]+)\n```$", re.MULTILINE)
HANDED_ON = re.compile(
    r"PIP_(?!CONSTRAINT$|REQUIRE)\w+|(?:HTTPS?|NO|ALL)_PROXY|SSL_CERT_(?:FILE|DIR)|\w+_CA_BUNDLE",
    re.IGNORECASE,
)
POSIX = pytest.mark.skipif(os.name != "posix", reason="the README's commands are for a POSIX shell")


@pytest.fixture(scope="session")
def commands(repository: Path) -> dict[str, str]:
    """Return the README's marked commands by their names."""
    text = (repository / "README.md").read_text("utf-8")
    return {match["name"]: match["line"] for match in COMMAND.finditer(text)}


def test_the_readme_marks_two_commands_of_one_line_each(commands: dict[str, str], repository: Path) -> None:
    assert set(commands) == {"demo", "tests"}
    assert commands["demo"].endswith("bzc demo")
    # no command is marked and then not read
    assert (repository / "README.md").read_text("utf-8").count("<!-- command:") == 2


def pip_settings() -> Path | None:
    """Return the pip settings file of the user, which a new home would hide."""
    places = [
        Path(os.environ.get("XDG_CONFIG_HOME", "~/.config"), "pip", "pip.conf"),
        Path("~/.pip/pip.conf"),
    ]
    return next((place.expanduser() for place in places if place.expanduser().is_file()), None)


@pytest.fixture
def empty_environment(tmp_path: Path, tool: Callable[[str], Path]) -> dict[str, str]:
    """Return an environment that finds only this run's interpreter, git and the system's own tools."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if HANDED_ON.fullmatch(name)}
    if (settings := pip_settings()) is not None:
        environment.setdefault("PIP_CONFIG_FILE", str(settings))
    folders = [str(Path(sys.base_prefix) / "bin"), str(tool("git").parent), "/usr/bin", "/bin"]
    return {**environment, "HOME": str(home), "PATH": os.pathsep.join(dict.fromkeys(folders))}


@pytest.fixture
def fresh_clone(
    repository: Path, tmp_path: Path, empty_environment: dict[str, str], lacking: Callable[[str], NoReturn]
) -> Path:
    """Return a new clone of what is committed."""
    clone = tmp_path / "clone"
    done = run(
        ["git", "clone", "--quiet", "--no-hardlinks", str(repository), str(clone)],
        tmp_path,
        empty_environment,
    )
    if done.returncode or not (clone / "README.md").is_file():
        lacking(f"there is no commit to clone: {done.stderr.strip()}")
    return clone


@pytest.fixture
def index(tmp_path: Path, empty_environment: dict[str, str], lacking: Callable[[str], NoReturn]) -> None:
    """Make sure that pip reaches a package index."""
    folder = tmp_path / "index"
    made = run(["python3", "-m", "venv", str(folder)], tmp_path, empty_environment)
    if made.returncode:
        lacking(f"python3 -m venv does not work: {made.stderr.strip()[-300:]}")
    pip = [str(folder / "bin" / "pip"), "--retries", "1", "download", "--no-deps", "-d", str(folder), "click"]
    reached = run(pip, tmp_path, empty_environment)
    if reached.returncode:
        lacking(f"pip reaches no package index: {reached.stderr.strip()[-300:]}")


def run(
    command: list[str], folder: Path, environment: dict[str, str], timeout: float = 480
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with nothing of this process's environment."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


@POSIX
@pytest.mark.fresh_clone
@pytest.mark.usefixtures("index")
def test_the_main_job_runs_from_a_fresh_clone(
    commands: dict[str, str], fresh_clone: Path, empty_environment: dict[str, str]
) -> None:
    done = run(["sh", "-c", commands["demo"]], fresh_clone, empty_environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "MUSTs judged" in done.stdout
    assert "BZ-ADV-004" in done.stdout


@POSIX
@pytest.mark.fresh_clone
@pytest.mark.usefixtures("index")
def test_the_tests_run_from_a_fresh_clone(
    commands: dict[str, str], fresh_clone: Path, empty_environment: dict[str, str]
) -> None:
    # the command as it stands, from an empty folder to a green tox; of the environments only this
    # interpreter's, and of the tests one module's: the others run already, and this one must not run itself
    chosen = {
        "TOXENV": f"py{sys.version_info.major}{sys.version_info.minor}",
        "PYTEST_ADDOPTS": "-k test_multipart",
    }
    done = run(["sh", "-c", commands["tests"]], fresh_clone, {**empty_environment, **chosen})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"\b[1-9]\d* passed", done.stdout)
    assert re.search(r"\bcongratulations\b", done.stdout)
