"""Rolling ids of the listed weak base ids, as far as they are looked for.

Theory of operation. The empty base id gives the same ids on every day (F-15). Each of the others gives other
ids on each day, and whoever does not know the base day has to try all that come into question: ``BASE_DAYS``
of them. A chain of subkeys is followed from the first slot, so that the cost grows with the slot; the
earliest slot of the evidence is enough, because a phone whose base id is weak has no other ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from bluezone_reference.key_schedule import ID_POSITIONS, SUBKEY_SALT, ids_of_day, rolling_id
from bluezone_reference.profiles import IOS_V3
from bluezone_reference.weak_bases import weak_base_ids

BASE_DAYS = 400
"""Days before the evidence on which a base id can have been drawn, for the search. Source: BZ-PRV-007."""


@dataclass(frozen=True, slots=True)
class WeakPlace:
    """Where an id of a weak base id belongs: the name of the base id, UTC days since its base day, and the slot."""

    base: str
    day: int
    slot: int


def weak_places(ids: Collection[bytes], days: Iterable[int], count: int) -> dict[bytes, WeakPlace]:
    """Look for rolling ids among those of the listed weak base ids.

    Args:
        ids: What to look for.
        days: Days since the base day; those outside 0 to ``BASE_DAYS`` are passed over.
        count: Slots of each day, from the first.

    Returns:
        Those that were found, and where they belong.
    """
    found: dict[bytes, WeakPlace] = {}
    for item in ids_of_day(b"", 0, 0, count, IOS_V3):
        if item.rolling_id in ids:
            found[item.rolling_id] = WeakPlace("empty", 0, item.slot)
    # Most subkeys are told from all that is looked for by two octets, which spares taking their ids.
    first, second = ID_POSITIONS[:2]
    heads = {(each[0], each[1]) for each in ids if len(each) == len(ID_POSITIONS)}
    for base, day, subkey in _first_subkeys(sorted(set(days))):
        for slot in range(count):
            if (subkey[first], subkey[second]) in heads and (candidate := rolling_id(subkey)) in ids:
                found.setdefault(candidate, WeakPlace(base, day, slot))
            subkey = sha256(subkey).digest()
    return found


def _first_subkeys(days: list[int]) -> Iterator[tuple[str, int, bytes]]:
    """Yield the first subkey of each day of each weak base id of full length."""
    for name, base_id in weak_base_ids():
        key, reached = base_id, 0
        for day in days:
            if not key or not 0 <= day <= BASE_DAYS:
                continue
            for _ in range(day - reached):
                key = sha256(key).digest()
            reached = day
            yield name, day, sha256(key + SUBKEY_SALT).digest()
