"""Crafted adverts: octets that no phone with Bluezone sends, or that few stacks do, each to probe a receiver.

Theory of operation. A crafted advert has a rolling id of its own, drawn for it and sent by nobody else, so that a
contact log that holds the id (or octets of it) shows what the receiver made of which advert. Some have to be logged;
most must not be. What a receiver has to do with each stands here as the author of the octets knows it, and is never
computed.

Only what is legal on the air is made here: at most 31 octets of AdvData, and as many in the scan response.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from bluezone_reference import ad_structures as ad

Write = Callable[[bytes, Random], tuple[bytes, bytes]]
"""From a rolling id and random numbers to AdvData and those of the scan response, which may be empty."""

_FLAGS = (ad.FLAGS, b"\x02")
_APPLE_FLAGS = (ad.FLAGS, b"\x1a")
_COMPANY = b"\xb5\x22"
_NO_COMPANY = b"\xff\xff"
"""Kept for tests. Source: Assigned Numbers, company identifiers."""
_SERVICE = (ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS, b"\x56\x4e")
_BATTERY, _DEVICE = b"\x0f\x18", b"\x0a\x18"
_IOS_SERVICE = bytes.fromhex("67a607add1172fa1c44bf573564e0000")
_OVERFLOW = b"\x4c\x00\x01"
_OVERFLOW_OCTETS = 16
_BLUEZONE_BIT = 0x08
"""In the first octet of the overflow form's field. Source: BZ-ADV-010."""
_CONTRADICTING = 4


@dataclass(frozen=True, slots=True)
class CraftedAdvert:
    """A kind of crafted advert.

    Attributes:
        name: By which a scenario asks for it.
        requirement: What it probes.
        text: What is sent and what a receiver has to do, a sentence for people without a full stop.
        write: Makes its octets.
        is_logged: Its rolling id has to be logged.
        is_read: A receiver tries to read who sends it, who offers nothing.
        fault: Of annex A, if a published build fell for it.
    """

    name: str
    requirement: str
    text: str
    write: Write
    is_logged: bool = False
    is_read: bool = False
    fault: str = ""


def _data(data: bytes, company: bytes = _COMPANY) -> tuple[int, bytes]:
    return (ad.MANUFACTURER_SPECIFIC_DATA, company + data)


def _of(structures: Callable[[bytes], list[tuple[int, bytes]]], behind: bytes = b"", cut: int = 0) -> Write:
    """Return what writes structures of a rolling id, then octets behind them, and cuts the last octets off."""

    def write(rolling_id: bytes, random: Random) -> tuple[bytes, bytes]:
        octets = ad.encode_ad(structures(rolling_id)) + behind
        return octets[: len(octets) - cut], b""

    return write


def _of_length(octets: int) -> Write:
    return _of(lambda rolling_id: [_FLAGS, _data((rolling_id * 2)[:octets]), _SERVICE])


def _plain(octets: bytes) -> Write:
    return lambda rolling_id, random: (octets, b"")


def _in_response(same: bool) -> Write:
    """Return what says a rolling id in the advert, and the same or another one in the scan response."""

    def write(rolling_id: bytes, random: Random) -> tuple[bytes, bytes]:
        second = rolling_id if same else random.randbytes(len(rolling_id))
        return ad.encode_ad([_FLAGS, _data(rolling_id), _SERVICE]), ad.encode_ad([_data(second)])

    return write


def _after_the_end(rolling_id: bytes, random: Random) -> tuple[bytes, bytes]:
    return ad.encode_ad([_FLAGS, _SERVICE]) + b"\0" + ad.encode_ad([_data(rolling_id)]), b""


def _overflow(with_bit: bool) -> Write:
    """Return what writes the overflow form with bits of other apps, with Bluezone's bit or without."""

    def write(rolling_id: bytes, random: Random) -> tuple[bytes, bytes]:
        field = bytearray(random.randbytes(_OVERFLOW_OCTETS))
        field[0] = field[0] | _BLUEZONE_BIT if with_bit else field[0] & ~_BLUEZONE_BIT
        field[-1] |= 1  # another app's in any case
        return ad.encode_ad([_APPLE_FLAGS, _data(bytes(field), _OVERFLOW)]), b""

    return write


def _random_octets(rolling_id: bytes, random: Random) -> tuple[bytes, bytes]:
    return random.randbytes(ad.LEGACY_AD_OCTETS), b""


_KINDS = (
    # to be logged
    CraftedAdvert(
        "reordered",
        "BZ-RCV-001",
        "the service UUID stands first and the Flags last; the id has to be logged",
        _of(lambda rolling_id: [_SERVICE, _data(rolling_id), _FLAGS]),
        is_logged=True,
    ),
    CraftedAdvert(
        "no-flags",
        "BZ-RCV-001",
        "there are no Flags; the id has to be logged",
        _of(lambda rolling_id: [_data(rolling_id), _SERVICE]),
        is_logged=True,
    ),
    CraftedAdvert(
        "incomplete-list",
        "BZ-RCV-001",
        "0x4E56 stands in an incomplete list; the id has to be logged",
        _of(
            lambda rolling_id: [
                _FLAGS,
                _data(rolling_id),
                (ad.INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS, _SERVICE[1]),
            ]
        ),
        is_logged=True,
    ),
    CraftedAdvert(
        "among-others",
        "BZ-RCV-001",
        "0x4E56 stands between other service UUIDs; the id has to be logged",
        _of(lambda rolling_id: [_FLAGS, _data(rolling_id), (_SERVICE[0], _BATTERY + _SERVICE[1] + _DEVICE)]),
        is_logged=True,
    ),
    CraftedAdvert(
        "32-bit-list",
        "BZ-RCV-001",
        "0x4E56 stands in a list of 32-bit service UUIDs; the id has to be logged",
        _of(
            lambda rolling_id: [
                _FLAGS,
                _data(rolling_id),
                (ad.COMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS, _SERVICE[1] + b"\0\0"),
            ]
        ),
        is_logged=True,
    ),
    CraftedAdvert(
        "other-data-beside",
        "BZ-RCV-001",
        "data of another company stand before the id's; the id has to be logged",
        _of(lambda rolling_id: [_FLAGS, _data(b"\x01\x02", _NO_COMPANY), _data(rolling_id), _SERVICE]),
        is_logged=True,
    ),
    CraftedAdvert(
        "name-beside",
        "BZ-RCV-001",
        "a local name stands beside the id; the id has to be logged",
        _of(lambda rolling_id: [_FLAGS, (ad.COMPLETE_LOCAL_NAME, b"An"), _data(rolling_id), _SERVICE]),
        is_logged=True,
    ),
    CraftedAdvert(
        "same-id-twice",
        "BZ-RCV-001",
        "the scan response holds the same id again; the id has to be logged",
        _in_response(same=True),
        is_logged=True,
    ),
    CraftedAdvert(
        "cut-behind",
        "BZ-RCV-003",
        "behind the id stands a structure that is cut short; what stands before it counts, and the id has to be logged",
        _of(lambda rolling_id: [_FLAGS, _data(rolling_id), _SERVICE], behind=b"\x05\x09A"),
        is_logged=True,
    ),
    # of another company or another length
    CraftedAdvert(
        "wrong-company",
        "BZ-RCV-002",
        "the octets of the company are the wrong way round; nothing may be logged",
        _of(lambda rolling_id: [_FLAGS, _data(rolling_id, _COMPANY[::-1]), _SERVICE]),
        fault="F-18",
    ),
    CraftedAdvert(
        "other-company",
        "BZ-RCV-002",
        "twelve octets are those of another company; nothing may be logged",
        _of(lambda rolling_id: [_FLAGS, _data(rolling_id, _NO_COMPANY), _SERVICE]),
        fault="F-18",
    ),
    CraftedAdvert(
        "eleven-octets", "BZ-RCV-002", "the id has eleven octets; nothing may be logged", _of_length(11)
    ),
    CraftedAdvert(
        "thirteen-octets", "BZ-RCV-002", "the id has thirteen octets; nothing may be logged", _of_length(13)
    ),
    CraftedAdvert(
        "six-octets",
        "BZ-RCV-002",
        "under 0x4E56 the id has six octets, as many as the first generation's; nothing may be logged",
        _of_length(6),
        fault="F-21",
    ),
    CraftedAdvert(
        "no-octets", "BZ-RCV-002", "behind the company stands no octet; nothing may be logged", _of_length(0)
    ),
    CraftedAdvert(
        "no-manufacturer-data",
        "BZ-RCV-002",
        "0x4E56 comes without manufacturer specific data; nothing may be logged, and nobody is read",
        _of(lambda rolling_id: [_FLAGS, _SERVICE]),
    ),
    CraftedAdvert(
        "no-service",
        "BZ-RCV-002",
        "the id comes without any service UUID; nothing may be logged",
        _of(lambda rolling_id: [_FLAGS, _data(rolling_id)]),
    ),
    CraftedAdvert(
        "other-service",
        "BZ-RCV-002",
        "the id comes with another service UUID; nothing may be logged",
        _of(lambda rolling_id: [_FLAGS, _data(rolling_id), (_SERVICE[0], _BATTERY)]),
    ),
    CraftedAdvert(
        "two-lengths",
        "BZ-RCV-002",
        "beside an id of twelve octets stands one of four; nothing may be logged",
        _of(lambda rolling_id: [_FLAGS, _data(rolling_id), _data(rolling_id[:_CONTRADICTING]), _SERVICE]),
    ),
    CraftedAdvert(
        "contradictory",
        "BZ-RCV-002",
        "the scan response holds another id; who hears both may log neither",
        _in_response(same=False),
    ),
    CraftedAdvert(
        "broken-list",
        "BZ-RCV-002",
        "the list with 0x4E56 ends in half a service UUID; nothing may be logged",
        _of(lambda rolling_id: [_FLAGS, _data(rolling_id), (_SERVICE[0], _SERVICE[1] + b"\x0f")]),
    ),
    # malformed
    CraftedAdvert(
        "manufacturer-data-0-octets",
        "BZ-RCV-003",
        "the manufacturer specific data are empty; the receiver must survive, and nothing may be logged",
        _of(lambda rolling_id: [_FLAGS, _SERVICE, _data(b"", b"")]),
        fault="F-17",
    ),
    CraftedAdvert(
        "manufacturer-data-1-octet",
        "BZ-RCV-003",
        "the manufacturer specific data are one octet; the receiver must survive, and nothing may be logged",
        _of(lambda rolling_id: [_FLAGS, _SERVICE, _data(b"", _COMPANY[:1])]),
        fault="F-17",
    ),
    CraftedAdvert(
        "cut-id",
        "BZ-RCV-003",
        "the structure of the id comes last and three octets of it are missing; nothing may be logged",
        _of(lambda rolling_id: [_FLAGS, _SERVICE, _data(rolling_id)], cut=3),
        fault="F-29",
    ),
    CraftedAdvert(
        "length-beyond-end",
        "BZ-RCV-003",
        "the structure of a whole id announces 255 octets; nothing may be logged",
        lambda rolling_id, random: (
            ad.encode_ad([_FLAGS, _SERVICE]) + b"\xff\xff" + _COMPANY + rolling_id,
            b"",
        ),
    ),
    CraftedAdvert(
        "octets-after-the-end",
        "BZ-RCV-003",
        "the id stands behind a length of zero, which ends the AdvData; nothing may be logged",
        _after_the_end,
    ),
    CraftedAdvert("empty", "BZ-RCV-003", "there are no octets; the receiver must survive", _plain(b"")),
    CraftedAdvert(
        "all-zero", "BZ-RCV-003", "all octets are zero; the receiver must survive", _plain(bytes(31))
    ),
    CraftedAdvert(
        "all-ff", "BZ-RCV-003", "all octets are 0xFF; the receiver must survive", _plain(b"\xff" * 31)
    ),
    CraftedAdvert(
        "random-octets", "BZ-RCV-003", "31 octets are drawn; the receiver must survive", _random_octets
    ),
    # iPhones that are none
    CraftedAdvert(
        "overflow-other-bits",
        "BZ-RCV-004",
        "the overflow form has Bluezone's bit and those of other apps; who sends it is read, and offers nothing",
        _overflow(with_bit=True),
        is_read=True,
        fault="F-26",
    ),
    CraftedAdvert(
        "overflow-other-app",
        "BZ-RCV-004",
        "the overflow form has bits of other apps and not Bluezone's; nobody is read",
        _overflow(with_bit=False),
    ),
    CraftedAdvert(
        "iphone-without-service",
        "BZ-RCV-004",
        "the service UUID of iPhones is advertised and not offered; who sends it is read, and gives nothing",
        _of(lambda rolling_id: [_APPLE_FLAGS, (ad.COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS, _IOS_SERVICE)]),
        is_read=True,
    ),
)

CRAFTED: Mapping[str, CraftedAdvert] = MappingProxyType({each.name: each for each in _KINDS})
"""Every kind by its name: those to be logged first."""
