"""Device files: both forms read, everything else refused in one sentence with its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.device_files import (
    Base,
    Device,
    Foreground,
    MaxSetting,
    read_device_file,
)
from bluezone_harness.evidence.errors import EvidenceError

BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
DAY_MS = 1_596_844_800_000  # 2020-08-08
SHORT = {"base_id": BASE_ID, "base_day": "2020-08-08"}
FULL = {
    "schema": 1,
    "devices": [
        {
            "name": "left",
            "platform": "android",
            "address": "5a:01:23:45:67:89",
            "clock_offset_ms": -1200,
            "bases": [
                {"base_id": "00" * 32, "base_day": "2020-08-20", "from": "2020-08-20T08:00:00+07:00"},
                {"base_id": BASE_ID.upper(), "base_day": "2020-08-08"},
            ],
            "max": [{"from": 1_596_888_000_000, "value": 48}, {"from": "2020-08-08T00:00:00Z", "value": 7}],
            "foreground": [{"from": "2020-08-08T05:00:00Z", "to": "2020-08-08T05:10:00.5Z"}],
        },
        {"name": "right", "platform": "ios", "bases": [SHORT], "max": [], "foreground": []},
    ],
}


def read(content: object) -> tuple[Device, ...]:
    return read_device_file("device.json", json.dumps(content).encode()).devices


@pytest.mark.req("BZ-KEY-001")
def test_the_short_form_is_one_device() -> None:
    octets = json.dumps(SHORT).encode()
    file = read_device_file("device.json", octets)
    assert file.sha256 == sha256(octets).hexdigest()
    assert file.devices == (
        Device("phone", "", "", None, (Base(bytes.fromhex(BASE_ID), DAY_MS, None),), (), ()),
    )


@pytest.mark.req("BZ-KEY-001", "BZ-KEY-007")
def test_the_short_form_with_all_its_keys() -> None:
    (device,) = read(
        SHORT
        | {"max": 2**63, "address": "5a:01:23:45:67:89", "platform": "ios", "foreground": True, "base_id": ""}
    )
    assert device.bases[0].base_id == b""
    assert device.max_settings == (MaxSetting(None, 2**63),)
    assert (device.address, device.platform) == ("5A:01:23:45:67:89", "ios")
    assert device.foreground == (Foreground(None, None),)
    assert read(SHORT | {"foreground": False})[0].foreground == ()
    assert read(SHORT | {"foreground": [{"from": 1, "to": 2}]})[0].foreground == (Foreground(1, 2),)


@pytest.mark.req("BZ-KEY-001", "BZ-KEY-009")
def test_the_full_form_is_put_into_order() -> None:
    left, right = read(FULL)
    assert left == Device(
        name="left",
        platform="android",
        address="5A:01:23:45:67:89",
        clock_offset_ms=-1200,
        bases=(
            Base(bytes.fromhex(BASE_ID), DAY_MS, None),
            Base(bytes(32), DAY_MS + 12 * 86_400_000, DAY_MS + 12 * 86_400_000 + 3_600_000),
        ),
        max_settings=(MaxSetting(DAY_MS, 7), MaxSetting(DAY_MS + 43_200_000, 48)),
        foreground=(Foreground(DAY_MS + 5 * 3_600_000, DAY_MS + 5 * 3_600_000 + 600_500),),
    )
    assert (right.name, right.address, right.clock_offset_ms) == ("right", "", None)


@pytest.mark.req("BZ-KEY-001", "F-15")
@pytest.mark.parametrize("digits", [0, 2, 62, 66, 400])
def test_a_base_id_of_another_length_is_kept(digits: int) -> None:
    assert len(read(SHORT | {"base_id": "a" * digits})[0].bases[0].base_id) == digits // 2


def at(*path: str | int, value: Any = ...) -> Callable[[Any], None]:  # noqa: ANN401 - JSON is any value
    """Return a change of a device file: a value in another's place, or a key taken out."""

    def change(content: Any) -> None:  # noqa: ANN401 - as above
        for step in path[:-1]:
            content = content[step]
        if value is ...:
            del content[path[-1]]
        else:
            content[path[-1]] = value

    return change


DEVICE = ("devices", 0)


@pytest.mark.req("BZ-KEY-001")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (at("schema"), r"the key 'schema' is missing \(at the top\)"),
        (at("schema", value=2), r"the schema is not 1, the only one there is \(at /schema\)"),
        (at("schema", value="1"), r"it is text, not an integer \(at /schema\)"),
        (at("base_id", value=BASE_ID), r"the key is unknown here; .* \(at /base_id\)"),
        (at("devices", value=[]), r"the list holds fewer than 1 \(at /devices\)"),
        (at("devices", value={}), r"it is an object, not a list \(at /devices\)"),
        (at(*DEVICE, "name"), r"the key 'name' is missing \(at /devices/0\)"),
        (at(*DEVICE, "platform"), r"the key 'platform' is missing"),
        (at(*DEVICE, "bases"), r"the key 'bases' is missing"),
        (at(*DEVICE, "max"), r"the key 'max' is missing"),
        (at(*DEVICE, "foreground"), r"the key 'foreground' is missing"),
        (at(*DEVICE, "colour", value=1), r"the key is unknown here; .* \(at /devices/0/colour\)"),
        (at(*DEVICE, "name", value=" "), r"the name is empty, .* \(at /devices/0/name\)"),
        (at(*DEVICE, "name", value="a\x1b[2J"), r"holds what cannot be printed"),
        (at(*DEVICE, "platform", value="Android"), r"neither 'android' nor 'ios' \(at /devices/0/platform\)"),
        (at(*DEVICE, "address", value="5A0123456789"), r"six octets in hex .* \(at /devices/0/address\)"),
        (at(*DEVICE, "clock_offset_ms", value=1.5), r"it is a fraction, not an integer"),
        (at(*DEVICE, "bases", value=[]), r"the list holds fewer than 1 \(at /devices/0/bases\)"),
        (at(*DEVICE, "bases", 1, "base_day"), r"the key 'base_day' is missing \(at /devices/0/bases/1\)"),
        (at(*DEVICE, "bases", 1, "base_id", value="abc"), r"odd number of hex digits .*bases/1/base_id\)"),
        (at(*DEVICE, "bases", 1, "base_id", value="zz"), r"the base id is no hex \(at .*bases/1/base_id\)"),
        (at(*DEVICE, "bases", 1, "base_id", value="a a "), r"the base id is no hex"),
        (at(*DEVICE, "bases", 1, "base_id", value=7), r"it is an integer, not text"),
        (at(*DEVICE, "bases", 1, "base_day", value="20200808"), r"no day of the calendar .*base_day\)"),
        (at(*DEVICE, "bases", 1, "base_day", value="2020-02-30"), r"no day of the calendar"),
        (at(*DEVICE, "bases", 0, "from", value="2020-08-19T23:00:00Z"), r"used before the day .*0/from\)"),
        (at(*DEVICE, "bases", 0, "from"), r"two base ids hold from the same instant on \(at .*bases/1\)"),
        (at(*DEVICE, "bases", 0, "until", value=1), r"the key is unknown here; .*bases/0/until\)"),
        (at(*DEVICE, "max", 0, "from", value="2020-08-08T00:00:00Z"), r"two values of max hold .*max/1\)"),
        (at(*DEVICE, "max", 0, "from", value="2020-08-08T00:00:00"), r"ISO 8601 with an offset"),
        (at(*DEVICE, "max", 0, "from", value="noon"), r"ISO 8601 with an offset"),
        (at(*DEVICE, "max", 0, "from", value=True), r"neither ISO 8601 .*max/0/from\)"),
        (at(*DEVICE, "max", 0, "from"), r"the key 'from' is missing \(at /devices/0/max/0\)"),
        (at(*DEVICE, "max", 0, "value", value=True), r"it is true or false, not an integer"),
        (at(*DEVICE, "foreground", 0, "to", value=1), r"ends before it begins \(at .*foreground/0/to\)"),
        (at(*DEVICE, "foreground", 0, "to"), r"the key 'to' is missing"),
        (at("devices", 1, "name", value="left"), r"two devices have the name 'left' \(at /devices\)"),
        (at("devices", 1, "address", value="5A:01:23:45:67:89"), r"two devices have the address"),
    ],
)
def test_what_is_missing_unknown_or_contradictory_is_refused(
    change: Callable[[object], None], message: str
) -> None:
    content = copy.deepcopy(FULL)
    change(content)
    with pytest.raises(EvidenceError, match=message) as caught:
        read(content)
    assert str(caught.value).startswith("device.json: ")
    assert BASE_ID not in str(caught.value)


@pytest.mark.req("BZ-KEY-001")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "it is a list, not an object"),
        ({}, "the key 'base_id' is missing"),
        (SHORT | {"name": "left"}, r"the key is unknown here; .* \(at /name\)"),
        (SHORT | {"max": None}, r"it is null, not an integer \(at /max\)"),
        (SHORT | {"foreground": 1}, r"it is an integer, not a list \(at /foreground\)"),
        (SHORT | {"base_day": 20200808}, "it is an integer, not text"),
    ],
)
def test_the_short_form_is_as_strict(content: object, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        read(content)


@pytest.mark.req("BZ-KEY-001")
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.just(BASE_ID) | st.just("2020-08-08"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["base_id", "base_day", "max", "schema", "devices", "bases", "name", "from", "foreground"]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=30,
    )
)
def test_no_content_raises_anything_else(content: object) -> None:
    try:
        devices = read(content)
    except EvidenceError:
        return
    assert all(device.bases for device in devices)
