"""Entries of a scenario file beside phones: meetings, adverts, relays, cases, events, expectations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bluezone_harness.evidence.strict_json import Node
from bluezone_harness.findings import Verdict
from bluezone_harness.observations import PduType
from bluezone_harness.virtual.plans import GREATEST_INTERVAL_MS, LEAST_INTERVAL_MS
from bluezone_harness.virtual.radio import WITH_RESPONSE
from bluezone_reference.ad_structures import LEGACY_AD_OCTETS

from .crafted import CRAFTED
from .model import (
    ADVERT_INTERVAL_MS,
    ConfirmedCase,
    Expectation,
    Meeting,
    PlayedAdvert,
    PlayedPhone,
    Relay,
    ScenarioEvent,
)
from .values import address_octets, day_ms, duration_ms, hex_octets, name_of, one_of, positive_ms, rssi_dbm

_PDUS = (PduType.ADV_IND, PduType.ADV_SCAN_IND, PduType.ADV_NONCONN_IND)
"""Legacy PDUs that are sent to everybody."""
_EVENTS = ("push", "consent", "confirm", "clock_set", "max_set", "upload")
"""Those of a recording."""
_OPERATION = "decode_advertisement"
_REQUIREMENT = re.compile(r"BZ-[A-Z]{3}-[0-9]{3}")


@dataclass(frozen=True, slots=True)
class Stage:
    """What the entries of a scenario stand in.

    Attributes:
        duration_ms: How long it lasts.
        phones: By their names.
    """

    duration_ms: int
    phones: Mapping[str, PlayedPhone]


def meeting_of(node: Node, stage: Stage) -> Meeting:
    """Return a meeting.

    Raises:
        EvidenceError: It is not as the form asks for, or somebody in it is not known.
    """
    node.keys(("phones",), ("from", "to", "rssi"))
    names: list[str] = []
    for each in node["phones"].items(least=1):
        name = _known_phone(each, stage).name
        if name in names:
            raise each.refusal("the phone stands there twice")
        names.append(name)
    return Meeting(tuple(names), *_span_of(node, stage), _rssi_of(node))


def advert_of(node: Node, stage: Stage) -> PlayedAdvert:
    """Return an advert.

    Raises:
        EvidenceError: It is not as the form asks for; its kind or its vector is unknown.
    """
    node.keys(
        ("name",),
        (
            *("kind", "ad", "vector", "response", "pdu"),
            *("from", "to", "interval", "rssi", "address"),
        ),
    )
    name = name_of(node["name"])
    given = [key for key in ("kind", "ad", "vector") if key in node]
    if len(given) != 1:
        raise node.refusal("an advert has exactly one of 'kind', 'ad' and 'vector'")
    kind = vector = ""
    octets: bytes | None = None
    if "kind" in node:
        kind = one_of(node["kind"], CRAFTED, "crafted advert")
    elif "ad" in node:
        octets = hex_octets(node["ad"], "AdvData", most=LEGACY_AD_OCTETS)
    else:
        vector, octets = _vector_of(node["vector"])
    pdu = PduType(one_of(node["pdu"], _PDUS, "PDU")) if "pdu" in node else PduType.ADV_IND
    response = b""
    if "response" in node:
        if kind:
            raise node["response"].refusal("a crafted advert brings its own: leave the response out")
        if pdu not in WITH_RESPONSE:
            raise node["response"].refusal(f"nobody asks after {pdu}: take ADV_IND or ADV_SCAN_IND")
        response = hex_octets(node["response"], "scan response", most=LEGACY_AD_OCTETS)
    from_ms, until_ms = _span_of(node, stage)
    return PlayedAdvert(
        name=name,
        kind=kind,
        vector=vector,
        ad=octets,
        response=response,
        pdu=pdu,
        address=address_octets(node["address"]) if "address" in node else None,
        interval_ms=_interval_ms(node["interval"]) if "interval" in node else ADVERT_INTERVAL_MS,
        from_ms=from_ms,
        until_ms=until_ms,
        rssi=_rssi_of(node),
    )


def relay_of(node: Node, stage: Stage, number: int) -> Relay:
    """Return a relay.

    Args:
        node: Its entry.
        stage: The scenario.
        number: Of the relay, from 1, for its name.

    Raises:
        EvidenceError: It is not as the form asks for; there is nothing that it could send again.
    """
    node.keys(("phone", "delay"), ("name", "from", "to", "rssi"))
    phone = _known_phone(node["phone"], stage)
    if phone.platform == "ios":
        raise node["phone"].refusal(
            "an iPhone's adverts show no id, so that a relay of them would carry none"
        )
    delay_ms = duration_ms(node["delay"])
    from_ms, until_ms = _span_of(node, stage)
    if delay_ms >= until_ms:
        raise node["delay"].refusal("what the phone sent at the start would come after the end of the relay")
    return Relay(
        name=name_of(node["name"]) if "name" in node else f"relay {number}",
        phone=phone.name,
        from_ms=from_ms,
        until_ms=until_ms,
        delay_ms=delay_ms,
        rssi=_rssi_of(node),
    )


def case_of(node: Node, stage: Stage) -> ConfirmedCase:
    """Return a confirmed case.

    Raises:
        EvidenceError: It is not as the form asks for, or its phone is not known.
    """
    node.keys(("phone", "confirmed"))
    return ConfirmedCase(_known_phone(node["phone"], stage).name, day_ms(node["confirmed"]))


def event_of(node: Node, stage: Stage) -> ScenarioEvent:
    """Return an event.

    Raises:
        EvidenceError: It is not as the form asks for, or a recording could not hold it.
    """
    members = node.members()
    for key in ("at", "name"):
        if key not in members:
            raise node.refusal(f"the key '{key}' is missing")
    fields: dict[str, object] = {}
    for key, member in members.items():
        if key in ("kind", "time_us"):
            raise member.refusal("the record writes this key itself")
        if key == "by_ms":
            member.integer()
        if key not in ("at", "name"):
            fields[key] = _json_value(member)
    return ScenarioEvent(
        _within(duration_ms(node["at"]), node["at"], stage),
        one_of(node["name"], _EVENTS, "event"),
        fields,
    )


def expectation_of(node: Node, stage: Stage) -> Expectation:
    """Return an expectation.

    Raises:
        EvidenceError: It is not as the form asks for.
    """
    node.keys(("requirement", "verdict"), ("phone",))
    requirement = node["requirement"]
    if not _REQUIREMENT.fullmatch(requirement.text()):
        raise requirement.refusal("it is no id of a requirement, such as BZ-RCV-001")
    return Expectation(
        requirement.text(),
        Verdict(one_of(node["verdict"], Verdict, "verdict")),
        _known_phone(node["phone"], stage).name if "phone" in node else "",
    )


def _known_phone(node: Node, stage: Stage) -> PlayedPhone:
    name = name_of(node)
    if name not in stage.phones:
        raise node.refusal(f"there is no phone {name!r}: define it by a [[phone]] of this name")
    return stage.phones[name]


def _span_of(node: Node, stage: Stage) -> tuple[int, int]:
    """Return from when to when an entry holds; without them, from the start or to the end of the scenario."""
    from_ms = _within(duration_ms(node["from"]), node["from"], stage) if "from" in node else 0
    until_ms = _within(duration_ms(node["to"]), node["to"], stage) if "to" in node else stage.duration_ms
    if from_ms >= until_ms:
        raise (node["to"] if "to" in node else node["from"]).refusal("it ends before it begins, or at once")
    return from_ms, until_ms


def _within(time_ms: int, node: Node, stage: Stage) -> int:
    if time_ms > stage.duration_ms:
        raise node.refusal("the scenario has ended by then: make its duration longer")
    return time_ms


def _rssi_of(node: Node) -> int | None:
    return rssi_dbm(node["rssi"]) if "rssi" in node else None


def _interval_ms(node: Node) -> int:
    value = positive_ms(node)
    if not LEAST_INTERVAL_MS <= value <= GREATEST_INTERVAL_MS:
        raise node.refusal(f"the interval is not {LEAST_INTERVAL_MS} to {GREATEST_INTERVAL_MS} ms")
    return value


def _vector_of(node: Node) -> tuple[str, bytes]:
    """Return the id of a vector and the AdvData of its question."""
    from bluezone_vectors.pack import load  # read where a scenario asks for it only

    wanted = node.text().removeprefix(f"{_OPERATION}/")
    for vector in load().vectors:
        octets = vector.question.get("ad")
        if vector.id == wanted and vector.operation == _OPERATION and isinstance(octets, str):
            found = bytes.fromhex(octets)
            if len(found) > LEGACY_AD_OCTETS:
                raise node.refusal(f"the AdvData of this vector are longer than {LEGACY_AD_OCTETS} octets")
            return wanted, found
    raise node.refusal(f"there is no vector of this id among those of '{_OPERATION}'")


def _json_value(node: Node) -> object:
    """Return a value that a line of a recording can hold."""
    try:
        json.dumps(node.value, allow_nan=False)
    except (TypeError, ValueError):
        raise node.refusal("a record holds no such value: write days and instants as text") from None
    return node.value
