"""JSON from outside: what RFC 8259 takes and refuses, where an error points, and that nothing else is ever raised."""

from __future__ import annotations

import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.errors import MalformedError, RejectCode
from bluezone_reference.json_text import (
    DEPTH_LIMIT,
    OCTET_LIMIT,
    JsonObject,
    decode_json,
    decode_object,
    encode_json,
    object_of,
    octets_of,
)

pytestmark = pytest.mark.req("BZ-MSG-006")


def refusal_of(octets: bytes, offset: int = 0) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        decode_json(octets, "BZ-MSG-001", offset=offset)
    assert caught.value.code is RejectCode.BAD_JSON
    assert caught.value.requirement == "BZ-MSG-001"
    return caught.value


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"null", None),
        (b" \t\r\n[1, -0, 2.5e1, true]\n", [1, 0, 25.0, True]),
        (b'{"a": {"b": "\\u00e9\\n"}}', {"a": {"b": "é\n"}}),
        ('"Tiếp xúc"'.encode(), "Tiếp xúc"),
        (b"\xef\xbb\xbf7", 7),
        (b'"NaN Infinity -Infinity [[[ \\" {"', 'NaN Infinity -Infinity [[[ " {'),
        (b'"\\\\"', "\\"),
        (b"9223372036854775808", 2**63),
    ],
)
def test_reads_json(octets: bytes, value: object) -> None:
    assert decode_json(octets, "BZ-MSG-001") == value


@pytest.mark.parametrize(
    ("octets", "offset"),
    [
        (b"", 0),
        (b"   ", 3),
        (b"{'a': 1}", 1),
        (b'{"a": 1,}', 8),
        (b"[1] 2", 4),
        (b"[1,]", 3),
        (b'{"a": [1 ,\n ]}', 12),
        (b'{"a": 1, \t}', 10),
        (b"[01]", 2),
        (b"[NaN]", 1),
        (b"[1, -Infinity]", 4),
        (b'{"a": Infinity}', 6),
        (b'["abc]', 1),
        (b'["\x01"]', 2),
        (b'["\\x"]', 2),
        (b"\xff", 0),
        (b'["\xc3\xa9\xff"]', 4),
        (b'["\xed\xa0\x80"]', 2),
        (b"\xef\xbb\xbf\xef\xbb\xbf1", 3),
        (b"\xef\xbb\xbf[nul]", 4),
        ('["ế", x]'.encode(), 8),
        ('["ế", NaN]'.encode(), 8),
        (b"\x00[\x00]\x00", 0),
    ],
)
def test_points_at_what_is_no_json(octets: bytes, offset: int) -> None:
    assert refusal_of(octets).offset == offset
    assert refusal_of(octets, offset=100).offset == 100 + offset


def test_nesting_is_bounded_and_what_closes_counts() -> None:
    deepest = b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT
    assert decode_json(deepest, "BZ-MSG-001") is not None
    assert refusal_of(b"[" + deepest + b"]").offset == DEPTH_LIMIT
    assert refusal_of(b'{"a":' * 1_000_000).offset == 5 * DEPTH_LIMIT
    assert decode_json(b"[" + b"[]," * 500 + b"{}]", "BZ-MSG-001")
    # what closed counts once: the last brackets stand one too deep
    assert refusal_of(b"[[]," + deepest + b"]").offset == 4 + DEPTH_LIMIT - 1
    assert (DEPTH_LIMIT, OCTET_LIMIT) == (64, 16_777_216)


def test_length_is_bounded() -> None:
    longest = b'"' + b"a" * (OCTET_LIMIT - 2) + b'"'
    assert len(str(decode_json(longest, "BZ-MSG-001"))) == OCTET_LIMIT - 2
    assert refusal_of(longest + b" ").offset == OCTET_LIMIT


@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 5000, "1e999", "9" * 100_000 + ".5"])
def test_a_huge_number_is_read_at_once_and_is_no_integer(number: str) -> None:
    found = decode_object(f'{{"a": {number}}}'.encode(), "BZ-MSG-002")
    assert isinstance(found.members["a"], float)
    assert math.isinf(found.members["a"])
    with pytest.raises(MalformedError) as caught:
        found.integer("a")
    assert (caught.value.code, caught.value.pointer) == (RejectCode.NOT_AN_INTEGER, "/a")


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 0])
def test_an_integer_of_64_bits(value: int) -> None:
    assert decode_object(b'{"a": %d}' % value, "BZ-MSG-002").integer("a") == value


@pytest.mark.parametrize(
    ("text", "ask", "code"),
    [
        ("{}", "text", "MISSING_FIELD"),
        ("{}", "integer", "MISSING_FIELD"),
        ("{}", "boolean", "MISSING_FIELD"),
        ("{}", "inner", "MISSING_FIELD"),
        ("{}", "plain_value", "MISSING_FIELD"),
        ('{"a~/b": 1}', "text", "NOT_TEXT"),
        ('{"a~/b": null}', "text", "NOT_TEXT"),
        ('{"a~/b": ["x"]}', "text", "NOT_TEXT"),
        ('{"a~/b": "\\ud800"}', "text", "NOT_TEXT"),
        ('{"a~/b": "\\udc00\\ud800"}', "text", "NOT_TEXT"),
        ('{"a~/b": "\\udfff"}', "text", "NOT_TEXT"),
        ('{"a~/b": true}', "integer", "NOT_AN_INTEGER"),
        ('{"a~/b": 1.0}', "integer", "NOT_AN_INTEGER"),
        ('{"a~/b": 1e3}', "integer", "NOT_AN_INTEGER"),
        ('{"a~/b": "1"}', "integer", "NOT_AN_INTEGER"),
        ('{"a~/b": 9223372036854775808}', "integer", "NOT_AN_INTEGER"),
        ('{"a~/b": -9223372036854775809}', "integer", "NOT_AN_INTEGER"),
        ('{"a~/b": 1}', "boolean", "BAD_VALUE"),
        ('{"a~/b": {}}', "inner", "NOT_TEXT"),
        ('{"a~/b": "[]"}', "inner", "NOT_AN_OBJECT"),
        ('{"a~/b": "{"}', "inner", "BAD_JSON"),
    ],
)
def test_a_value_of_another_type_is_refused_where_it_is_asked_for(text: str, ask: str, code: str) -> None:
    found = decode_object(text.encode(), "BZ-MSG-001", pointer="/outer", offset=7)
    with pytest.raises(MalformedError) as caught:
        getattr(found, ask)("a~/b")
    assert (caught.value.code, caught.value.pointer) == (code, "/outer/a~0~1b")


def test_values_of_the_right_type() -> None:
    found = decode_object(b'{"t": "\\ud83d\\ude00", "b": false, "o": "{\\"x\\": 1}"}', "BZ-MSG-001")
    assert found.text("t") == "😀"
    assert found.boolean("b") is False
    assert found.inner("o") == JsonObject({"x": 1}, "/o", "BZ-MSG-001")


@pytest.mark.parametrize("octets", [b"[]", b"null", b'"{}"', b"1"])
def test_a_text_that_is_no_object(octets: bytes) -> None:
    for code in (RejectCode.NOT_AN_OBJECT, RejectCode.BAD_JSON):
        with pytest.raises(MalformedError) as caught:
            decode_object(octets, "BZ-MSG-001", pointer="/x", code=code)
        assert (caught.value.code, caught.value.pointer) == (code, "/x")


def test_a_key_that_stands_there_twice_is_refused_where_its_object_is_read() -> None:
    with pytest.raises(MalformedError) as caught:
        decode_object(b'{"b": 1, "a": 1, "a": 1, "b": 2}', "BZ-MSG-001")
    assert (caught.value.code, caught.value.pointer) == (RejectCode.BAD_JSON, "/a")
    last = decode_object(b'{"a": 1, "a": 2}', "BZ-MAT-005", keep_last=True)
    assert last.members == {"a": 2}
    # nobody reads the inner object, so nobody minds
    outer = decode_object(b'{"unknown": {"a": 1, "a": 1}}', "BZ-MSG-001")
    with pytest.raises(MalformedError) as caught:
        outer.plain()
    assert (caught.value.code, caught.value.pointer) == (RejectCode.BAD_JSON, "/unknown/a")


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"a": [0, 1e999]}', "/a/1"),
        ('{"a": {"b": "\\ud800"}}', "/a/b"),
        ('{"a": [{"b": [{"c": 1, "c": 2}]}]}', "/a/0/b/0/c"),
    ],
)
def test_what_cannot_be_handed_on_is_refused(text: str, pointer: str) -> None:
    with pytest.raises(MalformedError) as caught:
        decode_object(text.encode(), "BZ-MSG-001").plain()
    assert (caught.value.code, caught.value.pointer) == (RejectCode.BAD_JSON, pointer)


def test_further_keys_are_sorted_and_can_always_be_written() -> None:
    found = decode_object(b'{"z": 1, "Type": 2, "\\ud800": 3, "A": 4, "\\u00e9": 5}', "BZ-MSG-001")
    assert found.further(("Type",)) == ("A", "\\ud800", "z", "é")
    twice = b'{"\\ud800": 1, "\\ud800": 1}'
    with pytest.raises(MalformedError) as caught:
        decode_object(twice, "BZ-MSG-001")
    assert str(caught.value).encode()


def test_no_value_is_repeated_in_a_refusal() -> None:
    found = decode_object(b'{"base_id": "SECRET", "time": "SECRET"}', "BZ-MSG-002")
    for ask in (found.integer, found.boolean, found.inner):
        with pytest.raises(MalformedError) as caught:
            ask("base_id")
        assert "SECRET" not in str(caught.value)


def test_only_what_json_gave_is_taken_for_an_object() -> None:
    with pytest.raises(MalformedError) as caught:
        object_of([], "BZ-MAT-005", pointer="/data/0", offset=3)
    assert caught.value.offset == 3
    assert caught.value.requirement == "BZ-MAT-005"
    with pytest.raises(MalformedError) as caught:
        object_of([], "BZ-MAT-005")
    assert caught.value.offset == 0


def test_writes_on_one_line_in_ascii() -> None:
    assert encode_json({"b": ["ế", 1], "a": None}) == '{"b":["\\u1ebf",1],"a":null}'
    loop: list[object] = []
    for _ in range(100_000):
        loop = [loop]
    for value in (math.nan, math.inf, b"", {1, 2}, loop):
        with pytest.raises(ValueError, match=r"JSON"):
            encode_json(value)
    assert octets_of("a\ud800") == b"a\xed\xa0\x80"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(value=json_values, ascii_only=st.booleans(), indent=st.none() | st.integers(0, 3))
def test_reads_what_another_writer_wrote(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert decode_json(text.encode(), "BZ-MSG-001") == value
    assert decode_json(octets_of(encode_json(value)), "BZ-MSG-001") == value


@given(
    octets=st.binary(max_size=40)
    | st.text(alphabet='{}[]",:\\/ue10.+-NaIfty \ufeff', max_size=40).map(str.encode)
)
def test_takes_nothing_that_the_standard_library_refuses_and_raises_nothing_else(octets: bytes) -> None:
    value: object = None
    with suppress(MalformedError):
        value = decode_json(octets, "BZ-MSG-001")
        assert value == json.loads(octets.decode("utf-8-sig"))
    if isinstance(value, dict):
        with suppress(MalformedError):
            assert object_of(value, "BZ-MSG-001").plain() == value
