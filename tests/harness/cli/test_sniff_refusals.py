"""``bzc sniff`` in this process: options that do not go together, and receivers that cannot listen."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc, inputs, live_receivers

pytestmark = [pytest.mark.req("BZ-ADV-001"), pytest.mark.usefixtures("short_search", "own_folder")]

DEVICE = {
    "base_id": "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084",
    "base_day": "2020-08-08",
}


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(bzc, ["sniff", *arguments], input=stdin)


def refused(result: Result, exit_code: int = 64) -> str:
    """Return the one line of a run that failed."""
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    assert result.stderr.startswith("bzc: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def folder() -> set[str]:
    return {each.name for each in Path().iterdir()}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-", "--hci", "usb:0"), "a stream and --hci are two receivers: give one"),
        (("-", "--adapter", "hci1"), "--adapter is for this computer's Bluetooth: leave it out"),
        (("--hci", "usb:0", "--adapter", "hci1"), "--adapter is for this computer's Bluetooth: leave it out"),
        (("--passive",), "--passive is for --hci: this computer's Bluetooth decides by itself"),
        (("-", "--gatt"), "--gatt takes a receiver that can connect: a stream cannot"),
        (("--key-file", "key"), "--key-file is for --private"),
        (("-", "--device", "-"), "standard input is the stream: give the other file by its name"),
        (
            ("-", "--private", "--key-file", "-"),
            "standard input is the stream: give the other file by its name",
        ),
        (
            ("--private", "--key-file", "-", "--device", "-"),
            "standard input can be read only once: give '-' once",
        ),
        (("-", "--until", "later"), "--until: give a duration such as 20min or 90s"),
        (
            ("-", "--out", "nowhere/desk.jsonl"),
            "--out: there is no folder 'nowhere': make it, or check the path",
        ),
        (
            ("-", "--out", "desk.pcapng"),
            "--out 'desk.pcapng': the recording is JSON Lines: give a name with .jsonl",
        ),
        (("-", "--out", "DESK.PcapNG"), "give a name with .jsonl"),
        (("-", "--out", "."), "give a name with .jsonl"),
        (("-", "--out", "-"), "--out: the recording is a file, so that it can be judged: give its name"),
        (("-", "--out", "here.jsonl"), "'here.jsonl' is there already: give --force to write over it"),
        (("-", "--out", "other.jsonl"), "'other.pcapng' is there already: give --force to write over it"),
        (("-", "--out", "folder", "--force"), "--out: 'folder' is a folder: give the name of a file"),
        (("-", "--address", "5A"), "--address '5A': give six octets, such as 5A:00:00:00:00:01"),
        (("-", "--private", "--key-file", "here.jsonl"), "--key-file: the key has 4 octets: give"),
        (
            ("-", "--device", "device.json", "--out", "device.json", "--force"),
            "--out 'device.json' is what is read, and would be lost: give another file",
        ),
        (("-", "--min-rssi", "x"), "invalid value for '--min-rssi'"),
        (("+",), "invalid value for '[-]'"),
    ],
)
def test_wrong_usage(arguments: Sequence[str], says: str, heard_pcap: Callable[..., bytes]) -> None:
    for name in ("here.jsonl", "other.pcapng"):
        Path(name).write_bytes(b"kept")
    Path("folder").mkdir()
    Path("device.json").write_text(json.dumps(DEVICE))
    before = folder()
    assert says in refused(run(*arguments, stdin=heard_pcap()))
    assert folder() == before
    assert Path("here.jsonl").read_bytes() == b"kept"
    assert json.loads(Path("device.json").read_text()) == DEVICE


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "device.json: it cannot be read, no such file or directory: check the path"),
        (b"", "device.json: the file is empty: check how it was made"),
        (b"[]", "device.json: "),
        (b'{"base_id": 4, "base_day": "2020-08-08"}', "device.json: "),
    ],
)
def test_a_device_file_that_cannot_be_read(
    content: bytes | None, says: str, heard_pcap: Callable[..., bytes]
) -> None:
    if content is not None:
        Path("device.json").write_bytes(content)
    before = folder()
    assert says in refused(run("-", "--device", "device.json", stdin=heard_pcap()), 3)
    assert folder() == before


@pytest.mark.parametrize("octets", [b"", b"no capture at all"])
def test_what_is_no_capture(octets: bytes) -> None:
    assert "standard input: " in refused(run("-", stdin=octets), 3)
    assert folder() == set()
    Path("desk.jsonl").write_bytes(b"old")
    # nor is anything written over by it
    refused(run("-", "--out", "desk.jsonl", "--force", stdin=octets), 3)
    assert Path("desk.jsonl").read_bytes() == b"old"


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "sys", SimpleNamespace(stdin=None))
    assert "standard input is closed: open it, or do not give '-'" in refused(run("-"))
    assert folder() == set()


@pytest.mark.parametrize("system", ["Java", ""])
def test_a_system_that_bleak_does_not_know(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    named = system or "this system"
    assert refused(run()) == f"bzc: bleak knows no Bluetooth of {named}: give a controller with --hci\n"


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_an_adapter_is_for_linux(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    assert "--adapter is for Linux: here the system chooses" in refused(run("--adapter", "hci1"))


@pytest.mark.req("BZ-GAT-001")
def test_on_a_mac_phones_are_read_by_a_controller_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert refused(run("--gatt")) == (
        "bzc: --gatt: macOS does not tell addresses, by which phones are told apart: "
        "give a controller with --hci, or leave --gatt out\n"
    )
    # by a controller it goes on to where there is none
    assert "names no controller" in refused(run("--gatt", "--hci", "nonsense"), 3)
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setattr(live_receivers, "find_spec", lambda name: None)
    assert "bleak" in refused(run("--gatt"))


def test_what_is_not_installed(monkeypatch: pytest.MonkeyPatch, heard_pcap: Callable[..., bytes]) -> None:
    monkeypatch.setattr(live_receivers, "find_spec", lambda name: None)
    assert refused(run("--hci", "usb:0")) == (
        "bzc: --hci takes bumble: pip install 'bluezone-conformance[hci]'\n"
    )
    assert refused(run()) == "bzc: this computer's Bluetooth takes bleak: pip install bleak\n"
    # a stream takes neither
    assert run("-", stdin=heard_pcap()).exit_code == 0


@pytest.mark.parametrize(
    ("controller", "says"),
    [
        ("nonsense", "'nonsense' names no controller: give one of usb, "),
        ("vhci", "vhci is the other end"),
        ("tcp-client:127.0.0.1:1", "tcp-client:127.0.0.1:1: nobody serves it there: "),
        ("serial:/nowhere", "serial:/nowhere: there is no such thing: check its name"),
        ("tcp-client", "'tcp-client' is no complete name of a controller: give one such as"),
    ],
)
def test_a_controller_that_is_not_there(controller: str, says: str) -> None:
    assert says in refused(run("--hci", controller), 3)
    assert folder() == set()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there may be Bluetooth")
@pytest.mark.parametrize("options", [(), ("--gatt",), ("--adapter", "hci7")])
def test_without_bluetooth(options: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    assert "Bluetooth" in refused(run(*options), 3)
    assert folder() == set()
