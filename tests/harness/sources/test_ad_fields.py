"""Fields of AdvData: the octets they give are written out here, and what is taken from octets gives them again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.sources.ad_fields import (
    BASE_UUID_TAIL,
    AdFields,
    ad_of_fields,
    fields_of_ad,
    is_canonical_uuid,
)

pytestmark = pytest.mark.req("BZ-ADV-003", "BZ-ADV-011")

ANDROID = f"00004e56{BASE_UUID_TAIL}"
INFORMATION = f"0000180a{BASE_UUID_TAIL}"
IOS = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
ROLLING_ID = bytes.fromhex("b9a665d754fe65e665d76a45")

uuids = st.one_of(
    st.integers(0, 0xFFFF).map(lambda each: f"{each:08x}{BASE_UUID_TAIL}"),
    st.integers(0, 0xFFFF_FFFF).map(lambda each: f"{each:08x}{BASE_UUID_TAIL}"),
    st.uuids().map(str),
)
known_fields = st.builds(
    AdFields,
    st.lists(uuids, max_size=40).map(tuple),
    st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=30), max_size=4),
    st.dictionaries(uuids, st.binary(max_size=30), max_size=4),
    st.none() | st.text(max_size=20),
    st.none() | st.integers(-128, 127),
)


def test_one_order_whatever_the_order_of_what_is_told() -> None:
    told = AdFields(
        (IOS, INFORMATION, ANDROID, ANDROID),
        {0x22B5: ROLLING_ID, 0x004C: b"\x10\x05"},
        {INFORMATION: b"\x01", IOS: b"\x02"},
        "Bluezone",
        -7,
    )
    assert ad_of_fields(told) == bytes.fromhex(
        "05030a18564e"
        "05ff4c001005"
        "0fffb522b9a665d754fe65e665d76a45"
        "110767a607add1172fa1c44bf573564e0000"
        "0909426c75657a6f6e65"
        "020af9"
        "04160a1801"
        "122167a607add1172fa1c44bf573564e000002"
    )
    turned = AdFields(
        told.service_uuids[::-1],
        {each: told.manufacturer_data[each] for each in (0x004C, 0x22B5)},
        {each: told.service_data[each] for each in (IOS, INFORMATION)},
        told.local_name,
        told.tx_power,
    )
    assert ad_of_fields(turned) == ad_of_fields(told)


def test_what_a_phone_sent_is_told_by_width_and_place() -> None:
    sent = bytes.fromhex(
        "02011a 0303564e 0fffb522b9a665d754fe65e665d76a45 0502aabbccdd 0504 78563412 0308 4161"
    )
    assert fields_of_ad(sent) == AdFields(
        (ANDROID, f"0000bbaa{BASE_UUID_TAIL}", f"0000ddcc{BASE_UUID_TAIL}", f"12345678{BASE_UUID_TAIL}"),
        {0x22B5: ROLLING_ID},
        {},
        "Aa",
        None,
    )


@pytest.mark.parametrize(
    ("octets", "fields"),
    [
        ("", AdFields()),
        ("00", AdFields()),
        ("03ffb5", AdFields()),  # cut
        ("02ffb5", AdFields()),  # no company
        ("03ffb522 0000 03ff4c00", AdFields((), {0x22B5: b""})),  # an early end
        ("04ffb52201 04ffb52202", AdFields((), {0x22B5: b"\x02"})),  # the last of one company
        ("03084142 0309 43", AdFields((), {}, {}, "AB")),  # what follows is cut
        ("03084142 020943", AdFields((), {}, {}, "C")),  # the complete name
        ("0209ff", AdFields((), {}, {}, "\ufffd")),
        ("020a80", AdFields(tx_power=-128)),
        ("030a8000", AdFields()),
        ("0403564e01", AdFields((ANDROID,))),  # ragged
        ("04160a1801", AdFields((), {}, {INFORMATION: b"\x01"})),
        ("0620 0a18000001", AdFields((), {}, {INFORMATION: b"\x01"})),
        ("02160a", AdFields()),
    ],
)
def test_what_is_taken_from_octets(octets: str, fields: AdFields) -> None:
    assert fields_of_ad(bytes.fromhex(octets)) == fields


@given(known_fields)
def test_fields_come_back(fields: AdFields) -> None:
    octets = ad_of_fields(fields, whole=True)
    found = fields_of_ad(octets)
    assert set(found.service_uuids) == set(fields.service_uuids)
    assert (found.manufacturer_data, found.service_data) == (fields.manufacturer_data, fields.service_data)
    assert (found.local_name, found.tx_power) == (fields.local_name, fields.tx_power)
    assert ad_of_fields(found) == octets


@given(st.binary(max_size=80))
def test_whatever_is_taken_is_stable(octets: bytes) -> None:
    once = ad_of_fields(fields_of_ad(octets))
    assert ad_of_fields(fields_of_ad(once)) == once


@pytest.mark.parametrize(
    ("fields", "kept", "reason"),
    [
        (AdFields((IOS.upper(),)), "", "one is no UUID of 128 bits"),
        (AdFields(("4e56",)), "", "one is no UUID of 128 bits"),
        (AdFields((), {}, {"4e56": b"\x01"}), "", "one is no UUID of 128 bits"),
        (AdFields((), {0x10000: b"\x01", 1: b""}), "03ff0100", "one is no company of 16 bits"),
        (AdFields((), {-1: b"\x01"}), "", "one is no company of 16 bits"),
        (AdFields(tx_power=128), "", "the TX power lies outside -128 to 127"),
        (AdFields((), {1: bytes(253)}), "", "one is longer than 254 octets"),
        (AdFields(local_name="\u1ea1" * 85), "ff09" + "e1baa1" * 84, "the name is longer than 254 octets"),
    ],
)
def test_what_does_not_fit_is_left_out_or_refused(fields: AdFields, kept: str, reason: str) -> None:
    assert ad_of_fields(fields).hex() == kept.replace("ff09", "fd09")
    with pytest.raises(ValueError, match=reason):
        ad_of_fields(fields, whole=True)


def test_bluezones_own_finds_room_before_all_else() -> None:
    many = {f"{number:08x}-1111-4111-8111-111111111111": bytes(200) for number in range(20)}
    octets = ad_of_fields(AdFields((ANDROID,), {0x22B5: ROLLING_ID}, many))
    assert octets.startswith(bytes.fromhex("0303564e0fffb522") + ROLLING_ID)
    assert 1400 < len(octets) <= 1650
    with pytest.raises(ValueError, match="or all are than 1650"):
        ad_of_fields(AdFields((ANDROID,), {}, many), whole=True)


def test_long_lists_are_several() -> None:
    octets = ad_of_fields(AdFields(tuple(f"{number:08x}{BASE_UUID_TAIL}" for number in range(130))))
    assert (octets[0], octets[1], octets[256], octets[257], len(octets)) == (0xFF, 3, 7, 3, 264)
    assert len(fields_of_ad(octets).service_uuids) == 130


@given(st.text(max_size=40))
def test_a_name_that_is_no_text_is_no_matter(name: str) -> None:
    assert not is_canonical_uuid(name)
    assert fields_of_ad(ad_of_fields(AdFields(local_name="\ud800" + name))).local_name == "?" + name
