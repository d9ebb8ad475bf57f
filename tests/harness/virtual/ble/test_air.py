from __future__ import annotations

import asyncio
from random import Random

import pytest
from bumble import hci
from bumble.core import PhysicalTransport
from bumble.device import Device, Peer

from bluezone_harness.virtual.ble.air import Air, Clock, Emission
from bluezone_harness.virtual.ble.controllers import VirtualController
from bluezone_harness.virtual.ble.hosts import VirtualDevice, virtual_device
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time

START_US = 1_600_000_000_000_000
PHONE = hci.Address("C0:11:22:33:44:55")
RECEIVERS = tuple(hci.Address(f"C{number}:AA:22:33:44:55") for number in (1, 2))


class Zero(Random):
    """Random numbers that are all 0: an event lies at the first microsecond."""

    def random(self) -> float:
        return 0.0


async def powered(name: str, address: hci.Address, air: Air, *, hears: bool = False) -> VirtualDevice:
    controller = VirtualController(name, air)
    if hears:
        air.add_receiver(controller)
    device = virtual_device(controller, name, address)
    await device.power_on()
    return device


def controller_of(device: Device) -> VirtualController:
    sink = device.host.controller
    controller: VirtualController = getattr(sink, "sink", None)  # type: ignore[assignment] # a pipe's end
    return controller


async def advertise(device: Device, data: bytes = b"\x02\x01\x02") -> None:
    await device.send_sync_command(
        hci.HCI_LE_Set_Advertising_Parameters_Command(
            160, 160, 0, hci.OwnAddressType.RANDOM, hci.AddressType.PUBLIC_DEVICE, hci.Address.ANY, 7, 0
        )
    )
    await device.send_sync_command(hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=data))
    await device.send_sync_command(hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=1))


def listen(device: Device) -> list[hci.HCI_LE_Advertising_Report_Event.Report]:
    found: list[hci.HCI_LE_Advertising_Report_Event.Report] = []
    device.host.on("advertising_report", found.append)
    return found


def test_an_event_at_the_first_instant_comes_after_what_the_host_asks_for_in_it() -> None:
    async def main() -> int:
        air = Air(Clock(START_US))
        receiver = await powered("receiver", RECEIVERS[0], air, hears=True)
        phone = await powered("phone", PHONE, air)
        controller_of(phone).le_legacy_advertiser.emission = Emission((0, 0), START_US, 20_000, 0, Zero())
        await advertise(phone)
        found = listen(receiver)
        await receiver.start_scanning(legacy=True, active=False)
        await asyncio.sleep(0.01)
        return len(found)

    assert run_in_virtual_time(main()) == 1


def test_new_data_hold_from_the_next_advert_on() -> None:
    async def main() -> list[bytes]:
        air = Air(Clock(START_US))
        receiver, phone = (
            await powered("receiver", RECEIVERS[0], air, hears=True),
            await powered("p", PHONE, air),
        )
        found = listen(receiver)
        await receiver.start_scanning(legacy=True, active=True)
        await advertise(phone)
        await asyncio.sleep(5)
        await phone.send_sync_command(
            hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=b"\x02\x01\x06")
        )
        await phone.send_sync_command(
            hci.HCI_LE_Set_Scan_Response_Data_Command(scan_response_data=b"\x01\x09")
        )
        before = len(found)
        await asyncio.sleep(5)
        assert {each.data for each in found[:before]} == {b"\x02\x01\x02", b""}
        return sorted({each.data for each in found[before:]})

    assert run_in_virtual_time(main()) == [b"\x01\x09", b"\x02\x01\x06"]


def test_one_phone_can_be_connected_by_two_receivers_at_once() -> None:
    async def main() -> list[int]:
        air = Air(Clock(START_US), receivers=2)
        receivers = [
            await powered(f"receiver {number}", address, air, hears=True)
            for number, address in enumerate(RECEIVERS)
        ]
        phone = await powered("phone", PHONE, air)
        await advertise(phone)
        # stock hosts do not start again: the second gets through when the phone does
        first = await receivers[0].connect(PHONE)
        later = asyncio.create_task(receivers[1].connect(PHONE))
        await asyncio.sleep(1)
        assert not later.done()
        await advertise(phone)
        second = await later
        services = await asyncio.gather(*(Peer(each).discover_services() for each in (first, second)))
        await first.disconnect()
        await asyncio.sleep(1)
        return [len(each) for each in (*services, phone.connections)]

    assert run_in_virtual_time(main()) == [2, 2, 1]


def test_two_receivers_that_hear_one_advert_do_not_both_get_through() -> None:
    async def main() -> int:
        air = Air(Clock(START_US), receivers=2)
        receivers = [await powered(str(each), each, air, hears=True) for each in RECEIVERS]
        phone = await powered("phone", PHONE, air)
        await advertise(phone)
        attempts = [asyncio.create_task(each.connect(PHONE, timeout=5)) for each in receivers]
        await asyncio.wait(attempts)
        return sum(each.exception() is None for each in attempts)

    assert run_in_virtual_time(main()) == 1


def test_no_second_connection_joins_the_same_two_addresses() -> None:
    async def main() -> int:
        air = Air(Clock(START_US))
        receiver, phone = (
            await powered("receiver", RECEIVERS[0], air, hears=True),
            await powered("p", PHONE, air),
        )
        await advertise(phone)
        await receiver.connect(PHONE)
        other = hci.Address("C7:11:22:33:44:55")
        await phone.send_sync_command(hci.HCI_LE_Set_Random_Address_Command(random_address=other))
        await advertise(phone)
        attempt = asyncio.create_task(receiver.connect(other, timeout=5))
        await asyncio.wait([attempt])
        assert attempt.exception() is not None
        return len(receiver.connections)

    assert run_in_virtual_time(main()) == 1


def test_connections_are_lost_only_when_both_are_in_reach_no_more() -> None:
    async def main() -> list[int]:
        air = Air(Clock(START_US))
        receiver, phone = (
            await powered("receiver", RECEIVERS[0], air, hears=True),
            await powered("p", PHONE, air),
        )
        await advertise(phone)
        await receiver.connect(PHONE)
        for who in (receiver, phone):
            air.leave(controller_of(who))
        air.come_back(controller_of(phone))
        await asyncio.sleep(0.5)
        before = len(receiver.connections)
        await asyncio.sleep(1)
        air.come_back(controller_of(receiver))
        return [before, len(receiver.connections), len(phone.connections)]

    assert run_in_virtual_time(main()) == [1, 0, 0]


def test_a_reset_in_a_connection_is_found_out_by_the_peer() -> None:
    async def main() -> tuple[int, int]:
        air = Air(Clock(START_US))
        receiver, phone = (
            await powered("receiver", RECEIVERS[0], air, hears=True),
            await powered("p", PHONE, air),
        )
        await advertise(phone)
        connection = await receiver.connect(PHONE)
        reasons: list[int] = []
        connection.on(connection.EVENT_DISCONNECTION, reasons.append)
        await phone.send_sync_command(hci.HCI_Reset_Command())
        phone.connections.clear()
        await asyncio.sleep(1)
        return len(receiver.connections), reasons[0]

    assert run_in_virtual_time(main()) == (0, hci.HCI_CONNECTION_TIMEOUT_ERROR)


def test_data_for_a_connection_that_there_is_not_are_lost() -> None:
    async def main() -> None:
        air = Air(Clock(START_US))
        receiver = controller_of(await powered("receiver", RECEIVERS[0], air, hears=True))
        air.send_acl_data(receiver, PHONE, PhysicalTransport.LE, b"lost")
        assert not air.is_in_reach(receiver, 1)
        assert not air.part(receiver, 1)

    run_in_virtual_time(main())


def test_receivers_are_as_many_as_announced() -> None:
    async def main() -> None:
        air = Air(Clock(START_US), receivers=1)
        await powered("receiver", RECEIVERS[0], air, hears=True)
        with pytest.raises(ValueError, match="1 receivers already"):
            await powered("another", RECEIVERS[1], air, hears=True)

    run_in_virtual_time(main())


def test_a_cancel_without_an_attempt_is_refused() -> None:
    async def main() -> None:
        receiver = await powered("receiver", RECEIVERS[0], Air(Clock(START_US)), hears=True)
        with pytest.raises(hci.HCI_Error):
            await receiver.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())

    run_in_virtual_time(main())


class Snoop:
    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def snoop(self, packet: bytes, direction: object) -> None:
        self.packets.append(packet)


@pytest.mark.parametrize("level", ["DEBUG", "WARNING"])
def test_a_host_is_told_the_same_whether_anybody_logs_or_not(
    level: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> tuple[list[tuple[bytes, int]], list[bytes]]:
        air = Air(Clock(START_US), seed=4)
        receiver, phone = (
            await powered("receiver", RECEIVERS[0], air, hears=True),
            await powered("p", PHONE, air),
        )
        snoop = receiver.host.snooper = Snoop()  # type: ignore[assignment] # of the same form
        found = listen(receiver)
        await receiver.start_scanning(legacy=True, active=False)
        await advertise(phone)
        await asyncio.sleep(2)
        return [(each.data, each.rssi) for each in found], snoop.packets

    caplog.set_level(level, "bumble")
    found, packets = run_in_virtual_time(main())
    adverts = [each for each in packets if each[:5] == b"\x04\x3e\x0f\x02\x01"]
    assert len(packets) == len(adverts) + 4  # two commands and their answers
    assert [(each[14:-1], each[-1] - 256) for each in adverts] == found
    assert len(found) == 19


def test_devices_read_adverts_for_whoever_listens() -> None:
    async def main() -> int:
        air = Air(Clock(START_US), seed=4)
        receiver, phone = (
            await powered("receiver", RECEIVERS[0], air, hears=True),
            await powered("p", PHONE, air),
        )
        found: list[object] = []
        receiver.on(receiver.EVENT_ADVERTISEMENT, found.append)
        await receiver.start_scanning(legacy=True, active=False)
        await advertise(phone)
        await asyncio.sleep(2)
        return len(found)

    assert run_in_virtual_time(main()) == 19
