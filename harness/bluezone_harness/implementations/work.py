"""How much a question asks of whoever answers it, counted in hashes; only the order of magnitude is meant."""

from __future__ import annotations

from bluezone_reference.errors import MalformedError, RefusedError
from bluezone_reference.json_text import octets_of
from bluezone_reference.key_schedule import DAY_MS, GREATEST_MAX, LAST_DAY, day_number, slots_from_setting
from bluezone_reference.positive_cases import PositiveCase, decode_cases

from . import questions
from .questions import Asked, QuestionError


def hashes_of(op: str, question: Asked) -> int:
    """Return how many hashes the right answer to a question takes, about; 0 where that is refused at once."""
    try:
        match op:
            case "derive_ids":
                wanted = questions.integers(question, "slots")
                return _within(questions.integer(question, "day")) + max(wanted, default=0)
            case "id_at":
                return _days(question, "time_ms") + _slots(question.get("max"))
            case "ids_over_time" | "receive":
                return _of_events(question)
            case "published_key" | "encode_info":
                return _days(question, "now_ms") if "now_ms" in question else 0
            case "match":
                return _of_cases(questions.text(question, "message"))
            case _:
                return 0
    except (QuestionError, RefusedError, MalformedError, ValueError):
        return 0


def _of_events(question: Asked) -> int:
    slots = _slots(question.get("max"))
    found = 0
    for event in questions.parts(question, "events"):
        if event.get("kind") == "max":
            slots = _slots(event.get("value"))
        else:
            found += slots + _within(
                day_number(questions.integer(question, "base_day_ms"), questions.integer(event, "time_ms"))
            )
    return found


def _of_cases(message: str) -> int:
    cases = [case for case in decode_cases(octets_of(message)) if isinstance(case, PositiveCase)]
    return sum((case.time_end_ms - case.time_start_ms) * case.max_per_day // DAY_MS for case in cases)


def _days(question: Asked, name: str) -> int:
    return _within(day_number(questions.integer(question, "base_day_ms"), questions.integer(question, name)))


def _within(days: int) -> int:
    """Return the steps to a day; none to one that is refused."""
    return days if 0 <= days <= LAST_DAY else 0


def _slots(value: object) -> int:
    """Return the slots a day, of whatever value; one that is not allowed is not computed with."""
    return (
        slots_from_setting(value) if type(value) is int and value <= GREATEST_MAX else slots_from_setting(0)
    )
