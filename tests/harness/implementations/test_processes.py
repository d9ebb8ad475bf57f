"""A process and its pipes, where the system is not as usual."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from bluezone_harness.implementations.links import AdapterError
from bluezone_harness.implementations.processes import ProcessLink

SLEEPING = [sys.executable, "-S", "-c", "import time; time.sleep(1000)"]


def test_systems_without_process_groups_are_told_of_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(AdapterError, match="on this system use --connect"):
        ProcessLink(SLEEPING)
    monkeypatch.undo()


def test_a_command_with_a_nul_is_refused() -> None:
    with pytest.raises(AdapterError, match="cannot be started: embedded null byte"):
        ProcessLink(["python\0"])


def test_an_interrupted_start_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, left_behind: Callable[[], list[str]]
) -> None:
    start = subprocess.Popen
    started: list[subprocess.Popen[bytes]] = []

    def interrupted(*arguments: object, **options: object) -> None:
        started.append(start(*arguments, **options))  # type: ignore[call-overload]  # as it was called
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ProcessLink(SLEEPING)
    (process,) = started
    assert process.wait(5) == -9
    for pipe in (process.stdin, process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()
    assert left_behind() == []


def test_a_full_pipe_takes_nothing_and_nothing_waits(left_behind: Callable[[], list[str]]) -> None:
    link = ProcessLink(SLEEPING)
    try:
        while link.write(b"x" * 65_536):
            pass
        assert link.write(b"x") == 0
        assert link.read() is None
        assert link.read_noise() is None
    finally:
        link.close()
    assert left_behind() == []


@pytest.mark.parametrize("name", ["well", "deaf-to-bye"])
def test_where_the_system_cannot_tell_without_letting_go(
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[[str], list[str]],
    left_behind: Callable[[], list[str]],
    name: str,
) -> None:
    monkeypatch.delattr(os, "waitid", raising=False)
    link = ProcessLink(command(name))
    link.write(b'{"op":"bye","seq":1}\n')
    needed = link.close(asked_to_end=True)
    assert needed == ("" if name == "well" else "it ended neither on bye nor on SIGTERM, and was killed")
    assert left_behind() == []


def test_what_writes_without_end_after_bye_is_ended(left_behind: Callable[[], list[str]]) -> None:
    link = ProcessLink([sys.executable, "-S", "-c", "while True: print('x' * 10000)"])
    assert link.close(asked_to_end=True) == "it did not end within 2 s of bye, but on SIGTERM"
    assert left_behind() == []
