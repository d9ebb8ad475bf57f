"""Ids as they were heard: joined, read, and measured by the clocks that heard them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.heard import heard_ids, ids_of, local_names, on_air
from bluezone_harness.checks.heard_text import of_heard
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.observations import AddressType, GattRead, PduType
from bluezone_harness.sightings import Sighting

TIME_MS = 1_596_931_200_000
FIRST, SECOND = b"first id 12o", b"second id 12"
# constructed: aB3xY9 with p = 2, q = 5
OLD_NAME = b"\x0b\x092aBY3xYB95"
OLD_IPHONE = bytes.fromhex("020106110767A607ADD1172FA1C44BF573F4390AE2")
OLD_ANDROID = bytes.fromhex("02010209FFB522614233785939110789A807ADD1172FA1C44BF573F4390AE2")
IPHONE = bytes.fromhex("02011A110767A607ADD1172FA1C44BF573564E0000")

Sight = Callable[..., Sighting]
Making = Callable[[str], Rules]


@pytest.mark.req("BZ-PRV-001", "BZ-ADV-003")
def test_a_pause_of_more_than_5_s_and_another_id_begin_anew(sighting: Sight, rules: Making) -> None:
    sightings = [
        sighting(TIME_MS, FIRST, number=10),
        sighting(TIME_MS + 20_000, FIRST, seconds=1, number=20),  # a pause of 5 s
        sighting(TIME_MS + 26_001, FIRST, seconds=1, number=30),  # one of 5.001 s
        sighting(TIME_MS + 20_000, SECOND, seconds=1, number=40),
    ]
    found = heard_ids(sightings, rules("v3"))
    assert [(each.octets, each.first_number, each.count) for each in found] == [
        (FIRST, 10, 160),
        (SECOND, 40, 10),
        (FIRST, 30, 10),
    ]
    assert (found[0].first_us, found[0].last_us) == (TIME_MS * 1000, (TIME_MS + 21_000) * 1000)
    assert not any(each.static for each in found)


@pytest.mark.req("BZ-PRV-009")
def test_receivers_sources_and_addresses_are_kept_apart(sighting: Sight, rules: Making) -> None:
    one = sighting(TIME_MS, FIRST)
    others = [replace(one, receiver="b"), replace(one, source="b"), replace(one, address=bytes(6))]
    assert len(heard_ids([one, *others], rules("v3"))) == 4
    assert len(heard_ids([one, replace(one, pdu=PduType.ADV_EXT_IND)], rules("v3"))) == 1


@pytest.mark.req("BZ-PRV-004", "F-21")
def test_static_ids_are_ids_too_wherever_they_stand(sighting: Sight, rules: Making) -> None:
    android = sighting(TIME_MS, OLD_ANDROID)
    iphone = sighting(TIME_MS + 1, OLD_IPHONE, address="5A:00:00:00:00:01")
    name = replace(iphone, pdu=PduType.SCAN_RSP, ad=OLD_NAME)
    stranger = replace(name, address=bytes(6))
    found = heard_ids([android, iphone, name, stranger], rules("v3"))
    assert [(each.octets, each.static, each.address) for each in found] == [
        (b"aB3xY9", True, android.address),
        (b"aB3xY9", True, iphone.address),
    ]
    assert of_heard(found[0]).text.startswith(
        "static id aB3xY9 (v1) from 4B:00:00:00:00:01: 150 adverts in 15 s"
    )
    nameless = replace(name, ad=b"\x04\x09abc")
    assert len(heard_ids([iphone, nameless], rules("v3"))) == 0


@pytest.mark.req("BZ-ADV-001", "BZ-PRV-008")
def test_what_is_cut_or_silent_carries_nothing(sighting: Sight, rules: Making) -> None:
    whole = sighting(TIME_MS, FIRST)
    cut = [replace(whole, ad=(whole.ad or b"")[:length]) for length in range(22)]
    assert heard_ids([*cut, replace(whole, ad=None)], rules("v3")) == ()
    assert local_names(replace(whole, ad=b"\x03\x09\xff!")) == ("\ufffd!",)


@pytest.mark.req("BZ-PRV-001", "BZ-GAT-002")
def test_reads_count_where_the_phone_sent_from_their_address(
    sighting: Sight, rules: Making, capture: Callable[..., Capture]
) -> None:
    iphone = sighting(TIME_MS, IPHONE, address="5A:00:00:00:00:01")
    assert iphone.address is not None
    right = GattRead(
        7,
        TIME_MS * 1000 + 5,
        "lab",
        iphone.address,
        AddressType.RESOLVABLE,
        "",
        "00004E56-73F5-4BC4-A12F-17D1AD07A689",
        FIRST,
    )
    reads = (
        right,
        replace(right, characteristic="", value=SECOND),
        replace(right, characteristic="00002a00-0000-1000-8000-00805f9b34fb"),
        replace(right, value=FIRST[:6]),
        replace(right, address=bytes(6)),
        replace(right, address=None),
    )
    evidence = capture([iphone])
    evidence = replace(evidence, folded=replace(evidence.folded, reads=reads))
    subject = Subject("phone", None, (), captures=(evidence,), sightings=(iphone,))
    found = ids_of(subject, rules("v3"))
    assert [(each.octets, each.address, each.first_number, each.source, each.receiver) for each in found] == [
        (FIRST, iphone.address, 7, "capture", "lab"),
        (SECOND, iphone.address, 7, "capture", "lab"),
    ]


@pytest.mark.req("BZ-PRV-002")
def test_an_identity_was_not_on_the_air() -> None:
    assert on_air(bytes(6), None)
    assert on_air(bytes(6), AddressType.PUBLIC)
    assert not on_air(bytes(6), AddressType.PUBLIC_IDENTITY)
    assert not on_air(bytes(6), AddressType.RANDOM_IDENTITY)
    assert not on_air(None, None)


@pytest.mark.req("BZ-PRV-001")
@given(data=st.data())
def test_nothing_is_lost_and_nothing_depends_on_order(
    sighting: Sight, rules: Making, data: st.DataObject
) -> None:
    starts = data.draw(st.lists(st.integers(0, 120), min_size=1, max_size=12))
    sightings = [
        sighting(
            TIME_MS + start * 1000,
            data.draw(st.sampled_from([FIRST, SECOND])),
            seconds=data.draw(st.integers(0, 20)),
            address=data.draw(st.sampled_from(["4B:00:00:00:00:01", "4B:00:00:00:00:02", None])),
            receiver=data.draw(st.sampled_from(["a", "b"])),
        )
        for start in starts
    ]
    found = heard_ids(sightings, rules("v3"))
    assert found == heard_ids(data.draw(st.permutations(sightings)), rules("v3"))
    assert sum(each.count for each in found) == sum(each.count for each in sightings)
    for each in found:
        same = [
            other
            for other in found
            if (other.octets, other.address, other.receiver) == (each.octets, each.address, each.receiver)
        ]
        assert all(
            other is each
            or other.first_us > each.last_us + 5_000_000
            or other.last_us < each.first_us - 5_000_000
            for other in same
        )
