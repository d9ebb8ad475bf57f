"""The offset of two clocks that explains most rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.checks.clock_offsets import ClockOffset, clock_offset

LIMIT_MS = 45_000


def test_no_row_tells_nothing() -> None:
    assert clock_offset([], LIMIT_MS) == ClockOffset(0, 0, 0, (0, 0))
    assert clock_offset([[], [(45_001, 50_000)]], LIMIT_MS) == ClockOffset(0, 0, 0, (0, 0))


def test_most_rows_decide() -> None:
    found = clock_offset([[(2000, 9000)], [(-1000, 3000)], [(2500, 4000)], [(30_000, 40_000)]], LIMIT_MS)
    assert found == ClockOffset(2500, 3000, 3, (2500, 3000))
    assert (found.offset_ms, found.width_ms) == (2500, 500)


def test_all_of_several_that_are_equal_come_into_question() -> None:
    assert clock_offset([[(20_000, 30_000), (-10_000, -5000)]], LIMIT_MS) == ClockOffset(
        -10_000, 30_000, 1, (-10_000, -5000)
    )


def test_a_limit_holds_unless_there_is_none() -> None:
    hour = [[(3_600_000, 3_601_000)]]
    assert clock_offset(hour, LIMIT_MS).rows == 0
    assert clock_offset(hour, None) == ClockOffset(3_600_000, 3_601_000, 1, (3_600_000, 3_601_000))
    assert clock_offset([[(40_000, 90_000)]], LIMIT_MS) == ClockOffset(40_000, 45_000, 1, (40_000, 45_000))


def test_spans_of_one_row_count_once() -> None:
    assert clock_offset([[(0, 10), (5, 20)], [(8, 8)]], LIMIT_MS) == ClockOffset(8, 8, 2, (8, 8))


rows = st.lists(
    st.lists(
        st.tuples(st.integers(-60, 60), st.integers(0, 20)).map(lambda it: (it[0], it[0] + it[1])), max_size=3
    ),
    max_size=6,
)


@given(rows)
def test_no_other_offset_explains_more(spans: list[list[tuple[int, int]]]) -> None:
    found = clock_offset(spans, 50)

    def explained(offset: int) -> int:
        return sum(any(least <= offset <= most for least, most in row) for row in spans)

    most = max(map(explained, range(-50, 51)))
    assert found.rows == most
    if most:
        best = [offset for offset in range(-50, 51) if explained(offset) == most]
        assert (found.least_ms, found.most_ms) == (best[0], best[-1])
        assert all(each in best for each in range(found.nearest[0], found.nearest[1] + 1))
        assert abs(found.offset_ms) == min(map(abs, best))


def test_of_several_that_are_equal_a_whole_quarter_of_an_hour_is_preferred() -> None:
    spans = [(25_020_000, 25_022_000), (25_199_000, 25_201_000), (25_300_000, 25_301_000)]
    found = clock_offset([spans], None, 900_000)
    assert (found.nearest, found.offset_ms) == (spans[1], 25_200_000)
    assert (found.least_ms, found.most_ms) == (25_020_000, 25_301_000)
    assert clock_offset([spans], None).offset_ms == 25_020_000
    behind = clock_offset([[(-each[1], -each[0]) for each in spans]], None, 900_000)
    assert behind.offset_ms == -25_200_000


def test_an_offset_beside_a_quarter_of_an_hour_is_its_nearest_end() -> None:
    assert clock_offset([[(901_000, 903_000), (1_790_000, 1_799_500)]], None, 900_000).offset_ms == 1_799_500
    assert clock_offset([[(901_000, 903_000), (1_790_000, 1_798_000)]], None, 900_000).offset_ms == 901_000
