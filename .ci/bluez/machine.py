"""The machine: QEMU, in software alone, with two processors, an image, what is tried, and a folder for results.

Theory of operation. ``/dev/kvm`` may be there and unusable, and is not asked for. The image and the disk with what is
tried are read-only, so that an image serves any number of runs; what the machine tells comes line by line from its
console, everything else through a folder shared by 9p. The machine has no network. Whatever ends this process ends
QEMU: Ctrl-C, SIGTERM and a run that takes too long by us, anything else by the kernel.
"""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import image

QEMU = "qemu-system-x86_64"
QEMU_PACKAGE = "qemu-system-x86"
MEMORY_MB = 768
_WAIT_S = 5.0


class StoppedError(Exception):
    """The machine ended otherwise than by the end of its tests; one sentence says how."""


def command(folder: Path, program: Path, results: Path) -> list[str]:
    """Return QEMU's command line.

    Args:
        folder: Of the image.
        program: The disk with what is tried.
        results: A folder that the machine writes into.
    """
    kernel = "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off cryptomgr.notests"
    words = [QEMU, "-M", "q35", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max", "-smp", "2"]
    words += ["-m", str(MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    words += ["-serial", "stdio", "-device", "virtio-rng-pci", "-append", kernel]
    words += ["-kernel", str(folder / "kernel"), "-initrd", str(folder / "initramfs")]
    for name, file in (("image", folder / "root.ext4"), ("program", program)):
        words += ["-drive", f"file={_value(file)},format=raw,if=none,id={name},readonly=on"]
        words += ["-device", f"virtio-blk-pci,drive={name}"]
    words += ["-virtfs", f"local,path={_value(results)},mount_tag=results,security_model=none"]
    return words


def _value(path: Path) -> str:
    # as QEMU writes a comma in a value
    return str(path).replace(",", ",,")


def missing_to_run() -> str:
    """Return why the machine cannot run here, or nothing."""
    if shutil.which(QEMU, path=image.PATH) is None:
        return f"there is no {QEMU}: install Debian's package {QEMU_PACKAGE}"
    return ""


def run(words: Sequence[str], seconds: float, tell: Callable[[str], None]) -> None:
    """Run the machine until it powers off.

    Args:
        words: QEMU's command line.
        seconds: So long it may take.
        tell: Takes each line of its console.

    Raises:
        StoppedError: It took too long, or QEMU failed.
    """
    # should we be killed, the kernel kills it
    guarded = ["setpriv", "--pdeathsig", "KILL", *words] if shutil.which("setpriv") else list(words)
    process = subprocess.Popen(  # noqa: S603 - the command of this file
        guarded,
        env={**os.environ, "PATH": image.PATH},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        last = _told(process, time.monotonic() + seconds, tell)
        code = process.wait(_WAIT_S)
    except subprocess.TimeoutExpired:
        raise StoppedError(f"the machine did not end within {seconds:.0f} s, and was killed") from None
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if code:
        raise StoppedError(f"QEMU ended with exit code {code}: {last}")


def _told(process: subprocess.Popen[bytes], until: float, tell: Callable[[str], None]) -> str:
    """Hand lines on as they come; return the last.

    Raises:
        subprocess.TimeoutExpired: They still came, or were awaited, when it was time.
    """
    assert process.stdout is not None  # noqa: S101 - it was asked for
    line, last = b"", ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left = until - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise subprocess.TimeoutExpired(process.args, 0)
            octets = os.read(process.stdout.fileno(), 65536)
            *whole, line = (line + octets).split(b"\n")
            for each in [*whole, *([line] if not octets and line else [])]:
                last = each.decode(errors="replace").rstrip("\r")
                tell(last)
            if not octets:
                return last
