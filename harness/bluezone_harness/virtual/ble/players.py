"""Players: hosts that play on-windows through HCI, each command at its microsecond.

Theory of operation. A legacy controller has one advertising set and one random address. Who sends several sets at once,
as an iPhone does (Bluezone's frame and its system's own), has a controller with a host for each. This keeps every host
to commands that any adapter knows, and lets a second set have an address of its own, as a relay has.

A player says when it has to act next, and acts when it is told to; the world tells all of them, one after the other, so
that the order of commands never depends on who was quicker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Protocol

from bumble import hci
from bumble.device import AdvertisingType, Connection, LegacyAdvertiser

from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.virtual.addresses import static
from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.radio import Order
from bluezone_harness.virtual.watching import Link, Watch

from .air import Air, Emission, address_type_of
from .controllers import VirtualController
from .hosts import virtual_device

Job = Callable[[], Awaitable[None]]
"""What is done when it is its turn."""

_TYPES = {
    PduType.ADV_IND: AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE,
    PduType.ADV_SCAN_IND: AdvertisingType.UNDIRECTED_SCANNABLE,
    PduType.ADV_NONCONN_IND: AdvertisingType.UNDIRECTED,
}
_UNIT_US = 625
_LEAST_UNITS, _GREATEST_UNITS = 0x20, 0x4000
"""Source: Core Specification, Vol 4 Part E 7.8.5."""
_ALL_CHANNELS = 7


class Stage(Protocol):
    """What players stand on."""

    @property
    def air(self) -> Air:
        """Where they send."""

    @property
    def watch(self) -> Watch | None:
        """Who is told what they send."""

    def do(self, job: Job) -> Awaitable[None]:
        """Have something done when it is its turn, at this time still; what comes back may be awaited."""


class AdvertisingSet:
    """A controller, and a host that has it send one on-window after the other.

    Attributes:
        controller: The controller.
        device: The host, with its GATT server.
        window: What is sent now.
        platform_attributes: How many attributes of its GATT server are the platform's; they come first.
        connected_us: When each connection began, by its handle, in microseconds since the Unix epoch.
        links: What each connection joins, by its handle.
    """

    def __init__(self, name: str, shown_name: str, stage: Stage) -> None:
        """Make one; it has to be powered on.

        Args:
            name: Its own in this world.
            shown_name: Which its Generic Access service shows.
            stage: On which it stands.
        """
        random = Random(f"{stage.air.seed} controller {name}")  # noqa: S311 - a simulation
        address = hci.Address(static(random)[::-1], hci.AddressType.RANDOM_DEVICE)
        self._stage = stage
        self.controller = VirtualController(name, stage.air)
        self.device = virtual_device(self.controller, shown_name, address)
        self.window: SentWindow | None = None
        self._response = b""
        self.connected_us: dict[int, int] = {}
        self.links: dict[int, Link] = {}
        self.platform_attributes = len(self.device.gatt_server.attributes)
        self.device.on(self.device.EVENT_CONNECTION, self._on_connection)

    async def start(self, window: SentWindow, emission: Emission) -> None:
        """Send an on-window."""
        device, controller = self.device, self.controller
        is_public = window.address_type is AddressType.PUBLIC
        address = hci.Address(
            window.address[::-1],
            hci.AddressType.PUBLIC_DEVICE if is_public else hci.AddressType.RANDOM_DEVICE,
        )
        if is_public:
            controller.public_address = device.public_address = address  # no command sets it
        else:
            device.random_address = address
            await device.send_sync_command(hci.HCI_LE_Set_Random_Address_Command(random_address=address))
        units = min(max(round(window.interval_us / _UNIT_US), _LEAST_UNITS), _GREATEST_UNITS)
        own = hci.OwnAddressType.PUBLIC if is_public else hci.OwnAddressType.RANDOM
        await device.send_sync_command(
            hci.HCI_LE_Set_Advertising_Parameters_Command(
                advertising_interval_min=units,
                advertising_interval_max=units,
                advertising_type=_TYPES[window.pdu],
                own_address_type=own,
                peer_address_type=hci.AddressType.PUBLIC_DEVICE,
                peer_address=hci.Address.ANY,
                advertising_channel_map=_ALL_CHANNELS,
                advertising_filter_policy=0,
            )
        )
        await device.send_sync_command(hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=window.ad))
        if window.response != self._response:
            self._response = window.response
            await device.send_sync_command(
                hci.HCI_LE_Set_Scan_Response_Data_Command(scan_response_data=window.response)
            )
        self.window = window
        controller.le_legacy_advertiser.emission = emission
        await self._enable(own)

    async def stop(self) -> None:
        """Stop sending."""
        self.window = None
        self.device.legacy_advertiser = None
        await self.device.send_sync_command(hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=0))

    async def disconnect(self, reason: int) -> None:
        """End all connections.

        Args:
            reason: That the peers are told.
        """
        for handle in tuple(self.device.connections):
            await self.device.send_async_command(
                hci.HCI_Disconnect_Command(connection_handle=handle, reason=reason)
            )

    def vanish(self) -> None:
        """Be gone, as by a reboot: nobody is told."""
        self.window = None
        self.controller.on_hci_reset_command(hci.HCI_Reset_Command())
        self.controller.host = None
        self._stage.air.remove_controller(self.controller)

    async def _enable(self, own: hci.OwnAddressType) -> None:
        # the device has to know that it was connected by an advertiser
        if self.window is not None:
            kind = _TYPES[self.window.pdu]
            self.device.legacy_advertiser = LegacyAdvertiser(self.device, kind, own, hci.Address.ANY, False)
            await self.device.send_sync_command(
                hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=1)
            )

    def _on_connection(self, connection: Connection) -> None:
        now_us = self._stage.air.clock.now_us()
        self.connected_us[connection.handle] = now_us
        window = self.window
        self.links[connection.handle] = link = _link(connection, window)
        watch = self._stage.watch
        if watch is not None:
            watch.connected(now_us, link)
            connection.once(connection.EVENT_DISCONNECTION, lambda _: self._on_disconnection(link))

        async def go_on() -> None:
            # a connection ends advertising, and both platforms start it again, from the same address
            if self.window is window and not self.controller.le_legacy_advertiser.enabled:
                is_public = connection.self_address.is_public
                await self._enable(hci.OwnAddressType.PUBLIC if is_public else hci.OwnAddressType.RANDOM)

        self._stage.do(go_on)

    def _on_disconnection(self, link: Link) -> None:
        if self._stage.watch is not None:
            self._stage.watch.disconnected(self._stage.air.clock.now_us(), link)


@dataclass(slots=True)
class Playing:
    """An on-window that is sent.

    Attributes:
        order: Number of the sender and of the on-window.
        window: What is sent.
        by: By which set.
        number: Which whoever watches gave it.
    """

    order: Order
    window: SentWindow
    by: AdvertisingSet
    number: int | None = None


class Player:
    """Sends on-windows.

    Attributes:
        name: Its own in this world.
        playing: What is sent now, in the order of their starts.
    """

    def __init__(
        self,
        name: str,
        number: int,
        windows: Iterator[SentWindow],
        random: Random,
        stage: Stage,
        shown_name: str,
    ) -> None:
        """Begin with the first on-window.

        Args:
            name: Its own in this world.
            number: On the air.
            windows: In the order of their starts.
            random: What the air draws from for it.
            stage: On which it stands.
            shown_name: Which its Generic Access service shows.
        """
        self.name = name
        self.playing: list[Playing] = []
        self._number = number
        self._random = random
        self._stage = stage
        self._shown_name = shown_name
        self._sets: list[AdvertisingSet] = []
        self._made = 0
        self._played = 0
        self._windows = windows
        self._following = next(windows, None)

    @property
    def next_us(self) -> int | None:
        """When it has to act next, in microseconds since the Unix epoch; ``None``: never again."""
        times = [each.window.until_us for each in self.playing]
        if self._following is not None:
            times.append(self._following.from_us)
        return min(times, default=None)

    async def act(self, time_us: int) -> None:
        """Stop and start what has to be stopped and started by now.

        Args:
            time_us: Now, in microseconds since the Unix epoch.
        """
        for each in tuple(self.playing):
            if each.window.until_us <= time_us:
                await self._stop(each)
        while self._following is not None and self._following.from_us <= time_us:
            window, self._following = self._following, next(self._windows, None)
            await self._start(window)

    def end(self, time_us: int) -> None:
        """Tell whoever watches that what is sent now is sent no longer; nobody is stopped.

        Args:
            time_us: Now, in microseconds since the Unix epoch.
        """
        for each in self.playing:
            self._tell_off(each, time_us)

    def _turn_to(self, windows: Iterator[SentWindow]) -> None:
        """Go on with other on-windows."""
        self._windows = windows
        self._following = next(windows, None)

    async def _start(self, window: SentWindow) -> None:
        order = self._number, self._played
        self._played += 1
        busy = [each.by for each in self.playing]
        by = next((each for each in self._sets if each not in busy), None) or await self._new_set()
        playing = Playing(order, window, by)
        self.playing.append(playing)
        emission = Emission(order, window.from_us, window.interval_us, window.level, self._random)
        await by.start(window, emission)
        if self._stage.watch is not None:
            # no event happens before the world goes on
            playing.number = self._stage.watch.on_air(self._stage.air.clock.now_us(), self.name, window)

    async def _stop(self, playing: Playing) -> None:
        self.playing.remove(playing)
        await playing.by.stop()
        self._tell_off(playing, self._stage.air.clock.now_us())

    def _tell_off(self, playing: Playing, time_us: int) -> None:
        """Tell whoever watches that an on-window is over; once."""
        number, playing.number = playing.number, None
        if self._stage.watch is not None and number is not None:
            self._stage.watch.off_air(time_us, number, playing.by.controller.le_legacy_advertiser.adverts)

    async def _stop_all(self) -> None:
        for each in tuple(self.playing):
            await self._stop(each)

    async def _new_set(self) -> AdvertisingSet:
        self._made += 1
        made = AdvertisingSet(f"{self.name} {self._made}", self._shown_name, self._stage)
        self._sets.append(made)
        await made.device.power_on()
        return made


def _link(connection: Connection, window: SentWindow | None) -> Link:
    """Return what a connection joins; that of a set that was just stopped tells its host's address."""
    own, peer = connection.self_address, connection.peer_address
    address = bytes(own)[::-1], address_type_of(own)
    if window is not None:
        address = window.address, window.address_type
    return Link(*address, bytes(peer)[::-1], address_type_of(peer))
