"""MIT for the code, CC0 for vectors and schemas; two libraries whose licences do not combine stay apart."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path

import pytest

APART = frozenset({"scapy", "bumble"})


def imports(tree: ast.Module) -> set[str]:
    """Return the top-level packages that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if "import" in ast.unparse(node.func):
                # importlib.import_module("..."), __import__("..."), pytest.importorskip("...")
                found.add(name.partition(".")[0])
    return found


def test_the_licences_are_there(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["license"] == "MIT AND CC0-1.0"
    assert project["license-files"] == ["LICENSE", "vectors/LICENSE"]
    assert (repository / "LICENSE").read_text("utf-8").startswith("MIT License\n")
    dedication = (repository / "vectors" / "LICENSE").read_text("utf-8")
    assert dedication.startswith("SPDX-License-Identifier: CC0-1.0\n")
    assert "CC0 1.0 Universal" in dedication


def test_every_schema_says_that_it_is_free(repository: Path, repository_files: tuple[Path, ...]) -> None:
    schemas = [file for file in repository_files if file.name.endswith(".schema.json")]
    assert schemas != []
    for file in schemas:
        schema = json.loads((repository / file).read_text("utf-8"))
        assert "CC0-1.0" in schema.get("$comment", ""), file
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema", file


def test_json_schemas_are_called_so(repository: Path, repository_files: tuple[Path, ...]) -> None:
    for file in repository_files:
        if file.suffix == ".json" and not file.name.endswith(".schema.json"):
            content = json.loads((repository / file).read_text("utf-8"))
            assert not (isinstance(content, dict) and "$schema" in content), file


BY_BUMBLE = (
    "bluezone_harness.live.attached",
    "bluezone_harness.live.broadcaster",
    "bluezone_harness.live.bumble_backend",
    "bluezone_harness.live.controller_sets",
    "bluezone_harness.live.controllers",
    "bluezone_harness.live.hci_receiver",
    "bluezone_harness.live.served_reads",
    "bluezone_harness.virtual.ble",
)
"""Modules and packages that are imported only where somebody listens by a controller, or plays phones."""


BY_SCAPY = "bluezone_harness.live.scapy_socket"
"""The one module that imports the other, for who listens by Linux's own adapter."""


def test_the_packages_import_one_of_them_where_it_is_needed(package_trees: dict[str, ast.Module]) -> None:
    found = {name: imports(tree) & APART for name, tree in package_trees.items() if imports(tree) & APART}
    assert found.pop(BY_SCAPY) == {"scapy"}
    assert {frozenset(each) for each in found.values()} == {frozenset({"bumble"})}
    assert [name for name in found if not name.startswith(BY_BUMBLE)] == []
    assert [each for each in BY_BUMBLE if not any(name.startswith(each) for name in found)] == []


def test_no_file_imports_both(repository: Path, repository_files: tuple[Path, ...]) -> None:
    python = [file for file in repository_files if file.suffix == ".py"]
    assert [f for f in python if imports(ast.parse((repository / f).read_text("utf-8"))) >= APART] == []


def test_no_extra_holds_both(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    for name, group in groups.items():
        assert sum(requirement.startswith(tuple(APART)) for requirement in group) < 2, name
    assert [r for r in project["dependencies"] if r.startswith(tuple(APART))] == []


@pytest.mark.parametrize(
    "planted",
    [
        "import scapy.all\nimport bumble",
        "from scapy.layers import bluetooth\ndef f():\n    from bumble import hci",
        "import bumble\nimportlib.import_module('scapy.all')",
        "scapy = pytest.importorskip('scapy')\nimport bumble.device as d",
    ],
)
def test_a_planted_pair_is_seen(planted: str) -> None:
    assert imports(ast.parse(planted)) >= APART
