"""Faults, reject codes, tolerances, the glossary and the plain words: read, and refused row by row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_spec import SpecificationError
from bluezone_spec.model import (
    Evidence,
    EvidenceLevel,
    Fault,
    FaultKind,
    Reject,
    Specification,
    Term,
    Tolerance,
)

Plant = Callable[[str, str, str], tuple[SpecificationError, str]]

OVERVIEW, FAULTS, CODES, TOLERANCES = "01-overview.md", "A-faults.md", "B-reject-codes.md", "C-tolerances.md"
F15 = "| F-15 | semantics | protocol | another | captured: once |"
BASE = "| BAD_BASE_ID | BZ-KEY-001 | it is short |"
WINDOW = "| window | 15000 | ms | the alarm |"
SLOT = "| slot | a part of a day | |"


def test_reads_the_tables(tiny: Specification) -> None:
    assert list(tiny.faults) == ["F-14b", "F-15"]
    assert tiny.faults["F-14b"] == Fault(
        id="F-14b",
        kinds=(FaultKind.DEFECT, FaultKind.PLATFORM),
        text="no base id",
        evidence=(
            Evidence(EvidenceLevel.SOURCE, "I: `Generator.swift`"),
            Evidence(EvidenceLevel.INFERRED, "so"),
        ),
        builds=("iOS 3.0.3", "Android 1.x"),
    )
    assert tiny.rejects == {
        "BAD_MAX": Reject("BAD_MAX", "BZ-KEY-002", "it does not divide the day"),
        "BAD_BASE_ID": Reject("BAD_BASE_ID", "BZ-KEY-001", "it is short"),
    }
    assert tiny.tolerances == {
        "window": Tolerance("window", 15000, "ms", "the alarm"),
        "retention": Tolerance("retention", 14, "days", "the paper"),
    }
    assert tiny.terms == {
        "base id": Term("base id", "32 octets", ("seed", "master | key")),
        "slot": Term("slot", "a part of a day", ()),
    }
    assert tiny.plain_words == {"time", "text", "decode"}


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        pytest.param("semantics | protocol", " | protocol", "| F-15", "'kind' is empty", id="no kind"),
        pytest.param(
            "semantics | protocol", "quirk | protocol", "| F-15", "fault 'quirk'", id="unknown kind"
        ),
        pytest.param(
            "| semantics |", "| defect, defect |", "| F-15", "'defect' stands twice", id="kind twice"
        ),
        pytest.param("| captured: once |", "| |", "| F-15", "'evidence' is empty", id="no evidence"),
        pytest.param("captured: once", "once", "| F-15", "has no level", id="evidence without a level"),
        pytest.param("captured: once", "source: once", "| F-15", "whose source", id="source of nobody"),
        pytest.param("| protocol |", "| Windows |", "| F-15", "unknown build 'Windows'", id="unknown build"),
        pytest.param("another", "", "| F-15", "'what' is empty", id="no text"),
        pytest.param(F15, f"{F15}\n{F15} ", f"{F15} ", "'F-15' stands twice", id="duplicate"),
        pytest.param("| F-15 |", "| F15 |", "| F15", "not of the form of F-01", id="id"),
        pytest.param("| another |", "|", "| F-15", "has 4 cells where its header has 5", id="a cell too few"),
        pytest.param("| another |", "| an | other |", "| F-15", "has 6 cells", id="a cell too many"),
        pytest.param("once |", "once", "| F-15", "does not begin and end with '|'", id="not closed"),
        pytest.param("| F-15 ", "F-15 ", "F-15", "does not begin and end with '|'", id="not opened"),
        pytest.param(
            "once |", "once \\|", "| F-15", "does not begin and end with '|'", id="closed by an escape"
        ),
        pytest.param(F15, f"\n{F15}", "| F-15", "stands outside of one", id="torn off"),
        pytest.param("|---|---|---|---|---|\n", "", "| id | kind", "stands outside of one", id="no dashes"),
        pytest.param(
            "| id | kind |", "| id | sort |", "# Faults", "0 tables '| id | kind", id="other header"
        ),
        pytest.param(
            "once |\n",
            "once |\n\n| id | kind | builds | what | evidence |\n|-|-|-|-|-|\n",
            "# Faults",
            "there are 2 tables",
            id="two tables",
        ),
    ],
)
def test_refuses_a_fault(plant: Plant, old: str, new: str, at: str, reason: str) -> None:
    error, line = plant(FAULTS, old, new)
    assert error.file == FAULTS
    assert line.startswith(at)
    assert reason in error.reason


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        pytest.param("BZ-KEY-001", "BZ-KEY-003", "| BAD_BASE", "requirement 'BZ-KEY-003'", id="no such one"),
        pytest.param("BZ-KEY-001", "BZ-KEY-001, BZ-KEY-002", "| BAD_BASE", "unknown requirement", id="two"),
        pytest.param("BZ-KEY-001", "", "| BAD_BASE", "'requirement' is empty", id="none"),
        pytest.param(BASE, f"{BASE}\n{BASE} ", f"{BASE} ", "'BAD_BASE_ID' stands twice", id="duplicate"),
        pytest.param(
            "BAD_BASE_ID", "BadBaseId", "| BadBaseId", "of the form of BAD_MAX", id="not in capitals"
        ),
        pytest.param("it is short", "", "| BAD_BASE", "'meaning' is empty", id="no meaning"),
    ],
)
def test_refuses_a_reject_code(plant: Plant, old: str, new: str, at: str, reason: str) -> None:
    error, line = plant(CODES, old, new)
    assert error.file == CODES
    assert line.startswith(at)
    assert reason in error.reason


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        pytest.param("15000", "15 000", "| window", "'15 000' is not an integer", id="grouped"),
        pytest.param("15000", "15.0", "| window", "'15.0' is not an integer", id="not whole"),
        pytest.param("15000", "-1", "| window", "'-1' is not an integer", id="below zero"),
        pytest.param("15000", "0x10", "| window", "'0x10' is not an integer", id="hexadecimal"),
        pytest.param("15000", "\u0661", "| window", "is not an integer", id="digits of another script"),
        pytest.param("15000", "9" * 5000, "| window", "is not an integer", id="thousands of digits"),
        pytest.param("| ms |", "| minutes |", "| window", "unknown unit 'minutes'", id="unknown unit"),
        pytest.param(WINDOW, f"{WINDOW}\n{WINDOW} ", f"{WINDOW} ", "'window' stands twice", id="duplicate"),
        pytest.param("| window |", "| Window |", "| Window", "of the form of window_pause", id="name"),
        pytest.param("the alarm", "", "| window", "'reason' is empty", id="no reason"),
        pytest.param(
            "| window | 15000 | ms | the alarm |\n| retention | 14 | days | the paper |\n",
            "",
            "| name | value",
            "has no rows",
            id="no rows",
        ),
    ],
)
def test_refuses_a_tolerance(plant: Plant, old: str, new: str, at: str, reason: str) -> None:
    error, line = plant(TOLERANCES, old, new)
    assert error.file == TOLERANCES
    assert line.startswith(at)
    assert reason in error.reason


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        pytest.param(SLOT, f"{SLOT}\n{SLOT} ", f"{SLOT} ", "'slot' stands twice", id="duplicate term"),
        pytest.param("a part of a day", "", "| slot", "'meaning' is empty", id="no meaning"),
        pytest.param(
            "seed, master", "seed,master", "| base id", "a word is missing", id="words ill separated"
        ),
        pytest.param("## Glossary", "## Words", "# Overview", "0 sections '## Glossary'", id="no glossary"),
        pytest.param(
            "## Plain words", "## Glossary", "# Overview", "2 sections '## Glo", id="two glossaries"
        ),
        pytest.param(
            "| term | meaning", "| word | meaning", "## Glossary", "0 tables '| term", id="no table"
        ),
        pytest.param(
            "## Plain words", "### Plain words", "# Overview", "0 sections '## Plain", id="no words"
        ),
        pytest.param("time, text,\ndecode\n", "", "## Plain words", "is not one paragraph", id="empty"),
        pytest.param("time, text,\ndecode", "- time", "## Plain words", "not one paragraph", id="a list"),
        pytest.param("time, text", "These:\n\ntime, text", "## Plain words", "not one paragraph", id="two"),
        pytest.param("time, text", "time, Text", "time, Text", "'Text' is no plain word", id="a capital"),
        pytest.param("decode\n", "decode.\n", "time, text", "'decode.' is no plain word", id="full stop"),
        pytest.param("time, text", "time, time", "time, time", "'time' stands twice", id="word twice"),
    ],
)
def test_refuses_words(plant: Plant, old: str, new: str, at: str, reason: str) -> None:
    error, line = plant(OVERVIEW, old, new)
    assert error.file == OVERVIEW
    assert line.startswith(at)
    assert reason in error.reason
