"""A scenario that is played to a virtual app: its contact log, and the record that a broadcast of it would keep.

Theory of operation. ``rehearsal_of`` computes once what an app of the scenario's receiver can hear. ``rehearse`` plays
it to one app, correct or faulty; a new scene is made for each, because what iPhones answer may depend on what they were
asked before. The record has the lines of ``bzc broadcast``, so that the same checks take both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from heapq import merge

from bluezone_harness.observations import Capability, Event, Extent
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.scenes import Scene, scene_of
from bluezone_harness.writing.recordings import end_line, header_line, observation_line

from .apps import App, AppLog
from .behaviours import RIGHT, AppBehaviour
from .model import AppPlan, drawn_app, scan_spans
from .runs import HeardAir, ServedPhone, heard_air, play

SOURCE = "broadcast"
"""What the header of a record says of where it comes from."""
_ENDED = "it was played to its end"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A scenario, and what an app can hear of it.

    Attributes:
        scenario: As it was read.
        start_ms: When it begins, in milliseconds since the Unix epoch.
        app: On which phone it runs, and when it scans.
        seed: Draws what the app draws.
        air: What can be heard.
    """

    scenario: Scenario
    start_ms: int
    app: AppPlan
    seed: int
    air: HeardAir


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of it.

    Attributes:
        log: Of the app.
        record: Of the broadcast, a recording.
    """

    log: AppLog
    record: bytes


def app_plan(scenario: Scenario, start_ms: int, seed: int) -> AppPlan:
    """Draw the app of a scenario's receiver.

    Args:
        scenario: Says of which platform it is and how it scans.
        start_ms: When it begins, in milliseconds since the Unix epoch.
        seed: Draws its base id, and where in its schedule it is at the start.
    """
    receiver = scenario.receiver
    plan = drawn_app(
        receiver.platform,
        start_ms,
        seed,
        scan_on_ms=receiver.scan_on_ms,
        scan_off_ms=receiver.scan_off_ms,
    )
    return replace(plan, phone=replace(plan.phone, max_per_day=receiver.max_per_day))


def with_settings(app: AppPlan, start_ms: int, settings: Mapping[int, int]) -> AppPlan:
    """Return an app to which settings of ``max`` arrive.

    Args:
        app: Before.
        start_ms: Of the scenario, in milliseconds since the Unix epoch.
        settings: Values by milliseconds after the start.
    """
    changes = tuple((start_ms + after_ms, value) for after_ms, value in sorted(settings.items()))
    return replace(app, phone=replace(app.phone, max_changes=changes))


def rehearsal_of(
    scenario: Scenario, start_ms: int, seed: int, *, loss: float = 0.0, interval_ms: int = 0
) -> Rehearsal:
    """Compute what an app can hear of a scenario.

    Args:
        scenario: As it was read.
        start_ms: When it begins, in milliseconds since the Unix epoch.
        seed: Draws the app.
        loss: The share of adverts that are not heard, 0 to below 1.
        interval_ms: Shorter intervals of adverts are made so long: it is played faster, and less is heard.

    Raises:
        ValueError: It cannot begin then, or the loss is no share; a sentence for people without a full stop.
    """
    app = app_plan(scenario, start_ms, seed)
    scene = scene_of(scenario, start_ms)
    plan = replace(scene.plan, loss=loss)
    spans = tuple(scan_spans(app, plan.start_ms, plan.until_ms))
    air = heard_air(plan, scene.senders, spans, interval_ms=interval_ms)
    return Rehearsal(scenario, start_ms, app, seed, air)


def rehearse(
    rehearsal: Rehearsal, behaviour: AppBehaviour = RIGHT, settings: Mapping[int, int] | None = None
) -> Rehearsed:
    """Play a scenario to an app.

    Args:
        rehearsal: What it can hear; any number of apps may be played the same.
        behaviour: What the app does.
        settings: Values of ``max`` that arrive, by milliseconds after the start.
    """
    start_ms = rehearsal.start_ms
    plan = with_settings(rehearsal.app, start_ms, settings or {})
    app = App(plan, behaviour, rehearsal.seed)
    played = play(rehearsal.air, served_by(scene_of(rehearsal.scenario, start_ms)), app)
    return Rehearsed(played.log, b"".join(record_lines(rehearsal.scenario, start_ms, played.events)))


def served_by(scene: Scene) -> dict[str, ServedPhone]:
    """Return who answers in a scene, by the name of the sender."""
    plans = {each.name: each for each in scene.plan.phones}
    return {name: ServedPhone(plans[name], server) for name, server in scene.servers.items()}


def record_lines(scenario: Scenario, start_ms: int, events: tuple[Event, ...]) -> Iterator[bytes]:
    """Yield the lines of the record of a broadcast.

    Args:
        scenario: That was played.
        start_ms: When it began.
        events: What was sent, and what centrals did, in the order of time.
    """
    yield header_line(SOURCE, "", {Capability.SENT: Extent.YES})
    told = {"sha256": scenario.sha256, "text": scenario.text}
    yield observation_line(Event(0, start_ms * 1000, "scenario", told))
    noted = [
        Event(0, (start_ms + each.at_ms) * 1000, each.name, each.fields)
        for each in scenario.events
        if each.at_ms <= scenario.duration_ms
    ]
    for event in merge(events, noted, key=lambda each: each.time_us):
        yield observation_line(event)
    yield end_line(_ENDED)
