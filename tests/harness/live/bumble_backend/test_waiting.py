"""Work that is done to its end though its caller is cancelled, and answers that do not come."""

from __future__ import annotations

import asyncio

import pytest
from bleak.exc import BleakError

from bluezone_harness.live.bumble_backend.waiting import answered, undisturbed
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.req("BZ-GAT-001")


@pytest.mark.parametrize("fails", [True, False])
def test_work_is_done_though_the_caller_is_cancelled_twice(fails: bool) -> None:
    done: list[float] = []

    async def work() -> None:
        await asyncio.sleep(5)
        done.append(asyncio.get_running_loop().time())
        if fails:
            raise ZeroDivisionError

    async def main() -> None:
        task = asyncio.create_task(undisturbed(work()))
        for _ in range(2):
            await asyncio.sleep(1)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_in_virtual_time(main())
    assert done == [5]


def test_what_comes_of_work_comes_back() -> None:
    async def failing() -> None:
        raise ZeroDivisionError

    async def main() -> float:
        with pytest.raises(ZeroDivisionError):
            await undisturbed(failing())
        return await undisturbed(asyncio.sleep(1, 2.5))

    assert run_in_virtual_time(main()) == 2.5


def test_an_answer_that_does_not_come_is_an_error() -> None:
    async def main() -> float:
        assert await answered(asyncio.sleep(4.9, "here")) == "here"
        with pytest.raises(BleakError, match="within 2 seconds"):
            await answered(asyncio.sleep(3), 2)
        return asyncio.get_running_loop().time()

    assert run_in_virtual_time(main()) == 6.9


def test_a_callers_own_time_limit_stays_the_callers() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await answered(asyncio.sleep(3), 2)

    run_in_virtual_time(main())
