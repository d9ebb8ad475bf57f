"""Faulty matching: other slots, other bounds, other answers.

``evaluated`` is matching in small parts, each of which a faulty implementation may replace. Whatever it replaces, the
work stays bounded: no case is expanded beyond ``MOST_SLOTS`` slots, nor beyond the last record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_reference.contact_log import Record
from bluezone_reference.errors import MalformedError
from bluezone_reference.key_schedule import day_start_ms
from bluezone_reference.matching import CaseSlot
from bluezone_reference.positive_cases import PositiveCase, RejectedCase, decode_cases

from .chains import RIGHT
from .model import FaultyImplementation, answered_instead, computed

MOST_SLOTS = 100_000
"""A case is expanded so far and no further."""
CLOCK_TOLERANCE_MS = 45_000
"""What a tolerant implementation allows before and after a slot: what checks of captures allow clocks."""
WEAK_DBM = -86
"""Below this RSSI the app shows an Android phone as far; matching has no part in that."""

Cases: TypeAlias = Sequence[PositiveCase | RejectedCase]
Within: TypeAlias = Callable[[CaseSlot, int], bool]


def decoded(question: Asked) -> Cases:
    """Return the cases of a question as the reference reads them."""
    return decode_cases(questions.text(question, "message").encode("utf-8", "surrogatepass"))


def _both_ends(slot: CaseSlot, time_ms: int) -> bool:
    return slot.start_ms <= time_ms <= slot.end_ms  # BZ-MAT-002


def _not_after(slot: CaseSlot, case: PositiveCase) -> bool:
    return slot.start_ms <= case.time_end_ms  # BZ-MAT-004


def _all_of(records: Sequence[Record], slot: CaseSlot) -> Iterable[tuple[int, Record]]:
    return enumerate(records)


def evaluated(
    question: Asked,
    *,
    cases_of: Callable[[Asked], Cases] = decoded,
    slots_of: Callable[[PositiveCase], Iterator[CaseSlot]] = RIGHT.expanded,
    is_tested: Callable[[CaseSlot, PositiveCase], bool] = _not_after,
    is_within: Within = _both_ends,
    searched: Callable[[Sequence[Record], CaseSlot], Iterable[tuple[int, Record]]] = _all_of,
) -> dict[str, object]:
    """Answer a ``match`` question; what stands in the defaults is right.

    Args:
        question: With a message and records.
        cases_of: Gives the cases.
        slots_of: Gives the slots of a case, which may go on without end.
        is_tested: Whether a slot is still one of the case's; the first that is not ends it.
        is_within: Whether a record's time lies in a slot.
        searched: The records that are looked at for a slot, each with its index.
    """
    records = questions.records(question)
    last_ms = max((record.time_ms for record in records), default=0) + CLOCK_TOLERANCE_MS
    found: list[dict[str, object]] = []
    for case in cases_of(question):
        if isinstance(case, RejectedCase):
            found.append({"reject": str(case.error.code) if isinstance(case.error, MalformedError) else ""})
            continue
        hits: list[object] = []
        for count, slot in enumerate(slots_of(case)):
            if not is_tested(slot, case) or slot.start_ms > last_ms or count >= MOST_SLOTS:
                break
            hits.extend(
                {"record": index, "day": slot.day, "slot": slot.slot}
                for index, record in searched(records, slot)
                if record.contact_id == slot.rolling_id and is_within(slot, record.time_ms)
            )
        found.append({"contact": bool(hits), "hits": hits})
    return answer_value(found)


def answer_value(cases: list[dict[str, object]]) -> dict[str, object]:
    """Return the answer of these cases."""
    return {"contact": any(case.get("contact") is True for case in cases), "cases": cases}


def _within(name: str, fault: str, requirement: str, text: str, is_within: Within) -> FaultyImplementation:
    changes = computed(lambda question: evaluated(question, is_within=is_within), "match")
    return FaultyImplementation(name, fault, requirement, text, changes)


def _anchored_at_midnight(case: PositiveCase) -> Iterator[CaseSlot]:
    from_midnight = RIGHT.expanded(replace(case, time_start_ms=day_start_ms(case.time_start_ms)))
    return (slot for slot in from_midnight if slot.end_ms > case.time_start_ms)


def _until_a_later_record(records: Sequence[Record], slot: CaseSlot) -> Iterator[tuple[int, Record]]:
    for index, record in enumerate(records):
        if record.time_ms > slot.end_ms:
            return
        yield index, record


def _strong(records: Sequence[Record], slot: CaseSlot) -> Iterable[tuple[int, Record]]:
    return [(index, record) for index, record in enumerate(records) if record.rssi >= WEAK_DBM]


def _each_case(
    change: Callable[[int, list[dict[str, object]]], dict[str, object]],
) -> Callable[[Asked, dict[str, object]], object]:
    """Rewrite the cases of a right answer, each by its index and all of them."""

    def rewritten(question: Asked, value: dict[str, object]) -> object:
        cases = [dict(case) for case in questions.parts(value, "cases")]
        return answer_value([change(index, cases) for index in range(len(cases))])

    return rewritten


_NO_HITS: dict[str, object] = {"contact": False, "hits": []}


def _first_hit_alone(index: int, cases: list[dict[str, object]]) -> dict[str, object]:
    if any(case.get("contact") for case in cases[:index]):
        return _NO_HITS
    hits = cases[index].get("hits")
    return cases[index] | {"hits": hits[:1]} if isinstance(hits, list) else cases[index]


def _none_beside_bad(index: int, cases: list[dict[str, object]]) -> dict[str, object]:
    hidden = any("reject" in case for case in cases) and "reject" not in cases[index]
    return _NO_HITS if hidden else cases[index]


def _none_after_bad(index: int, cases: list[dict[str, object]]) -> dict[str, object]:
    return _NO_HITS if any("reject" in case for case in cases[:index]) else cases[index]


def _in_log_order(index: int, cases: list[dict[str, object]]) -> dict[str, object]:
    case = cases[index]
    if "reject" in case:
        return case
    return case | {
        "hits": sorted(questions.parts(case, "hits"), key=lambda hit: questions.integer(hit, "record"))
    }


MATCHINGS = (
    _within(
        "half-open-interval",
        "F-03",
        "BZ-MAT-002",
        "does not match a record at the end of its slot",
        lambda slot, time_ms: slot.start_ms <= time_ms < slot.end_ms,
    ),
    _within(
        "open-start",
        "F-03",
        "BZ-MAT-002",
        "does not match a record at the first millisecond of its slot",
        lambda slot, time_ms: slot.start_ms < time_ms <= slot.end_ms,
    ),
    _within(
        "tolerant-matching",
        "F-05",
        "BZ-MAT-003",
        f"matches records up to {CLOCK_TOLERANCE_MS // 1000} s outside the slot of their id",
        lambda slot, time_ms: (
            slot.start_ms - CLOCK_TOLERANCE_MS <= time_ms <= slot.end_ms + CLOCK_TOLERANCE_MS
        ),
    ),
    _within(
        "seconds-matching",
        "",
        "BZ-MAT-002",
        "cuts the times of records to whole seconds before it matches them",
        lambda slot, time_ms: _both_ends(slot, time_ms - time_ms % 1000),
    ),
    _within(
        "any-time-matching",
        "",
        "BZ-MAT-003",
        "matches a right id whatever the time of its record",
        lambda slot, time_ms: True,
    ),
    FaultyImplementation(
        "no-slot-at-end",
        "F-04",
        "BZ-MAT-004",
        "does not test the slot that begins at time_end",
        computed(
            lambda question: evaluated(
                question, is_tested=lambda slot, case: slot.start_ms < case.time_end_ms
            ),
            "match",
        ),
    ),
    FaultyImplementation(
        "whole-slots-only",
        "",
        "BZ-MAT-004",
        "tests no slot that ends after time_end",
        computed(
            lambda question: evaluated(
                question, is_tested=lambda slot, case: slot.end_ms <= case.time_end_ms
            ),
            "match",
        ),
    ),
    FaultyImplementation(
        "anchored-at-midnight",
        "F-06",
        "BZ-MAT-001",
        "counts the slots of a case from midnight and not from time_start",
        computed(lambda question: evaluated(question, slots_of=_anchored_at_midnight), "match"),
    ),
    FaultyImplementation(
        "stops-at-first",
        "",
        "BZ-MAT-008",
        "stops at the first hit of the first case that has one",
        answered_instead(_each_case(_first_hit_alone), "match"),
    ),
    FaultyImplementation(
        "one-bad-case-hides-all",
        "F-16",
        "BZ-MAT-005",
        "gives no hits of any case where one case of the message is refused",
        answered_instead(_each_case(_none_beside_bad), "match"),
    ),
    FaultyImplementation(
        "one-bad-case-hides-later",
        "",
        "BZ-MAT-005",
        "evaluates no case after one that is refused",
        answered_instead(_each_case(_none_after_bad), "match"),
    ),
    FaultyImplementation(
        "hits-in-log-order",
        "",
        "BZ-MAT-008",
        "names hits in the order of the log and not of the slots",
        answered_instead(_each_case(_in_log_order), "match"),
    ),
    FaultyImplementation(
        "depends-on-order",
        "",
        "BZ-MAT-008",
        "takes the log to be in the order of time, and searches for a slot up to the first record after it",
        computed(lambda question: evaluated(question, searched=_until_a_later_record), "match"),
    ),
    FaultyImplementation(
        "strong-signals-only",
        "",
        "BZ-MAT-002",
        f"matches no record weaker than {WEAK_DBM} dBm",
        computed(lambda question: evaluated(question, searched=_strong), "match"),
    ),
)
"""Those of matching, malformed cases aside."""
