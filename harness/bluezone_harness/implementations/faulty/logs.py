"""Faulty contact logs: exports written otherwise, and exports misread."""

from __future__ import annotations

from collections.abc import Callable

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.reference_answers import record_value
from bluezone_reference.contact_log import ContactLog, LogLine, decode_data_trace

from .model import Change, FaultyImplementation, answered_instead, computed


def _exported(change: Callable[[str], str]) -> dict[str, Change]:
    return answered_instead(
        lambda question, value: {"text": change(questions.text(value, "text"))}, "log_export"
    )


def _imported(change: Callable[[ContactLog], dict[str, object]]) -> dict[str, Change]:
    return computed(
        lambda question: change(decode_data_trace(questions.octets(question, "octets"))), "log_import"
    )


def _value(
    log: ContactLog, kept: Callable[[int], bool], reported: Callable[[int], bool] = lambda line: True
) -> dict[str, object]:
    """Write the lines that are kept and the defects that are reported."""
    return {
        "records": [record_value(line.record) for line in log.lines if kept(line.line)],
        "defects": [
            {"line": defect.line, "code": str(defect.error.code)}
            for defect in log.defects
            if reported(defect.line)
        ],
    }


def _up_to_first_defect(log: ContactLog) -> dict[str, object]:
    first = min((defect.line for defect in log.defects), default=None)
    return _value(
        log, lambda line: first is None or line < first, lambda line: first is None or line <= first
    )


def _sound_lines(log: ContactLog) -> dict[str, object]:
    bad = {defect.line for defect in log.defects}
    return _value(log, lambda line: line not in bad)


def _as_written(log: ContactLog) -> dict[str, object]:
    return _value(log, lambda line: True) | {"records": [_unscaled(line) for line in log.lines]}


def _unscaled(line: LogLine) -> Asked:
    value = record_value(line.record)
    return value if line.unit == "ms" else value | {"time_ms": line.record.time_ms // 1000}


def _terminated(log: ContactLog) -> dict[str, object]:
    lost = {defect.line for defect in log.defects if defect.error.code == "UNTERMINATED_LOG_LINE"}
    return _value(log, lambda line: line not in lost, lambda line: line not in lost)


def _in_seconds(text: str) -> str:
    rows = [row.split("\t") for row in text.splitlines()]
    return "".join("\t".join((*row[:-1], str(int(row[-1]) // 1000))) + "\n" for row in rows)


LOGS = (
    FaultyImplementation(
        "seconds-log",
        "F-01",
        "BZ-LOG-004",
        "exports times in seconds",
        _exported(_in_seconds),
    ),
    FaultyImplementation(
        "lower-case-log",
        "",
        "BZ-LOG-003",
        "exports ids in lower-case hex digits",
        _exported(str.lower),
    ),
    FaultyImplementation(
        "no-final-lf",
        "",
        "BZ-LOG-003",
        "exports no LF at the end of the last line",
        _exported(lambda text: text.removesuffix("\n")),
    ),
    FaultyImplementation(
        "crlf-log",
        "",
        "BZ-LOG-003",
        "exports a CR before each LF",
        _exported(lambda text: text.replace("\n", "\r\n")),
    ),
    FaultyImplementation(
        "blanks-for-tabs",
        "",
        "BZ-LOG-003",
        "exports columns separated by blanks",
        _exported(lambda text: text.replace("\t", " ")),
    ),
    FaultyImplementation(
        "stops-at-bad-line",
        "",
        "BZ-LOG-003",
        "reads nothing of an export from the first defect on",
        _imported(_up_to_first_defect),
    ),
    FaultyImplementation(
        "sound-lines-only",
        "",
        "BZ-LOG-003",
        "loses the records of lines that have a defect but can be read",
        _imported(_sound_lines),
    ),
    FaultyImplementation(
        "silent-import",
        "",
        "BZ-LOG-003",
        "reports no defects of an export",
        _imported(lambda log: _value(log, lambda line: True, lambda line: False)),
    ),
    FaultyImplementation(
        "no-unterminated-line",
        "",
        "BZ-LOG-003",
        "passes over a last line that does not end in LF",
        _imported(_terminated),
    ),
    FaultyImplementation(
        "seconds-unscaled",
        "F-01",
        "BZ-LOG-004",
        "takes the seconds of an iOS export for milliseconds",
        _imported(_as_written),
    ),
)
"""Those of the data trace."""
