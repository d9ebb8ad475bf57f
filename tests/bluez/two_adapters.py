"""Two adapters of the kernel's on one virtual air, until they are ended: what one sends the other hears."""

from __future__ import annotations

import asyncio
import time

from bluezone_harness.virtual.ble.worlds import World, serve
from bluezone_harness.virtual.plans import Plan

SEED = 8
LASTS_MS = 3_600_000


async def run() -> None:
    """Serve two controllers; nobody else sends anything."""
    plan = Plan((), time.time_ns() // 1_000_000, LASTS_MS, receivers=2)
    async with World(plan, SEED) as world:
        print("both are served", flush=True)
        await asyncio.gather(*(serve(world, "vhci", number) for number in range(2)))


if __name__ == "__main__":
    asyncio.run(run())
