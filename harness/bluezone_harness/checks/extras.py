"""What a phone sends beside what the app sends: the app's own frames, and what more is in them.

The app's own frames are those that a Bluezone mark names as ours, and the scan responses of their addresses on
Android, where each advertising set has an address of its own. What an iPhone sends beside the app's frames is the
system's. *Extra* is whatever is none of Flags, the app's service UUID, data of company 0x22B5, the overflow form and a
local name. TX power and appearance tell nobody apart and are no extras.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bluezone_harness.checks.frames import MARKED, RESPONSE, frame_of, kind_of, service_uuids
from bluezone_harness.checks.heard import HeardId, heard_ids
from bluezone_harness.checks.subjects import Rules
from bluezone_harness.observations import PduType
from bluezone_harness.sightings import Sighting, in_order, of_kind, those
from bluezone_reference.ad_structures import (
    COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS,
    COMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS,
    COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS,
    COMPLETE_LOCAL_NAME,
    FLAGS,
    INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS,
    INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS,
    INCOMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS,
    MANUFACTURER_SPECIFIC_DATA,
    SHORTENED_LOCAL_NAME,
    TX_POWER_LEVEL,
    AdStructure,
)
from bluezone_reference.advertisement import OldIosAdvertisement
from bluezone_reference.profiles import V1, V3

_APPEARANCE = 0x19
_PLAIN = frozenset(
    {
        FLAGS,
        INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS,
        COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS,
        INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS,
        COMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS,
        INCOMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS,
        COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS,
        SHORTENED_LOCAL_NAME,
        COMPLETE_LOCAL_NAME,
        TX_POWER_LEVEL,
        _APPEARANCE,
    }
)
"""AD types that are judged for themselves, UUID by UUID or by name, or that tell nobody apart."""
_COMPANY = V3.advertisement.company.to_bytes(2, "little")
_OVERFLOW = b"\x4c\x00\x01"
_OURS = frozenset(
    uuid.replace("-", "")
    for profile in (V1, V3)
    for uuid in (profile.advertisement.android_service_uuid, profile.advertisement.ios_service_uuid)
)

Extra = tuple[str, str]
"""Something that the app does not send, as text: what it is, and what it says."""


@dataclass(frozen=True, slots=True)
class KeptExtra:
    """An extra that stays the same while the id changes.

    Attributes:
        extra: What it is.
        ids: How many ids it was sent with.
        alike: Several phones send it: it tells nobody apart.
        sightings: Where.
    """

    extra: Extra
    ids: int
    alike: bool
    sightings: tuple[Sighting, ...]


def own_frames(sightings: Iterable[Sighting]) -> Sequence[Sighting]:
    """Return the sightings of the app's own frames, in order of time.

    A scan response bears no mark of its own. That of an address which sent frames of an Android phone, or of one of
    the first generation's iPhones, is the app's.
    """
    known = of_kind(in_order([sightings]), kind_of, MARKED | RESPONSE)
    if not any(each.pdu is PduType.SCAN_RSP for each in known):
        return known
    whole = {each.address for each in known if _has_own_set(each)} - {None}
    return those(
        known,
        lambda each: frame_of(each).platform or (each.pdu is PduType.SCAN_RSP and each.address in whole),
    )


def _has_own_set(sighting: Sighting) -> bool:
    frame = frame_of(sighting)
    return frame.platform == "android" or isinstance(frame.advertisement, OldIosAdvertisement)


def extras(sighting: Sighting) -> frozenset[Extra]:
    """Return what a sighting holds that the app does not send."""
    frame = frame_of(sighting)
    found = {
        (f"AD structure 0x{each.ad_type:02X}", each.data.hex().upper())
        for each in frame.structures
        if not _is_plain(each)
    }
    found.update(("service UUID", uuid) for uuid in service_uuids(frame.structures) - _OURS)
    return frozenset(found)


def _is_plain(structure: AdStructure) -> bool:
    if structure.ad_type == MANUFACTURER_SPECIFIC_DATA:
        return structure.data.startswith((_COMPANY, _OVERFLOW))
    return structure.ad_type in _PLAIN


def kept_extras(ours: Sequence[Sighting], others: Iterable[Sighting], rules: Rules) -> tuple[KeptExtra, ...]:
    """Return the extras that stay the same while the id changes: the id beside them, or that of their address.

    Several phones send an extra if it was heard with two ids at the same time, or of another sender.

    Args:
        ours: Own frames of one phone, or of several that cannot be told apart.
        others: Own frames of other senders.
        rules: For the tolerance ``window_pause``.
    """
    ids: dict[bytes, list[HeardId]] = {}
    for each in heard_ids(ours, rules):
        if each.address is not None:
            ids.setdefault(each.address, []).append(each)
    elsewhere = {extra for each in others for extra in extras(each)}
    groups: dict[Extra, list[Sighting]] = {}
    for sighting in ours:
        for extra in extras(sighting):
            groups.setdefault(extra, []).append(sighting)
    found: list[KeptExtra] = []
    for extra, members in sorted(groups.items()):
        addresses = {each.address for each in members} - {None}
        beside = [*heard_ids(members, rules)]
        beside.extend(each for address in addresses for each in ids.get(address or b"", ()))
        count = len({each.octets for each in beside})
        if count > 1:
            found.append(KeptExtra(extra, count, extra in elsewhere or _two_at_once(beside), tuple(members)))
    return tuple(found)


def _two_at_once(heard: Iterable[HeardId]) -> bool:
    """Tell whether two ids were heard at the same time by one clock: they are two phones'."""
    reached: dict[tuple[str, str], HeardId] = {}
    for each in sorted(heard, key=lambda each: (each.first_us, each.last_us)):
        clock = (each.source, each.receiver)
        before = reached.get(clock)
        if before is not None and before.octets != each.octets and before.last_us > each.first_us:
            return True
        if before is None or each.last_us > before.last_us:
            reached[clock] = each
    return False
