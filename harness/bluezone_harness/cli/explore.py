"""``bzc implementation explore``: a search for what an implementation answers otherwise than the reference."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path

import click

from bluezone_harness.implementations.answers import answer_text, expected_text
from bluezone_harness.implementations.diagnosis import text_of
from bluezone_harness.implementations.explore import (
    EXPLORED,
    SECONDS,
    AnswerOf,
    Disagreement,
    EndedError,
    Exploration,
    expectation,
    explore,
    vector_file,
)
from bluezone_harness.implementations.links import Link
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.session import Session
from bluezone_harness.implementations.wire import Answer

from .adapter_options import adapter_words, connect_option, timeout_option
from .failures import CallerError, ExitCode
from .files import write_text
from .output import echo_json, examples, printable

_SEEDS = 2**32


def explore_command(
    opening_of: Callable[[Sequence[str], str | None], Callable[[], Link]],
    ended_in_order: Callable[[], AbstractContextManager[None]],
) -> click.Command:
    """Return the command; the group that it belongs to says how an adapter is started and ended.

    Args:
        opening_of: Returns what opens a link, for CMD and ``--connect``.
        ended_in_order: Holds a session so that signals end the adapter first.
    """

    @click.command(
        "explore",
        epilog=examples(
            "bzc implementation explore 'node adapter.mjs'",
            "bzc implementation explore --op id_at --op match --seconds 30 -- java -cp classes Adapter",
            "bzc implementation explore 'node adapter.mjs' --seed 7 --out found.json",
        ),
    )
    @adapter_words
    @connect_option
    @click.option(
        "--op",
        "ops",
        multiple=True,
        type=click.Choice(EXPLORED),
        metavar="NAME",
        help="Search this operation only; may be repeated.",
    )
    @click.option(
        "--seed",
        type=click.IntRange(0, _SEEDS - 1),
        help="Repeats a search; drawn where it is not given, and printed.",
    )
    @click.option(
        "--seconds",
        type=click.FloatRange(1, 86_400),
        default=SECONDS,
        show_default=True,
        metavar="S",
        help="How long, for all operations together.",
    )
    @timeout_option
    @click.option(
        "--out",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Write what is found as vectors; of several operations, one file each.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @click.pass_context
    def command(
        ctx: click.Context,
        words: Sequence[str],
        connect: str | None,
        ops: Sequence[str],
        seed: int | None,
        seconds: float,
        timeout_s: float,
        out: str | None,
        as_json: bool,
    ) -> None:
        """Search for a question that an implementation answers otherwise than the reference.

        What is found is shrunk to the least question that still shows it. CMD starts the adapter; give it in quotes,
        or after '--'.

        Exit code: 0 nothing was found; 1 something was; 2 nothing could be asked; 3 the adapter is broken.
        """
        if find_spec("hypothesis") is None:
            raise CallerError("a search needs Hypothesis: install it with 'pip install hypothesis'")
        opening = opening_of(words, connect)
        seed = secrets.randbelow(_SEEDS) if seed is None else seed
        click.echo(f"seed {seed}, at most {seconds:g} s", err=True)
        begin_s = time.monotonic()
        with ended_in_order(), Session(opening, timeout_s=timeout_s) as session:
            hello = session.start()
            wanted = [op for op in (ops or EXPLORED) if op in hello.ops]
            found = explore(_asking(session), ops=wanted, seed=seed, seconds=seconds)
            if not session.given_up:
                session.finish()
        files = _written(found.disagreements, out)
        if as_json:
            echo_json(_value(found, files))
        else:
            _echo(found, files)
        count = sum(found.asked.values())
        click.echo(f"{count} questions in {time.monotonic() - begin_s:.1f} s, seed {seed}", err=True)
        ctx.exit(_exit_code(found, count))

    return command


def _asking(session: Session) -> AnswerOf:
    def answer_of(op: str, question: Asked) -> Answer:
        answer = session.ask(op, question)
        if answer is None:
            raise EndedError(session.given_up or "the implementation could not be asked any more")
        return answer

    return answer_of


def _exit_code(found: Exploration, count: int) -> ExitCode:
    if found.disagreements:
        return ExitCode.FAILED
    if found.ended:
        return ExitCode.UNREADABLE
    return ExitCode.HOLDS if count else ExitCode.INCONCLUSIVE


def _written(disagreements: Sequence[Disagreement], out: str | None) -> dict[str, str]:
    """Write each disagreement as a file of vectors, and return the files' names by operation."""
    if out is None:
        return {}
    files: dict[str, str] = {}
    for each in disagreements:
        path = Path(out)
        if len(disagreements) > 1:
            path = path.with_name(f"{path.stem}-{each.op}{path.suffix}")
        write_text(str(path), json.dumps(vector_file(each), indent=2) + "\n")
        files[each.op] = str(path)
    return files


def _echo(found: Exploration, files: dict[str, str]) -> None:
    for each in found.disagreements:
        expect = expectation(each.expected)
        click.echo(f"{each.op}: answered otherwise than by the reference")
        click.echo(f"  question  {json.dumps(each.question)}")
        if expect is not None:
            click.echo(f"  expected  {expected_text(expect)}")
        click.echo(f"  seen      {printable(answer_text(each.seen))}")
        click.echo(f"  because   {printable(each.text)}")
        if each.looks_like:
            click.echo(f"  It looks like an implementation that {text_of(each.looks_like[0])}.")
        if each.op in files:
            click.echo(f"  written to {files[each.op]}")
    for op, count in found.asked.items():
        if op not in [each.op for each in found.disagreements]:
            click.echo(
                f"{op}: {'not supported' if op in found.unsupported else f'{count} questions, no difference'}"
            )
    if found.ended:
        click.echo(f"the search ended early: {printable(found.ended)}")


def _value(found: Exploration, files: dict[str, str]) -> dict[str, object]:
    return {
        "seed": found.seed,
        "asked": found.asked,
        "unsupported": list(found.unsupported),
        "ended": found.ended,
        "disagreements": [
            {
                "op": each.op,
                "question": each.question,
                "expected": expectation(each.expected),
                "seen": {"kind": str(each.seen.kind), "value": each.seen.value, "code": each.seen.code},
                "difference": each.text,
                "looks_like": list(each.looks_like),
                "file": files.get(each.op),
            }
            for each in found.disagreements
        ],
    }
