"""Accepted findings: failures that are known, each with a reason and an end.

Theory of operation. A TOML file lists what is accepted; ``read_accept_file`` reads it strictly. ``accept``
marks the failures that its entries match and says what became of each entry. Nothing is hidden and no verdict
changes: a failure that is accepted stays a failure in every report, and does not count for the exit code
(``verdicts.exit_code``). An entry that matches nothing, or that has expired, fails the run: the file claims
what is not so.

.. code-block:: toml

    schema = 1

    [[accept]]
    requirement = "BZ-PRV-017"
    reason = "The cache keeps addresses until release 4, ticket 812"
    expires = 2026-12-31
    device = "phone"                  # optional: the device's label
    summary-match = "connect_info"    # optional: what the finding's summary holds
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bluezone_harness.evidence.strict_json import Node, parse_toml
from bluezone_harness.findings import Acceptance, AcceptEntry, AcceptState, Finding, Verdict
from bluezone_harness.results import Result

SCHEMA = 1
"""Version of the form of the file."""

_REQUIREMENT = re.compile(r"BZ-[A-Z]{3}-[0-9]{3}")


@dataclass(frozen=True, slots=True)
class AcceptRule:
    """An entry of the file, as it stands there.

    Attributes:
        requirement: Of the failures that it accepts.
        reason: Why.
        expires: The last day on which it holds.
        device: Label of the device that it is about; ``None``: any.
        summary_match: What the summary of the failure holds; ``None``: anything.
    """

    requirement: str
    reason: str
    expires: date
    device: str | None = None
    summary_match: str | None = None

    def matches(self, finding: Finding) -> bool:
        """Tell whether a finding is a failure that this entry is about."""
        return (
            finding.verdict is Verdict.FAIL
            and finding.requirement == self.requirement
            and self.device in (None, finding.device)
            and (self.summary_match is None or self.summary_match in finding.summary)
        )


def read_accept_file(name: str, octets: bytes) -> tuple[AcceptRule, ...]:
    """Read a file of accepted findings.

    Args:
        name: Of the file, without folders; for messages.
        octets: All of it: UTF-8, with or without a byte order mark.

    Returns:
        Its entries, in their order.

    Raises:
        EvidenceError: It is no TOML, or not as the form asks for; the sentence says where.
    """
    node = parse_toml(name, octets)
    node.keys(required=("schema",), optional=("accept",))
    schema = node["schema"]
    if schema.integer() != SCHEMA:
        raise schema.refusal(f"the schema is not {SCHEMA}, the only one there is")
    rules: list[AcceptRule] = []
    pointers: dict[AcceptRule, str] = {}
    for item in node["accept"].items() if "accept" in node else ():
        rules.append(_rule(item))
        claim = replace(rules[-1], reason="", expires=date.max)
        if claim in pointers:
            raise item.refusal(f"the entry at {pointers[claim]} accepts the same")
        pointers[claim] = item.pointer
    return tuple(rules)


def _rule(node: Node) -> AcceptRule:
    node.keys(required=("requirement", "reason", "expires"), optional=("device", "summary-match"))
    requirement = node["requirement"]
    if not _REQUIREMENT.fullmatch(requirement.text()):
        raise requirement.refusal("it is no id of a requirement, such as BZ-ADV-003")
    return AcceptRule(
        requirement=requirement.text(),
        reason=node["reason"].needed_text(),
        expires=node["expires"].day(),
        device=node["device"].needed_text() if "device" in node else None,
        summary_match=node["summary-match"].needed_text() if "summary-match" in node else None,
    )


def accept(result: Result, rules: Sequence[AcceptRule], today: date) -> Result:
    """Mark the failures that are accepted, and say what became of each entry.

    Args:
        result: Of a run.
        rules: The entries of the file, in their order.
        today: The day on which the run is; an entry holds until the end of the day on which it expires.

    Returns:
        The same result, but for ``Finding.accepted`` and ``accept_entries``. Where several entries match a
            failure, the first that has not expired accepts it.
    """
    return replace(
        result,
        findings=tuple(
            replace(finding, accepted=_acceptance(finding, rules, today)) for finding in result.findings
        ),
        accept_entries=tuple(
            _entry(number, rule, result.findings, today) for number, rule in enumerate(rules, start=1)
        ),
    )


def _acceptance(finding: Finding, rules: Iterable[AcceptRule], today: date) -> Acceptance | None:
    return next(
        (
            Acceptance(rule.reason, rule.expires)
            for rule in rules
            if rule.matches(finding) and rule.expires >= today
        ),
        None,
    )


def _entry(number: int, rule: AcceptRule, findings: Iterable[Finding], today: date) -> AcceptEntry:
    matched = sum(rule.matches(finding) for finding in findings)
    state = AcceptState.APPLIED if matched else AcceptState.UNMATCHED
    if rule.expires < today:
        state = AcceptState.EXPIRED
    return AcceptEntry(
        number, rule.requirement, rule.reason, rule.expires, rule.device, rule.summary_match, state, matched
    )
