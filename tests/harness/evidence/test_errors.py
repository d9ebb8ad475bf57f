"""The one error of evidence says which file and where."""

from __future__ import annotations

import pytest

from bluezone_harness.evidence.errors import EvidenceError


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize(
    ("pointer", "text"),
    [(None, "log.txt: no log"), ("", "log.txt: no log (at the top)"), ("/a/0", "log.txt: no log (at /a/0)")],
)
def test_it_names_source_reason_and_place(pointer: str | None, text: str) -> None:
    error = EvidenceError("log.txt", "no log", pointer=pointer)
    assert str(error) == text
    assert (error.source, error.reason, error.pointer) == ("log.txt", "no log", pointer or "")
    assert isinstance(error, ValueError)


@pytest.mark.req("BZ-MSG-006")
@pytest.mark.parametrize(
    ("pointer", "shown"),
    [
        ("/a\x1b[31m", "/a\N{REPLACEMENT CHARACTER}[31m"),
        ("/\x7f\u2028\ud800", "/" + 3 * "\N{REPLACEMENT CHARACTER}"),
        ("/é 😀", "/é 😀"),
        ("/" + 10_000 * "k" + "/1", "…" + 198 * "k" + "/1"),
    ],
)
def test_keys_of_the_evidence_do_no_harm_to_a_terminal(pointer: str, shown: str) -> None:
    """Fuzzing found it: keys went into messages as they were."""
    error = EvidenceError("log.txt", "no log", pointer=pointer)
    assert str(error) == f"log.txt: no log (at {shown})"
    assert error.pointer == pointer
