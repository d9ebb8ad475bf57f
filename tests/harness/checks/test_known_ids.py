"""What a device file explains: where it is searched, and which other schedules are tried."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from bluezone_harness.checks.known_ids import KnownIds, Variant, known_ids
from bluezone_harness.checks.schedules import Place
from bluezone_harness.evidence.device_files import Base, Device
from bluezone_reference.profiles import V3

DAY_MS = 86_400_000
SLOT_MS = 900_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)

OwnId = Callable[..., bytes]


def at(day: int, slot: int = 0) -> int:
    return BASE_DAY_MS + day * DAY_MS + slot * SLOT_MS


def device(*base_ids: bytes) -> Device:
    return Device(
        "phone", "android", "", None, tuple(Base(each, BASE_DAY_MS, None) for each in base_ids), (), ()
    )


def known(*days: int) -> KnownIds:
    return known_ids(device(BASE_ID), V3, [at(day) + 5_000 for day in days])


def subkey(day: int, salt: bytes = b"bluzonesubkey", slot: int = 0) -> bytes:
    """Return a subkey by hashlib alone."""
    key = BASE_ID
    for _ in range(day):
        key = sha256(key).digest()
    key = sha256(key + salt).digest()
    for _ in range(slot):
        key = sha256(key).digest()
    return key


def misspelt(day: int, slot: int = 0, salt: bytes = b"bluezonesubkey") -> bytes:
    return bytes(subkey(day, salt, slot)[position] for position in POSITIONS)


@pytest.mark.req("BZ-KEY-010")
@pytest.mark.parametrize(("day", "found"), [(3, False), (4, True), (20, True), (36, True), (37, False)])
def test_ids_of_two_weeks_around_the_evidence_are_known(own_id: OwnId, day: int, found: bool) -> None:
    """A schedule itself looks two days further, on both sides."""
    place = known(20).place(own_id(at(day, 7)))
    assert place == (Place(0, day, 7, at(day)) if found else None)
    assert known(20).explains(own_id(at(day, 7))) is found


@pytest.mark.req("BZ-KEY-004")
@pytest.mark.parametrize(
    ("day", "found"), [(0, True), (1, False), (18, False), (19, True), (20, True), (21, True), (22, False)]
)
def test_other_salts_are_tried_for_the_days_of_the_evidence_and_the_base_day(day: int, found: bool) -> None:
    for slot in (0, 143):
        variant = known(20).variant(misspelt(day, slot))
        assert (variant is not None and variant.requirement == "BZ-KEY-004") is found
        assert known(20).explains(misspelt(day, slot)) is found
    assert known(20).variant(misspelt(day, 144)) is None


@pytest.mark.req("BZ-KEY-004")
def test_what_is_said_tells_the_salt() -> None:
    none = known(20).variant(misspelt(20, 3, b""))
    assert none == Variant("BZ-KEY-004", "without the salt")
    other = known(20).variant(misspelt(20, 3))
    assert other == Variant("BZ-KEY-004", "with the salt spelt bluezonesubkey")


@pytest.mark.req("BZ-KEY-005")
@pytest.mark.parametrize(("day", "found"), [(0, True), (18, False), (19, True), (21, True), (22, False)])
def test_other_octets_are_tried_for_the_same_days(day: int, found: bool) -> None:
    expected = Variant("BZ-KEY-005", "made of other octets of the subkeys, or in another order")
    assert known(20).variant(subkey(day, slot=95)[:12]) == (expected if found else None)


@pytest.mark.req("BZ-KEY-005")
def test_few_different_octets_are_found_in_a_subkey_by_chance() -> None:
    octets = sorted(set(subkey(20)))
    assert known(20).variant(bytes([*octets[:8], *octets[:4]])) is None
    assert known(20).variant(bytes([*octets[:9], *octets[:3]])) is not None


@pytest.mark.req("BZ-KEY-004")
def test_of_long_evidence_the_first_days_are_tried() -> None:
    long = known(*range(20, 80))
    assert long.variant(misspelt(19)) is not None
    assert long.variant(misspelt(19 + 39)) is not None
    assert long.variant(misspelt(19 + 40)) is None


@pytest.mark.req("BZ-ADV-003")
def test_a_part_of_an_id_is_explained_as_its_beginning_or_with_it(own_id: OwnId) -> None:
    octets = own_id(at(20, 7))
    assert known(20).explains_part(octets[:6])
    assert known(20).explains_part(octets + b"\x00")
    assert not known(20).explains_part(octets[1:7])
    assert not known(20).explains_part(own_id(at(37))[:6])


@pytest.mark.req("BZ-KEY-001", "F-15")
def test_the_empty_base_id_explains_its_ids_where_the_device_file_names_it() -> None:
    first = sha256(b"bluzonesubkey").digest()
    octets = bytes(first[position] for position in POSITIONS)
    assert known_ids(device(b""), V3, [at(20)]).explains(octets)
    assert not known(20).explains(octets)


@pytest.mark.req("BZ-KEY-001")
def test_a_device_file_without_a_schedule_explains_nothing(own_id: OwnId) -> None:
    unusable = known_ids(device(bytes(31)), V3, [at(20)])
    assert unusable.schedule.unusable
    assert not unusable.explains(own_id(at(20), base_id="00" * 32))
    assert unusable.variant(subkey(20)[:12]) is None
