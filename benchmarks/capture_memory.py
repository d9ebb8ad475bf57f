"""What reading captures costs: resident memory at two sizes, and packets a second, format by format.

Each capture is written by struct to a temporary file, and read and folded in a process of its own, so that no
memory of one run is left over for the next. The same phones send in both sizes, as in a longer capture of the
same place, each for 15 s of every 30 s.

    python benchmarks/capture_memory.py [--small N] [--large N] [--format FORMAT]...
"""

from __future__ import annotations

import argparse
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from bluezone_harness.observations import Advert
from bluezone_harness.sightings import Folding
from bluezone_harness.sources import open_source

FORMATS = ("pcap", "pcapng", "btsnoop", "recording")
SENDERS = 20
SLOT_US = 900_000_000
GOAL_KIB = 5 * 1024
BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000


def adverts(count: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield time in microseconds, address (as on the air) and AdvData of adverts of some phones around."""
    for number in range(count):
        sender = number % SENDERS
        beat = number // SENDERS
        # 150 adverts, then as long a pause
        time_us = 1_596_866_191_000_000 + beat * 100_000 + beat // 150 * 15_000_000 + sender * 1000
        name = sha256(b"%d %d" % (sender, time_us // SLOT_US)).digest()
        ad = bytes.fromhex("0201020fffb522") + name[:12] + bytes.fromhex("0303564e")
        yield time_us, name[12:17] + b"\x5a", ad


def records(name: str, count: int) -> Iterator[bytes]:
    """Yield a capture of a format, its header first."""
    if name == "pcap":
        yield struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 256)
    elif name == "pcapng":
        yield struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
        yield struct.pack("<IIHHII", 1, 20, 256, 0, 0, 20)
    elif name == "btsnoop":
        yield b"btsnoop\x00" + struct.pack(">II", 1, 1002)
    else:
        yield b'{"schema": 1, "source": "benchmark", "receiver": "", "capabilities": {"raw_ad": "yes"}}\n'
    for time_us, address, ad in adverts(count):
        if name == "recording":
            yield (
                b'{"kind": "advert", "time_us": %d, "address": "%s", "address_type": "resolvable", '
                b'"pdu": "ADV_IND", "ad": "%s", "rssi": -60}\n'
                % (time_us, address[::-1].hex(":").encode(), ad.hex().encode())
            )
        elif name == "btsnoop":
            body = b"\x02\x01\x00\x01" + address + bytes([len(ad)]) + ad + b"\xc4"
            packet = bytes([4, 0x3E, len(body)]) + body
            yield struct.pack(">IIIIq", len(packet), len(packet), 1, 0, time_us + BTSNOOP_EPOCH_US) + packet
        else:
            packet = bytes.fromhex("00c49c00d6be898e130cd6be898e40") + bytes([6 + len(ad)]) + address + ad
            packet += b"\x00\x00\x00"
            if name == "pcap":
                seconds, rest_us = divmod(time_us, 1_000_000)
                yield struct.pack("<IIII", seconds, rest_us, len(packet), len(packet)) + packet
            else:
                padding = bytes(-len(packet) % 4)
                length = 32 + len(packet) + len(padding)
                high, low = time_us >> 32, time_us & 0xFFFFFFFF
                head = struct.pack("<IIIIIII", 6, length, 0, high, low, len(packet), len(packet))
                yield head + packet + padding + struct.pack("<I", length)
    if name == "recording":
        yield b'{"kind": "end", "reason": "done"}\n'


def read(path: Path, folded: bool) -> None:
    """Read a capture; print its packets, the seconds it took, and the resident memory at its peak in KiB."""
    before = time.perf_counter()
    folding = Folding(path.name)
    with path.open("rb") as file:
        source = open_source(path.name, file)
        for each in source:
            if folded and isinstance(each, Advert):
                folding.add(each)
    taken = time.perf_counter() - before
    print(source.packets, taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    """Measure every format at both sizes and print the figures."""
    parser = argparse.ArgumentParser(description="resident memory and speed of reading captures")
    parser.add_argument("--small", type=int, default=10_000, help="packets of the small capture")
    parser.add_argument("--large", type=int, default=1_000_000, help="packets of the large capture")
    parser.add_argument("--format", action="append", choices=FORMATS, help="only this one; may be repeated")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fold", action="store_true", help="fold into sightings too; they are kept")
    asked = parser.parse_args()
    if asked.read:
        read(asked.read, asked.fold)
        return
    within = True
    for name in asked.format or FORMATS:
        figures: list[tuple[float, int]] = []
        for count in (asked.small, asked.large):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"capture.{name}"
                with path.open("wb") as file:
                    file.writelines(records(name, count))
                command = [sys.executable, __file__, "--read", str(path), *(["--fold"] if asked.fold else [])]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
            packets, taken, peak_kib = done.stdout.split()
            if int(packets) != count:
                raise SystemExit(f"{name}: {packets} of {count} packets were read")
            figures.append((count / float(taken), int(peak_kib)))
        growth_kib = figures[1][1] - figures[0][1]
        within &= growth_kib <= GOAL_KIB
        print(
            f"{name:10} {figures[1][0] / 1e6:5.2f} M packets/s; resident {figures[0][1] / 1024:6.1f} MiB at "
            f"{asked.small} packets, {figures[1][1] / 1024:6.1f} MiB at {asked.large}: {growth_kib / 1024:+.1f} MiB"
        )
    raise SystemExit(0 if within else "memory grew by more than 5 MiB")


if __name__ == "__main__":
    main()
