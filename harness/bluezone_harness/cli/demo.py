"""``bzc demo``: the contact log of a simulated day, judged."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.observations import instant_text
from bluezone_harness.profiles import profiles_of
from bluezone_harness.verdicts import exit_code, judge
from bluezone_harness.virtual.contact_logs import FIRST_DAY_MS, SimulatedPhone, simulate_day
from bluezone_reference.profiles import V3
from bluezone_spec import load
from bluezone_spec.model import Axis

from .check import echo_result
from .inputs import NUMBER
from .output import examples


@click.command(epilog=examples("bzc demo", "bzc demo --seed 7 --json"))
@click.option("--seed", type=NUMBER, default=1, show_default=True, metavar="N", help="Draws another day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, seed: int, as_json: bool) -> None:
    """Judge the contact log of a simulated day.

    Two or three phones meet several times. What the first of them logged is exported and judged, with its
    device file, as 'bzc check' judges the export of a real phone. The same seed gives the same day.
    """
    phones = simulate_day(seed)
    phone = phones[0]
    specification = load()
    result = judge(
        specification,
        profiles_of(specification)[V3.name],
        [read_contact_log("data_trace.txt", phone.export)],
        read_device_file("device.json", phone.device_file),
        "demo",
    )
    if not as_json:
        click.echo(_done(seed, phones))
    echo_result(result, tuple(Axis), as_json=as_json)
    if not as_json:
        click.echo("\ntry next: bzc check data_trace.txt --device device.json, on a phone's own log")
    ctx.exit(exit_code(result, tuple(Axis)))


def _done(seed: int, phones: Sequence[SimulatedPhone]) -> str:
    first, *others = phones
    day = instant_text(FIRST_DAY_MS)[:10]
    met = " and ".join(phone.name for phone in others)
    return f"simulated {day} (seed {seed}): {first.name} met {met}; {len(first.records)} records, judged:\n"
