"""``bzc sniff`` goes on where the adapter is pulled out, or bluetoothd dies, and says so in its recording.

An adapter is pulled out by killing who plays the controller: the kernel then takes it away, as it does a dongle.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

GONE_S = 60.0
"""Longer than sniff hears nothing before it asks why, and longer than it takes to come back."""


@dataclass
class Listening:
    """``bzc sniff`` while it goes on, and the phones that it hears."""

    phones: Any
    sniff: Any
    recording: Path


@pytest.fixture
def listening(
    request: pytest.FixtureRequest,
    bluetoothd: object,
    begin_for_test: Callable[..., Any],
    wait: Callable[..., None],
    is_up: Callable[[str], bool],
    recorded: Callable[[Path, str], list[dict[str, Any]]],
) -> Listening:
    name = request.node.name
    recording = Path("/results", f"{name}.jsonl")
    recording.unlink(missing_ok=True)
    phones = begin_for_test(f"{name}-phones", "bzc", "phones", "--serve", "vhci", "--strangers", "1")
    wait(lambda: is_up("hci0"), "hci0", alive=phones.process)
    sniff = begin_for_test(f"{name}-sniff", "bzc", "sniff", "--out", recording)
    wait(lambda: recorded(recording, "advert"), "a first advert", GONE_S, alive=sniff.process)
    return Listening(phones, sniff, recording)


def held(lines: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Return how many adverts come before the only gap, how long it is in seconds, and how many come after it."""
    gaps = [(number, line) for number, line in enumerate(lines) if line["kind"] == "gap"]
    assert len(gaps) == 1, lines
    number, gap = gaps[0]
    before = sum(line["kind"] == "advert" for line in lines[:number])
    after = sum(line["kind"] == "advert" for line in lines[number:])
    assert all(line["time_us"] <= gap["time_us"] for line in lines[:number] if line["kind"] == "advert")
    return before, (gap["until_us"] - gap["time_us"]) // 1_000_000, after


def test_an_adapter_that_was_pulled_out_is_waited_for(
    listening: Listening,
    begin_for_test: Callable[..., Any],
    wait: Callable[..., None],
    is_up: Callable[[str], bool],
    recorded: Callable[[Path, str], list[dict[str, Any]]],
) -> None:
    listening.phones.end(signal.SIGKILL)
    wait(lambda: not is_up("hci0"), "hci0 to be gone")
    listening.sniff.until_said("waiting for it", within_s=GONE_S)
    assert "the Bluetooth adapter is gone: plug it in again; waiting for it" in listening.sniff.text()
    again = begin_for_test("again-phones", "bzc", "phones", "--serve", "vhci", "--strangers", "1")
    listening.sniff.until_said("listening again", within_s=GONE_S)
    assert listening.sniff.end() == 0, listening.sniff.text()
    again.end()
    before, gap_s, after = held(recorded(listening.recording, ""))
    assert before >= 1
    assert gap_s >= 5
    assert after >= 1


def test_bluetoothd_that_died_is_waited_for(
    listening: Listening,
    bluetoothd_now: Callable[[], Any],
    begin_bluetoothd: Callable[[], object],
    recorded: Callable[[Path, str], list[dict[str, Any]]],
) -> None:
    bluetoothd_now().end(signal.SIGKILL)
    listening.sniff.until_said("waiting for it", within_s=GONE_S)
    assert "bluetoothd does not run: start it" in listening.sniff.text()
    begin_bluetoothd()
    listening.sniff.until_said("listening again", within_s=GONE_S)
    assert listening.sniff.end() == 0, listening.sniff.text()
    listening.phones.end()
    before, gap_s, after = held(recorded(listening.recording, ""))
    assert before >= 1
    assert gap_s >= 1
    assert after >= 1


def test_a_bluetoothd_that_hangs_is_waited_for(
    listening: Listening,
    bluetoothd_now: Callable[[], Any],
    recorded: Callable[[Path, str], list[dict[str, Any]]],
) -> None:
    hanging = bluetoothd_now().process
    hanging.send_signal(signal.SIGSTOP)
    try:
        listening.sniff.until_said("bluetoothd does not answer: restart it", within_s=GONE_S)
    finally:
        hanging.send_signal(signal.SIGCONT)
    listening.sniff.until_said("listening again", within_s=GONE_S)
    assert listening.sniff.end() == 0, listening.sniff.text()
    before, gap_s, after = held(recorded(listening.recording, ""))
    assert before >= 1
    assert gap_s >= 10
    assert after >= 1
