"""Bluezone senders: what was heard of one, recognised by what its adverts say, linked by addresses and ids.

Theory of operation. A frame is Bluezone's if something marks it as ours: one of the service UUIDs, or manufacturer
specific data of company 0x22B5. Marks are looked for in what is whole, so that a frame that is cut, or has a wrong
length, is still known as ours. The bit in an iPhone's overflow form marks nothing: another app's UUID can have the
same one. Sightings that share an address or an id come from one sender; a phone whose address and id change together
makes one sender for each pair, which ``one_phone`` puts together where nothing speaks against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from bluezone_harness.checks.windows import OnWindow, on_windows
from bluezone_harness.observations import PduType
from bluezone_harness.sightings import Sighting
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

STEP_US = 60_000_000
"""The longest time between two senders in turn for them to be taken for one phone: two scheduled periods."""
WINDOWS_TO_CLAIM = 3
"""On-windows of a sender below which it may be somebody who passed by in a pause of the device under test."""

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
    return _frame(sighting.ad or b"", sighting.pdu is PduType.ADV_EXT_IND)


@lru_cache(maxsize=8192)
def _frame(octets: bytes, extended: bool) -> Frame:
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


@dataclass(frozen=True, slots=True)
class Sender:
    """What is linked by addresses and ids.

    Attributes:
        sightings: Its Bluezone frames, and the scan responses and damaged frames of their addresses, in order.
        ids: Octets of all ids that it showed.
        parts: What it showed in place of an id, being longer, shorter or cut.
        addresses: All that it used.
        platform: ``android`` if any of its frames is an Android phone's.
        windows: Its on-windows, in the order in which they begin.
    """

    sightings: tuple[Sighting, ...]
    ids: frozenset[bytes]
    parts: frozenset[bytes]
    addresses: frozenset[bytes]
    platform: Platform
    windows: tuple[OnWindow, ...]

    @property
    def first_us(self) -> int:
        """When it was heard first."""
        return self.sightings[0].first_us

    @property
    def last_us(self) -> int:
        """When it was heard last."""
        return max(each.last_us for each in self.sightings)


def senders(sightings: Iterable[Sighting], addresses: Collection[bytes] = frozenset()) -> tuple[Sender, ...]:
    """Return the Bluezone senders among sightings, in the order in which they were heard first.

    Args:
        sightings: In any order, of any number of sources.
        addresses: Those that are known to be Bluezone phones', whatever they send.
    """
    known = sorted(sightings, key=lambda each: (each.first_us, each.first_number, each.source))
    marked = [each for each in known if frame_of(each).platform]
    unmarked = set(addresses) - {each.address for each in marked}
    marked += [each for each in known if each.address in unmarked]
    groups = _Groups()
    for each in marked:
        groups.join(_links(each))
    ours = {each.address for each in marked} - {None}
    members: dict[object, list[Sighting]] = {}
    chosen = {id(each) for each in marked}
    for each in known:
        beside = each.address in ours and (each.pdu is PduType.SCAN_RSP or frame_of(each).damage is not None)
        if id(each) in chosen or beside:
            members.setdefault(groups.root(_links(each)[0]), []).append(each)
    return tuple(_sender(each) for each in members.values())


def _links(sighting: Sighting) -> list[object]:
    """Return by what a sighting is linked: its address and its id; by itself where it shows neither."""
    found: list[object] = []
    if sighting.address is not None:
        found.append(("address", sighting.address))
    frame = frame_of(sighting)
    octets = frame.part if frame.id_octets is None else frame.id_octets
    if octets is not None:
        found.append(("id", octets))
    return found or [("sighting", sighting.source, sighting.first_number)]


class _Groups:
    """Things that are linked, by the one that stands for all of a group."""

    def __init__(self) -> None:
        self._parents: dict[object, object] = {}

    def root(self, link: object) -> object:
        path = []
        while (parent := self._parents.setdefault(link, link)) != link:
            path.append(link)
            link = parent
        for each in path:
            self._parents[each] = link
        return link

    def join(self, links: Sequence[object]) -> None:
        for each in links[1:]:
            self._parents[self.root(each)] = self.root(links[0])


def _sender(sightings: list[Sighting]) -> Sender:
    frames = [frame_of(each) for each in sightings]
    platforms = {frame.platform for frame in frames}
    platform: Platform = "android" if "android" in platforms else "ios" if "ios" in platforms else ""
    return Sender(
        tuple(sightings),
        frozenset(frame.id_octets for frame in frames if frame.id_octets is not None),
        frozenset(frame.part for frame in frames if frame.part is not None),
        frozenset(each.address for each in sightings if each.address is not None),
        platform,
        on_windows(sightings),
    )


def one_phone(found: Sequence[Sender]) -> bool:
    """Tell whether several senders can be one phone whose address and id change together.

    They can if each takes its turn: the next begins when the one before has ended, and not much later. Whoever was
    heard hours later may be anybody.
    """
    turns = sorted(found, key=lambda each: each.first_us)
    return all(0 <= after.first_us - before.last_us <= STEP_US for before, after in pairwise(turns))
