"""``bzc broadcast`` through the kernel's HCI, heard by BlueZ: its record agrees with what ``bzc sniff`` recorded.

Served: BlueZ's adapter is the broadcast's own controller. Sent: the broadcast takes an adapter of its own from the
kernel, as one would a dongle, and BlueZ hears it by another.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCENARIO = """\
schema = 1
title = "Both roles on one machine"
seed = 11
duration = "20 min"

[receiver]
platform = "android"
app = "open"

[[phone]]
name = "An"
platform = "android"
app = "open"

[[phone]]
name = "Binh"
platform = "ios"

[[advert]]
name = "another company"
kind = "wrong-company"
"""
COMPANY = "22b5"
APPLE = "004c"
HEADER = "0fffb522"
"""Of an Android phone's manufacturer data, in hex: 15 octets follow, of company 0x22B5, little-endian."""
ENOUGH_S = 150.0
LATE_US = 3_000_000


@dataclass(frozen=True)
class Played:
    """What was sent and what was heard, line by line, and how both ended."""

    sent: list[dict[str, Any]]
    heard: list[dict[str, Any]]
    codes: tuple[int, int]


@pytest.fixture(scope="module", params=["served", "sent"])
def played(
    request: pytest.FixtureRequest,
    bluetoothd: object,
    begin_for_module: Callable[..., Any],
    wait: Callable[..., None],
    is_up: Callable[[str], bool],
    recorded: Callable[[Path, str], list[dict[str, Any]]],
) -> Played:
    how = request.param
    scenario, record, recording = (
        Path("/results", f"broadcast-{how}{end}") for end in (".toml", ".record.jsonl", ".jsonl")
    )
    for each in (record, recording):
        each.unlink(missing_ok=True)
    scenario.write_text(SCENARIO, "utf-8")
    words = ["bzc", "broadcast", scenario, "--record", record]
    air = None
    if how == "served":
        broadcast = begin_for_module(f"broadcast-{how}", *words, "--serve", "vhci")
        wait(lambda: is_up("hci0"), "hci0", alive=broadcast.process)
    else:
        air = begin_for_module("broadcast-air", sys.executable, Path(__file__).with_name("two_adapters.py"))
        wait(lambda: is_up("hci0") and is_up("hci1"), "hci0 and hci1", alive=air.process)
        # who takes an adapter from the kernel finds it off
        subprocess.run(["hciconfig", "hci1", "down"], check=True)
        broadcast = begin_for_module(f"broadcast-{how}", *words, "--hci", "hci-socket:1")
    sniff = begin_for_module(
        f"broadcast-{how}-sniff", "bzc", "sniff", "--gatt", "--adapter", "hci0", "--out", recording
    )

    def is_enough() -> bool:
        companies = {
            each
            for line in recorded(recording, "advert")
            for each in line["fields"].get("manufacturer_data", {})
        }
        # an iPhone sends frames of Apple's, too
        others = companies - {COMPANY, APPLE}
        return COMPANY in companies and bool(others) and bool(recorded(recording, "gatt_read"))

    wait(is_enough, "two companies' adverts, and a read", ENOUGH_S, alive=sniff.process)
    codes = sniff.end(), broadcast.end()
    if air is not None:
        air.end()
    wait(lambda: not is_up("hci0"), "hci0 to be gone")
    return Played(recorded(record, ""), recorded(recording, ""), codes)


def spans(sent: list[dict[str, Any]]) -> dict[str, list[tuple[int, int, str]]]:
    """Return from when, until when, and what was sent from each address."""
    ends = {line["set"]: line["time_us"] for line in sent if line["kind"] == "off_air"}
    last_us = max(line.get("time_us", 0) for line in sent)
    found: dict[str, list[tuple[int, int, str]]] = {}
    for line in sent:
        if line["kind"] == "on_air":
            span = (line["time_us"], ends.get(line["set"], last_us), line["ad"])
            found.setdefault(line["address"], []).append(span)
    return found


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-003")
def test_what_was_heard_was_sent_then(played: Played) -> None:
    on_air = spans(played.sent)
    adverts = [
        line
        for line in played.heard
        if line["kind"] == "advert" and COMPANY in line["fields"].get("manufacturer_data", {})
    ]
    assert adverts
    for line in adverts:
        sent = HEADER + line["fields"]["manufacturer_data"][COMPANY]
        assert any(
            from_us - LATE_US <= line["time_us"] <= until_us + LATE_US and sent in ad
            for from_us, until_us, ad in on_air[line["address"]]
        ), line


def test_another_companys_advert_was_heard_as_it_was_sent(played: Played) -> None:
    sent = {line["address"] for line in played.sent if line.get("sender") == "another company"}
    heard = {
        line["address"]
        for line in played.heard
        if line["kind"] == "advert" and set(line["fields"].get("manufacturer_data", {})) - {COMPANY, APPLE}
    }
    assert heard
    assert heard <= sent


@pytest.mark.req("BZ-GAT-001", "BZ-GAT-002")
def test_what_was_read_was_answered(played: Played) -> None:
    read = {(line["address"], line["value"]) for line in played.heard if line["kind"] == "gatt_read"}
    answered = {
        (line["address"], line["value"])
        for line in played.sent
        if line["kind"] == "peer_read" and "value" in line
    }
    assert read
    assert read <= answered


def test_the_record_is_whole(played: Played) -> None:
    assert played.sent[-1]["kind"] == "end"
    assert played.codes == (0, 130)
