"""What is said of a clock at some times, and what follows for others: between them, beyond them, by way of a third."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness import merging
from bluezone_harness.merging import (
    KNOWN_FOR_US,
    SAME_CLOCK,
    Agreement,
    ClockOffset,
    by_way,
)

pytestmark = pytest.mark.req("BZ-ADV-001")

MS = 1000
S = 1_000_000
Offset = Callable[..., ClockOffset]


def test_an_offset_goes_from_agreement_to_agreement(offset: Offset) -> None:
    found = offset((1000, 0, 5), (1100, 100, 7), (1200, 100, 9))
    assert [found.at(time * S) for time in (0, 1000, 1025, 1050, 1100, 1150, 9999)] == [
        0, 0, 25 * MS, 50 * MS, 100 * MS, 100 * MS, 100 * MS,
    ]  # fmt: skip
    for time_us in range(900 * S, 1300 * S, 7 * S):
        assert abs(found.reference_us(time_us + found.at(time_us)) - time_us) <= 1
    assert (found.offset_us, found.uncertainty_us) == (100 * MS, 105 * MS)
    # what lies between may be either
    assert found.uncertainty_at(1050 * S) == 107 * MS
    assert found.uncertainty_at(1150 * S) == 9 * MS
    # ten minutes on, it is known no more
    end_us = 1200 * S + KNOWN_FOR_US
    assert found.uncertainty_at(end_us) == 9 * MS
    assert found.uncertainty_at(end_us + 1000 * S) == 509 * MS
    assert found.uncertainty_at(1000 * S - KNOWN_FOR_US - 1000 * S) == 505 * MS
    assert (SAME_CLOCK.at(5), SAME_CLOCK.reference_us(5), SAME_CLOCK.uncertainty_at(5)) == (0, 5, 0)
    assert (SAME_CLOCK.offset_us, SAME_CLOCK.uncertainty_us, SAME_CLOCK.drift) == (0, 0, None)


def test_a_drift_is_a_line_through_at_least_three_agreements(offset: Offset) -> None:
    line = offset((0, 5, 3), (1000, 105, 3), (2000, 205, 3), (4000, 405, 3))
    assert line.drift is not None
    assert (round(line.drift.ppm, 6), line.drift.uncertainty_ppm) == (100, 1.5)
    assert offset((0, 5, 3), (1000, 105, 3)).drift is None
    assert offset((0, 5, 3), (1000, 105, 3), (2000, 195, 3), (4000, 405, 3)).drift is None
    slower = offset((0, 5, 9), (1000, -95, 9), (2000, -194, 9))
    assert slower.drift is not None
    assert -101 < slower.drift.ppm < -98


def test_a_clock_of_a_clock(offset: Offset) -> None:
    first, second = offset((1000, 10_000, 2), (3000, 12_000, 2)), offset((1010, -500, 3), (2011, -600, 4))
    found = by_way(first, second)
    assert [(each.time_us, each.offset_us) for each in found.agreements] == [
        (1000 * S, 9500 * MS),
        (2000 * S, 10_400 * MS),
    ]
    # between agreements of the first clock either may be right, and more, as the nearest is 1000 s away
    assert [each.uncertainty_us for each in found.agreements] == [2005 * MS, 2206 * MS]
    assert by_way(SAME_CLOCK, second) == second


def test_agreements_go_forth_by_both_clocks() -> None:
    later = [Agreement(10, 0, 5, 9), Agreement(20, -15, 5, 9), Agreement(20, 0, 6, 9), Agreement(30, 0, 5, 9)]
    assert merging.clocks.in_order(reversed(later)) == (later[0], later[2], later[3])
