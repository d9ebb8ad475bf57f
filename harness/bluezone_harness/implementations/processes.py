"""An implementation as a process of its own: started, written to and read from, and ended with all it started.

Theory of operation. The process leads a session and process group of its own, so that Ctrl-C at the terminal does
not reach it and one signal reaches it together with its children. At the end it is asked by ``bye`` and the end of
its input, then by SIGTERM, and then ended by SIGKILL, the group as a whole. Where a child left the group, it is still
found on Linux: all of them inherit an environment variable of a random value that no other process has.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bluezone_harness.implementations.links import END_S, READ_LIMIT, AdapterError

_MARK = "BZC_ADAPTER"
"""Environment variable that tells the processes of one adapter from all others."""
TERM_S = 0.5
"""How long a process may take to end after SIGTERM."""
_KILL_S = 5.0
"""How long the system may take to end a process after SIGKILL."""
_STEP_S = 0.01
_PROC = Path("/proc")


class ProcessLink:
    """A process and its three pipes; a ``Link``.

    Args:
        command: The program and its arguments.

    Raises:
        AdapterError: It cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        if os.name != "posix":
            raise AdapterError(
                "processes can be tested on Linux and macOS only; on this system use --connect"
            )
        self._mark = secrets.token_hex(16)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - running it is what was asked for
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, _MARK: self._mark},
            )
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else str(problem)
            raise AdapterError(f"{command[0]!r} cannot be started: {str(reason).lower()}") from None
        except BaseException:  # interrupted while it started
            _end_marked(self._mark)
            raise
        self._pid = self._process.pid
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._input, self._output, self._noise = (pipe.fileno() for pipe in pipes if pipe is not None)
        for fileno in (self._input, self._output, self._noise):
            os.set_blocking(fileno, False)
        self._is_closed = False

    def output_fileno(self) -> int:
        """Return its standard output."""
        return self._output

    def input_fileno(self) -> int:
        """Return its standard input."""
        return self._input

    def noise_fileno(self) -> int | None:
        """Return its standard error."""
        return self._noise

    def read(self) -> bytes | None:
        """Return what it wrote to standard output."""
        return _read(self._output)

    def read_noise(self) -> bytes | None:
        """Return what it wrote to standard error."""
        return _read(self._noise)

    def write(self, octets: bytes) -> int:
        """Write to its standard input."""
        try:
            return os.write(self._input, octets)
        except BlockingIOError:
            return 0

    def close_input(self) -> None:
        """Close its standard input."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def ending(self) -> str:
        """Say how it ended; where only its output did, that."""
        self._await_exit(TERM_S)
        code = self._exit_code()
        if code is None:
            return "it closed its output"
        if code >= 0:
            return f"the process ended with exit code {code}"
        return f"the process was ended by {_signal_name(-code)}"

    def close(self, *, asked_to_end: bool = False) -> str:
        """End it and all that it started."""
        if self._is_closed:
            return ""
        needed = ""
        try:
            self.close_input()
            if asked_to_end and not self._await_exit(END_S, drain=True):
                needed = f"it did not end within {END_S:g} s of bye, but on SIGTERM"
                self._signal_group(signal.SIGTERM)
                if not self._await_exit(TERM_S, drain=True):
                    needed = "it ended neither on bye nor on SIGTERM, and was killed"
        finally:
            with _uninterrupted():
                self._signal_group(signal.SIGKILL)
                left = _end_marked(self._mark)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_KILL_S)
                for pipe in (self._process.stdout, self._process.stderr):
                    if pipe is not None:
                        pipe.close()
                self._is_closed = True
        if left and asked_to_end and not needed:
            needed = "it left processes behind, which were killed"
        return needed

    def _await_exit(self, wait_s: float, *, drain: bool = False) -> bool:
        """Wait until the process has ended; where asked, take what it still writes, so that it can end."""
        end_s = time.monotonic() + wait_s
        while self._exit_code() is None:
            if time.monotonic() >= end_s:
                return False
            if drain:
                self._drain(_STEP_S)
            else:
                time.sleep(_STEP_S)
        return True

    def _exit_code(self) -> int | None:
        """Return its exit code, or minus the signal that ended it; ``None`` while it runs.

        Where the system can tell without it, the process is not yet let go of: its number stays its own, and that of
        its group, until the group has been killed.
        """
        try:
            found = os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except (AttributeError, ChildProcessError):  # macOS before Python 3.13; somebody else let go of it
            return self._process.poll()
        if found is None:
            return None
        return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status

    def _drain(self, wait_s: float) -> None:
        taken = (_read(self._output), _read(self._noise))
        if not any(taken):
            time.sleep(wait_s)

    def _signal_group(self, number: signal.Signals) -> None:
        # nobody is left; on macOS, nobody but what has ended
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, number)


def _read(fileno: int) -> bytes | None:
    try:
        return os.read(fileno, READ_LIMIT)
    except BlockingIOError:
        return None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put off what would interrupt, such as a second Ctrl-C, until nothing is left to be ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_marked(mark: str) -> bool:
    """Kill every process whose environment holds the mark, and tell whether there was any; Linux only."""
    found = False
    end_s = time.monotonic() + _KILL_S
    while pids := _marked(mark):
        found = True
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() >= end_s:
            break
        time.sleep(_STEP_S)
    return found


def _marked(mark: str) -> list[int]:
    """Return the processes whose environment holds the mark; one that has ended has none."""
    wanted = f"{_MARK}={mark}".encode()
    found = []
    for entry in _PROC.glob("[0-9]*/environ"):
        with suppress(OSError):  # another user's, or just gone
            if wanted in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return found
