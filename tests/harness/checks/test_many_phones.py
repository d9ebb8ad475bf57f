"""A crowd is judged as a few are: by the same verdicts, whatever is held, and in memory that is that of its ids."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256

import pytest

from bluezone_harness.checks import frames, heard, heard_slots, senders
from bluezone_harness.checks.captures import Capture
from bluezone_harness.evidence.device_files import DeviceFile, read_device_file
from bluezone_harness.observations import RADIO, Advert, Capability, Extent, PduType, random_address_type
from bluezone_harness.profiles import profiles_of
from bluezone_harness.reports.json_report import json_text
from bluezone_harness.sightings import choosing, columns, fold
from bluezone_harness.verdicts import judge
from bluezone_spec.model import Specification

pytestmark = [
    pytest.mark.req("BZ-ADV-004", "BZ-PRV-001", "BZ-PRV-006"),
    pytest.mark.usefixtures("short_search"),
]

DAY_US = 86_400_000_000
START_US = 1_597_017_600_000_000  # 2020-08-10, two days after the base day
SLOT_US = 900_000_000
ID_POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)


def base_id(phone: int) -> bytes:
    return sha256(b"phone %d" % phone).digest()


def rolling_id(phone: int, slot: int) -> bytes:
    day_key = sha256(sha256(base_id(phone)).digest()).digest()
    subkey = sha256(day_key + b"bluzonesubkey").digest()
    for _ in range(slot):
        subkey = sha256(subkey).digest()
    return bytes(subkey[each] for each in ID_POSITIONS)


def address(*words: object) -> bytes:
    octets = sha256(repr(words).encode()).digest()[:6]
    return bytes([octets[0] & 0x3F | 0x40]) + octets[1:]


def adverts(phones: int, slots: int, odd: bool) -> Iterator[tuple[int, bytes, PduType, bytes]]:
    """Yield what phones send, three adverts an id; ``odd``: beside them what is wrong, others' and answers to scans."""
    for slot in range(slots):
        for phone in range(phones):
            begin_us = START_US + slot * SLOT_US + phone * 700_000 % SLOT_US
            ad = bytes.fromhex("02011A0303564E0FFFB522") + rolling_id(phone, slot)
            if odd:
                ad = ad[: 21 + phone % 11]  # some are cut
                if phone % 7 == 3:
                    ad = ad[:23] + b"\x03\x19\x40" + bytes([phone])
            whose = address(phone, slot // (1 + phone % 2))
            for number in range(3):
                yield begin_us + number * 1_000_000, whose, PduType.ADV_IND, ad
            if odd and phone % 3 == 0:
                yield begin_us, whose, PduType.SCAN_RSP, b"\x05\x09An %d" % (phone % 10)
                yield (
                    begin_us,
                    address("other", phone, slot),
                    PduType.ADV_IND,
                    bytes([2, 1, 6, 5, 0xFF, 0x4C, 0, phone, slot]),
                )
                yield (
                    begin_us,
                    address("bit", phone),
                    PduType.ADV_IND,
                    bytes.fromhex("14FF4C000108") + bytes(15),
                )


def captured(phones: int, slots: int, *, odd: bool = False) -> Capture:
    heard = sorted(adverts(phones, slots, odd), key=lambda each: each[0])
    folded = fold(
        "crowd",
        (
            Advert(number, time_us, "", whose, random_address_type(whose), pdu, ad, -60, 37)
            for number, (time_us, whose, pdu, ad) in enumerate(heard, start=1)
        ),
    )
    shown = dict.fromkeys(RADIO - {Capability.AD_FIELDS}, Extent.YES)
    return Capture("crowd", "0" * 64, "pcap", shown, len(heard), False, (), folded)


def device_file(phone: int) -> DeviceFile:
    text = json.dumps({"base_id": base_id(phone).hex(), "base_day": "2020-08-08"})
    return read_device_file("device.json", text.encode())


Report = Callable[[Capture, DeviceFile | None], str]


@pytest.fixture
def report(specification: Specification) -> Report:
    """Return a function that judges a capture and prints all that is said of it."""

    def run(capture: Capture, device: DeviceFile | None) -> str:
        return json_text(
            judge(specification, profiles_of(specification)["v3"], [], device, "check", [capture])
        )

    return run


@pytest.mark.parametrize(("phones", "slots", "odd"), [(3, 3, False), (23, 4, True), (1, 5, True)])
@pytest.mark.parametrize("known", [False, True])
def test_what_is_held_changes_nothing(
    report: Report, monkeypatch: pytest.MonkeyPatch, phones: int, slots: int, odd: bool, known: bool
) -> None:
    crowd = captured(phones, slots, odd=odd)
    device = device_file(0) if known else None
    expected = report(crowd, device)
    assert '"verdict": "fail"' in expected or not odd
    objects = replace(crowd, folded=replace(crowd.folded, sightings=tuple(crowd.folded.sightings)))
    assert report(objects, device) == expected
    monkeypatch.setattr(choosing, "HELD", 0)
    monkeypatch.setattr(senders, "HELD", 0)
    monkeypatch.setattr(senders, "_MADE_AT_ONCE", 3)
    monkeypatch.setattr(heard, "_FEWEST_RUNS", 2)
    assert report(crowd, device) == expected


@pytest.mark.long
@pytest.mark.parametrize(("known", "phones", "octets_an_id"), [(True, 600, 700), (False, 200, 1800)])
def test_memory_is_that_of_ids(
    report: Report, monkeypatch: pytest.MonkeyPatch, known: bool, phones: int, octets_an_id: int
) -> None:
    monkeypatch.setattr(choosing, "HELD", 0)
    monkeypatch.setattr(senders, "HELD", 0)
    # these are limited, but not filled by so few
    monkeypatch.setattr(columns, "BLOCK", 64)
    monkeypatch.setattr(senders, "_MADE_AT_ONCE", 16)
    monkeypatch.setattr(frames, "_frame", lru_cache(64)(frames._frame.__wrapped__))
    device = device_file(0) if known else None

    def taken_octets(crowd: Capture) -> int:
        for each in (heard.ids_of, heard_slots.heard_slots):
            each.cache_clear()
        tracemalloc.start()
        try:
            report(crowd, device)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = captured(phones // 4, 6), captured(phones, 6)
    report(few, device)
    assert taken_octets(many) - taken_octets(few) < octets_an_id * phones * 6 * 3 // 4
