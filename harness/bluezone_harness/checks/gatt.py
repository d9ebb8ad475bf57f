"""Chapter GATT: BZ-GAT-001 to BZ-GAT-003, as sessions with an iPhone show them.

Theory of operation. A session lists services and characteristics, which are held to what must be there; a read has a
value and a time, which are compared with the schedule together with all that was heard (``heard_slots``), so that the
clock offset is one, and what explains a wrong value is the same wherever it shows.

An address that does not offer the service proves little by itself: the hint was another app's, or the app is gone. It
fails only where an iPhone's form of advertising was heard from it before and after without a pause, and it is the
device under test's, or offered the service, or gave an id, at another time. All else is stated.

A read within 45 s of a slot's end, by the receiver's clock, may show either neighbour: whether clocks differ by so much
or a value is late, nobody can tell. What is staler fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bluezone_harness.checks.frames import frame_of
from bluezone_harness.checks.gatt_sessions import (
    CHARACTERISTIC,
    SERVICE,
    Service,
    Session,
    of_read,
    reads_of,
    sessions_of,
)
from bluezone_harness.checks.heard_slots import HeardSlots, failed_by, heard_slots, nothing_compared
from bluezone_harness.checks.hypotheses import Explanation, Heard
from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import count_text, of_text
from bluezone_harness.checks.subjects import Rules, Subject
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
from bluezone_harness.observations import Capability, GattRead, instant_text
from bluezone_reference.advertisement import IosBackgroundAdvertisement
from bluezone_reference.key_schedule import ID_OCTETS

_UNSAFE = {
    0x05: "authentication",
    0x08: "authorization",
    0x0C: "a longer key",
    0x0F: "encryption",
}
"""ATT errors of a read that asks for security. Source: Core Specification, Vol 3 Part F 3.4.1.1."""
_READ_AND_KEY = frozenset({Capability.GATT, Capability.TRUE_IDS, Capability.BASE_ID})
_RIGHT = f"one characteristic, {CHARACTERISTIC}, with Read and nothing else"


# --- BZ-GAT-001 ---


@check("BZ-GAT-001", needs=Capability.GATT)
def one_service_with_one_readable_characteristic(subject: Subject, rules: Rules) -> Judgement:
    """Judge the services that sessions listed, and refusals to read for want of security.

    A session that ended before its services were listed says nothing.
    """
    if not subject.identified:
        return inconclusive(
            Reason.DEVICE_NOT_IDENTIFIED, "several phones were read, and none is the device under test"
        )
    found = _Sessions(subject)
    if not found.own:
        return found.nothing()
    wrong = [(each, fault) for each in found.offering if (fault := _service_fault(each.instances))]
    refused = [
        (each, refusal)
        for each in found.own
        for refusal in each.refusals
        if refusal.step == "read"
        and refusal.att_error in _UNSAFE
        and refusal.characteristic in ("", CHARACTERISTIC)
    ]
    grounds: list[Ground] = []
    if wrong:
        _, fault = wrong[0]
        grounds.append(
            ground(
                f"{of_text(len(wrong), len(found.offering), 'session')} with a service that is not as it must be",
                _RIGHT,
                fault,
                [each.evidence() for each, _ in wrong],
            )
        )
    if found.lacking:
        grounds.append(
            ground(
                f"{count_text(len(found.lacking), 'session')} without the service that the phone advertises",
                f"primary service {SERVICE}",
                "no such service",
                [each.evidence() for each in found.lacking],
            )
        )
    if refused:
        _, refusal = refused[0]
        grounds.append(
            ground(
                f"{count_text(len(refused), 'read')} refused for want of security",
                "a read that needs no encryption, no authentication and no pairing",
                f"ATT error 0x{refusal.att_error:02X}: the read needs {_UNSAFE[refusal.att_error or 0]}",
                [each.of_refusal(refusal) for each, refusal in refused],
            )
        )
    judged = {id(each) for each in (*found.offering, *found.lacking, *(each for each, _ in refused))}
    if grounds:
        fails = {id(each) for each in (*found.lacking, *(each for each, _ in (*wrong, *refused)))}
        return failed(len(judged), len(fails), "; ".join(each.summary for each in grounds), grounds)
    if not judged:
        return found.nothing()
    summary = f"{of_text(len(judged), len(judged), 'session')} with {_RIGHT}"
    repeated = sum(len(each.instances) > 1 for each in found.offering)
    if repeated:
        summary += f"; the service more than once in {count_text(repeated, 'session')}, which is tolerated"
    if found.without:
        summary += f"; {count_text(found.without, 'session')} with phones that do not offer it"
    return passed(len(judged), summary)


class _Sessions:
    """The sessions with a subject, by what they offered.

    Attributes:
        own: All of them.
        offering: Those that offered the service.
        lacking: Those without the service that must offer it.
        without: How many others have none.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.own = sessions_of(subject)
        self.offering = [each for each in self.own if each.instances]
        gave = {each.address for each in self.offering}
        gave |= {read.address for _, read in reads_of(subject)}
        without = [each for each in self.own if each.services is not None and not each.instances]
        self.lacking = [
            each
            for each in without
            if (subject.device is not None or each.address in gave) and self._is_advertised(each)
        ]
        self.without = len(without) - len(self.lacking)

    def _is_advertised(self, session: Session) -> bool:
        """Tell whether an iPhone's form was heard from the address before and after, without a pause."""
        for each in self._subject.sightings:
            if each.address == session.address and each.first_us <= session.time_us <= each.last_us:
                frame = frame_of(each)
                if frame.platform == "ios" or isinstance(frame.advertisement, IosBackgroundAdvertisement):
                    return True
        return False

    def nothing(self) -> Judgement:
        """Answer where no session says anything of the service."""
        if self.without:
            return inconclusive(
                Reason.EVIDENCE_MISSING,
                f"{count_text(self.without, 'session')} without the service: the hint was another app's, or the app "
                "is gone",
            )
        if any(each.services is None and each.refusals for each in self.own):
            return inconclusive(
                Reason.TOO_FEW_PACKETS,
                "no session lasted until its services were listed: come nearer, and read again",
            )
        if self.own:
            return not_observable(Reason.EVIDENCE_MISSING, "values were read, and no services were listed")
        return not_observable(Reason.EVIDENCE_MISSING, "no iPhone was read by GATT")


def _service_fault(instances: Iterable[Service]) -> str:
    """Return what is wrong with instances of the service; empty: nothing."""
    for each in instances:
        names = [found.uuid for found in each.characteristics]
        if names != [CHARACTERISTIC]:
            return f"characteristics {', '.join(names)}" if names else "no characteristic"
        properties = each.characteristics[0].properties
        if properties != ("read",):
            return f"the properties {', '.join(properties)}" if properties else "no property"
    return ""


# --- BZ-GAT-002 ---


@check("BZ-GAT-002", needs=_READ_AND_KEY)
def a_read_returns_the_id_of_its_time(subject: Subject, rules: Rules) -> Judgement:
    """Compare each value with the schedule at the time of its read; an error is no value, and is counted."""
    reads = reads_of(subject)
    errors = _errors_text(subject)
    if not reads:
        return _nothing_read(subject, errors)
    found = heard_slots(subject, rules)
    lengths = [(source, read) for source, read in reads if len(read.value) != ID_OCTETS]
    wrong = _wrong_reads(found, subject, rules)
    grounds: list[Ground] = []
    if lengths:
        grounds.append(_length_ground(lengths, len(reads)))
    causes = _limited(found, wrong)
    if causes:
        grounds += failed_by(found, causes).grounds
    if grounds:
        summary = "; ".join(each.summary for each in grounds) + errors
        return failed(len(reads), len(lengths) + len(wrong), summary, grounds)
    right = [each for each in found.heard if each.window.read is not None]
    if not right:
        return nothing_compared(subject, found)
    return passed(len(right), f"{of_text(len(right), len(reads), 'read')} with the id of its time{errors}")


def _length_ground(lengths: Sequence[tuple[str, GattRead]], judged: int) -> Ground:
    octets = count_text(len(lengths[0][1].value), "octet")
    return ground(
        f"{of_text(len(lengths), judged, 'read')} of another length, which readers take for no id (BAD_ID_LENGTH)",
        f"exactly {ID_OCTETS} octets, or an error",
        octets,
        [of_read(source, read) for source, read in lengths],
    )


def _nothing_read(subject: Subject, errors: str) -> Judgement:
    if not subject.identified:
        return inconclusive(
            Reason.DEVICE_NOT_IDENTIFIED, "several phones were heard, and none is the device under test"
        )
    if errors or sessions_of(subject):
        return inconclusive(Reason.TOO_FEW_PACKETS, f"no value was read{errors}")
    return not_observable(Reason.EVIDENCE_MISSING, "no iPhone was read by GATT")


def _errors_text(subject: Subject) -> str:
    """Say how many reads were answered with an error, to end a summary with; empty where none was."""
    errors = [
        refusal.att_error
        for each in sessions_of(subject)
        for refusal in each.refusals
        if refusal.att_error is not None
    ]
    if not errors:
        return ""
    codes = ", ".join(f"0x{each:02X}" for each in sorted(set(errors)))
    return f"; {count_text(len(errors), 'read')} answered with an error ({codes}), which is no id"


def _wrong_reads(found: HeardSlots, subject: Subject, rules: Rules) -> list[Heard]:
    """Return the reads whose id is not the one of their time, nor that of a neighbour whose slot ends near by."""
    return [
        each
        for each in found.heard
        if each.window.read is not None and not each.right and not _is_near(each, subject, rules)
    ]


def _is_near(heard: Heard, subject: Subject, rules: Rules) -> bool:
    """Tell whether a slot of the id holds within the clock offset that is allowed, by the receiver's clock."""
    if subject.device is not None and subject.device.clock_offset_ms is not None:
        return False  # by how much the clock is off is known
    time_ms = heard.time_ms - (subject.clock_offset_ms or 0)
    offset_ms = rules.tolerances["clock_offset"]
    return any(from_ms - offset_ms <= time_ms < until_ms + offset_ms for from_ms, until_ms in heard.slots)


def _limited(found: HeardSlots, wrong: Sequence[Heard]) -> list[Explanation]:
    """Return what explains some of what was heard, and that alone."""
    chosen = {id(each) for each in wrong}
    explained = (
        Explanation(each.requirements, each.text, tuple(one for one in each.heard if id(one) in chosen))
        for each in found.explanations
    )
    return [each for each in explained if each.heard]


# --- BZ-GAT-003 ---


@check("BZ-GAT-003", needs=_READ_AND_KEY)
def the_next_read_returns_the_new_id(subject: Subject, rules: Rules) -> Judgement:
    """Look for values of a slot gone by, and for a connection that was open when its phone's slot ended.

    A pass takes two right ids on one connection.
    """
    errors = _errors_text(subject)
    if not reads_of(subject):
        return _nothing_read(subject, errors)
    found = heard_slots(subject, rules)
    wrong = _wrong_reads(found, subject, rules)
    stale = [each for each in _limited(found, wrong) if "BZ-GAT-003" in each.requirements]
    if stale:
        return failed_by(found, stale)
    read = {
        (each.window.read.source, each.window.read.number): each
        for each in found.heard
        if each.window.read is not None
    }
    if not read:
        return nothing_compared(subject, found)
    connections = [
        [each for one in session.reads if (each := read.get((session.source, one.number))) is not None]
        for session in sessions_of(subject)
        if session.services is not None
    ]
    kept = [each for values in connections for each in _kept(values, wrong)]
    if kept:
        return _kept_failed(kept, len(read))
    if wrong:
        return inconclusive(
            Reason.EVIDENCE_MISSING,
            f"{of_text(len(wrong), len(read), 'read')} with ids that do not show it: {_limited(found, wrong)[0].text}",
        )
    crossed = 0
    first_ms: int | None = None
    for values in connections:
        right = [each for each in values if each.right]
        if len({each.window.rolling_id for each in right}) > 1:
            crossed += 1
            first_ms = right[0].window.first_ms if first_ms is None else first_ms
    if first_ms is None:
        return inconclusive(
            Reason.NO_ROTATION,
            "no connection was read on both sides of a slot's end: hold one from 50 s before until 50 s after it",
            judged=len(read),
        )
    return passed(
        len(read),
        f"{count_text(len(read), 'read')}; on {count_text(crossed, 'connection')} the id changed with the slot, the "
        f"first opened before {instant_text(first_ms)}",
    )


def _kept(values: Sequence[Heard], wrong: Sequence[Heard]) -> list[Heard]:
    """Return the wrong values of a connection that it gave before, when they were right; a clock may explain them."""
    first_ms: dict[bytes, int] = {}
    for each in values:
        if each.right:
            first_ms.setdefault(each.window.rolling_id, each.time_ms)
    chosen = {id(each) for each in wrong}
    return [
        each
        for each in values
        if id(each) in chosen and first_ms.get(each.window.rolling_id, each.time_ms) < each.time_ms
    ]


def _kept_failed(kept: Sequence[Heard], judged: int) -> Judgement:
    first = kept[0]
    summary = (
        f"{of_text(len(kept), judged, 'read')} with the id that the same connection gave before the slot ended: "
        "a value that is fixed, or a clock that is further off than is allowed for"
    )
    expected = "the id of the new slot"
    if first.expected is not None:
        expected = f"{first.expected.rolling_id.hex().upper()}, the id of the new slot"
    seen = f"{first.window.rolling_id.hex().upper()} read at {instant_text(first.time_ms)}"
    evidence = [each.window.evidence() for each in kept]
    return failed(judged, len(kept), summary, [ground(summary, expected, seen, evidence)])
