"""A session of the genuine BleakClient over a scripted controller, and every way in which connecting may go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import pytest
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakDeviceNotFoundError,
    BleakError,
)

from bluezone_harness.live.bumble_backend import client_backend

Desk: TypeAlias = Any  # the folder's conftest has it, and a test file imports no other
OnDesk: TypeAlias = Callable[[Any], Any]
Connecting: TypeAlias = Callable[[Any], list[int]]

pytestmark = pytest.mark.req("BZ-GAT-001")

PHONE, OTHER = "5A:00:00:00:00:01", "5A:00:00:00:00:02"
SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
DEVICE_NAME = "00002a00-0000-1000-8000-00805f9b34fb"
ID = bytes.fromhex("b9a665d754fe65e665d76a45")
CONNECT, EXTENDED_CONNECT, CANCEL, DISCONNECT = 0x200D, 0x2043, 0x200E, 0x0406
SCAN_ENABLE = 0x200C


def test_a_session(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[str]:
        phone = desk.phone()
        async with desk.client() as client:
            assert client.is_connected
            assert client.mtu_size == 185
            assert bytes(await client.read_gatt_char(CHARACTERISTIC)) == ID
            assert bytes(await client.read_gatt_char(DEVICE_NAME)) == b"blue"
        assert not client.is_connected
        assert desk.controller.asked[-1] == DISCONNECT
        heard: list[str] = phone.heard
        return heard

    # polite: no request but these, and none for a range without handles
    assert on_desk(main) == [
        "020502",
        "100100ffff0028",
        "100600ffff0028",
        "101000ffff0028",
        "08020005000328",
        "080b000f000328",
        "080d000f000328",
        "040d000f00",
        "040f000f00",
        "0a0c00",
        "0a0300",
    ]


def test_an_absent_phone_takes_the_time_out_and_leaves_the_controller_idle(
    on_desk: OnDesk, connecting: Connecting
) -> None:
    async def main(desk: Desk) -> None:
        with pytest.raises(TimeoutError, match="did not answer within 10 seconds"):
            await desk.client(OTHER).connect()
        assert asyncio.get_running_loop().time() == pytest.approx(10, abs=0.1)
        assert connecting(desk)[1:] == [CANCEL]
        desk.phone()
        async with desk.client() as client:
            assert client.is_connected

    on_desk(main)


def test_an_address_is_looked_for_first(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        desk.phone()
        asyncio.get_running_loop().call_later(
            1, partial(desk.controller.report, "0503414200", address_kind=0)
        )
        client = BleakClient(PHONE.lower(), timeout=5, backend=client_backend(desk.device))
        assert client.name == PHONE.lower().replace(":", "-")
        await client.connect()
        assert desk.device.connections[0x40].peer_address.to_string(False) == PHONE
        await client.disconnect()
        await client.connect()  # not looked for again
        await client.disconnect()
        absent = BleakClient(OTHER, timeout=5, backend=client_backend(desk.device))
        with pytest.raises(BleakDeviceNotFoundError) as caught:
            await absent.connect()
        assert caught.value.identifier == OTHER
        assert desk.controller.asked.count(SCAN_ENABLE) == 4
        assert not desk.controller.le_scan_enable

    on_desk(main)


def test_several_clients_connect_at_once(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[bool]:
        addresses = [f"5A:00:00:00:00:{number:02X}" for number in range(6)]
        for address in addresses:
            desk.phone(address=address)
        clients = [desk.client(address, timeout=2) for address in addresses]
        absent = desk.client("5A:00:00:00:00:FF", timeout=2)
        results = await asyncio.gather(
            absent.connect(), *(each.connect() for each in clients), return_exceptions=True
        )
        assert [type(each) for each in results] == [TimeoutError] + [type(None)] * 6
        values = await asyncio.gather(*(each.read_gatt_char(CHARACTERISTIC) for each in clients))
        assert [bytes(each) for each in values] == [ID] * 6
        await asyncio.gather(*(each.disconnect() for each in clients))
        return [each.is_connected for each in clients]

    assert on_desk(main) == [False] * 6


def test_a_client_that_is_connected_cannot_connect(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        desk.phone()
        client = desk.client()
        results = await asyncio.gather(client.connect(), client.connect(), return_exceptions=True)
        assert [type(each) for each in results] == [type(None), BleakError]
        with pytest.raises(BleakError, match="connected already"):
            await client.connect()
        with pytest.raises(BleakError, match="connected already, by another client"):
            await desk.client().connect()
        await client.disconnect()
        await client.connect()
        assert client.is_connected
        await client.disconnect()

    on_desk(main)


@pytest.mark.parametrize("opcode", [CONNECT, EXTENDED_CONNECT])
def test_a_refusal_to_connect_is_told(on_desk: OnDesk, opcode: int) -> None:
    async def main(desk: Desk) -> None:
        desk.controller.refusals[CONNECT] = desk.controller.refusals[EXTENDED_CONNECT] = 0x0C
        with pytest.raises(BleakError, match=r"Command Disallowed \(0x0C\)"):
            await desk.client().connect()

    on_desk(main)


def test_a_controller_that_does_not_answer_is_not_a_phone_that_does_not(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        desk.controller.silent |= {CONNECT, EXTENDED_CONNECT}
        with pytest.raises(BleakError, match="no answer came in time"):
            await desk.client(timeout=30).connect()

    on_desk(main)


@pytest.mark.parametrize("status", [0x3E, 0x09, 0x3C, 0x07, 0xEE])
def test_a_connection_that_fails_is_told(on_desk: OnDesk, status: int) -> None:
    async def main(desk: Desk) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(1, desk.controller.connected, 0, PHONE, status)
        with pytest.raises(BleakError, match=f"0x{status:02X}"):
            await desk.client().connect()

    on_desk(main)


def test_another_device_that_connects_is_not_taken_for_the_phone(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        asyncio.get_running_loop().call_later(1, desk.controller.connected, 9, OTHER, 0, 1)
        with pytest.raises(BleakError, match="another device connected"):
            await desk.client().connect()

    on_desk(main)


def test_bluetooth_that_is_off_cannot_connect(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        await desk.device.power_off()
        with pytest.raises(BleakBluetoothNotAvailableError):
            await desk.client().connect()

    on_desk(main)


@pytest.mark.parametrize("after_s", [0, 0.5, 3])
def test_a_cancelled_attempt_is_cancelled_at_the_controller(on_desk: OnDesk, after_s: float) -> None:
    async def main(desk: Desk) -> None:
        task = asyncio.create_task(desk.client().connect())
        await asyncio.sleep(after_s)
        if not after_s:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert desk.controller.awaited is None
        assert not desk.device.is_le_connecting
        desk.phone()
        async with desk.client() as client:
            assert client.is_connected

    on_desk(main)


def test_a_connection_that_comes_up_as_it_is_cancelled_is_closed(
    on_desk: OnDesk, connecting: Connecting
) -> None:
    async def main(desk: Desk) -> None:
        task = asyncio.create_task(desk.client().connect())
        await asyncio.sleep(1)
        desk.controller.is_deaf_to_cancel = True
        asyncio.get_running_loop().call_later(1, desk.controller.connected, 7, PHONE)
        task.cancel()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert connecting(desk)[1:] == [CANCEL, DISCONNECT]
        assert desk.device.connections == {}

    on_desk(main)


def test_a_controller_that_never_says_how_a_cancel_ended_does_not_hang(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        desk.controller.is_deaf_to_cancel = True
        with pytest.raises(TimeoutError):
            await desk.client().connect()
        assert asyncio.get_running_loop().time() < 20
        with pytest.raises(BleakError, match="Command Disallowed"):  # it is still busy, and says so
            await desk.client().connect()

    on_desk(main)


def test_a_controller_that_answers_no_cancel_does_not_hang(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        desk.controller.silent.add(CANCEL)
        with pytest.raises(TimeoutError):
            await desk.client().connect()

    on_desk(main)


def test_the_time_covers_the_discovery_too(on_desk: OnDesk, connecting: Connecting) -> None:
    async def main(desk: Desk) -> None:
        desk.phone({"08 0b00 0f00 0328": lambda: None})
        client = desk.client()
        with pytest.raises(TimeoutError):
            await client.connect()
        assert asyncio.get_running_loop().time() == pytest.approx(10, abs=0.1)
        assert not client.is_connected
        assert connecting(desk)[-1] == DISCONNECT
        with pytest.raises(TimeoutError):
            await client.connect(timeout=1)

    on_desk(main)


def test_a_discovery_that_is_cancelled_ends_the_connection(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        desk.phone({"08 0b00 0f00 0328": lambda: None})
        client = desk.client()
        task = asyncio.create_task(client.connect())
        await asyncio.sleep(1)
        assert client.is_connected
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not client.is_connected
        assert desk.device.connections == {}

    on_desk(main)


def test_pairing_is_not_implemented(on_desk: OnDesk, caplog: pytest.LogCaptureFixture) -> None:
    async def main(desk: Desk) -> None:
        desk.phone()
        client = BleakClient(desk.found(), pair=True, backend=client_backend(desk.device))
        await client.connect()
        for operation in (client.pair, client.unpair):
            with pytest.raises(NotImplementedError):
                await operation()
        await client.disconnect()

    on_desk(main)
    assert "pairing is not implemented" in caplog.text


def test_connections_that_are_not_ours_stay_bumbles(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> bytes:
        desk.phone()
        client = desk.client()
        await client.connect()
        await client.disconnect()
        desk.phone(address=OTHER)
        connection = await desk.device.connect(desk.found(OTHER).details)
        value: bytes = await connection.gatt_client.read_value(0x0C)
        return value

    assert on_desk(main) == ID


def test_what_another_backend_found_is_refused(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        desk.phone()
        foreign = BLEDevice(PHONE, None, {"path": "/org/bluez/hci0"})
        with pytest.raises(BleakError, match="another backend"):
            await desk.client(foreign).connect()
        async with desk.client() as client:
            service = BleakGATTService(None, 1, SERVICE)
            characteristic = BleakGATTCharacteristic(None, 2, CHARACTERISTIC, ["read"], lambda: 20, service)
            with pytest.raises(BleakError, match="another backend"):
                await client.read_gatt_char(characteristic)

    on_desk(main)


def test_the_name_is_the_advertised_one(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> tuple[str, str]:
        return desk.client(desk.found(name="Blue")).name, desk.client().name

    assert on_desk(main) == ("Blue", "5A-00-00-00-00-01")
