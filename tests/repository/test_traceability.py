"""Ids tie the project together: each that is named exists, and what the specification asks for is tested.

The marks of tests, the requirements of checks and the errors' own requirements are read from syntax trees:
what is counted here is what stands in the code, not what happened to run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bluezone_spec
from bluezone_harness.traceability import State, Trace, holes, trace
from bluezone_spec.model import Level, Requirement, Specification

REQUIREMENT = re.compile(r"\bBZ-[A-Z]{3}-\d{3}\b")
FAULT = re.compile(r"\bF-\d{2}b?\b")
REFERENCE_AREAS = ("KEY", "ADV", "RCV", "LOG", "MAT")


@pytest.fixture(scope="module")
def specification() -> Specification:
    return bluezone_spec.load()


@pytest.fixture(scope="module")
def test_trees(repository: Path) -> dict[str, ast.Module]:
    """Return the syntax trees of all test modules, by their path from ``tests``."""
    folder = repository / "tests"
    return {
        path.relative_to(folder).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in folder.rglob("test_*.py")
    }


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Yield the calls of functions of these names, however they are reached."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names:
            yield node


def strings(nodes: list[ast.expr]) -> Iterator[str]:
    """Yield the literal strings among expressions."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def marked(tree: ast.AST) -> set[str]:
    """Return the ids that the ``req`` marks of a module name."""
    return {
        text
        for call in calls(tree, "req")
        if ".mark." in f".{ast.unparse(call.func)}"
        for text in strings(call.args)
    }


def checked(trees: dict[str, ast.Module]) -> dict[str, str]:
    """Return the requirement of every ``@check(...)``, with the module that it stands in."""
    return {
        text: module
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        for call in calls(decorator, "check")
        for text in strings(call.args)
        if text.startswith("BZ-")
    }


def test_every_id_that_is_named_exists(
    specification: Specification, repository: Path, repository_files: tuple[Path, ...]
) -> None:
    unknown = {}
    named = set()
    for file in repository_files:
        # tests name strange ids on purpose; their marks are looked at below
        if file.parts[0] == "tests":
            continue
        text = (repository / file).read_text("utf-8", errors="replace")
        ids = {*REQUIREMENT.findall(text), *FAULT.findall(text)}
        named |= ids
        if strange := ids - specification.requirements.keys() - specification.faults.keys():
            unknown[str(file)] = strange
    assert unknown == {}
    assert named >= specification.requirements.keys() | specification.faults.keys()


def test_every_error_names_a_requirement_that_exists(
    specification: Specification, package_trees: dict[str, ast.Module]
) -> None:
    found = [
        (module, text)
        for module, tree in package_trees.items()
        for call in calls(tree, "MalformedError", "RefusedError")
        for text in strings([*call.args[1:2], *(k.value for k in call.keywords if k.arg == "requirement")])
    ]
    assert len(found) > 5
    assert [pair for pair in found if pair[1] not in specification.requirements] == []


def test_every_mark_names_what_exists(
    specification: Specification, test_trees: dict[str, ast.Module]
) -> None:
    known = specification.requirements.keys() | specification.faults.keys()
    assert {name: strange for name, tree in test_trees.items() if (strange := marked(tree) - known)} == {}


def test_every_check_is_of_a_requirement_and_has_a_test(
    specification: Specification, package_trees: dict[str, ast.Module], test_trees: dict[str, ast.Module]
) -> None:
    checks = checked(package_trees)
    tested = {i for name, tree in test_trees.items() if name.startswith("harness/") for i in marked(tree)}
    assert checks != {}
    assert set(checks) - specification.requirements.keys() == set()
    assert set(checks) - tested == set()


def test_checks_stand_in_the_module_of_their_chapter(
    specification: Specification, package_trees: dict[str, ast.Module]
) -> None:
    for requirement, module in checked(package_trees).items():
        chapter = specification.requirements[requirement].chapter.replace("-", "_")
        # the chapter on privacy is long: its checks stand by idea
        modules = {"privacy": ("privacy", "privacy_air", "addresses", "disclosure", "payloads")}.get(
            chapter, (chapter,)
        )
        assert module.removeprefix("bluezone_harness.checks.") in modules, requirement


def shown_by(requirement: Requirement, letters: str) -> bool:
    """Return whether evidence of these kinds alone can show a requirement."""
    return any(alternative <= set(letters) for alternative in requirement.verified_by)


def test_every_must_that_vectors_show_is_held_by_a_test_of_the_reference(
    specification: Specification, test_trees: dict[str, ast.Module]
) -> None:
    held = {
        i
        for name, tree in test_trees.items()
        if name.startswith(("reference/", "vectors/"))
        for i in marked(tree)
    }
    wanted = {
        requirement.id
        for requirement in specification.requirements.values()
        if requirement.level is Level.MUST
        and requirement.id.split("-")[1] in REFERENCE_AREAS
        and shown_by(requirement, "V")
    }
    assert len(wanted) > 15
    assert wanted - held == set()


def test_every_must_of_the_contact_log_has_a_check(
    specification: Specification, package_trees: dict[str, ast.Module]
) -> None:
    wanted = {
        requirement.id
        for requirement in specification.requirements.values()
        if requirement.level is Level.MUST
        and requirement.chapter == "contact-log"
        and shown_by(requirement, "LK")
    }
    assert len(wanted) >= 5
    assert wanted - checked(package_trees).keys() == set()


def test_every_fault_of_the_reference_is_pinned_by_a_test(
    specification: Specification, test_trees: dict[str, ast.Module]
) -> None:
    held = {
        i for name, tree in test_trees.items() if not name.startswith("repository/") for i in marked(tree)
    }
    concerned = {
        fault
        for requirement in specification.requirements.values()
        if requirement.id.split("-")[1] in REFERENCE_AREAS and shown_by(requirement, "VL")
        for fault in requirement.faults
    }
    assert len(concerned) > 10
    assert concerned - held == set()


@pytest.fixture(scope="module")
def traces(specification: Specification) -> tuple[Trace, ...]:
    return trace(specification, specification.requirements.values())


def test_every_must_has_a_judge_evidence_for_both_verdicts_and_a_fault_that_is_found(
    traces: tuple[Trace, ...],
) -> None:
    musts = [each for each in traces if each.level is Level.MUST]
    assert len(musts) > 50
    assert holes(traces) == []


def test_what_a_chapter_says_is_not_verified_yet_is_so(traces: tuple[Trace, ...]) -> None:
    stale = [each.requirement for each in traces if each.unverified and each.state is State.COMPLETE]
    assert stale == [], "take 'Not verified yet' out of their chapters"
    assert [each.requirement for each in traces if each.state is State.SHORT] == []


PLANTED = """
@pytest.mark.req("BZ-KEY-001", "F-02")
def test_a(): ...
pytestmark = pytest.mark.req("BZ-KEY-003")
@check("BZ-LOG-001", needs=Capability.ROWS)
def a_check(): ...
def f():
    raise errors.MalformedError(code, "BZ-ADV-001", 0, "reason")
"""


def test_marks_checks_and_errors_are_seen() -> None:
    tree = ast.parse(PLANTED)
    assert marked(tree) == {"BZ-KEY-001", "F-02", "BZ-KEY-003"}
    assert checked({"m": tree}) == {"BZ-LOG-001": "m"}
    assert [list(strings(call.args)) for call in calls(tree, "MalformedError")] == [["BZ-ADV-001", "reason"]]
