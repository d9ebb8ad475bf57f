"""Keyed pseudonyms: addresses, ids and all else that may name a phone or its owner, replaced consistently.

Theory of operation. What is replaced gives way to HMAC-SHA256 of it under a key, cut or stretched to its own length:
the same octets have the same pseudonym wherever and in however many captures they stand, as long as the key is the
same, and without the key nobody can tell which octets they were, nor try. What is not replaced is what says how a phone
behaves: times, receivers' channels and signal, kinds of PDU, and the structure of AdvData.

- An address keeps the two bits that tell the type of a random one (Core Specification, Vol 6 Part B 1.3.2). The other
  46 are new: that two of n addresses become one has odds of n * n in 2 ** 47, 1 in 140 for a million.
- AdvData keep each length and AD type, where they are damaged the place of the damage, Bluezone's UUIDs and names,
  company identifiers, UUIDs of 16 bits, Flags and other values of a few known forms (``_KEPT``), and of iPhones the
  field of 128 bits that stands for services in the background.
- A rolling id gives way to twelve octets. So nothing that takes a base id can be judged afterwards.
- A static id gives way to a static id, also where a name hides it.
- A name gives way to letters, which never hold a static id.

Source: RFC 2104 (HMAC); Core Specification Supplement, Part A 1 (data types).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache

from bluezone_harness.observations import Advert, Asked, Event, Gap, GattRead, Observation
from bluezone_harness.sources.sent_lines import SENT_LINES
from bluezone_reference.errors import MalformedError
from bluezone_reference.name_obfuscation import STATIC_ID_CHARACTERS, is_static_id, obfuscate, reveal
from bluezone_reference.profiles import V1, V3

LEAST_KEY_OCTETS = 16
"""Of a key: what is shorter can be tried."""
BLUEZONE_UUIDS = frozenset(
    uuid
    for profile in (V1, V3)
    for uuid in (
        profile.advertisement.android_service_uuid,
        profile.advertisement.ios_service_uuid,
        profile.advertisement.ios_characteristic_uuid,
    )
)
"""In canonical text form; they are everybody's and stay."""

_BASE_UUID_TAIL = "-0000-1000-8000-00805f9b34fb"
_BASE_UUID_HEAD = "0000"
_COMPANY_OCTETS = 2
_BLUEZONE_COMPANY = V3.advertisement.company.to_bytes(_COMPANY_OCTETS, "little")
_APPLE_COMPANY = b"\x4c\x00"
_APPLE_OVERFLOW = b"\x4c\x00\x01"
_APPLE_OVERFLOW_OCTETS = 19
_APPLE_HEAD_OCTETS = 3
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_BLUEZONE_NAME = b"Bluezone"
_DIGEST_OCTETS = 32
_CACHED = 65_536
"""Pseudonyms that are remembered; a phone repeats the same octets hundreds of times."""

# Supplement, Part A 1; Assigned Numbers 2.3
_NAMES = frozenset({0x08, 0x09})
_UUIDS_16 = frozenset({0x02, 0x03, 0x14})
_UUIDS_32 = frozenset({0x04, 0x05, 0x1F})
_UUIDS_128 = frozenset({0x06, 0x07, 0x15})
_SERVICE_DATA = {0x16: 2, 0x20: 4, 0x21: 16}
_TARGET_ADDRESSES = frozenset({0x17, 0x18})
_OWN_ADDRESS = 0x1B
_MANUFACTURER = 0xFF
_KEPT = {0x01: 1, 0x0A: 1, 0x0D: 3, 0x11: 1, 0x12: 4, 0x19: 2, 0x1A: 2, 0x1C: 1, 0x2F: 4}
"""Octets that stay of Flags, TX power, class of device, out of band flags, intervals, appearance and role."""

_ADDRESS_OCTETS = 6
_WHOLE_DATA = (b"\x03", b"\x04")
"""Operations of extended advertising by which a command holds all data. Source: Vol 4 Part E 7.8.54."""


class Pseudonyms:
    """Replaces what may name somebody, under one key.

    Args:
        key: At least ``LEAST_KEY_OCTETS``; whoever has it can tell which pseudonym is whose.

    Raises:
        ValueError: The key is shorter.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < LEAST_KEY_OCTETS:
            raise ValueError(f"a key has at least {LEAST_KEY_OCTETS} octets, not {len(key)}")
        self._key = key
        self._remembered_ad: Callable[[bytes], bytes] = lru_cache(_CACHED)(self._ad)
        self._remembered_address: Callable[[bytes], bytes] = lru_cache(_CACHED)(self._address)

    def of(self, observation: Observation) -> Observation | None:
        """Return an observation with pseudonyms; ``None`` where nothing is known of what a command holds.

        ``None`` too of what a record tells that was sent: the scenario in it may hold base ids.
        """
        match observation:
            case Advert():
                return replace(
                    observation,
                    receiver=self.receiver(observation.receiver),
                    address=None if observation.address is None else self.address(observation.address),
                    ad=None if observation.ad is None else self.ad(observation.ad),
                )
            case GattRead():
                return replace(
                    observation,
                    receiver=self.receiver(observation.receiver),
                    address=None if observation.address is None else self.address(observation.address),
                    service=self.uuid(observation.service),
                    characteristic=self.uuid(observation.characteristic),
                    value=self.id_octets(observation.value),
                )
            case Asked():
                octets = self._parameters(observation.name, observation.octets)
                if octets is None:
                    return None
                return replace(observation, receiver=self.receiver(observation.receiver), octets=octets)
            case Event():
                if observation.name in SENT_LINES:
                    return None
                return replace(observation, fields=self._fields(observation))
            case Gap():
                return observation

    def address(self, address: bytes) -> bytes:
        """Return the pseudonym of an address.

        Args:
            address: 6 octets, the most significant first.
        """
        return self._remembered_address(address)

    def ad(self, octets: bytes) -> bytes:
        """Return AdvData of the same length and structure."""
        return self._remembered_ad(octets)

    def id_octets(self, octets: bytes) -> bytes:
        """Return the pseudonym of an id or of any octets: as many; of a static id one of the same form."""
        try:
            text = octets.decode("ascii")
        except UnicodeDecodeError:
            return self._no_static_id(octets)
        return self._static_id(text).encode() if is_static_id(text) else self._no_static_id(octets)

    def _no_static_id(self, octets: bytes) -> bytes:
        """Return as many octets, which are no static id by chance."""
        drawn = self._octets(b"octets", octets)
        while is_static_id(drawn.decode("latin-1")):
            drawn = self._octets(b"octets", octets + drawn)[: len(octets)]
        return drawn

    def receiver(self, name: str) -> str:
        """Return the pseudonym of a receiver; none of one without a name."""
        return (
            f"receiver-{self._octets(b'receiver', name.encode('utf-8', 'replace'), 4).hex()}" if name else ""
        )

    def uuid(self, text: str) -> str:
        """Return a UUID as it is where it is Bluezone's or of 16 bits; else its pseudonym."""
        known = text.lower()
        if known in BLUEZONE_UUIDS or not text:
            return text
        if known.startswith(_BASE_UUID_HEAD) and known.endswith(_BASE_UUID_TAIL) and len(known) == 36:
            return text
        digits = self._octets(b"uuid", known.encode("utf-8", "replace"), 16).hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _octets(self, domain: bytes, octets: bytes, count: int | None = None) -> bytes:
        """Return so many octets drawn by the key from others; as many as those where no count is given."""
        wanted = len(octets) if count is None else count
        rounds = -(-wanted // _DIGEST_OCTETS)
        head = bytes((len(domain),)) + domain
        return b"".join(
            hmac.digest(self._key, head + number.to_bytes(2, "big") + octets, "sha256")
            for number in range(rounds)
        )[:wanted]

    def _address(self, address: bytes) -> bytes:
        drawn = self._octets(b"address", address)
        if len(address) != _ADDRESS_OCTETS:
            return drawn
        return bytes((address[0] & 0xC0 | drawn[0] & 0x3F,)) + drawn[1:]

    def _on_air_address(self, octets: bytes) -> bytes:
        """Return the pseudonym of an address whose least significant octet stands first."""
        return self.address(octets[::-1])[::-1]

    def _static_id(self, text: str) -> str:
        # 256 bits for 6 of 62 characters: none is likelier than another by more than 1 in 2 ** 220
        number = int.from_bytes(self._octets(b"static id", text.encode(), _DIGEST_OCTETS), "big")
        characters = []
        for _ in text:
            number, place = divmod(number, len(STATIC_ID_CHARACTERS))
            characters.append(STATIC_ID_CHARACTERS[place])
        return "".join(characters)

    def _name(self, octets: bytes) -> bytes:
        if octets == _BLUEZONE_NAME:
            return octets
        text = octets.decode("utf-8", "replace")
        try:
            static_id = reveal(text)
        except MalformedError:
            drawn = self._octets(b"name", octets)
            return "".join(_LETTERS[each % len(_LETTERS)] for each in drawn).encode()
        return obfuscate(self._static_id(static_id), int(text[0]), int(text[-1])).encode()

    def _ad(self, octets: bytes) -> bytes:
        replaced = bytearray()
        at = 0
        while at < len(octets) and octets[at]:
            end = at + 1 + octets[at]
            if end > len(octets):
                break
            replaced += octets[at : at + 2] + self._data(octets[at + 1], octets[at + 2 : end])
            at = end
        return bytes(replaced) + self._rest(octets[at:])

    def _rest(self, octets: bytes) -> bytes:
        """Return what follows the last whole structure: a part of one, or zeros, and what should not follow them."""
        if octets[:1] > b"\x00":
            # cut: its length, and its type where that is there, as what stands in an id's place may be known by it
            return octets[:2] + self._data(octets[1], octets[2:]) if len(octets) > 1 else octets
        after = octets.lstrip(b"\x00")
        drawn = self._octets(b"octets", after)
        if drawn[:1] == b"\x00":
            drawn = b"\x01" + drawn[1:]  # the damage begins where it did
        return octets[: len(octets) - len(after)] + drawn

    def _data(self, ad_type: int, data: bytes) -> bytes:
        """Return the data of an AD structure, of the same length."""
        if ad_type in _NAMES:
            return self._name(data)
        if ad_type == _MANUFACTURER:
            return self._manufacturer_data(data)
        if ad_type in _SERVICE_DATA:
            size = _SERVICE_DATA[ad_type]
            return self._service_uuids(data[:size], size) + self.id_octets(data[size:])
        for kinds, size in ((_UUIDS_16, 2), (_UUIDS_32, 4), (_UUIDS_128, 16)):
            if ad_type in kinds:
                return self._service_uuids(data, size)
        if ad_type in _TARGET_ADDRESSES:
            return self._addresses(data)
        if ad_type == _OWN_ADDRESS and len(data) == 1 + _ADDRESS_OCTETS:
            return self._on_air_address(data[:-1]) + data[-1:]
        kept = _KEPT.get(ad_type, 0)
        return data[:kept] + self.id_octets(data[kept:])

    def _manufacturer_data(self, data: bytes) -> bytes:
        if data.startswith(_APPLE_OVERFLOW) and len(data) == _APPLE_OVERFLOW_OCTETS:
            return data
        # the type that stands first in Apple's data stays: no other may become the field of services
        kept = _APPLE_HEAD_OCTETS if data.startswith(_APPLE_COMPANY) else _COMPANY_OCTETS
        return data[:kept] + self.id_octets(data[kept:])

    def _service_uuids(self, data: bytes, size: int) -> bytes:
        """Return a list of UUIDs as they are on the air, least significant octet first."""
        replaced = bytearray()
        for start in range(0, len(data), size):
            octets = data[start : start + size]
            if len(octets) < size:
                replaced += self._octets(b"octets", octets)
            elif size == 2:
                replaced += octets
            elif size == 4:
                replaced += octets if octets.endswith(b"\0\0") else self._octets(b"uuid", octets)
            else:
                digits = octets[::-1].hex()
                text = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
                replaced += bytes.fromhex(self.uuid(text).replace("-", ""))[::-1]
        return bytes(replaced)

    def _addresses(self, data: bytes) -> bytes:
        whole = len(data) - len(data) % _ADDRESS_OCTETS
        found = (self._on_air_address(data[at : at + 6]) for at in range(0, whole, _ADDRESS_OCTETS))
        return b"".join(found) + self._octets(b"octets", data[whole:])

    def _parameters(self, name: str, octets: bytes) -> bytes | None:
        """Return the parameters of a command; ``None`` where it is not known what they hold.

        Source: Core Specification, Vol 4 Part E 7.8.
        """
        layout = _COMMANDS.get(name)
        if layout is None:
            return None
        address_at, data_at = layout
        if address_at is not None:
            end = address_at + _ADDRESS_OCTETS
            if len(octets) < end:
                return self._octets(b"octets", octets)
            if any(octets[address_at:end]):  # zeros are no address
                octets = octets[:address_at] + self._on_air_address(octets[address_at:end]) + octets[end:]
        if data_at is not None:
            octets = octets[:data_at] + self._significant(octets, data_at)
        return octets

    def _significant(self, octets: bytes, data_at: int) -> bytes:
        """Return AdvData of a command: as many as the octet before them says, then what is not significant."""
        end = data_at + octets[data_at - 1] if len(octets) >= data_at else data_at
        data, rest = octets[data_at:end], octets[end:]
        if data_at > 1 and octets[1:2] not in _WHOLE_DATA:
            return self._octets(b"octets", data + rest)  # a piece, in which no structure need begin
        return self.ad(data) + (self._octets(b"octets", rest) if any(rest) else rest)

    def _fields(self, event: Event) -> dict[str, object]:
        address = event.fields.get("address")
        found: dict[str, object] = {}
        with suppress(ValueError):
            octets = bytes.fromhex(str(address).replace(":", ""))
            if len(octets) == _ADDRESS_OCTETS:
                found["address"] = self.address(octets).hex(":").upper()
        if event.name in ("gatt_services", "gatt_error"):
            found |= self._session(event)
        return found

    def _session(self, event: Event) -> dict[str, object]:
        """Return what a GATT session holds besides its address: what is a word or a number stays, UUIDs as ``uuid``."""
        found: dict[str, object] = {}
        for key in ("step", "service", "characteristic", "att_error", "services"):
            each = event.fields.get(key)
            if isinstance(each, list):
                found[key] = [self._service(service) for service in each if isinstance(service, Mapping)]
            elif each is not None:
                found[key] = self.uuid(str(each)) if key in ("service", "characteristic") else each
        return found if event.name == "gatt_services" else found | {"reason": "not told"}

    def _service(self, service: Mapping[str, object]) -> dict[str, object]:
        characteristics = service.get("characteristics")
        return {
            "uuid": self.uuid(str(service.get("uuid"))),
            "characteristics": [
                {"uuid": self.uuid(str(each.get("uuid"))), "properties": each.get("properties")}
                for each in (characteristics if isinstance(characteristics, list) else ())
                if isinstance(each, Mapping)
            ],
        }


_COMMANDS: dict[str, tuple[int | None, int | None]] = {
    "HCI_LE_Set_Random_Address": (0, None),
    "HCI_LE_Set_Advertising_Parameters": (7, None),
    "HCI_LE_Set_Advertising_Data": (None, 1),
    "HCI_LE_Set_Scan_Response_Data": (None, 1),
    "HCI_LE_Set_Advertising_Enable": (None, None),
    "HCI_LE_Set_Advertising_Set_Random_Address": (1, None),
    "HCI_LE_Set_Extended_Advertising_Parameters": (12, None),
    "HCI_LE_Set_Extended_Advertising_Data": (None, 4),
    "HCI_LE_Set_Extended_Scan_Response_Data": (None, 4),
    "HCI_LE_Set_Extended_Advertising_Enable": (None, None),
    "HCI_LE_Remove_Advertising_Set": (None, None),
    "HCI_LE_Clear_Advertising_Sets": (None, None),
}
"""Where a command's address stands, and where its AdvData begin."""
