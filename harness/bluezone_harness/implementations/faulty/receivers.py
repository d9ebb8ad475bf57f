"""Faulty receivers: repeats, caches, times, reads.

Which records are repeats is decided apart: the reference's receiver is asked for everything that it hears, with no
limit on repeats, and a faulty rule then chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.reference_answers import ANSWERERS, received
from bluezone_reference.advertisement import AndroidAdvertisement, encode_advertisement
from bluezone_reference.key_schedule import ID_OCTETS
from bluezone_reference.profiles import V3, ReceiverRules

from .instants import right_id, right_max
from .model import Change, FaultyImplementation, asked_instead, computed, under

REPEAT_MS = V3.contact_log.repeat_after_ms
_EVERYTHING = replace(V3, contact_log=replace(V3.contact_log, repeat_after_ms=0))


def _choosing(is_repeat: Callable[[list[int], list[int], int], bool]) -> dict[str, Change]:
    """Answer ``receive`` with another rule of repeats.

    Args:
        is_repeat: Is given the recorded times of the contact id, all times at which it was heard before, and the time.
    """

    def receive(question: Asked) -> object:
        value = ANSWERERS["receive"](question, _EVERYTHING)
        recorded: dict[object, list[int]] = {}
        heard: dict[object, list[int]] = {}
        found: list[object] = []
        for record in questions.parts(_answer(value), "records"):
            contact_id, time_ms = record["contact_id"], questions.integer(record, "time_ms")
            times, before = recorded.setdefault(contact_id, []), heard.setdefault(contact_id, [])
            if not is_repeat(times, before, time_ms):
                times.append(time_ms)
                found.append(record)
            before.append(time_ms)
        return {**_answer(value), "records": found}

    return computed(receive, "receive")


def _answer(value: object) -> Asked:
    assert isinstance(value, dict)  # noqa: S101 - the shape of receive
    return value


def _in_seconds(recorded: list[int], heard: list[int], time_ms: int) -> bool:
    return any(abs(time_ms // 1000 - each // 1000) * 1000 < REPEAT_MS for each in recorded)


def _until_later(recorded: list[int], heard: list[int], time_ms: int) -> bool:
    return any(abs(time_ms - each) <= REPEAT_MS for each in recorded)


def _by_hearing(recorded: list[int], heard: list[int], time_ms: int) -> bool:
    return any(abs(time_ms - each) < REPEAT_MS for each in heard)


def _by_last_record(recorded: list[int], heard: list[int], time_ms: int) -> bool:
    return bool(recorded) and time_ms - recorded[-1] < REPEAT_MS


def _by_earlier_records(recorded: list[int], heard: list[int], time_ms: int) -> bool:
    return any(0 <= time_ms - each < REPEAT_MS for each in recorded)


def _delivered(question: Asked) -> Asked:
    return {
        **question,
        "events": [
            event if event.get("delivered_ms") is None else {**event, "time_ms": event["delivered_ms"]}
            for event in questions.parts(question, "events")
        ],
    }


def _of_receiver(rules: ReceiverRules) -> dict[str, Change]:
    return under(replace(V3, receiver=rules), "receive")


def _half_a_day(question: Asked) -> object:
    """Serve a cached id for half a day: the receiver's own slots are of half a day, its ids are right."""
    slots = right_max(question)
    right_id(question, questions.integer(question, "base_day_ms"), slots)
    events = questions.parts(question, "events")
    return received(events, lambda time_ms: right_id(question, time_ms, slots).rolling_id, V3, 2)


def _first_own_id(question: Asked) -> object:
    slots = right_max(question)
    first = right_id(question, questions.integer(question, "base_day_ms"), slots).rolling_id
    return received(questions.parts(question, "events"), lambda time_ms: first, V3, slots)


def _unasked(question: Asked) -> Asked:
    """Hear each value that is read as an Android phone's advert of it, so that nobody needs to have asked."""
    events = [
        event
        if event.get("kind") != "read" or len(str(event.get("value"))) != 2 * ID_OCTETS
        else {
            "kind": "advert",
            "time_ms": event["time_ms"],
            "address": event["address"],
            "ad": encode_advertisement(AndroidAdvertisement(questions.octets(event, "value"))).hex(),
            "rssi": event["rssi"],
        }
        for event in questions.parts(question, "events")
    ]
    return {**question, "events": events}


def _repeats(
    name: str, fault: str, text: str, is_repeat: Callable[[list[int], list[int], int], bool]
) -> FaultyImplementation:
    return FaultyImplementation(name, fault, "BZ-LOG-002", text, _choosing(is_repeat))


RECEIVERS = (
    _repeats(
        "no-repeat-limit",
        "",
        "records a contact id each time it is heard",
        lambda recorded, heard, time_ms: False,
    ),
    _repeats(
        "repeat-in-seconds",
        "F-20",
        "counts the time between records of one contact id in whole seconds",
        _in_seconds,
    ),
    _repeats(
        "repeat-at-limit",
        "",
        "takes a contact id for a repeat 5000 ms after its record, not only before",
        _until_later,
    ),
    _repeats(
        "repeat-by-hearing",
        "",
        "counts the time since a contact id was heard, and not since it was recorded",
        _by_hearing,
    ),
    _repeats(
        "repeat-by-last-record",
        "",
        "records nothing of a contact id after the clock was set back, until it has caught up",
        _by_last_record,
    ),
    _repeats(
        "repeat-by-earlier-records",
        "",
        "records a contact id again before a record of it that has the later time",
        _by_earlier_records,
    ),
    FaultyImplementation(
        "delivery-time",
        "F-28",
        "BZ-LOG-001",
        "records the time of delivery in place of the time heard",
        asked_instead(_delivered, "receive"),
    ),
    FaultyImplementation(
        "cache-without-day",
        "F-19",
        "BZ-RCV-005",
        "serves a cached id in the slot of the same number on another day",
        _of_receiver(replace(V3.receiver, cached_id="slot_number")),
    ),
    FaultyImplementation(
        "cache-for-half-a-day",
        "",
        "BZ-RCV-005",
        "serves a cached id after its slot has ended",
        computed(_half_a_day, "receive"),
    ),
    FaultyImplementation(
        "no-cache",
        "",
        "BZ-RCV-005",
        "reads a phone again although the id that it read is still good",
        _of_receiver(replace(V3.receiver, cached_id="none")),
    ),
    FaultyImplementation(
        "read-pause",
        "",
        "BZ-RCV-004",
        "waits 5 s after an attempt began before it reads the same address again",
        _of_receiver(replace(V3.receiver, read_pause_ms=5000)),
    ),
    FaultyImplementation(
        "any-read-recorded",
        "",
        "BZ-RCV-004",
        "records every value of twelve octets, asked for or not, in time or not",
        asked_instead(_unasked, "receive"),
    ),
    FaultyImplementation(
        "base-day-own-id",
        "",
        "BZ-LOG-001",
        "records as own id the one that it had first, whatever the time",
        computed(_first_own_id, "receive"),
    ),
)
"""Those of the receiving side."""
