"""``bzc phones``: virtual phones that a host hears by HCI, in real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import click

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import instant_text
from bluezone_harness.virtual.phones import device_file, drawn_phone, prepared
from bluezone_harness.virtual.plans import GREATEST_DURATION_MS, PhonePlan, Plan

from .failures import NAME, CallerError
from .files import keep_inputs, written
from .inputs import NUMBER, file_name
from .output import examples, one_line
from .phone_options import (
    drawn_device_option,
    fault_option,
    loss_option,
    platform_option,
    seed_option,
    write_device_option,
)
from .planned_phones import fault_names, planned_phones
from .served import SERVED_BY_DEFAULT, refuse_transport, serve_forever

_MOST_STRANGERS = 1000
_PLATFORMS = ("ios", "android")


@click.command(
    epilog=examples(
        "bzc phones --write-device device.json",
        "bzc phones --platform ios --strangers 3",
        "bzc phones --fault slot-late --serve tcp-server:127.0.0.1:6500",
        "bzc sniff --hci tcp-client:127.0.0.1:6402 --device device.json",
    )
)
@click.option(
    "--serve",
    "transport",
    default=SERVED_BY_DEFAULT,
    show_default=True,
    metavar="TRANSPORT",
    help="Where a host finds the controller that hears them: tcp-server:HOST:PORT, unix-server:PATH, pty:PATH, vhci.",
)
@drawn_device_option()
@seed_option()
@fault_option()
@platform_option()
@click.option(
    "--strangers", type=NUMBER, default=0, show_default=True, metavar="N", help="How many others are near."
)
@loss_option()
@write_device_option()
@click.option("--force", is_flag=True, help="Write over a file that exists.")
def command(
    transport: str,
    device_path: str | None,
    seed: int,
    faults: tuple[str, ...],
    platform: str | None,
    strangers: int,
    loss: float,
    device_out: str | None,
    force: bool,
) -> None:
    """Play virtual phones that a host hears by HCI.

    A controller made of software is served at a transport. Whoever connects to it, 'bzc sniff --hci' or any other
    host, hears phones that advertise by the app's schedules, by this computer's clock, and can read iPhones by GATT.
    They go on until Ctrl-C; a host may come and go. It takes the extra 'hci'.
    """
    if find_spec("bumble") is None:
        raise CallerError("virtual phones take bumble: pip install 'bluezone-conformance[hci]'")
    refuse_transport(transport)
    if not 0 <= strangers <= _MOST_STRANGERS:
        raise CallerError(f"--strangers {strangers}: give 0 to {_MOST_STRANGERS}")
    keep_inputs([device_path], [("--write-device", device_out)])
    if device_out not in (None, "-") and Path(device_out).is_file() and not force:
        raise CallerError(f"{file_name(device_out)!r} is there already: give --force to write over it")
    start_ms = time.time_ns() // 1_000_000
    names = fault_names(faults)
    try:
        phones = planned_phones(device_path, platform, start_ms, seed, names)
        # strangers of a plan come and go in the course of it, which is long here: these stay
        others = tuple(
            drawn_phone(f"stranger {number}", _PLATFORMS[number % 2], start_ms, seed)
            for number in range(1, strangers + 1)
        )
        plan = prepared(Plan((*phones, *others), start_ms, GREATEST_DURATION_MS, loss, gatt=True), seed)
    except EvidenceError:
        raise
    except ValueError as error:
        raise CallerError(f"{error}; see 'bzc phones --help'") from None
    if device_out is not None:
        with written(device_out) as file:
            file.write(device_file(plan.phones[: len(phones)]))
        click.echo(f"{NAME}: device file {file_name(device_out)}", err=True)
    who = _who(plan.phones[: len(phones)], strangers)
    with suppress(KeyboardInterrupt):
        asyncio.run(_play(plan, seed, transport, who, lambda text: click.echo(f"{NAME}: {text}", err=True)))


def _who(phones: tuple[PhonePlan, ...], strangers: int) -> str:
    """Return who is played, for people."""
    named = ", ".join(
        f"{phone.name} ({phone.platform}{''.join(f', {fault}' for fault in phone.faults)})"
        for phone in phones
    )
    if strangers:
        named += f" and {strangers} stranger{'s' if strangers != 1 else ''}"
    return one_line(named)


async def _play(plan: Plan, seed: int, transport: str, who: str, say: Callable[[str], None]) -> None:
    """Play until interrupted.

    Raises:
        click.ClickException: The transport cannot be opened; the message is complete.
    """
    from bluezone_harness.virtual.ble.worlds import World

    async with World(replace(plan, start_ms=time.time_ns() // 1_000_000), seed) as world:
        since = instant_text(world.plan.start_ms)
        told = f"{who}, from {since}; a controller that hears them: {transport}; Ctrl-C ends"
        await serve_forever(world, transport, lambda: say(told))
