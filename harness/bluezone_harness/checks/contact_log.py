"""Chapter contact log: BZ-LOG-001 to BZ-LOG-005."""

from __future__ import annotations

from bluezone_harness.checks.logged_times import (
    again_judgement,
    local_time_judgement,
    order_judgement,
    times_judgement,
)
from bluezone_harness.checks.own_ids import own_ids_judgement
from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import (
    count_text,
    located_defects,
    located_rows,
    nothing_to_judge,
    of_defect,
    of_row,
    of_rows,
    of_text,
    unread_numbers,
    unread_text,
)
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.whole_seconds import whole_seconds_judgement
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence, LogKind, Row, RowDefect
from bluezone_harness.findings import (
    Evidence,
    Ground,
    Judgement,
    Reason,
    combined,
    failed,
    ground,
    inconclusive,
    passed,
)
from bluezone_harness.observations import Capability, duration_text
from bluezone_reference.errors import RejectCode
from bluezone_reference.key_schedule import ID_OCTETS

_UNITS = {"ms": "milliseconds", "s": "seconds"}
_REASONS_SHOWN = 8
"""Kinds of defects that are told apart; the rest are counted together."""
_FURTHER = "further defects, of other kinds"


@check("BZ-LOG-001", needs=Capability.RECORDS)
def a_record_is_whole(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether each row holds own id and contact id of 12 octets each, RSSI and time.

    A row that cannot be read for another reason leaves it open; how a row is written is BZ-LOG-003's
    business. Beside the record of a broadcast, times are compared with what was on the air.
    """
    times = times_judgement(subject, rules)
    whole = _whole(subject)
    return whole if times is None else combined([whole, times])


def _whole(subject: Subject) -> Judgement:
    rows = located_rows(subject)
    defects = [(log, each) for log, each in located_defects(subject) if each.requirement == "BZ-LOG-001"]
    odd = [
        (log, row) for log, row in rows if {len(row.record.own_id), len(row.record.contact_id)} != {ID_OCTETS}
    ]
    grounds = _grounds_by_reason(defects, "own id, contact id, RSSI and time")
    if odd:
        record = odd[0][1].record
        grounds.append(
            ground(
                f"{count_text(len(odd), 'row')} with an id of another length",
                f"own id and contact id of {ID_OCTETS} octets each",
                f"{len(record.own_id)} and {len(record.contact_id)} octets",
                of_rows(odd),
            )
        )
    missing = {(id(log), each.number) for log, each in defects}
    judged, wrong = len(rows) + len(missing), len(missing) + len(odd)
    if wrong:
        return failed(judged, wrong, f"{of_text(wrong, judged, 'row')} not whole", grounds)
    if not rows:
        return nothing_to_judge(subject, "rows")
    if any(unread_numbers(log) for log in subject.record_logs):
        return inconclusive(
            Reason.DAMAGED, f"{count_text(judged, 'row')} whole{unread_text(subject)}", judged=judged
        )
    return passed(judged, f"{of_text(judged, judged, 'row')} with own id, contact id, RSSI and time")


@check("BZ-LOG-002", needs=Capability.RECORDS)
def a_contact_id_comes_again_only_after_a_while(subject: Subject, rules: Rules) -> Judgement:
    """Judge the time between two rows of one contact id, in the order of the rows of one log.

    Two clock readings may differ by the tolerance ``log_clock``; where a time counts whole seconds, whole
    seconds are compared. A clock that was set back between two rows says nothing about them. Beside the record
    of a broadcast, it is asked too whether what had to be heard again was recorded again.
    """
    besides = (again_judgement(subject, rules), whole_seconds_judgement(subject, rules))
    return combined([_apart(subject, rules), *(each for each in besides if each is not None)])


def _apart(subject: Subject, rules: Rules) -> Judgement:
    least_ms = rules.profile.contact_log.repeat_after_ms - rules.tolerances["log_clock"]
    judged, set_back = 0, 0
    repeats: list[Evidence] = []
    seen = ""
    for log in subject.logs:
        last: dict[bytes, Row] = {}
        for row in log.rows:
            before = last.get(row.record.contact_id)
            last[row.record.contact_id] = row
            judged += 1
            pause_ms = None if before is None else _pause_ms(before, row, rules)
            if pause_ms is None or pause_ms >= least_ms:
                continue
            if pause_ms < 0:
                set_back += 1
                continue
            repeats.append(of_row(log, row))
            seen = seen or f"{duration_text(pause_ms)} after its last row"
    if repeats:
        expected = f"the same contact id again no sooner than {duration_text(least_ms)} after its last row"
        summary = f"{count_text(len(repeats), 'row')} too soon after the last of the same contact id"
        found = ground(f"{summary} (a restart of the app could explain one)", expected, seen, repeats)
        return failed(
            judged,
            len(repeats),
            f"{of_text(len(repeats), judged, 'row')} too soon after the last of the same contact id",
            [found],
        )
    if not judged:
        return nothing_to_judge(subject, "rows")
    aside = f"; {count_text(set_back, 'pause')} over a clock set back not judged" if set_back else ""
    return passed(judged, f"{count_text(judged, 'row')}, none too soon{aside}{unread_text(subject)}")


def _pause_ms(before: Row, row: Row, rules: Rules) -> int:
    """Return the time between two rows as far as their units tell it."""
    if "s" in (before.unit, row.unit, rules.profile.contact_log.time_unit):
        return (row.record.time_ms // 1000 - before.record.time_ms // 1000) * 1000
    return row.record.time_ms - before.record.time_ms


@check("BZ-LOG-003", needs=Capability.EXPORT_OCTETS)
def an_export_is_written_as_it_must(subject: Subject, rules: Rules) -> Judgement:
    """Judge the octets of exports; a database has none to show.

    What a row says is judged by BZ-LOG-001 and BZ-LOG-004. A last line without its LF is damage, not a
    failure: a file that was cut on its way ends like that. Beside the record of a broadcast, the order of the
    lines is judged too.
    """
    order = order_judgement(subject, rules)
    written = _written(subject)
    return written if order is None else combined([written, order])


def _written(subject: Subject) -> Judgement:
    exports = [log for log in subject.logs if log.kind is LogKind.EXPORT]
    lines = sum(len(_finished_lines(log)) for log in exports)
    defects = [
        (log, each)
        for log in exports
        for each in log.defects
        if each.requirement == "BZ-LOG-003" and each.code is not RejectCode.UNTERMINATED_LOG_LINE
    ]
    cut = [log for log in exports if log.cut]
    wrong = len({(id(log), each.number) for log, each in defects})
    if wrong:
        expected = (
            "own id and contact id in 24 upper-case hex digits each, RSSI, time; tabs between, LF at the end"
        )
        judged = max(lines, wrong)
        return failed(
            judged,
            wrong,
            f"{of_text(wrong, judged, 'line')} written otherwise",
            _grounds_by_reason(defects, expected),
        )
    if cut:
        whole = of_text(lines, lines + len(cut), "line")
        summary = f"{whole} written as they must be; the last line of {cut[0].name} has no LF"
        return inconclusive(Reason.DAMAGED, summary, judged=lines)
    if not lines:
        return nothing_to_judge(subject, "lines")
    return passed(lines, f"{of_text(lines, lines, 'line')} written as they must be")


def _finished_lines(log: ContactLogEvidence) -> set[int]:
    """Return the numbers of the lines that end in LF."""
    numbers = {row.number for row in log.rows} | {defect.number for defect in log.defects}
    return numbers - {log.defects[-1].number} if log.cut else numbers


@check("BZ-LOG-004", needs=Capability.RECORDS)
def times_count_milliseconds(subject: Subject, rules: Rules) -> Judgement:
    """Judge the unit of each row's time, told by its size; under ``ios-v3`` seconds are right (F-01).

    Beside the record of a broadcast, local time is told from UTC.
    """
    local = local_time_judgement(subject, rules)
    counted = _in_their_unit(subject, rules)
    return counted if local is None else combined([counted, local])


def _in_their_unit(subject: Subject, rules: Rules) -> Judgement:
    unit = rules.profile.contact_log.time_unit
    rows = located_rows(subject)
    others = [(log, row) for log, row in rows if row.unit != unit]
    defects = [(log, each) for log, each in located_defects(subject) if each.requirement == "BZ-LOG-004"]
    expected = f"a time in {_UNITS[unit]} since 1970"
    grounds = _grounds_by_reason(defects, expected)
    if others:
        other = others[0][1]
        time = other.record.time_ms if other.unit == "ms" else other.record.time_ms // 1000
        seen = f"{time}, which counts {_UNITS[other.unit]}"
        grounds.append(
            ground(
                f"{count_text(len(others), 'time')} in {_UNITS[other.unit]}", expected, seen, of_rows(others)
            )
        )
    missing = {(id(log), each.number) for log, each in defects}
    judged, wrong = len(rows) + len(missing), len(others) + len(missing)
    if wrong:
        return failed(judged, wrong, f"{of_text(wrong, judged, 'time')} not in {_UNITS[unit]}", grounds)
    if not rows:
        return nothing_to_judge(subject, "rows")
    return passed(judged, f"{of_text(judged, judged, 'time')} in {_UNITS[unit]}{unread_text(subject)}")


@check("BZ-LOG-005", needs=frozenset({Capability.RECORDS, Capability.BASE_ID}))
def own_ids_are_those_of_the_schedule(subject: Subject, rules: Rules) -> Judgement:
    """Judge each own id against the device's schedule at the row's time; see ``own_ids``."""
    return own_ids_judgement(subject, rules)


def _grounds_by_reason(defects: list[tuple[ContactLogEvidence, RowDefect]], expected: str) -> list[Ground]:
    """Make one ground of each reason, in the order in which they come up; the last holds all further ones."""
    by_reason: dict[str, list[Evidence]] = {}
    for log, defect in defects:
        known = defect.reason in by_reason or len(by_reason) < _REASONS_SHOWN
        by_reason.setdefault(defect.reason if known else _FURTHER, []).append(of_defect(log, defect))
    return [
        ground(f"{count_text(len(evidence), 'row')}: {reason}", expected, evidence[0].text, evidence)
        for reason, evidence in by_reason.items()
    ]
