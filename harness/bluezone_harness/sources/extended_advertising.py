"""Extended advertising on the air: adverts whose data are sent in several PDUs, on several channels.

Theory of operation. An extended advertising PDU may point at the next one by channel and time (AuxPtr). On a primary
channel it holds no AdvData, and is an advert of its own only where it points at nothing. What it points at holds
AdvData, all or a first piece; then it points at a further piece, and so on. A pointer is kept until what it points at
was heard, there, then, and of the same advertising data (ADI); an advert is told with its last piece. What was not
heard leaves no advert, but is counted: data are told whole or not at all. Source: Core Specification, Vol 6 Part B
2.3.4 (payload), 4.4.2.1 and 4.4.2.2 (auxiliary PDUs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from bluezone_harness.observations import AddressType

from .packets import Missing, Unread

MOST_AWAITED = 64
"""Pointers that are kept at once; the oldest gives way."""
LONGEST_AD = 1650
"""Octets of AdvData that several pieces may come to. Source: Core Specification, Vol 4 Part E 7.8.57."""
TOLERANCE_US = 20_000
"""By how much a PDU may be off the time that a pointer tells: 500 ppm of 2.46 s, a unit of 300 us, receivers that stamp
the end of a packet of 17 ms on the coded PHY, and clocks that count milliseconds."""

_LENGTH_BITS = 0x3F
_ADVERTISER, _TARGET, _CTE, _ADI, _POINTER, _SYNC, _POWER = (1 << bit for bit in range(7))
_ADDRESS_OCTETS, _ADI_OCTETS = 6, 2
_SIZES = ((_ADVERTISER, 6), (_TARGET, 6), (_CTE, 1), (_ADI, 2), (_POINTER, 3), (_SYNC, 18), (_POWER, 1))
"""Fields of the extended header, in their order, by the flag that announces them."""
_NEEDED = tuple(1 + sum(size for flag, size in _SIZES if flags & flag) for flags in range(256))
_BEFORE_ADI = tuple(
    2 + sum(size for flag, size in _SIZES if flag < _ADI and flags & flag) for flags in range(256)
)
_CHANNEL_BITS = 0x3F
_UNITS_BIT = 0x80
_OFFSET_SHIFT, _OFFSET_BITS = 8, 0x1FFF
_UNITS_US = (30, 300)

_Address = tuple[bytes | None, AddressType | None]
NOBODY: _Address = (None, None)


class Pointer(NamedTuple):
    """Where a further PDU is: the index of its channel, and when it begins after the one that points at it."""

    channel: int
    offset_us: int


class ExtendedParts(NamedTuple):
    """The payload of an extended advertising PDU.

    Attributes:
        address: Of the advertiser, as sent; ``None`` where it is not there.
        adi: Which advertising data they are; empty where nothing tells.
        pointer: To the next PDU.
        ad: AdvData, or a piece of them.
    """

    address: bytes | None
    adi: bytes
    pointer: Pointer | None
    ad: bytes


def extended_parts(octets: bytes) -> ExtendedParts | None:
    """Take the payload of an extended advertising PDU apart.

    Args:
        octets: From the octet that holds the length of the extended header on.

    Returns:
        Its parts; ``None`` if it is malformed.

    Source: Core Specification, Vol 6 Part B 2.3.4.
    """
    if not octets:
        return None
    length = octets[0] & _LENGTH_BITS
    if 1 + length > len(octets):
        return None
    ad = octets[1 + length :]
    if not length:
        return ExtendedParts(None, b"", None, ad)
    flags = octets[1]
    if _NEEDED[flags] > length:
        return None
    address = octets[2 : 2 + _ADDRESS_OCTETS] if flags & _ADVERTISER else None
    at = _BEFORE_ADI[flags]
    adi, pointer = b"", None
    if flags & _ADI:
        adi = octets[at : at + _ADI_OCTETS]
        at += _ADI_OCTETS
    if flags & _POINTER:
        word = int.from_bytes(octets[at : at + 3], "little")
        units_us = _UNITS_US[bool(word & _UNITS_BIT)]
        pointer = Pointer(word & _CHANNEL_BITS, (word >> _OFFSET_SHIFT & _OFFSET_BITS) * units_us)
    return ExtendedParts(address, adi, pointer, ad)


@dataclass(slots=True)
class _Awaited:
    """A PDU that was pointed at.

    Attributes:
        number: Of the packet that pointed at it, or at the first piece of the advert.
        time_us: When it should begin.
        channel: Where.
        adi: Which advertising data.
        address: Of the advertiser, as far as it was told.
        data: Pieces so far; ``None`` where it holds the first.
    """

    number: int
    time_us: int
    channel: int
    adi: bytes
    address: _Address
    data: bytes | None

    def is_met_by(self, time_us: int, channel: int | None, adi: bytes) -> bool:
        if abs(time_us - self.time_us) > TOLERANCE_US or adi != self.adi:
            return False
        # where the channel is not known, ADI alone holds the pieces together
        return channel == self.channel if channel is not None else bool(adi)


class ExtendedAdverts:
    """Joins the PDUs that one sniffer heard."""

    def __init__(self) -> None:
        self._awaited: list[_Awaited] = []
        self._missing: dict[Unread, tuple[int, int]] = {}

    @property
    def missing(self) -> Missing:
        """Adverts that are not whole, up to now."""
        missing = dict(self._missing)
        for each in self._awaited:
            _count(missing, each)
        return missing

    def read(
        self,
        number: int,
        time_us: int,
        channel: int | None,
        parts: ExtendedParts,
        address: _Address,
        *,
        is_primary: bool,
    ) -> tuple[_Address, bytes | None] | None:
        """Return the advert that is complete with a PDU: address and AdvData.

        Args:
            number: Of its packet.
            time_us: When it was heard.
            channel: Index of its channel, where it is known.
            parts: What it holds.
            address: Of the advertiser, where it holds one.
            is_primary: It was sent on a primary channel.

        Returns:
            ``None`` as long as none is complete; AdvData ``None`` where they are longer than any are.
        """
        self._give_up(time_us)
        pointer = parts.pointer
        if is_primary:
            if pointer is None:
                return address, parts.ad
            self._await(
                _Awaited(number, time_us + pointer.offset_us, pointer.channel, parts.adi, address, None)
            )
            return None
        met = [each for each in self._awaited if each.is_met_by(time_us, channel, parts.adi)]
        met = [each for each in met if _agree(each, address)]
        data: bytes | None = None
        if met:
            self._awaited = [each for each in self._awaited if each not in met]
            first = met[0]
            if len(met) > 1:  # whose piece it is cannot be told
                for each in met:
                    _count(self._missing, each)
                return None
            number, data = first.number, first.data
            address = address if address[0] else first.address
        elif address[0] is None:
            # a piece whose beginning was not heard, or data of nobody knows whom
            _count(self._missing, _Awaited(number, time_us, 0, b"", NOBODY, b""))
            return None
        data = (data or b"") + parts.ad
        if len(data) > LONGEST_AD:
            return address, None
        if pointer is None:
            return address, data
        self._await(_Awaited(number, time_us + pointer.offset_us, pointer.channel, parts.adi, address, data))
        return None

    def _await(self, awaited: _Awaited) -> None:
        """Keep a pointer; those of all primary channels to the same PDU are one."""
        if awaited.data is None:
            for each in self._awaited:
                if (
                    each.data is None
                    and each.is_met_by(awaited.time_us, awaited.channel, awaited.adi)
                    and each.address == awaited.address
                ):
                    each.time_us = awaited.time_us
                    return
        if len(self._awaited) >= MOST_AWAITED:
            _count(self._missing, self._awaited.pop(0))
        self._awaited.append(awaited)

    def _give_up(self, time_us: int) -> None:
        """Count what should have been heard before."""
        late = [each for each in self._awaited if time_us > each.time_us + TOLERANCE_US]
        if late:
            self._awaited = [each for each in self._awaited if each not in late]
            for each in late:
                _count(self._missing, each)


def _agree(awaited: _Awaited, address: _Address) -> bool:
    """Say whether a PDU with an address, or none, may be what was awaited: further pieces have none."""
    if address[0] is None:
        return True
    return awaited.data is None and awaited.address in (NOBODY, address)


def _count(missing: dict[Unread, tuple[int, int]], awaited: _Awaited) -> None:
    reason = Unread.ELSEWHERE if awaited.data is None else Unread.IN_PIECES
    number, count = missing.get(reason, (awaited.number, 0))
    missing[reason] = min(number, awaited.number), count + 1
