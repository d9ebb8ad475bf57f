"""``bzc completion``: the script by which a shell completes ``bzc``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .failures import NAME
from .output import examples

_SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog=examples(
        "bzc completion bash > ~/.local/share/bash-completion/completions/bzc",
        "bzc completion fish > ~/.config/fish/completions/bzc.fish",
        "bzc completion zsh > ~/.zfunc/_bzc",
        'eval "$(bzc completion bash)"',
    )
)
@click.argument("shell", type=click.Choice(_SHELLS), metavar="bash|zsh|fish")
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script for completion in a shell.

    Once installed, the Tab key completes commands, options, profiles and the ids of the specification. The
    examples install it for new shells, the last one for this shell alone. It takes bash 4.4 or newer; zsh
    needs fpath+=(~/.zfunc) before compinit in ~/.zshrc.
    """
    kind = get_completion_class(shell)
    if kind is None:  # click took its support for this shell away
        raise click.UsageError(f"this version of click cannot complete in {shell}", ctx)
    script = kind(ctx.find_root().command, {}, NAME, f"_{NAME.upper()}_COMPLETE")
    # The template itself: the method that fills it in would ask for the version of bash on this machine.
    click.echo(script.source_template % script.source_vars())
