"""Instants and durations as reports write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import Capability, Extent, duration_text, extent_of, instant_text, least


@pytest.mark.req("BZ-LOG-004")
@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000+00:00"),
        (1_596_866_191_387, "2020-08-08T05:56:31.387+00:00"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999+00:00"),
        (253_402_300_800_000, "253402300800000 ms since 1970"),
        (-(10**20), "-100000000000000000000 ms since 1970"),
    ],
)
def test_instants_are_iso_8601_with_an_offset(time_ms: int, text: str) -> None:
    assert instant_text(time_ms) == text


@pytest.mark.req("BZ-PRV-004")
@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (0, "0 s"),
        (999, "999 ms"),
        (4000, "4 s"),
        (1_065_000, "17 min 45 s"),
        (14 * 86_400_000, "14 d"),
        (86_400_000 + 1000, "1 d"),
        (90_061_001, "1 d 1 h"),
        (-61_000, "-1 min 1 s"),
        (3_600_000 + 5, "1 h"),
    ],
)
def test_durations_have_their_units(duration_ms: int, text: str) -> None:
    assert duration_text(duration_ms) == text


@pytest.mark.req("BZ-PRV-004")
@given(st.integers(-(10**15), 10**15))
def test_every_duration_has_one_or_two_units(duration_ms: int) -> None:
    assert len(duration_text(duration_ms).split()) in (2, 4)


@pytest.mark.req("BZ-LOG-003")
def test_the_capabilities_of_the_radio_are_there_already() -> None:
    radio = {
        "raw_ad",
        "ad_fields",
        "ad_order",
        "address",
        "address_type",
        "pdu_type",
        "channel",
        "crc",
        "interval",
        "rssi",
    }
    radio |= {"scan_response", "gatt", "own_commands", "several_receivers"}
    assert radio < set(Capability)


@pytest.mark.req("BZ-KEY-001", "BZ-PRV-009")
def test_what_a_capture_has_unless_it_says_otherwise() -> None:
    for each in Capability:
        unsaid = Extent.YES if each in (Capability.TRUE_IDS, Capability.WHOLE_AIR) else Extent.NO
        assert extent_of({}, each) is unsaid
        for extent in Extent:
            assert extent_of({each: extent}, each) is extent


@pytest.mark.req("BZ-PRV-009")
def test_the_least_of_some_extents() -> None:
    assert least([]) is Extent.YES
    assert least([Extent.PARTIAL, Extent.YES]) is Extent.PARTIAL
    assert least([Extent.YES, Extent.NO, Extent.PARTIAL]) is Extent.NO
