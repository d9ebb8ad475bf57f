"""Matching: the rolling ids of positive cases against a contact log.

For each case: start at ``time_start`` with the day key's first rolling id; while a slot's start is not after
``time_end``, ask whether the log holds that id at an instant of the slot, both ends included; step the day key after
``max`` slots (BZ-MAT-001 to BZ-MAT-004). The published builds stop at the first hit of the first case; the protocol
evaluates every case and names every hit (BZ-MAT-008). There is no tolerance of clocks (F-05), and neither RSSI nor
duration counts (BZ-PRV-018).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from .contact_log import Record
from .errors import BuildFailureError, Failure, MalformedError
from .key_schedule import DAY_MS, GREATEST_MAX, KEY_OCTETS, SUBKEY_SALT, rolling_id
from .positive_cases import CASE_DAYS, PositiveCase, RejectedCase
from .profiles import V3, Profile

SLOT_LIMIT = CASE_DAYS * GREATEST_MAX
"""A case of more slots than any allowed one can have is taken for endless under the quirk profiles."""


@dataclass(frozen=True, slots=True)
class CaseSlot:
    """One slot of an expanded case.

    Attributes:
        day: Days stepped since the case's first, from 0.
        slot: Of that day, from 0.
        rolling_id: 12 octets.
        start_ms: First instant at which a record matches.
        end_ms: Last instant at which a record matches: the first of the next slot (F-03).
    """

    day: int
    slot: int
    rolling_id: bytes
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that matches.

    Attributes:
        record: Its index in the records given.
        day: Of the case's slot.
        slot: Of that day.
        rolling_id: 12 octets, the record's contact id.
        time_ms: Of the record.
        rssi: Of the record, in dBm.
    """

    record: int
    day: int
    slot: int
    rolling_id: bytes
    time_ms: int
    rssi: int


@dataclass(frozen=True, slots=True)
class CaseAnswer:
    """What came of one case.

    Attributes:
        index: The case's place in the message.
        contact: There is at least one hit.
        hits: In the order of the case's slots, within a slot in the order of the records.
        rejected: Why the case was refused; else ``None``.
    """

    index: int
    contact: bool
    hits: tuple[Hit, ...]
    rejected: MalformedError | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a message.

    Attributes:
        contact: Some case has a hit.
        cases: One for each case evaluated; all of them under v3, up to the first contact under a quirk profile.
    """

    contact: bool
    cases: tuple[CaseAnswer, ...]


def expand(case: PositiveCase, profile: Profile = V3) -> Iterator[CaseSlot]:
    """Yield the slots of a case, in order of time.

    Args:
        case: As ``decode_cases`` gives it.
        profile: A quirk profile cuts slots as its build did, and computes with any ``max``.

    Raises:
        ValueError: The case's day key is not 32 octets.
        BuildFailureError: F-07, the published build crashes or never ends.

    Source: BZ-MAT-001, BZ-MAT-004; F-04, F-06.
    """
    floating = profile.matching.malformed_case == "ios"
    if not floating and len(case.day_key) != KEY_OCTETS:
        raise ValueError("a day key is 32 octets")
    _fail_as_the_builds_do(case)
    if case.time_start_ms > case.time_end_ms:
        return
    if floating:
        yield from _floating_slots(case)
        return
    length_ms = DAY_MS // case.max_per_day
    start_ms = case.time_start_ms
    ids = _ids(case)
    while start_ms <= case.time_end_ms:  # BZ-MAT-004
        day, slot, octets = next(ids)
        yield CaseSlot(day, slot, octets, start_ms, start_ms + length_ms)
        start_ms += length_ms


def match(
    cases: Sequence[PositiveCase | RejectedCase], records: Sequence[Record], profile: Profile = V3
) -> Answer:
    """Match positive cases against the records of a contact log.

    Args:
        cases: As ``decode_cases`` gives them.
        records: In any order; times in milliseconds.
        profile: v3 evaluates every case; a quirk profile stops where its build does.

    Raises:
        BuildFailureError: F-07, F-16, where a quirk profile's build fails before its first hit.

    Source: BZ-MAT-001 to BZ-MAT-008.
    """
    places: dict[bytes, list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        places[record.contact_id].append(place)
    # One malformed case makes the iOS build's decoder give up the whole message.
    if profile.matching.malformed_case == "ios" and any(
        isinstance(case, RejectedCase) and isinstance(case.error, MalformedError) for case in cases
    ):
        return Answer(contact=False, cases=())
    answers = []
    for index, case in enumerate(cases):
        if isinstance(case, RejectedCase):
            if isinstance(case.error, BuildFailureError):
                raise case.error
            if not profile.matching.every_case:
                break  # the Android build leaves its loop at the first case that it cannot read
            answers.append(CaseAnswer(index, contact=False, hits=(), rejected=case.error))
            continue
        found = _hits(case, places, records, profile)
        hits = tuple(found if profile.matching.every_case else islice(found, 1))
        answers.append(CaseAnswer(index, contact=bool(hits), hits=hits, rejected=None))
        if hits and not profile.matching.every_case:
            break
    return Answer(contact=any(answer.contact for answer in answers), cases=tuple(answers))


def _hits(
    case: PositiveCase, places: dict[bytes, list[int]], records: Sequence[Record], profile: Profile
) -> Iterator[Hit]:
    if profile.matching.malformed_case == "android" and len(case.day_key) != KEY_OCTETS:
        return  # that build passes over a key of another length in silence
    for item in expand(case, profile):
        for place in places.get(item.rolling_id, ()):
            record = records[place]
            if item.start_ms <= record.time_ms <= item.end_ms:  # BZ-MAT-002: both ends included
                yield Hit(place, item.day, item.slot, item.rolling_id, record.time_ms, record.rssi)


def _ids(case: PositiveCase) -> Iterator[tuple[int, int, bytes]]:
    """Yield day, slot and rolling id without end; the day key steps after ``max`` slots (BZ-MAT-001)."""
    key = case.day_key
    day = 0
    while True:
        subkey = key + SUBKEY_SALT
        for slot in range(case.max_per_day):
            subkey = sha256(subkey).digest()
            yield day, slot, rolling_id(subkey)
        key = sha256(key).digest()
        day += 1


def _floating_slots(case: PositiveCase) -> Iterator[CaseSlot]:
    """Yield slots as iOS does: floating seconds, bounds cut to whole ones. Source I ``BluezoneIdTrace.swift``."""
    length_s = 86_400.0 / case.max_per_day
    start_s = case.time_start_ms / 1000
    ids = _ids(case)
    while start_s <= case.time_end_ms / 1000:
        end_s = start_s + length_s
        if end_s == start_s:  # the slot is shorter than a step of the floating time
            raise BuildFailureError("F-07", Failure.ENDLESS_LOOP, "the time of the slots stands still")
        day, slot, octets = next(ids)
        yield CaseSlot(day, slot, octets, int(start_s) * 1000, int(end_s) * 1000)
        start_s = end_s


def _fail_as_the_builds_do(case: PositiveCase) -> None:
    """Raise F-07 where a published build crashes or loops; no allowed case comes here (BZ-MAT-005, BZ-MAT-006)."""
    span_ms = case.time_end_ms - case.time_start_ms
    if case.max_per_day == 0:
        raise BuildFailureError("F-07", Failure.EXCEPTION, "max is 0: a division by zero")
    if span_ms < 0:
        return
    if case.max_per_day < 0 or case.max_per_day > DAY_MS:
        raise BuildFailureError("F-07", Failure.ENDLESS_LOOP, "the time of the slots never passes time_end")
    if span_ms * case.max_per_day >= SLOT_LIMIT * DAY_MS:
        raise BuildFailureError("F-07", Failure.ENDLESS_LOOP, f"more than {SLOT_LIMIT} slots up to time_end")
