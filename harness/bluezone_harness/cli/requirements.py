"""``bzc requirements``: the requirements of the specification, one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

import bluezone_spec
from bluezone_reference.profiles import PROFILES
from bluezone_spec.model import Level, Requirement, Specification

from .failures import CallerError
from .output import echo_json, examples, labelled, table

if TYPE_CHECKING:
    from bluezone_harness.traceability import Trace


def _complete_chapter(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [slug for slug in _chapters(bluezone_spec.load()) if slug.startswith(incomplete)]


@click.command(
    epilog=examples(
        "bzc requirements",
        "bzc requirements --level MUST --chapter advertisement",
        "bzc requirements --profile android-v3 --json",
        "bzc requirements --matrix --level MUST",
    )
)
@click.option(
    "--level",
    type=click.Choice([str(level) for level in Level], case_sensitive=False),
    help="Only those of a level.",
)
@click.option(
    "--chapter",
    metavar="C",
    shell_complete=_complete_chapter,
    help="Only those of a chapter, such as key-schedule or KEY.",
)
@click.option(
    "--profile", "profile_name", type=click.Choice(list(PROFILES)), help="Only those that apply to a profile."
)
@click.option(
    "--matrix", is_flag=True, help="Show what holds each: judges, evidence and faults that are found."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with all that each says.")
@click.pass_context
def command(
    ctx: click.Context,
    level: str | None,
    chapter: str | None,
    profile_name: str | None,
    matrix: bool,
    as_json: bool,
) -> None:
    """List the requirements of the specification.

    One line each: id, level and title; 'bzc explain ID' says the rest.

    With --matrix, what holds each: who judges it, evidence that passes, evidence that fails, and faults that are
    found under it. Exit code 1: a MUST lacks one of these, although its evidence can be judged.
    """
    specification = bluezone_spec.load()
    slug = _chapter(specification, chapter) if chapter is not None else None
    chosen = [
        each
        for each in specification.requirements.values()
        if (level is None or each.level == level)
        and (slug is None or each.chapter == slug)
        and (profile_name is None or profile_name in each.profiles)
    ]
    if matrix:
        ctx.exit(_show_matrix(specification, chosen, as_json))
    if as_json:
        echo_json({"requirements": chosen})
    else:
        click.echo("\n".join(_text(chosen)))


def _chapters(specification: Specification) -> list[str]:
    """Return the chapters that hold requirements, in their order."""
    return list(dict.fromkeys(each.chapter for each in specification.requirements.values()))


def _chapter(specification: Specification, name: str) -> str:
    """Return the chapter of a slug or of an area such as KEY.

    Raises:
        CallerError: There is none.
    """
    areas = {each.id.split("-")[1]: each.chapter for each in specification.requirements.values()}
    slug = areas.get(name.upper(), name.lower())
    if slug not in areas.values():
        raise CallerError(
            f"--chapter {name!r}: no chapter with requirements; choose {', '.join(areas.values())}"
        )
    return slug


def _text(chosen: list[Requirement]) -> Iterable[str]:
    for chapter, group in groupby(chosen, key=lambda each: each.chapter):
        yield click.style(chapter, bold=True)
        for each in group:
            yield labelled(f"  {each.id}  {each.level.ljust(6)}  ", each.title)
        yield ""
    counts = Counter(each.level for each in chosen)
    parts = ", ".join(f"{counts[level]} {level}" for level in Level if counts[level])
    yield f"{len(chosen)} requirement{'s' if len(chosen) != 1 else ''}" + (f": {parts}" if parts else "")


def _show_matrix(specification: Specification, chosen: list[Requirement], as_json: bool) -> int:
    """Print the matrix and return the exit code."""
    # the list alone is to stay quick: this imports all that judges
    from bluezone_harness.traceability import holes, trace

    traces = trace(specification, chosen)
    short = holes(traces)
    if as_json:
        echo_json({"schema": 1, "matrix": traces, "holes": short})
    else:
        click.echo("\n".join(_matrix(traces)))
    return int(bool(short))


def _matrix(traces: Sequence[Trace]) -> Iterator[str]:
    yield "Evidence: vectors+captures+logs. Faults found: implementations+phones+logs."
    yield ""
    header = ("requirement", "level", "judged by", "passes", "fails", "faults found", "")
    rows = [
        (
            each.requirement,
            each.level,
            " ".join(each.judged_by) or "-",
            _sizes(each.passes.vectors, each.passes.captures, each.passes.logs),
            _sizes(each.fails.vectors, each.fails.captures, each.fails.logs),
            _sizes(each.found.implementations, each.found.phones, each.found.logs),
            each.state.replace("_", " "),
        )
        for each in traces
    ]
    yield table(header, rows)
    open_ones = [each for each in traces if each.state == "short"]
    yield from _listed(
        "MUSTs that are short", ((each.requirement, _short(each)) for each in open_ones if each.is_hole)
    )
    yield from _listed(
        "Others that are short, which counts for nothing",
        ((each.requirement, _short(each)) for each in open_ones if not each.is_hole),
    )
    yield from _listed(
        "Not verified yet",
        ((each.requirement, each.unverified) for each in traces if each.state == "not_verified_yet"),
    )
    yield from _listed(
        "Judged by vectors, which their chapters do not name",
        ((each.requirement, "its letters are without V") for each in traces if each.is_unnamed),
    )
    musts = [each for each in traces if each.level is Level.MUST]
    states = Counter(each.state.replace("_", " ") for each in musts)
    parts = ", ".join(
        f"{states[name]} {name}" for name in ("complete", "short", "not verified yet") if states[name]
    )
    yield ""
    yield f"{len(musts)} MUST{'s' if len(musts) != 1 else ''}" + (f": {parts}" if parts else "")


def _sizes(*groups: tuple[str, ...]) -> str:
    return "+".join(str(len(group)) for group in groups) if any(groups) else "-"


_LACKS = {
    "judge": "a judge",
    "passes": "evidence that passes",
    "fails": "evidence that fails",
    "fault": "a fault that is found",
}


def _short(trace: Trace) -> str:
    return "lacks " + ", ".join(_LACKS[word] for word in trace.short_of)


def _listed(title: str, items: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a title and an entry each; nothing where there are none."""
    for number, (name, text) in enumerate(items):
        if number == 0:
            yield ""
            yield click.style(title, bold=True)
        yield labelled(f"  {name}  ", text)
