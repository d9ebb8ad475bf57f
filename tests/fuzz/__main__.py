"""Fuzz targets side by side, and say what came of each: see ``python -m tests.fuzz --help``."""

from __future__ import annotations

import argparse
import base64
import contextlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .targets import TARGETS

TIMEOUT_S = 10
"""An input that takes longer hangs."""
MEMORY_MIB = 512
"""What a worker may hold; without an input it holds some 50."""
SHOWN_OCTETS = 4096
"""A finding is shown in the log as well, up to so many octets, so that nobody needs the machine it was found on."""
ENDING_S = 60
"""A worker that has not ended so long after its time is ended, and that is a finding."""
_STATE = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_TRACE = re.compile(r" === Uncaught Python exception: ===\n.*?(?=\n==|\nMS: |\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What fuzzing a target came to."""

    target: str
    executed: int
    edges: int
    features: int
    corpus: int
    is_sound: bool
    findings: tuple[Path, ...]
    report: str


def seed_of(target: str, seed: int) -> int:
    """Return the seed of one target's random numbers; libFuzzer takes 0 for none."""
    return (zlib.crc32(target.encode()) ^ seed) % (2**31 - 1) + 1


def fuzz(target: str, seconds: int, seed: int, folder: Path) -> Outcome:
    """Fuzz one target.

    Args:
        target: Which.
        seconds: How long.
        seed: Of all targets.
        folder: For its corpus and findings.
    """
    corpus, seeds, findings = (folder / each / target for each in ("corpus", "seeds", "findings"))
    for each in (corpus, seeds, findings):
        each.mkdir(parents=True, exist_ok=True)
    for number, octets in enumerate(TARGETS[target].seeds()):
        (seeds / f"seed-{number:02}").write_bytes(octets)
    known = set(findings.iterdir())
    command = [
        *(sys.executable, "-m", "tests.fuzz.worker", target),
        *(f"-max_total_time={seconds}", f"-seed={seed_of(target, seed)}", f"-timeout={TIMEOUT_S}"),
        *(f"-rss_limit_mb={MEMORY_MIB}", f"-artifact_prefix={findings}{os.sep}", "-print_final_stats=1"),
        *(str(corpus), str(seeds)),
    ]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(
            command,
            cwd=Path(__file__).resolve().parents[2],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds + ENDING_S,
            check=False,
        )
        code, said = done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as late:
        code, said = 124, (late.stdout or b"").decode("utf-8", "replace")
    states = _STATE.findall(said)
    edges, features, kept = map(int, states[-1]) if states else (0, 0, 0)
    executed = int(found[1]) if (found := _EXECUTED.search(said)) else 0
    trace = found[0] if (found := _TRACE.search(said)) else said[-2000:]
    return Outcome(
        *(target, executed, edges, features, kept, code == 0 and executed > 0),
        findings=tuple(sorted(set(findings.iterdir()) - known)),
        report=trace,
    )


def tell(outcome: Outcome, seed: int) -> None:
    """Print what fuzzing a target came to."""
    print(
        f"{outcome.target:14}{outcome.executed:>12}{outcome.edges:>8}{outcome.features:>10}{outcome.corpus:>8}"
        f"{seed_of(outcome.target, seed):>12}  {'sound' if outcome.is_sound else 'FOUND'}",
        flush=True,
    )
    if outcome.is_sound:
        return
    print(outcome.report)
    for path in outcome.findings:
        octets = path.read_bytes()
        print(f"the input: {path}, {len(octets)} octets; in base64:")
        print(base64.b64encode(octets[:SHOWN_OCTETS]).decode())


def missing() -> str:
    """Return why there can be no fuzzing; empty where there can."""
    if importlib.util.find_spec("atheris") is None:
        return f"atheris is not installed; its wheels are for Linux on x86-64, this is {platform.platform()}"
    return ""


def main(arguments: Sequence[str]) -> int:
    """Fuzz what the command line says and return the exit code: 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; without: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time (2)")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (1)")
    parser.add_argument(
        "--keep", type=Path, help="a folder for corpus and findings, which later runs go on from"
    )
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if reason := missing():
        print(f"fuzzing: {reason}")
        return int(os.environ.get("CI", "").lower() == "true")
    names = chosen.targets or list(TARGETS)
    with contextlib.ExitStack() as until:
        folder = chosen.keep.resolve() if chosen.keep else Path(tempfile.mkdtemp(prefix="bluezone-fuzz-"))
        print(f"fuzzing: {len(names)} targets, {chosen.seconds} s each, seed {chosen.seed}; in {folder}")
        print(f"{'target':14}{'executions':>12}{'edges':>8}{'features':>10}{'corpus':>8}{'seed':>12}")
        pool = until.enter_context(ThreadPoolExecutor(chosen.jobs))
        running = [pool.submit(fuzz, name, chosen.seconds, chosen.seed, folder) for name in names]
        outcomes = []
        for each in running:
            outcomes.append(each.result())
            tell(outcomes[-1], chosen.seed)
    found = [each.target for each in outcomes if not each.is_sound]
    total = sum(each.executed for each in outcomes)
    if not (found or chosen.keep):
        shutil.rmtree(folder)
    print(
        f"fuzzing: {total} executions, findings in {len(found)} targets{': ' if found else ''}{', '.join(found)}"
    )
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
