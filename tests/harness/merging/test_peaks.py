"""Windows in which many addresses agree, and how probable it is that they do so by chance."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.merging.differences import Difference, Kind
from bluezone_harness.merging.peaks import Window, chance, counted, densest

pytestmark = pytest.mark.req("BZ-ADV-001")


def differences(*found: tuple[int, int]) -> list[Difference]:
    return sorted(Difference(each, address, 0, Kind.ADVERT) for each, address in found)


def test_the_window_that_scores_most_counts_a_busy_address_once() -> None:
    busy = [(each, 1) for each in range(10)]
    many = [(1000 + each, 10 + each) for each in range(6)]
    found = differences(*busy, *many)
    assert densest(found, 9, 1) == Window(10, 16, 6)
    assert densest(found, 9, 100) == Window(0, 10, 10)
    assert densest(found, 9, 1, [Window(10, 16, 6)]) == Window(0, 10, 1)
    assert densest(found, 3, 1) == Window(10, 14, 4)
    assert densest([], 9, 1) == Window(0, 0, 0)


def test_how_many_of_one_address_count_is_told_by_the_others() -> None:
    found = differences(*[(each, address) for address in range(8) for each in range(5)], *[(5, 8)] * 40)
    assert counted(found, 10, 8) == 10
    assert counted(found, 10, 10) == 0
    assert counted(differences(*[(0, address) for address in range(9)]), 10, 8) == 4


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), addresses=st.integers(1, 60))
def test_chance_is_not_underrated(seed: int, addresses: int) -> None:
    drawn = random.Random(seed)
    reach_us = 2_000_000
    found = differences(*((drawn.randrange(reach_us), drawn.randrange(addresses)) for _ in range(3000)))
    window = densest(found, 1000, 4)
    assert chance(found, window, 1000, reach_us) > 1e-6


def test_what_is_no_chance_is_improbable() -> None:
    drawn = random.Random(19)
    background = [(drawn.randrange(2_000_000), address) for address in range(20) for _ in range(40)]
    same = [(1_000_000 + drawn.randrange(1000), address) for address in range(20)]
    found = differences(*background, *same)
    window = densest(found, 1000, 4)
    assert abs(found[window.first].difference_us - 1_000_000) < 1000
    assert chance(found, window, 1000, 2_000_000) < 1e-9
