"""Markdown: its structure when it is rendered, and that no text of the evidence becomes a mark."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bluezone_harness.acceptance import AcceptRule, accept
from bluezone_harness.findings import Verdict
from bluezone_harness.observations import Diagnostic, Severity
from bluezone_harness.reports.markdown import markdown_text
from bluezone_harness.results import Result
from bluezone_spec.model import Axis

pytestmark = pytest.mark.req("BZ-LOG-001", "BZ-LOG-003", "BZ-LOG-004")

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TAGS = {
    *("h2", "h3", "p", "strong", "code", "ul", "li", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


@dataclass
class Page:
    """What a rendered page holds, in its order."""

    tags: set[str] = field(default_factory=set)
    headings: list[str] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    outside: str = ""
    """All text that is not folded away."""


class Reader(HTMLParser):
    """Reads a page by the parser of the standard library; every element must be closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert attrs == [], tag
        self.page.tags.add(tag)
        self.open.append(tag)
        if tag == "table":
            self.page.tables.append([])
        elif tag == "tr":
            self.page.tables[-1].append([])
        elif tag in ("h2", "h3", "summary", "li", "td", "th"):
            self.text = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if "code" in self.open:
            self.page.code.append(data)
        if "details" not in self.open:
            self.page.outside += data

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        text = "".join(self.text)
        if tag in ("h2", "h3"):
            self.page.headings.append(text)
        elif tag == "summary":
            self.page.summaries.append(text)
        elif tag == "li":
            self.page.items.append(text)
        elif tag in ("td", "th"):
            self.page.tables[-1][-1].append(text)


def rendered(text: str) -> Page:
    reader = Reader()
    reader.feed(RENDERER.render(text))
    reader.close()
    assert reader.open == []
    return reader.page


def test_verdicts_and_coverage_come_first(failing: Result) -> None:
    page = rendered(markdown_text(failing))
    covered = failing.conformance.coverage
    assert page.headings[0] == "Bluezone conformance"
    assert page.tables[0][:2] == [
        ["axis", "verdict", "coverage"],
        ["conformance", "FAIL", f"{covered.judged} of {covered.total} MUSTs judged"],
    ]
    assert page.tables[0][2][:2] == ["privacy", "inconclusive"]
    assert page.code == ["v3", "log0", "device.json", "phone"]
    assert page.tags == TAGS


def test_failures_are_open_and_the_rest_is_folded(failing: Result) -> None:
    page = rendered(markdown_text(failing))
    assert page.headings[1:] == [
        "FAIL: BZ-LOG-003 (MUST) An export has one line for each record",
        "FAIL: BZ-LOG-004 (MUST) Times are milliseconds",
    ]
    finding = failing.findings[0]
    assert page.items[:3] == [
        f"found: {finding.summary}",
        f"expected: {finding.expected}",
        f"seen: {finding.seen}",
    ]
    assert [item.partition(":")[0] for item in page.items[3:6]] == ["where", "device", "why"]
    unseen = sum(each.verdict is Verdict.NOT_OBSERVABLE for each in failing.requirements)
    doubtful = sum(each.verdict is Verdict.INCONCLUSIVE for each in failing.requirements)
    judged = len(failing.requirements) - unseen - doubtful
    assert page.summaries == [
        f"Judged ({judged})",
        f"Inconclusive ({doubtful})",
        f"Not observable with this evidence ({unseen})",
    ]
    rows = page.tables[1]
    assert rows[0] == ["requirement", "level", "verdict", "summary"]
    assert len(rows) == 1 + judged
    assert "BZ-LOG-001 A record holds own id" not in page.outside
    assert "BZ-LOG-003" in page.outside


def test_what_counts_comes_before_what_is_accepted(failing: Result) -> None:
    rules = (
        AcceptRule("BZ-LOG-003", "known *here*", date(2026, 12, 31)),
        AcceptRule("BZ-PRV-017", "old", date(2020, 1, 1)),
    )
    page = rendered(markdown_text(accept(failing, rules, date(2026, 1, 1))))
    assert [heading.partition("(")[0].strip() for heading in page.headings[1:]] == [
        "Accepted findings",
        "FAIL: BZ-LOG-004",
        "FAIL, accepted: BZ-LOG-003",
    ]
    assert page.tables[0][1][2].endswith("MUSTs judged, 1 failure accepted")
    assert page.items[0] == "entry 1, BZ-LOG-003: 1 failure accepted until 2026-12-31: known *here*"
    assert page.items[1].startswith("does not hold entry 2, BZ-PRV-017: expired after 2020-01-01")
    assert "accepted: until 2026-12-31: known *here*" in page.items
    assert [row[2] for row in page.tables[1] if row[0].startswith("BZ-LOG-003")] == ["FAIL, accepted"]


def test_places_beyond_three_are_counted(failing: Result) -> None:
    finding = failing.findings[0]
    many = replace(finding, evidence=finding.evidence[:1] * 5, count=12)
    page = rendered(markdown_text(replace(failing, findings=(many,))))
    assert sum(item.startswith("where: log0") for item in page.items) == 3
    assert "where: and 9 more" in page.items


def test_notes_damage_doubts_and_what_does_not_apply(failing: Result, judged: Callable[..., Result]) -> None:
    note = Diagnostic("log|0", 7, Severity.WARNING, "it is cut | short")
    doubt = replace(failing.findings[0], verdict=Verdict.INCONCLUSIVE, requirement="BZ-PRV-004")
    result = replace(failing, partial=True, diagnostics=(note,), findings=(doubt,))
    page = rendered(markdown_text(result))
    assert "partial: some of the evidence could not be read" in page.outside
    assert page.tables[-1] == [["severity", "evidence", "note"], ["warning", "log|0", "it is cut | short"]]
    assert page.summaries[-1] == "Notes (1)"
    assert page.headings == [
        "Bluezone conformance",
        "inconclusive: BZ-PRV-004 (MUST) A rolling id lives for its slot",
    ]
    assert doubt.summary not in page.outside
    page = rendered(markdown_text(judged(profile="v1")))
    assert any(each.startswith("Not applicable to this profile (") for each in page.summaries)


def test_an_axis_that_was_not_asked_for_is_left_out(failing: Result) -> None:
    text = markdown_text(failing, axes=(Axis.PRIVACY,))
    assert "BZ-LOG" not in text
    assert [row[0] for row in rendered(text).tables[0]] == ["axis", "privacy"]


@given(data=st.data())
def test_any_result_keeps_the_structure(data: st.DataObject, results: st.SearchStrategy[Result]) -> None:
    result = data.draw(results)
    text = markdown_text(result)
    assert text == markdown_text(result)
    page = rendered(text)
    assert page.tags <= TAGS
    assert all(len(row) == len(table[0]) for table in page.tables for row in table)
    failures = [each for each in result.findings if each.verdict is Verdict.FAIL]
    doubts = [each for each in result.findings if each.verdict is not Verdict.FAIL]
    head = 2 if result.accept_entries else 1
    assert len(page.headings) == head + len(failures) + len(doubts)
    assert all(each.isprintable() or each == "\n" for each in text)


@given(text=st.text(min_size=1))
def test_any_text_shows_as_it_stands(failing: Result, text: str) -> None:
    finding = replace(failing.findings[0], summary=text)
    first = replace(failing.requirements[0], summary=text, verdict=Verdict.PASS, reason=None)
    page = rendered(
        markdown_text(replace(failing, findings=(finding,), requirements=(first, *failing.requirements[1:])))
    )
    plain = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    shown = re.sub(" +", " ", plain).strip()
    assert page.items[0].rstrip() == f"found: {shown}".rstrip()
    assert page.tables[1][1][3] == shown


@pytest.mark.parametrize(
    "text",
    [
        "@everyone",
        "#12",
        "!34",
        "https://example.org",
        "www.example.org",
        "WWW.example.org",
        ":tada:",
        "a@b.org",
        "~label",
        "$x$",
        "[a](b)",
        "&lt;",
    ],
)
def test_nothing_is_a_mention_or_a_link(failing: Result, text: str) -> None:
    """GitHub and GitLab make more of Markdown than the renderer of this test: the signs themselves are gone."""
    written = markdown_text(replace(failing, findings=(replace(failing.findings[0], seen=text),)))
    assert text not in written
    assert f"seen: {text}" in rendered(written).items
