"""Pseudonyms: consistent, of the same form, and with nothing left of what they stand for."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Event,
    Gap,
    GattRead,
    PduType,
    random_address_type,
)
from bluezone_harness.writing.pseudonyms import Pseudonyms
from bluezone_reference.ad_structures import EXTENDED_AD_OCTETS, intact_structures
from bluezone_reference.name_obfuscation import is_static_id, obfuscate, reveal

KEY = bytes(range(32))
ID = bytes.fromhex("00112233445566778899aabb")
PRIVATE = Pseudonyms(KEY)


def drawn(domain: bytes, octets: bytes) -> bytes:
    """Return what the key draws, by the standard library's long form."""
    message = bytes([len(domain)]) + domain + b"\x00\x00" + octets
    return hmac.new(KEY, message, hashlib.sha256).digest()


@pytest.mark.req("BZ-ADV-003")
def test_an_advert_octet_by_octet() -> None:
    ad = bytes.fromhex("020102") + b"\x0f\xff\xb5\x22" + ID + bytes.fromhex("0303564e0000")
    new = drawn(b"octets", ID)[:12]
    assert PRIVATE.ad(ad) == bytes.fromhex("020102") + b"\x0f\xff\xb5\x22" + new + bytes.fromhex(
        "0303564e0000"
    )
    read = GattRead(1, 2, "hci0", None, None, "", "00004E56-73F5-4BC4-A12F-17D1AD07A689", ID)
    private = PRIVATE.of(read)
    assert isinstance(private, GattRead)
    assert (private.value, private.characteristic) == (new, read.characteristic)  # one id, one pseudonym
    assert private.receiver == f"receiver-{drawn(b'receiver', b'hci0')[:4].hex()}"


@pytest.mark.req("BZ-PRV-002")
@given(st.binary(min_size=6, max_size=6))
def test_an_address_keeps_its_type(address: bytes) -> None:
    private = PRIVATE.address(address)
    assert random_address_type(private) is random_address_type(address)
    assert private[1:] == drawn(b"address", address)[1:6]
    assert Pseudonyms(KEY[::-1]).address(address) != private


@pytest.mark.req("BZ-ADV-001")
@given(st.binary(max_size=64))
@example(b"\x00\x00\x05\x01")
@example(b"\x02\x01\x06\x05\x09ab")
@example(b"\x05")
def test_adv_data_keep_their_structure_and_their_damage(ad: bytes) -> None:
    private = PRIVATE.ad(ad)
    before, damage = intact_structures(ad, EXTENDED_AD_OCTETS)
    after, same = intact_structures(private, EXTENDED_AD_OCTETS)
    assert len(private) == len(ad)
    assert [(each.offset, each.ad_type, len(each.data)) for each in after] == [
        (each.offset, each.ad_type, len(each.data)) for each in before
    ]
    assert (damage and (damage.code, damage.offset)) == (same and (same.code, same.offset))
    assert PRIVATE.ad(ad) == private


@pytest.mark.req("BZ-PRV-002")
@pytest.mark.parametrize(
    "ad_type",
    sorted({*range(256)} - {0x01, 0x02, 0x03, 0x0A, 0x0D, 0x11, 0x12, 0x14, 0x19, 0x1A, 0x1C, 0x2F}),
)
def test_nothing_of_an_id_is_left_whatever_it_stands_in(ad_type: int) -> None:
    secret = bytes.fromhex("f1e2d3c4b5a697887969")
    for ad in (bytes([11, ad_type]) + secret, bytes([30, ad_type]) + secret):
        private = PRIVATE.ad(ad)
        # what stays of data may be a company (2 octets), or a UUID of 16 bits
        assert not any(secret[at : at + 4] in private for at in range(len(secret) - 3))


@pytest.mark.req("BZ-ADV-009", "BZ-PRV-008")
def test_names_and_static_ids() -> None:
    assert PRIVATE.ad(b"\x09\x09Bluezone") == b"\x09\x09Bluezone"
    name = PRIVATE.ad(b"\x0b\x09Ann's radio"[:12])[2:]
    assert (name.isalpha(), name.islower(), len(name)) == (True, True, 10)
    hidden = PRIVATE.ad(b"\x0b\x09" + obfuscate("Ab3xY9", 2, 5).encode())[2:].decode()
    assert is_static_id(reveal(hidden))
    assert reveal(hidden) != "Ab3xY9"
    assert (hidden[0], hidden[-1]) == ("2", "5")
    android = PRIVATE.ad(b"\x09\xff\xb5\x22Ab3xY9")
    assert android == b"\x09\xff\xb5\x22" + reveal(hidden).encode()  # one id, one pseudonym


@pytest.mark.req("BZ-ADV-010")
def test_of_iphones_the_field_of_services_stays_and_no_other_becomes_one() -> None:
    field = b"\x14\xff\x4c\x00\x01" + b"\x08" + bytes(15)
    assert PRIVATE.ad(field) == field
    for number in range(300):
        private = PRIVATE.ad(b"\x14\xff\x4c\x00\x10" + number.to_bytes(16, "big"))
        assert private[:5] == b"\x14\xff\x4c\x00\x10"
        assert private[5:] == drawn(b"octets", number.to_bytes(16, "big"))[:16]


@pytest.mark.req("BZ-ADV-002")
def test_uuids() -> None:
    ours = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
    assert PRIVATE.uuid(ours) == ours
    assert PRIVATE.uuid("0000fd6f-0000-1000-8000-00805f9b34fb").startswith("0000fd6f")
    other = "12345678-1234-1234-1234-123456789abc"
    assert PRIVATE.uuid(other) not in ("", other)
    assert PRIVATE.uuid("") == ""
    on_air = bytes.fromhex(ours.replace("-", ""))[::-1]
    assert PRIVATE.ad(b"\x11\x07" + on_air) == b"\x11\x07" + on_air
    private = PRIVATE.ad(b"\x11\x07" + bytes.fromhex(other.replace("-", ""))[::-1])[2:]
    assert private[::-1].hex() == PRIVATE.uuid(other).replace("-", "")
    assert PRIVATE.ad(b"\x09\x05\x56\x4e\x00\x00\x01\x02\x03\x04")[:6] == b"\x09\x05\x56\x4e\x00\x00"


@pytest.mark.req("BZ-PRV-002")
def test_addresses_wherever_they_stand() -> None:
    address = bytes.fromhex("C1A2A3A4A5A6")
    private = PRIVATE.address(address)
    advert = Advert(1, 2, "", address, AddressType.STATIC, PduType.ADV_IND, b"", -60, 37)
    told = PRIVATE.of(advert)
    assert isinstance(told, Advert)
    assert (told.address, told.receiver, told.rssi) == (private, "", -60)
    assert PRIVATE.ad(b"\x08\x1b" + address[::-1] + b"\x01") == b"\x08\x1b" + private[::-1] + b"\x01"
    assert PRIVATE.ad(b"\x07\x17" + address[::-1]) == b"\x07\x17" + private[::-1]

    def asked(name: str, octets: bytes) -> bytes | None:
        found = PRIVATE.of(Asked(1, 2, "", name, octets))
        return found.octets if isinstance(found, Asked) else None

    assert asked("HCI_LE_Set_Random_Address", address[::-1]) == private[::-1]
    assert (
        asked("HCI_LE_Set_Advertising_Set_Random_Address", b"\x03" + address[::-1]) == b"\x03" + private[::-1]
    )
    quiet = bytes(15)
    assert asked("HCI_LE_Set_Advertising_Parameters", quiet) == quiet  # no peer
    directed = bytes(7) + address[::-1] + b"\x07\x00"
    assert asked("HCI_LE_Set_Advertising_Parameters", directed) == bytes(7) + private[::-1] + b"\x07\x00"
    assert asked("HCI_LE_Unheard_Of", address) is None
    assert asked("HCI_LE_Set_Random_Address", b"\x01\x02") == drawn(b"octets", b"\x01\x02")[:2]
    session = Event(1, 2, "disconnect", {"address": "C1:A2:A3:A4:A5:A6", "reason": "Ann left"})
    told_event = PRIVATE.of(session)
    assert isinstance(told_event, Event)
    assert told_event.fields == {"address": private.hex(":").upper()}
    assert PRIVATE.of(Event(1, 2, "push", {"text": "Ann"})) == Event(1, 2, "push", {})
    assert PRIVATE.of(Gap(1, 2, 3)) == Gap(1, 2, 3)


@pytest.mark.req("BZ-PRV-002")
def test_adv_data_in_commands() -> None:
    ad = b"\x0f\xff\xb5\x22" + ID
    legacy = Asked(1, 2, "", "HCI_LE_Set_Advertising_Data", bytes([16]) + ad + bytes(15))
    told = PRIVATE.of(legacy)
    assert isinstance(told, Asked)
    assert told.octets == bytes([16]) + PRIVATE.ad(ad) + bytes(15)
    whole = PRIVATE.of(Asked(1, 2, "", "HCI_LE_Set_Extended_Advertising_Data", b"\x00\x03\x01\x10" + ad))
    assert isinstance(whole, Asked)
    assert whole.octets == b"\x00\x03\x01\x10" + PRIVATE.ad(ad)
    # the second piece of several begins anywhere
    piece = PRIVATE.of(Asked(1, 2, "", "HCI_LE_Set_Extended_Advertising_Data", b"\x00\x02\x01\x0c" + ID))
    assert isinstance(piece, Asked)
    assert piece.octets == b"\x00\x02\x01\x0c" + drawn(b"octets", ID)[:12]
    # what follows the data is hidden too
    junk = PRIVATE.of(Asked(1, 2, "", "HCI_LE_Set_Advertising_Data", b"\x00" + ID))
    assert isinstance(junk, Asked)
    assert junk.octets == b"\x00" + drawn(b"octets", ID)[:12]


@pytest.mark.req("BZ-PRV-002")
def test_a_key_that_can_be_tried_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 octets, not 15"):
        Pseudonyms(bytes(15))
    assert len(Pseudonyms(bytes(16)).id_octets(bytes(1650))) == 1650


@pytest.mark.req("BZ-PRV-008")
def test_what_is_no_static_id_does_not_become_one_by_chance() -> None:
    # one in 5000 of six octets drawn at random is made of letters and digits alone
    chances = [number.to_bytes(6, "big") for number in range(60_000)]
    found = [
        each
        for each in chances
        if drawn(b"octets", each)[:6].isalnum() and drawn(b"octets", each)[:6].isascii()
    ]
    assert found
    for octets in found:
        private = PRIVATE.id_octets(octets)
        assert (len(private), is_static_id(private.decode("latin-1"))) == (6, False)
        assert private == PRIVATE.id_octets(octets)
