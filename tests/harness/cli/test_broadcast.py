"""``bzc broadcast``: what it refuses, writes and says, and that a record is whole whatever ends it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import NoReturn, cast

import pytest
from bumble.controller import Controller
from bumble.device import Device, DeviceConfiguration
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink
from click.testing import CliRunner, Result

from bluezone_harness.cli import broadcast, broadcasts, bzc
from bluezone_harness.live import controllers
from bluezone_harness.live.attached import Attached, PacketSource
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.live.recorder import RawFile, new_file
from bluezone_harness.virtual.ble import worlds
from bluezone_harness.virtual.ble.worlds import World

pytestmark = [
    pytest.mark.req("BZ-RCV-001"),
    pytest.mark.usefixtures("own_folder"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals and sockets"),
]

SCENARIO = """\
schema = 1
seed = 7
duration = "2 s"
[[phone]]
name = "An"
app = "open"
[[phone]]
name = "Binh"
platform = "ios"
[[advert]]
name = "x"
kind = "wrong-company"
"""
WAIT_S = 60
BROADCAST = (sys.executable, "-m", "bluezone_harness", "broadcast")
Line = dict[str, object]


@pytest.fixture(autouse=True)
def _scenario(own_folder: None) -> None:
    Path("session.toml").write_text(SCENARIO)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(bzc, ["broadcast", *arguments])


def refused(result: Result, exit_code: int = 64) -> str:
    """Return the one line of a run that failed."""
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    assert result.stderr.startswith("bzc: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def lines(path: str = "session.record.jsonl") -> list[Line]:
    return [json.loads(each) for each in Path(path).read_bytes().splitlines()]


def whole(path: str = "session.record.jsonl") -> list[Line]:
    """Return the lines of a record that is whole: whatever began has ended."""
    found = lines(path)
    begun = [each["set"] for each in found if each.get("kind") == "on_air"]
    assert begun
    assert sorted(begun, key=str) == sorted(
        (each["set"] for each in found if each.get("kind") == "off_air"), key=str
    )
    assert found[-1]["kind"] == "end"
    return found


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[World]:
    """Serve nothing really; return the worlds that would have been served."""
    found: list[World] = []

    async def serve(world: World, transport: str) -> None:
        found.append(world)
        await asyncio.sleep(WAIT_S)

    monkeypatch.setattr(worlds, "serve", serve)
    return found


Opened = Callable[[str, bytes], AbstractAsyncContextManager[Attached]]


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> list[Controller]:
    """Have a stock controller in place of whichever is named."""
    made: list[Controller] = []

    @asynccontextmanager
    async def opened(name: str, own_address: bytes) -> AsyncIterator[Attached]:
        controller = Controller("stock", link=LocalLink())  # type: ignore[no-untyped-call] # stock's
        made.append(controller)
        host = Host(controller, AsyncPipeSink(controller))
        device = Device(config=DeviceConfiguration(address=Address(own_address[::-1])), host=host)
        yield Attached(device, cast(PacketSource, controller), None)

    monkeypatch.setattr(controllers, "opened", opened)
    return made


# What is refused


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
def test_wrong_usage(arguments: tuple[str, ...], says: str) -> None:
    Path("there").touch()
    Path("folder").mkdir()
    assert says in refused(run(*arguments))
    assert Path("session.toml").read_text() == SCENARIO
    assert not Path("session.record.jsonl").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("schema = 2", "session.toml"),
        ("", "session.toml: the file is empty"),
        (
            SCENARIO + f"# {'#' * 65_536}\n",
            "it is longer than a line of a record can be: give one below 60 KiB",
        ),
        (
            SCENARIO.replace('name = "An"', 'name = "An"\nbase_day = "2999-01-01"'),
            "the base day of An is after the start",
        ),
    ],
)
def test_what_is_no_scenario(text: str, says: str) -> None:
    Path("session.toml").write_text(text)
    assert says in refused(run("session.toml"), 3)


@pytest.mark.parametrize("path", [".", "..", "/"])
def test_a_folder_is_no_scenario(path: str) -> None:
    assert "it cannot be read, is a directory: give a file" in refused(run(path), 3)


def test_a_scenario_that_is_not_there() -> None:
    assert "no.toml: it cannot be read" in refused(run("no.toml"), 3)


def test_without_bumble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "find_spec", lambda name: None)
    assert "a broadcast takes bumble: pip install 'bluezone-conformance[hci]'" in refused(run("session.toml"))


@pytest.mark.parametrize(("name", "hours"), [("full", 0.75), ("second-day", 25)])
def test_examples_can_be_read(name: str, hours: float) -> None:
    from bluezone_harness.virtual.scenarios.reading import read_scenario

    result = run("--example", name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert read_scenario("example.toml", result.stdout.encode()).duration_ms == hours * 3_600_000
    assert name != "full" or run("--example").stdout == result.stdout


# The virtual air


def test_a_scene_is_served_and_recorded(served: list[World]) -> None:
    text = SCENARIO.replace("2 s", "500 ms")
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


def test_a_duration_ends_earlier(served: list[World]) -> None:
    result = run("session.toml", "--duration", "0.3 s", "--record", "r.jsonl", "--serve", "vhci")
    assert result.exit_code == 0
    assert "bzc: it was played for 300 ms; 4 advertising sets" in result.stderr
    found = whole("r.jsonl")
    assert found[-1]["reason"] == "it was played for 300 ms"
    assert not Path("session.record.jsonl").exists()


def test_force_writes_over_what_is_there(served: list[World]) -> None:
    Path("session.record.jsonl").write_text("old")
    Path("device.json").write_text("old")
    run("session.toml", "--duration", "0.3s", "--force", "--serve", "vhci", "--write-device", "device.json")
    whole()
    assert Path("device.json").read_text() != "old"


def test_two_broadcasts_do_not_write_into_one_file(
    served: list[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("session.record.jsonl").open("wb") as other:

        def made(path: Path, *, overwrite: bool) -> RawFile:
            file = new_file(path, overwrite=overwrite)
            other.write(b"x" * 100_000)
            other.flush()
            return file

        monkeypatch.setattr(broadcast, "new_file", made)
        assert run("session.toml", "--duration", "0.3s", "--force", "--serve", "vhci").exit_code == 0
    whole()
    assert b"xxx" not in Path("session.record.jsonl").read_bytes()


def test_a_record_behind_a_link_is_written_there(served: list[World]) -> None:
    Path("there.jsonl").write_text("old")
    Path("session.record.jsonl").symlink_to("there.jsonl")
    run("session.toml", "--duration", "0.3s", "--force", "--serve", "vhci")
    whole("there.jsonl")
    assert Path("session.record.jsonl").is_symlink()


def test_a_scenario_with_a_start_is_played_now(served: list[World]) -> None:
    text = SCENARIO.replace("seed = 7", 'seed = 7\nstart = "2020-08-08T00:00:00Z"')
    result = CliRunner().invoke(
        bzc, ["broadcast", "-", "--record", "r.jsonl", "--duration", "0.3s", "--serve", "vhci"], input=text
    )
    said = result.stderr.splitlines()[0]
    assert said == (
        "bzc: the scenario names 2020-08-08T00:00:00.000+00:00, and is played from now on instead"
    )
    assert "judge a contact log: bzc check LOG --scenario SCENARIO" in result.stderr
    assert int(str(whole("r.jsonl")[1]["time_us"])) > 1_700_000_000_000_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_interrupts_has_a_whole_record(
    served: list[World], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = broadcasts._show

    async def interrupted(*arguments: object) -> None:
        asyncio.get_running_loop().call_later(0.1, signal.raise_signal, number)
        await show(*arguments)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(broadcasts, "_show", interrupted)
    result = run("session.toml", "--serve", "vhci")
    assert result.exit_code == 130
    assert "bzc: somebody interrupted; 4 advertising sets and 0 reads recorded" in result.stderr
    assert whole()[-1]["reason"] == "somebody interrupted"


def test_who_interrupts_at_once_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(world: World, transport: str) -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(WAIT_S)

    monkeypatch.setattr(worlds, "serve", serve)
    assert refused(run("session.toml", "--serve", "vhci"), 130) == "bzc: interrupted\n"
    assert not Path("session.record.jsonl").exists()


def test_what_cannot_be_served_leaves_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(world: World, transport: str) -> NoReturn:
        raise PermissionError(errno.EACCES, "x")

    monkeypatch.setattr(worlds, "serve", serve)
    says = "vhci cannot be served: this system has no virtual HCI: load the kernel's module hci_vhci, as root"
    assert says in refused(run("session.toml", "--serve", "vhci"), 3)
    assert not Path("session.record.jsonl").exists()


class _Full:
    """A disk that takes nothing, or only a record's first lines."""

    def __init__(self, taken: int) -> None:
        self.left = taken

    def write(self, octets: memoryview) -> int:
        if not self.left:
            raise OSError(errno.ENOSPC, "x")
        self.left -= 1
        return len(octets)

    def tell(self) -> int:
        return 0

    def seek(self, offset: int, start: int = 0) -> int:
        return 0

    def truncate(self, size: int | None = None) -> int:
        return 0

    def close(self) -> None:
        pass


@pytest.mark.parametrize("mode", ["--serve=vhci", "--hci=usb:0"])
@pytest.mark.parametrize(("taken", "told"), [(0, 1), (1, 3)])
def test_a_disk_that_is_full(
    mode: str,
    taken: int,
    told: int,
    served: list[World],
    stock: list[Controller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broadcast, "new_file", lambda path, *, overwrite: _Full(taken))
    result = run("session.toml", mode)
    assert result.exit_code == 3
    said = result.stderr.splitlines()
    assert len(said) == told
    assert said[-1] == "bzc: the recording: the disk is full: make room" or "the disk is full" in said[-1]
    assert told == 1 or "the record failed; " in said[1]


@pytest.mark.parametrize("mode", ["--serve=vhci", "--hci=usb:0"])
def test_a_record_that_cannot_be_made(
    mode: str, served: list[World], stock: list[Controller], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path, *, overwrite: bool) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(broadcast, "new_file", denied)
    says = "'session.record.jsonl' cannot be written, permission denied: give another --record"
    assert says in refused(run("session.toml", mode), 3)


def test_a_terminal_shows_what_is_on_the_air(served: list[World], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcasts, "_is_terminal", lambda: True)
    monkeypatch.setattr(broadcasts, "_SHOW_S", 0.02)
    result = run("session.toml", "--serve", "vhci", "--duration", "1.5s")
    shown = [each for each in result.stderr.split("\r") if "left" in each]
    assert any(" left; 0 reads; on the air: An, Binh, x" in each for each in shown)


def test_nobody_reads_what_is_said(served: list[World], monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
        said.append(text)
        if len(said) < 4:
            raise BrokenPipeError

    monkeypatch.setattr(broadcasts, "_is_terminal", lambda: True)
    monkeypatch.setattr(broadcasts, "_SHOW_S", 0.1)
    monkeypatch.setattr("click.echo", echo)
    run("session.toml", "--serve", "vhci", "--duration", "1.5 s")
    assert whole()[-1]["reason"] == "it was played for 1 s 500 ms"
    assert len(said) > 4


@pytest.mark.parametrize("module", ["cli.broadcast", "live.broadcasting", "cli.served"])
def test_nothing_heavy_is_imported_before_it_is_played(module: str) -> None:
    code = (
        f"import sys, bluezone_harness.{module}; print(*{{'bumble', 'bleak', 'scapy'}} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b""


def test_many_are_named_in_short() -> None:
    from bluezone_harness.virtual.phones import Sender, drawn_phone

    phones = [Sender(name, drawn_phone(name, "android", 0, 1), iter(()), Random(1)) for name in "abcdefgh"]
    assert broadcasts._who(phones) == "a, b, c, d, e, f, ..."
    assert broadcasts._who([]) == "nobody"
    assert broadcasts._who([phones[0]._replace(phone=None)]) == "1 other sender"


# A controller of one's own


def test_a_controller_sends_and_the_record_says_so(stock: list[Controller]) -> None:
    result = run("session.toml", "--hci", "usb:0", "--write-device", "device.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert " for 2 s, sent by usb:0; Ctrl-C ends" in result.stderr
    assert "the scenario was played to its end; " in result.stderr
    found = whole()
    assert {each["sender"] for each in found if each.get("kind") == "on_air"} == {"An", "Binh", "x"}
    assert Path("device.json").exists()
    assert len(stock) == 1


def test_a_controller_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_what_names_no_controller(name: str, says: str) -> None:
    assert says in refused(run("session.toml", "--hci", name), 3)


def test_an_interrupt_ends_sending(stock: list[Controller], monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*arguments: object) -> None:
        asyncio.get_running_loop().call_later(0.3, signal.raise_signal, signal.SIGINT)
        await asyncio.sleep(WAIT_S)

    monkeypatch.setattr(broadcasts, "_show", interrupted)
    result = run("session.toml", "--hci", "usb:0")
    assert result.exit_code == 130
    assert whole()[-1]["reason"] == "somebody interrupted"
    assert not any(each.enabled for each in stock[0].advertising_sets.values())


# Processes


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], str]]]:
    """Return a function that broadcasts in a process, and gives it and where it is served."""
    with tempfile.TemporaryDirectory() as short:  # the path of a socket is not long
        started: list[subprocess.Popen[bytes]] = []

        def begin(*arguments: str) -> tuple[subprocess.Popen[bytes], str]:
            path = f"{short}/{len(started)}"
            process = subprocess.Popen(
                [*BROADCAST, *arguments, "--serve", f"unix-server:{path}"],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            started.append(process)
            assert process.stderr is not None
            said = b""
            while b"Ctrl-C" not in said:
                line = process.stderr.readline()
                assert line, said
                said += line
            return process, path

        yield begin
        for process in started:
            process.kill()
            process.communicate()


def test_ctrl_c_in_a_process(begun: Callable[..., tuple[subprocess.Popen[bytes], str]]) -> None:
    Path("long.toml").write_text(SCENARIO.replace("2 s", "20 min"))
    process, _ = begun("long.toml")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (130, b"")
    assert err.startswith(b"bzc: somebody interrupted; ")
    assert whole("long.record.jsonl")[-1]["reason"] == "somebody interrupted"


STEP_MS = 40
SCAN = bytes.fromhex("010c20020100")
"""HCI_LE_Set_Scan_Enable: on, all reports."""


def heard_until_killed(process: subprocess.Popen[bytes], path: str, for_s: float) -> dict[bytes, list[float]]:
    """Hear as a host until the process is killed; return when AdvData were heard first, and when anything was last."""
    found: dict[bytes, list[float]] = {}
    with socket.socket(socket.AF_UNIX) as host:
        host.settimeout(WAIT_S)
        host.connect(path)
        host.sendall(SCAN)
        end_s = time.monotonic() + for_s
        rest = b""
        while time.monotonic() < end_s:
            rest += host.recv(65_536)
            now_s = time.monotonic()
            while len(rest) > 2 and len(rest) >= 3 + rest[2]:
                event, rest = rest[: 3 + rest[2]], rest[3 + rest[2] :]
                if event[:2] == b"\x04\x3e" and event[3] == 2:
                    found.setdefault(event[14:-1], [now_s, now_s])[1] = now_s
        os.kill(process.pid, signal.SIGKILL)
        process.wait(WAIT_S)
    return found


@pytest.mark.long
def test_a_kill_loses_half_a_second_at_most(
    begun: Callable[..., tuple[subprocess.Popen[bytes], str]],
) -> None:
    adverts = "".join(
        f'[[advert]]\nname = "{number}"\nad = "03ff{number:04x}"\ninterval = "20 ms"\n'
        f'from = "{number * STEP_MS} ms"\nto = "{(number + 1) * STEP_MS} ms"\n'
        for number in range(400)
    )
    Path("dense.toml").write_text(f'schema = 1\nduration = "20 s"\n{adverts}')
    random = Random(8)
    for _ in range(4):
        process, path = begun("dense.toml", "--force")
        heard = heard_until_killed(process, path, 0.7 + 0.6 * random.random())
        last_s = max(last for _, last in heard.values())
        told = lines("dense.record.jsonl")  # every line is whole
        assert told[-1].get("kind") != "end"
        recorded = {bytes.fromhex(str(each["ad"])) for each in told if each.get("kind") == "on_air"}
        due = {ad for ad, (first, _) in heard.items() if last_s - first > 0.5}
        assert due
        assert due <= recorded, sorted(due - recorded)
        assert len(heard) > 8


CONTROLLER = """
import asyncio, sys
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport import open_transport

async def main():
    async with await open_transport("tcp-server:127.0.0.1:" + sys.argv[1]) as transport:
        controller = Controller("stock", host_source=transport.source, host_sink=transport.sink, link=LocalLink())
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.long
def test_a_stock_controller_in_another_process(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as controller:
        try:
            assert controller.stdout is not None
            assert controller.stdout.readline() == b"ready\n"
            done = subprocess.run(
                [*BROADCAST, "session.toml", "--hci", f"tcp-client:127.0.0.1:{port}"],
                cwd=tmp_path,
                capture_output=True,
                timeout=WAIT_S,
                check=False,
            )
        finally:
            controller.kill()
    assert done.returncode == 0, done.stderr
    assert {each["sender"] for each in whole() if each.get("kind") == "on_air"} == {"An", "Binh", "x"}
    assert b"Traceback" not in done.stderr


@pytest.mark.req("BZ-PRV-009")
def test_a_private_conversion_holds_nothing_of_a_record(served: list[World]) -> None:
    run("session.toml", "--serve", "vhci", "--duration", "0.3 s")
    arguments = ["convert", "session.record.jsonl", "--private", "--out", "private.jsonl"]
    assert CliRunner().invoke(bzc, arguments).exit_code == 0
    header, end = lines("private.jsonl")
    assert header["capabilities"] == {"true_ids": "no"}
    assert end["kind"] == "end"
    again = ["convert", "session.record.jsonl", "--out", "again.jsonl"]
    assert CliRunner().invoke(bzc, again).exit_code == 0
    assert lines("again.jsonl")[1:-1] == lines()[1:-1]
