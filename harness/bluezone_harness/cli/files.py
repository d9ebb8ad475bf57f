"""Files that a command writes: whole or not at all, and an error names them as they were given."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click

from .failures import CallerError, reason_of
from .inputs import file_name

_ADVICE = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "give a file",
    errno.EACCES: "check its permissions",
    errno.ENOSPC: "make room there",
}


def keep_inputs(inputs: Sequence[str | None], outputs: Sequence[tuple[str, str | None]]) -> None:
    """Refuse to write over what is read: evidence is not destroyed, by no option and by no other name of the file.

    Args:
        inputs: Paths of what is read; ``-`` and None are no files.
        outputs: Options and the paths they give; ``-`` and None are no files.

    Raises:
        CallerError: An output is an input, itself or by a link.
    """
    for option, path in outputs:
        if path is None or path == "-":
            continue
        for each in inputs:
            if each is not None and each != "-" and _is_one_file(each, path):
                raise CallerError(
                    f"{option} {file_name(path)!r} is what is read, and would be lost: give another file"
                )


def _is_one_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other) and Path(one).is_file()
    except (OSError, ValueError):
        return False  # one of them is not there, and whoever opens it says so


@contextmanager
def written(path: str) -> Iterator[BinaryIO]:
    """Open what is to be written; a file appears under its name when it is complete, or not at all.

    Args:
        path: Of the file; ``-`` for standard output.

    Raises:
        click.ClickException: It cannot be written; the message is complete.
    """
    if path == "-":
        if sys.stdout is None:  # as it is where somebody closed it
            raise click.ClickException("standard output is closed: give the name of a file")
        yield sys.stdout.buffer
        return
    target = Path(path)
    with _named(path):
        if target.exists() and not target.is_file():  # a pipe, or a folder, which says so itself
            with target.open("wb") as file:
                yield file
            return
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            with partial.open("xb") as file:
                yield file
            partial.replace(target)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise


def write_text(path: str, text: str) -> None:
    """Write text in UTF-8, its line feeds as they are.

    Raises:
        click.ClickException: It cannot be written; the message is complete.
    """
    with _named(path):
        Path(path).write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Name the file as it was given where the operating system does not let it be written."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "give another file")
        raise click.ClickException(f"{path!r} cannot be written, {reason_of(error)}: {advice}") from None
