"""Whose a capture is: by address, by key, by being the only one; else nobody's."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256

import pytest

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.devices_heard import all_subjects
from bluezone_harness.checks.subjects import UNIDENTIFIED, UNNAMED, Rules, Subject
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import Device, read_device_file
from bluezone_harness.observations import Capability
from bluezone_harness.sightings import Sighting

DAY_5_MS = 1_596_844_800_000 + 5 * 86_400_000
HOUR_MS = 3_600_000
FIRST = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
SECOND = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"

Make = Callable[..., Sighting]
Sends = Callable[..., list[Sighting]]
MakeCapture = Callable[..., Capture]
Ids = Callable[..., bytes]


def devices(*base_ids: str, **more: object) -> tuple[Device, ...]:
    content = {
        "schema": 1,
        "devices": [
            {
                "name": f"phone {number}",
                "platform": "android",
                "bases": [{"base_id": base_id, "base_day": "2020-08-08"}],
                "max": [],
                "foreground": [],
                **more,
            }
            for number, base_id in enumerate(base_ids)
        ],
    }
    return read_device_file("devices.json", json.dumps(content).encode()).devices


@pytest.fixture
def found(rules: Callable[[str], Rules], capture: MakeCapture) -> Callable[..., tuple[Subject, ...]]:
    def find(
        heard: list[Sighting], known: tuple[Device, ...] = (), **of_capture: object
    ) -> tuple[Subject, ...]:
        return all_subjects([], [capture(heard, **of_capture)], known, rules("v3"))

    return find


Find = Callable[..., tuple[Subject, ...]]


def of_base(own_id: Ids, base_id: str) -> Callable[[int], bytes]:
    return lambda time_ms: own_id(time_ms, base_id=base_id)


@pytest.mark.req("BZ-KEY-010")
def test_without_captures_nothing_changes(rules: Callable[[str], Rules], good_log: bytes) -> None:
    logs = [read_contact_log("a", good_log)]
    (subject,) = all_subjects(logs, [], devices(FIRST), rules("v3"))
    assert (subject.logs, subject.captures, subject.sightings) == (tuple(logs), (), ())


@pytest.mark.req("BZ-KEY-010")
def test_without_a_device_file_all_senders_are_one_subject(sends: Sends, own_id: Ids, found: Find) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + HOUR_MS)
    (subject,) = found(heard)
    assert (subject.label, subject.device, subject.identified, subject.alone) == (UNNAMED, None, True, True)
    assert subject.sightings == tuple(heard)
    assert subject.clock_offset_ms is None
    assert subject.window == (heard[0].first_us - 60_000_000, heard[-1].last_us + 60_000_000)
    assert Capability.RAW_AD in subject.capabilities
    other = sends(
        DAY_5_MS, DAY_5_MS + HOUR_MS, ids=of_base(own_id, SECOND), phase_ms=4_000, first_address=9_000
    )
    (subject,) = found([*heard, *other])
    assert not subject.alone
    assert len(subject.sightings) == len(heard) + len(other)


@pytest.mark.req("BZ-KEY-010")
def test_each_device_has_the_senders_of_its_key(sends: Sends, own_id: Ids, found: Find) -> None:
    first = sends(DAY_5_MS, DAY_5_MS + HOUR_MS)
    second = sends(
        DAY_5_MS, DAY_5_MS + HOUR_MS, ids=of_base(own_id, SECOND), phase_ms=4_000, first_address=9_000
    )
    stranger = sends(
        DAY_5_MS, DAY_5_MS + 100_000, ids=lambda _: bytes(12), phase_ms=9_000, first_address=20_000
    )
    one, two = found([*first, *second, *stranger], devices(FIRST, SECOND))
    assert one.sightings == tuple(first)
    assert two.sightings == tuple(second)
    assert one.strangers == 1 + 4  # one stranger; the other phone has an id a slot
    assert (one.alone, one.identified, one.clock_offset_ms) == (False, True, 0)
    heard, unheard = found(first, devices(FIRST, SECOND))
    assert heard.sightings == tuple(first)
    assert (unheard.captures, unheard.sightings, unheard.identified) == ((), (), True)


@pytest.mark.req("BZ-KEY-010")
@pytest.mark.parametrize("base_ids", [("00" * 32, SECOND), (FIRST, FIRST)])
def test_what_none_or_two_explain_is_nobodys(sends: Sends, found: Find, base_ids: tuple[str, ...]) -> None:
    *known, rest = found(sends(DAY_5_MS, DAY_5_MS + HOUR_MS), devices(*base_ids))
    assert [each.captures for each in known] == [(), ()]
    assert (rest.label, rest.device, rest.identified, rest.sightings) == (UNIDENTIFIED, None, False, ())
    assert len(rest.captures) == 1


@pytest.mark.req("BZ-KEY-010")
def test_a_capture_of_nobody_is_of_none_of_several_devices(found: Find) -> None:
    *known, rest = found([], devices(FIRST, SECOND))
    assert [each.identified for each in known] == [True, True]
    assert (rest.label, rest.identified, len(rest.captures)) == (UNIDENTIFIED, False, 1)


@pytest.mark.req("BZ-KEY-010")
def test_a_log_and_a_capture_of_nobody_are_one_subjects(
    sends: Sends, good_log: bytes, capture: MakeCapture, rules: Callable[[str], Rules]
) -> None:
    evidence = capture(sends(DAY_5_MS, DAY_5_MS + HOUR_MS))
    logs = [read_contact_log("a", good_log)]
    found = all_subjects(logs, [evidence], devices("00" * 32, "01" * 32), rules("v3"))
    assert [each.label for each in found] == ["phone 0", "phone 1", UNIDENTIFIED]
    assert (found[-1].logs, found[-1].captures) == (tuple(logs), (evidence,))


@pytest.mark.req("BZ-ADV-004")
def test_the_only_sender_is_the_device_unless_its_platform_differs(
    sends: Sends, sighting: Make, found: Find
) -> None:
    other = sends(
        DAY_5_MS, DAY_5_MS + HOUR_MS, ids=lambda time_ms: bytes(8) + (time_ms // 900_000).to_bytes(4)
    )
    (subject,) = found(other, devices(FIRST))
    assert (subject.sightings, subject.alone, subject.strangers) == (tuple(other), True, 0)
    ios = b"\x11\x07" + bytes.fromhex("67A607ADD1172FA1C44BF573564E0000")
    (subject,) = found([sighting(DAY_5_MS, ios)], devices(FIRST))
    assert (subject.sightings, subject.identified, subject.strangers) == ((), False, 1)
    (subject,) = found([sighting(DAY_5_MS, ios)], devices(FIRST, platform="ios"))
    assert len(subject.sightings) == 1
    (subject,) = found([], devices(FIRST))
    assert (subject.sightings, subject.identified, subject.alone) == ((), True, False)


@pytest.mark.req("BZ-ADV-004")
def test_an_address_outweighs_the_key(sighting: Make, own_id: Ids, found: Find) -> None:
    named = sighting(DAY_5_MS, b"\x09" * 12, address="4B:00:00:00:00:AA")
    linked = sighting(DAY_5_MS + 40_000, b"\x09" * 12, address="4B:00:00:00:00:BB")
    keyed = sighting(DAY_5_MS, own_id(DAY_5_MS), address="4B:00:00:00:00:CC")
    stranger = sighting(DAY_5_MS, b"\x08" * 12, address="4B:00:00:00:00:DD")
    (subject,) = found([named, linked, keyed, stranger], devices(FIRST, address="4b:00:00:00:00:aa"))
    assert set(subject.sightings) == {named, linked, keyed}
    assert subject.strangers == 1


@pytest.mark.req("BZ-KEY-010", "F-14")
def test_what_takes_the_devices_place_for_long_is_the_device(sends: Sends, own_id: Ids, found: Find) -> None:
    def unsaved(time_ms: int) -> bytes:
        return sha256(str(time_ms // 900_000).encode()).digest()[:12]

    before = sends(DAY_5_MS, DAY_5_MS + HOUR_MS, ids=unsaved)
    after = sends(DAY_5_MS + HOUR_MS, DAY_5_MS + 2 * HOUR_MS, first_address=900)
    (subject,) = found([*before, *after], devices(FIRST))
    assert subject.sightings == (*before, *after)
    assert subject.strangers == 0
    (subject,) = found([*before[-2:], *after], devices(FIRST))
    assert subject.sightings == tuple(after)
    assert subject.strangers == 1


@pytest.mark.req("BZ-KEY-010", "BZ-ADV-001", "F-29")
def test_whole_ids_and_parts_tell_together(sighting: Make, own_id: Ids, found: Find) -> None:
    whole = sighting(DAY_5_MS, own_id(DAY_5_MS), address="4B:00:00:00:00:01")
    part = b"\x03\x03\x56\x4e\x09\xff\xb5\x22" + own_id(DAY_5_MS)[:6]
    cut = sighting(DAY_5_MS + 30_000, part, address="4B:00:00:00:00:01")
    one, two = found([whole, cut], devices(FIRST, SECOND))
    assert (one.sightings, two.sightings) == ((whole, cut), ())


@pytest.mark.req("BZ-ADV-003", "BZ-ADV-001", "F-29")
@pytest.mark.parametrize("length", [6, 11, 13])
def test_a_device_is_known_by_ids_that_are_not_whole(
    sighting: Make, own_id: Ids, found: Find, length: int
) -> None:
    def sent(octets: bytes) -> bytes:
        return b"\x03\x03\x56\x4e" + bytes([3 + length]) + b"\xff\xb5\x22" + octets

    whole = own_id(DAY_5_MS) + b"\x01"
    mine = sighting(DAY_5_MS, sent(whole[:length]), address="4B:00:00:00:00:01")
    other = sighting(DAY_5_MS + 100, sent(b"\x99" * length), address="4B:00:00:00:00:02")
    (subject,) = found([mine, other], devices(FIRST))
    assert (subject.sightings, subject.strangers) == ((mine,), 1)
