"""A broadcast, run by ``bzc broadcast``: on the virtual air or the real one, shown, and ended by Ctrl-C."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import click

from bluezone_harness.checks.rows import count_text
from bluezone_harness.live.broadcasting import PLAYED, BroadcastRecorder, broadcast_world, keep_record
from bluezone_harness.live.receivers import Clock, ListenError
from bluezone_harness.live.recorder import RawFile, RecorderError
from bluezone_harness.observations import duration_text, instant_text
from bluezone_harness.virtual.phones import Sender
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.scenes import Scene, scene_of

from .listening import ended_by_signals
from .live_receivers import SystemClock
from .output import one_line
from .served import serve_forever

_SHOW_S = 1.0
_MOST_NAMED = 6
_ADDRESS_OCTETS = 6
_STATIC = 0xC0
"""The two most significant bits of a static address. Source: Core Specification, Vol 6 Part B 1.3.2.1."""
_INTERRUPTED = "somebody interrupted"


class Files(Protocol):
    """What a broadcast writes."""

    def make_record(self) -> RawFile:
        """Make the file of the record."""

    def write_device(self, scene: Scene) -> None:
        """Write the device file of the phones, if it is wanted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a broadcast.

    Attributes:
        scenario: Which is played.
        files: What is written.
        duration_us: For how long it is played.
        say: Tells people a sentence.
    """

    scenario: Scenario
    files: Files
    duration_us: int
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a broadcast.

    Attributes:
        reason: Why it ended.
        interrupted: Somebody ended it.
        failure: Why the operating system took no more of the record; ``None``: it took all.
        sets: How many advertising sets were on the air.
        reads: How many reads there were.
    """

    reason: str
    interrupted: bool
    failure: RecorderError | None
    sets: int
    reads: int


async def serve_scene(wanted: Wanted, transport: str) -> Played:
    """Play on the virtual air, to whoever takes the controller that is served.

    Args:
        wanted: What is wanted.
        transport: Where it is served.

    Raises:
        click.ClickException: It cannot be served or recorded; the message is complete.
    """
    over = _Over()
    scene = scene_of(wanted.scenario, SystemClock().now_us() // 1000)
    wanted.files.write_device(scene)
    record = _record(wanted, over, tells_rssi=True)
    until_us = scene.plan.start_ms * 1000 + wanted.duration_us
    try:
        with ended_by_signals(partial(over.end, _INTERRUPTED)):
            async with broadcast_world(scene, record) as world:
                served = asyncio.Event()
                serving = asyncio.create_task(serve_forever(world, transport, served.set))
                tasks: list[asyncio.Task[object]] = [serving, asyncio.create_task(over.wait())]
                ready: asyncio.Task[object] = asyncio.create_task(served.wait())
                try:
                    await _first([ready, *tasks])
                    if served.is_set():
                        record.open()
                        wanted.say(
                            f"{_who(scene.senders)}, from {instant_text(scene.plan.start_ms)} for "
                            f"{duration_text(wanted.duration_us // 1000)}; a controller that hears them: {transport}; "
                            "Ctrl-C ends"
                        )
                        clock = world.air.clock
                        tasks += [
                            asyncio.create_task(keep_record(record, clock)),
                            asyncio.create_task(_show(record, clock, until_us)),
                            asyncio.create_task(world.run_until(until_us)),
                        ]
                        await _first(tasks)
                    record.reason = over.reason or _played(wanted)
                finally:
                    await _end([ready, *tasks])
    except RecorderError as error:
        if not record.is_open:
            raise click.ClickException(str(error)) from None
        # else it is told with what was played
    finally:
        _clear()
    return _ended(record, over)


async def send_scene(wanted: Wanted, controller: str) -> Played:
    """Play by a controller of one's own.

    Args:
        wanted: What is wanted.
        controller: Its name.

    Raises:
        click.ClickException: It is not there, or nothing can be recorded; the message is complete.
    """
    from bluezone_harness.live.broadcaster import Broadcaster
    from bluezone_harness.live.controllers import opened
    from bluezone_harness.live.served_reads import ServedReads

    over, clock = _Over(), SystemClock()
    record = _record(wanted, over, tells_rssi=False)
    octets = secrets.token_bytes(_ADDRESS_OCTETS)
    own = bytes([octets[0] | _STATIC]) + octets[1:]
    broadcaster = Broadcaster(controller, partial(opened, controller, own), clock, record, wanted.say)
    showing: list[asyncio.Task[object]] = []

    def begin() -> tuple[tuple[Sender, ...], ServedReads, int]:
        scene = scene_of(wanted.scenario, clock.now_us() // 1000)
        start_us = scene.plan.start_ms * 1000
        until_us = start_us + wanted.duration_us
        wanted.files.write_device(scene)
        record.open()
        record.begin(start_us)
        wanted.say(
            f"{_who(scene.senders)}, from {instant_text(scene.plan.start_ms)} for "
            f"{duration_text(wanted.duration_us // 1000)}, sent by {controller}; Ctrl-C ends"
        )
        showing.append(asyncio.create_task(keep_record(record, clock)))
        showing.append(asyncio.create_task(_show(record, clock, until_us)))
        return scene.senders, ServedReads(scene.servers, clock, record), until_us

    reason = "it failed"
    sending: asyncio.Task[object] = asyncio.create_task(broadcaster.run(begin))
    ending: asyncio.Task[object] = asyncio.create_task(over.wait())
    try:
        with ended_by_signals(partial(over.end, _INTERRUPTED)):
            await _first([sending, ending])
            reason = over.reason or _played(wanted)
    except (ListenError, RecorderError) as error:
        raise click.ClickException(str(error)) from None
    finally:
        await _end([sending, ending, *showing])
        now_us = clock.now_us()
        broadcaster.end(now_us)
        record.close(now_us, reason)
        _clear()
    record.reason = reason
    return _ended(record, over)


class _Over:
    """Whether it is over, and why."""

    def __init__(self) -> None:
        self.reason = ""
        self._event = asyncio.Event()

    def end(self, reason: str) -> None:
        """End; the first reason counts."""
        if not self.reason:
            self.reason = reason
            self._event.set()

    async def wait(self) -> None:
        """Wait until it is over."""
        await self._event.wait()


def _record(wanted: Wanted, over: _Over, *, tells_rssi: bool) -> BroadcastRecorder:
    return BroadcastRecorder(
        wanted.scenario,
        wanted.files.make_record,
        now=lambda: time.monotonic_ns() // 1000,
        failed=partial(over.end, "the record failed"),
        tells_rssi=tells_rssi,
    )


def _played(wanted: Wanted) -> str:
    if wanted.duration_us == wanted.scenario.duration_ms * 1000:
        return PLAYED
    return f"it was played for {duration_text(wanted.duration_us // 1000)}"


def _ended(record: BroadcastRecorder, over: _Over) -> Played:
    """Return what came of it.

    Raises:
        click.Abort: Somebody interrupted before anything was played.
    """
    if not record.is_open:
        raise click.Abort
    return Played(record.reason, over.reason == _INTERRUPTED, record.failure, record.sets, record.reads)


async def _first(tasks: Sequence[asyncio.Task[object]]) -> None:
    """Wait until one of several ends, and raise what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()


async def _end(tasks: Sequence[asyncio.Task[object]]) -> None:
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _who(senders: Sequence[Sender]) -> str:
    """Return who is played, for people."""
    phones = [each.name for each in senders if each.phone is not None]
    others = len(senders) - len(phones)
    named = ", ".join(phones[:_MOST_NAMED]) + (", ..." if len(phones) > _MOST_NAMED else "")
    parts = [named] if named else []
    if others:
        parts.append(count_text(others, "other sender"))
    return " and ".join(parts) or "nobody"


async def _show(record: BroadcastRecorder, clock: Clock, until_us: int) -> None:
    """Show on a terminal what is on the air, over and over, until cancelled."""
    while True:
        await asyncio.sleep(_SHOW_S)
        if not _is_terminal():
            continue
        senders = sorted(set(record.on_air_now.values()))
        left = duration_text(max(0, until_us - clock.now_us()) // 1_000_000 * 1000)
        text = (
            f"{left} left; {count_text(record.reads, 'read')}; on the air: {', '.join(senders) or 'nobody'}"
        )
        width = max(20, shutil.get_terminal_size().columns - 1)
        with suppress(OSError):  # nobody looks any more
            click.echo(f"\r{one_line(text)[:width].ljust(width)}", err=True, nl=False)


def _clear() -> None:
    """Take the line away that was shown."""
    if _is_terminal():
        width = max(20, shutil.get_terminal_size().columns - 1)
        with suppress(OSError):
            click.echo(f"\r{' ' * width}\r", err=True, nl=False)


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
