"""The changelog keeps to the format of Keep a Changelog, and goes with the version of the code."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

import bluezone_reference

KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
HEADING = re.compile(r"\[(?P<version>Unreleased|\d+\.\d+\.\d+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?")


def faults_of(text: str) -> list[str]:
    """Return what is wrong with a changelog, a line each."""
    found = []
    if not text.startswith("# Changelog\n"):
        found.append("the title is not `# Changelog`")
    blocks = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    versions: list[tuple[int, ...]] = []
    for place, block in enumerate(blocks):
        heading, _, body = block.partition("\n")
        match = HEADING.fullmatch(heading)
        if match is None:
            found.append(f"`## {heading}` is neither [Unreleased] nor [x.y.z] - YYYY-MM-DD")
            continue
        if (match["version"] == "Unreleased") != (place == 0):
            found.append(f"{heading}: [Unreleased] is the first section, and only the first")
        if (match["version"] == "Unreleased") != (match["date"] is None):
            found.append(f"{heading}: a release has a date, [Unreleased] has none")
        if match["date"] is not None:
            try:
                datetime.date.fromisoformat(match["date"])
            except ValueError:
                found.append(f"{heading}: no such day")
        if match["version"] != "Unreleased":
            versions.append(tuple(int(part) for part in match["version"].split(".")))
        before, *sections = re.split(r"^### ", body, flags=re.MULTILINE)
        kinds = [section.partition("\n")[0] for section in sections]
        if kinds != [kind for kind in KINDS if kind in kinds]:
            found.append(f"{heading}: {kinds} are not some of {KINDS}, once each and in this order")
        if before.strip():
            found.append(f"{heading}: text before the first kind of change")
        found += [
            f"{heading}: {section.partition(chr(10))[0]} names no change"
            for section in sections
            if not re.search(r"^- \S", section, flags=re.MULTILINE)
        ]
    if not blocks:
        found.append("there is no section")
    if versions != sorted(set(versions), reverse=True):
        found.append("the releases do not stand newest first, each once")
    return found


def test_the_changelog_keeps_the_format(repository: Path) -> None:
    assert faults_of((repository / "CHANGELOG.md").read_text("utf-8")) == []


def test_the_version_goes_with_the_changelog(repository: Path) -> None:
    text = (repository / "CHANGELOG.md").read_text("utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", text, flags=re.MULTILINE)
    number, dev, _ = bluezone_reference.__version__.partition(".dev")
    if dev:
        # work towards a release that is not there yet, with something to say of it
        assert number not in released
        assert re.search(r"## \[Unreleased\]\n+### ", text)
    else:
        assert released[:1] == [number]


GOOD = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A.\n\n## [0.1.0] - 2026-01-31\n\n### Fixed\n\n- B.\n"


def test_a_good_changelog_has_no_faults() -> None:
    assert faults_of(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Changelog", "# Changes"),
        ("[0.1.0] - 2026-01-31", "[0.1.0]"),
        ("2026-01-31", "2026-02-31"),
        ("2026-01-31", "31.1.2026"),
        ("[Unreleased]", "[0.2.0] - 2026-02-01"),
        ("### Added", "### News"),
        ("- A.", ""),
        ("### Fixed", "Text.\n\n### Fixed"),
        ("- B.\n", "- B.\n\n## [0.1.1] - 2026-02-01\n\n### Added\n\n- C.\n"),
        ("- B.\n", "- B.\n\n### Added\n\n- C.\n"),
    ],
)
def test_a_planted_fault_is_seen(old: str, new: str) -> None:
    assert len(faults_of(GOOD.replace(old, new))) == 1
