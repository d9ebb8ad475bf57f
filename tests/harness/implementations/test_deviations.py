"""The file of deviations: read strictly, and held against a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TypeAlias

import pytest

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.findings import Acceptance, AcceptState
from bluezone_harness.implementations.deviations import (
    Deviation,
    DeviationFile,
    DeviationKind,
    compare,
    read_deviations,
)
from bluezone_harness.implementations.runner import Outcome, VectorOutcome
from bluezone_harness.implementations.wire import error, ok, reject
from bluezone_vectors.pack import Vector

Make: TypeAlias = Callable[..., Vector]
TODAY = date(2026, 12, 31)
ENTRY = b"""
[[deviation]]
id = "key-slot-equals-max"
kind = "bug"
expect = { outcome = "error", match = "IndexOutOfBounds" }
reason = "slot index not bounds-checked"
issue = "https://example.org/12"
expires = 2026-12-31
"""
HEAD = b'schema = 1\nsuite = "~=1.2"\n'
DEVIATION = Deviation(
    "key-slot-equals-max",
    DeviationKind.BUG,
    Outcome.ERROR,
    "IndexOutOfBounds",
    "slot index not bounds-checked",
    "https://example.org/12",
    TODAY,
)


def read(octets: bytes, version: str = "1.2.0") -> DeviationFile:
    return read_deviations("deviations.toml", octets, version)


def refusal(octets: bytes, version: str = "1.2.0") -> str:
    with pytest.raises(EvidenceError) as refused:
        read(octets, version)
    return str(refused.value).removeprefix("deviations.toml: ")


def test_a_file_is_read_as_it_stands() -> None:
    more = b"""
[error_map]
"E_TRUNC" = "TRUNCATED_AD"
[[deviation]]
id = "match-*"
kind = "unsupported"
expect = { outcome = "unsupported" }
reason = "no matching on this platform"
count = 14
"""
    assert read(HEAD + ENTRY) == DeviationFile({}, (DEVIATION,))
    assert read(HEAD + more) == DeviationFile(
        {"E_TRUNC": "TRUNCATED_AD"},
        (
            Deviation(
                "match-*",
                DeviationKind.UNSUPPORTED,
                Outcome.UNSUPPORTED,
                "",
                "no matching on this platform",
                count=14,
            ),
        ),
    )
    assert read(HEAD) == DeviationFile()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"schema = 1", b"schema = 2", "the schema is not 1, the only one there is (at /schema)"),
        (b"schema = 1", b"", "the key 'schema' is missing (at the top)"),
        (b'suite = "~=1.2"', b"", "the key 'suite' is missing (at the top)"),
        (b"[[dev", b"[other]\n[[dev", "the key is unknown here; known are 'schema', 'suite', "),
        (b"~=1.2", b">=1.2", "it is no version of the pack such as '~=1.2' (at /suite)"),
        (b'kind = "bug"', b'kind = "known"', "the word is none of bug, wontfix, unsupported, disputed (at /devia"),
        (b'"error"', b'"oops"', "the word is none of pass, ok, reject, "),
        (b'"error"', b'"pass"', "it is no way to fail (at /deviation/0/expect/outcome)"),
        (b'"error"', b'"not_asked"', "it is no way to fail (at /deviation/0/expect/outcome)"),
        (b"outcome =", b"state =", "the key 'outcome' is missing (at /deviation/0/expect)"),
        (b'"IndexOutOfBounds"', b'""', "the text is empty (at /deviation/0/expect/match)"),
        (b"slot index not bounds-checked", b" ", "the text is empty (at /deviation/0/reason)"),
        (b'reason = "slot index not bounds-checked"', b"", "the key 'reason' is missing (at /deviation/0)"),
        (b"expires = 2026-12-31", b"", "a bug has a day on which the entry 'expires' (at /deviation/0)"),
        (b"2026-12-31", b'"2026-12-31"', "it is text, not a day (at /deviation/0/expires)"),
        (b"key-slot", b"KEY-slot", "it is no id of a vector, nor a pattern of some, such as 'match-*' (at /dev"),
        (b"key-slot-equals-max", b"", "it is no id of a vector, nor a pattern of some"),
        (b"key-slot", b"key-*", "a pattern says by 'count' how many vectors it names, an id does not (at /dev"),
        (b"expires", b"count = 3\nexpires", "a pattern says by 'count' how many vectors it names, an id does"),
        (b'"bug"', b'"unsupported"', "what is unsupported has the outcome 'unsupported' (at /deviation/0/expect/"),
        (b"expires", b"owner = 1\nexpires", "the key is unknown here; known are 'id', 'kind', "),
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_refused(old: bytes, new: bytes, reason: str) -> None:
    octets = (HEAD + ENTRY).replace(old, new, 1)
    assert octets != HEAD + ENTRY
    assert refusal(octets).startswith(reason)


def test_other_refusals() -> None:
    assert refusal(b"\xff") == "octet 0 is no UTF-8, so it is no TOML"
    assert refusal(b"[").startswith("no TOML: ")
    assert refusal(HEAD + ENTRY + ENTRY) == "an entry before has the same id (at /deviation/1/id)"
    zero = ENTRY.replace(b"key-slot-equals-max", b"key-*").replace(b"kind", b"count = 0\nkind")
    assert refusal(HEAD + zero) == "it is less than 1 (at /deviation/0/count)"
    assert (
        refusal(HEAD + b'[error_map]\nE = "E"')
        == "it is no reject code of the specification (at /error_map/E)"
    )
    assert refusal(HEAD + b'[error_map]\nBAD_MAX = "BAD_SLOT"') == (
        "its key is a code of the specification, and means what it means there (at /error_map/BAD_MAX)"
    )


@pytest.mark.parametrize(
    ("suite", "version", "fits"),
    [
        (b"~=1.2", "1.2.0", True),
        (b"~=1.2", "1.9.3", True),
        (b"~=1.2", "1.1.9", False),
        (b"~=1.2", "2.2.0", False),
        (b"~=1.2.3", "1.2.3", True),
        (b"~=1.2.3", "1.2.10", True),
        (b"~=1.2.3", "1.2.2", False),
        (b"~=1.2.3", "1.3.3", False),
    ],
)
def test_the_file_is_for_a_version_of_the_pack(suite: bytes, version: str, fits: bool) -> None:
    octets = HEAD.replace(b"~=1.2", suite)
    if fits:
        assert read(octets, version) == DeviationFile()
    else:
        said = f"the pack is {version}: look at every entry, then correct the version (at /suite)"
        assert refusal(octets, version) == said


def test_a_pack_without_a_version_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="'1' is no version"):
        read(HEAD, "1")


@pytest.fixture
def deviates(hand_made: Make) -> VectorOutcome:
    vector = hand_made("key-slot-equals-max", "derive_ids", {}, {"reject": "BAD_SLOT"})
    return VectorOutcome(vector, Outcome.ERROR, error("IndexOutOfBounds: 7"), "error: IndexOutOfBounds: 7")


@pytest.fixture
def holds(hand_made: Make) -> VectorOutcome:
    vector = hand_made("key-slot-below-max", "derive_ids", {}, {"ok": 1})
    return VectorOutcome(vector, Outcome.PASS, ok(1))


def states(
    deviations: list[Deviation], outcomes: list[VectorOutcome], today: date = TODAY
) -> list[AcceptState]:
    return [each.state for each in compare(deviations, outcomes, today).entries]


def test_a_deviation_that_is_true_is_applied(deviates: VectorOutcome, holds: VectorOutcome) -> None:
    found = compare([DEVIATION], [holds, deviates], TODAY)
    (entry,) = found.entries
    assert (entry.number, entry.vector, entry.matched) == (1, "key-slot-equals-max", 1)
    assert (entry.state, entry.expires) == (AcceptState.APPLIED, TODAY)
    accepted = Acceptance("bug: slot index not bounds-checked (https://example.org/12)", TODAY)
    assert (found.numbers, found.acceptances) == ({"key-slot-equals-max": 1}, {1: accepted})


def test_an_entry_that_is_not_true_fails_the_run(deviates: VectorOutcome, holds: VectorOutcome) -> None:
    both = [deviates, holds]
    pattern = replace(DEVIATION, vector="key-*", count=2)
    assert states([DEVIATION], both, date(2027, 1, 1)) == [AcceptState.EXPIRED]
    assert states([replace(DEVIATION, vector="gone")], both) == [AcceptState.UNMATCHED]
    assert states([replace(DEVIATION, vector="key-slot-below-max")], both) == [AcceptState.PASSED]
    assert states([replace(DEVIATION, match="NullPointer")], both) == [AcceptState.CHANGED]
    assert states([replace(DEVIATION, outcome=Outcome.CRASH)], both) == [AcceptState.CHANGED]
    assert states([pattern], both) == [AcceptState.PASSED]
    assert states([replace(pattern, count=3)], both) == [AcceptState.MISCOUNTED]
    assert states([replace(pattern, count=1)], both) == [AcceptState.MISCOUNTED]
    other = replace(deviates, vector=holds.vector)
    assert states([pattern], [deviates, other]) == [AcceptState.APPLIED]
    assert states([replace(DEVIATION, expires=None)], both, date(2999, 1, 1)) == [AcceptState.APPLIED]


def test_only_what_fails_as_the_entry_says_is_accepted(deviates: VectorOutcome, holds: VectorOutcome) -> None:
    other = replace(
        deviates, vector=holds.vector, outcome=Outcome.REJECT, answer=reject("X"), text="refused with X"
    )
    pattern = replace(DEVIATION, vector="key-*", count=2)
    found = compare([pattern], [deviates, other], TODAY)
    assert [each.state for each in found.entries] == [AcceptState.CHANGED]
    assert found.numbers == {"key-slot-equals-max": 1}
    assert compare([DEVIATION], [deviates], date(2027, 1, 1)).numbers == {}
    second = replace(pattern, vector="key-slot-*")
    assert compare([second, DEVIATION], [deviates], TODAY).numbers == {"key-slot-equals-max": 1}


def test_what_an_answer_holds_may_be_its_code(deviates: VectorOutcome) -> None:
    refused = replace(
        deviates, outcome=Outcome.REJECT, answer=reject("E_RANGE"), text="refused, but with E_RANGE"
    )
    assert states([replace(DEVIATION, outcome=Outcome.REJECT, match="E_RANGE")], [refused]) == [
        AcceptState.APPLIED
    ]
    without = replace(deviates, outcome=Outcome.NOT_ASKED, answer=None, text="")
    assert states([DEVIATION], [without]) == [AcceptState.APPLIED]


def test_an_entry_about_another_profile_is_left_alone(deviates: VectorOutcome) -> None:
    assert compare([replace(DEVIATION, vector="quirk-1")], [deviates], TODAY, ["quirk-1"]).entries == ()
    both = replace(DEVIATION, vector="*", count=2)
    assert [each.state for each in compare([both], [deviates], TODAY, ["quirk-1"]).entries] == [
        AcceptState.APPLIED
    ]
