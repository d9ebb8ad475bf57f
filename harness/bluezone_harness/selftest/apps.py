"""Faulty receivers against the record of what they were played.

Theory of operation. The kit's scenarios are played to a virtual app with one fault, its log is exported, and judged as
by ``bzc check --scenario``: with the phone's device file, and with the record of what was sent. Faults that show when a
phone is met again on another day are tried in the scenario of two days. Apps without a fault are the controls: on both
platforms, with and without loss, by their exports and their databases. What can be heard is computed once for each
scenario, platform and loss.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files

from bluezone_harness.checks.broadcasts import Broadcast
from bluezone_harness.checks.scan_times import ScanSchedule
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Verdict
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.sources.broadcast_records import read_broadcast_record
from bluezone_harness.sources.formats import open_source
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.apps.behaviours import RIGHT, AppFault, Platform
from bluezone_harness.virtual.apps.faults import APP_FAULTS
from bluezone_harness.virtual.apps.rehearsals import Rehearsal, Rehearsed, rehearsal_of, rehearse
from bluezone_harness.virtual.contact_logs import FIRST_DAY_MS
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_reference.profiles import V3
from bluezone_spec.model import Specification

from .kills import Part, Planted, Trial, of_verdict

EXAMPLE, SECOND_DAY = "example.toml", "second_day.toml"
LOSSES = (0.0, 0.5)
"""The shares of adverts that controls do not hear; faults are tried with the first."""
PLATFORMS: tuple[Platform, ...] = ("android", "ios")
_START_MS = FIRST_DAY_MS + 9 * 3_600_000
_RECEIVER = b'[receiver]\nplatform = "android"'
_IOS_RECEIVER = b'[receiver]\nplatform = "ios"'
_IOS_INTERVAL_MS = 500
"""Between two adverts of a sender, at least, where the app scans all the time: it hears enough of them."""


def planted_of(fault: AppFault) -> Planted:
    """Return a fault of an app as a fault of the matrix."""
    return Planted(Part.APPS, fault.name, fault.requirement, fault.text, fault.fault)


def app_trials(
    specification: Specification, seed: int, faults: Iterable[AppFault] = tuple(APP_FAULTS.values())
) -> Iterator[Trial]:
    """Yield the controls and then a trial of each fault.

    Args:
        specification: By which is judged.
        seed: Draws the apps and what is lost.
        faults: Which to try.
    """
    for platform in PLATFORMS:
        for loss in LOSSES:
            yield from correct_trials(specification, EXAMPLE, platform, seed, loss)
    yield from correct_trials(specification, SECOND_DAY, "android", seed, LOSSES[0])
    for fault in faults:
        yield fault_trial(specification, fault, seed)


def correct_trials(
    specification: Specification, name: str, platform: Platform, seed: int, loss: float
) -> Iterator[Trial]:
    """Yield the trials of an app without a fault: by its export, and by its database.

    Args:
        specification: By which is judged.
        name: Of the file of a scenario of the kit.
        platform: Of the app.
        seed: Draws it, and what is lost.
        loss: The share of adverts that it does not hear.
    """
    rehearsal = rehearsal_for(name, platform, seed, loss)
    rehearsed = rehearse(rehearsal)
    for kind, octets in (("export", rehearsed.log.export), ("database", rehearsed.log.database)):
        result = judged(specification, rehearsal.scenario, rehearsed, octets)
        yield _trial(None, f"{_given(name, platform, loss, seed)}, {kind}", result)


def fault_trial(specification: Specification, fault: AppFault, seed: int) -> Trial:
    """Return the trial of a fault, in the scenario in which it shows.

    Args:
        specification: By which is judged.
        fault: Of the app.
        seed: Draws the app.
    """
    name, platform = SECOND_DAY if fault.takes_a_day else EXAMPLE, fault.platforms[0]
    rehearsal = rehearsal_for(name, platform, seed, LOSSES[0])
    rehearsed = rehearse(rehearsal, fault.change(RIGHT), fault.settings)
    result = judged(specification, rehearsal.scenario, rehearsed, rehearsed.log.export)
    return _trial(fault, _given(name, platform, LOSSES[0], seed), result)


def judged(specification: Specification, scenario: Scenario, rehearsed: Rehearsed, log: bytes) -> Result:
    """Judge a log by the record of what its app was played, with the device file.

    Args:
        specification: By which is judged.
        scenario: That was played.
        rehearsed: What came of it.
        log: Its export or its database.
    """
    receiver = scenario.receiver
    source = open_source("session.record.jsonl", io.BytesIO(rehearsed.record))
    broadcast = Broadcast(
        read_broadcast_record(source),
        ScanSchedule(receiver.scan_on_ms, receiver.scan_off_ms),
        receiver.max_per_day,
        scenario.alone,
    )
    return judge(
        specification,
        profiles_of(specification)[V3.name],
        [read_contact_log("data_trace.txt", log)],
        read_device_file("device.json", rehearsed.log.device_file),
        "selftest",
        broadcast=broadcast,
    )


@lru_cache(maxsize=8)
def rehearsal_for(name: str, platform: Platform, seed: int, loss: float) -> Rehearsal:
    """Return what an app can hear of a scenario of the kit; the last few answers are kept.

    Args:
        name: Of its file.
        platform: Of the app; the scenarios have Android phones for it.
        seed: Draws the app.
        loss: The share of adverts that it does not hear.
    """
    octets = files("bluezone_harness").joinpath("virtual", "scenarios", name).read_bytes()
    interval_ms = 0
    if platform == "ios":
        octets = octets.replace(_RECEIVER, _IOS_RECEIVER)
        interval_ms = _IOS_INTERVAL_MS
    return rehearsal_of(read_scenario(name, octets), _START_MS, seed, loss=loss, interval_ms=interval_ms)


def _given(name: str, platform: str, loss: float, seed: int) -> str:
    return f"{name}, {platform}, {loss:.0%} lost, seed {seed}"


def _trial(fault: AppFault | None, given: str, result: Result) -> Trial:
    planted = None if fault is None else planted_of(fault)
    return Trial(
        Part.APPS, planted, given, of_verdict(result, Verdict.FAIL), of_verdict(result, Verdict.PASS)
    )
