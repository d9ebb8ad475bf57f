"""What explains wrong ids, and which requirement that breaks.

Theory of operation. A wrong id is one that the schedule does not have at the phone's time. Wrong ones are taken
together, because one cause makes many of them, and each goes to the first hypothesis that explains it:

=============================================  ==========================================================
before the base day                            BZ-KEY-008 (F-12)
of another salt, or of other octets            BZ-KEY-004, BZ-KEY-005
from nowhere in the schedule                   BZ-KEY-010 (F-14); of the empty base id: F-15
of a base id that was replaced                 BZ-KEY-010
all of one constantly shifted time:
  a slot early or late, or another clock       BZ-KEY-006
  a whole number of quarters of an hour        BZ-KEY-002: local time
  a whole number of days                       see below
sent on from where they were right             BZ-ADV-005: never stopped (F-27)
of the right day, as another ``max`` has it    BZ-KEY-006; of a ``max`` that no longer holds: BZ-KEY-009 (F-10)
of the slot before, and of that alone          BZ-ADV-005, BZ-KEY-006: late, others being right
  if their on-windows' beginning was not heard BZ-ADV-005
of the right slot of another day:
  the day before, and no later day is right    BZ-KEY-003: a day key that stays behind (F-14b)
  others are right, or only the next day       BZ-KEY-009: a list of another day (F-11, F-13)
  day 0 on several days                        BZ-KEY-003: a day key that never advances
  else                                         BZ-KEY-002: another base day
from elsewhere in the schedule                 BZ-KEY-006, or of another day: BZ-KEY-009
read, and read before when they were right     BZ-GAT-003, BZ-KEY-006: fixed at connection, or cached
=============================================  ==========================================================

An id that is not the one of the slot in which its on-window began breaks BZ-ADV-004 too. What breaks BZ-ADV-005 alone
is no such id: its on-window may have begun in time. A read is an on-window of an instant; where its id is late alone,
it breaks BZ-GAT-003 in place of BZ-ADV-005, and BZ-GAT-002 in place of BZ-ADV-004.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bluezone_harness.checks.clock import Interval
from bluezone_harness.checks.id_windows import IdWindow
from bluezone_harness.checks.known_ids import KnownIds, Variant
from bluezone_harness.checks.rows import count_text
from bluezone_harness.checks.schedules import Place, Slots
from bluezone_harness.checks.weak_ids import weak_places
from bluezone_harness.observations import duration_text
from bluezone_reference.key_schedule import DAY_MS, GREATEST_MAX, SlotId, day_start_ms

_QUARTER_MS = 900_000
"""Local times differ from UTC by a whole number of these."""
_LOCAL_MS = (3_600_000, 14 * 3_600_000)
"""The least and the greatest difference that is called local time."""
_HOUR_MS = 3_600_000
_LIKELY_COUNTS = (96, 144)
"""Defaults of v3 and v2."""
_SEVERAL_IDS = 4


@dataclass(frozen=True, slots=True)
class Heard:
    """An on-window, compared with the schedule.

    Attributes:
        window: What was heard.
        time_ms: When it began, by the phone's clock.
        expected: What the schedule has then; ``None``: nothing.
        base: Index in the device file of the base id that is used then.
        base_day_ms: Its base day.
        place: Where its id belongs; ``None``: nowhere that was searched.
        slots: When its id holds, by the phone's clock; several times where a setting brings it again, and none where it
            never does.
        right: Its id is the one that it must have.
    """

    window: IdWindow
    time_ms: int
    expected: SlotId | None
    base: int
    base_day_ms: int
    place: Place | None
    slots: tuple[Interval, ...]
    right: bool

    @property
    def days_off(self) -> int | None:
        """By how many days its id's day is later than its own; ``None`` where either has none."""
        if self.place is None:
            return None
        return (self.place.day_start_ms - day_start_ms(self.time_ms)) // DAY_MS


@dataclass(frozen=True, slots=True)
class Explanation:
    """What explains some wrong ids.

    Attributes:
        requirements: Which requirements they break, the one that the cause is of first.
        text: The cause, to follow "3 on-windows with ids".
        heard: The on-windows.
    """

    requirements: tuple[str, ...]
    text: str
    heard: tuple[Heard, ...]

    @property
    def is_late(self) -> bool:
        """Their on-windows did not begin in the slots of their ids (BZ-ADV-004)."""
        return self.requirements != ("BZ-ADV-005",)


def explain(heard: Sequence[Heard], known: KnownIds) -> tuple[Explanation, ...]:
    """Return what explains the wrong ids among what was heard; every wrong one is in one explanation.

    Args:
        heard: All on-windows of one phone.
        known: What its device file explains.
    """
    right = [each for each in heard if each.right]
    rest = [each for each in heard if not each.right]
    found: list[Explanation] = []

    def take(requirements: tuple[str, ...], text: str, wanted: Callable[[Heard], bool]) -> None:
        nonlocal rest
        taken = tuple(each for each in rest if wanted(each))
        if taken:
            found.append(Explanation(requirements, text, taken))
            rest = [each for each in rest if not wanted(each)]

    def of(variant: Variant) -> Callable[[Heard], bool]:
        return lambda each: each.place is None and known.variant(each.window.rolling_id) == variant

    take(("BZ-KEY-008",), "from before the base day (F-12)", lambda each: each.time_ms < each.base_day_ms)
    for rolling_id in sorted({each.window.rolling_id for each in rest if each.place is None}):
        variant = known.variant(rolling_id)
        if variant is not None:
            take((variant.requirement,), variant.text, of(variant))
    foreign = {each.window.rolling_id for each in rest if each.place is None}
    empty = set(weak_places(foreign, (), GREATEST_COUNT_OF_EMPTY)) if foreign else set()
    take(
        ("BZ-KEY-010", "BZ-KEY-001"),
        "of the empty base id, the same every day (F-15)",
        lambda each: each.window.rolling_id in empty,
    )
    first_day = "of another base id on the first day, which is not the one that was saved (F-14)"
    only_first = bool(right) and all(_day(each) == 0 for each in rest if each.place is None)
    take(
        ("BZ-KEY-010",),
        first_day if only_first else "from nowhere in the schedule of the device file's base id",
        lambda each: each.place is None,
    )
    take(
        ("BZ-KEY-010",),
        "of a base id of the device file that is not the one in use then",
        lambda each: each.place is not None and each.place.base != each.base,
    )
    first_us: dict[bytes, int] = {}
    slots = known.schedule.slots
    shifted = bool(rest) and _constantly_shifted(rest, right, slots) is not None
    after = [each for each in rest if slots.changes_ms and each.time_ms >= slots.changes_ms[0]]
    kept = _other_count(after, right, slots) if after and not shifted else None
    if kept is not None:
        found.append(kept)
        rest = [each for each in rest if each not in after]
    for each in right:
        if each.window.read is not None and not shifted:
            first_us.setdefault(each.window.rolling_id, each.window.first_us)
    take(
        ("BZ-GAT-003", "BZ-KEY-006"),
        "read again after their slot, as a value that is fixed at connection, or kept in a cache",
        lambda each: (
            each.window.read is not None
            and first_us.get(each.window.rolling_id, each.window.first_us) < each.window.first_us
        ),
    )
    if rest:
        placed = [each for each in right if each.place is not None]
        found += _misplaced(rest, placed, slots)
    return tuple(found)


LONGEST_MS = 165_000
"""How long an on-window may last. Source: tolerance foreground_window."""
OFFSET_MS = 45_000
"""By how much a clock may be off. Source: tolerance clock_offset."""
GREATEST_COUNT_OF_EMPTY = 144
"""Slots a day for which ids of the empty base id are looked for."""


def _misplaced(rest: list[Heard], right: list[Heard], slots: Slots) -> list[Explanation]:
    """Explain ids that belong elsewhere in the schedule."""
    found: list[Explanation] = []
    sets = {
        (each.window.address, each.window.rolling_id)
        for each in right
        if each.window.address is not None and each.window.read is None
    }
    never = [
        each
        for each in rest
        if each.window.read is None and (each.window.address, each.window.rolling_id) in sets
    ]
    for requirements, began in ((("BZ-ADV-005", "BZ-ADV-004"), True), (("BZ-ADV-005",), False)):
        these = [each for each in never if each.window.start_seen is began]
        if these:
            again = "sent again" if began else "sent on"
            text = f"{again} long after their slot, as by an advertising set that is never stopped (F-27)"
            found.append(Explanation(requirements, text, tuple(these)))
    rest = [each for each in rest if each not in never]
    longer = {each.window.rolling_id for each in rest if not _is_late(each)}
    late = [each for each in rest if right and _is_late(each) and each.window.rolling_id not in longer]
    if rest and len(late) < len(rest):
        whole = _constantly_shifted(rest, right, slots) or _other_count(rest, right, slots)
    else:
        whole = _constantly_shifted(rest, right, slots) if rest else None
    if whole is not None:
        return [*found, whole]
    # where its beginning was not heard, an on-window may have begun in its slot and only have gone on for too long
    read = [each for each in late if each.window.read is not None]
    begun = [each for each in late if each.window.read is None]
    for requirements, these, heard_from in (
        (("BZ-GAT-003", "BZ-KEY-006"), read, "read "),
        (("BZ-ADV-005", "BZ-KEY-006"), [each for each in begun if each.window.start_seen], ""),
        (("BZ-ADV-005",), [each for each in begun if not each.window.start_seen], "heard from "),
    ):
        if these:
            longest = max(_late_ms(each) for each in these)
            text = f"of the slot before, {heard_from}up to {duration_text(longest)} after its end"
            found.append(Explanation(requirements, text, tuple(these)))
    rest = [each for each in rest if each not in late]
    days = sorted({each.days_off for each in rest if each.days_off and _same_slot(each, slots)})
    for days_off in days:
        same = [each for each in rest if each.days_off == days_off and _same_slot(each, slots)]
        found.append(_of_another_day(days_off, same, right))
        rest = [each for each in rest if each not in same]
    for requirement, text, wanted in (
        ("BZ-KEY-006", "of other slots of the day", [each for each in rest if not each.days_off]),
        ("BZ-KEY-009", "of other slots of other days", [each for each in rest if each.days_off]),
    ):
        if wanted:
            found.append(Explanation((requirement,), text, tuple(wanted)))
    return found


def _constantly_shifted(rest: list[Heard], right: list[Heard], slots: Slots) -> Explanation | None:
    """Find one clock by which every id would be right, those that are right included."""
    allowed = [_shift_allowed(each, slots) for each in (*rest, *right)]
    low_ms = max(low for low, _ in allowed)
    high_ms = min(high for _, high in allowed)
    if low_ms >= high_ms or low_ms <= 0 < high_ms:
        return None
    heard = tuple(rest)
    times_ms = [each.time_ms for each in heard]
    slot_ms = slots.longest_ms(min(times_ms), max(times_ms))
    # beside what is wrong, the clock may be off by as much as is allowed
    least_ms, most_ms = low_ms - OFFSET_MS, high_ms + OFFSET_MS
    for shift_ms, text in ((-slot_ms, "one slot late: of the slot before"), (slot_ms, "one slot early")):
        if least_ms <= shift_ms < most_ms:
            return Explanation(("BZ-KEY-006",), text, heard)
    days_off = -(-least_ms // DAY_MS)
    if days_off and days_off * DAY_MS < most_ms:
        return _of_another_day(days_off, rest, right)
    shift_ms = _local(least_ms, most_ms)
    if shift_ms:
        hours = f"{abs(shift_ms) / _HOUR_MS:g} h {'ahead of' if shift_ms > 0 else 'behind'} UTC"
        return Explanation(("BZ-KEY-002",), f"of local time, {hours}", heard)
    nearest_ms = low_ms if low_ms > 0 else high_ms - 1
    about = f"{duration_text(abs(nearest_ms))} {'ahead' if nearest_ms > 0 else 'behind'}"
    return Explanation(("BZ-KEY-006",), f"as a clock has them that is about {about}", heard)


def _shift_allowed(heard: Heard, slots: Slots) -> Interval:
    """Return by how much the phone's clock may be ahead of the one that was assumed, for an id to be right."""
    assert heard.place is not None  # noqa: S101 - the caller's choice
    length_ms = DAY_MS // slots.count_at(heard.time_ms)
    begin_ms = heard.place.day_start_ms + heard.place.slot * length_ms
    missed_ms = _missed_ms(heard)
    return begin_ms - heard.time_ms, begin_ms + length_ms - heard.time_ms + missed_ms


def _local(low_ms: int, high_ms: int) -> int:
    """Return the difference to UTC, of those in an interval, that is likeliest; 0: none is."""
    first = -(-low_ms // _QUARTER_MS) * _QUARTER_MS
    fitting = [
        shift_ms
        for shift_ms in range(first, high_ms, _QUARTER_MS)
        if _LOCAL_MS[0] <= abs(shift_ms) <= _LOCAL_MS[1]
    ]
    return min(fitting, key=lambda shift_ms: (shift_ms % _HOUR_MS, abs(shift_ms)), default=0)


def _other_count(rest: list[Heard], right: list[Heard], slots: Slots) -> Explanation | None:
    """Find another ``max`` by which every wrong id is of its own slot, all by the same number of days off or none."""
    days = {each.days_off for each in rest}
    if len(days) != 1:
        return None
    kept = [slots.count_at(change_ms - 1) for change_ms in slots.changes_ms]
    # any few ids are those of some max: one that nobody uses needs several to be believed
    several = len({each.window.rolling_id for each in rest}) >= _SEVERAL_IDS
    divisors = [count for count in range(2, GREATEST_MAX + 1) if several and not DAY_MS % count]
    likely = dict.fromkeys((*kept, *_LIKELY_COUNTS))
    for count in (*likely, *(each for each in divisors if each not in likely)):
        other = any(slots.count_at(each.time_ms) != count for each in rest)
        if other and all(_fits(each, count) for each in rest):
            break
    else:
        return None
    days_off = days.pop()
    # An id that is right now and would not be by the other max shows that max has changed.
    changed = count in kept or any(not _fits(each, count) for each in right)
    requirements: tuple[str, ...] = ("BZ-KEY-009",) if changed else ("BZ-KEY-006",)
    text = f"as max = {count} has them" + (", which no longer holds (F-10)" if count in kept else "")
    if days_off:
        day = _of_another_day(days_off, rest, right)
        requirements, text = (*requirements, *day.requirements), f"{text}, and {day.text}"
    return Explanation(requirements, text, tuple(rest))


def _fits(heard: Heard, count: int) -> bool:
    if heard.place is None:
        return False
    since_ms = heard.time_ms - day_start_ms(heard.time_ms)
    first, last = (max(0, since_ms - _missed_ms(heard)) * count // DAY_MS, since_ms * count // DAY_MS)
    return first <= heard.place.slot <= last


def _missed_ms(heard: Heard) -> int:
    """Return by how much an on-window may have begun before it was heard."""
    return heard.window.late_ms + (heard.window.missed_ms if heard.window.start_seen else LONGEST_MS)


def _is_late(heard: Heard) -> bool:
    """Tell whether an id is that of the slot before the one in which its on-window began."""
    return any(0 <= heard.time_ms - until_ms < until_ms - from_ms for from_ms, until_ms in heard.slots)


def _late_ms(heard: Heard) -> int:
    return min(heard.time_ms - until_ms for _, until_ms in heard.slots if until_ms <= heard.time_ms)


def _same_slot(heard: Heard, slots: Slots) -> bool:
    return _fits(heard, slots.count_at(heard.time_ms))


def _day(heard: Heard) -> int:
    return (day_start_ms(heard.time_ms) - heard.base_day_ms) // DAY_MS


def _of_another_day(days_off: int, heard: Sequence[Heard], right: Sequence[Heard]) -> Explanation:
    days = {_day(each) for each in heard}
    steps = f"{count_text(abs(days_off), 'day')} too {'late' if days_off > 0 else 'early'}"
    if days_off == -1 and not any(_day(each) >= 1 for each in right):
        return Explanation(
            ("BZ-KEY-003",), f"{steps}: the day key stays one step behind (F-14b)", tuple(heard)
        )
    if right or (days_off == 1 and len(days) == 1):
        cause = (
            "a list of a day to come is used (F-11)" if days_off > 0 else "the list of a day gone by was kept"
        )
        return Explanation(("BZ-KEY-009",), f"{steps}: {cause}", tuple(heard))
    places = {each.place.day for each in heard if each.place is not None}
    if places == {0}:
        return Explanation(("BZ-KEY-003",), "of day 0: the day key does not advance", tuple(heard))
    return Explanation(("BZ-KEY-002",), f"{steps}: of another base day", tuple(heard))
