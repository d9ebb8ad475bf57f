"""The verdict so far: what ``bzc check`` would say of the recording, had it ended now.

Theory of operation. What was recorded is folded as it comes, with the numbers of the recording's lines, and judged by
the same checks as any capture; so at the end both say the same of the same. Judging takes longer the more was heard:
how often it is done follows from how long it took.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.captures import Capture
from bluezone_harness.evidence.device_files import DeviceFile
from bluezone_harness.findings import Reason, Verdict
from bluezone_harness.observations import RADIO, Capability, Diagnostic, Extent, Observation
from bluezone_harness.results import RequirementVerdict, Result
from bluezone_harness.sightings import Gathering
from bluezone_harness.verdicts import judge
from bluezone_reference.profiles import Profile
from bluezone_spec.model import Level, Specification

KIND = "recording"
_BY_LISTENING = RADIO | {Capability.BASE_ID}
_LEVELS = (Level.MUST, Level.SHOULD)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is known of the recording that is being written.

    Attributes:
        name: Of the file, without folders.
        sha256: Of its octets so far, in hex.
        lines: How many lines it has, its header and end not counted.
        partial: It is not whole.
        diagnostics: What there is to know about that.
    """

    name: str
    sha256: str
    lines: int
    partial: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()


class LiveJudge:
    """Judges what is heard, at any time.

    Args:
        specification: By which.
        profile: Whose behaviour is right.
        device_file: Whose evidence it is, where that is known.
        name: Of the recording, without folders.
        command: Which command asks.
    """

    def __init__(
        self,
        specification: Specification,
        profile: Profile,
        device_file: DeviceFile | None,
        name: str,
        command: str,
    ) -> None:
        self._specification = specification
        self._profile = profile
        self._device_file = device_file
        self._command = command
        self._gathering = Gathering(name)

    def hear(self, observation: Observation) -> None:
        """Take what was recorded, with the number of its line."""
        self._gathering.add(observation)

    def capture(self, recorded: Recorded, capabilities: Mapping[Capability, Extent]) -> Capture:
        """Return what was recorded so far as evidence.

        Args:
            recorded: What is known of the recording.
            capabilities: Those of its header.
        """
        return self.until_now(recorded, capabilities)()

    def until_now(
        self, recorded: Recorded, capabilities: Mapping[Capability, Extent]
    ) -> Callable[[], Capture]:
        """Return what returns that evidence; another thread may call it while more is heard, as it takes long.

        Args:
            recorded: What is known of the recording.
            capabilities: Those of its header.
        """
        shown, folded = dict(capabilities), self._gathering.until_now()
        return lambda: Capture(
            recorded.name,
            recorded.sha256,
            KIND,
            shown,
            recorded.lines,
            recorded.partial,
            recorded.diagnostics,
            folded(),
        )

    def result(self, capture: Capture) -> Result:
        """Judge evidence; it may be done in another thread than hearing."""
        return judge(self._specification, self._profile, (), self._device_file, self._command, (capture,))


def undecided(result: Result, *, reads: bool) -> Iterator[RequirementVerdict]:
    """Yield what listening on may still decide, MUSTs first.

    What takes evidence of another kind, or several phones, is not among it; nor is what this receiver cannot show.

    What takes an event, such as midnight or a setting of ``max`` (BZ-KEY-009), is: it comes to who waits.

    Args:
        result: So far.
        reads: A phone under test is read, or may yet be; until it was, what that shows is to come.
    """
    shown = frozenset(
        name
        for each in result.inputs
        for name, extent in each.capabilities.items()
        if extent is not Extent.NO
    )
    waiting = [
        each for each in result.requirements if each.level in _LEVELS and _is_waiting(each, reads, shown)
    ]
    yield from sorted(waiting, key=lambda each: _LEVELS.index(each.level))


def is_decided(result: Result, *, reads: bool) -> bool:
    """Tell whether every MUST was judged that listening can decide, and any was; the arguments are ``undecided``'s.

    A SHOULD is not waited for: what takes more packets than this receiver hears would never come (BZ-ADV-008).
    """
    waiting = (each for each in undecided(result, reads=reads) if each.level is Level.MUST)
    return bool(result.coverage.judged) and not any(waiting)


def _is_waiting(each: RequirementVerdict, reads: bool, shown: frozenset[Capability]) -> bool:
    check = CHECKS.get(each.id)
    if check is None or not any(need <= _BY_LISTENING for need in check.needs):
        return False
    if each.verdict is Verdict.INCONCLUSIVE:
        return each.reason is not Reason.EVIDENCE_MISSING
    by_reading = all(Capability.GATT in need for need in check.needs)
    possible = any(need <= shown for need in check.needs)
    return by_reading and possible and reads and each.verdict is Verdict.NOT_OBSERVABLE
