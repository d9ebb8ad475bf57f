"""What AD structures say, from octets written by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.cli.ad_types import meaning, type_name
from bluezone_reference.ad_structures import AdStructure


@pytest.mark.parametrize(
    ("ad_type", "data", "text"),
    [
        (0x01, "06", "LE General Discoverable Mode, BR/EDR Not Supported"),
        (0x01, "00", "none set"),
        (0x01, "0100", "LE Limited Discoverable Mode"),
        (0x01, "", ""),
        (0x02, "0a180f18", "0x180A, 0x180F"),
        (0x03, "564e56", ""),
        (0x03, "", ""),
        (0x05, "564e0000", "0x00004E56"),
        (0x07, "67a607add1172fa1c44bf573564e0000", "00004e56-73f5-4bc4-a12f-17d1ad07a667"),
        (0x09, "426c75657a6f6e65", "'Bluezone'"),
        (0x08, "ff0a", "'\ufffd\\n'"),
        (0x0A, "f4", "-12 dBm"),
        (0x0A, "f400", ""),
        (0xFF, "b5220102", "company 0x22B5 (Bluezone), 2 octets: 0102"),
        (0xFF, "4c00", "company 0x004C (Apple), 0 octets: "),
        (0xFF, "e000ff", "company 0x00E0, 1 octets: ff"),
        (0xFF, "e0", ""),
        (0x16, "0102", ""),
    ],
)
def test_what_the_data_say(ad_type: int, data: str, text: str) -> None:
    assert meaning(AdStructure(0, ad_type, bytes.fromhex(data))) == text


@pytest.mark.parametrize(
    ("ad_type", "name"),
    [
        (0x01, "Flags"),
        (0x16, "Service Data - 16-bit UUID"),
        (0xFF, "Manufacturer Specific Data"),
        (0, "not assigned"),
    ],
)
def test_ad_types_by_name(ad_type: int, name: str) -> None:
    assert type_name(ad_type) == name


@given(st.integers(0, 255), st.binary(max_size=29))
def test_every_structure_can_be_shown(ad_type: int, data: bytes) -> None:
    assert meaning(AdStructure(0, ad_type, data)).isprintable()
