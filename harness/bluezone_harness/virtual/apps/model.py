"""What a virtual app is, when it listens, and what it wants of its radio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Literal

from bluezone_harness.observations import AddressType
from bluezone_harness.virtual.phones import drawn_phone
from bluezone_harness.virtual.plans import PhonePlan, Span

SCAN_ON_MS, SCAN_OFF_MS = 40_000, 260_000
"""How long an Android phone scans, and pauses. Source: chapter Receiver, "Scan windows"."""
OPEN_SCAN_ON_MS, OPEN_SCAN_OFF_MS = 150_000, 5_000
"""The same with its app open."""
NAME = "app"


@dataclass(frozen=True, slots=True)
class AppPlan:
    """An app that is to listen.

    Attributes:
        phone: On which it runs: platform, base id, clock and ``max``. What it would send has no part in this.
        scan_on_ms: How long it scans.
        scan_off_ms: How long it pauses then; 0: never.
        phase_ms: When a scan window begins after the start; one or several may have begun before.
    """

    phone: PhonePlan
    scan_on_ms: int = SCAN_ON_MS
    scan_off_ms: int = SCAN_OFF_MS
    phase_ms: int = 0

    def __post_init__(self) -> None:
        """Refuse a schedule that is none."""
        if self.scan_on_ms < 1 or self.scan_off_ms < 0:
            raise ValueError("an app scans for at least 1 ms, and pauses for 0 ms or more")

    def clock_ms(self, time_us: int) -> int:
        """Return what its clock says at an instant, in milliseconds since the Unix epoch."""
        return time_us // 1000 + self.phone.offset_ms


class Act(StrEnum):
    """What an app wants of its radio."""

    CONNECT = "connect"
    """Connect to the address, from the next advert of it on."""
    READ = "read"
    """Find Bluezone's service on the connection, and read the characteristic of the rolling id."""
    DISCONNECT = "disconnect"
    """End the connection, or what would lead to one."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that an app wants of its radio, at once.

    Attributes:
        act: What.
        attempt: Number of the attempt to read that it is part of.
        address: Of the phone, 6 octets, the most significant first.
        address_type: Of that address.
    """

    act: Act
    attempt: int
    address: bytes
    address_type: AddressType


def drawn_app(
    platform: Literal["android", "ios"],
    start_ms: int,
    seed: int,
    *,
    scan_on_ms: int = SCAN_ON_MS,
    scan_off_ms: int = SCAN_OFF_MS,
) -> AppPlan:
    """Draw an app: its base id, and when within its schedule it is at the start.

    Args:
        platform: Of its phone.
        start_ms: From when on it is wanted, in milliseconds since the Unix epoch.
        seed: Any integer.
        scan_on_ms: How long it scans.
        scan_off_ms: How long it pauses then; 0: never.
    """
    phone = drawn_phone(NAME, platform, start_ms, seed)
    random = Random(f"{seed} scan {NAME}")  # noqa: S311 - a simulation
    phase_ms = int((scan_on_ms + scan_off_ms) * random.random()) if scan_off_ms else 0
    return AppPlan(phone, scan_on_ms, scan_off_ms, phase_ms)


def scan_spans(app: AppPlan, start_ms: int, until_ms: int) -> Iterator[Span]:
    """Yield when an app scans, in order, from a start until an end; both in milliseconds since the Unix epoch."""
    if not app.scan_off_ms:
        yield start_ms, until_ms
        return
    period_ms = app.scan_on_ms + app.scan_off_ms
    from_ms = start_ms + app.phase_ms % period_ms - period_ms
    while from_ms < until_ms:
        begin_ms, end_ms = max(from_ms, start_ms), min(from_ms + app.scan_on_ms, until_ms)
        if begin_ms < end_ms:
            yield begin_ms, end_ms
        from_ms += period_ms
