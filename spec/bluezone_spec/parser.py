"""From the text of all chapters and profiles to the specification as values.

Strict on purpose: what is not written exactly as it must be is an error with file, line, and what to do about
it. A requirement that a lenient parser skipped would be a requirement that nobody checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from bluezone_spec.blocks import Block, read_blocks, source_lines
from bluezone_spec.errors import Place
from bluezone_spec.grammar import CHAPTER_AREAS
from bluezone_spec.model import Chapter, Requirement, Specification
from bluezone_spec.requirement_blocks import Known, is_requirement_heading, parse_requirement
from bluezone_spec.tables import (
    parse_faults,
    parse_glossary,
    parse_plain_words,
    parse_rejects,
    parse_tolerances,
)
from bluezone_spec.toml_profiles import parse_profile

_OVERVIEW, _FAULTS, _REJECT_CODES, _TOLERANCES = (
    "01-overview.md",
    "A-faults.md",
    "B-reject-codes.md",
    "C-tolerances.md",
)
# Whatever looks like an id, also where a letter or a digit is too many.
_MENTION = re.compile(r"(?<![A-Za-z0-9-])(?:BZ-[A-Z]+-[0-9]\w*|F-[0-9]\w*)")


@dataclass(frozen=True, slots=True)
class _Page:
    """A chapter taken apart."""

    file: str
    chapter: Chapter
    area: str
    lines: Sequence[str]
    blocks: Sequence[Block]

    @property
    def start(self) -> Place:
        return Place(self.file, 1)


def parse_specification(chapters: Mapping[str, str], profiles: Mapping[str, str]) -> Specification:
    """Read the specification.

    Args:
        chapters: Markdown by file name, such as ``02-key-schedule.md``: all twelve, and no other.
        profiles: TOML by file name, such as ``android-v3.toml``.

    Returns:
        The specification; its mappings keep the order of the chapters.

    Raises:
        SpecificationError: The first thing found that is not as it must be, with file and line.
    """
    pages = {file: _read_page(file, text) for file, text in _in_order(chapters)}
    profile_texts = [parse_profile(file, text) for file, text in sorted(profiles.items())]
    overview = pages[_OVERVIEW]
    faults = parse_faults(pages[_FAULTS].start, pages[_FAULTS].blocks)
    known = Known(frozenset(profile.name for profile in profile_texts), faults.keys())
    requirements: dict[str, Requirement] = {}
    for page in pages.values():
        for requirement in _requirements(page, known):
            requirements[requirement.id] = requirement
    codes, tolerances = pages[_REJECT_CODES], pages[_TOLERANCES]
    specification = Specification(
        chapters=tuple(page.chapter for page in pages.values()),
        requirements=requirements,
        profiles={profile.name: profile for profile in profile_texts},
        faults=faults,
        rejects=parse_rejects(codes.start, codes.blocks, requirements.keys()),
        tolerances=parse_tolerances(tolerances.start, tolerances.blocks),
        terms=parse_glossary(overview.start, overview.blocks),
        plain_words=parse_plain_words(overview.start, overview.blocks),
    )
    ids = requirements.keys() | faults.keys()
    for file, text in (*chapters.items(), *profiles.items()):
        _check_mentions(file, text, ids)
    return specification


def _in_order(chapters: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for file in chapters:
        if file not in CHAPTER_AREAS:
            raise Place(file, 1).error(f"unexpected file name: the chapters are {', '.join(CHAPTER_AREAS)}")
    for file in CHAPTER_AREAS:
        if file not in chapters:
            raise Place(file, 1).error("the chapter is missing: write it")
        yield file, chapters[file]


def _read_page(file: str, text: str) -> _Page:
    blocks = read_blocks(file, text)
    titles = [block for block in blocks if block.kind == "heading" and block.level == 1]
    if not titles or titles[0] is not blocks[0] or not titles[0].text:
        raise Place(file, 1).error("the chapter does not begin with its title: let '# Title' come first")
    if len(titles) > 1:
        raise titles[1].place.error("the chapter has a second title: use '##' for its sections")
    slug = file.partition("-")[2].removesuffix(".md")
    chapter = Chapter(slug, titles[0].text, text)
    return _Page(file, chapter, CHAPTER_AREAS[file], source_lines(text), blocks)


def _requirements(page: _Page, known: Known) -> Iterator[Requirement]:
    """Yield a chapter's requirements, numbered from 001 without a gap."""
    headings = [i for i, block in enumerate(page.blocks) if block.kind == "heading"]
    ends = [*headings[1:], len(page.blocks)]
    number = 0
    for begin, end in zip(headings, ends, strict=True):
        heading = page.blocks[begin]
        if not is_requirement_heading(heading):
            if page.area and heading.level == 3:
                raise heading.place.error(
                    f"'{heading.text}' is no requirement: let its id come first, or use '##' for a section"
                )
            continue
        if not page.area or heading.level != 3:
            raise heading.place.error(
                f"'{heading.text}' is a requirement in the wrong place: use '###', in the chapter of its area"
            )
        body = page.blocks[begin + 1 : end]
        requirement = parse_requirement(page.chapter.slug, heading, body, page.lines, known)
        number += 1
        _check_id(requirement.id, page.area, number, heading.place)
        yield requirement


def _check_id(requirement_id: str, area: str, number: int, place: Place) -> None:
    expected = f"BZ-{area}-{number:03}"
    if requirement_id == expected:
        return
    if requirement_id[:-4] != f"BZ-{area}":
        raise place.error(
            f"{requirement_id} stands in the chapter of {area}: move it to the chapter of its area"
        )
    if requirement_id < expected:
        raise place.error(f"{requirement_id} stands twice, or out of order: number them upwards, each once")
    raise place.error(f"{requirement_id} stands where {expected} is next: leave no gap in the numbers")


def _check_mentions(file: str, text: str, ids: Set[str]) -> None:
    for number, line in enumerate(source_lines(text), start=1):
        for match in _MENTION.finditer(line):
            if match[0] not in ids:
                raise Place(file, number).error(
                    f"'{match[0]}' does not exist: name a requirement or fault that does"
                )
