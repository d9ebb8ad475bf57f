"""The recorder: read back by the readers of captures and by tshark, and held to whole lines when writing fails."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bluezone_harness.live.recorder import DUE_US, Recorder, RecorderError, new_file
from bluezone_harness.observations import RADIO as ALL_OF_RADIO
from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Capability,
    Event,
    Extent,
    Gap,
    GattRead,
    Observation,
    PduType,
    Source,
    extent_of,
)
from bluezone_harness.sources import open_source
from bluezone_harness.writing.packets import radio_octets

pytestmark = pytest.mark.req("BZ-ADV-001")

T_US = 1_596_866_191_387_654
AD = bytes.fromhex("0201020fffb522b9a665d754fe65e665d76a450303564e")
ADDRESS = bytes.fromhex("5A0000000001")
ADVERT = Advert(7, T_US, "", ADDRESS, AddressType.RESOLVABLE, PduType.ADV_IND, AD, -61, None)
SHOWN = {Capability.RAW_AD: Extent.YES, Capability.ADDRESS: Extent.YES, Capability.INTERVAL: Extent.YES}
# an H4 packet as link type 201 has it: received; an event; LE Meta, LE Advertising Report, ADV_IND of a random address
PACKET = bytes.fromhex("00000001 04 3e23 02 01 00 01 01000000005a 17") + AD + b"\xc3"
HCI, RADIO = 201, 256
LINE = (
    b'{"kind":"advert","time_us":1596866191387654,"address":"5A:00:00:00:00:01","address_type":"resolvable",'
    b'"pdu":"ADV_IND","ad":"0201020fffb522b9a665d754fe65e665d76a450303564e","rssi":-61}\n'
)
HEADER = (
    b'{"schema":1,"source":"hci","receiver":"left","capabilities":'
    b'{"raw_ad":"yes","address":"yes","interval":"yes"}}\n'
)
END = b'{"kind":"end","reason":"it was enough"}\n'


class Clock:
    """Stands still until it is set."""

    now_us = 0

    def __call__(self) -> int:
        return self.now_us


class Kept(io.BytesIO):
    """A file in memory that can be read after it was closed, takes what it is told to, and counts its writes.

    Args:
        room: Octets that it takes in all.
        trouble: What it raises then.
        at_once: Octets that it takes at once, after an interruption each time.
        cuts: Whether anything can be cut off again.
    """

    def __init__(
        self,
        room: int = 1 << 40,
        trouble: OSError | None = None,
        at_once: int | None = None,
        cuts: bool = True,
    ) -> None:
        super().__init__()
        self.room, self.trouble, self.at_once, self.cuts = room, trouble, at_once, cuts
        self.octets = b""
        self.writes = 0
        self.interrupted = False
        self.trouble_at_close: OSError | None = None

    def write(self, octets: memoryview, /) -> int:  # type: ignore[override]  # it is given nothing else
        self.writes += 1
        self.interrupted = not self.interrupted
        if self.at_once is not None and self.interrupted:
            raise InterruptedError
        fitting = octets[: min(self.room - self.tell(), self.at_once or len(octets))]
        if not fitting and self.trouble is not None:
            raise self.trouble
        taken = super().write(fitting)
        self.octets = self.getvalue()
        return taken

    def truncate(self, size: int | None = None, /) -> int:
        if not self.cuts:
            raise OSError(errno.EINVAL, "this is a pipe")
        cut = super().truncate(size)
        self.octets = self.getvalue()
        return cut

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self.trouble_at_close is not None:
                raise self.trouble_at_close


def recorder_of(
    recording: Kept, packets: Kept | None = None, receiver: str = "left", now: Clock | None = None
) -> Recorder:
    return Recorder(recording, packets, "hci", receiver, SHOWN, now=now or Clock())


def read(octets: bytes) -> tuple[Source, list[Observation]]:
    source = open_source("night.jsonl", io.BytesIO(octets))
    return source, [*source]


def test_octet_by_octet() -> None:
    file = Kept()
    recorder = recorder_of(file)
    assert file.octets == HEADER  # before anything is heard
    assert recorder.add(ADVERT) == Advert(
        2, T_US, "left", ADDRESS, AddressType.RESOLVABLE, PduType.ADV_IND, AD, -61, None
    )
    recorder.flush()
    assert file.octets == HEADER + LINE
    recorder.close("it was enough")
    assert file.octets == HEADER + LINE + END
    assert (recorder.lines, file.closed) == (2, True)
    recorder.close("again")
    assert file.octets == HEADER + LINE + END
    with pytest.raises(ValueError, match="the recording is closed"):
        recorder.add(ADVERT)


TIMES = st.integers(0, 253_402_300_800_000_000)
TEXTS = st.text(max_size=12)
ADDRESSES = st.none() | st.binary(min_size=6, max_size=6)
TYPES = st.none() | st.sampled_from(AddressType)
UUIDS = st.uuids().map(str)
ADVERTS = st.builds(
    Advert,
    *(st.integers(), TIMES, TEXTS, ADDRESSES, TYPES, st.none() | st.sampled_from(PduType)),
    *(st.none() | st.binary(max_size=40), st.none() | st.integers(-128, 127), st.none() | st.integers(0, 39)),
)
READS = st.builds(
    GattRead, st.integers(), TIMES, TEXTS, ADDRESSES, TYPES, UUIDS, UUIDS, st.binary(max_size=40)
)
ASKED = st.builds(Asked, st.integers(), TIMES, TEXTS, TEXTS, st.binary(max_size=40))
NOTES = st.builds(
    Event,
    *(st.integers(), TIMES, st.sampled_from(["clock_set", "push", "upload"])),
    st.dictionaries(st.sampled_from(["by", "text", "list"]), TEXTS | st.integers() | st.lists(TEXTS)),
)
LEFT = st.just(Event(0, T_US, "disconnect", {"address": "5A:00:00:00:00:01", "address_type": "resolvable"}))
GAPS = st.tuples(TIMES, TIMES).map(lambda ends: Gap(0, min(ends), max(ends)))


@given(st.lists(ADVERTS | READS | ASKED | NOTES | LEFT | GAPS, max_size=12), st.sampled_from(["", "left"]))
@example([Advert(0, 0, "", None, None, None, None, 127, None)], "left")  # 127 is no RSSI
@example([Event(0, 0, "push", {"text": "\ud800\n"})], "")  # half a character
def test_what_is_returned_is_what_is_read(observations: list[Observation], receiver: str) -> None:
    file = Kept()
    recorder = recorder_of(file, receiver=receiver)
    returned = [recorder.add(each) for each in observations]
    assert recorder.lines == 1 + len(observations)
    recorder.close("it was enough")
    source, found = read(file.octets)
    assert found == returned
    assert [each.number for each in found] == [*range(2, 2 + len(found))]
    assert (source.damaged, source.diagnostics, source.packets) == (False, (), len(found))
    assert source.sha256 == recorder.sha256 == sha256(file.octets).hexdigest()
    assert source.capabilities == recorder.capabilities == SHOWN
    assert recorder.recorded_us == (observations[-1].time_us if observations else None)


@pytest.mark.parametrize(
    "refused",
    [
        Advert(0, -1, "", None, None, None, None, None, None),
        Advert(0, 253_402_300_800_000_001, "", None, None, None, None, None, None),
        Advert(0, 0, "", b"12345", None, None, None, None, None),
        Advert(0, 0, "", None, None, None, bytes(1651), None, None),
        Advert(0, 0, "", None, None, None, None, 128, None),
        Advert(0, 0, "", None, None, None, None, None, 40),
        Advert(0, 0, "x" * 65_536, None, None, None, None, None, None),
        Event(0, 0, "an event that nobody knows", {}),
        Gap(0, 1, 0),
        GattRead(0, 0, "", b"12345", None, "", "", b""),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_could_not_be_read_is_refused(refused: Observation) -> None:
    file = Kept()
    recorder = recorder_of(file)
    with pytest.raises(
        ValueError, match=r"no advert has|the line would|not known|before it begins|no address"
    ):
        recorder.add(refused)
    assert recorder.add(ADVERT).number == 2
    recorder.close("it was enough")
    assert file.octets == HEADER + LINE + END


def test_lines_wait_and_are_written_at_once() -> None:
    clock = Clock()
    file = Kept()
    recorder = recorder_of(file, now=clock)
    for clock.now_us in range(0, DUE_US, 1000):
        recorder.add(ADVERT)
    assert (file.writes, recorder.is_due(clock.now_us), recorder.recorded_us) == (1, False, None)
    assert recorder.sha256 == sha256(HEADER).hexdigest()
    assert recorder.is_due(DUE_US)
    clock.now_us = DUE_US
    recorder.add(ADVERT)
    assert (file.writes, file.octets) == (2, HEADER + LINE * 501)
    assert (recorder.is_due(10 * DUE_US), recorder.recorded_us) == (False, T_US)
    recorder.add(ADVERT)
    assert recorder.is_due(clock.now_us - 1)  # a clock that goes back tells nothing: better soon than late
    clock.now_us -= 1
    recorder.add(ADVERT)
    assert file.writes == 3


def test_many_are_written_before_they_are_due() -> None:
    file = Kept()
    recorder = recorder_of(file)
    for _ in range(2000):
        recorder.add(ADVERT)
    assert file.writes == 2
    assert 256 * 1024 < len(file.octets) < 257 * 1024


@pytest.mark.parametrize("at_once", [1, 7, 100])
def test_short_and_interrupted_writes_are_completed(at_once: int) -> None:
    file, packets = Kept(at_once=at_once), Kept(at_once=at_once)
    recorder = recorder_of(file, packets)
    recorder.add(ADVERT)
    recorder.add_packet(T_US, HCI, PACKET)
    recorder.close("it was enough")
    assert file.octets == HEADER + LINE + END
    assert len(read(packets.octets)[1]) == 1


TROUBLES = [
    (errno.ENOSPC, "the disk is full: make room"),
    (errno.EDQUOT, "no more of the disk may be used: make room"),
    (errno.EFBIG, "the file may not grow further: raise the limit of its size"),
    (errno.EROFS, "the disk can only be read: give a file elsewhere"),
    (errno.EIO, "the disk does not take it: give a file on another disk"),
    (errno.EPIPE, "nobody reads it any more: let its reader read on"),
    (errno.ENXIO, "it went away: give another file"),
]


@pytest.mark.parametrize(("number", "told"), TROUBLES)
def test_where_nothing_more_is_taken(number: int, told: str) -> None:
    room = len(HEADER) + 2 * len(LINE) + 50
    file = Kept(room, OSError(number, "it went away"))
    recorder = recorder_of(file)
    for _ in range(5):
        recorder.add(ADVERT)
    with pytest.raises(RecorderError) as raised:
        recorder.flush()
    whole = HEADER + LINE * 2
    sentence = (
        f"the recording cannot be written any further, {told}; the {len(whole)} octets before can be read"
    )
    assert (str(raised.value), raised.value.number) == (sentence, number)
    assert file.octets == whole  # the half line is cut off again
    assert recorder.sha256 == sha256(whole).hexdigest()
    for again in (lambda: recorder.add(ADVERT), recorder.flush, lambda: recorder.add_packet(1, HCI, b"")):
        with pytest.raises(RecorderError, match="cannot be written any further"):
            again()
    recorder.close("it was enough")  # room for the end there is
    assert (file.octets, file.closed) == (whole + END, True)


def test_without_room_for_the_end() -> None:
    file = Kept(len(HEADER) + len(LINE) + 5, OSError(errno.ENOSPC, "no room"))
    recorder = recorder_of(file)
    for _ in range(2):
        recorder.add(ADVERT)
    with pytest.raises(RecorderError):
        recorder.flush()
    recorder.close("the disk is full")
    assert file.octets == HEADER + LINE
    source, found = read(file.octets)
    assert (len(found), source.damaged) == (1, True)
    assert [each.message for each in source.diagnostics] == [
        "the recording is cut: its last line is not of kind 'end'"
    ]


def test_what_close_meets_first_it_tells() -> None:
    recorder = recorder_of(Kept(len(HEADER) + len(LINE), OSError(errno.ENOSPC, "no room")))
    recorder.add(ADVERT)
    with pytest.raises(RecorderError, match="the disk is full"):
        recorder.close("it was enough")
    recorder.close("again")
    file = Kept()
    file.trouble_at_close = OSError(errno.EDQUOT, "too much")
    recorder = recorder_of(file)
    with pytest.raises(RecorderError, match="no more of the disk may be used"):
        recorder.close("it was enough")


def test_a_pipe_that_is_too_slow() -> None:
    file = Kept(len(HEADER) + 30, cuts=False)
    recorder = recorder_of(file)
    recorder.add(ADVERT)
    with pytest.raises(RecorderError, match="its reader is too slow: give a file"):
        recorder.flush()
    # half a line cannot be cut off; nothing is written behind it
    file.room = 1 << 40
    recorder.close("it was enough")
    assert file.octets == HEADER + LINE[:30]
    assert recorder.sha256 == sha256(file.octets).hexdigest()
    assert read(file.octets)[1] == []


def test_nothing_is_taken_from_the_first_octet_on() -> None:
    file, packets = Kept(0, OSError(errno.EROFS, "no")), Kept()
    with pytest.raises(RecorderError, match="the disk can only be read"):
        recorder_of(file, packets)
    assert (file.closed, packets.closed) == (True, True)


def test_packets_that_cannot_be_written_end_the_recording_too() -> None:
    file = Kept()
    packets = Kept()
    recorder = recorder_of(file, packets)
    before = packets.octets
    packets.room, packets.trouble = len(before) + 70, OSError(errno.ENOSPC, "no room")
    recorder.add(ADVERT)
    recorder.add_packet(T_US, HCI, PACKET)
    with pytest.raises(RecorderError, match="the capture cannot be written any further, the disk is full"):
        recorder.flush()
    with pytest.raises(RecorderError):
        recorder.add(ADVERT)
    recorder.close("it was enough")
    assert file.octets == HEADER + LINE + END
    source, found = read(packets.octets)
    assert (found, source.damaged) == ([], False)  # the interface had room, the packet had not
    assert packets.octets.startswith(before)
    assert len(packets.octets) > len(before)


def test_packets_as_they_are_read(tmp_path: Path) -> None:
    night = tmp_path / "night.pcapng"
    recorder = Recorder(
        new_file(tmp_path / "night.jsonl"), new_file(night), "hci", "left", SHOWN, now=Clock()
    )
    for number in range(3):
        recorder.add_packet(T_US + number, HCI, PACKET, receiver="right" if number == 1 else "")
    with pytest.raises(ValueError, match="before 1970"):
        recorder.add_packet(-1, HCI, PACKET)
    recorder.close("it was enough")
    source, found = read(night.read_bytes())
    assert not source.damaged
    assert found == [
        Advert(
            number + 1,
            T_US + number,
            "right" if number == 1 else "left",
            *(ADDRESS, AddressType.RESOLVABLE, PduType.ADV_IND, AD, -61, None),
        )
        for number in range(3)
    ]
    # no more than the header of the recording says
    assert extent_of(source.capabilities, Capability.ADDRESS) is Extent.YES
    assert extent_of(source.capabilities, Capability.PDU_TYPE) is Extent.NO


def test_packets_as_tshark_sees_them(tmp_path: Path, tool: Callable[[str], Path]) -> None:
    tshark = tool("tshark")
    night, silent = tmp_path / "night.pcapng", tmp_path / "silent.pcapng"
    for path, count in ((night, 2), (silent, 0)):
        recorder = Recorder(
            new_file(path.with_suffix(".jsonl")), new_file(path), "hci", "left", SHOWN, now=Clock()
        )
        for number in range(count):
            recorder.add_packet(T_US + number, HCI, PACKET)
        if count:
            recorder.add(Gap(0, T_US + 5, T_US + 9))
            recorder.add_packet(T_US + 10, HCI, PACKET)
        recorder.close("it was enough")
    fields = ("frame.time_epoch", "frame.interface_name", "bthci_evt.bd_addr", "bthci_evt.rssi")
    asked = [part for each in fields for part in ("-e", each)]

    def told(path: Path) -> list[list[str]]:
        command = [str(tshark), "-r", str(path), "-T", "fields", *asked]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return [line.split("\t") for line in lines]

    assert told(night) == [
        [f"1596866191.{microseconds}000", "left", "5a:00:00:00:00:01", "-61"]
        for microseconds in (387654, 387655, 387664)
    ]
    assert told(silent) == []


@pytest.mark.req("BZ-ADV-006")
def test_packets_do_not_hide_that_nobody_listened() -> None:
    def recorded(*gaps: Gap) -> tuple[Source, list[Observation]]:
        packets = Kept()
        recorder = recorder_of(Kept(), packets)
        recorder.add_packet(T_US, RADIO, radio_octets(ADVERT))
        for gap in gaps:
            recorder.add(gap)
        recorder.add_packet(T_US + 60_000_000, RADIO, radio_octets(ADVERT))
        recorder.close("it was enough")
        return read(packets.octets)

    def extents(source: Source) -> list[Extent]:
        asked = (Capability.RAW_AD, Capability.INTERVAL, Capability.WHOLE_AIR)
        return [extent_of(source.capabilities, each) for each in asked]

    source, found = recorded()
    assert (len(found), source.damaged, extents(source)) == (2, False, [Extent.YES] * 3)
    source, found = recorded(Gap(0, T_US + 1, T_US + 60_000_000))
    assert (len(found), source.damaged, extents(source)) == (2, False, [Extent.YES, Extent.NO, Extent.NO])


@pytest.mark.req("BZ-PRV-002")
@pytest.mark.parametrize("extent", [Extent.NO, Extent.PARTIAL])
def test_no_packets_beside_pseudonyms(extent: Extent) -> None:
    shown = {**SHOWN, Capability.TRUE_IDS: extent}
    file, packets = Kept(), Kept()
    with pytest.raises(ValueError, match="none beside a recording of pseudonyms"):
        Recorder(file, packets, "hci", "", shown, now=Clock())
    assert (file.octets, packets.octets) == (b"", b"")
    Recorder(file, None, "hci", "", shown, now=Clock()).add_packet(T_US, HCI, PACKET)
    assert json.loads(file.octets)["capabilities"]["true_ids"] == extent


def test_cut_anywhere_what_was_written_is_read() -> None:
    file, packets = Kept(), Kept()
    recorder = recorder_of(file, packets)
    returned = [recorder.add(ADVERT) for _ in range(4)]
    for number in range(4):
        recorder.add_packet(T_US + number, HCI, PACKET)
    recorder.close("it was enough")
    for end in range(len(HEADER), len(HEADER) + 4 * len(LINE)):
        source, found = read(file.octets[:end])
        assert found == returned[: (end + 1 - len(HEADER)) // len(LINE)]  # a line may lack its LF
        assert source.damaged
    start = len(packets.octets) - 4 * (len(packets.octets) // 4 // 8)
    for end in range(start, len(packets.octets)):
        assert 0 < len(read(packets.octets[:end])[1]) <= 4


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "night.jsonl"
    path.write_bytes(b"evidence")
    with pytest.raises(FileExistsError):
        new_file(path)
    assert path.read_bytes() == b"evidence"
    recorder = Recorder(new_file(path, overwrite=True), None, "hci", "left", SHOWN, now=Clock())
    assert path.read_bytes() == HEADER
    recorder.close("it was enough")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    with pytest.raises(FileExistsError):
        new_file(tmp_path / "link.jsonl")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_device() -> None:
    with pytest.raises(
        RecorderError, match="the recording '/dev/full' cannot be written any further, the disk is full"
    ):
        Recorder(new_file(Path("/dev/full"), overwrite=True), None, "hci", "", SHOWN, now=Clock())


LIMITED = """
import resource, sys
from pathlib import Path
from bluezone_harness.live.recorder import Recorder, RecorderError, new_file
from bluezone_harness.observations import Advert

resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
recorder = Recorder(new_file(Path(sys.argv[1])), None, "hci", "left", {}, now=lambda: 0)
for number in range(1000):
    recorder.add(Advert(0, number, "", None, None, None, bytes(20), None, None))
try:
    recorder.flush()
except RecorderError as error:
    print(error)
recorder.close("it may not grow")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size for a process")
def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    path = tmp_path / "night.jsonl"
    told = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    size = len(b"".join(line for line in lines_of(path) if b'"end"' not in line))
    sentence = (
        f"the recording {str(path)!r} cannot be written any further, the file may not grow further: raise the"
    )
    assert told.stdout.startswith(sentence)
    assert told.stdout.endswith(f"the {size} octets before can be read\n")
    assert told.stderr == ""
    source, found = read(path.read_bytes())
    assert [each.time_us for each in found] == [*range(len(found))]
    assert 9_000 < size <= 10_000
    # the last line may have had no room
    assert all("cut" in each.message for each in source.diagnostics)


def lines_of(path: Path) -> Iterable[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_the_header_can_say_something_else_later() -> None:
    file, packets = Kept(), Kept()
    recorder = Recorder(file, packets, "hci", "left", SHOWN, now=Clock(), may_change=True)
    assert file.octets.rstrip() == HEADER.rstrip()
    recorder.add(ADVERT)
    recorder.add_packet(T_US, HCI, PACKET)
    size = len(file.octets)
    every = dict.fromkeys(ALL_OF_RADIO - {Capability.AD_FIELDS}, Extent.PARTIAL)
    for shown in (every, {}, {Capability.RAW_AD: Extent.YES, Capability.TRUE_IDS: Extent.NO}):
        recorder.show(shown)
        assert recorder.capabilities == shown
        assert recorder.sha256 == sha256(file.octets).hexdigest()
        assert len(file.octets) == size + len(LINE)
    with pytest.raises(ValueError, match="either AdvData or fields"):
        recorder.show({Capability.AD_FIELDS: Extent.YES})
    recorder.close("it was enough")
    source, found = read(file.octets)
    assert (source.capabilities, len(found), source.damaged) == (shown, 1, False)
    assert source.sha256 == recorder.sha256
    assert file.octets.endswith(LINE + END)
    captured, found = read(packets.octets)
    assert len(found) == 1
    assert extent_of(captured.capabilities, Capability.TRUE_IDS) is Extent.NO


def test_a_header_without_room_stays() -> None:
    file = Kept()
    recorder = recorder_of(file)
    with pytest.raises(ValueError, match="no room"):
        recorder.show({Capability.RAW_AD: Extent.YES})
    assert recorder.capabilities == SHOWN
    recorder.close("it was enough")
    assert file.octets == HEADER + END


def test_a_header_that_cannot_be_replaced_ends_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "night.jsonl"
    # it cannot be read: the sum of its octets is not known
    recorder = Recorder(new_file(path), None, "hci", "left", SHOWN, now=Clock(), may_change=True)
    recorder.add(ADVERT)
    with pytest.raises(RecorderError, match="cannot be written any further"):
        recorder.show({})
    assert [*recorder.take_flushed()] == [replace(ADVERT, number=2, receiver="left")]
    with pytest.raises(RecorderError):
        recorder.show({})
    recorder.close("it failed")
    assert recorder.is_cut
    assert path.read_bytes().endswith(LINE)


def test_what_the_operating_system_has_is_told_once() -> None:
    file = Kept(len(HEADER) + 3 * len(LINE) + 7, OSError(errno.ENOSPC, "no room"))
    recorder = recorder_of(file)
    first = recorder.add(ADVERT)
    assert recorder.take_flushed() == ()
    recorder.flush()
    assert [*recorder.take_flushed()] == [first]
    more = [recorder.add(ADVERT) for _ in range(4)]
    with pytest.raises(RecorderError):
        recorder.flush()
    assert [*recorder.take_flushed()] == more[:2]
    assert recorder.is_cut
    recorder.close("the disk is full")
    assert recorder.take_flushed() == ()
    assert recorder.is_cut  # the end had no room


def test_a_recording_that_ends_is_not_cut() -> None:
    recorder = recorder_of(Kept())
    assert not recorder.is_cut
    found = recorder.add(ADVERT)
    recorder.close("it was enough")
    assert not recorder.is_cut
    assert [*recorder.take_flushed()] == [found]
