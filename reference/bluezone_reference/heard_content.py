"""What an advert or a GATT value holds for a receiver: a contact id, an id still to be read, or nothing.

Theory of operation. There are three ways to take an advert apart; the receiver rules of a profile choose one:

=====================  ====================================================================================
the protocol's         structures before any damage, then ``advertisement``: strict, order decides nothing
``pads_legacy_ad``     AOSP's ``ScanRecord`` under the published Android builds: zeros complete what was
                       cut short (F-29), of two structures of one company the later is found, and an iPhone
                       in the background is known by one exact field (F-26)
``takes_any_company``  CoreBluetooth under the published iOS build: the first two octets of manufacturer
                       data are dropped unread (F-18), or missed (F-17)
=====================  ====================================================================================

Nothing is remembered here; ``receiver`` does that.

Source: BZ-RCV-001 to BZ-RCV-004; source A ``ServiceTraceCovid``, ``AppConstants``; source I
``ScannerManager.swift``, ``BleCentralManager.swift``; AOSP ``ScanRecord``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from . import ad_structures as ad
from .ad_structures import AdStructure, intact_structures
from .advertisement import (
    ONLY_BLUEZONE_SERVICES,
    AndroidAdvertisement,
    IosAdvertisement,
    IosBackgroundAdvertisement,
    OldAndroidAdvertisement,
    OldIosAdvertisement,
    advertisement_of,
)
from .errors import BuildFailureError, Failure, MalformedError, RejectCode
from .name_obfuscation import reveal
from .profiles import Profile

PADDED_OCTETS = 62
"""AdvData and scan response of legacy advertising, 31 octets each: what AOSP makes of any record (F-29)."""

_COMPANY_OCTETS = 2
_OVERFLOW = b"\x4c\x00\x01"
"""Company 0x004C and type 0x01, before the 128 bits of an iPhone in the background (BZ-ADV-010)."""

# Core Specification, Vol 3 Part B 2.5.1, as on the air: a short UUID stands behind these twelve octets
_BASE_UUID = bytes.fromhex("fb349b5f8000008000100000")
_UUID_OCTETS = {
    ad.INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS: 2,
    ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS: 2,
    ad.INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS: 4,
    ad.COMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS: 4,
    ad.INCOMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS: 16,
    ad.COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS: 16,
}


@dataclass(frozen=True, slots=True)
class HeardContent:
    """What an advert or a GATT value holds; neither of the two: the id is to be read by GATT.

    Attributes:
        contact_id: For the log; ``None`` where there is none.
        ignored: Why there is nothing for the log; empty where there is, or may be.
    """

    contact_id: bytes | None = None
    ignored: str = ""


def heard_content(adv_data: bytes, scan_response: bytes, profile: Profile) -> HeardContent:
    """Say what an advert holds.

    Args:
        adv_data: Its AdvData, malformed or not.
        scan_response: The same of the sender's answer to a scan request; empty where there is none.
        profile: Whose receiver hears it.

    Raises:
        BuildFailureError: F-17, under a profile that crashes.

    Source: BZ-RCV-001 to BZ-RCV-004.
    """
    rules = profile.receiver
    take_apart = _padded_structures if rules.pads_legacy_ad else _sound_structures
    structures = take_apart(adv_data, scan_response)
    services = (profile.advertisement.android_service_uuid, profile.advertisement.ios_service_uuid)
    if not (_in_background(structures, profile) or any(_lists(structures, uuid) for uuid in services)):
        return HeardContent(ignored="it carries no service of Bluezone's")
    if rules.short_manufacturer_data == "crash":
        _crash_on_short_data(structures)
    if rules.takes_any_company:
        return _any_company_content(structures, profile)
    if rules.pads_legacy_ad:
        return _scan_record_content(structures, profile)
    return _protocol_content(structures, profile)


def value_content(value: bytes, profile: Profile) -> HeardContent:
    """Say what the value of the characteristic holds.

    Args:
        value: As read, of any length.
        profile: Whose receiver reads it. Before the third generation the value is an obfuscated name.

    Returns:
        A contact id, or why there is none.

    Source: BZ-RCV-002, BZ-GAT-002.
    """
    rules = profile.advertisement
    if not rules.ios_local_name and value:
        return _named(value)
    # BZ-RCV-002: nothing of another length
    if len(value) != rules.id_octets:
        return HeardContent(ignored=f"the value has {len(value)} octets, not {rules.id_octets}")
    return HeardContent(value)


# --- the three ways -----------------------------------------------------------------------------------------


def _protocol_content(structures: tuple[AdStructure, ...], profile: Profile) -> HeardContent:
    try:
        advertisement = advertisement_of(structures)
    except MalformedError as error:
        return HeardContent(ignored=str(error))
    match profile.generation, advertisement:
        # BZ-RCV-001: the 12 octets of company 0x22B5 beside 0x4E56
        case 2 | 3, AndroidAdvertisement(rolling_id):
            return HeardContent(rolling_id)
        # BZ-RCV-004, BZ-ADV-010: in the background as in the foreground, whatever other apps advertise
        case 3, IosAdvertisement() | IosBackgroundAdvertisement():
            return HeardContent()
        case 1, OldAndroidAdvertisement(static_id):
            return HeardContent(static_id.encode("ascii"))
        case 1 | 2, OldIosAdvertisement(local_name):
            return _named((local_name or "").encode("utf-8"))
        case _:
            return HeardContent(ignored=f"it is none of generation {profile.generation}'s")


def _scan_record_content(structures: tuple[AdStructure, ...], profile: Profile) -> HeardContent:
    rules = profile.advertisement
    company_data = {
        int.from_bytes(data[:_COMPANY_OCTETS], "little"): data[_COMPANY_OCTETS:]
        for data in _manufacturer_data(structures)
    }
    if _lists(structures, rules.android_service_uuid):
        # Without an id of this length it logs nothing, and does not connect either.
        contact_id = company_data.get(rules.company, b"")
        if len(contact_id) != rules.id_octets:
            return HeardContent(ignored=f"company 0x{rules.company:04X} has no {rules.id_octets} octets")
        return HeardContent(contact_id)
    if _lists(structures, rules.ios_service_uuid):
        return HeardContent() if rules.ios_local_name else _named(_local_name(structures))
    # F-26: the scan filter asks for the field in which no other app's bit is set.
    if _OVERFLOW + ONLY_BLUEZONE_SERVICES in _manufacturer_data(structures):
        return HeardContent()
    return HeardContent(ignored="other apps on the iPhone are in the background too")


def _any_company_content(structures: tuple[AdStructure, ...], profile: Profile) -> HeardContent:
    # The system keeps the overflow field to itself; of several structures the last is taken (both inferred).
    handed_over = [data for data in _manufacturer_data(structures) if not data.startswith(_OVERFLOW)]
    if not handed_over:
        return HeardContent()
    # F-18: which company the two octets name is not asked.
    contact_id = handed_over[-1][_COMPANY_OCTETS:]
    octets = profile.advertisement.id_octets
    if len(contact_id) != octets:
        return HeardContent(ignored=f"{len(contact_id)} octets of manufacturer data, not {octets}")
    return HeardContent(contact_id)


def _named(name: bytes) -> HeardContent:
    """Read the static id out of an old iPhone's name; a name that does not check out is logged as it is.

    Source: source A ``AppUtils``, first generation (of the second: inferred).
    """
    if not name:
        return HeardContent()
    try:
        return HeardContent(reveal(name.decode("utf-8", "replace")).encode("ascii"))
    except MalformedError:
        return HeardContent(name)


# --- structures ---------------------------------------------------------------------------------------------


def _sound_structures(adv_data: bytes, scan_response: bytes) -> tuple[AdStructure, ...]:
    # BZ-RCV-003, BZ-ADV-001: nothing from the part that is cut; what stands before it counts.
    heard, _ = intact_structures(adv_data)
    answered, _ = intact_structures(scan_response)
    # Offsets go on from the one to the other.
    return heard + tuple(
        AdStructure(len(adv_data) + structure.offset, structure.ad_type, structure.data)
        for structure in answered
    )


def _padded_structures(adv_data: bytes, scan_response: bytes) -> tuple[AdStructure, ...]:
    """Take a record apart as AOSP does: padded, up to a zero length, and all of it or nothing."""
    # F-29: zeros from the padding complete a structure that was cut short.
    record = (adv_data + scan_response).ljust(PADDED_OCTETS, b"\x00")
    structures, damage = intact_structures(record, len(record))
    if damage is not None and damage.code is RejectCode.TRUNCATED_AD:
        return ()
    # A company identifier that is missing is one more exception, and the record is empty.
    if any(len(data) < _COMPANY_OCTETS for data in _manufacturer_data(structures)):
        return ()
    return structures


def _crash_on_short_data(structures: tuple[AdStructure, ...]) -> None:
    for data in _manufacturer_data(structures):
        if len(data) < _COMPANY_OCTETS:
            raise BuildFailureError(
                "F-17",
                Failure.EXCEPTION,
                f"manufacturer data of {len(data)} octets, of which two are dropped",
            )


def _manufacturer_data(structures: Iterable[AdStructure]) -> list[bytes]:
    return [structure.data for structure in structures if structure.ad_type == ad.MANUFACTURER_SPECIFIC_DATA]


def _in_background(structures: Iterable[AdStructure], profile: Profile) -> bool:
    """Tell whether Bluezone's bit is set in an overflow field; only the third generation's is known."""
    octets = len(_OVERFLOW) + len(ONLY_BLUEZONE_SERVICES)
    return profile.generation == 3 and any(
        data.startswith(_OVERFLOW)
        and len(data) == octets
        and data[len(_OVERFLOW)] & ONLY_BLUEZONE_SERVICES[0]
        for data in _manufacturer_data(structures)
    )


def _local_name(structures: Iterable[AdStructure]) -> bytes:
    """Give the last local name, as AOSP finds it; empty if there is none."""
    name_types = (ad.SHORTENED_LOCAL_NAME, ad.COMPLETE_LOCAL_NAME)
    names = [structure.data for structure in structures if structure.ad_type in name_types]
    return names[-1] if names else b""


def _lists(structures: Iterable[AdStructure], uuid: str) -> bool:
    """Tell whether a list of service UUIDs holds this one, in whichever width."""
    long_form = bytes.fromhex(uuid.replace("-", ""))[::-1]
    for structure in structures:
        octets = _UUID_OCTETS.get(structure.ad_type)
        if octets is None:
            continue
        for start in range(0, len(structure.data) - octets + 1, octets):
            listed = structure.data[start : start + octets]
            if octets < len(long_form):
                listed = _BASE_UUID + listed.ljust(4, b"\x00")
            if listed == long_form:
                return True
    return False
