"""Many sightings in little memory: their numbers in columns, what was sent by whom once, and the rest on demand.

Theory of operation. A sighting as an object takes half a kilobyte, and as a row of numbers some 40 octets. Rows stand
in blocks; of each column of a block the least number is kept, and by how much each is above it, in as few octets as
that takes. What was sent by whom (receiver, address and its type, PDU, AdvData) is packed into octets, and stands once
for all sightings of it that follow one another. Objects are made when they are asked for,
and not kept.

Both paths, plain and bulk, hand over their sightings in this form; what they hold is equal to a tuple of the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple, overload

from bluezone_harness.observations import AddressType, PduType

from .model import Filling, Sighting

BLOCK = 4096
"""Sightings of a block."""

# columns of a sighting
FIRST_US, LAST_US, FIRST_NUMBER, LAST_NUMBER, COUNT = 0, 1, 2, 3, 4
RSSI_COUNT, RSSI_SUM, RSSI_MIN, RSSI_MAX, CHANNELS = 5, 6, 7, 8, 9
INTERVAL_MIN_US, MEDIAN_MS, WHOSE = 10, 11, 12
COLUMNS = 13

Row = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int]
"""A sighting in numbers: ``FIRST_US`` to ``WHOSE``; channels as bits; what there is none of is any number."""

Who = tuple[str, bytes | None, AddressType | None, PduType | None, bytes | None]
"""What was sent by whom: receiver, address, address type, PDU and AdvData."""

_TYPES = tuple(AddressType)
_PDUS = tuple(PduType)
_TYPE_INDEX = {None: 255} | {each: index for index, each in enumerate(_TYPES)}
_PDU_INDEX = {None: 255} | {each: index for index, each in enumerate(_PDUS)}
_NONE = 255
_HEAD_OCTETS = 6


def packed(who: Who) -> bytes:
    """Return what was sent by whom as octets; the same for the same, and for no other."""
    receiver, address, address_type, pdu, ad = who
    name = receiver.encode("utf-8", "surrogatepass")
    head = bytes(
        (
            _TYPE_INDEX[address_type],
            _PDU_INDEX[pdu],
            _NONE if address is None else len(address),
            ad is None,
            *len(name).to_bytes(2),
        )
    )
    return head + (address or b"") + name + (ad or b"")


def unpacked(octets: bytes) -> Who:
    """Return what ``packed`` made these octets of."""
    kind, pdu, size, without_ad, high, low = octets[:_HEAD_OCTETS]
    name_at = _HEAD_OCTETS if size == _NONE else _HEAD_OCTETS + size
    ad_at = name_at + (high << 8 | low)
    return (
        octets[name_at:ad_at].decode("utf-8", "surrogatepass") if ad_at > name_at else "",
        None if size == _NONE else octets[_HEAD_OCTETS:name_at],
        None if kind == _NONE else _TYPES[kind],
        None if pdu == _NONE else _PDUS[pdu],
        None if without_ad else octets[ad_at:],
    )


def who_of(sighting: Sighting) -> Who:
    """Return what was sent by whom in a sighting."""
    return sighting.receiver, sighting.address, sighting.address_type, sighting.pdu, sighting.ad


class Column(NamedTuple):
    """Numbers of a block.

    Attributes:
        least: The least of them.
        above: By how much each is above it; ``None``: none is.
    """

    least: int
    above: Sequence[int] | None


Block = Sequence[Column]
"""A column for each number of a row, all of one length."""

_CODES = (("B", 8), ("H", 16), ("I", 32), ("Q", 64))


def column_of(numbers: Sequence[int]) -> Column:
    """Return numbers in as few octets as they take; at least one."""
    least, most = min(numbers), max(numbers)
    if least == most:
        return Column(least, None)
    above = [each - least for each in numbers]
    code = next((code for code, bits in _CODES if not (most - least) >> bits), None)
    return Column(least, above if code is None else array(code, above))


def block_of(rows: Sequence[Row]) -> Block:
    """Return rows, at least one, as a block."""
    return tuple(map(column_of, zip(*rows, strict=True)))


def _numbers(column: Column, size: int) -> Iterable[int]:
    least, above = column
    return [least] * size if above is None else map(least.__add__, above)


def _numbers_at(column: Column, wanted: Sequence[int]) -> Iterable[int]:
    least, above = column
    if above is None:
        return [least] * len(wanted)
    # those of a whole block come faster
    return map(least.__add__, above if isinstance(wanted, range) else map(above.__getitem__, wanted))


class OrderedSightings(Sequence[Sighting]):
    """Sightings in the order in which they began, made when they are asked for; equal to a tuple of the same."""

    @overload
    def __getitem__(self, index: int) -> Sighting: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Sighting, ...]: ...
    def __getitem__(self, index: int | slice) -> Sighting | tuple[Sighting, ...]:
        if isinstance(index, slice):
            return tuple(self.at(range(*index.indices(len(self)))))
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError("there is no such sighting")
        return self._one(index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrderedSightings | tuple):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return len(self)

    def at(self, places: Iterable[int]) -> Iterator[Sighting]:
        """Yield the sightings of some places, which are all there."""
        return map(self._one, places)

    def places(self, kind_of: Callable[[Who], int], wanted: int) -> array[int]:
        """Return the places of sightings of some kinds.

        Args:
            kind_of: Tells the kind of what was sent by whom, as bits, 0 to 255; asked once for the same.
            wanted: Bits of which one is enough.
        """
        return array("I", (place for place, each in enumerate(self) if kind_of(who_of(each)) & wanted))

    def _one(self, place: int) -> Sighting:
        raise NotImplementedError


class SightingColumns(OrderedSightings):
    """Sightings of one source, as columns of numbers.

    Args:
        source: Name of the evidence.
        whose: What was sent by whom, as ``packed`` has it.
        blocks: Their numbers in order; all blocks but the last are of ``BLOCK`` rows.
        length: How many there are.
    """

    def __init__(self, source: str, whose: Sequence[bytes], blocks: Sequence[Block], length: int) -> None:
        self._source = source
        self._whose = whose
        self._blocks = blocks
        self._length = length
        self._channels: dict[int, frozenset[int]] = {}
        self._kinds: dict[Callable[[Who], int], bytes] = {}

    def __len__(self) -> int:
        return self._length

    def at(self, places: Iterable[int]) -> Iterator[Sighting]:
        """Yield the sightings of some places, which are all there."""
        for number, group in groupby(places, key=BLOCK.__rfloordiv__):
            yield from self._made(number, [each % BLOCK for each in group])

    def __iter__(self) -> Iterator[Sighting]:
        for number in range(len(self._blocks)):
            yield from self._made(number, range(min(BLOCK, self._length - number * BLOCK)))

    def places(self, kind_of: Callable[[Who], int], wanted: int) -> array[int]:
        """Return the places of sightings of some kinds; the kinds of what was sent by whom are kept."""
        if kind_of not in self._kinds:
            self._kinds[kind_of] = bytes(kind_of(unpacked(each)) for each in self._whose)
        kinds = self._kinds[kind_of]
        found = array("I")
        for number, block in enumerate(self._blocks):
            first = number * BLOCK
            whose = _numbers(block[WHOSE], min(BLOCK, self._length - first))
            found.extend(place for place, index in enumerate(whose, first) if kinds[index] & wanted)
        return found

    def shifted(self, offset_us: int) -> SightingColumns:
        """Return the same by a clock that is behind by so much."""
        blocks = [
            [
                Column(each.least - offset_us, each.above) if place in (FIRST_US, LAST_US) else each
                for place, each in enumerate(block)
            ]
            for block in self._blocks
        ]
        return SightingColumns(self._source, self._whose, blocks, self._length)

    def _one(self, place: int) -> Sighting:
        number, index = divmod(place, BLOCK)
        return self._made(number, [index])[0]

    def _made(self, number: int, wanted: Sequence[int]) -> list[Sighting]:
        """Return some sightings of a block."""
        source, whose, channels = self._source, self._whose, self._channels
        known: dict[int, Who] = {}
        found: list[Any] = []
        block = [_numbers_at(each, wanted) for each in self._blocks[number]]
        for (
            first_us,
            last_us,
            first_number,
            last_number,
            count,
            heard,
            total,
            least,
            most,
            mask,
            interval_min_us,
            median_ms,
            index,
        ) in zip(*block, strict=True):
            who = known.get(index)
            if who is None:
                who = known[index] = unpacked(whose[index])
            if mask not in channels:
                channels[mask] = frozenset(bit for bit in range(mask.bit_length()) if mask >> bit & 1)
            receiver, address, address_type, pdu, ad = who
            each = Filling(
                source,
                receiver,
                address,
                address_type,
                pdu,
                ad,
                first_us,
                last_us,
                first_number,
                last_number,
                count,
                least if heard else None,
                total / heard if heard else None,
                most if heard else None,
                channels[mask],
                interval_min_us if count > 1 else None,
                median_ms * 1000 if count > 1 else None,
            )
            each.__class__ = Sighting  # type: ignore[assignment]  # the slots of both are the same
            found.append(each)
        return found


class Rows:
    """Rows of numbers, as they come, packed a block at a time."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._last: list[Row] = []
        self._gone: set[int] = set()

    def __len__(self) -> int:
        return len(self._blocks) * BLOCK + len(self._last)

    def __getitem__(self, index: int) -> Row:
        number, place = divmod(index, BLOCK)
        if number == len(self._blocks):
            return self._last[place]
        row = (
            each.least + (each.above[place] if each.above is not None else 0) for each in self._blocks[number]
        )
        return tuple(row)  # type: ignore[return-value]  # of a block's columns there are as many as of a row's

    def add(self, row: Row) -> None:
        """Add one at the end."""
        self._last.append(row)
        if len(self._last) == BLOCK:
            self._blocks.append(block_of(self._last))
            self._last.clear()

    def forget(self, index: int) -> None:
        """Forget a row; what stands after it keeps its place."""
        self._gone.add(index)

    def until_now(self) -> Rows:
        """Return the same rows; to what is added here later it has no part."""
        found = Rows()
        found._blocks, found._last, found._gone = [*self._blocks], [*self._last], {*self._gone}
        return found

    def in_order(self, more: Sequence[Row] = ()) -> tuple[list[Block], int]:
        """Return all in the order in which they began, as blocks, and how many there are.

        Of several that one packet began, what was heard first comes first.

        Args:
            more: Rows that stand after these.
        """
        rows = [*self._last, *more]
        blocks = [*self._blocks, *(block_of(rows[at : at + BLOCK]) for at in range(0, len(rows), BLOCK))]
        length = len(self._blocks) * BLOCK + len(rows)

        def all_of(place: int) -> list[int]:
            found: list[int] = []
            for number, block in enumerate(blocks):
                found.extend(_numbers(block[place], min(BLOCK, length - number * BLOCK)))
            return found

        order = [each for each in range(length) if each not in self._gone]
        for place in (WHOSE, FIRST_NUMBER, FIRST_US):  # the last decides: sorting is stable
            order.sort(key=all_of(place).__getitem__)
        columns = [_in_order(all_of(place), order) for place in range(COLUMNS)]
        return list(zip(*columns, strict=True)), len(order)


def _in_order(numbers: Sequence[int], order: Sequence[int]) -> list[Column]:
    """Return the column of each block of numbers in an order."""
    return [
        column_of([numbers[each] for each in order[at : at + BLOCK]]) for at in range(0, len(order), BLOCK)
    ]
