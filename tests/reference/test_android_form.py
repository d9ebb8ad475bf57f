"""The usual form of an Android phone's AdvData, written octet by octet, and all that comes near it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.ad_structures import decode_ad
from bluezone_reference.advertisement import AndroidAdvertisement, advertisement_of, decode_advertisement
from bluezone_reference.android_form import OCTETS, rolling_id_in
from bluezone_reference.errors import MalformedError

pytestmark = pytest.mark.req("BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-011")

# with an id that a real phone sent on 2020-08-08
ID = bytes.fromhex("b9a665d754fe65e665d76a45")
USUAL = bytes.fromhex("020102") + bytes.fromhex("0fffb522") + ID + bytes.fromhex("0303564e")


def test_the_form_of_a_real_phone() -> None:
    assert len(USUAL) == OCTETS
    assert rolling_id_in(USUAL) == ID


@given(st.binary(min_size=12, max_size=12), st.integers(0, 255))
def test_any_id_and_any_flags(rolling_id: bytes, flags: int) -> None:
    octets = b"\x02\x01" + bytes([flags]) + USUAL[3:7] + rolling_id + USUAL[19:]
    assert rolling_id_in(octets) == rolling_id


@pytest.mark.parametrize("place", [place for place in range(23) if place != 2 and not 7 <= place < 19])
def test_another_octet_anywhere_else_is_another_form(place: int) -> None:
    octets = bytearray(USUAL)
    octets[place] ^= 0x10
    assert rolling_id_in(bytes(octets)) is None


@pytest.mark.parametrize(
    "octets",
    [b"", USUAL[:-1], USUAL + b"\0", USUAL[3:], USUAL[:3] + USUAL[19:] + USUAL[3:19], USUAL[3:] + USUAL[:3]],
)
def test_what_is_cut_longer_or_in_another_order_is_another_form(octets: bytes) -> None:
    assert rolling_id_in(octets) is None


def read(octets: bytes, limit: int, *, apart: bool) -> object:
    """Return what AdvData are, or why not; taken apart, or as one would."""
    try:
        return advertisement_of(decode_ad(octets, limit)) if apart else decode_advertisement(octets, limit)
    except MalformedError as error:
        return str(error)


@given(
    st.lists(st.tuples(st.integers(0, 22), st.integers(0, 255)), max_size=2),
    st.integers(-2, 2),
    st.sampled_from([22, 23, 31]),
)
def test_it_is_what_comes_of_it_taken_apart(changes: list[tuple[int, int]], more: int, limit: int) -> None:
    octets = bytearray(USUAL)
    for place, value in changes:
        octets[place] = value
    spoiled = bytes(octets[:more]) if more < 0 else bytes(octets) + bytes(more)
    assert read(spoiled, limit, apart=False) == read(spoiled, limit, apart=True)


def test_what_is_longer_than_may_be_is_refused_in_the_usual_form_too() -> None:
    assert decode_advertisement(USUAL, 23) == AndroidAdvertisement(ID)
    with pytest.raises(MalformedError, match="AdvData of 23 octets, more than 22"):
        decode_advertisement(USUAL, 22)
