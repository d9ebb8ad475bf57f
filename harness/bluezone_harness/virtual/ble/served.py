"""A controller behind a socket: hosts come and go, and the one that came last has it.

Theory of operation. Each connection has a parser of its own, so that half a packet of one host does not garble the next
one's. What the controller says goes to the connection that was made last; what an earlier one still sends is dropped,
and that it ends changes nothing.

Stock bumble 0.0.236 has one parser for all, and forgets the connection that was made last when an earlier one ends:
who comes back before the server saw him go is then never answered.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import cast

from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser

from .controllers import VirtualController

SCHEMES = ("tcp-server", "unix-server")
"""Transports of bumble that are served here."""
_ANY_HOST = "_"
_ABSTRACT = "@"


async def serve_host(controller: VirtualController, transport_name: str) -> None:
    """Let hosts in other processes have a controller, until it is cancelled.

    Args:
        controller: Which.
        transport_name: ``tcp-server:HOST:PORT``, where ``_`` is any host, or ``unix-server:PATH``, where ``@`` begins
            an abstract name.

    Raises:
        OSError: Nobody can listen there.
        ValueError: The port is no number.
    """
    scheme, _, where = transport_name.partition(":")
    served = _Served(controller)
    loop = asyncio.get_running_loop()
    server: asyncio.Server
    if scheme == "unix-server":
        path = "\0" + where[1:] if where.startswith(_ABSTRACT) else where
        server = await loop.create_unix_server(lambda: _Host(served), path)
    else:
        host, _, port = where.rpartition(":")
        server = await loop.create_server(
            lambda: _Host(served), None if host == _ANY_HOST else host, int(port)
        )
    controller.set_packet_sink(served)
    try:
        await loop.create_future()
    finally:
        controller.set_packet_sink(None)
        server.close()
        served.close()


class _Served:
    """What the controller gives its packets to."""

    def __init__(self, controller: VirtualController) -> None:
        self.controller = controller
        self._hosts: list[_Host] = []

    def add(self, host: _Host) -> None:
        self._hosts.append(host)

    def remove(self, host: _Host) -> None:
        self._hosts.remove(host)

    def is_last(self, host: _Host) -> bool:
        return self._hosts[-1] is host

    def on_packet(self, packet: bytes) -> None:
        """Take a packet of the controller; where no host is, it is lost."""
        if self._hosts:
            self._hosts[-1].write(packet)

    def close(self) -> None:
        for each in self._hosts:
            each.close()


class _Host(asyncio.Protocol):
    """A connection with a host."""

    _transport: asyncio.Transport

    def __init__(self, served: _Served) -> None:
        self._served = served
        self._parser = PacketParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._served.add(self)

    def data_received(self, data: bytes) -> None:
        # after what is no packet it begins anew
        with suppress(InvalidPacketError):
            self._parser.feed_data(data)

    def on_packet(self, packet: bytes) -> None:
        if self._served.is_last(self):
            self._served.controller.on_packet(packet)

    def connection_lost(self, error: Exception | None) -> None:
        self._served.remove(self)

    def write(self, packet: bytes) -> None:
        self._transport.write(packet)

    def close(self) -> None:
        self._transport.close()
