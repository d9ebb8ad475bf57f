"""Bluezone senders: what was heard of one, linked by addresses and ids.

Theory of operation. Sightings that share an address or an id come from one sender; a phone whose address and id change
together makes one sender for each pair, which ``one_phone`` puts together where nothing speaks against it. Of a night
of many phones there are a million senders: what is kept of one are the places of its sightings.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby, islice, pairwise
from types import MappingProxyType
from typing import overload

from bluezone_harness.checks.frames import (
    DAMAGED,
    MARKED,
    OVERFLOW,
    RESPONSE,
    Frame,
    Platform,
    frame_of,
    kind_of,
    service_uuids,
)
from bluezone_harness.checks.windows import OnWindow, on_windows
from bluezone_harness.sightings import HELD, Sighting, chosen, in_order
from bluezone_harness.sightings.octet_strings import OctetStrings
from bluezone_reference.key_schedule import ID_OCTETS

__all__ = [
    "STEP_US",
    "WINDOWS_TO_CLAIM",
    "Frame",
    "Platform",
    "Sender",
    "Senders",
    "frame_of",
    "one_phone",
    "senders",
    "service_uuids",
]

STEP_US = 60_000_000
"""The longest time between two senders in turn for them to be taken for one phone: two scheduled periods."""
WINDOWS_TO_CLAIM = 3
"""On-windows of a sender below which it may be somebody who passed by in a pause of the device under test."""

LEAST_OCTETS = 6
"""Of an id that is not whole, so many octets still tell whose it is."""
_MADE_AT_ONCE = 1024
"""So many senders."""
_ADDRESS, _ID, _ITSELF = b"a", b"i", b"s"
"""By what a sighting is linked, before its octets."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What is linked by addresses and ids.

    Attributes:
        place: Among all senders, in the order in which they were heard first.
        sightings: Its Bluezone frames, and the scan responses and damaged frames of their addresses, in order.
        ids: Octets of all ids that it showed, or that were read at its addresses.
        parts: What it showed in place of an id, being longer, shorter or cut.
        addresses: All that it used.
        platform: ``android`` if any of its frames is an Android phone's.
    """

    place: int
    sightings: tuple[Sighting, ...]
    ids: frozenset[bytes]
    parts: frozenset[bytes]
    addresses: frozenset[bytes]
    platform: Platform

    @property
    def windows(self) -> tuple[OnWindow, ...]:
        """Its on-windows, in the order in which they begin."""
        return on_windows(self.sightings)

    @property
    def first_us(self) -> int:
        """When it was heard first."""
        return self.sightings[0].first_us

    @property
    def last_us(self) -> int:
        """When it was heard last."""
        return max(each.last_us for each in self.sightings)


class Senders(Sequence[Sender]):
    """Senders in the order in which they were heard first, made of their sightings when they are asked for.

    Args:
        sightings: Of all senders, in the order in which they began.
        whose: For each of these, whose it is; numbered in the order in which they come up.
        reads: By address, what was read at it by GATT.
    """

    def __init__(
        self, sightings: Sequence[Sighting], whose: array[int], reads: Mapping[bytes, Collection[bytes]]
    ) -> None:
        self.sightings = sightings
        self._reads = reads
        # by sender: sorting is stable
        self._order = array("I", sorted(range(len(whose)), key=whose.__getitem__))
        self._starts = array("I", (0,))
        for place, index in enumerate(self._order):
            if whose[index] == len(self._starts):
                self._starts.append(place)
        if whose:
            self._starts.append(len(whose))
        self._made = [self._sender(each) for each in range(len(self))] if len(whose) <= HELD else None

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> Sender: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sender]: ...
    def __getitem__(self, index: int | slice) -> Sender | Sequence[Sender]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError("there is no such sender")
        return self._sender(index) if self._made is None else self._made[index]

    def __iter__(self) -> Iterator[Sender]:
        return self._making() if self._made is None else iter(self._made)

    def _making(self) -> Iterator[Sender]:
        """Make one after the other, of many sightings at a time."""
        for first in range(0, len(self), _MADE_AT_ONCE):
            end = min(first + _MADE_AT_ONCE, len(self))
            sightings = iter(
                [*in_order([self.sightings]).at(self._order[self._starts[first] : self._starts[end]])]
            )
            for number in range(first, end):
                members = [*islice(sightings, self._starts[number + 1] - self._starts[number])]
                yield _sender(number, members, self._reads)

    def _sender(self, number: int) -> Sender:
        members = self._order[self._starts[number] : self._starts[number + 1]]
        return _sender(number, [self.sightings[each] for each in members], self._reads)


def _sender(number: int, sightings: Sequence[Sighting], reads: Mapping[bytes, Collection[bytes]]) -> Sender:
    addresses = frozenset(each.address for each in sightings if each.address is not None)
    read = {octets for address in addresses for octets in reads.get(address, ())} if reads else set()
    frames = [frame_of(each) for each in sightings]
    platforms = {frame.platform for frame in frames}
    return Sender(
        number,
        tuple(sightings),
        frozenset(frame.id_octets for frame in frames if frame.id_octets is not None)
        | {each for each in read if len(each) == ID_OCTETS},
        frozenset(frame.part for frame in frames if frame.part is not None)
        | {each for each in read if LEAST_OCTETS <= len(each) != ID_OCTETS},
        addresses,
        "android" if "android" in platforms else "ios" if "ios" in platforms else "",
    )


def senders(
    sightings: Iterable[Sighting],
    addresses: Collection[bytes] = frozenset(),
    reads: Mapping[bytes, Collection[bytes]] = MappingProxyType({}),
) -> Senders:
    """Return the Bluezone senders among sightings, in the order in which they were heard first.

    Args:
        sightings: In any order, of any number of sources; those of ``sightings.in_order`` are in order already.
        addresses: Those that are known to be Bluezone phones', whatever they send.
        reads: By address, what was read at it by GATT: an overflow form that came from there is Bluezone's.
    """
    known = in_order([sightings])
    marked = known.places(kind_of, MARKED)
    heard = chosen(known, marked)
    links = _Links()
    unmarked = set(addresses)
    for each in heard:
        links.join(_links(each))
        unmarked.discard(each.address or b"")
    places = marked
    # those of an address that is a phone's, though nothing that it sends is marked
    if unmarked:
        places = _united(places, (at for at, each in enumerate(known) if each.address in unmarked))
        for address in unmarked:
            links.join([_ADDRESS + address])
    if reads:
        forms = known.places(kind_of, OVERFLOW)
        sent = zip(forms, known.at(forms), strict=True)
        places = _united(places, (at for at, each in sent if each.address in reads))
        for address, values in reads.items():
            ids = [_ID + each for each in values if len(each) == ID_OCTETS and any(each)]
            links.join([_ADDRESS + address, *ids])
    beside = known.places(kind_of, RESPONSE | DAMAGED)
    answers = zip(beside, known.at(beside), strict=True)
    places = _united(places, (at for at, each in answers if links.has(each.address)))
    if len(places) > len(marked):
        heard = chosen(known, places)
    return Senders(heard, array("I", (links.group(_links(each)[0]) for each in heard)), reads)


def _united(places: array[int], others: Iterable[int]) -> array[int]:
    """Return places of either, going up, each once."""
    return array("I", (place for place, _ in groupby(merge(places, others))))


def _links(sighting: Sighting) -> list[bytes]:
    """Return by what a sighting is linked: its address and its id; by itself where it shows neither."""
    found: list[bytes] = []
    if sighting.address is not None:
        found.append(_ADDRESS + sighting.address)
    frame = frame_of(sighting)
    octets = frame.part if frame.id_octets is None else frame.id_octets
    if octets is not None:
        found.append(_ID + octets)
    return found or [_ITSELF + f"{sighting.first_number} {sighting.source}".encode("utf-8", "surrogatepass")]


class _Links:
    """Addresses and ids that are linked: by the one that stands for all of a group."""

    def __init__(self) -> None:
        self._numbers = OctetStrings()
        self._parents = array("I")
        # of those that stand for a group: its number and one
        self._groups = array("I")
        self._count = 0

    def join(self, links: Sequence[bytes]) -> None:
        """Link all of these."""
        first, *others = (self._number(each) for each in links)
        for each in others:
            self._parents[self._root(each)] = self._root(first)

    def has(self, address: bytes | None) -> bool:
        """Tell whether an address is linked to anything."""
        return address is not None and self._numbers.find(_ADDRESS + address) is not None

    def group(self, link: bytes) -> int:
        """Return the group of a link, numbered in the order in which they are asked for; nothing is linked after."""
        root = self._root(self._number(link))
        self._groups.extend([0] * (len(self._parents) - len(self._groups)))
        if not self._groups[root]:
            self._count += 1
            self._groups[root] = self._count
        return self._groups[root] - 1

    def _number(self, link: bytes) -> int:
        number = self._numbers.number(link)
        if number == len(self._parents):
            self._parents.append(number)
        return number

    def _root(self, number: int) -> int:
        parents = self._parents
        while (parent := parents[number]) != number:
            parents[number] = parents[parent]
            number = parents[number]
        return number


def one_phone(found: Iterable[Sender]) -> bool:
    """Tell whether several senders can be one phone whose address and id change together.

    They can if each takes its turn: the next begins when the one before has ended, and not much later. Whoever was
    heard hours later may be anybody.

    Args:
        found: In the order in which they were heard first.
    """
    return all(0 <= after.first_us - before.last_us <= STEP_US for before, after in pairwise(found))
