"""What the record of a broadcast tells of centrals that connect to an iPhone and read it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from bumble import hci
from bumble.core import UUID
from bumble.device import Device, Peer

from bluezone_harness.live.broadcasting import BroadcastRecorder, broadcast_world
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.scenes import scene_of

pytestmark = pytest.mark.req("BZ-RCV-001")

START_MS = 1_795_424_400_000  # 2026-11-23T09:00:00Z
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
Kept = Any  # the class stands in the conftest.py above
RecorderOf = Callable[[Scenario, Any], BroadcastRecorder]
Line = dict[str, object]


async def _iphone(device: Device) -> hci.Address:
    """Return the address of the phone that says that it can be read."""
    found: asyncio.Future[hci.Address] = asyncio.get_running_loop().create_future()

    def hear(report: hci.HCI_LE_Advertising_Report_Event.Report) -> None:
        if b"Bluezone" in report.data and not found.done():
            found.set_result(report.address)

    device.host.on("advertising_report", hear)
    await device.start_scanning(legacy=True, active=False)
    address = await found
    await device.stop_scanning(legacy=True)
    return address


@pytest.fixture
def read_lines(
    scenario_of: Callable[..., Scenario], recorder_of: RecorderOf, new_kept: Callable[[], Kept]
) -> Callable[[str], list[Line]]:
    """Return what lets a stock central connect to the iPhone, read it, and leave, and returns the lines of it."""

    def read(phone: str) -> list[Line]:
        scenario, file = scenario_of(phone=phone), new_kept()

        async def main() -> None:
            record = recorder_of(scenario, file)
            record.open()
            async with broadcast_world(scene_of(scenario, START_MS), record) as world:
                device = world.receivers[0]
                connection = await device.connect(await _iphone(device))
                peer = Peer(connection)
                await peer.discover_services()
                for service in peer.services:
                    await service.discover_characteristics()
                for each in peer.get_characteristics_by_uuid(UUID(CHARACTERISTIC)):
                    try:
                        async with asyncio.timeout(10):
                            await each.read_value()
                    except (TimeoutError, Exception):  # noqa: BLE001 - the record tells how it was answered
                        pass
                await connection.disconnect()
                await world.run_until((START_MS + 60_000) * 1000)

        run_in_virtual_time(main())
        found: list[Line] = file.of("peer_connected", "peer_read", "peer_disconnected")
        return found

    return read


@pytest.mark.req("BZ-GAT-002")
def test_a_read_is_told_with_its_answer(read_lines: Callable[[str], list[Line]]) -> None:
    connected, read, disconnected = read_lines("")
    whom = {key: connected[key] for key in ("address", "address_type")}
    assert (connected["kind"], whom["address_type"]) == ("peer_connected", "resolvable")
    assert connected["peer_type"] == "static"
    assert {key: read[key] for key in ("kind", "characteristic", *whom)} == {
        "kind": "peer_read",
        "characteristic": CHARACTERISTIC,
        **whom,
    }
    assert len(str(read["value"])) == 24
    assert {key: disconnected[key] for key in whom} == whom
    assert int(str(connected["time_us"])) <= int(str(read["time_us"])) <= int(str(disconnected["time_us"]))


@pytest.mark.req("BZ-GAT-002")
@pytest.mark.parametrize(
    ("reads", "answer"),
    [("refused", {"att_error": 15}), ("never answered", {}), ("thirteen octets", {"value": 26})],
)
def test_a_read_without_an_id_is_told_as_it_was(
    reads: str, answer: Line, read_lines: Callable[[str], list[Line]]
) -> None:
    found = [each for each in read_lines(f'reads = "{reads}"') if each["kind"] == "peer_read"]
    assert found
    for each in found:
        said = {key: each[key] for key in ("value", "att_error") if key in each}
        if "value" in said:
            said["value"] = len(str(said["value"]))
        assert said == answer


@pytest.mark.req("BZ-GAT-001")
def test_who_offers_no_service_is_connected_to_and_not_read(read_lines: Callable[[str], list[Line]]) -> None:
    found = read_lines('reads = "no service"')
    assert [each["kind"] for each in found] == ["peer_connected", "peer_disconnected"]
