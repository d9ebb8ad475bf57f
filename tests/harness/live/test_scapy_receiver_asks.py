"""What an adapter is asked on its socket, which adapters know less, and what is heard meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest

from bluezone_harness.live.scapy_receiver import ScapyReceiver
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.req("BZ-ADV-001")

WRITE_LE_HOST = 0x0C6D
READ_FEATURES = 0x2003
SCAN_ENABLE = 0x200C
LEGACY = [0x0C03, 0x0C6D, 0x2003, 0x0C01, 0x2001, 0x2005, 0x200B, 0x200C]
EXTENDED = [*LEGACY[:6], 0x2041, 0x2042]
UNKNOWN_COMMAND = 0x01
# LE Advertising Report of one ADV_IND. Source: Core Specification, Vol 4 Part E 7.7.65.2
REPORT = bytes.fromhex("04 3e 0f 02 01 00 01 c1c1c1c1c1c1 03 020106 c4")


def complete(opcode: int, returned: bytes) -> bytes:
    """Return HCI_Command_Complete. Source: Core Specification, Vol 4 Part E 7.7.14."""
    return bytes((4, 0x0E, 3 + len(returned), 1)) + opcode.to_bytes(2, "little") + returned


def status(opcode: int, code: int) -> bytes:
    """Return HCI_Command_Status. Source: Core Specification, Vol 4 Part E 7.7.15."""
    return bytes((4, 0x0F, 4, code, 1)) + opcode.to_bytes(2, "little")


@pytest.mark.parametrize(
    ("features", "active", "opcodes", "scan"),
    [
        # HCI_LE_Set_Scan_Parameters: type, interval and window of 60 ms, random own address, no filter
        (0, True, LEGACY, "010b2007 01 6000 6000 01 00"),
        (0, False, LEGACY, "010b2007 00 6000 6000 01 00"),
        # HCI_LE_Set_Extended_Scan_Parameters: random own address, no filter, 1M, then type, interval, window
        (1 << 12, True, EXTENDED, "01412008 01 00 01 01 6000 6000"),
        (1 << 12, False, EXTENDED, "01412008 01 00 01 00 6000 6000"),
    ],
)
def test_what_the_adapter_is_asked(
    features: int,
    active: bool,
    opcodes: list[int],
    scan: str,
    fake_adapter: Callable[..., Any],
    listened: Callable[..., Any],
) -> None:
    adapter = fake_adapter(features)
    ear = listened(adapter, [REPORT], active=active)
    assert len(ear.adverts) == 1
    assert adapter.opcodes == [*opcodes, opcodes[-1]]
    assert adapter.sent[6] == bytes.fromhex(scan)
    assert adapter.sent[5] == bytes.fromhex("01052006 0504030201c0")
    # on without a filter, and off at the end; extended: without an end of its own
    rest = "0000 0000" if features else ""
    enable = "01422006" if features else "010c2002"
    assert adapter.sent[7] == bytes.fromhex(f"{enable} 01 00 {rest}")
    assert adapter.sent[8] == bytes.fromhex(f"{enable} 00 00 {rest}")
    # what was asked is in the packets, as sent
    assert [octets[4:] for _, _, octets in ear.packets if octets[:4] == bytes(4)] == adapter.sent


def test_reports_before_an_answer_are_heard(
    fake_adapter: Callable[..., Any], listened: Callable[..., Any]
) -> None:
    answers = {SCAN_ENABLE: [REPORT, complete(0x0000, b""), complete(SCAN_ENABLE, b"\0")]}
    # once as it begins, once then, once as it ends
    assert len(listened(fake_adapter(answers=answers), [REPORT]).adverts) == 3


@pytest.mark.parametrize(
    "answers",
    [
        {WRITE_LE_HOST: [status(WRITE_LE_HOST, UNKNOWN_COMMAND)]},
        {READ_FEATURES: [status(READ_FEATURES, UNKNOWN_COMMAND)]},
        {READ_FEATURES: [complete(READ_FEATURES, b"\x01" + b"\xff" * 8)]},
        {READ_FEATURES: [complete(READ_FEATURES, b"\0")]},
    ],
)
def test_an_adapter_that_knows_less_is_heard_all_the_same(
    answers: Mapping[int, Sequence[bytes]], fake_adapter: Callable[..., Any], listened: Callable[..., Any]
) -> None:
    adapter = fake_adapter(answers=answers)
    assert len(listened(adapter, [REPORT]).adverts) == 1
    assert adapter.opcodes == [*LEGACY, LEGACY[-1]]


def test_a_flood_lets_others_have_their_turn(
    fake_adapter: Callable[..., Any], new_ear: Callable[[], Any], receiver_on: Callable[..., ScapyReceiver]
) -> None:
    async def run() -> int:
        adapter = fake_adapter()
        adapter.send(*[REPORT] * 1000)
        ear = new_ear()
        task = asyncio.create_task(receiver_on(adapter).listen(ear.hear, ear.hear_packet))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        found = len(ear.adverts)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return found

    assert 0 < run_in_virtual_time(run()) < 200
