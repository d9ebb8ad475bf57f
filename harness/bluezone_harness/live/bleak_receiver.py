"""What the operating system hears, by bleak: nothing to set up, and less to see than a controller shows.

Theory of operation. The system tells what adverts say (UUIDs, manufacturer data, names), put together from adverts
and scan responses, and from what it remembers; the octets, kinds of PDU, channels and repeats it keeps for itself. A
time is that at which bleak told. Where nothing at all was heard for a while the scan is begun anew, since a system
whose adapter was pulled out or turned off says nothing, and only beginning tells why. On Linux the scan is paused while
a phone is connected to; each pause is told as a gap.

=======  =======================================================================================
Linux    BlueZ: the address with its kind; of a phone that is paired the address it is known by
macOS    CoreBluetooth: no address, a number of its own for each phone
Windows  WinRT: the address, without its kind
=======  =======================================================================================

No one could try macOS and Windows on hardware here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bluezone_harness.observations import AddressType, Advert, Capability, Extent, random_address_type
from bluezone_harness.sources.ad_fields import AdFields, ad_of_fields

from .bleak_sentences import System, stopped
from .cancelling import was_cancelled
from .receivers import Clock, Hear, HearPacket

if TYPE_CHECKING:
    from bleak import BleakClient
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData, BaseBleakScanner

    from .pausing import PausingScan

__all__ = ["SILENCE_S", "BleakReceiver", "System"]

SILENCE_S = 20.0
"""After so long without a single advert the scan is begun anew."""
_RSSIS = range(-126, 21)
"""In dBm; by what lies outside systems say that they do not know, such as -127, or 127.

Source: Core Specification, Vol 4 Part E 7.7.65.2.
"""
_ADDRESS_OCTETS = 6
_REMEMBERED = 4096
"""Phones that can be connected to; who was heard longest ago gives way."""

_ALL: Mapping[Capability, Extent] = {
    Capability.RAW_AD: Extent.NO,
    Capability.AD_FIELDS: Extent.YES,
    Capability.AD_ORDER: Extent.NO,
    Capability.PDU_TYPE: Extent.NO,
    Capability.CHANNEL: Extent.NO,
    Capability.CRC: Extent.NO,
    Capability.INTERVAL: Extent.NO,
    Capability.RSSI: Extent.YES,
    Capability.SCAN_RESPONSE: Extent.PARTIAL,
    Capability.OWN_COMMANDS: Extent.NO,
}
_ADDRESSES: Mapping[System, tuple[Extent, Extent]] = {
    "Linux": (Extent.YES, Extent.YES),
    "Darwin": (Extent.NO, Extent.NO),
    "Windows": (Extent.YES, Extent.NO),
}
"""By system: whether it tells addresses, and their kinds."""
_NAMES: Mapping[System, str] = {
    "Linux": "BlueZ",
    "Darwin": "CoreBluetooth",
    "Windows": "WinRT",
}


class BleakReceiver:
    """Listens by bleak.

    Args:
        clock: Tells when something was heard.
        system: Which operating system; it decides what can be seen.
        adapter: Name of the adapter, such as ``hci1``; Linux alone knows it.
        scanner: A backend of bleak's in place of the system's.
        client: Likewise, to connect.
    """

    tells_fields = True
    is_clock = False

    def __init__(
        self,
        clock: Clock,
        system: System,
        *,
        adapter: str | None = None,
        scanner: type[BaseBleakScanner] | None = None,
        client: type[BaseBleakClient] | None = None,
    ) -> None:
        self._clock = clock
        self._system = system
        self._options: dict[str, Any] = {} if scanner is None else {"backend": scanner}
        if system == "Linux" and scanner is None:
            # every repeat counts: BlueZ else tells only what changed
            self._options["bluez"] = {"filters": {"DuplicateData": True}} | (
                {"adapter": adapter} if adapter else {}
            )
        self._client = client
        self._devices: dict[bytes, BLEDevice] = {}
        self._last_s = 0.0
        self._scan: PausingScan | None = None

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"bleak ({_NAMES[self._system]})"

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What the system tells."""
        address, kind = _ADDRESSES[self._system]
        return {**_ALL, Capability.ADDRESS: address, Capability.ADDRESS_TYPE: kind}

    async def listen(self, hear: Hear, hear_packet: HearPacket) -> None:
        """Listen until cancelled.

        Raises:
            ListenError: Bluetooth is not there, is off, is not allowed, or went away.
        """
        try:
            from bleak import BleakScanner

            from .pausing import PausingScan

            loop = asyncio.get_running_loop()
            while True:
                self._last_s = loop.time()
                scanner = BleakScanner(self._told(hear), **self._options)
                async with PausingScan(scanner, self._clock, hear) as scan:
                    self._scan = scan
                    await self._until_silent(scan)
        except asyncio.CancelledError as error:
            if was_cancelled():
                raise
            raise stopped(error, self._system) from None
        except Exception as error:  # noqa: BLE001 - whatever a library raises, people get a sentence
            raise stopped(error, self._system) from None
        finally:
            self._scan = None
            self._devices.clear()

    def client(self, advert: Advert, timeout_s: float) -> BleakClient | None:
        """Return what connects to the phone that sent an advert."""
        device = None if advert.address is None else self._devices.get(advert.address)
        if device is None:
            return None
        # without a backend bleak takes the system's
        if self._system == "Linux" and self._scan is not None:
            from .pausing import PausingClient

            return PausingClient(device, timeout_s, self._client, self._scan.paused)
        from bleak import BleakClient

        return BleakClient(device, timeout=timeout_s, backend=self._client)

    async def _until_silent(self, scan: PausingScan) -> None:
        # not by the clock, which may be set meanwhile
        loop = asyncio.get_running_loop()
        while (left_s := self._last_s + SILENCE_S - loop.time()) > 0:
            await scan.failed_within(left_s)

    def _told(self, hear: Hear) -> Callable[[BLEDevice, AdvertisementData], None]:
        loop = asyncio.get_running_loop()

        def told(device: BLEDevice, data: AdvertisementData) -> None:
            self._last_s = loop.time()
            time_us = self._clock.now_us()
            address, address_type = self._address(device, data)
            if address is not None:
                self._devices.pop(address, None)
                self._devices[address] = device
                if len(self._devices) > _REMEMBERED:
                    del self._devices[next(iter(self._devices))]
            fields = AdFields(
                service_uuids=tuple(each.lower() for each in data.service_uuids),
                manufacturer_data=dict(data.manufacturer_data),
                service_data={each.lower(): octets for each, octets in data.service_data.items()},
                local_name=data.local_name,
                tx_power=data.tx_power,
            )
            hear(
                Advert(
                    0,
                    time_us,
                    "",
                    address,
                    address_type,
                    None,
                    ad_of_fields(fields),
                    data.rssi if data.rssi in _RSSIS else None,
                    None,
                )
            )

        return told

    def _address(self, device: BLEDevice, data: AdvertisementData) -> tuple[bytes | None, AddressType | None]:
        """Return the address and its kind, as far as the system tells."""
        if self._system == "Darwin":
            return None, None
        try:
            address = bytes.fromhex(device.address.replace(":", "").replace("-", ""))
        except ValueError:
            return None, None
        if len(address) != _ADDRESS_OCTETS:
            return None, None
        return address, _kind(address, data) if self._system == "Linux" else None


def _kind(address: bytes, data: AdvertisementData) -> AddressType | None:
    """Return the kind of an address as BlueZ tells it."""
    properties = data.platform_data[1] if len(data.platform_data) > 1 else None  # the first is the path
    if not isinstance(properties, Mapping):
        return None
    kind = properties.get("AddressType")
    # of who is paired BlueZ tells the identity, whatever was on the air
    paired = properties.get("Paired") is True or properties.get("Bonded") is True
    if kind == "public":
        return AddressType.PUBLIC_IDENTITY if paired else AddressType.PUBLIC
    if kind != "random":
        return None
    return AddressType.RANDOM_IDENTITY if paired else random_address_type(address)
