"""``bzc match`` on logs and messages made here by hand, with ids computed by hashlib alone."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.cli import bzc

BASE_DAY_S = 1_596_844_800  # 2020-08-08
SLOT_MS = 900_000
DAY_KEY = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
OWN = "B9A665D754FE65E665D76A45"
STRANGER = "7C3DEC4246EA6F90E38EA254"


def rolling_id(day: int, slot: int) -> str:
    """Compute a rolling id of the case from the published description."""
    key = DAY_KEY
    for _ in range(day):
        key = hashlib.sha256(key).digest()
    subkey = hashlib.sha256(key + b"bluzonesubkey").digest()
    for _ in range(slot):
        subkey = hashlib.sha256(subkey).digest()
    return bytes(subkey[p] for p in (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)).hex()


def case(**changes: object) -> dict[str, object]:
    """Return a positive case of two days, with changes."""
    return {
        "daily_key": DAY_KEY.hex(),
        "time_start": BASE_DAY_S,
        "time_end": BASE_DAY_S + 2 * 86_400 - 1,
        "max": 96,
    } | changes


def row(contact_id: str, time_ms: int, rssi: int = -71) -> str:
    """Return a row of an exported contact log."""
    return f"{OWN}\t{contact_id.upper()}\t{rssi}\t{time_ms}\n"


HIT_MS = BASE_DAY_S * 1000 + 23 * SLOT_MS + 5
LATER_MS = (BASE_DAY_S + 86_400) * 1000 + SLOT_MS
LOG = (
    row(STRANGER, HIT_MS)
    + row(rolling_id(0, 23), HIT_MS, -60)
    + row(rolling_id(1, 0), LATER_MS, -80)  # the end of its slot counts
    + row(rolling_id(1, 0), LATER_MS + 1)  # past it
    + row(rolling_id(0, 0), LATER_MS)  # another slot's
)
HITS = [
    {"day": 0, "slot": 23, "rolling_id": rolling_id(0, 23), "time_ms": HIT_MS, "rssi": -60},
    {"day": 1, "slot": 0, "rolling_id": rolling_id(1, 0), "time_ms": LATER_MS, "rssi": -80},
]


def run(folder: Path, message: object, log: str | bytes, *arguments: str) -> Result:
    """Write a message and a log, and run ``bzc match`` on them."""
    cases, data_trace = folder / "cases.json", folder / "data_trace.txt"
    cases.write_bytes(message if isinstance(message, bytes) else json.dumps(message).encode())
    data_trace.write_bytes(log if isinstance(log, bytes) else log.encode())
    return CliRunner().invoke(bzc, ["match", "--cases", str(cases), "--log", str(data_trace), *arguments])


def answer(folder: Path, message: object, log: str | bytes, exit_code: int = 0) -> dict[str, Any]:
    """Return what ``bzc match --json`` says."""
    result = run(folder, message, log, "--json")
    assert result.exit_code == exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.req("BZ-MAT-001", "BZ-MAT-002", "BZ-MAT-003", "BZ-MAT-004", "BZ-MAT-008")
def test_every_hit_is_named(tmp_path: Path) -> None:
    found = answer(tmp_path, {"data": [case(), case(daily_key="00" * 32)]}, LOG)
    assert list(found) == ["contact", "cases"]
    assert list(found["cases"][0]) == ["index", "contact", "hits", "rejected"]
    assert list(found["cases"][0]["hits"][0]) == ["day", "slot", "rolling_id", "time_ms", "rssi"]
    assert found == {
        "contact": True,
        "cases": [
            {"index": 0, "contact": True, "hits": HITS, "rejected": None},
            {"index": 1, "contact": False, "hits": [], "rejected": None},
        ],
    }


def test_no_contact_is_an_answer_too(tmp_path: Path) -> None:
    result = run(tmp_path, {"data": [case()]}, row(STRANGER, HIT_MS))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "no contact\ncase 0: no contact\n", "")
    assert answer(tmp_path, {"data": []}, LOG) == {"contact": False, "cases": []}


TEXT = f"""\
contact
case 0: refused: max must be 2 to 86400 slots a day, not 0 (BAD_MAX, BZ-MAT-005, at /data/0/max)
case 1: contact, 2 records
  day  slot  rolling id                time                           RSSI
  0    23    {rolling_id(0, 23)}  2020-08-08T05:45:00.005+00:00  -60 dBm
  1    0     {rolling_id(1, 0)}  2020-08-09T00:15:00.000+00:00  -80 dBm
case 2: contact, 1 record
  day  slot  rolling id                time                           RSSI
  0    23    {rolling_id(0, 23)}  2020-08-08T05:45:00.005+00:00  -60 dBm
"""


@pytest.mark.req("BZ-MAT-005", "BZ-MAT-008")
def test_a_refused_case_hides_no_other(tmp_path: Path) -> None:
    message = {"data": [case(max=0), case(), case(time_end=BASE_DAY_S + 86_399)]}
    result = run(tmp_path, message, LOG)
    assert (result.exit_code, result.stdout, result.stderr) == (1, TEXT, "")
    found = answer(tmp_path, message, LOG, exit_code=1)
    assert found["contact"] is True
    assert found["cases"][0] == {
        "index": 0,
        "contact": False,
        "hits": [],
        "rejected": "max must be 2 to 86400 slots a day, not 0 (BAD_MAX, BZ-MAT-005, at /data/0/max)",
    }
    assert found["cases"][1] == {"index": 1, "contact": True, "hits": HITS, "rejected": None}


@pytest.mark.req("BZ-MAT-005", "BZ-MAT-006", "F-07", "F-16")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"max": -1}, "BAD_MAX"),
        ({"max": 7}, "BAD_MAX"),
        ({"max": 2**62}, "BAD_MAX"),
        ({"max": 2**63}, "NOT_AN_INTEGER"),
        ({"max": 96.0}, "NOT_AN_INTEGER"),
        ({"daily_key": "0" * 63}, "BAD_DAY_KEY"),
        ({"daily_key": None}, "BAD_DAY_KEY"),
        ({"time_end": 0}, "TIME_END_BEFORE_TIME_START"),
        ({"time_end": 2**62}, "BAD_TIME"),
        ({"time_end": BASE_DAY_S + 401 * 86_400}, "CASE_TOO_LONG"),
    ],
)
def test_a_malformed_case_is_refused_with_its_code(
    tmp_path: Path, changes: dict[str, object], code: str
) -> None:
    found = answer(tmp_path, {"data": [case(**changes)]}, LOG, exit_code=1)
    assert f"({code}, BZ-MAT-" in found["cases"][0]["rejected"]


def test_further_keys_do_no_harm(tmp_path: Path) -> None:
    found = answer(tmp_path, {"data": [case(name="x", nested={"a": [1]})], "version": 2}, LOG)
    assert found["cases"][0]["hits"] == HITS


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-003", "BZ-LOG-004", "F-01")
@pytest.mark.parametrize(
    ("log", "notes"),
    [
        (LOG.replace("\n", "\r\n"), ()),
        ("\ufeff" + LOG, ()),
        (LOG.lower(), ()),
        (LOG.replace("\n", "\n\n"), ("5 rows could not be read (first: line 2, ",)),
        ("rubbish\n" + LOG, ("1 row could not be read (first: line 1, ",)),
        (LOG + OWN + "\t7C3D", ("1 row could not be read (first: line 6, ",)),
        (LOG[:-1], ("",)),
    ],
    ids=["CRLF", "BOM", "lower case", "blank lines", "rubbish", "half a line", "no LF"],
)
def test_nothing_is_lost_of_what_is_good(tmp_path: Path, log: str, notes: tuple[str, ...]) -> None:
    result = run(tmp_path, {"data": [case()]}, log.encode(), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["cases"][0]["hits"] == HITS
    lines = result.stderr.splitlines()
    assert len(lines) == len(notes), lines
    for line, note in zip(lines, notes, strict=True):
        assert line.startswith(f"bzc: data_trace.txt: {note}")


def test_seconds_are_read_among_milliseconds(tmp_path: Path) -> None:
    log = row(rolling_id(0, 23), HIT_MS) + row(rolling_id(0, 23), HIT_MS // 1000)
    hits = answer(tmp_path, {"data": [case()]}, log)["cases"][0]["hits"]
    assert [hit["time_ms"] for hit in hits] == [HIT_MS, HIT_MS // 1000 * 1000]


def database(path: Path, table: str, rows: list[tuple[object, ...]]) -> None:
    """Make a database as a phone does."""
    connection = sqlite3.connect(path)
    connection.execute(table)
    for values in rows:
        marks = ", ".join("?" * len(values))
        connection.execute(f"insert into {table.split()[2].split('(')[0]} values ({marks})", values)
    connection.commit()
    connection.close()


TRACE_INFO = (
    "create table trace_info(_id integer primary key autoincrement, blid BLOB, blid_contact BLOB, macid text,"
    " rssi integer, tx_power integer, state integer, timestamp long)"
)


def test_a_phones_database(tmp_path: Path) -> None:
    own, contact = bytes.fromhex(OWN), bytes.fromhex(rolling_id(0, 23))
    log = tmp_path / "app_db_2.db"
    rows: list[tuple[object, ...]] = [
        (1, own, contact, "", -60, 0, 0, HIT_MS),
        (2, own, contact, "", "loud", 0, 0, HIT_MS),
    ]
    database(log, TRACE_INFO, rows)
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps({"data": [case()]}), "utf-8")
    result = CliRunner().invoke(bzc, ["match", "--cases", str(cases), "--log", str(log), "--json"])
    assert json.loads(result.stdout)["cases"][0]["hits"] == HITS[:1]
    assert result.exit_code == 0
    assert result.stderr.startswith("bzc: app_db_2.db: 1 row could not be read (first: row 2, ")
    assert result.stderr.count("\n") == 1


def test_a_damaged_database_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    own, contact = bytes.fromhex(OWN), bytes.fromhex(rolling_id(0, 23))
    log = tmp_path / "app_db_2.db"
    database(log, TRACE_INFO, [(n, own, contact, "", -60, 0, 0, HIT_MS) for n in range(1, 1000)])
    octets = bytearray(log.read_bytes())
    octets[len(octets) // 2 :] = bytes(len(octets) - len(octets) // 2)
    log.write_bytes(octets)
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps({"data": [case()]}), "utf-8")
    result = CliRunner().invoke(bzc, ["match", "--cases", str(cases), "--log", str(log), "--json"])
    assert len(json.loads(result.stdout)["cases"][0]["hits"]) > 10
    assert result.exit_code == 0
    assert result.stderr.startswith("bzc: app_db_2.db: ")
    assert "damaged" in result.stderr


def test_a_database_of_addresses_holds_no_records(tmp_path: Path) -> None:
    log = tmp_path / "app_cache_2.db"
    database(
        log, "create table connect_info(_id integer primary key, blid_id BLOB, mac_id text, time long)", []
    )
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps({"data": []}), "utf-8")
    result = CliRunner().invoke(bzc, ["match", "--cases", str(cases), "--log", str(log)])
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        "bzc: app_cache_2.db: a database of addresses alone, without records: give app_db_2.db\n"
    )


@pytest.mark.parametrize(
    ("message", "what"),
    [
        (b"", "cases.json: the file is empty"),
        (b"{", "cases.json: the text is not JSON (BAD_JSON, BZ-MAT-005, octet 1)"),
        (b"[]", "cases.json: it is not a JSON object"),
        (b"{}", 'cases.json: the message has no array "data" (MISSING_FIELD, BZ-MAT-005, at /data)'),
        (b"\xff\xfe{\x00", "cases.json: the text is not UTF-8"),
    ],
)
def test_a_message_that_is_none_is_unreadable(tmp_path: Path, message: bytes, what: str) -> None:
    result = run(tmp_path, message, LOG, "--json")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (3, "", 1)
    assert result.stderr.startswith(f"bzc: {what}")


@pytest.mark.parametrize(
    ("log", "what"),
    [
        (b"", "data_trace.txt: the file is empty"),
        (b"no log at all\n", "data_trace.txt: neither a contact log export"),
        (b"\x00\x01\x02", "data_trace.txt: neither a contact log export"),
        (b"SQLite format 3\x00", "data_trace.txt: a database of which nothing can be read"),
    ],
)
def test_a_log_that_is_none_is_unreadable(tmp_path: Path, log: bytes, what: str) -> None:
    result = run(tmp_path, {"data": [case()]}, log, "--json")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (3, "", 1)
    assert result.stderr.startswith(f"bzc: {what}")


@pytest.mark.parametrize("which", ["--cases", "--log"])
@pytest.mark.parametrize(("name", "what"), [("missing", "no such file or directory"), ("", "is a directory")])
def test_a_file_that_cannot_be_opened(tmp_path: Path, which: str, name: str, what: str) -> None:
    result = run(tmp_path, {"data": []}, LOG, which, str(tmp_path / name))
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)
    assert f": it cannot be read, {what}: " in result.stderr


def test_the_message_comes_from_standard_input(tmp_path: Path) -> None:
    log = tmp_path / "data_trace.txt"
    log.write_bytes(LOG.encode())
    message = json.dumps({"data": [case()]}).encode()
    result = CliRunner().invoke(bzc, ["match", "--cases", "-", "--log", str(log), "--json"], input=message)
    assert json.loads(result.stdout)["contact"] is True
    nothing = CliRunner().invoke(bzc, ["match", "--cases", "-", "--log", str(log), "--json"], input=b"")
    assert (nothing.exit_code, nothing.stderr.split(":")[:2]) == (3, ["bzc", " standard input"])


def test_the_log_comes_from_standard_input_but_not_both(tmp_path: Path) -> None:
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps({"data": [case()]}), "utf-8")
    arguments = ["match", "--cases", str(cases), "--log", "-", "--json"]
    assert (
        json.loads(CliRunner().invoke(bzc, arguments, input=LOG.encode()).stdout)["cases"][0]["hits"] == HITS
    )
    both = CliRunner().invoke(bzc, ["match", "--cases", "-", "--log", "-"], input=LOG.encode())
    assert (both.exit_code, both.stdout) == (64, "")
    assert both.stderr == "bzc: standard input can be read only once: give '-' once\n"


@pytest.mark.req("BZ-MAT-008", "F-07", "F-16")
def test_a_quirk_profile_stops_where_its_build_stopped(tmp_path: Path) -> None:
    message = {"data": [case(), case(daily_key="00" * 32)]}
    result = run(tmp_path, message, LOG, "--profile", "android-v3")
    assert result.exit_code == 0
    assert "case 0: contact, 1 record\n" in result.stdout
    assert result.stdout.endswith("1 of 2 cases not evaluated: this build stops there\n")
    endless = run(tmp_path, {"data": [case(max=-1)]}, LOG, "--profile", "android-v3", "--json")
    assert (endless.exit_code, endless.stdout) == (1, "")
    assert endless.stderr.startswith("bzc: the published build gives no answer: ")
    assert "F-07: endless loop" in endless.stderr


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just(DAY_KEY.hex()),
)
few_slots = st.one_of(st.integers(-1, 97), st.just(2**63))


@given(
    st.dictionaries(st.sampled_from(["daily_key", "time_start", "time_end", "extra"]), values),
    few_slots,
    st.sampled_from(["v3", "android-v3", "ios-v3", "v2", "v1", "v3-hardened"]),
    st.binary(max_size=60),
)
def test_no_message_ends_in_an_exception(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, object], count: int, profile: str, log: bytes
) -> None:
    folder = tmp_path_factory.mktemp("match")
    message = {"data": [case(max=count, **changes), case(time_end=BASE_DAY_S)]}
    result = run(folder, message, LOG.encode() + log, "--json", "--profile", profile)
    assert isinstance(result.exception, SystemExit | None), (message, log)
    # JSON has neither infinities nor what is no number: the message is none then
    is_json = all(isfinite(each) for each in changes.values() if isinstance(each, float))
    assert result.exit_code in ((0, 1) if is_json else (3,)), result.stderr
