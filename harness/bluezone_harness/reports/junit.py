"""A result as JUnit XML, as GitHub's test reporters, GitLab and Jenkins read it.

Each axis is a suite, each requirement a test case. **A case is red exactly where the exit code is not 0**, so
that a pipeline that looks at the report alone and one that looks at the exit code alone come to the same:

================================================  =========  ==============================================
what is said of the requirement                   element    but
================================================  =========  ==============================================
pass                                              (none)
fail, of a MUST                                   failure    skipped where every failure is accepted
fail, of a SHOULD                                 skipped    failure in strict runs
inconclusive, of a MUST                           error      skipped where inconclusive is allowed
inconclusive, of another level                    skipped
not observable, not applicable                    skipped
================================================  =========  ==============================================

*Inconclusive* is an error and not skipped, because reporters show a run of skipped tests in green: an empty
capture must not look like a good one. For the same reason a run in which no MUST of any axis was judged has
one more case, an error. Entries of a file of accepted findings are a suite of their own, in which one that
does not hold is a failure; so are the deviations of an implementation, whose every entry is one in strict runs.

GitLab shows the text of an element and not its message, others the message first: the text says all. No time
is taken from a clock, and each duration is 0, because a judgement has none: the same result gives the same
octets.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree  # only written here, never read
from collections.abc import Collection, Iterator, Sequence

from bluezone_harness.findings import AcceptState, Finding, Verdict
from bluezone_harness.reports.texts import (
    acceptance_text,
    coverage_text,
    entries_title,
    entry_text,
    entry_title,
    first_sentence,
    place_text,
    plain,
    plain_markdown,
    words,
)
from bluezone_harness.results import RequirementVerdict, Result
from bluezone_spec.model import Axis, Level


def junit_text(
    result: Result,
    *,
    axes: Collection[Axis] = tuple(Axis),
    strict: bool = False,
    allow_inconclusive: bool = False,
) -> str:
    """Return a result as JUnit XML, to be written as UTF-8.

    Args:
        result: Of the run.
        axes: What counts; others are left out.
        strict: Failed SHOULDs and deviations count, as in ``verdicts.exit_code``.
        allow_inconclusive: What is inconclusive, or not judged at all, does not count, as there.
    """
    root = ElementTree.Element("testsuites", name=f"bzc {plain(result.command)}")
    judged = _is_judged(result, axes)
    for axis in Axis:
        if axis in axes:
            suite = _suite(root, axis)
            _add_properties(suite, result, axis)
            for each in result.requirements:
                if each.axis is axis:
                    _add_case(suite, result, each, strict=strict, allow_inconclusive=allow_inconclusive)
            if not judged and not allow_inconclusive:
                case = _case(suite, str(axis), "something was judged")
                text = f"{words(result.axis(axis).verdict)}: {coverage_text(result, axis)}"
                _outcome(case, "error", "nothing_judged", text, [])
    if result.accept_entries:
        _add_entries(root, result, strict=strict)
    for suite in root:
        _count(suite)
    _count(root)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _is_judged(result: Result, axes: Collection[Axis]) -> bool:
    """Tell whether anything was said of any MUST that counts."""
    said = (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)
    musts = (each for each in result.requirements if each.level is Level.MUST and each.axis in axes)
    return any(each.verdict in said for each in musts)


def _suite(root: ElementTree.Element, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(root, "testsuite", name=name)


def _case(suite: ElementTree.Element, place: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=place, name=name, time="0")


def _add_properties(suite: ElementTree.Element, result: Result, axis: Axis) -> None:
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(result, axis):
        ElementTree.SubElement(properties, "property", name=name, value=plain(value))


def _properties(result: Result, axis: Axis) -> Iterator[tuple[str, str]]:
    coverage = result.axis(axis).coverage
    yield "verdict", words(result.axis(axis).verdict)
    yield "coverage", coverage_text(result, axis)
    yield "coverage.judged", str(coverage.judged)
    yield "coverage.total", str(coverage.total)
    yield "profile", result.profile
    yield "version", result.suite.version
    yield "specification.sha256", result.suite.digest
    yield "partial", "true" if result.partial else "false"
    for number, each in enumerate(result.inputs, start=1):
        yield f"input.{number}", f"{each.name} ({words(each.kind)}), sha256 {each.sha256}"
    for number, device in enumerate(result.devices, start=1):
        yield f"device.{number}", device.label


def _add_case(
    suite: ElementTree.Element,
    result: Result,
    requirement: RequirementVerdict,
    *,
    strict: bool,
    allow_inconclusive: bool,
) -> None:
    area = requirement.id.split("-")[1]
    name = f"{requirement.id} {plain_markdown(requirement.title)}"
    case = _case(suite, f"{requirement.axis}.{area}", name)
    findings = [each for each in result.findings if each.requirement == requirement.id]
    lines = [plain(requirement.summary), *(line for each in findings for line in _lines(each))]
    must = requirement.level is Level.MUST
    match requirement.verdict:
        case Verdict.PASS:
            _add_text(case, "system-out", lines)
        case Verdict.FAIL:
            summary = findings[0].summary if findings else requirement.summary
            if requirement.id in result.accepted():
                reasons = dict.fromkeys(
                    acceptance_text(each.accepted) for each in findings if each.accepted is not None
                )
                _outcome(case, "skipped", "accepted", f"fail, accepted {'; '.join(reasons)}", lines)
            elif must or (strict and requirement.level is Level.SHOULD):
                _outcome(case, "failure", "fail", f"{requirement.level}: {summary}", lines)
            else:
                _outcome(case, "skipped", "fail", f"fail, but of a {requirement.level}: {summary}", lines)
        case Verdict.INCONCLUSIVE if must and not allow_inconclusive:
            _outcome(case, "error", "inconclusive", _unsaid(requirement), lines[1:])
        case _:
            _outcome(case, "skipped", str(requirement.verdict), _unsaid(requirement), lines[1:])


def _unsaid(requirement: RequirementVerdict) -> str:
    """Say why a requirement has neither passed nor failed."""
    reason = f" ({words(requirement.reason)})" if requirement.reason else ""
    return f"{words(requirement.verdict)}{reason}: {requirement.summary}"


def _lines(finding: Finding) -> Iterator[str]:
    yield ""
    yield f"{plain(finding.device)}: {plain(finding.summary)}"
    yield f"expected: {plain(finding.expected)}"
    yield f"seen: {plain(finding.seen)}"
    for place in finding.evidence:
        yield f"where: {place_text(place)}"
    if finding.evidence and finding.count > len(finding.evidence):
        yield f"and {finding.count - len(finding.evidence)} more"
    yield f"why: {first_sentence(finding.why)}"
    if finding.accepted is not None:
        yield f"accepted {acceptance_text(finding.accepted)}"


def _outcome(case: ElementTree.Element, tag: str, kind: str, message: str, lines: Sequence[str]) -> None:
    message = plain(message)
    element = ElementTree.SubElement(case, tag, message=message, type=kind)
    element.text = "\n".join([message, *lines])


def _add_text(case: ElementTree.Element, tag: str, lines: Sequence[str]) -> None:
    ElementTree.SubElement(case, tag).text = "\n".join(lines)


def _add_entries(root: ElementTree.Element, result: Result, *, strict: bool) -> None:
    title = entries_title(result.accept_entries)
    suite = _suite(root, title)
    for entry in result.accept_entries:
        case = _case(suite, title, entry_title(entry))
        text = entry_text(entry)
        if entry.state is AcceptState.APPLIED and not (strict and entry.vector):
            _add_text(case, "system-out", [text])
        else:
            _outcome(case, "failure", str(entry.state), text, [])


def _count(element: ElementTree.Element) -> None:
    """Write how many cases there are, and of which outcome."""
    for attribute, tag in (
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ):
        element.set(attribute, str(sum(1 for _ in element.iter(tag))))
    element.set("time", "0")
