"""The contact log: records, the exported ``data_trace.txt`` in both time dialects, and the SQLite schema.

Theory of operation. An export is a sequence of rows, each ended by LF: own id, contact id, RSSI and time,
separated by tabs. ``decode_data_trace`` takes any octets and never raises. What can be read is a ``LogLine``,
what is not as it should be is a ``LogDefect``, and a row may be both: a CR before the LF, a byte order mark,
lower-case hex digits, a number with a plus or with leading zeros, and an id of another length leave a row
readable. A row that is blank, or has not four columns, octets beyond ASCII, an id that is empty or no hex, an
RSSI that no controller reports, or a time that is none gives no ``LogLine``. A last row without its LF is
read if it is whole, and listed all the same, because its time may be cut short.

The two dialects are told apart by the size of the time alone (``unit_of``). Every ``Record`` holds
milliseconds.

Deliberately not here: opening files and databases. The schema is text, and ``record_from_row`` takes values.

Source: BZ-LOG-001, BZ-LOG-003, BZ-LOG-004.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .errors import MalformedError, RejectCode
from .key_schedule import ID_OCTETS

SECONDS_BELOW = 100_000_000_000
"""A time below this counts seconds (up to the year 5138), else milliseconds (from 1973-03-03 on)."""

LAST_TIME_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, the last that ISO 8601 writes without an agreement."""

RSSI_NOT_AVAILABLE = 127
"""What a controller reports in place of an RSSI (Core Specification, Vol 4 Part E 7.7.65.2)."""

TRACE_INFO_SQL_ANDROID = (
    "create table trace_info (_id integer primary key autoincrement, blid BLOB, blid_contact BLOB, "
    "macid text, rssi integer, tx_power integer, state integer, timestamp long)"
)
"""The contact log of the published Android builds, in ``app_db_2.db``; ``timestamp`` counts milliseconds."""

TRACE_INFO_SQL_IOS = (
    "CREATE TABLE trace_info (_id INTEGER PRIMARY KEY AUTOINCREMENT, blid BLOB, blid_contact BLOB, "
    "macid TEXT, rssi INTEGER, tx_power INTEGER, state INTEGER, timestamp INTEGER)"
)
"""The contact log of the published iOS build, in ``app_db_2.db``; ``timestamp`` counts seconds (F-01)."""

CONNECT_INFO_SQL = (
    "create table connect_info (_id integer primary key autoincrement, blid_id BLOB, mac_id text, time long)"
)
"""The Android builds' ids read by GATT, with the addresses they were read from, in ``app_cache_2.db``."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UPPER_HEX_DIGITS = b"0123456789ABCDEF"
_LOWER_HEX_DIGITS = b"abcdef"
_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a contact log.

    Attributes:
        own_id: The rolling id that the phone itself had at that time; 12 octets (6 in the first generation).
        contact_id: The rolling id that it heard or read; 12 octets (6 in the first generation).
        rssi: Received signal strength in dBm, -127 to 20, or 127 where none was available.
        time_ms: When.
        address: What stands in the database's ``macid``: an address, a platform's word, or nothing.

    Source: BZ-LOG-001.
    """

    own_id: bytes
    contact_id: bytes
    rssi: int
    time_ms: int
    address: str = ""


@dataclass(frozen=True, slots=True)
class LogDefect:
    """What is wrong with a row of an export.

    Attributes:
        line: Which row, counted from 1.
        error: What is wrong; its offset counts from the start of the export.
        octets: The row as written, without its LF.
    """

    line: int
    error: MalformedError
    octets: bytes


@dataclass(frozen=True, slots=True)
class LogLine:
    """A row of an export that can be read.

    Attributes:
        line: Which row, counted from 1.
        record: What it says; its address is empty, for an export has no such column.
        unit: In which the row's time is written.
        octets: The row as written, without its LF.
    """

    line: int
    record: Record
    unit: Literal["ms", "s"]
    octets: bytes


@dataclass(frozen=True, slots=True)
class ContactLog:
    """An export, taken apart; both tuples keep the order of the rows."""

    lines: tuple[LogLine, ...]
    defects: tuple[LogDefect, ...]


def unit_of(time: int) -> Literal["ms", "s"]:
    """Tell in which unit a log's time counts, by its size alone: seconds below ``SECONDS_BELOW``, else milliseconds.

    Args:
        time: As it stands in a log, 0 or more.

    Source: BZ-LOG-004, F-01.
    """
    return "s" if time < SECONDS_BELOW else "ms"


def is_rssi(value: int) -> bool:
    """Tell whether a controller can have reported this RSSI: -127 to 20 dBm, or 127 for none.

    Source: Core Specification, Vol 4 Part E 7.7.65.2; BZ-LOG-001.
    """
    return -127 <= value <= 20 or value == RSSI_NOT_AVAILABLE


def decode_data_trace(octets: bytes) -> ContactLog:
    """Read an export; what is good is kept, what is not is listed.

    Args:
        octets: A whole ``data_trace.txt``, or anything else.

    Returns:
        The rows that can be read, and the defects in the order of the rows and of their offsets.

    Source: BZ-LOG-001, BZ-LOG-003, BZ-LOG-004.
    """
    lines: list[LogLine] = []
    defects: list[LogDefect] = []
    *rows, rest = octets.split(b"\n")
    offset = 0
    for number, row in enumerate(rows, start=1):
        line, errors = _decode_row(number, row, offset)
        if line is not None:
            lines.append(line)
        defects.extend(LogDefect(number, error, row) for error in errors)
        offset += len(row) + 1
    if rest:
        number = len(rows) + 1
        line, errors = _decode_row(number, rest, offset)
        # BZ-LOG-003: each line ends in LF. Half a line has no other defect than to be half.
        if line is None:
            errors = []
            reason = "the last line does not end in LF and cannot be read"
        else:
            lines.append(line)
            reason = "the last line does not end in LF, so its time may be cut short"
        errors.append(
            MalformedError(RejectCode.UNTERMINATED_LOG_LINE, "BZ-LOG-003", offset + len(rest), reason)
        )
        defects.extend(LogDefect(number, error, rest) for error in errors)
    return ContactLog(tuple(lines), tuple(defects))


def encode_data_trace(records: Iterable[Record], unit: Literal["ms", "s"] = "ms") -> bytes:
    """Write an export.

    Args:
        records: In the order of the rows; addresses are not exported.
        unit: ``ms``, or ``s`` as the published iOS build wrote it; seconds are cut, not rounded.

    Returns:
        One row per record, each ended by LF.

    Raises:
        ValueError: An id is not 12 octets, an RSSI is none that a controller reports, or a time cannot be
            told in this unit: before 1970, before 1973-03-03 in milliseconds, after the year 9999, after 5138
            in seconds.

    Source: BZ-LOG-003, BZ-LOG-004.
    """
    return b"".join(_encode_row(number, record, unit) for number, record in enumerate(records, start=1))


def record_from_row(
    blid: object, blid_contact: object, macid: object, rssi: object, timestamp: object
) -> Record:
    """Read a row of ``trace_info`` as SQLite gives it, each value of any type.

    Args:
        blid: Own id, a BLOB that is not empty.
        blid_contact: Contact id, a BLOB that is not empty.
        macid: An address, a platform's word, or NULL.
        rssi: An integer in dBm.
        timestamp: An integer of milliseconds or seconds, told apart by ``unit_of``.

    Returns:
        The record, its address empty where ``macid`` is NULL.

    Raises:
        MalformedError: A value is missing or of another type (BAD_LOG_LINE, BZ-LOG-001), the RSSI is none
            that a controller reports (BAD_RSSI, BZ-LOG-001), or the time is negative or after the year 9999
            (BAD_TIME, BZ-LOG-004). The offset is 0, the reason names the column.

    Source: BZ-LOG-001, BZ-LOG-004.
    """
    if not (macid is None or isinstance(macid, str)):
        raise _bad_row(f"macid is {_kind(macid)}, not text")
    return Record(
        own_id=_id_of_row("blid", blid),
        contact_id=_id_of_row("blid_contact", blid_contact),
        rssi=_checked_rssi(_integer_of_row("rssi", rssi), 0, "rssi"),
        time_ms=_checked_time_ms(_integer_of_row("timestamp", timestamp), 0, "timestamp"),
        address=macid or "",
    )


# --- one row of an export ----------------------------------------------------------------------------------


def _decode_row(number: int, row: bytes, offset: int) -> tuple[LogLine | None, list[MalformedError]]:
    """Read one row, which begins at ``offset``; the errors come in the order of their offsets."""
    errors: list[MalformedError] = []
    line: LogLine | None = None
    text = row
    if text.startswith(_BYTE_ORDER_MARK):
        errors.append(_bad_line(offset, "a byte order mark stands before the line"))
        text = text[len(_BYTE_ORDER_MARK) :]
    start = offset + len(row) - len(text)
    carriage_return = text.endswith(b"\r")
    if carriage_return:
        text = text[:-1]
    try:
        record, unit = _decode_columns(text, start, errors)
        line = LogLine(number, record, unit, row)
    except MalformedError as error:
        # Kept, not thrown on: its traceback would keep the row's frames alive.
        errors.append(error.with_traceback(None))
    if carriage_return:
        errors.append(_bad_line(offset + len(row) - 1, "a CR stands at the end of the line"))
    return line, errors


def _decode_columns(
    text: bytes, start: int, tolerated: list[MalformedError]
) -> tuple[Record, Literal["ms", "s"]]:
    """Read the columns of a row that begins at ``start``; what leaves it readable goes to ``tolerated``."""
    if not text.strip(b" "):
        raise _bad_line(start, "the line is blank")
    if not text.isascii():
        at = next(index for index, octet in enumerate(text) if octet > 0x7F)
        raise _bad_line(start + at, f"octet 0x{text[at]:02X} is not ASCII")
    # BZ-LOG-003: own id, contact id, RSSI, time; tab-separated.
    columns = text.split(b"\t")
    if len(columns) < _COLUMNS:
        raise _bad_line(start + len(text), f"the line ends after {len(columns)} of {_COLUMNS} columns")
    starts = [start]
    for column in columns[:_COLUMNS]:
        starts.append(starts[-1] + len(column) + 1)
    if len(columns) > _COLUMNS:
        raise _bad_line(starts[_COLUMNS] - 1, f"the line has {len(columns)} columns, not {_COLUMNS}")
    own_id = _decode_id(columns[0], starts[0], "own id", tolerated)
    contact_id = _decode_id(columns[1], starts[1], "contact id", tolerated)
    rssi = _decode_integer(columns[2], starts[2], RejectCode.BAD_RSSI, "BZ-LOG-001", "RSSI", tolerated)
    rssi = _checked_rssi(rssi, starts[2], "RSSI")
    time = _decode_integer(columns[3], starts[3], RejectCode.BAD_TIME, "BZ-LOG-004", "time", tolerated)
    time_ms = _checked_time_ms(time, starts[3], "time")
    return Record(own_id, contact_id, rssi, time_ms), unit_of(time)


def _decode_id(column: bytes, start: int, name: str, tolerated: list[MalformedError]) -> bytes:
    """Read an id of any length but none."""
    if not column:
        raise _missing(start, f"the {name} is empty")
    # BZ-LOG-003: 24 upper-case hex digits each.
    not_upper = column.translate(None, _UPPER_HEX_DIGITS)
    not_hex = not_upper.translate(None, _LOWER_HEX_DIGITS)
    if not_hex:
        reason = f"the {name} holds {chr(not_hex[0])!r}, which is no hex digit"
        raise _bad_line(start + column.index(not_hex[0]), reason)
    if len(column) % 2:
        raise _bad_line(start + len(column), f"the {name} has {len(column)} hex digits, an odd number")
    if len(column) != 2 * ID_OCTETS:
        # Kept readable, so that a log of the first generation's ids can be named as one (BZ-RCV-002).
        reason = f"the {name} has {len(column) // 2} octets, not {ID_OCTETS}"
        tolerated.append(MalformedError(RejectCode.BAD_ID_LENGTH, "BZ-LOG-003", start, reason))
    if not_upper:
        reason = f"the {name} is written in lower-case hex digits"
        tolerated.append(_bad_line(start + column.index(not_upper[0]), reason))
    return bytes.fromhex(column.decode("ascii"))


def _decode_integer(
    column: bytes,
    start: int,
    code: RejectCode,
    requirement: str,
    name: str,
    tolerated: list[MalformedError],
) -> int:
    """Read a decimal integer, of which no more digits are taken than any valid value has, and one."""
    digits = column[1:] if column[:1] in (b"+", b"-") else column
    # An ASCII column: isdigit() knows no other digits than 0 to 9.
    if not digits.isdigit():
        raise MalformedError(code, requirement, start, f"the {name} is not a decimal integer")
    significant = digits.lstrip(b"0") or b"0"
    # A number this long is refused whatever its end; to read all of it would cost the square of its length.
    value = int(significant[: len(str(LAST_TIME_MS)) + 1])
    if column[:1] == b"-":
        value = -value
    if column != (b"-" if value < 0 else b"") + significant:
        reason = f"the {name} is written with a sign or zeros that it does not need"
        tolerated.append(_bad_line(start, reason))
    return value


def _encode_row(number: int, record: Record, unit: Literal["ms", "s"]) -> bytes:
    """Write one row; ``number`` is for people."""
    for name, octets in (("own id", record.own_id), ("contact id", record.contact_id)):
        if len(octets) != ID_OCTETS:
            raise ValueError(f"record {number}: the {name} has {len(octets)} octets, not {ID_OCTETS}")
    if not is_rssi(record.rssi):
        raise ValueError(f"record {number}: no controller reports an RSSI of {record.rssi} dBm")
    time = record.time_ms if unit == "ms" else record.time_ms // 1000
    if not 0 <= record.time_ms <= LAST_TIME_MS or unit_of(time) != unit:
        raise ValueError(f"record {number}: {record.time_ms} ms cannot be told as a time in {unit}")
    own, contact = record.own_id.hex().upper(), record.contact_id.hex().upper()
    return f"{own}\t{contact}\t{record.rssi}\t{time}\n".encode("ascii")


# --- values, whichever way they came -----------------------------------------------------------------------


def _checked_rssi(value: int, offset: int, name: str) -> int:
    if not is_rssi(value):
        reason = f"the {name} is neither -127 to 20 dBm nor 127 for none"
        raise MalformedError(RejectCode.BAD_RSSI, "BZ-LOG-001", offset, reason)
    return value


def _checked_time_ms(time: int, offset: int, name: str) -> int:
    """A log's time in either unit, in milliseconds."""
    if time < 0:
        raise MalformedError(RejectCode.BAD_TIME, "BZ-LOG-004", offset, f"the {name} is negative")
    if time > LAST_TIME_MS:
        raise MalformedError(RejectCode.BAD_TIME, "BZ-LOG-004", offset, f"the {name} is after the year 9999")
    return time if unit_of(time) == "ms" else time * 1000


def _id_of_row(column: str, value: object) -> bytes:
    if not isinstance(value, bytes):
        raise _bad_row(f"{column} is {_kind(value)}, not a BLOB")
    if not value:
        raise _bad_row(f"{column} is an empty BLOB")
    return value


def _integer_of_row(column: str, value: object) -> int:
    # bool is an int to Python, and nothing that SQLite gives.
    if not isinstance(value, int) or isinstance(value, bool):
        raise _bad_row(f"{column} is {_kind(value)}, not an integer")
    return value


def _kind(value: object) -> str:
    """What a value of SQLite is, in its words."""
    names: dict[type, str] = {
        type(None): "NULL",
        bytes: "a BLOB",
        str: "text",
        int: "an integer",
        float: "a real",
    }
    return names.get(type(value), f"a {type(value).__name__}")


def _bad_line(offset: int, reason: str) -> MalformedError:
    return MalformedError(RejectCode.BAD_LOG_LINE, "BZ-LOG-003", offset, reason)


def _missing(offset: int, reason: str) -> MalformedError:
    return MalformedError(RejectCode.BAD_LOG_LINE, "BZ-LOG-001", offset, reason)


def _bad_row(reason: str) -> MalformedError:
    return _missing(0, reason)
