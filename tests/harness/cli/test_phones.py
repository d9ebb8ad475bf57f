"""``bzc phones``: what it refuses and says, and that a host can come, go, and come again."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc, phones
from bluezone_harness.virtual.ble import worlds
from bluezone_harness.virtual.ble.worlds import World

pytestmark = [
    pytest.mark.req("BZ-ADV-001"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals and sockets"),
]

BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
DEVICE = {"base_id": BASE_ID, "base_day": "2020-08-08"}
RESET = bytes.fromhex("01030c00")
RESET_DONE = bytes.fromhex("040e0401030c00")
"""Command Complete: one command more is taken, HCI_Reset, success."""
WAIT_S = 60


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(bzc, ["phones", *arguments])


def refused(result: Result, exit_code: int = 64) -> str:
    """Return the one line of a run that failed."""
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    assert result.stderr.startswith("bzc: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


async def _interrupted(world: World, transport: str) -> None:
    """Stand for a server that serves until Ctrl-C."""
    # once it has been said that it serves
    asyncio.get_running_loop().call_later(0.4, signal.raise_signal, signal.SIGINT)
    await asyncio.sleep(WAIT_S)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[World]:
    """Serve nothing really, and end by Ctrl-C; return the worlds that would have been served."""
    found: list[World] = []

    async def serve(world: World, transport: str) -> None:
        found.append(world)
        await _interrupted(world, transport)

    monkeypatch.setattr(worlds, "serve", serve)
    return found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--serve", "usb:0"), "--serve 'usb:0': give one of tcp-server, unix-server, ws-server, pty, vhci"),
        (("--serve", ""), "--serve '': give one of"),
        (("--serve", "tcp-server"), "give one such as tcp-server:127.0.0.1:6402"),
        (("--serve", "tcp-server:6402"), "give one such as tcp-server:127.0.0.1:6402"),
        (("--serve", "tcp-server:127.0.0.1:"), "give one such as tcp-server:127.0.0.1:6402"),
        (("--serve", "tcp-server:127.0.0.1:0"), "give one such as tcp-server:127.0.0.1:6402"),
        (("--serve", "tcp-server:127.0.0.1:65536"), "give one such as tcp-server:127.0.0.1:6402"),
        (("--serve", "ws-server:here"), "give one such as ws-server:127.0.0.1:6402"),
        (("--serve", "unix-server:"), "give one such as unix-server:phones.socket"),
        (("--serve", "pty"), "give one such as pty:phones.pty"),
        (("--strangers", "-1"), "--strangers -1: give 0 to 1000"),
        (("--strangers", "1001"), "--strangers 1001: give 0 to 1000"),
        (("--loss", "1"), "the loss is not from 0 to below 1; see 'bzc phones --help'"),
        (("--loss", "nan"), "the loss is not from 0 to below 1; see 'bzc phones --help'"),
        (("--fault", "grobnik"), "'grobnik' (see 'bzc simulate --list-faults')"),
        (("--platform", "windows"), "invalid value for '--platform'"),
        (("--seed", "x"), "--seed 'x': give a whole number"),
        (("--write-device", "here.json"), "'here.json' is there already: give --force to write over it"),
        (
            ("--device", "here.json", "--write-device", "here.json", "--force"),
            "--write-device 'here.json' is what is read, and would be lost: give another file",
        ),
        (("--device", "here.json", "--platform", "ios"), "--platform ios: the device file says android"),
        (("more",), "got unexpected extra argument (more)"),
    ],
)
def test_wrong_usage(arguments: Sequence[str], says: str, served: list[World]) -> None:
    Path("here.json").write_text(json.dumps({**DEVICE, "platform": "android"}))
    before = Path("here.json").read_bytes()
    assert says in refused(run(*arguments))
    assert Path("here.json").read_bytes() == before
    assert [each.name for each in Path().iterdir()] == ["here.json"]
    assert not served


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--device", "nowhere.json"), "nowhere.json: it cannot be read, no such file or directory"),
        (("--device", "empty.json"), "empty.json: the file is empty: check how it was made"),
        (("--device", "list.json"), "list.json: "),
        (("--write-device", "nowhere/device.json"), "'nowhere/device.json' cannot be written, "),
    ],
)
def test_files_that_cannot_be_read_or_written(
    arguments: Sequence[str], says: str, served: list[World]
) -> None:
    Path("empty.json").touch()
    Path("list.json").write_text("[]")
    assert says in refused(run(*arguments), 3)
    assert not served


def test_without_bumble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phones, "find_spec", lambda name: None)
    assert refused(run()) == "bzc: virtual phones take bumble: pip install 'bluezone-conformance[hci]'\n"


def test_what_is_played_and_told(served: list[World]) -> None:
    done = run("--fault", "slot-late", "--strangers", "2", "--write-device", "device.json", "--loss", "0.5")
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    first, second = done.stderr.splitlines()
    assert first == "bzc: device file device.json"
    assert second.startswith("bzc: phone (android, slot-late) and 2 strangers, from 20")
    assert second.endswith("; a controller that hears them: tcp-server:127.0.0.1:6402; Ctrl-C ends")
    (world,) = served
    assert [each.name for each in world.plan.phones] == ["phone", "stranger 1", "stranger 2"]
    assert [each.platform for each in world.plan.phones] == ["android", "android", "ios"]
    assert world.plan.loss == 0.5
    # its owner hands over the phone's, and no stranger's
    told = json.loads(Path("device.json").read_bytes())
    (device,) = told.get("devices", (told,))
    assert (device["name"], device["platform"]) == ("phone", "android")
    assert device["bases"][0]["base_id"] == world.plan.phones[0].base_id.hex()


def test_a_phone_of_a_device_file(served: list[World]) -> None:
    Path("own.json").write_text(json.dumps(DEVICE))
    Path("device.json").write_bytes(b"old")
    done = run(
        *("--device", "own.json", "--platform", "ios", "--strangers", "1"),
        *("--write-device", "device.json", "--force"),
    )
    assert done.exit_code == 0, done.output
    assert "(ios) and 1 stranger, from 20" in done.stderr
    assert served[0].plan.phones[0].base_id == bytes.fromhex(BASE_ID)
    assert BASE_ID in Path("device.json").read_text()


def test_the_device_file_on_standard_output(served: list[World]) -> None:
    done = run("--write-device", "-")
    assert done.exit_code == 0
    assert served[0].plan.phones[0].base_id.hex() in done.stdout


def test_a_host_comes_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts: list[str] = []

    async def serve(world: World, transport: str) -> None:
        hosts.append(transport)
        if len(hosts) == 3:
            await _interrupted(world, transport)

    monkeypatch.setattr(worlds, "serve", serve)
    done = run("--serve", "unix-server:phones.socket")
    assert done.exit_code == 0
    assert hosts == ["unix-server:phones.socket"] * 3
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("transport", "error", "says"),
    [
        ("tcp-server:_:6402", OSError(errno.EADDRINUSE, "x"), "another program is served there, or a file"),
        ("tcp-server:8.8.8.8:6402", OSError(errno.EADDRNOTAVAIL, "x"), "this computer has no such address"),
        ("tcp-server:8.8.8.8:6402", OSError("could not\nbind"), "could not bind: give another place, such"),
        ("tcp-server:_:1", PermissionError(errno.EACCES, "x"), "this user is not allowed to: give another"),
        ("tcp-server:no:1", socket.gaierror(-2, "x"), "there is no host of that name: give an address"),
        ("unix-server:no/x", FileNotFoundError(errno.ENOENT, "x"), "there is no such folder: check the path"),
        ("pty:x", FileExistsError(errno.EEXIST, "x"), "something is there already: give another path"),
        ("vhci", FileNotFoundError(errno.ENOENT, "x"), "load the kernel's module hci_vhci, as root"),
        ("vhci", PermissionError(errno.EACCES, "x"), "load the kernel's module hci_vhci, as root"),
        ("pty:x", OSError(errno.EMFILE, "x"), f"{os.strerror(errno.EMFILE).lower()}: give another place"),
        ("ws-server:_:1", ModuleNotFoundError("No module named 'websockets'"), "No module named"),
        ("ws-server:_:1", RuntimeError(), "RuntimeError: give another place"),
    ],
)
def test_what_cannot_be_served(
    transport: str, error: Exception, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(world: World, transport: str) -> NoReturn:
        raise error

    monkeypatch.setattr(worlds, "serve", serve)
    sentence = refused(run("--serve", transport), 3)
    assert sentence.startswith(f"bzc: {transport} cannot be served: ")
    assert says in sentence


@pytest.mark.parametrize(
    ("transport", "says"),
    [
        ("unix-server:nowhere/phones.socket", "there is no such folder: check the path"),
        ("unix-server:file", "another program is served there, or a file is there: give another place"),
    ],
)
def test_places_that_are_not_free(transport: str, says: str) -> None:
    Path("file").touch()
    assert says in refused(run("--serve", transport), 3)


def told_by(path: str, octets: bytes, *, waits: bool = True) -> bytes:
    """Connect as a host, send octets, and return what comes first; a host that waits for nothing goes at once."""
    end_s = time.monotonic() + WAIT_S
    while True:
        with socket.socket(socket.AF_UNIX) as host:
            host.settimeout(WAIT_S)
            try:
                host.connect(path)
            except OSError:  # it is served anew in a moment
                assert time.monotonic() < end_s
                time.sleep(0.02)
                continue
            host.sendall(octets)
            return host.recv(len(RESET_DONE)) if waits else b""


def test_hosts_come_and_go_and_one_talks_nonsense(
    begun: Callable[..., tuple[subprocess.Popen[bytes], str, bytes]],
) -> None:
    process, path, said = begun("phones")
    assert told_by(path, RESET) == RESET_DONE
    told_by(path, b"GET / HTTP/1.1\r\n\r\n", waits=False)
    told_by(path, b"", waits=False)
    assert told_by(path, RESET) == RESET_DONE
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WAIT_S)
    # of a host that talks nonsense, too, nothing is said
    assert (process.returncode, out, err) == (0, b"", b"")
    assert said.startswith(b"bzc: phone (android), from 20")


@pytest.mark.long
@pytest.mark.req("BZ-GAT-002")
def test_phones_are_heard_and_read_by_sniff(
    tmp_path: Path, begun: Callable[..., tuple[subprocess.Popen[bytes], str, bytes]]
) -> None:
    _, path, _ = begun("phones", "--platform", "ios", "--strangers", "2", "--write-device", "device.json")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bluezone_harness", "sniff", "--hci", f"unix:{path}", "--gatt"),
            *("--device", "device.json", "--until", "20s", "--out", "desk.jsonl", "--json"),
        ],
        cwd=tmp_path,
        capture_output=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    found = json.loads(done.stdout)
    judged = {each["id"]: each["verdict"] for each in found["requirements"]}
    assert judged["BZ-GAT-001"] == "pass"
    assert judged["BZ-GAT-002"] == "pass"
    assert "fail" not in judged.values()
    lines = [json.loads(line) for line in (tmp_path / "desk.jsonl").read_bytes().splitlines()]
    assert {"advert", "gatt_services", "gatt_read", "disconnect"} <= {each.get("kind") for each in lines}
    assert lines[-1]["reason"] == "it was listened for 20 s"
