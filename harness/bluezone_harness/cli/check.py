"""``bzc check``: evidence, judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from bluezone_harness.evidence.contact_logs import ContactLogEvidence, read_contact_log
from bluezone_harness.evidence.device_files import DeviceFile, read_device_file
from bluezone_harness.profiles import profiles_of
from bluezone_harness.reports.json_report import json_text
from bluezone_harness.reports.terminal import terminal_text
from bluezone_harness.verdicts import Result, exit_code, judge
from bluezone_spec import load
from bluezone_spec.model import Axis

from .failures import CallerError
from .inputs import INPUT_FILE, file_name, read_file
from .options import profile_option
from .output import examples, width

DEVICE_VARIABLE = "BZC_DEVICE"
"""Environment variable that names the device file: keys do not belong into the arguments of a process."""
_STANDARD_INPUT = "-"
_BOTH = "both"


@click.command(
    epilog=examples(
        "bzc check data_trace.txt",
        "bzc check data_trace.txt --device device.json",
        "bzc check app_db_2.db app_cache_2.db --axis privacy --json",
        "bzc check data_trace.txt --device - --profile ios-v3 < device.json",
    )
    + '\n\nThe device file, short form: {"base_id": HEX, "base_day": "YYYY-MM-DD"}, with "max", "address", '
    '"platform" and "foreground" if they are known.'
)
@click.argument("evidence", nargs=-1, required=True, type=INPUT_FILE)
@click.option(
    "--device",
    "device_path",
    type=INPUT_FILE,
    metavar="FILE",
    envvar=DEVICE_VARIABLE,
    help=f"Whose evidence it is, as JSON; - reads it from standard input. Else ${DEVICE_VARIABLE}.",
)
@profile_option("By whose behaviour to judge.")
@click.option(
    "--axis",
    type=click.Choice([*map(str, Axis), _BOTH]),
    default=_BOTH,
    show_default=True,
    help="Which verdict counts, and is reported as text.",
)
@click.option("--strict", is_flag=True, help="A failed SHOULD ends with exit code 2.")
@click.option("--allow-inconclusive", is_flag=True, help="What is inconclusive ends with exit code 0.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(
    ctx: click.Context,
    evidence: Sequence[str],
    device_path: str | None,
    profile_name: str,
    axis: str,
    strict: bool,
    allow_inconclusive: bool,
    as_json: bool,
) -> None:
    """Judge evidence against the specification.

    EVIDENCE is one or more contact logs: an exported data_trace.txt, or a phone's databases app_db_2.db and
    app_cache_2.db. They are recognised by what they hold, not by their names.

    Two verdicts come out and never mix, conformance and privacy, each with its coverage. What the evidence
    cannot show is not observable, and never a pass.

    Exit code: 0 what was judged holds; 1 a MUST failed; 2 inconclusive, or nothing judged; 3 the evidence or
    the device file cannot be read.
    """
    if [*evidence, device_path].count(_STANDARD_INPUT) > 1:
        raise CallerError("standard input can be read only once: give '-' once")
    device_file = _device_file(device_path) if device_path else None
    logs = [_contact_log(path) for path in evidence]
    specification = load()
    result = judge(specification, profiles_of(specification)[profile_name], logs, device_file, "check")
    axes = tuple(Axis) if axis == _BOTH else (Axis(axis),)
    echo_result(result, axes, as_json=as_json)
    ctx.exit(exit_code(result, axes, strict=strict, allow_inconclusive=allow_inconclusive))


def echo_result(result: Result, axes: Sequence[Axis], *, as_json: bool) -> None:
    """Print a result as JSON or as text; colours are left out where nobody would see them."""
    text = json_text(result) if as_json else terminal_text(result, axes=axes, width=width(), color=True)
    click.echo(text, nl=False)


def _device_file(path: str) -> DeviceFile:
    return read_device_file(file_name(path), read_file(path))


def _contact_log(path: str) -> ContactLogEvidence:
    # BZ-LOG-003: an export of no records has no octets.
    empty = path != _STANDARD_INPUT and Path(path).is_file() and not Path(path).stat().st_size
    return read_contact_log(file_name(path), b"" if empty else read_file(path))
