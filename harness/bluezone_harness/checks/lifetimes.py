"""How long an id is heard, whether it comes again, and whether it is a weak one's.

This is a capture's part of BZ-PRV-004, -005 and -007. That of contact logs stands in ``privacy``, and the checks that
join both in ``privacy_air``.

Theory of operation. Lengths of time are taken from one clock, so that the clock offset of the phone does not
matter; between two receivers the tolerance ``clock_offset`` is taken off. Slots and days are the phone's: times are
set right by the clock offset as far as it is known, and allowed the tolerance besides. What one slot and its
lateness explain is never taken for two uses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from bluezone_harness.checks.clock import ClockSettings, clock_settings
from bluezone_harness.checks.heard import HeardId, by_id, ids_of
from bluezone_harness.checks.heard_text import id_text, length_text, of_heard
from bluezone_harness.checks.rows import count_text, of_text
from bluezone_harness.checks.schedules import Slots, schedule_of
from bluezone_harness.checks.spans import LATE_US, US, change_seen, least_length_us, longest_slot_ms
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.system_scans import told_ids
from bluezone_harness.checks.undecided import of_one_phone, several_phones, undecided, without_ids
from bluezone_harness.checks.weak_ids import BASE_DAYS, weak_places
from bluezone_harness.findings import (
    Ground,
    Judgement,
    Reason,
    failed,
    ground,
    inconclusive,
    not_observable,
    passed,
)
from bluezone_harness.observations import duration_text, instant_text
from bluezone_reference.key_schedule import DAY_MS, LEAST_MAX, day_start_ms
from bluezone_reference.weak_bases import weak_base_ids, weakness

_DAYS_SEARCHED = 14
"""Days of a capture, the newest, on which ids of weak base ids are looked for."""
_SUBKEYS_SEARCHED = 4_000_000
"""Subkeys computed at most in a search over base days: some seconds."""


# --- how long an id lives ---


def heard_lives(subject: Subject, rules: Rules) -> Judgement:
    """Judge the time from the first to the last advert of each id; the capture's part of BZ-PRV-004.

    The lateness allowed is that around the foreground, since nobody knows when the app was open. A pass takes more
    of the phone than an id may live, and a rotation that was seen.
    """
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    heard = ids_of(subject, rules)
    if not heard:
        return without_ids(subject)
    slots = Slots(subject.device, rules.profile)
    late_us = rules.tolerances["foreground_window"] * US
    late = subject.fields_from
    ids = by_id(heard)
    clock = _clock_of(subject)
    lives_us = {octets: _life_us(found, clock, rules, late) for octets, found in ids.items()}
    limits_us = {octets: longest_slot_ms(slots, found) * US + late_us for octets, found in ids.items()}
    long = [octets for octets in ids if lives_us[octets] > limits_us[octets]]
    if long:
        worst = max(long, key=lives_us.__getitem__)
        found = ground(
            f"{of_text(len(long), len(ids), 'id')} heard for longer than {length_text(limits_us[worst])}",
            f"an id for {length_text(limits_us[worst] - late_us)} and {length_text(late_us)} at most",
            f"{_text(ids[worst][0])} for {length_text(lives_us[worst])}",
            [of_heard(each) for octets in long for each in _ends(ids[octets])],
        )
        certain_us = any_slot_ms(rules) * US + late_us
        if max_is_known(slots, rules) or any(
            ids[octets][0].static or lives_us[octets] > certain_us for octets in long
        ):
            return failed(len(ids), len(long), found.summary, [found])
        return unless_another_max(len(ids), found)
    slot_ms = longest_slot_ms(slots, heard)
    limit_us = slot_ms * US + late_us
    limit = length_text(limit_us)
    longest = f"the longest for {length_text(max(lives_us.values()))}"
    summary = f"{of_text(len(ids), len(ids), 'id')} heard for no longer than {limit}, {longest}"
    if not of_one_phone(subject):
        return several_phones(summary)
    whole_us = least_length_us(heard, rules, late)
    if whole_us <= limit_us:
        return inconclusive(
            Reason.TOO_SHORT,
            f"ids were heard for {length_text(whole_us)} in all, which is no more than {limit}",
            judged=len(ids),
        )
    if not change_seen(heard, _octets, slot_ms * US):
        summary = f"no id was seen to give way to another within {duration_text(slot_ms)}"
        return inconclusive(Reason.NO_ROTATION, f"{summary}; {longest}", judged=len(ids))
    return passed(len(ids), summary)


def _clock_of(subject: Subject) -> ClockSettings:
    return clock_settings(subject.captures, subject.label)


def _life_us(found: Sequence[HeardId], clock: ClockSettings, rules: Rules, late: Collection[str]) -> int:
    """Return for how long an id was heard, at most by one setting of the phone's clock: set back, it comes again."""
    periods: dict[int, list[HeardId]] = {}
    for each in found:
        periods.setdefault(clock.period(each.first_us // US), []).append(each)
    return max(least_length_us(each, rules, late) for each in periods.values())


# --- whether an id comes again ---


def heard_again(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether on-windows of one id begin in two slots that do not touch, or on two days.

    This is the capture's part of BZ-PRV-005. Two addresses are not two phones: of one capture, nothing shows that
    an id is two phones', but for BZ-PRV-009. What a system's scanner tells again of one address may never have ended.
    """
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    heard = _uses(ids_of(subject, rules), told_ids(subject))
    if not heard:
        return without_ids(subject)
    slots = Slots(subject.device, rules.profile)
    places = _Places(subject, slots, heard, rules)
    ids = by_id(heard)
    on_two_days = [octets for octets, found in ids.items() if places.on_two_days(found)]
    apart = [
        octets for octets, found in ids.items() if octets not in on_two_days and places.in_two_slots(found)
    ]
    grounds: list[Ground] = []
    if on_two_days:
        grounds.append(_again_ground([ids[octets] for octets in on_two_days], len(ids), "on two days"))
    if apart:
        where = "in two slots that do not touch"
        grounds.append(_again_ground([ids[octets] for octets in apart], len(ids), where))
    longest_us = (any_slot_ms(rules) + rules.tolerances["foreground_window"]) * US
    certain = max_is_known(slots, rules) or any(
        ids[octets][0].static or least_length_us(ids[octets], rules, subject.fields_from) > longest_us
        for octets in apart
    )
    if on_two_days or (apart and certain):
        wrong = len(on_two_days) + len(apart)
        return failed(len(ids), wrong, f"{of_text(wrong, len(ids), 'id')} heard again", grounds)
    if apart:
        return unless_another_max(len(ids), grounds[0])
    summary = f"{of_text(len(ids), len(ids), 'id')} in one slot, or in two that touch"
    if not of_one_phone(subject):
        return several_phones(summary)
    if not (places.in_two_slots(heard) or places.on_two_days(heard)):
        return inconclusive(Reason.TOO_SHORT, "all ids were heard in slots that touch", judged=len(ids))
    return passed(len(ids), f"{summary}; two phones with one id are not told from one")


def _uses(heard: Sequence[HeardId], told: Collection[bytes]) -> Sequence[HeardId]:
    """Join what a system told of one id at one address: its pauses are none of the phone's."""
    uses: dict[tuple[str, str, bytes | None, bytes], HeardId] = {}
    others: list[HeardId] = []
    for each in heard:  # in order of time
        if each.octets not in told:
            others.append(each)
            continue
        key = (each.source, each.receiver, each.address, each.octets)
        first = uses.setdefault(key, each)
        uses[key] = replace(first, last_us=max(first.last_us, each.last_us))
    return [*others, *uses.values()] if uses else heard


class _Places:
    """Where in the phone's slots and days on-windows begin."""

    def __init__(self, subject: Subject, slots: Slots, heard: Iterable[HeardId], rules: Rules) -> None:
        self._slots = slots
        self._slot_ms = longest_slot_ms(slots, heard)
        self._rules = rules
        self._offset_ms = subject.clock_offset_ms or 0
        self._margin_ms = rules.tolerances["clock_offset"]
        self._late_ms = rules.tolerances["foreground_window"]
        self._told_late = subject.fields_from
        self._clock = _clock_of(subject)

    def on_two_days(self, heard: Iterable[HeardId]) -> bool:
        """Tell whether the first and the last begin on two days, lateness at midnight aside."""
        first_ms, last_ms, one_use = self._ends_ms(heard)
        next_day_ms = day_start_ms(first_ms + self._margin_ms) + DAY_MS
        return not one_use and last_ms - self._margin_ms > next_day_ms + self._late_ms

    def in_two_slots(self, heard: Iterable[HeardId]) -> bool:
        """Tell whether the first and the last begin in slots that do not touch."""
        first_ms, last_ms, one_use = self._ends_ms(heard)
        if one_use:
            return False
        # BZ-PRV-004 has the lateness; a slot that is shorter than it may be passed over whole.
        late_ms = 0 if self._slot_ms > self._late_ms else self._late_ms
        _, until_ms = self._slots.bounds_ms(first_ms + self._margin_ms)
        from_ms, _ = self._slots.bounds_ms(max(first_ms, last_ms - self._margin_ms - late_ms))
        return from_ms > until_ms

    def _ends_ms(self, heard: Iterable[HeardId]) -> tuple[int, int, bool]:
        """Return when the first and the last on-window begin, by the phone's clock, and whether it is one use."""
        found = list(heard)
        first_ms = min(self._phone_ms(each.first_us) for each in found)
        latest_ms = max(
            self._phone_ms(each.first_us - LATE_US * (each.source in self._told_late)) for each in found
        )
        last_ms = max(first_ms, latest_ms)
        longest_us = (self._slot_ms + self._late_ms) * US
        return first_ms, last_ms, _life_us(found, self._clock, self._rules, self._told_late) <= longest_us

    def _phone_ms(self, time_us: int) -> int:
        """Return what the phone's clock showed."""
        time_ms = time_us // US
        return time_ms + self._offset_ms + self._clock.ahead_ms(time_ms)


def _again_ground(found: list[list[HeardId]], judged: int, where: str) -> Ground:
    first, last = _ends(found[0])
    when = f"at {instant_text(first.first_us // US)} and at {instant_text(last.first_us // US)}"
    return ground(
        f"{of_text(len(found), judged, 'id')} {where}",
        "each id in one slot, or in two that touch, of one day",
        f"{_text(first)} {when}",
        [of_heard(each) for several in found for each in _ends(several)],
    )


# --- where an id comes from ---


@lru_cache(maxsize=4)
def heard_weak(subject: Subject, rules: Rules) -> Judgement:
    """Look for the ids among those of the listed weak base ids; the capture's part of BZ-PRV-007 and of BZ-KEY-001.

    The last few answers are kept, since both ask and the search takes long.

    Ids that the device file's base ids explain come from none of the listed, unless those are listed themselves.
    Without a device file the base day can be any of those that the summary names. Static ids of the first
    generation have no base id, and which generator gave them, the air does not tell.
    """
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    heard = ids_of(subject, rules)
    if not heard:
        return without_ids(subject)
    rolling = by_id(each for each in heard if not each.static)
    static = len({each.octets for each in heard if each.static})
    rest = f"; {count_text(static, 'static id')} of the first generation not searched for" if static else ""
    if not rolling:
        return not_observable(Reason.EVIDENCE_MISSING, f"no rolling id was heard{rest}")
    others = set(rolling) - _explained(subject, heard, rules)
    slots = Slots(subject.device, rules.profile)
    days = {0} | _days(subject, heard)
    found = weak_places(others, days, slots.greatest_count) if others else {}
    searched = f"days {', '.join(map(str, sorted(days)))}" if len(days) > 1 else "day 0"
    if others == set(rolling) and not found:
        earliest = min(_earliest_slot(rolling[octets], slots, subject) for octets in others)
        base_days = min(BASE_DAYS, _SUBKEYS_SEARCHED // (len(weak_base_ids()) * (earliest + 2)))
        found = weak_places(others, range(base_days + 1), earliest + 2)
        searched = f"{base_days} base days"
    if found:
        weak = next(octets for octets in rolling if octets in found)
        place = found[weak]
        summary = f"{of_text(len(found), len(rolling), 'id')} of a weak base id"
        seen = f"{weak.hex().upper()}: base id {place.base}, day {place.day}, slot {place.slot}"
        evidence = [of_heard(each) for octets in rolling if octets in found for each in rolling[octets]]
        grounds = [ground(summary, "ids of a base id from a cryptographic random source", seen, evidence)]
        return failed(len(rolling), len(found), summary, grounds)
    how = (
        f"{count_text(len(others), 'id')} searched for, {searched}"
        if others
        else "by the device file's base ids"
    )
    return passed(
        len(rolling),
        f"no id of {len(rolling)} comes from a listed weak base id ({how}){rest}; absence proves nothing",
    )


def _explained(subject: Subject, heard: Iterable[HeardId], rules: Rules) -> frozenset[bytes]:
    """Return the rolling ids of a device's schedule around the days of a capture, if no base id of it is weak."""
    if subject.device is None or any(weakness(base.base_id) for base in subject.device.bases):
        return frozenset()
    schedule = schedule_of(subject.device, rules.profile)
    if schedule.unusable:
        return frozenset()
    return frozenset(schedule.places(each.first_us // US for each in heard))


def _days(subject: Subject, heard: Iterable[HeardId]) -> set[int]:
    """Return the newest days of a capture, counted from the base days of the device file."""
    if subject.device is None:
        return set()
    starts_ms = sorted({day_start_ms(each.first_us // US) for each in heard})[-_DAYS_SEARCHED:]
    return {
        (start_ms - base.base_day_ms) // DAY_MS for base in subject.device.bases for start_ms in starts_ms
    }


def _earliest_slot(heard: Iterable[HeardId], slots: Slots, subject: Subject) -> int:
    offset_ms = subject.clock_offset_ms or 0
    return min(slots.index_at(each.first_us // US + offset_ms) for each in heard)


# --- what both parts share ---


def max_is_known(slots: Slots, rules: Rules) -> bool:
    """Tell whether no other ``max`` can explain what was seen; the first generation has none."""
    return slots.known or rules.profile.key_schedule is None


def any_slot_ms(rules: Rules) -> int:
    """Return the longest slot that any ``max`` gives."""
    schedule = rules.profile.key_schedule
    return DAY_MS // LEAST_MAX if schedule is None or schedule.max_rule == "divisor" else DAY_MS


def unless_another_max(judged: int, found: Ground) -> Judgement:
    """Answer that something is wrong unless a ``max`` was configured that nobody told of."""
    summary = f"{found.summary}; without a device file, another max could explain it"
    return inconclusive(Reason.EVIDENCE_MISSING, summary, judged=judged, grounds=[found])


def _octets(heard: HeardId) -> bytes:
    return heard.octets


def _text(heard: HeardId) -> str:
    return id_text(heard.octets, heard.static)


def _ends(heard: Iterable[HeardId]) -> tuple[HeardId, HeardId]:
    found = list(heard)
    return min(found, key=lambda each: each.first_us), max(found, key=lambda each: each.last_us)
