"""A desk in virtual time: a bumble device whose controller and peers do what a test tells them, octet by octet.

The controller is a script: stock bumble answers the commands that set it up, and this file those that the
backend depends on. What comes from the air, and each attribute PDU of a peer, are literal octets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementDataCallback
from bumble import controller as stock
from bumble import hci
from bumble.device import Device, DeviceConfiguration
from bumble.host import Host
from bumble.transport.common import AsyncPipeSink

from bluezone_harness.live.bumble_backend import client_backend, scanner_backend
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time

T = TypeVar("T")

PHONE = "5A:00:00:00:00:01"
"""A phone whose random address is resolvable."""
SCAN_PARAMETERS, SCAN_ENABLE, CONNECT, CANCEL, DISCONNECT = 0x200B, 0x200C, 0x200D, 0x200E, 0x0406
EXTENDED_CONNECT = 0x2043

# a server by hand: GAP with two characteristics, and a service of 128 bits with one that can all and two descriptors
SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
_SERVICE = "67a607add1172fa1c44bf573564e0000"
_CHARACTERISTIC = "89a607add1172fa1c44bf573564e0000"
TRANSCRIPT = {
    "02 0502": "03 b900",
    "10 0100 ffff 0028": "11 06 0100 0500 0018",
    "10 0600 ffff 0028": f"11 14 0a00 0f00 {_SERVICE}",
    "10 1000 ffff 0028": "01 10 1000 0a",
    "08 0200 0500 0328": "09 07 0200 02 0300 002a 0400 02 0500 012a",
    "08 0b00 0f00 0328": f"09 15 0b00 3e 0c00 {_CHARACTERISTIC}",
    "08 0d00 0f00 0328": "01 08 0d00 0a",
    "04 0d00 0f00": "05 01 0d00 0229 0e00 0129",
    "04 0f00 0f00": "01 04 0f00 0a",
    "0a 0c00": "0b b9a665d754fe65e665d76a45",
    "0a 0300": "0b 626c7565",
    "0a 0e00": "0b 6964",
    "12 0c00 0102": "13",
    "12 0e00 6e": "13",
    "12 0d00 0100": "13",
    "12 0d00 0200": "13",
    "12 0d00 0000": "13",
}


class Peer:
    """A phone that may be connected to, and answers attribute PDUs from a transcript.

    Attributes:
        answers: By request in hex: the responses, or what is done in place of one.
        heard: The PDUs that came, in hex.
    """

    def __init__(self, changes: dict[str, str | Callable[[], None]] | None = None) -> None:
        self.answers: dict[str, str | Callable[[], None]] = {
            request.replace(" ", ""): response
            for request, response in {**TRANSCRIPT, **(changes or {})}.items()
        }
        self.heard: list[str] = []
        self.handle = 0
        self.after_s = 0.05
        """How long it lets the controller wait for a connection, and for each response."""

    def answer(self, pdu: bytes) -> str | Callable[[], None] | None:
        self.heard.append(pdu.hex())
        return self.answers.get(pdu.hex())


class ScriptedController(stock.Controller):
    """A controller with legacy commands only, without a radio.

    Attributes:
        asked: Opcodes of the commands, in order.
        refusals: By opcode: the status in place of success.
        silent: Opcodes that are never answered.
        peers: By address: who is there.
    """

    def __init__(self) -> None:
        super().__init__("desk", public_address="F0:F0:F0:F0:F0:F0")
        self.le_features &= ~(
            hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
            | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
            | hci.LeFeatureMask.LL_PRIVACY
        )
        self.asked: list[int] = []
        self.refusals: dict[int, int] = {}
        self.silent: set[int] = set()
        self.peers: dict[str, Peer] = {}
        self.awaited: str | None = None
        self.is_deaf_to_cancel = False
        self.ends_by_itself = True
        self.up: set[int] = set()
        """Handles of connections."""
        self._assembled: dict[int, bytes] = {}

    def on_hci_reset_command(self, command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        self.le_scan_enable = False
        self.go_out()
        return super().on_hci_reset_command(command)

    def go_out(self) -> None:
        """Lose power: bumble's ``power_off`` itself tells the controller nothing."""
        self.awaited = None
        self.up.clear()

    def to_host(self, octets: str) -> None:
        assert self.host is not None
        asyncio.get_running_loop().call_soon(self.host.on_packet, bytes.fromhex(octets))

    def on_packet(self, packet: bytes) -> None:
        if packet[0] == 0x02:
            self._acl(packet)
            return
        opcode = int.from_bytes(packet[1:3], "little")
        self.asked.append(opcode)
        if opcode in self.silent:
            return
        code = packet[1:3].hex()
        if (status := self.refusals.get(opcode)) is not None:
            is_status = opcode in (CONNECT, EXTENDED_CONNECT, DISCONNECT)
            self.to_host(
                f"04 0f 04 {status:02x} 01 {code}" if is_status else f"04 0e 04 01 {code} {status:02x}"
            )
        elif opcode in (CONNECT, EXTENDED_CONNECT):
            at = 10 if opcode == CONNECT else 7
            address = ":".join(f"{octet:02X}" for octet in packet[at : at + 6][::-1])
            self._connect(code, address)
        elif opcode == CANCEL:
            self._cancel(code)
        elif opcode == DISCONNECT:
            self.to_host(f"04 0f 04 00 01 {code}")
            if self.ends_by_itself and int.from_bytes(packet[4:6], "little") in self.up:
                self.end(int.from_bytes(packet[4:6], "little"), 0x16)
        else:
            super().on_packet(packet)

    def report(
        self, ad: str, address: str = PHONE, kind: int = 0, rssi: int = -60, address_kind: int = 1
    ) -> None:
        """Report an advert: an LE Advertising Report of one."""
        octets = bytes.fromhex(ad)
        body = bytes([0x02, 0x01, kind, address_kind]) + bytes.fromhex(address.replace(":", ""))[::-1]
        body += bytes([len(octets)]) + octets + rssi.to_bytes(1, "little", signed=True)
        self.to_host(f"04 3e {len(body):02x} {body.hex()}")

    def connected(self, handle: int, address: str, status: int = 0, role: int = 0) -> None:
        """Tell of a connection: an LE Connection Complete event."""
        if not status:
            self.up.add(handle)
        reverse = bytes.fromhex(address.replace(":", ""))[::-1].hex()
        self.to_host(f"04 3e 13 01 {status:02x} {handle:02x}00 {role:02x} 01 {reverse} 1800 0000 4800 00")

    def end(self, handle: int, reason: int) -> None:
        """End a connection: a Disconnection Complete event."""
        self.up.discard(handle)
        self.to_host(f"04 05 04 00 {handle:02x}00 {reason:02x}")

    def attribute(self, handle: int, pdu: str) -> None:
        """Bring an attribute PDU from a peer, in an L2CAP frame in an ACL packet."""
        if handle not in self.up:
            return
        length = len(bytes.fromhex(pdu))
        total, inner = (length + 4).to_bytes(2, "little").hex(), length.to_bytes(2, "little").hex()
        self.to_host(f"02 {handle:02x}20 {total} {inner} 0400 {pdu}")

    def _connect(self, code: str, address: str) -> None:
        if self.awaited is not None:
            self.to_host(f"04 0f 04 0c 01 {code}")
            return
        self.to_host(f"04 0f 04 00 01 {code}")
        self.awaited = address
        peer = self.peers.get(address)
        if peer is not None:
            asyncio.get_running_loop().call_later(peer.after_s, self._came, address, peer)

    def _came(self, address: str, peer: Peer) -> None:
        if self.awaited == address:
            self.awaited = None
            peer.handle = 0x40 + list(self.peers).index(address)
            self.connected(peer.handle, address)

    def _cancel(self, code: str) -> None:
        if self.awaited is None:
            self.to_host(f"04 0e 04 01 {code} 0c")
            return
        self.to_host(f"04 0e 04 01 {code} 00")
        if not self.is_deaf_to_cancel:
            address, self.awaited = self.awaited, None
            self.connected(0, address, status=0x02)

    def _acl(self, packet: bytes) -> None:
        handle = int.from_bytes(packet[1:3], "little") & 0xFFF
        self.to_host(f"04 13 05 01 {handle:02x}00 0100")
        frame = packet[5:] if not packet[2] & 0x10 else self._assembled.pop(handle) + packet[5:]
        if len(frame) < 4 + int.from_bytes(frame[:2], "little"):
            self._assembled[handle] = frame
            return
        peer = next(each for each in self.peers.values() if each.handle == handle)
        answer = peer.answer(frame[4:])
        if isinstance(answer, str):
            asyncio.get_running_loop().call_later(peer.after_s, self.attribute, handle, answer)
        elif answer is not None:
            answer()


class Desk:
    """A device that is powered on, with its scripted controller.

    Attributes:
        controller: The script.
        device: bumble's.
        complaints: What was told to the loop's handler of exceptions.
    """

    def __init__(self, controller: ScriptedController, device: Device) -> None:
        self.controller = controller
        self.device = device
        self.complaints: list[object] = []

    def scanner(
        self,
        callback: AdvertisementDataCallback | None = None,
        services: Iterable[str] | None = None,
        is_active: bool = True,
    ) -> BleakScanner:
        return BleakScanner(
            callback,
            None if services is None else list(services),
            "active" if is_active else "passive",
            backend=scanner_backend(self.device),
        )

    def found(self, address: str = PHONE, name: str | None = None) -> BLEDevice:
        """Return what a scanner would have found."""
        return BLEDevice(address, name, hci.Address(address))

    def phone(self, changes: dict[str, str | Callable[[], None]] | None = None, address: str = PHONE) -> Peer:
        """Put a phone on the desk."""
        peer = self.controller.peers[address] = Peer(changes)
        return peer

    def client(
        self,
        address: str | BLEDevice = PHONE,
        callback: Callable[[BleakClient], None] | None = None,
        timeout: float = 10,
        services: Iterable[str] | None = None,
    ) -> BleakClient:
        found = self.found(address) if isinstance(address, str) else address
        return BleakClient(found, callback, services, timeout=timeout, backend=client_backend(self.device))

    def lose_transport(self) -> None:
        """Pull the controller out: bumble's source notices, and nothing is answered any more."""
        self.device.host.on_transport_lost()  # type: ignore[no-untyped-call]  # bumble has no annotation there
        self.device.host.hci_sink = None


OnDesk = Callable[[Callable[[Desk], Awaitable[T]]], T]


@pytest.fixture
def on_desk() -> OnDesk[T]:
    """Return a function that runs a test's coroutine function with a desk, in virtual time."""

    def run(main: Callable[[Desk], Awaitable[T]]) -> T:
        async def whole() -> T:
            controller = ScriptedController()
            device = Device(
                config=DeviceConfiguration(
                    name="desk", address=hci.Address("F1:00:00:00:00:09"), classic_enabled=False
                ),
                host=Host(controller, AsyncPipeSink(controller)),
            )
            desk = Desk(controller, device)
            asyncio.get_running_loop().set_exception_handler(
                lambda _loop, context: desk.complaints.append(context.get("exception") or context["message"])
            )
            await device.power_on()
            controller.asked.clear()
            return await main(desk)

        return run_in_virtual_time(whole())

    return run


@pytest.fixture
def connecting() -> Callable[[Desk], list[int]]:
    """Return a function that tells the commands about connections that the controller was given."""

    def given(desk: Desk) -> list[int]:
        about = (CONNECT, EXTENDED_CONNECT, CANCEL, DISCONNECT)
        return [each for each in desk.controller.asked if each in about]

    return given
