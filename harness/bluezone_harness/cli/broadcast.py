"""``bzc broadcast``: a scenario played towards a device under test, and the exact record of what was sent."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import click

from bluezone_harness.checks.rows import count_text
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.live.broadcasting import fits_record
from bluezone_harness.live.recorder import RawFile, new_file
from bluezone_harness.live.until import parse_until
from bluezone_harness.observations import instant_text
from bluezone_harness.virtual.phones import device_file
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_harness.virtual.scenarios.scenes import Scene, scene_of

from .broadcasts import Played, Wanted, send_scene, serve_scene
from .failures import NAME, CallerError, ExitCode, reason_of
from .files import keep_inputs, written
from .inputs import INPUT_FILE, file_name, read_file
from .output import examples, one_line
from .phone_options import write_device_option
from .record_paths import record_beside
from .served import SERVED_BY_DEFAULT, refuse_transport

_STANDARD = "-"
_EXAMPLES = {"full": "example.toml", "second-day": "second_day.toml"}


@click.command(
    epilog=examples(
        "bzc broadcast --example > session.toml",
        "bzc broadcast session.toml",
        "bzc broadcast session.toml --serve vhci",
        "bzc broadcast session.toml --hci usb:0 --write-device phones.json",
        "bzc check contacts.txt --scenario session.toml",
    )
)
@click.argument("scenario", required=False, type=INPUT_FILE, metavar="[SCENARIO]")
@click.option(
    "--serve",
    "transport",
    metavar="TRANSPORT",
    help="Where the device under test finds the controller that hears the phones: tcp-server:HOST:PORT, "
    f"unix-server:PATH, pty:PATH, vhci.  [default: {SERVED_BY_DEFAULT}]",
)
@click.option(
    "--hci", "hci", metavar="CONTROLLER", help="Send by a controller of one's own, such as usb:0, on the air."
)
@click.option(
    "--record",
    "record",
    type=INPUT_FILE,
    metavar="FILE",
    help="The record of what was sent; else beside the scenario, session.record.jsonl for session.toml.",
)
@click.option("--force", is_flag=True, help="Write over files that exist.")
@click.option("--duration", "duration", metavar="TIME", help="End after so long, such as 20min.")
@write_device_option()
@click.option(
    "--example",
    "example",
    is_flag=False,
    flag_value="full",
    type=click.Choice(list(_EXAMPLES)),
    help="Print a scenario to begin with: full, which takes 45 minutes, or second-day, which takes 25 hours.",
)
@click.pass_context
def command(
    ctx: click.Context,
    scenario: str | None,
    transport: str | None,
    hci: str | None,
    record: str | None,
    force: bool,
    duration: str | None,
    device_out: str | None,
    example: str | None,
) -> None:
    """Play a scenario towards a device under test.

    The scenario's phones, crafted adverts and relays are played from now on, by this computer's clock: on the virtual
    air, to whichever host takes the controller that is served (Linux's Bluetooth through vhci, or a program that takes
    one by TCP), or by --hci on the real air, or on that of Android's emulators (android-netsim). What was sent is
    recorded to the microsecond, as it comes, with what the device under test connected to and read; 'bzc check LOG
    --scenario SCENARIO' judges its contact log by that.

    A controller with extended advertising sends all that a scenario has at one time; where it has too few sets they
    take turns, and the record says whose it was. It cannot be given a public address. Ctrl-C ends, and leaves a whole
    record. It takes the extra 'hci'.

    Exit code: 0 the scenario, or --duration, is over; 3 it cannot be sent or recorded; 130 Ctrl-C came before.
    """
    if example is not None:
        _refuse_beside_example(scenario, transport, hci, record, duration, device_out)
        click.echo(_example(example), nl=False)
        return
    if scenario is None:
        raise CallerError("give a scenario, such as session.toml; 'bzc broadcast --example' prints one")
    if transport is not None and hci is not None:
        raise CallerError("--serve and --hci are two airs: give one")
    transport = SERVED_BY_DEFAULT if transport is None else transport
    refuse_transport(transport)
    if find_spec("bumble") is None:
        raise CallerError("a broadcast takes bumble: pip install 'bluezone-conformance[hci]'")
    path = _record_path(scenario, record, force=force)
    outputs = [("--record", str(path)), ("--write-device", device_out)]
    keep_inputs([scenario], outputs)
    _refuse_device_out(device_out, path, force=force)
    found = _read(scenario)
    wanted = Wanted(
        found,
        _Files(path, device_out, force),
        _duration_us(duration, found),
        _say,
    )
    playing = serve_scene(wanted, transport) if hci is None else send_scene(wanted, hci)
    played = asyncio.run(playing)
    _tell(played, path, scenario)
    ctx.exit(ExitCode.INTERRUPTED if played.interrupted else ExitCode.HOLDS)


@dataclass(frozen=True, slots=True)
class _Files:
    """What a broadcast writes.

    Attributes:
        record: Path of the record.
        device_out: Path of the device file of the phones; ``None``: none is wanted.
        force: What is there may be lost.
    """

    record: Path
    device_out: str | None
    force: bool

    def make_record(self) -> RawFile:
        """Make the file of the record.

        Raises:
            click.ClickException: It cannot be made; the message is complete.
        """
        try:
            if self.force and self.record.is_file() and not self.record.is_symlink():
                # another broadcast may still write to it: then each has a file of its own
                self.record.unlink(missing_ok=True)
            return new_file(self.record, overwrite=self.force)
        except OSError as error:
            raise click.ClickException(
                f"{self.record.name!r} cannot be written, {reason_of(error)}: give another --record"
            ) from None

    def write_device(self, scene: Scene) -> None:
        """Write the device file of the phones, if it is wanted.

        Raises:
            click.ClickException: It cannot be written; the message is complete.
        """
        if self.device_out is not None:
            with written(self.device_out) as file:
                file.write(device_file(scene.plan.phones))


def _say(text: str) -> None:
    """Say a sentence; where nobody listens any more, it is played on."""
    with suppress(OSError):
        click.echo(f"{NAME}: {one_line(text)}", err=True)


def _read(path: str) -> Scenario:
    """Return the scenario, once it is known that it can be played now.

    Raises:
        EvidenceError: It is none, or too long for a record.
        click.ClickException: It cannot begin now; the message is complete.
    """
    found = read_scenario(file_name(path), read_file(path))
    if not fits_record(found):
        raise EvidenceError(found.name, "it is longer than a line of a record can be: give one below 60 KiB")
    now_ms = time.time_ns() // 1_000_000
    try:
        scene_of(found, now_ms)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if found.start_ms is not None:
        click.echo(
            f"{NAME}: the scenario names {instant_text(found.start_ms)}, and is played from now on instead",
            err=True,
        )
    return found


def _example(name: str) -> str:
    folder = files("bluezone_harness").joinpath("virtual", "scenarios")
    return folder.joinpath(_EXAMPLES[name]).read_text(encoding="utf-8")


def _refuse_beside_example(*given: str | None) -> None:
    if any(each is not None for each in given):
        raise CallerError("--example prints a scenario, and plays none: give it alone")


def _record_path(scenario: str, record: str | None, *, force: bool) -> Path:
    """Return where the record is written.

    Raises:
        CallerError: Nobody knows where, something is there, or there is no such folder.
    """
    if record == _STANDARD:
        raise CallerError("--record: the record is a file, so that it can be judged: give its name")
    if record is None and scenario == _STANDARD:
        raise CallerError("a scenario from standard input has no place beside it: give --record")
    path = Path(record) if record is not None else record_beside(scenario)
    if not path.name:
        raise CallerError("--record: give the name of a file")
    if not path.parent.is_dir():
        raise CallerError(f"--record: there is no folder {str(path.parent)!r}: make it, or check the path")
    if path.is_dir():
        raise CallerError(f"--record: {path.name!r} is a folder: give the name of a file")
    if path.exists() and not force:
        raise CallerError(
            f"{path.name!r} is there already: give --force to write over it, or another --record"
        )
    return path


def _refuse_device_out(device_out: str | None, record: Path, *, force: bool) -> None:
    if device_out in (None, _STANDARD):
        return
    path = Path(str(device_out))
    if path.absolute() == record.absolute():
        raise CallerError("--write-device is the record: give another file")
    if path.is_file() and not force:
        raise CallerError(f"{path.name!r} is there already: give --force to write over it")


def _duration_us(text: str | None, scenario: Scenario) -> int:
    """Return how long is played, in microseconds.

    Raises:
        CallerError: It is no duration, or longer than the scenario.
    """
    lasts_us = scenario.duration_ms * 1000
    if text is None:
        return lasts_us
    try:
        wanted_us = parse_until(text).duration_us
    except ValueError:
        wanted_us = None
    if wanted_us is None:
        raise CallerError(f"--duration {json.dumps(text)}: give a duration such as 20min or 90s")
    if wanted_us > lasts_us:
        raise CallerError("--duration is longer than the scenario: leave it out, or write a longer scenario")
    return wanted_us


def _tell(played: Played, path: Path, scenario: str) -> None:
    """Say on standard error what was recorded, and what to do with it.

    Raises:
        click.ClickException: It could not be recorded to the end.
    """
    sets, reads = count_text(played.sets, "advertising set"), count_text(played.reads, "read")
    text = f"{played.reason}; {sets} and {reads} recorded in {path.name}"
    click.echo(f"{NAME}: {one_line(text)}", err=True)
    failure = played.failure
    if failure is not None:
        raise click.ClickException(str(failure))
    name = file_name(scenario) if scenario != _STANDARD else "SCENARIO"
    click.echo(one_line(f"judge a contact log: bzc check LOG --scenario {name}"), err=True)
