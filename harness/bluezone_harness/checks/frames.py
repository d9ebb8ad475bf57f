"""Frames: what the AdvData of a sighting say, damaged or not.

Theory of operation. A frame is Bluezone's if something marks it as ours: one of the service UUIDs, or manufacturer
specific data of company 0x22B5. Marks are looked for in what is whole, so that a frame that is cut, or has a wrong
length, is still known as ours. The bit in an iPhone's overflow form marks nothing: another app's UUID can have the
same one.

The reference decides what octets say. A large capture holds a million different ones, which differ in nothing but the
rolling id: so it is asked once for each form, and the id put in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bluezone_harness.observations import PduType
from bluezone_harness.sightings import Sighting, Who
from bluezone_reference.ad_structures import (
    COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS,
    COMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS,
    COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS,
    EXTENDED_AD_OCTETS,
    INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS,
    INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS,
    INCOMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS,
    LEGACY_AD_OCTETS,
    MANUFACTURER_SPECIFIC_DATA,
    AdStructure,
    intact_structures,
)
from bluezone_reference.advertisement import (
    Advertisement,
    AndroidAdvertisement,
    IosBackgroundAdvertisement,
    OldAndroidAdvertisement,
    OldIosAdvertisement,
    advertisement_of,
)
from bluezone_reference.errors import MalformedError
from bluezone_reference.profiles import V1, V3

Platform = Literal["android", "ios", ""]

MARKED, RESPONSE, DAMAGED, OVERFLOW = 1, 2, 4, 8
"""Kinds of frames: Bluezone's by a mark; scan responses; malformed ones; those with Bluezone's bit."""
_COMPANY_OCTETS = 2
_COMPANY = V3.advertisement.company.to_bytes(_COMPANY_OCTETS, "little")
_ID_OCTETS = V3.advertisement.id_octets
_CUT_ID_HEAD = bytes([MANUFACTURER_SPECIFIC_DATA]) + _COMPANY
_FEWEST_OCTETS = 6
"""Of an id that is not whole, so many octets still tell whose it is."""
_BASE_UUID_TAIL = "00001000800000805f9b34fb"
_ANDROID_UUIDS = frozenset(each.advertisement.android_service_uuid.replace("-", "") for each in (V1, V3))
_IOS_UUIDS = frozenset(each.advertisement.ios_service_uuid.replace("-", "") for each in (V1, V3))
_UUID_OCTETS = {
    INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS: 2,
    COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS: 2,
    INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS: 4,
    COMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS: 4,
    INCOMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS: 16,
    COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS: 16,
}


_ID_HEAD = bytes([1 + _COMPANY_OCTETS + _ID_OCTETS]) + _CUT_ID_HEAD
"""With which the AD structure of a rolling id begins."""
_SOME_ID = bytes(_ID_OCTETS)
_FRAMES_KEPT = 32 * 1024
"""Some 25 MB: more than the ids of 300 phones of a day."""
_FORMS_KEPT = 8 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """What one AdvData says, damaged or not.

    Attributes:
        structures: Those before any damage.
        damage: Why it is not well formed (BZ-ADV-001); ``None`` where it is.
        refused: Why it is Bluezone's but not as it must be; ``None`` where it is, or is not Bluezone's.
        advertisement: What it says; ``None`` where it was refused.
        platform: Of the Bluezone phone that sent it; empty where nothing marks it as Bluezone's.
        id_octets: Its id, rolling or static, or what stands in the id's place under another company.
        overflow: It holds an overflow field with Bluezone's bit.
        part: What stands where a rolling id should, but is longer or shorter, or cut: it tells nothing but, perhaps,
            whose frame it is.
    """

    structures: tuple[AdStructure, ...]
    damage: MalformedError | None
    refused: MalformedError | None
    advertisement: Advertisement | None
    platform: Platform
    id_octets: bytes | None
    overflow: bool
    part: bytes | None


def frame_of(sighting: Sighting) -> Frame:
    """Return what the adverts of a sighting say; one without octets says nothing."""
    return frame_of_ad(sighting.ad, sighting.pdu)


def frame_of_ad(ad: bytes | None, pdu: PduType | None) -> Frame:
    """Return what the AdvData of a PDU say; none say nothing.

    Where nobody tells the PDU, it may be an extended one, or AdvData that a system put together.
    """
    return _frame(ad or b"", pdu is None or pdu is PduType.ADV_EXT_IND)


def kind_of(who: Who) -> int:
    """Return what is to be known of a frame before its sightings are looked at: ``MARKED`` and the other bits."""
    _, _, _, pdu, ad = who
    frame = frame_of_ad(ad, pdu)
    kind = MARKED if frame.platform else 0
    if pdu is PduType.SCAN_RSP:
        kind |= RESPONSE
    if frame.damage is not None:
        kind |= DAMAGED
    return kind | OVERFLOW if frame.overflow else kind


@lru_cache(maxsize=_FRAMES_KEPT)
def _frame(octets: bytes, extended: bool) -> Frame:
    at = octets.find(_ID_HEAD) + len(_ID_HEAD)
    whole = len(_ID_HEAD) <= at <= len(octets) - _ID_OCTETS
    if not whole or octets.find(_ID_HEAD, at - len(_ID_HEAD) + 1) >= 0:
        return _form(octets, extended)
    form = _form(octets[:at] + _SOME_ID + octets[at + _ID_OCTETS :], extended)
    if form.id_octets != _SOME_ID or not isinstance(form.advertisement, AndroidAdvertisement):
        return _form(octets, extended)
    # that one structure alone holds it: a second of company 0x22B5 would have the same head, or be refused
    rolling_id = octets[at : at + _ID_OCTETS]
    start = at - len(_ID_HEAD)
    structures = tuple(
        AdStructure(start, each.ad_type, _COMPANY + rolling_id) if each.offset == start else each
        for each in form.structures
    )
    return Frame(
        structures,
        form.damage,
        form.refused,
        AndroidAdvertisement(rolling_id),
        form.platform,
        rolling_id,
        form.overflow,
        form.part,
    )


@lru_cache(maxsize=_FORMS_KEPT)
def _form(octets: bytes, extended: bool) -> Frame:
    structures, damage = intact_structures(octets, EXTENDED_AD_OCTETS if extended else LEGACY_AD_OCTETS)
    refused = advertisement = None
    try:
        advertisement = advertisement_of(structures)
    except MalformedError as error:
        refused = error
    manufacturer = [each.data for each in structures if each.ad_type == MANUFACTURER_SPECIFIC_DATA]
    platform = _platform(structures, manufacturer)
    return Frame(
        structures,
        damage,
        refused,
        advertisement,
        platform,
        _id_octets(advertisement, manufacturer) if platform else None,
        isinstance(advertisement, IosBackgroundAdvertisement),
        _part(octets, manufacturer, damage) if platform == "android" else None,
    )


def _part(octets: bytes, manufacturer: Sequence[bytes], damage: MalformedError | None) -> bytes | None:
    found = [data[_COMPANY_OCTETS:] for data in manufacturer if data.startswith(_COMPANY)]
    if not found and damage is not None and damage.offset is not None:
        found = [octets[damage.offset + 2 + _COMPANY_OCTETS :]]
        if octets[damage.offset + 1 : damage.offset + 2 + _COMPANY_OCTETS] != _CUT_ID_HEAD:
            return None
    other = [each for each in found if _FEWEST_OCTETS <= len(each) != _ID_OCTETS]
    return other[0] if other else None


def service_uuids(structures: Iterable[AdStructure]) -> frozenset[str]:
    """Return the service UUIDs of all lists, each as 32 hex digits; what is left over of a ragged list is left out."""
    found: set[str] = set()
    for each in structures:
        octets = _UUID_OCTETS.get(each.ad_type)
        if octets is None:
            continue
        for start in range(0, len(each.data) - len(each.data) % octets, octets):
            digits = each.data[start : start + octets][::-1].hex()
            found.add(digits if octets == 16 else digits.rjust(8, "0") + _BASE_UUID_TAIL)
    return frozenset(found)


def _platform(structures: Sequence[AdStructure], manufacturer: Sequence[bytes]) -> Platform:
    services = service_uuids(structures)
    if services & _ANDROID_UUIDS or any(data.startswith(_COMPANY) for data in manufacturer):
        return "android"
    return "ios" if services & _IOS_UUIDS else ""


def _id_octets(advertisement: Advertisement | None, manufacturer: Sequence[bytes]) -> bytes | None:
    match advertisement:
        case AndroidAdvertisement(rolling_id):
            return rolling_id
        case OldAndroidAdvertisement(static_id) | OldIosAdvertisement(static_id=str(static_id)):
            return static_id.encode("ascii")
    # what is refused may still show whose it is: an id without 0x4E56, or under another company
    ids = {data[_COMPANY_OCTETS:] for data in manufacturer if len(data) == _COMPANY_OCTETS + _ID_OCTETS}
    return ids.pop() if len(ids) == 1 else None
