"""BZ-GAT-002, BZ-GAT-003, and reads as evidence, on sessions written by hand with ids by hashlib alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pytest

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.subjects import Subject
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Judgement, Reason, Verdict
from bluezone_harness.observations import Capability, Extent
from bluezone_harness.profiles import profiles_of
from bluezone_harness.sightings import Sighting
from bluezone_harness.verdicts import judge
from bluezone_spec.model import Specification

SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
IPHONE = bytes.fromhex("02011A110767A607ADD1172FA1C44BF573564E0000")
NOON_MS = 1_597_060_800_000  # 2020-08-10T12:00:00Z, day 2 of the phone
SLOT_MS = 900_000
ADDRESS = "5A:00:00:00:00:01"
DEVICE: Mapping[str, object] = {
    "base_id": "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084",
    "base_day": "2020-08-08",
    "platform": "ios",
}

Told = tuple[int, str, Mapping[str, object]]
"""When, in ms; the kind; what else."""
Judge = Callable[..., Judgement]
Read = Callable[..., Capture]
OwnId = Callable[..., bytes]


def listed(time_ms: int) -> Told:
    service = {"uuid": SERVICE, "characteristics": [{"uuid": CHARACTERISTIC, "properties": ["read"]}]}
    return time_ms, "gatt_services", {"address": ADDRESS, "services": [service]}


def got(time_ms: int, value: bytes, address: str = ADDRESS, characteristic: str = CHARACTERISTIC) -> Told:
    return time_ms, "gatt_read", {"address": address, "value": value, "characteristic": characteristic}


def refused(time_ms: int, step: str = "read", address: str = ADDRESS, **more: object) -> Told:
    return time_ms, "gatt_error", {"address": address, "step": step, "reason": "why", **more}


def over(time_ms: int, address: str = ADDRESS) -> Told:
    return time_ms, "disconnect", {"address": address}


def octets(address: object) -> bytes | None:
    return bytes.fromhex(address.replace(":", "")) if isinstance(address, str) else None


# --- BZ-GAT-002 ---


def reads_at(own_id: OwnId, times_ms: Iterable[int], ahead_ms: int = 0) -> list[Told]:
    """Return reads of a phone whose clock is ahead."""
    return [got(time_ms, own_id(time_ms + ahead_ms)) for time_ms in times_ms]


ONE_CONNECTION = [NOON_MS + SLOT_MS + step for step in (-50_000, -6_000, 50_000)]


@pytest.mark.req("BZ-GAT-002", "BZ-GAT-003", "BZ-KEY-002", "BZ-KEY-006")
@pytest.mark.parametrize("ahead_ms", [-45_000, -20_000, 0, 30_000, 45_000])
def test_right_values_pass_whatever_the_clock_offset(
    read: Read, answer: Judge, own_id: OwnId, ahead_ms: int
) -> None:
    evidence = read(listed(ONE_CONNECTION[0] - 1), *reads_at(own_id, ONE_CONNECTION, ahead_ms))
    for requirement in ("BZ-GAT-002", "BZ-GAT-003", "BZ-KEY-002", "BZ-KEY-006"):
        found = answer(requirement, evidence)
        assert (found.verdict, found.judged) == (Verdict.PASS, 3), requirement
    assert "3 of 3 reads" in answer("BZ-GAT-002", evidence).summary


@pytest.mark.req("BZ-GAT-002", "BZ-KEY-002", "BZ-KEY-006", "BZ-KEY-010")
@pytest.mark.parametrize(
    ("ahead_ms", "requirement", "text"),
    [
        (-SLOT_MS, "BZ-KEY-006", "one slot late: of the slot before"),
        (7 * 3_600_000, "BZ-KEY-002", "of local time, 7 h ahead of UTC"),
    ],
)
def test_wrong_values_are_explained_as_those_of_adverts(
    read: Read, answer: Judge, own_id: OwnId, ahead_ms: int, requirement: str, text: str
) -> None:
    evidence = read(
        *reads_at(own_id, [NOON_MS + 400_000, NOON_MS + 1_300_000, NOON_MS + 2_200_000], ahead_ms)
    )
    for each in (requirement, "BZ-GAT-002"):
        found = answer(each, evidence)
        assert (found.verdict, found.failed) == (Verdict.FAIL, 3)
        assert text in found.summary
        assert found.grounds[0].evidence[0].text.endswith("read at 5A:00:00:00:00:01")
        assert "read at 2020-08-10T12:06:40.000+00:00" in found.grounds[0].seen
    assert answer("BZ-GAT-003", evidence).verdict is Verdict.INCONCLUSIVE
    assert answer("BZ-ADV-004", evidence).verdict is Verdict.NOT_OBSERVABLE
    assert answer("BZ-ADV-005", evidence).verdict is Verdict.NOT_OBSERVABLE


@pytest.mark.req("BZ-GAT-002")
@pytest.mark.parametrize("length", [0, 6, 11, 13, 16])
def test_another_length_fails(read: Read, answer: Judge, own_id: OwnId, length: int) -> None:
    value = (own_id(NOON_MS) * 2)[:length]
    found = answer("BZ-GAT-002", read(got(NOON_MS + 1000, value), *reads_at(own_id, [NOON_MS + 2000])))
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 2, 1)
    assert "BAD_ID_LENGTH" in found.summary
    assert found.grounds[0].seen == ("1 octet" if length == 1 else f"{length} octets")


@pytest.mark.req("BZ-GAT-002")
def test_an_error_is_no_failure_and_is_counted(read: Read, answer: Judge, own_id: OwnId) -> None:
    error = refused(NOON_MS + 1000, att_error=0x0E, characteristic=CHARACTERISTIC)
    found = answer("BZ-GAT-002", read(error, *reads_at(own_id, [NOON_MS + 2000])))
    assert (found.verdict, found.judged) == (Verdict.PASS, 1)
    assert found.summary.endswith("; 1 read answered with an error (0x0E), which is no id")
    for requirement in ("BZ-GAT-002", "BZ-GAT-003"):
        found = answer(requirement, read(error))
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.TOO_FEW_PACKETS)
        assert answer(requirement, read()).verdict is Verdict.NOT_OBSERVABLE


@pytest.mark.req("BZ-GAT-002", "BZ-GAT-003")
@pytest.mark.parametrize("ahead_ms", [0, 30_000, -30_000])
@pytest.mark.parametrize(("after_ms", "verdict"), [(44_000, Verdict.PASS), (46_000, Verdict.FAIL)])
def test_a_neighbour_is_tolerated_within_45_s_by_the_receivers_clock(
    read: Read, answer: Judge, own_id: OwnId, after_ms: int, verdict: Verdict, ahead_ms: int
) -> None:
    end_ms = NOON_MS + SLOT_MS
    # other slots' ends, by the phone's clock, hold the clock offset
    ends_ms = [NOON_MS + 100, end_ms + SLOT_MS - 100, end_ms + SLOT_MS + 100]
    exact = reads_at(own_id, [each - ahead_ms for each in ends_ms], ahead_ms)
    late = got(end_ms + after_ms, own_id(NOON_MS))
    assert answer("BZ-GAT-002", read(*exact, late)).verdict is verdict
    found = answer("BZ-GAT-003", read(listed(NOON_MS - 60_000), *exact, late))
    assert found.verdict is verdict
    assert "on 1 connection the id changed" in found.summary or found.failed == 1


@pytest.mark.req("BZ-GAT-002")
def test_a_clock_offset_that_is_given_is_no_guess(read: Read, answer: Judge, own_id: OwnId) -> None:
    given = {
        "schema": 1,
        "devices": [
            {
                "name": "phone",
                "platform": "ios",
                **{"clock_offset_ms": 0, "max": [], "foreground": []},
                "bases": [{"base_id": DEVICE["base_id"], "base_day": DEVICE["base_day"]}],
            }
        ],
    }
    end_ms = NOON_MS + SLOT_MS
    late = read(got(end_ms + 30_000, own_id(NOON_MS)))
    assert answer("BZ-GAT-002", late).verdict is Verdict.PASS
    assert answer("BZ-GAT-002", late, given).verdict is Verdict.FAIL
    # a value that took some milliseconds to arrive is not late
    assert answer("BZ-GAT-002", read(got(end_ms + 40, own_id(NOON_MS))), given).verdict is Verdict.PASS


# --- BZ-GAT-003 ---


@pytest.mark.req("BZ-GAT-003", "BZ-GAT-002")
def test_a_value_that_is_kept_fails(read: Read, answer: Judge, own_id: OwnId) -> None:
    end_ms = NOON_MS + SLOT_MS
    told = [
        listed(end_ms - 60_000),
        *reads_at(own_id, [end_ms - 50_000, end_ms - 6_000]),
        got(end_ms + 50_000, own_id(NOON_MS)),
    ]
    # a clock that is 50 s behind would explain this too, and fails as well
    found = answer("BZ-GAT-003", read(*told))
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 3, 1)
    assert "or a clock that is further off than is allowed for" in found.summary
    assert found.grounds[0].expected == f"{own_id(end_ms).hex().upper()}, the id of the new slot"
    assert "as a clock has them that is about 50 s" in answer("BZ-KEY-006", read(*told)).summary
    # on two connections, a clock alone is to blame
    apart = [told[0], *told[1:3], over(end_ms - 5000), listed(end_ms + 49_000), told[3]]
    found = answer("BZ-GAT-003", read(*apart))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    told += [over(end_ms + 51_000), listed(end_ms + 52_000), *reads_at(own_id, [end_ms + 53_000])]
    told += [over(end_ms + 54_000), *reads_at(own_id, [end_ms + SLOT_MS + 100])]
    for requirement in ("BZ-GAT-003", "BZ-GAT-002"):
        found = answer(requirement, read(*told))
        assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
        assert "fixed at connection, or kept in a cache" in found.summary
    # nobody had read it before: late all the same
    late = [got(end_ms + 120_000, own_id(NOON_MS)), *reads_at(own_id, [end_ms + SLOT_MS + 100])]
    found = answer("BZ-GAT-003", read(*late))
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert "of the slot before, read up to 2 min after its end" in found.summary


@pytest.mark.req("BZ-GAT-003")
def test_it_takes_one_connection_across_a_slots_end(read: Read, answer: Judge, own_id: OwnId) -> None:
    first, _, last = ONE_CONNECTION
    apart = [
        listed(first - 1),
        *reads_at(own_id, [first]),
        over(first + 1),
        listed(last - 1),
        *reads_at(own_id, [last]),
    ]
    found = answer("BZ-GAT-003", read(*apart))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.NO_ROTATION)
    assert "hold one from 50 s before until 50 s after it" in found.summary
    # reads of which nobody knows when the connection was opened
    assert answer("BZ-GAT-003", read(*reads_at(own_id, ONE_CONNECTION))).reason is Reason.NO_ROTATION


# --- whose reads they are ---


@pytest.mark.req("BZ-GAT-002", "BZ-KEY-010")
def test_a_read_identifies_the_device_under_test(
    read: Read, subject_of: Callable[..., Subject], sighting: Callable[..., Sighting], own_id: OwnId
) -> None:
    mine, others = "5A:00:00:00:00:01", "5A:00:00:00:00:02"
    heard = [
        sighting(NOON_MS, IPHONE, seconds=900, address=mine),
        sighting(NOON_MS, IPHONE, seconds=900, address=others),
    ]
    told = (got(NOON_MS + 1000, own_id(NOON_MS), mine), got(NOON_MS + 2000, b"of the other", others))
    subject = subject_of(read(*told, heard=heard))
    assert subject.identified
    assert [each.address for each in subject.sightings] == [octets(mine)]
    assert subject.strangers == 1
    # without reads nobody knows which
    assert not subject_of(read(heard=heard)).identified
    # the first octets of another value tell it too
    longer = got(NOON_MS + 1000, own_id(NOON_MS) + b"!", mine)
    assert [each.address for each in subject_of(read(longer, heard=heard)).sightings] == [octets(mine)]


@pytest.mark.req("BZ-ADV-010", "BZ-GAT-002")
def test_an_iphone_in_the_background_is_known_by_its_reads(
    read: Read,
    answer: Judge,
    subject_of: Callable[..., Subject],
    sighting: Callable[..., Sighting],
    own_id: OwnId,
) -> None:
    # BZ-ADV-010: the bit of Bluezone's UUID in Apple's overflow field
    overflow = bytes.fromhex("02011a14ff4c000108000000000000000000000000000000")
    heard = [sighting(NOON_MS, overflow, seconds=900, address=ADDRESS)]
    assert subject_of(read(heard=heard)).sightings == ()
    told = read(listed(NOON_MS + 500), got(NOON_MS + 1000, own_id(NOON_MS)), heard=heard)
    subject = subject_of(told)
    assert [each.address for each in subject.sightings] == [octets(ADDRESS)]
    assert answer("BZ-GAT-002", told).verdict is Verdict.PASS
    assert answer("BZ-GAT-001", told).verdict is Verdict.PASS


@pytest.mark.req("BZ-GAT-001", "BZ-GAT-002")
def test_reads_alone_are_evidence_too(
    read: Read, answer: Judge, subject_of: Callable[..., Subject], own_id: OwnId
) -> None:
    told = (listed(NOON_MS + 500), got(NOON_MS + 1000, own_id(NOON_MS)))
    alone = read(*told, heard=[], without=(Capability.RAW_AD,))
    assert subject_of(alone).read_addresses == {octets(ADDRESS)}
    for requirement in ("BZ-GAT-001", "BZ-GAT-002", "BZ-KEY-005"):
        assert answer(requirement, alone).verdict is Verdict.PASS
    # whoever is the only one is judged, and fails
    foreign = read(got(NOON_MS + 1000, b"of the other"), heard=[])
    assert answer("BZ-GAT-002", foreign).failed == 1
    second = "5A:00:00:00:00:02"
    two = read(got(NOON_MS + 1000, b"of the other"), got(NOON_MS + 2000, b"one more else", second), heard=[])
    found = answer("BZ-GAT-002", two)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.DEVICE_NOT_IDENTIFIED)
    found = answer("BZ-GAT-001", two)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.DEVICE_NOT_IDENTIFIED)
    # of two, a value that is its own tells which it is
    own = read(got(NOON_MS + 1000, b"one more else", second), got(NOON_MS + 2000, own_id(NOON_MS)), heard=[])
    assert subject_of(own).read_addresses == {octets(ADDRESS)}
    named = {**DEVICE, "address": second}
    assert subject_of(two, named).read_addresses == {octets(second)}


@pytest.mark.req("BZ-PRV-001", "BZ-GAT-003")
def test_a_connection_keeps_the_address_that_it_was_opened_to(
    read: Read, answer: Judge, sighting: Callable[..., Sighting], own_id: OwnId
) -> None:
    end_ms = NOON_MS + SLOT_MS
    second = "5A:00:00:00:00:02"
    in_step = [
        sighting(NOON_MS, IPHONE, seconds=899.9, address=ADDRESS),
        sighting(end_ms, IPHONE, seconds=600, address=second),
    ]
    told = (
        listed(end_ms - 60_000),
        *reads_at(own_id, ONE_CONNECTION),
        over(end_ms + 50_001),
        got(end_ms + 60_000, own_id(end_ms), second),
    )
    found = answer("BZ-PRV-001", read(*told, heard=in_step))
    assert (found.verdict, found.judged) == (Verdict.PASS, 2)
    # an advert from the old address afterwards: it was the phone's all the time
    late = [sighting(NOON_MS, IPHONE, seconds=1000, address=ADDRESS), in_step[1]]
    found = answer("BZ-PRV-001", read(*told, heard=late))
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert "read by GATT" in found.grounds[0].evidence[0].text


# --- kinds of evidence ---


@pytest.mark.req("BZ-GAT-001", "BZ-GAT-002", "BZ-GAT-003")
def test_a_capture_without_gatt_shows_none_of_it(
    read: Read, specification: Specification, own_id: OwnId
) -> None:
    profile = profiles_of(specification)["v3"]
    file = read_device_file("d", json.dumps(dict(DEVICE)).encode())
    told = (listed(ONE_CONNECTION[0] - 1), *reads_at(own_id, ONE_CONNECTION))
    with_gatt = read(*told)
    verdicts = {
        each.id: (each.verdict, each.reason)
        for each in judge(specification, profile, [], file, "check", [with_gatt]).requirements
    }
    assert {verdicts[f"BZ-GAT-00{number}"][0] for number in (1, 2, 3)} == {Verdict.PASS}
    assert verdicts["BZ-PRV-012"] == (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)
    denied = replace(with_gatt, capabilities={**with_gatt.capabilities, Capability.GATT: Extent.NO})
    found = judge(specification, profile, [], file, "check", [denied])
    assert {each.id: each.verdict for each in found.requirements}["BZ-GAT-001"] is Verdict.NOT_OBSERVABLE
