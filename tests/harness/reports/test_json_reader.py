"""A result that was written as JSON comes back whole, and nothing else is taken for one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import bluezone_harness
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.reports.json_reader import read_result
from bluezone_harness.reports.json_report import json_text
from bluezone_harness.results import Result

pytestmark = pytest.mark.req("BZ-LOG-003")

GONE = object()
"""Stands for a key that is taken away."""


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    """Return the published schema."""
    path = Path(bluezone_harness.__file__).parent / "schemas" / "result.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def changed(written: Any, pointer: str, value: object) -> bytes:  # noqa: ANN401 - JSON
    """Return JSON in which the value at a pointer is another, or is gone."""
    copy = deepcopy(written)
    *path, last = [int(key) if key.isdigit() else key for key in pointer.split("/")[1:]]
    place = copy
    for key in path:
        place = place[key]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return json.dumps(copy).encode()


@pytest.fixture(scope="module")
def written(failing: Result, results: st.SearchStrategy[Result]) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON of a result in which something stands everywhere, partly by hand."""
    content = json.loads(json_text(failing))
    content["diagnostics"] = [{"source": "log0", "offset": 3, "severity": "warning", "message": "it is cut"}]
    content["findings"][0]["accepted"] = {"reason": "known", "expires": "2026-12-31"}
    content["accepted"] = [
        {
            **{"number": 1, "requirement": "BZ-LOG-003", "reason": "known", "expires": "2026-12-31"},
            **{"device": None, "summary_match": None, "state": "applied", "matched": 1},
        }
    ]
    return content


@given(data=st.data())
def test_it_comes_back_as_it_was(
    data: st.DataObject, results: st.SearchStrategy[Result], validator: Draft202012Validator
) -> None:
    result = data.draw(results)
    text = json_text(result)
    validator.validate(json.loads(text))
    assert read_result("result.json", text.encode()) == result
    assert json_text(read_result("result.json", text.encode())) == text


def test_a_real_one_comes_back(failing: Result, judged: Callable[..., Result]) -> None:
    for result in (failing, judged(b""), judged(profile="v1")):
        assert read_result("result.json", json_text(result).encode()) == result


def test_a_time_beyond_the_calendar_comes_back(failing: Result) -> None:
    piece = replace(failing.findings[0].evidence[0], time_ms=10**18)
    result = replace(failing, findings=(replace(failing.findings[0], evidence=(piece,)),))
    assert read_result("result.json", json_text(result).encode()) == result


def test_a_result_of_before_there_were_accepted_findings_is_read(failing: Result) -> None:
    content = json.loads(json_text(failing))
    del content["accepted"]
    for finding in content["findings"]:
        del finding["accepted"]
    assert read_result("result.json", json.dumps(content).encode()) == failing


@pytest.mark.parametrize(
    ("pointer", "value", "reason"),
    [
        ("/schema", 2, "the schema is not 1, the only one that is known here (at /schema)"),
        ("/schema", "1", "it is text, not an integer (at /schema)"),
        ("/schema", GONE, "the key 'schema' is missing (at the top)"),
        ("/suite", GONE, "the key 'suite' is missing (at the top)"),
        ("/suite/digest", "00", "it is not a SHA-256 in hex (at /suite/digest)"),
        ("/suite/version", "", "the text is empty (at /suite/version)"),
        ("/profile", "V 3", "it is not the name of a profile (at /profile)"),
        ("/partial", 0, "it is an integer, not true or false (at /partial)"),
        ("/inputs/0/capabilities/telepathy", "yes", "the word is none of raw_ad, "),
        ("/inputs/0/capabilities/records", "maybe", "the word is none of yes, partial, no (at "),
        ("/inputs/0/name", "a/b", "it is not a file name without folders (at /inputs/0/name)"),
        ("/inputs/0/kind", "A log", "it is not a kind of evidence (at /inputs/0/kind)"),
        ("/conformance/verdict", "not_applicable", "an axis is always applicable (at /conformance/verdict)"),
        ("/privacy/coverage/judged", -1, "it is less than 0 (at /privacy/coverage/judged)"),
        ("/requirements/0/verdict", "good", "the word is none of pass, fail, "),
        (
            "/requirements/0/reason",
            "too_short",
            "a reason stands exactly beside inconclusive and not observable",
        ),
        ("/requirements/1/reason", None, "a reason stands exactly beside inconclusive and not observable"),
        ("/requirements/1/id", "KEY-2", "it is not the id of a requirement (at /requirements/1/id)"),
        ("/requirements/1/id", "BZ-KEY-001", "BZ-KEY-001 stands there twice (at /requirements)"),
        ("/findings/0/verdict", "pass", "a finding is a failure or inconclusive (at /findings/0/verdict)"),
        ("/findings/0/count", 0, "it is less than 1 (at /findings/0/count)"),
        ("/findings/0/evidence/0/octets", "0", "it is not octets in lower-case hex (at "),
        ("/findings/0/evidence/0/time", "yesterday", "the time is not ISO 8601 with an offset (at "),
        (
            "/findings/0/evidence/0/time",
            "2020-08-08T00:00:00",
            "the time is not ISO 8601 with an offset (at ",
        ),
        ("/findings/0/evidence", [{}] * 11, "the key 'kind' is missing (at /findings/0/evidence/0)"),
        ("/findings/0/accepted/expires", "2026-02-30", "the calendar has no such day (at "),
        ("/findings/0/accepted/expires", "soon", "it is not a day as YYYY-MM-DD (at "),
        ("/diagnostics/0/severity", "fatal", "the word is none of info, warning, error (at "),
        ("/devices/0/more", 1, "the key is unknown here; known are 'label', "),
        (
            "/accepted/0/state",
            "stale",
            "the word is none of applied, unmatched, expired, passed, changed, miscounted (at ",
        ),
        ("/accepted/0/number", 0, "it is less than 1 (at /accepted/0/number)"),
    ],
)
def test_what_is_no_result_is_refused_with_its_place(
    written: Any,  # noqa: ANN401 - JSON
    pointer: str,
    value: object,
    reason: str,
) -> None:
    assert read_result("result.json", json.dumps(written).encode()).accept_entries[0].matched == 1
    with pytest.raises(EvidenceError) as refused:
        read_result("result.json", changed(written, pointer, value))
    assert str(refused.value).startswith(f"result.json: {reason}")


def test_more_evidence_than_is_ever_shown_is_refused(written: Any) -> None:  # noqa: ANN401 - JSON
    many = written["findings"][0]["evidence"][:1] * 11
    with pytest.raises(EvidenceError, match=r"there are more than 10 \(at /findings/0/evidence\)"):
        read_result("result.json", changed(written, "/findings/0/evidence", many))


@pytest.mark.parametrize("octets", [b"", b"[]", b"null", b"{}", b"\xff", b"{", b'{"schema": 1}', b"<xml/>"])
def test_other_files_are_refused(octets: bytes) -> None:
    with pytest.raises(EvidenceError, match=r"^result\.json: "):
        read_result("result.json", octets)


@given(data=st.data())
def test_nothing_the_schema_refuses_is_read(
    data: st.DataObject,
    written: Any,  # noqa: ANN401 - JSON
    validator: Draft202012Validator,
) -> None:
    """Put another value at any place: what is read, the schema allows too, and nothing else escapes.

    The kinds of evidence are left out: which there are, only the schema says.
    """
    pointers: list[str] = []

    def walk(value: object, pointer: str) -> None:
        members = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, member in members:
            pointers.append(f"{pointer}/{key}")
            walk(member, pointers[-1])

    walk(written, "")
    pointers = [each for each in pointers if not re.fullmatch(r"/inputs/\d+/kind", each)]
    value = data.draw(
        st.one_of(
            st.just(GONE),
            st.none(),
            st.booleans(),
            st.integers(-2, 10**30),
            st.floats(allow_nan=False, allow_infinity=False),
            st.text(max_size=5),
            st.sampled_from(["fail", "pass", "MUST", "privacy", "a/b", [], {}, [{}]]),
        )
    )
    octets = changed(written, data.draw(st.sampled_from(pointers)), value)
    try:
        read_result("result.json", octets)
    except EvidenceError:
        return
    validator.validate(json.loads(octets))
