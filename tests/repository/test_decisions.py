"""Decision records are numbered without gaps, and each says why, what was decided and what follows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SECTIONS = ["Context", "Decision", "Consequences"]


def faults_of(records: dict[str, str]) -> list[str]:
    """Return what is wrong with the records, given as file name and text."""
    found = []
    for place, (name, text) in enumerate(sorted(records.items()), start=1):
        if not re.fullmatch(rf"{place:04}-[a-z0-9]+(-[a-z0-9]+)*\.md", name):
            found.append(f"{name}: not {place:04}-words-with-hyphens.md")
        if not re.match(rf"# {name[:4]} \S.*\n\nStatus: (accepted|replaced by \d{{4}})\n", text):
            found.append(f"{name}: does not begin with `# {name[:4]} Title` and `Status: ...`")
        if re.findall(r"^## (.+)$", text, flags=re.MULTILINE) != SECTIONS:
            found.append(f"{name}: its sections are not {SECTIONS}")
        if len(text.splitlines()) > 80:
            found.append(f"{name}: longer than a page")
    return found


def test_the_records_keep_the_form(repository: Path) -> None:
    records = {path.name: path.read_text("utf-8") for path in (repository / "spec" / "decisions").iterdir()}
    assert len(records) >= 5
    assert faults_of(records) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("0003-late.md", "# 0003 Late\n\nStatus: accepted\n\n## Context\n\n## Decision\n\n## Consequences\n"),
        ("0002-Late.md", "# 0002 Late\n\nStatus: accepted\n\n## Context\n\n## Decision\n\n## Consequences\n"),
        ("0002-late.md", "# 0001 Late\n\nStatus: accepted\n\n## Context\n\n## Decision\n\n## Consequences\n"),
        ("0002-late.md", "# 0002 Late\n\nStatus: perhaps\n\n## Context\n\n## Decision\n\n## Consequences\n"),
        ("0002-late.md", "# 0002 Late\n\nStatus: accepted\n\n## Context\n\n## Consequences\n"),
    ],
)
def test_a_planted_fault_is_seen(name: str, text: str) -> None:
    good = "# 0001 First\n\nStatus: accepted\n\n## Context\n\n## Decision\n\n## Consequences\n"
    assert faults_of({"0001-first.md": good}) == []
    assert len(faults_of({"0001-first.md": good, name: text})) == 1
