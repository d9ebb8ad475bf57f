"""Fields of AdvData, as operating systems tell them: from fields to octets, and from octets to fields.

Theory of operation. A system's scanner tells UUIDs, manufacturer data, service data, a name and a TX power, which it
may have put together of an advert, a scan response and what it remembers. So that one decoder reads all evidence, they
are written as AdvData in one order, whatever the order in which they came: the same fields give the same octets. These
octets were never sent. There may be more of them than a legacy PDU holds, and neither Flags nor the order of structures
nor the width of UUIDs is to be learnt from them.

What Bluezone's frames are known by comes first, so that it is never what finds no room.

Source: Core Specification Supplement, Part A 1 (data types); Vol 3 Part B 2.5.1 (the Bluetooth Base UUID).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .extended_advertising import LONGEST_AD

BASE_UUID_TAIL = "-0000-1000-8000-00805f9b34fb"
"""How the text of a UUID of 16 or 32 bits ends."""
MOST_DATA = 254
"""Octets of the data of one AD structure."""

_BASE_UUID_HEAD = "0000"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUIDS_16, _UUIDS_32, _UUIDS_128 = (0x02, 0x03), (0x04, 0x05), (0x06, 0x07)
_LISTS = {kind: size for kinds, size in ((_UUIDS_16, 2), (_UUIDS_32, 4), (_UUIDS_128, 16)) for kind in kinds}
_SERVICE_DATA = {0x16: 2, 0x20: 4, 0x21: 16}
_SHORTENED_NAME, _COMPLETE_NAME, _TX_POWER, _MANUFACTURER = 0x08, 0x09, 0x0A, 0xFF
_COMPANY_OCTETS, _GREATEST_COMPANY = 2, 0xFFFF
_TX_POWERS = range(-128, 128)
_OCTETS_OF_128 = 16


@dataclass(frozen=True, slots=True)
class AdFields:
    """What an operating system tells of AdvData.

    Attributes:
        service_uuids: Canonical text of 128 bits, lower-case, in any order.
        manufacturer_data: What follows the company identifier, by company.
        service_data: What follows the UUID, by its canonical text.
        local_name: ``None``: there is none.
        tx_power: In dBm, -128 to 127; ``None``: there is none.
    """

    service_uuids: tuple[str, ...] = ()
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    local_name: str | None = None
    tx_power: int | None = None


def is_canonical_uuid(text: str) -> bool:
    """Tell whether a text is a UUID as fields have it: 128 bits, lower-case, with four hyphens."""
    return _UUID.fullmatch(text) is not None


def ad_of_fields(fields: AdFields, *, whole: bool = False) -> bytes:
    """Put AdvData together; the same fields always give the same octets.

    Args:
        fields: Whatever a system tells: what is no UUID, company or TX power is left out, and so is what finds no room
            in an AD structure, or in AdvData; a name is cut behind a whole character.
        whole: Leave nothing out.

    Returns:
        Up to 1650 octets: UUIDs of 16 bits, manufacturer data, UUIDs of 128 bits, name, TX power, service data.

    Raises:
        ValueError: Something was to be left out, and nothing may be.

    Source: Core Specification, Vol 3 Part C 11.
    """
    fault = _fault(fields) if whole else ""
    found = bytearray()
    for ad_type, data in _structures(fields):
        if len(data) <= MOST_DATA and len(found) + 2 + len(data) <= LONGEST_AD:
            found += bytes((len(data) + 1, ad_type)) + data
        else:
            fault = fault or f"one is longer than {MOST_DATA} octets, or all are than {LONGEST_AD}"
    if whole and fault:
        raise ValueError(fault)
    return bytes(found)


def _fault(fields: AdFields) -> str:
    """Return what of some fields is none, for people; empty where nothing is."""
    if not all(map(is_canonical_uuid, (*fields.service_uuids, *fields.service_data))):
        return f"one is no UUID of 128 bits, lower-case, such as 00004e56{BASE_UUID_TAIL}"
    if not all(0 <= each <= _GREATEST_COMPANY for each in fields.manufacturer_data):
        return "one is no company of 16 bits"
    if fields.tx_power is not None and fields.tx_power not in _TX_POWERS:
        return "the TX power lies outside -128 to 127"
    if fields.local_name is not None and len(fields.local_name.encode("utf-8", "replace")) > MOST_DATA:
        return f"the name is longer than {MOST_DATA} octets"
    return ""


def _structures(fields: AdFields) -> Iterator[tuple[int, bytes]]:
    """Yield AD types with their data, in the one order."""
    uuids = sorted({each for each in fields.service_uuids if is_canonical_uuid(each)})
    on_air = [_on_air(each) for each in uuids]
    yield from _lists(_UUIDS_16[1], [each for each in on_air if len(each) < _OCTETS_OF_128])
    for company, data in sorted(fields.manufacturer_data.items()):
        if 0 <= company <= _GREATEST_COMPANY:
            yield _MANUFACTURER, company.to_bytes(_COMPANY_OCTETS, "little") + data
    yield from _lists(_UUIDS_128[1], [each for each in on_air if len(each) == _OCTETS_OF_128])
    if fields.local_name is not None:
        name = fields.local_name.encode("utf-8", "replace")[:MOST_DATA]
        yield _COMPLETE_NAME, name.decode("utf-8", "ignore").encode()
    if fields.tx_power is not None and fields.tx_power in _TX_POWERS:
        yield _TX_POWER, fields.tx_power.to_bytes(1, signed=True)
    for uuid, data in sorted(fields.service_data.items()):
        if is_canonical_uuid(uuid):
            octets = _on_air(uuid)
            yield (0x16 if len(octets) < _OCTETS_OF_128 else 0x21), octets + data


def _lists(ad_type: int, uuids: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield as many lists as UUIDs of one width take."""
    size = len(uuids[0]) if uuids else 1
    most = MOST_DATA // size
    for start in range(0, len(uuids), most):
        yield ad_type, b"".join(uuids[start : start + most])


def _on_air(uuid: str) -> bytes:
    """Return the octets of a UUID, least significant first: two where 16 bits tell it."""
    if uuid.startswith(_BASE_UUID_HEAD) and uuid.endswith(BASE_UUID_TAIL):
        return bytes.fromhex(uuid[4:8])[::-1]
    return bytes.fromhex(uuid.replace("-", ""))[::-1]


def fields_of_ad(octets: bytes) -> AdFields:
    """Take from AdvData what an operating system would tell of them.

    Args:
        octets: AdvData, or the data of a scan response; what is damaged in them, and all behind it, is left out.

    Returns:
        Of several data of one company or service the last, as systems do; the complete name, if there is one.
    """
    uuids: dict[str, None] = {}
    companies: dict[int, bytes] = {}
    services: dict[str, bytes] = {}
    names: dict[int, str] = {}
    tx_power: int | None = None
    for ad_type, data in _intact(octets):
        if ad_type in _LISTS:
            uuids.update(dict.fromkeys(_uuids(data, _LISTS[ad_type])))
        elif ad_type in _SERVICE_DATA and len(data) >= _SERVICE_DATA[ad_type]:
            size = _SERVICE_DATA[ad_type]
            services[_text(data[:size])] = data[size:]
        elif ad_type == _MANUFACTURER and len(data) >= _COMPANY_OCTETS:
            companies[int.from_bytes(data[:_COMPANY_OCTETS], "little")] = data[_COMPANY_OCTETS:]
        elif ad_type in (_SHORTENED_NAME, _COMPLETE_NAME):
            names[ad_type] = data.decode("utf-8", "replace")
        elif ad_type == _TX_POWER and len(data) == 1:
            tx_power = int.from_bytes(data, signed=True)
    name = names.get(_COMPLETE_NAME, names.get(_SHORTENED_NAME))
    return AdFields(tuple(uuids), companies, services, name, tx_power)


def _intact(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(octets) and (length := octets[at]) and at + length < len(octets):
        yield octets[at + 1], octets[at + 2 : at + 1 + length]
        at += 1 + length


def _uuids(data: bytes, size: int) -> Iterable[str]:
    """Return the whole UUIDs of a list."""
    return (_text(data[start : start + size]) for start in range(0, len(data) - size + 1, size))


def _text(octets: bytes) -> str:
    """Return the canonical text of a UUID of 2, 4 or 16 octets, least significant first."""
    digits = octets[::-1].hex()
    if len(octets) < _OCTETS_OF_128:
        return digits.rjust(8, "0") + BASE_UUID_TAIL
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
