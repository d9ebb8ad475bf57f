"""How the commands on implementations name an adapter: its command or its socket, and how long a reply may take."""

from __future__ import annotations

import click

from bluezone_harness.implementations.session import TIMEOUT_S

adapter_words = click.argument("words", metavar="[CMD]...", nargs=-1)
connect_option = click.option("--connect", metavar="HOST:PORT", help="Where it listens, instead of CMD.")
timeout_option = click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 3600),
    default=TIMEOUT_S,
    show_default=True,
    metavar="S",
    help="Seconds that a reply may take.",
)
