"""What an app hands out of its contact log: the text export, the database of either platform, and its device file.

A faulty app writes what no correct one could, so nothing is checked here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Literal

from bluezone_harness.virtual.phones import device_file
from bluezone_reference.contact_log import TRACE_INFO_SQL_ANDROID, TRACE_INFO_SQL_IOS, Record

from .model import AppPlan

_NO_TX_POWER = 127
"""What Android writes where there is none; iOS writes 0. Source: chapter Contact log, "The SQLite schema"."""


def row_of(record: Record, stored_time: Callable[[int], int]) -> str:
    """Return the columns of a record, without what ends its line. Source: BZ-LOG-003."""
    own, contact = record.own_id.hex().upper(), record.contact_id.hex().upper()
    return f"{own}\t{contact}\t{record.rssi}\t{stored_time(record.time_ms)}"


def export_of(records: Sequence[Record], stored_time: Callable[[int], int]) -> bytes:
    """Write an export.

    Args:
        records: In the order of the lines, with ids of any length.
        stored_time: From a time in ms to the number that stands in the line.

    Source: BZ-LOG-003.
    """
    return "".join(f"{row_of(each, stored_time)}\n" for each in records).encode("ascii")


def database_of(
    records: Sequence[Record], platform: Literal["android", "ios"], stored_time: Callable[[int], int]
) -> bytes:
    """Write the database of a platform's app, as a file of SQLite.

    Args:
        records: In the order of the rows.
        platform: Whose schema.
        stored_time: From a time in ms to the number that stands in the row.
    """
    is_ios = platform == "ios"
    rest = (0, 0) if is_ios else (_NO_TX_POWER, None)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(TRACE_INFO_SQL_IOS if is_ios else TRACE_INFO_SQL_ANDROID)
        connection.executemany(
            "insert into trace_info (blid, blid_contact, macid, rssi, tx_power, state, timestamp) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    each.own_id,
                    each.contact_id,
                    each.address or None,
                    each.rssi,
                    *rest,
                    stored_time(each.time_ms),
                )
                for each in records
            ],
        )
        connection.commit()
        return connection.serialize()


def device_file_of(plan: AppPlan) -> bytes:
    """Write the device file of an app's phone: what its owner could hand over, as JSON."""
    return device_file([plan.phone])
