"""Controllers of one's own: what may be wrong with them, one sentence each."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import usb.core  # type: ignore[import-untyped] # it ships no types
import usb1  # type: ignore[import-untyped] # likewise
from bumble.transport.common import TransportInitError, TransportLostError

from bluezone_harness.live import controllers
from bluezone_harness.live.controllers import SCHEMES, lost, opened
from bluezone_harness.live.hci_receiver import HciReceiver
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time

OWN_ADDRESS = bytes.fromhex("C00102030405")


class Standing:
    """A clock that stands."""

    def now_us(self) -> int:
        return 0


async def listen(name: str) -> None:
    receiver = HciReceiver(name, partial(opened, name, OWN_ADDRESS), Standing())
    await receiver.listen(lambda observation: None, lambda time_us, link_type, octets: None)


def refusal(name: str) -> ListenError:
    """Return what a user is told; in real time, without waiting."""
    with pytest.raises(ListenError) as caught:
        asyncio.run(listen(name))
    error = caught.value
    assert "\n" not in str(error)
    assert "Traceback" not in str(error)
    assert str(error)[-1] not in ".!?"
    assert error.__suppress_context__ or error.__context__ is None, "nobody is shown what lies below"
    return error


@pytest.mark.parametrize(
    "name", ["", "nothing", "bluetooth:0", "tcp-server:127.0.0.1:1", "file:/some/file", "USB:0"]
)
def test_a_scheme_that_nobody_knows_is_told_with_those_that_are(name: str) -> None:
    error = refusal(name)
    assert str(error).startswith(f"{name!r} names no controller: give one of usb, pyusb, serial, ")
    assert not error.may_return


@pytest.mark.parametrize(
    "name",
    [
        *("usb", "pyusb", "serial", "tcp-client", "unix", "udp", "ws-client", "tcp-client:127.0.0.1"),
        *("tcp-client:127.0.0.1:x", "tcp-client:127.0.0.1:70000", "udp:x"),
    ],
)
def test_a_name_that_is_not_complete_is_told_with_one_that_is(name: str) -> None:
    error = refusal(name)
    example = SCHEMES[name.partition(":")[0]]
    assert str(error) == f"{name!r} is no complete name of a controller: give one such as {example}"
    assert not error.may_return


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_at_which_nobody_is_is_told(host: str) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        name = f"tcp-client:{host}:{found.getsockname()[1]}"
    error = refusal(name)
    assert (
        str(error)
        == f"{name}: nobody serves it there: start what serves the controller, or check host and port"
    )
    assert error.may_return


@pytest.mark.parametrize("name", ["vhci", "vhci:/dev/vhci"])
def test_the_other_end_of_a_controller_is_told_with_what_to_give(name: str) -> None:
    error = refusal(name)
    assert "'bzc phones --serve vhci'" in str(error)
    assert "give hci-socket:0, or leave --hci out" in str(error)
    assert not error.may_return


def test_several_addresses_at_which_nobody_is_are_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect call failed"
    text = text.replace("111", str(errno.ECONNREFUSED))
    assert "nobody serves it there" in told(monkeypatch, "tcp-client:localhost:1", OSError(text))


@pytest.mark.parametrize("name", ["serial:/dev/no-such-port", "unix:/no/such/socket"])
@pytest.mark.skipif(sys.platform == "win32", reason="paths of Linux and macOS")
def test_a_path_at_which_nothing_is_is_told(name: str) -> None:
    error = refusal(name)
    assert str(error) == f"{name}: there is no such thing: check its name, and whether it is plugged in"
    assert error.may_return


@pytest.mark.skipif(sys.platform != "linux", reason="a device of Linux")
def test_what_is_no_serial_port_is_told() -> None:
    assert str(refusal("serial:/dev/null")).startswith("serial:/dev/null: it cannot be used, ")


@pytest.mark.parametrize("name", ["android-netsim", "android-emulator"])
def test_an_emulator_without_grpc_is_told_with_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    for module in [each for each in sys.modules if each.startswith("bumble.transport.android")]:
        monkeypatch.delitem(sys.modules, module)
    error = refusal(name)
    assert str(error) == f"{name}: the package grpc is missing: pip install 'bumble[android]'"
    assert not error.may_return


def test_a_usb_dongle_that_is_not_there_is_told() -> None:
    # whether or not this machine lets programs use USB at all
    error = refusal("usb:97")
    assert str(error) in {
        "usb:97: it is not there: plug it in",
        "usb:97: USB cannot be used by programs here: check that this machine has it, and lets programs use it",
        "usb:97: this user is not allowed to use it: add a udev rule, join its group, or ask who administrates it",
    }
    assert error.may_return


def told(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> str:
    """Return what a user is told where bumble's transport raises an error."""

    async def fail(name: str) -> None:
        raise error

    monkeypatch.setattr(controllers, "open_transport", fail)
    return str(refusal(name))


NOT_ALLOWED = (
    "this user is not allowed to use it: add a udev rule, join its group, or ask who administrates it"
)
SERIAL = "serial:/dev/ttyACM0"


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        (SERIAL, PermissionError(errno.EACCES, "Permission denied"), NOT_ALLOWED),
        ("hci-socket:0", PermissionError(errno.EPERM, "Operation not permitted"), NOT_ALLOWED),
        ("usb:0", usb1.USBErrorAccess(), NOT_ALLOWED),
        (
            "usb:0",
            usb1.USBErrorBusy(),
            "another program uses it: end that, or turn off the system's Bluetooth for it",
        ),
        (
            "hci-socket",
            OSError(errno.EBUSY, "Device or resource busy"),
            "another program uses it: end that, or turn ",
        ),
        ("hci-socket", OSError(errno.ENODEV, "No such device"), "it is not there: plug it in"),
        ("usb:0", usb1.USBErrorNoDevice(), "it is not there: plug it in"),
        ("usb:0", TransportInitError("device not found"), "it is not there: plug it in"),
        (
            "usb:0",
            usb1.USBErrorNotSupported(),
            "the system has no driver for it that programs can use: on Windows",
        ),
        (
            "usb:0",
            usb1.USBErrorOther(),
            "USB cannot be used by programs here: check that this machine has it",
        ),
        (
            "pyusb:0",
            usb.core.NoBackendError("No backend available"),
            "libusb is missing: install it, or take usb:0",
        ),
        (
            "usb:0",
            ModuleNotFoundError("x", name="usb1"),
            "the package usb1 is missing: pip install 'bluezone-confor",
        ),
        (
            "usb:0",
            ImportError("x"),
            "the package that it takes is missing: pip install 'bluezone-conformance[hci]'",
        ),
        (
            "hci-socket",
            OSError(errno.EAFNOSUPPORT, "x"),
            "this system has no such sockets: take usb:0, or another",
        ),
        (
            "hci-socket:0",
            Exception("Bluetooth HCI sockets not supported on this platform"),
            "this system has none (Bluetooth HCI sockets not supported on this platform): take usb:0, or another",
        ),
        (
            "android-netsim",
            TransportInitError("gRPC server port not found"),
            "the emulator does not answer (gRPC server port not found): start it, with its Bluetooth on",
        ),
        (
            "tcp-client:no.such.host:1",
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            "there is no host of that name: check it, and the network",
        ),
        ("tcp-client:h:1", TimeoutError(errno.ETIMEDOUT, "x"), "nobody answers there: check host and port"),
        ("tcp-client:h:1", OSError(errno.EHOSTUNREACH, "x"), "the host cannot be reached: check the network"),
        (
            "tcp-client:h:1",
            ConnectionResetError(errno.ECONNRESET, "x"),
            "the other side closed it: look there why",
        ),
        (
            "ws-client:ws://h",
            EOFError("connection closed"),
            "the controller is gone: plug it in again, or start ag",
        ),
        (
            SERIAL,
            OSError(errno.ENOSPC, "No space\nleft"),
            "it cannot be used, No space left: check it, and its name",
        ),
        (
            SERIAL,
            OSError("Could not configure port"),
            "it cannot be used, Could not configure port: check it, and",
        ),
        (
            "pty",
            RuntimeError(),
            "it does not work as a controller (RuntimeError): check that it is one, and that not",
        ),
        (
            "pty",
            RuntimeError("a" * 999),
            "it does not work as a controller (" + "a" * 200 + "): check that it is one",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, error: Exception, text: str
) -> None:
    found = told(monkeypatch, name, error)
    assert found.startswith(f"{name}: {text}")
    assert ":" in found[len(name) + 2 :], "there is something to do"


@pytest.mark.parametrize(
    "error", [TransportLostError("transport lost"), asyncio.CancelledError(), OSError(5, "I/O")]
)
def test_a_controller_that_is_lost_may_return(error: BaseException) -> None:
    found = lost("usb:0", error)
    assert str(found) == "usb:0: the controller is gone: plug it in again, or start again what serves it"
    assert found.may_return


def test_a_transport_that_does_not_open_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(name: str) -> None:
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(controllers, "open_transport", hang)
    with pytest.raises(
        ListenError, match=r"^pty: it does not open within 10 s: check that a controller is there$"
    ):
        run_in_virtual_time(listen("pty"))


async def against(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
    """Listen to a server on this machine."""
    ended: list[asyncio.Task[object] | None] = []

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended.append(asyncio.current_task())
        try:
            await serve(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    served = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    try:
        await listen(f"tcp-client:127.0.0.1:{served.sockets[0].getsockname()[1]}")
    finally:
        served.close()
        # nothing is left open for another test to find
        await asyncio.gather(*filter(None, ended), return_exceptions=True)


@pytest.mark.parametrize(
    ("first", "closes", "text"),
    [
        (b"", True, "the controller is gone: plug it in again, or start again what serves it"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", True, "the controller is gone: "),
        (bytes(range(256)) * 8, True, "the controller is gone: "),
        (bytes.fromhex("040e0401030c0c"), True, "it does not work as a controller ("),
        (bytes.fromhex("040e0401030c0c"), False, "it does not work as a controller ("),
    ],
)
def test_a_server_that_is_no_controller_is_told(
    first: bytes, closes: bool, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4)
        writer.write(first)
        await writer.drain()
        if not closes:
            await reader.read()

    with pytest.raises(ListenError) as caught:
        asyncio.run(against(serve))
    name, _, said = str(caught.value).partition(": ")
    assert name.startswith("tcp-client:127.0.0.1:")
    assert said.startswith(text)
    assert caught.value.may_return
    assert capfd.readouterr().err == ""


def test_what_bumble_logs_does_not_reach_people(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import logging\n"
        "import bluezone_harness.live.controllers\n"
        "logging.getLogger('bumble.host').error('x')\n"
        "logging.getLogger('bumble.transport.common').warning('x')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, env=environment, timeout=60, check=True
    )
    assert done.stderr == b""
