"""Planted faults in what an app takes of adverts: BZ-RCV-001 to BZ-RCV-003."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random

from bluezone_reference import ad_structures as ad
from bluezone_reference.ad_structures import AdStructure, encode_ad, intact_structures
from bluezone_reference.errors import RejectCode
from bluezone_reference.profiles import V3
from bluezone_reference.receiver import HeardAdvert

from .behaviours import AppBehaviour, AppFault, Change, Hearing

_COMPANY = V3.advertisement.company.to_bytes(2, "little")
_ID_OCTETS = V3.advertisement.id_octets
_SHORT = bytes.fromhex(V3.advertisement.android_service_uuid.replace("-", ""))[2:4][::-1]
"""0x4E56, as on the air."""
_SHORT_LISTS = (ad.INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS, ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS)
_LONG_LISTS = (
    ad.INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS,
    ad.COMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS,
    ad.INCOMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS,
    ad.COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS,
)
_INCOMPLETE_LISTS = (
    ad.INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS,
    ad.INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS,
)
_PUBLISHED_ORDER = (ad.FLAGS, ad.MANUFACTURER_SPECIFIC_DATA, ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS)
_UUID_OCTETS = 2
_NEW_WINDOW_MS = 60_000
_SIGN = b"\x80"


def _hearing(hearing: Callable[[Random], Hearing]) -> Change:
    return lambda behaviour: replace(behaviour, hearing=hearing)


def _each(hear: Hearing) -> Change:
    """Return the fault of an app that remembers nothing of other adverts."""
    return _hearing(lambda random: hear)


def _taking(taken: Callable[[HeardAdvert], bytes | None]) -> Change:
    return lambda behaviour: replace(behaviour, taken=taken)


def _receiver(**rules: object) -> Change:
    """Return the fault of an app that has one of the receiver rules of a published build."""

    def change(behaviour: AppBehaviour) -> AppBehaviour:
        profile = behaviour.profile
        other = replace(profile.receiver, **rules)  # type: ignore[arg-type] # names of its fields
        return replace(behaviour, profile=replace(profile, receiver=other))

    return change


def _sound(advert: HeardAdvert) -> tuple[AdStructure, ...]:
    """Return the structures of an advert and of its scan response, as far as they are sound."""
    return intact_structures(advert.ad)[0] + intact_structures(advert.scan_response)[0]


def _own_data(structures: Iterable[AdStructure]) -> list[bytes]:
    """Return what stands behind Bluezone's company, in each structure that has it."""
    return [
        each.data[len(_COMPANY) :]
        for each in structures
        if each.ad_type == ad.MANUFACTURER_SPECIFIC_DATA and each.data.startswith(_COMPANY)
    ]


def _is_short_list(structure: AdStructure) -> bool:
    """Tell whether a structure is a whole list of short service UUIDs."""
    return structure.ad_type in _SHORT_LISTS and len(structure.data) % _UUID_OCTETS == 0


def _lists_service(structures: Iterable[AdStructure]) -> bool:
    return any(each.ad_type in _SHORT_LISTS and _SHORT in each.data for each in structures)


# BZ-RCV-001


def _in_order_only(advert: HeardAdvert) -> HeardAdvert | None:
    structures = _sound(advert)
    return advert if not _own_data(structures) or _is_in_order(structures) else None


def _is_in_order(structures: Iterable[AdStructure]) -> bool:
    known = [each.ad_type for each in structures if each.ad_type in _PUBLISHED_ORDER]
    return known == sorted(known, key=_PUBLISHED_ORDER.index)


def _without(*ad_types: int) -> Hearing:
    """Return what is deaf to structures of some types."""

    def hear(advert: HeardAdvert) -> HeardAdvert:
        structures, damage = intact_structures(advert.ad)
        if damage is not None or all(each.ad_type not in ad_types for each in structures):
            return advert
        rest = [(each.ad_type, each.data) for each in structures if each.ad_type not in ad_types]
        return replace(advert, ad=encode_ad(rest))

    return hear


def _first_service_only(advert: HeardAdvert) -> HeardAdvert:
    structures, damage = intact_structures(advert.ad)
    if damage is not None or not _lists_service(structures):
        return advert
    cut = [
        (each.ad_type, each.data[:_UUID_OCTETS] if _is_short_list(each) else each.data) for each in structures
    ]
    return replace(advert, ad=encode_ad(cut))


def _one_structure_only(advert: HeardAdvert) -> HeardAdvert | None:
    return None if len(_own_data(_sound(advert))) > 1 else advert


def _first_phone_only(random: Random) -> Hearing:
    state = {"last_ms": 0}
    first: dict[str, str] = {}

    def hear(advert: HeardAdvert) -> HeardAdvert | None:
        if not _own_data(_sound(advert)):
            return advert
        if advert.time_ms - state["last_ms"] > _NEW_WINDOW_MS:
            first.clear()
        state["last_ms"] = advert.time_ms
        return advert if first.setdefault("address", advert.address) == advert.address else None

    return hear


def _signed_octets(advert: HeardAdvert) -> HeardAdvert | None:
    return None if any(each[:1] >= _SIGN for each in _own_data(_sound(advert))) else advert


# BZ-RCV-002


def _of_any_company(advert: HeardAdvert) -> bytes | None:
    structures = _sound(advert)
    if not _lists_service(structures) or _own_data(structures):
        return None
    data = [
        each.data[len(_COMPANY) :] for each in structures if each.ad_type == ad.MANUFACTURER_SPECIFIC_DATA
    ]
    return next((each for each in reversed(data) if len(each) == _ID_OCTETS), None)


def _of_any_length(advert: HeardAdvert) -> bytes | None:
    structures = _sound(advert)
    data = _own_data(structures) if _lists_service(structures) else []
    return data[0] if len(data) == 1 and data[0] and len(data[0]) != _ID_OCTETS else None


def _one_of_two(advert: HeardAdvert) -> bytes | None:
    structures = _sound(advert)
    data = _own_data(structures) if _lists_service(structures) else []
    fitting = [each for each in data if len(each) == _ID_OCTETS]
    return fitting[-1] if fitting and len(data) > 1 else None


def _without_service(advert: HeardAdvert) -> bytes | None:
    structures = _sound(advert)
    data = [] if _lists_service(structures) else _own_data(structures)
    return data[-1] if data and len(data[-1]) == _ID_OCTETS else None


def _reads_refused(behaviour: AppBehaviour) -> AppBehaviour:
    reading = replace(behaviour.reading, wants_ignored=lambda advert: _lists_service(_sound(advert)))
    return replace(behaviour, reading=reading)


def _cuts_values(behaviour: AppBehaviour) -> AppBehaviour:
    return replace(behaviour, reading=replace(behaviour.reading, value=lambda value: value[:_ID_OCTETS]))


# BZ-RCV-003


def _completed(advert: HeardAdvert) -> HeardAdvert:
    _, damage = intact_structures(advert.ad)
    if damage is None or damage.code is not RejectCode.TRUNCATED_AD:
        return advert
    at = damage.offset
    return replace(advert, ad=advert.ad.ljust(at + 1 + advert.ad[at], b"\0")[: ad.LEGACY_AD_OCTETS])


def _is_malformed(advert: HeardAdvert) -> bool:
    return any(intact_structures(each)[1] is not None for each in (advert.ad, advert.scan_response))


def _deaf_after_malformed(random: Random) -> Hearing:
    heard: list[HeardAdvert] = []

    def hear(advert: HeardAdvert) -> HeardAdvert | None:
        if not heard and _is_malformed(advert):
            heard.append(advert)
        return None if heard else advert

    return hear


def _beyond_the_end(advert: HeardAdvert) -> HeardAdvert:
    """Go on behind a length of zero, as if it were a structure without a type."""
    structures, damage = intact_structures(advert.ad)
    if damage is None or damage.code is not RejectCode.DATA_AFTER_END:
        return advert
    known = encode_ad((each.ad_type, each.data) for each in structures)
    return replace(advert, ad=known + advert.ad[damage.offset :])


HEARD_FAULTS = (
    AppFault(
        "order-matters",
        "BZ-RCV-001",
        "Structures in another order than that of the published builds are not understood",
        _each(_in_order_only),
    ),
    AppFault(
        "complete-lists-only",
        "BZ-RCV-001",
        "0x4E56 in an incomplete list is not found",
        _each(_without(*_INCOMPLETE_LISTS)),
    ),
    AppFault(
        "first-service-only",
        "BZ-RCV-001",
        "0x4E56 behind another service UUID is not found",
        _each(_first_service_only),
    ),
    AppFault(
        "short-uuid-only",
        "BZ-RCV-001",
        "0x4E56 in a list of longer UUIDs is not found",
        _each(_without(*_LONG_LISTS[:2])),
    ),
    AppFault(
        "one-structure-only",
        "BZ-RCV-001",
        "An id that is said twice is not logged",
        _each(_one_structure_only),
    ),
    AppFault(
        "first-phone-only",
        "BZ-RCV-001",
        "Of each scan window only the first Android phone is logged",
        _hearing(_first_phone_only),
        breaks=("BZ-LOG-002",),
    ),
    AppFault(
        "signed-octets",
        "BZ-RCV-001",
        "An id is not logged whose first octet would be negative if octets had a sign",
        _each(_signed_octets),
    ),
    AppFault(
        "any-company",
        "BZ-RCV-002",
        "Twelve octets of any company are logged",
        _taking(_of_any_company),
        "F-18",
    ),
    AppFault(
        "any-length",
        "BZ-RCV-002",
        "Ids of any length are logged",
        _taking(_of_any_length),
        "F-21",
        breaks=("BZ-LOG-001", "BZ-LOG-003"),
    ),
    AppFault(
        "one-of-two",
        "BZ-RCV-002",
        "Of two ids that contradict each other the last of 12 octets is logged",
        _taking(_one_of_two),
    ),
    AppFault(
        "service-not-asked",
        "BZ-RCV-002",
        "An id without 0x4E56 is logged",
        _taking(_without_service),
    ),
    AppFault(
        "reads-refused",
        "BZ-RCV-002",
        "What is refused under 0x4E56 is read by GATT",
        _reads_refused,
    ),
    AppFault(
        "value-cut",
        "BZ-RCV-002",
        "Of a longer value that is read the first 12 octets are logged",
        _cuts_values,
    ),
    AppFault(
        "crash-on-short-data",
        "BZ-RCV-003",
        "Manufacturer specific data of 0 or 1 octets crash the app, and nobody starts it again",
        _receiver(short_manufacturer_data="crash"),
        "F-17",
        breaks=("BZ-RCV-001", "BZ-RCV-004"),
    ),
    AppFault(
        "cut-completed",
        "BZ-RCV-003",
        "A structure that is cut short is completed with zeros",
        _each(_completed),
        "F-29",
    ),
    AppFault(
        "deaf-after-malformed",
        "BZ-RCV-003",
        "After a malformed advert the app scans no more",
        _hearing(_deaf_after_malformed),
        breaks=("BZ-RCV-001", "BZ-RCV-004"),
    ),
    AppFault(
        "malformed-dropped",
        "BZ-RCV-003",
        "Of a malformed advert nothing is taken, not even what stands before the damage",
        _each(lambda advert: None if _is_malformed(advert) else advert),
    ),
    AppFault(
        "beyond-the-end",
        "BZ-RCV-003",
        "What stands behind the end of the AdvData is taken",
        _each(_beyond_the_end),
    ),
)
"""In the order of their requirements."""
