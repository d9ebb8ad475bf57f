"""``bzc sniff`` as a process: its verdict is that of the recording; signals, terminals, and ends that are closed."""

from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bluezone_harness.virtual.captures import (
    LinkType,
    write_btsnoop,
    write_pcap,
    write_pcapng,
    write_recording,
)
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared, simulate

if sys.platform != "win32":
    import pty
    import termios
    from fcntl import ioctl

pytestmark = [
    pytest.mark.req("BZ-ADV-001"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals and no such signals"),
]

START_MS = 1_597_046_400_000
COMMAND = (sys.executable, "-m", "bluezone_harness")
WAIT_S = 300


def capture(folder: Path, form: str, *faults: str, minutes: int = 20) -> bytes:
    """Write the device file of a phone, and return a capture of it."""
    phone = drawn_phone("desk", "android", START_MS, 1, tuple(faults))
    plan = prepared(Plan((phone,), START_MS, minutes * 60_000, strangers=2, interval_ms=500), 1)
    (folder / "device.json").write_bytes(device_file(plan.phones))
    path = folder / f"in.{form}"
    with path.open("wb") as file:
        packets = simulate(plan, 1)
        if form == "pcap":
            write_pcap(packets, file)
        elif form == "hci.pcapng":
            write_pcapng(packets, file, LinkType.HCI)
        elif form == "btsnoop":
            write_btsnoop(packets, file)
        else:
            write_recording(packets, file)
    return path.read_bytes()


def bzc(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, input=stdin, capture_output=True, timeout=WAIT_S, check=False
    )


def begun(
    folder: Path, *arguments: str, stderr: int = subprocess.PIPE, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "sniff", *arguments],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=env,
    )


def fed(process: subprocess.Popen[bytes], octets: bytes, path: Path) -> None:
    """Give a process octets, and wait until some of them are recorded; its standard input stays open."""
    assert process.stdin is not None
    process.stdin.write(octets)
    process.stdin.flush()
    end_s = time.monotonic() + WAIT_S
    while not path.exists() or path.stat().st_size < 10_000:
        assert time.monotonic() < end_s
        assert process.poll() is None
        time.sleep(0.02)


def end_of(path: Path) -> object:
    return json.loads(path.read_bytes().splitlines()[-1])


def assert_same_verdict(folder: Path, octets: bytes, code: int, *options: str) -> None:
    judging = ("--device", "device.json", "--json")
    live = bzc(folder, "sniff", "-", *judging, "--out", "desk.jsonl", *options, stdin=octets)
    later = bzc(folder, "check", "desk.jsonl", *judging)
    assert b"the stream ended" in live.stderr
    assert b"Traceback" not in live.stderr
    assert live.returncode == later.returncode == code
    assert json.loads(live.stdout) == {**json.loads(later.stdout), "command": "sniff"}
    # where not all is there as it was sent, there are no packets
    assert (folder / "desk.pcapng").exists() == (not options)
    assert (b"desk.pcapng" in live.stderr) == (not options)


def test_the_verdict_is_that_of_the_recording(tmp_path: Path) -> None:
    assert_same_verdict(tmp_path, capture(tmp_path, "hci.pcapng", "zero-base", minutes=1), 1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("form", "faults", "options"),
    [
        ("pcap", (), ()),
        ("hci.pcapng", ("slot-late",), ()),
        ("btsnoop", (), ("--bluezone-only",)),
        ("jsonl", (), ("--private",)),
        ("jsonl", ("slot-late",), ("--address", "00:00:00:00:00:01")),
    ],
)
def test_the_verdict_is_that_of_the_recording_in_any_form(
    tmp_path: Path, form: str, faults: Sequence[str], options: Sequence[str]
) -> None:
    octets = capture(tmp_path, form, *faults)
    assert_same_verdict(tmp_path, octets, 1 if faults and not options else 2, *options)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        *(
            pytest.param(getattr(signal, name), marks=pytest.mark.long)
            for name in ("SIGINT", "SIGHUP")
            if hasattr(signal, name)
        ),
    ],
)
def test_a_signal_ends_it_with_the_verdict(tmp_path: Path, number: signal.Signals) -> None:
    octets = capture(tmp_path, "pcap", minutes=1)
    process = begun(tmp_path, "-", "--device", "device.json", "--out", "desk.jsonl")
    fed(process, octets, tmp_path / "desk.jsonl")
    process.send_signal(number)
    process.wait(WAIT_S)  # though the pipe is open
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 2, err
    assert b"conformance" in out.lower()
    assert b"Traceback" not in err
    assert end_of(tmp_path / "desk.jsonl") == {"kind": "end", "reason": "somebody interrupted"}


@pytest.mark.long
def test_a_second_interruption_waits_for_nothing(tmp_path: Path) -> None:
    process = begun(tmp_path, "-", "--device", "device.json", "--until", "9h", "--out", "desk.jsonl")
    octets = capture(tmp_path, "pcap", minutes=1)
    fed(process, octets, tmp_path / "desk.jsonl")
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode in (130, -signal.SIGINT), err
    assert b"Traceback" not in err


def closed(
    folder: Path, redirection: str, octets: bytes, *arguments: str
) -> subprocess.CompletedProcess[bytes]:
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, "sniff", "-", *arguments]
    return subprocess.run(shell, cwd=folder, input=octets, capture_output=True, timeout=WAIT_S, check=False)


def test_closed_standard_input(tmp_path: Path) -> None:
    done = closed(tmp_path, "<&-", b"")
    assert done.returncode == 64
    assert done.stderr == b"bzc: standard input is closed: open it, or do not give '-'\n"


@pytest.mark.long
@pytest.mark.parametrize("redirection", ["2>&-", ">&-"])
def test_nobody_hears_what_it_says(tmp_path: Path, redirection: str) -> None:
    octets = capture(tmp_path, "pcap", minutes=1)
    done = closed(tmp_path, redirection, octets, "--device", "device.json", "--out", "desk.jsonl")
    assert b"Traceback" not in done.stdout + done.stderr
    assert end_of(tmp_path / "desk.jsonl") == {"kind": "end", "reason": "the stream ended"}
    assert done.returncode == 2


def test_the_reader_of_the_verdict_is_gone(tmp_path: Path) -> None:
    octets = capture(tmp_path, "pcap", minutes=1)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "sniff", "-", "--device", "device.json", "--out", "desk.jsonl"],
        cwd=tmp_path,
        input=octets,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=WAIT_S,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
    assert end_of(tmp_path / "desk.jsonl") == {"kind": "end", "reason": "the stream ended"}


def test_help_is_quick_and_imports_little(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.argv = ['bzc', 'sniff', '--help']\n"
        "from bluezone_harness.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    print(sorted({'bleak', 'bumble'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, timeout=WAIT_S, check=True
    )
    assert done.stderr.decode().splitlines()[-1] == "[]"
    assert b"--until" in done.stdout


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(24, 120), *(pytest.param(*each, marks=pytest.mark.long) for each in ((24, 60), (10, 60), (4, 20)))],
)
def test_on_a_terminal_a_table_shows(tmp_path: Path, rows: int, columns: int) -> None:
    octets = capture(tmp_path, "pcap", minutes=1)
    primary, secondary = pty.openpty()
    ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    variables = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = begun(
        tmp_path,
        "-",
        *("--device", "device.json", "--out", "desk.jsonl"),
        stderr=secondary,
        env={**variables, "TERM": "xterm-256color"},
    )
    os.close(secondary)
    fed(process, octets, tmp_path / "desk.jsonl")
    shown = b""
    end_s = time.monotonic() + WAIT_S
    while shown.count(b"\x1b[2K") < 6 and time.monotonic() < end_s:
        shown += os.read(primary, 65536)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            more = os.read(primary, 65536)
        except OSError:
            break
        if not more:
            break
        shown += more
    process.communicate(timeout=WAIT_S)
    os.close(primary)
    assert process.returncode == 2
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "Traceback" not in text
    assert "listening" in text
    before = [each for each in re.split(r"[\r\n]+", text) if each and "bzc:" not in each]
    assert max(len(each) for each in before[: max(1, len(before) // 2)]) <= columns
    if columns == 120:
        for part in ("desk", "left", "stranger"):
            assert part in text
