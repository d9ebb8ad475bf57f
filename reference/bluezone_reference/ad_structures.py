"""The picture of AdvData: AD structures one after another, then nothing but zeros.

::

    length   1 octet            counts the type and the data: 1 to 255; 0 is an early end
    type     1 octet            which kind of data (Assigned Numbers, Common Data Types)
    data     length - 1 octets  may be empty
    ...
    00 00 .. 00                 the part that is not significant, if any

Theory of operation. Octets are walked over from length to length: the structures as far as they are whole, the
zeros of an early end, and whatever is left. Well-formed AdvData leave nothing. What is left over is damage, and
where it begins is the offset of the error; nothing is swallowed silently.

The format is declared too, in ``adv_data_format``, for people and for tests, which hold the walk to it. Nothing
else asks for it, because ``construct`` takes longer to import than all else in this package, and some twenty
times as long to read one advert (decision 0016).

Source: Core Specification, Vol 3 Part C 11 (the format); Core Specification Supplement, Part A, and Assigned
Numbers (the types); BZ-ADV-001.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from bluezone_reference.errors import MalformedError, RejectCode

if TYPE_CHECKING:
    from construct import Construct

# AD types by their names in the Assigned Numbers
FLAGS = 0x01
INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS = 0x02
COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS = 0x03
INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS = 0x04
COMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS = 0x05
INCOMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS = 0x06
COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS = 0x07
SHORTENED_LOCAL_NAME = 0x08
COMPLETE_LOCAL_NAME = 0x09
TX_POWER_LEVEL = 0x0A
MANUFACTURER_SPECIFIC_DATA = 0xFF

# Core Specification, Vol 6 Part B 2.3.1: AdvData of a legacy advertising PDU
LEGACY_AD_OCTETS = 31
# Core Specification, Vol 4 Part E 7.8.57: the most that extended advertising carries
EXTENDED_AD_OCTETS = 1650

_LARGEST_LENGTH = 255


@dataclass(frozen=True, slots=True)
class AdStructure:
    """One AD structure.

    Attributes:
        offset: Octets from the start of the AdvData to its length octet.
        ad_type: 0 to 255; the constants of this module name those that matter here.
        data: 0 to 254 octets, without length and type.
    """

    offset: int
    ad_type: int
    data: bytes


@cache
def adv_data_format() -> Construct:
    """Give the declaration of the format, which always parses.

    Returns:
        A struct of ``structures`` (each with ``offset`` and ``counted``: ``ad_type`` and ``data``),
        ``early_end`` (its zeros) and ``remainder`` (octets that belong nowhere; none in well-formed AdvData).

    Source: Core Specification, Vol 3 Part C 11; BZ-ADV-001.
    """
    from construct import Const, GreedyBytes, GreedyRange, Int8ub, Prefixed, Struct, Tell

    # A length of 0 leaves no room for the type: that is no structure, but an early end.
    type_and_data = Struct("ad_type" / Int8ub, "data" / GreedyBytes)
    ad_structure = Struct("offset" / Tell, "counted" / Prefixed(Int8ub, type_and_data))
    # GreedyRange ends before the first element that does not fit and tells nobody. Here that is what is
    # wanted, because the remainder is a part of the picture.
    return Struct(
        "structures" / GreedyRange(ad_structure),
        "early_end" / GreedyRange(Const(b"\x00")),
        "remainder" / GreedyBytes,
    )


def decode_ad(octets: bytes, limit: int = LEGACY_AD_OCTETS) -> tuple[AdStructure, ...]:
    """Take AdvData apart, strictly.

    Args:
        octets: AdvData, from the first length octet on.
        limit: The most octets there may be: ``LEGACY_AD_OCTETS`` or ``EXTENDED_AD_OCTETS``.

    Returns:
        The AD structures in the order in which they stand; none if there are no octets, or zeros only.

    Raises:
        MalformedError: As in ``intact_structures``.

    Source: BZ-ADV-001.
    """
    structures, damage = intact_structures(octets, limit)
    if damage is not None:
        raise damage
    return structures


def intact_structures(
    octets: bytes, limit: int = LEGACY_AD_OCTETS
) -> tuple[tuple[AdStructure, ...], MalformedError | None]:
    """Take AdvData apart as far as they are sound.

    Args:
        octets: AdvData, from the first length octet on.
        limit: The most octets there may be.

    Returns:
        The AD structures before the damage, and the damage or ``None``. Its code is one of

        - ``AD_TOO_LONG``: there are more octets than ``limit``. Offset: the first octet too many. The
          structures are those that end within the limit; what else may be wrong is not looked for.
        - ``DATA_AFTER_END``: an octet other than zero after an early end. Offset: that octet.
        - ``TRUNCATED_AD``: a structure announces more octets than follow. Offset: its length octet.

    Source: BZ-ADV-001, BZ-RCV-003.
    """
    end = min(len(octets), limit)
    found: list[AdStructure] = []
    at = 0
    # a length of 0 leaves no room for the type: that is no structure, but an early end
    while at < end and (length := octets[at]) and at + length < end:
        found.append(AdStructure(at, octets[at + 1], octets[at + 2 : at + 1 + length]))
        at += 1 + length
    return tuple(found), None if at == len(octets) else _damage(octets, limit, at)


def _damage(octets: bytes, limit: int, at: int) -> MalformedError | None:
    """Return what is wrong where no structure begins any more; nothing, if zeros fill the rest."""

    def damage(code: RejectCode, offset: int, reason: str) -> MalformedError:
        return MalformedError(code, "BZ-ADV-001", offset, reason)

    if len(octets) > limit:
        return damage(RejectCode.AD_TOO_LONG, limit, f"AdvData of {len(octets)} octets, more than {limit}")
    if octets[at]:
        reason = f"an AD structure announces {octets[at]} octets where {len(octets) - at - 1} follow"
        return damage(RejectCode.TRUNCATED_AD, at, reason)
    rest = octets[at:].lstrip(b"\x00")
    if not rest:
        return None
    reason = f"octet {rest[0]:02X} after the early end of AdvData"
    return damage(RejectCode.DATA_AFTER_END, len(octets) - len(rest), reason)


def encode_ad(structures: Iterable[tuple[int, bytes]]) -> bytes:
    """Write AD structures one after another, without zeros at the end.

    Args:
        structures: AD type and data of each.

    Returns:
        AdvData; whether they fit into an advertising PDU is the caller's to see.

    Raises:
        ValueError: An AD type is not 0 to 255, or data exceed 254 octets.

    Source: Core Specification, Vol 3 Part C 11; BZ-ADV-001.
    """
    octets = bytearray()
    for ad_type, data in structures:
        if ad_type not in range(256):
            raise ValueError(f"an AD type is 0 to 255, not {ad_type}")
        if len(data) >= _LARGEST_LENGTH:
            raise ValueError(
                f"an AD structure holds at most {_LARGEST_LENGTH - 1} octets of data, not {len(data)}"
            )
        octets += bytes((len(data) + 1, ad_type)) + data
    return bytes(octets)
