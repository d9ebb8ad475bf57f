"""scapy's socket and commands: octets of the Core Specification, one close, sentences, and nothing left behind."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bluezone_harness.live import scapy_socket
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.live.scapy_socket import UserChannel, open_user_channel

pytestmark = [
    pytest.mark.req("BZ-ADV-001"),
    pytest.mark.skipif(sys.platform != "linux", reason="sockets of Linux"),
]

OWN_ADDRESS = bytes.fromhex("C00102030405")
# Core Specification, Vol 4 Part E: opcode, length, parameters; the least significant octet first
MASKS = {
    False: ["01 010c 08 ffffffffff1f0020", "01 0120 08 0200000000000000"],
    True: ["01 010c 08 ffffffffff1f0020", "01 0120 08 0210000000000000"],
}
ADDRESS = "01 0520 06 0504030201c0"


def octets(*texts: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(each) for each in texts)


@pytest.mark.parametrize("active", [False, True])
def test_commands_of_a_legacy_controller(active: bool) -> None:
    kind = f"{active:02x}"
    scan = (f"01 0b20 07 {kind} 6000 6000 01 00", "01 0c20 02 01 00")
    found = scapy_socket.begin(OWN_ADDRESS, active=active, extended=False)
    assert found == octets(*MASKS[False], ADDRESS, *scan)
    assert scapy_socket.end(extended=False) == bytes.fromhex("01 0c20 02 00 00")


@pytest.mark.parametrize("active", [False, True])
def test_commands_of_an_extended_controller(active: bool) -> None:
    kind = f"{active:02x}"
    scan = (f"01 4120 08 01 00 01 {kind} 6000 6000", "01 4220 06 01 00 0000 0000")
    found = scapy_socket.begin(OWN_ADDRESS, active=active, extended=True)
    assert found == octets(*MASKS[True], ADDRESS, *scan)
    assert scapy_socket.end(extended=True) == bytes.fromhex("01 4220 06 00 00 0000 0000")


def test_commands_without_choice() -> None:
    assert scapy_socket.reset() == bytes.fromhex("01 030c 00")
    assert scapy_socket.read_features() == bytes.fromhex("01 0320 00")
    assert scapy_socket.write_le_host() == bytes.fromhex("01 6d0c 02 01 00")


def test_a_scapy_that_lacks_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(scapy_socket._bluetooth, "HCI_Cmd_LE_Set_Extended_Scan_Enable")
    with pytest.raises(ListenError) as caught:
        scapy_socket.end(extended=True)
    assert str(caught.value) == (
        "this scapy is too old for LE_Set_Extended_Scan_Enable: "
        "pip install --upgrade 'bluezone-conformance[scapy]'"
    )


def test_a_scapy_that_calls_fields_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    # as 2.7 has it, where a field is called otherwise
    other = scapy_socket._bluetooth.HCI_Cmd_Reset
    monkeypatch.setattr(scapy_socket._bluetooth, "HCI_Cmd_LE_Set_Scan_Parameters", other)
    with pytest.raises(ListenError, match=r"^this scapy is too old for LE_Set_Scan_Parameters: pip install "):
        scapy_socket.begin(OWN_ADDRESS, active=True, extended=False)


# --- the socket ---


@pytest.fixture
def opened() -> Iterator[tuple[SimpleNamespace, socket.socket]]:
    """Yield what scapy's socket has, and the other end of it."""
    kernel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    descriptor = os.dup(kernel.fileno())
    yield SimpleNamespace(ins=kernel, outs=kernel, hci_fd=descriptor, closed=False), other
    other.close()
    kernel.close()


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_packets_go_both_ways_and_it_is_closed_once(opened: tuple[SimpleNamespace, socket.socket]) -> None:
    scapys, kernel = opened
    descriptors = (scapys.ins.fileno(), scapys.hci_fd)

    async def run() -> None:
        channel = UserChannel(scapys)
        kernel.send(b"\x04\x0e\x01\x01")
        kernel.send(b"\x04\x3e\x00")
        assert [await channel.read(), await channel.read()] == [b"\x04\x0e\x01\x01", b"\x04\x3e\x00"]
        waiting = asyncio.create_task(channel.read())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        kernel.send(b"later")
        assert await waiting == b"later"
        await channel.write(b"\x01\x03\x0c\x00")
        assert kernel.recv(100) == b"\x01\x03\x0c\x00"
        channel.close()

    asyncio.run(run())
    assert not any(map(is_open, descriptors))
    assert scapys.closed
    # what has their numbers now is another's
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in descriptors]
    try:
        assert sorted(taken) == sorted(descriptors)
        UserChannel.close(SimpleNamespace(_opened=scapys, _socket=scapys.ins))  # type: ignore[arg-type] # what it has
        assert all(map(is_open, taken))
    finally:
        for each in taken:
            os.close(each)


def test_a_kernel_that_hangs_up(opened: tuple[SimpleNamespace, socket.socket]) -> None:
    scapys, kernel = opened

    async def run() -> None:
        channel = UserChannel(scapys)
        kernel.close()
        with pytest.raises(OSError, match=r"refused|reset|connected"):
            await channel.write(b"\x01\x03\x0c\x00")
        channel.close()

    asyncio.run(run())
    assert scapys.closed


def test_a_socket_is_asked_of_scapy(
    monkeypatch: pytest.MonkeyPatch, opened: tuple[SimpleNamespace, socket.socket]
) -> None:
    asked = []

    def user_socket(number: int) -> SimpleNamespace:
        asked.append(number)
        return opened[0]

    monkeypatch.setattr(scapy_socket, "refuse_before", asked.append)
    monkeypatch.setattr(scapy_socket._bluetooth, "BluetoothUserSocket", user_socket)
    channel = open_user_channel(3)
    channel.close()
    assert asked == [3, 3]


def test_what_is_known_before_is_not_asked_of_scapy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int) -> None:
        raise ListenError(f"no {number}")

    monkeypatch.setattr(scapy_socket, "refuse_before", refuse)
    monkeypatch.delattr(scapy_socket._bluetooth, "BluetoothUserSocket")
    with pytest.raises(ListenError, match=r"^no 3$"):
        open_user_channel(3)


def test_who_is_refused_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [
        scapy_socket._bluetooth.BluetoothSocketError("Unable to bind"),
        OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
    ]

    def user_socket(number: int) -> None:
        raise errors.pop(0)

    monkeypatch.setattr(scapy_socket, "refuse_before", lambda number: None)
    monkeypatch.setattr(scapy_socket, "why_refused", lambda number: ListenError(f"why {number}"))
    monkeypatch.setattr(scapy_socket._bluetooth, "BluetoothUserSocket", user_socket)
    with pytest.raises(ListenError, match=r"^why 3$"):
        open_user_channel(3)
    with pytest.raises(
        ListenError, match=r"^hci3: the adapter cannot be used, too many open files: try again$"
    ):
        open_user_channel(3)


@pytest.mark.parametrize("set_before", [False, True])
def test_importing_scapy_leaves_nothing_behind_and_says_nothing(tmp_path: Path, set_before: bool) -> None:
    kept = (
        {"XDG_CACHE_HOME": str(tmp_path / "a"), "XDG_CONFIG_HOME": str(tmp_path / "b")} if set_before else {}
    )
    environment = {name: text for name, text in os.environ.items() if not name.startswith("XDG_")}
    environment |= {
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
        **kept,
    }
    program = (
        "import os, sys\nfrom bluezone_harness.live import scapy_socket\n"
        "print(sorted(each for each in os.environ.items() if each[0].startswith('XDG_')))\n"
        "print(sorted({'bumble', 'bleak'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        timeout=60,
        check=True,
        text=True,
        env=environment,
    )
    assert (done.stdout, done.stderr) == (f"{sorted(kept.items())}\n[]\n", "")
    assert list(tmp_path.iterdir()) == []
