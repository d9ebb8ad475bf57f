"""Faulty slots: other days, other bounds, ids where there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_reference.key_schedule import DAY_MS, KEY_OCTETS, LAST_DAY, SlotId
from bluezone_reference.profiles import V3, KeyScheduleRules, Profile

from .chains import RIGHT
from .instants import by_instant, day_asked, derived, right_id
from .model import Change, FaultyImplementation, answered_instead, asked_instead, computed, under

LOCAL_MS = 7 * 3_600_000
"""Vietnam's clocks are so far ahead of UTC."""
MOST_DAYS = 400_000
"""An implementation that knows no last day computes so far and no further."""


def _ahead(shift_ms: Callable[[int], int]) -> dict[str, Change]:
    """Answer as if the clock were ahead by what ``shift_ms`` says of the slots a day."""

    def found(question: Asked, time_ms: int, slots: int) -> SlotId:
        ahead_ms = shift_ms(slots)
        right = right_id(question, time_ms + ahead_ms, slots)
        return replace(
            right,
            valid_from_ms=right.valid_from_ms - ahead_ms,
            valid_until_ms=right.valid_until_ms - ahead_ms,
        )

    return by_instant(found)


def _rules(rules: KeyScheduleRules) -> Profile:
    return replace(V3, key_schedule=rules)


assert V3.key_schedule is not None  # noqa: S101 - only the first generation has none
_RULES = V3.key_schedule


def _of_any_base(question: Asked, time_ms: int, slots: int) -> SlotId:
    base_id = questions.octets(question, "base_id")
    full = question if len(base_id) == KEY_OCTETS else {**question, "base_id": "00" * KEY_OCTETS}
    right = right_id(full, time_ms, slots)
    return replace(right, rolling_id=_id_of(base_id, right.day, right.slot))


def _of_any_day(question: Asked, time_ms: int, slots: int) -> SlotId:
    day = day_asked(question, time_ms)
    if not LAST_DAY < day <= MOST_DAYS:
        return right_id(question, time_ms, slots)
    earlier_ms = (day - LAST_DAY) * DAY_MS
    right = right_id(question, time_ms - earlier_ms, slots)
    return SlotId(
        day,
        right.slot,
        _id_of(questions.octets(question, "base_id"), day, right.slot),
        right.valid_from_ms + earlier_ms,
        right.valid_until_ms + earlier_ms,
    )


def _id_of(base_id: bytes, day: int, slot: int) -> bytes:
    return next(islice(RIGHT.ids(RIGHT.day_key(base_id, day)), slot, None))


def _derived_of_any_base(question: Asked) -> object:
    return derived(question, {**question, "base_id": "00" * KEY_OCTETS})


def _derived_of_any_day(question: Asked) -> object:
    beyond = LAST_DAY < questions.integer(question, "day") <= MOST_DAYS
    return derived(question, {**question, "day": 0} if beyond else question)


def _wrapped(question: Asked) -> Asked:
    value = question.get("max", _RULES.default_max)
    slots = value if type(value) is int and value > 0 else _RULES.default_max
    return {**question, "slots": [slot % slots for slot in questions.integers(question, "slots")]}


def _since_midnight(question: Asked, value: dict[str, object]) -> object:
    return value | {
        name: questions.integer(value, name)
        - questions.integer(question, "base_day_ms")
        - questions.integer(value, "day") * DAY_MS
        for name in ("valid_from_ms", "valid_until_ms")
    }


def _until_included(question: Asked, value: dict[str, object]) -> object:
    return value | {"valid_until_ms": questions.integer(value, "valid_until_ms") - 1}


SLOTS = (
    FaultyImplementation(
        "local-day",
        "",
        "BZ-KEY-002",
        "counts days and slots by Vietnam's local time, seven hours ahead of UTC",
        _ahead(lambda slots: LOCAL_MS),
    ),
    FaultyImplementation(
        "slot-late",
        "",
        "BZ-KEY-006",
        "uses each id one slot late",
        _ahead(lambda slots: -DAY_MS // slots),
    ),
    FaultyImplementation(
        "slot-early",
        "",
        "BZ-KEY-006",
        "uses each id one slot early",
        _ahead(lambda slots: DAY_MS // slots),
    ),
    FaultyImplementation(
        "boundary-late",
        "",
        "BZ-KEY-006",
        "counts the first millisecond of a slot to the slot before",
        _ahead(lambda slots: -1),
    ),
    FaultyImplementation(
        "boundary-early",
        "",
        "BZ-KEY-006",
        "counts the last millisecond of a slot to the slot after",
        _ahead(lambda slots: 1),
    ),
    FaultyImplementation(
        "rounded-slot",
        "F-02",
        "BZ-KEY-006",
        "divides whole seconds by a floating slot length, so that some slots begin late",
        under(_rules(replace(_RULES, slot_arithmetic="float_s")), "id_at", "ids_over_time", "receive"),
    ),
    FaultyImplementation(
        "right-ids-wrong-times",
        "",
        "BZ-KEY-006",
        "gives right ids, and counts the ends of their validity from midnight",
        answered_instead(_since_midnight, "id_at"),
    ),
    FaultyImplementation(
        "until-included",
        "",
        "BZ-KEY-006",
        "gives the last millisecond of a slot as its end, and not the first of the next",
        answered_instead(_until_included, "id_at"),
    ),
    FaultyImplementation(
        "wrapped-slot",
        "",
        "BZ-KEY-006",
        "counts a slot that the day does not have on from the other end of the day",
        asked_instead(_wrapped, "derive_ids"),
    ),
    FaultyImplementation(
        "before-base-day-ids",
        "F-12",
        "BZ-KEY-008",
        "answers for times before the base day with ids of the base id itself",
        under(
            _rules(replace(_RULES, before_base_day="base")), "derive_ids", "id_at", "ids_over_time", "receive"
        ),
    ),
    FaultyImplementation(
        "no-last-day",
        "",
        "BZ-KEY-003",
        "answers for days after the last day that is answered",
        {**by_instant(_of_any_day), **computed(_derived_of_any_day, "derive_ids")},
    ),
    FaultyImplementation(
        "any-base-id",
        "F-15",
        "BZ-KEY-001",
        "computes with a base id of any length, an empty one included",
        {**by_instant(_of_any_base), **computed(_derived_of_any_base, "derive_ids")},
    ),
)
"""Those of days, slots and what has no id."""
