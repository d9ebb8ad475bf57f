"""The result of a run: what every report is made from, and what a report that is read gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bluezone_harness.findings import AcceptEntry, Finding, Reason, Verdict
from bluezone_harness.observations import Capability, Diagnostic, Extent
from bluezone_spec.model import Axis, Level

SCHEMA = 1
"""Version of the schema that a ``Result`` written as JSON keeps to."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the MUSTs that apply were judged: passed or failed."""

    judged: int
    total: int


@dataclass(frozen=True, slots=True)
class AxisVerdict:
    """The verdict of an axis, and its coverage."""

    verdict: Verdict
    coverage: Coverage


@dataclass(frozen=True, slots=True)
class RequirementVerdict:
    """The verdict of a requirement.

    Attributes:
        id: Of the requirement.
        title: Its heading.
        level: MUST, SHOULD, MAY or REPORT.
        axis: Conformance or privacy.
        verdict: What is said of it.
        reason: Why neither pass nor fail; ``None`` where it is one of them, or does not apply.
        judged: How many things were judged.
        failed: How many of them failed.
        summary: What was judged, or why it was not.
    """

    id: str
    title: str
    level: Level
    axis: Axis
    verdict: Verdict
    reason: Reason | None
    judged: int
    failed: int
    summary: str


@dataclass(frozen=True, slots=True)
class Suite:
    """By what was judged: version of this package, and SHA-256 of the specification in hex."""

    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Input:
    """A piece of evidence, as a report names it.

    Attributes:
        name: Of the file, without folders.
        sha256: Of its octets, in hex.
        kind: Such as ``contact_log_export``.
        capabilities: What it can show; what is not named it cannot.
        contents: What it holds, of each thing how many, such as packets, adverts, sightings; or rows.
    """

    name: str
    sha256: str
    kind: str
    capabilities: Mapping[Capability, Extent]
    contents: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviceSummary:
    """A device under test.

    Attributes:
        label: Its name in the device file, or a word for it.
        matched: Rows of contact logs and sightings whose id is that of its schedule at that time.
        clock_offset_ms: By how much its clock is ahead of the evidence's; ``None`` where there is nothing to
            tell.
        sightings: How often it was heard on the air.
    """

    label: str
    matched: int
    clock_offset_ms: int | None
    sightings: int


@dataclass(frozen=True, slots=True)
class Result:
    """All that a run found out; what every report is made from.

    Attributes:
        schema: Version of the form.
        suite: By what was judged.
        command: Which command was run.
        profile: Name of the profile.
        inputs: The evidence, in the order in which it was given.
        partial: Some of the evidence could not be read.
        conformance: Verdict of the axis.
        privacy: Verdict of the axis.
        coverage: Of both axes together.
        requirements: Every requirement of the specification, in its order.
        findings: Failures first, MUST before SHOULD, then in the order of the specification.
        diagnostics: Damage and the like.
        devices: Who was judged.
        accept_entries: What became of each entry of the file of accepted findings; see ``acceptance``.
    """

    schema: int
    suite: Suite
    command: str
    profile: str
    inputs: tuple[Input, ...]
    partial: bool
    conformance: AxisVerdict
    privacy: AxisVerdict
    coverage: Coverage
    requirements: tuple[RequirementVerdict, ...]
    findings: tuple[Finding, ...]
    diagnostics: tuple[Diagnostic, ...]
    devices: tuple[DeviceSummary, ...]
    accept_entries: tuple[AcceptEntry, ...] = ()

    def axis(self, axis: Axis) -> AxisVerdict:
        """Return the verdict of an axis."""
        return self.conformance if axis is Axis.CONFORMANCE else self.privacy

    def accepted(self) -> frozenset[str]:
        """Return the ids of the failed requirements whose every failure is accepted."""
        failures = [each for each in self.findings if each.verdict is Verdict.FAIL]
        counting = {each.requirement for each in failures if each.accepted is None}
        return frozenset(each.requirement for each in failures) - counting
