"""A requirement, read part by part, and refused with a reason where a part is not as it must be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_spec import SpecificationError, parse_specification
from bluezone_spec.model import Axis, Breach, Evidence, EvidenceLevel, Level, Requirement, Specification

Plant = Callable[[str, str, str], tuple[SpecificationError, str]]

KEY, PRV = "02-key-schedule.md", "09-privacy.md"
HEADING = "### BZ-KEY-002 Days are UTC days"
NORMATIVE = "**SHOULD** (phone, Android). A day begins at midnight UTC."
RATIONALE = "- **Rationale:** phones travel."
EVIDENCE = "- **Evidence:** executed: on a desktop"
PROFILES = "- **Profiles:** v3"
VERIFIED = "- **Verified by:** none. Nobody sees it."
BROKEN = "- **Broken by:** Android 1.x: it has none."


def test_reads_every_part_of_a_requirement(tiny: Specification) -> None:
    assert tiny.requirements["BZ-KEY-001"] == Requirement(
        id="BZ-KEY-001",
        title="The base id is random",
        level=Level.MUST,
        axis=Axis.CONFORMANCE,
        chapter="key-schedule",
        role="phone",
        text="The base id is 32 octets\nfrom a random source.\n\n1. Never empty.\n2. Never short.\n\n"
        "```\n### BZ-KEY-002 is no heading in here\n```",
        rationale="whoever guesses it follows the phone.",
        evidence=(
            Evidence(EvidenceLevel.SOURCE, "A: `BluezoneIdGenerator`"),
            Evidence(EvidenceLevel.CAPTURED, "two phones"),
        ),
        profiles=("v3", "v1"),
        verified_by=(frozenset("V"), frozenset("CK")),
        verification="A vector shows a weak one.",
        unverifiable="randomness, from outside.",
        unverified="its dreams, since nobody reads them.",
        faults=("F-14b",),
        breaches=(
            Breach("iOS 3.0.3", "F-14b", "it goes on with none: day after day."),
            Breach("Android 1.x", "", "it has none."),
        ),
    )


def test_reads_a_requirement_without_what_need_not_be_said(tiny: Specification) -> None:
    requirement = tiny.requirements["BZ-KEY-002"]
    assert (requirement.level, requirement.role) == (Level.SHOULD, "phone, Android")
    assert (requirement.verified_by, requirement.verification) == ((), "Nobody sees it.")
    assert (requirement.unverifiable, requirement.unverified) == ("", "")
    assert (requirement.faults, requirement.breaches) == ((), ())


def test_the_axis_of_prv_is_privacy_and_a_letter_may_stand_twice(tiny: Specification) -> None:
    assert tiny.requirements["BZ-PRV-001"].axis is Axis.PRIVACY
    assert tiny.requirements["BZ-PRV-001"].chapter == "privacy"
    assert tiny.requirements["BZ-PRV-001"].verified_by == (frozenset("TC"), frozenset("T"))


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        pytest.param(f"{NORMATIVE}\n\n", "", HEADING, "has no level paragraph", id="only a list"),
        pytest.param(
            NORMATIVE, f"1. {NORMATIVE}", HEADING, "has no level paragraph", id="a list for a paragraph"
        ),
        pytest.param(
            HEADING, f"{HEADING}\n\n## Next", HEADING, "has no level paragraph", id="only a heading"
        ),
        pytest.param("**SHOULD** (phone, Android). ", "", "A day", "not begin with a level", id="no level"),
        pytest.param("**SHOULD**", "SHOULD", "SHOULD (ph", "not begin with a level", id="level not bold"),
        pytest.param("**SHOULD**", "**OUGHT**", "**OUGHT**", "unknown level 'OUGHT'", id="unknown level"),
        pytest.param("**SHOULD**", "**should**", "**should**", "unknown level 'should'", id="small letters"),
        pytest.param(" (phone, Android).", "", "**SHOULD** A day", "the role is missing", id="no role"),
        pytest.param("(phone, Android)", "()", "**SHOULD** ()", "the role is missing", id="empty role"),
        pytest.param(" A day begins at midnight UTC.", "", "**SHOULD**", "text is missing", id="no prose"),
    ],
)
def test_refuses_a_level_paragraph(plant: Plant, old: str, new: str, at: str, reason: str) -> None:
    error, line = plant(KEY, old, new)
    assert error.file == KEY
    assert line.startswith(at)
    assert reason in error.reason


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        pytest.param(
            f"{RATIONALE}\n{EVIDENCE}\n{PROFILES}\n{VERIFIED}\n", "", HEADING, "does not end in", id="no list"
        ),
        pytest.param(
            "1. Never empty", "#### No\n\n1. Never empty", "### BZ-KEY-001", "not end in", id="section"
        ),
        pytest.param(BROKEN, f"{BROKEN}\n\nAnd more.", "And more.", "something follows", id="text after it"),
        pytest.param(RATIONALE, f"- a\n{RATIONALE}", "- a", "not one paragraph '**Name", id="grown together"),
        pytest.param(f"{RATIONALE}\n", "", EVIDENCE, "'Rationale' is missing", id="no rationale"),
        pytest.param(f"{EVIDENCE}\n", "", RATIONALE, "'Evidence' is missing", id="no evidence"),
        pytest.param(
            f"{PROFILES}\n{VERIFIED}", VERIFIED, RATIONALE, "'Profiles' is missing", id="no profiles"
        ),
        pytest.param(f"{VERIFIED}\n", "", RATIONALE, "'Verified by' is missing", id="no verification"),
        pytest.param("**Faults:**", "**Fault:**", "- **Fault:**", "unknown item 'Fault'", id="unknown"),
        pytest.param(EVIDENCE, f"{EVIDENCE}\n{EVIDENCE}s", f"{EVIDENCE}s", "is repeated", id="repeated"),
        pytest.param(
            f"{EVIDENCE}\n{PROFILES}",
            f"{PROFILES}\n{EVIDENCE}",
            EVIDENCE,
            "before 'Profiles'",
            id="misordered",
        ),
        pytest.param("- **Faults:** F", "- F", "- F-14b", "not one paragraph '**Name", id="without a name"),
        pytest.param("travel.", "travel.\n\n  Far.", RATIONALE, "not one paragraph", id="two paragraphs"),
        pytest.param("travel.", "travel.\n  - Far.", RATIONALE, "not one paragraph", id="a list within"),
        pytest.param(BROKEN, f"-\n{BROKEN}", "-", "not one paragraph", id="nothing but a bullet"),
        pytest.param(" phones travel.", "", "- **Rationale:**", "'Rationale' is empty", id="empty rationale"),
    ],
)
def test_refuses_a_list(plant: Plant, old: str, new: str, at: str, reason: str) -> None:
    error, line = plant(KEY, old, new)
    assert error.file == KEY
    assert line.startswith(at)
    assert reason in error.reason


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        pytest.param("executed: on", "on", "- **Evidence:** on", "has no level or no text", id="no level"),
        pytest.param(
            "executed: on a desktop", "executed", "- **Evidence:** executed", "no text", id="no text"
        ),
        pytest.param("executed: on", "Executed: on", "- **Evidence:** Ex", "has no level", id="a capital"),
        pytest.param(
            "executed: on", "guessed: on", "- **Evidence:** g", "evidence 'guessed'", id="unknown level"
        ),
        pytest.param(
            "executed: on", "source: on", "- **Evidence:** s", "whose source", id="source of nobody"
        ),
        pytest.param(
            "executed: on", "source C: on", "- **Evidence:** s", "whose source", id="unknown source"
        ),
        pytest.param("executed: on", "source AI: on", "- **Evidence:** s", "whose source", id="two sources"),
        pytest.param(
            "executed: on", "executed A: on", "- **Evidence:** e", "only source", id="letter elsewhere"
        ),
        pytest.param("a desktop", "a desktop; ", "- **Evidence:** e", "no text", id="ends in a semicolon"),
        pytest.param(
            "a desktop", "a desktop; b", "- **Evidence:** e", "'b' has no level", id="half a ground"
        ),
        pytest.param("v3, v1", "", "- **Profiles:**", "'Profiles' is empty", id="no profile"),
        pytest.param(
            "v3, v1", "v3, v4", "- **Profiles:** v3, v4", "unknown profile 'v4'", id="unknown profile"
        ),
        pytest.param("v3, v1", "v3, v3", "- **Profiles:** v3, v3", "'v3' stands twice", id="profile twice"),
        pytest.param("v3, v1", "v3,v1", "- **Profiles:** v3,v1", "a profile is missing", id="no blank"),
        pytest.param("v3, v1", "v3,  v1", "- **Profiles:** v3,  v1", "a profile is missing", id="two blanks"),
        pytest.param(
            "v3, v1", "v3, , v1", "- **Profiles:** v3, ,", "a profile is missing", id="nothing between"
        ),
        pytest.param("V, C+K.", "V, C+X.", "- **Verified by:** V, C+X", "'C+X' is no", id="unknown letter"),
        pytest.param(
            "V, C+K.", "V, CK.", "- **Verified by:** V, CK", "'CK' is no", id="letters without plus"
        ),
        pytest.param("V, C+K.", "V, C+.", "- **Verified by:** V, C+", "'C+' is no", id="nothing after plus"),
        pytest.param("V, C+K.", "K+C, C+K.", "- **Verified by:** K+C", "'C+K' is no", id="alternative twice"),
        pytest.param("V, C+K. A", ". A", "- **Verified by:** .", "letter is missing", id="no letters"),
        pytest.param("V, C+K. A", "A", "- **Verified by:** A", "does not say how", id="nothing but prose"),
        pytest.param(". A vector shows a weak one.", "", "- **Verified by:** V", "not say how", id="no stop"),
        pytest.param(" A vector shows a weak one.", "", "- **Verified by:** V", "not say how", id="no prose"),
        pytest.param(
            "**Faults:** F-14b", "**Faults:** F-16", "- **Faults:**", "unknown fault 'F-16'", id="fault"
        ),
        pytest.param(
            "1.x: it", "1.x (F-16): it", "- **Broken by:** And", "unknown fault 'F-16'", id="by a fault"
        ),
        pytest.param(
            "1.x: it", "4: it", "- **Broken by:** Android 4", "unknown build 'Android 4'", id="build"
        ),
        pytest.param("1.x: it has none.", "1.x:", "- **Broken by:** Android", "does not read", id="no deed"),
        pytest.param("1.x: it has none.", "1.x.", "- **Broken by:** Android", "does not read", id="no colon"),
        pytest.param(BROKEN, f"{BROKEN}\n{BROKEN}!", f"{BROKEN}!", "breaks it twice", id="a build twice"),
    ],
)
def test_refuses_what_an_item_says(plant: Plant, old: str, new: str, at: str, reason: str) -> None:
    error, line = plant(KEY, old, new)
    assert error.file == KEY
    assert line.startswith(at)
    assert reason in error.reason


def test_refuses_a_fault_that_the_table_lacks(plant: Plant) -> None:
    error, line = plant("A-faults.md", "| F-14b |", "| F-14 |")
    assert (error.file, line) == (KEY, "- **Faults:** F-14b")
    assert "unknown fault 'F-14b'" in error.reason


def test_refuses_a_must_that_nothing_verifies(plant: Plant) -> None:
    error, line = plant(KEY, "**SHOULD**", "**MUST**")
    assert (error.file, line) == (KEY, VERIFIED)
    assert "BZ-KEY-002 is a MUST that nothing verifies" in error.reason


def test_takes_a_must_that_says_why_nothing_verifies_it(
    chapters: dict[str, str], profiles: dict[str, str]
) -> None:
    text = chapters[KEY].replace("**SHOULD**", "**MUST**")
    text = text.replace(VERIFIED, f"{VERIFIED}\n- **Not verifiable:** Any of it.")
    requirement = parse_specification({**chapters, KEY: text}, profiles).requirements["BZ-KEY-002"]
    assert (requirement.level, requirement.verified_by) == (Level.MUST, ())
    assert requirement.unverifiable == "Any of it."


def test_refuses_a_profile_that_no_file_has(plant: Plant) -> None:
    error, line = plant(PRV, "- **Profiles:** v1", "- **Profiles:** v2")
    assert (error.file, line) == (PRV, "- **Profiles:** v2")
    assert "unknown profile 'v2'" in error.reason
