"""Every tox environment has a budget that is enforced, all fit into 45 minutes, and all is pinned."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

LIMIT_S = 45 * 60
SETTING_UP_S = 3 * 60  # installing tox, building the wheel, filling the environments; 90 s were measured
REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*")


@pytest.fixture(scope="module")
def tox(repository: Path) -> configparser.ConfigParser:
    """Return tox.ini, read."""
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(repository / "tox.ini", encoding="utf-8")
    return ini


def environments(tox: configparser.ConfigParser) -> dict[str, str]:
    """Return the section of each environment, by the environment's name."""
    names = re.split(r"[,\s]+", tox["tox"]["env_list"].strip())
    return {name: f"testenv:{name}" if f"testenv:{name}" in tox else "testenv" for name in names}


def test_the_environments_are_those_of_the_house(tox: configparser.ConfigParser) -> None:
    plain = ["py311", "py312", "py313"]
    assert list(environments(tox)) == [*plain, "long", "coverage", "fuzz", "bluez", "lint", "types"]


def test_each_environment_runs_within_its_own_budget(tox: configparser.ConfigParser) -> None:
    for name, section in environments(tox).items():
        lines = tox[section]["commands"].replace("\\\n", " ").strip().splitlines()
        assert len(lines) == 1, f"{name}: all commands share one budget"
        assert lines[0].startswith(f"python .ci/within.py {{[{section}]budget}} "), name
        assert "budget" in tox[section], name


def test_every_test_runs_on_the_wheel(tox: configparser.ConfigParser) -> None:
    """What all interpreters leave out, because it takes minutes or is the same on each, one environment runs."""
    plain, long = (tox[section]["commands"] for section in ("testenv", "testenv:long"))
    assert '-m "not long and not once" ' in plain
    assert '-m "long or once" ' in long
    assert plain.count(" -m ") == long.count(" -m ") == 1


def test_what_runs_once_is_where_the_list_says(repository: Path) -> None:
    text = (repository / "tests" / "conftest.py").read_text("utf-8")
    listed = re.findall(r'^    "([^"]+)",$', text.partition("\nONCE = (")[2].partition(")")[0], re.MULTILINE)
    assert listed == sorted(listed)
    assert len(listed) > 5
    for each in listed:
        path = repository / "tests" / each
        assert path.is_dir() if each.endswith("/") else path.is_file(), each


def test_a_test_that_runs_once_is_marked_so(repository: Path) -> None:
    """Asked of pytest itself: what each environment chooses, and that nothing falls between."""
    chosen = {
        marks: collected(
            repository, marks, "tests/repository/test_tox.py", "tests/reference/test_multipart.py"
        )
        for marks in ("not long and not once", "long or once")
    }
    assert {each.partition("::")[0] for each in chosen["long or once"]} == {"tests/repository/test_tox.py"}
    assert {each.partition("::")[0] for each in chosen["not long and not once"]} == {
        "tests/reference/test_multipart.py"
    }


def collected(repository: Path, marks: str, *files: str) -> list[str]:
    """Return the tests that pytest chooses of some files."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", "-m", marks, *files],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_the_budgets_fit_into_the_limit(tox: configparser.ConfigParser) -> None:
    budgets = [tox.getint(section, "budget") for section in environments(tox).values()]
    assert all(budget > 0 for budget in budgets)
    assert sum(budgets) + SETTING_UP_S <= LIMIT_S


def test_tests_run_on_the_wheel_and_with_constraints(tox: configparser.ConfigParser) -> None:
    assert tox["testenv"]["package"] == "wheel"
    for section in ("testenv", "testenv:.pkg"):
        assert tox[section]["set_env"] == "PIP_CONSTRAINT = {tox_root}{/}constraints.txt"
    for name, section in environments(tox).items():
        own = tox[section].get("set_env", tox["testenv"]["set_env"])
        assert own == tox["testenv"]["set_env"] or "{[testenv]set_env}" in own, name


def canonical(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_whatever_is_installed_is_pinned(tox: configparser.ConfigParser, repository: Path) -> None:
    lines = (repository / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", pin)] == []
    pinned = {canonical(pin.partition("==")[0]) for pin in pins}
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    wanted += [text for extra in project["project"]["optional-dependencies"].values() for text in extra]
    wanted += tox["tox"]["requires"].split("\n")
    for section in environments(tox).values():
        wanted += [line for line in tox[section].get("deps", "").split("\n") if line and "{" not in line]
    names = {canonical(match[0]) for text in wanted if (match := REQUIREMENT.match(text.strip()))}
    assert len(names) > 10
    assert names - pinned == set()


def within(
    repository: Path, folder: Path, *arguments: str, timeout: float = 60
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run .ci/within.py and return what came of it, and the line that it left."""
    times = folder / "times"
    done = subprocess.run(
        [sys.executable, repository / ".ci" / "within.py", *arguments],
        env={**os.environ, "BZC_TIMES": str(times), "TOX_ENV_NAME": "py399"},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return done, times.read_text("utf-8") if times.exists() else ""


def test_commands_share_one_budget_and_leave_a_line(repository: Path, tmp_path: Path) -> None:
    say = [sys.executable, "-c", "print('said')"]
    done, line = within(repository, tmp_path, "30", *say, "then", *say)
    assert done.returncode == 0
    assert done.stdout.split() == ["said", "said"]
    assert re.fullmatch(r"py399\t\d+\.\d\t30\t0\n", line)


def test_the_first_failure_ends_the_run_with_its_code(repository: Path, tmp_path: Path) -> None:
    done, line = within(
        repository,
        tmp_path,
        "30",
        *[sys.executable, "-c", "raise SystemExit(7)", "then", sys.executable, "-c", "print('too far')"],
    )
    assert done.returncode == 7
    assert "too far" not in done.stdout
    assert line.endswith("\t30\t7\n")


def test_a_late_command_is_ended_with_all_that_it_started(repository: Path, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    child = f"import time, pathlib\nwhile True:\n    time.sleep(.1); pathlib.Path({str(alive)!r}).touch()"
    parent = (
        f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\ntime.sleep(600)"
    )
    done, line = within(repository, tmp_path, "2", sys.executable, "-c", parent)
    assert done.returncode == 124
    assert "its budget is 2 s" in done.stderr
    assert line.endswith("\t2\t124\n")
    alive.unlink(missing_ok=True)
    time.sleep(0.5)
    assert not alive.exists()


@pytest.mark.parametrize(
    "arguments", [[], ["10"], ["ten", "true"], ["-1", "true"], ["10", "then", "true"], ["10", "true", "then"]]
)
def test_wrong_usage_is_refused(repository: Path, tmp_path: Path, arguments: list[str]) -> None:
    done, line = within(repository, tmp_path, *arguments)
    assert (done.returncode, line) == (64, "")


def test_a_command_that_is_not_there_fails(repository: Path, tmp_path: Path) -> None:
    done, line = within(repository, tmp_path, "10", "no-such-program-anywhere")
    assert done.returncode == 127
    assert line.endswith("\t127\n")
