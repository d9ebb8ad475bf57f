"""``bzc sniff`` in this process: what is recorded, told and judged."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import bleak
import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc, listening, live_receivers
from bluezone_harness.cli.live_receivers import SystemClock, live_receiver, stream_reader
from bluezone_harness.observations import Advert
from bluezone_harness.sources import open_source

pytestmark = [pytest.mark.req("BZ-ADV-001"), pytest.mark.usefixtures("short_search", "own_folder")]

START_US = 1_597_046_400_000_000  # 2020-08-10T08:00Z
OTHER_ID = bytes.fromhex("00112233445566778899aabb")
DEVICE = {
    "base_id": "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084",
    "base_day": "2020-08-08",
}


def android_ad(rolling_id: bytes) -> bytes:
    return b"\x02\x01\x02\x0f\xff\xb5\x22" + rolling_id + b"\x03\x03\x56\x4e"


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(bzc, ["sniff", *arguments], input=stdin)


def folder() -> set[str]:
    return {each.name for each in Path().iterdir()}


def recorded(path: str) -> list[Mapping[str, object]]:
    return [json.loads(line) for line in Path(path).read_bytes().splitlines()]


def test_a_recording_named_by_the_time_and_packets_beside_it(heard_pcap: Callable[..., bytes]) -> None:
    done = run("-", stdin=heard_pcap())
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    name, beside = sorted(folder())
    assert name.startswith("sniff-20")
    assert name.endswith("Z.jsonl")
    assert beside == name.replace(".jsonl", ".pcapng")
    first, second = done.stderr.splitlines()[-2:]
    assert first == f"bzc: the stream ended; 50 adverts recorded in {name} and {beside}"
    assert second == f"judge it: bzc check {name} --device device.json"
    assert recorded(name)[-1] == {"kind": "end", "reason": "the stream ended"}
    with Path(name).open("rb") as one, Path(beside).open("rb") as other:
        heard = [(each.time_us, getattr(each, "ad", b"")) for each in open_source("a", one)]
        sent = [(each.time_us, getattr(each, "ad", b"")) for each in open_source("b", other)]
    assert heard == sent
    assert heard == [(START_US + number * 100_000, android_ad(OTHER_ID)) for number in range(50)]


@pytest.mark.parametrize(
    ("options", "adverts"),
    [(("--private",), 50), (("--bluezone-only",), 50), (("--address", "5A:00:00:00:00:02"), 0)],
)
def test_without_all_as_it_was_sent_there_are_no_packets(
    options: Sequence[str], adverts: int, heard_pcap: Callable[..., bytes]
) -> None:
    # what is there is then not in the way
    Path("desk.pcapng").write_bytes(b"other")
    done = run("-", "--out", "desk.jsonl", *options, stdin=heard_pcap())
    assert done.exit_code == 0
    assert f"the stream ended; {adverts} adverts recorded in desk.jsonl\n" in done.stderr
    assert len(recorded("desk.jsonl")) == adverts + 2
    assert Path("desk.pcapng").read_bytes() == b"other"
    assert (OTHER_ID.hex() in Path("desk.jsonl").read_text()) == bool(adverts and options != ("--private",))


def test_pseudonyms_by_a_key(heard_pcap: Callable[..., bytes]) -> None:
    Path("key").write_bytes(bytes(range(32)))
    keyed = ("--private", "--key-file", "key", "--force", "--out")
    for name in ("one.jsonl", "two.jsonl"):
        assert run("-", *keyed, name, stdin=heard_pcap()).exit_code == 0
    assert run("-", "--private", "--out", "three.jsonl", stdin=heard_pcap()).exit_code == 0
    assert recorded("one.jsonl")[1:] == recorded("two.jsonl")[1:]
    assert recorded("one.jsonl")[1:] != recorded("three.jsonl")[1:]


def test_one_advert(heard_pcap: Callable[..., bytes]) -> None:
    done = run("-", "--until", "1 adverts", "--out", "desk.jsonl", stdin=heard_pcap())
    assert "; 1 advert recorded in desk.jsonl and desk.pcapng\n" in done.stderr


@pytest.mark.parametrize(("text", "adverts"), [("12 adverts", 12), ("2s", 20), ("1h", 50)])
def test_until(text: str, adverts: int, heard_pcap: Callable[..., bytes]) -> None:
    done = run("-", "--until", text, "--out", "desk.jsonl", stdin=heard_pcap())
    assert done.exit_code == 0, done.output
    assert len(recorded("desk.jsonl")) == adverts + 2


@pytest.mark.parametrize(
    ("late_ms", "options", "code"),
    [
        (0, (), 2),
        (0, ("--allow-inconclusive",), 0),
        (0, ("--axis", "privacy"), 2),
        (3_600_000, (), 1),
        (3_600_000, ("--allow-inconclusive", "--axis", "conformance"), 1),
    ],
)
def test_the_exit_code_is_that_of_the_verdict(
    own_id: Callable[[int], bytes],
    late_ms: int,
    options: Sequence[str],
    code: int,
    heard_pcap: Callable[..., bytes],
) -> None:
    Path("device.json").write_text(json.dumps(DEVICE))
    octets = heard_pcap(own_id(START_US // 1000 - late_ms), 600)
    live = run("-", "--device", "device.json", "--out", "desk.jsonl", *options, stdin=octets)
    assert live.exit_code == code, live.output
    checked = CliRunner().invoke(bzc, ["check", "desk.jsonl", "--device", "device.json", *options])
    assert checked.exit_code == code
    assert live.stdout.splitlines()[1:] == checked.stdout.splitlines()[1:]
    assert ("FAIL" in live.stdout) == (code == 1)


def test_the_verdict_as_json_is_that_of_the_recording(
    own_id: Callable[[int], bytes], heard_pcap: Callable[..., bytes]
) -> None:
    Path("device.json").write_text(json.dumps(DEVICE))
    octets = heard_pcap(own_id(START_US // 1000), 600)
    judging = ("--device", "device.json", "--json")
    live = run("-", *judging, "--out", "desk.jsonl", stdin=octets)
    later = CliRunner().invoke(bzc, ["check", "desk.jsonl", *judging])
    assert json.loads(live.stdout) == {**json.loads(later.stdout), "command": "sniff"}


def test_json_without_a_device_file(heard_pcap: Callable[..., bytes]) -> None:
    done = run("-", "--json", "--out", "desk.jsonl", stdin=heard_pcap())
    assert done.exit_code == 0
    assert json.loads(done.stdout)["command"] == "sniff"


def test_the_device_file_by_its_variable(
    own_id: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch, heard_pcap: Callable[..., bytes]
) -> None:
    Path("device.json").write_text(json.dumps(DEVICE))
    monkeypatch.setenv("BZC_DEVICE", "device.json")
    octets = heard_pcap(own_id(START_US // 1000 - 3_600_000), 600)
    done = run("-", "--out", "desk.jsonl", stdin=octets)
    assert done.exit_code == 1
    assert "BZ-KEY-006" in done.stdout


def test_damage_of_the_stream_is_told(heard_pcap: Callable[..., bytes]) -> None:
    done = run("-", "--out", "desk.jsonl", stdin=heard_pcap()[:-3])
    assert done.exit_code == 0
    assert "bzc: standard input: " in done.stderr
    assert "cut" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk(heard_pcap: Callable[..., bytes]) -> None:
    Path("full.jsonl").symlink_to("/dev/full")
    done = run("-", "--out", "full.jsonl", "--force", stdin=heard_pcap())
    assert done.exit_code == 3
    assert "the disk is full" in done.stderr.splitlines()[-1]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no folder that takes no files")
def test_where_no_file_can_be_made(heard_pcap: Callable[..., bytes]) -> None:
    done = run("-", "--out", "/proc/desk.jsonl", stdin=heard_pcap())
    assert done.exit_code == 3
    assert "bzc: the recording failed; nothing was recorded\n" in done.stderr
    assert "desk.jsonl cannot be written" in done.stderr.splitlines()[-1]


def test_force_writes_over_files(heard_pcap: Callable[..., bytes]) -> None:
    for name in ("desk.jsonl", "desk.pcapng"):
        Path(name).write_bytes(b"old")
    done = run("-", "--out", "desk.jsonl", "--force", stdin=heard_pcap())
    assert done.exit_code == 0
    assert len(recorded("desk.jsonl")) == 52
    assert Path("desk.pcapng").read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"


class Interrupting:
    """A stream that sends this process a signal once so many of its adverts are recorded, and then waits for more."""

    def __init__(self, octets: bytes, number: signal.Signals, adverts: int = 50) -> None:
        self.octets = octets
        self.number = number
        self.adverts = adverts
        self.over = threading.Event()

    def fileno(self) -> int:
        raise io.UnsupportedOperation

    def read(self, count: int = -1, /) -> bytes:
        if not self.octets:
            path = Path("desk.jsonl")
            while not path.exists() or path.read_bytes().count(b"\n") <= self.adverts:
                if self.over.is_set():
                    return b""
                time.sleep(0.01)
            os.kill(os.getpid(), self.number)
            self.over.wait()
        found = self.octets[: count if count >= 0 else None]
        self.octets = self.octets[len(found) :]
        return found


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows a process cannot send itself a signal")
@pytest.mark.parametrize(
    ("number", "until", "code"),
    [(signal.SIGINT, (), 0), (signal.SIGTERM, (), 0), (signal.SIGINT, ("--until", "9h"), 130)],
)
def test_a_signal_ends_it(
    number: signal.Signals,
    until: Sequence[str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    heard_pcap: Callable[..., bytes],
) -> None:
    stream = Interrupting(heard_pcap(), number)
    monkeypatch.setattr(live_receivers, "standard_input", lambda: stream)
    before = signal.getsignal(number)
    try:
        done = run("-", "--out", "desk.jsonl", *until)
    finally:
        stream.over.set()
    assert done.exit_code == code, done.output
    assert "bzc: somebody interrupted; 50 adverts recorded in desk.jsonl and desk.pcapng" in done.stderr
    assert recorded("desk.jsonl")[-1] == {"kind": "end", "reason": "somebody interrupted"}
    assert signal.getsignal(number) is before


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows a process cannot send itself a signal")
def test_lines_tell_what_is_heard_meanwhile(
    monkeypatch: pytest.MonkeyPatch, heard_pcap: Callable[..., bytes]
) -> None:
    monkeypatch.setattr(listening, "TICK_S", 0.01)
    stream = Interrupting(heard_pcap(), signal.SIGINT)
    monkeypatch.setattr(live_receivers, "standard_input", lambda: stream)
    try:
        done = run("-", "--out", "desk.jsonl")
    finally:
        stream.over.set()
    first, second, *_ = done.stderr.splitlines()
    assert "  stranger, Android, address 5A:00:00:00:00:01, id 00112233445566778899AABB, slot " in first
    assert re.search(r"  \d+ adverts of 1 phone$", second)


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows a process cannot send itself a signal")
def test_what_failed_so_far_counts_more_than_an_interruption(
    own_id: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch, heard_pcap: Callable[..., bytes]
) -> None:
    Path("device.json").write_text(json.dumps(DEVICE))
    stream = Interrupting(heard_pcap(own_id(START_US // 1000 - 3_600_000), 600), signal.SIGINT, 600)
    monkeypatch.setattr(live_receivers, "standard_input", lambda: stream)
    try:
        done = run("-", "--out", "desk.jsonl", "--until", "9h", "--device", "device.json")
    finally:
        stream.over.set()
    assert done.exit_code == 1, done.output


def test_a_pipe_is_read_as_it_comes() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe, open(writing, "wb", buffering=0) as other:
        reader = stream_reader(pipe)
        other.write(b"some")
        # a buffered file would wait for all of it
        assert reader.read(100) == b"some"
        other.write(b"more")
        assert reader.read() == b"more"
    assert stream_reader(io.BytesIO(b"all")).read(100) == b"all"


@pytest.mark.parametrize(
    ("system", "title"),
    [("Linux", "BlueZ"), ("Darwin", "CoreBluetooth"), ("Windows", "WinRT")],
)
def test_each_systems_own_bluetooth(system: str, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bleak.__name__ in sys.modules  # so that it is not imported as on another system
    monkeypatch.setattr(live_receivers, "platform", SimpleNamespace(system=lambda: system))
    receiver = live_receiver(None, None, None, SystemClock(), active=True)
    assert receiver.title == f"bleak ({title})"


def test_the_clock_goes_on() -> None:
    clock = SystemClock()
    before_us = clock.now_us()
    assert START_US < before_us <= clock.now_us()


def test_the_examples_begin_as_people_type_them() -> None:
    text = CliRunner().invoke(bzc, ["sniff", "--help"]).stdout
    examples = [line.strip() for line in text.partition("Examples:")[2].splitlines() if line.strip()]
    assert "tshark -i INTERFACE -w - | bzc sniff - --device device.json" in examples
    assert all("bzc sniff" in each for each in examples)


def test_an_advert_keeps_what_the_packet_says(heard_pcap: Callable[..., bytes]) -> None:
    stream = stream_reader(io.BytesIO(heard_pcap(count=1)))
    (found,) = open_source("in", stream)
    assert isinstance(found, Advert)
    assert (found.rssi, found.address) == (-60, b"\x5a\0\0\0\0\1")
