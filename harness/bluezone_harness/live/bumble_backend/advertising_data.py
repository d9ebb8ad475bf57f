"""What AdvData say, in bleak's terms, and what is remembered of a device from one report to the next. Pure.

Theory of operation. bleak shows one ``AdvertisementData`` for a device, put together from what it heard of it.
How, is the system's choice; this is BlueZ's:

- AdvData and the scan response heard last are read one after the other. Of what can stand but once (the name,
  short or complete; the TX power; the data of one company; the data of one service) the later wins: the scan
  response over AdvData, and within each the later structure.
- What a device once showed is kept, and its values replaced: a company or a service that is no longer sent
  stays, and lists of service UUIDs only grow. All is forgotten when scanning starts anew.

AdvData are read up to the first damage: a structure that ends beyond the octets, or a length of zero, which
ends them early (Core Specification, Vol 3 Part C 11). A structure too short for its kind says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .attribute_protocol import uuid_text

_UUID_OCTETS = {0x02: 2, 0x03: 2, 0x04: 4, 0x05: 4, 0x06: 16, 0x07: 16}
"""By AD type of a list of service UUIDs. Source: Core Specification Supplement, Part A 1.1."""
_SERVICE_DATA = {0x16: 2, 0x20: 4, 0x21: 16}
"""By AD type of service data: octets of the UUID. Source: the same, 1.11."""
_NAMES = (0x08, 0x09)
_TX_POWER = 0x0A
_MANUFACTURER = 0xFF


@dataclass(frozen=True, slots=True)
class AdContent:
    """What bleak shows of AdvData, of one PDU or of several together.

    Attributes:
        name: Of the device, short or complete.
        manufacturer: By company identifier.
        service_data: By UUID in canonical text.
        services: UUIDs in canonical text, each once, in the order in which they were first seen.
        tx_power: In dBm.
    """

    name: str | None = None
    manufacturer: dict[int, bytes] = field(default_factory=dict)
    service_data: dict[str, bytes] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    tx_power: int | None = None

    def with_later(self, later: AdContent) -> AdContent:
        """Return both together: the later's values, and what only the earlier has."""
        return AdContent(
            self.name if later.name is None else later.name,
            {**self.manufacturer, **later.manufacturer},
            {**self.service_data, **later.service_data},
            tuple(dict.fromkeys((*self.services, *later.services))),
            self.tx_power if later.tx_power is None else later.tx_power,
        )


def ad_content(octets: bytes) -> AdContent:
    """Return what AdvData say, as far as they are sound. Never raises.

    Args:
        octets: AdvData, or the data of a scan response.
    """
    name: str | None = None
    tx_power: int | None = None
    manufacturer: dict[int, bytes] = {}
    service_data: dict[str, bytes] = {}
    services: list[str] = []
    for ad_type, data in _structures(octets):
        if size := _UUID_OCTETS.get(ad_type):
            services += [uuid_text(data[at : at + size]) for at in range(0, len(data) - size + 1, size)]
        elif size := _SERVICE_DATA.get(ad_type):
            if len(data) >= size:
                service_data[uuid_text(data[:size])] = data[size:]
        elif ad_type in _NAMES:
            name = data.rstrip(b"\x00").decode("utf-8", "replace")
        elif ad_type == _TX_POWER and len(data) == 1:
            tx_power = int.from_bytes(data, "little", signed=True)
        elif ad_type == _MANUFACTURER and len(data) >= 2:
            manufacturer[int.from_bytes(data[:2], "little")] = data[2:]
    return AdContent(name, manufacturer, service_data, tuple(dict.fromkeys(services)), tx_power)


def _structures(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield AD type and data of each whole structure before the first damage."""
    at = 0
    while at < len(octets):
        length = octets[at]
        if length == 0 or at + 1 + length > len(octets):
            return
        yield octets[at + 1], octets[at + 2 : at + 1 + length]
        at += 1 + length
