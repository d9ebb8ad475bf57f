"""Scenes played by stock controllers, as real ones would be: what is on the air lies in the record, and reads do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from io import BytesIO
from typing import cast

import pytest
from bumble import hci, ll
from bumble.controller import Controller
from bumble.core import UUID, PhysicalTransport
from bumble.device import Device, DeviceConfiguration, Peer
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

from bluezone_harness.live.attached import Attached, PacketSource
from bluezone_harness.live.broadcaster import Broadcaster
from bluezone_harness.live.broadcasting import BroadcastRecorder
from bluezone_harness.live.controller_sets import turn_us, units_of
from bluezone_harness.live.controllers import lost
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.live.served_reads import ServedReads
from bluezone_harness.observations import AddressType
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.phones import Sender
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_harness.virtual.scenarios.scenes import Scene, scene_of

pytestmark = pytest.mark.req("BZ-RCV-001")

START_US = 1_795_424_400_000_000  # 2026-11-23T09:00:00Z
CHARACTERISTIC = UUID("00004e56-73f5-4bc4-a12f-17d1ad07a689")
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
Line = dict[str, object]
LEGACY = hci.LeFeatureMask(
    ~(hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING)
)


class Kept(BytesIO):
    """A file that can be looked into when it is closed."""

    def close(self) -> None:
        pass

    def of(self, *kinds: str) -> list[Line]:
        lines = [json.loads(each) for each in self.getvalue().splitlines()]
        return [each for each in lines[1:] if each["kind"] in kinds]


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


def device_on(controller: Controller, address: str = "C0:00:00:00:00:01") -> Device:
    host = Host(controller, AsyncPipeSink(controller))
    return Device(config=DeviceConfiguration(name="x", address=hci.Address(address)), host=host)


class Played:
    """A scene that is played by a stock controller.

    Attributes:
        file: The record.
        said: What people were told.
        gone: Is done to lose the controller.
    """

    def __init__(self, controller: Callable[[], Stock], scenario: bytes = SCENARIO) -> None:
        self.scenario: Scenario = read_scenario("session.toml", scenario)
        self.file = Kept()
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
            yield Attached(device_on(controller), cast(PacketSource, controller), self.gone)
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


def spans(file: Kept) -> list[tuple[int, int, Line]]:
    """Return when each set was on the air."""
    ends = {each["set"]: int(str(each["time_us"])) for each in file.of("off_air")}
    found = [(int(str(each["time_us"])), ends.pop(each["set"]), each) for each in file.of("on_air")]
    assert not ends
    return found


def outside(air: Air, file: Kept) -> list[tuple[int, str, str]]:
    """Return what was sent while the record says that it was not."""
    told = spans(file)
    return [
        (time_us, address, ad)
        for time_us, address, ad in air.sent
        if not any(
            from_us <= time_us <= until_us and (each["address"], each["ad"]) == (address, ad)
            for from_us, until_us, each in told
        )
    ]


def wholly_played(*, extended: bool, sets: int = 0xF0) -> tuple[Played, Air]:
    async def main() -> tuple[Played, Air]:
        air = Air()

        def make() -> Stock:
            made = Stock("sender", air, extended=extended)
            made.sets = sets
            return made

        played = Played(make)
        await played.run()
        return played, air

    return run_in_virtual_time(main())


def test_a_controller_with_many_sets_sends_all_all_the_time() -> None:
    played, air = wholly_played(extended=True)
    found = spans(played.file)
    assert outside(air, played.file) == []
    wanted = [
        (each.from_us, each.until_us, sender.name, each.ad.hex())
        for sender in scene_of(played.scenario, START_US // 1000).senders
        for each in sender.windows
    ]
    until_us = START_US + 120_000_000
    told = [(from_us, end_us, each["sender"], each["ad"]) for from_us, end_us, each in found]
    assert sorted(told, key=str) == sorted(
        ((max(a, START_US), min(b, until_us), *rest) for a, b, *rest in wanted if b > START_US), key=str
    )
    assert len(air.sent) > 2000
    assert played.said == []
    assert played.record.on_air_now == {}


@pytest.mark.parametrize(("extended", "sets"), [(False, 0), (True, 1), (True, 2)])
def test_with_too_few_sets_they_take_turns(extended: bool, sets: int) -> None:
    played, air = wholly_played(extended=extended, sets=sets)
    found = spans(played.file)
    assert outside(air, played.file) == []
    assert air.sent
    times = sorted([(start, 1) for start, _, _ in found] + [(end, -1) for _, end, _ in found])
    at_once = most = 0
    for _, step in times:
        at_once += step
        most = max(most, at_once)
    assert most == max(sets, 1)
    assert {each["sender"] for _, _, each in found} == {"An", "Binh", "Chi", "said twice"}
    # whose turn it is has it for some intervals, unless it is over before
    ends = {
        each.until_us
        for sender in scene_of(played.scenario, START_US // 1000).senders
        for each in sender.windows
    }
    for from_us, until_us, each in found:
        if until_us not in ends and until_us < START_US + 120_000_000:
            assert until_us - from_us >= turn_us(int(str(each["interval_us"])))


async def read_iphone(air: Air, *, extended: bool) -> bytes:
    """Connect to the iPhone as a stock central does, read its id, stay a while and leave."""
    controller = Stock("central", air, extended=extended)
    central = device_on(controller, "C0:00:00:00:00:02")
    await central.power_on()
    found: asyncio.Future[hci.Address] = asyncio.get_running_loop().create_future()

    def hear(advertisement: object) -> None:
        if b"Bluezone" in advertisement.data_bytes and not found.done():  # type: ignore[attr-defined] # stock's
            found.set_result(advertisement.address)  # type: ignore[attr-defined] # stock's

    central.on("advertisement", hear)
    await central.start_scanning(legacy=not extended, active=False, filter_duplicates=False)
    address = await found
    await central.stop_scanning(legacy=not extended)
    connection = await central.connect(address)
    peer = Peer(connection)
    await peer.discover_services()
    for service in peer.services:
        await service.discover_characteristics()
    (characteristic,) = peer.get_characteristics_by_uuid(CHARACTERISTIC)
    value = await characteristic.read_value()
    await asyncio.sleep(1)
    await connection.disconnect()
    return value


@pytest.mark.req("BZ-GAT-002")
@pytest.mark.parametrize("extended", [True, False])
def test_a_central_reads_the_phone_that_it_connected_to(extended: bool) -> None:
    async def main() -> tuple[Played, Air, bytes]:
        air = Air()
        played = Played(lambda: Stock("sender", air, extended=extended))
        running = asyncio.create_task(played.run())
        value = await read_iphone(air, extended=extended)
        await running
        return played, air, value

    played, air, value = run_in_virtual_time(main())
    assert len(value) == 12
    connected, read, disconnected = played.file.of("peer_connected", "peer_read", "peer_disconnected")
    assert (read["kind"], read["value"]) == ("peer_read", value.hex())
    assert connected["peer"] == "C0:00:00:00:00:02"
    (iphone,) = {each["address"] for each in played.file.of("on_air") if each["sender"] == "Binh"}
    assert {each["address"] for each in (connected, read, disconnected)} == {iphone}
    # the set ended when the central connected, and began anew
    time_us = int(str(connected["time_us"]))
    assert any(
        until_us <= time_us <= until_us + 1000
        for _, until_us, each in spans(played.file)
        if each["sender"] == "Binh"
    )
    assert any(from_us >= time_us for from_us, _, each in spans(played.file) if each["sender"] == "Binh")
    assert outside(air, played.file) == []


class _Late(Stock):
    """A controller that answers commands a little later than it tells of connections."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        after_s = 0.05 if isinstance(packet, hci.HCI_Command_Complete_Event) else 0
        asyncio.get_running_loop().call_later(after_s, super().send_hci_packet, packet)


def test_what_a_central_connects_to_before_the_answer_was_on_the_air() -> None:
    async def main() -> Played:
        air = Air()
        scenario = b"""
schema = 1
duration = "20 s"
[[advert]]
name = "x"
ad = "03ff0001"
address = "C0:00:00:00:00:09"
interval = "20 ms"
from = "10 s"
"""
        played = Played(lambda: _Late("sender", air, extended=False), scenario)
        running = asyncio.create_task(played.run())
        central = device_on(Stock("central", air, extended=False), "C0:00:00:00:00:02")
        await central.power_on()
        address = hci.Address("C0:00:00:00:00:09", hci.AddressType.RANDOM_DEVICE)
        connection = await central.connect(address, timeout=60)
        await asyncio.sleep(1)
        await connection.disconnect()
        await running
        return played

    played = run_in_virtual_time(main())
    kinds = [str(each["kind"]) for each in played.file.of("on_air", "off_air", "peer_connected")]
    assert kinds[:3] == ["on_air", "off_air", "peer_connected"]
    assert kinds.count("on_air") == kinds.count("off_air") == 2


def test_who_is_connected_at_the_end_is_let_go() -> None:
    async def main() -> Played:
        air = Air()
        played = Played(lambda: Stock("sender", air, extended=True))
        running = asyncio.create_task(played.run())
        central = device_on(Stock("central", air, extended=True), "C0:00:00:00:00:02")
        await central.power_on()
        while not played.file.of("on_air"):
            await asyncio.sleep(1)
            played.record.pass_time(0)
        address = next(str(each["address"]) for each in played.file.of("on_air") if each["sender"] == "An")
        await central.connect(hci.Address(address, hci.AddressType.RANDOM_DEVICE))
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        return played

    played = run_in_virtual_time(main())
    assert [each["kind"] for each in played.file.of("peer_connected", "peer_disconnected")] == [
        "peer_connected",
        "peer_disconnected",
    ]
    assert len(spans(played.file)) > 3
    assert played.file.of("end") == [{"kind": "end", "reason": "over"}]


def test_a_controller_that_is_lost_is_waited_for() -> None:
    async def main() -> tuple[Played, Air]:
        air = Air()
        played = Played(lambda: Stock("sender", air, extended=True))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(30)
        played.fails = [lost("usb:0", EOFError()), lost("usb:0", EOFError())]
        played.gone.set_result(None)
        await running
        return played, air

    played, air = run_in_virtual_time(main())
    (gap,) = played.file.of("gap")
    assert (gap["time_us"], gap["until_us"]) == (START_US + 30_000_000, START_US + 36_000_000)
    assert outside(air, played.file) == []
    found = spans(played.file)
    assert not [each for each in found if START_US + 30_000_000 <= each[0] < START_US + 36_000_000]
    assert sum(until_us == START_US + 30_000_000 for _, until_us, _ in found) > 1
    assert sum(from_us == START_US + 36_000_000 for from_us, _, _ in found) > 1
    assert played.said[0].startswith("usb:0: the controller is gone: plug it in again")
    assert played.said[1:] == ["the controller is there again"]
    assert played.begun == 1


def test_a_controller_that_is_lost_again_is_told_again() -> None:
    async def main() -> Played:
        played = Played(lambda: Stock("sender", Air(), extended=True))
        running = asyncio.create_task(played.run())
        for _ in range(2):
            await asyncio.sleep(30)
            played.gone.set_result(None)
        await running
        return played

    played = run_in_virtual_time(main())
    assert [each.rpartition("; ")[2] for each in played.said] == [
        "waiting for it",
        "the controller is there again",
    ] * 2
    assert len(played.file.of("gap")) == 2


def test_a_controller_that_does_not_come_back() -> None:
    async def main() -> Played:
        played = Played(lambda: Stock("sender", Air(), extended=True))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(100)
        played.fails = [lost("usb:0", EOFError()) for _ in range(99)]
        played.gone.set_result(None)
        await running
        return played

    played = run_in_virtual_time(main())
    (gap,) = played.file.of("gap")
    assert (gap["time_us"], gap["until_us"]) == (START_US + 100_000_000, START_US + 120_000_000)
    assert len(played.said) == 1


@pytest.mark.parametrize("may_return", [True, False])
def test_a_controller_that_was_never_there(may_return: bool) -> None:
    async def main() -> Played:
        played = Played(lambda: Stock("sender", Air(), extended=True))
        played.fails = [ListenError("usb:0: it is not there", may_return=may_return)]
        with pytest.raises(ListenError, match="it is not there"):
            await played.run()
        return played

    played = run_in_virtual_time(main())
    assert (played.begun, played.file.getvalue()) == (0, b"")


def test_a_controller_that_does_not_answer() -> None:
    async def main() -> None:
        played = Played(lambda: _Dumb("sender", Air(), extended=True))
        with pytest.raises(ListenError, match="the controller does not answer: check that it is one"):
            await played.run()

    run_in_virtual_time(main())


def test_a_controller_that_answers_no_longer() -> None:
    async def main() -> Played:
        played = Played(lambda: Stock("sender", Air(), extended=True))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(10)
        played.controllers[0].host = None
        await running
        return played

    played = run_in_virtual_time(main())
    assert played.said[0].startswith("usb:0: the controller does not answer")
    assert played.said[1:] == ["the controller is there again"]
    assert len(played.file.of("gap")) == 1


class _Slow(Stock):
    """A controller that takes a while to answer."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        asyncio.get_running_loop().call_later(0.02, super().send_hci_packet, packet)


@pytest.mark.parametrize("extended", [True, False])
def test_whenever_it_is_ended_nothing_is_sent_that_is_not_recorded(extended: bool) -> None:
    async def main(ends_s: float) -> tuple[Played, Air, list[int]]:
        air = Air()
        played = Played(lambda: _Slow("sender", air, extended=extended))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(ends_s)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        sent = [len(air.sent)]
        await asyncio.sleep(5)
        return played, air, [*sent, len(air.sent)]

    begun = 0
    for number in range(60):
        played, air, sent = run_in_virtual_time(main(0.5 + number * 0.037))
        begun += played.begun
        assert sent[0] == sent[1]
        assert played.file.of("gap") == []
        # between a command and its answer something may be sent that the record does not hold yet, or no longer
        loose = outside(air, played.file)
        assert all(
            any(abs(edge - time_us) <= 20_000 for span in spans(played.file) for edge in span[:2])
            for time_us, _, _ in loose
        )
    assert begun > 30


class _Dumb(Stock):
    """A controller that takes everything, and says nothing."""

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        pass


def test_what_the_controller_refuses_was_not_sent() -> None:
    async def main() -> Played:
        played = Played(lambda: Stock("sender", Air(), extended=True))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(10)
        before = len(played.record.on_air_now)
        assert before > 1
        played.controllers[0].refused = hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR
        await asyncio.sleep(50)
        played.controllers[0].refused = None
        await running
        return played

    played = run_in_virtual_time(main())
    assert [each.partition(" (")[0] for each in sorted(played.said)] == [
        "the controller refuses to send An",
        "the controller refuses to send Chi",
        "the controller refuses to send said twice",
    ]
    assert "said twice" not in {each["sender"] for each in played.file.of("on_air")}
    refused = [each for each in spans(played.file) if START_US + 10_000_000 < each[0] < START_US + 60_000_000]
    assert refused == []
    assert [each for each in spans(played.file) if each[0] > START_US + 60_000_000]


def test_what_a_legacy_controller_refuses_was_not_sent() -> None:
    async def main() -> Played:
        played = Played(lambda: Stock("sender", Air(), extended=False))
        running = asyncio.create_task(played.run())
        await asyncio.sleep(10)
        played.controllers[0].refused = hci.HCI_ErrorCode.MEMORY_CAPACITY_EXCEEDED_ERROR
        await asyncio.sleep(50)
        played.controllers[0].refused = None
        await running
        return played

    played = run_in_virtual_time(main())
    assert played.said
    assert all(each.startswith("the controller refuses to send ") for each in played.said)
    starts = [from_us - START_US for from_us, _, _ in spans(played.file)]
    assert not [each for each in starts if 11_000_000 < each < 60_000_000]
    assert [each for each in starts if each > 61_000_000]


@pytest.mark.req("BZ-GAT-002")
def test_a_controller_that_is_lost_loses_its_connections() -> None:
    async def main() -> Played:
        air = Air()
        played = Played(lambda: Stock("sender", air, extended=False))
        running = asyncio.create_task(played.run())
        reading = asyncio.create_task(read_iphone(air, extended=False))
        while not played.record.reads:
            await asyncio.sleep(0.1)
        played.controllers[0].host = None
        played.gone.set_result(None)
        await running
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        return played

    played = run_in_virtual_time(main())
    kinds = [str(each["kind"]) for each in played.file.of("peer_connected", "peer_read", "peer_disconnected")]
    assert kinds == ["peer_connected", "peer_read", "peer_disconnected"]


TURNS = b"""
schema = 1
duration = "20 s"
[[advert]]
name = "answers"
ad = "03ff0001"
response = "03ff0002"
to = "5 s"
[[advert]]
name = "is no more than heard"
ad = "03ff0003"
pdu = "ADV_NONCONN_IND"
from = "6 s"
to = "10 s"
[[advert]]
name = "answers again"
ad = "03ff0004"
pdu = "ADV_SCAN_IND"
response = "03ff0005"
from = "11 s"
"""


def test_one_set_sends_one_kind_after_the_other() -> None:
    kinds: dict[str, tuple[int, str]] = {}

    async def main() -> Played:
        air = Air()
        played = Played(lambda: Stock("sender", air, extended=True), TURNS)
        running = asyncio.create_task(played.run())
        for second in (2, 8, 14):
            await asyncio.sleep(second - asyncio.get_running_loop().time())
            (found,) = (each for each in played.controllers[0].advertising_sets.values() if each.enabled)
            assert found.parameters is not None
            kinds[bytes(found.data).hex()] = (
                int(found.parameters.advertising_event_properties),
                bytes(found.scan_response_data).hex(),
            )
        await running
        return played

    played = run_in_virtual_time(main())
    # Vol 4 Part E 7.8.53: legacy PDUs that are connectable and scannable; neither; scannable
    assert kinds == {"03ff0001": (0x13, "03ff0002"), "03ff0003": (0x10, ""), "03ff0004": (0x12, "03ff0005")}
    assert [each["sender"] for each in played.file.of("on_air")] == [
        "answers",
        "is no more than heard",
        "answers again",
    ]


def test_a_library_that_gives_up_is_told_as_a_loss() -> None:
    async def main() -> Played:
        played = Played(lambda: Stock("sender", Air(), extended=True))
        played.fails = [cast(Exception, asyncio.CancelledError())]
        with pytest.raises(ListenError, match="the controller is gone"):
            await played.run()
        played.fails = [ZeroDivisionError()]
        with pytest.raises(ListenError, match="it does not work as a controller"):
            await played.broadcaster.run(played.begin)
        return played

    assert run_in_virtual_time(main()).begun == 0


def test_a_public_address_is_not_sent() -> None:
    def with_public(scene: Scene) -> Scene:
        first, *others = scene.senders
        windows = iter([each._replace(address_type=AddressType.PUBLIC) for each in first.windows])
        return replace(scene, senders=(first._replace(windows=windows), *others))

    async def main() -> Played:
        played = Played(lambda: Stock("sender", Air(), extended=True))
        played.change = with_public
        await played.run()
        return played

    played = run_in_virtual_time(main())
    assert played.said == ["An has a public address, which a controller cannot be given: it is not sent"]
    assert {each["sender"] for each in played.file.of("on_air")} == {"Binh", "Chi", "said twice"}


def test_what_cannot_begin_is_raised_as_it_is() -> None:
    async def main() -> None:
        played = Played(lambda: Stock("sender", Air(), extended=True))

        def begin() -> tuple[tuple[Sender, ...], ServedReads, int]:
            raise PermissionError("no")

        with pytest.raises(PermissionError):
            await played.broadcaster.run(begin)

    run_in_virtual_time(main())


@pytest.mark.parametrize(
    ("interval_us", "lasts_us"),
    [(100_000, 330_000), (200_000, 630_000), (800_000, 1_000_000), (2_000_000, 2_010_000)],
)
def test_turns_are_of_some_intervals_and_not_long(interval_us: int, lasts_us: int) -> None:
    assert turn_us(interval_us) == lasts_us


@pytest.mark.parametrize(
    ("interval_us", "units"), [(100_000, 160), (20_000, 32), (1, 32), (99_999_999, 16_384), (100_300, 160)]
)
def test_intervals_are_those_that_a_controller_can_have(interval_us: int, units: int) -> None:
    assert units_of(interval_us) == units
