"""Reading iPhones: one connection at a time, every step recorded and bounded, whatever a library or a phone does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.checks.schedules import Slots
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.evidence.strict_json import parse
from bluezone_harness.live.attached import attached_to
from bluezone_harness.live.gatt_reader import CHARACTERISTIC, SERVICE, GattReader
from bluezone_harness.live.hci_receiver import HciReceiver
from bluezone_harness.live.preparing import Wanted
from bluezone_harness.live.preparing import prepared as prepared_session
from bluezone_harness.live.reading_plan import ATTEMPT_S, DueRead, ReadingPlan
from bluezone_harness.live.receivers import Receiver
from bluezone_harness.live.until import Until
from bluezone_harness.observations import AddressType, Advert, Event, Extent, GattRead, Observation, PduType
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.sources.recording_lines import read_line
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared
from bluezone_harness.writing.recordings import observation_line
from bluezone_reference.profiles import V3
from bluezone_spec.model import Specification

START_US = 1_597_046_400_000_000
ID = bytes(range(12))
GAP = "00001800-0000-1000-8000-00805f9b34fb"
NAME = "00002a00-0000-1000-8000-00805f9b34fb"
ADDRESS = "5A:00:00:00:00:01"
WHO = {"address": ADDRESS, "address_type": "resolvable"}
WHERE = {"service": SERVICE, "characteristic": CHARACTERISTIC}


def advert(number: int = 1) -> Advert:
    address = bytes.fromhex("5A00000000") + bytes((number,))
    return Advert(0, START_US, "", address, AddressType.RESOLVABLE, PduType.ADV_IND, b"", -60, None)


class LoopClock:
    """The loop's clock."""

    def __init__(self) -> None:
        self.set_by_us = 0

    def now_us(self) -> int:
        return START_US + self.set_by_us + round(asyncio.get_running_loop().time() * 1e6)


@dataclass
class Characteristic:
    """Of bleak, as far as it is read here."""

    uuid: str
    handle: int
    properties: list[str]


@dataclass
class Service:
    """Likewise."""

    uuid: str
    handle: int
    characteristics: list[Characteristic]


IPHONE = [
    Service(SERVICE.upper(), 40, [Characteristic(CHARACTERISTIC, 41, ["read", "encrypt-read", "read"])]),
    Service(
        GAP,
        1,
        [Characteristic("00002a01-0000-1000-8000-00805f9b34fb", 4, []), Characteristic(NAME, 2, ["read"])],
    ),
]

HANG = "hang"
Does = BaseException | bytes | str | None


@dataclass
class Client:
    """A client of bleak's whose steps do what a test wants: raise, return, or hang."""

    on_connect: Does = None
    on_services: Does = None
    reads: list[Does] = field(default_factory=lambda: [ID])
    on_disconnect: Does = None
    found: list[Service] = field(default_factory=lambda: IPHONE)
    lost_after_s: float | None = None
    done: list[str] = field(default_factory=list)
    is_open: bool = False
    lost_s: float | None = None

    async def connect(self) -> None:
        self.done.append("connect")
        self.is_open = True
        await self._does(self.on_connect)
        if self.lost_after_s is not None:
            self.lost_s = asyncio.get_running_loop().time() + self.lost_after_s

    @property
    def is_connected(self) -> bool:
        return self.is_open and (self.lost_s is None or asyncio.get_running_loop().time() < self.lost_s)

    @property
    def services(self) -> list[Service]:
        if isinstance(self.on_services, BaseException):
            raise self.on_services
        return self.found

    async def read_gatt_char(self, characteristic: Characteristic) -> bytearray:
        self.done.append(f"read {characteristic.handle}")
        does = self.reads.pop(0) if len(self.reads) > 1 else self.reads[0]
        await self._does(does)
        assert isinstance(does, bytes)
        return bytearray(does)

    async def disconnect(self) -> None:
        self.done.append("disconnect")
        self.is_open = False
        await self._does(self.on_disconnect)

    async def _does(self, does: Does) -> None:
        await asyncio.sleep(0.125)
        if does == HANG:
            await asyncio.get_running_loop().create_future()
        if isinstance(does, BaseException):
            raise does


class Plans:
    """A plan that is a list."""

    def __init__(self, due: Iterable[DueRead]) -> None:
        self.due = list(due)
        self.tried_of: list[tuple[int, bool]] = []

    def next_due(self, now_us: int) -> DueRead | None:
        return self.due.pop(0) if self.due else None

    def tried(self, due: DueRead, now_us: int, *, reads: int, offers: bool) -> None:
        self.tried_of.append((reads, offers))


class Phones:
    """A receiver that connects to what a test gives it."""

    def __init__(self, clients: Sequence[Client | None]) -> None:
        self.clients = list(clients)
        self.timeouts: list[float] = []

    def client(self, advert: Advert, timeout_s: float) -> Client | None:
        self.timeouts.append(timeout_s)
        return self.clients.pop(0)


Told = list[tuple[float, Observation]]


def told_of(
    clients: Sequence[Client | None],
    due: Sequence[DueRead],
    seconds: float = 60,
    clock: LoopClock | None = None,
) -> tuple[list[list[Observation]], Plans]:
    """Return what comes of reading, together as it came, and what the plan was told."""
    found: list[list[Observation]] = []
    plans = Plans(due)

    async def run() -> None:
        reader = GattReader(
            cast(Receiver, Phones(clients)),
            cast(ReadingPlan, plans),
            clock or LoopClock(),
            lambda together: found.append(list(together)),
        )
        task = asyncio.create_task(reader.run())
        await asyncio.sleep(seconds)
        assert not task.done(), "nothing stops the reader"
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run_in_virtual_time(run())
    return found, plans


def events(found: Iterable[Iterable[Observation]]) -> list[tuple[str, Mapping[str, object]]]:
    """Return the names and fields of events, a read as an event too; each can be recorded and read."""
    told: list[tuple[str, Mapping[str, object]]] = []
    for each in (each for together in found for each in together):
        line = observation_line(each)
        assert read_line(parse("x", line), 1, "") == replace(each, number=1)
        if isinstance(each, GattRead):
            assert (each.service, each.characteristic) == (SERVICE, CHARACTERISTIC)
            told.append(("gatt_read", {"value": each.value}))
        else:
            assert isinstance(each, Event)
            assert each.fields["address"] == ADDRESS
            told.append((each.name, {key: each.fields[key] for key in each.fields if key not in WHO}))
    return told


SERVICES = (
    "gatt_services",
    {
        "services": [
            {
                "uuid": GAP,
                "characteristics": [
                    {"uuid": NAME, "properties": ["read"]},
                    {"uuid": "00002a01-0000-1000-8000-00805f9b34fb", "properties": []},
                ],
            },
            {"uuid": SERVICE, "characteristics": [{"uuid": CHARACTERISTIC, "properties": ["read"]}]},
        ]
    },
)
READ = ("gatt_read", {"value": ID})
DISCONNECT: tuple[str, dict[str, object]] = ("disconnect", {})


@pytest.mark.req("BZ-RCV-004")
def test_a_session_gives_services_value_and_end() -> None:
    client = Client()
    found, plans = told_of([client], [DueRead(advert())])
    assert client.done == ["connect", "read 41", "disconnect"]
    assert events(found) == [SERVICES, READ, DISCONNECT]
    assert [len(each) for each in found] == [2, 1], "what came before the value comes with it"
    first = found[0][0]
    assert isinstance(first, Event)
    assert dict(first.fields) | {"services": None} == {**WHO, "services": None}
    assert [each.time_us - START_US for together in found for each in together] == [125_000, 250_000, 375_000]
    assert plans.tried_of == [(1, True)]


def test_who_heard_it_and_no_address_are_told() -> None:
    found, _ = told_of(
        [Client()], [DueRead(replace(advert(), receiver="left", address=None, address_type=None))]
    )
    end = found[1][0]
    assert isinstance(end, Event)
    assert dict(end.fields) == {"receiver": "left"}


ERRORS: list[tuple[BaseException, dict[str, object]]] = [
    (
        BleakError("failed to discover services,\n device disconnected"),
        {"reason": "failed to discover services, device disconnected"},
    ),
    (
        BleakDBusError("org.bluez.Error.Failed", ["le-connection-abort-by-local"]),
        {"reason": "[org.bluez.Error.Failed] le-connection-abort-by-local"},
    ),
    (BleakDeviceNotFoundError(ADDRESS, "not there"), {"reason": "not there"}),
    (
        BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF),
        {"reason": str(BleakBluetoothNotAvailableError("off", BleakBluetoothNotAvailableReason.POWERED_OFF))},
    ),
    (TimeoutError(), {"reason": "no answer within 10 s"}),
    (OSError(5, "Input/output error"), {"reason": "[Errno 5] Input/output error"}),
    (EOFError(), {"reason": "EOFError"}),
    (asyncio.CancelledError(), {"reason": "CancelledError"}),
    (AssertionError(), {"reason": "AssertionError"}),
    (KeyError("Value"), {"reason": "'Value'"}),
    (BleakError("x" * 999), {"reason": "x" * 200}),
]


@pytest.mark.parametrize(("error", "said"), ERRORS)
def test_a_connection_that_fails_is_told_and_the_next_is_made(
    error: BaseException, said: dict[str, object]
) -> None:
    clients = [Client(on_connect=error), Client()]
    found, plans = told_of(clients, [DueRead(advert()), DueRead(advert())])
    assert events(found) == [("gatt_error", {"step": "connect", **said}), SERVICES, READ, DISCONNECT]
    assert clients[0].done == ["connect", "disconnect"]
    assert plans.tried_of == [(0, True), (1, True)]


@pytest.mark.parametrize(("error", "said"), ERRORS)
def test_a_read_that_fails_is_told_and_the_next_is_made(
    error: BaseException, said: dict[str, object]
) -> None:
    clients = [Client(reads=[error]), Client()]
    found, plans = told_of(clients, [DueRead(advert()), DueRead(advert())])
    failed = ("gatt_error", {"step": "read", **WHERE, **said})
    assert events(found) == [SERVICES, failed, DISCONNECT, SERVICES, READ, DISCONNECT]
    assert clients[0].done == ["connect", "read 41", "disconnect"]
    assert plans.tried_of == [(0, True), (1, True)]


@pytest.mark.parametrize(("error", "said"), ERRORS)
def test_services_that_fail_are_told(error: BaseException, said: dict[str, object]) -> None:
    clients = [Client(on_services=error)]
    found, plans = told_of(clients, [DueRead(advert())])
    assert events(found) == [("gatt_error", {"step": "discover", **said}), DISCONNECT]
    assert plans.tried_of == [(0, True)]


@pytest.mark.parametrize("error", [each for each, _ in ERRORS])
def test_a_disconnection_that_fails_is_the_end_all_the_same(error: BaseException) -> None:
    clients = [Client(on_disconnect=error), Client()]
    found, plans = told_of(clients, [DueRead(advert()), DueRead(advert())])
    assert events(found) == [SERVICES, READ, DISCONNECT] * 2
    assert plans.tried_of == [(1, True)] * 2


@pytest.mark.parametrize("code", [*BleakGATTProtocolErrorCode, 0x9F, 0, 0x1FF])
def test_att_errors_are_told_by_their_codes(code: int) -> None:
    error = BleakGATTProtocolError(code)
    found, _ = told_of([Client(reads=[error])], [DueRead(advert())])
    name, said = events(found)[1]
    assert name == "gatt_error"
    assert said.get("att_error") == (int(code) if 0 < code < 256 else None)


@pytest.mark.parametrize("step", ["connect", "read", "disconnect"])
def test_who_never_answers_holds_up_the_others_for_an_attempt_only(step: str) -> None:
    silent = {
        "connect": Client(on_connect=HANG),
        "read": Client(reads=[HANG]),
        "disconnect": Client(on_disconnect=HANG),
    }[step]
    found, plans = told_of([silent, Client()], [DueRead(advert()), DueRead(advert())], 1.5 * ATTEMPT_S)
    told = events(found)
    assert told[-3:] == [SERVICES, READ, DISCONNECT]
    errors = [said for name, said in told if name == "gatt_error"]
    assert [each["reason"] for each in errors] == ["no answer within 10 s"] * (step != "disconnect")
    assert silent.done[-1] == "disconnect"
    assert len(plans.tried_of) == 2


@pytest.mark.parametrize("after_s", [0.05, 0.2, 5.0])
@pytest.mark.parametrize("hang", ["connect", "read", "hold"])
def test_whoever_is_cancelled_lets_the_phone_go(after_s: float, hang: str) -> None:
    client = Client(on_connect=HANG if hang == "connect" else None, reads=[HANG if hang == "read" else ID])
    due = DueRead(advert(), (START_US + 50_000_000,) if hang == "hold" else ())
    found, plans = told_of([client], [due], after_s)
    assert client.done[-1] == "disconnect"
    assert not client.is_open
    assert len(plans.tried_of) == 1
    names = [name for name, _ in events(found)]
    assert names[-1:] == ["disconnect"] or hang == "connect" or after_s < 0.125


def test_whoever_is_cancelled_while_a_phone_is_let_go_ends_too() -> None:
    found, plans = told_of([Client(on_disconnect=HANG)], [DueRead(advert())], 1)
    assert events(found) == [SERVICES, READ]
    assert plans.tried_of == [(1, True)]


def test_a_receiver_that_cannot_connect_at_the_moment_says_nothing_of_the_phone() -> None:
    phones = [None, None, Client()]
    found, plans = told_of(phones, [DueRead(advert())] * 3, 5)
    assert plans.tried_of == [(0, True), (0, True), (1, True)]
    assert events(found) == [SERVICES, READ, DISCONNECT]


def test_a_plan_that_always_wants_the_same_phone_does_not_stop_the_loop() -> None:
    class Stubborn(Plans):
        def next_due(self, now_us: int) -> DueRead | None:
            return DueRead(advert(), (START_US,))

    async def run() -> int:
        plans = Stubborn([])
        reader = GattReader(
            cast(Receiver, Phones([None] * 1000)),
            cast(ReadingPlan, plans),
            LoopClock(),
            lambda together: None,
        )
        task = asyncio.create_task(reader.run())
        await asyncio.sleep(10)
        task.cancel()
        await asyncio.wait([task])
        return len(plans.tried_of)

    assert 30 <= run_in_virtual_time(run()) <= 41


@pytest.mark.parametrize(
    "found",
    [
        [],
        [Service(GAP, 1, [])],
        [Service(SERVICE, 1, [])],
        [Service(SERVICE, 1, [Characteristic(NAME, 2, ["read"])])],
        [Service(GAP, 1, [Characteristic(CHARACTERISTIC, 2, ["read"])])],
    ],
)
def test_who_does_not_offer_the_id_is_not_read_and_that_is_told(found: list[Service]) -> None:
    client = Client(found=found)
    told, plans = told_of([client], [DueRead(advert())])
    assert [name for name, _ in events(told)] == ["gatt_services", "disconnect"]
    assert client.done == ["connect", "disconnect"]
    assert plans.tried_of == [(0, False)]


def test_more_services_than_a_recording_takes_are_left_out() -> None:
    many = [Characteristic(NAME, number, ["read"]) for number in range(300)]
    found = [Service(GAP, number, many if number == 0 else many[:1]) for number in range(300)]
    told, _ = told_of([Client(found=found)], [DueRead(advert())])
    (services, _) = events(told)
    listed = cast("list[dict[str, list[object]]]", services[1]["services"])
    assert [len(each["characteristics"]) for each in listed] == [256] + [1] * 255


HOLD_US = 40_000_000


@pytest.mark.req("BZ-GAT-003")
def test_a_held_connection_reads_twice() -> None:
    new = bytes(12)
    client = Client(reads=[ID, new])
    found, plans = told_of([client], [DueRead(advert(), (START_US + HOLD_US,))])
    assert client.done == ["connect", "read 41", "read 41", "disconnect"]
    assert events(found) == [SERVICES, READ, ("gatt_read", {"value": new}), DISCONNECT]
    assert found[1][0].time_us == START_US + HOLD_US + 125_000
    assert plans.tried_of == [(2, True)]


def test_a_phone_that_leaves_a_held_connection_is_let_go() -> None:
    client = Client(lost_after_s=7.5)
    found, plans = told_of([client], [DueRead(advert(), (START_US + HOLD_US,))], 15)
    assert client.done == ["connect", "read 41", "disconnect"]
    assert events(found) == [SERVICES, READ, DISCONNECT]
    assert plans.tried_of == [(1, True)]


def test_a_connection_whose_first_read_fails_is_not_held() -> None:
    client = Client(reads=[BleakError("x")])
    _, plans = told_of([client], [DueRead(advert(), (START_US + HOLD_US,))], 5)
    assert client.done[-1] == "disconnect"
    assert plans.tried_of == [(0, True)]


def test_a_clock_that_is_set_back_does_not_hold_a_connection_for_longer() -> None:
    clock = LoopClock()
    client = Client()

    async def run() -> None:
        plans = Plans([DueRead(advert(), (START_US + HOLD_US,))])
        reader = GattReader(
            cast(Receiver, Phones([client])), cast(ReadingPlan, plans), clock, lambda together: None
        )
        task = asyncio.create_task(reader.run())
        await asyncio.sleep(10)
        clock.set_by_us = -3_600_000_000
        await asyncio.sleep(HOLD_US / 1e6)
        assert client.done == ["connect", "read 41", "disconnect"]
        task.cancel()
        await asyncio.wait([task])

    run_in_virtual_time(run())


ANY_ERROR = st.sampled_from([each for each, _ in ERRORS])
ANY_CLIENT = st.builds(
    Client,
    on_connect=st.none() | st.none() | ANY_ERROR | st.just(HANG),
    on_services=st.none() | st.none() | ANY_ERROR,
    reads=st.lists(st.just(ID) | ANY_ERROR | st.just(HANG), min_size=1, max_size=2),
    on_disconnect=st.none() | ANY_ERROR | st.just(HANG),
    lost_after_s=st.none() | st.floats(0, 60),
)


@settings(max_examples=50)
@given(st.lists(st.tuples(ANY_CLIENT, st.booleans()), max_size=6), st.floats(0, 150))
def test_there_is_one_connection_at_a_time_whatever_happens(
    drawn: list[tuple[Client, bool]], seconds: float
) -> None:
    clients = [each for each, _ in drawn]

    class Watched(Phones):
        def client(self, advert: Advert, timeout_s: float) -> Client | None:
            assert not any(each.is_open for each in clients)
            assert timeout_s == ATTEMPT_S
            return super().client(advert, timeout_s)

    async def run() -> None:
        plans = Plans(DueRead(advert(), (START_US + HOLD_US,) if held else ()) for _, held in drawn)
        reader = GattReader(
            cast(Receiver, Watched(clients)), cast(ReadingPlan, plans), LoopClock(), lambda together: None
        )
        task = asyncio.create_task(reader.run())
        await asyncio.sleep(seconds)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert not any(each.is_open for each in clients)

    run_in_virtual_time(run())


# Over virtual phones

SLOT_MS = 900_000


async def watched(
    plan: Plan, path: Path, specification: Specification, act: Callable[[World], Any] | None = None
) -> tuple[Result, list[Event | GattRead]]:
    """Listen to a plan with a session that reads, and return the verdict and what was read."""
    async with World(plan, 7) as world:
        receiver = HciReceiver("virtual", attached_to(world), world)
        session = prepared_session(
            receiver,
            Wanted(
                recording=path,
                packets=None,
                overwrite=False,
                specification=specification,
                profile=profiles_of(specification)["v3"],
                device_file=read_device_file("device.json", device_file(world.plan.phones[:1])),
                command="sniff",
                until=Until(),
                reads=True,
                keeps=lambda observation: True,
                whole_air=Extent.YES,
                key=None,
                say=lambda text: None,
                judge_each_s=3600,
            ),
            world,
        )
        running = asyncio.create_task(session.run())
        if act is not None:
            await act(world)
        await world.run_until(plan.until_ms * 1000 - 1_000_000)
        session.end("the test ended")
        ending = await running
        assert ending.capture is not None
        return session.judged(ending.capture), [*ending.capture.folded.events, *ending.capture.folded.reads]


def desk(*faults: str) -> Plan:
    """Return a plan of an iPhone that is heard from two minutes before the end of a slot to two after it.

    A value that was kept shows as such in the slot after that only: before, the phone's clock might be behind. A right
    phone is not alone; of a faulty one among several nobody could know whose it is.
    """
    start_ms = START_US // 1000 + SLOT_MS - 120_000
    duration_ms = 240_000 + (SLOT_MS if {"fixed-at-connection", "cached-read"} & {*faults} else 0)
    phone = drawn_phone("phone", "ios", start_ms, 3, faults)
    other = drawn_phone("other", "ios", start_ms, 4)
    return prepared(
        Plan((phone,) if faults else (phone, other), start_ms, duration_ms, interval_ms=500, gatt=True), 7
    )


def verdicts_of(result: Result) -> dict[str, str]:
    return {each.id: str(each.verdict) for each in result.requirements if each.id.startswith("BZ-GAT")}


@pytest.mark.req("BZ-GAT-001", "BZ-GAT-002", "BZ-GAT-003")
def test_a_right_iphone_passes(tmp_path: Path, specification: Specification) -> None:
    result, told = run_in_virtual_time(watched(desk(), tmp_path / "x.jsonl", specification))
    assert verdicts_of(result) == {"BZ-GAT-001": "pass", "BZ-GAT-002": "pass", "BZ-GAT-003": "pass"}
    assert not [each for each in told if isinstance(each, Event) and each.name == "gatt_error"]
    names = [each.name for each in told if isinstance(each, Event)]
    reads = [each for each in told if isinstance(each, GattRead)]
    assert names.count("gatt_services") == names.count("disconnect") >= 3
    assert len({each.value for each in reads}) >= 4, "two phones, two slots"


@pytest.mark.parametrize(
    ("fault", "requirement"),
    [
        ("writable-id", "BZ-GAT-001"),
        ("second-characteristic", "BZ-GAT-001"),
        ("read-needs-encryption", "BZ-GAT-001"),
        ("no-gatt-service", "BZ-GAT-001"),
        ("read-thirteen-octets", "BZ-GAT-002"),
        ("fixed-at-connection", "BZ-GAT-003"),
        ("cached-read", "BZ-GAT-003"),
    ],
)
def test_a_faulty_iphone_fails(
    fault: str, requirement: str, tmp_path: Path, specification: Specification
) -> None:
    result, _ = run_in_virtual_time(watched(desk(fault), tmp_path / "x.jsonl", specification))
    assert verdicts_of(result)[requirement] == "fail"


def test_an_iphone_that_walks_away_in_the_middle_of_a_held_connection(
    tmp_path: Path, specification: Specification
) -> None:
    async def act(world: World) -> None:
        await world.run_until(world.plan.start_ms * 1000 + 130_000_000)
        world.phones["phone"].walk_away()
        await world.run_until(world.plan.start_ms * 1000 + 200_000_000)
        world.phones["phone"].come_back()

    result, told = run_in_virtual_time(watched(desk(), tmp_path / "x.jsonl", specification, act))
    assert "fail" not in verdicts_of(result).values()
    names = [each.name for each in told if isinstance(each, Event)]
    assert names.count("gatt_services") == names.count("disconnect") >= 2


def test_the_plan_is_the_apps(specification: Specification) -> None:
    plan = ReadingPlan(Slots(None, V3), lambda address: False)
    assert plan.next_due(START_US) is None
    assert SERVICE == "00004e56-73f5-4bc4-a12f-17d1ad07a667"
    assert CHARACTERISTIC.endswith("a689")
