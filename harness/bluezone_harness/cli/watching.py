"""Reading that people wait for: how far it is, and Ctrl-C, which ends the reading and not the command.

Theory of operation. Evidence is read through a ``Watched`` stream. Once somebody interrupts, it refuses to be read
further, as a disk does that fails; so the source that reads it ends there, keeps all that it has, and says that the
evidence is not whole. Nothing else has to know. A second Ctrl-C ends the command.
"""

from __future__ import annotations

import errno
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import click

from .failures import NAME

SHOWN_FROM_OCTETS = 10_000_000
"""Octets of evidence that take long enough to read for progress to be shown."""
INTERRUPTED = "interrupted"
"""Why reading ended, for people."""
_STANDARD_INPUT = "-"


class StoppedError(OSError):
    """Somebody interrupted: nothing more is read. ``InterruptedError`` would not do, after which Python reads on."""

    def __init__(self) -> None:
        super().__init__(errno.ECANCELED, INTERRUPTED)


class Watch:
    """Is told how reading goes on, and may end it.

    Args:
        progress: Is told how many octets were read since it was told last; less than 0 where they are read again.
        say: Is told in one sentence what people should know; each only once.

    Attributes:
        interrupted: Nothing more is read.
    """

    def __init__(
        self,
        progress: Callable[[int], None] = lambda octets: None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.progress = progress
        self.interrupted = False
        self._say = say
        self._said: set[str] = set()
        self._waits = False

    def say(self, text: str) -> None:
        """Say what people should know, unless it was said before."""
        if text not in self._said:
            self._said.add(text)
            self._say(text)

    def interrupt(self) -> None:
        """End reading, also where it waits for octets that may never come.

        Raises:
            StoppedError: It waits for them at this moment.
        """
        self.interrupted = True
        if self._waits:
            raise StoppedError

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Hold while octets are waited for.

        Raises:
            StoppedError: Reading was interrupted, before or meanwhile.
        """
        self._waits = True
        try:
            if self.interrupted:
                raise StoppedError
            yield
        finally:
            self._waits = False


class Watched:
    """A stream that is watched: ``StoppedError``, which is an ``OSError``, ends it.

    Args:
        stream: Open for reading.
        watch: Who watches.
    """

    def __init__(self, stream: BinaryIO, watch: Watch) -> None:
        self._stream = stream
        self._watch = watch
        self._head = b""
        self._count = 0
        # of a pipe, what is there already: read() would wait until all that was asked for has come
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._read_into: Callable[[memoryview], int] = getattr(stream, "readinto", self._copy_into)

    def put_back(self, octets: bytes) -> None:
        """Put octets back that were read: they come again."""
        self._head = octets + self._head

    def again(self, start: int) -> None:
        """Go back to where a file stood when it was opened."""
        self._stream.seek(start)
        self._watch.progress(-self._count)
        self._head, self._count = b"", 0

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many octets, none at the end.

        Raises:
            OSError: It cannot be read further, or somebody interrupted.
        """
        if self._head:
            return self._take(len(self._head) if size < 0 else size)
        with self._watch.waiting():
            octets = self._read(size)
        self._seen(len(octets))
        return octets

    def readinto(self, room: memoryview, /) -> int:
        """Read at most as many octets as there is room for; return how many, 0 at the end.

        Raises:
            OSError: It cannot be read further, or somebody interrupted.
        """
        if self._head:
            octets = self._take(len(room))
            room[: len(octets)] = octets
            return len(octets)
        with self._watch.waiting():
            count = self._read_into(room)
        self._seen(count)
        return count

    def _take(self, size: int) -> bytes:
        octets, self._head = self._head[:size], self._head[size:]
        return octets

    def _seen(self, count: int) -> None:
        self._count += count
        self._watch.progress(count)

    def _copy_into(self, room: memoryview) -> int:
        octets = self._read(len(room))
        room[: len(octets)] = octets
        return len(octets)


@contextmanager
def watched(paths: Sequence[str]) -> Iterator[Watch]:
    """Watch the reading of files: show on a terminal how far it is, and let Ctrl-C end it.

    Args:
        paths: Of the evidence; ``-`` for standard input.
    """
    with shown_progress(paths) as (progress, say), _interruptible(Watch(progress, say)) as watch:
        yield watch


_Progress = Callable[[int], None]
_Say = Callable[[str], None]


def _say(text: str) -> None:
    click.echo(f"{NAME}: {text}", err=True)


@contextmanager
def _interruptible(watch: Watch) -> Iterator[Watch]:
    """Let the first Ctrl-C end reading; only the main thread hears of it."""
    if threading.current_thread() is not threading.main_thread():
        yield watch
        return

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        watch.say(f"{INTERRUPTED}: going on with what was read so far; Ctrl-C again leaves")
        watch.interrupt()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield watch
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def shown_progress(paths: Sequence[str]) -> Iterator[tuple[_Progress, _Say]]:
    """Show on a terminal how much was read, how fast, and how long it will take; elsewhere nothing.

    Returns what shows it, and what says something beside it.

    Args:
        paths: Of what is read, each as often as it is; ``-`` for standard input.
    """
    sizes = [Path(path).stat().st_size for path in paths if Path(path).is_file()]
    piped = _STANDARD_INPUT in paths
    if sys.stderr is None or not sys.stderr.isatty() or (sum(sizes) < SHOWN_FROM_OCTETS and not piped):
        yield (lambda octets: None), _say
        return
    # rich takes a while to import, and is of use here alone
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    # of a pipe nobody knows how much is to come
    until = TimeElapsedColumn() if piped else TimeRemainingColumn()
    columns = (TextColumn("reading"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), until)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None if piped else sum(sizes))

        def say(text: str) -> None:
            bar.console.print(f"{NAME}: {text}", markup=False, highlight=False)

        yield (lambda octets: bar.advance(task, octets)), say
