"""Reading that people wait for: what it shows, what helps, and Ctrl-C, which keeps what was read."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from bluezone_harness import bulk
from bluezone_harness.checks.captures import Capture
from bluezone_harness.cli import bzc, evidence_inputs
from bluezone_harness.cli.evidence_inputs import read_evidence
from bluezone_harness.cli.watching import StoppedError, Watch, Watched, watched

pytestmark = pytest.mark.req("BZ-ADV-001")

RECORD = bytes.fromhex(
    "25C40000D6BE898E130CD6BE898E401D010000003F4B0201020FFFB522B9A665D754FE65E665D76A450303564E000000"
)
HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 256)
PATIENCE_S = 60


def pcap(packets: int) -> bytes:
    """Return a capture written octet by octet."""
    return HEADER + b"".join(
        struct.pack("<IIII", 1_597_276_800 + number, 0, len(RECORD), len(RECORD)) + RECORD
        for number in range(packets)
    )


class Slow(io.RawIOBase):
    """A pipe of which all octets come, and then somebody presses Ctrl-C while more is waited for."""

    def __init__(self, octets: bytes) -> None:
        self._rest = octets

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if not self._rest:
            signal.raise_signal(signal.SIGINT)
        octets, self._rest = self._rest[:size], self._rest[size:]
        return octets


def test_a_watched_stream_gives_what_the_stream_holds_and_tells_how_much() -> None:
    told: list[int] = []
    octets = Watched(io.BytesIO(b"0123456789"), Watch(told.append))
    assert octets.read(4) == b"0123"
    octets.put_back(b"0123")
    assert (octets.read(3), octets.read(), octets.read(2)) == (b"012", b"3", b"45")
    octets.again(0)
    assert sum(told) == 0
    room = bytearray(6)
    octets.put_back(b"ab")
    assert (octets.readinto(memoryview(room)), bytes(room[:2])) == (2, b"ab")
    assert (octets.readinto(memoryview(room)), bytes(room)) == (6, b"012345")
    assert (octets.read(), octets.read(), sum(told)) == (b"6789", b"", 10)


def test_a_stream_that_reads_into_nothing_is_copied() -> None:
    class Bare:
        def read(self, size: int = -1, /) -> bytes:
            return b"xyz"[:size]

    room = bytearray(2)
    octets = Watched(Bare(), Watch())  # type: ignore[arg-type]  # all that is asked of it
    assert (octets.readinto(memoryview(room)), bytes(room)) == (2, b"xy")


def test_what_is_interrupted_is_read_no_further() -> None:
    watch = Watch()
    octets = Watched(io.BytesIO(b"0123"), watch)
    assert octets.read(1) == b"0"
    watch.interrupt()
    with pytest.raises(StoppedError, match="interrupted"):
        octets.read(1)
    with pytest.raises(StoppedError):
        octets.readinto(memoryview(bytearray(1)))


def test_who_waits_is_told_at_once() -> None:
    watch = Watch()
    with pytest.raises(StoppedError), watch.waiting():
        watch.interrupt()
    assert watch.interrupted


def test_a_hint_is_given_once() -> None:
    said: list[str] = []
    watch = Watch(say=said.append)
    for text in ("one", "two", "one"):
        watch.say(text)
    assert said == ["one", "two"]


def test_another_thread_watches_without_signals() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def look() -> None:
        with watched([]) as watch:
            seen.extend((watch.interrupted, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [False, before]
    with watched([]):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("packets", [2, 3])
def test_ctrl_c_gives_the_verdict_on_what_was_read(
    packets: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    octets = pcap(packets)
    later = tmp_path / "later.pcap"
    later.write_bytes(pcap(9))
    monkeypatch.setattr(evidence_inputs, "standard_input", lambda: Slow(octets))
    result = CliRunner().invoke(bzc, ["check", "-", str(later), "--json"])
    assert result.exit_code == 130
    assert "interrupted: going on with what was read so far" in result.stderr
    answer = json.loads(result.stdout)
    assert answer["partial"]
    (capture,) = answer["inputs"]
    assert capture["sha256"] == sha256(octets).hexdigest()
    assert capture["contents"]["packets"] == packets
    told = [(each["source"], each["severity"], each["message"]) for each in answer["diagnostics"]]
    assert ("later.pcap", "error", "interrupted: it is not read") in told
    assert any(source == "standard input" and "interrupted" in text for source, _, text in told)


def test_a_failure_that_was_heard_stands_when_reading_was_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # an id one octet short: BZ-ADV-003
    wrong = RECORD[:15] + b"\x1c" + RECORD[16:25] + b"\x0e" + RECORD[26:40] + RECORD[41:]
    octets = HEADER + b"".join(
        struct.pack("<IIII", 1_597_276_800 + number, 0, len(wrong), len(wrong)) + wrong for number in range(4)
    )
    monkeypatch.setattr(evidence_inputs, "standard_input", lambda: Slow(octets))
    result = CliRunner().invoke(bzc, ["check", "-", "--json"])
    failed = [each["id"] for each in json.loads(result.stdout)["requirements"] if each["verdict"] == "fail"]
    assert "BZ-ADV-003" in failed
    assert result.exit_code == 1


@pytest.mark.parametrize("command", ["check", "info"])
def test_ctrl_c_before_anything_was_read_gives_no_verdict(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_inputs, "standard_input", lambda: Slow(b""))
    result = CliRunner().invoke(bzc, [command, "-"])
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.splitlines()[-1] == "bzc: interrupted"


def test_info_tells_what_was_read_before_ctrl_c(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(evidence_inputs, "standard_input", lambda: Slow(pcap(3)))
    result = CliRunner().invoke(bzc, ["info", "-", str(tmp_path / "missing"), "--json"])
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["unreadable"]) == (130, [])
    (found,) = answer["evidence"]
    assert (found["partial"], found["contents"]["packets"]) == (True, 3)


def test_an_archive_ends_where_it_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    # gzip, stored: 10 octets of header, then one block; the checksum never comes
    octets = pcap(3)
    head = (
        bytes.fromhex("1f8b0800000000000003")
        + b"\x01"
        + struct.pack("<HH", len(octets), 0xFFFF - len(octets))
    )
    monkeypatch.setattr(evidence_inputs, "standard_input", lambda: Slow(head + octets))
    result = CliRunner().invoke(bzc, ["check", "-", "--json"])
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["partial"]) == (130, True)
    assert answer["inputs"][0]["contents"]["packets"] == 3
    assert any("interrupted" in each["message"] for each in answer["diagnostics"])


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_ctrl_c_reaches_a_process_that_waits_for_a_sniffer() -> None:
    read_end, write_end = os.pipe()

    def is_empty() -> bool:
        (left,) = struct.unpack("i", fcntl.ioctl(read_end, termios.FIONREAD, bytes(4)))
        return bool(left == 0)

    command = [sys.executable, "-m", "bluezone_harness", "check", "-", "--json"]
    with subprocess.Popen(
        command, stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        os.write(write_end, pcap(5))
        wait_until(is_empty)
        time.sleep(0.2)  # what it read has to be asked for more once
        running.send_signal(signal.SIGINT)
        told, said = running.communicate(timeout=PATIENCE_S)
    os.close(read_end)
    os.close(write_end)
    assert running.returncode == 130
    assert said == "bzc: interrupted: going on with what was read so far; Ctrl-C again leaves\n"
    assert json.loads(told)["inputs"][0]["contents"]["packets"] == 5


def test_a_terminal_shows_how_fast_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "large.pcap"
    path.write_bytes(pcap(170_000))
    terminal, other_end = pty.openpty()
    fcntl.ioctl(other_end, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    command = [sys.executable, "-m", "bluezone_harness", "info", str(path)]
    shown: list[bytes] = []

    def collect() -> None:
        try:
            while octets := os.read(terminal, 4096):
                shown.append(octets)
        except OSError:  # what a terminal says when nobody is at its other end any more
            return

    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=other_end, env={**os.environ, "TERM": "xterm"}
    ) as running:
        os.close(other_end)
        reader = threading.Thread(target=collect)
        reader.start()
        assert running.wait(PATIENCE_S) == 0
        reader.join()
    os.close(terminal)
    text = b"".join(shown).decode()
    assert "reading" in text
    assert "10.9 MB" in text
    assert "MB/s" in text


# --- the bulk path ---


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bulk, "WORTHWHILE_OCTETS", 64)
    path = tmp_path / "large.pcap"
    path.write_bytes(pcap(20))
    return path


def test_large_captures_go_the_bulk_path(
    large: Path, monkeypatch: pytest.MonkeyPatch, lacking: Callable[[str], NoReturn]
) -> None:
    if not bulk.is_available():
        lacking("the extra 'fast' is not installed")
    (plain,) = read_evidence(str(large))
    assert isinstance(plain, Capture)
    fast = bulk.read_capture_fast
    names: list[str] = []

    def seen(name: str, octets: Watched, keep_times: bool) -> Capture | None:
        names.append(name)
        return fast(name, octets, keep_times)

    monkeypatch.setattr(bulk, "read_capture_fast", seen)
    told: list[int] = []
    (found,) = read_evidence(str(large), Watch(told.append))
    assert isinstance(found, Capture)
    assert names == ["large.pcap"]
    assert sum(told) == large.stat().st_size
    assert (found.sha256, found.packets, list(found.folded.sightings)) == (
        sha256(pcap(20)).hexdigest(),
        20,
        list(plain.folded.sightings),
    )


def test_what_the_bulk_path_does_not_serve_is_read_from_its_start(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, octets: Watched, keep_times: bool) -> None:
        octets.read(100)

    monkeypatch.setattr(bulk, "is_available", lambda: True)
    monkeypatch.setattr(bulk, "read_capture_fast", refuse)
    told: list[int] = []
    (found,) = read_evidence(str(large), Watch(told.append))
    assert isinstance(found, Capture)
    assert (found.packets, sum(told)) == (20, large.stat().st_size)


def test_without_the_extra_a_hint_says_so_once(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "is_available", lambda: False)
    other = large.with_name("other.pcap")
    other.write_bytes(pcap(30))
    result = CliRunner().invoke(bzc, ["check", str(large), str(other), "--allow-inconclusive"])
    assert result.stderr.count("bluezone-conformance[fast]") == 1
    monkeypatch.setattr(bulk, "WORTHWHILE_OCTETS", 10_000_000)
    assert CliRunner().invoke(bzc, ["check", str(large)]).stderr == ""
