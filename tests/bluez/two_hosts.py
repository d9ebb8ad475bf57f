"""Plays virtual phones to two hosts at once: BlueZ, by a virtual HCI, and the genuine bleak over bumble, recorded here.

``python3 two_hosts.py RECORDING``: until Ctrl-C. It is a program of its own, because BlueZ's bleak is another process.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from bluezone_harness.cli.live_receivers import SystemClock
from bluezone_harness.live.bleak_receiver import BleakReceiver
from bluezone_harness.live.bumble_backend import client_backend, scanner_backend
from bluezone_harness.live.preparing import Wanted, prepared
from bluezone_harness.live.until import Until
from bluezone_harness.observations import Extent
from bluezone_harness.profiles import profiles_of
from bluezone_harness.virtual.ble.worlds import World, serve
from bluezone_harness.virtual.phones import drawn_phone
from bluezone_harness.virtual.phones import prepared as prepared_plan
from bluezone_harness.virtual.plans import Plan
from bluezone_spec import load

SEED = 5
LONG_MS = 3_600_000


def plan_of(start_ms: int) -> Plan:
    """Return two iPhones, one with its app open and one with it closed, an Android phone, and others; two hosts."""
    phones = (
        drawn_phone("An", "android", start_ms, SEED),
        drawn_phone("Binh", "ios", start_ms, SEED),
        # open too late to be seen: till then the overflow form
        replace(
            drawn_phone("Chi", "ios", start_ms, SEED),
            openings=((start_ms + LONG_MS - 1, start_ms + LONG_MS),),
        ),
        *(drawn_phone(f"stranger {each}", "android", start_ms, SEED) for each in range(2)),
    )
    return prepared_plan(Plan(phones, start_ms, LONG_MS, receivers=2, gatt=True), SEED)


def wanted(recording: Path) -> Wanted:
    """Return what ``bzc sniff --gatt`` wants."""
    specification = load()
    return Wanted(
        recording=recording,
        packets=None,
        overwrite=True,
        specification=specification,
        profile=profiles_of(specification)["v3"],
        device_file=None,
        command="sniff",
        until=Until(),
        reads=True,
        keeps=lambda observation: True,
        whole_air=Extent.YES,
        key=None,
        say=print,
    )


async def main(recording: Path) -> None:
    """Play, and listen beside."""
    start_ms = time.time_ns() // 1_000_000
    async with World(plan_of(start_ms), SEED) as world:
        serving = asyncio.create_task(serve(world, "vhci", 0))
        device = world.receivers[1]
        clock = SystemClock()
        receiver = BleakReceiver(
            clock, "Linux", scanner=scanner_backend(device), client=client_backend(device)
        )
        session = prepared(receiver, wanted(recording), clock)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, session.end, "somebody interrupted")
        print("both can hear", flush=True)
        ending = await session.run()
        print(ending.reason, ending.failure, flush=True)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
