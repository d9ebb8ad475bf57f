"""Chapter receiver, what is read by GATT: BZ-RCV-004 and BZ-RCV-005, beside the record of a broadcast.

What was read, and what had to be, is the answer of ``read_attempts``. Where others' phones may be near, anybody may
have connected: how attempts were made is then counted and not judged, and neither is what was read and not logged.
"""

from __future__ import annotations

from bluezone_harness.checks.log_rows_explained import Cause, ExplainedRow, explained_log
from bluezone_harness.checks.read_attempts import (
    ReadDue,
    Reading,
    has_other_bits,
    is_in_background,
    reading,
)
from bluezone_harness.checks.receiver_grounds import doubt_of, doubt_of_times
from bluezone_harness.checks.rows import count_text, of_rows, of_text
from bluezone_harness.checks.sent_text import (
    names,
    of_connection,
    of_peer_read,
    of_sending,
    stretch_text,
    was_not_there,
)
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Ground, Judgement, Reason, failed, ground, inconclusive, passed
from bluezone_harness.observations import duration_text, instant_text


def reads_judgement(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether iPhones that had to be read were, one at a time and no longer than allowed, and logged.

    Args:
        subject: Whose logs; it has the record of a broadcast.
        rules: By which.
    """
    log = explained_log(subject, rules)
    found = reading(subject, rules)
    alone = subject.broadcast is not None and subject.broadcast.alone
    doubt = doubt_of(subject, rules)
    late = log.caused_by(Cause.LATE_VALUE)
    grounds: list[Ground] = []
    failures = len(late)
    if late:
        grounds.append(_late_ground(late))
    if log.first_ms is not None and found.not_read and not doubt:
        failures += len(found.not_read)
        grounds.append(_not_read_ground(found, subject, rules))
    if alone and found.unlogged and not doubt:
        failures += len(found.unlogged)
        grounds.append(_unlogged_ground(found, subject))
    if alone and (found.long or found.at_once):
        failures += len(found.long) + len(found.at_once)
        grounds += _attempt_grounds(found, subject, rules)
    counted = _counted(found)
    if failures:
        return failed(len(found.due) + found.tried + failures, failures, counted, grounds)
    if log.first_ms is None:
        return was_not_there(subject)
    if doubt and (found.not_read or (alone and found.unlogged)):
        return inconclusive(Reason.DAMAGED, f"{counted}; {doubt}", judged=len(found.read))
    if lacking := _not_shown(found):
        text = f"{counted}; no {' and no '.join(lacking)} was read, or had to be"
        return inconclusive(Reason.EVIDENCE_MISSING, text, judged=len(found.read))
    if not found.logged:
        return inconclusive(
            Reason.EVIDENCE_MISSING, f"{counted}; no iPhone answered with an id", judged=len(found.read)
        )
    return passed(len(found.read) + found.logged, counted)


def slots_judgement(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether contact ids that were read are logged in the slot of their read only.

    Args:
        subject: Whose logs; it has the record of a broadcast.
        rules: By which.
    """
    log = explained_log(subject, rules)
    found = reading(subject, rules)
    stale = log.caused_by(Cause.OTHER_SLOT)
    if stale:
        judged = len(log.right) + len(stale)
        summary = f"{of_text(len(stale), judged, 'row')} of an id that was read in another slot"
        if doubt := doubt_of_times(log):
            return inconclusive(Reason.DAMAGED, f"{summary}, but {doubt}", grounds=[_stale_ground(stale)])
        return failed(judged, len(stale), summary, [_stale_ground(stale)])
    if log.first_ms is None:
        return was_not_there(subject)
    if not found.served_later:
        return inconclusive(
            Reason.EVIDENCE_MISSING,
            "no iPhone was read and had to be heard again, at the same address, in a later slot",
            judged=found.logged,
        )
    return passed(
        max(found.logged, 1),
        f"{count_text(found.served_later, 'address')} on the air after the slot of a read, and nothing "
        "that was read is logged in another slot",
    )


def _counted(found: Reading) -> str:
    """Say how many reads were tried, and how many gave an id (BZ-RCV-004 asks for it)."""
    tried = f"{count_text(found.tried, 'read')} tried, {found.values} gave a contact id"
    return f"{of_text(len(found.read), len(found.due), 'iPhone')} read that had to be, slot by slot; {tried}"


def _not_shown(found: Reading) -> list[str]:
    """Say of which kinds of iPhones none had to be read."""
    shown = (
        (any(not is_in_background(each) for each in found.known), "iPhone with the app open"),
        (any(is_in_background(each) for each in found.known), "iPhone in the background"),
        (any(has_other_bits(each) for each in found.known), "iPhone in the background beside other apps"),
        (found.given_up > 0, "iPhone that never answers"),
    )
    return [text for is_shown, text in shown if not is_shown]


# --- grounds ---


def _not_read_ground(found: Reading, subject: Subject, rules: Rules) -> Ground:
    first: ReadDue = found.not_read[0]
    whose = names(each.sending for each in found.not_read)
    return ground(
        f"{count_text(len(found.not_read), 'iPhone')} not read, slot by slot: {whose}",
        f"a connection to {first.sending.on_air.address} of {first.sending.on_air.sender}, which had to be heard "
        f"twice: {stretch_text(first.first, rules)}; and again until {instant_text(first.last.until_ms)}",
        "no connection in this slot",
        [of_sending(subject, each.sending) for each in found.not_read],
    )


def _unlogged_ground(found: Reading, subject: Subject) -> Ground:
    first = found.unlogged[0]
    value = b"" if first.value is None else first.value
    return ground(
        f"{count_text(len(found.unlogged), 'contact id')} read, and not logged",
        f"a row of {value.hex().upper()} at {instant_text(first.time_us // 1000)}",
        "no row of it then",
        [of_peer_read(subject, each) for each in found.unlogged],
    )


def _attempt_grounds(found: Reading, subject: Subject, rules: Rules) -> list[Ground]:
    grounds: list[Ground] = []
    if found.long:
        longest = max(found.long, key=lambda each: each.until_us - each.from_us)
        grounds.append(
            ground(
                f"{count_text(len(found.long), 'attempt')} to read that took too long",
                f"the connection ends {duration_text(rules.tolerances['read_attempt'])} after the attempt began",
                f"a connection of {duration_text((longest.until_us - longest.from_us) // 1000)}",
                [of_connection(subject, each) for each in found.long],
            )
        )
    if found.at_once:
        one, other = found.at_once[0]
        grounds.append(
            ground(
                f"{count_text(len(found.at_once), 'attempt')} to read that began while another lasted",
                "one attempt at a time",
                f"a connection to {one.address} during one to {other.address}",
                [of_connection(subject, each) for each, _ in found.at_once],
            )
        )
    return grounds


def _late_ground(late: list[ExplainedRow]) -> Ground:
    return ground(
        f"{count_text(len(late), 'row')} of a value that came when the attempt was over",
        "nothing of a value that comes 10 s after the attempt began, or later",
        late[0].contact_id.hex().upper(),
        of_rows(each.located for each in late),
    )


def _stale_ground(stale: list[ExplainedRow]) -> Ground:
    first = stale[0]
    read = "" if first.read is None else f", read at {instant_text(first.read.time_us // 1000)}"
    row_ms = first.located[1].record.time_ms
    return ground(
        f"{count_text(len(stale), 'row')} of an id that was read in another slot or on another day",
        "no row: the id is good for the slot in which it was read",
        f"{first.contact_id.hex().upper()} at {instant_text(row_ms)}{read}",
        of_rows(each.located for each in stale),
    )
