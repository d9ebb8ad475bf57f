"""A session with a receiver that does whatever a test wants, in virtual time: what is recorded, told and judged."""

from __future__ import annotations

import asyncio
import errno
import io
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from bluezone_harness.checks.captures import Capture, read_capture
from bluezone_harness.checks.schedules import Slots
from bluezone_harness.evidence.device_files import DeviceFile, read_device_file
from bluezone_harness.live.gatt_reader import CHARACTERISTIC, SERVICE
from bluezone_harness.live.judging import LiveJudge
from bluezone_harness.live.owners import Owners
from bluezone_harness.live.reading_plan import ReadingPlan
from bluezone_harness.live.receivers import Hear, HearPacket, ListenError
from bluezone_harness.live.recorder import RawFile, Recorder, RecorderError, new_file
from bluezone_harness.live.rows import Rows
from bluezone_harness.live.session import Ending, Session, Settings
from bluezone_harness.live.until import Until
from bluezone_harness.observations import (
    AddressType,
    Advert,
    Capability,
    Event,
    Extent,
    Gap,
    GattRead,
    Observation,
    PduType,
)
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.sources import open_source
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared, simulate
from bluezone_spec.model import Specification

if TYPE_CHECKING:
    from bleak import BleakClient

pytestmark = pytest.mark.req("BZ-ADV-004")

START_US = 1_597_046_400_000_000
SECOND_US = 1_000_000
AD = bytes.fromhex("0201020fffb522b9a665d754fe65e665d76a450303564e")
IPHONE = bytes.fromhex("020106110767a607add1172fa1c44bf573564e0000")
ADDRESS = bytes.fromhex("5A0000000001")
SHOWN = dict.fromkeys(
    (
        Capability.RAW_AD,
        Capability.AD_ORDER,
        Capability.ADDRESS,
        Capability.ADDRESS_TYPE,
        Capability.PDU_TYPE,
        Capability.RSSI,
        Capability.INTERVAL,
    ),
    Extent.YES,
)
Doing = Callable[["Fake", Hear, HearPacket], Awaitable[None]]


class Clock:
    """The loop's time, from an instant on, and set at will."""

    set_us = START_US

    def now_us(self) -> int:
        return self.set_us + round(asyncio.get_running_loop().time() * SECOND_US)


class Fake:
    """A receiver that does what it is told to, once for each time that it is begun."""

    title = "fake"
    tells_fields = False
    is_clock = False
    capabilities: Mapping[Capability, Extent] = SHOWN

    def __init__(self, clock: Clock, *doing: Doing) -> None:
        self.clock = clock
        self.begun_us: list[int] = []
        self._doing = doing

    async def listen(self, hear: Hear, hear_packet: HearPacket) -> None:
        self.begun_us.append(self.clock.now_us())
        await self._doing[min(len(self.begun_us), len(self._doing)) - 1](self, hear, hear_packet)

    def client(self, advert: Advert, timeout_s: float) -> BleakClient | None:
        return None

    def advert(self, ad: bytes = AD, address: bytes = ADDRESS, pdu: PduType = PduType.ADV_IND) -> Advert:
        return Advert(0, self.clock.now_us(), "", address, AddressType.RESOLVABLE, pdu, ad, -50, None)


@dataclass
class Bench:
    """A session and what comes of it."""

    folder: Path
    specification: Specification
    until: Until = field(default_factory=Until)
    device_file: DeviceFile | None = None
    reads: bool = False
    more: dict[str, object] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    make: Callable[[Path], RawFile] = new_file
    packets: RawFile | None = None

    @property
    def path(self) -> Path:
        return self.folder / "desk.jsonl"

    def session(self, receiver: Fake) -> Session:
        devices = self.device_file.devices if self.device_file else ()
        profile = profiles_of(self.specification)["v3"]

        async def judging(work: Callable[[], Result]) -> Result:
            return work()

        settings = Settings(
            until=self.until, reads=self.reads, say=self.said.append, judging=judging, judge_each_s=1e6
        )
        owners = Owners(devices, profile)
        return Session(
            receiver,
            lambda heard: Recorder(
                self.make(self.path),
                self.packets,
                heard.title,
                "",
                heard.capabilities,
                now=self.clock.now_us,
            ),
            self.path.name,
            LiveJudge(self.specification, profile, self.device_file, self.path.name, "sniff"),
            Rows(devices, lambda device: Slots(device, profile)),
            owners,
            ReadingPlan(Slots(None, profile), lambda address: owners.of(address) is not None),
            self.clock,
            replace(settings, **self.more),  # type: ignore[arg-type]  # values of several types, by name
        )

    def run(self, *doing: Doing) -> Ending:
        async def main() -> Ending:
            self.receiver = Fake(self.clock, *doing)
            self.running = self.session(self.receiver)
            return await self.running.run()

        return run_in_virtual_time(main())

    def recorded(self) -> list[Observation]:
        source = open_source(self.path.name, io.BytesIO(self.path.read_bytes()))
        found = list(source)
        assert not source.diagnostics
        return found

    def last_line(self) -> object:
        return json.loads(self.path.read_bytes().splitlines()[-1])


@pytest.fixture
def bench(tmp_path: Path, specification: Specification) -> Bench:
    return Bench(tmp_path, specification)


async def every_second(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
    while True:
        hear(receiver.advert())
        await asyncio.sleep(1)


def times(count: int, then: BaseException | None = None) -> Doing:
    async def doing(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        for _ in range(count):
            hear(receiver.advert())
            await asyncio.sleep(1)
        if then is not None:
            raise then

    return doing


def gone(text: str = "the adapter is gone: plug it in again") -> ListenError:
    return ListenError(text, may_return=True)


def test_for_a_time(bench: Bench) -> None:
    bench.until = Until(duration_us=90 * SECOND_US)
    ending = bench.run(every_second)
    assert ending.reason == "it was listened for 1 min 30 s"
    assert not ending.failure
    assert len(bench.recorded()) in (90, 91)
    assert bench.last_line() == {"kind": "end", "reason": ending.reason}


def test_until_so_many_were_heard(bench: Bench) -> None:
    bench.until = Until(adverts=7)

    async def many(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        for _ in range(50):  # what comes after the end, and before anybody notices, is dropped
            hear(receiver.advert())
            hear_packet(receiver.clock.now_us(), 201, b"\x00\x00\x00\x01\x04")
        await asyncio.sleep(9)

    bench.packets = io.BytesIO()
    ending = bench.run(many)
    assert ending.reason == "7 adverts were heard"
    assert [each.number for each in bench.recorded()] == [2, 3, 4, 5, 6, 7, 8]
    bench.running.hear(Gap(0, START_US, START_US))
    bench.running.hear_packet(START_US, 201, b"\x00\x00\x00\x01\x04")
    bench.running.end("again")
    assert bench.last_line() == {"kind": "end", "reason": "7 adverts were heard"}


def test_the_verdict_is_that_of_the_recording(bench: Bench) -> None:
    adverts = phone(bench, "android", 0.02, START_US)
    ending = bench.run(play(adverts))
    assert ending.capture is not None
    found = bench.running.judged(ending.capture)
    source = open_source(bench.path.name, io.BytesIO(bench.path.read_bytes()))
    profile = profiles_of(bench.specification)["v3"]
    captures = (read_capture(source, False),)
    assert found == judge(bench.specification, profile, (), bench.device_file, "sniff", captures)


def test_a_receiver_that_goes_and_comes_back(bench: Bench) -> None:
    bench.until = Until(duration_us=60 * SECOND_US)
    ending = bench.run(times(5, gone()), times(0, gone()), times(0, gone()), every_second)
    begun = [each - START_US for each in bench.receiver.begun_us]
    assert begun == [0, 5 * SECOND_US, 7 * SECOND_US, 9 * SECOND_US] or begun == [
        0,
        7 * SECOND_US,
        9 * SECOND_US,
        11 * SECOND_US,
    ]
    gaps = [each for each in bench.recorded() if isinstance(each, Gap)]
    # from what was heard last until what was heard first
    assert [(each.time_us - START_US, each.until_us - START_US) for each in gaps] == [
        (4 * SECOND_US, begun[-1])
    ]
    assert bench.said == ["the adapter is gone: plug it in again; waiting for it", "listening again"]
    assert not ending.failure


def test_another_reason_is_another_sentence(bench: Bench) -> None:
    bench.until = Until(duration_us=60 * SECOND_US)
    bench.run(
        times(1, gone()),
        times(0, gone("Bluetooth is off: turn it on")),
        times(0, gone("Bluetooth is off: turn it on")),
    )
    assert bench.said == [
        "the adapter is gone: plug it in again; waiting for it",
        "Bluetooth is off: turn it on; waiting for it",
    ]
    gap = bench.recorded()[-1]
    assert isinstance(gap, Gap)
    assert gap.time_us == START_US
    assert gap.until_us - START_US == pytest.approx(60 * SECOND_US, abs=SECOND_US)


def test_what_is_waited_for_is_shown(bench: Bench) -> None:
    bench.until = Until(duration_us=20 * SECOND_US)
    shown: list[str] = []

    async def watching(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        shown.append(bench.running.snapshot().waiting)
        raise gone()

    bench.run(times(1, gone()), watching)
    assert set(shown) == {"the adapter is gone: plug it in again"}


@pytest.mark.parametrize("error", [gone(), ListenError("there is no adapter: plug one in")])
def test_gone_at_the_start_leaves_nothing(bench: Bench, error: ListenError) -> None:
    async def never(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        hear_packet(START_US, 201, b"\x00\x00\x00\x00\x01")  # what was asked of the controller
        await asyncio.sleep(3)
        raise error

    with pytest.raises(ListenError, match=str(error)):
        bench.run(never)
    assert not list(bench.folder.iterdir())


def test_gone_for_good_ends_with_its_sentence(bench: Bench) -> None:
    ending = bench.run(times(3, ListenError("it broke: mend it")))
    assert (ending.reason, ending.failure) == ("the receiver failed", "it broke: mend it")
    assert len(bench.recorded()) == 3
    assert ending.capture is not None
    assert not ending.capture.partial


@pytest.mark.parametrize("after", [0, 3])
def test_a_defect_closes_the_recording_and_is_raised(bench: Bench, after: int) -> None:
    with pytest.raises(ZeroDivisionError):
        bench.run(times(after, ZeroDivisionError()))
    assert bench.path.exists() == bool(after)
    if after:
        assert len(bench.recorded()) == 3
        assert bench.last_line() == {"kind": "end", "reason": "it failed"}


@pytest.mark.parametrize("where", ["keeps", "private", "learn"])
def test_to_hear_never_raises(bench: Bench, where: str) -> None:
    def defect(observation: Observation) -> bool:
        raise LookupError(where)

    returned: list[bool] = []

    async def two(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        hear(receiver.advert())
        bench.running.hear_together([receiver.advert()])
        hear_packet(-1, 201, b"")
        returned.append(True)
        await asyncio.sleep(5)

    bench.more = {where: defect}
    with pytest.raises(LookupError, match=where):
        bench.run(two)
    assert returned == [True]


def test_what_has_an_absurd_time_is_left_out_and_told_once(bench: Bench) -> None:
    far_us = 253_402_300_800_000_001

    async def wrong(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        hear_packet(-1, 201, b"\x00\x00\x00\x01")
        hear(receiver.advert())
        for time_us in (-1, -62_167_219_200_000_000, far_us):
            hear(replace(receiver.advert(address=bytes.fromhex("5A0000000002")), time_us=time_us))
            hear_packet(time_us, 201, b"\x00\x00\x00\x01")
        await asyncio.sleep(1)
        hear(receiver.advert())
        assert bench.running.snapshot().rows[0].adverts == 2

    bench.packets = io.BytesIO()
    bench.until = Until(duration_us=60 * SECOND_US)
    ending = bench.run(wrong)
    assert (ending.reason, ending.failure) == ("the stream ended", "")
    assert bench.said == [
        "something that has no line in a recording is left out: its time is before 1970 or after 9999: "
        "check the clock of who heard it"
    ]
    assert [each.time_us for each in bench.recorded()] == [START_US, START_US + SECOND_US]


@pytest.mark.parametrize("hears", [True, False])
def test_a_disk_that_gets_full_while_something_is_heard(bench: Bench, hears: bool) -> None:
    async def late(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        for _ in range(9):
            hear(receiver.advert())
        receiver.clock.set_us += SECOND_US  # somebody held up the loop: what waits is due
        if hears:
            hear(receiver.advert())
        else:
            hear_packet(receiver.clock.now_us(), 201, b"\x00\x00\x00\x01\x04")
        await asyncio.sleep(9)

    bench.make = lambda path: Full(path, "xb")
    bench.packets = io.BytesIO()
    ending = bench.run(late)
    assert "the disk is full" in ending.failure
    assert ending.capture is not None
    assert 0 < ending.capture.folded.adverts < 9
    assert len(bench.recorded()) == ending.capture.folded.adverts


def test_more_packets_than_are_held_are_recorded_though_nothing_was_heard(bench: Bench) -> None:
    async def many(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        for _ in range(1025):
            hear_packet(START_US, 201, b"\x00\x00\x00\x01\x04")
        await asyncio.sleep(1)

    bench.packets = io.BytesIO()
    assert not bench.run(many).failure
    bench.path.unlink()
    bench.make = lambda path: path.open("rb", buffering=0)
    ending = bench.run(many)
    assert "No such file or directory" in ending.failure


def test_a_defect_while_a_packet_is_taken_ends_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*arguments: object, **more: object) -> None:
        raise LookupError("a defect")

    async def wrong(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        hear(receiver.advert())
        hear_packet(START_US, 201, b"\x00\x00\x00\x01\x04")
        await asyncio.sleep(5)

    monkeypatch.setattr(Recorder, "add_packet", defect)
    with pytest.raises(LookupError, match="a defect"):
        bench.run(wrong)
    assert bench.last_line() == {"kind": "end", "reason": "it failed"}


def test_what_was_judged_is_judged_again_when_there_is_more(bench: Bench) -> None:
    judged: list[float] = []

    async def judging(work: Callable[[], Result]) -> Result:
        judged.append(asyncio.get_running_loop().time())
        return work()

    async def twice(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        hear(receiver.advert())
        await asyncio.sleep(10.5)
        hear(receiver.advert())
        await asyncio.sleep(10)

    bench.device_file = read_device_file(
        "device.json", b'{"base_id": "%s", "base_day": "2020-08-08"}' % (b"4c5224b397f8ab38" * 4)
    )
    bench.more = {"judging": judging, "judge_each_s": 1.0}
    bench.run(twice)
    assert judged == [1.0, 11.0]


def test_what_was_heard_is_in_the_file_within_a_second_though_nothing_follows(bench: Bench) -> None:
    found: list[int] = []

    async def one(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        await asyncio.sleep(3.3)
        hear(receiver.advert())
        await asyncio.sleep(1)
        found.append(bench.path.read_bytes().count(b"\n"))
        await asyncio.sleep(3600)

    bench.until = Until(duration_us=10 * SECOND_US)
    bench.run(one)
    assert found == [2]


class Full(io.FileIO):
    """A file on a disk that gets full."""

    room = 800

    def write(self, octets: object, /) -> int:
        fitting = memoryview(octets)[: max(0, self.room - self.tell())]  # type: ignore[arg-type]  # of octets
        if not fitting:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(fitting)


@pytest.mark.parametrize("room", [300, 740, 800, 5_000, 5_100, 5_200, 5_300, 20_001])
def test_a_full_disk_ends_with_one_sentence_and_the_file_is_what_is_judged(
    bench: Bench, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Full, "room", room)
    bench.make = lambda path: Full(path, "x+b")
    ending = bench.run(play(phone(bench, "android", 0.1, START_US)))
    assert ending.reason == "the recording failed"
    assert "the disk is full" in ending.failure
    checked = read_capture(open_source(bench.path.name, io.BytesIO(bench.path.read_bytes())), False)
    assert ending.capture is not None
    # of what was added last nothing is counted
    assert ending.capture == replace(checked, diagnostics=ending.capture.diagnostics)
    assert [each.message for each in ending.capture.diagnostics] == [ending.failure] * checked.partial
    profile = profiles_of(bench.specification)["v3"]
    found = bench.running.judged(ending.capture)
    wanted = judge(bench.specification, profile, (), bench.device_file, "sniff", (checked,))
    assert found == replace(wanted, diagnostics=found.diagnostics)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied"),
        OSError("nobody knows"),
        RecorderError(
            "the recording cannot be written any further, the disk is full: make room", errno.ENOSPC
        ),
    ],
)
def test_a_file_that_cannot_be_made_ends_with_one_sentence(bench: Bench, error: Exception) -> None:
    def refuse(path: Path) -> RawFile:
        raise error

    bench.make = refuse
    ending = bench.run(every_second)
    assert ending.capture is None
    assert ending.reason == "the recording failed"
    assert "cannot be written" in ending.failure


def test_a_disk_that_is_full_at_the_last_line(bench: Bench) -> None:
    bench.make = lambda path: Full(path, "xb")
    bench.until = Until(duration_us=300 * SECOND_US)
    ending = bench.run(times(1))
    assert ending.reason == "the stream ended"
    Full.room = len(bench.path.read_bytes()) - 2
    bench.path.unlink()
    try:
        again = bench.run(times(1))
    finally:
        Full.room = 800
    assert "the disk is full" in again.failure


def test_a_computer_that_slept_tells_so(bench: Bench) -> None:
    bench.until = Until(adverts=8)

    async def sleeping(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        for number in range(8):
            hear(receiver.advert())
            await asyncio.sleep(1)
            if number == 3:
                receiver.clock.set_us += 3600 * SECOND_US

    bench.run(sleeping)
    (gap,) = (each for each in bench.recorded() if isinstance(each, Gap))
    assert (gap.until_us - gap.time_us) / SECOND_US == pytest.approx(3600, abs=1)
    assert gap.time_us - START_US == pytest.approx(4 * SECOND_US, abs=SECOND_US)
    assert bench.said == ["the computer slept, or its clock was set: 1 h were not heard"]


def test_a_clock_that_is_set_back_tells_so(bench: Bench) -> None:
    bench.until = Until(adverts=8)

    async def back(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        for number in range(8):
            hear(receiver.advert())
            await asyncio.sleep(1)
            if number == 3:
                receiver.clock.set_us -= 60 * SECOND_US

    ending = bench.run(back)
    assert bench.said == ["the computer's clock was set back by 1 min: times in the recording go back, too"]
    assert ending.reason == "8 adverts were heard"
    assert not [each for each in bench.recorded() if isinstance(each, Gap)]


def test_a_stream_is_as_long_as_its_times_say(bench: Bench) -> None:
    bench.until = Until(duration_us=30 * SECOND_US)

    async def at_once(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        for second in range(3600):
            receiver.clock.set_us = START_US + second * SECOND_US
            hear(receiver.advert())

    bench.receiver = Fake(bench.clock, at_once)
    bench.receiver.is_clock = True

    async def main() -> Ending:
        bench.running = bench.session(bench.receiver)
        assert bench.running.snapshot().since_us == bench.clock.now_us()
        return await bench.running.run()

    ending = run_in_virtual_time(main())
    assert ending.reason == "it was listened for 30 s"
    assert len(bench.recorded()) == 30
    assert not bench.said


def test_a_stream_that_ends_ends_the_session(bench: Bench) -> None:
    ending = bench.run(times(2))
    assert ending.reason == "the stream ended"
    assert len(bench.recorded()) == 2


def test_nothing_heard_is_a_recording_that_says_so(bench: Bench) -> None:
    bench.until = Until(duration_us=5 * SECOND_US)
    ending = bench.run(silent)
    assert bench.recorded() == []
    assert ending.capture is not None
    assert ending.capture.packets == 0


async def silent(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
    await asyncio.sleep(1e6)


def test_cancelled_from_outside_it_closes_the_recording(bench: Bench) -> None:
    async def main() -> None:
        bench.receiver = Fake(bench.clock, every_second)
        task = asyncio.create_task(bench.session(bench.receiver).run())
        await asyncio.sleep(3.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_in_virtual_time(main())
    assert len(bench.recorded()) == 4
    assert bench.last_line() == {"kind": "end", "reason": "it was cancelled"}


def test_packets_from_before_anything_was_heard_are_kept(bench: Bench) -> None:
    class Kept(io.BytesIO):
        octets = b""

        def close(self) -> None:
            self.octets = self.getvalue()
            super().close()

    async def asked(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        hear_packet(START_US, 201, b"\x00\x00\x00\x00\x01\x03\x0c\x00")
        await asyncio.sleep(1)
        assert not bench.path.exists()
        hear(receiver.advert())
        hear_packet(START_US, 201, b"\x00\x00\x00\x01\x04\x0e\x04\x01\x03\x0c\x00")

    kept = bench.packets = Kept()
    bench.run(asked)
    assert b"\x01\x03\x0c\x00" in kept.octets
    assert b"\x04\x0e\x04" in kept.octets


def test_what_has_no_line_is_told_once(bench: Bench) -> None:
    async def long(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        hear(receiver.advert())
        for _ in range(3):
            now_us = receiver.clock.now_us()
            hear(GattRead(0, now_us, "", ADDRESS, AddressType.RESOLVABLE, "1800", "2a00", bytes(60_000)))

    bench.run(long)
    (said,) = bench.said
    assert said.startswith("something that has no line in a recording is left out: ")
    assert len(bench.recorded()) == 1


@dataclass
class Iphone:
    """What connects to a phone that never answers a read, as far as bleak is asked."""

    order: list[str]
    is_connected = True
    services: ClassVar[tuple[Offered, ...]] = ()

    async def connect(self) -> None:
        self.order.append("connected")
        await asyncio.sleep(1e6)

    async def disconnect(self) -> None:
        await asyncio.sleep(0.5)
        self.order.append("let go")


class Reading(Fake):
    """A receiver that can connect, and takes a while to stop."""

    order: list[str]

    async def listen(self, hear: Hear, hear_packet: HearPacket) -> None:
        try:
            while True:
                hear(self.advert(IPHONE))
                await asyncio.sleep(0.5)
        finally:
            self.order.append("stopping")
            await asyncio.sleep(0.1)
            self.order.append("stopped")

    def client(self, advert: Advert, timeout_s: float) -> BleakClient | None:
        assert "stopping" not in self.order
        return Iphone(self.order)  # type: ignore[return-value]  # as much of one as is asked for


@pytest.mark.req("BZ-RCV-004")
@pytest.mark.parametrize("cancelled", [False, True])
def test_who_reads_a_phone_lets_it_go_before_the_receiver_stops(bench: Bench, cancelled: bool) -> None:
    bench.reads = True
    receiver = Reading(bench.clock)
    receiver.order = []

    async def main() -> None:
        session = bench.session(receiver)
        task = asyncio.create_task(session.run())
        await asyncio.sleep(3)
        if cancelled:
            task.cancel()
        else:
            session.end("enough")
        await asyncio.wait([task])

    run_in_virtual_time(main())
    assert receiver.order == ["connected", "let go", "stopping", "stopped"]
    assert bench.last_line() == {"kind": "end", "reason": "it was cancelled" if cancelled else "enough"}


def test_who_is_not_let_go_holds_up_the_end_for_a_moment_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(phone: Iphone) -> None:
        await asyncio.sleep(1e6)

    monkeypatch.setattr(Iphone, "disconnect", never)
    bench.reads = True
    receiver = Reading(bench.clock)
    receiver.order = []

    async def main() -> float:
        session = bench.session(receiver)
        task = asyncio.create_task(session.run())
        await asyncio.sleep(3)
        session.end("enough")
        ended_s = asyncio.get_running_loop().time()
        while "stopped" not in receiver.order:
            await asyncio.sleep(0.1)
        left_s = asyncio.get_running_loop().time() - ended_s
        await task
        return left_s

    assert 2 < run_in_virtual_time(main()) < 4


@dataclass
class Offered:
    """A service or a characteristic of bleak's, as far as it is read here."""

    uuid: str
    handle: int
    properties: tuple[str, ...] = ("read",)
    characteristics: tuple[Offered, ...] = ()


async def never_read(phone: Iphone, characteristic: Offered) -> bytes:
    await asyncio.sleep(1e6)
    return b""


IPHONES_SERVICES = (Offered(SERVICE, 1, characteristics=(Offered(CHARACTERISTIC, 2),)),)


@pytest.mark.req("BZ-GAT-001")
@pytest.mark.parametrize("private", [False, True])
def test_what_a_phone_offers_is_recorded_as_it_comes_unless_it_is_to_be_known_whose_it_is(
    bench: Bench, private: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(phone: Iphone) -> None:
        phone.order.append("connected")

    bench.reads = True
    if private:
        bench.more = {"learn": lambda observation: None}
    receiver = Reading(bench.clock)
    receiver.order = []
    found: list[bool] = []
    monkeypatch.setattr(Iphone, "connect", at_once)
    monkeypatch.setattr(Iphone, "services", IPHONES_SERVICES)
    monkeypatch.setattr(Iphone, "read_gatt_char", never_read, raising=False)

    async def main() -> None:
        session = bench.session(receiver)
        task = asyncio.create_task(session.run())
        await asyncio.sleep(3)
        found.append(b'"kind":"gatt_services"' in bench.path.read_bytes())
        session.end("enough")
        await task

    run_in_virtual_time(main())
    assert found == [not private]


def test_what_is_filtered_is_not_recorded(bench: Bench) -> None:
    bench.more = {
        "keeps": lambda each: isinstance(each, Advert),
        "private": lambda each: None if each.address[-1] == 2 else each,
    }

    async def some(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        hear(receiver.advert())
        hear(receiver.advert(address=bytes.fromhex("5A0000000002")))
        hear(Event(0, receiver.clock.now_us(), "push", {}))

    bench.run(some)
    assert len(bench.recorded()) == 1
    # what is shown is what was heard
    assert sum(each.adverts for each in bench.running._rows.rows(START_US)) == 2


def phone(bench: Bench, platform: str, hours: float, start_us: int) -> list[Advert]:
    """Give the bench a device file of a simulated phone, and return what is heard of it."""
    drawn = drawn_phone("desk", platform, start_us // 1000, 1)
    plan = prepared(Plan((drawn,), start_us // 1000, int(hours * 3_600_000), interval_ms=500), 1)
    bench.device_file = read_device_file("device.json", device_file(plan.phones))
    bench.clock.set_us = start_us
    return [
        Advert(0, each.time_us, "", each.address, each.address_type, each.pdu, each.ad, each.rssi, None)
        for each in simulate(plan, 1)
    ]


def play(adverts: list[Advert]) -> Doing:
    async def doing(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        for each in adverts:
            await asyncio.sleep(max(0, each.time_us - receiver.clock.now_us()) / SECOND_US)
            hear(each)

    return doing


@pytest.mark.req("BZ-KEY-009")
@pytest.mark.parametrize("reads", [False, True])
def test_decided_is_when_nothing_is_left_that_listening_decides(bench: Bench, reads: bool) -> None:
    """BZ-KEY-009 takes midnight: a phone that is heard from 23:35 on is decided soon after it, and not before."""
    midnight_us = START_US + 16 * 3600 * SECOND_US
    adverts = phone(bench, "android", 1.2, midnight_us - 25 * 60 * SECOND_US)
    bench.until = Until(decided=True)
    bench.reads = reads  # an Android phone has nothing to read, so that nobody waits for it
    bench.more = {"judge_each_s": 60.0}
    ending = bench.run(play(adverts))
    assert ending.reason == "all was decided that listening can decide"
    assert ending.capture is not None
    assert ending.capture.folded.last_us is not None
    assert midnight_us < ending.capture.folded.last_us < midnight_us + 45 * 60 * SECOND_US
    verdicts = {each.id: str(each.verdict) for each in bench.running.judged(ending.capture).requirements}
    assert verdicts["BZ-KEY-009"] == "pass"
    assert "fail" not in verdicts.values()


def test_what_is_shown_while_it_is_listened(bench: Bench) -> None:
    adverts = phone(bench, "android", 0.05, START_US)
    bench.reads = True
    bench.more = {"judge_each_s": 100.0}
    shown: list[tuple[bool, bool]] = []

    async def looking(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        await play(adverts)(receiver, hear, hear_packet)
        await asyncio.sleep(3)
        snapshot = bench.running.snapshot()
        shown.append((snapshot.reads, snapshot.result is not None))
        assert snapshot.adverts == len(adverts)
        assert snapshot.rows[0].adverts == len(adverts)

    bench.run(looking)
    assert shown == [(False, True)]


def test_without_a_device_file_reading_shows_something_where_iphones_are(bench: Bench) -> None:
    bench.reads = True
    shown: list[bool] = []

    async def looking(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        hear(receiver.advert())
        shown.append(bench.running.snapshot().reads)
        hear(receiver.advert(IPHONE, bytes.fromhex("5A0000000009")))
        shown.append(bench.running.snapshot().reads)

    bench.run(looking)
    assert shown == [False, True]


def test_a_recording_that_failed_before_is_no_evidence(bench: Bench) -> None:
    capture: list[Capture | None] = []

    async def looking(receiver: Fake, hear: Hear, hear_packet: HearPacket) -> None:
        capture.append(bench.running.capture())

    bench.run(looking)
    assert capture == [None]
