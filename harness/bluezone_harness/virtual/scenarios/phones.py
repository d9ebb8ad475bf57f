"""Phones of a scenario: from an entry of the file to a ``PlayedPhone``, and on to the plan of a simulation."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from bluezone_harness.evidence.strict_json import Node
from bluezone_harness.virtual.faults import behaviour_of, find_fault
from bluezone_harness.virtual.phones import drawn_phone
from bluezone_harness.virtual.plans import PhonePlan, Span
from bluezone_reference.advertisement import ONLY_BLUEZONE_SERVICES, SERVICES_OCTETS
from bluezone_reference.errors import RefusedError
from bluezone_reference.key_schedule import DAY_MS, KEY_OCTETS, slots_a_day
from bluezone_reference.profiles import PROFILES

from .model import Platform, PlayedPhone, Reads
from .values import day_ms, hex_octets, name_of, offset_ms, one_of

_READ_FAULTS = {
    Reads.REFUSED: "read-needs-encryption",
    Reads.NO_SERVICE: "no-gatt-service",
    Reads.OTHER_LENGTH: "read-thirteen-octets",
}
_FIRST_GENERATION, _SECOND_GENERATION = "v1-build", "v2-build"
"""Faults that make a phone an old build, in what it sends."""
_FARTHEST_OFFSET_MS = 2 * DAY_MS


def platform_of(node: Node) -> Platform:
    """Return a platform.

    Raises:
        EvidenceError: It is none.
    """
    return "ios" if one_of(node, ("android", "ios"), "platform") == "ios" else "android"


def app_of(node: Node) -> Literal["open", "closed"]:
    """Return whether the app is open.

    Raises:
        EvidenceError: It is neither open nor closed.
    """
    return "open" if one_of(node, ("open", "closed"), "state of the app") == "open" else "closed"


def max_of(node: Node) -> int:
    """Return slots a day.

    Raises:
        EvidenceError: No phone may use so many. Source: BZ-KEY-007.
    """
    value = node.integer()
    try:
        return slots_a_day(value)
    except RefusedError:
        raise node.refusal("max is not 2 to 86400, or is no divisor of the day in milliseconds") from None


def phone_of(node: Node, start_ms: int | None) -> PlayedPhone:
    """Return a phone.

    Args:
        node: An entry of the file.
        start_ms: Of the scenario, in milliseconds since the Unix epoch; ``None``: not known yet.

    Raises:
        EvidenceError: It is not as the form asks for.
    """
    node.keys(
        ("name",),
        (
            *("profile", "platform", "app", "base", "base_day", "max"),
            *("faults", "clock", "reads", "services"),
        ),
    )
    name = name_of(node["name"])
    platform = platform_of(node["platform"]) if "platform" in node else "android"
    is_ios = platform == "ios"
    for key in ("reads", "services"):
        if key in node and not is_ios:
            raise node[key].refusal("only an iPhone has that: its platform is 'ios'")
    base_day_ms = day_ms(node["base_day"]) if "base_day" in node else None
    if base_day_ms is not None and start_ms is not None and base_day_ms > start_ms:
        raise node["base_day"].refusal(
            "the base day is after the start: take an earlier one, or the planted fault 'before-base-day'"
        )
    phone = PlayedPhone(
        name=name,
        profile=_profile_of(node["profile"], platform) if "profile" in node else "v3",
        platform=platform,
        app=app_of(node["app"]) if "app" in node else "open" if is_ios else "closed",
        base_id=hex_octets(node["base"], "base id", count=KEY_OCTETS) if "base" in node else None,
        base_day_ms=base_day_ms,
        max_per_day=max_of(node["max"]) if "max" in node else None,
        faults=tuple(_fault_of(each) for each in node["faults"].items()) if "faults" in node else (),
        offset_ms=_offset_ms(node["clock"]) if "clock" in node else 0,
        reads=Reads(one_of(node["reads"], Reads, "answer to reads")) if "reads" in node else Reads.ANSWERED,
        services=_services_of(node["services"]) if "services" in node else b"",
    )
    try:
        behaviour_of(plan_of(phone, start_ms or 0, 1, 0))
    except ValueError as error:
        raise node.refusal(str(error)) from None
    return phone


def plan_of(phone: PlayedPhone, start_ms: int, duration_ms: int, seed: int) -> PhonePlan:
    """Return what a simulation is asked for, of a phone of a scenario.

    Args:
        phone: As the scenario has it.
        start_ms: When the scenario begins, in milliseconds since the Unix epoch.
        duration_ms: How long it lasts.
        seed: Of the scenario.
    """
    drawn = drawn_phone(phone.name, phone.platform, start_ms, seed, _faults_of(phone))
    return replace(
        drawn,
        base_id=phone.base_id or drawn.base_id,
        base_day_ms=drawn.base_day_ms if phone.base_day_ms is None else phone.base_day_ms,
        max_per_day=phone.max_per_day,
        openings=_openings_of(phone, start_ms, duration_ms),
        offset_ms=phone.offset_ms,
        profile="v3" if phone.profile in ("v1", "v2") else phone.profile,
        services=phone.services,
        answers_reads=phone.reads is not Reads.NEVER_ANSWERED,
    )


def _faults_of(phone: PlayedPhone) -> tuple[str, ...]:
    found = list(phone.faults)
    if phone.profile == "v1" or (phone.profile == "v2" and phone.platform == "ios"):
        found.append(_FIRST_GENERATION)  # of the second generation there was no app for iPhones
    elif phone.profile == "v2":
        found.append(_SECOND_GENERATION)
    if phone.reads in _READ_FAULTS:
        found.append(_READ_FAULTS[phone.reads])
    return tuple(found)


def _openings_of(phone: PlayedPhone, start_ms: int, duration_ms: int) -> tuple[Span, ...]:
    """Return when the app is open; an iPhone without any would be taken to have it open all the time."""
    if phone.platform == "android":
        return ((max(0, start_ms - DAY_MS), start_ms + duration_ms + DAY_MS),) if phone.app == "open" else ()
    return () if phone.app == "open" else ((start_ms - DAY_MS, start_ms - DAY_MS + 1),)


def _profile_of(node: Node, platform: Platform) -> str:
    name = one_of(node, PROFILES, "profile")
    if PROFILES[name].platform not in ("any", platform) and name != "v2":
        raise node.refusal(f"no phone of the platform '{platform}' follows this profile")
    return name


def _fault_of(node: Node) -> str:
    name = name_of(node)
    try:
        return find_fault(name).name
    except ValueError as error:
        raise node.refusal(str(error)) from None


def _offset_ms(node: Node) -> int:
    value = offset_ms(node)
    if abs(value) > _FARTHEST_OFFSET_MS:
        raise node.refusal("the clock is more than two days off")
    return value


def _services_of(node: Node) -> bytes:
    octets = hex_octets(node, "field of the overflow form", count=SERVICES_OCTETS)
    if not octets[0] & ONLY_BLUEZONE_SERVICES[0]:
        raise node.refusal(
            "Bluezone's bit, 08 in the first octet, is not set, so nobody would read the iPhone"
        )
    return octets
