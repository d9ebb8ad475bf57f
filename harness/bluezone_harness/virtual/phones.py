"""Virtual phones: from a plan to the packets that receivers hear.

::

    PhonePlan  ->  Behaviour (faults)  ->  on-windows (schedules)  ->  SentWindow  ->  AirPacket (radio)
                                           id, address, AdvData of each

The same plan and seed give the same packets, octet by octet, on every Python: numbers come from ``random.Random``,
seeded with text, and from nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random

from bluezone_harness.observations import AddressType, PduType, instant_text
from bluezone_reference.key_schedule import DAY_MS, KEY_OCTETS, day_start_ms

from .addresses import Addresses
from .behaviours import AdWriter, ios_background, ios_open
from .faults import behaviour_of
from .plans import AirPacket, IdSource, PhonePlan, Plan, SentWindow, Span
from .radio import heard
from .schedules import android_windows, iphone_windows, within
from .strangers import apple_frame, stranger_phone, thing_windows
from .window_faults import in_order

__all__ = [
    "AirPacket",
    "PhonePlan",
    "Plan",
    "SentWindow",
    "Span",
    "device_file",
    "drawn_phone",
    "prepared",
    "sent_windows",
    "simulate",
]

_IOS_FACTOR, _APPLE_FACTOR = 2, 8
"""How much rarer an iPhone's adverts are than an Android phone's, and its other frames."""
_BEFORE_MS = 30_000


def simulate(plan: Plan, seed: int) -> Iterator[AirPacket]:
    """Simulate phones and what receivers hear of them.

    Args:
        plan: What happens.
        seed: Any integer.

    Returns:
        Packets in the order of time.

    Raises:
        ValueError: A planted fault is unknown, of another platform, or contradicts another; a base day is no midnight.
        RefusedError: BAD_BASE_ID.
    """
    plan = prepared(plan, seed)
    senders = [(sent_windows(phone, plan, seed), _random(seed, phone.name, "air")) for phone in plan.phones]
    for number in range(plan.strangers):
        name = f"stranger {number + 1}"
        random = _random(seed, name, "stranger")
        phone = stranger_phone(number, plan, random)
        windows = thing_windows(number, plan, random) if phone is None else sent_windows(phone, plan, seed)
        senders.append((windows, _random(seed, name, "air")))
    return heard(senders, plan)


def prepared(plan: Plan, seed: int) -> Plan:
    """Return the plan as its faults change it: other base ids and base days, changes of ``max``.

    A plan that is prepared already stays as it is. A device file has to be made from it.

    Raises:
        ValueError: As ``simulate``.
    """
    return replace(
        plan,
        phones=tuple(
            behaviour_of(phone).plan(phone, plan, _random(seed, phone.name, "plan")) for phone in plan.phones
        ),
    )


def sent_windows(phone: PhonePlan, plan: Plan, seed: int) -> Iterator[SentWindow]:
    """Return what a phone sends, each advertising set from start to stop, in the order of their starts.

    Args:
        phone: A phone of a prepared plan.
        plan: Of the simulation.
        seed: Any integer.

    Raises:
        ValueError: As ``simulate``.
        RefusedError: BAD_BASE_ID.
    """
    behaviour = behaviour_of(phone)
    random = _random(seed, phone.name, "phone")
    windows = (_iphone if phone.platform == "ios" else _android)(phone, plan, random)
    return behaviour.windows(phone, _random(seed, phone.name, "windows"), windows)


def drawn_phone(
    name: str, platform: str, start_ms: int, seed: int, faults: tuple[str, ...] = ()
) -> PhonePlan:
    """Draw a phone whose base id is two days to two weeks old.

    Args:
        name: Its name.
        platform: ``android`` or ``ios``.
        start_ms: Of the simulation.
        seed: Any integer.
        faults: Names of planted faults.
    """
    random = _random(seed, name, "key")
    return PhonePlan(
        name=name,
        platform="ios" if platform == "ios" else "android",
        base_id=random.randbytes(KEY_OCTETS),
        base_day_ms=day_start_ms(start_ms) - (2 + int(12 * random.random())) * DAY_MS,
        faults=faults,
    )


def device_file(phones: Iterable[PhonePlan]) -> bytes:
    """Write the device file of phones of a prepared plan: what their owners could hand over, as JSON.

    A clock offset is not in it: it has to be estimated.
    """
    devices = [
        {
            "name": phone.name,
            "platform": phone.platform,
            "bases": [{"base_id": phone.base_id.hex(), "base_day": instant_text(phone.base_day_ms)[:10]}],
            "max": [
                {"from": instant_text(from_ms), "value": value}
                for from_ms, value in (
                    *(() if phone.max_per_day is None else ((phone.base_day_ms, phone.max_per_day),)),
                    *phone.max_changes,
                )
            ],
            "foreground": [
                {"from": instant_text(from_ms), "to": instant_text(to_ms)}
                for from_ms, to_ms in phone.openings
            ],
        }
        for phone in phones
    ]
    return f"{json.dumps({'schema': 1, 'devices': devices}, indent=2)}\n".encode()


def _android(phone: PhonePlan, plan: Plan, random: Random) -> Iterator[SentWindow]:
    behaviour = behaviour_of(phone)
    ids = behaviour.ids(phone, plan, random)
    write_ad = behaviour.ad_writer(random)
    addresses = behaviour.addresses(random)
    phase_ms = int(_BEFORE_MS * random.random()) if phone.phase_ms is None else phone.phase_ms
    spans = android_windows(
        plan.start_ms, plan.until_ms, phase_ms, phone.openings, behaviour.schedule, random
    )
    return _sent(phone, plan, ids, write_ad, addresses, within(spans, phone.silences))


def _sent(
    phone: PhonePlan,
    plan: Plan,
    ids: IdSource,
    write_ad: AdWriter,
    addresses: Addresses,
    spans: Iterable[Span],
) -> Iterator[SentWindow]:
    pdu = behaviour_of(phone).pdu
    for from_ms, until_ms in spans:
        # BZ-ADV-004: the id is read once, when the on-window begins, and kept until it ends
        rolling_id = ids(from_ms + phone.offset_ms)
        if rolling_id is None:
            continue
        address, address_type = addresses(from_ms, rolling_id)
        yield SentWindow(
            from_ms * 1000,
            until_ms * 1000,
            address,
            address_type,
            pdu,
            write_ad(rolling_id),
            plan.interval_ms * 1000,
        )


def _iphone(phone: PhonePlan, plan: Plan, random: Random) -> Iterator[SentWindow]:
    """Yield an iPhone's frames: Bluezone's, which never show an id, and its system's own beside them."""
    behaviour = behaviour_of(phone)
    name = behaviour.ios_name(random)
    addresses = behaviour.addresses(random)

    def pairs() -> Iterator[tuple[SentWindow, SentWindow]]:
        current, address, address_type = -1, b"", AddressType.RESOLVABLE
        for from_ms, until_ms, number, is_open in iphone_windows(
            plan.start_ms, plan.until_ms, phone.openings, phone.silences, random
        ):
            if number != current:
                current = number
                address, address_type = addresses(from_ms, b"")
            own = SentWindow(
                from_ms * 1000,
                until_ms * 1000,
                address,
                address_type,
                behaviour.pdu,
                ios_open(name) if is_open else ios_background(),
                plan.interval_ms * _IOS_FACTOR * 1000,
            )
            yield (
                own,
                own._replace(
                    pdu=PduType.ADV_IND,
                    ad=apple_frame(random),
                    interval_us=plan.interval_ms * _APPLE_FACTOR * 1000,
                ),
            )

    return in_order(pairs())


def _random(seed: int, name: str, what: str) -> Random:
    return Random(f"{seed} {what} {name}")  # noqa: S311 - a simulation, and no base id of anybody
