"""What is said of addresses: which, how long, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from bluezone_harness.checks.subjects import Subject
from bluezone_harness.findings import Judgement, Reason, Verdict
from bluezone_harness.observations import AddressType, Capability, GattRead
from bluezone_harness.sightings import Sighting

NOON_MS = 1_596_844_800_000 + 86_400_000 + 43_200_000
DAY_MS = 86_400_000
IPHONE = bytes.fromhex("02011A110767A607ADD1172FA1C44BF573564E0000")

Phone = Callable[..., list[Sighting]]
Heard = Callable[..., Subject]
Privacy = Callable[..., Mapping[str, Judgement]]


@pytest.mark.req("BZ-PRV-001")
def test_the_report_tells_the_chain_that_links(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object]
) -> None:
    late = phone(
        NOON_MS, 30, address_at=lambda time_ms: f"5C:00:00:00:00:{(time_ms + 450_000) // 900_000 % 256:02X}"
    )
    found = privacy(heard(late, device=good_device))["BZ-PRV-001"]
    (ground,) = found.grounds
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 3, 1)
    assert "longest linkable time 29 min 45 s: 5C:" in found.summary
    assert ground.seen.count(" -> ") == 4
    assert ground.count == 2
    assert ground.evidence[0].octets != ground.evidence[1].octets
    assert " from 5C:00:00:00:00:" in ground.evidence[0].text


@pytest.mark.req("BZ-PRV-001")
def test_an_id_that_changes_within_an_on_window_is_a_second_one(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting]
) -> None:
    found = privacy(
        heard([sighting(NOON_MS, b"one id of 12"), sighting(NOON_MS + 15_100, b"two id of 12")]),
        without=("BZ-PRV-007",),
    )
    assert found["BZ-PRV-001"].verdict is Verdict.FAIL
    assert found["BZ-PRV-009"].verdict is Verdict.PASS


@pytest.mark.req("BZ-PRV-001", "BZ-PRV-003", "BZ-PRV-009")
@pytest.mark.parametrize("kind", [AddressType.RANDOM_IDENTITY, AddressType.PUBLIC_IDENTITY])
def test_identities_are_not_judged(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object], kind: AddressType
) -> None:
    resolved = phone(NOON_MS, 60, address_at=lambda time_ms: "C0:00:00:00:00:01", address_type=kind)
    found = privacy(heard(resolved, device=good_device))
    for name in ("BZ-PRV-001", "BZ-PRV-002", "BZ-PRV-003", "BZ-PRV-009"):
        assert (found[name].verdict, found[name].reason) == (
            Verdict.NOT_OBSERVABLE,
            Reason.CAPABILITY_MISSING,
        )
    half = [*resolved[::2], *phone(NOON_MS, 60)[1::2]]
    mixed = privacy(heard(half, device=good_device))["BZ-PRV-002"]
    assert (mixed.verdict, mixed.judged) == (Verdict.PASS, 60)
    assert "1 address not judged" in mixed.summary


@pytest.mark.req("BZ-PRV-002")
@pytest.mark.parametrize(
    ("kind", "private"),
    [
        (AddressType.RESOLVABLE, True),
        (AddressType.NON_RESOLVABLE, True),
        (AddressType.PUBLIC, False),
        (AddressType.STATIC, False),
        (AddressType.RESERVED, False),
    ],
)
def test_private_are_two_kinds_of_five(
    phone: Phone, heard: Heard, privacy: Privacy, kind: AddressType, private: bool
) -> None:
    sightings = phone(NOON_MS, 5)
    odd = [replace(each, address_type=kind) for each in sightings[:3]]
    found = privacy(heard([*odd, *sightings[3:]]), without=("BZ-PRV-007",))["BZ-PRV-002"]
    assert found.verdict is (Verdict.PASS if private else Verdict.FAIL)
    assert (found.judged, found.failed) == (10, 0 if private else 3)
    assert private or found.summary == "3 of 10 addresses not private"
    first = (sightings[0].address or b"").hex(":").upper()
    assert private or found.grounds[0].seen == f"{first}, {kind.value}"


@pytest.mark.req("BZ-PRV-002")
def test_a_type_that_is_hidden_shows_nothing(phone: Phone, heard: Heard, privacy: Privacy) -> None:
    hidden = [replace(each, address_type=None) for each in phone(NOON_MS, 5)]
    found = privacy(heard(hidden), without=("BZ-PRV-007",))["BZ-PRV-002"]
    assert (found.verdict, found.reason) == (Verdict.NOT_OBSERVABLE, Reason.CAPABILITY_MISSING)
    without = heard(hidden, without=(Capability.ADDRESS_TYPE,))
    assert "BZ-PRV-002" not in privacy(without, without=("BZ-PRV-007",))


@pytest.mark.req("BZ-PRV-003")
@pytest.mark.parametrize(("life_s", "verdict"), [(930, Verdict.PASS), (931, Verdict.FAIL)])
def test_an_address_may_live_for_930_s(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting], life_s: int, verdict: Verdict
) -> None:
    iphone = [
        sighting(NOON_MS, IPHONE, seconds=life_s, address="5A:00:00:00:00:01"),
        sighting(NOON_MS + 940_000, IPHONE, seconds=30, address="5A:00:00:00:00:02"),
    ]
    found = privacy(heard(iphone))["BZ-PRV-003"]
    assert (found.verdict, found.judged) == (verdict, 2)
    assert "the longest for 15 min 30 s" in found.summary or found.grounds[0].seen.endswith("15 min 31 s")


@pytest.mark.req("BZ-PRV-003")
def test_an_address_that_comes_again_lived_all_the_time(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting]
) -> None:
    twice = [sighting(NOON_MS, IPHONE), sighting(NOON_MS + 3_600_000, IPHONE)]
    found = privacy(heard(twice))["BZ-PRV-003"]
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert found.grounds[0].seen == "4B:00:00:00:00:01 for 1 h"
    # one hour later, another one: none was seen to give way
    apart = [twice[0], replace(twice[1], address=bytes.fromhex("5A0000000001"))]
    other = privacy(heard(apart))["BZ-PRV-003"]
    assert (other.verdict, other.reason) == (Verdict.INCONCLUSIVE, Reason.NO_ROTATION)


@pytest.mark.req("BZ-PRV-003")
def test_an_address_with_a_connection_is_not_judged(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting]
) -> None:
    long = sighting(NOON_MS, IPHONE, seconds=2000)
    subject = heard([long])
    read = GattRead(1, long.first_us, "", long.address, long.address_type, "", "", bytes(12))
    (evidence,) = subject.captures
    evidence = replace(evidence, folded=replace(evidence.folded, reads=(read,)))
    assert privacy(subject)["BZ-PRV-003"].verdict is Verdict.FAIL
    held = privacy(replace(subject, captures=(evidence,)), without=("BZ-PRV-007",))["BZ-PRV-003"]
    assert (held.verdict, held.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)


@pytest.mark.req("BZ-PRV-001", "BZ-GAT-002")
def test_an_iphone_read_on_both_sides_of_a_slots_end_fails(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting], own_id: Callable[..., bytes]
) -> None:
    long = sighting(NOON_MS + 600_000, IPHONE, seconds=600)
    subject = heard([long])
    reads = tuple(
        GattRead(number, time_ms * 1000, "", long.address, long.address_type, "", "", own_id(time_ms))
        for number, time_ms in enumerate((NOON_MS + 700_000, NOON_MS + 1_000_000), 1)
    )
    (evidence,) = subject.captures
    evidence = replace(evidence, folded=replace(evidence.folded, reads=reads))
    found = privacy(replace(subject, captures=(evidence,)), without=("BZ-PRV-007",))
    assert found["BZ-PRV-001"].verdict is Verdict.FAIL
    assert found["BZ-PRV-001"].grounds[0].count == 2


@pytest.mark.req("BZ-PRV-009", "F-27")
def test_two_places_name_both_causes(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting]
) -> None:
    slow = ("BZ-PRV-007",)
    one = sighting(NOON_MS, b"one id of 12")
    leaked = sighting(NOON_MS - 400_000, b"one id of 12", seconds=600, address="5A:00:00:00:00:01")
    found = privacy(heard([one, leaked]), without=slow)["BZ-PRV-009"]
    assert found.verdict is Verdict.FAIL
    (ground,) = found.grounds
    assert "a relay" in ground.summary
    assert "F-27" in ground.summary
    assert "for 15 s" in ground.seen
    # 600 s by another clock overlap with 15 s whatever the difference, up to 45 s
    far = privacy(heard([one, replace(leaked, receiver="far")]), without=slow)["BZ-PRV-009"]
    assert far.verdict is Verdict.FAIL
    assert "by receivers capture and far, whatever their clocks" in far.grounds[0].seen
    single = privacy(heard([one]), without=slow)["BZ-PRV-009"]
    assert (single.verdict, single.reason) == (Verdict.INCONCLUSIVE, Reason.TOO_FEW_PACKETS)
