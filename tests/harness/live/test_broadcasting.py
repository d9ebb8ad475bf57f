"""The record of a broadcast, held against what receivers heard and what centrals did."""

from __future__ import annotations

import asyncio
import errno
import json
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from bumble import hci
from bumble.core import UUID
from bumble.device import Device, Peer
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.live.broadcasting import (
    PLAYED,
    BroadcastRecorder,
    broadcast_world,
    fits_record,
    keep_record,
    record_of_world,
)
from bluezone_harness.live.recorder import RecorderError, new_file
from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.sources.octets import OctetStream
from bluezone_harness.sources.recordings import RecordingSource
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_harness.virtual.scenarios.scenes import scene_of
from bluezone_harness.virtual.watching import Link

pytestmark = pytest.mark.req("BZ-RCV-001")

START_MS = 1_795_424_400_000  # 2026-11-23T09:00:00Z
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
SCENARIO = """
schema = 1
seed = %d
duration = "6 min"
[[phone]]
name = "An"
[[phone]]
name = "Binh"
platform = "ios"
%s
[[meeting]]
phones = ["An"]
from = "20 s"
to = "5 min"
rssi = -60
[[advert]]
name = "said twice"
kind = "wrong-company"
from = "1 min"
to = "2 min"
[[event]]
at = "3 min"
name = "clock_set"
by_ms = 5
"""
WINDOW = SentWindow(5, 9, bytes(6), AddressType.NON_RESOLVABLE, PduType.ADV_IND, b"\x01", 100_000)
LINK = Link(bytes(6), AddressType.NON_RESOLVABLE, b"\xc0" + bytes(5), AddressType.STATIC)
Line = dict[str, object]


def scenario_of(seed: int = 7, *, phone: str = "") -> Scenario:
    return read_scenario("session.toml", (SCENARIO % (seed, phone)).encode())


class Kept(BytesIO):
    """A file that can be looked into when it is closed."""

    def close(self) -> None:
        pass

    def lines(self) -> list[Line]:
        return [json.loads(each) for each in self.getvalue().splitlines()]

    def of(self, *kinds: str) -> list[Line]:
        return [each for each in self.lines()[1:] if each["kind"] in kinds]


class Full(Kept):
    """A disk that takes the first lines, and then is full."""

    def write(self, octets: object, /) -> int:
        if self.tell():
            raise OSError(errno.ENOSPC, "x")
        return super().write(octets)  # type: ignore[arg-type] # as the base takes them


def recorder_of(scenario: Scenario, file: Kept) -> BroadcastRecorder:
    return BroadcastRecorder(scenario, lambda: file, now=lambda: 0)


def played(scenario: Scenario) -> Kept:
    file = Kept()
    run_in_virtual_time(record_of_world(scene_of(scenario, START_MS), recorder_of(scenario, file)))
    return file


@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_receiver_hears_is_what_the_record_says(seed: int) -> None:
    scenario = scenario_of(seed)
    file, heard = Kept(), list[tuple[int, str, str]]()

    async def main() -> None:
        record = recorder_of(scenario, file)
        record.open()
        async with broadcast_world(scene_of(scenario, START_MS), record) as world:

            def hear(report: hci.HCI_LE_Advertising_Report_Event.Report) -> None:
                address = bytes(report.address)[::-1].hex(":").upper()
                heard.append((world.now_us(), address, report.data.hex()))

            device = world.receivers[0]
            device.host.on("advertising_report", hear)
            await device.start_scanning(legacy=True, active=False)
            await world.run_until(world.plan.until_ms * 1000)

    run_in_virtual_time(main())
    sets = {each["set"]: each for each in file.of("on_air")}
    ends = {each["set"]: each for each in file.of("off_air")}
    assert sets.keys() == ends.keys()
    counted: Counter[object] = Counter()
    for time_us, address, ad in heard:
        (number,) = (
            number
            for number, each in sets.items()
            if (each["address"], each["ad"]) == (address, ad)
            and int(str(each["time_us"])) <= time_us < int(str(ends[number]["time_us"]))
        )
        counted[number] += 1
    assert counted == {number: each["adverts"] for number, each in ends.items()}
    assert len(heard) > 3000
    assert {each["sender"] for each in sets.values()} == {"An", "Binh", "said twice"}


def test_a_record_is_in_order_and_can_be_read() -> None:
    scenario = scenario_of()
    file = played(scenario)
    lines = file.lines()
    first, last = lines[1], lines[-1]
    assert lines[0] == {"schema": 1, "source": "broadcast", "receiver": "", "capabilities": {"sent": "yes"}}
    text = (SCENARIO % (7, "")).strip("\n")
    assert (first["kind"], first["time_us"]) == ("scenario", START_MS * 1000)
    assert str(first["text"]).strip("\n") == text
    assert first["sha256"] == sha256(str(first["text"]).encode()).hexdigest()
    assert last == {"kind": "end", "reason": PLAYED}
    times = [int(str(each["time_us"])) for each in lines[1:-1]]
    assert times == sorted(times)
    assert file.of("event") == [
        {"kind": "event", "name": "clock_set", "time_us": (START_MS + 180_000) * 1000, "by_ms": 5}
    ]
    near = [each for each in file.of("on_air") if each["sender"] == "An"]
    assert {each["rssi"] for each in near} == {-60}
    source = RecordingSource("record", OctetStream(BytesIO(file.getvalue())))
    assert len(list(source)) == len(lines) - 2
    assert source.diagnostics == ()


def test_the_same_scenario_and_start_give_the_same_record() -> None:
    assert played(scenario_of()).getvalue() == played(scenario_of()).getvalue()


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


def read_lines(phone: str) -> list[Line]:
    """Let a stock central connect to the iPhone, read it, and leave; return the lines of it."""
    scenario, file = scenario_of(phone=phone), Kept()

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
    return file.of("peer_connected", "peer_read", "peer_disconnected")


@pytest.mark.req("BZ-GAT-002")
def test_a_read_is_told_with_its_answer() -> None:
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
def test_a_read_without_an_id_is_told_as_it_was(reads: str, answer: Line) -> None:
    found = [each for each in read_lines(f'reads = "{reads}"') if each["kind"] == "peer_read"]
    assert found
    for each in found:
        said = {key: each[key] for key in ("value", "att_error") if key in each}
        if "value" in said:
            said["value"] = len(str(said["value"]))
        assert said == answer


@pytest.mark.req("BZ-GAT-001")
def test_who_offers_no_service_is_connected_to_and_not_read() -> None:
    found = read_lines('reads = "no service"')
    assert [each["kind"] for each in found] == ["peer_connected", "peer_disconnected"]


def test_who_ends_early_has_a_whole_record() -> None:
    scenario, file = scenario_of(), Kept()

    async def main() -> None:
        record = recorder_of(scenario, file)
        record.open()
        async with broadcast_world(scene_of(scenario, START_MS), record) as world:
            await world.run_until((START_MS + 30_000) * 1000)
            assert set(record.on_air_now.values()) == {"An", "Binh"}

    run_in_virtual_time(main())
    assert len(file.of("on_air")) == len(file.of("off_air"))
    assert file.lines()[-1] == {"kind": "end", "reason": "it was ended early"}


def test_what_fails_while_it_is_played_leaves_a_whole_record() -> None:
    scenario, file = scenario_of(), Kept()

    async def main() -> None:
        record = recorder_of(scenario, file)
        record.open()
        async with broadcast_world(scene_of(scenario, START_MS), record):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_in_virtual_time(main())
    assert file.lines()[-1] == {"kind": "end", "reason": "it failed"}
    assert len(file.of("on_air")) == len(file.of("off_air")) > 0


def test_nothing_is_written_before_there_is_a_file() -> None:
    scenario, file = scenario_of(), Kept()
    record = recorder_of(scenario, file)
    record.begin(5)
    number = record.on_air(5, "An", WINDOW)
    record.pass_time(6)
    record.close(6, "never begun")
    assert not record.is_open
    assert file.getvalue() == b""
    record.open()
    record.off_air(9, number, None)
    record.close(9, "over")
    record.off_air(9, number, None)
    record.close(9, "again")
    assert [each["kind"] for each in file.lines()[1:]] == ["scenario", "on_air", "off_air", "end"]
    assert file.of("off_air") == [{"kind": "off_air", "time_us": 9, "set": 0}]
    assert "rssi" not in file.of("on_air")[0]


def test_a_response_and_what_a_controller_sends() -> None:
    scenario, file = scenario_of(), Kept()
    record = BroadcastRecorder(scenario, lambda: file, now=lambda: 0, tells_rssi=False)
    record.begin(5)
    record.open()
    record.on_air(5, "An", WINDOW._replace(response=b"\x02", level=9))
    record.gap(7, 6)
    record.gap(7, 8 + 180_000_000)
    record.close(8, "over")
    (line,) = file.of("on_air")
    assert (line["response"], "rssi" in line) == ("02", False)
    assert [each["until_us"] for each in file.of("gap")] == [7, 180_000_008]
    # what the scenario notes was noted in its time
    assert [each["kind"] for each in file.lines()[-3:]] == ["event", "gap", "end"]


def test_a_full_disk_is_told_once_and_raised_at_the_end() -> None:
    scenario, file, failures = scenario_of(), Full(), list[str]()

    async def main() -> None:
        record = BroadcastRecorder(scenario, lambda: file, now=lambda: 0, failed=lambda: failures.append("x"))
        record.open()
        async with broadcast_world(scene_of(scenario, START_MS), record) as world:
            record.pass_time(world.now_us())
            await world.run_until((START_MS + 90_000) * 1000)
            record.pass_time(world.now_us())
            assert record.sets > 2

    with pytest.raises(RecorderError, match="the disk is full: make room"):
        run_in_virtual_time(main())
    assert failures == ["x"]
    assert [each["kind"] for each in file.lines()[1:]] == []


def test_a_disk_that_fills_at_the_last_line() -> None:
    scenario, file, failures = scenario_of(), Full(), list[str]()
    record = BroadcastRecorder(scenario, lambda: file, now=lambda: 0, failed=lambda: failures.append("x"))
    record.open()
    record.close(9, "over")
    assert failures == ["x"]
    assert record.failure is not None


def test_lines_wait_less_than_half_a_second(tmp_path: Path) -> None:
    scenario, path = scenario_of(), tmp_path / "record.jsonl"

    async def main() -> list[tuple[int, int]]:
        loop = asyncio.get_running_loop()
        record = BroadcastRecorder(scenario, lambda: new_file(path), now=lambda: round(loop.time() * 1e6))
        record.open()
        looks = []
        async with broadcast_world(scene_of(scenario, START_MS), record) as world:
            keeping = asyncio.create_task(keep_record(record, world.air.clock))
            for number in range(1, 900):
                await world.run_until(START_MS * 1000 + number * 391_000)
                looks.append((world.now_us(), path.read_bytes().count(b"\n")))
            keeping.cancel()
        return looks

    looks = run_in_virtual_time(main())
    # the header has no time, nor has the end
    times = [0, *(json.loads(each)["time_us"] for each in path.read_bytes().splitlines()[1:-1])]
    assert len(times) > 25
    for time_us, lines in looks:
        assert lines >= sum(each <= time_us - 500_000 for each in times)


def test_a_computer_that_sleeps_sends_nothing() -> None:
    scenario, file, now_us = scenario_of(), Kept(), [0]

    class Jumping:
        def now_us(self) -> int:
            return now_us[0] + round(asyncio.get_running_loop().time() * 1e6)

    async def main() -> None:
        record = recorder_of(scenario, file)
        record.open()
        keeping = asyncio.create_task(keep_record(record, Jumping()))
        await asyncio.sleep(5.05)
        now_us[0] += 60_000_000
        await asyncio.sleep(5)
        now_us[0] -= 60_000_000  # set back: nobody slept
        await asyncio.sleep(5)
        keeping.cancel()

    run_in_virtual_time(main())
    (gap,) = file.of("gap")
    assert (gap["time_us"], gap["until_us"]) == (5_000_000, 65_200_000)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("on"), st.integers(0, 400)),
            st.tuples(st.just("off"), st.integers(0, 400)),
            st.tuples(st.just("read"), st.one_of(st.none(), st.integers(1, 255), st.binary(max_size=20))),
            st.tuples(st.just("link"), st.booleans()),
            st.tuples(st.just("pass"), st.integers(0, 400)),
        ),
        max_size=20,
    )
)
def test_whatever_is_told_can_be_read(told: list[tuple[str, object]]) -> None:
    scenario, file = scenario_of(), Kept()
    record = recorder_of(scenario, file)
    record.begin(0)
    record.open()
    reads = links = 0
    for time_us, (what, value) in enumerate(told):
        if what == "on":
            record.on_air(time_us, "An", WINDOW._replace(ad=bytes(int(str(value)) % 32)))
        elif what == "off":
            record.off_air(time_us, int(str(value)), int(str(value)))
        elif what == "read":
            assert value is None or isinstance(value, int | bytes)
            record.read(time_us, LINK, CHARACTERISTIC, value)
            reads += 1
        elif what == "link":
            (record.connected if value else record.disconnected)(time_us, LINK)
            links += bool(value)
        else:
            record.pass_time(time_us)
    record.close(len(told), "over")
    assert (record.reads, record.connections) == (reads, links)
    source = RecordingSource("record", OctetStream(BytesIO(file.getvalue())))
    found = list(source)
    assert source.diagnostics == ()
    assert len(found) == 1 + sum(what != "pass" for what, _ in told)


def test_a_scenario_has_to_find_room() -> None:
    scenario = scenario_of()
    assert fits_record(scenario)
    assert not fits_record(replace(scenario, text="#" * 65_536))


@pytest.mark.req("BZ-ADV-005")
def test_what_an_owner_does_is_told() -> None:
    scenario, file = scenario_of(), Kept()

    async def main() -> None:
        record = recorder_of(scenario, file)
        record.open()
        async with broadcast_world(scene_of(scenario, START_MS), record) as world:
            assert isinstance(world, World)
            phone = world.phones["Binh"]
            await phone.turn_bluetooth(False)
            assert "Binh" not in record.on_air_now.values()
            await phone.turn_bluetooth(True)
            await world.run_until((START_MS + 1000) * 1000)
            assert "Binh" in record.on_air_now.values()
            await phone.reboot()
            await world.run_until((START_MS + 2000) * 1000)

    run_in_virtual_time(main())
    assert len(file.of("on_air")) == len(file.of("off_air")) >= 6
