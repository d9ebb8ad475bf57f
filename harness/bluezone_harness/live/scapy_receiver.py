"""What an adapter of Linux hears on a socket of its own: every report as it came, by scapy (extra ``scapy``).

Theory of operation. The adapter is reset, told to listen all the time and to report every repeat; then its packets are
read, one after the other, until somebody cancels. Reports are decoded by the decoder that reads captures of HCI, so
that what is heard live and what a capture of it says are the same; of the other packets only answers to commands are
looked at. Nothing that an adapter sends makes it fail.

One coroutine asks, waits and reads: who waits for an answer takes the reports that come before it.

At the end the adapter is told to listen no longer, and goes back to the kernel. bumble is not imported here, nor by
whoever listens by this: see ``spec/decisions``.

Source: Core Specification, Vol 4 Part E 7.7.14, 7.7.15, 7.7.16 (answers, failure), 7.7.65 (reports), 4.6 (features).
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from bluezone_harness.observations import Advert, Capability, Extent
from bluezone_harness.sources.hci import DIRECTION_OCTETS, EVENT, RECEIVED, SENT, HciDecoder

from . import scapy_socket
from .hci_reports import LINK_TYPE, is_report, shown_by_reports
from .hci_sockets import AdapterSocket, OpenAdapter, refused
from .receivers import Clock, Hear, HearPacket, ListenError

if TYPE_CHECKING:
    from bleak import BleakClient

_ANSWER_S = 5.0
"""How long an adapter may take to answer at the start."""
_LEAVE_S = 2.0
"""How long it may take to end the scan."""
_MOST_AT_ONCE = 64
"""Packets that are taken before anybody else has a turn."""

_COMPLETE = 0x0E
_STATUS = 0x0F
_HARDWARE_ERROR = 0x10
_SUCCESS = 0
_FEATURES_AT = 1
"""What HCI_LE_Read_Local_Supported_Features returns: a status, then 64 bits."""
_EXTENDED_ADVERTISING = 1 << 12


class ScapyReceiver:
    """Listens by an adapter of Linux.

    Args:
        number: Of the adapter: 0 for ``hci0``.
        open_adapter: Opens it.
        clock: Tells when something was heard.
        own_address: The static address by which it asks for scan responses; the most significant octet first.
        active: Ask for scan responses.
    """

    tells_fields = False
    is_clock = False

    def __init__(
        self,
        number: int,
        open_adapter: OpenAdapter,
        clock: Clock,
        own_address: bytes,
        *,
        active: bool = True,
    ) -> None:
        self._number = number
        self._open = open_adapter
        self._clock = clock
        self._own_address = own_address
        self._active = active

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"HCI socket hci{self._number}"

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What an adapter's reports show."""
        return shown_by_reports(active=self._active)

    async def listen(self, hear: Hear, hear_packet: HearPacket) -> None:
        """Listen until cancelled.

        Raises:
            ListenError: The adapter is not there, or not free, or not allowed, does not answer, or went away.
        """
        adapter = self._open(self._number)
        try:
            await self._listen(_Link(self._number, adapter, self._clock, hear, hear_packet))
        except OSError as error:
            raise refused(self._number, error.errno or errno.EPIPE) from None
        finally:
            adapter.close()

    def client(self, advert: Advert, timeout_s: float) -> BleakClient | None:
        """Return nothing: here nobody connects."""
        return None

    async def _listen(self, link: _Link) -> None:
        extended = False
        try:
            try:
                async with asyncio.timeout(_ANSWER_S):
                    extended = await self._begin(link)
            except TimeoutError:
                raise ListenError(
                    f"hci{self._number}: the adapter does not answer: plug it in again", may_return=True
                ) from None
            while True:
                await link.next_packet()
        finally:
            with suppress(OSError, ListenError):  # gone, or silent: it is left as it is
                async with asyncio.timeout(_LEAVE_S):
                    await link.answer(scapy_socket.end(extended=extended))

    async def _begin(self, link: _Link) -> bool:
        """Let the adapter listen; return whether it does so by the commands of extended advertising."""
        await link.succeed(scapy_socket.reset())
        await link.answer(scapy_socket.write_le_host())
        returned = await link.answer(scapy_socket.read_features())
        features = int.from_bytes(returned[_FEATURES_AT:], "little")
        extended = returned[0] == _SUCCESS and bool(features & _EXTENDED_ADVERTISING)
        for each in scapy_socket.begin(self._own_address, active=self._active, extended=extended):
            await link.succeed(each)
        return extended


class _Link:
    """Takes an adapter's packets, and sends it commands."""

    def __init__(
        self, number: int, adapter: AdapterSocket, clock: Clock, hear: Hear, hear_packet: HearPacket
    ) -> None:
        self._number = number
        self._adapter = adapter
        self._clock = clock
        self._hear = hear
        self._hear_packet = hear_packet
        self._decoder = HciDecoder(DIRECTION_OCTETS)
        self._at_once = 0

    async def next_packet(self) -> bytes:
        """Take a packet and return it; adverts in it are heard."""
        self._at_once = (self._at_once + 1) % _MOST_AT_ONCE
        if not self._at_once:
            await asyncio.sleep(0)
        packet = await self._adapter.read()
        if not packet:
            raise OSError(errno.EPIPE, "the socket ended")
        time_us = self._clock.now_us()
        directed = RECEIVED + packet
        self._hear_packet(time_us, LINK_TYPE, directed)
        if is_report(packet):
            for each in self._decoder.decode(0, time_us, "", directed):
                if isinstance(each, Advert):
                    self._hear(each)
        elif packet[:2] == bytes([EVENT, _HARDWARE_ERROR]):
            raise ListenError(
                f"hci{self._number}: the adapter tells of a hardware error: plug it in again, or take another",
                may_return=True,
            )
        return packet

    async def answer(self, command: bytes) -> bytes:
        """Send a command, and return what is returned for it: its status, and what follows."""
        self._hear_packet(self._clock.now_us(), LINK_TYPE, SENT + command)
        await self._adapter.write(command)
        while True:
            returned = _returned(await self.next_packet(), command[1:3])
            if returned:
                return returned

    async def succeed(self, command: bytes) -> None:
        """Send a command that has to succeed.

        Raises:
            ListenError: The adapter refuses it.
        """
        status = (await self.answer(command))[0]
        if status != _SUCCESS:
            opcode = int.from_bytes(command[1:3], "little")
            raise ListenError(
                f"hci{self._number}: the adapter refuses command 0x{opcode:04x}, with status 0x{status:02x}: "
                "plug it in again, or take another",
                may_return=True,
            )


def _returned(packet: bytes, opcode: bytes) -> bytes:
    """Return what a packet returns for a command; empty: it is no answer to it."""
    # how long it is, and how many commands it takes now, stand before the opcode
    if packet[:2] == bytes([EVENT, _COMPLETE]) and packet[4:6] == opcode:
        return packet[6:]
    if packet[:2] == bytes([EVENT, _STATUS]) and packet[5:7] == opcode:
        return packet[3:4]
    return b""
