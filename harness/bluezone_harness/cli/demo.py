"""``bzc demo``: a capture of a simulated phone and a contact log of a simulated day, judged."""

from __future__ import annotations

from io import BytesIO

import click

from bluezone_harness.checks.captures import read_capture
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.observations import instant_text
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.sources import open_source
from bluezone_harness.verdicts import exit_code, judge
from bluezone_harness.virtual.captures import write_pcapng
from bluezone_harness.virtual.contact_logs import FIRST_DAY_MS, simulate_day
from bluezone_harness.virtual.phones import device_file, drawn_phone, prepared, simulate
from bluezone_harness.virtual.plans import Plan
from bluezone_reference.profiles import V3
from bluezone_spec import load
from bluezone_spec.model import Axis

from .check import echo_result
from .inputs import NUMBER
from .output import examples

_HOUR_MS = 3_600_000
_START_MS = FIRST_DAY_MS + 18 * _HOUR_MS
_HOURS = 12
_STRANGERS = 3
_INTERVAL_MS = 500
"""Fewer adverts than a phone sends, so that the demonstration is quick."""
_LOSS = 0.3


@click.command(epilog=examples("bzc demo", "bzc demo --log", "bzc demo --seed 7 --json"))
@click.option("--log", "of_log", is_flag=True, help="Judge a contact log instead of a capture.")
@click.option("--seed", type=NUMBER, default=1, show_default=True, metavar="N", help="Draws another day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, of_log: bool, seed: int, as_json: bool) -> None:
    """Judge a capture of a simulated phone.

    A phone advertises over midnight while strangers are near and a sniffer misses adverts; the capture is judged with
    the phone's device file, as 'bzc check' judges one of a real phone. With --log two or three phones meet, and what
    the first of them logged is judged. The same seed gives the same octets.
    """
    done, result, again = _judged_log(seed) if of_log else _judged_capture(seed)
    if not as_json:
        click.echo(f"{done}, judged:\n")
    echo_result(result, tuple(Axis), as_json=as_json)
    if not as_json:
        click.echo(f"\ntry next: {again}")
    ctx.exit(exit_code(result, tuple(Axis)))


def _judged_capture(seed: int) -> tuple[str, Result, str]:
    phone = drawn_phone("An", "android", _START_MS, seed)
    plan = prepared(
        Plan((phone,), _START_MS, _HOURS * _HOUR_MS, _LOSS, strangers=_STRANGERS, interval_ms=_INTERVAL_MS),
        seed,
    )
    octets = BytesIO()
    count = write_pcapng(simulate(plan, seed), octets)
    octets.seek(0)
    specification = load()
    result = judge(
        specification,
        profiles_of(specification)[V3.name],
        [],
        read_device_file("device.json", device_file(plan.phones)),
        "demo",
        [read_capture(open_source("capture.pcapng", octets))],
    )
    start = instant_text(_START_MS)[:16]
    done = (
        f"simulated {_HOURS} h from {start} UTC (seed {seed}): An and {_STRANGERS} strangers, {count} packets"
    )
    return done, result, "bzc check capture.pcapng --device device.json, on a real capture"


def _judged_log(seed: int) -> tuple[str, Result, str]:
    first, *others = simulate_day(seed)
    specification = load()
    result = judge(
        specification,
        profiles_of(specification)[V3.name],
        [read_contact_log("data_trace.txt", first.export)],
        read_device_file("device.json", first.device_file),
        "demo",
    )
    met = " and ".join(phone.name for phone in others)
    day = instant_text(FIRST_DAY_MS)[:10]
    done = f"simulated {day} (seed {seed}): {first.name} met {met}; {len(first.records)} records"
    return done, result, "bzc check data_trace.txt --device device.json, on a phone's own log"
