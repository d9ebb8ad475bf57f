"""Planted faults in how an app reads iPhones, and for how long it uses what it read: BZ-RCV-004 and BZ-RCV-005."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bluezone_reference.ad_structures import MANUFACTURER_SPECIFIC_DATA, intact_structures
from bluezone_reference.advertisement import ONLY_BLUEZONE_SERVICES
from bluezone_reference.key_schedule import DAY_MS, day_start_ms, slots_a_day
from bluezone_reference.receiver import HeardAdvert

from .behaviours import AppBehaviour, AppFault, Change, Memory
from .model import AppPlan

_OVERFLOW = b"\x4c\x00\x01"
_PATIENT_US = 30_000_000
_STAYS_US = 60_000_000
_AT_ONCE = 4
_HALF_HOUR_MS = 1_800_000
_FOR_EVER_MS = 400 * DAY_MS


def _reading(**changes: object) -> Change:
    def change(behaviour: AppBehaviour) -> AppBehaviour:
        other = replace(behaviour.reading, **changes)  # type: ignore[arg-type] # names of its fields
        return replace(behaviour, reading=other)

    return change


def _unlimited(**changes: object) -> Change:
    """Return the fault of an app whose system makes its attempts: its receiver has no limits of its own."""

    def change(behaviour: AppBehaviour) -> AppBehaviour:
        behaviour = _reading(**changes)(behaviour)
        return replace(behaviour, profile=replace(behaviour.profile, platform="ios"))

    return change


def _overflow_of(advert: HeardAdvert) -> bytes | None:
    """Return the field of the overflow form; ``None``: the advert is none."""
    for each in intact_structures(advert.ad)[0]:
        if each.ad_type == MANUFACTURER_SPECIFIC_DATA and each.data.startswith(_OVERFLOW):
            return each.data[len(_OVERFLOW) :]
    return None


def _only_bluezone(advert: HeardAdvert) -> bool:
    return _overflow_of(advert) in (None, ONLY_BLUEZONE_SERVICES)


def _remembering(place: Callable[[AppPlan, int], int], lasts_ms: int) -> Change:
    """Return the fault of an app that keeps ids by itself.

    Args:
        place: From a plan and a time to where an id that was read then is kept, and looked for.
        lasts_ms: For so long it is used.
    """

    def memory(plan: AppPlan) -> Memory:
        kept: dict[tuple[str, int], tuple[int, bytes]] = {}

        def recall(address: str, clock_ms: int) -> bytes | None:
            read_ms, value = kept.get((address, place(plan, clock_ms)), (0, b""))
            return value if value and clock_ms - read_ms < lasts_ms else None

        def keep(address: str, clock_ms: int, value: bytes) -> None:
            kept[address, place(plan, clock_ms)] = clock_ms, value

        return Memory(recall, keep)

    return lambda behaviour: replace(behaviour, memory=memory)


def _one_place(plan: AppPlan, clock_ms: int) -> int:
    return 0


def _slot_number(plan: AppPlan, clock_ms: int) -> int:
    return (clock_ms - day_start_ms(clock_ms)) * slots_a_day(plan.phone.max_per_day) // DAY_MS


def _slot_number_only(behaviour: AppBehaviour) -> AppBehaviour:
    profile = behaviour.profile
    return replace(
        behaviour, profile=replace(profile, receiver=replace(profile.receiver, cached_id="slot_number"))
    )


READ_FAULTS = (
    AppFault(
        "never-reads",
        "BZ-RCV-004",
        "No iPhone is read",
        _reading(wants=lambda advert: False),
    ),
    AppFault(
        "open-iphones-only",
        "BZ-RCV-004",
        "An iPhone whose app is in the background is not read",
        _reading(wants=lambda advert: _overflow_of(advert) is None),
    ),
    AppFault(
        "exact-overflow",
        "BZ-RCV-004",
        "An iPhone is not read on which other apps are in the background too",
        _reading(wants=_only_bluezone),
        "F-26",
    ),
    AppFault(
        "never-gives-up",
        "BZ-RCV-004",
        "An attempt to read an iPhone that does not answer is never given up, and blocks all others",
        _unlimited(attempt_us=None),
    ),
    AppFault(
        "gives-up-late",
        "BZ-RCV-004",
        "An attempt is given up after 30 s",
        _unlimited(attempt_us=_PATIENT_US),
    ),
    AppFault(
        "several-at-once",
        "BZ-RCV-004",
        "Several iPhones are read at the same time",
        _unlimited(at_once=_AT_ONCE),
    ),
    AppFault(
        "stays-connected",
        "BZ-RCV-004",
        "A connection is kept for a minute after the value",
        _reading(stays_us=_STAYS_US),
    ),
    AppFault(
        "kept-half-an-hour",
        "BZ-RCV-005",
        "An id that was read is used for half an hour",
        _remembering(_one_place, _HALF_HOUR_MS),
    ),
    AppFault(
        "kept-for-ever",
        "BZ-RCV-005",
        "An id that was read is used for its address for ever",
        _remembering(_one_place, _FOR_EVER_MS),
    ),
    AppFault(
        "slot-number-only",
        "BZ-RCV-005",
        "Of the day on which an id was read nothing is kept, and the oldest of an address is used",
        _slot_number_only,
        "F-19",
        takes_a_day=True,
    ),
    AppFault(
        "slot-of-any-day",
        "BZ-RCV-005",
        "The last id that was read is used in the same slot of another day",
        _remembering(_slot_number, _FOR_EVER_MS),
        takes_a_day=True,
    ),
)
"""In the order of their requirements."""
