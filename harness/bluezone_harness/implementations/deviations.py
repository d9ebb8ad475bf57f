"""Known deviations of an implementation: a file that its maker keeps, and that must stay true.

Theory of operation. A TOML file lists the vectors that do not hold, how they fail, and why. ``read_deviations`` reads
it strictly, ``compare`` holds its entries against a run. Nothing is hidden: a vector that deviates is a failure in
every report, and only does not count for the exit code. An entry that is no longer true (the vector holds, or fails
in another way, or does not exist, or there are more of them, or the entry has expired) fails the run.

.. code-block:: toml

    schema = 1
    suite = "~=1.2"                   # the pack that it was written for: 1.2 or a later 1.x

    [error_map]                       # the implementation's own reject code -> that of the specification
    "E_TRUNC" = "TRUNCATED_AD"

    [[deviation]]
    id = "key-slot-equals-max"        # a vector, or several by * and ?, which needs count
    kind = "bug"                      # bug, wontfix, unsupported or disputed
    expect = { outcome = "error", match = "IndexOutOfBounds" }
    reason = "slot index not bounds-checked"
    issue = "https://example.org/12"  # optional
    expires = 2026-12-31              # required for a bug
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TypeVar

from bluezone_harness.evidence.strict_json import Node, parse_toml
from bluezone_harness.findings import Acceptance, AcceptEntry, AcceptState
from bluezone_harness.implementations.runner import Outcome, VectorOutcome
from bluezone_reference.errors import RejectCode

SCHEMA = 1
"""Version of the form of the file."""
_ID = re.compile(r"[a-z0-9*?]+(?:-[a-z0-9*?]+)*")
_SUITE = re.compile(r"~=([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?")
_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})")
_Word = TypeVar("_Word", bound=StrEnum)


class DeviationKind(StrEnum):
    """What its maker says of a deviation."""

    BUG = "bug"
    WONTFIX = "wontfix"
    UNSUPPORTED = "unsupported"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class Deviation:
    """An entry of the file.

    Attributes:
        vector: Id of a vector, or a pattern of several.
        kind: What its maker says of it.
        outcome: In which way the vectors fail.
        match: What the answer holds; empty: anything.
        reason: Why.
        issue: Where it is followed up; empty where it is not.
        expires: The last day on which it holds; ``None``: for good.
        count: How many vectors the pattern names; ``None`` where it is an id.
    """

    vector: str
    kind: DeviationKind
    outcome: Outcome
    match: str
    reason: str
    issue: str = ""
    expires: date | None = None
    count: int | None = None

    def names(self, vector: str) -> bool:
        """Tell whether the entry is about a vector."""
        return fnmatchcase(vector, self.vector)

    def matches(self, outcome: VectorOutcome) -> bool:
        """Tell whether a vector fails as the entry says."""
        said = ("", "") if outcome.answer is None else (outcome.answer.text, outcome.answer.code)
        return outcome.outcome is self.outcome and any(self.match in each for each in (outcome.text, *said))

    def acceptance(self) -> Acceptance:
        """Return what is said of a failure that it is about."""
        issue = f" ({self.issue})" if self.issue else ""
        return Acceptance(f"{self.kind}: {self.reason}{issue}", self.expires)


@dataclass(frozen=True, slots=True)
class DeviationFile:
    """The whole file.

    Attributes:
        error_map: From the implementation's own reject codes to those of the specification.
        deviations: The entries, in their order.
    """

    error_map: Mapping[str, str] = field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()


@dataclass(frozen=True, slots=True)
class AppliedDeviations:
    """What a file of deviations is worth for a run.

    Attributes:
        entries: What became of each entry.
        numbers: Which entry, from 1, accepts the failure of a vector.
        acceptances: What is said of the failures that an entry accepts, by its number.
    """

    entries: tuple[AcceptEntry, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)
    acceptances: Mapping[int, Acceptance] = field(default_factory=dict)


def read_deviations(name: str, octets: bytes, suite_version: str) -> DeviationFile:
    """Read a file of deviations.

    Args:
        name: Of the file, without folders; for messages.
        octets: All of it: UTF-8, with or without a byte order mark.
        suite_version: Of the pack that is run, such as ``1.2.0``.

    Raises:
        EvidenceError: It is no TOML, not as the form asks for, or written for another pack; the sentence says where.
    """
    node = parse_toml(name, octets)
    node.keys(required=("schema", "suite"), optional=("error_map", "deviation"))
    if node["schema"].integer() != SCHEMA:
        raise node["schema"].refusal(f"the schema is not {SCHEMA}, the only one there is")
    _check_suite(node["suite"], suite_version)
    found: dict[str, Deviation] = {}
    for item in node["deviation"].items() if "deviation" in node else ():
        deviation = _deviation(item)
        if deviation.vector in found:
            raise item["id"].refusal("an entry before has the same id")
        found[deviation.vector] = deviation
    return DeviationFile(_error_map(node["error_map"]) if "error_map" in node else {}, tuple(found.values()))


def _check_suite(node: Node, suite_version: str) -> None:
    wanted, version = _SUITE.fullmatch(node.text()), _VERSION.fullmatch(suite_version)
    if wanted is None:
        raise node.refusal("it is no version of the pack such as '~=1.2'")
    if version is None:
        raise ValueError(f"{suite_version!r} is no version")
    # as for packages: ~=1.2 is 1.2 or later and 1.x, ~=1.2.3 is 1.2.3 or later and 1.2.x
    asked = [int(part) for part in wanted.groups() if part is not None]
    here = [int(part) for part in version.groups()]
    if here[: len(asked)] < asked or here[: len(asked) - 1] != asked[:-1]:
        raise node.refusal(f"the pack is {suite_version}: look at every entry, then correct the version")


def _error_map(node: Node) -> dict[str, str]:
    for native, code in node.members().items():
        if native in RejectCode.__members__:
            raise code.refusal("its key is a code of the specification, and means what it means there")
        if code.text() not in RejectCode.__members__:
            raise code.refusal("it is no reject code of the specification")
    return {native: code.text() for native, code in node.members().items()}


def _deviation(node: Node) -> Deviation:
    node.keys(required=("id", "kind", "expect", "reason"), optional=("issue", "expires", "count"))
    vector, kind = node["id"].text(), _word(DeviationKind, node["kind"])
    if not _ID.fullmatch(vector):
        raise node["id"].refusal("it is no id of a vector, nor a pattern of some, such as 'match-*'")
    several = "*" in vector or "?" in vector
    if several != ("count" in node):
        raise node.refusal("a pattern says by 'count' how many vectors it names, an id does not")
    if several and node["count"].integer() < 1:
        raise node["count"].refusal("it is less than 1")
    if kind is DeviationKind.BUG and "expires" not in node:
        raise node.refusal("a bug has a day on which the entry 'expires'")
    node["expect"].keys(required=("outcome",), optional=("match",))
    outcome = _outcome(node["expect"]["outcome"])
    if kind is DeviationKind.UNSUPPORTED and outcome is not Outcome.UNSUPPORTED:
        raise node["expect"]["outcome"].refusal("what is unsupported has the outcome 'unsupported'")
    return Deviation(
        vector,
        kind,
        outcome,
        node["expect"]["match"].needed_text() if "match" in node["expect"] else "",
        node["reason"].needed_text(),
        node["issue"].needed_text() if "issue" in node else "",
        node["expires"].day() if "expires" in node else None,
        node["count"].integer() if several else None,
    )


def _outcome(node: Node) -> Outcome:
    outcome = _word(Outcome, node)
    if outcome in (Outcome.PASS, Outcome.NOT_ASKED):
        raise node.refusal("it is no way to fail")
    return outcome


def _word(words: type[_Word], node: Node) -> _Word:
    try:
        return words(node.text())
    except ValueError:
        raise node.refusal(f"the word is none of {', '.join(map(str, words))}") from None


def compare(
    deviations: Sequence[Deviation],
    outcomes: Sequence[VectorOutcome],
    today: date,
    left_out_ids: Collection[str] = (),
) -> AppliedDeviations:
    """Hold the entries of a file against a run.

    Args:
        deviations: The entries, in their order.
        outcomes: Of the run.
        today: The day on which the run is; an entry holds until the end of the day on which it expires.
        left_out_ids: Ids of vectors that this run leaves out, because they are of another profile.

    Returns:
        What became of each entry; one that is about vectors of another profile only is left out. Where several
            entries match a failure, the first that has not expired accepts it.
    """
    entries: list[AcceptEntry] = []
    numbers: dict[str, int] = {}
    acceptances: dict[int, Acceptance] = {}
    for number, deviation in enumerate(deviations, start=1):
        named = [each for each in outcomes if deviation.names(each.vector.id)]
        left_out = sum(deviation.names(each) for each in left_out_ids)
        if not named and left_out:
            continue
        accepted = deviation.acceptance()
        state = _state(deviation, named, left_out, today)
        entries.append(
            AcceptEntry(
                number,
                "",
                accepted.reason,
                accepted.expires,
                None,
                None,
                state,
                len(named),
                deviation.vector,
            )
        )
        if state is not AcceptState.EXPIRED:
            acceptances[number] = accepted
            for each in named:
                if deviation.matches(each):
                    numbers.setdefault(each.vector.id, number)
    return AppliedDeviations(tuple(entries), numbers, acceptances)


def _state(deviation: Deviation, named: Sequence[VectorOutcome], left_out: int, today: date) -> AcceptState:
    if deviation.expires is not None and deviation.expires < today:
        return AcceptState.EXPIRED
    if not named:
        return AcceptState.UNMATCHED
    if deviation.count is not None and len(named) + left_out != deviation.count:
        return AcceptState.MISCOUNTED
    if any(each.outcome is Outcome.PASS for each in named):
        return AcceptState.PASSED
    if any(each.failed and not deviation.matches(each) for each in named):
        return AcceptState.CHANGED
    return AcceptState.APPLIED
