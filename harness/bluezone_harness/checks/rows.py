"""What the checks of contact logs share: which rows count, how they are pointed at, what is said of none."""

from __future__ import annotations

from collections.abc import Iterable

from bluezone_harness.checks.subjects import Subject
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence, Row, RowDefect
from bluezone_harness.findings import Evidence, EvidenceKind, Judgement, Reason, inconclusive

Located = tuple[ContactLogEvidence, Row]
"""A row and the contact log that it stands in."""
_LONGEST_TEXT = 100
"""Characters of a row that a report repeats; a good row has fewer."""
_MOST_OCTETS = 1000
"""Octets of a row that a report repeats."""


def located_rows(subject: Subject) -> list[Located]:
    """Return all rows of a subject's contact logs that can be read whole, log by log, in their order."""
    return [(log, row) for log in subject.logs for row in log.rows]


def located_defects(subject: Subject) -> list[tuple[ContactLogEvidence, RowDefect]]:
    """Return all defects of rows of a subject's contact logs."""
    return [(log, defect) for log in subject.logs for defect in log.defects]


def of_row(log: ContactLogEvidence, row: Row) -> Evidence:
    """Point at a row."""
    record = row.record
    text = f"{record.own_id.hex().upper()} {record.contact_id.hex().upper()} {record.rssi} dBm"
    return Evidence(
        EvidenceKind.ROW, log.name, row.number, row.offset, record.time_ms, octets=row.octets, text=text
    )


def of_defect(log: ContactLogEvidence, defect: RowDefect) -> Evidence:
    """Point at what is wrong with a row: as it is written in an export, else in words."""
    text = defect.octets.decode("latin-1").encode("unicode_escape").decode("ascii")
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}.."
    return Evidence(
        EvidenceKind.ROW,
        log.name,
        defect.number,
        defect.offset,
        octets=defect.octets[:_MOST_OCTETS],
        text=text or defect.reason,
    )


def of_rows(located: Iterable[Located]) -> list[Evidence]:
    """Point at rows."""
    return [of_row(log, row) for log, row in located]


def nothing_to_judge(subject: Subject, what: str) -> Judgement:
    """Answer for a subject none of whose rows can be judged."""
    if any(log.partial or log.defects for log in subject.logs):
        return inconclusive(Reason.DAMAGED, f"no {what} can be read")
    return inconclusive(Reason.TOO_FEW_PACKETS, f"the contact log holds no {what}")


def unread_text(subject: Subject) -> str:
    """Say how many rows could not be read, to end a summary with; empty where there are none."""
    unread = sum(len(unread_numbers(log)) for log in subject.record_logs)
    return f"; {count_text(unread, 'row')} could not be read" if unread else ""


def unread_numbers(log: ContactLogEvidence) -> set[int]:
    """Return the numbers of the rows that cannot be read, an unfinished last one not among them."""
    read = {row.number for row in log.rows}
    last = log.defects[-1].number if log.cut else None
    return {defect.number for defect in log.defects} - read - {last}


def count_text(count: int, noun: str) -> str:
    """Write a number of things: ``1 row``, ``2 rows``, ``2 addresses``."""
    plural = f"{noun}es" if noun.endswith("ss") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def of_text(part: int, whole: int, noun: str) -> str:
    """Write a part of things: ``1 of 118 rows``."""
    return f"{part} of {count_text(whole, noun)}"
