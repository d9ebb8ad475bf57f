"""``bzc diff``: what it prints, its exit codes, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import bluezone_harness
from bluezone_harness import results
from bluezone_harness.cli import bzc
from bluezone_harness.reports.json_report import json_text

pytestmark = pytest.mark.req("BZ-LOG-003")

ROW = "B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191387"


def diff(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(bzc, ["diff", *map(str, arguments)], input=stdin)


@pytest.fixture(scope="module")
def answers(
    judged: Callable[..., results.Result], good_device: Mapping[str, object]
) -> dict[str, results.Result]:
    """Return the results of a good export, of one with CR before LF, of none, and by another profile."""
    return {
        "good": judged(f"{ROW}\n".encode(), device=good_device),
        "bad": judged(f"{ROW}\r\n".encode(), device=good_device),
        "none": judged(),
        "other": judged(f"{ROW}\n".encode(), device=good_device, profile="android-v3"),
    }


@pytest.fixture(scope="module")
def files(answers: dict[str, results.Result], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write the results."""
    folder = tmp_path_factory.mktemp("results")
    for name, result in answers.items():
        (folder / f"{name}.json").write_text(json_text(result), "utf-8")
    return {name: folder / f"{name}.json" for name in answers}


def test_a_must_that_fails_now(files: dict[str, Path]) -> None:
    result = diff(files["good"], files["bad"])
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("old  good.json  profile v3, version ")
    assert lines[1].startswith("new  bad.json  profile v3, version ")
    assert lines[3] == "conformance  PASS -> FAIL  6 of 45 MUSTs judged"
    assert "worse (1)" in lines
    assert "  BZ-LOG-003  MUST    PASS -> FAIL  An export has one line for each record" in lines
    assert "findings that are new (1)" in lines
    assert lines[-1] == "1 MUST got worse"


def test_a_must_that_is_mended(files: dict[str, Path]) -> None:
    result = diff(files["bad"], files["good"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "better (1)" in lines
    assert "findings that are gone (1)" in lines
    assert lines[-1] == "nothing got worse"


def test_what_was_not_seen_again(files: dict[str, Path]) -> None:
    result = diff(files["bad"], files["none"])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert "no longer seen (1)" in lines
    assert any(line.startswith("  BZ-LOG-003  MUST    FAIL -> not observable") for line in lines)
    assert any(line.startswith("  BZ-LOG-001  MUST    PASS -> not observable") for line in lines)
    again = diff(files["none"], files["bad"]).stdout.splitlines()
    assert any(line.startswith("newly seen (") for line in again)
    assert "  BZ-LOG-001  MUST    not observable (evidence missing) -> PASS  A record holds" in "\n".join(
        again
    )


def test_the_same_is_not_worse(files: dict[str, Path]) -> None:
    result = diff(files["bad"], files["bad"])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "nothing got worse"
    assert "worse (" not in result.stdout


def test_another_profile_is_named(files: dict[str, Path]) -> None:
    assert "not the same profile: v3 -> android-v3" in diff(files["good"], files["other"]).stdout


def test_a_failed_should_is_worse_but_does_not_count(
    answers: dict[str, results.Result], tmp_path: Path
) -> None:
    result = answers["good"]
    should = next(each for each in result.requirements if each.level == "SHOULD")
    names = []
    for verdict in ("pass", "fail"):
        one = replace(should, verdict=type(should.verdict)(verdict), reason=None)
        changed = tuple(one if each is should else each for each in result.requirements)
        names.append(tmp_path / f"{verdict}.json")
        names[-1].write_text(json_text(replace(result, requirements=changed)), "utf-8")
    answer = diff(*names)
    assert answer.exit_code == 0
    assert answer.stdout.splitlines()[-1].startswith("nothing got worse that counts")


def test_json_keeps_to_its_schema(files: dict[str, Path]) -> None:
    path = Path(bluezone_harness.__file__).parent / "schemas" / "comparison.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    for old in files.values():
        for new in files.values():
            result = diff(old, new, "--json")
            answer = json.loads(result.stdout)
            Draft202012Validator(schema).validate(answer)
            assert result.exit_code == (1 if answer["worse"] else 0)
            assert result.exit_code == diff(old, new).exit_code
    answer = json.loads(diff(files["good"], files["bad"], "--json").stdout)
    assert [(each["id"], each["change"], each["counts"]) for each in answer["requirements"]] == [
        ("BZ-LOG-003", "worse", True)
    ]
    assert answer["findings"]["new"][0]["summary"] == "1 row: a CR stands at the end of the line"


def test_one_may_come_from_standard_input(files: dict[str, Path]) -> None:
    result = diff("-", files["bad"], stdin=files["good"].read_bytes())
    assert result.exit_code == 1
    assert result.stdout.startswith("old  standard input  profile v3")
    both = diff("-", "-", stdin=b"{}")
    assert (both.exit_code, both.stderr) == (
        64,
        "bzc: standard input can be read only once: give '-' once\n",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty: check how it was made"),
        (b"<xml/>", "no JSON: line 1, column 1: Expecting value"),
        (b"{}", "the key 'schema' is missing (at the top)"),
        (b'{"schema": 2}', "the schema is not 1, the only one that is known here (at /schema)"),
    ],
)
def test_what_is_no_result_is_refused(
    files: dict[str, Path], tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "odd.json").write_bytes(content)
    for arguments in ((files["good"], tmp_path / "odd.json"), (tmp_path / "odd.json", files["good"])):
        result = diff(*arguments)
        assert (result.exit_code, result.stdout, result.stderr) == (3, "", f"bzc: odd.json: {reason}\n")


def test_the_place_of_what_is_wrong_is_told(files: dict[str, Path], tmp_path: Path) -> None:
    content = json.loads(files["good"].read_text("utf-8"))
    content["requirements"][3]["verdict"] = "good"
    (tmp_path / "odd.json").write_text(json.dumps(content), "utf-8")
    result = diff(files["good"], tmp_path / "odd.json")
    assert result.exit_code == 3
    assert result.stderr.endswith("(at /requirements/3/verdict)\n")


def test_no_text_steers_the_terminal(answers: dict[str, results.Result], tmp_path: Path) -> None:
    good, bad = answers["good"], answers["bad"]
    evil = tuple(replace(each, summary="\x1b]0;x\x07\n", device="\x1b[2J") for each in bad.findings)
    titled = tuple(replace(each, title="\x07\x1b[31m") for each in bad.requirements)
    (tmp_path / "good.json").write_text(json_text(good), "utf-8")
    (tmp_path / "evil.json").write_text(json_text(replace(bad, findings=evil, requirements=titled)), "utf-8")
    result = diff(tmp_path / "good.json", tmp_path / "evil.json")
    assert {"\x1b", "\x07"} & set(result.stdout) == set()
    assert "\\x1b]0;x" in result.stdout


@given(st.binary(max_size=40))
def test_no_octets_end_otherwise(files: dict[str, Path], octets: bytes) -> None:
    result = diff(files["good"], "-", stdin=octets)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("bzc: standard input: ")


def test_a_requirement_that_only_one_result_knows(answers: dict[str, results.Result], tmp_path: Path) -> None:
    good = answers["good"]
    less = replace(good, requirements=tuple(each for each in good.requirements if each.id != "BZ-LOG-003"))
    for name, result in (("good", good), ("less", less)):
        (tmp_path / f"{name}.json").write_text(json_text(result), "utf-8")
    gone = diff(tmp_path / "good.json", tmp_path / "less.json")
    assert (gone.exit_code, "PASS -> not in the specification  An export" in gone.stdout) == (1, True)
    come = diff(tmp_path / "less.json", tmp_path / "good.json")
    assert (come.exit_code, "newly seen (1)" in come.stdout) == (0, True)
