"""The genuine BleakClient over a scripted controller: sessions that go well, and every way in which they may not."""

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
    BleakCharacteristicNotFoundError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from bluezone_harness.live.bumble_backend import client_backend

Desk: TypeAlias = Any  # the folder's conftest has it, and a test file imports no other
OnDesk: TypeAlias = Callable[[Any], Any]

pytestmark = pytest.mark.req("BZ-GAT-001")

PHONE, OTHER = "5A:00:00:00:00:01", "5A:00:00:00:00:02"
SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
DEVICE_NAME = "00002a00-0000-1000-8000-00805f9b34fb"
ID = bytes.fromhex("b9a665d754fe65e665d76a45")
CONNECT, EXTENDED_CONNECT, CANCEL, DISCONNECT = 0x200D, 0x2043, 0x200E, 0x0406
SCAN_ENABLE = 0x200C
READ = "0a0c00"


def connecting(desk: Desk) -> list[int]:
    """Return the commands about connections that the controller was given."""
    return [each for each in desk.controller.asked if each in (CONNECT, EXTENDED_CONNECT, CANCEL, DISCONNECT)]


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


def test_services_as_they_were_found(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        desk.phone()
        async with desk.client() as client:
            services = list(client.services)
            assert [(each.handle, each.uuid[:8]) for each in services] == [(1, "00001800"), (10, "00004e56")]
            names, own = (each.characteristics for each in services)
            assert [(each.handle, each.uuid[:8], each.properties) for each in names] == [
                (2, "00002a00", ["read"]),
                (4, "00002a01", ["read"]),
            ]
            (value,) = own
            assert value.properties == ["read", "write-without-response", "write", "notify", "indicate"]
            assert [(each.handle, each.uuid[4:8]) for each in value.descriptors] == [
                (13, "2902"),
                (14, "2901"),
            ]
            assert value.max_write_without_response_size == 182
            assert value.service_uuid == SERVICE

    on_desk(main)


def test_only_the_services_asked_for_are_looked_into(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[str]:
        phone = desk.phone()
        async with desk.client(services=[SERVICE]) as client:
            assert [each.uuid for each in client.services] == [SERVICE]
        heard: list[str] = phone.heard
        return heard

    assert "08020005000328" not in on_desk(main)


def test_writes_and_descriptors(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[str]:
        phone = desk.phone()
        async with desk.client() as client:
            phone.heard.clear()
            await client.write_gatt_char(CHARACTERISTIC, b"\x01\x02", response=True)
            await client.write_gatt_char(CHARACTERISTIC, bytearray(b"\x03"), response=False)
            assert await client.read_gatt_descriptor(14) == b"id"
            await client.write_gatt_descriptor(14, memoryview(b"n"))
            with pytest.raises(BleakError, match="182 without response"):
                await client.write_gatt_char(CHARACTERISTIC, bytes(183), response=False)
        heard: list[str] = phone.heard
        return heard

    assert on_desk(main) == ["120c000102", "520c0003", "0a0e00", "120e006e"]


def test_long_values_take_several_requests(on_desk: OnDesk) -> None:
    long = bytes(range(256)).hex()

    async def main(desk: Desk) -> list[str]:
        phone = desk.phone(
            {
                "02 0502": "01 02 0000 06",  # no talk about sizes: 23 octets
                READ: "0b" + long[:44],
                "0c 0c00 1600": "0d" + long[44:88],
                "0c 0c00 2c00": "01 0c 0c00 07",
                "16 0c00 0000 000102030405060708090a0b0c0d0e0f1011": "17",
                "16 0c00 1200 12131415": "17",
                "18 01": "19",
            }
        )
        async with desk.client() as client:
            assert client.mtu_size == 23
            assert (await client.read_gatt_char(CHARACTERISTIC)).hex() == long[:88]
            phone.heard.clear()
            await client.write_gatt_char(CHARACTERISTIC, bytes(range(22)), response=True)
        heard: list[str] = phone.heard
        return heard

    assert on_desk(main) == ["160c000000000102030405060708090a0b0c0d0e0f1011", "160c00120012131415", "1801"]


def test_a_refusal_in_the_middle_of_a_long_value_is_told(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> int:
        desk.phone({"02 0502": "01 02 0000 06", READ: "0b" + "ab" * 22, "0c 0c00 1600": "01 0c 0c00 0f"})
        async with desk.client() as client:
            with pytest.raises(BleakGATTProtocolError) as caught:
                await client.read_gatt_char(CHARACTERISTIC)
            return int(caught.value.code)

    assert on_desk(main) == 0x0F


def test_a_refused_part_drops_what_was_queued(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[str]:
        phone = desk.phone(
            {"02 0502": "01 02 0000 06", "16 0c00 0000 " + "00" * 18: "01 16 0c00 09", "18 00": "19"}
        )
        async with desk.client() as client:
            with pytest.raises(BleakGATTProtocolError) as caught:
                await client.write_gatt_char(CHARACTERISTIC, bytes(40), response=True)
            assert caught.value.code == 0x09
            with pytest.raises(BleakGATTProtocolError) as caught:
                await client.write_gatt_char(CHARACTERISTIC, bytes(513), response=True)
            assert caught.value.code == 0x0D
        heard: list[str] = phone.heard
        return heard

    assert on_desk(main)[-1] == "1800"


def test_a_value_without_end_is_read_as_far_as_values_go(on_desk: OnDesk) -> None:
    part = "ab" * 22

    async def main(desk: Desk) -> int:
        endless = {
            f"0c 0c00 {offset.to_bytes(2, 'little').hex()}": "0d" + part for offset in range(22, 600, 22)
        }
        desk.phone({"02 0502": "03 0000", READ: "0b" + part, **endless})
        async with desk.client() as client:
            return len(await client.read_gatt_char(CHARACTERISTIC))

    assert on_desk(main) == 528  # 24 requests, the last of which passes 512


@pytest.mark.parametrize("code", [0x01, 0x02, 0x05, 0x0A, 0x0E, 0x80, 0xE0, 0xFF, 0x00])
def test_a_refused_read_has_its_code(on_desk: OnDesk, code: int) -> None:
    async def main(desk: Desk) -> int:
        desk.phone({READ: f"01 0a 0c00 {code:02x}"})
        async with desk.client() as client:
            with pytest.raises(BleakGATTProtocolError) as caught:
                await client.read_gatt_char(CHARACTERISTIC)
            assert client.is_connected
            return int(caught.value.code)

    assert on_desk(main) == code


@pytest.mark.parametrize(
    ("request_pdu", "response", "said"),
    [
        (READ, "01 0a 0c00", "not 5 octets"),
        (READ, "01", "not 5 octets"),
        (READ, "01 08 0c00 02", "answered request 0x0A with PDU 0x01"),
        (READ, "0d aabb", "answered request 0x0A with PDU 0x0D"),
        (READ, "ff", "answered request 0x0A with PDU 0xFF"),
        ("020502", "03 b9", "not 3 octets"),
        ("100100ffff0028", "11", "wrong length"),
        ("100100ffff0028", "11 07 0100 0500 0018 00", "wrong length"),
        ("100100ffff0028", "11 06", "does not end"),
        ("100100ffff0028", "11 06 0100 0500 00", "does not end"),
        ("100100ffff0028", "11 06 0000 0500 0018", "not in order"),
        ("100100ffff0028", "11 06 0500 0400 0018", "not in order"),
        ("100600ffff0028", "11 06 0500 0900 0018", "not in order"),
        ("080b000f000328", "09 07 0a00 02 0c00 002a", "not in order"),
        ("080b000f000328", "09 07 0b00 02 1000 002a", "not in order"),
        ("080b000f000328", "09 07 0c00 02 0c00 002a", "not in order"),
        ("080b000f000328", "09 09 0b00 02 0c00 002a 0000", "wrong length"),
        ("040d000f00", "05 03 0d00 0229", "unknown format"),
        ("040d000f00", "05", "unknown format"),
        ("040d000f00", "05 01 0c00 0229", "not in order"),
        ("040d000f00", "05 02 0d00 0229", "does not end"),
    ],
)
def test_a_malformed_response_is_told_at_once(
    on_desk: OnDesk, request_pdu: str, response: str, said: str
) -> None:
    ended: list[BleakClient] = []

    async def main(desk: Desk) -> None:
        desk.phone({request_pdu: response})
        client = desk.client(callback=ended.append)
        with pytest.raises(BleakError, match=said):
            async with client:
                await client.read_gatt_char(CHARACTERISTIC)
        assert not client.is_connected
        assert asyncio.get_running_loop().time() < 10
        assert desk.complaints == []

    on_desk(main)
    assert len(ended) == 1


@pytest.mark.parametrize(
    "request_pdu", ["100100ffff0028", "080b000f000328", "040d000f00", "08020005000328", "040f000f00"]
)
def test_an_error_in_discovery_has_its_code_and_ends_the_connection(
    on_desk: OnDesk, request_pdu: str
) -> None:
    async def main(desk: Desk) -> int:
        desk.phone({request_pdu: f"01 {request_pdu[:2]} 0000 0e"})
        client = desk.client()
        with pytest.raises(BleakGATTProtocolError) as caught:
            await client.connect()
        assert not client.is_connected
        with pytest.raises(BleakError):
            _ = client.services
        assert connecting(desk)[-1] == DISCONNECT
        return int(caught.value.code)

    assert on_desk(main) == 0x0E


def test_a_phone_without_services_is_connected_all_the_same(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        desk.phone({"10 0100 ffff 0028": "01 10 0100 0a"})
        async with desk.client() as client:
            assert list(client.services) == []
            with pytest.raises(BleakCharacteristicNotFoundError):
                await client.read_gatt_char(CHARACTERISTIC)

    on_desk(main)


def test_a_service_at_the_last_handle_ends_discovery(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> int:
        desk.phone({"10 0600 ffff 0028": "11 06 0600 ffff 0a18", "08 0700 ffff 0328": "01 08 0700 0a"})
        async with desk.client() as client:
            return len(list(client.services))

    assert on_desk(main) == 2


def test_attributes_that_are_no_descriptors_are_left_out(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[str]:
        desk.phone({"04 0d00 0f00": "05 01 0d00 0229 0e00 0228 0f00 0129"})
        async with desk.client() as client:
            (each,) = client.services.get_service(SERVICE).characteristics
            return [descriptor.uuid[4:8] for descriptor in each.descriptors]

    assert on_desk(main) == ["2902", "2901"]


# Connecting


def test_an_absent_phone_takes_the_time_out_and_leaves_the_controller_idle(on_desk: OnDesk) -> None:
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


def test_a_connection_that_comes_up_as_it_is_cancelled_is_closed(on_desk: OnDesk) -> None:
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


def test_the_time_covers_the_discovery_too(on_desk: OnDesk) -> None:
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


# Ending


def test_disconnecting_twice_is_disconnecting(on_desk: OnDesk) -> None:
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


# Notifications


@pytest.mark.parametrize(("properties", "bits"), [("3e", "0100"), ("10", "0100"), ("20", "0200")])
def test_values_are_told_as_they_change(on_desk: OnDesk, properties: str, bits: str) -> None:
    told: list[tuple[str, bytes]] = []

    async def main(desk: Desk) -> list[str]:
        characteristic = f"09 15 0b00 {properties} 0c00 89a607add1172fa1c44bf573564e0000"
        phone = desk.phone({"08 0b00 0f00 0328": characteristic})
        async with desk.client() as client:
            phone.heard.clear()
            await client.start_notify(
                CHARACTERISTIC, lambda each, value: told.append((each.uuid, bytes(value)))
            )
            with pytest.raises(BleakError, match="started already"):
                await client.start_notify(CHARACTERISTIC, lambda _, __: None)
            for pdu in ("1b 0c00 01", "1d 0c00 02", "1b 0300 03", "1b 0c", "1b 0c00"):
                desk.controller.attribute(phone.handle, pdu)
            await asyncio.sleep(0.1)
            await client.stop_notify(CHARACTERISTIC)
            with pytest.raises(BleakError, match="not started"):
                await client.stop_notify(CHARACTERISTIC)
            desk.controller.attribute(phone.handle, "1b 0c00 04")
            await asyncio.sleep(0.1)
            assert desk.complaints == []
        heard: list[str] = phone.heard
        return heard

    assert on_desk(main) == [f"120d00{bits}", "1e", "120d000000"]
    assert told == [(CHARACTERISTIC, b"\x01"), (CHARACTERISTIC, b"\x02"), (CHARACTERISTIC, b"")]


def test_refused_notifications_are_not_started(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        phone = desk.phone({"12 0d00 0100": "01 12 0d00 0f"})
        async with desk.client() as client:
            with pytest.raises(BleakGATTProtocolError) as caught:
                await client.start_notify(CHARACTERISTIC, lambda _, __: None)
            assert caught.value.code == 0x0F
            phone.answers["120d000100"] = "13"
            await client.start_notify(CHARACTERISTIC, lambda _, __: None)
        await client.connect()
        await client.start_notify(CHARACTERISTIC, lambda _, __: None)  # a new connection begins without
        await client.disconnect()

    on_desk(main)


@pytest.mark.parametrize(
    "changes",
    [
        {"08 0b00 0f00 0328": "09 15 0b00 02 0c00 89a607add1172fa1c44bf573564e0000"},
        {"04 0d00 0f00": "01 04 0d00 0a"},
    ],
)
def test_a_characteristic_that_cannot_tell_is_refused_here(on_desk: OnDesk, changes: dict[str, str]) -> None:
    async def main(desk: Desk) -> None:
        desk.phone(changes)
        async with desk.client() as client:
            with pytest.raises(BleakError, match="neither notifications nor indications"):
                await client.start_notify(CHARACTERISTIC, lambda _, __: None)

    on_desk(main)


def test_a_listener_that_raises_harms_nobody(on_desk: OnDesk) -> None:
    def failing(characteristic: BleakGATTCharacteristic, value: bytearray) -> None:
        raise ZeroDivisionError

    async def main(desk: Desk) -> list[type]:
        phone = desk.phone()
        async with desk.client() as client:
            await client.start_notify(CHARACTERISTIC, failing)
            desk.controller.attribute(phone.handle, "1d 0c00 01")
            assert bytes(await client.read_gatt_char(CHARACTERISTIC)) == ID
        assert "1e" in phone.heard
        return [type(each) for each in desk.complaints]

    assert on_desk(main) == [ZeroDivisionError]


# What comes without being asked for


def test_what_nobody_asked_for_is_passed_over(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        phone = desk.phone()
        async with desk.client() as client:
            for pdu in ("0b aa", "01 0a 0c00 02", "", "ff"):
                desk.controller.attribute(phone.handle, pdu)
            await asyncio.sleep(0.1)
            assert bytes(await client.read_gatt_char(CHARACTERISTIC)) == ID
            assert desk.complaints == []

    on_desk(main)


def test_requests_of_the_phone_go_to_bumbles_server(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[str]:
        phone = desk.phone()
        async with desk.client() as client:
            phone.heard.clear()
            desk.controller.attribute(phone.handle, "02 6400")  # a phone that is a client too
            await asyncio.sleep(0.1)
            assert client.mtu_size == 100
        heard: list[str] = phone.heard
        return heard

    assert [each[:2] for each in on_desk(main)] == ["03"]


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
