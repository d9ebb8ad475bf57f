"""Accepted findings: read strictly, shown for what they are, and not counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.acceptance import AcceptRule, accept, read_accept_file
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.findings import Acceptance, AcceptState, Finding, Verdict
from bluezone_harness.reports.terminal import terminal_text
from bluezone_harness.results import Result
from bluezone_harness.verdicts import exit_code
from bluezone_spec.model import Axis

pytestmark = pytest.mark.req("BZ-LOG-003", "BZ-LOG-004")

AXES = tuple(Axis)
LAST_DAY = date(2026, 12, 31)
LOG_003 = AcceptRule("BZ-LOG-003", "known, ticket 1", LAST_DAY)
LOG_004 = AcceptRule("BZ-LOG-004", "known, ticket 2", LAST_DAY)
ENTRY = b"""
[[accept]]
requirement = "BZ-LOG-003"
reason = "known"
expires = 2026-12-31
"""


@pytest.fixture(scope="module")
def failing(judged: Callable[..., Result], good_device: Mapping[str, object]) -> Result:
    """Return the result of an export with CR before LF (BZ-LOG-003) and a row in seconds (BZ-LOG-004)."""
    own, contact = "B9A665D754FE65E665D76A45", "7C3DEC4246EA6F90E38EA254"
    rows = (f"{own}\t{contact}\t-71\t1596866191387\r\n", f"{own}\t{contact}\t-71\t1596866251\n")
    result = judged("".join(rows).encode(), device=good_device)
    failed = {each.requirement for each in result.findings if each.verdict is Verdict.FAIL}
    assert failed == {"BZ-LOG-003", "BZ-LOG-004"}
    return result


def test_a_whole_file_is_read() -> None:
    text = b"""\xef\xbb\xbf# what is known
schema = 1

[[accept]]
requirement = "BZ-PRV-017"
reason = "until release 4"
expires = 2026-12-31
device = "phone"
summary-match = "connect_info"

[[accept]]
requirement = "BZ-PRV-017"
reason = "the rest"
expires = 2024-02-29
"""
    assert read_accept_file("accept.toml", text) == (
        AcceptRule("BZ-PRV-017", "until release 4", LAST_DAY, "phone", "connect_info"),
        AcceptRule("BZ-PRV-017", "the rest", date(2024, 2, 29), None, None),
    )


def test_a_file_may_accept_nothing() -> None:
    assert read_accept_file("accept.toml", b"schema = 1") == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "the key 'schema' is missing (at the top)"),
        (b"schema = 2", "the schema is not 1, the only one there is (at /schema)"),
        (b"schema = true", "it is true or false, not an integer (at /schema)"),
        (b"schema = 1\nexcept = 1", "the key is unknown here; known are 'schema', 'accept' (at /except)"),
        (b"schema = 1\naccept = 3", "it is an integer, not a list (at /accept)"),
        (b"schema = 1\naccept = [3]", "it is an integer, not an object (at /accept/0)"),
        (
            b"schema = 1\n[accept]\nrequirement = 'BZ-LOG-003'",
            "it is an object, not a list (at /accept)",
        ),
        (b"schema = 1" + ENTRY + ENTRY, "the entry at /accept/0 accepts the same (at /accept/1)"),
        (b"\xff", "octet 0 is no UTF-8, so it is no TOML"),
        (b"schema = " + b"9" * 5000, "no TOML that can be read: a number or its nesting is far too large"),
        (b"a = " + b"[" * 9999, "no TOML that can be read: a number or its nesting is far too large"),
    ],
)
def test_a_file_of_another_form_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(EvidenceError) as refused:
        read_accept_file("accept.toml", text)
    assert str(refused.value) == f"accept.toml: {reason}"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'reason = "known"', b"", "the key 'reason' is missing (at /accept/0)"),
        (b"expires = 2026-12-31", b"", "the key 'expires' is missing (at /accept/0)"),
        (b'requirement = "BZ-LOG-003"', b"", "the key 'requirement' is missing (at /accept/0)"),
        (b'"known"', b'" \\n"', "the text is empty (at /accept/0/reason)"),
        (b'"known"', b"7", "it is an integer, not text (at /accept/0/reason)"),
        (b"2026-12-31", b'"2026-12-31"', "it is text, not a day (at /accept/0/expires)"),
        (b"2026-12-31", b"2026-12-31T00:00:00Z", "it is an instant, not a day (at /accept/0/expires)"),
        (b"2026-12-31", b"12:00:00", "it is a time of day, not a day (at /accept/0/expires)"),
        (
            b"BZ-LOG-003",
            b"LOG-003",
            "it is no id of a requirement, such as BZ-ADV-003 (at /accept/0/requirement)",
        ),
        (b"expires", b'device = ""\nexpires', "the text is empty (at /accept/0/device)"),
        (b"expires", b'summary-match = ""\nexpires', "the text is empty (at /accept/0/summary-match)"),
        (
            b"expires",
            b"until = 1\nexpires",
            "the key is unknown here; known are 'requirement', 'reason', 'expires', 'device', 'summary-match' "
            "(at /accept/0/until)",
        ),
    ],
)
def test_an_entry_of_another_form_is_refused(old: bytes, new: bytes, reason: str) -> None:
    assert read_accept_file("accept.toml", b"schema = 1" + ENTRY) != ()
    with pytest.raises(EvidenceError) as refused:
        read_accept_file("accept.toml", b"schema = 1" + ENTRY.replace(old, new))
    assert str(refused.value) == f"accept.toml: {reason}"


def test_what_the_parser_refuses_is_told() -> None:
    with pytest.raises(EvidenceError, match=r"^accept\.toml: no TOML: Cannot overwrite a value \(at "):
        read_accept_file("accept.toml", b"schema = 1\nschema = 1")


@given(
    st.one_of(st.binary(max_size=80), st.text(max_size=80).map(lambda text: f"schema = 1\n{text}".encode()))
)
def test_no_octets_end_in_another_error(octets: bytes) -> None:
    try:
        said = f"accept.toml: {len(read_accept_file('accept.toml', octets))} entries"
    except EvidenceError as error:
        said = str(error)
    assert said.startswith("accept.toml: ")


def test_what_is_accepted_does_not_count_and_is_still_a_failure(failing: Result) -> None:
    result = accept(failing, (LOG_003, LOG_004), LAST_DAY)
    assert exit_code(failing, AXES, allow_inconclusive=True) == 1
    assert exit_code(result, AXES, allow_inconclusive=True) == 0
    assert exit_code(result, AXES) == 2  # other MUSTs are inconclusive: that is not accepted
    assert result.accepted() == {"BZ-LOG-003", "BZ-LOG-004"}
    assert (result.conformance, result.requirements) == (failing.conformance, failing.requirements)
    assert result.conformance.verdict is Verdict.FAIL
    assert [entry.state for entry in result.accept_entries] == [AcceptState.APPLIED] * 2
    assert [replace(each, accepted=None) for each in result.findings] == list(failing.findings)
    assert {each.requirement: each.accepted for each in result.findings if each.accepted} == {
        "BZ-LOG-003": Acceptance("known, ticket 1", LAST_DAY),
        "BZ-LOG-004": Acceptance("known, ticket 2", LAST_DAY),
    }


def test_one_failure_that_is_not_accepted_counts(failing: Result) -> None:
    result = accept(failing, (LOG_003,), LAST_DAY)
    assert result.accepted() == {"BZ-LOG-003"}
    assert exit_code(result, AXES) == 1


def test_a_requirement_is_accepted_only_with_all_its_failures(failing: Result) -> None:
    second = replace(
        next(each for each in failing.findings if each.requirement == "BZ-LOG-003"), summary="another"
    )
    twice = replace(failing, findings=(*failing.findings, second))
    narrow = replace(LOG_003, summary_match="another")
    result = accept(twice, (narrow, LOG_004), LAST_DAY)
    assert result.accepted() == {"BZ-LOG-004"}
    assert exit_code(result, AXES) == 1
    wide = accept(twice, (narrow, LOG_003, LOG_004), LAST_DAY)
    assert [entry.matched for entry in wide.accept_entries] == [1, 2, 1]
    assert exit_code(wide, AXES, allow_inconclusive=True) == 0


def test_an_entry_holds_until_the_end_of_its_last_day(failing: Result) -> None:
    result = accept(failing, (LOG_003, LOG_004), date(2027, 1, 1))
    assert result.accepted() == frozenset()
    assert [entry.state for entry in result.accept_entries] == [AcceptState.EXPIRED] * 2
    assert exit_code(result, AXES) == 1


def test_an_entry_that_matches_nothing_fails(
    failing: Result, judged: Callable[..., Result], good_log: bytes
) -> None:
    good = judged(good_log)
    before = exit_code(good, AXES, allow_inconclusive=True)
    result = accept(good, (LOG_003,), LAST_DAY)
    assert [entry.state for entry in result.accept_entries] == [AcceptState.UNMATCHED]
    assert (before, exit_code(result, AXES, allow_inconclusive=True)) == (0, 1)
    for rule in (replace(LOG_003, device="other"), replace(LOG_003, summary_match="nowhere")):
        again = accept(failing, (LOG_003, LOG_004, rule), LAST_DAY)
        assert again.accept_entries[2].state is AcceptState.UNMATCHED
        assert exit_code(again, AXES) == 1


def test_an_entry_that_expired_fails_though_its_failure_is_gone(
    judged: Callable[..., Result], good_log: bytes
) -> None:
    result = accept(judged(good_log), (LOG_003,), date(2030, 1, 1))
    assert result.accept_entries[0].state is AcceptState.EXPIRED
    assert exit_code(result, AXES, allow_inconclusive=True) == 1


def test_what_is_in_doubt_cannot_be_accepted(failing: Result) -> None:
    doubt = replace(failing.findings[0], verdict=Verdict.INCONCLUSIVE)
    assert not replace(LOG_003, requirement=doubt.requirement).matches(doubt)


def test_an_accepted_should_does_not_count_in_strict_runs(failing: Result) -> None:
    should = next(each for each in failing.requirements if each.level == "SHOULD")
    broken = replace(should, verdict=Verdict.FAIL, reason=None, judged=1, failed=1)
    found = replace(failing.findings[0], requirement=should.id, level="SHOULD", verdict=Verdict.FAIL)
    result = replace(
        failing,
        conformance=replace(failing.conformance, verdict=Verdict.PASS),
        privacy=replace(failing.privacy, verdict=Verdict.PASS),
        requirements=tuple(
            broken if each is should else replace(each, verdict=Verdict.PASS, reason=None, judged=1, failed=0)
            for each in failing.requirements
        ),
        findings=(found,),
    )
    assert exit_code(result, AXES, strict=True) == 2
    taken = accept(result, (AcceptRule(should.id, "known", LAST_DAY),), LAST_DAY)
    assert exit_code(taken, AXES, strict=True) == 0


def test_nothing_else_judged_is_enough_where_failures_are_accepted(failing: Result) -> None:
    """A failure that is accepted was judged: the run does not end as one in which nothing was."""
    result = replace(
        failing,
        requirements=tuple(
            each
            if each.verdict is Verdict.FAIL
            else replace(each, verdict=Verdict.NOT_APPLICABLE, reason=None, judged=0, failed=0)
            for each in failing.requirements
        ),
    )
    assert exit_code(accept(result, (LOG_003, LOG_004), LAST_DAY), AXES) == 0


def test_the_terminal_shows_what_is_accepted(failing: Result) -> None:
    stale = AcceptRule("BZ-PRV-017", "old", date(2020, 1, 1), "phone", "so")
    text = terminal_text(accept(failing, (LOG_003, LOG_004, stale), date(2026, 1, 1)), width=200)
    assert "FAIL  6" not in text
    assert "MUSTs judged, 2 failures accepted" in text
    assert "applied  entry 1, BZ-LOG-003: 1 failure accepted until 2026-12-31: known, ticket 1" in text
    assert "expired  entry 3, BZ-PRV-017, device phone, summary with 'so': expired after 2020-01-01" in text
    assert "FAIL, accepted  BZ-LOG-003" in text
    assert "  accepted  until 2026-12-31: known, ticket 2" in text
    assert "accepted" not in terminal_text(failing, width=200)


def test_matching_looks_at_requirement_device_and_summary(failing: Result) -> None:
    finding: Finding = replace(
        failing.findings[0], requirement="BZ-LOG-003", device="An", summary="3 rows odd"
    )
    assert LOG_003.matches(finding)
    assert replace(LOG_003, device="An", summary_match="rows").matches(finding)
    assert not replace(LOG_003, device="an").matches(finding)
    assert not replace(LOG_003, summary_match="Rows").matches(finding)
    assert not LOG_004.matches(finding)
