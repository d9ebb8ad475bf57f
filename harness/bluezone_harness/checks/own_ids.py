"""Own ids against the schedule: BZ-LOG-005, with what could explain the ones that are wrong.

Theory of operation. An own id is right if the schedule has it at any instant within the tolerance
``log_clock`` of the row's time. Wrong ones are looked for in the rest of the schedule (``Schedule.places``)
and told apart: those of another place, those of none, and rows whose time has no rolling id at all. If one
cause explains all those of another place, the ground names it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bluezone_harness.checks.rows import (
    Located,
    count_text,
    located_rows,
    nothing_to_judge,
    of_rows,
    of_text,
    unread_text,
)
from bluezone_harness.checks.schedules import Place, Schedule, schedule_of
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Ground, Judgement, Reason, failed, ground, inconclusive, passed
from bluezone_harness.observations import instant_text
from bluezone_reference.key_schedule import DAY_MS, GREATEST_MAX, SlotId, day_start_ms


@dataclass(frozen=True, slots=True)
class WrongId:
    """A row whose own id is not the schedule's.

    Attributes:
        located: The row.
        expected: What the schedule has at the row's time; ``None``: nothing.
        place: Where the own id belongs; ``None``: nowhere that was searched.
    """

    located: Located
    expected: SlotId | None
    place: Place | None


def own_ids_judgement(subject: Subject, rules: Rules) -> Judgement:
    """Judge each own id of a subject; see the module."""
    rows = located_rows(subject)
    if subject.device is None:
        raise ValueError("own ids are judged against a device")
    schedule = schedule_of(subject.device, rules.profile)
    if schedule.unusable:
        return inconclusive(
            Reason.EVIDENCE_MISSING, f"there is no schedule to compare with: {schedule.unusable}"
        )
    if not rows:
        return nothing_to_judge(subject, "rows")
    known = [(log, row) for log, row in rows if schedule.knows(row.record.time_ms)]
    wrong = _wrong_ids(known, schedule, rules)
    judged = len(known)
    if wrong:
        return failed(
            judged,
            len(wrong),
            f"{of_text(len(wrong), judged, 'own id')} not as the schedule says{unread_text(subject)}",
            _grounds(wrong),
        )
    summary = f"{of_text(judged, judged, 'own id')} as the schedule says"
    if judged < len(rows):
        before = f"{count_text(len(rows) - judged, 'row')} from before the first base id of the device file"
        return inconclusive(Reason.EVIDENCE_MISSING, f"{summary}; {before}", judged=judged)
    return passed(judged, f"{summary}{unread_text(subject)}")


def matched_rows(subject: Subject, rules: Rules) -> int:
    """Return how many rows of a subject bear the own id that its schedule has at their time."""
    if subject.device is None:
        return 0
    schedule = schedule_of(subject.device, rules.profile)
    if schedule.unusable:
        return 0
    known = [(log, row) for log, row in located_rows(subject) if schedule.knows(row.record.time_ms)]
    return sum(_expected(located, schedule, rules)[1] for located in known)


def _wrong_ids(known: list[Located], schedule: Schedule, rules: Rules) -> list[WrongId]:
    wrong = [
        (located, expected)
        for located in known
        for expected, right in [_expected(located, schedule, rules)]
        if not right
    ]
    places = schedule.places(row.record.time_ms for (_, row), _ in wrong)
    return [WrongId(located, expected, places.get(located[1].record.own_id)) for located, expected in wrong]


def _expected(located: Located, schedule: Schedule, rules: Rules) -> tuple[SlotId | None, bool]:
    """Return what the schedule has at a row's time, and whether the row has it or a near neighbour."""
    _, row = located
    time_ms = row.record.time_ms
    margin_ms = rules.tolerances["log_clock"]
    # BZ-LOG-005: within 1000 ms of a slot boundary, both ends included, either neighbour is right. The slot before a
    # boundary ends 1 ms before it.
    near = schedule.between(time_ms - margin_ms - 1, time_ms + margin_ms)
    exact = schedule.between(time_ms, time_ms)
    return (exact[0] if exact else None), any(slot.rolling_id == row.record.own_id for slot in near)


# --- what the report says of wrong ones ---


def _grounds(wrong: list[WrongId]) -> list[Ground]:
    timeless = [each for each in wrong if each.expected is None]
    elsewhere = [each for each in wrong if each.expected is not None and each.place is not None]
    foreign = [each for each in wrong if each.expected is not None and each.place is None]
    grounds: list[Ground] = []
    if elsewhere:
        count = count_text(len(elsewhere), "own id")
        cause = _common_cause(elsewhere)
        summary = f"{count} from elsewhere in the schedule" + (f", {cause}" if cause else "")
        grounds.append(_ground(summary, elsewhere))
    if foreign:
        count = count_text(len(foreign), "own id")
        grounds.append(_ground(f"{count} from nowhere in the schedule, as far as it was searched", foreign))
    if timeless:
        count = count_text(len(timeless), "row")
        grounds.append(_ground(f"{count} of a time that has no rolling id in the schedule", timeless))
    return grounds


def _ground(summary: str, wrong: list[WrongId]) -> Ground:
    first = wrong[0]
    _, row = first.located
    expected = "no row: the schedule has no rolling id at that time"
    if first.expected is not None:
        slot = first.expected
        day = _day_text(slot.day, slot.valid_from_ms)
        expected = f"{slot.rolling_id.hex().upper()}, slot {slot.slot} of {day}"
    if first.place is None:
        belongs = "from nowhere in the schedule, as far as it was searched"
    else:
        belongs = f"slot {first.place.slot} of {_day_text(first.place.day, first.place.day_start_ms)}"
        if first.place.base:
            belongs += f", base id {first.place.base + 1}"
    seen = f"{row.record.own_id.hex().upper()}, {belongs}"
    return ground(summary, expected, seen, of_rows(each.located for each in wrong))


def _day_text(day: int, time_ms: int) -> str:
    return f"day {day} ({instant_text(time_ms)[:10]})"


def _common_cause(wrong: list[WrongId]) -> str:
    """Say what explains all of several own ids of another place; empty where nothing simple does."""
    days: set[int] = set()
    slots: set[int] = set()
    for each in wrong:
        assert each.expected is not None  # noqa: S101 - the caller's choice
        assert each.place is not None  # noqa: S101 - the caller's choice
        days.add(each.place.day - each.expected.day)
        slots.add(each.place.slot - each.expected.slot)
    if len(days) == 1 and days != {0} and slots == {0}:
        return f"each {_steps(days.pop(), 'day')}: another base day or clock, or a list that was kept"
    if days == {0} and len(slots) == 1:
        return f"each {_steps(slots.pop(), 'slot')}: stale ids, or another clock"
    if days == {0}:
        count = _count_that_explains(wrong)
        return f"as max = {count} would have them" if count else ""
    return ""


def _steps(steps: int, noun: str) -> str:
    return f"{count_text(abs(steps), noun)} too {'late' if steps > 0 else 'early'}"


def _count_that_explains(wrong: list[WrongId]) -> int | None:
    """Return the one ``max`` under which all of several own ids would be right, or ``None``."""
    fitting = [
        count
        for count in range(2, GREATEST_MAX + 1)
        if not DAY_MS % count
        and all(
            each.place is not None
            and (each.located[1].record.time_ms - day_start_ms(each.located[1].record.time_ms))
            * count
            // DAY_MS
            == each.place.slot
            for each in wrong
        )
    ]
    return fitting[0] if len(fitting) == 1 else None
