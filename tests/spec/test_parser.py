"""The whole of the parser: files, headings, numbers, mentions, and that nothing but its own error escapes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_spec import SpecificationError, parse_specification
from bluezone_spec.model import Specification

Plant = Callable[[str, str, str], tuple[SpecificationError, str]]

KEY, PRV, FAULTS, V3 = "02-key-schedule.md", "09-privacy.md", "A-faults.md", "v3.toml"
HEADING = "### BZ-KEY-002 Days are UTC days"
# Made here, so that only ids that exist are written anywhere.
NO_AREA, NUMBER_0 = "BZ-KEY-002".replace("KEY", "QQQ"), "BZ-KEY-002".replace("2", "0")


def test_keeps_the_order_of_the_chapters(
    tiny: Specification, chapters: dict[str, str], profiles: dict[str, str]
) -> None:
    backwards = parse_specification(dict(reversed(chapters.items())), dict(reversed(profiles.items())))
    assert backwards == tiny
    assert list(backwards.requirements) == ["BZ-KEY-001", "BZ-KEY-002", "BZ-PRV-001"]
    assert [chapter.slug for chapter in tiny.chapters] == [
        *("overview", "key-schedule", "advertisement", "gatt", "receiver", "contact-log", "matching"),
        *("messages", "privacy", "faults", "reject-codes", "tolerances"),
    ]
    assert tiny.chapters[1].title == "Key schedule"
    assert tiny.chapters[1].text == chapters["02-key-schedule.md"]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends_say_the_same(
    tiny: Specification, chapters: dict[str, str], profiles: dict[str, str], end: str
) -> None:
    changed = {file: text.replace("\n", end) for file, text in chapters.items()}
    assert parse_specification(changed, profiles).requirements == tiny.requirements


@pytest.mark.parametrize(
    ("file", "old", "new", "at", "reason"),
    [
        pytest.param(
            KEY, HEADING, f"### {NO_AREA} Days", f"### {NO_AREA}", "unknown area 'QQQ'", id="unknown area"
        ),
        pytest.param(KEY, HEADING, "### BZ-PRV-002 Days", "### BZ-PRV", "chapter of KEY", id="wrong chapter"),
        pytest.param(
            KEY, HEADING, "### BZ-KEY-001 Days", "### BZ-KEY-001 Days", "stands twice", id="duplicate"
        ),
        pytest.param(
            KEY, HEADING, f"### {NUMBER_0} Days", f"### {NUMBER_0}", "out of order", id="out of order"
        ),
        pytest.param(KEY, HEADING, "### BZ-KEY-003 Days", "### BZ-KEY-003", "BZ-KEY-002 is next", id="gap"),
        pytest.param(
            PRV, "PRV-001", "PRV-002", "### BZ-PRV-002", "BZ-PRV-001 is next", id="gap at the start"
        ),
        pytest.param(
            KEY, HEADING, "### BZ-KEY-02 Days", "### BZ-KEY-02 Days", "such as BZ-KEY-001", id="digits"
        ),
        pytest.param(
            KEY, HEADING, "### BZ-KEY-002: Days", "### BZ-KEY-002:", "such as BZ-KEY-001", id="colon"
        ),
        pytest.param(
            KEY, HEADING, "### BZ-KEY-002", "### BZ-KEY-002", "has no title", id="no title of its own"
        ),
        pytest.param(KEY, HEADING, "### Days", "### Days", "is no requirement", id="no id"),
        pytest.param(KEY, HEADING, f"#{HEADING}", "#### BZ-KEY-002", "in the wrong place", id="four hashes"),
        pytest.param(KEY, HEADING, HEADING[1:], "## BZ-KEY-002", "in the wrong place", id="two hashes"),
        pytest.param(KEY, HEADING, HEADING[2:], "# BZ-KEY-002", "a second title", id="one hash"),
        pytest.param(
            FAULTS, "# Faults\n", f"# Faults\n\n{HEADING}\n", HEADING, "wrong place", id="in an annex"
        ),
        pytest.param(KEY, "# Key schedule\n\nHow", "How", "How", "begin with its title", id="no title"),
        pytest.param(KEY, "# Key schedule", "#", "#", "begin with its title", id="empty title"),
        pytest.param(
            KEY, "# Key schedule", "Hm.\n\n# Key schedule", "Hm.", "begin with", id="title too late"
        ),
    ],
)
def test_refuses_headings(plant: Plant, file: str, old: str, new: str, at: str, reason: str) -> None:
    error, line = plant(file, old, new)
    assert error.file == file
    assert line.startswith(at)
    assert reason in error.reason


@pytest.mark.parametrize(
    ("file", "old", "new", "mention"),
    [
        pytest.param(KEY, "After BZ-KEY-002.", "After `BZ-KEY-003`.", "BZ-KEY-003", id="requirement"),
        pytest.param(KEY, "After BZ-KEY-002.", f"After {NO_AREA}.", NO_AREA, id="area"),
        pytest.param(KEY, "After BZ-KEY-002.", "After BZ-KEY-0021.", "BZ-KEY-0021", id="a digit too many"),
        pytest.param(KEY, "After BZ-KEY-002.", "After (F-16).", "F-16", id="fault"),
        pytest.param(KEY, "After BZ-KEY-002.", "After F-14.", "F-14", id="fault without its letter"),
        pytest.param(KEY, "After BZ-KEY-002.", "After F-1.", "F-1", id="one digit"),
        pytest.param(KEY, "| 0   |", "| F-99 |", "F-99", id="in a table"),
        pytest.param(FAULTS, "another", "compare F-13", "F-13", id="in the table of faults"),
        pytest.param(V3, '"on a desktop"', '"BZ-MAT-001"', "BZ-MAT-001", id="in a profile"),
    ],
)
def test_refuses_a_mention_of_what_does_not_exist(
    plant: Plant, file: str, old: str, new: str, mention: str
) -> None:
    error, line = plant(file, old, new)
    assert error.file == file
    assert new in line
    assert error.reason.startswith(f"'{mention}' does not exist")


def test_octets_and_areas_are_no_mentions(chapters: dict[str, str], profiles: dict[str, str]) -> None:
    text = (
        chapters["04-gatt.md"] + "\nBZ-KEY to BZ-MSG, UTF-16, E20A39F4-73F5-4BC4-A12F-17D1AD07A667, 3F-01.\n"
    )
    changed = {**chapters, "04-gatt.md": text}
    assert parse_specification(changed, profiles).chapters[3].text == text


@pytest.mark.parametrize("file", ["10-more.md", "02-key-schedule.txt", "D-other.md", ""])
def test_refuses_an_unexpected_chapter(chapters: dict[str, str], profiles: dict[str, str], file: str) -> None:
    with pytest.raises(
        SpecificationError, match="unexpected file name: the chapters are 01-overview"
    ) as caught:
        parse_specification({**chapters, file: "# Title\n"}, profiles)
    assert (caught.value.file, caught.value.line) == (file, 1)


@pytest.mark.parametrize("file", ["01-overview.md", KEY, FAULTS])
def test_refuses_a_missing_chapter(chapters: dict[str, str], profiles: dict[str, str], file: str) -> None:
    with pytest.raises(SpecificationError, match="the chapter is missing") as caught:
        parse_specification({name: text for name, text in chapters.items() if name != file}, profiles)
    assert (caught.value.file, caught.value.line) == (file, 1)


@pytest.mark.parametrize("text", ["", "\n\n", "\0", "text"])
def test_refuses_a_chapter_without_anything(
    chapters: dict[str, str], profiles: dict[str, str], text: str
) -> None:
    with pytest.raises(SpecificationError, match="does not begin with its title") as caught:
        parse_specification({**chapters, KEY: text}, profiles)
    assert (caught.value.file, caught.value.line) == (KEY, 1)


def _parse_or_error(texts: dict[str, str]) -> Specification | SpecificationError:
    try:
        return parse_specification(
            {name: text for name, text in texts.items() if name.endswith(".md")},
            {name: text for name, text in texts.items() if name.endswith(".toml")},
        )
    except SpecificationError as error:
        return error


def _names_a_line(error: SpecificationError, texts: dict[str, str]) -> bool:
    lines = texts[error.file].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return 1 <= error.line <= len(lines) and error.reason != ""


MARKS = [
    "#",
    "###",
    " ",
    "\n",
    "\r",
    "|",
    "-",
    "\\",
    "**",
    "`",
    "```",
    ":",
    ",",
    ";",
    ".",
    "(",
    ")",
    "+",
    "<!-- ",
]
MARKS += ["BZ-KEY-001", "F-15", "MUST", "1. ", "> ", "[", "]", "=", '"', "\t", "{", "}", "---", "|---|"]


@given(data=st.data())
def test_any_text_is_read_or_refused(
    chapters: dict[str, str], profiles: dict[str, str], data: st.DataObject
) -> None:
    file = data.draw(st.sampled_from([*chapters, *profiles]))
    text = data.draw(st.text() | st.lists(st.sampled_from(MARKS) | st.text(max_size=3)).map("".join))
    title = data.draw(st.sampled_from(["", "# Title\n\n"]))
    texts = {**chapters, **profiles, file: title + text}
    outcome = _parse_or_error(texts)
    if isinstance(outcome, SpecificationError):
        assert _names_a_line(outcome, texts)
    else:
        assert file in chapters, "no text drawn so is a profile"


def _changed(lines: list[str], data: st.DataObject) -> list[str]:
    at, to = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    column = data.draw(st.integers(0, len(lines[at])))
    mark = data.draw(st.sampled_from(MARKS))
    without = [*lines[:at], *lines[at + 1 :]]
    return data.draw(
        st.sampled_from(
            [
                without,
                [*lines[:to], lines[at], *lines[to:]],
                [*without[:to], lines[at], *without[to:]],
                [*lines[:at], lines[at][:column], *lines[at + 1 :]],
                [*lines[:at], lines[at][:column] + mark + lines[at][column:], *lines[at + 1 :]],
            ]
        )
    )


@given(data=st.data())
def test_lines_lost_doubled_moved_cut_or_marked_are_read_or_refused(
    tiny: Specification, chapters: dict[str, str], profiles: dict[str, str], data: st.DataObject
) -> None:
    texts = {**chapters, **profiles}
    file = data.draw(st.sampled_from([name for name in texts if texts[name].count("\n") > 1]))
    lines = texts[file].split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        lines = _changed(lines, data) or [""]
    texts[file] = "\n".join(lines)
    outcome = _parse_or_error(texts)
    if isinstance(outcome, SpecificationError):
        assert _names_a_line(outcome, texts)
    else:
        assert set(outcome.requirements) <= set(tiny.requirements)


def test_losing_a_line_of_a_chapter_is_never_silent(
    tiny: Specification, chapters: dict[str, str], profiles: dict[str, str]
) -> None:
    lines = chapters[KEY].split("\n")
    refused = 0
    for number in [number for number, line in enumerate(lines) if line]:
        shorter = [*lines[:number], *lines[number + 1 :]]
        outcome = _parse_or_error({**chapters, **profiles, KEY: "\n".join(shorter)})
        # What may be lost: an item that need not be there, the end of a text, prose outside.
        if isinstance(outcome, Specification):
            assert list(outcome.requirements) == list(tiny.requirements), lines[number]
        else:
            refused += 1
    assert refused > len(lines) // 4
