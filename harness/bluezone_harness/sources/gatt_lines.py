"""The lines of a recording that tell of GATT sessions besides reads: services, errors, and the end of a connection.

What they hold is kept as it stands, as the fields of an event, once it is known to be as it must be: the checks and
whoever writes it again can rely on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bluezone_harness.evidence.strict_json import Node
from bluezone_harness.observations import AddressType, Event

MOST_MEMBERS = 256
"""Services of a session, and characteristics of a service: more than any phone has."""
LONGEST_REASON = 500
"""Characters."""
PROPERTIES = (
    *("broadcast", "read", "write-without-response", "write", "notify", "indicate"),
    *("authenticated-signed-writes", "extended-properties", "reliable-write", "writable-auxiliaries"),
)
"""Of a characteristic. Source: Core Specification, Vol 3 Part G 3.3.1.1 and 3.3.3.1."""
STEPS = ("connect", "discover", "read")
"""Of an attempt to read, in which it can fail."""

_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WHOSE = ("receiver", "address", "address_type")


def read_session_line(node: Node, number: int, time_us: int, receiver: str) -> Event:
    """Return what a line of one of ``SESSION_LINES`` says.

    Args:
        node: The line.
        number: Of the line, from 1.
        time_us: Of the line.
        receiver: Named by the header; a line may name another.

    Raises:
        EvidenceError: A member is missing, unknown, too long or of another type.
    """
    kind = node["kind"].text()
    SESSION_LINES[kind](node)
    if "address" in node and not _ADDRESS.fullmatch(node["address"].text()):
        raise node["address"].refusal("it is no address such as 5A:00:00:00:00:01")
    if "address_type" in node:
        _known(node["address_type"], tuple(AddressType))
    named = node["receiver"].text() if "receiver" in node else ""
    fields: dict[str, object] = {"receiver": named or receiver} if named or receiver else {}
    fields |= {
        key: member.value
        for key, member in node.members().items()
        if key not in ("kind", "time_us", "receiver")
    }
    return Event(number, time_us, kind, fields)


def _services(node: Node) -> None:
    node.keys(("kind", "time_us", "services"), _WHOSE)
    for service in _few(node["services"]):
        service.keys(("uuid", "characteristics"))
        _uuid(service["uuid"])
        for characteristic in _few(service["characteristics"]):
            characteristic.keys(("uuid", "properties"))
            _uuid(characteristic["uuid"])
            names = [_known(each, PROPERTIES) for each in _few(characteristic["properties"])]
            if len(set(names)) < len(names):
                raise characteristic["properties"].refusal("a property stands there twice")


def _error(node: Node) -> None:
    node.keys(("kind", "time_us", "step", "reason"), (*_WHOSE, "service", "characteristic", "att_error"))
    _known(node["step"], STEPS)
    _short(node["reason"])
    for key in ("service", "characteristic"):
        if key in node:
            _uuid(node[key])
    if "att_error" in node and not 0 < node["att_error"].integer() <= 0xFF:
        raise node["att_error"].refusal("it lies outside 1 to 255")


def _disconnect(node: Node) -> None:
    node.keys(("kind", "time_us"), (*_WHOSE, "reason"))
    if "reason" in node:
        _short(node["reason"])


SESSION_LINES: Mapping[str, Callable[[Node], None]] = {
    "gatt_services": _services,
    "gatt_error": _error,
    "disconnect": _disconnect,
}
"""What holds a line to what it must be, by its kind."""


def _few(node: Node) -> tuple[Node, ...]:
    found = node.items()
    if len(found) > MOST_MEMBERS:
        raise node.refusal(f"the list holds more than {MOST_MEMBERS}")
    return found


def _short(node: Node) -> None:
    if len(node.text()) > LONGEST_REASON:
        raise node.refusal(f"it is longer than {LONGEST_REASON} characters")


def _uuid(node: Node) -> None:
    if not _UUID.fullmatch(node.text()):
        raise node.refusal("it is no UUID of 128 bits in lower-case letters")


def _known(node: Node, known: tuple[str, ...]) -> str:
    if node.text() not in known:
        raise node.refusal(f"the value is not known; known are {', '.join(known)}")
    return node.text()
