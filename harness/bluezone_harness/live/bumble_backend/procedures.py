"""GATT procedures of a client over a bearer: discovery, reading and writing, long values too.

Nothing is asked that cannot have an answer: a range without handles is not asked for.

Source: Core Specification, Vol 3 Part G 4.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bleak.exc import BleakGATTProtocolError, BleakGATTProtocolErrorCode

from . import attribute_protocol as protocol
from .bearers import Bearer

OFFERED_MTU = 517
"""The greatest PDU that is of use: an Execute Write of the longest value. BlueZ and Android offer the same."""

_NOT_LONG = (BleakGATTProtocolErrorCode.ATTRIBUTE_NOT_LONG, BleakGATTProtocolErrorCode.INVALID_OFFSET)


@dataclass(frozen=True, slots=True)
class FoundCharacteristic:
    """A characteristic and its descriptors."""

    declaration: protocol.Declaration
    descriptors: tuple[protocol.Attribute, ...]


@dataclass(frozen=True, slots=True)
class FoundService:
    """A primary service and its characteristics."""

    group: protocol.Group
    characteristics: tuple[FoundCharacteristic, ...]


async def exchange_mtu(bearer: Bearer) -> int:
    """Agree with the server on the greatest PDU.

    Returns:
        Octets; the default where the server does not want to talk about it.

    Raises:
        BleakError: As ``Bearer.request``.

    Source: Vol 3 Part G 4.3.1.
    """
    try:
        response = await bearer.request(protocol.exchange_mtu(OFFERED_MTU))
    except BleakGATTProtocolError:
        return protocol.DEFAULT_MTU
    return min(OFFERED_MTU, protocol.server_mtu(response))


async def discover(bearer: Bearer, wanted: Collection[str] | None) -> list[FoundService]:
    """Find the primary services with their characteristics and descriptors, in the order of their handles.

    Args:
        bearer: Of the connection.
        wanted: UUIDs, in canonical text, of the services that are looked into and returned; ``None`` for all.

    Raises:
        BleakGATTProtocolError: The server refused, other than by saying that there are no more.
        BleakError: As ``Bearer.request``.
        MalformedResponseError: A response breaks the format.

    Source: Vol 3 Part G 4.4.1, 4.6.1, 4.7.1.
    """
    return [
        FoundService(group, await _characteristics(bearer, group))
        for group in await _services(bearer)
        if not wanted or group.uuid in wanted
    ]


async def read(bearer: Bearer, handle: int, mtu: int) -> bytes:
    """Read a value, in several requests where it does not fit into one.

    Args:
        bearer: Of the connection.
        handle: Of the value.
        mtu: Octets of the greatest PDU.

    Raises:
        BleakGATTProtocolError: The server refused.
        BleakError: As ``Bearer.request``.

    Source: Vol 3 Part G 4.8.1, 4.8.3.
    """
    value = part = (await bearer.request(protocol.read(handle)))[1:]
    while len(part) >= mtu - 1 and len(value) < protocol.LONGEST_VALUE:
        try:
            part = (await bearer.request(protocol.read_blob(handle, len(value))))[1:]
        except BleakGATTProtocolError as error:
            if error.code in _NOT_LONG:  # the value ended where the PDU did
                break
            raise
        value += part
    return value


async def write(bearer: Bearer, handle: int, value: bytes, mtu: int) -> None:
    """Write a value and wait until the server has taken it, in several requests where one does not hold it.

    Args:
        bearer: Of the connection.
        handle: Of the value.
        value: At most 512 octets.
        mtu: Octets of the greatest PDU.

    Raises:
        BleakGATTProtocolError: The server refused, or the value is too long for any attribute.
        BleakError: As ``Bearer.request``.

    Source: Vol 3 Part G 4.9.3, 4.9.4.
    """
    if len(value) > protocol.LONGEST_VALUE:
        raise BleakGATTProtocolError(BleakGATTProtocolErrorCode.INVALID_ATTRIBUTE_VALUE_LENGTH)
    if len(value) <= mtu - 3:
        await bearer.request(protocol.write(handle, value))
        return
    try:
        for offset in range(0, len(value), mtu - 5):
            await bearer.request(protocol.prepare_write(handle, offset, value[offset : offset + mtu - 5]))
    except BleakGATTProtocolError:
        await bearer.request(protocol.execute_write(False))
        raise
    await bearer.request(protocol.execute_write(True))


async def _services(bearer: Bearer) -> list[protocol.Group]:
    found: list[protocol.Group] = []
    start = 1
    while start <= protocol.LAST_HANDLE:
        response = await _unless_none(bearer, protocol.read_primary_services(start))
        if response is None:
            break
        found += protocol.services_of(response, start)
        start = found[-1].end + 1
    return found


async def _characteristics(bearer: Bearer, group: protocol.Group) -> tuple[FoundCharacteristic, ...]:
    found: list[protocol.Declaration] = []
    start = group.start + 1
    while start < group.end:  # a declaration and its value take two handles
        response = await _unless_none(bearer, protocol.read_characteristics(start, group.end))
        if response is None:
            break
        found += protocol.characteristics_of(response, start, group.end)
        start = found[-1].value_handle + 1
    ends = [each.handle - 1 for each in found[1:]] + [group.end]
    return tuple(
        [
            FoundCharacteristic(each, await _descriptors(bearer, each.value_handle + 1, end))
            for each, end in zip(found, ends, strict=False)
        ]
    )


async def _descriptors(bearer: Bearer, start: int, end: int) -> tuple[protocol.Attribute, ...]:
    found: list[protocol.Attribute] = []
    while start <= end:
        response = await _unless_none(bearer, protocol.find_information(start, end))
        if response is None:
            break
        found += protocol.attributes_of(response, start, end)
        start = found[-1].handle + 1
    return tuple(each for each in found if protocol.is_descriptor(each))


async def _unless_none(bearer: Bearer, pdu: bytes) -> bytes | None:
    """Return the response; ``None`` where the server says that there is no such attribute."""
    try:
        return await bearer.request(pdu)
    except BleakGATTProtocolError as error:
        if error.code == protocol.ATTRIBUTE_NOT_FOUND:
            return None
        raise
