"""An ear and literal reports for receivers, an adapter that answers as it is told, and files that are kept."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import pytest

from bluezone_harness.live.scapy_receiver import ScapyReceiver
from bluezone_harness.observations import AddressType, Advert, Observation, PduType
from bluezone_harness.sources import open_source
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.writing.pcapng import PcapngWriter

START_MS = 1_597_046_400_000
READ_FEATURES = 0x2003
OWN_ADDRESS = bytes.fromhex("C00102030405")
REPORTS = (
    "04 3e 19 02 02 00 01 665544332241 03 020106 c0 03 00 060504030201 00 7f",
    "04 3e 1e 0d 01 1300 01 665544332241 01 00 ff 7f b5 0000 00 000000000000 04 03034e56",
    "04 3e 12 0b 01 01 01 665544332201 01 aabbccddeeff d8",
)
"""Two legacy reports, an extended one, a directed one. Source: Core Specification, Vol 4 Part E 7.7.65.2, .13, .11."""
Said = tuple[int, bytes | None, AddressType | None, PduType | None, bytes | None, int | None]


class LoopClock:
    """The loop's time, from a fixed instant on."""

    def now_us(self) -> int:
        return START_MS * 1000 + round(asyncio.get_running_loop().time() * 1_000_000)


def completed(opcode: int, returned: bytes) -> bytes:
    """Return HCI_Command_Complete. Source: Core Specification, Vol 4 Part E 7.7.14."""
    return bytes((4, 0x0E, 3 + len(returned), 1)) + opcode.to_bytes(2, "little") + returned


class FakeAdapter:
    """An adapter that answers commands by a table, and sends what it is told to.

    Args:
        features: The bits of LE features that it tells.
        answers: By opcode: the packets that it sends in answer, where not the usual one.
        fails: Opcode of a command that it takes no longer.
    """

    def __init__(
        self,
        features: int = 0,
        answers: Mapping[int, Sequence[bytes | OSError]] | None = None,
        fails: int | None = None,
    ) -> None:
        self.features = features
        self.answers = dict(answers or {})
        self.fails = fails
        self.sent: list[bytes] = []
        self.closed = False
        self._coming: asyncio.Queue[bytes | OSError] = asyncio.Queue()

    @property
    def opcodes(self) -> list[int]:
        return [int.from_bytes(each[1:3], "little") for each in self.sent]

    def send(self, *packets: bytes | OSError) -> None:
        for each in packets:
            self._coming.put_nowait(each)

    async def read(self) -> bytes:
        assert not self.closed
        found = await self._coming.get()
        if isinstance(found, OSError):
            self.send(found)
            raise found
        return found

    async def write(self, packet: bytes) -> None:
        assert not self.closed
        opcode = int.from_bytes(packet[1:3], "little")
        if opcode == self.fails:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
        self.sent.append(packet)
        returned = b"\0" + (self.features.to_bytes(8, "little") if opcode == READ_FEATURES else b"")
        self.send(*self.answers.get(opcode, [completed(opcode, returned)]))

    def close(self) -> None:
        self.closed = True


def said_of(heard: Advert) -> Said:
    return (heard.time_us, heard.address, heard.address_type, heard.pdu, heard.ad, heard.rssi)


class Ear:
    """Takes what is heard."""

    def __init__(self) -> None:
        self.adverts: list[Advert] = []
        self.packets: list[tuple[int, int, bytes]] = []

    def hear(self, observation: Observation) -> None:
        assert isinstance(observation, Advert)
        self.adverts.append(observation)

    def hear_packet(self, time_us: int, link_type: int, octets: bytes) -> None:
        self.packets.append((time_us, link_type, octets))

    @property
    def said(self) -> list[Said]:
        return [said_of(each) for each in self.adverts]

    def pcapng(self) -> bytes:
        file = io.BytesIO()
        writer = PcapngWriter(file)
        for time_us, link_type, octets in self.packets:
            writer.add("", link_type, time_us, octets)
        return file.getvalue()


def said_in(octets: bytes) -> list[Said]:
    return [said_of(each) for each in open_source("x", io.BytesIO(octets)) if isinstance(each, Advert)]


def said_of_reports(start_us: int) -> list[Said]:
    """Return what REPORTS say: the first packet comes at an instant, each other a millisecond after the other."""
    random = bytes.fromhex("412233445566")
    return [
        (start_us, random, AddressType.RESOLVABLE, PduType.ADV_IND, bytes.fromhex("020106"), -64),
        (start_us, bytes.fromhex("010203040506"), AddressType.PUBLIC, PduType.ADV_NONCONN_IND, b"", None),
        (start_us + 1000, random, AddressType.RESOLVABLE, PduType.ADV_IND, bytes.fromhex("03034e56"), -75),
        (
            start_us + 2000,
            bytes.fromhex("012233445566"),
            AddressType.NON_RESOLVABLE,
            PduType.ADV_DIRECT_IND,
            b"",
            -40,
        ),
    ]


class Kept(io.BytesIO):
    """A file of JSON lines that can be looked into when it is closed."""

    def close(self) -> None:
        pass

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(each) for each in self.getvalue().splitlines()]

    def of(self, *kinds: str) -> list[dict[str, object]]:
        return [each for each in self.lines()[1:] if each["kind"] in kinds]


def receiver_of(adapter: FakeAdapter, *, active: bool = True) -> ScapyReceiver:
    def opened(number: int) -> FakeAdapter:
        assert number == 3
        return adapter

    return ScapyReceiver(3, opened, LoopClock(), OWN_ADDRESS, active=active)


async def heard(adapter: FakeAdapter, packets: Sequence[bytes], *, active: bool = True) -> Ear:
    """Let an adapter send packets, a millisecond after the other, and return what is heard."""
    ear = Ear()
    task = asyncio.create_task(receiver_of(adapter, active=active).listen(ear.hear, ear.hear_packet))
    await asyncio.sleep(0.001)
    for each in packets:
        adapter.send(each)
        await asyncio.sleep(0.001)
    await ended(task)
    assert adapter.closed
    return ear


async def ended(task: asyncio.Task[None]) -> None:
    assert not task.done(), task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture(scope="session")
def loop_clock() -> LoopClock:
    """Return the loop's clock, from 2020-08-10T08:00:00Z on."""
    return LoopClock()


@pytest.fixture(scope="session")
def fake_adapter() -> type[FakeAdapter]:
    """Return the class of an adapter that answers as it is told."""
    return FakeAdapter


@pytest.fixture(scope="session")
def new_ear() -> type[Ear]:
    """Return the class of what takes what is heard."""
    return Ear


@pytest.fixture(scope="session")
def read_back() -> Callable[[bytes], list[Said]]:
    """Return what reads adverts from a capture or a recording: when, who, what kinds, octets, RSSI."""
    return said_in


@pytest.fixture(scope="session")
def literal_reports() -> list[bytes]:
    """Return HCI packets by hand: two legacy reports, an extended one, a directed one."""
    return [bytes.fromhex(each) for each in REPORTS]


@pytest.fixture(scope="session")
def said_of_literals() -> Callable[[int], list[Said]]:
    """Return what the literal reports say, a millisecond after the other, as a function of when the first comes."""
    return said_of_reports


@pytest.fixture(scope="session")
def new_kept() -> type[Kept]:
    """Return the class of a file of JSON lines that can be looked into when it is closed."""
    return Kept


@pytest.fixture(scope="session")
def receiver_on() -> Callable[..., ScapyReceiver]:
    """Return what makes the receiver of an adapter, as hci3."""
    return receiver_of


@pytest.fixture(scope="session")
def listened() -> Callable[..., Ear]:
    """Return what lets an adapter send packets, a millisecond after the other, and returns what was heard."""

    def listen(adapter: FakeAdapter, packets: Sequence[bytes], *, active: bool = True) -> Ear:
        return run_in_virtual_time(heard(adapter, packets, active=active))

    return listen
