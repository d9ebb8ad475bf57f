"""What centrals read of the phones that a controller of one's own plays: to each connection the phone's own answers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from bumble.device import Connection
from bumble.gatt_server import Server
from bumble.profiles.gap import GenericAccessService

from bluezone_harness.virtual.ble.air import address_type_of
from bluezone_harness.virtual.ble.services import answer_of, service_of, told, write_ignored
from bluezone_harness.virtual.phones import Sender
from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.reads import GattServer
from bluezone_harness.virtual.watching import Link, Watch

from .receivers import Clock

_SHOWN_NAMES = {"android": "Android", "ios": "iPhone"}


class ServedReads:
    """Answers centrals.

    Args:
        servers: What phones answer, by their names; who has none offers no service of the app.
        clock: Tells the time.
        watch: Is told of connections and reads.
    """

    def __init__(self, servers: Mapping[str, GattServer], clock: Clock, watch: Watch) -> None:
        self._servers = servers
        self._clock = clock
        self._watch = watch
        self._links: dict[int, Link] = {}

    @property
    def is_connected(self) -> bool:
        """Somebody is connected."""
        return bool(self._links)

    def connect(self, connection: Connection, sender: Sender, window: SentWindow) -> None:
        """Answer over a connection as the phone to which it was made.

        Args:
            connection: That a central made.
            sender: Whose set it connected to.
            window: What was sent.
        """
        now_us = self._clock.now_us()
        peer = connection.peer_address
        link = Link(window.address, window.address_type, bytes(peer)[::-1], address_type_of(peer))
        self._links[connection.handle] = link
        self._watch.connected(now_us, link)
        connection.gatt_server = server = self._server_for(connection, sender, now_us)
        handle = connection.handle

        def disconnected(_: object) -> None:
            server.on_disconnection(connection)
            if self._links.pop(handle, None) is not None:
                self._watch.disconnected(self._clock.now_us(), link)

        connection.once(connection.EVENT_DISCONNECTION, disconnected)

    def end(self, time_us: int) -> None:
        """Take that the controller is gone, and all connections with it.

        Args:
            time_us: When, in microseconds since the Unix epoch.
        """
        links, self._links = self._links, {}
        for each in links.values():
            self._watch.disconnected(time_us, each)

    def _server_for(self, connection: Connection, sender: Sender, connected_us: int) -> Server:
        made = Server(connection.device)
        # stock: writes what a command says where nobody may write
        made.on_att_write_command = write_ignored
        platform = sender.phone.platform if sender.phone is not None else ""
        made.add_service(GenericAccessService(_SHOWN_NAMES.get(platform, "Thing")))
        answers = self._servers.get(sender.name)
        if sender.phone is not None and answers is not None:
            offset_ms = sender.phone.offset_ms
            read = partial(self._read, answers, offset_ms, connected_us)
            for service in answers.services:
                made.add_service(service_of(service, read))
        return made

    async def _read(
        self,
        answers: GattServer,
        offset_ms: int,
        connected_us: int,
        characteristic: str,
        connection: Connection,
    ) -> bytes:
        now_us = self._clock.now_us()
        clock_ms = now_us // 1000 + offset_ms
        answer = answer_of(answers, clock_ms, connected_us // 1000 + offset_ms)
        link = self._links.get(connection.handle)
        if link is not None:
            self._watch.read(now_us, link, characteristic, answer)
        return await told(answer)
