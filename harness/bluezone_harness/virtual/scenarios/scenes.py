"""From a scenario to what is on the air: senders with their on-windows, and the GATT servers of iPhones.

::

    Scenario, start  ->  Plan, prepared  ->  phones: sent_windows, cut to meetings   ->  Scene
                                             adverts: one window each
                                             relays: sent_windows, later, elsewhere

The same scenario and start give the same windows, octet by octet. Every sender draws from random numbers of its own, so
that one more sender changes nothing of what the others send.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from bluezone_harness.observations import random_address_type
from bluezone_harness.virtual.addresses import resolvable, static
from bluezone_harness.virtual.phones import Sender, gatt_server, prepared, senders, sent_windows
from bluezone_harness.virtual.plans import Plan, SentWindow
from bluezone_harness.virtual.reads import GattServer
from bluezone_reference.errors import RefusedError
from bluezone_reference.key_schedule import ID_OCTETS

from .crafted import CRAFTED
from .model import PlayedAdvert, Relay, Scenario
from .phones import plan_of
from .presence import Presence, level_of, near, relayed


@dataclass(frozen=True, slots=True)
class Scene:
    """A scenario that is about to be played. It is played once: make a new one for each play.

    Attributes:
        plan: Of the phones, as their faults change it; iPhones in it are read.
        seed: Of the scenario.
        senders: Phones in the order of the plan, then adverts, then relays; the windows of each can be taken once.
        servers: What iPhones answer, by name; each to be asked in the order of time, and from one place only.
    """

    plan: Plan
    seed: int
    senders: tuple[Sender, ...]
    servers: Mapping[str, GattServer]


def scene_of(scenario: Scenario, start_ms: int) -> Scene:
    """Return what a scenario puts on the air.

    Args:
        scenario: As it was read.
        start_ms: When it begins, in milliseconds since the Unix epoch: its own start, or that at which it is played.

    Raises:
        ValueError: It cannot begin then; a sentence for people without a full stop.
    """
    for phone in scenario.phones:
        if phone.base_day_ms is not None and phone.base_day_ms > start_ms:
            raise ValueError(
                f"{scenario.name}: the base day of {phone.name} is after the start: give the scenario a start"
            )
    phones = tuple(plan_of(each, start_ms, scenario.duration_ms, scenario.seed) for each in scenario.phones)
    try:
        plan = prepared(Plan(phones, start_ms, scenario.duration_ms, gatt=True), scenario.seed)
        found = [_near(each, scenario, plan) for each in senders(plan, scenario.seed)]
        found += [_advert(each, scenario, plan) for each in scenario.adverts]
        found += [_relay(each, scenario, plan) for each in scenario.relays]
        servers = {
            each.name: gatt_server(each, plan, scenario.seed)
            for each in plan.phones
            if each.platform == "ios"
        }
    except (ValueError, RefusedError) as error:
        raise ValueError(f"{scenario.name}: {error}") from None
    return Scene(plan, scenario.seed, tuple(found), MappingProxyType(servers))


def crafted_id(scenario: Scenario, advert: PlayedAdvert) -> bytes:
    """Return the rolling id that was drawn for a crafted advert: 12 octets, sent by nobody else.

    Args:
        scenario: That plays it.
        advert: One of its adverts.
    """
    return _random(scenario, advert.name, "advert").randbytes(ID_OCTETS)


def _near(sender: Sender, scenario: Scenario, plan: Plan) -> Sender:
    meetings = [each for each in scenario.meetings if sender.name in each.phones]
    if not meetings:
        return sender
    presences = sorted(_presence(plan, each.from_ms, each.until_ms, each.rssi) for each in meetings)
    return sender._replace(windows=near(sender.windows, presences))


def _relay(relay: Relay, scenario: Scenario, plan: Plan) -> Sender:
    phone = next(each for each in plan.phones if each.name == relay.phone)
    again = relayed(
        sent_windows(phone, plan, scenario.seed),
        relay.delay_ms * 1000,
        _random(scenario, relay.name, "relay"),
    )
    windows = near(again, [_presence(plan, relay.from_ms, relay.until_ms, relay.rssi)])
    return Sender(relay.name, None, windows, _random(scenario, relay.name, "air"))


def _advert(advert: PlayedAdvert, scenario: Scenario, plan: Plan) -> Sender:
    random = _random(scenario, advert.name, "advert")
    rolling_id = random.randbytes(ID_OCTETS)
    if advert.kind:
        octets, response = CRAFTED[advert.kind].write(rolling_id, random)
    else:
        octets, response = advert.ad or b"", advert.response
    address = advert.address
    if address is None:
        address = (static if random.random() < 1 / 2 else resolvable)(random)
    window = SentWindow(
        (plan.start_ms + advert.from_ms) * 1000,
        (plan.start_ms + advert.until_ms) * 1000,
        address,
        random_address_type(address),
        advert.pdu,
        octets,
        advert.interval_ms * 1000,
        level_of(advert.rssi),
        response,
    )
    return Sender(advert.name, None, iter((window,)), _random(scenario, advert.name, "air"))


def _presence(plan: Plan, from_ms: int, until_ms: int, rssi: int | None) -> Presence:
    return Presence((plan.start_ms + from_ms) * 1000, (plan.start_ms + until_ms) * 1000, level_of(rssi))


def _random(scenario: Scenario, name: str, what: str) -> Random:
    return Random(f"{scenario.seed} {what} {name}")  # noqa: S311 - a simulation, and no base id of anybody
