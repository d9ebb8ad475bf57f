"""Phones on the air, written by hand: their on-windows, an address for each, ids by hashlib alone."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from hashlib import sha256

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement
from bluezone_harness.observations import Capability
from bluezone_harness.sightings import Sighting


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
