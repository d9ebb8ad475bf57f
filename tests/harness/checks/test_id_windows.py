"""On-windows by their id: which are one, and whose beginning counts as heard, a reason against it at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.id_windows import IdWindow, address_text, id_windows
from bluezone_harness.observations import Capability, Extent
from bluezone_harness.sightings import Sighting

START_MS = 1_597_276_800_000
ID, OTHER_ID = bytes(range(12)), bytes(range(1, 13))
FIRST, SECOND = "4B:00:00:00:00:01", "4B:00:00:00:00:02"

Make = Callable[..., Sighting]
Captured = Callable[..., Capture]


@pytest.fixture
def last_of(sighting: Make, capture: Captured) -> Callable[..., IdWindow]:
    """Return a function to the last on-window of a phone heard for 15 s, and for 15 s again 30 s later.

    By name: ``longest_ms``; what the capture is (``captured``), what the two are made of (``before``, ``then``); and
    more sightings in between (``between``).
    """

    def make(
        *,
        longest_ms: int = 0,
        captured: Mapping[str, Any] | None = None,
        before: Mapping[str, Any] | None = None,
        then: Mapping[str, Any] | None = None,
        between: tuple[Sighting, ...] = (),
    ) -> IdWindow:
        first = {"time_ms": START_MS, "sent": ID, "address": FIRST, **(before or {})}
        second = {"time_ms": START_MS + 30_000, "sent": OTHER_ID, "address": SECOND, **(then or {})}
        heard = [sighting(**first), *between, sighting(**second)]
        return id_windows(heard, [capture(heard, **(captured or {}))], longest_ms * 1000)[-1]

    return make


# --- what counts as a beginning that was heard


@pytest.mark.req("BZ-ADV-004", "BZ-KEY-006")
def test_a_beginning_is_heard_where_nothing_speaks_against_it(
    sighting: Make, capture: Captured, last_of: Callable[..., IdWindow]
) -> None:
    window = last_of()
    assert window.start_seen
    # 150 adverts in 15 s: 149 times from one to the next, of which ten may be lost
    assert window.missed_ms == 10 * (15_000_000 // 149) // 1000 == 1006
    alone = sighting(START_MS, ID)
    (first,) = id_windows([alone], [capture([alone])], 0)
    assert not first.start_seen  # nobody knows that the phone was in range
    assert id_windows([], [], 0) == ()


@pytest.mark.req("BZ-ADV-004")
@pytest.mark.parametrize(("start_ms", "seen"), [(START_MS + 75_000, True), (START_MS + 75_001, False)])
def test_the_phone_was_in_range_within_the_minute_before(
    last_of: Callable[..., IdWindow], start_ms: int, seen: bool
) -> None:
    assert last_of(then={"time_ms": start_ms}).start_seen is seen


@pytest.mark.req("BZ-ADV-004")
def test_the_latest_of_those_before_tells_that_it_was_in_range(
    sighting: Make, last_of: Callable[..., IdWindow]
) -> None:
    within = sighting(START_MS + 1_000, bytes(12), address="4B:00:00:00:00:03", seconds=2)
    assert last_of(then={"time_ms": START_MS + 75_000}, between=(within,)).start_seen


@pytest.mark.req("BZ-ADV-004")
@pytest.mark.parametrize(("from_ms", "seen"), [(25_000, True), (25_001, False)])
def test_the_capture_ran_in_the_five_seconds_before(
    last_of: Callable[..., IdWindow], from_ms: int, seen: bool
) -> None:
    assert last_of(captured={"from_ms": START_MS + from_ms}).start_seen is seen


@pytest.mark.req("BZ-ADV-004")
@pytest.mark.parametrize(
    ("gap", "seen"),
    [
        ((20_000, 25_000), True),
        ((20_000, 25_001), False),
        ((27_000, 28_000), False),
        ((29_999, 31_000), False),
        ((30_000, 31_000), True),
    ],
)
def test_a_gap_in_the_five_seconds_before_speaks_against_it(
    last_of: Callable[..., IdWindow], gap: tuple[int, int], seen: bool
) -> None:
    gaps = [(START_MS + gap[0], START_MS + gap[1])]
    assert last_of(captured={"gaps": gaps}).start_seen is seen


@pytest.mark.req("BZ-ADV-004")
@pytest.mark.parametrize(("since_ms", "seen"), [(25_000, True), (25_001, False), (None, False)])
def test_of_several_receivers_the_one_that_heard_it_had_listened(
    sighting: Make, capture: Captured, since_ms: int | None, seen: bool
) -> None:
    heard = [
        sighting(START_MS, ID, address=FIRST),
        sighting(START_MS + 30_000, OTHER_ID, address=SECOND, receiver="late"),
    ]
    alone = capture([replace(each, receiver="late") for each in heard])
    if since_ms is not None:
        stranger = sighting(START_MS + since_ms, bytes(12), address="4B:00:00:00:00:03", receiver="late")
        both = capture([*heard, stranger])
    else:
        both = capture(heard)

    def last(captured: Capture) -> IdWindow:
        several = {**captured.capabilities, Capability.SEVERAL_RECEIVERS: Extent.YES}
        return id_windows(heard, [replace(captured, capabilities=several)], 0)[-1]

    assert last(both).start_seen is seen
    assert last(alone).start_seen
    assert id_windows(heard, [both], 0)[-1].start_seen  # who shows one receiver has one


@pytest.mark.req("BZ-ADV-004")
def test_only_a_capture_that_shows_each_advert_and_heard_it_tells(last_of: Callable[..., IdWindow]) -> None:
    assert not last_of(captured={"without": [Capability.INTERVAL]}).start_seen
    assert not last_of(captured={"name": "another"}).start_seen


@pytest.mark.req("BZ-ADV-004")
@pytest.mark.parametrize(("adverts", "seen"), [(3, False), (4, True)])
def test_enough_adverts_were_heard_to_know_the_pace(
    last_of: Callable[..., IdWindow], adverts: int, seen: bool
) -> None:
    few = {"seconds": adverts / 10}
    assert last_of(then=few).start_seen is seen
    # and of most of the phone's on-windows: of two, of one is not most
    assert last_of(before=few).start_seen is seen


@pytest.mark.req("BZ-ADV-004")
def test_the_slower_of_its_own_pace_and_the_usual_one_tells_what_was_missed(
    last_of: Callable[..., IdWindow],
) -> None:
    assert last_of(then={"every_ms": 1000}).missed_ms == 10 * (15_000_000 // 14) // 1000
    assert last_of(before={"every_ms": 1000}).missed_ms == 10 * (15_000_000 // 14) // 1000


@pytest.mark.req("BZ-ADV-004", "BZ-PRV-009")
@pytest.mark.parametrize(("until_s", "seen"), [(29.999, True), (30, False)])
def test_an_id_that_another_address_still_sends_has_no_beginning_there(
    last_of: Callable[..., IdWindow], until_s: float, seen: bool
) -> None:
    assert last_of(before={"sent": OTHER_ID, "seconds": until_s, "every_ms": 50}).start_seen is seen


@pytest.mark.req("BZ-ADV-004")
@pytest.mark.parametrize(("since_ms", "seen"), [(5_001, True), (4_999, False)])
def test_what_goes_on_from_the_same_address_has_no_beginning_there(
    sighting: Make, capture: Captured, since_ms: int, seen: bool
) -> None:
    """The pause between them must be longer than lost adverts explain: here ten adverts of 100 ms, and 5 s at least."""
    before = sighting(START_MS, ID, address=FIRST)
    after = sighting(START_MS + 15_000 + since_ms, ID, address=FIRST)
    windows = id_windows([before, after], [capture([before, after])], 0)
    assert len(windows) == 1 + seen
    assert windows[-1].start_seen is seen
    # ten adverts a second apart are longer than five seconds
    before, after = (
        sighting(START_MS + at_ms, ID, address=FIRST, every_ms=1000) for at_ms in (0, 15_000 + since_ms)
    )
    assert not id_windows([before, after], [capture([before, after])], 0)[-1].start_seen


@pytest.mark.req("BZ-ADV-004")
def test_lost_adverts_explain_as_much_as_was_missed_and_no_more(sighting: Make, capture: Captured) -> None:
    for pause_ms, seen in ((10_714, False), (10_715, True)):  # ten times 1 071 428 microseconds
        heard = [
            sighting(START_MS + at_ms, ID, address=FIRST, every_ms=1000) for at_ms in (0, 15_000 + pause_ms)
        ]
        assert id_windows(heard, [capture(heard)], 0)[-1].start_seen is seen
    # to the microsecond as much: 14 times 1 071 375, and ten times more
    heard = [
        sighting(START_MS, ID, address=FIRST, every_ms=1000, seconds=14.99925),
        sighting(START_MS + 25_713, ID, address=FIRST),
    ]
    assert not id_windows(heard, [capture(heard)], 0)[-1].start_seen


# --- which are one


@pytest.mark.req("BZ-ADV-005")
@pytest.mark.parametrize(("pause_ms", "count"), [(-10_000, 1), (5_000, 1), (5_001, 2)])
def test_what_two_receivers_heard_is_one_on_window(
    sighting: Make, capture: Captured, pause_ms: int, count: int
) -> None:
    near = sighting(START_MS, ID, receiver="near")
    far = sighting(START_MS + 15_000 + pause_ms, ID, receiver="far", seconds=3)
    windows = id_windows([far, near], [capture([near, far])], 0)
    assert len(windows) == count
    assert (windows[0].first_us, windows[0].run_us) == (near.first_us, near.first_us)
    assert windows[-1].last_us == max(near.last_us, far.last_us)
    assert sum((window.sightings for window in windows), ()) == (near, far)


@pytest.mark.req("BZ-ADV-005")
@pytest.mark.parametrize(("longest_ms", "count"), [(44_999, 2), (45_000, 1)])
def test_what_lost_adverts_have_split_is_one_while_it_lasts_no_longer_than_one_may(
    sighting: Make, capture: Captured, longest_ms: int, count: int
) -> None:
    parts = [sighting(START_MS + at_ms, ID, address=FIRST) for at_ms in (0, 30_000)]
    windows = id_windows(parts, [capture(parts)], longest_ms * 1000)
    assert len(windows) == count
    assert windows[-1].run_us == parts[1].first_us
    assert windows[-1].last_us == parts[1].last_us
    # where no address is told, nobody knows whether a new start brought a new one
    unknown = [sighting(START_MS + at_ms, ID, address=None) for at_ms in (0, 30_000)]
    assert len(id_windows(unknown, [capture(unknown)], longest_ms * 1000)) == 2
    # several addresses are several
    moved = [parts[0], sighting(START_MS + 30_000, ID, address=SECOND)]
    assert len(id_windows(moved, [capture(moved)], longest_ms * 1000)) == 2


@pytest.mark.req("BZ-ADV-005")
def test_a_split_one_counts_from_its_last_split_and_from_its_first_beginning(
    sighting: Make, capture: Captured
) -> None:
    parts = [sighting(START_MS + at_ms, ID, address=FIRST) for at_ms in (0, 30_000, 60_000)]
    (window,) = id_windows(parts[::-1], [capture(parts)], 75_000_000)
    assert (window.first_us, window.run_us, window.last_us) == (
        parts[0].first_us,
        parts[2].first_us,
        parts[2].last_us,
    )
    assert (window.first_ms, window.last_ms, window.length_ms) == (START_MS, START_MS + 75_000, 75_000)
    assert window.sightings == tuple(parts)
    first, second = id_windows(parts, [capture(parts)], 74_999_000)
    assert (first.length_ms, second.length_ms) == (45_000, 15_000)
    # the next one is joined to the last, not to the first
    parts.append(sighting(START_MS + 90_000, ID, address=FIRST))
    assert [each.length_ms for each in id_windows(parts, [capture(parts)], 45_000_000)] == [45_000, 45_000]


@pytest.mark.req("BZ-ADV-005")
def test_an_id_that_takes_over_within_an_on_window_is_marked(sighting: Make, capture: Captured) -> None:
    old = sighting(START_MS, ID, address=FIRST)
    new = sighting(START_MS + 15_000, OTHER_ID, address=FIRST)
    again = sighting(START_MS + 31_000, ID, address=FIRST, seconds=1)
    windows = id_windows([new, again, old], [capture([old, new, again])], 0)
    assert [(window.rolling_id, window.changed) for window in windows] == [(ID, False), (OTHER_ID, True)]
    assert windows[0].last_us == again.last_us
    # one receiver heard both ids, another the new one alone: it is marked all the same, whoever heard it first
    for at_ms in (14_000, 16_000):
        alone = sighting(START_MS + at_ms, OTHER_ID, address=FIRST, receiver="far")
        found = id_windows([old, new, alone], [capture([old, new, alone])], 0)
        assert [(window.rolling_id, window.changed) for window in found] == [(ID, False), (OTHER_ID, True)]


@pytest.mark.req("BZ-ADV-003")
def test_what_carries_no_rolling_id_is_passed_over(sighting: Make, capture: Captured) -> None:
    odd = sighting(START_MS, b"\x02\x01\x02\x0e\xff\xb5\x22" + bytes(11) + b"\x03\x03\x56\x4e", address=FIRST)
    bare = sighting(START_MS, b"\x02\x01\x06", address=FIRST)
    good = sighting(START_MS + 1_000, ID, address=FIRST)
    (window,) = id_windows([odd, bare, good], [capture([odd, bare, good])], 0)
    assert (window.sightings, window.changed) == ((good,), False)


@pytest.mark.req("BZ-ADV-004")
def test_on_windows_come_in_the_order_in_which_they_begin(sighting: Make, capture: Captured) -> None:
    heard = [
        sighting(START_MS, OTHER_ID, address=FIRST, seconds=2),
        sighting(START_MS, ID, address=SECOND, seconds=2),
        sighting(START_MS, ID, address=FIRST, seconds=1),
        sighting(START_MS - 1, OTHER_ID, address=SECOND),
    ]
    windows = id_windows(heard, [capture(heard)], 0)
    assert [(window.address, window.rolling_id) for window in windows] == [
        (bytes.fromhex(address.replace(":", "")), sent)
        for address, sent in ((SECOND, OTHER_ID), (FIRST, ID), (SECOND, ID), (FIRST, OTHER_ID))
    ]


# --- what it says


@pytest.mark.req("BZ-ADV-005")
def test_evidence_points_at_the_first_packet_and_counts_them_all(sighting: Make, capture: Captured) -> None:
    heard = [
        sighting(START_MS, ID, address=FIRST, number=7, receiver="near"),
        sighting(START_MS + 16_000, ID, address=FIRST, number=400, receiver="near"),
    ]
    (window,) = id_windows(heard, [capture(heard)], 0)
    found = window.evidence()
    assert (found.number, found.time_ms, found.receiver) == (7, START_MS, "near")
    assert found.octets == heard[0].ad
    assert found.text == f"{ID.hex().upper()} from {FIRST}: 300 adverts in 31 s"


def test_an_address_is_written_as_people_do() -> None:
    assert address_text(bytes.fromhex("4b0a110000ff")) == "4B:0A:11:00:00:FF"
    assert address_text(None) == "no address"
