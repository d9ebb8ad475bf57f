"""What a sighting is, and all that one source had to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from bluezone_harness.observations import AddressType, Asked, Event, Gap, GattRead, PduType

PAUSE_US = 5_000_000
"""The longest pause within a sighting. Source: tolerance window_pause."""


Payload = tuple[bytes | None, AddressType | None, PduType | None, bytes | None]
"""Address and its type, PDU and AdvData."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Adverts that differ in nothing but when and how strongly they were heard.

    Attributes:
        source: Name of the evidence.
        receiver: Who heard them.
        address: 6 octets, the most significant first; ``None`` where the source does not tell.
        address_type: Of that address.
        pdu: Which PDU.
        ad: AdvData.
        first_us: When the first was heard, in microseconds since the Unix epoch.
        last_us: When the last was heard.
        first_number: Packet number of the first in the source.
        last_number: Of the last.
        count: How many.
        rssi_min: The weakest, in dBm; ``None`` where the source does not tell.
        rssi_mean: Their mean, in dBm.
        rssi_max: The strongest, in dBm.
        channels: Indexes of the channels on which they were heard.
        interval_min_us: The shortest time between two; ``None`` for a single one.
        interval_median_us: The median time between two, to the millisecond; ``None`` for a single one.
    """

    source: str
    receiver: str
    address: bytes | None
    address_type: AddressType | None
    pdu: PduType | None
    ad: bytes | None
    first_us: int
    last_us: int
    first_number: int
    last_number: int
    count: int
    rssi_min: int | None
    rssi_mean: float | None
    rssi_max: int | None
    channels: frozenset[int]
    interval_min_us: int | None
    interval_median_us: int | None


class Filling:
    """A sighting while it is made.

    A frozen one is filled by detours; this becomes one by its class, which takes a sixth of the time, and large
    captures have a million.
    """

    __slots__ = tuple(each.name for each in fields(Sighting))

    def __init__(
        self,
        source: str,
        receiver: str,
        address: bytes | None,
        address_type: AddressType | None,
        pdu: PduType | None,
        ad: bytes | None,
        first_us: int,
        last_us: int,
        first_number: int,
        last_number: int,
        count: int,
        rssi_min: int | None,
        rssi_mean: float | None,
        rssi_max: int | None,
        channels: frozenset[int],
        interval_min_us: int | None,
        interval_median_us: int | None,
    ) -> None:
        self.source = source
        self.receiver = receiver
        self.address = address
        self.address_type = address_type
        self.pdu = pdu
        self.ad = ad
        self.first_us = first_us
        self.last_us = last_us
        self.first_number = first_number
        self.last_number = last_number
        self.count = count
        self.rssi_min = rssi_min
        self.rssi_mean = rssi_mean
        self.rssi_max = rssi_max
        self.channels = channels
        self.interval_min_us = interval_min_us
        self.interval_median_us = interval_median_us


@dataclass(frozen=True, slots=True)
class Folded:
    """All that one source had to say.

    Attributes:
        sightings: In the order in which they began.
        reads: GATT values, in the order of the source.
        asked: What a host asked its own controller.
        events: What was noted beside the radio.
        gaps: Times without listening.
        adverts: How many adverts there were.
        first_us: Of any observation; ``None`` where there was none.
        last_us: Of any observation.
        times: When each advert of some payloads was heard, in the order of the source; the same payloads in every
            capture (``AdvertTimes``). Empty unless asked for.
    """

    sightings: Sequence[Sighting]
    reads: tuple[GattRead, ...]
    asked: tuple[Asked, ...]
    events: tuple[Event, ...]
    gaps: tuple[Gap, ...]
    adverts: int
    first_us: int | None
    last_us: int | None
    times: Mapping[Payload, Sequence[int]] = field(default_factory=dict)
