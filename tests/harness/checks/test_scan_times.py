"""How many adverts lie within scans at the worst phase, against counting them one by one at every phase."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.checks.scan_times import (
    CONTINUOUS,
    SCAN_EDGES_MS,
    ScanSchedule,
    SentSpan,
    Stretch,
    enough_adverts,
    least_adverts,
    stretches,
)

CLOSED = ScanSchedule(40_000, 260_000)
EVERY_MS = 105.0


def test_132_adverts_are_enough() -> None:
    assert enough_adverts(90, 1_000_000) == 132
    assert 0.9**132 <= 1e-6 < 0.9**131
    assert enough_adverts(50, 1024) == 10
    assert enough_adverts(0, 1_000_000) == 1
    assert enough_adverts(90, 1) == 0


def test_a_schedule_knows_its_period() -> None:
    assert (CLOSED.period_ms, CLOSED.counted_ms, CLOSED.is_continuous) == (300_000, 39_000, False)
    assert (CONTINUOUS.is_continuous, ScanSchedule(500, 500).counted_ms) == (True, 0)


@pytest.mark.parametrize(
    ("from_ms", "until_ms", "adverts"),
    [
        (0, 300_000, 371),  # one whole scan of 39 s, 105 ms apart
        (0, 261_000, 0),  # a pause, and what does not count of two scans
        (0, 261_105, 1),
        (7, 600_007, 742),
        (0, 0, 0),
    ],
)
def test_the_worst_phase_counts(from_ms: int, until_ms: int, adverts: int) -> None:
    assert least_adverts([SentSpan(from_ms, until_ms, EVERY_MS)], CLOSED) == adverts


def test_windows_may_all_fall_into_pauses() -> None:
    windows = [SentSpan(start, start + 15_000, EVERY_MS) for start in range(0, 900_000, 30_000)]
    # 39 s hold one window of 15 s at least, three times
    assert least_adverts(windows, CLOSED) == 3 * 142
    assert least_adverts(windows[:1], CLOSED) == 0
    assert least_adverts([], CLOSED) == 0
    assert least_adverts(windows, ScanSchedule(1000, 1000)) == 0


def test_who_never_pauses_hears_all() -> None:
    assert least_adverts([SentSpan(0, 132 * 105, EVERY_MS)], CONTINUOUS) == 132
    assert least_adverts([SentSpan(0, 132 * 105 - 1, EVERY_MS)], CONTINUOUS) == 131


def test_spans_are_cut_to_a_time() -> None:
    span = SentSpan(10, 20, EVERY_MS)
    assert span.within(0, 15) == SentSpan(10, 15, EVERY_MS)
    assert span.within(20, 30) is None


spans = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(1, 1500)).map(lambda it: SentSpan(it[0], sum(it), 1.0)),
    max_size=4,
)


@given(spans, st.integers(1, 400), st.integers(1, 600))
def test_no_phase_has_fewer(found: list[SentSpan], counted_ms: int, off_ms: int) -> None:
    """At one advert a millisecond nothing is rounded: the least of all phases, counted one by one."""
    scans = ScanSchedule(counted_ms + SCAN_EDGES_MS, off_ms)
    period_ms = scans.period_ms

    def heard(phase: int) -> int:
        whole = 0
        for span in found:
            for start in range(
                (span.from_ms - phase) // period_ms - 1, (span.until_ms - phase) // period_ms + 2
            ):
                scan_from = phase + start * period_ms
                whole += max(0, min(span.until_ms, scan_from + counted_ms) - max(span.from_ms, scan_from))
        return whole

    assert least_adverts(found, scans) == min(map(heard, range(period_ms)), default=0)


def test_stretches_follow_one_another() -> None:
    found = list(stretches([SentSpan(0, 900_000, EVERY_MS)], CLOSED, 132, 5000))
    assert found == [
        Stretch(0, 300_000, 371),
        Stretch(305_000, 605_000, 371),
        Stretch(610_000, 900_000, 276),
    ]
    every = list(stretches([SentSpan(0, 60_000, EVERY_MS)], CONTINUOUS, 132))
    assert every == [Stretch(n * 15_000, (n + 1) * 15_000, 142) for n in range(4)]


@pytest.mark.parametrize(("length_ms", "known"), [(274_860, 1), (274_859, 0)])
def test_131_adverts_make_no_stretch(length_ms: int, known: int) -> None:
    # 261 s of pause, and 13.86 s of 132 adverts
    assert len(list(stretches([SentSpan(0, length_ms, EVERY_MS)], CLOSED, 132))) == known


def test_what_was_sent_first_may_be_too_little() -> None:
    late = 86_400_000
    found = [SentSpan(0, 20_000, EVERY_MS), SentSpan(late, late + 300_000, EVERY_MS)]
    assert list(stretches(found, CLOSED, 132)) == [Stretch(late, late + 300_000, 371)]
    assert list(stretches([], CLOSED, 132)) == []


def test_a_stretch_is_no_longer_than_alarms_are_sure() -> None:
    # each span holds some adverts at any phase, but it takes hours to come to 132
    seldom = [SentSpan(hour * 3_600_000, hour * 3_600_000 + 263_000, EVERY_MS) for hour in range(24)]
    assert least_adverts(seldom, CLOSED) > 132
    assert list(stretches(seldom, CLOSED, 132)) == []
