"""What an advertisement says, and how one is written.

==============================  ============================================================================
``AndroidAdvertisement``        0x4E56 among the service UUIDs; company 0x22B5 with a rolling id (v2, v3)
``OldAndroidAdvertisement``     the first generation's 128-bit UUID; company 0x22B5 with a static id
``IosAdvertisement``            the 128-bit UUID of v3's iPhones, and a name; the id has to be read by GATT
``OldIosAdvertisement``         the 128-bit UUID of v1's and v2's iPhones, and a name that holds a static id
``IosBackgroundAdvertisement``  company 0x004C, type 0x01, and 128 bits among which Bluezone's is set
``OtherAdvertisement``          everything else
==============================  ============================================================================

Theory of operation. Octets are taken apart first (``ad_structures``); what the structures say together is
decided here, whatever their order (BZ-ADV-011): the first row of the table that applies is the answer. All
lists of service UUIDs are read as one, each UUID in its 128-bit form, whatever its width on the air.

Strict where it is ours, silent where it is not:

- Under 0x4E56 the manufacturer specific data must be as BZ-ADV-003 says, or the advertisement is refused.
  Elsewhere they are not judged: a phone of the first generation without a proper static id, or an iPhone's
  frame that lacks the bit, is another's advertisement.
- A ragged list of service UUIDs, one that is no whole number of UUIDs, is refused only if something else
  marks the advertisement as ours: a Bluezone UUID among the whole UUIDs, or manufacturer data of company
  0x22B5. Another's damage is not reported as Bluezone's, and ours is not passed over. The bit in an overflow
  field marks nothing: only a GATT read decides whose it is.
- A name that is not UTF-8 is kept with replacement characters. It is shown and judged (BZ-ADV-009), and hides
  nothing.

Source: requirements BZ-ADV-001 to BZ-ADV-011; the UUIDs and the company come from ``profiles``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from bluezone_reference import ad_structures as ad
from bluezone_reference.ad_structures import AdStructure
from bluezone_reference.android_form import rolling_id_in
from bluezone_reference.errors import MalformedError, RejectCode
from bluezone_reference.name_obfuscation import is_static_id, reveal
from bluezone_reference.profiles import V1, V3

SERVICES_OCTETS = 16
# Source A: `AppConstants`: the bit of v3's iOS service UUID, the only one set where no other app advertises
ONLY_BLUEZONE_SERVICES = b"\x08" + bytes(SERVICES_OCTETS - 1)


@dataclass(frozen=True, slots=True)
class AndroidAdvertisement:
    """An Android phone of the second or third generation; nothing on the air tells the two apart.

    Attributes:
        rolling_id: 12 octets.
    """

    rolling_id: bytes


@dataclass(frozen=True, slots=True)
class IosAdvertisement:
    """An iPhone of the third generation whose frame carries the service UUID.

    Attributes:
        local_name: As heard; ``None`` where the frame has none. Of several it is one that is not
            ``Bluezone``, the least of those: a wrong name must not hide behind the right one.
    """

    local_name: str | None


@dataclass(frozen=True, slots=True)
class IosBackgroundAdvertisement:
    """An iPhone on which an app in the background advertises a service UUID with Bluezone's bit.

    Apple maps each UUID to one of 128 bits: another app's UUID can have the same one.

    Attributes:
        services: The field of 128 bits, 16 octets; several fields are joined by OR.
        only_bluezone: No other bit is set. Android 3.0.3 reads these phones only (F-26).
    """

    services: bytes
    only_bluezone: bool


@dataclass(frozen=True, slots=True)
class OldAndroidAdvertisement:
    """An Android phone of the first generation.

    Attributes:
        static_id: Six characters of ``0-9A-Za-z``.
    """

    static_id: str


@dataclass(frozen=True, slots=True)
class OldIosAdvertisement:
    """An iPhone of the first generation, or of the second, whose app was still the first's.

    Attributes:
        local_name: As heard; ``None`` where the frame has none: ten characters rarely find room beside the UUID.
            Of several it is the least that holds a static id, or the least of all.
        static_id: The static id in the name; ``None`` where there is no name or it does not check out.
    """

    local_name: str | None
    static_id: str | None


@dataclass(frozen=True, slots=True)
class OtherAdvertisement:
    """Not Bluezone."""


Advertisement: TypeAlias = (
    AndroidAdvertisement
    | IosAdvertisement
    | IosBackgroundAdvertisement
    | OldAndroidAdvertisement
    | OldIosAdvertisement
    | OtherAdvertisement
)
Kind: TypeAlias = Literal["android", "ios", "ios-background", "old-android", "old-ios", "other"]

_KINDS: dict[type[Advertisement], Kind] = {
    AndroidAdvertisement: "android",
    IosAdvertisement: "ios",
    IosBackgroundAdvertisement: "ios-background",
    OldAndroidAdvertisement: "old-android",
    OldIosAdvertisement: "old-ios",
    OtherAdvertisement: "other",
}


def _on_air(uuid: str) -> bytes:
    """Give the 16 octets of a UUID as they are sent: least significant first."""
    return bytes.fromhex(uuid.replace("-", ""))[::-1]


# Core Specification, Vol 3 Part B 2.5.1: a short UUID stands in the last four octets (on the air) of this one
_BASE_UUID = _on_air("00000000-0000-1000-8000-00805f9b34fb")
_ANDROID = _on_air(V3.advertisement.android_service_uuid)
_IOS = _on_air(V3.advertisement.ios_service_uuid)
_OLD_ANDROID = _on_air(V1.advertisement.android_service_uuid)
_OLD_IOS = _on_air(V1.advertisement.ios_service_uuid)
_BLUEZONE_UUIDS = frozenset((_ANDROID, _IOS, _OLD_ANDROID, _OLD_IOS))

# Supplement, Part A 1.1: octets of one UUID in each list of service UUIDs
_UUID_OCTETS = {
    ad.INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS: 2,
    ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS: 2,
    ad.INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS: 4,
    ad.COMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS: 4,
    ad.INCOMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS: 16,
    ad.COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS: 16,
}

# Supplement, Part A 1.4: manufacturer specific data begin with the company, least significant octet first
_COMPANY_OCTETS = 2
_COMPANY = V3.advertisement.company.to_bytes(_COMPANY_OCTETS, "little")
_ID_OCTETS = V3.advertisement.id_octets
_APPLE_OVERFLOW = b"\x4c\x00\x01"

# Supplement, Part A 1.3. Android's: source AOSP; iPhones': as those of 2020 were heard to send them
_ANDROID_FLAGS = (ad.FLAGS, b"\x02")
_IOS_FLAGS = (ad.FLAGS, b"\x1a")


def describe(advertisement: Advertisement) -> Kind:
    """Name the kind of an advertisement, as reports and ``--json`` write it."""
    return _KINDS[type(advertisement)]


def decode_advertisement(octets: bytes, limit: int = ad.LEGACY_AD_OCTETS) -> Advertisement:
    """Say what AdvData are, strictly.

    Args:
        octets: AdvData, from the first length octet on.
        limit: The most octets there may be; see ``ad_structures``.

    Raises:
        MalformedError: The AdvData are malformed (``ad_structures.intact_structures``), or Bluezone's but not
            as they must be (``advertisement_of``).

    Source: BZ-ADV-001 to BZ-ADV-003, BZ-ADV-011.
    """
    if (rolling_id := rolling_id_in(octets)) is not None and len(octets) <= limit:
        return AndroidAdvertisement(rolling_id)
    return advertisement_of(ad.decode_ad(octets, limit))


def advertisement_of(structures: Sequence[AdStructure]) -> Advertisement:
    """Say what AD structures are that are taken apart already.

    Args:
        structures: All AD structures of one advertisement, in any order.

    Raises:
        MalformedError: With the offset of a structure's length octet, the first where several are at fault:

            - ``BAD_UUID_LIST``: a list of service UUIDs, in an advertisement otherwise ours, is ragged;
            - ``SHORT_MANUFACTURER_DATA``: manufacturer data under 0x4E56 lack a company identifier;
            - ``BAD_ID_LENGTH``: data of company 0x22B5 under 0x4E56 are not 12 octets;
            - ``MISSING_ID``: there are none; the offset is that of the list which holds 0x4E56;
            - ``AMBIGUOUS_ID``: they differ; the offset is that of the first which does.

            Where several apply, it is the first of this list.

    Source: BZ-ADV-002, BZ-ADV-003, BZ-ADV-009 to BZ-ADV-011.
    """
    # BZ-ADV-011: order decides nothing but which of two equal faults is named
    structures = sorted(structures, key=lambda structure: structure.offset)
    manufacturer = [
        structure for structure in structures if structure.ad_type == ad.MANUFACTURER_SPECIFIC_DATA
    ]
    own_data = [structure for structure in manufacturer if structure.data.startswith(_COMPANY)]
    services, ragged_list = _services(structures)

    # BZ-ADV-002: a ragged list is refused in an advertisement that is otherwise Bluezone's
    if ragged_list is not None and (own_data or not _BLUEZONE_UUIDS.isdisjoint(services)):
        octets = _UUID_OCTETS[ragged_list.ad_type]
        raise MalformedError(
            RejectCode.BAD_UUID_LIST,
            "BZ-ADV-002",
            ragged_list.offset,
            f"a list of service UUIDs of {octets} octets each has {len(ragged_list.data)} octets",
        )
    if _ANDROID in services:
        return AndroidAdvertisement(_rolling_id(manufacturer, own_data, listed_at=services[_ANDROID]))
    if _OLD_ANDROID in services and (static_id := _static_id(own_data)) is not None:
        return OldAndroidAdvertisement(static_id)
    if _IOS in services:
        return IosAdvertisement(_ios_name(structures))
    if _OLD_IOS in services:
        return _old_ios(structures)
    overflow = _overflow(manufacturer)
    if overflow[0] & ONLY_BLUEZONE_SERVICES[0]:
        return IosBackgroundAdvertisement(overflow, only_bluezone=overflow == ONLY_BLUEZONE_SERVICES)
    return OtherAdvertisement()


def _services(structures: Iterable[AdStructure]) -> tuple[dict[bytes, int], AdStructure | None]:
    """Give the service UUIDs, each with the offset of the first list of it, and the first ragged list."""
    services: dict[bytes, int] = {}
    ragged_list = None
    for structure in structures:
        octets = _UUID_OCTETS.get(structure.ad_type)
        if octets is None:
            continue
        excess = len(structure.data) % octets
        if excess and ragged_list is None:
            ragged_list = structure
        for start in range(0, len(structure.data) - excess, octets):
            uuid = structure.data[start : start + octets]
            if octets < len(_BASE_UUID):
                uuid = _BASE_UUID[:-4] + uuid.ljust(4, b"\x00")
            services.setdefault(uuid, structure.offset)
    return services, ragged_list


def _rolling_id(manufacturer: list[AdStructure], own_data: list[AdStructure], *, listed_at: int) -> bytes:
    def malformed(code: RejectCode, offset: int, reason: str) -> MalformedError:
        return MalformedError(code, "BZ-ADV-003", offset, reason)

    for structure in manufacturer:
        if len(structure.data) < _COMPANY_OCTETS:
            reason = f"manufacturer specific data of {len(structure.data)} octets hold no company identifier"
            raise malformed(RejectCode.SHORT_MANUFACTURER_DATA, structure.offset, reason)
    # BZ-ADV-003: exactly twelve octets after the company identifier
    for structure in own_data:
        length = len(structure.data) - _COMPANY_OCTETS
        if length != _ID_OCTETS:
            reason = f"the data of company 0x22B5 are {length} octets, not the {_ID_OCTETS} of a rolling id"
            raise malformed(RejectCode.BAD_ID_LENGTH, structure.offset, reason)
    if not own_data:
        raise malformed(
            RejectCode.MISSING_ID, listed_at, "service UUID 0x4E56 without data of company 0x22B5"
        )
    for structure in own_data:
        if structure.data != own_data[0].data:
            raise malformed(RejectCode.AMBIGUOUS_ID, structure.offset, "two different rolling ids")
    return own_data[0].data[_COMPANY_OCTETS:]


def _static_id(own_data: list[AdStructure]) -> str | None:
    texts = {structure.data[_COMPANY_OCTETS:].decode("ascii", "replace") for structure in own_data}
    if len(texts) != 1:
        return None
    (text,) = texts
    return text if is_static_id(text) else None


def _names(structures: Iterable[AdStructure]) -> set[str]:
    return {
        structure.data.decode("utf-8", "replace")
        for structure in structures
        if structure.ad_type in (ad.SHORTENED_LOCAL_NAME, ad.COMPLETE_LOCAL_NAME)
    }


def _ios_name(structures: Iterable[AdStructure]) -> str | None:
    right_name = V3.advertisement.ios_local_name
    return min(_names(structures), key=lambda name: (name == right_name, name), default=None)


def _old_ios(structures: Iterable[AdStructure]) -> OldIosAdvertisement:
    name = min(_names(structures), key=lambda name: (_revealed(name) is None, name), default=None)
    return OldIosAdvertisement(name, _revealed(name))


def _revealed(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return reveal(name)
    except MalformedError:
        return None


def _overflow(manufacturer: Iterable[AdStructure]) -> bytes:
    """Give the OR of all overflow fields of exactly 16 octets; zeros if there are none."""
    services = 0
    for structure in manufacturer:
        data = structure.data
        if data.startswith(_APPLE_OVERFLOW) and len(data) == len(_APPLE_OVERFLOW) + SERVICES_OCTETS:
            services |= int.from_bytes(data[len(_APPLE_OVERFLOW) :], "big")
    return services.to_bytes(SERVICES_OCTETS, "big")


def encode_advertisement(advertisement: Advertisement) -> bytes:
    """Write an advertisement in the order of the published builds: Flags, manufacturer data, UUIDs, name.

    An iPhone splits what does not fit between advertisement and scan response, as its system chooses. Here it
    is one frame, and the Flags give way to a name of ten characters beside the UUID.

    Args:
        advertisement: Any kind but ``OtherAdvertisement``.

    Returns:
        AdvData, at most 31 octets.

    Raises:
        ValueError: A field is not as its kind says, the whole does not fit, or the advertisement is
            another's.

    Source: BZ-ADV-002, BZ-ADV-003, BZ-ADV-009, BZ-ADV-010; source A ``ServiceTraceCovid``, source I
    ``BlePeripheralManager.swift``.
    """
    octets = ad.encode_ad(_structures_of(advertisement))
    if len(octets) > ad.LEGACY_AD_OCTETS:
        raise ValueError(f"the advertisement takes {len(octets)} octets, more than {ad.LEGACY_AD_OCTETS}")
    return octets


def _structures_of(advertisement: Advertisement) -> list[tuple[int, bytes]]:
    match advertisement:
        case AndroidAdvertisement(rolling_id):
            if len(rolling_id) != _ID_OCTETS:
                raise ValueError(f"a rolling id is {_ID_OCTETS} octets, not {len(rolling_id)}")
            # the 16 bits of 0x4E56 stand where the Base UUID has zeros
            short_uuid = _ANDROID[-4:-2]
            return [
                _ANDROID_FLAGS,
                (ad.MANUFACTURER_SPECIFIC_DATA, _COMPANY + rolling_id),
                (ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS, short_uuid),
            ]
        case OldAndroidAdvertisement(static_id):
            if not is_static_id(static_id):
                raise ValueError("a static id is 6 characters of 0-9A-Za-z")
            return [
                _ANDROID_FLAGS,
                (ad.MANUFACTURER_SPECIFIC_DATA, _COMPANY + static_id.encode("ascii")),
                (ad.COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS, _OLD_ANDROID),
            ]
        case IosAdvertisement(local_name):
            return _ios_structures(_IOS, local_name)
        case OldIosAdvertisement(local_name, static_id):
            if static_id != _revealed(local_name):
                raise ValueError("the static id is not the one that the local name holds")
            return _ios_structures(_OLD_IOS, local_name)
        case IosBackgroundAdvertisement(services, only_bluezone):
            if len(services) != SERVICES_OCTETS or not services[0] & ONLY_BLUEZONE_SERVICES[0]:
                raise ValueError(f"the services are {SERVICES_OCTETS} octets in which Bluezone's bit is set")
            if only_bluezone != (services == ONLY_BLUEZONE_SERVICES):
                raise ValueError("only_bluezone is not what the services say")
            return [_IOS_FLAGS, (ad.MANUFACTURER_SPECIFIC_DATA, _APPLE_OVERFLOW + services)]
        case OtherAdvertisement():
            raise ValueError("another's advertisement has no form of ours")
        case _:
            assert_never(advertisement)


def _ios_structures(uuid: bytes, local_name: str | None) -> list[tuple[int, bytes]]:
    structures = [(ad.COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS, uuid)]
    if local_name is not None:
        structures.append((ad.COMPLETE_LOCAL_NAME, local_name.encode("utf-8")))
    fits = len(ad.encode_ad([_IOS_FLAGS, *structures])) <= ad.LEGACY_AD_OCTETS
    return [_IOS_FLAGS, *structures] if fits else structures
