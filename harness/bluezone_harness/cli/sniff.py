"""``bzc sniff``: adverts as they come, recorded, shown and judged."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import click

from bluezone_harness.checks.rows import count_text
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.live.preparing import Wanted, shows_packets
from bluezone_harness.live.stream_receiver import StreamReceiver
from bluezone_harness.live.until import Until
from bluezone_harness.observations import Extent
from bluezone_harness.profiles import profiles_of
from bluezone_harness.verdicts import exit_code
from bluezone_spec import load

from .check import echo_result
from .convert import key_of, read_addresses
from .evidence_options import axis_option, chosen_axes, device_option
from .failures import NAME, ExitCode
from .files import keep_inputs
from .inputs import INPUT_FILE, file_name, read_file
from .listening import Listened, listen
from .live_options import read_adapter, read_until, recorded_files, refuse_together
from .live_receivers import STANDARD_INPUT, SystemClock, live_receiver
from .live_views import opened_view
from .options import profile_option
from .output import examples, one_line
from .selections import Selection, StreamingSelection


@click.command(
    epilog=examples(
        "bzc sniff",
        "bzc sniff --device device.json --until 20min",
        "bzc sniff --gatt --device device.json --until decided",
        "bzc sniff --hci usb:0 --bluezone-only --out desk.jsonl",
        "bzc sniff --hci tcp-client:127.0.0.1:6402 --private",
        "bzc sniff --hci-socket 0 --passive",
        "tshark -i INTERFACE -w - | bzc sniff - --device device.json",
    )
)
@click.argument("stream", required=False, type=click.Choice([STANDARD_INPUT]), metavar="[-]")
@click.option(
    "--hci", "hci", metavar="CONTROLLER", help="Listen by a controller of one's own, such as usb:0."
)
@click.option(
    "--hci-socket",
    "hci_socket",
    metavar="N",
    callback=read_adapter,
    help="Listen by the system's adapter hciN, taken away from BlueZ meanwhile (Linux).",
)
@click.option("--adapter", metavar="NAME", help="Which of the system's adapters, such as hci1 (Linux).")
@click.option("--passive", is_flag=True, help="Ask for no scan responses (with --hci, --hci-socket).")
@click.option(
    "--gatt",
    "reads",
    is_flag=True,
    help="Read iPhones' ids by GATT, once an address and slot; on macOS by --hci only.",
)
@click.option(
    "--out",
    "out",
    type=INPUT_FILE,
    metavar="FILE",
    help="The recording; else named by the time. Packets go beside it, as pcapng, where their octets are known.",
)
@click.option("--force", is_flag=True, help="Write over files that exist.")
@device_option(": judge it")
@profile_option("By whose behaviour to judge.")
@click.option(
    "--until",
    "until",
    callback=read_until,
    metavar="WHEN",
    help="A duration (20min), a count of adverts (5000), or decided: each MUST that listening can decide is judged.",
)
@click.option("--bluezone-only", is_flag=True, help="Record only what Bluezone phones send.")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="A",
    callback=read_addresses,
    help="Record only what this address sends; may be repeated.",
)
@click.option(
    "--min-rssi",
    "least_rssi",
    type=click.IntRange(-127, 20),
    metavar="DBM",
    help="Show only strangers at least as strong; all are recorded.",
)
@click.option("--private", is_flag=True, help="Record bystanders by pseudonyms.")
@click.option(
    "--key-file",
    type=INPUT_FILE,
    metavar="FILE",
    help="Makes the pseudonyms: the same with the same key; else a key is drawn, and forgotten.",
)
@axis_option()
@click.option("--allow-inconclusive", is_flag=True, help="What is inconclusive ends with exit code 0.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as one JSON object.")
@click.pass_context
def command(
    ctx: click.Context,
    stream: str | None,
    hci: str | None,
    hci_socket: int | None,
    adapter: str | None,
    passive: bool,
    reads: bool,
    out: str | None,
    force: bool,
    device_path: str | None,
    profile_name: str,
    until: Until,
    bluezone_only: bool,
    addresses: frozenset[bytes],
    least_rssi: int | None,
    private: bool,
    key_file: str | None,
    axis: str,
    allow_inconclusive: bool,
    as_json: bool,
) -> None:
    """Listen to phones, record, show and judge.

    Without arguments it listens by this computer's Bluetooth. --hci takes a controller of one's own, which shows more:
    usb:0 a dongle, serial:/dev/ttyACM0 a development board, tcp-client:HOST:PORT one that is served,
    android-netsim the emulator's (extra 'hci'). --hci-socket takes one of Linux's own adapters to itself (extra
    'scapy'): without bleak, and with octets. With - it reads the stream of a sniffer from standard input.

    All that is heard is recorded as it comes, so that a crash loses a second at most; 'bzc check' reads the recording,
    and says of it what was said here. On a terminal a table shows who is heard, elsewhere lines tell what changes.

    With --device it judges while it listens. What this computer's Bluetooth cannot see (octets, kinds of PDU, pauses)
    is not observable, and never passes.

    --private records bystanders' addresses, ids and names by pseudonyms; what the device under test sends stays as it
    is. Where not all that was heard is recorded as it was sent (--private, --bluezone-only, --address), there are no
    packets beside the recording.

    Exit code: with --device that of the verdict, 0 it holds, 1 a MUST failed, 2 inconclusive; without it 0. 3 it cannot
    listen or record; 130 Ctrl-C came before --until, and no MUST failed so far.
    """
    refuse_together(
        stream,
        hci,
        adapter,
        hci_socket,
        passive=passive,
        reads=reads,
        private=private,
        key_file=key_file,
        device_path=device_path,
    )
    device_file = read_device_file(file_name(device_path), read_file(device_path)) if device_path else None
    selection = Selection(addresses=addresses, bluezone_only=bluezone_only)
    whole = not private and selection.whole_air is Extent.YES
    recording, packets = recorded_files(out, _now(), packets=whole, force=force)
    keep_inputs([device_path, key_file], [("--out", str(each)) for each in (recording, packets) if each])
    key = key_of(key_file) if private else None
    specification = load()
    system_clock = SystemClock()
    receiver = live_receiver(stream, hci, adapter, system_clock, active=not passive, hci_socket=hci_socket)
    # a stream was heard when it says so
    clock = receiver if isinstance(receiver, StreamReceiver) else system_clock
    with opened_view(recording.name, least_rssi) as view:
        wanted = Wanted(
            recording,
            packets,
            force,
            specification,
            profiles_of(specification)[profile_name],
            device_file,
            "sniff",
            until,
            reads,
            StreamingSelection(selection).keeps,
            selection.whole_air,
            key,
            view.say,
        )
        listened = asyncio.run(
            listen(receiver, wanted, clock, view, judges=device_file is not None or as_json)
        )
    if isinstance(receiver, StreamReceiver):
        for each in receiver.diagnostics:
            view.say(f"{each.source}: {each.message}")
    _tell(listened, wanted, device_path)
    ending = listened.ending
    result = listened.result
    axes = chosen_axes(axis)
    code = ExitCode.HOLDS
    if result is not None and device_file is not None:
        echo_result(result, axes, as_json=as_json)
        code = ExitCode(exit_code(result, axes, allow_inconclusive=allow_inconclusive))
    elif result is not None:
        echo_result(result, axes, as_json=True)
    if ending.failure:
        raise click.ClickException(ending.failure)
    early = listened.interrupted and until != Until()
    ctx.exit(ExitCode.INTERRUPTED if early and code != ExitCode.FAILED else code)


def _tell(listened: Listened, wanted: Wanted, device_path: str | None) -> None:
    """Say on standard error what was recorded, and what to do with it."""
    capture = listened.ending.capture
    if capture is None:
        click.echo(f"{NAME}: {listened.ending.reason}; nothing was recorded", err=True)
        return
    packets = wanted.packets if shows_packets(capture.capabilities) else None
    files = [file_name(str(each)) for each in (wanted.recording, packets) if each]
    text = f"{listened.ending.reason}; {count_text(listened.adverts, 'advert')} recorded in {' and '.join(files)}"
    click.echo(f"{NAME}: {one_line(text)}", err=True)
    if device_path is None:
        name = file_name(str(wanted.recording))
        click.echo(f"judge it: bzc check {name} --device device.json", err=True)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the shell is where the clock is
