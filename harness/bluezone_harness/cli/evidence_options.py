"""Options of the commands that judge evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from bluezone_spec.model import Axis

from .inputs import INPUT_FILE

DEVICE_VARIABLE = "BZC_DEVICE"
_BOTH = "both"
_Command = TypeVar("_Command", bound=Callable[..., object])


def device_option(text: str) -> Callable[[_Command], _Command]:
    """Return ``--device``, which hands the path of whose evidence it is to a command as ``device_path``.

    Args:
        text: What it does there, for the help.
    """
    return click.option(
        "--device",
        "device_path",
        type=INPUT_FILE,
        metavar="FILE",
        envvar=DEVICE_VARIABLE,
        help=f"Whose evidence it is, as JSON{text}. Else ${DEVICE_VARIABLE}.",
    )


def axis_option() -> Callable[[_Command], _Command]:
    """Return ``--axis``, which hands ``axis`` to a command, for ``chosen_axes``."""
    return click.option(
        "--axis",
        type=click.Choice([*map(str, Axis), _BOTH]),
        default=_BOTH,
        show_default=True,
        help="Which verdict counts, and is reported as text.",
    )


def chosen_axes(axis: str) -> tuple[Axis, ...]:
    """Return the axes that ``--axis`` names."""
    return tuple(Axis) if axis == _BOTH else (Axis(axis),)
