"""A scan that is paused while a phone is connected to, also where it ends, or fails, meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest
from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import BaseBleakScanner
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.live.bleak_receiver import SILENCE_S, BleakReceiver
from bluezone_harness.live.pausing import ANSWER_S, PausingClient, PausingScan
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.observations import AddressType, Advert, Gap, Observation
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time

START_MS = 1_597_046_400_000
ADDRESS = "6C:A5:E5:4F:75:AF"


class Scanner(BaseBleakScanner):
    """A backend that says whether it scans."""

    made: ClassVar[list[Scanner]] = []
    fails: ClassVar[list[Exception | None]] = []

    def __init__(self, *given: Any, **options: Any) -> None:  # noqa: ANN401 - as bleak gives them
        super().__init__(given[0], given[1])
        self.log: list[str] = []
        self.made.append(self)

    async def start(self) -> None:
        await asyncio.sleep(0.1)
        error = self.fails.pop(0) if self.fails else None
        if error is not None:
            raise error
        self.log.append("start")

    async def stop(self) -> None:
        await asyncio.sleep(0.1)
        self.log.append("stop")
        if self.log.count("stop") == 1 and self.stop_fails:
            raise OSError("gone")

    stop_fails = False

    @property
    def is_on(self) -> bool:
        return bool(self.log) and self.log[-1] == "start"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Scanner.made.clear()
    Scanner.fails.clear()


class Clock:
    """The loop's time, as microseconds since the Unix epoch."""

    def now_us(self) -> int:
        return START_MS * 1000 + round(asyncio.get_running_loop().time() * 1e6)


def scan(heard: list[Observation] | None = None) -> PausingScan:
    heard = [] if heard is None else heard
    return PausingScan(BleakScanner(lambda device, data: None, backend=Scanner), Clock(), heard.append)


def gap(from_ms: int, until_ms: int) -> Gap:
    return Gap(0, (START_MS + from_ms) * 1000, (START_MS + until_ms) * 1000)


# a backend takes 0.1 s to begin, and to stop


def test_a_pause_is_a_gap_in_what_was_heard() -> None:
    heard: list[Observation] = []

    async def run() -> None:
        async with scan(heard) as paused:
            await asyncio.sleep(0.9)
            async with paused.paused():
                await asyncio.sleep(2)
            await asyncio.sleep(1)
            async with paused.paused():
                pass

    run_in_virtual_time(run())
    assert heard == [gap(1000, 3200), gap(4200, 4400)]


def test_a_pause_that_the_end_of_the_scan_ends_is_told_until_then() -> None:
    """Another scan may begin before that pause is over."""
    heard: list[Observation] = []

    async def pause(paused: PausingScan) -> None:
        async with paused.paused():
            await asyncio.sleep(5)

    async def run() -> None:
        async with scan(heard) as paused:
            pausing = asyncio.create_task(pause(paused))
            await asyncio.sleep(1.9)
        await pausing
        async with paused.paused():
            await asyncio.sleep(1)

    run_in_virtual_time(run())
    assert heard == [gap(100, 2000)]


def test_a_pause_that_is_given_up_while_the_scan_stops_is_over() -> None:
    heard: list[Observation] = []

    async def run() -> bool:
        async with scan(heard) as paused:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), paused.paused():
                    pass
            return Scanner.made[0].is_on

    assert run_in_virtual_time(run())
    assert heard == [gap(100, 250)]


def test_a_clock_that_is_set_back_makes_no_pause_end_before_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Observation] = []
    times = iter([2_000_000, 1_000_000])
    monkeypatch.setattr(Clock, "now_us", lambda self: next(times))

    async def run() -> None:
        async with scan(heard) as paused, paused.paused():
            pass

    run_in_virtual_time(run())
    assert heard == [Gap(0, 2_000_000, 2_000_000)]


def test_it_does_not_scan_while_it_is_paused() -> None:
    async def run() -> list[bool]:
        seen = []
        async with scan() as paused:
            seen.append(Scanner.made[0].is_on)
            async with paused.paused():
                seen.append(Scanner.made[0].is_on)
            seen.append(Scanner.made[0].is_on)
        return [*seen, Scanner.made[0].is_on]

    assert run_in_virtual_time(run()) == [True, False, True, False]


@given(pauses=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), max_size=4), ends_s=st.floats(0, 5))
def test_whatever_overlaps_it_never_scans_in_a_pause_nor_after_its_end(
    pauses: list[tuple[float, float]], ends_s: float
) -> None:
    wrong = []

    async def pause(paused: PausingScan, after_s: float, for_s: float) -> None:
        await asyncio.sleep(after_s)
        async with paused.paused():
            if Scanner.made[-1].is_on:
                wrong.append("at the beginning of a pause")
            await asyncio.sleep(for_s)
            if Scanner.made[-1].is_on:
                wrong.append("in a pause")

    async def run() -> None:
        async with scan() as paused:
            tasks = [asyncio.create_task(pause(paused, *each)) for each in pauses]
            await asyncio.sleep(ends_s)
        await asyncio.gather(*tasks)

    run_in_virtual_time(run())
    assert wrong == []
    assert not Scanner.made[-1].is_on


def test_what_keeps_it_from_going_on_is_told() -> None:
    heard: list[Observation] = []

    async def run() -> None:
        async with scan(heard) as paused:
            async with paused.paused():
                Scanner.fails.append(OSError("the adapter is gone"))
            await paused.failed_within(1000)

    with pytest.raises(OSError, match="gone"):
        run_in_virtual_time(run())
    # it is paused until nobody wants it any more
    assert heard == [gap(100, 300)]


def test_a_scan_that_cannot_be_stopped_is_no_reason_not_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scanner, "stop_fails", True)

    async def run() -> bool:
        async with scan() as paused:
            async with paused.paused():
                pass
            await paused.failed_within(1)
            return Scanner.made[0].is_on

    assert run_in_virtual_time(run())


@pytest.mark.parametrize("hangs", ["start", "stop"])
def test_a_bluetoothd_that_hangs_does_not_hang_who_listens(
    monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    async def hang(self: Scanner) -> None:
        await asyncio.Event().wait()

    async def run() -> float:
        loop = asyncio.get_running_loop()
        receiver = BleakReceiver(Clock(), "Linux", scanner=Scanner)
        monkeypatch.setattr(Scanner, hangs, hang)
        with pytest.raises(ListenError, match="bluetoothd does not answer: restart it"):
            await receiver.listen(lambda observation: None, lambda *packet: None)
        return loop.time()

    # a scan that hears nothing is ended after a while
    assert run_in_virtual_time(run()) < ANSWER_S + SILENCE_S + 1


class Client(BaseBleakClient):
    """A backend that connects in a second, and says whether somebody scanned meanwhile."""

    scanned: ClassVar[list[bool]] = []

    async def connect(self, pair: bool, **options: Any) -> None:  # noqa: ANN401 - as bleak gives them
        await asyncio.sleep(1)
        self.scanned.append(Scanner.made[-1].is_on)

    mtu_size = property(lambda self: 23)
    is_connected = property(lambda self: False)

    async def _unused(self, *given: object, **options: object) -> None:
        raise NotImplementedError

    disconnect = pair = unpair = read_gatt_char = read_gatt_descriptor = _unused  # type: ignore[assignment] # not used
    write_gatt_char = write_gatt_descriptor = start_notify = stop_notify = _unused


ADVERT = Advert(
    0, 0, "", bytes.fromhex(ADDRESS.replace(":", "")), AddressType.RESOLVABLE, None, b"", None, None
)


def test_on_linux_who_listens_pauses_to_connect() -> None:
    """Listening ends as it was told to, and not before."""

    heard: list[Observation] = []

    async def run() -> bool:
        receiver = BleakReceiver(Clock(), "Linux", scanner=Scanner, client=Client)
        listening = asyncio.create_task(receiver.listen(heard.append, lambda *packet: None))
        await asyncio.sleep(1)
        device = BLEDevice(ADDRESS, None, None)
        receiver._devices[bytes.fromhex(ADDRESS.replace(":", ""))] = device
        client = receiver.client(ADVERT, 10)
        assert isinstance(client, PausingClient)
        await client.connect()
        went_on = Scanner.made[-1].is_on and not listening.done()
        Scanner.fails.extend([OSError("no D-Bus")])
        await client.connect()
        with pytest.raises(ListenError, match="D-Bus"):
            await listening
        return went_on

    Client.scanned.clear()
    assert run_in_virtual_time(run())
    assert Client.scanned == [False, False]
    assert heard[0] == gap(1000, 2200)
