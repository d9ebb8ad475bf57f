"""Many different strings of octets in little memory, each known by its number."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import overload

_FIRST_PLACES = 1024


class OctetStrings(Sequence[bytes]):
    """Different strings of octets, one after the other, and a table in which each is found by its hash."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._ends = array("Q", (0,))
        # a power of two of places: number and one of a string, 0 where there is none
        self._table = array("I", bytes(4 * _FIRST_PLACES))

    def number(self, octets: bytes) -> int:
        """Return the number of a string, counted from 0; a new one is added."""
        place = self._place(octets)
        found = self._table[place]
        if found:
            return found - 1
        self._octets += octets
        self._ends.append(len(self._octets))
        count = len(self)
        self._table[place] = count
        if 2 * count > len(self._table):
            self._enlarge()
        return count - 1

    def find(self, octets: bytes) -> int | None:
        """Return the number of a string; ``None`` where there is no such."""
        found = self._table[self._place(octets)]
        return found - 1 if found else None

    def _place(self, octets: bytes) -> int:
        """Return where in the table a string stands, or would."""
        table, ends = self._table, self._ends
        mask = len(table) - 1
        place = hash(octets) & mask
        while (found := table[place]) and self._octets[ends[found - 1] : ends[found]] != octets:
            place = (place + 1) & mask
        return place

    def _enlarge(self) -> None:
        table = array("I", bytes(4 * 2 * len(self._table)))
        mask = len(table) - 1
        for number in range(len(self)):
            place = hash(self[number]) & mask
            while table[place]:
                place = (place + 1) & mask
            table[place] = number + 1
        self._table = table

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if index < 0:
            raise IndexError("there is no such string")
        return bytes(self._octets[self._ends[index] : self._ends[index + 1]])

    def __iter__(self) -> Iterator[bytes]:
        return (bytes(self._octets[start:end]) for start, end in pairwise(self._ends))
