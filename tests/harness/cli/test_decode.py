"""``bzc decode`` on octets written by hand, and on whatever else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.cli import bzc
from bluezone_reference.errors import RejectCode

ANDROID = "020102 0fffb522b9a665d754fe65e665d76a45 0303564e"
IOS_UUID = "67a607add1172fa1c44bf573564e0000"
OLD_IOS_UUID = "67a607add1172fa1c44bf573f4390ae2"
OLD_ANDROID_UUID = "89a807add1172fa1c44bf573f4390ae2"


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    """Run ``bzc decode``."""
    return CliRunner().invoke(bzc, ["decode", *arguments], input=stdin)


def answer(text: str) -> dict[str, Any]:
    """Return what ``bzc decode --json`` says of AdvData that are well-formed."""
    result = run(text, "--json")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-002", "BZ-ADV-003")
def test_an_android_phone() -> None:
    assert answer(ANDROID) == {
        "kind": "android",
        "fields": {"rolling_id": "b9a665d754fe65e665d76a45"},
        "structures": [
            {"offset": 0, "type": 1, "name": "Flags", "data": "02"},
            {
                "offset": 3,
                "type": 255,
                "name": "Manufacturer Specific Data",
                "data": "b522b9a665d754fe65e665d76a45",
            },
            {"offset": 19, "type": 3, "name": "Complete List of 16-bit Service UUIDs", "data": "564e"},
        ],
    }


@pytest.mark.req("BZ-ADV-009", "BZ-ADV-010", "F-21")
@pytest.mark.parametrize(
    ("text", "kind", "fields"),
    [
        (f"1107{IOS_UUID} 0909426c75657a6f6e65", "ios", {"local_name": "Bluezone"}),
        (f"1107{IOS_UUID}", "ios", {"local_name": None}),
        (
            "02011a 14ff4c000108" + "00" * 15,
            "ios-background",
            {"services": "08" + "00" * 15, "only_bluezone": True},
        ),
        (f"09ffb522615a30397879 1107{OLD_ANDROID_UUID}", "old-android", {"static_id": "aZ09xy"}),
        (f"1107{OLD_IOS_UUID}", "old-ios", {"local_name": None, "static_id": None}),
        ("0201060303 0a18", "other", {}),
        ("0000", "other", {}),
    ],
)
def test_every_kind(text: str, kind: str, fields: dict[str, object]) -> None:
    found = answer(text)
    assert (found["kind"], found["fields"]) == (kind, fields)
    assert list(found) == ["kind", "fields", "structures"]


TEXT = """\
android: an Android phone running Bluezone, version 2 or 3 (the air does not tell which)
  rolling id: b9a665d754fe65e665d76a45
offset  type  name                                   data
0       0x01  Flags                                  LE General Discoverable Mode
3       0xFF  Manufacturer Specific Data             company 0x22B5 (Bluezone), 12 octets: b9a665d754fe65e665d76a45
19      0x03  Complete List of 16-bit Service UUIDs  0x4E56
"""


def test_the_text() -> None:
    assert run(ANDROID).stdout == TEXT
    assert run(*ANDROID.split()).stdout == TEXT
    assert run("-", stdin=ANDROID.encode()).stdout == TEXT


def test_what_is_sent_cannot_steer_the_terminal() -> None:
    name = b"\x1b]0;owned\x07\r\nbzc: all is well".hex()
    size = len(bytes.fromhex(name)) + 1
    found = run(f"{size:02x}09{name}").stdout
    assert "\\x1b]0;owned\\x07\\r\\nbzc" in found
    ios = run(f"1107{IOS_UUID} 0609410a1b5b4a").stdout
    assert "  local name: A\\n\\x1b[J\n" in ios


def test_truth_is_written_in_words() -> None:
    text = run("14ff4c00010c" + "00" * 15).stdout
    assert "  only bluezone: no\n" in text
    assert "  local name: none\n" in run(f"1107{IOS_UUID}").stdout


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-003", "BZ-RCV-003")
@pytest.mark.parametrize(
    ("text", "code", "requirement", "offset", "whole"),
    [
        ("020102 05ff", "TRUNCATED_AD", "BZ-ADV-001", 3, [0]),
        ("020102 0000 01", "DATA_AFTER_END", "BZ-ADV-001", 5, [0]),
        ("0101" * 16, "AD_TOO_LONG", "BZ-ADV-001", 31, list(range(0, 30, 2))),
        ("020102 0effb522b9a665d754fe65e665d76a 0303564e", "BAD_ID_LENGTH", "BZ-ADV-003", 3, [0, 3, 18]),
        ("0303564e", "MISSING_ID", "BZ-ADV-003", 0, [0]),
    ],
)
def test_malformed_advdata(text: str, code: str, requirement: str, offset: int, whole: list[int]) -> None:
    result = run(text)
    assert result.exit_code == 1
    assert result.stderr.startswith("bzc: malformed AdvData, ")
    assert result.stderr.endswith(f"({code}, {requirement}, octet {offset})\n")
    assert len(result.stdout.splitlines()) == len(whole) + 1
    as_json = run(text, "--json")
    assert (as_json.exit_code, as_json.stderr) == (1, "")
    found = json.loads(as_json.stdout)
    assert list(found) == ["reject", "structures"]
    assert list(found["reject"]) == ["code", "requirement", "offset", "reason"]
    assert [found["reject"][key] for key in ("code", "requirement", "offset")] == [code, requirement, offset]
    assert [each["offset"] for each in found["structures"]] == whole


def test_nothing_is_shown_where_nothing_is_whole() -> None:
    result = run("ff")
    assert (result.exit_code, result.stdout) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "missing argument 'HEX'; see 'bzc decode --help'"),
        (("",), "HEX: there are no hex digits"),
        (("020",), "HEX: a hex digit is missing"),
        (("0g",), "HEX: 'g' is no hex digit"),
        (("-", "00"), "HEX: '-' is no hex digit"),
        (("--strict", "00"), "there is no option '--strict', see 'bzc decode --help'"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], what: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (64, "", 1)
    assert result.stderr.startswith(f"bzc: {what}")


def test_an_empty_standard_input_is_wrong_usage() -> None:
    result = run("-", stdin=b"\n")
    assert (result.exit_code, result.stderr) == (
        64,
        "bzc: standard input is empty: give AdvData in hex there\n",
    )


@pytest.mark.req("BZ-RCV-003")
@given(st.binary(min_size=1, max_size=40))
def test_any_octets_are_decoded_or_rejected(octets: bytes) -> None:
    result = run(octets.hex(), "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == ("reject" in found)
    assert ("kind" in found) != ("reject" in found)
    if "reject" in found:
        assert found["reject"]["code"] in set(RejectCode)
    assert run(octets.hex()).exit_code == result.exit_code


@given(st.lists(st.text(), max_size=3), st.binary())
def test_no_arguments_end_in_an_exception(arguments: list[str], stdin: bytes) -> None:
    result = run(*arguments, stdin=stdin)
    assert isinstance(result.exception, SystemExit | None)
    assert result.exit_code in (0, 1, 64)
