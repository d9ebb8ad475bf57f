"""Two results compared: every pair of verdicts, findings by what they say, and what counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.comparison import Change, Comparison, compare
from bluezone_harness.findings import Acceptance, Finding, Reason, Verdict
from bluezone_harness.results import Result, Suite
from bluezone_spec.model import Level

pytestmark = pytest.mark.req("BZ-LOG-003")

PASS, FAIL = Verdict.PASS, Verdict.FAIL
UNSEEN = (Verdict.INCONCLUSIVE, Verdict.NOT_OBSERVABLE, Verdict.NOT_APPLICABLE, None)
CHANGES: Mapping[tuple[Verdict | None, Verdict | None], Change] = {
    (PASS, FAIL): Change.WORSE,
    (FAIL, PASS): Change.BETTER,
    **{(PASS, each): Change.WORSE for each in UNSEEN},
    **{(each, FAIL): Change.WORSE for each in UNSEEN},
    **{(each, PASS): Change.NEWLY_SEEN for each in UNSEEN},
    **{(FAIL, each): Change.NO_LONGER_SEEN for each in UNSEEN},
    **{pair: Change.OTHER for pair in product(UNSEEN, UNSEEN) if pair[0] is not pair[1]},
}
"""All pairs of verdicts that differ, written out."""
NAME = "BZ-LOG-003"
KNOWN = Acceptance("known", date(2026, 12, 31))


@pytest.fixture(scope="module")
def base(judged: Callable[..., Result], good_log: bytes, good_device: Mapping[str, object]) -> Result:
    return judged(good_log, device=good_device)


@pytest.fixture(scope="module")
def found(judged: Callable[..., Result], good_device: Mapping[str, object]) -> Finding:
    """Return the finding of an export with CR before LF."""
    row = "B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191387\r\n"
    return next(
        each for each in judged(row.encode(), device=good_device).findings if each.requirement == NAME
    )


def said(base: Result, verdict: Verdict | None, *findings: Finding, level: Level = Level.MUST) -> Result:
    """Return a result that says one thing of one requirement, or does not know it."""
    one = next(each for each in base.requirements if each.id == NAME)
    undecided = verdict in (Verdict.INCONCLUSIVE, Verdict.NOT_OBSERVABLE)
    kept = (
        ()
        if verdict is None
        else (replace(one, verdict=verdict, level=level, reason=Reason.TOO_SHORT if undecided else None),)
    )
    return replace(base, requirements=kept, findings=findings)


def test_every_pair_of_verdicts_that_differ_is_written_out() -> None:
    verdicts = (*Verdict, None)
    assert set(CHANGES) == {(old, new) for old, new in product(verdicts, verdicts) if old is not new}


@pytest.mark.parametrize(("pair", "change"), CHANGES.items())
@pytest.mark.parametrize("level", Level)
def test_what_becomes_of_a_requirement(
    base: Result, pair: tuple[Verdict | None, Verdict | None], change: Change, level: Level
) -> None:
    comparison = compare(said(base, pair[0], level=level), said(base, pair[1], level=level))
    (only,) = comparison.requirements
    assert (only.id, only.change, only.level) == (NAME, change, level)
    assert (only.old.verdict, only.new.verdict) == pair
    assert comparison.worse == only.counts == (change is Change.WORSE and level is Level.MUST)
    assert comparison.of(change) == (only,)


@pytest.mark.parametrize("verdict", [*Verdict, None])
def test_the_same_verdict_is_no_change(base: Result, verdict: Verdict | None) -> None:
    assert compare(said(base, verdict), said(base, verdict)) == Comparison({}, (), (), (), ())


def test_reasons_are_told(base: Result) -> None:
    (only,) = compare(said(base, PASS), said(base, Verdict.INCONCLUSIVE)).requirements
    assert (only.old.reason, only.new.reason) == (None, Reason.TOO_SHORT)


def test_a_new_failure_that_is_accepted_is_worse_but_does_not_count(base: Result, found: Finding) -> None:
    accepted = replace(found, accepted=KNOWN)
    comparison = compare(said(base, PASS), said(base, FAIL, accepted))
    (only,) = comparison.of(Change.WORSE)
    assert (only.counts, only.old.accepted, only.new.accepted, comparison.worse) == (
        False,
        False,
        True,
        False,
    )
    assert compare(said(base, PASS), said(base, FAIL, accepted, found)).worse
    assert comparison.findings_new[0].accepted


def test_findings_are_the_same_whatever_their_numbers(base: Result, found: Finding) -> None:
    first = replace(found, summary="3 of 40 rows odd", count=3)
    again = replace(found, summary="4 of 50 rows odd", count=4)
    comparison = compare(said(base, FAIL, first), said(base, FAIL, again))
    assert comparison == Comparison({}, (), (), (), ())
    twice = compare(said(base, FAIL, first), said(base, FAIL, first, again))
    assert [each.summary for each in twice.findings_new] == ["4 of 50 rows odd"]
    assert twice.findings_gone == ()


@pytest.mark.parametrize(
    "other",
    [
        {"summary": "something else"},
        {"device": "Binh"},
        {"requirement": "BZ-LOG-004"},
        {"verdict": Verdict.INCONCLUSIVE},
    ],
)
def test_findings_that_say_something_else_are_others(
    base: Result, found: Finding, other: dict[str, str]
) -> None:
    new = replace(found, **other)  # type: ignore[arg-type]  # fields by name
    comparison = compare(said(base, FAIL, found), said(base, FAIL, new))
    assert [each.summary for each in comparison.findings_gone] == [found.summary]
    assert [(each.requirement, each.device, each.verdict) for each in comparison.findings_new] == [
        (new.requirement, new.device, new.verdict)
    ]


def test_a_finding_that_is_accepted_otherwise_is_named(base: Result, found: Finding) -> None:
    accepted = replace(found, accepted=KNOWN)
    there = compare(said(base, FAIL, found), said(base, FAIL, accepted))
    back = compare(said(base, FAIL, accepted), said(base, FAIL, found))
    assert [each.accepted for each in there.findings_accepted] == [True]
    assert [each.accepted for each in back.findings_accepted] == [False]
    assert there.requirements == back.requirements == ()


def test_what_differs_in_the_runs_is_named(base: Result) -> None:
    other = replace(base, profile="ios-v3", command="demo", suite=Suite("9.9", "0" * 64))
    assert compare(base, other).other_grounds == {
        "command": ("check", "demo"),
        "profile": ("v3", "ios-v3"),
        "version": (base.suite.version, "9.9"),
        "specification": (base.suite.digest, "0" * 64),
    }


def test_requirements_come_in_the_order_of_the_new_result(base: Result) -> None:
    first, second, third, *_ = base.requirements
    old = replace(base, requirements=(replace(third, verdict=PASS), replace(second, verdict=PASS)))
    new = replace(base, requirements=(replace(first, verdict=FAIL), replace(second, verdict=FAIL)))
    assert [each.id for each in compare(old, new).requirements] == [first.id, second.id, third.id]


@given(st.lists(st.tuples(st.sampled_from([*Verdict, None]), st.sampled_from([*Verdict, None])), max_size=12))
def test_nothing_is_worse_exactly_where_every_pass_is_kept_and_no_failure_is_new(
    base: Result, pairs: list[tuple[Verdict | None, Verdict | None]]
) -> None:
    musts = [each for each in base.requirements if each.level is Level.MUST]
    sides = [
        tuple(
            replace(must, verdict=verdict, reason=None)
            for must, verdict in zip(musts, (pair[side] for pair in pairs), strict=False)
            if verdict is not None
        )
        for side in (0, 1)
    ]
    old, new = (replace(base, requirements=side, findings=()) for side in sides)
    fine = all(was is now or (was is not PASS and now is not FAIL) for was, now in pairs)
    assert compare(old, new).worse is not fine
    assert len(compare(old, new).requirements) == len(compare(new, old).requirements)
