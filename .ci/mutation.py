"""Break the reference and the checks in small ways, and see that a test fails each time: mutation testing.

    python .ci/mutation.py [--jobs N] [--sample N] [--results FILE] [--retry FILE] [--record DATE] [MODULE ...]
    python .ci/mutation.py page

Cosmic Ray makes the mutants: one operator, number or keyword of a module is another. Each is judged by the tests that
concern its module (MODULES), in a process of its own that gets the broken text by the import system: no file is
written. What Hypothesis draws is the same in every run, and time is the processor's, so a verdict is the same again.

A module has more mutants than anybody waits for: some of each are judged (SAMPLES; ``--sample 0``: all), the same ones
every time, for they are drawn by the digest of what they change. A mutant that no test kills *survives*. It is
explained in tests/mutation_survivors.toml, or the run fails; so does an explained one that is killed.

``--results FILE`` keeps every verdict; ``--retry FILE`` judges anew only what survived there; ``--record DATE`` writes
figures of the modules that ran into tests/MUTATION.md; ``page`` writes its list of survivors anew from the TOML file.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import resource
import signal
import sys
import time
import tomllib
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

ROOT = Path(__file__).resolve().parents[1]
SURVIVORS = ROOT / "tests" / "mutation_survivors.toml"
PAGE = ROOT / "tests" / "MUTATION.md"
SAMPLES = {"bluezone_reference": 24, "bluezone_harness": 10}  # mutants of each module that are judged
# Seconds of the processor for a run of tests: so many, and so many times what it takes without a mutant. One that
# takes longer, or more memory, goes on for ever or nearly so, and is killed.
SECONDS, TIMES = 8, 4
MEMORY_OCTETS = 4 << 30

# pytest warns that the libraries, imported before the fork, are not rewritten: their asserts are nobody's here
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")

# Cosmic Ray's operators that make a fault somebody could make; it has more, which mostly break the same line again.
OPERATORS = (
    *("AddNot", "BreakWithContinue", "ContinueWithBreak", "AndWithOr", "OrWithAnd"),
    *("ExceptionReplacer", "NumberReplacer", "RemoveDecorator", "TrueWithFalse", "FalseWithTrue"),
    *("ZeroIterationForLoop", "UnaryOperator_Delete_Not", "UnaryOperator_Delete_USub"),
    *("BinaryOperator_Add_Sub", "BinaryOperator_Sub_Add", "BinaryOperator_Mul_FloorDiv"),
    *("BinaryOperator_FloorDiv_Mul", "BinaryOperator_Mod_FloorDiv", "BinaryOperator_Div_Mul"),
    *("BinaryOperator_BitOr_BitAnd", "BinaryOperator_BitAnd_BitOr", "BinaryOperator_BitXor_BitOr"),
    *("BinaryOperator_LShift_RShift", "BinaryOperator_RShift_LShift", "BinaryOperator_Pow_Mul"),
    *("ComparisonOperator_Eq_NotEq", "ComparisonOperator_NotEq_Eq", "ComparisonOperator_Is_IsNot"),
    *("ComparisonOperator_IsNot_Is", "ComparisonOperator_Lt_LtE", "ComparisonOperator_Lt_GtE"),
    *("ComparisonOperator_LtE_Lt", "ComparisonOperator_LtE_Gt", "ComparisonOperator_Gt_GtE"),
    *("ComparisonOperator_Gt_LtE", "ComparisonOperator_GtE_Gt", "ComparisonOperator_GtE_Lt"),
)

REFERENCE, CHECKS = "tests/reference/", "tests/harness/checks/"
VALUES = "tests/repository/test_values.py"
AIR = "key_schedule_air"
# whole captures of each systematic fault: more than all others of that file take
WITHOUT_SLOWEST = (
    f"--deselect={CHECKS}test_{AIR}.py::test_a_systematic_fault_fails_under_its_requirement_alone",
)


def _reference(module: str, *others: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return a module of the reference, its own tests, and those that judge what these leave alive."""
    own = f"{REFERENCE}test_{module}.py"
    return (
        f"bluezone_reference.{module}",
        (own,),
        (*(f"{REFERENCE}test_{each}.py" for each in others), VALUES),
    )


def _check(
    module: str, own: Sequence[str], others: Sequence[str] = ()
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return a module of the checks, the tests nearest to it, and those that judge what these leave alive."""

    def paths(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"{CHECKS}test_{name}.py" for name in names)

    then = (*paths(others), VALUES) if AIR not in others else (*paths(others), *WITHOUT_SLOWEST, VALUES)
    return f"bluezone_harness.checks.{module}", paths(own) + (WITHOUT_SLOWEST if AIR in own else ()), then


MODULES = {
    name: (first, then)
    for name, first, then in (
        _reference("key_schedule", "rolling_id_source", "matching", "weak_bases"),
        _reference("rolling_id_source", "key_schedule", "receiver"),
        _reference("positive_cases", "matching", "json_text", "pushes"),
        _reference("matching", "positive_cases"),
        _reference("advertisement", "ad_structures", "receiver", "heard_content"),
        _reference("ad_structures", "advertisement", "receiver"),
        _reference("android_form", "advertisement"),
        _reference("contact_log", "matching", "receiver"),
        _reference("receiver", "proximity", "contact_log"),
        _reference("weak_bases", "key_schedule"),
        _reference("json_text", "positive_cases", "pushes", "requests", "request_answers", "heard_content"),
        _reference("heard_content", "uploads", "contact_log"),
        _reference("key_material", "positive_cases", "request_answers"),
        _reference("multipart", "uploads"),
        _reference("name_obfuscation", "advertisement"),
        _reference("proximity", "receiver"),
        _reference("pushes", "json_text"),
        _reference("request_answers", "requests"),
        _reference("requests", "request_answers"),
        _reference("uploads", "multipart", "heard_content"),
        _check("id_windows", ["id_windows"], [AIR]),
        _check("clock", ["clock"]),
        _check("lateness", ["lateness"]),
        _check("hypotheses", ["hypotheses"], [AIR]),
        _check("key_schedule", ["key_schedule"], [AIR]),
        _check("known_ids", ["known_ids"], ["lifetimes"]),
        _check("lifetimes", ["lifetimes"], ["privacy"]),
        _check("schedules", ["schedules"], ["own_ids", "lifetimes"]),
        _check("windows", ["windows"], ["privacy_air"]),
        _check("heard_slots", ["heard_slots", "links"], [AIR]),
        _check("heard", ["heard"], ["links"]),
        _check("links", ["links"], ["heard"]),
        _check("addresses", ["addresses"], ["privacy_air"]),
        _check("advertisement", ["payloads"], ["advertisement"]),
        _check("payloads", ["payloads"], ["privacy_air"]),
        _check("senders", ["senders"], ["links"]),
        _check("frames", ["frames", "senders"], ["advertisement"]),
        _check("captures", ["captures", "devices_heard"], ["heard", "links"]),
        _check("devices_heard", ["devices_heard"], ["heard", "links"]),
        _check("contact_log", ["contact_log"], ["own_ids"]),
        _check("rows", ["rows"], ["contact_log"]),
        _check("own_ids", ["own_ids"], ["contact_log"]),
        _check("disclosure", ["disclosure"], ["privacy"]),
        _check("extras", ["disclosure"], ["privacy"]),
        _check("privacy", ["privacy"], ["weak_ids"]),
        _check("privacy_air", ["privacy_air"], ["addresses"]),
        _check("weak_ids", ["weak_ids"], ["privacy"]),
        _check("receiver", ["receiver"], ["registry"]),
        _check("remarks", ["remarks"], ["own_ids"]),
        _check("kept_air", ["kept_air"], ["devices_heard"]),
        _check("registry", ["registry"], ["receiver", "contact_log"]),
        _check("subjects", ["subjects", "rows"], ["contact_log", "heard"]),
        ("bluezone_harness.checks.alignment", ("tests/harness/test_merging.py",), (VALUES,)),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change of one module.

    Attributes:
        module: Dotted name.
        place: Function, class or both, dotted, that holds the change; empty in the module's own body.
        line: The line as it is, without the white space around it.
        mutant: The line as it becomes; empty where it goes.
        operator: Cosmic Ray's operator, and which of its offers on this very line where it has several alike.
    """

    module: str
    place: str
    line: str
    mutant: str
    operator: str

    @property
    def digest(self) -> str:
        """Where the mutant stands among those of its module when a sample is drawn."""
        return hashlib.sha256(
            "\n".join((self.module, self.place, self.line, self.mutant, self.operator)).encode()
        ).hexdigest()


def bare(text: str) -> str:
    """Return what a module's text does, annotations aside: none of the modules evaluates them."""

    class Strip(ast.NodeTransformer):
        def visit_arg(self, node: ast.arg) -> ast.arg:
            node.annotation = None
            return node

        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
            node.returns = None
            return self.generic_visit(node)

        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
            node.annotation = ast.Constant(value=None)
            return self.generic_visit(node)

    return ast.dump(Strip().visit(ast.parse(text)))


def place_of(tree: ast.Module, line: int) -> str:
    """Return the dotted name of the function or class that holds a line."""
    found: list[str] = []
    nodes: Sequence[ast.AST] = tree.body
    while True:
        for node in nodes:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                first = min((each.lineno for each in node.decorator_list), default=node.lineno)
                if first <= line <= (node.end_lineno or first):
                    found.append(node.name)
                    nodes = node.body
                    break
        else:
            return ".".join(found)


def change(before: str, after: str) -> tuple[int, str, str]:
    """Return the first line, from 1, that a mutant changes, and that line in both texts; empty where it is gone."""
    old, new = ([line.strip() for line in text.splitlines()] for text in (before, after))
    first = next(
        number for number, pair in enumerate(zip(old, [*new, ""], strict=False)) if pair[0] != pair[1]
    )
    gone = len(new) < len(old) or not new[first]
    # a decorator that goes takes with it what stood in front of it
    while not old[first] or old[first].startswith("#"):
        first += 1
    return first + 1, old[first], "" if gone else new[first]


def mutants_of(module: str, text: str) -> Iterator[tuple[Mutant, str]]:
    """Yield every mutant of a module with the whole broken text, those aside that break only an annotation."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    tree, whole = ast.parse(text), bare(text)
    seen: dict[Mutant, int] = {}
    for short in OPERATORS:
        plain = short in (
            "AddNot",
            "ExceptionReplacer",
            "NumberReplacer",
            "RemoveDecorator",
            "ZeroIterationForLoop",
        )
        operator = get_operator(f"core/{short}" if plain else f"core/Replace{short}")()
        occurrence = 0
        while (broken := mutate_code(text, operator, occurrence)) is not None:
            occurrence += 1
            # the tool's own exception is not defined in the module: any other that nobody raises says the same
            broken = broken.replace("CosmicRayTestingException", "NotImplementedError")
            try:
                if bare(broken) == whole:
                    continue
            except SyntaxError:  # the star of a signature is no multiplication
                continue
            number, line, mutated = change(text, broken)
            mutant = Mutant(module, place_of(tree, number), line, mutated, short)
            again = seen[mutant] = seen.get(mutant, 0) + 1
            if again > 1:
                mutant = Mutant(module, mutant.place, line, mutated, f"{short} {again}")
            yield mutant, broken


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
        options = ["-x", "-q", "--no-header", "-p", "no:terminalreporter", "-p", "no:xdist", "--tb=no"]
        if os.environ.get("BZC_MUTATION_OUTPUT"):
            options = ["-x", "-q", "-p", "no:xdist", "--tb=short"]
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


def stages_of(module: str, path: Path, text: str) -> tuple[Stage, ...] | None:
    """Run a module's tests without a mutant; return them with the time they may take, or ``None`` if one fails."""
    stages: list[Stage] = []
    for tests in MODULES[module]:
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


def path_of(module: str) -> Path:
    """Return where a module's text stands in the checkout."""
    package, *parts = module.split(".")
    return (ROOT / package.removeprefix("bluezone_") / package).joinpath(*parts).with_suffix(".py")


def explained() -> dict[Mutant, str]:
    """Return the survivors that tests/mutation_survivors.toml explains, with the reasons."""
    found: dict[Mutant, str] = {}
    for group in tomllib.loads(SURVIVORS.read_text("utf-8"))["survivor"]:
        mutant = Mutant(*(group[key] for key in ("module", "place", "line", "mutant", "operator")))
        if mutant in found:
            raise ValueError(f"{mutant} is explained twice")
        found[mutant] = group["why"]
    return found


def listing(survivors: dict[Mutant, str]) -> str:
    """Return the page's list of the explained survivors."""
    text = ""
    module = ""
    order = list(MODULES)
    for mutant, why in sorted(survivors.items(), key=lambda each: order.index(each[0].module)):
        if mutant.module != module:
            module = mutant.module
            text += f"\n### {module}\n\n"
        place = f"`{mutant.place}`: " if mutant.place else ""
        becomes = f"becomes `` {mutant.mutant} ``" if mutant.mutant else "goes"
        text += f"- {place}`` {mutant.line} `` {becomes}: {why}\n"
    return text


ROW = re.compile(r"^\| `(?P<module>[\w.]+)` \|(?P<figures>(?: \d+ \|){5})$", re.MULTILINE)
TABLE = "| module | mutants | judged | killed before | killed | survivors |\n|---|---:|---:|---:|---:|---:|\n"


def rows(page: str) -> dict[str, tuple[int, ...]]:
    """Return the figures of the page's table by module: mutants, judged, killed before, killed now, survivors."""
    return {
        found["module"]: tuple(int(each) for each in found["figures"].split(" |") if each)
        for found in ROW.finditer(page)
    }


def page_with(page: str, figures: dict[str, tuple[int, ...]], survivors: dict[Mutant, str], run: str) -> str:
    """Return the page with other figures, survivors and sentence about the run."""
    ordered = [(module, figures[module]) for module in MODULES if module in figures]
    table = TABLE + "".join(
        f"| `{module}` |{''.join(f' {each} |' for each in numbers)}\n" for module, numbers in ordered
    )
    sums = [sum(column) for column in zip(*(numbers for _, numbers in ordered), strict=True)]
    table += f"| all |{''.join(f' {each} |' for each in sums)}\n"
    before, now = (100 * sums[column] / sums[1] for column in (2, 3))
    score = f"\nKilled before: {before:.1f} %; killed now: {now:.1f} %; the rest is explained below.\n"
    for name, text in (("run", run), ("figures", table + score), ("survivors", listing(survivors))):
        if text:
            begin, end = f"<!-- {name} -->\n", "<!-- end -->"
            head, _, rest = page.partition(begin)
            page = f"{head}{begin}\n{text.strip()}\n\n{end}{rest.partition(end)[2]}"
    return page


def main(arguments: list[str]) -> int:
    """Run what the command line says and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="dotted names, or their beginnings")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--retry", type=Path)
    parser.add_argument("--record", metavar="DATE")
    chosen = parser.parse_args(arguments)
    if chosen.modules == ["page"]:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(page_with(page, rows(page), explained(), ""), "utf-8")
        return 0
    wanted = [m for m in MODULES if not chosen.modules or any(m.startswith(each) for each in chosen.modules)]
    os.chdir(ROOT)
    rooms = [str(ROOT / room) for room in ("spec", "vectors", "reference", "harness")]
    sys.path[:0] = rooms
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        rooms
    )  # for the processes that tests start: these see no mutant
    prepare()
    kept: dict[str, list[Mutant]] = {}
    if chosen.retry:
        stored = json.loads(chosen.retry.read_text("utf-8"))
        kept = {
            module: [Mutant(module, *each) for each in found["survivors"]] for module, found in stored.items()
        }
        wanted = [module for module in wanted if module in kept]
    reasons = explained()
    results: dict[str, dict[str, object]] = {}
    figures: dict[str, tuple[int, ...]] = {}
    wrong = 0
    for module in wanted:
        began = time.monotonic()
        path = path_of(module)
        text = path.read_text("utf-8")
        stages = stages_of(module, path, text)
        if stages is None:
            print(f"{module}: its tests fail without any mutant", flush=True)
            wrong += 1
            continue
        everything = sorted(mutants_of(module, text), key=lambda each: each[0].digest)
        size = SAMPLES[module.partition(".")[0]] if chosen.sample is None else chosen.sample
        drawn = everything[: size or None]
        pool = Pool(chosen.jobs)
        for mutant, broken in drawn:
            if chosen.retry and mutant not in kept[module]:
                pool.survived[mutant] = False
            else:
                pool.put(mutant, path, broken, stages)
        survived = pool.finish()
        alive = [mutant for mutant, _ in everything if survived.get(mutant)]
        known = {mutant for mutant, _ in everything}
        stale = [
            mutant
            for mutant in reasons
            if mutant.module == module and (mutant not in known or survived.get(mutant) is False)
        ]
        figures[module] = (len(everything), len(drawn), len(drawn) - len(alive))
        results[module] = {
            "mutants": len(everything),
            "judged": len(drawn),
            "survivors": [(m.place, m.line, m.mutant, m.operator) for m in alive],
        }
        print(
            f"{module}: {len(everything)} mutants, {len(drawn)} judged, {len(drawn) - len(alive)} killed,"
            f" {time.monotonic() - began:.0f} s",
            flush=True,
        )
        for mutant in alive:
            if mutant not in reasons:
                wrong += 1
                print(
                    f"  survives: {mutant.place}: {mutant.line}\n        as: {mutant.mutant} ({mutant.operator})",
                    flush=True,
                )
        for mutant in stale:
            wrong += 1
            print(
                f"  explained, but killed, or not there: {mutant.place}: {mutant.line} ({mutant.operator})",
                flush=True,
            )
        if chosen.results:
            chosen.results.write_text(json.dumps(results, indent=1), "utf-8")
    if chosen.record:
        page = PAGE.read_text("utf-8")
        old = rows(page)
        for module, (mutants, judged_now, killed) in figures.items():
            first = judged_now - len(kept[module]) if chosen.retry else killed
            if module in old and old[module][1] == judged_now:
                first = old[module][2]
            old[module] = (mutants, judged_now, first, killed, judged_now - killed)
        run = (
            f"Last run: {chosen.record}, Cosmic Ray {importlib.metadata.version('cosmic-ray')}, Python"
            f" {platform.python_version()}."
        )
        if chosen.retry:
            run += " It judged anew what had survived before, and took over what had been killed."
        PAGE.write_text(page_with(page, old, reasons, run), "utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
