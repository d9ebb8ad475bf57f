"""What a phone gives away beside its ids: BZ-PRV-008, -020 and -021, as far as a capture shows it.

What is judged are the app's own frames (``extras``): names, static ids, and what more they hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bluezone_harness.checks.extras import KeptExtra, extras, kept_extras, own_frames
from bluezone_harness.checks.frames import MARKED, RESPONSE, frame_of, kind_of, service_uuids
from bluezone_harness.checks.gatt_sessions import sessions_of
from bluezone_harness.checks.heard import heard_ids, local_names, static_id_of
from bluezone_harness.checks.heard_text import address_text, of_sighting
from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import count_text, of_text
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.undecided import undecided
from bluezone_harness.findings import (
    Ground,
    Judgement,
    Reason,
    failed,
    ground,
    inconclusive,
    not_observable,
    passed,
)
from bluezone_harness.observations import Capability, PduType
from bluezone_harness.sightings import Sighting, in_order, of_kind, those
from bluezone_harness.sightings.octet_strings import OctetStrings
from bluezone_reference.ad_structures import MANUFACTURER_SPECIFIC_DATA
from bluezone_reference.advertisement import (
    AndroidAdvertisement,
    IosAdvertisement,
    OldAndroidAdvertisement,
    OldIosAdvertisement,
)
from bluezone_reference.profiles import V1, V3

_COMPANY = V3.advertisement.company.to_bytes(2, "little")
_RIGHT_NAME = V3.advertisement.ios_local_name
_CONNECTABLE = (PduType.ADV_IND, PduType.ADV_DIRECT_IND)
_UNSCANNABLE = (PduType.ADV_DIRECT_IND, PduType.ADV_NONCONN_IND)
"""What has no scan response. Source: Core Specification, Vol 6 Part B 2.3.1."""
_MARKS = (
    ("service UUID 0x4E56", V3.advertisement.android_service_uuid),
    (f"service UUID {V3.advertisement.ios_service_uuid}", V3.advertisement.ios_service_uuid),
    ("the service UUID of v1's Android phones", V1.advertisement.android_service_uuid),
    ("the service UUID of v1's iPhones", V1.advertisement.ios_service_uuid),
)


# --- nothing static, nothing personal ---


@check("BZ-PRV-008", needs=Capability.RAW_AD)
def nothing_static_is_sent(subject: Subject, rules: Rules) -> Judgement:
    """Judge names and static ids, and whatever else the app's frames hold that stays the same across ids.

    What the app does not send fails if it stays the same while the id changes, unless other phones were heard to send
    the same. An old iPhone's name comes in its scan response: without one of each of its addresses nothing passes.
    """
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    ours = own_frames(subject.sightings)
    if not ours:
        return inconclusive(Reason.TOO_FEW_PACKETS, "no frame of the app was heard")
    numbered = list(enumerate(those(ours, _shown)))
    names = [
        (place, each, name) for place, each in numbered for name in local_names(each) if name != _RIGHT_NAME
    ]
    static = [(place, each, text) for place, each in numbered for text in _static_ids(each)]
    if names or static:
        found: list[Ground] = []
        if static:
            found.append(
                ground(
                    f"{count_text(len(static), 'sighting')} with a static id of the first generation (F-21)",
                    "no static identifier",
                    f"static id {static[0][2]} from {address_text(static[0][1].address)}",
                    [of_sighting(each) for _, each, _ in static],
                )
            )
        if names:
            found.append(
                ground(
                    f"{count_text(len(names), 'sighting')} with a local name other than {_RIGHT_NAME}",
                    f"no local name but {_RIGHT_NAME}",
                    f"local name {names[0][2]!r} from {address_text(names[0][1].address)}",
                    [of_sighting(each) for _, each, _ in names],
                )
            )
        wrong = len({place for place, *_ in (*names, *static)})
        summary = "; ".join(each.summary for each in found)
        return failed(len(ours), wrong, summary, found)
    more = any(map(extras, ours))
    kept = kept_extras(ours, _of_others(subject, ours), rules) if more else ()
    grounds = [_kept_ground(each) for each in kept if not each.alike]
    if grounds and subject.has_pseudonyms_of_others:
        return inconclusive(
            Reason.EVIDENCE_MISSING,
            f"what others send are pseudonyms, so that they may send the same: {grounds[0].summary}",
            judged=len(ours),
        )
    if grounds:
        wrong = len({id(sighting) for each in kept if not each.alike for sighting in each.sightings})
        return failed(len(ours), wrong, "; ".join(each.summary for each in grounds), grounds)
    unanswered = _unanswered(ours)
    if unanswered:
        return inconclusive(
            Reason.EVIDENCE_MISSING,
            f"an old iPhone tells its name in its scan response, and none was heard of {unanswered} of its addresses: "
            "listen again, and scan actively",
            judged=len(ours),
        )
    counted = count_text(len(ours), "sighting")
    summary = f"no name but {_RIGHT_NAME} and nothing that the app does not send, in {counted}"
    if more:
        if len({each.octets for each in heard_ids(ours, rules)}) < 2:
            return inconclusive(
                Reason.NO_ROTATION, f"what is sent beside the app's own was heard with one id, in {counted}"
            )
        summary = f"nothing of one phone's own stays the same from one id to another, in {counted}"
    if not any(each.pdu is PduType.SCAN_RSP for each in ours):
        summary += "; no scan response was heard"
    connected = "what a connection shows takes a GATT session"
    if any(each.services for each in sessions_of(subject)):
        connected = "what connections show is judged by BZ-GAT-001 to BZ-GAT-003"
    return passed(len(ours), f"{summary}; {connected}")


def _unanswered(ours: Iterable[Sighting]) -> int:
    """Return from how many addresses old iPhones may have sent a scan response that was not heard."""
    old: set[bytes | None] = set()
    answered: set[bytes | None] = set()
    for each in ours:
        if each.pdu is PduType.SCAN_RSP:
            answered.add(each.address)
        elif each.pdu not in _UNSCANNABLE and isinstance(frame_of(each).advertisement, OldIosAdvertisement):
            old.add(each.address)
    return len(old - answered)


def _of_others(subject: Subject, ours: Sequence[Sighting]) -> Sequence[Sighting]:
    """Return the frames of other Bluezone senders in the captures of a subject."""
    addresses = {each.address for each in ours}
    heard = of_kind(in_order(each.folded.sightings for each in subject.captures), kind_of, MARKED | RESPONSE)
    return own_frames(each for each in heard if each.address not in addresses)


def _shown(sighting: Sighting) -> bool:
    """Tell whether a sighting shows a name that is not right, or a static id."""
    return any(name != _RIGHT_NAME for name in local_names(sighting)) or any(_static_ids(sighting))


def _static_ids(sighting: Sighting) -> Iterator[str]:
    advertisement = frame_of(sighting).advertisement
    if isinstance(advertisement, OldAndroidAdvertisement):
        yield advertisement.static_id
    for name in local_names(sighting):
        revealed = static_id_of(name)
        if revealed is not None:
            yield revealed


def _kept_ground(kept: KeptExtra) -> Ground:
    what, said = kept.extra
    return ground(
        f"{what} stays the same with {kept.ids} ids; no other phone was heard to send it",
        "nothing that stays the same across slots and differs between phones",
        f"{what} {said}",
        [of_sighting(each) for each in kept.sightings],
    )


# --- what is stated ---


@check("BZ-PRV-020", needs=frozenset({Capability.RAW_AD, Capability.PDU_TYPE}))
def what_can_connect(subject: Subject, rules: Rules) -> Judgement:
    """State whether adverts are connectable, and which names they tell. A statement never fails."""
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    adverts: Counter[str] = Counter()
    told: set[str] = set()
    for each in own_frames(subject.sightings):
        if each.pdu is not None:
            adverts[each.pdu] += each.count
            told.update(local_names(each))
    sent = sum(count for pdu, count in adverts.items() if pdu != PduType.SCAN_RSP)
    if not sent:
        return not_observable(Reason.CAPABILITY_MISSING, "the capture tells no PDU type of the app's adverts")
    connectable = sum(adverts[pdu] for pdu in _CONNECTABLE)
    kinds = ", ".join(f"{pdu} {count}" for pdu, count in sorted(adverts.items()))
    names = f"names told: {', '.join(map(repr, sorted(told)))}" if told else "no name told"
    return passed(
        sent,
        f"stated: {of_text(connectable, sent, 'advert')} connectable ({kinds}), {names}; {_offered_text(subject)}",
    )


def _offered_text(subject: Subject) -> str:
    """Say which services sessions listed, or what it takes."""
    listed = [each for each in sessions_of(subject) if each.services is not None]
    if not listed:
        return "services, values and the platform's own name take a GATT session"
    offered = {
        f"{service.uuid} ({', '.join(found.uuid for found in service.characteristics) or 'empty'})"
        for each in listed
        for service in each.services or ()
    }
    services = f"services {', '.join(sorted(offered))}" if offered else "no service"
    return f"{services} offered in {count_text(len(listed), 'GATT session')}; the platform's own name was not read"


@check("BZ-PRV-021", needs=Capability.RAW_AD)
def marks_of_bluezone(subject: Subject, rules: Rules) -> Judgement:
    """State by what an observer knows that the app runs, and how far off it was heard. A statement never fails."""
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    marks: Counter[str] = Counter()
    adverts = 0
    addresses = OctetStrings()
    weakest: int | None = None
    strongest: int | None = None
    for each in subject.sightings:
        found = set(_marks(each))
        if not found:
            continue
        marks.update(dict.fromkeys(found, each.count))
        adverts += each.count
        if each.address is not None:
            addresses.number(each.address)
        if each.rssi_min is not None:
            weakest = each.rssi_min if weakest is None else min(weakest, each.rssi_min)
        if each.rssi_max is not None:
            strongest = each.rssi_max if strongest is None else max(strongest, each.rssi_max)
    if not marks:
        return inconclusive(Reason.TOO_FEW_PACKETS, "no mark of the app was heard")
    signal = "" if weakest is None else f", received at {weakest} to {strongest} dBm"
    listed = ", ".join(
        f"{mark} in {count}" for mark, count in sorted(marks.items(), key=lambda each: (-each[1], each[0]))
    )
    others = f"; {count_text(subject.strangers, 'other sender')} of Bluezone" if subject.strangers else ""
    return passed(
        adverts,
        f"stated: {count_text(adverts, 'advert')} tell that the app runs, "
        f"from {count_text(len(addresses), 'address')}{signal}: {listed}{others}",
    )


def _marks(sighting: Sighting) -> Iterator[str]:
    frame = frame_of(sighting)
    services = service_uuids(frame.structures)
    for mark, uuid in _MARKS:
        if uuid.replace("-", "") in services:
            yield mark
    if any(
        each.ad_type == MANUFACTURER_SPECIFIC_DATA and each.data.startswith(_COMPANY)
        for each in frame.structures
    ):
        yield "company 0x22B5"
    advertisement = frame.advertisement
    if _RIGHT_NAME in local_names(sighting) and isinstance(
        advertisement, IosAdvertisement | AndroidAdvertisement
    ):
        yield f"local name {_RIGHT_NAME}"
    if frame.overflow:
        yield "the overflow form"
