"""What a vector's test reports, whatever the implementation does and the file of deviations says."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

import pytest

from bluezone_harness.implementations.deviations import AppliedDeviations, Deviation, DeviationKind
from bluezone_harness.implementations.processes import ProcessLink
from bluezone_harness.implementations.runner import Outcome, VectorOutcome, run_vectors
from bluezone_harness.implementations.session import Session
from bluezone_harness.pytest_plugin.suite import SuiteRun
from bluezone_vectors.pack import Vector, load

pytest_plugins = ("pytester",)

FAULT = "no-salt"
VECTOR = "derive-ids-executed-zero-max-96-day-2"
OTHER = "derive-ids-captured-phone-a-max-96-day-0"
SUITE = ("--pyargs", "bluezone_vectors.suite")

Run = Callable[..., pytest.RunResult]
AdapterOf = Callable[..., str]


def test_a_fault_fails_its_vectors_and_is_named(run: Run, adapter: AdapterOf) -> None:
    chosen = ("-k", f"{VECTOR} or decode-push", "--bluezone-seed", "7")
    done = run(*SUITE, "--implementation", adapter(FAULT), *chosen)
    outcomes = done.parseoutcomes()
    assert outcomes["failed"] == 1
    assert outcomes["passed"] > 1
    text = done.stdout.str()
    assert "BZ-KEY-003" in text
    assert f"looks like: {FAULT}" in text
    assert "a selection: " in text
    assert "which gives the 1 wrong answer" in text
    assert "seed 7" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("fault", ["half-open-interval", "hidden-state"])
def test_the_verdicts_are_those_of_bzc_implementation_run(run: Run, adapter: AdapterOf, fault: str) -> None:
    with Session(lambda: ProcessLink(shlex.split(adapter(fault)))) as session:
        expected = {
            each.vector.id for each in run_vectors(session, load().vectors, seed=3).outcomes if each.failed
        }
    done = run(*SUITE, "--implementation", adapter(fault), "--bluezone-seed", "3", "-rf", "--tb=no", "-q")
    failed = {
        line.partition("[")[2].partition("]")[0] for line in done.outlines if line.startswith("FAILED ")
    }
    assert failed == expected
    assert expected
    assert "not conformant: " in done.stdout.str()


def test_a_known_failure_is_expected(run: Run, adapter: AdapterOf, deviations: Callable[..., str]) -> None:
    known = ("--deviations", deviations(VECTOR), "--implementation", adapter(FAULT))
    chosen = (*SUITE, "-k", f"{VECTOR} or test_deviations", *known)
    done = run(*chosen)
    outcomes = done.parseoutcomes()
    assert (done.ret, outcomes["xfailed"], outcomes["passed"]) == (0, 1, 1)
    assert "0 of 1 vectors hold, 1 are known not to" in done.stdout.str()
    assert run(*chosen, "--runxfail").parseoutcomes()["failed"] == 1
    assert run(*chosen, "--bluezone-strict").parseoutcomes()["failed"] == 1


@pytest.mark.parametrize(
    ("entry", "faulty", "said"),
    [
        ((VECTOR,), "", ["take it out", "a vector that it names holds"]),
        ((VECTOR, "crash"), FAULT, ["it expects crash", "fails in another way"]),
        (
            (VECTOR, "ok", "expires = 2001-01-01"),
            FAULT,
            ["it expects ok, until 2001-01-01", "it has expired"],
        ),
        (("there-is-none",), "", ["there is no such vector"]),
        (("derive-ids-*", "ok", "count = 1"), FAULT, ["more or fewer"]),
    ],
)
def test_an_entry_that_is_not_true_fails(
    run: Run,
    adapter: AdapterOf,
    deviations: Callable[..., str],
    entry: tuple[str, ...],
    faulty: str,
    said: Sequence[str],
) -> None:
    known = ("--deviations", deviations(*entry), "-k", f"{VECTOR} or test_deviations")
    done = run(*SUITE, "--implementation", adapter(faulty), *known)
    assert done.ret == 1
    assert [text for text in said if text not in done.stdout.str()] == []


def test_an_adapter_of_no_use_ends_the_run_at_once(run: Run) -> None:
    done = run(*SUITE, "--implementation", "./there-is-none")
    assert done.ret == 1
    assert done.parseoutcomes() == {"errors": 1}
    assert "the adapter cannot be tested: './there-is-none' cannot be started" in done.stdout.str()


def test_what_was_not_asked_does_not_pass(run: Run, written_adapter: Callable[[str], str]) -> None:
    """Here the first question breaks the adapter for good."""
    breaks = written_adapter("pathlib.Path('own_adapter.py').write_text('raise SystemExit(3)'); os._exit(3)")
    done = run(*SUITE, "--implementation", breaks, "-k", f"{VECTOR} or {OTHER}")
    assert done.parseoutcomes()["failed"] == 2
    assert "was not asked: the adapter could not be started again" in done.stdout.str()
    assert "the process ended with exit code 3" in done.stdout.str()


# --- by level -----------------------------------------------------------------------------------------------


def vector_of(level: str) -> Vector:
    return next(vector for vector in load().vectors if (vector.level, vector.profile) == (level, "v3"))


def suite_run(
    found: VectorOutcome, *, strict: bool = False, deviations: tuple[Deviation, ...] = ()
) -> SuiteRun:
    return SuiteRun({found.vector.id: found}, deviations, AppliedDeviations(), "", strict, {}, ())


@pytest.mark.parametrize(
    ("level", "outcome", "strict", "reported"),
    [
        ("MUST", Outcome.OK, False, pytest.fail.Exception),
        ("MUST", Outcome.UNSUPPORTED, False, pytest.fail.Exception),
        ("SHOULD", Outcome.OK, False, pytest.xfail.Exception),
        ("SHOULD", Outcome.OK, True, pytest.fail.Exception),
        ("MAY", Outcome.OK, False, pytest.xfail.Exception),
        ("MAY", Outcome.OK, True, pytest.xfail.Exception),
        ("MAY", Outcome.UNSUPPORTED, False, pytest.skip.Exception),
        ("MAY", Outcome.UNSUPPORTED, True, pytest.skip.Exception),
    ],
)
def test_a_failure_counts_by_its_level(
    level: str, outcome: Outcome, strict: bool, reported: type[BaseException]
) -> None:
    vector = vector_of(level)
    with pytest.raises(reported):
        suite_run(VectorOutcome(vector, outcome, text="wrong"), strict=strict).judge(vector)


@pytest.mark.parametrize("level", ["MUST", "SHOULD", "MAY"])
def test_an_entry_that_does_not_cover_a_failure_fails_whatever_the_level(level: str) -> None:
    vector = vector_of(level)
    entry = Deviation(vector.id, DeviationKind.WONTFIX, Outcome.CRASH, "boom", "as it was shipped")
    with pytest.raises(pytest.fail.Exception, match="it expects crash with 'boom'\n"):
        suite_run(VectorOutcome(vector, Outcome.UNSUPPORTED), deviations=(entry,)).judge(vector)


def test_a_failure_shows_no_control_characters() -> None:
    vector = vector_of("MUST")
    with pytest.raises(pytest.fail.Exception) as raised:
        suite_run(VectorOutcome(vector, Outcome.CRASH, text="\x1b[2J\nboom")).judge(vector)
    assert "\\x1b[2J\\nboom" in str(raised.value)
