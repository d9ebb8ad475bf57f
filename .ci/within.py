"""Run commands one after another within a budget of seconds; a late one is ended, and that is a failure.

    python .ci/within.py SECONDS COMMAND [ARGUMENT ...] [then COMMAND [ARGUMENT ...]] ...

Each tox environment runs its commands through this, with the budget that tox.ini gives it. All of them share
the one budget; the first that fails ends the run with its exit code, a late one with 124, as timeout(1) does.
Where BZC_TIMES names a file, a line is added to it: environment, seconds taken, budget, exit code, by tabs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

LATE = 124
WRONG_USAGE = 64


def commands_of(arguments: list[str]) -> list[list[str]]:
    """Split arguments at each ``then``."""
    commands: list[list[str]] = [[]]
    for argument in arguments:
        if argument == "then":
            commands.append([])
        else:
            commands[-1].append(argument)
    return commands


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it started: politely first, by force five seconds later."""
    if os.name != "posix":
        process.kill()
        process.wait()
        return
    os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    # what the command started may have outlived it
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run(command: list[str], seconds: float) -> int:
    """Run one command and return its exit code, or 124 where it takes longer than ``seconds``."""
    try:
        process = subprocess.Popen(command, start_new_session=os.name == "posix")  # noqa: S603 (tox.ini's own words)
    except OSError as error:
        print(f"within budget: {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    try:
        code = process.wait(timeout=max(seconds, 0))
    except subprocess.TimeoutExpired:
        end(process)
        return LATE
    except KeyboardInterrupt:
        end(process)
        return 130
    return code if code >= 0 else 128 - code


def main(arguments: list[str]) -> int:
    """Run what the command line says and return the exit code."""
    if len(arguments) < 2 or not arguments[0].isdecimal() or [] in commands_of(arguments[1:]):
        print(__doc__, file=sys.stderr)
        return WRONG_USAGE
    budget, commands = int(arguments[0]), commands_of(arguments[1:])
    name = os.environ.get("TOX_ENV_NAME", "here")
    began = time.monotonic()
    code = 0
    for command in commands:
        code = run(command, budget - (time.monotonic() - began))
        if code:
            break
    taken = time.monotonic() - began
    if code == LATE:
        print(f"within budget: {name}: ended: its budget is {budget} s", file=sys.stderr)
    else:
        print(f"within budget: {name}: {taken:.0f} s of {budget} s", file=sys.stderr)
    if times := os.environ.get("BZC_TIMES"):
        with Path(times).open("a", encoding="utf-8") as lines:
            lines.write(f"{name}\t{taken:.1f}\t{budget}\t{code}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
