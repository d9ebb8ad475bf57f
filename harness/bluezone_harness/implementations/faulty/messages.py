"""Faulty messages: pushes obeyed that are to be ignored, InfoF read and written otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable

from bluezone_harness.implementations import questions, wire
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.reference_answers import answer_of
from bluezone_harness.implementations.wire import Answer, AnswerKind, ok
from bluezone_reference.errors import RejectCode
from bluezone_reference.pushes import PUSH_TYPES

from .model import Change, FaultyImplementation, answered_instead, asked_instead, with_integers

_KNOWN = {"Type", "DataContent", "Notify"}
_ANY_TYPE = next(name for name, content in PUSH_TYPES.items() if not content)
_TIMES = ("time", "time_start", "time_end")
_CASE_KEYS = {"daily_key", "time_start", "time_end", "max"}


def _object(text: str) -> dict[str, object] | None:
    """Return a JSON object, or ``None`` where the text is none."""
    try:
        found = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _rewritten(change: Callable[[dict[str, object]], dict[str, object]], *ops: str) -> dict[str, Change]:
    """Answer as if the JSON object that a question holds were another."""

    def asked(question: Asked) -> Asked:
        found = _object(questions.text(question, "text"))
        return question if found is None else {**question, "text": json.dumps(change(found))}

    return asked_instead(asked, *ops)


def _obeying(op: str, question: Asked) -> Answer:
    """Take a push of an unknown type for one that holds nothing in particular."""
    push = _object(questions.text(question, "text"))
    right = answer_of(op, question)
    if push is None or right.value != {"ignored": True} or not isinstance(push.get("Type"), str):
        return right
    known = answer_of(op, {**question, "text": json.dumps(push | {"Type": _ANY_TYPE})})
    return ok({**known.value, "type": push["Type"]}) if isinstance(known.value, dict) else known


def _refusing_unknown(op: str, question: Asked) -> Answer:
    right = answer_of(op, question)
    if isinstance(right.value, dict) and right.value.get("ignored") is True:
        return wire.reject(str(RejectCode.BAD_VALUE))
    return right


def _strict(op: str, question: Asked) -> Answer:
    right = answer_of(op, question)
    if isinstance(right.value, dict) and right.value.get("further"):
        return wire.reject(str(RejectCode.BAD_VALUE))
    if op == "match" and isinstance(right.value, dict):
        message = _object(questions.text(question, "message")) or {}
        data = message.get("data")
        cases = [set(case) for case in data if isinstance(case, dict)] if isinstance(data, list) else []
        if set(message) > {"data"} or any(keys > _CASE_KEYS for keys in cases):
            return wire.reject(str(RejectCode.BAD_VALUE))
    return right


def _silent(question: Asked, value: dict[str, object]) -> object:
    return value | {"further": []} if "further" in value else value


def _without_notify(op: str, question: Asked) -> Answer:
    right = answer_of(op, question)
    push = _object(questions.text(question, "text")) or {}
    if right.kind is AnswerKind.OK and right.value != {"ignored": True} and "Notify" not in push:
        return wire.reject(str(RejectCode.MISSING_FIELD))
    return right


def _milliseconds_written(question: Asked, value: dict[str, object]) -> object:
    found = _object(questions.text(value, "text")) or {}
    data = found.get("data")
    changed = (
        {"data": [_times(case, 1000) for case in data]} if isinstance(data, list) else _times(found, 1000)
    )
    return {"text": json.dumps(changed)}


def _times(found: dict[str, object], factor: int) -> dict[str, object]:
    times = {name: found[name] for name in _TIMES if type(found.get(name)) is int}
    return found | {name: time * factor for name, time in times.items() if isinstance(time, int)}


def _milliseconds_read(question: Asked, value: dict[str, object]) -> object:
    """Take the seconds of an InfoF for milliseconds."""
    if "cases" in value:
        return value | {"cases": [_unscaled(case) for case in questions.parts(value, "cases")]}
    return _unscaled(value)


def _unscaled(found: Asked) -> dict[str, object]:
    names = ("base_day_ms", "time_start_ms", "time_end_ms")
    return {**found, **{name: questions.integer(found, name) // 1000 for name in names if name in found}}


def _unchecked_key(op: str, question: Asked) -> Answer:
    """Take an upload whose day key does not follow from its base id."""
    right = answer_of(op, question)
    info = _object(questions.text(question, "text")) or {}
    if right.code != RejectCode.WRONG_DAY_KEY:
        return right
    same_day = {**info, "daily_key": info["base_id"], "time_start": info["time"]}
    found = answer_of(op, {**question, "text": json.dumps(same_day)})
    if not isinstance(found.value, dict) or not isinstance(start_s := info["time_start"], int):
        return right
    return ok({**found.value, "day_key": str(info["daily_key"]).lower(), "time_start_ms": start_s * 1000})


def _any_numbers(found: dict[str, object]) -> dict[str, object]:
    """Take text of digits, fractions and booleans for integers, where they stand as a time or as max."""
    return with_integers(found, (*_TIMES, "max"))


def _inner_objects(push: dict[str, object]) -> dict[str, object]:
    """Take objects for the JSON text of objects."""
    return {
        name: json.dumps(value) if name in _KNOWN - {"Type"} and isinstance(value, dict) else value
        for name, value in push.items()
    }


MESSAGES = (
    FaultyImplementation(
        "unknown-push-obeyed",
        "",
        "BZ-MSG-001",
        "obeys a push of an unknown type",
        {"decode_push": _obeying},
    ),
    FaultyImplementation(
        "unknown-push-rejected",
        "",
        "BZ-MSG-001",
        "refuses a push of an unknown type and does not ignore it",
        {"decode_push": _refusing_unknown},
    ),
    FaultyImplementation(
        "strict-further-keys",
        "",
        "BZ-MSG-002",
        "refuses keys that it does not know",
        dict.fromkeys(("decode_push", "decode_info", "match"), _strict),
    ),
    FaultyImplementation(
        "silent-further-keys",
        "",
        "BZ-MSG-002",
        "does not report keys that it does not know",
        answered_instead(_silent, "decode_push", "decode_info"),
    ),
    FaultyImplementation(
        "missing-notify-rejected",
        "",
        "BZ-MSG-001",
        "refuses a push without Notify",
        {"decode_push": _without_notify},
    ),
    FaultyImplementation(
        "objects-for-text",
        "",
        "BZ-MSG-001",
        "takes an object where a push must hold the JSON text of one",
        _rewritten(_inner_objects, "decode_push"),
    ),
    FaultyImplementation(
        "wrong-info-seconds",
        "",
        "BZ-MSG-002",
        "reads and writes the seconds of InfoF as milliseconds",
        answered_instead(_milliseconds_written, "encode_info")
        | answered_instead(_milliseconds_read, "decode_info"),
    ),
    FaultyImplementation(
        "day-key-unchecked",
        "",
        "BZ-MSG-002",
        "does not check the day key of an upload against its base id",
        {"decode_info": _unchecked_key},
    ),
    FaultyImplementation(
        "lenient-info",
        "",
        "BZ-MSG-006",
        "takes text, fractions and booleans for the times of an upload",
        _rewritten(_any_numbers, "decode_info"),
    ),
)
"""Those of pushes and InfoF."""
