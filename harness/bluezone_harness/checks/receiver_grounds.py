"""What the checks of the chapter receiver found, for reports: a ground of each kind, with where it stands."""

from __future__ import annotations

from collections.abc import Sequence

from bluezone_harness.checks.broadcasts import Sending
from bluezone_harness.checks.hearing import Due, Hearing
from bluezone_harness.checks.log_rows_explained import Cause, ExplainedLog, ExplainedRow, explained_log
from bluezone_harness.checks.rows import Located, count_text, of_rows, unread_numbers
from bluezone_harness.checks.sent_text import (
    due_text,
    names,
    of_connection,
    of_due,
    of_sending,
)
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Ground, ground
from bluezone_harness.observations import instant_text
from bluezone_harness.sources.broadcast_records import PeerConnection

_MANY_OF = 5
"""Where more than one in so many rows has a wrong time, no time of the others is trusted."""


def doubt_of_times(log: ExplainedLog) -> str:
    """Say why times of rows do not tell when these were made; empty where they do."""
    if log.clock_set is not None:
        return "the clock was set meanwhile, so that the times of rows do not tell when they were made"
    wrong = len(log.caused_by(Cause.OTHER_TIME))
    if wrong * _MANY_OF > len(log.rows):
        return f"{count_text(wrong, 'time')} of rows are wrong, so that they do not tell when these were made"
    return ""


def doubt_of(subject: Subject, rules: Rules) -> str:
    """Say why what is missing may be there all the same; empty where it is not."""
    if subject.broadcast is not None and (doubt := doubt_of_times(explained_log(subject, rules))):
        return doubt
    unread = sum(len(unread_numbers(log)) for log in subject.record_logs)
    if unread:
        return f"{count_text(unread, 'row')} could not be read"
    if any(log.cut or log.partial for log in subject.record_logs):
        return "the contact log is cut"
    if subject.broadcast is not None and subject.broadcast.record.is_damaged:
        return "the record of what was sent is damaged"
    return ""


def silence_text(log: ExplainedLog, heard: Hearing) -> str:
    """Say that a log ends before the broadcast does, and why that may be."""
    ids = len({each.contact_id for each in heard.silent})
    last = "all" if log.last_ms is None else instant_text(log.last_ms)
    return (
        f"nothing is logged after {last}, though {count_text(ids, 'contact id')} had to be heard: the app stopped, "
        "or the phone was away, or the log was taken before the broadcast was over"
    )


def missing_ground(missing: Sequence[Due], subject: Subject, rules: Rules, summary: str = "") -> Ground:
    """Return the ground of contact ids that are missing; the summary is made where none is given."""
    first = missing[0]
    ids = len({each.contact_id for each in missing})
    whose = names(each.sending for each in missing)
    return ground(
        summary or f"{count_text(ids, 'contact id')} not logged, sent by {whose}",
        f"a row: {due_text(first, rules)}",
        f"no row of {first.contact_id.hex().upper()} then{_silence(first, subject, rules)}",
        [of_due(subject, each) for each in missing],
    )


def _silence(due: Due, subject: Subject, rules: Rules) -> str:
    """Say that nothing else was logged either when something had to be heard; empty where something was."""
    log = explained_log(subject, rules)
    start_ms = due.stretch.from_ms + log.offset.least_ms
    end_ms = due.stretch.until_ms + log.offset.most_ms
    rows = (each.instants_ms for each in log.right)
    if log.there_ms is None or any(first <= end_ms and last >= start_ms for first, last in rows):
        return ""
    return ", and none of anything else: the app did not scan, or the phone was away, where it had to stay"


def silent_ground(silent: Sequence[Due], subject: Subject, rules: Rules) -> Ground:
    """Return the ground of a log that ends before the broadcast does."""
    return missing_ground(silent, subject, rules, "nothing more is logged")


def stopped_ground(log: ExplainedLog, heard: Hearing, subject: Subject, rules: Rules) -> Ground:
    """Return the ground of a log that ends at something that may have stopped the receiver."""
    return ground(
        f"the log ends where these were on the air for the first time: {names(heard.stopped_by)}",
        f"a receiver that goes on: {due_text(heard.silent[0], rules)}",
        silence_text(log, heard),
        [of_sending(subject, each) for each in heard.stopped_by],
    )


def length_grounds(others: Sequence[Located], octets: int) -> list[Ground]:
    """Return the ground of contact ids of another length, if there is one."""
    if not others:
        return []
    return [
        ground(
            f"{count_text(len(others), 'contact id')} of another length",
            f"a contact id of {octets} octets",
            f"{len(others[0][1].record.contact_id)} octets",
            of_rows(others),
        )
    ]


def foreign_grounds(rows: Sequence[ExplainedRow]) -> list[Ground]:
    """Return a ground of each sender whose octets are logged though they are no contact id."""
    by_sender: dict[str, list[ExplainedRow]] = {}
    for each in rows:
        by_sender.setdefault(_whose(each), []).append(each)
    return [
        ground(
            f"{count_text(len(its), 'row')} of what {sender} sent",
            f"no row: {_why_not(its[0])}",
            f"{its[0].contact_id.hex().upper()}{_found_in(its[0])}",
            of_rows(each.located for each in its),
        )
        for sender, its in by_sender.items()
    ]


def invented_ground(rows: Sequence[ExplainedRow]) -> Ground:
    """Return the ground of contact ids that nobody sent."""
    return ground(
        f"{count_text(len(rows), 'row')} of octets that nobody sent",
        "contact ids that were on the air, or were read",
        rows[0].contact_id.hex().upper(),
        of_rows(each.located for each in rows),
    )


def read_ground(read: Sequence[tuple[PeerConnection, Sending]], subject: Subject) -> Ground:
    """Return the ground of connections to what is not to be read."""
    connection, sending = read[0]
    return ground(
        f"{count_text(len(read), 'connection')} to what is not to be read: {names(each for _, each in read)}",
        f"no connection: {sending.ignored}",
        f"a connection to {connection.address}",
        [of_connection(subject, each) for each, _ in read],
    )


def _whose(row: ExplainedRow) -> str:
    if row.sending is not None:
        return row.sending.on_air.sender
    return "somebody" if row.read is None else row.read.address


def _why_not(row: ExplainedRow) -> str:
    if row.sending is not None:
        return row.sending.ignored or "these octets of it are no contact id"
    if row.read is not None and row.read.value is not None:
        return f"a value of {len(row.read.value)} octets is no id"
    return "it is no id"


def _found_in(row: ExplainedRow) -> str:
    if row.sending is not None:
        on_air = row.sending.on_air
        response = f" with the scan response {on_air.response.hex().upper()}" if on_air.response else ""
        return f" out of {on_air.ad.hex().upper()}{response}"
    return "" if row.read is None or row.read.value is None else f" out of {row.read.value.hex().upper()}"
