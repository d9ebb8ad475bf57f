"""bleak's client over a bumble device.

What users can rely on, beside what bleak says:

- ``connect`` raises ``BleakDeviceNotFoundError`` if it was given an address and hears nothing of it,
  ``asyncio.TimeoutError`` if the device does not answer in time, ``BleakError`` otherwise. Its time begins
  when its turn comes, since a controller makes one connection at a time: an absent phone must not make those
  look absent that wait behind it. A caller that is cancelled leaves the controller idle.
- The callback of disconnection comes once for each connection that was made, whoever ended it and even if
  ``connect`` fails afterwards, as with BlueZ; from the loop, before ``disconnect`` returns.
- Handles of characteristics are those of their declarations, as BlueZ tells them.
- Values are read and written anew each time: ``use_cached`` has no effect. A peer that wants encryption
  refuses, which is told; pairing is not implemented.
- Notifications are preferred to indications. A second ``start_notify`` raises ``BleakError``, and so does
  ``stop_notify`` without it, as with BlueZ.
- ``name`` is the advertised name, or the address with dashes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import ClassVar, NoReturn

from bleak import BleakScanner
from bleak.args import SizedBuffer
from bleak.assigned_numbers import CHARACTERISTIC_PROPERTIES
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bleak.uuids import normalize_uuid_16
from bumble import hci
from bumble.device import Device

from . import attribute_protocol as protocol
from . import links, procedures
from .adapters import adapter_of
from .errors import mapped
from .scanner import scanner_backend
from .waiting import undisturbed

_logger = logging.getLogger(__name__)

_CONFIGURATION = normalize_uuid_16(0x2902)
"""Client Characteristic Configuration. Source: Core Specification, Vol 3 Part G 3.3.3.3."""
_NOTIFICATIONS = b"\x01\x00"
_INDICATIONS = b"\x02\x00"
_NEITHER = b"\x00\x00"


class BumbleClient(BaseBleakClient):
    """A client of one device. ``client_backend`` makes the class that bleak is given."""

    device: ClassVar[Device]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        services: set[str] | None = None,
        *,
        disconnected_callback: Callable[[], None] | None = None,
        timeout: float = 30.0,
        **kwargs: object,  # bleak passes the options of all systems
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        found = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._peer = found
        self._wanted = services
        self._link: links.Link | None = None
        self._notifying: set[int] = set()

    # What it is connected to

    @property
    def name(self) -> str:
        """The advertised name, or the address with dashes."""
        return (self._peer and self._peer.name) or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """Octets of the greatest attribute PDU.

        Raises:
            BleakError: Not connected.
        """
        return self._connected().mtu

    @property
    def is_connected(self) -> bool:
        """Whether the connection is up."""
        return self._link is not None and self._link.is_up

    # Connecting

    @mapped(TimeoutError)
    async def connect(self, pair: bool, timeout: float | None = None, **kwargs: object) -> None:
        """Connect, agree on the size of PDUs, and find the services.

        Args:
            pair: Not implemented: a warning is logged.
            timeout: In seconds, in place of the constructor's.
            kwargs: Not used.

        Raises:
            BleakDeviceNotFoundError: It was looked for by its address, and not heard.
            TimeoutError: It did not answer in time.
            BleakError: Connected already, or no connection could be made, or it was lost while services were
                looked for.
        """
        self._check_unconnected()
        if pair:
            _logger.warning("pairing is not implemented; connecting without")
        adapter = adapter_of(self.device)
        adapter.check_power()
        seconds = self._timeout if timeout is None else timeout
        address = await self._find(seconds)
        async with adapter.connecting:
            self._check_unconnected()  # it may have waited long for its turn
            loop = asyncio.get_running_loop()
            until = loop.time() + seconds
            connection = await links.connect(adapter, address, seconds)
            self._link = link = links.Link(adapter, connection, self._ended)
        try:
            async with asyncio.timeout_at(until):
                await self._discover(link)
        except BaseException:
            await undisturbed(_closed(link))
            raise

    @mapped()
    async def disconnect(self) -> None:
        """Disconnect; nothing to do if there is no connection.

        Raises:
            BleakError: The controller does not end the connection. The client is disconnected all the same.
        """
        if self._link is not None:
            await self._link.close()

    async def pair(self, *args: object, **kwargs: object) -> NoReturn:
        """Pairing is not implemented: nothing of Bluezone asks for it.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("this backend does not pair")

    async def unpair(self) -> NoReturn:
        """Pairing is not implemented, and so there is nothing to undo.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError("this backend does not pair")

    # Attributes

    @mapped()
    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: object
    ) -> bytearray:
        """Read a characteristic's value.

        Raises:
            BleakGATTProtocolError: The peer refused.
            BleakError: Not connected, or no longer.
        """
        return await self._read(_value_handle(characteristic))

    @mapped()
    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: object
    ) -> bytearray:
        """Read a descriptor's value.

        Raises:
            BleakGATTProtocolError: The peer refused.
            BleakError: Not connected, or no longer.
        """
        return await self._read(descriptor.handle)

    @mapped()
    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write a characteristic's value.

        Raises:
            BleakGATTProtocolError: The peer refused, or the value is longer than any may be.
            BleakError: Not connected, or no longer; or too long to be written without response.
        """
        link, handle, value = self._connected(), _value_handle(characteristic), bytes(data)
        if response:
            await procedures.write(link.bearer, handle, value, link.mtu)
        elif len(value) > link.mtu - 3:
            raise BleakError(
                f"{len(value)} octets are more than one PDU holds: {link.mtu - 3} without response"
            )
        else:
            link.bearer.command(protocol.write_command(handle, value))

    @mapped()
    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor's value.

        Raises:
            BleakGATTProtocolError: The peer refused.
            BleakError: Not connected, or no longer.
        """
        link = self._connected()
        await procedures.write(link.bearer, descriptor.handle, bytes(data), link.mtu)

    @mapped()
    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: object
    ) -> None:
        """Have a characteristic's values told as they change.

        Raises:
            BleakGATTProtocolError: The peer refused.
            BleakError: Not connected, or no longer; they are told already; the characteristic cannot tell them.
        """
        link, handle = self._connected(), _value_handle(characteristic)
        configuration = characteristic.get_descriptor(_CONFIGURATION)
        tells = "notify" in characteristic.properties
        if configuration is None or not (tells or "indicate" in characteristic.properties):
            raise BleakError(
                f"characteristic {characteristic.uuid} has neither notifications nor indications"
            )
        if handle in self._notifying:
            raise BleakError(f"notifications of characteristic {characteristic.uuid} were started already")
        self._notifying.add(handle)
        link.bearer.listen(handle, callback)  # before the peer is asked: it may tell the first at once
        bits = _NOTIFICATIONS if tells else _INDICATIONS
        try:
            await procedures.write(link.bearer, configuration.handle, bits, link.mtu)
        except BaseException:
            link.bearer.listen(handle, None)
            self._notifying.discard(handle)
            raise

    @mapped()
    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Have a characteristic's values told no longer.

        Raises:
            BleakGATTProtocolError: The peer refused; nothing more is told all the same.
            BleakError: Not connected, or no longer; or they were not told.
        """
        link, handle = self._connected(), _value_handle(characteristic)
        configuration = characteristic.get_descriptor(_CONFIGURATION)
        if handle not in self._notifying or configuration is None:
            raise BleakError(f"notifications of characteristic {characteristic.uuid} were not started")
        self._notifying.discard(handle)
        link.bearer.listen(handle, None)
        await procedures.write(link.bearer, configuration.handle, _NEITHER, link.mtu)

    # Inside

    def _check_unconnected(self) -> None:
        if self.is_connected:
            raise BleakError("this client is connected already")

    def _connected(self) -> links.Link:
        if self._link is None or not self._link.is_up:
            raise BleakError("not connected")
        return self._link

    async def _find(self, seconds: float) -> hci.Address:
        """Return the address with its type, which only the air can tell of an address that is mere text."""
        if self._peer is None:
            self._peer = await BleakScanner.find_device_by_address(
                self.address, timeout=seconds, backend=scanner_backend(self.device)
            )
        if self._peer is None:
            raise BleakDeviceNotFoundError(
                self.address, f"{self.address} was not heard within {seconds:g} seconds"
            )
        if not isinstance(self._peer.details, hci.Address):
            raise BleakError(f"{self.address} was found by another backend; find it with this one's scanner")
        return self._peer.details

    def _ended(self) -> None:
        self.services = None
        self._notifying.clear()
        if self._disconnected_callback is not None:
            asyncio.get_running_loop().call_soon(self._disconnected_callback)

    async def _discover(self, link: links.Link) -> None:
        link.agree_on_mtu(await procedures.exchange_mtu(link.bearer))
        found = await procedures.discover(link.bearer, self._wanted)
        if not link.is_up:  # with the last response
            raise BleakError("the connection ended while services were looked for")
        self.services = _collection(found, link)

    async def _read(self, handle: int) -> bytearray:
        link = self._connected()
        return bytearray(await procedures.read(link.bearer, handle, link.mtu))


async def _closed(link: links.Link) -> None:
    """Close a link that is of no use; why it is of none is told, and not whether it could be closed."""
    try:
        await link.close()
    except BleakError as error:
        _logger.debug("a connection that failed could not be ended either: %s", error)


def _value_handle(characteristic: BleakGATTCharacteristic) -> int:
    declaration = characteristic.obj
    if not isinstance(declaration, protocol.Declaration):
        raise BleakError("the characteristic is another backend's")
    return declaration.value_handle


def _collection(found: list[procedures.FoundService], link: links.Link) -> BleakGATTServiceCollection:
    collection = BleakGATTServiceCollection()
    for each in found:
        service = BleakGATTService(each.group, each.group.start, each.group.uuid)
        collection.add_service(service)
        for part in each.characteristics:
            declaration = part.declaration
            characteristic = BleakGATTCharacteristic(
                declaration,
                declaration.handle,
                declaration.uuid,
                [name for bit, name in CHARACTERISTIC_PROPERTIES.items() if declaration.properties & bit],
                lambda: link.mtu - 3,
                service,
            )
            collection.add_characteristic(characteristic)
            for attribute in part.descriptors:
                collection.add_descriptor(
                    BleakGATTDescriptor(attribute, attribute.handle, attribute.uuid, characteristic)
                )
    return collection


def client_backend(device: Device) -> type[BaseBleakClient]:
    """Return the class that makes ``BleakClient`` connect with a device.

    Args:
        device: Any that bumble drives, powered on before the client connects. It must not advertise as
            connectable, or connect for somebody else, meanwhile.

    Returns:
        What bleak takes as ``backend``: ``BleakClient(found, backend=client_backend(device))``.
    """
    return type("BumbleClient", (BumbleClient,), {"device": device, "__module__": __name__})
