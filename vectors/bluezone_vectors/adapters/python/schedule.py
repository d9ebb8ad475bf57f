"""A small port of the key schedule: base ids, day keys, rolling ids and slots of Bluezone v3."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

DAY_MS = 86_400_000
DEFAULT_MAX = 96
SALT = b"bluzonesubkey"
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)
LAST_DAY = 36_525


class RefusedError(Exception):
    """A question or an input is refused, with a code of the specification."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def divides_the_day(value: object) -> bool:
    """Return whether a value may be ``max`` (BZ-KEY-007); ``True`` is no integer here."""
    return type(value) is int and 2 <= value <= 86_400 and DAY_MS % value == 0


def slots_a_day(value: object) -> int:
    """Return ``max`` as a question gives it, or refuse it."""
    if not divides_the_day(value):
        raise RefusedError("BAD_MAX")
    assert isinstance(value, int)  # noqa: S101 (says it to the type checker)
    return value


def base_id_of(text: str) -> bytes:
    """Return a base id from its hex digits."""
    try:
        octets = bytes.fromhex(text)
    except (TypeError, ValueError):
        octets = b""
    if len(octets) != 32:
        raise RefusedError("BAD_BASE_ID")
    return octets


def day_number(base_day_ms: int, time_ms: int) -> int:
    """Return the UTC day of an instant, counted from the base day."""
    return time_ms // DAY_MS - base_day_ms // DAY_MS


def day_key(base_id: bytes, day: int) -> bytes:
    """Return the day key of a day: the base id, hashed once a day."""
    if day < 0:
        raise RefusedError("BEFORE_BASE_DAY")
    if day > LAST_DAY:
        raise RefusedError("DAY_OUT_OF_RANGE")
    for _ in range(day):
        base_id = sha256(base_id).digest()
    return base_id


def rolling_ids(key: bytes) -> Iterator[bytes]:
    """Yield the rolling ids of a day, first slot first, without end."""
    subkey = sha256(key + SALT).digest()
    while True:
        yield bytes(subkey[position] for position in POSITIONS)
        subkey = sha256(subkey).digest()


def derive_ids(base_id: bytes, day: int, count: int, slots: list[int]) -> list[bytes]:
    """Return the rolling ids of some slots of a day."""
    if not all(0 <= slot < count for slot in slots):
        raise RefusedError("BAD_SLOT")
    ids = list(islice(rolling_ids(day_key(base_id, day)), max(slots, default=0) + 1))
    return [ids[slot] for slot in slots]


def slot_at(time_ms: int, count: int) -> int:
    """Return the slot of an instant."""
    return time_ms % DAY_MS // (DAY_MS // count)


@dataclass(frozen=True)
class SlotId:
    """A rolling id as hex, its day and slot, and the first instants of its slot and of the next."""

    day: int
    slot: int
    id: str
    valid_from_ms: int
    valid_until_ms: int


def id_at(base_id: bytes, base_day_ms: int, count: int, time_ms: int) -> SlotId:
    """Return the rolling id of an instant."""
    day, slot, length = day_number(base_day_ms, time_ms), slot_at(time_ms, count), DAY_MS // count
    (rolling_id,) = derive_ids(base_id, day, count, [slot])
    start = time_ms // length * length
    return SlotId(day, slot, rolling_id.hex(), start, start + length)


def ids_over_time(
    base_id: bytes, base_day_ms: int, count: int, events: Iterable[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Return what a phone sends while its clock and ``max`` change: nothing is kept that could go stale."""
    ids = []
    for event in events:
        if event["kind"] == "max":
            count = event["value"] if divides_the_day(event["value"]) else DEFAULT_MAX
            continue
        try:
            ids.append({"id": id_at(base_id, base_day_ms, count, event["time_ms"]).id})
        except RefusedError as refused:
            ids.append({"reject": refused.code})
    return ids


@dataclass(frozen=True)
class PublishedKey:
    """A published day key as hex, its day, and the first instant of that day."""

    day: int
    day_key: str
    time_start_ms: int


def published_key(base_id: bytes, base_day_ms: int, now_ms: int, days: int = 14) -> PublishedKey:
    """Return the day key that is published (BZ-MSG-004)."""
    day = max(0, day_number(base_day_ms, now_ms - days * DAY_MS))
    return PublishedKey(day, day_key(base_id, day).hex(), (base_day_ms // DAY_MS + day) * DAY_MS)


def new_base_id() -> bytes:
    """Draw a base id."""
    return secrets.token_bytes(32)
