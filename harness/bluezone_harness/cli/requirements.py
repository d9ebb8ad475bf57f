"""``bzc requirements``: the requirements of the specification, one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby

import click

import bluezone_spec
from bluezone_reference.profiles import PROFILES
from bluezone_spec.model import Level, Requirement, Specification

from .failures import CallerError
from .output import echo_json, examples, labelled


def _complete_chapter(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [slug for slug in _chapters(bluezone_spec.load()) if slug.startswith(incomplete)]


@click.command(
    epilog=examples(
        "bzc requirements",
        "bzc requirements --level MUST --chapter advertisement",
        "bzc requirements --profile android-v3 --json",
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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with all that each says.")
def command(level: str | None, chapter: str | None, profile_name: str | None, as_json: bool) -> None:
    """List the requirements of the specification.

    One line each: id, level and title; 'bzc explain ID' says the rest.
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
