"""Options that several commands have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from bluezone_reference.profiles import PROFILES, V3

_Command = TypeVar("_Command", bound=Callable[..., object])


def profile_option(text: str) -> Callable[[_Command], _Command]:
    """Return ``--profile``, which hands ``profile_name`` to a command.

    Args:
        text: What the profile decides there, for the help.
    """
    return click.option(
        "--profile",
        "profile_name",
        type=click.Choice(list(PROFILES)),
        default=V3.name,
        show_default=True,
        help=text,
    )
