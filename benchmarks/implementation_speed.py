"""What asking an implementation costs: questions a second through an adapter, and through a bare loop on its pipe.

The bare loop writes the same questions to the same adapter, as many at once, and reads as many lines, which it looks
at no further: what the adapter and the pipe cost by themselves. The ratio of the two is what a session costs.

    python benchmarks/implementation_speed.py [--questions N] [--rounds N] [COMMAND...]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bluezone_harness.implementations.processes import ProcessLink
from bluezone_harness.implementations.session import WINDOW, Session
from bluezone_harness.implementations.wire import AnswerKind, encode_question

ADAPTER = Path(__file__).resolve().parents[1] / "adapters" / "python" / "adapter.py"
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
BASE_DAY_MS = 1_596_844_800_000
GOAL = 2000


def questions(count: int) -> list[tuple[str, dict[str, object]]]:
    """Return questions for the rolling ids of a day, slot after slot."""
    return [
        (
            "id_at",
            {"base_id": BASE_ID, "base_day_ms": BASE_DAY_MS, "time_ms": BASE_DAY_MS + at % 96 * 900_000},
        )
        for at in range(count)
    ]


def session_rate(command: Sequence[str], asked: Sequence[tuple[str, dict[str, object]]]) -> float:
    """Return questions a second through a session, which checks every reply."""
    with Session(lambda: ProcessLink(command)) as session:
        session.start()
        before = time.perf_counter()
        answers = session.ask_all(asked)
        taken = time.perf_counter() - before
        session.finish()
    if any(answer is None or answer.kind is not AnswerKind.OK for answer in answers):
        raise SystemExit("not every question was answered")
    return len(asked) / taken


def bare_rate(command: Sequence[str], asked: Sequence[tuple[str, dict[str, object]]]) -> float:
    """Return questions a second through nothing but the pipe."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as adapter:
        if adapter.stdin is None or adapter.stdout is None:
            raise SystemExit("no pipe")
        adapter.stdin.write(encode_question("hello", 1, {"protocol": 1}))
        adapter.stdin.flush()
        adapter.stdout.readline()
        before = time.perf_counter()
        # a question in for each reply out, so that the adapter never waits
        lines = [encode_question(op, seq, question) for seq, (op, question) in enumerate(asked, start=2)]
        adapter.stdin.write(b"".join(lines[:WINDOW]))
        adapter.stdin.flush()
        for line in lines[WINDOW:]:
            adapter.stdout.readline()
            adapter.stdin.write(line)
            adapter.stdin.flush()
        for _ in lines[:WINDOW]:
            adapter.stdout.readline()
        taken = time.perf_counter() - before
        adapter.stdin.close()
    return len(asked) / taken


def main() -> None:
    """Measure both in turn and print the medians."""
    parser = argparse.ArgumentParser(description="questions a second through an adapter")
    parser.add_argument("--questions", type=int, default=10_000, help="of one round")
    parser.add_argument("--rounds", type=int, default=5, help="of both measurements, one after the other")
    parser.add_argument(
        "command", nargs="*", default=[sys.executable, str(ADAPTER)], help="starts the adapter"
    )
    given = parser.parse_args()
    asked = questions(given.questions)
    rates = [
        (session_rate(given.command, asked), bare_rate(given.command, asked)) for _ in range(given.rounds)
    ]
    session = median(rate for rate, _ in rates)
    bare = median(rate for _, rate in rates)
    print(
        f"session {session:,.0f} questions/s; bare loop {bare:,.0f} questions/s; ratio {session / bare:.2f}"
    )
    raise SystemExit(0 if session >= GOAL else f"fewer than {GOAL} questions a second")


if __name__ == "__main__":
    main()
