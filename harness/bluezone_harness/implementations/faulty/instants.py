"""Operations that ask for the ids of instants, answered from one function that says which id an instant has."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TypeAlias

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.reference_answers import ANSWERERS, received, slot_id_value
from bluezone_reference.errors import RefusedError, RejectCode
from bluezone_reference.key_schedule import SlotId, day_number, id_at, slots_a_day, slots_from_setting
from bluezone_reference.profiles import V3

from .chains import RIGHT
from .model import Change, computed

SlotIdOf: TypeAlias = Callable[[Asked, int, int], SlotId]
"""Gives the id of an instant (ms) at so many slots a day, for the base id and base day that a question names."""


def right_id(question: Asked, time_ms: int, slots: int) -> SlotId:
    """Return the id of an instant as the protocol says."""
    return id_at(
        questions.octets(question, "base_id"), questions.integer(question, "base_day_ms"), time_ms, slots
    )


def right_max(question: Asked) -> int:
    """Return the slots a day that a question asks for, as the protocol says."""
    return slots_a_day(questions.max_asked(question))


def right_setting(value: object, before: int) -> int:
    """Return the slots a day after a setting arrives, as the protocol says, whatever they were before."""
    return slots_from_setting(value)


def day_asked(question: Asked, time_ms: int) -> int:
    """Return the days from the base day that a question names to an instant."""
    return day_number(questions.integer(question, "base_day_ms"), time_ms)


def derived(question: Asked, allowed: Asked) -> object:
    """Return the ids of ``derive_ids`` from the right chain, where the reference does not refuse another question."""
    ANSWERERS["derive_ids"](allowed, V3)
    key = RIGHT.day_key(questions.octets(question, "base_id"), questions.integer(question, "day"))
    wanted = questions.integers(question, "slots")
    ids = list(islice(RIGHT.ids(key), max(wanted, default=-1) + 1))
    return {"ids": [ids[slot].hex() for slot in wanted]}


def _check(found: SlotIdOf, question: Asked, slots: int) -> None:
    """Refuse a bad base id before anything happens."""
    try:
        found(question, questions.integer(question, "base_day_ms"), slots)
    except RefusedError as refusal:
        if refusal.code is RejectCode.BAD_BASE_ID:
            raise


def by_instant(
    found: SlotIdOf,
    max_asked: Callable[[Asked], int] = right_max,
    setting: Callable[[object, int], int] = right_setting,
) -> dict[str, Change]:
    """Return how an implementation answers that has these ids.

    Args:
        found: Gives the id of an instant.
        max_asked: Reads the ``max`` of a question.
        setting: Gives the slots a day after a setting arrives.
    """

    def at(question: Asked) -> object:
        return slot_id_value(found(question, questions.integer(question, "time_ms"), max_asked(question)))

    def over_time(question: Asked) -> object:
        slots = max_asked(question)
        _check(found, question, slots)
        ids: list[object] = []
        for event in questions.parts(question, "events"):
            if questions.text(event, "kind") == "max":
                slots = setting(event.get("value"), slots)
                continue
            try:
                slot_id = found(question, questions.integer(event, "time_ms"), slots)
                ids.append({"id": slot_id.rolling_id.hex()})
            except RefusedError as refusal:
                ids.append({"reject": str(refusal.code)})
        return {"ids": ids}

    def heard(question: Asked) -> object:
        slots = max_asked(question)
        _check(found, question, slots)
        events = questions.parts(question, "events")
        return received(events, lambda time_ms: found(question, time_ms, slots).rolling_id, V3, slots)

    return {**computed(at, "id_at"), **computed(over_time, "ids_over_time"), **computed(heard, "receive")}
