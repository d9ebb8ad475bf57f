"""What a scenario expects of a judgement, against what came of it.

An expectation is met if the requirement has just that verdict, be it a failure: a scenario for a faulty app expects it
to fail. What is expected and came does not count for the exit code; what did not come ends with 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bluezone_harness.findings import Verdict
from bluezone_harness.results import Result
from bluezone_harness.verdicts import axis_verdict, exit_code
from bluezone_harness.virtual.scenarios.model import Expectation
from bluezone_spec.model import Axis


def unmet(result: Result, expectations: Sequence[Expectation]) -> list[str]:
    """Return a sentence for each expectation that does not hold; expectations about played phones are left out.

    Args:
        result: What came of judging the device under test.
        expectations: Of the scenario.
    """
    verdicts = {each.id: each.verdict for each in result.requirements}
    return [
        f"expected {each.requirement} {_text(each.verdict)}, found {_text(verdicts.get(each.requirement))}"
        for each in expectations
        if not each.phone and verdicts.get(each.requirement) is not each.verdict
    ]


def exit_code_beside(
    result: Result,
    expectations: Sequence[Expectation],
    axes: Sequence[Axis],
    *,
    strict: bool,
    allow_inconclusive: bool,
) -> int:
    """Return what a command ends with, where a scenario says what is expected.

    Args:
        result: What came of judging the device under test.
        expectations: Of the scenario.
        axes: What counts.
        strict: As of ``exit_code``.
        allow_inconclusive: As of ``exit_code``.

    Returns:
        1 where an expectation does not hold; else what all counts for of which nothing was expected.
    """
    if unmet(result, expectations):
        return 1
    met = {each.requirement for each in expectations if not each.phone}
    rest = tuple(each for each in result.requirements if each.id not in met)
    undecided = (Verdict.NOT_OBSERVABLE, Verdict.NOT_APPLICABLE)
    if met and all(each.verdict in undecided for each in rest):
        return 0
    without = replace(
        result,
        requirements=rest,
        conformance=axis_verdict(rest, Axis.CONFORMANCE),
        privacy=axis_verdict(rest, Axis.PRIVACY),
    )
    return exit_code(without, axes, strict=strict, allow_inconclusive=allow_inconclusive)


def _text(verdict: Verdict | None) -> str:
    return "nothing" if verdict is None else verdict.value.replace("_", " ")
