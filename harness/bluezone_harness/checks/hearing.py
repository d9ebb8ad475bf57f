"""What a device under test had to hear of a broadcast, and whether its log shows it.

Theory of operation. Between the first instant at which the device was there for sure and the end of the record, each
contact id has its stretches (``scan_times``): times in which so many adverts lay within the scans, at the worst phase
of their schedule, that one of them had to be heard. A contact id that is heard is recorded, unless a record of it lies
less than 5000 ms away (BZ-LOG-002): so each stretch has a row in it, or shortly before it. One that has none is

- **missing** (BZ-RCV-001), where there is no earlier row of the id;
- **not recorded again** (BZ-LOG-002), where there is;
- **dropped** (BZ-RCV-003), the same of an advert that is malformed after its id;
- **silent**, where nothing at all was logged from then on: the app stopped, or was stopped. If something that might
  have stopped it came on the air shortly before, and had not been survived, that is named (BZ-RCV-003).

Rows that are near to one another show besides when the device did scan: there no phase is in doubt.

A log of which rows could not be read may have the missing ones among these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise

from bluezone_harness.checks.broadcasts import Air, Broadcast, Sending, air_of, sent_spans
from bluezone_harness.checks.log_rows_explained import RIGHT, Cause, ExplainedLog, explained_log
from bluezone_harness.checks.rows import unread_numbers
from bluezone_harness.checks.scan_times import (
    CONTINUOUS,
    SentSpan,
    Stretch,
    enough_adverts,
    least_adverts,
    stretches,
)
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.sources.broadcast_records import spans_without

_TRUSTED = RIGHT - {Cause.DELIVERED_LATE} | {Cause.OUTSIDE, Cause.NEVER_SENT, Cause.NO_ID, Cause.CUT_PART}
"""Rows of these causes give no doubt of the times of others."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something that had to be heard.

    Attributes:
        contact_id: That had to be recorded; empty of what gives none.
        sending: The first of what sent it then.
        stretch: When.
    """

    contact_id: bytes
    sending: Sending
    stretch: Stretch


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """What had to be heard, and what came of it.

    Attributes:
        recorded: What had to be recorded, and was.
        missing: What had to be recorded for the first time, and was not.
        dropped: The same of adverts that are malformed after the id, which counts all the same (BZ-RCV-003).
        not_again: What had to be recorded again, and was not.
        silent: What had to be recorded after the last row of all.
        survived: Of what gives no record, what had to be heard before something else was logged.
        stopped_by: Of what gives no record, what may have stopped the log.
        decoys: All that gives no record and had to be heard, as far as the device was there.
        unread: How many rows could not be read.
    """

    recorded: Sequence[Due]
    missing: Sequence[Due]
    dropped: Sequence[Due]
    not_again: Sequence[Due]
    silent: Sequence[Due]
    survived: Sequence[Due]
    stopped_by: Sequence[Sending]
    decoys: Sequence[Due]
    unread: int

    @property
    def ids(self) -> int:
        """How many contact ids were recorded that had to be."""
        return len({each.contact_id for each in self.recorded})


@lru_cache(maxsize=4)
def hearing(subject: Subject, rules: Rules) -> Hearing:
    """Return what a subject had to hear; the last few answers are kept.

    Args:
        subject: Who; it has the record of a broadcast, and its log shows that it was there.
        rules: By which it is judged.
    """
    broadcast, log = subject.broadcast, explained_log(subject, rules)
    if broadcast is None or log.first_ms is None or log.last_ms is None or log.there_ms is None:
        raise ValueError("nothing had to be heard by a device that was not there")
    air = air_of(broadcast.record, rules.profile)
    times = _times(log)
    recorded: list[Due] = []
    missing: list[Due] = []
    dropped: list[Due] = []
    not_again: list[Due] = []
    silent: list[Due] = []
    repeat_ms = rules.profile.contact_log.repeat_after_ms
    margin_ms = rules.tolerances["log_clock"] + rules.tolerances["late_delivery"]
    for contact_id, sendings in air.by_id.items():
        row_times = times.get(contact_id, ())
        for due in dues(contact_id, sendings, broadcast, rules, log.first_ms, pause_ms=repeat_ms):
            # by the log's clock, as early and as late as may be
            start_ms = due.stretch.from_ms + log.offset.least_ms - repeat_ms - rules.tolerances["log_clock"]
            end_ms = due.stretch.until_ms + log.offset.most_ms + margin_ms
            if any(first_ms <= end_ms and last_ms >= start_ms for first_ms, last_ms in row_times):
                recorded.append(due)
            elif not _before(due, sendings, broadcast, rules, log.last_ms):
                # of an id that is not recorded again, silence tells nothing
                if not row_times:
                    silent.append(due)
            elif any(first_ms < start_ms for first_ms, _ in row_times):
                not_again.append(due)
            elif all(each.is_malformed for each in sendings):
                dropped.append(due)
            else:
                missing.append(due)
        not_again += _known_dues(sendings, row_times, broadcast, log, rules)
    if missing or not_again:
        # a receiver that misses others does not mind the damage
        missing, dropped = sorted([*missing, *dropped], key=lambda due: due.stretch.from_ms), []
    heard = _decoys(air.decoys, broadcast, rules, log.first_ms)
    last_ms = log.last_ms
    survived = [each for each in heard if each.stretch.until_ms <= last_ms]
    return Hearing(
        recorded,
        missing,
        dropped,
        not_again,
        silent,
        survived,
        _stoppers(air, survived, log.there_ms - log.offset.width_ms, silent) if log.right else [],
        heard,
        sum(len(unread_numbers(each)) for each in subject.record_logs),
    )


def dues(
    contact_id: bytes,
    sendings: Sequence[Sending],
    broadcast: Broadcast,
    rules: Rules,
    first_ms: int,
    *,
    pause_ms: int,
) -> Iterator[Due]:
    """Yield, in order, when something had to be heard.

    Args:
        contact_id: That it gives; empty: none.
        sendings: What sent it.
        broadcast: Where they stand, and how the device scans.
        rules: By which it is judged.
        first_ms: From when on the device was there.
        pause_ms: From one stretch to the next.
    """
    spans = spans_heard(sendings, broadcast, rules, first_ms)
    for stretch in stretches(spans, broadcast.scans, enough_of(rules), pause_ms):
        yield Due(contact_id, _first_within(sendings, stretch), stretch)


def known_scans(broadcast: Broadcast, log: ExplainedLog) -> list[tuple[int, int]]:
    """Return when the device scanned for sure: between rows so near to one another that no pause is between them.

    Nothing is told of a device whose rows may be late.

    Args:
        broadcast: How it scans.
        log: What its rows come of.

    Returns:
        The first and the last instant of each scan, by the log's clock.
    """
    longest_ms = min(broadcast.scans.off_ms // 2, broadcast.scans.on_ms)
    if broadcast.scans.is_continuous or any(each.cause not in _TRUSTED for each in log.rows):
        return []
    found: list[tuple[int, int]] = []
    for first_ms, last_ms in sorted(each.instants_ms for each in log.right):
        if found and first_ms - found[-1][1] <= longest_ms:
            found[-1] = found[-1][0], first_ms
        else:
            found.append((last_ms, last_ms))
    return found


def _known_dues(
    sendings: Sequence[Sending],
    row_times: Sequence[tuple[int, int]],
    broadcast: Broadcast,
    log: ExplainedLog,
    rules: Rules,
) -> Iterator[Due]:
    """Yield when something had to be recorded again in a scan that is known, and was not.

    A connection may keep a device from scanning: such times do not count.
    """
    margin_ms = rules.tolerances["log_clock"]
    repeat_ms = rules.profile.contact_log.repeat_after_ms
    busy = [
        (each.from_us // 1000 - margin_ms, each.until_us // 1000 + margin_ms)
        for each in broadcast.record.connections
    ]
    for from_ms, until_ms in known_scans(broadcast, log):
        its_ms = [last for first, last in row_times if from_ms <= first <= until_ms]
        for row_ms, next_ms in pairwise([*its_ms, until_ms]):
            # by the record's clock, as late a beginning and as early an end as may be
            start_ms = row_ms + repeat_ms + margin_ms - log.offset.least_ms
            spans = sent_spans(sendings, broadcast.record, start_ms, next_ms - margin_ms - log.offset.most_ms)
            parts = [
                SentSpan(start, end, each.every_ms)
                for each in spans
                for start, end in spans_without((each.from_ms, each.until_ms), busy)
            ]
            for stretch in islice(stretches(parts, CONTINUOUS, enough_of(rules)), 1):
                yield Due(sendings[0].contact_id or b"", _first_within(sendings, stretch), stretch)


def spans_heard(
    sendings: Sequence[Sending], broadcast: Broadcast, rules: Rules, first_ms: int
) -> list[SentSpan]:
    """Return when something was sent while the device was there, before what a receiver of its profile crashes of."""
    crash_ms = air_of(broadcast.record, rules.profile).crash_ms
    until_ms = broadcast.record.until_us // 1000
    return sent_spans(
        sendings, broadcast.record, first_ms, until_ms if crash_ms is None else min(until_ms, crash_ms)
    )


def enough_of(rules: Rules) -> int:
    """Return how many adverts make it sure that one is heard."""
    return enough_adverts(rules.tolerances["radio_loss"], rules.tolerances["chance"])


def _times(log: ExplainedLog) -> Mapping[bytes, Sequence[tuple[int, int]]]:
    """Return the times of rows by contact id, each as the first and the last instant that it may mean."""
    found: dict[bytes, list[tuple[int, int]]] = {}
    for each in log.rows:
        # a row of a wrong time was logged all the same, and is told as such
        if each.cause in RIGHT or each.cause is Cause.OTHER_TIME:
            found.setdefault(each.contact_id, []).append(each.instants_ms)
    for its in found.values():
        its.sort()
    return found


def _decoys(decoys: Sequence[Sending], broadcast: Broadcast, rules: Rules, first_ms: int) -> list[Due]:
    """Return when each thing that gives no record had to be heard first."""
    alike: dict[tuple[bytes, bytes], list[Sending]] = {}
    for each in decoys:
        alike.setdefault((each.on_air.ad, each.on_air.response), []).append(each)
    groups = (dues(b"", group, broadcast, rules, first_ms, pause_ms=0) for group in alike.values())
    return [each for group in groups for each in islice(group, 1)]


def _before(due: Due, sendings: Sequence[Sending], broadcast: Broadcast, rules: Rules, last_ms: int) -> bool:
    """Tell whether something had to be heard before the last instant at which the device was there for sure."""
    if due.stretch.until_ms <= last_ms:
        return True
    parts = sent_spans(sendings, broadcast.record, due.stretch.from_ms, last_ms)
    return least_adverts(parts, broadcast.scans) >= enough_of(rules)


def _stoppers(air: Air, survived: Sequence[Due], last_ms: int, silent: Sequence[Due]) -> list[Sending]:
    """Return what was on the air between the last row and the first that had to follow, and was not survived."""
    if not silent:
        return []
    until_ms = min(each.stretch.until_ms for each in silent)
    if last_ms > until_ms:
        # it went on to connect: nothing has stopped it, the log was taken early
        return []
    known = {(each.sending.on_air.ad, each.sending.on_air.response) for each in survived}
    return [
        each
        for each in air.decoys
        if each.from_ms <= until_ms and each.until_ms >= last_ms
        # what iPhones send beside changes all the time, and stops nobody
        if each.on_air.address not in air.to_read
        if (each.on_air.ad, each.on_air.response) not in known
    ]


def _first_within(sendings: Sequence[Sending], stretch: Stretch) -> Sending:
    return next(
        each
        for each in sendings
        if each.from_ms < stretch.until_ms and each.until_ms > stretch.from_ms and each.sure
    )
