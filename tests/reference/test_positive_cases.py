"""Positive cases: what is taken, what is refused and with which code, and what the published builds did instead."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.errors import BuildFailureError, Failure, MalformedError, RefusedError, RejectCode
from bluezone_reference.positive_cases import (
    PositiveCase,
    RejectedCase,
    decode_case_message,
    decode_cases,
    encode_cases,
)
from bluezone_reference.profiles import ANDROID_V3, IOS_V3, PROFILES, V3

KEY = "00112233445566778899aabbccddeeff" * 2
DAY_S = 86_400
START_S = 1_596_844_800


def entry(**changes: object) -> dict[str, object]:
    case: dict[str, object] = {
        "daily_key": KEY,
        "time_start": START_S,
        "time_end": START_S + DAY_S,
        "max": 96,
    }
    case.update(changes)
    return {name: value for name, value in case.items() if value != "leave out"}


def message(*entries: object) -> bytes:
    return json.dumps({"data": entries}).encode()


@pytest.mark.req("BZ-MSG-002", "BZ-MAT-005")
def test_a_case_as_published() -> None:
    text = (
        b'{"data":[{"daily_key":"%s","time_start":1596844800,"time_end":1596931200,"max":96}]}' % KEY.encode()
    )
    assert decode_cases(text) == (PositiveCase(bytes.fromhex(KEY), 1_596_844_800_000, 1_596_931_200_000, 96),)
    assert decode_cases(b"\xef\xbb\xbf" + text) == decode_cases(text)
    assert decode_cases(b'{"data": []}') == ()


@pytest.mark.req("BZ-MAT-005")
def test_unknown_keys_are_ignored_and_hex_digits_may_be_upper_case() -> None:
    assert decode_cases(message(entry(daily_key=KEY.upper(), news=[1]))) == decode_cases(message(entry()))


@pytest.mark.req("BZ-MAT-005", "F-07", "F-16")
@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"daily_key": KEY[:-1]}, "BAD_DAY_KEY", "daily_key"),
        ({"daily_key": KEY[:-2]}, "BAD_DAY_KEY", "daily_key"),
        ({"daily_key": KEY + "00"}, "BAD_DAY_KEY", "daily_key"),
        ({"daily_key": KEY[:-1] + "g"}, "BAD_DAY_KEY", "daily_key"),
        ({"daily_key": KEY[:-1] + "１"}, "BAD_DAY_KEY", "daily_key"),
        ({"daily_key": " " + KEY[1:]}, "BAD_DAY_KEY", "daily_key"),
        ({"daily_key": ""}, "BAD_DAY_KEY", "daily_key"),
        ({"daily_key": 5}, "BAD_DAY_KEY", "daily_key"),
        ({"daily_key": None}, "BAD_DAY_KEY", "daily_key"),
        ({"daily_key": "leave out"}, "MISSING_FIELD", "daily_key"),
        ({"time_start": "leave out"}, "MISSING_FIELD", "time_start"),
        ({"time_end": "leave out"}, "MISSING_FIELD", "time_end"),
        ({"max": "leave out"}, "MISSING_FIELD", "max"),
        ({"time_start": 1.0}, "NOT_AN_INTEGER", "time_start"),
        ({"time_start": "1596844800"}, "NOT_AN_INTEGER", "time_start"),
        ({"time_end": True}, "NOT_AN_INTEGER", "time_end"),
        ({"time_end": None}, "NOT_AN_INTEGER", "time_end"),
        ({"max": 96.5}, "NOT_AN_INTEGER", "max"),
        ({"max": 2**63}, "NOT_AN_INTEGER", "max"),
        ({"time_end": -(2**63) - 1}, "NOT_AN_INTEGER", "time_end"),
        ({"max": 0}, "BAD_MAX", "max"),
        ({"max": 1}, "BAD_MAX", "max"),
        ({"max": -1}, "BAD_MAX", "max"),
        ({"max": 7}, "BAD_MAX", "max"),
        ({"max": 86_401}, "BAD_MAX", "max"),
        ({"time_start": -1}, "BAD_TIME", "time_start"),
        ({"time_end": 253_402_300_800}, "BAD_TIME", "time_end"),
        ({"time_start": START_S * 1000, "time_end": START_S * 1000}, "BAD_TIME", "time_start"),
        ({"time_end": START_S - 1}, "TIME_END_BEFORE_TIME_START", "time_end"),
        ({"time_end": START_S + 400 * DAY_S}, "CASE_TOO_LONG", "time_end"),
    ],
)
def test_a_malformed_case_is_refused_and_hides_no_other(
    changes: dict[str, object], code: str, pointer: str
) -> None:
    good = entry()
    found = decode_cases(message(good, entry(**changes), good))
    assert isinstance(found[0], PositiveCase)
    assert found[0] == found[2]
    assert isinstance(found[1], RejectedCase)
    assert found[1].index == 1
    assert isinstance(found[1].error, MalformedError)
    assert found[1].error.code == code
    assert found[1].error.pointer == f"/data/1/{pointer}"
    assert found[1].error.requirement == ("BZ-MAT-006" if code == "CASE_TOO_LONG" else "BZ-MAT-005")


@pytest.mark.req("BZ-MAT-005", "BZ-MAT-006")
@pytest.mark.parametrize(
    "changes",
    [
        {"time_end": START_S},
        {"time_end": START_S + 400 * DAY_S - 1},
        {"time_start": 0, "time_end": 0},
        {"time_start": 253_402_300_799, "time_end": 253_402_300_799},
        {"max": 2},
        {"max": 86_400},
        {"time_start": START_S + 1},
    ],
)
def test_the_last_allowed_values_are_taken(changes: dict[str, object]) -> None:
    assert isinstance(decode_cases(message(entry(**changes)))[0], PositiveCase)


@pytest.mark.req("BZ-MAT-005")
@pytest.mark.parametrize("item", [None, 1, "x", [], True])
def test_a_case_that_is_no_object(item: object) -> None:
    found = decode_cases(message(item))[0]
    assert isinstance(found, RejectedCase)
    assert isinstance(found.error, MalformedError)
    assert (found.error.code, found.error.pointer) == (RejectCode.BAD_JSON, "/data/0")


@pytest.mark.req("BZ-MAT-005", "BZ-MSG-006")
@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        (b"", RejectCode.BAD_JSON, 0),
        (b'{"data": [}', RejectCode.BAD_JSON, 10),
        (b'{"data": "\xff"}', RejectCode.BAD_JSON, 10),
        (b"[]", RejectCode.BAD_JSON, 0),
        (b"null", RejectCode.BAD_JSON, 0),
        (b"{}", RejectCode.MISSING_FIELD, 0),
        (b'{"data": {}}', RejectCode.MISSING_FIELD, 0),
        (b"[" * 100_000, RejectCode.BAD_JSON, 64),
        (b'{"data": [], "news": NaN}', RejectCode.BAD_JSON, 21),
        (b'{"data": ' + b"9" * 5000 + b"}", RejectCode.MISSING_FIELD, 0),
    ],
)
def test_a_message_that_is_none(text: bytes, code: RejectCode, offset: int) -> None:
    for profile in (V3, ANDROID_V3, IOS_V3):
        with pytest.raises(MalformedError) as caught:
            decode_cases(text, profile)
        assert (caught.value.code, caught.value.offset) == (code, offset)


@pytest.mark.req("F-16")
def test_android_computes_with_garbage_and_throws_at_an_odd_length() -> None:
    # a bad digit counts as -1: "zz" is (-1 * 16) + -1, cut to eight bits
    for text, octets in (
        ("zz", "ef"),
        ("0z", "ff"),
        ("z0", "f0"),
        ("１Ｆｆa", "1ffa"),
        ("ＡａＧ1", "aaf1"),
        ("", ""),
    ):
        case = decode_cases(message(entry(daily_key=text)), ANDROID_V3)[0]
        assert isinstance(case, PositiveCase)
        assert case.day_key.hex() == octets
    failed = decode_cases(message(entry(daily_key="abc")), ANDROID_V3)[0]
    assert isinstance(failed, RejectedCase)
    assert isinstance(failed.error, BuildFailureError)
    assert (failed.error.fault, failed.error.failure) == ("F-16", Failure.EXCEPTION)


@pytest.mark.req("F-16")
def test_ios_takes_any_length_and_crashes_at_what_is_no_hex() -> None:
    case = decode_cases(message(entry(daily_key="ABcd")), IOS_V3)[0]
    assert isinstance(case, PositiveCase)
    assert case.day_key == b"\xab\xcd"
    for text in ("abc", "zz"):
        failed = decode_cases(message(entry(daily_key=text)), IOS_V3)[0]
        assert isinstance(failed, RejectedCase)
        assert isinstance(failed.error, BuildFailureError)


@pytest.mark.req("F-07")
def test_the_builds_take_any_max_and_any_span() -> None:
    changes = entry(max=-3, time_end=START_S + 4000 * DAY_S)
    for profile in (ANDROID_V3, IOS_V3):
        case = decode_cases(message(changes), profile)[0]
        assert isinstance(case, PositiveCase)
        assert case == PositiveCase(
            bytes.fromhex(KEY), START_S * 1000, (START_S + 4000 * DAY_S) * 1000, max_per_day=-3
        )
        odd = decode_cases(message(entry(daily_key=5)), profile)[0]
        assert isinstance(odd, RejectedCase)
        assert isinstance(odd.error, MalformedError)


@pytest.mark.req("BZ-MAT-005", "BZ-MSG-006")
@pytest.mark.parametrize("number", [b"9" * 5000, b"-" + b"9" * 5000, b"1e999"])
def test_a_huge_number_hides_no_other_case(number: bytes) -> None:
    good = json.dumps(entry()).encode()
    bad = good.replace(b"1596931200", number)
    first, second, third = decode_cases(b'{"data": [%s, %s, %s]}' % (good, bad, good))
    assert isinstance(first, PositiveCase)
    assert first == third
    assert isinstance(second, RejectedCase)
    assert isinstance(second.error, MalformedError)
    assert (second.error.code, second.error.pointer) == ("NOT_AN_INTEGER", "/data/1/time_end")


@pytest.mark.req("BZ-MAT-005")
def test_of_a_key_that_stands_there_twice_the_last_counts() -> None:
    good = json.dumps(entry()).encode()
    twice = good.replace(b'"max": 96', b'"max": 7, "max": 96')
    assert twice != good
    expected = decode_cases(message(entry()))
    assert decode_cases(b'{"data": 5, "data": [%s]}' % twice) == expected
    assert isinstance(expected[0], PositiveCase)


@pytest.mark.req("BZ-MSG-002")
def test_further_keys_are_named() -> None:
    text = json.dumps({"news": 1, "data": [entry(b=1), 5, entry(a=1, b=2)], "about": 2}).encode()
    found = decode_case_message(text)
    assert found.further == ("about", "news")
    assert found.further_of_cases == ("a", "b")
    assert found.cases[0] == found.cases[2] == decode_cases(message(entry()))[0]


@pytest.mark.req("BZ-MSG-002", "BZ-MAT-005")
def test_writes_a_message_of_positive_cases() -> None:
    case = PositiveCase(bytes.fromhex(KEY), START_S * 1000, (START_S + DAY_S) * 1000, 96)
    assert json.loads(encode_cases([case, case])) == {"data": [entry(), entry()]}
    assert encode_cases([]) == '{"data":[]}'


@pytest.mark.req("BZ-MSG-002", "BZ-MAT-005", "BZ-MAT-006")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"day_key": b"\0" * 31}, "BAD_DAY_KEY"),
        ({"max_per_day": 7}, "BAD_MAX"),
        ({"max_per_day": 2**63}, "NOT_AN_INTEGER"),
        ({"time_start_ms": START_S * 1000 - 1}, "BAD_TIME"),
        ({"time_end_ms": START_S * 1000 + 1}, "BAD_TIME"),
        ({"time_start_ms": -1000}, "BAD_TIME"),
        ({"time_end_ms": (START_S - 1) * 1000}, "TIME_END_BEFORE_TIME_START"),
        ({"time_end_ms": (START_S + 400 * DAY_S) * 1000}, "CASE_TOO_LONG"),
    ],
)
def test_writes_no_case_that_a_reader_would_refuse(changes: dict[str, Any], code: str) -> None:
    case = PositiveCase(bytes.fromhex(KEY), START_S * 1000, START_S * 1000, 96)
    with pytest.raises(RefusedError) as caught:
        encode_cases([case, replace(case, **changes)])
    assert caught.value.code == code


@pytest.mark.req("BZ-MSG-002")
@given(
    cases=st.lists(
        st.builds(
            lambda key, start_s, length_s, count: PositiveCase(
                key, start_s * 1000, (start_s + length_s) * 1000, count
            ),
            st.binary(min_size=32, max_size=32),
            st.integers(0, 253_402_300_799 - 400 * DAY_S),
            st.integers(0, 400 * DAY_S - 1),
            st.sampled_from([2, 3, 24, 96, 144, 86_400]),
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read(cases: list[PositiveCase]) -> None:
    assert decode_cases(encode_cases(cases).encode()) == tuple(cases)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "daily_key", "time_start", "time_end", "max"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@pytest.mark.req("BZ-MSG-006")
@given(
    text=st.one_of(
        st.binary(max_size=60),
        json_values.map(lambda value: json.dumps(value).encode()),
        st.lists(json_values, max_size=3).map(lambda items: message(*items)),
    )
)
def test_no_message_raises_anything_but_malformed_error(text: bytes) -> None:
    for profile in PROFILES.values():
        cases: tuple[PositiveCase | RejectedCase, ...] = ()
        with suppress(MalformedError):
            cases = decode_cases(text, profile)
        assert all(isinstance(case, PositiveCase | RejectedCase) for case in cases)


@pytest.mark.req("BZ-MAT-005")
@given(
    key=st.text(alphabet="0123456789abcdefABCDEFgx ", min_size=60, max_size=66),
    start=st.integers(-5, 10),
    length=st.integers(-3, 400 * DAY_S + 3),
    count=st.integers(-2, 300),
)
def test_a_case_is_taken_exactly_where_every_rule_holds(
    key: str, start: int, length: int, count: int
) -> None:
    found = decode_cases(message(entry(daily_key=key, time_start=start, time_end=start + length, max=count)))[
        0
    ]
    allowed = (
        len(key) == 64
        and all(digit in "0123456789abcdefABCDEF" for digit in key)
        and start >= 0
        and 0 <= length < 400 * DAY_S
        and count >= 2
        and 86_400_000 % count == 0
    )
    assert isinstance(found, PositiveCase) == allowed
