"""bleak's scanner over a bumble device.

What users can rely on, beside what bleak says:

- Each report calls back, at once: an advert does not wait for its scan response. (BlueZ waits for the scan
  response, and calls back when some property has changed.)
- ``AdvertisementData`` is put together as BlueZ does it; ``advertising_data`` says how. ``rssi`` is that of
  the report that calls back, -127 where the controller cannot tell.
- ``platform_data`` begins as that of BlueZ: with the key of the device, and with the properties ``Address``,
  ``AddressType`` and ``Paired`` in BlueZ's words. Then come the report that calls back, and the advert and the
  scan response heard last of the same device: each a ``HeardReport`` with its octets, or ``None``.
- ``BLEDevice.details`` is bumble's address, which knows whether it is public or random. Two devices whose
  addresses differ in that alone are two.
- A second ``start`` raises ``BleakError``; ``stop`` without ``start`` does nothing. Where Bluetooth was turned
  off meanwhile, ``stop`` does nothing, as with BlueZ; where the controller was lost or reset, it raises
  ``BleakBluetoothNotAvailableError``, once.
- At most 4096 devices are remembered: the one that was silent longest is forgotten first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableReason, BleakError
from bleak.uuids import normalize_uuid_str
from bumble import hci
from bumble.device import Device

from .adapters import Adapter, Report, adapter_of
from .advertising_data import AdContent, ad_content
from .errors import mapped, not_available
from .reports import HeardReport, ReportReader

MOST_DEVICES = 4096
"""Devices that a scanner remembers: a day of phones whose addresses rotate must not fill the memory."""
RSSI_UNKNOWN = -127
"""What bleak says where BlueZ knows none."""


@dataclass(slots=True)
class _Remembered:
    """What is remembered of a device: the reports heard last, what each says, and all that it ever said."""

    advert: HeardReport | None = None
    scan_response: HeardReport | None = None
    advert_content: AdContent = AdContent()  # noqa: RUF009 - frozen, and nobody writes to its empty maps
    scan_response_content: AdContent = AdContent()  # noqa: RUF009 - likewise
    content: AdContent = AdContent()  # noqa: RUF009 - likewise

    def take_in(self, report: HeardReport) -> None:
        last = self.scan_response if report.is_scan_response else self.advert
        if report.is_scan_response:
            self.scan_response = report
        else:
            self.advert = report
        if last is not None and last.ad == report.ad:
            return
        if report.is_scan_response:
            self.scan_response_content = ad_content(report.ad)
        else:
            self.advert_content = ad_content(report.ad)
        together = self.advert_content.with_later(self.scan_response_content)
        self.content = self.content.with_later(together)


class BumbleScanner(BaseBleakScanner):
    """A scanner of one device. ``scanner_backend`` makes the class that bleak is given."""

    device: ClassVar[Device]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: Literal["active", "passive"] = "active",
        **kwargs: object,  # bleak passes the options of all systems
    ) -> None:
        wanted = None if service_uuids is None else [normalize_uuid_str(each) for each in service_uuids]
        super().__init__(detection_callback, wanted)
        self._active = scanning_mode != "passive"
        self._adapter: Adapter | None = None
        self._lost = False
        self._reader = ReportReader()
        self._remembered: dict[str, _Remembered] = {}

    @mapped()
    async def start(self) -> None:
        """Start scanning.

        Raises:
            BleakBluetoothNotAvailableError: The controller is off, or gone.
            BleakError: It scans for this scanner already, or cannot.
        """
        if self._adapter is not None:
            raise BleakError("this scanner was started already")
        adapter = adapter_of(self.device)
        adapter.check_power()
        self.seen_devices = {}
        self._remembered = {}
        self._reader = ReportReader()
        self._lost = False
        self._adapter = adapter
        try:
            await adapter.listen(self, self._active)
        except BaseException:
            self._adapter = None
            raise

    @mapped()
    async def stop(self) -> None:
        """Stop scanning.

        Raises:
            BleakBluetoothNotAvailableError: The controller was lost or reset meanwhile.
            BleakError: The controller does not stop. Nothing more is told all the same.
        """
        adapter, self._adapter = self._adapter, None
        if adapter is None:
            return
        if not self._lost:
            await adapter.stop_listening(self)
        elif self.device.powered_on:
            raise not_available(
                "the scan ended early: the controller was lost or reset",
                BleakBluetoothNotAvailableReason.NO_BLUETOOTH,
            )

    def heard(self, report: Report) -> None:
        """Take in one report of the controller; users are told from the loop, where they may raise.

        Args:
            report: bumble's.
        """
        asyncio.get_running_loop().call_soon(self._tell, report)

    def ended(self) -> None:
        """Note that the scan is over: the controller was turned off, reset or lost."""
        self._lost = True

    def _tell(self, reported: Report) -> None:
        report = self._reader.read(reported)
        if report is None or self._adapter is None:
            return
        address = reported.address
        key = str(address)
        remembered = self._remembered.pop(key, None) or _Remembered()
        self._remembered[key] = remembered  # at the end: the others were silent longer
        remembered.take_in(report)
        content = remembered.content
        if not self.is_allowed_uuid(list(content.services)):
            self._forget_some()
            return
        advertisement = AdvertisementData(
            local_name=content.name,
            manufacturer_data=dict(content.manufacturer),
            service_data=dict(content.service_data),
            service_uuids=list(content.services),
            tx_power=content.tx_power,
            rssi=RSSI_UNKNOWN if report.rssi is None else report.rssi,
            platform_data=(key, _properties(address), report, remembered.advert, remembered.scan_response),
        )
        device = self.create_or_update_device(
            key, address.to_string(False), content.name, address, advertisement
        )
        self._forget_some()
        self.call_detection_callbacks(device, advertisement)

    def _forget_some(self) -> None:
        while len(self._remembered) > MOST_DEVICES:
            silent = next(iter(self._remembered))
            del self._remembered[silent]
            self.seen_devices.pop(silent, None)


def _properties(address: hci.Address) -> Mapping[str, object]:
    """Return what BlueZ would say of an address; an identity is what it knows of those who are paired."""
    return {
        "Address": address.to_string(False),
        "AddressType": "public" if address.is_public else "random",
        "Paired": address.is_resolved,
    }


def scanner_backend(device: Device) -> type[BaseBleakScanner]:
    """Return the class that makes ``BleakScanner`` hear with a device.

    Args:
        device: Any that bumble drives, powered on before the scanner starts: virtual, or over USB, a serial
            line, a socket. It must not be scanning for somebody else.

    Returns:
        What bleak takes as ``backend``: ``BleakScanner(callback, backend=scanner_backend(device))``.
    """
    return type("BumbleScanner", (BumbleScanner,), {"device": device, "__module__": __name__})
