"""Contact logs as text: an exported ``data_trace.txt``, row by row; what is good is kept whatever stands around it."""

from __future__ import annotations

import re
from hashlib import sha256

from bluezone_harness.evidence.contact_log_model import ContactLogEvidence, LogKind, Row, RowDefect
from bluezone_harness.observations import Capability, Diagnostic, Extent, Severity
from bluezone_reference.contact_log import decode_data_trace
from bluezone_reference.errors import RejectCode

_FIRST_LINES = 8
"""Of a text, among which one is a good row if it is an export."""
_LOG_ROW = re.compile(rb"(?:\xef\xbb\xbf)?[ \t]*[0-9A-Fa-f]{12,}[^0-9A-Fa-f]")
"""How a row of an export begins, however badly it is written: with an id in hex."""


def looks_like_export(head: bytes) -> bool:
    """Say whether a file that begins so may be an export: text with a good row in its first lines.

    Args:
        head: Its first octets, enough for some lines.
    """
    if not _LOG_ROW.match(head.lstrip(b"\r\n")):
        return False
    lines = b"".join(head.splitlines(keepends=True)[:_FIRST_LINES])
    return bool(decode_data_trace(lines).lines)


def is_export(octets: bytes) -> bool:
    """Say whether a whole file is an export: a line begins with an id, or there is none but blank ones."""
    return not octets.strip() or any(_LOG_ROW.match(line) for line in octets.split(b"\n"))


def read_export(name: str, octets: bytes) -> ContactLogEvidence:
    """Read an export.

    Args:
        name: Of the file, without folders; for reports.
        octets: All of it. No octets at all are an export without a row.
    """
    log = decode_data_trace(octets)
    starts = [0]
    for line in octets.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    rows = [Row(line.line, starts[line.line - 1], line.unit, line.record, line.octets) for line in log.lines]
    defects = [
        RowDefect(
            defect.line,
            defect.error.offset,
            defect.error.code,
            defect.error.requirement,
            defect.error.reason,
            defect.octets,
        )
        for defect in log.defects
    ]
    ends = [defect for defect in defects if defect.code is RejectCode.UNTERMINATED_LOG_LINE]
    unfinished = rows.pop() if ends and rows and rows[-1].number == ends[0].number else None
    extent = Extent.PARTIAL if ends else Extent.YES
    return ContactLogEvidence(
        name=name,
        sha256=sha256(octets).hexdigest(),
        kind=LogKind.EXPORT,
        rows=tuple(rows),
        defects=tuple(defects),
        unfinished=unfinished,
        cut=bool(ends),
        addresses=(),
        cached_reads=None,
        capabilities={Capability.RECORDS: extent, Capability.EXPORT_OCTETS: extent},
        diagnostics=tuple(Diagnostic(name, end.offset, Severity.WARNING, end.reason) for end in ends),
        partial=bool(ends),
    )
