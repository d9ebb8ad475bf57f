"""A result as JSON, as ``schemas/result.schema.json`` describes it.

The same result gives the same octets: keys come in one order, nothing is taken from a clock, all characters
are ASCII. Octets are hex, instants ISO 8601, what is not there is null.
"""

from __future__ import annotations

import json
from datetime import date

from bluezone_harness.findings import AcceptEntry, Evidence, Finding
from bluezone_harness.observations import Diagnostic, instant_text
from bluezone_harness.results import AxisVerdict, Coverage, DeviceSummary, Input, RequirementVerdict, Result


def json_text(result: Result) -> str:
    """Return a result as one JSON object, indented, with a line feed at its end."""
    return json.dumps(_result(result), indent=2, ensure_ascii=True) + "\n"


def _result(result: Result) -> dict[str, object]:
    return {
        "schema": result.schema,
        "suite": {"version": result.suite.version, "digest": result.suite.digest},
        "command": result.command,
        "profile": result.profile,
        "inputs": [_input(each) for each in result.inputs],
        "partial": result.partial,
        "conformance": _axis(result.conformance),
        "privacy": _axis(result.privacy),
        "coverage": _coverage(result.coverage),
        "requirements": [_requirement(each) for each in result.requirements],
        "findings": [_finding(each) for each in result.findings],
        "diagnostics": [_diagnostic(each) for each in result.diagnostics],
        "devices": [_device(each) for each in result.devices],
        "accepted": [_entry(each) for each in result.accept_entries],
    }


def _input(each: Input) -> dict[str, object]:
    return {
        "name": each.name,
        "sha256": each.sha256,
        "kind": str(each.kind),
        "capabilities": {str(name): str(extent) for name, extent in sorted(each.capabilities.items())},
        **({"contents": dict(each.contents)} if each.contents else {}),
    }


def _axis(each: AxisVerdict) -> dict[str, object]:
    return {"verdict": str(each.verdict), "coverage": _coverage(each.coverage)}


def _coverage(each: Coverage) -> dict[str, object]:
    return {"judged": each.judged, "total": each.total}


def _requirement(each: RequirementVerdict) -> dict[str, object]:
    return {
        "id": each.id,
        "title": each.title,
        "level": str(each.level),
        "axis": str(each.axis),
        "verdict": str(each.verdict),
        "reason": None if each.reason is None else str(each.reason),
        "judged": each.judged,
        "failed": each.failed,
        "summary": each.summary,
    }


def _finding(each: Finding) -> dict[str, object]:
    return {
        "requirement": each.requirement,
        "level": str(each.level),
        "axis": str(each.axis),
        "verdict": str(each.verdict),
        "device": each.device,
        "summary": each.summary,
        "expected": each.expected,
        "seen": each.seen,
        "why": each.why,
        "count": each.count,
        "evidence": [_evidence(piece) for piece in each.evidence],
        "accepted": None
        if each.accepted is None
        else {"reason": each.accepted.reason, "expires": _day(each.accepted.expires)},
    }


def _evidence(each: Evidence) -> dict[str, object]:
    return {
        "kind": str(each.kind),
        "source": each.source,
        "number": each.number,
        "offset": each.offset,
        "time": None if each.time_ms is None else instant_text(each.time_ms),
        "receiver": each.receiver or None,
        "octets": each.octets.hex(),
        "text": each.text,
    }


def _diagnostic(each: Diagnostic) -> dict[str, object]:
    return {
        "source": each.source,
        "offset": each.offset,
        "severity": str(each.severity),
        "message": each.message,
    }


def _device(each: DeviceSummary) -> dict[str, object]:
    return {
        "label": each.label,
        "matched": each.matched,
        "clock_offset_ms": each.clock_offset_ms,
        "sightings": each.sightings,
    }


def _entry(each: AcceptEntry) -> dict[str, object]:
    return {
        "number": each.number,
        "requirement": each.requirement or None,
        "reason": each.reason,
        "expires": _day(each.expires),
        "device": each.device,
        "summary_match": each.summary_match,
        "state": str(each.state),
        "matched": each.matched,
        "vector": each.vector or None,
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
