"""The plugin's options, and what was given for them; all that every run of pytest pays for, and so next to nothing."""

from __future__ import annotations

import os

import pytest

_DEFAULT_PROFILE = "v3"
_SEED_OCTETS = 4
_SEED = pytest.StashKey[int]()
_SEED_KEY = "bluezone_seed"


def add_options(parser: pytest.Parser) -> None:
    """Add the options of the command line, and to the ini file those that seldom change."""
    add = parser.getgroup("bluezone", "Bluezone conformance").addoption
    add("--implementation", metavar="CMD", help="Starts the adapter of the implementation under test.")
    add("--bluezone-connect", metavar="HOST:PORT", help="Where the adapter listens, instead of CMD.")
    add("--deviations", metavar="FILE", help="Vectors that are known not to hold, as TOML.")
    add("--bluezone-profile", metavar="NAME", help="Whose vectors to ask (default: v3).")
    add("--bluezone-seed", type=int, metavar="N", help="Of the order of the questions; else it is drawn.")
    add("--bluezone-timeout", type=float, metavar="S", help="Seconds that a reply may take.")
    add("--bluezone-strict", action="store_true", help="Failed SHOULDs and deviations fail, too.")
    add(
        "--bluezone-req",
        action="append",
        default=[],
        metavar="ID",
        help="Only tests that hold to this requirement or fault; 'BZ-KEY-*' names several. May be repeated.",
    )
    parser.addini("bluezone_implementation", "As --implementation.", default="")
    parser.addini("bluezone_deviations", "As --deviations; a path from the ini file's folder.", default="")
    parser.addini("bluezone_profile", "As --bluezone-profile.", default="")


def connect_of(config: pytest.Config) -> str | None:
    """Return where the adapter listens; ``None`` where that was not given."""
    given: str | None = config.getoption("--bluezone-connect")
    return given


def command_of(config: pytest.Config) -> str:
    """Return the adapter's command, of the command line or else of the ini file; empty where there is none."""
    given = config.getoption("--implementation")
    return str(config.getini("bluezone_implementation") if given is None else given)


def is_given(config: pytest.Config) -> bool:
    """Tell whether an implementation is given."""
    return connect_of(config) is not None or bool(command_of(config))


def profile_of(config: pytest.Config) -> str:
    """Return the name of the profile whose vectors to ask."""
    return str(
        config.getoption("--bluezone-profile") or config.getini("bluezone_profile") or _DEFAULT_PROFILE
    )


def seed_of(config: pytest.Config) -> int:
    """Return the run's seed, drawn once where none is given; a worker of xdist has that of its controller.

    Raises:
        UsageError: It is out of range.
    """
    given = getattr(config, "workerinput", {}).get(_SEED_KEY, config.getoption("--bluezone-seed"))
    if given is not None and not 0 <= given < 256**_SEED_OCTETS:
        raise pytest.UsageError(f"--bluezone-seed is 0 to {256**_SEED_OCTETS - 1}")
    drawn = int.from_bytes(os.urandom(_SEED_OCTETS)) if given is None else given
    return config.stash.setdefault(_SEED, drawn)


def seed_input(config: pytest.Config) -> dict[str, int]:
    """Return what a worker of xdist is told."""
    return {_SEED_KEY: seed_of(config)}
