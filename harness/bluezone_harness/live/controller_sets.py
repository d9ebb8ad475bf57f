"""Advertising sets of a real controller: extended advertising's where it has them, else the one that every adapter has.

Theory of operation. Both kinds send legacy PDUs, as phones with Bluezone do, each set from an address of its own. A
controller takes commands of one kind only (Vol 4 Part E 3.1.1), so that what it says it supports decides. A set that is
connected to is no longer sent: its slot says so, and whoever plays starts it again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bumble import hci
from bumble.device import (
    AdvertisingEventProperties,
    AdvertisingParameters,
    AdvertisingSet,
    AdvertisingType,
    Connection,
    Device,
    LegacyAdvertiser,
)

from bluezone_harness.observations import PduType
from bluezone_harness.virtual.plans import SentWindow

MOST_SETS = 16
"""More than that at once no scene needs."""
TURN_INTERVALS = 3
"""So many advertising intervals a turn lasts, where that is not long."""
_LONG_TURN_US = 1_000_000
"""What is sent rarely has its turn for so long, or for one interval: the others would wait long else."""
_ADV_DELAY_US = 10_000
UNIT_US = 625
"""In which a controller counts advertising intervals. Source: Core Specification, Vol 4 Part E 7.8.5, 7.8.53."""
_LEAST_UNITS, _GREATEST_UNITS = 0x20, 0x4000
"""Of legacy advertising. Source: Core Specification, Vol 4 Part E 7.8.5."""
_ALL_CHANNELS = 7
_LEGACY_TYPES = {
    PduType.ADV_IND: AdvertisingType.UNDIRECTED_CONNECTABLE_SCANNABLE,
    PduType.ADV_SCAN_IND: AdvertisingType.UNDIRECTED_SCANNABLE,
    PduType.ADV_NONCONN_IND: AdvertisingType.UNDIRECTED,
}


class Slot(Protocol):
    """One advertising set of a controller."""

    async def start(self, window: SentWindow) -> None:
        """Send; it returns when the controller has said that it does.

        Raises:
            hci.HCI_Error: The controller refuses it.
        """

    async def stop(self) -> None:
        """Send no longer; of a set that is not sent, nothing is asked."""

    def is_of(self, connection: Connection) -> bool:
        """Tell whether a connection was made to what this set sends, or sent last."""


def slots_of(device: Device, ended: Callable[[Slot], None]) -> tuple[Slot, ...]:
    """Return the advertising sets of a controller.

    Args:
        device: Powered on.
        ended: Is called when a set is no longer sent, because a central connected to it.
    """
    if device.supports_le_extended_advertising:
        count = max(1, min(MOST_SETS, device.host.number_of_supported_advertising_sets))
        return tuple(_ExtendedSlot(device, ended) for _ in range(count))
    return (_LegacySlot(device, ended),)


def units_of(interval_us: int) -> int:
    """Return an advertising interval in units of 0.625 ms, as near as a controller can have it."""
    return min(max(round(interval_us / UNIT_US), _LEAST_UNITS), _GREATEST_UNITS)


def turn_us(interval_us: int) -> int:
    """Return how long a turn lasts, in microseconds.

    Args:
        interval_us: The advertising interval, in microseconds.
    """
    each_us = interval_us + _ADV_DELAY_US
    return max(each_us, min(TURN_INTERVALS * each_us, _LONG_TURN_US))


class _LegacySlot:
    """The one set of legacy advertising."""

    def __init__(self, device: Device, ended: Callable[[Slot], None]) -> None:
        self._device = device
        self._ended = ended
        self._is_sent = False
        self._address: hci.Address | None = None
        device.on(device.EVENT_CONNECTION, self._on_connection)

    async def start(self, window: SentWindow) -> None:
        device, units = self._device, units_of(window.interval_us)
        device.random_address = self._address = _random(window)
        send = device.send_sync_command
        await send(hci.HCI_LE_Set_Random_Address_Command(random_address=self._address))
        await send(
            hci.HCI_LE_Set_Advertising_Parameters_Command(
                advertising_interval_min=units,
                advertising_interval_max=units,
                advertising_type=_LEGACY_TYPES[window.pdu],
                own_address_type=hci.OwnAddressType.RANDOM,
                peer_address_type=hci.AddressType.PUBLIC_DEVICE,
                peer_address=hci.Address.ANY,
                advertising_channel_map=_ALL_CHANNELS,
                advertising_filter_policy=0,
            )
        )
        await send(hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=window.ad))
        await send(hci.HCI_LE_Set_Scan_Response_Data_Command(scan_response_data=window.response))
        # the device has to know that it was connected by an advertiser
        kind = _LEGACY_TYPES[window.pdu]
        device.legacy_advertiser = LegacyAdvertiser(
            device, kind, hci.OwnAddressType.RANDOM, hci.Address.ANY, False
        )
        self._is_sent = True
        try:
            await send(hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=1))
        except BaseException:
            self._is_sent, device.legacy_advertiser = False, None
            raise

    async def stop(self) -> None:
        if self._is_sent:
            self._is_sent, self._device.legacy_advertiser = False, None
            await self._device.send_sync_command(
                hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=0)
            )

    def is_of(self, connection: Connection) -> bool:
        return True

    def _on_connection(self, connection: Connection) -> None:
        if self._is_sent:
            self._is_sent = False
            self._ended(self)


class _ExtendedSlot:
    """One set of extended advertising, which sends legacy PDUs."""

    def __init__(self, device: Device, ended: Callable[[Slot], None]) -> None:
        self._device = device
        self._ended = ended
        self._set: AdvertisingSet | None = None

    async def start(self, window: SentWindow) -> None:
        parameters = AdvertisingParameters(
            advertising_event_properties=AdvertisingEventProperties(
                is_connectable=window.pdu is PduType.ADV_IND,
                is_scannable=window.pdu is not PduType.ADV_NONCONN_IND,
                is_legacy=True,
            ),
            primary_advertising_interval_min=units_of(window.interval_us) * UNIT_US / 1000,
            primary_advertising_interval_max=units_of(window.interval_us) * UNIT_US / 1000,
            own_address_type=hci.OwnAddressType.RANDOM,
        )
        address = _random(window)
        if self._set is None:
            self._set = await self._device.create_advertising_set(
                parameters, address, window.ad, window.response, auto_start=False
            )
            self._set.on(self._set.EVENT_TERMINATION, self._on_termination)
        else:
            if self._set.scan_response_data:
                # what is not scannable has none, and a controller may refuse to make it so while there is some
                await self._set.set_scan_response_data(b"")
            await self._set.set_advertising_parameters(parameters)
            await self._set.set_random_address(address)
            self._set.random_address = address  # stock: remembers the first one
            await self._set.set_advertising_data(window.ad)
            if window.response:
                await self._set.set_scan_response_data(window.response)
        await self._set.start()

    async def stop(self) -> None:
        if self._set is not None and self._set.enabled:
            await self._set.stop()

    def is_of(self, connection: Connection) -> bool:
        return self._set is not None and self._set.random_address == connection.self_address

    def _on_termination(self, status: int) -> None:
        self._ended(self)


def _random(window: SentWindow) -> hci.Address:
    return hci.Address(window.address[::-1], hci.AddressType.RANDOM_DEVICE)
