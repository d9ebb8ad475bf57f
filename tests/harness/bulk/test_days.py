"""The bulk path reads days of simulated phones as the plain path does."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

pytest.importorskip("numba")

from bluezone_harness import bulk
from bluezone_harness.checks.captures import read_capture
from bluezone_harness.sources import open_source
from bluezone_harness.virtual.captures import LinkType, write_btsnoop, write_pcap, write_pcapng
from bluezone_harness.virtual.phones import drawn_phone, simulate
from bluezone_harness.virtual.plans import Plan

pytestmark = pytest.mark.req("BZ-ADV-001")

START_MS = 1_597_046_400_000
HOUR_MS = 3_600_000
SEED = 7
PLATFORMS = ("android", "ios", "android")

WRITERS: dict[str, tuple[Callable[..., int], int]] = {
    "pcap": (lambda packets, file: write_pcap(packets, file), 1),
    "pcap, HCI": (lambda packets, file: write_pcap(packets, file, LinkType.HCI), 1),
    "pcapng": (write_pcapng, 2),
    "btsnoop": (write_btsnoop, 1),
}
"""How each is written, and of how many receivers."""


def assert_equal(form: str, hours: int, phones: int, interval_ms: int) -> int:
    """Read so many hours by both paths, and return how many packets there were."""
    write, receivers = WRITERS[form]
    plans = tuple(
        drawn_phone(f"phone {number}", PLATFORMS[number], START_MS, SEED) for number in range(phones)
    )
    plan = Plan(plans, START_MS, hours * HOUR_MS, 0.1, receivers, phones, interval_ms)
    file = io.BytesIO()
    count = write(simulate(plan, SEED), file)
    file.seek(0)
    found = bulk.read_capture_fast("air", file)
    file.seek(0)
    expected = read_capture(open_source("air", file))
    assert found is not None
    assert found == expected
    assert found.packets == count
    assert list(map(repr, found.folded.sightings)) == list(map(repr, expected.folded.sightings))
    return count


@pytest.mark.parametrize("form", WRITERS)
def test_an_hour_is_equal(form: str) -> None:
    assert assert_equal(form, hours=1, phones=3, interval_ms=500) > 5_000


@pytest.mark.long
def test_ten_days_are_equal() -> None:
    # 28,800 windows of 15 s of each Android phone
    assert assert_equal("pcap", hours=240, phones=2, interval_ms=400) > 1_000_000


@pytest.mark.long
def test_a_day_of_two_receivers_is_equal() -> None:
    assert assert_equal("pcapng", hours=24, phones=2, interval_ms=400) > 100_000
