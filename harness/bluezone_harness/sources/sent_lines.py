"""The lines of a recording that tell what was sent: the record of a broadcast.

::

    scenario        what was to be played, whole, and when it began
    on_air          an advertising set begins to be sent
    off_air         it is sent no longer
    peer_connected, peer_read, peer_disconnected
                    what a device under test did with what was sent

What a line holds is kept as it stands, as the fields of an event, once it is known to be as it must be. A line tells of
itself alone: whether each set that begins has an end is for whoever joins them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from bluezone_harness.evidence.strict_json import Node
from bluezone_harness.observations import AddressType, Event, PduType

LONGEST_SENDER = 500
"""Characters of the name of a sender."""
LONGEST_INTERVAL_US = 86_400_000_000
"""A day: no advertising interval is longer."""
MOST_ADVERTS = 1 << 53
"""More advertising events than any set has."""
LONGEST_AD = 1650
"""Octets of the longest AdvData or value. Source: Core Specification, Vol 4 Part E 7.8.57."""

_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ADDRESS_TYPES = tuple(AddressType)
_SENT_PDUS = tuple(each for each in PduType if each is not PduType.SCAN_RSP)
_WHOM = ("kind", "time_us", "address", "address_type")


def read_sent_line(node: Node, number: int, time_us: int) -> Event:
    """Return what a line of one of ``SENT_LINES`` says.

    Args:
        node: The line.
        number: Of the line, from 1.
        time_us: Of the line.

    Raises:
        EvidenceError: A member is missing, unknown, too long or of another type.
    """
    kind = node["kind"].text()
    SENT_LINES[kind](node)
    fields = {key: member.value for key, member in node.members().items() if key not in ("kind", "time_us")}
    return Event(number, time_us, kind, fields)


def _scenario(node: Node) -> None:
    node.keys(("kind", "time_us", "sha256", "text"))
    if not _SHA256.fullmatch(node["sha256"].text()):
        raise node["sha256"].refusal("it is no SHA-256 of 64 digits in lower-case letters")
    node["text"].text()


def _on_air(node: Node) -> None:
    node.keys((*_WHOM, "set", "sender", "pdu", "ad", "interval_us"), ("response", "rssi"))
    _whose(node)
    _within(node["set"], 0, MOST_ADVERTS)
    if len(node["sender"].needed_text()) > LONGEST_SENDER:
        raise node["sender"].refusal(f"it is longer than {LONGEST_SENDER} characters")
    _known(node["pdu"], _SENT_PDUS)
    _octets(node["ad"])
    _within(node["interval_us"], 1, LONGEST_INTERVAL_US)
    if "response" in node:
        _octets(node["response"])
    if "rssi" in node:
        _within(node["rssi"], -128, 126)


def _off_air(node: Node) -> None:
    node.keys(("kind", "time_us", "set"), ("adverts",))
    _within(node["set"], 0, MOST_ADVERTS)
    if "adverts" in node:
        _within(node["adverts"], 0, MOST_ADVERTS)


def _peer_connected(node: Node) -> None:
    node.keys(_WHOM, ("peer", "peer_type"))
    _whose(node)
    if "peer" in node:
        _text_address(node["peer"])
    if "peer_type" in node:
        _known(node["peer_type"], _ADDRESS_TYPES)


def _peer_read(node: Node) -> None:
    node.keys((*_WHOM, "characteristic"), ("value", "att_error"))
    _whose(node)
    if not _UUID.fullmatch(node["characteristic"].text()):
        raise node["characteristic"].refusal("it is no UUID of 128 bits in lower-case letters")
    if "value" in node:
        _octets(node["value"])
        if "att_error" in node:
            raise node["att_error"].refusal("what was answered with a value was answered with no error")
    if "att_error" in node:
        _within(node["att_error"], 1, 0xFF)


def _peer_disconnected(node: Node) -> None:
    node.keys(_WHOM)
    _whose(node)


SENT_LINES: Mapping[str, Callable[[Node], None]] = {
    "scenario": _scenario,
    "on_air": _on_air,
    "off_air": _off_air,
    "peer_connected": _peer_connected,
    "peer_read": _peer_read,
    "peer_disconnected": _peer_disconnected,
}
"""What holds a line to what it must be, by its kind."""


def _whose(node: Node) -> None:
    """Hold the address of the set, and its kind, to what they must be."""
    _text_address(node["address"])
    _known(node["address_type"], _ADDRESS_TYPES)


def _text_address(node: Node) -> None:
    if not _ADDRESS.fullmatch(node.text()):
        raise node.refusal("it is no address such as 5A:00:00:00:00:01")


def _octets(node: Node) -> None:
    if not _HEX.fullmatch(node.text()):
        raise node.refusal("it is not hex, two digits an octet")
    if len(node.text()) > 2 * LONGEST_AD:
        raise node.refusal(f"it is longer than {LONGEST_AD} octets")


def _known(node: Node, known: tuple[str, ...]) -> None:
    if node.text() not in known:
        raise node.refusal(f"the value is not known; known are {', '.join(known)}")


def _within(node: Node, least: int, most: int) -> None:
    if not least <= node.integer() <= most:
        raise node.refusal(f"it lies outside {least} to {most}")
