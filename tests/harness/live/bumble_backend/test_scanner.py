"""The genuine BleakScanner over a scripted controller: what it tells, and how it begins and ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from bluezone_harness.live.bumble_backend import HeardReport, scanner_backend
from bluezone_harness.live.bumble_backend import scanner as module
from bluezone_harness.observations import AddressType, PduType

Desk: TypeAlias = Any  # the folder's conftest has it, and a test file imports no other
OnDesk: TypeAlias = Callable[[Any], Any]

pytestmark = pytest.mark.req("BZ-RCV-001")

PHONE = "5A:00:00:00:00:01"
ANDROID = "0201020fffb522b9a665d754fe65e665d76a450303564e"
SERVICES = "00004e56-0000-1000-8000-00805f9b34fb"
SCAN_PARAMETERS, SCAN_ENABLE = 0x200B, 0x200C
SCAN_RSP = 4

Told: TypeAlias = list[tuple[BLEDevice, AdvertisementData]]


def noting(told: Told) -> Callable[[BLEDevice, AdvertisementData], None]:
    return lambda device, data: told.append((device, data))


async def settled() -> None:
    await asyncio.sleep(0.01)


def test_tells_what_an_advert_says(on_desk: OnDesk) -> None:
    told: Told = []

    async def main(desk: Desk) -> None:
        async with desk.scanner(noting(told)) as scanner:
            desk.controller.report(ANDROID, rssi=-71)
            await settled()
            assert scanner.discovered_devices == [told[0][0]]
            assert scanner.discovered_devices_and_advertisement_data == {PHONE: told[0]}
            assert scanner.backend_id == "BumbleScanner"

    on_desk(main)
    ((device, data),) = told
    assert (device.address, device.name, str(device.details)) == (PHONE, None, PHONE)
    assert data.manufacturer_data == {0x22B5: bytes.fromhex("b9a665d754fe65e665d76a45")}
    assert data.service_uuids == [SERVICES]
    assert (data.local_name, data.service_data, data.tx_power, data.rssi) == (None, {}, None, -71)
    report = HeardReport(
        bytes.fromhex("5a0000000001"),
        AddressType.RESOLVABLE,
        PduType.ADV_IND,
        False,
        bytes.fromhex(ANDROID),
        -71,
    )
    assert data.platform_data == (
        PHONE,
        {"Address": PHONE, "AddressType": "random", "Paired": False},
        report,
        report,
        None,
    )


def test_puts_advert_and_scan_response_together(on_desk: OnDesk) -> None:
    told: Told = []

    async def main(desk: Desk) -> None:
        async with desk.scanner(noting(told)):
            desk.controller.report("0309 4142 020a04 04ffb52201")
            desk.controller.report("0309 4344 020a08 04ffb52202", kind=SCAN_RSP, rssi=-50)
            desk.controller.report("0309 4142 020a04 04ffb52201")
            await settled()

    on_desk(main)
    names = [(data.local_name, data.tx_power, data.manufacturer_data, data.rssi) for _, data in told]
    later = ("CD", 8, {0x22B5: b"\x02"})
    assert names == [("AB", 4, {0x22B5: b"\x01"}, -60), (*later, -50), (*later, -60)]
    advert, response = told[2][1].platform_data[3:]
    assert (advert.pdu, response.pdu, response.ad.hex()) == (
        PduType.ADV_IND,
        PduType.SCAN_RSP,
        "03094344020a0804ffb52202",
    )
    assert told[0][0] is told[2][0]
    assert told[0][0].name == "CD"


def test_keeps_what_was_once_shown_until_scanning_begins_anew(on_desk: OnDesk) -> None:
    told: Told = []

    async def main(desk: Desk) -> None:
        scanner = desk.scanner(noting(told))
        for first in ("0303564e 04ffb52201", "03030d18 04ff4c0002"):
            await scanner.start()
            desk.controller.report(first)
            await settled()
            if len(told) == 1:
                desk.controller.report("03030d18 04ff4c0002")
                await settled()
            await scanner.stop()

    on_desk(main)
    uuids = [[each[4:8] for each in data.service_uuids] for _, data in told]
    assert uuids == [["4e56"], ["4e56", "180d"], ["180d"]]
    assert [data.manufacturer_data for _, data in told][1:] == [
        {0x22B5: b"\x01", 0x4C: b"\x02"},
        {0x4C: b"\x02"},
    ]


def test_advertisement_data_once_told_do_not_change(on_desk: OnDesk) -> None:
    told: Told = []

    async def main(desk: Desk) -> None:
        async with desk.scanner(noting(told)):
            desk.controller.report("04ffb52201")
            desk.controller.report("04ffb52202")
            await settled()

    on_desk(main)
    assert [data.manufacturer_data[0x22B5] for _, data in told] == [b"\x01", b"\x02"]


@pytest.mark.parametrize("rssi", [-127, 20, 0])
def test_tells_the_rssi_of_each_report(on_desk: OnDesk, rssi: int) -> None:
    told: Told = []

    async def main(desk: Desk) -> None:
        async with desk.scanner(noting(told)):
            desk.controller.report(ANDROID, rssi=rssi)
            desk.controller.report(ANDROID, rssi=127)
            await settled()

    on_desk(main)
    assert [data.rssi for _, data in told] == [rssi, -127]
    assert [data.platform_data[2].rssi for _, data in told] == [rssi, None]


def test_two_kinds_of_one_address_are_two_devices(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[str]:
        async with desk.scanner() as scanner:
            desk.controller.report(ANDROID, address_kind=0)
            desk.controller.report(ANDROID, address_kind=1)
            await settled()
            return [str(each.details) for each in scanner.discovered_devices]

    assert on_desk(main) == [f"{PHONE}/P", PHONE]


@pytest.mark.parametrize(
    ("ad", "name"),
    [("0309ff41", "\ufffdA"), ("05094142 0000", "AB"), ("0109", ""), ("0308 4142 0509 43444546", "CDEF")],
)
def test_decodes_names_whatever_they_hold(on_desk: OnDesk, ad: str, name: str) -> None:
    async def main(desk: Desk) -> object:
        async with desk.scanner() as scanner:
            desk.controller.report(ad)
            await settled()
            return scanner.discovered_devices_and_advertisement_data[PHONE][1].local_name

    assert on_desk(main) == name


def test_filters_by_service_also_in_its_short_form(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[str]:
        async with desk.scanner(services=["4E56"]) as scanner:
            desk.controller.report("03030d18", address="5A:00:00:00:00:02")
            desk.controller.report("020102", address="5A:00:00:00:00:03")
            desk.controller.report(ANDROID)
            await settled()
            return [each.address for each in scanner.discovered_devices]

    assert on_desk(main) == [PHONE]


def test_filters_by_the_scan_response_too(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[str]:
        async with desk.scanner(services=[SERVICES]) as scanner:
            desk.controller.report("020102")
            desk.controller.report("0303564e", kind=SCAN_RSP)
            await settled()
            return [each.address for each in scanner.discovered_devices]

    assert on_desk(main) == [PHONE]


def test_iterates_over_advertisement_data(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[int]:
        heard: list[int] = []
        async with desk.scanner() as scanner:
            for rssi in (-1, -2, -3):
                desk.controller.report(ANDROID, rssi=rssi)
            async for _device, data in scanner.advertisement_data():
                heard.append(data.rssi)
                if len(heard) == 3:
                    break
        return heard

    assert on_desk(main) == [-1, -2, -3]


def test_finds_a_device_by_its_address(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> tuple[BLEDevice | None, BLEDevice | None, float]:
        backend = scanner_backend(desk.device)
        asyncio.get_running_loop().call_later(3, desk.controller.report, ANDROID)
        found = await BleakScanner.find_device_by_address(PHONE.lower(), timeout=5, backend=backend)
        before = asyncio.get_running_loop().time()
        absent = await BleakScanner.find_device_by_address(PHONE, timeout=5, backend=backend)
        return found, absent, asyncio.get_running_loop().time() - before

    found, absent, took = on_desk(main)
    assert found is not None
    assert (found.address, absent, took) == (PHONE, None, 5.0)


def test_discovers(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> dict[str, tuple[BLEDevice, AdvertisementData]]:
        asyncio.get_running_loop().call_later(1, desk.controller.report, ANDROID)
        return await BleakScanner.discover(2, return_adv=True, backend=scanner_backend(desk.device))

    assert list(on_desk(main)) == [PHONE]


@pytest.mark.parametrize(("is_active", "kind"), [(True, 1), (False, 0)])
def test_scans_actively_unless_told_not_to(on_desk: OnDesk, is_active: bool, kind: int) -> None:
    async def main(desk: Desk) -> None:
        async with desk.scanner(is_active=is_active):
            assert desk.controller.asked == [SCAN_PARAMETERS, SCAN_ENABLE]
            assert desk.controller.le_scan_type == kind
            assert desk.controller.filter_duplicates == 0
            assert desk.controller.le_scan_enable
        assert not desk.controller.le_scan_enable

    on_desk(main)


def test_several_scanners_share_one_scan(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        asked = desk.controller.asked
        passive, active = desk.scanner(is_active=False), desk.scanner()
        await passive.start()
        await active.start()  # the passive scan ends, and the active one begins
        assert asked == [SCAN_PARAMETERS, SCAN_ENABLE, SCAN_ENABLE, SCAN_PARAMETERS, SCAN_ENABLE]
        assert desk.controller.le_scan_type == 1
        asked.clear()
        third = desk.scanner(is_active=False)
        await third.start()
        await third.stop()
        await active.stop()
        assert asked == []
        desk.controller.report(ANDROID)
        await settled()
        assert [len(each.discovered_devices) for each in (passive, active, third)] == [1, 0, 0]
        await passive.stop()
        assert asked == [SCAN_ENABLE]

    on_desk(main)


def test_stop_without_start_does_nothing(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[int]:
        scanner = desk.scanner()
        await scanner.stop()
        async with scanner:
            pass
        desk.controller.asked.clear()
        await scanner.stop()
        asked: list[int] = desk.controller.asked
        return asked

    assert on_desk(main) == []


def test_nothing_is_told_after_stop(on_desk: OnDesk) -> None:
    told: Told = []

    async def main(desk: Desk) -> None:
        scanner = desk.scanner(noting(told))
        await scanner.start()
        desk.controller.report(ANDROID)
        await scanner.stop()
        desk.controller.report(ANDROID)
        await settled()

    on_desk(main)
    assert len(told) <= 1


def test_forgets_who_was_silent_longest(on_desk: OnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_DEVICES", 2)

    async def main(desk: Desk) -> list[str]:
        async with desk.scanner() as scanner:
            for last in (1, 2, 1, 3, 4):
                desk.controller.report(ANDROID, address=f"5A:00:00:00:00:0{last}")
            await settled()
            return [each.address[-1] for each in scanner.discovered_devices]

    assert on_desk(main) == ["3", "4"]


def test_forgets_who_was_filtered_out(on_desk: OnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_DEVICES", 1)

    async def main(desk: Desk) -> list[str]:
        async with desk.scanner(services=[SERVICES]) as scanner:
            desk.controller.report(ANDROID)
            desk.controller.report("020102", address="5A:00:00:00:00:02")
            await settled()
            return [each.address for each in scanner.discovered_devices]

    assert on_desk(main) == []


def test_bumble_does_not_keep_every_address(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> int:
        async with desk.scanner():
            for number in range(1100):
                desk.controller.report("020102", address=f"5A:00:00:00:{number >> 8:02X}:{number & 255:02X}")
            await settled()
            return len(desk.device.advertisement_accumulators)

    assert on_desk(main) < 1025


@pytest.mark.parametrize("kind", [0xFE, 0xFF])
def test_who_has_no_address_is_no_device(on_desk: OnDesk, kind: int) -> None:
    async def main(desk: Desk) -> int:
        async with desk.scanner() as scanner:
            desk.controller.report(ANDROID, address_kind=kind)
            await settled()
            return len(scanner.discovered_devices)

    assert on_desk(main) == 0
