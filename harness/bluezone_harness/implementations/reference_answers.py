"""The reference as an implementation: every operation of the vectors, answered by ``bluezone_reference``.

Theory of operation. A question is taken apart (``questions``), put to the reference, and its answer written as the
operation's shape says. What the reference refuses becomes a ``reject`` with the code of annex B. A published build that
crashed, looped or stayed silent, under a quirk profile, and a mistake of the caller become an ``error``. Nothing is
remembered from one question to the next; only ``new_base_ids`` draws random numbers.

``answer_under`` answers under a profile that is given instead of named, so that a faulty implementation can be made of
one changed rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from secrets import token_bytes
from typing import TypeAlias

from bluezone_reference.contact_log import Record, decode_data_trace, encode_data_trace
from bluezone_reference.errors import BuildFailureError, MalformedError, RefusedError, RejectCode
from bluezone_reference.key_schedule import (
    DAYS_PUBLISHED,
    KEY_OCTETS,
    SlotId,
    day_key,
    id_at,
    ids_of_day,
    published_day_key,
    rolling_id,
    slots_a_day,
    subkeys,
)
from bluezone_reference.matching import CaseAnswer, match
from bluezone_reference.positive_cases import decode_cases
from bluezone_reference.profiles import Profile
from bluezone_reference.receiver import HeardAdvert, Outcome, ReadValue, Receiver
from bluezone_reference.rolling_id_source import RollingIdSource

from . import advertisement_answers, message_answers, questions
from .questions import Asked, QuestionError
from .wire import Answer, error, ok, reject, unsupported

Answerer: TypeAlias = Callable[[Asked, Profile], object]
"""Gives the value of an ``ok`` answer; what it raises says why there is none."""

MOST_BASE_IDS = 10_000
"""So many base ids are drawn for one question and no more."""


def answer_of(op: str, question: Asked) -> Answer:
    """Answer a question as the reference does.

    Args:
        op: The operation.
        question: Its ``in``.

    Returns:
        ``ok``, ``reject``, ``error``, or ``unsupported`` for an operation that there is none of.
    """
    try:
        profile = questions.profile_of(question)
    except QuestionError as mistake:
        return error(str(mistake))
    return answer_under(profile, op, question)


def answer_under(profile: Profile, op: str, question: Asked) -> Answer:
    """Answer a question under a profile, whichever the question names.

    Args:
        profile: Any, also one that has no name.
        op: The operation.
        question: Its ``in``.
    """
    answerer = ANSWERERS.get(op)
    if answerer is None:
        return unsupported(f"there is no operation {op!a}")
    return answered(lambda: answerer(question, profile))


def answered(value: Callable[[], object]) -> Answer:
    """Return the answer that a computation gives: its value, or why there is none."""
    return answer_or_refusal(lambda: ok(value()))


def answer_or_refusal(answer: Callable[[], Answer]) -> Answer:
    """Return an answer, or the ``reject`` or ``error`` that says why there is none."""
    try:
        return answer()
    except (RefusedError, MalformedError) as refusal:
        return reject(str(refusal.code), refusal.reason)
    except ValueError as mistake:
        return error(str(mistake))


# --- key schedule -------------------------------------------------------------------------------------------


def _derive_ids(question: Asked, profile: Profile) -> object:
    base_id, day = questions.octets(question, "base_id"), questions.integer(question, "day")
    wanted = questions.integers(question, "slots")
    count = slots_a_day(questions.max_asked(question), profile)
    key = day_key(base_id, day, profile)
    for slot in wanted:
        if not 0 <= slot < count:  # BZ-KEY-006
            raise RefusedError(
                RejectCode.BAD_SLOT, "BZ-KEY-006", f"a day of {count} slots has no slot {slot}"
            )
    if not key or count == 1:  # only of quirk profiles: F-15 and F-08
        listed = [item.rolling_id for item in ids_of_day(base_id, 0, day, count, profile)]
        return {"ids": [listed[slot].hex() for slot in wanted]}
    asked = set(wanted)
    chain = enumerate(subkeys(key, max(wanted, default=-1) + 1))
    found = {slot: rolling_id(subkey).hex() for slot, subkey in chain if slot in asked}
    return {"ids": [found[slot] for slot in wanted]}


def _id_at(question: Asked, profile: Profile) -> object:
    found = id_at(
        questions.octets(question, "base_id"),
        questions.integer(question, "base_day_ms"),
        questions.integer(question, "time_ms"),
        questions.max_asked(question),
        profile,
    )
    return slot_id_value(found)


def slot_id_value(found: SlotId) -> dict[str, object]:
    """Write a rolling id and where it belongs as answers to ``id_at`` have it."""
    return {
        "day": found.day,
        "slot": found.slot,
        "id": found.rolling_id.hex(),
        "valid_from_ms": found.valid_from_ms,
        "valid_until_ms": found.valid_until_ms,
    }


def _ids_over_time(question: Asked, profile: Profile) -> object:
    source = _source(question, profile)
    found: list[object] = []
    for event in questions.parts(question, "events"):
        match questions.text(event, "kind"):
            case "id":
                found.append(_one_id(source, event))
            case "max":
                # BZ-KEY-007: a setting of any value and type; what is not allowed means the default
                source.set_max(event.get("value"))
            case _:
                raise QuestionError("an event of ids_over_time is of kind 'id' or 'max'")
    return {"ids": found}


def _one_id(source: RollingIdSource, event: Asked) -> object:
    time_ms, reread_ms = questions.integer(event, "time_ms"), questions.optional_integer(event, "reread_ms")
    try:
        return {"id": source.rolling_id(time_ms, reread_ms=reread_ms).hex()}
    except RefusedError as error:
        return {"reject": str(error.code)}
    except BuildFailureError as error:
        return {"failure": str(error.failure)}


def _source(question: Asked, profile: Profile) -> RollingIdSource:
    """Return a phone's source of ids; a ``max`` that the question itself names is refused where it is bad."""
    count = slots_a_day(questions.max_asked(question), profile)
    return RollingIdSource(
        questions.octets(question, "base_id"), questions.integer(question, "base_day_ms"), profile, count
    )


def _new_base_ids(question: Asked, profile: Profile) -> object:
    count = questions.integer(question, "count")
    if not 0 <= count <= MOST_BASE_IDS:
        raise QuestionError(f"'count' is not 0 to {MOST_BASE_IDS}")
    return {"base_ids": [token_bytes(KEY_OCTETS).hex() for _ in range(count)]}  # BZ-KEY-001


def _published_key(question: Asked, profile: Profile) -> object:
    days = questions.optional_integer(question, "days")
    published = published_day_key(
        questions.octets(question, "base_id"),
        questions.integer(question, "base_day_ms"),
        questions.integer(question, "now_ms"),
        DAYS_PUBLISHED if days is None else days,
        profile,
    )
    return {
        "day": published.day,
        "day_key": published.day_key.hex(),
        "time_start_ms": published.time_start_ms,
    }


# --- receiver and contact log -------------------------------------------------------------------------------


def _receive(question: Asked, profile: Profile) -> object:
    source = _source(question, profile)
    events = questions.parts(question, "events")
    return received(events, source.rolling_id, profile, questions.max_asked(question))


def received(
    events: Iterable[Asked], own_id: Callable[[int], bytes], profile: Profile, max_per_day: int | None
) -> dict[str, object]:
    """Feed a receiver with the events of a ``receive`` question and return the value of its answer.

    Args:
        events: Adverts and values read.
        own_id: The phone's own rolling id at an instant. Where it refuses, nothing is recorded.
        profile: Whose receiver.
        max_per_day: Slots a day of the receiver; ``None`` for the profile's default.
    """
    receiver = Receiver(own_id, profile, max_per_day)
    found: list[object] = []
    reads: list[int] = []
    for index, event in enumerate(events):
        kind = questions.text(event, "kind")
        if kind not in ("advert", "read"):
            raise QuestionError("an event of receive is of kind 'advert' or 'read'")
        try:
            reception = (
                receiver.hear(_advert(event)) if kind == "advert" else receiver.read(_value_read(event))
            )
        except RefusedError:
            continue  # BZ-LOG-001: without an own id there is no record
        if reception.outcome is Outcome.READ_WANTED:
            reads.append(index)
        if reception.record is not None:
            found.append(record_value(reception.record))
    return {"records": found, "reads": reads}


def _advert(event: Asked) -> HeardAdvert:
    return HeardAdvert(
        time_ms=questions.integer(event, "time_ms"),
        address=questions.text(event, "address"),
        ad=questions.octets(event, "ad"),
        rssi=questions.integer(event, "rssi"),
        scan_response=questions.optional_octets(event, "scan_response") or b"",
        delivered_ms=questions.optional_integer(event, "delivered_ms"),
    )


def _value_read(event: Asked) -> ReadValue:
    return ReadValue(
        time_ms=questions.integer(event, "time_ms"),
        address=questions.text(event, "address"),
        value=questions.optional_octets(event, "value"),
        rssi=questions.integer(event, "rssi"),
    )


def record_value(record: Record) -> dict[str, object]:
    """Write a record as questions and answers have it."""
    return {
        "own_id": record.own_id.hex(),
        "contact_id": record.contact_id.hex(),
        "rssi": record.rssi,
        "time_ms": record.time_ms,
    }


def _log_export(question: Asked, profile: Profile) -> object:
    octets = encode_data_trace(questions.records(question), profile.contact_log.time_unit)
    return {"text": octets.decode("ascii")}


def _log_import(question: Asked, profile: Profile) -> object:
    log = decode_data_trace(questions.octets(question, "octets"))
    return {
        "records": [record_value(line.record) for line in log.lines],
        "defects": [{"line": defect.line, "code": str(defect.error.code)} for defect in log.defects],
    }


# --- matching -----------------------------------------------------------------------------------------------


def _match(question: Asked, profile: Profile) -> object:
    message = questions.text(question, "message").encode("utf-8", "surrogatepass")
    found = match(decode_cases(message, profile), questions.records(question), profile)
    return {"contact": found.contact, "cases": [_case_value(case) for case in found.cases]}


def _case_value(case: CaseAnswer) -> object:
    if case.rejected is not None:
        return {"reject": str(case.rejected.code)}
    hits = [{"record": hit.record, "day": hit.day, "slot": hit.slot} for hit in case.hits]
    return {"contact": case.contact, "hits": hits}


ANSWERERS: Mapping[str, Answerer] = {
    "derive_ids": _derive_ids,
    "id_at": _id_at,
    "ids_over_time": _ids_over_time,
    "new_base_ids": _new_base_ids,
    "published_key": _published_key,
    "encode_advertisement": advertisement_answers.encode,
    "decode_advertisement": advertisement_answers.decode,
    "receive": _receive,
    "log_export": _log_export,
    "log_import": _log_import,
    "match": _match,
    "decode_push": message_answers.decode_push,
    "decode_info": message_answers.decode_info,
    "encode_info": message_answers.encode_info,
}
"""Every operation, by name."""
