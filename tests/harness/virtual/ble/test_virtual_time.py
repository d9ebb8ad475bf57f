from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.virtual.ble.virtual_time import (
    NothingToWaitForError,
    VirtualTimeLoop,
    run_in_virtual_time,
)

YEAR_S = 365 * 86_400.0


def now() -> float:
    return asyncio.get_running_loop().time()


def test_time_starts_at_zero_and_jumps() -> None:
    async def main() -> list[float]:
        seen = [now()]
        for seconds in (0.0, 1.5, YEAR_S, 2e-6):
            await asyncio.sleep(seconds)
            seen.append(now())
        return seen

    assert run_in_virtual_time(main()) == pytest.approx(
        [0.0, 0.0, 1.5, 1.5 + YEAR_S, 1.5 + YEAR_S + 2e-6], abs=1e-7
    )


def test_what_is_ready_takes_no_time() -> None:
    async def main() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return now()

    assert run_in_virtual_time(main()) == 0.0


@settings(max_examples=40)
@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_timers_come_in_their_order_each_at_its_time(delays: list[float]) -> None:
    async def one(delay_s: float, seen: list[tuple[float, float]]) -> None:
        await asyncio.sleep(delay_s)
        seen.append((delay_s, now()))

    async def main(delays: Iterable[float]) -> list[tuple[float, float]]:
        seen: list[tuple[float, float]] = []
        await asyncio.gather(*(one(each, seen) for each in delays))
        return seen

    seen = run_in_virtual_time(main(delays))
    # timers within a tenth of a microsecond go off together, as in any loop of asyncio
    assert [each for each, _ in seen] == pytest.approx(sorted(delays), abs=2e-7)
    assert all(at == pytest.approx(delay, abs=2e-7) for delay, at in seen)


def test_time_limits_hold() -> None:
    async def main() -> tuple[float, float]:
        lost = asyncio.get_running_loop().create_future()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lost, 10)
        first = now()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(86_400 * 30):
                await asyncio.Event().wait()
        return first, now()

    assert run_in_virtual_time(main()) == (10.0, 10.0 + 86_400 * 30)


def test_a_lost_future_is_an_error_that_names_who_waits() -> None:
    async def reader() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        task = asyncio.create_task(reader(), name="the reader")
        await asyncio.sleep(3)
        await task

    with pytest.raises(NothingToWaitForError, match=r"the reader \(.*reader\)") as caught:
        run_in_virtual_time(main())
    assert "main)" in str(caught.value)


def test_a_loop_without_tasks_says_so() -> None:
    loop = VirtualTimeLoop()
    try:
        with pytest.raises(NothingToWaitForError, match="no task waits either"):
            loop.run_forever()
    finally:
        loop.close()


def test_an_error_of_the_coroutine_comes_out() -> None:
    async def main() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run_in_virtual_time(main())


def test_sockets_of_the_same_loop_work_between_timers() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(4))
        writer.close()
        await writer.wait_closed()

    async def main() -> tuple[bytes, float]:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await asyncio.sleep(60)
        writer.write(b"ping")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(60)
        return answer, now()

    assert run_in_virtual_time(main()) == (b"ping", 120.0)


def test_input_from_outside_is_waited_for_where_nothing_is_scheduled() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    def speak() -> None:
        time.sleep(0.05)
        theirs.sendall(b"at last")

    async def main() -> bytes:
        return await asyncio.get_running_loop().sock_recv(ours, 100)

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        assert run_in_virtual_time(main()) == b"at last"
    finally:
        thread.join()
        ours.close()
        theirs.close()


def test_the_clock_stands_still_while_a_thread_works() -> None:
    def work() -> str:
        time.sleep(0.05)
        return "done"

    async def main() -> tuple[str, float]:
        async with asyncio.timeout(0.001):
            said = await asyncio.to_thread(work)
        without_timer = await asyncio.get_running_loop().run_in_executor(None, len, "four")
        return f"{said} {without_timer}", now()

    assert run_in_virtual_time(main()) == ("done 4", 0.0)


def test_other_threads_are_heard_while_everybody_is_busy() -> None:
    async def main() -> bool:
        loop = asyncio.get_running_loop()
        said = asyncio.Event()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(said.set,))
        thread.start()
        thread.join()
        for _ in range(600):
            await asyncio.sleep(0)
        await asyncio.sleep(1000)
        return said.is_set()

    assert run_in_virtual_time(main())


def test_other_threads_are_heard_between_timers() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        for _ in range(600):
            loop.call_soon_threadsafe(lambda: None)
            await asyncio.sleep(1)
        return now()

    assert run_in_virtual_time(main()) == 600.0
