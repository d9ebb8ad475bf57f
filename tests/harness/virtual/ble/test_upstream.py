"""The defects of stock bumble that are mended here: each shows in stock bumble, and does not show in ours.

Where the first half of a pair fails, bumble has mended it, and the override that it names can go.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import pairwise
from statistics import median
from typing import Protocol

import pytest
from bumble import core, hci
from bumble.controller import Controller
from bumble.device import Connection, Device, DeviceConfiguration, Peer
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

from bluezone_harness.virtual.ble.air import Air, Clock
from bluezone_harness.virtual.ble.controllers import VirtualController
from bluezone_harness.virtual.ble.hosts import virtual_device
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time

AD, RESPONSE = bytes.fromhex("02010203ff1234"), bytes.fromhex("0309414221"[:8])
PHONE, OTHER, RECEIVER, ABSENT = (
    hci.Address(f"C{number}:11:22:33:44:55", hci.AddressType.RANDOM_DEVICE) for number in range(4)
)
NOWHERE_S = 100.0
Report = hci.HCI_LE_Advertising_Report_Event.Report


class Bench(Protocol):
    """Devices on a link, powered on, with their controllers."""

    async def add(self, name: str, address: hci.Address, *, hears: bool = False) -> Device: ...

    def controller(self, device: Device) -> Controller: ...

    def lose(self, device: Device) -> None: ...


class StockBench:
    def __init__(self) -> None:
        self.link = LocalLink()  # type: ignore[no-untyped-call] # stock says no types here
        self.controllers: dict[Device, Controller] = {}

    async def add(self, name: str, address: hci.Address, *, hears: bool = False) -> Device:
        controller = Controller(name, link=self.link)
        controller.le_features &= ~(hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LL_PRIVACY)
        config = DeviceConfiguration(name=name, address=address)
        device = Device(config=config, host=Host(controller, AsyncPipeSink(controller)))
        self.controllers[device] = controller
        await device.power_on()
        return device

    def controller(self, device: Device) -> Controller:
        return self.controllers[device]

    def lose(self, device: Device) -> None:
        self.link.remove_controller(self.controllers[device])


class MendedBench:
    def __init__(self) -> None:
        self.air = Air(Clock(1_600_000_000_000_000), seed=1)
        self.controllers: dict[Device, VirtualController] = {}

    async def add(self, name: str, address: hci.Address, *, hears: bool = False) -> Device:
        controller = VirtualController(name, self.air)
        if hears:
            self.air.add_receiver(controller)
        device = virtual_device(controller, name, address)
        self.controllers[device] = controller
        await device.power_on()
        return device

    def controller(self, device: Device) -> Controller:
        return self.controllers[device]

    def lose(self, device: Device) -> None:
        self.air.leave(self.controllers[device])


Scenario = Callable[[Bench], Awaitable[bool]]
"""Answers whether the defect shows."""
DEFECTS: dict[str, tuple[str, Scenario]] = {}


def defect(override: str) -> Callable[[Scenario], Scenario]:
    def register(scenario: Scenario) -> Scenario:
        DEFECTS[getattr(scenario, "__name__", "")] = override, scenario
        return scenario

    return register


async def refuses(device: Device, command: hci.HCI_SyncCommand[hci.HCI_StatusReturnParameters]) -> bool:
    try:
        await device.send_sync_command(command)
    except hci.HCI_Error:
        return True
    return False


def parameters(kind: int = 0) -> hci.HCI_LE_Set_Advertising_Parameters_Command:
    return hci.HCI_LE_Set_Advertising_Parameters_Command(
        advertising_interval_min=160,  # 100 ms
        advertising_interval_max=160,
        advertising_type=kind,
        own_address_type=hci.OwnAddressType.RANDOM,
        peer_address_type=hci.AddressType.PUBLIC_DEVICE,
        peer_address=hci.Address.ANY,
        advertising_channel_map=7,
        advertising_filter_policy=0,
    )


async def advertise(device: Device, kind: int = 0) -> None:
    await device.send_sync_command(parameters(kind))
    await device.send_sync_command(hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=AD))
    await device.send_sync_command(hci.HCI_LE_Set_Scan_Response_Data_Command(scan_response_data=RESPONSE))
    await device.send_sync_command(hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=1))


async def heard(
    bench: Bench,
    kind: int = 0,
    *,
    active: bool = False,
    filter_duplicates: bool = False,
    seconds: float = 8,
) -> list[tuple[float, Report]]:
    receiver = await bench.add("receiver", RECEIVER, hears=True)
    found: list[tuple[float, Report]] = []
    loop = asyncio.get_running_loop()
    receiver.host.on("advertising_report", lambda report: found.append((loop.time(), report)))
    await receiver.start_scanning(legacy=True, active=active, filter_duplicates=filter_duplicates)
    await advertise(await bench.add("phone", PHONE), kind)
    await asyncio.sleep(seconds)
    return found


async def joined(bench: Bench) -> tuple[Connection, Device, Connection]:
    """Return a connection as the receiver sees it, the phone, and the connection as the phone sees it."""
    receiver, phone = await bench.add("receiver", RECEIVER, hears=True), await bench.add("phone", PHONE)
    seen: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
    phone.on(phone.EVENT_CONNECTION, seen.set_result)
    await advertise(phone)
    return await receiver.connect(PHONE), phone, await seen


async def ends(what: Awaitable[object]) -> bool:
    try:
        await asyncio.wait_for(what, NOWHERE_S)
    except TimeoutError:
        return False
    return True


@defect("VirtualController.hear")
async def the_rssi_is_always_the_same(bench: Bench) -> bool:
    return {report.rssi for _, report in await heard(bench)} == {-50}


@defect("VirtualController.hear")
async def each_advert_is_reported_as_a_scan_response_too(bench: Bench) -> bool:
    return any(report.event_type == 4 for _, report in await heard(bench))


@defect("VirtualController.on_hci_le_set_scan_response_data_command")
async def a_scan_response_has_the_data_of_the_advert(bench: Bench) -> bool:
    answers = {report.data for _, report in await heard(bench, active=True) if report.event_type == 4}
    assert answers
    return answers != {RESPONSE}


@defect("Advertiser.interval_us")
async def the_interval_is_taken_for_milliseconds(bench: Bench) -> bool:
    times = [at for at, report in await heard(bench) if report.event_type == 0]
    return median(after - before for before, after in pairwise(times)) > 0.150


@defect("Air.begin")
async def there_is_no_adv_delay(bench: Bench) -> bool:
    times = [at for at, report in await heard(bench) if report.event_type == 0]
    gaps = [after - before for before, after in pairwise(times)]
    return max(gaps) - min(gaps) < 1e-6


@defect("Air.begin")
async def a_nonconnectable_advert_is_never_sent(bench: Bench) -> bool:
    return not [report for _, report in await heard(bench, 3) if report.event_type == 3]


@defect("Air.begin")
async def a_scannable_advert_is_never_sent(bench: Bench) -> bool:
    return not [report for _, report in await heard(bench, 2) if report.event_type == 2]


@defect("VirtualController.on_hci_le_set_random_address_command")
async def the_address_changes_while_it_is_in_use(bench: Bench) -> bool:
    phone = await bench.add("phone", PHONE)
    await advertise(phone)
    return not await refuses(phone, hci.HCI_LE_Set_Random_Address_Command(random_address=OTHER))


@defect("VirtualController.on_hci_le_set_advertising_parameters_command")
async def the_parameters_change_while_they_are_in_use(bench: Bench) -> bool:
    phone = await bench.add("phone", PHONE)
    await advertise(phone)
    return not await refuses(phone, parameters())


@defect("VirtualController._report")
async def duplicates_are_not_filtered(bench: Bench) -> bool:
    adverts = [each for _, each in await heard(bench, filter_duplicates=True) if each.event_type == 0]
    assert adverts
    return len(adverts) > 1


@defect("Air.add_receiver")
async def adverts_go_to_controllers_that_do_not_listen(bench: Bench) -> bool:
    bystander = bench.controller(await bench.add("bystander", OTHER))
    seen: list[object] = []
    for name in ("on_ll_advertising_pdu", "hear"):
        setattr(bystander, name, lambda *what: seen.append(what))
    await heard(bench)
    return bool(seen)


@defect("VirtualController.on_hci_reset_command")
async def a_reset_controller_goes_on_advertising(bench: Bench) -> bool:
    receiver, phone = await bench.add("receiver", RECEIVER, hears=True), await bench.add("phone", PHONE)
    await advertise(phone)
    await phone.send_sync_command(hci.HCI_Reset_Command())
    found: list[Report] = []
    receiver.host.on("advertising_report", found.append)
    await receiver.start_scanning(legacy=True, active=False)
    await asyncio.sleep(10)
    return bool(found)


@defect("VirtualController.on_hci_reset_command")
async def a_reset_controller_goes_on_scanning(bench: Bench) -> bool:
    receiver = await bench.add("receiver", RECEIVER, hears=True)
    await receiver.start_scanning(legacy=True, active=False)
    await receiver.send_sync_command(hci.HCI_Reset_Command())
    return bench.controller(receiver).le_scan_enable


@defect("VirtualController.on_hci_le_rand_command")
async def random_numbers_come_from_the_process(bench: Bench) -> bool:
    phone = await bench.add("phone", PHONE)
    drawn = []
    before = random.getstate()
    try:
        for _ in range(2):
            random.seed(7)
            drawn.append((await phone.send_sync_command(hci.HCI_LE_Rand_Command())).random_number)
    finally:
        random.setstate(before)
    return drawn[0] == drawn[1]


@defect("VirtualController.send_hci_packet")
async def packets_are_written_into_texts_for_no_log(bench: Bench) -> bool:
    written: list[object] = []

    class Told(hci.HCI_Command_Status_Event):
        def __str__(self) -> str:
            written.append(self)
            return ""

    controller = bench.controller(await bench.add("phone", PHONE))
    controller.send_hci_packet(Told(status=0, num_hci_command_packets=1, command_opcode=0))
    return bool(written)


@defect("VirtualDevice.on_advertising_report")
async def addresses_are_kept_for_nobody(bench: Bench) -> bool:
    receiver = await bench.add("receiver", RECEIVER, hears=True)
    await receiver.start_scanning(legacy=True, active=False)
    await advertise(await bench.add("phone", PHONE))
    await asyncio.sleep(10)
    return bool(receiver.advertisement_accumulators)


@defect("VirtualController.on_hci_le_create_connection_cancel_command")
async def an_attempt_to_connect_never_ends(bench: Bench) -> bool:
    receiver = await bench.add("receiver", RECEIVER, hears=True)

    async def attempt() -> None:
        with pytest.raises(core.TimeoutError):
            await receiver.connect(ABSENT, timeout=10)

    return not await ends(attempt())


@defect("VirtualDevice.connect_le")
async def two_attempts_at_once_wait_for_ever(bench: Bench) -> bool:
    receiver = await bench.add("receiver", RECEIVER, hears=True)
    for name, address in (("phone", PHONE), ("other", OTHER)):
        await advertise(await bench.add(name, address))
    both = asyncio.gather(*(receiver.connect(each) for each in (PHONE, OTHER)), return_exceptions=True)
    return not await ends(both) or not all(isinstance(each, Connection) for each in both.result())


@defect("Air.send_acl_data")
async def a_connection_dies_when_the_phone_changes_its_address(bench: Bench) -> bool:
    connection, phone, _ = await joined(bench)
    await phone.send_sync_command(hci.HCI_LE_Set_Random_Address_Command(random_address=OTHER))
    try:
        return not await Peer(connection).discover_services()
    except core.TimeoutError:
        return True


@defect("Air.send_ll_control_pdu")
async def a_connection_with_somebody_who_is_gone_never_ends(bench: Bench) -> bool:
    connection, phone, _ = await joined(bench)
    bench.lose(phone)
    return not await ends(connection.disconnect())


@defect("VirtualController.on_hci_disconnect_command")
async def whoever_disconnects_is_told_the_reason_of_the_peer(bench: Bench) -> bool:
    connection, _, other = await joined(bench)
    reasons: list[list[int]] = [[], []]
    for each, found in zip((connection, other), reasons, strict=True):
        each.on(each.EVENT_DISCONNECTION, found.append)
    await connection.disconnect()
    await asyncio.sleep(1)
    assert reasons[1] == [hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR]
    return reasons[0] != [hci.HCI_CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR]


async def accepts(device: Device, command: hci.HCI_AsyncCommand) -> bool:
    try:
        await device.send_async_command(command)
    except hci.HCI_Error:
        return False
    return True


@defect("VirtualController.on_hci_disconnect_command")
async def a_connection_that_there_is_not_is_ended(bench: Bench) -> bool:
    receiver = await bench.add("receiver", RECEIVER, hears=True)
    return await accepts(receiver, hci.HCI_Disconnect_Command(connection_handle=77, reason=0x13))


@defect("VirtualController.on_hci_le_create_connection_command")
async def a_second_connection_with_one_address_is_begun(bench: Bench) -> bool:
    connection, _, _ = await joined(bench)
    again = hci.HCI_LE_Create_Connection_Command(
        96, 96, 0, PHONE.address_type, PHONE, hci.OwnAddressType.RANDOM, 12, 24, 0, 72, 0, 0
    )
    return await accepts(connection.device, again)


@defect("VirtualController.connected")
async def the_phone_is_told_of_other_parameters(bench: Bench) -> bool:
    connection, _, other = await joined(bench)
    return connection.parameters != other.parameters


def shows(bench: Callable[[], Bench], scenario: Scenario) -> bool:
    async def main() -> bool:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        return await scenario(bench())

    return run_in_virtual_time(main())


@pytest.mark.parametrize("name", DEFECTS)
def test_stock_bumble_has_the_defect(name: str) -> None:
    override, scenario = DEFECTS[name]
    assert shows(StockBench, scenario), f"bumble mended this: the override {override} can go"


@pytest.mark.parametrize("name", DEFECTS)
def test_ours_has_it_not(name: str) -> None:
    assert not shows(MendedBench, DEFECTS[name][1])
