"""Answers that cannot be are refused; the heaviest verdict wins."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.findings import (
    EVIDENCE_SHOWN,
    Evidence,
    EvidenceKind,
    Ground,
    Judgement,
    Reason,
    Verdict,
    combined,
    failed,
    ground,
    heaviest,
    inconclusive,
    not_observable,
    passed,
)

ROW = Evidence(EvidenceKind.ROW, "log", 1)
GROUND = Ground("a row is wrong", "this", "that", 1, (ROW,))


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize(
    ("verdict", "judged", "failures", "reason", "grounds"),
    [
        (Verdict.PASS, 0, 0, None, ()),  # nothing judged is no pass
        (Verdict.PASS, 1, 1, None, ()),
        (Verdict.PASS, 1, 0, None, (GROUND,)),
        (Verdict.PASS, 1, 0, Reason.DAMAGED, ()),
        (Verdict.FAIL, 1, 0, None, (GROUND,)),
        (Verdict.FAIL, 1, 2, None, (GROUND,)),
        (Verdict.FAIL, 1, 1, None, ()),
        (Verdict.FAIL, 1, 1, Reason.DAMAGED, (GROUND,)),
        (Verdict.INCONCLUSIVE, 1, 0, None, ()),
        (Verdict.NOT_OBSERVABLE, 0, 0, None, ()),
    ],
)
def test_an_answer_that_contradicts_itself_is_refused(
    verdict: Verdict, judged: int, failures: int, reason: Reason | None, grounds: tuple[Ground, ...]
) -> None:
    with pytest.raises(ValueError, match=r"pass|failure|reason"):
        Judgement(verdict, "", judged, failures, reason, grounds)


@pytest.mark.req("BZ-LOG-001")
def test_answers_that_hold_together_are_made() -> None:
    assert passed(2, "both").verdict is Verdict.PASS
    assert failed(2, 1, "one", [GROUND]).failed == 1
    assert inconclusive(Reason.TOO_SHORT, "too short").reason is Reason.TOO_SHORT
    assert not_observable(Reason.EVIDENCE_MISSING, "no evidence").judged == 0


@pytest.mark.req("BZ-LOG-001")
def test_a_ground_shows_the_first_ten_and_counts_all() -> None:
    pieces = [Evidence(EvidenceKind.ROW, "log", number) for number in range(25)]
    made = ground("rows are wrong", "this", "that", pieces)
    assert [each.number for each in made.evidence] == list(range(EVIDENCE_SHOWN))
    assert EVIDENCE_SHOWN == 10
    assert made.count == 25
    with pytest.raises(ValueError, match="counts"):
        Ground("", "", "", 1, tuple(pieces[:2]))
    with pytest.raises(ValueError, match="counts"):
        Ground("", "", "", 0, ())


@pytest.mark.req("BZ-LOG-001")
@given(st.lists(st.sampled_from(Verdict), min_size=1))
def test_a_failure_outweighs_all_and_doubt_a_pass(verdicts: list[Verdict]) -> None:
    found = heaviest(verdicts)
    assert found in verdicts
    if Verdict.FAIL in verdicts:
        assert found is Verdict.FAIL
    elif Verdict.INCONCLUSIVE in verdicts:
        assert found is Verdict.INCONCLUSIVE
    elif Verdict.PASS in verdicts:
        assert found is Verdict.PASS


@pytest.mark.req("BZ-LOG-001")
def test_the_order_of_verdicts_does_not_matter() -> None:
    assert {heaviest(each) for each in permutations(Verdict)} == {Verdict.FAIL}
    with pytest.raises(ValueError, match=r"empty|min"):
        heaviest([])


@pytest.mark.req("BZ-PRV-004", "BZ-KEY-001")
def test_several_answers_weigh_as_the_heaviest() -> None:
    good = passed(3, "three rows hold")
    bad = failed(5, 2, "two of five on-windows do not", [GROUND, GROUND])
    open_ = inconclusive(Reason.TOO_SHORT, "too short", judged=4, grounds=[GROUND])
    unseen = not_observable(Reason.EVIDENCE_MISSING, "no capture")
    assert combined([good]) == good
    assert combined([good, bad, open_]) == failed(12, 2, "two of five on-windows do not", [GROUND, GROUND])
    assert combined([open_, good]) == inconclusive(Reason.TOO_SHORT, "too short", judged=7, grounds=[GROUND])
    assert combined([unseen, good]) == good
    assert combined([good, passed(2, "two more")]) == passed(5, "three rows hold; two more")
    assert combined([unseen, unseen]) == unseen
    with pytest.raises(ValueError, match="empty"):
        combined([])
