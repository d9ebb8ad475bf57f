"""``bzc demo``: a simulated day, judged."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc
from bluezone_harness.virtual.contact_logs import simulate_day


def demo(*arguments: str) -> Result:
    return CliRunner().invoke(bzc, ["demo", *arguments])


@pytest.mark.req("BZ-LOG-005")
@pytest.mark.parametrize("seed", ["1", "8"])
def test_it_says_what_was_done_and_what_to_try_next(seed: str) -> None:
    result = demo("--seed", seed)
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
    result = demo("--json")
    assert result.exit_code == 0
    content = json.loads(result.stdout)
    assert (content["command"], content["conformance"]["verdict"]) == ("demo", "pass")
    assert result.stdout == demo("--json", "--seed", "1").stdout
    assert result.stdout != demo("--json", "--seed", "2").stdout


@pytest.mark.req("BZ-LOG-005")
def test_a_seed_is_a_number() -> None:
    assert demo("--seed", "x").exit_code == 64
