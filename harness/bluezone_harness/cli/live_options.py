"""What is asked of ``bzc sniff``: options that do not go together, when it ends, and which files it writes."""

from __future__ import annotations

import platform
import re
from datetime import datetime
from pathlib import Path

import click

from bluezone_harness.live.until import Until, parse_until

from .failures import CallerError
from .live_receivers import STANDARD_INPUT
from .output import shown

_PACKETS = ".pcapng"
_RECORDING = ".jsonl"
_ADAPTER = re.compile(r"(?:hci)?([0-9]{1,5})")
_GREATEST_ADAPTER = 0xFFFE
"""One less than what means none, to the kernel."""


def read_until(ctx: click.Context, parameter: click.Parameter, text: str | None) -> Until:
    """Read when listening ends.

    Raises:
        CallerError: It is none of what is known.
    """
    try:
        return Until() if text is None else parse_until(text)
    except ValueError as error:
        raise CallerError(f"--until: {error}", ctx) from None


def read_adapter(ctx: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """Read the number of one of Linux's adapters: ``0``, or ``hci0``.

    Raises:
        CallerError: It is none.
    """
    if text is None:
        return None
    found = _ADAPTER.fullmatch(text)
    if found is None or int(found[1]) > _GREATEST_ADAPTER:
        raise CallerError(
            f"--hci-socket {shown(text)}: give the number of an adapter, such as 0 for hci0", ctx
        )
    return int(found[1])


def refuse_together(
    stream: str | None,
    hci: str | None,
    adapter: str | None,
    hci_socket: int | None,
    *,
    passive: bool,
    reads: bool,
    private: bool,
    key_file: str | None,
    device_path: str | None,
) -> None:
    """Refuse options that do not go together, or not on this system.

    Raises:
        CallerError: They do not.
    """
    lent = hci_socket is not None
    own = not stream and not hci and not lent
    for wrong, reason in (
        (stream and hci, "a stream and --hci are two receivers: give one"),
        (lent and (stream or hci), "--hci-socket is a receiver by itself: give no other"),
        (
            lent and platform.system() != "Linux",
            "--hci-socket is for Linux: give a controller with --hci, or leave it out",
        ),
        (adapter and not own, "--adapter is for this computer's Bluetooth: leave it out"),
        (adapter and platform.system() != "Linux", "--adapter is for Linux: here the system chooses"),
        (
            passive and not hci and not lent,
            "--passive is for --hci: this computer's Bluetooth decides by itself",
        ),
        (reads and stream, "--gatt takes a receiver that can connect: a stream cannot"),
        (
            reads and lent,
            "--gatt takes a receiver that can connect: give --hci hci-socket:N in place of --hci-socket",
        ),
        (
            # a number of the system's own in place of an address tells nobody whose value was read
            reads and own and platform.system() == "Darwin",
            "--gatt: macOS does not tell addresses, by which phones are told apart: "
            "give a controller with --hci, or leave --gatt out",
        ),
        (key_file and not private, "--key-file is for --private"),
        (
            stream and STANDARD_INPUT in (device_path, key_file),
            "standard input is the stream: give the other file by its name",
        ),
        (
            device_path == STANDARD_INPUT and key_file == STANDARD_INPUT,
            "standard input can be read only once: give '-' once",
        ),
    ):
        if wrong:
            raise CallerError(reason)


def recorded_files(out: str | None, now: datetime, *, packets: bool, force: bool) -> tuple[Path, Path | None]:
    """Return where the recording is written, and the packets; ``None``: nowhere.

    Args:
        out: As people named the recording; ``None``: it is named by the time.
        now: In UTC.
        packets: There are packets beside it.
        force: What is there may be written over.

    Raises:
        CallerError: Something is there, or there is no such folder.
    """
    if out == STANDARD_INPUT:
        raise CallerError("--out: the recording is a file, so that it can be judged: give its name")
    recording = Path(out or f"sniff-{now:%Y%m%dT%H%M%SZ}{_RECORDING}")
    if recording.suffix.lower() == _PACKETS or not recording.name:
        raise CallerError(
            f"--out {str(recording)!r}: the recording is JSON Lines: give a name with {_RECORDING}"
        )
    if not recording.parent.is_dir():
        raise CallerError(f"--out: there is no folder {str(recording.parent)!r}: make it, or check the path")
    beside = recording.with_suffix(_PACKETS) if packets else None
    for path in (recording, beside):
        if path is None:
            continue
        if path.is_dir():
            raise CallerError(f"--out: {path.name!r} is a folder: give the name of a file")
        if path.exists() and not force:
            raise CallerError(
                f"{path.name!r} is there already: give --force to write over it, or another --out"
            )
    return recording, beside
