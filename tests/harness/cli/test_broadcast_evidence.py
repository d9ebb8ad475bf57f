"""``bzc check`` with the record of a broadcast: found, refused, and held to what its scenario expects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc

START_MS = 1_606_122_000_000
AN, BINH = "A1" * 12, "B2" * 12
SCENARIO = """schema = 1
seed = 7
duration = "15 min"
alone = true
[receiver]
platform = "android"
app = "closed"
[[phone]]
name = "An"
[[expect]]
requirement = "BZ-RCV-001"
verdict = "{verdict}"
"""
Check = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("short_search")


def record(scenario: str, ids: tuple[str, ...] = (AN, BINH)) -> bytes:
    start_us = START_MS * 1000
    lines: list[dict[str, object]] = [
        {"schema": 1, "source": "broadcast", "receiver": "", "capabilities": {"sent": "yes"}},
        {
            "kind": "scenario",
            "time_us": start_us,
            "sha256": sha256(scenario.encode()).hexdigest(),
            "text": scenario,
        },
    ]
    for number, contact_id in enumerate(ids, 1):
        sent = {"set": number, "sender": "An", "pdu": "ADV_IND", "interval_us": 100_000}
        whom = {"address": f"5A:00:00:00:00:{number:02X}", "address_type": "resolvable"}
        ad = {"ad": "02011a0303564e0fffb522" + contact_id}
        lines.append({"kind": "on_air", "time_us": start_us, **sent, **whom, **ad})
    for number, _ in enumerate(ids, 1):
        lines.append({"kind": "off_air", "time_us": start_us + 900_000_000, "set": number})
    lines.append({"kind": "end", "reason": "played"})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def export(*ids: str) -> bytes:
    rows = [(second, contact_id) for second in (5, 305, 605) for contact_id in ids]
    return b"".join(
        f"{'AB' * 12}\t{contact_id}\t-60\t{START_MS + second * 1000}\n".encode()
        for second, contact_id in rows
    )


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Return a function that runs ``bzc check`` in a folder with a scenario, its record and logs."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, verdict: str = "pass") -> Result:
        scenario = SCENARIO.format(verdict=verdict)
        Path("session.toml").write_text(scenario, encoding="utf-8", newline="\n")
        Path("session.record.jsonl").write_bytes(record(scenario))
        Path("other.record.jsonl").write_bytes(record(scenario + "# changed\n"))
        Path("right.txt").write_bytes(export(AN, BINH))
        Path("wrong.txt").write_bytes(export(AN))
        return CliRunner().invoke(bzc, ["check", *arguments])

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("right.txt", "--scenario", "session.toml"),
        ("right.txt", "session.record.jsonl"),
        ("right.txt", "session.record.jsonl", "--scenario", "session.toml"),
        ("right.txt", "session.record.jsonl", "session.record.jsonl"),
    ],
)
def test_the_record_is_found(check: Check, arguments: tuple[str, ...]) -> None:
    found = check(*arguments, "--allow-inconclusive")
    assert (found.exit_code, found.stderr) == (0, "")
    assert "BZ-RCV-001  MUST  PASS" in found.stdout
    assert "broadcast record" in found.stdout


@pytest.mark.parametrize(
    ("log", "verdict", "code", "told"),
    [
        ("right.txt", "pass", 2, ""),  # of the rest something is inconclusive
        ("right.txt", "fail", 1, "bzc: expected BZ-RCV-001 fail, found pass\n"),
        ("wrong.txt", "fail", 2, ""),
        ("wrong.txt", "pass", 1, "bzc: expected BZ-RCV-001 pass, found fail\n"),
    ],
)
def test_expectations_are_held(check: Check, log: str, verdict: str, code: int, told: str) -> None:
    found = check(log, "--scenario", "session.toml", verdict=verdict)
    assert (found.exit_code, found.stderr) == (code, told)
    as_json = check(log, "--scenario", "session.toml", "--json", verdict=verdict)
    inputs = json.loads(as_json.stdout)["inputs"]
    assert [each["kind"] for each in inputs] == ["contact_log_export", "broadcast_record"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("right.txt", "other.record.jsonl", "--scenario", "session.toml"), "the record of another scenario"),
        (("right.txt", "session.record.jsonl", "other.record.jsonl"), "judged against one"),
        (("session.record.jsonl",), "there is no contact log"),
        (("right.txt", "--scenario", "right.txt"), "right.txt"),
        (("right.txt", "--scenario", "."), "it cannot be read, is a directory"),
    ],
)
def test_what_does_not_fit_is_refused(check: Check, arguments: tuple[str, ...], reason: str) -> None:
    found = check(*arguments)
    assert found.exit_code != 0
    assert reason in str(found.exception) + found.output


def test_a_record_that_is_missing_or_none(check: Check) -> None:
    assert check("right.txt", "--scenario", "session.toml").exit_code == 2
    beside = Path("session.record.jsonl")
    beside.unlink()
    found = CliRunner().invoke(bzc, ["check", "right.txt", "--scenario", "session.toml"])
    assert "or beside the scenario as session.record.jsonl" in str(found.exception) + found.output
    beside.write_bytes(
        b'{"schema": 1, "source": "sniff", "receiver": "", "capabilities": {"raw_ad": "yes"}}\n'
    )
    found = CliRunner().invoke(bzc, ["check", "right.txt", "--scenario", "session.toml"])
    assert "no record of a broadcast" in str(found.exception) + found.output


def test_info_tells_of_a_record(check: Check) -> None:
    check("right.txt")
    found = CliRunner().invoke(bzc, ["info", "session.record.jsonl"])
    assert found.exit_code == 0
    assert "2 sets" in found.stdout
    assert "2020-11-23T09:00:00.000+00:00" in found.stdout


@pytest.mark.parametrize(
    ("lasts_us", "told"),
    [(999_000, "999 ms"), (1_000_000, "1 s"), (20_001_499, "20 s"), (60_499_000, "1 min")],
)
def test_info_tells_milliseconds_of_what_is_short_alone(check: Check, lasts_us: int, told: str) -> None:
    check("right.txt")
    beside = Path("session.record.jsonl")
    header, scenario, on_air, *_, end = beside.read_bytes().splitlines(keepends=True)
    from_us = json.loads(scenario)["time_us"]
    off_air = {"kind": "off_air", "time_us": from_us + lasts_us, "set": json.loads(on_air)["set"]}
    beside.write_bytes(b"".join([header, scenario, on_air, json.dumps(off_air).encode() + b"\n", end]))
    found = CliRunner().invoke(bzc, ["info", "session.record.jsonl"])
    assert re.findall(r" time .*?, (.*?) shows", " ".join(found.stdout.split())) == [told]
