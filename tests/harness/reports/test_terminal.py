"""Results as text: verdict and coverage first, readable at 80 columns and without colour."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_harness.findings import Evidence, EvidenceKind, Verdict
from bluezone_harness.observations import Diagnostic, Severity
from bluezone_harness.reports.terminal import terminal_text
from bluezone_harness.results import Result
from bluezone_harness.sightings import Sighting
from bluezone_spec.model import Axis

Judged = Callable[..., Result]


@pytest.fixture(scope="session")
def failing(judged: Judged, good_log: bytes, good_device: dict[str, object]) -> Result:
    """Return a result with a failed requirement, damage and doubt."""
    first, *lines = good_log.splitlines(keepends=True)
    return judged(b"0" * 24 + first[24:] + b"".join(lines) + b"x\ty\n" + first[:20], device=good_device)


@pytest.mark.req("BZ-LOG-005")
def test_verdicts_and_coverage_come_first(failing: Result, judged: Judged, good_log: bytes) -> None:
    lines = terminal_text(failing).splitlines()
    assert re.fullmatch(r"conformance  FAIL +5 of \d+ MUSTs judged", lines[0])
    assert re.fullmatch(r"privacy +PASS +3 of \d+ MUSTs judged", lines[1])
    passing = terminal_text(judged(good_log)).splitlines()
    assert re.fullmatch(r"conformance  PASS +4 of \d+ MUSTs judged", passing[0])


@pytest.mark.req("BZ-LOG-005", "BZ-LOG-003")
def test_a_failure_says_what_where_and_why(failing: Result) -> None:
    text = terminal_text(failing)
    head, _, rest = text.partition(
        "FAIL  BZ-LOG-005  MUST  The own id is the phone's rolling id at that time\n"
    )
    assert "profile" in head
    flat = " ".join(rest.split())
    assert flat.startswith("found 1 own id from nowhere in the schedule")
    assert "expected 64C0D2707C49D2F0D5E3E348, slot 0 of day 1 (2020-08-09)" in flat
    assert "seen 000000000000000000000000, from nowhere" in flat
    assert "where log0, row 1, 2020-08-09T00:07:00.000+00:00: 000000000000000000000000" in flat
    assert "why The own id ties a log to its phone, and shows whether the phone followed the clock." in flat
    assert "BZ-LOG-005 MUST FAIL 1 of 200 own ids not as the schedule says" in flat


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-003")
def test_what_was_judged_and_what_was_not_follow(failing: Result) -> None:
    text = terminal_text(failing)
    places = [
        text.index(part) for part in ("\njudged (", "\ninconclusive (", "\nnot observable with", "\nnotes\n")
    ]
    assert places == sorted(places)
    assert "partial  " in text
    assert re.search(r"evidence_missing +BZ-KEY-002 to 010, BZ-ADV-001 to 011", text)
    assert re.search(r"capability_missing +BZ-RCV-001, BZ-RCV-003 to 005, BZ-PRV-016 to 017", text)
    assert re.search(r"BZ-LOG-001 +MUST +damaged +200 rows whole; 1 row could not be read", text)


@pytest.mark.req("BZ-LOG-005")
@pytest.mark.parametrize("width", [80, 60, 100])
def test_lines_fit_and_hold_no_escapes(failing: Result, width: int) -> None:
    text = terminal_text(failing, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())


@pytest.mark.req("BZ-LOG-005")
def test_colours_change_no_word(failing: Result) -> None:
    coloured = terminal_text(failing, color=True)
    assert "\x1b[1;31mFAIL\x1b[0m" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == terminal_text(failing).splitlines()


@pytest.mark.req("BZ-PRV-004")
def test_an_axis_can_be_left_out(failing: Result) -> None:
    text = terminal_text(failing, axes=[Axis.PRIVACY])
    assert text.startswith("privacy  PASS")
    assert "BZ-LOG" not in text
    assert "BZ-PRV-004" in text


@pytest.mark.req("BZ-LOG-003")
def test_many_places_are_cut_to_three(judged: Judged, good_log: bytes) -> None:
    text = terminal_text(judged(good_log.replace(b"\n", b"\r\n")))
    assert text.count("where") == 3
    assert re.search(r"\n +and 197 more\n", text)


@pytest.mark.req("BZ-LOG-005")
def test_what_does_not_apply_is_listed(judged: Judged, good_log: bytes) -> None:
    text = terminal_text(judged(good_log, profile="ios-v3"))
    assert re.search(r"not applicable to this profile \(\d+\)\n  BZ-KEY-001", text)
    assert "not applicable" not in terminal_text(judged(good_log))


@pytest.mark.req("BZ-LOG-005")
@pytest.mark.parametrize(
    ("kept", "headings"),
    [
        ({Verdict.PASS}, ["judged ("]),
        ({Verdict.INCONCLUSIVE}, ["inconclusive ("]),
        ({Verdict.NOT_OBSERVABLE}, ["not observable with"]),
        (set(), []),
    ],
)
def test_what_is_empty_has_no_heading(failing: Result, kept: set[Verdict], headings: list[str]) -> None:
    requirements = tuple(each for each in failing.requirements if each.verdict in kept)
    text = terminal_text(replace(failing, requirements=requirements, findings=(), diagnostics=()))
    parts = ["judged (", "inconclusive (", "not observable with", "not applicable to", "notes\n"]
    assert [part for part in parts if f"\n{part}" in text] == headings


@pytest.mark.req("BZ-KEY-001")
def test_a_finding_without_a_place_has_none(judged: Judged, good_log: bytes) -> None:
    text = terminal_text(judged(good_log, device={"base_id": "00" * 32, "base_day": "2020-08-08"}))
    finding = text[text.index("FAIL  BZ-KEY-001") : text.index("FAIL  BZ-LOG-005")]
    assert "where" not in finding
    assert "more" not in finding


@pytest.mark.req("BZ-LOG-003")
def test_nothing_in_the_evidence_steers_a_terminal(failing: Result) -> None:
    strange = "\x1b[2J\x07a\nb\u202e"
    finding = replace(
        failing.findings[0],
        summary=strange,
        expected=strange,
        seen=strange,
        evidence=(Evidence(EvidenceKind.INTERVAL, strange, text=strange),),
    )
    changed = replace(
        failing,
        findings=(finding,),
        diagnostics=(Diagnostic(strange, None, Severity.ERROR, strange),),
        inputs=tuple(replace(each, name=strange) for each in failing.inputs),
        devices=tuple(replace(each, label=strange) for each in failing.devices),
    )
    text = terminal_text(changed)
    assert all(each.isprintable() for each in text.replace("\n", ""))
    assert "\\x1b[2J\\x07a\\nb\\u202e" in text


@pytest.mark.req("BZ-LOG-001", "BZ-KEY-006")
def test_each_input_says_how_much_it_holds_and_a_device_how_its_clock_is_off(
    failing: Result, air: Judged, sends: Callable[..., list[Sighting]], good_device: dict[str, object]
) -> None:
    assert re.search(r"^ +\d+ rows$", terminal_text(failing), re.MULTILINE)
    from_ms = 1_596_844_800_000 + 30 * 86_400_000
    heard = sends(from_ms, from_ms + 6 * 3_600_000, offset_ms=-40_000)
    text = terminal_text(air(heard, device=good_device))
    packets = sum(each.count for each in heard)
    assert f"{packets} packets, {packets} adverts, {len(heard)} sightings" in text
    assert re.search(r"its clock is about \d+ s (\d+ ms )?behind the receivers'", text)
