"""Phones, receiver and checks together: whatever an owner does, a correct phone passes and a fault is found."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.captures import read_capture
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Verdict
from bluezone_harness.live.attached import attached_to
from bluezone_harness.live.hci_receiver import HciReceiver
from bluezone_harness.live.preparing import Wanted
from bluezone_harness.live.preparing import prepared as prepared_session
from bluezone_harness.live.session import Ending, Session
from bluezone_harness.live.until import Until
from bluezone_harness.observations import Capability, Event, Extent
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.sources import open_source
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.ble.phones import VirtualPhone
from bluezone_harness.virtual.ble.virtual_time import VirtualTimeLoop
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared
from bluezone_spec import load

T = TypeVar("T")

START_MS = 1_597_100_400_000  # 2020-08-10T23:00:00+00:00
MINUTE_US = 60_000_000
SLOT_US = 15 * MINUTE_US
BUSY_US = 45 * MINUTE_US
"""For so long things are done to a phone; then it is left alone until the end, over midnight: faults take that."""
MINUTES = 120
MINUTES_OF = {"own-interval": 60, "repeated-ids": 180}
"""All of it; the former sends much, and the latter shows when an id comes back."""
SPECIFICATION = load()
SHOWN = frozenset(
    {
        Capability.RAW_AD,
        Capability.AD_ORDER,
        Capability.ADDRESS,
        Capability.ADDRESS_TYPE,
        Capability.PDU_TYPE,
        Capability.RSSI,
        Capability.SCAN_RESPONSE,
        Capability.GATT,
        Capability.TRUE_IDS,
        Capability.WHOLE_AIR,
        Capability.BASE_ID,
    }
)
"""What a controller of one's own shows, with a device file."""


def found_by_a_controller(name: str) -> bool:
    """Tell whether a controller shows what a planted fault breaks."""
    return not CHECKS[FAULTS[name].requirement].missing(SHOWN)


ANDROID_FAULTS = sorted(
    name for name in FAULTS if "android" in FAULTS[name].platforms and found_by_a_controller(name)
)
IOS_FAULTS = sorted(
    name for name in FAULTS if "ios" in FAULTS[name].platforms and found_by_a_controller(name)
)


ALONE = frozenset(
    {
        "no-gatt-service",
        "read-needs-encryption",
        "read-other-base",
        "read-subkey",
        "read-zeros",
        "unsaved-base",
        "v1-build",
        "wrong-characteristic",
    }
)
"""Of these the phone shows no id that its key explains: it is known only where nobody else is heard."""
SEVERAL = frozenset({"own-interval"})
"""These take several others."""
INTERVALS_MS = {"own-interval": 100, "leaked-set": 1000}
"""What shows by intervals takes those of a phone; where adverts are far apart, a set that goes on does not show."""


class Desk:
    """A phone on the desk, two others near by, and a session that listens to both, in virtual time."""

    def __init__(self, platform: str, faults: tuple[str, ...], seed: int, *, reads: bool) -> None:
        phone = drawn_phone("phone", platform, START_MS, seed, faults)
        # one alone, while the phone is not heard, would be taken for it
        is_known = not ALONE & {*faults} and (platform == "android" or reads)
        count = 0 if not is_known else 4 if SEVERAL & {*faults} else 2
        others = tuple(
            drawn_phone(f"other {each}", "android", START_MS, seed + 1 + each) for each in range(count)
        )
        self.others = count
        interval_ms = next((INTERVALS_MS[each] for each in faults if each in INTERVALS_MS), 4000)
        self.until_ms = START_MS + 60_000 * max(
            [MINUTES_OF.get(each, MINUTES) for each in faults] or [MINUTES]
        )
        # who is read must show that its addresses change with its ids
        self.reads = reads
        self.plan = prepared(
            Plan((phone, *others), START_MS, self.until_ms - START_MS, interval_ms=interval_ms, gatt=reads),
            seed,
        )
        self.seed = seed
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "heard.jsonl"
        self.device_file = read_device_file("device.json", device_file(self.plan.phones[:1]))
        self.runner = asyncio.Runner(loop_factory=VirtualTimeLoop)
        self.run(self._begin())

    def run(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(doing)

    async def _begin(self) -> None:
        self.world = await World(self.plan, self.seed).__aenter__()
        receiver = HciReceiver("virtual", attached_to(self.world), self.world)
        self.session: Session = prepared_session(
            receiver,
            Wanted(
                recording=self.path,
                packets=None,
                overwrite=False,
                specification=SPECIFICATION,
                profile=profiles_of(SPECIFICATION)["v3"],
                device_file=self.device_file,
                command="sniff",
                until=Until(),
                reads=self.reads,
                keeps=lambda observation: True,
                whole_air=Extent.YES,
                key=None,
                say=lambda text: None,
                judge_each_s=3600,
            ),
            self.world,
        )
        self.listening = asyncio.create_task(self.session.run())

    async def listen_for(self, duration_us: int) -> None:
        await self.world.run_until(self.world.now_us() + duration_us)
        if self.listening.done():
            await self.listening

    async def listen_until(self, time_us: int) -> None:
        await self.listen_for(max(0, time_us - self.world.now_us()))

    @property
    def result(self) -> Result | None:
        """The verdict of all that was heard so far."""
        capture = self.session.capture()
        return None if capture is None else self.session.judged(capture)

    async def _end(self) -> Ending:
        self.session.end("the test ended")
        ending = await self.listening
        await self.world.__aexit__(None, None, None)
        return ending

    def end(self) -> Ending:
        return self.run(self._end())

    def close(self) -> None:
        """Leave nothing open, whatever went wrong."""
        if not self.listening.done():
            with suppress(Exception):
                self.end()
        self.runner.close()
        self.folder.cleanup()


def failed(result: Result) -> list[str]:
    return [each.id for each in result.requirements if each.verdict is Verdict.FAIL]


class Owner(RuleBasedStateMachine):
    """What may be done to a phone on the desk, in any order; ``fault`` is planted into it."""

    steps: Counter[str]
    """How often each thing was done, over all examples."""

    def __init__(self) -> None:
        super().__init__()
        self.desk: Desk | None = None
        self.planted: tuple[str, ...] = ()
        self.longest = 900

    @property
    def is_busy(self) -> bool:
        return self.here.world.now_us() < START_MS * 1000 + BUSY_US

    def let(self, doing: Coroutine[Any, Any, T]) -> T:
        assert self.desk is not None
        return self.desk.run(doing)

    @property
    def here(self) -> Desk:
        assert self.desk is not None
        return self.desk

    @property
    def phone(self) -> VirtualPhone:
        return self.here.world.phones["phone"]

    def did(self, step: str) -> None:
        self.steps[step] += 1

    def chosen(self, data: st.DataObject) -> tuple[str, str]:
        """Return the platform of the phone, and what is planted into it; empty for nothing."""
        return data.draw(st.sampled_from(["android", "ios"])), ""

    @initialize(data=st.data(), seed=st.integers(0, 10_000))
    def begin(self, data: st.DataObject, seed: int) -> None:
        platform, fault = self.chosen(data)
        planted = (fault,) if fault else ()
        event(f"{platform} {fault or 'correct'}")
        reads = platform == "ios" and (FAULTS[fault].by_reads if fault else data.draw(st.booleans()))
        self.steps["examples"] += 1
        self.desk = Desk(platform, planted, seed, reads=reads)
        self.planted = planted
        # who is known because nobody else is heard must be heard every minute (checks.senders.STEP_US)
        self.longest = 900 if self.desk.others else 20

    @precondition(lambda self: self.is_busy)
    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.did("time passes")
        self.let(self.here.listen_for(seconds * 1_000_000))

    @rule()
    def it_is_left_alone(self) -> None:
        """Do nothing to it for a moment, which is always possible."""
        self.did("it is left alone")
        self.let(self.here.listen_for(1_000_000))

    @precondition(lambda self: self.is_busy)
    @rule(seconds=st.integers(0, 60))
    def a_slot_ends(self, seconds: int) -> None:
        self.did("a slot ends")
        now_us = self.here.world.now_us()
        self.let(self.here.listen_until(now_us - now_us % SLOT_US + SLOT_US + seconds * 1_000_000))

    @precondition(lambda self: self.is_busy)
    @rule(seconds=st.integers(1, 120))
    def the_app_crashes(self, seconds: int) -> None:
        self.did("the app crashes")
        self.let(self.phone.crash_app())
        self.let(self.here.listen_for(min(seconds, self.longest) * 1_000_000))
        self.let(self.phone.start_app())

    @precondition(lambda self: self.is_busy)
    @rule()
    def it_is_rebooted(self) -> None:
        self.did("it is rebooted")
        self.let(self.phone.reboot())

    @precondition(lambda self: self.is_busy)
    @rule(seconds=st.integers(1, 600))
    def bluetooth_is_off(self, seconds: int) -> None:
        self.did("bluetooth is off")
        self.let(self.phone.turn_bluetooth(False))
        self.let(self.here.listen_for(min(seconds, self.longest) * 1_000_000))
        self.let(self.phone.turn_bluetooth(True))

    @precondition(lambda self: self.is_busy)
    @rule(seconds=st.integers(1, 900))
    def it_is_carried_away(self, seconds: int) -> None:
        self.did("it is carried away")
        self.let(self.go_and_come_back(min(seconds, self.longest)))

    async def go_and_come_back(self, seconds: int) -> None:
        self.phone.walk_away()
        await self.here.listen_for(seconds * 1_000_000)
        self.phone.come_back()

    def teardown(self) -> None:
        if self.desk is None:
            return
        try:
            self.over()
        finally:
            self.desk.close()

    def over(self) -> None:
        raise NotImplementedError


class CorrectPhone(Owner):
    """A correct phone passes, whatever is done to it; and the recording says what was said live."""

    @precondition(lambda self: self.is_busy and not self.here.reads)
    @rule(minutes=st.integers(-180, 180))
    def its_clock_is_set(self, minutes: int) -> None:
        """Set its clock, and note it, as somebody has to who does that while it is listened."""
        self.did("its clock is set")
        self.let(self.set_clock(minutes * 60_000))

    async def set_clock(self, by_ms: int) -> None:
        self.phone.set_clock(self.phone.plan.offset_ms + by_ms)
        now_us = self.here.world.now_us()
        self.here.session.hear(Event(0, now_us, "clock_set", {"by_ms": by_ms}))
        await self.here.listen_for(1)

    @rule()
    def it_is_judged(self) -> None:
        """Judge it."""
        self.did("it is judged")
        self.holds()

    def holds(self) -> None:
        result = self.here.result
        if result is None or not any(each.matched for each in result.devices):
            return  # it was not heard yet, and who is heard alone is taken for it
        assert failed(result) == [], [(each.requirement, each.seen) for each in result.findings]

    def over(self) -> None:
        self.let(self.here.listen_for(MINUTE_US))
        self.holds()
        live = self.here.result
        ending = self.here.end()
        assert (ending.failure, ending.capture is None) == ("", False)
        with self.here.path.open("rb") as file:
            recorded = read_capture(open_source(self.here.path.name, file))
        checked = judge(
            SPECIFICATION, profiles_of(SPECIFICATION)["v3"], (), self.here.device_file, "sniff", (recorded,)
        )
        assert live is not None
        assert ending.capture == recorded
        assert (checked.requirements, checked.findings) == (live.requirements, live.findings)


FAULTY = [
    *(("android", name) for name in ANDROID_FAULTS),
    *(("ios", name) for name in IOS_FAULTS),
]


class FaultyPhone(Owner):
    """A planted fault is found once the phone was left alone for long enough, whatever was done to it before."""

    planted_faults: Sequence[tuple[str, str]]
    """One after the other."""
    looked_for: set[tuple[str, str]]
    missed: list[tuple[str, str]]

    def chosen(self, data: st.DataObject) -> tuple[str, str]:
        # what was missed is planted again, so that it is missed again
        self.fault = (
            self.missed[0]
            if self.missed
            else self.planted_faults[self.steps["examples"] % len(self.planted_faults)]
        )
        return self.fault

    def over(self) -> None:
        if self.looked_for == {*self.planted_faults}:
            return  # Hypothesis plays a few more than are counted
        self.let(self.here.listen_until(self.here.until_ms * 1000))
        result = self.here.result
        assert result is not None
        name = self.planted[0]
        if FAULTS[name].requirement not in failed(result):
            self.missed.append(self.fault)
            raise AssertionError(f"{name} was missed, and this found: {failed(result)}")
        self.looked_for.add(self.fault)


def play(machine: type[Owner], examples: int, steps: int, **more: object) -> Counter[str]:
    """Let Hypothesis play, and return what was done how often."""
    counted: Counter[str] = Counter()
    played = type(machine.__name__, (machine,), {"steps": counted, **more})
    wanted = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        phases=[each for each in Phase if each is not Phase.explain],  # that takes minutes
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(played, settings=wanted)
    return counted


def play_faults(examples: int, steps: int, faults: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Let Hypothesis play with phones into which faults are planted, and return those that were found."""
    found: set[tuple[str, str]] = set()
    done = play(FaultyPhone, examples, steps, planted_faults=faults, looked_for=found, missed=[])
    print(f"faulty phones: {dict(done)}")
    return found


def test_a_correct_phone_passes_whatever_is_done_to_it() -> None:
    steps = play(CorrectPhone, 12, 8)
    print(f"correct phones: {dict(steps)}")
    assert steps["examples"] >= 12


def test_a_planted_fault_is_found_whatever_was_done_before() -> None:
    assert play_faults(8, 6, FAULTY[::11]) == {*FAULTY[::11]}


@pytest.mark.long
def test_many_correct_phones_pass() -> None:
    steps = play(CorrectPhone, 20, 15)
    print(f"correct phones: {dict(steps)}")
    assert steps["examples"] >= 20


@pytest.mark.long
def test_each_planted_fault_is_found_whatever_was_done_before() -> None:
    assert play_faults(len(FAULTY), 8, FAULTY) == {*FAULTY}
