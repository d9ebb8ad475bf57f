"""What ends ``bzc broadcast`` before its time, and that the record is whole all the same."""

from __future__ import annotations

import asyncio
import errno
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bumble.controller import Controller
from click.testing import Result

from bluezone_harness.cli import broadcast, broadcasts
from bluezone_harness.virtual.ble import worlds
from bluezone_harness.virtual.ble.worlds import World

pytestmark = [
    pytest.mark.req("BZ-RCV-001"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals and sockets"),
]

WAIT_S = 60
Line = dict[str, object]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_interrupts_has_a_whole_record(
    served: list[World],
    number: int,
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Result],
    whole: Callable[..., list[Line]],
) -> None:
    show = broadcasts._show

    async def interrupted(*arguments: object) -> None:
        asyncio.get_running_loop().call_later(0.1, signal.raise_signal, number)
        await show(*arguments)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(broadcasts, "_show", interrupted)
    result = run("session.toml", "--serve", "vhci")
    assert result.exit_code == 130
    assert "bzc: somebody interrupted; 4 advertising sets and 0 reads recorded" in result.stderr
    assert whole()[-1]["reason"] == "somebody interrupted"


def test_who_interrupts_at_once_has_none(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Result], refused: Callable[..., str]
) -> None:
    async def serve(world: World, transport: str) -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(WAIT_S)

    monkeypatch.setattr(worlds, "serve", serve)
    assert refused(run("session.toml", "--serve", "vhci"), 130) == "bzc: interrupted\n"
    assert not Path("session.record.jsonl").exists()


def test_an_interrupt_ends_sending(
    stock: list[Controller],
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Result],
    whole: Callable[..., list[Line]],
) -> None:
    async def interrupted(*arguments: object) -> None:
        asyncio.get_running_loop().call_later(0.3, signal.raise_signal, signal.SIGINT)
        await asyncio.sleep(WAIT_S)

    monkeypatch.setattr(broadcasts, "_show", interrupted)
    result = run("session.toml", "--hci", "usb:0")
    assert result.exit_code == 130
    assert whole()[-1]["reason"] == "somebody interrupted"
    assert not any(each.enabled for each in stock[0].advertising_sets.values())


class _Full:
    """A disk that takes nothing, or only a record's first lines."""

    def __init__(self, taken: int) -> None:
        self.left = taken

    def write(self, octets: memoryview) -> int:
        if not self.left:
            raise OSError(errno.ENOSPC, "x")
        self.left -= 1
        return len(octets)

    def tell(self) -> int:
        return 0

    def seek(self, offset: int, start: int = 0) -> int:
        return 0

    def truncate(self, size: int | None = None) -> int:
        return 0

    def close(self) -> None:
        pass


@pytest.mark.parametrize("mode", ["--serve=vhci", "--hci=usb:0"])
@pytest.mark.parametrize(("taken", "told"), [(0, 1), (1, 3)])
def test_a_disk_that_is_full(
    mode: str,
    taken: int,
    told: int,
    served: list[World],
    stock: list[Controller],
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Result],
) -> None:
    monkeypatch.setattr(broadcast, "new_file", lambda path, *, overwrite: _Full(taken))
    result = run("session.toml", mode)
    assert result.exit_code == 3
    said = result.stderr.splitlines()
    assert len(said) == told
    assert said[-1] == "bzc: the recording: the disk is full: make room" or "the disk is full" in said[-1]
    assert told == 1 or "the record failed; " in said[1]


def test_nobody_reads_what_is_said(
    served: list[World],
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Result],
    whole: Callable[..., list[Line]],
) -> None:
    said: list[str] = []

    def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
        said.append(text)
        if len(said) < 4:
            raise BrokenPipeError

    monkeypatch.setattr(broadcasts, "_is_terminal", lambda: True)
    monkeypatch.setattr(broadcasts, "_SHOW_S", 0.1)
    monkeypatch.setattr("click.echo", echo)
    run("session.toml", "--serve", "vhci", "--duration", "1.5 s")
    assert whole()[-1]["reason"] == "it was played for 1 s 500 ms"
    assert len(said) > 4
