"""``bzc simulate``: a capture of phones that were never there, correct or with planted faults."""

from __future__ import annotations

from pathlib import Path

import click

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import duration_text, instant_text
from bluezone_harness.virtual.captures import (
    LinkType,
    write_btsnoop,
    write_pcap,
    write_pcapng,
    write_recording,
)
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import device_file, prepared, sends_responses, simulate
from bluezone_harness.virtual.plans import Plan
from bluezone_harness.virtual.sessions import simulate_reading

from .failures import CallerError
from .files import keep_inputs, written
from .inputs import INPUT_FILE, NUMBER, TIME, file_name
from .output import examples, table
from .phone_options import (
    drawn_device_option,
    fault_option,
    loss_option,
    platform_option,
    seed_option,
    write_device_option,
)
from .planned_phones import fault_names, planned_phones

DEFAULT_START_MS = 1_597_046_400_000
"""2020-08-10T08:00:00Z."""
_HOUR_MS = 3_600_000
_FORMATS = {".pcap": "pcap", ".pcapng": "pcapng", ".btsnoop": "btsnoop", ".log": "btsnoop", ".jsonl": "jsonl"}
_ONE_RECEIVER = frozenset({"pcap", "btsnoop"})
_EARLY = frozenset({"before-base-day", "read-zeros"})
"""Faults by which a phone sends something, or answers, before its base day."""


def _list_faults(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    """Print the registry and end, if that is what was asked for."""
    if wanted and not ctx.resilient_parsing:
        rows = [
            (each.name, each.requirement, each.fault, ", ".join(each.platforms), each.text)
            for each in FAULTS.values()
        ]
        click.echo(table(("name", "requirement", "fault", "phones", "what the phone does"), rows))
        ctx.exit()


@click.command(
    epilog=examples(
        "bzc simulate --out capture.pcap --write-device device.json",
        "bzc simulate --out faulty.pcapng --fault slot-late --hours 4 --strangers 5 --loss 0.3",
        "bzc simulate --out own.pcap --device device.json --start 2020-08-08T22:00:00Z --seed 7",
        "bzc simulate --out iphone.jsonl --platform ios --gatt --write-device device.json",
        "bzc simulate --list-faults",
    )
)
@click.option(
    "--out", "out", type=INPUT_FILE, required=True, metavar="FILE", help="The capture; - for standard output."
)
@click.option(
    "--hours", type=float, default=2.0, show_default=True, metavar="H", help="How long the receivers listen."
)
@drawn_device_option()
@seed_option()
@fault_option()
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["pcap", "pcapng", "btsnoop", "jsonl"]),
    help="Of the capture; else as its file name ends, or pcap.",
)
@click.option(
    "--hci",
    "as_hci",
    is_flag=True,
    help="In pcap and pcapng: what a controller reports, not what a sniffer hears.",
)
@write_device_option()
@click.option(
    "--start",
    "start_ms",
    type=TIME,
    default=DEFAULT_START_MS,
    metavar="TIME",
    help="When it begins: ISO 8601 with an offset.  [default: 2020-08-10T08:00:00Z]",
)
@loss_option()
@click.option("--receivers", type=NUMBER, default=1, show_default=True, metavar="N", help="How many listen.")
@click.option(
    "--strangers", type=NUMBER, default=0, show_default=True, metavar="N", help="How many others are near."
)
@platform_option()
@click.option(
    "--interval-ms",
    type=NUMBER,
    default=100,
    show_default=True,
    metavar="N",
    help="Nominal advertising interval: longer ones make smaller files.",
)
@click.option(
    "--gatt",
    is_flag=True,
    help="In a recording: a reader beside the receivers reads iPhones by GATT.",
)
@click.option("--force", is_flag=True, help="Write over files that exist.")
@click.option(
    "--list-faults",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="List the faults that can be planted.",
)
def command(
    out: str,
    hours: float,
    device_path: str | None,
    seed: int,
    faults: tuple[str, ...],
    format_name: str | None,
    as_hci: bool,
    device_out: str | None,
    start_ms: int,
    loss: float,
    receivers: int,
    strangers: int,
    platform: str | None,
    interval_ms: int,
    gatt: bool,
    force: bool,
) -> None:
    """Write a capture of virtual phones.

    One phone, or those of a device file, advertise as the app's schedules have it, and what receivers hear of
    them is written as a capture. Without --fault the phones keep to the protocol. Everything is drawn from the
    seed: the same arguments give the same octets.

    A device file gives base ids, settings of max, the times when the app is open, and the clock offset; addresses
    are always drawn. --write-device writes one that fits the capture, whatever the faults changed.
    """
    format_name = format_name or _FORMATS.get(Path(out).suffix.lower(), "pcap")
    names = fault_names(faults)
    if receivers > 1 and format_name in _ONE_RECEIVER:
        raise CallerError(
            f"a {format_name} file has no place for several receivers: give --format pcapng or jsonl"
        )
    if as_hci and format_name not in ("pcap", "pcapng"):
        raise CallerError("--hci is for pcap and pcapng; btsnoop is always what a controller reports")
    if gatt and format_name != "jsonl":
        raise CallerError(f"--gatt: a {format_name} file has no place for GATT reads: give --format jsonl")
    keep_inputs([device_path], [("--out", out), ("--write-device", device_out)])
    for path in (out, device_out):
        if path is not None and path != "-" and Path(path).is_file() and not force:
            raise CallerError(f"{file_name(path)!r} is there already: give --force to write over it")
    if device_out is not None and device_out == out:
        raise CallerError("--out and --write-device name one file: give two")
    try:
        phones = planned_phones(device_path, platform, start_ms, seed, names)
        plan = prepared(
            Plan(phones, start_ms, _duration_ms(hours), loss, receivers, strangers, interval_ms, gatt), seed
        )
        packets = simulate(plan, seed)
        reading = simulate_reading(plan, seed) if gatt else packets
    except EvidenceError:
        raise
    except ValueError as error:
        raise CallerError(f"{error}; see 'bzc simulate --help'") from None
    _refuse_too_early(plan)
    _refuse_unshown(plan)
    link = LinkType.HCI if as_hci else LinkType.RADIO
    with written(out) as file:
        if format_name == "pcap":
            count = write_pcap(packets, file, link)
        elif format_name == "pcapng":
            count = write_pcapng(packets, file, link)
        elif format_name == "btsnoop":
            count = write_btsnoop(packets, file)
        else:
            responses = sends_responses(plan, seed)
            count = write_recording(reading, file, receivers, gatt=gatt, responses=responses)
    if device_out is not None:
        with written(device_out) as file:
            file.write(device_file(plan.phones))
    click.echo(_done(plan, count, out, device_out), err=True)


def _duration_ms(hours: float) -> int:
    if not 0 < hours <= 24 * 400:
        raise CallerError("--hours: give more than 0 and at most 9600 hours")
    return max(1, int(hours * _HOUR_MS))


def _refuse_too_early(plan: Plan) -> None:
    """Refuse a phone that could send nothing, since its base id was made later."""
    for phone in plan.phones:
        if phone.base_day_ms >= plan.until_ms + phone.offset_ms and not _EARLY & {*phone.faults}:
            raise CallerError(
                f"the base id of {phone.name!r} was made on {instant_text(phone.base_day_ms)[:10]}, after the end of "
                "the simulation: give --start a later time"
            )


def _refuse_unshown(plan: Plan) -> None:
    """Refuse faults of which nothing would show: those of an iPhone's ids, where nobody reads it."""
    for phone in plan.phones:
        unshown = [name for name in phone.faults if phone.platform == "ios" and FAULTS[name].by_reads]
        if unshown and not plan.gatt:
            raise CallerError(
                f"--fault {unshown[0]}: of an iPhone, GATT reads alone can show it: give --gatt, and --format jsonl"
            )


def _done(plan: Plan, count: int, out: str, device_out: str | None) -> str:
    who = f"{len(plan.phones)} phone{'s' if len(plan.phones) != 1 else ''}"
    if plan.strangers:
        who += f" and {plan.strangers} stranger{'s' if plan.strangers != 1 else ''}"
    faults = sorted({name for phone in plan.phones for name in phone.faults})
    planted = f", planted: {', '.join(faults)}" if faults else ""
    files = "standard output" if out == "-" else file_name(out)
    if device_out is not None:
        files += f", {file_name(device_out)}"
    return (
        f"simulated {duration_text(plan.duration_ms)} from {instant_text(plan.start_ms)}: "
        f"{count} packets of {who}{planted}; written: {files}"
    )
