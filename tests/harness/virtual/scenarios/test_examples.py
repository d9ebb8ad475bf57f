"""The scenarios that come with the project: of the form that the schema says, and on the air for long enough."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.scenarios.crafted import CRAFTED
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_harness.virtual.scenarios.scenes import scene_of

HERE = files("bluezone_harness")
SCHEMA: dict[str, Any] = json.loads(
    HERE.joinpath("schemas", "scenario.schema.json").read_text(encoding="utf-8")
)
NAMES = ("example.toml", "second_day.toml")
STARTS_MS = (1_795_424_400_000, 1_795_424_400_000 + 434_567, 1_795_477_500_000)
"""2026-11-23T09:00:00Z by date(1), a time beside the slots' ends, and 23:45:00Z."""
SEVEN_MINUTES_US = 420_000_000


def octets_of(name: str) -> bytes:
    return HERE.joinpath("virtual", "scenarios", name).read_bytes()


def scenario(name: str) -> Scenario:
    return read_scenario(name, octets_of(name))


def windows_of(of: Scenario, start_ms: int) -> dict[str, list[SentWindow]]:
    return {each.name: list(each.windows) for each in scene_of(of, start_ms).senders}


@pytest.mark.req("BZ-RCV-001")
@pytest.mark.parametrize("name", NAMES)
def test_the_schema_holds(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(tomllib.loads(octets_of(name).decode()), SCHEMA)
    assert scenario(name).alone


@pytest.mark.req("BZ-RCV-001")
def test_the_schema_is_as_strict_as_the_reader(text: str) -> None:
    jsonschema.validate(tomllib.loads(text), SCHEMA)
    for before, after in (
        ("seed = 7", "sead = 7"),
        ('"45 min"', '"45"'),
        ('"wrong-company"', '"wrong-sort"'),
        ("rssi = -60", "rssi = 21"),
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(tomllib.loads(text.replace(before, after, 1)), SCHEMA)


@pytest.mark.req("BZ-RCV-001", "BZ-RCV-002", "BZ-RCV-003", "BZ-RCV-004")
def test_the_example_holds_every_kind_but_the_contradictory_one() -> None:
    # who does not hear the scan response of that one may log its first id
    assert {each.kind for each in scenario("example.toml").adverts} == set(CRAFTED) - {"contradictory"}


@pytest.mark.req("BZ-RCV-003")
def test_a_receiver_that_an_advert_kills_is_missed_afterwards() -> None:
    of = scenario("example.toml")
    assert all(each.until_ms - each.from_ms >= 480_000 for each in of.adverts)
    hostile = [each.until_ms for each in of.adverts if CRAFTED[each.kind].requirement != "BZ-RCV-004"]
    assert max(hostile) + 600_000 <= of.duration_ms
    always = {each.name for each in of.phones} - {name for each in of.meetings for name in each.phones}
    assert {"An", "Giang", "Hoa", "Khanh", "Lan"} <= always


@pytest.mark.req("BZ-RCV-001")
@pytest.mark.parametrize("start_ms", STARTS_MS)
def test_every_android_phone_sends_one_id_for_seven_minutes(start_ms: int) -> None:
    found = windows_of(scenario("example.toml"), start_ms)
    for name in ("An", "Binh", "Cuc", "Dung", "relay of Binh"):
        spans: dict[bytes, tuple[int, int]] = {}
        for each in found[name]:
            first, _ = spans.get(each.ad, (each.from_us, 0))
            spans[each.ad] = first, each.until_us
        assert max(last - first for first, last in spans.values()) >= SEVEN_MINUTES_US, name


@pytest.mark.req("BZ-RCV-005")
@pytest.mark.parametrize(("name", "phone"), [("example.toml", "Lan"), ("second_day.toml", "Giang")])
def test_an_iphone_keeps_its_address_over_the_ends_of_slots(name: str, phone: str) -> None:
    found = windows_of(scenario(name), STARTS_MS[1])[phone]
    assert len({each.address for each in found}) == 1
    assert found[-1].from_us - found[0].from_us > 900_000_000


@pytest.mark.req("BZ-RCV-005")
def test_the_second_day_repeats_the_slots_of_the_first() -> None:
    of = scenario("second_day.toml")
    first, second = of.meetings
    assert (second.from_ms - first.from_ms, second.until_ms - first.until_ms) == (86_400_000,) * 2
    assert first.phones == second.phones


@pytest.mark.req("BZ-RCV-001")
def test_few_send_at_once() -> None:
    found = [
        each for windows in windows_of(scenario("example.toml"), STARTS_MS[0]).values() for each in windows
    ]
    start_us = STARTS_MS[0] * 1000
    for minute in range(45):
        time_us = start_us + minute * 60_000_000 + 30_000_000
        rate = sum(100_000 / each.interval_us for each in found if each.from_us <= time_us < each.until_us)
        assert rate < 20
