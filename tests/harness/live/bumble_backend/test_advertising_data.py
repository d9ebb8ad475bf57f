"""AdvData in bleak's terms, against literal octets, scapy's writer, and any octets at all."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bluezone_harness.live.bumble_backend.advertising_data import AdContent, ad_content

pytestmark = pytest.mark.req("BZ-ADV-001")

NEAR = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
NEAR_OCTETS = "67a607add1172fa1c44bf573564e0000"
BASE = "-0000-1000-8000-00805f9b34fb"


def content(octets: str) -> AdContent:
    return ad_content(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("octets", "services"),
    [
        ("05 02 564e 0d18", ["00004e56" + BASE, "0000180d" + BASE]),
        ("03 03 564e", ["00004e56" + BASE]),
        ("05 04 78563412", ["12345678" + BASE]),
        ("05 05 78563412", ["12345678" + BASE]),
        ("11 06" + NEAR_OCTETS, [NEAR]),
        ("11 07" + NEAR_OCTETS, [NEAR]),
        ("03 03 564e 03 02 564e", ["00004e56" + BASE]),
        ("04 03 564e 0d", ["00004e56" + BASE]),  # what is left over of a list is no UUID
        ("01 03", []),
    ],
)
def test_service_uuids_of_each_size(octets: str, services: list[str]) -> None:
    assert list(content(octets).services) == services


@pytest.mark.parametrize(
    ("octets", "key", "value"),
    [
        ("05 16 564e aabb", "00004e56" + BASE, "aabb"),
        ("06 20 78563412 aa", "12345678" + BASE, "aa"),
        ("12 21" + NEAR_OCTETS + "aa", NEAR, "aa"),
        ("03 16 564e", "00004e56" + BASE, ""),
    ],
)
def test_service_data_of_each_size(octets: str, key: str, value: str) -> None:
    assert content(octets).service_data == {key: bytes.fromhex(value)}


@pytest.mark.parametrize(
    "octets", ["02 16 56", "04 20 785634", "03 21 67a6", "02 ff b5", "01 ff", "01 0a", "03 0a 0102"]
)
def test_structures_too_short_or_long_for_their_kind_say_nothing(octets: str) -> None:
    assert content(octets) == AdContent()


def test_of_several_of_a_kind_the_later_wins() -> None:
    found = content(
        "04ffb52201 04ffb52202 04ff4c0003 0308 4142 0309 4344 020a04 020afc 0416564e01 0416564e02"
    )
    assert found.manufacturer == {0x22B5: b"\x02", 0x4C: b"\x03"}
    assert (found.name, found.tx_power) == ("CD", -4)
    assert found.service_data == {"00004e56" + BASE: b"\x02"}


@pytest.mark.parametrize("damage", ["", "00", "000000", "05", "0509", "ff", "00 03034444"])
def test_what_is_whole_before_the_damage_counts(damage: str) -> None:
    assert content("020a04 0303564e" + damage) == AdContent(None, {}, {}, ("00004e56" + BASE,), 4)


@given(st.binary(max_size=300))
@example(bytes(31))
def test_any_octets_are_read(octets: bytes) -> None:
    found = ad_content(octets)
    assert len(found.services) == len(set(found.services))
    assert sum(map(len, found.manufacturer.values())) <= len(octets)


def _scapy() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scapy imports old ciphers, of which cryptography warns
        from scapy.layers import bluetooth
    return bluetooth


@given(
    name=st.text(max_size=8),
    company=st.integers(0, 0xFFFF),
    data=st.binary(max_size=12),
    uuids=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=4, unique=True),
    power=st.integers(-128, 127),
)
def test_reads_what_scapy_writes(name: str, company: int, data: bytes, uuids: list[int], power: int) -> None:
    layers = _scapy()
    name = name.rstrip("\x00")
    parts = [
        layers.EIR_Hdr() / layers.EIR_CompleteLocalName(local_name=name.encode()),  # type: ignore[attr-defined] # scapy
        layers.EIR_Hdr() / layers.EIR_CompleteList16BitServiceUUIDs(svc_uuids=uuids),  # type: ignore[attr-defined] # scapy
        layers.EIR_Hdr() / layers.EIR_TX_Power_Level(level=power),  # type: ignore[attr-defined] # scapy
        layers.EIR_Hdr() / layers.EIR_Manufacturer_Specific_Data(company_identifier=company) / data,  # type: ignore[attr-defined] # scapy
    ]
    found = ad_content(b"".join(bytes(part) for part in parts))
    assert found == AdContent(name, {company: data}, {}, tuple(f"{each:08x}{BASE}" for each in uuids), power)


def test_the_later_adds_to_the_earlier_and_replaces_its_values() -> None:
    earlier = content("03094142 020a04 04ffb52201 04ff4c0002 0303564e 0416564e01")
    later = content("04ffb52209 05030d18564e 04160d1802")
    together = earlier.with_later(later)
    assert together == AdContent(
        "AB",
        {0x22B5: b"\x09", 0x4C: b"\x02"},
        {"00004e56" + BASE: b"\x01", "0000180d" + BASE: b"\x02"},
        ("00004e56" + BASE, "0000180d" + BASE),
        4,
    )
    assert earlier.manufacturer[0x22B5] == b"\x01"
    assert later.with_later(earlier).manufacturer[0x22B5] == b"\x01"
