"""A result read back from JSON, strictly: what ``json_report`` writes, as ``schemas/result.schema.json`` says.

Every key, word and number is held to the schema; a refusal says where by a JSON Pointer. What a later version
of the schema adds is refused, and so is what an earlier one did not have, but for what the schema names as
added: accepted findings and, in those, the vector.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from bluezone_harness.evidence.strict_json import Node, parse
from bluezone_harness.findings import (
    EVIDENCE_SHOWN,
    Acceptance,
    AcceptEntry,
    AcceptState,
    Evidence,
    EvidenceKind,
    Finding,
    Reason,
    Verdict,
)
from bluezone_harness.observations import Capability, Diagnostic, Extent, Severity
from bluezone_harness.results import (
    SCHEMA,
    AxisVerdict,
    Coverage,
    DeviceSummary,
    Input,
    RequirementVerdict,
    Result,
    Suite,
)
from bluezone_spec.model import Axis, Level

_REQUIREMENT = re.compile(r"BZ-[A-Z]{3}-[0-9]{3}")
_PROFILE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_BASE_NAME = re.compile(r"[^/]*(: [\s\S]*)?")
"""In an archive, its name, a colon and the name within."""
_KIND = re.compile(r"[a-z0-9_]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FAR_TIME = re.compile(r"(-?[0-9]{1,30}) ms since 1970")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNDECIDED = (Verdict.INCONCLUSIVE, Verdict.NOT_OBSERVABLE)

_Word = TypeVar("_Word", bound=StrEnum)
_Value = TypeVar("_Value")


def read_result(name: str, octets: bytes) -> Result:
    """Read a result.

    Args:
        name: Of the file, without folders; for messages.
        octets: All of it: UTF-8, with or without a byte order mark.

    Raises:
        EvidenceError: It is no JSON, or no result; the sentence says where.
    """
    node = parse(name, octets)
    if "schema" in node and node["schema"].integer() != SCHEMA:
        raise node["schema"].refusal(f"the schema is not {SCHEMA}, the only one that is known here")
    node.keys(
        required=(
            *(
                "schema",
                "suite",
                "command",
                "profile",
                "inputs",
                "partial",
                "conformance",
                "privacy",
                "coverage",
            ),
            *("requirements", "findings", "diagnostics", "devices"),
        ),
        optional=("accepted",),
    )
    node["suite"].keys(required=("version", "digest"))
    requirements = _each(node["requirements"], _requirement)
    seen: set[str] = set()
    for each in requirements:
        if each.id in seen:
            raise node["requirements"].refusal(f"{each.id} stands there twice")
        seen.add(each.id)
    return Result(
        schema=SCHEMA,
        suite=Suite(
            _text(node["suite"]["version"]), _form(node["suite"]["digest"], _SHA256, "a SHA-256 in hex")
        ),
        command=_text(node["command"]),
        profile=_form(node["profile"], _PROFILE, "the name of a profile"),
        inputs=_each(node["inputs"], _input),
        partial=node["partial"].boolean(),
        conformance=_axis(node["conformance"]),
        privacy=_axis(node["privacy"]),
        coverage=_coverage(node["coverage"]),
        requirements=requirements,
        findings=_each(node["findings"], _finding),
        diagnostics=_each(node["diagnostics"], _diagnostic),
        devices=_each(node["devices"], _device),
        accept_entries=_each(node["accepted"], _entry) if "accepted" in node else (),
    )


def _input(node: Node) -> Input:
    node.keys(required=("name", "sha256", "kind", "capabilities"), optional=("contents",))
    return Input(
        _base_name(node["name"]),
        _form(node["sha256"], _SHA256, "a SHA-256 in hex"),
        _form(node["kind"], _KIND, "a kind of evidence"),
        {
            _known(Capability, name, member): _word(Extent, member)
            for name, member in node["capabilities"].members().items()
        },
        {name: _count(member) for name, member in node["contents"].members().items()}
        if "contents" in node
        else {},
    )


def _axis(node: Node) -> AxisVerdict:
    node.keys(required=("verdict", "coverage"))
    verdict = _word(Verdict, node["verdict"])
    if verdict is Verdict.NOT_APPLICABLE:
        raise node["verdict"].refusal("an axis is always applicable")
    return AxisVerdict(verdict, _coverage(node["coverage"]))


def _coverage(node: Node) -> Coverage:
    node.keys(required=("judged", "total"))
    return Coverage(_count(node["judged"]), _count(node["total"]))


def _requirement(node: Node) -> RequirementVerdict:
    node.keys(required=("id", "title", "level", "axis", "verdict", "reason", "judged", "failed", "summary"))
    verdict = _word(Verdict, node["verdict"])
    reason = _optional(node["reason"], lambda each: _word(Reason, each))
    if (verdict in _UNDECIDED) != (reason is not None):
        raise node["reason"].refusal("a reason stands exactly beside inconclusive and not observable")
    return RequirementVerdict(
        _requirement_id(node["id"]),
        _text(node["title"]),
        _word(Level, node["level"]),
        _word(Axis, node["axis"]),
        verdict,
        reason,
        _count(node["judged"]),
        _count(node["failed"]),
        node["summary"].text(),
    )


def _finding(node: Node) -> Finding:
    node.keys(
        required=(
            *(
                "requirement",
                "level",
                "axis",
                "verdict",
                "device",
                "summary",
                "expected",
                "seen",
                "why",
                "count",
            ),
            "evidence",
        ),
        optional=("accepted",),
    )
    verdict = _word(Verdict, node["verdict"])
    if verdict not in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        raise node["verdict"].refusal("a finding is a failure or inconclusive")
    evidence = _each(node["evidence"], _evidence)
    if len(evidence) > EVIDENCE_SHOWN:
        raise node["evidence"].refusal(f"there are more than {EVIDENCE_SHOWN}")
    return Finding(
        requirement=_requirement_id(node["requirement"]),
        level=_word(Level, node["level"]),
        axis=_word(Axis, node["axis"]),
        verdict=verdict,
        device=node["device"].text(),
        summary=_text(node["summary"]),
        expected=node["expected"].text(),
        seen=node["seen"].text(),
        why=node["why"].text(),
        count=_count(node["count"], least=1),
        evidence=evidence,
        accepted=_optional(node["accepted"], _acceptance) if "accepted" in node else None,
    )


def _acceptance(node: Node) -> Acceptance:
    node.keys(required=("reason", "expires"))
    return Acceptance(_text(node["reason"]), _optional(node["expires"], _day))


def _evidence(node: Node) -> Evidence:
    node.keys(required=("kind", "source", "number", "offset", "time", "receiver", "octets", "text"))
    return Evidence(
        kind=_word(EvidenceKind, node["kind"]),
        source=_base_name(node["source"]),
        number=_optional(node["number"], Node.integer),
        offset=_optional(node["offset"], _count),
        time_ms=_optional(node["time"], _time_ms),
        receiver=_optional(node["receiver"], Node.text) or "",
        octets=bytes.fromhex(_form(node["octets"], _HEX, "octets in lower-case hex")),
        text=node["text"].text(),
    )


def _diagnostic(node: Node) -> Diagnostic:
    node.keys(required=("source", "offset", "severity", "message"))
    return Diagnostic(
        _base_name(node["source"]),
        _optional(node["offset"], _count),
        _word(Severity, node["severity"]),
        _text(node["message"]),
    )


def _device(node: Node) -> DeviceSummary:
    node.keys(required=("label", "matched", "clock_offset_ms", "sightings"))
    return DeviceSummary(
        _text(node["label"]),
        _count(node["matched"]),
        _optional(node["clock_offset_ms"], Node.integer),
        _count(node["sightings"]),
    )


def _entry(node: Node) -> AcceptEntry:
    node.keys(
        required=(
            "number",
            "requirement",
            "reason",
            "expires",
            "device",
            "summary_match",
            "state",
            "matched",
        ),
        optional=("vector",),
    )
    vector = _optional(node["vector"], _text) if "vector" in node else None
    if (vector is None) == (node["requirement"].value is None):
        raise node.refusal("an entry is about a requirement or about a vector")
    return AcceptEntry(
        _count(node["number"], least=1),
        _optional(node["requirement"], _requirement_id) or "",
        _text(node["reason"]),
        _optional(node["expires"], _day),
        _optional(node["device"], Node.text),
        _optional(node["summary_match"], Node.text),
        _word(AcceptState, node["state"]),
        _count(node["matched"]),
        vector or "",
    )


def _requirement_id(node: Node) -> str:
    return _form(node, _REQUIREMENT, "the id of a requirement")


def _each(node: Node, read: Callable[[Node], _Value]) -> tuple[_Value, ...]:
    return tuple(read(item) for item in node.items())


def _optional(node: Node, read: Callable[[Node], _Value]) -> _Value | None:
    return None if node.value is None else read(node)


def _text(node: Node) -> str:
    if not node.text():
        raise node.refusal("the text is empty")
    return node.text()


def _base_name(node: Node) -> str:
    return _form(node, _BASE_NAME, "a file name without folders")


def _form(node: Node, form: re.Pattern[str], what: str) -> str:
    if not form.fullmatch(node.text()):
        raise node.refusal(f"it is not {what}")
    return node.text()


def _count(node: Node, least: int = 0) -> int:
    if node.integer() < least:
        raise node.refusal(f"it is less than {least}")
    return node.integer()


def _word(words: type[_Word], node: Node) -> _Word:
    return _known(words, node.text(), node)


def _known(words: type[_Word], text: str, node: Node) -> _Word:
    try:
        return words(text)
    except ValueError:
        raise node.refusal(f"the word is none of {', '.join(map(str, words))}") from None


def _day(node: Node) -> date:
    text = _form(node, _DAY, "a day as YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise node.refusal("the calendar has no such day") from None


def _time_ms(node: Node) -> int:
    """Read what ``instant_text`` writes."""
    far = _FAR_TIME.fullmatch(node.text())
    if far:
        return int(far[1])
    try:
        moment = datetime.fromisoformat(node.text())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise node.refusal("the time is not ISO 8601 with an offset")
    return (moment - _EPOCH) // timedelta(milliseconds=1)
