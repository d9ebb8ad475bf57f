"""``bzc check``: evidence, judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import click

from bluezone_harness.acceptance import accept, read_accept_file
from bluezone_harness.checks.alignment import aligned
from bluezone_harness.checks.captures import Capture
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.evidence.device_files import DeviceFile, read_device_file
from bluezone_harness.profiles import profiles_of
from bluezone_harness.reports.json_report import json_text
from bluezone_harness.reports.junit import junit_text
from bluezone_harness.reports.markdown import markdown_text
from bluezone_harness.reports.terminal import terminal_text
from bluezone_harness.results import Result
from bluezone_harness.verdicts import judge
from bluezone_spec import load
from bluezone_spec.model import Axis

from .broadcast_evidence import played_broadcast
from .evidence_inputs import read_all
from .evidence_options import axis_option, chosen_axes, device_option
from .expectations import exit_code_beside, unmet
from .failures import CallerError, ExitCode
from .files import keep_inputs, write_text
from .inputs import INPUT_FILE, file_name, read_file
from .options import profile_option
from .output import examples, width
from .watching import watched

"""Environment variable that names the device file: keys do not belong into the arguments of a process."""
_STANDARD_INPUT = "-"


@click.command(
    epilog=examples(
        "bzc check capture.pcapng --device device.json",
        "bzc check data_trace.txt --device device.json",
        "bzc check btsnoop_hci.log data_trace.txt --device device.json --junit report.xml",
        "tcpdump -i bluetooth0 -w - | bzc check - --device device.json",
        "bzc check app_db_2.db app_cache_2.db --axis privacy --json",
        "bzc check data_trace.txt --device - --profile ios-v3 < device.json",
        "bzc check data_trace.txt --scenario session.toml",
    )
    + '\n\nThe device file, short form: {"base_id": HEX, "base_day": "YYYY-MM-DD"}, with "max", "address", '
    '"platform" and "foreground" if they are known.'
)
@click.argument("evidence", nargs=-1, required=True, type=INPUT_FILE)
@device_option("; - reads it from standard input")
@click.option(
    "--scenario",
    "scenario_path",
    type=INPUT_FILE,
    metavar="FILE",
    help="The scenario that was played to the device: contact logs are judged against the record of it.",
)
@profile_option("By whose behaviour to judge.")
@axis_option()
@click.option("--strict", is_flag=True, help="A failed SHOULD ends with exit code 2.")
@click.option("--allow-inconclusive", is_flag=True, help="What is inconclusive ends with exit code 0.")
@click.option(
    "--accept",
    "accept_path",
    type=INPUT_FILE,
    metavar="FILE",
    help="Failures that are known, as TOML: they do not count for the exit code.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--junit", "junit_path", type=click.Path(), metavar="FILE", help="Write JUnit XML too.")
@click.option("--markdown", "markdown_path", type=click.Path(), metavar="FILE", help="Write Markdown too.")
@click.pass_context
def command(
    ctx: click.Context,
    evidence: Sequence[str],
    device_path: str | None,
    scenario_path: str | None,
    profile_name: str,
    axis: str,
    strict: bool,
    allow_inconclusive: bool,
    accept_path: str | None,
    as_json: bool,
    junit_path: str | None,
    markdown_path: str | None,
) -> None:
    """Judge evidence against the specification.

    EVIDENCE is one or more captures and contact logs, together: pcap, pcapng, btsnoop, PacketLogger or a recording
    (JSON Lines); an exported data_trace.txt, or a phone's databases app_db_2.db and app_cache_2.db; packed by gzip,
    or in a zip archive such as a phone's bug report. They are recognised by what they hold, not by their names;
    - reads standard input. Captures of the same phones are judged by the clock of the first, where it is sure by how
    much the others differ.

    With the record of a broadcast among EVIDENCE, or beside the --scenario that was played (session.record.jsonl of
    session.toml), contact logs are judged against what was sent: what had to be heard, and what must not be logged.
    What the scenario expects has to come, a failure too.

    Two verdicts come out and never mix, conformance and privacy, each with its coverage. What the evidence
    cannot show is not observable, and never a pass.

    Ctrl-C while evidence is read ends the reading: the verdict is on what was read so far, and marked partial.

    Exit code: 0 what was judged holds; 1 a MUST failed; 2 inconclusive, or nothing judged; 3 the evidence or
    the device file cannot be read; 130 interrupted, and no MUST failed so far.
    """
    if [*evidence, device_path, scenario_path, accept_path].count(_STANDARD_INPUT) > 1:
        raise CallerError("standard input can be read only once: give '-' once")
    keep_inputs(
        [*evidence, device_path, scenario_path, accept_path],
        [("--junit", junit_path), ("--markdown", markdown_path)],
    )
    device_file = _device_file(device_path) if device_path else None
    accepted = read_accept_file(file_name(accept_path), read_file(accept_path)) if accept_path else None
    with watched(evidence) as watch:
        pieces, left_out = read_all(evidence, watch)
        played = played_broadcast(pieces, scenario_path, watch)
    specification = load()
    result = judge(
        specification,
        profiles_of(specification)[profile_name],
        [each for each in pieces if isinstance(each, ContactLogEvidence)],
        device_file,
        "check",
        aligned([each for each in pieces if isinstance(each, Capture)]),
        None if played is None else played.broadcast,
    )
    if left_out:
        result = replace(result, partial=True, diagnostics=(*result.diagnostics, *left_out))
    if accepted is not None:
        result = accept(result, accepted, _today())
    axes = chosen_axes(axis)
    if junit_path is not None:
        xml = junit_text(result, axes=axes, strict=strict, allow_inconclusive=allow_inconclusive)
        write_text(junit_path, xml)
    if markdown_path is not None:
        write_text(markdown_path, markdown_text(result, axes=axes))
    echo_result(result, axes, as_json=as_json)
    expectations = () if played is None else played.scenario.expectations
    for sentence in unmet(result, expectations):
        click.echo(f"bzc: {sentence}", err=True)
    code = exit_code_beside(result, expectations, axes, strict=strict, allow_inconclusive=allow_inconclusive)
    # what was found stands; what was not may be in what was not read
    ctx.exit(ExitCode.INTERRUPTED if watch.interrupted and code != ExitCode.FAILED else code)


def echo_result(result: Result, axes: Sequence[Axis], *, as_json: bool) -> None:
    """Print a result as JSON or as text; colours are left out where nobody would see them."""
    text = json_text(result) if as_json else terminal_text(result, axes=axes, width=width(), color=True)
    click.echo(text, nl=False)


def _device_file(path: str) -> DeviceFile:
    return read_device_file(file_name(path), read_file(path))


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251 - the shell is where the clock is
