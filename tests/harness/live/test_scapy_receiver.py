"""What is heard on a socket of HCI is what a capture of it says, and what the simulation sends."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.cli.live_receivers import SystemClock, live_receiver
from bluezone_harness.live.hci_reports import LINK_TYPE
from bluezone_harness.live.scapy_receiver import ScapyReceiver
from bluezone_harness.observations import AddressType, Advert, Capability, Extent, PduType
from bluezone_harness.virtual.ble.controllers import VirtualController
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.phones import Plan, drawn_phone, simulate

pytestmark = pytest.mark.req("BZ-ADV-001")

START_MS = 1_597_046_400_000
OWN_ADDRESS = bytes.fromhex("C00102030405")
BEGINNING = 8
"""Commands at the beginning, each of which is answered."""
Pcapng = Callable[[bytes], list[Any]]


def event(code: int, body: bytes) -> bytes:
    return bytes((4, code, len(body))) + body


def test_literal_reports_are_heard(
    fake_adapter: Callable[..., Any],
    listened: Callable[..., Any],
    read_back: Pcapng,
    literal_reports: list[bytes],
    said_of_literals: Callable[[int], list[Any]],
) -> None:
    ear = listened(fake_adapter(), literal_reports)
    assert ear.said == said_of_literals(START_MS * 1000 + 1000)
    assert read_back(ear.pcapng()) == ear.said
    assert {link_type for _, link_type, _ in ear.packets} == {LINK_TYPE}


OCTETS_6 = st.binary(min_size=6, max_size=6)
LEGACY_REPORT = st.tuples(
    st.integers(0, 5), st.integers(0, 4), OCTETS_6, st.binary(max_size=31), st.integers(-128, 127)
).map(lambda e: struct.pack("<BB6sB", e[0], e[1], e[2], len(e[3])) + e[3] + struct.pack("b", e[4]))
EXTENDED_REPORT = st.tuples(
    st.sampled_from((0x13, 0x12, 0x10, 0x1B, 0x01, 0x21, 0x41, 0x00)),
    st.sampled_from((0, 1, 2, 3, 0xFF)),
    OCTETS_6,
    st.integers(-128, 127),
    st.binary(max_size=60),
).map(
    lambda e: (
        struct.pack("<HB6sBBBbbHB6sB", e[0], e[1], e[2], 1, 0, 0xFF, 127, e[3], 0, 0, bytes(6), len(e[4]))
        + e[4]
    )
)


def reports(kind: int, each: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(each, min_size=1, max_size=3).map(
        lambda found: event(0x3E, (bytes((kind, len(found))) + b"".join(found))[:255])
    )


WELL_FORMED = st.one_of(reports(0x02, LEGACY_REPORT), reports(0x0D, EXTENDED_REPORT))
CUT = st.tuples(WELL_FORMED, st.integers(1, 40)).map(lambda each: each[0][: each[1]])
LENGTHENED = st.tuples(WELL_FORMED, st.binary(min_size=1, max_size=3)).map(b"".join)
CHANGED = st.tuples(WELL_FORMED, st.integers(1, 40), st.integers(0, 255)).map(
    lambda each: each[0][: each[1]] + bytes((each[2],)) + each[0][each[1] + 1 :]
)
ANY_PACKET = st.one_of(
    WELL_FORMED,
    CUT,
    LENGTHENED,
    CHANGED,
    st.binary(min_size=1, max_size=40),
    # answers to what nobody asked, and cut ones
    st.binary(max_size=12).map(lambda octets: event(0x0E, octets)),
    st.binary(max_size=12).map(lambda octets: event(0x0F, octets)),
).filter(lambda packet: packet[:2] != b"\x04\x10")


@settings(max_examples=150)
@given(packets=st.lists(ANY_PACKET, max_size=8))
def test_what_is_heard_is_what_the_capture_beside_it_says(
    fake_adapter: Callable[..., Any],
    listened: Callable[..., Any],
    read_back: Pcapng,
    packets: list[bytes],
) -> None:
    ear = listened(fake_adapter(), packets)
    recorded = [octets for _, _, octets in ear.packets]
    came = [each[4:] for each in recorded if each[:4] == b"\0\0\0\1"]
    # what answered the first commands stands before, and the answer to the last behind
    assert came[BEGINNING:-1] == packets
    assert ear.said == read_back(ear.pcapng())


def test_what_it_shows(fake_adapter: Callable[..., Any], receiver_on: Callable[..., ScapyReceiver]) -> None:
    active, passive = (receiver_on(fake_adapter(), active=each) for each in (True, False))
    assert active.title == "HCI socket hci3"
    assert active.capabilities[Capability.SCAN_RESPONSE] is Extent.YES
    assert passive.capabilities[Capability.SCAN_RESPONSE] is Extent.NO
    for each in (Capability.RAW_AD, Capability.ADDRESS, Capability.ADDRESS_TYPE, Capability.PDU_TYPE):
        assert active.capabilities[each] is Extent.YES
    for each in (Capability.CHANNEL, Capability.CRC, Capability.OWN_COMMANDS):
        assert active.capabilities[each] is Extent.NO
    assert Capability.GATT not in active.capabilities
    assert not active.tells_fields
    found = Advert(1, 0, "", b"\xc0" * 6, AddressType.STATIC, PduType.ADV_IND, b"", -50, None)
    assert active.client(found, 1) is None


class Bridge:
    """A controller among virtual phones, as an adapter."""

    def __init__(self, controller: VirtualController) -> None:
        self._controller = controller
        self._before = controller.host
        self._coming: asyncio.Queue[bytes] = asyncio.Queue()
        controller.set_packet_sink(self)

    def on_packet(self, packet: bytes) -> None:
        self._coming.put_nowait(bytes(packet))

    async def read(self) -> bytes:
        return await self._coming.get()

    async def write(self, packet: bytes) -> None:
        self._controller.on_packet(packet)

    def close(self) -> None:
        self._controller.set_packet_sink(self._before)


AIR = Plan(
    (drawn_phone("android", "android", START_MS, 3), drawn_phone("iphone", "ios", START_MS, 3)),
    START_MS,
    90_000,
    loss=0.2,
    strangers=5,
)


@pytest.mark.parametrize("active", [False, True])
def test_what_is_heard_is_what_the_simulation_says(
    active: bool, new_ear: Callable[[], Any], read_back: Pcapng
) -> None:
    async def run() -> Any:  # noqa: ANN401 - the class is in conftest
        ear = new_ear()
        async with World(AIR, 1) as world:
            receiver = ScapyReceiver(
                0, lambda number: Bridge(world.controllers[number]), world, OWN_ADDRESS, active=active
            )
            task = asyncio.create_task(receiver.listen(ear.hear, ear.hear_packet))
            await world.run_until(AIR.until_ms * 1000)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert not world.controllers[0].le_scan_enable
            assert world.controllers[0].random_address.to_string(False) == OWN_ADDRESS.hex(":").upper()
        return ear

    ear = run_in_virtual_time(run())
    expected = [(e.time_us, e.address, e.address_type, e.pdu, e.ad, e.rssi) for e in simulate(AIR, 1)]
    found = [each for each in ear.said if each[3] is not PduType.SCAN_RSP]
    assert len(found) > 1000
    assert found == expected
    assert (len(found) < len(ear.said)) == active
    assert ear.said == read_back(ear.pcapng())


PROGRAM = """
import asyncio, sys
from bluezone_harness.live.scapy_receiver import ScapyReceiver
from bluezone_harness.live.scapy_socket import open_user_channel

class Clock:
    def now_us(self):
        return 0

async def main():
    try:
        receiver = ScapyReceiver(65534, open_user_channel, Clock(), bytes(6))
        await receiver.listen(print, print)
    except Exception as error:
        print(type(error).__name__)

asyncio.run(main())
print(sorted({"bumble", "bleak"} & set(sys.modules)))
"""


def test_who_listens_by_scapy_imports_no_other_stack() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        capture_output=True,
        timeout=60,
        check=True,
        env=environment,
    )
    # there is no such adapter, or there are no such sockets
    assert (done.stdout, done.stderr) == (b"ListenError\n[]\n", b"")


def test_two_receivers_differ_in_their_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[object] = []
    build: Callable[..., None] = ScapyReceiver.__init__

    def kept(self: ScapyReceiver, *arguments: object, **options: object) -> None:
        found.append(arguments[3])
        build(self, *arguments, **options)

    monkeypatch.setattr(ScapyReceiver, "__init__", kept)
    for _ in range(2):
        receiver = live_receiver(None, None, None, SystemClock(), active=False, hci_socket=7)
        assert receiver.title == "HCI socket hci7"
        assert receiver.capabilities[Capability.SCAN_RESPONSE] is Extent.NO
    first, second = found
    assert first != second
    assert isinstance(first, bytes)
    assert first[0] & 0xC0 == 0xC0
