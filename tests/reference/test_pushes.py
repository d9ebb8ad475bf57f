"""Pushes of every type, as the chapter tells them, and what is ignored, refused and written."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.errors import MalformedError, RefusedError
from bluezone_reference.pushes import PUSH_TYPES, Push, decode_push, encode_push

pytestmark = pytest.mark.req("BZ-MSG-001")

CONTENTS: dict[str, dict[str, object]] = {
    "KiemTraLichSuTiepXuc": {"FindGUID": "123456", "Numberdays": 14, "InfoF": '{"data": []}'},
    "LayThongTinVaLichSu": {"FindGUID": "123456", "Numberdays": 14},
    "GetInfoApp": {"PushGUID": "7"},
    "YeuCauGuiLichSu": {"OTP": "314159"},
}


def push(push_type: object, content: object = None, notify: object = None, **further: object) -> bytes:
    """Return a push as the server would write it; text stays as it is."""
    values: dict[str, object] = {"Type": push_type}
    for name, value in (("DataContent", content), ("Notify", notify)):
        if value is not None:
            values[name] = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(values | further).encode()


def refusal_of(text: bytes) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        decode_push(text)
    return caught.value


def test_the_types_are_those_of_the_chapter(repository: Path) -> None:
    chapter = (repository / "spec/bluezone_spec/chapters/08-messages.md").read_text("utf-8")
    table = chapter.partition("| `Type` | meaning |")[2].partition("\n\n")[0]
    rows = {}
    for line in table.splitlines()[2:]:
        name, _, contents, _ = [cell.strip() for cell in line.strip("|").split("|")]
        rows[name.strip("`")] = dict(re.findall(r"`(\w+)` (text|integer)", contents))
    assert {name: {key: what.kind for key, what in held.items()} for name, held in PUSH_TYPES.items()} == rows


def test_the_example_of_the_chapter() -> None:
    text = rb"""{"Type": "KiemTraLichSuTiepXuc",
     "DataContent": "{\"FindGUID\": \"123456\", \"Numberdays\": 14, \"InfoF\": \"{\\\"data\\\": []}\"}"}"""
    assert decode_push(text) == Push(
        "KiemTraLichSuTiepXuc", {"FindGUID": "123456", "Numberdays": 14, "InfoF": '{"data": []}'}, {}
    )


@pytest.mark.parametrize("push_type", sorted(PUSH_TYPES))
def test_a_push_of_every_type(push_type: str) -> None:
    content = CONTENTS.get(push_type, {})
    notify = {"NotifyID": "1", "title": {"vi": "Tiếp xúc"}}
    assert decode_push(push(push_type, content or None)) == Push(push_type, content, {})
    more = {**content, "unknown": [1, {"a": None}], "half": 0.5}
    assert decode_push(push(push_type, more, notify, b=1, a=None)) == Push(
        push_type, more, notify, ("a", "b")
    )
    assert decode_push(b"\xef\xbb\xbf" + push(push_type, content)) == Push(push_type, content, {})


@pytest.mark.req("BZ-MSG-004")
@pytest.mark.parametrize("push_type", ["KiemTraLichSuTiepXuc", "LayThongTinVaLichSu"])
def test_the_number_of_days_may_be_missing_as_in_august_2020(push_type: str) -> None:
    content = {name: value for name, value in CONTENTS[push_type].items() if name != "Numberdays"}
    assert decode_push(push(push_type, content)) == Push(push_type, content, {})


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b'{"DataContent": 5, "Notify": []}',
        b'{"Type": ""}',
        b'{"Type": "pingpong"}',
        b'{"Type": "PingPong "}',
        b'{"Type": "XoaLichSu", "DataContent": "no JSON", "Notify": 1}',
        b'{"type": "PingPong", "x": 1e999}',
    ],
)
def test_a_push_of_no_type_or_an_unknown_one_is_ignored(text: bytes) -> None:
    assert decode_push(text) is None


@pytest.mark.req("BZ-MSG-006")
@pytest.mark.parametrize(
    ("text", "code", "pointer"),
    [
        (b"", "BAD_JSON", ""),
        (b'{"Type": "PingPong"', "BAD_JSON", ""),
        (b'{"Type": "PingPong", "x": NaN}', "BAD_JSON", ""),
        (b'{"Type": "PingPong", "Type": "PingPong"}', "BAD_JSON", "/Type"),
        (b'"PingPong"', "NOT_AN_OBJECT", ""),
        (b"[]", "NOT_AN_OBJECT", ""),
        (push(5), "NOT_TEXT", "/Type"),
        (push(None), "NOT_TEXT", "/Type"),
        (push(["PingPong"]), "NOT_TEXT", "/Type"),
        (b'{"Type": "\\ud800"}', "NOT_TEXT", "/Type"),
        (push("PingPong", DataContent={}), "NOT_TEXT", "/DataContent"),
        (push("PingPong", DataContent=None), "NOT_TEXT", "/DataContent"),
        (push("PingPong", notify="{}", DataContent=1), "NOT_TEXT", "/DataContent"),
        (push("PingPong", Notify={}), "NOT_TEXT", "/Notify"),
        (push("PingPong", ""), "BAD_JSON", "/DataContent"),
        (push("PingPong", "{'a': 1}"), "BAD_JSON", "/DataContent"),
        (push("PingPong", "[" * 100_000), "BAD_JSON", "/DataContent"),
        (push("PingPong", '{"a": 1e999}'), "BAD_JSON", "/DataContent/a"),
        (push("PingPong", '{"a": "\\ud800"}'), "BAD_JSON", "/DataContent/a"),
        (push("PingPong", '{"a": 1, "a": 1}'), "BAD_JSON", "/DataContent/a"),
        (push("PingPong", None, '{"a": [-1e999]}'), "BAD_JSON", "/Notify/a/0"),
        (push("PingPong", "[]"), "NOT_AN_OBJECT", "/DataContent"),
        (push("PingPong", "null"), "NOT_AN_OBJECT", "/DataContent"),
        (push("PingPong", None, "7"), "NOT_AN_OBJECT", "/Notify"),
        (push("KiemTraLichSuTiepXuc"), "MISSING_FIELD", "/DataContent/FindGUID"),
        (push("KiemTraLichSuTiepXuc", {"FindGUID": "1"}), "MISSING_FIELD", "/DataContent/InfoF"),
        (push("LayThongTinVaLichSu", {"Numberdays": 1}), "MISSING_FIELD", "/DataContent/FindGUID"),
        (push("GetInfoApp", {}), "MISSING_FIELD", "/DataContent/PushGUID"),
        (push("YeuCauGuiLichSu", {"otp": "1"}), "MISSING_FIELD", "/DataContent/OTP"),
        (push("YeuCauGuiLichSu", {"OTP": 1}), "NOT_TEXT", "/DataContent/OTP"),
        (push("LayThongTinVaLichSu", {"FindGUID": 1}), "NOT_TEXT", "/DataContent/FindGUID"),
        (push("KiemTraLichSuTiepXuc", {"FindGUID": "1", "InfoF": {}}), "NOT_TEXT", "/DataContent/InfoF"),
        *(
            (push("LayThongTinVaLichSu", {"FindGUID": "1", "Numberdays": days}), "NOT_AN_INTEGER", pointer)
            for days in ("14", 14.0, None, True, 2**63)
            for pointer in ("/DataContent/Numberdays",)
        ),
    ],
)
def test_a_malformed_push_is_refused(text: bytes, code: str, pointer: str) -> None:
    found = refusal_of(text)
    assert (found.code, found.pointer, found.requirement) == (code, pointer, "BZ-MSG-001")


def test_the_offset_in_a_text_within_the_text_is_told() -> None:
    assert refusal_of(push("PingPong", '{"ế": x}')).offset == 8


def test_writes_a_push_as_text_within_text() -> None:
    text = encode_push("YeuCauGuiLichSu", {"OTP": "314159"})
    assert json.loads(text) == {"Type": "YeuCauGuiLichSu", "DataContent": '{"OTP":"314159"}'}
    assert json.loads(encode_push("PingPong", {}, {"key": "ế"})) == {
        "Type": "PingPong",
        "Notify": '{"key":"\\u1ebf"}',
    }
    assert json.loads(encode_push("PingPong", {})) == {"Type": "PingPong"}


def test_writes_no_push_that_a_reader_would_refuse() -> None:
    with pytest.raises(RefusedError) as caught:
        encode_push("GetInfoApp", {})
    assert caught.value.code == "MISSING_FIELD"
    with pytest.raises(RefusedError):
        encode_push("PingPong", {"a": "\ud800"})
    with pytest.raises(ValueError, match=r"no such type"):
        encode_push("XoaLichSu", {})
    with pytest.raises(ValueError, match=r"JSON"):
        encode_push("PingPong", {"a": b""})


texts = st.text(st.characters(codec="utf-8"), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


@given(
    push_type=st.sampled_from(sorted(PUSH_TYPES)),
    content=st.dictionaries(texts, json_values, max_size=3),
    notify=st.dictionaries(texts, json_values, max_size=3),
)
def test_what_is_written_is_read(
    push_type: str, content: dict[str, object], notify: dict[str, object]
) -> None:
    content |= CONTENTS.get(push_type, {})
    assert decode_push(encode_push(push_type, content, notify).encode()) == Push(push_type, content, notify)
    assert decode_push(push(push_type, content, notify)) == Push(push_type, content, notify)


KEYS = st.sampled_from(["Type", "DataContent", "Notify", "FindGUID", "Numberdays", "InfoF", "OTP", "x"])


@pytest.mark.req("BZ-MSG-006")
@given(
    text=st.binary(max_size=60)
    | st.dictionaries(
        KEYS,
        json_values
        | st.sampled_from(sorted(PUSH_TYPES))
        | st.dictionaries(KEYS, json_values | st.floats(), max_size=4).map(json.dumps),
        max_size=5,
    ).map(lambda value: json.dumps(value).encode())
)
def test_nothing_but_malformed_error_is_raised(text: bytes) -> None:
    found = None
    with suppress(MalformedError):
        found = decode_push(text)
    assert found is None or found.type in PUSH_TYPES
