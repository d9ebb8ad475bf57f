"""A scene of two phones and an advert, its record in memory, and the scene played on the virtual air."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bluezone_harness.live.broadcasting import BroadcastRecorder, record_of_world
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_harness.virtual.scenarios.scenes import scene_of

START_MS = 1_795_424_400_000  # 2026-11-23T09:00:00Z
SCENARIO = """
schema = 1
seed = %d
duration = "6 min"
[[phone]]
name = "An"
[[phone]]
name = "Binh"
platform = "ios"
%s
[[meeting]]
phones = ["An"]
from = "20 s"
to = "5 min"
rssi = -60
[[advert]]
name = "said twice"
kind = "wrong-company"
from = "1 min"
to = "2 min"
[[event]]
at = "3 min"
name = "clock_set"
by_ms = 5
"""
Kept = Any  # the class stands in the conftest.py above


def scenario_with(seed: int = 7, *, phone: str = "") -> Scenario:
    return read_scenario("session.toml", (SCENARIO % (seed, phone)).encode())


def recorder_into(scenario: Scenario, file: Kept) -> BroadcastRecorder:
    return BroadcastRecorder(scenario, lambda: file, now=lambda: 0)


@pytest.fixture(scope="session")
def scenario_text() -> str:
    """Return the scenario, in which a seed and more of the iPhone are left out: %d, %s."""
    return SCENARIO


@pytest.fixture(scope="session")
def scenario_of() -> Callable[..., Scenario]:
    """Return a function from a seed (7), and more of the iPhone by name ``phone``, to the scenario."""
    return scenario_with


@pytest.fixture(scope="session")
def recorder_of() -> Callable[[Scenario, Kept], BroadcastRecorder]:
    """Return a function from a scenario and a file to what writes its record."""
    return recorder_into


@pytest.fixture(scope="session")
def played(new_kept: Callable[[], Kept]) -> Callable[[Scenario], Kept]:
    """Return a function from a scenario to its record, once it was played to its end."""

    def play(scenario: Scenario) -> Kept:
        file = new_kept()
        run_in_virtual_time(record_of_world(scene_of(scenario, START_MS), recorder_into(scenario, file)))
        return file

    return play
