from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal, TypeVar

import pytest
from bumble import core, hci
from bumble.att import ATT_Error
from bumble.device import Connection, Peer
from bumble.gatt_client import CharacteristicProxy

from bluezone_harness.virtual.ble.phones import VirtualPhone
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.phones import Sender, drawn_phone, senders
from bluezone_harness.virtual.plans import PhonePlan, Plan
from bluezone_reference.advertisement import AndroidAdvertisement, decode_advertisement
from bluezone_reference.key_schedule import id_at

T = TypeVar("T")
START_MS = 1_600_000_000_000
START_US = START_MS * 1000
SECOND_US, MINUTE_US, SLOT_US = 1_000_000, 60_000_000, 900_000_000
SERVICE = "00004E56-73F5-4BC4-A12F-17D1AD07A667"
CHARACTERISTIC = "00004E56-73F5-4BC4-A12F-17D1AD07A689"
Platform = Literal["android", "ios"]


def plan_of(platform: Platform, *faults: str, **changes: object) -> Plan:
    phone = replace(drawn_phone("phone", platform, START_MS, 1, faults), **changes)  # type: ignore[arg-type] # fields of a plan
    return Plan((phone,), START_MS, 7_200_000, interval_ms=500, gatt=True)


def right_id(phone: PhonePlan, time_us: int, slots: int | None = None) -> bytes:
    return id_at(phone.base_id, phone.base_day_ms, time_us // 1000 + phone.offset_ms, slots).rolling_id


class Scene:
    """A world with one phone, and a receiver that listens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.phone = world.phones["phone"]
        self.receiver = world.receivers[0]
        self.heard: list[tuple[int, bytes, bytes]] = []
        self.ended: list[tuple[int, int]] = []
        self.receiver.host.on("advertising_report", self._hear)

    def _hear(self, report: hci.HCI_LE_Advertising_Report_Event.Report) -> None:
        self.heard.append((self.world.now_us(), bytes(report.address)[::-1], report.data))

    async def pass_by(self, seconds: float) -> list[tuple[int, bytes, bytes]]:
        """Let time pass, and return what was heard in it."""
        before = len(self.heard)
        await self.world.run_until(self.world.now_us() + round(seconds * 1e6))
        return self.heard[before:]

    def addresses(self) -> set[bytes]:
        return {address for _, address, _ in self.heard}

    async def connect(self) -> Connection:
        while not self.phone.playing:
            await self.pass_by(1)
        address = hci.Address(self.phone.playing[0].window.address[::-1])
        connection = await self.receiver.connect(address)
        connection.on(
            connection.EVENT_DISCONNECTION,
            lambda reason: self.ended.append((self.world.now_us(), reason)),
        )
        return connection


def play(plan: Plan, act: Callable[[Scene], Awaitable[T]], seed: int = 3) -> T:
    async def main() -> T:
        async with World(plan, seed) as world:
            scene = Scene(world)
            await scene.receiver.start_scanning(legacy=True, active=False)
            return await act(scene)

    return run_in_virtual_time(main())


async def id_characteristic(connection: Connection) -> CharacteristicProxy[bytes]:
    peer = Peer(connection)
    service = next(each for each in await peer.discover_services() if str(each.uuid) == SERVICE)
    found: list[CharacteristicProxy[bytes]] = await service.discover_characteristics()
    assert [str(each.uuid) for each in found] == [CHARACTERISTIC]
    return found[0]


@pytest.mark.req("BZ-GAT-001")
def test_an_iphone_offers_one_service_with_one_readable_characteristic() -> None:
    async def act(scene: Scene) -> list[tuple[str, list[tuple[str, str]]]]:
        peer = Peer(await scene.connect())
        return [
            (
                str(each.uuid),
                [(str(one.uuid), str(one.properties)) for one in await each.discover_characteristics()],
            )
            for each in await peer.discover_services()
        ]

    own = [each for each in play(plan_of("ios"), act) if not each[0].startswith("UUID-16:18")]
    assert own == [(SERVICE, [(CHARACTERISTIC, "READ")])]


@pytest.mark.req("BZ-GAT-002", "BZ-GAT-003")
def test_each_read_returns_the_id_of_its_time_on_one_connection() -> None:
    plan = plan_of("ios", offset_ms=20_000)

    async def act(scene: Scene) -> list[tuple[int, bytes, bytes | None]]:
        characteristic = await id_characteristic(await scene.connect())
        found = []
        for _ in range(7):
            found.append((scene.world.now_us(), await characteristic.read_value(), scene.phone.rolling_id))
            await scene.pass_by(290)
        return found

    found = play(plan, act)
    assert len({value for _, value, _ in found}) == 3
    for time_us, value, said in found:
        assert value == said == right_id(plan.phones[0], time_us)


@pytest.mark.req("BZ-GAT-001")
def test_an_iphone_lets_nobody_write(caplog: pytest.LogCaptureFixture) -> None:
    """A Write Request is answered with an error, a Write Command with nothing (Vol 3 Part F 3.4.1.1, 3.4.5.3)."""

    async def act(scene: Scene) -> tuple[int, bytes, bytes | None]:
        connection = await scene.connect()
        characteristic = await id_characteristic(connection)
        with pytest.raises(ATT_Error) as caught:
            await characteristic.write_value(bytes(12), with_response=True)
        await characteristic.write_value(bytes(12), with_response=False)
        await scene.pass_by(1)
        assert scene.ended == []
        return caught.value.error_code, await characteristic.read_value(), scene.phone.rolling_id

    error, read, shown = play(plan_of("ios"), act)
    assert error == 0x03
    assert read == shown
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


def test_a_phone_goes_on_advertising_from_the_same_address_while_it_is_connected() -> None:
    async def act(scene: Scene) -> tuple[set[bytes], set[bytes]]:
        await scene.pass_by(5)
        before = scene.addresses()
        await scene.connect()
        return before, {address for _, address, _ in await scene.pass_by(5)}

    before, after = play(plan_of("ios"), act)
    assert len(before) == 1
    assert before == after


@pytest.mark.req("BZ-GAT-002")
def test_an_iphone_without_an_id_answers_with_an_error() -> None:
    async def act(scene: Scene) -> tuple[int, bytes | None]:
        characteristic = await id_characteristic(await scene.connect())
        with pytest.raises(ATT_Error) as caught:
            await characteristic.read_value()
        return caught.value.error_code, scene.phone.rolling_id

    plan = plan_of("ios")
    later = replace(plan.phones[0], base_day_ms=START_MS - START_MS % 86_400_000 + 5 * 86_400_000)
    assert play(replace(plan, phones=(later,)), act) == (0x0E, None)


def test_planted_faults_of_reads_show() -> None:
    async def act(scene: Scene) -> list[str]:
        peer = Peer(await scene.connect())
        services = await peer.discover_services()
        found = await services[-1].discover_characteristics()
        return [str(each.properties) for each in found]

    for fault in ("writable-id", "notifying-id"):
        assert play(plan_of("ios", fault), act) != ["READ"]


@pytest.mark.req("BZ-ADV-007")
def test_an_android_phone_offers_nothing_but_its_platform() -> None:
    async def act(scene: Scene) -> tuple[list[str], bytes]:
        peer = Peer(await scene.connect())
        services = await peer.discover_services()
        name = (await services[0].discover_characteristics())[0]
        return [str(each.uuid)[:12] for each in services], await name.read_value()

    assert play(plan_of("android"), act) == (["UUID-16:1800", "UUID-16:1801"], b"Android")


@pytest.mark.req("BZ-ADV-004")
def test_an_android_phone_says_what_is_on_the_air() -> None:
    plan = plan_of("android")

    async def act(scene: Scene) -> list[tuple[bytes | None, bytes]]:
        found = []
        for _ in range(90):
            heard = await scene.pass_by(10)
            on_air = {each.window.address for each in scene.phone.playing}
            if heard and heard[-1][1] in on_air:
                said = decode_advertisement(heard[-1][2])
                assert isinstance(said, AndroidAdvertisement)
                found.append((scene.phone.rolling_id, said.rolling_id))
        return found

    found = play(plan, act)
    assert len(found) > 20
    assert all(said == heard for said, heard in found)
    assert len({said for said, _ in found}) == 2


def test_what_builds_of_other_generations_send_is_told() -> None:
    async def act(scene: Scene) -> bytes | None:
        await scene.pass_by(30)
        while not scene.phone.playing:
            await scene.pass_by(1)
        return scene.phone.rolling_id

    static_id = play(plan_of("android", "v1-build"), act)
    assert static_id is not None
    assert len(static_id) == 6
    assert play(plan_of("android", "cut-id"), act) is None


@pytest.mark.parametrize("platform", ["android", "ios"])
def test_bluetooth_off_ends_connections_and_adverts_and_on_begins_anew(platform: Platform) -> None:
    async def act(scene: Scene) -> None:
        await scene.pass_by(1)
        await scene.connect()
        before = scene.addresses()
        at_us = scene.world.now_us()
        await scene.phone.turn_bluetooth(False)
        await scene.phone.turn_bluetooth(False)
        scene.phone.set_clock(5000)
        assert await scene.pass_by(100) == []
        assert scene.ended == [(at_us, 0x15)]
        assert scene.phone.rolling_id is None
        await scene.phone.turn_bluetooth(True)
        after = await scene.pass_by(3)
        assert after
        assert not before & {address for _, address, _ in after}

    play(plan_of(platform), act)


@pytest.mark.parametrize("platform", ["android", "ios"])
def test_who_walks_away_is_neither_heard_nor_reached(platform: Platform) -> None:
    async def act(scene: Scene) -> None:
        await scene.connect()
        at_us = scene.world.now_us()
        scene.phone.walk_away()
        assert await scene.pass_by(100) == []
        assert scene.ended == [(at_us + 720_000, hci.HCI_CONNECTION_TIMEOUT_ERROR)]
        assert not any(each.connections for each in (each.by.device for each in scene.phone.playing))
        with pytest.raises(core.TimeoutError):
            await scene.receiver.connect(hci.Address("44:11:22:33:44:55"), timeout=10)
        scene.phone.come_back()
        assert await scene.pass_by(60)

    play(plan_of(platform), act)


def test_who_comes_back_soon_goes_on_where_it_was() -> None:
    async def act(scene: Scene) -> None:
        characteristic = await id_characteristic(await scene.connect())
        scene.phone.walk_away()
        asking = asyncio.create_task(characteristic.read_value(), name="asking")
        await scene.pass_by(0.5)
        assert not asking.done()
        scene.phone.come_back()
        assert await asking == scene.phone.rolling_id
        await scene.pass_by(5)
        assert scene.ended == []

    play(plan_of("ios"), act)


def test_what_is_ended_out_of_reach_ends_by_its_timeout() -> None:
    async def act(scene: Scene) -> None:
        connection = await scene.connect()
        at_us = scene.world.now_us()
        scene.phone.walk_away()
        await connection.disconnect()
        assert scene.ended == [(at_us + 720_000, hci.HCI_CONNECTION_TIMEOUT_ERROR)]

    play(plan_of("ios"), act)


def test_an_iphone_whose_app_crashed_shows_its_system_only() -> None:
    async def act(scene: Scene) -> None:
        characteristic = await id_characteristic(await scene.connect())
        kinds = {data[3:9].hex() for _, _, data in await scene.pass_by(20)}
        assert kinds == {"110767a607ad"[:12], "0aff4c001005"}
        await scene.phone.crash_app()
        assert scene.phone.rolling_id is None
        assert {data[3:9].hex() for _, _, data in await scene.pass_by(900)} == {"0aff4c001005"}
        with pytest.raises(ATT_Error):
            await characteristic.read_value()
        before = scene.addresses()
        await scene.phone.start_app()
        await scene.phone.start_app()
        after = await scene.pass_by(5)
        assert {data[3:9].hex() for _, _, data in after} == kinds
        assert {address for _, address, _ in after} <= before  # the address is the system's
        assert await characteristic.read_value() == scene.phone.rolling_id

    play(plan_of("ios"), act)


def test_an_android_phone_whose_app_crashed_is_silent() -> None:
    async def act(scene: Scene) -> None:
        await scene.connect()
        await scene.phone.crash_app()
        assert await scene.pass_by(100) == []
        assert scene.ended == []
        await scene.phone.turn_bluetooth(False)
        await scene.phone.turn_bluetooth(True)
        assert await scene.pass_by(100) == []
        await scene.phone.start_app()
        at_us = scene.world.now_us()
        assert (await scene.pass_by(2))[0][0] < at_us + SECOND_US

    play(plan_of("android"), act)


def test_an_app_that_is_started_while_it_is_open_sends_the_id_of_now() -> None:
    # open over the end of a slot: an on-window of before may carry the id of before
    plan = plan_of("android", openings=((START_MS, START_MS + 3_600_000),))

    async def act(scene: Scene) -> bytes | None:
        end_us = START_US - START_US % SLOT_US + SLOT_US
        await scene.world.run_until(end_us + SECOND_US)
        await scene.phone.crash_app()
        await scene.phone.start_app()
        heard = await scene.pass_by(120)
        assert heard[-1][0] - heard[0][0] > 118 * SECOND_US  # 150 s, as when the app is opened
        return scene.phone.rolling_id

    assert play(plan, act) == right_id(plan.phones[0], START_US - START_US % SLOT_US + SLOT_US)


@pytest.mark.parametrize("platform", ["android", "ios"])
def test_after_a_reboot_everything_is_new_but_the_keys(platform: Platform) -> None:
    plan = plan_of(platform)

    async def act(scene: Scene) -> None:
        await scene.pass_by(1)
        await scene.connect()
        before = scene.addresses()
        await scene.phone.crash_app()
        at_us = scene.world.now_us()
        await scene.phone.reboot()
        after = await scene.pass_by(5)
        assert after
        assert not before & {address for _, address, _ in after}
        assert scene.ended == [(at_us + 720_000, hci.HCI_CONNECTION_TIMEOUT_ERROR)]
        assert scene.phone.rolling_id == right_id(plan.phones[0], scene.world.now_us())
        if platform == "ios":
            value = await (await id_characteristic(await scene.connect())).read_value()
            assert value == scene.phone.rolling_id

    play(plan, act)


def test_who_reboots_out_of_reach_stays_there() -> None:
    async def act(scene: Scene) -> None:
        scene.phone.walk_away()
        await scene.phone.reboot()
        assert await scene.pass_by(100) == []

    play(plan_of("android"), act)


@pytest.mark.req("BZ-KEY-009")
@pytest.mark.parametrize("platform", ["android", "ios"])
def test_the_id_follows_the_clock_and_max_at_once(platform: Platform) -> None:
    later = (START_MS + 6_000_000, 24)
    plan = plan_of(platform, max_changes=(later,))

    async def act(scene: Scene) -> None:
        phone = scene.phone

        async def agrees(slots: int) -> None:
            await scene.pass_by(1)
            while phone.rolling_id is None:
                await scene.pass_by(1)
            assert phone.rolling_id == right_id(phone.plan, scene.world.now_us(), slots)

        await agrees(96)
        phone.set_clock(86_400_000)
        await agrees(24)  # what was to arrive later by this clock has arrived
        phone.set_max(48)
        await agrees(48)
        phone.set_clock(-3_600_000)
        await agrees(48)
        phone.set_max(144)
        phone.set_max(12)
        await agrees(12)
        assert phone.plan.offset_ms == -3_600_000

    play(plan, act)


def test_what_was_drawn_once_for_a_phone_stays() -> None:
    async def act(scene: Scene) -> set[bytes]:
        for _ in range(3):
            await scene.pass_by(40)
            await scene.phone.reboot()
        return {data for _, _, data in scene.heard}

    assert len(play(plan_of("android", "v1-build"), act)) == 1

    async def from_where(scene: Scene) -> set[bytes]:
        await act(scene)
        return scene.addresses()

    assert len(play(plan_of("android", "public-address"), from_where)) == 1
    assert len(play(plan_of("android"), from_where)) >= 4


def test_the_same_steps_give_the_same_adverts() -> None:
    async def act(scene: Scene) -> list[tuple[int, bytes, bytes]]:
        for _ in range(2):
            await scene.pass_by(33.3)
            await scene.phone.turn_bluetooth(False)
            await scene.pass_by(1.234567)
            await scene.phone.turn_bluetooth(True)
            scene.phone.set_clock(1000)
        await scene.pass_by(30)
        return scene.heard

    first, second = (play(plan_of("ios"), act) for _ in range(2))
    assert len(first) > 50
    assert first == second


def test_a_thing_is_no_phone() -> None:
    plan = replace(plan_of("android"), strangers=7)
    things: list[Sender] = [each for each in senders(plan, 1) if each.phone is None]
    assert things

    async def main() -> None:
        async with World(plan, 1) as world:
            with pytest.raises(ValueError, match="no phone with Bluezone"):
                VirtualPhone(things[0], 99, plan, 1, world)

    run_in_virtual_time(main())
