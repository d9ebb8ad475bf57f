"""Faulty ``max``: values taken that are to be refused, or refused that are to mean the default."""

from __future__ import annotations

from itertools import islice

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_reference.errors import RefusedError, RejectCode
from bluezone_reference.key_schedule import DAY_MS, SlotId, slots_a_day
from bluezone_reference.profiles import V3

from .cases import rewritten_cases, taken
from .chains import RIGHT
from .instants import by_instant, derived, right_id
from .matchings import evaluated
from .model import FaultyImplementation, asked_instead, computed

MOST_SLOTS = 100_000
"""An implementation that takes any ``max`` computes no more subkeys than these."""
DEFAULT_MAX = slots_a_day(None, V3)


def _is_allowed(value: object) -> bool:
    return type(value) is int and 2 <= value <= 86_400 and DAY_MS % value == 0


def _any_setting(value: object, before: int) -> int:
    return value if type(value) is int and value > 0 else DEFAULT_MAX


def _any_max(question: Asked) -> int:
    """Return any whole number of slots a day; below 1 it means the default, as the builds have it."""
    asked = questions.max_asked(question)
    return DEFAULT_MAX if asked is None else _any_setting(asked, DEFAULT_MAX)


def _at_any_max(question: Asked, time_ms: int, slots: int) -> SlotId:
    if _is_allowed(slots):
        return right_id(question, time_ms, slots)
    length_ms = max(1, DAY_MS // slots)
    slot = time_ms % DAY_MS // length_ms
    right = right_id(question, time_ms, DEFAULT_MAX)
    key = RIGHT.day_key(questions.octets(question, "base_id"), right.day)
    start_ms = time_ms - time_ms % DAY_MS + slot * length_ms
    octets = next(islice(RIGHT.ids(key), min(slot, MOST_SLOTS), None))
    return SlotId(right.day, slot, octets, start_ms, start_ms + length_ms)


def _derived_at_any_max(question: Asked) -> object:
    slots, wanted = _any_max(question), questions.integers(question, "slots")
    if not all(0 <= slot < min(slots, MOST_SLOTS) for slot in wanted):
        raise RefusedError(RejectCode.BAD_SLOT, "BZ-KEY-006", "the day has no such slot")
    return derived(question, {**question, "max": DEFAULT_MAX, "slots": []})


def _default_for_bad(question: Asked) -> Asked:
    if "max" not in question or _is_allowed(question["max"]):
        return question
    return {name: value for name, value in question.items() if name != "max"}


def _default_in_case(case: dict[str, object]) -> dict[str, object]:
    return case if "max" not in case or _is_allowed(case["max"]) else case | {"max": DEFAULT_MAX}


def _kept_for_bad(value: object, before: int) -> int:
    return value if _is_allowed(value) and isinstance(value, int) else before


MAXIMA = (
    FaultyImplementation(
        "any-max",
        "F-02",
        "BZ-KEY-007",
        "computes with any max from 1 on, in whole milliseconds, and takes 96 for one below",
        {
            **by_instant(_at_any_max, _any_max, _any_setting),
            **computed(_derived_at_any_max, "derive_ids"),
            **computed(lambda question: evaluated(question, cases_of=taken(RejectCode.BAD_MAX)), "match"),
        },
    ),
    FaultyImplementation(
        "default-for-bad-max",
        "",
        "BZ-KEY-007",
        "answers with 96 slots a day where max is to be refused",
        {
            **asked_instead(_default_for_bad, "derive_ids", "id_at", "ids_over_time", "receive"),
            **rewritten_cases(_default_in_case),
        },
    ),
    FaultyImplementation(
        "keeps-max-at-bad-setting",
        "",
        "BZ-KEY-007",
        "leaves max as it was where a setting is not allowed, and does not return to the default",
        {"ids_over_time": by_instant(right_id, setting=_kept_for_bad)["ids_over_time"]},
    ),
)
"""Those of the slots a day."""
