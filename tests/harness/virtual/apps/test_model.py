"""When an app scans, and what is drawn of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.virtual.apps.model import AppPlan, drawn_app, scan_spans
from bluezone_harness.virtual.plans import PhonePlan

PHONE = PhonePlan("app", "android", bytes(range(32)), 0)


def test_scan_windows_of_the_published_schedule() -> None:
    # 40 s on, 260 s off, the first whole one 100 s after the start
    app = AppPlan(PHONE, phase_ms=100_000)
    assert list(scan_spans(app, 0, 600_000)) == [(100_000, 140_000), (400_000, 440_000)]
    # one that began before the start lasts on; one is cut by the end
    app = AppPlan(PHONE, phase_ms=280_000)
    assert list(scan_spans(app, 0, 300_000)) == [(0, 20_000), (280_000, 300_000)]


def test_open_and_continuous() -> None:
    app = AppPlan(PHONE, 150_000, 5_000)
    assert list(scan_spans(app, 0, 320_000)) == [(0, 150_000), (155_000, 305_000), (310_000, 320_000)]
    assert list(scan_spans(AppPlan(PHONE, 1, 0), 5, 99)) == [(5, 99)]


@given(
    on_ms=st.integers(1, 400_000),
    off_ms=st.integers(0, 400_000),
    phase_ms=st.integers(0, 900_000),
    lasts_ms=st.integers(1, 2_000_000),
)
def test_windows_lie_in_order_within_what_is_asked(
    on_ms: int, off_ms: int, phase_ms: int, lasts_ms: int
) -> None:
    spans = list(scan_spans(AppPlan(PHONE, on_ms, off_ms, phase_ms), 1_000, 1_000 + lasts_ms))
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(1_000 <= edge <= 1_000 + lasts_ms for edge in edges)
    assert all(0 < until_ms - from_ms <= (lasts_ms if not off_ms else on_ms) for from_ms, until_ms in spans)
    # of each whole period so much is scanned
    whole = lasts_ms // (on_ms + off_ms) if off_ms else 0
    assert sum(until_ms - from_ms for from_ms, until_ms in spans) >= whole * on_ms


@pytest.mark.parametrize(("on_ms", "off_ms"), [(0, 1), (1, -1)])
def test_no_schedule(on_ms: int, off_ms: int) -> None:
    with pytest.raises(ValueError, match="scans for at least 1 ms"):
        AppPlan(PHONE, on_ms, off_ms)


def test_the_same_seed_draws_the_same_app() -> None:
    first, again, other = (drawn_app("ios", 1_600_000_000_000, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.phone.base_id != other.phone.base_id
    assert first.phone.platform == "ios"
    assert 0 <= first.phase_ms < 300_000
    assert drawn_app("ios", 1_600_000_000_000, 1, scan_off_ms=0).phase_ms == 0


def test_the_clock_of_an_app() -> None:
    app = AppPlan(PhonePlan("app", "android", bytes(32), 0, offset_ms=-3_000))
    assert app.clock_ms(5_000_999) == 2_000
