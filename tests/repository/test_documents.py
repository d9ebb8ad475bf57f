"""What the documents point at is there: links, the files they name, the tools and words they rely on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)(?:#[^)]*)?\)")
FILE = re.compile(r"`((?:\.ci|spec|reference|vectors|harness|tests|benchmarks|examples)/[\w./-]*)`")


def dangling(root: Path, document: Path) -> list[str]:
    """Return the links and the files of a document that lead nowhere."""
    text = (root / document).read_text("utf-8")
    links = [link for link in LINK.findall(text) if not (root / document.parent / link).exists()]
    files = [file for file in FILE.findall(text) if not (root / file).exists()]
    return links + files


def test_documents_point_at_what_is_there(repository: Path, repository_files: tuple[Path, ...]) -> None:
    documents = [file for file in repository_files if file.suffix == ".md"]
    assert {Path("README.md"), Path("CONTRIBUTING.md"), Path("CHANGELOG.md")} <= set(documents)
    assert {str(file): found for file in documents if (found := dangling(repository, file))} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see [it](missing.md)", ["missing.md"]),
        ("see [it](folder/missing.md#part)", ["folder/missing.md"]),
        ("see `tests/missing.py`", ["tests/missing.py"]),
        (
            "see [it](https://example.org/missing.md), [there](#a), [here](here.md) and `other/missing.py`",
            [],
        ),
    ],
)
def test_a_planted_one_is_seen(tmp_path: Path, text: str, found: list[str]) -> None:
    (tmp_path / "here.md").write_text(text, "utf-8")
    assert dangling(tmp_path, Path("here.md")) == found


def test_the_readme_shows_every_command(repository: Path) -> None:
    text = (repository / "README.md").read_text("utf-8")
    shown = set(re.findall(r"^\$ bzc (\w+)", text, flags=re.MULTILINE))
    assert shown >= {"ids", "decode", "match", "check", "requirements", "explain"}
