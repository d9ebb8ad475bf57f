"""Markdown to blocks: what is kept as written, and what is refused because readers might differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_spec import SpecificationError
from bluezone_spec.blocks import Block, ListItem, TableRow, read_blocks
from bluezone_spec.errors import Place

FILE = "04-gatt.md"


def at(line: int) -> Place:
    return Place(FILE, line)


def test_reads_each_kind_with_its_place() -> None:
    text = """# *Title*

A paragraph,
`still` it.

- one
  line
- two

  paragraphs
-

| a | b |
|---|---|
| \\| | |

1. other
"""
    assert read_blocks(FILE, text) == (
        Block("heading", at(1), level=1, text="*Title*"),
        Block("paragraph", at(3), text="A paragraph,\n`still` it."),
        Block(
            "bullet_list",
            at(6),
            items=(ListItem(at(6), "one line"), ListItem(at(8), None), ListItem(at(11), None)),
        ),
        Block("table", at(13), rows=(TableRow(at(13), ("a", "b")), TableRow(at(15), ("|", "")))),
        Block("other", at(17)),
    )


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("# T\n\n<!-- hidden -->\n", 3, "HTML stands in the chapter"),
        ("# T\n\n- <div>\n", 3, "HTML stands in the chapter"),
        ("# T\n\nText\n---\n", 3, "a heading is made by underlining"),
        ("Title\n=====\n", 1, "a heading is made by underlining"),
        ("# T\n\nText:\n| a | b |\n", 4, "a line of a table stands outside of one"),
        ("# T\n\n- Text:\n  | a | b |\n", 4, "a line of a table stands outside of one"),
        ("# T\n\n| a | b |\n|---|\n", 3, "a line of a table stands outside of one"),
        ("| a | b |\n|---|---|\n| c |\n", 3, "has 1 cells where its header has 2"),
        ("| a | b |\n|---|---|\n| c | d | e |\n", 3, "has 3 cells where its header has 2"),
        ("| a | b |\n|---|---|\nc | d\n", 3, "does not begin and end with '|'"),
        ("| a |\n|---|\n|\n", 3, "does not begin and end with '|'"),
        ("a | b\n---|---\n", 1, "does not begin and end with '|'"),
    ],
)
def test_refuses_what_readers_might_take_differently(text: str, line: int, reason: str) -> None:
    with pytest.raises(SpecificationError) as caught:
        read_blocks(FILE, text)
    assert (caught.value.file, caught.value.line) == (FILE, line)
    assert reason in caught.value.reason


@given(
    st.text() | st.lists(st.sampled_from(["-", "|", "\n", " ", "#", ">", "1.", "\t", "<", "a"])).map("".join)
)
def test_any_text_has_blocks_in_order_or_is_refused(text: str) -> None:
    try:
        lines = [block.place.line for block in read_blocks(FILE, text)]
    except SpecificationError as error:
        lines = [error.line]
    assert lines == sorted(set(lines))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)
