"""The guide on scenarios says what the code says: keys, crafted adverts, faulty apps, times, tolerances, commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import bluezone_spec
from bluezone_harness.checks import CHECKS, privacy
from bluezone_harness.checks.scan_times import ScanSchedule, SentSpan, enough_adverts, stretches
from bluezone_harness.cli import bzc
from bluezone_harness.virtual.apps.faults import APP_FAULTS
from bluezone_harness.virtual.scenarios.crafted import CRAFTED
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_vectors.pack import load

HEADS = ("key", "type", "such as", "left out", "meaning")
TOP = "Above all sections"
SCHEMA: dict[str, Any] = json.loads(
    files("bluezone_harness").joinpath("schemas", "scenario.schema.json").read_text("utf-8")
)
PLURAL = {"[[expect]]": "expectation"}
NEEDED, LITERAL = "needed", re.compile(r"`([^`]+)`")
SPECIFICATION = bluezone_spec.load()

Row = Sequence[str]
Entries = dict[str, dict[str, str]]  # by section: a literal of TOML by key

IPHONE_ALONE = ("reads", "services")
OCTETS = ("kind", "ad", "vector")


@pytest.fixture(scope="module")
def guide(repository: Path) -> str:
    return (repository / "harness" / "SCENARIOS.md").read_text("utf-8")


def tables(guide: str) -> dict[str, Sequence[Row]]:
    """Return the rows of each table below its own head, by the heading that it stands under and its first cell."""
    found: dict[str, Sequence[Row]] = {}
    heading = ""
    for block in re.findall(r"(?:^#+ .*\n)|(?:^\|.*\n)+", guide, re.MULTILINE):
        if block.startswith("#"):
            heading = block.lstrip("#").strip().replace("`", "")
            continue
        rows = [
            [cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in block.splitlines()
        ]
        assert len({len(row) for row in [rows[0], *rows[2:]]}) == 1, heading
        found[f"{heading}: {rows[0][0]}"] = rows[2:]
    return found


def keys_of(guide: str) -> dict[str, dict[str, Row]]:
    """Return the rows of the tables of keys, by section and key."""
    return {
        name.removesuffix(": key"): {row[0].strip("`"): row for row in rows}
        for name, rows in tables(guide).items()
        if name.endswith(": key")
    }


def properties(section: str) -> tuple[Mapping[str, Any], frozenset[str]]:
    """Return what the schema says of a section: its properties, and which of them are needed."""
    if section == TOP:
        found = SCHEMA["properties"]
        own = {key: each for key, each in found.items() if each.get("type") not in ("array", "object")}
        return own, frozenset(SCHEMA["required"])
    if section == "[receiver]":
        receiver = SCHEMA["properties"]["receiver"]
        return receiver["properties"], frozenset(receiver["required"])
    definition = SCHEMA["$defs"][PLURAL.get(section, section.strip("[]"))]
    return definition["properties"], frozenset(definition["required"])


def resolved(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a property of the schema, with what it refers to."""
    reference = str(found.get("$ref", "")).rpartition("/")[2]
    return {**SCHEMA["$defs"].get(reference, {}), **found, "named": reference}


def type_of(found: Mapping[str, Any]) -> str:
    """Return how the guide names the type of a property."""
    if found["named"] in ("duration", "instant", "day"):
        return str(found["named"])
    if "enum" in found:
        return "one of"
    pattern = str(found.get("pattern", ""))
    if "(ms|s|min|h|d)" in pattern:
        return "duration"
    if pattern.startswith("^ *(([0-9A-Fa-f]"):
        return "hex"
    if found.get("const") == 1:
        return "number"
    return {"string": "text", "integer": "number", "boolean": "yes or no", "array": "list"}[found["type"]]


def least_entries() -> Entries:
    """Return a scenario that holds one entry of each section, and no more than it needs."""
    return {
        TOP: {"schema": "1", "duration": '"45 min"'},
        "[receiver]": {},
        "[[phone]]": {"name": '"An"'},
        "[[meeting]]": {"phones": '["An"]'},
        "[[advert]]": {"name": '"one"', "kind": '"empty"'},
        "[[relay]]": {"phone": '"An"', "delay": '"1 min"'},
        "[[case]]": {"phone": '"An"', "confirmed": '"2020-08-10"'},
        "[[event]]": {"at": '"1 min"', "name": '"push"'},
        "[[expect]]": {"requirement": '"BZ-RCV-002"', "verdict": '"fail"'},
    }


def entries_for(section: str, key: str) -> Entries:
    """Return the least entries among which a key can stand."""
    entries = least_entries()
    if key in IPHONE_ALONE:
        entries[section]["platform"] = '"ios"'
        del entries["[[relay]]"]  # of iPhones there is nothing to send again
    if (section, key) == ("[[phone]]", "platform"):
        del entries["[[relay]]"]
    if section == "[[advert]]" and key == "response":
        entries[section] = {"name": '"one"', "ad": '"02 01 02"'}
    if section == "[[advert]]" and key in OCTETS:
        del entries[section]["kind"]
    return entries


def read(entries: Entries) -> Scenario:
    """Return the scenario of some entries, without its text."""
    lines: list[str] = []
    for section, entry in entries.items():
        lines += [] if section == TOP else [section]
        lines += [f"{key} = {literal}" for key, literal in entry.items()]
    return replace(read_scenario("a.toml", "\n".join(lines).encode()), text="", sha256="")


# --- the scenario file ---


def test_every_section_has_its_table(guide: str) -> None:
    sections = {TOP, *least_entries()}
    assert set(keys_of(guide)) == sections
    known = {each.strip("[]") for each in sections - {TOP}}
    assert known == {
        key for key, each in SCHEMA["properties"].items() if each.get("type") in ("array", "object")
    }


@pytest.mark.parametrize("section", least_entries())
def test_every_key_is_told(guide: str, section: str) -> None:
    rows = keys_of(guide)[section]
    found, needed = properties(section)
    assert set(rows) == set(found)
    assert {key for key, row in rows.items() if row[3] == NEEDED} == needed
    for key, row in rows.items():
        assert row[1] == type_of(resolved(found[key])), key


@pytest.mark.parametrize("section", least_entries())
def test_every_choice_is_named(guide: str, section: str) -> None:
    rows = keys_of(guide)[section]
    for key, each in properties(section)[0].items():
        choices = set(resolved(each).get("enum", ()))
        if choices and key != "kind":  # those have a table of their own
            assert choices <= set(LITERAL.findall(rows[key][4])), key


@pytest.mark.parametrize("section", least_entries())
def test_what_stands_there_is_taken_and_changes_the_scenario(guide: str, section: str) -> None:
    for key, row in keys_of(guide)[section].items():
        literal = LITERAL.fullmatch(row[2])
        assert literal, key
        entries = entries_for(section, key)
        without = None if row[3] == NEEDED or key in OCTETS else read(entries)
        entries[section][key] = literal[1]
        assert read(entries) != without, key


@pytest.mark.parametrize("section", least_entries())
def test_what_is_left_out_is_as_it_is_told(guide: str, section: str) -> None:
    told = 0
    for key, row in keys_of(guide)[section].items():
        literal = LITERAL.fullmatch(row[3])
        if literal:
            entries = entries_for(section, key)
            without = read(entries)
            entries[section][key] = literal[1]
            assert read(entries) == without, key
            told += 1
    assert told or section in ("[[case]]", "[[event]]", "[[expect]]")


def test_the_schedules_are_the_published_ones(guide: str) -> None:
    meaning = keys_of(guide)["[receiver]"]["app"][4]
    for state in ("open", "closed"):
        receiver = read_scenario(
            "a.toml", f'schema = 1\nduration = "1 h"\n[receiver]\napp = "{state}"'.encode()
        ).receiver
        assert f"{receiver.scan_on_ms // 1000} s on and {receiver.scan_off_ms // 1000} s off" in meaning


def test_the_scenarios_of_the_guide_are_read(guide: str) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        assert read_scenario("a.toml", block.encode()).phones


def test_the_vector_of_the_guide_is_there(guide: str) -> None:
    wanted = keys_of(guide)["[[advert]]"]["vector"][2].strip('`"')
    assert wanted in {each.id for each in load().vectors if each.operation == "decode_advertisement"}


# --- crafted adverts and faulty apps ---


def test_every_crafted_advert_is_told(guide: str) -> None:
    rows = tables(guide)["Crafted adverts: kind"]
    assert {tuple(cell.strip("`") for cell in row[:4]) for row in rows} == {
        (
            each.name,
            "logged" if each.is_logged else "read" if each.is_read else "left alone",
            each.requirement,
            each.fault or "-",
        )
        for each in CRAFTED.values()
    }
    assert len(rows) == len(CRAFTED)
    assert all(row[4] for row in rows)


def test_every_faulty_app_is_told(guide: str) -> None:
    rows = tables(guide)["Faulty apps: name"]
    assert {tuple(cell.strip("`") for cell in row[:4]) for row in rows} == {
        (
            each.name,
            each.requirement,
            each.fault or "-",
            "a day" if each.takes_a_day else "ids" if each.requirement == "BZ-LOG-005" else "-",
        )
        for each in APP_FAULTS.values()
    }
    assert len(rows) == len(APP_FAULTS)
    assert all(row[4] for row in rows)


# --- what had to be heard ---


def test_tolerances_are_those_of_the_specification(guide: str) -> None:
    rows = tables(guide)["What had to be heard: tolerance"]
    found = {row[0].strip("`"): row[1] for row in rows}
    assert found == {
        name: f"{each.value} {each.unit}" for name, each in SPECIFICATION.tolerances.items() if name in found
    }
    assert f"make {enough()} adverts" in guide


def enough() -> int:
    tolerances = SPECIFICATION.tolerances
    return enough_adverts(tolerances["radio_loss"].value, tolerances["chance"].value)


SCHEDULES = (ScanSchedule(40_000, 260_000), ScanSchedule(150_000, 5_000), ScanSchedule(40_000, 0))
ALWAYS_MS = 10_000_000
DELAY_MS = 5
SENT = (
    # on and off in ms, the mean time between adverts, and how many stretches it takes
    (15_000, 15_000, 100 + DELAY_MS, 1),
    (150_000, 5_000, 100 + DELAY_MS, 1),
    (ALWAYS_MS, 0, 200 + DELAY_MS, 2),
    (ALWAYS_MS, 0, 100 + DELAY_MS, 1),
    (ALWAYS_MS, 0, 250 + DELAY_MS, 1),
    (ALWAYS_MS, 0, 1000 + DELAY_MS, 1),
)
STEP_MS = 5_000


def sent_until(until_ms: int, phase_ms: int, on_ms: int, off_ms: int, every_ms: int) -> Iterator[SentSpan]:
    """Yield when something is sent that began before it came near."""
    time_ms = -phase_ms
    while time_ms < until_ms:
        if max(0, time_ms) < min(until_ms, time_ms + on_ms):
            yield SentSpan(max(0, time_ms), min(until_ms, time_ms + on_ms), every_ms)
        time_ms += on_ms + off_ms


def least_ms(scans: ScanSchedule, on_ms: int, off_ms: int, every_ms: int, count: int) -> int:
    """Return how long something has to be near, whatever the phase of its rhythm, before it has to be heard."""
    until_ms = STEP_MS
    for phase_ms in range(0, on_ms + off_ms if off_ms else 1, STEP_MS):
        while True:
            spans = list(sent_until(until_ms, phase_ms, on_ms, off_ms, every_ms))
            if len(list(islice(stretches(spans, scans, enough()), count))) == count:
                break
            until_ms += STEP_MS
    return until_ms


def test_times_on_the_air_are_those_of_the_checks(guide: str) -> None:
    rows = tables(guide)["What had to be heard: what is on the air"]
    assert [row[1:] for row in rows] == [
        [f"{least_ms(scans, *sent) // 1000} s" for scans in SCHEDULES] for sent in SENT
    ]


def test_every_requirement_that_a_log_shows_is_told(guide: str) -> None:
    rows = tables(guide)["What comes out: requirement"]
    judged = {each for each in CHECKS if each.startswith(("BZ-RCV", "BZ-LOG"))}
    assert {row[0] for row in rows} == judged


# --- commands and links ---


def verdicts(text: str) -> set[tuple[str, str]]:
    """Return the requirements of a report on a terminal, or of a part of it, with what it says of them."""
    passed_or_failed = re.findall(r"^  (BZ-[A-Z]{3}-[0-9]{3})  MUST  (PASS|FAIL) ", text, re.MULTILINE)
    return {*passed_or_failed, *((each, "FAIL") for each in re.findall(r"^FAIL  (\S+)", text, re.MULTILINE))}


@pytest.mark.parametrize(
    ("app", "phrase"),
    [
        ("correct", "Of the rehearsal's log, step 5 begins with"),
        ("F-18", "`bzc rehearse session.toml --app F-18`"),
        ("exact-overflow", None),
    ],
)
def test_what_comes_out_is_what_the_guide_shows(
    guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: str, phrase: str | None
) -> None:
    # ids of weak base ids are looked for 400 days back else, which takes most of the time and is not shown
    monkeypatch.setattr(privacy, "BASE_DAYS", 20)
    scenario, log = tmp_path / "session.toml", tmp_path / "log.txt"
    example = files("bluezone_harness").joinpath("virtual", "scenarios", "example.toml")
    scenario.write_bytes(example.read_bytes())
    runner = CliRunner()
    rehearsed = runner.invoke(bzc, ["rehearse", str(scenario), "--app", app, "--write-log", str(log)])
    assert rehearsed.exit_code == 0, rehearsed.output
    checked = runner.invoke(bzc, ["check", str(log), "--scenario", str(scenario)])
    assert checked.exit_code == (0 if app == "correct" else 1), checked.output
    shown = {("BZ-RCV-004", "FAIL")}  # as a comment of the guide says
    if phrase is not None:
        shown = verdicts(guide[guide.index(phrase) :].split("```")[1])
    assert shown
    assert shown <= verdicts(checked.stdout)


def test_commands_and_options_are_there(guide: str) -> None:
    lines = [*re.findall(r"^(bzc .*)$", guide, re.MULTILINE), *re.findall(r"`(bzc [^`]*)`", guide)]
    named = 0
    with click.Context(bzc) as context:
        for line in lines:
            if re.match(r"bzc: ", line):
                continue
            command = bzc.get_command(context, line.split()[1])
            assert command is not None, line
            options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
            for option in re.findall(r"(?<=\s)--[a-z-]+", line.partition("#")[0]):
                assert option in options, line
                named += 1
    assert named > 15


def test_apps_that_the_guide_rehearses_are_there(guide: str) -> None:
    named = set(re.findall(r"--app ([A-Za-z0-9-]+)", guide)) - {"NAME"}
    known = {*APP_FAULTS, *(each.fault for each in APP_FAULTS.values())}
    assert named
    assert named <= known


@pytest.mark.parametrize("document", ["README.md", "harness/CAPTURING.md"])
def test_it_is_found(repository: Path, document: str) -> None:
    assert "SCENARIOS.md)" in (repository / document).read_text("utf-8")
