"""A session of listening, run by ``bzc sniff``: shown while it goes on, ended by Ctrl-C, and judged."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

import click

from bluezone_harness.live.preparing import Wanted, prepared
from bluezone_harness.live.receivers import Clock, ListenError, Receiver
from bluezone_harness.live.session import TICK_S, Ending, Session
from bluezone_harness.results import Result

from .live_views import View

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@dataclass(frozen=True, slots=True)
class Listened:
    """What came of listening.

    Attributes:
        ending: How it ended.
        result: What it amounts to; ``None`` where nothing was recorded, or nobody judges.
        interrupted: Somebody ended it.
        adverts: How many were recorded.
    """

    ending: Ending
    result: Result | None
    interrupted: bool
    adverts: int


async def listen(receiver: Receiver, wanted: Wanted, clock: Clock, view: View, *, judges: bool) -> Listened:
    """Run a session, show it, let Ctrl-C end it, and say what it amounts to.

    Args:
        receiver: Who hears.
        wanted: What is wanted.
        clock: Tells the time.
        view: Shows it.
        judges: Judge what was recorded.

    Raises:
        click.ClickException: It never began; the message is complete.
    """
    session = prepared(receiver, wanted, clock)
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        session.end("somebody interrupted")

    showing = asyncio.create_task(_show(session, view))
    with ended_by_signals(interrupt):
        try:
            ending = await session.run()
        except ListenError as error:
            raise click.ClickException(str(error)) from None
        finally:
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing
    adverts = session.snapshot().adverts
    # without a device file that takes a while: ids are looked for among those of weak base ids
    result = session.judged(ending.capture) if judges and ending.capture is not None else None
    return Listened(ending, result, interrupted, adverts)


async def _show(session: Session, view: View) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        view.show(session.snapshot())


@contextmanager
def ended_by_signals(end: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C, and who asks the process to end, end a session; a second Ctrl-C ends the process.

    Args:
        end: Is called in the running loop.
    """
    loop = asyncio.get_running_loop()
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        loop.call_soon_threadsafe(end)

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
