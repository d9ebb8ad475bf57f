"""Adverts folded into sightings: nothing counted twice, nothing lost, and neighbours do not matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, Advert, Asked, Event, Gap, GattRead, PduType
from bluezone_harness.sightings import PAUSE_US, Folding, Sighting, fold

pytestmark = pytest.mark.req("BZ-ADV-004", "BZ-ADV-008")

ADDRESS = bytes.fromhex("5a0000000001")
AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
FIRST = Advert(1, 1_000_000, "left", ADDRESS, AddressType.RESOLVABLE, PduType.ADV_IND, AD, -60, 37)

numbers = st.integers(0, 3)
times_us = st.lists(
    st.one_of(st.integers(0, 200_000), st.integers(PAUSE_US - 2, PAUSE_US + 2), st.integers(0, 10**8)),
    max_size=30,
)


def heard(count: int, step_us: int = 100_000, **changes: object) -> list[Advert]:
    """Return adverts of one phone at equal distances."""
    return [
        replace(FIRST, number=number + 1, time_us=1_000_000 + number * step_us, **changes)  # type: ignore[arg-type]  # fields by name
        for number in range(count)
    ]


def sightings(adverts: Iterable[Advert]) -> tuple[Sighting, ...]:
    folding = Folding("air")
    for advert in adverts:
        folding.add(advert)
    return tuple(folding.sightings())


def in_order(adverts: Iterable[Advert]) -> list[Advert]:
    """Number adverts anew, in the order of their times."""
    ordered = sorted(adverts, key=lambda each: each.time_us)
    return [replace(each, number=number) for number, each in enumerate(ordered, start=1)]


def key_of(each: Advert | Sighting) -> tuple[object, ...]:
    return each.receiver, each.address, each.address_type, each.pdu, each.ad


def test_a_window_of_a_phone_is_one_sighting() -> None:
    adverts = [
        replace(each, rssi=rssi, channel=channel)
        for each, rssi, channel in zip(heard(4), (-60, -70, None, -65), (37, 38, None, 37), strict=True)
    ]
    adverts[3] = replace(adverts[3], time_us=1_450_000)
    assert sightings(adverts) == (
        Sighting(
            source="air",
            receiver="left",
            address=ADDRESS,
            address_type=AddressType.RESOLVABLE,
            pdu=PduType.ADV_IND,
            ad=AD,
            first_us=1_000_000,
            last_us=1_450_000,
            first_number=1,
            last_number=4,
            count=4,
            rssi_min=-70,
            rssi_mean=-65.0,
            rssi_max=-60,
            channels=frozenset({37, 38}),
            interval_min_us=100_000,
            interval_median_us=100_000,
        ),
    )


def test_a_single_advert_has_no_interval() -> None:
    (only,) = sightings([replace(FIRST, rssi=None, channel=None)])
    assert (only.count, only.interval_min_us, only.interval_median_us) == (1, None, None)
    assert (only.rssi_min, only.rssi_mean, only.rssi_max, only.channels) == (None, None, None, frozenset())


@pytest.mark.parametrize(("pause_us", "count"), [(PAUSE_US, 1), (PAUSE_US + 1, 2)])
def test_a_longer_pause_ends_a_sighting(pause_us: int, count: int) -> None:
    assert len(sightings(heard(2, pause_us))) == count


def test_a_clock_that_goes_backwards_ends_a_sighting() -> None:
    back = [*heard(3), replace(FIRST, number=4, time_us=1_199_999)]
    assert [(each.first_number, each.count) for each in sightings(back)] == [(1, 3), (4, 1)]
    same = [*heard(3), replace(FIRST, number=4, time_us=1_200_000)]
    assert [(each.count, each.interval_min_us) for each in sightings(same)] == [(4, 0)]


@pytest.mark.parametrize(
    "change",
    [
        {"receiver": "right"},
        {"address": bytes(6)},
        {"address": None},
        {"address_type": AddressType.STATIC},
        {"pdu": PduType.SCAN_RSP},
        {"ad": AD[:-1]},
        {"ad": None},
    ],
)
def test_what_tells_sightings_apart(change: dict[str, object]) -> None:
    other = replace(FIRST, number=2, **change)  # type: ignore[arg-type]  # fields by name
    assert [each.count for each in sightings([FIRST, other, FIRST])] == [2, 1]


def test_what_does_not_tell_them_apart() -> None:
    assert len(sightings([FIRST, replace(FIRST, number=2, rssi=-90, channel=39)])) == 1


def test_sightings_may_be_asked_for_while_they_grow() -> None:
    folding = Folding("air")
    counts = []
    for advert in heard(3):
        folding.add(advert)
        counts.append([each.count for each in folding.sightings()])
    assert counts == [[1], [2], [3]]


@given(times_us)
def test_statistics_are_those_of_the_adverts(steps_us: list[int]) -> None:
    time_us, adverts = 0, []
    for number, step_us in enumerate(steps_us, start=1):
        time_us += step_us
        adverts.append(replace(FIRST, number=number, time_us=time_us, rssi=-number, channel=37 + number % 3))
    runs: list[list[Advert]] = []
    for advert in adverts:
        if runs and advert.time_us - runs[-1][-1].time_us <= PAUSE_US:
            runs[-1].append(advert)
        else:
            runs.append([advert])
    found = sightings(adverts)
    assert len(found) == len(runs)
    for sighting, run in zip(found, runs, strict=True):
        intervals_us = [after.time_us - before.time_us for before, after in pairwise(run)]
        strengths = [each.rssi for each in run if each.rssi is not None]
        assert (sighting.first_us, sighting.last_us) == (run[0].time_us, run[-1].time_us)
        assert (sighting.first_number, sighting.last_number) == (run[0].number, run[-1].number)
        assert (sighting.count, sighting.rssi_min, sighting.rssi_max) == (
            len(run),
            min(strengths),
            max(strengths),
        )
        assert sighting.rssi_mean == pytest.approx(sum(strengths) / len(run))
        assert sighting.channels == {each.channel for each in run}
        assert sighting.interval_min_us == (min(intervals_us) if intervals_us else None)
        median_us = median_low([each // 1000 for each in intervals_us]) * 1000 if intervals_us else None
        assert sighting.interval_median_us == median_us


phones = st.lists(st.tuples(numbers, numbers, numbers, st.integers(0, 10**8)), max_size=60)


def of_phones(drawn: list[tuple[int, int, int, int]]) -> list[Advert]:
    return in_order(
        replace(
            FIRST,
            receiver=str(receiver),
            address=bytes([address]) * 6,
            ad=bytes([payload]),
            time_us=time_us,
        )
        for receiver, address, payload, time_us in drawn
    )


@given(phones)
def test_nothing_is_counted_twice_or_lost(drawn: list[tuple[int, int, int, int]]) -> None:
    adverts = of_phones(drawn)
    counted: Counter[tuple[object, ...]] = Counter()
    for sighting in sightings(adverts):
        counted[key_of(sighting)] += sighting.count
        own = [
            each
            for each in adverts
            if key_of(each) == key_of(sighting)
            and sighting.first_number <= each.number <= sighting.last_number
        ]
        assert len(own) == sighting.count
        assert (own[0].time_us, own[-1].time_us) == (sighting.first_us, sighting.last_us)
    assert counted == Counter(map(key_of, adverts))


@given(phones)
def test_devices_that_are_heard_between_do_not_matter(drawn: list[tuple[int, int, int, int]]) -> None:
    adverts = of_phones(drawn)
    together = sightings(adverts)
    alone: list[Sighting] = []
    for key in dict.fromkeys(map(key_of, adverts)):
        alone += sightings(each for each in adverts if key_of(each) == key)
    assert sorted(alone, key=lambda each: (each.first_us, each.first_number)) == list(together)


@given(phones, st.data())
def test_the_order_in_which_devices_take_turns_does_not_matter(
    drawn: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    adverts = of_phones(drawn)
    waiting: dict[tuple[object, ...], list[Advert]] = {}
    for advert in adverts:
        waiting.setdefault(key_of(advert), []).append(advert)
    merged: list[Advert] = []
    while waiting:
        key = data.draw(st.sampled_from(sorted(waiting, key=repr)))
        merged.append(waiting[key].pop(0))
        if not waiting[key]:
            del waiting[key]
    assert sightings(merged) == sightings(adverts)


def test_fold_keeps_everything_that_a_source_says() -> None:
    asked = Asked(2, 500, "left", "HCI_LE_Set_Random_Address", bytes(6))
    read = GattRead(3, 2_000_000, "left", ADDRESS, AddressType.RESOLVABLE, "s", "c", bytes(12))
    event = Event(4, 3_000_000, "clock_set", {})
    gap = Gap(5, 4_000_000, 5_000_000)
    folded = fold("air", [FIRST, asked, read, event, gap])
    assert folded.sightings == sightings([FIRST])
    assert (folded.reads, folded.asked, folded.events, folded.gaps) == ((read,), (asked,), (event,), (gap,))
    assert (folded.adverts, folded.first_us, folded.last_us) == (1, 500, 4_000_000)


def test_fold_of_nothing() -> None:
    folded = fold("air", [])
    assert (folded.sightings, folded.adverts, folded.first_us, folded.last_us) == ((), 0, None, None)
