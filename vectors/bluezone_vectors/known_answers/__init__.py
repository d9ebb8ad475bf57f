"""Known answers of the key schedule, with their evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class KnownRollingId:
    """A rolling id that a phone sent, or that the published code computed.

    Attributes:
        id: Slug; never reused.
        evidence: ``captured`` or ``executed``.
        source: Where it comes from, in words.
        base_id: 32 octets.
        base_day_ms: UTC midnight of the base day.
        max_per_day: Slots a day.
        day: UTC days since the base day.
        slot: Of that day.
        times_ms: Instants at which the id was the phone's: the one that was asked for, or first and last seen.
        rolling_id: 12 octets.
        rows: How many rows of the phone's contact log bear it as own id; 0 where there is no log.
    """

    id: str
    evidence: str
    source: str
    base_id: bytes
    base_day_ms: int
    max_per_day: int
    day: int
    slot: int
    times_ms: tuple[int, ...]
    rolling_id: bytes
    rows: int


@dataclass(frozen=True, slots=True)
class KnownPublishedDayKey:
    """A day key that the published code put into an upload.

    Attributes:
        id: Slug; never reused.
        evidence: ``captured`` or ``executed``.
        source: Where it comes from, in words.
        base_id: 32 octets.
        base_day_ms: UTC midnight of the base day.
        now_ms: When the upload was made.
        days_back: How many days the server asked for.
        day_key: 32 octets.
        time_start_ms: UTC midnight of its day.
    """

    id: str
    evidence: str
    source: str
    base_id: bytes
    base_day_ms: int
    now_ms: int
    days_back: int
    day_key: bytes
    time_start_ms: int


def known_rolling_ids() -> tuple[KnownRollingId, ...]:
    """Return the known rolling ids, captured ones first."""
    return tuple(
        KnownRollingId(
            id=answer["id"],
            evidence=answer["evidence"],
            source=answer["source"],
            base_id=bytes.fromhex(answer["base_id"]),
            base_day_ms=answer["base_day_ms"],
            max_per_day=answer["max"],
            day=answer["day"],
            slot=answer["slot"],
            times_ms=tuple(
                answer[name] for name in ("time_ms", "first_seen_ms", "last_seen_ms") if name in answer
            ),
            rolling_id=bytes.fromhex(answer["rolling_id"]),
            rows=answer.get("rows", 0),
        )
        for answer in _answers("rolling_ids.json")
    )


def known_published_day_keys() -> tuple[KnownPublishedDayKey, ...]:
    """Return the known published day keys."""
    return tuple(
        KnownPublishedDayKey(
            id=answer["id"],
            evidence=answer["evidence"],
            source=answer["source"],
            base_id=bytes.fromhex(answer["base_id"]),
            base_day_ms=answer["base_day_ms"],
            now_ms=answer["now_ms"],
            days_back=answer["days_back"],
            day_key=bytes.fromhex(answer["day_key"]),
            time_start_ms=answer["time_start_ms"],
        )
        for answer in _answers("published_day_keys.json")
    )


def _answers(name: str) -> list[dict[str, Any]]:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    answers: list[dict[str, Any]] = json.loads(text)["answers"]
    return answers
