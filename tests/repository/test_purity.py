"""The reference is pure: no files, no clock, no randomness, no network, by its own syntax trees.

The import contracts say the same of imports; this also sees what needs no import, and ``datetime``'s clocks.
"""

from __future__ import annotations

import ast

import pytest

FORBIDDEN_MODULES = frozenset(
    {
        "asyncio",
        "ctypes",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "platform",
        "random",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid",
    }
)
FORBIDDEN_CALLS = frozenset(
    {"open", "print", "input", "exec", "eval", "breakpoint", "__import__", "id", "hash", "globals", "vars"}
)
CLOCKS = frozenset({"now", "utcnow", "today"})


def impurities(tree: ast.Module) -> list[str]:
    """Return what a module imports or calls that makes it depend on more than its arguments."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found += [a.name for a in names if a.name.partition(".")[0] in FORBIDDEN_MODULES]
            case ast.ImportFrom(module=str(module), level=0) if module.partition(".")[0] in FORBIDDEN_MODULES:
                found.append(module)
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                found.append(f"{name}()")
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS:
                found.append(f"{name}()")
            case ast.Global() | ast.Nonlocal():
                found.append("a rebound outer variable")
    return found


def test_the_reference_is_pure(package_trees: dict[str, ast.Module]) -> None:
    reference = {name: tree for name, tree in package_trees.items() if name.startswith("bluezone_reference")}
    assert len(reference) > 3
    assert {name: found for name, tree in reference.items() if (found := impurities(tree))} == {}


@pytest.mark.parametrize(
    "planted",
    [
        "import os",
        "import os.path as p",
        "from time import monotonic",
        "from random import Random",
        "def f(): import socket",
        "open('x')",
        "print(1)",
        "datetime.now(UTC)",
        "date.today()",
        "import sqlite3",
        "def f():\n    global x\n    x = 1",
    ],
)
def test_a_planted_impurity_is_seen(planted: str) -> None:
    assert len(impurities(ast.parse(planted))) == 1


def test_construct_draws_only_the_picture_of_advdata(package_trees: dict[str, ast.Module]) -> None:
    users = {
        name
        for name, tree in package_trees.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(a.name.partition(".")[0] == "construct" for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "construct")
    }
    assert users == {"bluezone_reference.ad_structures"}
