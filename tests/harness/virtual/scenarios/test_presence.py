"""On-windows cut to when somebody is near, from windows made by hand."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.scenarios.presence import Presence, level_of, near, relayed

pytestmark = pytest.mark.req("BZ-RCV-001")


def window(from_us: int, until_us: int, mark: int = 0) -> SentWindow:
    address = bytes([0x40, 0, 0, 0, 0, mark])
    return SentWindow(from_us, until_us, address, AddressType.RESOLVABLE, PduType.ADV_IND, b"\x00", 100_000)


def test_a_window_ends_where_its_phone_goes_away_and_begins_anew_where_it_comes_back() -> None:
    windows = [window(0, 100, 1), window(0, 100, 2), window(100, 200, 3)]
    found = list(near(windows, [Presence(10, 30, -5), Presence(90, 120, 7)]))
    assert [(each.from_us, each.until_us, each.address[5], each.level) for each in found] == [
        (10, 30, 1, -5),
        (10, 30, 2, -5),
        (90, 100, 1, 7),
        (90, 100, 2, 7),
        (100, 120, 3, 7),
    ]


def test_nobody_near_sends_nothing() -> None:
    assert list(near([window(0, 100)], [])) == []
    assert list(near([window(0, 100)], [Presence(100, 200, 0)])) == []


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 300)), max_size=20),
    st.lists(st.integers(0, 800), max_size=8, unique=True),
)
def test_what_is_near_is_what_was_sent_then(sent: list[tuple[int, int]], edges: list[int]) -> None:
    windows = [window(begin, begin + long, mark) for mark, (begin, long) in enumerate(sorted(sent))]
    ordered = sorted(edges)
    presences = [Presence(*each, 0) for each in zip(ordered[::2], ordered[1::2], strict=False)]
    found = list(near(windows, presences))
    assert [each.from_us for each in found] == sorted(each.from_us for each in found)
    for time_us in range(0, 810, 3):
        is_near = any(each.from_us <= time_us < each.until_us for each in presences)
        expected = sorted(
            each.address for each in windows if is_near and each.from_us <= time_us < each.until_us
        )
        assert sorted(each.address for each in found if each.from_us <= time_us < each.until_us) == expected


def test_a_relay_sends_later_and_from_other_addresses() -> None:
    found = list(relayed([window(0, 100, 1), window(200, 300, 1)], 50, Random(1)))
    assert [(each.from_us, each.until_us, each.ad) for each in found] == [(50, 150, b"\0"), (250, 350, b"\0")]
    assert len({each.address for each in found}) == 2
    assert all(each.address[0] >> 6 == 0b01 for each in found)


def test_a_level_puts_the_rssi_into_the_middle() -> None:
    # a sender's place lies from -48 to -88 dBm: -68 in the middle
    assert [level_of(each) for each in (None, -68, -60, -90)] == [0, 0, 8, -22]
