"""Frames on the air: each fault under its requirement, iPhones and old builds told apart, nothing judged twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from bluezone_harness.observations import AddressType, Capability, PduType
from bluezone_harness.results import Result
from bluezone_harness.sightings import Sighting

DAY_5_MS = 1_596_844_800_000 + 5 * 86_400_000
HOUR_MS = 3_600_000
DEVICE: dict[str, object] = {
    "base_id": "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084",
    "base_day": "2020-08-08",
}
FLAGS = bytes.fromhex("020102")
SERVICE = bytes.fromhex("0303564E")
ID = bytes.fromhex("b9a665d754fe65e665d76a45")
MANUFACTURER = b"\x0f\xff\xb5\x22" + ID
IOS_SERVICE = b"\x11\x07" + bytes.fromhex("67A607ADD1172FA1C44BF573564E0000")
OVERFLOW = bytes.fromhex("14FF4C000108") + bytes(15)
OLD_ANDROID = (
    FLAGS + b"\x09\xff\xb5\x22aB3xY9" + b"\x11\x07" + bytes.fromhex("89A807ADD1172FA1C44BF573F4390AE2")
)

Make = Callable[..., Sighting]
Sends = Callable[..., list[Sighting]]
Air = Callable[..., Result]
Verdicts = Callable[[Result], dict[str, str]]
ADV = [f"BZ-ADV-{number:03d}" for number in (1, 2, 3, 6, 7, 9, 10)]


def failing(result: Result) -> set[str]:
    return {each.id for each in result.requirements if each.verdict == "fail" and each.id[3:6] == "ADV"}


def named(name: bytes) -> bytes:
    return bytes([len(name) + 1, 0x09]) + name


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-006", "F-21", "F-29")
@pytest.mark.parametrize(
    ("ad", "wanted"),
    [
        (FLAGS + MANUFACTURER + SERVICE, set()),
        (SERVICE + MANUFACTURER, set()),
        (FLAGS + MANUFACTURER + bytes.fromhex("05020D18564E"), set()),
        (FLAGS + MANUFACTURER + SERVICE + bytes(8), set()),
        (FLAGS + MANUFACTURER + SERVICE + b"\x05\x16\x00", {"BZ-ADV-001"}),
        (FLAGS + SERVICE + MANUFACTURER[:-3], {"BZ-ADV-001"}),
        (FLAGS + MANUFACTURER + SERVICE + b"\x00\x01", {"BZ-ADV-001"}),
        (FLAGS + MANUFACTURER, {"BZ-ADV-002"}),
        (FLAGS + MANUFACTURER + b"\x02\x03\x56", {"BZ-ADV-002"}),
        (FLAGS + SERVICE, {"BZ-ADV-003"}),
        (FLAGS + SERVICE + b"\x09\xff\xb5\x22aB3xY9", {"BZ-ADV-003"}),
        (FLAGS + SERVICE + b"\x10\xff\xb5\x22" + ID + b"\x01", {"BZ-ADV-003"}),
        (FLAGS + SERVICE + b"\x0f\xff\x22\xb5" + ID, {"BZ-ADV-003"}),
        (FLAGS + SERVICE + b"\x02\xff\xb5", {"BZ-ADV-003"}),
        (OLD_ANDROID, {"BZ-ADV-002", "BZ-ADV-003"}),
        (MANUFACTURER + SERVICE + named(b"Linh"), {"BZ-ADV-006"}),
        (MANUFACTURER + SERVICE + b"\x02\x0a\x04", {"BZ-ADV-006"}),
        (MANUFACTURER + SERVICE + b"\x04\x16\x0f\x18\x64", {"BZ-ADV-006"}),
        (MANUFACTURER + SERVICE + b"\x05\xff\x4c\x00\x10\x05", {"BZ-ADV-006"}),
    ],
)
@pytest.mark.parametrize("device", [None, {**DEVICE, "address": "4B:00:00:00:00:01"}])
def test_a_frame_fails_where_it_is_wrong_and_nowhere_else(
    sighting: Make, air: Air, ad: bytes, wanted: set[str], device: dict[str, object] | None
) -> None:
    heard = [sighting(DAY_5_MS, ad)]
    found = failing(air(heard, device=device))
    assert found - {"BZ-ADV-004"} == wanted


@pytest.mark.req("BZ-ADV-001")
def test_what_is_cut_away_is_not_missed(sighting: Make, air: Air, verdicts: Verdicts) -> None:
    found = verdicts(air([sighting(DAY_5_MS, FLAGS + SERVICE + MANUFACTURER[:-3])]))
    assert (found["BZ-ADV-001"], found["BZ-ADV-002"], found["BZ-ADV-003"]) == ("fail", "pass", "inconclusive")


@pytest.mark.req("BZ-ADV-007")
@pytest.mark.parametrize(
    ("pdu", "verdict"),
    [
        (PduType.ADV_IND, "pass"),
        (PduType.ADV_NONCONN_IND, "fail"),
        (PduType.ADV_SCAN_IND, "fail"),
        (PduType.ADV_EXT_IND, "fail"),
        (None, "not_observable"),
    ],
)
def test_the_pdu_is_judged_where_it_is_known(
    sighting: Make, air: Air, verdicts: Verdicts, pdu: PduType | None, verdict: str
) -> None:
    heard = [sighting(DAY_5_MS, ID, pdu=pdu)]
    assert verdicts(air(heard))["BZ-ADV-007"] == verdict
    if verdict != "not_observable":
        blind = verdicts(air(heard, without=[Capability.PDU_TYPE]))
        assert blind["BZ-ADV-007"] == "not_observable"


@pytest.mark.req("BZ-ADV-001")
def test_what_a_source_cannot_show_is_not_observable(sighting: Make, air: Air, verdicts: Verdicts) -> None:
    found = verdicts(air([sighting(DAY_5_MS, ID)], without=[Capability.RAW_AD]))
    assert {found[each] for each in ADV} == {"not_observable"}


@pytest.mark.req("BZ-ADV-006")
@pytest.mark.parametrize(("response", "verdict"), [(named(b"Linh"), "fail"), (b"", "pass"), (FLAGS, "pass")])
def test_scan_responses_are_looked_at_too(
    sighting: Make, air: Air, verdicts: Verdicts, response: bytes, verdict: str
) -> None:
    heard = [sighting(DAY_5_MS, ID), sighting(DAY_5_MS + 50, response, pdu=PduType.SCAN_RSP)]
    assert verdicts(air(heard))["BZ-ADV-006"] == verdict
    elsewhere = [
        heard[0],
        sighting(DAY_5_MS + 50, response, pdu=PduType.SCAN_RSP, address="4C:00:00:00:00:02"),
    ]
    assert verdicts(air(elsewhere))["BZ-ADV-006"] == "pass"


@pytest.mark.req("BZ-ADV-009", "BZ-ADV-010")
@pytest.mark.parametrize(
    ("ad", "verdict"),
    [
        (IOS_SERVICE + named(b"Bluezone"), "pass"),
        (IOS_SERVICE, "pass"),
        (IOS_SERVICE + named(b"Linh"), "fail"),
        (OVERFLOW, "not_observable"),
        (b"\x02\x01\x1a" + b"\x05\xff\x4c\x00\x10\x05" + named(b"Linh's phone"), "not_observable"),
    ],
)
def test_an_iphones_frames(sighting: Make, air: Air, verdicts: Verdicts, ad: bytes, verdict: str) -> None:
    good = sighting(DAY_5_MS, IOS_SERVICE, address="4B:00:00:00:00:01")
    heard = [sighting(DAY_5_MS, ad, address="4B:00:00:00:00:02")]
    if verdict == "not_observable":
        found = verdicts(air([*heard, good]))
        assert found["BZ-ADV-009"] == "pass"
        assert found["BZ-ADV-010"] == ("pass" if ad == OVERFLOW else "not_observable")
        heard_only = verdicts(air(heard))
        assert heard_only["BZ-ADV-009"] == "inconclusive"
    else:
        found = verdicts(air(heard))
        assert found["BZ-ADV-009"] == verdict
        android = ("BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-006")
        assert {found[each] for each in android} == {"not_observable"}
        assert (found["BZ-ADV-001"], found["BZ-ADV-007"]) == ("pass", "pass")


@pytest.mark.req("BZ-ADV-004", "BZ-ADV-009", "BZ-KEY-010")
def test_an_iphone_with_its_key_shows_no_id_and_breaks_nothing(
    sighting: Make, air: Air, verdicts: Verdicts
) -> None:
    heard = [
        sighting(
            DAY_5_MS + number * 900_000, IOS_SERVICE, seconds=890, address=f"4B:00:00:00:00:{number:02X}"
        )
        for number in range(8)
    ]
    found = verdicts(air(heard, device={**DEVICE, "platform": "ios"}))
    assert "fail" not in found.values()
    assert (found["BZ-KEY-010"], found["BZ-ADV-004"], found["BZ-ADV-009"]) == (
        "not_observable",
        "not_observable",
        "pass",
    )


@pytest.mark.req("BZ-ADV-001", "F-21")
def test_the_profile_of_an_old_build_knows_its_frames(sighting: Make, air: Air, verdicts: Verdicts) -> None:
    found = verdicts(air([sighting(DAY_5_MS, OLD_ANDROID)], profile="v1"))
    assert (found["BZ-ADV-001"], found["BZ-ADV-007"]) == ("pass", "pass")
    assert (found["BZ-ADV-002"], found["BZ-ADV-003"]) == ("not_applicable", "not_applicable")


@pytest.mark.req("BZ-ADV-001")
def test_evidence_points_at_packets(sighting: Make, air: Air) -> None:
    heard = [
        sighting(DAY_5_MS + 40_000 * n, FLAGS + SERVICE, number=1000 + n, address=f"4B:00:00:00:00:{n:02X}")
        for n in range(12)
    ]
    result = air(heard)
    (found,) = [each for each in result.findings if each.requirement == "BZ-ADV-003"]
    assert (found.count, len(found.evidence)) == (12, 10)
    first = found.evidence[0]
    assert (first.kind, first.source, first.number, first.time_ms) == ("packet", "capture", 1000, DAY_5_MS)
    assert first.octets == FLAGS + SERVICE
    assert "4B:00:00:00:00:00" in first.text


# --- rhythm ---


@pytest.mark.req("BZ-ADV-008", "F-02")
@pytest.mark.parametrize(
    ("on_ms", "off_ms", "verdict"),
    [
        (15_000, 15_000, "pass"),
        (12_000, 15_000, "pass"),
        (150_000, 5_200, "pass"),
        (5_000, 55_000, "fail"),
        (60_000, 15_000, "fail"),
        (15_000, 40_000, "fail"),
    ],
)
def test_the_rhythm_is_judged_by_its_medians(
    sends: Sends, air: Air, verdicts: Verdicts, on_ms: int, off_ms: int, verdict: str
) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + HOUR_MS, on_ms=on_ms, off_ms=off_ms)
    for device in (None, DEVICE):
        assert verdicts(air(heard, device=device))["BZ-ADV-008"] == verdict


@pytest.mark.req("BZ-ADV-008")
def test_the_rhythm_is_left_open_where_the_capture_cannot_show_it(
    sends: Sends, air: Air, verdicts: Verdicts
) -> None:
    def found(heard: Iterable[Sighting], **of_capture: object) -> str:
        return verdicts(air(heard, **of_capture))["BZ-ADV-008"]

    odd = sends(DAY_5_MS, DAY_5_MS + HOUR_MS, on_ms=5_000, off_ms=55_000)
    assert found(odd) == "fail"
    assert found(odd, gaps=[(DAY_5_MS, DAY_5_MS + 10_000)]) == "inconclusive"
    assert found(odd[:5]) == "inconclusive"
    assert found(odd, without=[Capability.INTERVAL]) == "not_observable"
    assert (
        found(sends(DAY_5_MS, DAY_5_MS + HOUR_MS, on_ms=5_000, off_ms=55_000, every_ms=900)) == "inconclusive"
    )
    other = sends(DAY_5_MS, DAY_5_MS + HOUR_MS, ids=lambda _: b"\x07" * 12, phase_ms=4000, first_address=9000)
    assert found([*odd, *other]) == "not_observable"


@pytest.mark.req("BZ-ADV-008")
def test_hours_of_silence_do_not_change_the_rhythm(sends: Sends, air: Air, verdicts: Verdicts) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + HOUR_MS)
    heard += sends(DAY_5_MS + 6 * HOUR_MS, DAY_5_MS + 7 * HOUR_MS, first_address=900)
    assert verdicts(air(heard, device=DEVICE))["BZ-ADV-008"] == "pass"


@pytest.mark.req("BZ-ADV-007", "BZ-PRV-002")
def test_an_address_that_the_device_file_names_is_the_devices(sighting: Make, air: Air) -> None:
    other = sighting(DAY_5_MS, FLAGS + b"\x05\xff\x01\x02\x03\x04", address="00:11:22:33:44:55")
    stranger = [
        sighting(
            DAY_5_MS + at,
            bytes([at % 251]) * 12,
            address="4C:00:00:00:00:07",
            address_type=AddressType.RESOLVABLE,
        )
        for at in (0, 30_000)
    ]
    device = {**DEVICE, "address": "00:11:22:33:44:55", "platform": "android"}
    result = air([other, *stranger], device=device)
    assert result.devices[0].sightings == 1
    blamed = {
        each.evidence[0].octets
        for each in result.findings
        if each.evidence and each.requirement[3:6] == "ADV"
    }
    assert blamed <= {other.ad}


@pytest.mark.req("BZ-ADV-005")
@pytest.mark.parametrize(("minutes", "verdict"), [(14, "inconclusive"), (16, "pass")])
def test_a_second_id_shows_that_the_first_was_not_sent_on(
    sends: Callable[..., list[Sighting]],
    air: Callable[..., Result],
    verdicts: Callable[[Result], dict[str, str]],
    good_device: dict[str, object],
    minutes: int,
    verdict: str,
) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + minutes * 60_000)
    assert verdicts(air(heard, device=good_device))["BZ-ADV-005"] == verdict
