"""Profiles from TOML: read, and refused value by value."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_spec import SpecificationError, parse_specification
from bluezone_spec.model import Evidence, EvidenceLevel, Specification, Value
from bluezone_spec.toml_profiles import parse_profile

Plant = Callable[[str, str, str], tuple[SpecificationError, str]]

V3 = "v3.toml"
MAX = 'default_max = { value = 96, evidence = "captured", source = "uploads of 2020-08-08" }'
COMPANY = 'company = { value = 0x22B5, evidence = "source", source = "A: `AppConstants`" }'


def test_reads_profiles(tiny: Specification) -> None:
    v3, v1 = tiny.profiles["v3"], tiny.profiles["v1"]
    assert (v3.name, v3.title, v3.generation, v3.platform) == ("v3", "The protocol", 3, "any")
    assert list(v3.groups) == [
        *("key_schedule", "advertisement", "receiver", "contact_log", "matching", "schedule", "privacy"),
    ]
    assert v3.groups["key_schedule"]["max_rule"] == Value("divisor", Evidence(EvidenceLevel.INFERRED, "F-15"))
    assert v3.groups["advertisement"]["company"] == Value(
        0x22B5, Evidence(EvidenceLevel.SOURCE, "A: `AppConstants`")
    )
    assert v3.groups["contact_log"]["days"].value == [1, 2]
    assert v1.generation == 1
    assert "key_schedule" not in v1.groups


@pytest.mark.parametrize(
    ("old", "new", "at", "reason"),
    [
        pytest.param('name = "v3"', 'name = "v4"', "name", "'v4' is not that of the file", id="other name"),
        pytest.param('name = "v3"', "name = 3", "name", "3 is not that of the file", id="name of no text"),
        pytest.param('name = "v3"\n', "", "title", "the key 'name' is missing", id="no name"),
        pytest.param('"The protocol"', '""', "title", "the title is no text", id="empty title"),
        pytest.param('"The protocol"', "7", "title", "the title is no text", id="title of no text"),
        pytest.param("generation = 3", "generation = 4", "generation", "is not 1, 2 or 3", id="generation"),
        pytest.param(
            "generation = 3", "generation = true", "generation", "not 1, 2 or 3", id="generation bool"
        ),
        pytest.param('"any"', '"symbian"', "platform", "unknown platform", id="platform"),
        pytest.param('"any"', '["any"]', "platform", "unknown platform", id="platform of no text"),
        pytest.param(
            "generation = 3", "generation = 3\nera = 3", "era", "unknown key 'era'", id="unknown key"
        ),
        pytest.param(
            "[schedule]", "[timetable]", "[timetable]", "unknown key 'timetable'", id="unknown group"
        ),
        pytest.param(
            f"[advertisement]\n{COMPANY}\n", "", "name", "'advertisement' is missing", id="no group"
        ),
        pytest.param(COMPANY, "", "[advertisement]", "no table with values", id="empty group"),
        pytest.param(
            'platform = "any"', 'platform = "any"\nprivacy = 1', "[privacy]", "no TOML", id="group twice"
        ),
        pytest.param(MAX, "default_max = 96", "default_max", "no value with its evidence", id="bare value"),
        pytest.param(
            ', evidence = "captured", source = "uploads of',
            ', source = "uploads of',
            "default_max",
            "no value with its evidence",
            id="no evidence",
        ),
        pytest.param(
            ', source = "uploads of 2020-08-08"', "", "default_max", "no value with", id="no source"
        ),
        pytest.param('"uploads of 2020-08-08"', '" "', "default_max", "has no source", id="empty source"),
        pytest.param('"uploads of 2020-08-08"', "1", "default_max", "has no source", id="source of no text"),
        pytest.param(
            "value = 96,", "value = 96, unit = 1,", "default_max", "no value with", id="more than that"
        ),
        pytest.param(
            '96, evidence = "captured"', '96, evidence = "seen"', "default_max", "'seen'", id="level"
        ),
        pytest.param('96, evidence = "captured"', "96, evidence = 1", "default_max", "no text", id="level 1"),
        pytest.param('"A: `AppConstants`"', '"`AppConstants`"', "company", "does not say whose", id="whose"),
        pytest.param('"A: `AppConstants`"', '"C: `AppConstants`"', "company", "does not say whose", id="C"),
        pytest.param("value = 96,", "value = 96.0,", "default_max", "is not a text, an integer", id="float"),
        pytest.param("value = 96,", "value = 2020-08-08,", "default_max", "is not a text", id="date"),
        pytest.param("value = 96,", "value = { a = 1 },", "default_max", "is not a text", id="table"),
        pytest.param("value = [1, 2]", "value = [1, [2]]", "days", "is not a text", id="nested list"),
        pytest.param("value = 96,", "value = ,", "default_max", "no TOML", id="no TOML"),
        pytest.param("[matching]", "[receiver]", "[receiver]", "no TOML", id="table twice"),
    ],
)
def test_refuses(plant: Plant, old: str, new: str, at: str, reason: str) -> None:
    error, line = plant(V3, old, new)
    assert error.file == V3
    assert line.startswith(at)
    assert reason in error.reason


def test_refuses_a_group_that_is_no_table(profiles: dict[str, str]) -> None:
    text = (
        profiles[V3].replace("[privacy]", "[other]").replace("generation = 3", "generation = 3\nprivacy = 1")
    )
    text = text[: text.index("[other]")]
    with pytest.raises(SpecificationError, match="'privacy' is no table with values") as caught:
        parse_profile(V3, text)
    assert text.split("\n")[caught.value.line - 1] == "privacy = 1"


@pytest.mark.parametrize("file", ["V3.toml", "v3.tml", "v3", "v 3.toml", ".toml", "v3.toml.bak", ""])
def test_refuses_a_file_of_another_name(
    chapters: dict[str, str], profiles: dict[str, str], file: str
) -> None:
    with pytest.raises(SpecificationError, match="unexpected file name") as caught:
        parse_specification(chapters, {**profiles, file: profiles[V3]})
    assert (caught.value.file, caught.value.line) == (file, 1)


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "a = " + "[" * 5000, "\0", "a = 1979-99-99"])
def test_refuses_what_is_hard_on_a_reader_of_toml(text: str) -> None:
    with pytest.raises(SpecificationError, match="no TOML") as caught:
        parse_profile(V3, text)
    assert (caught.value.file, caught.value.line) == (V3, 1)


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(SpecificationError) as caught:
        parse_profile(V3, text)
    assert caught.value.file == V3
