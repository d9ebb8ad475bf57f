"""``bzc sniff`` in this process: what is refused, recorded, told and judged."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import bleak
import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc, inputs, listening, live_receivers
from bluezone_harness.cli.live_receivers import SystemClock, live_receiver, stream_reader
from bluezone_harness.observations import Advert
from bluezone_harness.sources import open_source

pytestmark = [pytest.mark.req("BZ-ADV-001"), pytest.mark.usefixtures("short_search")]

START_US = 1_597_046_400_000_000  # 2020-08-10T08:00Z
OTHER_ID = bytes.fromhex("00112233445566778899aabb")
DEVICE = {
    "base_id": "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084",
    "base_day": "2020-08-08",
}
PCAP = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 201)
RECEIVED = b"\0\0\0\x01"


def packet(time_us: int, ad: bytes, address: bytes = b"\x5a\0\0\0\0\1") -> bytes:
    """Return an HCI LE Advertising Report as a record of a pcap file."""
    report = b"\x02\x01\x00\x01" + address[::-1] + bytes([len(ad)]) + ad + b"\xc4"
    octets = RECEIVED + b"\x04\x3e" + bytes([len(report)]) + report
    return struct.pack("<IIII", *divmod(time_us, 1_000_000), len(octets), len(octets)) + octets


def android_ad(rolling_id: bytes) -> bytes:
    return b"\x02\x01\x02\x0f\xff\xb5\x22" + rolling_id + b"\x03\x03\x56\x4e"


def heard_pcap(rolling_id: bytes = OTHER_ID, count: int = 50, every_us: int = 100_000) -> bytes:
    packets = (packet(START_US + number * every_us, android_ad(rolling_id)) for number in range(count))
    return PCAP + b"".join(packets)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BZC_DEVICE", "")


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(bzc, ["sniff", *arguments], input=stdin)


def refused(result: Result, exit_code: int = 64) -> str:
    """Return the one line of a run that failed."""
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    assert result.stderr.startswith("bzc: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def folder() -> set[str]:
    return {each.name for each in Path().iterdir()}


def recorded(path: str) -> list[Mapping[str, object]]:
    return [json.loads(line) for line in Path(path).read_bytes().splitlines()]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-", "--hci", "usb:0"), "a stream and --hci are two receivers: give one"),
        (("-", "--adapter", "hci1"), "--adapter is for this computer's Bluetooth: leave it out"),
        (("--hci", "usb:0", "--adapter", "hci1"), "--adapter is for this computer's Bluetooth: leave it out"),
        (("--passive",), "--passive is for --hci: this computer's Bluetooth decides by itself"),
        (("-", "--gatt"), "--gatt takes a receiver that can connect: a stream cannot"),
        (("--key-file", "key"), "--key-file is for --private"),
        (("-", "--device", "-"), "standard input is the stream: give the other file by its name"),
        (
            ("-", "--private", "--key-file", "-"),
            "standard input is the stream: give the other file by its name",
        ),
        (
            ("--private", "--key-file", "-", "--device", "-"),
            "standard input can be read only once: give '-' once",
        ),
        (("-", "--until", "later"), "--until: give a duration such as 20min or 90s"),
        (
            ("-", "--out", "nowhere/desk.jsonl"),
            "--out: there is no folder 'nowhere': make it, or check the path",
        ),
        (
            ("-", "--out", "desk.pcapng"),
            "--out 'desk.pcapng': the recording is JSON Lines: give a name with .jsonl",
        ),
        (("-", "--out", "DESK.PcapNG"), "give a name with .jsonl"),
        (("-", "--out", "."), "give a name with .jsonl"),
        (("-", "--out", "-"), "--out: the recording is a file, so that it can be judged: give its name"),
        (("-", "--out", "here.jsonl"), "'here.jsonl' is there already: give --force to write over it"),
        (("-", "--out", "other.jsonl"), "'other.pcapng' is there already: give --force to write over it"),
        (("-", "--out", "folder", "--force"), "--out: 'folder' is a folder: give the name of a file"),
        (("-", "--address", "5A"), "--address '5A': give six octets, such as 5A:00:00:00:00:01"),
        (("-", "--private", "--key-file", "here.jsonl"), "--key-file: the key has 4 octets: give"),
        (
            ("-", "--device", "device.json", "--out", "device.json", "--force"),
            "--out 'device.json' is what is read, and would be lost: give another file",
        ),
        (("-", "--min-rssi", "x"), "invalid value for '--min-rssi'"),
        (("+",), "invalid value for '[-]'"),
    ],
)
def test_wrong_usage(arguments: Sequence[str], says: str) -> None:
    for name in ("here.jsonl", "other.pcapng"):
        Path(name).write_bytes(b"kept")
    Path("folder").mkdir()
    Path("device.json").write_text(json.dumps(DEVICE))
    before = folder()
    assert says in refused(run(*arguments, stdin=heard_pcap()))
    assert folder() == before
    assert Path("here.jsonl").read_bytes() == b"kept"
    assert json.loads(Path("device.json").read_text()) == DEVICE


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "device.json: it cannot be read, no such file or directory: check the path"),
        (b"", "device.json: the file is empty: check how it was made"),
        (b"[]", "device.json: "),
        (b'{"base_id": 4, "base_day": "2020-08-08"}', "device.json: "),
    ],
)
def test_a_device_file_that_cannot_be_read(content: bytes | None, says: str) -> None:
    if content is not None:
        Path("device.json").write_bytes(content)
    before = folder()
    assert says in refused(run("-", "--device", "device.json", stdin=heard_pcap()), 3)
    assert folder() == before


@pytest.mark.parametrize("octets", [b"", b"no capture at all"])
def test_what_is_no_capture(octets: bytes) -> None:
    assert "standard input: " in refused(run("-", stdin=octets), 3)
    assert folder() == set()
    Path("desk.jsonl").write_bytes(b"old")
    # nor is anything written over by it
    refused(run("-", "--out", "desk.jsonl", "--force", stdin=octets), 3)
    assert Path("desk.jsonl").read_bytes() == b"old"


def test_closed_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "sys", SimpleNamespace(stdin=None))
    assert "standard input is closed: open it, or do not give '-'" in refused(run("-"))
    assert folder() == set()


def test_a_recording_named_by_the_time_and_packets_beside_it() -> None:
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
def test_without_all_as_it_was_sent_there_are_no_packets(options: Sequence[str], adverts: int) -> None:
    # what is there is then not in the way
    Path("desk.pcapng").write_bytes(b"other")
    done = run("-", "--out", "desk.jsonl", *options, stdin=heard_pcap())
    assert done.exit_code == 0
    assert f"the stream ended; {adverts} adverts recorded in desk.jsonl\n" in done.stderr
    assert len(recorded("desk.jsonl")) == adverts + 2
    assert Path("desk.pcapng").read_bytes() == b"other"
    assert (OTHER_ID.hex() in Path("desk.jsonl").read_text()) == bool(adverts and options != ("--private",))


def test_pseudonyms_by_a_key() -> None:
    Path("key").write_bytes(bytes(range(32)))
    keyed = ("--private", "--key-file", "key", "--force", "--out")
    for name in ("one.jsonl", "two.jsonl"):
        assert run("-", *keyed, name, stdin=heard_pcap()).exit_code == 0
    assert run("-", "--private", "--out", "three.jsonl", stdin=heard_pcap()).exit_code == 0
    assert recorded("one.jsonl")[1:] == recorded("two.jsonl")[1:]
    assert recorded("one.jsonl")[1:] != recorded("three.jsonl")[1:]


def test_one_advert() -> None:
    done = run("-", "--until", "1 adverts", "--out", "desk.jsonl", stdin=heard_pcap())
    assert "; 1 advert recorded in desk.jsonl and desk.pcapng\n" in done.stderr


@pytest.mark.parametrize(("text", "adverts"), [("12 adverts", 12), ("2s", 20), ("1h", 50)])
def test_until(text: str, adverts: int) -> None:
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
    own_id: Callable[[int], bytes], late_ms: int, options: Sequence[str], code: int
) -> None:
    Path("device.json").write_text(json.dumps(DEVICE))
    octets = heard_pcap(own_id(START_US // 1000 - late_ms), 600)
    live = run("-", "--device", "device.json", "--out", "desk.jsonl", *options, stdin=octets)
    assert live.exit_code == code, live.output
    checked = CliRunner().invoke(bzc, ["check", "desk.jsonl", "--device", "device.json", *options])
    assert checked.exit_code == code
    assert live.stdout.splitlines()[1:] == checked.stdout.splitlines()[1:]
    assert ("FAIL" in live.stdout) == (code == 1)


def test_the_verdict_as_json_is_that_of_the_recording(own_id: Callable[[int], bytes]) -> None:
    Path("device.json").write_text(json.dumps(DEVICE))
    octets = heard_pcap(own_id(START_US // 1000), 600)
    judging = ("--device", "device.json", "--json")
    live = run("-", *judging, "--out", "desk.jsonl", stdin=octets)
    later = CliRunner().invoke(bzc, ["check", "desk.jsonl", *judging])
    assert json.loads(live.stdout) == {**json.loads(later.stdout), "command": "sniff"}


def test_json_without_a_device_file() -> None:
    done = run("-", "--json", "--out", "desk.jsonl", stdin=heard_pcap())
    assert done.exit_code == 0
    assert json.loads(done.stdout)["command"] == "sniff"


def test_the_device_file_by_its_variable(
    own_id: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("device.json").write_text(json.dumps(DEVICE))
    monkeypatch.setenv("BZC_DEVICE", "device.json")
    octets = heard_pcap(own_id(START_US // 1000 - 3_600_000), 600)
    done = run("-", "--out", "desk.jsonl", stdin=octets)
    assert done.exit_code == 1
    assert "BZ-KEY-006" in done.stdout


def test_damage_of_the_stream_is_told() -> None:
    done = run("-", "--out", "desk.jsonl", stdin=heard_pcap()[:-3])
    assert done.exit_code == 0
    assert "bzc: standard input: " in done.stderr
    assert "cut" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk() -> None:
    Path("full.jsonl").symlink_to("/dev/full")
    done = run("-", "--out", "full.jsonl", "--force", stdin=heard_pcap())
    assert done.exit_code == 3
    assert "the disk is full" in done.stderr.splitlines()[-1]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no folder that takes no files")
def test_where_no_file_can_be_made() -> None:
    done = run("-", "--out", "/proc/desk.jsonl", stdin=heard_pcap())
    assert done.exit_code == 3
    assert "bzc: the recording failed; nothing was recorded\n" in done.stderr
    assert "desk.jsonl cannot be written" in done.stderr.splitlines()[-1]


def test_force_writes_over_files() -> None:
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
    number: signal.Signals, until: Sequence[str], code: int, monkeypatch: pytest.MonkeyPatch
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
def test_lines_tell_what_is_heard_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
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
    own_id: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
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


@pytest.mark.parametrize("system", ["Java", ""])
def test_a_system_that_bleak_does_not_know(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    named = system or "this system"
    assert refused(run()) == f"bzc: bleak knows no Bluetooth of {named}: give a controller with --hci\n"


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_an_adapter_is_for_linux(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    assert "--adapter is for Linux: here the system chooses" in refused(run("--adapter", "hci1"))


@pytest.mark.req("BZ-GAT-001")
def test_on_a_mac_phones_are_read_by_a_controller_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert refused(run("--gatt")) == (
        "bzc: --gatt: macOS does not tell addresses, by which phones are told apart: "
        "give a controller with --hci, or leave --gatt out\n"
    )
    # by a controller it goes on to where there is none
    assert "names no controller" in refused(run("--gatt", "--hci", "nonsense"), 3)
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setattr(live_receivers, "find_spec", lambda name: None)
    assert "bleak" in refused(run("--gatt"))


@pytest.mark.parametrize(
    ("system", "title"),
    [("Linux", "BlueZ"), ("Darwin", "CoreBluetooth"), ("Windows", "WinRT")],
)
def test_each_systems_own_bluetooth(system: str, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bleak.__name__ in sys.modules  # so that it is not imported as on another system
    monkeypatch.setattr(live_receivers, "platform", SimpleNamespace(system=lambda: system))
    receiver = live_receiver(None, None, None, SystemClock(), active=True)
    assert receiver.title == f"bleak ({title})"


def test_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_receivers, "find_spec", lambda name: None)
    assert refused(run("--hci", "usb:0")) == (
        "bzc: --hci takes bumble: pip install 'bluezone-conformance[hci]'\n"
    )
    assert refused(run()) == "bzc: this computer's Bluetooth takes bleak: pip install bleak\n"
    # a stream takes neither
    assert run("-", stdin=heard_pcap()).exit_code == 0


@pytest.mark.parametrize(
    ("controller", "says"),
    [
        ("nonsense", "'nonsense' names no controller: give one of usb, "),
        ("vhci", "vhci is the other end"),
        ("tcp-client:127.0.0.1:1", "tcp-client:127.0.0.1:1: nobody serves it there: "),
        ("serial:/nowhere", "serial:/nowhere: there is no such thing: check its name"),
        ("tcp-client", "'tcp-client' is no complete name of a controller: give one such as"),
    ],
)
def test_a_controller_that_is_not_there(controller: str, says: str) -> None:
    assert says in refused(run("--hci", controller), 3)
    assert folder() == set()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there may be Bluetooth")
@pytest.mark.parametrize("options", [(), ("--gatt",), ("--adapter", "hci7")])
def test_without_bluetooth(options: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    assert "Bluetooth" in refused(run(*options), 3)
    assert folder() == set()


def test_the_clock_goes_on() -> None:
    clock = SystemClock()
    before_us = clock.now_us()
    assert START_US < before_us <= clock.now_us()


def test_the_examples_begin_as_people_type_them() -> None:
    text = CliRunner().invoke(bzc, ["sniff", "--help"]).stdout
    examples = [line.strip() for line in text.partition("Examples:")[2].splitlines() if line.strip()]
    assert "tshark -i INTERFACE -w - | bzc sniff - --device device.json" in examples
    assert all("bzc sniff" in each for each in examples)


def test_an_advert_keeps_what_the_packet_says() -> None:
    stream = stream_reader(io.BytesIO(PCAP + packet(START_US, android_ad(OTHER_ID))))
    (found,) = open_source("in", stream)
    assert isinstance(found, Advert)
    assert (found.rssi, found.address) == (-60, b"\x5a\0\0\0\0\1")
