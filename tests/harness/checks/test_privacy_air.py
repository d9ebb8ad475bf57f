"""Phones on the air and all checks of privacy together: who is right fails nothing, who is wrong fails where he is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Reason, Verdict
from bluezone_harness.observations import AddressType, Capability, Extent, PduType
from bluezone_harness.sightings import Sighting

DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
NOON_MS = BASE_DAY_MS + DAY_MS + DAY_MS // 2
SLOT_MS = 900_000
OTHER = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"
IPHONE = bytes.fromhex("02011A 11 07 67A607ADD1172FA1C44BF57356 4E0000 0909426C75657A6F6E65".replace(" ", ""))
LOCAL_NAME = b"\x0b\x09Galaxy A50"

Phone = Callable[..., list[Sighting]]
Heard = Callable[..., Subject]
Privacy = Callable[..., Mapping[str, Judgement]]
Ids = Callable[..., bytes]

MUSTS = tuple(f"BZ-PRV-{number:03}" for number in (1, 2, 4, 5, 7, 8, 9))
JUDGED = (*MUSTS, "BZ-PRV-003", "BZ-PRV-006", "BZ-PRV-020", "BZ-PRV-021")
REQUIREMENTS = pytest.mark.req(*JUDGED)


def failures(judgements: Mapping[str, Judgement]) -> set[str]:
    return {name for name, each in judgements.items() if each.verdict is Verdict.FAIL}


def verdicts(judgements: Mapping[str, Judgement]) -> dict[str, Verdict]:
    return {name: each.verdict for name, each in judgements.items()}


# --- a phone that is right ---


@REQUIREMENTS
@pytest.mark.parametrize("known", [True, False])
def test_an_hour_of_an_ordinary_phone_passes(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object], known: bool
) -> None:
    # the first slot of a day, so that the search for weak base ids is short
    subject = heard(phone(BASE_DAY_MS + DAY_MS, 60, phase_ms=7000), device=good_device if known else None)
    found = privacy(subject)
    assert set(found) == set(JUDGED)
    assert {name for name, each in found.items() if each.verdict is Verdict.PASS} == set(JUDGED) - {
        "BZ-PRV-006"
    }
    assert (found["BZ-PRV-006"].verdict, found["BZ-PRV-006"].reason) == (
        Verdict.INCONCLUSIVE,
        Reason.EVIDENCE_MISSING,
    )
    assert found["BZ-PRV-001"].judged == 120
    assert "longest linkable time 14 min 45 s: " in found["BZ-PRV-001"].summary
    assert found["BZ-PRV-004"].judged == 4
    assert "absence proves nothing" in found["BZ-PRV-007"].summary


@REQUIREMENTS
@pytest.mark.parametrize("phase_ms", range(0, 30_000, 2500))
def test_no_phase_of_the_on_windows_against_slot_and_midnight_fails(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object], phase_ms: int
) -> None:
    midnight_ms = BASE_DAY_MS + 2 * DAY_MS
    subject = heard(phone(midnight_ms - 20 * 60_000, 40, phase_ms=phase_ms), device=good_device)
    found = privacy(subject)
    assert {found[name].verdict for name in MUSTS} == {Verdict.PASS}
    assert not failures(found)


@REQUIREMENTS
@pytest.mark.parametrize("offset_ms", [-45_000, 45_000])
@pytest.mark.parametrize("told", [True, False])
def test_no_clock_offset_that_is_allowed_fails(
    phone: Phone,
    heard: Heard,
    privacy: Privacy,
    own_id: Ids,
    good_device: dict[str, object],
    offset_ms: int,
    told: bool,
) -> None:
    midnight_ms = BASE_DAY_MS + 2 * DAY_MS
    sightings = phone(midnight_ms - 20 * 60_000, 40, id_at=lambda time_ms: own_id(time_ms + offset_ms))
    subject = heard(sightings, device=good_device, clock_offset_ms=offset_ms if told else None)
    assert not failures(privacy(subject))


@REQUIREMENTS
@pytest.mark.parametrize("begins_ms", [0, 600_000, 749_999, 750_001, 899_999])
def test_the_app_opened_and_left_at_a_slots_end_fails_nothing(
    phone: Phone,
    heard: Heard,
    privacy: Privacy,
    sighting: Callable[..., Sighting],
    own_id: Ids,
    good_device: dict[str, object],
    begins_ms: int,
) -> None:
    day_ms = BASE_DAY_MS + DAY_MS
    before = phone(day_ms, begins_ms / 60_000)
    tail_ms = day_ms + begins_ms
    tail = sighting(tail_ms, own_id(tail_ms), seconds=165, address="5A:00:00:00:00:01")
    after = phone(tail_ms + 170_000, 40, phase_ms=15_000)
    first = [each for each in before if each.last_us < tail_ms * 1000]
    found = privacy(heard([*first, tail, *after], device=good_device))
    assert {found[name].verdict for name in MUSTS} == {Verdict.PASS}


@REQUIREMENTS
def test_hours_of_silence_and_two_receivers_fail_nothing(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object]
) -> None:
    both = [
        phone(start_ms, 20, receiver=receiver, phase_ms=phase_ms)
        for receiver in ("door", "window")
        for start_ms in (NOON_MS, NOON_MS + 5 * 3_600_000)
        for phase_ms in (4000,)
    ]
    late = [replace(each, first_us=each.first_us + 3_000_000) for each in both[2]]  # one hears the end only
    found = privacy(heard([*both[0], *both[1], *late, *both[3]], device=good_device))
    assert {found[name].verdict for name in MUSTS} == {Verdict.PASS}


@REQUIREMENTS
def test_two_receivers_whose_clocks_differ_fail_nothing(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object]
) -> None:
    sightings = phone(NOON_MS, 40)
    shift_us = 40_000_000
    other = [
        replace(each, receiver="late", first_us=each.first_us + shift_us, last_us=each.last_us + shift_us)
        for each in sightings
    ]
    # each receiver misses what the other hears, but for some
    found = privacy(heard([*sightings[::2], *other[1::2], *other[::10]], device=good_device))
    assert not failures(found)
    assert not failures(privacy(heard([*sightings[::2], *other[1::2]], device=good_device)))


@REQUIREMENTS
def test_several_right_phones_fail_nothing_and_pass_only_what_needs_no_telling_apart(
    phone: Phone, heard: Heard, privacy: Privacy, own_id: Ids
) -> None:
    start_ms = BASE_DAY_MS + DAY_MS
    second = phone(
        start_ms, 60, name="second", id_at=lambda time_ms: own_id(time_ms, base_id=OTHER), phase_ms=9000
    )
    found = privacy(heard([*phone(start_ms, 60), *second], alone=False))
    assert not failures(found)
    for name in ("BZ-PRV-001", "BZ-PRV-003", "BZ-PRV-004", "BZ-PRV-005"):
        assert (found[name].verdict, found[name].reason) == (
            Verdict.NOT_OBSERVABLE,
            Reason.DEVICE_NOT_IDENTIFIED,
        )
    for name in ("BZ-PRV-002", "BZ-PRV-007", "BZ-PRV-008", "BZ-PRV-009"):
        assert found[name].verdict is Verdict.PASS


@pytest.mark.req("BZ-PRV-001", "BZ-PRV-004", "BZ-PRV-005")
def test_an_iphone_shows_no_ids_and_passes_nothing_that_takes_them(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting]
) -> None:
    addresses = [f"6{number}:00:00:00:00:01" for number in range(4)]
    sightings = [
        sighting(NOON_MS + number * SLOT_MS, IPHONE, seconds=900, address=address, every_ms=200)
        for number, address in enumerate(addresses)
    ]
    found = privacy(heard(sightings))
    assert not failures(found)
    for name in ("BZ-PRV-001", "BZ-PRV-004", "BZ-PRV-005", "BZ-PRV-007", "BZ-PRV-009"):
        assert found[name].verdict is Verdict.NOT_OBSERVABLE
        assert "GATT reads" in found[name].summary
    assert {found[name].verdict for name in ("BZ-PRV-002", "BZ-PRV-003", "BZ-PRV-008")} == {Verdict.PASS}


# --- too little ---


@REQUIREMENTS
def test_nothing_heard_passes_nothing(heard: Heard, privacy: Privacy) -> None:
    found = privacy(heard([]))
    assert {each.verdict for each in found.values()} == {Verdict.INCONCLUSIVE}
    assert {each.reason for each in found.values()} == {Reason.TOO_FEW_PACKETS}
    damaged = privacy(heard([], partial=True))
    assert {each.reason for each in damaged.values()} == {Reason.DAMAGED}


@REQUIREMENTS
def test_a_device_that_is_not_identified_neither_passes_nor_fails(
    phone: Phone, heard: Heard, privacy: Privacy
) -> None:
    found = privacy(heard(phone(NOON_MS, 60), identified=False))
    assert {each.reason for each in found.values()} == {Reason.DEVICE_NOT_IDENTIFIED}


@REQUIREMENTS
def test_ten_minutes_are_too_short_for_lifetimes(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object]
) -> None:
    found = privacy(heard(phone(NOON_MS, 10), device=good_device))
    reasons = {name: each.reason for name, each in found.items() if each.verdict is Verdict.INCONCLUSIVE}
    assert reasons == {
        "BZ-PRV-001": Reason.NO_ROTATION,
        "BZ-PRV-003": Reason.TOO_SHORT,
        "BZ-PRV-004": Reason.TOO_SHORT,
        "BZ-PRV-005": Reason.TOO_SHORT,
        "BZ-PRV-006": Reason.EVIDENCE_MISSING,
    }


@REQUIREMENTS
def test_two_moments_hours_apart_show_no_rotation(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object]
) -> None:
    found = privacy(heard([*phone(NOON_MS, 1), *phone(NOON_MS + 4 * 3_600_000, 1)], device=good_device))
    for name in ("BZ-PRV-001", "BZ-PRV-004"):
        assert (found[name].verdict, found[name].reason) == (Verdict.INCONCLUSIVE, Reason.NO_ROTATION)


@REQUIREMENTS
def test_a_source_without_addresses_leaves_what_needs_none(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object]
) -> None:
    hidden = [replace(each, address=None, address_type=None) for each in phone(NOON_MS, 40)]
    subject = heard(
        hidden, device=good_device, without=(Capability.ADDRESS, Capability.ADDRESS_TYPE, Capability.PDU_TYPE)
    )
    found = privacy(subject)
    assert set(found) == {"BZ-PRV-004", "BZ-PRV-005", "BZ-PRV-007", "BZ-PRV-008", "BZ-PRV-021"}
    assert {each.verdict for each in found.values()} == {Verdict.PASS}


# --- phones that are wrong ---


def _late_address(time_ms: int) -> str:
    number = (time_ms + SLOT_MS // 2) // SLOT_MS
    return f"5C:00:00:00:{number >> 8 & 255:02X}:{number & 255:02X}"


@REQUIREMENTS
@pytest.mark.parametrize("known", [True, False])
def test_each_fault_fails_under_its_requirement(
    phone: Phone,
    heard: Heard,
    privacy: Privacy,
    own_id: Ids,
    good_device: dict[str, object],
    known: bool,
) -> None:
    start_ms = BASE_DAY_MS + 2 * DAY_MS
    device = good_device if known else None

    def failing(sightings: Iterable[Sighting], weak: bool = False) -> set[str]:
        # without a device file the search for weak base ids takes a while: where nothing weak is sent, it is left out
        without = () if weak or known else ("BZ-PRV-007",)
        return failures(privacy(heard(sightings, device=device), without=without))

    # the address changes in the middle of slots: it outlives its id
    assert failing(phone(start_ms, 60, address_at=_late_address)) == {"BZ-PRV-001"}
    public = phone(start_ms, 40, address_type=AddressType.PUBLIC)
    assert failing(public) == {"BZ-PRV-002"}
    assert failing(phone(start_ms, 40, address_type=AddressType.STATIC)) == {"BZ-PRV-002"}
    # one address and one id for an hour and more
    stuck = phone(start_ms, 60, address_at=lambda time_ms: "4B:00:00:00:00:07")
    assert failing(stuck) == {"BZ-PRV-001", "BZ-PRV-003"}
    # yesterday's ids go on being sent today (F-11)
    again = [
        *phone(start_ms, 30),
        *phone(start_ms + DAY_MS, 30, id_at=lambda time_ms: own_id(time_ms - DAY_MS)),
    ]
    assert "BZ-PRV-005" in failing(again)
    # the ids of the empty base id (F-15): that of no device file
    empty = phone(start_ms, 40, id_at=lambda time_ms: own_id(time_ms % DAY_MS, base_id="", base_day_ms=0))
    assert failing(empty, weak=True) == {"BZ-PRV-007"}
    zeros = "00" * 32
    constant = phone(start_ms, 40, id_at=lambda time_ms: own_id(time_ms, base_id=zeros))
    assert failing(constant, weak=True) == {"BZ-PRV-007"}
    # a name that the platform put in
    named = [replace(each, ad=(each.ad or b"")[3:] + LOCAL_NAME[:9]) for each in phone(start_ms, 40)]
    named = [replace(each, ad=(each.ad or b"")[:20] + b"\x09\x09Galaxy A") for each in named]
    assert failing(named) == {"BZ-PRV-008"}
    # somebody sends the ids on from another address, half a second later
    relayed = phone(start_ms, 40, name="relay")
    moved = [
        replace(each, first_us=each.first_us + 500_000, last_us=each.last_us + 500_000) for each in relayed
    ]
    assert failing([*phone(start_ms, 40), *moved]) == {"BZ-PRV-009"}


@pytest.mark.req("BZ-PRV-004", "BZ-PRV-005")
def test_an_id_that_is_kept_for_two_slots_fails_where_max_is_known(
    phone: Phone, heard: Heard, privacy: Privacy, own_id: Ids, good_device: dict[str, object]
) -> None:
    start_ms = BASE_DAY_MS + DAY_MS
    slow = phone(start_ms, 120, id_at=lambda time_ms: own_id(time_ms - time_ms % (2 * SLOT_MS)))
    found = privacy(heard(slow, device=good_device))
    assert failures(found) == {"BZ-PRV-004"}
    assert found["BZ-PRV-004"].failed == 4
    assert "29 min 45 s" in found["BZ-PRV-004"].grounds[0].seen
    unknown = privacy(heard(slow))
    assert not failures(unknown)
    assert (unknown["BZ-PRV-004"].verdict, unknown["BZ-PRV-004"].reason) == (
        Verdict.INCONCLUSIVE,
        Reason.EVIDENCE_MISSING,
    )


@pytest.mark.req("BZ-PRV-004", "BZ-PRV-005", "BZ-PRV-007")
@pytest.mark.parametrize("name", ["BZ-PRV-004", "BZ-PRV-005", "BZ-PRV-007"])
def test_rows_and_nothing_else_are_enough(
    subject: Callable[..., Subject], rules: Callable[[str], Rules], good_log: bytes, name: str
) -> None:
    whole = subject(good_log)
    (log,) = whole.logs
    rows = replace(whole, logs=(replace(log, capabilities={Capability.RECORDS: Extent.YES}),))
    found = CHECKS[name].judge(rows, rules("v3"))
    assert (found.verdict, found.judged) == (Verdict.PASS, 134)


@pytest.mark.req("BZ-PRV-004", "BZ-PRV-005", "BZ-PRV-007")
def test_a_log_and_a_capture_weigh_as_the_heavier(
    phone: Phone,
    heard: Heard,
    privacy: Privacy,
    own_id: Ids,
    subject: Callable[..., Subject],
    export: Callable[..., bytes],
    good_log: bytes,
    good_device: dict[str, object],
) -> None:
    on_air = heard(phone(NOON_MS, 60), device=good_device)
    logs = subject(good_log).logs
    both = privacy(replace(on_air, logs=logs))
    assert both["BZ-PRV-004"].verdict is Verdict.PASS
    assert both["BZ-PRV-004"].judged > privacy(on_air)["BZ-PRV-004"].judged
    assert "used for no longer" in both["BZ-PRV-004"].summary
    assert "heard for no longer" in both["BZ-PRV-004"].summary
    stuck = own_id(NOON_MS)
    rows = [(NOON_MS + hour * 3_600_000, stuck, bytes(12)) for hour in range(4)]
    wrong = privacy(replace(on_air, logs=subject(export(rows)).logs))
    assert failures(wrong) == {"BZ-PRV-004", "BZ-PRV-005"}


# --- whoever is heard in between ---


@REQUIREMENTS
@settings(max_examples=15)
@given(data=st.data())
def test_the_order_of_sightings_does_not_change_what_is_said(
    phone: Phone, heard: Heard, privacy: Privacy, own_id: Ids, data: st.DataObject
) -> None:
    start_ms = BASE_DAY_MS + DAY_MS
    first = phone(start_ms, 40)
    second = phone(
        start_ms, 40, name="second", id_at=lambda time_ms: own_id(time_ms, base_id=OTHER), phase_ms=9000
    )
    stuck = phone(start_ms, 40, name="third", address_at=lambda time_ms: "4B:00:00:00:00:07", phase_ms=3000)
    sightings = [*first, *second, *stuck[:: data.draw(st.integers(1, 9))]]
    ordered = heard(sightings, alone=False)
    shuffled = replace(ordered, sightings=tuple(data.draw(st.permutations(ordered.sightings))))
    slow = ("BZ-PRV-007",)
    assert privacy(shuffled, without=slow) == privacy(ordered, without=slow)


@REQUIREMENTS
def test_each_pdu_of_one_phone_belongs_to_it(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object]
) -> None:
    sightings = phone(NOON_MS, 40)
    responses = [replace(each, pdu=PduType.SCAN_RSP, ad=b"") for each in sightings]
    found = privacy(heard([*sightings, *responses], device=good_device))
    assert {found[name].verdict for name in MUSTS} == {Verdict.PASS}
    assert verdicts(found) == verdicts(privacy(heard(sightings, device=good_device)))
