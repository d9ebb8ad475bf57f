"""Scenarios that are played to apps: the record can be read, the same arguments give the same octets."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace

import pytest

from bluezone_harness.observations import Capability, Event, Extent
from bluezone_harness.sources.formats import open_source
from bluezone_harness.virtual.apps.faults import app_behaviour
from bluezone_harness.virtual.apps.rehearsals import Rehearsal, app_plan, rehearsal_of, rehearse
from bluezone_harness.virtual.phones import drawn_phone
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario

START_MS = 1_600_000_000_000
SHORT = b"""
schema = 1
duration = "3 min"
[receiver]
platform = "ios"
app = "open"
max = 48
[[phone]]
name = "An"
[[phone]]
name = "Binh"
platform = "ios"
[[event]]
at = "1 min"
name = "consent"
"""


@pytest.fixture(scope="module")
def short() -> Rehearsal:
    return rehearsal_of(read_scenario("short.toml", SHORT), START_MS, 1)


def test_the_app_is_that_of_the_scenario(short: Rehearsal) -> None:
    assert short.app.phone == replace(drawn_phone("app", "ios", START_MS, 1), max_per_day=48)
    assert (short.app.scan_off_ms, short.app.phase_ms) == (0, 0)
    assert short.air.spans == ((START_MS, START_MS + 180_000),)


@pytest.mark.req("BZ-RCV-001", "BZ-RCV-004", "BZ-LOG-002")
def test_a_short_one(short: Rehearsal) -> None:
    result = rehearse(short)
    counted = Counter(each.contact_id for each in result.log.records)
    # An has 15 s on and 15 s off: three or four records in each on-window; Binh is heard all the time
    few, many = sorted(counted.values())
    assert (few > 15, many) == (True, 36)
    assert rehearse(short) == result
    assert rehearse(short, app_behaviour(["never-reads"])).log.records != result.log.records


def test_the_record_is_a_recording(short: Rehearsal) -> None:
    result = rehearse(short)
    source = open_source("record.jsonl", io.BytesIO(result.record))
    found = [each for each in source if isinstance(each, Event)]
    assert source.capabilities[Capability.SENT] is Extent.YES
    first = found[0]
    assert (first.name, first.time_us) == ("scenario", START_MS * 1000)
    assert first.fields == {"sha256": short.scenario.sha256, "text": SHORT.decode()}
    counted = Counter(each.name for each in found)
    assert counted["on_air"] == counted["off_air"] > 8
    assert counted["peer_read"] == 1
    assert [each.time_us for each in found] == sorted(each.time_us for each in found)
    (noted,) = (each for each in found if each.name == "consent")
    assert noted.time_us == (START_MS + 60_000) * 1000
    assert result.record.splitlines()[-1] == b'{"kind":"end","reason":"it was played to its end"}'
    assert source.diagnostics == ()


def test_settings_arrive_and_are_told(short: Rehearsal) -> None:
    result = rehearse(short, settings={60_000: 96})
    assert b'"value": 96' in result.log.device_file
    assert result.log.records[0] == rehearse(short).log.records[0]
    assert result.log.records[-1].own_id != rehearse(short).log.records[-1].own_id


@pytest.mark.parametrize("loss", [-0.1, 1.0])
def test_a_loss_that_is_no_share(loss: float, example: Scenario) -> None:
    with pytest.raises(ValueError, match="the loss is not"):
        rehearsal_of(example, START_MS, 1, loss=loss)


def test_a_scenario_that_cannot_begin_then() -> None:
    text = SHORT.replace(
        b'name = "An"', b'name = "An"\nbase_day = "2026-01-01"\nbase = "' + b"5f" * 32 + b'"'
    )
    with pytest.raises(ValueError, match="the base day of An is after the start"):
        rehearsal_of(read_scenario("late.toml", text), START_MS, 1)


def test_seeds_draw_apps_and_not_phones(example: Scenario) -> None:
    first, second = (app_plan(example, START_MS, seed) for seed in (1, 2))
    assert first.phone.base_id != second.phone.base_id
    assert first.phase_ms != second.phase_ms
