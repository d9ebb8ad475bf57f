"""The rows of a contact log against the record of a broadcast: what each row comes of.

Theory of operation. A row is right if its contact id was on the air at its time, give or take the tolerance
``log_clock``; or if a peer read it from an iPhone before, in the same slot of the same day, and that iPhone was on the
air at the row's time. Times are compared by the offset of the clocks that explains most rows (``clock_offsets``); what
any offset in question excuses is excused. Under a profile of published Android builds a row may be late by
``late_delivery``, which is counted. Values that were read tell the offset, too: they are logged when they come.

For a row that is wrong, its octets are looked for in all that was sent and read, and where they are found is its cause:

- on the air, but not then; or read in another slot, or too late for the attempt that read them;
- in what must not be logged, or in the part of an advert that is cut;
- nowhere at all.

Rows from before the record or after it are nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bluezone_harness.checks.broadcasts import Air, Broadcast, Sending, air_of, sound_octets
from bluezone_harness.checks.clock_offsets import SHIFT_MS, ClockOffset, Span, clock_offset
from bluezone_harness.checks.rows import Located, located_rows
from bluezone_harness.checks.set_clocks import SetClock, explains, set_clock
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.sources.broadcast_records import PeerRead
from bluezone_reference.heard_content import PADDED_OCTETS, value_content
from bluezone_reference.key_schedule import DAY_MS

_LEAST_OCTETS = 6
"""Fewer octets than these stand in anything, by chance."""
_SECOND_MS = 1000
_MOST_OF = 10
"""Nine in ten rows have to be right by another clock to be rows of this broadcast."""


class Cause(StrEnum):
    """What a row comes of."""

    HEARD = "heard"
    DELIVERED_LATE = "delivered_late"
    """Heard, but logged as late as published Android builds do (F-28)."""
    OTHER_TIME = "other_time"
    """Its id was on the air, or could have been read, but not then."""
    OTHER_SLOT = "other_slot"
    """Its id was read in another slot, or on another day."""
    LATE_VALUE = "late_value"
    """Its id was read, but only after the attempt was over."""
    NO_ID = "no_id"
    """Its octets were sent or read, but must not be logged."""
    CUT_PART = "cut_part"
    """Its octets lie where an advert is cut."""
    NEVER_SENT = "never_sent"
    CLOCK_SET = "clock_set"
    """It is right by what the clock said when it had been set, or before that."""
    OUTSIDE = "outside"
    """It is from before the record, or after it."""


RIGHT = frozenset({Cause.HEARD, Cause.DELIVERED_LATE})
"""Causes of right rows."""


@dataclass(frozen=True, slots=True)
class ExplainedRow:
    """A row and what it comes of.

    Attributes:
        located: The row.
        cause: What it comes of.
        sending: In what it was found that was sent; ``None``: in nothing.
        read: By which read it came; ``None``: by none.
        late_ms: By how much it is later than its id was last on the air, or, negative, earlier than first.
    """

    located: Located
    cause: Cause
    sending: Sending | None = None
    read: PeerRead | None = None
    late_ms: int = 0

    @property
    def contact_id(self) -> bytes:
        """Of the row."""
        return self.located[1].record.contact_id

    @property
    def instants_ms(self) -> Span:
        """The first and the last instant that the row's time may mean, by the log's clock."""
        return _instants(self.located)


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedLog:
    """All rows of a subject's logs, and what follows for the clocks.

    Attributes:
        rows: In the order of the logs.
        offset: By how much the log's clock is ahead of the record's.
        is_near: The offset is one that is allowed for.
        first_ms: When the receiver was there for sure first, by the record's clock; ``None``: nothing shows it.
        last_ms: When something was logged last that is right: the log may have been taken then. Where nothing was,
            when somebody connected last; ``None``: nothing shows it.
        there_ms: When it was there for sure last, by a row or a connection; ``None``: nothing shows it.
        clock_set: How the log's clock was set; ``None``: nothing shows that it was.
    """

    rows: Sequence[ExplainedRow]
    offset: ClockOffset
    is_near: bool
    first_ms: int | None
    last_ms: int | None
    there_ms: int | None
    clock_set: SetClock | None

    def caused_by(self, *causes: Cause) -> list[ExplainedRow]:
        """Return the rows of some causes."""
        return [each for each in self.rows if each.cause in causes]

    @property
    def right(self) -> list[ExplainedRow]:
        """Rows that are right."""
        return self.caused_by(*RIGHT)


@lru_cache(maxsize=4)
def explained_log(subject: Subject, rules: Rules) -> ExplainedLog:
    """Return what the rows of a subject's logs come of; the last few answers are kept.

    Args:
        subject: Whose logs; it has the record of a broadcast.
        rules: By which it is judged.
    """
    if subject.broadcast is None:
        raise ValueError("rows are explained by the record of a broadcast")
    question = _Question(subject.broadcast, rules)
    rows = located_rows(subject)
    near, offset = True, _offset(rows, question, subject, limit_ms=rules.tolerances["clock_offset"])
    if rows and not offset.rows:
        far = _offset(rows, question, subject, limit_ms=None)
        # an earlier play of the same scenario had some of the same octets, and the ids of other slots beside
        right_ids = list(_ids_right(rows, question, far))
        if len(set(right_ids)) > 1 and len(right_ids) * _MOST_OF >= len(rows) * (_MOST_OF - 1):
            near, offset = False, far
    # of several that are equally good, each explains as many rows; which it is decides nothing but which are told
    found = tuple(question.explain(each, offset.nearest) for each in rows)
    explained, clock_set = _with_set_clock(found, question, offset)
    connected = [each.from_us // 1000 for each in subject.broadcast.record.connections]
    # by the record's clock, as late as may be
    logged = [each.instants_ms[1] - offset.least_ms for each in explained if each.cause in RIGHT]
    first_ms = min((*logged, *connected), default=None)
    there_ms = max((*logged, *connected), default=None)
    return ExplainedLog(explained, offset, near, first_ms, max(logged, default=there_ms), there_ms, clock_set)


def _with_set_clock(
    rows: tuple[ExplainedRow, ...], question: _Question, offset: ClockOffset
) -> tuple[tuple[ExplainedRow, ...], SetClock | None]:
    """Return rows with the cause of those by whose time the clock was set."""
    if not any(each.cause is Cause.OTHER_TIME for each in rows):
        return rows, None
    spans = {at: found for at, each in enumerate(rows) if (found := question.offsets(each.located))}
    # ids of this broadcast on other days are those of another one
    places = [at for at in spans if rows[at].cause is not Cause.OUTSIDE]
    was_set = set_clock([(rows[at].contact_id, spans[at]) for at in places], offset.nearest)
    if was_set is None:
        return rows, None
    its = {at for number, at in enumerate(places) if was_set.holds(number)}
    its = {at for at in its if explains(spans[at], was_set.offset.nearest)}
    return tuple(
        ExplainedRow(each.located, Cause.CLOCK_SET) if at in its else each for at, each in enumerate(rows)
    ), was_set


def _offset(
    rows: Sequence[Located], question: _Question, subject: Subject, limit_ms: int | None
) -> ClockOffset:
    offsets = [*(question.offsets(each) for each in rows), *question.read_offsets(rows)]
    stated = None if subject.device is None else subject.device.clock_offset_ms
    if stated is None:
        return clock_offset(offsets, limit_ms, SHIFT_MS if limit_ms is None else None)
    fitting = sum(any(least <= stated <= most for least, most in spans) for spans in offsets)
    return ClockOffset(stated, stated, fitting, (stated, stated))


def _ids_right(rows: Iterable[Located], question: _Question, offset: ClockOffset) -> Iterable[bytes]:
    for each in rows:
        if explains(question.offsets(each), offset.nearest):
            yield each[1].record.contact_id


class _Question:
    """What rows are compared with."""

    def __init__(self, broadcast: Broadcast, rules: Rules) -> None:
        self._broadcast = broadcast
        self._rules = rules
        self._air: Air = air_of(broadcast.record, rules.profile)
        self._clock_ms = rules.tolerances["log_clock"]
        is_android_build = rules.profile.platform == "android"
        self._late_ms = rules.tolerances["late_delivery"] if is_android_build else 0
        self._reads, self._late_reads = _reads(broadcast, rules)
        self._alike = _alike(self._air)
        self._holding: dict[bytes, list[tuple[Sending, Cause]]] = {}

    def offsets(self, located: Located, *, in_time: bool = False) -> list[Span]:
        """Return the spans of offsets under which a row is right; ``in_time``: without late delivery."""
        row = located[1]
        first_ms, last_ms = _instants(located)
        late_ms = 0 if in_time else self._late_ms
        found = [
            (first_ms - each.until_ms - self._clock_ms - late_ms, last_ms - each.from_ms + self._clock_ms)
            for each in self._air.by_id.get(row.record.contact_id, ())
        ]
        for read in self._reads.get(row.record.contact_id, ()):
            read_ms = read.time_us // 1000
            spans = [(read_ms, read_ms)]
            spans += [
                (max(each.from_ms, read_ms), each.until_ms)
                for each in self._air.to_read.get(read.address, ())
                if each.until_ms >= read_ms
            ]
            found += [
                (
                    max(first_ms - end - self._clock_ms - late_ms, least),
                    min(last_ms - start + self._clock_ms, most),
                )
                for start, end in spans
                for least, most in [self._slot_offsets(located, read_ms)]
            ]
        return [(least, most) for least, most in found if least <= most]

    def read_offsets(self, rows: Sequence[Located]) -> list[list[Span]]:
        """Return, of each value that was read in time, the spans of offsets under which it was logged when it came."""
        by_id: dict[bytes, list[Span]] = {}
        for each in rows:
            by_id.setdefault(each[1].record.contact_id, []).append(_instants(each))
        margin_ms = self._rules.profile.contact_log.repeat_after_ms + self._clock_ms
        return [
            [
                (
                    first_ms - read.time_us // 1000 - margin_ms - self._late_ms,
                    last_ms - read.time_us // 1000 + margin_ms,
                )
                for first_ms, last_ms in by_id[contact_id]
            ]
            for contact_id, reads in self._reads.items()
            if contact_id in by_id
            for read in reads
        ]

    def explain(self, located: Located, offset: Span) -> ExplainedRow:
        """Say what a row comes of, by an offset of the clocks."""
        if explains(self.offsets(located), offset):
            in_time = not self._late_ms or explains(self.offsets(located, in_time=True), offset)
            return ExplainedRow(located, Cause.HEARD if in_time else Cause.DELIVERED_LATE)
        first_ms, last_ms = _instants(located)
        span = first_ms - offset[1], last_ms - offset[0]
        record = self._broadcast.record
        start_ms, until_ms = record.start_us // 1000, record.until_us // 1000
        if span[1] < start_ms - self._clock_ms or span[0] > until_ms + self._clock_ms + self._late_ms:
            return ExplainedRow(located, Cause.OUTSIDE)
        contact_id = located[1].record.contact_id
        if contact_id in self._reads or contact_id in self._late_reads:
            return self._of_read(located, offset, span)
        if contact_id in self._air.by_id:
            sending, late_ms = _nearest(self._air.by_id[contact_id], span)
            return ExplainedRow(located, Cause.OTHER_TIME, sending, None, late_ms)
        return self._of_octets(located, span)

    def _of_read(self, located: Located, offset: Span, span: Span) -> ExplainedRow:
        contact_id = located[1].record.contact_id
        late = [
            each
            for each in self._late_reads.get(contact_id, ())
            if each.time_us // 1000 <= span[1] + self._clock_ms
        ]
        reads = self._reads.get(contact_id, ())
        before = [each for each in reads if each.time_us // 1000 <= span[1] + self._clock_ms]
        if not before:
            if late:
                return ExplainedRow(located, Cause.LATE_VALUE, None, late[-1])
            read = (*reads, *self._late_reads.get(contact_id, ()))[0]
            return ExplainedRow(located, Cause.OTHER_TIME, None, read, span[1] - read.time_us // 1000)
        in_slot = [each for each in before if self._in_slot(located, each, offset)]
        if not in_slot:
            return ExplainedRow(located, Cause.OTHER_SLOT, None, before[-1])
        read = in_slot[-1]
        sent = self._air.to_read.get(read.address, ())
        sending, late_ms = _nearest(sent, span) if sent else (None, span[0] - read.time_us // 1000)
        return ExplainedRow(located, Cause.OTHER_TIME, sending, read, late_ms)

    def _in_slot(self, located: Located, read: PeerRead, offset: Span) -> bool:
        return explains([self._slot_offsets(located, read.time_us // 1000)], offset)

    def _slot_offsets(self, located: Located, read_ms: int) -> Span:
        """Return the offsets under which a read lies in the slot of a row, by the receiver's clock (BZ-RCV-005)."""
        first_ms, last_ms = _instants(located)
        length_ms = DAY_MS // self._broadcast.slots
        # the slot before a boundary ends 1 ms before it, and both ends of the tolerance are included
        start_ms = _slot_start_ms(first_ms - self._clock_ms - 1, self._broadcast.slots)
        end_ms = _slot_start_ms(last_ms + self._clock_ms, self._broadcast.slots) + length_ms
        if self._rules.profile.receiver.cached_id == "slot_number":
            # F-19, which this profile is expected to have: the same slot of any later day
            days_ms = max(0, round((first_ms - read_ms) / DAY_MS)) * DAY_MS
            start_ms, end_ms = start_ms - days_ms, end_ms - days_ms
        return start_ms - read_ms - self._clock_ms, end_ms - 1 - read_ms + self._clock_ms

    def _of_octets(self, located: Located, span: Span) -> ExplainedRow:
        contact_id = located[1].record.contact_id
        if len(contact_id) < _LEAST_OCTETS:
            return ExplainedRow(located, Cause.NEVER_SENT)
        if contact_id not in self._holding:
            self._holding[contact_id] = [
                (each, cause)
                for group in self._alike
                if (cause := _place(contact_id, group[0])) is not None
                for each in group
            ]
        if holding := self._holding[contact_id]:
            sending, late_ms = _nearest([each for each, _ in holding], span)
            cause = next(cause for each, cause in holding if each is sending)
            return ExplainedRow(located, cause, sending, None, late_ms)
        for read in self._broadcast.record.reads:
            if read.value is not None and contact_id in read.value:
                return ExplainedRow(located, Cause.NO_ID, None, read)
        return ExplainedRow(located, Cause.NEVER_SENT)


def _instants(located: Located) -> Span:
    """Return the first and the last instant that a row's time may mean."""
    row = located[1]
    time_ms = row.record.time_ms
    return time_ms, time_ms + (_SECOND_MS - 1 if row.unit == "s" else 0)


def _reads(
    broadcast: Broadcast, rules: Rules
) -> tuple[dict[bytes, list[PeerRead]], dict[bytes, list[PeerRead]]]:
    """Return the reads of each contact id: those in time, and those that came when the attempt was over."""
    in_time: dict[bytes, list[PeerRead]] = {}
    late: dict[bytes, list[PeerRead]] = {}
    limit_us = (rules.tolerances["read_attempt"] + rules.tolerances["log_clock"]) * 1000
    for connection in broadcast.record.connections:
        for read in connection.reads:
            if read.value is None:
                continue
            contact_id = value_content(read.value, rules.profile).contact_id
            if contact_id is not None:
                is_late = read.time_us - connection.from_us > limit_us
                (late if is_late else in_time).setdefault(contact_id, []).append(read)
    for each in (in_time, late):
        for found in each.values():
            found.sort(key=lambda read: read.time_us)
    return in_time, late


def _slot_start_ms(time_ms: int, slots: int) -> int:
    length_ms = DAY_MS // slots
    since_midnight_ms = time_ms % DAY_MS
    # where the day is no multiple of the slot, what is left over belongs to the last one
    return time_ms - since_midnight_ms + min(since_midnight_ms // length_ms, slots - 1) * length_ms


def _nearest(sendings: Sequence[Sending], span: Span) -> tuple[Sending, int]:
    """Return what was on the air nearest to a span of time, and by how much the span is later, or earlier."""

    def late_ms(each: Sending) -> int:
        if span[0] > each.until_ms:
            return span[0] - each.until_ms
        return min(0, span[1] - each.from_ms)

    found = min(sendings, key=lambda each: abs(late_ms(each)))
    return found, late_ms(found)


def _alike(air: Air) -> list[list[Sending]]:
    """Return all that was sent, by its octets: what gives no record first."""
    found: dict[tuple[bytes, bytes], list[Sending]] = {}
    for group in (air.decoys, *air.to_read.values(), *air.by_id.values()):
        for each in group:
            found.setdefault((each.on_air.ad, each.on_air.response), []).append(each)
    return list(found.values())


def _place(octets: bytes, sending: Sending) -> Cause | None:
    """Return where octets stand in something that was sent: in its sound part, in the part that is cut, or nowhere."""
    ad, response = sending.on_air.ad, sending.on_air.response
    for part in (ad, response):
        at = part.find(octets)
        if at >= 0:
            return Cause.NO_ID if at + len(octets) <= sound_octets(part) else Cause.CUT_PART
    # a platform that pads completes what is cut (F-29)
    padded = (ad + response).ljust(PADDED_OCTETS, b"\x00")
    return Cause.CUT_PART if octets in padded else None
