"""A session put together: which files there are, and what their header says."""

from __future__ import annotations

import asyncio
import errno
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.live import preparing
from bluezone_harness.live.preparing import Wanted, prepared, shows_packets
from bluezone_harness.live.receivers import Hear, HearPacket
from bluezone_harness.live.session import Ending
from bluezone_harness.live.until import Until
from bluezone_harness.observations import AddressType, Advert, Capability, Extent, PduType, extent_of
from bluezone_harness.profiles import profiles_of
from bluezone_harness.sources import open_source
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_spec.model import Specification

if TYPE_CHECKING:
    from bleak import BleakClient

pytestmark = pytest.mark.req("BZ-ADV-001")

T_US = 1_597_046_400_000_000
AD = bytes.fromhex("0201020fffb522b9a665d754fe65e665d76a450303564e")
ADDRESS = bytes.fromhex("5A0000000001")
OCTETS = {Capability.RAW_AD: Extent.YES, Capability.AD_ORDER: Extent.YES, Capability.ADDRESS: Extent.YES}
FIELDS = {Capability.RAW_AD: Extent.NO, Capability.AD_FIELDS: Extent.YES}
DEVICE = b'{"base_id": "%s", "base_day": "2020-08-08"}' % (b"4c5224b397f8ab38" * 4)


class Once:
    """Hears one advert, and its packet."""

    title = "once"
    is_clock = False
    tells_fields = False

    def __init__(self, capabilities: Mapping[Capability, Extent]) -> None:
        self.capabilities = capabilities

    def now_us(self) -> int:
        return T_US

    async def listen(self, hear: Hear, hear_packet: HearPacket) -> None:
        hear(Advert(0, T_US, "", ADDRESS, AddressType.RESOLVABLE, PduType.ADV_IND, AD, -50, None))
        hear_packet(T_US, 201, b"\x00\x00\x00\x01\x04\x0e\x04\x01\x03\x0c\x00")
        await asyncio.sleep(0)

    def client(self, advert: Advert, timeout_s: float) -> BleakClient | None:
        return None


@pytest.fixture
def wanted(tmp_path: Path, specification: Specification) -> Wanted:
    return Wanted(
        tmp_path / "desk.jsonl",
        tmp_path / "desk.pcapng",
        False,
        specification,
        profiles_of(specification)["v3"],
        None,
        "sniff",
        Until(),
        False,
        lambda observation: True,
        Extent.YES,
        None,
        lambda text: None,
    )


def run(wanted: Wanted, shown: Mapping[Capability, Extent] = OCTETS) -> Ending:
    receiver = Once(shown)

    async def main() -> Ending:
        return await prepared(receiver, wanted, receiver).run()

    return run_in_virtual_time(main())


@pytest.mark.parametrize(
    ("shown", "more", "has_packets"),
    [
        (OCTETS, {}, True),
        (FIELDS, {}, False),
        (OCTETS, {"packets": None}, False),
        (OCTETS, {"key": bytes(32)}, False),
        (OCTETS, {"whole_air": Extent.PARTIAL}, False),
        (OCTETS | {Capability.TRUE_IDS: Extent.NO}, {}, False),
        (OCTETS | {Capability.AD_ORDER: Extent.PARTIAL}, {}, False),
    ],
)
def test_packets_are_there_where_they_are_what_was_heard(
    wanted: Wanted, shown: Mapping[Capability, Extent], more: Mapping[str, object], has_packets: bool
) -> None:
    wanted = replace(wanted, **more)  # type: ignore[arg-type]  # values of several types, by name
    ending = run(wanted, shown)
    assert not ending.failure
    assert ending.capture is not None
    names = {each.name for each in wanted.recording.parent.iterdir()}
    assert names == {"desk.jsonl"} | ({"desk.pcapng"} if has_packets else set())
    if wanted.packets is not None:
        assert shows_packets(ending.capture.capabilities) == has_packets
    header = open_source("x", io.BytesIO(wanted.recording.read_bytes())).capabilities
    assert header == ending.capture.capabilities


def test_the_header_says_no_more_than_what_was_heard(wanted: Wanted) -> None:
    part = OCTETS | {Capability.WHOLE_AIR: Extent.NO, Capability.TRUE_IDS: Extent.NO}
    device_file = read_device_file("device.json", DEVICE)
    wanted = replace(wanted, whole_air=Extent.PARTIAL, key=bytes(32), device_file=device_file, reads=True)
    ending = run(wanted, part)
    assert ending.capture is not None
    header = ending.capture.capabilities
    assert extent_of(header, Capability.WHOLE_AIR) is Extent.NO
    assert extent_of(header, Capability.TRUE_IDS) is Extent.NO
    assert extent_of(header, Capability.GATT) is Extent.YES


@pytest.mark.parametrize("name", ["desk.jsonl", "desk.pcapng"])
def test_what_came_in_between_is_kept(wanted: Wanted, name: str) -> None:
    (wanted.recording.parent / name).write_bytes(b"evidence")
    ending = run(wanted)
    assert "cannot be written" in ending.failure
    assert {each.name: each.read_bytes() for each in wanted.recording.parent.iterdir()} == {name: b"evidence"}


def test_a_disk_that_is_full_from_the_start_leaves_nothing(
    wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **more: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(preparing, "Recorder", full)
    assert "No space left" in run(wanted).failure
    assert not list(wanted.recording.parent.iterdir())
