"""``bzc convert``: any capture to pcapng or a recording, chosen, and with pseudonyms if it is to be handed on."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from bluezone_harness.observations import Capability, Extent, extent_of
from bluezone_harness.writing.pseudonyms import LEAST_KEY_OCTETS, Pseudonyms

from .conversions import of_written, write_pcapng, write_recording
from .convertible import Inputs, with_pseudonyms
from .failures import NAME, CallerError, ExitCode
from .files import keep_inputs, written
from .inputs import INPUT_FILE, TIME, file_name, read_file
from .output import examples, printable, shown
from .selections import Selection
from .watching import Watch, shown_progress

PCAPNG = "pcapng"
RECORDING = "recording"
_ENDINGS = {".pcapng": PCAPNG, ".jsonl": RECORDING}
_STANDARD_STREAM = "-"
_ADDRESS_OCTETS = 6
_DRAWN_KEY_OCTETS = 32
_GREATEST_KEY_OCTETS = 4096


def read_addresses(
    ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> frozenset[bytes]:
    """Read addresses.

    Raises:
        CallerError: One is none.
    """
    found: set[bytes] = set()
    for text in texts:
        try:
            octets = bytes.fromhex(text.replace(":", "").replace("-", ""))
        except ValueError:
            octets = b""
        if len(octets) != _ADDRESS_OCTETS:
            raise CallerError(f"--address {shown(text)}: give six octets, such as 5A:00:00:00:00:01", ctx)
        found.add(octets)
    return frozenset(found)


@click.command(
    epilog=examples(
        "bzc convert btsnoop_hci.log --out capture.pcapng",
        "bzc convert night.pcapng --out hour.jsonl --from 2020-08-08T22:00:00Z --until 2020-08-08T23:00:00Z",
        "bzc convert door.pcap window.pcap --out both.pcapng --bluezone-only",
        "bzc convert bugreport.zip --out to-share.jsonl --private",
        "bzc convert day1.pcap --out day1.jsonl --private --key-file key.bin",
    )
)
@click.argument("evidence", nargs=-1, required=True, type=INPUT_FILE)
@click.option(
    "--out",
    "out",
    type=INPUT_FILE,
    required=True,
    metavar="FILE",
    help="What to write; - for standard output.",
)
@click.option(
    "--to",
    "form",
    type=click.Choice([PCAPNG, RECORDING]),
    help="What to write; else as the name ends, .jsonl a recording, any other pcapng.",
)
@click.option("--from", "from_ms", type=TIME, metavar="TIME", help="Nothing before: ISO 8601 with an offset.")
@click.option(
    "--until", "until_ms", type=TIME, metavar="TIME", help="Nothing from then on: ISO 8601 with an offset."
)
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="A",
    callback=read_addresses,
    help="Only what this address sent; may be repeated.",
)
@click.option("--bluezone-only", is_flag=True, help="Only what Bluezone phones sent.")
@click.option("--private", is_flag=True, help="Replace addresses, ids, names and the like by pseudonyms.")
@click.option(
    "--key-file",
    type=INPUT_FILE,
    metavar="FILE",
    help="Makes the pseudonyms: the same with the same key; else a key is drawn, and forgotten.",
)
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@click.pass_context
def command(
    ctx: click.Context,
    evidence: Sequence[str],
    out: str,
    form: str | None,
    from_ms: int | None,
    until_ms: int | None,
    addresses: frozenset[bytes],
    bluezone_only: bool,
    private: bool,
    key_file: str | None,
    force: bool,
) -> None:
    """Convert captures to pcapng or a recording.

    EVIDENCE is one or more captures in any form that 'bzc check' reads, archives among them. Several become one, in
    the order of time, each with receivers of its own, and by the clock of the first where it is sure by how much the
    others differ. Nothing is made up: what pcapng has no place for (extended advertising, GATT reads, events) is left
    out and counted; a recording keeps it.

    What is written says what it can show, and 'bzc check' heeds it: of damaged evidence the verdict stays partial.
    With --bluezone-only all is kept of an address that sends anything of Bluezone's. With --address nothing passes any
    more, as the fault may be in what was left out, and a failure stands only where nothing missing can explain it.

    --private writes a recording in which addresses, ids, names, receivers' names, and the data of services and
    manufacturers, wherever they stand, are pseudonyms that only the key's owner can tell. Kept are times, signal,
    channels, the type of each address, UUIDs of 16 bits, companies and the structure of AdvData, by which somebody who
    was there may still know a phone. Requirements on the values of ids can no longer be judged by it, those on when
    they change can.

    Exit code: 0 all was read; 2 it is written, and some of the evidence was damaged; 3 it cannot be read or written.
    """
    form = form or _ENDINGS.get(Path(out).suffix.lower(), PCAPNG)
    if [*evidence, key_file].count(_STANDARD_STREAM) > 1:
        raise CallerError("standard input can be read only once: give '-' once")
    if key_file is not None and not private:
        raise CallerError("--key-file is for --private")
    if private and form == PCAPNG:
        raise CallerError(
            "pcapng cannot say that its ids are pseudonyms: give --to recording beside --private"
        )
    if from_ms is not None and until_ms is not None and until_ms <= from_ms:
        raise CallerError("--until is not after --from: nothing would be left")
    keep_inputs([*evidence, key_file], [("--out", out)])
    if out != _STANDARD_STREAM and Path(out).is_file() and not force:
        raise CallerError(f"{file_name(out)!r} is there already: give --force to write over it")
    pseudonyms = Pseudonyms(key_of(key_file)) if private else None
    selection = Selection(_in_us(from_ms), _in_us(until_ms), addresses, bluezone_only)
    with ExitStack() as until:
        # captures that are read twice count twice
        twice = bluezone_only or len(evidence) > 1
        progress, say = until.enter_context(shown_progress([*evidence, *(evidence if twice else ())]))
        inputs = Inputs(evidence, selection, Watch(progress, say), until)
        observations = inputs.observations()
        if pseudonyms is not None:
            observations = with_pseudonyms(pseudonyms.of, observations, inputs.counts)
        with written(out) as file:
            if form == PCAPNG:
                write_pcapng(observations, file, inputs)
            else:
                write_recording(observations, file, inputs, true_ids=not private)
    _tell(inputs, form, out, private=private)
    ctx.exit(ExitCode.INCONCLUSIVE if inputs.damaged else ExitCode.HOLDS)


def _in_us(time_ms: int | None) -> int | None:
    return None if time_ms is None else time_ms * 1000


def key_of(key_file: str | None) -> bytes:
    """Return the key that makes pseudonyms: that of a file, or one that is drawn.

    Raises:
        CallerError: It is too short, or too long.
    """
    key = read_file(key_file) if key_file is not None else secrets.token_bytes(_DRAWN_KEY_OCTETS)
    if not LEAST_KEY_OCTETS <= len(key) <= _GREATEST_KEY_OCTETS:
        raise CallerError(
            f"--key-file: the key has {len(key)} octets: give {LEAST_KEY_OCTETS} to {_GREATEST_KEY_OCTETS} at random"
        )
    return key


def _tell(inputs: Inputs, form: str, out: str, *, private: bool) -> None:
    """Say on standard error what was written, what was not, and what was damaged."""
    for each in inputs.diagnostics:
        where = "" if each.offset is None else f", at octet {each.offset}"
        _warn(f"{each.source}: {each.message}{where}")
    counts = inputs.counts
    if counts.formless:
        hint = "" if form == RECORDING else "; a recording keeps most of it"
        _warn(f"left out, as a {form} file has no place for it: {_counted(counts.formless)}{hint}")
    if counts.unknown:
        _warn(f"left out, as nobody knows where it holds an id: {_counted(counts.unknown)}")
    kept = ", ".join(f"{counts.kept[kind]} of {count} {kind}" for kind, count in counts.read.items())
    files = "standard output" if out == _STANDARD_STREAM else file_name(out)
    click.echo(f"converted {kept or 'nothing'}; written: {files}", err=True)
    if private:
        _warn("with pseudonyms, whether an id is weak, or of a base id, can no longer be judged")
    if extent_of(of_written(inputs), Capability.WHOLE_AIR) is Extent.NO:
        _warn("it holds a part of what was heard, by which nothing passes")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{count} {kind.removesuffix('s') if count == 1 else kind}" for kind, count in counts.items()
    )


def _warn(text: str) -> None:
    click.echo(f"{NAME}: {printable(text)}", err=True)
