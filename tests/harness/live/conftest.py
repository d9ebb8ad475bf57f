"""An adapter that answers as it is told, and an ear: for receivers on a socket of HCI."""

from __future__ import annotations

import asyncio
import errno
import io
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


def said_in(pcapng: bytes) -> list[Said]:
    return [said_of(each) for each in open_source("x", io.BytesIO(pcapng)) if isinstance(each, Advert)]


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
    """Return what reads adverts from pcapng: when, who, what kinds, octets, RSSI."""
    return said_in


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
