"""Subjects of which what was heard decides nothing: no phone known, no advert, no id, or several phones' as one."""

from __future__ import annotations

from bluezone_harness.checks.frames import frame_of
from bluezone_harness.checks.subjects import Subject
from bluezone_harness.findings import Judgement, Reason, inconclusive, not_observable
from bluezone_reference.advertisement import IosAdvertisement, IosBackgroundAdvertisement


def of_one_phone(subject: Subject) -> bool:
    """Tell whether all that a subject's sightings show is one phone's."""
    return subject.device is not None or subject.alone


def undecided(subject: Subject) -> Judgement | None:
    """Answer for a subject whose sightings nothing can be said of; ``None`` where something can."""
    if not subject.identified and subject.has_pseudonyms_of_others:
        return inconclusive(
            Reason.DEVICE_NOT_IDENTIFIED,
            "nothing that was heard is known to be the device under test, and all else bears pseudonyms",
        )
    if not subject.identified:
        return inconclusive(
            Reason.DEVICE_NOT_IDENTIFIED, "several phones were heard, and none is the device under test"
        )
    if not subject.sightings and any(each.partial for each in subject.captures):
        return inconclusive(Reason.DAMAGED, "no advert of the phone can be read")
    if not subject.sightings:
        return inconclusive(Reason.TOO_FEW_PACKETS, "no advert of the phone was heard")
    return None


def without_ids(subject: Subject) -> Judgement:
    """Answer for a subject whose sightings carry no id."""
    if any(
        isinstance(frame_of(each).advertisement, IosAdvertisement | IosBackgroundAdvertisement)
        for each in subject.sightings
    ):
        return not_observable(
            Reason.EVIDENCE_MISSING, "an iPhone's adverts carry no id: it takes GATT reads beside the capture"
        )
    return inconclusive(Reason.TOO_FEW_PACKETS, "no advert that carries an id was heard")


def several_phones(what: str) -> Judgement:
    """Answer where nothing is wrong, and a pass would take knowing which sightings are one phone's."""
    return not_observable(
        Reason.DEVICE_NOT_IDENTIFIED,
        f"{what}; several phones were heard, and without a device file they cannot be told apart",
    )
