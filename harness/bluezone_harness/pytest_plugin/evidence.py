"""Captures, recordings and contact logs judged in a test, as ``bzc check`` does, with a failure that says why."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from bluezone_harness.acceptance import accept as accepted_result
from bluezone_harness.acceptance import read_accept_file
from bluezone_harness.checks.alignment import aligned
from bluezone_harness.checks.captures import Capture
from bluezone_harness.cli.broadcast_evidence import played_broadcast
from bluezone_harness.cli.evidence_inputs import read_evidence
from bluezone_harness.cli.failures import CallerError
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.findings import AcceptState, Verdict
from bluezone_harness.profiles import profiles_of
from bluezone_harness.reports.terminal import terminal_text
from bluezone_harness.results import Result
from bluezone_harness.verdicts import exit_code, judge
from bluezone_spec import load
from bluezone_spec.model import Axis, Level

Evidence: TypeAlias = "str | os.PathLike[str] | bytes"
"""A file by its path, or its octets."""
Device: TypeAlias = "Evidence | Mapping[str, object]"
"""A device file, or what would stand in it."""

_DEFAULT_PROFILE = "v3"
_WIDTH = 100


class EvidenceCheck:
    """Judges captures, recordings and contact logs.

    Args:
        new_folder: Makes a folder for evidence that is given as octets.
        echo: Is told what to show of a result if the test fails.
    """

    def __init__(self, new_folder: Callable[[], Path], echo: Callable[[str], None]) -> None:
        self._new_folder = new_folder
        self._echo = echo

    def __call__(
        self,
        *evidence: Evidence,
        device: Device | None = None,
        profile: str = _DEFAULT_PROFILE,
        accept: Evidence | None = None,
        axis: Literal["conformance", "privacy", "both"] = "both",
        strict: bool = False,
        allow_inconclusive: bool = False,
    ) -> Result:
        """Judge evidence, and fail unless all that was judged holds, as ``bzc check`` ends with exit code 0.

        Args:
            evidence: Captures, recordings and contact logs, together.
            device: Whose it is.
            profile: By whose behaviour to judge.
            accept: A file of failures that are known.
            axis: Which verdict counts.
            strict: Failed SHOULDs count, too.
            allow_inconclusive: What is inconclusive, or not judged at all, does not count.

        Raises:
            AssertionError: It does not hold; the text names the requirements, with what was found where.
            EvidenceError: Something cannot be read at all.
            ValueError: There is no evidence, or no such profile.
        """
        __tracebackhide__ = True  # a failure points at the line of the test
        found = self._judged(evidence, device, profile, accept)
        axes = tuple(Axis) if axis == "both" else (Axis(axis),)
        if exit_code(found, axes, strict=strict, allow_inconclusive=allow_inconclusive):
            wrong = "; ".join(_wrong(found, axes, strict=strict, allow_inconclusive=allow_inconclusive))
            raise AssertionError(f"{wrong}\n{_report(found, axes)}")
        return found

    def result(
        self,
        *evidence: Evidence,
        device: Device | None = None,
        profile: str = _DEFAULT_PROFILE,
        accept: Evidence | None = None,
    ) -> Result:
        """Judge evidence, and return the result whatever it is, for assertions of one's own.

        If the test then fails, what failed and what is inconclusive is shown with it.

        Raises:
            EvidenceError: Something cannot be read at all.
            ValueError: There is no evidence, or no such profile.
        """
        __tracebackhide__ = True
        found = self._judged(evidence, device, profile, accept)
        self._echo(_report(found, tuple(Axis)))
        return found

    def _judged(
        self, evidence: Sequence[Evidence], device: Device | None, profile: str, accept: Evidence | None
    ) -> Result:
        __tracebackhide__ = True
        if not evidence:
            raise ValueError("there is no evidence")
        specification = load()
        profiles = profiles_of(specification)
        if profile not in profiles:
            raise ValueError(f"there is no profile {profile!r}: they are {', '.join(profiles)}")
        if isinstance(device, Mapping):
            device = json.dumps(device).encode()
        try:
            device_file = None if device is None else read_device_file(*_named(device, "device.json"))
            rules = None if accept is None else read_accept_file(*_named(accept, "accept.toml"))
            paths = list(self._paths(evidence))
            several = len(paths) > 1
            pieces = [piece for path in paths for piece in read_evidence(path, keep_times=several)]
            played = played_broadcast(pieces)
        except CallerError as problem:
            raise ValueError(problem.message) from None
        except EvidenceError as problem:
            raise problem.with_traceback(None) from None  # the sentence says it all
        found = judge(
            specification,
            profiles[profile],
            [each for each in pieces if isinstance(each, ContactLogEvidence)],
            device_file,
            "check",
            aligned([each for each in pieces if isinstance(each, Capture)]),
            None if played is None else played.broadcast,
        )
        if rules is None:
            return found
        today = datetime.now(UTC).date()  # noqa: TID251 - the shell is where the clock is
        return accepted_result(found, rules, today)

    def _paths(self, evidence: Sequence[Evidence]) -> Iterator[str]:
        for number, each in enumerate(evidence, start=1):
            if isinstance(each, bytes):
                path = self._new_folder() / f"evidence-{number}"
                path.write_bytes(each)
                yield str(path)
            else:
                yield str(Path(each).absolute())  # a file called "-" is a file


def _named(file: Evidence, name: str) -> tuple[str, bytes]:
    """Return a file's name, or the one that octets are given, and its octets."""
    if isinstance(file, bytes):
        return name, file
    path = Path(file)
    try:
        return path.name, path.read_bytes()
    except OSError as problem:
        raise EvidenceError(path.name, str(problem.strerror).lower()) from None


def _wrong(
    result: Result, axes: Collection[Axis], *, strict: bool, allow_inconclusive: bool
) -> Iterator[str]:
    """Yield why a result does not count as holding, a clause each."""
    counted = (Level.MUST, Level.SHOULD) if strict else (Level.MUST,)
    accepted = result.accepted()
    here = [each for each in result.requirements if each.axis in axes]
    failed = [
        each.id
        for each in here
        if each.verdict is Verdict.FAIL and each.level in counted and each.id not in accepted
    ]
    if failed:
        yield f"failed: {', '.join(failed)}"
    stale = [each for each in result.accept_entries if each.state is not AcceptState.APPLIED]
    if stale:
        yield f"accepted, but not so: {', '.join(f'{each.requirement} ({each.state})' for each in stale)}"
    musts = [each for each in here if each.level is Level.MUST]
    doubtful = [each.id for each in musts if each.verdict is Verdict.INCONCLUSIVE]
    if doubtful and not allow_inconclusive:
        yield f"inconclusive: {', '.join(doubtful)}"
    if not any(each.verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE) for each in musts):
        yield "nothing was judged"


def _report(result: Result, axes: Collection[Axis]) -> str:
    """Return what failed and what is inconclusive, for people; the rest is left to ``bzc check``."""
    shown = (Verdict.FAIL, Verdict.INCONCLUSIVE)
    kept = tuple(each for each in result.requirements if each.verdict in shown)
    return terminal_text(replace(result, requirements=kept), axes=axes, width=_WIDTH, color=False)
