"""``bzc explain`` and ``bzc requirements``, on a small specification made here and on the published one."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import bluezone_spec
from bluezone_harness.cli import bzc
from bluezone_harness.cli.explain import entries
from bluezone_spec.model import (
    Axis,
    Breach,
    Evidence,
    EvidenceLevel,
    Fault,
    FaultKind,
    Level,
    ProfileText,
    Reject,
    Requirement,
    Specification,
    Term,
    Tolerance,
    Value,
)

CAPTURED = Evidence(EvidenceLevel.CAPTURED, "upload of 2020-08-08")
SOURCE = Evidence(EvidenceLevel.SOURCE, "A: `SomeClass`")


def requirement(identity: str, **fields: object) -> Requirement:
    """Return a requirement that says little, with fields replaced."""
    values: dict[str, object] = {
        "id": identity,
        "title": "A title",
        "level": Level.MUST,
        "axis": Axis.CONFORMANCE,
        "chapter": "key-schedule",
        "role": "phone",
        "text": "It is so.",
        "rationale": "Because.",
        "evidence": (CAPTURED,),
        "profiles": ("v3",),
        "verified_by": (frozenset("V"),),
        "verification": "By looking.",
        "unverifiable": "",
        "unverified": "",
        "faults": (),
        "breaches": (),
    }
    return Requirement(**(values | fields))  # type: ignore[arg-type]  # fields by name


FULL = requirement(
    "BZ-KEY-003",
    title="The day key advances",
    text="One step a day.\n\n- nothing else",
    evidence=(CAPTURED, SOURCE),
    profiles=("v3", "v2"),
    verified_by=(frozenset("V"), frozenset("CK")),
    unverifiable="What is not seen.",
    unverified="What nobody reads.",
    faults=("F-14b",),
    breaches=(Breach("Android 2.0.0", "F-14b", "stays behind."), Breach("iOS 1.x", "", "has none.")),
)
SPECIFICATION = Specification(
    chapters=(),
    requirements={
        each.id: each
        for each in (
            FULL,
            requirement("BZ-KEY-004", level=Level.SHOULD),
            requirement("BZ-PRV-001", level=Level.REPORT, chapter="privacy", axis=Axis.PRIVACY),
        )
    },
    profiles={
        "v3": ProfileText(
            "v3",
            "The protocol",
            3,
            "any",
            {
                "key_schedule": {
                    "default_max": Value(96, CAPTURED),
                    "odd": Value("a", SOURCE),
                    "on": Value(True, SOURCE),
                }
            },
        )
    },
    faults={
        "F-14b": Fault("F-14b", (FaultKind.DEFECT,), "one step too few", (SOURCE,), ("Android 2.0.0",)),
        "F-01": Fault(
            "F-01", (FaultKind.PLATFORM, FaultKind.DEFECT), "two units", (CAPTURED,), ("iOS 3.0.3",)
        ),
    },
    rejects={"BAD_MAX": Reject("BAD_MAX", "BZ-KEY-004", "`max` is none")},
    tolerances={
        "repeat": Tolerance("repeat", 5000, "ms", "so it is"),
        "last_day": Tolerance("last_day", 36_525, "days", "enough"),
    },
    terms={
        "rolling id": Term("rolling id", "twelve octets", ("beacon",)),
        "repeat": Term("repeat", "heard again", ()),
    },
    plain_words=frozenset(),
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the small specification in the place of the published one."""
    monkeypatch.setattr(bluezone_spec, "load", lambda: SPECIFICATION)
    monkeypatch.setenv("COLUMNS", "60")


def run(*arguments: str) -> Result:
    """Run ``bzc``."""
    return CliRunner().invoke(bzc, list(arguments))


REQUIREMENT = """\
BZ-KEY-003  The day key advances
MUST (phone); conformance; chapter key-schedule

One step a day.

- nothing else

Rationale
  Because.

Evidence
  - captured: upload of 2020-08-08
  - source: A: `SomeClass`

Profiles
  v3, v2

Verified by
  vectors; or capture and device key file. By looking.

Not verifiable
  What is not seen.

Not verified yet
  What nobody reads.

Faults
  - F-14b: one step too few

Broken by
  - Android 2.0.0 (F-14b): stays behind.
  - iOS 1.x: has none.
"""
LITTLE = """\
BZ-KEY-004  A title
SHOULD (phone); conformance; chapter key-schedule

It is so.

Rationale
  Because.

Evidence
  - captured: upload of 2020-08-08

Profiles
  v3

Verified by
  vectors. By looking.
"""
FAULT = """\
F-14b  defect
one step too few

Builds
  Android 2.0.0

Evidence
  - source: A: `SomeClass`

Breaks
  - BZ-KEY-003  The day key advances
"""
REJECT = """\
BAD_MAX  reject code
`max` is none

Requirement
  BZ-KEY-004  A title
"""
PROFILE = """\
v3  The protocol
generation 3, platform any

key schedule
  default_max = 96
      captured: upload of 2020-08-08
  odd = "a"
      source: A: `SomeClass`
  on = true
      source: A: `SomeClass`
"""
TERM = """\
rolling id
twelve octets

Not
  beacon
"""
REPEAT = """\
repeat  tolerance
5000 ms (5 s)

Reason
  so it is

repeat
heard again
"""
LAST_DAY = """\
last_day  tolerance
36525 days

Reason
  enough
"""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BZ-KEY-003", REQUIREMENT),
        ("BZ-KEY-004", LITTLE),
        ("F-14b", FAULT),
        ("BAD_MAX", REJECT),
        ("v3", PROFILE),
        ("rolling id", TERM),
        ("repeat", REPEAT),
        ("last_day", LAST_DAY),
    ],
)
def test_everything_is_explained(name: str, text: str) -> None:
    result = run("explain", name)
    assert (result.exit_code, result.stdout, result.stderr) == (0, text, "")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["bz-key-003"], "BZ-KEY-003"),
        (["KEY-003"], "BZ-KEY-003"),
        (["key3"], "BZ-KEY-003"),
        (["BZKEY3"], "BZ-KEY-003"),
        (["f14B"], "F-14b"),
        (["F-1"], "F-01"),
        (["bad-max"], "BAD_MAX"),
        (["V3"], "v3"),
        (["rolling", "id"], "rolling id"),
        (["rolling_id"], "rolling id"),
        (["last day"], "last_day"),
    ],
)
def test_a_name_may_be_written_in_other_ways(words: list[str], name: str) -> None:
    assert run("explain", *words).stdout.startswith(name)


@pytest.mark.usefixtures("small")
def test_the_json_of_each_kind() -> None:
    found = {
        name: json.loads(run("explain", name, "--json").stdout)
        for name in ("F-14b", "v3", "rolling id", "BAD_MAX")
    }
    assert found["F-14b"] == {
        "kind": "fault",
        "id": "F-14b",
        "kinds": ["defect"],
        "text": "one step too few",
        "evidence": [{"level": "source", "source": "A: `SomeClass`"}],
        "builds": ["Android 2.0.0"],
        "requirements": ["BZ-KEY-003"],
    }
    assert found["v3"]["groups"]["key_schedule"]["default_max"] == {
        "value": 96,
        "evidence": {"level": "captured", "source": "upload of 2020-08-08"},
    }
    assert found["rolling id"] == {
        "kind": "term",
        "term": "rolling id",
        "meaning": "twelve octets",
        "avoid": ["beacon"],
    }
    assert found["BAD_MAX"] == {
        "kind": "reject code",
        "code": "BAD_MAX",
        "requirement": "BZ-KEY-004",
        "text": "`max` is none",
    }
    twice = json.loads(run("explain", "repeat", "--json").stdout)
    assert (twice["kind"], twice["value"]) == ("tolerance", 5000)
    assert twice["also"] == [{"kind": "term", "term": "repeat", "meaning": "heard again", "avoid": []}]


@pytest.mark.usefixtures("small")
def test_the_json_of_a_requirement() -> None:
    found = json.loads(run("explain", "BZ-KEY-003", "--json").stdout)
    assert found == {
        "kind": "requirement",
        "id": "BZ-KEY-003",
        "title": "The day key advances",
        "level": "MUST",
        "axis": "conformance",
        "chapter": "key-schedule",
        "role": "phone",
        "text": "One step a day.\n\n- nothing else",
        "rationale": "Because.",
        "evidence": [
            {"level": "captured", "source": "upload of 2020-08-08"},
            {"level": "source", "source": "A: `SomeClass`"},
        ],
        "profiles": ["v3", "v2"],
        "verified_by": [["V"], ["C", "K"]],
        "verification": "By looking.",
        "unverifiable": "What is not seen.",
        "unverified": "What nobody reads.",
        "faults": ["F-14b"],
        "breaches": [
            {"build": "Android 2.0.0", "fault": "F-14b", "text": "stays behind."},
            {"build": "iOS 1.x", "fault": "", "text": "has none."},
        ],
    }
    listed = json.loads(run("requirements", "--json").stdout)
    assert list(listed) == ["requirements"]
    assert {"kind": "requirement", **listed["requirements"][0]} == found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "missing argument 'ID'; see 'bzc explain --help'"),
        (["BZ-KEY-033"], "the specification has nothing named 'BZ-KEY-033'; did you mean BZ-KEY-003"),
        (["keys3"], "the specification has nothing named 'keys3'"),
        (["BAD_MIN"], "the specification has nothing named 'BAD_MIN'; did you mean BAD_MAX?"),
        (["Beacon"], "the specification does not use the word 'Beacon': it says 'rolling id', try that"),
        (["zzzzzzzz"], "the specification has nothing named 'zzzzzzzz'; see 'bzc requirements' for the ids"),
    ],
)
def test_an_unknown_name_brings_the_nearest(arguments: list[str], line: str) -> None:
    result = run("explain", *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (64, "", 1)
    assert result.stderr.startswith(f"bzc: {line}")


LIST = """\
key-schedule
  BZ-KEY-003  MUST    The day key advances
  BZ-KEY-004  SHOULD  A title

privacy
  BZ-PRV-001  REPORT  A title

3 requirements: 1 MUST, 1 SHOULD, 1 REPORT
"""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([], LIST),
        (
            ["--level", "must"],
            "key-schedule\n  BZ-KEY-003  MUST    The day key advances\n\n1 requirement: 1 MUST\n",
        ),
        (
            ["--profile", "v2"],
            "key-schedule\n  BZ-KEY-003  MUST    The day key advances\n\n1 requirement: 1 MUST\n",
        ),
        (["--chapter", "privacy"], "privacy\n  BZ-PRV-001  REPORT  A title\n\n1 requirement: 1 REPORT\n"),
        (["--chapter", "prv"], "privacy\n  BZ-PRV-001  REPORT  A title\n\n1 requirement: 1 REPORT\n"),
        (["--level", "MAY"], "0 requirements\n"),
    ],
)
def test_the_requirements_are_listed(options: list[str], text: str) -> None:
    result = run("requirements", *options)
    assert (result.exit_code, result.stdout, result.stderr) == (0, text, "")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--chapter", "x"], "--chapter 'x': no chapter with requirements; choose key-schedule, privacy"),
        (
            ["--level", "x"],
            "invalid value for '--level': 'x' is not one of",
        ),
        (["--profile", "x"], "invalid value for '--profile': 'x' is not one of 'v3'"),
    ],
)
def test_a_choice_that_is_none_is_wrong_usage(options: list[str], line: str) -> None:
    result = run("requirements", *options)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (64, "", 1)
    assert result.stderr.startswith(f"bzc: {line}")


@pytest.mark.usefixtures("small")
def test_names_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_BZC_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_CWORD", "2")
    monkeypatch.setenv("COMP_WORDS", "bzc explain bz-k")
    assert run().stdout.split() == ["plain,BZ-KEY-003", "plain,BZ-KEY-004"]
    monkeypatch.setenv("COMP_CWORD", "3")
    monkeypatch.setenv("COMP_WORDS", "bzc requirements --chapter p")
    assert run().stdout.split() == ["plain,privacy"]


def test_colour_is_for_terminals_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in run("explain", "BZ-KEY-003").stdout
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[1m" in CliRunner().invoke(bzc, ["explain", "BZ-KEY-003"], color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in CliRunner().invoke(bzc, ["explain", "BZ-KEY-003"], color=True).stdout


def test_all_that_is_published_can_be_explained() -> None:
    specification = bluezone_spec.load()
    known = entries(specification)
    assert len(known) > 150
    for entry in known:
        result = run("explain", entry.name)
        assert (result.exit_code, result.stderr) == (0, ""), entry.name
        assert entry.name in result.stdout
        found = json.loads(run("explain", entry.name, "--json").stdout)
        assert entry.kind in (found["kind"], *(each["kind"] for each in found.get("also", [])))


def test_all_that_is_published_is_listed() -> None:
    listed = [each["id"] for each in json.loads(run("requirements", "--json").stdout)["requirements"]]
    assert len(listed) == 73
    text = run("requirements").stdout
    assert [word for word in text.split() if word.startswith("BZ-")] == listed


@given(st.lists(st.text(), max_size=3))
def test_no_arguments_end_in_an_exception(arguments: list[str]) -> None:
    for command in ("explain", "requirements"):
        result = run(command, *arguments)
        assert isinstance(result.exception, SystemExit | None), arguments
        assert result.exit_code in (0, 64), result.stderr
