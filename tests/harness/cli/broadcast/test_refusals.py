"""What ``bzc broadcast`` refuses: wrong arguments, scenarios, controllers and places, each in one line."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from bumble.controller import Controller
from click.testing import Result

from bluezone_harness.cli import broadcast
from bluezone_harness.live import controllers
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.virtual.ble import worlds
from bluezone_harness.virtual.ble.worlds import World

pytestmark = [
    pytest.mark.req("BZ-RCV-001"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals and sockets"),
]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give a scenario, such as session.toml; 'bzc broadcast --example' prints one"),
        (("session.toml", "--serve", "vhci", "--hci", "usb:0"), "--serve and --hci are two airs: give one"),
        (("session.toml", "--serve", "usb:0"), "--serve 'usb:0': give one of tcp-server, unix-server"),
        (("session.toml", "--serve", "tcp-server:6402"), "that is no complete name, give one such as"),
        (("session.toml", "--duration", "soon"), '--duration "soon": give a duration such as 20min'),
        (("session.toml", "--duration", "5000"), '--duration "5000": give a duration such as 20min'),
        (("session.toml", "--duration", "3s"), "--duration is longer than the scenario: leave it out"),
        (("session.toml", "--record", "-"), "--record: the record is a file, so that it can be judged"),
        (("session.toml", "--record", "no/r"), "--record: there is no folder 'no': make it, or check"),
        (("session.toml", "--record", "folder"), "--record: 'folder' is a folder: give the name of a file"),
        (("session.toml", "--record", ""), "--record: give the name of a file"),
        (("session.toml", "--record", "there"), "'there' is there already: give --force to write over it"),
        (("session.toml", "--record", "session.toml", "--force"), "is what is read, and would be lost"),
        (("session.toml", "--write-device", "session.toml"), "is what is read, and would be lost"),
        (("session.toml", "--write-device", "there"), "'there' is there already: give --force"),
        (("session.toml", "--record", "r", "--write-device", "./r"), "--write-device is the record"),
        (("-",), "a scenario from standard input has no place beside it: give --record"),
        (("--example", "full", "session.toml"), "--example prints a scenario, and plays none"),
        (("--example", "full", "--hci", "usb:0"), "--example prints a scenario, and plays none"),
        (("--example", "third"), "is not one of 'full', 'second-day'"),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...],
    says: str,
    scenario: str,
    run: Callable[..., Result],
    refused: Callable[..., str],
) -> None:
    Path("there").touch()
    Path("folder").mkdir()
    assert says in refused(run(*arguments))
    assert Path("session.toml").read_text() == scenario
    assert not Path("session.record.jsonl").exists()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (lambda text: "schema = 2", "session.toml"),
        (lambda text: "", "session.toml: the file is empty"),
        (
            lambda text: text + f"# {'#' * 65_536}\n",
            "it is longer than a line of a record can be: give one below 60 KiB",
        ),
        (
            lambda text: text.replace('name = "An"', 'name = "An"\nbase_day = "2999-01-01"'),
            "the base day of An is after the start",
        ),
    ],
    ids=["another schema", "empty", "too long", "base day"],
)
def test_what_is_no_scenario(
    changed: Callable[[str], str],
    says: str,
    scenario: str,
    run: Callable[..., Result],
    refused: Callable[..., str],
) -> None:
    Path("session.toml").write_text(changed(scenario))
    assert says in refused(run("session.toml"), 3)


@pytest.mark.parametrize("path", [".", "..", "/"])
def test_a_folder_is_no_scenario(path: str, run: Callable[..., Result], refused: Callable[..., str]) -> None:
    assert "it cannot be read, is a directory: give a file" in refused(run(path), 3)


def test_a_scenario_that_is_not_there(run: Callable[..., Result], refused: Callable[..., str]) -> None:
    assert "no.toml: it cannot be read" in refused(run("no.toml"), 3)


def test_without_bumble(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Result], refused: Callable[..., str]
) -> None:
    monkeypatch.setattr(broadcast, "find_spec", lambda name: None)
    assert "a broadcast takes bumble: pip install 'bluezone-conformance[hci]'" in refused(run("session.toml"))


def test_what_cannot_be_served_leaves_no_record(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Result], refused: Callable[..., str]
) -> None:
    async def serve(world: World, transport: str) -> NoReturn:
        raise PermissionError(errno.EACCES, "x")

    monkeypatch.setattr(worlds, "serve", serve)
    says = "vhci cannot be served: this system has no virtual HCI: load the kernel's module hci_vhci, as root"
    assert says in refused(run("session.toml", "--serve", "vhci"), 3)
    assert not Path("session.record.jsonl").exists()


@pytest.mark.parametrize("mode", ["--serve=vhci", "--hci=usb:0"])
def test_a_record_that_cannot_be_made(
    mode: str,
    served: list[World],
    stock: list[Controller],
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Result],
    refused: Callable[..., str],
) -> None:
    def denied(path: Path, *, overwrite: bool) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(broadcast, "new_file", denied)
    says = "'session.record.jsonl' cannot be written, permission denied: give another --record"
    assert says in refused(run("session.toml", mode), 3)


def test_a_controller_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Result], refused: Callable[..., str]
) -> None:
    def opened(name: str, own_address: bytes) -> NoReturn:
        raise ListenError(f"{name}: it is not there: plug it in", may_return=True)

    monkeypatch.setattr(controllers, "opened", opened)
    assert refused(run("session.toml", "--hci", "usb:0"), 3) == "bzc: usb:0: it is not there: plug it in\n"
    assert not Path("session.record.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nonsense", "'nonsense' names no controller: give one of usb, pyusb"),
        ("vhci", "vhci is the other end"),
    ],
)
def test_what_names_no_controller(
    name: str, says: str, run: Callable[..., Result], refused: Callable[..., str]
) -> None:
    assert says in refused(run("session.toml", "--hci", name), 3)
