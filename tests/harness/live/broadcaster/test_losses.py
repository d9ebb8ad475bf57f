"""Controllers that are lost, come back or not, or never were: each is told, and the record has a gap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from bluezone_harness.live.controllers import lost
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.live.served_reads import ServedReads
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.phones import Sender

pytestmark = pytest.mark.req("BZ-RCV-001")

START_US = 1_795_424_400_000_000  # 2026-11-23T09:00:00Z
# these classes stand in conftest.py
Played = Any
Air = Any
Stock = Any
Spans = Callable[[Any], list[tuple[int, int, dict[str, object]]]]
Outside = Callable[[Any, Any], list[tuple[int, str, str]]]


def test_a_controller_that_is_lost_is_waited_for(
    new_played: Callable[..., Played],
    new_air: Callable[[], Air],
    stock: Callable[..., Stock],
    spans: Spans,
    outside: Outside,
) -> None:
    async def main() -> tuple[Played, Air]:
        air = new_air()
        played = new_played(lambda: stock("sender", air, extended=True))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(30)
        played.fails = [lost("usb:0", EOFError()), lost("usb:0", EOFError())]
        played.gone.set_result(None)
        await running
        return played, air

    played, air = run_in_virtual_time(main())
    (gap,) = played.file.of("gap")
    assert (gap["time_us"], gap["until_us"]) == (START_US + 30_000_000, START_US + 36_000_000)
    assert outside(air, played.file) == []
    found = spans(played.file)
    assert not [each for each in found if START_US + 30_000_000 <= each[0] < START_US + 36_000_000]
    assert sum(until_us == START_US + 30_000_000 for _, until_us, _ in found) > 1
    assert sum(from_us == START_US + 36_000_000 for from_us, _, _ in found) > 1
    assert played.said[0].startswith("usb:0: the controller is gone: plug it in again")
    assert played.said[1:] == ["the controller is there again"]
    assert played.begun == 1


def test_a_controller_that_is_lost_again_is_told_again(
    new_played: Callable[..., Played], new_air: Callable[[], Air], stock: Callable[..., Stock]
) -> None:
    async def main() -> Played:
        played = new_played(lambda: stock("sender", new_air(), extended=True))
        running = asyncio.create_task(played.run())
        for _ in range(2):
            await asyncio.sleep(30)
            played.gone.set_result(None)
        await running
        return played

    played = run_in_virtual_time(main())
    assert [each.rpartition("; ")[2] for each in played.said] == [
        "waiting for it",
        "the controller is there again",
    ] * 2
    assert len(played.file.of("gap")) == 2


def test_a_controller_that_does_not_come_back(
    new_played: Callable[..., Played], new_air: Callable[[], Air], stock: Callable[..., Stock]
) -> None:
    async def main() -> Played:
        played = new_played(lambda: stock("sender", new_air(), extended=True))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(100)
        played.fails = [lost("usb:0", EOFError()) for _ in range(99)]
        played.gone.set_result(None)
        await running
        return played

    played = run_in_virtual_time(main())
    (gap,) = played.file.of("gap")
    assert (gap["time_us"], gap["until_us"]) == (START_US + 100_000_000, START_US + 120_000_000)
    assert len(played.said) == 1


@pytest.mark.parametrize("may_return", [True, False])
def test_a_controller_that_was_never_there(
    may_return: bool,
    new_played: Callable[..., Played],
    new_air: Callable[[], Air],
    stock: Callable[..., Stock],
) -> None:
    async def main() -> Played:
        played = new_played(lambda: stock("sender", new_air(), extended=True))
        played.fails = [ListenError("usb:0: it is not there", may_return=may_return)]
        with pytest.raises(ListenError, match="it is not there"):
            await played.run()
        return played

    played = run_in_virtual_time(main())
    assert (played.begun, played.file.getvalue()) == (0, b"")


def test_a_controller_that_does_not_answer(
    new_played: Callable[..., Played], new_air: Callable[[], Air], dumb_stock: Callable[..., Stock]
) -> None:
    async def main() -> None:
        played = new_played(lambda: dumb_stock("sender", new_air(), extended=True))
        with pytest.raises(ListenError, match="the controller does not answer: check that it is one"):
            await played.run()

    run_in_virtual_time(main())


def test_a_controller_that_answers_no_longer(
    new_played: Callable[..., Played], new_air: Callable[[], Air], stock: Callable[..., Stock]
) -> None:
    async def main() -> Played:
        played = new_played(lambda: stock("sender", new_air(), extended=True))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(10)
        played.controllers[0].host = None
        await running
        return played

    played = run_in_virtual_time(main())
    assert played.said[0].startswith("usb:0: the controller does not answer")
    assert played.said[1:] == ["the controller is there again"]
    assert len(played.file.of("gap")) == 1


def test_a_library_that_gives_up_is_told_as_a_loss(
    new_played: Callable[..., Played], new_air: Callable[[], Air], stock: Callable[..., Stock]
) -> None:
    async def main() -> Played:
        played = new_played(lambda: stock("sender", new_air(), extended=True))
        played.fails = [cast(Exception, asyncio.CancelledError())]
        with pytest.raises(ListenError, match="the controller is gone"):
            await played.run()
        played.fails = [ZeroDivisionError()]
        with pytest.raises(ListenError, match="it does not work as a controller"):
            await played.broadcaster.run(played.begin)
        return played

    assert run_in_virtual_time(main()).begun == 0


def test_what_cannot_begin_is_raised_as_it_is(
    new_played: Callable[..., Played], new_air: Callable[[], Air], stock: Callable[..., Stock]
) -> None:
    async def main() -> None:
        played = new_played(lambda: stock("sender", new_air(), extended=True))

        def begin() -> tuple[tuple[Sender, ...], ServedReads, int]:
            raise PermissionError("no")

        with pytest.raises(PermissionError):
            await played.broadcaster.run(begin)

    run_in_virtual_time(main())
