"""Public names are made of the specification's words: those of the glossary, and its plain words.

A public name is that of a module, class, function, method, parameter, field or constant that no underscore
hides, an option or a command of ``bzc``, and a key of the vectors or of a schema. Names that another
library's class prescribes to a subclass are that library's. Where a name fails, use the specification's word
for the thing; where it needs a plain English word that is on neither list, add that to "Plain words" in the
overview.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import bluezone_spec
from bluezone_harness.cli import bzc
from bluezone_spec.model import Specification

PUBLISHED = frozenset({"daily_key"})  # keys of the published messages, spelt as they are

Names = list[tuple[str, str]]  # where, name


def words(name: str) -> list[str]:
    """Return the words of a name, in lower case: ``AdvData``, ``adv_data`` and ``adv-data`` have two."""
    parts = re.findall(r"(?:[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+)\d*", name)
    return [part.lower() for part in parts]


def forms(word: str) -> set[str]:
    """Return a word as it may stand in a list: itself, what it may be the plural of, and without a number."""
    found = {word, word.rstrip("0123456789")}
    if word.endswith("ies"):
        found.add(word[:-3] + "y")
    if word.endswith("es"):
        found.add(word[:-2])
    if word.endswith("s"):
        found.add(word[:-1])
    return found


class Dictionary:
    """The words that names may be made of, and the sequences of words that they may not hold."""

    def __init__(self, specification: Specification) -> None:
        self.plain = specification.plain_words
        self.terms = {
            word
            for term in specification.terms.values()
            for word in (*words(term.term), *term.term.lower().split())
        }
        self.allowed = self.plain | self.terms
        self.avoided = {
            tuple(words(avoid)): term.term for term in specification.terms.values() for avoid in term.avoid
        }

    def fault(self, name: str) -> str | None:
        """Return what is wrong with a name, or ``None``."""
        if name in PUBLISHED:
            return None
        parts = words(name)
        for avoided, term in self.avoided.items():
            length = len(avoided)
            for start in range(len(parts) - length + 1):
                if all(w in forms(part) for w, part in zip(avoided, parts[start:], strict=False)):
                    return f"says {' '.join(avoided)!r}; the glossary's word is {term!r}"
        if unknown := [part for part in parts if not forms(part) & self.allowed]:
            return f"has words of neither the glossary nor the plain words: {', '.join(unknown)}"
        return None

    def faults(self, names: Names) -> list[str]:
        """Return what is wrong with names, a line for each and for where it stands."""
        return sorted({f"{where}: {name}: {fault}" for where, name in names if (fault := self.fault(name))})


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return Dictionary(bluezone_spec.load())


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Yield the names of a function's public parameters, its own object aside."""
    arguments = function.args
    named = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]
    yield from (
        a.arg for a in named if a is not None and a.arg not in ("self", "cls") and not a.arg.startswith("_")
    )


def is_pytests(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether pytest prescribes a function's parameters: it is a hook, or a fixture that names others."""
    decorators = {ast.unparse(node).partition("(")[0] for node in function.decorator_list}
    return function.name.startswith("pytest_") or "pytest.fixture" in decorators


def targets(node: ast.stmt) -> Iterator[str]:
    """Yield the public names that a statement of a module or class binds."""
    match node:
        case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
            yield name
        case ast.Assign(targets=bound):
            for target in bound:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name) and not part.id.startswith("_"):
                        yield part.id


def prescribed(module: str, class_name: str) -> frozenset[str]:
    """Return the names that a class takes over from another library's classes."""
    found = getattr(importlib.import_module(module), class_name)
    foreign = [base for base in inspect.getmro(found) if not base.__module__.startswith("bluezone_")]
    return frozenset(name for base in foreign for name in vars(base))


def public_names(module: str, tree: ast.Module, foreign: bool = True) -> Names:
    """Return the public names of a module, each with where it stands."""
    own = module.rpartition(".")[2]
    names: Names = [] if own.startswith("_") else [(module, own)]

    def enter(body: list[ast.stmt], where: str, taken_over: frozenset[str]) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if node.name == "__init__":
                    names.extend((where, name) for name in attributes(node))
                elif node.name.startswith("_") or node.name in taken_over:
                    continue
                elif is_pytests(node):
                    if not node.name.startswith("pytest_"):  # a hook's name is pytest's as well
                        names.append((where, node.name))
                    continue
                else:
                    names.append((where, node.name))
                names.extend((f"{where}.{node.name}", parameter) for parameter in parameters(node))
            elif isinstance(node, ast.ClassDef):
                if not node.name.startswith("_"):
                    names.append((where, node.name))
                    outside = prescribed(module, node.name) if foreign else frozenset()
                    enter(node.body, f"{where}.{node.name}", outside)
            elif isinstance(node, ast.If):
                enter([*node.body, *node.orelse], where, taken_over)
            else:
                names.extend((where, name) for name in targets(node) if name not in taken_over)

    enter(tree.body, module, frozenset())
    return names


def attributes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Yield the public attributes that a constructor gives its object."""
    for node in ast.walk(function):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()) if not name.startswith(
                "_"
            ):
                yield name


def option_names(command: click.Command, where: str) -> Names:
    """Return the names of a command's options and arguments, and of its own commands."""
    names: Names = []
    with click.Context(command, info_name=where) as context:
        for parameter in command.get_params(context):
            written = [*parameter.opts, *parameter.secondary_opts]
            names += [
                (where, name.lstrip("-")) for name in written if name.startswith("--") or "-" not in name
            ]
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                part = command.get_command(context, name)
                assert part is not None, name
                names += [(where, name), *option_names(part, f"{where} {name}")]
    return names


def keys(value: object) -> Iterator[str]:
    """Yield the keys of all objects of a JSON value."""
    if isinstance(value, dict):
        yield from map(str, value)
        for part in value.values():
            yield from keys(part)
    elif isinstance(value, list):
        for part in value:
            yield from keys(part)


def property_names(schema: object) -> Iterator[str]:
    """Yield the names of all properties that a JSON Schema gives an object."""
    if isinstance(schema, dict):
        for key, part in schema.items():
            if key == "properties" and isinstance(part, dict):
                yield from map(str, part)
                for deeper in part.values():
                    yield from property_names(deeper)
            else:
                yield from property_names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from property_names(part)


@pytest.fixture(scope="module")
def code_names(package_trees: dict[str, ast.Module]) -> Names:
    return [pair for module, tree in package_trees.items() for pair in public_names(module, tree)]


@pytest.fixture(scope="module")
def command_names() -> Names:
    return option_names(bzc, "bzc")


@pytest.fixture(scope="module")
def key_names(repository: Path, repository_files: tuple[Path, ...]) -> Names:
    names: Names = []
    for file in repository_files:
        if file.suffix == ".json" and file.parts[0] in ("vectors", "harness"):
            content = json.loads((repository / file).read_text("utf-8"))
            found = property_names(content) if file.name.endswith(".schema.json") else keys(content)
            names += [(str(file), name) for name in sorted(set(found))]
    return names


def test_public_names_are_the_specifications(dictionary: Dictionary, code_names: Names) -> None:
    faults = dictionary.faults(code_names)
    assert not faults, "\n".join(faults)
    assert len(code_names) > 300


def test_options_and_commands_are_the_specifications(dictionary: Dictionary, command_names: Names) -> None:
    faults = dictionary.faults(command_names)
    assert not faults, "\n".join(faults)
    assert ("bzc ids", "base-id") in command_names


def test_keys_of_vectors_and_schemas_are_the_specifications(dictionary: Dictionary, key_names: Names) -> None:
    faults = dictionary.faults(key_names)
    assert not faults, "\n".join(faults)
    assert len(key_names) > 10


def test_no_plain_word_is_idle(
    dictionary: Dictionary, code_names: Names, command_names: Names, key_names: Names
) -> None:
    # a list of words that nobody uses would let pass anything
    used = {word for _, name in [*code_names, *command_names, *key_names] for word in words(name)}
    needed = {form for word in used if not forms(word) & dictionary.terms for form in forms(word)}
    assert sorted(dictionary.plain - needed) == [], "take these out of the plain words"


PLANTED = """
class DayKeys:
    rolling_id: bytes
    grobnik: int
    def __init__(self, zwiebel: int) -> None:
        self.frumious = zwiebel
        self._hidden_gimble = 1
    def mimsy(self, borogove: int) -> None: ...
    def _slithy(self, tove: int) -> None: ...
MOME = RATH = 1
if True:
    def outgrabe(*jubjub: int, **bandersnatch: int) -> None: ...
def _vorpal(snicker: int) -> None: ...
def pytest_whiffling(tulgey: int) -> None: ...
@pytest.fixture(scope="session")
def burble(galumph: int) -> None: ...
"""


def test_every_kind_of_name_is_seen(dictionary: Dictionary) -> None:
    names = public_names("bluezone_spec.manxome", ast.parse(PLANTED), foreign=False)
    strange = {fault.split(": ")[1] for fault in dictionary.faults(names)}
    assert strange == {
        *("manxome", "grobnik", "zwiebel", "frumious", "mimsy", "borogove", "MOME", "RATH", "outgrabe"),
        "burble",
        *("jubjub", "bandersnatch"),
    }


def test_an_avoided_word_is_told_with_the_right_one(dictionary: Dictionary) -> None:
    avoided = [" ".join(sequence) for sequence in dictionary.avoided]
    assert len(avoided) > 20
    for text in avoided:
        plural = text.replace(" ", "_") + "s"
        fault = dictionary.fault(f"decode_{plural}")
        assert fault is not None
        assert "the glossary's word is" in fault, plural


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AdvData", ["adv", "data"]),
        ("rolling_id", ["rolling", "id"]),
        ("IOSDayKey", ["ios", "day", "key"]),
        ("sha256", ["sha256"]),
        ("allow-inconclusive", ["allow", "inconclusive"]),
        ("DAY_MS", ["day", "ms"]),
    ],
)
def test_words_of_a_name(name: str, expected: list[str]) -> None:
    assert words(name) == expected
