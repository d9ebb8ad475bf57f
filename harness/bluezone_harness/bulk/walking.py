"""The loop that walks over records: it finds packets, and knows those again that it has seen before.

Offsets count in octets of the buffer, times are microseconds since the Unix epoch. After what the buffer holds it has
``SPARE`` octets more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiling import compiled, inlined
from .framing import (
    BEYOND,
    COMMAND,
    EVENT,
    FOUND,
    INTERFACE,
    LINK,
    OUT_OF_OCTETS,
    OUT_OF_ROOM,
    PASSED,
    PCAPNG,
    START,
    TAG,
    Framing,
    block_at,
    record_at,
)
from .kernels import NO_CHANNEL, NO_RSSI, TO_DECODE, Rows
from .loading import LONGEST_KEY, address_of, differs, eight_native, hash_of, keep
from .recognising import (
    BARE,
    DECODED,
    FOREIGN,
    FORM_0,
    HCI,
    NO_BLUETOOTH,
    NO_FORM,
    NORDIC,
    QUIET,
    RADIO,
    Meanings,
    bare,
    by_nordic,
    by_radio,
    of_host,
)

# columns of what is asked of the plain decoder: row, where the packet begins and ends, where its record begins,
# interface, form, and whether the end of the packet was not captured
ROW, FROM, TO, RECORD, OF_INTERFACE, FORM, IS_CUT = 0, 1, 2, 3, 4, 5, 6
ASKED = 7
PENDING, NEVER = -1, -2
"""Instead of which advert a key is: that is asked at the moment; none, it must be decoded each time."""
_PROBES = 64
"""Places of the table at which a key may stand; of a crowd, only the first are known again."""
_ODD = np.uint64(0x9E3779B97F4A7C15)
_UPPER, _LOWER = np.uint64(0xFFFFFFFF00000000), np.uint64(0xFFFFFFFF)


class Keys(NamedTuple):
    """Packets that were seen, without RSSI and channel: a table by their hashes, and their octets.

    Attributes:
        table: Upper half of the hash, and key and one; 0 where there is none; a power of two of them.
        contents: Octets of each key, and zeros.
        tags: Of each key, to which interface it belongs.
        whose: Of each key, which advert it is; or ``PENDING`` or ``NEVER``.
        number: Of the keys, alone in its array.
        masks: See ``MASKS``.
    """

    table: NDArray[np.uint64]
    contents: NDArray[np.uint64]
    tags: NDArray[np.int32]
    whose: NDArray[np.int32]
    number: NDArray[np.int64]
    masks: NDArray[np.uint64]


class Walked(NamedTuple):
    """How far a walk came.

    Attributes:
        at: Where the next record begins.
        packets: How many there were.
        rows: How many of them say something, or may.
        asked: How many of these must be decoded.
        again: How many came again that were asked in the same walk.
        reason: Why it ended.
    """

    at: int
    packets: int
    rows: int
    asked: int
    again: int
    reason: int


@inlined
def _hashed(at: int, mask: int, tag: int) -> tuple[np.uint64, np.uint64]:
    """Return the half of the hash of a packet that stands in the table, and at which place to look first."""
    hashed = (hash_of(at, mask) + np.uint64(tag)) * _ODD
    hashed = (hashed ^ hashed >> np.uint64(32)) * _ODD
    return hashed & _UPPER, hashed >> np.uint64(32)


@compiled
def fill_table(before: NDArray[np.uint64], table: NDArray[np.uint64]) -> None:
    """Enter all that a table holds into another that is empty and larger."""
    last = np.uint64(table.size - 1)
    for entry in before:
        if entry:
            place = entry >> np.uint64(32) & last
            while table[place]:
                place = place + np.uint64(1) & last
            table[place] = entry


@compiled
def walk(
    b: NDArray[np.uint8],
    at: int,
    end: int,
    framing: Framing,
    interfaces: NDArray[np.int64],
    meanings: Meanings,
    known: NDArray[np.uint8],
    forms: NDArray[np.int64],
    keys: Keys,
    rows: Rows,
    asked: NDArray[np.int64],
) -> Walked:
    """Walk over the records of ``b[at:end]``, as far as they are whole, sound, and there is room.

    Args:
        b: The buffer.
        at: Where the first record begins.
        end: Of what the buffer holds.
        framing: Of the records.
        interfaces: A row for each; columns from ``LINK`` on. Where the format has none, there is one.
        meanings: Of octets.
        known: Of each form, whether it is known what its packets say.
        forms: Of each form that is known, how many packets there were; added to.
        keys: What was seen; those that are new are added.
        rows: Where packets that say something are written.
        asked: What of them must be decoded, and behind it what came again while it was not; columns from ``ROW`` on.
            So many rows of each as ``rows`` has.

    It is one long function: of arrays that are handed to another the references are counted, for each packet.
    """
    # addresses, which need no counting of references; whoever called keeps the arrays alive
    buffer = address_of(b)
    at, end = at + buffer, end + buffer
    octets, commands = (
        address_of(meanings.of_octets),
        address_of(meanings.quiet_commands),
    )
    interface_rows, interface_count = address_of(interfaces), interfaces.shape[0]
    masks, contents = address_of(keys.masks), address_of(keys.contents)
    table, tags, whose, number = keys.table, keys.tags, keys.whose, keys.number[0]
    row_key, row_number, row_time, row_rssi, row_channel = rows
    room, last_place, capacity = row_key.size, np.uint64(table.size - 1), tags.size
    link, start, tag = interfaces[0, LINK], interfaces[0, START], interfaces[0, TAG]
    event, command = interfaces[0, EVENT], interfaces[0, COMMAND]
    packets = row = asking = again = index = 0
    reason = OUT_OF_OCTETS
    while at + framing.header <= end:
        if row == room or number == capacity:
            reason = OUT_OF_ROOM
            break
        if framing.kind == PCAPNG:
            why, length, index, size, is_cut, time_us = block_at(
                at, end, framing, interface_rows, interface_count
            )
            if why == PASSED:
                at += length
                continue
            if why != FOUND:
                reason = why
                break
            of = interface_rows + index * INTERFACE * 8
            link, start, tag = (
                eight_native(of + LINK * 8),
                eight_native(of + START * 8),
                eight_native(of + TAG * 8),
            )
            event, command = eight_native(of + EVENT * 8), eight_native(of + COMMAND * 8)
            first, following = at + 28, at + length
        else:
            why, size, is_cut, time_us = record_at(at, framing)
            if why != FOUND or size > framing.longest:
                reason = BEYOND
                break
            first = at + framing.header
            following = first + size
            if following > end:
                break
        packets += 1
        record, at = at, following
        rssi, channel = NO_RSSI, NO_CHANNEL
        key_at = first
        if is_cut and link != FOREIGN:
            what = DECODED
        elif link == HCI:
            key_at = first + start
            what, rssi = of_host(key_at, size - start, event, command, octets, commands)
        elif link == RADIO:
            what, rssi, channel = by_radio(first, size, octets)
            key_at = first + 8
        elif link == NORDIC:
            what, rssi, channel = by_nordic(first, size, octets)
            key_at = first + 17
        elif link == BARE:
            what = bare(first, size, octets)
            key_at = first + 4
        else:
            what = FORM_0 - (NO_BLUETOOTH if link == FOREIGN else NO_FORM)
        key, asks = np.int64(TO_DECODE), True
        if what >= 0:
            # known again, new, or one of a crowd of the same hash
            mask = masks + what * LONGEST_KEY
            wanted, place = _hashed(key_at, mask, tag)
            probes = 0
            while probes < _PROBES:
                entry = table[place & last_place]
                if entry == 0:
                    key = number
                    number += 1
                    table[place & last_place] = wanted | np.uint64(number)
                    keep(key_at, mask, contents + key * LONGEST_KEY)
                    tags[key] = tag
                    whose[key] = PENDING
                    break
                if entry & _UPPER == wanted:
                    key = np.int64(entry & _LOWER) - 1
                    if differs(key_at, mask, contents + key * LONGEST_KEY) == 0 and tags[key] == tag:
                        asks = whose[key] == NEVER
                        if whose[key] == PENDING:
                            asked[room + again, ROW] = row
                            asked[room + again, FROM] = first - buffer
                            asked[room + again, TO] = first - buffer + size
                            asked[room + again, RECORD] = record - buffer
                            asked[room + again, OF_INTERFACE] = index
                            asked[room + again, FORM] = NO_FORM
                            asked[room + again, IS_CUT] = 0
                            again += 1
                        break
                    key = np.int64(TO_DECODE)
                place += np.uint64(1)
                probes += 1
            if asks and key >= 0 and whose[key] == NEVER:
                key = np.int64(TO_DECODE)
        elif what <= FORM_0 and known[FORM_0 - what]:
            forms[FORM_0 - what] += 1
            continue
        elif what == QUIET:
            continue
        # an index that is not negative need not be looked at
        at_row = np.uint64(row)
        row_key[at_row] = key
        row_number[at_row] = packets
        row_time[at_row] = time_us
        row_rssi[at_row] = rssi
        row_channel[at_row] = channel
        if asks:
            form = FORM_0 - what if what <= FORM_0 else NO_FORM
            asked[asking, ROW] = row
            asked[asking, FROM] = first - buffer
            asked[asking, TO] = first - buffer + size
            asked[asking, RECORD] = record - buffer
            asked[asking, OF_INTERFACE] = index
            asked[asking, FORM] = form
            asked[asking, IS_CUT] = is_cut
            asking += 1
        row += 1
    keys.number[0] = number
    return Walked(at - buffer, packets, row, asking, again, reason)
