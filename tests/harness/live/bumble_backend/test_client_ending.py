"""The end of a connection of the genuine BleakClient, from either side and at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError, BleakGATTProtocolError

Desk: TypeAlias = Any  # the folder's conftest has it, and a test file imports no other
OnDesk: TypeAlias = Callable[[Any], Any]
Connecting: TypeAlias = Callable[[Any], list[int]]

pytestmark = pytest.mark.req("BZ-GAT-001")

PHONE, OTHER = "5A:00:00:00:00:01", "5A:00:00:00:00:02"
SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
DEVICE_NAME = "00002a00-0000-1000-8000-00805f9b34fb"
DISCONNECT = 0x0406
READ = "0a0c00"


def test_disconnecting_twice_is_disconnecting(on_desk: OnDesk, connecting: Connecting) -> None:
    ended: list[BleakClient] = []

    async def main(desk: Desk) -> None:
        desk.phone()
        client = desk.client(callback=ended.append)
        await client.disconnect()
        await client.connect()
        await asyncio.gather(client.disconnect(), client.disconnect())
        assert ended == [client]  # before disconnect returns
        await client.disconnect()
        assert connecting(desk)[1:] == [DISCONNECT]
        await client.connect()
        await client.disconnect()

    on_desk(main)
    assert len(ended) == 2


def test_a_phone_that_disconnects_is_told_once(on_desk: OnDesk) -> None:
    ended: list[BleakClient] = []

    async def main(desk: Desk) -> None:
        phone = desk.phone()
        client = desk.client(callback=ended.append)
        await client.connect()
        desk.controller.end(phone.handle, 0x13)
        await asyncio.sleep(0.1)
        assert ended == [client]
        assert not client.is_connected
        await client.disconnect()
        assert DISCONNECT not in desk.controller.asked

    on_desk(main)
    assert len(ended) == 1


async def operated(client: BleakClient, characteristic: BleakGATTCharacteristic) -> None:
    """Try every operation on a client that is not connected."""
    descriptor = characteristic.descriptors[0]
    other = characteristic.descriptors[1]
    for operation in (
        lambda: client.read_gatt_char(characteristic),
        lambda: client.read_gatt_char(CHARACTERISTIC),
        lambda: client.write_gatt_char(characteristic, b"", response=True),
        lambda: client.write_gatt_char(characteristic, b"", response=False),
        lambda: client.read_gatt_descriptor(descriptor),
        lambda: client.write_gatt_descriptor(other, b""),
        lambda: client.start_notify(characteristic, lambda _, __: None),
        lambda: client.stop_notify(characteristic),
    ):
        with pytest.raises(BleakError):
            await operation()
    with pytest.raises(BleakError):
        _ = client.mtu_size
    with pytest.raises(BleakError):
        _ = client.services


def test_nothing_works_after_disconnection(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        phone = desk.phone()
        client = desk.client()
        await client.connect()
        (characteristic,) = client.services.get_service(SERVICE).characteristics
        await client.disconnect()
        phone.heard.clear()
        await operated(client, characteristic)
        await client.connect()
        desk.lose_transport()
        await operated(client, characteristic)

    on_desk(main)


@pytest.mark.parametrize("request_pdu", ["020502", "100100ffff0028", "080b000f000328", "040d000f00"])
def test_a_phone_that_leaves_in_discovery(on_desk: OnDesk, request_pdu: str) -> None:
    ended: list[BleakClient] = []

    async def main(desk: Desk) -> None:
        phone = desk.phone()
        phone.answers[request_pdu] = lambda: desk.controller.end(phone.handle, 0x08)
        client = desk.client(callback=ended.append)
        with pytest.raises(BleakError, match=r"Connection Timeout \(0x08\)"):
            await client.connect()
        assert not client.is_connected
        assert asyncio.get_running_loop().time() < 1

    on_desk(main)
    assert len(ended) == 1


def test_a_phone_that_leaves_with_its_last_answer(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        phone = desk.phone()

        def last() -> None:
            desk.controller.attribute(phone.handle, "01 04 0f00 0a")
            desk.controller.end(phone.handle, 0x13)

        phone.answers["040f000f00"] = last
        with pytest.raises(BleakError):
            await desk.client().connect()

    on_desk(main)


def test_a_phone_that_leaves_as_soon_as_it_has_come(on_desk: OnDesk) -> None:
    ended: list[BleakClient] = []

    async def main(desk: Desk) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(1, desk.controller.connected, 7, PHONE)
        loop.call_later(1, desk.controller.end, 7, 0x3E)
        client = desk.client(callback=ended.append)
        with pytest.raises(BleakError, match="0x3E"):
            await client.connect()
        assert not client.is_connected
        await asyncio.sleep(0)

    on_desk(main)
    assert len(ended) == 1


def test_a_phone_that_leaves_while_it_is_read(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        phone = desk.phone()
        phone.answers[READ] = lambda: desk.controller.end(phone.handle, 0x13)
        client = desk.client()
        await client.connect()
        reads = [client.read_gatt_char(CHARACTERISTIC) for _ in range(3)]
        results = await asyncio.gather(*reads, return_exceptions=True)
        assert [type(each) for each in results] == [BleakError] * 3
        assert phone.heard.count(READ) == 1

    on_desk(main)


def test_a_phone_that_never_answers_is_given_up_after_thirty_seconds(on_desk: OnDesk) -> None:
    ended: list[BleakClient] = []

    async def main(desk: Desk) -> None:
        phone = desk.phone({READ: lambda: None})
        client = desk.client(callback=ended.append)
        await client.connect()
        before = asyncio.get_running_loop().time()
        with pytest.raises(BleakError, match="within 30 seconds"):
            await client.read_gatt_char(CHARACTERISTIC)
        assert asyncio.get_running_loop().time() - before == pytest.approx(30)
        with pytest.raises(BleakError):
            await client.read_gatt_char(CHARACTERISTIC)
        await asyncio.sleep(1)
        assert not client.is_connected
        assert phone.heard.count(READ) == 1

    on_desk(main)
    assert len(ended) == 1


def test_a_read_that_is_cancelled_does_not_take_the_next_ones_answer(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        phone = desk.phone()
        async with desk.client() as client:
            phone.after_s = 5
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await client.read_gatt_char(CHARACTERISTIC)
            assert bytes(await client.read_gatt_char(DEVICE_NAME)) == b"blue"
            phone.after_s = 0.05

    on_desk(main)


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_controller_that_is_lost_or_turned_off_ends_everything(on_desk: OnDesk, is_lost: bool) -> None:
    ended: list[BleakClient] = []

    async def main(desk: Desk) -> None:
        phones = (desk.phone(), desk.phone({READ: lambda: None}, address=OTHER))
        clients = [desk.client(each, ended.append) for each in (PHONE, OTHER)]
        for client in clients:
            await client.connect()
        reading = asyncio.create_task(clients[1].read_gatt_char(CHARACTERISTIC))
        trying = asyncio.create_task(desk.client("5A:00:00:00:00:03").connect())
        await asyncio.sleep(1)
        if is_lost:
            desk.lose_transport()
        else:
            await desk.device.power_off()
        results = await asyncio.gather(reading, trying, return_exceptions=True)
        assert [isinstance(each, BleakError) for each in results] == [True, True]
        assert [each.is_connected for each in clients] == [False, False]
        for client in clients:
            await client.disconnect()
        with pytest.raises(BleakError):
            await clients[0].connect(timeout=30)
        assert len({each.handle for each in phones}) == 2

    on_desk(main)
    assert len(ended) == 2


def test_a_refused_disconnection_ends_the_client_all_the_same(on_desk: OnDesk) -> None:
    ended: list[BleakClient] = []

    async def main(desk: Desk) -> None:
        desk.phone()
        client = desk.client(callback=ended.append)
        await client.connect()
        desk.controller.refusals[DISCONNECT] = 0x0C
        with pytest.raises(BleakError, match="Command Disallowed"):
            await client.disconnect()
        assert not client.is_connected
        await client.disconnect()

    on_desk(main)
    assert len(ended) == 1


def test_a_disconnection_that_is_never_confirmed_does_not_hang(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        desk.phone()
        client = desk.client()
        await client.connect()
        desk.controller.ends_by_itself = False
        with pytest.raises(BleakError, match="within 10 seconds"):
            await client.disconnect()
        assert not client.is_connected

    on_desk(main)


def test_a_phone_that_leaves_while_it_is_disconnected_is_disconnected(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        phone = desk.phone()
        client = desk.client()
        await client.connect()
        desk.controller.refusals[DISCONNECT] = 0x02  # the controller knows it no longer
        desk.controller.end(phone.handle, 0x13)
        await client.disconnect()
        assert not client.is_connected

    on_desk(main)


def test_a_failed_connection_that_cannot_be_ended_tells_why_it_failed(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> int:
        desk.phone({"10 0100 ffff 0028": "01 10 0100 06"})
        desk.controller.refusals[DISCONNECT] = 0x0C
        with pytest.raises(BleakGATTProtocolError) as caught:
            await desk.client().connect()
        return int(caught.value.code)

    assert on_desk(main) == 0x06
