"""What the command line and the ini file say of the implementation under test, read and checked."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pytest

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.implementations.deviations import DeviationFile, read_deviations
from bluezone_harness.implementations.links import Link
from bluezone_harness.implementations.processes import ProcessLink
from bluezone_harness.implementations.runner import vectors_of as asked_of
from bluezone_harness.implementations.session import TIMEOUT_S
from bluezone_harness.implementations.tcp import TcpLink, parse_address
from bluezone_harness.pytest_plugin.options import command_of, connect_of, profile_of, seed_of
from bluezone_vectors.pack import Vector, load


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is told.

    Attributes:
        opening: Opens a link to the implementation.
        profile: Whose vectors to ask.
        seed: Of the order of the questions.
        timeout_s: How long a reply may take.
        deviations: What the file says; ``None`` where there is none.
        strict: Failed SHOULDs and deviations count.
    """

    opening: Callable[[], Link]
    profile: str
    seed: int
    timeout_s: float
    deviations: DeviationFile | None
    strict: bool


def read_settings(config: pytest.Config) -> Settings:
    """Read and check what a run is told.

    Raises:
        UsageError: No implementation is named, or something makes no sense, or cannot be read; in one sentence.
    """
    timeout_s = config.getoption("--bluezone-timeout")
    if timeout_s is not None and not timeout_s > 0:
        raise pytest.UsageError("--bluezone-timeout is more than 0")
    vectors_of(config)
    return Settings(
        _opening(config),
        profile_of(config),
        seed_of(config),
        TIMEOUT_S if timeout_s is None else timeout_s,
        _deviations(config),
        bool(config.getoption("--bluezone-strict")),
    )


def vectors_of(config: pytest.Config) -> tuple[Vector, ...]:
    """Return the vectors of the profile, in the order of the pack.

    Raises:
        UsageError: It has none.
    """
    profile, vectors = profile_of(config), load().vectors
    found = tuple(asked_of(profile, vectors))
    if not found:
        known = ", ".join(sorted({vector.profile for vector in vectors}))
        raise pytest.UsageError(f"--bluezone-profile {profile}: the profiles that have vectors are {known}")
    return found


def check_ids(ids: Sequence[str]) -> None:
    """Refuse ids of requirements and faults that do not exist, and patterns that name none.

    Raises:
        UsageError: One is such.
    """
    from bluezone_spec import load as load_specification

    specification = load_specification()
    known = [*specification.requirements, *specification.faults]
    for wanted in ids:
        if not any(fnmatchcase(name, wanted) for name in known):
            raise pytest.UsageError(
                f"--bluezone-req {wanted}: there is no such requirement or fault; 'bzc requirements' lists them"
            )


def _opening(config: pytest.Config) -> Callable[[], Link]:
    connect, given = connect_of(config), config.getoption("--implementation")
    if connect is not None and given is not None:
        raise pytest.UsageError("give either --implementation or --bluezone-connect")
    try:
        if connect is not None:
            host, port = parse_address(connect)
            return lambda: TcpLink(host, port)
        words = shlex.split(command_of(config))
    except ValueError as problem:
        name = "--implementation" if connect is None else "--bluezone-connect"
        raise pytest.UsageError(f"{name}: {str(problem).lower() if connect is None else problem}") from None
    if given is not None and (not words or not words[0]):
        raise pytest.UsageError("--implementation is empty: give the command that starts the adapter")
    if not words:
        raise pytest.UsageError(
            "no implementation is named: give --implementation CMD, such as 'node adapter.mjs'"
        )
    return lambda: ProcessLink(words)


def _deviations(config: pytest.Config) -> DeviationFile | None:
    given, configured = config.getoption("--deviations"), str(config.getini("bluezone_deviations"))
    if given is None and not configured:
        return None
    folder = config.rootpath if config.inipath is None else config.inipath.parent
    path = folder / configured if given is None else config.invocation_params.dir / given
    try:
        return read_deviations(path.name, path.read_bytes(), load().version)
    except OSError as problem:
        raise pytest.UsageError(f"{path}: {str(problem.strerror).lower()}") from None
    except EvidenceError as problem:
        raise pytest.UsageError(str(problem)) from None
