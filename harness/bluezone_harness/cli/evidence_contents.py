"""What a piece of evidence holds, and which requirements it can show: pure, for ``bzc info``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.senders import frame_of, senders
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.observations import (
    UNLESS_DENIED,
    Capability,
    Diagnostic,
    Extent,
    extent_of,
    shown_by,
)
from bluezone_harness.sightings import Sighting
from bluezone_harness.sources.broadcast_records import BroadcastRecord
from bluezone_spec.model import Level, Specification

from .evidence_inputs import Evidence

SILENCE_US = 60_000_000
"""The longest time without any advert that is ordinary: two scheduled periods, of which phones send in one half."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time, from its first millisecond to its last."""

    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class BluezoneHeard:
    """What was heard of Bluezone phones of one platform.

    Attributes:
        adverts: Marked as Bluezone's, and the scan responses of the same addresses.
        addresses: How many.
        ids: How many, rolling or static.
        senders: How many, by what links them: a phone whose id and address change together counts again.
    """

    adverts: int
    addresses: int
    ids: int
    senders: int


@dataclass(frozen=True, slots=True)
class Air:
    """What a capture says of the air.

    Attributes:
        receivers: Adverts of each receiver by its name, which may be empty.
        addresses: How many addresses of each type; ``unknown`` where the source does not tell the type.
        without_address: Adverts whose address the source does not tell.
        pdus: Adverts of each kind of PDU; ``unknown`` where the source does not tell.
        channels: Indexes of the channels on which adverts were heard.
        rssi_min: The weakest, in dBm; ``None`` where the source does not tell.
        rssi_max: The strongest.
        bluezone: By platform.
        overflow: Addresses of iPhones whose frame of services holds Bluezone's bit, which others may set as well.
        reads: Values read by GATT.
        asked: Commands of each kind that a host gave its own controller.
        events: What was noted beside the radio, by name.
        gaps: Times in which a receiver is known not to have listened.
        silences: Times of more than ``SILENCE_US`` in which nothing was heard, the longest first.
    """

    receivers: Mapping[str, int]
    addresses: Mapping[str, int]
    without_address: int
    pdus: Mapping[str, int]
    channels: tuple[int, ...]
    rssi_min: int | None
    rssi_max: int | None
    bluezone: Mapping[str, BluezoneHeard]
    overflow: int
    reads: int
    asked: Mapping[str, int]
    events: Mapping[str, int]
    gaps: tuple[Span, ...]
    silences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """Which requirements of a profile a piece of evidence can show, by what their checks need.

    Whether it holds enough of it only judging tells.

    Attributes:
        alone: Ids of those that it can show.
        with_device: Of those that it can show beside a device file.
        lacking: Of those that take what it does not have, and what that is.
        other: Of those that no check of evidence judges: vectors and implementations show them, or nothing yet.
        musts_alone: How many MUSTs are among ``alone``.
        musts_with_device: How many are among ``with_device``.
        musts: How many MUSTs the profile has.
    """

    alone: tuple[str, ...]
    with_device: tuple[str, ...]
    lacking: Mapping[str, tuple[str, ...]]
    other: tuple[str, ...]
    musts_alone: int
    musts_with_device: int
    musts: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What a piece of evidence holds.

    Attributes:
        name: Of the file, without folders.
        sha256: Of its octets, in hex.
        kind: What it is, such as ``pcap``.
        partial: Some of it could not be read.
        contents: How many packets, adverts and sightings; or rows.
        time: Of what it holds; ``None`` where it holds nothing that has one.
        air: Of a capture.
        capabilities: What it can show; what is not named it cannot.
        diagnostics: What there is to know about its damage.
        requirements: Which it can show.
    """

    name: str
    sha256: str
    kind: str
    partial: bool
    contents: Mapping[str, int]
    time: Span | None
    air: Air | None
    capabilities: Mapping[Capability, Extent]
    diagnostics: tuple[Diagnostic, ...]
    requirements: Shown


def contents_of(evidence: Evidence, specification: Specification, profile: str) -> Contents:
    """Return what a piece of evidence holds.

    Args:
        evidence: A capture, a contact log or the record of a broadcast, read.
        specification: Whose requirements.
        profile: Name of the profile that they bind.
    """
    capabilities = _capabilities(evidence)
    return Contents(
        evidence.name,
        evidence.sha256,
        str(evidence.kind),
        evidence.partial,
        dict(evidence.contents),
        _time(evidence),
        _air(evidence) if isinstance(evidence, Capture) else None,
        capabilities,
        evidence.diagnostics,
        shown([capabilities], specification, profile),
    )


def _time(evidence: Evidence) -> Span | None:
    if isinstance(evidence, BroadcastRecord):
        return Span(evidence.start_us // 1000, evidence.until_us // 1000)
    return _capture_time(evidence) if isinstance(evidence, Capture) else _log_time(evidence)


def _capabilities(evidence: Evidence) -> dict[Capability, Extent]:
    said = evidence.capabilities
    unsaid = UNLESS_DENIED if isinstance(evidence, Capture) else frozenset()
    return {name: extent_of(said, name) for name in Capability if name in said or name in unsaid}


def shown(
    capabilities: Iterable[Mapping[Capability, Extent]], specification: Specification, profile: str
) -> Shown:
    """Return which requirements of a profile evidence can show.

    Args:
        capabilities: Of each piece of evidence, all that it has or lacks.
        specification: Whose requirements.
        profile: Name of the profile that they bind.
    """
    pieces = list(capabilities)
    extents = [pair for each in pieces for pair in each.items()]
    # what one capture lacks of some, nobody knows of the others beside it
    denied = {name for name, extent in extents if name in UNLESS_DENIED and extent is not Extent.YES}
    has = frozenset(name for each in pieces for name in shown_by(each)) - denied
    # of the device under test, which a device file tells, ids can be true though others' are pseudonyms
    true = {name for name, extent in extents if name is Capability.TRUE_IDS and extent is not Extent.NO}
    found = has | true if (Capability.TRUE_IDS, Extent.NO) not in extents else has
    alone: list[str] = []
    with_device: list[str] = []
    lacking: dict[str, tuple[str, ...]] = {}
    other: list[str] = []
    musts = {
        each.id
        for each in specification.requirements.values()
        if profile in each.profiles and each.level is Level.MUST
    }
    for requirement in specification.requirements.values():
        if profile not in requirement.profiles:
            continue
        check = CHECKS.get(requirement.id)
        if check is None:
            other.append(requirement.id)
        elif not (missing := check.missing(has)):
            alone.append(requirement.id)
        elif has - UNLESS_DENIED and not check.missing(found | {Capability.BASE_ID}):
            with_device.append(requirement.id)
        else:
            lacking[requirement.id] = tuple(sorted(missing))
    return Shown(
        tuple(alone),
        tuple(with_device),
        lacking,
        tuple(other),
        len(musts.intersection(alone)),
        len(musts.intersection(with_device)),
        len(musts),
    )


def _capture_time(capture: Capture) -> Span | None:
    first_us, last_us = capture.folded.first_us, capture.folded.last_us
    return None if first_us is None or last_us is None else Span(first_us // 1000, last_us // 1000)


def _log_time(log: ContactLogEvidence) -> Span | None:
    times_ms = [each.record.time_ms for each in log.rows]
    return Span(min(times_ms), max(times_ms)) if times_ms else None


def _air(capture: Capture) -> Air:
    folded = capture.folded
    sightings = folded.sightings
    receivers: Counter[str] = Counter()
    pdus: Counter[str] = Counter()
    for each in sightings:
        receivers[each.receiver] += each.count
        pdus["unknown" if each.pdu is None else each.pdu] += each.count
    types = {
        (each.address, "unknown" if each.address_type is None else str(each.address_type))
        for each in sightings
        if each.address is not None
    }
    weakest = [each.rssi_min for each in sightings if each.rssi_min is not None]
    strongest = [each.rssi_max for each in sightings if each.rssi_max is not None]
    return Air(
        receivers=dict(sorted(receivers.items())),
        addresses=dict(Counter(kind for _, kind in types).most_common()),
        without_address=sum(each.count for each in sightings if each.address is None),
        pdus=dict(pdus.most_common()),
        channels=tuple(sorted({channel for each in sightings for channel in each.channels})),
        rssi_min=min(weakest, default=None),
        rssi_max=max(strongest, default=None),
        bluezone=_bluezone(sightings),
        overflow=len({each.address for each in sightings if frame_of(each).overflow}),
        reads=len(folded.reads),
        asked=dict(Counter(each.name for each in folded.asked).most_common()),
        events=dict(Counter(each.name for each in folded.events).most_common()),
        gaps=tuple(Span(each.time_us // 1000, each.until_us // 1000) for each in folded.gaps),
        silences=_silences(sightings),
    )


def _bluezone(sightings: Sequence[Sighting]) -> dict[str, BluezoneHeard]:
    found = senders(sightings)
    return {
        platform: BluezoneHeard(
            adverts=sum(each.count for sender in ours for each in sender.sightings),
            addresses=len({address for sender in ours for address in sender.addresses}),
            ids=len({octets for sender in ours for octets in sender.ids}),
            senders=len(ours),
        )
        for platform in ("android", "ios")
        if (ours := [sender for sender in found if sender.platform == platform])
    }


def _silences(sightings: Sequence[Sighting]) -> tuple[Span, ...]:
    """Return the times between sightings in which there was none, by all receivers together."""
    found: list[Span] = []
    until_us: int | None = None
    for each in sightings:  # they come in the order in which they began
        if until_us is not None and each.first_us - until_us > SILENCE_US:
            found.append(Span(until_us // 1000, each.first_us // 1000))
        until_us = each.last_us if until_us is None else max(until_us, each.last_us)
    return tuple(sorted(found, key=lambda each: (each.from_ms - each.until_ms, each.from_ms)))
