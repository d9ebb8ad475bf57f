"""What a scenario expects, against what came of judging."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.cli.expectations import exit_code_beside, unmet
from bluezone_harness.findings import Verdict
from bluezone_harness.results import Result
from bluezone_harness.virtual.scenarios.model import Expectation
from bluezone_spec.model import Axis

AXES = (Axis.CONFORMANCE, Axis.PRIVACY)
Judged = Callable[..., Result]


@pytest.fixture
def seconds(judged: Judged, short_search: None) -> Result:
    """The result of a log that counts seconds: BZ-LOG-004 fails."""
    return judged(b"%s\t%s\t-60\t1596866191\n" % (b"AB" * 12, b"CD" * 12))


def code(result: Result, *expectations: Expectation) -> int:
    return exit_code_beside(result, expectations, AXES, strict=False, allow_inconclusive=True)


def test_nothing_expected_changes_nothing(seconds: Result) -> None:
    assert (unmet(seconds, ()), code(seconds)) == ([], 1)


def test_a_failure_that_was_expected_does_not_count(seconds: Result) -> None:
    expected = Expectation("BZ-LOG-004", Verdict.FAIL, "")
    assert (unmet(seconds, [expected]), code(seconds, expected)) == ([], 0)
    other = Expectation("BZ-LOG-001", Verdict.PASS, "")
    assert code(seconds, other) == 1


def test_what_did_not_come_is_told(seconds: Result) -> None:
    expected = [
        Expectation("BZ-LOG-004", Verdict.PASS, ""),
        Expectation("BZ-KEY-002", Verdict.PASS, ""),
        Expectation("BZ-ABC-999", Verdict.PASS, ""),
        Expectation("BZ-ADV-001", Verdict.PASS, "An"),  # of a phone that is played
    ]
    assert unmet(seconds, expected) == [
        "expected BZ-LOG-004 pass, found fail",
        "expected BZ-KEY-002 pass, found not observable",
        "expected BZ-ABC-999 pass, found nothing",
    ]
    assert code(seconds, *expected) == 1


def test_where_all_was_expected_nothing_else_is_asked(seconds: Result) -> None:
    verdicts = [each for each in seconds.requirements if each.verdict in (Verdict.PASS, Verdict.FAIL)]
    rest = [each for each in seconds.requirements if each.verdict is Verdict.INCONCLUSIVE]
    expected = [Expectation(each.id, each.verdict, "") for each in [*verdicts, *rest]]
    assert exit_code_beside(seconds, expected, AXES, strict=False, allow_inconclusive=False) == 0
