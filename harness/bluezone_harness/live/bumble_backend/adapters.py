"""What all scanners and clients of one bumble device share: its scan, its turn to connect, its connections.

Theory of operation. A controller scans in one way at a time and makes one connection at a time, so those who
use it take turns. What is shared is kept with the device itself, so that any two backends of one device meet.

- **Scan.** It begins with the first scanner and ends with the last. One active scanner makes it active for all.
- **Flush.** bumble's word for: the controller was turned off, reset or lost. The scan and all connections are
  over then. bumble says so to the device first and to each connection next, and may fail in between, so it is
  heard here, from the device.
- **Attribute PDUs.** Those that a server sends go to the bearer of their connection as octets; bumble's parser
  fails on malformed ones somewhere in its transport, where nobody who waits would learn of it. Requests of the
  peer go on to bumble's server.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol, cast

from bleak.exc import BleakBluetoothNotAvailableReason
from bumble import att, hci
from bumble.device import Device

from .errors import not_available
from .waiting import answered, undisturbed

_logger = logging.getLogger(__name__)

MOST_REMEMBERED = 1024
"""Addresses of which bumble may keep what it heard last; it would keep all, and nothing here uses it."""

Report = hci.HCI_LE_Advertising_Report_Event.Report | hci.HCI_LE_Extended_Advertising_Report_Event.Report


class Listener(Protocol):
    """Who wants to be told what a controller hears. Called from bumble's packet handler: never raises or waits."""

    def heard(self, report: Report) -> None:
        """Take in one report."""

    def ended(self) -> None:
        """Note that the scan is over: the controller was turned off, reset or lost."""


class Adapter:
    """One device's controller, as its scanners and clients share it. Use ``adapter_of``.

    Attributes:
        device: bumble's.
        connecting: Held by whoever makes a connection: a controller makes one at a time (Core Specification,
            Vol 4 Part E 7.8.12).
        bearers: By connection handle: who takes in what the server sends.
        endings: Called when the controller was turned off, reset or lost.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self.connecting = asyncio.Lock()
        self.bearers: dict[int, Callable[[bytes], None]] = {}
        self.endings: set[Callable[[], None]] = set()
        self._scanning = asyncio.Lock()
        self._listeners: list[Listener] = []
        self._active = False
        self._serve = cast(
            Callable[[int, bytes], object], device.l2cap_channel_manager.fixed_channels[att.ATT_CID]
        )
        device.l2cap_channel_manager.register_fixed_channel(att.ATT_CID, self._receive)
        device.on(device.EVENT_FLUSH, self._flushed)
        device.host.on("advertising_report", self._heard)

    def check_power(self) -> None:
        """See to it that the controller can be used.

        Raises:
            BleakBluetoothNotAvailableError: It is not turned on.
        """
        if not self.device.powered_on:
            raise not_available(
                "Bluetooth is off: the controller is not powered on",
                BleakBluetoothNotAvailableReason.POWERED_OFF,
            )

    async def listen(self, listener: Listener, active: bool) -> None:
        """Scan, and tell a listener what is heard.

        Args:
            listener: Whom to tell.
            active: Whether scan responses are to be asked for.

        Raises:
            BleakError: The controller cannot scan. Where it scanned already, that has ended for all.
            asyncio.CancelledError: The caller was cancelled, and nothing was begun.
        """
        async with self._scanning:
            first = not self._listeners
            self._listeners.append(listener)
            try:
                if first:
                    await undisturbed(self._scan(active))
                elif active and not self._active:
                    await undisturbed(self._restart())
            except asyncio.CancelledError:
                self._forget(listener)
                if first:
                    with contextlib.suppress(Exception):
                        await undisturbed(answered(self.device.stop_scanning()))
                raise
            except Exception:  # whatever it is, who asked gets it
                self._forget(listener)
                self._end_scan()
                raise

    async def stop_listening(self, listener: Listener) -> None:
        """Tell a listener nothing more; the last one ends the scan.

        Raises:
            BleakError: The controller does not stop; the listener is told nothing more all the same.
        """
        async with self._scanning:
            if self._forget(listener) and not self._listeners:
                await undisturbed(answered(self.device.stop_scanning()))

    def _forget(self, listener: Listener) -> bool:
        """Take a listener off the list, and tell whether it was there."""
        before, self._listeners = self._listeners, [each for each in self._listeners if each is not listener]
        return len(self._listeners) < len(before)

    async def _scan(self, active: bool) -> None:
        await answered(self.device.start_scanning(active=active, filter_duplicates=False))
        self._active = active

    async def _restart(self) -> None:
        await answered(self.device.stop_scanning())
        await self._scan(active=True)

    def _end_scan(self) -> None:
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.ended()

    def _heard(self, report: Report) -> None:
        for listener in self._listeners:
            listener.heard(report)
        if len(self.device.advertisement_accumulators) > MOST_REMEMBERED:
            self.device.advertisement_accumulators.clear()

    def _flushed(self) -> None:
        self._end_scan()
        for ending in tuple(self.endings):
            ending()

    def _receive(self, connection_handle: int, pdu: bytes) -> None:
        receive = self.bearers.get(connection_handle)
        if receive is None:
            self._serve(connection_handle, pdu)
        elif pdu and pdu[0] & 1:  # what servers send has odd opcodes, Vol 3 Part F 3.4.8
            receive(pdu)
        elif pdu:
            try:
                self._serve(connection_handle, pdu)
            except Exception as error:  # noqa: BLE001 - bumble's parser fails on a malformed request in many ways
                _logger.debug("a request that bumble's server does not take: %r", error)


_KEPT_AS = "bluezone_adapter"


def adapter_of(device: Device) -> Adapter:
    """Return what the scanners and clients of a device share.

    Args:
        device: Any that has a host; what is shared is kept with it, and made when it is first asked for.
    """
    if _KEPT_AS not in device.__dict__:
        device.__dict__[_KEPT_AS] = Adapter(device)
    return cast(Adapter, device.__dict__[_KEPT_AS])
