"""The scripts of ``bzc completion`` work in their shells."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from bluezone_harness.cli import bzc, completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(shell: str) -> None:
    result = CliRunner().invoke(bzc, ["completion", shell])
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"_BZC_COMPLETE={shell}_complete" in result.stdout
    assert "_bzc_completion" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "missing argument 'bash|zsh|fish'"),
        (("tcsh",), "invalid value for 'bash|zsh|fish': 'tcsh' is not one of 'bash', 'zsh', 'fish'"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], line: str) -> None:
    result = CliRunner().invoke(bzc, ["completion", *arguments])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (64, "", 1)
    assert result.stderr.startswith(f"bzc: {line}")


def test_a_shell_that_click_gave_up_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(shell: str) -> type[ShellComplete] | None:
        return None

    monkeypatch.setattr(completion, "get_completion_class", none)
    result = CliRunner().invoke(bzc, ["completion", "fish"])
    assert (result.exit_code, result.stderr) == (
        64,
        "bzc: this version of click cannot complete in fish; see 'bzc completion --help'\n",
    )


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("bzc deco", ["decode"]),
        ("bzc --vers", ["--version"]),
        ("bzc ids --profile andr", ["android-v3"]),
        ("bzc ids --base", ["--base-id", "--base-day"]),
        ("bzc completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_bash_offers_what_fits(
    typed: str, offered: list[str], tool: Callable[[str], Path], tmp_path: Path
) -> None:
    bash = tool("bash")
    launcher = tmp_path / "bzc"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bluezone_harness "$@"\n', "utf-8")
    launcher.chmod(0o755)
    script = CliRunner().invoke(bzc, ["completion", "bash"]).stdout
    words = typed.split(" ")
    listed = " ".join(f"'{word}'" for word in words)
    program = (
        f"{script}\nCOMP_WORDS=({listed}) COMP_CWORD={len(words) - 1}\n"
        f"_bzc_completion bzc '{words[-1]}' '{words[-2]}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", program],
        env={**os.environ, "PATH": path},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == b""
    assert done.stdout.decode().split() == offered
