"""Contact logs as databases that SQLite itself wrote; nothing that is good is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.contact_log_model import LogKind
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Capability, Extent, Severity
from bluezone_reference.contact_log import CONNECT_INFO_SQL, TRACE_INFO_SQL_ANDROID, TRACE_INFO_SQL_IOS
from bluezone_reference.errors import RejectCode

OWN = "B9A665D754FE65E665D76A45"
CONTACT = "7C3DEC4246EA6F90E38EA254"
TIME_MS = 1_596_866_191_387

Values = Sequence[tuple[object, ...]]


def database(
    rows: Values = (), *, sql: str = TRACE_INFO_SQL_ANDROID, cache: Values | None = None, then: str = ""
) -> bytes:
    """Let SQLite write a database; rows are blid, blid_contact, macid, rssi, timestamp."""
    with closing(sqlite3.connect(":memory:")) as connection:
        if sql:
            connection.execute(sql)
            connection.executemany(
                "insert into trace_info (blid, blid_contact, macid, rssi, timestamp) values (?, ?, ?, ?, ?)",
                rows,
            )
        if cache is not None:
            connection.execute(CONNECT_INFO_SQL)
            connection.executemany("insert into connect_info (blid_id, mac_id, time) values (?, ?, ?)", cache)
        connection.executescript(then)
        connection.commit()
        return connection.serialize()


def good(count: int = 1, step_ms: int = 5000) -> list[tuple[object, ...]]:
    own, contact = bytes.fromhex(OWN), bytes.fromhex(CONTACT)
    return [(own, contact, None, -71, TIME_MS + number * step_ms) for number in range(count)]


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-004", "BZ-PRV-016")
def test_a_database_of_android_is_read() -> None:
    octets = database(good(3))
    log = read_contact_log("anything", octets)
    assert (log.kind, log.sha256) == (LogKind.DATABASE, sha256(octets).hexdigest())
    assert [row.number for row in log.rows] == [1, 2, 3]
    assert [row.record.time_ms for row in log.rows] == [TIME_MS, TIME_MS + 5000, TIME_MS + 10_000]
    assert {(row.offset, row.octets, row.unit) for row in log.rows} == {(None, b"", "ms")}
    assert log.capabilities == {Capability.RECORDS: Extent.YES, Capability.WHOLE_LOG: Extent.YES}
    assert (log.defects, log.diagnostics, log.partial, log.cached_reads) == ((), (), False, None)


@pytest.mark.req("BZ-LOG-004", "BZ-PRV-017", "F-01")
def test_a_database_of_ios_is_read() -> None:
    own, contact = bytes.fromhex(OWN), bytes.fromhex(CONTACT)
    log = read_contact_log(
        "app_db_2.db", database([(own, contact, "Android", -60, TIME_MS // 1000)], sql=TRACE_INFO_SQL_IOS)
    )
    assert [(row.unit, row.record.time_ms, row.record.address) for row in log.rows] == [
        ("s", TIME_MS // 1000 * 1000, "Android")
    ]
    assert [(kept.number, kept.text) for kept in log.addresses] == [(1, "Android")]


@pytest.mark.req("BZ-PRV-017")
def test_the_cache_of_read_phones_is_read() -> None:
    log = read_contact_log(
        "app_cache_2.db", database(sql="", cache=[(b"\0", " 5A:01 ", 1), (b"\0", None, 2)])
    )
    assert log.cached_reads is not None
    assert [(read.number, read.text) for read in log.cached_reads] == [(1, "5A:01"), (2, "")]
    assert log.capabilities == {Capability.READ_CACHE: Extent.YES}
    assert log.rows == ()


@pytest.mark.req("BZ-LOG-001", "BZ-PRV-017")
@pytest.mark.parametrize(
    ("row", "code"),
    [
        ((None, b"c" * 12, "5A:01:23:45:67:89", -71, TIME_MS), RejectCode.BAD_LOG_LINE),
        ((b"o" * 12, None, b"\x5a\x01", -71, TIME_MS), RejectCode.BAD_LOG_LINE),
        ((b"o" * 12, b"c" * 12, "x", "loud", TIME_MS), RejectCode.BAD_LOG_LINE),
        ((b"o" * 12, b"c" * 12, "x", 21, TIME_MS), RejectCode.BAD_RSSI),
        ((b"o" * 12, b"c" * 12, "x", -71, None), RejectCode.BAD_LOG_LINE),
        ((b"o" * 12, b"c" * 12, "x", -71, -1), RejectCode.BAD_TIME),
    ],
)
def test_a_row_that_is_no_record_is_a_defect_and_keeps_its_address(
    row: tuple[object, ...], code: RejectCode
) -> None:
    log = read_contact_log("app_db_2.db", database([*good(1), row, *good(1)]))
    assert [each.number for each in log.rows] == [1, 3]
    assert [(defect.number, defect.code, defect.offset) for defect in log.defects] == [(2, code, None)]
    assert [kept.number for kept in log.addresses] == [2]
    assert not log.partial


@pytest.mark.req("BZ-LOG-001")
def test_a_table_without_addresses_will_do() -> None:
    sql = "create table trace_info (blid, blid_contact, rssi, timestamp)"
    then = f"insert into trace_info values (x'{OWN}', x'{CONTACT}', -71, {TIME_MS})"
    log = read_contact_log("app_db_2.db", database(sql="", then=f"{sql}; {then}"))
    assert [row.record.address for row in log.rows] == [""]


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize(
    "then",
    [
        "create table other (a)",
        "create table trace_info (blid BLOB, rssi integer)",
        f"create view trace_info as select x'{OWN}' as blid, x'{CONTACT}' as blid_contact, -71 as rssi, 1 as timestamp",
        "create table connect_info (time long)",
        # a row id is what rows are counted by
        "create virtual table trace_info using fts4(blid, blid_contact, rssi, timestamp)",
    ],
)
def test_a_database_of_something_else_is_refused(then: str) -> None:
    with pytest.raises(EvidenceError, match="a database without a contact log"):
        read_contact_log("other.db", database(sql="", then=then))


@pytest.mark.req("BZ-LOG-001")
def test_a_table_that_cannot_be_walked_is_damage() -> None:
    sql = "create table trace_info (blid primary key, blid_contact, rssi, timestamp) without rowid"
    log = read_contact_log("other.db", database(sql="", then=sql))
    assert log.rows == ()
    assert [each.severity for each in log.diagnostics] == [Severity.ERROR]


@pytest.mark.req("BZ-LOG-001")
def test_a_written_ahead_database_is_read_and_said_to_be_one(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "app_db_2.db")) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute(TRACE_INFO_SQL_ANDROID)
        connection.execute(
            "insert into trace_info (blid, blid_contact, rssi, timestamp) values (?, ?, ?, ?)",
            (bytes.fromhex(OWN), bytes.fromhex(CONTACT), -71, TIME_MS),
        )
        connection.commit()
        connection.execute("pragma wal_checkpoint(truncate)")
    log = read_contact_log("app_db_2.db", (tmp_path / "app_db_2.db").read_bytes())
    assert len(log.rows) == 1
    assert [(each.severity, "WAL" in each.message) for each in log.diagnostics] == [(Severity.WARNING, True)]
    assert log.partial
    assert log.capabilities[Capability.WHOLE_LOG] is Extent.PARTIAL


PAGE = 4096
LONG = database(good(400))


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize("cut", [*range(16, len(LONG), 1111), len(LONG) - 1])
def test_a_database_that_is_cut_gives_the_rows_before_the_cut(cut: int) -> None:
    whole = read_contact_log("app_db_2.db", LONG).rows
    pages = cut // PAGE
    # two pages of tables, one of the tree's root, then the rows
    if pages < 3:
        with pytest.raises(EvidenceError, match="a database of which nothing can be read"):
            read_contact_log("app_db_2.db", LONG[:cut])
    else:
        log = read_contact_log("app_db_2.db", LONG[:cut])
        assert log.partial
        assert log.defects == ()
        assert log.rows == whole[: len(log.rows)]
        assert (pages - 3) * 80 <= len(log.rows) <= (pages - 3) * 100
        assert len(log.diagnostics) == 1
        assert f"ends after {cut} of {len(LONG)} octets" in log.diagnostics[0].message


@pytest.mark.req("BZ-LOG-001")
def test_a_database_cut_in_the_middle_keeps_what_is_before() -> None:
    log = read_contact_log("app_db_2.db", LONG[: len(LONG) - 2 * PAGE])
    assert 100 < len(log.rows) < 400
    assert "trace_info is damaged after row" in log.diagnostics[0].message


def leaves(octets: bytes) -> list[int]:
    """Return the offsets of the table leaf pages that hold many rows (Database File Format, 1.6)."""
    return [at for at in range(PAGE, len(octets), PAGE) if octets[at] == 0x0D and octets[at + 4] > 20]


@pytest.mark.req("BZ-LOG-001")
def test_pages_that_go_round_in_circles_end_the_rows() -> None:
    first, second, *_ = leaves(LONG)
    circle = bytearray(LONG)
    circle[second : second + PAGE] = LONG[first : first + PAGE]
    log = read_contact_log("app_db_2.db", bytes(circle))
    numbers = [row.number for row in log.rows]
    assert numbers == sorted(set(numbers))
    assert 0 < len(numbers) < 400
    assert "damaged after row" in log.diagnostics[0].message


@pytest.mark.req("BZ-LOG-001")
@given(st.lists(st.tuples(st.integers(16, len(LONG) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_no_damage_raises_anything_else(changes: list[tuple[int, int]]) -> None:
    octets = bytearray(LONG)
    for place, octet in changes:
        octets[place] = octet
    try:
        log = read_contact_log("app_db_2.db", bytes(octets))
    except EvidenceError as error:
        outcome = error.reason
    else:
        outcome = "read"
        assert len(log.rows) + len(log.defects) <= len(octets)
    assert outcome


@pytest.mark.req("BZ-LOG-001")
def test_a_schema_that_is_no_text_is_refused() -> None:
    octets = LONG.replace(
        b"create table trace_info", b"create table \xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6", 1
    )
    octets = octets.replace(
        b"CREATE TABLE trace_info", b"CREATE TABLE \xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6", 1
    )
    assert octets != LONG
    with pytest.raises(EvidenceError, match=r"nothing can be read|without a contact log"):
        read_contact_log("app_db_2.db", octets)


@pytest.mark.req("BZ-LOG-001")
def test_a_schema_that_announces_more_than_there_can_be_is_refused() -> None:
    """Fuzzing found it: the length of a row of the schema, for which SQLite has no memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("pragma page_size = 512")
        connection.execute("create table trace_info (blid, blid_contact, rssi, timestamp)")
        octets = bytearray(connection.serialize())
    assert (
        octets[100] == 0x0D
    )  # the first page is a leaf (Database File Format, 1.6), its cells' places from 108 on
    row = int.from_bytes(octets[108:110], "big")
    octets[row : row + 9] = b"\xff" * 9
    with pytest.raises(EvidenceError, match="nothing can be read: a page announces more than there can be"):
        read_contact_log("app_db_2.db", bytes(octets))


@pytest.mark.req("BZ-LOG-001")
def test_a_schema_cannot_make_sqlite_compute() -> None:
    sql = "create table trace_info (blid, blid_contact, rssi, timestamp, macid as (hex(zeroblob(900000))))"
    then = f"insert into trace_info values (x'{OWN}', x'{CONTACT}', -71, {TIME_MS})"
    log = read_contact_log("app_db_2.db", database(sql="", then=f"{sql}; {then}"))
    assert [row.number for row in log.rows] == [1]  # the computed column is not looked at


@pytest.mark.req("BZ-LOG-001")
def test_a_value_that_is_far_too_long_is_damage() -> None:
    columns = "blid, blid_contact, rssi, timestamp"
    then = f"insert into trace_info ({columns}) values (zeroblob(2000000), x'{CONTACT}', -71, 1)"
    log = read_contact_log("app_db_2.db", database(good(2), then=then))
    assert [row.number for row in log.rows] == [1, 2]
    assert "damaged after row 2" in log.diagnostics[0].message
