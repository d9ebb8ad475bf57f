"""What virtual phones cost: a day of one phone, and an hour of 200, played through HCI in virtual time.

Each is played through hosts and controllers, and the host of one receiver is told of every advert. Beside
it stands ``simulate``, which makes the same adverts without any of that. Seconds are those of the processor.

    python benchmarks/virtual_phones.py [--rounds N] [--phones N]
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from statistics import median

from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.phones import drawn_phone, simulate
from bluezone_harness.virtual.plans import Plan

START_MS = 1_596_844_800_000
HOUR_MS = 3_600_000
SEED = 1
DAY_GOAL_S = 10.0


def plan_of(phones: int, hours: int, interval_ms: int) -> Plan:
    """Return a plan of Android phones: 15 s on, 15 s off."""
    drawn = (drawn_phone(f"phone {number}", "android", START_MS, SEED) for number in range(phones))
    return Plan(tuple(drawn), START_MS, hours * HOUR_MS, interval_ms=interval_ms)


def played(plan: Plan) -> int:
    """Play a plan, and return how many adverts the receiver's host was told of."""
    count = 0

    def take(report: object) -> None:
        nonlocal count
        count += 1

    async def main() -> None:
        async with World(plan, SEED) as world:
            receiver = world.receivers[0]
            receiver.host.on("advertising_report", take)
            await receiver.start_scanning(legacy=True, active=False)
            await world.run_until(plan.until_ms * 1000)

    run_in_virtual_time(main())
    return count


def simulated(plan: Plan) -> int:
    """Return how many adverts ``simulate`` makes of a plan."""
    return sum(1 for _ in simulate(plan, SEED))


def measured(work: Callable[[Plan], int], plan: Plan, rounds: int) -> tuple[int, float]:
    """Return how many adverts there were, and the median of the seconds that it took."""
    taken, count = [], 0
    for _ in range(rounds):
        before = time.process_time()
        count = work(plan)
        taken.append(time.process_time() - before)
    return count, median(taken)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--phones", type=int, default=200)
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}; bumble {version('bumble')}; {arguments.rounds} rounds.\n")
    print("| what | adverts | seconds | adverts a second | times real time | simulate | ratio |")
    print("|---|---|---|---|---|---|---|")
    day_s = 0.0
    for what, plan in (
        ("a phone, 24 h, 1 s interval", plan_of(1, 24, 1000)),
        ("a phone, 24 h, 100 ms interval", plan_of(1, 24, 100)),
        (f"{arguments.phones} phones, 1 h, 1 s interval", plan_of(arguments.phones, 1, 1000)),
        (f"{arguments.phones} phones, 1 h, 100 ms interval", plan_of(arguments.phones, 1, 100)),
    ):
        count, taken_s = measured(played, plan, arguments.rounds)
        same, beside_s = measured(simulated, plan, arguments.rounds)
        if count != same:
            raise SystemExit(f"{what}: {count} adverts were heard of {same}")
        day_s = day_s or taken_s
        print(
            f"| {what} | {count:,} | {taken_s:.1f} | {count / taken_s:,.0f} "
            f"| {plan.duration_ms / 1000 / taken_s:,.0f} | {beside_s:.2f} s | {taken_s / beside_s:.0f} |",
            flush=True,
        )
    print(
        f"\nA day of a phone: {day_s:.1f} s, {'reached' if day_s < DAY_GOAL_S else 'missed'}: {DAY_GOAL_S:.0f} s."
    )


if __name__ == "__main__":
    main()
