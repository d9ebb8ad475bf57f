"""Linux's sockets of HCI: what a receiver takes of one, and why an adapter cannot be had.

Theory of operation. Who listens takes an adapter away from the kernel's own host, by the *user channel*: then nobody
else uses it, and every report comes as the adapter sends it. The kernel gives it only to a user with CAP_NET_ADMIN,
and only if the adapter is down. What can be asked without taking it, is asked before; what the kernel then still
refuses, it is asked once more to say why, because scapy keeps the number of an error to itself.

Source: Linux, ``net/bluetooth/hci_sock.c``, ``include/net/bluetooth/hci.h`` and ``hci_sock.h``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Protocol

from .receivers import ListenError

_GET_DEVICE = 0x800448D3
"""HCIGETDEVINFO; not on MIPS, PowerPC and SPARC, where nothing is known before an adapter is taken."""
_DEVICE_OCTETS = 256
"""More than the kernel writes there."""
_DEVICE = Struct("<H")
_FLAGS = Struct("<16xI")
_UP = 0x03
"""HCI_UP, or HCI_INIT: it is becoming so."""
_CHANNEL_USER = 1

# named on Linux alone, where they are of use: elsewhere this can be imported all the same
_ERFKILL = getattr(errno, "ERFKILL", 132)
_EBADFD = getattr(errno, "EBADFD", 77)

_LACKS_SOCKETS = (
    "this Python was built without Bluetooth sockets: take the one of your Linux distribution, or --hci"
)
_GONE = "the adapter is gone: plug it in again"
_REASONS: Mapping[int, tuple[str, bool]] = {
    errno.EAFNOSUPPORT: (
        "this Linux has no Bluetooth, or lends none to a container: load the kernel's module bluetooth, "
        "or listen outside",
        False,
    ),
    errno.EPERM: ("who takes an adapter needs CAP_NET_ADMIN: run it as root", False),
    errno.EACCES: ("who takes an adapter needs CAP_NET_ADMIN: run it as root", False),
    errno.ENODEV: (
        "there is no such adapter: plug it in, or give one of those in /sys/class/bluetooth",
        True,
    ),
    errno.EBUSY: (
        "the adapter is up, bluetoothd or another program uses it: turn it off by 'bluetoothctl power off' or "
        "'hciconfig hci{number} down', and end other programs",
        True,
    ),
    errno.EUSERS: ("another program has the adapter to itself: end that", True),
    _ERFKILL: ("the adapter is blocked: run 'rfkill unblock bluetooth', or use its switch", False),
    errno.EPIPE: (_GONE, True),
    errno.ENETDOWN: (_GONE, True),
    _EBADFD: (_GONE, True),
    errno.EIO: (_GONE, True),
}
"""By the number of an error: what is wrong and what to do, and whether it may pass by itself."""


class AdapterSocket(Protocol):
    """An adapter that somebody has to himself: packets of HCI, each with its H4 octet."""

    async def read(self) -> bytes:
        """Return the next packet of the adapter.

        Raises:
            OSError: It is gone.
        """

    async def write(self, packet: bytes) -> None:
        """Send the adapter a packet.

        Args:
            packet: From its H4 octet on.

        Raises:
            OSError: It is gone.
        """

    def close(self) -> None:
        """Give the adapter back."""


OpenAdapter = Callable[[int], AdapterSocket]
"""Opens an adapter by its number, or raises a ``ListenError``."""


class _Address(ctypes.Structure):
    """The kernel's ``sockaddr_hci``."""

    _fields_ = (("family", ctypes.c_ushort), ("device", ctypes.c_ushort), ("channel", ctypes.c_ushort))


def refused(number: int, code: int) -> ListenError:
    """Return why an adapter cannot be used, or no longer.

    Args:
        number: Of the adapter.
        code: Number of the system's error.
    """
    known = _REASONS.get(code)
    text, may_return = known or (f"the adapter cannot be used, {os.strerror(code).lower()}: try again", True)
    return ListenError(f"hci{number}: {text.format(number=number)}", may_return=may_return)


def refuse_before(number: int) -> None:
    """Ask the kernel whether an adapter is there and is down, without taking it.

    Args:
        number: Of the adapter.

    Raises:
        ListenError: This Python or this system has no such sockets, or the adapter is not there, or not free.
    """
    if not hasattr(socket, "AF_BLUETOOTH"):
        raise ListenError(f"hci{number}: {_LACKS_SOCKETS}")
    import fcntl  # which Windows has not

    device = bytearray(_DEVICE_OCTETS)
    _DEVICE.pack_into(device, 0, number)
    try:
        with _hci_socket() as asking:
            fcntl.ioctl(asking.fileno(), _GET_DEVICE, device, True)
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT):
            code = errno.ENODEV if error.errno == errno.ENODEV else errno.EAFNOSUPPORT
            raise refused(number, code) from None
        return  # the kernel says more when the adapter is taken
    (flags,) = _FLAGS.unpack_from(device)
    if flags & _UP:
        raise refused(number, errno.EBUSY)


def why_refused(number: int) -> ListenError:
    """Return why the kernel does not give an adapter that it has just refused.

    Args:
        number: Of the adapter.
    """
    address = _Address(socket.AF_BLUETOOTH, number, _CHANNEL_USER)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        with _hci_socket() as asking:
            if library.bind(asking.fileno(), ctypes.byref(address), ctypes.sizeof(address)) != 0:
                return refused(number, ctypes.get_errno())
    except OSError as error:
        return refused(number, error.errno or 0)
    # by now it would have been given
    return refused(number, errno.EBUSY)


def _hci_socket() -> socket.socket:
    return socket.socket(socket.AF_BLUETOOTH, socket.SOCK_RAW, socket.BTPROTO_HCI)
