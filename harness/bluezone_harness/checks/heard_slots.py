"""The ids that a phone was heard to send, compared with its schedule.

Theory of operation. The on-windows of the device under test are found (``id_windows``), its clock offset is estimated
from them or taken from the device file (``clock``), and each id is held against the slot in which its on-window began
by the phone's clock. What was read by GATT counts as an on-window of an instant. What is wrong is explained
(``hypotheses``). The checks of the key schedule and of BZ-ADV-004 and
BZ-ADV-005 all read this one comparison, each with its own question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.clock import (
    Interval,
    allows,
    clock_settings,
    estimated_offset_ms,
    offsets_allowed,
)
from bluezone_harness.checks.gatt_sessions import of_read, reads_of
from bluezone_harness.checks.hypotheses import Explanation, Heard, explain
from bluezone_harness.checks.id_windows import IdWindow, id_windows
from bluezone_harness.checks.known_ids import known_ids
from bluezone_harness.checks.lateness import limit_ms
from bluezone_harness.checks.rows import count_text, of_text
from bluezone_harness.checks.schedules import Place, Schedule
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.undecided import undecided, without_ids
from bluezone_harness.evidence.device_files import Device
from bluezone_harness.findings import Ground, Judgement, Reason, failed, ground, inconclusive
from bluezone_harness.observations import GattRead, instant_text
from bluezone_harness.sightings import Sighting
from bluezone_reference.key_schedule import DAY_MS, ID_OCTETS, day_start_ms


@dataclass(frozen=True, slots=True)
class HeardSlots:
    """What a phone was heard to send, and what it should have sent.

    Attributes:
        heard: Its on-windows and GATT reads, compared, in the order in which they begin.
        explanations: Of the wrong ones among them.
        offset_ms: By how much its clock is ahead of the receivers'; ``None`` where nothing tells.
        untold: On-windows and reads from before the first base id of the device file.
        unusable: Why there is no schedule to compare with; empty where there is one.
    """

    heard: tuple[Heard, ...]
    explanations: tuple[Explanation, ...]
    offset_ms: int | None
    untold: int
    unusable: str

    @property
    def right(self) -> tuple[Heard, ...]:
        """The on-windows and reads whose id is the one that it must be."""
        return tuple(each for each in self.heard if each.right)

    @property
    def of_adverts(self) -> HeardSlots:
        """The same without reads."""
        explanations = (_without_reads(each) for each in self.explanations)
        heard = tuple(each for each in self.heard if each.window.read is None)
        return replace(self, heard=heard, explanations=tuple(each for each in explanations if each.heard))


@lru_cache(maxsize=4)
def heard_slots(subject: Subject, rules: Rules) -> HeardSlots:
    """Compare what was heard of a subject with its schedule; the last few answers are kept.

    Raises:
        ValueError: There is no device file.
    """
    if subject.device is None:
        raise ValueError("ids are compared with a device's")
    return compare(subject.device, subject.sightings, subject.captures, rules, reads_of(subject))


def compare(
    device: Device,
    sightings: Iterable[Sighting],
    captures: Sequence[Capture],
    rules: Rules,
    reads: Iterable[tuple[str, GattRead]] = (),
) -> HeardSlots:
    """Compare sightings of a device, and reads of its ids, with its schedule.

    Args:
        device: With its base ids.
        sightings: Of this device, in any order.
        captures: From which they come.
        rules: For the profile, and the tolerances ``clock_offset``, ``foreground_window`` and ``log_clock``.
        reads: Of this device's ids, each with the name of its capture; those of another length are passed over.
    """
    longest_ms = rules.tolerances["foreground_window"]
    windows: Sequence[IdWindow] = id_windows(sightings, captures, longest_ms * 1000)
    read = [_of_read(source, each, device, rules) for source, each in reads if len(each.value) == ID_OCTETS]
    clock = clock_settings(captures, device.name)
    if clock.times_ms:
        windows = [each for each in windows if not clock.is_set_within(each.first_ms, each.last_ms)]
    if read:
        windows = sorted((*windows, *read), key=lambda each: (each.first_us, each.last_us, each.rolling_id))
    shown_ms = [each.first_ms + clock.ahead_ms(each.first_ms) for each in windows]
    known = known_ids(device, rules.profile, shown_ms)
    schedule = known.schedule
    if schedule.unusable:
        return HeardSlots((), (), device.clock_offset_ms, 0, schedule.unusable)
    slots = _slots(shown_ms, schedule)
    # by the receivers' clock: when each id holds, as long as the phone's clock is as it was then
    own_slots = [
        _earlier(slots.get(each.rolling_id, ()), time_ms - each.first_ms)
        for each, time_ms in zip(windows, shown_ms, strict=True)
    ]
    offset_ms = device.clock_offset_ms
    if offset_ms is None:
        offset_ms = estimated_offset_ms(
            [
                (each, own, limit_ms(each, device, rules))
                for each, own in zip(windows, own_slots, strict=True)
            ],
            rules.tolerances["clock_offset"],
        )
    heard: list[Heard] = []
    for each, own, phone_ms in zip(windows, own_slots, shown_ms, strict=True):
        time_ms = phone_ms + (offset_ms or 0)
        base = schedule.base_in_use(time_ms)
        if base is not None:
            expected = schedule.between(time_ms, time_ms)
            right = allows((offsets_allowed(each, slot, longest_ms) for slot in own), offset_ms or 0)
            heard.append(
                Heard(
                    each,
                    time_ms,
                    expected[0] if expected else None,
                    *base,
                    known.place(each.rolling_id),
                    tuple(slots.get(each.rolling_id, ())),
                    right,
                )
            )
    return HeardSlots(tuple(heard), explain(heard, known), offset_ms, len(windows) - len(heard), "")


def _of_read(source: str, read: GattRead, device: Device, rules: Rules) -> IdWindow:
    """Return a read as an on-window of an instant.

    That a value is a little older than its arrival, an estimated clock offset takes in; one that is given does not.
    """
    time_us = read.time_us
    missed_ms = 0 if device.clock_offset_ms is None else rules.tolerances["log_clock"]
    return IdWindow(
        read.value,
        read.address,
        time_us,
        time_us,
        time_us,
        True,
        missed_ms,
        False,
        (),
        read=of_read(source, read),
    )


def _without_reads(explanation: Explanation) -> Explanation:
    return replace(explanation, heard=tuple(each for each in explanation.heard if each.window.read is None))


def _earlier(slots: Iterable[Interval], by_ms: int) -> tuple[Interval, ...]:
    return tuple((from_ms - by_ms, until_ms - by_ms) for from_ms, until_ms in slots)


def _slots(times_ms: Iterable[int], schedule: Schedule) -> dict[bytes, list[Interval]]:
    """Return when each id holds on the days of some instants and on those beside, by the phone's clock."""
    days_ms = {day_start_ms(each) + step * DAY_MS for each in times_ms for step in (-1, 0, 1)}
    found: dict[bytes, list[Interval]] = {}
    for day_ms in sorted(days_ms):
        for rolling_id, intervals in schedule.intervals(day_ms, day_ms + DAY_MS - 1).items():
            found.setdefault(rolling_id, []).extend(intervals)
    return found


def matched_sightings(subject: Subject, rules: Rules) -> int:
    """Return how many sightings and reads of a subject bear the id that its schedule has at their time."""
    if subject.device is None or not (subject.sightings or subject.read_addresses):
        return 0
    right = heard_slots(subject, rules).right
    return sum(1 if each.window.read else len(each.window.sightings) for each in right)


# --- what checks answer ---


def noun_of(heard: Iterable[Heard]) -> str:
    """Return what reports call some of what was heard: on-windows, reads, or sightings where there are both."""
    kinds = {each.window.read is None for each in heard}
    return "read" if kinds == {False} else "sighting" if len(kinds) > 1 else "on-window"


def nothing_compared(subject: Subject, found: HeardSlots) -> Judgement:
    """Answer for a subject none of whose ids could be compared."""
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    if found.unusable:
        return inconclusive(
            Reason.EVIDENCE_MISSING, f"there is no schedule to compare with: {found.unusable}"
        )
    if found.untold:
        windows = count_text(found.untold, "read" if reads_of(subject) else "on-window")
        return inconclusive(
            Reason.EVIDENCE_MISSING, f"{windows} from before the first base id of the device file"
        )
    return without_ids(subject)


def failed_by(found: HeardSlots, causes: Sequence[Explanation]) -> Judgement:
    """Answer that ids are wrong, for what explains them.

    Args:
        found: The comparison.
        causes: At least one, of its explanations.
    """
    wrong = sum(len(each.heard) for each in causes)
    return failed(
        len(found.heard),
        wrong,
        f"{of_text(wrong, len(found.heard), noun_of(found.heard))} with ids "
        f"{'; '.join(each.text for each in causes)}",
        [_ground(each) for each in causes],
    )


def _ground(cause: Explanation) -> Ground:
    first = cause.heard[0]
    time = instant_text(first.time_ms)
    expected = f"no id: the schedule has none at {time}"
    if first.expected is not None:
        slot = first.expected
        expected = (
            f"{slot.rolling_id.hex().upper()}, slot {slot.slot} of {_day_text(slot.day, slot.valid_from_ms)}"
        )
    belongs = cause.text if first.place is None else _place_text(first.place)
    when = f"from {time} on" if first.window.read is None else f"read at {time}"
    seen = f"{first.window.rolling_id.hex().upper()} {when}, {belongs}"
    return ground(
        f"{count_text(len(cause.heard), noun_of(cause.heard))} with ids {cause.text}",
        expected,
        seen,
        [each.window.evidence() for each in cause.heard],
    )


def _place_text(place: Place) -> str:
    return f"slot {place.slot} of {_day_text(place.day, place.day_start_ms)}"


def _day_text(day: int, time_ms: int) -> str:
    return f"day {day} ({instant_text(time_ms)[:10]})"
