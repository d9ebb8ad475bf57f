"""Contact logs told apart by content, and from everything else."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.contact_logs import looks_like_contact_log, read_contact_log
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_reference.contact_log import TRACE_INFO_SQL_ANDROID

OWN = "B9A665D754FE65E665D76A45"
CONTACT = "7C3DEC4246EA6F90E38EA254"
TIME_MS = 1_596_866_191_387
LINE = f"{OWN}\t{CONTACT}\t-71\t{TIME_MS}\n".encode()


def database(*statements: str) -> bytes:
    """Let SQLite write a database."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in statements:
            connection.execute(statement)
        return connection.serialize()


DATABASE = database(TRACE_INFO_SQL_ANDROID)


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize(
    "octets",
    [
        b"hello\n",
        b"\x00" * 100,
        b"\x89PNG\r\n\x1a\n" + bytes(50),
        b"btsnoop\x00\x00\x00\x00\x01",
        "own id\tcontact id\n".encode("utf-16"),
        b"own id,contact id,rssi,time\n",
    ],
)
def test_what_is_no_contact_log_is_refused(octets: bytes) -> None:
    with pytest.raises(EvidenceError, match=r"neither a contact log export .* nor a database"):
        read_contact_log("file", octets)


@pytest.mark.req("BZ-LOG-003")
def test_a_device_file_in_the_wrong_place_gets_a_hint() -> None:
    with pytest.raises(EvidenceError, match="--device"):
        read_contact_log("device.json", b'{"base_id": "00"}')


@pytest.mark.req("BZ-LOG-003")
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: LINE + tail))
def test_no_octets_raise_anything_else(octets: bytes) -> None:
    try:
        log = read_contact_log("file", octets)
    except EvidenceError as error:
        refused = str(error)
        assert LINE not in octets
    else:
        refused = "file: "
        assert (LINE in octets) <= bool(log.rows)
    assert refused.startswith("file: ")


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-003")
@pytest.mark.parametrize(
    ("head", "is_log"),
    [
        (DATABASE[:100], True),
        (DATABASE[:4096], True),
        (b"SQLite format 3\x00", True),
        (f"{OWN}\t{CONTACT}\t-71\t{TIME_MS}\n".encode(), True),
        (f"\r\n\n{OWN}\t{CONTACT}\t-71\t{TIME_MS}\r\n".encode(), True),
        (f"\ufeff{OWN.lower()}\t{CONTACT}\t-71\t{TIME_MS}".encode(), True),
        (f"{OWN}\tbroken\n{OWN}\t{CONTACT}\t-71\t{TIME_MS}\n".encode(), True),
        (f"{OWN}\tbroken\n".encode() * 20 + f"{OWN}\t{CONTACT}\t-71\t{TIME_MS}\n".encode(), False),
        (b"", False),
        (b"\n\n", False),
        (f"{OWN} a hash and a file\n".encode(), False),
        (b"== dumpstate\n" + f"{OWN}\t{CONTACT}\t-71\t{TIME_MS}\n".encode(), False),
        (b'{"schema": 1}', False),
    ],
)
def test_what_looks_like_a_contact_log(head: bytes, is_log: bool) -> None:
    assert looks_like_contact_log(head) is is_log


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize(
    ("name", "page_octets", "others", "may_be"),
    [
        ("trace_info", 4096, 0, True),
        ("Connect_Info", 512, 0, True),
        ("messages", 512, 0, False),
        ("messages", 4096, 20, False),
        ("trace_info", 4096, 20, True),
        ("messages", 512, 40, True),  # the first page only points at those with the names
        ("messages", 8192, 0, True),  # and here it is not there whole
    ],
)
def test_a_database_is_passed_over_where_its_first_page_tells_all_its_tables(
    name: str, page_octets: int, others: int, may_be: bool
) -> None:
    head = database(
        f"pragma page_size = {page_octets}",
        *(f"create table other{number} (first text, second text, third text)" for number in range(others)),
        f"create table {name} (blid, blid_contact, rssi, timestamp)",
    )[:4096]
    assert looks_like_contact_log(head) is may_be
