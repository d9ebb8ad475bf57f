"""Planted faults in what an iPhone offers to whoever connects, and in what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from random import Random

from bluezone_reference.key_schedule import DAY_MS, ID_OCTETS, SUBKEY_SALT, day_key, day_start_ms

from .behaviours import Behaviour, Change, PlantedFault
from .id_sources import by_other_rules, of_profile, slots_at
from .plans import IdSource, PhonePlan, Plan
from .reads import (
    CHARACTERISTIC,
    INSUFFICIENT_ENCRYPTION,
    SERVICE,
    UNLIKELY_ERROR,
    Answer,
    OfferedCharacteristic,
    OfferedService,
    right_answers,
)

CACHED_MS = 2_400_000
"""For how long a value that was read once is answered again: into the third slot."""
_OTHER_CHARACTERISTIC = "08590f7e-db05-467e-8757-72f6faeb13d4"
"""That of the first generation."""
_LOCAL_MS = 7 * 3_600_000
_LONG_OCTETS = 16


def _offers(*services: OfferedService) -> Change:
    return lambda behaviour: replace(behaviour, reads=replace(behaviour.reads, services=services))


def _with(*characteristics: OfferedCharacteristic) -> Change:
    return _offers(OfferedService(SERVICE, characteristics))


def _answers(answers: Callable[[PhonePlan, IdSource], Answer]) -> Change:
    return lambda behaviour: replace(behaviour, reads=replace(behaviour.reads, answers=answers))


def _refused(phone: PhonePlan, ids: IdSource) -> Answer:
    return lambda clock_ms, connected_ms: INSUFFICIENT_ENCRYPTION


def _at(other_ms: Callable[[PhonePlan, int], int]) -> Callable[[PhonePlan, IdSource], Answer]:
    """Answer with the id of another time, as a function of the phone and of the right time has it."""

    def answers(phone: PhonePlan, ids: IdSource) -> Answer:
        right = right_answers(phone, ids)
        return lambda clock_ms, connected_ms: right(other_ms(phone, clock_ms), connected_ms)

    return answers


def _slot_before(phone: PhonePlan, clock_ms: int) -> int:
    return clock_ms - DAY_MS // slots_at(phone, clock_ms)


def _more_octets(phone: PhonePlan, ids: IdSource) -> Answer:
    right = right_answers(phone, ids)

    def answer(clock_ms: int, connected_ms: int) -> bytes | int:
        found = right(clock_ms, connected_ms)
        return found if isinstance(found, int) else found + b"\0"

    return answer


def _subkey_head(phone: PhonePlan, ids: IdSource) -> Answer:
    """Answer with the first octets of the subkey, too many of them."""

    def answer(clock_ms: int, connected_ms: int) -> bytes | int:
        day, since_ms = divmod(clock_ms - phone.base_day_ms, DAY_MS)
        if day < 0:
            return UNLIKELY_ERROR
        subkey = sha256(day_key(phone.base_id, day) + SUBKEY_SALT).digest()
        for _ in range(since_ms * slots_at(phone, clock_ms) // DAY_MS):
            subkey = sha256(subkey).digest()
        return subkey[:_LONG_OCTETS]

    return answer


def _zeros_for_none(behaviour: Behaviour) -> Behaviour:
    def later_base(phone: PhonePlan, plan: Plan, random: Random) -> PhonePlan:
        """Let the base id be made on the last day of the simulation, or after it: before, the phone has no id."""
        from_ms, until_ms = plan.start_ms + phone.offset_ms, plan.until_ms + phone.offset_ms
        last_ms = day_start_ms(until_ms - 1)
        return replace(phone, base_day_ms=last_ms if last_ms > from_ms else last_ms + DAY_MS)

    def answers(phone: PhonePlan, ids: IdSource) -> Answer:
        return lambda clock_ms, connected_ms: ids(clock_ms) or bytes(ID_OCTETS)

    changed = replace(behaviour, plan=later_base)
    return _answers(answers)(changed)


def _other_base(phone: PhonePlan, ids: IdSource) -> Answer:
    # the hash of a base id alone would be its own next day key
    other = replace(phone, base_id=sha256(b"another base id" + phone.base_id).digest())
    return right_answers(phone, of_profile(other))


def _local_time(phone: PhonePlan, ids: IdSource) -> Answer:
    return right_answers(phone, by_other_rules(phone, shift_ms=_LOCAL_MS))


def _fixed_at_connection(phone: PhonePlan, ids: IdSource) -> Answer:
    right = right_answers(phone, ids)
    return lambda clock_ms, connected_ms: right(connected_ms, connected_ms)


def _cached(phone: PhonePlan, ids: IdSource) -> Answer:
    right = right_answers(phone, ids)
    kept: list[tuple[int, bytes | int]] = []

    def answer(clock_ms: int, connected_ms: int) -> bytes | int:
        if not kept or not 0 <= clock_ms - kept[0][0] < CACHED_MS:
            kept[:] = [(clock_ms, right(clock_ms, connected_ms))]
        return kept[0][1]

    return answer


def _fault(
    name: str, requirement: str, text: str, change: Change, *, needs_key: bool, breaks: tuple[str, ...] = ()
) -> PlantedFault:
    return PlantedFault(
        name, requirement, text, change, breaks=breaks, needs_key=needs_key, platforms=("ios",), by_reads=True
    )


READ_FAULTS = (
    _fault(
        "writable-id",
        "BZ-GAT-001",
        "the characteristic of the rolling id can be written too",
        _with(OfferedCharacteristic(CHARACTERISTIC, ("read", "write"))),
        needs_key=False,
    ),
    _fault(
        "notifying-id",
        "BZ-GAT-001",
        "the characteristic of the rolling id notifies too",
        _with(OfferedCharacteristic(CHARACTERISTIC, ("read", "notify"))),
        needs_key=False,
    ),
    _fault(
        "second-characteristic",
        "BZ-GAT-001",
        "the service has a second characteristic, that of the first generation",
        _with(OfferedCharacteristic(CHARACTERISTIC), OfferedCharacteristic(_OTHER_CHARACTERISTIC)),
        needs_key=False,
    ),
    _fault(
        "wrong-characteristic",
        "BZ-GAT-001",
        "the only characteristic of the service is that of the first generation",
        _with(OfferedCharacteristic(_OTHER_CHARACTERISTIC)),
        needs_key=False,
    ),
    _fault(
        "no-gatt-service",
        "BZ-GAT-001",
        "the phone advertises the service and does not offer it",
        _offers(),
        needs_key=True,
    ),
    _fault(
        "read-needs-encryption",
        "BZ-GAT-001",
        "a read is answered with the ATT error for insufficient encryption",
        _answers(_refused),
        needs_key=False,
    ),
    _fault(
        "read-slot-before",
        "BZ-GAT-002",
        "a read returns the rolling id of the slot before",
        _answers(_at(_slot_before)),
        needs_key=True,
        breaks=("BZ-KEY-006",),
    ),
    _fault(
        "read-thirteen-octets",
        "BZ-GAT-002",
        "a read returns the rolling id and one octet more",
        _answers(_more_octets),
        needs_key=True,
    ),
    _fault(
        "read-subkey",
        "BZ-GAT-002",
        "a read returns the first sixteen octets of the subkey",
        _answers(_subkey_head),
        needs_key=True,
    ),
    _fault(
        "read-zeros",
        "BZ-GAT-002",
        "without a rolling id, before its base day, the phone answers with zeros and not with an error",
        _zeros_for_none,
        needs_key=True,
        breaks=("BZ-KEY-008",),
    ),
    _fault(
        "read-other-base",
        "BZ-GAT-002",
        "a read returns the rolling id of another base id",
        _answers(_other_base),
        needs_key=True,
        breaks=("BZ-KEY-010",),
    ),
    _fault(
        "read-local-time",
        "BZ-GAT-002",
        "a read returns the rolling id of local time, seven hours ahead of UTC",
        _answers(_local_time),
        needs_key=True,
        breaks=("BZ-KEY-002",),
    ),
    _fault(
        "fixed-at-connection",
        "BZ-GAT-003",
        "the value is that of the moment at which the connection was opened",
        _answers(_fixed_at_connection),
        needs_key=True,
        breaks=("BZ-GAT-002",),
    ),
    _fault(
        "cached-read",
        "BZ-GAT-003",
        "the first value that was read is answered for 40 minutes",
        _answers(_cached),
        needs_key=True,
        breaks=("BZ-GAT-002",),
    ),
)
