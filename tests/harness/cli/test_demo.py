"""``bzc demo``: a simulated phone's capture and a simulated day's log, judged."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc
from bluezone_harness.virtual.contact_logs import simulate_day


def demo(*arguments: str) -> Result:
    return CliRunner().invoke(bzc, ["demo", *arguments])


def verdicts(result: Result) -> dict[str, str]:
    return {each["id"]: each["verdict"] for each in json.loads(result.stdout)["requirements"]}


@pytest.mark.req("BZ-KEY-004", "BZ-ADV-004", "BZ-PRV-001")
def test_a_capture_is_judged_by_default() -> None:
    result = demo()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("simulated 12 h from 2020-08-08T18:00 UTC (seed 1): An and 3 strangers")
    assert lines[2].startswith("conformance  PASS")
    assert lines[3].startswith("privacy      PASS")
    assert lines[-1].startswith("try next: bzc check capture.pcapng --device device.json")
    assert max(map(len, lines[1:])) <= 80


@pytest.mark.req("BZ-KEY-004", "BZ-KEY-009", "BZ-ADV-004", "BZ-ADV-005", "BZ-PRV-001", "BZ-PRV-002")
def test_another_seed_is_another_capture_of_a_phone_that_does_well() -> None:
    first, second = demo("--json"), demo("--json", "--seed", "2")
    assert first.stdout != second.stdout
    for result in (first, second):
        assert result.exit_code == 0
        found = verdicts(result)
        assert "fail" not in found.values()
        passing = {"BZ-KEY-004", "BZ-KEY-009", "BZ-ADV-004", "BZ-ADV-005", "BZ-PRV-001", "BZ-PRV-002"}
        assert {found[name] for name in passing} == {"pass"}
        assert found["BZ-LOG-005"] == "not_observable"


@pytest.mark.req("BZ-LOG-005")
@pytest.mark.parametrize("seed", ["1", "8"])
def test_a_log_is_judged_when_asked(seed: str) -> None:
    result = demo("--log", "--seed", seed)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    records = len(simulate_day(int(seed))[0].records)
    assert lines[0].startswith(f"simulated 2020-08-08 (seed {seed}): An met Binh")
    assert f"{records} records" in lines[0]
    assert lines[2].startswith("conformance  PASS")
    assert f"{records} of {records} own ids as the schedule says" in result.stdout
    assert lines[-1].startswith("try next: bzc check data_trace.txt --device device.json")
    assert max(map(len, lines)) <= 80


@pytest.mark.req("BZ-LOG-005")
def test_json_is_a_result_alone() -> None:
    result = demo("--log", "--json")
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    assert (content["command"], content["conformance"]["verdict"]) == ("demo", "pass")
    assert result.stdout == demo("--log", "--json", "--seed", "1").stdout
    assert result.stdout != demo("--log", "--json", "--seed", "2").stdout


@pytest.mark.req("BZ-LOG-005")
def test_a_seed_is_a_number() -> None:
    assert demo("--seed", "x").exit_code == 64
