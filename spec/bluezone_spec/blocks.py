"""Markdown to blocks: headings, paragraphs, lists and tables, each with its place.

Only the block structure is taken from the parser of Markdown; the text of a block stays Markdown, as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bluezone_spec.errors import Place

# The text inside blocks is kept as written, so its own parsing (most of the work) is left out.
_MARKDOWN = MarkdownIt("commonmark").enable("table").disable("inline")
_LINE_END = re.compile(r"\r\n?")
_CELL_END = re.compile(r"(?<!\\)\|")

BlockKind = Literal["heading", "paragraph", "bullet_list", "table", "other"]
_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "paragraph_open": "paragraph",
    "bullet_list_open": "bullet_list",
    "table_open": "table",
}


@dataclass(frozen=True, slots=True)
class ListItem:
    """An item of a bullet list.

    Attributes:
        place: Its first line.
        text: Its one paragraph on one line; ``None`` where it holds anything else.
    """

    place: Place
    text: str | None


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table.

    Attributes:
        place: Its line.
        cells: Trimmed; as many as the table's header has.
    """

    place: Place
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block at the outermost level of a chapter.

    Attributes:
        kind: What it is; ``other`` is any kind that has no meaning of its own here, such as a numbered list.
        place: Its first line.
        level: Of a heading: 1 to 6; else 0.
        text: Of a heading or a paragraph: its Markdown; else empty.
        items: Of a bullet list.
        rows: Of a table, its header first.
    """

    kind: BlockKind
    place: Place
    level: int = 0
    text: str = ""
    items: tuple[ListItem, ...] = ()
    rows: tuple[TableRow, ...] = ()


def read_blocks(file: str, text: str) -> tuple[Block, ...]:
    """Take a chapter apart.

    Args:
        file: Its name, for the places.
        text: Its Markdown.

    Returns:
        Its outermost blocks in their order.

    Raises:
        SpecificationError: A table is broken, a heading is underlined, or HTML is used.
    """
    lines = source_lines(text)
    tokens = _MARKDOWN.parse("\n".join(lines))
    return tuple(_block(file, lines, run) for run in _outermost(tokens))


def source_lines(text: str) -> list[str]:
    """Return the lines as the parser of Markdown counts them."""
    return _LINE_END.sub("\n", text).split("\n")


def one_line(text: str) -> str:
    """Return a paragraph without its line breaks."""
    return " ".join(line.strip() for line in text.split("\n"))


def _outermost(tokens: list[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each outermost block."""
    run: list[Token] = []
    depth = 0
    for token in tokens:
        run.append(token)
        depth += token.nesting
        if depth == 0:
            yield run
            run = []


def _line(token: Token) -> int:
    # Tokens that open or are a block have a map, counted from 0; the others take no part here.
    return token.map[0] + 1 if token.map else 1


def _block(file: str, lines: list[str], run: list[Token]) -> Block:
    opening = run[0]
    place = Place(file, _line(opening))
    for token in run:
        _refuse_what_hides(file, lines, token)
    kind = _KINDS.get(opening.type, "other")
    if kind == "heading":
        return Block(kind, place, level=int(opening.tag[1:]), text=run[1].content)
    if kind == "paragraph":
        return Block(kind, place, text=run[1].content)
    if kind == "bullet_list":
        return Block(kind, place, items=tuple(_items(file, run)))
    if kind == "table":
        return Block(kind, place, rows=tuple(_rows(file, lines, run)))
    return Block(kind, place)


def _refuse_what_hides(file: str, lines: list[str], token: Token) -> None:
    """Refuse what a reader and this parser might take differently."""
    place = Place(file, _line(token))
    if token.type == "html_block":
        raise place.error("HTML stands in the chapter: write Markdown only")
    if token.type == "heading_open" and not token.markup.startswith("#"):
        raise place.error(
            "a heading is made by underlining: write it with '#', and a blank line before a rule"
        )
    if token.type == "paragraph_open" and token.map:
        for number in range(*token.map):
            if lines[number].lstrip().startswith("|"):
                raise Place(file, number + 1).error(
                    "a line of a table stands outside of one: give the table a header row, a row of dashes "
                    "with as many cells, and a blank line before"
                )


def _items(file: str, run: list[Token]) -> Iterator[ListItem]:
    depth = run[0].level + 1
    for start, token in enumerate(run):
        if token.type == "list_item_open" and token.level == depth:
            inside = [part for part in run[start + 1 :] if part.map and part.level == depth + 1]
            end = token.map[1] if token.map else 0
            inside = [part for part in inside if part.map and part.map[0] < end]
            only_paragraph = len(inside) == 1 and inside[0].type == "paragraph_open"
            yield ListItem(
                Place(file, _line(token)), one_line(run[start + 2].content) if only_paragraph else None
            )


def _rows(file: str, lines: list[str], run: list[Token]) -> Iterator[TableRow]:
    # Markdown pads a short row and cuts a long one; here both are mistakes, so read the line again.
    columns = 0
    for token in run:
        if token.type == "tr_open":
            place = Place(file, _line(token))
            line = lines[place.line - 1].strip()
            if len(line) < 2 or not line.startswith("|") or not line.endswith("|") or line.endswith("\\|"):
                raise place.error("a row of a table does not begin and end with '|': add what is missing")
            cells = tuple(cell.strip().replace("\\|", "|") for cell in _CELL_END.split(line[1:-1]))
            columns = columns or len(cells)
            if len(cells) != columns:
                raise place.error(
                    f"a row of a table has {len(cells)} cells where its header has {columns}: "
                    "add or remove cells, and write a '|' within one as '\\|'"
                )
            yield TableRow(place, cells)
