"""An adapter of Linux by scapy: its user channel, and the commands that it is sent. Only here is scapy imported.

Theory of operation. scapy opens the socket, and builds the packets of commands by its own layers. What the adapter
sends is handed on as octets: this project's decoder reads them, as it reads captures.

scapy gives neither the number of the error by which a socket was refused, nor the descriptor of that socket back: so
what can be asked is asked before (``hci_sockets``). And it would close one descriptor twice: so it is closed here.

Source: Core Specification, Vol 4 Part E 7.3.1, 7.3.2, 7.3.79, 7.8.1, 7.8.3, 7.8.4, 7.8.10, 7.8.11, 7.8.64, 7.8.65.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .hci_sockets import refuse_before, refused, why_refused
from .receivers import ListenError

_FOLDERS = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME")
"""Where scapy would write tables of vendors, and looks for settings: who listens needs neither."""
_LONGEST_PACKET = 65536
_INTERVAL = 0x60
"""Scan interval and window, of 625 µs each: the adapter listens all the time."""
_EVENTS = bytes.fromhex("ffffffffff1f0020")
"""Event mask: what is on by itself, and LE events."""
_ADVERTISING_REPORTS = 1 << 1
_EXTENDED_REPORTS = 1 << 12
_RANDOM = 1
"""Own address type."""
_PHY_1M = 1


@contextmanager
def _without_folders() -> Iterator[None]:
    """Let scapy find no folder of the user, and nobody read what its own imports are warned of."""
    before = {name: os.environ.get(name) for name in _FOLDERS}
    os.environ.update(dict.fromkeys(_FOLDERS, os.path.join(os.devnull, "none")))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _imported() -> Any:  # noqa: ANN401 - scapy makes fields at run time: no type describes its packets
    with _without_folders():
        return importlib.import_module("scapy.layers.bluetooth")


_bluetooth = _imported()


class UserChannel:
    """An adapter that this process has to itself.

    Args:
        opened: scapy's socket, of which this is now the owner.
    """

    def __init__(self, opened: Any) -> None:  # noqa: ANN401 - as above
        self._opened = opened
        self._socket: socket.socket = opened.ins
        self._socket.setblocking(False)

    async def read(self) -> bytes:
        """Return the next packet; none of any octets: the adapter is gone.

        Raises:
            OSError: It is gone.
        """
        return await asyncio.get_running_loop().sock_recv(self._socket, _LONGEST_PACKET)

    async def write(self, packet: bytes) -> None:
        """Send a packet.

        Args:
            packet: From its H4 octet on.

        Raises:
            OSError: The adapter is gone.
        """
        await asyncio.get_running_loop().sock_sendall(self._socket, packet)

    def close(self) -> None:
        """Give the adapter back to the kernel."""
        if not self._opened.closed:
            self._opened.closed = True
            self._socket.close()
            os.close(self._opened.hci_fd)


def open_user_channel(number: int) -> UserChannel:
    """Take an adapter away from the kernel's host; a moment, or seconds where it takes firmware.

    Args:
        number: Of the adapter: 0 for ``hci0``.

    Raises:
        ListenError: It is not there, or is not free, or this user must not.
    """
    refuse_before(number)
    try:
        return UserChannel(_bluetooth.BluetoothUserSocket(number))
    except _bluetooth.BluetoothSocketError:
        raise why_refused(number) from None
    except OSError as error:
        raise refused(number, error.errno or 0) from None


def _command(name: str, **fields: object) -> bytes:
    """Return the packet of a command, by scapy's layer for it, from its H4 octet on."""
    try:
        layer = getattr(_bluetooth, f"HCI_Cmd_{name}")(**fields)
    except AttributeError:  # older ones lack commands, and call fields otherwise
        raise ListenError(
            f"this scapy is too old for {name}: pip install --upgrade 'bluezone-conformance[scapy]'"
        ) from None
    return bytes(_bluetooth.HCI_Hdr() / _bluetooth.HCI_Command_Hdr() / layer)


def reset() -> bytes:
    """Return HCI_Reset."""
    return _command("Reset")


def read_features() -> bytes:
    """Return HCI_LE_Read_Local_Supported_Features."""
    return _command("LE_Read_Local_Supported_Features")


def write_le_host() -> bytes:
    """Return HCI_Write_LE_Host_Support, of which controllers without BR/EDR know nothing."""
    return _command("Write_LE_Host_Support", supported=1, unused=0)


def begin(own_address: bytes, *, active: bool, extended: bool) -> tuple[bytes, ...]:
    """Return the commands that let a controller listen, each of which has to succeed.

    Args:
        own_address: The static address by which it asks; the most significant octet first.
        active: Ask for scan responses.
        extended: By the commands of extended advertising, which such a controller takes in place of the others.
    """
    reports = _ADVERTISING_REPORTS | (_EXTENDED_REPORTS if extended else 0)
    kind = int(active)
    if extended:
        listening = (
            _command(
                "LE_Set_Extended_Scan_Parameters",
                own_address_type=_RANDOM,
                scanning_filter_policy=0,
                scanning_phys=_PHY_1M,
                scan_type_1m=kind,
                scan_interval_1m=_INTERVAL,
                scan_window_1m=_INTERVAL,
            ),
            _command("LE_Set_Extended_Scan_Enable", enable=1, filter_dups=0, duration=0, period=0),
        )
    else:
        listening = (
            _command(
                "LE_Set_Scan_Parameters",
                type=kind,
                interval=_INTERVAL,
                window=_INTERVAL,
                addr_type=_RANDOM,
                policy=0,
            ),
            _command("LE_Set_Scan_Enable", enable=1, filter_dups=0),
        )
    return (
        _command("Set_Event_Mask", mask=_EVENTS),
        _command("LE_Set_Event_Mask", mask=reports.to_bytes(8, "little")),
        _command("LE_Set_Random_Address", addr=own_address.hex(":")),
        *listening,
    )


def end(*, extended: bool) -> bytes:
    """Return the command by which a controller listens no longer.

    Args:
        extended: As it was told to begin.
    """
    if extended:
        return _command("LE_Set_Extended_Scan_Enable", enable=0, filter_dups=0, duration=0, period=0)
    return _command("LE_Set_Scan_Enable", enable=0, filter_dups=0)
