"""``bzc check`` on files: evidence, device files, axes and exit codes."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import zipfile
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from bluezone_harness.cli import bzc
from bluezone_harness.reports.json_reader import read_result
from bluezone_reference.contact_log import TRACE_INFO_SQL_ANDROID


@pytest.fixture
def evidence(tmp_path: Path, good_log: bytes, good_device: dict[str, object]) -> Path:
    """Return a folder with a good export and its device file."""
    (tmp_path / "data_trace.txt").write_bytes(good_log)
    (tmp_path / "device.json").write_text(json.dumps(good_device), "utf-8")
    return tmp_path


def check(*arguments: object, stdin: bytes = b"", **environment: str) -> Result:
    return CliRunner(env=environment).invoke(bzc, ["check", *map(str, arguments)], input=stdin)


def answer(result: Result) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def verdict_of(result: Result, requirement: str) -> str:
    (found,) = [each for each in answer(result)["requirements"] if each["id"] == requirement]
    return str(found["verdict"])


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-002", "BZ-LOG-003", "BZ-LOG-004", "BZ-LOG-005")
def test_a_good_log_passes(evidence: Path) -> None:
    result = check(evidence / "data_trace.txt", "--device", evidence / "device.json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("conformance  PASS")
    assert "200 of 200 own ids as the schedule says" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.req("BZ-LOG-005")
def test_names_are_without_folders(evidence: Path) -> None:
    result = check(evidence / "data_trace.txt", "--device", evidence / "device.json", "--json")
    assert [each["name"] for each in answer(result)["inputs"]] == ["data_trace.txt", "device.json"]
    assert answer(result)["command"] == "check"
    assert str(evidence) not in result.stdout
    assert evidence.name not in result.stdout


@pytest.mark.req("BZ-LOG-005")
def test_a_planted_fault_fails_and_is_named(evidence: Path, good_log: bytes) -> None:
    log = evidence / "data_trace.txt"
    log.write_bytes(good_log.replace(good_log[:24], b"0" * 24, 1))
    result = check(log, "--device", evidence / "device.json", "--json")
    assert result.exit_code == 1
    (finding,) = answer(result)["findings"]
    assert (finding["requirement"], finding["evidence"][0]["number"]) == ("BZ-LOG-005", 1)
    text = check(log, "--device", evidence / "device.json")
    assert text.exit_code == 1
    assert "FAIL  BZ-LOG-005" in text.stdout
    # what is not asked for does not count
    assert check(log, "--device", evidence / "device.json", "--axis", "privacy").exit_code == 0
    assert check(log, "--device", evidence / "device.json", "--axis", "conformance").exit_code == 1


@pytest.mark.req("BZ-LOG-005")
def test_the_device_file_comes_by_name_standard_input_or_environment(
    evidence: Path, good_device: dict[str, object]
) -> None:
    log = evidence / "data_trace.txt"
    key = json.dumps(good_device).encode()
    named = check(log, "--device", evidence / "device.json", "--json")
    piped = check(log, "--device", "-", "--json", stdin=key)
    variable = check(log, "--json", BZC_DEVICE=str(evidence / "device.json"))
    assert {verdict_of(each, "BZ-LOG-005") for each in (named, piped, variable)} == {"pass"}
    assert verdict_of(check(log, "--json", BZC_DEVICE=""), "BZ-LOG-005") == "not_observable"
    assert verdict_of(check(log, "--json"), "BZ-LOG-005") == "not_observable"
    assert piped.stdout.replace("standard input", "device.json") == named.stdout


@pytest.mark.req("BZ-LOG-003")
def test_evidence_comes_by_standard_input_too(evidence: Path, good_log: bytes) -> None:
    result = check("-", "--json", stdin=good_log)
    assert answer(result)["inputs"][0]["name"] == "standard input"
    both = check("-", "--device", "-", stdin=good_log)
    assert both.exit_code == 64
    assert "once" in both.stderr


@pytest.mark.req("BZ-LOG-003")
def test_what_is_inconclusive_can_be_allowed(evidence: Path, good_log: bytes) -> None:
    log = evidence / "data_trace.txt"
    log.write_bytes(good_log[:-1])
    assert check(log).exit_code == 2
    assert check(log, "--allow-inconclusive").exit_code == 0
    log.write_bytes(good_log.lower()[:-1])
    assert check(log, "--allow-inconclusive").exit_code == 1


@pytest.mark.req("BZ-LOG-003")
def test_an_empty_export_is_evidence_of_nothing(evidence: Path) -> None:
    log = evidence / "data_trace.txt"
    log.write_bytes(b"")
    result = check(log, "--json")
    assert result.exit_code == 2
    assert verdict_of(result, "BZ-LOG-003") == "inconclusive"


@pytest.mark.req("BZ-PRV-016", "BZ-PRV-017", "F-23")
def test_databases_are_recognised_and_strict_counts_shoulds(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "export.txt")) as connection:
        connection.execute(TRACE_INFO_SQL_ANDROID)
        connection.executemany(
            "insert into trace_info (blid, blid_contact, rssi, timestamp) values (?, ?, -60, ?)",
            [
                (bytes([number] * 12), bytes(12), 1_596_844_800_000 + number * 86_400_000)
                for number in range(16)
            ],
        )
        connection.commit()
    arguments = (tmp_path / "export.txt", "--axis", "privacy", "--allow-inconclusive")
    result = check(*arguments, "--json")
    assert result.exit_code == 0
    assert answer(result)["inputs"][0]["kind"] == "contact_log_database"
    assert verdict_of(result, "BZ-PRV-016") == "fail"
    assert verdict_of(result, "BZ-PRV-017") == "inconclusive"
    assert check(*arguments, "--strict").exit_code == 2


@pytest.mark.req("BZ-LOG-003", "BZ-KEY-001")
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data_trace.txt", b"hello\n", "neither a contact log export"),
        ("data_trace.txt", b"SQLite format 3\x00nothing", "nothing can be read"),
        ("device.json", b"{", "no JSON: line 1"),
        ("device.json", b"{}", "the key 'base_id' is missing"),
        ("device.json", b"", "the file is empty"),
        (
            "device.json",
            b'{"base_id": "zz", "base_day": "2020-08-08"}',
            "the base id is no hex (at /base_id)",
        ),
    ],
)
def test_what_cannot_be_read_ends_in_one_line(
    evidence: Path, name: str, content: bytes, message: str
) -> None:
    (evidence / name).write_bytes(content)
    result = check(evidence / "data_trace.txt", "--device", evidence / "device.json")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith(f"bzc: {name}: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize("name", ["", "nowhere.txt"])
def test_folders_and_files_that_are_not_there_end_in_one_line(evidence: Path, name: str) -> None:
    result = check(evidence / name)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.count("\n") == 1


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize(
    "arguments", [[], ["x", "--profile", "v4"], ["x", "--axis", "PRIVACY"], ["x", "--max", "96"]]
)
def test_wrong_usage(arguments: list[str]) -> None:
    result = check(*arguments)
    assert (result.exit_code, result.stdout) == (64, "")


@pytest.mark.req("BZ-LOG-004", "F-01")
def test_the_profile_is_asked_for(evidence: Path) -> None:
    result = check(evidence / "data_trace.txt", "--profile", "ios-v3", "--json")
    assert (result.exit_code, answer(result)["profile"]) == (1, "ios-v3")
    assert verdict_of(result, "BZ-LOG-004") == "fail"


@pytest.mark.req("BZ-LOG-003")
def test_help_has_examples() -> None:
    result = check("--help")
    assert result.exit_code == 0
    assert "bzc check data_trace.txt --device device.json" in result.stdout
    assert "[conformance|privacy|both]" in result.stdout


def packed_packetlogger() -> bytes:
    """Return a zip of one PacketLogger file with one advertising report, written octet by octet."""
    ad = bytes.fromhex("0201020fffb522b9a665d754fe65e665d76a450303564e")
    event = b"\x02\x01\x00\x01" + bytes.fromhex("01000000004a") + bytes([len(ad)]) + ad + b"\xc4"
    packet = bytes([0x3E, len(event)]) + event
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as archive:
        record = struct.pack(">IIIB", 9 + len(packet), 1_596_866_191, 387_000, 1) + packet
        archive.writestr("logs/phone.pklg", record * 2)
    return octets.getvalue()


@pytest.mark.req("BZ-ADV-001")
def test_a_result_from_an_archive_keeps_to_the_schema_and_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "sysdiagnose.zip"
    path.write_bytes(packed_packetlogger())
    result = check(path, "--json")
    content = answer(result)
    schema = json.loads(
        files("bluezone_harness").joinpath("schemas", "result.schema.json").read_text("utf-8")
    )
    Draft202012Validator(schema).validate(content)
    (found,) = content["inputs"]
    assert (found["name"], found["kind"]) == ("sysdiagnose.zip: logs/phone.pklg", "packetlogger")
    assert found["contents"]["adverts"] == 2
    assert read_result("result.json", result.stdout.encode()).inputs[0].name == found["name"]
