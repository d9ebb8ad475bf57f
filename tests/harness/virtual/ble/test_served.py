"""Hosts come to a served controller and go, in any order; the one that came last has it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bluezone_harness.virtual.ble.worlds import World, serve
from bluezone_harness.virtual.phones import drawn_phone
from bluezone_harness.virtual.plans import Plan

pytestmark = pytest.mark.req("BZ-ADV-001")

START_MS = 1_600_000_000_000
RESET, COMPLETE = bytes.fromhex("01030c00"), bytes.fromhex("040e0401030c00")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]


def serve_to(transport: str, connect: Connect, act: Callable[[Connect], Awaitable[None]]) -> None:
    """Serve a world's controller, and let somebody act."""

    async def main() -> None:
        plan = Plan((drawn_phone("phone", "android", START_MS, 1),), START_MS, 60_000)
        hosts: list[Streams] = []

        async def connected() -> Streams:
            hosts.append(await connect())
            return hosts[-1]

        async with World(plan, 1) as world, asyncio.timeout(60):
            serving = asyncio.create_task(serve(world, transport))
            while True:
                try:
                    _, writer = await connected()
                    break
                except OSError:
                    await asyncio.sleep(0.01)
            writer.close()
            await act(connected)
            serving.cancel()
            await asyncio.wait([serving])
            assert serving.cancelled()
            for _, writer in hosts:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()

    asyncio.run(main())


async def is_answered(host: Streams) -> bool:
    host[1].write(RESET)
    return await host[0].readexactly(len(COMPLETE)) == COMPLETE


def by_tcp(port: int, act: Callable[[Connect], Awaitable[None]]) -> None:
    serve_to(f"tcp-server:127.0.0.1:{port}", lambda: asyncio.open_connection("127.0.0.1", port), act)


def test_who_comes_before_the_one_before_left_is_answered_after_that(unused_port: int) -> None:
    async def act(connect: Connect) -> None:
        first = await connect()
        assert await is_answered(first)
        second = await connect()
        assert await is_answered(second)
        first[1].close()
        await first[1].wait_closed()
        for _ in range(3):
            await asyncio.sleep(0.01)
            assert await is_answered(second)
        second[1].close()
        assert await is_answered(await connect())

    by_tcp(unused_port, act)


def test_who_came_earlier_is_heard_again_when_the_later_one_left(unused_port: int) -> None:
    async def act(connect: Connect) -> None:
        first, second = await connect(), await connect()
        assert await is_answered(second)
        first[1].write(RESET)  # nobody answers it
        await asyncio.sleep(0.05)
        assert await is_answered(second)
        second[1].transport.abort()
        await asyncio.sleep(0.05)
        assert await is_answered(first)

    by_tcp(unused_port, act)


@pytest.mark.parametrize("rest", [RESET[:2], b"\x7f\x7f"], ids=["half a packet", "no packet"])
def test_what_one_host_left_does_not_garble_the_next(unused_port: int, rest: bytes) -> None:
    async def act(connect: Connect) -> None:
        first = await connect()
        first[1].write(rest)
        await asyncio.sleep(0.05)
        assert await is_answered(await connect())

    by_tcp(unused_port, act)


def test_after_what_is_no_packet_the_same_host_is_answered_again(unused_port: int) -> None:
    async def act(connect: Connect) -> None:
        host = await connect()
        host[1].write(b"\x7f")
        await asyncio.sleep(0.05)
        assert await is_answered(host)

    by_tcp(unused_port, act)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")
def test_by_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "hci")

    async def act(connect: Connect) -> None:
        assert await is_answered(await connect())

    serve_to(f"unix-server:{path}", lambda: asyncio.open_unix_connection(path), act)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract names")
def test_by_an_abstract_name() -> None:
    async def act(connect: Connect) -> None:
        assert await is_answered(await connect())

    serve_to("unix-server:@bluezone-served", lambda: asyncio.open_unix_connection("\0bluezone-served"), act)


def test_on_any_host(unused_port: int) -> None:
    async def act(connect: Connect) -> None:
        assert await is_answered(await connect())

    serve_to(f"tcp-server:_:{unused_port}", lambda: asyncio.open_connection("127.0.0.1", unused_port), act)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_by_a_terminal(tmp_path: Path) -> None:
    """What is no socket is left to stock bumble."""
    path = tmp_path / "hci"

    async def main() -> bytes:
        plan = Plan((drawn_phone("phone", "android", START_MS, 1),), START_MS, 60_000)
        async with World(plan, 1) as world, asyncio.timeout(60):
            serving = asyncio.create_task(serve(world, f"pty:{path}"))
            while not path.exists():
                await asyncio.sleep(0.01)
            terminal = os.open(path, os.O_RDWR | os.O_NOCTTY)
            try:
                os.write(terminal, RESET)
                found = await asyncio.to_thread(os.read, terminal, len(COMPLETE))
            finally:
                os.close(terminal)
            serving.cancel()
            await asyncio.wait([serving])
            return found

    assert asyncio.run(main()) == COMPLETE
