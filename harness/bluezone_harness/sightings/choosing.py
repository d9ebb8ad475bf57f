"""Some sightings of many, and those of several captures together, without holding them all as objects."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge

from .columns import OrderedSightings, Who, who_of
from .model import Sighting

HELD = 1 << 18
"""So many sightings at most are held as objects: some 120 MB, and made anew for each question where there are more."""


class _Chosen(OrderedSightings):
    def __init__(self, whole: OrderedSightings, places: array[int]) -> None:
        self._whole = whole
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Sighting]:
        return self._whole.at(self._places)

    def at(self, places: Iterable[int]) -> Iterator[Sighting]:
        """Yield the sightings of some places, which are all there."""
        return self._whole.at(map(self._places.__getitem__, places))

    def _one(self, place: int) -> Sighting:
        return self._whole[self._places[place]]


class _Made(OrderedSightings):
    def __init__(self, whole: tuple[Sighting, ...]) -> None:
        self._whole = whole

    def __len__(self) -> int:
        return len(self._whole)

    def __iter__(self) -> Iterator[Sighting]:
        return iter(self._whole)

    def _one(self, place: int) -> Sighting:
        return self._whole[place]


class _Merged(OrderedSightings):
    def __init__(self, parts: Sequence[Sequence[Sighting]]) -> None:
        self._parts = parts
        self._of = array("H")
        self._places = array("I")
        for *_, part, place in merge(*(_keys(number, each) for number, each in enumerate(parts))):
            self._of.append(part)
            self._places.append(place)

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[Sighting]:
        # each part comes in its own order
        iterators = [iter(each) for each in self._parts]
        return (next(iterators[each]) for each in self._of)

    def places(self, kind_of: Callable[[Who], int], wanted: int) -> array[int]:
        """Return the places of sightings of some kinds, as each part tells them."""
        of_parts = []
        for part in self._parts:
            kinds = bytearray(len(part))
            for place in _places(part, kind_of, wanted):
                kinds[place] = 1
            of_parts.append(kinds)
        return array(
            "I",
            (
                place
                for place, (part, index) in enumerate(zip(self._of, self._places, strict=True))
                if of_parts[part][index]
            ),
        )

    def _one(self, place: int) -> Sighting:
        return self._parts[self._of[place]][self._places[place]]


def _keys(number: int, sightings: Sequence[Sighting]) -> Iterator[tuple[int, int, str, str, int, int]]:
    for place, each in enumerate(sightings):
        yield *_key(each), number, place


def _key(sighting: Sighting) -> tuple[int, int, str, str]:
    return sighting.first_us, sighting.first_number, sighting.source, sighting.receiver


def in_order(parts: Iterable[Iterable[Sighting]]) -> OrderedSightings:
    """Return sightings in the order in which they began, then of their packets, then of their sources' names.

    Args:
        parts: Such as those of several captures.
    """
    known = [
        each if isinstance(each, OrderedSightings) else _Made(tuple(sorted(each, key=_key))) for each in parts
    ]
    return known[0] if len(known) == 1 else _Merged(known)


def chosen(whole: Sequence[Sighting], places: Iterable[int]) -> Sequence[Sighting]:
    """Return some sightings of many; a tuple where they are few enough to be held.

    Args:
        whole: All.
        places: Which of them, going up.
    """
    found = array("I", places)
    some = _Chosen(whole if isinstance(whole, OrderedSightings) else _Made(tuple(whole)), found)
    return tuple(some) if len(found) <= HELD else some


def those(whole: Sequence[Sighting], test: Callable[[Sighting], object]) -> Sequence[Sighting]:
    """Return the sightings of which something is true, in their order."""
    return chosen(whole, (place for place, each in enumerate(whole) if test(each)))


def of_kind(whole: Sequence[Sighting], kind_of: Callable[[Who], int], wanted: int) -> Sequence[Sighting]:
    """Return the sightings of some kinds, in their order.

    Args:
        whole: All.
        kind_of: Tells the kind of what was sent by whom, as bits, 0 to 255.
        wanted: Bits of which one is enough.
    """
    return chosen(whole, _places(whole, kind_of, wanted))


def _places(whole: Sequence[Sighting], kind_of: Callable[[Who], int], wanted: int) -> Iterable[int]:
    if isinstance(whole, OrderedSightings):
        return whole.places(kind_of, wanted)
    return (place for place, each in enumerate(whole) if kind_of(who_of(each)) & wanted)
