"""The Attribute Protocol's PDUs of a client: requests written, responses read strictly. Pure.

Integers have their least significant octet first. Attributes are numbered by handles, 0x0001 to 0xFFFF. A
response that breaks the format raises ``MalformedResponseError``: nothing of it is used.

Source: Core Specification, Vol 3 Part F 3.4 (PDUs), Part G 4 (which of them each GATT procedure uses).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from uuid import UUID

DEFAULT_MTU = 23
"""Octets of a PDU until both sides have agreed on more. Source: Vol 3 Part G 5.2.1."""
LAST_HANDLE = 0xFFFF
LONGEST_VALUE = 512
"""Octets of an attribute's value. Source: Vol 3 Part F 3.2.9."""

ERROR_RESPONSE = 0x01
WRITE_COMMAND = 0x52
NOTIFICATION = 0x1B
INDICATION = 0x1D
CONFIRMATION = b"\x1e"

ATTRIBUTE_NOT_FOUND = 0x0A
PRIMARY_SERVICE = 0x2800
CHARACTERISTIC = 0x2803

_BASE_UUID_TAIL = "-0000-1000-8000-00805f9b34fb"
_DECLARATIONS = frozenset(f"{each:08x}{_BASE_UUID_TAIL}" for each in range(0x2800, 0x2804))
"""Attribute types that are no descriptors: services, includes and characteristics."""

_HANDLE = Struct("<H")
_HANDLES = Struct("<HH")
_RANGE = Struct("<BHH")
_TYPED_RANGE = Struct("<BHHH")
_ERROR = Struct("<BBHB")


class MalformedResponseError(ValueError):
    """The server sent what breaks the format; the text says what, and goes on after "the peer sent"."""


@dataclass(frozen=True, slots=True)
class Group:
    """A service as it was found: its handles, and its UUID in canonical text."""

    start: int
    end: int
    uuid: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """A characteristic as it was found.

    Attributes:
        handle: Of the declaration.
        properties: Bit field. Source: Vol 3 Part G 3.3.1.1.
        value_handle: Where its value is read and written.
        uuid: In canonical text.
    """

    handle: int
    properties: int
    value_handle: int
    uuid: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of which only handle and type are known: what stands after a characteristic's value."""

    handle: int
    uuid: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An Error Response: to which request, about which attribute, and why."""

    request: int
    handle: int
    code: int


def uuid_text(octets: bytes) -> str:
    """Return a UUID in canonical text.

    Args:
        octets: 2, 4 or 16 octets, the least significant first.

    Raises:
        ValueError: It is of another length.
    """
    if len(octets) in (2, 4):
        return octets[::-1].hex().rjust(8, "0") + _BASE_UUID_TAIL
    return str(UUID(bytes=octets[::-1]))


def exchange_mtu(mtu: int) -> bytes:
    """Return the request that offers the greatest PDU that this side takes, in octets."""
    return b"\x02" + _HANDLE.pack(mtu)


def read_primary_services(start: int) -> bytes:
    """Return the request for services from a handle on."""
    return _TYPED_RANGE.pack(0x10, start, LAST_HANDLE, PRIMARY_SERVICE)


def read_characteristics(start: int, end: int) -> bytes:
    """Return the request for the declarations of characteristics within some handles."""
    return _TYPED_RANGE.pack(0x08, start, end, CHARACTERISTIC)


def find_information(start: int, end: int) -> bytes:
    """Return the request for the types of all attributes within some handles."""
    return _RANGE.pack(0x04, start, end)


def read(handle: int) -> bytes:
    """Return the request for the head of a value."""
    return b"\x0a" + _HANDLE.pack(handle)


def read_blob(handle: int, offset: int) -> bytes:
    """Return the request for what stands in a value from an offset on."""
    return _RANGE.pack(0x0C, handle, offset)


def write(handle: int, value: bytes) -> bytes:
    """Return the request that writes a value that fits into one PDU."""
    return b"\x12" + _HANDLE.pack(handle) + value


def write_command(handle: int, value: bytes) -> bytes:
    """Return the command that writes a value; nobody answers it."""
    return bytes([WRITE_COMMAND]) + _HANDLE.pack(handle) + value


def prepare_write(handle: int, offset: int, part: bytes) -> bytes:
    """Return the request that queues a part of a long value."""
    return _RANGE.pack(0x16, handle, offset) + part


def execute_write(commit: bool) -> bytes:
    """Return the request that writes what was queued, or drops it."""
    return bytes([0x18, commit])


def response_to(request: bytes) -> int:
    """Return the opcode that answers a request: the one after the request's. Source: Vol 3 Part F 3.4.8."""
    return request[0] + 1


def refusal_of(response: bytes) -> Refusal | None:
    """Return what an Error Response says; ``None`` for every other response.

    Raises:
        MalformedResponseError: It is not 5 octets long.
    """
    if response[0] != ERROR_RESPONSE:
        return None
    if len(response) != _ERROR.size:
        raise MalformedResponseError("an Error Response that is not 5 octets long")
    return Refusal(*_ERROR.unpack(response)[1:])


def server_mtu(response: bytes) -> int:
    """Return the greatest PDU that the server takes, in octets; never less than all must take.

    Raises:
        MalformedResponseError: It is not 3 octets long.
    """
    if len(response) != 3:
        raise MalformedResponseError("an Exchange MTU Response that is not 3 octets long")
    return max(DEFAULT_MTU, int.from_bytes(response[1:], "little"))


def services_of(response: bytes, start: int) -> list[Group]:
    """Return the services of a Read By Group Type Response, which stand in the order of their handles.

    Args:
        response: The PDU.
        start: The first handle that was asked for.

    Raises:
        MalformedResponseError: Lengths do not add up, or handles are not in order.
    """
    found = []
    for entry in _entries(response, (6, 20)):
        first, last = _HANDLES.unpack(entry[:4])
        if not start <= first <= last:
            raise MalformedResponseError("services whose handles are not in order")
        start = last + 1
        found.append(Group(first, last, uuid_text(entry[4:])))
    return found


def characteristics_of(response: bytes, start: int, end: int) -> list[Declaration]:
    """Return the characteristics of a Read By Type Response, which stand in the order of their handles.

    Args:
        response: The PDU.
        start: The first handle that was asked for.
        end: The last.

    Raises:
        MalformedResponseError: Lengths do not add up, or handles are not in order.
    """
    found = []
    for entry in _entries(response, (7, 21)):
        handle, value_handle = _HANDLE.unpack(entry[:2])[0], _HANDLE.unpack(entry[3:5])[0]
        if not start <= handle < value_handle <= end:
            raise MalformedResponseError("characteristics whose handles are not in order")
        start = value_handle + 1
        found.append(Declaration(handle, entry[2], value_handle, uuid_text(entry[5:])))
    return found


def attributes_of(response: bytes, start: int, end: int) -> list[Attribute]:
    """Return the attributes of a Find Information Response, which stand in the order of their handles.

    Args:
        response: The PDU.
        start: The first handle that was asked for.
        end: The last.

    Raises:
        MalformedResponseError: Lengths do not add up, or handles are not in order.
    """
    if len(response) < 2 or response[1] not in (1, 2):
        raise MalformedResponseError("a Find Information Response of an unknown format")
    length = 4 if response[1] == 1 else 18
    found = []
    for entry in _equal_parts(response[2:], length):
        handle = _HANDLE.unpack(entry[:2])[0]
        if not start <= handle <= end:
            raise MalformedResponseError("attributes whose handles are not in order")
        start = handle + 1
        found.append(Attribute(handle, uuid_text(entry[2:])))
    return found


def is_descriptor(attribute: Attribute) -> bool:
    """Tell whether an attribute after a characteristic's value belongs to the characteristic."""
    return attribute.uuid not in _DECLARATIONS


def value_told(pdu: bytes) -> tuple[int, bytes]:
    """Return the handle and the value of a notification or an indication.

    Raises:
        MalformedResponseError: It has no handle.
    """
    if len(pdu) < 3:
        raise MalformedResponseError("a notification without a handle")
    return _HANDLE.unpack(pdu[1:3])[0], pdu[3:]


def _entries(response: bytes, lengths: tuple[int, ...]) -> Iterator[bytes]:
    """Yield the entries of a response that tells their length first."""
    if len(response) < 2 or response[1] not in lengths:
        raise MalformedResponseError("a list whose entries are of a wrong length")
    return _equal_parts(response[2:], response[1])


def _equal_parts(octets: bytes, length: int) -> Iterator[bytes]:
    if not octets or len(octets) % length:
        raise MalformedResponseError("a list that does not end with an entry")
    return (octets[at : at + length] for at in range(0, len(octets), length))
