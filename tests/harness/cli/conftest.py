"""A capture written octet by octet, a folder of a test's own, and ``bzc`` in a process of its own that serves."""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

START_US = 1_597_046_400_000_000  # 2020-08-10T08:00Z
OTHER_ID = bytes.fromhex("00112233445566778899aabb")
PCAP = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 201)
RECEIVED = b"\0\0\0\x01"


def packet(time_us: int, ad: bytes, address: bytes = b"\x5a\0\0\0\0\1") -> bytes:
    """Return an HCI LE Advertising Report as a record of a pcap file."""
    report = b"\x02\x01\x00\x01" + address[::-1] + bytes([len(ad)]) + ad + b"\xc4"
    octets = RECEIVED + b"\x04\x3e" + bytes([len(report)]) + report
    return struct.pack("<IIII", *divmod(time_us, 1_000_000), len(octets), len(octets)) + octets


def android_ad(rolling_id: bytes) -> bytes:
    return b"\x02\x01\x02\x0f\xff\xb5\x22" + rolling_id + b"\x03\x03\x56\x4e"


@pytest.fixture(scope="session")
def heard_pcap() -> Callable[..., bytes]:
    """Return a function to a capture of one phone: its rolling id, how many adverts, and one every so many µs."""

    def write(rolling_id: bytes = OTHER_ID, count: int = 50, every_us: int = 100_000) -> bytes:
        packets = (packet(START_US + number * every_us, android_ad(rolling_id)) for number in range(count))
        return PCAP + b"".join(packets)

    return write


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, without a device file by its variable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BZC_DEVICE", "")


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], str, bytes]]]:
    """Return a function that begins a command with a place to serve: its process, where it serves, and what it said.

    Positional: the command and its arguments but ``--serve``. It ends when the test does.
    """
    with tempfile.TemporaryDirectory() as short:  # the path of a socket is not long
        started: list[subprocess.Popen[bytes]] = []

        def begin(*arguments: str) -> tuple[subprocess.Popen[bytes], str, bytes]:
            path = f"{short}/{len(started)}"
            process = subprocess.Popen(
                [sys.executable, "-m", "bluezone_harness", *arguments, "--serve", f"unix-server:{path}"],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            started.append(process)
            assert process.stderr is not None
            said = b""
            while b"Ctrl-C" not in said:
                line = process.stderr.readline()
                assert line, said
                said += line
            return process, path, said

        yield begin
        for process in started:
            process.kill()
            process.communicate()
