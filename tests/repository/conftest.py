"""What the tests of the repository share: its files, and the syntax trees of its packages."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

PACKAGES = {
    "bluezone_spec": "spec",
    "bluezone_vectors": "vectors",
    "bluezone_reference": "reference",
    "bluezone_harness": "harness",
}


@pytest.fixture(scope="session")
def repository_files(
    repository: Path, tool: Callable[[str], Path], lacking: Callable[[str], NoReturn]
) -> tuple[Path, ...]:
    """Return every file that git keeps, or would keep if it were added; paths from the root."""
    listed = subprocess.run(
        [tool("git"), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        lacking("this is no git checkout: " + listed.stderr.decode(errors="replace").strip())
    names = sorted({name for name in listed.stdout.decode().split("\0") if name})
    return tuple(Path(name) for name in names if (repository / name).is_file())


@pytest.fixture(scope="session")
def package_folders(repository: Path) -> dict[str, Path]:
    """Return the folder of each of the four packages, by the package's name."""
    return {package: repository / room / package for package, room in PACKAGES.items()}


@pytest.fixture(scope="session")
def package_trees(package_folders: dict[str, Path]) -> dict[str, ast.Module]:
    """Return the syntax tree of every module of the four packages, by its dotted name.

    A file in a folder without `__init__.py` is data to copy, such as the adapters, and no module.
    """
    trees = {}
    for folder in package_folders.values():
        for path in sorted(folder.rglob("*.py")):
            if not (path.parent / "__init__.py").is_file():
                continue
            parts = path.relative_to(folder.parent).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            trees[name] = ast.parse(path.read_text("utf-8"), str(path))
    return trees
