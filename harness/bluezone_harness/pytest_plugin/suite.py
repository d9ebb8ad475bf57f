"""The vectors as tests: all that were selected are asked at once, and each test reports what came of its own.

Theory of operation. ``run_suite`` asks as ``bzc implementation run`` does: in two shuffled rounds, in one session; so
the verdicts are the same, and an implementation with a memory is found out. A failure that the file of deviations knows
is an expected failure (``x``); one that the file is wrong about, and a vector that holds although the file names it,
fails. A failed SHOULD is expected as well, unless the run is strict; a failed MAY always is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from bluezone_harness.findings import AcceptState
from bluezone_harness.implementations.answers import answer_text, expected_text
from bluezone_harness.implementations.deviations import AppliedDeviations, Deviation, DeviationFile, compare
from bluezone_harness.implementations.links import AdapterError
from bluezone_harness.implementations.results import conclusion, result_of
from bluezone_harness.implementations.run_diagnosis import diagnosed
from bluezone_harness.implementations.runner import Outcome, Run, VectorOutcome, question_of, run_vectors
from bluezone_harness.pytest_plugin.implementation import fail, session_with, unusable
from bluezone_harness.pytest_plugin.settings import Settings, read_settings, vectors_of
from bluezone_harness.reports.texts import plain
from bluezone_spec import load as load_specification
from bluezone_vectors.pack import Vector, load

_QUESTION_SHOWN = 600
_STATES = {
    AcceptState.UNMATCHED: "there is no such vector",
    AcceptState.PASSED: "a vector that it names holds",
    AcceptState.CHANGED: "a vector that it names fails in another way",
    AcceptState.MISCOUNTED: "it names more or fewer vectors than its count says",
    AcceptState.EXPIRED: "it has expired",
}


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """What came of the vectors that were selected.

    Attributes:
        outcomes: By the vector's id.
        deviations: The entries of the file.
        applied: What they are worth.
        given_up: Why the rest was not asked; empty where all was.
        strict: Failed SHOULDs and deviations count.
        properties: What JUnit says of the whole.
        summary: What is said at the end, a line each.
    """

    outcomes: Mapping[str, VectorOutcome]
    deviations: tuple[Deviation, ...]
    applied: AppliedDeviations
    given_up: str
    strict: bool
    properties: Mapping[str, str]
    summary: tuple[str, ...]

    def judge(self, vector: Vector) -> None:
        """Report a vector: return where it holds, and else raise what pytest knows as failed, expected or skipped."""
        found = self.outcomes[vector.id]
        number = self.applied.numbers.get(vector.id)
        entry = self._entry(vector.id)
        if found.outcome is Outcome.NOT_ASKED:
            fail(f"{vector.id} was not asked: {self.given_up}")
        if not found.failed:
            if entry is not None:
                named = f"the deviation {entry.vector!r} says that it does not"
                fail(f"{vector.id} holds, but {named}: take it out")
            return
        text = _failure_text(found)
        if number is not None:
            if not self.strict:
                _expected(f"{self.applied.acceptances[number].reason}: {plain(found.text)}", text)
        elif entry is not None:
            text = f"the deviation {entry.vector!r} does not cover it: {_expectation(entry)}\n{text}"
        elif vector.level == "MAY" and found.outcome is Outcome.UNSUPPORTED:
            pytest.skip(f"a MAY that is not supported: {plain(found.text)}")
        elif vector.level == "MAY" or (vector.level == "SHOULD" and not self.strict):
            _expected(f"a {vector.level}, which does not count: {plain(found.text)}", text)
        fail(text)

    def judge_deviations(self) -> None:
        """Report the file of deviations: fail where an entry is no longer true."""
        wrong = [each for each in self.applied.entries if each.state is not AcceptState.APPLIED]
        if wrong:
            lines = [f"  entry {each.number} ({each.vector}): {_STATES[each.state]}" for each in wrong]
            fail("\n".join(["the file of deviations is no longer true:", *lines]))

    def _entry(self, vector: str) -> Deviation | None:
        """Return the entry that accepts a vector's failure, or else the first that names the vector."""
        number = self.applied.numbers.get(vector)
        if number is not None:
            return self.deviations[number - 1]
        return next((each for each in self.deviations if each.names(vector)), None)


def run_suite(session: pytest.Session, chosen_ids: Collection[str]) -> SuiteRun:
    """Ask the implementation the vectors that were selected; fail, and end the run, where that cannot be done.

    Args:
        session: Of pytest.
        chosen_ids: Ids of vectors of the profile.
    """
    try:
        settings = read_settings(session.config)
    except pytest.UsageError as problem:
        _end(session, str(problem))
    known = settings.deviations or DeviationFile()
    vectors = vectors_of(session.config)
    # the order of the pack, not that of the tests: what shuffles tests does not change what a seed means
    chosen = [vector for vector in vectors if vector.id in chosen_ids]
    with session_with(settings) as asking:
        try:
            run = run_vectors(
                asking, chosen, profile=settings.profile, seed=settings.seed, error_map=known.error_map
            )
        except AdapterError as problem:
            _end(session, unusable(problem))
    run = diagnosed(run)
    left_out = {vector.id for vector in load().vectors if vector.id not in chosen_ids}
    today = datetime.now(UTC).date()  # noqa: TID251 - the shell is where the clock is
    applied = compare(known.deviations, run.outcomes, today, left_out)
    return SuiteRun(
        {each.vector.id: each for each in run.outcomes},
        known.deviations,
        applied,
        run.given_up,
        settings.strict,
        _properties(run, settings),
        _summary(run, applied, is_whole=len(chosen) == len(vectors)),
    )


def _end(session: pytest.Session, reason: str) -> NoReturn:
    """Fail a test, and let no other follow: hundreds of times the same sentence says nothing more."""
    session.shouldfail = reason
    fail(reason)


def _properties(run: Run, settings: Settings) -> dict[str, str]:
    pack = load()
    return {
        "bluezone.implementation": plain(f"{run.hello.name} {run.hello.version} ({run.hello.language})"),
        "bluezone.vectors": f"{pack.version}, sha256 {pack.digest}",
        "bluezone.profile": settings.profile,
        "bluezone.seed": str(settings.seed),
    }


def _summary(run: Run, applied: AppliedDeviations, *, is_whole: bool) -> tuple[str, ...]:
    result = result_of(load_specification(), run, load(), applied)
    word = conclusion(result) if is_whole else "a selection"
    holding = sum(not each.failed and each.outcome is not Outcome.NOT_ASKED for each in run.outcomes)
    known = f", {len(applied.numbers)} are known not to" if applied.numbers else ""
    first = (
        f"{run.hello.name} {run.hello.version}, {run.profile}: {word}: {holding} of {len(run.outcomes)} vectors"
        f" hold{known}; {run.asked} questions, seed {run.seed}"
    )
    more = [each.message for each in result.diagnostics[1:]]
    return tuple(plain(line) for line in (first, *more))


def _expectation(entry: Deviation) -> str:
    match = f" with {entry.match!r}" if entry.match else ""
    until = "" if entry.expires is None else f", until {entry.expires}"
    return f"it expects {entry.outcome}{match}{until}"


def _expected(reason: str, text: str) -> NoReturn:
    pytest.xfail(reason)
    # under --runxfail the line above does nothing
    fail(text)


def _failure_text(found: VectorOutcome) -> str:
    """Return what is wrong with an answer, for people."""
    vector, (op, question) = found.vector, question_of(found.vector)
    asked = json.dumps(question, ensure_ascii=False)
    lines = [
        f"{vector.id} ({vector.level}, {', '.join(vector.requirements)}): {vector.comment}",
        f"  asked:    {op} {asked if len(asked) <= _QUESTION_SHOWN else asked[:_QUESTION_SHOWN] + '…'}",
        f"  expected: {expected_text(vector.expect)}",
        f"  answered: {'nothing' if found.answer is None else answer_text(found.answer)}",
        f"  wrong:    {found.outcome}: {found.text}",
    ]
    if found.looks_like:
        lines.append(f"  looks like: {', '.join(found.looks_like)}")
    flags = load().flags
    lines += [f"  in the field ({flag}): {flags[flag]}" for flag in vector.flags]
    return "\n".join(map(plain, lines))
