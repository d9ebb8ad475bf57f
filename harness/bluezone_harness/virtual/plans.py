"""What a simulation is asked for, and what comes out of it: plans of phones, and packets on the air."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from bluezone_harness.observations import AddressType, PduType
from bluezone_reference.key_schedule import DAY_MS

GREATEST_TIME_MS = 4_294_967_295 * 1000
"""2106-02-07: a capture in the oldest format has 32 bits for the second."""
LEAST_INTERVAL_MS = 20
"""Core Specification, Vol 6 Part B 4.4.2.2: no advertising interval is shorter."""
GREATEST_INTERVAL_MS = 10_240
GREATEST_DURATION_MS = 400 * DAY_MS

Span = tuple[int, int]
"""An interval: its first instant, and the first after it, in milliseconds since the Unix epoch."""


class AirPacket(NamedTuple):
    """One advertising PDU as one receiver heard it. A named tuple: a day of a phone has half a million of them.

    Attributes:
        time_us: When, in microseconds since the Unix epoch.
        address: 6 octets, the most significant first.
        address_type: Of that address.
        pdu: Which PDU.
        ad: AdvData.
        rssi: In dBm.
        channel: Index of the advertising channel, 37 to 39.
        receiver: Who heard it; empty where there is one receiver only.
    """

    time_us: int
    address: bytes
    address_type: AddressType
    pdu: PduType
    ad: bytes
    rssi: int
    channel: int
    receiver: str


class SentWindow(NamedTuple):
    """One advertising set from its start to its stop: what is sent in an on-window.

    Attributes:
        from_us: Start, in microseconds since the Unix epoch, by the receivers' clock.
        until_us: Stop: nothing is sent from here on.
        address: 6 octets, the most significant first.
        address_type: Of that address.
        pdu: Which PDU.
        ad: AdvData.
        interval_us: Nominal advertising interval, without advDelay.
        level: RSSI to add to that of the sender's place, in dB.
        response: AdvData of the scan response; empty: it tells nothing.
    """

    from_us: int
    until_us: int
    address: bytes
    address_type: AddressType
    pdu: PduType
    ad: bytes
    interval_us: int
    level: int = 0
    response: bytes = b""


@dataclass(frozen=True, slots=True)
class PhonePlan:
    """A phone and what happens to it.

    Attributes:
        name: Its own within the plan; it also chooses the phone's random numbers.
        platform: ``android`` or ``ios``.
        base_id: 32 octets.
        base_day_ms: UTC midnight of the day on which it was drawn.
        max_per_day: The setting of ``max`` from the beginning; ``None`` for the default.
        faults: Names of planted faults; none: a correct phone.
        openings: When the app is open, in order. An iPhone without any is taken to have it open all the time; with some
            it shows the overflow form outside them.
        silences: When Bluetooth is off, in order.
        offset_ms: By how much the phone's clock is ahead of the receivers'.
        phase_ms: When the first scheduled on-window begins after the start, up to 30 s; ``None``: drawn.
        max_changes: Later settings of ``max``, in order: when each arrives by the phone's clock, and its value.
        profile: Name of that by which a phone without faults of ids computes them.
        services: The field of an iPhone's overflow form, 16 octets; empty: that of an iPhone with no other app.
        answers_reads: Whether an iPhone answers a read at all.
    """

    name: str
    platform: Literal["android", "ios"]
    base_id: bytes
    base_day_ms: int
    max_per_day: int | None = None
    faults: tuple[str, ...] = ()
    openings: tuple[Span, ...] = ()
    silences: tuple[Span, ...] = ()
    offset_ms: int = 0
    phase_ms: int | None = None
    max_changes: tuple[tuple[int, int], ...] = ()
    profile: str = "v3"
    services: bytes = b""
    answers_reads: bool = True

    def __post_init__(self) -> None:
        """Refuse intervals out of order."""
        for what, spans in (("openings", self.openings), ("silences", self.silences)):
            if any(from_ms >= to_ms for from_ms, to_ms in spans):
                raise ValueError(f"{self.name}: one of the {what} ends before it begins")
            if any(first[1] > second[0] for first, second in pairwise(spans)):
                raise ValueError(f"{self.name}: the {what} overlap or are not in order")
        if list(self.max_changes) != sorted(self.max_changes):
            raise ValueError(f"{self.name}: the settings of max are not in order")
        if self.phase_ms is not None and not 0 <= self.phase_ms <= 30_000:
            raise ValueError(f"{self.name}: the phase is not 0 to 30000 ms")


@dataclass(frozen=True, slots=True)
class Plan:
    """A simulation.

    Attributes:
        phones: Those under test.
        start_ms: When the receivers begin to listen.
        duration_ms: For how long.
        loss: The share of adverts that a receiver misses, 0 to below 1.
        receivers: How many listen.
        strangers: How many others send near by: phones with other keys, old builds, iPhones, other apps, other things.
        interval_ms: Nominal advertising interval of Android phones; longer ones thin a capture out.
        gatt: iPhones are read by GATT. Their addresses then change with their slots, as BZ-PRV-001 has it, which reads
            can show; else every 15 minutes.
    """

    phones: tuple[PhonePlan, ...]
    start_ms: int
    duration_ms: int
    loss: float = 0.0
    receivers: int = 1
    strangers: int = 0
    interval_ms: int = 100
    gatt: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        for wrong, reason in (
            (not 1 <= self.duration_ms <= GREATEST_DURATION_MS, "the duration is not up to 400 days"),
            (
                not (self.start_ms >= 0 and self.until_ms <= GREATEST_TIME_MS),
                "the times are not from 1970 to the first days of 2106",
            ),
            (not 0 <= self.loss < 1, "the loss is not from 0 to below 1"),
            (not 1 <= self.receivers <= 16, "there are not 1 to 16 receivers"),
            (not 0 <= self.strangers <= 1000, "there are not 0 to 1000 strangers"),
            (
                not LEAST_INTERVAL_MS <= self.interval_ms <= GREATEST_INTERVAL_MS,
                f"the interval is not {LEAST_INTERVAL_MS} to {GREATEST_INTERVAL_MS} ms",
            ),
            (len({phone.name for phone in self.phones}) != len(self.phones), "two phones have one name"),
        ):
            if wrong:
                raise ValueError(reason)

    @property
    def until_ms(self) -> int:
        """First instant after the simulation."""
        return self.start_ms + self.duration_ms


IdSource = Callable[[int], "bytes | None"]
"""What a phone puts on the air when its clock says an instant in ms; ``None``: it cannot, and sends nothing."""
