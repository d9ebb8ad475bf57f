"""Why an adapter of Linux cannot be had: each sentence, and what the kernel is asked."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
from collections.abc import Callable

import pytest

from bluezone_harness.live.hci_sockets import refuse_before, refused, why_refused
from bluezone_harness.live.receivers import ListenError

pytestmark = [
    pytest.mark.req("BZ-ADV-001"),
    pytest.mark.skipif(sys.platform != "linux", reason="sockets of Linux"),
]

IN_USE = (
    "hci2: the adapter is up, bluetoothd or another program uses it: turn it off by 'bluetoothctl power off' or "
    "'hciconfig hci2 down', and end other programs"
)
ABSENT = "hci2: there is no such adapter: plug it in, or give one of those in /sys/class/bluetooth"
NO_BLUETOOTH = (
    "hci2: this Linux has no Bluetooth, or lends none to a container: load the kernel's module bluetooth, "
    "or listen outside"
)
ROOT = "hci2: who takes an adapter needs CAP_NET_ADMIN: run it as root"
GONE = "hci2: the adapter is gone: plug it in again"
SENTENCES = [
    (errno.EAFNOSUPPORT, NO_BLUETOOTH, False),
    (errno.EPERM, ROOT, False),
    (errno.EACCES, ROOT, False),
    (errno.ENODEV, ABSENT, True),
    (errno.EBUSY, IN_USE, True),
    (errno.EUSERS, "hci2: another program has the adapter to itself: end that", True),
    (
        132,  # ERFKILL
        "hci2: the adapter is blocked: run 'rfkill unblock bluetooth', or use its switch",
        False,
    ),
    (errno.EPIPE, GONE, True),
    (errno.ENETDOWN, GONE, True),
    (77, GONE, True),  # EBADFD
    (errno.EINVAL, "hci2: the adapter cannot be used, invalid argument: try again", True),
]


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any socket stand in for those of HCI, also where Python knows none."""
    monkeypatch.setattr(socket, "AF_BLUETOOTH", socket.AF_UNIX, raising=False)
    monkeypatch.setattr(socket, "BTPROTO_HCI", 0, raising=False)


def answering(monkeypatch: pytest.MonkeyPatch, answer: int | OSError, asked: list[tuple[int, int]]) -> None:
    """Let the kernel answer HCIGETDEVINFO by flags, or by an error."""

    def ioctl(descriptor: int, request: int, octets: bytearray, mutate: bool) -> int:
        assert os.fstat(descriptor)
        assert mutate
        asked.append((request, struct.unpack_from("<H", octets)[0]))
        if isinstance(answer, OSError):
            raise answer
        # as hci_dev_info begins: number, 8 octets of name, 6 of address, flags
        struct.pack_into("<H8s6sI", octets, 0, 2, b"hci2", bytes(6), answer)
        return 0

    monkeypatch.setattr("fcntl.ioctl", ioctl)


@pytest.mark.parametrize(("code", "sentence", "may_return"), SENTENCES)
def test_each_error_is_a_sentence(code: int, sentence: str, may_return: bool) -> None:
    failure = refused(2, code)
    assert (str(failure), failure.may_return) == (sentence, may_return)


@pytest.mark.usefixtures("sockets")
@pytest.mark.parametrize("flags", [0, 1 << 3, 1 << 31])
def test_an_adapter_that_is_down_is_free(monkeypatch: pytest.MonkeyPatch, flags: int) -> None:
    asked: list[tuple[int, int]] = []
    answering(monkeypatch, flags, asked)
    refuse_before(2)
    # _IOR('H', 211, int)
    assert asked == [((2 << 30) | (4 << 16) | (ord("H") << 8) | 211, 2)]


@pytest.mark.usefixtures("sockets")
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (0b01, IN_USE),
        (0b10, IN_USE),
        (0b1111, IN_USE),
        (OSError(errno.ENODEV, ""), ABSENT),
        (OSError(errno.EAFNOSUPPORT, ""), NO_BLUETOOTH),
        (OSError(errno.EPROTONOSUPPORT, ""), NO_BLUETOOTH),
    ],
)
def test_what_is_known_before(monkeypatch: pytest.MonkeyPatch, answer: int | OSError, sentence: str) -> None:
    answering(monkeypatch, answer, [])
    with pytest.raises(ListenError) as caught:
        refuse_before(2)
    assert str(caught.value) == sentence


@pytest.mark.usefixtures("sockets")
def test_what_is_not_known_before_is_left_to_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    answering(monkeypatch, OSError(errno.ENOTTY, ""), asked)
    refuse_before(2)
    assert len(asked) == 1


def test_a_python_without_such_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_BLUETOOTH", raising=False)
    with pytest.raises(ListenError) as caught:
        refuse_before(2)
    assert str(caught.value) == (
        "hci2: this Python was built without Bluetooth sockets: take the one of your Linux distribution, or --hci"
    )
    assert not caught.value.may_return


class Library:
    """The C library, of which binding fails.

    Args:
        code: Number of the error; 0: it succeeds.
    """

    def __init__(self, code: int, bound: list[bytes]) -> None:
        self.code = code
        self.bound = bound

    def bind(self, descriptor: int, address: object, size: int) -> int:
        assert os.fstat(descriptor)
        assert size == 6
        self.bound.append(bytes(address._obj))  # type: ignore[attr-defined] # what byref refers to
        ctypes.set_errno(self.code)
        return -1 if self.code else 0


def libraries(code: int, bound: list[bytes]) -> Callable[..., Library]:
    def load(name: None, use_errno: bool) -> Library:
        assert use_errno
        return Library(code, bound)

    return load


@pytest.mark.usefixtures("sockets")
@pytest.mark.parametrize(("code", "sentence", "may_return"), [*SENTENCES, (0, IN_USE, True)])
def test_the_kernel_is_asked_why(
    monkeypatch: pytest.MonkeyPatch, code: int, sentence: str, may_return: bool
) -> None:
    bound: list[bytes] = []
    monkeypatch.setattr(ctypes, "CDLL", libraries(code, bound))
    failure = why_refused(2)
    assert (str(failure), failure.may_return) == (sentence, may_return)
    # sockaddr_hci: family, number, the user channel
    assert bound == [struct.pack("HHH", socket.AF_UNIX, 2, 1)]


@pytest.mark.usefixtures("sockets")
def test_no_socket_to_ask_by(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*arguments: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "")

    monkeypatch.setattr(socket, "socket", none)
    assert str(why_refused(2)) == NO_BLUETOOTH
    with pytest.raises(ListenError) as caught:
        refuse_before(2)
    assert str(caught.value) == NO_BLUETOOTH
