"""What is answered where what was heard decides nothing, and where something is still to be judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.subjects import Subject
from bluezone_harness.checks.undecided import of_one_phone, several_phones, undecided, without_ids
from bluezone_harness.evidence.device_files import Device
from bluezone_harness.findings import Reason, Verdict
from bluezone_harness.observations import Capability, Extent
from bluezone_harness.sightings import Sighting

TIME_MS = 1_596_931_200_000
IPHONE = bytes.fromhex("02011A110767A607ADD1172FA1C44BF573564E0000")
BACKGROUND = bytes.fromhex("02011A14FF4C0001") + b"\x08" + bytes(15)

Sight = Callable[..., Sighting]


@pytest.mark.req("BZ-ADV-001")
def test_what_was_not_heard_or_is_nobodys_decides_nothing(
    sighting: Sight, capture: Callable[..., Capture]
) -> None:
    advert = sighting(TIME_MS, bytes(12))
    silent, broken = capture([]), capture([], partial=True)
    assert undecided(Subject("phone", None, (), captures=(silent,), sightings=(advert,))) is None
    assert undecided(Subject("phone", None, (), captures=(broken,), sightings=(advert,))) is None
    for subject, reason in (
        (Subject("phone", None, (), captures=(silent,)), Reason.TOO_FEW_PACKETS),
        (Subject("phone", None, (), captures=(silent, broken)), Reason.DAMAGED),
        (Subject("phone", None, (), identified=False, sightings=(advert,)), Reason.DEVICE_NOT_IDENTIFIED),
    ):
        found = undecided(subject)
        assert found is not None
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, reason)


@pytest.mark.req("BZ-KEY-010")
@pytest.mark.parametrize(
    ("extent", "identified", "said"),
    [
        (Extent.PARTIAL, False, "nothing that was heard is known to be the device under test"),
        (Extent.YES, False, "several phones were heard, and none is the device under test"),
        (Extent.PARTIAL, True, None),
        (Extent.YES, True, None),
    ],
)
def test_pseudonyms_of_others_hide_the_device_where_it_is_not_among_what_is_true(
    sighting: Sight, capture: Callable[..., Capture], extent: Extent, identified: bool, said: str | None
) -> None:
    advert = sighting(TIME_MS, bytes(12))
    evidence = capture([advert])
    evidence = replace(evidence, capabilities={**evidence.capabilities, Capability.TRUE_IDS: extent})
    subject = Subject("phone", None, (), identified, captures=(evidence,), sightings=(advert,))
    found = undecided(subject)
    assert (found is None) == (said is None)
    if found is not None and said is not None:
        assert found.reason is Reason.DEVICE_NOT_IDENTIFIED
        assert found.summary.startswith(said)


@pytest.mark.req("BZ-PRV-001")
def test_sightings_are_one_phones_by_a_device_file_or_where_nobody_else_was_heard() -> None:
    device = Device("phone", "", "", None, (), (), ())
    assert of_one_phone(Subject("phone", device, ()))
    assert of_one_phone(Subject("phone", None, (), alone=True))
    assert not of_one_phone(Subject("phone", None, ()))


@pytest.mark.req("BZ-ADV-009", "BZ-GAT-002")
@pytest.mark.parametrize("ad", [IPHONE, BACKGROUND])
def test_an_iphone_shows_no_id_without_reads(sighting: Sight, ad: bytes) -> None:
    other = sighting(TIME_MS, b"\x02\x01\x1a")
    found = without_ids(Subject("phone", None, (), sightings=(other, sighting(TIME_MS, ad))))
    assert (found.verdict, found.reason) == (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)
    found = without_ids(Subject("phone", None, (), sightings=(other,)))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.TOO_FEW_PACKETS)


@pytest.mark.req("BZ-PRV-001")
def test_nothing_wrong_among_several_phones_is_no_pass() -> None:
    found = several_phones("no id lasted too long")
    assert (found.verdict, found.reason) == (Verdict.NOT_OBSERVABLE, Reason.DEVICE_NOT_IDENTIFIED)
    assert found.summary.startswith("no id lasted too long; several phones were heard")
