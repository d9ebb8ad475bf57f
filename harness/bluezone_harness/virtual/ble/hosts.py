"""Hosts and devices on virtual controllers: stock bumble's, mended where they are slow or wait for ever.

Each override says in a comment what stock bumble 0.0.236 does.
"""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache
from typing import Any

from bumble import hci
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host
from bumble.snoop import Snooper
from bumble.transport.common import AsyncPipeSink

from .controllers import VirtualController

_LOGS = logging.getLogger("bumble")
_REPORT = b"\x04\x3e"
_ONE_REPORT = b"\x02\x01"
"""An LE Meta event that is an LE Advertising Report with one report. Source: Vol 4 Part E 7.7.65.2."""


class VirtualHost(Host):
    """A host that takes adverts quickly."""

    def on_packet(self, packet: bytes) -> None:
        """Take a packet from the controller."""
        is_report = packet[:2] == _REPORT and packet[3:5] == _ONE_REPORT
        if is_report and self.ready and not _LOGS.isEnabledFor(logging.DEBUG):
            self._take_report(packet)
        else:
            super().on_packet(packet)

    def _take_report(self, packet: bytes) -> None:
        if self.snooper:
            self.snooper.snoop(packet, Snooper.Direction.CONTROLLER_TO_HOST)
        kind, address_type = packet[5], packet[6]
        address = _address(packet[7:13], address_type)
        report = hci.HCI_LE_Advertising_Report_Event.Report(
            kind, address_type, address, packet[14:-1], (packet[-1] + 128) % 256 - 128
        )
        self.emit("advertising_report", report)

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Take a packet from the controller."""
        # stock: writes each packet into a text first
        if _LOGS.isEnabledFor(logging.DEBUG) or not isinstance(packet, hci.HCI_Event):
            super().on_hci_packet(packet)
            return
        if self.snooper:
            self.snooper.snoop(bytes(packet), Snooper.Direction.CONTROLLER_TO_HOST)
        self.on_hci_event_packet(packet)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Give a packet to the controller."""
        # stock: writes each packet into a text first
        if _LOGS.isEnabledFor(logging.DEBUG):
            super().send_hci_packet(packet)
            return
        octets = bytes(packet)
        if self.snooper:
            self.snooper.snoop(octets, Snooper.Direction.HOST_TO_CONTROLLER)
        if self.hci_sink:
            self.hci_sink.on_packet(octets)


class VirtualDevice(Device):
    """A device whose connections wait for one another, and that reads adverts only where somebody listens."""

    def __init__(self, config: DeviceConfiguration, host: Host) -> None:
        super().__init__(config=config, host=host)
        self._connecting = asyncio.Lock()

    async def connect_le(self, *args: Any, **options: Any) -> Connection:  # noqa: ANN401 - as the base takes them
        """Connect, one after the other."""
        # stock: a second one that begins meanwhile fails, and lets the first one wait for ever
        async with self._connecting:
            return await super().connect_le(*args, **options)

    def on_advertising_report(
        self,
        report: hci.HCI_LE_Advertising_Report_Event.Report
        | hci.HCI_LE_Extended_Advertising_Report_Event.Report,
    ) -> None:
        """Take what the controller reported."""
        # stock: reads AdvData, and keeps each address for ever, for nobody
        if self.listeners(self.EVENT_ADVERTISEMENT):
            super().on_advertising_report(report)


def virtual_device(controller: VirtualController, name: str, address: hci.Address) -> VirtualDevice:
    """Return a device with a host of its own on a controller; it has to be powered on.

    Args:
        controller: Its own.
        name: Which its Generic Access service shows.
        address: Static random address.
    """
    config = DeviceConfiguration(name=name, address=address)
    return VirtualDevice(config, VirtualHost(controller, AsyncPipeSink(controller)))


@lru_cache(maxsize=1024)
def _address(octets: bytes, kind: int) -> hci.Address:
    return hci.Address(octets, hci.AddressType(kind))
