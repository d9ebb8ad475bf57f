"""Signals that end a process at once, taken as Ctrl-C, so that an adapter is ended first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let a signal that would end this process raise ``KeyboardInterrupt`` meanwhile.

    A handler of somebody else's stays, and only a main thread may set one.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    endings = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    taken = []
    if threading.current_thread() is threading.main_thread():
        taken = [number for number in endings if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
