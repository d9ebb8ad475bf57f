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
import importlib.metadata
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mutant_judging import Pool, prepare, stages_of
from mutants import Mutant, mutants_of
from mutation_page import PAGE, explained, page_with, rows

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = {"bluezone_reference": 24, "bluezone_harness": 10}  # mutants of each module that are judged

REFERENCE, CHECKS = "tests/reference/", "tests/harness/checks/"
VALUES = "tests/repository/test_values.py"
FAULTS = "key_schedule_faults"
RECORDED = (
    *("broadcast_boundaries", "read_attempts", "hearing", "sent_text"),
    *("receiver_broadcasts", "receiver_reads", "log_rows_explained", "logged_times"),
)
AIR = ("key_schedule_air", FAULTS, "lateness_air")
# whole captures of each systematic fault: more than all others of that file take
WITHOUT_SLOWEST = (
    f"--deselect={CHECKS}test_{FAULTS}.py::test_a_systematic_fault_fails_under_its_requirement_alone",
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

    slowest = WITHOUT_SLOWEST if FAULTS in others else ()
    return f"bluezone_harness.checks.{module}", paths(own), (*paths(others), *slowest, VALUES)


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
        _check("id_windows", ["id_windows"], AIR),
        _check("clock", ["clock", "clock_settings"]),
        _check("lateness", ["lateness"]),
        _check("hypotheses", ["hypotheses"], AIR),
        _check("key_schedule", ["key_schedule"], AIR),
        _check("known_ids", ["known_ids"], ["lifetimes"]),
        _check("lifetimes", ["lifetimes", "system_scans"], ["privacy", "clock_settings"]),
        _check("schedules", ["schedules"], ["own_ids", "lifetimes"]),
        _check("windows", ["windows"], ["privacy_air"]),
        _check("heard_slots", ["heard_slots", "links", "gatt", "gatt_values"], AIR),
        _check("heard", ["heard"], ["links"]),
        _check("heard_text", ["heard_text", "heard"], ["links"]),
        _check("gatt_sessions", ["gatt", "gatt_values"], ["heard"]),
        _check("gatt", ["gatt", "gatt_values"], ["heard_slots"]),
        _check("system_scans", ["system_scans"]),
        _check("spans", ["spans"], ["lifetimes"]),
        _check("undecided", ["undecided"], ["lifetimes"]),
        _check("links", ["links"], ["heard"]),
        _check("addresses", ["addresses"], ["privacy_air"]),
        _check("advertisement", ["payloads"], ["advertisement"]),
        _check("payloads", ["payloads"], ["privacy_air"]),
        _check("senders", ["senders"], ["links", "gatt", "gatt_values"]),
        _check("frames", ["frames", "senders"], ["advertisement"]),
        _check("captures", ["captures", "devices_heard"], ["heard", "links"]),
        _check("devices_heard", ["devices_heard"], ["heard", "links", "gatt", "gatt_values", "private_recordings"]),
        _check("contact_log", ["contact_log"], ["own_ids"]),
        _check("rows", ["rows"], ["contact_log"]),
        _check("own_ids", ["own_ids"], ["contact_log"]),
        _check("disclosure", ["disclosure"], ["privacy"]),
        _check("extras", ["disclosure"], ["privacy"]),
        _check("privacy", ["privacy"], ["weak_ids"]),
        _check("privacy_air", ["privacy_air"], ["addresses"]),
        _check("weak_ids", ["weak_ids"], ["privacy"]),
        _check("receiver", ["receiver", "receiver_broadcasts", "receiver_reads"], ["registry"]),
        _check("scan_times", ["scan_times"], RECORDED),
        _check("broadcasts", ["receiver_broadcasts"], RECORDED),
        _check("hearing", ["hearing", "receiver_broadcasts"], RECORDED),
        _check("log_rows_explained", ["log_rows_explained"], RECORDED),
        _check("clock_offsets", ["clock_offsets"], RECORDED),
        _check("set_clocks", ["set_clocks"], RECORDED),
        _check("logged_times", ["logged_times"], RECORDED),
        _check("whole_seconds", ["whole_seconds"], ["contact_log"]),
        _check("read_attempts", ["read_attempts", "receiver_reads"], RECORDED),
        _check("receiver_reads", ["receiver_reads"], RECORDED),
        _check("wrong_reads", ["broadcast_boundaries"], RECORDED),
        _check("receiver_grounds", ["receiver_broadcasts", "receiver_reads"], RECORDED),
        _check("sent_text", ["sent_text"], RECORDED),
        _check("remarks", ["remarks"], ["own_ids"]),
        _check("kept_air", ["kept_air"], ["devices_heard", "private_recordings"]),
        _check("registry", ["registry"], ["receiver", "contact_log"]),
        _check("subjects", ["subjects", "rows"], ["contact_log", "heard", "undecided", "private_recordings"]),
        ("bluezone_harness.checks.alignment", ("tests/harness/merging/test_alignment.py",), (VALUES,)),
    )
}  # fmt: skip


def path_of(module: str) -> Path:
    """Return where a module's text stands in the checkout."""
    package, *parts = module.split(".")
    return (ROOT / package.removeprefix("bluezone_") / package).joinpath(*parts).with_suffix(".py")


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
        PAGE.write_text(page_with(page, rows(page), explained(), "", list(MODULES)), "utf-8")
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
        stages = stages_of(module, path, text, MODULES[module])
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
                first = min(old[module][2], killed)  # the sample may have moved
            old[module] = (mutants, judged_now, first, killed, judged_now - killed)
        run = (
            f"Last run: {chosen.record}, Cosmic Ray {importlib.metadata.version('cosmic-ray')}, Python"
            f" {platform.python_version()}."
        )
        if chosen.retry:
            run += " It judged anew what had survived before, and took over what had been killed."
        PAGE.write_text(page_with(page, old, reasons, run, list(MODULES)), "utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
