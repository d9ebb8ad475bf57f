"""The genuine bleak among virtual phones: what it hears is what the simulation sends, and what it reads is true."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError

from bluezone_harness.live.bumble_backend import client_backend, scanner_backend
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.phones import PhonePlan, Plan, simulate

SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
DAY_MS = 86_400_000
START_MS = 1_596_844_800_000 + 3 * DAY_MS
MINUTE_MS = 60_000


def phone(name: str, platform: Literal["android", "ios"] = "ios") -> PhonePlan:
    return PhonePlan(name, platform, bytes(range(32)), START_MS - 3 * DAY_MS)


def virtually(main: Coroutine[Any, Any, None]) -> None:
    run_in_virtual_time(main)


@pytest.mark.req("BZ-RCV-001")
@pytest.mark.parametrize("receivers", [1, 2])
def test_a_scanner_hears_what_is_simulated(receivers: int) -> None:
    plan = Plan(
        (phone("one", "android"), phone("two")),
        START_MS,
        2 * MINUTE_MS,
        receivers=receivers,
        strangers=2,
        loss=0.1,
    )
    heard: list[list[tuple[int, bytes, str, bytes, int | None]]] = [[] for _ in range(receivers)]

    async def main() -> None:
        async with World(plan, 7) as world:

            def noting(number: int) -> AdvertisementDataCallback:
                def note(device: BLEDevice, data: AdvertisementData) -> None:
                    report = data.platform_data[2]
                    heard[number].append(
                        (world.now_us(), report.address, report.address_type, report.ad, report.rssi)
                    )

                return note

            scanners = [
                BleakScanner(noting(number), None, "passive", backend=scanner_backend(device))
                for number, device in enumerate(world.receivers)
            ]
            for scanner in scanners:
                await scanner.start()
            await world.run_until(plan.until_ms * 1000)
            for scanner in scanners:
                await scanner.stop()

    virtually(main())
    packets = list(simulate(plan, 7))
    for name, found in zip(sorted({each.receiver for each in packets}), heard, strict=True):
        assert sorted(found) == sorted(
            (each.time_us, each.address, each.address_type, each.ad, each.rssi)
            for each in packets
            if each.receiver == name
        )
        assert len(found) > 100


async def find(world: World) -> BLEDevice:
    found = await BleakScanner.find_device_by_filter(
        lambda _, data: SERVICE in data.service_uuids, timeout=30, backend=scanner_backend(world.receivers[0])
    )
    assert found is not None
    return found


@pytest.mark.req("BZ-GAT-001", "BZ-GAT-002")
def test_a_client_reads_an_iphones_id() -> None:
    plan = Plan((phone("i"),), START_MS, 10 * MINUTE_MS)
    ended: list[BleakClient] = []

    async def main() -> None:
        async with World(plan, 1) as world:
            found = await find(world)
            client = BleakClient(found, ended.append, backend=client_backend(world.receivers[0]))
            async with client:
                value = await client.read_gatt_char(CHARACTERISTIC)
                assert bytes(value) == world.phones["i"].rolling_id
                service = client.services.get_service(SERVICE)
                assert service is not None
                assert [(each.uuid, each.properties) for each in service.characteristics] == [
                    (CHARACTERISTIC, ["read"])
                ]
                assert client.mtu_size > 23
            await client.connect()
            await client.disconnect()

    virtually(main())
    assert len(ended) == 2


@pytest.mark.req("BZ-GAT-003")
def test_a_connection_is_kept_over_the_end_of_a_slot() -> None:
    plan = Plan((phone("i"),), START_MS, 30 * MINUTE_MS, gatt=True)

    async def main() -> None:
        async with World(plan, 3) as world:
            found = await find(world)
            async with BleakClient(found, backend=client_backend(world.receivers[0])) as client:
                first = await client.read_gatt_char(CHARACTERISTIC)
                await world.run_until((START_MS + 16 * MINUTE_MS) * 1000)
                second = await client.read_gatt_char(CHARACTERISTIC)
                assert bytes(second) == world.phones["i"].rolling_id
                assert first != second

    virtually(main())


@pytest.mark.req("BZ-GAT-001")
def test_a_phone_whose_app_is_gone_refuses() -> None:
    plan = Plan((phone("i"),), START_MS, 10 * MINUTE_MS)

    async def main() -> None:
        async with World(plan, 1) as world:
            found = await find(world)
            async with BleakClient(found, backend=client_backend(world.receivers[0])) as client:
                await world.phones["i"].crash_app()
                with pytest.raises(BleakGATTProtocolError):
                    await client.read_gatt_char(CHARACTERISTIC)
                assert client.is_connected

    virtually(main())


@pytest.mark.req("BZ-GAT-001")
@pytest.mark.parametrize("how", ["walks away", "is turned off", "reboots"])
def test_a_phone_that_leaves_ends_the_connection(how: str) -> None:
    plan = Plan((phone("i"),), START_MS, 10 * MINUTE_MS)
    ended: list[BleakClient] = []

    async def main() -> None:
        async with World(plan, 1) as world:
            found = await find(world)
            client = BleakClient(found, ended.append, backend=client_backend(world.receivers[0]))
            await client.connect()
            leaving = world.phones["i"]
            match how:
                case "walks away":
                    leaving.walk_away()
                case "reboots":
                    await leaving.reboot()
                case _:
                    await leaving.turn_bluetooth(False)
            with pytest.raises(BleakError):
                await client.read_gatt_char(CHARACTERISTIC)
            await asyncio.sleep(1)
            assert not client.is_connected
            if how != "reboots":
                with pytest.raises(TimeoutError):
                    await client.connect(timeout=5)
                leaving.come_back()
                await leaving.turn_bluetooth(True)
            found = await find(world)
            again = BleakClient(found, backend=client_backend(world.receivers[0]))
            await again.connect()
            assert bytes(await again.read_gatt_char(CHARACTERISTIC)) == leaving.rolling_id
            await again.disconnect()

    virtually(main())
    assert len(ended) == 1


@pytest.mark.req("BZ-GAT-001")
def test_scanning_goes_on_while_phones_are_connected_and_read() -> None:
    phones = tuple(phone(f"i{number}") for number in range(4))
    plan = Plan(phones, START_MS, 10 * MINUTE_MS)
    addresses: set[str] = set()

    async def main() -> None:
        async with World(plan, 5) as world:
            device = world.receivers[0]
            found: dict[str, BLEDevice] = {}

            def note(each: BLEDevice, data: AdvertisementData) -> None:
                addresses.add(each.address)
                if SERVICE in data.service_uuids:
                    found[each.address] = each

            async with BleakScanner(note, backend=scanner_backend(device)):
                await world.run_until((START_MS + MINUTE_MS // 2) * 1000)
                clients = [
                    BleakClient(each, timeout=20, backend=client_backend(device)) for each in found.values()
                ]
                assert len(clients) == 4
                await asyncio.gather(*(each.connect() for each in clients))
                values = await asyncio.gather(*(each.read_gatt_char(CHARACTERISTIC) for each in clients))
                assert {bytes(each) for each in values} == {each.rolling_id for each in world.phones.values()}
                addresses.clear()
                await world.run_until((START_MS + MINUTE_MS) * 1000)
                assert len(addresses) >= 4
                await asyncio.gather(*(each.disconnect() for each in clients))
            with pytest.raises(BleakDeviceNotFoundError):
                await BleakClient("5A:00:00:00:00:99", timeout=5, backend=client_backend(device)).connect()

    virtually(main())
