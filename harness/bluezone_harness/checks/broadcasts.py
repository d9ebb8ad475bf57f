"""What was on the air towards a device under test, as a receiver of a profile has to take it.

Theory of operation. The record of a broadcast tells AdvData octet for octet. The reference says what each holds for a
receiver: a contact id, an iPhone whose id is to be read, or nothing. Where a scan response decides, a receiver that
asks for none takes it otherwise, so that neither has to be heard; both may be.

The other half is how the device under test listens, which the scenario says: its scans, its ``max``, and whether
anybody else's phones are near. Plain values: nothing here knows how a scenario is written, or how one is played.

Times are in milliseconds by the record's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bluezone_harness.checks.scan_times import MEAN_DELAY_MS, ScanSchedule, SentSpan
from bluezone_harness.observations import PduType
from bluezone_harness.sources.broadcast_records import BroadcastRecord, OnAir, spans_without
from bluezone_reference.ad_structures import (
    LEGACY_AD_OCTETS,
    MANUFACTURER_SPECIFIC_DATA,
    intact_structures,
)
from bluezone_reference.errors import BuildFailureError
from bluezone_reference.heard_content import HeardContent, heard_content
from bluezone_reference.profiles import Profile

_LEGACY = frozenset({PduType.ADV_IND, PduType.ADV_NONCONN_IND, PduType.ADV_SCAN_IND})
"""What every receiver hears; extended advertising some do not."""


@dataclass(frozen=True, slots=True, eq=False)
class Broadcast:
    """What was sent towards a device under test, and how it listens.

    Attributes:
        record: What was sent.
        scans: When the device scans.
        slots: The device's ``max``, slots a day.
        alone: Nobody else's phones are near: what was not sent was invented.
    """

    record: BroadcastRecord
    scans: ScanSchedule
    slots: int
    alone: bool


@dataclass(frozen=True, slots=True)
class Sending:
    """Something on the air, as a receiver has to take it.

    Attributes:
        on_air: What it is.
        contact_id: That it gives; ``None``: none.
        to_read: It makes a receiver read the phone by GATT.
        ignored: Why it gives nothing; empty where it gives something.
        sure: With and without the scan response it is the same, and every receiver can hear it.
        crashes: A receiver of the profile crashes of it (F-17).
    """

    on_air: OnAir
    contact_id: bytes | None
    to_read: bool
    ignored: str
    sure: bool
    crashes: bool = False

    @property
    def from_ms(self) -> int:
        """When it began."""
        return self.on_air.from_us // 1000

    @property
    def until_ms(self) -> int:
        """When it ended."""
        return self.on_air.until_us // 1000

    @property
    def is_malformed(self) -> bool:
        """Its octets are no sound AdvData, or hold manufacturer data without a whole company (BZ-RCV-003, F-17)."""
        return self.is_damaged or self.has_short_data

    @property
    def is_damaged(self) -> bool:
        """Its octets are no sound AdvData (BZ-ADV-001)."""
        octets = self.on_air.ad, self.on_air.response
        return any(intact_structures(each, LEGACY_AD_OCTETS)[1] is not None for each in octets)

    @property
    def has_short_data(self) -> bool:
        """It holds manufacturer data without a whole company (F-17)."""
        structures, _ = intact_structures(self.on_air.ad, LEGACY_AD_OCTETS)
        return any(each.ad_type == MANUFACTURER_SPECIFIC_DATA and len(each.data) < 2 for each in structures)


@dataclass(frozen=True, slots=True, eq=False)
class Air:
    """All that was on the air, as a receiver has to take it.

    Attributes:
        by_id: What gave a contact id, by that id, in the order in which it began.
        to_read: What made a receiver read the phone, by its address.
        decoys: What gives nothing, in the order in which it began.
        crash_ms: When something first was on the air that a receiver of the profile crashes of; ``None``: never.
    """

    by_id: Mapping[bytes, Sequence[Sending]]
    to_read: Mapping[str, Sequence[Sending]]
    decoys: Sequence[Sending]
    crash_ms: int | None


@lru_cache(maxsize=4)
def air_of(record: BroadcastRecord, profile: Profile) -> Air:
    """Return what was on the air; the last few answers are kept.

    Args:
        record: What was sent.
        profile: Whose receiver hears it.
    """
    by_id: dict[bytes, list[Sending]] = {}
    to_read: dict[str, list[Sending]] = {}
    decoys: list[Sending] = []
    known: dict[tuple[bytes, bytes], tuple[HeardContent | None, ...]] = {}
    for on_air in record.sent:
        octets = on_air.ad, on_air.response
        if octets not in known:
            known[octets] = _contents(*octets, profile)
        for content in known[octets]:
            sending = _sending(on_air, content, sure=len(known[octets]) == 1)
            if sending.contact_id is not None:
                by_id.setdefault(sending.contact_id, []).append(sending)
            elif sending.to_read:
                to_read.setdefault(on_air.address, []).append(sending)
            else:
                decoys.append(sending)
    crashes = (each.from_ms for each in decoys if each.crashes)
    return Air(by_id, to_read, decoys, min(crashes, default=None))


def sent_spans(
    sendings: Iterable[Sending], record: BroadcastRecord, from_ms: int, until_ms: int
) -> list[SentSpan]:
    """Return when something was sent for sure, in order; the record's gaps are left out.

    Args:
        sendings: What was sent; what is not sure is passed over.
        record: Where it stands.
        from_ms: From here on it counts.
        until_ms: Until here.
    """
    gaps = [(start // 1000, -(-end // 1000)) for start, end in record.gaps]
    found: list[SentSpan] = []
    for each in sendings:
        length_ms = each.until_ms - each.from_ms
        every_ms = each.on_air.interval_us / 1000 + MEAN_DELAY_MS
        if each.on_air.adverts is not None:
            # a controller that had too much to send left some out
            every_ms = max(every_ms, length_ms / max(each.on_air.adverts, 1))
        if not each.sure or each.on_air.adverts == 0:
            continue
        for start, end in spans_without((each.from_ms, each.until_ms), gaps):
            part = SentSpan(start, end, every_ms).within(from_ms, until_ms)
            if part:
                found.append(part)
    return sorted(found, key=lambda span: (span.from_ms, span.until_ms))


def sound_octets(octets: bytes) -> int:
    """Return how many octets of AdvData lie in sound structures before any damage."""
    structures, _ = intact_structures(octets, LEGACY_AD_OCTETS)
    return structures[-1].offset + 2 + len(structures[-1].data) if structures else 0


def _sending(on_air: OnAir, content: HeardContent | None, *, sure: bool) -> Sending:
    if content is None:
        reason = "a receiver of this profile crashes of it"
        return Sending(on_air, None, to_read=False, ignored=reason, sure=True, crashes=True)
    to_read = content.contact_id is None and not content.ignored
    sure = sure and on_air.pdu in _LEGACY
    return Sending(on_air, content.contact_id, to_read=to_read, ignored=content.ignored, sure=sure)


def _contents(ad: bytes, response: bytes, profile: Profile) -> tuple[HeardContent | None, ...]:
    """Return what octets hold, ``None`` if a receiver crashes; and what else they may hold.

    That is what they hold without the response; and where a platform pads, what they hold if it does not, for not
    every platform of that profile does (F-29).
    """
    profiles = [profile]
    if profile.receiver.pads_legacy_ad:
        profiles.append(replace(profile, receiver=replace(profile.receiver, pads_legacy_ad=False)))
    found: dict[tuple[bytes | None, bool], HeardContent] = {}
    try:
        for heard_as in profiles:
            for answer in dict.fromkeys((response, b"")):
                content = heard_content(ad, answer, heard_as)
                found.setdefault((content.contact_id, bool(content.ignored)), content)
    except BuildFailureError:
        return (None,)
    return tuple(found.values())
