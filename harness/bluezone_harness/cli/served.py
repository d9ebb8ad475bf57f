"""Controllers made of software that other processes can have: which transports there are, and what may go wrong."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from .failures import CallerError
from .output import shown

if TYPE_CHECKING:
    from bluezone_harness.virtual.ble.worlds import World

SERVED_BY_DEFAULT = "tcp-server:127.0.0.1:6402"
"""Where a host finds a controller, if people do not say."""
_SERVERS: Mapping[str, str] = {
    "tcp-server": SERVED_BY_DEFAULT,
    "unix-server": "unix-server:phones.socket",
    "ws-server": "ws-server:127.0.0.1:6402",
    "pty": "pty:phones.pty",
    "vhci": "vhci",
}
"""Transports of bumble at which a controller can be served, each with an example of a complete name."""
_GREATEST_PORT = 65535
_AGAIN_S = 0.2
_ADVICE: Mapping[int, str] = {
    errno.EADDRINUSE: "another program is served there, or a file is there: give another place",
    errno.EADDRNOTAVAIL: "this computer has no such address: give 127.0.0.1, or _ for all that it has",
    errno.EACCES: "this user is not allowed to: give another place, such as a port above 1023",
    errno.EEXIST: "something is there already: give another path",
    errno.ENOENT: "there is no such folder: check the path",
}
_NO_VHCI = "this system has no virtual HCI: load the kernel's module hci_vhci, as root"


def refuse_transport(transport: str) -> None:
    """Refuse what names no place at which a controller can be served.

    Raises:
        CallerError: It names none.
    """
    scheme, _, place = transport.partition(":")
    example = _SERVERS.get(scheme)
    if example is None:
        raise CallerError(
            f"--serve {shown(transport)}: give one of {', '.join(_SERVERS)}, such as {SERVED_BY_DEFAULT}"
        )
    host, _, port = place.rpartition(":")
    complete = bool(place) or scheme == "vhci"
    if scheme in ("tcp-server", "ws-server"):
        complete = bool(host) and port.isdecimal() and 1 <= int(port) <= _GREATEST_PORT
    if not complete:
        raise CallerError(f"--serve {shown(transport)}: that is no complete name, give one such as {example}")


async def serve_forever(world: World, transport: str, served: Callable[[], None]) -> None:
    """Let hosts have the controller of a world's receiver, one after the other, until cancelled.

    Args:
        world: That was entered, in real time.
        transport: As bumble names it; ``refuse_transport`` has nothing against it.
        served: Is called once, when a host can come.

    Raises:
        click.ClickException: The transport cannot be opened; the message is complete.
    """
    from bluezone_harness.virtual.ble.worlds import serve

    # what bumble writes into its log goes where somebody asks for it
    logging.getLogger("bumble").addHandler(logging.NullHandler())
    told = False
    while True:
        serving = asyncio.create_task(serve(world, transport))
        try:
            await asyncio.wait([serving], timeout=_AGAIN_S)
            if not told and not (serving.done() and serving.exception()):
                told = True
                served()
            await serving
        except Exception as error:  # noqa: BLE001 - whatever a library raises, people get a sentence
            raise click.ClickException(f"{transport} cannot be served: {_reason(transport, error)}") from None
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        await asyncio.sleep(_AGAIN_S)


def _reason(transport: str, error: Exception) -> str:
    """Return why a controller cannot be served, and what to do."""
    if isinstance(error, socket.gaierror):
        return "there is no host of that name: give an address of this computer, such as 127.0.0.1"
    if not isinstance(error, OSError) or error.errno is None:
        said = " ".join(str(error).split()) or type(error).__name__
        return f"{said}: give another place, such as {SERVED_BY_DEFAULT}"
    number = error.errno
    if transport.startswith("vhci") and number in (errno.ENOENT, errno.ENODEV, errno.EACCES):
        return _NO_VHCI
    return _ADVICE.get(number) or f"{os.strerror(number).lower()}: give another place"
