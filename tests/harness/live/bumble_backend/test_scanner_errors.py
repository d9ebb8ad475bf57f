"""The genuine BleakScanner over a scripted controller: what fails, and what it leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError

Desk: TypeAlias = Any  # the folder's conftest has it, and a test file imports no other
OnDesk: TypeAlias = Callable[[Any], Any]

pytestmark = pytest.mark.req("BZ-RCV-001")

ANDROID = "0201020fffb522b9a665d754fe65e665d76a450303564e"
SCAN_PARAMETERS, SCAN_ENABLE = 0x200B, 0x200C

Told: TypeAlias = list[tuple[BLEDevice, AdvertisementData]]


def noting(told: Told) -> Callable[[BLEDevice, AdvertisementData], None]:
    return lambda device, data: told.append((device, data))


async def settled() -> None:
    await asyncio.sleep(0.01)


def test_a_second_start_is_an_error(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        scanner = desk.scanner()
        await scanner.start()
        with pytest.raises(BleakError, match="started already"):
            await scanner.start()
        desk.controller.report(ANDROID)
        await settled()
        assert len(scanner.discovered_devices) == 1
        await scanner.stop()

    on_desk(main)


def test_bluetooth_that_is_off_cannot_scan(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> BleakBluetoothNotAvailableError:
        await desk.device.power_off()
        with pytest.raises(BleakBluetoothNotAvailableError) as caught:
            await desk.scanner().start()
        return caught.value

    assert on_desk(main).reason is BleakBluetoothNotAvailableReason.POWERED_OFF


def test_bluetooth_turned_off_meanwhile_ends_the_scan_silently(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> list[int]:
        scanner = desk.scanner()
        await scanner.start()
        await desk.device.power_off()
        desk.controller.asked.clear()
        await scanner.stop()
        asked = list(desk.controller.asked)
        await desk.device.power_on()
        await scanner.start()
        desk.controller.report(ANDROID)
        await settled()
        assert len(scanner.discovered_devices) == 1
        await scanner.stop()
        return asked

    assert on_desk(main) == []


def test_a_controller_that_is_lost_is_told_at_stop_and_once(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> BleakBluetoothNotAvailableError:
        scanner = desk.scanner()
        await scanner.start()
        desk.lose_transport()
        with pytest.raises(BleakBluetoothNotAvailableError) as caught:
            await scanner.stop()
        await scanner.stop()
        with pytest.raises(BleakError, match="did not answer within 5 seconds"):
            await scanner.start()
        with pytest.raises(BleakError, match="did not answer within 5 seconds"):
            await scanner.start()  # which shows that the failed one left nothing behind
        return caught.value

    assert on_desk(main).reason is BleakBluetoothNotAvailableReason.NO_BLUETOOTH


@pytest.mark.parametrize("opcode", [SCAN_PARAMETERS, SCAN_ENABLE])
def test_a_refusal_is_told_and_leaves_the_scanner_unstarted(on_desk: OnDesk, opcode: int) -> None:
    async def main(desk: Desk) -> None:
        scanner = desk.scanner()
        desk.controller.refusals[opcode] = 0x0C
        with pytest.raises(BleakError, match=r"Command Disallowed \(0x0C\)"):
            await scanner.start()
        desk.controller.refusals.clear()
        async with scanner:
            desk.controller.report(ANDROID)
            await settled()
            assert len(scanner.discovered_devices) == 1

    on_desk(main)


def test_a_scan_that_cannot_become_active_has_ended_for_all(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> None:
        passive = desk.scanner(is_active=False)
        await passive.start()
        desk.controller.refusals[SCAN_PARAMETERS] = 0x0C
        with pytest.raises(BleakError):
            await desk.scanner().start()
        with pytest.raises(BleakBluetoothNotAvailableError):
            await passive.stop()
        desk.controller.refusals.clear()
        async with passive:
            assert desk.controller.le_scan_enable

    on_desk(main)


def test_a_refusal_to_stop_is_told_and_the_scanner_is_stopped(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> int:
        scanner = desk.scanner()
        await scanner.start()
        desk.controller.refusals[SCAN_ENABLE] = 0x03
        with pytest.raises(BleakError, match="Hardware Failure"):
            await scanner.stop()
        await scanner.stop()
        desk.controller.report(ANDROID)
        await settled()
        return len(scanner.discovered_devices)

    assert on_desk(main) == 0


@pytest.mark.parametrize("first", [True, False])
def test_a_cancelled_start_leaves_the_controller_as_it_was(on_desk: OnDesk, first: bool) -> None:
    async def main(desk: Desk) -> None:
        other = desk.scanner(is_active=False)
        if not first:
            await other.start()
        task = asyncio.create_task(desk.scanner().start())  # which makes a passive scan an active one
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert bool(desk.controller.le_scan_enable) is not first
        desk.controller.report(ANDROID)
        await settled()
        assert len(other.discovered_devices) == (0 if first else 1)
        async with desk.scanner():
            assert desk.controller.le_scan_enable

    on_desk(main)


def test_a_callback_that_raises_stops_nothing(on_desk: OnDesk) -> None:
    told: Told = []

    def failing(device: BLEDevice, data: AdvertisementData) -> None:
        raise ZeroDivisionError

    async def main(desk: Desk) -> list[object]:
        async with desk.scanner(failing), desk.scanner(noting(told)):
            desk.controller.report(ANDROID)
            desk.controller.report(ANDROID)
            await settled()
        complaints: list[object] = desk.complaints
        return complaints

    assert [type(each) for each in on_desk(main)] == [ZeroDivisionError] * 2
    assert len(told) == 2
