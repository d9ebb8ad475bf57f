"""A result for people at a terminal: first what it all amounts to, then why.

Verdicts and coverage, then what failed, what was judged, what is in doubt, what could not be seen. Every word
is there without colour, and 80 columns are enough.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from io import StringIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bluezone_harness.findings import AcceptState, Finding, Verdict
from bluezone_harness.observations import duration_text
from bluezone_harness.reports.texts import (
    acceptance_text,
    contents_text,
    coverage_text,
    entries_title,
    entry_text,
    first_sentence,
    id_ranges,
    place_text,
    plain,
    plain_markdown,
    words,
    worst_first,
)
from bluezone_harness.results import RequirementVerdict, Result
from bluezone_spec.model import Axis

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_OBSERVABLE: "dim",
    Verdict.NOT_APPLICABLE: "dim",
}
_ENTRY_STYLES = {state: "yellow" if state is AcceptState.APPLIED else "bold red" for state in AcceptState}
_PLACES_SHOWN = 3
"""Places of a finding that are written out; the JSON report holds ten."""


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
    findings = worst_first(each for each in result.findings if each.axis in axes)
    with console.capture() as captured:
        _write_head(console, result, axes)
        _write_entries(console, result)
        _write_findings(console, findings, {each.id: each.title for each in chosen})
        _write_judged(console, chosen)
        _write_rest(console, chosen)
        _write_diagnostics(console, result)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _write_head(console: Console, result: Result, axes: Collection[Axis]) -> None:
    table = _table(3)
    for axis in Axis:
        if axis in axes:
            table.add_row(axis, _verdict(result.axis(axis).verdict), coverage_text(result, axis))
    console.print(table)
    console.print()
    table = _table()
    table.add_row("profile", result.profile)
    for each in result.inputs:
        table.add_row(words(each.kind), f"{plain(each.name)}  sha256 {each.sha256[:16]}..")
        if each.contents:
            table.add_row("", contents_text(each.contents))
    for device in result.devices:
        table.add_row("device", f"{plain(device.label)}  own ids as its schedule says: {device.matched}")
        if device.clock_offset_ms:
            direction = "ahead of" if device.clock_offset_ms > 0 else "behind"
            off = duration_text(abs(device.clock_offset_ms))
            table.add_row("", f"its clock is about {off} {direction} the receivers'")
    if result.partial:
        table.add_row("partial", "some of the evidence could not be read")
    console.print(table)


def _write_entries(console: Console, result: Result) -> None:
    if result.accept_entries:
        console.print(f"\n{entries_title(result.accept_entries)}")
        table = _table()
        for entry in result.accept_entries:
            table.add_row(Text(entry.state, style=_ENTRY_STYLES[entry.state]), entry_text(entry))
        console.print(Padding(table, (0, 0, 0, 2)))


def _write_findings(console: Console, findings: Sequence[Finding], titles: dict[str, str]) -> None:
    for finding in findings:
        console.print()
        word = _verdict(finding.verdict).append("" if finding.accepted is None else ", accepted")
        head = Text.assemble(word, f"  {finding.requirement}  {finding.level}  ")
        console.print(head.append(plain_markdown(titles[finding.requirement])))
        table = _table()
        table.add_row("found", plain(finding.summary))
        table.add_row("expected", plain(finding.expected))
        table.add_row("seen", plain(finding.seen))
        for place in finding.evidence[:_PLACES_SHOWN]:
            table.add_row("where", place_text(place))
        more = finding.count - min(len(finding.evidence), _PLACES_SHOWN)
        if finding.evidence and more:
            table.add_row("", f"and {more} more")
        table.add_row("why", first_sentence(finding.why))
        if finding.accepted is not None:
            table.add_row("accepted", acceptance_text(finding.accepted))
        console.print(Padding(table, (0, 0, 0, 2)))


def _write_judged(console: Console, chosen: Sequence[RequirementVerdict]) -> None:
    judged = [each for each in chosen if each.verdict in (Verdict.FAIL, Verdict.PASS)]
    if judged:
        _write_list(console, "judged", judged)
    doubtful = [each for each in chosen if each.verdict is Verdict.INCONCLUSIVE]
    if doubtful:
        _write_list(console, "inconclusive", doubtful)


def _write_list(console: Console, heading: str, verdicts: Sequence[RequirementVerdict]) -> None:
    console.print(f"\n{heading} ({len(verdicts)})")
    table = _table(4)
    for each in verdicts:
        word = Text(each.reason) if each.reason else _verdict(each.verdict)
        table.add_row(each.id, each.level, word, plain(each.summary))
    console.print(Padding(table, (0, 0, 0, 2)))


def _write_rest(console: Console, chosen: Sequence[RequirementVerdict]) -> None:
    unseen = [each for each in chosen if each.verdict is Verdict.NOT_OBSERVABLE]
    if unseen:
        console.print(
            f"\nnot observable with this evidence ({len(unseen)}; 'bzc explain ID' says what shows one)"
        )
        table = _table()
        for reason in dict.fromkeys(each.reason for each in unseen):
            table.add_row(str(reason), id_ranges(each.id for each in unseen if each.reason is reason))
        console.print(Padding(table, (0, 0, 0, 2)))
    unbound = [each.id for each in chosen if each.verdict is Verdict.NOT_APPLICABLE]
    if unbound:
        console.print(f"\nnot applicable to this profile ({len(unbound)})")
        console.print(Padding(Text(id_ranges(unbound)), (0, 0, 0, 2)))


def _write_diagnostics(console: Console, result: Result) -> None:
    if result.diagnostics:
        console.print("\nnotes")
        table = _table()
        for each in result.diagnostics:
            table.add_row(each.severity, f"{plain(each.source)}: {plain(each.message)}")
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
    return Text(words(text), style=_STYLES[verdict])
