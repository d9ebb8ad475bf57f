"""Who sent what: known by marks, linked by addresses and ids, put together only where one phone can be behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_harness.checks import senders as module
from bluezone_harness.checks.senders import frame_of, one_phone, senders, service_uuids
from bluezone_harness.observations import PduType
from bluezone_harness.sightings import Sighting
from bluezone_reference.ad_structures import AdStructure

START_MS = 1_597_276_800_000
ID = bytes(range(12))
OTHER = bytes(range(100, 112))
APPLE = bytes.fromhex("02011A05FF4C001005")

Make = Callable[..., Sighting]


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-009", "BZ-ADV-010", "F-21")
@pytest.mark.parametrize(
    ("ad", "platform", "octets"),
    [
        ("0303564E0FFFB522000102030405060708090A0B", "android", ID),
        ("0FFFB522000102030405060708090A0B", "android", ID),
        ("0303564E0FFF22B5000102030405060708090A0B", "android", ID),
        ("0303564E0FFFB52200", "android", None),
        ("0FFFB522000102030405060708090A0B0303", "android", ID),
        ("0303564E09FFB522614233785939", "android", None),
        ("09FFB522614233785939110789A807ADD1172FA1C44BF573F4390AE2", "android", b"aB3xY9"),
        ("110767A607ADD1172FA1C44BF573564E0000", "ios", None),
        ("110767A607ADD1172FA1C44BF573F4390AE2", "ios", None),
        ("14FF4C000108000000000000000000000000000000", "", None),
        ("02011A05FF4C001005", "", None),
        ("0FFF4C00000102030405060708090A0B", "", None),
        ("", "", None),
    ],
)
def test_a_frame_is_known_by_what_marks_it(
    sighting: Make, ad: str, platform: str, octets: bytes | None
) -> None:
    frame = frame_of(sighting(START_MS, bytes.fromhex(ad)))
    assert (frame.platform, frame.id_octets) == (platform, octets)
    assert frame.overflow is ad.startswith("14FF4C000108")


@pytest.mark.req("BZ-ADV-001")
def test_a_record_of_extended_advertising_may_be_longer(sighting: Make) -> None:
    long = b"\x03\x03\x56\x4e\x0f\xff\xb5\x22" + ID + bytes(30)
    assert frame_of(sighting(START_MS, long)).damage is not None
    assert frame_of(sighting(START_MS, long, pdu=PduType.ADV_EXT_IND)).damage is None


@pytest.mark.req("BZ-ADV-002")
def test_service_uuids_of_all_widths_are_one_list() -> None:
    tail = "00001000800000805f9b34fb"
    structures = [
        AdStructure(0, 0x02, bytes.fromhex("564E6FFD01")),
        AdStructure(6, 0x05, bytes.fromhex("564E000078563412")),
        AdStructure(8, 0x04, bytes.fromhex("7956341200")),
        AdStructure(9, 0x03, bytes.fromhex("18FA19")),
        AdStructure(10, 0x07, bytes(range(15, -1, -1)) + b"\x00"),
        AdStructure(12, 0x06, bytes.fromhex("67A607ADD1172FA1C44BF573564E0000")),
        AdStructure(30, 0x16, bytes.fromhex("AAAA")),
    ]
    assert service_uuids(structures) == {
        "00004e56" + tail,
        "0000fd6f" + tail,
        "12345678" + tail,
        "12345679" + tail,
        "0000fa18" + tail,
        "000102030405060708090a0b0c0d0e0f",
        "00004e5673f5417d".replace("417d", "4bc4") + "a12f17d1ad07a667",
    }


@pytest.mark.req("BZ-ADV-004", "BZ-PRV-005")
def test_addresses_and_ids_link_sightings(sighting: Make) -> None:
    heard = [
        sighting(START_MS, ID, address="4B:00:00:00:00:01"),
        sighting(START_MS + 30_000, ID, address="4B:00:00:00:00:02"),
        sighting(START_MS + 60_000, OTHER, address="4B:00:00:00:00:02"),
        sighting(START_MS + 90_000, OTHER, address=None),
        sighting(START_MS + 10_000, bytes(12), address="4B:00:00:00:00:03"),
        sighting(START_MS, APPLE, address="4B:00:00:00:00:01"),
        sighting(START_MS, b"", address="4B:00:00:00:00:03", pdu=PduType.SCAN_RSP),
        sighting(START_MS, b"\x09\x09abc", address="4B:00:00:00:00:02"),
        sighting(START_MS, b"\x09\x09abc", address="4B:00:00:00:00:04"),
    ]
    first, second = senders(heard[::-1])
    assert [each.ad for each in first.sightings] == [heard[n].ad for n in (0, 7, 1, 2, 3)]
    assert first.ids == {ID, OTHER}
    assert len(first.addresses) == 2
    assert len(first.windows) == 5
    assert (first.platform, second.platform) == ("android", "android")
    assert [each.pdu for each in second.sightings] == [PduType.SCAN_RSP, PduType.ADV_IND]


@pytest.mark.req("BZ-ADV-002")
def test_a_known_address_is_a_sender_whatever_it_sends(sighting: Make) -> None:
    heard = [sighting(START_MS, APPLE), sighting(START_MS, APPLE, address="4B:00:00:00:00:02")]
    assert not senders(heard)
    (found,) = senders(heard, {bytes.fromhex("4B0000000001")})
    assert found.sightings == (heard[0],)
    assert found.platform == ""
    assert (found.first_us, found.last_us) == (heard[0].first_us, heard[0].last_us)


@pytest.mark.req("BZ-KEY-010")
@pytest.mark.parametrize(
    ("pause_ms", "expected"), [(0, True), (15_000, True), (60_000, True), (60_001, False), (-1, False)]
)
def test_senders_in_turn_can_be_one_phone(sighting: Make, pause_ms: int, expected: bool) -> None:
    heard = [
        sighting(START_MS, ID, address="4B:00:00:00:00:01", seconds=10),
        sighting(START_MS + 10_000 + pause_ms, OTHER, address="4B:00:00:00:00:02", seconds=10),
    ]
    assert one_phone(senders(heard)) is expected
    assert one_phone(senders(heard)[:1])
    # and to the microsecond
    nearer = replace(heard[1], first_us=heard[1].first_us - 1)
    assert one_phone(senders([heard[0], nearer])) is (pause_ms in (15_000, 60_000))


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-003", "F-29")
@pytest.mark.parametrize(
    ("ad", "part"),
    [
        ("0303564E09FFB522000102030405", ID[:6]),
        ("0303564E10FFB522000102030405060708090A0B0C", bytes(range(13))),
        ("0303564E0FFFB5220001020304050607", ID[:8]),
        ("0303564E0FFFB52200010203", None),
        ("0303564E0FFF4C00000102030405060708", None),
        ("0303564E0FFFB522000102030405060708090A0B", None),
    ],
)
def test_a_part_of_an_id_still_tells_whose_frame_it_is(sighting: Make, ad: str, part: bytes | None) -> None:
    heard = sighting(START_MS, bytes.fromhex(ad))
    assert frame_of(heard).part == part
    (sender,) = senders([heard])
    assert sender.parts == (frozenset() if part is None else {part})


@pytest.mark.req("BZ-PRV-001")
def test_senders_are_kept_where_they_are_few_and_made_again_where_they_are_many(
    sighting: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = [
        sighting(START_MS + place * 1000, bytes([place]) * 12, address=f"4B:00:00:00:00:0{place}")
        for place in range(5)
    ]
    few = senders(heard)
    assert few[2] is few[2]
    monkeypatch.setattr(module, "HELD", 4)
    monkeypatch.setattr(module, "_MADE_AT_ONCE", 2)
    many = senders(heard)
    assert many[2] is not many[2]
    assert list(many) == list(few) == [many[place] for place in range(5)]
    assert [each.place for each in many[1:]] == [1, 2, 3, 4]
    for found in (few, many):
        with pytest.raises(IndexError, match="no such sender"):
            found[5]
