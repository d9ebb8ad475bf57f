"""Who listens for ``bzc sniff``: this computer's Bluetooth, a controller of one's own, or a stream on standard input.

What takes long to import, bleak, bumble and scapy, is imported here only where it is wanted.
"""

from __future__ import annotations

import os
import platform
import secrets
import time
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, BinaryIO, cast

from bluezone_harness.live.receivers import Clock, Receiver
from bluezone_harness.live.stream_receiver import StreamReceiver
from bluezone_harness.sources.octets import OctetReader

from .failures import CallerError
from .inputs import file_name, standard_input

if TYPE_CHECKING:
    from bluezone_harness.live.bleak_receiver import System

STANDARD_INPUT = "-"
_SYSTEMS = ("Linux", "Darwin", "Windows")
_ADDRESS_OCTETS = 6
_STATIC = 0xC0
"""The two most significant bits of a static address. Source: Core Specification, Vol 6 Part B 1.3.2.1."""
_READ_OCTETS = 65536


class SystemClock:
    """The computer's clock."""

    def now_us(self) -> int:
        """Return microseconds since the Unix epoch."""
        return time.time_ns() // 1000


def live_receiver(
    stream: str | None,
    hci: str | None,
    adapter: str | None,
    clock: Clock,
    *,
    active: bool,
    hci_socket: int | None = None,
) -> Receiver:
    """Return who hears.

    Args:
        stream: ``-`` for standard input; ``None``: no stream.
        hci: Name of a controller; ``None``: none.
        adapter: Name of the system's adapter; ``None``: the system chooses.
        clock: Tells when something was heard.
        active: A controller asks for scan responses.
        hci_socket: Number of Linux's adapter that is taken from the system; ``None``: none.

    Raises:
        CallerError: It takes what is not installed, or a system that nobody knows, or standard input is closed.
    """
    if stream is not None:
        return StreamReceiver(file_name(STANDARD_INPUT), stream_reader(standard_input()))
    if hci is not None:
        return _controller(hci, clock, active=active)
    if hci_socket is not None:
        return _adapter(hci_socket, clock, active=active)
    system = platform.system()
    if system not in _SYSTEMS:
        raise CallerError(
            f"bleak knows no Bluetooth of {system or 'this system'}: give a controller with --hci"
        )
    if find_spec("bleak") is None:
        raise CallerError("this computer's Bluetooth takes bleak: pip install bleak")
    from bluezone_harness.live.bleak_receiver import BleakReceiver

    return BleakReceiver(clock, cast("System", system), adapter=adapter)


def _controller(name: str, clock: Clock, *, active: bool) -> Receiver:
    if find_spec("bumble") is None:
        raise CallerError("--hci takes bumble: pip install 'bluezone-conformance[hci]'")
    from bluezone_harness.live.controllers import opened
    from bluezone_harness.live.hci_receiver import HciReceiver

    return HciReceiver(name, partial(opened, name, _own_address()), clock, active=active)


def _adapter(number: int, clock: Clock, *, active: bool) -> Receiver:
    if find_spec("scapy") is None:
        raise CallerError("--hci-socket takes scapy: pip install 'bluezone-conformance[scapy]'")
    from bluezone_harness.live.scapy_receiver import ScapyReceiver
    from bluezone_harness.live.scapy_socket import open_user_channel

    return ScapyReceiver(number, open_user_channel, clock, _own_address(), active=active)


def _own_address() -> bytes:
    """Draw the static address by which this host asks and connects."""
    octets = secrets.token_bytes(_ADDRESS_OCTETS)
    return bytes([octets[0] | _STATIC]) + octets[1:]


def stream_reader(stream: BinaryIO) -> OctetReader:
    """Return what reads a stream and waits for nothing once something is there.

    Args:
        stream: Such as standard input; of one that is no file it reads as that itself does.
    """
    try:
        return _Unbuffered(stream.fileno())
    except OSError:
        return stream


class _Unbuffered:
    """A file by its descriptor: a thread that waits for it holds nothing that the end of the process waits for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, count: int = -1, /) -> bytes:
        """Return what is there, at least one octet; none at the end."""
        return os.read(self._descriptor, count if count > 0 else _READ_OCTETS)
