"""Phones on the air, written by hand: their on-windows, an address for each, ids by hashlib alone."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from hashlib import sha256

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement
from bluezone_harness.observations import Capability
from bluezone_harness.results import Result
from bluezone_harness.sightings import Sighting

DAY_MS = 86_400_000
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)


def private_address(*words: object) -> str:
    """Return a resolvable private address that depends on some words: its two most significant bits are 01."""
    octets = sha256(repr(words).encode()).digest()[:6]
    return bytes([octets[0] & 0x3F | 0x40, *octets[1:]]).hex(":").upper()


@pytest.fixture(scope="session")
def phone(sighting: Callable[..., Sighting], own_id: Callable[..., bytes]) -> Callable[..., list[Sighting]]:
    """Return a function from an interval (start in ms, minutes) to the sightings of a phone in ordinary operation.

    On-windows of 15 s begin every 30 s, each with an address of its own and the id of its beginning. By name: ``name``
    (other names, other addresses), ``id_at`` (instant to id), ``address_at`` (instant to address), ``phase_ms``,
    ``every_ms``, ``seconds``, ``between_ms`` (two adverts), and what the fixture ``sighting`` takes.
    """

    def make(
        start_ms: int,
        minutes: float,
        *,
        name: str = "phone",
        id_at: Callable[[int], bytes] | None = None,
        address_at: Callable[[int], str] | None = None,
        phase_ms: int = 0,
        every_ms: int = 30_000,
        seconds: float = 15,
        between_ms: int = 100,
        **sent: object,
    ) -> list[Sighting]:
        id_of = own_id if id_at is None else id_at
        return [
            sighting(
                time_ms,
                id_of(time_ms),
                seconds=seconds,
                every_ms=between_ms,
                address=private_address(name, time_ms) if address_at is None else address_at(time_ms),
                **sent,
            )
            for time_ms in range(start_ms + phase_ms, start_ms + round(minutes * 60_000), every_ms)
        ]

    return make


@pytest.fixture(scope="session")
def privacy(rules: Callable[[str], Rules]) -> Callable[..., Mapping[str, Judgement]]:
    """Return a function from a subject to what each check of the privacy axis that it can answer says of it.

    By name: ``profile``, and ``without`` (requirements that are not asked about).
    """

    def run(subject: Subject, profile: str = "v3", without: Container[str] = ()) -> Mapping[str, Judgement]:
        shown = subject.capabilities
        return {
            name: each.judge(subject, rules(profile))
            for name, each in CHECKS.items()
            if name.startswith("BZ-PRV") and name not in without
            if Capability.RAW_AD in shown and not each.missing(shown)
        }

    return run


@pytest.fixture(scope="session")
def schedule() -> Callable[..., Callable[[int], bytes]]:
    """Return a function that makes a schedule, which may be wrong, by hashlib alone: from an instant to its id."""

    def make(
        salt: bytes = b"bluzonesubkey",
        positions: tuple[int, ...] = POSITIONS,
        lag: int = 0,
        count: int = 96,
        base_id: bytes = BASE_ID,
        base_day_ms: int = BASE_DAY_MS,
        shift_ms: int = 0,
    ) -> Callable[[int], bytes]:
        days: dict[int, list[bytes]] = {}

        def rolling_id(time_ms: int) -> bytes:
            time_ms += shift_ms
            day = (time_ms - base_day_ms) // DAY_MS
            if day not in days:
                key = base_id
                for _ in range(max(0, day - lag)):
                    key = sha256(key).digest()
                subkey = sha256(key + salt).digest()
                days[day] = []
                for _ in range(count):
                    days[day].append(bytes(subkey[position] for position in positions))
                    subkey = sha256(subkey).digest()
            return days[day][time_ms % DAY_MS * count // DAY_MS]

        return rolling_id

    return make


@pytest.fixture(scope="session")
def right_id(schedule: Callable[..., Callable[[int], bytes]]) -> Callable[[int], bytes]:
    """Return a function from an instant to the phone's rolling id, as it should be."""
    return schedule()


@pytest.fixture(scope="session")
def failing() -> Callable[[Result], set[str]]:
    """Return a function from a result to the requirements that fail."""
    return lambda result: {each.id for each in result.requirements if each.verdict == "fail"}
