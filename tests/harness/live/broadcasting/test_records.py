"""The record of a broadcast, held against what receivers heard, and read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from bumble import hci
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.live.broadcasting import (
    PLAYED,
    BroadcastRecorder,
    broadcast_world,
    fits_record,
)
from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.sources.octets import OctetStream
from bluezone_harness.sources.recordings import RecordingSource
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.scenes import scene_of
from bluezone_harness.virtual.watching import Link

pytestmark = pytest.mark.req("BZ-RCV-001")

START_MS = 1_795_424_400_000  # 2026-11-23T09:00:00Z
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
WINDOW = SentWindow(5, 9, bytes(6), AddressType.NON_RESOLVABLE, PduType.ADV_IND, b"\x01", 100_000)
LINK = Link(bytes(6), AddressType.NON_RESOLVABLE, b"\xc0" + bytes(5), AddressType.STATIC)
Kept = Any  # the class stands in the conftest.py above
RecorderOf = Callable[[Scenario, Any], BroadcastRecorder]


@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_receiver_hears_is_what_the_record_says(
    seed: int, new_kept: Callable[[], Kept], scenario_of: Callable[..., Scenario], recorder_of: RecorderOf
) -> None:
    scenario = scenario_of(seed)
    file, heard = new_kept(), list[tuple[int, str, str]]()

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


def test_a_record_is_in_order_and_can_be_read(
    scenario_text: str, scenario_of: Callable[..., Scenario], played: Callable[[Scenario], Kept]
) -> None:
    scenario = scenario_of()
    file = played(scenario)
    lines = file.lines()
    first, last = lines[1], lines[-1]
    assert lines[0] == {"schema": 1, "source": "broadcast", "receiver": "", "capabilities": {"sent": "yes"}}
    text = (scenario_text % (7, "")).strip("\n")
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


def test_the_same_scenario_and_start_give_the_same_record(
    scenario_of: Callable[..., Scenario], played: Callable[[Scenario], Kept]
) -> None:
    assert played(scenario_of()).getvalue() == played(scenario_of()).getvalue()


@pytest.mark.req("BZ-ADV-005")
def test_what_an_owner_does_is_told(
    new_kept: Callable[[], Kept], scenario_of: Callable[..., Scenario], recorder_of: RecorderOf
) -> None:
    scenario, file = scenario_of(), new_kept()

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


def test_a_response_and_what_a_controller_sends(
    new_kept: Callable[[], Kept], scenario_of: Callable[..., Scenario]
) -> None:
    scenario, file = scenario_of(), new_kept()
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


@settings(deadline=None, max_examples=30)
@given(
    told=st.lists(
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
def test_whatever_is_told_can_be_read(
    told: list[tuple[str, object]],
    new_kept: Callable[[], Kept],
    scenario_of: Callable[..., Scenario],
    recorder_of: RecorderOf,
) -> None:
    scenario, file = scenario_of(), new_kept()
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


def test_a_scenario_has_to_find_room(scenario_of: Callable[..., Scenario]) -> None:
    scenario = scenario_of()
    assert fits_record(scenario)
    assert not fits_record(replace(scenario, text="#" * 65_536))
