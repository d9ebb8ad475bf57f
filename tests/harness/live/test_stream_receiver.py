"""A stream as a receiver: any capture, read while it is written, in pieces of any size."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from bluezone_harness.live import stream_receiver
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.live.stream_receiver import StreamReceiver
from bluezone_harness.observations import Advert, Capability, Extent, Observation
from bluezone_harness.sources import open_source
from bluezone_harness.virtual.captures import write_btsnoop, write_pcap, write_pcapng, write_recording
from bluezone_harness.virtual.phones import Plan, drawn_phone, simulate

pytestmark = pytest.mark.req("BZ-ADV-001")

START_MS = 1_597_046_400_000
WRITERS: dict[str, Callable[..., int]] = {
    "pcap": write_pcap,
    "pcapng": write_pcapng,
    "btsnoop": write_btsnoop,
    "recording": write_recording,
}
Heard = tuple[list[Observation], list[tuple[int, int, bytes]]]


def octets_of(write: Callable[..., int]) -> bytes:
    plan = Plan((drawn_phone("desk", "android", START_MS, 1),), START_MS, 60_000, strangers=2)
    file = io.BytesIO()
    write(simulate(plan, 1), file)
    return file.getvalue()


class Trickle(io.BytesIO):
    """Gives a few octets at once, as a pipe does."""

    def read(self, count: int | None = -1, /) -> bytes:
        return super().read(min(count or 1, 97) if count and count > 0 else 97)

    read1 = read


def listen(receiver: StreamReceiver) -> Heard:
    heard: list[Observation] = []
    packets: list[tuple[int, int, bytes]] = []
    asyncio.run(receiver.listen(heard.append, lambda *packet: packets.append(packet)))
    return heard, packets


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_heard_is_what_the_capture_says(name: str) -> None:
    octets = octets_of(WRITERS[name])
    receiver = StreamReceiver("standard input", Trickle(octets))
    assert (receiver.title, receiver.capabilities, receiver.diagnostics) == ("standard input", {}, ())
    assert not receiver.tells_fields
    heard, packets = listen(receiver)
    source = open_source("x", io.BytesIO(octets))
    assert heard == list(source)
    assert receiver.capabilities == source.capabilities
    assert receiver.title == f"{name} from standard input"
    assert receiver.now_us() == max(each.time_us for each in heard)
    assert [each for each, _, _ in packets] == [each.time_us for each in heard]
    first = heard[0]
    assert isinstance(first, Advert)
    assert receiver.client(first, 10.0) is None


def test_few_places_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_receiver, "_MOST_WAITING", 3)
    monkeypatch.setattr(stream_receiver, "_MOST_AT_ONCE", 2)
    monkeypatch.setattr(stream_receiver, "_LOOK_S", 0.0)
    octets = octets_of(write_pcap)
    heard, _ = listen(StreamReceiver("x", io.BytesIO(octets)))
    assert heard == list(open_source("x", io.BytesIO(octets)))


def test_a_recording_of_fields_tells_so() -> None:
    line = b'{"schema":1,"source":"s","receiver":"","capabilities":{"raw_ad":"no","ad_fields":"yes"}}\n'
    receiver = StreamReceiver("x", io.BytesIO(line + b'{"kind":"end","reason":"done"}\n'))
    assert listen(receiver) == ([], [])
    assert receiver.tells_fields
    assert receiver.capabilities[Capability.AD_FIELDS] is Extent.YES


@pytest.mark.parametrize("octets", [b"", b"hello", b"\x1f\x8b\x08rest of it"])
def test_what_is_no_capture_is_told_in_one_sentence(octets: bytes) -> None:
    with pytest.raises(ListenError, match="give the stream of a capture, such as a sniffer writes"):
        listen(StreamReceiver("standard input", io.BytesIO(octets)))


def test_a_capture_that_is_cut_is_told() -> None:
    receiver = StreamReceiver("standard input", io.BytesIO(octets_of(write_pcap)[:-5]))
    heard, _ = listen(receiver)
    assert heard
    assert "cut" in receiver.diagnostics[0].message


def test_a_defect_is_raised_where_it_is_listened(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str, stream: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(stream_receiver, "open_source", broken)
    with pytest.raises(ZeroDivisionError):
        listen(StreamReceiver("x", io.BytesIO(b"")))


def test_a_stream_that_waits_is_followed() -> None:
    octets = octets_of(write_pcap)
    gate: list[bool] = []

    class Waiting(io.BytesIO):
        def read1(self, count: int | None = -1, /) -> bytes:
            while self.tell() >= 4096 and not gate:
                pass
            return super().read(min(4096, 4096 if not count or count < 0 else count))

    async def main() -> Iterator[Observation]:
        heard: list[Observation] = []
        receiver = StreamReceiver("x", Waiting(octets))
        task = asyncio.create_task(receiver.listen(heard.append, lambda *packet: None))
        while not heard:
            await asyncio.sleep(0.01)
        before = len(heard)
        gate.append(True)
        await task
        assert len(heard) > before
        return iter(heard)

    assert list(asyncio.run(main())) == list(open_source("x", io.BytesIO(octets)))
