"""On-windows: runs of adverts of one address and receiver without a pause of more than 5 s."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.checks.windows import on_windows
from bluezone_harness.observations import PduType
from bluezone_harness.sightings import Sighting

START_MS = 1_597_276_800_000
ID = bytes(range(12))

Make = Callable[..., Sighting]


@pytest.mark.req("BZ-ADV-004", "BZ-ADV-005")
@pytest.mark.parametrize(("pause_ms", "expected"), [(0, 1), (5_000, 1), (5_001, 2)])
def test_a_pause_of_more_than_five_seconds_ends_an_on_window(
    sighting: Make, pause_ms: int, expected: int
) -> None:
    first = sighting(START_MS, ID, seconds=3)
    other = sighting(START_MS + 3_000 + pause_ms, bytes(12), seconds=2)
    assert len(on_windows([other, first])) == expected


@pytest.mark.req("BZ-ADV-004")
def test_an_on_window_holds_all_payloads_of_its_address(sighting: Make) -> None:
    advert = sighting(START_MS, ID, seconds=10, number=7)
    response = sighting(START_MS + 20, b"", seconds=12, pdu=PduType.SCAN_RSP, number=8)
    within = sighting(START_MS + 15_000, bytes(12), seconds=1, number=300)
    for order in permutations([advert, response, within]):
        (window,) = on_windows(order)
        assert window.sightings == (advert, response, within)
        assert (window.first_us, window.last_us) == (advert.first_us, within.last_us)
        assert window.count == advert.count + response.count + within.count
        assert (window.source, window.receiver, window.address) == ("capture", "", advert.address)


@pytest.mark.req("BZ-ADV-004")
def test_addresses_receivers_and_sources_have_on_windows_of_their_own(sighting: Make) -> None:
    heard = [
        sighting(START_MS, ID),
        sighting(START_MS, ID, address="4B:00:00:00:00:02"),
        sighting(START_MS, ID, receiver="far"),
        sighting(START_MS, ID, source="other"),
        sighting(START_MS, ID, address=None),
    ]
    assert len(on_windows(heard)) == 5
    assert on_windows([]) == ()


@pytest.mark.req("BZ-ADV-004")
def test_what_begins_at_once_stands_in_the_order_of_its_packets(sighting: Make) -> None:
    first = sighting(START_MS, ID, seconds=1, number=1)
    later = sighting(START_MS + 2_000, ID, seconds=1, number=900)
    second = sighting(START_MS, ID, seconds=9, number=2, address="4B:00:00:00:00:02")
    for order in permutations([first, later, second]):
        assert [window.sightings for window in on_windows(order)] == [(first, later), (second,)]
    # and what one source calls the same packet, by its octets
    low, high = (sighting(START_MS, octets, number=7) for octets in (b"\x02\x01\x02", b"\x02\x01\x06"))
    for alike in permutations([low, high]):
        assert [window.sightings for window in on_windows(alike)] == [(low, high)]


@pytest.mark.req("BZ-ADV-004")
@given(starts=st.lists(st.integers(0, 60), min_size=1, max_size=12), addresses=st.integers(1, 3))
def test_nothing_is_lost_and_order_does_not_matter(sighting: Make, starts: list[int], addresses: int) -> None:
    heard = [
        sighting(
            START_MS + at * 1000, ID, seconds=1, address=f"4B:00:00:00:00:{n % addresses:02X}", number=n + 1
        )
        for n, at in enumerate(starts)
    ]
    windows = on_windows(heard)
    assert windows == on_windows(heard[::-1])
    assert sum(window.count for window in windows) == sum(each.count for each in heard)
    assert sorted(each.first_number for window in windows for each in window.sightings) == list(
        range(1, len(heard) + 1)
    )
