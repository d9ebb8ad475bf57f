"""Planted faults in what an app makes of its records: BZ-LOG-001, BZ-LOG-002, and records that are lost or invented."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random

from bluezone_reference.contact_log import Record
from bluezone_reference.key_schedule import ID_OCTETS
from bluezone_reference.receiver import HeardAdvert

from .behaviours import AppBehaviour, AppFault, Change, Hearing, Recording
from .export_faults import Times, lines
from .exports import row_of
from .model import AppPlan

_REPEAT_MS = 5_000
_SECOND_MS = 1_000
_BATCH_MS = 10_000
_WRITTEN_MS = 1_200_000
_INVENTED = 0.02
_LOST = 0.9


def _recording(recording: Callable[[AppPlan, Random], Recording]) -> Change:
    return lambda behaviour: replace(behaviour, recording=recording)


def _each(record: Callable[[Record], Iterable[Record]]) -> Change:
    """Return the fault of an app that remembers nothing of other records."""
    return _recording(lambda plan, random: record)


def _repeats_after(repeat_after_ms: int) -> Change:
    def change(behaviour: AppBehaviour) -> AppBehaviour:
        profile = behaviour.profile
        log = replace(profile.contact_log, repeat_after_ms=repeat_after_ms)
        return replace(behaviour, profile=replace(profile, contact_log=log))

    return change


# BZ-RCV-002


def _invents(plan: AppPlan, random: Random) -> Recording:
    def record(made: Record) -> Iterable[Record]:
        yield made
        if random.random() < _INVENTED:
            yield replace(made, contact_id=random.randbytes(ID_OCTETS))

    return record


def _loses(plan: AppPlan, random: Random) -> Recording:
    return lambda record: () if random.random() < _LOST else (record,)


# BZ-LOG-001


def _swapped(record: Record) -> Iterable[Record]:
    yield replace(record, own_id=record.contact_id, contact_id=record.own_id)


def _delivered_late(behaviour: AppBehaviour) -> AppBehaviour:
    """Deliver adverts in batches; the receiver knows no other time. Source: F-28."""

    def hear(advert: HeardAdvert) -> HeardAdvert:
        return replace(advert, delivered_ms=advert.time_ms + -advert.time_ms % _BATCH_MS)

    def hearing(random: Random) -> Hearing:
        return hear

    return replace(behaviour, hearing=hearing, profile=replace(behaviour.profile, platform="android"))


def _written_late(plan: AppPlan, random: Random) -> Recording:
    def record(made: Record) -> Iterable[Record]:
        yield replace(made, time_ms=made.time_ms + -made.time_ms % _WRITTEN_MS)

    return record


def _without_rssi(record: Record, times: Times) -> str:
    own, contact, _, time = row_of(record, times).split("\t")
    return f"{own}\t{contact}\t\t{time}\n"


def _without_own_id(record: Record, times: Times) -> str:
    return "\t" + row_of(record, times).split("\t", 1)[1] + "\n"


# BZ-LOG-002


def _whole_seconds(plan: AppPlan, random: Random) -> Recording:
    """Compare times in whole seconds, the last alone of each contact id. Source: F-20."""
    last_s: dict[bytes, int] = {}

    def record(made: Record) -> Iterable[Record]:
        second = made.time_ms // _SECOND_MS
        if (second - last_s.get(made.contact_id, 0)) * _SECOND_MS >= _REPEAT_MS:
            last_s[made.contact_id] = second
            yield made

    return record


def _compares_seconds(behaviour: AppBehaviour) -> AppBehaviour:
    return _recording(_whole_seconds)(_repeats_after(0)(behaviour))


def _once_only(plan: AppPlan, random: Random) -> Recording:
    known: set[bytes] = set()

    def record(made: Record) -> Iterable[Record]:
        if made.contact_id not in known:
            known.add(made.contact_id)
            yield made

    return record


def _while_not_heard(plan: AppPlan, random: Random) -> Recording:
    """Count from when an id was heard last, and not from when it was recorded."""
    heard_ms: dict[bytes, int] = {}

    def record(made: Record) -> Iterable[Record]:
        before_ms, heard_ms[made.contact_id] = heard_ms.get(made.contact_id, 0), made.time_ms
        if made.time_ms - before_ms >= _REPEAT_MS:
            yield made

    return record


def _counts_hearing(behaviour: AppBehaviour) -> AppBehaviour:
    return _recording(_while_not_heard)(_repeats_after(0)(behaviour))


def _one_for_all(plan: AppPlan, random: Random) -> Recording:
    last: list[int] = [0]

    def record(made: Record) -> Iterable[Record]:
        if made.time_ms - last[0] >= _REPEAT_MS:
            last[0] = made.time_ms
            yield made

    return record


RECORD_FAULTS = (
    AppFault("invents", "BZ-RCV-002", "There are records of ids that nobody sent", _recording(_invents)),
    AppFault(
        "ids-swapped",
        "BZ-LOG-001",
        "Own id and contact id stand in each other's place",
        _each(_swapped),
        breaks=("BZ-LOG-002", "BZ-LOG-005", "BZ-RCV-001", "BZ-RCV-002", "BZ-RCV-004"),
    ),
    AppFault(
        "rssi-positive",
        "BZ-LOG-001",
        "The RSSI has lost its sign",
        _each(lambda record: (replace(record, rssi=abs(record.rssi)),)),
        breaks=("BZ-RCV-001", "BZ-RCV-004"),
    ),
    AppFault(
        "rssi-missing",
        "BZ-LOG-001",
        "The RSSI of the export is empty",
        lines(_without_rssi),
        breaks=("BZ-RCV-001", "BZ-RCV-004"),
    ),
    AppFault(
        "own-id-missing",
        "BZ-LOG-001",
        "The own id of the export is empty",
        lines(_without_own_id),
        breaks=("BZ-RCV-001", "BZ-RCV-004"),
    ),
    AppFault(
        "delivered-late",
        "BZ-LOG-001",
        "The time of a record is that at which a batch of adverts was delivered, every 10 s",
        _delivered_late,
        "F-28",
    ),
    AppFault(
        "written-late",
        "BZ-LOG-001",
        "The time of a record is that at which it was written, every twenty minutes",
        _recording(_written_late),
        breaks=("BZ-LOG-002", "BZ-LOG-005"),
    ),
    AppFault(
        "repeats-after-a-second",
        "BZ-LOG-002",
        "The same contact id is recorded again after 1 s",
        _repeats_after(_SECOND_MS),
    ),
    AppFault("every-advert", "BZ-LOG-002", "Each advert gives a record", _repeats_after(0)),
    AppFault(
        "whole-seconds",
        "BZ-LOG-002",
        "Repeats are told by whole seconds, so that a little more than 4 s are enough",
        _compares_seconds,
        "F-20",
    ),
    AppFault(
        "rows-doubled",
        "BZ-LOG-002",
        "Each record is written twice",
        _each(lambda record: (record, record)),
    ),
    AppFault(
        "loses-records",
        "BZ-LOG-002",
        "Nine of ten records are lost",
        _recording(_loses),
        breaks=("BZ-RCV-001", "BZ-RCV-004"),
    ),
    AppFault(
        "once-only",
        "BZ-LOG-002",
        "A contact id is recorded once, and never again",
        _recording(_once_only),
    ),
    AppFault(
        "counts-hearing",
        "BZ-LOG-002",
        "The 5 s count from when a contact id was heard last, so that who stays near is recorded once",
        _counts_hearing,
    ),
    AppFault(
        "one-for-all",
        "BZ-LOG-002",
        "The 5 s count for all contact ids together",
        _recording(_one_for_all),
        breaks=("BZ-RCV-001", "BZ-RCV-004"),
    ),
)
"""In the order of their requirements."""
