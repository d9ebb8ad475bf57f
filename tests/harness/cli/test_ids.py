"""``bzc ids`` against values that came off phones, and a key schedule written here with hashlib alone."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.cli import bzc

BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
PROFILES = ("v3", "android-v3", "ios-v3", "v2", "v1", "v3-hardened")


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    """Run ``bzc ids`` for a base id made on 2020-08-08."""
    return CliRunner().invoke(bzc, ["ids", "--base-day", "2020-08-08", *arguments], input=stdin)


def answer(*arguments: str) -> dict[str, Any]:
    """Return what ``bzc ids --json`` says of the captured phone's base id."""
    result = run("--base-id", BASE_ID, *arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith("}\n")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def one_line(result: Result, exit_code: int = 64) -> str:
    """Return the one line on standard error of a run that failed, without its ``bzc:``."""
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    assert result.stderr.startswith("bzc: ")
    assert result.stderr.endswith("\n")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("bzc: ").rstrip("\n")


def expected_id(base_id: bytes, day: int, slot: int) -> str:
    """Compute a rolling id from the published description, with hashlib alone."""
    key = base_id
    for _ in range(day):
        key = hashlib.sha256(key).digest()
    subkey = hashlib.sha256(key + b"bluzonesubkey").digest()
    for _ in range(slot):
        subkey = hashlib.sha256(subkey).digest()
    return bytes(subkey[p] for p in (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)).hex()


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006")
@pytest.mark.parametrize(
    ("time", "slot", "rolling_id"),
    [
        ("1596866191387", 23, "b9a665d754fe65e665d76a45"),
        ("2020-08-08T05:56:31.387Z", 23, "b9a665d754fe65e665d76a45"),
        ("2020-08-08T13:09:48.130+07:00", 24, "3aa8dfc0a15682b27216fc31"),
        ("1596867559031", 25, "b9a232358a6c89e7a00b673c"),
        ("1596868203060", 26, "c5dad2ec90affa065d1e0a70"),
        ("1596869699180", 27, "e376e0b409bce18ecf5f2ed4"),
    ],
)
def test_the_captured_phones_ids(time: str, slot: int, rolling_id: str) -> None:
    found = answer("--at", time)
    assert list(found) == ["day", "slot", "rolling_id", "valid_from_ms", "valid_until_ms"]
    assert found == {
        "day": 0,
        "slot": slot,
        "rolling_id": rolling_id,
        "valid_from_ms": BASE_DAY_MS + slot * 900_000,
        "valid_until_ms": BASE_DAY_MS + (slot + 1) * 900_000,
    }


@pytest.mark.req("BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-006")
@given(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 40),
    st.integers(0, DAY_MS - 1),
    st.sampled_from([2, 48, 96, 144, 1440]),
)
def test_any_id_is_what_hashlib_gives(base_id: bytes, day: int, since_midnight_ms: int, count: int) -> None:
    time_ms = BASE_DAY_MS + day * DAY_MS + since_midnight_ms
    result = run("--base-id", base_id.hex(), "--at", str(time_ms), "--max", str(count), "--json")
    length_ms = DAY_MS // count
    slot = since_midnight_ms // length_ms
    start_ms = BASE_DAY_MS + day * DAY_MS + slot * length_ms
    assert json.loads(result.stdout) == {
        "day": day,
        "slot": slot,
        "rolling_id": expected_id(base_id, day, slot),
        "valid_from_ms": start_ms,
        "valid_until_ms": start_ms + length_ms,
    }


@pytest.mark.req("BZ-KEY-003", "BZ-KEY-006")
def test_a_day_has_all_its_ids() -> None:
    found = answer("--day", "2")
    assert list(found) == ["day", "max", "ids"]
    assert (found["day"], found["max"], len(found["ids"])) == (2, 96, 96)
    for slot, each in enumerate(found["ids"]):
        assert each == {
            "day": 2,
            "slot": slot,
            "rolling_id": expected_id(bytes.fromhex(BASE_ID), 2, slot),
            "valid_from_ms": BASE_DAY_MS + 2 * DAY_MS + slot * 900_000,
            "valid_until_ms": BASE_DAY_MS + 2 * DAY_MS + (slot + 1) * 900_000,
        }


@pytest.mark.parametrize(("profile", "count"), [("v3", 96), ("v2", 144), ("v3-hardened", 96)])
def test_a_profile_brings_its_default(profile: str, count: int) -> None:
    found = answer("--day", "0", "--profile", profile)
    assert (found["max"], len(found["ids"])) == (count, count)


@pytest.mark.parametrize(
    "stdin",
    [
        BASE_ID.encode(),
        BASE_ID.upper().encode() + b"\r\n",
        b"\xef\xbb\xbf " + BASE_ID.encode() + b"\n",
    ],
)
def test_the_base_id_comes_from_standard_input(stdin: bytes) -> None:
    result = run("--base-id", "-", "--at", "1596866191387", "--json", stdin=stdin)
    assert json.loads(result.stdout)["rolling_id"] == "b9a665d754fe65e665d76a45"


TEXT = """\
rolling id   b9a665d754fe65e665d76a45
day          0
slot         23 of 96
valid from   2020-08-08T05:45:00.000+00:00
valid until  2020-08-08T06:00:00.000+00:00 (not included; 900 s)
"""


def test_the_text_of_an_instant() -> None:
    assert run("--base-id", BASE_ID, "--at", "1596866191387").stdout == TEXT


def test_the_text_of_a_day() -> None:
    lines = run("--base-id", "00" * 32, "--day", "1").stdout.splitlines()
    assert lines[0].split() == [
        "slot",
        "rolling",
        "id",
        "valid",
        "from",
        "valid",
        "until",
        "(not",
        "included)",
    ]
    # executed: known answers of the published code for a base id of zeros
    assert lines[1].split() == [
        "0",
        "d80cc204fa6491af30d0932a",
        "2020-08-09T00:00:00.000+00:00",
        "2020-08-09T00:15:00.000+00:00",
    ]
    assert lines[96].split()[:2] == ["95", "be7aeacff24940403a458bc6"]
    assert len(lines) == 97


@pytest.mark.req("BZ-KEY-007", "F-02", "F-08")
@pytest.mark.parametrize("count", ["0", "-1", "1", "7", "86401", str(2**63)])
@pytest.mark.parametrize("question", [("--day", "0"), ("--at", "1596866191387")])
def test_a_max_that_the_protocol_refuses(count: str, question: tuple[str, str]) -> None:
    line = one_line(run("--base-id", BASE_ID, *question, "--max", count))
    assert "BAD_MAX, BZ-KEY-007" in line
    assert "give --max" in line


@pytest.mark.req("BZ-KEY-001")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "a base id is 32 octets, not 0 (BAD_BASE_ID, BZ-KEY-001): give --base-id 64 hex digits"),
        (BASE_ID + "00", "a base id is 32 octets, not 33 (BAD_BASE_ID, BZ-KEY-001)"),
        (BASE_ID[:-1], "--base-id: it has an odd number of hex digits, 63: give 64"),
        (BASE_ID[:-1] + "O", "--base-id: character 64 of 64 is 'O', no hex digit"),
    ],
)
def test_a_base_id_that_is_none(text: str, what: str) -> None:
    line = one_line(run("--base-id", text, "--day", "0"))
    assert line.startswith(what)
    assert BASE_ID[:60] not in line


@pytest.mark.req("BZ-KEY-008")
@pytest.mark.parametrize(
    ("question", "what"),
    [
        (("--at", "2020-08-07T23:59:59.999Z"), "BEFORE_BASE_DAY, BZ-KEY-008"),
        (("--at", "2020-08-08T00:00:00+07:00"), "BEFORE_BASE_DAY, BZ-KEY-008"),
        (("--day", "-1"), "BEFORE_BASE_DAY, BZ-KEY-008"),
        (("--day", str(-(2**63))), "BEFORE_BASE_DAY, BZ-KEY-008"),
        (("--day", "36526"), "DAY_OUT_OF_RANGE, BZ-KEY-003"),
        (("--day", str(2**63)), "DAY_OUT_OF_RANGE, BZ-KEY-003"),
        (("--at", "9" * 19), "DAY_OUT_OF_RANGE, BZ-KEY-003"),
        (("--at", "9999-12-31T00:00Z"), "DAY_OUT_OF_RANGE, BZ-KEY-003"),
    ],
)
def test_a_time_that_has_no_id(question: tuple[str, str], what: str) -> None:
    line = one_line(run("--base-id", BASE_ID, *question))
    assert what in line
    assert "give --at or --day" in line


def test_the_last_day_of_the_calendar_can_be_a_base_day() -> None:
    result = CliRunner().invoke(
        bzc, ["ids", "--base-id", BASE_ID, "--base-day", "9999-12-31", "--day", "1", "--max", "2"]
    )
    assert "+10000-01-01T12:00:00.000+00:00" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "give either --at TIME or --day N"),
        (("--at", "1596866191387", "--day", "0"), "give either --at TIME or --day N"),
        (("--at", "2020-08-08T05:56:31"), "the time has no offset"),
        (("--at", "1596866191"), "give milliseconds since 1970, such as 1596866191000"),
        (("--day", "x"), "--day 'x': give a whole number"),
        (("--day", "0", "--max", "x"), "--max 'x': give a whole number"),
        (("--day", "0", "--base-day", "2020-02-30"), "--base-day '2020-02-30': the calendar has no such day"),
        (("--day", "0", "--profile", "v9"), "invalid value for '--profile': 'v9' is not one of"),
        (("--day", "0", "--profile", "v1"), "NO_KEY_SCHEDULE, BZ-KEY-004): choose another --profile"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], what: str) -> None:
    assert what in one_line(run("--base-id", BASE_ID, *arguments))


@pytest.mark.req("F-02", "F-08")
@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--at", "2020-08-08T23:59:59.999Z", "--max", "7"), "F-02: exception"),
        (("--at", "2020-08-08T12:00Z", "--max", "1"), "F-08: no id"),
        (("--day", "0", "--max", "1"), "F-08: no id"),
    ],
)
def test_where_the_published_build_gave_no_answer(arguments: tuple[str, ...], what: str) -> None:
    line = one_line(run("--base-id", BASE_ID, *arguments, "--profile", "android-v3"), exit_code=1)
    assert what in line
    assert line.startswith("the published build gives no answer: ")


@pytest.mark.req("F-02", "F-12", "F-14b", "F-15")
def test_quirk_profiles_compute_what_the_builds_computed() -> None:
    base_id = bytes.fromhex(BASE_ID)
    # Android cuts the slot to 12 342 857 ms, the iPhone has whole seconds
    android = answer("--at", "2020-08-08T20:34:17.142Z", "--max", "7", "--profile", "android-v3")
    iphone = answer("--at", "2020-08-08T20:34:17.142Z", "--max", "7", "--profile", "ios-v3")
    assert (android["slot"], android["rolling_id"]) == (6, expected_id(base_id, 0, 6))
    assert (iphone["slot"], iphone["rolling_id"]) == (5, expected_id(base_id, 0, 5))
    before = answer("--at", "2020-08-01T00:00Z", "--profile", "android-v3")
    assert (before["day"], before["rolling_id"]) == (-7, expected_id(base_id, 0, 0))
    assert answer("--at", "2020-08-09T00:00Z", "--profile", "v2")["rolling_id"] == expected_id(base_id, 0, 0)
    empty = run("--base-id", "", "--day", "5", "--profile", "ios-v3", "--json")
    assert json.loads(empty.stdout)["ids"][0]["rolling_id"] == "d31a1de6b2096087f1d18d90"


words = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["-", "--at", "--day", "--max", "--json", "--profile", *PROFILES, BASE_ID, "2020-08-08", "0"]
    ),
    st.integers().map(str),
    st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
)


@given(
    st.lists(words, max_size=4),
    st.one_of(st.integers().map(str), st.text(max_size=5)),
    st.one_of(st.integers(-1, 200).map(str), st.integers().map(str)),
    st.sampled_from(PROFILES),
    st.binary(max_size=80),
)
def test_no_arguments_end_in_an_exception(
    further: list[str], day: str, count: str, profile: str, stdin: bytes
) -> None:
    arguments = ["--base-id", "-", "--day", day, "--max", count, "--profile", profile, *further]
    result = run(*arguments, stdin=stdin)
    assert isinstance(result.exception, SystemExit | None), arguments
    assert result.exit_code in (0, 1, 64), (arguments, result.stderr)
    assert result.stderr.count("\n") == (result.exit_code != 0)
