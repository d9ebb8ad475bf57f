"""Comparison: what satisfies an expectation, and where an answer differs from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.implementations.answers import (
    answer_text,
    difference,
    expected_text,
    same,
    same_answer,
    satisfies,
)
from bluezone_harness.implementations.wire import Answer, AnswerKind, error, ok, reject, unsupported

BAD_MAX = {"reject": "BAD_MAX"}
FLAGS, UUIDS, DATA = "02011a", "0303564e", "0fffb522b9a665d754fe65e665d76a45"
SEEN = (Answer(AnswerKind.CRASH), Answer(AnswerKind.TIMEOUT), Answer(AnswerKind.VIOLATION))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0]) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


def phrase(
    op: str, expect: Mapping[str, object], answer: Answer, question: Mapping[str, object] | None = None
) -> str | None:
    found = difference(op, expect, answer, question or {})
    assert satisfies(op, expect, answer, question or {}) == (found is None)
    return found


@pytest.mark.req("BZ-KEY-007")
def test_only_a_reject_of_the_right_code_is_a_refusal() -> None:
    assert phrase("id_at", BAD_MAX, reject("BAD_MAX", "seven")) is None
    assert phrase("id_at", BAD_MAX, reject("BAD_SLOT")) == "refused, but with BAD_SLOT"
    assert phrase("id_at", BAD_MAX, error("BAD_MAX")) == "error: BAD_MAX"
    assert phrase("id_at", BAD_MAX, unsupported()) == "unsupported"
    assert phrase("id_at", BAD_MAX, ok({"reject": "BAD_MAX"})) == 'answered {"reject": "BAD_MAX"}'
    assert all(phrase("id_at", BAD_MAX, each) is not None for each in SEEN)


def test_values_are_compared_as_json() -> None:
    expect = {"ok": {"day": 1, "id": "aa", "list": [1, {"x": None}]}}
    assert phrase("id_at", expect, ok({"list": [1, {"x": None}], "id": "aa", "day": 1})) is None
    assert phrase("id_at", expect, reject("BAD_MAX")) == "refused with BAD_MAX"


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ({"day": 1.0, "id": "aa"}, "/day is 1.0, expected is 1"),
        ({"day": True, "id": "aa"}, "/day is true, expected is 1"),
        ({"day": 1, "id": "AA"}, '/id is "AA", expected is "aa"'),
        ({"day": 1}, '/id is missing, expected is "aa"'),
        ({"day": 1, "id": "aa", "slot": 0}, "/slot is not expected, here it is 0"),
        ([], 'the answer is [], expected is {"day": 1, "id": "aa"}'),
        (None, 'the answer is null, expected is {"day": 1, "id": "aa"}'),
    ],
)
def test_the_first_difference_is_named(seen: object, text: str) -> None:
    assert phrase("id_at", {"ok": {"day": 1, "id": "aa"}}, ok(seen)) == text


def test_differences_within_lists_are_named() -> None:
    expect = {"ok": {"ids": [{"id": "a"}, {"id": "b"}]}}
    assert phrase("x", expect, ok({"ids": [{"id": "a"}, {"id": "c"}]})) == '/ids/1/id is "c", expected is "b"'
    assert phrase("x", expect, ok({"ids": [{"id": "a"}]})) == '/ids/1 is missing, expected is {"id": "b"}'
    more = ok({"ids": [{"id": "a"}, {"id": "b"}, 3]})
    assert phrase("x", expect, more) == "/ids/2 is not expected, here it is 3"


@given(VALUES, VALUES)
def test_equal_is_what_is_written_alike(first: object, second: object) -> None:
    written = [json.dumps(value, sort_keys=True) for value in (first, second)]
    assert same(first, second) == same(second, first) == (written[0] == written[1])


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-011")
def test_ad_structures_come_in_any_order_and_flags_aside() -> None:
    expect: dict[str, object] = {"ok": {"ad": FLAGS + UUIDS + DATA}}
    for order in permutations([FLAGS, UUIDS, DATA]):
        assert phrase("encode_advertisement", expect, ok({"ad": "".join(order)})) is None
    assert phrase("encode_advertisement", expect, ok({"ad": DATA + UUIDS})) is None
    assert phrase("encode_advertisement", expect, ok({"ad": DATA + "0302564e"})) is None  # an incomplete list
    assert phrase("encode_advertisement", {"ok": {"ad": ""}}, ok({"ad": ""})) is None


@pytest.mark.parametrize(
    "ad",
    [
        UUIDS,
        UUIDS + DATA + DATA[:0] + UUIDS,
        DATA + "03034e56",
        UUIDS + DATA[:-2] + "46",
        (UUIDS + DATA).upper(),
        UUIDS + DATA[:-2],
        UUIDS + DATA + "0",
        UUIDS + DATA + "zz",
        7,
        "",
    ],
)
@pytest.mark.req("BZ-ADV-001", "BZ-ADV-002")
def test_other_advertisements_are_no_match(ad: object) -> None:
    expect: dict[str, object] = {"ok": {"ad": UUIDS + DATA}}
    assert phrase("encode_advertisement", expect, ok({"ad": ad})) is not None
    assert phrase("encode_advertisement", expect, ok({"ad": UUIDS + DATA, "more": 1})) is not None


@pytest.mark.req("BZ-MSG-002")
def test_info_is_compared_as_json_with_hex_in_any_case() -> None:
    expect: dict[str, object] = {"ok": {"text": '{"data":[{"daily_key":"AB01","max":96}]}'}}
    assert (
        phrase("encode_info", expect, ok({"text": ' {"data": [{"max": 96, "daily_key": "ab01"}]}'})) is None
    )
    for text in (
        '{"data":[{"daily_key":"AB02","max":96}]}',
        '{"data":[{"daily_key":"AB01","max":"96"}]}',
        '{"data":[{"daily_key":"AB01","max":96.0}]}',
        '{"data":[{"daily_key":"AB01","max":96,"max":96}]}',
        '{"DATA":[{"daily_key":"AB01","max":96}]}',
        '{"data":[]}',
        "",
        "\ud800",
    ):
        assert phrase("encode_info", expect, ok({"text": text})) is not None, text
    assert phrase("encode_info", expect, ok({"text": None})) == "no JSON under 'text' alone: {\"text\": null}"
    assert phrase("encode_info", expect, ok("{}")) is not None


@pytest.mark.req("BZ-KEY-001")
@pytest.mark.parametrize(
    ("base_ids", "text"),
    [
        (["8c" + "3a" * 31, "0f" + "71" * 31], None),
        (["8c" + "3a" * 31], "1 base ids, asked for were 2"),
        (["8c" + "3a" * 31] * 2, "a base id stands there twice"),
        (["8c" + "3a" * 31, "8C" + "3A" * 31], "/base_ids/1 is no lower-case hex of 32 octets"),
        (["8c" + "3a" * 31, "0f" * 33], "/base_ids/1 is no lower-case hex of 32 octets"),
        (["8c" + "3a" * 31, 7], "/base_ids/1 is no lower-case hex of 32 octets"),
        (["00" * 32, "0f" + "71" * 31], "/base_ids/0 is weak: all octets 0x00"),
        (["8c" + "3a" * 31, bytes(range(32)).hex()], "/base_ids/1 is weak: counting up from 0x00"),
    ],
)
def test_new_base_ids_are_judged_by_what_must_hold_of_them(base_ids: list[object], text: str | None) -> None:
    found = phrase("new_base_ids", {"properties": {}}, ok({"base_ids": base_ids}), {"count": 2})
    assert found == text


def test_what_is_no_list_of_base_ids_is_no_match() -> None:
    values: list[object] = [None, [], {}, {"base_ids": None}, {"base_ids": [], "seed": 1}]
    for value in values:
        assert phrase("new_base_ids", {"properties": {}}, ok(value), {"count": 0}) is not None
    assert (
        phrase("new_base_ids", {"properties": {}}, error("no random numbers")) == "error: no random numbers"
    )


@pytest.mark.req("F-02", "F-08")
def test_the_failure_of_a_build_is_shown_by_failing_or_by_naming_it() -> None:
    exception: dict[str, object] = {"failure": "exception"}
    endless: dict[str, object] = {"failure": "endless loop"}
    assert phrase("id_at", exception, error("IndexOutOfBounds")) is None
    assert phrase("id_at", exception, ok(exception)) is None
    assert phrase("id_at", endless, Answer(AnswerKind.TIMEOUT)) is None
    assert phrase("id_at", exception, ok(endless)) is not None
    for answer in (Answer(AnswerKind.TIMEOUT), Answer(AnswerKind.CRASH), reject("BAD_MAX"), unsupported()):
        assert phrase("id_at", exception, answer) is not None


def test_an_expectation_of_another_kind_is_the_callers_mistake() -> None:
    for expect in ({}, {"ok": 1, "reject": "BAD_MAX"}, {"maybe": 1}):
        with pytest.raises(ValueError, match="an expectation"):
            satisfies("id_at", expect, ok(1), {})
    with pytest.raises(ValueError, match="the answer of id_at is not random"):
        satisfies("id_at", {"properties": {}}, ok(1), {})


def test_two_answers_are_the_same_whatever_is_said_beside_them() -> None:
    assert same_answer(error("line 3"), error("line 4"))
    assert same_answer(reject("BAD_MAX", "x"), reject("BAD_MAX"))
    assert not same_answer(reject("BAD_MAX"), reject("BAD_SLOT"))
    assert not same_answer(ok(1), ok(1.0))
    assert not same_answer(ok(None), error(""))


def test_what_people_are_shown_is_short() -> None:
    assert expected_text({"ok": [1]}) == "[1]"
    assert expected_text(BAD_MAX) == "refused with BAD_MAX"
    assert "endless loop" in expected_text({"failure": "endless loop"})
    assert expected_text({"properties": {}}) == "random values that hold to the requirement"
    assert answer_text(ok("x" * 9999)).endswith("x...")
    assert answer_text(Answer(AnswerKind.CRASH, text="exit code 3")) == "crash: exit code 3"
    assert answer_text(Answer(AnswerKind.TIMEOUT, text="1 s")) == "no reply in time: 1 s"
    assert answer_text(Answer(AnswerKind.VIOLATION)) == "no valid reply"
    assert len(answer_text(error("y" * 9999))) < 200
