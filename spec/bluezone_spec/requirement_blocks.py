"""A requirement of a chapter: from its heading to its closing list, read strictly.

    ### BZ-ADV-003 The rolling id is twelve octets

    **MUST** (phone, Android). The normative text; further paragraphs, lists or tables may follow.

    - **Rationale:** why.
    - **Evidence:** captured: where; source A: where
    - **Profiles:** v3, v2
    - **Verified by:** C+K, V. How, in words.
    - **Not verifiable:** what of it, and why.
    - **Not verified yet:** what the suite lacks that would verify it.
    - **Faults:** F-21
    - **Broken by:** Android 1.x (F-21): what it does.

The last four items stand only where they apply; the last is repeated for each build.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bluezone_spec.blocks import Block, ListItem
from bluezone_spec.errors import Place
from bluezone_spec.grammar import (
    BUILDS,
    CHAPTER_AREAS,
    REQUIREMENT_ID,
    VERIFICATION_LETTERS,
    comma_list,
    parse_evidence,
    quoted_list,
)
from bluezone_spec.model import Axis, Breach, Level, Requirement

_ITEMS = (
    "Rationale",
    "Evidence",
    "Profiles",
    "Verified by",
    "Not verifiable",
    "Not verified yet",
    "Faults",
    "Broken by",
)
_REQUIRED_ITEMS = _ITEMS[:4]
_LEVEL = re.compile(r"\*\*(?P<level>[^*]+)\*\*(?P<rest>.*)", re.DOTALL)
_ROLE = re.compile(r"\s+\((?P<role>[^()\n]+)\)\.(?:\s+(?P<text>\S.*))?", re.DOTALL)
_ITEM = re.compile(r"\*\*(?P<name>[^*:]+):\*\*(?:\s+(?P<text>.+))?")
_VERIFIED = re.compile(r"(?P<letters>[^.]*)\.(?:\s+(?P<prose>\S.*))?")
_ALTERNATIVE = re.compile(f"[{VERIFICATION_LETTERS}]([+][{VERIFICATION_LETTERS}])*")
_BREACH = re.compile(r"(?P<build>[^:()]+?)(?: \((?P<fault>[^()]*)\))?:(?:\s+(?P<text>\S.*))?")
_NO_LETTERS = "none"
_AREAS = tuple(area for area in CHAPTER_AREAS.values() if area)


@dataclass(frozen=True, slots=True)
class Known:
    """What a requirement may name.

    Attributes:
        profiles: Names of the profiles.
        faults: Ids of the table of faults.
    """

    profiles: Collection[str]
    faults: Collection[str]


@dataclass(frozen=True, slots=True)
class _Field:
    place: Place
    text: str


def is_requirement_heading(block: Block) -> bool:
    """Tell whether a heading begins a requirement, well written or not."""
    return block.kind == "heading" and block.text.startswith("BZ-")


def parse_requirement(
    chapter: str, heading: Block, body: Sequence[Block], lines: Sequence[str], known: Known
) -> Requirement:
    """Read one requirement.

    Args:
        chapter: Slug of its chapter.
        heading: The heading that begins it.
        body: The blocks up to the next heading.
        lines: The chapter's lines, for the normative text as written.
        known: What it may name.

    Returns:
        The requirement; whether its number is the next one is left to the caller.

    Raises:
        SpecificationError: Anything is not as the head of this module shows.
    """
    requirement_id, title, area = _parse_heading(heading)
    if not body or body[0].kind != "paragraph":
        raise heading.place.error(
            f"{requirement_id} has no level paragraph: let its heading be followed by "
            "'**MUST** (whom it binds). What must be.'"
        )
    closing = _closing_list(heading.place, requirement_id, body)
    normative = "\n".join(lines[body[0].place.line - 1 : closing.place.line - 1]).strip()
    level, role, text = _parse_normative(normative, body[0].place)
    fields = _parse_items(closing)
    evidence = fields["Evidence"][0]
    alternatives, verification = _parse_verified(fields["Verified by"][0])
    unverifiable = fields["Not verifiable"][0].text if "Not verifiable" in fields else ""
    if level is Level.MUST and not alternatives and not unverifiable:
        raise fields["Verified by"][0].place.error(
            f"{requirement_id} is a MUST that nothing verifies: name an alternative, or add 'Not verifiable'"
        )
    return Requirement(
        id=requirement_id,
        title=title,
        level=level,
        axis=Axis.PRIVACY if area == "PRV" else Axis.CONFORMANCE,
        chapter=chapter,
        role=role,
        text=text,
        rationale=fields["Rationale"][0].text,
        evidence=parse_evidence(evidence.text, evidence.place),
        profiles=_known_names(fields["Profiles"][0], "profile", known.profiles),
        verified_by=alternatives,
        verification=verification,
        unverifiable=unverifiable,
        unverified=fields["Not verified yet"][0].text if "Not verified yet" in fields else "",
        faults=_known_names(fields["Faults"][0], "fault", known.faults) if "Faults" in fields else (),
        breaches=_parse_breaches(fields.get("Broken by", []), known.faults),
    )


def _parse_heading(heading: Block) -> tuple[str, str, str]:
    """Return id, title and area."""
    requirement_id, _, title = heading.text.partition(" ")
    identity = REQUIREMENT_ID.fullmatch(requirement_id)
    if identity is None:
        raise heading.place.error(
            f"'{heading.text}' does not begin with an id such as BZ-KEY-001: three capitals and three digits"
        )
    if identity["area"] not in _AREAS:
        raise heading.place.error(f"unknown area '{identity['area']}': use one of {', '.join(_AREAS)}")
    if not title:
        raise heading.place.error(f"{requirement_id} has no title: add a few words after the id")
    return requirement_id, title, identity["area"]


def _closing_list(place: Place, requirement_id: str, body: Sequence[Block]) -> Block:
    """Return the last block, which must be the list."""
    for position, block in enumerate(body):
        if block.kind == "bullet_list" and _is_closing(block):
            if position + 1 < len(body):
                raise body[position + 1].place.error(
                    f"something follows the list that ends {requirement_id}: "
                    "move it before the list, or under a heading of its own"
                )
            return block
    raise place.error(
        f"{requirement_id} does not end in the list of its {quoted_list(_REQUIRED_ITEMS)}: "
        "add it, with '-' and a paragraph before"
    )


def _is_closing(block: Block) -> bool:
    return any(item.text is not None and _ITEM.fullmatch(item.text) for item in block.items)


def _parse_normative(normative: str, place: Place) -> tuple[Level, str, str]:
    """Return level, role and the text without both."""
    match = _LEVEL.fullmatch(normative)
    if match is None:
        raise place.error(
            "the level paragraph does not begin with a level: write '**MUST** (whom it binds). Text.'"
        )
    try:
        level = Level(match["level"])
    except ValueError:
        raise place.error(f"unknown level '{match['level']}': use one of {', '.join(Level)}") from None
    rest = _ROLE.fullmatch(match["rest"])
    if rest is None:
        raise place.error("after the level the role is missing: write '**MUST** (whom it binds). Text.'")
    if not rest["text"]:
        raise place.error("the normative text is missing: write it after the role, in the same paragraph")
    return level, rest["role"], rest["text"]


def _parse_items(closing: Block) -> dict[str, list[_Field]]:
    """Return the items of the closing list by name."""
    fields: dict[str, list[_Field]] = {}
    latest = 0
    for item in closing.items:
        name, text = _parse_item(item)
        position = _ITEMS.index(name)
        if name in fields and name != "Broken by":
            raise item.place.error(f"the item '{name}' is repeated: keep one")
        if position < latest:
            raise item.place.error(f"the item '{name}' comes too late: put it before '{_ITEMS[latest]}'")
        latest = position
        fields.setdefault(name, []).append(_Field(item.place, text))
    for name in _REQUIRED_ITEMS:
        if name not in fields:
            raise closing.place.error(f"the item '{name}' is missing from the list: add it")
    return fields


def _parse_item(item: ListItem) -> tuple[str, str]:
    match = _ITEM.fullmatch(item.text) if item.text is not None else None
    if match is None:
        raise item.place.error("an item of the list is not one paragraph '**Name:** text': write it so")
    name, text = match["name"], match["text"]
    if name not in _ITEMS:
        raise item.place.error(f"unknown item '{name}': the list has {quoted_list(_ITEMS)}")
    if not text:
        raise item.place.error(f"the item '{name}' is empty: say it, or leave the item out if it may be")
    return name, text


def _parse_verified(field: _Field) -> tuple[tuple[frozenset[str], ...], str]:
    """Return the alternatives, and how in words."""
    match = _VERIFIED.fullmatch(field.text)
    if match is None or not match["prose"]:
        raise field.place.error(
            "'Verified by' does not say how: write the letters, a full stop, and a sentence"
        )
    if match["letters"] == _NO_LETTERS:
        return (), match["prose"]
    alternatives: list[frozenset[str]] = []
    for entry in comma_list(match["letters"], "verification letter", field.place):
        # A letter may stand twice (T+T: two uploads); which kinds of evidence suffice is what the set says.
        alternative = frozenset(entry.split("+"))
        if _ALTERNATIVE.fullmatch(entry) is None or alternative in alternatives:
            raise field.place.error(
                f"'{entry}' is no alternative of verification letters, or stands twice: join letters of "
                f"{VERIFICATION_LETTERS} by '+', separate alternatives by a comma, or write '{_NO_LETTERS}'"
            )
        alternatives.append(alternative)
    return tuple(alternatives), match["prose"]


def _known_names(field: _Field, what: str, known: Collection[str]) -> tuple[str, ...]:
    names = comma_list(field.text, what, field.place)
    for name in names:
        _require_known(name, what, known, field.place)
    return names


def _require_known(name: str, what: str, known: Collection[str], place: Place) -> None:
    if name not in known:
        raise place.error(f"unknown {what} '{name}': use one that the specification has, or add it there")


def _parse_breaches(fields: Sequence[_Field], faults: Collection[str]) -> tuple[Breach, ...]:
    breaches: list[Breach] = []
    for field in fields:
        match = _BREACH.fullmatch(field.text)
        if match is None or not match["text"]:
            raise field.place.error("'Broken by' does not read 'Build (F-nn): what it does.': write it so")
        build, fault = match["build"], match["fault"]
        _require_known(build, "build", BUILDS, field.place)
        if fault is not None:
            _require_known(fault, "fault", faults, field.place)
        if any(breach.build == build and breach.fault == (fault or "") for breach in breaches):
            raise field.place.error(
                f"the build '{build}' breaks it twice by the same fault: make one item of both"
            )
        breaches.append(Breach(build, fault or "", match["text"]))
    return tuple(breaches)
