"""A device's slots and rolling ids over the history of its base ids and settings.

``Slots`` knows how long slots are, ``Schedule`` which rolling id belongs where. Both take a setting of
``max`` as a phone does: one that no phone may use means the default (BZ-KEY-007).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from bluezone_harness.evidence.device_files import Device
from bluezone_reference.errors import BuildFailureError, RefusedError
from bluezone_reference.key_schedule import (
    DAY_MS,
    LAST_DAY,
    SlotId,
    day_key,
    day_number,
    day_start_ms,
    ids_of_day,
    slot_at,
    slots_from_setting,
)
from bluezone_reference.profiles import V3, Profile

DAYS_SEARCHED = 400
"""Days in which a rolling id is looked for that is not where it belongs; the first of a longer log."""
DAYS_AROUND = 2
"""Days before and after those of the evidence that are searched too."""


class Slots:
    """The slots of a device's days.

    Args:
        device: ``None`` where nothing is known of it.
        profile: One without a key schedule is given the slots of ``V3``.

    Attributes:
        known: There is a device file, so that it is known which ``max`` was configured, if any.
        changes_ms: When a setting of ``max`` arrived, in order.
    """

    def __init__(self, device: Device | None, profile: Profile) -> None:
        self._profile = profile if profile.key_schedule is not None else V3
        settings = () if device is None else device.max_settings
        # BZ-KEY-006: 96 slots unless configured.
        self._counts = [slots_from_setting(0, self._profile)]
        self.changes_ms: list[int] = []
        self.known = device is not None
        for setting in settings:
            count = slots_from_setting(setting.value, self._profile)
            if setting.from_ms is None:
                self._counts[0] = count
            else:
                self.changes_ms.append(setting.from_ms)
                self._counts.append(count)

    @property
    def greatest_count(self) -> int:
        """The most slots a day that there ever were."""
        return max(self._counts)

    def longest_ms(self, from_ms: int, to_ms: int) -> int:
        """Return the length of the longest slot by the settings of an interval, both ends included."""
        first, last = bisect_right(self.changes_ms, from_ms), bisect_right(self.changes_ms, to_ms)
        return DAY_MS // min(self._counts[first : last + 1])

    def count_at(self, time_ms: int) -> int:
        """Return the slots a day by the setting of an instant."""
        return self._counts[bisect_right(self.changes_ms, time_ms)]

    def index_at(self, time_ms: int) -> int:
        """Return the slot of an instant, by the setting of that instant.

        What is left of a day that ``max`` does not divide (F-02) belongs to its last slot here.
        """
        count = self.count_at(time_ms)
        return min((time_ms - day_start_ms(time_ms)) // (DAY_MS // count), count - 1)

    def bounds_ms(self, time_ms: int) -> tuple[int, int]:
        """Return the first instant of a time's slot and the first after it, by the setting of that time."""
        count = self.count_at(time_ms)
        length_ms = DAY_MS // count
        midnight_ms = day_start_ms(time_ms)
        slot = self.index_at(time_ms)
        until_ms = midnight_ms + (DAY_MS if slot == count - 1 else (slot + 1) * length_ms)
        return midnight_ms + slot * length_ms, until_ms


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a schedule a rolling id belongs.

    Attributes:
        base: Index of its base id in the device file.
        day: UTC days since the base day.
        slot: Of that day.
        day_start_ms: First instant of that day.
    """

    base: int
    day: int
    slot: int
    day_start_ms: int


class Schedule:
    """The rolling ids of a device.

    Args:
        device: With its base ids.
        profile: Whose arithmetic.

    Attributes:
        unusable: Why there is no schedule, as a clause for people; empty where there is one.
        slots: The device's slots.
    """

    def __init__(self, device: Device, profile: Profile) -> None:
        self._bases = device.bases
        self._profile = profile
        self._days: dict[tuple[int, int, int], tuple[SlotId, ...]] = {}
        # base id -> the last day that was asked for, and its day key
        self._reached: dict[int, tuple[int, bytes]] = {}
        self.slots = Slots(device, profile)
        self.unusable = self._why_unusable()

    def base_in_use(self, time_ms: int) -> tuple[int, int] | None:
        """Return which base id is used at an instant, by its index in the device file, and its base day.

        ``None`` where the device file tells none.
        """
        index = self._base_at(time_ms)
        return None if index is None else (index, self._bases[index].base_day_ms)

    def knows(self, time_ms: int) -> bool:
        """Tell whether the device file says which base id was used at an instant."""
        return self._base_at(time_ms) is not None

    def between(self, from_ms: int, to_ms: int) -> tuple[SlotId, ...]:
        """Return the rolling ids that the device has at any instant of an interval, both ends included.

        Instants that have none (before the base day, more than a hundred years after it) give none.
        """
        found: list[SlotId] = []
        at_ms = from_ms
        while at_ms <= to_ms:
            slot = self._at(at_ms)
            if slot is not None:
                found.append(slot)
            next_ms = day_start_ms(at_ms) + DAY_MS if slot is None else max(slot.valid_until_ms, at_ms + 1)
            at_ms = min([next_ms, *(change for change in self._changes_ms() if change > at_ms)])
        return tuple(found)

    def intervals(self, from_ms: int, to_ms: int) -> dict[bytes, list[tuple[int, int]]]:
        """Return when each rolling id of an interval holds: its first instant, and the first after it.

        Where a setting of ``max`` or another base id arrives within a slot, the slot ends there, and the next begins.
        """
        found: dict[bytes, list[tuple[int, int]]] = {}
        at_ms = from_ms
        changes_ms = sorted(self._changes_ms())
        while at_ms <= to_ms:
            slot = self._at(at_ms)
            place = bisect_right(changes_ms, at_ms)
            since_ms = changes_ms[place - 1] if place else at_ms
            change_ms = changes_ms[place] if place < len(changes_ms) else None
            next_ms = day_start_ms(at_ms) + DAY_MS if slot is None else max(slot.valid_until_ms, at_ms + 1)
            if change_ms is not None:
                next_ms = min(next_ms, change_ms)
            if slot is not None:
                begin_ms = max(slot.valid_from_ms, since_ms) if place else slot.valid_from_ms
                found.setdefault(slot.rolling_id, []).append((begin_ms, next_ms))
            at_ms = next_ms
        return found

    def places(self, times_ms: Iterable[int], least_count: int = 0) -> dict[bytes, Place]:
        """Return where each rolling id of some days belongs, or would if the day had ``least_count`` slots.

        The days are those of the instants, those around, and the base days; ``DAYS_SEARCHED`` of them, the
        first. Where two base ids give the same rolling id, the first is named.
        """
        days = {
            day_start_ms(time_ms) + around * DAY_MS
            for time_ms in times_ms
            for around in range(-DAYS_AROUND, DAYS_AROUND + 1)
        }
        found: dict[bytes, Place] = {}
        for index, base in enumerate(self._bases):
            for start_ms in sorted({base.base_day_ms, *sorted(days)[:DAYS_SEARCHED]}):
                day = day_number(base.base_day_ms, start_ms)
                for item in self._ids(index, day, max(self.slots.greatest_count, least_count)):
                    found.setdefault(item.rolling_id, Place(index, day, item.slot, start_ms))
        return found

    def _why_unusable(self) -> str:
        for base in self._bases:
            try:
                day_key(base.base_id, 0, self._profile)
            except RefusedError as error:
                return error.reason
        return ""

    def _changes_ms(self) -> list[int]:
        return self.slots.changes_ms + [base.from_ms for base in self._bases if base.from_ms is not None]

    def _base_at(self, time_ms: int) -> int | None:
        used = [
            index for index, base in enumerate(self._bases) if base.from_ms is None or base.from_ms <= time_ms
        ]
        return used[-1] if used else None

    def _at(self, time_ms: int) -> SlotId | None:
        index = self._base_at(time_ms)
        if index is None:
            return None
        count = self.slots.count_at(time_ms)
        ids = self._ids(index, day_number(self._bases[index].base_day_ms, time_ms), count)
        try:
            return ids[slot_at(time_ms, count, self._profile)] if ids else None
        except BuildFailureError:
            return None

    def _ids(self, index: int, day: int, count: int) -> tuple[SlotId, ...]:
        key = (index, day, count)
        if key not in self._days:
            try:
                self._days[key] = self._ids_of_day(index, day, count)
            except (RefusedError, BuildFailureError):
                self._days[key] = ()
        return self._days[key]

    def _ids_of_day(self, index: int, day: int, count: int) -> tuple[SlotId, ...]:
        base = self._bases[index]
        if not 0 < day <= LAST_DAY or not base.base_id:
            return ids_of_day(base.base_id, base.base_day_ms, day, count, self._profile)
        # A log goes forward: to step on from the last day key spares stepping from the base id for each of its days.
        reached, reached_key = self._reached.get(index, (1, day_key(base.base_id, 1, self._profile)))
        if reached > day:
            reached, reached_key = 1, day_key(base.base_id, 1, self._profile)
        key = day_key(reached_key, day - reached)  # BZ-KEY-003
        self._reached[index] = (day, key)
        # The key of a day is the base of a schedule that begins on it.
        ids = ids_of_day(key, base.base_day_ms + day * DAY_MS, 0, count, self._profile)
        return tuple(replace(item, day=day) for item in ids)


@lru_cache(maxsize=4)
def schedule_of(device: Device, profile: Profile) -> Schedule:
    """Return the schedule of a device, the same for the same device as long as few others are asked for."""
    return Schedule(device, profile)
