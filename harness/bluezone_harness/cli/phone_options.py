"""Options of the commands that play virtual phones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from .inputs import INPUT_FILE, NUMBER

_Command = TypeVar("_Command", bound=Callable[..., object])


def drawn_device_option() -> Callable[[_Command], _Command]:
    """Return ``--device``, which hands the path of whose phones are played to a command as ``device_path``."""
    return click.option(
        "--device", "device_path", type=INPUT_FILE, metavar="FILE", help="Whose phones; else one is drawn."
    )


def seed_option() -> Callable[[_Command], _Command]:
    """Return ``--seed``, which hands ``seed`` to a command."""
    return click.option(
        "--seed", type=NUMBER, default=1, show_default=True, metavar="N", help="Draws everything else."
    )


def fault_option() -> Callable[[_Command], _Command]:
    """Return ``--fault``, which hands ``faults`` to a command."""
    return click.option(
        "--fault",
        "faults",
        multiple=True,
        metavar="NAME",
        help="Plant a fault, by name or as F-11; may be repeated ('bzc simulate --list-faults').",
    )


def loss_option() -> Callable[[_Command], _Command]:
    """Return ``--loss``, which hands ``loss`` to a command."""
    return click.option(
        "--loss",
        type=float,
        default=0.0,
        show_default=True,
        metavar="P",
        help="The share of adverts that a receiver misses.",
    )


def platform_option() -> Callable[[_Command], _Command]:
    """Return ``--platform``, which hands ``platform`` to a command."""
    return click.option(
        "--platform",
        type=click.Choice(["android", "ios"]),
        help="Of the phone that is drawn, or where the device file does not say.  [default: android]",
    )


def write_device_option(whose: str = "the phones") -> Callable[[_Command], _Command]:
    """Return ``--write-device``, which hands ``device_out`` to a command.

    Args:
        whose: Device file it is, for people.
    """
    return click.option(
        "--write-device",
        "device_out",
        type=INPUT_FILE,
        metavar="FILE",
        help=f"Write the device file of {whose}.",
    )
