"""The registry of log faults: what a contact log can be made to hold wrong.

Each changes one good log, and names the requirement under which it is to be found and what it breaks besides. What a
fault needs of the log's phone, its ids above all, comes in with the log: who tests the kit can compute them without it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType

from bluezone_reference.contact_log import CONNECT_INFO_SQL, TRACE_INFO_SQL_ANDROID
from bluezone_reference.key_schedule import DAY_MS
from bluezone_reference.profiles import ANDROID_V3, IOS_V3
from bluezone_reference.rolling_id_source import RollingIdSource

SLOT_MS = 900_000
LogRow = tuple[int, bytes, bytes]
"""Time in ms, own id, contact id."""
_LINE = 70
"""Of the line that is changed, where one is: in the middle of a slot and of a day."""
_SHORT_DAY_ROWS = 120
_FIRST_NUMBER = 41
"""Of the oldest row of a database: those before it were deleted."""
_KEPT_DAYS = 30
_RSSI = -71
_ADDRESS = "5A:01:23:45:67:89"
_OTHER_BASE_ID = bytes.fromhex("66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5")


@dataclass(frozen=True, slots=True)
class GoodLog:
    """A contact log without a fault, and what is known of its phone.

    Attributes:
        base_id: 32 octets.
        base_day_ms: UTC midnight of the base day.
        rows: Two days of rows or nearly so, from the day after the base day on, one in ten minutes, 96 slots a day.
        own_id: From an instant in ms, and a base id of the same base day, to the rolling id.
        export: From rows to the octets of their export, times in milliseconds.
    """

    base_id: bytes
    base_day_ms: int
    rows: tuple[LogRow, ...]
    own_id: Callable[[int, bytes], bytes]
    export: Callable[[Iterable[LogRow]], bytes]

    @property
    def octets(self) -> bytes:
        """The log as it is exported."""
        return self.export(self.rows)


@dataclass(frozen=True, slots=True)
class LogFault:
    """A fault that can be built into a contact log.

    Attributes:
        name: In the registry.
        requirement: Under which a check must find it.
        text: What the log holds, a sentence for people without a full stop.
        plant: From a good log to the octets of one with the fault.
        fault: Of annex A, such as ``F-11``; empty where no published build did it.
        breaks: Other requirements that it breaks.
        has_key: It is judged with the device file; else without.
    """

    name: str
    requirement: str
    text: str
    plant: Callable[[GoodLog], bytes]
    fault: str = ""
    breaks: tuple[str, ...] = ()
    has_key: bool = True


def database_of(
    rows: Iterable[LogRow], addresses: Mapping[int, str] = MappingProxyType({}), cached: Sequence[str] = ()
) -> bytes:
    """Write the database of an Android phone that holds rows, and deleted older ones.

    Args:
        rows: In the order in which they were logged.
        addresses: What stands in the column for an address, by the place of the row from 0.
        cached: Addresses that ids were read from by GATT.
    """
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(TRACE_INFO_SQL_ANDROID)
        connection.execute(CONNECT_INFO_SQL)
        connection.executemany(
            "insert into trace_info (_id, blid, blid_contact, macid, rssi, timestamp) values (?, ?, ?, ?, ?, ?)",
            [
                (_FIRST_NUMBER + place, own, contact, addresses.get(place), _RSSI, time_ms)
                for place, (time_ms, own, contact) in enumerate(rows)
            ],
        )
        connection.executemany(
            "insert into connect_info (blid_id, mac_id, time) values (x'00', ?, 1)",
            [(each,) for each in cached],
        )
        connection.commit()
        return connection.serialize()


def _line(log: GoodLog) -> bytes:
    return log.octets.splitlines(keepends=True)[_LINE]


def _with_line(log: GoodLog, line: bytes) -> bytes:
    lines = log.octets.splitlines(keepends=True)
    lines[_LINE] = line
    return b"".join(lines)


def _id_altered(log: GoodLog) -> bytes:
    line = _line(log)
    return _with_line(log, (b"1" if line[:1] == b"0" else b"0") + line[1:])


def _unknown_contact(log: GoodLog) -> bytes:
    own, _, rest = _line(log).split(b"\t", 2)
    return _with_line(log, b"\t".join((own, b"414243", rest)))


def _with_ids(log: GoodLog, own_id: Callable[[int], bytes], rows: Iterable[LogRow] | None = None) -> bytes:
    """Export rows, all of them where none are given, with other own ids."""
    return log.export(
        [(time_ms, own_id(time_ms), contact) for time_ms, _, contact in (log.rows if rows is None else rows)]
    )


def _stale_ids(log: GoodLog) -> bytes:
    return _with_ids(log, lambda time_ms: log.own_id(time_ms - SLOT_MS, log.base_id))


def _ids_of_the_next_day(log: GoodLog) -> bytes:
    source = RollingIdSource(log.base_id, log.base_day_ms, ANDROID_V3)
    source.rolling_id(log.base_day_ms + 4 * DAY_MS)
    return _with_ids(log, source.rolling_id, log.rows[:_SHORT_DAY_ROWS])


def _list_of_the_day_before(log: GoodLog) -> bytes:
    source = RollingIdSource(log.base_id, log.base_day_ms, ANDROID_V3)
    midnight_ms = log.base_day_ms + 2 * DAY_MS
    source.rolling_id(midnight_ms - 1, reread_ms=midnight_ms)
    return _with_ids(log, source.rolling_id, [each for each in log.rows if each[0] >= midnight_ms])


def _another_base(log: GoodLog) -> bytes:
    return _with_ids(log, lambda time_ms: log.own_id(time_ms, _OTHER_BASE_ID))


def _one_id(log: GoodLog) -> bytes:
    return _with_ids(log, lambda time_ms: log.rows[0][1])


def _day_repeated(log: GoodLog) -> bytes:
    second_day_ms = log.base_day_ms + 2 * DAY_MS
    return _with_ids(
        log,
        lambda time_ms: log.own_id(time_ms if time_ms < second_day_ms else time_ms - DAY_MS, log.base_id),
    )


def _empty_base(log: GoodLog) -> bytes:
    return _with_ids(log, RollingIdSource(b"", log.base_day_ms, IOS_V3).rolling_id)


def _kept_too_long(log: GoodLog) -> bytes:
    time_ms, _, contact = log.rows[-1]
    time_ms += _KEPT_DAYS * DAY_MS
    return database_of([*log.rows, (time_ms, log.own_id(time_ms, log.base_id), contact)])


LOG_FAULTS: Mapping[str, LogFault] = MappingProxyType(
    {
        each.name: each
        for each in (
            LogFault("id-altered", "BZ-LOG-005", "One own id has another digit", _id_altered),
            LogFault(
                "row-doubled",
                "BZ-LOG-002",
                "One row stands twice",
                lambda log: _with_line(log, _line(log) * 2),
            ),
            LogFault(
                "row-in-seconds",
                "BZ-LOG-004",
                "The time of one row is in seconds",
                lambda log: _with_line(log, _line(log)[:-4] + b"\n"),
                "F-01",
            ),
            LogFault(
                "log-in-seconds",
                "BZ-LOG-004",
                "All times are in seconds",
                lambda log: b"".join(each[:-4] + b"\n" for each in log.octets.splitlines(keepends=True)),
                "F-01",
            ),
            LogFault("lower-case", "BZ-LOG-003", "Ids are in lower-case hex", lambda log: log.octets.lower()),
            LogFault(
                "crlf", "BZ-LOG-003", "Lines end in CR LF", lambda log: log.octets.replace(b"\n", b"\r\n")
            ),
            LogFault(
                "byte-order-mark",
                "BZ-LOG-003",
                "The export begins with a byte order mark",
                lambda log: b"\xef\xbb\xbf" + log.octets,
            ),
            LogFault(
                "blank-line",
                "BZ-LOG-003",
                "One line is blank",
                lambda log: log.octets.replace(b"\n", b"\n\n", 1),
            ),
            LogFault(
                "commas",
                "BZ-LOG-003",
                "The fields of one row are separated by commas",
                lambda log: log.octets.replace(b"\t", b",", 3),
            ),
            LogFault("stale-ids", "BZ-LOG-005", "Own ids are those of the slot before", _stale_ids),
            LogFault(
                "ids-of-next-day",
                "BZ-LOG-005",
                "After the clock was set back the day's list of a later day is kept",
                _ids_of_the_next_day,
                "F-11",
            ),
            LogFault(
                "list-of-day-before",
                "BZ-LOG-005",
                "The list of the day before, made in midnight's last millisecond, is kept as the new day's",
                _list_of_the_day_before,
                "F-13",
            ),
            LogFault(
                "short-contact-id",
                "BZ-LOG-001",
                "One contact id has three octets",
                _unknown_contact,
                breaks=("BZ-LOG-003", "BZ-RCV-002"),
            ),
            LogFault("another-base", "BZ-LOG-005", "Own ids are those of another base id", _another_base),
            LogFault(
                "one-id-for-ever",
                "BZ-LOG-005",
                "All rows have the own id of the first",
                _one_id,
                breaks=("BZ-PRV-004", "BZ-PRV-005"),
            ),
            LogFault(
                "day-repeated",
                "BZ-LOG-005",
                "The second day has the ids of the first",
                _day_repeated,
                "F-14b",
                ("BZ-PRV-004", "BZ-PRV-005"),
            ),
            LogFault(
                "empty-base",
                "BZ-PRV-007",
                "Own ids are those of the empty base id, judged without the device file",
                _empty_base,
                "F-15",
                ("BZ-PRV-004", "BZ-PRV-005"),
                has_key=False,
            ),
            LogFault(
                "kept-too-long",
                "BZ-PRV-016",
                "The database holds rows of thirty days ago",
                _kept_too_long,
                "F-23",
            ),
            LogFault(
                "address-in-row",
                "BZ-PRV-017",
                "One row of the database holds the address of a phone",
                lambda log: database_of(log.rows, {_LINE: _ADDRESS}),
            ),
            LogFault(
                "address-in-cache",
                "BZ-PRV-017",
                "The database keeps the address that an id was read from by GATT",
                lambda log: database_of(log.rows, cached=[_ADDRESS]),
            ),
        )
    }
)
"""Every log fault by its name."""
