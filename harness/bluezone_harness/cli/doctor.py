"""``bzc doctor``: what is installed, and what cannot work without the rest.

It reads what the installer noted and imports nothing of what it asks about, so it answers also where a
package is broken or slow to load.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import click

from bluezone_reference import __version__

from .doctor_receivers import FoundWay, found_ways, way_text
from .failures import DEBUG_VARIABLE, ExitCode
from .output import echo_json, examples, labelled, printable

_SCHEMA = 1
"""Version of the JSON form."""
DEVICE_VARIABLE = "BZC_DEVICE"
"""The variable of ``check``, which would load all that judging needs."""
_PACKAGE = "bluezone-conformance"
_USES = {
    "click": "the command line",
    "construct": "the declared form of AdvData, to which its decoder is held",
    "markdown-it-py": "the specification's text: requirements, explain, check",
    "rich": "reports for people: check, demo",
    "cryptography": "a second opinion on hashes, in tests",
    "bleak": "listening by this computer's Bluetooth: sniff",
    "bumble": "controllers of one's own, and virtual phones: sniff --hci",
    "numba": "large captures, many times as fast: check, info",
    "numpy": "large captures, many times as fast: check, info",
}
_EXTRAS = {
    "test": "the project's own tests",
    "pytest": "the plugin for pytest, in tests of one's own",
    "fast": "large captures, many times as fast: check, info",
    "hci": "controllers of one's own, and virtual phones: sniff --hci",
}
_LIBRARIES = {
    "sqlite3": "phones' databases, app_db_2.db and app_cache_2.db: check, match",
}
_TOOLS = {
    "tshark": "the project's own tests, which compare what bzc reads from a capture with what it reads",
}
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)\s*\(?(?P<wanted>[^;)]*)\)?\s*(?:;\s*(?P<marker>.*))?"
)
_EXTRA = re.compile(r"""extra\s*==\s*['"](?P<extra>[^'"]+)['"]""")
_BOUND = re.compile(r"(>=|<=|==|!=|<|>)\s*([0-9]+(?:\.[0-9]+)*)")
_RELEASE = re.compile(r"[0-9]+(?:\.[0-9]+)*")


class State(StrEnum):
    """How a part was found."""

    OK = "ok"
    MISSING = "missing"
    UNFIT = "unfit"
    """It is there in a version that does not do, or it is set to what is not there."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that this project can use.

    Attributes:
        name: As people call it.
        kind: What it is, such as ``dependency``.
        state: How it was found.
        needed: Without it ``bzc`` does not work as it should.
        version: The version that is there; empty where there is none, or none was asked for.
        wanted: The versions that do.
        use: What it is for: what cannot work without it.
        advice: What to do; empty where nothing is to be done.
    """

    name: str
    kind: str
    state: State
    needed: bool
    version: str
    wanted: str
    use: str
    advice: str


@click.command(epilog=examples("bzc doctor", "bzc doctor --json"))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Say what is installed, and what cannot work.

    Python, the packages that bzc needs, extras, libraries, tools, settings and the ways to listen, one line each; what
    is missing says what it is for, and what to do. Nothing is started or loaded for it: whether Bluetooth is on, only
    'bzc sniff' finds out. What nobody of this project could try on hardware says so.

    Exit code: 0 all that bzc needs is there; 3 something that it needs is missing. What only extras or the
    project's own tests need does not count.
    """
    parts = tuple(_parts())
    works = not any(part.needed and part.state is not State.OK for part in parts)
    receivers = tuple(found_ways(platform.system(), version_of))
    if as_json:
        echo_json({"schema": _SCHEMA, "works": works, "parts": parts, "receivers": receivers})
    else:
        click.echo("\n".join(_text(parts, receivers, works=works)))
    ctx.exit(ExitCode.HOLDS if works else ExitCode.UNREADABLE)


def _parts() -> Iterator[Part]:
    yield from packages(_requirements(), version_of)
    for name, use in _LIBRARIES.items():
        # the part in C is what a Python may lack; the package around it is always there
        there = find_spec(f"_{name}") is not None
        yield _found(name, "library", there, True, use, "install a Python that was built with it")
    files = "the specification's chapters and profiles"
    there = holds_files("bluezone_spec", ("chapters/*.md", "profiles/*.toml"))
    yield _found(files, "data", there, True, "nearly every command", f"install {_PACKAGE} again")
    for name, use in _TOOLS.items():
        yield _found(
            name, "tool", shutil.which(name) is not None, False, use, f"install {name}, if you need that"
        )
    yield from settings(os.environ)


def _found(name: str, kind: str, there: bool, needed: bool, use: str, advice: str) -> Part:
    state = State.OK if there else State.MISSING
    return Part(name, kind, state, needed, "", "", use, "" if there else advice)


def holds_files(package: str, patterns: Iterable[str]) -> bool:
    """Tell whether a package is there with files of each pattern, without importing it."""
    found = find_spec(package)
    folders = [Path(folder) for folder in (found and found.submodule_search_locations) or ()]
    return all(any(path for folder in folders for path in folder.glob(pattern)) for pattern in patterns)


def version_of(name: str) -> str | None:
    """Return the version of an installed package; ``None``: there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _requirements() -> tuple[str, list[str]] | None:
    """Return which Python and which packages this one asks for; ``None`` where it is not installed."""
    try:
        noted = metadata.metadata(_PACKAGE)
    except metadata.PackageNotFoundError:
        return None
    return noted.get("Requires-Python") or "", noted.get_all("Requires-Dist") or []


def packages(required: tuple[str, list[str]] | None, version: Callable[[str], str | None]) -> Iterator[Part]:
    """Yield Python, this package, the packages that it needs, and its extras.

    Args:
        required: Which Python it asks for, and what else, in the words of the packaging standards (PEP 508);
            ``None``: this package is not installed.
        version: Gives the version of an installed package by its name.
    """
    python, texts = required or ("", [])
    kind = platform.python_implementation()
    yield _versioned(
        kind, "python", platform.python_version(), python, True, "everything", "install a newer Python"
    )
    there = State.MISSING if required is None else State.OK
    advice = f"pip install {_PACKAGE}: what it needs cannot be told" if required is None else ""
    yield Part(_PACKAGE, "package", there, False, __version__, "", "this program", advice)
    extras: dict[str, list[Part]] = {}
    for text in texts:
        found = _REQUIREMENT.fullmatch(text.strip())
        if found is None:
            continue
        name, wanted, marker = found["name"], found["wanted"].strip(), found["marker"] or ""
        extra = _EXTRA.fullmatch(marker.strip())
        if marker and extra is None:
            continue  # asked for under conditions that only an installer can judge
        use = _USES.get(name, "")
        advice = f"pip install '{name}{wanted}'"
        part = _versioned(name, "dependency", version(name), wanted, extra is None, use, advice)
        if extra is None:
            yield part
        else:
            extras.setdefault(extra["extra"], []).append(part)
    for name, parts in extras.items():
        yield _extra(name, parts)


def _extra(name: str, parts: list[Part]) -> Part:
    lacking = [part.name for part in parts if part.state is not State.OK]
    advice = f"pip install '{_PACKAGE}[{name}]': it lacks {', '.join(lacking)}" if lacking else ""
    state = State.MISSING if lacking else State.OK
    use = _EXTRAS.get(name, "what is optional")
    return Part(name, "extra", state, False, "", "", use, advice)


def _versioned(
    name: str, kind: str, version: str | None, wanted: str, needed: bool, use: str, advice: str
) -> Part:
    if version is None:
        return Part(name, kind, State.MISSING, needed, "", wanted, use, advice)
    if fits(version, wanted):
        return Part(name, kind, State.OK, needed, version, wanted, use, "")
    return Part(name, kind, State.UNFIT, needed, version, wanted, use, advice)


def fits(version: str, wanted: str) -> bool:
    """Tell whether a version is among those wanted, by the numbers of its release alone.

    Args:
        version: Such as ``8.2.1``.
        wanted: Bounds such as ``>=8.2,<9``; other forms of bounds are taken to fit.
    """
    release = _numbers(version)
    for sign, bound in _BOUND.findall(wanted):
        limit = _numbers(bound)
        holds = {
            ">=": release >= limit,
            "<=": release <= limit,
            "==": release == limit,
            "!=": release != limit,
            "<": release < limit,
            ">": release > limit,
        }
        if not holds[sign]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a release, without zeros at its end: 8.2 and 8.2.0 are the same."""
    found = _RELEASE.match(version)
    numbers = [int(part) for part in found[0].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def settings(values: Mapping[str, str]) -> Iterator[Part]:
    """Yield the environment variables that are set and change what ``bzc`` does."""
    path = values.get(DEVICE_VARIABLE)
    if path:
        there = path == "-" or Path(path).is_file()
        state = State.OK if there else State.UNFIT
        advice = "" if there else "set it to a device file, or unset it: 'bzc check' ends with an error"
        yield Part(DEVICE_VARIABLE, "setting", state, False, "", "", "check: whose evidence it is", advice)
    for name, use in (
        ("NO_COLOR", "no colours"),
        (DEBUG_VARIABLE, "a traceback where bzc itself is at fault"),
    ):
        if values.get(name):
            yield Part(name, "setting", State.OK, False, "", "", use, "")


def _text(parts: Iterable[Part], receivers: Iterable[FoundWay], *, works: bool) -> Iterator[str]:
    for part in parts:
        words = [part.name, part.version]
        if part.state is State.UNFIT and part.wanted:
            words.append(f"(wanted {part.wanted})")
        text = printable(" ".join(filter(None, words)))
        if part.state is not State.OK or part.kind in ("tool", "setting", "extra", "library"):
            text += f": {part.use}"
        if part.advice:
            text += f"; {printable(part.advice)}"
        state = part.state if part.needed or part.state is State.OK else f"{part.state}, optional"
        yield labelled(f"{state.ljust(17)}  {part.kind.ljust(10)}  ", text)
    yield ""
    for each in receivers:
        state = State.OK if each.works else f"{State.MISSING}, optional"
        yield labelled(f"{state.ljust(17)}  {'receiver'.ljust(10)}  ", way_text(each))
    yield ""
    yield "all that bzc needs is there" if works else "bzc cannot work as it should: see what is missing"
