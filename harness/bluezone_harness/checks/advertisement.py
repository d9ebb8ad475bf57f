"""Chapter advertisement, as captures show it: BZ-ADV-001 to BZ-ADV-010.

Theory of operation. A frame is judged where something marks it as Bluezone's (``senders``): what else an address sends
is another's. A frame that is cut is the business of BZ-ADV-001 and of no other requirement, but for what stands in its
whole part. Frames of an iPhone are not judged by what binds Android phones, nor the other way round. The ids of
BZ-ADV-004 and BZ-ADV-005 are compared with the schedule once (``heard_slots``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median_low

from bluezone_harness.checks.frames import OVERFLOW, Platform, frame_of, kind_of, service_uuids
from bluezone_harness.checks.heard import local_names
from bluezone_harness.checks.heard_slots import failed_by, heard_slots, nothing_compared
from bluezone_harness.checks.heard_text import of_sighting
from bluezone_harness.checks.id_windows import IdWindow, id_windows
from bluezone_harness.checks.lateness import over_ground, over_ms, slot_end_ms
from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import count_text, of_text
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.system_scans import or_fields, told_in_full
from bluezone_harness.checks.undecided import undecided, without_ids
from bluezone_harness.findings import (
    EVIDENCE_SHOWN,
    Judgement,
    Reason,
    failed,
    ground,
    inconclusive,
    not_observable,
    passed,
)
from bluezone_harness.observations import Capability, Extent, PduType, duration_text
from bluezone_harness.sightings import Sighting, of_kind, those
from bluezone_reference.ad_structures import (
    COMPLETE_LOCAL_NAME,
    MANUFACTURER_SPECIFIC_DATA,
    SHORTENED_LOCAL_NAME,
    TX_POWER_LEVEL,
    AdStructure,
)
from bluezone_reference.advertisement import OldAndroidAdvertisement
from bluezone_reference.errors import RejectCode
from bluezone_reference.profiles import V3

_SERVICE = V3.advertisement.android_service_uuid.replace("-", "")
_IOS_SERVICE = V3.advertisement.ios_service_uuid.replace("-", "")
_COMPANY = V3.advertisement.company.to_bytes(2, "little")
_RIGHT_NAME = V3.advertisement.ios_local_name
_ID_FAULTS = (
    RejectCode.SHORT_MANUFACTURER_DATA,
    RejectCode.BAD_ID_LENGTH,
    RejectCode.MISSING_ID,
    RejectCode.AMBIGUOUS_ID,
)
_IDENTIFYING = {
    SHORTENED_LOCAL_NAME: "a local name",
    COMPLETE_LOCAL_NAME: "a local name",
    TX_POWER_LEVEL: "a TX power level",
    0x16: "service data",
    0x17: "a target address",
    0x18: "a target address",
    0x19: "an appearance",
    0x1B: "a device address",
    0x20: "service data",
    0x21: "service data",
    0x24: "a URI",
}
"""AD types that BZ-ADV-006 names, but for manufacturer specific data."""
_SCHEDULED_OFF_MS, _OPEN_ON_MS, _OPEN_OFF_MS = 15_000, 150_000, 5_000
"""Source: chapter Advertisement, When a phone sends."""
_AIR_AND_KEY = frozenset({Capability.RAW_AD, Capability.TRUE_IDS, Capability.BASE_ID})
_FEWEST_WINDOWS = 6
"""A rhythm is judged by the medians of so many on-windows at least."""


# --- what is judged ---


def _frames(subject: Subject, platform: Platform = "", *, responses: bool = False) -> Sequence[Sighting]:
    """Return the frames of a subject that can be judged: octets are known, and the platform's own, if one is named."""
    return those(
        subject.sightings,
        lambda each: (
            each.ad is not None
            and (responses or each.pdu is not PduType.SCAN_RSP)
            and (not platform or frame_of(each).platform in (platform, "" if responses else platform))
        ),
    )


def _nothing(subject: Subject, platform: str) -> Judgement:
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    return not_observable(Reason.EVIDENCE_MISSING, f"no frame of {platform} was heard")


def _of(
    wrong: Sequence[Sighting], judged: Sequence[Sighting], what: str, expected: str, seen: str
) -> Judgement:
    summary = f"{of_text(len(wrong), len(judged), 'sighting')} {what}"
    found = ground(summary, expected, seen, list(map(of_sighting, wrong[:EVIDENCE_SHOWN])), len(wrong))
    return failed(len(judged), len(wrong), summary, [found])


def _all(judged: Sequence[Sighting], what: str) -> Judgement:
    return passed(len(judged), f"{of_text(len(judged), len(judged), 'sighting')} {what}")


@check("BZ-ADV-001", needs=Capability.RAW_AD)
def adv_data_is_well_formed(subject: Subject, rules: Rules) -> Judgement:
    """Decode every frame strictly, scan responses included."""
    judged = _frames(subject, responses=True)
    if not judged:
        return _nothing(subject, "a Bluezone phone")
    wrong = those(judged, lambda each: frame_of(each).damage is not None)
    if wrong:
        damage = frame_of(wrong[0]).damage
        assert damage is not None  # noqa: S101 - by which it was chosen
        seen = f"{damage.code} at octet {damage.offset}: {damage.reason}"
        return _of(
            wrong, judged, "with malformed AdvData", "well-formed AD structures, and nothing else", seen
        )
    return _all(judged, "with well-formed AdvData")


@check("BZ-ADV-002", needs=Capability.RAW_AD)
def the_services_contain_bluezones(subject: Subject, rules: Rules) -> Judgement:
    """Look for 0x4E56 in each frame of an Android phone, the first generation's too; one that is cut may lack it."""
    judged = those(
        _frames(subject, "android"), lambda each: frame_of(each).damage is None or _has_service(each)
    )
    if not judged:
        return _no_whole_frame(subject)
    wrong = those(judged, lambda each: not _has_service(each))
    if wrong:
        first = frame_of(wrong[0])
        seen = "service UUIDs without it" if service_uuids(first.structures) else "no service UUID"
        if first.refused is not None and first.refused.code is RejectCode.BAD_UUID_LIST:
            seen = first.refused.reason
        if isinstance(first.advertisement, OldAndroidAdvertisement):
            seen = "the service UUID of the first generation (v1)"
        expected = "0x4E56 in a whole list of 16-bit service UUIDs"
        return _of(wrong, judged, "without 0x4E56", expected, seen)
    return _all(judged, "with service UUID 0x4E56")


def _no_whole_frame(subject: Subject) -> Judgement:
    if any(frame_of(each).damage is not None for each in _frames(subject, "android")):
        return inconclusive(Reason.DAMAGED, "all frames of the phone are malformed (BZ-ADV-001)")
    return _nothing(subject, "an Android phone")


def _has_service(sighting: Sighting) -> bool:
    frame = frame_of(sighting)
    if frame.refused is not None and frame.refused.code is RejectCode.BAD_UUID_LIST:
        return False
    return _SERVICE in service_uuids(frame.structures)


@check("BZ-ADV-003", needs=or_fields())
def the_id_has_twelve_octets(subject: Subject, rules: Rules) -> Judgement:
    """Judge the manufacturer specific data in each whole frame of an Android phone, with or without 0x4E56."""
    judged = those(
        _frames(subject, "android"), lambda each: frame_of(each).damage is None or not _id_fault(each)
    )
    if not judged:
        return _no_whole_frame(subject)
    wrong = those(judged, _id_fault)
    if wrong and subject.fields_from:
        wrong = those(wrong, told_in_full(subject, judged, _has_own_data))
        judged = judged if wrong else those(judged, lambda each: not _id_fault(each))
    if not judged:
        return inconclusive(Reason.TOO_FEW_PACKETS, "no rolling id was told, and perhaps not yet")
    if wrong:
        expected = "exactly 12 octets of company 0x22B5"
        return _of(wrong, judged, "without a rolling id", expected, _id_fault(wrong[0]))
    return _all(judged, "with 12 octets of company 0x22B5")


def _has_own_data(sighting: Sighting) -> bool:
    return any(
        each.ad_type == MANUFACTURER_SPECIFIC_DATA and each.data.startswith(_COMPANY)
        for each in frame_of(sighting).structures
    )


def _id_fault(sighting: Sighting) -> str:
    frame = frame_of(sighting)
    if frame.refused is not None and frame.refused.code in _ID_FAULTS:
        return frame.refused.reason
    data = [each.data for each in frame.structures if each.ad_type == MANUFACTURER_SPECIFIC_DATA]
    own = {each[2:] for each in data if each.startswith(_COMPANY)}
    if not own:
        return "no data of company 0x22B5"
    lengths = sorted({len(each) for each in own} - {V3.advertisement.id_octets})
    return f"{lengths[0]} octets of company 0x22B5" if lengths else ""


@check("BZ-ADV-006", needs=Capability.RAW_AD)
def nothing_else_identifies(subject: Subject, rules: Rules) -> Judgement:
    """Look at every AD structure of an Android phone's frames and scan responses."""
    own = _frames(subject, "android")
    judged = own
    responses = those(_frames(subject, responses=True), lambda each: each.pdu is PduType.SCAN_RSP)
    if responses:
        ours = {each.address for each in own} - {None}
        judged = (*own, *(each for each in responses if each.address in ours))
    if not judged:
        return _nothing(subject, "an Android phone")
    wrong = those(judged, _identifying)
    if wrong:
        seen = " and ".join(dict.fromkeys(_identifying(wrong[0])))
        expected = "flags, service UUIDs and data of company 0x22B5 only"
        return _of(wrong, judged, "with more than that", expected, seen)
    others = sorted({each.ad_type for frame in judged for each in frame_of(frame).structures} - _PLAIN)
    further = f"; other AD types: {', '.join(f'0x{each:02X}' for each in others)}" if others else ""
    return _all(judged, f"without what identifies{further}")


_PLAIN = frozenset({0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, MANUFACTURER_SPECIFIC_DATA})


def _identifying(sighting: Sighting) -> list[str]:
    return [name for each in frame_of(sighting).structures if (name := _identifying_name(each, sighting))]


def _identifying_name(structure: AdStructure, sighting: Sighting) -> str:
    if structure.ad_type != MANUFACTURER_SPECIFIC_DATA:
        return _IDENTIFYING.get(structure.ad_type, "")
    frame = frame_of(sighting)
    missing = frame.refused is not None and frame.refused.code in _ID_FAULTS
    if structure.data.startswith(_COMPANY) or missing:
        return ""  # a wrong company in the id's place is BZ-ADV-003's business
    return f"data of company 0x{int.from_bytes(structure.data[:2], 'little'):04X}"


@check("BZ-ADV-007", needs=frozenset({Capability.RAW_AD, Capability.PDU_TYPE}))
def advertising_is_legacy_and_connectable(subject: Subject, rules: Rules) -> Judgement:
    """Judge the PDU of each frame that is Bluezone's."""
    judged = those(
        _frames(subject),
        lambda each: each.pdu is not None and (frame_of(each).platform or frame_of(each).overflow),
    )
    if not judged:
        return _nothing(subject, "a Bluezone phone whose PDU is known")
    wrong = those(judged, lambda each: each.pdu is not PduType.ADV_IND)
    if wrong:
        return _of(wrong, judged, "in another PDU", str(PduType.ADV_IND), str(wrong[0].pdu))
    return _all(judged, f"in {PduType.ADV_IND}")


@check("BZ-ADV-009", needs=Capability.RAW_AD)
def an_iphone_bears_no_other_name(subject: Subject, rules: Rules) -> Judgement:
    """Compare the local names in frames that carry the iOS service UUID."""
    judged = those(_frames(subject), lambda each: _IOS_SERVICE in service_uuids(frame_of(each).structures))
    if not judged:
        return _nothing(subject, "an iPhone with the service UUID")
    wrong = those(judged, lambda each: set(local_names(each)) - {_RIGHT_NAME})
    if wrong:
        name = min(set(local_names(wrong[0])) - {_RIGHT_NAME})
        return _of(
            wrong, judged, "with another name", f"no local name, or {_RIGHT_NAME}", f"the name {name!r}"
        )
    return _all(judged, f"without a local name but {_RIGHT_NAME}")


@check("BZ-ADV-010", needs=Capability.RAW_AD)
def the_overflow_form_is_recognised(subject: Subject, rules: Rules) -> Judgement:
    """Count overflow fields with Bluezone's bit, whoever sends them: only a GATT read decides whose they are."""
    heard = [
        each for capture in subject.captures for each in of_kind(capture.folded.sightings, kind_of, OVERFLOW)
    ]
    if not heard:
        return not_observable(Reason.EVIDENCE_MISSING, "no overflow form was heard")
    return _all(heard, "in the overflow form with Bluezone's bit, which another app's UUID may have too")


# --- ids in time ---


@check("BZ-ADV-004", needs=_AIR_AND_KEY)
def the_id_is_of_its_slot(subject: Subject, rules: Rules) -> Judgement:
    """Compare each on-window's id with the schedule, and look for ids that change within an on-window."""
    found = heard_slots(subject, rules).of_adverts
    if not found.heard:
        return nothing_compared(subject, found)
    wrong = [each for each in found.explanations if each.is_late]
    if wrong:
        return failed_by(found, wrong)
    changed = [each.window for each in found.heard if each.window.changed]
    if changed:
        summary = f"{of_text(len(changed), len(found.heard), 'on-window')} in which the id changes"
        expected = "the id with which the on-window began, until it ends"
        seen = f"{changed[0].rolling_id.hex().upper()} without a pause after another id"
        evidence = [each.evidence() for each in changed]
        return failed(len(found.heard), len(changed), summary, [ground(summary, expected, seen, evidence)])
    if not found.right:
        return inconclusive(Reason.TOO_FEW_PACKETS, "no on-window was heard from its beginning")
    return passed(len(found.right), f"{count_text(len(found.right), 'on-window')} with the id of its slot")


@check("BZ-ADV-005", needs=or_fields(Capability.TRUE_IDS, Capability.BASE_ID))
def an_on_window_ends(subject: Subject, rules: Rules) -> Judgement:
    """Judge when each on-window that goes on after its slot ends, and ids of a slot gone by.

    A pass takes two ids at least: that the first was not sent on is seen when the second is.
    """
    found = heard_slots(subject, rules).of_adverts
    if not found.heard:
        return nothing_compared(subject, found)
    late = [each for each in found.explanations if "BZ-ADV-005" in each.requirements]
    assert subject.device is not None  # noqa: S101 - ids were compared
    late_by = [(each, over_ms(each, subject.device, rules)) for each in found.right]
    over = [each for each in late_by if each[1] > 0]
    grounds = list(failed_by(found, late).grounds) if late else []
    if over:
        grounds.append(over_ground(over))
    if grounds:
        wrong = sum(each.count for each in grounds)
        summary = "; ".join(each.summary for each in grounds)
        return failed(len(found.heard), wrong, summary, grounds)
    if len({each.window.rolling_id for each in found.right}) < 2:
        return inconclusive(Reason.NO_ROTATION, "no right id was followed by another")
    crossing = [
        each.window for each in found.right if slot_end_ms(each) < each.time_ms + each.window.length_ms
    ]
    text = f"{count_text(len(found.right), 'on-window')} judged, {len(crossing)} across the end of a slot"
    if crossing:
        longest_ms = max(each.length_ms for each in crossing)
        text += f", the longest of these {duration_text(longest_ms)}"
        if longest_ms > rules.tolerances["window"] + rules.tolerances["window_pause"]:
            text += " as around the foreground"
    return passed(len(found.right), text)


# --- rhythm ---


@check("BZ-ADV-008", needs=frozenset({Capability.RAW_AD, Capability.ADDRESS, Capability.INTERVAL}))
def on_windows_keep_the_rhythm(subject: Subject, rules: Rules) -> Judgement:
    """Judge the medians of length and period of on-windows, where nothing but the phone can have cut them short."""
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    if subject.device is None and not subject.alone:
        return not_observable(
            Reason.DEVICE_NOT_IDENTIFIED, "several phones were heard, whose on-windows cannot be told apart"
        )
    if any(capture.capabilities.get(Capability.INTERVAL) is not Extent.YES for capture in subject.captures):
        return not_observable(Reason.CAPABILITY_MISSING, "the capture does not show each advert")
    windows = _one_at_a_time(id_windows(subject.sightings, subject.captures, 0))
    if not windows:
        return without_ids(subject)
    if any(capture.folded.gaps for capture in subject.captures):
        return inconclusive(Reason.DAMAGED, "the capture is not continuous")
    if len(windows) < _FEWEST_WINDOWS:
        return inconclusive(Reason.TOO_SHORT, f"{count_text(len(windows), 'on-window')} heard")
    if median_low(each.missed_ms for each in windows) >= rules.tolerances["window_pause"]:
        return inconclusive(
            Reason.TOO_FEW_PACKETS, "too few adverts were heard to tell when on-windows begin"
        )
    length_ms = median_low(each.length_ms for each in windows)
    firsts = [each.first_ms for each in windows]
    period_ms = median_low(after - before for before, after in pairwise(firsts))
    pause_ms = rules.tolerances["window_pause"]
    window_ms = rules.tolerances["window"]
    rhythms = ((window_ms, window_ms + _SCHEDULED_OFF_MS), (_OPEN_ON_MS, _OPEN_ON_MS + _OPEN_OFF_MS))
    seen = f"{duration_text(length_ms)} every {duration_text(period_ms)}"
    for on_ms, whole_ms in rhythms:
        if abs(length_ms - on_ms) <= pause_ms and abs(period_ms - whole_ms) <= pause_ms:
            return passed(len(windows), f"{count_text(len(windows), 'on-window')}, of {seen}")
    summary = f"{count_text(len(windows), 'on-window')} of another rhythm"
    found = ground(
        summary, "15 s every 30 s, or 150 s every 155 s", seen, [each.evidence() for each in windows]
    )
    return failed(len(windows), len(windows), summary, [found])


def _one_at_a_time(windows: Iterable[IdWindow]) -> list[IdWindow]:
    """Leave out on-windows that begin while the same id is sent already: somebody repeats it (BZ-PRV-009)."""
    ends_us: dict[bytes, int] = {}
    found: list[IdWindow] = []
    for each in windows:
        if each.first_us >= ends_us.get(each.rolling_id, each.first_us):
            found.append(each)
        ends_us[each.rolling_id] = max(each.last_us, ends_us.get(each.rolling_id, each.last_us))
    return found
