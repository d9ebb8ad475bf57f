"""The self-test of the kit as it stands: no hole; and holes planted into it are seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

import bluezone_harness
from bluezone_harness.checks import CHECKS
from bluezone_harness.cli import bzc, selftest
from bluezone_harness.implementations.faulty import FAULTY
from bluezone_harness.reports.kill_matrix import matrix_markdown
from bluezone_harness.selftest.kills import Cell, Matrix, Part, Trial, rows_of
from bluezone_harness.selftest.logs import log_trials
from bluezone_harness.selftest.phones import READ, SETTINGS, THINNED, phone_trials
from bluezone_harness.selftest.runs import REASONS, check_spares, self_test
from bluezone_harness.selftest.vectors import vector_spares, vector_trials
from bluezone_harness.virtual.apps.faults import APP_FAULTS
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.log_faults import LOG_FAULTS
from bluezone_spec.model import Specification
from bluezone_vectors import load

PACK = load()
GENERAL = {name for name, faulty in FAULTY.items() if faulty.is_general}


@pytest.mark.long
def test_the_kit_has_no_hole_and_the_page_says_so(specification: Specification, repository: Path) -> None:
    """Run all of it once: a minute or two."""
    whole = self_test(specification, PACK, [1])
    assert [(row.planted.name, row.cells) for row in whole.missed] == []
    assert [each.given for each in whole.controls if not each.holds] == []
    assert [each.name for each in whole.spares if not each.reason] == []
    assert whole.holds
    # what an implementation may do fails nothing, and nothing else gets away with being shown
    assert [row.planted.name for row in whole.of(Cell.SHOWN)] == ["raw-name-for-id"]
    for part, names in (
        (Part.VECTORS, FAULTY),
        (Part.CAPTURES, FAULTS),
        (Part.LOGS, LOG_FAULTS),
        (Part.APPS, APP_FAULTS),
    ):
        assert [row.planted.name for row in whole.rows if row.planted.part is part] == list(names)
    assert {each.part for each in whole.controls} == set(Part)
    besides = {
        row.planted.name
        for row in whole.rows
        if row.planted.part is Part.VECTORS and Cell.COLLATERAL in row.cells.values()
    }
    quirks = {name for name, faulty in FAULTY.items() if faulty.quirks is not None}
    assert besides <= GENERAL | quirks
    judged = {row.planted.requirement for row in whole.rows if row.planted.part is not Part.VECTORS}
    assert judged & REASONS.keys() == set()
    page = repository / "harness" / "KILLS.md"
    assert page.read_text("utf-8") == matrix_markdown(whole), (
        "write it anew: bzc selftest --markdown harness/KILLS.md"
    )


def test_an_implementation_that_is_right_is_missed(specification: Specification) -> None:
    right = replace(FAULTY["no-salt"], changes={})
    control, trial = vector_trials(specification, PACK, 1, [right])
    assert control.holds
    assert not trial.holds
    assert (trial.failed, trial.shown_by) == (frozenset(), ())


def test_a_fault_that_other_requirements_vectors_show_is_missed(specification: Specification) -> None:
    elsewhere = replace(FAULTY["no-salt"], requirement="BZ-MSG-001")
    trial = list(vector_trials(specification, PACK, 1, [elsewhere]))[1]
    assert not trial.holds
    assert len(trial.shown_by) > 20


def test_what_only_vectors_of_level_may_show_is_shown_and_not_killed(specification: Specification) -> None:
    faulty = FAULTY["raw-name-for-id"]
    (row,) = rows_of(vector_trials(specification, PACK, 1, [faulty]))
    (trial,) = row.trials
    assert (row.found, trial.failed, len(trial.shown_by)) == (Cell.SHOWN, frozenset(), 5)
    assert {vector.level for vector in PACK.vectors if vector.id in trial.shown_by} == {"MAY"}
    elsewhere = replace(faulty, requirement="BZ-ADV-001")
    assert rows_of(vector_trials(specification, PACK, 1, [elsewhere]))[0].found is Cell.MISSED


def test_what_only_vectors_that_bind_less_show_is_missed(specification: Specification) -> None:
    # what advises shows no breach of what binds
    advice = [each for each in PACK.vectors if "BZ-MAT-007" in each.requirements and each.level == "SHOULD"]
    faulty = replace(FAULTY["anchored-at-midnight"], requirement="BZ-MAT-001")
    (row,) = rows_of(vector_trials(specification, replace(PACK, vectors=tuple(advice)), 1, [faulty]))
    assert row.trials[0].shown_by != ()
    assert row.found is Cell.MISSED


def test_a_vector_that_alone_finds_a_fault_is_no_spare(specification: Specification) -> None:
    trial = list(vector_trials(specification, PACK, 1, [FAULTY["no-salt"]]))[1]
    first, second = trial.shown_by[:2]
    alone = replace(trial, shown_by=(first,))
    names = {each.name: each for each in vector_spares(PACK, [alone, trial])}
    assert first not in names
    assert names[second].finds == 1
    assert "it finds 1 fault that other vectors find too" in names[second].reason
    unnamed = replace(PACK, vectors=(replace(PACK.vectors[0], comment=""),))
    assert [each.reason for each in vector_spares(unnamed, [])] == [""]


def test_a_phone_and_a_log_without_the_fault_that_is_claimed_are_missed(specification: Specification) -> None:
    harmless = replace(FAULTS["local-day"], name="local-day", requirement="BZ-ADV-001")
    assert [each.holds for each in phone_trials(specification, 1, [harmless])][-1] is False
    unharmed = replace(LOG_FAULTS["crlf"], plant=lambda log: log.octets)
    assert [each.holds for each in log_trials(specification, 1, [unharmed])] == [True] * 4 + [False]


def test_a_check_without_fault_level_or_reason_is_a_hole(specification: Specification) -> None:
    spares = {each.name: each.reason for each in check_spares(specification, [])}
    assert spares.keys() == CHECKS.keys()
    assert spares["BZ-ADV-001"] == ""
    assert spares["BZ-ADV-004"] == REASONS["BZ-ADV-004"]
    assert "never fails" in spares["BZ-PRV-020"]


def test_the_exceptions_are_of_what_there_is() -> None:
    assert FAULTS.keys() >= SETTINGS.keys()
    assert CHECKS.keys() >= REASONS.keys()


def test_each_setting_has_controls(specification: Specification) -> None:
    given = {each.given for each in phone_trials(specification, 1, ())}
    for setting in (THINNED, *SETTINGS.values()):
        for has_key in ("with", "without"):
            assert f"android, {setting}, {has_key} the device file, seed 1" in given
    for has_key in ("with", "without"):
        assert f"ios, {READ}, {has_key} the device file, seed 1" in given
    assert len(given) == 10


def test_parts_can_be_run_alone_and_each_trial_is_told(specification: Specification) -> None:
    told: list[Trial] = []
    found = self_test(specification, PACK, [2, 3], [Part.LOGS], told.append)
    assert found.holds
    assert len(told) == 2 * (4 + len(LOG_FAULTS)) == found.tried["trials"]
    assert (found.spares, len(found.rows)) == ((), len(LOG_FAULTS))


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(bzc, ["selftest", *arguments])
    return result.exit_code, result.stdout


def test_the_command_prints_the_matrix_seed_and_seconds() -> None:
    code, said = run("--part", "logs", "--seed", "5")
    assert code == 0
    assert "killed   BZ-LOG-003  crlf" in said
    assert f"{len(LOG_FAULTS)} of {len(LOG_FAULTS)} faults killed" in said
    assert said.splitlines()[-1].startswith("seed 5, ")
    assert "seeds 5 to 6" in run("--part", "logs", "--seed", "5", "--seeds", "2")[1]


def test_the_command_prints_json() -> None:
    code, said = run("--part", "logs", "--json")
    value = json.loads(said)
    schema = Path(bluezone_harness.__file__).parent / "schemas" / "kill_matrix.schema.json"
    jsonschema.Draft202012Validator(json.loads(schema.read_text("utf-8"))).validate(value)
    assert (code, value["holds"], value["seeds"]) == (0, True, [1])
    assert value["seconds"] >= 0


def test_the_command_writes_markdown(tmp_path: Path) -> None:
    page = tmp_path / "kills.md"
    assert run("--part", "logs", "--markdown", str(page))[0] == 0
    text = page.read_text("utf-8")
    assert text.startswith("# The kill matrix\n\nWhat `bzc selftest --seed 1` finds. ")
    assert "| `crlf` | Lines end in CR LF | BZ-LOG-003 | killed |  |\n" in text
    assert "## Without a fault\n\n| what is tried | fails |\n| --- | --- |\n| logs: export, with" in text


def test_a_page_that_cannot_be_written_is_told_before_anything_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []
    monkeypatch.setattr(selftest, "self_test", lambda *arguments: tried.append(arguments))
    result = CliRunner().invoke(bzc, ["selftest", "--markdown", str(tmp_path / "none" / "kills.md")])
    assert result.exit_code != 0
    assert "cannot be written" in result.output
    assert tried == []


def test_the_command_fails_where_a_fault_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_found(*arguments: object) -> Matrix:
        return Matrix((1,), (), (), (), {})

    monkeypatch.setattr(selftest, "self_test", none_found)
    assert run("--part", "logs")[0] == 1
    assert run("--seeds", "0")[0] == 64


def test_progress_is_told_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch, specification: Specification
) -> None:
    monkeypatch.setattr(selftest, "_PROGRESS_S", 0.0)
    result = CliRunner().invoke(bzc, ["selftest", "--part", "logs"])
    assert "trials, logs: control" in result.stderr
    assert "trials, logs: crlf" in result.stderr
