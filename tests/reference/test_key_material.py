"""Key material: the captured InfoF, the executed day keys, each fault by its code and pointer, and what is written."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.errors import MalformedError, RefusedError
from bluezone_reference.key_material import (
    KeyMaterial,
    decode_key_material,
    encode_key_material,
    key_material,
)

pytestmark = pytest.mark.req("BZ-MSG-002")

# one line of the request captured on 2020-08-08
CAPTURED = (
    b'{"base_id":"4C5224B397F8AB3896781D5AA0F3119F280513F1B592CA280EBDED6357E21084","time":1596844800,'
    b'"daily_key":"4C5224B397F8AB3896781D5AA0F3119F280513F1B592CA280EBDED6357E21084","time_start":1596844800}'
)
BASE = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
DAY_S = 86_400
BASE_DAY_S = 1_596_844_800
BASE_DAY_MS = BASE_DAY_S * 1000
ZERO = "00" * 32


def info(**changes: object) -> bytes:
    values: dict[str, object] = {
        "base_id": ZERO,
        "time": BASE_DAY_S,
        "daily_key": ZERO,
        "time_start": BASE_DAY_S,
    }
    values.update(changes)
    return json.dumps({name: value for name, value in values.items() if value != "leave out"}).encode()


def refusal_of(text: bytes, pointer: str = "", offset: int = 0) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        decode_key_material(text, pointer=pointer, offset=offset)
    assert caught.value.requirement == "BZ-MSG-002"
    return caught.value


@pytest.mark.req("F-24")
def test_the_captured_one() -> None:
    captured = KeyMaterial(BASE, BASE_DAY_MS, BASE, BASE_DAY_MS)
    assert decode_key_material(CAPTURED) == captured
    assert encode_key_material(captured).encode() == CAPTURED
    assert decode_key_material(b"\xef\xbb\xbf" + CAPTURED.lower()) == captured


@pytest.mark.req("BZ-MSG-004", "BZ-KEY-003")
@pytest.mark.parametrize(
    ("now_s", "day", "key"),
    [
        (BASE_DAY_S - 1, 0, ZERO),
        (BASE_DAY_S + 18_000, 0, ZERO),
        (BASE_DAY_S + 15 * DAY_S - 1, 0, ZERO),
        (BASE_DAY_S + 15 * DAY_S, 1, "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"),
        (BASE_DAY_S + 20 * DAY_S, 6, "4391a5c79ffdc79883036503ca551673c09deec28df432a8d88debc7fa2ec91e"),
        (BASE_DAY_S + 30 * DAY_S, 16, "2d3ed0150be70d26dabe1fe2acba277352340a86dd60e8ddb8edf05ad34fa525"),
    ],
)
def test_publishes_the_executed_day_keys(now_s: int, day: int, key: str) -> None:
    found = key_material(bytes(32), BASE_DAY_MS, now_s * 1000)
    assert found == KeyMaterial(bytes(32), BASE_DAY_MS, bytes.fromhex(key), BASE_DAY_MS + day * DAY_S * 1000)
    assert decode_key_material(info(daily_key=key, time_start=BASE_DAY_S + day * DAY_S)) == found
    assert json.loads(encode_key_material(found)) == {
        "base_id": ZERO,
        "time": BASE_DAY_S,
        "daily_key": key.upper(),
        "time_start": BASE_DAY_S + day * DAY_S,
    }
    assert key_material(bytes(32), BASE_DAY_MS, BASE_DAY_MS + day * DAY_S * 1000, 0) == found


def test_further_keys_are_named() -> None:
    found = decode_key_material(info(max=96, about=None))
    assert found.further == ("about", "max")
    assert replace(found, further=()) == decode_key_material(info())


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"base_id": "leave out"}, "MISSING_FIELD", "/base_id"),
        ({"time": "leave out"}, "MISSING_FIELD", "/time"),
        ({"daily_key": "leave out"}, "MISSING_FIELD", "/daily_key"),
        ({"time_start": "leave out"}, "MISSING_FIELD", "/time_start"),
        ({"base_id": None}, "NOT_TEXT", "/base_id"),
        ({"base_id": 5}, "NOT_TEXT", "/base_id"),
        ({"daily_key": [ZERO]}, "NOT_TEXT", "/daily_key"),
        ({"time": str(BASE_DAY_S)}, "NOT_AN_INTEGER", "/time"),
        ({"time": float(BASE_DAY_S)}, "NOT_AN_INTEGER", "/time"),
        ({"time_start": True}, "NOT_AN_INTEGER", "/time_start"),
        ({"time_start": 2**63}, "NOT_AN_INTEGER", "/time_start"),
        ({"base_id": ""}, "BAD_BASE_ID", "/base_id"),
        ({"base_id": ZERO[1:]}, "BAD_BASE_ID", "/base_id"),
        ({"base_id": ZERO + "0"}, "BAD_BASE_ID", "/base_id"),
        ({"base_id": ZERO[1:] + "g"}, "BAD_BASE_ID", "/base_id"),
        ({"base_id": " " + ZERO[1:]}, "BAD_BASE_ID", "/base_id"),
        ({"daily_key": ZERO[2:]}, "BAD_DAY_KEY", "/daily_key"),
        ({"daily_key": ZERO[1:] + "١"}, "BAD_DAY_KEY", "/daily_key"),
        ({"time": -DAY_S}, "BAD_TIME", "/time"),
        ({"time": BASE_DAY_MS, "time_start": BASE_DAY_MS}, "BAD_TIME", "/time"),
        ({"time_start": 253_402_300_800}, "BAD_TIME", "/time_start"),
        ({"time": BASE_DAY_S - 1}, "NOT_MIDNIGHT", "/time"),
        ({"time": BASE_DAY_S + 7 * 3600, "time_start": BASE_DAY_S + DAY_S}, "NOT_MIDNIGHT", "/time"),
        ({"time_start": BASE_DAY_S + 1}, "NOT_MIDNIGHT", "/time_start"),
        ({"time_start": BASE_DAY_S - DAY_S}, "DAY_BEFORE_BASE_DAY", "/time_start"),
        ({"time_start": BASE_DAY_S + 36_526 * DAY_S}, "DAY_OUT_OF_RANGE", "/time_start"),
        ({"time_start": BASE_DAY_S + 36_525 * DAY_S}, "WRONG_DAY_KEY", "/daily_key"),
        ({"time_start": BASE_DAY_S + DAY_S}, "WRONG_DAY_KEY", "/daily_key"),
        ({"daily_key": ZERO[1:] + "1"}, "WRONG_DAY_KEY", "/daily_key"),
        ({"daily_key": sha256(bytes(32)).hexdigest()}, "WRONG_DAY_KEY", "/daily_key"),
    ],
)
def test_each_fault_has_its_code_and_pointer(changes: dict[str, object], code: str, pointer: str) -> None:
    found = refusal_of(info(**changes))
    assert (found.code, found.pointer) == (code, pointer)
    inner = refusal_of(info(**changes), "/InfoF", 9)
    assert (inner.code, inner.pointer, inner.offset) == (code, "/InfoF" + pointer, 9)


@pytest.mark.req("BZ-MSG-006")
@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b'"{}"', b"\xff", b"[" * 100_000, b'{"time": 1, "time": 1}']
)
def test_a_text_that_is_none(text: bytes) -> None:
    assert refusal_of(text).code == "BAD_JSON"


def test_the_last_day_is_taken() -> None:
    key = bytes(32)
    for _ in range(36_525):
        key = sha256(key).digest()
    text = info(daily_key=key.hex(), time_start=BASE_DAY_S + 36_525 * DAY_S)
    assert decode_key_material(text).day_key == key
    assert decode_key_material(info(time=0, time_start=0)).base_day_ms == 0


@pytest.mark.req("BZ-MSG-004")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((bytes(31), BASE_DAY_MS, BASE_DAY_MS), "BAD_BASE_ID"),
        ((b"", BASE_DAY_MS, BASE_DAY_MS), "BAD_BASE_ID"),
        ((bytes(32), BASE_DAY_MS + 1, BASE_DAY_MS), "NOT_MIDNIGHT"),
        ((bytes(32), BASE_DAY_MS, BASE_DAY_MS + 36_526 * DAY_S * 1000, 0), "DAY_OUT_OF_RANGE"),
    ],
)
def test_a_question_that_is_refused(arguments: tuple[Any, ...], code: str) -> None:
    with pytest.raises(RefusedError) as caught:
        key_material(*arguments)
    assert caught.value.code == code


def test_a_callers_mistakes() -> None:
    with pytest.raises(ValueError, match=r"days"):
        key_material(bytes(32), BASE_DAY_MS, BASE_DAY_MS, -1)
    with pytest.raises(ValueError, match=r"integers"):
        key_material(bytes(32), "2020-08-08", BASE_DAY_MS)  # type: ignore[arg-type]  # the mistake that is tried


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"base_id": b""}, "BAD_BASE_ID"),
        ({"day_key": bytes(12)}, "BAD_DAY_KEY"),
        ({"day_key": bytes(31) + b"\x01"}, "WRONG_DAY_KEY"),
        ({"base_day_ms": BASE_DAY_MS - 1}, "NOT_MIDNIGHT"),
        ({"time_start_ms": BASE_DAY_MS + 999}, "NOT_MIDNIGHT"),
        ({"time_start_ms": BASE_DAY_MS + 1000}, "NOT_MIDNIGHT"),
        ({"time_start_ms": BASE_DAY_MS - DAY_S * 1000}, "DAY_BEFORE_BASE_DAY"),
    ],
)
def test_writes_nothing_that_a_reader_would_refuse(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(RefusedError) as caught:
        encode_key_material(replace(key_material(bytes(32), BASE_DAY_MS, BASE_DAY_MS), **changes))
    assert caught.value.code == code


@given(
    base_id=st.binary(min_size=32, max_size=32),
    base_day=st.integers(0, 50_000),
    passed_ms=st.integers(-(10**9), 40 * DAY_S * 1000),
    days=st.integers(0, 60),
)
def test_what_is_written_is_read(base_id: bytes, base_day: int, passed_ms: int, days: int) -> None:
    base_day_ms = base_day * DAY_S * 1000
    material = key_material(base_id, base_day_ms, base_day_ms + passed_ms, days)
    assert decode_key_material(encode_key_material(material).encode()) == material


json_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)


@pytest.mark.req("BZ-MSG-006")
@given(
    changes=st.dictionaries(
        st.sampled_from(["base_id", "time", "daily_key", "time_start", "x"]), json_values
    ),
    octets=st.binary(max_size=30),
)
def test_nothing_but_malformed_error_is_raised(changes: dict[str, object], octets: bytes) -> None:
    for text in (info(**changes), octets):
        found = None
        with suppress(MalformedError):
            found = decode_key_material(text)
        assert found is None or found.base_id == found.day_key == bytes(32)
