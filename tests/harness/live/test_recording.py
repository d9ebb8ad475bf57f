"""A stream whose end shows something else than its beginning: the recording's header says what the whole shows."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bluezone_harness.checks.captures import Capture, read_capture
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.live import stream_receiver
from bluezone_harness.live.preparing import Wanted, prepared
from bluezone_harness.live.session import Ending, Session
from bluezone_harness.live.stream_receiver import StreamReceiver
from bluezone_harness.live.until import Until
from bluezone_harness.observations import Capability, Extent, Observation, extent_of
from bluezone_harness.profiles import profiles_of
from bluezone_harness.sources import open_source
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.captures import write_pcapng
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, simulate
from bluezone_harness.virtual.phones import prepared as prepared_plan
from bluezone_spec.model import Specification

pytestmark = pytest.mark.req("BZ-ADV-001")

START_MS = 1_597_046_400_000
AD = bytes.fromhex("0201020fffb522b9a665d754fe65e665d76a450303564e")
ADDRESS = bytes.fromhex("5A0000000001")
# LE Meta, LE Advertising Report, ADV_IND of a random address; received by a host (link type 201)
REPORT = bytes.fromhex("00000001043e2302010001") + ADDRESS[::-1] + bytes([len(AD)]) + AD + b"\xc3"
HCI, RADIO = 201, 256


def block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def section(comment: bytes = b"") -> bytes:
    option = struct.pack("<HH", 1, len(comment)) + comment + bytes(-len(comment) % 4) + bytes(4)
    return block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + (option if comment else b""))


def interface(link_type: int) -> bytes:
    return block(1, struct.pack("<HHI", link_type, 0, 0))


def packet(number: int, time_us: int, octets: bytes) -> bytes:
    high, low = divmod(time_us, 1 << 32)
    length = len(octets)
    return block(6, struct.pack("<IIIII", number, high, low, length, length) + octets)


def crc24(octets: bytes) -> bytes:
    """Return the CRC of a PDU on an advertising channel. Source: Core Specification, Vol 6 Part B 3.1.1."""
    state = 0x555555
    for octet in octets:
        for at in range(8):
            bit = (octet >> at & 1) ^ (state >> 23)
            state = (state << 1 & 0xFFFFFF) ^ (0x00065B if bit else 0)
    return bytes(int(f"{state >> 16 - 8 * at & 0xFF:08b}"[::-1], 2) for at in range(3))


def on_air() -> bytes:
    """Return the same advert as a sniffer has it (link type 256): channel 37, -50 dBm, CRC checked and right."""
    pdu = bytes([0x40, 6 + len(AD)]) + ADDRESS[::-1] + AD
    access = bytes.fromhex("d6be898e")
    head = struct.pack("<BbbBIH", 0, -50, 0, 0, 0x8E89BED6, 0x0001 | 0x0002 | 0x0010 | 0x0400 | 0x0800)
    return head + access + pdu + crc24(pdu)


def two_interfaces(first: int = RADIO) -> bytes:
    """Return a capture to which another receiver comes after a while."""
    forms = {HCI: REPORT, RADIO: on_air()}
    second = HCI if first == RADIO else RADIO
    start_us = START_MS * 1000
    early = [packet(0, start_us + each * 300_000, forms[first]) for each in range(200)]
    late = [
        packet(each % 2, start_us + 60_000_000 + each * 300_000, forms[(first, second)[each % 2]])
        for each in range(200)
    ]
    return b"".join([section(), interface(first), *early, interface(second), *late])


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the session take a few observations at once, so that its header is written before all was read."""
    monkeypatch.setattr(stream_receiver, "_MOST_WAITING", 10)
    monkeypatch.setattr(stream_receiver, "_MOST_AT_ONCE", 5)


class Desk:
    """A session that listens to a stream."""

    def __init__(self, folder: Path, specification: Specification, devices: bytes | None = None) -> None:
        self.said: list[str] = []
        self.profile = profiles_of(specification)["v3"]
        self.wanted = Wanted(
            folder / "desk.jsonl",
            folder / "desk.pcapng",
            False,
            specification,
            self.profile,
            read_device_file("device.json", devices) if devices else None,
            "sniff",
            Until(),
            False,
            lambda observation: True,
            Extent.YES,
            None,
            self.said.append,
            judge_each_s=3600,
        )
        self.session: Session | None = None

    def listen(self, octets: bytes) -> Capture:
        receiver = StreamReceiver("standard input", io.BytesIO(octets))

        async def main() -> Ending:
            self.session = prepared(receiver, self.wanted, receiver)
            return await self.session.run()

        ending = run_in_virtual_time(main())
        assert (ending.reason, ending.failure) == ("the stream ended", "")
        assert ending.capture is not None
        return ending.capture

    def checked(self) -> Capture:
        octets = self.wanted.recording.read_bytes()
        return read_capture(open_source("desk.jsonl", io.BytesIO(octets)), False)

    def assert_judged_alike(self, capture: Capture) -> None:
        """Hold the verdict to that of ``bzc check`` on the recording."""
        checked = self.checked()
        assert capture == checked
        wanted = self.wanted
        assert self.session is not None
        assert self.session.judged(capture) == judge(
            wanted.specification, self.profile, (), wanted.device_file, "sniff", (checked,)
        )


@pytest.fixture
def desk(tmp_path: Path, specification: Specification) -> Desk:
    return Desk(tmp_path, specification)


@pytest.mark.usefixtures("slow", "short_search")
@pytest.mark.parametrize("first", [RADIO, HCI])
def test_another_receiver_that_shows_less_or_more(desk: Desk, first: int) -> None:
    octets = two_interfaces(first)
    capture = desk.listen(octets)
    desk.assert_judged_alike(capture)
    stream = read_capture(open_source("x", io.BytesIO(octets)), False)
    assert len(capture.folded.sightings) == len(stream.folded.sightings)
    for each in Capability:
        assert extent_of(capture.capabilities, each) is extent_of(stream.capabilities, each), each
    less = "channel, crc, interval" if first == RADIO else "own commands"
    assert desk.said == [
        f"this stream does not show all that it seemed to show, and the recording says so: {less}"
    ]
    packets = open_source(
        "desk.pcapng", io.BytesIO(desk.wanted.recording.with_suffix(".pcapng").read_bytes())
    )
    assert len([*packets]) == 400
    for each in Capability:
        most = extent_of(capture.capabilities, each)
        assert extent_of(packets.capabilities, each) in (most, Extent.PARTIAL, Extent.NO)


def converted(shown: dict[str, str]) -> bytes:
    """Return a capture that says at its end what it can show, as 'bzc convert' writes it."""
    said = json.dumps({"capabilities": shown, "damaged": False}).encode()
    start_us = START_MS * 1000
    packets = [packet(0, start_us + each * 300_000, on_air()) for each in range(100)]
    first = section(b"bluezone-conformance: the last section of this file says what it can show")
    return b"".join([first, interface(RADIO), *packets, section(b"bluezone-conformance: " + said)])


@pytest.mark.req("BZ-PRV-007")
@pytest.mark.usefixtures("slow", "short_search")
def test_a_converted_capture_of_pseudonyms_is_no_recording_of_true_ids(desk: Desk) -> None:
    octets = converted({"raw_ad": "yes", "address": "yes", "interval": "yes", "true_ids": "no"})
    capture = desk.listen(octets)
    desk.assert_judged_alike(capture)
    assert extent_of(capture.capabilities, Capability.TRUE_IDS) is Extent.NO
    assert extent_of(capture.capabilities, Capability.INTERVAL) is Extent.YES
    assert any("true ids" in each for each in desk.said)


@pytest.mark.usefixtures("short_search")
def test_a_recording_that_shows_less_stays_so(desk: Desk) -> None:
    shown = '{"raw_ad":"yes","address":"partial","true_ids":"partial","whole_air":"no"}'
    header = f'{{"schema":1,"source":"s","receiver":"","capabilities":{shown}}}\n'.encode()
    line = b'{"kind":"advert","time_us":1597046400000000,"ad":"%s"}\n' % AD.hex().encode()
    capture = desk.listen(header + line + b'{"kind":"end","reason":"done"}\n')
    desk.assert_judged_alike(capture)
    assert {str(name): str(extent) for name, extent in capture.capabilities.items()} == json.loads(shown)
    assert not desk.wanted.recording.with_suffix(".pcapng").exists()


@pytest.mark.usefixtures("slow")
def test_with_a_device_file_the_verdict_is_that_of_the_recording(
    tmp_path: Path, specification: Specification
) -> None:
    phone = drawn_phone("desk", "android", START_MS, 1)
    plan = prepared_plan(Plan((phone,), START_MS, 120_000), 1)
    start_us = START_MS * 1000
    other = b"".join([interface(HCI), packet(1, start_us + 119_000_000, REPORT)])
    file = io.BytesIO()
    write_pcapng(simulate(plan, 1), file)
    desk = Desk(tmp_path, specification, device_file(plan.phones))
    capture = desk.listen(file.getvalue() + other)
    assert extent_of(capture.capabilities, Capability.INTERVAL) is Extent.PARTIAL
    desk.assert_judged_alike(capture)


BEFORE_1970 = 0x00DCDDB30F2F8000 - 1


def btsnoop(*times_us: int) -> bytes:
    """Return a log of a host (data link 1002) with adverts at times since the year 0."""
    octets = REPORT[4:]
    head = struct.pack(">8sII", b"btsnoop\0", 1, 1002)
    return head + b"".join(
        struct.pack(">IIIIq", len(octets), len(octets), 3, 0, each) + octets for each in times_us
    )


def epochless() -> bytes:
    """Return a capture whose clock stands at its start, as of a computer without one."""
    return section() + interface(RADIO) + b"".join(packet(0, each, on_air()) for each in (0, 1, 2))


LEFT_OUT = (
    "something that has no line in a recording is left out: its time is before 1970 or after 9999: "
    "check the clock of who heard it"
)


@pytest.mark.usefixtures("short_search")
@pytest.mark.parametrize(
    ("octets", "times_us", "said"),
    [
        (epochless(), [0, 1, 2], []),
        (btsnoop(0, BEFORE_1970, BEFORE_1970 + 1, BEFORE_1970 + 3), [0, 2], [LEFT_OUT]),
        (btsnoop(0, -(1 << 63), (1 << 63) - 1), [], [LEFT_OUT]),
        (
            section() + interface(RADIO) + packet(0, (1 << 64) - 1, on_air()) + packet(0, 5, on_air()),
            [5],
            [LEFT_OUT],
        ),
    ],
    ids=["1970", "before 1970", "far away", "after 9999"],
)
def test_a_stream_with_absurd_times_is_told_in_one_sentence(
    desk: Desk, octets: bytes, times_us: list[int], said: list[str]
) -> None:
    desk.wanted = replace(desk.wanted, until=Until(duration_us=3_600_000_000))
    capture = desk.listen(octets)
    assert desk.said == said
    found: list[Observation] = [*open_source("x", io.BytesIO(desk.wanted.recording.read_bytes()))]
    assert [each.time_us for each in found] == times_us
    desk.assert_judged_alike(capture)
    assert desk.session is not None
    assert desk.session.snapshot().rows is not None


@pytest.mark.parametrize("make", [btsnoop, epochless])
def test_absurd_times_do_not_stand_in_the_way_of_a_device_file(
    tmp_path: Path, specification: Specification, make: Callable[..., bytes]
) -> None:
    devices = b'{"base_id": "%s", "base_day": "2020-08-08"}' % (b"4c5224b397f8ab38" * 4)
    desk = Desk(tmp_path, specification, devices)
    desk.assert_judged_alike(desk.listen(make()))
