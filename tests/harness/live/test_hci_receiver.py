"""What a controller of one's own hears: as the reader of captures and tshark have it, as the simulation sends it."""

from __future__ import annotations

import asyncio
import logging
import os
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bumble.device import Device
from bumble.host import Host
from bumble.transport.common import TransportLostError, TransportSink
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.live.attached import Attached, attached_to
from bluezone_harness.live.controllers import opened
from bluezone_harness.live.hci_receiver import HciReceiver
from bluezone_harness.live.hci_reports import LINK_TYPE
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.observations import AddressType, Advert, Capability, Extent, PduType
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.phones import AirPacket, Plan, drawn_phone, simulate

START_MS = 1_597_046_400_000
NO_PHONES = Plan((), START_MS, 60_000)
OWN_ADDRESS = bytes.fromhex("C00102030405")
Ear = Any  # the class stands in conftest.py
ReadBack = Callable[[bytes], list[Any]]
HeardOf = Callable[[Sequence[bytes]], Ear]


async def listening(receiver: HciReceiver, ear: Ear, device: Device) -> asyncio.Task[None]:
    task = asyncio.create_task(receiver.listen(ear.hear, ear.hear_packet))
    while not device.is_scanning and not task.done():
        await asyncio.sleep(0)
    return task


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture(scope="session")
def heard_of(new_ear: Callable[[], Ear]) -> HeardOf:
    """Return what is heard of packets that a controller sends, a millisecond after the other."""

    async def run(packets: Sequence[bytes]) -> Ear:
        ear = new_ear()
        async with World(NO_PHONES, 1) as world:
            receiver = HciReceiver("virtual", attached_to(world), world)
            task = await listening(receiver, ear, world.receivers[0])
            ear.packets.clear()
            for packet in packets:
                tap = world.controllers[0].host
                assert tap is not None
                tap.on_packet(packet)
                await asyncio.sleep(0.001)
            kept = list(ear.packets)
            await ended(task)
            ear.packets = kept
        return ear

    return lambda packets: run_in_virtual_time(run(packets))


def event(code: int, body: bytes) -> bytes:
    return bytes((4, code, len(body))) + body


OCTETS_6 = st.binary(min_size=6, max_size=6)
LEGACY_REPORT = st.tuples(
    st.sampled_from((0, 1, 2, 3, 4, 0, 0, 5)),
    st.integers(0, 4),
    OCTETS_6,
    st.binary(max_size=31),
    st.integers(-128, 127),
).map(
    lambda each: (
        struct.pack("<BB6sB", each[0], each[1], each[2], len(each[3])) + each[3] + struct.pack("b", each[4])
    )
)
EXTENDED_REPORT = st.tuples(
    st.sampled_from((0x13, 0x15, 0x12, 0x10, 0x1B, 0x1A, 0x01, 0x21, 0x41, 0x00)),
    st.sampled_from((0, 1, 2, 3, 0xFF)),
    OCTETS_6,
    st.integers(-128, 127),
    st.binary(max_size=60),
).map(
    lambda each: (
        struct.pack(
            "<HB6sBBBbbHB6sB",
            each[0],
            each[1],
            each[2],
            1,
            0,
            0xFF,
            127,
            each[3],
            0,
            0,
            bytes(6),
            len(each[4]),
        )
        + each[4]
    )
)
DIRECTED_REPORT = st.tuples(st.integers(0, 2), OCTETS_6, OCTETS_6, st.integers(-128, 127)).map(
    lambda each: struct.pack("<BB6sB6sb", 1, each[0], each[1], 1, each[2], each[3])
)


def reports(kind: int, each: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(each, min_size=1, max_size=3).map(
        lambda found: event(0x3E, (bytes((kind, len(found))) + b"".join(found))[:255])
    )


WELL_FORMED = st.one_of(
    reports(0x02, LEGACY_REPORT), reports(0x0D, EXTENDED_REPORT), reports(0x0B, DIRECTED_REPORT)
)
DAMAGED = st.tuples(WELL_FORMED, st.integers(0, 40), st.integers(0, 255)).flatmap(
    lambda each: st.sampled_from(
        (
            each[0][: each[1]],
            each[0] + bytes((each[2],)),
            each[0][: each[1]] + bytes((each[2],)) + each[0][each[1] + 1 :],
        )
    )
)
ANY_PACKET = st.one_of(
    WELL_FORMED,
    WELL_FORMED,
    DAMAGED,
    st.binary(max_size=40),
    st.binary(max_size=40).map(lambda octets: event(octets[0] if octets else 0, octets[1:])),
)


@settings(max_examples=60)
@given(packets=st.lists(ANY_PACKET, max_size=8))
def test_what_is_heard_is_what_the_capture_beside_it_says(
    packets: list[bytes], heard_of: HeardOf, read_back: ReadBack
) -> None:
    ear = heard_of(packets)
    # whatever bumble makes of some of them, and asks the controller then: all are there, in their order
    recorded = iter([octets for _, _, octets in ear.packets])
    assert all(b"\0\0\0\1" + each in recorded for each in packets)
    assert {link_type for _, link_type, _ in ear.packets} <= {LINK_TYPE}
    assert ear.said == read_back(ear.pcapng())


def test_literal_reports_are_heard(
    heard_of: HeardOf, literal_reports: list[bytes], said_of_literals: Callable[[int], list[Any]]
) -> None:
    ear = heard_of(literal_reports)
    assert ear.said == said_of_literals(START_MS * 1000)


def test_tshark_reads_the_same(tmp_path: Path, tool: Callable[[str], Path], heard_of: HeardOf) -> None:
    random = Random(7)
    packets = []
    for number in range(60):
        ad = bytes.fromhex("020106") + bytes((5 + number % 20, 0xFF)) + random.randbytes(4 + number % 20)
        address = random.randbytes(6)
        rssi = struct.pack("b", -30 - number)
        if number % 3:
            body = bytes((2, 1, number % 5, number % 2)) + address + bytes((len(ad),)) + ad + rssi
        else:
            kind = (0x13, 0x12, 0x10, 0x1B)[number // 3 % 4]
            body = bytes((13, 1)) + struct.pack("<HB6sBBBb", kind, 1, address, 1, 0, 0xFF, 127) + rssi
            body += struct.pack("<HB6sB", 0, 0, bytes(6), len(ad)) + ad
        packets.append(event(0x3E, body))
    ear = heard_of(packets)
    file = tmp_path / "heard.pcapng"
    file.write_bytes(ear.pcapng())
    fields = (
        "frame.time_epoch",
        "bthci_evt.bd_addr",
        "bthci_evt.rssi",
        "btcommon.eir_ad.entry.data",
        "bthci_evt.le_advts_event_type",
        "bthci_evt.le_ext_advts_event_type",
        "bthci_evt.le_peer_address_type",
    )
    command = [str(tool("tshark")), "-r", str(file), "-Y", "bthci_evt.le_meta_subevent in {2,13}"]
    command += ["-T", "fields", *(part for each in fields for part in ("-e", each))]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    pdus = (
        PduType.ADV_IND,
        PduType.ADV_DIRECT_IND,
        PduType.ADV_SCAN_IND,
        PduType.ADV_NONCONN_IND,
        PduType.SCAN_RSP,
    )
    extended = {0x13: pdus[0], 0x12: pdus[2], 0x10: pdus[3], 0x1B: pdus[4]}
    found = []
    for when, who, rssi_text, data, legacy, event_type, address_kind in rows:
        seconds, fraction = when.split(".")
        found.append(
            (
                int(seconds) * 1_000_000 + int(fraction[:6]),
                who.split(",")[0],
                pdus[int(legacy, 0)] if legacy else extended[int(event_type, 0)],
                int(rssi_text.split(",")[-1]),
                data.replace(":", ""),
                int(address_kind.split(",")[0], 0),
            )
        )
    assert len(found) == 60
    assert found == [
        (
            each.time_us,
            (each.address or b"").hex(":"),
            each.pdu,
            each.rssi,
            (each.ad or b"")[7:].hex(),
            0 if each.address_type is AddressType.PUBLIC else 1,
        )
        for each in ear.adverts
    ]


class Refusing(Host):
    """A host that fails on everything."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def on_packet(self, packet: bytes) -> None:
        self.got.append(packet)
        raise AssertionError("a host that fails")

    def on_transport_lost(self) -> None:
        self.got.append(b"lost")
        raise asyncio.InvalidStateError


def test_what_is_no_report_goes_to_the_host_whatever_it_does(new_ear: Callable[[], Ear]) -> None:
    async def run() -> list[bytes]:
        async with World(NO_PHONES, 1) as world:
            ear = new_ear()
            task = await listening(HciReceiver("x", attached_to(world), world), ear, world.receivers[0])
            tap: Any = world.controllers[0].host
            host = tap._host = Refusing()
            for packet in (b"", b"\x04", b"\x04\x3e\x01", b"\x04\x0e\x00", b"\x02abc", event(0x3E, b"\x02")):
                tap.on_packet(packet)
            tap.on_transport_lost()
            await ended(task)
            assert not ear.adverts
            return host.got

    got = run_in_virtual_time(run())
    assert got[:6] == [b"", b"\x04", b"\x04\x3e\x01", b"\x04\x0e\x00", b"\x02abc", b"lost"]


# Against virtual phones

AIR = Plan(
    (drawn_phone("android", "android", START_MS, 3), drawn_phone("iphone", "ios", START_MS, 3)),
    START_MS,
    90_000,
    loss=0.2,
    receivers=2,
    strangers=5,
)


def expected(packets: Sequence[AirPacket], receiver: str) -> list[Any]:
    return [
        (each.time_us, each.address, each.address_type, each.pdu, each.ad, each.rssi)
        for each in packets
        if each.receiver == receiver
    ]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("active", [False, True])
def test_what_is_heard_is_what_the_simulation_says(
    seed: int, active: bool, new_ear: Callable[[], Ear]
) -> None:
    async def run() -> list[Ear]:
        ears = [new_ear(), new_ear()]
        async with World(AIR, seed) as world:
            tasks = [
                await listening(
                    HciReceiver("x", attached_to(world, number), world, active=active),
                    ear,
                    world.receivers[number],
                )
                for number, ear in enumerate(ears)
            ]
            await world.run_until(AIR.until_ms * 1000)
            for task in tasks:
                await ended(task)
            assert not any(each.le_scan_enable for each in world.controllers)
            assert [each.host for each in world.controllers] == [each.host for each in world.receivers]
        return ears

    ears = run_in_virtual_time(run())
    packets = list(simulate(AIR, seed))
    names = sorted({each.receiver for each in packets})
    assert len(names) == 2
    for name, ear in zip(names, ears, strict=True):
        heard = [each for each in ear.said if each[3] is not PduType.SCAN_RSP]
        assert heard == expected(packets, name)
        assert (len(heard) < len(ear.said)) == active


def test_capabilities_and_title() -> None:
    async def run() -> None:
        async with World(NO_PHONES, 1) as world:
            active = HciReceiver("usb:0", attached_to(world), world)
            passive = HciReceiver("usb:0", attached_to(world), world, active=False)
            assert active.title == "HCI usb:0"
            assert active.capabilities[Capability.SCAN_RESPONSE] is Extent.YES
            assert passive.capabilities[Capability.SCAN_RESPONSE] is Extent.NO
            assert active.capabilities[Capability.RAW_AD] is Extent.YES
            assert active.capabilities[Capability.CHANNEL] is Extent.NO
            assert not active.tells_fields
            assert not active.is_clock
            advert = Advert(1, 0, "", b"\xc0" * 6, AddressType.STATIC, PduType.ADV_IND, b"", -50, None)
            assert active.client(advert, 1) is None

    run_in_virtual_time(run())


@pytest.mark.parametrize(
    ("address_type", "is_public"),
    [(AddressType.RESOLVABLE, False), (AddressType.PUBLIC, True), (AddressType.PUBLIC_IDENTITY, True)],
)
def test_a_client_knows_the_kind_of_address_without_a_scan(
    address_type: AddressType, is_public: bool, new_ear: Callable[[], Ear]
) -> None:
    async def run() -> None:
        async with World(NO_PHONES, 1) as world:
            receiver = HciReceiver("x", attached_to(world), world)
            task = await listening(receiver, new_ear(), world.receivers[0])
            await asyncio.sleep(0.1)
            client = receiver.client(
                Advert(
                    1, 0, "", bytes.fromhex("412233445566"), address_type, PduType.ADV_IND, b"", -50, None
                ),
                0.5,
            )
            assert client is not None
            assert client.address == "41:22:33:44:55:66"
            peer: Any = client._backend
            assert peer._peer.details.is_public is is_public
            with pytest.raises(TimeoutError):
                await client.connect()
            assert world.receivers[0].is_scanning, "connecting must not end the scan"
            assert receiver.client(Advert(1, 0, "", None, None, None, b"", -50, None), 1) is None
            await ended(task)

    run_in_virtual_time(run())


# Controllers that go, or never were


class Cable:
    """A transport by hand: what goes to the controller is taken, and answered where somebody says how."""

    def __init__(self, answer: Callable[[bytes], bytes | None] = lambda packet: None) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sink: TransportSink | None = None
        self.sent: list[bytes] = []
        self.answer = answer

    def set_packet_sink(self, sink: TransportSink) -> None:
        self.sink = sink

    def on_packet(self, packet: bytes) -> None:
        self.sent.append(packet)
        answer = self.answer(packet)
        if answer is not None and self.sink is not None:
            asyncio.get_running_loop().call_soon(self.sink.on_packet, answer)

    @asynccontextmanager
    async def attach(self) -> AsyncIterator[Attached]:
        yield Attached(Device(host=Host(self, self)), self, self.gone)  # type: ignore[arg-type] # has what is used

    def lose(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)
        if self.sink is not None and hasattr(self.sink, "on_transport_lost"):
            self.sink.on_transport_lost()


class Standing:
    """A clock that stands."""

    def now_us(self) -> int:
        return START_MS * 1000


def refusal(run: Coroutine[Any, Any, None]) -> ListenError:
    with pytest.raises(ListenError) as caught:
        run_in_virtual_time(run)
    assert str(caught.value).count("\n") == 0
    return caught.value


def test_a_controller_that_never_answers_is_told(new_ear: Callable[[], Ear]) -> None:
    async def run() -> None:
        ear = new_ear()
        await HciReceiver("tcp-client:h:1", Cable().attach, Standing()).listen(ear.hear, ear.hear_packet)

    error = refusal(run())
    assert str(error) == (
        "tcp-client:h:1: the controller does not answer: check that it is one, and that nothing else uses it"
    )
    assert error.may_return


def test_a_controller_that_sends_nonsense_is_told(new_ear: Callable[[], Ear]) -> None:
    async def run() -> None:
        ear = new_ear()
        random = Random(1)
        cable = Cable(lambda packet: random.randbytes(20))
        await HciReceiver("usb:0", cable.attach, Standing()).listen(ear.hear, ear.hear_packet)

    assert "does not answer" in str(refusal(run()))


def test_a_controller_that_goes_while_it_answers_is_told_at_once(new_ear: Callable[[], Ear]) -> None:
    async def run() -> None:
        ear = new_ear()
        cable = Cable()
        loop = asyncio.get_running_loop()
        loop.call_later(1, cable.lose)
        try:
            await HciReceiver("usb:0", cable.attach, Standing()).listen(ear.hear, ear.hear_packet)
        finally:
            assert loop.time() == pytest.approx(1)

    error = refusal(run())
    assert str(error) == "usb:0: the controller is gone: plug it in again, or start again what serves it"
    assert error.may_return


@pytest.mark.parametrize("fails", [None, TransportLostError("x"), OSError(5, "Input/output error")])
def test_a_controller_that_goes_while_it_listens_is_told(
    fails: Exception | None, new_ear: Callable[[], Ear]
) -> None:
    async def run() -> None:
        async with World(NO_PHONES, 1) as world:
            gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            @asynccontextmanager
            async def attach() -> AsyncIterator[Attached]:
                async with attached_to(world)() as found:
                    yield Attached(found.device, found.source, gone)

            ear = new_ear()
            receiver = HciReceiver("usb:0", attach, world)
            task = await listening(receiver, ear, world.receivers[0])
            await asyncio.sleep(1)
            if fails is None:
                gone.set_result(None)
            else:
                gone.set_exception(fails)
            await task

    error = refusal(run())
    assert str(error) == "usb:0: the controller is gone: plug it in again, or start again what serves it"
    assert error.may_return


def test_what_bumble_cancels_is_no_cancellation(new_ear: Callable[[], Ear]) -> None:
    def attach() -> AbstractAsyncContextManager[Attached]:
        raise asyncio.CancelledError

    async def run() -> None:
        ear = new_ear()
        await HciReceiver("usb:0", attach, Standing()).listen(ear.hear, ear.hear_packet)

    assert "the controller is gone" in str(refusal(run()))


def test_who_cancels_ends_it_and_a_controller_that_is_silent_then_does_not_hold_it_up(
    new_ear: Callable[[], Ear],
) -> None:
    async def run() -> float:
        loop = asyncio.get_running_loop()
        async with World(NO_PHONES, 1) as world:
            task = await listening(HciReceiver("x", attached_to(world), world), new_ear(), world.receivers[0])
            await asyncio.sleep(1)
            device = world.receivers[0]
            device.host.hci_sink = Cable()  # nobody is there any more
            await ended(task)
            assert task.cancelled()
            return loop.time()

    assert run_in_virtual_time(run()) == pytest.approx(3)


def test_whoever_reads_a_phone_has_a_moment_to_disconnect(new_ear: Callable[[], Ear]) -> None:
    plan = Plan((drawn_phone("iphone", "ios", START_MS, 3),), START_MS, 60_000)

    async def run() -> float:
        loop = asyncio.get_running_loop()
        ear = new_ear()
        async with World(plan, 1) as world:
            receiver = HciReceiver("x", attached_to(world), world)
            task = await listening(receiver, ear, world.receivers[0])
            while not (found := [each for each in ear.adverts if each.pdu is PduType.ADV_IND]):
                await asyncio.sleep(0.1)
            client = receiver.client(found[0], 10)
            assert client is not None
            await client.connect()
            cancelled_s = loop.time()
            task.cancel()
            await asyncio.sleep(0.5)
            assert not task.done()
            await client.disconnect()
            await asyncio.wait([task])
            return loop.time() - cancelled_s

    assert run_in_virtual_time(run()) == pytest.approx(0.5, abs=0.1)


# A real socket

SERVER = """
import asyncio, sys
from bluezone_harness.virtual.ble.worlds import World, serve
from bluezone_harness.virtual.phones import Plan, drawn_phone

async def main():
    phone = drawn_phone("phone", "android", 1597046400000, 3)
    from dataclasses import replace
    plan = Plan((replace(phone, phase_ms=0),), 1597046400000, 3600000, interval_ms=20)
    async with World(plan, 1) as world:
        serving = asyncio.create_task(serve(world, f"tcp-server:127.0.0.1:{sys.argv[1]}"))
        await asyncio.sleep(0.05)
        print("ready", flush=True)
        await serving

asyncio.run(main())
"""


def server(port: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port)], stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


class SystemClock:
    def now_us(self) -> int:
        return time.time_ns() // 1000


async def heard_until_gone(
    new_ear: Callable[[], Ear], name: str, process: subprocess.Popen[bytes], least: int
) -> tuple[Ear, ListenError]:
    """Listen by a socket until enough is heard, then let the server die; return what ended listening."""
    ear = new_ear()
    receiver = HciReceiver(name, partial(opened, name, OWN_ADDRESS), SystemClock())
    task = asyncio.create_task(receiver.listen(ear.hear, ear.hear_packet))
    async with asyncio.timeout(20):
        while len(ear.adverts) < least and not task.done():
            await asyncio.sleep(0.02)
    process.kill()
    with pytest.raises(ListenError) as caught:
        async with asyncio.timeout(20):
            await task
    return ear, caught.value


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended by signals here")
def test_a_real_socket_is_heard_goes_and_comes_back(
    unused_port: int, caplog: pytest.LogCaptureFixture, new_ear: Callable[[], Ear], read_back: ReadBack
) -> None:
    name = f"tcp-client:127.0.0.1:{unused_port}"
    heard = []
    for _ in range(2):
        process = server(unused_port)
        try:
            with caplog.at_level(logging.WARNING):
                ear, error = asyncio.run(heard_until_gone(new_ear, name, process, 10))
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        assert (
            str(error) == f"{name}: the controller is gone: plug it in again, or start again what serves it"
        )
        assert error.may_return
        assert len(ear.adverts) >= 10
        assert ear.said == read_back(ear.pcapng())
        heard.append({each.ad for each in ear.adverts if each.pdu is PduType.ADV_IND})
    assert heard[0] == heard[1]
    assert not [each for each in caplog.records if each.name == "asyncio"]
    _, error = asyncio.run(heard_until_gone(new_ear, name, process, 1))
    assert "nobody serves it there" in str(error)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended by signals here")
def test_the_command_listens_by_a_socket_waits_for_it_and_goes_on(
    unused_port: int, tmp_path: Path, read_back: ReadBack
) -> None:
    recording = tmp_path / "heard.jsonl"
    name = f"tcp-client:127.0.0.1:{unused_port}"
    command = [sys.executable, "-m", "bluezone_harness", "sniff", "--hci", name, "--until", "400"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    processes = [server(unused_port)]
    listening_process = subprocess.Popen(
        [*command, "--out", str(recording)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    try:
        until_s = time.monotonic() + 60
        while not (recording.exists() and recording.stat().st_size > 2000) and time.monotonic() < until_s:
            time.sleep(0.02)
        processes[0].kill()
        processes[0].wait()
        processes.append(server(unused_port))
        output, errors = listening_process.communicate(timeout=60)
    finally:
        for each in (listening_process, *processes):
            each.kill()
            each.wait()
            if each.stdout is not None:
                each.stdout.close()
    assert (listening_process.returncode, output) == (0, b"")
    said = errors.decode()
    assert (
        f"{name}: the controller is gone: plug it in again, or start again what serves it; waiting for it"
        in said
    )
    assert said.count("waiting for it") == said.count("listening again") == 1
    assert "Traceback" not in said
    lines = recording.read_text().splitlines()
    assert sum('"kind":"gap"' in each for each in lines) == 1
    assert lines[-1].startswith('{"kind":"end"')
    heard = read_back(recording.read_bytes())
    assert len(heard) == 400
    assert heard == read_back(recording.with_suffix(".pcapng").read_bytes())[: len(heard)]


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
