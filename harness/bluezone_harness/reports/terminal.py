"""A result for people at a terminal: first what it all amounts to, then why.

Verdicts and coverage, then what failed, what was judged, what is in doubt, what could not be seen. Every word
is there without colour, and 80 columns are enough.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from io import StringIO
from itertools import groupby

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bluezone_harness.findings import Evidence, Finding, Verdict
from bluezone_harness.observations import instant_text
from bluezone_harness.verdicts import RequirementVerdict, Result
from bluezone_spec.model import Axis

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_OBSERVABLE: "dim",
    Verdict.NOT_APPLICABLE: "dim",
}
_PLACES_SHOWN = 3
"""Places of a finding that are written out; the JSON report holds ten."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def terminal_text(
    result: Result, *, axes: Collection[Axis] = tuple(Axis), width: int = 80, color: bool = False
) -> str:
    """Return a result as text.

    Args:
        result: Of the run.
        axes: What to write of.
        width: Columns.
        color: With escape sequences for colours.
    """
    console = Console(
        file=StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    chosen = [each for each in result.requirements if each.axis in axes]
    findings = [each for each in result.findings if each.axis in axes]
    with console.capture() as captured:
        _write_head(console, result, axes)
        _write_findings(console, findings, {each.id: each.title for each in chosen})
        _write_judged(console, chosen)
        _write_rest(console, chosen)
        _write_diagnostics(console, result)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _write_head(console: Console, result: Result, axes: Collection[Axis]) -> None:
    table = _table(3)
    for axis in Axis:
        if axis in axes:
            verdict = result.axis(axis)
            covered = f"{verdict.coverage.judged} of {verdict.coverage.total} MUSTs judged"
            table.add_row(axis, _verdict(verdict.verdict), covered)
    console.print(table)
    console.print()
    table = _table()
    table.add_row("profile", result.profile)
    for each in result.inputs:
        table.add_row(_words(each.kind), f"{_plain(each.name)}  sha256 {each.sha256[:16]}..")
    for device in result.devices:
        table.add_row("device", f"{_plain(device.label)}  own ids as its schedule says: {device.matched}")
    if result.partial:
        table.add_row("partial", "some of the evidence could not be read")
    console.print(table)


def _write_findings(console: Console, findings: Sequence[Finding], titles: dict[str, str]) -> None:
    for finding in findings:
        console.print()
        head = Text.assemble(_verdict(finding.verdict), f"  {finding.requirement}  {finding.level}  ")
        console.print(head.append(_plain_markdown(titles[finding.requirement])))
        table = _table()
        table.add_row("found", _plain(finding.summary))
        table.add_row("expected", _plain(finding.expected))
        table.add_row("seen", _plain(finding.seen))
        for place in finding.evidence[:_PLACES_SHOWN]:
            table.add_row("where", _place(place))
        more = finding.count - min(len(finding.evidence), _PLACES_SHOWN)
        if finding.evidence and more:
            table.add_row("", f"and {more} more")
        table.add_row("why", _first_sentence(finding.why))
        console.print(Padding(table, (0, 0, 0, 2)))


def _write_judged(console: Console, chosen: Sequence[RequirementVerdict]) -> None:
    for heading, verdicts in (
        ("judged", (Verdict.FAIL, Verdict.PASS)),
        ("inconclusive", (Verdict.INCONCLUSIVE,)),
    ):
        rows = [each for each in chosen if each.verdict in verdicts]
        if rows:
            console.print(f"\n{heading} ({len(rows)})")
            table = _table(4)
            for each in rows:
                word = Text(each.reason) if each.reason else _verdict(each.verdict)
                table.add_row(each.id, each.level, word, _plain(each.summary))
            console.print(Padding(table, (0, 0, 0, 2)))


def _write_rest(console: Console, chosen: Sequence[RequirementVerdict]) -> None:
    unseen = [each for each in chosen if each.verdict is Verdict.NOT_OBSERVABLE]
    if unseen:
        console.print(
            f"\nnot observable with this evidence ({len(unseen)}; 'bzc explain ID' says what shows one)"
        )
        table = _table()
        for reason in dict.fromkeys(each.reason for each in unseen):
            table.add_row(str(reason), _ranges(each.id for each in unseen if each.reason is reason))
        console.print(Padding(table, (0, 0, 0, 2)))
    unbound = [each.id for each in chosen if each.verdict is Verdict.NOT_APPLICABLE]
    if unbound:
        console.print(f"\nnot applicable to this profile ({len(unbound)})")
        console.print(Padding(Text(_ranges(unbound)), (0, 0, 0, 2)))


def _write_diagnostics(console: Console, result: Result) -> None:
    if result.diagnostics:
        console.print("\nnotes")
        table = _table()
        for each in result.diagnostics:
            table.add_row(each.severity, f"{_plain(each.source)}: {_plain(each.message)}")
        console.print(Padding(table, (0, 0, 0, 2)))


def _table(columns: int = 2) -> Table:
    """Return a table whose last column wraps, also within what has no blanks."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(columns - 1):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _verdict(verdict: Verdict) -> Text:
    text = verdict.upper() if verdict in (Verdict.PASS, Verdict.FAIL) else verdict
    return Text(_words(text), style=_STYLES[verdict])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _place(place: Evidence) -> str:
    """Say where a piece of evidence stands, when it was, and what it says."""
    parts = [_plain(place.source)]
    if place.number is not None:
        parts.append(f"{place.kind} {place.number}")
    if place.time_ms is not None:
        parts.append(instant_text(place.time_ms))
    return f"{', '.join(parts)}: {_plain(place.text)}"


def _ranges(ids: Iterable[str]) -> str:
    """Write ids in order, neighbours as ``BZ-KEY-002 to 005``."""
    parts: list[str] = []
    for area, members in groupby(ids, key=lambda each: each[:-3]):
        numbers = [int(each[-3:]) for each in members]
        # neighbours have the same distance from their place in the list
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
            first, *rest = [number for _, number in run]
            parts.append(f"{area}{first:03d}" + (f" to {rest[-1]:03d}" if rest else ""))
    return ", ".join(parts)


def _first_sentence(markdown: str) -> str:
    return _SENTENCE_END.split(_plain_markdown(markdown), maxsplit=1)[0]


def _plain_markdown(markdown: str) -> str:
    return " ".join(_plain(markdown.replace("\n", " ")).replace("`", "").replace("**", "").split())


def _plain(text: str) -> str:
    """Return text in which nothing can steer a terminal."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
