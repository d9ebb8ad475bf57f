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
