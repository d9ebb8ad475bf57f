"""The page on mutation testing says what its data say, and the script judges every module that it should."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

# data, packages' own words, and a module that only collects others
NOT_MUTATED = {
    "bluezone_reference": {"__init__", "errors", "profiles"},
    "bluezone_harness.checks": {"__init__"},
}


SCRIPTS = ("mutation", "mutants", "mutation_page")


@pytest.fixture(scope="module")
def scripts(repository: Path) -> Iterator[dict[str, ModuleType]]:
    """Yield the script and those beside it, imported as it imports them; its tool is needed only when it runs."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository / ".ci")
        yield {name: importlib.import_module(name) for name in SCRIPTS}
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent.name == ".ci":
            del sys.modules[name]


@pytest.fixture(scope="module")
def mutation(scripts: dict[str, ModuleType]) -> ModuleType:
    return scripts["mutation"]


@pytest.fixture(scope="module")
def mutants(scripts: dict[str, ModuleType]) -> ModuleType:
    return scripts["mutants"]


@pytest.fixture(scope="module")
def page(scripts: dict[str, ModuleType]) -> ModuleType:
    return scripts["mutation_page"]


def test_every_module_of_the_reference_and_of_the_checks_is_judged(
    mutation: ModuleType, package_trees: dict[str, object]
) -> None:
    wanted = {
        name
        for name in package_trees
        for package, left_out in NOT_MUTATED.items()
        if name.startswith(f"{package}.") and name.removeprefix(f"{package}.") not in left_out
    }
    assert set(mutation.MODULES) == wanted - {"bluezone_harness.checks"}


def test_the_tests_that_judge_are_there(mutation: ModuleType, repository: Path) -> None:
    for stages in mutation.MODULES.values():
        paths = [each for stage in stages for each in stage if not each.startswith("--deselect=")]
        assert paths
        assert [path for path in paths if not (repository / path).is_file()] == []


def test_the_page_is_written_from_its_data(mutation: ModuleType, page: ModuleType) -> None:
    text = page.PAGE.read_text("utf-8")
    survivors = page.explained()
    figures = page.rows(text)
    assert page.page_with(text, figures, survivors, "", list(mutation.MODULES)) == text
    assert len(figures) > 40
    listed = Counter(mutant.module for mutant in survivors)
    for module, (mutants, judged, before, killed, survive) in figures.items():
        assert before <= killed <= judged <= mutants, module
        assert killed + survive == judged, module
        assert survive <= listed[module], module


def test_what_is_explained_is_still_in_the_code(mutation: ModuleType, page: ModuleType) -> None:
    for mutant, why in page.explained().items():
        lines = [line.strip() for line in mutation.path_of(mutant.module).read_text("utf-8").splitlines()]
        assert mutant.line in lines, mutant
        assert mutant.mutant == "" or mutant.mutant not in lines, mutant
        assert re.fullmatch(r"[A-Z].+[.]", why), mutant


def test_a_line_that_changes_is_found(mutants: ModuleType) -> None:
    before = "a = 1\n\n# why\n@decorator\ndef f():\n    return a < 2\n"
    assert mutants.change(before, before.replace("<", "<=")) == (6, "return a < 2", "return a <= 2")
    assert mutants.change(before, before.replace("# why\n@decorator\n", "")) == (4, "@decorator", "")


def test_annotations_are_no_code(mutants: ModuleType) -> None:
    text = "def f(a: int | None) -> int | str:\n    b: int | None = a | 1\n    return b\n"
    assert mutants.bare(text) == mutants.bare(text.replace("int | None", "int & None"))
    assert mutants.bare(text) != mutants.bare(text.replace("a | 1", "a & 1"))


def test_a_survivor_is_placed_in_its_function(mutants: ModuleType) -> None:
    text = "X = 1\n\n\nclass C:\n    @p\n    def f(self):\n        return X\n"
    tree = ast.parse(text)
    assert [mutants.place_of(tree, line) for line in (1, 4, 5, 7)] == ["", "C", "C.f", "C.f"]


JUDGED = """
import sys
from pathlib import Path
sys.path.insert(0, ".ci")
from mutant_judging import Pool, prepare
from mutants import Mutant
path = Path("harness/bluezone_harness/checks/rows.py")
whole = path.read_text("utf-8")
prepare()
for text in (whole, "raise ImportError('broken')"):
    pool = Pool(1)
    pool.put(Mutant("bluezone_harness.checks.rows", "", "", "", ""), path, text, (([sys.argv[1]], 60),))
    print(*pool.finish().values())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="mutants are judged in forks")
def test_a_broken_module_of_a_plugins_package_is_what_tests_get(repository: Path) -> None:
    # pytest loads all of a package that brings a plugin by itself, where it is installed
    command = [sys.executable, "-c", JUDGED, "tests/harness/checks/test_rows.py"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=240, check=True)
    assert done.stdout.split() == ["True", "False"], done.stderr
