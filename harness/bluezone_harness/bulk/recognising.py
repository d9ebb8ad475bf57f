"""Recognises packets that may be known again, and those that say nothing, by as few octets as do.

All functions take addresses (see ``loading``). Integers of the Core Specification have their least significant octet
first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiling import inlined
from .kernels import NO_CHANNEL, NO_RSSI
from .loading import LONGEST_KEY, four_little, four_native, octet, two_little

# what packets are: HCI; the link layer with a header of 256, with none, with Nordic's; no Bluetooth; not known here
HCI, RADIO, BARE, NORDIC, FOREIGN, OTHER, NOT_WALKED = 0, 1, 2, 3, 4, 5, 6
# what single octets tell: that a kind of packet, an event, or an LE event says nothing; RSSI or ``NO_RSSI``; the index
# of a channel or ``NO_CHANNEL``; what an octet adds to a CRC
KINDS, EVENTS, LE_EVENTS = 0, 1, 2
RSSI_OF_REPORT, RSSI_OF_EXTENDED, RSSI_OF_RADIO, RSSI_OF_NORDIC = 3, 4, 5, 6
CHANNEL_OF_RADIO, CHANNEL_OF_NORDIC, CRCS = 7, 8, 9

NO_FORM, BAD_CRC, NO_ADVERT, NO_BLUETOOTH = 0, 1, 2, 3
"""Forms of packets that say nothing; what follows the first of a form is known without reading it."""
FORMS = 4
# what a packet is, if not a mask under which it may be known again
DECODED, QUIET, FORM_0 = -1, -2, -3
_ADVERT = 1 << 16
MASKS = 2 * (LONGEST_KEY + 1)
"""Masks: for each number of octets one, and one that leaves out the RSSI of an extended report."""
HOLE_AT = 18
"""Where that RSSI is. Source: Core Specification, Vol 4 Part A 2 and Part E 7.7.65.13."""
ADVERTISING_ACCESS_ADDRESS = 0x8E89BED6
_ADVERTS = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 4 | 1 << 6
"""ADV_IND, ADV_DIRECT_IND, ADV_NONCONN_IND, SCAN_RSP, ADV_SCAN_IND."""
_EXTENDED = 1 << 7
"""What it says depends on others."""


class Meanings(NamedTuple):
    """What octets mean, as the plain decoders say.

    Attributes:
        of_octets: For each octet, what it tells; rows from ``KINDS`` to ``CRCS``.
        quiet_commands: For each opcode, whether the command says nothing.
    """

    of_octets: NDArray[np.int32]
    quiet_commands: NDArray[np.uint8]


@inlined
def _meaning(octets: int, row: int, value: int) -> int:
    """Return what an octet tells."""
    return int(np.int32(four_native(octets + (row * 256 + value) * 4)))


@inlined
def of_host(at: int, size: int, event: int, command: int, octets: int, commands: int) -> tuple[int, int]:
    """Say what a packet of HCI is: its mask, ``QUIET`` or ``DECODED``; and its RSSI.

    Args:
        at: Where the octet stands that tells the kind of packet.
        size: Octets from there on.
        event: What that octet is for events.
        command: What it is for commands.
        octets: What single octets tell.
        commands: What opcodes tell.

    Sources: Core Specification, Vol 4 Part A 2, Part E 5.4, 7.7.65.2, 7.7.65.13.
    """
    if size < 3:
        return DECODED, NO_RSSI
    kind, code = octet(at), octet(at + 1)
    if kind == command:
        quiet = size >= 4 and octet(commands + two_little(at + 1))
        return QUIET if quiet else DECODED, NO_RSSI
    if kind != event:
        return QUIET if _meaning(octets, KINDS, kind) else DECODED, NO_RSSI
    if code != 0x3E:
        return QUIET if _meaning(octets, EVENTS, code) else DECODED, NO_RSSI
    if size == 3 or size != 3 + octet(at + 2):
        return DECODED, NO_RSSI
    code = octet(at + 3)
    if code == 0x0D:
        # one extended report of a legacy PDU: its RSSI lies between address and data
        if (
            29 <= size <= LONGEST_KEY
            and octet(at + 4) == 1
            and octet(at + 5) & 0x10
            and size == 29 + octet(at + 28)
        ):
            return LONGEST_KEY + 1 + size, _meaning(octets, RSSI_OF_EXTENDED, octet(at + HOLE_AT))
    elif code == 0x02:
        # one report: event type, kind of address, address, length, data, RSSI
        if 15 <= size <= LONGEST_KEY + 1 and octet(at + 4) == 1 and size == 15 + octet(at + 13):
            return size - 1, _meaning(octets, RSSI_OF_REPORT, octet(at + size - 1))
    elif _meaning(octets, LE_EVENTS, code):
        return QUIET, NO_RSSI
    return DECODED, NO_RSSI


@inlined
def _of_pdu(at: int, size: int) -> int:
    """Say what an advertising PDU of a good CRC is: ``_ADVERT``, ``DECODED`` or less a form.

    Args:
        at: Where it begins.
        size: Its octets, without CRC.

    Source: Core Specification, Vol 6 Part B 2.3.
    """
    if size != 2 + octet(at + 1):
        return DECODED
    kind = 1 << (octet(at) & 0x0F)
    if kind & _EXTENDED:
        return DECODED
    return _ADVERT if kind & _ADVERTS else FORM_0 - NO_ADVERT


@inlined
def by_radio(at: int, size: int, octets: int) -> tuple[int, int, int]:
    """Say what a packet of link type 256 is: its mask, ``DECODED`` or less a form; RSSI and channel.

    The key begins with the flags: they tell whether the signal was measured.

    Source: LINKTYPE_BLUETOOTH_LE_LL_WITH_PHDR.
    """
    if size < 19:
        return DECODED, NO_RSSI, NO_CHANNEL
    flags = two_little(at + 8)
    if four_little(at + 10) != ADVERTISING_ACCESS_ADDRESS:
        if flags & 0x0010 and four_little(at + 4) == ADVERTISING_ACCESS_ADDRESS:
            return DECODED, NO_RSSI, NO_CHANNEL
        return FORM_0 - NO_ADVERT, NO_RSSI, NO_CHANNEL
    # dewhitened, CRC checked, not coded
    if flags & 0x0401 != 0x0401 or flags >> 14 == 2:
        return DECODED, NO_RSSI, NO_CHANNEL
    if not flags & 0x0800:
        return FORM_0 - BAD_CRC, NO_RSSI, NO_CHANNEL
    what = _of_pdu(at + 14, size - 17)
    if what != _ADVERT:
        return what, NO_RSSI, NO_CHANNEL
    channel = _meaning(octets, CHANNEL_OF_RADIO, octet(at))
    if channel == NO_CHANNEL or flags & 0x0040 or size - 11 > LONGEST_KEY:
        return DECODED, NO_RSSI, NO_CHANNEL
    rssi = _meaning(octets, RSSI_OF_RADIO, octet(at + 1)) if flags & 0x0002 else NO_RSSI
    return size - 11, rssi, channel


@inlined
def bare(at: int, size: int, octets: int) -> int:
    """Say what a packet of link type 251 is: its mask, ``DECODED`` or less a form; the key is the PDU."""
    if size < 9:
        return DECODED
    if four_little(at) != ADVERTISING_ACCESS_ADDRESS:
        return FORM_0 - NO_ADVERT
    # Core Specification, Vol 6 Part B 3.1.1
    state = 0xAAAAAA
    for index in range(at + 4, at + size - 3):
        state = state >> 8 ^ _meaning(octets, CRCS, (state ^ octet(index)) & 0xFF)
    if state != two_little(at + size - 3) | octet(at + size - 1) << 16:
        return FORM_0 - BAD_CRC
    what = _of_pdu(at + 4, size - 7)
    if what != _ADVERT:
        return what
    return size - 7 if size - 7 <= LONGEST_KEY else DECODED


@inlined
def by_nordic(at: int, size: int, octets: int) -> tuple[int, int, int]:
    """Say what a packet of link type 272 is, as ``by_radio``; the key begins with the access address.

    Source: LINKTYPE_NORDIC_BLE.
    """
    if size < 26:
        return DECODED, NO_RSSI, NO_CHANNEL
    version, length = octet(at + 3), two_little(at + 1)
    if version == 1:
        sound = length & 0xFF == 6 and size == 7 + (length >> 8)
    else:
        sound = (version == 2 or version == 3) and size == 7 + length
    if not sound or octet(at + 7) != 10:
        return DECODED, NO_RSSI, NO_CHANNEL
    if octet(at + 6) != (2 if version == 3 else 6) or four_little(at + 17) != ADVERTISING_ACCESS_ADDRESS:
        return FORM_0 - NO_ADVERT, NO_RSSI, NO_CHANNEL
    flags = octet(at + 8)
    if flags >> 4 & 7 == 2:
        return DECODED, NO_RSSI, NO_CHANNEL
    if not flags & 1:
        return FORM_0 - BAD_CRC, NO_RSSI, NO_CHANNEL
    what = _of_pdu(at + 21, size - 24)
    if what != _ADVERT:
        return what, NO_RSSI, NO_CHANNEL
    channel = _meaning(octets, CHANNEL_OF_NORDIC, octet(at + 9))
    rssi = _meaning(octets, RSSI_OF_NORDIC, octet(at + 10))
    if channel == NO_CHANNEL or rssi == NO_RSSI or size - 20 > LONGEST_KEY:
        return DECODED, NO_RSSI, NO_CHANNEL
    return size - 20, rssi, channel
