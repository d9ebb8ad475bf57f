"""``bzc sniff --hci hci-socket:0 --gatt``: bumble on an adapter that the kernel lends, which connects as well."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECORDING = Path("/results/lent.jsonl")


def lines(kind: str) -> list[dict[str, Any]]:
    if not RECORDING.exists():
        return []
    whole = RECORDING.read_text("utf-8").rpartition("\n")[0].splitlines()[1:]
    return [line for line in map(json.loads, whole) if line["kind"] == kind]


def test_phones_are_heard_and_read_by_an_adapter_that_is_lent(
    bluetoothd: object, begin: Callable[..., Any], wait: Callable[..., None], is_up: Callable[[str], bool]
) -> None:
    for each in Path("/results").glob("lent*"):
        each.unlink()
    phones = begin("lent-phones", "bzc", "phones", "--serve", "vhci", "--platform", "ios")
    wait(lambda: is_up("hci0"), "hci0", alive=phones.process)
    subprocess.run(["bluetoothctl", "power", "off"], capture_output=True, check=True)
    wait(lambda: not is_up("hci0"), "hci0 to be off")
    sniff = begin("lent-sniff", "bzc", "sniff", "--hci", "hci-socket:0", "--gatt", "--out", RECORDING)
    wait(lambda: len(lines("gatt_read")) > 0, f"a read: {sniff.text()}", alive=sniff.process)
    assert sniff.end() == 0, sniff.text()
    assert phones.end() == 0
    wait(lambda: not is_up("hci0"), "hci0 to be gone")
    assert {line["pdu"] for line in lines("advert")} >= {"ADV_IND"}
    (read, *_) = lines("gatt_read")
    assert len(bytes.fromhex(read["value"])) == 12
    assert read["address"] in {line["address"] for line in lines("advert")}
