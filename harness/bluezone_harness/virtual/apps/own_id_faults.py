"""Planted faults in the own ids of an app's records: BZ-LOG-005."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

from bluezone_harness.virtual.id_sources import (
    by_other_rules,
    of_profile,
    slots_at,
    with_list_of_day_before,
    with_list_of_next_day,
    with_list_until_midnight,
)
from bluezone_harness.virtual.plans import IdSource, PhonePlan
from bluezone_reference.key_schedule import DAY_MS, day_start_ms

from .behaviours import AppFault, Change
from .model import AppPlan

_OTHER_MAX = 48


def _own_ids(own_ids: Callable[[AppPlan], IdSource]) -> Change:
    return lambda behaviour: replace(behaviour, own_ids=own_ids)


def _frozen(plan: AppPlan) -> IdSource:
    source = of_profile(plan.phone)
    found: list[bytes | None] = []

    def own_id(clock_ms: int) -> bytes | None:
        if not found:
            found.append(source(clock_ms))
        return found[0]

    return own_id


def _a_slot_late(plan: AppPlan) -> IdSource:
    source = of_profile(plan.phone)
    return lambda clock_ms: source(clock_ms - DAY_MS // slots_at(plan.phone, clock_ms))


def _of_other_max(plan: AppPlan) -> IdSource:
    other = _OTHER_MAX if slots_at(plan.phone, 0) != _OTHER_MAX else 2 * _OTHER_MAX
    return by_other_rules(plan.phone, slots=lambda clock_ms: other)


def _at_first(make: Callable[[PhonePlan, int], IdSource]) -> Callable[[AppPlan], IdSource]:
    """Return a source that is made when it is first asked, with that time."""

    def source(plan: AppPlan) -> IdSource:
        made: list[IdSource] = []

        def own_id(clock_ms: int) -> bytes | None:
            if not made:
                made.append(make(plan.phone, clock_ms))
            return made[0](clock_ms)

        return own_id

    return source


def _list_of_day_before(phone: PhonePlan, clock_ms: int) -> IdSource:
    return with_list_of_day_before(phone, day_start_ms(clock_ms) + DAY_MS)


OWN_ID_FAULTS = (
    AppFault("own-id-late", "BZ-LOG-005", "Own ids are those of the slot before", _own_ids(_a_slot_late)),
    AppFault("own-id-frozen", "BZ-LOG-005", "The own id is that of the first record", _own_ids(_frozen)),
    AppFault(
        "own-id-of-other-max",
        "BZ-LOG-005",
        "Own ids are those of another setting of max",
        _own_ids(_of_other_max),
    ),
    AppFault(
        "own-list-kept",
        "BZ-LOG-005",
        "A new setting of max counts for own ids from the next day on",
        _own_ids(lambda plan: with_list_until_midnight(plan.phone)),
        "F-10",
        settings=MappingProxyType({600_000: _OTHER_MAX}),
    ),
    AppFault(
        "own-list-of-next-day",
        "BZ-LOG-005",
        "Own ids are those of the next day, after the clock stood there for a moment",
        _own_ids(_at_first(with_list_of_next_day)),
        "F-11",
    ),
    AppFault(
        "own-list-of-day-before",
        "BZ-LOG-005",
        "After a midnight own ids are still those of the day before",
        _own_ids(_at_first(_list_of_day_before)),
        "F-13",
        takes_a_day=True,
    ),
)
"""In the order of their requirements."""
