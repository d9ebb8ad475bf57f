"""Planted faults in how an app writes its log: BZ-LOG-003, BZ-LOG-004, and times in local time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bluezone_reference.contact_log import Record

from .behaviours import AppFault, Change
from .exports import export_of, row_of

Times = Callable[[int], int]
"""From the time of a record in ms to the number that the log holds."""
_SECOND_MS = 1_000
_LOCAL_MS = 7 * 3_600_000
"""That of Viet Nam."""


def lines(line: Callable[[Record, Times], str]) -> Change:
    """Return the fault of an app that writes its lines otherwise.

    Args:
        line: From a record, and what makes its time a number, to the line, with its end.
    """
    return _export(lambda records, times: "".join(line(each, times) for each in records).encode("ascii"))


def _export(export: Callable[[Sequence[Record], Times], bytes]) -> Change:
    return lambda behaviour: replace(behaviour, export=export)


def _times(stored_time: Times) -> Change:
    return lambda behaviour: replace(behaviour, stored_time=stored_time)


def _newest_first(records: Sequence[Record], times: Times) -> bytes:
    return export_of(records[::-1], times)


def _with_header(records: Sequence[Record], times: Times) -> bytes:
    return b"OWN\tCONTACT\tRSSI\tTIME\n" + export_of(records, times)


EXPORT_FAULTS = (
    AppFault(
        "lower-case",
        "BZ-LOG-003",
        "Ids of the export are in lower-case hex",
        lines(lambda record, times: row_of(record, times).lower() + "\n"),
    ),
    AppFault(
        "crlf",
        "BZ-LOG-003",
        "Lines of the export end in CR LF",
        lines(lambda record, times: row_of(record, times) + "\r\n"),
    ),
    AppFault(
        "spaces",
        "BZ-LOG-003",
        "Columns of the export are separated by spaces",
        lines(lambda record, times: row_of(record, times).replace("\t", " ") + "\n"),
        breaks=("BZ-RCV-001", "BZ-RCV-004"),
    ),
    AppFault(
        "header", "BZ-LOG-003", "The export begins with the names of its columns", _export(_with_header)
    ),
    AppFault(
        "newest-first",
        "BZ-LOG-003",
        "The lines of the export begin with the newest record",
        _export(_newest_first),
    ),
    AppFault(
        "seconds",
        "BZ-LOG-004",
        "Times count seconds",
        _times(lambda time_ms: time_ms // _SECOND_MS),
        "F-01",
    ),
    AppFault(
        "microseconds",
        "BZ-LOG-004",
        "Times count microseconds",
        _times(lambda time_ms: time_ms * 1000),
        breaks=("BZ-RCV-001", "BZ-RCV-004"),
    ),
    AppFault(
        "local-time",
        "BZ-LOG-001",
        "Times count from a midnight in Viet Nam, 7 h ahead",
        _times(lambda time_ms: time_ms + _LOCAL_MS),
        breaks=("BZ-LOG-004", "BZ-LOG-005"),
    ),
)
"""In the order of their requirements."""
