"""Captures to be read, written by struct alone: Bluezone phones among other devices, pcap of link type 201.

200 phones (30 % of the packets; each advertises for 15 s of every 30 s, with a new id and address every 15 min) stand
among 300 other devices.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

START_US = 1_597_042_800_000_000  # 2020-08-10T07:00:00Z
SLOT_S = 900
PHONES = 200
OTHERS = 300
OTHERS_A_BEAT = 233
"""Adverts of other devices while each phone may send one, and 100 of these do: 30 % are Bluezone's."""


def records(count: int, rate: int) -> Iterator[bytes]:
    """Yield the records of so many packets, in order of time; each sender has so many a second."""
    known: dict[tuple[int, int], bytes] = {}
    heard = 0
    beat = 0
    while True:
        second = beat // rate
        slot = second // SLOT_S
        if beat % (SLOT_S * rate) == 0:
            known.clear()
        senders = [phone for phone in range(PHONES) if (second + phone * 30 // PHONES) % 30 < 15]
        senders += [PHONES + (beat * OTHERS_A_BEAT + each) % OTHERS for each in range(OTHERS_A_BEAT)]
        step_us = 1_000_000 // rate // len(senders)
        for place, sender in enumerate(senders):
            packet = known.get((sender, slot))
            if packet is None:
                packet = known[sender, slot] = report(sender, slot)
            time_us = START_US + beat * 1_000_000 // rate + place * step_us
            yield struct.pack("<IIII", *divmod(time_us, 1_000_000), len(packet), len(packet)) + packet
            heard += 1
            if heard == count:
                return
        beat += 1


def report(sender: int, slot: int) -> bytes:
    """Return the advertising report of a sender in a slot, as a controller hands it to its host."""
    name = sha256(b"%d %d" % (sender, slot)).digest()
    if sender < PHONES:
        ad = bytes.fromhex("0201020fffb522") + name[:12] + bytes.fromhex("0303564e")
    else:
        ad = bytes.fromhex("02011a0aff4c001005") + name[:6]
    body = b"\x02\x01\x00\x01" + name[12:17] + b"\x5a" + bytes([len(ad)]) + ad + bytes([0xC4 - sender % 40])
    return b"\x00\x00\x00\x01\x04\x3e" + bytes([len(body)]) + body


def write(path: Path, count: int, rate: int = 1) -> None:
    """Write a capture of so many packets."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 201))
        file.writelines(records(count, rate))
