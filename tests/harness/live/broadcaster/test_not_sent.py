"""What a controller refuses or is not given, and what an end cuts short, does not lie in the record as sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from bumble import hci

from bluezone_harness.observations import AddressType
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.scenarios.scenes import Scene

pytestmark = pytest.mark.req("BZ-RCV-001")

START_US = 1_795_424_400_000_000  # 2026-11-23T09:00:00Z
# these classes stand in conftest.py
Played = Any
Air = Any
Stock = Any
Spans = Callable[[Any], list[tuple[int, int, dict[str, object]]]]
Outside = Callable[[Any, Any], list[tuple[int, str, str]]]


@pytest.mark.parametrize("extended", [True, False])
def test_whenever_it_is_ended_nothing_is_sent_that_is_not_recorded(
    extended: bool,
    new_played: Callable[..., Played],
    new_air: Callable[[], Air],
    slow_stock: Callable[..., Stock],
    spans: Spans,
    outside: Outside,
) -> None:
    async def main(ends_s: float) -> tuple[Played, Air, list[int]]:
        air = new_air()
        played = new_played(lambda: slow_stock("sender", air, extended=extended))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(ends_s)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        sent = [len(air.sent)]
        await asyncio.sleep(5)
        return played, air, [*sent, len(air.sent)]

    begun = 0
    for number in range(60):
        played, air, sent = run_in_virtual_time(main(0.5 + number * 0.037))
        begun += played.begun
        assert sent[0] == sent[1]
        assert played.file.of("gap") == []
        # between a command and its answer something may be sent that the record does not hold yet, or no longer
        loose = outside(air, played.file)
        assert all(
            any(abs(edge - time_us) <= 20_000 for span in spans(played.file) for edge in span[:2])
            for time_us, _, _ in loose
        )
    assert begun > 30


def test_what_the_controller_refuses_was_not_sent(
    new_played: Callable[..., Played], new_air: Callable[[], Air], stock: Callable[..., Stock], spans: Spans
) -> None:
    async def main() -> Played:
        played = new_played(lambda: stock("sender", new_air(), extended=True))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(10)
        before = len(played.record.on_air_now)
        assert before > 1
        played.controllers[0].refused = hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR
        await asyncio.sleep(50)
        played.controllers[0].refused = None
        await running
        return played

    played = run_in_virtual_time(main())
    assert [each.partition(" (")[0] for each in sorted(played.said)] == [
        "the controller refuses to send An",
        "the controller refuses to send Chi",
        "the controller refuses to send said twice",
    ]
    assert "said twice" not in {each["sender"] for each in played.file.of("on_air")}
    refused = [each for each in spans(played.file) if START_US + 10_000_000 < each[0] < START_US + 60_000_000]
    assert refused == []
    assert [each for each in spans(played.file) if each[0] > START_US + 60_000_000]


def test_what_a_legacy_controller_refuses_was_not_sent(
    new_played: Callable[..., Played], new_air: Callable[[], Air], stock: Callable[..., Stock], spans: Spans
) -> None:
    async def main() -> Played:
        played = new_played(lambda: stock("sender", new_air(), extended=False))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(10)
        played.controllers[0].refused = hci.HCI_ErrorCode.MEMORY_CAPACITY_EXCEEDED_ERROR
        await asyncio.sleep(50)
        played.controllers[0].refused = None
        await running
        return played

    played = run_in_virtual_time(main())
    assert played.said
    assert all(each.startswith("the controller refuses to send ") for each in played.said)
    starts = [from_us - START_US for from_us, _, _ in spans(played.file)]
    assert not [each for each in starts if 11_000_000 < each < 60_000_000]
    assert [each for each in starts if each > 61_000_000]


def test_a_public_address_is_not_sent(
    new_played: Callable[..., Played], new_air: Callable[[], Air], stock: Callable[..., Stock]
) -> None:
    def with_public(scene: Scene) -> Scene:
        first, *others = scene.senders
        windows = iter([each._replace(address_type=AddressType.PUBLIC) for each in first.windows])
        return replace(scene, senders=(first._replace(windows=windows), *others))

    async def main() -> Played:
        played = new_played(lambda: stock("sender", new_air(), extended=True))
        played.change = with_public
        await played.run()
        return played

    played = run_in_virtual_time(main())
    assert played.said == ["An has a public address, which a controller cannot be given: it is not sent"]
    assert {each["sender"] for each in played.file.of("on_air")} == {"Binh", "Chi", "said twice"}
