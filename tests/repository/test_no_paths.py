"""Nothing in the repository names a machine, a registry's host, a folder outside, or a job left for later."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# written in pieces, so that this file does not hold what it looks for
FORBIDDEN = {
    "a home folder": r"(?<![\w.])/(?:home|Users)/[A-Za-z]\w*"
    + "|"
    + r"(?<![\w.])/ro"
    + r"ot/"
    + r"|[A-Z]:\\Users",
    "a work folder": r"(?<![\w./])/wo" + r"rk/" + r"|(?<![\w.])/tm" + r"p/",
    "a folder outside": r"\.\./sha" + r"red|\bsha" + r"red/(?:protocol|design|captures|tools)|\.libr" + "ary",
    "a registry's host": r"pyp"
    + r"i\.org|pythonho"
    + r"sted\.org|npm"
    + r"js\.org|deb\.deb"
    + "ian|crates"
    + r"\.io",
    "a job left for later": r"\b(?:TO" + "DO|FIX" + "ME|X" + r"XX)\b",
}


def finds(text: str) -> list[str]:
    """Return each forbidden thing of a text with its line."""
    return [
        f"{number}: {what}: {line.strip()[:80]}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in FORBIDDEN.items()
        if re.search(pattern, line)
    ]


def test_the_repository_names_none_of_them(repository: Path, repository_files: tuple[Path, ...]) -> None:
    found = {}
    for file in repository_files:
        octets = (repository / file).read_bytes()
        # a file that is no text is looked at octet by octet: paths hide in databases and captures too
        if lines := finds(octets.decode("utf-8", errors="replace")):
            found[str(file)] = lines
    assert len(repository_files) > 20
    assert found == {}


@pytest.mark.parametrize(
    "planted",
    [
        "/ho" + "me/somebody/x",
        "(/ro" + "ot/x)",
        "see /wo" + "rk/x",
        "'/tm" + "p/x'",
        "../sha" + "red/protocol",
        "https://pyp" + "i.org/simple",
        "# TO" + "DO: later",
        r"C:\Use" + r"rs\x",
    ],
)
def test_a_planted_one_is_seen(planted: str) -> None:
    assert len(finds(f"fine\n{planted}\nfine")) == 1


@pytest.mark.parametrize(
    "fine", ["/usr/bin/python3", "spec/bluezone_spec", "a framework/part", "${HOME}/x", "to do"]
)
def test_ordinary_text_is_let_pass(fine: str) -> None:
    assert finds(fine) == []
