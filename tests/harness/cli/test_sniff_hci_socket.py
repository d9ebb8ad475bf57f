"""``bzc sniff --hci-socket``: which adapters there can be, what does not go together, and what it lacks."""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc, live_receivers
from bluezone_harness.cli.doctor_receivers import found_ways
from bluezone_harness.cli.live_options import read_adapter
from bluezone_harness.live import scapy_socket
from bluezone_harness.live.receivers import ListenError

pytestmark = [pytest.mark.req("BZ-ADV-001"), pytest.mark.usefixtures("short_search", "own_folder")]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(bzc, ["sniff", *arguments])


def refused(result: Result, exit_code: int = 64) -> str:
    """Return the one line of a run that failed; nothing was recorded."""
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    assert result.stderr.startswith("bzc: ")
    assert result.stderr.count("\n") == 1
    assert list(Path().iterdir()) == []
    return result.stderr.removeprefix("bzc: ").rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--hci-socket", "0", "--hci", "usb:0"), "--hci-socket is a receiver by itself: give no other"),
        (("--hci-socket", "0", "-"), "--hci-socket is a receiver by itself: give no other"),
        (
            ("--hci-socket", "0", "--adapter", "hci0"),
            "--adapter is for this computer's Bluetooth: leave it out",
        ),
        (
            ("--hci-socket", "hci1", "--gatt"),
            "--gatt takes a receiver that can connect: give --hci hci-socket:N in place of --hci-socket",
        ),
    ],
)
def test_what_does_not_go_together(
    arguments: Sequence[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    assert refused(run(*arguments)) == says


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_it_is_for_linux(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    says = "--hci-socket is for Linux: give a controller with --hci, or leave it out"
    assert refused(run("--hci-socket", "0")) == says


@pytest.mark.parametrize(
    "name", ["", "hci", "eth0", "-1", "65535", "0x1", "1 ", "٣", "usb:0", "hcihci0", "9" * 5000]
)
def test_what_is_no_adapter(name: str) -> None:
    says = refused(run("--hci-socket", name))
    assert says.startswith("--hci-socket ")
    assert says.endswith(": give the number of an adapter, such as 0 for hci0")


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("hci0", 0), ("12", 12), ("hci65534", 65534)])
def test_what_is_one(text: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def opened(found: int) -> None:
        tried.append(found)
        raise ListenError(f"hci{found}: no")

    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(scapy_socket, "open_user_channel", opened)
    assert refused(run("--hci-socket", text, "--passive"), 3) == f"hci{number}: no"
    assert tried == [number]


def test_without_it_nothing_is_read() -> None:
    command = bzc.get_command(bzc.make_context("bzc", ["--help"], resilient_parsing=True), "sniff")
    assert command is not None
    (option,) = (each for each in command.params if each.name == "hci_socket")
    context = command.make_context("sniff", [], resilient_parsing=True)
    assert read_adapter(context, option, None) is None


def test_scapy_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> ModuleSpec | None:
        return None if name == "scapy" else importlib.util.find_spec(name)

    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(live_receivers, "find_spec", find)
    says = "--hci-socket takes scapy: pip install 'bluezone-conformance[scapy]'"
    assert refused(run("--hci-socket", "0")) == says


def test_the_doctor_tells_of_it() -> None:
    def version(name: str) -> str | None:
        return None if name == "scapy" else "1"

    (way,) = (each for each in found_ways("Linux", version) if "--hci-socket" in each.command)
    assert not way.works
    assert way.missing == ("scapy",)
    assert way.advice == "pip install 'bluezone-conformance[scapy]'"
    (way,) = (each for each in found_ways("Darwin", version) if "--hci-socket" in each.command)
    assert not way.works
