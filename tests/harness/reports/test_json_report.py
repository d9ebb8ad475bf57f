"""Results as JSON: by the schema, the same octets each time, nothing of folders or keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from bluezone_harness.findings import EvidenceKind, Reason, Verdict
from bluezone_harness.observations import Capability, Extent, Severity
from bluezone_harness.reports.json_report import json_text
from bluezone_harness.results import Result

Judged = Callable[..., Result]
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    """Return the published schema of results."""
    text = (files("bluezone_harness") / "schemas" / "result.schema.json").read_text("utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


@pytest.fixture(scope="session")
def bad_result(judged: Judged, good_log: bytes, good_device: dict[str, object]) -> Result:
    """Return a result with failures, doubts and diagnostics."""
    last = good_log.splitlines(keepends=True)[-1]
    octets = good_log + last + last.lower() + b"x\ty\n" + good_log[:30]
    return judged(octets, device=good_device | {"max": 7})


@pytest.mark.req("BZ-LOG-003", "BZ-LOG-005")
def test_results_keep_to_the_schema(
    schema: dict[str, Any], bad_result: Result, judged: Judged, good_log: bytes
) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for result in (bad_result, judged(good_log), judged(b""), judged(good_log, profile="ios-v3"), judged()):
        validator.validate(json.loads(json_text(result)))
    assert bad_result.findings
    assert bad_result.diagnostics


def objects(node: object) -> list[dict[str, Any]]:
    """Return every object of a JSON value."""
    inner = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
    found = [each for value in inner for each in objects(value)]
    return [node, *found] if isinstance(node, dict) else found


@pytest.mark.req("BZ-LOG-003")
def test_the_schema_forbids_what_it_does_not_name(schema: dict[str, Any], bad_result: Result) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    content = json.loads(json_text(bad_result))
    # one of each kind
    kinds = {tuple(each): each for each in objects(content)}
    for number, each in enumerate(kinds.values()):
        each["strange"] = 1
        assert not validator.is_valid(content), number
        del each["strange"]
        for key in list(each):
            value = each.pop(key)
            optional = key in {*Capability, "accepted", "contents", "rows"}
            assert validator.is_valid(content) == optional, key
            each[key] = value
    assert validator.is_valid(content)


@pytest.mark.req("BZ-LOG-003")
def test_the_schema_knows_the_closed_lists(schema: dict[str, Any]) -> None:
    definitions = schema["$defs"]
    requirement = definitions["requirement"]["properties"]
    assert requirement["verdict"]["enum"] == list(Verdict)
    assert requirement["reason"]["enum"] == [*Reason, None]
    assert definitions["capability"]["enum"] == list(Capability)
    assert definitions["evidence"]["properties"]["kind"]["enum"] == list(EvidenceKind)
    assert definitions["diagnostic"]["properties"]["severity"]["enum"] == list(Severity)
    assert definitions["input"]["properties"]["capabilities"]["additionalProperties"]["enum"] == list(Extent)
    assert "CC0-1.0" in schema["$comment"]


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize(
    ("verdict", "reason", "valid"),
    [
        ("pass", None, True),
        ("pass", "damaged", False),
        ("inconclusive", None, False),
        ("not_applicable", None, True),
    ],
)
def test_the_schema_ties_reasons_to_verdicts(
    schema: dict[str, Any], bad_result: Result, verdict: str, reason: str | None, valid: bool
) -> None:
    content = json.loads(json_text(bad_result))
    content["requirements"][0] |= {"verdict": verdict, "reason": reason}
    assert jsonschema.Draft202012Validator(schema).is_valid(content) == valid


@pytest.mark.req("BZ-LOG-003")
def test_the_same_result_gives_the_same_octets(
    judged: Judged, good_log: bytes, good_device: dict[str, object], bad_result: Result
) -> None:
    assert json_text(judged(good_log, device=good_device)) == json_text(judged(good_log, device=good_device))
    assert json_text(bad_result).isascii()
    assert json_text(bad_result).endswith("}\n")


@pytest.mark.req("BZ-LOG-005")
def test_keys_and_values_are_those_of_the_interface(bad_result: Result) -> None:
    content = json.loads(json_text(bad_result))
    assert list(content) == [
        "schema",
        "suite",
        "command",
        "profile",
        "inputs",
        "partial",
        "conformance",
        "privacy",
        "coverage",
        "requirements",
        "findings",
        "diagnostics",
        "devices",
        "accepted",
    ]
    assert content["conformance"]["verdict"] == "fail"
    assert content["partial"] is True
    assert content["inputs"][0]["capabilities"] == {"export_octets": "partial", "records": "partial"}
    (finding,) = [each for each in content["findings"] if each["requirement"] == "BZ-LOG-002"]
    evidence = finding["evidence"][0]
    assert finding["count"] == 2
    assert evidence["kind"] == "row"
    assert evidence["source"] == "log0"
    assert evidence["time"].endswith("+00:00")
    assert bytes.fromhex(evidence["octets"]).count(b"\t") == 3
    assert evidence["receiver"] is None


@pytest.mark.req("BZ-KEY-001", "BZ-PRV-014")
def test_no_base_id_is_in_a_result(bad_result: Result, judged: Judged, good_log: bytes) -> None:
    weak = judged(good_log, device={"base_id": "ab" * 32, "base_day": "2020-08-08"})
    assert BASE_ID not in json_text(bad_result).lower()
    assert "abababababababab" not in json_text(weak).lower()
