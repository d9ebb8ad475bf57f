"""Planted faults in addresses: not private, or not in step with the ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from bluezone_harness.observations import AddressType

from .addresses import Addresses, resolvable, static
from .behaviours import Change, PlantedFault


def _one_public(random: Random) -> Addresses:
    """Send from the public address of the device."""
    address = b"\x00\x1a\x7d" + random.randbytes(3)
    return lambda time_ms, rolling_id: (address, AddressType.PUBLIC)


def _one_static(random: Random) -> Addresses:
    """Send from one static address."""
    address = static(random)
    return lambda time_ms, rolling_id: (address, AddressType.STATIC)


def _kept_over_id_change(random: Random) -> Addresses:
    """Take a new address at each start, but at the first one with a new id."""
    last_id = last_address = b""

    def address(time_ms: int, rolling_id: bytes) -> tuple[bytes, AddressType]:
        nonlocal last_id, last_address
        if not last_address or rolling_id == last_id:
            last_address = resolvable(random)
        last_id = rolling_id
        return last_address, AddressType.RESOLVABLE

    return address


def _by_timer(period_ms: int) -> Callable[[Random], Addresses]:
    """Take a new address whenever a timer says so, whatever the id does.

    Args:
        period_ms: Of the timer, which is far from every slot's end.
    """

    def policy(random: Random) -> Addresses:
        phase_ms = 180_000 + int(540_000 * random.random())  # between a fifth and four fifths of a slot
        last_number, last_address = -1, b""

        def address(time_ms: int, rolling_id: bytes) -> tuple[bytes, AddressType]:
            nonlocal last_number, last_address
            number = (time_ms - phase_ms) // period_ms
            if number != last_number:
                last_number, last_address = number, resolvable(random)
            return last_address, AddressType.RESOLVABLE

        return address

    return policy


def _change(policy: Callable[[Random], Addresses]) -> Change:
    return lambda behaviour: replace(behaviour, addresses=policy)


ADDRESS_FAULTS = (
    PlantedFault(
        "address-outlives-id",
        "BZ-PRV-001",
        "the rolling id changes, and the address stays for one on-window more",
        _change(_kept_over_id_change),
    ),
    PlantedFault(
        "address-out-of-step",
        "BZ-PRV-001",
        "the address changes every 15 minutes by a timer of its own",
        lambda behaviour: replace(behaviour, addresses=_by_timer(900000), in_step=False),
        platforms=("android", "ios"),
        by_reads=True,
    ),
    PlantedFault(
        "public-address",
        "BZ-PRV-002",
        "the address is the device's public one",
        _change(_one_public),
        breaks=("BZ-PRV-001", "BZ-PRV-003"),
        platforms=("android", "ios"),
    ),
    PlantedFault(
        "static-address",
        "BZ-PRV-002",
        "the address is a static one",
        _change(_one_static),
        breaks=("BZ-PRV-001", "BZ-PRV-003"),
        platforms=("android", "ios"),
    ),
    PlantedFault(
        "long-lived-address",
        "BZ-PRV-003",
        "the address changes every 45 minutes",
        _change(_by_timer(2700000)),
        breaks=("BZ-PRV-001",),
        platforms=("android", "ios"),
    ),
)
