"""Faulty readers of positive cases: cases taken that are to be refused, or read as others than they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Container
from dataclasses import replace

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_reference.errors import MalformedError, RejectCode
from bluezone_reference.key_schedule import day_start_ms
from bluezone_reference.positive_cases import PositiveCase, RejectedCase

from .matchings import Cases, decoded, evaluated
from .model import Change, FaultyImplementation, asked_instead, computed, with_integers


def taken(*codes: RejectCode) -> Callable[[Asked], Cases]:
    """Return a reader that takes the cases which the reference refuses with one of these codes, as they stand."""

    def cases_of(question: Asked) -> Cases:
        cases = decoded(question)
        written = json.loads(questions.text(question, "message").removeprefix("\ufeff"))["data"]
        return [
            _as_it_stands(written[index], case) if _refused(case, codes) else case
            for index, case in enumerate(cases)
        ]

    return cases_of


def _refused(case: PositiveCase | RejectedCase, codes: Container[RejectCode]) -> bool:
    return (
        isinstance(case, RejectedCase) and isinstance(case.error, MalformedError) and case.error.code in codes
    )


def _as_it_stands(item: Asked, case: PositiveCase | RejectedCase) -> PositiveCase | RejectedCase:
    """Take a case as it is written, or leave it refused where no slots can be cut from it."""
    try:
        day_key = bytes.fromhex(questions.text(item, "daily_key"))
    except ValueError:
        return case
    start_s, end_s, slots = (questions.integer(item, name) for name in ("time_start", "time_end", "max"))
    return PositiveCase(day_key, start_s * 1000, end_s * 1000, slots) if 0 < slots <= 86_400_000 else case


def rewritten_cases(change: Callable[[dict[str, object]], dict[str, object]]) -> dict[str, Change]:
    """Answer ``match`` as if each case of the message were written otherwise."""

    def rewritten(question: Asked) -> Asked:
        try:
            message = json.loads(questions.text(question, "message").removeprefix("\ufeff"))
            data = [change(item) if isinstance(item, dict) else item for item in message["data"]]
        except (ValueError, TypeError, KeyError, RecursionError):
            return question  # no message of cases: the reference says so
        return {**question, "message": json.dumps(message | {"data": data})}

    return asked_instead(rewritten, "match")


def _padded(case: dict[str, object]) -> dict[str, object]:
    key = case.get("daily_key")
    return case | {"daily_key": "0" + key} if isinstance(key, str) and len(key) % 2 else case


def _numbers(case: dict[str, object]) -> dict[str, object]:
    return with_integers(case, ("time_start", "time_end", "max"))


def _own_max(case: dict[str, object]) -> dict[str, object]:
    value = case.get("max")
    allowed = type(value) is int and 2 <= value <= 86_400 and 86_400_000 % value == 0
    return case | {"max": 96} if allowed else case


def _milliseconds(question: Asked) -> Cases:
    return [
        case
        if isinstance(case, RejectedCase)
        else replace(case, time_start_ms=case.time_start_ms // 1000, time_end_ms=case.time_end_ms // 1000)
        for case in decoded(question)
    ]


def _at_midnight(question: Asked) -> Cases:
    # a case without slots has no hits
    return [
        case
        if isinstance(case, RejectedCase) or case.time_start_ms == day_start_ms(case.time_start_ms)
        else replace(case, time_end_ms=case.time_start_ms - 1)
        for case in decoded(question)
    ]


def _taken(*codes: RejectCode) -> dict[str, Change]:
    cases_of = taken(*codes)
    return computed(lambda question: evaluated(question, cases_of=cases_of), "match")


CASES = (
    FaultyImplementation(
        "any-case-length",
        "F-07",
        "BZ-MAT-006",
        "evaluates a case of any length",
        _taken(RejectCode.CASE_TOO_LONG),
    ),
    FaultyImplementation(
        "any-key-length",
        "F-16",
        "BZ-MAT-005",
        "computes with a day key of any length",
        _taken(RejectCode.BAD_DAY_KEY),
    ),
    FaultyImplementation(
        "backward-case",
        "",
        "BZ-MAT-005",
        "takes a case whose end is before its start for one without slots",
        _taken(RejectCode.TIME_END_BEFORE_TIME_START),
    ),
    FaultyImplementation(
        "any-time",
        "",
        "BZ-MAT-005",
        "computes with times before 1970 and after 9999",
        _taken(RejectCode.BAD_TIME, RejectCode.CASE_TOO_LONG),
    ),
    FaultyImplementation(
        "odd-hex-padded",
        "F-16",
        "BZ-MAT-005",
        "puts a zero in front of a day key with an odd number of digits",
        rewritten_cases(_padded),
    ),
    FaultyImplementation(
        "lenient-numbers",
        "",
        "BZ-MAT-005",
        "takes text, fractions and booleans for integers",
        rewritten_cases(_numbers),
    ),
    FaultyImplementation(
        "own-max",
        "",
        "BZ-MAT-001",
        "expands every case with a max of 96, whatever the case says",
        rewritten_cases(_own_max),
    ),
    FaultyImplementation(
        "midnight-starts-only",
        "",
        "BZ-MAT-007",
        "evaluates no case that starts at another time than midnight",
        computed(lambda question: evaluated(question, cases_of=_at_midnight), "match"),
    ),
    FaultyImplementation(
        "milliseconds-in-cases",
        "",
        "BZ-MSG-002",
        "reads the times of a case as milliseconds",
        computed(lambda question: evaluated(question, cases_of=_milliseconds), "match"),
    ),
)
"""Those of reading positive cases."""
