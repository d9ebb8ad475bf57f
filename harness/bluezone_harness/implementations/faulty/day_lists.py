"""Faulty memory: a day's list of ids that outlives what it was made from.

The published builds have all three faults at once (the quirk profiles copy them so); here each stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_reference.errors import Failure, RefusedError
from bluezone_reference.key_schedule import DAY_MS, day_start_ms, ids_of_day

from .instants import day_asked, right_max, right_setting
from .model import FaultyImplementation, answered_instead


@dataclass(slots=True)
class _DayList:
    """A day's ids, as they were made.

    Attributes:
        day_ms: Midnight of the day that the list is labelled with.
        slots: The slots a day with which it was made.
        ids: Of that many slots.
    """

    day_ms: int
    slots: int
    ids: tuple[str, ...]


def _listed(question: Asked, *, keeps_max: bool, keeps_future: bool, labels_by_reread: bool) -> object:
    """Answer ``ids_over_time`` from a list that is kept.

    Args:
        question: Base id, base day, events.
        keeps_max: The list is kept when ``max`` changes, and indexed with the new value (F-10).
        keeps_future: A list of a day that is still to come is taken for today's (F-11).
        labels_by_reread: The clock is read again for the label and the index (F-13).
    """
    slots = right_max(question)
    kept: _DayList | None = None
    found: list[object] = []
    for event in questions.parts(question, "events"):
        if questions.text(event, "kind") == "max":
            slots = right_setting(event.get("value"), slots)
            continue
        time_ms = questions.integer(event, "time_ms")
        today_ms = day_start_ms(time_ms)
        if (
            kept is None
            or not (kept.day_ms == today_ms or (keeps_future and kept.day_ms > today_ms))
            or not (kept.slots == slots or keeps_max)
        ):
            try:
                ids = ids_of_day(
                    questions.octets(question, "base_id"),
                    questions.integer(question, "base_day_ms"),
                    day_asked(question, time_ms),
                    slots,
                )
            except RefusedError as refusal:
                found.append({"reject": str(refusal.code)})
                continue
            if labels_by_reread and event.get("reread_ms") is not None:
                time_ms = questions.integer(event, "reread_ms")
            kept = _DayList(day_start_ms(time_ms), slots, tuple(item.rolling_id.hex() for item in ids))
        slot = time_ms % DAY_MS * slots // DAY_MS
        found.append({"id": kept.ids[slot]} if slot < len(kept.ids) else {"failure": str(Failure.EXCEPTION)})
    return {"ids": found}


def _list(
    name: str,
    fault: str,
    text: str,
    *,
    keeps_max: bool = False,
    keeps_future: bool = False,
    labels_by_reread: bool = False,
) -> FaultyImplementation:
    def over_time(question: Asked, value: dict[str, object]) -> object:
        return _listed(
            question, keeps_max=keeps_max, keeps_future=keeps_future, labels_by_reread=labels_by_reread
        )

    return FaultyImplementation(name, fault, "BZ-KEY-009", text, answered_instead(over_time, "ids_over_time"))


DAY_LISTS = (
    _list(
        "stale-list",
        "F-10",
        "keeps the day's list of ids when max changes, and counts slots with the new max",
        keeps_max=True,
    ),
    _list(
        "future-list",
        "F-11",
        "keeps a list of ids of a later day after the clock was set back",
        keeps_future=True,
    ),
    _list(
        "midnight-list",
        "F-13",
        "reads the clock again after it made a day's list, so that yesterday's list is kept as today's",
        labels_by_reread=True,
    ),
)
"""Those of the day's list."""
