"""Contact logs as a phone keeps them: the databases ``app_db_2.db`` and ``app_cache_2.db``.

Theory of operation. A database is opened in memory: nothing is written, no journal is looked for, and what its schema
could make SQLite compute is refused. Reading ends at the first damage; the rows before it stay.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from typing import Any

from bluezone_harness.evidence.contact_log_model import (
    ContactLogEvidence,
    KeptAddress,
    LogKind,
    Row,
    RowDefect,
)
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Capability, Diagnostic, Extent, Severity
from bluezone_reference.contact_log import record_from_row, unit_of
from bluezone_reference.errors import MalformedError

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


def is_database(octets: bytes) -> bool:
    """Say whether a file is a database of SQLite, by how it begins."""
    return octets.startswith(_DATABASE_HEADER)


def looks_like_database(head: bytes) -> bool:
    """Say whether a file that begins so may be a database with a table of a contact log, as its first page tells.

    Where that is a leaf, the names of all tables are in it. Source: Database File Format, sections 1.3 and 1.6.

    Args:
        head: Its first octets.
    """
    if not is_database(head):
        return False
    page_octets = int.from_bytes(head[_PAGE_OCTETS], "big")
    if not _SMALLEST_PAGE <= page_octets <= len(head) or head[_FIRST_PAGE_KIND] != _LEAF:
        return True
    return any(table.encode() in head[:page_octets].lower() for table in _TABLES)


def read_database(name: str, octets: bytes) -> ContactLogEvidence:
    """Read a database.

    Args:
        name: Of the file, without folders; for reports.
        octets: All of it.

    Raises:
        EvidenceError: It holds no contact log, or nothing of it can be read.
    """
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
