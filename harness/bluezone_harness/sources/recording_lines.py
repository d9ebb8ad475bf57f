"""The lines of a recording, by their kind: JSON in, observations out, strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from bluezone_harness.evidence.strict_json import Node
from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Capability,
    Event,
    Extent,
    Gap,
    GattRead,
    Observation,
    PduType,
)

from .ad_fields import AdFields, ad_of_fields
from .gatt_lines import SESSION_LINES, read_session_line
from .sent_lines import SENT_LINES, read_sent_line

LONGEST_VALUE = 1650
"""Octets of the longest AdvData or value. Source: Core Specification, Vol 4 Part E 7.8.57."""
LATEST_US = 253_402_300_800_000_000
"""The end of the year 9999, after which no calendar goes."""

_LONGEST_MS = LATEST_US // 1000
"""Nobody's clock is set by more."""

_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_COMPANY = re.compile(r"[0-9a-f]{4}")
_NO_RSSI = 127
_ADDRESS_TYPES = {each.value: each for each in AddressType}
_PDUS = {each.value: each for each in PduType}
_CAPABILITIES = {each.value: each for each in Capability}
_EXTENTS = {each.value: each for each in Extent}

_Known = TypeVar("_Known")
_Value = TypeVar("_Value")


def read_capabilities(node: Node) -> dict[Capability, Extent]:
    """Return the capabilities that a header names.

    Raises:
        EvidenceError: One is not known.
    """
    node.keys((), tuple(_CAPABILITIES))
    return {
        capability: _one_of(node[text], _EXTENTS)
        for text, capability in _CAPABILITIES.items()
        if text in node
    }


def read_line(node: Node, number: int, receiver: str) -> Observation | None:
    """Return what a line says; ``None`` for an advert that failed its CRC, which is no observation.

    Args:
        node: The line.
        number: Of the line, from 1.
        receiver: Named by the header; a line may name another.

    Raises:
        EvidenceError: It is of no known kind, or a member is missing, unknown or of another type.
    """
    read = _KINDS.get(node["kind"].text() if "kind" in node else "")
    if read is None:
        raise node.refusal(f"its kind is not known; known are {', '.join(_KINDS)}, end")
    return read(node, number, receiver)


def _advert(node: Node, number: int, receiver: str) -> Advert | None:
    node.keys(
        ("kind", "time_us"),
        (
            *("receiver", "address", "address_type", "pdu", "ad", "fields"),
            *("rssi", "channel", "phy", "crc_ok"),
        ),
    )
    if "fields" in node and ("ad" in node or "pdu" in node):
        raise node["fields"].refusal("fields are put together, and beside them stands no ad and no pdu")
    if "phy" in node:
        node["phy"].text()
    rssi = _optional(node, "rssi", lambda each: _integer(each, -128, 127))
    advert = Advert(
        number,
        _time_us(node, "time_us"),
        _optional(node, "receiver", Node.text) or receiver,
        _optional(node, "address", _address),
        _optional(node, "address_type", lambda each: _one_of(each, _ADDRESS_TYPES)),
        _optional(node, "pdu", lambda each: _one_of(each, _PDUS)),
        _optional(node, "fields", _put_together) if "fields" in node else _optional(node, "ad", _octets),
        None if rssi == _NO_RSSI else rssi,
        _optional(node, "channel", lambda each: _integer(each, 0, 39)),
    )
    return advert if _optional(node, "crc_ok", Node.boolean) is not False else None


def _put_together(node: Node) -> bytes:
    """Return the AdvData that fields give.

    Raises:
        EvidenceError: One is not as it must be, or finds no room.
    """
    node.keys((), ("service_uuids", "manufacturer_data", "service_data", "local_name", "tx_power"))
    uuids = node["service_uuids"].items() if "service_uuids" in node else ()
    companies = node["manufacturer_data"].members() if "manufacturer_data" in node else {}
    services = node["service_data"].members() if "service_data" in node else {}
    for key, each in companies.items():
        if not _COMPANY.fullmatch(key):
            raise each.refusal("the key is no company such as 22b5")
    fields = AdFields(
        tuple(map(Node.text, uuids)),
        {int(key, 16): _octets(each) for key, each in companies.items()},
        {key: _octets(each) for key, each in services.items()},
        _optional(node, "local_name", Node.text),
        _optional(node, "tx_power", Node.integer),
    )
    try:
        return ad_of_fields(fields, whole=True)
    except ValueError as error:
        raise node.refusal(str(error)) from None


def _gatt_read(node: Node, number: int, receiver: str) -> GattRead:
    node.keys(
        ("kind", "time_us", "value"), ("receiver", "address", "address_type", "service", "characteristic")
    )
    return GattRead(
        number,
        _time_us(node, "time_us"),
        _optional(node, "receiver", Node.text) or receiver,
        _optional(node, "address", _address),
        _optional(node, "address_type", lambda each: _one_of(each, _ADDRESS_TYPES)),
        _optional(node, "service", Node.text) or "",
        _optional(node, "characteristic", Node.text) or "",
        _octets(node["value"]),
    )


def _asked(node: Node, number: int, receiver: str) -> Asked:
    node.keys(("kind", "time_us", "name", "octets"), ("receiver",))
    return Asked(
        number,
        _time_us(node, "time_us"),
        _optional(node, "receiver", Node.text) or receiver,
        node["name"].text(),
        _octets(node["octets"]),
    )


def _gap(node: Node, number: int, receiver: str) -> Gap:
    node.keys(("kind", "time_us", "until_us"))
    time_us, until_us = _time_us(node, "time_us"), _time_us(node, "until_us")
    if until_us < time_us:
        raise node["until_us"].refusal("the gap ends before it begins")
    return Gap(number, time_us, until_us)


def _event(node: Node, number: int, receiver: str) -> Event:
    name = node["name"].text() if "name" in node else ""
    if name not in _EVENTS:
        raise node.refusal(f"the name of the event is not known; known are {', '.join(_EVENTS)}")
    if "by_ms" in node:
        _integer(node["by_ms"], -_LONGEST_MS, _LONGEST_MS)
    return _noted(node, number, name, "name")


def _session(node: Node, number: int, receiver: str) -> Event:
    """Read what happened in a GATT session besides reads."""
    return read_session_line(node, number, _time_us(node, "time_us"), receiver)


def _sent(node: Node, number: int, receiver: str) -> Event:
    """Read what was sent, and what came of it."""
    return read_sent_line(node, number, _time_us(node, "time_us"))


def _noted(node: Node, number: int, name: str, named_by: str) -> Event:
    time_us = _time_us(node, "time_us")
    rest = {
        key: member.value
        for key, member in node.members().items()
        if key not in ("kind", "time_us", named_by)
    }
    return Event(number, time_us, name, rest)


_EVENTS = ("push", "consent", "confirm", "clock_set", "max_set", "upload")
_KINDS: Mapping[str, Callable[[Node, int, str], Observation | None]] = {
    "advert": _advert,
    "asked": _asked,
    "gatt_read": _gatt_read,
    **dict.fromkeys(SESSION_LINES, _session),
    **dict.fromkeys(SENT_LINES, _sent),
    "event": _event,
    "gap": _gap,
}


def _optional(node: Node, key: str, read: Callable[[Node], _Value]) -> _Value | None:
    return read(node[key]) if key in node else None


def _one_of(node: Node, known: Mapping[str, _Known]) -> _Known:
    found = known.get(node.text())
    if found is None:
        raise node.refusal(f"the value is not known; known are {', '.join(known)}")
    return found


def _integer(node: Node, least: int, most: int) -> int:
    value = node.integer()
    if not least <= value <= most:
        raise node.refusal(f"it lies outside {least} to {most}")
    return value


def _time_us(node: Node, key: str) -> int:
    if key not in node:
        raise node.refusal(f"the key '{key}' is missing")
    return _integer(node[key], 0, LATEST_US)


def _address(node: Node) -> bytes:
    if not _ADDRESS.fullmatch(node.text()):
        raise node.refusal("it is no address such as 5A:00:00:00:00:01")
    return bytes.fromhex(node.text().replace(":", ""))


def _octets(node: Node) -> bytes:
    text = node.text()
    if not _HEX.fullmatch(text):
        raise node.refusal("it is not hex, two digits an octet")
    if len(text) > 2 * LONGEST_VALUE:
        raise node.refusal(f"it is longer than {LONGEST_VALUE} octets")
    return bytes.fromhex(text)
