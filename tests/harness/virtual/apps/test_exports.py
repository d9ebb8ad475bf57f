"""Exports, databases and device files of apps, read by others: SQLite, the reference, the readers of evidence."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Literal

import pytest

from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.virtual.apps.exports import database_of, device_file_of, export_of
from bluezone_harness.virtual.apps.model import AppPlan
from bluezone_harness.virtual.plans import PhonePlan
from bluezone_reference.contact_log import Record, decode_data_trace

RECORDS = (
    Record(bytes(range(12)), bytes(range(12, 24)), -71, 1_596_866_191_387),
    Record(bytes(range(12)), bytes(range(24, 36)), 127, 1_596_866_196_400, "iOS"),
)


@pytest.mark.req("BZ-LOG-003", "BZ-LOG-004")
def test_an_export_is_read_as_it_was_written() -> None:
    octets = export_of(RECORDS, int)
    assert octets.startswith(b"000102030405060708090A0B\t0C0D0E0F1011121314151617\t-71\t1596866191387\n")
    read = decode_data_trace(octets)
    assert read.defects == ()
    assert [each.record.time_ms for each in read.lines] == [1_596_866_191_387, 1_596_866_196_400]
    assert export_of((), int) == b""


@pytest.mark.parametrize(
    ("platform", "schema", "rest"),
    [("android", "timestamp long", (127, None)), ("ios", "timestamp INTEGER", (0, 0))],
)
@pytest.mark.req("BZ-LOG-001")
def test_a_database_of_either_platform(
    platform: Literal["android", "ios"], schema: str, rest: tuple[int, int | None]
) -> None:
    octets = database_of(RECORDS, platform, int)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(octets)
        rows = connection.execute("select * from trace_info order by _id").fetchall()
        (sql,) = connection.execute("select sql from sqlite_master where name = 'trace_info'").fetchone()
    assert schema in sql
    assert rows == [
        (1, bytes(range(12)), bytes(range(12, 24)), None, -71, *rest, 1_596_866_191_387),
        (2, bytes(range(12)), bytes(range(24, 36)), "iOS", 127, *rest, 1_596_866_196_400),
    ]
    read = read_contact_log("app_db_2.db", octets)
    assert [each.contact_id for each in read.records] == [each.contact_id for each in RECORDS]


def test_a_device_file() -> None:
    phone = PhonePlan(
        "app", "ios", bytes(range(1, 33)), 1_596_844_800_000, 48, max_changes=((1_596_866_400_000, 96),)
    )
    (device,) = read_device_file("device.json", device_file_of(AppPlan(phone))).devices
    assert (device.name, device.platform, device.bases[0].base_id) == ("app", "ios", bytes(range(1, 33)))
    assert [each.value for each in device.max_settings] == [48, 96]
