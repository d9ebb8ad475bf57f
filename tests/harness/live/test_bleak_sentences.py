"""What stops bleak, as sentences."""

from __future__ import annotations

import errno
from typing import get_args

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.live import bleak_sentences
from bluezone_harness.live.bleak_sentences import System, stopped

OTHER_WAY = "or give a controller of your own with --hci"
NO_D_BUS = f"there is no D-Bus, by which Linux reaches Bluetooth: start it with bluetoothd, {OTHER_WAY}"
NO_BLUETOOTHD = f"bluetoothd does not run: start it ('systemctl start bluetooth'), {OTHER_WAY}"
OFF = "Bluetooth is off: turn it on (in the system's settings, or with 'bluetoothctl power on')"
NOT_LET = "D-Bus does not let this user reach Bluetooth: add the user to the group bluetooth, and log in anew"
PRIVACY = "this program is not allowed to use Bluetooth: allow it (or its terminal) in the system's privacy settings"
GONE = "the Bluetooth adapter is gone, or there is none of that name: check --adapter"
REASONS = {
    "NO_BLUETOOTH": (f"there is no Bluetooth adapter: plug one in, {OTHER_WAY}", True),
    "NO_BLE_CENTRAL_ROLE": (
        f"the Bluetooth adapter cannot listen to Bluetooth Low Energy: plug in another, {OTHER_WAY}",
        False,
    ),
    "POWERED_OFF": (OFF, True),
    "DENIED_BY_USER": (PRIVACY, False),
    "DENIED_BY_SYSTEM": (
        "the system does not allow Bluetooth to this program: ask who administrates it",
        False,
    ),
    "DENIED_BY_UNKNOWN": (PRIVACY, False),
    "UNKNOWN": (
        "Bluetooth is not available, and the system does not say why: check that the adapter is there, and on",
        True,
    ),
}
D_BUS = {
    "org.freedesktop.DBus.Error.AccessDenied": (NOT_LET, False),
    "org.freedesktop.DBus.Error.ServiceUnknown": (NO_BLUETOOTHD, True),
    "org.freedesktop.DBus.Error.NameHasNoOwner": (NO_BLUETOOTHD, True),
    "org.freedesktop.DBus.Error.TimedOut": (NO_BLUETOOTHD, True),
    "org.freedesktop.DBus.Error.NoReply": (
        "bluetoothd does not answer: restart it ('systemctl restart bluetooth')",
        True,
    ),
    "org.freedesktop.DBus.Error.UnknownObject": ("the Bluetooth adapter is gone: plug it in again", True),
    "org.bluez.Error.NotReady": (OFF, True),
    "org.bluez.Error.InProgress": (
        "the Bluetooth adapter is busy with another program's scan: end that, or wait",
        True,
    ),
}


@pytest.mark.parametrize(
    "name",
    ["org.freedesktop.DBus.Error.Spawn.ChildExited", "org.freedesktop.systemd1.NoSuchUnit"],
)
def test_a_bluetoothd_that_cannot_be_begun_is_one_that_does_not_run(name: str) -> None:
    error = stopped(BleakDBusError(name, ["Launch helper exited with unknown return code 1"]), "Linux")
    assert (str(error), error.may_return) == (NO_BLUETOOTHD, True)


def test_every_reason_of_bleak_is_known() -> None:
    assert {each.name for each in BleakBluetoothNotAvailableReason} == set(REASONS), "bleak has a new reason"
    assert set(bleak_sentences._NOT_AVAILABLE) == set(REASONS)
    assert set(bleak_sentences._D_BUS) == set(D_BUS)


@pytest.mark.parametrize("name", REASONS)
@pytest.mark.parametrize("system", get_args(System))
def test_why_bluetooth_is_not_available(name: str, system: System) -> None:
    error = BleakBluetoothNotAvailableError("said by bleak", BleakBluetoothNotAvailableReason[name])
    found = stopped(error, system)
    assert (str(found), found.may_return) == REASONS[name]


@pytest.mark.parametrize("name", D_BUS)
def test_errors_of_d_bus(name: str) -> None:
    found = stopped(BleakDBusError(name, ["details of it"]), "Linux")
    assert (str(found), found.may_return) == D_BUS[name]


@pytest.mark.parametrize(
    ("error", "system", "text", "may_return"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "Linux", NO_D_BUS, True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "Linux", NO_D_BUS, True),
        (EOFError(), "Linux", NO_D_BUS, True),
        (PermissionError(errno.EACCES, "Permission denied"), "Linux", NOT_LET, False),
        (BleakError("adapter 'hci9' not found"), "Linux", GONE, True),
        (BleakError("Failed to start scanner. Is Bluetooth turned on?"), "Windows", OFF, True),
        (
            OSError(errno.EINVAL, "The device is not ready"),
            "Windows",
            "Bluetooth does not work here ([Errno 22] The device is not ready): check the adapter and its service, "
            + OTHER_WAY,
            True,
        ),
        (
            BleakDBusError("org.bluez.Error.Failed", ["Operation\nalready  in progress"]),
            "Linux",
            "Bluetooth does not work here ([org.bluez.Error.Failed] Operation already in progress): check the adapter "
            f"and its service, {OTHER_WAY}",
            True,
        ),
        (
            AssertionError(),
            "Darwin",
            f"Bluetooth does not work here (AssertionError): check the adapter and its service, {OTHER_WAY}",
            True,
        ),
        (
            ModuleNotFoundError("x", name="bleak.backends.scanner"),
            "Linux",
            f"the package bleak is missing: pip install bleak, {OTHER_WAY}",
            False,
        ),
        (
            ModuleNotFoundError("x", name="dbus_fast"),
            "Linux",
            f"the package dbus_fast is missing: pip install bleak, {OTHER_WAY}",
            False,
        ),
        (ImportError("x"), "Darwin", f"the package bleak is missing: pip install bleak, {OTHER_WAY}", False),
    ],
)
def test_other_errors(error: Exception, system: System, text: str, may_return: bool) -> None:
    found = stopped(error, system)
    assert (str(found), found.may_return) == (text, may_return)


@given(st.text(), st.sampled_from(get_args(System)))
def test_whatever_bleak_says_it_is_one_line_with_what_to_do(said: str, system: System) -> None:
    for error in (BleakError(said), BleakDBusError(said, [said]), RuntimeError(said)):
        text = str(stopped(error, system))
        assert len(text.splitlines()) == 1
        assert len(text) < 400
        assert ": " in text
