"""Chapter privacy, as far as contact logs show it: BZ-PRV-004, -005, -007, -016, -017.

Own ids are judged: those of the device under test. What a phone logs of others is theirs.
"""

from __future__ import annotations

from bluezone_harness.checks.lifetimes import any_slot_ms, max_is_known, unless_another_max
from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import (
    Located,
    count_text,
    located_rows,
    nothing_to_judge,
    of_row,
    of_rows,
    of_text,
    unread_numbers,
)
from bluezone_harness.checks.schedules import Slots, schedule_of
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.weak_ids import BASE_DAYS, weak_places
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence, KeptAddress, LogKind
from bluezone_harness.findings import (
    Evidence,
    EvidenceKind,
    Ground,
    Judgement,
    Reason,
    failed,
    ground,
    inconclusive,
    not_observable,
    passed,
)
from bluezone_harness.observations import Capability, duration_text, instant_text
from bluezone_reference.key_schedule import DAY_MS, ID_OCTETS, day_start_ms
from bluezone_reference.weak_bases import weakness

_PLATFORM_WORDS = ("Android", "iOS")
_LOG_DAYS_SEARCHED = 14
"""Days of a log, the newest, on which ids of weak base ids are looked for."""


# --- how long an own id lives ---


def an_id_lives_for_its_slot(subject: Subject, rules: Rules) -> Judgement:
    """Judge the time from the first to the last row of each own id.

    Own ids are held to the limit of the air, the slot and the lateness allowed; how exactly they follow the
    clock is BZ-LOG-005's business. Without a device file the slots of the default are taken; what a longer
    slot could explain is then inconclusive.
    """
    rows = located_rows(subject)
    if not rows:
        return nothing_to_judge(subject, "rows")
    slots = Slots(subject.device, rules.profile)
    margin_ms = rules.tolerances["foreground_window"] + rules.tolerances["log_clock"]
    spans = _spans(rows)
    long = [span for span in spans if _length_ms(span) > _slot_ms(span, slots) + margin_ms]
    if not long:
        whole = (min(rows, key=_time_ms), max(rows, key=_time_ms))
        limit_ms = _slot_ms(whole, slots) + margin_ms
        if _length_ms(whole) <= limit_ms:
            return inconclusive(
                Reason.TOO_SHORT, f"all rows lie within {duration_text(limit_ms)}", judged=len(spans)
            )
        all_of_them = of_text(len(spans), len(spans), "own id")
        return passed(len(spans), f"{all_of_them} used for no longer than {duration_text(limit_ms)}")
    worst = max(long, key=_length_ms)
    slot_ms = _slot_ms(worst, slots)
    found = _span_ground(
        f"{of_text(len(long), len(spans), 'own id')} used for longer than {duration_text(slot_ms + margin_ms)}",
        f"an own id for {duration_text(slot_ms)} and {duration_text(margin_ms)} at most",
        f"{_id_text(worst)} for {duration_text(_length_ms(worst))}",
        long,
    )
    certain_ms = any_slot_ms(rules) + margin_ms
    if max_is_known(slots, rules) or any(_length_ms(span) > certain_ms for span in long):
        return failed(len(spans), len(long), found.summary, [found])
    return unless_another_max(len(spans), found)


def an_id_does_not_come_again(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether an own id appears in two slots that do not touch, or on two days.

    Each time may be off by the tolerance ``log_clock``. On the day after, an id may appear as long after
    midnight as an on-window may last. Without a device file, two slots that do not touch could be one longer
    slot; two days are two days.
    """
    rows = located_rows(subject)
    if not rows:
        return nothing_to_judge(subject, "rows")
    slots = Slots(subject.device, rules.profile)
    spans = _spans(rows)
    whole = (min(rows, key=_time_ms), max(rows, key=_time_ms))
    on_two_days = [span for span in spans if _on_two_days(span, rules)]
    apart = [span for span in spans if span not in on_two_days and not _touch(span, slots, rules)]
    grounds: list[Ground] = []
    if on_two_days:
        grounds.append(_again_ground(on_two_days, spans, "on two days"))
    if apart:
        grounds.append(_again_ground(apart, spans, "in two slots that do not touch"))
    longest_ms = any_slot_ms(rules) + rules.tolerances["foreground_window"]
    certain = max_is_known(slots, rules) or any(_length_ms(span) > longest_ms for span in apart)
    if on_two_days or (apart and certain):
        wrong = len(on_two_days) + len(apart)
        return failed(len(spans), wrong, f"{of_text(wrong, len(spans), 'own id')} used again", grounds)
    if apart:
        return unless_another_max(len(spans), grounds[0])
    if _touch(whole, slots, rules) and not _on_two_days(whole, rules):
        return inconclusive(Reason.TOO_SHORT, "all rows lie in slots that touch", judged=len(spans))
    return passed(
        len(spans), f"{of_text(len(spans), len(spans), 'own id')} in one slot, or in two that touch"
    )


_Span = tuple[Located, Located]
"""The first and the last row of an own id, by their times."""


def _spans(rows: list[Located]) -> list[_Span]:
    """Return the span of each own id, in the order in which they come up."""
    spans: dict[bytes, _Span] = {}
    for located in rows:
        own_id = located[1].record.own_id
        first, last = spans.get(own_id, (located, located))
        spans[own_id] = (min(first, located, key=_time_ms), max(last, located, key=_time_ms))
    return list(spans.values())


def _time_ms(located: Located) -> int:
    return located[1].record.time_ms


def _length_ms(span: _Span) -> int:
    return _time_ms(span[1]) - _time_ms(span[0])


def _slot_ms(span: _Span, slots: Slots) -> int:
    return slots.longest_ms(_time_ms(span[0]), _time_ms(span[1]))


def _id_text(span: _Span) -> str:
    return span[0][1].record.own_id.hex().upper()


def _on_two_days(span: _Span, rules: Rules) -> bool:
    next_day_ms = day_start_ms(_time_ms(span[0])) + DAY_MS
    return _time_ms(span[1]) > next_day_ms + rules.tolerances["foreground_window"]


def _touch(span: _Span, slots: Slots, rules: Rules) -> bool:
    """Tell whether the slots of both ends are one or neighbours, each time as far off as may be."""
    margin_ms = rules.tolerances["log_clock"]
    _, until_ms = slots.bounds_ms(_time_ms(span[0]) + margin_ms)
    from_ms, _ = slots.bounds_ms(_time_ms(span[1]) - margin_ms)
    return from_ms <= until_ms


def _again_ground(found: list[_Span], spans: list[_Span], where: str) -> Ground:
    first, last = found[0]
    seen = f"{_id_text(found[0])} at {instant_text(_time_ms(first))} and at {instant_text(_time_ms(last))}"
    summary = f"{of_text(len(found), len(spans), 'own id')} {where}"
    return _span_ground(summary, "each own id in one slot, or in two that touch, of one day", seen, found)


def _span_ground(summary: str, expected: str, seen: str, spans: list[_Span]) -> Ground:
    ends = [of_row(*end) for span in spans for end in span]
    return Ground(summary, expected, seen, len(ends), tuple(ends[:10]))


# --- where an own id comes from ---


def no_id_comes_from_a_weak_base_id(subject: Subject, rules: Rules) -> Judgement:
    """Look for the own ids among those of the listed weak base ids.

    Own ids that the device file's base ids explain come from none of the listed, unless those are listed
    themselves. If it explains some, the others are looked for on day 0 and on the days of the log. If it
    explains none, or there is no device file, the base day can be any of the last 400; the earliest slot
    decides, as far as the default of ``max`` tells it.
    """
    rows = located_rows(subject)
    if not rows:
        return nothing_to_judge(subject, "rows")
    own_ids = {row.record.own_id for _, row in rows if len(row.record.own_id) == ID_OCTETS}
    if not own_ids:
        summary = (
            "no own id is a rolling id; static ids of the clock-seeded generator (F-22) are not searched for"
        )
        return not_observable(Reason.EVIDENCE_MISSING, summary)
    others = own_ids - _explained_ids(subject, rules)
    slots = Slots(subject.device, rules.profile)
    days = {0} | _log_days(subject, rows)
    found = weak_places(others, days, slots.greatest_count) if others else {}
    searched = f"days {', '.join(map(str, sorted(days)))}" if len(days) > 1 else "day 0"
    if others == own_ids and not found:
        earliest = min(slots.index_at(_time_ms(located)) for located in rows)
        found = weak_places(others, range(BASE_DAYS + 1), earliest + 1)
        searched = f"{BASE_DAYS} base days"
    if found:
        weak = [(log, row) for log, row in rows if row.record.own_id in found]
        own_id = weak[0][1].record.own_id
        place = found[own_id]
        summary = f"{of_text(len(found), len(own_ids), 'own id')} of a weak base id"
        seen = f"{own_id.hex().upper()}: base id {place.base}, day {place.day}, slot {place.slot}"
        expected = "own ids of a base id from a cryptographic random source"
        return failed(len(own_ids), len(found), summary, [ground(summary, expected, seen, of_rows(weak))])
    how = (
        f"{count_text(len(others), 'own id')} searched for, {searched}"
        if others
        else "by the device file's base ids"
    )
    return passed(
        len(own_ids),
        f"no own id of {len(own_ids)} comes from a listed weak base id ({how}); absence proves nothing",
    )


def _explained_ids(subject: Subject, rules: Rules) -> frozenset[bytes]:
    """Return the rolling ids of a device's schedule around the days of its logs, if no base id of it is weak."""
    if subject.device is None or any(weakness(base.base_id) for base in subject.device.bases):
        return frozenset()
    schedule = schedule_of(subject.device, rules.profile)
    if schedule.unusable:
        return frozenset()
    return frozenset(schedule.places(map(_time_ms, located_rows(subject))))


def _log_days(subject: Subject, rows: list[Located]) -> set[int]:
    """Return the days of the newest rows, counted from the base days of the device file."""
    if subject.device is None:
        return set()
    starts_ms = sorted({day_start_ms(_time_ms(located)) for located in rows})[-_LOG_DAYS_SEARCHED:]
    return {
        (start_ms - base.base_day_ms) // DAY_MS for base in subject.device.bases for start_ms in starts_ms
    }


# --- what is kept ---


@check("BZ-PRV-016", needs=Capability.WHOLE_LOG)
def no_record_is_kept_too_long(subject: Subject, rules: Rules) -> Judgement:
    """Judge the age of each row of a database against its newest row, which is no newer than now.

    A database that is young passes nothing: only where its first rows were deleted is there a sign that rows
    are.
    """
    limit_ms = rules.tolerances["retention"] * DAY_MS
    databases = [log for log in subject.logs if Capability.WHOLE_LOG in log.capabilities]
    rows = [(log, row) for log in databases for row in log.rows]
    if not rows:
        return nothing_to_judge(subject, "rows")
    newest_ms = max(map(_time_ms, rows))
    old = [located for located in rows if newest_ms - _time_ms(located) > limit_ms]
    age = duration_text(newest_ms - min(map(_time_ms, rows)))
    if old:
        summary = f"{of_text(len(old), len(rows), 'row')} older than {duration_text(limit_ms)}"
        expected = f"no row older than {duration_text(limit_ms)}"
        found = ground(summary, expected, f"the oldest is {age} older than the newest", of_rows(old))
        return failed(len(rows), len(old), summary, [found])
    if any(log.partial for log in databases):
        return inconclusive(Reason.DAMAGED, "no row that can be read is too old", judged=len(rows))
    if any(not log.rows or log.rows[0].number <= 1 for log in databases):
        summary = f"the oldest row is {age} older than the newest, and none was deleted yet"
        return inconclusive(Reason.TOO_SHORT, summary, judged=len(rows))
    whole = of_text(len(rows), len(rows), "row")
    return passed(len(rows), f"{whole} of the last {duration_text(limit_ms)}, older ones deleted")


@check("BZ-PRV-017", needs=(Capability.WHOLE_LOG, Capability.READ_CACHE))
def no_hardware_address_is_kept(subject: Subject, rules: Rules) -> Judgement:
    """Look for anything but the word for a platform in ``macid``, and for any row in ``connect_info``.

    An Android phone passes only if both tables were seen; an iPhone has no second one.
    """
    databases = [log for log in subject.logs if log.kind is LogKind.DATABASE]
    kept = [
        _of_address(log, "trace_info", each)
        for log in databases
        for each in log.addresses
        if each.text not in _PLATFORM_WORDS
    ]
    cached = [_of_address(log, "connect_info", each) for log in databases for each in log.cached_reads or ()]
    judged = sum(len(log.rows) + len(unread_numbers(log)) for log in databases) + len(cached)
    if kept or cached:
        grounds = [
            ground(
                f"{count_text(len(found), 'row')} of {table} with an address",
                "no address",
                found[0].text,
                found,
            )
            for table, found in (("trace_info", kept), ("connect_info", cached))
            if found
        ]
        wrong = len(kept) + len(cached)
        return failed(judged, wrong, f"{of_text(wrong, judged, 'row')} with an address", grounds)
    if any(log.partial for log in databases):
        return inconclusive(Reason.DAMAGED, "no row that can be read has an address", judged=judged)
    if not judged:
        return inconclusive(Reason.TOO_FEW_PACKETS, "the databases hold no rows")
    platform = (subject.device and subject.device.platform) or rules.profile.platform
    seen = {table for log in databases for table in _tables(log)}
    lacking = {"trace_info", "connect_info"} - seen - ({"connect_info"} if platform == "ios" else set())
    if lacking:
        summary = f"{of_text(judged, judged, 'row')} without an address; {lacking.pop()} was not seen"
        return inconclusive(Reason.EVIDENCE_MISSING, summary, judged=judged)
    return passed(judged, f"{of_text(judged, judged, 'row')} without an address")


def _tables(log: ContactLogEvidence) -> set[str]:
    tables = {"trace_info"} if Capability.WHOLE_LOG in log.capabilities else set()
    return tables if log.cached_reads is None else tables | {"connect_info"}


def _of_address(log: ContactLogEvidence, table: str, kept: KeptAddress) -> Evidence:
    return Evidence(
        EvidenceKind.ROW, log.name, kept.number, text=f"{table}: {kept.text or 'a row without an address'}"
    )
