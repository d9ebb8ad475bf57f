"""Records in child processes what a busy place sends, and kills them: ``python killed_recorders.py FOLDER SEED COUNT``.

Each child is forked from this process, which has imported all and has one thread. It runs a session that records and
judges, and tells over a pipe what it heard, and when, before the session gets it. Of each child that was killed a line
of JSON tells on standard output: its number, the pairs of place and instant (ns) that it heard, the instant of the
kill, and by which signal it ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.live.preparing import Wanted, prepared
from bluezone_harness.live.receivers import Hear, HearPacket
from bluezone_harness.live.until import Until
from bluezone_harness.observations import AddressType, Advert, Capability, Extent, PduType
from bluezone_harness.profiles import profiles_of
from bluezone_spec import load

START_US = 1_596_866_191_000_000
PHONES = 40
A_SECOND = 1000
AT_ONCE = 12
LONGEST_S = 1.5
FOREVER = 100_000
"""Adverts, should nobody be left to kill a child."""
HCI = 201
SHOWN = {
    Capability.RAW_AD: Extent.YES,
    Capability.AD_ORDER: Extent.YES,
    Capability.ADDRESS: Extent.YES,
    Capability.ADDRESS_TYPE: Extent.YES,
    Capability.PDU_TYPE: Extent.YES,
    Capability.RSSI: Extent.YES,
    Capability.SCAN_RESPONSE: Extent.YES,
}
SPECIFICATION = load()
PROFILE = profiles_of(SPECIFICATION)["v3"]
DEVICE_FILE = read_device_file(
    "device.json", b'{"base_id": "%s", "base_day": "2020-08-08"}' % (b"4c5224b397f8ab38" * 4)
)
_HEARD = struct.Struct("<qq")
_READY = -1


def ad_of(index: int) -> bytes:
    return b"\x02\x01\x02\x0f\xff\xb5\x22" + bytes([index % PHONES]) * 12 + b"\x03\x03\x56\x4e"


def address_of(index: int) -> bytes:
    return b"\x5a\x00\x00\x00\x00" + bytes([index % PHONES])


class Busy:
    """A receiver in a busy place, which tells what it hears before it hands it on."""

    title = "killed"
    tells_fields = False
    is_clock = False
    capabilities: Mapping[Capability, Extent] = SHOWN

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    async def listen(self, hear: Hear, hear_packet: HearPacket) -> None:
        begun_ns, index = time.monotonic_ns(), 0
        while index < FOREVER:
            due = (time.monotonic_ns() - begun_ns) * A_SECOND // 1_000_000_000
            while index <= due:
                time_us, ad, address = (
                    START_US + index * 1_000_000 // A_SECOND,
                    ad_of(index),
                    address_of(index),
                )
                os.write(self._pipe, _HEARD.pack(index, time.monotonic_ns()))
                kinds = (AddressType.RESOLVABLE, PduType.ADV_IND)
                hear(Advert(0, time_us, "left", address, *kinds, ad, -60, None))
                event = b"\x04\x3e\x23\x02\x01\x00\x01" + address[::-1] + bytes([len(ad)]) + ad + b"\xc4"
                hear_packet(time_us, HCI, b"\x00\x00\x00\x01" + event)
                if index == 0:  # from now on there is a recording
                    os.write(self._pipe, _HEARD.pack(_READY, time.monotonic_ns()))
                index += 1
            await asyncio.sleep(0.002)

    def client(self, advert: Advert, timeout_s: float) -> None:
        return None


class Clock:
    def now_us(self) -> int:
        return time.time_ns() // 1000


async def record(folder: Path, number: int, pipe: int) -> None:
    """Record, and judge the while."""
    wanted = Wanted(
        folder / f"{number}.jsonl",
        folder / f"{number}.pcapng",
        False,
        SPECIFICATION,
        PROFILE,
        DEVICE_FILE,
        "sniff",
        Until(),
        False,
        lambda observation: True,
        Extent.YES,
        None,
        lambda text: None,
        judge_each_s=0.2,
    )
    await prepared(Busy(pipe), wanted, Clock()).run()


@dataclass
class Child:
    number: int
    pid: int
    pipe: int
    after_ns: int
    octets: bytearray = field(default_factory=bytearray)

    def listen(self) -> None:
        """Take what it told so far."""
        try:
            while told := os.read(self.pipe, 65_536):
                self.octets += told
        except BlockingIOError:
            pass

    def is_due(self, now_ns: int) -> bool:
        """Tell whether it has recorded for as long as it may."""
        if len(self.octets) < 2 * _HEARD.size:
            return False
        _, ready_ns = _HEARD.unpack_from(self.octets, _HEARD.size)
        return bool(now_ns >= ready_ns + self.after_ns)

    def kill(self) -> str:
        """Kill it, and return what is to be told of it."""
        kill_ns = time.monotonic_ns()
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        self.listen()
        os.close(self.pipe)
        # a write of so few octets to a pipe is whole or did not happen
        heard = [(index, heard_ns) for index, heard_ns in _HEARD.iter_unpack(self.octets) if index >= 0]
        told = {
            "number": self.number,
            "after_ms": self.after_ns // 1_000_000,
            "heard": heard,
            "kill_ns": kill_ns,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        }
        return json.dumps(told)


def start(folder: Path, seed: str, number: int, others: list[Child]) -> Child:
    after_ns = int(Random(f"{seed} {number}").uniform(0, LONGEST_S) * 1_000_000_000)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        for each in (reading, *(other.pipe for other in others)):
            os.close(each)
        try:
            asyncio.run(record(folder, number, writing))
        finally:
            os._exit(1)
    os.close(writing)
    os.set_blocking(reading, False)
    return Child(number, pid, reading, after_ns)


def main(folder: Path, seed: str, count: int) -> None:
    waiting = list(range(count))[::-1]
    running: list[Child] = []
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                running.append(start(folder, seed, waiting.pop(), running))
            for child in [*running]:
                child.listen()
                if child.is_due(time.monotonic_ns()):
                    running.remove(child)
                    print(child.kill(), flush=True)
            time.sleep(0.002)
    finally:
        for child in running:
            child.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
