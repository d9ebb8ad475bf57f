"""GATT services as bumble's hosts offer them, made of what a virtual phone says that it offers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from bumble.att import ATT_WRITE_NOT_PERMITTED_ERROR, ATT_Error, ATT_Write_Command, AttributeValue
from bumble.device import Connection
from bumble.gatt import Characteristic, Service

from bluezone_harness.virtual.reads import GattServer, OfferedCharacteristic, OfferedService

Read = Callable[[str, Connection], "Awaitable[bytes]"]
"""Answers a read of a characteristic, named by its UUID, over a connection; raises ``ATT_Error``."""


def service_of(offered: OfferedService, read: Read) -> Service:
    """Return a service that a host can offer.

    Args:
        offered: What is offered.
        read: Answers reads.
    """
    return Service(offered.uuid, [_characteristic(each, read) for each in offered.characteristics])


def answer_of(server: GattServer, clock_ms: int, connected_ms: int) -> bytes | int | None:
    """Return what a phone answers to a read.

    Args:
        server: Of the phone.
        clock_ms: When it is asked, by its own clock.
        connected_ms: When it was connected, by the same clock.

    Returns:
        Octets, or an ATT error; ``None``: nothing.
    """
    return None if server.is_silent else server.answer(clock_ms, connected_ms)


async def told(answer: bytes | int | None) -> bytes:
    """Answer a read; what is not answered waits until the connection's host is gone.

    Raises:
        ATT_Error: The answer is an error.
    """
    if answer is None:
        never: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        return await never
    if isinstance(answer, int):
        raise ATT_Error(answer)
    return answer


def write_ignored(bearer: object, request: ATT_Write_Command) -> None:
    """Do nothing at a Write Command, which has no answer. Source: Core Specification, Vol 3 Part F 3.4.5.3."""


def _characteristic(offered: OfferedCharacteristic, read: Read) -> Characteristic[bytes]:
    properties = Characteristic.Properties(0)
    for each in offered.properties:
        properties |= Characteristic.Properties[each.upper().replace("-", "_")]
    permissions = Characteristic.Permissions(0)
    if Characteristic.Properties.READ in properties:
        permissions |= Characteristic.Permissions.READABLE
    if properties & (Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE):
        permissions |= Characteristic.Permissions.WRITEABLE
    # stock: asks for no permission, whatever is written
    write = _take if Characteristic.Permissions.WRITEABLE in permissions else _refuse
    value = AttributeValue(read=partial(read, offered.uuid), write=write)
    return Characteristic(offered.uuid, properties, permissions, value)


def _take(connection: Connection, value: bytes) -> None:
    """Take what was written, and do nothing with it."""


def _refuse(connection: Connection, value: bytes) -> None:
    """Refuse what was written. Source: Core Specification, Vol 3 Part F 3.4.1.1."""
    raise ATT_Error(ATT_WRITE_NOT_PERMITTED_ERROR)
