"""Reads and writes of the genuine BleakClient: short and long values, descriptors, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from bleak.exc import BleakError, BleakGATTProtocolError

Desk: TypeAlias = Any  # the folder's conftest has it, and a test file imports no other
OnDesk: TypeAlias = Callable[[Any], Any]

pytestmark = pytest.mark.req("BZ-GAT-001")

CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
READ = "0a0c00"


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
