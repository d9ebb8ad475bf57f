"""Contact logs as evidence: an exported ``data_trace.txt``, or a database of a phone; told apart by content.

Theory of operation. ``read_contact_log`` takes the octets of a file and gives its rows, what is wrong with
single rows (which checks judge), and what is wrong with the file (which no requirement is about). Rows that
are good are kept whatever stands around them. A database is opened in memory: nothing is written, no journal
is looked for, and what its schema could make SQLite compute is refused. Reading ends at the first damage; the
rows before it stay.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Literal

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Capability, Diagnostic, Extent, Severity
from bluezone_reference.contact_log import Record, decode_data_trace, record_from_row, unit_of
from bluezone_reference.errors import MalformedError, RejectCode

_DATABASE_HEADER = b"SQLite format 3\x00"
_JOURNAL_MODE = slice(18, 20)
_WRITE_AHEAD = b"\x02\x02"
_ROLLBACK = b"\x01\x01"
_PAGE_OCTETS = slice(16, 18)
_PAGES = slice(28, 32)
_FIRST_PAGE_KIND = 100
_LEAF = 0x0D
_SMALLEST_PAGE = 512
_TABLES = ("trace_info", "connect_info")
_DATABASE_ERRORS = (sqlite3.Error, UnicodeDecodeError, MemoryError)
"""A damaged page may announce more than SQLite can have."""
_BEFORE_ALL_ROWS = -(2**63)
"""Below the row id of any row that was not given this very one on purpose."""
_LONGEST_VALUE = 1_000_000
"""Octets of the longest text or blob that is read; an id has 12."""

_FIRST_LINES = 8
"""Of a text, among which one is a good row if it is an export."""
_LOG_ROW = re.compile(rb"(?:\xef\xbb\xbf)?[ \t]*[0-9A-Fa-f]{12,}[^0-9A-Fa-f]")
"""How a row of an export begins, however badly it is written: with an id in hex."""


class LogKind(StrEnum):
    """What a contact log came as."""

    EXPORT = "contact_log_export"
    DATABASE = "contact_log_database"


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be read.

    Attributes:
        number: Line of an export, from 1; ``_id`` of a database.
        offset: Octets from the start of the export to the row; ``None`` in a database.
        unit: In which the row's time is written.
        record: What it says, its time in milliseconds.
        octets: The row of an export as written, without its LF; empty in a database.
    """

    number: int
    offset: int | None
    unit: Literal["ms", "s"]
    record: Record
    octets: bytes


@dataclass(frozen=True, slots=True)
class RowDefect:
    """What is wrong with a row; a row that can be read may have some too.

    Attributes:
        number: As of ``Row``.
        offset: Octets from the start of the export to what is wrong; ``None`` in a database.
        code: Which of the reject codes.
        requirement: The requirement that it breaks.
        reason: One sentence for people, without a full stop.
        octets: The row of an export as written; empty in a database.
    """

    number: int
    offset: int | None
    code: RejectCode
    requirement: str
    reason: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class KeptAddress:
    """What a row of a database keeps in place of an address.

    Attributes:
        number: The row's ``_id``.
        text: As it stands there; octets in hex; empty where there is nothing.
    """

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class ContactLogEvidence:
    """A contact log, read.

    Attributes:
        name: Of the file, without folders.
        sha256: Of its octets, in hex.
        kind: Export or database.
        rows: All that can be read and are whole, in their order.
        defects: What is wrong with rows, in their order.
        unfinished: The last row of an export whose LF is missing, if it can be read: its time may be cut
            short.
        cut: The export does not end in LF.
        addresses: ``macid`` of all rows of ``trace_info`` that hold one, readable or not; empty in an export.
        cached_reads: Rows of ``connect_info``; ``None`` where there is no such table.
        capabilities: What this evidence can show.
        diagnostics: What is wrong with it as a whole.
        partial: Some of it could not be read.
    """

    name: str
    sha256: str
    kind: LogKind
    rows: tuple[Row, ...]
    defects: tuple[RowDefect, ...]
    unfinished: Row | None
    cut: bool
    addresses: tuple[KeptAddress, ...]
    cached_reads: tuple[KeptAddress, ...] | None
    capabilities: Mapping[Capability, Extent]
    diagnostics: tuple[Diagnostic, ...]
    partial: bool

    @property
    def contents(self) -> Mapping[str, int]:
        """How many rows it holds, those that cannot be read included."""
        known = self.rows if self.unfinished is None else (*self.rows, self.unfinished)
        return {"rows": len({*(each.number for each in known), *(each.number for each in self.defects)})}

    @property
    def records(self) -> tuple[Record, ...]:
        """The records of all rows that can be read, an unfinished last one included."""
        rows = self.rows if self.unfinished is None else (*self.rows, self.unfinished)
        return tuple(row.record for row in rows)


def _may_have_tables(head: bytes) -> bool:
    """Say whether a database may have a table of a contact log, as far as its first page tells.

    Where that is a leaf, the names of all tables are in it. Source: Database File Format, sections 1.3 and 1.6.
    """
    page_octets = int.from_bytes(head[_PAGE_OCTETS], "big")
    if not _SMALLEST_PAGE <= page_octets <= len(head) or head[_FIRST_PAGE_KIND] != _LEAF:
        return True
    return any(table.encode() in head[:page_octets].lower() for table in _TABLES)


def looks_like_contact_log(head: bytes) -> bool:
    """Say whether a file that begins so may be a contact log: a database, or text with a good row in its first lines.

    Args:
        head: Its first octets, enough for some lines.
    """
    if head.startswith(_DATABASE_HEADER):
        return _may_have_tables(head)
    if not _LOG_ROW.match(head.lstrip(b"\r\n")):
        return False
    lines = b"".join(head.splitlines(keepends=True)[:_FIRST_LINES])
    return bool(decode_data_trace(lines).lines)


def read_contact_log(name: str, octets: bytes) -> ContactLogEvidence:
    """Read a contact log of either kind.

    Args:
        name: Of the file, without folders; for reports.
        octets: All of it. No octets at all are an export without a row.

    Raises:
        EvidenceError: It is neither kind, or nothing of it can be read.
    """
    if octets.startswith(_DATABASE_HEADER):
        return _read_database(name, octets)
    if octets.strip() and not any(_LOG_ROW.match(line) for line in octets.split(b"\n")):
        hint = "; a device file is given by --device" if octets.lstrip().startswith(b"{") else ""
        raise EvidenceError(
            name, f"neither a contact log export (no line begins with an id in hex) nor a database{hint}"
        )
    return _read_export(name, octets)


# --- data_trace.txt ---


def _read_export(name: str, octets: bytes) -> ContactLogEvidence:
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


# --- app_db_2.db and app_cache_2.db ---


class _Damage:
    """The first damage met while a database is read; what was read before it stays.

    Attributes:
        reason: One sentence for people; empty where there is none.
    """

    def __init__(self, reason: str = "") -> None:
        self.reason = reason

    def rows(self, connection: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
        """Yield rows of a table, the first value their row id, until they end or damage is met."""
        question = f"select rowid, {columns} from {table}"  # noqa: S608 - both are this module's own words
        last = _BEFORE_ALL_ROWS
        try:
            for row in connection.execute(f"{question} order by rowid"):
                # A whole table's row ids rise; where they do not, its pages go round in circles.
                if row[0] <= last:
                    self._found(table, last, f"row {row[0]} stands after it")
                    return
                last = row[0]
                yield row
        except _DATABASE_ERRORS as error:
            # sqlite3 reads one row ahead: an error that the next row raises comes in place of this one.
            for row in self._one_after(connection, question, last):
                last = row[0]
                yield row
            self._found(table, last, _reason(error))

    def _one_after(self, connection: sqlite3.Connection, question: str, last: int) -> list[tuple[Any, ...]]:
        try:
            return connection.execute(
                f"{question} where rowid > ? order by rowid limit 1", (last,)
            ).fetchall()
        except _DATABASE_ERRORS:
            return []

    def _found(self, table: str, last: int, reason: str) -> None:
        where = "from its start" if last == _BEFORE_ALL_ROWS else f"after row {last}"
        self.reason = f"{table} is damaged {where}: {self.reason or reason}"


def _reason(error: Exception) -> str:
    """Return what SQLite says; Python cannot read all of it where a damaged name is part of it."""
    if isinstance(error, MemoryError):
        return "a page announces more than there can be"
    return "its schema is no text" if isinstance(error, UnicodeDecodeError) else str(error)


def _image(octets: bytes) -> tuple[bytes, _Damage]:
    """Return what SQLite opens in memory, and the damage that can be seen before.

    There is no -wal file beside an image, and one that ends too early is refused as a whole. Where its header
    is changed to say what is there, the rows on the pages that are there can be read. A page that is not
    whole is none: it is filled from its end.
    """
    image = bytearray(octets)
    if image[_JOURNAL_MODE] == _WRITE_AHEAD:
        image[_JOURNAL_MODE] = _ROLLBACK
    page_octets = int.from_bytes(image[_PAGE_OCTETS], "big")
    page_octets = 65_536 if page_octets == 1 else page_octets
    pages = int.from_bytes(image[_PAGES], "big")
    if not page_octets or pages * page_octets <= len(image):
        return bytes(image), _Damage()
    there = max(len(image) // page_octets, 1)
    image[_PAGES] = there.to_bytes(4, "big")
    reason = f"the file ends after {len(octets)} of {pages * page_octets} octets"
    return bytes(image[: there * page_octets]), _Damage(reason)


def _read_database(name: str, octets: bytes) -> ContactLogEvidence:
    diagnostics: list[Diagnostic] = []
    if octets[_JOURNAL_MODE] == _WRITE_AHEAD:
        message = "written ahead (WAL): rows that still stand in the file -wal beside it are not seen"
        diagnostics.append(Diagnostic(name, _JOURNAL_MODE.start, Severity.WARNING, message))
    image, damage = _image(octets)
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            tables = _open(connection, image)
        except _DATABASE_ERRORS as error:
            raise EvidenceError(name, f"a database of which nothing can be read: {_reason(error)}") from None
        records = {"blid", "blid_contact", "rssi", "timestamp"} <= tables.get("trace_info", set())
        cache = "mac_id" in tables.get("connect_info", set())
        if not (records or cache):
            raise EvidenceError(
                name, "a database without a contact log: no table trace_info with its columns"
            )
        rows, defects, addresses = (
            _read_trace_info(connection, "macid" in tables["trace_info"], damage) if records else ((), (), ())
        )
        cached = _read_connect_info(connection, damage) if cache else ()
    if damage.reason:
        diagnostics.append(Diagnostic(name, None, Severity.ERROR, damage.reason))
    extent = Extent.PARTIAL if diagnostics else Extent.YES
    capabilities: dict[Capability, Extent] = {}
    if records:
        capabilities |= {Capability.RECORDS: extent, Capability.WHOLE_LOG: extent}
    if cache:
        capabilities |= {Capability.READ_CACHE: extent}
    return ContactLogEvidence(
        name=name,
        sha256=sha256(octets).hexdigest(),
        kind=LogKind.DATABASE,
        rows=rows,
        defects=defects,
        unfinished=None,
        cut=False,
        addresses=addresses,
        cached_reads=cached if cache else None,
        capabilities=capabilities,
        diagnostics=tuple(diagnostics),
        partial=bool(diagnostics),
    )


def _open(connection: sqlite3.Connection, image: bytes) -> dict[str, set[str]]:
    """Open an image and return the columns of its two tables, as far as they are there."""
    connection.text_factory = _text
    # A schema is part of the file: it must not make SQLite compute what it likes.
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.execute("pragma trusted_schema = off")
    connection.deserialize(image)
    tables: dict[str, set[str]] = {}
    for table in _TABLES:
        # rootpage 0: a view or a virtual table, which no phone writes
        found = connection.execute(
            "select 1 from sqlite_master where type = 'table' and rootpage > 0 and name = ?", (table,)
        )
        if found.fetchone():
            # table_info leaves generated columns out
            columns = connection.execute("select lower(name) from pragma_table_info(?)", (table,))
            tables[table] = {column for (column,) in columns}
    return tables


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


def _read_trace_info(
    connection: sqlite3.Connection, has_address: bool, damage: _Damage
) -> tuple[tuple[Row, ...], tuple[RowDefect, ...], tuple[KeptAddress, ...]]:
    address = "macid" if has_address else "null"
    columns = f"{address}, blid, blid_contact, rssi, timestamp"
    rows: list[Row] = []
    defects: list[RowDefect] = []
    addresses: list[KeptAddress] = []
    for number, macid, blid, blid_contact, rssi, timestamp in damage.rows(connection, "trace_info", columns):
        if kept := _address_text(macid):
            addresses.append(KeptAddress(number, kept))
        try:
            record = record_from_row(blid, blid_contact, macid, rssi, timestamp)
        except MalformedError as error:
            defects.append(RowDefect(number, None, error.code, error.requirement, error.reason, b""))
        else:
            rows.append(Row(number, None, unit_of(timestamp), record, b""))
    return tuple(rows), tuple(defects), tuple(addresses)


def _read_connect_info(connection: sqlite3.Connection, damage: _Damage) -> tuple[KeptAddress, ...]:
    rows = damage.rows(connection, "connect_info", "mac_id")
    return tuple(KeptAddress(number, _address_text(address)) for number, address in rows)


def _address_text(value: object) -> str:
    if value is None:
        return ""
    return value.hex() if isinstance(value, bytes) else str(value).strip()
