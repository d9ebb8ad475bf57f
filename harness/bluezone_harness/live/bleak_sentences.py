"""What stops bleak, as one sentence for people: what is wrong, and what to do.

Source: the exceptions of bleak 3 and, below it, of D-Bus, BlueZ and Windows.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Literal

from .receivers import ListenError

System = Literal["Linux", "Darwin", "Windows"]
"""An operating system whose Bluetooth bleak knows."""

_OTHER_WAY = "or give a controller of your own with --hci"
_NOT_AVAILABLE: Mapping[str, tuple[str, bool]] = {
    "NO_BLUETOOTH": (f"there is no Bluetooth adapter: plug one in, {_OTHER_WAY}", True),
    "NO_BLE_CENTRAL_ROLE": (
        f"the Bluetooth adapter cannot listen to Bluetooth Low Energy: plug in another, {_OTHER_WAY}",
        False,
    ),
    "POWERED_OFF": (
        "Bluetooth is off: turn it on (in the system's settings, or with 'bluetoothctl power on')",
        True,
    ),
    "DENIED_BY_USER": (
        "this program is not allowed to use Bluetooth: allow it (or its terminal) in the system's privacy settings",
        False,
    ),
    "DENIED_BY_SYSTEM": (
        "the system does not allow Bluetooth to this program: ask who administrates it",
        False,
    ),
    "DENIED_BY_UNKNOWN": (
        "this program is not allowed to use Bluetooth: allow it (or its terminal) in the system's privacy settings",
        False,
    ),
    "UNKNOWN": (
        "Bluetooth is not available, and the system does not say why: check that the adapter is there, and on",
        True,
    ),
}
"""By the name of bleak's reason: the sentence, and whether what is missing may come back by itself."""
_NO_BLUETOOTHD = (f"bluetoothd does not run: start it ('systemctl start bluetooth'), {_OTHER_WAY}", True)
_D_BUS: Mapping[str, tuple[str, bool]] = {
    "org.freedesktop.DBus.Error.AccessDenied": (
        "D-Bus does not let this user reach Bluetooth: add the user to the group bluetooth, and log in anew",
        False,
    ),
    "org.freedesktop.DBus.Error.ServiceUnknown": _NO_BLUETOOTHD,
    "org.freedesktop.DBus.Error.NameHasNoOwner": _NO_BLUETOOTHD,
    # D-Bus waited in vain for a service that it began
    "org.freedesktop.DBus.Error.TimedOut": _NO_BLUETOOTHD,
    "org.freedesktop.DBus.Error.NoReply": (
        "bluetoothd does not answer: restart it ('systemctl restart bluetooth')",
        True,
    ),
    "org.freedesktop.DBus.Error.UnknownObject": ("the Bluetooth adapter is gone: plug it in again", True),
    "org.bluez.Error.NotReady": _NOT_AVAILABLE["POWERED_OFF"],
    "org.bluez.Error.InProgress": (
        "the Bluetooth adapter is busy with another program's scan: end that, or wait",
        True,
    ),
}
"""By the name of an error of D-Bus or BlueZ."""
_NOT_BEGUN = ("org.freedesktop.DBus.Error.Spawn.", "org.freedesktop.systemd1.")
"""So begin the names of errors where D-Bus or systemd could not begin bluetoothd."""
_NO_D_BUS = f"there is no D-Bus, by which Linux reaches Bluetooth: start it with bluetoothd, {_OTHER_WAY}"
_OFF_ON_WINDOWS = "Is Bluetooth turned on?"
"""So ends what bleak says on Windows where the watcher did not start."""
_LONGEST_SAID = 200


def stopped(error: BaseException, system: System) -> ListenError:
    """Return why bleak does not listen, or listens no longer.

    Args:
        error: What it raised.
        system: On which it runs.
    """
    text, may_return = _sentence(error, system)
    return ListenError(text, may_return=may_return)


def _sentence(error: BaseException, system: System) -> tuple[str, bool]:
    if isinstance(error, ImportError):
        package = (error.name or "bleak").partition(".")[0]
        return f"the package {package} is missing: pip install bleak, {_OTHER_WAY}", False
    if system == "Linux" and isinstance(error, TimeoutError):
        return _D_BUS["org.freedesktop.DBus.Error.NoReply"]
    if system == "Linux" and isinstance(error, OSError | EOFError):
        if getattr(error, "errno", None) in (errno.EACCES, errno.EPERM):
            return _D_BUS["org.freedesktop.DBus.Error.AccessDenied"]
        return _NO_D_BUS, True
    reason = getattr(getattr(error, "reason", None), "name", "")
    name = getattr(error, "dbus_error", "")
    known = _NOT_AVAILABLE.get(reason) or _D_BUS.get(name)
    if known:
        return known
    if name.startswith(_NOT_BEGUN):
        return _NO_BLUETOOTHD
    text = " ".join(str(error).split())
    if "not found" in text and "adapter" in text:
        return "the Bluetooth adapter is gone, or there is none of that name: check --adapter", True
    if text.endswith(_OFF_ON_WINDOWS):
        return _NOT_AVAILABLE["POWERED_OFF"]
    said = text[:_LONGEST_SAID] or type(error).__name__
    return f"Bluetooth does not work here ({said}): check the adapter and its service, {_OTHER_WAY}", True
