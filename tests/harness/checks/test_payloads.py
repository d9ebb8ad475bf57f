"""Payloads that join the ids of a slot to those of the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_harness.checks.payloads import payload_and_interval_do_not_link
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Reason, Verdict
from bluezone_harness.observations import PduType
from bluezone_harness.sightings import Sighting

NOON_MS = 1_596_844_800_000 + 86_400_000 + 43_200_000
OTHER = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"

Phone = Callable[..., list[Sighting]]
Heard = Callable[..., Subject]
Making = Callable[[str], Rules]


@pytest.fixture
def said(
    phone: Phone, heard: Heard, rules: Making, own_id: Callable[..., bytes]
) -> Callable[[bytes, bytes], Judgement]:
    """Return a function from what two phones send beside their ids to the judgement of an hour of both."""

    def judge(first: bytes, second: bytes) -> Judgement:
        one = phone(NOON_MS, 60)
        two = phone(
            NOON_MS, 60, name="second", id_at=lambda time_ms: own_id(time_ms, base_id=OTHER), phase_ms=4000
        )
        sent = [
            replace(each, ad=(each.ad or b"")[3:] + more)
            for sightings, more in ((one, first), (two, second))
            for each in sightings
        ]
        return payload_and_interval_do_not_link(heard(sent, alone=False), rules("v3"))

    return judge


@pytest.mark.req("BZ-PRV-006")
@pytest.mark.parametrize(
    ("first", "second", "linked"),
    [
        (b"\x05\x16\xaa\xfe\x01\x02", b"\x05\x16\xaa\xfe\x01\x03", 6),
        (b"\x05\x16\xaa\xfe\x01\x02", b"", 3),
        (b"\x04\x09An1", b"\x04\x09An2", 6),
    ],
)
def test_what_differs_between_phones_and_stays_joins_their_ids(
    said: Callable[[bytes, bytes], Judgement], first: bytes, second: bytes, linked: int
) -> None:
    found = said(first, second)
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 6, linked)
    assert f"{linked} of 6 ids joined to an id of the next slot by payload, in 3 rotations" in found.summary
    assert found.summary.endswith("50% by chance")
    assert found.grounds[0].count == 2 * linked
    # the first of its first slot is what is shown
    shown = found.grounds[0].evidence[0]
    assert shown.time_ms is not None
    assert NOON_MS <= shown.time_ms < NOON_MS + 900_000
    assert found.grounds[0].seen.split(" beside ")[1].partition(",")[0] in shown.octets.hex().upper()


@pytest.mark.req("BZ-PRV-006")
def test_a_slot_with_one_phone_and_the_next_with_two_is_no_rotation_of_several(
    phone: Phone, heard: Heard, rules: Making, own_id: Callable[..., bytes]
) -> None:
    later = phone(
        NOON_MS + 900_000,
        14,
        name="second",
        id_at=lambda time_ms: own_id(time_ms, base_id=OTHER),
        phase_ms=4000,
    )
    for order in ([*phone(NOON_MS, 29), *later], [*later, *phone(NOON_MS + 900_000, 29)]):
        found = payload_and_interval_do_not_link(heard(order, alone=False), rules("v3"))
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.NO_ROTATION)


@pytest.mark.req("BZ-PRV-006")
@pytest.mark.parametrize("more", [b"", b"\x05\x16\xaa\xfe\x01\x02", b"\x02\x0a\x04"])
def test_what_both_send_alike_joins_nothing_and_nothing_passes(
    said: Callable[[bytes, bytes], Judgement], more: bytes
) -> None:
    found = said(more, more)
    assert (found.verdict, found.reason, found.judged) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING, 6)
    assert "no payload tells phones apart in 3 rotations" in found.summary


@pytest.mark.req("BZ-PRV-006")
def test_a_scan_response_is_part_of_what_is_sent(
    phone: Phone, heard: Heard, rules: Making, own_id: Callable[..., bytes]
) -> None:
    one = phone(NOON_MS, 30)
    two = phone(NOON_MS, 30, name="second", id_at=lambda time_ms: own_id(time_ms, base_id=OTHER))
    named = [replace(each, pdu=PduType.SCAN_RSP, ad=b"\x04\x09An1") for each in one]
    found = payload_and_interval_do_not_link(heard([*one, *named, *two], alone=False), rules("v3"))
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 1, 2)
    assert found.grounds[0].seen.startswith("local name 'An1' beside ")


@pytest.mark.req("BZ-PRV-006")
def test_one_phone_or_no_rotation_decides_nothing(phone: Phone, heard: Heard, rules: Making) -> None:
    alone = payload_and_interval_do_not_link(heard(phone(NOON_MS, 60)), rules("v3"))
    assert (alone.verdict, alone.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    for minutes in (10, 60):
        found = payload_and_interval_do_not_link(heard(phone(NOON_MS, minutes), alone=False), rules("v3"))
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.NO_ROTATION)


@pytest.mark.req("BZ-PRV-006")
def test_without_ids_there_is_nothing_to_join(
    heard: Heard, rules: Making, sighting: Callable[..., Sighting]
) -> None:
    iphone = sighting(NOON_MS, bytes.fromhex("02011A110767A607ADD1172FA1C44BF573564E0000"))
    found = payload_and_interval_do_not_link(heard([iphone], alone=False), rules("v3"))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.NO_ROTATION)


# --- with a device file: who is right is known ---


@pytest.fixture
def scored(
    phone: Phone, heard: Heard, rules: Making, own_id: Callable[..., bytes], good_device: dict[str, object]
) -> Callable[..., Judgement]:
    """Return a function from hours, and what the device and two others send, to the judgement of the device."""

    def judge(
        hours: float, ours: dict[str, object], theirs: dict[str, object], more: bytes = b""
    ) -> Judgement:
        own = [replace(each, ad=(each.ad or b"")[3:] + more) for each in phone(NOON_MS, hours * 60, **ours)]
        others = [
            each
            for number in (1, 2)
            for each in phone(
                NOON_MS,
                hours * 60,
                name=f"other {number}",
                phase_ms=7000 * number,
                id_at=lambda time_ms, number=number: own_id(time_ms, base_id=f"{number:02}" * 32),
                **theirs,
            )
        ]
        both = heard([*own, *others], device=good_device, alone=False, strangers=2)
        subject = replace(both, sightings=tuple(each for each in both.sightings if each in own))
        return payload_and_interval_do_not_link(subject, rules("v3"))

    return judge


@pytest.mark.req("BZ-PRV-006")
def test_phones_that_send_alike_are_joined_by_chance_only(scored: Callable[..., Judgement]) -> None:
    found = scored(3, {}, {})
    assert (found.verdict, found.reason, found.judged) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING, 11)
    assert "re-links 33% of 11 rotations by payload and interval, 33% by chance" in found.summary
    # 4 ms apart is what chance does to a phone's intervals
    assert scored(3, {"between_ms": 104}, {}).verdict is Verdict.INCONCLUSIVE


@pytest.mark.req("BZ-PRV-006")
@pytest.mark.parametrize(("hours", "verdict"), [(0.75, Verdict.INCONCLUSIVE), (1.5, Verdict.FAIL)])
def test_an_interval_of_its_own_joins_a_phones_ids_once_there_are_enough(
    scored: Callable[..., Judgement], hours: float, verdict: Verdict
) -> None:
    found = scored(hours, {"between_ms": 170}, {})
    assert found.verdict is verdict
    assert "re-links 100% of" in found.summary
    if verdict is Verdict.FAIL:
        assert (found.judged, found.failed) == (5, 5)
        assert "every 170.0 ms or more" in found.grounds[0].seen
        # 5 of 5, of which 5/3 by chance, and a spread of the root of 10/9
        assert found.grounds[0].seen.endswith(", 3.2 standard deviations above chance")


@pytest.mark.req("BZ-PRV-006")
def test_a_payload_of_its_own_joins_a_phones_ids_too(scored: Callable[..., Judgement]) -> None:
    found = scored(1.5, {}, {}, more=b"\x05\x16\xaa\xfe\x01\x02")
    assert found.verdict is Verdict.FAIL
    assert "AD structure 0x16 AAFE0102 beside it" in found.grounds[0].seen


@pytest.mark.req("BZ-PRV-006")
def test_a_phone_is_not_blamed_for_others_that_can_be_told(
    phone: Phone, heard: Heard, rules: Making, own_id: Callable[..., bytes], good_device: dict[str, object]
) -> None:
    own = phone(NOON_MS, 600)
    fellow = phone(
        NOON_MS, 600, name="b", id_at=lambda time_ms: own_id(time_ms, base_id="07" * 32), phase_ms=5000
    )
    odd = phone(
        NOON_MS,
        600,
        name="c",
        id_at=lambda time_ms: own_id(time_ms, base_id="08" * 32),
        between_ms=250,
        phase_ms=9000,
    )
    named = [replace(each, ad=(each.ad or b"")[3:] + b"\x04\x09An1") for each in odd]
    for others in ([*fellow, *odd], [*fellow, *named], named, odd):
        both = heard([*own, *others], device=good_device, alone=False)
        found = payload_and_interval_do_not_link(replace(both, sightings=tuple(own)), rules("v3"))
        assert (found.verdict, found.judged) == (Verdict.INCONCLUSIVE, 39)
        assert "50% of" in found.summary or "33% of" in found.summary


@pytest.mark.req("BZ-PRV-006")
def test_intervals_that_cannot_be_told_join_nothing(scored: Callable[..., Judgement]) -> None:
    # one advert on each of three channels: 0.4 ms apart
    found = scored(1.5, {"between_ms": 1}, {})
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "33% by chance" in found.summary


@pytest.mark.req("BZ-PRV-006")
def test_a_device_of_which_no_two_slots_in_turn_were_heard_decides_nothing(
    scored: Callable[..., Judgement],
) -> None:
    found = scored(0.2, {}, {})
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.NO_ROTATION)


@pytest.mark.req("BZ-PRV-006")
def test_only_slots_in_which_the_device_was_heard_are_scored(
    phone: Phone, heard: Heard, rules: Making, own_id: Callable[..., bytes], good_device: dict[str, object]
) -> None:
    other = phone(
        NOON_MS, 60, name="b", id_at=lambda time_ms: own_id(time_ms, base_id="07" * 32), phase_ms=5000
    )
    own = phone(NOON_MS + 900_000, 30)  # not in the first slot, nor in the last
    both = heard([*own, *other], device=good_device, alone=False)
    found = payload_and_interval_do_not_link(replace(both, sightings=tuple(own)), rules("v3"))
    assert (found.verdict, found.judged) == (Verdict.INCONCLUSIVE, 1)
