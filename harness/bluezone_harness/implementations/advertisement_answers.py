"""Advertisements as questions and answers have them, put to the reference."""

from __future__ import annotations

from dataclasses import replace

from bluezone_reference.ad_structures import AdStructure, decode_ad
from bluezone_reference.advertisement import (
    Advertisement,
    AndroidAdvertisement,
    IosAdvertisement,
    IosBackgroundAdvertisement,
    OldAndroidAdvertisement,
    OldIosAdvertisement,
    advertisement_of,
    encode_advertisement,
)
from bluezone_reference.errors import RefusedError, RejectCode
from bluezone_reference.key_schedule import ID_OCTETS
from bluezone_reference.profiles import Profile

from . import questions
from .questions import Asked, QuestionError


def encode(question: Asked, profile: Profile) -> object:
    """Answer ``encode_advertisement``."""
    return {"ad": encode_advertisement(_advertisement(questions.part(question, "advertisement"))).hex()}


def decode(question: Asked, profile: Profile) -> object:
    """Answer ``decode_advertisement``; a scan response is a record of its own, taken apart by itself."""
    ad = questions.octets(question, "ad")
    scan_response = questions.optional_octets(question, "scan_response") or b""
    return {"advertisement": advertisement_value(advertisement_of(structures_of(ad, scan_response)))}


def structures_of(ad: bytes, scan_response: bytes = b"") -> tuple[AdStructure, ...]:
    """Take an advertisement and its scan response apart, each strictly.

    Raises:
        MalformedError: As ``decode_ad``.

    Source: BZ-ADV-001.
    """
    answered = (replace(each, offset=len(ad) + each.offset) for each in decode_ad(scan_response))
    return (*decode_ad(ad), *answered)


def advertisement_value(advertisement: Advertisement) -> dict[str, object]:
    """Write an advertisement as answers have it."""
    match advertisement:
        case AndroidAdvertisement(rolling_id):
            return {"kind": "android", "id": rolling_id.hex()}
        case IosAdvertisement(local_name):
            return {"kind": "ios", "local_name": local_name}
        case IosBackgroundAdvertisement(services, only_bluezone):
            return {"kind": "ios_background", "services": services.hex(), "only_bluezone": only_bluezone}
        case OldAndroidAdvertisement(static_id):
            return {"kind": "old_android", "static_id": static_id}
        case OldIosAdvertisement(local_name, static_id):
            return {"kind": "old_ios", "local_name": local_name, "static_id": static_id}
        case _:
            return {"kind": "other"}


def _advertisement(asked: Asked) -> Advertisement:
    match questions.text(asked, "kind"):
        case "android":
            rolling_id = questions.octets(asked, "id")
            if len(rolling_id) != ID_OCTETS:  # BZ-ADV-003
                raise RefusedError(
                    RejectCode.BAD_ID_LENGTH, "BZ-ADV-003", f"a rolling id is {ID_OCTETS} octets"
                )
            return AndroidAdvertisement(rolling_id)
        case "ios":
            return IosAdvertisement(questions.optional_text(asked, "local_name"))
        case "ios_background":
            return IosBackgroundAdvertisement(
                questions.octets(asked, "services"), questions.flag(asked, "only_bluezone")
            )
        case "old_android":
            return OldAndroidAdvertisement(questions.text(asked, "static_id"))
        case "old_ios":
            return OldIosAdvertisement(
                questions.optional_text(asked, "local_name"), questions.optional_text(asked, "static_id")
            )
        case _:
            raise QuestionError("another's advertisement has no form of ours")
