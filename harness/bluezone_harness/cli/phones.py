"""``bzc phones``: virtual phones that a host hears by HCI, in real time."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
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
from .output import examples, one_line, shown
from .phone_options import (
    drawn_device_option,
    fault_option,
    loss_option,
    platform_option,
    seed_option,
    write_device_option,
)
from .planned_phones import fault_names, planned_phones

_DEFAULT = "tcp-server:127.0.0.1:6402"
_SERVERS: Mapping[str, str] = {
    "tcp-server": _DEFAULT,
    "unix-server": "unix-server:phones.socket",
    "ws-server": "ws-server:127.0.0.1:6402",
    "pty": "pty:phones.pty",
    "vhci": "vhci",
}
"""Transports of bumble at which a controller can be served, each with an example of a complete name."""
_GREATEST_PORT = 65535
_MOST_STRANGERS = 1000
_AGAIN_S = 0.2
_ADVICE: Mapping[int, str] = {
    errno.EADDRINUSE: "another program is served there, or a file is there: give another place",
    errno.EADDRNOTAVAIL: "this computer has no such address: give 127.0.0.1, or _ for all that it has",
    errno.EACCES: "this user is not allowed to: give another place, such as a port above 1023",
    errno.EEXIST: "something is there already: give another path",
    errno.ENOENT: "there is no such folder: check the path",
}
_NO_VHCI = "this system has no virtual HCI: load the kernel's module hci_vhci, as root"
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
    default=_DEFAULT,
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
    _refuse_transport(transport)
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


def _refuse_transport(transport: str) -> None:
    """Refuse what names no place at which a controller can be served.

    Raises:
        CallerError: It names none.
    """
    scheme, _, place = transport.partition(":")
    example = _SERVERS.get(scheme)
    if example is None:
        raise CallerError(
            f"--serve {shown(transport)}: give one of {', '.join(_SERVERS)}, such as {_DEFAULT}"
        )
    host, _, port = place.rpartition(":")
    complete = bool(place) or scheme == "vhci"
    if scheme in ("tcp-server", "ws-server"):
        complete = bool(host) and port.isdecimal() and 1 <= int(port) <= _GREATEST_PORT
    if not complete:
        raise CallerError(f"--serve {shown(transport)}: that is no complete name, give one such as {example}")


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
    from bluezone_harness.virtual.ble.worlds import World, serve

    # what bumble writes into its log goes where somebody asks for it
    logging.getLogger("bumble").addHandler(logging.NullHandler())
    told = False
    async with World(replace(plan, start_ms=time.time_ns() // 1_000_000), seed) as world:
        while True:
            serving = asyncio.create_task(serve(world, transport))
            try:
                await asyncio.wait([serving], timeout=_AGAIN_S)
                if not told and not (serving.done() and serving.exception()):
                    told = True
                    since = instant_text(world.plan.start_ms)
                    say(f"{who}, from {since}; a controller that hears them: {transport}; Ctrl-C ends")
                await serving
            except Exception as error:  # noqa: BLE001 - whatever a library raises, people get a sentence
                raise click.ClickException(
                    f"{transport} cannot be served: {_reason(transport, error)}"
                ) from None
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
            await asyncio.sleep(_AGAIN_S)


def _reason(transport: str, error: Exception) -> str:
    """Return why a controller cannot be served, and what to do."""
    if isinstance(error, socket.gaierror):
        return "there is no host of that name: give an address of this computer, such as 127.0.0.1"
    if not isinstance(error, OSError) or error.errno is None:
        said = " ".join(str(error).split()) or type(error).__name__
        return f"{said}: give another place, such as {_DEFAULT}"
    number = error.errno
    if transport.startswith("vhci") and number in (errno.ENOENT, errno.ENODEV, errno.EACCES):
        return _NO_VHCI
    return _ADVICE.get(number) or f"{os.strerror(number).lower()}: give another place"
