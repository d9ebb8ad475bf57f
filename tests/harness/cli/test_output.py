"""Answers are written so that people and programs can read them, on any terminal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.cli import output


@dataclass(frozen=True, slots=True)
class Thing:
    """Something with a field of each kind."""

    octets: bytes
    words: frozenset[str]
    parts: tuple[int, ...]
    named: dict[str, object]


def test_a_value_is_written_as_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    output.echo_json({"é": Thing(b"\xab", frozenset("CBA"), (1, 2), {"z": None, "a": True})})
    text = capsys.readouterr().out
    assert text.endswith("}\n")
    assert text.isascii()
    assert json.loads(text) == {
        "é": {"octets": "ab", "words": ["A", "B", "C"], "parts": [1, 2], "named": {"z": None, "a": True}}
    }
    assert text.index('"z"') < text.index('"a"')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain – ä 語", "plain – ä 語"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("a\u202eb\u2028", "a\\u202eb\\u2028"),
        ("\ud800\x9b", "\\ud800\\x9b"),
    ],
)
def test_nothing_steers_the_terminal(text: str, expected: str) -> None:
    assert output.printable(text) == expected


@given(st.text())
def test_every_text_becomes_one_visible_line(text: str) -> None:
    line = output.one_line(text)
    assert line.isprintable()
    assert len(line) <= 1010


def test_a_line_too_long_loses_its_middle() -> None:
    assert output.one_line("a" * 1000) == "a" * 1000
    assert output.one_line("a" * 600 + "b" * 600) == "a" * 500 + " ... " + "b" * 500
    assert output.one_line("two\r\nlines\n") == "two lines "


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a'b", '"a\'b"'), ("x" * 60, "'" + "x" * 60 + "'"), ("x" * 61, "'" + "x" * 40 + "...'")],
)
def test_a_value_in_a_message_is_quoted_and_short(value: str, expected: str) -> None:
    assert output.shown(value) == expected


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000+00:00"),
        (1_596_866_191_387, "2020-08-08T05:56:31.387+00:00"),
        (-1, "1969-12-31T23:59:59.999+00:00"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999+00:00"),
        (253_402_300_800_000, "+10000-01-01T00:00:00.000+00:00"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000+00:00"),
        (-62_135_596_800_001, "+00000-12-31T23:59:59.999+00:00"),
        (-62_167_219_200_001, "-00001-12-31T23:59:59.999+00:00"),
    ],
)
def test_an_instant_is_written_with_its_offset(time_ms: int, text: str) -> None:
    assert output.time_text(time_ms) == text


@given(st.integers())
def test_every_instant_can_be_written(time_ms: int) -> None:
    assert output.time_text(time_ms).endswith("+00:00")


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_is_written_as_python_writes_it(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    time_ms = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    assert output.time_text(time_ms) == moment.isoformat(timespec="milliseconds")


@pytest.mark.parametrize(("ms", "text"), [(900_000, "900 s"), (12_342_857, "12342857 ms"), (0, "0 s")])
def test_a_duration_has_its_unit(ms: int, text: str) -> None:
    assert output.duration_text(ms) == text


@pytest.mark.parametrize(("columns", "width"), [("10", 40), ("72", 72), ("500", 100)])
def test_the_width_is_the_terminals_within_reason(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert output.width() == width


def test_a_table_is_aligned_without_white_space_at_its_ends() -> None:
    assert output.table(("a", "long"), [("1234", "x"), ("", "yy")]) == "a     long\n1234  x\n      yy"
    assert output.table(("a", "b"), []) == "a  b"


MARKDOWN = """\
A paragraph of words, written
on two lines, and long enough to wrap.

- an item that is long enough to wrap at least once
- another
1. one
2. two and a line
   that follows it

| a | table |
|---|---|
| stays | as it is written, however long the line may be |

    code stays as it is written, however long the line may be

```
fenced   code
- stays
```
after
"""

WRAPPED = """\
A paragraph of words, written on two
lines, and long enough to wrap.

- an item that is long enough to wrap at
  least once
- another
1. one
2. two and a line that follows it

| a | table |
|---|---|
| stays | as it is written, however long the line may be |

    code stays as it is written, however long the line may be

```
fenced   code
- stays
```
after"""


def test_markdown_is_wrapped_where_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert output.wrapped(MARKDOWN) == WRAPPED
    assert output.wrapped("a\n\n| b |", "  ") == "  a\n\n  | b |"


def test_text_hangs_beside_its_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert output.labelled("label: ", "words that go on and on and on and on") == (
        "label: words that go on and on and on\n       and on"
    )
    assert output.labelled("label", "") == "label"


def test_examples_are_kept_apart() -> None:
    assert output.examples("bzc demo", "bzc ids") == "\b\nExamples:\n  bzc demo\n  bzc ids"
