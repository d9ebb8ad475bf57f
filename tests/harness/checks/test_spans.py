"""How long something was heard, measured by the clocks that heard it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_harness.checks.heard import HeardId
from bluezone_harness.checks.spans import change_seen, least_length_us, sure_until_us
from bluezone_harness.checks.subjects import Rules
from bluezone_harness.observations import AddressType

FIRST, SECOND = b"first id 12o", b"second id 12"

Making = Callable[[str], Rules]


def made(first_us: int, last_us: int, octets: bytes = FIRST, receiver: str = "") -> HeardId:
    address = bytes.fromhex("4b0000000001")
    return HeardId(
        octets, False, "capture", receiver, address, AddressType.RESOLVABLE, first_us, last_us, 1, 1
    )


@pytest.mark.req("BZ-PRV-004")
def test_between_two_clocks_45_s_are_taken_off(rules: Making) -> None:
    by_one = [made(0, 10), made(100_000_000, 100_000_001)]
    assert least_length_us(by_one, rules("v3")) == 100_000_001
    by_two = [made(0, 10), replace(made(100_000_000, 100_000_001), receiver="b")]
    assert least_length_us(by_two, rules("v3")) == 55_000_001
    near = [made(0, 10), replace(made(20, 2000), source="b")]
    assert least_length_us(near, rules("v3")) == 1980


@pytest.mark.req("BZ-PRV-003", "BZ-PRV-004")
def test_of_what_is_told_late_5_s_are_taken_off(rules: Making) -> None:
    short, long = made(0, 4_000_000), made(0, 20_000_000)
    assert [sure_until_us(each, ()) for each in (short, long)] == [4_000_000, 20_000_000]
    assert [sure_until_us(each, {"capture"}) for each in (short, long)] == [0, 15_000_000]
    assert sure_until_us(replace(long, source="other"), {"capture"}) == 20_000_000
    assert least_length_us([made(1_000_000, 9_000_000)], rules("v3"), {"capture"}) == 3_000_000
    assert (
        least_length_us([long, replace(made(1, 18_000_000), source="b")], rules("v3"), {"capture"})
        == 17_999_999
    )


@pytest.mark.req("BZ-PRV-001")
def test_a_change_is_seen_by_one_clock_in_time() -> None:
    def changed(*heard: HeardId) -> bool:
        return change_seen(heard, lambda each: each.octets, 1000)

    assert changed(made(0, 10), made(1010, 1020, SECOND))
    assert not changed(made(0, 10), made(1011, 1020, SECOND))
    assert not changed(made(0, 10), made(20, 30))
    assert not changed(made(0, 10), made(20, 30, SECOND, "b"))
    # what lasted longest is what gives way
    assert changed(made(0, 5000), made(10, 20), made(5500, 5600, SECOND))
    assert not changed()
