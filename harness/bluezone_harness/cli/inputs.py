"""What people hand over: instants, days, numbers and hex on the command line, files and standard input.

The parsers are pure and raise ``ValueError`` with a reason for people; the parameter types and readers name
the option or file besides. Nothing here repeats what it read where that might be a key.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO

import click

from bluezone_harness.evidence.errors import EvidenceError

from .failures import CallerError, reason_of
from .output import shown

LEAST_EPOCH_MS = 100_000_000_000
"""1973-03-03T09:46:40+00:00: a smaller number is no time in milliseconds but a mistake, mostly seconds."""
FILE_LIMIT = 256 * 1024 * 1024
"""Octets of the largest file read as a whole."""
LINE_LIMIT = 1024 * 1024
"""Octets of the longest text read from standard input where hex is expected."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH_MS = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}")
_TIME = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")
_MILLISECOND = timedelta(milliseconds=1)
_ADVICE = {
    errno.ENOENT: "check the path",
    errno.EISDIR: "give a file",
    errno.EACCES: "check its permissions",
}


def parse_time_ms(text: str) -> int:
    """Read an instant: ISO 8601 with an offset, or milliseconds since 1970; less is dropped.

    Raises:
        ValueError: The text is neither; or it has no offset; or the number is too small for milliseconds.
    """
    if _EPOCH_MS.fullmatch(text):
        return _epoch_ms(text)
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError(
            "give ISO 8601 with an offset, such as 2020-08-08T05:56:31Z, or milliseconds since 1970"
        )
    if not found["offset"]:
        raise ValueError(
            f"the time has no offset: give {text}Z for UTC, or {text}+07:00 for Vietnam's clocks"
        )
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['clock']}{found['offset'].upper()}")
    except ValueError:
        raise ValueError("there is no such time: check month, day, hour, minute, second and offset") from None
    return (moment - _EPOCH) // _MILLISECOND


def _epoch_ms(text: str) -> int:
    if len(text) > 20:
        raise ValueError(
            "the number is too large for a time: give milliseconds since 1970, such as 1596866191387"
        )
    time_ms = int(text)
    if time_ms < LEAST_EPOCH_MS:
        advice = f"{time_ms * 1000}" if time_ms >= LEAST_EPOCH_MS // 1000 else "1596866191387"
        raise ValueError(
            "a number this small is a time before 1973-03-03, when there were no such phones: "
            f"give milliseconds since 1970, such as {advice}"
        )
    return time_ms


def parse_day_ms(text: str) -> int:
    """Read a UTC day, ``YYYY-MM-DD``, and return its first instant.

    Raises:
        ValueError: The text is no such day.
    """
    if not _DAY.fullmatch(text):
        raise ValueError("give a UTC day as YYYY-MM-DD, such as 2020-08-08")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(
            "the calendar has no such day: give a UTC day as YYYY-MM-DD, such as 2020-08-08"
        ) from None
    return (day - _EPOCH.date()) // _MILLISECOND


def parse_number(text: str) -> int:
    """Read a whole number.

    Raises:
        ValueError: The text is none, or has more than forty digits.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError("give a whole number of at most forty digits")
    return int(text)


def parse_key(text: str) -> bytes:
    """Read hex digits, in either case and without anything between; how many, the protocol decides.

    Raises:
        ValueError: Something else stands there, or a digit is missing. The reason repeats one character.
    """
    for place, digit in enumerate(text, start=1):
        if digit not in _HEX_DIGITS:
            raise ValueError(
                f"character {place} of {len(text)} is {digit!r}, no hex digit: give 64 hex digits"
            )
    if len(text) % 2:
        raise ValueError(f"it has an odd number of hex digits, {len(text)}: give 64")
    return bytes.fromhex(text)


def parse_octets(text: str) -> bytes:
    """Read octets as people copy them: hex with spaces or colons between, each group with or without ``0x``.

    Raises:
        ValueError: There are no digits, something else stands among them, or a digit is missing.
    """
    groups = [group.removeprefix("0x").removeprefix("0X") for group in re.split(r"[\s:]+", text) if group]
    digits = "".join(groups)
    if not digits:
        raise ValueError("there are no hex digits: give the octets of AdvData, such as 020102")
    for digit in digits:
        if digit not in _HEX_DIGITS:
            raise ValueError(
                f"{digit!r} is no hex digit: give the octets of AdvData, such as 020102 or 02:01:02"
            )
    if any(len(group) % 2 for group in groups):
        raise ValueError("a hex digit is missing: every octet has two, such as 020102 or 02:01:02")
    return bytes.fromhex(digits)


if TYPE_CHECKING:
    _IntegerType = click.ParamType[int]
else:
    _IntegerType = click.ParamType  # before click 8.4 it is not generic


class Parsed(_IntegerType):
    """A parameter that one of the parsers above reads; what it refuses is wrong usage."""

    def __init__(self, name: str, parse: Callable[[str], int]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the text; click hands over what was read already, such as a default, once more."""
        if isinstance(value, int):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            option = param.opts[0] if param else self.name
            raise CallerError(f"{option} {shown(value)}: {error}", ctx) from None


TIME = Parsed("time", parse_time_ms)
DAY = Parsed("yyyy-mm-dd", parse_day_ms)
NUMBER = Parsed("n", parse_number)
INPUT_FILE = click.Path(readable=False)
"""A path; the command itself opens it, so that what is unreadable ends with its own exit code."""


def file_name(path: str) -> str:
    """Return how messages name an input: without its folders; standard input by its name."""
    return "standard input" if path == "-" else os.path.basename(os.path.normpath(path)) or path


def read_file(path: str) -> bytes:
    """Return all octets of a file, ``-`` for standard input.

    Raises:
        EvidenceError: It cannot be read, is empty, or is larger than ``FILE_LIMIT``.
    """
    name = file_name(path)
    try:
        if path == "-":
            octets = standard_input().read(FILE_LIMIT + 1)
        else:
            with open(path, "rb") as file:
                octets = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise unreadable(path, error) from None
    if not octets:
        raise EvidenceError(name, "the file is empty: check how it was made")
    if len(octets) > FILE_LIMIT:
        raise EvidenceError(
            name, f"it is larger than {FILE_LIMIT // 1024**2} MiB: give the file that was meant"
        )
    return octets


def unreadable(path: str, error: OSError) -> EvidenceError:
    """Return what to raise where the operating system does not let a file be read."""
    advice = _ADVICE.get(error.errno or 0, "check the file")
    return EvidenceError(file_name(path), f"it cannot be read, {reason_of(error)}: {advice}")


def read_hex_line(what: str) -> str:
    """Return the one line on standard input, without the white space around it.

    Args:
        what: What it should hold, for the message.

    Raises:
        CallerError: There is nothing, or more than one line.
    """
    text = read_hex_text(what)
    if len(text.splitlines()) > 1:
        raise CallerError(f"standard input holds more than one line: give {what} alone")
    return text


def read_hex_text(what: str) -> str:
    """Return the text on standard input, without the white space around it; from a terminal its next line.

    Raises:
        CallerError: There is nothing, or far too much.
    """
    stream = standard_input()
    if stream.isatty():
        click.echo(f"{what}: ", err=True, nl=False)
        octets = stream.readline(LINE_LIMIT + 1)
    else:
        octets = stream.read(LINE_LIMIT + 1)
    if len(octets) > LINE_LIMIT:
        raise CallerError(f"standard input holds more than {LINE_LIMIT} octets: give {what} alone")
    text = octets.decode("utf-8-sig", "replace").strip()
    if not text:
        raise CallerError(f"standard input is empty: give {what} there")
    return text


def standard_input() -> BinaryIO:
    """Return standard input, for octets.

    Raises:
        CallerError: It is closed.
    """
    if sys.stdin is None:
        raise CallerError("standard input is closed: open it, or do not give '-'")
    return sys.stdin.buffer
