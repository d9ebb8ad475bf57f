"""JUnit XML: well-formed whatever the texts, counted rightly, and red exactly where the exit code is not 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from xml.dom.minidom import Document, Element, Text, parseString
from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.acceptance import AcceptRule, accept
from bluezone_harness.findings import Reason, Verdict
from bluezone_harness.reports.junit import junit_text
from bluezone_harness.results import Result
from bluezone_harness.verdicts import exit_code
from bluezone_spec.model import Axis, Level

pytestmark = pytest.mark.req("BZ-LOG-001", "BZ-LOG-003", "BZ-LOG-004", "BZ-LOG-005")

# element: its attributes, those of them that must be there, its children
RULES = {
    "testsuites": (
        "name tests failures errors skipped time",
        "tests failures errors skipped",
        "testsuite",
    ),
    "testsuite": (
        "name tests failures errors skipped time",
        "name tests failures errors",
        "properties testcase",
    ),
    "properties": ("", "", "property"),
    "property": ("name value", "name value", ""),
    "testcase": ("classname name time", "classname name", "skipped failure error system-out"),
    "failure": ("message type", "message type", ""),
    "error": ("message type", "message type", ""),
    "skipped": ("message type", "message", ""),
    "system-out": ("", "", ""),
}
"""What the schemas of Ant, Jenkins and Surefire have in common, as far as this report goes."""
OUTCOMES = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def elements(parent: Document | Element) -> list[Element]:
    return [each for each in parent.childNodes if isinstance(each, Element)]


def text_of(element: Element) -> str:
    return "".join(each.data for each in element.childNodes if isinstance(each, Text))


def keep_to_the_rules(element: Element) -> None:
    known, required, children = (set(part.split()) for part in RULES[element.tagName])
    names = set(element.attributes.keys())
    assert required <= names <= known, element.tagName
    found = elements(element)
    assert {each.tagName for each in found} <= children, element.tagName
    if found:
        assert all(each.data.strip() == "" for each in element.childNodes if isinstance(each, Text))
    for each in found:
        keep_to_the_rules(each)


def read(text: str) -> Element:
    """Parse a report by expat and hold it to the rules of JUnit."""
    (root,) = elements(parseString(text.encode()))
    assert root.tagName == "testsuites"
    keep_to_the_rules(root)
    suites = elements(root)
    for each in (root, *suites):
        cases = each.getElementsByTagName("testcase")
        assert int(each.getAttribute("tests")) == len(cases)
        for tag, attribute in OUTCOMES.items():
            assert int(each.getAttribute(attribute)) == len(each.getElementsByTagName(tag))
        assert each.getAttribute("time") == "0"
    for case in root.getElementsByTagName("testcase"):
        assert sum(child.tagName in OUTCOMES for child in elements(case)) <= 1
    for suite in suites:
        names = [case.getAttribute("name") for case in suite.getElementsByTagName("testcase")]
        assert len(set(names)) == len(names)
    return root


def cases(root: Element) -> dict[str, tuple[str, str, str, str]]:
    """Return of each case, by the first word of its name: place, outcome, message, text."""
    found = {}
    for case in root.getElementsByTagName("testcase"):
        name = case.getAttribute("name")
        children = elements(case)
        child = children[0] if children else None
        found[name.split()[0] if name.startswith("BZ-") else name] = (
            case.getAttribute("classname"),
            child.tagName if child else "",
            child.getAttribute("message") if child else "",
            text_of(child) if child else "",
        )
    return found


def is_red(root: Element) -> bool:
    return int(root.getAttribute("failures")) + int(root.getAttribute("errors")) > 0


def test_a_failure_says_expected_seen_and_where(failing: Result) -> None:
    root = read(junit_text(failing))
    assert root.getAttribute("name") == "bzc check"
    place, outcome, message, text = cases(root)["BZ-LOG-003"]
    finding = next(each for each in failing.findings if each.requirement == "BZ-LOG-003")
    assert (place, outcome, message) == ("conformance.LOG", "failure", f"MUST: {finding.summary}")
    lines = text.splitlines()
    assert lines[0] == message  # GitLab shows the text alone
    assert f"expected: {finding.expected}" in lines
    assert f"seen: {finding.seen}" in lines
    assert any(line.startswith("where: log0, row 1") for line in lines)
    assert any(line.startswith("why: ") for line in lines)
    assert is_red(root)


def test_suites_cases_and_properties(failing: Result) -> None:
    root = read(junit_text(failing))
    suites = elements(root)
    assert [each.getAttribute("name") for each in suites] == ["conformance", "privacy"]
    assert sum(len(each.getElementsByTagName("testcase")) for each in suites) == len(failing.requirements)
    found = {
        each.getAttribute("name"): each.getAttribute("value")
        for each in suites[0].getElementsByTagName("property")
    }
    covered = failing.conformance.coverage
    assert found["verdict"] == "fail"
    assert found["coverage"] == f"{covered.judged} of {covered.total} MUSTs judged"
    assert (found["coverage.judged"], found["coverage.total"]) == (str(covered.judged), str(covered.total))
    assert (found["profile"], found["version"]) == ("v3", failing.suite.version)
    assert found["specification.sha256"] == failing.suite.digest
    assert found["partial"] == "false"
    assert found["input.1"] == f"log0 (contact log export), sha256 {failing.inputs[0].sha256}"
    assert found["input.2"].startswith("device.json (device file), sha256 ")
    assert found["device.1"] == "phone"


def test_what_was_not_seen_is_skipped_with_its_reason(failing: Result) -> None:
    found = cases(read(junit_text(failing)))
    place, outcome, message, text = found["BZ-ADV-001"]
    assert (place, outcome) == ("conformance.ADV", "skipped")
    assert message.startswith("not observable (evidence missing): needs a capture")
    assert text.splitlines()[0] == message
    assert found["BZ-LOG-001"][:2] == ("conformance.LOG", "system-out")


@pytest.mark.parametrize(
    ("level", "verdict", "options", "outcome"),
    [
        (Level.MUST, Verdict.INCONCLUSIVE, {}, "error"),
        (Level.MUST, Verdict.INCONCLUSIVE, {"allow_inconclusive": True}, "skipped"),
        (Level.SHOULD, Verdict.INCONCLUSIVE, {}, "skipped"),
        (Level.REPORT, Verdict.INCONCLUSIVE, {}, "skipped"),
        (Level.SHOULD, Verdict.FAIL, {}, "skipped"),
        (Level.SHOULD, Verdict.FAIL, {"strict": True}, "failure"),
        (Level.MAY, Verdict.FAIL, {"strict": True}, "skipped"),
        (Level.MUST, Verdict.FAIL, {"allow_inconclusive": True}, "failure"),
        (Level.MUST, Verdict.PASS, {}, "system-out"),
        (Level.MUST, Verdict.NOT_OBSERVABLE, {}, "skipped"),
        (Level.MUST, Verdict.NOT_APPLICABLE, {"strict": True}, "skipped"),
    ],
)
def test_the_outcome_of_each_verdict(
    failing: Result, level: Level, verdict: Verdict, options: dict[str, bool], outcome: str
) -> None:
    undecided = verdict in (Verdict.INCONCLUSIVE, Verdict.NOT_OBSERVABLE)
    changed = replace(
        failing.requirements[0], level=level, verdict=verdict, reason=Reason.TOO_SHORT if undecided else None
    )
    result = replace(failing, requirements=(changed,), findings=())
    strict, allow = options.get("strict", False), options.get("allow_inconclusive", False)
    root = read(junit_text(result, strict=strict, allow_inconclusive=allow))
    assert cases(root)[changed.id][1] == outcome


def test_a_run_in_which_nothing_was_judged_is_red(judged: Callable[..., Result]) -> None:
    result = judged()
    assert exit_code(result, tuple(Axis)) == 2
    root = read(junit_text(result))
    assert cases(root)["something was judged"][1:3] == (
        "error",
        f"not observable: 0 of {result.privacy.coverage.total} MUSTs judged",
    )
    assert root.getAttribute("errors") == "2"
    assert not is_red(read(junit_text(result, allow_inconclusive=True)))


def test_accepted_failures_are_skipped_and_stale_entries_fail(failing: Result) -> None:
    rules = (
        AcceptRule("BZ-LOG-003", "ticket 1", date(2026, 12, 31)),
        AcceptRule("BZ-LOG-001", "ticket 2", date(2026, 12, 31)),
    )
    root = read(junit_text(accept(failing, rules, date(2026, 1, 1))))
    found = cases(root)
    assert found["BZ-LOG-003"][1:3] == ("skipped", "fail, accepted until 2026-12-31: ticket 1")
    assert "seen: " in found["BZ-LOG-003"][3]
    assert found["entry 1, BZ-LOG-003"][:2] == ("accepted findings", "system-out")
    assert found["entry 2, BZ-LOG-001"][1] == "failure"
    assert "no failure matches it" in found["entry 2, BZ-LOG-001"][3]
    assert elements(root)[2].getAttribute("failures") == "1"


def test_an_axis_that_does_not_count_is_left_out(failing: Result) -> None:
    root = read(junit_text(failing, axes=(Axis.PRIVACY,)))
    assert [each.getAttribute("name") for each in elements(root)] == ["privacy"]


@given(
    data=st.data(),
    strict=st.booleans(),
    allow=st.booleans(),
    axes=st.sampled_from([tuple(Axis), (Axis.CONFORMANCE,), (Axis.PRIVACY,)]),
)
def test_it_is_red_exactly_where_the_exit_code_is_not_0(
    data: st.DataObject,
    results: st.SearchStrategy[Result],
    strict: bool,
    allow: bool,
    axes: tuple[Axis, ...],
) -> None:
    result = data.draw(results)
    result = replace(
        result,
        accept_entries=tuple(
            replace(each, number=number) for number, each in enumerate(result.accept_entries, start=1)
        ),
    )
    text = junit_text(result, axes=axes, strict=strict, allow_inconclusive=allow)
    assert text == junit_text(result, axes=axes, strict=strict, allow_inconclusive=allow)
    code = exit_code(result, axes, strict=strict, allow_inconclusive=allow)
    assert is_red(read(text)) == (code != 0)


@given(text=st.text())
def test_any_text_comes_out_well_formed(failing: Result, text: str) -> None:
    """Surrogates, control characters and what looks like markup included."""
    finding = replace(failing.findings[0], summary=text, expected=text, seen=text, device=text)
    inputs = (replace(failing.inputs[0], name=text),)
    written = junit_text(replace(failing, findings=(finding,), inputs=inputs))
    parser = expat.ParserCreate()
    parser.Parse(written.encode(), True)
    assert all(each.isprintable() or each == "\n" for each in written)


def test_octets_that_no_xml_may_hold_are_escaped(failing: Result) -> None:
    finding = replace(failing.findings[0], seen="\x00\x1b]0;x\x07\udc80\ufffe <b>&]]>")
    _, _, _, text = cases(read(junit_text(replace(failing, findings=(finding,)))))[finding.requirement]
    assert "seen: \\x00\\x1b]0;x\\x07\\udc80\\ufffe <b>&]]>" in text.splitlines()
