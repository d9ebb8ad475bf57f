"""What a phone gives away beside its ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from bluezone_harness.checks.extras import own_frames
from bluezone_harness.checks.subjects import Subject
from bluezone_harness.findings import Judgement, Reason, Verdict
from bluezone_harness.observations import Capability, Extent, PduType
from bluezone_harness.sightings import Sighting

NOON_MS = 1_596_844_800_000 + 86_400_000 + 43_200_000
IOS_UUID = bytes.fromhex("110767A607ADD1172FA1C44BF573564E0000")
OLD_IOS_UUID = bytes.fromhex("110767A607ADD1172FA1C44BF573F4390AE2")
STATIC = bytes.fromhex("02010209FFB522614233785939110789A807ADD1172FA1C44BF573F4390AE2")
OVERFLOW = bytes.fromhex("14FF4C000108" + "00" * 15)

Phone = Callable[..., list[Sighting]]
Heard = Callable[..., Subject]
Privacy = Callable[..., Mapping[str, Judgement]]
SLOW = ("BZ-PRV-007",)


def name(text: bytes, ad_type: int = 9) -> bytes:
    return bytes([len(text) + 1, ad_type]) + text


def with_more(sightings: list[Sighting], more: bytes) -> list[Sighting]:
    """Put more AD structures behind those of an Android phone, its Flags left out so that they fit."""
    return [replace(each, ad=(each.ad or b"")[3:] + more) for each in sightings]


# --- BZ-PRV-008 ---


@pytest.mark.req("BZ-PRV-008", "BZ-ADV-006")
@pytest.mark.parametrize("ad_type", [8, 9])
@pytest.mark.parametrize("pdu", [PduType.ADV_IND, PduType.SCAN_RSP])
def test_a_name_on_android_fails_wherever_it_stands(
    phone: Phone, heard: Heard, privacy: Privacy, ad_type: int, pdu: PduType
) -> None:
    sightings = phone(NOON_MS, 20)
    if pdu is PduType.ADV_IND:
        named = with_more(sightings, name(b"An's A5", ad_type))
    else:
        named = sightings + [replace(each, pdu=pdu, ad=name(b"An's A5", ad_type)) for each in sightings[:3]]
    found = privacy(heard(named), without=SLOW)["BZ-PRV-008"]
    assert found.verdict is Verdict.FAIL
    assert found.failed == (40 if pdu is PduType.ADV_IND else 3)
    assert '"An\'s A5"' in found.grounds[0].seen


@pytest.mark.req("BZ-PRV-008", "BZ-ADV-009")
@pytest.mark.parametrize(
    ("ad", "verdict"),
    [
        (b"\x02\x01\x1a" + IOS_UUID + name(b"Bluezone"), Verdict.PASS),
        (b"\x02\x01\x1a" + IOS_UUID + name(b"Blue", 8), Verdict.FAIL),
        (IOS_UUID + name(b"An's iPhone"), Verdict.FAIL),
        (IOS_UUID + OVERFLOW[:13], Verdict.PASS),
        (OLD_IOS_UUID + name(b"2aBY3xYB95"), Verdict.FAIL),
        (OLD_IOS_UUID, Verdict.INCONCLUSIVE),
        (STATIC, Verdict.FAIL),
    ],
)
def test_iphones_and_the_first_generation(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting], ad: bytes, verdict: Verdict
) -> None:
    found = privacy(heard([sighting(NOON_MS, ad)]), without=SLOW)["BZ-PRV-008"]
    assert found.verdict is verdict


@pytest.mark.req("BZ-PRV-008", "F-21")
def test_a_static_id_is_named_and_counted_once(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting]
) -> None:
    iphone = sighting(NOON_MS, b"\x02\x01\x1a" + OLD_IOS_UUID)
    response = replace(iphone, pdu=PduType.SCAN_RSP, ad=name(b"2aBY3xYB95"))
    found = privacy(heard([iphone, response]), without=SLOW)["BZ-PRV-008"]
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 2, 1)
    assert "static id aB3xY9" in found.grounds[0].seen
    assert len(found.grounds) == 2


@pytest.mark.req("BZ-PRV-008", "F-21")
@pytest.mark.parametrize(
    ("pdu", "verdict"),
    [
        (PduType.ADV_IND, Verdict.INCONCLUSIVE),
        (PduType.ADV_SCAN_IND, Verdict.INCONCLUSIVE),
        (None, Verdict.INCONCLUSIVE),
        (PduType.ADV_NONCONN_IND, Verdict.PASS),
    ],
)
def test_an_old_iphone_whose_answer_nobody_heard_does_not_pass(
    heard: Heard,
    privacy: Privacy,
    sighting: Callable[..., Sighting],
    pdu: PduType | None,
    verdict: Verdict,
) -> None:
    old = sighting(NOON_MS, b"\x02\x01\x1a" + OLD_IOS_UUID, pdu=pdu)
    right = sighting(NOON_MS, b"\x02\x01\x1a" + IOS_UUID + name(b"Bluezone"), address="5A:00:00:00:00:01")
    found = privacy(heard([old, right]), without=SLOW)["BZ-PRV-008"]
    assert (found.verdict, found.judged) == (verdict, 2)
    if verdict is Verdict.INCONCLUSIVE:
        assert found.reason is Reason.EVIDENCE_MISSING
        assert "none was heard of 1 of its addresses: listen again, and scan actively" in found.summary
    assert privacy(heard([right]), without=SLOW)["BZ-PRV-008"].verdict is Verdict.PASS


@pytest.mark.req("BZ-PRV-008", "F-21")
def test_each_address_of_an_old_iphone_has_to_answer(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting]
) -> None:
    first, second = (
        sighting(NOON_MS + later_ms, b"\x02\x01\x1a" + OLD_IOS_UUID, address=address)
        for later_ms, address in ((0, "5A:00:00:00:00:01"), (900_000, "5A:00:00:00:00:02"))
    )
    # an answer without a name, and another's answer
    answers = [replace(each, pdu=PduType.SCAN_RSP, ad=b"\x02\x0a\x08") for each in (first, second)]
    others = sighting(NOON_MS, name(b"lamp"), pdu=PduType.SCAN_RSP, address="5A:00:00:00:00:03")

    def said(*heard_of: Sighting) -> Judgement:
        return privacy(heard(list(heard_of)), without=SLOW)["BZ-PRV-008"]

    assert said(first, second, *answers).verdict is Verdict.PASS
    assert "of 1 of its addresses" in said(first, second, answers[0], others).summary
    assert "of 2 of its addresses" in said(first, second, others).summary
    # one name is enough to fail
    static = replace(answers[0], ad=name(b"2aBY3xYB95"))
    assert said(first, second, static).verdict is Verdict.FAIL


@pytest.mark.req("BZ-PRV-008", "BZ-ADV-009")
def test_what_an_iphone_sends_beside_the_app_is_the_systems(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting]
) -> None:
    iphone = sighting(NOON_MS, b"\x02\x01\x1a" + IOS_UUID)
    others = [
        replace(iphone, pdu=PduType.SCAN_RSP, ad=name(b"An's iPhone")),
        replace(iphone, ad=bytes.fromhex("0201060AFF4C0010055B1C112233")),
    ]
    assert list(own_frames([iphone, *others])) == [iphone]
    assert privacy(heard([iphone, *others]), without=SLOW)["BZ-PRV-008"].verdict is Verdict.PASS


@pytest.mark.req("BZ-PRV-008")
@pytest.mark.parametrize(
    ("more", "seen"),
    [
        (b"\x02\x0a\x04", ""),  # TX power
        (b"\x03\x19\x40\x00", ""),  # appearance
        (b"\x05\x16\xaa\xfe\x01\x02", "AD structure 0x16 AAFE0102"),  # service data
        (b"\x05\xff\x4c\x00\x07\x01", "AD structure 0xFF 4C000701"),  # another company's
        (b"\x03\x02\x5a\x12", "service UUID 0000125a00001000800000805f9b34fb"),
        (b"\x03\x02\x56\x4e", ""),  # ours, once more
    ],
)
def test_what_the_app_does_not_send_fails_if_it_stays(
    phone: Phone, heard: Heard, privacy: Privacy, more: bytes, seen: str
) -> None:
    found = privacy(heard(with_more(phone(NOON_MS, 20), more)), without=SLOW)["BZ-PRV-008"]
    assert found.verdict is (Verdict.FAIL if seen else Verdict.PASS)
    if seen:
        assert (found.grounds[0].seen, found.failed) == (seen, 40)
        assert "stays the same with 2 ids" in found.grounds[0].summary
    short = privacy(heard(with_more(phone(NOON_MS, 10), more)), without=SLOW)["BZ-PRV-008"]
    assert short.verdict is (Verdict.INCONCLUSIVE if seen else Verdict.PASS)
    assert short.reason is (Reason.NO_ROTATION if seen else None)


@pytest.mark.req("BZ-PRV-008")
def test_in_a_scan_response_it_stays_with_the_ids_of_its_address(
    phone: Phone, heard: Heard, privacy: Privacy
) -> None:
    sightings = phone(NOON_MS, 20)
    responses = [replace(each, pdu=PduType.SCAN_RSP, ad=b"\x05\x16\xaa\xfe\x01\x02") for each in sightings]
    found = privacy(heard([*sightings, *responses]), without=SLOW)["BZ-PRV-008"]
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 80, 40)


@pytest.mark.req("BZ-PRV-008")
@pytest.mark.parametrize("known", [True, False])
def test_what_several_phones_send_alike_tells_none_apart(
    phone: Phone,
    heard: Heard,
    privacy: Privacy,
    own_id: Callable[..., bytes],
    good_device: dict[str, object],
    known: bool,
) -> None:
    other_base = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"
    service = b"\x03\x02\x5a\x12"
    ours = with_more(phone(NOON_MS, 20), service)
    other = phone(
        NOON_MS, 20, name="other", id_at=lambda time_ms: own_id(time_ms, base_id=other_base), phase_ms=9000
    )

    def said(theirs: list[Sighting]) -> Verdict:
        both = heard([*ours, *theirs], alone=False, device=good_device if known else None)
        subject = replace(both, sightings=tuple(ours)) if known else both
        return privacy(subject, without=SLOW)["BZ-PRV-008"].verdict

    assert said(with_more(other, service)) is Verdict.PASS
    assert said(with_more(other, b"\x03\x02\x5b\x12")) is Verdict.FAIL
    assert said(other) is Verdict.FAIL


@pytest.mark.req("BZ-PRV-008")
def test_where_others_bear_pseudonyms_they_may_send_the_same(
    phone: Phone, heard: Heard, privacy: Privacy, good_device: dict[str, object]
) -> None:
    subject = heard(with_more(phone(NOON_MS, 20), b"\x05\x16\xaa\xfe\x01\x02"), device=good_device)
    (capture,) = subject.captures
    partial = replace(capture, capabilities={**capture.capabilities, Capability.TRUE_IDS: Extent.PARTIAL})
    found = privacy(replace(subject, captures=(partial,)), without=SLOW)["BZ-PRV-008"]
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    assert found.summary == (
        "what others send are pseudonyms, so that they may send the same: AD structure 0x16 stays the same with 2 "
        "ids; no other phone was heard to send it"
    )


@pytest.mark.req("BZ-PRV-008")
def test_without_addresses_it_stays_with_the_id_beside_it(
    phone: Phone, heard: Heard, privacy: Privacy
) -> None:
    sightings = [replace(each, address=None, address_type=None) for each in phone(NOON_MS, 20)]
    once = [*with_more(sightings[:1], b"\x05\x16\xaa\xfe\x01\x02"), *sightings[1:]]
    assert privacy(heard(once), without=SLOW)["BZ-PRV-008"].verdict is Verdict.PASS
    always = with_more(sightings, b"\x05\x16\xaa\xfe\x01\x02")
    assert privacy(heard(always), without=SLOW)["BZ-PRV-008"].verdict is Verdict.FAIL


@pytest.mark.req("BZ-PRV-008")
def test_an_extra_that_changes_with_the_id_links_nothing(
    phone: Phone, heard: Heard, privacy: Privacy
) -> None:
    sightings = phone(NOON_MS, 20)
    first, second = sightings[:30], sightings[30:]
    changing = [*with_more(first, b"\x03\x16\xaa\x01"), *with_more(second, b"\x03\x16\xaa\x02")]
    found = privacy(heard(changing), without=SLOW)["BZ-PRV-008"]
    assert found.verdict is Verdict.PASS
    assert "nothing of one phone's own stays the same" in found.summary


@pytest.mark.req("BZ-PRV-008", "BZ-PRV-021")
def test_frames_of_others_alone_are_no_evidence(
    heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting]
) -> None:
    found = privacy(heard([sighting(NOON_MS, name(b"lamp"))]), without=SLOW)
    for requirement in ("BZ-PRV-008", "BZ-PRV-021"):
        assert (found[requirement].verdict, found[requirement].reason) == (
            Verdict.INCONCLUSIVE,
            Reason.TOO_FEW_PACKETS,
        )
    assert found["BZ-PRV-020"].verdict is Verdict.NOT_OBSERVABLE
    assert found["BZ-PRV-009"].verdict is Verdict.INCONCLUSIVE


# --- what is stated ---


@pytest.mark.req("BZ-PRV-020")
def test_the_connectable_surface_is_stated(phone: Phone, heard: Heard, privacy: Privacy) -> None:
    sightings = phone(NOON_MS, 5)
    mixed = [replace(each, pdu=PduType.ADV_NONCONN_IND) for each in sightings[:4]] + sightings[4:]
    mixed.append(replace(sightings[0], pdu=PduType.SCAN_RSP, ad=name(b"An")))
    found = privacy(heard(mixed), without=SLOW)["BZ-PRV-020"]
    assert (found.verdict, found.judged) == (Verdict.PASS, 1500)
    assert found.summary.startswith(
        "stated: 900 of 1500 adverts connectable (ADV_IND 900, ADV_NONCONN_IND 600, SCAN_RSP 150), names told: 'An'"
    )


@pytest.mark.req("BZ-PRV-021")
def test_presence_is_stated_with_marks_and_signal(
    phone: Phone, heard: Heard, privacy: Privacy, sighting: Callable[..., Sighting]
) -> None:
    sightings = [
        *phone(NOON_MS, 1, rssi=-40),
        sighting(
            NOON_MS, b"\x02\x01\x1a" + IOS_UUID + name(b"Bluezone"), rssi=-93, address="5A:00:00:00:00:01"
        ),
        sighting(NOON_MS, OVERFLOW, rssi=None, address="5A:00:00:00:00:02"),
    ]
    found = privacy(heard(sightings, strangers=2), without=SLOW)["BZ-PRV-021"]
    assert (found.verdict, found.judged) == (Verdict.PASS, 600)
    assert found.summary == (
        "stated: 600 adverts tell that the app runs, from 4 addresses, received at -93 to -40 dBm: "
        "company 0x22B5 in 300, service UUID 0x4E56 in 300, local name Bluezone in 150, "
        "service UUID 00004e56-73f5-4bc4-a12f-17d1ad07a667 in 150, the overflow form in 150; "
        "2 other senders of Bluezone"
    )
    silent = privacy(heard([replace(each, rssi_min=None, rssi_max=None) for each in sightings]), without=SLOW)
    assert "received" not in silent["BZ-PRV-021"].summary
