"""Discovery of services by the genuine BleakClient: what is found, and answers that are wrong or malformed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from bleak import BleakClient
from bleak.exc import BleakCharacteristicNotFoundError, BleakError, BleakGATTProtocolError

Desk: TypeAlias = Any  # the folder's conftest has it, and a test file imports no other
OnDesk: TypeAlias = Callable[[Any], Any]
Connecting: TypeAlias = Callable[[Any], list[int]]

pytestmark = pytest.mark.req("BZ-GAT-001")

SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
DISCONNECT = 0x0406
READ = "0a0c00"


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
    on_desk: OnDesk, connecting: Connecting, request_pdu: str
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
