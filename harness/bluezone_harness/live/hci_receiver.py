"""What a controller of one's own hears: every report as it came, by bumble (extra ``hci``).

Theory of operation. A tap stands between the controller and bumble's host. Advertising reports are decoded here, by the
same decoder that reads captures of HCI, so that what is heard live and what a capture of it says are the same; all else
goes on to the host, which commands the controller and connects to phones. The octets of both directions are handed on
as they are. Nothing that a controller sends makes the tap fail, or reaches people as a traceback.

At the end the controller is told to listen no longer, and whoever reads a phone has a moment to disconnect from it.

Source: Core Specification, Vol 4 Part E 7.7.65.2, 7.7.65.11, 7.7.65.13 (reports), 7.8.10, 7.8.64 (scanning).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bumble.device import Device
from bumble.hci import Address
from bumble.host import Host
from bumble.snoop import Snooper
from bumble.transport.common import TransportLostError

from bluezone_harness.observations import AddressType, Advert, Capability, Extent
from bluezone_harness.sources.hci import DIRECTION_OCTETS, RECEIVED, SENT, HciDecoder

from .attached import Attach, Attached
from .bumble_backend import client_backend
from .cancelling import was_cancelled
from .controllers import lost
from .hci_reports import LINK_TYPE, is_report, shown_by_reports
from .receivers import Clock, Hear, HearPacket, ListenError

_logger = logging.getLogger(__name__)

_ANSWER_S = 5.0
"""How long a controller may take to answer at the start."""
_LEAVE_S = 2.0
"""How long a controller may take to end the scan, and who reads to disconnect."""
_LOOK_S = 0.05
_INTERVAL_MS = 60.0
"""Scan interval and window: the controller listens all the time."""


class HciReceiver:
    """Listens by a controller.

    Args:
        name: Of the controller, as people gave it.
        attach: Opens it.
        clock: Tells when something was heard.
        active: Ask for scan responses.
    """

    tells_fields = False
    is_clock = False

    def __init__(self, name: str, attach: Attach, clock: Clock, *, active: bool = True) -> None:
        self._name = name
        self._attach = attach
        self._clock = clock
        self._active = active
        self._device: Device | None = None

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"HCI {self._name}"

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What a controller's reports show."""
        return shown_by_reports(active=self._active)

    async def listen(self, hear: Hear, hear_packet: HearPacket) -> None:
        """Listen until cancelled.

        Raises:
            ListenError: The controller is not there, is not allowed, does not answer, or went away.
        """
        try:
            async with self._attach() as attached:
                await self._listen(attached, hear, hear_packet)
        except ListenError:
            raise
        except asyncio.CancelledError as error:
            if was_cancelled():
                raise
            raise lost(self._name, error) from None
        except Exception as error:  # noqa: BLE001 - whatever a library raises, people get a sentence
            raise lost(self._name, error) from None
        finally:
            self._device = None

    def client(self, advert: Advert, timeout_s: float) -> BleakClient | None:
        """Return what connects to the phone that sent an advert."""
        if self._device is None or advert.address is None:
            return None
        public = advert.address_type in (AddressType.PUBLIC, AddressType.PUBLIC_IDENTITY)
        address = Address(
            advert.address[::-1], Address.PUBLIC_DEVICE_ADDRESS if public else Address.RANDOM_DEVICE_ADDRESS
        )
        # it is heard already: bleak must not scan for it
        phone = BLEDevice(address.to_string(False), None, address)
        return BleakClient(phone, timeout=timeout_s, backend=client_backend(self._device))

    async def _listen(self, attached: Attached, hear: Hear, hear_packet: HearPacket) -> None:
        device = attached.device
        tap = _Tap(self._clock, device.host, hear, hear_packet)
        attached.source.set_packet_sink(tap)
        device.host.snooper = tap
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._begin(device)
        except TimeoutError:
            raise ListenError(
                f"{self._name}: the controller does not answer: check that it is one, and that nothing else uses it",
                may_return=True,
            ) from None
        self._device = device
        try:
            if attached.gone is None:
                await asyncio.get_running_loop().create_future()
            else:
                # shielded: what it waits for is the transport's
                await asyncio.shield(attached.gone)
                raise lost(self._name, TransportLostError())
        finally:
            self._device = None
            if attached.gone is None or not attached.gone.done():
                await _leave(device)
            device.host.snooper = None

    async def _begin(self, device: Device) -> None:
        await device.power_on()
        await device.start_scanning(
            legacy=not device.supports_le_extended_advertising,
            active=self._active,
            scan_interval=_INTERVAL_MS,
            scan_window=_INTERVAL_MS,
            filter_duplicates=False,
        )


async def _leave(device: Device) -> None:
    """Let a controller be as it was; one that is gone, or does not answer, is left as it is."""
    try:
        async with asyncio.timeout(_LEAVE_S):
            await device.stop_scanning(legacy=not device.supports_le_extended_advertising)
            while device.connections:
                await asyncio.sleep(_LOOK_S)
    except Exception as error:  # noqa: BLE001 - whatever bumble raises: it is over
        _logger.debug("the controller could not be left tidily: %s", error)


class _Tap(Snooper):
    """Takes a controller's packets: decodes reports, and hands on all else to the host."""

    def __init__(self, clock: Clock, host: Host, hear: Hear, hear_packet: HearPacket) -> None:
        self._clock = clock
        self._host = host
        self._hear = hear
        self._hear_packet = hear_packet
        self._decoder = HciDecoder(DIRECTION_OCTETS)

    def on_packet(self, packet: bytes) -> None:
        """Take a packet of the controller, from its H4 octet on."""
        time_us = self._clock.now_us()
        directed = RECEIVED + packet
        self._hear_packet(time_us, LINK_TYPE, directed)
        if is_report(packet):
            for each in self._decoder.decode(0, time_us, "", directed):
                if isinstance(each, Advert):
                    self._hear(each)
            return
        try:
            self._host.on_packet(packet)
        except Exception as error:  # noqa: BLE001 - bumble raises whatever a malformed packet leads it to
            _logger.debug("bumble failed on a packet: %s", error)

    def on_transport_lost(self) -> None:
        """Tell the host that the controller is gone, so that nothing waits for its answers."""
        try:
            self._host.on_transport_lost()  # type: ignore[no-untyped-call] # bumble says no types here
        except Exception as error:  # noqa: BLE001 - as above: it may have been told before
            _logger.debug("bumble failed on the loss of its controller: %s", error)

    def snoop(self, hci_packet: bytes, direction: Snooper.Direction) -> None:
        """Take a packet that the host sends; what it gets was taken before."""
        if direction == Snooper.Direction.HOST_TO_CONTROLLER:
            self._hear_packet(self._clock.now_us(), LINK_TYPE, SENT + hci_packet)
