"""``bzc diff``: two results, compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from bluezone_harness.comparison import Change, Comparison, FindingChange, RequirementChange, Side, compare
from bluezone_harness.findings import Verdict
from bluezone_harness.reports.json_reader import read_result
from bluezone_harness.reports.texts import words
from bluezone_harness.results import AxisVerdict, Result
from bluezone_spec.model import Axis

from .failures import CallerError, ExitCode
from .inputs import INPUT_FILE, file_name, read_file
from .output import echo_json, examples, labelled, printable

_SCHEMA = 1
"""Version of the schema of the JSON form."""
_STANDARD_INPUT = "-"
_HEADINGS = {
    Change.WORSE: "worse",
    Change.BETTER: "better",
    Change.NEWLY_SEEN: "newly seen",
    Change.NO_LONGER_SEEN: "no longer seen",
    Change.OTHER: "not judged, otherwise than before",
}
_STYLES = {
    Change.WORSE: "red",
    Change.BETTER: "green",
    Change.NEWLY_SEEN: "green",
    Change.NO_LONGER_SEEN: "yellow",
}


@click.command(
    epilog=examples(
        "bzc diff old.json new.json",
        "bzc check data_trace.txt --json | bzc diff old.json - --json",
    )
)
@click.argument("old", type=INPUT_FILE)
@click.argument("new", type=INPUT_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, old: str, new: str, as_json: bool) -> None:
    """Compare two results of 'bzc check --json'.

    OLD and NEW are results as JSON; - reads one of them from standard input. What got better, what got worse,
    what is seen now and what is seen no longer, requirement by requirement, then the findings.

    A requirement that passed and was not judged again has lost its pass: that is worse. A failure that is not
    seen any more is no improvement.

    Exit code: 0 nothing is worse; 1 a MUST fails now, or lost its pass; 3 a file is no result. A failure that
    is accepted in NEW does not count.
    """
    if (old, new) == (_STANDARD_INPUT, _STANDARD_INPUT):
        raise CallerError("standard input can be read only once: give '-' once")
    results = [read_result(file_name(path), read_file(path)) for path in (old, new)]
    comparison = compare(*results)
    names = [file_name(path) for path in (old, new)]
    if as_json:
        echo_json(_json(names, results, comparison))
    else:
        click.echo("\n".join(_text(names, results, comparison)))
    ctx.exit(ExitCode.FAILED if comparison.worse else ExitCode.HOLDS)


def _json(names: Sequence[str], results: Sequence[Result], comparison: Comparison) -> dict[str, object]:
    sides = [
        {
            "name": name,
            "profile": result.profile,
            "suite": result.suite,
            "conformance": result.conformance,
            "privacy": result.privacy,
        }
        for name, result in zip(names, results, strict=True)
    ]
    return {
        "schema": _SCHEMA,
        "old": sides[0],
        "new": sides[1],
        "worse": comparison.worse,
        "other_grounds": {
            name: {"old": pair[0], "new": pair[1]} for name, pair in comparison.other_grounds.items()
        },
        "requirements": comparison.requirements,
        "findings": {
            "new": comparison.findings_new,
            "gone": comparison.findings_gone,
            "accepted_otherwise": comparison.findings_accepted,
        },
    }


def _text(names: Sequence[str], results: Sequence[Result], comparison: Comparison) -> Iterator[str]:
    for label, name, result in zip(("old", "new"), names, results, strict=True):
        yield f"{label}  {printable(name)}  profile {result.profile}, version {printable(result.suite.version)}"
    for ground, (before, now) in comparison.other_grounds.items():
        yield click.style(f"not the same {ground}: {printable(before)} -> {printable(now)}", fg="yellow")
    yield ""
    for axis in Axis:
        yield labelled(f"{axis.ljust(11)}  ", _axis(*(result.axis(axis) for result in results)))
    for change, heading in _HEADINGS.items():
        found = comparison.of(change)
        if found:
            yield ""
            yield click.style(f"{heading} ({len(found)})", fg=_STYLES.get(change), bold=True)
            yield from map(_requirement, found)
    for heading, findings in (
        ("findings that are new", comparison.findings_new),
        ("findings that are gone", comparison.findings_gone),
        ("findings that are accepted now, or no longer", comparison.findings_accepted),
    ):
        if findings:
            yield ""
            yield click.style(f"{heading} ({len(findings)})", bold=True)
            yield from map(_finding, findings)
    yield ""
    yield _conclusion(comparison)


def _conclusion(comparison: Comparison) -> str:
    count = sum(each.counts for each in comparison.requirements)
    if count:
        return f"{count} {'MUST' if count == 1 else 'MUSTs'} got worse"
    if comparison.of(Change.WORSE):
        return "nothing got worse that counts: accepted failures and other levels than MUST do not"
    return "nothing got worse"


def _axis(old: AxisVerdict, new: AxisVerdict) -> str:
    coverage = f"{new.coverage.judged} of {new.coverage.total} MUSTs judged"
    if old.coverage != new.coverage:
        coverage = f"{old.coverage.judged} of {old.coverage.total} -> {coverage}"
    verdict = _verdict(new.verdict)
    return f"{verdict if old.verdict is new.verdict else f'{_verdict(old.verdict)} -> {verdict}'}  {coverage}"


def _requirement(change: RequirementChange) -> str:
    said = f"{_side(change.old)} -> {_side(change.new)}"
    return labelled(f"  {change.id}  {change.level.ljust(6)}  ", f"{said}  {printable(change.title)}")


def _side(side: Side) -> str:
    if side.verdict is None:
        return "not in the specification"
    reason = f" ({words(side.reason)})" if side.reason else ""
    return f"{_verdict(side.verdict)}{', accepted' if side.accepted else ''}{reason}"


def _finding(change: FindingChange) -> str:
    accepted = ", accepted" if change.accepted else ""
    text = f"{printable(change.device)}: {printable(change.summary)}"
    return labelled(f"  {change.requirement}  {_verdict(change.verdict)}{accepted}  ", text)


def _verdict(verdict: Verdict) -> str:
    return words(verdict.upper() if verdict in (Verdict.PASS, Verdict.FAIL) else verdict)
