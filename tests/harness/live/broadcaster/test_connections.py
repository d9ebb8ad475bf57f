"""Who connects to what a stock controller sends, and reads it: as the record tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
from bumble import hci
from bumble.core import UUID
from bumble.device import Device, Peer

from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.req("BZ-RCV-001")

CHARACTERISTIC = UUID("00004e56-73f5-4bc4-a12f-17d1ad07a689")
# these classes stand in conftest.py
Played = Any
Air = Any
Stock = Any
Spans = Callable[[Any], list[tuple[int, int, dict[str, object]]]]
Outside = Callable[[Any, Any], list[tuple[int, str, str]]]


@pytest.fixture
def read_iphone(
    stock: Callable[..., Stock], device_on: Callable[..., Device]
) -> Callable[..., Coroutine[Any, Any, bytes]]:
    """Return what connects to the iPhone as a stock central does, reads its id, stays a while and leaves."""

    async def read(air: Air, *, extended: bool) -> bytes:
        controller = stock("central", air, extended=extended)
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

    return read


@pytest.mark.req("BZ-GAT-002")
@pytest.mark.parametrize("extended", [True, False])
def test_a_central_reads_the_phone_that_it_connected_to(
    extended: bool,
    new_played: Callable[..., Played],
    new_air: Callable[[], Air],
    stock: Callable[..., Stock],
    spans: Spans,
    outside: Outside,
    read_iphone: Callable[..., Coroutine[Any, Any, bytes]],
) -> None:
    async def main() -> tuple[Played, Air, bytes]:
        air = new_air()
        played = new_played(lambda: stock("sender", air, extended=extended))
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


def test_what_a_central_connects_to_before_the_answer_was_on_the_air(
    new_played: Callable[..., Played],
    new_air: Callable[[], Air],
    stock: Callable[..., Stock],
    late_stock: Callable[..., Stock],
    device_on: Callable[..., Device],
) -> None:
    async def main() -> Played:
        air = new_air()
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
        played = new_played(lambda: late_stock("sender", air, extended=False), scenario)
        running = asyncio.create_task(played.run())
        central = device_on(stock("central", air, extended=False), "C0:00:00:00:00:02")
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


def test_who_is_connected_at_the_end_is_let_go(
    new_played: Callable[..., Played],
    new_air: Callable[[], Air],
    stock: Callable[..., Stock],
    device_on: Callable[..., Device],
    spans: Spans,
) -> None:
    async def main() -> Played:
        air = new_air()
        played = new_played(lambda: stock("sender", air, extended=True))
        running = asyncio.create_task(played.run())
        central = device_on(stock("central", air, extended=True), "C0:00:00:00:00:02")
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


@pytest.mark.req("BZ-GAT-002")
def test_a_controller_that_is_lost_loses_its_connections(
    new_played: Callable[..., Played],
    new_air: Callable[[], Air],
    stock: Callable[..., Stock],
    read_iphone: Callable[..., Coroutine[Any, Any, bytes]],
) -> None:
    async def main() -> Played:
        air = new_air()
        played = new_played(lambda: stock("sender", air, extended=False))
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
