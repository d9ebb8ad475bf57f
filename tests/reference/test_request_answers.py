"""Answers in their envelope, and the table of status codes as the chapter has it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.errors import MalformedError
from bluezone_reference.request_answers import (
    ENDPOINTS,
    STATUS_CODES,
    RequestAnswer,
    decode_answer,
    encode_answer,
    status_code,
)

pytestmark = pytest.mark.req("BZ-MSG-005")

REGISTER = "/api/App/RegisterUser"
CONFIRM = "/api/App/ConfirmOTPCode"


def body_of(**changes: object) -> bytes:
    values: dict[str, object] = {"isOk": True, "isError": False, "Status": 0, "Object": None}
    values.update(changes)
    return json.dumps({name: value for name, value in values.items() if value != "leave out"}).encode()


def named(text: str) -> set[str]:
    """Return the endpoints that the chapter's words for them mean."""
    groups = {
        "all": set(ENDPOINTS),
        "the uploads": {name for name in ENDPOINTS if "ReportHistory" in name},
        "uploads with FindGUID": {
            name for name in ENDPOINTS if "ReportHistory" in name and "ConfirmDeclare" not in name
        },
        "ReportHistory_ConfirmDeclare": {
            name for name in ENDPOINTS if "ReportHistory_ConfirmDeclare" in name
        },
        "DeclareInformation (health)": {"/api/AppHistoryContact/DeclareInformation"},
        "DeclareInformation (profile)": {"/api/App/DeclareInformation"},
    }
    found: set[str] = set()
    for words in text.split(", "):
        found |= groups.get(words, {name for name in ENDPOINTS if name.endswith("/" + words)})
    return found


def test_the_status_codes_are_those_of_the_chapter(repository: Path) -> None:
    chapter = (repository / "spec/bluezone_spec/chapters/08-messages.md").read_text("utf-8")
    table = chapter.partition("| `Status` | in answer to | meaning |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert [(str(row.status), set(row.endpoints), row.meaning) for row in STATUS_CODES] == [
        (status, named(where), meaning.replace("`", "")) for status, where, meaning in rows
    ]
    assert len(ENDPOINTS) == len(set(ENDPOINTS)) == 14


def test_a_request_that_succeeded() -> None:
    found = decode_answer(REGISTER, body_of(Object={"Token": [1]}, more=1))
    assert found == RequestAnswer(True, False, 0, {"Token": [1]}, ("more",))
    assert found.succeeded(200)
    assert not found.succeeded(500)
    # what Status is then, no evidence tells
    for status in (None, 0, 1, 33, -1):
        assert decode_answer(REGISTER, body_of(Status=status)).status == status


def test_a_request_that_failed() -> None:
    found = decode_answer(CONFIRM, body_of(isOk=False, isError=True, Status=33))
    assert found == RequestAnswer(False, True, 33, None)
    assert not found.succeeded(200)
    row = status_code(CONFIRM, 33)
    assert row is not None
    assert row.meaning == "the one-time code is wrong"
    assert status_code(REGISTER, 33) is None
    assert status_code("/elsewhere", 1) is None


@pytest.mark.req("BZ-MSG-006")
@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (b"", "BAD_JSON", ""),
        (b"<html>", "BAD_JSON", ""),
        (b"[]", "NOT_AN_OBJECT", ""),
        (body_of(isOk="leave out"), "MISSING_FIELD", "/isOk"),
        (body_of(isError="leave out"), "MISSING_FIELD", "/isError"),
        (body_of(Status="leave out"), "MISSING_FIELD", "/Status"),
        (body_of(Object="leave out"), "MISSING_FIELD", "/Object"),
        (body_of(isOk=1), "BAD_VALUE", "/isOk"),
        (body_of(isError="false"), "BAD_VALUE", "/isError"),
        (body_of(isError=None), "BAD_VALUE", "/isError"),
        (body_of(Status="0"), "NOT_AN_INTEGER", "/Status"),
        (body_of(Status=1.0), "NOT_AN_INTEGER", "/Status"),
        (body_of(isOk=False, Status=None), "NOT_AN_INTEGER", "/Status"),
        (body_of(isOk=False, Status="leave out"), "MISSING_FIELD", "/Status"),
        (body_of(isOk=False, Status=0), "BAD_VALUE", "/Status"),
        (body_of(isOk=False, Status=-1), "BAD_VALUE", "/Status"),
        (body_of(isOk=False, Status=33), "BAD_VALUE", "/Status"),
        (body_of(Object=0)[:-2] + b"1e999}", "BAD_JSON", "/Object"),
        (b"[" * 100_000, "BAD_JSON", ""),
    ],
)
def test_a_malformed_answer(body: bytes, code: str, pointer: str) -> None:
    with pytest.raises(MalformedError) as caught:
        decode_answer(REGISTER, body)
    assert (caught.value.code, caught.value.pointer) == (code, pointer)
    assert caught.value.requirement == "BZ-MSG-005"


def test_writes_the_envelope() -> None:
    answer = RequestAnswer(False, True, 33, {"a": "ế"})
    assert json.loads(encode_answer(answer)) == {
        "isOk": False,
        "isError": True,
        "Status": 33,
        "Object": {"a": "ế"},
    }
    with pytest.raises(ValueError, match=r"JSON"):
        encode_answer(RequestAnswer(True, False, 0, b""))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(endpoint=st.sampled_from(ENDPOINTS), ok=st.booleans(), value=json_values)
def test_what_is_written_is_read(endpoint: str, ok: bool, value: object) -> None:
    for code in STATUS_CODES:
        answer = RequestAnswer(ok, not ok, code.status, value)
        octets = encode_answer(answer).encode()
        if ok or endpoint in code.endpoints:
            assert decode_answer(endpoint, octets) == answer
        else:
            with pytest.raises(MalformedError):
                decode_answer(endpoint, octets)


@pytest.mark.req("BZ-MSG-006")
@given(
    changes=st.dictionaries(
        st.sampled_from(["isOk", "isError", "Status", "Object"]), json_values | st.floats()
    ),
    octets=st.binary(max_size=30),
)
def test_nothing_but_malformed_error_is_raised(changes: dict[str, object], octets: bytes) -> None:
    for body in (body_of(**changes), octets):
        found = None
        with suppress(MalformedError):
            found = decode_answer(REGISTER, body)
        assert found is None or found.succeeded(200) == found.ok
