"""What the record of a broadcast adds to the checks of contact logs: BZ-LOG-001 to BZ-LOG-004.

A row says when its contact id was heard or read. If it was on the air then, nothing shows that it was heard a moment
sooner or later; if it was not, the time is wrong. A contact id that had to be heard again, long after it was recorded,
is to be recorded again.
"""

from __future__ import annotations

from bluezone_harness.checks.broadcasts import air_of
from bluezone_harness.checks.clock_offsets import SHIFT_MS
from bluezone_harness.checks.hearing import hearing
from bluezone_harness.checks.log_rows_explained import Cause, ExplainedLog, ExplainedRow, explained_log
from bluezone_harness.checks.read_attempts import reading
from bluezone_harness.checks.receiver_grounds import doubt_of, missing_ground
from bluezone_harness.checks.rows import Located, count_text, of_rows, of_text
from bluezone_harness.checks.sent_text import late_text, of_peer_read
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.evidence.contact_log_model import LogKind
from bluezone_harness.findings import Judgement, Reason, failed, ground, inconclusive, passed
from bluezone_harness.observations import duration_text, instant_text

_GREATEST_ZONE_MS = 14 * 3_600_000


def times_judgement(subject: Subject, rules: Rules) -> Judgement | None:
    """Judge whether the times of rows are those of hearing; ``None``: there is nothing to compare with, or no row.

    Args:
        subject: Whose logs.
        rules: By which.
    """
    if subject.broadcast is None:
        return None
    log = explained_log(subject, rules)
    right, wrong = len(log.right), log.caused_by(Cause.OTHER_TIME)
    judged = right + len(wrong)
    if swapped := _swapped(subject, log, rules):
        found = ground(
            f"{count_text(len(swapped), 'row')} in which own id and contact id are swapped",
            "the own id first, then the contact id that was heard",
            f"{swapped[0][1].record.own_id.hex().upper()}, which was on the air, as own id",
            of_rows(swapped),
        )
        return failed(judged + len(swapped), len(swapped), found.summary, [found])
    offset_ms = log.offset.offset_ms
    if not log.is_near:
        rows = [each.located for each in log.right]
        ahead = f"{duration_text(abs(offset_ms))} {'after' if offset_ms > 0 else 'before'} their ids were on the air"
        summary = (
            f"{of_text(right, judged, 'time')} {ahead}: another unit, local time, a clock that is wrong, "
            "or another play of the scenario"
        )
        found = ground(
            f"{count_text(right, 'row')} {ahead}, all by as much",
            "the time of hearing, in milliseconds since 1970 by UTC, give or take "
            f"{duration_text(rules.tolerances['clock_offset'])}",
            f"times that are {duration_text(abs(offset_ms))} {'ahead' if offset_ms > 0 else 'behind'}",
            of_rows(rows),
        )
        return failed(judged, right, summary, [found])
    if (clock_set := log.clock_set) and abs(clock_set.offset.offset_ms) > rules.tolerances["clock_offset"]:
        its, by_ms = log.caused_by(Cause.CLOCK_SET), clock_set.offset.offset_ms
        ahead = f"{duration_text(abs(by_ms))} {'ahead' if by_ms > 0 else 'behind'}"
        found = ground(
            f"{count_text(len(its), 'row')} {ahead}, all by as much: the clock was set meanwhile",
            "the time of hearing, in milliseconds since 1970 by UTC, give or take "
            f"{duration_text(rules.tolerances['clock_offset'])}",
            f"times that are {ahead}",
            of_rows(each.located for each in its),
        )
        summary = f"{of_text(len(its), judged + len(its), 'time')} {ahead}: the clock was set meanwhile"
        return failed(judged + len(its), len(its), summary, [found])
    if wrong and not subject.broadcast.record.is_damaged:
        found = ground(
            f"{count_text(len(wrong), 'row')} of a time at which the contact id was not on the air",
            f"a time at which {_sender(wrong[0])} was on the air",
            late_text(wrong[0]),
            of_rows(each.located for each in wrong),
        )
        summary = f"{of_text(len(wrong), judged, 'time')} at which the contact id was not on the air"
        return failed(judged, len(wrong), summary, [found])
    if not judged:
        return None
    late = reading(subject, rules).late if subject.broadcast.alone else ()
    if late:
        found = ground(
            f"{count_text(len(late), 'value')} that were read, and logged later than they came",
            f"a row when a value was read, at {instant_text(late[0].time_us // 1000)}",
            "no row of it then, and rows of it later",
            [of_peer_read(subject, each) for each in late],
        )
        return failed(judged, len(late), found.summary, [found])
    delivered = len(log.caused_by(Cause.DELIVERED_LATE))
    aside = f", {count_text(delivered, 'row')} delivered late (F-28)" if delivered else ""
    if offset_ms:
        aside += (
            f", by a clock that is {duration_text(abs(offset_ms))} {'ahead' if offset_ms > 0 else 'behind'}"
        )
    outside = len(log.caused_by(Cause.OUTSIDE))
    aside += (
        f"; {count_text(outside, 'row')} from before or after the broadcast not compared" if outside else ""
    )
    if wrong:
        return inconclusive(
            Reason.DAMAGED,
            f"{of_text(right, judged, 'time')} of hearing; the record of what was sent is damaged",
        )
    return passed(judged, f"{of_text(judged, judged, 'time')} at which the contact id was on the air{aside}")


def local_time_judgement(subject: Subject, rules: Rules) -> Judgement | None:
    """Judge whether times are local time, as far off as a time zone; ``None``: they are not, or nothing tells.

    Args:
        subject: Whose logs.
        rules: By which.
    """
    if subject.broadcast is None:
        return None
    log = explained_log(subject, rules)
    offset_ms = log.offset.offset_ms
    zone_ms = round(offset_ms / SHIFT_MS) * SHIFT_MS
    if log.is_near or not 0 < abs(zone_ms) <= _GREATEST_ZONE_MS:
        return None
    if abs(offset_ms - zone_ms) > rules.tolerances["clock_offset"]:
        return None
    right = log.right
    least_ms, most_ms = zone_ms - rules.tolerances["clock_offset"], zone_ms + rules.tolerances["clock_offset"]
    if log.offset.least_ms < least_ms or log.offset.most_ms > most_ms:
        return inconclusive(
            Reason.TOO_SHORT,
            f"{count_text(len(right), 'time')} in local time, or by a clock that is wrong: offsets from "
            f"{duration_text(abs(log.offset.least_ms))} to {duration_text(abs(log.offset.most_ms))} explain as much",
        )
    zone = f"{duration_text(abs(zone_ms))} {'ahead of' if zone_ms > 0 else 'behind'} UTC"
    found = ground(
        f"{count_text(len(right), 'time')} in local time, {zone}",
        "milliseconds since 1970-01-01T00:00:00Z",
        f"times that are {duration_text(abs(offset_ms))} {'ahead' if offset_ms > 0 else 'behind'}",
        of_rows(each.located for each in right),
    )
    return failed(len(right), len(right), found.summary, [found])


def order_judgement(subject: Subject, rules: Rules) -> Judgement | None:
    """Judge whether the rows of exports stand in the order of time, where their times are right; ``None``: they do.

    A clock that is set back could explain rows that are out of order; but one clock offset explains all these rows.

    Args:
        subject: Whose logs.
        rules: By which.
    """
    if subject.broadcast is None:
        return None
    log = explained_log(subject, rules)
    if log.clock_set is not None:
        return None
    allowed_ms = log.offset.width_ms + rules.tolerances["log_clock"] + rules.tolerances["late_delivery"]
    latest: dict[int, int] = {}
    back: list[ExplainedRow] = []
    exports = [each for each in log.right if each.located[0].kind is LogKind.EXPORT]
    for each in exports:
        first_ms, last_ms = each.instants_ms
        latest_ms = latest.get(id(each.located[0]), first_ms)
        if last_ms < latest_ms - allowed_ms:
            back.append(each)
        latest[id(each.located[0])] = max(latest_ms, first_ms)
    if not back:
        return None
    found = ground(
        f"{count_text(len(back), 'line')} after lines of records that were made later",
        "lines in the order in which the records were made",
        "a line whose time is right, after one whose time is later and right, too",
        of_rows(each.located for each in back),
    )
    summary = f"{of_text(len(back), len(exports), 'line')} not in the order of the records"
    return failed(len(exports), len(back), summary, [found])


def _swapped(subject: Subject, log: ExplainedLog, rules: Rules) -> list[Located]:
    """Return rows whose contact id nobody sent, and whose own id somebody did."""
    assert subject.broadcast is not None  # noqa: S101 - the caller's choice
    sent = set(air_of(subject.broadcast.record, rules.profile).by_id)
    sent |= {each.value for each in subject.broadcast.record.reads if each.value is not None}
    rows = (each.located for each in log.caused_by(Cause.NEVER_SENT))
    return [each for each in rows if each[1].record.own_id in sent]


def again_judgement(subject: Subject, rules: Rules) -> Judgement | None:
    """Judge whether contact ids are recorded again that had to be heard again; ``None``: nothing had to be.

    Args:
        subject: Whose logs.
        rules: By which.
    """
    if subject.broadcast is None or explained_log(subject, rules).first_ms is None:
        return None
    heard = hearing(subject, rules)
    again = len(heard.recorded) - heard.ids
    judged = again + len(heard.not_again)
    if heard.not_again:
        ids = len({each.contact_id for each in heard.not_again})
        summary = f"{count_text(ids, 'contact id')} not recorded again where that had to be"
        found = missing_ground(heard.not_again, subject, rules, summary)
        if doubt := doubt_of(subject, rules):
            return inconclusive(Reason.DAMAGED, f"{summary}, but {doubt}", grounds=[found])
        return failed(judged, len(heard.not_again), summary, [found])
    return (
        passed(again, f"{count_text(again, 'time')} recorded again where that had to be") if again else None
    )


def _sender(row: ExplainedRow) -> str:
    if row.sending is not None:
        return row.sending.on_air.sender
    return "its id" if row.read is None else row.read.address
