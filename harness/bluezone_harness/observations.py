"""What every kind of evidence has in common: what it can show, and what is said about its damage.

Capabilities are how a check and a source meet: a check names what it needs, a source says what it has, and
where the two do not meet the verdict is *not observable*, never a pass. The radio's capabilities stand here
already, so that a capture is one more source and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol


class Capability(StrEnum):
    """What a source can show; a closed list, extended by adding."""

    # the radio
    RAW_AD = "raw_ad"
    """AdvData, octet for octet as they were sent."""
    AD_FIELDS = "ad_fields"
    """What an operating system says that AdvData hold, perhaps put together of an advert, its scan response and what
    came before; no octets that were sent."""
    AD_ORDER = "ad_order"
    ADDRESS = "address"
    ADDRESS_TYPE = "address_type"
    PDU_TYPE = "pdu_type"
    CHANNEL = "channel"
    CRC = "crc"
    INTERVAL = "interval"
    RSSI = "rssi"
    SCAN_RESPONSE = "scan_response"
    GATT = "gatt"
    OWN_COMMANDS = "own_commands"
    SEVERAL_RECEIVERS = "several_receivers"
    TRUE_IDS = "true_ids"
    """Ids, addresses and names as they were sent, and no pseudonyms; in part: those of the device under test."""
    WHOLE_AIR = "whole_air"
    """All that was heard, of whomever; in part: Bluezone's phones only; not: some addresses, or kinds, only."""
    # contact logs and device files
    RECORDS = "records"
    """The rows of a contact log: own id, contact id, RSSI, time."""
    EXPORT_OCTETS = "export_octets"
    """The octets of an export, as the phone wrote them."""
    WHOLE_LOG = "whole_log"
    """All rows that the phone keeps, not only those of the days asked for, with their addresses."""
    READ_CACHE = "read_cache"
    """The table of phones that were read by GATT."""
    BASE_ID = "base_id"
    """The base ids of the device under test, with their base days."""
    # records of broadcasts
    SENT = "sent"
    """All that was sent towards the device under test: each advertising set with its AdvData, from when until when."""


RADIO = frozenset(
    {
        Capability.RAW_AD,
        Capability.AD_FIELDS,
        Capability.AD_ORDER,
        Capability.ADDRESS,
        Capability.ADDRESS_TYPE,
        Capability.PDU_TYPE,
        Capability.CHANNEL,
        Capability.CRC,
        Capability.INTERVAL,
        Capability.RSSI,
        Capability.SCAN_RESPONSE,
        Capability.GATT,
        Capability.OWN_COMMANDS,
        Capability.SEVERAL_RECEIVERS,
        Capability.TRUE_IDS,
        Capability.WHOLE_AIR,
    }
)
"""What a capture can have; a contact log has none of it."""
UNLESS_DENIED = frozenset({Capability.TRUE_IDS, Capability.WHOLE_AIR})
"""What every capture has that does not say otherwise: only what was converted can have lost it."""


class Extent(StrEnum):
    """How far a source has a capability."""

    YES = "yes"
    PARTIAL = "partial"
    NO = "no"


def extent_of(shown: Mapping[Capability, Extent], capability: Capability) -> Extent:
    """Return how far a capture has a capability.

    Args:
        shown: What it says that it can show.
        capability: Which one; what is not named it does not have, but for ``UNLESS_DENIED``.
    """
    return shown.get(capability, Extent.YES if capability in UNLESS_DENIED else Extent.NO)


def shows_octets(shown: Mapping[Capability, Extent]) -> bool:
    """Tell whether all AdvData of a capture are octets that were sent.

    Where some were put together of what an operating system tells, nobody knows afterwards which.
    """
    return extent_of(shown, Capability.RAW_AD) is not Extent.NO and not tells_fields(shown)


def tells_fields(shown: Mapping[Capability, Extent]) -> bool:
    """Tell whether AdvData of a capture, or some of them, were put together of what an operating system tells."""
    return extent_of(shown, Capability.AD_FIELDS) is not Extent.NO


def shown_by(shown: Mapping[Capability, Extent]) -> frozenset[Capability]:
    """Return what a piece of evidence shows, wholly or in part; fields and octets together count as fields."""
    found = frozenset(capability for capability, extent in shown.items() if extent is not Extent.NO)
    return found - {Capability.RAW_AD} if tells_fields(shown) else found


def least(extents: Iterable[Extent]) -> Extent:
    """Return the least of some extents; yes where there are none."""
    return min(extents, key=_LEAST_FIRST.index, default=Extent.YES)


_LEAST_FIRST = (Extent.NO, Extent.PARTIAL, Extent.YES)


class Severity(StrEnum):
    """How much a diagnostic matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something to know about a piece of evidence that belongs to no requirement, such as damage.

    Attributes:
        source: Name of the evidence, without folders.
        offset: Octets from its start, where there is such a place.
        severity: How much it matters.
        message: One sentence for people, without a full stop.
    """

    source: str
    offset: int | None
    severity: Severity
    message: str


class AddressType(StrEnum):
    """What kind of device address it is (Core Specification, Vol 6 Part B 1.3)."""

    PUBLIC = "public"
    STATIC = "static"
    RESOLVABLE = "resolvable"
    NON_RESOLVABLE = "non_resolvable"
    RESERVED = "reserved"
    """A random address whose two most significant bits are 10."""
    PUBLIC_IDENTITY = "public_identity"
    """Resolved by the controller that heard it: not the address that was on the air."""
    RANDOM_IDENTITY = "random_identity"


class PduType(StrEnum):
    """The advertising PDU (Core Specification, Vol 6 Part B 2.3.1)."""

    ADV_IND = "ADV_IND"
    ADV_DIRECT_IND = "ADV_DIRECT_IND"
    ADV_NONCONN_IND = "ADV_NONCONN_IND"
    ADV_SCAN_IND = "ADV_SCAN_IND"
    SCAN_RSP = "SCAN_RSP"
    ADV_EXT_IND = "ADV_EXT_IND"
    """Any extended advertising, its auxiliary PDUs included."""


def random_address_type(address: bytes) -> AddressType:
    """Return the kind of a random address, which its two most significant bits tell.

    Args:
        address: 6 octets, the most significant first.

    Raises:
        ValueError: It is not 6 octets.

    Source: Core Specification, Vol 6 Part B 1.3.2.
    """
    if len(address) != 6:
        raise ValueError("a device address is 6 octets")
    return (
        AddressType.NON_RESOLVABLE,
        AddressType.RESOLVABLE,
        AddressType.RESERVED,
        AddressType.STATIC,
    )[address[0] >> 6]


@dataclass(frozen=True, slots=True)
class Advert:
    """One advertising PDU, as it was heard. What a source cannot show is ``None``.

    Attributes:
        number: Of the packet in its source, from 1.
        time_us: When it was heard, in microseconds since the Unix epoch.
        receiver: Who heard it; empty where the source has one receiver without a name.
        address: 6 octets, the most significant first.
        address_type: Of that address.
        pdu: Which PDU.
        ad: AdvData, or the data of a scan response; of a source of ``Capability.AD_FIELDS`` put together of fields.
        rssi: In dBm.
        channel: Index of the channel: 37 to 39, or 0 to 36 for what extended advertising sends there.
    """

    number: int
    time_us: int
    receiver: str
    address: bytes | None
    address_type: AddressType | None
    pdu: PduType | None
    ad: bytes | None
    rssi: int | None
    channel: int | None


@dataclass(frozen=True, slots=True)
class GattRead:
    """One value that was read from a phone's GATT server.

    Attributes:
        number: Of the packet or line in its source.
        time_us: When the value arrived.
        receiver: Who read it.
        address: Of the phone that was read.
        address_type: Of that address.
        service: UUID in canonical text form; empty where the source does not tell.
        characteristic: UUID in canonical text form; empty where the source does not tell.
        value: The octets.
    """

    number: int
    time_us: int
    receiver: str
    address: bytes | None
    address_type: AddressType | None
    service: str
    characteristic: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What a host asked its own controller to do: asked for, which is no proof that it was on the air.

    Attributes:
        number: Of the packet in its source.
        time_us: When.
        receiver: Whose controller.
        name: The command, as the Core Specification calls it.
        octets: Its parameters.
    """

    number: int
    time_us: int
    receiver: str
    name: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was noted beside the radio: a push, consent, the clock that was set.

    Attributes:
        number: Of the line in its source.
        time_us: When.
        name: Such as ``clock_set``.
        fields: What else was noted.
    """

    number: int
    time_us: int
    name: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which the receiver did not listen.

    Attributes:
        number: Of the line in its source.
        time_us: When it began.
        until_us: When it ended.
    """

    number: int
    time_us: int
    until_us: int


Observation = Advert | GattRead | Asked | Event | Gap


class Source(Protocol):
    """Where observations come from: read lazily, in the order of the source, in constant memory.

    Reading never raises: damage gives every good record before it and one diagnostic.
    """

    @property
    def name(self) -> str:
        """Name of the evidence, without folders."""

    @property
    def kind(self) -> str:
        """What it is, such as ``pcap`` or ``recording``."""

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What it can show; known in full when everything was read."""

    @property
    def packets(self) -> int:
        """Packets or lines read so far, of any kind."""

    @property
    def damaged(self) -> bool:
        """Something could not be read."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What there is to know about its damage, so far."""

    @property
    def sha256(self) -> str:
        """Of the octets read so far, in hex."""

    def __iter__(self) -> Iterator[Observation]:
        """Yield the observations; once."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS_MS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1))


def instant_text(time_ms: int) -> str:
    """Write an instant for people: ISO 8601, UTC, to the millisecond.

    Args:
        time_ms: Milliseconds since the Unix epoch.

    Returns:
        Such as ``2020-08-08T05:56:31.387+00:00``; the number and its unit where no calendar goes so far.
    """
    try:
        return (_EPOCH + timedelta(milliseconds=time_ms)).isoformat(timespec="milliseconds")
    except OverflowError:
        return f"{time_ms} ms since 1970"


def duration_text(duration_ms: int) -> str:
    """Write a duration for people, in its two greatest units, such as ``17 min 45 s``."""
    parts: list[str] = []
    rest_ms = abs(duration_ms)
    for unit, unit_ms in _UNITS_MS:
        count, rest_ms = divmod(rest_ms, unit_ms)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2 or (parts and not count):
            break
    return ("-" if duration_ms < 0 else "") + (" ".join(parts) or "0 s")
