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
from functools import partial
from random import Random
from typing import NamedTuple

from bluezone_harness.observations import AddressType, PduType, instant_text
from bluezone_reference.key_schedule import DAY_MS, KEY_OCTETS, day_start_ms

from .addresses import Addresses
from .behaviours import AdWriter
from .faults import behaviour_of
from .id_sources import slots_at
from .plans import AirPacket, IdSource, PhonePlan, Plan, SentWindow, Span
from .radio import heard
from .reads import GattServer
from .schedules import android_windows, iphone_windows, within
from .strangers import apple_frame, stranger_phone, thing_windows
from .window_faults import in_order

__all__ = [
    "AirPacket",
    "PhonePlan",
    "Plan",
    "Sender",
    "SentWindow",
    "Span",
    "device_file",
    "drawn_phone",
    "gatt_server",
    "prepared",
    "senders",
    "sends_responses",
    "sent_windows",
    "simulate",
    "stranger_phones",
]

_IOS_FACTOR, _APPLE_FACTOR = 2, 8
"""How much rarer an iPhone's adverts are than an Android phone's, and its other frames."""
_BEFORE_MS = 30_000
OUT_OF_STEP_MS = 180_000, 720_000
"""How long after the end of a slot the address of an iPhone changes that is out of step with its ids."""


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
    return heard([(each.windows, each.random) for each in senders(plan, seed)], plan)


class Sender(NamedTuple):
    """Who sends in a simulation.

    Attributes:
        name: Its own; those of strangers are numbered.
        phone: Its plan; ``None``: it has no Bluezone.
        windows: What it sends, in the order of their starts; once.
        random: What the radio draws from for it.
    """

    name: str
    phone: PhonePlan | None
    windows: Iterator[SentWindow]
    random: Random


def senders(plan: Plan, seed: int) -> list[Sender]:
    """Return who sends, in the order in which they are numbered on the air: phones under test, then strangers.

    Args:
        plan: Prepared.
        seed: Any integer.

    Raises:
        ValueError: As ``simulate``.
        RefusedError: BAD_BASE_ID.
    """
    found = [
        Sender(phone.name, phone, sent_windows(phone, plan, seed), _random(seed, phone.name, "air"))
        for phone in plan.phones
    ]
    for number in range(plan.strangers):
        phone, random = _stranger(number, plan, seed)
        windows = thing_windows(number, plan, random) if phone is None else sent_windows(phone, plan, seed)
        name = _stranger_name(number)
        found.append(Sender(name, phone, windows, _random(seed, name, "air")))
    return found


def stranger_phones(plan: Plan, seed: int) -> tuple[PhonePlan, ...]:
    """Return the phones with Bluezone among the strangers of a plan."""
    found = (_stranger(number, plan, seed)[0] for number in range(plan.strangers))
    return tuple(each for each in found if each is not None)


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


def sends_responses(plan: Plan, seed: int) -> bool:
    """Tell whether somebody in a simulation has something to say in a scan response.

    Args:
        plan: Prepared.
        seed: Any integer.

    Raises:
        ValueError: As ``simulate``.
    """
    phones = (each for each in (*plan.phones, *stranger_phones(plan, seed)) if each.platform == "ios")
    return any(
        behaviour_of(each).ios_frames(each, _random(seed, each.name, "phone")).open_response
        for each in phones
    )


def gatt_server(phone: PhonePlan, plan: Plan, seed: int) -> GattServer:
    """Return what an iPhone offers to whoever connects, and how it answers.

    Its ids come from the same source as those of adverts would, faults included. An answer may depend on what was asked
    before: ask in the order of time, and make one server for each run.

    Args:
        phone: A phone of a prepared plan.
        plan: Of the simulation.
        seed: Any integer.

    Raises:
        ValueError: As ``simulate``.
        RefusedError: BAD_BASE_ID.
    """
    behaviour = behaviour_of(phone)
    ids = behaviour.ids(phone, plan, _random(seed, phone.name, "reads"))
    return GattServer(
        behaviour.reads.services, behaviour.reads.answers(phone, ids), is_silent=not phone.answers_reads
    )


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


def _stranger(number: int, plan: Plan, seed: int) -> tuple[PhonePlan | None, Random]:
    """Return a stranger that is a phone with Bluezone, or nothing, and what the rest of it is drawn from."""
    random = _random(seed, _stranger_name(number), "stranger")
    return stranger_phone(number, plan, random), random


def _stranger_name(number: int) -> str:
    return f"stranger {number + 1}"


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
    frames = behaviour.ios_frames(phone, random)
    addresses = behaviour.addresses(random)

    slot_end_ms = None
    if plan.gatt:
        least_ms, most_ms = OUT_OF_STEP_MS
        late_ms = 0 if behaviour.in_step else least_ms + int((most_ms - least_ms) * random.random())
        slot_end_ms = partial(_slot_end_ms, phone, late_ms)

    def groups() -> Iterator[tuple[SentWindow, ...]]:
        current, address, address_type = -1, b"", AddressType.RESOLVABLE
        for from_ms, until_ms, number, is_open in iphone_windows(
            plan.start_ms, plan.until_ms, phone.openings, phone.silences, random, slot_end_ms
        ):
            if number != current:
                current = number
                address, address_type = addresses(from_ms, b"")
            of_system = SentWindow(
                from_ms * 1000,
                until_ms * 1000,
                address,
                address_type,
                PduType.ADV_IND,
                apple_frame(random),
                plan.interval_ms * _APPLE_FACTOR * 1000,
            )
            own_ad = frames.open_ad if is_open else frames.background_ad
            if own_ad is None:
                yield (of_system,)
                continue
            own = of_system._replace(
                pdu=behaviour.pdu,
                ad=own_ad,
                interval_us=plan.interval_ms * _IOS_FACTOR * 1000,
                response=frames.open_response if is_open else b"",
            )
            yield own, of_system

    return in_order(groups())


def _slot_end_ms(phone: PhonePlan, late_ms: int, time_ms: int) -> int:
    """Return when the slot of an instant ends, both by the receivers' clock; a setting that arrives ends it too.

    Args:
        phone: Its plan.
        late_ms: By how much later than its slots the phone counts.
        time_ms: The instant.
    """
    clock_ms = time_ms + phone.offset_ms - late_ms
    day, since_ms = divmod(clock_ms, DAY_MS)
    count = slots_at(phone, clock_ms)
    slot = since_ms * count // DAY_MS
    end_ms = day * DAY_MS - (slot + 1) * DAY_MS // -count
    return (
        min([end_ms, *(each for each, _ in phone.max_changes if each > clock_ms)]) - phone.offset_ms + late_ms
    )


def _random(seed: int, name: str, what: str) -> Random:
    return Random(f"{seed} {what} {name}")  # noqa: S311 - a simulation, and no base id of anybody
