"""``bzc rehearse``: what it writes, says and refuses; the log it writes is judged by the record beside it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc
from bluezone_harness.virtual.apps.faults import APP_FAULTS

SCENARIO = """
schema = 1
seed = 3
duration = "3 min"
alone = true
[receiver]
platform = "ios"
app = "open"
[[phone]]
name = "An"
base = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
base_day = "2020-08-08"
[[phone]]
name = "Binh"
platform = "ios"
"""


@pytest.fixture(autouse=True)
def _scenario(own_folder: None) -> None:
    Path("session.toml").write_text(SCENARIO, "utf-8")


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(bzc, ["rehearse", *arguments], input=stdin)


def refused(*arguments: str, stdin: bytes | None = None) -> str:
    """Return the one line of a run that is the caller's mistake, and wrote nothing."""
    before = sorted(Path().iterdir())
    result = run(*arguments, stdin=stdin)
    assert (result.exit_code, result.stdout) == (64, ""), result.output
    assert sorted(Path().iterdir()) == before
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("bzc: ").rstrip("\n")


@pytest.mark.req("BZ-LOG-003")
def test_the_log_goes_to_standard_output_and_the_record_beside_the_scenario() -> None:
    result = run("session.toml")
    assert result.exit_code == 0
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    # 2020-08-10T08:00Z is slot 32 of day 2 of An's base id: 'bzc ids' says this id
    assert "8AF11642CA30A979E7C4B281" in {contact for _, contact, *_ in rows}
    assert {len(row) for row in rows} == {4}
    assert 1_597_046_400_000 <= int(rows[0][3]) < 1_597_046_580_000
    assert result.stderr.splitlines() == [
        f"bzc: played 3 min from 2020-08-10T08:00:00.000+00:00 to a correct app: {len(rows)} records of "
        "3 contact ids; written: session.record.jsonl",
        "judge the log: bzc check LOG --scenario session.toml",
    ]
    lines = [json.loads(line) for line in Path("session.record.jsonl").read_text("utf-8").splitlines()]
    assert (lines[0]["source"], lines[1]["kind"], lines[-1]["kind"]) == ("broadcast", "scenario", "end")
    assert lines[1]["text"] == SCENARIO


def test_the_same_arguments_give_the_same_octets() -> None:
    files = {"--write-log": "log.txt", "--write-database": "app.db", "--record": "it.jsonl"}
    for folder in ("first", "again"):
        Path(folder).mkdir()
        options = [word for name, file in files.items() for word in (name, f"{folder}/{file}")]
        device = ("--write-device", f"{folder}/device.json")
        result = run("session.toml", *options, *device, "--seed", "4", "--loss", "0.3")
        assert result.exit_code == 0
        assert result.stderr.splitlines()[1] == (
            "judge the log: bzc check log.txt it.jsonl --scenario session.toml --device device.json"
        )
    for file in (*files.values(), "device.json"):
        assert (Path("first") / file).read_bytes() == (Path("again") / file).read_bytes()
    with closing(sqlite3.connect("first/app.db")) as connection:
        (count,) = connection.execute("select count(*) from trace_info").fetchone()
    assert count == Path("first/log.txt").read_bytes().count(b"\n")


def test_a_start_of_its_own_of_the_scenario_or_of_the_caller() -> None:
    first = "2021-01-02T03:04:05+00:00"
    Path("session.toml").write_text(SCENARIO.replace("schema = 1", f'schema = 1\nstart = "{first}"'), "utf-8")
    assert "from 2021-01-02T03:04:05.000+00:00" in run("session.toml").stderr
    told = run("session.toml", "--force", "--start", "2021-02-03T00:00:00Z").stderr
    assert "from 2021-02-03T00:00:00.000+00:00" in told
    assert "the base day of An is after the start" in refused(
        "session.toml", "--force", "--start", "2020-08-01T00:00:00Z"
    )


def test_faulty_apps() -> None:
    right = run("session.toml").stdout
    result = run(
        "session.toml", "--force", "--app", "crlf", "--app", "F-10", "--app", "correct", "--app", "CRLF"
    )
    assert "to an app with crlf, own-list-kept: " in result.stderr
    assert result.stdout_bytes.count(b"\r\n") == right.count("\n")
    assert b"\r" not in run("session.toml", "--force", "--app", "correct").stdout_bytes


def test_a_scenario_from_standard_input() -> None:
    assert "give --record" in refused("-", stdin=SCENARIO.encode())
    result = run("-", "--record", "it.jsonl", stdin=SCENARIO.encode())
    assert result.exit_code == 0
    assert result.stderr.splitlines()[1] == "judge the log: bzc check LOG it.jsonl --scenario SCENARIO"


def test_what_it_refuses() -> None:
    assert refused("session.toml", "--app", "once").startswith(
        "--app: there is no app 'once'; did you mean once-only"
    )
    assert "crlf and spaces contradict each other" in refused(
        "session.toml", "--app", "crlf", "--app", "spaces"
    )
    assert refused("session.toml", "--loss", "1") == (
        "the loss is not from 0 to below 1; see 'bzc rehearse --help'"
    )
    assert "name one file: give two" in refused("session.toml", "--write-log", "x", "--write-device", "./x")
    assert "--write-log 'session.toml' is what is read" in refused(
        "session.toml", "--write-log", "session.toml"
    )
    assert refused("session.toml", "--write-log", "no/log.txt") == (
        "--write-log: there is no folder 'no': make it, or check the path"
    )
    assert refused("session.toml", "--record", ".") == "--record: '.' is a folder: give the name of a file"
    Path("log.txt").write_text("mine", "utf-8")
    assert refused("session.toml", "--write-log", "log.txt") == (
        "'log.txt' is there already: give --force to write over it"
    )
    assert Path("log.txt").read_text("utf-8") == "mine"


def test_no_scenario() -> None:
    Path("other.toml").write_text("schema = 1\n", "utf-8")
    for name, code in (("other.toml", 3), ("nowhere.toml", 3), (".", 3), ("..", 3), ("/", 3)):
        result = run(name)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (code, "", 1)
        assert name in result.stderr


def test_standard_output_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluezone_harness.cli.files.sys", SimpleNamespace(stdout=None))
    result = run("session.toml")
    assert (result.exit_code, result.stderr) == (
        3,
        "bzc: standard output is closed: give the name of a file\n",
    )


def test_whose_device_file_it_writes_is_told() -> None:
    assert "device file of the app" in " ".join(run("--help").stdout.split())


def test_the_faults_are_listed() -> None:
    result = run("--list-faults")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(APP_FAULTS)


@pytest.mark.parametrize(
    ("app", "code"), [("correct", (0, 2)), ("any-length", (1,)), ("lower-case", (1,)), ("every-advert", (1,))]
)
@pytest.mark.req("BZ-LOG-002", "BZ-LOG-003", "BZ-RCV-002")
def test_the_log_is_judged_by_the_record(app: str, code: tuple[int, ...]) -> None:
    text = SCENARIO + '[[advert]]\nname = "short"\nkind = "eleven-octets"\n'
    Path("session.toml").write_text(text, "utf-8")
    assert (
        run("session.toml", "--app", app, "--write-log", "log.txt", "--write-device", "device.json").exit_code
        == 0
    )
    judged = CliRunner().invoke(
        bzc, ["check", "log.txt", "--scenario", "session.toml", "--device", "device.json"]
    )
    assert judged.exit_code in code, judged.output
