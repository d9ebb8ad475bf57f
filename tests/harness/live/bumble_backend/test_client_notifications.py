"""What a phone sends to the genuine BleakClient by itself: notifications, and what nobody asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError, BleakGATTProtocolError

Desk: TypeAlias = Any  # the folder's conftest has it, and a test file imports no other
OnDesk: TypeAlias = Callable[[Any], Any]

pytestmark = pytest.mark.req("BZ-GAT-001")

CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
ID = bytes.fromhex("b9a665d754fe65e665d76a45")


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
