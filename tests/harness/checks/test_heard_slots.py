"""What is said where nothing could be compared with a schedule, and how much agrees with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.heard_slots import compare, heard_slots, matched_sightings, nothing_compared
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.evidence.device_files import Base, Device
from bluezone_harness.findings import Reason, Verdict
from bluezone_harness.sightings import Sighting

DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
NOON_MS = BASE_DAY_MS + 5 * DAY_MS + DAY_MS // 2
BARE = bytes.fromhex("0303564E")

Make = Callable[..., Sighting]
MakeCapture = Callable[..., Capture]
RulesOf = Callable[[str], Rules]


def device(base_id: bytes = BASE_ID, from_ms: int | None = None) -> Device:
    return Device("phone", "android", "", None, (Base(base_id, BASE_DAY_MS, from_ms),), (), ())


@pytest.mark.req("BZ-KEY-010")
@pytest.mark.parametrize(
    ("known", "sent", "reason", "said"),
    [
        (
            device(from_ms=NOON_MS + DAY_MS),
            bytes(12),
            Reason.EVIDENCE_MISSING,
            "1 on-window from before the first",
        ),
        (device(bytes(31)), bytes(12), Reason.EVIDENCE_MISSING, "there is no schedule to compare with"),
        (device(), BARE, Reason.TOO_FEW_PACKETS, "no advert that carries an id was heard"),
    ],
)
def test_what_cannot_be_compared_decides_nothing_and_says_why(
    sighting: Make,
    capture: MakeCapture,
    rules: RulesOf,
    known: Device,
    sent: bytes,
    reason: Reason,
    said: str,
) -> None:
    heard = (sighting(NOON_MS, sent),)
    subject = Subject("phone", known, (), captures=(capture(heard),), sightings=heard)
    found = nothing_compared(subject, compare(known, heard, subject.captures, rules("v3")))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, reason)
    assert said in found.summary


@pytest.mark.req("BZ-ADV-005", "BZ-KEY-006")
@pytest.mark.parametrize(("until_ms", "windows"), [(165_000, 1), (165_001, 2)])
def test_what_lost_adverts_have_split_lasts_165_s_at_most(
    sighting: Make,
    capture: MakeCapture,
    rules: RulesOf,
    own_id: Callable[..., bytes],
    until_ms: int,
    windows: int,
) -> None:
    rest = (until_ms - 100_000) / 1000
    heard = [
        sighting(NOON_MS, own_id(NOON_MS), seconds=60),
        sighting(NOON_MS + 100_000, own_id(NOON_MS), seconds=rest),
    ]
    assert len(compare(device(), heard, [capture(heard)], rules("v3")).heard) == windows


@pytest.mark.req("BZ-KEY-006")
def test_sightings_with_the_right_id_are_counted(
    sighting: Make, capture: MakeCapture, rules: RulesOf, own_id: Callable[..., bytes]
) -> None:
    right = [
        sighting(NOON_MS + at_ms, own_id(NOON_MS + at_ms), address=f"4B:00:00:00:00:0{number}")
        for number, at_ms in enumerate((0, 30_000))
    ]
    heard = (*right, sighting(NOON_MS + 60_000, bytes(12), address="4B:00:00:00:00:09"))
    subject = Subject("phone", device(), (), captures=(capture(heard),), sightings=heard)
    assert matched_sightings(subject, rules("v3")) == 2
    assert matched_sightings(Subject("phone", None, (), sightings=heard), rules("v3")) == 0
    assert matched_sightings(Subject("phone", device(), ()), rules("v3")) == 0
    with pytest.raises(ValueError, match="compared with a device's"):
        heard_slots(Subject("phone", None, ()), rules("v3"))
