"""Packets of literal octets, an app whose base id is known, and the scenarios of the kit."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import pytest

from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.virtual.apps.apps import App
from bluezone_harness.virtual.apps.faults import app_behaviour
from bluezone_harness.virtual.apps.model import AppPlan
from bluezone_harness.virtual.plans import AirPacket, PhonePlan
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario

START_MS = 1_596_866_400_000  # 2020-08-08T06:00Z: slot 24 begins
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
ADDRESS = bytes.fromhex("5a0000000001")


@pytest.fixture(scope="session")
def packet() -> Callable[..., AirPacket]:
    """Return a function to a packet: AdvData, and when it is heard, in milliseconds after the start."""

    def made(
        ad: bytes,
        after_ms: float = 0,
        address: bytes = ADDRESS,
        pdu: PduType = PduType.ADV_IND,
        rssi: int = -60,
    ) -> AirPacket:
        time_us = START_MS * 1000 + round(after_ms * 1000)
        return AirPacket(time_us, address, AddressType.RESOLVABLE, pdu, ad, rssi, 37, "")

    return made


@pytest.fixture(scope="session")
def app_with() -> Callable[..., App]:
    """Return a function to an app with faults, on a phone with settings."""

    def made(*faults: str, **phone: object) -> App:
        plan = PhonePlan("app", "android", BASE_ID, BASE_DAY_MS, **phone)  # type: ignore[arg-type] # its fields
        return App(AppPlan(plan), app_behaviour(faults))

    return made


@pytest.fixture(scope="session")
def example() -> Scenario:
    return _scenario("example.toml")


@pytest.fixture(scope="session")
def second_day() -> Scenario:
    return _scenario("second_day.toml")


def _scenario(name: str) -> Scenario:
    file = files("bluezone_harness").joinpath("virtual", "scenarios", name)
    return read_scenario(name, file.read_bytes())
