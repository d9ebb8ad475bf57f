"""The README's examples print what the README says: every command of its console blocks is run, in order."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a text's console blocks with what it is said to print."""
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            command = [lines.pop(0)]
            while lines and lines[0].startswith("> "):
                command.append(lines.pop(0).removeprefix("> "))
            yield "\n".join(command), printed("\n".join(lines))


def printed(text: str) -> str:
    """Return an output without the blanks at the ends of its lines, and without empty lines at its end."""
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n")


@pytest.mark.skipif(os.name != "posix", reason="the README's examples are for a POSIX shell")
def test_every_example_prints_what_the_readme_says(
    repository: Path, tmp_path: Path, tool: Callable[[str], Path]
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BZC_", "FORCE_COLOR"))}
    path = os.pathsep.join([str(tool("bzc").parent), os.environ["PATH"]])
    environment = {**kept, "PATH": path, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    count = 0
    for command, expected in examples((repository / "README.md").read_text("utf-8")):
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert printed(done.stdout) == expected, f"$ {command}"
        count += 1
    assert count > 8


def test_examples_are_read_with_their_continued_lines() -> None:
    text = "a\n```console\n$ one \\\n>   two\nthree  \n\n$ four\n$ five\n> six\n```\n```sh\n$ seven\n```\n"
    assert list(examples(text)) == [("one \\\n  two", "three"), ("four", ""), ("five\nsix", "")]
