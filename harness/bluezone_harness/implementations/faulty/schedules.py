"""Faulty chains: other day keys, other subkeys, other octets of a subkey.

A faulty chain shows in every operation that shows ids: those asked for, the own ids of records, and those that matching
looks for.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_reference.key_schedule import SUBKEY_SALT, SlotId

from .chains import RIGHT, Chain, hashed
from .instants import by_instant, right_id
from .matchings import evaluated
from .model import Change, FaultyImplementation, answered_instead, computed
from .published import published


def _changes(chain: Chain) -> dict[str, Change]:
    """Return how an implementation with this chain answers."""

    def derived(question: Asked, value: dict[str, object]) -> object:
        wanted = questions.integers(question, "slots")
        key = chain.day_key(questions.octets(question, "base_id"), questions.integer(question, "day"))
        ids = list(islice(chain.ids(key), max(wanted, default=-1) + 1))
        return {"ids": [ids[slot].hex() for slot in wanted]}

    def found(question: Asked, time_ms: int, slots: int) -> SlotId:
        right = right_id(question, time_ms, slots)
        key = chain.day_key(questions.octets(question, "base_id"), right.day)
        return replace(right, rolling_id=next(islice(chain.ids(key), right.slot, None)))

    def key(question: Asked, value: Asked) -> Asked:
        day_key = chain.day_key(questions.octets(question, "base_id"), questions.integer(value, "day"))
        return {**value, "day_key": day_key.hex()}

    return {
        **answered_instead(derived, "derive_ids"),
        **by_instant(found),
        **({} if (chain.next_day_key, chain.lag) == (RIGHT.next_day_key, RIGHT.lag) else published(key)),
        **computed(lambda question: evaluated(question, slots_of=chain.expanded), "match"),
    }


def _text_hash(octets: bytes) -> bytes:
    return hashed(octets.hex().encode("ascii"))


SCHEDULES = (
    FaultyImplementation(
        "no-salt",
        "",
        "BZ-KEY-004",
        "hashes the day key without the salt for the first subkey of a day",
        _changes(replace(RIGHT, first_subkey=hashed)),
    ),
    FaultyImplementation(
        "corrected-salt",
        "",
        "BZ-KEY-004",
        "spells the salt bluezonesubkey, with the second e",
        _changes(replace(RIGHT, first_subkey=lambda day_key: hashed(day_key + b"bluezonesubkey"))),
    ),
    FaultyImplementation(
        "salt-first",
        "",
        "BZ-KEY-004",
        "puts the salt before the day key and not behind it",
        _changes(replace(RIGHT, first_subkey=lambda day_key: hashed(SUBKEY_SALT + day_key))),
    ),
    FaultyImplementation(
        "salt-every-slot",
        "",
        "BZ-KEY-004",
        "adds the salt for every subkey of a day and not for the first alone",
        _changes(replace(RIGHT, next_subkey=lambda subkey: hashed(subkey + SUBKEY_SALT))),
    ),
    FaultyImplementation(
        "skipped-subkey",
        "",
        "BZ-KEY-004",
        "begins a day with its second subkey, so that each slot has the id of the next",
        _changes(replace(RIGHT, first_subkey=lambda day_key: hashed(hashed(day_key + SUBKEY_SALT)))),
    ),
    FaultyImplementation(
        "first-octets",
        "",
        "BZ-KEY-005",
        "takes the first twelve octets of a subkey for its rolling id",
        _changes(replace(RIGHT, rolling_id=lambda subkey: subkey[:12])),
    ),
    FaultyImplementation(
        "last-octets",
        "",
        "BZ-KEY-005",
        "takes the last twelve octets of a subkey for its rolling id",
        _changes(replace(RIGHT, rolling_id=lambda subkey: subkey[-12:])),
    ),
    FaultyImplementation(
        "hex-text-hash",
        "",
        "BZ-KEY-003",
        "hashes the hex text of keys and subkeys and not their octets",
        _changes(
            Chain(
                next_day_key=_text_hash,
                first_subkey=lambda day_key: hashed(day_key.hex().encode("ascii") + SUBKEY_SALT),
                next_subkey=_text_hash,
            )
        ),
    ),
    FaultyImplementation(
        "lagging-day-key",
        "F-14b",
        "BZ-KEY-003",
        "advances the day key one step too few, so that day n has the key of day n-1",
        _changes(replace(RIGHT, lag=1)),
    ),
    FaultyImplementation(
        "hurried-day-key",
        "",
        "BZ-KEY-003",
        "advances the day key one step too many, so that day 0 has the key of day 1",
        _changes(replace(RIGHT, lag=-1)),
    ),
    FaultyImplementation(
        "constant-day-key",
        "",
        "BZ-KEY-003",
        "never advances the day key, so that every day has the ids of day 0",
        _changes(replace(RIGHT, next_day_key=lambda day_key: day_key)),
    ),
)
"""Those of the chain from base id to rolling id."""
