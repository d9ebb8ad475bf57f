"""What a host reads from the GATT server of a phone it is connected to, put together from the packets of ATT.

Theory of operation. A client asks one thing at a time: a request is remembered until its response comes, and what
is discovered (services, characteristics) until the connection ends, so that a value can be told by its UUIDs. A
value that fills its response may go on: it waits for the host's next request, which either reads on or not. What
does not fit together is forgotten, so that no value is told of a characteristic it may not be of. Integers have
their least significant octet first. Sources: Core Specification, Vol 3 Part F 3.4 (ATT), Part G 4 (GATT).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import Struct, iter_unpack
from typing import TypeVar
from uuid import UUID

from bluezone_harness.observations import AddressType, GattRead

MOST_HANDLES = 1024
"""Handles of each kind that are remembered of one connection; those discovered later have no name."""
_LONGEST_VALUE = 512
"""Octets of an attribute's value. Source: Core Specification, Vol 3 Part F 3.2.9."""
_LEAST_MTU = 23
"""Octets of an ATT packet as long as nothing else was agreed on. Source: Vol 3 Part G 5.2.1."""
_LONGEST_OF_LIST = 253
"""Octets of a value in a Read By Type Response. Source: Vol 3 Part F 3.4.4.2."""

_ERROR = 0x01
_MTU_REQUEST = 0x02
_MTU_RESPONSE = 0x03
_FIND_INFORMATION = 0x04
_FIND_BY_TYPE_VALUE = 0x06
_READ_BY_TYPE = 0x08
_READ = 0x0A
_READ_BLOB = 0x0C
_READ_BY_GROUP_TYPE = 0x10
_REQUESTS = frozenset((*range(0x02, 0x14, 2), 0x16, 0x18, 0x20))
_RESPONSES = frozenset(each + 1 for each in _REQUESTS)
_INDICATION = 0x1D
_INVALID_OFFSET = 0x07
_NOT_LONG = 0x0B

_SERVICES = (b"\x00\x28", b"\x01\x28")
"""Types of the attributes that begin a primary and a secondary service. Source: Vol 3 Part G 3.1."""
_CHARACTERISTIC = b"\x03\x28"
_DECLARATIONS_AND_DESCRIPTORS = range(0x2800, 0x2A00)
"""Types that are no characteristic's value. Source: Assigned Numbers 3.7 (of them, those in use)."""
_SERVICE_CHANGED = "00002a05-0000-1000-8000-00805f9b34fb"
_BASE_UUID = "0000{:04x}-0000-1000-8000-00805f9b34fb"
"""Source: Vol 3 Part B 2.5.1."""

_T = TypeVar("_T")

_HANDLE = Struct("<xH")
_HANDLE_AND_OFFSET = Struct("<xHH")
_MTU = Struct("<xH")
_FOUND_OCTETS = 4
_SHORT_UUID = 2
_LONG_UUID = 16


@dataclass(frozen=True, slots=True)
class _Arrival:
    """The packet that a response came in."""

    number: int
    time_us: int
    receiver: str


@dataclass(frozen=True, slots=True)
class _Begun:
    """A value that may go on."""

    arrival: _Arrival
    handle: int
    characteristic: str
    value: bytes


def uuid_text(octets: bytes) -> str:
    """Return a UUID of 2 or 16 octets, the least significant first, in its canonical text form."""
    if len(octets) == _SHORT_UUID:
        return _BASE_UUID.format(int.from_bytes(octets, "little"))
    return str(UUID(bytes=octets[::-1]))


class AttributeReads:
    """The values that a host reads over one connection.

    Args:
        address: Of the phone at its other end, the most significant octet first.
        address_type: Of that address.
    """

    def __init__(self, address: bytes | None, address_type: AddressType | None) -> None:
        self._address = address
        self._address_type = address_type
        self._mtu = _LEAST_MTU
        self._offered_mtu: dict[bool, int] = {}
        self._request = b""
        self._begun: _Begun | None = None
        self._services: dict[int, tuple[int, str]] = {}
        self._characteristics: dict[int, str] = {}
        self._no_values: set[int] = set()
        self._answers: dict[int, Callable[[_Arrival, bytes, bytes], Iterator[GattRead]]] = {
            _FIND_INFORMATION: self._information,
            _FIND_BY_TYPE_VALUE: self._services_by_uuid,
            _READ_BY_TYPE: self._by_type,
            _READ: self._whole,
            _READ_BLOB: self._part,
            _READ_BY_GROUP_TYPE: self._groups,
        }

    def sent(self, packet: bytes) -> list[GattRead]:
        """Take an ATT packet of the host, and return the value that it shows to be complete, if any."""
        kind = packet[0] if packet else None
        if kind == _MTU_RESPONSE:
            self._agree(False, packet)
        if kind not in _REQUESTS:
            return []
        if kind == _MTU_REQUEST:
            self._offer(True, packet)
        found = [] if self._reads_on(packet) else self.ended()
        self._request = packet
        return found

    def received(self, number: int, time_us: int, receiver: str, packet: bytes) -> list[GattRead]:
        """Take an ATT packet of the phone, and return the values that are complete with it.

        Args:
            number: Of the packet in its source.
            time_us: When it came.
            receiver: Who received it.
            packet: ATT opcode and parameters.
        """
        kind = packet[0] if packet else None
        if kind == _ERROR:
            return self._refused(packet)
        if kind == _MTU_REQUEST:
            self._offer(False, packet)
        elif kind == _INDICATION and len(packet) >= _HANDLE.size:
            (handle,) = _HANDLE.unpack_from(packet)
            if self._characteristics.get(handle) == _SERVICE_CHANGED:
                self._forget_discovered()
        if kind not in _RESPONSES:
            return []
        request, self._request = self._request, b""
        if not request or request[0] + 1 != kind:
            self.lost()
            return []
        if kind == _MTU_RESPONSE:
            self._agree(True, packet)
        answer = self._answers.get(request[0])
        if answer is None:
            return []
        return list(answer(_Arrival(number, time_us, receiver), request, packet))

    def ended(self) -> list[GattRead]:
        """Return the value that did not go on, if there is one: the host asked for something else, or left."""
        begun, self._begun = self._begun, None
        self._request = b""
        return [] if begun is None else [self._read(begun)]

    def lost(self) -> None:
        """Forget what waits: a packet was lost, and what comes next may belong to another request."""
        self._request = b""
        self._begun = None

    def _offer(self, by_host: bool, packet: bytes) -> None:
        if len(packet) == _MTU.size:
            (self._offered_mtu[by_host],) = _MTU.unpack(packet)

    def _agree(self, by_host: bool, packet: bytes) -> None:
        """Take the response to an offer. Source: Vol 3 Part F 3.4.2.2."""
        offered = self._offered_mtu.pop(by_host, None)
        if offered is not None and len(packet) == _MTU.size:
            self._mtu = max(_LEAST_MTU, min(offered, *_MTU.unpack(packet)))

    def _reads_on(self, request: bytes) -> bool:
        begun = self._begun
        return (
            begun is not None
            and request == bytes([_READ_BLOB]) + _HANDLE_AND_OFFSET.pack(begun.handle, len(begun.value))[1:]
        )

    def _refused(self, packet: bytes) -> list[GattRead]:
        request = self._request
        if len(packet) != 5 or not request or packet[1] != request[0]:
            self.lost()
            return []
        if request[0] == _READ_BLOB and packet[4] in (_INVALID_OFFSET, _NOT_LONG):
            return self.ended()  # there is no more of it
        self.lost()
        return []

    def _forget_discovered(self) -> None:
        self._services.clear()
        self._characteristics.clear()
        self._no_values.clear()

    def _whole(self, arrival: _Arrival, request: bytes, packet: bytes) -> Iterator[GattRead]:
        if len(request) == _HANDLE.size:
            (handle,) = _HANDLE.unpack(request)
            name = self._characteristics.get(handle, "")
            yield from self._value(_Begun(arrival, handle, name, packet[1:]), len(packet) < self._mtu)

    def _part(self, arrival: _Arrival, request: bytes, packet: bytes) -> Iterator[GattRead]:
        begun = self._begun
        if len(request) != _HANDLE_AND_OFFSET.size:
            return
        handle, offset = _HANDLE_AND_OFFSET.unpack(request)
        if begun is None:
            if offset:
                return
            begun = _Begun(arrival, handle, self._characteristics.get(handle, ""), b"")
        value = begun.value + packet[1:]
        yield from self._value(_Begun(arrival, handle, begun.characteristic, value), len(packet) < self._mtu)

    def _value(self, begun: _Begun, complete: bool) -> Iterator[GattRead]:
        self._begun = None
        if begun.handle in self._no_values or len(begun.value) > _LONGEST_VALUE:
            return
        if complete or len(begun.value) == _LONGEST_VALUE:
            yield self._read(begun)
        else:
            self._begun = begun

    def _by_type(self, arrival: _Arrival, request: bytes, packet: bytes) -> Iterator[GattRead]:
        entries = _entries(packet)
        kind = request[5:]
        if len(kind) not in (_SHORT_UUID, _LONG_UUID):
            return
        if kind == _CHARACTERISTIC:
            for handle, value in entries:
                if len(value) in (3 + _SHORT_UUID, 3 + _LONG_UUID):
                    self._remember_no_value(handle)
                    _remember(
                        self._characteristics, int.from_bytes(value[1:3], "little"), uuid_text(value[3:])
                    )
        elif len(kind) == _LONG_UUID or int.from_bytes(kind, "little") not in _DECLARATIONS_AND_DESCRIPTORS:
            limit = min(self._mtu - 4, _LONGEST_OF_LIST)
            for handle, value in entries:
                complete = len(value) < limit
                if complete or len(entries) == 1:
                    yield from self._value(_Begun(arrival, handle, uuid_text(kind), value), complete)

    def _groups(self, _: _Arrival, request: bytes, packet: bytes) -> Iterator[GattRead]:
        if request[5:] in _SERVICES:
            for handle, value in _entries(packet):
                if len(value) in (2 + _SHORT_UUID, 2 + _LONG_UUID):
                    end = int.from_bytes(value[:2], "little")
                    _remember(self._services, handle, (end, uuid_text(value[2:])))
        return iter(())

    def _services_by_uuid(self, _: _Arrival, request: bytes, packet: bytes) -> Iterator[GattRead]:
        uuid = request[7:]
        asked = request[5:7] in _SERVICES and len(uuid) in (_SHORT_UUID, _LONG_UUID)
        if asked and len(packet) % _FOUND_OCTETS == 1:
            for handle, end in iter_unpack("<HH", packet[1:]):
                _remember(self._services, handle, (end, uuid_text(uuid)))
        return iter(())

    def _information(self, _: _Arrival, request: bytes, packet: bytes) -> Iterator[GattRead]:
        if packet[1:2] == b"\x01" and len(packet) % _FOUND_OCTETS == 2:
            for handle, kind in iter_unpack("<HH", packet[2:]):
                if kind in _DECLARATIONS_AND_DESCRIPTORS:
                    self._remember_no_value(handle)
        return iter(())

    def _remember_no_value(self, handle: int) -> None:
        if len(self._no_values) < MOST_HANDLES:
            self._no_values.add(handle)

    def _read(self, begun: _Begun) -> GattRead:
        # services do not overlap: where they seem to, it is not known which one it is
        services = [uuid for start, (end, uuid) in self._services.items() if start <= begun.handle <= end]
        return GattRead(
            begun.arrival.number,
            begun.arrival.time_us,
            begun.arrival.receiver,
            self._address,
            self._address_type,
            services[0] if len(services) == 1 else "",
            begun.characteristic,
            begun.value,
        )


def _entries(packet: bytes) -> list[tuple[int, bytes]]:
    """Return handles and data of a response that lists them, none if it is malformed."""
    size = packet[1] if len(packet) > 1 else 0
    if size < 2 or (len(packet) - 2) % size:
        return []
    starts = range(2, len(packet), size)
    return [(int.from_bytes(packet[at : at + 2], "little"), packet[at + 2 : at + size]) for at in starts]


def _remember(known: dict[int, _T], handle: int, what: _T) -> None:
    if handle in known or len(known) < MOST_HANDLES:
        known[handle] = what
