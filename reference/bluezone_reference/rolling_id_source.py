"""What a phone sends while its clock and its setting move.

In the corrected protocol nothing is remembered: the id follows the clock and ``max`` at once (BZ-KEY-009). The
published builds make a list of the day's ids once and keep it, which is where F-10, F-11 and F-13 come from; the quirk
profiles keep that list exactly as the builds did.
"""

from __future__ import annotations

from .errors import BuildFailureError, Failure
from .key_schedule import (
    day_key,
    day_number,
    day_start_ms,
    id_at,
    ids_of_day,
    slot_index,
    slots_a_day,
    slots_from_setting,
)
from .profiles import V3, Profile


class RollingIdSource:
    """A phone's source of rolling ids, asked in the order in which its clock is read.

    Args:
        base_id: 32 octets (empty too under a profile that accepts it, F-15).
        base_day_ms: UTC midnight of its day.
        profile: v3 remembers nothing; a quirk profile keeps the day's list.
        max_per_day: The setting at the start; ``None`` for the default.

    Raises:
        ValueError: The base day is not a UTC midnight.
        RefusedError: BAD_BASE_ID or NO_KEY_SCHEDULE.
    """

    def __init__(
        self, base_id: bytes, base_day_ms: int, profile: Profile = V3, max_per_day: int | None = None
    ) -> None:
        day_number(base_day_ms, base_day_ms)
        day_key(base_id, 0, profile)
        self._base_id = base_id
        self._base_day_ms = base_day_ms
        self._profile = profile
        self._max = slots_a_day(None, profile)
        self._kept: tuple[bytes, ...] = ()
        self._kept_day_ms = 0
        if max_per_day is not None:
            self.set_max(max_per_day)

    def set_max(self, max_per_day: object) -> None:
        """Take a new setting, of whatever type; one that is not allowed means the default. Source: BZ-KEY-007."""
        self._max = slots_from_setting(max_per_day, self._profile)

    def rolling_id(self, time_ms: int, *, reread_ms: int | None = None) -> bytes:
        """Return the 12 octets that the phone sends at an instant.

        Args:
            time_ms: What the clock says when the phone begins to ask.
            reread_ms: What it says when a build that makes its list reads it again (F-13); the same by default.

        Raises:
            RefusedError: BEFORE_BASE_DAY, DAY_OUT_OF_RANGE.
            BuildFailureError: F-02, F-08, F-10.

        Source: BZ-KEY-009; source A ``BluezoneIdGenerator``, source I ``BluezoneIdGenerator.swift``.
        """
        rules = self._profile.key_schedule
        if rules is None or rules.day_list == "none":
            return id_at(self._base_id, self._base_day_ms, time_ms, self._max, self._profile).rolling_id
        # ">=": a list of a day that is still to come is taken for today's (F-11).
        if self._kept and self._kept_day_ms >= day_start_ms(time_ms):
            slot = slot_index(time_ms, self._max, rules)  # the setting of now on the list of then (F-10)
            if slot >= len(self._kept):
                fault = "F-02" if len(self._kept) == self._max else "F-10"
                raise BuildFailureError(
                    fault, Failure.EXCEPTION, f"slot {slot} of a kept list of {len(self._kept)} rolling ids"
                )
            return self._kept[slot]
        day = day_number(self._base_day_ms, time_ms)
        ids = ids_of_day(self._base_id, self._base_day_ms, day, self._max, self._profile)
        if reread_ms is None:
            reread_ms = time_ms
        self._kept = tuple(item.rolling_id for item in ids)
        self._kept_day_ms = day_start_ms(reread_ms)  # yesterday's list, labelled as today's (F-13)
        slot = slot_index(reread_ms, self._max, rules)
        if slot >= len(self._kept):
            raise BuildFailureError(
                "F-02", Failure.NO_ID, f"slot {slot} of a new list of {len(self._kept)} rolling ids"
            )
        return self._kept[slot]
