"""``bzc rehearse``: a scenario played to a virtual app, correct or faulty, so that its contact log can be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from bluezone_harness.checks.rows import count_text
from bluezone_harness.observations import duration_text, instant_text
from bluezone_harness.virtual.apps.behaviours import AppBehaviour
from bluezone_harness.virtual.apps.faults import APP_FAULTS, CORRECT, app_behaviour, find_app_fault
from bluezone_harness.virtual.apps.rehearsals import Rehearsal, Rehearsed, rehearsal_of, rehearse
from bluezone_harness.virtual.scenarios.reading import read_scenario

from .failures import NAME, CallerError
from .files import keep_inputs, written
from .inputs import INPUT_FILE, TIME, file_name, read_file
from .output import examples, one_line, table
from .phone_options import loss_option, seed_option, write_device_option
from .record_paths import record_beside
from .simulate import DEFAULT_START_MS

_STANDARD = "-"


def _list_faults(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    """Print the registry and end, if that is what was asked for."""
    if wanted and not ctx.resilient_parsing:
        rows = [(each.name, each.requirement, each.fault, each.text) for each in APP_FAULTS.values()]
        click.echo(table(("name", "requirement", "fault", "what the app does"), rows))
        ctx.exit()


@click.command(
    epilog=examples(
        "bzc rehearse session.toml --write-log log.txt --write-device device.json",
        "bzc check log.txt --scenario session.toml --device device.json",
        "bzc rehearse session.toml --app F-18 --force --write-log faulty.txt",
        "bzc rehearse session.toml --loss 0.5 --seed 7 --record record.jsonl | head",
        "bzc rehearse --list-faults",
    )
)
@click.argument("scenario", type=INPUT_FILE)
@click.option(
    "--app",
    "apps",
    multiple=True,
    metavar="NAME",
    help=f"Which app hears it: {CORRECT}, or a fault, by name or as F-18; may be repeated.  [default: {CORRECT}]",
)
@click.option(
    "--write-log",
    "log_out",
    type=INPUT_FILE,
    default=_STANDARD,
    metavar="FILE",
    help="The contact log, as the app exports it.  [default: - for standard output]",
)
@click.option(
    "--write-database",
    "database_out",
    type=INPUT_FILE,
    metavar="FILE",
    help="Write the app's database too, as app_db_2.db has it.",
)
@click.option(
    "--record",
    "record_out",
    type=INPUT_FILE,
    metavar="FILE",
    help="The record of what was sent; else beside the scenario, session.record.jsonl for session.toml.",
)
@write_device_option("the app")
@seed_option()
@loss_option()
@click.option(
    "--start",
    "start_ms",
    type=TIME,
    metavar="TIME",
    help="When it begins: ISO 8601 with an offset.  [default: as the scenario says, or 2020-08-10T08:00:00Z]",
)
@click.option("--force", is_flag=True, help="Write over files that exist.")
@click.option(
    "--list-faults",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="List the faults that an app can have.",
)
def command(
    scenario: str,
    apps: tuple[str, ...],
    log_out: str,
    database_out: str | None,
    record_out: str | None,
    device_out: str | None,
    seed: int,
    loss: float,
    start_ms: int | None,
    force: bool,
) -> None:
    """Play a scenario to a virtual app.

    In no time at all, and without a radio, an app made of software hears what 'bzc broadcast' would send, by the scan
    schedule of the scenario's receiver, reads iPhones by GATT, and keeps a contact log. So a developer sees what a
    right log looks like, or a faulty one, before there is hardware. 'bzc check LOG --scenario SCENARIO' judges it by
    the record that is written beside it. The same arguments give the same octets.

    --seed draws the app: its base id, and where in its scan schedule it is at the start. What is played is drawn from
    the scenario's own seed. --write-device writes the app's device file, which tells its own ids.
    """
    record_out = _record_path(scenario, record_out)
    outputs = {
        "--write-log": log_out,
        "--write-database": database_out,
        "--record": record_out,
        "--write-device": device_out,
    }
    _refuse_outputs(scenario, outputs, force=force)
    found = read_scenario(file_name(scenario), read_file(scenario))
    if start_ms is None:
        start_ms = DEFAULT_START_MS if found.start_ms is None else found.start_ms
    names, behaviour = _behaviour(apps, found.receiver.platform)
    settings = {after_ms: value for name in names for after_ms, value in APP_FAULTS[name].settings.items()}
    try:
        rehearsal = rehearsal_of(found, start_ms, seed, loss=loss)
    except ValueError as error:
        raise CallerError(f"{error}; see 'bzc rehearse --help'") from None
    rehearsed = rehearse(rehearsal, behaviour, settings)
    for path, octets in (
        (record_out, rehearsed.record),
        (database_out, rehearsed.log.database),
        (device_out, rehearsed.log.device_file),
        (log_out, rehearsed.log.export),
    ):
        if path is not None:
            with written(path) as file:
                file.write(octets)
    click.echo(one_line(_told(rehearsal, rehearsed, names, outputs.values())), err=True)
    click.echo(one_line(_advice(scenario, outputs)), err=True)


def _behaviour(apps: Sequence[str], platform: str) -> tuple[tuple[str, ...], AppBehaviour]:
    """Return the names of the faults that are asked for, each once, and what an app does that has them.

    Raises:
        CallerError: One is not known, or they contradict each other.
    """
    try:
        names = tuple(
            dict.fromkeys(find_app_fault(each).name for each in apps if each.strip().lower() != CORRECT)
        )
        return names, app_behaviour(names, platform)
    except ValueError as error:
        raise CallerError(f"--app: {error} (see 'bzc rehearse --list-faults')") from None


def _record_path(scenario: str, record: str | None) -> str:
    """Return where the record is written.

    Raises:
        CallerError: Nobody knows where.
    """
    if record is not None:
        return record
    if scenario == _STANDARD:
        raise CallerError("a scenario from standard input has no place beside it: give --record")
    return str(record_beside(scenario))


def _refuse_outputs(scenario: str, outputs: dict[str, str | None], *, force: bool) -> None:
    """Refuse files that are named twice, or that would be lost.

    Raises:
        CallerError: One of them is.
    """
    keep_inputs([scenario], [*outputs.items()])
    seen: dict[str, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        place = path if path == _STANDARD else str(Path(path).absolute())
        if place in seen:
            raise CallerError(f"{seen[place]} and {option} name one file: give two")
        seen[place] = option
        if path == _STANDARD:
            continue
        target = Path(path)
        # before anything is written: one of four files alone is of no use
        if not target.parent.is_dir():
            raise CallerError(
                f"{option}: there is no folder {str(target.parent)!r}: make it, or check the path"
            )
        if target.is_dir():
            raise CallerError(f"{option}: {path!r} is a folder: give the name of a file")
        if target.is_file() and not force:
            raise CallerError(f"{file_name(path)!r} is there already: give --force to write over it")


def _told(
    rehearsal: Rehearsal, rehearsed: Rehearsed, names: Sequence[str], outputs: Iterable[str | None]
) -> str:
    """Return the line that says what came of it."""
    records = rehearsed.log.records
    known = len({each.contact_id for each in records})
    who = f"an app with {', '.join(names)}" if names else "a correct app"
    when = f"{duration_text(rehearsal.scenario.duration_ms)} from {instant_text(rehearsal.start_ms)}"
    files = ", ".join(file_name(each) for each in outputs if each is not None and each != _STANDARD)
    return (
        f"{NAME}: played {when} to {who}: {count_text(len(records), 'record')} of "
        f"{count_text(known, 'contact id')}; written: {files}"
    )


def _advice(scenario: str, outputs: dict[str, str | None]) -> str:
    """Return how the log is judged."""
    log, device, record = (outputs[each] for each in ("--write-log", "--write-device", "--record"))
    words = ["bzc check", "LOG" if log in (None, _STANDARD) else file_name(str(log))]
    if scenario == _STANDARD or record != str(record_beside(scenario)):
        words.append(file_name(str(record)))
    words += ["--scenario", "SCENARIO" if scenario == _STANDARD else file_name(scenario)]
    if device not in (None, _STANDARD):
        words += ["--device", file_name(str(device))]
    return f"judge the log: {' '.join(words)}"
