"""``bzc broadcast`` on a virtual air and by a controller: what it plays, writes and says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from bumble.controller import Controller
from click.testing import CliRunner, Result

from bluezone_harness.cli import broadcasts, bzc
from bluezone_harness.virtual.ble.worlds import World

pytestmark = [
    pytest.mark.req("BZ-RCV-001"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals and sockets"),
]

Line = dict[str, object]


def test_a_scene_is_served_and_recorded(
    served: list[World], scenario: str, run: Callable[..., Result], whole: Callable[..., list[Line]]
) -> None:
    text = scenario.replace("2 s", "500 ms")
    Path("session.toml").write_text(text)
    result = run("session.toml", "--serve", "vhci", "--write-device", "device.json")
    assert (result.exit_code, result.stdout) == (0, "")
    first, second, third = result.stderr.splitlines()
    assert first.startswith("bzc: An, Binh and 1 other sender, from 20")
    assert first.endswith(" for 500 ms; a controller that hears them: vhci; Ctrl-C ends")
    assert second == (
        "bzc: the scenario was played to its end; 4 advertising sets and 0 reads recorded in session.record.jsonl"
    )
    assert third == "judge a contact log: bzc check LOG --scenario session.toml"
    found = whole()
    assert found[1]["sha256"] == sha256(text.encode()).hexdigest()
    assert found[-1]["reason"] == "the scenario was played to its end"
    assert len(served) == 1
    device = json.loads(Path("device.json").read_bytes())
    assert [each["name"] for each in device["devices"]] == ["An", "Binh"]


def test_a_controller_sends_and_the_record_says_so(
    stock: list[Controller],
    run: Callable[..., Result],
    whole: Callable[..., list[Line]],
    scenario: str,
) -> None:
    # three senders take turns, of up to a second each
    Path("session.toml").write_text(scenario.replace("2 s", "6 s"))
    result = run("session.toml", "--hci", "usb:0", "--write-device", "device.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert " for 6 s, sent by usb:0; Ctrl-C ends" in result.stderr
    assert "the scenario was played to its end; " in result.stderr
    found = whole()
    assert {each["sender"] for each in found if each.get("kind") == "on_air"} == {"An", "Binh", "x"}
    assert Path("device.json").exists()
    assert len(stock) == 1


def test_a_duration_ends_earlier(
    served: list[World], run: Callable[..., Result], whole: Callable[..., list[Line]]
) -> None:
    result = run("session.toml", "--duration", "0.3 s", "--record", "r.jsonl", "--serve", "vhci")
    assert result.exit_code == 0
    assert "bzc: it was played for 300 ms; 4 advertising sets" in result.stderr
    found = whole("r.jsonl")
    assert found[-1]["reason"] == "it was played for 300 ms"
    assert not Path("session.record.jsonl").exists()


def test_a_scenario_with_a_start_is_played_now(
    served: list[World], scenario: str, whole: Callable[..., list[Line]]
) -> None:
    text = scenario.replace("seed = 7", 'seed = 7\nstart = "2020-08-08T00:00:00Z"')
    result = CliRunner().invoke(
        bzc, ["broadcast", "-", "--record", "r.jsonl", "--duration", "0.3s", "--serve", "vhci"], input=text
    )
    said = result.stderr.splitlines()[0]
    assert said == (
        "bzc: the scenario names 2020-08-08T00:00:00.000+00:00, and is played from now on instead"
    )
    assert "judge a contact log: bzc check LOG --scenario SCENARIO" in result.stderr
    assert int(str(whole("r.jsonl")[1]["time_us"])) > 1_700_000_000_000_000


@pytest.mark.parametrize(("name", "hours"), [("full", 0.75), ("second-day", 25)])
def test_examples_can_be_read(name: str, hours: float, run: Callable[..., Result]) -> None:
    from bluezone_harness.virtual.scenarios.reading import read_scenario

    result = run("--example", name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert read_scenario("example.toml", result.stdout.encode()).duration_ms == hours * 3_600_000
    assert name != "full" or run("--example").stdout == result.stdout


def test_a_terminal_shows_what_is_on_the_air(
    served: list[World], monkeypatch: pytest.MonkeyPatch, run: Callable[..., Result]
) -> None:
    monkeypatch.setattr(broadcasts, "_is_terminal", lambda: True)
    monkeypatch.setattr(broadcasts, "_SHOW_S", 0.02)
    result = run("session.toml", "--serve", "vhci", "--duration", "1.5s")
    shown = [each for each in result.stderr.split("\r") if "left" in each]
    assert any(" left; 0 reads; on the air: An, Binh, x" in each for each in shown)


def test_many_are_named_in_short() -> None:
    from bluezone_harness.virtual.phones import Sender, drawn_phone

    phones = [Sender(name, drawn_phone(name, "android", 0, 1), iter(()), Random(1)) for name in "abcdefgh"]
    assert broadcasts._who(phones) == "a, b, c, d, e, f, ..."
    assert broadcasts._who([]) == "nobody"
    assert broadcasts._who([phones[0]._replace(phone=None)]) == "1 other sender"


@pytest.mark.parametrize("module", ["cli.broadcast", "live.broadcasting", "cli.served"])
def test_nothing_heavy_is_imported_before_it_is_played(module: str) -> None:
    code = (
        f"import sys, bluezone_harness.{module}; print(*{{'bumble', 'bleak', 'scapy'}} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b""
