"""How a command ends: exit codes, and the one line that says what went wrong.

=====  =================================================================================================
0      what was asked for holds
1      a MUST failed; malformed input to ``decode``; a refused case in ``match``; a build without an answer
2      inconclusive, or nothing judged
3      evidence unreadable, or the harness at fault
64     wrong usage
130    interrupted
141    the reader of the output went away (what a shell reports of a program that SIGPIPE ends)
=====  =================================================================================================
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

import click

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_reference.errors import BuildFailureError, MalformedError, RefusedError

from .output import one_line, shown

NAME = "bzc"
DEBUG_VARIABLE = "BZC_DEBUG"
"""Environment variable; where it is set, an unexpected error shows its traceback."""
_EXPECTED = (
    click.ClickException,
    click.Abort,
    KeyboardInterrupt,
    EvidenceError,
    MalformedError,
    RefusedError,
    BuildFailureError,
    OSError,
)


class ExitCode(IntEnum):
    """What a command's exit code says; a closed table."""

    HOLDS = 0
    FAILED = 1
    INCONCLUSIVE = 2
    UNREADABLE = 3
    USAGE = 64
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class CallerError(click.UsageError):
    """Wrong usage; the message is complete: what is wrong, where, and what to do, without a full stop."""

    exit_code: ClassVar[int] = ExitCode.USAGE


def ending_of(error: BaseException) -> tuple[str, ExitCode]:
    """Return the sentence for people, without ``bzc:``, and the exit code of an error that ended a command.

    The sentence is one line and holds nothing that could steer a terminal. It is empty where there is nothing
    to say.
    """
    text, code = _ending(error)
    return one_line(text), code


def is_expected(error: BaseException) -> bool:
    """Tell whether an error says enough by its sentence; any other is a defect of this program."""
    return isinstance(error, _EXPECTED)


def _ending(error: BaseException) -> tuple[str, ExitCode]:
    match error:
        case CallerError():
            return error.message, ExitCode.USAGE
        case click.UsageError():
            return _usage(error), ExitCode.USAGE
        case click.ClickException():
            return _clause(error.format_message()), ExitCode.UNREADABLE
        case KeyboardInterrupt() | click.Abort():
            return "interrupted", ExitCode.INTERRUPTED
        case RefusedError():
            return str(error), ExitCode.USAGE
        case BuildFailureError():
            return f"the published build gives no answer: {error}", ExitCode.FAILED
        case EvidenceError() | MalformedError():
            return str(error), ExitCode.UNREADABLE
        case BrokenPipeError():
            return "", ExitCode.PIPE_CLOSED
        case OSError():
            name = f" ({error.filename!r})" if error.filename else ""
            return f"reading or writing failed: {reason_of(error)}{name}", ExitCode.UNREADABLE
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"a defect of {NAME}, {what}; set {DEBUG_VARIABLE}=1 to see the traceback", ExitCode.UNREADABLE


def reason_of(error: OSError) -> str:
    """Return what the operating system says, as a clause."""
    return _clause(error.strerror or str(error) or type(error).__name__)


def _usage(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else NAME
    if isinstance(error, click.NoSuchOption):
        near = f"; did you mean {' or '.join(error.possibilities)}?" if error.possibilities else ""
        return f"there is no option {shown(error.option_name)}, see '{path} --help'{near}"
    return f"{_clause(error.format_message())}; see '{path} --help'"


def _clause(text: str) -> str:
    """Return a sentence of another hand as a clause: no capital at its head, no full stop at its end."""
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
