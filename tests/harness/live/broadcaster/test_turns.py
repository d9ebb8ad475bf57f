"""A scene played by stock controllers: all at once where there are sets enough, else in turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bluezone_harness.live.controller_sets import turn_us, units_of
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.scenarios.scenes import scene_of

pytestmark = pytest.mark.req("BZ-RCV-001")

START_US = 1_795_424_400_000_000  # 2026-11-23T09:00:00Z
# these classes stand in conftest.py
Played = Any
Air = Any
Stock = Any
Spans = Callable[[Any], list[tuple[int, int, dict[str, object]]]]
Outside = Callable[[Any, Any], list[tuple[int, str, str]]]


@pytest.fixture
def wholly_played(
    new_played: Callable[..., Played], new_air: Callable[[], Air], stock: Callable[..., Stock]
) -> Callable[..., tuple[Played, Air]]:
    """Return a function from a kind of controller to what it played until the end, and its air."""

    def play(*, extended: bool, sets: int = 0xF0) -> tuple[Played, Air]:
        async def main() -> tuple[Played, Air]:
            air = new_air()

            def make() -> Stock:
                made = stock("sender", air, extended=extended)
                made.sets = sets
                return made

            played = new_played(make)
            await played.run()
            return played, air

        return run_in_virtual_time(main())

    return play


def test_a_controller_with_many_sets_sends_all_all_the_time(
    spans: Spans, outside: Outside, wholly_played: Callable[..., tuple[Played, Air]]
) -> None:
    played, air = wholly_played(extended=True)
    found = spans(played.file)
    assert outside(air, played.file) == []
    wanted = [
        (each.from_us, each.until_us, sender.name, each.ad.hex())
        for sender in scene_of(played.scenario, START_US // 1000).senders
        for each in sender.windows
    ]
    until_us = START_US + 120_000_000
    told = [(from_us, end_us, each["sender"], each["ad"]) for from_us, end_us, each in found]
    assert sorted(told, key=str) == sorted(
        ((max(a, START_US), min(b, until_us), *rest) for a, b, *rest in wanted if b > START_US), key=str
    )
    assert len(air.sent) > 2000
    assert played.said == []
    assert played.record.on_air_now == {}


@pytest.mark.parametrize(("extended", "sets"), [(False, 0), (True, 1), (True, 2)])
def test_with_too_few_sets_they_take_turns(
    extended: bool,
    sets: int,
    spans: Spans,
    outside: Outside,
    wholly_played: Callable[..., tuple[Played, Air]],
) -> None:
    played, air = wholly_played(extended=extended, sets=sets)
    found = spans(played.file)
    assert outside(air, played.file) == []
    assert air.sent
    times = sorted([(start, 1) for start, _, _ in found] + [(end, -1) for _, end, _ in found])
    at_once = most = 0
    for _, step in times:
        at_once += step
        most = max(most, at_once)
    assert most == max(sets, 1)
    assert {each["sender"] for _, _, each in found} == {"An", "Binh", "Chi", "said twice"}
    # whose turn it is has it for some intervals, unless it is over before
    ends = {
        each.until_us
        for sender in scene_of(played.scenario, START_US // 1000).senders
        for each in sender.windows
    }
    for from_us, until_us, each in found:
        if until_us not in ends and until_us < START_US + 120_000_000:
            assert until_us - from_us >= turn_us(int(str(each["interval_us"])))


TURNS = b"""
schema = 1
duration = "20 s"
[[advert]]
name = "answers"
ad = "03ff0001"
response = "03ff0002"
to = "5 s"
[[advert]]
name = "is no more than heard"
ad = "03ff0003"
pdu = "ADV_NONCONN_IND"
from = "6 s"
to = "10 s"
[[advert]]
name = "answers again"
ad = "03ff0004"
pdu = "ADV_SCAN_IND"
response = "03ff0005"
from = "11 s"
"""


def test_one_set_sends_one_kind_after_the_other(
    new_played: Callable[..., Played], new_air: Callable[[], Air], stock: Callable[..., Stock]
) -> None:
    kinds: dict[str, tuple[int, str]] = {}

    async def main() -> Played:
        air = new_air()
        played = new_played(lambda: stock("sender", air, extended=True), TURNS)
        running = asyncio.create_task(played.run())
        for second in (2, 8, 14):
            await asyncio.sleep(second - asyncio.get_running_loop().time())
            (found,) = (each for each in played.controllers[0].advertising_sets.values() if each.enabled)
            assert found.parameters is not None
            kinds[bytes(found.data).hex()] = (
                int(found.parameters.advertising_event_properties),
                bytes(found.scan_response_data).hex(),
            )
        await running
        return played

    played = run_in_virtual_time(main())
    # Vol 4 Part E 7.8.53: legacy PDUs that are connectable and scannable; neither; scannable
    assert kinds == {"03ff0001": (0x13, "03ff0002"), "03ff0003": (0x10, ""), "03ff0004": (0x12, "03ff0005")}
    assert [each["sender"] for each in played.file.of("on_air")] == [
        "answers",
        "is no more than heard",
        "answers again",
    ]


@pytest.mark.parametrize(
    ("interval_us", "lasts_us"),
    [(100_000, 330_000), (200_000, 630_000), (800_000, 1_000_000), (2_000_000, 2_010_000)],
)
def test_turns_are_of_some_intervals_and_not_long(interval_us: int, lasts_us: int) -> None:
    assert turn_us(interval_us) == lasts_us


@pytest.mark.parametrize(
    ("interval_us", "units"), [(100_000, 160), (20_000, 32), (1, 32), (99_999_999, 16_384), (100_300, 160)]
)
def test_intervals_are_those_that_a_controller_can_have(interval_us: int, units: int) -> None:
    assert units_of(interval_us) == units
