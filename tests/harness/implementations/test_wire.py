"""Messages: what is one, as the published schemas say, and what is refused in one sentence."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from bluezone_harness.implementations.lines import (
    INTEGER_LIMIT,
    WireError,
    decode_message,
)
from bluezone_harness.implementations.wire import (
    TEXT_LIMIT,
    Answer,
    AnswerKind,
    Hello,
    Question,
    Reply,
    decode_hello,
    decode_question,
    decode_reply,
    encode_question,
    encode_reply,
    error,
    ok,
    reject,
    unsupported,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-INTEGER_LIMIT, INTEGER_LIMIT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)
SAID = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
CODES = SAID.filter(bool)
ANSWERS = (
    st.builds(ok, VALUES)
    | st.builds(reject, CODES, SAID)
    | st.builds(unsupported, SAID)
    | st.builds(error, SAID)
)
ONE_OF = "a reply holds exactly one of ok, reject, unsupported, error beside 'seq'"
SEQS = st.integers(0, INTEGER_LIMIT)
HELLO = Hello("bluezone-kt", "2.3.1", "kotlin", ("derive_ids", "match"), ("v3", "v2"))


def published(*names: str) -> Draft202012Validator:
    """Return what holds a message to those kinds of message that the vectors publish a schema of."""
    folder = files("bluezone_vectors").joinpath("schemas")
    schemas = [
        json.loads(folder.joinpath(f"{each}.schema.json").read_text("utf-8"))
        for each in ("messages", "operations")
    ]
    registry: Registry[Any] = Registry().with_resources(
        (each["$id"], DRAFT202012.create_resource(each)) for each in schemas
    )
    kinds = [{"$ref": f"{schemas[0]['$id']}#/$defs/{name}"} for name in names]
    return Draft202012Validator({"anyOf": kinds}, registry=registry)


REPLIES = published("ok", "reject", "unsupported", "error")
QUESTIONS = published("hello", "bye", "question")
HELLOS = published("hello_answer")


@given(SEQS, ANSWERS)
def test_a_reply_reads_as_it_was_written_and_as_its_schema_says(seq: int, answer: Answer) -> None:
    line = encode_reply(seq, answer)
    assert decode_reply(line) == Reply(seq, answer)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    free = answer.kind in (
        AnswerKind.OK,
        AnswerKind.REJECT,
    )  # values and codes are drawn, those of the schemas are not
    assert free or REPLIES.is_valid(json.loads(line))


@given(CODES, SEQS, st.dictionaries(SAID, VALUES, max_size=3))
def test_a_question_reads_as_it_was_written_and_as_its_schema_says(
    op: str, seq: int, question: dict[str, Any]
) -> None:
    line = encode_question(op, seq, question)
    assert decode_question(line) == Question(op, seq, question)
    assert op in ("hello", "bye") or QUESTIONS.is_valid(json.loads(line))


def test_the_messages_of_the_published_example() -> None:
    assert encode_question("hello", 1, {"protocol": 1}) == b'{"op":"hello","seq":1,"in":{"protocol":1}}\n'
    assert encode_question("bye", 6) == b'{"op":"bye","seq":6}\n'
    assert decode_question(b'{"op":"bye","seq":6}') == Question("bye", 6, {})
    assert decode_reply(b'{"seq":3,"ok":{"ids":["130cea6472130c185d8643df"]}}\r\n') == Reply(
        3, Answer(AnswerKind.OK, {"ids": ["130cea6472130c185d8643df"]})
    )
    assert decode_reply(b'{"seq":4,"reject":{"code":"TRUNCATED_AD"}}').answer == reject("TRUNCATED_AD")
    assert decode_reply(b'{"seq":5,"error":{"message":"IndexOutOfBounds: 7"}}').answer == error(
        "IndexOutOfBounds: 7"
    )
    assert decode_reply(b'{"seq":5,"unsupported":{}}').answer == unsupported()
    for line in (encode_question("hello", 1, {"protocol": 1}), encode_question("bye", 6)):
        assert QUESTIONS.is_valid(json.loads(line))
    for answer in (reject("TRUNCATED_AD"), unsupported(), error("IndexOutOfBounds: 7"), ok({"ids": []})):
        assert REPLIES.is_valid(json.loads(encode_reply(1, answer))), answer


def test_a_hello_reads_as_it_was_written_and_as_its_schema_says() -> None:
    value = json.loads(json.dumps(HELLO.value()))
    assert decode_hello(value) == HELLO
    assert HELLOS.is_valid({"seq": 1, "ok": value})
    assert not HELLOS.is_valid({"seq": 1, "ok": {**value, "protocol": 2}})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"7", "a reply is an object, not an integer"),
        (b"null", "a reply is an object, not null"),
        (b'{"ok":1}', "the reply has no 'seq'"),
        (b'{"seq":1}', f"{ONE_OF}, here stands nothing"),
        (b'{"seq":1,"crash":1}', f"{ONE_OF}, here stands 'crash'"),
        (b'{"seq":-1,"ok":1}', "'seq' is no integer of at least 0"),
        (b'{"seq":1.0,"ok":1}', "'seq' is no integer of at least 0"),
        (b'{"seq":true,"ok":1}', "'seq' is no integer of at least 0"),
        (b'{"seq":1,"reject":"BAD_MAX"}', "'reject' is text, not an object"),
        (b'{"seq":1,"reject":{}}', "'reject' has no 'code'"),
        (b'{"seq":1,"reject":{"code":""}}', "'code' is empty"),
        (b'{"seq":1,"reject":{"code":4}}', "'code' is an integer, not text"),
        (b'{"seq":1,"reject":{"code":"' + b"A" * 1001 + b'"}}', "'code' is far too long"),
        (b'{"seq":1,"reject":{"code":"BAD_MAX","offset":4}}', "'reject' has the unknown key 'offset'"),
        (b'{"seq":1,"unsupported":true}', "'unsupported' is true or false, not an object"),
        (b'{"seq":1,"error":{}}', "'error' has no 'message'"),
        (b'{"seq":1,"error":{"message":1.5}}', "'message' is a fraction, not text"),
    ],
)  # fmt: skip
def test_what_is_no_reply_is_refused_as_by_its_schema(line: bytes, reason: str) -> None:
    with pytest.raises(WireError) as refused:
        decode_reply(line)
    assert refused.value.reason == reason
    beyond = b"1.0" in line or len(line) > 1000  # to a schema 1.0 is an integer, and no name is too long
    assert beyond or not REPLIES.is_valid(json.loads(line))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[]", "a question is a list, not an object"),
        (b'{"seq":1}', "a question has no 'op'"),
        (b'{"op":"match"}', "a question has no 'seq'"),
        (b'{"op":"match","seq":1}', "a question has no 'in'"),
        (b'{"op":"match","seq":1,"id":"known"}', "a question has the unknown key 'id'"),
        (b'{"op":"match","seq":1,"in":[]}', "'in' is a list, not an object"),
    ],
)
def test_what_is_no_question_is_refused_as_by_its_schema(line: bytes, reason: str) -> None:
    with pytest.raises(WireError) as refused:
        decode_question(line)
    assert refused.value.reason == reason
    assert not QUESTIONS.is_valid(json.loads(line))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"protocol": 2}, "the adapter does not speak version 1 of the messages, the only one there is"),
        ({"protocol": True}, "the adapter does not speak version 1 of the messages, the only one there is"),
        ({"implementation": {"name": "x", "version": "1"}}, "'implementation' has no 'language'"),
        ({"ops": "match"}, "'ops' is text, not a list"),
        ({"ops": ["match", "match"]}, "'ops' names one thing twice"),
        ({"profiles": [3]}, "a member of 'profiles' is an integer, not text"),
        ({"vectors": []}, "the answer to hello has the unknown key 'vectors'"),
    ],
)
def test_what_is_no_hello_is_refused_as_by_its_schema(changed: dict[str, object], reason: str) -> None:
    value = {**HELLO.value(), **changed}
    with pytest.raises(WireError) as refused:
        decode_hello(value)
    assert refused.value.reason == reason
    assert not HELLOS.is_valid({"seq": 1, "ok": value})


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_other_error_escapes(line: bytes) -> None:
    for read in (decode_message, decode_question, decode_reply):
        refusals: list[str] = []
        try:
            read(line)
        except WireError as refused:
            refusals.append(refused.reason)
        assert not any("\n" in reason for reason in refusals)


def test_what_is_said_of_an_error_is_bounded() -> None:
    answer = decode_reply(encode_reply(1, error("x" * 5000))).answer
    assert answer.text == "x" * TEXT_LIMIT + "..."


@pytest.mark.parametrize("kind", [AnswerKind.CRASH, AnswerKind.TIMEOUT, AnswerKind.VIOLATION])
def test_no_implementation_can_reply_what_the_harness_sees(kind: AnswerKind) -> None:
    with pytest.raises(ValueError, match="no implementation can reply"):
        encode_reply(1, Answer(kind))
