"""Chapter receiver: BZ-RCV-001 to BZ-RCV-005.

A contact log alone shows what was logged. Beside the record of a broadcast it shows what was not, and where each row
comes from: only then most of this can be judged. What a row comes of is the answer of ``log_rows_explained``, what had
to be heard that of ``hearing``; here is what follows. Nothing passes that the broadcast could not have shown to be
wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from bluezone_harness.checks.hearing import Due, hearing
from bluezone_harness.checks.log_rows_explained import Cause, explained_log
from bluezone_harness.checks.receiver_grounds import (
    doubt_of,
    foreign_grounds,
    invented_ground,
    length_grounds,
    missing_ground,
    read_ground,
    silence_text,
    silent_ground,
    stopped_ground,
)
from bluezone_harness.checks.receiver_reads import reads_judgement, slots_judgement
from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import count_text, located_rows, of_text
from bluezone_harness.checks.sent_text import nothing_right, was_not_there
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.wrong_reads import reads_of_decoys
from bluezone_harness.findings import Judgement, Reason, failed, inconclusive, not_observable, passed
from bluezone_harness.observations import Capability
from bluezone_reference.ad_structures import MANUFACTURER_SPECIFIC_DATA, intact_structures

_LOG_AND_RECORD = frozenset({Capability.RECORDS, Capability.SENT})
_COMPANY_OCTETS = 2


@check("BZ-RCV-001", needs=_LOG_AND_RECORD)
def what_had_to_be_heard_is_logged(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether each contact id that had to be heard is in the log, at least once."""
    log = explained_log(subject, rules)
    if log.first_ms is None:
        return was_not_there(subject)
    heard = hearing(subject, rules)
    if heard.missing:
        missing = len({each.contact_id for each in heard.missing})
        judged = heard.ids + missing
        summary = f"{of_text(missing, judged, 'contact id')} not logged that had to be heard"
        found = missing_ground(heard.missing, subject, rules)
        if doubt := doubt_of(subject, rules):
            return inconclusive(Reason.DAMAGED, f"{summary}, but {doubt}", judged=heard.ids, grounds=[found])
        return failed(judged, missing, summary, [found])
    if heard.silent:
        found = silent_ground(heard.silent, subject, rules)
        return inconclusive(
            Reason.EVIDENCE_MISSING, silence_text(log, heard), judged=heard.ids, grounds=[found]
        )
    if not heard.recorded:
        return inconclusive(
            Reason.TOO_SHORT,
            "no contact id was on the air for so long that it had to be heard in the scans of the receiver",
        )
    return passed(heard.ids, f"{of_text(heard.ids, heard.ids, 'contact id')} logged that had to be heard")


@check("BZ-RCV-002", needs=Capability.RECORDS)
def nothing_is_logged_that_is_no_contact_id(subject: Subject, rules: Rules) -> Judgement:
    """Judge the length of contact ids, and, beside the record of a broadcast, where each comes from.

    A contact log alone can fail this requirement, and cannot pass it.
    """
    octets = rules.profile.advertisement.id_octets
    rows = located_rows(subject)
    others = [(log, row) for log, row in rows if len(row.record.contact_id) != octets]
    grounds = length_grounds(others, octets)
    if subject.broadcast is None:
        if others:
            summary = f"{of_text(len(others), len(rows), 'contact id')} too long or short"
            return failed(len(rows), len(others), summary, grounds)
        return not_observable(
            Reason.EVIDENCE_MISSING, "a contact log alone does not show what was on the air"
        )
    log = explained_log(subject, rules)
    full = [each for each in log.rows if len(each.contact_id) == octets]
    foreign = [each for each in full if each.cause is Cause.NO_ID]
    never = [each for each in full if each.cause is Cause.NEVER_SENT]
    invented = never if subject.broadcast.alone and not subject.broadcast.record.is_damaged else []
    read = reads_of_decoys(subject, rules)
    grounds += foreign_grounds(foreign)
    grounds += [invented_ground(invented)] if invented else []
    grounds += [read_ground(read, subject)] if read else []
    wrong = len(others) + len(foreign) + len(invented)
    if wrong or read:
        told = [f"{of_text(wrong, len(rows), 'row')} of what is no contact id"] if wrong else []
        told += [f"{count_text(len(read), 'connection')} to what is not to be read"] if read else []
        return failed(len(rows) + len(read), wrong + len(read), ", ".join(told), grounds)
    if log.first_ms is None:
        return was_not_there(subject)
    if not log.right:
        return nothing_right(subject)
    heard = [each for each in hearing(subject, rules).survived if not each.sending.is_malformed]
    told_of = f"; {count_text(len(never), 'row')} may be of other phones near" if never else ""
    if lacking := _not_shown(heard, rules):
        return inconclusive(
            Reason.EVIDENCE_MISSING,
            f"nothing is logged that was no id{told_of}, but no advert of {' or of '.join(lacking)} had to be heard",
            judged=len(heard),
        )
    summary = (
        f"{count_text(len(heard), 'advert')} without an id had to be heard, and nothing of them is logged"
    )
    return passed(len(heard), summary + told_of)


@check("BZ-RCV-003", needs=_LOG_AND_RECORD)
def a_malformed_advert_does_no_harm(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether the log goes on after what could stop a receiver, and holds nothing of parts that are cut."""
    log = explained_log(subject, rules)
    cut = log.caused_by(Cause.CUT_PART)
    grounds = foreign_grounds(cut)
    told = [f"{count_text(len(cut), 'row')} of parts that are cut"] if cut else []
    failures, survived, doubt = len(cut), 0, ""
    lacking: list[str] = []
    if log.first_ms is not None:
        heard = hearing(subject, rules)
        survived = sum(each.sending.is_malformed for each in heard.survived)
        kinds = (
            (any(each.sending.is_damaged for each in heard.survived), "no AdvData that are cut or damaged"),
            (
                any(each.sending.has_short_data for each in heard.survived),
                "no manufacturer data of 0 or 1 octets",
            ),
        )
        lacking = [text for was_survived, text in kinds if not was_survived]
        unread = doubt_of(subject, rules)
        if unread and (heard.stopped_by or heard.dropped):
            doubt = f"what had to be heard after malformed octets, or before them, is missing, but {unread}"
        elif heard.stopped_by:
            failures += 1
            grounds.append(stopped_ground(log, heard, subject, rules))
            told.append(silence_text(log, heard))
        if heard.dropped and not unread:
            failures += len(heard.dropped)
            text = (
                f"{count_text(len(heard.dropped), 'time')} nothing is logged of what stands before the damage"
            )
            grounds.append(missing_ground(heard.dropped, subject, rules, text))
            told.append(text)
    if failures:
        return failed(survived + failures, failures, "; ".join(told), grounds)
    if log.first_ms is None:
        return was_not_there(subject)
    if not log.right:
        return nothing_right(subject)
    if doubt:
        return inconclusive(Reason.DAMAGED, doubt, judged=survived)
    if not survived:
        return inconclusive(
            Reason.EVIDENCE_MISSING, "no malformed advert had to be heard before the last row of the log"
        )
    summary = f"{count_text(survived, 'malformed advert')} had to be heard, and the log goes on after them"
    if lacking:
        text = f"{summary}; but {' and '.join(lacking)} had to be"
        return inconclusive(Reason.EVIDENCE_MISSING, text, judged=survived)
    return passed(survived, summary)


@check("BZ-RCV-004", needs=_LOG_AND_RECORD)
def iphones_are_read(subject: Subject, rules: Rules) -> Judgement:
    """Judge what was read of iPhones, and what had to be; see ``receiver_reads``."""
    return reads_judgement(subject, rules)


@check("BZ-RCV-005", needs=_LOG_AND_RECORD)
def an_id_that_was_read_is_good_for_its_slot(subject: Subject, rules: Rules) -> Judgement:
    """Judge in which slots an id is logged that was read; see ``receiver_reads``."""
    return slots_judgement(subject, rules)


def _not_shown(heard: Sequence[Due], rules: Rules) -> list[str]:
    """Say which of the two faults that matter the broadcast could not have shown: F-18, F-21."""
    company, octets = rules.profile.advertisement.company, rules.profile.advertisement.id_octets
    has_other_company = has_other_length = False
    for each in heard:
        for structure in intact_structures(each.sending.on_air.ad)[0]:
            if structure.ad_type != MANUFACTURER_SPECIFIC_DATA:
                continue
            length = len(structure.data) - _COMPANY_OCTETS
            if int.from_bytes(structure.data[:_COMPANY_OCTETS], "little") == company:
                has_other_length |= length != octets
            else:
                has_other_company |= length == octets
    return [
        text
        for shown, text in ((has_other_company, "another company"), (has_other_length, "another length"))
        if not shown
    ]
