"""Hold a change, or a release, against CHANGELOG.md.

    python .ci/changelog.py change [BASE]        what was committed since BASE for users is told under [Unreleased]
    python .ci/changelog.py release TAG          tag vX.Y.Z, version of the code and newest section are one release

``change`` asks for a new line under [Unreleased] where a file of the four packages changed. A change that no user can
see says so in a line of a commit's message: ``Changelog: none, REASON``. Without BASE it compares with the branch that
the remote repository begins with, where git knows one. Exit code: 0 it holds, 1 it does not.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEEN = re.compile(r"(?:spec/bluezone_spec|reference/bluezone_reference|vectors|harness/bluezone_harness)/.+")
WAIVER = re.compile(r"^Changelog: none, \S.+$", re.MULTILINE)
VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
WRONG_USAGE = 64
NOTHING = "0" * 40  # as GitHub names what was before a branch's first commit


def section(text: str, version: str) -> list[str]:
    """Return the entries of a section of a changelog, each with its continued lines as one; none: no section."""
    found = re.search(rf"^## \[{re.escape(version)}\].*?$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    body = found[1] if found else ""
    return [
        " ".join(entry.split())
        for entry in re.findall(r"^- (.*?)(?=^- |^#|\Z)", body, re.MULTILINE | re.DOTALL)
    ]


def fault_of_change(changed: list[str], before: str, after: str, messages: str) -> str:
    """Say what is wrong with a change, or nothing.

    Args:
        changed: Paths of the files that changed, from the root.
        before: The changelog before.
        after: The changelog after.
        messages: Of all commits of the change.
    """
    seen = [path for path in changed if SEEN.fullmatch(path)]
    if not seen or WAIVER.search(messages):
        return ""
    if set(section(after, "Unreleased")) - set(section(before, "Unreleased")):
        return ""
    # a change that is itself a release moves its entries into a section of their own
    if set(re.findall(r"^## \[(\d[^\]]*)\]", after, re.MULTILINE)) - set(
        re.findall(r"^## \[(\d[^\]]*)\]", before, re.MULTILINE)
    ):
        return ""
    return f"{len(seen)} files changed that users have, such as {seen[0]}, and [Unreleased] says nothing new of it"


def fault_of_release(tag: str, version: str, text: str) -> str:
    """Say what is wrong with a release, or nothing.

    Args:
        tag: Of the commit, such as ``v1.2.0``.
        version: Of the code.
        text: The changelog.
    """
    if not re.fullmatch(r"v\d+\.\d+\.\d+", tag):
        return f"the tag {tag} is not of the form vX.Y.Z"
    if version != tag[1:]:
        return f"the tag is {tag}, and the version of the code is {version}"
    newest = re.findall(r"^## \[(\d[^\]]*)\]", text, re.MULTILINE)[:1]
    if newest != [version]:
        return f"the newest release of the changelog is {', '.join(newest) or 'none'}, not {version}"
    if not section(text, version):
        return f"the section {version} names no change"
    if section(text, "Unreleased"):
        return "what stands under [Unreleased] is part of the release: move it"
    return ""


def git(*words: str) -> str:
    """Return what git says of this repository."""
    command = ["git", "-C", str(ROOT), *words]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True).stdout  # noqa: S603 (git alone)


def main(arguments: list[str]) -> int:
    """Do what the command line says and return the exit code."""
    try:
        match arguments:
            case ["change"]:
                known = git("for-each-ref", "--format=%(objectname)", "refs/remotes/*/HEAD").split()
                return main(["change", known[0] if known else NOTHING])
            case ["change", base] if base == NOTHING:
                print("changelog: there is nothing to compare with", file=sys.stderr)
                return 0
            case ["change", base]:
                start = git("merge-base", base, "HEAD").strip()
                changed = git("diff", "--name-only", start, "HEAD").splitlines()
                messages = git("log", "--format=%B", f"{start}..HEAD")
                before, after = (git("show", f"{commit}:CHANGELOG.md") for commit in (start, "HEAD"))
                fault = fault_of_change(changed, before, after, messages)
            case ["release", tag]:
                text = (ROOT / "CHANGELOG.md").read_text("utf-8")
                source = (ROOT / "reference" / "bluezone_reference" / "__init__.py").read_text("utf-8")
                fault = fault_of_release(tag, "".join(VERSION.findall(source)), text)
            case _:
                print(__doc__, file=sys.stderr)
                return WRONG_USAGE
    except subprocess.CalledProcessError as error:
        fault = f"{' '.join(error.cmd[3:])}: {error.stderr.strip()}"
    if fault:
        print(f"changelog: {fault}", file=sys.stderr)
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
