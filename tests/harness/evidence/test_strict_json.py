"""JSON is read strictly, and what is refused says where."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.evidence.strict_json import Node, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def read(text: str) -> Node:
    return parse("file.json", text.encode())


@pytest.mark.req("BZ-KEY-001")
@given(JSON)
def test_values_are_those_of_the_standard_library(value: object) -> None:
    text = json.dumps(value)
    assert read(text).value == json.loads(text)
    assert parse("file.json", b"\xef\xbb\xbf" + text.encode()).value == json.loads(text)


@pytest.mark.req("BZ-KEY-001")
@given(st.binary())
def test_no_octets_raise_anything_else(octets: bytes) -> None:
    try:
        node = parse("file.json", octets)
    except EvidenceError as error:
        message = str(error)
    else:
        message = f"file.json: {json.loads(octets.decode('utf-8-sig')) == node.value}"
    assert message.startswith("file.json: ")
    assert message != "file.json: False"


@pytest.mark.req("BZ-KEY-001")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON: line 1, column 1"),
        ('{"a": }', "no JSON: line 1, column 7"),
        ("NaN", "no JSON that can be read"),
        ("[" * 100_000, "no JSON that can be read"),
        ("1" * 5000, "no JSON that can be read"),
    ],
)
def test_what_is_no_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        read(text)


@pytest.mark.req("BZ-KEY-001")
def test_octets_that_are_no_text_are_refused() -> None:
    with pytest.raises(EvidenceError, match="octet 1 is no UTF-8"):
        parse("file.json", b'"\xff"')


@pytest.mark.req("BZ-KEY-001")
def test_members_know_their_pointers() -> None:
    node = read('{"a/b": [{"c~d": 7}]}')
    member = node["a/b"].items()[0]["c~d"]
    assert (member.pointer, member.integer()) == ("/a~1b/0/c~0d", 7)
    assert "a/b" in node
    assert "c" not in node


@pytest.mark.req("BZ-KEY-001")
@pytest.mark.parametrize(
    ("text", "question", "message"),
    [
        ('{"a": 1, "a": 2}', lambda node: node.keys(("a",)), r"the key stands there twice \(at /a\)"),
        ('{"a": 1}', lambda node: node.keys(("a", "b")), r"the key 'b' is missing \(at the top\)"),
        ('{"a": 1, "z": 2}', lambda node: node.keys(("a",), ("b",)), r"known are 'a', 'b' \(at /z\)"),
        ('{"a": 1}', lambda node: node.items(), "it is an object, not a list"),
        ("[]", lambda node: node.items(least=1), "the list holds fewer than 1"),
        ("[]", lambda node: node.keys(()), "it is a list, not an object"),
        ("null", lambda node: node.text(), "it is null, not text"),
        ("true", lambda node: node.integer(), "it is true or false, not an integer"),
        ("1.0", lambda node: node.integer(), "it is a fraction, not an integer"),
        ('"1"', lambda node: node.integer(), "it is text, not an integer"),
        ("1", lambda node: node.text(), "it is an integer, not text"),
    ],
)
def test_a_question_that_has_no_answer_is_refused(text: str, question: object, message: str) -> None:
    assert callable(question)
    with pytest.raises(EvidenceError, match=message):
        question(read(text))


@pytest.mark.req("BZ-KEY-001")
def test_what_is_right_is_not_refused() -> None:
    node = read('{"a": 1, "b": "x", "c": []}')
    node.keys(("a", "b"), ("c", "d"))
    assert node["b"].text() == "x"
    assert node["c"].items() == ()
