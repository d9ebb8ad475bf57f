"""The tables of the specification: faults, reject codes, tolerances, the glossary; and the plain words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from bluezone_spec.blocks import Block, TableRow, one_line
from bluezone_spec.errors import Place
from bluezone_spec.grammar import BUILDS, FAULT_ID, comma_list, parse_evidence
from bluezone_spec.model import Fault, FaultKind, Reject, Term, Tolerance

_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_INTEGER = re.compile(r"0|[1-9][0-9]{0,17}")
_WORD = re.compile(r"[a-z][a-z0-9]*")
_CODE_SPAN = re.compile(r"`([^`]+)`")
_UNITS = ("ms", "s", "days", "dB", "percent", "to one")


def parse_faults(start: Place, blocks: Sequence[Block]) -> dict[str, Fault]:
    """Read the table of faults.

    Args:
        start: The chapter's first line.
        blocks: The chapter's blocks.

    Raises:
        SpecificationError: The table or a row of it is not well formed, or an id stands twice.
    """
    faults: dict[str, Fault] = {}
    for place, cells in _rows(start, blocks, ("id", "kind", "builds", "what", "evidence")):
        fault_id, kinds, builds, what, evidence = cells
        _check_key(fault_id, FAULT_ID, "F-01 or F-14b", faults, place)
        for build in comma_list(builds, "build", place):
            if build not in BUILDS:
                raise place.error(f"unknown build '{build}': use one of {', '.join(BUILDS)}")
        faults[fault_id] = Fault(
            id=fault_id,
            kinds=tuple(_fault_kind(kind, place) for kind in comma_list(kinds, "kind", place)),
            text=what,
            evidence=parse_evidence(evidence, place),
            builds=comma_list(builds, "build", place),
        )
    return faults


def _fault_kind(word: str, place: Place) -> FaultKind:
    try:
        return FaultKind(word)
    except ValueError:
        raise place.error(f"unknown kind of fault '{word}': use one of {', '.join(FaultKind)}") from None


def parse_rejects(start: Place, blocks: Sequence[Block], requirements: Collection[str]) -> dict[str, Reject]:
    """Read the closed table of reject codes.

    Args:
        start: The chapter's first line.
        blocks: The chapter's blocks.
        requirements: Ids that a row may name.

    Raises:
        SpecificationError: The table or a row of it is not well formed, a code stands twice, or its
            requirement does not exist.
    """
    rejects: dict[str, Reject] = {}
    for place, (code, requirement, meaning) in _rows(start, blocks, ("code", "requirement", "meaning")):
        _check_key(code, _CODE, "BAD_MAX", rejects, place)
        if requirement not in requirements:
            raise place.error(f"unknown requirement '{requirement}': name the one that this code upholds")
        rejects[code] = Reject(code, requirement, meaning)
    return rejects


def parse_tolerances(start: Place, blocks: Sequence[Block]) -> dict[str, Tolerance]:
    """Read the table of tolerances.

    Args:
        start: The chapter's first line.
        blocks: The chapter's blocks.

    Raises:
        SpecificationError: The table or a row of it is not well formed, or a name stands twice.
    """
    tolerances: dict[str, Tolerance] = {}
    for place, (name, value, unit, reason) in _rows(start, blocks, ("name", "value", "unit", "reason")):
        _check_key(name, _NAME, "window_pause", tolerances, place)
        if _INTEGER.fullmatch(value) is None:
            raise place.error(
                f"the value '{value}' is not an integer: write digits only, and choose the unit for it"
            )
        if unit not in _UNITS:
            raise place.error(f"unknown unit '{unit}': use one of {', '.join(_UNITS)}")
        tolerances[name] = Tolerance(name, int(value), unit, reason)
    return tolerances


def parse_glossary(start: Place, blocks: Sequence[Block]) -> dict[str, Term]:
    """Read the table of the glossary, in its section of the overview.

    Args:
        start: The chapter's first line.
        blocks: The chapter's blocks.

    Raises:
        SpecificationError: The section, the table or a row of it is not well formed, or a term stands twice.
    """
    terms: dict[str, Term] = {}
    place, section = _section(start, blocks, "Glossary")
    for row, (term, meaning, avoid) in _rows(place, section, ("term", "meaning", "not"), optional="not"):
        if term in terms:
            raise row.error(f"'{term}' stands twice: keep one row")
        terms[term] = Term(term, meaning, comma_list(avoid, "word", row) if avoid else ())
    return terms


def parse_plain_words(start: Place, blocks: Sequence[Block]) -> frozenset[str]:
    """Read the one paragraph of the section on plain words.

    Args:
        start: The chapter's first line.
        blocks: The chapter's blocks.

    Raises:
        SpecificationError: The section is missing, holds anything else, or an entry is no lower-case word.
    """
    place, section = _section(start, blocks, "Plain words")
    if len(section) != 1 or section[0].kind != "paragraph":
        raise place.error(
            "the section 'Plain words' is not one paragraph: list the words, separated by commas"
        )
    words = comma_list(one_line(section[0].text), "plain word", section[0].place)
    for word in words:
        if _WORD.fullmatch(word) is None:
            raise section[0].place.error(f"'{word}' is no plain word: use lower-case letters and digits only")
    return frozenset(words)


def _section(start: Place, blocks: Sequence[Block], title: str) -> tuple[Place, Sequence[Block]]:
    """Return a section's place and its blocks, up to the next heading of the same or a higher level."""
    headings = [i for i, block in enumerate(blocks) if block.kind == "heading" and block.level <= 2]
    found = [i for i in headings if blocks[i].text == title]
    if len(found) != 1:
        raise start.error(f"the chapter has {len(found)} sections '## {title}': keep exactly one")
    end = next((i for i in headings if i > found[0]), len(blocks))
    return blocks[found[0]].place, blocks[found[0] + 1 : end]


def _rows(
    start: Place, blocks: Sequence[Block], header: tuple[str, ...], optional: str = ""
) -> Iterator[tuple[Place, tuple[str, ...]]]:
    """Yield place and cells of each row of the one table with this header."""
    tables = [block for block in blocks if block.kind == "table" and block.rows[0].cells == header]
    if len(tables) != 1:
        raise start.error(f"there are {len(tables)} tables '| {' | '.join(header)} |' here: keep exactly one")
    if len(tables[0].rows) == 1:
        raise tables[0].place.error(f"the table '| {' | '.join(header)} |' has no rows: fill it")
    for row in tables[0].rows[1:]:
        yield row.place, _cells(row, header, optional)


def _cells(row: TableRow, header: tuple[str, ...], optional: str) -> tuple[str, ...]:
    for name, cell in zip(header, row.cells, strict=True):
        if not cell and name != optional:
            raise row.place.error(f"the cell '{name}' is empty: fill it")
    # Ids, codes and names may be set as code.
    return tuple(match[1] if (match := _CODE_SPAN.fullmatch(cell)) else cell for cell in row.cells)


def _check_key(key: str, form: re.Pattern[str], example: str, known: Collection[str], place: Place) -> None:
    if form.fullmatch(key) is None:
        raise place.error(f"'{key}' is not of the form of {example}: write it so")
    if key in known:
        raise place.error(f"'{key}' stands twice: keep one row")
