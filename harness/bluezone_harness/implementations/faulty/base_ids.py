"""Faulty base ids and published keys."""

from __future__ import annotations

from secrets import token_bytes

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_reference.key_schedule import DAY_MS, DAYS_PUBLISHED, KEY_OCTETS, day_key

from .instants import day_asked
from .model import Change, FaultyImplementation, answered_instead, asked_instead
from .published import published


def _drawn(first: bytes, step: int = 0) -> dict[str, Change]:
    """Give base ids that are all this one, or each of octets greater by ``step`` than the one before."""

    def base_ids(question: Asked, value: dict[str, object]) -> object:
        return {
            "base_ids": [
                bytes((octet + step * index) % 256 for octet in first).hex()
                for index in range(questions.integer(question, "count"))
            ]
        }

    return answered_instead(base_ids, "new_base_ids")


def _one_drawn(question: Asked, value: dict[str, object]) -> object:
    return {"base_ids": [token_bytes(KEY_OCTETS).hex()] * questions.integer(question, "count")}


def _short(question: Asked, value: dict[str, object]) -> object:
    return {"base_ids": [token_bytes(16).hex() for _ in range(questions.integer(question, "count"))]}


def _unclamped(question: Asked, value: Asked) -> Asked:
    days = questions.optional_integer(question, "days")
    day = day_asked(question, questions.integer(question, "now_ms"))
    day -= DAYS_PUBLISHED if days is None else days
    base_day_ms = questions.integer(question, "base_day_ms")
    key = day_key(questions.octets(question, "base_id"), max(0, day))
    return {"day": day, "day_key": key.hex(), "time_start_ms": base_day_ms + day * DAY_MS}


def _days(days: int) -> dict[str, Change]:
    return asked_instead(lambda question: {**question, "days": days}, "published_key", "encode_info")


def _always_base(question: Asked, value: Asked) -> Asked:
    return {
        "day": 0,
        "day_key": questions.text(question, "base_id"),
        "time_start_ms": questions.integer(question, "base_day_ms"),
    }


BASE_IDS = (
    FaultyImplementation("empty-base-ids", "F-15", "BZ-KEY-001", "draws empty base ids", _drawn(b"")),
    FaultyImplementation(
        "zero-base-ids", "", "BZ-KEY-001", "draws base ids of zeros", _drawn(bytes(KEY_OCTETS))
    ),
    FaultyImplementation(
        "counting-bases",
        "",
        "BZ-KEY-001",
        "draws base ids whose octets count up",
        _drawn(bytes(range(KEY_OCTETS)), step=1),
    ),
    FaultyImplementation(
        "repeated-bases",
        "",
        "BZ-KEY-001",
        "draws one base id and gives it again and again",
        answered_instead(_one_drawn, "new_base_ids"),
    ),
    FaultyImplementation(
        "short-bases",
        "",
        "BZ-KEY-001",
        "draws base ids of sixteen octets",
        answered_instead(_short, "new_base_ids"),
    ),
    FaultyImplementation(
        "unclamped-published-key",
        "F-24",
        "BZ-MSG-004",
        "publishes a day before the base day where the days asked for reach so far back",
        published(_unclamped),
    ),
    FaultyImplementation(
        "published-key-of-today",
        "",
        "BZ-MSG-004",
        "publishes the day key of today, whatever days are asked for",
        _days(0),
    ),
    FaultyImplementation(
        "published-key-of-fourteen-days",
        "",
        "BZ-MSG-004",
        "publishes the day key of 14 days ago, whatever days are asked for",
        _days(DAYS_PUBLISHED),
    ),
    FaultyImplementation(
        "published-base-id",
        "",
        "BZ-MSG-004",
        "publishes the base id, whatever days are asked for",
        published(_always_base),
    ),
)
"""Those of base ids and of what is published of them."""
