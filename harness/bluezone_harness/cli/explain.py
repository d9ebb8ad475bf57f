"""``bzc explain``: what the specification says of one id, code, profile or word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import click

import bluezone_spec
from bluezone_spec.model import (
    Evidence,
    Fault,
    ProfileText,
    Reject,
    Requirement,
    Specification,
    Term,
    Tolerance,
)

from .failures import CallerError
from .output import duration_text, echo_json, examples, labelled, plain, shown, wrapped

_LETTERS = {
    "C": "capture",
    "G": "GATT session",
    "V": "vectors",
    "L": "contact log",
    "T": "app traffic",
    "K": "device key file",
    "E": "event records",
}
_REQUIREMENT = re.compile(r"(?:BZ-?)?([A-Z]{3})-?([0-9]{1,3})")
_FAULT = re.compile(r"F-?([0-9]{1,2})([A-Z]?)")


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that the specification explains.

    Attributes:
        kind: What it is, such as ``reject code``.
        name: As the specification writes it.
        value: What it says of it.
    """

    kind: str
    name: str
    value: Requirement | Fault | Reject | Tolerance | ProfileText | Term


def entries(specification: Specification) -> tuple[Entry, ...]:
    """Return everything that can be explained, in the order in which a name is looked for."""
    groups: tuple[tuple[str, dict[str, Any]], ...] = (
        ("requirement", specification.requirements),
        ("fault", specification.faults),
        ("reject code", specification.rejects),
        ("tolerance", specification.tolerances),
        ("profile", specification.profiles),
        ("term", specification.terms),
    )
    return tuple(Entry(kind, name, value) for kind, group in groups for name, value in group.items())


def find(specification: Specification, name: str) -> tuple[Entry, ...]:
    """Return what bears a name, in any case of letters; a requirement's ``BZ-`` and zeros may be missing.

    Raises:
        CallerError: Nothing does; the message gives the nearest names.
    """
    wanted = {_folded(name), _folded(_full_id(name))}
    known = entries(specification)
    found = tuple(entry for entry in known if _folded(entry.name) in wanted)
    if found:
        return found
    for term in specification.terms.values():
        if _folded(name) in map(_folded, term.avoid):
            raise CallerError(
                f"the specification does not use the word {shown(name)}: it says '{term.term}', try that"
            )
    names = {_folded(entry.name): entry.name for entry in known}
    near = [names[each] for each in get_close_matches(_folded(_full_id(name)), names, n=3, cutoff=0.5)]
    advice = f"did you mean {' or '.join(near)}?" if near else "see 'bzc requirements' for the ids"
    raise CallerError(f"the specification has nothing named {shown(name)}; {advice}")


def _complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    names = dict.fromkeys(entry.name for entry in entries(bluezone_spec.load()))
    return [name for name in names if _folded(name).startswith(_folded(incomplete))]


@click.command(
    epilog=examples(
        "bzc explain BZ-KEY-003",
        "bzc explain F-14b",
        "bzc explain TRUNCATED_AD",
        "bzc explain rolling id",
        "bzc explain v3 --json",
    )
)
@click.argument("words", metavar="ID", nargs=-1, required=True, shell_complete=_complete)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(words: tuple[str, ...], as_json: bool) -> None:
    """Explain a requirement, fault, code or word.

    ID is a requirement (BZ-KEY-003, or KEY-003 for short), a fault (F-14b), a reject code, a tolerance, a
    profile, or a word of the glossary. Of a requirement: its text, rationale, evidence, how it is verified,
    and which published builds break it.
    """
    specification = bluezone_spec.load()
    found = find(specification, " ".join(words))
    if as_json:
        # A name may be two things, such as a tolerance and a word of the glossary: one object all the same.
        answer = _object(specification, found[0])
        if len(found) > 1:
            answer["also"] = [_object(specification, entry) for entry in found[1:]]
        echo_json(answer)
    else:
        click.echo("\n\n".join("\n".join(_text(specification, entry)) for entry in found))


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _full_id(name: str) -> str:
    """Return the id of a requirement or fault written short; any other name as it is."""
    text = name.strip().upper()
    if found := _REQUIREMENT.fullmatch(text):
        return f"BZ-{found[1]}-{found[2]:0>3}"
    if found := _FAULT.fullmatch(text):
        return f"F-{found[1]:0>2}{found[2].lower()}"
    return name


def _breaking(specification: Specification, fault: Fault) -> list[Requirement]:
    """Return the requirements that a fault breaks."""
    return [each for each in specification.requirements.values() if fault.id in each.faults]


def _object(specification: Specification, entry: Entry) -> dict[str, Any]:
    fields = plain(entry.value)
    assert isinstance(fields, dict)  # noqa: S101 - what plain makes of a dataclass
    answer = {"kind": entry.kind, **fields}
    if isinstance(entry.value, Fault):
        answer["requirements"] = [each.id for each in _breaking(specification, entry.value)]
    return answer


def _text(specification: Specification, entry: Entry) -> Iterable[str]:
    match entry.value:
        case Requirement() as requirement:
            return _requirement(specification, requirement)
        case Fault() as fault:
            return _fault(specification, fault)
        case Reject() as reject:
            return _reject(specification, reject)
        case Tolerance() as tolerance:
            return _tolerance(tolerance)
        case ProfileText() as profile:
            return _profile(profile)
        case term:
            return _term(term)


def _requirement(specification: Specification, requirement: Requirement) -> Iterable[str]:
    yield _heading(f"{requirement.id}  {requirement.title}")
    yield labelled(
        "", f"{requirement.level} ({requirement.role}); {requirement.axis}; chapter {requirement.chapter}"
    )
    yield ""
    yield wrapped(requirement.text)
    yield from _section("Rationale", requirement.rationale)
    yield from _evidence(requirement.evidence)
    yield from _section("Profiles", ", ".join(requirement.profiles))
    alternatives = "; or ".join(
        " and ".join(text for letter, text in _LETTERS.items() if letter in each)
        for each in requirement.verified_by
    )
    yield from _section("Verified by", f"{alternatives}. {requirement.verification}")
    yield from _section("Not verifiable", requirement.unverifiable)
    yield from _section("Not verified yet", requirement.unverified)
    yield from _list(
        "Faults", (f"{fault}: {specification.faults[fault].text}" for fault in requirement.faults)
    )
    yield from _list(
        "Broken by",
        (
            f"{each.build}{f' ({each.fault})' if each.fault else ''}: {each.text}"
            for each in requirement.breaches
        ),
    )


def _fault(specification: Specification, fault: Fault) -> Iterable[str]:
    yield _heading(f"{fault.id}  {', '.join(fault.kinds)}")
    yield wrapped(fault.text)
    yield from _section("Builds", ", ".join(fault.builds))
    yield from _evidence(fault.evidence)
    yield from _list("Breaks", (f"{each.id}  {each.title}" for each in _breaking(specification, fault)))


def _reject(specification: Specification, reject: Reject) -> Iterable[str]:
    yield _heading(f"{reject.code}  reject code")
    yield wrapped(reject.text)
    title = specification.requirements[reject.requirement].title
    yield from _section("Requirement", f"{reject.requirement}  {title}")


def _tolerance(tolerance: Tolerance) -> Iterable[str]:
    yield _heading(f"{tolerance.name}  tolerance")
    seconds = f" ({duration_text(tolerance.value)})" if tolerance.unit == "ms" else ""
    yield f"{tolerance.value} {tolerance.unit}{seconds}"
    yield from _section("Reason", tolerance.reason)


def _profile(profile: ProfileText) -> Iterable[str]:
    yield _heading(f"{profile.name}  {profile.title}")
    yield f"generation {profile.generation}, platform {profile.platform}"
    for group, values in profile.groups.items():
        yield ""
        yield _heading(group.replace("_", " "))
        for name, value in values.items():
            yield f"  {name} = {_value(value.value)}"
            yield labelled("      ", f"{value.evidence.level}: {value.evidence.source}")


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


def _term(term: Term) -> Iterable[str]:
    yield _heading(term.term)
    yield wrapped(term.meaning)
    yield from _section("Not", ", ".join(term.avoid))


def _heading(text: str) -> str:
    return click.style(text, bold=True)


def _section(title: str, text: str) -> Iterable[str]:
    """Yield a section, none where there is no text."""
    if text:
        yield ""
        yield _heading(title)
        yield wrapped(text, "  ")


def _list(title: str, items: Iterable[str]) -> Iterable[str]:
    """Yield a section of one paragraph an item, none where there are no items."""
    for number, item in enumerate(items):
        if not number:
            yield ""
            yield _heading(title)
        yield labelled("  - ", item)


def _evidence(evidence: Iterable[Evidence]) -> Iterable[str]:
    return _list("Evidence", (f"{each.level}: {each.source}" for each in evidence))
