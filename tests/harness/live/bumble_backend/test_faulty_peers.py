"""Peers and owners that do anything at any time: bleak's errors come of it, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from bleak import BleakClient
from bleak.exc import BleakError
from bumble.device import ObjectLookupError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bluezone_harness.live.bumble_backend.adapters import adapter_of

Desk: TypeAlias = Any  # the folder's conftest has it, and a test file imports no other
OnDesk: TypeAlias = Callable[[Any], Any]

pytestmark = pytest.mark.req("BZ-GAT-001")

PHONES = ("5A:00:00:00:00:01", "5A:00:00:00:00:02", "5A:00:00:00:00:03")
ABSENT = "5A:00:00:00:00:99"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"

# one fixture serves all examples: it is a function, and each call makes a desk of its own
ANEW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)

RESPONSES = st.one_of(
    st.just("as it should"),
    st.binary(max_size=30).map(bytes.hex),
    st.sampled_from(("silence", "leave", "leave with an answer")),
    st.builds(
        lambda opcode, rest: f"{opcode:02x}{rest.hex()}",
        st.sampled_from((1, 3, 5, 9, 0x0B, 0x11)),
        st.binary(max_size=12),
    ),
    st.integers(0, 255).map(lambda code: f"error {code:02x}"),
)


def left_clean(desk: Desk) -> None:
    """See to it that nothing of a session is left."""
    adapter = adapter_of(desk.device)
    assert desk.device.connections == {}
    assert (adapter.bearers, adapter.endings) == ({}, set())
    assert not adapter.connecting.locked()
    assert desk.controller.awaited is None
    # bumble itself, of a packet that was under way when it was turned off
    assert [each for each in desk.complaints if not isinstance(each, ObjectLookupError)] == []


@ANEW
@given(st.lists(RESPONSES, max_size=12))
@example(["as it should"] * 4 + ["leave"])
@example(["silence"])
@example(["02"])  # a request that breaks off
@example(["as it should"] * 9 + ["silence"])
def test_whatever_a_peer_answers(on_desk: OnDesk, responses: list[str]) -> None:
    async def main(desk: Desk) -> None:
        phone = desk.phone()
        usual = phone.answer
        script = iter(responses)

        def answer(pdu: bytes) -> str | Callable[[], None] | None:
            right: str | Callable[[], None] | None = usual(pdu)
            match next(script, "as it should"):
                case "as it should":
                    return right
                case "silence":
                    return None
                case "leave":
                    return lambda: desk.controller.end(phone.handle, 0x13)
                case "leave with an answer":

                    def last() -> None:
                        if isinstance(right, str):
                            desk.controller.attribute(phone.handle, right)
                        desk.controller.end(phone.handle, 0x08)

                    return last
                case response if response.startswith("error"):
                    return f"01 {pdu[0]:02x} 0000 {response[6:]}"
                case response:
                    return response

        phone.answer = answer
        ended: list[BleakClient] = []
        client = desk.client(callback=ended.append, timeout=20)
        try:
            await client.connect()
            for _ in range(3):
                await client.read_gatt_char(CHARACTERISTIC)
            await client.write_gatt_char(CHARACTERISTIC, bytes(300), response=True)
        except (BleakError, TimeoutError):
            pass
        await client.disconnect()
        assert ended == [client]
        phone.answer = usual
        async with client:
            assert len(await client.read_gatt_char(CHARACTERISTIC)) == 12
        left_clean(desk)

    assert on_desk(main) is None


STEPS = st.tuples(
    st.sampled_from(("connect", "read", "disconnect", "leave", "cancel", "scan", "off", "on")),
    st.integers(0, 3),
    st.sampled_from((0.0, 0.02, 0.06, 0.3, 3.0, 12.0)),
)


@ANEW
@given(st.lists(STEPS, max_size=14))
@example([("connect", 0, 0.0), ("connect", 1, 0.06), ("off", 0, 0.0), ("on", 0, 0.0), ("connect", 0, 3.0)])
@example(
    [("connect", 3, 0.02), ("connect", 0, 0.02), ("cancel", 3, 0.02), ("cancel", 0, 0.02), ("read", 0, 0.0)]
)
@example([("connect", 3, 0.0), ("off", 0, 0.0), ("connect", 0, 0.0), ("on", 0, 12.0)])
@example([("connect", 0, 0.0), ("connect", 0, 0.0), ("off", 0, 0.06)])
@example([("connect", 0, 0.3), ("off", 0, 0.0)])
@example([("scan", 0, 0.02), ("off", 0, 0.02), ("on", 0, 0.02), ("scan", 0, 0.02), ("cancel", 0, 0.0)])
def test_whatever_users_and_owners_do(on_desk: OnDesk, steps: list[tuple[str, int, float]]) -> None:
    async def main(desk: Desk) -> None:
        peers = [desk.phone(address=address) for address in PHONES]
        begun: list[object] = []
        ended: list[BleakClient] = []
        clients = [desk.client(address, ended.append, timeout=5) for address in (*PHONES, ABSENT)]
        running: dict[int, list[asyncio.Task[object]]] = {number: [] for number in range(4)}
        desk.device.on("connection", begun.append)

        async def scan() -> None:
            async with desk.scanner():
                await asyncio.sleep(1)

        async def turn(on: bool) -> None:
            if on is not desk.device.powered_on:
                await (desk.device.power_on() if on else desk.device.power_off())
                desk.controller.go_out()

        for step, number, pause_s in steps:
            client = clients[number]
            match step:
                case "connect":
                    running[number].append(asyncio.create_task(client.connect()))
                case "read":
                    running[number].append(asyncio.create_task(client.read_gatt_char(CHARACTERISTIC)))
                case "disconnect":
                    running[number].append(asyncio.create_task(client.disconnect()))
                case "scan":
                    running[number].append(asyncio.create_task(scan()))
                case "cancel":
                    for task in running[number]:
                        task.cancel()
                case "leave":
                    if number < 3 and peers[number].handle in desk.controller.up:
                        desk.controller.end(peers[number].handle, 0x13)
                case _:
                    await turn(step == "on")
            await asyncio.sleep(pause_s)
        await turn(True)
        tasks = [task for each in running.values() for task in each]
        if tasks:
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                assert isinstance(task.exception(), BleakError | TimeoutError | None)
        for client in clients:
            await client.disconnect()
        await asyncio.sleep(0.1)
        assert len(ended) == len(begun)
        left_clean(desk)
        for client in clients[:3]:
            async with client:
                assert len(await client.read_gatt_char(CHARACTERISTIC)) == 12
        left_clean(desk)

    assert on_desk(main) is None
