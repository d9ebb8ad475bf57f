"""Apps on hosts of a world, through HCI: they keep the logs that the same apps keep without hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import pytest
from bumble.core import InvalidStateError

from bluezone_harness.observations import AddressType, Event, PduType
from bluezone_harness.virtual.apps.apps import App, AppLog
from bluezone_harness.virtual.apps.faults import app_behaviour
from bluezone_harness.virtual.apps.model import Act, AppPlan, Wish, drawn_app, scan_spans
from bluezone_harness.virtual.apps.rehearsals import Rehearsal, rehearsal_of, rehearse, served_by
from bluezone_harness.virtual.apps.runs import heard_air, play, served_phones
from bluezone_harness.virtual.ble.apps import VirtualApp
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.phones import Sender, drawn_phone, prepared, senders
from bluezone_harness.virtual.plans import PhonePlan, Plan, SentWindow, Span
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_harness.virtual.scenarios.scenes import scene_of
from bluezone_harness.virtual.watching import Link

START_MS = 1_600_000_000_000
MINUTE_MS = 60_000
SCENARIO = b"""
schema = 1
seed = 5
duration = "5 min"
[receiver]
platform = "android"
app = "closed"
scan_on = "40 s"
scan_off = "20 s"
[[phone]]
name = "An"
[[phone]]
name = "Binh"
platform = "ios"
[[phone]]
name = "Chi"
platform = "ios"
app = "closed"
[[phone]]
name = "Dung"
platform = "ios"
reads = "never answered"
[[phone]]
name = "Em"
platform = "ios"
reads = "refused"
[[meeting]]
phones = ["Binh"]
from = "0 s"
to = "45 s"
[[advert]]
name = "no service"
kind = "iphone-without-service"
interval = "1 s"
[[advert]]
name = "contradictory"
kind = "contradictory"
[[advert]]
name = "public"
ad = "020106"
pdu = "ADV_NONCONN_IND"
"""


def on_hosts(
    plan: Plan, seed: int, app: App, spans: Sequence[Span], who: Sequence[Sender] | None = None
) -> AppLog:
    """Return the log of an app on the first receiver of a world."""

    async def run() -> AppLog:
        async with World(plan, seed, who) as world:
            await VirtualApp(world, app, spans).run()
        return app.log()

    return run_in_virtual_time(run())


@pytest.mark.parametrize(("loss", "seed"), [(0.0, 1), (0.5, 2)])
@pytest.mark.req("BZ-RCV-001", "BZ-RCV-004", "BZ-RCV-005", "BZ-LOG-002")
def test_the_same_log_with_hosts_and_without(loss: float, seed: int) -> None:
    phones = (
        drawn_phone("An", "android", START_MS, seed),
        drawn_phone("Binh", "ios", START_MS, seed),
        replace(drawn_phone("Chi", "ios", START_MS, seed), offset_ms=-20_000),
    )
    plan = prepared(Plan(phones, START_MS, 16 * MINUTE_MS, loss=loss, gatt=True, strangers=2), seed)
    app = drawn_app("android", START_MS, seed)
    spans = list(scan_spans(app, plan.start_ms, plan.until_ms))
    without = play(heard_air(plan, senders(plan, seed), spans), served_phones(plan, seed), App(app))
    assert len(without.log.records) > 50
    assert on_hosts(plan, seed, App(app), spans) == without.log


@pytest.fixture(scope="module")
def rehearsal() -> Rehearsal:
    return rehearsal_of(read_scenario("session.toml", SCENARIO), START_MS, 1)


@pytest.mark.parametrize(
    "fault",
    [
        "correct",
        "reads-refused",
        "never-gives-up",
        "gives-up-late",
        "several-at-once",
        "stays-connected",
    ],
)
@pytest.mark.req("BZ-RCV-002", "BZ-RCV-004")
def test_faulty_apps_keep_the_same_logs_too(fault: str, rehearsal: Rehearsal) -> None:
    behaviour = app_behaviour([fault])
    scene = scene_of(rehearsal.scenario, START_MS)
    found = on_hosts(
        scene.plan, scene.seed, App(rehearsal.app, behaviour, 1), rehearsal.air.spans, scene.senders
    )
    wanted = rehearse(rehearsal, behaviour).log
    assert found.records == wanted.records
    assert found == wanted
    assert len(found.records) > 20


class _Notes:
    """Watches a world, and notes what the record of a broadcast says, in the same words."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, object]] = []

    def on_air(self, time_us: int, sender: str, window: SentWindow) -> int:
        self.events.append((time_us, "on_air", (sender, window.address.hex(), window.ad.hex())))
        return len(self.events)

    def off_air(self, time_us: int, number: int, adverts: int | None) -> None:
        _, _, sent = self.events[number - 1]
        self.events.append((time_us, "off_air", sent))

    def connected(self, time_us: int, link: Link) -> None:
        self.events.append((time_us, "peer_connected", link.address.hex()))

    def read(self, time_us: int, link: Link, characteristic: str, answer: bytes | int | None) -> None:
        said = answer.hex() if isinstance(answer, bytes) else answer
        self.events.append((time_us, "peer_read", (link.address.hex(), characteristic, said)))

    def disconnected(self, time_us: int, link: Link) -> None:
        self.events.append((time_us, "peer_disconnected", link.address.hex()))


def _as_noted(events: Iterable[Event]) -> list[tuple[int, str, object]]:
    found: list[tuple[int, str, object]] = []
    sets: dict[object, object] = {}
    for each in events:
        fields = each.fields
        address = str(fields.get("address", "")).replace(":", "").lower()
        said: object = address
        if each.name == "on_air":
            said = sets[fields["set"]] = (fields["sender"], address, fields["ad"])
        elif each.name == "off_air":
            said = sets[fields["set"]]
        elif each.name == "peer_read":
            said = address, fields["characteristic"], fields.get("value", fields.get("att_error"))
        found.append((each.time_us, each.name, said))
    return found


@pytest.mark.parametrize("fault", ["correct", "several-at-once", "never-gives-up"])
def test_the_record_says_what_a_world_says_of_itself(fault: str, rehearsal: Rehearsal) -> None:
    behaviour = app_behaviour([fault])
    scene = scene_of(rehearsal.scenario, START_MS)
    notes = _Notes()
    app = App(rehearsal.app, behaviour, 1)

    async def run() -> None:
        async with World(scene.plan, scene.seed, scene.senders, notes) as world:
            await VirtualApp(world, app, rehearsal.air.spans).run()

    run_in_virtual_time(run())
    played = play(
        rehearsal.air, served_by(scene_of(rehearsal.scenario, START_MS)), App(rehearsal.app, behaviour, 1)
    )
    # a world begins before the scene: what ends when that begins is told there, and not worth a line here
    over = {
        (time_us, said)
        for time_us, name, said in notes.events
        if name == "off_air" and time_us == START_MS * 1000
    }
    told = [each for each in notes.events if (each[0], each[2]) not in over]
    assert sorted(told, key=str) == sorted(_as_noted(played.events), key=str)
    assert len(notes.events) > 60


def test_a_phone_that_turns_its_bluetooth_off_while_it_is_read() -> None:
    phone = drawn_phone("An", "ios", START_MS, 1)
    plan = prepared(Plan((phone,), START_MS, MINUTE_MS, gatt=True), 1)
    app = App(AppPlan(PhonePlan("app", "android", bytes(range(32)), phone.base_day_ms), 60_000, 0))
    connected: list[int] = []

    async def run() -> None:
        async with World(plan, 1) as world:
            playing = asyncio.create_task(VirtualApp(world, app, [(START_MS, START_MS + MINUTE_MS)]).run())
            while not world.receivers[0].connections:
                await asyncio.sleep(0.01)
            connected.append(world.now_us())
            await world.phones["An"].turn_bluetooth(False)
            await asyncio.sleep(3)
            await world.phones["An"].turn_bluetooth(True)
            await playing

    run_in_virtual_time(run())
    records = app.log().records
    # the attempt failed; with another address the phone is another one
    assert records[0].time_ms * 1000 > connected[0] + 3_000_000
    assert len(records) > 3


def test_a_controller_that_refuses() -> None:
    phone = drawn_phone("An", "ios", START_MS, 1)
    plan = prepared(Plan((phone,), START_MS, MINUTE_MS, gatt=True), 1)
    app = App(AppPlan(PhonePlan("app", "android", bytes(range(32)), phone.base_day_ms), 60_000, 0))

    async def run() -> int:
        async with World(plan, 1) as world:
            device = world.receivers[0]
            refused = 0

            async def refuse(*arguments: object, **options: object) -> None:
                nonlocal refused
                refused += 1
                raise InvalidStateError("connection already pending")

            device.connect = refuse  # type: ignore[method-assign, assignment] # stands for a controller that is full
            await VirtualApp(world, app, [(START_MS, START_MS + MINUTE_MS)]).run()
            return refused

    assert run_in_virtual_time(run()) == 2  # half a minute apart
    assert app.log().records == ()


class _Impatient(App):
    """Gives up each attempt at once, before the controller has begun, and whatever comes of it then."""

    def wishes(self) -> list[Wish]:
        found = super().wishes()
        again = [Wish(Act.DISCONNECT, each.attempt, each.address, each.address_type) for each in found]
        return [*found, *again] if found and found[0].act is Act.CONNECT else found


def test_an_attempt_that_is_over_before_it_began() -> None:
    phone = drawn_phone("An", "ios", START_MS, 1)
    plan = prepared(Plan((phone,), START_MS, MINUTE_MS, gatt=True), 1)
    app = _Impatient(AppPlan(PhonePlan("app", "android", bytes(range(32)), phone.base_day_ms), 60_000, 0))
    log = on_hosts(plan, 1, app, [(START_MS, START_MS + 30_000)])
    assert log.records == ()


def test_a_public_address_that_offers_nothing() -> None:
    iphone = bytes.fromhex("02011a110767a607add1172fa1c44bf573564e0000")
    windows = [
        SentWindow(
            START_MS * 1000,
            (START_MS + MINUTE_MS) * 1000,
            b"\x00\x11\x22\x33\x44\x55",
            AddressType.PUBLIC,
            PduType.ADV_IND,
            iphone,
            200_000,
        )
    ]
    plan = Plan((), START_MS, MINUTE_MS)
    app = App(AppPlan(PhonePlan("app", "android", bytes(range(32)), 0), 60_000, 0))
    who = [Sender("thing", None, iter(windows), Random("thing"))]
    assert on_hosts(plan, 1, app, [(START_MS, START_MS + MINUTE_MS)], who).records == ()
