"""One line of JSON: what is read, and what is refused in one sentence."""

from __future__ import annotations

import json

import pytest

from bluezone_harness.implementations.lines import DEPTH_LIMIT, LINE_LIMIT, WireError, decode_message


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "the line is empty"),
        (b" \t\r\n", "the line is empty"),
        (b"\xff", "octet 0 of the line is no UTF-8"),
        (b'{"seq":1', "the line is no JSON, at character 8: '{\"seq\":1'"),
        (b"x" * 100, f"the line is no JSON, at character 0: '{'x' * 60}...'"),
        (b"[" * 200_000, "the line nests deeper than 32"),
        (b"[" * 33 + b"]" * 33, "the line nests deeper than 32"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "the line nests deeper than 32"),
        (b'{"a":1,"b":{"a":1,"a":1}}', "the key 'a' stands there twice"),
        (b"NaN", "NaN is no JSON"),
        (b"-Infinity", "-Infinity is no JSON"),
        (b"-1e999", "the number -1e999 is too large"),
        (
            b"9007199254740992",
            "the integer 9007199254740992 is beyond 9007199254740991, which not every reader keeps",
        ),
        (
            b"-9007199254740992",
            "the integer -9007199254740992 is beyond 9007199254740991, which not every reader keeps",
        ),
        (b'["\\uD800"]', "a text holds half of a surrogate pair, which is no character"),
        (b'"' + b"a" * (LINE_LIMIT + 2) + b'"', "the line is longer than 4194304 octets"),
    ],
)
def test_what_is_no_message_is_refused(line: bytes, reason: str) -> None:
    with pytest.raises(WireError) as refused:
        decode_message(line)
    assert str(refused.value) == refused.value.reason == reason


def test_an_integer_of_many_digits_is_refused_without_being_converted() -> None:
    with pytest.raises(
        WireError, match=r"the integer 1000000000000000000000000000000000000000\.\.\. is beyond"
    ):
        decode_message(b"1" + b"0" * 100_000)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 32 + b"]" * 32,
        b"[" + b"[],{}," * 99 + b"{}]",
        b'{"a":' * 32 + b"1" + b"}" * 32,
        b"-9007199254740991",
        b'"\\ud83d\\ude00"',
        b"1e308",
    ],
)
def test_what_is_just_within_the_bounds_is_read(line: bytes) -> None:
    assert DEPTH_LIMIT == 32
    assert decode_message(line) == json.loads(line)
