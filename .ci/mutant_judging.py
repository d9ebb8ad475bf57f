"""Tests judge mutants: each in a process of its own, which gets the broken text by the import system."""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

from mutants import Mutant

# Seconds of the processor for a run of tests: so many, and so many times what it takes without a mutant. One that
# takes longer, or more memory, goes on for ever or nearly so, and is killed.
SECONDS, TIMES = 8, 4
MEMORY_OCTETS = 4 << 30

# pytest warns that the libraries, imported before the fork, are not rewritten: their asserts are nobody's here
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


class Broken(importlib.machinery.SourceFileLoader):
    """Loads a module from a broken text in place of its file."""

    def __init__(self, module: str, path: Path, text: str) -> None:
        super().__init__(module, str(path))
        self.text = text

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the broken text; nothing is cached."""
        return compile(self.text, self.path, "exec", dont_inherit=True)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the broken module, and no other."""

    def __init__(self, loader: Broken) -> None:
        self.loader = loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Answer for the one module."""
        if fullname != self.loader.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.loader.path, loader=self.loader)


def judge(module: str, path: Path, text: str, tests: Sequence[str], seconds: int) -> None:
    """Run tests on a broken module, in a process of their own, and end it: 0 all pass, 1 otherwise."""
    import pytest

    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_OCTETS, MEMORY_OCTETS))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(seconds * 20)  # for one that waits and does nothing
    silence = os.open(os.devnull, os.O_RDWR)
    if not os.environ.get("BZC_MUTATION_OUTPUT"):
        for number in (1, 2):
            os.dup2(silence, number)
    os.dup2(silence, 0)
    sys.meta_path.insert(0, Finder(Broken(module, path, text)))
    code = 1
    try:
        # plain: what rewrites asserts stands before the finder, and loads a plugin's whole package from its files
        options = ["--assert=plain", "-x", "-q", "-p", "no:xdist"]
        if os.environ.get("BZC_MUTATION_OUTPUT"):
            options += ["--tb=short"]
        else:
            options += ["--no-header", "-p", "no:terminalreporter", "--tb=no"]
        code = int(pytest.main([*options, *QUIET, "--hypothesis-profile=mutation", "-m", "not long", *tests]))
    except BaseException:  # noqa: BLE001 (a fork ends here, whatever happens)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1 if code else 0)


Stage = tuple[Sequence[str], int]  # tests, and the seconds of the processor that they may take


class Pool:
    """Judges mutants, so many at a time, each in a fork of this process, which has imported what takes long."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.running: dict[int, tuple[Mutant, Path, str, tuple[Stage, ...]]] = {}
        self.survived: dict[Mutant, bool] = {}

    def put(self, mutant: Mutant, path: Path, text: str, stages: tuple[Stage, ...]) -> None:
        """Start the first stage of tests of a mutant; wait for another to end where too many run."""
        while len(self.running) >= self.jobs:
            self.wait()
        child = os.fork()
        if child == 0:
            judge(mutant.module, path, text, *stages[0])
        self.running[child] = (mutant, path, text, stages[1:])

    def wait(self) -> None:
        """Take what one child found; where all tests passed, go on with the next stage."""
        child, status = os.wait()
        mutant, path, text, left = self.running.pop(child)
        if status == 0 and left:
            self.put(mutant, path, text, left)
        else:
            self.survived[mutant] = status == 0

    def finish(self) -> dict[Mutant, bool]:
        """Wait for all and return for each mutant whether it survived."""
        while self.running:
            self.wait()
        return self.survived


def stages_of(
    module: str, path: Path, text: str, concerned: Sequence[Sequence[str]]
) -> tuple[Stage, ...] | None:
    """Run a module's tests without a mutant; return them with the time they may take, or ``None`` if one fails."""
    stages: list[Stage] = []
    for tests in concerned:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        pool = Pool(1)
        pool.put(Mutant(module, "", "", "", ""), path, text, ((tests, 600),))
        if not all(pool.finish().values()):
            return None
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        stages.append((tests, SECONDS + int(TIMES * taken)))
    return tuple(stages)


def prepare() -> None:
    """Import what every run of tests needs and no mutant touches, and fix what Hypothesis draws."""
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=50,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for name in (
        "pytest",
        "_pytest.assertion.rewrite",
        "construct",
        "click",
        "rich.console",
        "rich.table",
        "jsonschema",
    ):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
