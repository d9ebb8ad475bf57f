"""``bzc implementation``: somebody's port of the protocol's core, asked the questions of the vectors."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime

import click

from bluezone_harness.implementations.adapter_check import Part, check_adapter
from bluezone_harness.implementations.deviations import DeviationFile, compare, read_deviations
from bluezone_harness.implementations.endings import ended_in_order
from bluezone_harness.implementations.links import AdapterError, Link
from bluezone_harness.implementations.processes import ProcessLink
from bluezone_harness.implementations.results import conclusion, result_of
from bluezone_harness.implementations.run_diagnosis import diagnosed
from bluezone_harness.implementations.runner import run_vectors
from bluezone_harness.implementations.session import Session
from bluezone_harness.implementations.tcp import TcpLink, parse_address
from bluezone_harness.reports.junit import junit_text
from bluezone_harness.reports.markdown import markdown_text
from bluezone_harness.verdicts import exit_code
from bluezone_spec import load
from bluezone_spec.model import Axis
from bluezone_vectors.pack import load as load_pack

from .adapter_options import adapter_words, connect_option, timeout_option
from .check import echo_result
from .explore import explore_command
from .failures import CallerError, ExitCode
from .files import keep_inputs, write_text
from .inputs import INPUT_FILE, file_name, read_file
from .options import profile_option
from .output import examples, printable

_SEEDS = 2**32


@click.group(
    epilog=examples(
        "bzc implementation check 'node adapter.mjs'",
        "bzc implementation run 'node adapter.mjs'",
        "bzc implementation run --connect 127.0.0.1:4711",
        "bzc implementation explore 'node adapter.mjs'",
    )
)
def command() -> None:
    """Test an implementation of the protocol's core.

    An adapter of some lines stands between: it reads questions as JSON Lines and writes answers, on standard input and
    output or on a socket.
    """


@command.command(
    epilog=examples(
        "bzc implementation check 'node adapter.mjs'",
        "bzc implementation check -- java -cp classes Adapter",
        "bzc implementation check --connect 127.0.0.1:4711",
    )
)
@adapter_words
@connect_option
@timeout_option
@click.pass_context
def check(ctx: click.Context, words: Sequence[str], connect: str | None, timeout_s: float) -> None:
    """Tell a broken adapter from a broken implementation.

    CMD starts the adapter; give it in quotes, or after '--'.

    Exit code: 0 all is well; 1 the implementation answers wrongly; 3 the adapter is broken.
    """
    opening = _opening(words, connect)
    vectors = load_pack().vectors
    broken: set[Part] = set()
    with _ended_in_order():
        for step in check_adapter(opening, vectors, timeout_s=timeout_s):
            if step.fault:
                broken.add(step.part)
            text = f"{step.title}: {step.fault}" if step.fault else step.title
            click.echo(f"{'BROKEN' if step.fault else 'ok':8}{step.part:16}{printable(text)}")
    if Part.ADAPTER in broken:
        click.echo("The adapter is broken: mend it first.")
        ctx.exit(ExitCode.UNREADABLE)
    if broken:
        click.echo("The adapter works, the implementation does not: see 'bzc implementation run'.")
        ctx.exit(ExitCode.FAILED)
    click.echo(
        "The adapter works, and usual questions are answered right: go on with 'bzc implementation run'."
    )


@command.command(
    epilog=examples(
        "bzc implementation run 'node adapter.mjs' --junit report.xml",
        "bzc implementation run --deviations deviations.toml -- java -cp classes Adapter",
        "bzc implementation run --connect '[::1]:4711' --profile android-v3 --json",
    )
)
@adapter_words
@connect_option
@click.option(
    "--deviations",
    "deviations_path",
    type=INPUT_FILE,
    metavar="FILE",
    help="Vectors that are known not to hold, as TOML.",
)
@profile_option("Whose vectors to ask.")
@click.option(
    "--seed",
    type=click.IntRange(0, _SEEDS - 1),
    help="Of the order of the questions; drawn where it is not given, and printed.",
)
@timeout_option
@click.option("--strict", is_flag=True, help="Failed SHOULDs and deviations end with exit code 2.")
@click.option("--allow-inconclusive", is_flag=True, help="What is inconclusive ends with exit code 0.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--junit", "junit_path", type=click.Path(), metavar="FILE", help="Write JUnit XML too.")
@click.option("--markdown", "markdown_path", type=click.Path(), metavar="FILE", help="Write Markdown too.")
@click.pass_context
def run(
    ctx: click.Context,
    words: Sequence[str],
    connect: str | None,
    deviations_path: str | None,
    profile_name: str,
    seed: int | None,
    timeout_s: float,
    strict: bool,
    allow_inconclusive: bool,
    as_json: bool,
    junit_path: str | None,
    markdown_path: str | None,
) -> None:
    """Ask an implementation all vectors of a profile, twice, and judge its answers.

    CMD starts the adapter; give it in quotes, or after '--'. What the implementation does not support behind a MUST
    makes it not conformant. Deviations from a MUST that a file knows make it conformant with deviations at best; an
    entry of the file that is no longer true fails the run.

    Exit code: 0 what was judged holds; 1 a MUST failed, or an entry of the deviations does not hold; 2 inconclusive;
    3 the adapter is broken.
    """
    keep_inputs([deviations_path], [("--junit", junit_path), ("--markdown", markdown_path)])
    opening = _opening(words, connect)
    pack = load_pack()
    known = DeviationFile()
    if deviations_path is not None:
        known = read_deviations(file_name(deviations_path), read_file(deviations_path), pack.version)
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    begin_s = time.monotonic()
    with _ended_in_order(), Session(opening, timeout_s=timeout_s) as session:
        found = run_vectors(
            session,
            pack.vectors,
            profile=profile_name,
            seed=seed,
            error_map=known.error_map,
        )
    duration_s = time.monotonic() - begin_s
    asked = {each.vector.id for each in found.outcomes}
    left_out_ids = [vector.id for vector in pack.vectors if vector.id not in asked]
    found = diagnosed(found)
    applied = compare(known.deviations, found.outcomes, _today(), left_out_ids)
    result = result_of(load(), found, pack, applied)
    axes = tuple(Axis)
    if junit_path is not None:
        xml = junit_text(result, axes=axes, strict=strict, allow_inconclusive=allow_inconclusive)
        write_text(junit_path, xml)
    if markdown_path is not None:
        write_text(markdown_path, markdown_text(result, axes=axes))
    echo_result(result, axes, as_json=as_json)
    if not as_json:
        click.echo(f"\n{conclusion(result)}")
    click.echo(f"{found.asked} questions in {duration_s:.1f} s, seed {seed}", err=True)
    ctx.exit(exit_code(result, axes, strict=strict, allow_inconclusive=allow_inconclusive))


def _opening(words: Sequence[str], connect: str | None) -> Callable[[], Link]:
    """Return what opens a link to the implementation that was named.

    Raises:
        CallerError: None was named, or two; or what was given names none.
    """
    if bool(words) == (connect is not None):
        raise CallerError("give either the command that starts the adapter or --connect HOST:PORT")
    if connect is not None:
        try:
            host, port = parse_address(connect)
        except ValueError as problem:
            raise CallerError(f"--connect: {problem}") from None
        return lambda: TcpLink(host, port)
    try:
        parts = shlex.split(words[0]) if len(words) == 1 else list(words)
    except ValueError as problem:
        raise CallerError(f"CMD is no command: {str(problem).lower()}") from None
    if not parts or not parts[0]:
        raise CallerError("CMD is empty: give the command that starts the adapter")
    return lambda: ProcessLink(parts)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let a signal that ends this process end the adapter first; say in a sentence why an adapter is of no use."""
    try:
        with ended_in_order():
            yield
    except AdapterError as problem:
        raise click.ClickException(f"the adapter cannot be tested: {problem.reason}") from None


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251 - the shell is where the clock is


command.add_command(explore_command(_opening, _ended_in_order))
