"""How the record of a broadcast is kept: when lines are written, and that it is whole whatever ends it."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bluezone_harness.live.broadcasting import BroadcastRecorder, broadcast_world, keep_record
from bluezone_harness.live.recorder import RecorderError, new_file
from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.scenes import scene_of

pytestmark = pytest.mark.req("BZ-RCV-001")

START_MS = 1_795_424_400_000  # 2026-11-23T09:00:00Z
WINDOW = SentWindow(5, 9, bytes(6), AddressType.NON_RESOLVABLE, PduType.ADV_IND, b"\x01", 100_000)
Kept = Any  # the class stands in the conftest.py above
RecorderOf = Callable[[Scenario, Any], BroadcastRecorder]


@pytest.fixture
def new_full(new_kept: Callable[..., Kept]) -> Callable[[], Kept]:
    """Return what makes a disk that takes the first lines, and then is full."""

    def make() -> Kept:
        file = new_kept()
        write = file.write

        def full(octets: bytes) -> int:
            if file.tell():
                raise OSError(errno.ENOSPC, "x")
            return int(write(octets))

        file.write = full
        return file

    return make


def test_nothing_is_written_before_there_is_a_file(
    new_kept: Callable[[], Kept], scenario_of: Callable[..., Scenario], recorder_of: RecorderOf
) -> None:
    scenario, file = scenario_of(), new_kept()
    record = recorder_of(scenario, file)
    record.begin(5)
    number = record.on_air(5, "An", WINDOW)
    record.pass_time(6)
    record.close(6, "never begun")
    assert not record.is_open
    assert file.getvalue() == b""
    record.open()
    record.off_air(9, number, None)
    record.close(9, "over")
    record.off_air(9, number, None)
    record.close(9, "again")
    assert [each["kind"] for each in file.lines()[1:]] == ["scenario", "on_air", "off_air", "end"]
    assert file.of("off_air") == [{"kind": "off_air", "time_us": 9, "set": 0}]
    assert "rssi" not in file.of("on_air")[0]


def test_lines_wait_less_than_half_a_second(tmp_path: Path, scenario_of: Callable[..., Scenario]) -> None:
    scenario, path = scenario_of(), tmp_path / "record.jsonl"

    async def main() -> list[tuple[int, int]]:
        loop = asyncio.get_running_loop()
        record = BroadcastRecorder(scenario, lambda: new_file(path), now=lambda: round(loop.time() * 1e6))
        record.open()
        looks = []
        async with broadcast_world(scene_of(scenario, START_MS), record) as world:
            keeping = asyncio.create_task(keep_record(record, world.air.clock))
            for number in range(1, 900):
                await world.run_until(START_MS * 1000 + number * 391_000)
                looks.append((world.now_us(), path.read_bytes().count(b"\n")))
            keeping.cancel()
        return looks

    looks = run_in_virtual_time(main())
    # the header has no time, nor has the end
    times = [0, *(json.loads(each)["time_us"] for each in path.read_bytes().splitlines()[1:-1])]
    assert len(times) > 25
    for time_us, lines in looks:
        assert lines >= sum(each <= time_us - 500_000 for each in times)


def test_a_full_disk_is_told_once_and_raised_at_the_end(
    new_full: Callable[[], Kept], scenario_of: Callable[..., Scenario]
) -> None:
    scenario, file, failures = scenario_of(), new_full(), list[str]()

    async def main() -> None:
        record = BroadcastRecorder(scenario, lambda: file, now=lambda: 0, failed=lambda: failures.append("x"))
        record.open()
        async with broadcast_world(scene_of(scenario, START_MS), record) as world:
            record.pass_time(world.now_us())
            await world.run_until((START_MS + 90_000) * 1000)
            record.pass_time(world.now_us())
            assert record.sets > 2

    with pytest.raises(RecorderError, match="the disk is full: make room"):
        run_in_virtual_time(main())
    assert failures == ["x"]
    assert [each["kind"] for each in file.lines()[1:]] == []


def test_a_disk_that_fills_at_the_last_line(
    new_full: Callable[[], Kept], scenario_of: Callable[..., Scenario]
) -> None:
    scenario, file, failures = scenario_of(), new_full(), list[str]()
    record = BroadcastRecorder(scenario, lambda: file, now=lambda: 0, failed=lambda: failures.append("x"))
    record.open()
    record.close(9, "over")
    assert failures == ["x"]
    assert record.failure is not None


def test_who_ends_early_has_a_whole_record(
    new_kept: Callable[[], Kept], scenario_of: Callable[..., Scenario], recorder_of: RecorderOf
) -> None:
    scenario, file = scenario_of(), new_kept()

    async def main() -> None:
        record = recorder_of(scenario, file)
        record.open()
        async with broadcast_world(scene_of(scenario, START_MS), record) as world:
            await world.run_until((START_MS + 30_000) * 1000)
            assert set(record.on_air_now.values()) == {"An", "Binh"}

    run_in_virtual_time(main())
    assert len(file.of("on_air")) == len(file.of("off_air"))
    assert file.lines()[-1] == {"kind": "end", "reason": "it was ended early"}


def test_what_fails_while_it_is_played_leaves_a_whole_record(
    new_kept: Callable[[], Kept], scenario_of: Callable[..., Scenario], recorder_of: RecorderOf
) -> None:
    scenario, file = scenario_of(), new_kept()

    async def main() -> None:
        record = recorder_of(scenario, file)
        record.open()
        async with broadcast_world(scene_of(scenario, START_MS), record):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_in_virtual_time(main())
    assert file.lines()[-1] == {"kind": "end", "reason": "it failed"}
    assert len(file.of("on_air")) == len(file.of("off_air")) > 0


def test_a_computer_that_sleeps_sends_nothing(
    new_kept: Callable[[], Kept], scenario_of: Callable[..., Scenario], recorder_of: RecorderOf
) -> None:
    scenario, file, now_us = scenario_of(), new_kept(), [0]

    class Jumping:
        def now_us(self) -> int:
            return now_us[0] + round(asyncio.get_running_loop().time() * 1e6)

    async def main() -> None:
        record = recorder_of(scenario, file)
        record.open()
        keeping = asyncio.create_task(keep_record(record, Jumping()))
        await asyncio.sleep(5.05)
        now_us[0] += 60_000_000
        await asyncio.sleep(5)
        now_us[0] -= 60_000_000  # set back: nobody slept
        await asyncio.sleep(5)
        keeping.cancel()

    run_in_virtual_time(main())
    (gap,) = file.of("gap")
    assert (gap["time_us"], gap["until_us"]) == (5_000_000, 65_200_000)
