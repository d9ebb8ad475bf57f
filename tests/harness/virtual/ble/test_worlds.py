from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Literal

import pytest
from bumble import hci
from bumble.device import Device, DeviceConfiguration, Peer
from bumble.host import Host
from bumble.transport import open_transport
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, PduType, random_address_type
from bluezone_harness.sightings.folding import fold
from bluezone_harness.sources.formats import open_source
from bluezone_harness.virtual.ble.controllers import VirtualController
from bluezone_harness.virtual.ble.hosts import VirtualHost
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World, serve
from bluezone_harness.virtual.captures import LinkType, write_pcap
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import drawn_phone, simulate
from bluezone_harness.virtual.plans import PhonePlan, Plan
from bluezone_harness.virtual.radio import receiver_names

START_MS = 1_600_000_000_000
MINUTE_MS = 60_000
PLATFORMS: tuple[Literal["android", "ios"], ...] = ("android", "ios")
Heard = tuple[int, bytes, AddressType, PduType, bytes, int, str]
PDUS = {
    0: PduType.ADV_IND,
    2: PduType.ADV_SCAN_IND,
    3: PduType.ADV_NONCONN_IND,
    4: PduType.SCAN_RSP,
}


def phone_of(
    platform: Literal["android", "ios"] = "android", *faults: str, name: str = "phone", **changes: object
) -> PhonePlan:
    return replace(drawn_phone(name, platform, START_MS, 1, faults), **changes)  # type: ignore[arg-type] # fields of a plan


def plan_of(*phones: PhonePlan, minutes: int = 5, **settings: object) -> Plan:
    return Plan(phones, START_MS, minutes * MINUTE_MS, **settings)  # type: ignore[arg-type] # fields of a plan


def wanted(plan: Plan, seed: int, *, active: bool = False) -> list[Heard]:
    """Return what ``simulate`` says that receivers hear; passive ones hear no scan response."""
    return [
        (*packet[:6], packet.receiver)
        for packet in simulate(plan, seed)
        if active or packet.pdu is not PduType.SCAN_RSP
    ]


def telling(found: list[Heard]) -> list[Heard]:
    """Leave out scan responses that say nothing: ``simulate`` has none."""
    return [each for each in found if each[3] is not PduType.SCAN_RSP or each[4]]


def hearer(
    world: World, name: str, found: list[Heard]
) -> Callable[[hci.HCI_LE_Advertising_Report_Event.Report], None]:
    def take(report: hci.HCI_LE_Advertising_Report_Event.Report) -> None:
        address = bytes(report.address)[::-1]
        kind = random_address_type(address) if report.address_type else AddressType.PUBLIC
        pdu = PDUS[int(report.event_type)]
        found.append((world.now_us(), address, kind, pdu, report.data, report.rssi, name))

    return take


def heard(plan: Plan, seed: int, *, active: bool = False) -> list[Heard]:
    found: list[Heard] = []

    async def main() -> None:
        async with World(plan, seed) as world:
            for device, name in zip(world.receivers, receiver_names(plan.receivers), strict=True):
                device.host.on("advertising_report", hearer(world, name, found))
                await device.start_scanning(legacy=True, active=active)
            await world.run_until(plan.until_ms * 1000)

    run_in_virtual_time(main())
    return found


def test_receivers_are_told_what_simulate_says() -> None:
    phones = (phone_of(name="a"), phone_of("ios", name="b"), phone_of("android", "v2-build", name="c"))
    old = tuple(phone_of(each, "v1-build", name=f"old {each}") for each in PLATFORMS)
    plan = plan_of(*phones, *old, strangers=7, receivers=2, loss=0.1)
    found = heard(plan, 5)
    assert len(found) > 5000
    assert found == wanted(plan, 5)
    active = telling(heard(plan, 5, active=True))
    assert active == wanted(plan, 5, active=True)
    assert len(active) > len(found) + 1000


@pytest.mark.parametrize(
    ("platform", "fault"), [(platform, each.name) for each in FAULTS.values() for platform in each.platforms]
)
def test_planted_faults_are_those_of_simulate(platform: Literal["android", "ios"], fault: str) -> None:
    plan = plan_of(phone_of(platform, fault), minutes=16, interval_ms=4000)
    found = heard(plan, 3)
    assert found == wanted(plan, 3)
    if (platform, fault) == ("ios", "v1-build"):
        assert telling(heard(plan, 3, active=True)) == wanted(plan, 3, active=True)
    assert found or fault == "before-base-day"  # published builds for iOS have no id then


def spans(duration_ms: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    edges = st.lists(st.integers(0, duration_ms), max_size=6, unique=True).map(sorted)
    return edges.map(
        lambda each: tuple((START_MS + a, START_MS + b) for a, b in zip(each[::2], each[1::2], strict=False))
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    duration_ms = draw(st.integers(1, 6 * MINUTE_MS))
    phones = []
    for number in range(draw(st.integers(0, 3))):
        platform: Literal["android", "ios"] = draw(st.sampled_from(["android", "ios"]))
        faults = [None, *(each.name for each in FAULTS.values() if platform in each.platforms)]
        fault = draw(st.sampled_from(faults))
        phones.append(
            phone_of(
                platform,
                *(() if fault is None else (fault,)),
                name=f"phone {number}",
                openings=draw(spans(duration_ms)),
                silences=draw(spans(duration_ms)),
                offset_ms=draw(st.integers(-60_000, 60_000)),
                phase_ms=draw(st.none() | st.integers(1, 30_000)),
            )
        )
    return Plan(
        tuple(phones),
        START_MS,
        duration_ms,
        loss=draw(st.sampled_from([0.0, 0.3])),
        receivers=draw(st.integers(1, 3)),
        strangers=draw(st.integers(0, 8)),
        interval_ms=draw(st.sampled_from([333, 1000, 10_240])),
        gatt=draw(st.booleans()),
    )


@settings(max_examples=25, deadline=None)
@given(plans(), st.integers(0, 1000), st.booleans())
def test_whatever_the_plan_receivers_are_told_what_simulate_says(plan: Plan, seed: int, active: bool) -> None:
    assert telling(heard(plan, seed, active=active)) == wanted(plan, seed, active=active)


@pytest.mark.long
@settings(max_examples=1000, deadline=None)
@given(plans(), st.integers(0, 1_000_000), st.booleans())
def test_a_thousand_plans(plan: Plan, seed: int, active: bool) -> None:
    assert telling(heard(plan, seed, active=active)) == wanted(plan, seed, active=active)


def test_active_scanning_brings_responses_and_changes_nothing_else() -> None:
    plan = plan_of(phone_of(), phone_of("android", "not-connectable", name="other"), minutes=2)
    found = heard(plan, 1, active=True)
    assert [each for each in found if each[3] is not PduType.SCAN_RSP] == wanted(plan, 1)
    answers = [each for each in found if each[3] is PduType.SCAN_RSP]
    asked = [each for each in found if each[3] is PduType.ADV_IND]
    assert [each[1] for each in answers] == [each[1] for each in asked]
    assert {each[4] for each in answers} == {b""}


def test_reading_changes_nothing_of_what_is_heard() -> None:
    plan = plan_of(phone_of("ios"), phone_of(name="other"), minutes=3)
    found: list[Heard] = []

    async def main() -> int:
        async with World(plan, 8) as world:
            receiver = world.receivers[0]
            receiver.host.on("advertising_report", hearer(world, "", found))
            await receiver.start_scanning(legacy=True, active=False)
            reads = 0
            while world.now_us() < (START_MS + 2 * MINUTE_MS) * 1000:
                for phone in world.phones.values():
                    if phone.playing:
                        address = hci.Address(phone.playing[0].window.address[::-1])
                        connection = await receiver.connect(address)
                        reads += len(await Peer(connection).discover_services())
                        await connection.disconnect()
                await asyncio.sleep(1)
            await world.run_until(plan.until_ms * 1000)
            return reads

    assert run_in_virtual_time(main()) > 200
    assert found == wanted(plan, 8)


def test_a_capture_of_a_world_folds_to_the_sightings_of_simulate() -> None:
    plan = plan_of(phone_of(), phone_of("ios", name="iPhone"), strangers=4)
    octets = io.BytesIO(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 201))
    octets.seek(0, io.SEEK_END)

    async def main() -> None:
        async with World(plan, 2) as world:

            def take(report: hci.HCI_LE_Advertising_Report_Event.Report) -> None:
                seconds, rest_us = divmod(world.now_us(), 1_000_000)
                # written by bumble's own hand
                event = bytes(hci.HCI_LE_Advertising_Report_Event([report]))
                octets.write(struct.pack("<IIII", seconds, rest_us, len(event) + 4, len(event) + 4))
                octets.write(b"\x00\x00\x00\x01" + event)

            world.receivers[0].host.on("advertising_report", take)
            await world.receivers[0].start_scanning(legacy=True, active=False)
            await world.run_until(plan.until_ms * 1000)

    run_in_virtual_time(main())
    simulated = io.BytesIO()
    assert write_pcap(simulate(plan, 2), simulated, LinkType.HCI) > 3000
    folded = [
        fold("air", open_source("a.pcap", io.BytesIO(each.getvalue()))).sightings
        for each in (octets, simulated)
    ]
    assert folded[0]
    assert folded[0] == folded[1]


def test_the_air_is_silent_after_the_plan() -> None:
    plan = plan_of(phone_of("ios"), minutes=1)
    found: list[Heard] = []

    async def main() -> bytes | None:
        async with World(plan, 1) as world:
            world.receivers[0].host.on("advertising_report", hearer(world, "", found))
            await world.receivers[0].start_scanning(legacy=True, active=False)
            await world.run_until((plan.until_ms + 5 * MINUTE_MS) * 1000)
            await world.phones["phone"].reboot()
            await asyncio.sleep(60)
            return world.phones["phone"].rolling_id

    assert run_in_virtual_time(main()) is not None
    assert found == wanted(plan, 1)


def test_time_is_that_of_the_plan() -> None:
    plan = plan_of(phone_of())

    async def main() -> list[int]:
        await asyncio.sleep(77)
        async with World(plan, 1) as world:
            seen = [world.now_us()]
            await asyncio.sleep(1.5)
            seen.append(world.now_us())
            await world.run_until(START_MS * 1000 + 123_456_789)
            seen.append(world.now_us())
            await world.run_until(START_MS * 1000)
            return [*seen, world.now_us()]

    assert run_in_virtual_time(main()) == [
        START_MS * 1000 + each for each in (0, 1_500_000, 123_456_789, 123_456_789)
    ]


def test_each_receiver_has_a_public_address_of_its_own_as_its_host_sees_it() -> None:
    """Linux takes no controller that has none."""

    async def run() -> list[tuple[bytes, bytes]]:
        async with World(plan_of(phone_of(), receivers=3), 1) as world:
            return [
                (bytes(controller.public_address), bytes(device.public_address))
                for controller, device in zip(world.controllers, world.receivers, strict=True)
            ]

    found = run_in_virtual_time(run())
    assert found == run_in_virtual_time(run())
    assert all(own == seen and any(own) for own, seen in found)
    assert len(set(found)) == 3


def test_a_world_that_was_not_entered_has_no_time() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="not entered"):
            await World(plan_of(), 1).run_until(0)

    run_in_virtual_time(main())


def test_a_plan_that_cannot_be_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="none of this platform"):
        World(plan_of(phone_of("ios", "relay")), 1)


def test_an_error_in_the_world_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(phone_of())

    async def fail(self: object) -> None:
        raise LookupError("a host is broken")

    async def main(*, by_job: bool) -> None:
        async with World(plan, 1) as world:
            while not world.phones["phone"].playing:
                await world.run_until(world.now_us() + 1_000_000)
            with monkeypatch.context() as patched:
                patched.setattr("bluezone_harness.virtual.ble.players.AdvertisingSet.stop", fail)
                if by_job:
                    with pytest.raises(LookupError):
                        await world.phones["phone"].turn_bluetooth(False)
                else:
                    await world.run_until(plan.until_ms * 1000)

    for by_job in (False, True):
        with pytest.raises(LookupError, match="a host is broken"):
            run_in_virtual_time(main(by_job=by_job))


def test_who_hears_an_advert_can_do_something_to_the_phone_at_once() -> None:
    plan = plan_of(phone_of("ios"))

    async def main() -> list[int]:
        async with World(plan, 1) as world:
            phone = world.phones["phone"]
            changed: list[int] = []

            def take(report: object) -> None:
                if len(changed) < 3:
                    phone.set_clock(len(changed) * 1000)
                    changed.append(world.now_us())

            world.receivers[0].host.on("advertising_report", take)
            await world.receivers[0].start_scanning(legacy=True, active=False)
            await world.run_until(plan.until_ms * 1000 - 1)
            return [phone.plan.offset_ms, len(changed), len(set(changed))]

    assert run_in_virtual_time(main()) == [2000, 3, 3]


def octets_of_a_world(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a digest of every HCI packet of a world, either way, and of when it went."""
    phones = (
        phone_of("android", name="a"),
        phone_of("ios", name="b"),
        phone_of("android", "relay", name="c"),
    )
    plan = plan_of(*phones, strangers=7, receivers=2, loss=0.05, interval_ms=500)
    digest = sha256()
    loop_time: Callable[[], float] = lambda: asyncio.get_running_loop().time()  # noqa: E731 - one line says it
    for kind in (VirtualController, VirtualHost):

        def on_packet(self: object, packet: bytes, stock: Callable[..., None] = kind.on_packet) -> None:
            digest.update(struct.pack(">QB", round(loop_time() * 1e6), len(packet)) + packet)
            stock(self, packet)

        monkeypatch.setattr(kind, "on_packet", on_packet)

    async def main() -> None:
        async with World(plan, 2020) as world:
            for receiver in world.receivers:
                await receiver.start_scanning(legacy=True, active=True)
            await world.run_until(START_MS * 1000 + 60_000_000)
            iphone = world.phones["b"]
            connection = await world.receivers[0].connect(hci.Address(iphone.playing[0].window.address[::-1]))
            async with Peer(connection) as peer:
                await peer.services[-1].characteristics[0].read_value()
            await connection.disconnect()
            await iphone.turn_bluetooth(False)
            await world.phones["a"].reboot()
            await asyncio.sleep(10)
            await iphone.turn_bluetooth(True)
            await world.run_until(plan.until_ms * 1000)

    run_in_virtual_time(main())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_octets_on_every_python(monkeypatch: pytest.MonkeyPatch) -> None:
    assert octets_of_a_world(monkeypatch) == (
        "23db93f1c37e807de7cbbc507b964ac04550538937495559ea2c79fcbef703d1"
    )


class Far:
    """A host in this process that is joined by a socket only."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.found: list[hci.HCI_LE_Advertising_Report_Event.Report] = []

    async def listen(self, count: int) -> bytes:
        async with await open_transport(f"tcp-client:127.0.0.1:{self.port}") as transport:
            enough = asyncio.Event()
            config = DeviceConfiguration(name="far", address=hci.Address("C9:11:22:33:44:55"))
            device = Device(config=config, host=Host(transport.source, transport.sink))
            await device.power_on()

            def take(report: hci.HCI_LE_Advertising_Report_Event.Report) -> None:
                self.found.append(report)
                if len(self.found) >= count:
                    enough.set()

            device.host.on("advertising_report", take)
            await device.start_scanning(legacy=True, active=False)
            await asyncio.wait_for(enough.wait(), 30)
            connection = await device.connect(self.found[-1].address)
            async with Peer(connection) as peer:
                value: bytes = await peer.services[-1].characteristics[0].read_value()
            await connection.disconnect()
            return value


def test_a_receiver_is_served_to_another_host_in_real_time(unused_port: int) -> None:
    plan = plan_of(phone_of("ios"), interval_ms=20)
    far = Far(unused_port)

    async def main() -> tuple[bytes, bytes | None]:
        async with World(plan, 1) as world:
            serving = asyncio.create_task(serve(world, f"tcp-server:127.0.0.1:{unused_port}"))
            await asyncio.sleep(0.05)
            async with asyncio.timeout(60):
                value = await far.listen(20)
                again = await far.listen(30)
            serving.cancel()
            await asyncio.wait([serving])
            assert again == value
            return value, world.phones["phone"].rolling_id

    value, right = asyncio.run(main())
    assert value == right
    simulated = [(each[1], each[4], each[5]) for each in wanted(plan, 1)]
    received = [(bytes(each.address)[::-1], each.data, each.rssi) for each in far.found[:20]]
    first = simulated.index(received[0])
    assert simulated[first : first + 20] == received
