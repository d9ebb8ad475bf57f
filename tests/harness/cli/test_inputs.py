"""What people hand over is read exactly, or refused in words; nothing else comes out, whatever goes in."""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.cli import inputs
from bluezone_harness.cli.failures import CallerError
from bluezone_harness.evidence.errors import EvidenceError

# 2020-08-08T05:56:31.387Z, the first row of the captured contact log
CAPTURED_MS = 1_596_866_191_387


class Terminal(io.BytesIO):
    """Standard input as a terminal gives it."""

    def isatty(self) -> bool:
        return True


class StandardInput:
    """A stand-in for ``sys.stdin``."""

    def __init__(self, buffer: io.BytesIO) -> None:
        self.buffer = buffer


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("1596866191387", CAPTURED_MS),
        ("2020-08-08T05:56:31.387Z", CAPTURED_MS),
        ("2020-08-08T05:56:31,387Z", CAPTURED_MS),
        ("2020-08-08t05:56:31.387z", CAPTURED_MS),
        ("2020-08-08 05:56:31.387+00:00", CAPTURED_MS),
        ("2020-08-08T12:56:31.387+07:00", CAPTURED_MS),
        ("2020-08-08T12:56:31.387+0700", CAPTURED_MS),
        ("2020-08-07T23:56:31.387-06:00", CAPTURED_MS),
        ("2020-08-08T05:56:31.3879999Z", CAPTURED_MS),
        ("2020-08-08T05:56:31Z", CAPTURED_MS - 387),
        ("2020-08-08T05:56Z", CAPTURED_MS - 31_387),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("100000000000", 100_000_000_000),
    ],
)
def test_a_time_is_read(text: str, time_ms: int) -> None:
    assert inputs.parse_time_ms(text) == time_ms


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2020-08-08T05:56:31", "give 2020-08-08T05:56:31Z for UTC, or 2020-08-08T05:56:31+07:00"),
        ("1596866191", "such as 1596866191000"),
        ("99999999999", "such as 99999999999000"),
        ("0", "such as 1596866191387"),
        ("-5", "such as 1596866191387"),
        ("1" * 21, "too large"),
        ("2020-08-08", "ISO 8601 with an offset"),
        ("1596866191.387", "ISO 8601 with an offset"),
        ("", "ISO 8601 with an offset"),
        ("now", "ISO 8601 with an offset"),
        ("２０２０-08-08T05:56:31Z", "ISO 8601 with an offset"),
        ("2020-08-08T05:56:31Z\n", "ISO 8601 with an offset"),
        ("2020-02-30T00:00Z", "no such time"),
        ("2021-02-29T00:00Z", "no such time"),
        ("2020-08-08T24:01Z", "no such time"),
        ("2020-08-08T05:56:61Z", "no such time"),
        ("2020-08-08T05:56:31+24:00", "no such time"),
        ("0000-01-01T00:00Z", "no such time"),
    ],
)
def test_a_time_that_is_none_is_refused_with_advice(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        inputs.parse_time_ms(text)


@given(
    st.datetimes(timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))),
)
def test_every_instant_with_an_offset_is_read(moment: datetime) -> None:
    # the whole milliseconds of Python's own timestamp, computed without floating point
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    expected = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    assert inputs.parse_time_ms(moment.isoformat()) == expected


@pytest.mark.req("BZ-KEY-002")
@pytest.mark.parametrize(
    ("text", "day_ms"),
    [("1970-01-01", 0), ("2020-08-08", 1_596_844_800_000), ("2020-02-29", 1_582_934_400_000)],
)
def test_a_day_begins_at_midnight_utc(text: str, day_ms: int) -> None:
    assert inputs.parse_day_ms(text) == day_ms


@pytest.mark.parametrize(
    "text", ["", "2020-8-8", "20200808", "2020-W32-6", "2020-13-01", "2021-02-29", "0000-01-01", "08.08.2020"]
)
def test_a_day_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="as YYYY-MM-DD, such as 2020-08-08"):
        inputs.parse_day_ms(text)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-1", -1), ("+7", 7), (str(2**63), 2**63)])
def test_a_number_is_read(text: str, number: int) -> None:
    assert inputs.parse_number(text) == number


@pytest.mark.parametrize("text", ["", "x", "1.0", "1_000", "0x10", "٣", "1 ", "9" * 41, "9" * 5000])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        inputs.parse_number(text)


@given(st.binary(max_size=40), st.booleans())
def test_a_key_is_read_in_either_case(key: bytes, upper: bool) -> None:
    text = key.hex()
    assert inputs.parse_key(text.upper() if upper else text) == key


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("00" * 31 + "0", "an odd number of hex digits, 63"),
        ("00" * 31 + "0g", "character 64 of 64 is 'g'"),
        ("0x" + "00" * 32, "character 2 of 66 is 'x'"),
        ("00 " * 32, "character 3 of 96 is ' '"),
        ("٣" * 64, "character 1 of 64"),
    ],
)
def test_a_key_that_is_no_hex_is_refused_by_place(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        inputs.parse_key(text)


@given(st.text(min_size=8, alphabet="0123456789abcdefg "))
def test_no_message_about_a_key_repeats_it(text: str) -> None:
    message = ""
    try:
        inputs.parse_key(text)
    except ValueError as error:
        message = str(error)
    assert text not in message


@pytest.mark.parametrize(
    "text",
    [
        "020102",
        "02 01 02",
        "02:01:02",
        "0x020102",
        "0X02 0x01 0x02",
        "0201 02",
        "\t02\n01\r\n02 ",
    ],
)
def test_octets_are_read_as_people_copy_them(text: str) -> None:
    assert inputs.parse_octets(text) == b"\x02\x01\x02"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no hex digits"),
        (" : ", "no hex digits"),
        ("0x", "no hex digits"),
        ("02 01 0g", "'g' is no hex digit"),
        ("02-01-02", "'-' is no hex digit"),
        ("020", "a hex digit is missing"),
        ("0 2 0 1", "a hex digit is missing"),
        ("٣٣", "is no hex digit"),
    ],
)
def test_octets_that_are_none_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        inputs.parse_octets(text)


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    parsers = (
        inputs.parse_time_ms,
        inputs.parse_day_ms,
        inputs.parse_number,
        inputs.parse_key,
        inputs.parse_octets,
    )
    results = []
    for parse in parsers:
        try:
            results.append(isinstance(parse(text), int | bytes))
        except ValueError as error:
            results.append(str(error) != "")
    assert all(results)


def test_a_parameter_names_its_option_and_shortens_its_value() -> None:
    option = click.Option(["--max"], type=inputs.NUMBER)
    with pytest.raises(CallerError) as refused:
        inputs.NUMBER.convert("x" * 100, option, None)
    assert refused.value.message.startswith(f"--max '{'x' * 40}...': give a whole number")
    with pytest.raises(CallerError, match="yyyy-mm-dd 'x': give a UTC day"):
        inputs.DAY.convert("x", None, None)
    assert inputs.TIME.convert(5, option, None) == 5


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_bytes(b"\x00\r\n\xff")
    assert inputs.read_file(str(file)) == b"\x00\r\n\xff"
    assert inputs.file_name(str(file)) == "cases.json"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "missing: it cannot be read, no such file or directory: check the path"),
        ("folder", "folder: it cannot be read, is a directory: give a file"),
        ("empty", "empty: the file is empty: check how it was made"),
        ("file/below", "below: it cannot be read, not a directory: check the file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(EvidenceError) as refused:
        inputs.read_file(str(tmp_path / name))
    assert str(refused.value) == reason


def test_a_file_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "FILE_LIMIT", 1024 * 1024)
    file = tmp_path / "large"
    file.write_bytes(bytes(1024 * 1024))
    assert len(inputs.read_file(str(file))) == 1024 * 1024
    file.write_bytes(bytes(1024 * 1024 + 1))
    with pytest.raises(EvidenceError, match="large: it is larger than 1 MiB: give the file that was meant"):
        inputs.read_file(str(file))


def test_a_file_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StandardInput(io.BytesIO(b"{}\n")))
    assert inputs.read_file("-") == b"{}\n"
    assert inputs.file_name("-") == "standard input"


@pytest.mark.parametrize(
    ("octets", "text"),
    [(b"ab", "ab"), (b"ab\n", "ab"), (b" ab\r\n", "ab"), (b"\xef\xbb\xbfab\n\n", "ab")],
)
def test_a_line_is_read_from_standard_input(
    octets: bytes, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", StandardInput(io.BytesIO(octets)))
    assert inputs.read_hex_line("the base id") == text


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "standard input is empty: give the base id there"),
        (b" \n\n", "standard input is empty: give the base id there"),
        (b"ab\ncd\n", "standard input holds more than one line: give the base id alone"),
        (b"0" * (1024 * 1024 + 1), "standard input holds more than 1048576 octets: give the base id alone"),
    ],
)
def test_a_line_that_is_none_is_refused(octets: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StandardInput(io.BytesIO(octets)))
    with pytest.raises(CallerError) as refused:
        inputs.read_hex_line("the base id")
    assert refused.value.message == reason


def test_a_terminal_is_asked_and_gives_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal(b"ab\nthe next command\n")
    monkeypatch.setattr(sys, "stdin", StandardInput(terminal))
    assert inputs.read_hex_line("the base id") == "ab"
    assert terminal.read() == b"the next command\n"
    assert capsys.readouterr() == ("", "the base id: ")


def test_a_closed_standard_input_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CallerError, match="standard input is closed"):
        inputs.read_hex_line("the base id")
    with pytest.raises(CallerError, match="standard input is closed"):
        inputs.read_file("-")
