"""BlueZ and a radio of software, for tests that run in the machine of ``tox -e bluez``, and nowhere else.

Theory of operation. The machine is emulated, some fifteen times slower than this computer: to start Python takes
seconds, so who can shares what was started, and nothing sleeps for a time where a condition can be waited for.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

IN_MACHINE = os.environ.get("BZC_BLUEZ_MACHINE") == "1"
collect_ignore_glob = [] if IN_MACHINE else ["test_*.py"]
RESULTS = Path("/results")
BLUETOOTHD = "/usr/libexec/bluetooth/bluetoothd"
LONG_S = 60.0
PHONES = (
    ("An", "android", "5d0f8a1c93e2b64770d9c1fe28ab3546e1907b3d52c84fa6199ed07c34b8f265"),
    ("Binh", "ios", "c83b7e51a0964df21fb8065ce97d3a42880e51f7b46a9cd30b72e5184f9da61c"),
)
"""Names, platforms, and base ids that were drawn by hand."""


class Program:
    """A program that runs beside the tests, and all that it says.

    Args:
        words: Its command line.
        said: A file for what it says, on both outputs; it is kept.
    """

    def __init__(self, *words: str | Path, said: Path) -> None:
        self.said = said
        with said.open("ab") as file:
            self.process = subprocess.Popen(
                [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
            )

    def text(self) -> str:
        """Return what it has said so far."""
        return self.said.read_text("utf-8", errors="replace")

    def until_said(self, words: str, times: int = 1, within_s: float = LONG_S) -> None:
        """Wait until it has said something, so many times."""
        wait_until(
            lambda: self.text().count(words) >= times,
            f"{self.process.args!r} to say {words!r}: {self.text()}",
            within_s,
            alive=self.process,
        )

    def end(self, how: int = signal.SIGINT, within_s: float = LONG_S) -> int:
        """End it, as Ctrl-C does; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(within_s)


def wait_until(
    holds: Callable[[], bool],
    what: str,
    within_s: float = LONG_S,
    alive: subprocess.Popen[bytes] | None = None,
) -> None:
    """Wait until something holds; a test fails where it does not in time, or where who is awaited has ended."""
    until = time.monotonic() + within_s
    while not holds():
        if alive is not None and alive.poll() is not None:
            if holds():
                return
            pytest.fail(f"ended with exit code {alive.returncode}, and waited for {what}")
        if time.monotonic() > until:
            pytest.fail(f"waited {within_s:.0f} s for {what}")
        time.sleep(0.1)


Begin = Callable[..., Program]


@pytest.fixture(scope="session")
def wait() -> Callable[..., None]:
    """Return what waits until something holds."""
    return wait_until


Lines = Callable[[Path, str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def recorded() -> Lines:
    """Return what reads the lines of one kind of a recording, written to or not; all lines for an empty kind."""

    def lines_of(recording: Path, kind: str) -> list[dict[str, Any]]:
        if not recording.exists():
            return []
        whole = recording.read_text("utf-8").rpartition("\n")[0].splitlines()[1:]
        return [line for line in map(json.loads, whole) if kind in ("", line["kind"])]

    return lines_of


@pytest.fixture(scope="session")
def write_device() -> Callable[[Path, str], None]:
    """Return what writes a device file of an Android phone and an iPhone whose base ids are of the given day."""

    def written(path: Path, day: str) -> None:
        devices = [
            {
                "name": name,
                "platform": platform,
                "bases": [{"base_id": base_id, "base_day": day}],
                "max": [],
                "foreground": [],
            }
            for name, platform, base_id in PHONES
        ]
        path.write_text(json.dumps({"schema": 1, "devices": devices}), "utf-8")

    return written


def begun() -> Iterator[Begin]:
    """Yield what starts programs, and end them all."""
    programs: list[Program] = []
    names: set[str] = set()

    def started(name: str, *words: str | Path) -> Program:
        said = RESULTS / f"{name}.log"
        if name not in names:
            said.unlink(missing_ok=True)
        names.add(name)
        programs.append(Program(*words, said=said))
        return programs[-1]

    yield started
    for each in reversed(programs):
        with contextlib.suppress(subprocess.TimeoutExpired):
            each.end(signal.SIGTERM, 10)
        each.process.kill()
        each.process.wait()


@pytest.fixture(scope="session")
def begin() -> Iterator[Begin]:
    """Return what starts a program beside the tests: a name for what it says, and its command line."""
    yield from begun()


@pytest.fixture(scope="module")
def begin_for_module() -> Iterator[Begin]:
    """Return the same; what it starts ends with the module's tests, and with each value of what it is asked for."""
    yield from begun()


@pytest.fixture
def begin_for_test() -> Iterator[Begin]:
    """Return the same; what it starts ends with the test."""
    yield from begun()


@pytest.fixture(scope="session")
def bluetoothds() -> list[Program]:
    """Return each bluetoothd that was begun; the last one runs."""
    return []


@pytest.fixture(scope="session")
def begin_bluetoothd(begin: Begin, bluetoothds: list[Program]) -> Callable[[], Program]:
    """Return what starts bluetoothd, and waits until D-Bus knows it."""

    def started() -> Program:
        program = begin("bluetoothd", BLUETOOTHD, "-n", "-d")
        wait_until(lambda: owns_name("org.bluez"), "bluetoothd on D-Bus", alive=program.process)
        bluetoothds.append(program)
        return program

    return started


@pytest.fixture(scope="session")
def bluetoothd_now(bluetoothds: list[Program]) -> Callable[[], Program]:
    """Return what returns the bluetoothd that runs."""
    return lambda: bluetoothds[-1]


def owns_name(name: str) -> bool:
    """Tell whether somebody on D-Bus has a name."""
    words = ["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"]
    done = subprocess.run(
        [*words, "org.freedesktop.DBus.NameHasOwner", f"string:{name}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "boolean true" in done.stdout


@pytest.fixture(scope="session")
def is_up() -> Callable[[str], bool]:
    """Return what tells whether an adapter is there, and on."""

    def is_on(adapter: str) -> bool:
        done = subprocess.run(["hciconfig", adapter], capture_output=True, text=True, check=False)
        return "UP RUNNING" in done.stdout

    return is_on


@pytest.fixture(scope="session")
def bluetoothd(begin_bluetoothd: Callable[[], Program]) -> Program:
    """Return bluetoothd, which runs."""
    return begin_bluetoothd()
