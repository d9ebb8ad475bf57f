"""Stock controllers that play a scene, and what they sent held against the record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from bumble import hci, ll
from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.device import Device, DeviceConfiguration
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

from bluezone_harness.live.attached import Attached, PacketSource
from bluezone_harness.live.broadcaster import Broadcaster
from bluezone_harness.live.broadcasting import BroadcastRecorder
from bluezone_harness.live.served_reads import ServedReads
from bluezone_harness.virtual.phones import Sender
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_harness.virtual.scenarios.scenes import Scene, scene_of

START_US = 1_795_424_400_000_000  # 2026-11-23T09:00:00Z
SCENARIO = b"""
schema = 1
seed = 7
duration = "2 min"
[[phone]]
name = "An"
[[phone]]
name = "Binh"
platform = "ios"
[[phone]]
name = "Chi"
[[advert]]
name = "said twice"
kind = "wrong-company"
from = "20 s"
to = "40 s"
"""
Kept = Any  # the class stands in the conftest.py above
Line = dict[str, object]
LEGACY = hci.LeFeatureMask(
    ~(hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING)
)


class Clock:
    """The loop's time, as microseconds since the Unix epoch."""

    def now_us(self) -> int:
        return START_US + round(asyncio.get_running_loop().time() * 1e6)


class Air(LocalLink):
    """Stock's link, which notes what is sent."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # stock says no types here
        self.sent: list[tuple[int, str, str]] = []

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        if isinstance(packet, ll.AdvInd | ll.AdvExtInd):
            address = bytes(packet.advertiser_address)[::-1].hex(":").upper()
            self.sent.append((Clock().now_us(), address, bytes(packet.data).hex()))
        super().send_advertising_pdu(sender_controller, packet)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        # stock: data come from the sender's one random address, whichever of its sets was connected to
        connection = sender_controller.le_connections[destination_address]
        found = self.find_le_controller(destination_address)
        assert found is not None
        asyncio.get_running_loop().call_soon(found.on_link_acl_data, connection.self_address, transport, data)


class Stock(Controller):
    """Stock's controller, as one of a real kind."""

    supported_commands = Controller.supported_commands | {
        hci.HCI_LE_READ_NUMBER_OF_SUPPORTED_ADVERTISING_SETS_COMMAND
    }
    sets = 0xF0
    refused: hci.HCI_ErrorCode | None = None

    def __init__(self, name: str, link: LocalLink, *, extended: bool) -> None:
        super().__init__(name, link=link)
        if not extended:
            self.le_features &= LEGACY

    def on_hci_le_read_number_of_supported_advertising_sets_command(
        self, _command: hci.HCI_LE_Read_Number_Of_Supported_Advertising_Sets_Command
    ) -> hci.HCI_LE_Read_Number_Of_Supported_Advertising_Sets_ReturnParameters:
        return hci.HCI_LE_Read_Number_Of_Supported_Advertising_Sets_ReturnParameters(
            status=hci.HCI_ErrorCode.SUCCESS, num_supported_advertising_sets=self.sets
        )

    def on_hci_le_set_advertising_enable_command(
        self, command: hci.HCI_LE_Set_Advertising_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        if command.advertising_enable and self.refused is not None:
            return hci.HCI_StatusReturnParameters(self.refused)
        return super().on_hci_le_set_advertising_enable_command(command)

    def on_hci_le_set_extended_advertising_enable_command(
        self, command: hci.HCI_LE_Set_Extended_Advertising_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        if command.enable and self.refused is not None:
            return hci.HCI_StatusReturnParameters(self.refused)
        return super().on_hci_le_set_extended_advertising_enable_command(command)


class Late(Stock):
    """A controller that answers commands a little later than it tells of connections."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        after_s = 0.05 if isinstance(packet, hci.HCI_Command_Complete_Event) else 0
        asyncio.get_running_loop().call_later(after_s, super().send_hci_packet, packet)


class Slow(Stock):
    """A controller that takes a while to answer."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        asyncio.get_running_loop().call_later(0.02, super().send_hci_packet, packet)


class Dumb(Stock):
    """A controller that takes everything, and says nothing."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        pass


def bumble_on(controller: Controller, address: str = "C0:00:00:00:00:01") -> Device:
    host = Host(controller, AsyncPipeSink(controller))
    return Device(config=DeviceConfiguration(name="x", address=hci.Address(address)), host=host)


class Played:
    """A scene that is played by a stock controller.

    Attributes:
        file: The record.
        said: What people were told.
        gone: Is done to lose the controller.
    """

    def __init__(self, controller: Callable[[], Stock], scenario: bytes, file: Kept) -> None:
        self.scenario: Scenario = read_scenario("session.toml", scenario)
        self.file = file
        self.said: list[str] = []
        self.clock = Clock()
        self.record = BroadcastRecorder(self.scenario, lambda: self.file, now=lambda: 0, tells_rssi=False)
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.fails: list[Exception] = []
        self.controllers: list[Stock] = []
        self.begun = 0
        self.change: Callable[[Scene], Scene] = lambda scene: scene
        self._make = controller
        self.broadcaster = Broadcaster("usb:0", self.attach, self.clock, self.record, self.said.append)

    @asynccontextmanager
    async def attach(self) -> AsyncIterator[Attached]:
        if self.fails:
            raise self.fails.pop(0)
        controller = self._make()
        self.controllers.append(controller)
        self.gone = asyncio.get_running_loop().create_future()
        try:
            yield Attached(bumble_on(controller), cast(PacketSource, controller), self.gone)
        finally:
            controller.on_hci_packet(hci.HCI_Reset_Command())
            for each in controller.advertising_sets.values():
                each.stop()
            controller.le_legacy_advertiser.stop()

    def begin(self) -> tuple[tuple[Sender, ...], ServedReads, int]:
        self.begun += 1
        start_ms = self.clock.now_us() // 1000
        scene = self.change(scene_of(self.scenario, start_ms))
        self.record.open()
        self.record.begin(start_ms * 1000)
        reads = ServedReads(scene.servers, self.clock, self.record)
        return scene.senders, reads, scene.plan.until_ms * 1000

    async def run(self) -> None:
        try:
            await self.broadcaster.run(self.begin)
        finally:
            now_us = self.clock.now_us()
            self.broadcaster.end(now_us)
            self.record.close(now_us, "over")


def spans_of(file: Kept) -> list[tuple[int, int, Line]]:
    """Return when each set was on the air."""
    ends = {each["set"]: int(str(each["time_us"])) for each in file.of("off_air")}
    found = [(int(str(each["time_us"])), ends.pop(each["set"]), each) for each in file.of("on_air")]
    assert not ends
    return found


def sent_outside(air: Air, file: Kept) -> list[tuple[int, str, str]]:
    """Return what was sent while the record says that it was not."""
    told = spans_of(file)
    return [
        (time_us, address, ad)
        for time_us, address, ad in air.sent
        if not any(
            from_us <= time_us <= until_us and (each["address"], each["ad"]) == (address, ad)
            for from_us, until_us, each in told
        )
    ]


@pytest.fixture(scope="session")
def new_played(new_kept: Callable[[], Kept]) -> Callable[..., Played]:
    """Return a function from what makes a controller, and a scenario unless it is the usual one, to what it plays."""

    def make(controller: Callable[[], Stock], scenario: bytes = SCENARIO) -> Played:
        return Played(controller, scenario, new_kept())

    return make


@pytest.fixture(scope="session")
def new_air() -> type[Air]:
    """Return the class of an air that notes what is sent."""
    return Air


@pytest.fixture(scope="session")
def stock() -> type[Stock]:
    """Return the class of a stock controller: its name, its air, and whether it is extended."""
    return Stock


@pytest.fixture(scope="session")
def late_stock() -> type[Late]:
    """Return the class of one that answers commands a little later than it tells of connections."""
    return Late


@pytest.fixture(scope="session")
def slow_stock() -> type[Slow]:
    """Return the class of one that takes a while to answer."""
    return Slow


@pytest.fixture(scope="session")
def dumb_stock() -> type[Dumb]:
    """Return the class of one that takes everything, and says nothing."""
    return Dumb


@pytest.fixture(scope="session")
def device_on() -> Callable[..., Device]:
    """Return a function from a controller, and an address, to stock's host of it."""
    return bumble_on


@pytest.fixture(scope="session")
def spans() -> Callable[[Kept], list[tuple[int, int, Line]]]:
    """Return a function from a record to when each set was on the air."""
    return spans_of


@pytest.fixture(scope="session")
def outside() -> Callable[[Air, Kept], list[tuple[int, str, str]]]:
    """Return a function from an air and a record to what was sent while the record says that it was not."""
    return sent_outside
