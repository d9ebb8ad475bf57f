"""Recordings: a header, a line for each observation, and an end, as JSON Lines.

The order of members is fixed, so that the same observations give the same octets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol, assert_never

from bluezone_harness.observations import (
    Advert,
    Asked,
    Capability,
    Event,
    Extent,
    Gap,
    GattRead,
    Observation,
)
from bluezone_harness.sources.ad_fields import fields_of_ad
from bluezone_harness.sources.sent_lines import SENT_LINES

from .packets import Heard

SCHEMA = 1
SESSION_KINDS = frozenset({"gatt_services", "gatt_error", "disconnect"})
"""Events of GATT sessions that a recording writes as kinds of their own."""
SENT_KINDS = frozenset(SENT_LINES)
"""Events of a broadcast that a recording writes as kinds of their own."""
_KINDS = SESSION_KINDS | SENT_KINDS


def header_line(source: str, receiver: str, capabilities: Mapping[Capability, Extent]) -> bytes:
    """Return the first line of a recording.

    Args:
        source: Where it comes from.
        receiver: Who heard what names no other.
        capabilities: What it can show.
    """
    return _line(
        {
            "schema": SCHEMA,
            "source": source,
            "receiver": receiver,
            "capabilities": {str(name): str(extent) for name, extent in capabilities.items()},
        }
    )


def observation_line(observation: Observation, *, crc_ok: bool = False, as_fields: bool = False) -> bytes:
    """Return the line of an observation.

    Args:
        observation: Its packet number is not written: a line has its own.
        crc_ok: Of an advert: its CRC was looked at, and right.
        as_fields: Of an advert: its AdvData were put together of fields, which are written in their place.
    """
    match observation:
        case Advert():
            return advert_line(observation, crc_ok=crc_ok, as_fields=as_fields)
        case GattRead():
            known = {
                "receiver": observation.receiver,
                "address": _address(observation.address),
                "address_type": observation.address_type and str(observation.address_type),
                "service": observation.service,
                "characteristic": observation.characteristic,
            }
            value = {"value": observation.value.hex()}
            return _line({"kind": "gatt_read", "time_us": observation.time_us} | _present(known) | value)
        case Asked():
            receiver = _present({"receiver": observation.receiver})
            asked = {"name": observation.name, "octets": observation.octets.hex()}
            return _line({"kind": "asked", "time_us": observation.time_us} | receiver | asked)
        case Event():
            kind: dict[str, object] = {"kind": "event", "time_us": observation.time_us}
            if observation.name in _KINDS:
                kind["kind"] = observation.name
            else:
                kind["name"] = observation.name
            return _line(kind | {name: each for name, each in observation.fields.items() if name not in kind})
        case Gap():
            return _line(
                {"kind": "gap", "time_us": observation.time_us, "until_us": observation.until_us},
            )
        case _:
            assert_never(observation)


def end_line(reason: str) -> bytes:
    """Return the last line of a recording that is whole.

    Args:
        reason: Why it ends.
    """
    return _line({"kind": "end", "reason": reason})


class HeardAt(Heard, Protocol):
    """An advert as it was heard, by whom and when."""

    @property
    def time_us(self) -> int:
        """Microseconds since the Unix epoch."""

    @property
    def receiver(self) -> str:
        """Who heard it; may be empty."""


def advert_line(advert: HeardAt, *, crc_ok: bool, as_fields: bool = False) -> bytes:
    """Return the line of an advert.

    Args:
        advert: What is ``None`` of it is left out.
        crc_ok: Its CRC was looked at, and right.
        as_fields: Write the fields of its AdvData in their place, and no PDU.
    """
    line: dict[str, object] = {"kind": "advert", "time_us": advert.time_us}
    if advert.receiver:
        line["receiver"] = advert.receiver
    if advert.address is not None:
        line["address"] = _address(advert.address)
    if advert.address_type is not None:
        line["address_type"] = str(advert.address_type)
    if advert.pdu is not None and not as_fields:
        line["pdu"] = str(advert.pdu)
    if advert.ad is not None:
        line |= {"fields": _fields(advert.ad)} if as_fields else {"ad": advert.ad.hex()}
    if advert.rssi is not None:
        line["rssi"] = advert.rssi
    if advert.channel is not None:
        line["channel"] = advert.channel
    if crc_ok:
        line["crc_ok"] = True
    return _line(line)


def _fields(ad: bytes) -> dict[str, object]:
    """Return the fields of AdvData; what is not there is left out."""
    found = fields_of_ad(ad)
    members: dict[str, object] = {
        "service_uuids": list(found.service_uuids),
        "manufacturer_data": {f"{each:04x}": data.hex() for each, data in found.manufacturer_data.items()},
        "service_data": {each: data.hex() for each, data in found.service_data.items()},
        "local_name": found.local_name,
        "tx_power": found.tx_power,
    }
    return {name: each for name, each in members.items() if each not in ([], {}, None)}


def _address(address: bytes | None) -> str | None:
    return None if address is None else address.hex(":").upper()


def _present(members: Mapping[str, str | None]) -> dict[str, object]:
    """Return those members that say something."""
    return {name: each for name, each in members.items() if each}


def _line(value: Mapping[str, object]) -> bytes:
    # ASCII: whatever text was read, a lone half of a character included, can be read again
    return f"{json.dumps(value, separators=(',', ':'))}\n".encode("ascii")
