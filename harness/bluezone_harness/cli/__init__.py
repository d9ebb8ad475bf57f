"""The command line: ``bzc``, in full ``bluezone-conformance``.

Only here are files opened, answers printed and exit codes chosen (see ``failures``). A command is a module of
this package with a ``command``; it is imported only when it is asked for, so that help comes at once.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

import click

from bluezone_reference import __version__

from .commands import LazyGroup
from .failures import NAME
from .output import examples

LONG_NAME = "bluezone-conformance"


@click.group(
    NAME,
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    epilog=examples(
        "bzc demo",
        "bzc check data_trace.txt --device device.json",
        "bzc decode 0201020fffb522b9a665d754fe65e665d76a450303564e",
        "bzc explain BZ-KEY-003",
    )
    + "\n\nExit codes: 0 what was asked for holds; 1 a requirement failed, or malformed input; "
    "2 inconclusive; 3 evidence unreadable, or a defect of bzc; 64 wrong usage; 130 interrupted.",
)
@click.version_option(__version__, prog_name=NAME, message="%(prog)s %(version)s")
@click.pass_context
def bzc(ctx: click.Context) -> None:
    """The Bluezone conformance kit: what the protocol says, and whether evidence keeps to it."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False


def main() -> None:
    """Run ``bzc`` with the arguments of this process, and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # not where they are closed
            stream.reconfigure(errors="backslashreplace")
    called = os.path.basename(
        sys.argv[0]
    )  # pathlib would take a sixth of the time that a quick command takes
    bzc.main(prog_name=called if called == LONG_NAME else NAME)
