"""Each of the four rooms holds one package; a stray module beside it would be importable by its bare name."""

from __future__ import annotations

import importlib
import os
import re
import sysconfig
from pathlib import Path

import pytest

PACKAGES = ("bluezone_spec", "bluezone_vectors", "bluezone_reference", "bluezone_harness")


def strays(files: tuple[Path, ...]) -> list[Path]:
    """Return the Python files of the four rooms that stand outside their room's package."""
    rooms = {package.removeprefix("bluezone_"): package for package in PACKAGES}
    return [
        file
        for file in files
        if file.suffix == ".py" and file.parts[0] in rooms and file.parts[1] != rooms[file.parts[0]]
    ]


def test_no_python_stands_beside_a_package(repository_files: tuple[Path, ...]) -> None:
    assert strays(repository_files) == []


@pytest.mark.parametrize("stray", ["spec/words.py", "harness/tools/read.py", "vectors/bluezone_spec/made.py"])
def test_a_stray_module_is_seen(stray: str) -> None:
    assert strays((Path("spec/bluezone_spec/model.py"), Path("benchmarks/sha256.py"), Path(stray))) == [
        Path(stray)
    ]


def test_the_top_level_holds_what_the_house_names(repository_files: tuple[Path, ...]) -> None:
    rooms = {file.parts[0] for file in repository_files if len(file.parts) > 1}
    packages = {"spec", "reference", "harness", "vectors"}
    assert rooms == packages | {"tests", "benchmarks", "examples", ".ci", ".github"}


def test_test_folders_are_no_packages(repository_files: tuple[Path, ...]) -> None:
    found = [f for f in repository_files if f.parts[0] == "tests" and f.name == "__init__.py"]
    # what fuzzes is a program, and holds no test
    assert found == [Path("tests/fuzz/__init__.py")]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package_folders: dict[str, Path], package: str) -> None:
    assert (package_folders[package] / "py.typed").is_file()


@pytest.mark.skipif(
    not re.fullmatch(r"py3\d+", os.environ.get("TOX_ENV_NAME", "")),
    reason="only tox's py environments install the wheel",
)
@pytest.mark.parametrize("package", PACKAGES)
def test_under_tox_the_wheel_is_what_is_tested(package: str) -> None:
    place = importlib.import_module(package).__file__
    assert place is not None
    assert Path(place).is_relative_to(sysconfig.get_path("purelib"))
