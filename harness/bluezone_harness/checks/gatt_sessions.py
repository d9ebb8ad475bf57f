"""GATT sessions: what happened between a reader and a phone, from the list of services to the end of the connection.

Theory of operation. A session begins where its services were listed, and ends at the disconnect, or where those of the
same address are listed anew; what was read and refused in between is its own. An attempt that failed before is a
session without services. Host logs tell values alone: each of them is then a session of its own, of which nobody knows
when it was opened. Of several readers of one address at once nobody can tell whose a read is: none is polite.

A connection keeps the address to which it was opened, whatever the phone sends from meanwhile: that a read shows the id
of an address is told only by an advert that was heard from it afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.subjects import Subject
from bluezone_harness.findings import Evidence, EvidenceKind
from bluezone_harness.observations import Event, GattRead
from bluezone_reference.profiles import V3

SERVICE = V3.advertisement.ios_service_uuid
CHARACTERISTIC = V3.advertisement.ios_characteristic_uuid
SERVICES, ERROR, DISCONNECT = "gatt_services", "gatt_error", "disconnect"
SESSION_EVENTS = frozenset({SERVICES, ERROR, DISCONNECT})
"""Names of the events that tell of sessions."""
_ID_OCTETS = V3.advertisement.id_octets


@dataclass(frozen=True, slots=True)
class Characteristic:
    """A characteristic as a session listed it.

    Attributes:
        uuid: In canonical text form.
        properties: Such as ``read``.
    """

    uuid: str
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A primary service as a session listed it.

    Attributes:
        uuid: In canonical text form.
        characteristics: In the order of their handles.
    """

    uuid: str
    characteristics: tuple[Characteristic, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A step of a session that failed.

    Attributes:
        number: Of the line in its source.
        time_us: When.
        step: ``connect``, ``discover`` or ``read``.
        characteristic: UUID of the one that was to be read; empty where that is not told.
        att_error: The phone's answer; ``None``: it gave none.
        reason: For people.
    """

    number: int
    time_us: int
    step: str
    characteristic: str
    att_error: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Session:
    """A connection, or an attempt at one.

    Attributes:
        source: Name of the evidence.
        receiver: Who connected.
        address: Of the phone, as it was connected to; ``None`` where the source does not tell.
        number: Of its first line in the source.
        time_us: When its services were listed, or its first line.
        services: In the order of their handles; ``None``: they were not listed.
        reads: In the order of the source.
        refusals: In the order of the source.
    """

    source: str
    receiver: str
    address: bytes | None
    number: int
    time_us: int
    services: tuple[Service, ...] | None
    reads: tuple[GattRead, ...]
    refusals: tuple[Refusal, ...]

    @property
    def instances(self) -> tuple[Service, ...]:
        """Bluezone's service, as often as it was listed."""
        return tuple(each for each in self.services or () if each.uuid == SERVICE)

    def evidence(self) -> Evidence:
        """Point at its first line."""
        services = "no services were listed"
        if self.services is not None:
            services = f"{len(self.services)} services, {len(self.instances)} of them Bluezone's"
        text = f"session with {_address_text(self.address)}: {services}, {len(self.reads)} reads"
        return self._at(self.number, self.time_us, b"", text)

    def of_refusal(self, refusal: Refusal) -> Evidence:
        """Point at a step that failed."""
        text = f"{refusal.step} at {_address_text(self.address)}: {refusal.reason}"
        return self._at(refusal.number, refusal.time_us, b"", text)

    def _at(self, number: int, time_us: int, octets: bytes, text: str) -> Evidence:
        return Evidence(
            EvidenceKind.PACKET, self.source, number, None, time_us // 1000, self.receiver, octets, text
        )


def of_read(source: str, read: GattRead) -> Evidence:
    """Point at a read."""
    return Evidence(
        EvidenceKind.PACKET,
        source,
        read.number,
        None,
        read.time_us // 1000,
        read.receiver,
        read.value,
        f"{read.value.hex().upper() or 'no octets'} read at {_address_text(read.address)}",
    )


def is_of_id(read: GattRead) -> bool:
    """Tell whether a read is of the characteristic of the rolling id; where that is not told, by its length."""
    characteristic = read.characteristic.lower()
    return characteristic == CHARACTERISTIC or (not characteristic and len(read.value) == _ID_OCTETS)


def sessions(captures: Iterable[Capture]) -> tuple[Session, ...]:
    """Return the sessions of captures, each in the order of its source."""
    return tuple(each for capture in captures for each in _sessions(capture))


def read_values(captures: Sequence[Capture]) -> Mapping[bytes, frozenset[bytes]]:
    """Return what was read of Bluezone's characteristic, by address; nothing of those that only offered its service."""
    found: dict[bytes, set[bytes]] = {}
    for capture in captures:
        for read in capture.folded.reads:
            if read.address is not None and read.characteristic and is_of_id(read):
                found.setdefault(read.address, set()).add(read.value)
    if any(capture.folded.events for capture in captures):
        for each in sessions(captures):
            if each.address is not None and each.instances:
                found.setdefault(each.address, set())
    return {address: frozenset(values) for address, values in found.items()}


@lru_cache(maxsize=4)
def addresses_of(subject: Subject) -> frozenset[bytes]:
    """Return the addresses that a subject sent from, or was read at; the last few answers are kept."""
    if not any(each.folded.reads or each.folded.events for each in subject.captures):
        return subject.read_addresses
    sent = {each.address for each in subject.sightings}
    return subject.read_addresses | {each for each in sent if each is not None}


def sessions_of(subject: Subject) -> tuple[Session, ...]:
    """Return the sessions with a subject."""
    known = addresses_of(subject)
    return tuple(each for each in sessions(subject.captures) if each.address in known)


def reads_of(subject: Subject) -> tuple[tuple[str, GattRead], ...]:
    """Return the reads of a subject's rolling ids, of whatever length, each with the name of its capture."""
    known = addresses_of(subject)
    return tuple(
        (capture.name, read)
        for capture in subject.captures
        for read in capture.folded.reads
        if read.address in known and is_of_id(read)
    )


# --- out of events ---


@dataclass(slots=True)
class _Open:
    """A session that may go on."""

    first: Event | GattRead
    receiver: str
    address: bytes | None
    services: tuple[Service, ...] | None = None
    reads: list[GattRead] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def closed(self, source: str) -> Session:
        first = self.first
        return Session(
            source,
            self.receiver,
            self.address,
            first.number,
            first.time_us,
            self.services,
            tuple(self.reads),
            tuple(self.refusals),
        )


def _sessions(capture: Capture) -> Iterator[Session]:
    events = [each for each in capture.folded.events if each.name in SESSION_EVENTS]
    told: list[Event | GattRead] = sorted([*events, *capture.folded.reads], key=lambda each: each.number)
    found: list[_Open] = []
    opened: dict[bytes | None, _Open] = {}
    for each in told:
        address = each.address if isinstance(each, GattRead) else session_address(each)
        current = opened.get(address)
        if isinstance(each, Event) and each.name == DISCONNECT:
            opened.pop(address, None)
            continue
        if current is None or (isinstance(each, Event) and each.name == SERVICES):
            receiver = each.receiver if isinstance(each, GattRead) else _text(each.fields.get("receiver"))
            current = _Open(each, receiver, address)
            found.append(current)
            opened.pop(address, None)
        if isinstance(each, GattRead):
            current.reads.append(each)
        elif each.name == SERVICES:
            current.services = tuple(_services(each.fields.get("services")))
            opened[address] = current
        else:
            current.refusals.append(_refusal(each))
    return (each.closed(capture.name) for each in found)


def session_address(event: Event) -> bytes | None:
    """Return the address of an event of a session: 6 octets, the most significant first; ``None``: it tells none."""
    text = event.fields.get("address")
    return bytes.fromhex(text.replace(":", "")) if isinstance(text, str) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def has_bluezone_service(event: Event) -> bool:
    """Tell whether Bluezone's service is among those that an event of a session lists."""
    return any(each.uuid == SERVICE for each in _services(event.fields.get("services")))


def _services(value: object) -> Iterator[Service]:
    for each in _members(value):
        characteristics = (
            Characteristic(_text(found.get("uuid")), tuple(map(_text, _list(found.get("properties")))))
            for found in _members(each.get("characteristics"))
        )
        yield Service(_text(each.get("uuid")), tuple(characteristics))


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _members(value: object) -> Iterator[Mapping[str, object]]:
    return (each for each in _list(value) if isinstance(each, Mapping))


def _refusal(event: Event) -> Refusal:
    fields = event.fields
    att_error = fields.get("att_error")
    return Refusal(
        event.number,
        event.time_us,
        _text(fields.get("step")),
        _text(fields.get("characteristic")),
        att_error if isinstance(att_error, int) else None,
        _text(fields.get("reason")),
    )


def _address_text(address: bytes | None) -> str:
    return "no address" if address is None else address.hex(":").upper()
