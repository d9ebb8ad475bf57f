"""Controllers of one's own: opened by the name of a bumble transport, and what may be wrong with them.

====================  =============================================================================
``usb:0``             the first Bluetooth dongle on USB; ``usb:VVVV:PPPP`` by its numbers
``serial:/dev/ttyX``  a controller on a serial port, such as a development board with HCI firmware
``tcp-client:H:P``    a controller that is served on the network
``hci-socket:0``      the first adapter of Linux, taken away from BlueZ
``android-netsim``    the Bluetooth of Android emulators
====================  =============================================================================

Through ``vhci`` nobody can listen: who opens it plays a controller, and Linux is the host.

Of these ``tcp-client`` and ``hci-socket`` are tried here, on phones made of software; no one could try the others on
hardware.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bumble.device import Device, DeviceConfiguration
from bumble.hci import Address
from bumble.host import Host
from bumble.transport import open_transport
from bumble.transport.common import Transport, TransportLostError

from .attached import Attached
from .receivers import ListenError

# people get sentences: what bumble writes into its log goes where somebody asks for it
logging.getLogger("bumble").addHandler(logging.NullHandler())

SCHEMES: Mapping[str, str] = {
    "usb": "usb:0",
    "pyusb": "pyusb:0",
    "serial": "serial:/dev/ttyACM0",
    "tcp-client": "tcp-client:127.0.0.1:6402",
    "unix": "unix:/run/controller.sock",
    "ws-client": "ws-client:ws://127.0.0.1:7681",
    "udp": "udp:127.0.0.1:9000,127.0.0.1:9001",
    "pty": "pty",
    "hci-socket": "hci-socket:0",
    "android-emulator": "android-emulator",
    "android-netsim": "android-netsim",
}
"""Transports of bumble at whose other end a controller can be, each with an example of a complete name."""
_VHCI = (
    "vhci is the other end, at which a controller is played to Linux ('bzc phones --serve vhci'): "
    "to listen by Linux's own adapter give hci-socket:0, or leave --hci out"
)
_EMULATORS = ("android-emulator", "android-netsim")
_OPEN_S = 10.0
_NOT_ALLOWED = (
    "this user is not allowed to use it: add a udev rule, join its group, or ask who administrates it"
)
_NOT_THERE = "it is not there: plug it in"
_GONE = "the controller is gone: plug it in again, or start again what serves it"
_CLOSED = "the other side closed it: look there why"
_NO_ANSWER = "nobody answers there: check host and port"
_ERRNO: Mapping[int, str] = {
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.ENOENT: "there is no such thing: check its name, and whether it is plugged in",
    errno.ENODEV: _NOT_THERE,
    errno.ENXIO: _NOT_THERE,
    errno.EBUSY: "another program uses it: end that, or turn off the system's Bluetooth for it",
    errno.ECONNREFUSED: "nobody serves it there: start what serves the controller, or check host and port",
    errno.ETIMEDOUT: _NO_ANSWER,
    errno.EHOSTUNREACH: "the host cannot be reached: check the network",
    errno.ENETUNREACH: "the host cannot be reached: check the network",
    errno.EAFNOSUPPORT: "this system has no such sockets: take usb:0, or another controller",
    errno.ECONNRESET: _CLOSED,
    errno.EPIPE: _CLOSED,
    errno.EIO: _GONE,
}
_NAMED: Mapping[str, str] = {
    "USBErrorAccess": _NOT_ALLOWED,
    "USBErrorBusy": _ERRNO[errno.EBUSY],
    "USBErrorNoDevice": _NOT_THERE,
    "USBErrorNotFound": _NOT_THERE,
    "USBErrorNotSupported": "the system has no driver for it that programs can use: on Windows install WinUSB for it",
    "USBErrorOther": "USB cannot be used by programs here: check that this machine has it, and lets programs use it",
    "NoBackendError": "libusb is missing: install it, or take usb:0",
}
"""By the names of the exceptions of libusb1 and pyusb."""
_NUMBER = re.compile(r"\[Errno (\d+)\]")
_LONGEST_SAID = 200


def opened(name: str, own_address: bytes) -> AbstractAsyncContextManager[Attached]:
    """Open a controller.

    Args:
        name: Of a bumble transport, such as ``usb:0``.
        own_address: The static address by which this host asks and connects; the most significant octet first.

    Raises:
        ListenError: There is no such transport, or it cannot be opened.
    """
    return _opened(name, own_address)


@asynccontextmanager
async def _opened(name: str, own_address: bytes) -> AsyncIterator[Attached]:
    async with await _transport(name) as transport:
        host = Host(transport.source, transport.sink)
        configuration = DeviceConfiguration(name="bzc", address=Address(own_address[::-1]))
        yield Attached(Device(config=configuration, host=host), transport.source, transport.source.terminated)


async def _transport(name: str) -> Transport:
    scheme = name.partition(":")[0]
    if scheme == "vhci":
        raise ListenError(_VHCI)
    example = SCHEMES.get(scheme)
    if example is None:
        raise ListenError(f"{name!r} names no controller: give one of {', '.join(SCHEMES)}, such as usb:0")
    try:
        async with asyncio.timeout(_OPEN_S):
            return await open_transport(name)
    except TimeoutError as error:
        if error.errno is not None:  # the network's own
            raise lost(name, error) from None
        raise ListenError(
            f"{name}: it does not open within {_OPEN_S:.0f} s: check that a controller is there",
            may_return=True,
        ) from None
    except (ValueError, AssertionError, OverflowError) as error:
        # bumble reads names carelessly: what is wrong with one shows as any of these
        if type(error).__name__ in _NAMED:
            raise lost(name, error) from None
        raise ListenError(
            f"{name!r} is no complete name of a controller: give one such as {example}"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever a library raises, people get a sentence
        raise lost(name, error) from None


def lost(name: str, error: BaseException) -> ListenError:
    """Return why a controller cannot be used, or no longer.

    Args:
        name: As people gave it.
        error: What was raised.
    """
    text, may_return = _sentence(name.partition(":")[0], error)
    return ListenError(f"{name}: {text}", may_return=may_return)


def _sentence(scheme: str, error: BaseException) -> tuple[str, bool]:
    if isinstance(error, ImportError):
        extra = "bumble[android]" if scheme in _EMULATORS else "bluezone-conformance[hci]"
        package = (error.name or "that it takes").partition(".")[0]
        return f"the package {package} is missing: pip install '{extra}'", False
    # what bumble cancels waited for a controller that was lost
    if isinstance(error, TransportLostError | asyncio.CancelledError | EOFError):
        return _GONE, True
    known = _NAMED.get(type(error).__name__)
    if known:
        return known, True
    if isinstance(error, socket.gaierror):
        return "there is no host of that name: check it, and the network", True
    if isinstance(error, OSError):
        text = _ERRNO.get(_errno(error))
        said = _said(error.strerror or error)
        return text or f"it cannot be used, {said}: check it, and its name", True
    if scheme in _EMULATORS:
        return f"the emulator does not answer ({_said(error)}): start it, with its Bluetooth on", True
    if "not found" in str(error):
        return _NOT_THERE, True
    if "not supported" in str(error):
        return f"this system has none ({_said(error)}): take usb:0, or another controller", False
    text = f"it does not work as a controller ({_said(error)}): check that it is one, and that nothing else uses it"
    return text, True


def _errno(error: OSError) -> int:
    """Return the number of an error, also where asyncio tells of several at once."""
    if error.errno is not None:
        return error.errno
    found = _NUMBER.search(str(error))
    return int(found[1]) if found else 0


def _said(error: object) -> str:
    return " ".join(str(error).split())[:_LONGEST_SAID] or type(error).__name__
