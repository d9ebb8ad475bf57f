"""The ids that a device file explains: those of its schedule, and those of schedules that are nearly it.

``Schedule`` tells the right ids of a device. A build that is wrong sends others, most of which its base id explains all
the same: another day or slot of the schedule, another salt, other octets of the subkeys. Twelve octets are found by
chance in none of them, so that whoever sends them is the device under test, whatever else is heard.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from hashlib import sha256
from operator import and_

from bluezone_harness.checks.schedules import Place, schedule_of
from bluezone_harness.evidence.device_files import Device
from bluezone_reference.errors import RefusedError
from bluezone_reference.key_schedule import (
    DAY_MS,
    ID_OCTETS,
    SUBKEY_SALT,
    day_key,
    day_number,
    day_start_ms,
    ids_of_day,
    rolling_id,
)
from bluezone_reference.profiles import IOS_V3, Profile

SALTS = {b"": "without the salt", b"bluezonesubkey": "with the salt spelt bluezonesubkey"}
"""Other salts that are tried, and what reports say of them."""
MOST_SLOTS = 144
"""Slots of a day that are searched at least: the default of v2, where there are fewer now."""
DAYS_AROUND = 14
"""Days before and after those of the evidence that are searched too."""
_FEWEST_OCTETS = 8
"""An id of few different octets is found in a subkey by chance."""
DAYS_TRIED = 40
"""Days for which other salts and other octets are tried; the first of longer evidence."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A schedule that explains an id, though it is not the right one.

    Attributes:
        requirement: Which requirement it breaks.
        text: What it is, to follow "ids".
    """

    requirement: str
    text: str


class KnownIds:
    """What a device file explains, for the days of some evidence.

    Args:
        device: With its base ids.
        profile: Whose arithmetic.
        days_ms: Midnights of the days of the evidence.

    Attributes:
        schedule: The device's; it may be unusable, and then explains nothing.
    """

    def __init__(self, device: Device, profile: Profile, days_ms: Iterable[int]) -> None:
        self.schedule = schedule_of(device, profile)
        self._device = device
        self._profile = profile
        self._days_ms = sorted(days_ms)
        around_ms = {
            day_ms + step * DAY_MS
            for day_ms in self._days_ms
            for step in range(-DAYS_AROUND, DAYS_AROUND + 1)
        }
        self._places = {} if self.schedule.unusable else self.schedule.places(around_ms, MOST_SLOTS)
        # F-15: a device file that names the empty base id tells the ids that follow from it
        self._empty_ids = frozenset(
            item.rolling_id
            for base in device.bases
            if not base.base_id
            for item in ids_of_day(b"", 0, 0, MOST_SLOTS, IOS_V3)
        )
        self._sorted_ids = sorted(self._places)
        # for each octet, a bit for each subkey that holds it
        self._subkeys_with: list[int] | None = None
        self._other_ids: dict[bytes, Variant] = {}

    def explains(self, octets: bytes) -> bool:
        """Tell whether an id comes from one of the device's base ids, by its schedule or nearly so."""
        return octets in self._empty_ids or self.place(octets) is not None or self.variant(octets) is not None

    def explains_part(self, octets: bytes) -> bool:
        """Tell whether octets that are no whole id, six at least, begin as one of the schedule does, or with one."""
        if octets[:ID_OCTETS] in self._places:
            return True
        at = bisect_left(self._sorted_ids, octets)
        return at < len(self._sorted_ids) and self._sorted_ids[at].startswith(octets)

    def place(self, octets: bytes) -> Place | None:
        """Return where in the schedule an id belongs; ``None``: nowhere that was searched."""
        return self._places.get(octets)

    def variant(self, octets: bytes) -> Variant | None:
        """Return which other schedule explains an id, or ``None``."""
        return None if self.schedule.unusable else self._variant(octets)

    def _variant(self, octets: bytes) -> Variant | None:
        if self._subkeys_with is None:
            self._subkeys_with = self._try_others(max(self.schedule.slots.greatest_count, MOST_SLOTS))
        if octets in self._other_ids:
            return self._other_ids[octets]
        # BZ-KEY-005: by chance, twelve octets all stand in a subkey once in some 10^10 times
        if len(set(octets)) > _FEWEST_OCTETS and reduce(and_, map(self._subkeys_with.__getitem__, octets)):
            return Variant("BZ-KEY-005", "made of other octets of the subkeys, or in another order")
        return None

    def _try_others(self, count: int) -> list[int]:
        subkeys_with = [0] * 256
        bit = 1
        for key in self._day_keys():
            for salt in (SUBKEY_SALT, *SALTS):
                subkey = sha256(key + salt).digest()
                for _ in range(count):
                    if salt == SUBKEY_SALT:
                        for octet in set(subkey):
                            subkeys_with[octet] |= bit
                        bit <<= 1
                    else:
                        self._other_ids.setdefault(rolling_id(subkey), Variant("BZ-KEY-004", SALTS[salt]))
                    subkey = sha256(subkey).digest()
        return subkeys_with

    def _day_keys(self) -> list[bytes]:
        keys: dict[bytes, None] = {}
        around = {day_ms + step * DAY_MS for day_ms in self._days_ms for step in (-1, 0, 1)}
        for base in self._device.bases:
            for day_ms in sorted({base.base_day_ms, *sorted(around)[:DAYS_TRIED]}):
                try:
                    keys[day_key(base.base_id, day_number(base.base_day_ms, day_ms), self._profile)] = None
                except RefusedError:
                    continue
        return list(keys)


def known_ids(device: Device, profile: Profile, times_ms: Iterable[int]) -> KnownIds:
    """Return what a device file explains for the days of some instants; the last few answers are kept."""
    return _known_ids(device, profile, frozenset(map(day_start_ms, times_ms)))


@lru_cache(maxsize=4)
def _known_ids(device: Device, profile: Profile, days_ms: frozenset[int]) -> KnownIds:
    return KnownIds(device, profile, days_ms)
