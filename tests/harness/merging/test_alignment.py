"""What is told of captures that are moved to one clock, and that verdicts are the same as of one clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest

from bluezone_harness.checks.alignment import aligned, offset_text
from bluezone_harness.checks.captures import Capture
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.merging import (
    Agreement,
    ClockOffset,
    shifted,
)
from bluezone_harness.profiles import profiles_of
from bluezone_harness.sightings import Folded, Sighting, fold
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared
from bluezone_spec.model import Specification

pytestmark = pytest.mark.req("BZ-ADV-001")

MS = 1000
S = 1_000_000
Clock = Callable[[int], int]
Lives = list[tuple[int, int, int, bytes]]
Live = Callable[..., Lives]
Listen = Callable[..., Folded]
Fold = Callable[[Iterable[Sighting]], Folded]
Send = Callable[..., Sighting]
Ahead = Callable[..., Clock]
Offset = Callable[..., ClockOffset]
HeardFor = Callable[[int], Capture]


def named(name: str, heard: Folded) -> Capture:
    return Capture(name, "00", "pcap", {}, heard.adverts, False, (), heard)


def test_captures_are_judged_by_the_clock_of_the_first(lives: Live, listened: Listen, ahead: Ahead) -> None:
    drawn = random.Random(23)
    what = lives(30, drawn)
    captures = [
        named("a", listened(what, ahead(0), drawn)),
        named("b", listened(what, ahead(-12 * S), drawn)),
        named("c", listened(what, ahead(0), drawn)),
        named("d", listened([*lives(20, drawn), *what[:5]], ahead(0), drawn)),
    ]
    one, other, same, unknown = aligned(captures)
    assert (one, same) == (captures[0], captures[2])
    (told,) = other.diagnostics
    assert (told.source, told.offset, told.severity) == ("b", None, "info")
    assert told.message.startswith(("its clock is 12 s ", "its clock is 11 s "))
    assert told.message.endswith("; its times are shifted by that")
    ours, theirs = (
        {each.ad: each.first_us for each in reversed(capture.folded.sightings)} for capture in (one, other)
    )
    assert len(ours) == 91
    assert all(abs(theirs[ad] - first_us) < S for ad, first_us in ours.items())
    # what is left as it is says so; the phone that both always heard is one of six
    (told,) = unknown.diagnostics
    assert unknown.folded is captures[3].folded
    assert (told.source, told.offset, told.severity) == ("d", None, "info")
    assert told.message == (
        "by how much its clock differs from that of a is not sure: 6 addresses were heard by both"
    )
    assert aligned(captures[:1]) == (captures[0],)
    assert aligned([]) == ()


@pytest.fixture(scope="session")
def heard_for(sent_between: Send, folded: Fold) -> Callable[[int], Capture]:
    """Return a function from seconds after 1970 to a capture that ends then."""

    def hear(seconds: int) -> Capture:
        found = folded([sent_between(b"a", b"x", 0, seconds * S, 100 * MS)])
        first_us = found.first_us or 0
        moved = tuple(replace(each, first_us=0, last_us=each.last_us - first_us) for each in found.sightings)
        return named("b", replace(found, sightings=moved, first_us=0, last_us=seconds * S))

    return hear


def test_how_an_offset_is_written(heard_for: HeardFor, offset: Offset) -> None:
    reference = named("a", fold("a", []))
    once = ClockOffset((Agreement(5 * S, 3_000_999, 2_500, 17),))
    assert offset_text(reference, heard_for(9), once) == (
        "its clock is 3 s 1 ms ahead of that of a at 1970-01-01T00:00:05.000+00:00 "
        "(from 17 addresses that both heard, to 3 ms)"
    )
    # seven hours and more from the only time at which it is known
    assert offset_text(reference, heard_for(30_000), once).endswith(
        "to 3 ms; at other times it may be 14 s 699 ms off)"
    )
    twice = offset((5, -739, 2), (1000, 0, 4))
    assert offset_text(reference, heard_for(9), twice) == (
        "its clock is 739 ms behind that of a at 1970-01-01T00:00:05.000+00:00, 0 s ahead of it at "
        "1970-01-01T00:16:40.000+00:00 (known at 2 times, from 9 addresses that both heard, to 4 ms; "
        "at other times it may be 743 ms off)"
    )
    fast, slow = (
        offset((0, 5, 3), (1000, 105, 3), (2000, 205, 3)),
        offset((0, 0, 3), (1000, -40, 3), (2000, -80, 3)),
    )
    assert "; it goes 100 ppm faster, give or take 3" in offset_text(reference, heard_for(9), fast)
    assert "; it goes 40 ppm slower, give or take 3" in offset_text(reference, heard_for(9), slow)
    hardly = ClockOffset(
        (Agreement(0, 0, 1, 9), Agreement(4_000 * S, 2_000, 1, 9), Agreement(8_000 * S, 4_000, 1, 9))
    )
    assert "faster" in offset_text(reference, heard_for(9), hardly)
    unsure = offset((0, 5, 3), (1000, 6, 3), (2000, 7, 3))
    assert "ppm" not in offset_text(reference, heard_for(9), unsure)


def test_nothing_can_be_off_where_nothing_was_heard(offset: Offset) -> None:
    empty = named("b", fold("b", []))
    assert "off" not in offset_text(empty, empty, offset((5, 9, 2)))


@pytest.mark.long
@pytest.mark.req("BZ-PRV-003", "BZ-PRV-005", "BZ-KEY-010")
@pytest.mark.usefixtures("short_search")
@pytest.mark.parametrize("offset_us", [-200 * S, 20 * S])
def test_two_receivers_judge_as_one_clock_does(
    offset_us: int, specification: Specification, capture_of: Callable[[Plan, int], Capture]
) -> None:
    start_ms = 1_597_147_200_000
    phones = tuple(drawn_phone(f"phone {number}", "android", start_ms, number) for number in range(10))
    plan = prepared(Plan(phones, start_ms, 3 * 3_600_000, loss=0.3, receivers=2, interval_ms=800), 1)
    capture = capture_of(plan, 1)
    receivers = sorted({each.receiver for each in capture.folded.sightings})
    parts = [
        replace(
            capture,
            name=name,
            folded=replace(
                capture.folded,
                sightings=tuple(
                    replace(each, source=name) for each in capture.folded.sightings if each.receiver == name
                ),
            ),
        )
        for name in receivers
    ]
    moved = replace(parts[1], folded=shifted(parts[1].folded, ClockOffset((Agreement(0, -offset_us, 0, 9),))))
    (_, back) = aligned([parts[0], moved])
    assert len(back.diagnostics) == len(parts[1].diagnostics) + 1
    assert back.diagnostics[-1].message.startswith("its clock is ")

    def verdicts(captures: Sequence[Capture], device: bytes | None) -> dict[str, str]:
        file = None if device is None else read_device_file("device.json", device)
        result = judge(specification, profiles_of(specification)["v3"], [], file, "check", captures)
        return {each.id: str(each.verdict) for each in result.requirements}

    for device in (device_file(plan.phones[:1]), None):
        together = verdicts(parts, device)
        assert "fail" not in together.values()
        assert verdicts([parts[0], back], device) == together
        # within the tolerance nothing fails either where the clocks are left as they are
        if abs(offset_us) <= 45 * S:
            assert "fail" not in verdicts([parts[0], moved], device).values()
