"""The table of commands, and the group that imports a command only when it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, TextIO

import click

from .failures import DEBUG_VARIABLE, NAME, CallerError, ExitCode, ending_of, is_expected
from .output import shown

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "demo": "Judge a capture of a simulated phone.",
    "check": "Judge evidence against the specification.",
    "sniff": "Listen to phones, record, show and judge.",
    "info": "Say what evidence holds and can show.",
    "convert": "Convert captures to pcapng or a recording.",
    "diff": "Compare two results of 'bzc check --json'.",
    "match": "Match positive cases against a contact log.",
    "decode": "Say what an advertisement's AdvData hold.",
    "ids": "Compute the rolling ids of a base id.",
    "implementation": "Test an implementation of the protocol's core.",
    "simulate": "Write a capture of virtual phones.",
    "phones": "Play virtual phones that a host hears by HCI.",
    "broadcast": "Play a scenario towards a device under test.",
    "rehearse": "Play a scenario to a virtual app.",
    "selftest": "Plant every known fault, and show what finds it.",
    "requirements": "List the requirements of the specification.",
    "explain": "Explain a requirement, fault, code or word.",
    "doctor": "Say what is installed, and what cannot work.",
    "completion": "Print the script for completion in a shell.",
}
"""Each command, a module of this package, and its line of help; a test holds it equal to the module's own."""


class LazyGroup(click.Group):
    """A group whose commands are modules, imported when used; its errors are one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; ``None`` where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"{__package__}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command named first; where there is none, name the nearest.

        Raises:
            CallerError: There is none of that name.
        """
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(name.lower(), COMMANDS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise CallerError(
                f"there is no command {shown(name)}, see '{ctx.command_path} --help'{hint}", ctx
            )
        return name, command, args[1:]

    def invoke(self, ctx: click.Context) -> object:
        """Run the command named; an error that click raised without saying of which command gets it."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            name = ctx.invoked_subcommand
            command = self.get_command(ctx, name) if name else None
            if error.ctx is None and command:
                error.ctx = click.Context(command, ctx, name)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of commands and options, importing none."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,  # noqa: ANN401 - as in click
    ) -> Any:  # noqa: ANN401 - as in click
        """Run a command and leave with its exit code; arguments as in ``click.Command.main``.

        Raises:
            SystemExit: Always, in standalone mode.
        """
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        name = prog_name or NAME
        variable = complete_var or f"_{name}_COMPLETE".replace("-", "_").replace(".", "_").upper()
        with _ended_by_exit_code():
            if os.environ.get(variable):
                from click.shell_completion import shell_complete

                sys.exit(shell_complete(self, extra, name, variable, os.environ[variable]))
            with self.make_context(name, list(sys.argv[1:] if args is None else args), **extra) as ctx:
                self.invoke(ctx)  # click.echo holds nothing back: what cannot be written is seen here
        sys.exit(ExitCode.HOLDS)


@contextmanager
def _ended_by_exit_code() -> Iterator[None]:
    try:
        try:
            yield
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            sys.exit(ExitCode.USAGE)
        except click.exceptions.Exit as error:
            sys.exit(error.exit_code)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - no traceback reaches a user
        sys.exit(_report(error))


def _report(error: BaseException) -> int:
    """Say on standard error what ended the command, and return the exit code."""
    line, code = ending_of(error)
    with suppress(OSError):  # nobody listens there: the exit code says it all
        if code == ExitCode.INTERRUPTED and _is_terminal():
            click.echo(err=True)  # after the ^C that the terminal shows
        if os.environ.get(DEBUG_VARIABLE) and not is_expected(error):
            import traceback

            click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
        if line:
            click.echo(f"{NAME}: {line}", err=True)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            _discard(stream)
    return code


def _is_terminal() -> bool:
    """Tell whether a person sees standard error."""
    return sys.stderr is not None and sys.stderr.isatty()


def _discard(stream: TextIO) -> None:
    """Let the interpreter's own flush at its end succeed."""
    with suppress(OSError):
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, stream.fileno())
        os.close(silent)
