"""Adverts folded by the thousand: what rests goes on, nothing depends on when, and memory is that of what was heard."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Event,
    Gap,
    GattRead,
    Observation,
    PduType,
)
from bluezone_harness.sightings import PAUSE_US, Gathering, Sighting, columns, fold, folding

pytestmark = pytest.mark.req("BZ-ADV-004", "BZ-ADV-008")

AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
START_US = 1_596_866_191_000_000

times_us = st.one_of(
    st.integers(0, 20_000_000),
    st.integers(PAUSE_US - 1, PAUSE_US + 1),
    st.integers(0, 400_000_000),
)
adverts = st.lists(
    st.tuples(
        times_us,
        st.sampled_from(["", "left"]),
        st.sampled_from([None, b"\x40\0\0\0\0\1", b"\x40\0\0\0\0\2"]),
        st.sampled_from([None, AddressType.RESOLVABLE]),
        st.sampled_from([None, PduType.ADV_IND, PduType.SCAN_RSP]),
        st.sampled_from([None, b"", AD]),
        st.one_of(st.none(), st.integers(-128, 127)),
        st.one_of(st.none(), st.integers(0, 39)),
    ),
    max_size=60,
)


def sighting_of(source: str, members: list[Advert]) -> Sighting:
    """Return what these adverts are together, straight from the definition."""
    first, last = members[0], members[-1]
    rssi = [each.rssi for each in members if each.rssi is not None]
    intervals_us = [after.time_us - before.time_us for before, after in pairwise(members)]
    return Sighting(
        source,
        first.receiver,
        first.address,
        first.address_type,
        first.pdu,
        first.ad,
        first.time_us,
        last.time_us,
        first.number,
        last.number,
        len(members),
        min(rssi, default=None),
        sum(rssi) / len(rssi) if rssi else None,
        max(rssi, default=None),
        frozenset(each.channel for each in members if each.channel is not None),
        min(intervals_us, default=None),
        median_low([each // 1000 for each in intervals_us]) * 1000 if intervals_us else None,
    )


def by_definition(source: str, heard: list[Advert]) -> list[Sighting]:
    runs: list[list[Advert]] = []
    latest: dict[tuple[object, ...], list[Advert]] = {}
    for each in heard:
        key = (each.receiver, each.address, each.address_type, each.pdu, each.ad)
        run = latest.get(key)
        if run is None or not 0 <= each.time_us - run[-1].time_us <= PAUSE_US:
            run = latest[key] = []
            runs.append(run)
        run.append(each)
    return sorted(
        (sighting_of(source, each) for each in runs), key=lambda each: (each.first_us, each.first_number)
    )


@given(adverts, st.sampled_from([1, 2, 5]), st.sampled_from([1, 3, 4096]))
def test_sightings_are_as_defined_whatever_rests(
    drawn: list[tuple[object, ...]], fewest_open: int, block: int
) -> None:
    heard = [
        Advert(number, START_US + each[0], *each[1:])  # type: ignore[operator, arg-type]  # as drawn
        for number, each in enumerate(drawn, start=1)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "_FEWEST_OPEN", fewest_open)
        patch.setattr(folding, "_FEWEST_UNUSED", 2)
        patch.setattr(columns, "BLOCK", block)
        found = fold("air", heard).sightings
        assert list(found) == by_definition("air", heard)
        assert [found[place] for place in range(len(found))] == list(found)


def test_what_rests_goes_on_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "_FEWEST_OPEN", 1)

    def heard(number: int, second: int, last: int) -> Advert:
        address = bytes([0x40, 0, 0, 0, 0, last])
        return Advert(number, START_US + second * 1_000_000, "", address, None, None, AD, -number, 37)

    # 1 rests when 3 comes up long after it, and is heard again by a clock that was set back
    adverts = [
        heard(1, 0, 1),
        heard(2, 1, 1),
        heard(3, 500, 3),
        heard(4, 600, 4),
        heard(5, 4, 1),
        heard(6, 5, 4),
    ]
    first, *others = fold("air", adverts).sightings
    assert (first.first_number, first.last_number, first.count) == (1, 5, 3)
    assert (first.rssi_mean, first.interval_min_us, first.interval_median_us) == (
        -8 / 3,
        1_000_000,
        1_000_000,
    )
    assert [(each.first_number, each.count) for each in others] == [(6, 1), (3, 1), (4, 1)]


def many(phones: int, adverts_of_each: int) -> Iterator[Advert]:
    """Yield adverts of phones that come one after the other, and go."""
    for phone in range(phones):
        name = phone.to_bytes(6)
        for number in range(adverts_of_each):
            time_us = START_US + phone * 1_000_000 + number * 10_000
            yield Advert(
                phone * adverts_of_each + number + 1,
                time_us,
                "",
                name,
                AddressType.RESOLVABLE,
                PduType.ADV_IND,
                AD[:7] + name + AD[13:],
                -60,
                37,
            )


def taken_octets(phones: int, adverts_of_each: int) -> int:
    """Return how much memory reading takes at its peak."""
    tracemalloc.start()
    try:
        found = fold("air", many(phones, adverts_of_each)).sightings
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) == phones
    return peak


def test_memory_grows_with_what_is_sent_by_whom_and_not_with_packets() -> None:
    # 36 octets are the address and AdvData, some 40 the numbers; putting in order takes as much again for a while
    assert taken_octets(13_000, 1) - taken_octets(4_500, 1) < 8_500 * 320
    # a hundredth of what an advert takes while it is read: 98,000 packets more, and none of them is held
    assert taken_octets(1_000, 100) - taken_octets(1_000, 2) < 98_000 * 3


def test_what_was_gathered_so_far_stays_as_it_was() -> None:
    first = Advert(2, START_US, "", None, None, PduType.ADV_IND, AD, -60, None)
    gathering = Gathering("x")
    assert gathering.folded() == fold("x", [])
    gathering.add(first)
    gathering.add(Gap(3, START_US - 5, START_US + 1))
    before = gathering.folded()
    more: list[Observation] = [
        GattRead(4, START_US + 9, "", None, None, "", "", b"id"),
        Asked(5, START_US + 3, "", "HCI_Reset", b""),
        Event(6, START_US + 4, "push", {}),
        Advert(7, START_US + 1, "", None, None, PduType.ADV_IND, AD, -40, None),
    ]
    for each in more:
        gathering.add(each)
    after = gathering.folded()
    assert [each.count for each in before.sightings] == [1]
    assert [each.count for each in after.sightings] == [2]
    assert (before.adverts, before.first_us, before.last_us) == (1, START_US - 5, START_US)
    assert (after.adverts, after.first_us, after.last_us) == (2, START_US - 5, START_US + 9)
    assert (after.reads, after.asked, after.events) == ((more[0],), (more[1],), (more[2],))


def test_what_was_said_so_far_can_be_folded_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "BLOCK", 4)
    monkeypatch.setattr(folding, "_FEWEST_OPEN", 2)
    gathering, until_now = Gathering("x"), []
    heard = [
        Advert(number, START_US + time_us, "", bytes([64, 0, 0, 0, 0, number % 5]), None, None, AD, -60, None)
        # the clock is set back: what rests goes on
        for number, time_us in enumerate(
            [*range(0, 3_000_000_000, 40_000_000), *range(0, 900_000_000, 7_000_000)]
        )
    ]
    for each in heard:
        gathering.add(each)
        until_now.append(gathering.until_now())
    for number, later in enumerate(until_now, start=1):
        assert later() == fold("x", heard[:number])
