"""The kernel's Bluetooth and bluetoothd run in the machine, and take virtual phones' controller for an adapter."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any


def test_virtual_phones_are_an_adapter_of_bluez(
    bluetoothd: object,
    begin_for_test: Callable[..., Any],
    wait: Callable[..., None],
    is_up: Callable[[str], bool],
) -> None:
    phones = begin_for_test("adapter", "bzc", "phones", "--serve", "vhci")
    phones.until_said("Ctrl-C ends")
    wait(lambda: is_up("hci0"), "hci0")
    shown = subprocess.run(["bluetoothctl", "show"], capture_output=True, text=True, check=True).stdout
    assert "Powered: yes" in shown
    assert phones.end() == 0
    wait(lambda: not is_up("hci0"), "hci0 to be gone")
