"""The JSON requests: registration, profile, health declaration, as the chapter's table tells their fields."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.errors import MalformedError, RefusedError
from bluezone_reference.key_material import encode_key_material, key_material
from bluezone_reference.requests import (
    REGISTRATION,
    REQUESTS,
    Request,
    decode_request,
    encode_identity,
    encode_request,
    request_endpoint,
)

pytestmark = pytest.mark.req("BZ-MSG-005")

PROFILE = "/api/App/DeclareInformation"
HEALTH = "/api/AppHistoryContact/DeclareInformation"
MATERIAL = key_material(bytes(32), 1_596_844_800_000, 1_596_862_800_000)
INFO = json.dumps(
    {"base_id": "00" * 32, "time": 1_596_844_800, "daily_key": "00" * 32, "time_start": 1_596_844_800}
)
PERSON = {"PhoneNumber": "+84", "FullName": "Nguyễn", "Address": "Hà Nội"}
VALUES = {"TypeOS": "ios", "InfoF": INFO, "UserInfo": json.dumps(PERSON), "FindGUID": "7"}


def fields_of(endpoint: str) -> dict[str, str]:
    return {name: VALUES.get(name, f"the {name}") for name in REQUESTS[endpoint]}


def body_of(value: object) -> bytes:
    return json.dumps(value).encode()


def test_the_fields_are_those_of_the_chapter(repository: Path) -> None:
    chapter = (repository / "spec/bluezone_spec/chapters/08-messages.md").read_text("utf-8")
    table = chapter.partition("| endpoint | fields | purpose |")[2].partition("\n\n")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    found = {
        cells[0].strip().strip("`"): tuple(re.findall(r"`(\w+)`", cells[1]))
        for cells in rows
        if "multipart" not in cells[1]
    }
    assert found == REQUESTS
    assert [endpoint.rpartition("/")[2] for endpoint in REGISTRATION] == re.findall(
        r"^\d\. `(\w+)`", chapter, re.MULTILINE
    )


@pytest.mark.parametrize("endpoint", sorted(REQUESTS))
def test_a_request_to_every_endpoint(endpoint: str) -> None:
    fields = fields_of(endpoint)
    health = endpoint == HEALTH
    expected = Request(endpoint, fields, MATERIAL if health else None, PERSON if health else {})
    assert decode_request(endpoint, body_of(fields)) == expected
    assert decode_request(f"/v1{endpoint}?x=/y", body_of(fields)) == expected
    found = decode_request(endpoint, body_of({**fields, "z": 1e3, "a": None}))
    assert found is not None
    assert found.further == ("a", "z")
    assert decode_request(endpoint, encode_request(endpoint, fields).encode()) == expected


def test_the_two_declarations_are_told_apart_by_their_paths() -> None:
    assert request_endpoint(PROFILE) == PROFILE
    assert request_endpoint(HEALTH) == HEALTH
    for path in ("/DeclareInformation", "", PROFILE + "/", "/x?" + PROFILE, PROFILE.lower()):
        assert request_endpoint(path) is None
        assert decode_request(path, b"no JSON") is None


@pytest.mark.parametrize("endpoint", sorted(REQUESTS))
def test_every_field_must_be_there_and_be_text(endpoint: str) -> None:
    for name in REQUESTS[endpoint]:
        fields: dict[str, object] = dict(fields_of(endpoint))
        others: tuple[object, ...] = (1, None, True, {}, [""])
        for value in others:
            with pytest.raises(MalformedError) as caught:
                decode_request(endpoint, body_of(fields | {name: value}))
            assert (caught.value.code, caught.value.pointer) == ("NOT_TEXT", f"/{name}")
        del fields[name]
        with pytest.raises(MalformedError) as caught:
            decode_request(endpoint, body_of(fields))
        assert (caught.value.code, caught.value.pointer) == ("MISSING_FIELD", f"/{name}")
        assert caught.value.requirement == "BZ-MSG-005"


@pytest.mark.req("BZ-MSG-002", "BZ-MSG-006")
@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (b"", "BAD_JSON", ""),
        (b"[]", "NOT_AN_OBJECT", ""),
        (body_of(fields_of(HEALTH) | {"InfoF": "{"}), "BAD_JSON", "/InfoF"),
        (body_of(fields_of(HEALTH) | {"InfoF": "{}"}), "MISSING_FIELD", "/InfoF/base_id"),
        (body_of(fields_of(HEALTH) | {"UserInfo": "Nguyễn"}), "BAD_JSON", "/UserInfo"),
        (body_of(fields_of(HEALTH) | {"UserInfo": "[]"}), "NOT_AN_OBJECT", "/UserInfo"),
        (body_of(fields_of(HEALTH) | {"UserInfo": "{}"}), "MISSING_FIELD", "/UserInfo/PhoneNumber"),
        (
            body_of(fields_of(HEALTH) | {"UserInfo": json.dumps(PERSON | {"FullName": 1})}),
            "NOT_TEXT",
            "/UserInfo/FullName",
        ),
    ],
)
def test_a_malformed_health_declaration(body: bytes, code: str, pointer: str) -> None:
    with pytest.raises(MalformedError) as caught:
        decode_request(HEALTH, body)
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


@pytest.mark.parametrize("platform", ["Android", "iOS", "", "windows"])
def test_a_platform_is_android_or_ios(platform: str) -> None:
    fields = {"TokenFirebase": "t", "TypeOS": platform}
    with pytest.raises(MalformedError) as caught:
        decode_request("/api/App/RegisterUser", body_of(fields))
    assert (caught.value.code, caught.value.pointer) == ("BAD_VALUE", "/TypeOS")
    with pytest.raises(RefusedError):
        encode_request("/api/App/RegisterUser", fields)


def test_writes_only_requests_of_the_table() -> None:
    with pytest.raises(ValueError, match=r"no such request"):
        encode_request("/api/App/Register", {})
    with pytest.raises(ValueError, match=r"no such field"):
        encode_request(PROFILE, fields_of(PROFILE) | {"FullName": ""})
    with pytest.raises(RefusedError) as caught:
        encode_request(PROFILE, {})
    assert caught.value.code == "MISSING_FIELD"
    assert json.loads(encode_identity("+84", "Nguyễn", "Hà Nội")) == PERSON


texts = st.text(st.characters(codec="utf-8"), max_size=12)


@given(endpoint=st.sampled_from(sorted(REQUESTS)), data=st.data())
def test_what_is_written_is_read(endpoint: str, data: st.DataObject) -> None:
    fields = {name: data.draw(texts) for name in REQUESTS[endpoint]}
    person = [data.draw(texts) for _ in PERSON]
    special = {
        "TypeOS": "android",
        "InfoF": encode_key_material(MATERIAL),
        "UserInfo": encode_identity(*person),
    }
    fields |= {name: value for name, value in special.items() if name in fields}
    found = decode_request(endpoint, encode_request(endpoint, fields).encode())
    assert found is not None
    assert found.fields == fields
    assert list(found.identity.values()) == (person if endpoint == HEALTH else [])


@pytest.mark.req("BZ-MSG-006")
@given(
    endpoint=st.sampled_from(sorted(REQUESTS)),
    changes=st.dictionaries(
        st.sampled_from(["TokenFirebase", "TypeOS", "InfoF", "UserInfo", "x"]),
        st.none() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from(["{}", "[]", INFO]),
    ),
    octets=st.binary(max_size=30),
)
def test_nothing_but_malformed_error_is_raised(
    endpoint: str, changes: dict[str, object], octets: bytes
) -> None:
    for body in (body_of(fields_of(endpoint) | changes), octets):
        found = None
        with suppress(MalformedError):
            found = decode_request(endpoint, body)
        assert found is None or set(found.fields) == set(REQUESTS[endpoint])
