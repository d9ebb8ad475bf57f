"""Who else is near: other phones with Bluezone, old builds, iPhones, other apps' phones, and things.

A stranger comes and goes once. What is not Bluezone's is written here as octets: it has no form of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Literal

from bluezone_harness.observations import AddressType, PduType
from bluezone_reference.key_schedule import DAY_MS, KEY_OCTETS, day_start_ms

from .addresses import resolvable, static
from .plans import PhonePlan, Plan, SentWindow, Span
from .schedules import ROTATION_MS

_PHONES: dict[int, tuple[Literal["android", "ios"], tuple[str, ...]]] = {
    0: ("android", ()),
    2: ("android", ("v2-build",)),
    3: ("ios", ()),
    5: ("android", ("v1-build",)),
}
_EXPOSURE, _HEADSET = 1, 4
_KINDS = 7
"""The kinds take turns: phones as above, a phone with Exposure Notification, a headset, and a tag."""
_THING_INTERVAL_US = 1_000_000
_EXPOSURE_INTERVAL_US = 270_000


def stranger_phone(number: int, plan: Plan, random: Random) -> PhonePlan | None:
    """Return a stranger with Bluezone, or nothing where this one has another app, or is a thing.

    Args:
        number: Of the stranger, from 0; the kinds take turns, a phone with another key first.
        plan: Of the simulation.
        random: Of the stranger.
    """
    if number % _KINDS not in _PHONES:
        return None
    platform, faults = _PHONES[number % _KINDS]
    from_ms, until_ms = _presence(plan, random)
    away = ((0, from_ms), (until_ms, plan.until_ms + DAY_MS))
    return PhonePlan(
        name=f"stranger {number + 1}",
        platform=platform,
        base_id=random.randbytes(KEY_OCTETS),
        base_day_ms=day_start_ms(plan.start_ms) - (2 + int(100 * random.random())) * DAY_MS,
        faults=faults,
        silences=tuple(span for span in away if span[0] < span[1]),
        offset_ms=int(20_000 * random.random()) - 10_000,
    )


def thing_windows(number: int, plan: Plan, random: Random) -> Iterator[SentWindow]:
    """Yield what a stranger without Bluezone sends."""
    from_ms, until_ms = _presence(plan, random)
    kind = number % _KINDS
    if kind == _EXPOSURE:
        yield from _exposure_notification(plan, from_ms, until_ms, random)
        return
    factor = max(1, plan.interval_ms // 100)
    if kind == _HEADSET:
        address, address_type, pdu = (
            b"\x00\x1b\x66" + random.randbytes(3),
            AddressType.PUBLIC,
            PduType.ADV_IND,
        )
        octets = bytes.fromhex("02010a 0303 0f18 0b09") + b"Headset 21"
    else:
        address, address_type, pdu = static(random), AddressType.STATIC, PduType.ADV_NONCONN_IND
        octets = bytes.fromhex("020106 1aff4c000215") + random.randbytes(20) + b"\xc5"
    yield SentWindow(
        from_ms * 1000, until_ms * 1000, address, address_type, pdu, octets, _THING_INTERVAL_US * factor
    )


def apple_frame(random: Random) -> bytes:
    """Draw one of the frames that an iPhone sends of its own: company 0x004C, type 0x10."""
    return bytes.fromhex("02011a 0aff4c001005") + random.randbytes(5)


def _exposure_notification(plan: Plan, from_ms: int, until_ms: int, random: Random) -> Iterator[SentWindow]:
    """Yield what a phone with another contact-tracing protocol sends: service 0xFD6F, changing with the address."""
    factor = max(1, plan.interval_ms // 100)
    while from_ms < until_ms:
        stop_ms = min(until_ms, from_ms + ROTATION_MS - int(240_000 * random.random()))
        yield SentWindow(
            from_ms * 1000,
            stop_ms * 1000,
            resolvable(random),
            AddressType.RESOLVABLE,
            PduType.ADV_NONCONN_IND,
            bytes.fromhex("02011a 03036ffd 17166ffd") + random.randbytes(20),
            _EXPOSURE_INTERVAL_US * factor,
        )
        from_ms = stop_ms


def _presence(plan: Plan, random: Random) -> Span:
    """Draw when a stranger is near: for a third of the time, or longer."""
    long_ms = max(1, int(plan.duration_ms * (1 + 2 * random.random()) / 3))
    from_ms = plan.start_ms + int((plan.duration_ms - long_ms) * random.random())
    return from_ms, from_ms + long_ms
