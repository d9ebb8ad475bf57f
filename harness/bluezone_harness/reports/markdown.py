"""A result as Markdown, for the summary of a GitHub step or a comment on a merge request.

Verdicts and coverage come first, then the failures, the worst first and in full; what else was judged, what
is in doubt and what cannot be seen is folded away. It is the Markdown of GitHub and GitLab: tables, and
``<details>``. No text of the evidence can become a mark, a link, a mention or a piece of HTML. The same result
gives the same octets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from bluezone_harness.findings import AcceptState, Finding, Verdict
from bluezone_harness.reports.texts import (
    acceptance_text,
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

_PLACES_SHOWN = 3
"""Places of a finding that are written out; the JSON report holds ten."""
_MARKS = re.compile(r"[\\`*_{}\[\]#!|~$^@<>&%]|:(?=\S)|(?<=www)\.", re.IGNORECASE)
"""The signs that mean something within a line: to Markdown, to its tables, as HTML, as a link, as a mention."""


def markdown_text(result: Result, *, axes: Collection[Axis] = tuple(Axis)) -> str:
    """Return a result as Markdown, to be written as UTF-8.

    Args:
        result: Of the run.
        axes: What to write of.
    """
    chosen = [each for each in result.requirements if each.axis in axes]
    titles = {each.id: each.title for each in chosen}
    findings = worst_first(each for each in result.findings if each.requirement in titles)
    failures = [each for each in findings if each.verdict is Verdict.FAIL]
    doubts = [each for each in findings if each.verdict is not Verdict.FAIL]
    blocks = [
        *_head(result, axes),
        *_entries(result),
        *(block for each in failures for block in _finding(each, titles)),
        *_details(chosen, doubts, titles, result.accepted()),
        *_notes(result),
    ]
    return "\n\n".join(blocks) + "\n"


def _head(result: Result, axes: Collection[Axis]) -> Iterator[str]:
    yield "## Bluezone conformance"
    rows = [
        (str(axis), f"**{_verdict(result.axis(axis).verdict)}**", _escaped(coverage_text(result, axis)))
        for axis in Axis
        if axis in axes
    ]
    yield _table(("axis", "verdict", "coverage"), rows)
    facts = [f"profile {_code(result.profile)}", f"bluezone-conformance {_escaped(result.suite.version)}"]
    facts += [f"{_escaped(words(each.kind))} {_code(each.name)}" for each in result.inputs]
    facts += [f"device {_code(each.label)}" for each in result.devices]
    if result.partial:
        facts.append("**partial**: some of the evidence could not be read")
    yield " · ".join(facts)


def _entries(result: Result) -> Iterator[str]:
    if result.accept_entries:
        yield f"### {entries_title(result.accept_entries).capitalize()}"
        yield "\n".join(
            f"- {'' if each.state is AcceptState.APPLIED else '**does not hold** '}{_escaped(entry_text(each))}"
            for each in result.accept_entries
        )


def _finding(finding: Finding, titles: dict[str, str]) -> Iterator[str]:
    accepted = "" if finding.accepted is None else ", accepted"
    title = _escaped(plain_markdown(titles[finding.requirement]))
    yield f"### {_verdict(finding.verdict)}{accepted}: {finding.requirement} ({finding.level}) {title}"
    yield "\n".join(f"- **{name}:** {text}" for name, text in _facts(finding))


def _facts(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "found", _escaped(finding.summary)
    yield "expected", _escaped(finding.expected)
    yield "seen", _escaped(finding.seen)
    for place in finding.evidence[:_PLACES_SHOWN]:
        yield "where", _escaped(place_text(place))
    more = finding.count - min(len(finding.evidence), _PLACES_SHOWN)
    if finding.evidence and more:
        yield "where", f"and {more} more"
    yield "device", _escaped(finding.device)
    yield "why", _escaped(first_sentence(finding.why))
    if finding.accepted is not None:
        yield "accepted", _escaped(acceptance_text(finding.accepted))


def _details(
    chosen: Sequence[RequirementVerdict],
    doubts: Sequence[Finding],
    titles: dict[str, str],
    accepted: frozenset[str],
) -> Iterator[str]:
    for heading, verdicts in (
        ("Judged", (Verdict.FAIL, Verdict.PASS)),
        ("Inconclusive", (Verdict.INCONCLUSIVE,)),
    ):
        found = [each for each in chosen if each.verdict in verdicts]
        if found:
            rows = [_row(each, each.id in accepted) for each in found]
            inside = [_table(("requirement", "level", "verdict", "summary"), rows)]
            if heading == "Inconclusive":
                inside += [block for each in doubts for block in _finding(each, titles)]
            yield from _folded(f"{heading} ({len(found)})", inside)
    unseen = [each for each in chosen if each.verdict is Verdict.NOT_OBSERVABLE]
    if unseen:
        reasons = dict.fromkeys(each.reason for each in unseen)
        ranges = [
            (words(str(reason)), id_ranges(each.id for each in unseen if each.reason is reason))
            for reason in reasons
        ]
        yield from _folded(
            f"Not observable with this evidence ({len(unseen)})", [_table(("reason", "requirements"), ranges)]
        )
    unbound = [each.id for each in chosen if each.verdict is Verdict.NOT_APPLICABLE]
    if unbound:
        yield from _folded(f"Not applicable to this profile ({len(unbound)})", [id_ranges(unbound)])


def _row(requirement: RequirementVerdict, accepted: bool) -> tuple[str, str, str, str]:
    reason = f" ({_escaped(words(requirement.reason))})" if requirement.reason else ""
    title = _escaped(plain_markdown(requirement.title))
    summary = _escaped(requirement.summary)
    verdict = f"{_verdict(requirement.verdict)}{', accepted' if accepted else ''}{reason}"
    return f"{requirement.id} {title}", str(requirement.level), verdict, summary


def _notes(result: Result) -> Iterator[str]:
    if result.diagnostics:
        rows = [
            (str(each.severity), _code(each.source), _escaped(each.message)) for each in result.diagnostics
        ]
        yield from _folded(f"Notes ({len(rows)})", [_table(("severity", "evidence", "note"), rows)])


def _folded(summary: str, inside: Sequence[str]) -> Iterator[str]:
    """Yield blocks that a reader opens; a blank line ends each piece of HTML, so Markdown goes on inside."""
    yield f"<details><summary>{summary}</summary>"
    yield from inside
    yield "</details>"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _verdict(verdict: Verdict) -> str:
    return words(verdict.upper() if verdict in (Verdict.PASS, Verdict.FAIL) else verdict)


def _code(text: str) -> str:
    """Write a name as code, in HTML: Markdown's own code cannot hold every sign inside a table."""
    return f"<code>{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    """Return one line of text that shows as it stands.

    Each sign that could mean something becomes its number in HTML, which is never a mark: a backslash would
    not stop a mention, an autolink or HTML everywhere.
    """
    return _MARKS.sub(lambda found: f"&#{ord(found[0])};", " ".join(plain(text).split()))
