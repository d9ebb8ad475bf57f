"""Planted faults in ids: other base ids, other schedules, lists that are kept too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Literal

from bluezone_reference.advertisement import OldAndroidAdvertisement, encode_advertisement
from bluezone_reference.key_schedule import DAY_MS, KEY_OCTETS, day_start_ms
from bluezone_reference.profiles import IOS_V3, V2

from . import id_sources
from .behaviours import Behaviour, Change, PlantedFault
from .old_iphones import OLD_READS, drawn_static_id, obfuscated_name, old_frames
from .plans import IdSource, PhonePlan, Plan


def _ids(source: Callable[[PhonePlan, Plan, Random], IdSource]) -> Change:
    return lambda behaviour: replace(behaviour, ids=source)


def _base(base_id: bytes) -> Change:
    return lambda behaviour: replace(
        behaviour, plan=lambda phone, plan, random: replace(phone, base_id=base_id)
    )


def _stale_list(behaviour: Behaviour) -> Behaviour:
    def change_max(phone: PhonePlan, plan: Plan, random: Random) -> PhonePlan:
        if phone.max_changes:
            return phone
        slots = id_sources.slots_at(phone, plan.start_ms)
        from_ms = plan.start_ms + plan.duration_ms // 4 + phone.offset_ms
        return replace(phone, max_changes=((from_ms, slots // 2 if slots % 2 == 0 else 48),))

    return replace(
        behaviour, plan=change_max, ids=lambda phone, plan, random: id_sources.with_list_until_midnight(phone)
    )


def _future_list(phone: PhonePlan, plan: Plan, random: Random) -> IdSource:
    return id_sources.with_list_of_next_day(phone, plan.start_ms + plan.duration_ms // 3 + phone.offset_ms)


def _midnight_list(phone: PhonePlan, plan: Plan, random: Random) -> IdSource:
    from_ms, until_ms = plan.start_ms + phone.offset_ms, plan.until_ms + phone.offset_ms
    midnight_ms = day_start_ms(until_ms - 1)
    return id_sources.with_list_of_day_before(
        phone, midnight_ms if midnight_ms > from_ms else day_start_ms(from_ms)
    )


def _before_base_day(behaviour: Behaviour) -> Behaviour:
    def later_base(phone: PhonePlan, plan: Plan, random: Random) -> PhonePlan:
        return replace(phone, base_day_ms=day_start_ms(plan.until_ms + phone.offset_ms) + DAY_MS)

    return replace(
        behaviour,
        plan=later_base,
        ids=lambda phone, plan, random: id_sources.of_profile(phone, id_sources.build_of(phone)),
    )


def _unsaved_base(behaviour: Behaviour) -> Behaviour:
    def base_today(phone: PhonePlan, plan: Plan, random: Random) -> PhonePlan:
        return replace(phone, base_day_ms=day_start_ms(plan.start_ms + phone.offset_ms))

    def ids(phone: PhonePlan, plan: Plan, random: Random) -> IdSource:
        first_day = id_sources.of_profile(replace(phone, base_id=random.randbytes(KEY_OCTETS)))
        later = id_sources.of_profile(phone)
        return lambda time_ms: (first_day if time_ms < phone.base_day_ms + DAY_MS else later)(time_ms)

    return replace(behaviour, plan=base_today, ids=ids)


def _day_key_lag(behaviour: Behaviour) -> Behaviour:
    def base_before_today(phone: PhonePlan, plan: Plan, random: Random) -> PhonePlan:
        yesterday_ms = day_start_ms(plan.start_ms + phone.offset_ms) - DAY_MS
        return replace(phone, base_day_ms=min(phone.base_day_ms, yesterday_ms))

    return replace(
        behaviour,
        plan=base_before_today,
        ids=lambda phone, plan, random: id_sources.by_other_rules(phone, lag=1),
    )


def _empty_base(behaviour: Behaviour) -> Behaviour:
    return replace(
        _base(b"")(behaviour), ids=lambda phone, plan, random: id_sources.of_profile(phone, IOS_V3)
    )


def _clock_seeded_base(behaviour: Behaviour) -> Behaviour:
    def drawn_by_clock(phone: PhonePlan, plan: Plan, random: Random) -> PhonePlan:
        made_ms = phone.base_day_ms + int(DAY_MS * random.random())
        return replace(phone, base_id=id_sources.java_random_octets(made_ms, KEY_OCTETS))

    return replace(behaviour, plan=drawn_by_clock)


def _old_id(phone: PhonePlan, plan: Plan, random: Random) -> IdSource:
    """Keep each slot's id into the next slot: for one to eight minutes, another time in each."""
    right = id_sources.of_profile(phone)
    late_ms: dict[int, int] = {}

    def rolling_id(time_ms: int) -> bytes | None:
        slot_ms = DAY_MS // id_sources.slots_at(phone, time_ms)
        begin_ms = time_ms - time_ms % slot_ms
        if begin_ms not in late_ms:
            late_ms.clear()
            late_ms[begin_ms] = 60_000 + int(420_000 * random.random())
        return right(begin_ms - 1 if time_ms - begin_ms < late_ms[begin_ms] else time_ms)

    return rolling_id


def _other_time(other_ms: Callable[[int, int], int]) -> Change:
    """Take the id of another time: a function of the time since midnight and the length of a slot, both in ms."""

    def ids(phone: PhonePlan, plan: Plan, random: Random) -> IdSource:
        right = id_sources.of_profile(phone)

        def rolling_id(time_ms: int) -> bytes | None:
            midnight_ms = day_start_ms(time_ms)
            slot_ms = DAY_MS // id_sources.slots_at(phone, time_ms)
            return right(midnight_ms + other_ms(time_ms - midnight_ms, slot_ms))

        return rolling_id

    return _ids(ids)


def _slot_late(phone: PhonePlan, plan: Plan, random: Random) -> IdSource:
    right = id_sources.of_profile(phone)
    return lambda time_ms: right(time_ms - DAY_MS // id_sources.slots_at(phone, time_ms))


def _first_generation(behaviour: Behaviour) -> Behaviour:
    def ids(phone: PhonePlan, plan: Plan, random: Random) -> IdSource:
        shown = obfuscated_name(phone) if phone.platform == "ios" else drawn_static_id(random).encode("ascii")
        return lambda time_ms: shown

    def ad_writer(random: Random) -> Callable[[bytes], bytes]:
        return lambda static_id: encode_advertisement(OldAndroidAdvertisement(static_id.decode("ascii")))

    return replace(behaviour, ids=ids, ad_writer=ad_writer, ios_frames=old_frames, reads=OLD_READS)


_BOTH: tuple[Literal["android", "ios"], ...] = ("android", "ios")

ID_FAULTS = (
    PlantedFault(
        "clock-seeded-base",
        "BZ-KEY-001",
        "the base id is the output of java.util.Random, seeded with the clock in milliseconds",
        _clock_seeded_base,
        fault="F-22",
        needs_key=True,
    ),
    PlantedFault(
        "local-day",
        "BZ-KEY-002",
        "day and slot are those of local time, seven hours ahead of UTC",
        _ids(lambda phone, plan, random: id_sources.by_other_rules(phone, shift_ms=7 * 3600000)),
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "day-key-lag",
        "BZ-KEY-003",
        "the day key stays one step behind from day 1 on",
        _day_key_lag,
        fault="F-14b",
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "corrected-salt",
        "BZ-KEY-004",
        "the salt is spelt with the second e, bluezonesubkey",
        _ids(lambda phone, plan, random: id_sources.by_other_rules(phone, salt=b"bluezonesubkey")),
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "no-salt",
        "BZ-KEY-004",
        "the first subkey is the hash of the day key alone",
        _ids(lambda phone, plan, random: id_sources.by_other_rules(phone, salt=b"")),
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "other-octets",
        "BZ-KEY-005",
        "the rolling id is the first twelve octets of the subkey",
        _ids(lambda phone, plan, random: id_sources.by_other_rules(phone, positions=tuple(range(12)))),
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "slot-late",
        "BZ-KEY-006",
        "the rolling id is that of the slot before",
        _ids(_slot_late),
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "v2-build",
        "BZ-KEY-006",
        "Android 2.0.0: 144 slots a day, and a day key that stays one step behind",
        _ids(lambda phone, plan, random: id_sources.of_profile(phone, V2)),
        breaks=("BZ-KEY-003",),
        needs_key=True,
    ),
    PlantedFault(
        "before-base-day",
        "BZ-KEY-008",
        "the clock stands before the base day, and the rolling ids of day 0 are sent",
        _before_base_day,
        fault="F-12",
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "stale-list",
        "BZ-KEY-009",
        "max changes, and the day's list goes on with the old slots until midnight",
        _stale_list,
        fault="F-10",
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "future-list",
        "BZ-KEY-009",
        "the clock was a day ahead for a moment and is set back, and the list of the day to come goes on being used",
        _ids(_future_list),
        fault="F-11",
        breaks=("BZ-PRV-005",),
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "midnight-list",
        "BZ-KEY-009",
        "the list of the day before is kept as that of the new day",
        _ids(_midnight_list),
        fault="F-13",
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "unsaved-base",
        "BZ-KEY-010",
        "on the first day the base id in use is not the one that was saved",
        _unsaved_base,
        fault="F-14",
        breaks=("BZ-ADV-004",),
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "old-id",
        "BZ-ADV-005",
        "on-windows that begin up to minutes after a slot still carry its rolling id",
        _ids(_old_id),
        breaks=("BZ-ADV-004", "BZ-KEY-006"),
        needs_key=True,
    ),
    PlantedFault(
        "long-lived-id",
        "BZ-PRV-004",
        "the rolling id changes only at every fourth slot",
        _other_time(lambda since_ms, slot_ms: since_ms - since_ms % (4 * slot_ms)),
        breaks=("BZ-KEY-006",),
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "repeated-ids",
        "BZ-PRV-005",
        "two rolling ids take turns",
        _other_time(lambda since_ms, slot_ms: since_ms % (2 * slot_ms)),
        breaks=("BZ-KEY-006",),
        needs_key=True,
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "empty-base",
        "BZ-PRV-007",
        "the random source failed: the rolling ids are those of the empty base id, day 0, every day",
        _empty_base,
        fault="F-15",
        breaks=("BZ-KEY-001", "BZ-PRV-005"),
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "zero-base",
        "BZ-PRV-007",
        "the base id is 32 octets of zero",
        _base(bytes(KEY_OCTETS)),
        breaks=("BZ-KEY-001",),
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "counting-base",
        "BZ-PRV-007",
        "the base id counts up from zero",
        _base(bytes(range(KEY_OCTETS))),
        breaks=("BZ-KEY-001",),
        platforms=_BOTH,
        by_reads=True,
    ),
    PlantedFault(
        "v1-build",
        "BZ-PRV-008",
        "Android 1.x, iPhones up to 2.0: one static id of six characters, under its own service UUID",
        _first_generation,
        fault="F-21",
        breaks=("BZ-ADV-002", "BZ-PRV-004"),
        platforms=_BOTH,
    ),
)
