"""What a device under test read of iPhones by GATT, and what it had to read, by the record of a broadcast.

Theory of operation. Who connected to what was sent stands in the record, with what was read and for how long. Where
nobody else's phones are near, that was the device under test; else it may have been anybody, and attempts are counted
only.

An iPhone had to be read in a slot of the receiver's if its adverts had to be heard in two stretches of it: one may be
spent on another attempt, for there is one at a time. Time in which the receiver was, or may have been, busy with
another phone does not count: from ``read_attempt`` before another connection to its end, and while a phone was on the
air that nobody can connect to. Neither does an iPhone that takes no connection.

A value that was read is to be logged when it comes, unless a record of it lies less than 5000 ms away.

Source: BZ-RCV-004, BZ-RCV-005; tolerances ``read_attempt`` and ``log_clock``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from bluezone_harness.checks.broadcasts import Air, Broadcast, Sending, air_of
from bluezone_harness.checks.hearing import enough_of, spans_heard
from bluezone_harness.checks.log_rows_explained import RIGHT, Cause, ExplainedLog, explained_log
from bluezone_harness.checks.scan_times import SentSpan, Stretch, stretches
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.sources.broadcast_records import PeerConnection, PeerRead, spans_without
from bluezone_reference.ad_structures import MANUFACTURER_SPECIFIC_DATA, intact_structures
from bluezone_reference.advertisement import ONLY_BLUEZONE_SERVICES
from bluezone_reference.heard_content import value_content
from bluezone_reference.key_schedule import DAY_MS

_SCANS = 2
"""Stretches that it takes: one may be spent on another attempt."""
_WRONG_BY_MS = 120_000
"""So late a row counts as one of a value that was read, in a log whose times are wrong."""
_MANY_READS = 3
"""Fewer reads that are logged late show nothing of the others."""
_OVERFLOW = b"\x4c\x00\x01"


@dataclass(frozen=True, slots=True)
class ReadDue:
    """An iPhone that had to be read in a slot.

    Attributes:
        sending: What it sent.
        first: The first time in which its adverts had to be heard.
        last: The time that decides.
        connections: Of anybody to it, in that slot.
    """

    sending: Sending
    first: Stretch
    last: Stretch
    connections: tuple[PeerConnection, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read, and what had to be.

    Attributes:
        due: All iPhones that had to be read, slot by slot.
        unlogged: Reads of a contact id that are not in the log.
        late: All reads of a contact id, if each is in the log, but none until a while after it.
        logged: How many reads of a contact id are in the log.
        long: Connections to iPhones that lasted longer than an attempt may.
        at_once: Connections that began while another lasted, with that other.
        tried: How many attempts are known.
        values: How many of them gave a contact id.
        served_later: Addresses that were read in one slot, and had to be heard, or were read, in a later one.
        known: iPhones to which somebody connected, or had to.
        given_up: How many attempts ended without an answer to a read: these show whether one is given up.
    """

    due: Sequence[ReadDue]
    unlogged: Sequence[PeerRead]
    late: Sequence[PeerRead]
    logged: int
    long: Sequence[PeerConnection]
    at_once: Sequence[tuple[PeerConnection, PeerConnection]]
    tried: int
    values: int
    served_later: int
    known: Sequence[Sending]
    given_up: int

    @property
    def read(self) -> Sequence[ReadDue]:
        """Those to which somebody connected."""
        return [each for each in self.due if each.connections]

    @property
    def not_read(self) -> Sequence[ReadDue]:
        """Those to which nobody did."""
        return [each for each in self.due if not each.connections]


@lru_cache(maxsize=4)
def reading(subject: Subject, rules: Rules) -> Reading:
    """Return what a subject read and had to read; the last few answers are kept.

    Args:
        subject: Who; it has the record of a broadcast.
        rules: By which it is judged.
    """
    if subject.broadcast is None:
        raise ValueError("what was read is told by the record of a broadcast")
    broadcast, log = subject.broadcast, explained_log(subject, rules)
    air = air_of(broadcast.record, rules.profile)
    due = [each for each in _due(broadcast, log, air, rules) if each.connections or _shows(each, log)]
    limit_us = (rules.tolerances["read_attempt"] + rules.tolerances["log_clock"]) * 1000
    together_us = rules.tolerances["log_clock"] * 1000
    connections = broadcast.record.connections
    long = [each for each in connections if each.until_us - each.from_us > limit_us]
    at_once = list(_at_once(connections, together_us))
    valued = [
        (connection, read)
        for connection in connections
        for read in connection.reads
        if read.value is not None and value_content(read.value, rules.profile).contact_id is not None
    ]
    in_time = [
        read for connection, read in valued if read.time_us - connection.from_us < limit_us - together_us
    ]
    unlogged = [each for each in in_time if not _is_logged(each, log, rules)]
    # where every value is logged a while after it came, it is the times that are wrong
    is_late = len(unlogged) == len(in_time) >= _MANY_READS
    late = unlogged if is_late and all(_is_logged(each, log, rules, late=True) for each in unlogged) else []
    logged = len(in_time) - len(unlogged)
    # a clock that is set by a little leaves rows of adverts right, but not that of a value, which comes once;
    # and what was read after the last row of all may have been logged when the log had been taken
    set_ms = rules.tolerances["clock_offset"]
    unlogged = [each for each in unlogged if not (late or _is_logged(each, log, rules, set_ms=set_ms))]
    unlogged = [each for each in unlogged if not log.right or _is_before(each, log)]
    connected_to = {each.address for each in connections}
    later = {each.sending.on_air.address for each in due if _was_read_before(each, valued, broadcast, log)}
    return Reading(
        due,
        unlogged,
        late,
        logged,
        long,
        at_once,
        len(connections),
        len({connection.number for connection, _ in valued}),
        len(later | _read_in_two_slots(valued, broadcast, log)),
        [
            *(each.sending for each in due),
            *(each for each in _all(air) if each.on_air.address in connected_to),
        ],
        sum(each.is_closed and any(map(_has_no_answer, each.reads)) for each in connections),
    )


def _has_no_answer(read: PeerRead) -> bool:
    return read.value is None and read.att_error is None


def _is_before(read: PeerRead, log: ExplainedLog) -> bool:
    """Tell whether a value was read before the last row of a log."""
    return log.last_ms is not None and read.time_us // 1000 <= log.last_ms


def _shows(due: ReadDue, log: ExplainedLog) -> bool:
    """Tell whether it shows anything that an iPhone was not read.

    It does not after the device was there for sure last. Neither does it where an id of another slot was logged in
    place of a read, which is told as such (BZ-RCV-005).
    """
    if log.there_ms is None or due.last.until_ms > log.there_ms:
        return False
    start_ms, end_ms = due.first.from_ms + log.offset.least_ms, due.last.until_ms + log.offset.most_ms
    return not any(
        start_ms <= each.instants_ms[1] and each.instants_ms[0] <= end_ms
        for each in log.caused_by(Cause.OTHER_SLOT)
        if each.read is not None and each.read.address == due.sending.on_air.address
    )


def has_other_bits(sending: Sending) -> bool:
    """Tell whether an iPhone in the background has the bits of other apps set beside Bluezone's."""
    return any(field != ONLY_BLUEZONE_SERVICES for field in _overflow_fields(sending))


def is_in_background(sending: Sending) -> bool:
    """Tell whether an iPhone sends the overflow form."""
    return bool(_overflow_fields(sending))


def _overflow_fields(sending: Sending) -> list[bytes]:
    structures, _ = intact_structures(sending.on_air.ad)
    return [
        each.data[len(_OVERFLOW) :]
        for each in structures
        if each.ad_type == MANUFACTURER_SPECIFIC_DATA and each.data.startswith(_OVERFLOW)
    ]


def _due(broadcast: Broadcast, log: ExplainedLog, air: Air, rules: Rules) -> Iterator[ReadDue]:
    if log.first_ms is None:
        return
    length_ms = DAY_MS // broadcast.slots
    connections = broadcast.record.connections
    for address, sendings in air.to_read.items():
        spans = spans_heard(
            [each for each in sendings if each.on_air.is_connectable], broadcast, rules, log.first_ms
        )
        if not spans:
            continue
        busy = _busy(address, broadcast, air, rules)
        first_slot = (spans[0].from_ms + log.offset.least_ms) // length_ms
        last_slot = (max(each.until_ms for each in spans) + log.offset.most_ms) // length_ms
        for slot in range(first_slot, last_slot + 1):
            # by the record's clock, as late a beginning and as early an end as may be
            start_ms = slot * length_ms - log.offset.least_ms
            end_ms = (slot + 1) * length_ms - log.offset.most_ms
            free = _free(spans, busy, start_ms, end_ms)
            found = list(islice(stretches(free, broadcast.scans, enough_of(rules)), _SCANS))
            if len(found) == _SCANS:
                its = tuple(
                    each
                    for each in connections
                    if each.address == address
                    if each.from_us // 1000 < found[-1].until_ms + rules.tolerances["read_attempt"]
                    if each.until_us // 1000 >= start_ms - rules.tolerances["read_attempt"]
                )
                sending = next(each for each in sendings if each.until_ms > found[0].from_ms)
                yield ReadDue(sending, found[0], found[-1], its)


def _at_once(
    connections: Sequence[PeerConnection], together_us: int
) -> Iterator[tuple[PeerConnection, PeerConnection]]:
    """Yield connections that lasted together with one that began before, and that one.

    An end may reach the other side a little late; but where the one is still read, it has not ended.
    """
    lasting: PeerConnection | None = None
    for each in connections:
        if lasting and (
            min(lasting.until_us, each.until_us) - each.from_us > together_us
            or any(read.time_us > each.from_us for read in lasting.reads)
        ):
            yield each, lasting
        if lasting is None or each.until_us > lasting.until_us:
            lasting = each


def _free(
    spans: Sequence[SentSpan], busy: Sequence[tuple[int, int]], start_ms: int, end_ms: int
) -> list[SentSpan]:
    found: list[SentSpan] = []
    for span in spans:
        part = span.within(start_ms, end_ms)
        if part:
            found += [
                SentSpan(start, end, span.every_ms)
                for start, end in spans_without((part.from_ms, part.until_ms), busy)
            ]
    return found


def _busy(address: str, broadcast: Broadcast, air: Air, rules: Rules) -> list[tuple[int, int]]:
    """Return when a receiver was, or may have been, busy with another phone than the one of an address."""
    before_ms, after_ms = rules.tolerances["read_attempt"], rules.tolerances["log_clock"]
    found = [
        (each.from_us // 1000 - before_ms, each.until_us // 1000 + after_ms)
        for each in broadcast.record.connections
        if each.address != address
    ]
    found += [
        (each.from_ms, each.until_ms + before_ms)
        for other, sendings in air.to_read.items()
        if other != address
        for each in sendings
        if not each.on_air.is_connectable
    ]
    return found


def _is_logged(
    read: PeerRead, log: ExplainedLog, rules: Rules, *, late: bool = False, set_ms: int = 0
) -> bool:
    """Tell whether a value that was read is in the log about when it was read, give or take, or ``late``."""
    assert read.value is not None  # noqa: S101 - the caller's choice
    contact_id = value_content(read.value, rules.profile).contact_id
    read_ms = read.time_us // 1000
    margin_ms = rules.profile.contact_log.repeat_after_ms + rules.tolerances["log_clock"] + set_ms
    start_ms = read_ms + log.offset.least_ms - margin_ms
    end_ms = read_ms + log.offset.most_ms + margin_ms + rules.tolerances["late_delivery"]
    if late or log.caused_by(Cause.OTHER_TIME):
        # times that are wrong are told as such (BZ-LOG-001), and what they say is logged all the same
        start_ms, end_ms = min(start_ms, read_ms - margin_ms), max(end_ms, read_ms + _WRONG_BY_MS)
    return any(
        each.contact_id == contact_id and each.instants_ms[0] <= end_ms and each.instants_ms[1] >= start_ms
        for each in log.rows
        if each.cause in RIGHT or each.cause is Cause.OTHER_TIME
    )


def _all(air: Air) -> Iterator[Sending]:
    return (each for sendings in air.to_read.values() for each in sendings)


def _read_in_two_slots(
    valued: Sequence[tuple[PeerConnection, PeerRead]], broadcast: Broadcast, log: ExplainedLog
) -> set[str]:
    """Return the addresses that gave an id in two slots, whatever the offset of the clocks."""
    length_ms = DAY_MS // broadcast.slots
    first: dict[str, int] = {}
    found: set[str] = set()
    for _, read in sorted(valued, key=lambda each: each[1].time_us):
        read_ms = read.time_us // 1000
        slot = (read_ms + log.offset.least_ms) // length_ms
        if slot > first.setdefault(read.address, (read_ms + log.offset.most_ms) // length_ms):
            found.add(read.address)
    return found


def _was_read_before(
    due: ReadDue,
    valued: Sequence[tuple[PeerConnection, PeerRead]],
    broadcast: Broadcast,
    log: ExplainedLog,
) -> bool:
    """Tell whether a phone that had to be heard in a slot was read in an earlier one, at the same address."""
    length_ms = DAY_MS // broadcast.slots
    start_ms = (due.first.from_ms + log.offset.most_ms) // length_ms * length_ms
    return any(
        read.address == due.sending.on_air.address and read.time_us // 1000 + log.offset.most_ms < start_ms
        for _, read in valued
    )
