"""``bzc selftest``: every planted fault held against the vectors and checks that are to find it."""

from __future__ import annotations

import time
from contextlib import ExitStack

import click

from bluezone_harness.reports.kill_matrix import matrix_lines, matrix_markdown, matrix_value
from bluezone_harness.selftest.kills import Part, Trial
from bluezone_harness.selftest.runs import self_test
from bluezone_spec import load
from bluezone_vectors import load as load_pack

from .failures import ExitCode
from .files import written
from .output import echo_json, examples

GREATEST_SEEDS = 1000
_PROGRESS_S = 2.0


@click.command(
    epilog=examples("bzc selftest", "bzc selftest --part captures --seeds 5", "bzc selftest --json")
)
@click.option(
    "--part",
    "parts",
    type=click.Choice([str(part) for part in Part]),
    multiple=True,
    help="Only this part; may be repeated.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, GREATEST_SEEDS),
    default=1,
    show_default=True,
    metavar="N",
    help="How many seeds the phones and logs are drawn from.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, metavar="N", help="The first seed."
)
@click.option("--markdown", "markdown_path", type=click.Path(), metavar="FILE", help="Write Markdown too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with every cell of the matrix.")
@click.pass_context
def command(
    ctx: click.Context,
    parts: tuple[str, ...],
    seeds: int,
    seed: int,
    markdown_path: str | None,
    as_json: bool,
) -> None:
    """Plant every known fault, and show what finds it.

    Faulty implementations are asked the vectors, faulty phones and contact logs are judged by the checks. Each must
    fail the requirement that it breaks; what fails besides is no kill. Without a fault nothing may fail. The exit code
    is 0 only where none is missed. Progress goes to standard error.
    """
    started_s = time.monotonic()
    progress = _Progress(started_s)
    with ExitStack() as until:
        # opened before the minute that it takes: who gave a wrong path is told at once
        page = None if markdown_path is None else until.enter_context(written(markdown_path))
        matrix = self_test(
            load(),
            load_pack(),
            range(seed, seed + seeds),
            [Part(part) for part in parts or tuple(Part)],
            progress.tell,
        )
        if page is not None:
            page.write(matrix_markdown(matrix).encode())
    seconds = time.monotonic() - started_s
    drawn = f"seed {seed}" if seeds == 1 else f"seeds {seed} to {seed + seeds - 1}"
    if as_json:
        echo_json(matrix_value(matrix) | {"seconds": round(seconds, 1)})
    else:
        for line in matrix_lines(matrix):
            click.echo(line)
        click.echo(f"{drawn}, {seconds:.1f} s")
    ctx.exit(ExitCode.HOLDS if matrix.holds else ExitCode.FAILED)


class _Progress:
    """Says on standard error, every few seconds, how far the self-test is."""

    def __init__(self, started_s: float) -> None:
        self._started_s = self._told_s = started_s
        self._done = 0

    def tell(self, trial: Trial) -> None:
        """Count a trial, and say so where it is time."""
        self._done += 1
        now_s = time.monotonic()
        if now_s - self._told_s >= _PROGRESS_S:
            self._told_s = now_s
            name = trial.planted.name if trial.planted else "control"
            click.echo(
                f"{now_s - self._started_s:.0f} s: {self._done} trials, {trial.part}: {name}", err=True
            )
