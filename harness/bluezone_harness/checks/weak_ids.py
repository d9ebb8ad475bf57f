"""Rolling ids of the listed weak base ids, as far as they are looked for.

Theory of operation. The empty base id gives the same ids on every day (F-15). Each of the others gives other
ids on each day, and whoever does not know the base day has to try all that come into question: ``BASE_DAYS``
of them. A chain of subkeys is followed from the first slot, so that the cost grows with the slot; the
earliest slot of the evidence is enough, because a phone whose base id is weak has no other ids.

What a search costs hardly depends on how many ids are looked for, and whoever judges evidence that still comes asks for
the same ids again and again. So it is remembered which ids were looked for in the same days, and what was found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from bluezone_reference.key_schedule import ID_POSITIONS, SUBKEY_SALT, ids_of_day, rolling_id
from bluezone_reference.profiles import IOS_V3
from bluezone_reference.weak_bases import weak_base_ids

BASE_DAYS = 400
"""Days before the evidence on which a base id can have been drawn, for the search. Source: BZ-PRV-007."""
_REMEMBERED = 1 << 16
"""Ids of which it is remembered that they were looked for."""


@dataclass(frozen=True, slots=True)
class WeakPlace:
    """Where an id of a weak base id belongs: the name of the base id, UTC days since its base day, and the slot."""

    base: str
    day: int
    slot: int


def weak_places(ids: Collection[bytes], days: Iterable[int], count: int) -> dict[bytes, WeakPlace]:
    """Look for rolling ids among those of the listed weak base ids.

    What was looked for in the same days lately is not looked for again.

    Args:
        ids: What to look for.
        days: Days since the base day; those outside 0 to ``BASE_DAYS`` are passed over.
        count: Slots of each day, from the first.

    Returns:
        Those that were found, and where they belong.
    """
    search = _search(tuple(sorted({each for each in days if 0 <= each <= BASE_DAYS})), count)
    return search.places(ids)


class _Search:
    """Looks for ids in some days, for each once; several threads may ask.

    Args:
        days: Ascending.
        count: Slots of each day, from the first.
    """

    def __init__(self, days: tuple[int, ...], count: int) -> None:
        self._days = days
        self._count = count
        self._known: dict[bytes, WeakPlace | None] = {}

    def places(self, ids: Collection[bytes]) -> dict[bytes, WeakPlace]:
        """Return those of some ids that were found, now or before."""
        known = self._known
        sought = {each for each in ids if each not in known}
        if sought:
            # not changed in place: another thread may read it
            known = {**known, **dict.fromkeys(sought), **_sought(sought, self._days, self._count)}
            self._known = known if len(known) <= _REMEMBERED else {}
        return {each: place for each in ids if (place := known[each]) is not None}


@lru_cache(maxsize=4)
def _search(days: tuple[int, ...], count: int) -> _Search:
    return _Search(days, count)


def _sought(ids: Collection[bytes], days: tuple[int, ...], count: int) -> dict[bytes, WeakPlace]:
    """Look for ids, all at once."""
    found: dict[bytes, WeakPlace] = {}
    for item in ids_of_day(b"", 0, 0, count, IOS_V3):
        if item.rolling_id in ids:
            found[item.rolling_id] = WeakPlace("empty", 0, item.slot)
    # Most subkeys are told from all that is looked for by two octets, which spares taking their ids.
    first, second = ID_POSITIONS[:2]
    heads = {(each[0], each[1]) for each in ids if len(each) == len(ID_POSITIONS)}
    for base, day, subkey in _first_subkeys(days):
        for slot in range(count):
            if (subkey[first], subkey[second]) in heads and (candidate := rolling_id(subkey)) in ids:
                found.setdefault(candidate, WeakPlace(base, day, slot))
            subkey = sha256(subkey).digest()
    return found


def _first_subkeys(days: tuple[int, ...]) -> Iterator[tuple[str, int, bytes]]:
    """Yield the first subkey of each day of each weak base id of full length."""
    for name, base_id in weak_base_ids():
        key, reached = base_id, 0
        for day in days:
            if not key:
                continue
            for _ in range(day - reached):
                key = sha256(key).digest()
            reached = day
            yield name, day, sha256(key + SUBKEY_SALT).digest()
