"""What may be said of captures of which only a part was kept, or others' pseudonyms.

Theory of operation. A check takes what was heard for all that there was. Where something was left out on purpose, a
fault may be in what is missing, so that nothing passes; and what is missing can make a right phone look wrong, because
an on-window seems to come too late, or nobody else seems to send the same. So a failure stands only where each advert,
address or id shows it by itself, whatever was heard beside it. Contact logs are whole whatever was kept of captures.

Of Bluezone's phones alone (partial) all is there that checks look at, but for three things: a device whose address
sends nothing of Bluezone's, what is to be told from when others were heard, and what sets the clocks of several
captures right.

Where all but the device under test have pseudonyms, what it sent beside its right ids and address may be among these:
if they can be one phone's together with it, nothing passes. And nobody knows what others sent as well, so that nothing
fails for being sent by one phone alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.registry import Check
from bluezone_harness.checks.subjects import Subject
from bluezone_harness.evidence.device_files import Device
from bluezone_harness.findings import Judgement, Reason, Verdict, inconclusive
from bluezone_harness.observations import RADIO, Capability, Diagnostic, Extent, Severity, extent_of, least

SHOWN_BY_EACH = frozenset(
    {
        *("BZ-KEY-001", "BZ-PRV-001", "BZ-PRV-002", "BZ-PRV-007"),
        *("BZ-ADV-001", "BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-006", "BZ-ADV-007", "BZ-ADV-009"),
    }
)
"""What an advert, an address or an id fails by itself."""
SHOWN_BY_ONE_CLOCK = frozenset({"BZ-PRV-004", "BZ-PRV-009"})
"""What on-windows of one id fail by themselves, where no other captures set their clocks right."""
_BY_OTHERS = frozenset({"BZ-KEY-010"})
"""What is told from when others were heard as well."""
_BY_WHAT_OTHERS_SEND = frozenset({"BZ-PRV-006"})
"""What fails only because others do not send the same."""


def of_kept(check: Check, subject: Subject, judgement: Judgement) -> Judgement:
    """Return what stands of a check's answer, where only a part of the captures was kept.

    Args:
        check: Which answered.
        subject: Of whom.
        judgement: Its answer, as if all had been there.
    """
    if not any(need & RADIO for need in check.needs):
        return judgement
    judgement = _beside_pseudonyms(check, subject, judgement)
    if subject.extent(Capability.WHOLE_AIR) is Extent.YES:
        return judgement
    known = addresses_of(() if subject.device is None else (subject.device,))
    if check.requirement not in _BY_OTHERS and has_all_of_bluezone(subject.captures, known):
        return judgement
    each_shows = SHOWN_BY_EACH | (SHOWN_BY_ONE_CLOCK if len(subject.captures) == 1 else frozenset())
    if judgement.verdict is Verdict.FAIL and check.requirement not in each_shows:
        return inconclusive(
            Reason.EVIDENCE_MISSING,
            f"what was left out of the capture can explain it: {judgement.summary}",
            judged=judgement.judged,
        )
    if judgement.verdict is Verdict.PASS:
        return inconclusive(
            Reason.EVIDENCE_MISSING,
            f"nothing is wrong in what was kept of the capture: {judgement.summary}",
            judged=judgement.judged,
        )
    return judgement


def _beside_pseudonyms(check: Check, subject: Subject, judgement: Judgement) -> Judgement:
    """Return what stands of an answer where all but the device under test have pseudonyms."""
    if not subject.has_pseudonyms_of_others:
        return judgement
    # two captures may have been made for two devices
    perhaps_its = subject.strangers and (subject.alone or len(subject.captures) > 1)
    if judgement.verdict is Verdict.PASS and subject.device is not None and perhaps_its:
        return inconclusive(
            Reason.DEVICE_NOT_IDENTIFIED,
            f"what bears a pseudonym can be the same phone's: {judgement.summary}",
            judged=judgement.judged,
        )
    if judgement.verdict is Verdict.FAIL and check.requirement in _BY_WHAT_OTHERS_SEND:
        return inconclusive(
            Reason.EVIDENCE_MISSING,
            f"what others send are pseudonyms, which tell phones apart that are alike: {judgement.summary}",
            judged=judgement.judged,
        )
    return judgement


def has_all_of_bluezone(captures: Sequence[Capture], addresses: Collection[bytes]) -> bool:
    """Tell whether captures have all that was heard of Bluezone's phones.

    Args:
        captures: At least one.
        addresses: Of the devices under test, as far as they are known: who sends nothing of Bluezone's is left out.
    """
    extent = least(extent_of(each.capabilities, Capability.WHOLE_AIR) for each in captures)
    if extent is not Extent.PARTIAL:
        return extent is Extent.YES
    heard = {each.address for capture in captures for each in capture.folded.sightings}
    return len(captures) == 1 and heard.issuperset(addresses)


def addresses_of(devices: Iterable[Device]) -> tuple[bytes, ...]:
    """Return the addresses that a device file names, the most significant octet first."""
    return tuple(bytes.fromhex(each.address.replace(":", "")) for each in devices if each.address)


def kept_remarks(captures: Iterable[Capture]) -> Iterator[Diagnostic]:
    """State of which captures only a part was kept, and which hold pseudonyms."""
    for each in captures:
        true_ids = extent_of(each.capabilities, Capability.TRUE_IDS)
        if true_ids is Extent.PARTIAL:
            yield _told(
                each,
                "its ids, addresses and names are true of the device under test, and pseudonyms of everybody else: a "
                "phone that a device file does not find by its address or ids is nobody's, and without a device file "
                "no id is judged by its value",
            )
        if true_ids is Extent.NO:
            yield _told(
                each,
                "its ids, addresses and names are pseudonyms: none is judged by its value, and no device file tells "
                "whose they are",
            )
        extent = extent_of(each.capabilities, Capability.WHOLE_AIR)
        if extent is Extent.PARTIAL:
            yield _told(each, "only what Bluezone's phones sent was kept in it")
        elif extent is Extent.NO:
            yield _told(
                each,
                "only a part of what was heard was kept in it: nothing passes by it, and a failure stands only where "
                "nothing that is missing can explain it",
            )


def _told(capture: Capture, message: str) -> Diagnostic:
    return Diagnostic(capture.name, None, Severity.INFO, message)
