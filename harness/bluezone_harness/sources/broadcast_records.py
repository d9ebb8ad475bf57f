"""The record of a broadcast, put together: what was on the air from when until when, and what peers did with it.

Theory of operation. The record comes as events (``sent_lines`` says what each holds). A set that begins to be sent is
on the air until it ends; one that begins anew has ended there; one that has no end was sent to the end of the record. A
connection lasts from one line of its address to the next; what is read at the address meanwhile is told with it.

What a line says against another is told and leaves the rest as it is. Whoever judges by the record has to know two
things of it: that it is cut, for then nobody knows what came later; and that lines could not be read, for then
something else may have been on the air.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Capability, Diagnostic, Event, Extent, Gap, Severity, Source

KIND = "broadcast_record"
"""What a report calls this kind of evidence."""
CONNECTABLE = frozenset({"ADV_IND", "ADV_DIRECT_IND"})
"""PDU types that invite a connection. Source: Core Specification, Vol 6 Part B 2.3.1."""
SCANNABLE = frozenset({"ADV_IND", "ADV_SCAN_IND"})
"""PDU types that a scan response may follow. Source: Core Specification, Vol 6 Part B 2.3.1."""
_REMARKS = 8
"""Lines that do not fit are told one by one up to so many."""


@dataclass(frozen=True, slots=True)
class OnAir:
    """An advertising set, for as long as it was sent without a change.

    Attributes:
        number: Of the line that says that it began.
        sender: Name of the phone, advert or relay.
        address: As text, in upper case.
        pdu: Its PDU type, such as ``ADV_IND``.
        ad: AdvData.
        response: Scan response data; empty where there are none, or no scan request is answered.
        interval_us: Advertising interval, without advDelay.
        rssi: With which it arrives, where that is known, in dBm.
        from_us: When it began.
        until_us: When it ended.
        adverts: How many advertising events there were, where that is known.
    """

    number: int
    sender: str
    address: str
    pdu: str
    ad: bytes
    response: bytes
    interval_us: int
    rssi: int | None
    from_us: int
    until_us: int
    adverts: int | None = None

    @property
    def is_connectable(self) -> bool:
        """A peer may connect to it."""
        return self.pdu in CONNECTABLE


@dataclass(frozen=True, slots=True)
class PeerRead:
    """A read of a characteristic by a peer.

    Attributes:
        number: Of the line.
        address: At which it was read.
        time_us: When it was answered.
        characteristic: UUID.
        value: What was answered; ``None``: no value.
        att_error: The error that was answered; ``None`` with no value: there was no answer.
    """

    number: int
    address: str
    time_us: int
    characteristic: str
    value: bytes | None
    att_error: int | None


@dataclass(frozen=True, slots=True)
class PeerConnection:
    """A connection of a peer.

    Attributes:
        number: Of the line that says that it began.
        address: To which the peer connected.
        peer: Address of the peer; empty where it is not known.
        from_us: When it began.
        until_us: When it ended.
        is_closed: The record says that it ended; else it is taken to last to the end of the record.
        reads: During it, in their order.
    """

    number: int
    address: str
    peer: str
    from_us: int
    until_us: int
    is_closed: bool
    reads: tuple[PeerRead, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BroadcastRecord:
    """The record of a broadcast, read.

    Attributes:
        name: Of the file, without folders.
        sha256: Of its octets, in hex.
        scenario_sha256: Of the scenario that was played, in hex.
        scenario_text: That scenario, whole.
        start_us: When the scenario began.
        until_us: When the record ends.
        is_cut: It does not come to its end: what came later nobody knows.
        is_damaged: Lines of it could not be read: something else may have been on the air.
        sent: All that was on the air, in the order in which it began.
        connections: Of peers, in the order in which they began.
        gaps: Times in which nothing was sent, whatever was to be.
        diagnostics: What there is to know about its damage.
        lines: How many lines it holds.
    """

    name: str
    sha256: str
    scenario_sha256: str
    scenario_text: str
    start_us: int
    until_us: int
    is_cut: bool
    is_damaged: bool
    sent: tuple[OnAir, ...]
    connections: tuple[PeerConnection, ...]
    gaps: tuple[tuple[int, int], ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    lines: int = 0

    @property
    def is_whole(self) -> bool:
        """It is neither cut nor damaged."""
        return not (self.is_cut or self.is_damaged)

    @property
    def reads(self) -> tuple[PeerRead, ...]:
        """Of all connections, in the order of time."""
        found = (read for each in self.connections for read in each.reads)
        return tuple(sorted(found, key=lambda each: (each.time_us, each.number)))

    # what every piece of evidence is asked for

    @property
    def kind(self) -> str:
        """What it is."""
        return KIND

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What it can show."""
        return {Capability.SENT: Extent.YES if self.is_whole else Extent.PARTIAL}

    @property
    def partial(self) -> bool:
        """Some of it is missing or could not be read."""
        return not self.is_whole

    @property
    def contents(self) -> Mapping[str, int]:
        """How many lines, sets on the air and connections it holds."""
        return {"lines": self.lines, "sets": len(self.sent), "connections": len(self.connections)}


def is_broadcast_record(capabilities: Mapping[Capability, Extent]) -> bool:
    """Tell whether the source of these capabilities is the record of a broadcast, and no capture to be judged."""
    return capabilities.get(Capability.SENT, Extent.NO) is not Extent.NO


def read_broadcast_record(source: Source) -> BroadcastRecord:
    """Read the record of a broadcast to its end.

    Args:
        source: A recording whose header says that it tells what was sent.

    Raises:
        EvidenceError: It does not say which scenario was played: nothing can be judged by it.
    """
    joined = _Joined(source.name)
    for each in source:
        if isinstance(each, Event):
            joined.take(each)
        elif isinstance(each, Gap):
            joined.gap(each)
    told = source.diagnostics
    # a recording that has no 'end' is damaged by that alone, and tells nothing else
    refused = any(each.severity is Severity.ERROR and "cannot be read" in each.message for each in told)
    return joined.record(source, is_cut=source.damaged and not refused, is_damaged=refused)


@dataclass(slots=True)
class _Open:
    """A set or a connection that has begun."""

    event: Event
    reads: list[PeerRead] = field(default_factory=list)


class _Joined:
    """Lines of a record, joined one after another."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._scenario: Event | None = None
        self._last_us = 0
        self._sets: dict[object, _Open] = {}
        self._sent: list[OnAir] = []
        self._open: dict[str, _Open] = {}
        self._connections: list[PeerConnection] = []
        self._gaps: list[tuple[int, int]] = []
        self._remarks: list[Diagnostic] = []
        self._unfit = 0

    def take(self, event: Event) -> None:
        """Take the next line; what is no line of a record (an event of the scenario) is passed over."""
        self._last_us = max(self._last_us, event.time_us)
        match event.name:
            case "scenario":
                if self._scenario is None:
                    self._scenario = event
                else:
                    self._does_not_fit(event, "a second scenario in one record")
            case "on_air":
                key = event.fields["set"]
                if key in self._sets:
                    self._end_set(key, event.time_us, None)
                self._sets[key] = _Open(event)
            case "off_air":
                if event.fields["set"] in self._sets:
                    self._end_set(event.fields["set"], event.time_us, _number(event, "adverts"))
                else:
                    self._does_not_fit(event, "a set ends that was not on the air")
            case "peer_connected":
                self._close(_address(event), event.time_us, is_closed=True)
                self._open[_address(event)] = _Open(event)
            case "peer_read":
                self._read(event)
            case "peer_disconnected":
                if _address(event) in self._open:
                    self._close(_address(event), event.time_us, is_closed=True)
                else:
                    self._does_not_fit(event, "a connection ends that had not begun")

    def gap(self, gap: Gap) -> None:
        """Take a time in which nothing was sent."""
        self._last_us = max(self._last_us, gap.until_us)
        self._gaps.append((gap.time_us, gap.until_us))

    def record(self, source: Source, *, is_cut: bool, is_damaged: bool) -> BroadcastRecord:
        """Return the record; what is still on the air ends with it."""
        if self._scenario is None:
            raise EvidenceError(
                self._name, "it is no record of a broadcast: it does not say which scenario was played"
            )
        for key in list(self._sets):
            self._end_set(key, self._last_us, None)
        for address in list(self._open):
            self._close(address, self._last_us, is_closed=False)
        if self._unfit > _REMARKS:
            message = f"{self._unfit - _REMARKS} further lines do not fit"
            self._remarks.append(Diagnostic(self._name, None, Severity.WARNING, message))
        return BroadcastRecord(
            source.name,
            source.sha256,
            str(self._scenario.fields["sha256"]),
            str(self._scenario.fields["text"]),
            self._scenario.time_us,
            self._last_us,
            is_cut,
            is_damaged,
            tuple(sorted(self._sent, key=lambda each: (each.from_us, each.number))),
            tuple(sorted(self._connections, key=lambda each: (each.from_us, each.number))),
            tuple(self._gaps),
            (*source.diagnostics, *self._remarks),
            source.packets,
        )

    def _end_set(self, key: object, until_us: int, adverts: int | None) -> None:
        event = self._sets.pop(key).event
        pdu = str(event.fields["pdu"])
        self._sent.append(
            OnAir(
                event.number,
                str(event.fields["sender"]),
                _address(event),
                pdu,
                _octets(event, "ad"),
                _octets(event, "response") if pdu in SCANNABLE else b"",
                _number(event, "interval_us") or 1,
                _number(event, "rssi"),
                event.time_us,
                max(until_us, event.time_us),
                adverts,
            )
        )

    def _close(self, address: str, until_us: int, *, is_closed: bool) -> None:
        opened = self._open.pop(address, None)
        if opened is not None:
            event = opened.event
            peer = str(event.fields.get("peer", "")).upper()
            reads = tuple(opened.reads)
            until_us = max(until_us, event.time_us)
            self._connections.append(
                PeerConnection(event.number, address, peer, event.time_us, until_us, is_closed, reads)
            )

    def _read(self, event: Event) -> None:
        address = _address(event)
        if address not in self._open:
            self._does_not_fit(event, "a value is read without a connection")
            self._open[address] = _Open(event)
        value = event.fields.get("value")
        read = PeerRead(
            event.number,
            address,
            event.time_us,
            str(event.fields["characteristic"]),
            None if value is None else _octets(event, "value"),
            _number(event, "att_error"),
        )
        self._open[address].reads.append(read)

    def _does_not_fit(self, event: Event, reason: str) -> None:
        self._unfit += 1
        if self._unfit <= _REMARKS:
            message = f"line {event.number} does not fit the lines before it: {reason}"
            self._remarks.append(Diagnostic(self._name, None, Severity.WARNING, message))


def _address(event: Event) -> str:
    return str(event.fields["address"]).upper()


def _octets(event: Event, key: str) -> bytes:
    return bytes.fromhex(str(event.fields.get(key, "")))


def _number(event: Event, key: str) -> int | None:
    value = event.fields.get(key)
    return value if isinstance(value, int) else None


def spans_without(span: tuple[int, int], holes: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return what is left of a span of time without others, in order.

    Args:
        span: From when until when, in any unit.
        holes: The same, in any order, perhaps one over another.
    """
    left: list[tuple[int, int]] = []
    start, end = span
    for hole_from, hole_until in sorted(holes):
        if hole_from >= end:
            break
        if hole_from > start:
            left.append((start, hole_from))
        start = max(start, hole_until)
    if start < end:
        left.append((start, end))
    return tuple(left)
