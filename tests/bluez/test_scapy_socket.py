"""``bzc sniff --hci-socket`` on the kernel's own socket: what it hears is what btmon saw, and why it is refused.

One session, which all tests look at: bluetoothd has the adapter, gives it away, the adapter is unplugged and comes
back, and at the end bluetoothd has it again.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bluezone_harness.live.hci_sockets import why_refused
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.live.scapy_socket import open_user_channel
from bluezone_harness.observations import AddressType, Advert, Gap, PduType
from bluezone_harness.sources import open_source

RECORDING = Path("/results/socket.jsonl")
MONITOR = Path("/results/socket.btsnoop")
BEFORE, AFTER = 150, 50
"""Adverts that are heard before the adapter is unplugged, and when it is back."""
BEGINNING = 20
"""So many in a row say where one record begins in the other."""
Said = tuple[bytes | None, AddressType | None, PduType | None, bytes | None, int | None]

IN_USE = (
    "hci0: the adapter is up, bluetoothd or another program uses it: turn it off by 'bluetoothctl power off' or "
    "'hciconfig hci0 down', and end other programs"
)


@dataclass(frozen=True)
class Listened:
    """The session: why the adapter was refused at each stage, and what was said and recorded."""

    refused: dict[str, str]
    unplugged_us: int
    exit_code: int
    said: str
    is_bluez_again: bool


def refusal() -> str:
    """Return why hci0 is not given; it is given back where it was."""
    try:
        open_user_channel(0).close()
    except ListenError as error:
        return str(error)
    return "it is given"


def told(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


@contextmanager
def blocked() -> Iterator[None]:
    """Block hci0, as its switch does."""
    (switch,) = Path("/sys/class/bluetooth/hci0").glob("rfkill*/soft")
    switch.write_text("1")
    try:
        yield
    finally:
        switch.write_text("0")


def refusal_of_nobody() -> str:
    """Return why hci0 is not given to a user without rights."""
    program = (
        "from bluezone_harness.live.scapy_socket import open_user_channel\n"
        "try: open_user_channel(0)\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run(
        ["python3", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        user=65534,
        group=65534,
        cwd="/",
    )
    return done.stdout.strip() or done.stderr


def lines() -> int:
    return RECORDING.read_bytes().count(b'"kind":"advert"') if RECORDING.exists() else 0


@pytest.fixture(scope="module")
def listened(
    bluetoothd: object, begin: Callable[..., Any], wait: Callable[..., None], is_up: Callable[[str], bool]
) -> Listened:
    # what an earlier run left
    for each in Path("/results").glob("socket*"):
        each.unlink()
    play = ("bzc", "phones", "--serve", "vhci", "--strangers", "6")

    def is_off() -> bool:
        told("bluetoothctl", "power", "off")
        return Path("/sys/class/bluetooth/hci0").exists() and not is_up("hci0")

    refused = {"no adapter": refusal()}
    phones = begin("socket-phones", *play)
    wait(lambda: is_up("hci0"), "hci0", alive=phones.process)
    refused["bluetoothd has it"] = refusal()
    wait(is_off, "hci0 to be off")
    refused["nobody asks"] = refusal_of_nobody()
    with blocked():
        refused["blocked"] = refusal()
    wait(is_off, "hci0 to be off again")
    btmon = begin("socket-btmon", "btmon", "-w", MONITOR)
    sniff = begin("socket-sniff", "bzc", "sniff", "--hci-socket", "0", "--out", RECORDING)
    wait(lambda: lines() > BEFORE, f"adverts: {sniff.text()}", alive=sniff.process)
    refused["another program has it"] = refusal()
    refused["the kernel is asked why"] = str(why_refused(0))
    unplugged_us = time.time_ns() // 1000
    phones.end()
    sniff.until_said("waiting for it")
    before = lines()
    phones = begin("socket-phones-again", *play)

    def is_heard() -> bool:
        if is_up("hci0") and "listening again" not in sniff.text():
            told("bluetoothctl", "power", "off")
        return lines() > before + AFTER

    wait(is_heard, f"adverts again: {sniff.text()}", alive=sniff.process)
    exit_code = sniff.end()
    btmon.end()
    told("bluetoothctl", "power", "on")
    is_bluez_again = is_up("hci0")
    phones.end()
    wait(lambda: not is_up("hci0"), "hci0 to be gone")
    return Listened(refused, unplugged_us, exit_code, sniff.text(), is_bluez_again)


def adverts(file: Path) -> list[tuple[int, Said]]:
    with file.open("rb") as octets:
        return [
            (each.time_us, (each.address, each.address_type, each.pdu, each.ad, each.rssi))
            for each in open_source(file.name, octets)
            if isinstance(each, Advert)
        ]


def test_what_is_heard_is_what_btmon_saw(listened: Listened) -> None:
    recorded, seen = adverts(RECORDING), adverts(MONITOR)
    for is_before in (True, False):
        heard = [said for time_us, said in recorded if (time_us < listened.unplugged_us) is is_before]
        there = [said for time_us, said in seen if (time_us < listened.unplugged_us) is is_before]
        assert len(heard) >= (BEFORE if is_before else AFTER) - 5
        # at either end one of them may have been told some more; bluetoothd, which turns on what is back, many
        begun = heard[:BEGINNING]
        late = next(number for number in range(len(there)) if there[number : number + len(begun)] == begun)
        assert late < 5 or not is_before
        common = min(len(heard), len(there) - late)
        assert common > len(heard) - 5
        assert heard[:common] == there[late : late + common]


def test_octets_kinds_and_addresses_are_told(listened: Listened) -> None:
    said = [each for _, each in adverts(RECORDING)]
    assert {pdu for _, _, pdu, _, _ in said} >= {PduType.ADV_IND, PduType.SCAN_RSP}
    assert {kind for _, kind, _, _, _ in said} <= {AddressType.RESOLVABLE, AddressType.NON_RESOLVABLE}
    android = [ad for _, _, _, ad, _ in said if ad and b"\x0f\xff\xb5\x22" in ad]
    assert android
    assert all(b"\x03\x03\x56\x4e" in ad for ad in android)


def test_the_packets_beside_it_say_the_same(listened: Listened) -> None:
    assert adverts(RECORDING.with_suffix(".pcapng")) == adverts(RECORDING)


def test_it_waits_for_an_adapter_that_is_unplugged(listened: Listened) -> None:
    assert listened.exit_code == 0
    assert "hci0: the adapter is gone: plug it in again; waiting for it\n" in listened.said
    assert "listening again" in listened.said
    assert "Traceback" not in listened.said
    with RECORDING.open("rb") as octets:
        gaps = [each for each in open_source("x", octets) if isinstance(each, Gap)]
    assert len(gaps) == 1


def test_why_it_is_refused(listened: Listened) -> None:
    assert listened.refused == {
        "no adapter": (
            "hci0: there is no such adapter: plug it in, or give one of those in /sys/class/bluetooth"
        ),
        "bluetoothd has it": IN_USE,
        "nobody asks": "hci0: who takes an adapter needs CAP_NET_ADMIN: run it as root",
        "blocked": "hci0: the adapter is blocked: run 'rfkill unblock bluetooth', or use its switch",
        "another program has it": IN_USE,
        "the kernel is asked why": IN_USE,
    }


def test_bluez_has_it_again(listened: Listened) -> None:
    assert listened.is_bluez_again
